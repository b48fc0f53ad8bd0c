//! What an answer means for the records of its request.
//!
//! | status (RFC 9110, section 15) | records |
//! |---|---|
//! | 2xx | written, unless the format has a status for each record |
//! | 408 Request Timeout, 429 Too Many Requests, 5xx | sent again, after `Retry-After` if there is one |
//! | anything else | failed: the same request would get the same answer |
//!
//! `Retry-After` (RFC 9110, section 10.2.3) is a number of seconds or a date. A date is compared with this machine's
//! clock, so the pause is limited to one hour, in case the clocks differ.

use std::time::Duration;

use crate::error::rendered;
use crate::handler::Outcome;
use crate::time::{Timestamp, days_from_civil};

/// The outcomes of the records of a request, in order. A record that is left [`Outcome::Open`] is sent again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All records have this outcome. The text is the reason of a failure, if any.
    All(Outcome, String),
    /// One for each.
    Each(Vec<Outcome>, String),
}

impl Verdict {
    pub(super) const ACCEPTED: Self = Self::All(Outcome::Written, String::new());
}

/// Returns whether the same request may succeed later: 408, 429 and 500 to 599.
pub(super) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Quotes the beginning of an answer's body, on one line.
pub(super) fn quoted(body: &[u8]) -> String {
    const MOST: usize = 200;
    let start = String::from_utf8_lossy(body.get(..MOST).unwrap_or(body));
    let more = if body.len() > MOST { " …" } else { "" };
    if body.is_empty() { "(no text)".to_owned() } else { rendered(format_args!("{}{more}", start.trim())) }
}

/// Reads how long to wait from a `Retry-After` field: seconds or a date, by RFC 9110 §10.2.3.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number with more digits is longer than any pause, and is limited to the maximum anyway.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let seconds = http_date(value, now)?;
    let nanos = i128::from(seconds) * 1_000_000_000 - i128::from(now.as_nanos());
    Some(Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)))
}

/// Reads a date in any of the three forms of RFC 9110 §5.6.7 and returns the seconds since the epoch.
///
/// A year of two digits is the one that lies less than 50 years ahead of `now`.
fn http_date(text: &str, now: Timestamp) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (day, month, year, time) = match words[..] {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [_, day, month, year, time, "GMT"] => (day, month, year, time),
        // Sunday, 06-Nov-94 08:49:37 GMT
        [_, date, time, "GMT"] => {
            let mut parts = date.split('-');
            (parts.next()?, parts.next()?, parts.next()?, time)
        }
        // Sun Nov  6 08:49:37 1994
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let day = number(day).filter(|day| (1..=31).contains(day))?;
    let mut parts = time.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = |year| days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let given = number(year)?;
    if year.len() != 2 {
        return Some(seconds(given));
    }
    let horizon = now.as_nanos() / 1_000_000_000 + 50 * 365 * 86_400;
    (0..4).rev().map(|century| seconds(1800 + 100 * century + given)).find(|date| *date <= horizon)
}

/// Reads up to four digits.
fn number(text: &str) -> Option<i64> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_nanos(784_111_777_500_000_000); // 1994-11-06T08:49:37.5Z
        let millis = |millis| Some(Duration::from_millis(millis));
        let rows = [
            ("0", millis(0)),
            (" 120 ", millis(120_000)),
            ("99999999999999999999999", Some(Duration::from_secs(u64::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", millis(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", millis(59_500)),
            ("Sunday, 06-Nov-94 08:49:38 GMT", millis(500)),
            ("Sun Nov  6 08:49:38 1994", millis(500)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", millis(86_399_500)),
            ("Sunday, 06-Nov-43 08:49:38 GMT", millis(1_546_300_800_500)),
            ("Sunday, 06-Nov-45 08:49:38 GMT", millis(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Foo 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ];
        for (value, expected) in rows {
            assert_eq!(retry_after(value, now), expected, "{value:?}");
        }
    }

    #[test]
    fn some_statuses_pass() {
        let transient = (100..=600).filter(|status| is_transient(*status)).collect::<Vec<_>>();
        assert_eq!(transient, [408, 429].into_iter().chain(500..=599).collect::<Vec<_>>());
    }

    #[test]
    fn bodies_are_quoted_on_one_line() {
        assert_eq!(quoted(b"no\nsuch \x1b[1m index\n"), "no\\nsuch \\u{1b}[1m index");
        assert_eq!(quoted(b""), "(no text)");
        assert_eq!(quoted(&[b'x'; 201]), "x".repeat(200) + " …");
        assert_eq!(quoted(b"\xff"), "\u{fffd}");
    }
}
