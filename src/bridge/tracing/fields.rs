//! Fields of events and spans, as keys and values.
//!
//! `tracing` passes the fields of an event to a visitor, one method per type. Types are kept where this crate has them;
//! `Debug` and errors are formatted by the caller, since they are borrowed.
//!
//! | `tracing` | [`Value`] |
//! |---|---|
//! | `i64`, `u64`, `i128`, `u128`, `f64`, `bool`, `str`, bytes | the same type |
//! | `%x` (`Display`) and `?x` (`Debug`), which `tracing` does not distinguish | [`Value::Debug`] |
//! | `&dyn Error` | [`Value::Error`], with its sources |
//!
//! The fields are visited twice: once for the message, which comes first in a record, and once for the keys. Visiting
//! is cheap, and the alternative is to collect fields on the heap.

use std::error::Error;
use std::fmt;

use tracing_core::field::{Field, Visit};

use crate::context::ExtrasWriter;
use crate::value::Value;
use crate::value::argument::{AsDebug, AsError};

/// The value of a field, as `tracing` passes it to a visitor.
pub(super) enum FieldValue<'a> {
    Value(Value<'a>),
    Debug(&'a dyn fmt::Debug),
    Error(&'a (dyn Error + 'static)),
}

/// A visitor that calls a function with every field that has a value.
pub(super) struct FieldVisitor<F>(pub(super) F);

macro_rules! values {
    ($($record:ident: $type:ty as $variant:ident;)*) => {$(
        fn $record(&mut self, field: &Field, value: $type) {
            (self.0)(field, FieldValue::Value(Value::$variant(value)));
        }
    )*};
}

impl<F: FnMut(&Field, FieldValue<'_>)> Visit for FieldVisitor<F> {
    values! {
        record_f64: f64 as F64;
        record_i64: i64 as I64;
        record_u64: u64 as U64;
        record_i128: i128 as I128;
        record_u128: u128 as U128;
        record_bool: bool as Bool;
        record_str: &str as Str;
        record_bytes: &[u8] as Bytes;
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        (self.0)(field, FieldValue::Error(error));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        (self.0)(field, FieldValue::Debug(value));
    }
}

impl FieldValue<'_> {
    /// Adds the value to the extras of a record; `key` is the id of the key's name.
    pub(super) fn add(&self, key: u32, entries: &mut ExtrasWriter<'_>) {
        match self {
            FieldValue::Value(value) => entries.key(key, *value),
            FieldValue::Debug(value) => entries.key_field(key, &AsDebug(*value)),
            FieldValue::Error(error) => entries.key_field(key, &AsError(*error)),
        }
    }

    /// Writes the value as text.
    pub(super) fn write(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            FieldValue::Value(value) => write!(out, "{value}"),
            FieldValue::Debug(value) => write!(out, "{value:?}"),
            FieldValue::Error(error) => write!(out, "{error}"),
        }
    }
}
