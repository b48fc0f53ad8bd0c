//! Combinations of filters: `and`, `or`, `not`.

use super::{FemtoFilter, Interest, Rewrite};
use crate::level::Level;
use crate::record::FemtoLogRecord;

/// Combines filters.
///
/// # Examples
///
/// ```
/// use femtologging::filter::{FemtoFilterExt, Key, Name};
/// use femtologging::{FemtoStreamHandler, LevelFilter};
///
/// let noise = Name::new("hyper").and(LevelFilter::Warn.not());
/// let handler = FemtoStreamHandler::stderr().filter(noise.not().or(Key::present("audit")));
/// # drop(handler);
/// ```
pub trait FemtoFilterExt: FemtoFilter + Sized {
    /// Lets a record pass if both filters do. The second one is called only if the first lets the record pass.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoStreamHandler;
    /// use femtologging::filter::{FemtoFilterExt, Name, RateLimit};
    ///
    /// // The limit counts the records of `hyper` only.
    /// let limited = Name::new("hyper").and(RateLimit::new(10.0));
    /// let handler = FemtoStreamHandler::stderr().filter(limited.or(Name::new("hyper").not()));
    /// # drop(handler);
    /// ```
    fn and<F: FemtoFilter>(self, other: F) -> And<Self, F> {
        And(self, other)
    }

    /// Lets a record pass if one of the filters does. The second one is called, and may change the record, only if the
    /// first does not let it pass.
    fn or<F: FemtoFilter>(self, other: F) -> Or<Self, F> {
        Or(self, other)
    }

    /// Lets a record pass if this filter does not. It never changes records.
    fn not(self) -> Not<Self> {
        Not(self)
    }
}

impl<F: FemtoFilter> FemtoFilterExt for F {}

/// A filter for records that pass two filters; see [`FemtoFilterExt::and`].
///
/// # Examples
///
/// ```
/// use femtologging::filter::{And, FemtoFilterExt, Key, Name};
///
/// // A combination can be a field of a type, as it is a type itself.
/// struct Rules {
///     audit: And<Name, Key>,
/// }
/// let rules = Rules { audit: Name::new("shop.audit").and(Key::present("user")) };
/// # drop(rules.audit);
/// ```
#[derive(Debug, Clone)]
pub struct And<A, B>(A, B);

/// A filter for records that pass one of two filters; see [`FemtoFilterExt::or`].
///
/// # Examples
///
/// ```
/// use femtologging::filter::{FemtoFilterExt, Key};
/// use femtologging::{FemtoStreamHandler, LevelFilter};
///
/// // Warnings and errors, and what is marked for the audit.
/// let handler = FemtoStreamHandler::stderr().filter(LevelFilter::Warn.or(Key::present("audit")));
/// # drop(handler);
/// ```
#[derive(Debug, Clone)]
pub struct Or<A, B>(A, B);

/// A filter for records that do not pass another filter; see [`FemtoFilterExt::not`].
///
/// # Examples
///
/// ```
/// use femtologging::FemtoStreamHandler;
/// use femtologging::filter::{FemtoFilterExt, Name};
///
/// let handler = FemtoStreamHandler::stderr().filter(Name::new("hyper").not());
/// # drop(handler);
/// ```
#[derive(Debug, Clone)]
pub struct Not<F>(F);

impl<A: FemtoFilter, B: FemtoFilter> FemtoFilter for And<A, B> {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.0.allows(record) && self.1.allows(record)
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        self.0.rewrite(record) && self.1.rewrite(record)
    }

    fn interest(&self, level: Level, logger: &str) -> Interest {
        match (self.0.interest(level, logger), self.1.interest(level, logger)) {
            (Interest::Never, _) | (_, Interest::Never) => Interest::Never,
            (Interest::Always, Interest::Always) => Interest::Always,
            _ => Interest::Sometimes,
        }
    }

    fn is_for_handlers(&self) -> bool {
        self.0.is_for_handlers() || self.1.is_for_handlers()
    }
}

impl<A: FemtoFilter, B: FemtoFilter> FemtoFilter for Or<A, B> {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.0.allows(record) || self.1.allows(record)
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        // What the first filter changed before it refused the record must not remain.
        let before = record.changes.clone();
        if self.0.rewrite(record) {
            return true;
        }
        record.changes = before;
        self.1.rewrite(record)
    }

    fn interest(&self, level: Level, logger: &str) -> Interest {
        match (self.0.interest(level, logger), self.1.interest(level, logger)) {
            (Interest::Always, _) | (_, Interest::Always) => Interest::Always,
            (Interest::Never, Interest::Never) => Interest::Never,
            _ => Interest::Sometimes,
        }
    }

    fn is_for_handlers(&self) -> bool {
        self.0.is_for_handlers() || self.1.is_for_handlers()
    }
}

impl<F: FemtoFilter> FemtoFilter for Not<F> {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        !self.0.allows(record)
    }

    fn interest(&self, level: Level, logger: &str) -> Interest {
        match self.0.interest(level, logger) {
            Interest::Never => Interest::Always,
            Interest::Sometimes => Interest::Sometimes,
            Interest::Always => Interest::Never,
        }
    }
}
