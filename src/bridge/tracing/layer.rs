//! The layer for the registry of `tracing-subscriber`.

use std::fmt;
use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::span::TracedSpan;
use super::{Bridge, System, set_fields};
use crate::config::Logging;
use crate::policy::SpanEvents;

/// A layer that makes records of `tracing`'s events, and contexts of its spans.
///
/// | of `tracing` | becomes |
/// |---|---|
/// | level `ERROR` … `TRACE` | `Error` … `Trace` |
/// | target | the logger's name |
/// | file, line, module path | the record's own |
/// | field `message` | the message |
/// | other fields of an event | keys, typed; what was given by `?` or `%` is text |
/// | span, its fields | a [`SpanRef`](crate::SpanRef) and keys of every record in the span, those of this crate's macros, too |
/// | field that is recorded later | the same, in place of an earlier value, for the spans inside as well |
/// | `follows_from` | nothing |
/// | records of `log` that the crate `tracing-log` forwards | records with the target and the source that they had |
///
/// What is not enabled by our levels costs what `tracing` needs to find out: [`build`](TracingLayerBuilder::build) wraps the layer into a
/// per-layer filter, so that other layers get what they want all the same. When levels change at run time,
/// `tracing` is told.
///
/// Events with an explicit parent carry that span's context in place of the current one, events without a parent none.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoCaptureHandler, FemtoTracingLayer, Value};
/// use std::time::Duration;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let subscriber = tracing_subscriber::registry().with(FemtoTracingLayer::builder().logging(&logging).build());
/// tracing::subscriber::with_default(subscriber, || {
///     let _request = tracing::info_span!("request", id = 7).entered();
///     tracing::info!(attempts = 3, "logged in");
/// });
///
/// logging.flush(Duration::from_secs(5))?;
/// let records = capture.records();
/// assert_eq!(records[0].message(), "logged in");
/// assert_eq!(records[0].get("attempts"), Some(Value::I64(3)));
/// assert_eq!(records[0].get("id"), Some(Value::I64(7)));
/// assert_eq!(records[0].spans().map(|span| span.name().to_owned()).collect::<Vec<_>>(), ["request"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoTracingLayer(Arc<Bridge>);

impl FemtoTracingLayer {
    /// Returns a builder.
    pub fn builder() -> TracingLayerBuilder {
        TracingLayerBuilder { system: System::Global, span_events: SpanEvents::None }
    }
}

/// Builds a [`FemtoTracingLayer`].
///
/// | setting | default | |
/// |---|---|---|
/// | [`logging`](Self::logging) | the global system | where records go |
/// | [`span_events`](Self::span_events) | `None` | which records spans make of themselves |
#[must_use = "it does nothing until it is built"]
pub struct TracingLayerBuilder {
    system: System,
    span_events: SpanEvents,
}

impl TracingLayerBuilder {
    /// Sends records to a system of the program's own.
    pub fn logging(self, logging: &Logging) -> Self {
        Self { system: System::of(logging), ..self }
    }

    /// Sets which records spans make of themselves: `enter`, when one is entered for the first time, and `exit`, when it is closed,
    /// with its `duration` since then.
    pub fn span_events(self, events: SpanEvents) -> Self {
        Self { span_events: events, ..self }
    }

    /// Builds the layer, with the filter that asks our levels.
    pub fn build<S>(self) -> Filtered<FemtoTracingLayer, FemtoTracingFilter, S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let bridge = Arc::new(Bridge::new(self.system, self.span_events));
        FemtoTracingLayer(bridge.clone()).with_filter(FemtoTracingFilter(bridge))
    }
}

/// The filter of a [`FemtoTracingLayer`]: whether a record would go to a handler, as far as levels say.
pub struct FemtoTracingFilter(Arc<Bridge>);

impl<S> Filter<S> for FemtoTracingFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.enabled(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.interest(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.max_level())
    }
}

/// The spans of ours that stand for one of the registry's, one for each layer.
struct Spans(Vec<Arc<TracedSpan>>);

impl FemtoTracingLayer {
    fn span_of<'a, R: LookupSpan<'a>>(&self, span: &SpanRef<'a, R>) -> Option<Arc<TracedSpan>> {
        let extensions = span.extensions();
        extensions.get::<Spans>()?.0.iter().find(|span| span.bridge == self.0.number).cloned()
    }

    fn find<S>(&self, id: &Id, context: &Context<'_, S>) -> Option<Arc<TracedSpan>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.span_of(&context.span(id)?)
    }
}

impl<S> Layer<S> for FemtoTracingLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        // The fields are user code, which may look at the span; nothing is borrowed.
        let made = self.0.span(attributes, || self.span_of(&span.parent()?));
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Spans>() {
            Some(spans) => spans.0.push(made),
            None => extensions.insert(Spans(vec![made])),
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = self.find(id, &context) {
            set_fields(&span, values);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.0.event(event, || self.span_of(&context.event_span(event)?));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = self.find(id, &context) {
            span.enter();
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = self.find(id, &context) {
            span.exit();
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = self.find(&id, &context) {
            span.close();
        }
    }
}

impl fmt::Debug for FemtoTracingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoTracingLayer").finish_non_exhaustive()
    }
}

impl fmt::Debug for FemtoTracingFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoTracingFilter").finish_non_exhaustive()
    }
}
