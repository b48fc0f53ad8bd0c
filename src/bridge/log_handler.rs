//! To the crate `log`: a handler that sends records to a logger of `log`.

use std::fmt;

use log::Log;
use log::kv::{self, Key, VisitSource};

use super::log::is_installed;
use crate::error::Error;
use crate::handler::{Batch, FemtoHandler};
use crate::record::FemtoLogRecord;
use crate::value::Value;

/// A handler that sends records to a logger of the crate `log`: the one that the program has set, or another one.
///
/// | of the record | in the record of `log` |
/// |---|---|
/// | level | the level of the same name; `Critical` becomes `Error` |
/// | target, message, module path, file, line | the same |
/// | key-values, including those of the context | key-values; of a key that occurs several times, the last |
/// | numbers, `bool`, `char`, strings, null | the same type |
/// | other values | captured by `Display` |
/// | time, thread | nothing: a logger that prints them prints its own time and the handler's thread |
///
/// The logger is called on the handler's thread. A [`flush`](crate::flush) also flushes the logger. The logger that the
/// program has set only gets records up to [`log::max_level`], as from `log`'s own macros; others count as written.
///
/// If the program's logger is the [`LogBridge`](super::LogBridge) that [`init_log`](super::init_log) has set, records
/// would go in a circle. Instead they count as failed, and this is reported.
///
/// # Examples
///
/// ```
/// use femtologging::bridge::FemtoLogHandler;
/// use femtologging::{Config, Level, info};
///
/// // A program that logs through `log`, to env_logger for example, uses a library that logs through femtologging:
/// Config::builder().default_level(Level::Info).add_handler("log", FemtoLogHandler::new()).build_and_init()?;
/// info!("goes to whatever logger `log` has"; answer = 42);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Default)]
pub struct FemtoLogHandler {
    /// `None` for the logger that the program has set.
    logger: Option<Box<dyn Log>>,
}

impl FemtoLogHandler {
    /// Makes a handler for the logger that the program has set, looked up for each record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a handler for this logger.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::bridge::FemtoLogHandler;
    /// use femtologging::Config;
    ///
    /// # struct Remote;
    /// # impl log::Log for Remote {
    /// #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
    /// #     fn log(&self, _: &log::Record<'_>) {}
    /// #     fn flush(&self) {}
    /// # }
    /// let logging = Config::builder().add_handler("remote", FemtoLogHandler::to(Remote)).build()?;
    /// # drop(logging);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn to(logger: impl Log + 'static) -> Self {
        Self { logger: Some(Box::new(logger)) }
    }

    /// Returns the logger for records of this level, if they are enabled.
    fn logger(&self, level: log::Level) -> Option<&dyn Log> {
        match &self.logger {
            Some(logger) => Some(&**logger),
            None => (level <= log::max_level()).then(log::logger),
        }
    }
}

impl fmt::Debug for FemtoLogHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoLogHandler").field("is_global", &self.logger.is_none()).finish_non_exhaustive()
    }
}

impl FemtoHandler for FemtoLogHandler {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        // Records would return to the system that this handler belongs to.
        if self.logger.is_none() && is_installed() {
            return Err(Error::other(
                "the program's logger of the crate `log` is the bridge back to here: call init_log or use this handler, not both",
            ));
        }
        let level = log::Level::from(record.level());
        if let Some(logger) = self.logger(level) {
            let key_values = KeyValues(record.key_values().collect());
            logger.log(
                &log::Record::builder()
                    .level(level)
                    .target(record.target())
                    .args(format_args!("{}", record.message()))
                    .module_path(Some(record.module_path()))
                    .file(Some(record.file()))
                    .line(Some(record.line()))
                    .key_values(&key_values)
                    .build(),
            );
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        match &self.logger {
            Some(logger) => logger.flush(),
            None if is_installed() => {}
            None => log::logger().flush(),
        }
        Ok(())
    }
}

/// The keys and values of a record, as a source of key-values for `log`.
struct KeyValues<'a>(Vec<(&'a str, Value<'a>)>);

impl kv::Source for KeyValues<'_> {
    /// Visits each key once: of several with the same name, the last.
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        for (index, (key, value)) in self.0.iter().enumerate() {
            if !self.0[index + 1..].iter().any(|(later, _)| later == key) {
                visitor.visit_pair(Key::from_str(key), logged(value))?;
            }
        }
        Ok(())
    }
}

/// Converts a value to one of `log`.
fn logged<'a>(value: &'a Value<'_>) -> kv::Value<'a> {
    match value {
        Value::Null => kv::Value::null(),
        Value::Bool(x) => kv::Value::from(*x),
        Value::I64(x) => kv::Value::from(*x),
        Value::U64(x) => kv::Value::from(*x),
        Value::I128(x) => kv::Value::from(x),
        Value::U128(x) => kv::Value::from(x),
        Value::F32(x) => kv::Value::from(*x),
        Value::F64(x) => kv::Value::from(*x),
        Value::Char(x) => kv::Value::from(*x),
        Value::Str(text) => kv::Value::from(*text),
        other => kv::Value::from_dyn_display(other),
    }
}
