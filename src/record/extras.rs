//! What a record carries besides what its call site knows, as the consumer reads it; see `context/entries.rs`.

use super::site::Names;
use crate::context::{KEY, KEY_TEXT, SOURCE, SPAN};
use crate::text::{Output, Prepared};
use crate::value::{Reader, Tag, Value};

/// The entries of one record as the consumer reads them.
#[derive(Clone, Copy, Default)]
pub(super) struct Extras<'a> {
    bytes: &'a [u8],
    names: Option<&'a Names>,
}

/// A key's name.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    Prepared(&'a Prepared),
    Text(&'a str),
}

impl<'a> Key<'a> {
    #[inline]
    pub(crate) fn as_str(self) -> &'a str {
        match self {
            Key::Prepared(text) => text.as_str(),
            Key::Text(text) => text,
        }
    }

    #[inline]
    pub(crate) fn write(self, out: &mut impl Output) {
        match self {
            Key::Prepared(text) => out.prepared(text),
            Key::Text(text) => drop(out.write_str(text)),
        }
    }
}

/// A span that a record was logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanRef<'a> {
    name: &'a str,
    id: u64,
    parent: u64,
}

impl<'a> SpanRef<'a> {
    /// Returns the name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the number that no other span of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn to_parts(self) -> (String, u64, u64) {
        (self.name.to_owned(), self.id, self.parent)
    }

    pub(super) fn from_parts(name: &'a str, id: u64, parent: u64) -> Self {
        Self { name, id, parent }
    }

    /// Returns the number of the span that this one was made in.
    pub fn parent(&self) -> Option<u64> {
        (self.parent != 0).then_some(self.parent)
    }
}

/// Where a record of a bridge comes from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) module_path: &'a str,
    pub(super) file: &'a str,
    pub(super) line: u32,
}

enum Entry<'a> {
    Key(Key<'a>, Value<'a>),
    Span(SpanRef<'a>),
    Source(Source<'a>),
}

impl<'a> Extras<'a> {
    /// Splits them off the end of a payload.
    pub(super) fn split(payload: &'a [u8], names: &'a Names) -> (&'a [u8], Self) {
        let Some((rest, length)) = payload.split_last_chunk::<8>() else {
            return (payload, Self::default());
        };
        let length = (u64::from_le_bytes(*length) as usize).saturating_mul(8);
        let (payload, bytes) = rest.split_at_checked(rest.len().saturating_sub(length)).unwrap_or((rest, &[]));
        (payload, Self { bytes, names: Some(names) })
    }

    /// Entries that were kept, with the names that they refer to.
    pub(super) fn kept(bytes: &'a [u8], names: &'a Names) -> Self {
        Self { bytes, names: Some(names) }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        let names = self.names;
        std::iter::from_fn(move || {
            if reader.rest().is_empty() {
                return None;
            }
            let head = reader.word();
            let name = || names.and_then(|names| names.get((head >> 32) as usize));
            Some(match head >> 9 & 0x7F {
                SPAN => {
                    let (id, parent) = (reader.word(), reader.word());
                    Entry::Span(SpanRef { name: name().map_or("", Prepared::as_str), id, parent })
                }
                SOURCE => {
                    let (module_path, file) = (reader.text(), reader.text());
                    Entry::Source(Source { module_path, file, line: (head >> 32) as u32 })
                }
                what => {
                    let key = match name() {
                        Some(name) if what == KEY => Key::Prepared(name),
                        _ if what == KEY_TEXT => Key::Text(reader.text()),
                        _ => Key::Text(""),
                    };
                    Entry::Key(key, reader.value(Tag::from_word(head)))
                }
            })
        })
    }

    #[inline]
    pub(super) fn key_values(&self) -> impl Iterator<Item = (Key<'a>, Value<'a>)> + use<'a> {
        self.entries().filter_map(|entry| match entry {
            Entry::Key(key, value) => Some((key, value)),
            Entry::Span(_) | Entry::Source(_) => None,
        })
    }

    /// The spans, the outermost first.
    pub(super) fn spans(&self) -> impl Iterator<Item = SpanRef<'a>> + use<'a> {
        self.entries().filter_map(|entry| match entry {
            Entry::Span(span) => Some(span),
            Entry::Key(..) | Entry::Source(_) => None,
        })
    }

    pub(super) fn source(&self) -> Option<Source<'a>> {
        self.entries().find_map(|entry| match entry {
            Entry::Source(source) => Some(source),
            Entry::Key(..) | Entry::Span(_) => None,
        })
    }
}
