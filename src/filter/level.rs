//! Filters by level. On a logger they cost nothing per record: see [`FemtoFilter::interest`].

use std::ops::RangeInclusive;

use super::{FemtoFilter, Interest};
use crate::level::{Level, LevelFilter};
use crate::record::FemtoLogRecord;

/// Lets records of this level and above pass.
impl FemtoFilter for LevelFilter {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.enables(record.level())
    }

    fn interest(&self, level: Level, _: &str) -> Interest {
        Interest::certain(self.enables(level))
    }
}

/// Lets records of a range of levels pass, such as `Level::Debug..=Level::Info`.
impl FemtoFilter for RangeInclusive<Level> {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.contains(&record.level())
    }

    fn interest(&self, level: Level, _: &str) -> Interest {
        Interest::certain(self.contains(&level))
    }
}
