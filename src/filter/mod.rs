//! Filters: whether a record goes on, and as what.
//!
//! | filter | lets through |
//! |---|---|
//! | [`LevelFilter`](crate::LevelFilter) | a level and what is more severe |
//! | `Level::Debug..=Level::Info` | these levels |
//! | [`Name`] | records of a logger and those below it |
//! | [`Key`] | records that have a key, or a key with this value |
//! | [`Contains`] | records whose message has this text |
//! | `Matches` (feature `regex`) | records whose message matches a regular expression |
//! | [`Directives`] | what a text such as `info,my_app::db=debug` says |
//! | [`Sample`] | one in so many, or a fraction |
//! | [`RateLimit`] | so many in a second, for each logger, call site or value of a key |
//! | [`Dedup`] | no repeats of the record before |
//! | [`Redact`] | everything, but with `***` in place of secrets |
//!
//! Closures are filters, too, and [`FemtoFilterExt`] puts filters together.
//!
//! # Examples
//!
//! ```
//! use femtologging::filter::{Key, Name, RateLimit, Redact};
//! use femtologging::{FemtoFilterExt, FemtoStreamHandler, LevelFilter};
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

/// Decides whether a record goes on.
///
/// On a handler, a filter runs on the handler's thread, and may [`rewrite`](Self::rewrite) the record for this handler. On a
/// logger, it runs on the calling thread, before the record is queued, for records logged to that very logger and not
/// for those that come up from its children, as in CPython; there it only decides. What a filter itself logs is not
/// filtered by loggers, so that it cannot call itself.
///
/// A filter that panics costs a handler that record, which is counted as failed; a logger lets the record pass.
///
/// Every `Fn(&FemtoLogRecord) -> bool` is a filter. The module [`filter`](self) has a list of ready ones.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoFilter, FemtoLogRecord};
///
/// fn named(name: &'static str) -> impl FemtoFilter {
///     move |record: &FemtoLogRecord<'_>| record.logger() == name
/// }
/// # let _ = named("app");
/// ```
pub trait FemtoFilter: Send + Sync {
    /// Returns whether the record goes on.
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool;

    /// Returns whether the record goes on, after changing what of it shall be different.
    ///
    /// Handlers ask this and loggers [`allows`](Self::allows), once per record each.
    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        self.allows(&record.record())
    }

    /// Returns what is known before there is a record, for records of a level to a logger of this name.
    ///
    /// It is asked once, when the filter is put on a logger. Levels that a filter is never interested in cost no more than any
    /// other disabled call, and a filter that is always interested is not asked again.
    fn interest(&self, level: Level, logger: &str) -> Interest {
        let _ = (level, logger);
        Interest::Sometimes
    }

    /// Returns whether the filter is of use on handlers only, because it is there to rewrite records.
    ///
    /// A logger refuses such a filter.
    fn is_for_handlers(&self) -> bool {
        false
    }
}

/// What a filter knows of records to come; see [`FemtoFilter::interest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// None of them goes on.
    Never,
    /// It depends on the record.
    Sometimes,
    /// All of them go on, and the filter need not be asked.
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

/// A filter that several handlers or loggers share, with one state for all.
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

/// Asks a handler's filters in turn, and calls `go_on` with what they made of the record if all let it through.
pub(crate) fn through<T>(
    filters: &[Box<dyn FemtoFilter>],
    record: &FemtoLogRecord<'_>,
    go_on: impl FnOnce(&FemtoLogRecord<'_>) -> T,
) -> Option<T> {
    let mut rewrite = Rewrite::new(record);
    filters.iter().all(|filter| filter.rewrite(&mut rewrite)).then(|| go_on(&rewrite.record()))
}
