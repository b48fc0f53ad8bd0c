//! Splits the test files of another facade into statements.

/// What can be compiled, or not, by itself.
#[derive(Clone, Debug)]
pub enum Piece {
    /// A statement with at least one call.
    Call(String),
    /// Anything else: a `let`, an item, the beginning or the end of a loop.
    Other(String),
}

/// The statements of a function.
pub struct Function {
    pub name: String,
    pub pieces: Vec<Piece>,
}

/// Returns the position after the bracket that closes the one at `open`.
fn closing(text: &str, open: usize) -> usize {
    let mut depth = 0;
    let mut at = open;
    while at < text.len() {
        match next(text, at) {
            (Token::Open, end) => {
                depth += 1;
                at = end;
            }
            (Token::Close, end) => {
                depth -= 1;
                at = end;
                if depth == 0 {
                    return at;
                }
            }
            (_, end) => at = end,
        }
    }
    at
}

#[derive(PartialEq)]
enum Token {
    Open,
    Close,
    Semicolon,
    Space,
    Other,
}

/// Returns what begins at `at`, and where it ends. Literals and comments are whole.
fn next(text: &str, at: usize) -> (Token, usize) {
    let rest = &text[at..];
    let c = rest.chars().next().expect("not at the end");
    let after = at + c.len_utf8();
    match c {
        '(' | '[' | '{' => (Token::Open, after),
        ')' | ']' | '}' => (Token::Close, after),
        ';' => (Token::Semicolon, after),
        '/' if rest.starts_with("//") => (Token::Space, at + rest.find('\n').unwrap_or(rest.len())),
        '"' => {
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            (Token::Other, at + end.map_or(rest.len(), |(end, _)| end + 1))
        }
        '\'' => {
            // A character, or a lifetime.
            let character = rest[1..].char_indices().skip(1).find(|(_, c)| *c == '\'').filter(|(end, _)| *end <= 4);
            (Token::Other, character.map_or(after, |(end, _)| at + 1 + end + 1))
        }
        c if c.is_whitespace() => (Token::Space, after),
        _ => (Token::Other, after),
    }
}

/// Returns whether an item begins here.
fn is_item(text: &str) -> bool {
    ["struct", "fn", "use", "macro_rules!", "#[derive", "#[allow(unused)]"].iter().any(|word| text.starts_with(word))
}

/// Splits a block's text into statements.
fn statements(block: &str) -> Vec<&str> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < block.len() {
        if let (Token::Space, end) = next(block, at) {
            at = end;
            continue;
        }
        let start = at;
        loop {
            if at >= block.len() {
                break;
            }
            match next(block, at) {
                (Token::Open, _) => {
                    let is_block = block[at..].starts_with('{');
                    at = closing(block, at);
                    let after = block[at..].trim_start();
                    if is_block
                        && (is_item(&block[start..]) || block[start..].starts_with("for"))
                        && !after.starts_with(['.', ';', '?', ')'])
                    {
                        break;
                    }
                }
                (Token::Semicolon, end) => {
                    at = end;
                    break;
                }
                (_, end) => at = end,
            }
        }
        found.push(block[start..at].trim());
    }
    found
}

/// Splits a block into pieces. A loop is one for each of its statements.
fn pieces(block: &str, is_call: &dyn Fn(&str) -> bool) -> Vec<Piece> {
    let mut found = Vec::new();
    for statement in statements(block) {
        if statement.starts_with("for ") {
            let open = statement.find('{').expect("a loop has a block");
            found.push(Piece::Other(statement[..=open].to_owned()));
            found.extend(pieces(&statement[open + 1..statement.len() - 1], is_call));
            found.push(Piece::Other("}".to_owned()));
        } else if is_call(statement) && !statement.starts_with("macro_rules!") {
            found.push(Piece::Call(statement.to_owned()));
        } else {
            found.push(Piece::Other(statement.to_owned()));
        }
    }
    found
}

/// Returns the functions of a file that have no arguments: its tests.
pub fn tests(file: &str, is_call: &dyn Fn(&str) -> bool) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in file.match_indices("\nfn ") {
        let Some((name, _)) = file[at + 4..].split_once("() {") else { continue };
        if name.contains(['\n', '<', '(']) {
            continue;
        }
        let open = at + 4 + name.len() + 3;
        let body = &file[open + 1..closing(file, open) - 1];
        found.push(Function { name: name.to_owned(), pieces: pieces(body, is_call) });
    }
    found
}

/// Returns the closures that a file passes to `with_default`, which are what runs in its subscriber. Those of a macro
/// with the parameter `$e` are there once for each of its calls.
pub fn closures(file: &str, is_call: &dyn Fn(&str) -> bool) -> Vec<Function> {
    const BEFORE: &str = "with_default(";
    let mut found = Vec::new();
    for (at, _) in file.match_indices(BEFORE) {
        let call = &file[at..closing(file, at + BEFORE.len() - 1)];
        let Some(open) = call.find("|| {").map(|at| at + 3) else { continue };
        let body = &call[open + 1..closing(call, open) - 1];
        // What the closure uses of the function around it.
        let start = file[..at].rfind("\nfn ").map_or(at, |start| start + file[start..].find('{').unwrap_or(0) + 1);
        let items: Vec<_> = statements(&file[start..at]).into_iter().filter(|item| is_item(item)).collect();
        let body = &(items.join("\n") + body);
        let bodies = if body.contains("$e") {
            let calls = file.split("\nevent_without_message! {").skip(1);
            let values = calls.map(|call| call.split_once(": ").expect("a name and a value").1);
            values.map(|value| body.replace("$e", &value[..value.find('}').expect("an end")])).collect()
        } else {
            vec![body.to_owned()]
        };
        for body in bodies {
            let name = format!("closure_{}", found.len());
            found.push(Function { name, pieces: pieces(&body, is_call) });
        }
    }
    found
}
