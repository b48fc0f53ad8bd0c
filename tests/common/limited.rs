//! A logging system of its own with limits, which are those of the process: systems of this kind are there one at a time.
#![allow(dead_code)]

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use femtologging::handler::FemtoCaptureHandler;
use femtologging::policy::Transport;
use femtologging::record::{FemtoLogRecord, OwnedRecord};
use femtologging::value::Limits;
use femtologging::{Config, FemtoLogger, FemtoStreamHandler, Logging, set_limits};

use super::common::{LONG, Scripted};

pub struct System {
    pub logging: Logging,
    capture: FemtoCaptureHandler,
    text: Scripted,
    pub logger: FemtoLogger,
    before: u64,
    _alone: MutexGuard<'static, ()>,
}

impl System {
    pub fn new(limits: Limits) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (capture, text) = (FemtoCaptureHandler::new(), Scripted::default());
        let terse = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            let mut line = record.message().to_string();
            for (key, value) in record.key_values() {
                let _ = write!(line, " {key}={value}");
            }
            out.extend_from_slice(line.as_bytes());
        };
        let config = Config::builder().add_handler("capture", capture.clone()).add_handler(
            "text",
            FemtoStreamHandler::builder(text.clone())
                .transport(Transport::Shared { capacity: None })
                .formatter(terse)
                .build()
                .unwrap(),
        );
        set_limits(limits).unwrap();
        let logging = config.build().unwrap();
        let logger = logging.get_logger("shop").unwrap();
        let before = logging.metrics().truncated;
        Self { logging, capture, text, logger, before, _alone }
    }

    pub fn records(&self) -> Vec<OwnedRecord> {
        self.logging.flush(LONG).unwrap();
        self.capture.take()
    }

    pub fn lines(&self) -> Vec<String> {
        self.logging.flush(LONG).unwrap();
        self.text.lines()
    }

    /// How many records were cut since the system was made.
    pub fn truncated(&self) -> u64 {
        self.logging.metrics().truncated - self.before
    }
}
