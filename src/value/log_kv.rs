//! Values of the crate `log` as values of keys, with their types.
//!
//! `log` passes a value to a visitor, which has a method for each type. [`TypedVisitor`] is that visitor. It passes
//! what it finds to a [`LogValueSink`], of which there are two:
//!
//! | value of `log` | sink | what the sink does |
//! |---|---|---|
//! | of a key of a macro, `info!("m"; key = log_value)` | [`TaggedSink`], below | encodes it after its tag |
//! | of a record of `log`, in `bridge/log.rs` | a key of the record | encodes it after the name of the key |
//!
//! Both so map types in the same way: `log::kv::Value::from(7_u8)` is `Value::U64(7)` on either path.

use log::kv::{self, VisitValue};

use super::argument::{AsError, Carry, Deferred, Field};
use super::sink::ByteSink;
use super::wire::{Kind, Tag, WordSink};
use super::{Limits, Value};
use crate::error::guarded;

impl Carry for kv::Value<'_> {}

impl Field for Deferred<'_, kv::Value<'_>> {
    const TAG: Tag = Tag::new(Kind::Any);
    const DIRECT: bool = false;

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, sink: &mut S) {
        // A buffer of its own: a value that panics leaves nothing half written in the record.
        let limits = Limits { record_bytes: sink.room().saturating_mul(8), ..Limits::NONE };
        let mut visitor = TypedVisitor(TaggedSink(ByteSink::new(Vec::new(), limits)));
        let visited = guarded(|| self.0.visit(&mut visitor));
        let TypedVisitor(mut tagged) = visitor;
        if !matches!(visited, Some(Ok(()))) {
            tagged.0.bytes.clear();
            tagged.value(Value::Str("<formatting panicked>"));
        }
        if tagged.0.was_cut() {
            sink.note_cut();
        }
        tagged.0.bytes.as_chunks::<8>().0.iter().for_each(|word| sink.word(u64::from_le_bytes(*word)));
    }
}

/// Takes a value of `log` in this crate's terms.
pub(crate) trait LogValueSink {
    /// Takes a value whose type is known.
    fn value(&mut self, value: Value<'_>);

    /// Takes a value that user code writes: an error, or what `log` captured by `Display`, `Debug`, serde or sval.
    fn field<F: Field>(&mut self, field: &F);
}

/// Encodes a value, after its tag.
struct TaggedSink(ByteSink);

impl LogValueSink for TaggedSink {
    fn value(&mut self, value: Value<'_>) {
        self.0.word(value.tag().word());
        value.put(&mut self.0);
    }

    fn field<F: Field>(&mut self, field: &F) {
        // A value whose type is known only at run time writes its tag itself.
        if F::TAG != Tag::new(Kind::Any) {
            self.0.word(F::TAG.word());
        }
        field.put(&mut self.0);
    }
}

/// Passes a value of `log` with its type to a [`LogValueSink`].
pub(crate) struct TypedVisitor<S>(pub(crate) S);

macro_rules! typed {
    ($($method:ident: $type:ty => $variant:ident;)*) => {$(
        fn $method(&mut self, value: $type) -> Result<(), kv::Error> {
            self.0.value(Value::$variant(value));
            Ok(())
        }
    )*};
}

impl<'v, S: LogValueSink> VisitValue<'v> for TypedVisitor<S> {
    typed! {
        visit_bool: bool => Bool;
        visit_i64: i64 => I64;
        visit_u64: u64 => U64;
        visit_i128: i128 => I128;
        visit_u128: u128 => U128;
        visit_f64: f64 => F64;
        visit_char: char => Char;
        visit_str: &str => Str;
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.0.value(Value::Null);
        Ok(())
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.0.field(&AsError(error));
        Ok(())
    }

    fn visit_borrowed_error(&mut self, error: &'v (dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.visit_error(error)
    }

    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        #[cfg(feature = "serde")]
        self.0.field(&super::serde::AsSerde(&value));
        #[cfg(not(feature = "serde"))]
        self.0.field(&super::argument::AsDisplay(&value));
        Ok(())
    }
}
