//! A consumer's own table of call sites, with what it needs to read their records.

use std::sync::Arc;

use super::{FemtoLogRecord, Header, Prefix, ThreadInfo};
use crate::callsite::{self, Metadata, Registered};
use crate::template::{self, Template};
use crate::text::Prepared;
use crate::time::Timestamp;
use crate::value::{Reader, Tag};

/// A call site, prepared for reading its records.
pub(crate) struct Site {
    registered: Registered,
    arguments: Vec<Tag>,
    fields: Vec<Tag>,
    pub(super) parts: Vec<Prepared>,
}

impl Site {
    pub(crate) fn new(registered: Registered) -> Self {
        let metadata = &registered.site.metadata;
        let parts = match registered.shape.template {
            Template::Bare => template::literal_parts(metadata.template),
            Template::Text | Template::Closure(_) => Vec::new(),
        };
        Self {
            registered,
            arguments: registered.argument_tags(),
            fields: registered.field_tags(),
            parts: parts.into_iter().map(Prepared::new).collect(),
        }
    }

    #[inline]
    pub(super) fn metadata(&self) -> &'static Metadata {
        &self.registered.site.metadata
    }

    #[inline]
    pub(super) fn template(&self) -> &'static Template {
        &self.registered.shape.template
    }

    #[inline]
    pub(super) fn argument_tags(&self) -> &[Tag] {
        &self.arguments
    }

    #[inline]
    pub(super) fn field_tags(&self) -> &[Tag] {
        &self.fields
    }

    /// Moves `reader` behind the message, to the values of the keys.
    pub(super) fn skip_message(&self, reader: &mut Reader<'_>) {
        if let Template::Text = self.template() {
            reader.text();
        }
        for tag in &self.arguments {
            reader.value(*tag);
        }
    }
}

/// The call sites and logger names that a consumer has met; it asks for more when it meets an unknown one.
#[derive(Default)]
pub(crate) struct SiteTable {
    sites: Vec<Site>,
    names: Vec<Arc<str>>,
}

impl SiteTable {
    /// Makes the view of a record; `None` if its call site is unknown, which cannot be.
    #[inline]
    pub(crate) fn record<'a>(
        &'a mut self,
        header: Header,
        timestamp: Timestamp,
        thread: &'a ThreadInfo,
        payload: &'a [u8],
    ) -> Option<FemtoLogRecord<'a>> {
        let index = (header.site() as usize).checked_sub(1)?;
        if index >= self.sites.len() {
            self.update();
        }
        let mut reader = Reader::new(payload);
        let named = matches!(header.prefix(), Prefix::Logger | Prefix::Both);
        let name = if named { self.know_name(reader.word() as usize) } else { None };
        let site = self.sites.get(index)?;
        let logger = name.and_then(|id| self.names.get(id)).map_or(site.metadata().target, |name| name);
        let (logger, target) = match header.prefix() {
            Prefix::None | Prefix::Logger => (logger, logger),
            Prefix::Target => {
                let target = reader.text();
                (target, target)
            }
            Prefix::Both => (logger, reader.text()),
        };
        Some(FemtoLogRecord { level: header.level(), timestamp, site, thread, logger, target, payload: reader.rest() })
    }

    /// Makes sure that the logger's name with this id is in the table.
    fn know_name(&mut self, id: usize) -> Option<usize> {
        if id >= self.names.len() {
            self.names.extend(callsite::names_from(self.names.len()));
        }
        Some(id)
    }

    #[cold]
    fn update(&mut self) {
        self.sites.extend(callsite::sites_from(self.sites.len()).into_iter().map(Site::new));
    }
}
