//! A subscriber that stores spans itself, without the registry of `tracing-subscriber`.
//!
//! `tracing` counts the handles of a span by `clone_span` and `try_close`, and the subscriber has to keep the span
//! until the last one is dropped. Spans are kept in sixteen tables with a lock each; a span's id selects its table, and
//! ids are consecutive, so threads that open spans at the same time mostly use different locks.
//!
//! No user code runs under these locks: closing a span logs its `exit`, which may call filters, so the span is first
//! taken out of its table.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crossbeam_utils::CachePadded;
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Event, Interest, LevelFilter, Metadata, Subscriber};

use super::{Bridge, System, known, set_fields};
use crate::config::Logging;
use crate::policy::SpanEvents;
use crate::span::traced::{self, TracedSpan};
use crate::sync::lock;

/// The number of tables of open spans. Several reduce contention between threads.
const TABLES: usize = 16;

/// A subscriber that turns events of `tracing` into records, and its spans into contexts.
///
/// It does what [`FemtoTracingLayer`](super::FemtoTracingLayer) does, at a lower cost, because it stores the spans
/// itself. It cannot be combined with layers.
///
/// # Examples
///
/// ```
/// use femtologging::bridge::FemtoTracingSubscriber;
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::Config;
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let subscriber = FemtoTracingSubscriber::builder().logging(&logging).build();
/// tracing::subscriber::with_default(subscriber, || tracing::info!("hello"));
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["hello"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoTracingSubscriber {
    bridge: Bridge,
    /// The spans that have handles, by id.
    open: [CachePadded<Mutex<HashMap<u64, OpenSpan>>>; TABLES],
}

/// A span with the number of its handles (clones of `tracing::Span`). It ends with the last one.
struct OpenSpan {
    span: Arc<TracedSpan>,
    handles: usize,
}

impl FemtoTracingSubscriber {
    /// Returns a builder.
    pub fn builder() -> TracingSubscriberBuilder {
        TracingSubscriberBuilder { system: System::Global, span_events: SpanEvents::None }
    }

    /// Returns the table for a span.
    fn table(&self, id: &Id) -> &Mutex<HashMap<u64, OpenSpan>> {
        &self.open[id.into_u64() as usize % TABLES]
    }

    /// Returns the span with an id, while it has handles.
    fn find(&self, id: &Id) -> Option<Arc<TracedSpan>> {
        lock(self.table(id)).get(&id.into_u64()).map(|open| open.span.clone())
    }
}

/// Builds a [`FemtoTracingSubscriber`].
///
/// | setting | default | |
/// |---|---|---|
/// | [`logging`](Self::logging) | the global system | where records go |
/// | [`span_events`](Self::span_events) | `None` | which records spans log |
///
/// # Examples
///
/// ```
/// use femtologging::bridge::FemtoTracingSubscriber;
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::policy::SpanEvents;
/// use femtologging::Config;
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let builder = FemtoTracingSubscriber::builder().logging(&logging).span_events(SpanEvents::Exit);
/// let subscriber = builder.build();
/// tracing::subscriber::with_default(subscriber, || {
///     tracing::info_span!("load", table = "users").in_scope(|| tracing::info!("ready"));
/// });
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["ready", "exit"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[must_use = "it does nothing until it is built"]
pub struct TracingSubscriberBuilder {
    system: System,
    span_events: SpanEvents,
}

impl TracingSubscriberBuilder {
    /// Sends records to this logging system instead of the global one.
    ///
    /// A span or event goes to the logger that its target names in that system.
    pub fn logging(self, logging: &Logging) -> Self {
        Self { system: System::of(logging), ..self }
    }

    /// Sets which records a span logs: `enter`, when it is entered for the first time, and `exit`, when its last handle
    /// is dropped, with the `duration` since the first entry.
    pub fn span_events(self, events: SpanEvents) -> Self {
        Self { span_events: events, ..self }
    }

    /// Builds the subscriber.
    pub fn build(self) -> FemtoTracingSubscriber {
        FemtoTracingSubscriber {
            bridge: Bridge::new(self.system, self.span_events),
            open: std::array::from_fn(|_| CachePadded::new(Mutex::default())),
        }
    }
}

impl Subscriber for FemtoTracingSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.bridge.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.bridge.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.bridge.max_level())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let span = self.bridge.span(attributes, || self.find(attributes.parent()?));
        let id = Id::from_u64(span.id);
        lock(self.table(&id)).insert(span.id, OpenSpan { span, handles: 1 });
        id
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let Some(span) = self.find(id) {
            set_fields(&span, values);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.bridge.event(event, || self.find(event.parent()?));
    }

    fn enter(&self, id: &Id) {
        if let Some(span) = self.find(id) {
            span.enter();
        }
    }

    fn exit(&self, id: &Id) {
        if let Some(span) = self.find(id) {
            span.exit();
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(open) = lock(self.table(id)).get_mut(&id.into_u64()) {
            open.handles += 1;
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut table = lock(self.table(&id));
        let Some(open) = table.get_mut(&id.into_u64()) else {
            return false;
        };
        open.handles -= 1;
        if open.handles > 0 {
            return false;
        }
        // Closing logs a record, which must not happen while the table is locked.
        let closed = table.remove(&id.into_u64());
        drop(table);
        if let Some(OpenSpan { span, .. }) = closed {
            span.close();
        }
        true
    }

    fn current_span(&self) -> Current {
        let span = traced::innermost(self.bridge.number);
        match span.and_then(|span| Some((span.id, known(&span)?))) {
            Some((id, known)) => Current::new(Id::from_u64(id), known.metadata),
            None => Current::none(),
        }
    }
}

impl fmt::Debug for FemtoTracingSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoTracingSubscriber").finish_non_exhaustive()
    }
}
