//! Handlers without a thread: a record is written, or counted, when the call returns.

mod common;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use common::{LONG, Scripted, Step, TIME, clock, wait_until};
use femtologging::handler::{
    Batch, Delivery, Endpoint, FemtoCaptureHandler, FemtoFallbackHandler, FemtoFlightRecorder, FemtoHandler,
    FemtoHandlerExt, FemtoMemoryHandler, FemtoRouteHandler, FemtoSocketHandler, FemtoSyslogHandler, HandlerSpec,
};
use femtologging::metrics::{DropReason, HandlerMetrics};
use femtologging::policy::{ErrorPolicy, FlushPolicy, IdlePolicy, OverflowPolicy, Transport};
use femtologging::time::{Clock, Timestamp};
use femtologging::{
    Config, Error, FemtoFileHandler, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Level, LevelFilter, Logging,
    info, warn,
};

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

fn system(handler: impl Into<HandlerSpec>) -> (Logging, FemtoLogger) {
    let logging = Config::builder().add_handler("inline", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

fn stream(writer: &Scripted) -> HandlerSpec {
    FemtoStreamHandler::builder(writer.clone()).formatter(message).inline().build().unwrap()
}

fn metrics(logging: &Logging) -> HandlerMetrics {
    let metrics = logging.metrics().handlers.remove(0);
    let HandlerMetrics { emitted, written, failed, in_flight, .. } = metrics;
    assert_eq!(emitted, written + failed + in_flight + metrics.dropped.total(), "{metrics:?}");
    metrics
}

#[test]
fn a_record_is_written_when_the_call_returns() {
    let (writer, clock) = (Scripted::default(), clock());
    let handler = FemtoStreamHandler::builder(writer.clone()).transport(Transport::Inline).build().unwrap();
    let config = Config::builder().clock(Clock::manual(&clock)).add_handler("inline", handler);
    let logging = config.build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    info!(logger: logger, "{} of {}", 1, 2; key = true);
    assert_eq!(
        writer.text(),
        format!("{TIME} INFO  app [a_record_is_written_when_the_call_returns] 1 of 2 key=true\n")
    );
    let (text, number) = ("text".to_owned(), 7);
    info!(logger: logger, "{text} {number:>3}");
    assert_eq!(writer.lines()[1], format!("{TIME} INFO  app [a_record_is_written_when_the_call_returns] text   7"));
    assert_eq!(writer.writes(), 2);
    let metrics = metrics(&logging);
    assert_eq!((metrics.emitted, metrics.written, metrics.batches), (2, 2, 2));
    assert_eq!((metrics.queue_high_water, metrics.bytes), (0, writer.text().len() as u64));
}

#[test]
fn levels_and_filters_decide_and_may_change() {
    let writer = Scripted::default();
    let handler = FemtoStreamHandler::builder(writer.clone())
        .formatter(message)
        .filter(|record: &FemtoLogRecord<'_>| record.get("secret").is_none())
        .inline()
        .build()
        .unwrap();
    let (logging, logger) = system(handler);
    info!(logger: logger, "one");
    info!(logger: logger, "two"; secret = 1);
    logging.set_handler_level("inline", Level::Warn).unwrap();
    info!(logger: logger, "three");
    warn!(logger: logger, "four");
    logging.set_handler_level("inline", Level::Trace).unwrap();
    logger.set_level(Level::Error);
    warn!(logger: logger, "five");
    logger.set_level(Level::Info);
    info!(logger: logger, "six");
    assert_eq!(writer.lines(), ["one", "four", "six"]);
    assert_eq!((metrics(&logging).emitted, metrics(&logging).filtered), (3, 1));
}

/// Logs while a record is filtered or formatted, once it knows the logger.
#[derive(Clone, Default)]
struct Chatty(Arc<OnceLock<FemtoLogger>>);

impl Chatty {
    fn talk(&self) {
        if let Some(logger) = self.0.get() {
            warn!(logger: logger, "from within");
            warn!(logger: logger, "from within, {}", format_args!("formatted"));
        }
    }
}

#[test]
fn what_a_handler_logs_itself_is_refused_and_counted() {
    let (chatty, writer) = (Chatty::default(), Scripted::default());
    let (filter, formatter) = (chatty.clone(), chatty.clone());
    let handler = FemtoStreamHandler::builder(writer.clone())
        .filter(move |_: &FemtoLogRecord<'_>| {
            filter.talk();
            true
        })
        .formatter(move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            formatter.talk();
            message(record, out);
        })
        .inline()
        .build()
        .unwrap();
    // The other handler would feed the first one, and wait for it, if it also logged.
    let other = FemtoCaptureHandler::new();
    let logging = Config::builder()
        .add_handler("inline", handler)
        .add_handler("other", other.clone().configure().inline().build().unwrap())
        .build()
        .unwrap();
    let logger = logging.get_logger("app").unwrap();
    chatty.0.set(logger.clone()).unwrap();
    info!(logger: logger, "{}", 1);
    info!(logger: logger, "{}", 2);
    assert_eq!(
        (writer.lines(), other.messages()),
        (vec!["1".to_owned(), "2".into()], vec!["1".to_owned(), "2".into()])
    );
    for handler in logging.metrics().handlers {
        assert_eq!((handler.emitted, handler.written), (10, 2), "{}", handler.name);
        assert_eq!(handler.dropped.get(DropReason::Reentrant, Level::Warn), 8);
    }
    assert_eq!(logging.metrics().unrouted, 0);
}

/// A value whose text logs.
struct Value<'a>(&'a FemtoLogger);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(logger: self.0, "inside");
        f.write_str("outside")
    }
}

#[test]
fn a_display_that_logs_comes_before_its_record() {
    let writer = Scripted::default();
    let (logging, logger) = system(stream(&writer));
    info!(logger: logger, "{}", Value(&logger));
    assert_eq!(writer.lines(), ["inside", "outside"]);
    assert_eq!(metrics(&logging).dropped.total(), 0);
}

#[test]
fn a_panic_costs_one_record() {
    let writer = Scripted::new([Step::Take(99), Step::Panic]);
    let handler = FemtoStreamHandler::builder(writer.clone())
        .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            assert!(record.get("bad").is_none(), "expected by this test");
            message(record, out);
        })
        .inline()
        .build()
        .unwrap();
    let (logging, logger) = system(handler);
    info!(logger: logger, "one");
    info!(logger: logger, "two"; bad = 1);
    info!(logger: logger, "three, which the writer panics on");
    info!(logger: logger, "four");
    assert_eq!(writer.lines(), ["one", "four"]);
    let metrics = metrics(&logging);
    assert_eq!((metrics.written, metrics.failed, metrics.errors), (2, 2, 2));
    assert_eq!(logging.flush(LONG).unwrap_err().to_string(), "`handlers.inline`: 2 records could not be written");
    logging.flush(LONG).unwrap();
}

#[test]
fn a_kept_record_is_tried_again() {
    let full = || Step::Fail(io::ErrorKind::StorageFull, "full");
    let writer = Scripted::new([full(), full()]);
    let handler = FemtoStreamHandler::builder(writer.clone())
        .formatter(message)
        .on_error(ErrorPolicy::Retry { bytes: 1 << 20 })
        .inline()
        .build()
        .unwrap();
    let (logging, logger) = system(handler);
    info!(logger: logger, "one");
    assert_eq!((metrics(&logging).in_flight, writer.text().as_str()), (1, ""));
    info!(logger: logger, "two");
    assert_eq!(metrics(&logging).in_flight, 2);
    // At once, and then after the delay.
    logging.flush(LONG).unwrap();
    assert_eq!(writer.lines(), ["one", "two"]);
    assert_eq!((metrics(&logging).written, metrics(&logging).in_flight), (2, 0));
}

#[test]
fn what_is_kept_at_the_shutdown_has_failed() {
    let writer = Scripted::new((0..1000).map(|_| Step::Fail(io::ErrorKind::StorageFull, "full")));
    let handler = FemtoStreamHandler::builder(writer).on_error(ErrorPolicy::Retry { bytes: 1 << 20 });
    let (logging, logger) = system(handler.inline().build().unwrap());
    info!(logger: logger, "one");
    let error = logging.shutdown(Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.to_string(), "`handlers.inline`: 1 records could not be delivered in time");
    assert_eq!((metrics(&logging).failed, metrics(&logging).in_flight), (1, 0));
}

/// Notes what it is asked to do.
struct Steps(Arc<Mutex<Vec<String>>>);

impl Steps {
    fn note(&self, what: &str) -> Result<(), Error> {
        self.0.lock().unwrap().push(what.to_owned());
        Ok(())
    }
}

impl FemtoHandler for Steps {
    fn start(&mut self, _: Timestamp) -> Result<(), Error> {
        self.note("start")
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        self.note(&record.message().to_string())
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        assert!(batch.is_due());
        self.note("deliver").map(|()| Delivery::Wait)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.note("flush")
    }

    fn close(&mut self) -> Result<(), Error> {
        self.note("close")
    }
}

#[test]
fn a_handler_is_called_as_its_thread_would() {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let (logging, logger) = system(Steps(steps.clone()).configure().inline().build().unwrap());
    info!(logger: logger, "one");
    logging.flush(LONG).unwrap();
    logging.shutdown(LONG).unwrap();
    logging.shutdown(LONG).unwrap();
    info!(logger: logger, "late");
    assert_eq!(*steps.lock().unwrap(), ["start", "one", "deliver", "flush", "flush", "close"]);
    let metrics = metrics(&logging);
    assert_eq!((metrics.written, metrics.dropped.by_reason(DropReason::Closed), metrics.flushes), (1, 1, 2));
}

#[test]
fn a_system_that_is_dropped_closes_its_handlers() {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let (logging, logger) = system(Steps(steps.clone()).configure().inline().build().unwrap());
    info!(logger: logger, "one");
    drop(logging);
    assert_eq!(*steps.lock().unwrap(), ["start", "one", "deliver", "flush", "close"]);
    assert_eq!(Arc::strong_count(&steps), 1);
}

#[test]
fn a_handler_may_drop_its_own_system() {
    let (steps, system_of) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(None::<Logging>)));
    let inside = system_of.clone();
    let handler = Steps(steps.clone()).configure().filter(move |_: &FemtoLogRecord<'_>| {
        let logging = inside.lock().unwrap().take();
        assert!(logging.as_ref().is_none_or(|logging| logging.flush(LONG).is_err()));
        drop(logging);
        true
    });
    let (logging, logger) = system(handler.inline().build().unwrap());
    *system_of.lock().unwrap() = Some(logging);
    info!(logger: logger, "one");
    info!(logger: logger, "late");
    assert_eq!(*steps.lock().unwrap(), ["start", "one", "deliver", "flush", "close"]);
}

#[test]
fn lines_of_many_threads_are_whole_and_each_thread_s_are_in_order() {
    let writer = Scripted::default();
    let (logging, logger) = system(stream(&writer));
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let logger = &logger;
            scope.spawn(move || (0..200).for_each(|number| info!(logger: logger, "{} {}", thread, number)));
        }
    });
    let mut next = [0; 16];
    for line in writer.lines() {
        let (thread, number) = line.split_once(' ').unwrap();
        let next = &mut next[thread.parse::<usize>().unwrap()];
        assert_eq!(number.parse::<usize>().unwrap(), *next);
        *next += 1;
    }
    assert_eq!(next, [200; 16]);
    assert_eq!(metrics(&logging).written, 3200);
}

#[test]
fn callers_wait_for_a_slow_destination_and_a_flush_does_not_wait_for_ever() {
    let (go, may_go) = mpsc::channel();
    let writer = Scripted::new([Step::Wait(may_go)]);
    let (logging, logger) = system(stream(&writer));
    std::thread::scope(|scope| {
        // Dropped here if the test fails, so that nobody waits for ever.
        let go = go;
        for number in 1..=2 {
            let logger = &logger;
            scope.spawn(move || info!(logger: logger, "{}", number));
        }
        wait_until("both records are in flight", || metrics(&logging).in_flight == 2 && writer.writes() == 1);
        let time = Duration::from_millis(50);
        for error in [logging.flush(time).unwrap_err(), logging.shutdown(time).unwrap_err()] {
            assert!(error.is_timeout(), "{error}");
            assert!(error.to_string().contains("(given 50ms; 2 records are not written)"), "{error}");
        }
        go.send(()).unwrap();
    });
    // The second one came into the handler after the shutdown had begun; it was accepted before.
    assert_eq!((metrics(&logging).written, metrics(&logging).in_flight), (2, 0));
    logging.shutdown(LONG).unwrap();
    info!(logger: logger, "late");
    assert_eq!((metrics(&logging).written, metrics(&logging).dropped.total()), (2, 1));
}

#[test]
fn files_have_their_text_when_the_call_returns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let file = FemtoFileHandler::builder().path(&path).formatter(message).inline().build().unwrap();
    let (_logging, logger) = system(file);
    for number in 1..=3 {
        info!(logger: logger, "{}", number);
        let expected = (1..=number).map(|number| format!("{number}\n")).collect::<String>();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
}

#[test]
fn handlers_made_of_handlers_need_no_thread_either() {
    let capture = FemtoCaptureHandler::new();
    let memory = FemtoMemoryHandler::builder(capture.clone()).inline().build().unwrap();
    let (logging, logger) = system(memory);
    info!(logger: logger, "kept");
    assert_eq!((capture.messages().len(), metrics(&logging).in_flight), (0, 1));
    femtologging::error!(logger: logger, "failed");
    assert_eq!((capture.messages(), metrics(&logging).written), (vec!["kept".to_owned(), "failed".into()], 2));

    let capture = FemtoCaptureHandler::new();
    let recorder = FemtoFlightRecorder::builder(capture.clone()).records(1).inline().build().unwrap();
    let (_logging, logger) = system(recorder);
    (1..=3).for_each(|number| info!(logger: logger, "{}", number));
    femtologging::error!(logger: logger, "failed");
    assert_eq!(capture.messages(), ["3", "failed"]);

    let capture = FemtoCaptureHandler::new();
    let broken = FemtoStreamHandler::builder(Scripted::new([Step::Fail(io::ErrorKind::Other, "broken")])).build();
    let fallback = FemtoFallbackHandler::builder(broken.unwrap(), capture.clone()).inline().build().unwrap();
    let (logging, logger) = system(fallback);
    info!(logger: logger, "one");
    assert_eq!((capture.messages(), metrics(&logging).written), (vec!["one".to_owned()], 1));
}

/// The problems of a configuration, each as `field value: remedy`.
fn problems(built: Result<HandlerSpec, Error>) -> Vec<String> {
    let Err(error) = built else { panic!("no error") };
    let problems = error.problems().iter();
    problems.map(|problem| format!("{} {}: {}", problem.field, problem.value, problem.remedy)).collect()
}

/// Panics when it is dropped.
struct PanicsInDrop;

impl FemtoHandler for PanicsInDrop {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("expected by this test");
    }
}

#[test]
fn a_destructor_that_panics_reaches_no_caller() {
    let build = || {
        let spec = || PanicsInDrop.configure().inline().build().unwrap();
        let logging = Config::builder().add_handler("kept", FemtoCaptureHandler::new()).add_handler("h", spec());
        (logging.build().unwrap(), spec)
    };
    let (logging, _) = build();
    logging.shutdown(LONG).unwrap();
    let (logging, _) = build();
    drop(logging);
    let (logging, _) = build();
    logging.remove_handler("h", LONG).unwrap();
    let _ = logging.metrics();
    drop(logging);
    let (logging, spec) = build();
    logging.replace_handler("h", spec(), LONG).unwrap();
    let reload = logging.reconfigure(Config::builder().keep_handler("kept").add_handler("h", spec()), LONG).unwrap();
    assert_eq!((reload.lost, reload.problems), (0, Vec::new()));
    logging.reconfigure(Config::builder().keep_handler("kept"), LONG).unwrap();
    logging.shutdown(LONG).unwrap();
}

#[test]
fn settings_of_a_queue_or_a_thread_are_refused() {
    let leave_out = "leave it out, or use Transport::PerThread or Transport::Shared";
    let stream = FemtoStreamHandler::stderr()
        .inline()
        .overflow(OverflowPolicy::Block)
        .idle(IdlePolicy::default())
        .wake_level(Level::Error);
    let expected = [
        format!("overflow : Transport::Inline has no queue that could be full; callers wait: {leave_out}"),
        format!("idle : Transport::Inline has no thread that could be idle: {leave_out}"),
        format!("wake_level : Transport::Inline has no thread that could be woken: {leave_out}"),
    ];
    assert_eq!(problems(stream.build()), expected);
    let file = FemtoFileHandler::builder().path("a.log").flush_policy(FlushPolicy::AtLevel(Level::Error)).inline();
    let expected = format!("flush_policy : Transport::Inline writes each record before the call returns: {leave_out}");
    assert_eq!(problems(file.build()), [expected]);
    let file = FemtoFileHandler::builder().path(std::env::temp_dir().join("a.log")).delay(true);
    file.flush_policy(FlushPolicy::EveryBatch).inline().build().unwrap();
}

#[test]
fn handlers_that_need_a_thread_refuse() {
    let remedy = |handler: &str| {
        format!(
            "transport Inline: {handler} connects, and tries again, on a thread: leave the transport out, or use \
             Transport::PerThread or Transport::Shared"
        )
    };
    let socket = || FemtoSocketHandler::builder().endpoint(Endpoint::udp("127.0.0.1", 9));
    assert_eq!(problems(socket().inline().build()), [remedy("FemtoSocketHandler")]);
    assert_eq!(
        problems(FemtoSyslogHandler::builder().endpoint(Endpoint::tcp("127.0.0.1", 9)).inline().build()),
        [remedy("FemtoSyslogHandler")]
    );
    let inside = || socket().build().unwrap();
    let file = || FemtoCaptureHandler::new();
    let made_of: [Result<HandlerSpec, Error>; 4] = [
        FemtoFallbackHandler::builder(inside(), file()).inline().build(),
        FemtoRouteHandler::builder().route(LevelFilter::Error, file()).otherwise(inside()).inline().build(),
        FemtoMemoryHandler::builder(FemtoMemoryHandler::builder(inside()).build().unwrap()).inline().build(),
        FemtoFlightRecorder::builder(inside()).inline().build(),
    ];
    for built in made_of {
        assert_eq!(problems(built), [remedy("FemtoSocketHandler")]);
    }
    #[cfg(feature = "http")]
    {
        let http = femtologging::handler::FemtoHttpHandler::builder().url("http://127.0.0.1:9/");
        assert_eq!(problems(http.inline().build()), [remedy("FemtoHttpHandler")]);
    }
    #[cfg(feature = "otlp")]
    {
        let otlp = femtologging::handler::FemtoOtlpHandler::builder().url("http://127.0.0.1:9");
        assert_eq!(problems(otlp.inline().build()), [remedy("FemtoOtlpHandler")]);
    }
    #[cfg(all(feature = "journald", target_os = "linux"))]
    {
        let journal = femtologging::handler::FemtoJournaldHandler::builder();
        assert_eq!(problems(journal.inline().build()), [remedy("FemtoJournaldHandler")]);
    }
}
