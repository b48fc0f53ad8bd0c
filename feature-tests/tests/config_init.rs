//! `init` and the environment, in processes of their own: this test starts itself with a scenario in a variable.
#![cfg(feature = "config")]

use std::process::{Command, Output};
use std::time::Duration;

use femtologging::{debug, info, warn};

/// Runs this binary's test `child` with these variables and no others of the library, and returns what it has written.
fn run(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env("CHILD", "1").env_remove("RUST_LOG");
    command.envs(variables.iter().copied()).output().unwrap()
}

/// The lines of the log on standard error, without their times.
fn log(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter_map(|line| line.split_once("Z ").map(|(_, rest)| rest.to_owned()));
    lines.collect()
}

#[test]
fn child() {
    if std::env::var_os("CHILD").is_none() {
        return;
    }
    if let Err(error) = femtologging::init() {
        for problem in error.problems() {
            println!("problem {problem}");
        }
        return;
    }
    debug!("debug");
    info!("info");
    warn!("warn");
    femtologging::shutdown(Duration::from_secs(30)).unwrap();
    for line in femtologging::config::effective().unwrap_or_default().lines() {
        println!("effective {line}");
    }
}

fn said(output: &Output, prefix: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_once(prefix).map(|(_, rest)| rest.to_owned())).collect()
}

#[test]
fn without_a_file_it_is_the_basic_configuration() {
    let output = run(&[]);
    assert_eq!(log(&output), ["INFO  config_init [child] info", "WARN  config_init [child] warn"]);
    assert!(said(&output, "effective ").contains(&"type = \"stream\"  # code".to_owned()));
}

#[test]
fn directives_are_those_of_the_library_or_else_of_everybody() {
    let all = ["DEBUG config_init [child] debug", "INFO  config_init [child] info", "WARN  config_init [child] warn"];
    assert_eq!(log(&run(&[("RUST_LOG", "debug")])), all);
    assert_eq!(log(&run(&[("RUST_LOG", "off"), ("FEMTO_LOG", "config_init=debug")])), all);
    assert_eq!(log(&run(&[("RUST_LOG", "debug"), ("FEMTO_LOG", "warn")])), all[2..]);
}

#[test]
fn a_variable_overrides_the_file_and_directives_override_both() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.yaml");
    std::fs::write(&file, "handlers:\n  err:\n    type: stream\n    level: warn\nroot: {level: debug}\n").unwrap();
    let config = ("FEMTO_LOG_CONFIG", file.to_str().unwrap());
    assert_eq!(log(&run(&[config])), ["WARN  config_init [child] warn"]);
    let output = run(&[config, ("FEMTO_LOG__HANDLERS__ERR__LEVEL", "info")]);
    assert_eq!(log(&output), ["INFO  config_init [child] info", "WARN  config_init [child] warn"]);
    let effective = said(&output, "effective ");
    for line in [
        format!("type = \"stream\"  # {}:3:11", file.display()),
        "level = \"info\"  # FEMTO_LOG__HANDLERS__ERR__LEVEL".to_owned(),
        format!("level = \"debug\"  # {}:5:15", file.display()),
        "formatter = \"text\"  # default".to_owned(),
    ] {
        assert!(effective.contains(&line), "{line} in {effective:#?}");
    }
    let both = [config, ("FEMTO_LOG__HANDLERS__ERR__LEVEL", "debug"), ("FEMTO_LOG", "error")];
    assert_eq!(log(&run(&both)), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_said_with_its_source() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.toml");
    std::fs::write(&file, "[handlers.err]\ntype = \"steam\"\n").unwrap();
    let output = run(&[
        ("FEMTO_LOG_CONFIG", file.to_str().unwrap()),
        ("FEMTO_LOG__ROOT__LEVEL", "loud"),
        ("FEMTO_LOG__HANDLERS__ERR__COLOUR", "red"),
        ("FEMTO_LOG__NOTHING", "1"),
    ]);
    let file = file.display();
    let mut problems = said(&output, "problem ");
    problems.sort();
    let mut expected = vec![
        format!("{file}:2:8: handlers.err.type = \"steam\": no such type of handlers; did you mean \"stream\"?"),
        "FEMTO_LOG__ROOT__LEVEL: root.level = \"loud\": expected a level: trace, debug, info, warn, error, critical, off, \
         or one of CPython's numbers"
            .to_owned(),
        "FEMTO_LOG__NOTHING: nothing: no such setting".to_owned(),
    ];
    expected.sort();
    assert_eq!(problems, expected);
    // A file that cannot be read, and one whose name says no format.
    let missing = run(&[("FEMTO_LOG_CONFIG", "/does/not/exist.toml")]);
    assert_eq!(log(&missing), Vec::<String>::new());
    assert_eq!(said(&missing, "problem "), Vec::<String>::new());
    let unknown = run(&[("FEMTO_LOG_CONFIG", "/etc/log.conf")]);
    let what = "/etc/log.conf: the extension says no format; use .toml, .yaml, .yml or .json";
    assert_eq!(said(&unknown, "problem "), [what]);
}
