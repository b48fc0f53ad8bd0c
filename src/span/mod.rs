//! Spans: scopes with a name, an id, and records of their beginning and end.

mod future;

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

/// A part of the program's work that has a name, keys, a beginning and an end.
///
/// [`info_span!`](crate::info_span!) and its siblings make one. While it is entered, the thread's records carry its name, its id
/// and its keys. It is over when the last of its clones and guards is dropped. A span whose level is not enabled is none at
/// all: entering it changes nothing.
///
/// By default it logs when it is entered for the first time and when it is over, see [`SpanEvents`].
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoCaptureHandler, info, info_span};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
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

struct Span {
    site: &'static Callsite,
    level: Level,
    source: OwnedSource,
    context: Context,
    logs_enter: AtomicBool,
    logs_exit: AtomicBool,
    /// When it was entered for the first time, and by which clock.
    entered: OnceLock<(Clock, u64)>,
    panicked: AtomicBool,
}

impl FemtoSpan {
    /// Returns the span that is none.
    #[inline]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Returns whether it is one.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the number that no other span of this process has.
    pub fn id(&self) -> Option<u64> {
        self.0.as_ref().map(|span| span.context.span())
    }

    /// Returns the name.
    pub fn name(&self) -> Option<&'static str> {
        self.0.as_ref().map(|span| span.site.metadata.template)
    }

    /// Sets which records the span makes of itself, in place of what the configuration says.
    pub fn events(self, events: SpanEvents) -> Self {
        if let Some(span) = &self.0 {
            span.set_events(events);
        }
        self
    }

    /// Enters the span until the guard is dropped.
    ///
    /// The guard stays on its thread. Do not hold it across an `.await`: [`in_span`](FemtoFutureExt::in_span) is for that.
    #[inline]
    pub fn enter(&self) -> SpanGuard {
        self.clone().entered()
    }

    /// The same for a span that nobody else needs.
    #[inline]
    pub fn entered(self) -> SpanGuard {
        SpanGuard(self.0.map(Entered::new))
    }

    /// The context of the span, without its events; `None` if the span is none.
    fn context(&self) -> Option<&Context> {
        self.0.as_ref().map(|span| &span.context)
    }

    /// Calls a function in the span.
    pub fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
        let _guard = self.enter();
        call()
    }
}

/// Returns a number that no other span of this process has.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// Makes the span that a macro describes, if it is enabled.
#[doc(hidden)]
pub fn make<S: Source, F: Fields>(
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
    fn set_events(&self, events: SpanEvents) {
        self.logs_enter.store(matches!(events, SpanEvents::Enter | SpanEvents::Both), Relaxed);
        self.logs_exit.store(matches!(events, SpanEvents::Exit | SpanEvents::Both), Relaxed);
    }

    /// Notes the first entry.
    fn begin(&self) {
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
        // No limit: these keys are what the record is for.
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
#[must_use = "the span is left when the guard is dropped; give it a name, such as `_span`"]
pub struct SpanGuard(Option<Entered>);

struct Entered {
    // Left before the span may be over.
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
