//! The attributes of CPython's `LogRecord`, as far as they differ from those of a record of this library.
//!
//! Patterns (`%(levelname)s`), pickled records and HTTP forms all have them, and all must give the same values.
//!
//! | attribute | value for `warn!(…)` in `src/db/pool.rs`, function `shop::db::open` |
//! |---|---|
//! | `levelname`, `levelno` | `WARNING`, 30 |
//! | `pathname`, `filename`, `module` | `src/db/pool.rs`, `pool.rs`, `pool` |
//! | `funcName` | `open` |
//! | `created`, `msecs` | seconds since 1970 as a float, and its milliseconds |
//! | `relativeCreated` | milliseconds since the library was first used; CPython: since `logging` was imported |
//!
//! CPython's documentation lists them under "LogRecord attributes"; 3.12 added `taskName`.

use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// The attributes of a record, in the order in which `logging` sets them, and in which `HTTPHandler.mapLogRecord` sends
/// them.
pub(crate) const ATTRIBUTES: [&str; 21] = [
    "name",
    "msg",
    "args",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "exc_info",
    "exc_text",
    "stack_info",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "relativeCreated",
    "thread",
    "threadName",
    "processName",
    "process",
    "taskName",
];

/// Returns the level's name in CPython. `Trace`, which CPython does not have, is `TRACE`.
pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Warn => "WARNING",
        level => level.as_str(),
    }
}

/// `filename`: the last part of the source file's path.
pub(crate) fn file_name<'a>(record: &FemtoLogRecord<'a>) -> &'a str {
    record.file().rsplit(['/', '\\']).next().unwrap_or_default()
}

/// `module`: the same without its extension.
pub(crate) fn module<'a>(record: &FemtoLogRecord<'a>) -> &'a str {
    let file = file_name(record);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// `funcName`: the name of the function that contains the call, without its path.
pub(crate) fn function_name<'a>(record: &FemtoLogRecord<'a>) -> Option<&'a str> {
    record.function().map(|path| path.rsplit_once("::").map_or(path, |(_, name)| name))
}

/// `created`: seconds since the Unix epoch.
pub(crate) fn created(time: Timestamp) -> f64 {
    time.as_nanos() as f64 / 1e9
}

/// `msecs`: whole milliseconds into the second.
pub(crate) fn msecs(time: Timestamp) -> f64 {
    (time.as_nanos().rem_euclid(1_000_000_000) / 1_000_000) as f64
}

/// `relativeCreated`: milliseconds since `start`, when the process first used this library.
pub(crate) fn relative_created(time: Timestamp, start: Timestamp) -> f64 {
    (i128::from(time.as_nanos()) - i128::from(start.as_nanos())) as f64 / 1e6
}
