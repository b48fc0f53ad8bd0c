//! Spans: their records, their place in other records, panics, futures, and what switches them off.

mod common;

use std::future::Future;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Barrier;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use common::{Captured, clock, suspend};
use femtologging::config::ConfigBuilder;
use femtologging::filter::Key;
use femtologging::policy::SpanEvents;
use femtologging::record::OwnedRecord;
use femtologging::span::FemtoFutureExt;
use femtologging::time::{Clock, ManualClock};
use femtologging::{
    Config, Context, FemtoLogger, FemtoSpan, Level, Value, context, critical_span, debug_span, error_span, info,
    info_span, span, trace_span, warn_span,
};

struct System {
    captured: Captured,
    hand: ManualClock,
}

impl Deref for System {
    type Target = Captured;

    fn deref(&self) -> &Captured {
        &self.captured
    }
}

impl System {
    fn new() -> Self {
        Self::with(|config| config.span_events(SpanEvents::Both))
    }

    fn with(set: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        let hand = clock();
        let config = Config::builder().clock(Clock::manual(&hand)).default_level(Level::Info);
        Self { captured: Captured::new(set(config)), hand }
    }

    /// `LEVEL path:of:spans message a=1 b=2`.
    fn lines(&self) -> Vec<String> {
        self.records().iter().map(line).collect()
    }
}

fn path(record: &OwnedRecord) -> String {
    record.spans().map(|span| span.name().to_owned()).collect::<Vec<_>>().join(":")
}

fn line(record: &OwnedRecord) -> String {
    let line = format!("{} {} {}", record.level(), path(record), record.message());
    record.key_values().fold(line, |line, (key, value)| format!("{line} {key}={value}"))
}

#[test]
fn a_span_says_when_it_begins_and_how_long_it_took() {
    let system = System::new();
    let logger = &system.logger;
    let span = info_span!(logger: logger, "load"; table = "users");
    system.hand.advance(Duration::from_secs(5));
    info!(logger: logger, "made, not entered");
    let guard = span.enter();
    system.hand.advance(Duration::from_nanos(1_234_567_891));
    info!(logger: logger, "in it");
    drop(guard);
    info!(logger: logger, "left");
    system.hand.advance(Duration::from_secs(1));
    span.in_scope(|| info!(logger: logger, "again"));
    system.hand.advance(Duration::from_millis(1));
    drop(span);
    let records = system.records();
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "INFO  made, not entered",
            "INFO load enter table=users",
            "INFO load in it table=users",
            "INFO  left",
            "INFO load again table=users",
            "INFO load exit table=users duration=2.235567891s",
        ]
    );
    assert_eq!(records[5].get("duration"), Some(Value::Duration(Duration::from_nanos(2_235_567_891))));
    assert_eq!((records[1].logger(), records[5].logger()), ("shop", "shop"));
    assert_eq!((records[1].line(), records[5].file()), (records[1].line(), file!()));
}

#[test]
fn a_span_says_nothing_unless_it_is_told_to() {
    let system = System::with(|config| config);
    let logger = &system.logger;
    info_span!(logger: logger, "load"; table = "users"; { info!(logger: logger, "in it") });
    info_span!(logger: logger, "save").events(SpanEvents::Exit).in_scope(|| ());
    assert_eq!(system.lines(), ["INFO load in it table=users", "INFO save exit duration=0ns"]);
}

#[test]
fn spans_nest() {
    let system = System::with(|config| config);
    let logger = &system.logger;
    let result = info_span!(logger: logger, "outer", a = 1, b = 1; {
        info!(logger: logger, "one");
        let inner = span!(Level::Warn, logger: logger, "inner"; b = 2; {
            context! { c = 3; { info!(logger: logger, "two"; own = 4) } };
            "inner's"
        });
        info!(logger: logger, "three");
        format!("{inner} value")
    });
    info!(logger: logger, "{}", result);
    let records = system.records();
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "INFO outer one a=1 b=1",
            "INFO outer:inner two a=1 b=2 c=3 own=4",
            "INFO outer three a=1 b=1",
            "INFO  inner's value",
        ]
    );
    let spans: Vec<_> = records[1].spans().map(|span| (span.id(), span.parent())).collect();
    assert_eq!(spans[0].1, None);
    assert_eq!(spans[1].1, Some(spans[0].0));
    assert_ne!(spans[0].0, spans[1].0);
    assert_eq!(records[2].spans().next().map(|span| span.id()), Some(spans[0].0));
}

#[test]
fn every_level_has_its_macro() {
    let system = System::with(|config| config.default_level(Level::Trace).span_events(SpanEvents::Enter));
    let logger = &system.logger;
    drop(trace_span!(logger: logger, "t").enter());
    drop(debug_span!(logger: logger, "d").enter());
    drop(info_span!(logger: logger, "i").enter());
    drop(warn_span!(logger: logger, "w").enter());
    drop(error_span!(logger: logger, "e").enter());
    drop(critical_span!(logger: logger, "c").enter());
    let enters: Vec<_> = system.lines().into_iter().filter(|line| line.ends_with("enter")).collect();
    assert_eq!(
        enters,
        ["TRACE t enter", "DEBUG d enter", "INFO i enter", "WARN w enter", "ERROR e enter", "CRITICAL c enter"]
    );
}

#[test]
fn a_span_that_is_not_enabled_is_none() {
    let system = System::new();
    let logger = &system.logger;
    let mut evaluated = 0;
    let mut evaluate = || {
        evaluated += 1;
        evaluated
    };
    let span = debug_span!(logger: logger, "quiet"; n = evaluate());
    assert!(!span.is_enabled() && span.id().is_none() && span.name().is_none());
    let value = context! { a = 1; { debug_span!(logger: logger, "quiet", n = evaluate(); {
        info!(logger: logger, "inside");
        7
    }) } };
    span.in_scope(|| info!(logger: logger, "in none"));
    assert_eq!(value, 7);
    assert_eq!(evaluated, 0);
    assert_eq!(system.lines(), ["INFO  inside a=1", "INFO  in none"]);
    assert_eq!(
        format!("{:?} {:?}", FemtoSpan::none(), FemtoSpan::none().enter()),
        "FemtoSpan { name: None, id: None, .. } SpanGuard(None)"
    );
}

#[test]
fn events_are_switched_by_span_and_by_configuration() {
    let events = |configured: SpanEvents, own: Option<SpanEvents>| {
        let system = System::with(|config| config.span_events(configured));
        let span = info_span!(logger: system.logger, "s");
        let span = match own {
            Some(own) => span.events(own),
            None => span,
        };
        drop(span.entered());
        system.records().iter().map(|record| record.message().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (events_are, expected) in [
        (SpanEvents::None, ""),
        (SpanEvents::Enter, "enter"),
        (SpanEvents::Exit, "exit"),
        (SpanEvents::Both, "enter exit"),
    ] {
        assert_eq!(events(events_are, None), expected);
        for configured in [SpanEvents::None, SpanEvents::Both] {
            assert_eq!(events(configured, Some(events_are)), expected, "{configured:?}");
        }
    }
}

#[test]
fn a_span_that_was_never_entered_says_nothing() {
    let system = System::new();
    drop(info_span!(logger: system.logger, "s"));
    let future = async {}.in_span(info_span!(logger: system.logger, "s"));
    drop(future);
    assert_eq!(system.lines(), [""; 0]);
}

#[test]
fn a_span_is_over_when_the_last_has_let_go_of_it() {
    let system = System::new();
    let logger = &system.logger;
    let span = info_span!(logger: logger, "shared");
    let guard = span.enter();
    std::thread::scope(|scope| {
        let clone = span.clone();
        scope.spawn(move || clone.in_scope(|| info!(logger: logger, "elsewhere")));
    });
    drop(span);
    // Records of different threads come out by their stamps.
    system.hand.advance(Duration::from_nanos(1));
    info!(logger: logger, "still");
    drop(guard);
    assert_eq!(
        system.lines(),
        ["INFO shared enter", "INFO shared elsewhere", "INFO shared still", "INFO shared exit duration=1ns"]
    );
}

#[test]
fn a_panic_leaves_the_span_and_is_marked() {
    let system = System::new();
    let logger = &system.logger;
    let panics = || {
        info_span!(logger: logger, "outer"; {
            info_span!(logger: logger, "inner", n = 1; { panic!("expected by this test") })
        })
    };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics));
    assert!(caught.is_err());
    info!(logger: logger, "after");
    assert_eq!(
        system.lines(),
        [
            "INFO outer enter",
            "INFO outer:inner enter n=1",
            "INFO outer:inner exit n=1 duration=0ns panicked=true",
            "INFO outer exit duration=0ns panicked=true",
            "INFO  after",
        ]
    );
}

#[test]
fn a_span_within_a_destructor_is_not_what_panicked() {
    struct Cleans<'a>(&'a FemtoLogger);
    impl Drop for Cleans<'_> {
        fn drop(&mut self) {
            info_span!(logger: self.0, "cleaning"; { info!(logger: self.0, "clean") });
        }
    }
    let system = System::new();
    let logger = &system.logger;
    let panics = || {
        let _cleans = Cleans(logger);
        panic!("expected by this test");
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(system.lines(), ["INFO cleaning enter", "INFO cleaning clean", "INFO cleaning exit duration=0ns"]);
}

#[test]
fn the_exit_has_the_span_s_own_context_and_no_other() {
    let system = System::new();
    let logger = system.logger.with("bound", true);
    let span = context! { around = 1; { info_span!(logger: logger, "s"; own = 2) } };
    context! { elsewhere = 3; {
        drop(span.enter());
        drop(span);
    } };
    assert_eq!(
        system.lines(),
        ["INFO s enter around=1 bound=true own=2", "INFO s exit around=1 bound=true own=2 duration=0ns"]
    );
}

#[test]
fn the_duration_is_there_however_many_keys_there_are() {
    let system = System::new();
    let full = (0..64).fold(Context::default(), |context, n: u32| context.with(&format!("k{n}"), n));
    full.in_scope(|| drop(info_span!(logger: system.logger, "s").entered()));
    let records = system.records();
    assert_eq!(records[1].key_values().count(), 65);
    assert!(records[1].get("duration").is_some());
}

#[test]
fn spans_nested_without_end_stay_bounded() {
    fn descend(logger: &FemtoLogger, depth: usize) {
        if depth == 0 {
            return info!(logger: logger, "deep");
        }
        let context = context! { depth };
        context.in_scope(|| info_span!(logger: logger, "s"; { descend(logger, depth - 1) }));
    }
    let system = System::with(|config| config.span_events(SpanEvents::None));
    descend(&system.logger, 500);
    let record = system.records().remove(0);
    assert_eq!(record.spans().count(), 64);
    assert_eq!((record.get("depth"), record.get("…")), (Some(Value::U64(1)), Some(Value::U64(436))));
}

#[test]
fn filters_and_targets_apply_to_events() {
    let system = System::new();
    system.logger.add_filter(Key::present("wanted"));
    drop(info_span!(logger: system.logger, "no").entered());
    drop(info_span!(logger: system.logger, target: "audit", "yes"; wanted = true).entered());
    let records = system.records();
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        ["INFO yes enter wanted=true", "INFO yes exit wanted=true duration=0ns"]
    );
    assert_eq!((records[0].logger(), records[0].target(), records[1].target()), ("shop", "audit", "audit"));
}

#[test]
fn a_level_that_changes_meanwhile_decides_about_the_exit() {
    let system = System::new();
    let guard = info_span!(logger: system.logger, "s").entered();
    system.logger.set_level(Level::Error);
    drop(guard);
    assert_eq!(system.lines(), ["INFO s enter"]);
}

#[test]
fn a_span_in_a_dying_thread_local_still_has_its_name() {
    thread_local! {
        static HELD: std::cell::RefCell<Vec<FemtoSpan>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    let system = System::new();
    std::thread::scope(|scope| {
        // Joined, since the end of a scope does not wait for thread-locals to be dropped.
        let thread = scope.spawn(|| {
            HELD.with_borrow_mut(|held| {
                let span = info_span!(logger: system.logger, "held"; n = 1);
                drop(span.enter());
                held.push(span);
            });
        });
        thread.join().unwrap();
    });
    assert_eq!(system.lines(), ["INFO held enter n=1", "INFO held exit n=1 duration=0ns"]);
}

#[test]
fn guards_in_any_order_and_leaked_ones() {
    let system = System::with(|config| config.span_events(SpanEvents::Exit));
    let logger = &system.logger;
    let outer = info_span!(logger: logger, "outer").entered();
    let inner = info_span!(logger: logger, "inner").entered();
    drop(outer);
    info!(logger: logger, "neither");
    drop(inner);
    info_span!(logger: logger, "around"; { std::mem::forget(info_span!(logger: logger, "leaked").entered()) });
    info!(logger: logger, "none");
    assert_eq!(
        system.lines(),
        [
            "INFO outer exit duration=0ns",
            "INFO  neither",
            "INFO outer:inner exit duration=0ns",
            "INFO around exit duration=0ns",
            "INFO  none",
        ]
    );
}

#[test]
fn a_future_is_in_its_span_at_every_poll() {
    let system = System::new();
    let logger = system.logger.clone();
    let future = async {
        info!(logger: logger, "one");
        suspend().await;
        info!(logger: logger, "two");
        async { info!(logger: logger, "nested") }.in_span(info_span!(logger: logger, "nested")).await;
        9
    };
    let mut future = Box::pin(future.in_span(info_span!(logger: system.logger, "task"; n = 1)));
    let mut task = task::Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut task).is_pending());
    info!(logger: system.logger, "between");
    system.hand.advance(Duration::from_millis(7));
    assert_eq!(future.as_mut().poll(&mut task), Poll::Ready(9));
    drop(future);
    assert_eq!(
        system.lines(),
        [
            "INFO task enter n=1",
            "INFO task one n=1",
            "INFO  between",
            "INFO task two n=1",
            "INFO task:nested enter n=1",
            "INFO task:nested nested n=1",
            "INFO task:nested exit n=1 duration=0ns",
            "INFO task exit n=1 duration=7ms",
        ]
    );
}

#[test]
fn a_future_that_is_cancelled_ends_its_span() {
    struct Says(FemtoLogger);
    impl Drop for Says {
        fn drop(&mut self) {
            info!(logger: self.0, "dropped");
        }
    }
    let system = System::new();
    let says = Says(system.logger.clone());
    let future = async move {
        let _says = says;
        std::future::pending::<()>().await;
    };
    let mut future = Box::pin(future.in_span(info_span!(logger: system.logger, "task")));
    assert!(future.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
    system.hand.advance(Duration::from_secs(2));
    drop(future);
    assert_eq!(system.lines(), ["INFO task enter", "INFO task dropped", "INFO task exit duration=2s"]);
}

#[test]
fn a_future_that_panics_ends_its_span_marked() {
    let system = System::new();
    {
        let future = async { panic!("expected by this test") };
        let future = pin!(future.in_span(info_span!(logger: system.logger, "task")));
        let poll = || {
            let _: Poll<()> = future.poll(&mut task::Context::from_waker(Waker::noop()));
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
        info!(logger: system.logger, "after");
    }
    assert_eq!(system.lines(), ["INFO task enter", "INFO  after", "INFO task exit duration=0ns panicked=true"]);
}

#[test]
fn one_span_entered_by_many_threads_begins_and_ends_once() {
    let system = System::new();
    let span = info_span!(logger: system.logger, "shared");
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let span = span.clone();
            scope.spawn(|| {
                start.wait();
                for _ in 0..100 {
                    span.in_scope(|| info!(logger: system.logger, "m"));
                }
                drop(span);
            });
        }
    });
    system.hand.advance(Duration::from_nanos(1));
    drop(span);
    let lines = system.lines();
    let count = |what: &str| lines.iter().filter(|line| *line == what).count();
    assert_eq!((count("INFO shared enter"), count("INFO shared m")), (1, 800));
    assert_eq!(lines.last().map(String::as_str), Some("INFO shared exit duration=1ns"));
}

/// A future of a span can be sent to another thread, though its guards cannot.
#[test]
fn futures_of_spans_are_send() {
    fn is_send<T: Send>(_: &T) {}
    let system = System::new();
    let future: Pin<Box<_>> =
        Box::pin(suspend().in_span(info_span!(logger: system.logger, "s")).in_context(context! {}));
    is_send(&future);
}
