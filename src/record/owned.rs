//! Decoded copies of records, which outlive the queue.

use super::{FemtoLogRecord, SpanRef};
use crate::level::Level;
use crate::time::Timestamp;
use crate::value::{OwnedValue, Value};

/// A copy of a [`FemtoLogRecord`] that owns all its parts, with the message rendered.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, Level, Value, info};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().default_level(Level::Info).add_handler("capture", capture.clone()).build()?;
/// let logger = logging.get_logger("app.db")?;
/// info!(logger: logger, "connected in {} ms", 12; host = "db1");
/// logging.flush(Duration::from_secs(5))?;
///
/// let records = capture.records();
/// assert_eq!(records[0].message(), "connected in 12 ms");
/// assert_eq!(records[0].get("host"), Some(Value::Str("db1")));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedRecord {
    level: Level,
    timestamp: Timestamp,
    logger: String,
    target: String,
    template: &'static str,
    module_path: String,
    file: String,
    line: u32,
    function: Option<String>,
    thread_id: u64,
    thread_name: String,
    process_id: u32,
    message: String,
    arguments: Vec<OwnedValue>,
    key_values: Vec<(String, OwnedValue)>,
    spans: Vec<(String, u64, u64)>,
}

impl OwnedRecord {
    pub(super) fn new(record: &FemtoLogRecord<'_>) -> Self {
        Self {
            level: record.level(),
            timestamp: record.timestamp(),
            logger: record.logger().to_owned(),
            target: record.target().to_owned(),
            template: record.template(),
            module_path: record.module_path().to_owned(),
            file: record.file().to_owned(),
            line: record.line(),
            function: record.function().map(str::to_owned),
            thread_id: record.thread_id(),
            thread_name: record.thread_name().to_owned(),
            process_id: record.process_id(),
            message: record.message().to_string(),
            arguments: record.arguments().map(|value| value.to_owned()).collect(),
            key_values: record.key_values().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            spans: record.spans().map(|span| span.to_parts()).collect(),
        }
    }

    /// Returns the severity.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns the time at which the record was logged.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Returns the name of the logger.
    pub fn logger(&self) -> &str {
        &self.logger
    }

    /// Returns the call's `target:`; the same as [`logger`](Self::logger) if it gives none.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the format string of the call.
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// Returns the path of the module that contains the call.
    pub fn module_path(&self) -> &str {
        &self.module_path
    }

    /// Returns the source file of the call.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the line of the call.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns the path of the function that contains the call; see [`FemtoLogRecord::function`].
    pub fn function(&self) -> Option<&str> {
        self.function.as_deref()
    }

    /// Returns the number of the calling thread.
    pub fn thread_id(&self) -> u64 {
        self.thread_id
    }

    /// Returns the name of the calling thread.
    pub fn thread_name(&self) -> &str {
        &self.thread_name
    }

    /// Returns the id of the process.
    pub fn process_id(&self) -> u32 {
        self.process_id
    }

    /// Returns the rendered message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Iterates over the arguments of the message; see [`FemtoLogRecord::arguments`].
    pub fn arguments(&self) -> impl Iterator<Item = Value<'_>> {
        self.arguments.iter().map(OwnedValue::get)
    }

    /// Iterates over the keys and their values; see [`FemtoLogRecord::key_values`].
    pub fn key_values(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.key_values.iter().map(|(key, value)| (key.as_str(), value.get()))
    }

    /// Iterates over the spans that the record was logged in, the outermost first.
    pub fn spans(&self) -> impl Iterator<Item = SpanRef<'_>> {
        self.spans.iter().map(|(name, id, parent)| SpanRef::from_parts(name, *id, *parent))
    }

    /// Returns the value of a key, the last one if the key occurs several times.
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        self.key_values().filter(|(name, _)| *name == key).map(|(_, value)| value).last()
    }
}
