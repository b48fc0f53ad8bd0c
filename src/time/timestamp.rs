//! A point in wall-clock time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, as nanoseconds since the Unix epoch.
///
/// The range is from 1677-09-21 to 2262-04-11. `Display` writes the time as of RFC 3339, in UTC with six fractional
/// digits, `Debug` with nine. The default is the epoch.
///
/// # Examples
///
/// ```
/// use femtologging::time::Timestamp;
///
/// let time = Timestamp::from_nanos(1_773_304_200_123_456_789);
/// assert_eq!(time.to_string(), "2026-03-12T08:30:00.123456Z");
/// assert_eq!(format!("{time:?}"), "2026-03-12T08:30:00.123456789Z");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest time.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest time.
    pub const MAX: Self = Self(i64::MAX);

    /// Makes a time from nanoseconds since the Unix epoch. Negative numbers are times before it.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Reads the system's wall clock.
    pub fn now() -> Self {
        Self::from_system_time(SystemTime::now())
    }

    /// Converts a time of the standard library. A time that is out of range becomes [`MIN`](Self::MIN) or
    /// [`MAX`](Self::MAX).
    pub fn from_system_time(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(0).saturating_add(after),
            Err(before) => {
                let nanos = i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX);
                Self(i64::try_from(-nanos).unwrap_or(i64::MIN))
            }
        }
    }

    /// Converts to a time of the standard library. A time that the platform cannot represent becomes the epoch.
    pub fn to_system_time(self) -> SystemTime {
        let distance = Duration::from_nanos(self.0.unsigned_abs());
        let time = if self.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        time.unwrap_or(UNIX_EPOCH)
    }

    /// Adds a duration. Returns `None` if the sum is out of range.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let sum = i128::from(self.0).checked_add(i128::try_from(duration.as_nanos()).ok()?)?;
        i64::try_from(sum).ok().map(Self)
    }

    /// Adds a duration. A sum that is out of range becomes [`MAX`](Self::MAX).
    pub fn saturating_add(self, duration: Duration) -> Self {
        self.checked_add(duration).unwrap_or(Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_six_or_nine_digits_and_pads() {
        let time = Timestamp::from_nanos(-1);
        assert_eq!(time.to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(format!("{time:?}"), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(format!("{:>30}", Timestamp::default()), "   1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn system_time_converts_there_and_back() {
        for nanos in [0, 1_773_304_200_123_456_700, -1_773_304_200_123_456_700] {
            let time = Timestamp::from_nanos(nanos);
            assert_eq!(Timestamp::from_system_time(time.to_system_time()), time);
        }
        let far = Duration::from_secs(20_000_000_000);
        assert_eq!(Timestamp::from_system_time(UNIX_EPOCH + far), Timestamp::MAX);
    }

    #[cfg(unix)]
    #[test]
    fn system_time_converts_at_the_limits() {
        for time in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(Timestamp::from_system_time(time.to_system_time()), time);
        }
        let far = Duration::from_secs(20_000_000_000);
        assert_eq!(Timestamp::from_system_time(UNIX_EPOCH - far), Timestamp::MIN);
    }

    #[test]
    fn sums_stop_at_the_end() {
        let time = Timestamp::from_nanos(-5);
        assert_eq!(time.checked_add(Duration::from_nanos(7)), Some(Timestamp::from_nanos(2)));
        assert_eq!(Timestamp::MIN.checked_add(Duration::from_nanos(u64::MAX)), Some(Timestamp::MAX));
        assert_eq!(Timestamp::MAX.checked_add(Duration::from_nanos(1)), None);
        assert_eq!(time.checked_add(Duration::MAX), None);
        assert_eq!(time.saturating_add(Duration::MAX), Timestamp::MAX);
    }
}
