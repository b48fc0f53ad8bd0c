//! What code of the caller does while it is being formatted or evaluated.

use std::cell::Cell;
use std::fmt;

use femtologging::{Value, info, warn};
use macros_tests::Recorder;

/// Logs while it is being formatted.
struct Chatty<'a>(&'a Recorder, u32);

impl fmt::Display for Chatty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(recorder, depth) = self;
        if *depth > 0 {
            warn!(logger: recorder.logger, "depth {}: {}", depth, Chatty(recorder, depth - 1); depth = *depth);
        }
        write!(f, "<{depth}>")
    }
}

impl fmt::Debug for Chatty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(logger: self.0.logger, "debugged");
        write!(f, "[{}]", self.1)
    }
}

#[test]
fn a_display_that_logs() {
    let recorder = Recorder::new();
    info!(logger: recorder.logger, "{} {}", 1, Chatty(&recorder, 3); k:? = Chatty(&recorder, 0), n = 2);
    let records = recorder.take();
    let messages: Vec<_> = records.iter().map(|record| record.message()).collect();
    assert_eq!(messages, ["depth 1: <0>", "depth 2: <1>", "depth 3: <2>", "debugged", "1 <3>"]);
    let keys: Vec<_> = records[4].key_values().collect();
    assert_eq!(keys, [("k", Value::Debug("[0]")), ("n", Value::I64(2))]);
}

#[test]
fn an_argument_that_logs() {
    let recorder = Recorder::new();
    let double = |n: u32| {
        info!(logger: recorder.logger, "doubling {}", n);
        2 * n
    };
    info!(logger: recorder.logger, "{} {}", double(1), double(double(2)); k = double(5), l = {
        info!(logger: recorder.logger, "inside {}", { warn!(logger: recorder.logger, "innermost"); 1 });
        6
    });
    assert_eq!(
        recorder.messages(),
        ["doubling 1", "doubling 2", "doubling 4", "doubling 5", "innermost", "inside 1", "2 8"]
    );
}

/// Writes a little, then fails in the way it is told.
struct Faulty(bool);

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("so far ")?;
        if self.0 { panic!("a fault of the test") } else { Err(fmt::Error) }
    }
}

#[test]
fn a_display_that_fails_or_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let recorder = Recorder::new();
    info!(logger: recorder.logger, "{} {}", 1, Faulty(false); k = 1);
    info!(logger: recorder.logger, "{} {}", 1, Faulty(true); k = 2);
    info!(logger: recorder.logger, "keys"; error:% = Faulty(false), panic:% = Faulty(true), k = 3);
    info!(logger: recorder.logger, "after");
    std::panic::set_hook(hook);
    let records = recorder.take();
    let said: Vec<_> = records.iter().map(|record| (record.message(), record.get("k"))).collect();
    assert_eq!(
        said,
        [
            ("1 so far <formatting failed>", Some(Value::I64(1))),
            ("1 so far <formatting panicked>", Some(Value::I64(2))),
            ("keys", Some(Value::I64(3))),
            ("after", None),
        ]
    );
    assert_eq!(records[2].get("error"), Some(Value::Display("so far <formatting failed>")));
    assert_eq!(records[2].get("panic"), Some(Value::Display("so far <formatting panicked>")));
}

/// Logs when it is dropped.
struct Last<'a>(&'a Recorder, &'a Cell<u32>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
        info!(logger: self.0.logger, "dropped {}", self.1.get());
    }
}

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("alive")
    }
}

#[test]
fn temporaries_that_log_when_they_are_dropped() {
    let recorder = Recorder::new();
    let count = Cell::new(0);
    info!(logger: recorder.logger, "{}", Last(&recorder, &count); k:% = Last(&recorder, &count));
    assert_eq!(recorder.messages(), ["alive", "dropped 1", "dropped 2"]);
}
