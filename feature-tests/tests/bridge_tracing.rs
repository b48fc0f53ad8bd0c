//! Events and spans of the crate `tracing`, by the layer and by the plain subscriber.
#![cfg(feature = "tracing")]

mod common;

use std::error::Error;
use std::fmt;
use std::sync::mpsc;

use common::LONG;
use femtologging::bridge::{FemtoTracingLayer, FemtoTracingSubscriber};
use femtologging::handler::FemtoCaptureHandler;
use femtologging::policy::SpanEvents;
use femtologging::record::OwnedRecord;
use femtologging::{Config, Level, Logging, Value, context, info, info_span};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// A system of its own, and a dispatcher that sends to it.
struct Set {
    capture: FemtoCaptureHandler,
    logging: Logging,
    dispatch: Dispatch,
}

#[derive(Clone, Copy, Debug)]
enum By {
    Layer,
    Subscriber,
}

const BOTH: [By; 2] = [By::Layer, By::Subscriber];

impl Set {
    fn new(by: By) -> Self {
        Self::with_events(by, SpanEvents::None)
    }

    fn with_events(by: By, events: SpanEvents) -> Self {
        let capture = FemtoCaptureHandler::new();
        let config =
            Config::builder().default_level(Level::Trace).clock(femtologging::time::Clock::manual(&common::clock()));
        let logging = config.add_handler("capture", capture.clone()).build().unwrap();
        let dispatch = match by {
            By::Layer => {
                let layer = FemtoTracingLayer::builder().logging(&logging).span_events(events).build();
                Dispatch::new(tracing_subscriber::registry().with(layer))
            }
            By::Subscriber => {
                Dispatch::new(FemtoTracingSubscriber::builder().logging(&logging).span_events(events).build())
            }
        };
        Self { capture, logging, dispatch }
    }

    fn run(&self, code: impl FnOnce()) -> Vec<String> {
        tracing::dispatcher::with_default(&self.dispatch, code);
        self.lines()
    }

    fn lines(&self) -> Vec<String> {
        self.records().iter().map(line).collect()
    }

    fn records(&self) -> Vec<OwnedRecord> {
        self.logging.flush(LONG).unwrap();
        self.capture.records()
    }
}

/// `INFO target outer>inner: message key=value`.
fn line(record: &OwnedRecord) -> String {
    let spans: Vec<_> = record.spans().map(|span| span.name().to_owned()).collect();
    let mut line = format!("{} {} {}: {}", record.level(), record.target(), spans.join(">"), record.message());
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in record.key_values() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    for key in keys {
        line.push_str(&format!(" {key}={}", record.get(key).unwrap()));
    }
    line
}

#[derive(Debug)]
struct Failure(&'static str, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_ref().map(|cause| &**cause as &dyn Error)
    }
}

#[test]
fn fields_keep_their_types() {
    for by in BOTH {
        let set = Set::new(by);
        let failure = Failure("no route", Some(Box::new(Failure("cable cut", None))));
        let line_of_event = line!() + 2;
        set.run(|| {
            tracing::info!(
                signed = -3_i32,
                unsigned = 4_u8,
                wide = i128::MIN,
                wider = u128::MAX,
                float = 0.5,
                yes = true,
                text = "a \"b\"",
                bytes = &b"\x00\xff"[..],
                error = &failure as &(dyn Error + 'static),
                debug = ?Some(1),
                display = %"shown",
                r#type = "raw",
                dotted.name = 1,
                none = Option::<i32>::None,
                "message of {}",
                "parts"
            );
        });
        let records = set.records();
        let [record] = &records[..] else { panic!("{by:?}: {records:?}") };
        assert_eq!((record.level(), record.message()), (Level::Info, "message of parts"));
        assert_eq!((record.target(), record.module_path()), ("bridge_tracing", "bridge_tracing"));
        assert_eq!((record.file(), record.line()), (file!(), line_of_event));
        let expected = [
            ("signed", Value::I64(-3)),
            ("unsigned", Value::U64(4)),
            ("wide", Value::I128(i128::MIN)),
            ("wider", Value::U128(u128::MAX)),
            ("float", Value::F64(0.5)),
            ("yes", Value::Bool(true)),
            ("text", Value::Str("a \"b\"")),
            ("bytes", Value::Bytes(b"\x00\xff")),
            ("error", Value::Error("no route: cable cut")),
            ("debug", Value::Debug("Some(1)")),
            ("display", Value::Debug("shown")),
            ("type", Value::Str("raw")),
            ("dotted.name", Value::I64(1)),
        ];
        assert_eq!(record.key_values().collect::<Vec<_>>(), expected, "{by:?}");
    }
}

#[test]
fn levels_targets_and_messages() {
    for by in BOTH {
        let lines = Set::new(by).run(|| {
            tracing::trace!("t");
            tracing::debug!(target: "app::db", "d");
            tracing::info!(key = 1);
            tracing::warn!(message = "by name", key = 2);
            tracing::error!("e");
            tracing::info!(key = 3, message = %format_args!("{}", "last"));
        });
        let expected = [
            "TRACE bridge_tracing : t",
            "DEBUG app::db : d",
            "INFO bridge_tracing :  key=1",
            "WARN bridge_tracing : by name key=2",
            "ERROR bridge_tracing : e",
            "INFO bridge_tracing : last key=3",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn spans_nest_and_their_fields_can_come_later() {
    for by in BOTH {
        let set = Set::new(by);
        let logger = set.logging.get_logger("ours").unwrap();
        let lines = set.run(|| {
            let outer = tracing::info_span!("outer", id = 1, status = tracing::field::Empty);
            let entered = outer.enter();
            tracing::info!("in outer");
            tracing::info_span!("inner", id = 2, part = "a").in_scope(|| {
                tracing::info!("in inner");
                info!(logger: logger, "our own");
                outer.record("status", 200);
                tracing::info!("recorded outside");
                info!(logger: logger, "our own");
            });
            tracing::Span::current().record("status", 404);
            tracing::Span::current().record("id", 7);
            info!(logger: logger, "ours, recorded twice");
            drop(entered);
            tracing::info!("outside");
        });
        let expected = [
            "INFO bridge_tracing outer: in outer id=1",
            "INFO bridge_tracing outer>inner: in inner id=2 part=a",
            "INFO ours outer>inner: our own id=2 part=a",
            "INFO bridge_tracing outer>inner: recorded outside status=200 id=2 part=a",
            "INFO ours outer>inner: our own status=200 id=2 part=a",
            "INFO ours outer: ours, recorded twice id=7 status=404",
            "INFO bridge_tracing : outside",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn a_field_that_is_recorded_often_takes_the_place_of_one() {
    for by in BOTH {
        let set = Set::new(by);
        let lines = set.run(|| {
            let span = tracing::info_span!("load", rows = 0, step = 1);
            let _entered = span.enter();
            for rows in 1..=1000 {
                span.record("rows", rows);
            }
            tracing::info!("done");
        });
        assert_eq!(lines, ["INFO bridge_tracing load: done rows=1000 step=1"], "{by:?}");
        assert_eq!(set.records()[0].key_values().count(), 2);
    }
}

#[test]
fn span_ids_and_parents_agree() {
    for by in BOTH {
        let set = Set::new(by);
        set.run(|| {
            let outer = tracing::info_span!("outer").entered();
            let _inner = tracing::info_span!("inner").entered();
            tracing::info!("deep");
            let aside = tracing::info_span!(parent: &*outer, "aside");
            aside.in_scope(|| tracing::info!("aside"));
        });
        let records = set.records();
        let spans = |at: usize| records[at].spans().map(|span| (span.id(), span.parent())).collect::<Vec<_>>();
        let [(outer, None), (inner, Some(of_inner))] = spans(0)[..] else { panic!("{:?}", spans(0)) };
        let [(outer_again, None), (aside, Some(of_aside))] = spans(1)[..] else { panic!("{:?}", spans(1)) };
        assert_eq!((of_inner, outer_again, of_aside), (outer, outer, outer), "{by:?}");
        assert_ne!(inner, aside);
    }
}

#[test]
fn explicit_parents_take_the_place_of_the_current_span() {
    for by in BOTH {
        let lines = Set::new(by).run(|| {
            let named = tracing::info_span!("named", n = 1);
            let _current = tracing::info_span!("current", c = 2).entered();
            tracing::info!(parent: &named, "of the named one");
            tracing::info!(parent: None, "of none");
            let child = tracing::info_span!(parent: &named, "child");
            child.in_scope(|| tracing::info!("in the child"));
            let root = tracing::info_span!(parent: None, "root");
            // It has no consequences.
            root.follows_from(&named);
            root.in_scope(|| tracing::info!("in a root"));
            tracing::info!("of the current one");
        });
        let expected = [
            "INFO bridge_tracing named: of the named one n=1",
            "INFO bridge_tracing : of none",
            "INFO bridge_tracing named>child: in the child n=1",
            "INFO bridge_tracing root: in a root",
            "INFO bridge_tracing current: of the current one c=2",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn spans_may_be_left_in_any_order_and_entered_again() {
    for by in BOTH {
        let lines = Set::new(by).run(|| {
            let (a, b) = (tracing::info_span!("a"), tracing::info_span!(parent: None, "b"));
            let in_a = a.enter();
            let in_b = b.enter();
            drop(in_a);
            tracing::info!("1");
            let again = b.enter();
            tracing::info!("2");
            drop(again);
            tracing::info!("3");
            drop(in_b);
            tracing::info!("4");
        });
        let expected = [
            "INFO bridge_tracing b: 1",
            "INFO bridge_tracing b: 2",
            "INFO bridge_tracing b: 3",
            "INFO bridge_tracing : 4",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn a_context_may_outlive_the_span_around_it() {
    for by in BOTH {
        let lines = Set::new(by).run(|| {
            let span = tracing::info_span!("span").entered();
            let context = context! { order = 7 }.enter();
            drop(span);
            tracing::info!("in the context");
            drop(context);
            tracing::info!("outside");
        });
        let expected = ["INFO bridge_tracing span: in the context order=7", "INFO bridge_tracing : outside"];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn contexts_and_spans_of_both_kinds_nest() {
    for by in BOTH {
        let set = Set::new(by);
        let logger = set.logging.get_logger("ours").unwrap();
        let lines = set.run(|| {
            let _user = context! { user = "ada" }.enter();
            let outer = tracing::info_span!("outer", late = tracing::field::Empty).entered();
            let _order = context! { order = 7 }.enter();
            let inner = info_span!(logger: logger, "ours").events(SpanEvents::None);
            let _inner = inner.entered();
            tracing::info_span!("innermost").in_scope(|| tracing::info!("deep"));
            outer.record("late", true);
            tracing::info!("a context is a copy");
        });
        let expected = [
            "INFO bridge_tracing outer>ours>innermost: deep user=ada order=7",
            "INFO bridge_tracing outer>ours: a context is a copy user=ada order=7",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn a_span_goes_from_thread_to_thread() {
    for by in BOTH {
        let set = Set::new(by);
        set.run(|| {
            let span = tracing::info_span!("job", id = 1, state = "new");
            let (to_thread, from_main) = mpsc::channel::<()>();
            let (to_main, from_thread) = mpsc::channel::<()>();
            std::thread::scope(|scope| {
                let (span, dispatch) = (&span, &set.dispatch);
                scope.spawn(move || {
                    tracing::dispatcher::with_default(dispatch, || {
                        tracing::info!("outside, there");
                        let entered = span.enter();
                        tracing::info!("inside, there");
                        to_main.send(()).unwrap();
                        from_main.recv().unwrap();
                        tracing::info!("after it was recorded here");
                        drop(entered);
                        tracing::info!("outside again, there");
                    });
                });
                from_thread.recv().unwrap();
                tracing::info!("outside, here");
                span.record("state", "old");
                to_thread.send(()).unwrap();
            });
        });
        let mut lines = set.lines();
        lines.sort();
        let expected = [
            "INFO bridge_tracing : outside again, there",
            "INFO bridge_tracing : outside, here",
            "INFO bridge_tracing : outside, there",
            "INFO bridge_tracing job: after it was recorded here id=1 state=old",
            "INFO bridge_tracing job: inside, there id=1 state=new",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn spans_say_when_they_begin_and_end_if_that_is_wanted() {
    let of = |by, events| {
        let set = Set::with_events(by, events);
        set.run(|| {
            let span = tracing::warn_span!(target: "jobs", "job", id = 1);
            span.in_scope(|| tracing::info!("first"));
            span.in_scope(|| tracing::info!("second"));
            drop(tracing::info_span!("never entered"));
            drop(span);
            tracing::info!("after");
        })
    };
    let (first, second) = ("INFO bridge_tracing job: first id=1", "INFO bridge_tracing job: second id=1");
    let after = "INFO bridge_tracing : after";
    let (enter, exit) = ("WARN jobs job: enter id=1", "WARN jobs job: exit id=1 duration=0ns");
    for by in BOTH {
        assert_eq!(of(by, SpanEvents::None), [first, second, after], "{by:?}");
        assert_eq!(of(by, SpanEvents::Enter), [enter, first, second, after], "{by:?}");
        assert_eq!(of(by, SpanEvents::Exit), [first, second, exit, after], "{by:?}");
        assert_eq!(of(by, SpanEvents::Both), [enter, first, second, exit, after], "{by:?}");
    }
}

#[test]
fn clones_of_a_span_end_it_once() {
    for by in BOTH {
        let set = Set::with_events(by, SpanEvents::Exit);
        let lines = set.run(|| {
            let span = tracing::info_span!("job");
            let clone = span.clone();
            span.in_scope(|| {});
            drop(span);
            tracing::info!("one is left");
            clone.in_scope(|| tracing::info!("inside"));
            drop(clone);
        });
        let expected = [
            "INFO bridge_tracing : one is left",
            "INFO bridge_tracing job: inside",
            "INFO bridge_tracing job: exit duration=0ns",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn a_panic_leaves_the_span_and_marks_it() {
    for by in BOTH {
        let set = Set::with_events(by, SpanEvents::Exit);
        let lines = set.run(|| {
            let result = std::panic::catch_unwind(|| {
                tracing::info_span!("job", id = 1).in_scope(|| std::panic::resume_unwind(Box::new(())));
            });
            assert!(result.is_err());
            tracing::info!("after");
        });
        let expected = ["INFO bridge_tracing job: exit id=1 duration=0ns panicked=true", "INFO bridge_tracing : after"];
        assert_eq!(lines, expected, "{by:?}");
    }
}

/// Logs while it is shown, or panics.
struct Hostile(bool);

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("from within");
        if self.0 {
            std::panic::resume_unwind(Box::new(()));
        }
        f.write_str("shown")
    }
}

#[test]
fn values_that_log_or_panic_harm_nobody() {
    for by in BOTH {
        let set = Set::new(by);
        let lines = set.run(|| {
            tracing::info!(value = ?Hostile(false), other = 1, "logs");
            tracing::info!(value = ?Hostile(true), other = 1, "panics");
            tracing::info_span!("hostile", value = ?Hostile(true), other = 2).in_scope(|| tracing::info!("inside"));
            tracing::info!("{:?}", Hostile(true));
            tracing::info!("after");
        });
        // `tracing` itself ignores what is logged by values of an event or a span.
        let expected = [
            "INFO bridge_tracing : logs value=shown other=1",
            "INFO bridge_tracing : panics value=<formatting panicked> other=1",
            "INFO bridge_tracing hostile: inside value=<formatting panicked> other=2",
            "INFO bridge_tracing : <formatting panicked>",
            "INFO bridge_tracing : after",
        ];
        assert_eq!(lines, expected, "{by:?}");
    }
}

#[test]
fn levels_can_change_at_run_time() {
    for by in BOTH {
        let set = Set::new(by);
        let root = set.logging.root_logger();
        let events = || {
            let span = tracing::debug_span!("span");
            let _entered = span.enter();
            let enabled = tracing::enabled!(target: "noisy", tracing::Level::DEBUG);
            tracing::debug!(target: "noisy", enabled, "noisy");
            tracing::info!("info");
        };
        tracing::dispatcher::with_default(&set.dispatch, || {
            root.set_level(Level::Info);
            events();
            set.logging.get_logger("noisy").unwrap().set_level(Level::Debug);
            events();
            root.set_level(Level::Debug);
            events();
            root.set_level(Level::Error);
            events();
            set.logging.disable(Level::Critical);
            events();
        });
        let expected = [
            "INFO bridge_tracing : info",
            "DEBUG noisy : noisy enabled=true",
            "INFO bridge_tracing : info",
            "DEBUG noisy span: noisy enabled=true",
            "INFO bridge_tracing span: info",
            "DEBUG noisy : noisy enabled=true",
        ];
        assert_eq!(set.lines(), expected, "{by:?}");
    }
}
