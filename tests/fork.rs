//! What a child of `fork` may do: log, flush, end, and set up a system of its own.
#![cfg(unix)]
#![allow(unsafe_code)]

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use femtologging::handler::FemtoNullHandler;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::{Config, FemtoFileHandler, FemtoLogRecord, FemtoStreamHandler, Level, Logging, info};

const LONG: Duration = Duration::from_secs(60);

/// Runs `child` in a child process, which a clock ends if it hangs, and returns how it ended.
fn fork(child: impl FnOnce()) -> i32 {
    // SAFETY: the child runs nothing but `child` and ends with `_exit` or `exit`, or by a signal. What it uses of the
    // library is made to work in the child of a process with several threads; that is what is tested.
    unsafe {
        match libc::fork() {
            -1 => panic!("cannot fork: {}", io::Error::last_os_error()),
            0 => {
                libc::alarm(60);
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
                libc::_exit(if outcome.is_ok() { 0 } else { 101 })
            }
            id => {
                let mut status = 0;
                assert_eq!(libc::waitpid(id, &mut status, 0), id);
                status
            }
        }
    }
}

/// The status of a process that ended with this code.
fn ended_with(code: i32) -> i32 {
    code << 8
}

fn file(path: &Path) -> Logging {
    let handler = FemtoFileHandler::builder().path(path).formatter(message).build().unwrap();
    Config::builder().add_handler("file", handler).build().unwrap()
}

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_child_does_not_write_its_parent_s_records_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let logging = file(&path);
    let logger = logging.get_logger("app").unwrap();
    for number in 0..1000 {
        info!(logger: logger, "{}", number);
    }
    // Whether or not the handler has them by now.
    let status = fork(|| {
        info!(logger: logger, "from the child");
        assert_eq!(
            logging.flush(LONG).unwrap_err().to_string(),
            "logging in this child of fork, whose parent process has the handlers' threads, is closed"
        );
        drop((logger.clone(), logging.clone()));
        std::process::exit(7);
    });
    assert_eq!(status, ended_with(7));
    info!(logger: logger, "{}", 1000);
    logging.shutdown(LONG).unwrap();
    assert_eq!(lines(&path), (0..=1000).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_child_s_records_are_counted_and_do_not_make_it_wait() {
    for transport in [Transport::PerThread { bytes: 1024 }, Transport::Shared { capacity: Some(4) }] {
        let (go, may_go) = mpsc::channel::<()>();
        let held = FemtoStreamHandler::builder(io::sink())
            .formatter(move |_: &FemtoLogRecord<'_>, _: &mut Vec<u8>| {
                let _ = may_go.recv();
            })
            .transport(transport)
            .overflow(OverflowPolicy::Block)
            .build()
            .unwrap();
        let logging = Config::builder().add_handler("held", held).build().unwrap();
        let logger = logging.get_logger("app").unwrap();
        let before = 3;
        (0..before).for_each(|number| info!(logger: logger, "{}", number));
        let status = fork(|| {
            (0..1000).for_each(|number| info!(logger: logger, "{}", number));
            let metrics = logging.metrics().handlers.remove(0);
            assert_eq!(metrics.emitted, 1000 + before);
            assert!(metrics.dropped.by_level(Level::Info) >= 1000, "{metrics:?}");
        });
        assert_eq!(status, ended_with(0), "{transport:?}");
        drop(go);
        logging.shutdown(LONG).unwrap();
        assert_eq!(logging.metrics().handlers[0].written, before);
    }
}

#[test]
fn a_child_may_set_up_a_system_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (parent, child) = (dir.path().join("parent"), dir.path().join("child"));
    let logging = file(&parent);
    let logger = logging.get_logger("app").unwrap();
    info!(logger: logger, "before");
    let status = fork(|| {
        let logging = file(&child);
        let logger = logging.get_logger("app").unwrap();
        info!(logger: logger, "of its own");
        logging.flush(LONG).unwrap();
        info!(logger: logger, "written at exit");
        std::process::exit(0);
    });
    assert_eq!(status, ended_with(0));
    logging.shutdown(LONG).unwrap();
    assert_eq!(lines(&parent), ["before"]);
    assert_eq!(lines(&child), ["of its own", "written at exit"]);
}

/// Threads that log, flush, set up and tear down hold locks all the time; a child must not find one locked.
#[test]
fn a_child_finds_no_lock_that_another_thread_holds() {
    let stop = Arc::new(AtomicBool::new(false));
    let busy = [Transport::default(), Transport::Shared { capacity: None }].map(|transport| {
        let stop = stop.clone();
        std::thread::spawn(move || {
            while !stop.load(Relaxed) {
                let spec = FemtoStreamHandler::builder(io::sink()).transport(transport).build().unwrap();
                let logging = Config::builder().add_handler("busy", spec).build().unwrap();
                let logger = logging.get_logger("busy").unwrap();
                let giant = "x".repeat(100_000);
                (0..20).for_each(|_| info!(logger: logger, "{}", giant));
                logging.set_handler_level("busy", Level::Warn).unwrap();
                let _ = logging.metrics();
            }
        })
    });
    let reloads = {
        let stop = stop.clone();
        std::thread::spawn(move || {
            let logging = Config::builder().build().unwrap();
            while !stop.load(Relaxed) {
                let inline = FemtoStreamHandler::builder(io::sink()).inline().build().unwrap();
                let config = Config::builder().add_handler("inline", inline).add_handler("busy", FemtoNullHandler);
                logging.reconfigure(config, LONG).unwrap();
                logging.reconfigure(Config::builder().add_handler("other", FemtoNullHandler), LONG).unwrap();
            }
        })
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut forks = 0;
    while forks < 100 && (forks < 10 || Instant::now() < deadline) {
        let status = fork(|| {
            let logging = Config::builder().add_handler("own", FemtoNullHandler).build().unwrap();
            let logger = logging.get_logger("own").unwrap();
            let giant = "x".repeat(1_000_000);
            info!(logger: logger, "{}", giant);
            logging.flush(LONG).unwrap();
            assert_eq!(logging.metrics().handlers[0].written, 1);
            logging.replace_handler("own", FemtoNullHandler, LONG).unwrap();
        });
        assert_eq!(status, ended_with(0), "after {forks} forks");
        forks += 1;
    }
    stop.store(true, Relaxed);
    busy.into_iter().chain([reloads]).for_each(|thread| thread.join().unwrap());
    io::stdout().flush().unwrap();
}
