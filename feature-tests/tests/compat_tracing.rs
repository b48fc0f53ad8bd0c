//! The types and methods that `compat::tracing` has. Its macros are compared with those of `tracing`, call by call, in
//! `macros-tests/tests/facades`.
//!
//! Each test has a module of its own, which is the target of its records.
#![cfg(feature = "compat-tracing")]

mod common;

use std::sync::OnceLock;

use common::LONG;
use femtologging::Config;
use femtologging::compat::tracing;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::record::OwnedRecord;

/// Returns the records of a target, as `INFO outer>inner: message key=value`.
fn lines(target: &str) -> Vec<String> {
    femtologging::flush(LONG).unwrap();
    let records = capture().matching(|record| record.target() == target);
    let line = |record: &OwnedRecord| {
        let spans: Vec<_> = record.spans().map(|span| span.name().to_owned()).collect();
        let mut line = format!("{} {}: {}", record.level(), spans.join(">"), record.message());
        for (key, value) in record.key_values() {
            line += &format!(" {key}={value}");
        }
        line
    };
    records.iter().map(line).collect()
}

fn capture() -> &'static FemtoCaptureHandler {
    static CAPTURE: OnceLock<FemtoCaptureHandler> = OnceLock::new();
    CAPTURE.get_or_init(|| {
        let capture = FemtoCaptureHandler::new();
        let config = Config::builder().directives("debug,compat_tracing::quiet=error");
        config.add_handler("capture", capture.clone()).build_and_init().unwrap();
        capture
    })
}

mod fields {
    use super::{tracing, *};
    use femtologging::Value;
    use std::error::Error;
    use std::fmt;
    use std::num::Wrapping;
    use tracing::{field, info, info_span};

    #[derive(Debug)]
    struct Cause;

    impl fmt::Display for Cause {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no fuel")
        }
    }

    impl Error for Cause {}

    #[test]
    fn values_keep_their_types() {
        capture();
        let boxed: Box<dyn Error + Send + Sync> = Box::new(Cause);
        let (some, none) = (&mut Some("yes"), &None::<u64>);
        info!(n = Wrapping(7_u8), some, none, empty = field::Empty, cause = &Cause as &dyn Error, boxed);
        info!(took = std::time::Duration::from_secs(2), list = [1, 2], at = %std::net::Ipv4Addr::LOCALHOST);
        info!(
            twice = Some(Some(3)),
            nothing = Some(None::<i32>),
            text = format_args!("{}-{}", 1, 2),
            bytes = &b"ab"[..]
        );
        assert_eq!(
            lines(module_path!()),
            [
                "INFO :  n=7 some=yes none=null empty=null cause=no fuel boxed=no fuel",
                "INFO :  took=2s list=[1,2] at=127.0.0.1",
                "INFO :  twice=3 nothing=null text=1-2 bytes=6162",
            ]
        );
        let records = capture().matching(|record| record.target() == module_path!());
        assert_eq!(records[0].get("n"), Some(Value::U64(7)));
        assert_eq!(records[0].get("cause"), Some(Value::Error("no fuel")));
    }

    mod absent {
        use super::*;

        #[test]
        fn a_span_leaves_out_what_has_no_value() {
            capture();
            info_span!("load", none = None::<u64>, empty = field::Empty, some = Some(1)).in_scope(|| info!("in it"));
            assert_eq!(lines(module_path!()), ["INFO load: in it some=1"]);
        }
    }

    mod message {
        use super::*;

        #[test]
        fn a_field_of_that_name_is_the_message() {
            capture();
            let message = "a variable";
            info!(message = "ready", n = 1);
            info!(message = ?Some(1));
            info!(n = 1, %message);
            info!(message);
            info!(message = 7);
            info!(message = "the field", "the {}", "text");
            let expected = ["ready n=1", "Some(1)", "a variable n=1", "a variable", "7", "the text message=the field"];
            assert_eq!(lines(module_path!()), expected.map(|text| format!("INFO : {text}")));
        }
    }
}

mod spans {
    use super::{tracing, *};
    use femtologging::{context, info_span as plain_span};
    use tracing::{Level, Span, event, field, info, info_span, record_all, trace_span};

    #[test]
    fn fields_can_be_set_later() {
        capture();
        let outer = info_span!("outer", id = 1, status = field::Empty);
        let inner = info_span!(parent: &outer, "inner", part = "a");
        let _inner = inner.enter();
        outer.record("status", 200).record("id", 7).record("unknown", 1);
        info!("of the span around");
        record_all!(inner, part = %"b", unknown = true);
        info!("of this one");
        assert!(outer.has_field("status") && !outer.has_field("unknown"));
        assert_eq!(
            lines(module_path!()),
            [
                "INFO outer>inner: of the span around id=7 status=200 part=a",
                "INFO outer>inner: of this one id=7 status=200 part=b"
            ]
        );
    }

    mod parents {
        use super::*;

        #[test]
        fn a_parent_is_a_span_an_id_or_none() {
            capture();
            let here = info_span!("here").entered();
            let there = info_span!(parent: None, "there", x = 1);
            info!(parent: &there, "a reference");
            info!(parent: there.id(), "an id");
            info!(parent: None, "none");
            info!(parent: Span::none(), "no span");
            event!(parent: Span::current(), Level::INFO, "the current one");
            info_span!(parent: &there, "inside").in_scope(|| info!("a span's"));
            let id = there.id();
            drop(there);
            info!(parent: id, "ended");
            let here = here.exit();
            info!("left");
            here.in_scope(|| info!("entered again"));
            assert_eq!(
                lines(module_path!()),
                [
                    "INFO there: a reference x=1",
                    "INFO there: an id x=1",
                    "INFO : none",
                    "INFO : no span",
                    "INFO here: the current one",
                    "INFO there>inside: a span's x=1",
                    "INFO : ended",
                    "INFO : left",
                    "INFO here: entered again",
                ]
            );
        }
    }

    mod current {
        use super::*;

        #[test]
        fn the_current_span_may_be_of_either_kind() {
            capture();
            assert!(Span::current().is_none());
            let ours = info_span!("ours").entered();
            assert_eq!(Span::current(), *ours);
            let around = context! { user = "ada" }.enter();
            let plain = plain_span!("plain").entered();
            let both = Span::current();
            assert!(!both.is_disabled() && both != *ours);
            drop((plain, around, ours));
            std::thread::scope(|scope| scope.spawn(|| both.in_scope(|| info!("elsewhere"))).join().unwrap());
            assert_eq!(trace_span!("off").or_current(), Span::none());
            assert_eq!(lines(module_path!()), ["INFO ours>plain: elsewhere user=ada"]);
        }
    }

    mod order {
        use super::*;

        #[test]
        fn spans_may_be_left_in_any_order() {
            capture();
            let (a, b) = (info_span!("a"), info_span!("b"));
            let (in_a, in_b) = (a.enter(), b.enter());
            drop(in_a);
            info!("in b");
            drop(in_b);
            info!("in none");
            assert_eq!(lines(module_path!()), ["INFO b: in b", "INFO : in none"]);
        }
    }
}

mod futures {
    use super::{tracing, *};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use tracing::{Instrument, Span, info, info_span};

    #[test]
    fn a_future_runs_in_its_span() {
        capture();
        let mut is_second = false;
        let inner = std::future::poll_fn(move |_| {
            info!(is_second, "polled");
            if std::mem::replace(&mut is_second, true) { Poll::Ready(Span::current()) } else { Poll::Pending }
        });
        let span = info_span!("request", id = 7);
        let mut future = pin!(inner.instrument(span.clone()));
        let mut task = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut task).is_pending());
        info!("between");
        assert_eq!(future.as_mut().poll(&mut task), Poll::Ready(span));
        assert_eq!(
            lines(module_path!()),
            ["INFO request: polled id=7 is_second=false", "INFO : between", "INFO request: polled id=7 is_second=true"]
        );
        assert_eq!(std::future::ready(3).in_current_span().into_inner().into_inner(), 3);
    }
}

mod quiet {
    use super::{tracing, *};
    use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
    use tracing::{Level, enabled, error, event, info, info_span, level_enabled, span, span_enabled};

    fn never() -> u32 {
        panic!("evaluated")
    }

    #[test]
    fn a_disabled_call_evaluates_nothing() {
        capture();
        info!(n = never(), "{}", never());
        event!(Level::INFO, n = ?never());
        let span = info_span!("off", n = never());
        assert!(span.is_disabled() && !span.is_none());
        assert_eq!(span.metadata().unwrap().name(), "off");
        span.in_scope(|| error!("in no span"));
        assert!(!enabled!(Level::INFO) && !span_enabled!(Level::WARN, n) && enabled!(Level::ERROR));
        assert!(enabled!(target: "compat_tracing", Level::DEBUG) && !enabled!(target: "compat_tracing", Level::TRACE));
        assert!(!span!(Level::ERROR, "on").is_disabled());
        assert_eq!(lines(module_path!()), ["ERROR : in no span"]);
    }

    #[test]
    fn levels_are_ordered_by_verbosity() {
        capture();
        assert!(Level::ERROR < Level::WARN && Level::DEBUG < Level::TRACE);
        assert!(
            Level::INFO <= LevelFilter::INFO && Level::DEBUG > LevelFilter::INFO && LevelFilter::OFF < Level::ERROR
        );
        assert_eq!((STATIC_MAX_LEVEL, LevelFilter::current()), (LevelFilter::TRACE, LevelFilter::DEBUG));
        assert!(level_enabled!(Level::DEBUG) && !level_enabled!(Level::TRACE));
        assert_eq!(("WARN".parse(), "5".parse()), (Ok(Level::WARN), Ok(Level::TRACE)));
        assert_eq!(("off".parse(), "info".parse()), (Ok(LevelFilter::OFF), Ok(LevelFilter::INFO)));
        assert_eq!(
            format!("{} {:?} {:?}", Level::INFO, Level::INFO, LevelFilter::INFO),
            "INFO Level(Info) LevelFilter::INFO"
        );
        let error = "loud".parse::<Level>().unwrap_err().to_string();
        assert!(error.starts_with("error parsing level: expected one of \"error\""));
    }
}
