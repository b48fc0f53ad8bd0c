//! Random documents: no text makes the loader panic, every problem has a line, and what is right reads the same after it
//! was written. The targets in `fuzz/` do the same with a fuzzer.
#![cfg(feature = "config")]

use femtologging::config::Format;
use proptest::prelude::*;

#[path = "../../fuzz/fuzz_targets/config.rs"]
mod config;

const FORMATS: [Format; 3] = [Format::Toml, Format::Yaml, Format::Json];

/// Documents that are right, to be damaged.
const DOCUMENTS: [&str; 4] = [
    include_str!("../../tests/data/config/everything.toml"),
    include_str!("../../examples/config/service.toml"),
    include_str!("../../examples/config/service.yaml"),
    include_str!("../../examples/config/dictconfig.json"),
];

/// A document with some of its text removed, doubled or replaced.
fn damaged() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z{}\\[\\]:,\"'$#&*!|> \t\n.=-]{0,6}",
        Just("${env:NAME}".to_owned()),
        Just("<<: *x".to_owned()),
        Just("\u{0}\u{feff}é𝄞".to_owned()),
    ];
    let edit = (any::<prop::sample::Index>(), 0_usize..40, piece);
    (0..DOCUMENTS.len(), prop::collection::vec(edit, 1..4)).prop_map(|(document, edits)| {
        let mut text: Vec<char> = DOCUMENTS[document].chars().collect();
        for (at, length, piece) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in "\\PC{0,80}") {
        FORMATS.iter().for_each(|format| config::read(&text, *format));
    }

    #[test]
    fn damaged_documents_are_read(text in damaged()) {
        FORMATS.iter().for_each(|format| config::read(&text, *format));
    }
}

/// Documents that have broken readers of these formats.
#[test]
fn hostile_documents_end() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        aliases.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    let texts = [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        format!("a = {}", deep("[", "]")),
        "[a.b]\n".repeat(10_000),
        format!("{}x = 1", "a.".repeat(50_000)),
        aliases,
        "a: &a [*a]".to_owned(),
        "- ".repeat(50_000),
        "? ".repeat(50_000),
        "x".repeat(5 << 20),
        "\u{feff}".to_owned(),
        "\"\\ud800\"".to_owned(),
        "1e999999999".to_owned(),
        "a = 99999999999999999999999999999999999999999999".to_owned(),
    ];
    for text in &texts {
        FORMATS.iter().for_each(|format| config::read(text, *format));
    }
}
