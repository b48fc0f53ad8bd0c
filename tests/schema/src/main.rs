//! Checks documents by the JSON Schema: every example passes, and every bad document whose mistake is one of shape fails.
//! `(meaning)` in the title of a bad document marks a mistake that only the loader can find.

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let schema: Value = serde_json::from_str(&read("docs/femtologging.schema.json")).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let mut wrong = Vec::new();
    let mut count = 0;

    let examples = root.join("examples/config");
    let mut good: Vec<_> = std::fs::read_dir(&examples).expect("examples").map(|entry| entry.unwrap().path()).collect();
    good.push(root.join("tests/data/config/everything.toml"));
    for path in good {
        let text = std::fs::read_to_string(&path).expect("a text");
        let format = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match parse(&text, format) {
            Some(document) => {
                let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
                if !errors.is_empty() {
                    wrong.push(format!("{} fails: {}", path.display(), errors.join("; ")));
                }
            }
            None => wrong.push(format!("{} is no document", path.display())),
        }
        count += 1;
    }

    for case in read("tests/data/config/bad.txt").split("=== ").skip(1) {
        let (header, rest) = case.split_once('\n').expect("a header");
        let (document, _) = rest.split_once("---\n").expect("messages");
        let (format, title) = header.split_once(' ').expect("a format");
        let passes = parse(document, format).is_some_and(|document| validator.is_valid(&document));
        if passes != title.starts_with("(meaning) ") {
            wrong.push(format!("{} the schema: {header}", if passes { "passes" } else { "fails" }));
        }
        count += 1;
    }
    for line in &wrong {
        println!("{line}");
    }
    println!("{count} documents, {} wrong", wrong.len());
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads a document; `None` if its syntax is wrong.
fn parse(text: &str, format: &str) -> Option<Value> {
    match format {
        "toml" => serde_json::to_value(text.parse::<toml::Table>().ok()?).ok(),
        "yaml" => yaml_serde::from_str(text).ok(),
        "json" => serde_json::from_str(text).ok(),
        other => panic!("no format: {other}"),
    }
}
