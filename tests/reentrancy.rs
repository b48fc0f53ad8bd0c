//! Records that are logged where nobody expects one: each is delivered or counted, and nothing panics or waits for itself.

use std::cell::RefCell;
use std::fmt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use femtologging::config::LoggerConfig;
use femtologging::handler::{Batch, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt};
use femtologging::metrics::{DropReason, HandlerMetrics};
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::value::Limits;
use femtologging::{
    Config, Error, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Level, Logging, context, error, info, warn,
};

const LONG: Duration = Duration::from_secs(60);

const SMALL: Transport = Transport::PerThread { bytes: 1024 };
const TRANSPORTS: [Transport; 2] = [SMALL, Transport::Shared { capacity: Some(8) }];

fn capture(transport: Transport) -> (FemtoCaptureHandler, Logging, FemtoLogger) {
    let capture = FemtoCaptureHandler::new();
    let handler = capture.clone().configure().transport(transport).build().unwrap();
    let logging = Config::builder().add_handler("capture", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (capture, logging, logger)
}

fn metrics(logging: &Logging) -> HandlerMetrics {
    logging.metrics().handlers.remove(0)
}

/// Logs when it is dropped.
struct Last(FemtoLogger, &'static str);

impl Drop for Last {
    fn drop(&mut self) {
        let text = self.1;
        info!(logger: self.0, "{} is dropped", text);
        info!(logger: self.0, "{text} is dropped for good");
    }
}

thread_local! {
    static BEFORE: RefCell<Option<Last>> = const { RefCell::new(None) };
    static AFTER: RefCell<Option<Last>> = const { RefCell::new(None) };
}

#[test]
fn destructors_of_thread_locals_may_log_whatever_their_order() {
    for transport in TRANSPORTS {
        let (capture, logging, logger) = capture(transport);
        let thread = std::thread::Builder::new().name("ending".to_owned()).spawn(move || {
            // One is older than what the library keeps for the thread, the other younger.
            BEFORE.set(Some(Last(logger.clone(), "before")));
            info!(logger: logger, "ordinary");
            AFTER.set(Some(Last(logger.clone(), "after")));
        });
        thread.unwrap().join().unwrap();
        logging.flush(LONG).unwrap();
        let mut messages = capture.messages();
        assert_eq!(messages.remove(0), "ordinary");
        // Which of the two goes first is the system's affair.
        messages.sort();
        assert_eq!(
            messages,
            ["after is dropped", "after is dropped for good", "before is dropped", "before is dropped for good"]
        );
        assert!(capture.records().iter().all(|record| record.thread_name() == "ending"), "{transport:?}");
        assert_eq!(metrics(&logging).written, 5);
    }
}

/// Logs while it is being formatted, as deep as it is told.
struct Chatty<'a>(&'a FemtoLogger, u32);

impl fmt::Display for Chatty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 > 0 {
            info!(logger: self.0, "inside {}", Chatty(self.0, self.1 - 1); depth = self.1);
        }
        write!(f, "chatty {}", self.1)
    }
}

#[test]
fn a_display_may_log_while_it_is_formatted() {
    for transport in TRANSPORTS {
        let (capture, logging, logger) = capture(transport);
        info!(logger: logger, "outside {}", Chatty(&logger, 3); key:% = Chatty(&logger, 1));
        logging.flush(LONG).unwrap();
        assert_eq!(
            capture.messages(),
            ["inside chatty 0", "inside chatty 1", "inside chatty 2", "inside chatty 0", "outside chatty 3"]
        );
        assert_eq!(capture.records()[4].get("key").unwrap().to_string(), "chatty 1");
    }
}

/// A handler whose every method logs, once it knows the logger.
struct Talker(Arc<OnceLock<FemtoLogger>>, mpsc::Receiver<()>);

impl Talker {
    fn talk(&self) {
        if let Some(logger) = self.0.get() {
            warn!(logger: logger, "{}", 1);
            warn!(logger: logger, "formatted {}", format_args!("{}", 1));
        }
    }
}

impl FemtoHandler for Talker {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let _ = self.1.recv();
        self.talk();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.talk();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.talk();
        Ok(())
    }
}

#[test]
fn a_handler_s_own_records_are_counted_even_when_its_queue_is_full() {
    for transport in TRANSPORTS {
        let logger = Arc::new(OnceLock::new());
        let (go, may_go) = mpsc::channel();
        let handler = Talker(logger.clone(), may_go).configure().transport(transport).overflow(OverflowPolicy::Block);
        let logging = Config::builder().add_handler("talker", handler.build().unwrap()).build().unwrap();
        logger.set(logging.get_logger("app").unwrap()).unwrap();
        let records = 20;
        let outside = logger.get().unwrap().clone();
        // More than fits; the handler talks while the caller waits for room.
        let caller = std::thread::spawn(move || {
            let giant = "x".repeat(300);
            (0..records).for_each(|_| info!(logger: outside, "{}", giant));
        });
        let deadline = Instant::now() + LONG;
        while metrics(&logging).emitted < 3 {
            assert!(Instant::now() < deadline, "nothing is logged");
            std::thread::yield_now();
        }
        drop(go);
        caller.join().unwrap();
        logging.flush(LONG).unwrap();
        let after_flush = metrics(&logging);
        assert_eq!(after_flush.written, records);
        assert_eq!(after_flush.dropped.get(DropReason::Reentrant, Level::Warn), 2 * records + 2, "{transport:?}");
        assert_eq!(after_flush.emitted, 3 * records + 2);
        let _ = logging.shutdown(LONG);
        let end = metrics(&logging);
        assert_eq!(end.emitted, end.written + end.dropped.total());
        // One more flush, and `close`.
        assert_eq!(end.dropped.by_reason(DropReason::Reentrant), 2 * records + 6);
    }
}

#[test]
fn formatters_and_handlers_filters_may_log() {
    for transport in TRANSPORTS {
        let logger = Arc::new(OnceLock::<FemtoLogger>::new());
        let talk = {
            let logger = logger.clone();
            move |_: &FemtoLogRecord<'_>| error!(logger: logger.get().unwrap(), "from inside")
        };
        let filter = talk.clone();
        let handler = FemtoStreamHandler::builder(std::io::sink())
            .formatter(move |record: &FemtoLogRecord<'_>, _: &mut Vec<u8>| talk(record))
            .filter(move |record: &FemtoLogRecord<'_>| {
                filter(record);
                true
            })
            .transport(transport);
        let logging = Config::builder().add_handler("stream", handler.build().unwrap()).build().unwrap();
        let own = logger.get_or_init(|| logging.get_logger("app").unwrap());
        (0..3).for_each(|number| info!(logger: own, "{}", number));
        logging.flush(LONG).unwrap();
        let metrics = metrics(&logging);
        assert_eq!((metrics.emitted, metrics.written), (9, 3), "{transport:?}");
        assert_eq!(metrics.dropped.get(DropReason::Reentrant, Level::Error), 6);
    }
}

#[test]
fn what_a_logger_s_filter_logs_is_not_filtered() {
    let (asked, logger) = (Arc::new(Mutex::new(0)), Arc::new(OnceLock::<FemtoLogger>::new()));
    let filter = {
        let (asked, logger) = (asked.clone(), logger.clone());
        move |record: &FemtoLogRecord<'_>| {
            *asked.lock().unwrap() += 1;
            let own = logger.get().unwrap();
            info!(logger: own, "asked about {}", record.message());
            !record.message().to_string().contains("secret")
        }
    };
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder()
        .add_handler("capture", capture.clone())
        .add_logger("app", LoggerConfig::new().filter(filter))
        .build()
        .unwrap();
    let own = logger.get_or_init(|| logging.get_logger("app").unwrap());
    info!(logger: own, "open {}", 1);
    info!(logger: own, "secret {}", 2);
    info!(logger: own, "open {}", 3);
    logging.flush(LONG).unwrap();
    assert_eq!(
        capture.messages(),
        ["asked about open 1", "open 1", "asked about secret 2", "asked about open 3", "open 3"]
    );
    assert_eq!(*asked.lock().unwrap(), 3);
}

#[test]
fn a_filter_s_destructor_may_log() {
    let (capture, logging, logger) = capture(SMALL);
    let (_, other, other_logger) = {
        let capture = FemtoCaptureHandler::new();
        let logging = Config::builder().add_handler("other", capture.clone()).build().unwrap();
        let logger = logging.get_logger("app").unwrap();
        (capture, logging, logger)
    };
    let last = Last(logger.clone(), "filter");
    other_logger.add_filter(move |_: &FemtoLogRecord<'_>| {
        let _ = &last;
        true
    });
    info!(logger: other_logger, "{}", 1);
    drop((other, other_logger));
    // This thread's table lets go of the route, and so of the filter, when it enters another.
    info!(logger: logger, "{}", 2);
    logging.flush(LONG).unwrap();
    let mut messages = capture.messages();
    messages.sort();
    assert_eq!(messages, ["2", "filter is dropped", "filter is dropped for good"]);
}

#[test]
fn records_after_a_shutdown_are_counted() {
    for transport in TRANSPORTS {
        let (capture, logging, logger) = capture(transport);
        info!(logger: logger, "in time");
        logging.shutdown(LONG).unwrap();
        info!(logger: logger, "late");
        error!(logger: logger, "late {}", Chatty(&logger, 1));
        let from_elsewhere = logger.clone();
        std::thread::spawn(move || info!(logger: from_elsewhere, "later")).join().unwrap();
        assert_eq!(capture.messages(), ["in time"]);
        let metrics = metrics(&logging);
        assert_eq!((metrics.emitted, metrics.written, metrics.in_flight), (5, 1, 0), "{transport:?}");
        assert_eq!(metrics.dropped.get(DropReason::Closed, Level::Info), 3);
        assert_eq!(metrics.dropped.get(DropReason::Closed, Level::Error), 1);
    }
}

/// Runs the test `name` in a process of its own, which must succeed in time: what it tries may end a process or never
/// return.
fn in_child(name: &str, scenario: fn()) {
    const CHILD: &str = "FEMTOLOGGING_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return scenario();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--test-threads=1"]).env(CHILD, "1").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + LONG;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("the child does not end");
            }
        }
    };
    assert!(status.success(), "{status}");
}

/// Logs itself while it is formatted, so many times.
struct Endless<'a>(&'a FemtoLogger, u32);

#[allow(clippy::recursive_format_impl, reason = "the recursion is what is tested")]
impl fmt::Display for Endless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.1).for_each(|_| info!(logger: self.0, "inside {}", self));
        f.write_str("endless")
    }
}

#[test]
fn a_display_that_logs_itself_is_dropped_beyond_32_levels() {
    in_child("a_display_that_logs_itself_is_dropped_beyond_32_levels", || {
        for transport in TRANSPORTS {
            for (times, dropped) in [(1, 1), (2, 33)] {
                let (capture, logging, logger) = capture(transport);
                info!(logger: logger, "outside {}", Endless(&logger, times));
                info!(logger: logger, "next {}", Chatty(&logger, 1));
                logging.flush(LONG).unwrap();
                let messages = capture.messages();
                assert_eq!(messages[..31], vec!["inside endless"; 31]);
                assert_eq!(messages[31..], ["outside endless", "inside chatty 0", "next chatty 1"]);
                let metrics = metrics(&logging);
                // The innermost call is dropped, and once that happened every other nested call.
                assert_eq!(metrics.dropped.get(DropReason::Reentrant, Level::Info), dropped, "{transport:?}");
                assert_eq!((metrics.emitted, metrics.written), (34 + dropped, 34));
            }
        }
    });
}

/// Has itself as a key of the context that it logs in.
struct InContext<'a>(&'a FemtoLogger);

impl fmt::Display for InContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _context = context! { inner:% = self }.enter();
        info!(logger: self.0, "inside");
        f.write_str("x")
    }
}

#[test]
fn a_display_that_makes_a_context_of_itself_comes_to_an_end() {
    in_child("a_display_that_makes_a_context_of_itself_comes_to_an_end", || {
        let (capture, logging, logger) = capture(Transport::Shared { capacity: None });
        info!(logger: logger, "before");
        let context = context! { outer:% = InContext(&logger) };
        context.in_scope(|| info!(logger: logger, "outside"));
        logging.flush(LONG).unwrap();
        let records = capture.records();
        let keys = records.iter().map(|record| {
            let keys = record.key_values().map(|(key, value)| format!("{key}={value}"));
            format!("{} {}", record.message(), keys.collect::<Vec<_>>().join(" "))
        });
        // The innermost context is refused: one scope's keys are left out.
        let mut expected = vec!["before ", "inside …=1"];
        expected.extend(["inside inner=x"; 31]);
        expected.push("outside outer=x");
        assert_eq!(keys.collect::<Vec<_>>(), expected);
    });
}

/// Writes until it gets an error.
struct Unending;

impl fmt::Display for Unending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("0123456789")?;
        }
    }
}

#[test]
fn a_display_that_writes_for_ever_is_stopped() {
    in_child("a_display_that_writes_for_ever_is_stopped", || {
        for transport in TRANSPORTS {
            let capture = FemtoCaptureHandler::new();
            let handler = capture.clone().configure().transport(transport).build().unwrap();
            let limits = Limits { value_bytes: 64, record_bytes: 1000, ..Limits::default() };
            femtologging::set_limits(limits).unwrap();
            let logging = Config::builder().add_handler("capture", handler).build().unwrap();
            let logger = logging.get_logger("app").unwrap();
            let before = logging.metrics().truncated;
            info!(logger: logger, "{}", Unending);
            info!(logger: logger, "m"; k:% = Unending);
            context! { c:% = Unending }.in_scope(|| info!(logger: logger, "m"));
            logging.flush(LONG).unwrap();
            let records = capture.records();
            // The logger's name and the text's length take a word each.
            let (digits, more) = ("0123456789".repeat(100), "…(+1008 bytes or more)");
            assert_eq!(records[0].message(), format!("{}{more}", &digits[..992]));
            let value = format!("{}…(+1006 bytes or more)", &digits[..64]);
            assert_eq!(records[1].get("k").unwrap().to_string(), value);
            assert_eq!(records[2].get("c").unwrap().to_string(), value);
            let metrics = logging.metrics();
            assert_eq!((metrics.handlers[0].written, metrics.truncated - before), (3, 3), "{transport:?}");
        }
    });
}
