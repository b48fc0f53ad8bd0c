//! The command `femtolog`.
#![cfg(feature = "cli")]

use std::path::Path;
use std::process::Command;

/// Runs the command; returns its exit status, and what it has written to standard output and standard error.
fn femtolog(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_femtolog"));
    command.args(arguments).env_clear().env("LOG_DIR", "/var/log").current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn check_says_what_is_wrong_in_all_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (good, bad, missing) = (path("good.yaml"), path("bad.toml"), path("missing.toml"));
    std::fs::write(&good, "strict: false\ncolour: red\nhandlers: {file: {type: file, path: /does/not/exist/a.log}}")
        .unwrap();
    let wrong = "[handlers.file]\ntype = \"file\"\npath = \"${env:NOT_SET}/a.log\"\n\
                 [handlers.rotating]\ntype = \"rotating_file\"\npath = \"a.log\"\nmax_bytes = 5\n";
    std::fs::write(&bad, wrong).unwrap();

    let (status, out, err) = femtolog(&["check", &good]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("warning: {good}:2:1: colour: no such setting\n{good}: ok\n"));

    let (status, out, err) = femtolog(&["check", &bad, &good, &missing]);
    assert_eq!((status, out.lines().count()), (Some(1), 2));
    let not_set = "the environment variable NOT_SET is not set; `${env:NOT_SET:-…}` has a default";
    let not_there = format!("cannot read {missing}: No such file or directory (os error 2)");
    assert_eq!(err, format!("{bad}:3:8: handlers.file.path: {not_set}\n{not_there}\n"));

    // What only a builder knows is found as well, and no file is opened for it.
    let (status, _, err) = femtolog(&["check", "--ignore-missing", &bad]);
    assert_eq!(status, Some(1));
    let remedy = "a full file becomes a backup: say how many are kept, or use max_age, max_total_bytes or namer";
    assert_eq!(err, format!("{bad}:4:11: handlers.rotating.backup_count = 0: {remedy}\n"));
    let mut files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["bad.toml", "good.yaml"]);
}

#[test]
fn effective_schema_and_reference_are_printed() {
    let (status, out, err) = femtolog(&["effective", "examples/config/service.toml"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.contains("\npath = \"/var/log/shop.json\"  # examples/config/service.toml:23:8\n"), "{out}");
    assert!(out.contains("\nhandlers = [\"console\", \"file\"]  # default\n"), "{out}");

    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/configuration-reference.md"));
    let (status, out, _) = femtolog(&["reference"]);
    assert_eq!(status, Some(0));
    // The page has the types of all features.
    assert_eq!(out.lines().next(), page.unwrap().lines().next());
    let (status, out, _) = femtolog(&["schema"]);
    assert_eq!(status, Some(0));
    serde_json::from_str::<serde_json::Value>(&out).unwrap();

    let (status, _, err) = femtolog(&[]);
    assert_eq!((status, err.contains("Usage: femtolog <COMMAND>")), (Some(2), true), "{err}");
}
