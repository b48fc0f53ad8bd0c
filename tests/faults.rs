//! Writers that fail, stall, panic or take half: what is written, what is counted, and that nobody else is harmed.

mod common;

use std::io::ErrorKind;
use std::sync::mpsc;
use std::time::Duration;

use common::{LONG, Scripted, Step, clock, wait_until};
use femtologging::handler::{Batch, FemtoCaptureHandler, FemtoHandler};
use femtologging::metrics::HandlerMetrics;
use femtologging::time::Clock;
use femtologging::{Config, Error, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Logging, info};

/// A scripted stream beside a capture handler.
struct Fixture {
    logging: Logging,
    logger: FemtoLogger,
    writer: Scripted,
    capture: FemtoCaptureHandler,
}

impl Fixture {
    fn new(script: impl IntoIterator<Item = Step>) -> Self {
        let (writer, capture) = (Scripted::new(script), FemtoCaptureHandler::new());
        let message = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out);
        let logging = Config::builder()
            .clock(Clock::manual(&clock()))
            .add_handler("bad", FemtoStreamHandler::builder(writer.clone()).formatter(message).build().unwrap())
            .add_handler("good", capture.clone())
            .build()
            .unwrap();
        let logger = logging.get_logger("app").unwrap();
        Self { logging, logger, writer, capture }
    }

    /// Logs one record and waits until every handler is done with it.
    fn log(&self, message: &str) {
        info!(logger: self.logger, "{}", message);
        let _ = self.logging.flush(LONG);
    }

    fn bad(&self) -> HandlerMetrics {
        self.logging.metrics().handler("bad").unwrap().clone()
    }

    /// Holds the counts, after `messages`, against `written`, `failed`, `errors` and the last error's text.
    #[track_caller]
    fn check(&self, messages: &[&str], written: u64, failed: u64, errors: u64, last_error: Option<&str>) {
        let bad = self.bad();
        let counts = (bad.emitted, bad.written, bad.failed, bad.in_flight, bad.errors);
        assert_eq!(counts, (messages.len() as u64, written, failed, 0, errors));
        assert_eq!(bad.last_error.as_deref(), last_error);
        assert_eq!(self.capture.messages(), messages, "the other handler has everything");
        let metrics = self.logging.metrics();
        let good = metrics.handler("good").unwrap();
        assert_eq!((good.written, good.errors), (messages.len() as u64, 0));
    }
}

#[test]
fn a_writer_that_fails_is_tried_again_with_the_next_batch() {
    let fail = || Step::Fail(ErrorKind::StorageFull, "disk full");
    let f = Fixture::new([fail(), fail()]);
    f.log("1");
    f.log("2");
    f.check(&["1", "2"], 0, 2, 2, Some("disk full"));
    f.log("3");
    f.check(&["1", "2", "3"], 1, 2, 2, Some("disk full"));
    assert_eq!((f.writer.text(), f.writer.writes(), f.bad().bytes), ("3\n".to_owned(), 3, 2));
    f.logging.shutdown(LONG).unwrap();
}

#[test]
fn a_writer_that_panics_is_tried_again_with_the_next_batch() {
    let f = Fixture::new([Step::Panic]);
    f.log("1");
    f.check(&["1"], 0, 1, 1, Some("panicked in `deliver`: expected by this test"));
    f.log("2");
    f.check(&["1", "2"], 1, 1, 1, Some("panicked in `deliver`: expected by this test"));
    assert_eq!(f.writer.text(), "2\n");
}

#[test]
fn a_record_cut_in_two_is_followed_by_a_new_line() {
    let fail = |text| Step::Fail(ErrorKind::Other, text);
    // The line's end fails at first, too; the second record is then tried in vain.
    let f = Fixture::new([Step::Take(4), fail("1st"), fail("2nd")]);
    f.log("cut in two");
    f.check(&["cut in two"], 0, 1, 1, Some("1st"));
    assert_eq!(f.writer.text(), "cut ");
    f.log("lost");
    f.check(&["cut in two", "lost"], 0, 2, 2, Some("2nd"));
    f.log("whole");
    f.log("again");
    f.check(&["cut in two", "lost", "whole", "again"], 2, 2, 2, Some("2nd"));
    assert_eq!(f.writer.text(), "cut \nwhole\nagain\n");
    assert_eq!(f.bad().bytes, 12, "only whole records' bytes count");
}

#[test]
fn a_panic_after_half_a_record_is_no_different() {
    let f = Fixture::new([Step::Take(3), Step::Panic]);
    f.log("half");
    f.log("whole");
    f.check(&["half", "whole"], 1, 1, 1, Some("panicked in `deliver`: expected by this test"));
    assert_eq!(f.writer.text(), "hal\nwhole\n");
}

#[test]
fn of_a_batch_the_records_that_came_through_whole_are_written() {
    let (release, gate) = mpsc::channel();
    let f = Fixture::new([Step::Wait(gate), Step::Take(5), Step::Fail(ErrorKind::Other, "no more")]);
    info!(logger: f.logger, "gate");
    wait_until("the writer is held", || f.writer.writes() == 1);
    for message in ["1", "2", "3", "4"] {
        info!(logger: f.logger, "{}", message);
    }
    release.send(()).unwrap();
    let _ = f.logging.flush(LONG);
    // Five bytes: two records and a half.
    f.check(&["gate", "1", "2", "3", "4"], 3, 2, 1, Some("no more"));
    assert_eq!((f.writer.text(), f.bad().bytes), ("gate\n1\n2\n3".to_owned(), 9));
    f.log("5");
    assert_eq!(f.writer.text(), "gate\n1\n2\n3\n5\n");
}

#[test]
fn a_cut_at_a_lines_end_needs_no_other() {
    let f = Fixture::new([Step::Take(2), Step::Fail(ErrorKind::Other, "late")]);
    let (release, gate) = mpsc::channel();
    let held = Fixture::new([Step::Wait(gate), Step::Take(2), Step::Fail(ErrorKind::Other, "late")]);
    f.log("1");
    f.log("2");
    f.log("3");
    f.check(&["1", "2", "3"], 2, 1, 1, Some("late"));
    assert_eq!(f.writer.text(), "1\n3\n");

    info!(logger: held.logger, "gate");
    wait_until("the writer is held", || held.writer.writes() == 1);
    info!(logger: held.logger, "1");
    info!(logger: held.logger, "2");
    release.send(()).unwrap();
    let _ = held.logging.flush(LONG);
    held.log("3");
    held.check(&["gate", "1", "2", "3"], 3, 1, 1, Some("late"));
    assert_eq!(held.writer.text(), "gate\n1\n3\n");
}

#[test]
fn a_writer_may_take_one_byte_at_a_time() {
    let f = Fixture::new((0..30).map(|_| Step::Take(1)));
    f.log("first");
    f.log("second");
    f.check(&["first", "second"], 2, 0, 0, None);
    assert_eq!((f.writer.text(), f.writer.writes()), ("first\nsecond\n".to_owned(), 13));
}

#[test]
fn interruptions_are_no_errors() {
    let interrupted = || Step::Fail(ErrorKind::Interrupted, "a signal came");
    let f = Fixture::new([interrupted(), interrupted(), Step::Take(2), interrupted()]);
    f.log("whole");
    f.check(&["whole"], 1, 0, 0, None);
    assert_eq!(f.writer.text(), "whole\n");
}

#[test]
fn a_writer_that_takes_nothing_has_failed() {
    let f = Fixture::new([Step::Take(2), Step::Take(0)]);
    f.log("1234");
    f.check(&["1234"], 0, 1, 1, Some("write zero"));
    f.log("5");
    assert_eq!(f.writer.text(), "12\n5\n");
}

#[test]
fn a_failed_flush_is_an_error_about_records_that_are_written() {
    let f = Fixture::new([Step::FailFlush]);
    f.log("1");
    f.check(&["1"], 1, 0, 1, Some("flush failed"));
    f.log("2");
    f.check(&["1", "2"], 2, 0, 1, Some("flush failed"));
    assert_eq!(f.writer.text(), "1\n2\n");
}

#[test]
fn a_writer_that_stalls_holds_up_nobody_else() {
    let (release, gate) = mpsc::channel();
    let f = Fixture::new([Step::Wait(gate)]);
    let messages: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    info!(logger: f.logger, "{}", messages[0]);
    wait_until("the writer is held", || f.writer.writes() == 1);
    for message in &messages[1..] {
        info!(logger: f.logger, "{}", message);
    }
    wait_until("the other handler has all", || f.capture.len() == 1000);
    let bad = f.bad();
    assert_eq!((bad.emitted, bad.written, bad.in_flight), (1000, 0, 1000));
    let error = f.logging.flush(Duration::from_millis(20)).unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "the flush of handler `bad` (given 20ms; 1000 records are not written) did not finish in time"
    );
    release.send(()).unwrap();
    f.logging.flush(LONG).unwrap();
    assert_eq!(f.writer.lines(), messages);
    assert_eq!((f.bad().written, f.bad().in_flight, f.bad().errors), (1000, 0, 0));
}

/// An error whose text cannot be had.
#[derive(Debug)]
struct Textless;

impl std::fmt::Display for Textless {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("expected by this test")
    }
}

impl std::error::Error for Textless {}

/// The payload of a panic, which panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("not expected by this test")
    }
}

/// Fails, panics, and then works.
struct Hostile {
    calls: u32,
}

impl FemtoHandler for Hostile {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        self.calls += 1;
        match self.calls {
            1 => Err(Error::other(Textless)),
            2 => std::panic::panic_any(Bomb),
            _ => Ok(()),
        }
    }
}

#[test]
fn neither_a_hostile_error_nor_a_hostile_panic_ends_the_handler() {
    let logging = Config::builder().add_handler("hostile", Hostile { calls: 0 }).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (0..5).for_each(|number| info!(logger: logger, "{}", number));
    let answer = logging.flush(LONG).unwrap_err().to_string();
    assert_eq!(answer, "`handlers.hostile`: 2 records could not be written");
    let metrics = logging.metrics();
    let counts = &metrics.handlers[0];
    assert_eq!((counts.emitted, counts.written, counts.failed, counts.errors), (5, 3, 2, 2));
    assert_eq!(counts.last_error.as_deref(), Some("panicked in `handle`"));
}
