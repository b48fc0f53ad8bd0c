//! Limits of single calls: what passes, what the next one says of those before it, and what is evaluated.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use femtologging::{Level, LevelFilter, Value, critical, debug, error, info, log, trace, warn};
use macros_tests::Recorder;

/// The messages and the numbers of suppressed calls.
fn passed(recorder: &Recorder) -> Vec<(String, u64)> {
    let suppressed = |record: &femtologging::record::OwnedRecord| match record.get("suppressed") {
        Some(Value::U64(count)) => count,
        None => 0,
        other => panic!("{other:?}"),
    };
    recorder.take().iter().map(|record| (record.message().to_owned(), suppressed(record))).collect()
}

fn pairs(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(message, count)| ((*message).to_owned(), *count)).collect()
}

macro_rules! in_every_macro {
    ($($macro:ident $($level:expr)?;)*) => {
        #[test]
        fn every_macro_takes_every_limit() {
            let recorder = Recorder::new();
            let logger = &recorder.logger;
            $(
                for n in 0..10 {
                    $macro!($($level,)? logger: logger, once, "once {}", n);
                    $macro!($($level,)? logger: logger, first: 2, "first {}", n; key = n);
                    $macro!($($level,)? logger: logger, every: 4, "every {n}");
                    $macro!($($level,)? per: Duration::MAX, logger: logger, target: "t", "per {}", n);
                    $macro!($($level,)? logger: logger, sample: 0.2, key = n, "sample {}", n);
                }
                let mut found = passed(&recorder);
                found.sort();
                let expected = [
                    ("every 0", 0), ("every 4", 3), ("every 8", 3), ("first 0", 0), ("first 1", 0), ("once 0", 0),
                    ("per 0", 0), ("sample 0", 0), ("sample 5", 4),
                ];
                assert_eq!(found, pairs(&expected), stringify!($macro));
            )*
        }
    };
}

in_every_macro! {
    trace; debug; info; warn; error; critical; log Level::Warn;
}

#[test]
fn log_takes_its_limit_anywhere_behind_the_level() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    for n in 0..3 {
        log!(Level::Info, once, logger: logger, "one {}", n);
        log!(logger: logger, Level::Info, once, target: "t", "two {}", n);
        log!(logger: logger, target: "t", Level::Info, once, "three {}", n);
    }
    assert_eq!(passed(&recorder), pairs(&[("one 0", 0), ("two 0", 0), ("three 0", 0)]));
}

#[test]
fn a_call_that_is_turned_away_evaluates_nothing() {
    let recorder = Recorder::new();
    let (count, asked) = (Cell::new(0), Cell::new(0));
    let next = || {
        count.set(count.get() + 1);
        count.get()
    };
    let limit = || {
        asked.set(asked.get() + 1);
        3
    };
    for _ in 0..9 {
        info!(logger: recorder.logger, every: limit(), "{}", next(); key = next());
    }
    assert_eq!((count.get(), asked.get()), (6, 9));
    assert_eq!(passed(&recorder), pairs(&[("1", 0), ("3", 2), ("5", 2)]));
}

#[test]
fn a_call_that_is_not_enabled_does_not_count() {
    let recorder = Recorder::new();
    let asked = Cell::new(0);
    let call = |n: u32| {
        debug!(logger: recorder.logger, every: { asked.set(asked.get() + 1); 2 }, "{}", n);
    };
    recorder.logger.set_level(LevelFilter::Info);
    (0..5).for_each(call);
    assert_eq!(asked.get(), 0);
    recorder.logger.set_level(LevelFilter::Debug);
    (5..8).for_each(call);
    assert_eq!(passed(&recorder), pairs(&[("5", 0), ("7", 1)]));
}

/// The number belongs to the record of its own call, whatever is logged while its arguments are evaluated and formatted.
#[test]
fn calls_in_arguments_do_not_take_the_number() {
    struct Logs<'a>(&'a Recorder);
    impl std::fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!(logger: self.0.logger, "formatting");
            f.write_str("shown")
        }
    }
    let recorder = Recorder::new();
    for _ in 0..3 {
        warn!(logger: recorder.logger, every: 2, "{} {}", { info!(logger: recorder.logger, "evaluating"); 1 }, Logs(&recorder));
    }
    let once = [("evaluating", 0), ("formatting", 0)];
    let expected = [&once[..], &[("1 shown", 0)], &once, &[("1 shown", 1)]].concat();
    assert_eq!(passed(&recorder), pairs(&expected));
}

#[test]
fn the_number_stands_behind_the_context_and_before_the_call_s_own_keys() {
    let recorder = Recorder::new();
    femtologging::context! { around = 1; {
        for _ in 0..3 {
            info!(logger: recorder.logger.with("bound", 2_u8), every: 2, "m"; own = 3);
        }
    } };
    let keys: Vec<_> = recorder.take()[1].key_values().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(keys, ["around=1", "bound=2", "suppressed=1", "own=3"]);
}

#[expect(clippy::disallowed_methods, reason = "a test may start threads")]
#[test]
fn threads_share_a_limit_and_nothing_is_forgotten() {
    const THREADS: u64 = 4;
    const CALLS: u64 = 5_000;
    static MADE: AtomicU64 = AtomicU64::new(0);
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let call = |kind: u64| match kind {
        0 => info!(logger: logger, every: 7, "every"),
        1 => info!(logger: logger, sample: 0.03, "sample"),
        2 => info!(logger: logger, first: 50, "first"),
        3 => info!(logger: logger, per: Duration::from_micros(200), "per"),
        _ => info!(logger: logger, once, "once"),
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    (0..5).for_each(call);
                    MADE.fetch_add(1, Relaxed);
                }
            });
        }
    });
    let made = MADE.load(Relaxed);
    let found = passed(&recorder);
    let of = |kind: &str| {
        let of = found.iter().filter(|(message, _)| message == kind);
        of.fold((0, 0), |(passed, suppressed), (_, more)| (passed + 1, suppressed + more))
    };
    assert_eq!(of("once"), (1, 0));
    assert_eq!(of("first"), (50, 0));
    let (passed, suppressed) = of("every");
    assert_eq!((passed, suppressed), (made.div_ceil(7), (made.div_ceil(7) - 1) * 6));
    let (passed, suppressed) = of("sample");
    assert_eq!(passed, 600);
    assert!(passed + suppressed <= made && passed + suppressed > made - 200, "{passed} + {suppressed} of {made}");
    let (passed, suppressed) = of("per");
    assert!(passed >= 1 && passed + suppressed <= made, "{passed} + {suppressed} of {made}");
}
