//! Spans whose fields can be set after they were made, as those of `tracing`, and the spans that a thread has entered.
//!
//! The bridge makes them for spans of the crate `tracing`, and the macros of `compat::tracing` for their own. A thread
//! has one stack of both, so that each sees the spans of the other.
//!
//! A context contains a copy of the entries of its parents. But `tracing` allows a field to be recorded after its span
//! was made (`Span::record`), which must then appear in the contexts of the span *and of all its descendants*. So
//! contexts are caches with a version number:
//!
//! * [`RECORDED`] counts how often a field was recorded later, in any span.
//! * A context remembers the count for which it is valid (`as_of`). If the count has changed, the context is compared
//!   with that of its parent, recursively, and rebuilt if a parent's context was rebuilt.
//!
//! ```text
//! RECORDED   outer (as_of)       inner (as_of)
//!        0   {id=7}      (0)     {id=7, n=1}          (0)
//! outer.record("user", "ada")
//!        1   {id=7, user=ada}    {id=7, n=1}          (0)    out of date
//! an event in `inner`
//!        1   {id=7, user=ada}    {id=7, user=ada, n=1}  (1)    rebuilt
//! ```
//!
//! While no field is recorded later, this costs one comparison per use.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, OnceLock};

use super::next_id;
use crate::callsite::Callsite;
use crate::context::{self, Context, ExtrasWriter, OwnedExtras, TraceContext};
use crate::level::Level;
use crate::logger::{OwnedSource, dispatch};
use crate::policy::SpanEvents;
use crate::sync::lock;
use crate::time::Clock;
use crate::value::{Limits, Value, limits};

/// The number of times that fields were recorded after their span was made. Incremented (Release) after the span's
/// context was replaced; read (Acquire) before a context is used.
static RECORDED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The spans that this thread has entered, in the order of entry.
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
}

/// What a span has from the place in the source where it is made.
#[derive(Clone, Copy)]
pub(crate) struct SpanSite {
    pub(crate) site: &'static Callsite,
    pub(crate) level: Level,
    /// The id of the span's name.
    pub(crate) name: u32,
    /// What else its maker knows of the place.
    pub(crate) owner: &'static (dyn Any + Send + Sync),
}

/// A span whose fields can be set later.
pub(crate) struct TracedSpan {
    pub(crate) at: SpanSite,
    /// The span's id, unique in this process.
    pub(crate) id: u64,
    /// The id of the bridge that made it, or [`MACROS`].
    pub(crate) bridge: u64,
    /// The parent span. Without one, the context in which the span was made never changes.
    parent: Option<Arc<TracedSpan>>,
    made: Mutex<SpanState>,
    /// Where its own records go.
    source: OwnedSource,
    events: SpanEvents,
    /// The clock of the span's records, and its ticks at the first entry.
    entered: OnceLock<(Clock, u64)>,
    panicked: AtomicBool,
    /// Whether its trace context was asked for.
    #[cfg(feature = "tracing")]
    asked: AtomicBool,
}

/// In place of a bridge's id, for spans of the macros in `compat::tracing`. They end when the last reference to them is
/// dropped; of other spans, the bridge says when they end.
pub(crate) const MACROS: u64 = 0;

/// The parts of a span that change when fields are recorded later.
struct SpanState {
    /// The context of the parent, from which `context` was made.
    around: Context,
    /// The encoded fields of the span.
    fields: OwnedExtras,
    /// The identifiers that another layer has given the span.
    trace: Option<TraceContext>,
    /// The context of the span.
    context: Context,
    /// The value of [`RECORDED`] for which `context` is up to date.
    as_of: u64,
}

/// An entry into a span that has not been left yet.
struct EnteredSpan {
    span: Arc<TracedSpan>,
    /// The number of the entry on the thread's stack of contexts.
    number: u64,
    as_of: u64,
    was_panicking: bool,
}

/// The parent of a new span: another span, or any context.
pub(crate) enum Parent {
    Span(Arc<TracedSpan>),
    Context(Context),
}

impl TracedSpan {
    /// Makes a span with these fields.
    pub(crate) fn new(
        at: SpanSite,
        bridge: u64,
        parent: Parent,
        fields: OwnedExtras,
        source: OwnedSource,
        events: SpanEvents,
    ) -> Arc<Self> {
        let (parent, around, as_of) = match parent {
            Parent::Span(span) => {
                let (context, as_of) = span.context();
                (Some(span), context, as_of)
            }
            Parent::Context(context) => (None, context, RECORDED.load(Acquire)),
        };
        let id = next_id();
        let context = make_context(at, id, &around, &fields, None);
        Arc::new(Self {
            at,
            id,
            bridge,
            parent,
            made: Mutex::new(SpanState { around, fields, trace: None, context, as_of }),
            source,
            events,
            entered: OnceLock::new(),
            panicked: AtomicBool::new(false),
            #[cfg(feature = "tracing")]
            asked: AtomicBool::new(false),
        })
    }

    /// Returns the context, brought up to date, and the value of [`RECORDED`] for which it is.
    pub(crate) fn context(&self) -> (Context, u64) {
        let now = RECORDED.load(Acquire);
        let mut made = lock(&self.made);
        if made.as_of != now {
            // Locks are always taken from a span to its parent, so that two threads cannot wait for each other.
            let around = self.parent.as_ref().map(|parent| parent.context().0);
            if let Some(around) = around.filter(|around| !around.is_same(&made.around)) {
                made.context = make_context(self.at, self.id, &around, &made.fields, made.trace.as_ref());
                made.around = around;
            }
            made.as_of = now;
        }
        (made.context.clone(), now)
    }

    /// Sets fields, replacing earlier values. `fields` are encoded entries.
    pub(crate) fn record(&self, fields: &OwnedExtras) {
        if fields.words.is_empty() {
            return;
        }
        let mut made = lock(&self.made);
        made.fields = context::replace(&made.fields, fields, limits::get());
        drop(made);
        self.remake();
    }

    /// Sets the identifiers of the span in a trace, when `find` is asked for them for the first time.
    #[cfg(feature = "tracing")]
    pub(crate) fn trace(&self, find: impl FnOnce() -> Option<TraceContext>) {
        if self.asked.swap(true, Relaxed) {
            return;
        }
        if let Some(trace) = find() {
            lock(&self.made).trace = Some(trace);
            self.remake();
        }
    }

    /// Makes the context anew after a change.
    fn remake(&self) {
        let mut guard = lock(&self.made);
        let made = &mut *guard;
        // The new context is in place before the count changes, so that a thread that sees the count finds it.
        made.context = make_context(self.at, self.id, &made.around, &made.fields, made.trace.as_ref());
        drop(guard);
        RECORDED.fetch_add(1, Release);
    }

    /// Enters the span on the calling thread.
    pub(crate) fn enter(self: Arc<Self>) {
        let (inside, as_of) = self.context();
        // First the context: records that are logged in `begin` are already in the span.
        let number = context::push(inside);
        let entry = EnteredSpan { span: self.clone(), number, as_of, was_panicking: std::thread::panicking() };
        if with_entered(|entered| entered.push(entry)).is_none() {
            // Nothing could leave it again.
            context::remove(number);
        }
        self.begin();
    }

    /// Called at each entry: at the first one, reads the clock and logs `enter`.
    fn begin(&self) {
        if self.events == SpanEvents::None || self.entered.get().is_some() {
            return;
        }
        let clock = dispatch::clock(self.source.route(self.at.site, self.at.level));
        let ticks = clock.ticks();
        let is_first = self.entered.set((clock, ticks)).is_ok();
        if is_first && matches!(self.events, SpanEvents::Enter | SpanEvents::Both) {
            self.source.say(self.at.site, self.at.level, "enter", self.context().0.words());
        }
    }

    /// Leaves the span on the calling thread: its most recent entry.
    pub(crate) fn exit(&self) {
        let left = with_entered(|entered| {
            let at = entered.iter().rposition(|entry| entry.span.id == self.id)?;
            let left = entered.remove(at);
            // Spans may be left in any order. Those that were entered after this one remain.
            context::remove(left.number);
            Some(left)
        });
        if left.flatten().is_some_and(|left| !left.was_panicking) && std::thread::panicking() {
            self.panicked.store(true, Relaxed);
        }
        refresh();
    }

    /// Ends the span: logs `exit`, if that is configured and the span was ever entered.
    pub(crate) fn close(&self) {
        let is_said = matches!(self.events, SpanEvents::Exit | SpanEvents::Both);
        let Some((clock, since)) = self.entered.get().filter(|_| is_said) else {
            return;
        };
        let entries = ExtrasWriter::keep(self.context().0.words(), Limits::NONE, |entries| {
            entries.named("duration", Value::Duration(clock.elapsed(*since)));
            if self.panicked.load(Relaxed) {
                entries.named("panicked", Value::Bool(true));
            }
        });
        self.source.say(self.at.site, self.at.level, "exit", &entries.words);
    }
}

impl Drop for TracedSpan {
    fn drop(&mut self) {
        if self.bridge == MACROS {
            self.close();
        }
    }
}

/// Makes the context of a span from that of its parent.
fn make_context(
    at: SpanSite,
    id: u64,
    around: &Context,
    fields: &OwnedExtras,
    trace: Option<&TraceContext>,
) -> Context {
    let context = around.extended(id, |entries| {
        entries.span(at.name, id, around.span());
        entries.encoded(&fields.words);
    });
    match trace {
        Some(trace) => trace.within(&context),
        None => context,
    }
}

/// Calls `with` with the spans that the thread has entered. Returns `None` if the thread is ending, or in a signal
/// handler that has interrupted this very function.
///
/// `with` drops no span: that may log a record, which runs filters, which may enter spans.
fn with_entered<T>(with: impl FnOnce(&mut Vec<EnteredSpan>) -> T) -> Option<T> {
    ENTERED.try_with(|entered| Some(with(&mut *entered.try_borrow_mut().ok()?))).ok().flatten()
}

/// Brings the current context of the thread up to date, if it is that of a span.
pub(crate) fn refresh() {
    let innermost = with_entered(|entered| {
        let innermost = entered.last().filter(|entry| entry.as_of != RECORDED.load(Acquire))?;
        // A context that the program has entered inside the span does not change.
        context::is_current(innermost.number).then(|| (innermost.span.clone(), innermost.number))
    });
    let Some((span, number)) = innermost.flatten() else {
        return;
    };
    let (context, as_of) = span.context();
    with_entered(|entered| {
        if let Some(innermost) = entered.last_mut().filter(|entry| entry.number == number) {
            innermost.as_of = as_of;
            context::replace_current(context);
        }
    });
}

/// Returns the parent for a span that is made now on the calling thread.
pub(crate) fn current_parent() -> Parent {
    refresh();
    let span = with_entered(|entered| {
        entered.last().filter(|entry| context::is_current(entry.number)).map(|entry| entry.span.clone())
    });
    span.flatten().map_or_else(|| Parent::Context(Context::current()), Parent::Span)
}

/// Returns the innermost span of this bridge that the calling thread has entered.
#[cfg(feature = "tracing")]
pub(crate) fn innermost(bridge: u64) -> Option<Arc<TracedSpan>> {
    let span =
        with_entered(|entered| entered.iter().rev().find(|entry| entry.span.bridge == bridge).map(|e| e.span.clone()));
    span.flatten()
}
