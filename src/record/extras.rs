//! The extras of a record, as a consumer reads them: decoded, with ids of names resolved.
//!
//! The wire format and its codec are in `context/extras.rs`.

use crate::context::{Extra, ExtrasReader, KeyRef, split};
use crate::names::NameCache;
use crate::text::{Output, Prepared};
use crate::value::Value;

/// The extras of one record.
#[derive(Clone, Copy, Default)]
pub(super) struct RecordExtras<'a> {
    bytes: &'a [u8],
    /// Resolves the ids of names; `None` only where there are no extras.
    names: Option<&'a NameCache>,
}

/// A key of a record.
#[derive(Clone, Copy)]
pub(crate) enum KeyName<'a> {
    /// A name that many records share, with its escaped forms.
    Prepared(&'a Prepared),
    /// A name of this record only.
    Text(&'a str),
}

impl<'a> KeyName<'a> {
    #[inline]
    pub(crate) fn as_str(self) -> &'a str {
        match self {
            KeyName::Prepared(text) => text.as_str(),
            KeyName::Text(text) => text,
        }
    }

    /// Writes the name, using its escaped form if there is one.
    #[inline]
    pub(crate) fn write(self, out: &mut impl Output) {
        match self {
            KeyName::Prepared(text) => out.prepared(text),
            KeyName::Text(text) => drop(out.write_str(text)),
        }
    }
}

/// A span that a record was logged in; see [`FemtoLogRecord::spans`](crate::FemtoLogRecord::spans).
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::policy::SpanEvents;
/// use femtologging::{Config, info, info_span};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let config = Config::builder().span_events(SpanEvents::None).add_handler("capture", capture.clone());
/// let logging = config.build()?;
/// let logger = logging.get_logger("shop")?;
/// info_span!(logger: logger, "request").in_scope(|| {
///     info_span!(logger: logger, "load").in_scope(|| info!(logger: logger, "loaded"));
/// });
/// logging.flush(Duration::from_secs(5))?;
///
/// let records = capture.records();
/// let spans: Vec<_> = records[0].spans().collect();
/// assert_eq!([spans[0].name(), spans[1].name()], ["request", "load"]);
/// assert_eq!((spans[0].parent(), spans[1].parent()), (None, Some(spans[0].id())));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanRef<'a> {
    name: &'a str,
    id: u64,
    /// 0 if the span has no parent.
    parent: u64,
}

impl<'a> SpanRef<'a> {
    /// Returns the span's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the span's id, which is unique in this process.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Splits the span into owned parts for [`OwnedRecord`](super::OwnedRecord).
    pub(super) fn to_parts(self) -> (String, u64, u64) {
        (self.name.to_owned(), self.id, self.parent)
    }

    pub(super) fn from_parts(name: &'a str, id: u64, parent: u64) -> Self {
        Self { name, id, parent }
    }

    /// Returns the id of the parent span: the one that was current when this span was made.
    pub fn parent(&self) -> Option<u64> {
        (self.parent != 0).then_some(self.parent)
    }
}

/// The source location that a bridge passed on with a record.
#[derive(Clone, Copy)]
pub(super) struct SourceLocation<'a> {
    pub(super) module_path: &'a str,
    pub(super) file: &'a str,
    pub(super) line: u32,
}

impl<'a> RecordExtras<'a> {
    /// Returns the extras in `bytes`, whose ids are those of `names`.
    pub(super) fn new(bytes: &'a [u8], names: &'a NameCache) -> Self {
        Self { bytes, names: Some(names) }
    }

    /// Splits the extras off the end of a payload. Returns the payload without them, and them.
    pub(super) fn split(payload: &'a [u8], names: &'a NameCache) -> (&'a [u8], Self) {
        let (payload, bytes) = split(payload);
        (payload, Self::new(bytes, names))
    }

    /// Returns the encoded extras, without their length.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Iterates over the keys and values, from the outermost context to the logger's.
    #[inline]
    pub(super) fn key_values(&self) -> impl Iterator<Item = (KeyName<'a>, Value<'a>)> + use<'a> {
        let names = self.names;
        ExtrasReader::new(self.bytes).filter_map(move |extra| match extra {
            Extra::Key(KeyRef::Text(name), value) => Some((KeyName::Text(name), value)),
            Extra::Key(KeyRef::Id(id), value) => {
                let name = names.and_then(|names| names.get(id));
                Some((name.map_or(KeyName::Text(""), KeyName::Prepared), value))
            }
            Extra::Span { .. } | Extra::Source { .. } | Extra::Scope(_) => None,
        })
    }

    /// Iterates over the spans, the outermost first.
    pub(super) fn spans(&self) -> impl Iterator<Item = SpanRef<'a>> + use<'a> {
        let names = self.names;
        ExtrasReader::new(self.bytes).filter_map(move |extra| match extra {
            Extra::Span { name, id, parent } => {
                let name = names.and_then(|names| names.get(name));
                Some(SpanRef { name: name.map_or("", Prepared::as_str), id, parent })
            }
            Extra::Key(..) | Extra::Source { .. } | Extra::Scope(_) => None,
        })
    }

    /// Returns the source location, if a bridge passed one on.
    pub(super) fn source(&self) -> Option<SourceLocation<'a>> {
        ExtrasReader::new(self.bytes).find_map(|extra| match extra {
            Extra::Source { module_path, file, line } => Some(SourceLocation { module_path, file, line }),
            Extra::Key(..) | Extra::Span { .. } | Extra::Scope(_) => None,
        })
    }

    /// Returns the number of the test to which the record belongs.
    #[cfg(feature = "testing")]
    pub(super) fn scope(&self) -> Option<u64> {
        ExtrasReader::new(self.bytes).find_map(|extra| match extra {
            Extra::Scope(id) => Some(id),
            Extra::Key(..) | Extra::Span { .. } | Extra::Source { .. } => None,
        })
    }
}
