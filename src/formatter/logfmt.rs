//! logfmt: lines of `key=value`.

use std::fmt::Write;

use super::FemtoFormatter;
use super::pairs::{NextValue, numbered_pairs};
use super::plan::{Marks, Plans, ValuePiece};
use super::stamp::{Stamp, stamp_settings};
use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::text::{Appends, Output, Quoted, Raw, is_bare, is_bare_char};
use crate::value::{Tag, Value, write_value};

/// Writes records as `time=2026-03-12T08:30:00.123456Z level=info logger=app::db thread=main msg="ready" port=8080`.
///
/// This is the format of [logfmt](https://brandur.org/logfmt), which Heroku, Grafana Loki and others read. Text that is
/// empty or has a space, `=`, `"`, a backslash or a control character is in quotes, with the escapes of a JSON string;
/// the message, lists and maps always are. In keys, these characters become `_`. Values that are not text are written
/// as `format!("{}")` does: `NaN`, `inf`, `null`, `"[1,\"two\"]"`, bytes in hexadecimal digits. The format has no
/// types.
///
/// The names of the enclosing spans and the id of the innermost one precede the message: `span=request:load span_id=7`.
/// The id is left out if there is a key `span_id`.
///
/// If a key occurs several times, only the last value is written. A `_` is added to a key with the name of another
/// field (`time`, `level`, `logger`, `thread`, `span` or `msg`): `level` becomes `level_`, and `level_` becomes
/// `level__`.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`digits`](Self::digits) | 6 | fractional digits of the time |
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoLogfmtFormatter;
/// use femtologging::FemtoStreamHandler;
///
/// let handler = FemtoStreamHandler::stdout().formatter(FemtoLogfmtFormatter::new().digits(3)).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FemtoLogfmtFormatter {
    stamp: Stamp,
    plans: Plans<LogfmtPiece>,
}

/// A piece of text that differs from record to record of a call site; see `plan`.
#[derive(Clone, Copy)]
enum LogfmtPiece {
    Time,
    Thread,
    Message,
    Value(NextValue),
}

impl LogfmtPiece {
    fn in_message(tag: Tag) -> ValuePiece<Self> {
        NextValue::in_message(tag, Self::Value)
    }

    fn of_pair(tag: Tag) -> ValuePiece<Self> {
        NextValue::of_pair(tag, Self::Value)
    }
}

/// The names of a record's own fields.
const FIELDS: [&str; 6] = ["time", "level", "logger", "thread", "span", "msg"];

/// The field that is left out if there is a key with its name.
const SPAN_ID: &str = "span_id";

impl Default for FemtoLogfmtFormatter {
    fn default() -> Self {
        Self::new()
    }
}

impl FemtoLogfmtFormatter {
    /// Makes a formatter whose times are UTC with microseconds.
    pub fn new() -> Self {
        Self { stamp: Stamp::new(6), plans: Plans::new() }
    }

    stamp_settings!();
}

impl FemtoFormatter for FemtoLogfmtFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        match self.plans.find(record, out) {
            Ok(steps) => steps.run(record, out, |piece, reader, out| match piece {
                LogfmtPiece::Time => self.stamp.write(record.timestamp(), out),
                LogfmtPiece::Thread => {
                    let quote = if record.has_bare_thread() { "" } else { "\"" };
                    out.extend_from_slice(quote.as_bytes());
                    record.render_thread(&mut Quoted(out));
                    out.extend_from_slice(quote.as_bytes());
                }
                LogfmtPiece::Message => *reader = record.message().render(&mut Quoted(out)),
                LogfmtPiece::Value(value) => {
                    value.write(reader, &mut Quoted(out), |out, value| write_field_value(value, out.buffer()));
                }
            }),
            Err(mut marks) => {
                self.write(record, &mut marks, out);
                self.plans.learn(record, marks, out);
            }
        }
    }
}

impl FemtoLogfmtFormatter {
    /// Returns the number of call sites with a plan.
    #[cfg(test)]
    pub(super) fn plans(&self) -> usize {
        self.plans.len()
    }

    fn write(&mut self, record: &FemtoLogRecord<'_>, marks: &mut Marks<LogfmtPiece>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"time=");
        marks.piece(LogfmtPiece::Time, out, |out| self.stamp.write(record.timestamp(), out));
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
        marks.piece(LogfmtPiece::Thread, out, |out| write_text(record.thread_name(), out));
        let pairs = numbered_pairs(record);
        if let Some(innermost) = record.spans().last() {
            let plain = record.spans().all(|span| is_bare(span.name()));
            out.extend_from_slice(if plain { b" span=" } else { b" span=\"" });
            record.render_spans(&mut Quoted(out));
            out.extend_from_slice(if plain { b"" } else { b"\"" });
            if !pairs.any(|key| spell(key).eq(SPAN_ID.chars())) {
                out.extend_from_slice(b" span_id=");
                Raw(out).number(innermost.id());
            }
        }
        out.extend_from_slice(b" msg=\"");
        marks.message(record, LogfmtPiece::Message, LogfmtPiece::in_message, &mut Quoted(out));
        out.push(b'"');
        pairs.each(
            |key, later| spell(key).eq(spell(later)),
            |key, (place, value)| {
                out.push(b' ');
                let _ = spell(key).try_for_each(|c| Raw(out).write_char(c));
                if FIELDS.iter().any(|field| key.strip_prefix(field).is_some_and(comes_to_nothing)) {
                    out.push(b'_');
                }
                out.push(b'=');
                marks.key_value(*place, LogfmtPiece::of_pair, out, |out| write_field_value(*value, out));
            },
        );
    }
}

#[inline]
fn write_field_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => write_text(text, out),
        Value::Char(c) => write_text(c.encode_utf8(&mut [0; 4]), out),
        Value::List(_) | Value::Map(_) | Value::Bytes([]) => {
            out.push(b'"');
            write_value(&mut Quoted(out), value);
            out.push(b'"');
        }
        // The text of other types never needs quotes.
        value => write_value(&mut Quoted(out), value),
    }
}

/// Returns the characters of a key that may be written, with `_` in place of others.
fn spell(key: &str) -> impl Iterator<Item = char> {
    let nothing = key.is_empty().then_some('_');
    nothing.into_iter().chain(key.chars().map(|c| if is_bare_char(c) { c } else { '_' }))
}

/// Returns whether the rest of a key, after a field's name, becomes nothing but `_`.
fn comes_to_nothing(rest: &str) -> bool {
    rest.chars().all(|c| c == '_' || !is_bare_char(c))
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    if is_bare(text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        crate::text::push_string(out, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::by_hand::{ByHand, any_value};
    use crate::text::is_harmful;
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
        let list = ByHand::list([Value::U64(1), Value::Str("a b")]);
        let map = ByHand::map([("k", list.get()), ("", Value::Str("\n\u{1b}"))]);
        let nested = [
            ("k", list.get(), r#"k="[1,\"a b\"]""#),
            ("k", map.get(), r#"k="{\"k\":[1,\"a b\"],\"\":\"\\n\\u{1b}\"}""#),
            ("k", Value::Bytes(&[0, 0x1b]), "k=001b"),
            ("k", Value::Bytes(&[]), "k=\"\""),
            ("span_", Value::U64(1), "span__=1"),
            ("span_id", Value::U64(1), "span_id=1"),
        ];
        for (key, value, expected) in rows.into_iter().chain(nested) {
            let found = text(ByHand { key_values: &[(key, value)], ..ByHand::default() });
            assert_eq!(found, format!("{line} {expected}"));
        }
        let twice = [("a", Value::U64(1)), ("b", Value::U64(2)), ("a", Value::U64(3))];
        assert_eq!(text(ByHand { key_values: &twice, ..ByHand::default() }), format!("{line} b=2 a=3"));
    }

    #[test]
    fn spans_stand_before_the_message() {
        let start = "time=2023-03-05T20:35:20.123456Z level=warn logger=app.db thread=main";
        let message = "msg=\"retry 3 of five\"";
        let rows: [(&[(&str, u64)], &str); 4] = [
            (&[("request", 3), ("load", 4)], "span=request:load span_id=4"),
            (&[("two words", 3)], "span=\"two words\" span_id=3"),
            (&[("", 3)], "span=\"\" span_id=3"),
            (&[("a\n\"", 3), ("b", 4)], r#"span="a\n\":b" span_id=4"#),
        ];
        for (spans, expected) in rows {
            assert_eq!(text(ByHand { spans, ..ByHand::default() }), format!("{start} {expected} {message}"));
        }
        let key_values = [("span", Value::U64(1)), ("span id", Value::Str("00f0"))];
        let record = ByHand { spans: &[("load", 4)], key_values: &key_values, ..ByHand::default() };
        assert_eq!(text(record), format!("{start} span=load {message} span_=1 span_id=00f0"));
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
            pairs in prop::collection::vec((prop_oneof!["[a-c.]{1,2}", "level_{0,2}", "span[ _]id", any::<String>()], any_value()), 0..10),
            in_context in 0..10_usize, spans in prop::collection::vec((any::<String>(), any::<u64>()), 0..3),
        ) {
            let all: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.get())).collect();
            let (context, key_values) = all.split_at(in_context.min(all.len()));
            let spans: Vec<_> = spans.iter().map(|(name, id)| (name.as_str(), *id)).collect();
            let timestamp = Timestamp::from_nanos(nanos);
            let record = ByHand {
                message: &message, logger: &logger, thread: &thread, context, spans: &spans, key_values, timestamp,
                ..ByHand::default()
            };
            let line = text(record);
            prop_assert!(!line.contains(is_harmful), "{line:?}");
            let mut expected = vec![
                ("time".to_owned(), timestamp.to_string()),
                ("level".to_owned(), "warn".to_owned()),
                ("logger".to_owned(), logger.clone()),
                ("thread".to_owned(), thread.clone()),
            ];
            let spelt = |key: &str| {
                let plain: String = key.chars().map(|c| if is_bare_char(c) { c } else { '_' }).collect();
                let plain = if plain.is_empty() { "_".to_owned() } else { plain };
                let is_field = FIELDS.contains(&plain.trim_end_matches('_'));
                if is_field { plain + "_" } else { plain }
            };
            if let Some((_, id)) = spans.last() {
                let path: Vec<_> = spans.iter().map(|(name, _)| *name).collect();
                expected.push(("span".to_owned(), path.join(":")));
                if !pairs.iter().any(|(key, _)| spelt(key) == SPAN_ID) {
                    expected.push((SPAN_ID.to_owned(), id.to_string()));
                }
            }
            expected.push(("msg".to_owned(), message.clone()));
            for (index, (key, value)) in pairs.iter().enumerate() {
                if !pairs[index + 1..].iter().any(|(later, _)| spelt(later) == spelt(key)) {
                    expected.push((spelt(key), value.to_string()));
                }
            }
            prop_assert_eq!(parse(&line), expected);
        }
    }
}
