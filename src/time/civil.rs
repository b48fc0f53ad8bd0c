//! Wall-clock time as text: RFC 3339 in UTC.
//!
//! Consecutive records mostly fall into the same second. So a writer caches the text of the last second, and for each
//! time only writes the fraction.

use std::fmt;

use super::timestamp::Timestamp;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Days in 400 years, after which the Gregorian calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01, the start of the first era, to the Unix epoch.
const DAYS_TO_MARCH_OF_YEAR_0: i64 = 719_468;

/// The index of the decimal point in `2026-03-12T08:30:00.123456789Z`.
const POINT: usize = 19;
/// The length of that text.
const LONGEST: usize = POINT + 11;

/// The digits of every number below 100.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut i = 0;
    while i < pairs.len() {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// Writes times as text; see the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct CivilWriter {
    /// The start of the second in `text`, in nanoseconds since the epoch. An `i128`, because the second that contains
    /// `i64::MIN` starts before it.
    second: i128,
    /// The text of the second, with the fraction of any time in it, padded to a length that is copied at once.
    text: [u8; LONGEST + 2],
}

impl CivilWriter {
    /// Makes a writer, with the text of the epoch.
    pub(crate) const fn new() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00.000000000Z\0\0" }
    }

    /// Appends the time in UTC with this number of fractional digits, 0 to 9 (more count as 9). Further digits are
    /// truncated, not rounded.
    #[inline]
    pub(crate) fn write_utc(&mut self, time: Timestamp, digits: u8, out: &mut Vec<u8>) {
        if digits == 6 {
            return self.write_micros(time, out);
        }
        out.extend_from_slice(self.utc(time, digits));
    }

    /// [`write_utc`](Self::write_utc) with six digits, the default of formatters. The digits are assembled in a
    /// register: a load of several bytes that were just stored one by one is slow.
    #[inline]
    fn write_micros(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        let micros = self.nanos(time) / 1000;
        let pairs = [micros / 10_000, micros / 100 % 100, micros % 100];
        let [a, b, c] = pairs.map(|pair| u64::from(u16::from_le_bytes(PAIRS[pair as usize])));
        let tail = u64::from(b'.') | a << 8 | b << 24 | c << 40 | u64::from(b'Z') << 56;
        let point = out.len() + POINT;
        out.extend_from_slice(&self.text);
        out.truncate(point);
        out.extend_from_slice(&tail.to_le_bytes());
    }

    /// Makes sure that `text` has the second of `time`. Returns the nanoseconds since the start of that second.
    #[inline]
    fn nanos(&mut self, time: Timestamp) -> u32 {
        let into_second = i128::from(time.as_nanos()) - self.second;
        // Negative, or more than a second: another second than the cached one.
        match u32::try_from(into_second) {
            Ok(nanos) if nanos < NANOS_PER_SECOND as u32 => nanos,
            _ => self.turn_to(time),
        }
    }

    /// Returns what [`write_utc`](Self::write_utc) appends.
    #[inline]
    pub(super) fn utc(&mut self, time: Timestamp, digits: u8) -> &[u8] {
        let nanos = self.nanos(time);
        let (micros, rest) = (nanos / 1000, nanos % 1000 * 10);
        let fraction = [micros / 10_000, micros / 100 % 100, micros % 100, rest / 100, rest % 100];
        for (place, pair) in self.text[POINT + 1..].chunks_exact_mut(2).zip(fraction) {
            place.copy_from_slice(&PAIRS[pair as usize]);
        }
        let end = match digits {
            0 => POINT,
            _ => POINT + 1 + usize::from(digits.min(9)),
        };
        self.text[POINT] = b'.';
        self.text[end] = b'Z';
        &self.text[..=end]
    }

    /// Formats the second of `time`. Returns the nanoseconds since the start of that second.
    #[cold]
    fn turn_to(&mut self, time: Timestamp) -> u32 {
        let second = time.as_nanos().div_euclid(NANOS_PER_SECOND);
        self.second = i128::from(second) * i128::from(NANOS_PER_SECOND);
        let (year, month, day) = civil_from_days(second.div_euclid(SECONDS_PER_DAY));
        let in_day = second.rem_euclid(SECONDS_PER_DAY) as u32;
        let year = year as u32; // 1677 to 2262
        let numbers = [year / 100, year % 100, month, day, in_day / 3600, in_day / 60 % 60, in_day % 60];
        for (at, number) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(numbers) {
            self.text[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
        }
        time.as_nanos().rem_euclid(NANOS_PER_SECOND) as u32
    }
}

impl Default for CivilWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns year, month (1 to 12) and day (1 to 31) of a day counted from the Unix epoch, in the proleptic
/// Gregorian calendar.
///
/// The algorithm is `civil_from_days` of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms"
/// (<https://howardhinnant.github.io/date_algorithms.html>). Its years start in March, so that a leap day comes
/// last, and it counts in eras of 400 years, which all have the same number of days.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + DAYS_TO_MARCH_OF_YEAR_0;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA) as u32;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + i64::from(year_of_era) + i64::from(month <= 2);
    (year, month, day)
}

/// Returns the day, counted from the Unix epoch, of a date in the proleptic Gregorian calendar: the inverse of
/// [`civil_from_days`].
#[cfg(feature = "http")]
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * DAYS_PER_ERA + day_of_era - DAYS_TO_MARCH_OF_YEAR_0
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(CivilWriter::new().utc(*self, 6)).unwrap_or_default())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(CivilWriter::new().utc(*self, 9)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST_DAY: i64 = -106_752;
    const LAST_DAY: i64 = 106_751;

    fn text(nanos: i64, digits: u8) -> String {
        let mut out = Vec::new();
        CivilWriter::new().write_utc(Timestamp::from_nanos(nanos), digits, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Years, months and days by counting them off.
    fn all_days() -> Vec<(i64, u32, u32)> {
        let (mut year, mut month, mut day) = (1677, 9, 21);
        let mut days = Vec::new();
        while days.len() as i64 <= LAST_DAY - FIRST_DAY {
            days.push((year, month, day));
            day += 1;
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        days
    }

    /// The text by division and `format!`.
    fn slowly(days: &[(i64, u32, u32)], nanos: i64, digits: u8) -> String {
        let (second, nanos) = (nanos.div_euclid(NANOS_PER_SECOND), nanos.rem_euclid(NANOS_PER_SECOND));
        let (year, month, day) = days[(second.div_euclid(SECONDS_PER_DAY) - FIRST_DAY) as usize];
        let second = second.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let mut fraction = format!(".{nanos:09}");
        fraction.truncate(if digits == 0 { 0 } else { usize::from(digits.min(9)) + 1 });
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
    }

    #[test]
    fn known_times() {
        assert_eq!(text(0, 9), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(text(-1, 9), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(text(i64::MIN, 9), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(text(i64::MAX, 9), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(text(951_827_696_000_000_000, 0), "2000-02-29T12:34:56Z");
        assert_eq!(text(1_773_304_200_123_456_789, 6), "2026-03-12T08:30:00.123456Z");
    }

    #[test]
    fn digits_are_cut_off() {
        let digits = (0..=10).map(|digits| text(999_999_987, digits)).collect::<Vec<_>>();
        let expected = ["", ".9", ".99", ".999", ".9999", ".99999", ".999999", ".9999999", ".99999998", ".999999987"];
        assert_eq!(digits[..10], expected.map(|fraction| format!("1970-01-01T00:00:00{fraction}Z")));
        assert_eq!(digits[10], digits[9]);
    }

    #[test]
    fn every_day_of_the_range_has_its_date() {
        let days = all_days();
        assert_eq!(days.last(), Some(&(2262, 4, 11)));
        for (day, date) in (FIRST_DAY..).zip(days) {
            assert_eq!(civil_from_days(day), date, "day {day}");
            #[cfg(feature = "http")]
            assert_eq!(days_from_civil(date.0, date.1.into(), date.2.into()), day, "{date:?}");
        }
    }

    #[test]
    fn the_remembered_second_does_not_leak_into_others() {
        let days = all_days();
        let (mut civil, mut out) = (CivilWriter::new(), Vec::new());
        let second = NANOS_PER_SECOND;
        let times = [
            0,
            second - 1,
            second,
            second - 1,
            -1,
            0,
            i64::MIN,
            i64::MAX,
            i64::MIN,
            i64::MIN + second,
            i64::MAX - second,
        ];
        for (nanos, digits) in times.into_iter().zip([9, 0, 3, 9].into_iter().cycle()) {
            out.clear();
            civil.write_utc(Timestamp::from_nanos(nanos), digits, &mut out);
            assert_eq!(str::from_utf8(&out), Ok(slowly(&days, nanos, digits).as_str()));
        }
    }

    #[test]
    fn any_times_in_a_row_read_as_the_slow_way_writes_them() {
        let days = all_days();
        let near = (any::<i64>(), prop::collection::vec((-2_000_000_000..2_000_000_000_i64, 0..=9_u8), 1..20));
        proptest!(|((base, steps) in near)| {
            let (mut civil, mut nanos) = (CivilWriter::new(), base);
            for (step, digits) in steps {
                nanos = nanos.saturating_add(step);
                let mut out = b"before ".to_vec();
                civil.write_utc(Timestamp::from_nanos(nanos), digits, &mut out);
                prop_assert_eq!(String::from_utf8(out).unwrap(), format!("before {}", slowly(&days, nanos, digits)));
            }
        });
    }
}
