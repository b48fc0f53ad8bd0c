//! Filters: whether a record goes on.

use crate::record::FemtoLogRecord;

/// Decides whether a record goes on.
///
/// On a handler, a filter runs on the handler's thread. On a logger, it runs on the calling thread, before the record is
/// queued, for records logged to that very logger and not for those that come up from its children, as in CPython.
/// What a filter itself logs is not filtered by loggers, so that it cannot call itself.
///
/// Every `Fn(&FemtoLogRecord) -> bool` is a filter.
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
}

impl<F: Fn(&FemtoLogRecord<'_>) -> bool + Send + Sync> FemtoFilter for F {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self(record)
    }
}
