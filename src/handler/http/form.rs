//! A record as an HTML form: the body of CPython's `HTTPHandler`.
//!
//! The fields are those of `HTTPHandler.mapLogRecord`, which are the attributes of a `LogRecord` in their order; the
//! keys follow. They are encoded as `application/x-www-form-urlencoded`: a space is `+`, and every byte but letters,
//! digits and `_.-~` is `%` and two hexadecimal digits, as Python's `urllib.parse.quote_plus` writes it.
//!
//! ```text
//! info!(target: "shop", "{} packed", 3; order = 7)
//!
//! name=shop&msg=3+packed&args=%28%29&levelname=INFO&levelno=20&pathname=src%2Fmain.rs&…&order=7
//! ```
//!
//! The form of a `GET` request is the query of its URL. Servers limit a URL's length, often to 8 KiB.

use std::fmt::{self, Display, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Encoder;
use crate::formatter::{origin, pairs, python};
use crate::record::FemtoLogRecord;
use crate::text::Output;
use crate::time::first_use;
use crate::value::write_value;

/// One record per request, as `application/x-www-form-urlencoded`.
pub(super) struct Form {
    process_name: String,
}

impl Form {
    pub(super) fn new() -> Self {
        Self { process_name: origin::program() }
    }
}

impl Encoder for Form {
    fn content_type(&self) -> &'static str {
        "application/x-www-form-urlencoded"
    }

    fn one_by_one(&self) -> bool {
        true
    }

    /// Attributes that Rust does not have get the values that CPython writes when it does not know them. A `_` is added
    /// to a key that has the name of an attribute, which CPython rejects.
    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let time = record.timestamp();
        let float = |x: f64| ryu::Buffer::new().format(x).to_owned();
        let values: [&dyn Display; python::ATTRIBUTES.len()] = [
            &record.logger(),
            &record.message(),
            &"()",
            &python::level_name(record.level()),
            &record.level().number(),
            &record.file(),
            &python::file_name(record),
            &python::module(record),
            &"None",
            &"None",
            &"None",
            &record.line(),
            &python::function_name(record).unwrap_or("(unknown function)"),
            &float(python::created(time)),
            &float(python::msecs(time)),
            &float(python::relative_created(time, first_use())),
            &record.thread_id(),
            &record.thread_name(),
            &self.process_name,
            &record.process_id(),
            &"None",
        ];
        let mut separator = "";
        for (name, value) in python::ATTRIBUTES.iter().zip(values) {
            out.extend_from_slice(separator.as_bytes());
            separator = "&";
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            let _ = write!(PlusQuoted(out), "{value}");
        }
        pairs(record).each(PartialEq::eq, |key, value| {
            out.push(b'&');
            let _ = PlusQuoted(out).write_str(key);
            let is_taken =
                |name: &str| key.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|byte| byte == b'_'));
            if python::ATTRIBUTES.iter().any(|name| is_taken(name)) {
                out.push(b'_');
            }
            out.push(b'=');
            write_value(&mut PlusQuoted(out), *value);
        });
    }
}

/// The bytes that are written as `%` and two hexadecimal digits. A space is not: it becomes a `+`.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

/// Appends text as Python's `quote_plus` writes it.
struct PlusQuoted<'a>(&'a mut Vec<u8>);

impl fmt::Write for PlusQuoted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in utf8_percent_encode(text, QUOTED) {
            self.0.extend(piece.bytes().map(|byte| if byte == b' ' { b'+' } else { byte }));
        }
        Ok(())
    }
}

impl Output for PlusQuoted<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::by_hand::ByHand;
    use crate::value::Value;

    #[test]
    fn text_is_quoted_as_python_does() {
        let rows = include_str!("../../../tests/data/urlencode.jsonl").lines();
        let mut count = 0;
        for row in rows.map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap()) {
            let mut out = Vec::new();
            PlusQuoted(&mut out).write_str(row["in"].as_str().unwrap()).unwrap();
            assert_eq!(str::from_utf8(&out).unwrap(), row["out"].as_str().unwrap());
            count += 1;
        }
        assert_eq!(count, 18);
    }

    #[test]
    fn a_record_has_the_fields_of_cpython_in_their_order() {
        let mut form = Form { process_name: "MainProcess".into() };
        let key_values =
            [("user", Value::Str("a&b")), ("n", Value::I64(-1)), ("msg", Value::Null), ("user", Value::Str("ä b"))];
        let record = ByHand { message: "50% of\n\"x\"", key_values: &key_values, ..ByHand::default() };
        let mut out = Vec::new();
        record.with(|record| form.record(record, &mut out));
        let text = String::from_utf8(out).unwrap();
        let (head, tail) = text.split_once("&relativeCreated=").unwrap();
        assert_eq!(
            head,
            "name=app.db&msg=50%25+of%0A%22x%22&args=%28%29&levelname=WARNING&levelno=30&pathname=%2Fsrc%2Fapp%2Fdb.rs\
             &filename=db.rs&module=db&exc_info=None&exc_text=None&stack_info=None&lineno=42\
             &funcName=%28unknown+function%29&created=1678048520.123456&msecs=123.0"
        );
        let (_, tail) = tail.split_once('&').unwrap();
        let process = std::process::id();
        assert_eq!(
            tail,
            format!(
                "thread=140&threadName=main&processName=MainProcess&process={process}&taskName=None&n=-1&msg_=null&user=%C3%A4+b"
            )
        );
    }
}
