//! What the tests of femtologging's macros have in common: a logging system of one's own that keeps its records.

use std::time::Duration;

use femtologging::handler::FemtoCaptureHandler;
use femtologging::metrics::Metrics;
use femtologging::policy::SpanEvents;
use femtologging::record::OwnedRecord;
use femtologging::{Config, FemtoLogger, LevelFilter, Logging};

/// How long a test waits for what happens at once unless the machine is overloaded.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A logging system that keeps its records, with one logger called `tests`.
pub struct Recorder {
    logging: Logging,
    capture: FemtoCaptureHandler,
    /// The logger to log to, with `logger: recorder.logger`.
    pub logger: FemtoLogger,
}

impl Recorder {
    /// Makes a system that records every level, and the beginnings and ends of spans.
    #[expect(clippy::new_without_default, reason = "a default would hide that it starts a thread")]
    pub fn new() -> Self {
        let capture = FemtoCaptureHandler::new();
        let config = Config::builder().default_level(LevelFilter::Trace).span_events(SpanEvents::Both);
        let logging = config.add_handler("capture", capture.clone()).build().expect("the configuration is valid");
        let logger = logging.get_logger("tests").expect("the name is valid");
        Self { logging, capture, logger }
    }

    /// Returns the counters, as soon as every record is counted.
    pub fn metrics(&self) -> Metrics {
        self.logging.flush(PATIENCE).expect("the handler takes everything");
        self.logging.metrics()
    }

    /// Takes everything logged so far.
    pub fn take(&self) -> Vec<OwnedRecord> {
        self.logging.flush(PATIENCE).expect("the handler takes everything");
        self.capture.take()
    }

    /// Takes the messages of everything logged so far.
    pub fn messages(&self) -> Vec<String> {
        self.take().iter().map(|record| record.message().to_owned()).collect()
    }

    /// Takes the only record logged so far.
    #[track_caller]
    pub fn only(&self) -> OwnedRecord {
        let mut records = self.take();
        assert_eq!(records.len(), 1, "one record, not {records:?}");
        records.remove(0)
    }
}
