//! Spans of `tracing`, each with a [`Context`], and the spans that a thread has entered.
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

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, OnceLock};

use super::known::Known;
use crate::context::{self, Context, ExtrasWriter, OwnedExtras};
use crate::logger::{OwnedSource, dispatch};
use crate::policy::SpanEvents;
use crate::span::next_id;
use crate::sync::lock;
use crate::time::Clock;
use crate::value::{Limits, Value};

/// The number of times that fields were recorded after their span was made. Incremented (Release) after the span's
/// context was replaced; read (Acquire) before a context is used.
static RECORDED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The spans that this thread has entered, in the order of entry.
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
}

/// A span of `tracing`.
pub(super) struct TracedSpan {
    pub(super) known: &'static Known,
    /// The span's id, unique in this process.
    pub(super) id: u64,
    /// The id of the bridge that made it.
    pub(super) bridge: u64,
    /// The parent span. Without one, the context in which the span was made never changes.
    parent: Option<Arc<TracedSpan>>,
    made: Mutex<Made>,
    /// Where its own records go.
    source: OwnedSource,
    events: SpanEvents,
    /// The clock of the span's records, and its ticks at the first entry.
    entered: OnceLock<(Clock, u64)>,
    panicked: AtomicBool,
}

/// The parts of a span that change when fields are recorded later.
struct Made {
    /// The context of the parent, from which `context` was made.
    around: Context,
    /// The fields of the span: the id of each key, and the encoded entry.
    fields: Vec<(u32, OwnedExtras)>,
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
pub(super) enum Parent {
    Span(Arc<TracedSpan>),
    Context(Context),
}

impl TracedSpan {
    /// Makes a span with these fields.
    pub(super) fn new(
        known: &'static Known,
        bridge: u64,
        parent: Parent,
        fields: Vec<(u32, OwnedExtras)>,
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
        let context = make_context(known, id, &around, &fields);
        Arc::new(Self {
            known,
            id,
            bridge,
            parent,
            made: Mutex::new(Made { around, fields, context, as_of }),
            source,
            events,
            entered: OnceLock::new(),
            panicked: AtomicBool::new(false),
        })
    }

    /// Returns the context, brought up to date, and the value of [`RECORDED`] for which it is.
    pub(super) fn context(&self) -> (Context, u64) {
        let now = RECORDED.load(Acquire);
        let mut made = lock(&self.made);
        if made.as_of != now {
            // Locks are always taken from a span to its parent, so that two threads cannot wait for each other.
            let around = self.parent.as_ref().map(|parent| parent.context().0);
            if let Some(around) = around.filter(|around| !around.is_same(&made.around)) {
                made.context = make_context(self.known, self.id, &around, &made.fields);
                made.around = around;
            }
            made.as_of = now;
        }
        (made.context.clone(), now)
    }

    /// Sets fields, replacing earlier values.
    pub(super) fn record(&self, fields: Vec<(u32, OwnedExtras)>) {
        if fields.is_empty() {
            return;
        }
        let mut made = lock(&self.made);
        for (key, entry) in fields {
            match made.fields.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = entry,
                None => made.fields.push((key, entry)),
            }
        }
        // The new context is in place before the count changes, so that a thread that sees the count finds it.
        made.context = make_context(self.known, self.id, &made.around, &made.fields);
        drop(made);
        RECORDED.fetch_add(1, Release);
    }

    /// Enters the span on the calling thread.
    pub(super) fn enter(self: Arc<Self>) {
        let (inside, as_of) = self.context();
        // First the context: records that are logged in `begin` are already in the span.
        let number = context::push(inside);
        let span = self.clone();
        let _ = ENTERED.try_with(|entered| {
            let was_panicking = std::thread::panicking();
            entered.borrow_mut().push(EnteredSpan { span, number, as_of, was_panicking });
        });
        self.begin();
    }

    /// Called at each entry: at the first one, reads the clock and logs `enter`.
    fn begin(&self) {
        if self.events == SpanEvents::None || self.entered.get().is_some() {
            return;
        }
        let clock = dispatch::clock(self.source.route(&self.known.site, self.known.level));
        let ticks = clock.ticks();
        let is_first = self.entered.set((clock, ticks)).is_ok();
        if is_first && matches!(self.events, SpanEvents::Enter | SpanEvents::Both) {
            self.source.say(&self.known.site, self.known.level, "enter", self.context().0.words());
        }
    }

    /// Leaves the span on the calling thread: its most recent entry.
    pub(super) fn exit(&self) {
        let left = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let at = entered.iter().rposition(|entry| entry.span.id == self.id)?;
            let left = entered.remove(at);
            // Spans may be left in any order. Those that were entered after this one remain.
            context::remove(left.number);
            Some(left)
        });
        if let Ok(Some(left)) = left
            && !left.was_panicking
            && std::thread::panicking()
        {
            self.panicked.store(true, Relaxed);
        }
        refresh();
    }

    /// Ends the span: logs `exit`, if that is configured and the span was ever entered.
    pub(super) fn close(&self) {
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
        self.source.say(&self.known.site, self.known.level, "exit", &entries.words);
    }
}

/// Makes the context of a span from that of its parent.
fn make_context(known: &Known, id: u64, around: &Context, fields: &[(u32, OwnedExtras)]) -> Context {
    around.extended(id, |entries| {
        entries.span(known.name, id, around.span());
        fields.iter().for_each(|(_, entry)| entries.encoded(&entry.words));
    })
}

/// Brings the current context of the thread up to date, if it is that of a span.
pub(super) fn refresh() {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        let Some(innermost) = entered.last_mut().filter(|entry| entry.as_of != RECORDED.load(Acquire)) else {
            return;
        };
        // A context that the program has entered inside the span does not change.
        if context::is_current(innermost.number) {
            let (context, as_of) = innermost.span.context();
            innermost.as_of = as_of;
            context::replace_current(context);
        }
    });
}

/// Returns the parent for a span that is made now on the calling thread.
pub(super) fn current_parent() -> Parent {
    refresh();
    let span = ENTERED.try_with(|entered| {
        let entered = entered.borrow();
        entered.last().filter(|entry| context::is_current(entry.number)).map(|entry| entry.span.clone())
    });
    span.ok().flatten().map_or_else(|| Parent::Context(Context::current()), Parent::Span)
}

/// Returns the innermost span of this bridge that the calling thread has entered.
pub(super) fn innermost(bridge: u64) -> Option<Arc<TracedSpan>> {
    let span = ENTERED.try_with(|entered| {
        let entered = entered.borrow();
        entered.iter().rev().find(|entry| entry.span.bridge == bridge).map(|entry| entry.span.clone())
    });
    span.ok().flatten()
}
