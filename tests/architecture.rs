//! Holds the one rule about imports: they point the way a record travels or down to the vocabulary, never back.
//!
//! The test reads `src/`, finds every path that begins with `crate::` or leaves its module by `super::`, and every use of the
//! crate's own logging macros, and compares them with [`MODULES`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A module at the top of the crate and the others that it may import.
struct Module {
    name: &'static str,
    imports: &'static [&'static str],
}

const fn module(name: &'static str, imports: &'static [&'static str]) -> Module {
    Module { name, imports }
}

/// Every module, in the order of the `mod` lines of `lib.rs`: the journey, what stands on top of it, the vocabulary.
#[rustfmt::skip]
const MODULES: &[Module] = &[
    // What a caller writes expands to `__private`, which knows the caller's end of the journey.
    module("macros", &["__private"]),
    module("__private", &["callsite", "context", "level", "logger", "names", "rate", "record", "span", "template", "value"]),

    // The caller's side.
    module("callsite", &["level", "sync", "template", "value"]),
    module("record", &["callsite", "context", "level", "names", "sync", "template", "text", "time", "value"]),
    module("logger", &["callsite", "context", "error", "filter", "level", "metrics", "names", "policy", "queue", "record",
                       "sync", "time", "value"]),
    module("span", &["callsite", "context", "level", "logger", "names", "policy", "sync", "time", "value"]),

    // Between the two sides.
    module("queue", &["level", "metrics", "policy", "record", "sync", "time", "value"]),

    // The handler's side. Filters, formatters and handlers know records, and neither queue, worker nor logger.
    module("worker", &["callsite", "error", "exit", "filter", "formatter", "handler", "level", "metrics", "policy", "queue", "record", "sync",
                       "sys", "template", "time", "value"]),
    module("filter", &["error", "level", "rate", "record", "sync", "time", "value"]),
    module("formatter", &["error", "level", "record", "text", "time", "value", "zone"]),
    module("handler", &["error", "filter", "formatter", "level", "policy", "record", "stdio", "sync", "sys",
                        "text", "time", "value", "zone"]),

    // On top of the journey.
    module("config", &["error", "exit", "filter", "formatter", "handler", "level", "logger", "macros", "metrics", "policy", "queue", "shutdown",
                       "sync", "sys", "time", "value", "worker"]),
    // A panic is logged as a macro would, at a call site that is made for it.
    module("shutdown", &["__private", "callsite", "exit", "level", "logger", "sync", "template", "value", "worker"]),
    module("bridge", &["callsite", "config", "context", "error", "handler", "level", "logger", "names", "policy", "queue", "record", "span", "sync",
                       "time", "value"]),
    // Captures of tests: a handler that all loggers have, and what tests ask of it.
    module("testing", &["config", "context", "error", "formatter", "handler", "level", "logger", "record", "sync", "time", "value", "worker"]),
    module("compat", &["__private", "callsite", "context", "level", "logger", "macros", "names", "span", "value"]),
    module("exit", &["error", "sync", "sys"]),

    // The vocabulary, from what knows others down to what knows none.
    module("context", &["error", "names", "text", "value"]),
    module("names", &["sync", "text", "value"]),
    module("template", &["error", "render", "value"]),
    module("render", &[]),
    module("value", &["error", "text"]),
    module("text", &[]),
    module("zone", &["error"]),
    module("error", &["rate", "stdio", "sync", "sys", "text", "time"]),
    module("metrics", &["level", "sync", "time"]),
    module("rate", &["time"]),
    module("policy", &["level"]),
    module("level", &[]),
    module("time", &["sync", "sys"]),
    module("sync", &[]),

    // The operating system's.
    module("stdio", &[]),
    module("sys", &[]),

    // The documents of docs/guide/, for rustdoc.
    module("guide", &[]),
];

/// What a single file may import besides: the handler of last resort is a handler with a worker like any other, and
/// it belongs to loggers because it serves those that nobody configured.
const EXCEPTIONS: &[(&str, &[&str])] =
    &[("logger/last_resort.rs", &["handler", "worker"]), ("logger/mod.rs", &["worker"])];

/// The macros that stand for the module `macros` where the crate uses them itself.
const MACROS: &[&str] = &[
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "critical",
    "log",
    "enabled",
    "log_enabled",
    "span",
    "info_span",
    "context",
    "__femtologging",
    "__femtologging_wrong",
];

/// The macros of the module `testing`.
const ASSERTIONS: &[&str] = &["__femtologging_expected", "assert_logged", "assert_logged_once", "assert_not_logged"];

#[test]
fn imports_follow_the_record() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = tokens(&read(&source.join("lib.rs")));
    let reexports = reexports(&lib);
    let mut wrong = String::new();
    for path in rust_files(&source) {
        let file = relative(&path, &source);
        if file == "lib.rs" {
            continue;
        }
        let module = top_module(&file);
        let allowed = |import: &str| {
            import == module
                || MODULES.iter().any(|row| row.name == module && row.imports.contains(&import))
                || EXCEPTIONS.iter().any(|(name, more)| *name == file && more.contains(&import))
        };
        for name in imports(&file, &tokens(&read(&path))) {
            let import = origin(&name, &reexports);
            if !allowed(import) {
                writeln!(wrong, "src/{file} imports `{import}`{}", by_name(&name, import)).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "against the table in tests/architecture.rs:\n{wrong}");
}

/// The module that a name at the top of the crate stands for. Some functions have a module's name.
fn origin<'a>(name: &'a str, reexports: &'a BTreeMap<String, String>) -> &'a str {
    let function = name.strip_suffix("()");
    let is_module = function.is_none() && MODULES.iter().any(|row| row.name == name);
    match reexports.get(function.unwrap_or(name)) {
        Some(module) if !is_module => module,
        _ if ASSERTIONS.contains(&name) => "testing",
        _ if (MACROS.contains(&name) || name.starts_with("__femtologging_tracing")) && !is_module => "macros",
        _ => name,
    }
}

fn by_name(name: &str, import: &str) -> String {
    if name == import { String::new() } else { format!(" (as crate::{name})") }
}

#[test]
fn the_table_names_every_module_in_the_order_of_lib_rs() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let names: Vec<_> = MODULES.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(mod_lines(&tokens(&read(&source.join("lib.rs")))), names);

    let entries = std::fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<_> = entries.map(|entry| entry.trim_end_matches(".rs").to_owned()).collect();
    let expected: BTreeSet<_> = names.into_iter().chain(["bin".to_owned(), "lib".to_owned()]).collect();
    assert_eq!(found, expected, "files and folders of src/");
}

#[test]
fn the_table_has_no_cycle() {
    // A module is settled once all its imports are; a cycle is what never settles.
    let mut settled = BTreeSet::new();
    loop {
        let ready = MODULES.iter().filter(|row| row.imports.iter().all(|import| settled.contains(import)));
        let next: BTreeSet<_> = ready.map(|row| row.name).collect();
        if next == settled {
            break;
        }
        settled = next;
    }
    let cyclic: Vec<_> = MODULES.iter().map(|row| row.name).filter(|name| !settled.contains(name)).collect();
    assert_eq!(cyclic, Vec::<&str>::new());

    // The exceptions do not close a cycle either: nothing below `worker` and `handler` imports `logger`.
    let reaches_logger = |from: &str| reachable(from).contains("logger");
    for (file, imports) in EXCEPTIONS {
        assert_eq!(top_module(file), "logger");
        assert!(!imports.iter().any(|import| reaches_logger(import)), "{file}");
    }
}

#[test]
fn files_of_one_folder_do_not_import_each_other_in_a_circle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for folder in folders(&source) {
        let siblings = siblings(&folder, &source);
        let reachable = |from: &str| {
            let (mut found, mut todo) = (BTreeSet::new(), vec![from.to_owned()]);
            while let Some(file) = todo.pop() {
                todo.extend(siblings[&file].iter().filter(|next| found.insert((*next).clone())).cloned());
            }
            found
        };
        let circle: Vec<_> = siblings.keys().filter(|file| reachable(file).contains(*file)).cloned().collect();
        if !circle.is_empty() {
            found.push((relative(&folder, &source), circle));
        }
    }
    assert_eq!(found, []);
}

/// The files and folders directly below a module's folder, and which of the others each of them imports.
///
/// A name that the folder's own module re-exports counts as an import of the file that defines it. The module itself is
/// no sibling: it declares the others and may use them, and they may use what it defines.
fn siblings(folder: &Path, source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let name = relative(folder, source);
    let prefix = module_path(&format!("{name}/mod.rs"));
    let files: Vec<_> = rust_files(folder).iter().map(|path| relative(path, source)).collect();
    let node = |file: &str| file[name.len() + 1..].split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    let mut imports: BTreeMap<_, BTreeSet<String>> = files.iter().map(|file| (node(file), BTreeSet::new())).collect();
    imports.remove("mod");
    let own = [format!("{name}/mod.rs"), format!("{name}.rs")];
    let own = own.iter().map(|file| source.join(file)).find(|path| path.exists()).unwrap();
    let own = tokens(&read(&own));
    let mut reexports = BTreeMap::new();
    for (at, _) in own.iter().enumerate().filter(|(_, token)| **token == Token::Word("use".to_owned())) {
        for path in use_tree(&own[at + 1..]) {
            let path = if path[0] == "self" { &path[1..] } else { &path[..] };
            if let [file, .., item] = path
                && imports.contains_key(file)
            {
                reexports.insert(item.clone(), file.clone());
            }
        }
    }
    for file in &files {
        let from = node(file);
        for path in paths(file, &tokens(&read(&source.join(file)))) {
            let Some(first) = path.strip_prefix(&prefix[..]).and_then(<[_]>::first) else { continue };
            let to = if imports.contains_key(first) { Some(first) } else { reexports.get(first) };
            if let (Some(to), Some(imports)) = (to.cloned(), imports.get_mut(&from))
                && to != from
            {
                imports.insert(to);
            }
        }
    }
    imports
}

/// All folders below `src/`, the deeper ones as well.
fn folders(source: &Path) -> BTreeSet<PathBuf> {
    let files = rust_files(source);
    let folders = files.iter().flat_map(|file| file.ancestors().skip(1).take_while(|folder| *folder != source));
    folders.map(Path::to_owned).collect()
}

/// The names of the modules from the top of the crate down to a file.
fn module_path(file: &str) -> Vec<String> {
    file.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").map(str::to_owned).collect()
}

/// Every path that a file writes from `crate`, `self` or `super`, from the top of the crate.
fn paths(file: &str, tokens: &[Token]) -> Vec<Vec<String>> {
    let mut module = module_path(file);
    let top = module.len();
    let mut inline = Vec::new();
    let mut braces = 0;
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        match &tokens[at..] {
            [Token::Word(keyword), Token::Word(name), Token::Mark('{'), ..] if keyword == "mod" => {
                inline.push(braces);
                module.push(name.clone());
            }
            [Token::Mark('{'), ..] => braces += 1,
            [Token::Mark('}'), ..] => {
                braces -= 1;
                if inline.pop_if(|opened| *opened == braces).is_some() {
                    module.pop();
                }
            }
            [Token::Word(root), Token::Path, ..]
                if ["crate", "self", "super"].contains(&root.as_str())
                    && (at == 0 || tokens[at - 1] != Token::Path) =>
            {
                for path in use_tree(&tokens[at..]) {
                    let mut from = if path[0] == "crate" { Vec::new() } else { module.clone() };
                    for part in path {
                        match part.as_str() {
                            "crate" | "self" => {}
                            "super" => drop(from.pop()),
                            _ => from.push(part),
                        }
                    }
                    found.push(from);
                }
            }
            _ => {}
        }
    }
    assert_eq!(module.len(), top, "{file}");
    found
}

/// The paths of the `use` tree, or the path of the expression, that `tokens` begin with. An alias takes the place of
/// the name that it stands for.
fn use_tree(tokens: &[Token]) -> Vec<Vec<String>> {
    fn read(tokens: &[Token], at: &mut usize, prefix: &[String], found: &mut Vec<Vec<String>>) {
        let mut path = prefix.to_vec();
        loop {
            match tokens.get(*at) {
                Some(Token::Word(word)) => path.push(word.clone()),
                Some(Token::Mark('*')) => path.push("*".to_owned()),
                Some(Token::Mark('{')) => {
                    *at += 1;
                    while !matches!(tokens.get(*at), Some(Token::Mark('}')) | None) {
                        read(tokens, at, &path, found);
                        if tokens.get(*at) == Some(&Token::Mark(',')) {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                _ => return,
            }
            *at += 1;
            match (tokens.get(*at), tokens.get(*at + 1)) {
                (Some(Token::Path), Some(Token::Word(_) | Token::Mark('*' | '{'))) => *at += 1,
                (Some(Token::Word(keyword)), Some(Token::Word(alias))) if keyword == "as" => {
                    path.pop();
                    path.push(alias.clone());
                    *at += 2;
                    break;
                }
                _ => break,
            }
        }
        if path.len() > prefix.len() + 1 || path.last().is_some_and(|last| last != "self") {
            found.push(path);
        } else {
            found.push(prefix.to_vec());
        }
    }
    let mut found = Vec::new();
    read(tokens, &mut 0, &[], &mut found);
    found.retain(|path| !path.is_empty());
    found
}

#[test]
fn every_unsafe_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("src");
    let lifts = |word: &Token| *word == Token::Word("unsafe".to_owned());
    let files = rust_files(&source).into_iter().filter(|path| tokens(&read(path)).iter().any(lifts));
    let found: BTreeSet<_> = files.map(|path| relative(&path, &source)).collect();
    let documents = read(&root.join("docs/UNSAFE.md"));
    let headings = documents.lines().filter_map(|line| line.strip_prefix("## `src/")?.split('`').next());
    assert_eq!(found, headings.map(str::to_owned).collect());
}

/// All modules that a module imports, directly or not.
fn reachable(from: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut todo = vec![from.to_owned()];
    while let Some(name) = todo.pop() {
        for import in MODULES.iter().filter(|row| row.name == name).flat_map(|row| row.imports) {
            if found.insert(*import) {
                todo.push((*import).to_owned());
            }
        }
    }
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A file's path below a folder, with slashes.
fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("src/bin") {
            // Programs, which see the library from outside.
        } else if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The module at the top of the crate that a file below `src/` belongs to.
fn top_module(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The names that a file takes from the top of the crate: modules, re-exported items, or `*`.
fn imports(file: &str, tokens: &[Token]) -> BTreeSet<String> {
    // How far below the top of the crate the code stands: its file, and each `mod name {` around it.
    let parts = file.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").count();
    let mut inline = Vec::new();
    let mut braces = 0;
    let mut names = BTreeSet::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [Token::Word(keyword), Token::Word(_), Token::Mark('{'), ..] if keyword == "mod" => {
                inline.push(braces);
                braces += 1;
                at += 3;
                continue;
            }
            [Token::Mark('{'), ..] => braces += 1,
            [Token::Mark('}'), ..] => {
                braces -= 1;
                inline.pop_if(|opened| *opened == braces);
            }
            [Token::Word(root), Token::Path, rest @ ..] if root == "crate" => names.extend(first_names(rest)),
            [Token::Word(up), Token::Path, rest @ ..] if up == "super" => {
                let mut ups = 1;
                let mut rest = rest;
                while let [Token::Word(up), Token::Path, more @ ..] = rest
                    && up == "super"
                {
                    ups += 1;
                    rest = more;
                    at += 2;
                }
                let depth = parts + inline.len();
                assert!(ups <= depth, "{file}: `super::` beyond the top of the crate");
                if ups == depth {
                    names.extend(first_names(rest));
                }
            }
            [Token::Word(name), Token::Mark('!'), Token::Mark('(' | '[' | '{'), ..]
                if MACROS.contains(&name.as_str()) =>
            {
                names.insert("macros".to_owned());
            }
            _ => {}
        }
        at += 1;
    }
    names
}

/// The first name of each branch of the path or `use` tree that `tokens` begin with; `name()` for a call.
fn first_names(tokens: &[Token]) -> Vec<String> {
    match tokens {
        [Token::Word(name), Token::Mark('('), ..] => vec![format!("{name}()")],
        [Token::Word(name), ..] => vec![name.clone()],
        [Token::Mark('*'), ..] => vec!["*".to_owned()],
        [Token::Mark('{'), rest @ ..] => {
            let mut names = Vec::new();
            let mut depth = 0;
            let mut is_first = true;
            for token in rest {
                match token {
                    Token::Mark('{') => depth += 1,
                    Token::Mark('}') if depth == 0 => break,
                    Token::Mark('}') => depth -= 1,
                    Token::Mark(',') if depth == 0 => is_first = true,
                    Token::Word(name) if is_first && name != "self" => {
                        names.push(name.clone());
                        is_first = false;
                    }
                    Token::Mark('*') if is_first => names.push("*".to_owned()),
                    _ => {}
                }
            }
            names
        }
        _ => Vec::new(),
    }
}

/// The modules that `lib.rs` declares, in order.
fn mod_lines(tokens: &[Token]) -> Vec<String> {
    let lines = tokens.windows(3).filter_map(|window| match window {
        [Token::Word(keyword), Token::Word(name), Token::Mark(';')] if keyword == "mod" => Some(name.clone()),
        _ => None,
    });
    lines.collect()
}

/// Which module each name comes from that `lib.rs` re-exports.
fn reexports(tokens: &[Token]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (at, token) in tokens.iter().enumerate() {
        let [Token::Word(module), Token::Path, tree @ ..] = &tokens[at + 1..] else {
            continue;
        };
        if *token == Token::Word("use".to_owned()) {
            names.extend(first_names(tree).into_iter().map(|name| (name, module.clone())));
        }
    }
    names
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// `::`.
    Path,
    Mark(char),
}

/// Splits source text into words and marks, without comments, literals, lifetimes and what only tests compile.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' | 'c' if literal(rest).is_some() => literal(rest).unwrap_or(1),
            '\'' => quote(rest),
            c if c.is_alphanumeric() || c == '_' => {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
            ':' if rest.starts_with("::") => {
                tokens.push(Token::Path);
                2
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token::Mark(c));
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    without_tests(tokens)
}

/// The length of a comment `/* … */`, which may hold others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a string literal that begins with its quote.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a literal with a prefix: `r"…"`, `br#"…"#`, `b'…'`, `c"…"`; `None` if it is a word.
fn literal(text: &str) -> Option<usize> {
    let prefix = text.find(|c| !matches!(c, 'r' | 'b' | 'c'))?;
    let after = &text[prefix..];
    if !text[..prefix].contains('r') {
        let body =
            if after.starts_with('"') { string(after) } else { after.starts_with('\'').then(|| quote(after))? };
        return Some(prefix + body);
    }
    let hashes = after.find(|c| c != '#')?;
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(prefix + hashes + 1 + body.find(&end).map_or(body.len(), |at| at + end.len()))
}

/// The length of a character literal or of a lifetime's quote.
fn quote(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, c))) => {
            let from = at + c.len_utf8();
            text[from..].find('\'').map_or(text.len(), |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// Leaves out every item that stands under `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let marker = [
        Token::Mark('#'),
        Token::Mark('['),
        Token::Word("cfg".to_owned()),
        Token::Mark('('),
        Token::Word("test".to_owned()),
        Token::Mark(')'),
        Token::Mark(']'),
    ];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&marker) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += marker.len();
        let mut depth = 0;
        while at < tokens.len() {
            at += 1;
            match tokens[at - 1] {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') if depth == 1 => break,
                Token::Mark('}') => depth -= 1,
                Token::Mark(';') if depth == 0 => break,
                _ => {}
            }
        }
    }
    kept
}

/// The reader itself, on source that has every case.
#[test]
fn the_reader_sees_paths_and_nothing_else() {
    let source = r##"
        use crate::{level::Level, queue::{self, ring::Ring}, time};
        use super::super::record::Header; // super::comment, crate::comment
        use super::sibling;
        /* crate::a /* crate::b */ crate::c */
        fn f<'a>(x: &'a str) -> crate::error::Error {
            let _ = ("crate::string \" crate::more", r#"crate::raw " crate::raw"#, b'"', '\'', '"', br"crate::x");
            critical!("crate::message");
            not_info!("x");
            if a != b {}
        }
        mod inner {
            use super::super::super::policy::Idle;
            use super::super::near;
        }
        use super::super::*;
        #[cfg(test)]
        mod tests { use crate::config::Config; fn g() { {} } }
        #[cfg(test)]
        use crate::handler;
        fn last() { crate::metrics() + crate::metrics::X }
    "##;
    let expected = ["*", "error", "level", "macros", "metrics", "metrics()", "policy", "queue", "record", "time"]
        .map(str::to_owned);
    assert_eq!(imports("worker/run.rs", &tokens(source)), expected.into());

    let lib = tokens("mod queue; pub mod time; pub use queue::{Queue, per::Thread}; pub use time::Clock;");
    assert_eq!(mod_lines(&lib), ["queue", "time"]);
    let names = reexports(&lib);
    assert_eq!(names.get("Queue").map(String::as_str), Some("queue"));
    assert_eq!(names.get("Clock").map(String::as_str), Some("time"));
    let names = BTreeMap::from([("metrics".to_owned(), "config".to_owned())]);
    assert_eq!((origin("metrics", &names), origin("metrics()", &names)), ("metrics", "config"));
}
