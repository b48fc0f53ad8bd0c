//! What the bridge computes once for each call site of `tracing`.
//!
//! `tracing` identifies a call site by its `Metadata`, which is a `static` of the call, so its address is unique for
//! the life of the process. From that address an event finds its [`Known`], in three steps of rising cost:
//!
//! ```text
//! RECENT[place(address)]   a slot of the thread's cache of 256: a load and a comparison
//! KNOWN                    a table for the process, under a lock; fills the slot
//! Known::learn             the first event of the call site: computes, registers and leaks it
//! ```
//!
//! The cache is direct-mapped: two call sites with the same slot evict each other, which costs the lock and nothing
//! else. Leaked memory is bounded by the number of call sites in the program's source.
//!
//! `find` takes metadata that may not be `'static`, as `tracing-log` makes it on the stack for each record. It only
//! compares addresses. Metadata on the stack cannot have the address of a `static`, so it finds nothing.

use std::cell::Cell;
use std::collections::HashMap;
use std::ptr;
use std::sync::{LazyLock, Mutex};

use tracing_core::field::Field;
use tracing_core::{Level as TracingLevel, Metadata as TracingMetadata};

use super::fields::FieldValue;
use crate::callsite::{Callsite, Metadata, Module, Origin};
use crate::level::Level;
use crate::logger::Registry;
use crate::logger::dynamic::SourceLocation;
use crate::names;
use crate::sync::{lazy, lock};
use crate::value::{Value, limits};

/// The fields that `log` records have when the crate `tracing-log` forwards them.
const LOG_TARGET: &str = "log.target";
const LOG_FIELDS: [&str; 4] = [LOG_TARGET, "log.module_path", "log.file", "log.line"];

/// A call site of `tracing`, together with the [`Callsite`] of this crate that represents it.
pub(super) struct Known {
    pub(super) metadata: &'static TracingMetadata<'static>,
    pub(super) site: Callsite,
    pub(super) level: Level,
    /// The id of a span's name; events have none.
    pub(super) name: u32,
    /// For each field, the id of the key's name, or `None` if the field is not a key (the message, fields of `log`).
    keys: Box<[Option<u32>]>,
    /// The index of the field that is the message.
    message: Option<usize>,
    /// Whether its events are records of `log` that the crate `tracing-log` forwards: they have their target and source
    /// location in fields.
    pub(super) forwards_log: bool,
}

/// The number of slots in a thread's cache.
const REMEMBERED: usize = 256;

thread_local! {
    /// A direct-mapped cache: the address of the metadata selects the slot ([`place`]).
    static RECENT: [Cell<Option<&'static Known>>; REMEMBERED] = const { [const { Cell::new(None) }; REMEMBERED] };
}

/// All known call sites, by the address of their metadata. They are never removed.
static KNOWN: LazyLock<Mutex<HashMap<usize, &'static Known>>> = LazyLock::new(Mutex::default);

impl Known {
    /// Returns the known call site with this metadata, which is made if it is new.
    #[inline]
    pub(super) fn of(metadata: &'static TracingMetadata<'static>) -> &'static Self {
        match Self::find(metadata) {
            Some(known) => known,
            None => Self::learn(metadata),
        }
    }

    /// Returns the known call site with this metadata, if there is one. For metadata that is not `'static`, such as
    /// that of forwarded `log` records.
    #[inline]
    pub(super) fn find(metadata: &TracingMetadata<'_>) -> Option<&'static Self> {
        let address = ptr::from_ref(metadata).addr();
        let recent = RECENT.try_with(|recent| recent[place(address)].get()).ok().flatten();
        recent.filter(|known| ptr::from_ref(known.metadata).addr() == address).or_else(|| {
            let known = *lock(lazy(&KNOWN)).get(&address)?;
            let _ = RECENT.try_with(|recent| recent[place(address)].set(Some(known)));
            Some(known)
        })
    }

    /// Makes and registers a known call site, which is leaked: there is one for each call in the source.
    #[cold]
    fn learn(metadata: &'static TracingMetadata<'static>) -> &'static Self {
        let known = *lock(lazy(&KNOWN))
            .entry(ptr::from_ref(metadata).addr())
            .or_insert_with(|| Box::leak(Box::new(Self::new(metadata))));
        // From now on its state is updated when levels change.
        Registry::global().init_state(&known.site, known.level);
        known
    }

    /// Computes what is known of a call site from its metadata.
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
                module: Box::leak(Box::new(Module {
                    target: metadata.target(),
                    module_path: metadata.module_path().unwrap_or_default(),
                    file: metadata.file().unwrap_or_default(),
                })),
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

    /// Returns the id of a field's name, or `None` if the field is not a key.
    pub(super) fn key(&self, field: &Field) -> Option<u32> {
        self.keys.get(field.index()).copied().flatten()
    }

    /// Returns whether a field is the message.
    pub(super) fn is_message(&self, field: &Field) -> bool {
        self.message == Some(field.index())
    }
}

/// Returns the slot of the cache for metadata at this address.
fn place(address: usize) -> usize {
    // The low bits are the same for all: metadata is aligned, and longer than 16 bytes.
    (address >> 4) % REMEMBERED
}

/// Returns the name of a field, without the `r#` of a raw identifier.
fn key(field: &Field) -> &'static str {
    field.name().trim_start_matches("r#")
}

/// Returns the level of the same name.
pub(super) fn level(level: TracingLevel) -> Level {
    match level {
        TracingLevel::ERROR => Level::Error,
        TracingLevel::WARN => Level::Warn,
        TracingLevel::INFO => Level::Info,
        TracingLevel::DEBUG => Level::Debug,
        TracingLevel::TRACE => Level::Trace,
    }
}

/// The target and source location of a forwarded `log` record, from its fields.
#[derive(Default)]
pub(super) struct LogCall {
    pub(super) target: String,
    module_path: String,
    file: String,
    line: u32,
}

impl LogCall {
    /// Takes the value of a field, if it is one of these.
    pub(super) fn note(&mut self, field: &Field, value: &FieldValue<'_>) {
        match (field.name(), value) {
            (LOG_TARGET, FieldValue::Value(Value::Str(text))) => self.target.push_str(text),
            ("log.module_path", FieldValue::Value(Value::Str(text))) => self.module_path.push_str(text),
            ("log.file", FieldValue::Value(Value::Str(text))) => self.file.push_str(text),
            ("log.line", FieldValue::Value(Value::U64(line))) => self.line = u32::try_from(*line).unwrap_or_default(),
            _ => {}
        }
    }

    pub(super) fn place(&self) -> SourceLocation<'_> {
        SourceLocation { module_path: &self.module_path, file: &self.file, line: self.line }
    }
}
