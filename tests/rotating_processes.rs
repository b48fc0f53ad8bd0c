//! Files under several processes, and under processes that are killed.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::LONG;
use femtologging::handler::HandlerSpec;
use femtologging::{Config, FemtoFileHandler, FemtoLogRecord, FemtoRotatingFileHandler, info};

/// What a child process does, and where.
const TASK: &str = "ROTATING_PROCESSES_TASK";

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

/// Runs this program again, for one task.
fn child(task: &str, path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "the_child", "--nocapture"]).env(TASK, task).env("LOG_FILE", path);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
#[ignore = "the others start it"]
fn the_child() {
    let (Ok(task), Some(path)) = (std::env::var(TASK), std::env::var_os("LOG_FILE")) else { return };
    let path = PathBuf::from(path);
    if let Some(who) = task.strip_prefix("append ") {
        append(who, &path);
    } else if let Some(from) = task.strip_prefix("roll ") {
        roll(from.parse().unwrap(), &path);
    }
}

fn log(handler: HandlerSpec, mut next: impl FnMut(&dyn Fn(&str)) -> bool) {
    let logging = Config::builder().add_handler("file", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    while next(&|text| info!(logger: logger, "{}", text)) {
        logging.flush(LONG).unwrap();
    }
    logging.shutdown(LONG).unwrap();
}

/// Writes long lines to a file that another process writes to.
fn append(who: &str, path: &Path) {
    let handler = FemtoFileHandler::builder().path(path).formatter(message).build().unwrap();
    let mut n = 0;
    log(handler, |log| {
        (0..50).for_each(|m| log(&format!("{}{:04}", who.repeat(500 + 13 * m), n * 50 + m)));
        n += 1;
        n < 20
    });
}

fn rolling(path: &Path) -> HandlerSpec {
    let handler = FemtoRotatingFileHandler::builder().path(path).formatter(message).max_bytes(100).namer("app.{n}.log");
    #[cfg(feature = "gzip")]
    let handler = handler.compress(true);
    handler.build().unwrap()
}

/// Starts once more and waits until what the last process left undone is done.
fn finish(path: &Path) {
    let logging = Config::builder().add_handler("file", rolling(path)).build().unwrap();
    logging.flush(LONG).unwrap();
    #[cfg(feature = "gzip")]
    common::wait_until("all backups are compressed", || {
        let names = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name != "app.log").all(|name| name.to_str().unwrap().ends_with(".gz"))
    });
    logging.shutdown(LONG).unwrap();
}

/// Rolls over as fast as it can, and says after which line all is written.
fn roll(from: usize, path: &Path) {
    let mut n = from;
    log(rolling(path), |log| {
        if n > from {
            println!("written {n}");
        }
        for _ in 0..10 {
            log(&format!("line {n}"));
            n += 1;
        }
        n < from + 1_000_000
    });
}

#[test]
fn two_processes_that_append_do_not_mix_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let children = ["a", "b", "c"].map(|who| child(&format!("append {who}"), &path));
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let text = fs::read_to_string(&path).unwrap();
    for who in ["a", "b", "c"] {
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with(who)).collect();
        let expected: Vec<_> = (0..1000).map(|n| format!("{}{n:04}", who.repeat(500 + 13 * (n % 50)))).collect();
        assert_eq!(lines, expected);
    }
    assert_eq!(text.lines().count(), 3000);
}

/// A process that rolls over, and compresses, is killed in the middle of it, again and again.
#[test]
fn a_process_that_is_killed_leaves_every_line_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let mut promised = Vec::new();
    for round in 0..12 {
        let from = round * 1_000_000;
        let mut child = child(&format!("roll {from}"), &path);
        let mut written = from;
        // Each round is killed after another number of reports, at whatever it is doing then.
        let reports = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for line in reports.filter(|line| line.contains("written ")).take(3 + 7 * round) {
            written = line.rsplit(' ').next().unwrap().parse().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        promised.extend(from..written);
    }
    finish(&path);
    let found = all_lines(dir.path());
    let mut sorted = found.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), found.len(), "no line is there twice");
    let missing: Vec<_> = promised.iter().filter(|n| sorted.binary_search(n).is_err()).collect();
    assert_eq!(missing, Vec::<&usize>::new());
}

/// The numbers of the lines in all files, compressed or not.
fn all_lines(dir: &Path) -> Vec<usize> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        #[cfg(feature = "gzip")]
        let bytes = if path.extension() == Some("gz".as_ref()) { unzip(&bytes) } else { bytes };
        let text = String::from_utf8(bytes).unwrap();
        numbers.extend(text.lines().map(|line| line.strip_prefix("line ").unwrap().parse::<usize>().unwrap()));
    }
    numbers
}

#[cfg(feature = "gzip")]
fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}
