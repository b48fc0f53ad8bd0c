//! Text of several lines, as several lines that cannot be taken for records.

use std::fmt;

use super::pairs::write_pair_value;
use crate::text::{Appends, Output, push_escaped};
use crate::value::{Value, write_value};

/// What formatters of text do about line feeds in records: in messages, values and names.
///
/// # Examples
///
/// ```
/// use femtologging::formatter::Multiline;
/// use femtologging::{FemtoStreamHandler, FemtoTextFormatter};
///
/// let formatter = FemtoTextFormatter::new().multiline(Multiline::Indent);
/// let handler = FemtoStreamHandler::stderr().formatter(formatter).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Multiline {
    /// A line feed is written as `\n`, so that a record is one line.
    #[default]
    Escape,
    /// What follows a line feed stands on a line of its own, below the beginning of the message and behind a mark:
    ///
    /// ```text
    /// 08:30:00.123 ERROR    app cannot read the settings
    ///                           | Caused by:
    ///                           |     no such file
    /// ```
    ///
    /// A key's value of several lines stands below its key. A carriage return before a line feed is left out, and so
    /// are line feeds at the end of the record. All other control characters are escaped. Every line but the first
    /// begins with the mark, so no text can pass for a record of its own.
    ///
    /// For people. Programs that read a log line by line expect [`Escape`](Self::Escape).
    Indent,
}

/// What stands before each line but the first.
const MARK: &[u8] = b"| ";

/// Appends text with control characters escaped, but for line feeds.
pub(super) struct IndentedText<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for IndentedText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let is_last = lines.peek().is_none();
            push_escaped(self.0, if is_last { line } else { line.strip_suffix('\r').unwrap_or(line) });
            if !is_last {
                self.0.push(b'\n');
            }
        }
        Ok(())
    }
}

impl Output for IndentedText<'_> {}

impl Appends for IndentedText<'_> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self.0
    }
}

/// Puts the mark behind every line feed in the text from `start` on, at the column in which it begins. The line that it
/// is on begins at `line`.
pub(super) fn indent(line: usize, start: usize, out: &mut Vec<u8>) {
    let has_lines = out.get(start..).is_some_and(|text| text.contains(&b'\n'));
    if !has_lines {
        return;
    }
    let column = columns(&out[line.min(start)..start]);
    let text = out.split_off(start);
    for (number, part) in text.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            // No blanks at the end of an empty line.
            let mark = if part.is_empty() { MARK.trim_ascii_end() } else { MARK };
            out.push(b'\n');
            out.resize(out.len() + column, b' ');
            out.extend_from_slice(mark);
        }
        out.extend_from_slice(part);
    }
}

/// Appends ` key=value`, or a value of several lines below its key, each line indented:
///
/// ```text
/// | key=
/// |   one
/// |   two
/// ```
pub(super) fn write_pair(out: &mut IndentedText<'_>, key: impl FnOnce(&mut IndentedText<'_>), value: Value<'_>) {
    let start = out.0.len();
    let begins_a_line = out.0.last() == Some(&b'\n');
    out.plain(if begins_a_line { "" } else { " " });
    key(out);
    out.plain("=");
    let text = out.0.len();
    write_pair_value(out, value);
    if out.0[text..].contains(&b'\n') {
        if !begins_a_line {
            out.0[start] = b'\n';
        }
        out.0.truncate(text);
        write_value(out, value);
        trim_end(text, out.0);
        for line in out.0.split_off(text).split(|byte| *byte == b'\n') {
            out.0.extend_from_slice(if line.is_empty() { b"\n" } else { b"\n  " });
            out.0.extend_from_slice(line);
        }
        out.0.push(b'\n');
    }
}

/// Removes line feeds at the end of the text from `start` on.
pub(super) fn trim_end(start: usize, out: &mut Vec<u8>) {
    while out.len() > start && out.last() == Some(&b'\n') {
        out.pop();
    }
}

/// Returns how many columns a text without line feeds takes: its characters, without the colours' commands.
fn columns(text: &[u8]) -> usize {
    let mut is_command = false;
    let shown = text.iter().filter(|byte| {
        // `ESC [ … m` is the only kind of command that formatters write.
        is_command |= **byte == 0x1B;
        let is_shown = !is_command && **byte & 0xC0 != 0x80;
        is_command &= **byte != b'm';
        is_shown
    });
    shown.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write;

    fn lines(prefix: &str, text: &str) -> String {
        let mut out = prefix.as_bytes().to_vec();
        let start = out.len();
        IndentedText(&mut out).write_str(text).unwrap();
        trim_end(start, &mut out);
        indent(0, start, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_stand_below_the_first_behind_a_mark() {
        let rows = [
            ("a ", "one", "a one"),
            ("a ", "one\ntwo\n\n  four", "a one\n  | two\n  |\n  |   four"),
            ("a ", "one\r\ntwo\r\n", "a one\n  | two"),
            ("", "one\ntwo", "one\n| two"),
            ("é\u{1b}[31mä\u{1b}[0m ", "1\n2", "é\u{1b}[31mä\u{1b}[0m 1\n   | 2"),
            ("a ", "\r\t\u{1b}[m\u{2028}\n\r", "a \\r\\t\\u{1b}[m\\u{2028}\n  | \\r"),
            ("a ", "\n\n", "a "),
        ];
        for (prefix, text, expected) in rows {
            assert_eq!(lines(prefix, text), expected);
        }
    }

    proptest! {
        #[test]
        fn every_further_line_has_the_mark(text in "([a-c]|\n|\r|\\||\t){0,30}") {
            let written = lines("ab ", &text);
            let mut all = written.split('\n');
            prop_assert!(all.next().unwrap().starts_with("ab "));
            prop_assert!(all.all(|line| line == "   |" || line.starts_with("   | ")), "{written:?}");
            prop_assert!(!written.contains(['\r', '\t']));
        }
    }
}
