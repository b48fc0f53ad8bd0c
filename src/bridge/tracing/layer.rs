//! A layer for the registry of `tracing-subscriber`.

use std::fmt;
use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::{Bridge, System, set_fields};
use crate::config::Logging;
use crate::context::TraceContext;
use crate::policy::SpanEvents;
use crate::span::traced::TracedSpan;

/// A layer that turns events of `tracing` into records, and its spans into contexts.
///
/// | in `tracing` | in records |
/// |---|---|
/// | level `ERROR` … `TRACE` | `Error` … `Trace` |
/// | target | the logger's name |
/// | file, line, module path | the same |
/// | field `message` | the message |
/// | other fields of an event | typed keys; values given by `?` or `%` are text |
/// | span, its fields | a [`SpanRef`](crate::record::SpanRef) and keys of every record in the span, of all macros |
/// | field that is recorded later | the key, replacing an earlier value, also for the spans inside |
/// | `follows_from` | nothing |
/// | records of `log` that the crate `tracing-log` forwards | records with their original target and source location |
///
/// The levels of this crate's loggers decide which events and spans are enabled. [`build`](TracingLayerBuilder::build)
/// adds a per-layer filter for that, so that other layers are not affected. Changes of levels at run time take effect
/// in `tracing` as well.
///
/// An event with an explicit parent has the context of that span instead of the current one; an event with the explicit
/// parent `None` has no context.
///
/// # Examples
///
/// ```
/// use femtologging::bridge::FemtoTracingLayer;
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, Value};
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
pub struct FemtoTracingLayer {
    bridge: Arc<Bridge>,
    find_trace: Option<FindTrace>,
}

/// Finds the identifiers that another layer has given a span.
type FindTrace = Box<dyn Fn(&Id) -> Option<TraceContext> + Send + Sync>;

impl FemtoTracingLayer {
    /// Returns a builder.
    pub fn builder() -> TracingLayerBuilder {
        TracingLayerBuilder { system: System::Global, span_events: SpanEvents::None, find_trace: None }
    }
}

/// Builds a [`FemtoTracingLayer`].
///
/// | setting | default | |
/// |---|---|---|
/// | [`logging`](Self::logging) | the global system | where records go |
/// | [`span_events`](Self::span_events) | `None` | which records spans log |
/// | [`trace_context`](Self::trace_context) | none | where spans get the ids of a trace |
///
/// # Examples
///
/// ```
/// use femtologging::bridge::FemtoTracingLayer;
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::policy::SpanEvents;
/// use femtologging::Config;
/// use std::time::Duration;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let builder = FemtoTracingLayer::builder().logging(&logging).span_events(SpanEvents::Exit);
/// let subscriber = tracing_subscriber::registry().with(builder.build());
/// tracing::subscriber::with_default(subscriber, || {
///     tracing::info_span!("load", table = "users").in_scope(|| tracing::info!("ready"));
/// });
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["ready", "exit"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[must_use = "it does nothing until it is built"]
pub struct TracingLayerBuilder {
    system: System,
    span_events: SpanEvents,
    find_trace: Option<FindTrace>,
}

impl TracingLayerBuilder {
    /// Sends records to this logging system instead of the global one.
    ///
    /// A span or event goes to the logger that its target names in that system.
    pub fn logging(self, logging: &Logging) -> Self {
        Self { system: System::of(logging), ..self }
    }

    /// Sets which records a span logs: `enter`, when it is entered for the first time, and `exit`, when it is closed,
    /// with the `duration` since the first entry.
    pub fn span_events(self, events: SpanEvents) -> Self {
        Self { span_events: events, ..self }
    }

    /// Sets what returns the trace context of a span, from the layer that makes OpenTelemetry's spans. It is called
    /// when a span is entered for the first time. Records in the span then have the keys `trace_id`, `span_id` and
    /// `trace_flags`, as with [`TraceContext::enter`], and [`TraceContext::current`] returns it.
    ///
    /// The other layer must come before this one, so that it has seen the span when this one asks.
    ///
    /// # Examples
    ///
    /// With `tracing-opentelemetry` 0.34 and `opentelemetry` 0.33:
    ///
    /// ```ignore
    /// let femto = FemtoTracingLayer::builder().trace_context(|id| {
    ///     let context = tracing::dispatcher::get_default(|it| tracing_opentelemetry::get_otel_context(id, it))?;
    ///     let span = context.span().span_context().clone();
    ///     TraceContext::new(span.trace_id().to_bytes(), span.span_id().to_bytes(), span.trace_flags().to_u8())
    /// });
    /// let opentelemetry = tracing_opentelemetry::layer().with_tracer(tracer);
    /// tracing_subscriber::registry().with(opentelemetry).with(femto.build()).init();
    /// ```
    pub fn trace_context(self, find: impl Fn(&Id) -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        Self { find_trace: Some(Box::new(find)), ..self }
    }

    /// Builds the layer, together with its filter.
    pub fn build<S>(self) -> Filtered<FemtoTracingLayer, FemtoTracingFilter, S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let bridge = Arc::new(Bridge::new(self.system, self.span_events));
        let layer = FemtoTracingLayer { bridge: bridge.clone(), find_trace: self.find_trace };
        layer.with_filter(FemtoTracingFilter(bridge))
    }
}

/// The filter of a [`FemtoTracingLayer`]: enables what the levels of this crate's loggers enable.
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

/// The extension of a span in the registry: one [`TracedSpan`] for each layer.
struct Spans(Vec<Arc<TracedSpan>>);

impl FemtoTracingLayer {
    /// Returns this layer's span for one of the registry.
    fn span_of<'a, R: LookupSpan<'a>>(&self, span: &SpanRef<'a, R>) -> Option<Arc<TracedSpan>> {
        let extensions = span.extensions();
        extensions.get::<Spans>()?.0.iter().find(|span| span.bridge == self.bridge.number).cloned()
    }

    /// Returns this layer's span with an id.
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
        // The values of fields are user code, which may use the span. So its extensions are not borrowed here.
        let made = self.bridge.span(attributes, || self.span_of(&span.parent()?));
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
        self.bridge.event(event, || self.span_of(&context.event_span(event)?));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = self.find(id, &context) {
            if let Some(find) = &self.find_trace {
                span.trace(|| find(id));
            }
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
