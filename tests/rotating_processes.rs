//! Files under several processes, and under processes that are killed.
#![cfg(unix)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use common::LONG;
use femtologging::handler::{FemtoRotatingFileHandler, HandlerSpec};
use femtologging::{Config, FemtoFileHandler, FemtoLogRecord, info};

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
        roll(from.parse().unwrap(), rolling(&path));
    } else if let Some(from) = task.strip_prefix("shift ") {
        roll(from.parse().unwrap(), shifting(&path));
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

/// With numbers that all backups change at each rollover.
fn shifting(path: &Path) -> HandlerSpec {
    let handler =
        FemtoRotatingFileHandler::builder().path(path).formatter(message).max_bytes(4_000).backup_count(100_000);
    #[cfg(feature = "gzip")]
    let handler = handler.compress(true);
    handler.build().unwrap()
}

/// Starts once more and waits until what the last process left undone is done.
fn finish(path: &Path, handler: HandlerSpec) {
    let logging = Config::builder().add_handler("file", handler).build().unwrap();
    logging.flush(LONG).unwrap();
    common::wait_until("all backups are compressed", || {
        let names = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut backups = names.filter(|name| name != "app.log" && !is_lock(name));
        cfg!(not(feature = "gzip")) || backups.all(|name| name.to_str().unwrap().ends_with(".gz"))
    });
    logging.shutdown(LONG).unwrap();
}

/// Rolls over as fast as it can, and says after which line all is written.
fn roll(from: usize, handler: HandlerSpec) {
    let mut n = from;
    log(handler, |log| {
        if n > from {
            println!("written {n}");
        }
        for _ in 0..10 {
            log(&format!("line {n}."));
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
    // A process that opens the file in the middle of another one's write takes it for one that ends within a line.
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 3000);
}

/// A process whose lines are read back.
struct Writer {
    child: Child,
    reports: Lines<BufReader<ChildStdout>>,
    from: usize,
    written: usize,
}

impl Writer {
    fn new(task: &str, from: usize, path: &Path) -> Self {
        let mut child = child(&format!("{task} {from}"), path);
        let reports = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, reports, from, written: from }
    }

    /// Waits until it has reported so many times.
    fn wait(&mut self, reports: usize) {
        let lines = self.reports.by_ref().map_while(Result::ok).filter(|line| line.contains("written "));
        for line in lines.take(reports) {
            self.written = line.rsplit(' ').next().unwrap().parse().unwrap();
        }
    }

    /// Kills it, at whatever it is doing. Returns the lines that are written for certain.
    fn kill(mut self) -> Range<usize> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.wait(usize::MAX);
        self.from..self.written
    }
}

/// A process that rolls over, and compresses, is killed in the middle of it, again and again.
#[test]
fn a_process_that_is_killed_leaves_every_line_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let mut promised = Vec::new();
    for round in 0..12 {
        let mut writer = Writer::new("roll", round * 1_000_000, &path);
        // Each round is killed after another number of reports.
        writer.wait(3 + 7 * round);
        promised.extend(writer.kill());
    }
    finish(&path, rolling(&path));
    check(dir.path(), &promised, 12);
}

/// Restarts that overlap: at any time but the ends, two processes have the file, rename its backups and compress them.
#[test]
fn two_processes_that_are_killed_leave_every_line_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let mut promised = Vec::new();
    let mut older: Option<Writer> = None;
    for round in 0..12 {
        let mut newer = Writer::new("shift", round * 1_000_000, &path);
        newer.wait(5 + 11 * (round % 4));
        if let Some(mut older) = older.replace(newer) {
            older.wait(1 + 3 * (round % 5));
            promised.extend(older.kill());
        }
    }
    promised.extend(older.map(Writer::kill).into_iter().flatten());
    finish(&path, shifting(&path));
    check(dir.path(), &promised, 12);
}

fn is_lock(name: &OsStr) -> bool {
    name == ".app.log.lock"
}

/// Checks that the promised lines are in the files and no line is there twice. Every kill may leave half a line.
fn check(dir: &Path, promised: &[usize], kills: usize) {
    let (mut found, mut halves) = (Vec::new(), 0);
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|entry| !is_lock(&entry.file_name())) {
        let path = entry.path();
        let bytes = fs::read(&path).unwrap();
        #[cfg(feature = "gzip")]
        let bytes = if path.extension() == Some("gz".as_ref()) { unzip(&bytes) } else { bytes };
        let text = String::from_utf8(bytes).unwrap();
        for line in text.lines() {
            let number = line.strip_prefix("line ").and_then(|line| line.strip_suffix('.'));
            match number.and_then(|number| number.parse::<usize>().ok()) {
                Some(number) => found.push(number),
                None => {
                    assert!("line ".starts_with(line) || line.starts_with("line ") && !line.contains('.'), "{line:?}");
                    halves += 1;
                }
            }
        }
    }
    assert!(halves <= kills, "{halves} half lines");
    let count = found.len();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), count, "no line is there twice");
    let missing: Vec<_> = promised.iter().filter(|number| found.binary_search(number).is_err()).collect();
    assert_eq!(missing, Vec::<&usize>::new());
}

#[cfg(feature = "gzip")]
fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}
