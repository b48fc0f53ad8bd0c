//! Records with arbitrary keys and texts, which no macro made: for tests and for fuzzing.

use std::sync::Arc;

use super::extras::RecordExtras;
use super::{FemtoLogRecord, Site, ThreadInfo};
use crate::callsite::{Callsite, Metadata, Module, Origin, Registered, Shape};
use crate::context::ExtrasWriter;
use crate::level::Level;
use crate::names::NameCache;
use crate::text::Prepared;
use crate::time::Timestamp;
use crate::value::{ByteSink, OwnedValue, Value, WordSink};

/// The parts of a record to be made.
#[derive(Clone, Copy, Debug)]
pub struct ByHand<'a> {
    /// The severity.
    pub level: Level,
    /// When it was logged.
    pub timestamp: Timestamp,
    /// The logger's name.
    pub logger: &'a str,
    /// The calling thread's name; its number is 140.
    pub thread: &'a str,
    /// The message.
    pub message: &'a str,
    /// The keys of the scopes around the call, and their values.
    pub context: &'a [(&'a str, Value<'a>)],
    /// The names and numbers of the spans around it, the outermost first.
    pub spans: &'a [(&'a str, u64)],
    /// The keys of the call and their values.
    pub key_values: &'a [(&'a str, Value<'a>)],
    /// The path of the function that contains the call.
    pub function: Option<&'a str>,
    /// The number of the call site, for records that differ in nothing but values; a new one by default.
    pub site: Option<u64>,
}

/// The record of the conformance data: line 42 of `/src/app/db.rs`.
impl Default for ByHand<'_> {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            timestamp: Timestamp::from_nanos(1_678_048_520_123_456_000),
            logger: "app.db",
            thread: "main",
            message: "retry 3 of five",
            context: &[],
            spans: &[],
            key_values: &[],
            function: None,
            site: None,
        }
    }
}

/// The call site of all such records.
static SITE: Callsite = Callsite::new(Metadata {
    level: None,
    origin: Origin::Static,
    module: &Module { target: "app::db", module_path: "app::db", file: "/src/app/db.rs" },
    line: 42,
    template: "retry {} of five",
    keys: &[],
});

impl ByHand<'_> {
    /// Makes a list, to be a key's value.
    pub fn list<'v>(elements: impl IntoIterator<Item = Value<'v>>) -> OwnedValue {
        OwnedValue::list(elements)
    }

    /// Makes a map, to be a key's value.
    pub fn map<'v>(entries: impl IntoIterator<Item = (&'v str, Value<'v>)>) -> OwnedValue {
        OwnedValue::map(entries)
    }

    /// Calls `use_it` with the record.
    pub fn with<T>(&self, use_it: impl FnOnce(&FemtoLogRecord<'_>) -> T) -> T {
        let mut payload = ByteSink::default();
        payload.text(self.message);
        let mut site = Site::new(Registered { site: &SITE, shape: Shape::TEXT });
        let fields = self.key_values.iter().map(|(key, value)| {
            value.put(&mut payload);
            (Prepared::new((*key).to_owned()), value.tag())
        });
        site.fields = fields.collect();
        site.function = self.function.map(|function| Prepared::new(function.to_owned()));
        site.id = self.site.unwrap_or(site.id);
        let names = NameCache::by_hand(self.spans.iter().map(|(name, _)| *name));
        let mut extras = ByteSink::default();
        let mut entries = ExtrasWriter::unlimited(&mut extras);
        let mut parent = 0;
        for (name, (_, id)) in (0..).zip(self.spans) {
            entries.span(name, *id, std::mem::replace(&mut parent, *id));
        }
        self.context.iter().for_each(|(key, value)| entries.named(key, *value));
        extras.word(extras.bytes.len() as u64 / 8);
        let (_, extras) = RecordExtras::split(&extras.bytes, &names);
        let thread = Arc::new(ThreadInfo { id: 140, name: Prepared::new(self.thread.to_owned()) });
        FemtoLogRecord::with_text(&SITE, Shape::TEXT, self.level, self.timestamp, "", |record| {
            let mut record = *record;
            (record.thread, record.logger) = (&thread, Some(self.logger));
            (record.message.site, record.message.payload) = (&site, &payload.bytes);
            record.extras = extras;
            use_it(&record)
        })
    }
}

/// Any value, lists and maps included.
#[cfg(test)]
pub(crate) fn any_value() -> impl proptest::strategy::Strategy<Value = OwnedValue> {
    use proptest::prelude::*;
    let text = prop_oneof![any::<String>(), "[ -~\u{1b}\n\u{2028}]{0,8}"].prop_map(|text: String| text);
    let leaf = prop_oneof![
        (text.clone(), 0..4).prop_map(|(text, kind)| match kind {
            0 => Value::Str(&text).to_owned(),
            1 => Value::Display(&text).to_owned(),
            2 => Value::Debug(&text).to_owned(),
            _ => Value::Error(&text).to_owned(),
        }),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(&bytes).to_owned()),
        any::<i64>().prop_map(|n| Value::I64(n).to_owned()),
        any::<u64>().prop_map(|n| Value::U64(n).to_owned()),
        any::<i128>().prop_map(|n| Value::I128(n).to_owned()),
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits)).to_owned()),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits)).to_owned()),
        any::<bool>().prop_map(|b| Value::Bool(b).to_owned()),
        any::<char>().prop_map(|c| Value::Char(c).to_owned()),
        any::<std::time::Duration>().prop_map(|span| Value::Duration(span).to_owned()),
        prop_oneof![Just(Value::Null), Just(Value::Secret)].prop_map(|value| value.to_owned()),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        let key = prop_oneof!["[a-c]{0,1}", text.clone()];
        let list = prop::collection::vec(inner.clone(), 0..5);
        let map = prop::collection::vec((key, inner), 0..5);
        prop_oneof![
            list.prop_map(|list| OwnedValue::list(list.iter().map(OwnedValue::get))),
            map.prop_map(|map| OwnedValue::map(map.iter().map(|(key, value)| (key.as_str(), value.get())))),
        ]
    })
}
