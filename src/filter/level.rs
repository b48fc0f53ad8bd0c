//! By level, the cheapest of all.

use std::ops::RangeInclusive;

use super::{FemtoFilter, Interest};
use crate::level::{Level, LevelFilter};
use crate::record::FemtoLogRecord;

impl FemtoFilter for LevelFilter {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.enables(record.level())
    }

    fn interest(&self, level: Level, _: &str) -> Interest {
        Interest::certain(self.enables(level))
    }
}

/// Levels from one to another, such as `Level::Debug..=Level::Info`.
impl FemtoFilter for RangeInclusive<Level> {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.contains(&record.level())
    }

    fn interest(&self, level: Level, _: &str) -> Interest {
        Interest::certain(self.contains(&level))
    }
}
