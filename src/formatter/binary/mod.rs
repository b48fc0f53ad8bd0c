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

use crate::text::Raw;
use crate::value::{Value, write_value};

/// How a format writes each kind of value.
pub(super) trait Notation {
    fn null(out: &mut Vec<u8>);
    fn bool(value: bool, out: &mut Vec<u8>);
    fn integer(negative: bool, magnitude: u128, out: &mut Vec<u8>);
    fn f32(x: f32, out: &mut Vec<u8>);
    fn f64(x: f64, out: &mut Vec<u8>);
    /// Writes what stands before text of so many bytes.
    fn text_head(bytes: usize, out: &mut Vec<u8>);

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
            Value::Char(_)
            | Value::Secret
            | Value::Ip(_)
            | Value::Socket(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_) => {
                Self::rendered(out, |out| write_value(out, value));
            }
        }
    }
}

/// What the formats other than pickle have in common: the fields of [`JsonSchema::Default`](super::JsonSchema::Default).
#[cfg(any(feature = "cbor", feature = "msgpack"))]
mod map {
    use super::Notation;
    use crate::formatter::pairs::pairs;
    use crate::record::FemtoLogRecord;
    use crate::time::Timestamp;

    /// A format whose maps say beforehand how many entries they have.
    pub(super) trait Map: Notation {
        fn map_head(entries: usize, out: &mut Vec<u8>);

        /// Writes a record, its time by `time`.
        #[inline]
        fn record(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>, time: impl FnOnce(Timestamp, &mut Vec<u8>)) {
            let pairs = pairs(record);
            Self::map_head(if pairs.is_empty() { 7 } else { 8 }, out);
            Self::text("timestamp", out);
            time(record.timestamp(), out);
            for (name, text) in [
                ("level", record.level().as_str()),
                ("logger", record.logger()),
                ("thread", record.thread_name()),
                ("file", record.file()),
            ] {
                Self::text(name, out);
                Self::text(text, out);
            }
            Self::text("line", out);
            Self::integer(false, record.line().into(), out);
            Self::text("message", out);
            Self::rendered(out, |out| {
                let _ = record.message().render(out);
            });
            if !pairs.is_empty() {
                Self::text("fields", out);
                let mut entries = 0;
                pairs.each(PartialEq::eq, |_, _| entries += 1);
                Self::map_head(entries, out);
                pairs.each(PartialEq::eq, |key, value| {
                    Self::text(key, out);
                    Self::value(*value, out);
                });
            }
        }
    }
}
