//! The names of backups, and which files are backups.
//!
//! | naming | file | backups |
//! |---|---|---|
//! | numbered, by size | `app.log` | `app.log.1`, the newest, `app.log.2` … |
//! | dated, by time | `app.log` | `app.log.2026-03-12`, and `app.log.2026-03-12.1` if that is taken |
//! | pattern `app.%Y-%m.{n}.log` | any | `app.2026-03.1.log`, `app.2026-03.2.log` … |
//! | any of them, compressed | | the same name and `.gz` |
//!
//! # Invariant
//!
//! Handlers rename and remove files, so a mistake about what is a backup destroys somebody's file. A name is a backup's
//! only if it is *exactly* what [`BackupNames::name`] makes: `parse` reads the date and the number out of a name, makes
//! the name of them again, and compares. `app.log.01`, `app.log.2026-3-1`, `app.log.1.bak` and `app.log.2026-02-30x`
//! are left alone.
//!
//! ```text
//! app.2026-03.2.log ── parse ──► date [2026, 3, 0, 0, 0, 0], number 2 ── name ──► app.2026-03.2.log    equal: a backup
//! app.2026-03.02.log ─ parse ──► the same                             ── name ──► app.2026-03.2.log    not equal
//! ```
//!
//! The order of backups is that of [`BackupOrder`], by date and then by number. Times of modification are not used for
//! it, since copying or compressing a backup changes them.

use std::ffi::{OsStr, OsString};

use crate::error::Problem;
use crate::time::civil_from_days;

/// The end of a compressed backup's name.
const COMPRESSED: &str = ".gz";

/// The names of a file's backups.
#[derive(Debug, Clone)]
pub(super) enum BackupNames {
    /// `app.log.1` is the newest, and each rollover renames every backup to the next number. The default for rollovers
    /// by size, as in CPython.
    Numbered(OsString),
    /// The period's date, a number, or both. A backup keeps its name.
    Pattern(Vec<NamePart>),
}

/// How a file's name becomes the names of its backups.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    Numbered,
    /// By the period's date, in a pattern such as `%Y-%m-%d`.
    Dated(&'static str),
    /// By the pattern of [`namer`](crate::handler::HandlerBuilder::namer), which does not depend on the file's name.
    Pattern(BackupNames),
}

impl Naming {
    /// Returns the names of the backups of the file with this name.
    pub(super) fn names(&self, base: &OsStr) -> BackupNames {
        match self {
            Self::Numbered => BackupNames::Numbered(base.to_owned()),
            Self::Dated(dates) => BackupNames::dated(base.to_owned(), dates),
            Self::Pattern(names) => names.clone(),
        }
    }
}

/// A piece of a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NamePart {
    Text(OsString),
    /// A field of the date, by its place in [`BackupOrder::date`].
    Field(usize),
    Number,
}

/// The directive of each field of a date and its digits, from the coarsest to the finest.
const FIELDS: [(u8, usize); 6] = [(b'Y', 4), (b'm', 2), (b'd', 2), (b'H', 2), (b'M', 2), (b'S', 2)];

/// The date and the number in a backup's name. Backups with a pattern are ordered by them, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct BackupOrder {
    /// Year to second; 0 for fields that the name does not have.
    pub(super) date: [u32; 6],
    pub(super) number: u32,
}

impl BackupNames {
    /// Makes the names of CPython's `TimedRotatingFileHandler`: the file's own name and a date.
    pub(super) fn dated(base: OsString, dates: &str) -> Self {
        let mut parts = vec![NamePart::Text(base), NamePart::Text(".".into())];
        parts.extend(parse(dates));
        Self::Pattern(parts)
    }

    /// Parses a pattern such as `app.%Y-%m-%d.log` or `app.{n}.log`.
    ///
    /// The fields of the date must be given from the year on, without gaps: with `%d` alone, backups of different
    /// months would have the same name, and could not be ordered.
    pub(super) fn pattern(pattern: &str) -> Result<Self, Problem> {
        let wrong = |remedy: &str| Problem::new("namer", format_args!("{pattern:?}"), remedy);
        let parts = parse(pattern);
        let fields: Vec<_> = (0..FIELDS.len()).filter(|field| parts.contains(&NamePart::Field(*field))).collect();
        if pattern.is_empty() {
            return Err(wrong("give a pattern such as app.%Y-%m-%d.log"));
        }
        if pattern.contains(['/', '\\']) {
            return Err(wrong("backups stay in the file's directory: leave out the separator"));
        }
        if fields.iter().enumerate().any(|(at, field)| at != *field) {
            return Err(wrong("dates must sort: give all fields from the year on, of %Y %m %d %H %M %S"));
        }
        if parts.iter().any(|part| matches!(part, NamePart::Text(text) if text.as_encoded_bytes().contains(&b'%'))) {
            return Err(wrong("use %Y %m %d %H %M %S, {n} for a number, and no other percent sign"));
        }
        if parts.iter().filter(|part| **part == NamePart::Number).count() > 1 {
            return Err(wrong("give {n} once at most"));
        }
        Ok(Self::Pattern(parts))
    }

    /// Returns the date and number for a period that starts at `shown`, in seconds of the schedule's clock since
    /// 1970-01-01.
    pub(super) fn key(&self, shown: i64) -> BackupOrder {
        let Self::Pattern(parts) = self else {
            return BackupOrder::default();
        };
        let (year, month, day) = civil_from_days(shown.div_euclid(86_400));
        let second = shown.rem_euclid(86_400) as u32;
        let date = [year as u32, month, day, second / 3600, second / 60 % 60, second % 60];
        let mut key = BackupOrder { number: u32::from(parts.contains(&NamePart::Number)), ..BackupOrder::default() };
        for part in parts {
            if let NamePart::Field(field) = *part {
                key.date[field] = date[field];
            }
        }
        key
    }

    /// Returns the name of a backup with this date and number.
    pub(super) fn name(&self, key: BackupOrder) -> OsString {
        let mut name = OsString::new();
        let has_number = match self {
            Self::Numbered(base) => {
                name.push(base);
                false
            }
            Self::Pattern(parts) => {
                for part in parts {
                    match part {
                        NamePart::Text(text) => name.push(text),
                        NamePart::Field(field) => {
                            name.push(format!("{:0width$}", key.date[*field], width = FIELDS[*field].1))
                        }
                        NamePart::Number => name.push(key.number.to_string()),
                    }
                }
                parts.contains(&NamePart::Number)
            }
        };
        if !has_number && key.number > 0 {
            name.push(format!(".{}", key.number));
        }
        name
    }

    /// Parses a backup's name: returns its date and number, and whether it is compressed.
    ///
    /// Returns `None` unless [`name`](Self::name) makes exactly this name of the result. So `app.log.01` and
    /// `app.log.2026-3-1` are not backups, and are never renamed or removed.
    pub(super) fn parse(&self, name: &OsStr) -> Option<(BackupOrder, bool)> {
        let whole = name.as_encoded_bytes();
        let plain = self.parse_plain(whole).map(|key| (key, false));
        plain.or_else(|| Some((self.parse_plain(whole.strip_suffix(COMPRESSED.as_bytes())?)?, true)))
    }

    /// Parses the name of a compressed backup with the suffix `more`.
    pub(super) fn parse_with(&self, more: &str, name: &OsStr) -> Option<BackupOrder> {
        let compressed = name.as_encoded_bytes().strip_suffix(more.as_bytes())?;
        self.parse_plain(compressed.strip_suffix(COMPRESSED.as_bytes())?)
    }

    fn parse_plain(&self, name: &[u8]) -> Option<BackupOrder> {
        let mut key = BackupOrder::default();
        let mut rest = name;
        let mut has_number = false;
        match self {
            Self::Numbered(base) => rest = rest.strip_prefix(base.as_encoded_bytes())?,
            Self::Pattern(parts) => {
                for part in parts {
                    match part {
                        NamePart::Text(text) => rest = rest.strip_prefix(text.as_encoded_bytes())?,
                        NamePart::Field(field) => {
                            let (digits, after) = rest.split_at_checked(FIELDS[*field].1)?;
                            let first = u32::from(matches!(field, 1 | 2));
                            key.date[*field] = number(digits).filter(|number| *number >= first)?;
                            rest = after;
                        }
                        NamePart::Number => {
                            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                            key.number = number(&rest[..digits])?;
                            rest = &rest[digits..];
                            has_number = true;
                        }
                    }
                }
            }
        }
        if let Some(digits) = rest.strip_prefix(b".").filter(|_| !has_number) {
            key.number = number(digits)?;
            rest = &[];
        }
        let [_, month, day, hour, minute, second] = key.date;
        let is_date = month <= 12 && day <= 31 && hour < 24 && minute < 60 && second < 60;
        let is_numbered = matches!(self, Self::Pattern(_)) || key.number > 0;
        (rest.is_empty() && is_date && is_numbered && self.name(key).as_encoded_bytes() == name).then_some(key)
    }
}

/// Returns the name of the compressed form of a backup.
pub(super) fn compressed(name: &OsStr) -> OsString {
    let mut name = name.to_owned();
    name.push(COMPRESSED);
    name
}

/// Splits a pattern into directives and text.
fn parse(pattern: &str) -> Vec<NamePart> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let field = rest
            .strip_prefix('%')
            .and_then(|after| FIELDS.iter().position(|(directive, _)| after.as_bytes().first() == Some(directive)));
        let (part, length) = match field {
            Some(field) => (Some(NamePart::Field(field)), 2),
            None if rest.starts_with("{n}") => (Some(NamePart::Number), 3),
            // A percent sign that begins no directive stays text; `pattern` reports it.
            None => (None, c.len_utf8()),
        };
        match part {
            Some(part) => {
                if !text.is_empty() {
                    parts.push(NamePart::Text(std::mem::take(&mut text).into()));
                }
                parts.push(part);
            }
            None => text.push(c),
        }
        rest = &rest[length..];
    }
    if !text.is_empty() {
        parts.push(NamePart::Text(text.into()));
    }
    parts
}

fn number(digits: &[u8]) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: i64 = 1_773_317_405; // 2026-03-12 12:10:05

    fn name(names: &BackupNames, key: BackupOrder) -> String {
        names.name(key).into_string().unwrap()
    }

    #[test]
    fn names_are_cpythons_or_the_patterns() {
        let numbered = BackupNames::Numbered("app.log".into());
        assert_eq!(name(&numbered, BackupOrder { number: 3, ..BackupOrder::default() }), "app.log.3");
        let dated = BackupNames::dated("app.log".into(), "%Y-%m-%d_%H-%M-%S");
        let key = dated.key(NOON);
        assert_eq!(name(&dated, key), "app.log.2026-03-12_12-10-05");
        assert_eq!(name(&dated, BackupOrder { number: 2, ..key }), "app.log.2026-03-12_12-10-05.2");
        let own = BackupNames::pattern("app.%Y-%m-%d.{n}.log").unwrap();
        assert_eq!(name(&own, own.key(NOON)), "app.2026-03-12.1.log");
    }

    #[test]
    fn only_exact_names_are_ours() {
        let numbered = BackupNames::Numbered("app.log".into());
        let number = |text: &str| numbered.parse(text.as_ref()).map(|(key, compressed)| (key.number, compressed));
        assert_eq!(number("app.log.12"), Some((12, false)));
        assert_eq!(number("app.log.12.gz"), Some((12, true)));
        for other in [
            "app.log",
            "app.log.",
            "app.log.0",
            "app.log.01",
            "app.log.+1",
            "app.log.1.bak",
            "app.log.1.gz.gz",
            "app.log.1.gz.tmp",
            "app.log.99999999999",
            "xapp.log.1",
            "app.log.-1",
            "app.log.１",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
        let dated = BackupNames::pattern("app.%Y-%m-%d.log").unwrap();
        let is_ours = |text: &str| dated.parse(text.as_ref()).is_some();
        assert!(is_ours("app.2026-03-12.log") && is_ours("app.2026-03-12.log.1.gz"));
        for other in [
            "app.2026-13-12.log",
            "app.2026-00-12.log",
            "app.2026-3-12.log",
            "app.2026-03-12.log.",
            "app.2026-03-12.log.0",
            "app.2026-03-12.logs",
            "app.log",
            "app.2026-03-32.log",
            "app.+026-03-12.log",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn patterns_that_cannot_work_are_refused() {
        for (pattern, remedy) in [
            ("", "give a pattern"),
            ("old/app.log", "backups stay"),
            ("app.%m-%d", "dates must sort"),
            ("app.%Y-%d", "dates must sort"),
            ("app.%Y.%q", "use %Y"),
            ("app.{n}.{n}", "give {n} once"),
        ] {
            let problem = BackupNames::pattern(pattern).unwrap_err();
            assert!(problem.field == "namer" && problem.remedy.starts_with(remedy), "{problem}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            pattern in prop::sample::select(&["a.%Y", "%Y%m%d{n}", "%d.%m.%Y", "{n}", "x", "a{n}-%Y%m%d%H%M%S.log"]),
            shown in 0..250_000_000_000_i64,
            more in 0..1_000_000_000_u32,
        ) {
            let names = BackupNames::pattern(pattern).unwrap();
            let mut key = names.key(shown);
            key.number += more;
            let name = names.name(key);
            prop_assert_eq!(names.parse(&name), Some((key, false)));
            prop_assert_eq!(names.parse(&compressed(&name)), Some((key, true)));
        }
    }
}
