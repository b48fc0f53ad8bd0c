//! Time zones, for formatting times and for rollovers at local times. UTC only, without the feature `local-time`.

#[cfg(feature = "local-time")]
use crate::error::{Error, Problem};

/// A time zone.
#[derive(Clone, Debug, Default)]
pub(crate) enum Zone {
    #[default]
    Utc,
    #[cfg(feature = "local-time")]
    Other(jiff::tz::TimeZone),
}

#[cfg(feature = "local-time")]
impl Zone {
    /// Returns the system's time zone, or UTC if it cannot be determined.
    pub(crate) fn local() -> Self {
        jiff::tz::TimeZone::try_system().map_or(Self::Utc, Self::Other)
    }

    /// Returns the time zone with this name in the IANA database, such as `Europe/Berlin`.
    pub(crate) fn named(name: &str) -> Result<Self, Error> {
        let problem = |why| {
            let remedy = format!("{why}; give a name of the IANA database, such as Europe/Berlin");
            Error::config(vec![Problem::new("time_zone", format_args!("{name:?}"), remedy)])
        };
        jiff::tz::TimeZone::get(name).map(Self::Other).map_err(problem)
    }
}

#[cfg_attr(not(feature = "local-time"), expect(unused_variables, reason = "UTC is the same in every second"))]
impl Zone {
    /// Returns whether this is UTC itself, whose times end in `Z`, and not a zone with the same offset.
    pub(crate) fn is_utc(&self) -> bool {
        matches!(self, Self::Utc)
    }

    /// Returns the offset from UTC in seconds (positive east of Greenwich) at a second since the Unix epoch.
    pub(crate) fn offset(&self, second: i64) -> i32 {
        match self {
            Self::Utc => 0,
            #[cfg(feature = "local-time")]
            Self::Other(zone) => zone.to_offset(instant(second)).seconds(),
        }
    }

    /// Converts a local time to seconds since the Unix epoch. `shown` is the local time, as if it were UTC.
    ///
    /// Returns two candidates: by the offset before the nearest transition, and by the offset after it. They differ
    /// only near a transition:
    ///
    /// * a local time that occurs twice (a fold): the first and the second occurrence;
    /// * a local time that does not occur (a gap): only the first candidate is after the transition.
    ///
    /// For example, in Berlin the clock goes from 02:00 to 03:00 (UTC+1 to UTC+2) at 01:00 UTC. For 02:30, which does
    /// not occur, the candidates are 01:30 UTC, which is shown as 03:30, and 00:30 UTC, which is shown as 01:30.
    pub(crate) fn seconds(&self, shown: i64) -> (i64, i64) {
        match self {
            Self::Utc => (shown, shown),
            #[cfg(feature = "local-time")]
            Self::Other(zone) => {
                let offset = zone.to_ambiguous_timestamp(jiff::tz::Offset::UTC.to_datetime(instant(shown))).offset();
                let (before, after) = match offset {
                    jiff::tz::AmbiguousOffset::Unambiguous { offset } => (offset, offset),
                    jiff::tz::AmbiguousOffset::Gap { before, after }
                    | jiff::tz::AmbiguousOffset::Fold { before, after } => (before, after),
                };
                (shown - i64::from(before.seconds()), shown - i64::from(after.seconds()))
            }
        }
    }

    /// Returns the second of the next transition: after `second`, the first one with another offset.
    pub(crate) fn next_change(&self, second: i64) -> Option<i64> {
        match self {
            Self::Utc => None,
            #[cfg(feature = "local-time")]
            Self::Other(zone) => Some(zone.following(instant(second)).next()?.timestamp().as_second()),
        }
    }

    /// Appends the abbreviation of the zone at this second, such as `CEST`.
    pub(crate) fn write_name(&self, second: i64, out: &mut Vec<u8>) {
        match self {
            Self::Utc => out.extend_from_slice(b"UTC"),
            #[cfg(feature = "local-time")]
            Self::Other(zone) => out.extend_from_slice(zone.to_offset_info(instant(second)).abbreviation().as_bytes()),
        }
    }
}

/// Converts seconds since the Unix epoch to a time of `jiff`, whose range is larger than that of a
/// [`Timestamp`](crate::time::Timestamp).
#[cfg(feature = "local-time")]
fn instant(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap_or_default()
}
