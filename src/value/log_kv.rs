//! Values of the crate `log` as values of keys.

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
        let mut visitor = Visitor(ByteSink::new(Vec::new(), limits));
        if !matches!(guarded(|| self.0.visit(&mut visitor)), Some(Ok(()))) {
            visitor.0.bytes.clear();
            visitor.value(Value::Str("<formatting panicked>"));
        }
        if visitor.0.was_cut() {
            sink.note_cut();
        }
        visitor.0.bytes.as_chunks::<8>().0.iter().for_each(|word| sink.word(u64::from_le_bytes(*word)));
    }
}

/// Encodes a value, after its tag.
struct Visitor(ByteSink);

impl Visitor {
    fn value(&mut self, value: Value<'_>) {
        self.0.word(value.tag().word());
        value.put(&mut self.0);
    }

    /// Encodes text that user code writes.
    fn field<F: Field>(&mut self, field: &F) {
        self.0.word(F::TAG.word());
        field.put(&mut self.0);
    }
}

macro_rules! typed {
    ($($method:ident: $type:ty => $variant:ident;)*) => {$(
        fn $method(&mut self, value: $type) -> Result<(), kv::Error> {
            self.value(Value::$variant(value));
            Ok(())
        }
    )*};
}

impl<'v> VisitValue<'v> for Visitor {
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
        self.value(Value::Null);
        Ok(())
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.field(&AsError(error));
        Ok(())
    }

    fn visit_borrowed_error(&mut self, error: &'v (dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.visit_error(error)
    }

    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        #[cfg(feature = "serde")]
        super::serde::AsSerde(&value).put(&mut self.0);
        #[cfg(not(feature = "serde"))]
        self.field(&super::argument::AsDisplay(&value));
        Ok(())
    }
}
