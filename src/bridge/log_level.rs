//! Levels and filters of the crate `log`, from and to those of this crate.

use crate::level::{Level, LevelFilter};

impl From<log::Level> for Level {
    /// Returns the level of the same name.
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Trace => Self::Trace,
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

impl From<Level> for log::Level {
    /// Returns the level of the same name; `Critical`, which `log` does not have, becomes `Error`.
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error | Level::Critical => Self::Error,
        }
    }
}

impl From<log::LevelFilter> for LevelFilter {
    /// Returns the filter of the same name.
    fn from(filter: log::LevelFilter) -> Self {
        filter.to_level().map_or(Self::Off, |level| Level::from(level).to_level_filter())
    }
}

impl From<LevelFilter> for log::LevelFilter {
    /// Returns the filter of the same name. `Critical` becomes `Off`: it lets no level pass that `log` has.
    fn from(filter: LevelFilter) -> Self {
        match filter {
            LevelFilter::Trace => Self::Trace,
            LevelFilter::Debug => Self::Debug,
            LevelFilter::Info => Self::Info,
            LevelFilter::Warn => Self::Warn,
            LevelFilter::Error => Self::Error,
            LevelFilter::Critical | LevelFilter::Off => Self::Off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_there_and_back() {
        for level in log::Level::iter() {
            assert_eq!(Level::from(level).as_str(), level.as_str());
            assert_eq!(log::Level::from(Level::from(level)), level);
        }
        assert_eq!(log::Level::from(Level::Critical), log::Level::Error);
        for filter in log::LevelFilter::iter() {
            assert_eq!(LevelFilter::from(filter).as_str(), filter.as_str());
            assert_eq!(log::LevelFilter::from(LevelFilter::from(filter)), filter);
        }
        assert_eq!(log::LevelFilter::from(LevelFilter::Critical), log::LevelFilter::Off);
    }
}
