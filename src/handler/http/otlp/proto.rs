//! OTLP as Protobuf, without generated code: the messages of `opentelemetry/proto/logs/v1/logs.proto` and those that
//! they contain.
//!
//! ```text
//! ExportLogsServiceRequest
//! └ 1 ResourceLogs
//!   ├ 1 Resource
//!   │ └ 1 attributes: KeyValue …
//!   └ 2 ScopeLogs, one per logger
//!     ├ 1 InstrumentationScope
//!     │ └ 1 name: the logger
//!     └ 2 LogRecord, one per record
//!       ├ 1 time_unix_nano            fixed64
//!       ├ 2 severity_number           varint
//!       ├ 3 severity_text             string
//!       ├ 5 body                      AnyValue
//!       ├ 6 attributes: KeyValue …
//!       ├ 8 flags                     fixed32
//!       ├ 9 trace_id, 10 span_id      bytes
//!       └ 11 observed_time_unix_nano  fixed64
//! ```
//!
//! A field is a varint with its number and wire type, and then the value; a message is a field of bytes. So the message
//! `body { string_value: "ok" }` is
//!
//! ```text
//! 2a 04   field 5, bytes, length 4
//!   0a 02   field 1, bytes, length 2
//!     6f 6b   "ok"
//! ```

use super::{Ids, attributes, is_retryable, partly, severity};
use crate::handler::http::Encoder;
use crate::handler::http::answer::{Verdict, quoted};
use crate::handler::http::grouped::{grouped, push_grouped};
use crate::record::FemtoLogRecord;
use crate::value::Value;

pub(super) struct Protobuf {
    /// `ResourceLogs.resource`.
    resource: Vec<u8>,
}

impl Protobuf {
    pub(super) fn new(resource: &[(String, String)]) -> Self {
        let mut out = Vec::new();
        message(1, &mut out, |out| {
            for (key, value) in resource {
                key_value(1, key, Value::Str(value), out);
            }
        });
        Self { resource: out }
    }
}

impl Encoder for Protobuf {
    fn content_type(&self) -> &'static str {
        "application/x-protobuf"
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        // `ScopeLogs.scope`, an `InstrumentationScope` with its name, and one of `ScopeLogs.log_records`.
        let scope = |out: &mut Vec<u8>| message(1, out, |out| text(1, record.logger(), out));
        push_grouped(scope, out, |out| message(2, out, |out| log_record(record, out)));
    }

    /// Writes an `ExportLogsServiceRequest`.
    fn body(&self, records: &[&[u8]], out: &mut Vec<u8>) {
        message(1, out, |out| {
            out.extend_from_slice(&self.resource);
            for (scope, records) in grouped(records) {
                let length = scope.len() + records.iter().map(|record| record.len()).sum::<usize>();
                varint(key(2, Wire::Bytes), out);
                varint(length as u64, out);
                out.extend_from_slice(scope);
                records.iter().for_each(|record| out.extend_from_slice(record));
            }
        });
    }

    fn is_transient(&self, status: u16) -> bool {
        is_retryable(status)
    }

    /// Reads an `ExportLogsServiceResponse`, whose field 1 is the `partial_success`.
    fn accepted(&self, body: &[u8], records: usize) -> Verdict {
        let partial = ProtoFields(body)
            .find_map(|field| if let (1, ProtoField::Bytes(bytes)) = field { Some(bytes) } else { None });
        let (mut failed, mut why) = (0, String::new());
        for field in ProtoFields(partial.unwrap_or_default()) {
            match field {
                (1, ProtoField::Number(rejected)) => failed = usize::try_from(rejected).unwrap_or(0),
                (2, ProtoField::Bytes(message)) => why = quoted(message),
                _ => {}
            }
        }
        partly(failed, records, why)
    }

    /// Reads the message of a `google.rpc.Status`, or quotes the answer if it is not one.
    fn reason(&self, body: &[u8]) -> String {
        let message = ProtoFields(body)
            .find_map(|field| if let (2, ProtoField::Bytes(text)) = field { Some(text) } else { None });
        quoted(message.filter(|text| str::from_utf8(text).is_ok()).unwrap_or(body))
    }
}

/// Writes the fields of a `LogRecord`, in the order of their numbers.
fn log_record(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    let nanos = u64::try_from(record.timestamp().as_nanos()).unwrap_or(0);
    fixed64(1, nanos, out);
    number(2, severity(record.level()).into(), out);
    text(3, record.level().as_str(), out);
    message(5, out, |out| message_text(record, out));
    let Ids { trace, span, flags } = attributes(record, |key, value| key_value(6, key, value, out));
    if let Some(flags) = flags {
        fixed32(8, flags.into(), out);
    }
    if let Some(id) = trace {
        bytes(9, &id, out);
    }
    if let Some(id) = span {
        bytes(10, &id, out);
    }
    // Observed when it was logged.
    fixed64(11, nanos, out);
}

/// Writes the message as an `AnyValue`.
fn message_text(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    message(1, out, |out| record.write_message(out));
}

/// Writes a `KeyValue`.
fn key_value(field: u32, key: &str, value: Value<'_>, out: &mut Vec<u8>) {
    message(field, out, |out| {
        text(1, key, out);
        message(2, out, |out| any_value(value, out));
    });
}

/// Writes the one field of an `AnyValue`. Null has none: an `AnyValue` without a field is the empty value.
fn any_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Bool(x) => number(2, x.into(), out),
        Value::F32(x) => fixed64(4, f64::from(x).to_bits(), out),
        Value::F64(x) => fixed64(4, x.to_bits(), out),
        Value::Duration(x) => fixed64(4, x.as_secs_f64().to_bits(), out),
        Value::List(list) => message(5, out, |out| {
            list.iter().for_each(|value| message(1, out, |out| any_value(value, out)));
        }),
        Value::Map(map) => {
            message(6, out, |out| map.iter_once().for_each(|(key, value)| key_value(1, key, value, out)))
        }
        Value::Bytes(x) => bytes(7, x, out),
        value => match (value.as_i64(), value.as_str()) {
            // A negative number has ten bytes, as Protobuf's int64 has it.
            (Some(x), _) => number(3, x as u64, out),
            (None, Some(x)) => text(1, x, out),
            (None, None) => text(1, &value.to_string(), out),
        },
    }
}

/// How a field's value is written; the number is Protobuf's.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

fn key(field: u32, wire: Wire) -> u64 {
    u64::from(field) << 3 | wire as u64
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number(field: u32, number: u64, out: &mut Vec<u8>) {
    varint(key(field, Wire::Varint), out);
    varint(number, out);
}

fn fixed64(field: u32, bits: u64, out: &mut Vec<u8>) {
    varint(key(field, Wire::Fixed64), out);
    out.extend_from_slice(&bits.to_le_bytes());
}

fn fixed32(field: u32, bits: u32, out: &mut Vec<u8>) {
    varint(key(field, Wire::Fixed32), out);
    out.extend_from_slice(&bits.to_le_bytes());
}

fn text(field: u32, text: &str, out: &mut Vec<u8>) {
    bytes(field, text.as_bytes(), out);
}

fn bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    varint(key(field, Wire::Bytes), out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Writes a field whose length is known once it is written. Room is left for a length of one byte, which most have.
fn message(field: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    varint(key(field, Wire::Bytes), out);
    let start = out.len();
    out.push(0);
    write(out);
    let length = out.len() - start - 1;
    if length < 0x80 {
        out[start] = length as u8;
    } else {
        let mut bytes = Vec::with_capacity(10);
        varint(length as u64, &mut bytes);
        out.splice(start..=start, bytes);
    }
}

/// What a field of an answer is.
#[derive(Debug, PartialEq)]
enum ProtoField<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a width that no answer has a use for.
    Fixed,
}

/// Reads the fields of a message, up to what is none.
struct ProtoFields<'a>(&'a [u8]);

impl<'a> Iterator for ProtoFields<'a> {
    type Item = (u64, ProtoField<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => ProtoField::Number(self.varint()?),
            1 => self.take(8).map(|_| ProtoField::Fixed)?,
            2 => {
                let length = self.varint()?;
                ProtoField::Bytes(self.take(usize::try_from(length).ok()?)?)
            }
            5 => self.take(4).map(|_| ProtoField::Fixed)?,
            _ => return None,
        };
        Some((key >> 3, field))
    }
}

impl<'a> ProtoFields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}
