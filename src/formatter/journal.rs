//! Entries of the systemd journal, in its native protocol: fields of a name and a value, which may be any bytes.
//!
//! The protocol is described in systemd's "Native Journal Protocol" (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>),
//! the names of fields in systemd.journal-fields(7).
//!
//! ```text
//! warn!(target: "shop", "two\nlines"; order = 7)
//!
//! MESSAGE⏎                                    a value with a line feed: name, line feed,
//! 09 00 00 00 00 00 00 00 two⏎lines⏎          length in eight bytes, value, line feed
//! PRIORITY=4⏎                                 any other value: name=value, line feed
//! LEVEL=WARN⏎ … ORDER=7⏎
//! ```
//!
//! # Names of keys
//!
//! The journal accepts capital letters, digits and `_`, at most 64 of them, and neither a digit nor `_` at the
//! beginning. `http.status-code` becomes `HTTP_STATUS_CODE`, `2xx` becomes `F_2XX`. A name that would be one of the
//! record's own fields gets a `_` at its end: a key `message` cannot replace `MESSAGE`.
//!
//! # The order of length and value
//!
//! A value is rendered straight into the entry, so its length is known only after it. It is therefore written as
//! `=value`, and if that contains a line feed, the `=` becomes a line feed and the eight bytes of the length are
//! rotated in front of the value.

use super::FemtoFormatter;
use super::origin::program;
use super::pairs::pairs;
use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::text::{Output, Raw};
use crate::time::CivilWriter;
use crate::value::write_value;

/// Writes records as entries of the journal.
pub(crate) struct JournalFormatter {
    /// The fields that are the same in every entry.
    constants: Vec<u8>,
    civil: CivilWriter,
}

/// The names that keys cannot have.
const FIELDS: [&str; 11] = [
    "MESSAGE",
    "PRIORITY",
    "LEVEL",
    "LOGGER",
    "TIMESTAMP",
    "THREAD_NAME",
    "CODE_FILE",
    "CODE_LINE",
    "CODE_FUNC",
    "CODE_MODULE",
    "SYSLOG_IDENTIFIER",
];

/// The maximum length of a field's name.
const LONGEST_NAME: usize = 64;

impl JournalFormatter {
    /// Makes a formatter with these constant fields, and the program's name as identifier unless they have one.
    pub(crate) fn new(identifier: Option<&str>, constants: &[(String, String)]) -> Self {
        let mut out = Vec::new();
        let identifier = identifier.map_or_else(program, str::to_owned);
        put(&mut out, "SYSLOG_IDENTIFIER", |out| out.plain(&identifier));
        for (key, value) in constants {
            put_key(&mut out, key, |out| out.plain(value));
        }
        Self { constants: out, civil: CivilWriter::new() }
    }
}

impl FemtoFormatter for JournalFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        put(out, "MESSAGE", |out| {
            let _ = record.message().render(out);
        });
        put(out, "PRIORITY", |out| out.plain(priority(record.level())));
        put(out, "LEVEL", |out| out.plain(record.level().as_str()));
        put(out, "LOGGER", |out| out.plain(record.logger()));
        put(out, "TIMESTAMP", |out| self.civil.write_utc(record.timestamp(), 9, out.0));
        put(out, "THREAD_NAME", |out| out.plain(record.thread_name()));
        put(out, "CODE_FILE", |out| out.plain(record.file()));
        put(out, "CODE_LINE", |out| out.number(record.line().into()));
        if record.function().is_some() {
            put(out, "CODE_FUNC", |out| record.render_function(out));
        }
        put(out, "CODE_MODULE", |out| out.plain(record.module_path()));
        out.extend_from_slice(&self.constants);
        pairs(record).each(PartialEq::eq, |key, value| put_key(out, key, |out| write_value(out, *value)));
    }
}

/// Returns the syslog severity of a level.
fn priority(level: Level) -> &'static str {
    match level {
        Level::Critical => "2",
        Level::Error => "3",
        Level::Warn => "4",
        Level::Info => "6",
        Level::Debug | Level::Trace => "7",
    }
}

/// Appends a field: `NAME=value` and a line feed or, if there are line feeds in the value, the name, a line feed, the
/// value's length in eight bytes, the least significant first, and the value.
fn put(out: &mut Vec<u8>, name: &str, value: impl FnOnce(&mut Raw<'_>)) {
    out.extend_from_slice(name.as_bytes());
    end_field(out, value);
}

/// Appends the field of a key.
fn put_key(out: &mut Vec<u8>, key: &str, value: impl FnOnce(&mut Raw<'_>)) {
    let start = out.len();
    // The journal rejects names that begin with a digit or an underscore.
    if !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
        out.extend_from_slice(b"F_");
    }
    out.extend(key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() as u8 } else { b'_' }));
    let name = out.get(start..).unwrap_or_default();
    if FIELDS.iter().any(|field| is_padded(name, field)) {
        out.push(b'_');
    }
    out.truncate(start + LONGEST_NAME);
    end_field(out, value);
}

/// Returns whether a name is that of this field, followed by any number of `_`.
fn is_padded(name: &[u8], field: &str) -> bool {
    name.strip_prefix(field.as_bytes()).is_some_and(|rest| rest.iter().all(|byte| *byte == b'_'))
}

fn end_field(out: &mut Vec<u8>, value: impl FnOnce(&mut Raw<'_>)) {
    let start = out.len();
    out.push(b'=');
    value(&mut Raw(out));
    let length = out.len() - start - 1;
    if let Some([separator, value @ ..]) = out.get_mut(start..)
        && value.contains(&b'\n')
    {
        *separator = b'\n';
        out.extend_from_slice(&(length as u64).to_le_bytes());
        if let Some(behind) = out.get_mut(start + 1..) {
            behind.rotate_left(length);
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::by_hand::ByHand;
    use crate::value::Value;

    const OWN: &str = "PRIORITY=4\nLEVEL=WARN\nLOGGER=app.db\nTIMESTAMP=2023-03-05T20:35:20.123456000Z\nTHREAD_NAME=main\n\
        CODE_FILE=/src/app/db.rs\nCODE_LINE=42\nCODE_MODULE=app::db\nSYSLOG_IDENTIFIER=shop\n";

    fn entry(mut formatter: JournalFormatter, record: ByHand<'_>) -> String {
        let mut out = b"before\n".to_vec();
        record.with(|record| formatter.format(record, &mut out));
        String::from_utf8(out).unwrap().strip_prefix("before\n").unwrap().to_owned()
    }

    fn shop() -> JournalFormatter {
        JournalFormatter::new(Some("shop"), &[])
    }

    #[test]
    fn fields() {
        assert_eq!(entry(shop(), ByHand::default()), format!("MESSAGE=retry 3 of five\n{OWN}"));
        let lines = ByHand { message: "two\nlines", ..ByHand::default() };
        assert_eq!(entry(shop(), lines), format!("MESSAGE\n\u{9}\0\0\0\0\0\0\0two\nlines\n{OWN}"));
        let constants = [("service-version".to_owned(), "1\n2".to_owned())];
        let found = entry(JournalFormatter::new(Some("shop"), &constants), ByHand::default());
        assert_eq!(found, format!("MESSAGE=retry 3 of five\n{OWN}SERVICE_VERSION\n\u{3}\0\0\0\0\0\0\x001\n2\n"));
    }

    #[test]
    fn names_and_values_of_keys() {
        let long = "k".repeat(70);
        let cut = format!("{}=true\n", "K".repeat(64));
        let rows = [
            ("port", Value::U64(8080), "PORT=8080\n"),
            ("http.status-code", Value::I64(-1), "HTTP_STATUS_CODE=-1\n"),
            ("größe", Value::F64(0.5), "GR__E=0.5\n"),
            ("_pid", Value::Null, "F__PID=null\n"),
            ("2xx", Value::Secret, "F_2XX=***\n"),
            ("", Value::Str(""), "F_=\n"),
            ("message", Value::Char('x'), "MESSAGE_=x\n"),
            ("Message_", Value::Bool(true), "MESSAGE__=true\n"),
            ("messages", Value::Bool(true), "MESSAGES=true\n"),
            ("raw", Value::Str("\u{1b}\0é=\n"), "RAW\n\u{6}\0\0\0\0\0\0\0\u{1b}\0é=\n\n"),
            (&long, Value::Bool(true), &cut),
        ];
        for (key, value, expected) in rows {
            let found = entry(shop(), ByHand { key_values: &[(key, value)], ..ByHand::default() });
            assert_eq!(found, format!("MESSAGE=retry 3 of five\n{OWN}{expected}"), "{key}");
        }
        let twice = [("a", Value::U64(1)), ("b", Value::U64(2)), ("a", Value::U64(3))];
        let found = entry(shop(), ByHand { key_values: &twice, ..ByHand::default() });
        assert_eq!(found, format!("MESSAGE=retry 3 of five\n{OWN}B=2\nA=3\n"));
    }

    #[test]
    fn priorities() {
        assert_eq!(Level::ALL.map(priority), ["7", "7", "6", "4", "3", "2"]);
    }
}
