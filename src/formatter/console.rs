//! Lines for terminals, in colour.

use std::io::IsTerminal;

use super::FemtoFormatter;
use super::pairs::{pairs, write_pair};
use super::stamp::{TimeText, zone_settings};
use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::text::{Escaped, Output};

/// Writes records as `08:30:00.123 INFO     app::db      ready port=8080`, in colour if the stream is a terminal.
///
/// Level and logger are aligned in columns. The column of the logger becomes as wide as the longest name so far, up to
/// 24 characters. The names of the enclosing spans precede the message: `request:load: ready`. Control characters of
/// records are always escaped, so the only escape sequences that reach the terminal are this formatter's own.
///
/// Whether it writes colours is decided once, when the formatter is made:
///
/// | made by | colours |
/// |---|---|
/// | [`new`](Self::new) | none |
/// | [`for_stderr`](Self::for_stderr), [`for_stdout`](Self::for_stdout) | by the environment, then if it is a terminal |
/// | [`color`](Self::color) | as given |
///
/// The first of these environment variables that applies decides:
///
/// | variable | colours |
/// |---|---|
/// | `NO_COLOR`, not empty | none |
/// | `CLICOLOR_FORCE`, neither empty nor `0` | always |
/// | `CLICOLOR=0` or `TERM=dumb` | none |
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`digits`](Self::digits) | 3 | fractional digits of the time |
/// | [`color`](Self::color) | see above | whether it writes colours |
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoConsoleFormatter;
/// use femtologging::FemtoStreamHandler;
///
/// let handler = FemtoStreamHandler::stderr().formatter(FemtoConsoleFormatter::for_stderr()).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FemtoConsoleFormatter {
    stamp: TimeText,
    color: bool,
    /// The width of the logger's column.
    column: usize,
}

/// The maximum width of the logger's column.
const WIDEST: usize = 24;

const RESET: &str = "\u{1b}[0m";
const DIM: &str = "\u{1b}[2m";

impl Default for FemtoConsoleFormatter {
    fn default() -> Self {
        Self::new()
    }
}

impl FemtoConsoleFormatter {
    /// Makes a formatter without colours.
    pub fn new() -> Self {
        Self { stamp: TimeText::clock(3), color: false, column: 0 }
    }

    /// Makes a formatter for standard error.
    pub fn for_stderr() -> Self {
        Self::new().color(wants_color(variable, std::io::stderr().is_terminal()))
    }

    /// Makes a formatter for standard output.
    pub fn for_stdout() -> Self {
        Self::new().color(wants_color(variable, std::io::stdout().is_terminal()))
    }

    /// Sets whether the formatter writes colours.
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Sets the number of fractional digits of times, 0 to 9; 3 by default.
    pub fn digits(mut self, digits: u8) -> Self {
        self.stamp = TimeText::clock(digits).with_zone_of(self.stamp);
        self
    }

    zone_settings!();

    #[inline]
    fn paint(&self, command: &str, out: &mut Vec<u8>) {
        if self.color {
            out.extend_from_slice(command.as_bytes());
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Returns whether to write colours, by the conventions of <https://no-color.org> and <https://bixense.com/clicolors>.
fn wants_color(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let is = |name: &str, wanted: fn(&str) -> bool| variable(name).is_some_and(|value| wanted(&value));
    if is("NO_COLOR", |value| !value.is_empty()) {
        return false;
    }
    if is("CLICOLOR_FORCE", |value| !matches!(value, "" | "0")) {
        return true;
    }
    is_terminal && !is("CLICOLOR", |value| value == "0") && !is("TERM", |value| value == "dumb")
}

/// Returns the level's colour, and its name, padded to the longest.
fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Trace => (DIM, "TRACE   "),
        Level::Debug => ("\u{1b}[34m", "DEBUG   "),
        Level::Info => ("\u{1b}[32m", "INFO    "),
        Level::Warn => ("\u{1b}[33m", "WARN    "),
        Level::Error => ("\u{1b}[31m", "ERROR   "),
        Level::Critical => ("\u{1b}[1;31m", "CRITICAL"),
    }
}

impl FemtoFormatter for FemtoConsoleFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self.paint(DIM, out);
        self.stamp.write(record.timestamp(), out);
        self.paint(RESET, out);
        out.push(b' ');

        let (color, name) = level(record.level());
        self.paint(color, out);
        out.extend_from_slice(name.as_bytes());
        self.paint(RESET, out);
        out.push(b' ');

        self.paint("\u{1b}[36m", out);
        let start = out.len();
        record.render_logger(&mut Escaped(out));
        let width = out[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        self.paint(RESET, out);
        self.column = self.column.max(width.min(WIDEST));
        out.resize(out.len() + self.column.saturating_sub(width) + 1, b' ');

        if record.spans().next().is_some() {
            self.paint(DIM, out);
            record.render_spans(&mut Escaped(out));
            out.push(b':');
            self.paint(RESET, out);
            out.push(b' ');
        }

        let bold = record.level() >= Level::Error;
        self.paint(if bold { "\u{1b}[1m" } else { "" }, out);
        let _ = record.message().render(&mut Escaped(out));
        self.paint(if bold { RESET } else { "" }, out);

        pairs(record).each(PartialEq::eq, |key, value| {
            out.push(b' ');
            let (dim, reset) = if self.color { (DIM, RESET) } else { ("", "") };
            write_pair(&mut Escaped(out), |out| write_key(out, key, dim, reset), *value);
        });
    }
}

/// Writes a key between escape sequences, which must not be escaped themselves.
fn write_key(out: &mut Escaped<'_>, key: &str, before: &str, after: &str) {
    out.plain(before);
    let _ = std::fmt::Write::write_str(out, key);
    out.plain(after);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::by_hand::{ByHand, any_value};
    use crate::text::is_harmful;
    use crate::value::Value;
    use proptest::prelude::*;

    fn text(formatter: &mut FemtoConsoleFormatter, record: ByHand<'_>) -> String {
        let mut out = Vec::new();
        record.with(|record| formatter.format(record, &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_keep_their_place() {
        let mut formatter = FemtoConsoleFormatter::new();
        let mut line =
            |level, logger, message| text(&mut formatter, ByHand { level, logger, message, ..ByHand::default() });
        assert_eq!(line(Level::Info, "app.db", "one"), "20:35:20.123 INFO     app.db one");
        assert_eq!(line(Level::Critical, "app.größe", "two"), "20:35:20.123 CRITICAL app.größe two");
        assert_eq!(line(Level::Trace, "app", "three"), "20:35:20.123 TRACE    app       three");
        let long = "a.very.long.name.of.a.logger";
        assert_eq!(line(Level::Warn, long, "four"), format!("20:35:20.123 WARN     {long} four"));
        assert_eq!(line(Level::Warn, "app", "five"), format!("20:35:20.123 WARN     {:24} five", "app"));
    }

    #[test]
    fn colours_surround_what_they_are_for() {
        let record = ByHand { key_values: &[("k", Value::Str("two words"))], ..ByHand::default() };
        let mut formatter = FemtoConsoleFormatter::new().color(true).digits(0);
        let rows = [
            (Level::Trace, "\u{1b}[2mTRACE   \u{1b}[0m", "", ""),
            (Level::Debug, "\u{1b}[34mDEBUG   \u{1b}[0m", "", ""),
            (Level::Info, "\u{1b}[32mINFO    \u{1b}[0m", "", ""),
            (Level::Warn, "\u{1b}[33mWARN    \u{1b}[0m", "", ""),
            (Level::Error, "\u{1b}[31mERROR   \u{1b}[0m", "\u{1b}[1m", "\u{1b}[0m"),
            (Level::Critical, "\u{1b}[1;31mCRITICAL\u{1b}[0m", "\u{1b}[1m", "\u{1b}[0m"),
        ];
        for (level, name, before, after) in rows {
            let expected = format!(
                "\u{1b}[2m20:35:20\u{1b}[0m {name} \u{1b}[36mapp.db\u{1b}[0m {before}retry 3 of five{after} \u{1b}[2mk\u{1b}[0m=\"two words\""
            );
            assert_eq!(text(&mut formatter, ByHand { level, ..record }), expected);
        }
        let expected = "20:35:20 WARN     app.db retry 3 of five k=\"two words\"";
        assert_eq!(text(&mut formatter.color(false), record), expected);
    }

    #[test]
    fn the_environment_decides_about_colours() {
        type Row = (&'static [(&'static str, &'static str)], bool, bool);
        let rows: [Row; 12] = [
            (&[], true, true),
            (&[], false, false),
            (&[("NO_COLOR", "1")], true, false),
            (&[("NO_COLOR", "")], true, true),
            (&[("CLICOLOR", "0")], true, false),
            (&[("CLICOLOR", "1")], true, true),
            (&[("CLICOLOR", "1")], false, false),
            (&[("CLICOLOR_FORCE", "1")], false, true),
            (&[("CLICOLOR_FORCE", "0")], false, false),
            (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false, true),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false),
            (&[("TERM", "dumb")], true, false),
        ];
        for (variables, is_terminal, expected) in rows {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(wants_color(variable, is_terminal), expected, "{variables:?} {is_terminal}");
        }
    }

    #[test]
    fn of_equal_keys_the_last_is_shown() {
        let pairs = [("a", Value::U64(1)), ("b", Value::F64(f64::NAN)), ("a", Value::Null)];
        let record = ByHand { key_values: &pairs, ..ByHand::default() };
        let expected = "20:35:20.123 WARN     app.db retry 3 of five b=NaN a=null";
        assert_eq!(text(&mut FemtoConsoleFormatter::new(), record), expected);
    }

    #[test]
    fn values_of_values() {
        let list = ByHand::list([Value::U64(1), Value::Str("a \"b\"\n"), Value::Debug("\n")]);
        let map = ByHand::map([("a", Value::U64(1)), ("list", list.get()), ("a", Value::Bytes(&[0x1b]))]);
        let record = ByHand { key_values: &[("map", map.get()), ("bytes", Value::Bytes(b"\n"))], ..ByHand::default() };
        let expected =
            r#"20:35:20.123 WARN     app.db retry 3 of five map={"list":[1,"a \"b\"\n",\n],"a":1b} bytes=0a"#;
        assert_eq!(text(&mut FemtoConsoleFormatter::new(), record), expected);
    }

    #[test]
    fn spans_stand_before_the_message() {
        let spans = [("request", 7), ("lo\u{1b}ad", 8)];
        let record = ByHand { level: Level::Error, spans: &spans, ..ByHand::default() };
        let mut formatter = FemtoConsoleFormatter::new().digits(0);
        let expected = "20:35:20 ERROR    app.db request:lo\\u{1b}ad: retry 3 of five";
        assert_eq!(text(&mut formatter, record), expected);
        let expected = "\u{1b}[2m20:35:20\u{1b}[0m \u{1b}[31mERROR   \u{1b}[0m \u{1b}[36mapp.db\u{1b}[0m \
                        \u{1b}[2mrequest:lo\\u{1b}ad:\u{1b}[0m \u{1b}[1mretry 3 of five\u{1b}[0m";
        assert_eq!(text(&mut formatter.color(true), record), expected);
    }

    proptest! {
        #[test]
        fn records_cannot_command_the_terminal(message: String, logger: String, key: String, value in any_value(), span: String) {
            let (pairs, spans) = ([(key.as_str(), value.get())], [(span.as_str(), 1)]);
            let record = ByHand { message: &message, logger: &logger, spans: &spans, key_values: &pairs, ..ByHand::default() };
            let plain = text(&mut FemtoConsoleFormatter::new(), record);
            prop_assert!(!plain.contains(is_harmful), "{plain:?}");
            // With colours, what is left without the formatter's own commands is the same text.
            let mut painted = text(&mut FemtoConsoleFormatter::new().color(true), record);
            for command in [RESET, DIM, "\u{1b}[33m", "\u{1b}[36m"] {
                painted = painted.replace(command, "");
            }
            prop_assert_eq!(painted, plain);
        }
    }
}
