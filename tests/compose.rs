//! Handlers made of other handlers: memory, flight recorder, routes, fallback, and retries.

mod common;

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{LONG, Scripted, Step, TIME, clock, wait_until};
use femtologging::filter::{FemtoFilter, Key, Name, Rewrite};
use femtologging::handler::{
    Batch, Delivery, FemtoCaptureHandler, FemtoFallbackHandler, FemtoFlightRecorder, FemtoHandler, FemtoHandlerExt,
    FemtoMemoryHandler, FemtoNullHandler, FemtoRouteHandler, HandlerSpec, RecorderHandle,
};
use femtologging::metrics::HandlerMetrics;
use femtologging::policy::{ErrorPolicy, FlushPolicy, IdlePolicy, OverflowPolicy, Transport};
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{
    Config, Error, FemtoFileHandler, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Level, LevelFilter, Logging,
    context, debug, error, info, info_span, warn,
};

fn system(handler: impl Into<HandlerSpec>) -> (Logging, FemtoLogger, ManualClock) {
    let hand = clock();
    let builder = Config::builder().default_level(LevelFilter::Trace).clock(Clock::manual(&hand));
    let logging = builder.add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger, hand)
}

/// The handler's counters; their sum is right.
fn counts(logging: &Logging) -> HandlerMetrics {
    let counts = logging.metrics().handlers.remove(0);
    assert_eq!(counts.emitted, counts.written + counts.dropped.total() + counts.failed + counts.in_flight);
    counts
}

/// What a [`Actor`] handler does when it is to deliver.
#[derive(Clone, Copy)]
enum Act {
    Deliver,
    Fail,
    Keep,
    /// Gives the first record up, delivers the second, and fails.
    Part,
}

/// A handler that follows a script and then delivers everything.
#[derive(Clone, Default)]
struct Actor {
    script: Arc<Mutex<VecDeque<Act>>>,
    delivered: Arc<Mutex<Vec<String>>>,
}

impl Actor {
    fn new(script: impl IntoIterator<Item = Act>) -> Self {
        let actor = Self::default();
        actor.script.lock().unwrap().extend(script);
        actor
    }

    fn delivered(&self) -> Vec<String> {
        self.delivered.lock().unwrap().clone()
    }

    fn take_next(&self, batch: &mut Batch) {
        let text = batch.next_text().map(|text| String::from_utf8(text.to_vec()).unwrap());
        self.delivered.lock().unwrap().extend(text);
        batch.deliver_next();
    }
}

impl FemtoHandler for Actor {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        if record.get("bad").is_some() {
            return Err(Error::other("a bad record"));
        }
        batch.append(|out| record.write_message(out));
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        let act = self.script.lock().unwrap().pop_front().unwrap_or(Act::Deliver);
        match act {
            Act::Deliver => {
                while batch.next_text().is_some() {
                    self.take_next(batch);
                }
                Ok(Delivery::Done)
            }
            Act::Fail => Err(Error::other("refused")),
            Act::Keep => Ok(Delivery::Retry),
            Act::Part => {
                batch.fail_next(1);
                self.take_next(batch);
                Err(Error::other("refused"))
            }
        }
    }
}

#[test]
fn memory_hands_on_when_it_is_full() {
    let capture = FemtoCaptureHandler::new();
    let (logging, logger, _) = system(FemtoMemoryHandler::builder(capture.clone()).capacity(3).build().unwrap());
    info!(logger: logger, "1");
    info!(logger: logger, "2");
    wait_until("both are kept", || counts(&logging).in_flight == 2 && counts(&logging).queue_high_water > 0);
    assert_eq!(capture.messages(), [""; 0]);
    info!(logger: logger, "3");
    wait_until("all three are handed on", || capture.len() == 3 && counts(&logging).written == 3);
    info!(logger: logger, "4");
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["1", "2", "3", "4"]);
    assert_eq!(counts(&logging).written, 4);
}

/// The memory of what is kept is bounded, however large records are.
#[test]
fn memory_hands_on_when_its_bytes_are_reached() {
    let captures = [FemtoCaptureHandler::new(), FemtoCaptureHandler::new()];
    let [by_default, by_choice] = captures.each_ref();
    let (logging, logger, _) = system(FemtoMemoryHandler::builder(by_default.clone()).build().unwrap());
    for _ in 0..20 {
        info!(logger: logger, "{}", "x".repeat(1_000_000));
    }
    // 8 MiB are less than nine of them.
    wait_until("twice nine are written, and two are kept", || {
        by_default.len() == 18 && counts(&logging).in_flight == 2
    });
    let (logging, logger, _) = system(FemtoMemoryHandler::builder(by_choice.clone()).bytes(10_000).build().unwrap());
    for _ in 0..100 {
        info!(logger: logger, "{}", "x".repeat(1000));
    }
    wait_until("all but a few have come", || by_choice.len() > 90);
    logging.flush(LONG).unwrap();
    assert_eq!((by_choice.len(), counts(&logging).written), (100, 100));
    let error = FemtoMemoryHandler::builder(by_choice.clone()).bytes(100).build().unwrap_err().to_string();
    assert!(error.contains("`bytes` = 100: give the records 4096 bytes at least"), "{error}");
}

#[test]
fn memory_hands_on_at_a_level() {
    let capture = FemtoCaptureHandler::new();
    let memory = FemtoMemoryHandler::builder(capture.clone()).flush_level(Level::Warn);
    let (logging, logger, _) = system(memory.build().unwrap());
    info!(logger: logger, "before");
    warn!(logger: logger, "severe");
    info!(logger: logger, "after");
    wait_until("the severe one is handed on", || capture.len() == 2);
    wait_until("the last one is kept", || counts(&logging).written == 2 && counts(&logging).in_flight == 1);
    assert_eq!(capture.messages(), ["before", "severe"]);
    logging.shutdown(LONG).unwrap();
    assert_eq!(capture.messages(), ["before", "severe", "after"]);
}

#[test]
fn memory_can_discard_at_the_end_but_says_so() {
    let capture = FemtoCaptureHandler::new();
    let memory = FemtoMemoryHandler::builder(capture.clone()).flush_on_close(false);
    let (logging, logger, _) = system(memory.build().unwrap());
    info!(logger: logger, "flushed");
    logging.flush(LONG).unwrap();
    info!(logger: logger, "discarded");
    let error = logging.shutdown(LONG).unwrap_err();
    assert!(error.to_string().contains("1 records could not be written"), "{error}");
    assert_eq!(capture.messages(), ["flushed"]);
    let counts = counts(&logging);
    assert_eq!((counts.written, counts.failed), (1, 1));
    assert_eq!(counts.last_error.as_deref(), Some("1 kept records were discarded at the end"));
}

#[test]
fn what_the_target_turns_away_or_fails_is_counted() {
    let actor = Actor::new([Act::Fail]);
    let target = actor.clone().configure().level(Level::Info).filter(Name::new("app.x").not_at_all());
    let (logging, logger, _) = system(FemtoMemoryHandler::builder(target.build().unwrap()).build().unwrap());
    debug!(logger: logger, "too low");
    info!(logger: logger, "refused");
    info!(logger: logger, "bad"; bad = true);
    logging.flush(LONG).unwrap_err();
    info!(logger: logger, "delivered");
    logging.flush(LONG).unwrap();
    assert_eq!(actor.delivered(), ["delivered"]);
    let counts = counts(&logging);
    assert_eq!((counts.written, counts.failed, counts.bytes), (2, 2, 9));
}

/// A filter that lets everything else through.
trait NotAtAll {
    fn not_at_all(self) -> femtologging::filter::Not<Name>;
}

impl NotAtAll for Name {
    fn not_at_all(self) -> femtologging::filter::Not<Name> {
        femtologging::filter::FemtoFilterExt::not(self)
    }
}

#[test]
fn kept_records_are_what_they_were() {
    let writer = Scripted::default();
    let target = FemtoStreamHandler::builder(writer.clone()).build().unwrap();
    let (logging, logger, hand) = system(FemtoMemoryHandler::builder(target).build().unwrap());
    let bound = logger.with("pool", 1);
    let thread = std::thread::Builder::new().name("worker".into());
    let work = thread.spawn(move || {
        let _user = context! { user = "ada" }.enter();
        info_span!(logger: bound, "load", events_off = true).events(femtologging::policy::SpanEvents::None).in_scope(
            || {
                info!(logger: bound, target: "audit", "{} of {total:>3}", 1, total = 5; list = [1, 2], text:% = "x y");
            },
        );
    });
    work.unwrap().join().unwrap();
    hand.advance(Duration::from_secs(1));
    logging.flush(LONG).unwrap();
    let expected = format!(
        "{TIME} INFO  app [worker] load: 1 of   5 user=ada pool=1 events_off=true pool=1 list=[1,2] text=\"x y\"\n"
    );
    assert_eq!(writer.text(), expected.replacen("pool=1 events_off", "events_off", 1));
}

#[test]
fn a_recorder_replays_the_last_records() {
    let capture = FemtoCaptureHandler::new();
    let handle = RecorderHandle::new();
    let recorder = FemtoFlightRecorder::builder(capture.clone()).records(3).dump_handle(&handle).build().unwrap();
    let (logging, logger, _) = system(recorder);
    for n in 1..=5 {
        debug!(logger: logger, "{}", n);
    }
    logging.flush(LONG).unwrap();
    assert_eq!((capture.messages().len(), counts(&logging).written), (0, 5));
    error!(logger: logger, "error");
    debug!(logger: logger, "later");
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["3", "4", "5", "error"]);
    handle.dump();
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["3", "4", "5", "error", "later"]);
    assert_eq!(counts(&logging).written, 7);
}

#[test]
fn a_recorder_is_bounded_by_bytes() {
    let capture = FemtoCaptureHandler::new();
    let recorder = FemtoFlightRecorder::builder(capture.clone()).bytes(8192).build().unwrap();
    let (logging, logger, _) = system(recorder);
    for n in 0..10 {
        debug!(logger: logger, "{} {}", n, "x".repeat(2000));
    }
    error!(logger: logger, "error");
    logging.flush(LONG).unwrap();
    let numbers: Vec<_> = capture.messages().iter().map(|text| text.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(numbers, ["7", "8", "9", "error"]);
}

/// Adds two kilobytes to each record, one way or the other.
struct Enlarge(bool);

impl FemtoFilter for Enlarge {
    fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
        true
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        let text = "x".repeat(2000);
        if self.0 {
            record.set_message(text)
        } else {
            record.add("more", text.as_str())
        }
        true
    }
}

#[test]
fn what_filters_added_counts_for_a_recorders_bytes() {
    for in_message in [true, false] {
        let capture = FemtoCaptureHandler::new();
        let recorder = FemtoFlightRecorder::builder(capture.clone()).bytes(8192).filter(Enlarge(in_message));
        let (logging, logger, _) = system(recorder.build().unwrap());
        for n in 0..10 {
            debug!(logger: logger, "{}", n);
        }
        error!(logger: logger, "error");
        logging.flush(LONG).unwrap();
        assert_eq!(capture.len(), 4, "{in_message}");
    }
}

#[test]
fn a_recorders_target_that_fails_is_reported_and_one_that_keeps_is_waited_for() {
    let actor = Actor::new([Act::Keep, Act::Keep, Act::Deliver, Act::Fail]);
    let recorder = FemtoFlightRecorder::builder(actor.clone()).build().unwrap();
    let (logging, logger, _) = system(recorder);
    error!(logger: logger, "first");
    logging.flush(LONG).unwrap();
    assert_eq!(actor.delivered(), ["first"]);
    error!(logger: logger, "second");
    logging.flush(LONG).unwrap_err();
    assert_eq!(actor.delivered(), ["first"]);
    let counts = counts(&logging);
    assert_eq!((counts.written, counts.failed, counts.last_error.as_deref()), (1, 1, Some("refused")));
}

#[test]
fn a_recorder_says_what_it_could_not_replay() {
    let actor = Actor::new([Act::Keep; 1000]);
    let handle = RecorderHandle::new();
    let recorder = FemtoFlightRecorder::builder(actor.clone()).dump_handle(&handle).build().unwrap();
    let (logging, logger, _) = system(recorder);
    debug!(logger: logger, "1");
    debug!(logger: logger, "2");
    logging.flush(LONG).unwrap();
    handle.dump();
    let error = logging.flush(LONG).unwrap_err();
    assert!(error.to_string().contains("2 replayed records are not written yet"), "{error}");
    let error = logging.shutdown(LONG).unwrap_err();
    assert!(error.to_string().contains("2 replayed records could not be written"), "{error}");
    // They were written when they were kept.
    assert_eq!((counts(&logging).written, counts(&logging).failed), (2, 0));
}

#[test]
fn a_panic_inside_is_one_failure_and_leaves_nothing_behind() {
    let writer = Scripted::default();
    let target =
        FemtoStreamHandler::builder(writer.clone()).formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            record.write_message(out);
            assert!(record.get("bad").is_none(), "in the formatter");
        });
    let memory = FemtoMemoryHandler::builder(target.build().unwrap()).build().unwrap();
    let (logging, logger, _) = system(memory);
    info!(logger: logger, "1");
    info!(logger: logger, "2"; bad = true);
    info!(logger: logger, "3");
    logging.flush(LONG).unwrap_err();
    assert_eq!(writer.lines(), ["1", "3"]);
    assert_eq!((counts(&logging).written, counts(&logging).failed), (2, 1));
}

#[test]
fn routes_go_by_the_first_filter_that_holds() {
    let [audit, db, rest] = std::array::from_fn(|_| Actor::default());
    *db.script.lock().unwrap() = VecDeque::from([Act::Fail]);
    let routes = FemtoRouteHandler::builder()
        .route(Key::equal("audit", true), audit.clone())
        .route(Name::new("app.db"), db.clone())
        .otherwise(rest.clone().configure().level(Level::Info).build().unwrap())
        .build()
        .unwrap();
    let (logging, logger, _) = system(routes);
    let of_db = logging.get_logger("app.db").unwrap();
    info!(logger: of_db, "paid"; audit = true);
    info!(logger: of_db, "lost");
    info!(logger: logger, "shown");
    debug!(logger: logger, "too low");
    logging.flush(LONG).unwrap_err();
    info!(logger: of_db, "read");
    logging.flush(LONG).unwrap();
    assert_eq!([audit, db, rest].map(|actor| actor.delivered()), [["paid"], ["read"], ["shown"]]);
    let counts = counts(&logging);
    assert_eq!((counts.written, counts.failed, counts.bytes), (4, 1, 13));

    let error = FemtoRouteHandler::builder().build().unwrap_err();
    assert_eq!(error.to_string(), "invalid configuration: `routes`: add one with `route`");
}

#[test]
fn the_second_handler_takes_what_the_first_does_not() {
    let (first, second) = (Actor::new([Act::Part, Act::Deliver]), Actor::default());
    let (logging, logger, hand) = system(FemtoFallbackHandler::builder(first.clone(), second.clone()).build().unwrap());
    let block = logging.get_logger("app").unwrap();
    info!(logger: block, "bad"; bad = true);
    for n in 1..=4 {
        info!(logger: logger, "{}", n);
    }
    logging.flush(LONG).unwrap_err();
    let delivered = [first.delivered(), second.delivered()].concat();
    let mut sorted = delivered.clone();
    sorted.sort();
    // The bad one both refuse; each of the others is there once.
    assert_eq!(sorted, ["1", "2", "3", "4"], "{delivered:?}");

    // The first rests, and is tried again later.
    info!(logger: logger, "5");
    logging.flush(LONG).unwrap();
    assert_eq!(second.delivered().last().map(String::as_str), Some("5"));
    hand.advance(Duration::from_secs(31));
    // The handler learns the time with the next batch.
    info!(logger: logger, "6");
    logging.flush(LONG).unwrap();
    info!(logger: logger, "7");
    logging.flush(LONG).unwrap();
    assert_eq!(first.delivered().last().map(String::as_str), Some("7"));
    let counts = counts(&logging);
    assert_eq!((counts.written, counts.failed), (7, 1));
}

#[test]
fn a_first_handler_that_keeps_too_long_is_left() {
    let (first, second) = (Actor::new([Act::Keep; 1000]), Actor::default());
    let handler = FemtoFallbackHandler::builder(first.clone(), second.clone()).patience(Duration::from_secs(5));
    let (logging, logger, hand) = system(handler.build().unwrap());
    info!(logger: logger, "1");
    wait_until("it was tried", || first.script.lock().unwrap().len() < 1000);
    assert_eq!(counts(&logging).in_flight, 1);
    hand.advance(Duration::from_secs(6));
    wait_until("the second has it", || second.delivered() == ["1"]);
    hand.advance(Duration::from_secs(31));
    logging.flush(LONG).unwrap();
    info!(logger: logger, "2");
    logging.flush(LONG).unwrap();
    info!(logger: logger, "3");
    // A shutdown has no patience.
    logging.shutdown(LONG).unwrap();
    assert_eq!(second.delivered(), ["1", "2", "3"]);
    assert_eq!(counts(&logging).written, 3);
}

#[test]
fn a_first_handler_that_keeps_too_much_is_left() {
    let second = FemtoCaptureHandler::new();
    let first = Actor::new([Act::Keep; 1000]);
    let handler = FemtoFallbackHandler::builder(first.clone(), second.clone());
    let (logging, logger, _) = system(handler.bytes(10_000).build().unwrap());
    for _ in 0..100 {
        info!(logger: logger, "{}", "x".repeat(1000));
    }
    // Its patience stands still with the clock.
    wait_until("the second one has those that are too many", || second.len() > 5);
    logging.shutdown(LONG).unwrap();
    let counts = counts(&logging);
    assert_eq!((counts.written, counts.failed, second.len() + first.delivered().len()), (100, 0, 100));
}

#[test]
fn records_without_text_are_bounded_too() {
    let handler = Actor::new([Act::Fail; 10_000]).configure().on_error(ErrorPolicy::Retry { bytes: 16_000 });
    let (logging, logger, _) = system(handler.build().unwrap());
    for _ in 0..50_000 {
        info!(logger: logger, "");
    }
    wait_until("2,000 are kept", || counts(&logging).in_flight == 2000 && counts(&logging).failed == 48_000);
}

#[test]
fn a_retry_loses_nothing_and_repeats_nothing() {
    let fail = || Step::Fail(ErrorKind::StorageFull, "no space");
    let writer = Scripted::new([Step::Take(3), fail(), fail(), Step::Take(5), fail()]);
    let handler = FemtoStreamHandler::builder(writer.clone())
        .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out))
        .on_error(ErrorPolicy::Retry { bytes: 1 << 20 });
    let (logging, logger, hand) = system(handler.build().unwrap());
    for n in 0..10 {
        info!(logger: logger, "line {}", n);
        hand.advance(Duration::from_secs(31));
    }
    wait_until("all is written", || {
        hand.advance(Duration::from_secs(31));
        counts(&logging).written == 10
    });
    assert_eq!(writer.lines(), (0..10).map(|n| format!("line {n}")).collect::<Vec<_>>());
    assert_eq!(counts(&logging).failed, 0);
}

#[test]
fn what_a_retry_cannot_keep_is_counted() {
    let writer = Scripted::new(std::iter::repeat_with(|| Step::Fail(ErrorKind::StorageFull, "no space")).take(10_000));
    let handler = FemtoStreamHandler::builder(writer.clone())
        .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out))
        .on_error(ErrorPolicy::Retry { bytes: 25 });
    let (logging, logger, _) = system(handler.build().unwrap());
    for n in 0..10 {
        info!(logger: logger, "line {}", n);
    }
    // Seven bytes a line: three fit.
    wait_until("seven are given up", || counts(&logging).failed == 7);
    assert_eq!(counts(&logging).in_flight, 3);
    logging.shutdown(Duration::from_millis(500)).unwrap_err();
    assert_eq!((counts(&logging).failed, writer.text()), (10, String::new()));
}

#[test]
fn a_retry_does_not_wait_for_the_flush_policy_again() {
    for policy in [FlushPolicy::AtLevel(Level::Error), FlushPolicy::Every(Duration::from_secs(3600))] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("later/app.log");
        let handler = FemtoFileHandler::builder().path(&path).delay(true).flush_policy(policy);
        let (logging, logger, hand) = system(handler.on_error(ErrorPolicy::Retry { bytes: 4096 }).build().unwrap());
        error!(logger: logger, "1");
        wait_until("it has failed", || counts(&logging).errors > 0);
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        hand.advance(Duration::from_secs(31));
        wait_until("it is written", || counts(&logging).written == 1);
    }
}

#[test]
fn a_queues_settings_inside_another_handler_are_an_error() {
    let inner = || FemtoNullHandler.configure().overflow(OverflowPolicy::DropNewest).build().unwrap();
    let said = |handler: Result<HandlerSpec, Error>| handler.unwrap_err().to_string();
    let problem = |field: &str, name: &str| {
        format!("`{field}.{name}`: the handlers around it decide: give the outermost one its `{name}`")
    };
    let one = |field| format!("invalid configuration: {}", problem(field, "overflow"));
    assert_eq!(said(FemtoMemoryHandler::builder(inner()).build()), one("target"));
    assert_eq!(said(FemtoFlightRecorder::builder(inner()).build()), one("target"));
    assert_eq!(said(FemtoFallbackHandler::builder(FemtoNullHandler, inner()).build()), one("second"));
    let routes =
        FemtoRouteHandler::builder().route(LevelFilter::Warn, FemtoNullHandler).route(LevelFilter::Info, inner());
    assert_eq!(said(routes.build()), one("routes.1"));
    let routes = FemtoRouteHandler::builder().route(LevelFilter::Warn, FemtoNullHandler).otherwise(inner());
    assert_eq!(said(routes.build()), one("otherwise"));

    let all = FemtoNullHandler.configure().level(Level::Info);
    let all = all.transport(Transport::Shared { capacity: None }).idle(IdlePolicy::default()).wake_level(Level::Warn);
    let expected = ["transport", "idle", "wake_level"].map(|name| format!("\n  {}", problem("target", name))).concat();
    assert_eq!(
        said(FemtoMemoryHandler::builder(all.build().unwrap()).build()),
        format!("invalid configuration, 3 problems:{expected}"),
    );
}
