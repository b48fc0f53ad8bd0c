//! Filters: decide which records pass, and may change them for one handler.
//!
//! A filter of a handler runs on the handler's thread, one of a logger on the calling thread; see [`FemtoFilter`].
//!
//! | filter | lets through |
//! |---|---|
//! | [`LevelFilter`](crate::LevelFilter) | records of a level and above |
//! | `Level::Debug..=Level::Info` | records of these levels |
//! | [`Name`] | records of a logger and those below it |
//! | [`Key`] | records that have a key, or a key with this value |
//! | [`Contains`] | records whose message has this text |
//! | `Matches` (feature `regex`) | records whose message matches a regular expression |
//! | [`Directives`] | records by logger and level, as in `info,my_app::db=debug` |
//! | [`Sample`] | every n-th record, or a fraction of the records |
//! | [`RateLimit`] | a number of records per second: in total, or per logger, call site or value of a key |
//! | [`Dedup`] | records that do not repeat the previous one |
//! | [`Redact`] | all records, with secrets replaced by `***` |
//!
//! Every `Fn(&FemtoLogRecord) -> bool` is a filter. [`FemtoFilterExt`] combines filters by `and`, `or` and `not`.
//!
//! # Examples
//!
//! ```
//! use femtologging::filter::{FemtoFilterExt, Key, Name, RateLimit, Redact};
//! use femtologging::{FemtoStreamHandler, LevelFilter};
//!
//! let handler = FemtoStreamHandler::stderr()
//!     .filter(LevelFilter::Warn.or(Key::present("audit")))
//!     .filter(Name::new("hyper").not())
//!     .filter(Redact::new().key("*password*"))
//!     .filter(RateLimit::per_call_site(100.0).burst(20))
//!     .build()?;
//! # drop(handler);
//! # Ok::<(), femtologging::Error>(())
//! ```

mod combine;
mod dedup;
mod directives;
mod key;
mod level;
mod message;
mod name;
mod rate;
mod redact;
#[cfg(feature = "regex")]
mod regex;
mod sample;
mod wildcard;

pub use self::combine::{And, FemtoFilterExt, Not, Or};
pub use self::dedup::Dedup;
pub use self::directives::{Directive, Directives};
pub use self::key::Key;
pub use self::message::Contains;
pub use self::name::Name;
pub use self::rate::RateLimit;
pub use self::redact::Redact;
#[cfg(feature = "regex")]
pub use self::regex::Matches;
pub use self::sample::Sample;
pub use crate::record::Rewrite;

use std::sync::Arc;

use crate::level::Level;
use crate::record::FemtoLogRecord;

/// Decides which records pass.
///
/// | | filter of a handler | filter of a logger |
/// |---|---|---|
/// | thread | the handler's | the calling one, before the record is queued |
/// | records | all that reach the handler | those logged to this logger; not those of its children, as in CPython |
/// | may change records | for this handler, by [`rewrite`](Self::rewrite) | no |
/// | a panic | the record is counted as failed | the record passes |
///
/// Records that a filter itself logs are not filtered by loggers, so that a filter cannot call itself.
///
/// Every `Fn(&FemtoLogRecord) -> bool` is a filter. The module [`filter`](self) lists the provided filters.
///
/// # Examples
///
/// ```
/// use femtologging::filter::FemtoFilter;
/// use femtologging::FemtoLogRecord;
///
/// fn named(name: &'static str) -> impl FemtoFilter {
///     move |record: &FemtoLogRecord<'_>| record.logger() == name
/// }
/// # let _ = named("app");
/// ```
pub trait FemtoFilter: Send + Sync {
    /// Returns whether the record passes.
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool;

    /// Returns whether the record passes, and may change it for the filter's handler.
    ///
    /// Handlers call this method, and loggers call [`allows`](Self::allows); each once per record.
    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        self.allows(&record.record())
    }

    /// Returns whether records of a level and a logger pass, as far as that is certain without the record.
    ///
    /// Called when the filter is added to a logger. A level that never passes costs what a disabled call costs; for a
    /// level that always passes, the filter is not called.
    fn interest(&self, level: Level, logger: &str) -> Interest {
        let _ = (level, logger);
        Interest::Sometimes
    }

    /// Returns whether the filter only makes sense on handlers, because its purpose is to change records.
    ///
    /// Adding such a filter to a logger is an error.
    fn is_for_handlers(&self) -> bool {
        false
    }
}

/// Whether future records pass a filter; see [`FemtoFilter::interest`].
///
/// # Examples
///
/// A filter that only looks at warnings and above:
///
/// ```
/// use femtologging::filter::{FemtoFilter, Interest};
/// use femtologging::{FemtoLogRecord, Level};
///
/// struct KnownWarnings;
///
/// impl FemtoFilter for KnownWarnings {
///     fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
///         record.level() < Level::Warn || record.get("known").is_none()
///     }
///
///     fn interest(&self, level: Level, _logger: &str) -> Interest {
///         // On a logger, records below `Warn` then cost nothing more than without this filter.
///         if level < Level::Warn { Interest::Always } else { Interest::Sometimes }
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// No record passes.
    Never,
    /// It depends on the record.
    Sometimes,
    /// All records pass, and the filter is not called.
    Always,
}

impl Interest {
    /// `Always` or `Never`.
    fn certain(is_interested: bool) -> Self {
        if is_interested { Self::Always } else { Self::Never }
    }
}

impl<F: Fn(&FemtoLogRecord<'_>) -> bool + Send + Sync> FemtoFilter for F {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self(record)
    }
}

/// A filter that several handlers or loggers share, including its state.
impl<F: FemtoFilter + ?Sized> FemtoFilter for Arc<F> {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        (**self).allows(record)
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        (**self).rewrite(record)
    }

    fn interest(&self, level: Level, logger: &str) -> Interest {
        (**self).interest(level, logger)
    }

    fn is_for_handlers(&self) -> bool {
        (**self).is_for_handlers()
    }
}

/// Calls a handler's filters in order. If the record passes all of them, calls `go_on` with the record as they changed
/// it.
pub(crate) fn through<T>(
    filters: &[Box<dyn FemtoFilter>],
    record: &FemtoLogRecord<'_>,
    go_on: impl FnOnce(&FemtoLogRecord<'_>) -> T,
) -> Option<T> {
    let mut rewrite = Rewrite::new(record);
    filters.iter().all(|filter| filter.rewrite(&mut rewrite)).then(|| go_on(&rewrite.record()))
}
