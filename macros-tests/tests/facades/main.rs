//! The calls in the tests of the crates `tracing` and `log`, compiled with the macros of this crate.
//!
//! The files are read from where cargo has fetched the dependencies; nothing of them is in this repository. Each
//! statement with a call becomes a statement of a generated program, and those that do not compile are removed until
//! the rest does. For `tracing`, the program makes each call by both crates' macros, and what the calls make is compared.

mod check;
mod source;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use check::{Package, source_of};
use source::{Function, Piece, closures, tests};

const TRACING_MACROS: &[&str] = &[
    "callsite",
    "debug",
    "debug_span",
    "enabled",
    "error",
    "error_span",
    "event",
    "event_enabled",
    "info",
    "info_span",
    "record_all",
    "span",
    "span_enabled",
    "trace",
    "trace_span",
    "warn",
    "warn_span",
];

/// Returns the number of calls of these macros in a statement.
fn calls(statement: &str, macros: &[&str]) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    statement
        .match_indices('!')
        .filter(|(at, _)| {
            let start = statement[..*at].rfind(|c| !is_word(c)).map_or(0, |before| before + 1);
            let is_followed = statement[at + 1..].trim_start().starts_with(['(', '{']);
            is_followed && macros.contains(&&statement[start..*at])
        })
        .count()
}

/// A test file of another crate.
struct TestFile {
    name: &'static str,
    imports: Vec<String>,
    functions: Vec<Function>,
}

/// Returns the paths that `use tracing::{…};` imports at the top of a file.
fn imports(file: &str) -> Vec<String> {
    fn flatten(prefix: &str, tree: &str, found: &mut Vec<String>) {
        let (mut depth, mut start) = (0, 0);
        for (at, c) in tree.char_indices().chain([(tree.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    let item = tree[start..at].trim();
                    start = at + 1;
                    match item.split_once("::{") {
                        Some((path, inner)) => {
                            flatten(&format!("{prefix}::{path}"), inner.trim_end_matches('}'), found)
                        }
                        None if item.is_empty() => {}
                        None => found.push(format!("{prefix}::{item}")),
                    }
                }
                _ => {}
            }
        }
    }
    let Some((_, rest)) = file.split_once("\nuse tracing::{") else { return Vec::new() };
    let (tree, _) = rest.split_once("};").expect("an end");
    let mut found = Vec::new();
    flatten("tracing", tree, &mut found);
    found
}

/// The pieces of a program that do not compile, each with the module where the compiler has found it.
type Removed = BTreeMap<usize, &'static str>;

/// The text of a program, and the piece and the module of each of its lines.
type Text = (String, Vec<Option<(usize, &'static str)>>);

/// The generated program for `tracing`.
struct Program {
    files: Vec<TestFile>,
}

impl Program {
    /// Returns the text of `main.rs`, without the pieces that have been removed.
    fn text(&self, removed: &Removed) -> Text {
        let mut lines: Vec<(String, Option<(usize, &'static str)>)> = Vec::new();
        lines.push(("#![allow(warnings)]\nmod program;\nuse program::*;\n".to_owned(), None));
        let mut run = String::new();
        for (module, facade) in [("by_tracing", "::tracing"), ("by_compat", "::femtologging::compat::tracing")] {
            let mut number = 0;
            for file in &self.files {
                let prelude = if file.name == "macros" { "#[no_implicit_prelude]\n" } else { "" };
                lines.push((format!("{prelude}mod {module}_{} {{\nuse {facade} as tracing;", file.name), None));
                for import in &file.imports {
                    number += 1;
                    let is_left = !removed.contains_key(&number);
                    lines
                        .push((if is_left { format!("use {import};") } else { String::new() }, Some((number, module))));
                }
                if file.name == "macros" {
                    lines.push(("use crate::DisplayDebug;\nuse ::std::string::ToString;".to_owned(), None));
                }
                for function in &file.functions {
                    writeln!(run, "    {module}_{}::{}();", file.name, function.name).unwrap();
                    lines.push((format!("pub fn {}() {{", function.name), None));
                    for piece in &function.pieces {
                        number += 1;
                        if removed.contains_key(&number) {
                            continue;
                        }
                        let text = match piece {
                            Piece::Other(text) => text.clone(),
                            Piece::Call(text) => {
                                let text = match is_span(text) {
                                    true => format!("crate::{module}_span({});", text.trim_end_matches(';')),
                                    false => format!("{}{}", text, if text.ends_with(';') { "" } else { ";" }),
                                };
                                format!("{text} crate::{module}_end({number});")
                            }
                        };
                        lines.push((text, Some((number, module))));
                    }
                    lines.push(("}".to_owned(), None));
                }
                lines.push(("}".to_owned(), None));
            }
        }
        lines.push((format!("fn main() {{\n    system();\n{run}}}\n{DISPLAY_DEBUG}"), None));
        join(lines)
    }
}

/// Removes pieces of a program until it compiles. `text` returns its text without those that have been removed.
fn settle(package: &Package, removed: &mut Removed, text: impl Fn(&Removed) -> Text) {
    for _ in 0..20 {
        let (text, pieces) = text(removed);
        package.write("main.rs", &text);
        let (lines, errors) = package.errors();
        if errors.is_empty() {
            return;
        }
        let before = removed.len();
        for line in lines {
            if let Some((piece, module)) = pieces[line - 1] {
                removed.entry(piece).or_insert(module);
            }
        }
        assert!(removed.len() > before, "{}", errors.join("\n"));
    }
    panic!("it does not compile after twenty rounds");
}

/// Puts lines together, each with the piece that it is of.
fn join(lines: Vec<(String, Option<(usize, &'static str)>)>) -> Text {
    let (mut text, mut pieces) = (String::new(), Vec::new());
    for (line, piece) in lines {
        text.push_str(&line);
        text.push('\n');
        pieces.resize(text.matches('\n').count(), piece);
    }
    (text, pieces)
}

/// Returns whether a statement is a span and nothing else.
fn is_span(statement: &str) -> bool {
    let call = statement.trim_start_matches("tracing::");
    let name = call.split('!').next().unwrap_or_default();
    (name == "span" || name.ends_with("_span"))
        && !name.contains(' ')
        && statement.ends_with(");")
        && !statement.contains(").")
}

/// What a test file defines for itself, for both.
const DISPLAY_DEBUG: &str = "
#[derive(Debug)]
pub struct DisplayDebug;
impl std::fmt::Display for DisplayDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(\"Foo\")
    }
}
";

/// Takes the functions of a file apart that contain what the second argument calls a call.
type Split = fn(&str, &dyn Fn(&str) -> bool) -> Vec<Function>;

#[test]
#[ignore = "compiles programs for a minute; .ci/run asks for it"]
fn tracing_has_the_same_calls_with_the_same_meaning() {
    let folder = source_of("tracing").join("tests");
    let is_call = |statement: &str| calls(statement, TRACING_MACROS) > 0;
    let read = |name: &'static str, split: Split| {
        let file = std::fs::read_to_string(folder.join(format!("{name}.rs"))).expect("tracing has the file");
        TestFile { name, imports: imports(&file), functions: split(&file, &is_call) }
    };
    let files = vec![read("macros", tests), read("event", closures), read("span", closures)];
    let (program, mut removed) = (Program { files }, Removed::new());
    let package =
        Package::new("tracing-calls", "\"compat-tracing\"", "tracing = { version = \"0.1\", features = [\"std\"] }");
    package.write("program.rs", include_str!("program.rs"));
    settle(&package, &mut removed, |removed| program.text(removed));

    let (mut number, mut wrong) = (0, String::new());
    for file in &program.files {
        number += file.imports.len();
        let (mut all, mut taken) = (0, 0);
        for piece in file.functions.iter().flat_map(|function| &function.pieces) {
            number += 1;
            let Piece::Call(text) = piece else { continue };
            let count = calls(text, TRACING_MACROS);
            all += count;
            match removed.get(&number) {
                None => taken += count,
                Some(module) if *module == "by_tracing" => println!("not by tracing itself: {text}"),
                // Its import does not compile, and is removed first.
                Some(_) if text.contains("callsite!") => {}
                Some(_) => writeln!(wrong, "not taken: {text}").unwrap(),
            }
        }
        println!("tests/{}.rs: {taken} of {all} calls", file.name);
        assert!(taken * 100 >= all * 98, "tests/{}.rs: {taken} of {all} calls\n{wrong}", file.name);
    }
    assert!(wrong.is_empty(), "{wrong}");

    let output = package.run();
    let mut told: BTreeMap<usize, [Option<&str>; 2]> = BTreeMap::new();
    for line in output.lines() {
        let mut words = line.splitn(3, ' ');
        let (by, number, text) = (words.next().unwrap(), words.next().unwrap(), words.next());
        told.entry(number.parse().unwrap()).or_default()[usize::from(by == "compat")] = text;
    }
    println!(
        "{} statements, {} of which make records",
        told.len(),
        told.values().filter(|it| it[0] != Some("[]")).count()
    );
    let different = told.values().filter(|told| told[0] != told[1]);
    let different: Vec<_> =
        different.map(|[by_tracing, by_compat]| format!("{by_tracing:?}\n{by_compat:?}\n")).collect();
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), told.len(), different.concat());
}

const LOG_MACROS: &[&str] = &["all_log_macros", "debug", "error", "info", "log", "log_enabled", "trace", "warn"];

/// What `log`'s test file defines for itself. Its logger becomes one of this crate.
const LOG_HEADER: &str = "
#![allow(warnings)]
use ::femtologging as log;
use log::{log, log_enabled};
static Logger: std::sync::LazyLock<log::FemtoLogger> = std::sync::LazyLock::new(log::root_logger);
#[derive(Debug)]
enum Type { Some, None }
macro_rules! all_log_macros {
    ($($arg:tt)*) => {{
        log::trace!($($arg)*);
        log::debug!($($arg)*);
        log::info!($($arg)*);
        log::warn!($($arg)*);
        log::error!($($arg)*);
    }};
}
";

/// The values that `log` takes by a crate that this one does not depend on.
const NOT_OF_LOG: &[&str] = &["a:sval = 42"];

#[test]
#[ignore = "compiles programs for a minute; .ci/run asks for it"]
fn log_has_the_same_calls() {
    let path = source_of("log").join("tests/macros.rs");
    let file = std::fs::read_to_string(path).expect("log has the file").replace("#[cfg(feature = \"kv\")]\n    ", "");
    let functions = tests(&file, &|statement| calls(statement, LOG_MACROS) > 0);
    let package = Package::new("log-calls", "\"log\", \"serde\"", "");
    let mut removed = Removed::new();
    settle(&package, &mut removed, |removed| {
        let mut lines = vec![(LOG_HEADER.to_owned(), None)];
        let mut number = 0;
        for function in &functions {
            lines.push((format!("fn {}() {{", function.name), None));
            for piece in &function.pieces {
                number += 1;
                let (Piece::Call(text) | Piece::Other(text)) = piece;
                if !removed.contains_key(&number) {
                    lines.push((text.replace("= Logger;", "= Logger.clone();"), Some((number, "log"))));
                }
            }
            lines.push(("}".to_owned(), None));
        }
        lines.push(("fn main() {}".to_owned(), None));
        join(lines)
    });
    let (mut number, mut all, mut taken, mut wrong) = (0, 0, 0, String::new());
    for piece in functions.iter().flat_map(|function| &function.pieces) {
        number += 1;
        let Piece::Call(text) = piece else { continue };
        all += calls(text, LOG_MACROS);
        if !removed.contains_key(&number) {
            taken += calls(text, LOG_MACROS);
        } else if !NOT_OF_LOG.iter().any(|known| text.contains(known)) {
            writeln!(wrong, "not taken: {text}").unwrap();
        }
    }
    println!("log, tests/macros.rs: {taken} of {all} calls");
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(all - taken, NOT_OF_LOG.len());
}
