//! The zone that times are written in: UTC, or another with the feature `local-time`.

#[cfg(feature = "local-time")]
use crate::error::{Error, Problem};

/// Where a formatter's clock hangs.
#[derive(Clone, Debug, Default)]
pub(super) enum Zone {
    #[default]
    Utc,
    #[cfg(feature = "local-time")]
    Other(jiff::tz::TimeZone),
}

#[cfg(feature = "local-time")]
impl Zone {
    /// The system's zone, or UTC where it has none.
    pub(super) fn local() -> Self {
        jiff::tz::TimeZone::try_system().map_or(Self::Utc, Self::Other)
    }

    /// The zone with this name in the IANA database, such as `Europe/Berlin`.
    pub(super) fn named(name: &str) -> Result<Self, Error> {
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
    pub(super) fn is_utc(&self) -> bool {
        matches!(self, Self::Utc)
    }

    /// Returns how many seconds the zone is ahead of UTC in this second since the epoch.
    pub(super) fn offset(&self, second: i64) -> i32 {
        match self {
            Self::Utc => 0,
            #[cfg(feature = "local-time")]
            Self::Other(zone) => zone.to_offset(instant(second)).seconds(),
        }
    }

    /// Appends what the zone is called in this second, such as `CEST`.
    pub(super) fn write_name(&self, second: i64, out: &mut Vec<u8>) {
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
