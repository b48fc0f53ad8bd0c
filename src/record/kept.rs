//! Records that a handler keeps in encoded form and passes on later, such as those of the memory handler.
//!
//! Keeping a record is a copy of its bytes; it is formatted only if it is passed on.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::extras::RecordExtras;
use super::site::Site;
use super::{Changes, FemtoLogRecord, ThreadInfo};
use crate::callsite::Registered;
use crate::level::Level;
use crate::names::NameCache;
use crate::time::Timestamp;

/// A record, copied with everything that its view needs.
pub(crate) struct KeptRecord {
    registered: Registered,
    level: Level,
    timestamp: Timestamp,
    thread: Arc<ThreadInfo>,
    logger: Option<Box<str>>,
    target: Option<Box<str>>,
    /// The payload, then the extras. Most records fit without an allocation.
    bytes: SmallVec<[u8; 96]>,
    /// The index in `bytes` at which the extras start.
    extras: usize,
    changes: Option<Box<Changes>>,
}

impl KeptRecord {
    /// Copies a record with its changes.
    pub(crate) fn new(record: &FemtoLogRecord<'_>) -> Self {
        let payload = record.message.payload;
        let mut bytes = SmallVec::from_slice(payload);
        bytes.extend_from_slice(record.extras.bytes());
        Self {
            registered: record.message.site.registered(),
            level: record.level,
            timestamp: record.timestamp,
            thread: record.thread.clone(),
            logger: record.logger.map(Box::from),
            target: record.target.map(Box::from),
            bytes,
            extras: payload.len(),
            changes: record.changes().cloned().map(Box::new),
        }
    }

    /// Returns about how many bytes of memory the record takes.
    pub(crate) fn size(&self) -> usize {
        let bytes = if self.bytes.spilled() { self.bytes.capacity() } else { 0 };
        let names = self.logger.iter().chain(&self.target).map(|name| name.len()).sum::<usize>();
        size_of::<Self>() + bytes + names + self.changes.as_ref().map_or(0, |changes| changes.size())
    }
}

/// The call sites of kept records.
#[derive(Default)]
pub(crate) struct KeptSites {
    /// By the addresses of the call site and its shape: a call in generic code has one site and several shapes.
    sites: HashMap<(usize, usize), Site>,
    names: NameCache,
}

impl KeptSites {
    /// Calls `use_it` with the view of a kept record.
    pub(crate) fn view<T>(&mut self, kept: &KeptRecord, use_it: impl FnOnce(&FemtoLogRecord<'_>) -> T) -> T {
        let registered = kept.registered;
        let key = (std::ptr::from_ref(registered.site).addr(), std::ptr::from_ref(registered.shape).addr());
        let site = self.sites.entry(key).or_insert_with(|| Site::new(registered));
        // The record may refer to names that were interned since the last one.
        self.names.update();
        let (payload, extras) = kept.bytes.split_at_checked(kept.extras).unwrap_or((&kept.bytes, &[]));
        let mut record = FemtoLogRecord::new(site, kept.level, kept.timestamp, &kept.thread, payload);
        record.logger = kept.logger.as_deref();
        record.target = kept.target.as_deref();
        record.extras = RecordExtras::new(extras, &self.names);
        record.message.changes = kept.changes.as_deref();
        use_it(&record)
    }
}
