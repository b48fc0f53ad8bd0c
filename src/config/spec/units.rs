//! Sizes and durations as text: `10 MiB`, `5 s`.
//!
//! A number with a unit is read as a fixed-point number with nine decimal places, not as a float, so that `0.1 s` is
//! exactly 100 ms and a result that is not a whole number of bytes or nanoseconds is rejected: `1.5 KiB` is 1536 bytes,
//! `0.0001 KiB` is an error.
//!
//! | | units |
//! |---|---|
//! | sizes, in either letter case | `B`; `kB` … `TB`, powers of 1000; `KiB` … `TiB`, powers of 1024 |
//! | durations, in this letter case | `ns`, `us` or `µs`, `ms`, `s`, `min`, `h`, `d` (24 h), `w` (7 d) |
//!
//! Letter case matters for durations since `m` and `M` mean minutes to some readers and months to others; neither is
//! accepted. Only zero needs no unit.

use std::time::Duration;

const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// The units of time, in nanoseconds, the largest first.
const TIMES: [(&str, u128); 8] = [
    ("w", 7 * 86_400_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Splits `1.5 MiB` into its number, in thousandths of millionths, and its unit.
fn split(text: &str) -> Option<(u128, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 || fraction.contains('.') {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    // `5` after the point is 500,000,000 of nine places.
    let fraction: u128 = format!("{fraction:0<9}").parse().ok()?;
    Some((u128::from(whole) * SCALE + fraction, unit.trim()))
}

const SCALE: u128 = 1_000_000_000;

/// Reads a size in bytes, such as `10 MiB`, `1.5 kB` or `4096`.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit = if unit.is_empty() { "B" } else { unit };
    let (_, bytes) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    let bytes = number.checked_mul(u128::from(*bytes))?;
    (bytes % SCALE == 0).then_some(bytes / SCALE)?.try_into().ok()
}

/// Writes a size with the largest unit that needs no fraction.
pub(super) fn size_text(bytes: u64) -> String {
    // Binary units only: 1 MB would be printed as 1000 kB by one reader and 976 KiB by another.
    let unit = SIZES.iter().find(|(name, unit)| (name.contains('i') || *unit == 1) && bytes.is_multiple_of(*unit));
    match unit.filter(|_| bytes > 0) {
        Some((name, unit)) => format!("{} {name}", bytes / unit),
        None => "0 B".to_owned(),
    }
}

/// Reads a duration with its unit, such as `5 s`, `1.5 h` or `200us`. Only 0 needs no unit.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let unit = match unit {
        "" if number == 0 => "s",
        "µs" | "μs" => "us",
        unit => unit,
    };
    let (_, nanos) = TIMES.iter().find(|(name, _)| *name == unit)?;
    let nanos = number.checked_mul(*nanos)?;
    let nanos = (nanos % SCALE == 0).then_some(nanos / SCALE)?;
    Some(Duration::new((nanos / SCALE).try_into().ok()?, (nanos % SCALE) as u32))
}

/// Writes a duration with the largest unit that needs no fraction.
pub(super) fn duration_text(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let unit = TIMES.iter().find(|(_, unit)| nanos.is_multiple_of(*unit));
    match unit.filter(|_| nanos > 0) {
        Some((name, unit)) => format!("{} {name}", nanos / unit),
        None => "0 s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        let rows = [
            ("0", Some(0), "0 B"),
            ("4096", Some(4096), "4 KiB"),
            ("10 MiB", Some(10 << 20), "10 MiB"),
            ("10mib", Some(10 << 20), "10 MiB"),
            ("1.5 KiB", Some(1536), "1536 B"),
            ("1_000 kB", Some(1_000_000), "1000000 B"),
            ("1 TB", Some(1_000_000_000_000), "976562500 KiB"),
        ];
        for (text, bytes, again) in rows {
            assert_eq!(parse_size(text), bytes, "{text}");
            assert_eq!(bytes.map(size_text).as_deref(), Some(again), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5", "1.", ".5 MiB", "1..2 MiB", "10 MB/s", "10 Mib it", "99999999999 TiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        let rows = [
            ("0", Duration::ZERO, "0 s"),
            ("5 s", Duration::from_secs(5), "5 s"),
            ("1.5 s", Duration::from_millis(1500), "1500 ms"),
            ("90 min", Duration::from_secs(5400), "90 min"),
            ("24h", Duration::from_secs(86_400), "1 d"),
            ("50 µs", Duration::from_micros(50), "50 us"),
            ("2 w", Duration::from_secs(14 * 86_400), "2 w"),
        ];
        for (text, duration, again) in rows {
            assert_eq!(parse_duration(text), Some(duration), "{text}");
            assert_eq!(duration_text(duration), again);
            assert_eq!(parse_duration(again), Some(duration));
        }
        for text in ["", "5", "s", "-5 s", "5 S", "5 sec", "5 m", "0.5 ns", "99999999999999999999 w"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
