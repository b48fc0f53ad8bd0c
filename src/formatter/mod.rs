//! Formatters: how a record becomes bytes.
//!
//! | formatter | output |
//! |---|---|
//! | [`FemtoTextFormatter`] | a line for people; the default |
//! | [`FemtoConsoleFormatter`] | a line for terminals, in colour |
//! | [`FemtoPatternFormatter`] | a line by a pattern, in the syntax of CPython's `logging` (feature `pattern`) |
//! | [`FemtoJsonFormatter`] | a JSON object, with the field names of several log stores |
//! | [`FemtoLogfmtFormatter`] | logfmt: `key=value` (feature `logfmt`) |
//! | [`FemtoSyslogFormatter`] | RFC 5424, RFC 3164, or as CPython's `SysLogHandler` (feature `syslog`) |
//! | [`FemtoPickleFormatter`] | a pickle of a dictionary, as CPython's `SocketHandler` sends (feature `pickle`) |
//! | `FemtoMsgpackFormatter`, `FemtoCborFormatter` | a map in MessagePack or CBOR (features `msgpack`, `cbor`) |
//!
//! Settings of a formatter are methods that return it: `FemtoJsonFormatter::new().digits(3)`.

#[cfg(any(feature = "cbor", feature = "msgpack", feature = "pickle"))]
mod binary;
mod color;
mod console;
#[cfg(all(feature = "journald", target_os = "linux"))]
mod journal;
mod json;
#[cfg(feature = "logfmt")]
mod logfmt;
mod multiline;
pub(crate) mod origin;
mod pairs;
#[cfg(feature = "pattern")]
mod pattern;
mod plan;
pub(crate) mod python;
mod stamp;
#[cfg(feature = "syslog")]
mod syslog;
mod text;

#[cfg(feature = "cbor")]
pub use binary::FemtoCborFormatter;
#[cfg(feature = "msgpack")]
pub use binary::FemtoMsgpackFormatter;
#[cfg(feature = "pickle")]
pub use binary::FemtoPickleFormatter;
pub use console::FemtoConsoleFormatter;
#[cfg(all(feature = "journald", target_os = "linux"))]
pub(crate) use journal::JournalFormatter;
pub use json::{FemtoJsonFormatter, JsonField, JsonSchema, JsonTime};
#[cfg(feature = "logfmt")]
pub use logfmt::FemtoLogfmtFormatter;
pub use multiline::Multiline;
#[cfg(feature = "http")]
pub(crate) use pairs::pairs;
#[cfg(feature = "pattern")]
pub use pattern::FemtoPatternFormatter;
#[cfg(feature = "syslog")]
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

impl FemtoFormatter for Box<dyn FemtoFormatter> {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        (**self).format(record, out);
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

    /// The formatters that show text of several lines, with the width of what stands before the message.
    fn formatters_of_lines() -> Vec<(&'static str, Box<dyn FemtoFormatter>)> {
        let pattern = "%(levelname)s %(message)s|%(key_values)s|%(k)s|%(name)s %(threadName)-9s %(spans)s %(k).5s";
        let percent = FemtoPatternFormatter::percent(pattern).unwrap();
        vec![
            ("text", Box::new(FemtoTextFormatter::new().multiline(Multiline::Indent))),
            ("console", Box::new(FemtoConsoleFormatter::new().multiline(Multiline::Indent))),
            ("pattern", Box::new(percent.multiline(Multiline::Indent))),
        ]
    }

    proptest::proptest! {
        #[test]
        fn no_text_of_several_lines_passes_for_a_record(
            message in "([ab |]|\n|\r|\x1b){0,12}", value in "([ab |]|\n|\r){0,9}", name in "([ab]|\n){0,3}",
        ) {
            let values = [("k", Value::Str(&value)), (name.as_str(), Value::Display(&message)), ("e", Value::Error(&value))];
            let spans = [(name.as_str(), 1)];
            let record = ByHand {
                message: &message, logger: &name, thread: &name, spans: &spans, key_values: &values, ..ByHand::default()
            };
            for (which, mut formatter) in formatters_of_lines() {
                let mut out = b"before\n".to_vec();
                record.with(|record| formatter.format(record, &mut out));
                let text = String::from_utf8(out).unwrap();
                let text = text.strip_prefix("before\n").unwrap();
                let mut lines = text.split('\n');
                proptest::prop_assert!(lines.next().unwrap().contains("WARN"), "{which}: {text:?}");
                for line in lines {
                    let marked = line.trim_start_matches(' ');
                    proptest::prop_assert!(marked == "|" || marked.starts_with("| "), "{which}: {text:?}");
                }
                proptest::prop_assert!(!text.replace('\n', "").contains(crate::text::is_harmful), "{which}: {text:?}");
            }
        }
    }

    #[test]
    fn lines_stand_below_the_message() {
        let list = ByHand::list([Value::Str("a\nb")]);
        let values = [("k", Value::U64(1)), ("cause", Value::Debug("one\n  two\n")), ("list", list.get())];
        let record = ByHand { message: "cannot\n\nread\n", key_values: &values, ..ByHand::default() };
        let expected = [
            "2023-03-05T20:35:20.123456Z WARN  app.db [main] cannot
                                                |
                                                | read
                                                | k=1
                                                | cause=
                                                |   one
                                                |     two
                                                | list=[\"a\\nb\"]",
            "20:35:20.123 WARN     app.db cannot
                             |
                             | read
                             | k=1
                             | cause=
                             |   one
                             |     two
                             | list=[\"a\\nb\"]",
            "WARN cannot
     |
     | read|k=1 cause=one
            |   two
            |  list=[\"a\\nb\"]|1|app.db main      - 1",
        ];
        for ((which, mut formatter), expected) in formatters_of_lines().into_iter().zip(expected) {
            // Each record, whether its call site has a plan or not.
            for _ in 0..4 {
                let mut out = Vec::new();
                record.with(|record| formatter.format(record, &mut out));
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{which}");
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
