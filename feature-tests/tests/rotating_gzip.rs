//! Compressed backups, through the handler's own thread.
#![cfg(feature = "gzip")]

mod common;

use std::fs;
use std::io::Read;
use std::path::Path;

use common::{LONG, wait_until};
use femtologging::handler::{FemtoRotatingFileHandler, HandlerSpec};
use femtologging::{Config, FemtoLogRecord, Logging, info};

fn handler(path: &Path) -> HandlerSpec {
    let builder = FemtoRotatingFileHandler::builder().path(path).max_bytes(1).backup_count(9).compress(true);
    let message = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out);
    builder.permissions(0o600).formatter(message).build().unwrap()
}

fn system(path: &Path) -> Logging {
    Config::builder().add_handler("file", handler(path)).build().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

fn unzipped(path: impl AsRef<Path>) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn backups_are_compressed_behind_the_handlers_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let logging = system(&path);
    let logger = logging.get_logger("app").unwrap();
    for n in 1..=4 {
        info!(logger: logger, "{}", n);
    }
    logging.flush(LONG).unwrap();
    let expected = ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"];
    wait_until("all are compressed", || names(dir.path()) == expected);
    for n in 1..=3 {
        assert_eq!(unzipped(dir.path().join(format!("app.log.{n}.gz"))), format!("{}\n", 4 - n));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(dir.path().join("app.log.1.gz")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody may read what nobody could read before");
    }
    logging.shutdown(LONG).unwrap();
}

#[test]
fn what_an_earlier_process_left_is_picked_up() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("app.log.2", "old\n");
    write("app.log.3", "older\n");
    write("app.log.3.gz.tmp", "half");
    let logging = system(&dir.path().join("app.log"));
    let expected = ["app.log", "app.log.2.gz", "app.log.3.gz"];
    wait_until("all are compressed", || names(dir.path()) == expected);
    assert_eq!(unzipped(dir.path().join("app.log.3.gz")), "older\n");
    logging.shutdown(LONG).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_make_no_difference() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let path = |more: &[u8]| dir.path().join(OsStr::from_bytes(&[b"\xff.log", more].concat()));
    fs::write(path(b".1"), "old\n").unwrap();
    fs::write(path(b".1.gz.tmp"), "half").unwrap();
    let logging = system(&path(b""));
    wait_until("it is compressed", || path(b".1.gz").exists() && !path(b".1").exists());
    assert_eq!(unzipped(path(b".1.gz")), "old\n");
    assert!(!path(b".1.gz.tmp").exists());
    logging.shutdown(LONG).unwrap();
}
