//! Tests whose scenarios each run in a child: the test program, started again with the scenario's name.
//!
//! Such a test has no harness, so that `main` is the program's own.
#![allow(dead_code)]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::LONG;

const SCENARIO: &str = "FEMTOLOGGING_TEST_SCENARIO";
const FILE: &str = "FEMTOLOGGING_TEST_FILE";

/// A name, what a child does, and what its parent expects of it.
pub type Scenario = (&'static str, fn() -> ExitCode, fn(&str));

/// Runs one scenario in a child, and all that are asked for in the parent.
pub fn main(scenarios: &[Scenario]) -> ExitCode {
    if let Ok(name) = std::env::var(SCENARIO) {
        let (_, run, _) = scenarios.iter().find(|(known, ..)| *known == name).unwrap();
        return run();
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        scenarios.iter().for_each(|(name, ..)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let wanted = |name: &str| {
        let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter.as_str()))
    };
    let failed = scenarios.iter().filter(|(name, ..)| wanted(name)).filter(|(name, _, check)| {
        let ok = std::panic::catch_unwind(|| check(name)).is_ok();
        println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
        !ok
    });
    if failed.count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A child of which the test waits, but not for ever.
pub struct Run {
    pub dir: tempfile::TempDir,
    pub command: Command,
}

impl Run {
    pub fn new(name: &str) -> Self {
        Self::of(name, Command::new(std::env::current_exe().unwrap()))
    }

    pub fn of(name: &str, mut command: Command) -> Self {
        let dir = tempfile::tempdir().unwrap();
        command
            .env(SCENARIO, name)
            .env(FILE, dir.path().join("a.log"))
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LIB_BACKTRACE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { dir, command }
    }

    pub fn output(&mut self) -> Output {
        wait(self.command.spawn().unwrap())
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.dir.path().join("a.log")).unwrap()
    }
}

/// Waits for a child and for the ends of its streams, but not for ever.
pub fn wait(mut child: Child) -> Output {
    fn read(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                pipe.read_to_end(&mut bytes).unwrap();
            }
            bytes
        })
    }
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LONG {
            child.kill().unwrap();
            panic!("the child hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// What a child wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The numbers from 1 on, each on a line.
pub fn numbers(count: usize) -> String {
    (1..=count).map(|n| format!("{n}\n")).collect()
}

/// The path that the parent gave to this child.
pub fn path() -> PathBuf {
    std::env::var_os(FILE).unwrap().into()
}
