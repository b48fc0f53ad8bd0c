//! Lines for terminals, in colour.

use std::io::IsTerminal;

use super::FemtoFormatter;
use super::color::{self, BOLD, DIM, RESET};
use super::multiline::{self, IndentedText, Multiline};
use super::pairs::{pairs, write_pair};
use super::stamp::{TimeText, zone_settings};
use crate::error::Error;
use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::text::{Appends, Escaped, Output, push_escaped};

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
/// | [`for_stderr`](Self::for_stderr), [`for_stdout`](Self::for_stdout) | by the environment, then for terminals |
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
/// Text of several lines, such as a backtrace or `{:#?}`, is shown in several lines if the formatter was made for a
/// terminal; see [`Multiline::Indent`].
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`time`](Self::time) | `true` | whether a line begins with the time |
/// | [`datefmt`](Self::datefmt), [`digits`](Self::digits) | `%H:%M:%S.%3f`, 3 | the time's form and fractional digits |
/// | [`level_names`](Self::level_names) | `TRACE` … `CRITICAL` | the names of levels |
/// | [`logger`](Self::logger) | `true` | whether lines have the logger's name |
/// | [`thread`](Self::thread) | `false` | whether lines have the thread's name |
/// | [`location`](Self::location) | `false` | whether lines have the source file and line |
/// | [`color`](Self::color) | see above | whether it writes colours |
/// | [`multiline`](Self::multiline) | `Indent` on a terminal | what becomes of line feeds |
///
/// For any other layout, [`FemtoPatternFormatter`](super::FemtoPatternFormatter) has colours as well.
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoConsoleFormatter;
/// use femtologging::FemtoStreamHandler;
///
/// let handler = FemtoStreamHandler::stderr().formatter(FemtoConsoleFormatter::for_stderr()).build()?;
/// # drop(handler);
///
/// // `warn: disk is nearly full`
/// let short = FemtoConsoleFormatter::for_stderr()
///     .time(false)
///     .logger(false)
///     .level_names(["trace:", "debug:", "info:", "warn:", "error:", "fatal:"]);
/// # drop(short);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FemtoConsoleFormatter {
    time: bool,
    stamp: TimeText,
    /// As wide as the longest; `None` for those of [`NAMES`].
    level_names: Option<[String; 6]>,
    logger: bool,
    thread: bool,
    location: bool,
    color: bool,
    multiline: Multiline,
    /// The width of the logger's column.
    column: usize,
}

/// The maximum width of the logger's column.
const WIDEST: usize = 24;

impl Default for FemtoConsoleFormatter {
    fn default() -> Self {
        Self::new()
    }
}

impl FemtoConsoleFormatter {
    /// Makes a formatter without colours.
    pub fn new() -> Self {
        Self {
            time: true,
            stamp: TimeText::clock(3),
            level_names: None,
            logger: true,
            thread: false,
            location: false,
            color: false,
            multiline: Multiline::Escape,
            column: 0,
        }
    }

    /// Makes a formatter for standard error.
    pub fn for_stderr() -> Self {
        Self::for_stream(&std::io::stderr())
    }

    /// Makes a formatter for standard output.
    pub fn for_stdout() -> Self {
        Self::for_stream(&std::io::stdout())
    }

    fn for_stream(stream: &impl IsTerminal) -> Self {
        let multiline = if stream.is_terminal() { Multiline::Indent } else { Multiline::Escape };
        Self::new().color(color::are_wanted(stream)).multiline(multiline)
    }

    /// Sets whether the formatter writes colours.
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Sets what becomes of line feeds in messages and values.
    pub fn multiline(mut self, multiline: Multiline) -> Self {
        self.multiline = multiline;
        self
    }

    /// Sets whether a line begins with the time.
    pub fn time(mut self, time: bool) -> Self {
        self.time = time;
        self
    }

    /// Sets how times are written, as a pattern of `strftime`; see
    /// [`FemtoPatternFormatter::datefmt`](super::FemtoPatternFormatter::datefmt).
    ///
    /// # Errors
    ///
    /// The pattern has a directive that is not known: the error says where, and lists those that are.
    pub fn datefmt(mut self, pattern: &str) -> Result<Self, Error> {
        self.stamp = TimeText::strftime(pattern)?.with_zone_of(self.stamp);
        Ok(self)
    }

    /// Sets the names of levels, in the order of [`Level::ALL`], from `Trace` to `Critical`. Without any name, lines do
    /// not have the level.
    pub fn level_names(mut self, names: [impl AsRef<str>; 6]) -> Self {
        let mut names = names.map(|name| {
            let mut escaped = Vec::new();
            push_escaped(&mut escaped, name.as_ref());
            String::from_utf8_lossy(&escaped).into_owned()
        });
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for name in &mut names {
            let missing = width - name.chars().count();
            name.extend(std::iter::repeat_n(' ', missing));
        }
        self.level_names = Some(names);
        self
    }

    /// Sets whether lines have the logger's name.
    pub fn logger(mut self, logger: bool) -> Self {
        self.logger = logger;
        self
    }

    /// Sets whether lines have the name of the calling thread, as `[main]`.
    pub fn thread(mut self, thread: bool) -> Self {
        self.thread = thread;
        self
    }

    /// Sets whether lines have the call's source file and line, as `src/main.rs:12`.
    pub fn location(mut self, location: bool) -> Self {
        self.location = location;
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

/// The levels' names, as wide as the longest.
const NAMES: [&str; 6] = ["TRACE   ", "DEBUG   ", "INFO    ", "WARN    ", "ERROR   ", "CRITICAL"];

impl FemtoFormatter for FemtoConsoleFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        if self.time {
            self.paint(DIM, out);
            self.stamp.write(record.timestamp(), out);
            self.paint(RESET, out);
            out.push(b' ');
        }
        self.write_level(record.level(), out);
        if self.logger {
            self.write_logger(record, out);
        }
        if self.thread || self.location {
            self.paint(DIM, out);
            if self.thread {
                out.push(b'[');
                record.render_thread(&mut Escaped(out));
                out.extend_from_slice(b"] ");
            }
            if self.location {
                record.render_file(&mut Escaped(out));
                out.push(b':');
                Escaped(out).number(record.line().into());
                out.push(b' ');
            }
            self.paint(RESET, out);
        }
        if record.spans().next().is_some() {
            self.paint(DIM, out);
            record.render_spans(&mut Escaped(out));
            out.push(b':');
            self.paint(RESET, out);
            out.push(b' ');
        }

        let message = out.len();
        let bold = record.level() >= Level::Error;
        self.paint(if bold { BOLD } else { "" }, out);
        let _ = match self.multiline {
            Multiline::Escape => record.message().render(&mut Escaped(out)),
            Multiline::Indent => record.message().render(&mut IndentedText(out)),
        };
        self.paint(if bold { RESET } else { "" }, out);

        let (dim, reset) = if self.color { (DIM, RESET) } else { ("", "") };
        pairs(record).each(PartialEq::eq, |key, value| match self.multiline {
            Multiline::Escape => {
                out.push(b' ');
                write_pair(&mut Escaped(out), |out| write_key(out, key, dim, reset), *value);
            }
            Multiline::Indent => {
                multiline::write_pair(&mut IndentedText(out), |out| write_key(out, key, dim, reset), *value)
            }
        });
        if self.multiline == Multiline::Indent {
            multiline::trim_end(message, out);
            multiline::indent(start, message, out);
        }
    }
}

impl FemtoConsoleFormatter {
    fn write_level(&self, level: Level, out: &mut Vec<u8>) {
        let name = match &self.level_names {
            Some(names) => names.get(level.index()).map_or("", String::as_str),
            None => NAMES.get(level.index()).copied().unwrap_or_default(),
        };
        if !name.is_empty() {
            self.paint(color::of_level(level), out);
            out.extend_from_slice(name.as_bytes());
            self.paint(RESET, out);
            out.push(b' ');
        }
    }

    fn write_logger(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self.paint("\u{1b}[36m", out);
        let start = out.len();
        record.render_logger(&mut Escaped(out));
        let width = out[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        self.paint(RESET, out);
        self.column = self.column.max(width.min(WIDEST));
        out.resize(out.len() + self.column.saturating_sub(width) + 1, b' ');
    }
}

/// Writes a key between escape sequences, which must not be escaped themselves.
fn write_key<O: Output + Appends>(out: &mut O, key: &str, before: &str, after: &str) {
    out.buffer().extend_from_slice(before.as_bytes());
    let _ = out.write_str(key);
    out.buffer().extend_from_slice(after.as_bytes());
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
    fn the_parts_of_a_line_can_be_chosen() {
        let record = ByHand { level: Level::Info, key_values: &[("k", Value::U64(1))], ..ByHand::default() };
        let new = FemtoConsoleFormatter::new;
        let names = ["trace:", "debug:", "info:", "warn:", "\u{1b}", "critical:"];
        let rows = [
            (new().time(false), "INFO     app.db retry 3 of five k=1"),
            (new().datefmt("%F %H:%M").unwrap(), "2023-03-05 20:35 INFO     app.db retry 3 of five k=1"),
            (new().time(false).logger(false).level_names(["", "", "", "", "", ""]), "retry 3 of five k=1"),
            (new().time(false).level_names(names), "info:     app.db retry 3 of five k=1"),
            (new().time(false).thread(true), "INFO     app.db [main] retry 3 of five k=1"),
            (new().time(false).location(true), "INFO     app.db /src/app/db.rs:42 retry 3 of five k=1"),
            (
                new().time(false).logger(false).thread(true).location(true).color(true),
                "\u{1b}[32mINFO    \u{1b}[0m \u{1b}[2m[main] /src/app/db.rs:42 \u{1b}[0mretry 3 of five \u{1b}[2mk\u{1b}[0m=1",
            ),
        ];
        for (mut formatter, expected) in rows {
            assert_eq!(text(&mut formatter, record), expected);
        }
        let error = new().level_names(names).time(false).logger(false);
        let record = ByHand { level: Level::Error, ..ByHand::default() };
        assert_eq!(text(&mut error.clone(), record), "\\u{1b}    retry 3 of five");
        assert!(new().datefmt("%Q").is_err());
    }

    #[test]
    fn lines_stand_below_the_message_whatever_its_colours() {
        let values = [("k", Value::Display("1\n2"))];
        let record = ByHand { level: Level::Error, message: "one\ntwo", key_values: &values, ..ByHand::default() };
        let mut formatter = FemtoConsoleFormatter::new().time(false).color(true).multiline(Multiline::Indent);
        let expected = "\u{1b}[31mERROR   \u{1b}[0m \u{1b}[36mapp.db\u{1b}[0m \u{1b}[1mone
                | two\u{1b}[0m
                | \u{1b}[2mk\u{1b}[0m=
                |   1
                |   2";
        assert_eq!(text(&mut formatter, record), expected);
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
