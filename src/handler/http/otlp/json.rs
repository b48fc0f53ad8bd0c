//! OTLP logs in JSON: the JSON mapping of Protobuf, with the exceptions that OTLP makes to it.
//!
//! The mapping is described under "JSON Protobuf Encoding" in the OpenTelemetry Protocol Specification:
//!
//! | Protobuf | JSON |
//! |---|---|
//! | names of fields | `lowerCamelCase`: `timeUnixNano` |
//! | 64-bit integers | text, as JSON's readers may have floats only |
//! | `bytes` of trace and span ids | hexadecimal digits, not Base64 |
//! | enums | their numbers |
//! | NaN and infinities | text |
//!
//! ```text
//! {"timeUnixNano":"1773304200123456000","severityNumber":9,"severityText":"INFO",
//!  "body":{"stringValue":"3 packed"},"attributes":[{"key":"order","value":{"intValue":"7"}}]}
//! ```

use std::fmt::Write;

use super::{Ids, attributes, is_retryable, partly, severity};
use crate::handler::http::Encoder;
use crate::handler::http::answer::{Verdict, quoted};
use crate::handler::http::client::base64;
use crate::handler::http::grouped::{grouped, push_grouped};
use crate::record::FemtoLogRecord;
use crate::text::Raw;
use crate::text::{Quoted, push_string};
use crate::value::Value;

pub(super) struct Json {
    /// The resource's attributes, with commas between them.
    resource: Vec<u8>,
}

impl Json {
    pub(super) fn new(resource: &[(String, String)]) -> Self {
        let mut out = Vec::new();
        for (key, value) in resource {
            key_value(key, Value::Str(value), &mut out);
        }
        Self { resource: out }
    }
}

impl Encoder for Json {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let scope = |out: &mut Vec<u8>| push_string(out, record.logger());
        push_grouped(scope, out, |out| log_record(record, out));
    }

    /// Writes an `ExportLogsServiceRequest`.
    fn body(&self, records: &[&[u8]], out: &mut Vec<u8>) {
        push(out, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[");
        out.extend_from_slice(&self.resource);
        push(out, "]},\"scopeLogs\":[");
        for (at, (scope, records)) in grouped(records).into_iter().enumerate() {
            push(out, if at > 0 { ",{\"scope\":{\"name\":" } else { "{\"scope\":{\"name\":" });
            out.extend_from_slice(scope);
            push(out, "},\"logRecords\":[");
            out.extend_from_slice(&records.join(&b','));
            push(out, "]}");
        }
        push(out, "]}]}");
    }

    fn is_transient(&self, status: u16) -> bool {
        is_retryable(status)
    }

    /// Reads an `ExportLogsServiceResponse`.
    fn accepted(&self, body: &[u8], records: usize) -> Verdict {
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let partial = &answer["partialSuccess"];
        let rejected = &partial["rejectedLogRecords"];
        // A 64-bit integer is text, but a number is accepted as well.
        let rejected = rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok());
        let failed = rejected.and_then(|rejected| usize::try_from(rejected).ok()).unwrap_or(0);
        let why = partial["errorMessage"].as_str().map_or_else(String::new, |text| quoted(text.as_bytes()));
        partly(failed, records, why)
    }

    /// Reads the message of a `google.rpc.Status`, or quotes the answer if it is not one.
    fn reason(&self, body: &[u8]) -> String {
        let status: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        quoted(status["message"].as_str().map_or(body, str::as_bytes))
    }
}

fn log_record(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    let nanos = record.timestamp().as_nanos().max(0);
    let level = record.level();
    push(
        out,
        format_args!(
            "{{\"timeUnixNano\":\"{nanos}\",\"severityNumber\":{},\"severityText\":\"{level}\"",
            severity(level)
        ),
    );
    push(out, ",\"body\":{\"stringValue\":\"");
    let _ = write!(Quoted(out), "{}", record.message());
    push(out, "\"},\"attributes\":[");
    let Ids { trace, span, flags } = attributes(record, |key, value| key_value(key, value, out));
    push(out, "]");
    if let Some(id) = trace {
        push(out, format_args!(",\"traceId\":\"{:032x}\"", u128::from_be_bytes(id)));
    }
    if let Some(id) = span {
        push(out, format_args!(",\"spanId\":\"{:016x}\"", u64::from_be_bytes(id)));
    }
    if let Some(flags) = flags {
        push(out, format_args!(",\"flags\":{flags}"));
    }
    push(out, format_args!(",\"observedTimeUnixNano\":\"{nanos}\"}}"));
}

/// Writes a `KeyValue`, after a comma unless it is the first of its array.
fn key_value(key: &str, value: Value<'_>, out: &mut Vec<u8>) {
    if out.last() == Some(&b'}') {
        out.push(b',');
    }
    push(out, "{\"key\":");
    push_string(out, key);
    // A missing value is a missing field: receivers reject an empty field, and the whole request with it.
    if value != Value::Null {
        push(out, ",\"value\":");
        any_value(value, out);
    }
    out.push(b'}');
}

/// Writes an `AnyValue`.
fn any_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(x) => push(out, format_args!("{{\"boolValue\":{x}}}")),
        // A string: receivers that do not know Protobuf's text for NaN and the infinities reject the whole request.
        Value::F32(x) if x.is_finite() => double(x.into(), out),
        Value::F64(x) if x.is_finite() => double(x, out),
        Value::Duration(x) => double(x.as_secs_f64(), out),
        Value::List(list) => {
            push(out, "{\"arrayValue\":{\"values\":[");
            for (at, value) in list.iter().enumerate() {
                push(out, if at > 0 { "," } else { "" });
                any_value(value, out);
            }
            push(out, "]}}");
        }
        Value::Map(map) => {
            push(out, "{\"kvlistValue\":{\"values\":[");
            map.iter_once().for_each(|(key, value)| key_value(key, value, out));
            push(out, "]}}");
        }
        Value::Bytes(x) => push(out, format_args!("{{\"bytesValue\":\"{}\"}}", base64(x))),
        value => {
            if let Some(x) = value.as_i64() {
                return push(out, format_args!("{{\"intValue\":\"{x}\"}}"));
            }
            push(out, "{\"stringValue\":\"");
            let _ = write!(Quoted(out), "{value}");
            push(out, "\"}");
        }
    }
}

fn double(x: f64, out: &mut Vec<u8>) {
    push(out, format_args!("{{\"doubleValue\":{}}}", ryu::Buffer::new().format_finite(x)));
}

fn push(out: &mut Vec<u8>, text: impl std::fmt::Display) {
    let _ = write!(Raw(out), "{text}");
}
