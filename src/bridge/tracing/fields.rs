//! The values of fields.

use std::error::Error;
use std::fmt;

use tracing_core::field::{Field, Visit};

use crate::context::{ExtrasWriter, OwnedExtras};
use crate::value::{AsDebug, AsError, Value, limits};

/// A field's value as `tracing` shows it.
pub(super) enum Seen<'a> {
    Value(Value<'a>),
    Debug(&'a dyn fmt::Debug),
    Error(&'a (dyn Error + 'static)),
}

/// Calls a function with every field that has a value.
pub(super) struct Each<F>(pub(super) F);

macro_rules! values {
    ($($record:ident: $type:ty as $variant:ident;)*) => {$(
        fn $record(&mut self, field: &Field, value: $type) {
            (self.0)(field, Seen::Value(Value::$variant(value)));
        }
    )*};
}

impl<F: FnMut(&Field, Seen<'_>)> Visit for Each<F> {
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
        (self.0)(field, Seen::Error(error));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        (self.0)(field, Seen::Debug(value));
    }
}

impl Seen<'_> {
    /// Adds the value to a record.
    pub(super) fn add(&self, key: u32, entries: &mut ExtrasWriter<'_>) {
        match self {
            Seen::Value(value) => entries.key(key, *value),
            Seen::Debug(value) => entries.key_field(key, &AsDebug(*value)),
            Seen::Error(error) => entries.key_field(key, &AsError(*error)),
        }
    }

    /// Writes the value as text.
    pub(super) fn write(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            Seen::Value(value) => write!(out, "{value}"),
            Seen::Debug(value) => write!(out, "{value:?}"),
            Seen::Error(error) => write!(out, "{error}"),
        }
    }

    /// Makes an entry of it that is kept.
    pub(super) fn keep(&self, key: u32) -> OwnedExtras {
        ExtrasWriter::keep(&[], limits::get(), |entries| self.add(key, entries))
    }
}
