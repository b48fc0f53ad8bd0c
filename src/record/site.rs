//! Call sites as a consumer needs them to read records.
//!
//! A record has only the id of its call site. The consumer looks it up in a table of its own, without a lock; when it
//! meets an id beyond the end of its table, it copies the new call sites from the global one. What formatters need of a
//! call site for every record (names, keys, the parts of the template) is escaped then, once.
//!
//! ```text
//! caller                                        consumer: table has sites 1 … 6
//! register: SITES[7] = site, under a lock
//! id 7 into the call site's state
//! record with id 7 ───── release store ──────▶  acquire load: 7 is beyond the table
//!                                               copies SITES[7 …] under the lock, prepares them
//! ```
//!
//! The record is published after its site was registered, so the copy finds it. An id that is still unknown then is
//! from a damaged record.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::extras::RecordExtras;
use super::{FemtoLogRecord, Header, Prefix, ThreadInfo};
use crate::callsite::{self, Metadata, Registered};
use crate::names::NameCache;
use crate::template::{self, Template};
use crate::text::Prepared;
use crate::time::Timestamp;
use crate::value::{Kind, Reader, Tag, limits};

/// A call site, prepared for reading its records.
pub(crate) struct Site {
    /// A number that no other `Site` has, not even one of the same call site: formatters use it as a key for caches.
    pub(super) id: u64,
    registered: Registered,
    arguments: Vec<Tag>,
    /// The keys of the call and the types of their values, up to [`Limits::keys`](crate::value::Limits::keys).
    pub(super) fields: Vec<(Prepared, Tag)>,
    /// The number of keys beyond that maximum.
    pub(super) left_out: usize,
    pub(super) target: Prepared,
    pub(super) file: Prepared,
    /// The path of the function that contains the call.
    pub(super) function: Option<Prepared>,
    /// The literal parts of a template with nothing but bare `{}`; there is one more than arguments.
    pub(super) parts: Vec<Prepared>,
}

impl Site {
    /// Prepares a call site: escapes its texts and applies the limits for keys.
    pub(crate) fn new(registered: Registered) -> Self {
        let metadata = &registered.site.metadata;
        let parts = match registered.shape.types.template {
            Template::Bare => template::literal_parts(metadata.template),
            Template::Text | Template::Closure(_) => Vec::new(),
        };
        // Relaxed: only uniqueness matters.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let limits = limits::get();
        let keys = metadata.keys.iter().map(|key| Prepared::new(limits.key(key).into_owned()));
        Self {
            id: NEXT.fetch_add(1, Relaxed),
            registered,
            arguments: registered.argument_tags(),
            fields: keys.zip(registered.field_tags()).take(limits.keys).collect(),
            left_out: metadata.keys.len().saturating_sub(limits.keys),
            target: Prepared::new(metadata.module.target.to_owned()),
            file: Prepared::new(metadata.module.file.to_owned()),
            function: registered.function().map(Prepared::new),
            parts: parts.into_iter().map(Prepared::new).collect(),
        }
    }

    pub(super) fn registered(&self) -> Registered {
        self.registered
    }

    #[inline]
    pub(super) fn metadata(&self) -> &'static Metadata {
        &self.registered.site.metadata
    }

    #[inline]
    pub(super) fn template(&self) -> &'static Template {
        &self.registered.shape.types.template
    }

    /// Returns the types of the message's arguments.
    #[inline]
    pub(super) fn argument_tags(&self) -> &[Tag] {
        &self.arguments
    }

    /// Iterates over the types of the values in the payload, in order. A message that the caller formatted is a string.
    pub(super) fn payload_tags(&self) -> impl Iterator<Item = Tag> {
        let text = matches!(self.template(), Template::Text).then_some(Tag::new(Kind::Str));
        text.into_iter().chain(self.arguments.iter().copied()).chain(self.fields.iter().map(|(_, tag)| *tag))
    }

    /// Skips the arguments or the text. Returns a reader at the values of the keys.
    pub(super) fn skip_message<'a>(&self, payload: &'a [u8]) -> Reader<'a> {
        let mut reader = Reader::new(payload);
        // Without keys, nobody reads on.
        if !self.fields.is_empty() {
            if let Template::Text = self.template() {
                reader.text();
            }
            for tag in &self.arguments {
                reader.value(*tag);
            }
        }
        reader
    }
}

/// A consumer's copy of all call sites, by id; see the module's documentation.
#[derive(Default)]
pub(crate) struct SiteTable {
    sites: Vec<Site>,
    names: NameCache,
}

impl SiteTable {
    /// Makes the view of a record. `None` means that its call site is unknown, which only a damaged record can cause.
    #[inline]
    pub(crate) fn record<'a>(
        &'a mut self,
        header: Header,
        timestamp: Timestamp,
        thread: &'a Arc<ThreadInfo>,
        payload: &'a [u8],
    ) -> Option<FemtoLogRecord<'a>> {
        // Ids start at 1.
        let index = (header.site() as usize).checked_sub(1)?;
        if index >= self.sites.len() {
            self.update();
        }
        Some(view(self.sites.get(index)?, &mut self.names, header, timestamp, thread, payload))
    }

    /// Copies the call sites that were registered since.
    #[cold]
    fn update(&mut self) {
        self.sites.extend(callsite::sites_from(self.sites.len()).into_iter().map(Site::new));
    }
}

/// The call sites of the records that a logger's filters have seen on one thread, and no others: a thread that logs
/// from few of many call sites need not prepare them all.
#[derive(Default)]
pub(crate) struct SiteCache {
    sites: HashMap<u32, Site>,
    names: NameCache,
}

impl SiteCache {
    /// Makes the view of a record. `None` means that its call site is unknown, which only a damaged record can cause.
    pub(crate) fn record<'a>(
        &'a mut self,
        header: Header,
        timestamp: Timestamp,
        thread: &'a Arc<ThreadInfo>,
        payload: &'a [u8],
    ) -> Option<FemtoLogRecord<'a>> {
        let site = match self.sites.entry(header.site()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Site::new(callsite::site(header.site())?)),
        };
        Some(view(site, &mut self.names, header, timestamp, thread, payload))
    }
}

/// Makes the view of a record of this call site.
#[inline(always)]
fn view<'a>(
    site: &'a Site,
    names: &'a mut NameCache,
    header: Header,
    timestamp: Timestamp,
    thread: &'a Arc<ThreadInfo>,
    payload: &'a [u8],
) -> FemtoLogRecord<'a> {
    // Most records name no logger and have no extras: they need no names.
    if header.prefix() == Prefix::None && !header.has_extras() {
        return FemtoLogRecord::new(site, header.level(), timestamp, thread, payload);
    }
    view_with_names(site, names, header, timestamp, thread, payload)
}

/// Makes the view of a record that names a logger or a target, or has extras.
fn view_with_names<'a>(
    site: &'a Site,
    names: &'a mut NameCache,
    header: Header,
    timestamp: Timestamp,
    thread: &'a Arc<ThreadInfo>,
    payload: &'a [u8],
) -> FemtoLogRecord<'a> {
    names.update();
    let names = &*names;
    let (payload, extras) =
        if header.has_extras() { RecordExtras::split(payload, names) } else { (payload, RecordExtras::default()) };
    let mut reader = Reader::new(payload);
    let (logger, target) = match header.prefix() {
        Prefix::None => (None, None),
        Prefix::Logger => (names.get(reader.word() as u32), None),
        Prefix::Target => (None, Some(reader.text())),
        Prefix::Both => (names.get(reader.word() as u32), Some(reader.text())),
    };
    let record = FemtoLogRecord::new(site, header.level(), timestamp, thread, reader.rest());
    FemtoLogRecord { logger: logger.map(Prepared::as_str), target, extras, ..record }
}
