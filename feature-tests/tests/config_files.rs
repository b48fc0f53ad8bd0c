//! Documents in all formats: what is wrong with them, exactly; and that what is written reads the same.
#![cfg(feature = "config")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use femtologging::config::{Environment, Format, Loader, Registry};
use femtologging::{Config, Error};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/config").join(path)
}

fn format_of(name: &str) -> Format {
    match name {
        "toml" => Format::Toml,
        "yaml" => Format::Yaml,
        "json" => Format::Json,
        other => panic!("no format: {other}"),
    }
}

/// Everything that is wrong with a document, a line each.
fn messages(error: &Error) -> Vec<String> {
    error.problems().iter().map(ToString::to_string).collect()
}

/// The variables that the documents may name.
fn environment() -> Environment {
    Environment::of([
        ("EMPTY", ""),
        ("LEVEL", "debug"),
        ("NUMBER", "12"),
        ("QUOTE", "\"\nroot: {level: off}"),
        ("BAD", "x"),
    ])
}

/// Loads a document as a program does, up to handlers that are ready to start.
fn load(text: &str, format: Format, name: &str) -> Result<(), Error> {
    let spec = Loader::new().environment(environment()).read(text, format, name)?;
    Config::from_spec(&spec, &Registry::new()).map(drop)
}

/// Compares each document of a file with the messages after it.
///
/// The file is a list of `=== format name`, the document, `---`, and its messages. `UPDATE=1` writes the messages anew, to
/// be read before they are kept.
fn compare(file: &str) {
    let path = data(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut expected = String::new();
    let mut found = String::new();
    let mut cases = 0;
    for case in text.split("=== ").skip(1) {
        let (header, rest) = case.split_once('\n').unwrap();
        let (document, messages_of) = rest.split_once("---\n").unwrap();
        let (format, _) = header.split_once(' ').unwrap();
        let name = format!("log.{format}");
        let error = load(document, format_of(format), &name).err();
        let error = error.unwrap_or_else(|| panic!("{header}: nothing is wrong"));
        assert!(error.is_config(), "{header}: {error}");
        for problem in error.problems() {
            assert!(problem.position.as_ref().is_some_and(|position| position.line().is_some()), "{header}: {problem}");
        }
        writeln!(expected, "=== {header}\n{document}---\n{}", messages_of.trim()).unwrap();
        writeln!(found, "=== {header}\n{document}---\n{}", messages(&error).join("\n")).unwrap();
        cases += 1;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, found.replace("\n=== ", "\n\n=== ")).unwrap();
        return;
    }
    assert_eq!(expected, found);
    assert!(cases >= 1, "{cases} cases");
}

#[test]
fn bad_documents_have_exact_messages() {
    compare("bad.txt");
}

/// A directory with what `everything.toml` refers to.
fn everything() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["logs.example.net".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(dir.path().join("ca.pem"), certificate.pem()).unwrap();
    std::fs::write(dir.path().join("key.pem"), key.serialize_pem()).unwrap();
    (dir, std::fs::read_to_string(data("everything.toml")).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn every_setting_of_every_type_is_given_to_its_builder() {
    let (dir, text) = everything();
    let environment = Environment::of([("DIR", dir.path().to_str().unwrap()), ("PASSWORD", "hunter2")]);
    let loader = Loader::new().environment(environment);
    let spec = loader.read(&text, Format::Toml, "everything.toml").unwrap();
    let made = Config::from_spec(&spec, &Registry::new());
    made.map(drop).unwrap_or_else(|error| panic!("{error}"));
    // In every format the same is read back, with the references that were written.
    for format in [Format::Toml, Format::Yaml, Format::Json] {
        let written = spec.to_string(format);
        assert!(written.contains("${env:PASSWORD}") && !written.contains("hunter2"), "{written}");
        let again = loader.read(&written, format, "written").unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(again, spec, "{written}");
        assert_eq!(again.to_string(format), written);
    }
    // And nothing shows the password.
    for shown in [format!("{spec:?}"), spec.effective()] {
        assert!(!shown.contains("hunter2") && !shown.contains("b5a7") && !shown.contains("0123"), "{shown}");
        assert!(shown.contains("***"));
    }
}
