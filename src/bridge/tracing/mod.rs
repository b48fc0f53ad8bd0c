//! From and to the crate `tracing`.
//!
//! [`FemtoTracingLayer`] and [`FemtoTracingSubscriber`] turn events of `tracing` into records, and its spans into
//! contexts. They differ in who stores the spans: the registry of `tracing-subscriber`, or the subscriber itself. What
//! they share is in this file. [`FemtoTracingHandler`] turns records into events of `tracing`.
//!
//! | file | content |
//! |---|---|
//! | `known.rs` | what is computed once for each call site of `tracing` |
//! | `fields.rs` | fields, as keys and values |
//! | `layer.rs`, `subscriber.rs` | the two ways to receive events |
//! | `handler.rs`, `site.rs` | the handler, and the call sites that it must make for `tracing` |
//!
//! # An event's way
//!
//! ```text
//! tracing::info!(order = 7, "paid")
//!   │ tracing's own check: the call site's Interest, which Bridge::interest gave
//!   ▼
//! Bridge::event ──► Known::of(metadata)     the Callsite that stands for tracing's, by the metadata's address
//!   ▼
//! send ──► dynamic::send ──► a record, like that of info!("paid"; order = 7)
//! ```
//!
//! # Who decides whether an event is enabled
//!
//! A call site of `tracing` asks each subscriber once (`register_callsite`) and caches the answer. The bridge answers
//! `always` or `never` from the levels of the loggers, so a disabled event costs what it costs `tracing`. When a level
//! changes, the registry calls `rebuild_interest_cache`, and `tracing` asks again.
//!
//! Only the call sites of `tracing-log` get `sometimes`: one of them stands for all records of `log`, whose targets
//! differ.
//!
//! # Circles
//!
//! A program may send `tracing`'s events here, and these records to `tracing` by [`FemtoTracingHandler`]. The handler
//! sets [`FEEDING`] on its thread while it sends an event, and the bridge ignores events then.

mod fields;
mod handler;
mod known;
mod layer;
mod site;
mod subscriber;

pub use self::handler::FemtoTracingHandler;
pub use self::layer::{FemtoTracingFilter, FemtoTracingLayer, TracingLayerBuilder};
pub use self::subscriber::{FemtoTracingSubscriber, TracingSubscriberBuilder};

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Record};
use tracing_core::{Event, Interest, LevelFilter as TracingLevelFilter, Metadata, callsite};

use self::fields::FieldVisitor;
use self::known::{Known, LogCall, level};
use crate::config::Logging;
use crate::context::{Context, ExtrasWriter, OwnedExtras};
use crate::level::{Level, LevelFilter, is_compiled};
use crate::logger::dynamic::{self, Dynamic};
use crate::logger::{AtLogger, AtSite, AtTarget, FemtoLogger, OwnedSource, Registry, Source};
use crate::policy::SpanEvents;
use crate::span::traced::{self, Parent, SpanSite, TracedSpan};
use crate::sync::lock;
use crate::value::limits;

thread_local! {
    /// Whether [`FemtoTracingHandler`] is sending an event on this thread. Such an event is ignored, or it would return
    /// as a record.
    static FEEDING: Cell<bool> = const { Cell::new(false) };
}

/// What the layer and the subscriber share: the logging system that gets the records, and the conversion of events and
/// spans.
struct Bridge {
    /// An id that distinguishes the spans of several layers in one registry.
    number: u64,
    system: System,
    span_events: SpanEvents,
}

/// The logging system that records go to.
enum System {
    Global,
    /// An instance, with its loggers by target.
    Own(Arc<Registry>, Mutex<HashMap<Box<str>, FemtoLogger>>),
}

impl System {
    /// Returns the system of an instance.
    fn of(logging: &Logging) -> Self {
        System::Own(logging.registry().clone(), Mutex::default())
    }

    fn registry(&self) -> &Registry {
        match self {
            System::Global => Registry::global(),
            System::Own(registry, _) => registry,
        }
    }
}

impl Bridge {
    /// Makes a bridge, and has `tracing` ask for its interests again whenever levels change.
    fn new(system: System, span_events: SpanEvents) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        system.registry().on_change(callsite::rebuild_interest_cache);
        Self { number: NEXT.fetch_add(1, Relaxed), system, span_events }
    }

    /// Returns the logger of a target, or `None` in the global system, where the call site or the target selects it.
    fn logger(&self, target: &str) -> Option<FemtoLogger> {
        let System::Own(registry, loggers) = &self.system else {
            return None;
        };
        let mut loggers = lock(loggers);
        if let Some(logger) = loggers.get(target) {
            return Some(logger.clone());
        }
        let logger = registry.logger(target);
        loggers.insert(target.into(), logger.clone());
        Some(logger)
    }

    /// Returns whether a record of this call site would go to a handler.
    fn known_enabled(&self, known: &'static Known) -> bool {
        is_compiled(known.level)
            && match self.logger(known.site.metadata.module.target) {
                Some(logger) => AtLogger(&logger).enabled(&known.site, known.level),
                None => AtSite.enabled(&known.site, known.level),
            }
    }

    /// Returns whether `tracing` should call the subscriber for a call site. `tracing` caches the answer until levels
    /// change.
    fn interest(&self, metadata: &'static Metadata<'static>) -> Interest {
        let known = Known::of(metadata);
        // Each forwarded record has a target of its own.
        if known.forwards_log {
            Interest::sometimes()
        } else if self.known_enabled(known) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    /// Returns whether records with this metadata would go anywhere; `tracing` calls it where there is no cached
    /// answer.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        match Known::find(metadata).filter(|known| !known.forwards_log) {
            Some(known) => self.known_enabled(known),
            None => self.target_enabled(metadata.target(), level(*metadata.level())),
        }
    }

    /// Returns whether records with a target that is only known at run time would go anywhere.
    fn target_enabled(&self, target: &str, level: Level) -> bool {
        is_compiled(level)
            && match self.logger(target) {
                Some(logger) => logger.is_enabled_for(level),
                None => crate::logger::target_enabled(target, level),
            }
    }

    /// Returns the most verbose level that any logger has enabled.
    fn max_level(&self) -> TracingLevelFilter {
        match self.system.registry().most_verbose() {
            LevelFilter::Trace => TracingLevelFilter::TRACE,
            LevelFilter::Debug => TracingLevelFilter::DEBUG,
            LevelFilter::Info => TracingLevelFilter::INFO,
            LevelFilter::Warn => TracingLevelFilter::WARN,
            LevelFilter::Error => TracingLevelFilter::ERROR,
            LevelFilter::Critical | LevelFilter::Off => TracingLevelFilter::OFF,
        }
    }

    /// Makes a record of an event, in the current span or in the event's explicit parent, which `find` returns.
    fn event(&self, event: &Event<'_>, find: impl FnOnce() -> Option<Arc<TracedSpan>>) {
        if event.is_contextual() {
            traced::refresh();
            return self.record(event);
        }
        let around = find().map(|span| span.context().0).unwrap_or_default();
        around.in_scope(|| self.record(event));
    }

    /// Makes a record of an event in the current context.
    fn record(&self, event: &Event<'_>) {
        let known = Known::of(event.metadata());
        if !is_compiled(known.level) || FEEDING.try_with(Cell::get).unwrap_or(false) {
            return;
        }
        if known.forwards_log {
            let mut call = LogCall::default();
            event.record(&mut FieldVisitor(|field: &_, value: fields::FieldValue<'_>| call.note(field, &value)));
            return match self.logger(&call.target) {
                Some(logger) => send(AtLogger(&logger), known, event, Some(&call)),
                None => send(AtTarget(&call.target), known, event, Some(&call)),
            };
        }
        match self.logger(known.site.metadata.module.target) {
            Some(logger) => send(AtLogger(&logger), known, event, None),
            None => send(AtSite, known, event, None),
        }
    }

    /// Makes a span for one of `tracing`'s, in the current span or in its explicit parent, which `find` returns.
    fn span(&self, attributes: &Attributes<'_>, find: impl FnOnce() -> Option<Arc<TracedSpan>>) -> Arc<TracedSpan> {
        let parent = if attributes.is_contextual() {
            traced::current_parent()
        } else {
            find().map_or_else(|| Parent::Context(Context::default()), Parent::Span)
        };
        let known = Known::of(attributes.metadata());
        let fields = encode(known, |visitor| attributes.record(visitor));
        let source = self.logger(known.site.metadata.module.target).map_or(OwnedSource::Site, OwnedSource::Logger);
        let at = SpanSite { site: &known.site, level: known.level, name: known.name, owner: known };
        TracedSpan::new(at, self.number, parent, fields, source, self.span_events)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.system.registry().not_on_change(callsite::rebuild_interest_cache);
    }
}

/// Returns what the bridge knows of the call site of one of its spans.
fn known(span: &TracedSpan) -> Option<&'static Known> {
    span.at.owner.downcast_ref()
}

/// Sets fields of a span that already exists (`Span::record`).
fn set_fields(span: &TracedSpan, values: &Record<'_>) {
    if let Some(known) = known(span) {
        span.record(&encode(known, |visitor| values.record(visitor)));
        traced::refresh();
    }
}

/// Encodes the fields of a span that are keys; `visit` shows them to a visitor.
fn encode(known: &Known, visit: impl FnOnce(&mut dyn Visit)) -> OwnedExtras {
    ExtrasWriter::keep(&[], limits::get(), |entries| {
        visit(&mut FieldVisitor(|field: &_, value: fields::FieldValue<'_>| {
            if let Some(key) = known.key(field) {
                value.add(key, entries);
            }
        }));
    })
}

/// Sends an event as a record. `call` has the target and source location of a forwarded `log` record.
fn send<S: Source>(source: S, known: &'static Known, event: &Event<'_>, call: Option<&LogCall>) {
    let message = |out: &mut dyn fmt::Write| {
        let mut result = Ok(());
        event.record(&mut FieldVisitor(|field: &_, value: fields::FieldValue<'_>| {
            if known.is_message(field) {
                result = value.write(out);
            }
        }));
        result
    };
    let record = Dynamic {
        message: &message,
        place: call.map(LogCall::place),
        keys: &|entries| {
            event.record(&mut FieldVisitor(|field: &_, value: fields::FieldValue<'_>| {
                if let Some(key) = known.key(field) {
                    value.add(key, entries);
                }
            }));
        },
    };
    dynamic::send(source, &known.site, known.level, &record);
}
