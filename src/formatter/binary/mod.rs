//! Binary formats: each record is a map, whose values keep their types.
//!
//! | file | format | defined in |
//! |---|---|---|
//! | `msgpack` | MessagePack | <https://github.com/msgpack/msgpack/blob/master/spec.md> |
//! | `cbor` | CBOR, preferred serialization | RFC 8949 |
//! | `pickle` | Python's pickle, protocol 2, as CPython's `SocketHandler` sends it | PEP 307 |
//!
//! A format implements [`Notation`], which has a method for each kind of value; lists, maps and nested values are
//! written by its default methods. CBOR and MessagePack use the same map of a record (`map.rs`); pickle has CPython's
//! attributes.
//!
//! ```text
//! info!("paid"; order = 7)        in CBOR, with the time and four fields left out
//!
//! A8                              map of 8 entries
//!    67 6d657373616765            text of 7 bytes: "message"
//!    64 70616964                  text of 4 bytes: "paid"
//!    66 6669656c6473              text of 6 bytes: "fields"
//!    A1                           map of 1 entry
//!       65 6f72646572  07         "order": 7
//! ```
//!
//! Lengths come before contents in these formats. A text whose length is not known is rendered first, and its header is
//! then rotated in front of it, which moves the bytes once more and needs no second buffer.

#[cfg(feature = "cbor")]
mod cbor;
#[cfg(any(feature = "cbor", feature = "msgpack"))]
mod map;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "pickle")]
mod pickle;
#[cfg(test)]
mod tests;

#[cfg(feature = "cbor")]
pub use cbor::FemtoCborFormatter;
#[cfg(feature = "msgpack")]
pub use msgpack::FemtoMsgpackFormatter;
#[cfg(feature = "pickle")]
pub use pickle::FemtoPickleFormatter;

use crate::record::FemtoLogRecord;
use crate::text::Raw;
use crate::value::{Value, write_value};

/// A format: how it writes each kind of value.
pub(super) trait Notation {
    fn null(out: &mut Vec<u8>);
    fn bool(value: bool, out: &mut Vec<u8>);
    fn integer(negative: bool, magnitude: u128, out: &mut Vec<u8>);
    fn f32(x: f32, out: &mut Vec<u8>);
    fn f64(x: f64, out: &mut Vec<u8>);
    fn bytes(bytes: &[u8], out: &mut Vec<u8>);
    /// Writes the header of a text of this many bytes.
    fn text_head(bytes: usize, out: &mut Vec<u8>);
    /// Writes the header of a list of this many elements.
    fn list_head(elements: usize, out: &mut Vec<u8>);
    /// Writes the header of a map of this many entries.
    fn map_head(entries: usize, out: &mut Vec<u8>);

    /// Writes the end of a list, after its last element.
    fn list_end(_: &mut Vec<u8>) {}
    /// Writes the end of a map, after its last value.
    fn map_end(_: &mut Vec<u8>) {}

    #[inline]
    fn text(text: &str, out: &mut Vec<u8>) {
        Self::text_head(text.len(), out);
        out.extend_from_slice(text.as_bytes());
    }

    /// Writes text whose length is known only when it is written: its header is written after it, and then moved in
    /// front.
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
                Self::map_head(map.iter_once().count(), out);
                for (key, value) in map.iter_once() {
                    Self::text(key, out);
                    Self::value(value, out);
                }
                Self::map_end(out);
            }
        }
    }
}

/// Writes the spans of a record, the outermost first, as a list of maps.
fn write_spans<N: Notation>(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    N::list_head(record.spans().count(), out);
    for span in record.spans() {
        N::map_head(2, out);
        N::text("name", out);
        N::text(span.name(), out);
        N::text("id", out);
        N::integer(false, span.id().into(), out);
        N::map_end(out);
    }
    N::list_end(out);
}
