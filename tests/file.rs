//! The file handler: opening, permissions, and when text is written.

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{LONG, clock, stays, wait_until};
#[cfg(unix)]
use femtologging::handler::{FileOptions, HandlerBuilder, HandlerSpec};
use femtologging::policy::{FlushPolicy, OnRemoval};
use femtologging::time::{Clock, ManualClock};
use femtologging::{Config, FemtoFileHandler, FemtoLogRecord, FemtoLogger, Level, Logging, error, info};

/// A builder that writes bare messages.
fn file(path: impl AsRef<Path>) -> HandlerBuilder<FileOptions> {
    let message = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out);
    FemtoFileHandler::builder().path(path).formatter(message)
}

fn system(handler: HandlerSpec) -> (Logging, FemtoLogger) {
    system_at(&clock(), handler)
}

fn system_at(clock: &ManualClock, handler: HandlerSpec) -> (Logging, FemtoLogger) {
    let logging = Config::builder().clock(Clock::manual(clock)).add_handler("file", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

fn log_once(handler: HandlerSpec, message: &str) {
    let (logging, logger) = system(handler);
    info!(logger: logger, "{}", message);
    logging.shutdown(LONG).unwrap();
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_file_is_appended_to_or_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    log_once(file(&path).build().unwrap(), "1");
    log_once(file(&path).build().unwrap(), "2");
    assert_eq!(text(&path), "1\n2\n");
    log_once(file(&path).truncate(true).build().unwrap(), "3");
    assert_eq!(text(&path), "3\n");
    log_once(file(&path).append(false).build().unwrap(), "4");
    assert_eq!(text(&path), "4\n");
    log_once(file(&path).truncate(true).append(true).build().unwrap(), "5");
    assert_eq!(text(&path), "4\n5\n");
    // Two handlers that append to one file do not overwrite each other.
    let (first, logger) = system(file(&path).truncate(true).build().unwrap());
    log_once(file(&path).build().unwrap(), "6");
    info!(logger: logger, "7");
    first.shutdown(LONG).unwrap();
    assert_eq!(text(&path), "6\n7\n");
    // Nor does it leave a hole when somebody else cuts the file.
    let (last, logger) = system(file(&path).truncate(true).build().unwrap());
    info!(logger: logger, "8");
    last.flush(LONG).unwrap();
    fs::File::create(&path).unwrap();
    info!(logger: logger, "9");
    last.shutdown(LONG).unwrap();
    assert_eq!(text(&path), "9\n");
}

#[test]
fn missing_directories_are_created_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x/y/a.log");
    let error = file(&path).build().unwrap_err();
    assert!(error.is_io());
    let begin = format!("cannot open the log file {}: ", path.display());
    assert!(error.to_string().starts_with(&begin), "{error}");
    assert!(!dir.path().join("x").exists());
    log_once(file(&path).create_dirs(true).build().unwrap(), "1");
    assert_eq!(text(&path), "1\n");

    let blocked = path.join("below/a/file.log");
    let error = file(&blocked).create_dirs(true).build().unwrap_err();
    let begin = format!("cannot create the directory {}: ", path.join("below/a").display());
    assert!(error.is_io() && error.to_string().starts_with(&begin), "{error}");
    assert!(file(dir.path()).build().unwrap_err().is_io(), "a directory is no file");
}

#[test]
fn a_delayed_file_is_opened_by_the_first_record() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x/a.log");
    let (logging, logger) = system(file(&path).delay(true).create_dirs(true).build().unwrap());
    logging.flush(LONG).unwrap();
    assert!(!dir.path().join("x").exists());
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    assert_eq!(text(&path), "1\n");

    let never = dir.path().join("never.log");
    let (logging, _) = system(file(&never).delay(true).build().unwrap());
    logging.shutdown(LONG).unwrap();
    assert!(!never.exists());
}

#[test]
fn a_directory_that_vanished_fails_each_batch_until_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, path) = (dir.path().join("x"), dir.path().join("x/a.log"));
    fs::create_dir(&folder).unwrap();
    let (logging, logger) = system(file(&path).delay(true).build().unwrap());
    fs::remove_dir(&folder).unwrap();
    for n in 1..=2 {
        info!(logger: logger, "{}", n);
        let _ = logging.flush(LONG);
    }
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.emitted, h.written, h.failed, h.errors, h.bytes), (2, 0, 2, 2, 0));
    let last = h.last_error.as_deref().unwrap();
    assert!(last.starts_with(&format!("cannot open the log file {}: ", path.display())), "{last}");

    fs::create_dir(&folder).unwrap();
    info!(logger: logger, "3");
    logging.shutdown(LONG).unwrap();
    assert_eq!(text(&path), "3\n");
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.emitted, h.written, h.failed, h.errors, h.bytes), (3, 1, 2, 2, 2));
}

#[test]
fn a_relative_path_is_settled_when_the_handler_is_built() {
    // Changing the working directory would concern the other tests; the error tells the path.
    let name = "no such directory/a.log";
    let error = file(name).build().unwrap_err().to_string();
    let path = std::env::current_dir().unwrap().join(name);
    assert!(error.starts_with(&format!("cannot open the log file {}: ", path.display())), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_created_has_the_permission_bits() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    // The umask takes away from these at most what it leaves the owner, as a rule nothing.
    for bits in [0o600, 0o400, 0o700] {
        let path = dir.path().join(format!("{bits:o}.log"));
        log_once(file(&path).permissions(bits).build().unwrap(), "1");
        assert_eq!(mode(&path), bits);
        assert_eq!(text(&path), "1\n");
    }
    let path = dir.path().join("there already.log");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    log_once(file(&path).permissions(0o600).build().unwrap(), "1");
    assert_eq!(mode(&path), 0o640);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().append(true).open(&path).is_ok() {
        return; // Permissions do not bind this user (root).
    }
    let error = file(&path).build().unwrap_err();
    assert!(error.is_io());
    assert!(error.to_string().contains("a.log: Permission denied"), "{error}");
}

#[test]
fn by_default_text_is_written_when_the_queue_runs_empty() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let (_logging, logger) = system(file(&path).build().unwrap());
    for n in 1..=3 {
        info!(logger: logger, "{}", n);
        wait_until("the line is there", || text(&path).ends_with(&format!("{n}\n")));
    }
}

#[test]
fn a_level_can_be_what_text_waits_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let policy = FlushPolicy::AtLevel(Level::Error);
    let (logging, logger) = system(file(&path).flush_policy(policy).build().unwrap());
    info!(logger: logger, "1");
    info!(logger: logger, "2");
    stays("nothing asks for a write yet", || text(&path).is_empty());
    error!(logger: logger, "3");
    wait_until("the error brings them out", || text(&path) == "1\n2\n3\n");
    info!(logger: logger, "4");
    stays("it waits anew", || text(&path) == "1\n2\n3\n");
    logging.flush(LONG).unwrap();
    assert_eq!(text(&path), "1\n2\n3\n4\n");
    info!(logger: logger, "5");
    logging.shutdown(LONG).unwrap();
    assert_eq!(text(&path), "1\n2\n3\n4\n5\n");

    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.written, h.bytes, h.in_flight), (5, 10, 0));
}

#[test]
fn text_that_waits_is_written_when_there_is_much_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let policy = FlushPolicy::AtLevel(Level::Critical);
    let (_logging, logger) = system(file(&path).flush_policy(policy).build().unwrap());
    let line = "x".repeat(1023);
    for _ in 0..256 {
        info!(logger: logger, "{}", line);
    }
    wait_until("256 KiB are out", || fs::metadata(&path).unwrap().len() == 256 * 1024);
}

#[test]
fn an_interval_can_be_what_text_waits_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let hand = clock();
    let policy = FlushPolicy::Every(Duration::from_secs(10));
    let (logging, logger) = system_at(&hand, file(&path).flush_policy(policy).build().unwrap());
    info!(logger: logger, "1");
    wait_until("the first write, which nothing came before", || text(&path) == "1\n");
    info!(logger: logger, "2");
    stays("the time is not up", || text(&path) == "1\n");
    hand.advance(Duration::from_nanos(9_999_999_999));
    info!(logger: logger, "3");
    stays("the time is not quite up", || text(&path) == "1\n");
    hand.advance(Duration::from_nanos(1));
    wait_until("the time is up, though nothing more was logged", || text(&path) == "1\n2\n3\n");
    info!(logger: logger, "4");
    stays("it waits anew", || text(&path) == "1\n2\n3\n");
    logging.flush(LONG).unwrap();
    assert_eq!(text(&path), "1\n2\n3\n4\n");
}

#[test]
fn fsync_writes_as_usual() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    log_once(file(&path).fsync(true).build().unwrap(), "1");
    assert_eq!(text(&path), "1\n");
}

/// `/dev/null` takes every write and refuses to be synchronized.
#[cfg(target_os = "linux")]
#[test]
fn a_failing_fsync_is_an_error_about_records_that_are_written() {
    let (logging, logger) = system(file("/dev/null").fsync(true).build().unwrap());
    info!(logger: logger, "1");
    let _ = logging.flush(LONG);
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.emitted, h.written, h.failed, h.errors), (1, 1, 0, 1));
    let expected = "cannot write to /dev/null: Invalid argument (os error 22)";
    assert_eq!(h.last_error.as_deref(), Some(expected));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_the_records_and_nothing_else() {
    let (logging, logger) = system(file("/dev/full").build().unwrap());
    for n in 1..=3 {
        info!(logger: logger, "{}", n);
        let _ = logging.flush(LONG);
    }
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.emitted, h.written, h.failed, h.errors, h.bytes, h.in_flight), (3, 0, 3, 3, 0, 0));
    let expected = "cannot write to /dev/full: No space left on device (os error 28)";
    assert_eq!(h.last_error.as_deref(), Some(expected));
    logging.shutdown(LONG).unwrap();
}

#[test]
fn a_file_that_is_renamed_is_written_to_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("a.log"), dir.path().join("b.log"));
    let (logging, logger) = system(file(&path).build().unwrap());
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    if fs::rename(&path, &moved).is_err() {
        return; // Windows does not rename a file that is open.
    }
    info!(logger: logger, "2");
    logging.shutdown(LONG).unwrap();
    assert_eq!(text(&moved), "1\n2\n");
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.written, h.failed, h.errors), (2, 0, 0));
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn a_file_that_is_removed_is_created_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let (logging, logger) = system(file(&path).build().unwrap());
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    fs::remove_file(&path).unwrap();
    info!(logger: logger, "2");
    info!(logger: logger, "3");
    logging.shutdown(LONG).unwrap();
    assert_eq!(text(&path), "2\n3\n");
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    assert_eq!((h.written, h.failed, h.errors), (3, 0, 1));
    let expected = format!("the log file {} was removed; the next record opens it again", path.display());
    assert_eq!(h.last_error.as_deref(), Some(expected.as_str()));
}

/// Though nothing is logged: else the disk has no more room than before.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_removed_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let (logging, _) = system(file(&path).build().unwrap());
    let is_open = || {
        let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let mut targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        targets.any(|target| target.to_string_lossy().starts_with(&*path.to_string_lossy()))
    };
    assert!(is_open());
    fs::remove_file(&path).unwrap();
    wait_until("it is closed", || !is_open());
    assert!(!path.exists());
    assert_eq!(logging.metrics().handler("file").unwrap().errors, 1);
}

#[cfg(unix)]
#[test]
fn records_fail_once_the_file_is_removed_if_nothing_may_create_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let (logging, logger) = system(file(&path).on_removal(OnRemoval::Fail).build().unwrap());
    let log = |message: &str| {
        info!(logger: logger, "{}", message);
        let _ = logging.flush(LONG);
    };
    log("1");
    fs::remove_file(&path).unwrap();
    log("2");
    log("3");
    assert!(!path.exists());
    let metrics = logging.metrics();
    let h = metrics.handler("file").unwrap();
    // One error tells of the removal, and one for each batch that failed.
    assert_eq!((h.emitted, h.written, h.failed, h.errors), (3, 1, 2, 3));
    let expected = format!("cannot go on with the removed log file {}: entity not found", path.display());
    assert_eq!(h.last_error.as_deref(), Some(expected.as_str()));
    fs::write(&path, "").unwrap();
    log("4");
    assert_eq!(text(&path), "4\n");
}

#[test]
fn half_a_line_at_the_end_of_the_file_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let after = |before: &str, terminator: &str| {
        fs::write(&path, before).unwrap();
        log_once(file(&path).terminator(terminator).build().unwrap(), "new");
        text(&path)
    };
    assert_eq!(after("ha", "\n"), "ha\nnew\n");
    assert_eq!(after("whole\n", "\n"), "whole\nnew\n");
    assert_eq!(after("", "\n"), "new\n");
    assert_eq!(after("ha", "\0"), "ha\0new\0");
    assert_eq!(after("whole\0", "\0"), "whole\0new\0");
    // Records that nothing separates do not end.
    assert_eq!(after("ha", ""), "hanew");
    // Another process is killed within a write while this handler has the file open.
    let (logging, logger) = system(file(&path).truncate(true).build().unwrap());
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    let mut other = fs::File::options().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut other, b"ha").unwrap();
    info!(logger: logger, "2");
    logging.shutdown(LONG).unwrap();
    assert_eq!(text(&path), "1\nha\n2\n");
}
