//! Spans: scopes with a name, keys, a beginning and an end.
//!
//! | type | what it is |
//! |---|---|
//! | [`FemtoSpan`] | a span, made by [`info_span!`](crate::info_span!) or a macro for another level |
//! | [`SpanGuard`] | leaves the span when it is dropped |
//! | [`FemtoFutureExt`] | enters a span or context for each poll of a future |
//! | [`InScope`] | the future that these return |
//!
//! The guide [`spans`](crate::guide::spans) tells how spans and contexts are used.

// A span is a `Context` that contains an entry for the span itself. Its life:
//
// | step | what happens |
// |---|---|
// | made by `info_span!` | if its level is enabled, gets an id, and a context with its name and keys |
// | entered for the first time | the clock is read; the record `enter` is logged |
// | entered | its context becomes the current one of the thread |
// | guard dropped | the context is left |
// | last handle and guard dropped | the record `exit` is logged, with the time since the first entry |
//
// A span that was never entered logs nothing.

mod future;
#[cfg(any(feature = "compat-tracing", feature = "tracing"))]
pub(crate) mod traced;

pub use future::{FemtoFutureExt, InScope};

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use crate::callsite::{Callsite, Shape};
use crate::context::{Context, ContextGuard, ExtrasWriter};
use crate::level::Level;
use crate::logger::{OwnedSource, Registry, Source, dispatch};
use crate::names::{self, KeyIds};
use crate::policy::SpanEvents;
use crate::time::Clock;
use crate::value::{Fields, Limits, Value};

/// A period of the program's work with a name and keys.
///
/// [`info_span!`](crate::info_span!) and its siblings make one. While a thread has entered it, the thread's records
/// carry its name, its id and its keys. The span ends when the last of its clones and guards is dropped. A span whose
/// level is not enabled is disabled: entering it has no effect.
///
/// A span can log a record when it is entered for the first time and one when it ends; see [`SpanEvents`]. By default
/// it logs neither.
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
/// let config = Config::builder().span_events(SpanEvents::Both);
/// let logging = config.add_handler("capture", capture.clone()).build()?;
/// let logger = logging.get_logger("shop")?;
///
/// {
///     let _load = info_span!(logger: logger, "load"; table = "users").enter();
///     info!(logger: logger, "{} rows", 7);
/// }
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["enter", "7 rows", "exit"]);
/// let records = capture.records();
/// assert_eq!(records[1].spans().map(|span| span.name().to_owned()).collect::<Vec<_>>(), ["load"]);
/// assert_eq!(records[1].get("table"), Some(femtologging::Value::Str("users")));
/// assert!(records[2].get("duration").is_some());
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a span is entered with `enter`, `in_scope` or `in_span`"]
pub struct FemtoSpan(Option<Arc<Span>>);

/// The shared part of an enabled span.
struct Span {
    site: &'static Callsite,
    level: Level,
    source: OwnedSource,
    context: Context,
    logs_enter: AtomicBool,
    logs_exit: AtomicBool,
    /// The clock of the span's records, and its ticks at the first entry.
    entered: OnceLock<(Clock, u64)>,
    panicked: AtomicBool,
}

impl FemtoSpan {
    /// Returns a disabled span.
    #[inline]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Returns whether the span is enabled.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the span's id, which is unique in this process, or `None` if the span is disabled.
    pub fn id(&self) -> Option<u64> {
        self.0.as_ref().map(|span| span.context.span())
    }

    /// Returns the span's name, or `None` if the span is disabled.
    pub fn name(&self) -> Option<&'static str> {
        self.0.as_ref().map(|span| span.site.metadata.template)
    }

    /// Sets which records the span logs, overriding the configuration
    /// ([`ConfigBuilder::span_events`](crate::config::ConfigBuilder::span_events)).
    pub fn events(self, events: SpanEvents) -> Self {
        if let Some(span) = &self.0 {
            span.set_events(events);
        }
        self
    }

    /// Enters the span until the guard is dropped.
    ///
    /// The guard cannot be sent to another thread. Do not hold it across an `.await`; use
    /// [`in_span`](FemtoFutureExt::in_span) for futures.
    #[inline]
    pub fn enter(&self) -> SpanGuard {
        self.clone().entered()
    }

    /// Enters the span like [`enter`](Self::enter), taking it instead of cloning it. The span ends with the guard, if
    /// there are no clones.
    #[inline]
    pub fn entered(self) -> SpanGuard {
        SpanGuard(self.0.map(Entered::new))
    }

    /// Returns the context of the span, which can be entered without logging. `None` if the span is disabled.
    fn context(&self) -> Option<&Context> {
        self.0.as_ref().map(|span| &span.context)
    }

    /// Enters the span, calls a function, and leaves the span.
    pub fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
        let _guard = self.enter();
        call()
    }
}

/// Returns a new id, unique in this process and not 0.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// Makes a span, disabled if its level is.
pub(crate) fn make<S: Source, F: Fields>(
    source: S,
    site: &'static Callsite,
    keys: &'static KeyIds,
    level: Level,
    fields: F,
) -> FemtoSpan {
    if source.state(site, Shape::TEXT, level).is_none() {
        return FemtoSpan::none();
    }
    let id = next_id();
    let owned = source.to_owned();
    let bound = owned.logger().map_or(&[][..], |logger| logger.bound());
    let current = Context::current();
    // The entries of the span, in order: the span itself, the keys of its logger, its own keys.
    let context = current.extended(id, |entries: &mut ExtrasWriter<'_>| {
        entries.span(names::intern(site.metadata.template), id, current.span());
        entries.encoded(bound);
        entries.fields(keys.ids(), &fields);
    });
    let events =
        owned.logger().map_or_else(|| Registry::global().span_events(), |logger| logger.registry().span_events());
    let span = Span {
        site,
        level,
        source: owned,
        context,
        logs_enter: AtomicBool::new(false),
        logs_exit: AtomicBool::new(false),
        entered: OnceLock::new(),
        panicked: AtomicBool::new(false),
    };
    span.set_events(events);
    FemtoSpan(Some(Arc::new(span)))
}

impl Span {
    /// Sets which records the span logs.
    fn set_events(&self, events: SpanEvents) {
        self.logs_enter.store(matches!(events, SpanEvents::Enter | SpanEvents::Both), Relaxed);
        self.logs_exit.store(matches!(events, SpanEvents::Exit | SpanEvents::Both), Relaxed);
    }

    /// Called at each entry: at the first one, reads the clock and logs `enter`.
    fn begin(&self) {
        // A span without events needs no clock.
        if self.entered.get().is_some() || !self.logs_enter.load(Relaxed) && !self.logs_exit.load(Relaxed) {
            return;
        }
        let clock = dispatch::clock(self.source.route(self.site, self.level));
        let ticks = clock.ticks();
        if self.entered.set((clock, ticks)).is_ok() && self.logs_enter.load(Relaxed) {
            self.source.say(self.site, self.level, "enter", self.context.words());
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some((clock, since)) = self.entered.get().filter(|_| self.logs_exit.load(Relaxed)) else {
            return;
        };
        // Without limits: these keys are the purpose of the record.
        let entries = ExtrasWriter::keep(self.context.words(), Limits::NONE, |entries| {
            entries.named("duration", Value::Duration(clock.elapsed(*since)));
            if self.panicked.load(Relaxed) {
                entries.named("panicked", Value::Bool(true));
            }
        });
        self.source.say(self.site, self.level, "exit", &entries.words);
    }
}

impl fmt::Debug for FemtoSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoSpan").field("name", &self.name()).field("id", &self.id()).finish_non_exhaustive()
    }
}

/// Leaves a [`FemtoSpan`] when it is dropped.
///
/// # Examples
///
/// ```
/// use femtologging::{info, info_span};
///
/// let guard = info_span!("load", table = "users").entered();
/// info!("read"); // in the span `load`
/// drop(guard); // with the span's last handle, the span ends
/// ```
#[must_use = "the span is left when the guard is dropped; give it a name, such as `_span`"]
pub struct SpanGuard(Option<Entered>);

/// An entry into an enabled span. Its drop notes whether a panic left the span.
struct Entered {
    // Fields are dropped in this order: the context is left before the span can end.
    _context: ContextGuard,
    span: Arc<Span>,
    was_panicking: bool,
}

impl Entered {
    fn new(span: Arc<Span>) -> Self {
        let _context = span.context.enter();
        span.begin();
        Self { _context, span, was_panicking: std::thread::panicking() }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // A span that is entered by a destructor during a panic was not left by that panic.
        if !self.was_panicking && std::thread::panicking() {
            self.span.panicked.store(true, Relaxed);
        }
    }
}

impl fmt::Debug for SpanGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SpanGuard").field(&self.0.as_ref().map(|entered| entered.span.context.span())).finish()
    }
}
