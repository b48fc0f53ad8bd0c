//! Every argument and value is evaluated once, from left to right, if the record is recorded, and not at all otherwise.

use std::cell::RefCell;
use std::fmt;

use femtologging::{Level, critical, debug, enabled, error, info, log, trace, warn};
use macros_tests::Recorder;

/// Remembers what was evaluated.
#[derive(Default)]
struct Trail(RefCell<Vec<&'static str>>);

impl Trail {
    fn note<T>(&self, what: &'static str, value: T) -> T {
        self.0.borrow_mut().push(what);
        value
    }

    fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

/// A type that does not travel, so that the caller formats it.
#[derive(Debug)]
struct Shown;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shown")
    }
}

macro_rules! calls {
    ($trail:ident, $logger:expr; $($macro:ident $([$level:expr])?)*) => {
        vec![$({
            $macro!(
                $($level,)? logger: $logger,
                "{} {a} {} {0} {} {b} {a}", $trail.note("0", 1), $trail.note("1", Shown), $trail.note("2", "x".to_owned()),
                a = $trail.note("a", 2.5), b = $trail.note("b", Shown);
                k = $trail.note("k", 3), l:? = $trail.note("l", Shown), m:% = $trail.note("m", Shown),
                n = $trail.note("n", Some("x")),
            );
            let mixed = $trail.take();
            $macro!($($level,)? logger: $logger, "{} {}", $trail.note("0", 1), $trail.note("1", "x"); k = $trail.note("k", 3));
            let carried = $trail.take();
            let inline = 5;
            $macro!($($level,)? logger: $logger, "{inline} {}", $trail.note("0", 1));
            (mixed, carried, $trail.take())
        }),*]
    };
}

#[test]
fn once_in_order_or_never() {
    let recorder = Recorder::new();
    let trail = Trail::default();
    let logger = &recorder.logger;
    for threshold in Level::ALL {
        logger.set_level(threshold);
        let evaluated = calls! { trail, logger;
            trace debug info warn error critical
            log[Level::Trace] log[Level::Debug] log[Level::Info] log[Level::Warn] log[Level::Error] log[Level::Critical]
        };
        let levels = Level::ALL.into_iter().chain(Level::ALL);
        for (level, (mixed, carried, inline)) in levels.zip(evaluated) {
            if level >= threshold {
                assert_eq!(mixed, ["0", "1", "2", "a", "b", "k", "l", "m", "n"], "{level} at {threshold}");
                assert_eq!(carried, ["0", "1", "k"], "{level} at {threshold}");
                assert_eq!(inline, ["0"], "{level} at {threshold}");
            } else {
                assert!(mixed.is_empty() && carried.is_empty() && inline.is_empty(), "{level} at {threshold}");
            }
        }
        let records = recorder.take();
        assert_eq!(records.len(), 6 * Level::ALL.iter().filter(|level| **level >= threshold).count());
        for record in records.iter().filter(|record| record.key_values().count() == 4) {
            assert_eq!(record.message(), "1 2.5 shown 1 x shown 2.5");
        }
    }
}

#[test]
fn logger_target_and_level_are_evaluated_once() {
    let recorder = Recorder::new();
    let trail = Trail::default();
    let logger = &recorder.logger;
    info!(logger: trail.note("logger", logger.clone()), target: trail.note("target", "t"), "{}", trail.note("argument", 1));
    assert_eq!(trail.take(), ["logger", "target", "argument"]);
    log!(trail.note("level", Level::Info), logger: trail.note("logger", logger.clone()), "{}", trail.note("argument", 1));
    let mut evaluated = trail.take();
    evaluated.sort_unstable();
    assert_eq!(evaluated, ["argument", "level", "logger"]);
    assert!(
        enabled!(logger: trail.note("logger", logger.clone()), target: trail.note("target", "t"), trail.note("level", Level::Info))
    );
    assert_eq!(trail.take(), ["logger", "target", "level"]);
    assert_eq!(recorder.messages(), ["1", "1"]);
}

#[test]
fn an_argument_may_leave_the_function() {
    fn half(recorder: &Recorder, n: u32) -> Option<u32> {
        info!(logger: recorder.logger, "{} is even", if n & 1 == 0 { n } else { return None });
        info!(logger: recorder.logger, "checked"; half = n.checked_div(2)?);
        Some(n / 2)
    }
    let recorder = Recorder::new();
    assert_eq!((half(&recorder, 4), half(&recorder, 3)), (Some(2), None));
    for n in 0..5 {
        info!(logger: recorder.logger, "{}", match n { 1 => continue, 3 => break, _ => n });
    }
    assert_eq!(recorder.messages(), ["4 is even", "checked", "0", "2"]);
}

#[test]
fn arguments_are_borrowed() {
    let recorder = Recorder::new();
    let (owned, mut changed, boxed) = (String::from("owned"), 1, Box::new(5));
    info!(logger: recorder.logger, "{} {} {}", owned, changed, boxed; owned, changed, boxed = &boxed);
    changed += 1;
    let borrowed = &mut changed;
    info!(logger: recorder.logger, "{} {borrowed} {owned}", borrowed; borrowed);
    *borrowed += 1;
    assert_eq!((owned.as_str(), changed, *boxed), ("owned", 3, 5));
    assert_eq!(recorder.messages(), ["owned 1 5", "2 2 owned"]);
}
