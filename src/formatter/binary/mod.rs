//! Binary formats: a map for each record, its values with their types.

#[cfg(feature = "cbor")]
mod cbor;
#[cfg(feature = "msgpack")]
mod msgpack;
mod pickle;
#[cfg(test)]
mod tests;

#[cfg(feature = "cbor")]
pub use cbor::FemtoCborFormatter;
#[cfg(feature = "msgpack")]
pub use msgpack::FemtoMsgpackFormatter;
pub use pickle::FemtoPickleFormatter;

#[cfg(any(feature = "cbor", feature = "msgpack"))]
use super::pairs::pairs;
#[cfg(any(feature = "cbor", feature = "msgpack"))]
use crate::record::FemtoLogRecord;
use crate::text::Raw;
#[cfg(any(feature = "cbor", feature = "msgpack"))]
use crate::time::Timestamp;
use crate::value::{Value, write_value};

/// How a format writes each kind of value.
pub(super) trait Notation {
    fn null(out: &mut Vec<u8>);
    fn bool(value: bool, out: &mut Vec<u8>);
    fn integer(negative: bool, magnitude: u128, out: &mut Vec<u8>);
    fn f32(x: f32, out: &mut Vec<u8>);
    fn f64(x: f64, out: &mut Vec<u8>);
    fn bytes(bytes: &[u8], out: &mut Vec<u8>);
    /// Writes what stands before text of so many bytes.
    fn text_head(bytes: usize, out: &mut Vec<u8>);
    /// Writes what stands before so many elements.
    fn list_head(elements: usize, out: &mut Vec<u8>);
    /// Writes what stands before so many keys, each with its value.
    fn map_head(entries: usize, out: &mut Vec<u8>);

    /// Writes what stands behind the last element.
    fn list_end(_: &mut Vec<u8>) {}
    /// Writes what stands behind the last key's value.
    fn map_end(_: &mut Vec<u8>) {}

    #[inline]
    fn text(text: &str, out: &mut Vec<u8>) {
        Self::text_head(text.len(), out);
        out.extend_from_slice(text.as_bytes());
    }

    /// Writes text whose length is known only once it is there: what stands before it is moved there from its end.
    #[inline]
    fn rendered(out: &mut Vec<u8>, write: impl FnOnce(&mut Raw<'_>)) {
        let start = out.len();
        write(&mut Raw(out));
        let bytes = out.len() - start;
        Self::text_head(bytes, out);
        out[start..].rotate_left(bytes);
    }

    fn value(value: Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Null => Self::null(out),
            Value::Bool(value) => Self::bool(value, out),
            Value::I64(n) => Self::integer(n < 0, n.unsigned_abs().into(), out),
            Value::U64(n) => Self::integer(false, n.into(), out),
            Value::I128(n) => Self::integer(n < 0, n.unsigned_abs(), out),
            Value::U128(n) => Self::integer(false, n, out),
            Value::F32(x) => Self::f32(x, out),
            Value::F64(x) => Self::f64(x, out),
            Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => Self::text(text, out),
            Value::Duration(span) => Self::f64(span.as_secs_f64(), out),
            Value::Char(_) | Value::Secret | Value::Ip(_) | Value::Socket(_) => {
                Self::rendered(out, |out| write_value(out, value));
            }
            Value::Bytes(bytes) => Self::bytes(bytes, out),
            Value::List(list) => {
                Self::list_head(list.iter().count(), out);
                list.iter().for_each(|value| Self::value(value, out));
                Self::list_end(out);
            }
            Value::Map(map) => {
                Self::map_head(map.iter().count(), out);
                for (key, value) in map.iter() {
                    Self::text(key, out);
                    Self::value(value, out);
                }
                Self::map_end(out);
            }
        }
    }
}

/// Writes a record as the formats do that have no names of their own: with those of
/// [`JsonSchema::Default`](super::JsonSchema::Default), and the time as `time` writes it.
#[cfg(any(feature = "cbor", feature = "msgpack"))]
#[inline]
fn write_record<N: Notation>(
    record: &FemtoLogRecord<'_>,
    out: &mut Vec<u8>,
    time: impl FnOnce(Timestamp, &mut Vec<u8>),
) {
    let pairs = pairs(record);
    N::map_head(if pairs.is_empty() { 7 } else { 8 }, out);
    N::text("timestamp", out);
    time(record.timestamp(), out);
    for (name, text) in [
        ("level", record.level().as_str()),
        ("logger", record.logger()),
        ("thread", record.thread_name()),
        ("file", record.file()),
    ] {
        N::text(name, out);
        N::text(text, out);
    }
    N::text("line", out);
    N::integer(false, record.line().into(), out);
    N::text("message", out);
    N::rendered(out, |out| {
        let _ = record.message().render(out);
    });
    if !pairs.is_empty() {
        N::text("fields", out);
        let mut entries = 0;
        pairs.each(PartialEq::eq, |_, _| entries += 1);
        N::map_head(entries, out);
        pairs.each(PartialEq::eq, |key, value| {
            N::text(key, out);
            N::value(*value, out);
        });
        N::map_end(out);
    }
    N::map_end(out);
}
