//! Files that others rename, remove or cut: watched ones, and ones that are opened anew on request.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{LONG, wait_until};
use femtologging::handler::{FemtoWatchedFileHandler, HandlerSpec, ReopenHandle};
use femtologging::{Config, FemtoFileHandler, FemtoLogRecord, FemtoLogger, Logging, info};

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

fn watched(path: &Path) -> HandlerSpec {
    FemtoWatchedFileHandler::builder().path(path).formatter(message).build().unwrap()
}

fn system(handler: HandlerSpec) -> (Logging, FemtoLogger) {
    let logging = Config::builder().add_handler("file", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_watched_file_is_opened_anew_when_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("a.log"), dir.path().join("b.log"));
    let (logging, logger) = system(watched(&path));
    let log = |n: u32| {
        info!(logger: logger, "{}", n);
        let _ = logging.flush(LONG);
    };
    log(1);
    fs::rename(&path, &moved).unwrap();
    log(2);
    assert_eq!((text(&moved), text(&path)), ("1\n".to_owned(), "2\n".to_owned()));
    fs::remove_file(&path).unwrap();
    log(3);
    assert_eq!(text(&path), "3\n");
    // Another file in its place,
    fs::write(dir.path().join("c.log"), "c\n").unwrap();
    fs::rename(dir.path().join("c.log"), &path).unwrap();
    log(4);
    assert_eq!(text(&path), "c\n4\n");
    // a directory, for a while: lines go where they can be found.
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    log(5);
    assert_eq!(text(&moved), "c\n4\n5\n");
    fs::remove_dir(&path).unwrap();
    log(6);
    assert_eq!(text(&path), "6\n");
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.written, h.failed, h.errors), (6, 0, 1));
    let expected = format!("cannot open the log file {}: Is a directory (os error 21)", path.display());
    assert_eq!(h.last_error.as_deref(), Some(expected.as_str()));
}

#[test]
fn a_line_that_can_be_found_nowhere_counts_as_failed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("x");
    fs::create_dir(&folder).unwrap();
    let (logging, logger) = system(watched(&folder.join("a.log")));
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    info!(logger: logger, "2");
    logging.flush(LONG).unwrap_err();
    fs::create_dir(&folder).unwrap();
    info!(logger: logger, "3");
    logging.flush(LONG).unwrap();
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.written, h.failed), (2, 1));
    assert_eq!(text(folder.join("a.log")), "3\n");
}

#[test]
fn a_file_is_opened_anew_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("a.log"), dir.path().join("b.log"));
    let reopen = ReopenHandle::new();
    let handler = FemtoFileHandler::builder().path(&path).formatter(message).reopen_handle(&reopen).truncate(true);
    let (logging, logger) = system(handler.build().unwrap());
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    fs::rename(&path, &moved).unwrap();
    info!(logger: logger, "2");
    logging.flush(LONG).unwrap();
    assert!(!path.exists());
    // From any thread; the next write is to the new file.
    std::thread::spawn(move || reopen.clone().reopen()).join().unwrap();
    info!(logger: logger, "3");
    logging.flush(LONG).unwrap();
    assert_eq!((text(&moved), text(&path)), ("1\n2\n".to_owned(), "3\n".to_owned()));
}

#[test]
fn a_request_is_heeded_though_nothing_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let reopen = ReopenHandle::new();
    let handler = FemtoFileHandler::builder().path(&path).formatter(message).reopen_handle(&reopen);
    let (_logging, _) = system(handler.build().unwrap());
    fs::rename(&path, dir.path().join("b.log")).unwrap();
    let in_use = || {
        let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target == dir.path().join("b.log"))
    };
    if !in_use() {
        common::skipped("/proc does not tell which files are open");
        return;
    }
    reopen.reopen();
    wait_until("the renamed file is closed", || !in_use());
}

/// Runs logrotate on the file.
fn logrotate(dir: &Path, how: &str) {
    let (config, state) = (dir.join("conf"), dir.join("state"));
    let path = dir.join("a.log");
    fs::write(&config, format!("\"{}\" {{\n rotate 100\n {how}\n}}\n", path.display())).unwrap();
    let mut command = Command::new("logrotate");
    command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()));
    let output = command.arg("--force").arg("--state").args([&state, &config]).output();
    let output = output.unwrap_or_else(|_| common::missing("logrotate"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The lines of all files, the oldest first.
fn lines(dir: &Path) -> Vec<String> {
    let mut backups: Vec<u32> = fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_prefix("a.log.")?.parse().ok())
        .collect();
    backups.sort_unstable_by_key(|n| std::cmp::Reverse(*n));
    let texts = backups.iter().map(|n| text(dir.join(format!("a.log.{n}")))).chain([text(dir.join("a.log"))]);
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
#[ignore = "needs logrotate"]
fn logrotate_with_create_loses_nothing_while_records_come() {
    const RECORDS: u32 = 10_000;
    let dir = tempfile::tempdir().unwrap();
    let (logging, logger) = system(watched(&dir.path().join("a.log")));
    let (done, mut rounds) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..RECORDS {
                info!(logger: logger, "{}", n);
                if n % 100 == 0 {
                    logging.flush(LONG).unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) && rounds < 50 || rounds < 3 {
            logrotate(dir.path(), "create");
            rounds += 1;
        }
    });
    logging.shutdown(LONG).unwrap();
    assert!(dir.path().join("a.log.3").exists());
    assert_eq!(lines(dir.path()), (0..RECORDS).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// Also a plain file: it is opened for appending.
#[test]
#[ignore = "needs logrotate"]
fn logrotate_with_copytruncate_leaves_no_hole() {
    let handlers: [fn(&Path) -> HandlerSpec; 2] =
        [watched, |path| FemtoFileHandler::builder().path(path).formatter(message).build().unwrap()];
    for handler in handlers {
        let dir = tempfile::tempdir().unwrap();
        let (logging, logger) = system(handler(&dir.path().join("a.log")));
        for n in 0..3 {
            info!(logger: logger, "{}", n);
            logging.flush(LONG).unwrap();
            logrotate(dir.path(), "copytruncate");
        }
        info!(logger: logger, "3");
        logging.shutdown(LONG).unwrap();
        assert_eq!(text(dir.path().join("a.log")), "3\n");
        assert_eq!(lines(dir.path()), ["0", "1", "2", "3"]);
    }
}
