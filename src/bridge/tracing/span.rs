//! Spans of `tracing`, each of which has a context of ours, and those that a thread has entered.
//!
//! A context is a copy of those around it, and a field that is recorded later changes the contexts of the span and of all spans
//! in it. So every such change counts a number up, and whoever uses a span's context has it made anew if the number has
//! changed and a span around it was concerned. Where no field is recorded later, that is a comparison.

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

/// How often fields were recorded after their span was made.
static RECORDED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
}

pub(super) struct TracedSpan {
    pub(super) known: &'static Known,
    /// The number that no other span has.
    pub(super) id: u64,
    /// The number of the bridge that made it.
    pub(super) bridge: u64,
    /// The span that it was made in; if there is none, the context is one that never changes.
    parent: Option<Arc<TracedSpan>>,
    made: Mutex<Made>,
    /// Where its own records go.
    source: OwnedSource,
    events: SpanEvents,
    /// When it was entered for the first time, and by which clock.
    entered: OnceLock<(Clock, u64)>,
    panicked: AtomicBool,
}

/// What of a span may change.
struct Made {
    /// The context that it was made in.
    around: Context,
    fields: Vec<(u32, OwnedExtras)>,
    context: Context,
    /// What [`RECORDED`] was when these were right.
    as_of: u64,
}

/// A span that a thread is in.
struct EnteredSpan {
    span: Arc<TracedSpan>,
    /// The number of the context's entry among those of the thread.
    number: u64,
    as_of: u64,
    was_panicking: bool,
}

/// What a span is made in.
pub(super) enum Parent {
    Span(Arc<TracedSpan>),
    Context(Context),
}

impl TracedSpan {
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

    /// The context as it is now, and what [`RECORDED`] was then.
    pub(super) fn context(&self) -> (Context, u64) {
        let now = RECORDED.load(Acquire);
        let mut made = lock(&self.made);
        if made.as_of != now {
            // Locks are taken from the inside out, by everyone.
            let around = self.parent.as_ref().map(|parent| parent.context().0);
            if let Some(around) = around.filter(|around| !around.is_same(&made.around)) {
                made.context = make_context(self.known, self.id, &around, &made.fields);
                made.around = around;
            }
            made.as_of = now;
        }
        (made.context.clone(), now)
    }

    /// Sets fields, in place of values that they may have had.
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
        made.context = make_context(self.known, self.id, &made.around, &made.fields);
        drop(made);
        RECORDED.fetch_add(1, Release);
    }

    /// Makes its context the current one of the calling thread.
    pub(super) fn enter(self: Arc<Self>) {
        let (inside, as_of) = self.context();
        let number = context::push(inside);
        let span = self.clone();
        let _ = ENTERED.try_with(|entered| {
            let was_panicking = std::thread::panicking();
            entered.borrow_mut().push(EnteredSpan { span, number, as_of, was_panicking });
        });
        self.begin();
    }

    /// Notes the first entry. The span is the current one.
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

    /// Ends the last stay of the calling thread in the span.
    pub(super) fn exit(&self) {
        let left = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            let at = entered.iter().rposition(|entry| entry.span.id == self.id)?;
            let left = entered.remove(at);
            // Spans may be left in any order; those entered since stay.
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

    /// Says that it is over, if that is wanted and it has ever been entered.
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

/// Makes the context of a span.
fn make_context(known: &Known, id: u64, around: &Context, fields: &[(u32, OwnedExtras)]) -> Context {
    around.extended(id, |entries| {
        entries.span(known.name, id, around.span());
        fields.iter().for_each(|(_, entry)| entries.encoded(&entry.words));
    })
}

/// Makes the current context anew if a field of a span around it was recorded and nobody has noticed yet.
pub(super) fn refresh() {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        let Some(innermost) = entered.last_mut().filter(|entry| entry.as_of != RECORDED.load(Acquire)) else {
            return;
        };
        // A context that the program has entered since is a copy, and stays.
        if context::is_current(innermost.number) {
            let (context, as_of) = innermost.span.context();
            innermost.as_of = as_of;
            context::replace_current(context);
        }
    });
}

/// What a span that is made now, here, is made in.
pub(super) fn current_parent() -> Parent {
    refresh();
    let span = ENTERED.try_with(|entered| {
        let entered = entered.borrow();
        entered.last().filter(|entry| context::is_current(entry.number)).map(|entry| entry.span.clone())
    });
    span.ok().flatten().map_or_else(|| Parent::Context(Context::current()), Parent::Span)
}

/// The innermost span of this bridge that the calling thread is in.
pub(super) fn innermost(bridge: u64) -> Option<Arc<TracedSpan>> {
    let span = ENTERED.try_with(|entered| {
        let entered = entered.borrow();
        entered.iter().rev().find(|entry| entry.span.bridge == bridge).map(|entry| entry.span.clone())
    });
    span.ok().flatten()
}
