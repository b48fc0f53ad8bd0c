//! Receivers written in Python, which tests start.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

/// A receiver that runs; it is killed in the end.
pub struct Receiver {
    process: Child,
    /// What it writes, read by a thread, so that it never waits for the test.
    lines: mpsc::Receiver<String>,
    pub port: u16,
}

impl Receiver {
    /// Starts a script of `tests/python` that first writes the port that it listens on.
    pub fn start(script: &str, arguments: &[&str]) -> Self {
        let path = format!("{}/tests/python/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("python3");
        let process = command.arg(path).args(arguments).stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap_or_else(|_| super::common::missing("python3"));
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let port = lines.recv().unwrap().parse().unwrap();
        Self { process, lines, port }
    }

    /// Waits for as many lines.
    pub fn read(&mut self, count: usize) -> Vec<String> {
        self.lines.iter().take(count).collect()
    }

    /// Ends the process at once, and returns the lines that it wrote last.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.read(usize::MAX)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
