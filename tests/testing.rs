//! Captures of single tests. What a failing test shows is looked at from outside: this program, started again.
#![cfg(feature = "testing")]

mod common;

use std::pin::Pin;
use std::process::Command;
use std::sync::mpsc;
use std::task;
use std::thread;
use std::time::{Duration, Instant};

use common::LONG;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::span::FemtoFutureExt;
use femtologging::testing::{self, capture};
use femtologging::{
    Config, Context, Level, assert_logged, assert_logged_once, assert_not_logged, context, critical, error, get_logger,
    info, info_span, trace, warn,
};

/// Runs a test of this program that is ignored, with the arguments, and returns what it writes: without times, numbers
/// of threads, and what the harness says about itself.
fn child(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact"]).args(arguments).env("RUST_BACKTRACE", "0");
    command.env_remove("NEXTEST").env_remove("FEMTO_LOG_TESTS").env_remove("RUST_TEST_NOCAPTURE");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        if line.starts_with("    20") {
            return line.split_once('Z').map_or_else(|| line.to_owned(), |(_, rest)| format!("    TIME{rest}"));
        }
        // `thread 'name' (4711) panicked at tests/testing.rs:1:2:`
        match line.split_once("' (") {
            Some((before, _)) if before.starts_with("thread '") => format!("{before}' panicked"),
            _ => line.to_owned(),
        }
    };
    // The note comes once in a process.
    let lines = stdout.lines().filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE=1`"));
    lines.map(|text| line(text) + "\n").collect()
}

/// Returns what the harness shows with a test that failed.
fn section(output: &str, test: &str) -> String {
    let (_, after) = output.split_once(&format!("---- {test} stdout ----\n")).unwrap_or_else(|| panic!("{output}"));
    let end = after.find("\n---- ").or_else(|| after.find("\n\nfailures:")).unwrap();
    after[..end].trim().to_owned()
}

fn take(left: u32) {
    if left < 3 {
        warn!(target: "shop", "{} left", left; item = "lamp");
    }
}

#[test]
fn tests_that_run_side_by_side_see_their_own_records() {
    let threads: Vec<_> = (0..8_u32)
        .map(|test| {
            thread::spawn(move || {
                let log = capture();
                for _ in 0..200 {
                    info!("{}", test);
                }
                assert_eq!(log.messages(), vec![test.to_string(); 200]);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn every_level_of_every_logger_is_captured_whatever_its_handlers() {
    let logger = get_logger("testing.alone").unwrap();
    logger.set_propagate(false);
    let log = capture();
    trace!(logger: logger, "by hand");
    trace!("root");
    critical!(target: "nowhere", "target");
    assert_eq!(log.messages(), ["by hand", "root", "target"]);
    assert_eq!(log.take().len(), 3);
    assert!(log.is_empty());
}

#[test]
fn threads_spans_and_futures_carry_the_test() {
    let log = capture();
    testing::spawn(|| info!("thread")).join().unwrap();
    let current = Context::current();
    thread::scope(|scope| scope.spawn(|| current.in_scope(|| info!("scope"))).join().unwrap());
    let span = info_span!("request"; id = 7);
    let inner = context! { user = "ada"; { async { info!("future"; n = 1) }.in_current_context() } };
    let futures: [Pin<Box<dyn Future<Output = ()> + Send>>; 2] =
        [Box::pin(inner), Box::pin(async { info!("span") }.in_span(span))];
    // Another thread polls them, as an executor would.
    let poll = |mut future: Pin<Box<dyn Future<Output = ()> + Send>>| {
        assert!(future.as_mut().poll(&mut task::Context::from_waker(task::Waker::noop())).is_ready());
    };
    thread::spawn(move || futures.map(poll)).join().unwrap();
    assert_eq!(log.messages(), ["thread", "scope", "future", "span"]);
    assert_logged!(log, Level::Info, "future", user = "ada", n = 1);
    // The mark of the test is no key.
    assert_eq!(log.records()[0].key_values().count(), 0);
    assert_eq!(log.unattributed().iter().filter(|record| record.message() == "span").count(), 0);
}

#[test]
fn the_mark_of_a_test_changes_no_handler_s_text() {
    let _log = capture();
    let lines = FemtoCaptureHandler::new();
    let logging = Config::builder().add_handler("lines", lines.clone()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    context! { user = "ada"; { info!(logger: logger, "m"; n = 1) } };
    logging.flush(LONG).unwrap();
    let records = lines.records();
    assert_eq!(records[0].key_values().map(|(key, _)| key).collect::<Vec<_>>(), ["user", "n"]);
}

#[test]
fn a_record_of_no_test_is_kept_apart() {
    let log = capture();
    thread::spawn(|| info!(target: "stray", "nobody's")).join().unwrap();
    assert!(log.is_empty());
    let strays = log.unattributed();
    assert_eq!(strays.iter().filter(|record| record.logger() == "stray").count(), 1);
    // A capture that begins later does not see it.
    let strays = thread::spawn(|| capture().unattributed()).join().unwrap();
    assert_eq!(strays.iter().filter(|record| record.logger() == "stray").count(), 0);
}

#[test]
fn a_capture_within_a_capture_has_what_is_logged_meanwhile() {
    let outer = capture();
    info!("one");
    {
        let inner = capture();
        info!("two");
        assert_eq!(inner.messages(), ["two"]);
    }
    info!("three");
    assert_eq!(outer.messages(), ["one", "three"]);
}

#[test]
fn waits_for_a_record_of_another_thread() {
    let log = capture();
    let (go, gate) = mpsc::channel::<()>();
    let worker = testing::spawn(move || {
        gate.recv().unwrap();
        info!("starting");
        info!("ready"; port = 4711_u16);
    });
    go.send(()).unwrap();
    let ready = log.wait_for(|record| record.message() == "ready", LONG);
    assert_eq!(ready.get("port").and_then(|port| port.as_i64()), Some(4711));
    worker.join().unwrap();
}

#[test]
fn numbers_are_equal_whatever_their_width_and_texts_however_recorded() {
    let log = capture();
    let cause = std::io::Error::other("boom");
    error!("failed"; cause:err = &cause, state:? = Some(1), n = 7_u8, big = 7_i128, half = 0.1_f32, ok = false);
    assert_logged!(log, Level::Error, "fail", cause = "boom", state = "Some(1)", n = 7, big = 7_u64, half = 0.1);
    assert_logged!(log, Level::Error, String::from("failed"), n = 7_usize, ok = false,);
    assert_not_logged!(log, Level::Error, "failed", n = 8);
    assert_not_logged!(log, Level::Warn, "failed");
    assert_logged_once!(log, Level::Error, "");
    info!("dots"; http.status = 200, "user-id" = "ada");
    assert_logged!(log, Level::Info, "dots", http.status = 200);
    assert_logged!(log, Level::Info, "dots", "user-id" = "ada", "http.status" = 200);
}

#[test]
fn a_snapshot_has_nothing_that_differs_from_run_to_run() {
    let log = capture();
    let start = Instant::now();
    let file = std::env::temp_dir().join("some-name-4711").join("app.log");
    let here = std::env::current_dir().unwrap().join("data").join("items.csv");
    info!(target: "shop", "read {}", here.display());
    testing::spawn(move || warn!(target: "shop", "slow"; took = start.elapsed(), file:% = file.display()))
        .join()
        .unwrap();
    info!(target: "shop", "took {:?}, since {}", start.elapsed(), "2026-03-12T08:30:00Z"; left = 2);
    let expected = "\
[time] INFO  shop [thread] read data/items.csv
[time] WARN  shop [thread] slow took=[duration] file=[tmp]/app.log
[time] INFO  shop [thread] took [duration], since [time] left=2
";
    assert_eq!(log.snapshot(), expected);
}

#[test]
fn what_an_assertion_expects_is_not_denied() {
    let log = capture();
    log.deny(Level::Error);
    error!("expected");
    error!("waited for");
    assert_logged!(log, Level::Error, "expected");
    log.wait_for(|record| record.message() == "waited for", LONG);
}

#[test]
#[ignore = "another test starts it"]
fn child_fails() {
    let log = capture();
    take(5);
    take(2);
    info!(target: "shop", "packed"; item = "chair");
    thread::Builder::new()
        .name("stray".into())
        .spawn(|| info!(target: "shop", "from a thread"))
        .unwrap()
        .join()
        .unwrap();
    assert_logged!(log, Level::Warn, "1 left", item = "lamp");
}

#[test]
fn a_failure_lists_the_nearest_records_and_the_harness_shows_all_with_the_test() {
    let output = child(&["child_fails"], &[]);
    let expected = r#"thread 'child_fails' panicked
no record is WARN "1 left" item="lamp"; the nearest of 2:
    TIME WARN  shop [child_fails] 2 left item=lamp
        message "2 left" does not contain "1 left"
    TIME INFO  shop [child_fails] packed item=chair
        level is INFO, not WARN
        message "packed" does not contain "1 left"
        item is "chair", not "lamp"
2 records captured:
    TIME WARN  shop [child_fails] 2 left item=lamp
    TIME INFO  shop [child_fails] packed item=chair
1 record of no test, logged meanwhile:
    TIME INFO  shop [stray] from a thread"#;
    assert_eq!(section(&output, "child_fails"), expected);
    // Nowhere else.
    assert_eq!(output.matches("2 left item=lamp").count(), 2);
}

#[test]
#[ignore = "another test starts it"]
fn child_is_unattributed() {
    let log = capture();
    thread::Builder::new().name("stray".into()).spawn(|| take(1)).unwrap().join().unwrap();
    assert_logged!(log, Level::Warn, "1 left");
}

#[test]
fn a_failure_says_that_a_record_belongs_to_no_test() {
    let expected = r#"thread 'child_is_unattributed' panicked
no record is WARN "1 left"; there are no records
1 record like this of no test; carry the context to where it is logged:
    TIME WARN  shop [stray] 1 left item=lamp
no record captured
1 record of no test, logged meanwhile:
    TIME WARN  shop [stray] 1 left item=lamp"#;
    assert_eq!(section(&child(&["child_is_unattributed"], &[]), "child_is_unattributed"), expected);
}

#[test]
fn where_a_test_has_a_process_of_its_own_every_record_belongs_to_it() {
    let output = child(&["child_is_unattributed"], &[("NEXTEST", "1")]);
    assert!(output.contains("test result: ok. 1 passed"), "{output}");
}

#[test]
#[ignore = "another test starts it"]
fn child_takes_all() {
    let log = testing::capture_all();
    thread::spawn(|| take(0)).join().unwrap();
    assert_eq!(log.messages(), ["0 left"]);
    drop(log);
    thread::spawn(|| take(1)).join().unwrap();
    assert_eq!(testing::capture_all().messages(), ["1 left"]);
}

#[test]
fn a_capture_of_all_takes_what_belongs_to_no_test() {
    let output = child(&["child_takes_all"], &[]);
    assert!(output.contains("test result: ok. 1 passed"), "{output}");
}

#[test]
#[ignore = "another test starts it"]
fn child_logs_once_too_often() {
    let log = capture();
    take(2);
    take(2);
    assert_logged_once!(log, Level::Warn, "2 left");
}

#[test]
#[ignore = "another test starts it"]
fn child_logs_what_it_should_not() {
    let log = capture();
    take(1);
    assert_not_logged!(log, Level::Warn, "left", item = "lamp");
}

#[test]
#[ignore = "another test starts it"]
fn child_is_denied() {
    let log = capture();
    log.deny(Level::Error);
    warn!(target: "shop", "fine");
    error!(target: "shop", "unexpected");
}

#[test]
#[ignore = "another test starts it"]
fn child_waits_in_vain() {
    let log = capture();
    take(1);
    log.wait_for(|record| record.message() == "ready", Duration::from_millis(20));
}

#[test]
fn failures_of_tests_that_run_side_by_side_are_not_mixed() {
    let tests =
        ["child_logs_once_too_often", "child_logs_what_it_should_not", "child_is_denied", "child_waits_in_vain"];
    let output = child(&[&tests[..], &["--test-threads=4"]].concat(), &[]);
    let warn = |test: &str, left: u32| format!("    TIME WARN  shop [{test}] {left} left item=lamp");
    for test in tests {
        let expected = match test {
            "child_logs_once_too_often" => format!(
                "thread '{test}' panicked\n2 records are WARN \"2 left\", not one:\n{line}\n{line}\n2 records captured:\n{line}\n{line}",
                line = warn(test, 2),
            ),
            "child_logs_what_it_should_not" => format!(
                "thread '{test}' panicked\n1 record is WARN \"left\" item=\"lamp\", not none:\n{line}\n1 record captured:\n{line}",
                line = warn(test, 1),
            ),
            "child_is_denied" => format!(
                "2 records captured:\n    TIME WARN  shop [{test}] fine\n{line}\n\nthread '{test}' panicked\n1 record at ERROR or above:\n{line}",
                line = format_args!("    TIME ERROR shop [{test}] unexpected"),
            ),
            _ => format!(
                "thread '{test}' panicked\nno such record within 20ms\n1 record captured:\n{line}",
                line = warn(test, 1),
            ),
        };
        assert_eq!(section(&output, test), expected);
    }
}

#[test]
#[ignore = "another test starts it"]
fn child_returns_an_error() -> Result<(), String> {
    let _log = capture();
    take(1);
    Err("expected by this test".to_owned())
}

#[test]
fn a_test_that_returns_an_error_shows_its_records_if_all_do() {
    let always = child(&["child_returns_an_error"], &[("FEMTO_LOG_TESTS", "always")]);
    let expected = "1 record captured:\n    TIME WARN  shop [child_returns_an_error] 1 left item=lamp\n\
                    Error: \"expected by this test\"";
    assert_eq!(section(&always, "child_returns_an_error"), expected);
}

#[test]
#[ignore = "another test starts it"]
fn child_sets_logging_up_and_shuts_it_down() {
    let log = capture();
    info!("before");
    let lines = FemtoCaptureHandler::new();
    let config = Config::builder().default_level(Level::Info).add_handler("lines", lines.clone());
    config.build_and_init().unwrap();
    info!("meanwhile");
    // The program's own level decides now.
    trace!("too detailed");
    femtologging::shutdown(LONG).unwrap();
    info!("after");
    assert_eq!(log.messages(), ["before", "meanwhile", "after"]);
    assert_eq!(lines.messages(), ["meanwhile"]);
    let metrics = femtologging::metrics();
    let handler = metrics.handler("lines").unwrap();
    assert_eq!((handler.emitted, handler.written, handler.dropped.total()), (2, 1, 1));
}

#[test]
fn a_program_that_sets_logging_up_and_shuts_it_down_is_captured_all_the_time() {
    let output = child(&["child_sets_logging_up_and_shuts_it_down"], &[]);
    assert!(output.contains("test result: ok. 1 passed"), "{output}");
}
