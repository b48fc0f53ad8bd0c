//! Every form of the span macros and of `context!`.

use std::cell::Cell;

use femtologging::{
    Context, FemtoSpan, Level, LevelFilter, Value, context, critical_span, debug_span, error_span, info, info_span,
    span, trace_span, warn_span,
};
use macros_tests::Recorder;

/// Level, logger, target, span and keys of every record.
fn shown(recorder: &Recorder) -> Vec<String> {
    let show = |record: femtologging::record::OwnedRecord| {
        let spans: Vec<_> = record.spans().map(|span| span.name().to_owned()).collect();
        let start = format!(
            "{} {} {} {} {}",
            record.level(),
            record.logger(),
            record.target(),
            spans.join(":"),
            record.message()
        );
        let keys = record.key_values().filter(|(key, _)| *key != "duration");
        keys.fold(start, |line, (key, value)| format!("{line} {key}={value}"))
    };
    recorder.take().into_iter().map(show).collect()
}

struct User {
    name: &'static str,
}

macro_rules! every_form {
    ($($test:ident: $macro:ident $($level:expr)?, $shown:literal;)*) => {$(
        #[test]
        fn $test() {
            let recorder = Recorder::new();
            let logger = &recorder.logger;
            let (a, user, target) = (1, User { name: "ada" }, String::from("run-time"));
            let forms: [FemtoSpan; 19] = [
                $macro!($($level,)? logger: logger, "s"),
                $macro!($($level,)? logger: logger, "s",),
                $macro!($($level,)? logger: logger, "s";),
                $macro!($($level,)? logger: logger, target: "literal", "s"),
                $macro!($($level,)? target: "literal", logger: logger, "s"),
                $macro!($($level,)? logger: logger, target: &target, "s"),
                $macro!($($level,)? logger: logger, "s"; a),
                $macro!($($level,)? logger: logger, "s", a),
                $macro!($($level,)? logger: logger, "s"; a,),
                $macro!($($level,)? logger: logger, "s"; a = a, b = "two"),
                $macro!($($level,)? logger: logger, "s", a = a, b = "two",),
                $macro!($($level,)? logger: logger, "s", a = ?Some(a), b = %"two"),
                $macro!($($level,)? logger: logger, "s"; a:? = Some(a), b:% = "two"),
                $macro!($($level,)? logger: logger, "s", ?a, %a),
                $macro!($($level,)? logger: logger, "s"; a:?, a:%),
                $macro!($($level,)? logger: logger, "s"; user.name, user.name:?),
                $macro!($($level,)? logger: logger, "s"; http.status = 200, "user-id" = 7),
                $macro!($($level,)? logger: logger, "s"; e:err = std::fmt::Error, secret:secret = a, raw:bytes = [1, 2]),
                $macro!($($level,)? logger: logger, "s"; r#type = 1),
            ];
            let keys = [
                "", "", "", "", "", "", " a=1", " a=1", " a=1", " a=1 b=two", " a=1 b=two", " a=Some(1) b=two",
                " a=Some(1) b=two", " a=1", " a=1", " user.name=\"ada\"", " http.status=200 user-id=7",
                " e=an error occurred when formatting an argument secret=*** raw=0102", " type=1",
            ];
            for (at, (form, keys)) in forms.into_iter().zip(keys).enumerate() {
                assert_eq!((form.name(), form.is_enabled()), (Some("s"), true));
                drop(form.entered());
                let target = match at {
                    3 | 4 => "literal",
                    5 => "run-time",
                    _ => "tests",
                };
                let expected = ["enter", "exit"].map(|event| format!("{} tests {target} s {event}{keys}", $shown));
                assert_eq!(shown(&recorder), expected, "form {at}");
            }
            let values = [
                $macro!($($level,)? logger: logger, "s"; { 1 }),
                $macro!($($level,)? logger: logger, "s", { 1 }),
                $macro!($($level,)? logger: logger, "s"; a; { 1 }),
                $macro!($($level,)? logger: logger, "s", a; { 1 }),
                $macro!($($level,)? logger: logger, "s"; a = { 5 }, b:? = a; { 1 }),
                $macro!($($level,)? logger: logger, target: "t", "s"; a = 1, { let x = 1; x }),
            ];
            assert_eq!(values, [1; 6]);
            assert_eq!(recorder.take().len(), 12);
        }
    )*};
}

every_form! {
    forms_of_trace_span: trace_span, "TRACE";
    forms_of_debug_span: debug_span, "DEBUG";
    forms_of_info_span: info_span, "INFO";
    forms_of_warn_span: warn_span, "WARN";
    forms_of_error_span: error_span, "ERROR";
    forms_of_critical_span: critical_span, "CRITICAL";
    forms_of_span: span Level::Warn, "WARN";
}

#[test]
fn span_takes_its_level_before_between_or_behind_the_options() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let level = Level::Error;
    drop(span!(level, logger: logger, target: "t", "s").entered());
    drop(span!(logger: logger, level, target: "t", "s").entered());
    drop(span!(logger: logger, target: "t", level, "s").entered());
    assert_eq!(shown(&recorder), ["ERROR tests t s enter", "ERROR tests t s exit"].repeat(3));
}

#[test]
fn forms_of_contexts() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let (a, user) = (1, User { name: "ada" });
    let forms: [Context; 9] = [
        context! {},
        context!(),
        context! { a },
        context! { a, },
        context![a = a, b = "two"],
        context! { a = ?Some(a), b = %"two" },
        context! { ?a, user.name },
        context! { http.status = 200, "user-id" = 7, },
        context! { e:err = std::fmt::Error, s:secret = a, raw:bytes = [1, 2], a:? },
    ];
    let keys = [
        "",
        "",
        " a=1",
        " a=1",
        " a=1 b=two",
        " a=Some(1) b=two",
        " a=1 user.name=ada",
        " http.status=200 user-id=7",
        " e=an error occurred when formatting an argument s=*** raw=0102 a=1",
    ];
    for (form, keys) in forms.into_iter().zip(keys) {
        form.in_scope(|| info!(logger: logger, "m"));
        assert_eq!(shown(&recorder), [format!("INFO tests tests  m{keys}")]);
    }
    let values = [
        context! { { 1 } },
        context! { a; { 1 } },
        context! { a = a; { let b = a; b * b } },
        context!(a, b = 2; { a }),
        context! { a, { 1 } },
    ];
    assert_eq!(values, [1; 5]);
}

#[test]
fn a_block_may_be_left_by_every_door() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    fn returning(logger: &femtologging::FemtoLogger) -> u32 {
        info_span!(logger: logger, "returns"; {
            if logger.name() == "tests" {
                return 1;
            }
        });
        2
    }
    fn trying(logger: &femtologging::FemtoLogger, text: &str) -> Option<u32> {
        let number = debug_span!(logger: logger, "tries"; text; { text.parse::<u32>().ok()? });
        Some(number + 1)
    }
    assert_eq!(returning(logger), 1);
    assert_eq!((trying(logger, "1"), trying(logger, "x")), (Some(2), None));
    let mut turns = 0;
    let found = 'outer: loop {
        for turn in 0..9 {
            turns += 1;
            span!(Level::Info, logger: logger, "loops"; {
                if turn < 2 {
                    continue;
                }
                break 'outer turns
            });
        }
    };
    assert_eq!(found, 3);
    info!(logger: logger, "after");
    let records = recorder.take();
    assert_eq!(records.len(), 2 * (1 + 2 + 3) + 1);
    assert_eq!(records.last().map(|record| record.spans().count()), Some(0));
}

#[test]
fn values_are_evaluated_once_and_only_for_spans_that_are_enabled() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let count = Cell::new(0);
    let next = || {
        count.set(count.get() + 1);
        count.get()
    };
    let source = || {
        count.set(count.get() + 100);
        logger
    };
    drop(info_span!(logger: source(), "s"; n = next()).entered());
    assert_eq!(count.get(), 101);
    logger.set_level(LevelFilter::Error);
    for _ in 0..3 {
        let span = info_span!(logger: logger, "s"; n = next());
        assert!(!span.is_enabled());
        info_span!(logger: logger, "s"; n = next(); { () });
        let span = span!(Level::Warn, logger: logger, "s"; n = next());
        drop(span.entered());
    }
    assert_eq!(count.get(), 101);
    context! { n = next(); { () } };
    assert_eq!(count.get(), 102, "a context has no level");
}

#[test]
fn what_a_value_borrows_is_free_again_in_the_block() {
    let recorder = Recorder::new();
    let state = std::sync::Mutex::new(1);
    let value = info_span!(logger: recorder.logger, "s"; n = *state.lock().unwrap(); { *state.lock().unwrap() });
    let other =
        span!(Level::Info, logger: recorder.logger, "s"; n = *state.lock().unwrap(); { *state.lock().unwrap() });
    assert_eq!((value, other), (1, 1));
}

#[test]
fn spans_may_stand_where_expressions_may() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let chosen = if logger.name().is_empty() { FemtoSpan::none() } else { info_span!(logger: logger, "chosen") };
    match info_span!(logger: logger, "matched"; { Some(1) }) {
        Some(1) => chosen.in_scope(|| info!(logger: logger, "in it")),
        _ => unreachable!(),
    }
    let record = recorder.take().pop().unwrap();
    assert_eq!(record.get("duration"), None);
    assert_eq!(record.spans().map(|span| span.name().to_owned()).collect::<Vec<_>>(), ["chosen"]);
}

#[test]
fn generic_code_has_spans() {
    fn generic<T: std::fmt::Debug>(logger: &femtologging::FemtoLogger, value: T) {
        info_span!(logger: logger, "generic"; value:?; { info!(logger: logger, "m") });
    }
    let recorder = Recorder::new();
    generic(&recorder.logger, 1);
    generic(&recorder.logger, "two");
    let values: Vec<_> = recorder.take().iter().map(|record| format!("{:?}", record.get("value"))).collect();
    let [one, two] = [Value::Debug("1"), Value::Debug("\"two\"")].map(|value| format!("{:?}", Some(value)));
    assert_eq!(values, [&one, &one, &one, &two, &two, &two].map(String::clone));
}

/// Nothing that a program calls its own stands in the macros' way.
mod hygiene {
    #![allow(dead_code)]

    struct Some;
    struct None;
    struct Option;
    struct FemtoSpan;
    struct Context;
    struct Level;
    mod core {}
    mod std {}
    mod femtologging_private {}

    #[test]
    fn names_of_the_caller_do_not_matter() {
        let recorder = super::Recorder::new();
        let logger = &recorder.logger;
        let (femto_source, femto_level, femto_suppressed, _femto_scope) = (1, 2, 0, 0);
        let value = ::femtologging::info_span!(logger: logger, "s"; femto_source, n = femto_level; {
            ::femtologging::context! { femto_source; {
                ::femtologging::info!(logger: logger, every: 1, "m"; femto_level);
                ::femtologging::log!(::femtologging::Level::Info, logger: logger, once, "m");
                femto_source + femto_level + femto_suppressed + _femto_scope
            } }
        });
        ::std::assert_eq!(value, 3);
        ::std::assert_eq!(recorder.take().len(), 4);
    }
}
