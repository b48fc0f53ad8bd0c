//! Formatters: how a record becomes bytes.
//!
//! | formatter | output |
//! |---|---|
//! | [`FemtoTextFormatter`] | a line for people; the default |
//! | [`FemtoConsoleFormatter`] | a line for terminals, in colour |
//! | [`FemtoPatternFormatter`] | a line by a pattern, in the syntax of CPython's `logging` |
//! | [`FemtoJsonFormatter`] | a JSON object, with the field names of several log stores |
//! | [`FemtoLogfmtFormatter`] | logfmt: `key=value` |
//! | [`FemtoSyslogFormatter`] | RFC 5424, RFC 3164, or as CPython's `SysLogHandler` |
//! | [`FemtoPickleFormatter`] | a pickle of a dictionary, as CPython's `SocketHandler` sends |
//! | `FemtoMsgpackFormatter`, `FemtoCborFormatter` | a map in MessagePack or CBOR (features `msgpack`, `cbor`) |
//!
//! Settings of a formatter are methods that return it: `FemtoJsonFormatter::new().digits(3)`.

mod binary;
mod console;
#[cfg(all(feature = "journald", target_os = "linux"))]
mod journal;
mod json;
mod logfmt;
pub(crate) mod origin;
mod pairs;
mod pattern;
mod plan;
pub(crate) mod python;
mod stamp;
mod syslog;
mod text;

#[cfg(feature = "cbor")]
pub use binary::FemtoCborFormatter;
#[cfg(feature = "msgpack")]
pub use binary::FemtoMsgpackFormatter;
pub use binary::FemtoPickleFormatter;
pub use console::FemtoConsoleFormatter;
#[cfg(all(feature = "journald", target_os = "linux"))]
pub(crate) use journal::JournalFormatter;
pub use json::{FemtoJsonFormatter, JsonField, JsonSchema, JsonTime};
pub use logfmt::FemtoLogfmtFormatter;
#[cfg(feature = "http")]
pub(crate) use pairs::pairs;
pub use pattern::FemtoPatternFormatter;
pub use syslog::{FemtoSyslogFormatter, SyslogFacility};
pub use text::FemtoTextFormatter;

use std::any::Any;

use crate::record::FemtoLogRecord;

/// Writes a record as text.
///
/// It runs on its handler's thread and appends to a buffer; the handler adds the line's end. A panic counts the record
/// as failed. The buffer holds the text of this record only, so a formatter that shortens or replaces it does not
/// change other records.
///
/// Every `FnMut(&FemtoLogRecord, &mut Vec<u8>)` is a formatter.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoLogRecord, FemtoStreamHandler};
///
/// let handler = FemtoStreamHandler::stderr()
///     .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
///         out.extend_from_slice(b"> ");
///         record.write_message_escaped(out);
///     })
///     .build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub trait FemtoFormatter: Any + Send {
    /// Appends the record's text to `out`, without the line's end.
    ///
    /// Handlers call it with an empty buffer, or with one that has the beginning of their own frame, such as a header.
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>);
}

impl<F: FnMut(&FemtoLogRecord<'_>, &mut Vec<u8>) + Send + 'static> FemtoFormatter for F {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self(record, out);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::record::by_hand::ByHand;
    use crate::text::harmful;
    use crate::value::Value;

    /// The formatters of text.
    fn formatters() -> Vec<(String, Box<dyn FemtoFormatter>)> {
        let pattern = "%(asctime)s %(name)s %(levelname)s %(threadName)s %(message)s %(span)s %(key_values)s %(k)s";
        use JsonSchema::*;
        let schemas = [Default, Ecs, OpenTelemetry, Gcp, Datadog, Gelf, Logstash];
        let mut formatters: Vec<(String, Box<dyn FemtoFormatter>)> = vec![
            ("text".into(), Box::new(FemtoTextFormatter::new())),
            ("console".into(), Box::new(FemtoConsoleFormatter::new().color(false))),
            ("logfmt".into(), Box::new(FemtoLogfmtFormatter::new())),
            ("pattern".into(), Box::new(FemtoPatternFormatter::percent(pattern).unwrap())),
            ("padded".into(), Box::new(FemtoPatternFormatter::percent("%(message)-40s|%(k)9.9s").unwrap())),
            ("repr".into(), Box::new(FemtoPatternFormatter::brace("{message!r} {k!r} {name!r}").unwrap())),
            ("RFC 5424".into(), Box::new(FemtoSyslogFormatter::rfc5424().bom(false))),
            ("RFC 3164".into(), Box::new(FemtoSyslogFormatter::rfc3164())),
            ("CPython's syslog".into(), Box::new(FemtoSyslogFormatter::python().append_nul(false))),
        ];
        for schema in schemas {
            formatters.push((format!("{schema:?}"), Box::new(FemtoJsonFormatter::new().schema(schema))));
        }
        formatters
    }

    /// Handlers have them write to the end of a batch, so this holds for the text of other records.
    #[test]
    fn formatters_change_nothing_that_is_there_before() {
        let key_values =
            [("k", Value::Str("a b")), ("n", Value::F64(1.5)), ("", Value::Bool(true)), ("k", Value::U64(1))];
        let records = [
            ByHand { message: "", ..ByHand::default() },
            ByHand { message: "a\nb", key_values: &key_values, spans: &[("s", 1), ("t", 2)], ..ByHand::default() },
        ];
        for (name, mut formatter) in formatters() {
            for record in records {
                let mut alone = Vec::new();
                record.with(|record| formatter.format(record, &mut alone));
                for before in ["{", "before\n", "[{\"a\":", "é "] {
                    let mut out = before.as_bytes().to_vec();
                    record.with(|record| formatter.format(record, &mut out));
                    let (start, added) = out.split_at(before.len());
                    assert_eq!((start, added), (before.as_bytes(), &*alone), "{name}");
                }
            }
        }
    }

    #[test]
    fn no_text_has_harmful_characters() {
        let mut formatters = formatters();
        let set: HashSet<char> = harmful().collect();
        // One by one, and together with all characters near them.
        let texts = harmful().map(|c| format!("a{c}b")).chain([('\0'..='\u{2FFF}').collect()]);
        for text in texts {
            let (list, map) =
                (ByHand::list([Value::Str(&text)]), ByHand::map([(text.as_str(), Value::Display(&text))]));
            let c = text.chars().nth(1).unwrap_or_default();
            let key_values = [
                ("k", Value::Str(&text)),
                (text.as_str(), Value::U64(1)),
                ("display", Value::Display(&text)),
                ("debug", Value::Debug(&text)),
                ("error", Value::Error(&text)),
                ("char", Value::Char(c)),
                ("list", list.get()),
                ("map", map.get()),
                ("user_id", Value::Str(&text)),
            ];
            let record = ByHand {
                logger: &text,
                thread: &text,
                message: &text,
                context: &[("context", Value::Str(&text)), (&text, Value::Str(&text))],
                spans: &[(&text, 1)],
                key_values: &key_values,
                ..ByHand::default()
            };
            for (name, formatter) in &mut formatters {
                let mut out = Vec::new();
                record.with(|record| formatter.format(record, &mut out));
                let out = String::from_utf8(out).unwrap();
                assert!(!out.contains(|c: char| set.contains(&c)), "{name}: {out:?}");
            }
        }
    }
}
