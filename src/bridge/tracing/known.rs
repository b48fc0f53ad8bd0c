//! What the bridge knows of a call site of `tracing`: made once, kept for ever, found by the address of its metadata.

use std::cell::Cell;
use std::collections::HashMap;
use std::ptr;
use std::sync::{LazyLock, Mutex};

use tracing_core::field::Field;
use tracing_core::{Level as TracingLevel, Metadata as TracingMetadata};

use super::fields::Seen;
use crate::callsite::{Callsite, Metadata, Origin};
use crate::level::Level;
use crate::logger::Registry;
use crate::logger::dynamic::Place;
use crate::names;
use crate::sync::lock;
use crate::value::{Value, limits};

/// The fields that `log` records have when the crate `tracing-log` forwards them.
const LOG_TARGET: &str = "log.target";
const LOG_FIELDS: [&str; 4] = [LOG_TARGET, "log.module_path", "log.file", "log.line"];

/// A call site of `tracing`, with one of ours that stands for it.
pub(super) struct Known {
    pub(super) metadata: &'static TracingMetadata<'static>,
    pub(super) site: Callsite,
    pub(super) level: Level,
    /// The id of a span's name; events have none.
    pub(super) name: u32,
    /// The id of the name of each field that is a key of its own.
    keys: Box<[Option<u32>]>,
    /// The place of the field that is the message.
    message: Option<usize>,
    /// Whether it stands for calls of the crate `log`, which say where they come from.
    pub(super) forwards_log: bool,
}

/// How many call sites a thread finds without asking the table of all.
const REMEMBERED: usize = 256;

thread_local! {
    /// The call sites that this thread has met last, each at a place that its metadata's address decides.
    static RECENT: [Cell<Option<&'static Known>>; REMEMBERED] = const { [const { Cell::new(None) }; REMEMBERED] };
}

/// All of them, by the addresses of their metadata.
static KNOWN: LazyLock<Mutex<HashMap<usize, &'static Known>>> = LazyLock::new(Mutex::default);

impl Known {
    /// Returns what is known of a call site.
    #[inline]
    pub(super) fn of(metadata: &'static TracingMetadata<'static>) -> &'static Self {
        match Self::find(metadata) {
            Some(known) => known,
            None => Self::learn(metadata),
        }
    }

    /// The same for metadata that may be made for one call, as those of forwarded `log` records are.
    #[inline]
    pub(super) fn find(metadata: &TracingMetadata<'_>) -> Option<&'static Self> {
        let address = ptr::from_ref(metadata).addr();
        let recent = RECENT.try_with(|recent| recent[place(address)].get()).ok().flatten();
        recent.filter(|known| ptr::from_ref(known.metadata).addr() == address).or_else(|| {
            let known = *lock(&KNOWN).get(&address)?;
            let _ = RECENT.try_with(|recent| recent[place(address)].set(Some(known)));
            Some(known)
        })
    }

    #[cold]
    fn learn(metadata: &'static TracingMetadata<'static>) -> &'static Self {
        let known = *lock(&KNOWN)
            .entry(ptr::from_ref(metadata).addr())
            .or_insert_with(|| Box::leak(Box::new(Self::new(metadata))));
        // From now on its state follows the levels.
        Registry::global().sees(&known.site, known.level);
        known
    }

    fn new(metadata: &'static TracingMetadata<'static>) -> Self {
        let fields = metadata.fields();
        let forwards_log = fields.field(LOG_TARGET).is_some();
        let is_key = |name: &str| name != "message" && !(forwards_log && LOG_FIELDS.contains(&name));
        let limits = limits::get();
        let level = level(*metadata.level());
        Self {
            metadata,
            site: Callsite::new(Metadata {
                level: Some(level),
                origin: if forwards_log { Origin::Target } else { Origin::Static },
                target: metadata.target(),
                module_path: metadata.module_path().unwrap_or_default(),
                file: metadata.file().unwrap_or_default(),
                line: metadata.line().unwrap_or_default(),
                template: if metadata.is_span() { metadata.name() } else { "" },
                keys: &[],
            }),
            level,
            name: if metadata.is_span() { names::intern(metadata.name()) } else { 0 },
            keys: fields
                .iter()
                .map(|field| is_key(field.name()).then(|| names::intern(&limits.key(key(&field)))))
                .collect(),
            message: fields.field("message").filter(|_| metadata.is_event()).map(|field| field.index()),
            forwards_log,
        }
    }

    /// The id of a field's name, unless it says something else than a key.
    pub(super) fn key(&self, field: &Field) -> Option<u32> {
        self.keys.get(field.index()).copied().flatten()
    }

    pub(super) fn is_message(&self, field: &Field) -> bool {
        self.message == Some(field.index())
    }
}

fn place(address: usize) -> usize {
    // Metadata is more than sixteen bytes long, and of call sites that follow each other a few hundred bytes apart.
    (address >> 4) % REMEMBERED
}

/// A field's name, without the mark of a raw identifier.
fn key(field: &Field) -> &'static str {
    field.name().trim_start_matches("r#")
}

/// The level of the same name.
pub(super) fn level(level: TracingLevel) -> Level {
    match level {
        TracingLevel::ERROR => Level::Error,
        TracingLevel::WARN => Level::Warn,
        TracingLevel::INFO => Level::Info,
        TracingLevel::DEBUG => Level::Debug,
        TracingLevel::TRACE => Level::Trace,
    }
}

/// What a forwarded `log` record says of its call.
#[derive(Default)]
pub(super) struct LogCall {
    pub(super) target: String,
    module_path: String,
    file: String,
    line: u32,
}

impl LogCall {
    /// Notes a field, if it is one of those.
    pub(super) fn note(&mut self, field: &Field, value: &Seen<'_>) {
        match (field.name(), value) {
            (LOG_TARGET, Seen::Value(Value::Str(text))) => self.target.push_str(text),
            ("log.module_path", Seen::Value(Value::Str(text))) => self.module_path.push_str(text),
            ("log.file", Seen::Value(Value::Str(text))) => self.file.push_str(text),
            ("log.line", Seen::Value(Value::U64(line))) => self.line = u32::try_from(*line).unwrap_or_default(),
            _ => {}
        }
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place { module_path: &self.module_path, file: &self.file, line: self.line }
    }
}
