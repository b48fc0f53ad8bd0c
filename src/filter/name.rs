//! By the logger's name.

use super::{FemtoFilter, Interest};
use crate::level::Level;
use crate::record::FemtoLogRecord;

/// Lets records of one logger through, and of those below it.
///
/// Parts of a name are separated by `.` or `::`, which are the same here as everywhere: `core` covers `core`, `core::net` and
/// `core.net`, but not `corey`. An empty name or `root` covers all.
///
/// # Examples
///
/// ```
/// use femtologging::filter::Name;
/// use femtologging::{FemtoFilterExt, FemtoStreamHandler};
///
/// let handler = FemtoStreamHandler::stderr().filter(Name::new("core").or(Name::new("audit")));
/// # drop(handler);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Makes a filter for the logger of this name.
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

/// The parts of a name; the root logger's has none.
pub(super) fn parts(name: &str) -> impl Iterator<Item = &str> {
    let name = if name == "root" { "" } else { name };
    name.split("::").flat_map(|part| part.split('.')).filter(|part| !part.is_empty())
}

/// Whether a logger is the one called `name` or below it.
pub(super) fn covers(name: &str, logger: &str) -> bool {
    let mut of_logger = parts(logger);
    parts(name).all(|part| of_logger.next() == Some(part))
}
