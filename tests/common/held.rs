//! Systems whose handler is held up until the test lets it go on: what flushes wait for.

use std::sync::mpsc::{self, Sender};

use femtologging::handler::HandlerSpec;
use femtologging::{Config, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Logging};

use crate::common::{Scripted, Step};

/// Makes a system of these handlers, and a logger of it.
pub fn system(handlers: impl IntoIterator<Item = (&'static str, HandlerSpec)>) -> (Logging, FemtoLogger) {
    let mut config = Config::builder();
    for (name, handler) in handlers {
        config = config.add_handler(name, handler);
    }
    let logging = config.build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

/// A handler that writes each message to this writer.
pub fn stream(writer: &Scripted) -> HandlerSpec {
    let message = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out);
    FemtoStreamHandler::builder(writer.clone()).formatter(message).build().unwrap()
}

/// A writer that holds its first write until the sender speaks or is dropped.
pub fn held() -> (Sender<()>, Scripted) {
    let (release, gate) = mpsc::channel();
    (release, Scripted::new([Step::Wait(gate)]))
}
