//! A filter by the name of the logger.

use super::{FemtoFilter, Interest};
use crate::level::Level;
use crate::record::FemtoLogRecord;

/// Lets records of a logger and of its descendants pass.
///
/// Parts of a name are separated by `.` or `::`; the two are equivalent. So `core` lets records of `core`, `core::net`
/// and `core.net` pass, but not those of `corey`. An empty name or `root` lets all records pass.
///
/// # Examples
///
/// ```
/// use femtologging::filter::{FemtoFilterExt, Name};
/// use femtologging::FemtoStreamHandler;
///
/// let handler = FemtoStreamHandler::stderr().filter(Name::new("core").or(Name::new("audit")));
/// # drop(handler);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Makes a filter for the logger with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl FemtoFilter for Name {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        covers(&self.0, record.logger())
    }

    fn interest(&self, _: Level, logger: &str) -> Interest {
        Interest::certain(covers(&self.0, logger))
    }
}

/// Iterates over the parts of a name. The root logger's name has none.
pub(super) fn parts(name: &str) -> impl Iterator<Item = &str> {
    let name = if name == "root" { "" } else { name };
    name.split("::").flat_map(|part| part.split('.')).filter(|part| !part.is_empty())
}

/// Returns whether `logger` is the logger `name` or a descendant of it.
pub(super) fn covers(name: &str, logger: &str) -> bool {
    let mut of_logger = parts(logger);
    parts(name).all(|part| of_logger.next() == Some(part))
}
