//! Records of ours that go to a logger of the crate `log`.
#![cfg(feature = "log")]

mod common;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::LONG;
use femtologging::bridge::{FemtoLogHandler, init_log};
use femtologging::{Config, Level, Logging, context, critical, debug, info, trace, warn};
use log::kv::{self, VisitSource, VisitValue};
use log::{Log, Metadata, Record};

/// Keeps what it gets, as text.
#[derive(Clone, Default)]
struct Recorder {
    lines: Arc<Mutex<Vec<String>>>,
    flushes: Arc<AtomicUsize>,
}

impl Recorder {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

impl Log for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut line = format!("{} {}: {}", record.level(), record.target(), record.args());
        record.key_values().visit(&mut Pairs(&mut line)).unwrap();
        assert_eq!((record.module_path(), record.file()), (Some(module_path!()), Some(file!())));
        assert!(record.line() > Some(40), "{record:?}");
        assert_eq!(record.key_values().count(), line.matches('=').count());
        self.lines.lock().unwrap().push(line);
    }

    fn flush(&self) {
        self.flushes.fetch_add(1, SeqCst);
    }
}

struct Pairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push_str(&format!(" {key}="));
        value.visit(Typed(self.0))
    }
}

/// Writes a value with its type.
struct Typed<'a>(&'a mut String);

impl Typed<'_> {
    fn add(&mut self, kind: &str, value: impl fmt::Display) -> Result<(), kv::Error> {
        self.0.push_str(&format!("{kind}({value})"));
        Ok(())
    }
}

impl<'v> VisitValue<'v> for Typed<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.add("any", value)
    }
    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.add("null", "")
    }
    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.add("bool", value)
    }
    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.add("i64", value)
    }
    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.add("u64", value)
    }
    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.add("i128", value)
    }
    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.add("u128", value)
    }
    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.add("f64", value)
    }
    fn visit_char(&mut self, value: char) -> Result<(), kv::Error> {
        self.add("char", value)
    }
    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.add("str", value)
    }
}

fn system(handler: FemtoLogHandler) -> (Logging, femtologging::FemtoLogger) {
    let logging = Config::builder().default_level(Level::Trace).add_handler("log", handler).build().unwrap();
    let logger = logging.get_logger("shop").unwrap();
    (logging, logger)
}

#[test]
fn values_keep_their_types() {
    let recorder = Recorder::default();
    let (logging, logger) = system(FemtoLogHandler::to(recorder.clone()));
    let (none, failure) = (None::<u8>, fmt::Error);
    info!(logger: logger, "{} of {}", 1, 2; a = -1, b = 2_u8, c = i128::MAX, d = u128::MAX, e = 0.5, f = 0.25_f32);
    info!(logger: logger, target: "elsewhere", "text"; g = 'ß', h = "s", i = true, j = none);
    info!(logger: logger, "shown"; k:% = failure, l:? = [1], m:err = failure, n:secret = "key");
    info!(logger: logger, "shown"; o = Duration::from_millis(3), p = [1, 2], q:bytes = [0xAB]);
    logging.flush(LONG).unwrap();
    assert_eq!(
        recorder.take(),
        [
            format!(
                "INFO shop: 1 of 2 a=i64(-1) b=u64(2) c=i128({}) d=u128({}) e=f64(0.5) f=f64(0.25)",
                i128::MAX,
                u128::MAX
            )
            .as_str(),
            "INFO elsewhere: text g=char(ß) h=str(s) i=bool(true) j=null()",
            "INFO shop: shown k=any(an error occurred when formatting an argument) l=any([1]) \
             m=any(an error occurred when formatting an argument) n=any(***)",
            "INFO shop: shown o=any(3ms) p=any([1,2]) q=any(ab)",
        ]
    );
}

#[test]
fn context_goes_along_and_the_last_of_equal_keys_wins() {
    let recorder = Recorder::default();
    let (logging, logger) = system(FemtoLogHandler::to(recorder.clone()));
    let _context = context!(user = "ada", id = 7).enter();
    info!(logger: logger, "in a scope"; user = "eve");
    logging.flush(LONG).unwrap();
    assert_eq!(recorder.take(), ["INFO shop: in a scope id=i64(7) user=str(eve)"]);
}

#[test]
fn critical_becomes_error() {
    let recorder = Recorder::default();
    let (logging, logger) = system(FemtoLogHandler::to(recorder.clone()));
    critical!(logger: logger, "going down");
    warn!(logger: logger, "careful");
    trace!(logger: logger, "step");
    logging.flush(LONG).unwrap();
    assert_eq!(recorder.take(), ["ERROR shop: going down", "WARN shop: careful", "TRACE shop: step"]);
    assert_eq!(recorder.flushes.load(SeqCst), 1);
    assert_eq!(logging.metrics().handlers[0].written, 3);
}

/// Panics at every record.
struct Broken;

impl Log for Broken {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &Record<'_>) {
        panic!("expected by this test");
    }

    fn flush(&self) {}
}

#[test]
fn a_logger_that_panics_fails_its_records() {
    let (logging, logger) = system(FemtoLogHandler::to(Broken));
    info!(logger: logger, "lost, and counted");
    logging.flush(LONG).unwrap_err();
    assert_eq!(logging.metrics().handlers[0].failed, 1);
}

// The only test with the program's own logger, which there is once.
#[test]
fn the_program_s_logger_gets_what_its_level_lets_through() {
    let recorder = Recorder::default();
    log::set_boxed_logger(Box::new(recorder.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let (logging, logger) = system(FemtoLogHandler::new());
    info!(logger: logger, "let through"; n = 1);
    debug!(logger: logger, "held back");
    logging.flush(LONG).unwrap();
    assert_eq!(recorder.take(), ["INFO shop: let through n=i64(1)"]);
    assert_eq!(recorder.flushes.load(SeqCst), 1);

    log::set_max_level(log::LevelFilter::Trace);
    debug!(logger: logger, "let through now");
    logging.flush(LONG).unwrap();
    assert_eq!(recorder.take(), ["DEBUG shop: let through now"]);

    let error = init_log().unwrap_err();
    assert!(error.is_already_initialized());
    assert_eq!(
        error.to_string(),
        "the one logger of the crate `log`, which can pass records on to `LogBridge`, is already initialized"
    );
}
