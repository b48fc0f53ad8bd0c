//! The zone that times are written and kept in: UTC, or another with the feature `local-time`.

#[cfg(feature = "local-time")]
use crate::error::{Error, Problem};

/// Where a clock hangs.
#[derive(Clone, Debug, Default)]
pub(crate) enum Zone {
    #[default]
    Utc,
    #[cfg(feature = "local-time")]
    Other(jiff::tz::TimeZone),
}

#[cfg(feature = "local-time")]
impl Zone {
    /// The system's zone, or UTC where it has none.
    pub(crate) fn local() -> Self {
        jiff::tz::TimeZone::try_system().map_or(Self::Utc, Self::Other)
    }

    /// The zone with this name in the IANA database, such as `Europe/Berlin`.
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
    /// Says whether this is UTC by name, whose times end in `Z`.
    pub(crate) fn is_utc(&self) -> bool {
        matches!(self, Self::Utc)
    }

    /// Returns how many seconds the zone is ahead of UTC in this second since the epoch.
    pub(crate) fn offset(&self, second: i64) -> i32 {
        match self {
            Self::Utc => 0,
            #[cfg(feature = "local-time")]
            Self::Other(zone) => zone.to_offset(instant(second)).seconds(),
        }
    }

    /// Returns the second since the epoch in which the zone's clock shows `shown`, counted as if it were UTC.
    ///
    /// Near a change of the clock there are two answers, by the offset before it and by the one after: where the
    /// clock shows `shown` twice, they are the first and the second time; where it never does, only the first answer
    /// lies behind the change.
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

    /// Returns the first second after this one from which on the zone has another offset.
    pub(crate) fn next_change(&self, second: i64) -> Option<i64> {
        match self {
            Self::Utc => None,
            #[cfg(feature = "local-time")]
            Self::Other(zone) => Some(zone.following(instant(second)).next()?.timestamp().as_second()),
        }
    }

    /// Appends what the zone is called in this second, such as `CEST`.
    pub(crate) fn write_name(&self, second: i64, out: &mut Vec<u8>) {
        match self {
            Self::Utc => out.extend_from_slice(b"UTC"),
            #[cfg(feature = "local-time")]
            Self::Other(zone) => out.extend_from_slice(zone.to_offset_info(instant(second)).abbreviation().as_bytes()),
        }
    }
}

#[cfg(feature = "local-time")]
fn instant(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap_or_default()
}
