//! Call sites that the handler makes for `tracing` at run time.
//!
//! An event of `tracing` needs a `'static` call site with the names of its fields. So there is one for each call,
//! logged with the same keys; it is leaked, and their number is limited.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{LazyLock, Mutex, OnceLock};

use tracing_core::callsite::{self, Callsite};
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::{Interest, Level as TracingLevel, Metadata, identify_callsite};

use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::sync::{lazy, lock};

/// Maximum number of call sites for single calls. In addition there is one for each level.
const MOST: usize = 4096;

/// A call site for the records of one call or, once there are too many, of one level.
pub(super) struct EventSite(OnceLock<Metadata<'static>>);

/// All call sites, by the text of what distinguishes them.
static SITES: LazyLock<Mutex<HashMap<String, &'static EventSite>>> = LazyLock::new(Mutex::default);

/// A placeholder: metadata contains a reference to its call site, so that the call site exists before its metadata.
static UNMADE: EventSite = EventSite(OnceLock::new());
/// The metadata of a call site that has none yet. `tracing` never sees it.
static NO_METADATA: Metadata<'static> = metadata(&UNMADE, "", Level::Trace, None, &[]);

/// The source location of a call: its module path, file and line.
type StaticLocation = (&'static str, &'static str, u32);

/// Makes the metadata of a call site.
const fn metadata(
    site: &'static EventSite,
    target: &'static str,
    level: Level,
    place: Option<StaticLocation>,
    names: &'static [&'static str],
) -> Metadata<'static> {
    let (module_path, file, line) = match place {
        Some((module_path, file, line)) => (Some(module_path), Some(file), Some(line)),
        None => (None, None, None),
    };
    let fields = FieldSet::new(names, identify_callsite!(site));
    Metadata::new("femtologging record", target, tracing_level(level), file, line, module_path, fields, Kind::EVENT)
}

/// Returns the level of the same name, or `ERROR` for `Critical`.
const fn tracing_level(level: Level) -> TracingLevel {
    match level {
        Level::Trace => TracingLevel::TRACE,
        Level::Debug => TracingLevel::DEBUG,
        Level::Info => TracingLevel::INFO,
        Level::Warn => TracingLevel::WARN,
        Level::Error | Level::Critical => TracingLevel::ERROR,
    }
}

impl EventSite {
    /// Returns the metadata for a record that has fields of these names, or `None` if there are too many sites. `text`
    /// is a buffer.
    pub(super) fn of(
        record: &FemtoLogRecord<'_>,
        names: &[&str],
        text: &mut String,
    ) -> Option<&'static Metadata<'static>> {
        text.clear();
        let place = (record.level(), record.target(), record.module_path(), record.file(), record.line());
        let _ = write!(text, "{place:?}{names:?}");
        Self::find(text, MOST, |site| {
            let names: Vec<_> = names.iter().map(|name| leak(name)).collect();
            let place = (leak(record.module_path()), leak(record.file()), record.line());
            metadata(site, leak(record.target()), record.level(), Some(place), names.leak())
        })
    }

    /// Returns the metadata for any record of this level that has fields of these names.
    pub(super) fn any(level: Level, names: &'static [&'static str]) -> &'static Metadata<'static> {
        let make = |site| metadata(site, "femtologging", level, None, names);
        Self::find(level.as_str(), usize::MAX, make).unwrap_or(&NO_METADATA)
    }

    /// Returns the metadata of a site, which is made if it is not there and there are fewer than `most`.
    fn find(
        name: &str,
        most: usize,
        make: impl FnOnce(&'static Self) -> Metadata<'static>,
    ) -> Option<&'static Metadata<'static>> {
        let mut sites = lock(lazy(&SITES));
        if let Some(site) = sites.get(name) {
            return Some(site.metadata());
        }
        if sites.len() >= most {
            return None;
        }
        let site: &'static Self = Box::leak(Box::new(Self(OnceLock::new())));
        site.0.get_or_init(|| make(site));
        sites.insert(name.to_owned(), site);
        drop(sites);
        // Other subscribers are asked, and may do anything.
        callsite::register(site);
        Some(site.metadata())
    }
}

impl Callsite for EventSite {
    /// The dispatcher is asked about each record.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().unwrap_or(&NO_METADATA)
    }
}

/// Copies text to memory that is never freed.
fn leak(text: &str) -> &'static str {
    String::leak(text.to_owned())
}
