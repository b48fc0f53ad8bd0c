//! The default formatter: one line of text.

use super::FemtoFormatter;
use super::multiline::{self, IndentedText, Multiline};
use super::pairs::{NextValue, Pairs, write_pair_value};
use super::plan::{Marks, Plans, ValuePiece};
use super::stamp::{Stamp, stamp_settings};
use crate::level::Level;
use crate::record::{FemtoLogRecord, KeyName};
use crate::text::{Appends, Escaped, Output, Raw};
use crate::value::{Reader, Tag, Value};

/// Writes records as `2026-03-12T08:30:00.123456Z INFO  app::db [main] message key=value`.
///
/// The names of the enclosing spans precede the message: `[main] request:load: message`. Times are in UTC; with the
/// feature `local-time`, they can be in another time zone. If a key occurs several times, the last value is written. A
/// text value is in quotes if it is empty or has a space, `=`, `"` or a control character; quotes and backslashes in it
/// are then escaped.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`digits`](Self::digits) | 6 | fractional digits of the time |
/// | [`multiline`](Self::multiline) | `Escape` | whether a line feed begins a further line, behind a mark |
/// | [`escape`](Self::escape) | `true` | control characters are written as `\n`, `\u{1b}` … |
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoStreamHandler, FemtoTextFormatter};
///
/// let milliseconds = FemtoTextFormatter::new().digits(3);
/// let handler = FemtoStreamHandler::stderr().formatter(milliseconds).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FemtoTextFormatter {
    stamp: Stamp,
    escape: bool,
    multiline: Multiline,
    plans: Plans<TextPiece>,
}

/// A piece of text that differs from record to record of a call site; see `plan`.
#[derive(Clone, Copy)]
enum TextPiece {
    Time,
    Thread,
    Message,
    Value(NextValue),
}

impl TextPiece {
    fn in_message(tag: Tag) -> ValuePiece<Self> {
        NextValue::in_message(tag, Self::Value)
    }

    fn of_pair(tag: Tag) -> ValuePiece<Self> {
        NextValue::of_pair(tag, Self::Value)
    }
}

impl Default for FemtoTextFormatter {
    fn default() -> Self {
        Self::new()
    }
}

impl FemtoTextFormatter {
    /// Makes the default formatter.
    pub fn new() -> Self {
        Self { stamp: Stamp::new(6), escape: true, multiline: Multiline::Escape, plans: Plans::new() }
    }

    /// Sets whether control characters in messages, keys, values and names are escaped; `true` by default. Without it,
    /// text that comes from outside can forge a log line, or send commands to the terminal of whoever reads the log.
    pub fn escape(mut self, escape: bool) -> Self {
        self.escape = escape;
        self.plans = Plans::new();
        self
    }

    /// Sets what becomes of line feeds in records. Without [`escape`](Self::escape) they come through as they are.
    pub fn multiline(mut self, multiline: Multiline) -> Self {
        self.multiline = multiline;
        self
    }

    stamp_settings!();
}

impl FemtoFormatter for FemtoTextFormatter {
    #[inline]
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        if self.multiline == Multiline::Indent && self.escape {
            return self.write_lines(record, out);
        }
        match self.plans.find(record, out) {
            Ok(steps) if self.escape => {
                steps.run(record, out, |piece, reader, out| match piece {
                    TextPiece::Time => self.stamp.write(record.timestamp(), out),
                    piece => write_piece(piece, record, reader, &mut Escaped(out)),
                });
            }
            Ok(steps) => {
                steps.run(record, out, |piece, reader, out| match piece {
                    TextPiece::Time => self.stamp.write(record.timestamp(), out),
                    piece => write_piece(piece, record, reader, &mut Raw(out)),
                });
            }
            Err(mut marks) => {
                self.write(record, &mut marks, out);
                self.plans.learn(record, marks, out);
            }
        }
    }
}

impl FemtoTextFormatter {
    /// Returns the number of call sites with a plan.
    #[cfg(test)]
    pub(super) fn plans(&self) -> usize {
        self.plans.len()
    }

    fn write(&mut self, record: &FemtoLogRecord<'_>, marks: &mut Marks<TextPiece>, out: &mut Vec<u8>) {
        marks.piece(TextPiece::Time, out, |out| self.stamp.write(record.timestamp(), out));
        let (column, length) = column(record.level());
        let end = out.len() + length;
        out.extend_from_slice(column);
        out.truncate(end);
        if self.escape {
            write_head(record, marks, &mut Escaped(out));
            write_body(record, marks, Escaped(out), write_pair);
        } else {
            write_head(record, marks, &mut Raw(out));
            write_body(record, marks, Raw(out), write_pair);
        }
    }

    /// Writes a record whose text may have several lines. Plans have constant text escaped, so there is none.
    fn write_lines(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        self.stamp.write(record.timestamp(), out);
        let (column, length) = column(record.level());
        out.extend_from_slice(&column[..length]);
        write_head(record, &mut Marks::none(), &mut Escaped(out));
        let message = out.len();
        write_body(record, &mut Marks::none(), IndentedText(out), |out, key, _, value, _| {
            multiline::write_pair(out, |out| key.write(out), value);
        });
        multiline::trim_end(message, out);
        multiline::indent(start, message, out);
    }
}

/// Returns the level between spaces, padded to five letters, and its length.
fn column(level: Level) -> (&'static [u8; 10], usize) {
    match level {
        Level::Trace => (b" TRACE    ", 7),
        Level::Debug => (b" DEBUG    ", 7),
        Level::Info => (b" INFO     ", 7),
        Level::Warn => (b" WARN     ", 7),
        Level::Error => (b" ERROR    ", 7),
        Level::Critical => (b" CRITICAL ", 10),
    }
}

/// Writes what stands between the level and the message.
#[inline]
fn write_head<O: Output + Appends>(record: &FemtoLogRecord<'_>, marks: &mut Marks<TextPiece>, out: &mut O) {
    record.render_logger(out);
    out.plain(" [");
    marks.piece(TextPiece::Thread, out, |out| record.render_thread(out));
    out.plain("] ");
    if record.render_spans(out) {
        out.plain(": ");
    }
}

/// Writes the message, and each key once by `pair`.
#[inline]
fn write_body<'a, O: Output + Appends>(
    record: &FemtoLogRecord<'a>,
    marks: &mut Marks<TextPiece>,
    mut out: O,
    pair: impl Fn(&mut O, &KeyName<'a>, usize, Value<'a>, &mut Marks<TextPiece>),
) {
    let mut pairs = Pairs::new();
    let mut place = 0;
    let reader = marks.message(record, TextPiece::Message, TextPiece::in_message, &mut out);
    record.each_key_value(reader, |key, value| {
        pairs.push(key, (place, value));
        place += 1;
    });
    pairs.each(
        |key, later| key.as_str() == later.as_str(),
        |key, (place, value)| pair(&mut out, key, *place, *value, marks),
    );
}

#[inline]
fn write_pair<O: Output + Appends>(
    out: &mut O,
    key: &KeyName<'_>,
    place: usize,
    value: Value<'_>,
    marks: &mut Marks<TextPiece>,
) {
    out.plain(" ");
    key.write(out);
    out.plain("=");
    marks.key_value(place, TextPiece::of_pair, out, |out| write_pair_value(out, value));
}

/// Writes a piece other than the time.
#[inline]
fn write_piece<'a>(piece: TextPiece, record: &FemtoLogRecord<'a>, reader: &mut Reader<'a>, out: &mut impl Output) {
    match piece {
        TextPiece::Thread => record.render_thread(out),
        TextPiece::Message => *reader = record.message().render(out),
        TextPiece::Value(value) => value.write(reader, out, write_pair_value),
        TextPiece::Time => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::by_hand::{ByHand, any_value};
    use crate::text::is_harmful;
    use proptest::prelude::*;

    fn text(record: ByHand<'_>) -> String {
        let mut out = Vec::new();
        record.with(|record| FemtoTextFormatter::new().format(record, &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn spans_contexts_and_values_of_values() {
        let list = ByHand::list([Value::U64(1), Value::Str("a \"b\"\n"), Value::Debug("\u{1b}")]);
        let map = ByHand::map([("a", Value::U64(1)), ("list", list.get()), ("a", Value::Bytes(&[0x1b]))]);
        let record = ByHand {
            context: &[("user", Value::Str("ada")), ("map", Value::Null)],
            spans: &[("request", 3), ("lo\nad", 4)],
            key_values: &[("map", map.get()), ("bytes", Value::Bytes(b"\n"))],
            ..ByHand::default()
        };
        let expected = r#"2023-03-05T20:35:20.123456Z WARN  app.db [main] request:lo\nad: retry 3 of five user=ada map={"list":[1,"a \"b\"\n",\u{1b}],"a":1b} bytes=0a"#;
        assert_eq!(text(record), expected);
    }

    proptest! {
        #[test]
        fn no_raw_control_character_comes_through(
            message: String, logger: String, thread: String, key: String, span: String, value in any_value(), inherited in any_value(),
        ) {
            let (context, spans) = ([(key.as_str(), inherited.get())], [(span.as_str(), 1)]);
            let key_values = [("k", value.get())];
            let record = ByHand {
                message: &message, logger: &logger, thread: &thread, context: &context, spans: &spans, key_values: &key_values,
                ..ByHand::default()
            };
            let line = text(record);
            prop_assert!(!line.contains(is_harmful), "{line:?}");
        }
    }
}
