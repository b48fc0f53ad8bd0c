//! The levels of `tracing`, which are ordered by verbosity: `ERROR < TRACE`.

use std::cmp::Ordering;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::level::{self, STATIC_MAX_LEVEL as COMPILED};
use crate::logger::Registry;

/// A level, with the names and the order of `tracing`.
///
/// A more verbose level is greater, as in `tracing`: the order is the opposite of that of
/// [`femtologging::Level`](crate::Level).
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::Level;
///
/// assert!(Level::ERROR < Level::INFO);
/// assert_eq!("info".parse(), Ok(Level::INFO));
/// assert_eq!(femtologging::Level::from(Level::WARN), femtologging::Level::Warn);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level(level::Level);

/// A level, or none, with the names and the order of `tracing`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LevelFilter(level::LevelFilter);

/// The most verbose level that is compiled into this build; see [`STATIC_MAX_LEVEL`](crate::STATIC_MAX_LEVEL).
pub const STATIC_MAX_LEVEL: LevelFilter = LevelFilter::of(COMPILED);

impl Level {
    /// Work that failed.
    pub const ERROR: Self = Self(level::Level::Error);
    /// Conditions that may become errors.
    pub const WARN: Self = Self(level::Level::Warn);
    /// What the program does.
    pub const INFO: Self = Self(level::Level::Info);
    /// What a developer of the program looks at.
    pub const DEBUG: Self = Self(level::Level::Debug);
    /// Everything else.
    pub const TRACE: Self = Self(level::Level::Trace);

    /// Returns the name, in capitals.
    pub const fn as_str(&self) -> &'static str {
        self.0.as_str()
    }

    /// Returns the level of the same name of this crate.
    #[doc(hidden)]
    pub const fn plain(self) -> level::Level {
        self.0
    }

    /// Returns the level of a call, which `tracing` does not name if it is `Critical`.
    pub(super) const fn of(level: level::Level) -> Self {
        Self(match level {
            level::Level::Critical => level::Level::Error,
            other => other,
        })
    }
}

impl LevelFilter {
    /// No level.
    pub const OFF: Self = Self(level::LevelFilter::Off);
    /// [`Level::ERROR`] only.
    pub const ERROR: Self = Self(level::LevelFilter::Error);
    /// [`Level::WARN`] and what is less verbose.
    pub const WARN: Self = Self(level::LevelFilter::Warn);
    /// [`Level::INFO`] and what is less verbose.
    pub const INFO: Self = Self(level::LevelFilter::Info);
    /// [`Level::DEBUG`] and what is less verbose.
    pub const DEBUG: Self = Self(level::LevelFilter::Debug);
    /// Every level.
    pub const TRACE: Self = Self(level::LevelFilter::Trace);

    const fn of(filter: level::LevelFilter) -> Self {
        Self(match filter {
            level::LevelFilter::Critical => level::LevelFilter::Off,
            other => other,
        })
    }

    /// Returns the most verbose level that any logger of the global system has enabled.
    pub fn current() -> Self {
        Self::of(Registry::global().most_verbose())
    }

    /// Returns the filter that lets this level pass, and what is less verbose.
    pub const fn from_level(level: Level) -> Self {
        Self(level.0.to_level_filter())
    }

    /// Returns the most verbose level that passes, or `None` if none does.
    pub const fn into_level(self) -> Option<Level> {
        match self.0.to_level() {
            Some(level) => Some(Level(level)),
            None => None,
        }
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Level {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cmp(&self.0)
    }
}

impl PartialOrd for LevelFilter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LevelFilter {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cmp(&self.0)
    }
}

impl PartialEq<LevelFilter> for Level {
    fn eq(&self, other: &LevelFilter) -> bool {
        LevelFilter::from(*self) == *other
    }
}

impl PartialOrd<LevelFilter> for Level {
    fn partial_cmp(&self, other: &LevelFilter) -> Option<Ordering> {
        LevelFilter::from(*self).partial_cmp(other)
    }
}

impl PartialEq<Level> for LevelFilter {
    fn eq(&self, other: &Level) -> bool {
        *self == LevelFilter::from(*other)
    }
}

impl PartialOrd<Level> for LevelFilter {
    fn partial_cmp(&self, other: &Level) -> Option<Ordering> {
        self.partial_cmp(&LevelFilter::from(*other))
    }
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        Self::from_level(level)
    }
}

impl From<Level> for level::Level {
    fn from(level: Level) -> Self {
        level.0
    }
}

impl From<LevelFilter> for level::LevelFilter {
    fn from(filter: LevelFilter) -> Self {
        filter.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for LevelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.0 {
            level::LevelFilter::Trace => "trace",
            level::LevelFilter::Debug => "debug",
            level::LevelFilter::Info => "info",
            level::LevelFilter::Warn => "warn",
            level::LevelFilter::Error => "error",
            _ => "off",
        })
    }
}

impl fmt::Debug for LevelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.into_level() {
            Some(level) => match level.0 {
                level::Level::Trace => "LevelFilter::TRACE",
                level::Level::Debug => "LevelFilter::DEBUG",
                level::Level::Info => "LevelFilter::INFO",
                level::Level::Warn => "LevelFilter::WARN",
                _ => "LevelFilter::ERROR",
            },
            None => "LevelFilter::OFF",
        })
    }
}

/// The error of a text that is not a level of `tracing`: a name in any letter case, or a number from 1 for `ERROR` to 5
/// for `TRACE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLevelError {
    _private: (),
}

/// The error of a text that is not a filter: what [`Level`] accepts, or `off`, `0` or nothing at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLevelFilterError(());

impl fmt::Display for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "error parsing level: expected one of \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 1-5",
        )
    }
}

impl fmt::Display for ParseLevelFilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \
             \"trace\", or a number 0-5",
        )
    }
}

impl Error for ParseLevelError {}

impl Error for ParseLevelFilterError {}

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        let levels = [Self::ERROR, Self::WARN, Self::INFO, Self::DEBUG, Self::TRACE];
        let named = levels.iter().find(|level| level.as_str().eq_ignore_ascii_case(text));
        let numbered = || levels.get(text.parse::<usize>().ok()?.checked_sub(1)?);
        named.or_else(numbered).copied().ok_or(ParseLevelError { _private: () })
    }
}

impl FromStr for LevelFilter {
    type Err = ParseLevelFilterError;

    fn from_str(text: &str) -> Result<Self, ParseLevelFilterError> {
        if text == "0" || text.eq_ignore_ascii_case("off") {
            return Ok(Self::OFF);
        }
        if text.is_empty() {
            return Ok(Self::ERROR);
        }
        text.parse::<Level>().map(Self::from).map_err(|_| ParseLevelFilterError(()))
    }
}
