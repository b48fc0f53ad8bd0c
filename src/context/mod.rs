//! Context: keys and spans that all records of a scope carry.
//!
//! [`context!`](crate::context!) makes a [`Context`], which extends the current one by keys. Entering it gives a
//! [`ContextGuard`], which leaves it when it is dropped. [`FemtoFutureExt`](crate::span::FemtoFutureExt) enters a
//! context each time a future is polled.
//!
//! # Examples
//!
//! ```
//! use femtologging::{context, info};
//!
//! let request = context! { request_id = 4711 };
//! {
//!     let _guard = request.enter();
//!     info!("begins"); // request_id=4711
//! }
//! info!("after it"); // without the key
//! ```

// A `Context` is an immutable list of encoded entries (the *extras* of records, see `extras.rs`). It is complete: it
// contains the entries of the contexts in which it was made, so that a record copies one list and nothing is merged
// when a record is logged.
//
// Each thread has a stack of the contexts that it has entered. The topmost one is current. A guard removes its own
// entry from the stack *and all above it*: a guard that is leaked or dropped out of order has no effect beyond that of
// the guard below it.
//
// ```text
// let a = outer.enter();   stack: outer
// let b = inner.enter();   stack: outer inner
// mem::forget(b);
// drop(a);                 stack: (empty)          inner is removed together with outer
// ```
//
// Invariants:
//
// * `WORDS` is the number of words of the topmost context, and 0 for an empty stack. Every change of the stack updates
//   it. A call relies on it twice: 0 means that it need not look at the stack at all, and otherwise it is the room
//   that the record reserves in a ring before the entries are copied.
// * Numbers of entries ascend and are never used again on a thread, so a guard finds its own entry or none. Guards
//   cannot leave their thread (`not_send`).
// * No user code runs while the stack is borrowed: contexts consist of encoded words, and dropping one frees memory.
//   So a `Display` that logs, or that enters a context, never finds the stack borrowed.
// * When a thread ends, the stack is emptied, and nothing can be entered any more: a record that a later destructor
//   logs has no context.

mod extras;
pub(crate) mod outgoing;
mod trace;

#[cfg(any(feature = "compat-tracing", feature = "tracing"))]
pub(crate) use extras::replace;
pub(crate) use extras::{Extra, ExtrasReader, ExtrasWriter, KeyRef, OwnedExtras, split};
pub(crate) use outgoing::Extras;
pub use trace::TraceContext;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;

use crate::names::KeyIds;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::value::{ByteSink, WordSink as _};
use crate::value::{Fields, Value, limits};

thread_local! {
    /// The number of words of the current context. A call without a context reads this cell, and nothing else of this
    /// module.
    static WORDS: Cell<usize> = const { Cell::new(0) };

    /// The stack of contexts, without a destructor, so that no call asks whether it has run; [`END`] has one.
    static STACK: RefCell<ManuallyDrop<Stack>> =
        const { RefCell::new(ManuallyDrop::new(Stack { entered: 0, scopes: Vec::new() })) };

    /// Touched by whoever enters a context: it empties [`STACK`] when the thread ends. After that, none can be entered.
    static END: StackCleanup = const { StackCleanup };
}

/// Empties [`STACK`] when it is dropped.
struct StackCleanup;

impl Drop for StackCleanup {
    fn drop(&mut self) {
        // The entries of leaked guards are still there.
        let _ = with_stack(|stack| mem::take(&mut stack.scopes));
    }
}

/// The contexts that a thread has entered.
struct Stack {
    /// The number of entries so far.
    entered: u64,
    /// The contexts, each with the number of its entry; the numbers ascend from the bottom to the top.
    scopes: Vec<(u64, Context)>,
}

/// Calls `with` with the thread's stack, and updates [`WORDS`] after it.
///
/// `with` runs no user code: what it removes it returns, and a context owns words only. So the stack is borrowed
/// already only where a signal handler has interrupted this very function. There the result is `None`, and the handler
/// logs without a context and enters none.
fn with_stack<T>(with: impl FnOnce(&mut Stack) -> T) -> Option<T> {
    let result = STACK.try_with(|stack| {
        let mut stack = stack.try_borrow_mut().ok()?;
        let result = with(&mut stack);
        let count = stack.current().map_or(0, |context| context.words().len());
        let _ = WORDS.try_with(|words| words.set(count));
        Some(result)
    });
    result.ok().flatten()
}

/// Calls `with` with the current context, if there is one.
#[inline(always)]
fn with_current<T>(with: impl FnOnce(&Context) -> T) -> Option<T> {
    // It never fails, and std has `try_with` inlined but not `with`.
    let result = STACK.try_with(|stack| Some(with(stack.try_borrow().ok()?.current()?)));
    result.ok().flatten()
}

/// Calls `with` with the entries of the current context, if there are any.
#[inline(always)]
pub(crate) fn with_current_words<T>(with: impl FnOnce(&[u64]) -> T) -> Option<T> {
    with_current(|context| with(context.words()))
}

impl Stack {
    #[inline(always)]
    fn current(&self) -> Option<&Context> {
        self.scopes.last().map(|(_, context)| context)
    }
}

/// Enters a context like [`Context::enter`], but without a guard. Returns the number of the entry, or 0, which no entry
/// has, if the thread is ending: then there is no context.
pub(crate) fn push(context: Context) -> u64 {
    let number = END.try_with(|_| {
        with_stack(|stack| {
            stack.entered += 1;
            stack.scopes.push((stack.entered, context));
            stack.entered
        })
    });
    number.ok().flatten().unwrap_or(0)
}

/// Removes the entry with this number and all above it, if it is still there.
fn take(number: u64) {
    // Entries are searched from the top, where a guard dropped in order finds its own at once.
    let taken = with_stack(|stack| match stack.scopes.iter().rposition(|(known, _)| *known == number) {
        Some(at) if at + 1 == stack.scopes.len() => (stack.scopes.pop(), Vec::new()),
        Some(at) => (None, stack.scopes.split_off(at)),
        None => (None, Vec::new()),
    });
    drop(taken);
}

/// Removes the entry with this number, but not those above it: `tracing` allows spans to be exited in any order.
#[cfg(any(feature = "compat-tracing", feature = "tracing"))]
pub(crate) fn remove(number: u64) {
    with_stack(|stack| stack.scopes.retain(|(known, _)| *known != number));
}

/// Returns whether the entry with this number is the current context.
#[cfg(any(feature = "compat-tracing", feature = "tracing"))]
pub(crate) fn is_current(number: u64) -> bool {
    with_stack(|stack| stack.scopes.last().is_some_and(|(known, _)| *known == number)).unwrap_or(false)
}

/// Replaces the current context.
#[cfg(any(feature = "compat-tracing", feature = "tracing"))]
pub(crate) fn replace_current(context: Context) {
    with_stack(|stack| {
        if let Some((_, current)) = stack.scopes.last_mut() {
            *current = context;
        }
    });
}

/// Keys and values that all records of a scope carry, together with the enclosing spans.
///
/// [`context!`](crate::context!) makes one. A context is immutable and cheap to clone. It can be entered on any thread,
/// any number of times. Entering it *replaces* the current context of the thread until the guard is dropped; it already
/// contains the keys and spans of the context in which it was made.
///
/// New threads and tasks do not inherit the context in which they are started. Pass [`Context::current`] to them.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, Context, Value, context, info};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let logger = logging.get_logger("shop")?;
///
/// let request = context! { request_id = 4711, user = "ada" };
/// request.in_scope(|| {
///     info!(logger: logger, "received");
///     let context = Context::current();
///     std::thread::scope(|scope| {
///         scope.spawn(|| context.in_scope(|| info!(logger: logger, "worked on")));
///     });
/// });
/// info!(logger: logger, "outside");
///
/// logging.flush(Duration::from_secs(5))?;
/// let users: Vec<_> = capture.records().iter().map(|record| record.get("user").is_some()).collect();
/// assert_eq!(users, [true, true, false]);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Scope>>);

/// The shared part of a context that is not empty.
struct Scope {
    entries: OwnedExtras,
    /// The id of the innermost span; 0 if there is none.
    span: u64,
    /// The innermost trace context; its ids are among the entries.
    trace: Option<TraceContext>,
}

impl Context {
    /// Returns the current context of the calling thread.
    pub fn current() -> Self {
        with_current(Context::clone).unwrap_or_default()
    }

    /// Returns a context with one key in addition. An earlier value of the key is replaced.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Context, info};
    ///
    /// let user = String::from("ada");
    /// Context::current().with("user", user.as_str()).in_scope(|| info!("logged in"));
    /// ```
    pub fn with<'v>(&self, key: &str, value: impl Into<Value<'v>>) -> Self {
        self.extended(self.span(), |entries| entries.named(key, value.into()))
    }

    /// Makes this the current context of the calling thread until the guard is dropped.
    ///
    /// Dropping the guard also leaves the contexts that were entered after this one and are still current, because
    /// their guards were leaked or are dropped later.
    ///
    /// Do not hold the guard across an `.await`: the task may go on on another thread, and other tasks of this thread
    /// would log with this context. [`FemtoFutureExt::in_context`](crate::span::FemtoFutureExt::in_context) is for
    /// futures.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Context, context, info};
    ///
    /// let request = context! { request_id = 4711 };
    /// {
    ///     let _context = request.enter();
    ///     info!("received"); // with request_id
    /// }
    /// info!("idle"); // without
    /// ```
    pub fn enter(&self) -> ContextGuard {
        ContextGuard { number: push(self.clone()), not_send: PhantomData }
    }

    /// Calls a function in this context. The context ends with the call, also by a panic.
    pub fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
        let _guard = self.enter();
        call()
    }

    /// Returns a context with the entries that `add` writes in addition, and with `span` as its innermost span.
    pub(crate) fn extended(&self, span: u64, add: impl FnOnce(&mut ExtrasWriter<'_>)) -> Self {
        let entries = ExtrasWriter::keep(self.words(), limits::get(), add);
        let trace = self.0.as_ref().and_then(|scope| scope.trace.clone());
        Self(Some(Arc::new(Scope { entries, span, trace })))
    }

    /// Returns a context whose records belong to a test.
    #[cfg(feature = "testing")]
    pub(crate) fn of_test(&self, id: u64) -> Self {
        self.extended(self.span(), |entries| entries.scope(id))
    }

    /// Returns whether the two are clones of one another, and not just equal.
    #[cfg(any(feature = "compat-tracing", feature = "tracing"))]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(this), Some(that)) => Arc::ptr_eq(this, that),
            (None, None) => true,
            _ => false,
        }
    }

    /// Returns the id of the innermost span; 0 if there is none.
    pub(crate) fn span(&self) -> u64 {
        self.0.as_ref().map_or(0, |scope| scope.span)
    }

    /// Returns the encoded entries.
    pub(crate) fn words(&self) -> &[u64] {
        self.0.as_ref().map_or(&[], |scope| &scope.entries.words)
    }

    /// Writes the entries. Returns the number of keys among them.
    #[cfg(any(feature = "log", feature = "tracing"))]
    fn put(&self, sink: &mut ByteSink) -> usize {
        sink.words(self.words());
        self.keys()
    }

    /// Returns the number of keys.
    fn keys(&self) -> usize {
        self.0.as_ref().map_or(0, |scope| scope.entries.keys)
    }
}

/// Extends the current context by keys.
pub(crate) fn make<F: Fields>(keys: &'static KeyIds, fields: F) -> Context {
    let current = Context::current();
    current.extended(current.span(), |entries| entries.fields(keys.ids(), &fields))
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("keys", &self.keys()).finish_non_exhaustive()
    }
}

/// Leaves a [`Context`] when it is dropped.
///
/// # Examples
///
/// ```
/// use femtologging::{context, info};
///
/// let guard = context! { request = 7 }.enter();
/// info!("handled"); // request=7
/// drop(guard);
/// info!("idle"); // no key
/// ```
#[derive(Debug)]
#[must_use = "the context ends when the guard is dropped; give it a name, such as `_context`"]
pub struct ContextGuard {
    /// The number of the entry; 0 if there is none.
    number: u64,
    /// The entry is on the stack of one thread.
    not_send: PhantomData<*const ()>,
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        take(self.number);
    }
}

/// Writes the entries of the current context. Returns the number of keys among them.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn put_current(sink: &mut ByteSink) -> usize {
    with_current(|context| context.put(sink)).unwrap_or(0)
}
