//! Lines of `key=value` alone.

use std::fmt::Write;

use super::FemtoFormatter;
use super::pairs::pairs;
use super::quoted::Quoted;
use super::stamp::{Stamp, stamp_settings};
use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::text::{Raw, is_harmful};
use crate::value::{Value, write_value};

/// Writes records as `time=2026-03-12T08:30:00.123456Z level=info logger=app::db thread=main msg="ready" port=8080`.
///
/// Text that is empty or holds a space, `=`, `"`, a backslash or a control character stands in quotes, with the escapes of a JSON string;
/// the message always does. In keys, those characters are `_`. Values that are no text are written as `format!("{}")` does: `NaN`, `inf`,
/// `null`; types do not survive in this format.
///
/// A key that comes twice is written once: the last one wins. A key with the name of one of the five fields gets a `_` at its end: `level`
/// becomes `level_`, and `level_` becomes `level__`.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`digits`](Self::digits) | 6 | fractional digits of the time |
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoLogfmtFormatter, FemtoStreamHandler};
///
/// let handler = FemtoStreamHandler::stdout().formatter(FemtoLogfmtFormatter::new().digits(3)).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FemtoLogfmtFormatter {
    stamp: Stamp,
}

/// The keys that a record's own fields have.
const FIELDS: [&str; 5] = ["time", "level", "logger", "thread", "msg"];

impl Default for FemtoLogfmtFormatter {
    fn default() -> Self {
        Self::new()
    }
}

impl FemtoLogfmtFormatter {
    /// Makes a formatter whose times are UTC with microseconds.
    pub fn new() -> Self {
        Self { stamp: Stamp::new(6) }
    }

    stamp_settings!();
}

impl FemtoFormatter for FemtoLogfmtFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"time=");
        self.stamp.write(record.timestamp(), out);
        out.extend_from_slice(match record.level() {
            Level::Trace => b" level=trace logger=",
            Level::Debug => b" level=debug logger=",
            Level::Info => b" level=info logger=",
            Level::Warn => b" level=warn logger=",
            Level::Error => b" level=error logger=",
            Level::Critical => b" level=critical logger=",
        });
        write_text(record.logger(), out);
        out.extend_from_slice(b" thread=");
        write_text(record.thread_name(), out);
        out.extend_from_slice(b" msg=\"");
        let _ = record.message().render(&mut Quoted(out));
        out.push(b'"');
        pairs(record).each(
            |key, later| spell(key).eq(spell(later)),
            |key, value| {
                out.push(b' ');
                let _ = spell(key).try_for_each(|c| Raw(out).write_char(c));
                if FIELDS.iter().any(|field| key.strip_prefix(field).is_some_and(comes_to_nothing)) {
                    out.push(b'_');
                }
                out.push(b'=');
                match *value {
                    Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => {
                        write_text(text, out)
                    }
                    // Of the other types' texts, only a character can need quotes.
                    Value::Char(c) => write_text(c.encode_utf8(&mut [0; 4]), out),
                    value => write_value(&mut Quoted(out), value),
                }
            },
        );
    }
}

/// The characters of a key as they can be written; `_` for none.
fn spell(key: &str) -> impl Iterator<Item = char> {
    let nothing = key.is_empty().then_some('_');
    nothing.into_iter().chain(key.chars().map(|c| if is_plain(c) { c } else { '_' }))
}

/// Says whether what stands behind a field's name in a key comes to nothing but `_`.
fn comes_to_nothing(rest: &str) -> bool {
    rest.chars().all(|c| c == '_' || !is_plain(c))
}

/// Says whether a character can stand outside quotes.
fn is_plain(c: char) -> bool {
    !(c.is_whitespace() || matches!(c, '=' | '"' | '\\') || is_harmful(c))
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Most text is ASCII without anything that needs quotes.
    let simple = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b'"' | b'\\');
    if !text.is_empty() && (text.bytes().all(simple) || text.chars().all(is_plain)) {
        out.extend_from_slice(text.as_bytes());
    } else {
        super::quoted::push_string(out, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::by_hand::ByHand;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    fn text(record: ByHand<'_>) -> String {
        let mut out = Vec::new();
        record.with(|record| FemtoLogfmtFormatter::new().format(record, &mut out));
        String::from_utf8(out).unwrap()
    }

    /// Reads a line back.
    fn parse(line: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut rest = line;
        while !rest.is_empty() {
            let (key, behind) = rest.split_once('=').unwrap();
            let value = if behind.starts_with('"') {
                let mut escaped = false;
                let end = behind.char_indices().skip(1).find(|(_, c)| {
                    let end = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    end
                });
                &behind[..=end.unwrap().0]
            } else {
                behind.split(' ').next().unwrap()
            };
            rest = behind[value.len()..].strip_prefix(' ').unwrap_or_default();
            let value = if value.starts_with('"') { serde_json::from_str(value).unwrap() } else { value.to_owned() };
            pairs.push((key.to_owned(), value));
        }
        pairs
    }

    #[test]
    fn lines() {
        let time = "time=2023-03-05T20:35:20.123456Z";
        let line = format!("{time} level=warn logger=app.db thread=main msg=\"retry 3 of five\"");
        assert_eq!(text(ByHand::default()), line);
        let rows = [
            ("k", Value::Str("plain"), "k=plain"),
            ("k", Value::Str(""), "k=\"\""),
            ("k", Value::Str("two words"), "k=\"two words\""),
            ("k", Value::Str("a=b"), "k=\"a=b\""),
            ("k", Value::Str("say \"hi\"\\"), r#"k="say \"hi\"\\""#),
            ("k", Value::Str("a\nb\u{1b}\u{85}"), r#"k="a\nb\u001b\u0085""#),
            ("k", Value::Str("größe"), "k=größe"),
            ("k", Value::Str("\u{a0}"), "k=\"\u{a0}\""),
            ("k", Value::Debug("Some(\"x\")"), r#"k="Some(\"x\")""#),
            ("k", Value::Error("no \"x\" a=b: gone"), r#"k="no \"x\" a=b: gone""#),
            ("k", Value::Secret, "k=***"),
            ("k", Value::Char(' '), "k=\" \""),
            ("k", Value::Null, "k=null"),
            ("k", Value::F64(f64::NAN), "k=NaN"),
            ("k", Value::F64(f64::NEG_INFINITY), "k=-inf"),
            ("k", Value::F64(0.5), "k=0.5"),
            ("k", Value::I128(i128::MIN), "k=-170141183460469231731687303715884105728"),
            ("k", Value::Duration(std::time::Duration::from_millis(1500)), "k=1.5s"),
            ("", Value::Bool(true), "_=true"),
            ("a b=\"c\"\n", Value::Bool(true), "a_b__c__=true"),
            ("http.status", Value::U64(200), "http.status=200"),
            ("level", Value::U64(1), "level_=1"),
            ("level_", Value::U64(1), "level__=1"),
            ("level ", Value::U64(1), "level__=1"),
            ("levels", Value::U64(1), "levels=1"),
        ];
        for (key, value, expected) in rows {
            let found = text(ByHand { key_values: &[(key, value)], ..ByHand::default() });
            assert_eq!(found, format!("{line} {expected}"));
        }
        let twice = [("a", Value::U64(1)), ("b", Value::U64(2)), ("a", Value::U64(3))];
        assert_eq!(text(ByHand { key_values: &twice, ..ByHand::default() }), format!("{line} b=2 a=3"));
    }

    #[test]
    fn every_level_has_its_name() {
        for level in Level::ALL {
            let line = text(ByHand { level, ..ByHand::default() });
            assert_eq!(parse(&line)[1], ("level".to_owned(), level.as_str().to_lowercase()));
        }
    }

    proptest! {
        #[test]
        fn anything_comes_back(
            message: String, logger: String, thread: String, nanos: i64,
            pairs in prop::collection::vec((prop_oneof!["[a-c.]{1,2}", "level_{0,2}", any::<String>()], any::<String>()), 0..10),
        ) {
            let key_values: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), Value::Str(value))).collect();
            let timestamp = Timestamp::from_nanos(nanos);
            let record = ByHand {
                message: &message, logger: &logger, thread: &thread, key_values: &key_values, timestamp, ..ByHand::default()
            };
            let line = text(record);
            prop_assert!(!line.contains(is_harmful), "{line:?}");
            let mut expected = vec![
                ("time".to_owned(), timestamp.to_string()),
                ("level".to_owned(), "warn".to_owned()),
                ("logger".to_owned(), logger.clone()),
                ("thread".to_owned(), thread.clone()),
                ("msg".to_owned(), message.clone()),
            ];
            for (index, (key, value)) in pairs.iter().enumerate() {
                let spelt = |key: &str| {
                    let plain: String = key.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
                    let plain = if plain.is_empty() { "_".to_owned() } else { plain };
                    let is_field = FIELDS.contains(&plain.trim_end_matches('_'));
                    if is_field { plain + "_" } else { plain }
                };
                if !pairs[index + 1..].iter().any(|(later, _)| spelt(later) == spelt(key)) {
                    expected.push((spelt(key), value.clone()));
                }
            }
            prop_assert_eq!(parse(&line), expected);
        }
    }
}
