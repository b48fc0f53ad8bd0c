//! Times as text: RFC 3339 or a `strftime` pattern, in any time zone. The text of the last second is cached.
//!
//! A pattern is parsed once into parts. For each second, the parts are written once, with zeros for the digits of the
//! fraction and their positions; for each record, the text is copied and the digits are stored:
//!
//! ```text
//! pattern     %H:%M:%S,%3f
//! parts       Directive(H) ":" Directive(M) ":" Directive(S) "," Fraction(3)
//! per second  text = "08:30:00,000", fractions = [(9, 3)]
//! per record  "08:30:00,123"
//! ```
//!
//! The offset from UTC is looked up once per second as well. That is exact, because offsets change at full seconds.
//!
//! # Invariants
//!
//! * `text`, `fractions` and the offset belong to `second`. Whatever changes what they depend on, such as the zone,
//!   resets `second` to `None`.
//! * A record of an earlier second than the last one, as a step of the wall clock makes, only costs another rendering.
//! * Digits are truncated and not rounded: rounding `08:59:59.9999996` to six digits would change the hour.
//! * Times before 1970 have negative seconds; `div_euclid` and `rem_euclid` keep the fraction positive.
//!
//! # Sources
//!
//! Directives are those of POSIX `strftime` (IEEE Std 1003.1) in the C locale, with `%f` for microseconds as in Python,
//! and `%3f` and `%:z` as in the crates `chrono` and `jiff`. Other times follow RFC 3339, section 5.6, with any number
//! of fractional digits.

use crate::error::{Error, Problem};
use crate::time::{CivilWriter, Timestamp, civil_from_days};
use crate::zone::Zone;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Writes times as RFC 3339, such as `2026-03-12T08:30:00.123456Z` or `2026-03-12T09:30:00.123456+01:00`.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    digits: u8,
    utc: CivilWriter,
    /// For time zones other than UTC.
    zoned: Option<TimeText>,
}

impl Stamp {
    /// Starts with UTC.
    pub(super) const fn new(digits: u8) -> Self {
        Self { digits, utc: CivilWriter::new(), zoned: None }
    }

    /// Sets the number of fractional digits, at most 9.
    pub(super) fn set_digits(&mut self, digits: u8) {
        self.digits = digits.min(9);
        if let Some(zoned) = self.zoned.take() {
            self.set_zone(zoned.zone);
        }
    }

    pub(super) fn digits(&self) -> u8 {
        self.digits
    }

    pub(super) fn set_zone(&mut self, zone: Zone) {
        self.zoned = (!zone.is_utc()).then(|| TimeText::rfc3339(self.digits, zone));
    }

    #[inline]
    pub(super) fn write(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        match &mut self.zoned {
            None => self.utc.write_utc(time, self.digits, out),
            Some(zoned) => zoned.write(time, out),
        }
    }
}

/// Adds the settings of times to a formatter with a field `stamp`.
macro_rules! stamp_settings {
    () => {
        /// Sets the number of fractional digits of times, 0 to 9. Further digits are truncated, not rounded.
        ///
        /// # Examples
        ///
        /// ```
        /// use femtologging::formatter::{FemtoJsonFormatter, FemtoLogfmtFormatter, FemtoTextFormatter};
        ///
        /// // Milliseconds, which shorten each line by three bytes.
        /// let formatters = (
        ///     FemtoTextFormatter::new().digits(3),
        ///     FemtoLogfmtFormatter::new().digits(3),
        ///     FemtoJsonFormatter::new().digits(3),
        /// );
        /// # drop(formatters);
        /// ```
        pub fn digits(mut self, digits: u8) -> Self {
            self.stamp.set_digits(digits);
            self
        }

        crate::formatter::stamp::zone_settings!();
    };
}

/// Adds the settings of the time zone to a formatter with a field `stamp`.
macro_rules! zone_settings {
    () => {
        /// Writes times in the system's time zone, with their offset from UTC; in UTC if the system has no time zone.
        ///
        /// The offset at each time, daylight saving time included, is that of the system's time zone database.
        #[cfg(feature = "local-time")]
        pub fn local_time(mut self) -> Self {
            self.stamp.set_zone(crate::zone::Zone::local());
            self
        }

        /// Writes times in the time zone with this name in the IANA database, such as `Europe/Berlin`.
        ///
        /// # Errors
        ///
        /// There is no such zone.
        ///
        /// # Examples
        ///
        /// ```
        /// use femtologging::formatter::FemtoTextFormatter;
        ///
        /// let formatter = FemtoTextFormatter::new().time_zone("Europe/Berlin")?; // 2026-03-12T09:30:00.123456+01:00
        /// # drop(formatter);
        /// assert!(FemtoTextFormatter::new().time_zone("Europe/Berlln").is_err());
        /// # Ok::<(), femtologging::Error>(())
        /// ```
        #[cfg(feature = "local-time")]
        pub fn time_zone(mut self, name: &str) -> Result<Self, crate::Error> {
            self.stamp.set_zone(crate::zone::Zone::named(name)?);
            Ok(self)
        }
    };
}

pub(super) use {stamp_settings, zone_settings};

/// A piece of a time's pattern.
///
/// Abbreviations are expanded while the pattern is parsed: `%T` is three directives and two bytes. So the loop over
/// parts has few cases, and it runs once per second only.
#[derive(Clone, Copy, Debug)]
enum TimePart {
    Byte(u8),
    /// A directive of `strftime` that is not a short form of others.
    Directive(u8),
    /// The offset as `+01:00`.
    Offset,
    /// This number of digits of the fraction.
    Fraction(u8),
}

/// Writes times by a pattern, and caches the text of the last second.
#[derive(Clone, Debug)]
pub(super) struct TimeText {
    parts: Vec<TimePart>,
    zone: Zone,
    /// The second for which `text` is valid.
    second: Option<i64>,
    text: Vec<u8>,
    /// The positions in `text` at which digits of the fraction are inserted, and their numbers.
    fractions: Vec<(usize, u8)>,
}

impl TimeText {
    fn new(parts: Vec<TimePart>) -> Self {
        Self { parts, zone: Zone::Utc, second: None, text: Vec::new(), fractions: Vec::new() }
    }

    /// CPython's default: `2026-03-12 08:30:00,123`.
    pub(super) fn asctime() -> Self {
        let mut parts = Vec::new();
        expand("%Y-%m-%d %H:%M:%S,", &mut parts);
        parts.push(TimePart::Fraction(3));
        Self::new(parts)
    }

    /// RFC 3164, section 4.1.2: `Mar  5 08:30:00`.
    pub(super) fn syslog() -> Self {
        let mut parts = Vec::new();
        expand("%b %e %H:%M:%S", &mut parts);
        Self::new(parts)
    }

    /// Makes a writer of the time of the day alone, such as `08:30:00.123`.
    pub(super) fn clock(digits: u8) -> Self {
        let mut parts = Vec::new();
        expand("%H:%M:%S", &mut parts);
        push_fraction(digits, &mut parts);
        Self::new(parts)
    }

    fn rfc3339(digits: u8, zone: Zone) -> Self {
        let mut parts = Vec::new();
        expand("%Y-%m-%dT%H:%M:%S", &mut parts);
        push_fraction(digits, &mut parts);
        parts.push(TimePart::Offset);
        Self { zone, ..Self::new(parts) }
    }

    /// Parses a `strftime` pattern. `%f` is six digits of the fraction, `%0f` to `%9f` are 0 to 9 digits, and `%:z` is
    /// the offset with a colon.
    pub(super) fn strftime(pattern: &str) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut rest = pattern;
        let wrong = |rest: &str, what: &str| {
            let character = pattern[..pattern.len() - rest.len()].chars().count() + 1;
            let remedy = format!(
                "character {character}: {what}; write %% for a percent sign, or one of \
                 %Y %m %d %H %M %S %f %3f %z %:z %Z %a %A %b %B %c %C %d %D %e %F %G %h %I %j %n %p %r %R %t %T %u %U %V %w %W %x %X %y"
            );
            Error::config(vec![Problem::new("datefmt", format_args!("{pattern:?}"), remedy)])
        };
        while let Some(at) = rest.find('%') {
            parts.extend(rest[..at].bytes().map(TimePart::Byte));
            rest = &rest[at..];
            let length = match rest.as_bytes() {
                [_, b'f', ..] => {
                    parts.push(TimePart::Fraction(6));
                    2
                }
                [_, digits @ b'0'..=b'9', b'f', ..] => {
                    parts.push(TimePart::Fraction(digits - b'0'));
                    3
                }
                [_, b':', b'z', ..] => {
                    parts.push(TimePart::Offset);
                    3
                }
                [_, c, ..] if DIRECTIVES.contains(c) || short_form(*c).is_some() => {
                    expand(&rest[..2], &mut parts);
                    2
                }
                [_] => return Err(wrong(rest, "a lone % at the end")),
                _ => {
                    return Err(wrong(
                        rest,
                        &format!("unknown directive `{}`", rest.chars().take(2).collect::<String>()),
                    ));
                }
            };
            rest = &rest[length..];
        }
        parts.extend(rest.bytes().map(TimePart::Byte));
        Ok(Self::new(parts))
    }

    #[cfg(feature = "local-time")]
    pub(super) fn set_zone(&mut self, zone: Zone) {
        self.zone = zone;
        self.second = None;
    }

    /// Moves the zone into another writer.
    pub(super) fn with_zone_of(mut self, other: Self) -> Self {
        self.zone = other.zone;
        self
    }

    /// Appends the time.
    pub(super) fn write(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        let (second, nanos) =
            (time.as_nanos().div_euclid(NANOS_PER_SECOND), time.as_nanos().rem_euclid(NANOS_PER_SECOND) as u32);
        if self.second != Some(second) {
            self.turn_to(second);
        }
        let start = out.len();
        out.extend_from_slice(&self.text);
        for &(at, digits) in &self.fractions {
            // CPython's default. A division by a constant is a multiplication.
            let mut left = match digits {
                3 => nanos / 1_000_000,
                digits => nanos / 10_u32.pow(9 - u32::from(digits)),
            };
            for place in out[start + at..][..usize::from(digits)].iter_mut().rev() {
                *place = b'0' + (left % 10) as u8;
                left /= 10;
            }
        }
    }

    #[cold]
    fn turn_to(&mut self, second: i64) {
        self.second = Some(second);
        self.text.clear();
        self.fractions.clear();
        let offset = self.zone.offset(second);
        let civil = Civil::new(second + i64::from(offset));
        for part in &self.parts {
            match *part {
                TimePart::Byte(byte) => self.text.push(byte),
                TimePart::Directive(b'Z') => self.zone.write_name(second, &mut self.text),
                TimePart::Directive(b'z') => write_offset(offset, "", &mut self.text),
                TimePart::Directive(b's') => self.text.extend_from_slice(itoa::Buffer::new().format(second).as_bytes()),
                TimePart::Directive(directive) => civil.write(directive, &mut self.text),
                TimePart::Offset => write_offset(offset, ":", &mut self.text),
                TimePart::Fraction(digits) => {
                    self.fractions.push((self.text.len(), digits));
                    self.text.resize(self.text.len() + usize::from(digits), b'0');
                }
            }
        }
    }
}

/// The directives that are not abbreviations of others.
const DIRECTIVES: &[u8] = b"YCymdeHIMSpjaAbBuwUWGVsZz%nt";

/// Returns the directives that are abbreviations of others, such as `%T` for `%H:%M:%S`.
fn short_form(directive: u8) -> Option<&'static str> {
    Some(match directive {
        b'c' => "%a %b %e %H:%M:%S %Y",
        b'D' | b'x' => "%m/%d/%y",
        b'F' => "%Y-%m-%d",
        b'h' => "%b",
        b'r' => "%I:%M:%S %p",
        b'R' => "%H:%M",
        b'T' | b'X' => "%H:%M:%S",
        _ => return None,
    })
}

/// Appends the parts of a pattern that has only directives of the two tables above.
fn expand(pattern: &str, parts: &mut Vec<TimePart>) {
    let mut rest = pattern.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [directive, after @ ..]) => {
                match short_form(*directive) {
                    Some(long) => expand(long, parts),
                    None => parts.push(TimePart::Directive(*directive)),
                }
                after
            }
            _ => {
                parts.push(TimePart::Byte(*first));
                after
            }
        };
    }
}

fn push_fraction(digits: u8, parts: &mut Vec<TimePart>) {
    if digits > 0 {
        parts.extend([TimePart::Byte(b'.'), TimePart::Fraction(digits.min(9))]);
    }
}

fn write_offset(offset: i32, colon: &str, out: &mut Vec<u8>) {
    let minutes = offset.unsigned_abs() / 60;
    out.push(if offset < 0 { b'-' } else { b'+' });
    write_padded(minutes / 60, b'0', 2, out);
    out.extend_from_slice(colon.as_bytes());
    write_padded(minutes % 60, b'0', 2, out);
}

fn write_padded(number: u32, fill: u8, width: usize, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number).as_bytes();
    out.resize(out.len() + width.saturating_sub(digits.len()), fill);
    out.extend_from_slice(digits);
}

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
#[rustfmt::skip]
const MONTHS: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

fn days_of_year(year: i64) -> i64 {
    let divides = |n| year.rem_euclid(n) == 0;
    if divides(4) && (!divides(100) || divides(400)) { 366 } else { 365 }
}

/// A second, as date and time of the day in a time zone.
struct Civil {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    /// 0 is Sunday.
    weekday: u32,
    /// 0 is the first of January.
    day_of_year: u32,
}

impl Civil {
    /// Makes the date and time of a second that is counted by the zone's clock, from 1970-01-01 on.
    fn new(second: i64) -> Self {
        let (days, in_day) = (second.div_euclid(86_400), second.rem_euclid(86_400) as u32);
        let (year, month, day) = civil_from_days(days);
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][(month - 1) as usize % 12];
        Self {
            year: year as u32, // 1677 to 2262
            month,
            day,
            hour: in_day / 3600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
            weekday: (days + 4).rem_euclid(7) as u32,
            day_of_year: before + day - 1 + u32::from(month > 2 && days_of_year(year) == 366),
        }
    }

    /// Appends the text of a directive.
    fn write(&self, directive: u8, out: &mut Vec<u8>) {
        let hour = (self.hour + 11) % 12 + 1;
        let mut zeros = |number, width| write_padded(number, b'0', width, out);
        match directive {
            b'Y' => zeros(self.year, 4),
            b'C' => zeros(self.year / 100, 2),
            b'y' => zeros(self.year % 100, 2),
            b'm' => zeros(self.month, 2),
            b'd' => zeros(self.day, 2),
            b'H' => zeros(self.hour, 2),
            b'I' => zeros(hour, 2),
            b'M' => zeros(self.minute, 2),
            b'S' => zeros(self.second, 2),
            b'j' => zeros(self.day_of_year + 1, 3),
            b'u' => zeros((self.weekday + 6) % 7 + 1, 1),
            b'w' => zeros(self.weekday, 1),
            b'U' => zeros((self.day_of_year + 7 - self.weekday) / 7, 2),
            b'W' => zeros((self.day_of_year + 7 - (self.weekday + 6) % 7) / 7, 2),
            b'G' => zeros(self.iso_week().0, 4),
            b'V' => zeros(self.iso_week().1, 2),
            b'e' => write_padded(self.day, b' ', 2, out),
            b'p' => out.extend_from_slice(if self.hour < 12 { b"AM" } else { b"PM" }),
            b'A' => out.extend_from_slice(DAYS[self.weekday as usize % 7].as_bytes()),
            b'a' => out.extend_from_slice(&DAYS[self.weekday as usize % 7].as_bytes()[..3]),
            b'B' => out.extend_from_slice(MONTHS[(self.month as usize + 11) % 12].as_bytes()),
            b'b' => out.extend_from_slice(&MONTHS[(self.month as usize + 11) % 12].as_bytes()[..3]),
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            _ => out.push(directive),
        }
    }

    /// Returns the year and week of ISO 8601. A week belongs to the year of its Thursday.
    fn iso_week(&self) -> (u32, u32) {
        let thursday = i64::from(self.day_of_year) + 3 - i64::from((self.weekday + 6) % 7);
        let (year, day) = match thursday {
            before if before < 0 => (self.year - 1, before + days_of_year(i64::from(self.year) - 1)),
            after if after >= days_of_year(self.year.into()) => (self.year + 1, after - days_of_year(self.year.into())),
            within => (self.year, within),
        };
        (year, day as u32 / 7 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(pattern: &str, nanos: i64) -> String {
        let mut out = Vec::new();
        TimeText::strftime(pattern).unwrap().write(Timestamp::from_nanos(nanos), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_directive() {
        // Thursday, the 12th of March, 2026.
        let rows = [
            ("%Y %C %y %m %d %e", "2026 20 26 03 12 12"),
            ("%H %I %M %S %p %f %0f %1f %9f", "08 08 30 00 AM 123456  1 123456789"),
            ("%j %u %w %U %W %G %V", "071 4 4 10 10 2026 11"),
            ("%a %A %b %B %h", "Thu Thursday Mar March Mar"),
            (
                "%c|%D|%x|%F|%r|%R|%T|%X",
                "Thu Mar 12 08:30:00 2026|03/12/26|03/12/26|2026-03-12|08:30:00 AM|08:30|08:30:00|08:30:00",
            ),
            ("%z %:z %Z %s", "+0000 +00:00 UTC 1773304200"),
            ("%%Y%n%t%% ä", "%Y\n\t% ä"),
        ];
        for (pattern, expected) in rows {
            assert_eq!(text(pattern, 1_773_304_200_123_456_789), expected, "{pattern}");
        }
        assert_eq!(text("%I %p", 0), "12 AM");
        assert_eq!(text("%I %p", 12 * 3_600 * NANOS_PER_SECOND), "12 PM");
    }

    #[test]
    fn weeks_around_new_year() {
        // From Python's `date.isocalendar`, `%U` and `%W`.
        let rows = [
            (1_230_681_600, "2008-12-31 2009 01 52 52"),
            (1_262_304_000, "2010-01-01 2009 53 00 00"),
            (1_293_840_000, "2011-01-01 2010 52 00 00"),
            (1_325_376_000, "2012-01-01 2011 52 01 00"),
            (1_356_912_000, "2012-12-31 2013 01 53 53"),
            (951_782_400, "2000-02-29 2000 09 09 09"),
        ];
        for (second, expected) in rows {
            assert_eq!(text("%F %G %V %U %W", second * NANOS_PER_SECOND), expected);
        }
    }

    #[test]
    fn errors_say_where() {
        for (pattern, expected) in
            [("ä %Q", "character 3: unknown directive `%Q`;"), ("%H%", "character 3: a lone % at the end;")]
        {
            let error = TimeText::strftime(pattern).unwrap_err();
            let problem = &error.problems()[0];
            assert_eq!((problem.field.as_str(), &problem.value), ("datefmt", &format!("{pattern:?}")));
            assert!(problem.remedy.starts_with(expected), "{}", problem.remedy);
        }
    }

    proptest! {
        #[test]
        fn rfc_3339_is_that_of_the_other_writer(nanos: i64, digits in 0..=9_u8) {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            let time = Timestamp::from_nanos(nanos);
            CivilWriter::new().write_utc(time, digits, &mut one);
            TimeText::rfc3339(digits, Zone::Utc).write(time, &mut other);
            let one = String::from_utf8(one).unwrap().replace('Z', "+00:00");
            prop_assert_eq!(String::from_utf8(other).unwrap(), one);
        }

        #[test]
        fn no_pattern_panics(pattern in "(%?[ -~ä]){0,20}", nanos: i64) {
            if let Ok(mut time) = TimeText::strftime(&pattern) {
                time.write(Timestamp::from_nanos(nanos), &mut Vec::new());
            }
        }
    }
}
