//! Records that no macro made, with any keys and texts: for tests and for fuzzing.

use std::sync::Arc;

use super::{FemtoLogRecord, Site, ThreadInfo};
use crate::callsite::{Callsite, Metadata, Origin, Registered, Shape};
use crate::level::Level;
use crate::text::Prepared;
use crate::time::Timestamp;
use crate::value::{ByteSink, Sink, Value};

/// What a record shall be.
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
    /// The keys and their values.
    pub key_values: &'a [(&'a str, Value<'a>)],
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
            key_values: &[],
        }
    }
}

static SITE: Callsite = Callsite::new(Metadata {
    level: None,
    origin: Origin::Static,
    target: "app::db",
    module_path: "app::db",
    file: "/src/app/db.rs",
    line: 42,
    template: "retry {} of five",
    keys: &[],
});

impl ByHand<'_> {
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
        let thread = Arc::new(ThreadInfo { id: 140, name: Prepared::new(self.thread.to_owned()) });
        FemtoLogRecord::with_text(&SITE, Shape::TEXT, self.level, self.timestamp, "", |record| {
            let mut record = *record;
            (record.thread, record.logger) = (&thread, Some(self.logger));
            (record.message.site, record.message.payload) = (&site, &payload.bytes);
            use_it(&record)
        })
    }
}
