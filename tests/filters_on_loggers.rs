//! Filters on loggers: what is decided before there is a record.

mod common;

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use common::LONG;
use femtologging::config::LoggerConfig;
use femtologging::filter::{Directives, FemtoFilter, FemtoFilterExt, Interest, Key, Name, RateLimit, Redact};
use femtologging::handler::FemtoCaptureHandler;
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{Config, FemtoLogRecord, Level, LevelFilter, Value, debug, enabled, error, info, warn};

#[test]
fn what_the_level_decides_is_decided_before_arguments_are_evaluated() {
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder().default_level(Level::Debug).add_handler("h", capture.clone()).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    let evaluated = Cell::new(0);
    let log = |level: Level| {
        femtologging::log!(logger: logger, level, "{}", {
            evaluated.set(evaluated.get() + 1);
            level.as_str()
        });
    };
    let all = || {
        evaluated.set(0);
        Level::ALL.into_iter().for_each(log);
        logging.flush(LONG).unwrap();
        (evaluated.get(), capture.take().iter().map(|r| r.message().to_owned()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(all(), (5, "DEBUG INFO WARN ERROR CRITICAL".to_owned()));

    logger.add_filter(LevelFilter::Warn);
    assert_eq!(all(), (3, "WARN ERROR CRITICAL".to_owned()));
    assert!(!logger.is_enabled_for(Level::Info) && !enabled!(logger: logger, Level::Info));

    logger.add_filter(Level::Info..=Level::Error);
    assert_eq!(all(), (3, "WARN ERROR".to_owned()), "the threshold has no upper end");

    logger.clear_filters();
    logger.add_filter(Directives::parse("info,app=error"));
    assert_eq!(all(), (2, "ERROR CRITICAL".to_owned()));

    logger.clear_filters();
    logger.add_filter(Directives::parse("info,app[{k}]=error"));
    assert_eq!(all(), (5, "INFO WARN ERROR CRITICAL".to_owned()), "keys are known of records only");

    logger.clear_filters();
    logger.add_filter(Name::new("other").or(LevelFilter::Critical));
    assert_eq!(all(), (1, "CRITICAL".to_owned()));

    logger.clear_filters();
    logger.add_filter(Name::new("app::db").not());
    assert_eq!(all(), (0, String::new()));

    logger.clear_filters();
    logger.add_filter(Name::new("app").and(Key::present("k").not()));
    assert_eq!(all(), (5, "DEBUG INFO WARN ERROR CRITICAL".to_owned()));
}

/// Wants warnings as such, decides about errors record by record, and nothing else.
struct Warnings {
    asked: Arc<AtomicUsize>,
}

impl FemtoFilter for Warnings {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.asked.fetch_add(1, SeqCst);
        record.get("urgent").is_some()
    }

    fn interest(&self, level: Level, logger: &str) -> Interest {
        assert_eq!(logger, "app.db");
        match level {
            Level::Warn => Interest::Always,
            Level::Error => Interest::Sometimes,
            _ => Interest::Never,
        }
    }
}

#[test]
fn a_filter_is_asked_only_while_there_is_doubt() {
    let capture = FemtoCaptureHandler::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let logging = Config::builder()
        .default_level(Level::Trace)
        .add_handler("h", capture.clone())
        .add_logger("app.db", LoggerConfig::new().filter(Warnings { asked: asked.clone() }))
        .build()
        .unwrap();
    let logger = logging.get_logger("app::db").unwrap();
    assert!(!logger.is_enabled_for(Level::Info));
    info!(logger: logger, "never");
    error!(logger: logger, "no");
    error!(logger: logger, "yes"; urgent = true);
    logging.flush(LONG).unwrap();
    assert_eq!((capture.messages().join(" "), asked.load(SeqCst)), ("yes".to_owned(), 2));

    // A child's records are none of its business.
    debug!(logger: logging.get_logger("app.db.pool").unwrap(), "child");
    logging.flush(LONG).unwrap();
    assert_eq!((capture.messages().join(" "), asked.load(SeqCst)), ("yes child".to_owned(), 2));
}

#[test]
fn a_filter_that_always_agrees_is_not_asked() {
    struct Agrees;
    impl FemtoFilter for Agrees {
        fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
            false // which nobody hears
        }
        fn interest(&self, level: Level, _: &str) -> Interest {
            if level >= Level::Warn { Interest::Always } else { Interest::Never }
        }
    }
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder().add_handler("h", capture.clone()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    logger.add_filter(Agrees);
    info!(logger: logger, "one");
    warn!(logger: logger, "two");
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["two"]);
}

#[test]
fn stateful_filters_work_on_loggers_too() {
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder().add_handler("h", capture.clone()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    logger.add_filter(RateLimit::new(0.001).burst(2));
    for i in 0..5 {
        info!(logger: logger, "{}", i);
    }
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["0", "1"]);
}

#[test]
fn a_logger_refuses_a_filter_that_could_not_do_its_work_there() {
    let config = Config::builder()
        .add_logger("app", LoggerConfig::new().filter(LevelFilter::Info.and(Redact::new().key("password"))));
    assert_eq!(
        config.build().unwrap_err().problems()[0].to_string(),
        "`loggers.app.filters`: a logger's filters cannot rewrite records: give this one to the handlers",
    );

    let (sender, said) = std::sync::mpsc::channel();
    let sender = Mutex::new(sender);
    femtologging::set_error_hook(move |source, message| {
        sender.lock().unwrap().send(format!("{source}: {message}")).unwrap()
    });
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder().add_handler("h", capture.clone()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    logger.add_filter(Redact::new().key("password"));
    let expected = "logger: a filter was not added to app: it rewrites, which is for handlers only";
    assert_eq!(said.try_iter().collect::<Vec<_>>(), [expected]);
    info!(logger: logger, "still logged");
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["still logged"]);
}

#[test]
fn filters_see_each_record_as_it_is_whatever_the_thread_has_logged_before() {
    let (sender, seen) = std::sync::mpsc::channel();
    let systems = [1_000, 2_000].map(|seconds| {
        let clock = ManualClock::new(Timestamp::from_nanos(seconds * 1_000_000_000));
        let logging = Config::builder()
            .clock(Clock::manual(&clock))
            .add_handler("h", FemtoCaptureHandler::new())
            .build()
            .unwrap();
        for name in ["one", "two"] {
            let sender = Mutex::new(sender.clone());
            let filter = move |record: &FemtoLogRecord<'_>| sender.lock().unwrap().send(record.to_owned()).is_err();
            logging.get_logger(name).unwrap().add_filter(filter);
        }
        logging
    });
    for _ in 0..2 {
        for logging in &systems {
            let (one, two) = (logging.get_logger("one").unwrap(), logging.get_logger("two").unwrap());
            info!(logger: one, "from {}", 1; a = "x");
            info!(logger: two, target: "elsewhere", "{} times", 2; b = true);
        }
    }
    let seen: Vec<_> = seen.try_iter().collect();
    assert_eq!(seen.len(), 8);
    for (at, record) in seen.iter().enumerate() {
        let time = if at % 4 < 2 { 1_000 } else { 2_000 };
        assert_eq!(record.timestamp(), Timestamp::from_nanos(time * 1_000_000_000));
        let key_values: Vec<_> = record.key_values().collect();
        let facts = (record.logger(), record.target(), record.message(), key_values);
        let expected = match at % 2 {
            0 => ("one", "one", "from 1", vec![("a", Value::Str("x"))]),
            _ => ("two", "elsewhere", "2 times", vec![("b", Value::Bool(true))]),
        };
        assert_eq!(facts, expected);
    }
}
