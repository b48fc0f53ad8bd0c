//! Context: keys and spans that every record of a scope carries.
//!
//! A scope is an immutable list of entries in the form in which records carry them, those of the scopes around it first.
//! Each thread has a stack of those that it has entered. A record copies the entries of the topmost one behind its own
//! values. The guard of a scope takes it from the stack, and with it whatever was entered later and is still there, so that
//! guards that are leaked or dropped out of order leave nothing behind.

mod extras;

pub(crate) use extras::{Extra, ExtrasReader, ExtrasWriter, KeyRef, OwnedExtras, split};

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use self::extras::{SUPPRESSED_WORDS, suppressed_entry};
use crate::names::KeyIds;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::value::ByteSink;
use crate::value::{Fields, Value, WordSink, limits};

thread_local! {
    /// How many words the current scope has: what every call looks at.
    static WORDS: Cell<usize> = const { Cell::new(0) };

    static STACK: Stack = const { Stack { entered: Cell::new(0), scopes: RefCell::new(Vec::new()) } };
}

/// The scopes that a thread is in. Nothing but words is dropped with them: no user code runs while it is borrowed.
struct Stack {
    /// How often a scope was entered.
    entered: Cell<u64>,
    /// Each with the number of its entry, which grows from the bottom up.
    scopes: RefCell<Vec<(u64, Context)>>,
}

impl Stack {
    fn push(&self, context: Context) -> u64 {
        let number = self.entered.get() + 1;
        self.entered.set(number);
        let _ = WORDS.try_with(|words| words.set(context.words().len()));
        self.scopes.borrow_mut().push((number, context));
        number
    }

    /// Takes this entry and all above it, if it is still there.
    fn take(&self, number: u64) {
        let mut scopes = self.scopes.borrow_mut();
        if let Some(at) = scopes.iter().rposition(|(known, _)| *known == number) {
            scopes.truncate(at);
            drop(scopes);
            self.count_words();
        }
    }

    fn count_words(&self) {
        let count = self.scopes.borrow().last().map_or(0, |(_, context)| context.words().len());
        let _ = WORDS.try_with(|words| words.set(count));
    }
}

/// Makes a context the current one of the calling thread, as [`Context::enter`] does, without a guard. Returns the number of the
/// entry.
#[cfg(feature = "tracing")]
pub(crate) fn push(context: Context) -> u64 {
    STACK.try_with(|stack| stack.push(context)).unwrap_or(0)
}

/// Takes an entry alone, and leaves those above it.
#[cfg(feature = "tracing")]
pub(crate) fn remove(number: u64) {
    let _ = STACK.try_with(|stack| {
        stack.scopes.borrow_mut().retain(|(known, _)| *known != number);
        stack.count_words();
    });
}

/// Whether an entry is that of the current context.
#[cfg(feature = "tracing")]
pub(crate) fn is_current(number: u64) -> bool {
    STACK.try_with(|stack| stack.scopes.borrow().last().is_some_and(|(known, _)| *known == number)).unwrap_or(false)
}

/// Puts another context in the place of the current one.
#[cfg(feature = "tracing")]
pub(crate) fn replace_current(context: Context) {
    let _ = STACK.try_with(|stack| {
        if let Some((_, current)) = stack.scopes.borrow_mut().last_mut() {
            *current = context;
        }
        stack.count_words();
    });
}

impl Drop for Stack {
    fn drop(&mut self) {
        // A guard that was leaked has not taken its scope.
        let _ = WORDS.try_with(|words| words.set(0));
    }
}

/// Keys with values that every record of a scope carries, and the spans around it.
///
/// [`context!`](crate::context!) makes one and enters it. Clones are the same context; it can be entered on any thread, any
/// number of times. Entering one makes it the current one of the thread, *in place* of any other: it already has what it
/// was made in. Threads and tasks that are started in a context are not in it by themselves; hand them
/// [`Context::current`].
///
/// # Examples
///
/// ```
/// use femtologging::{Config, Context, FemtoCaptureHandler, Value, context, info};
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

struct Scope {
    entries: OwnedExtras,
    /// The number of the innermost span; 0 if there is none.
    span: u64,
}

impl Context {
    /// Returns the current context of the calling thread.
    pub fn current() -> Self {
        let current = STACK.try_with(|stack| stack.scopes.borrow().last().map(|(_, context)| context.clone()));
        current.ok().flatten().unwrap_or_default()
    }

    /// Returns this context with one more key, whose value overrides any that the key had.
    pub fn with<'v>(&self, key: &str, value: impl Into<Value<'v>>) -> Self {
        self.extended(self.span(), |entries| entries.named(key, value.into()))
    }

    /// Makes this the current context of the calling thread until the guard is dropped.
    ///
    /// What was entered later and not left yet, because its guard was leaked or is dropped later, is left with it.
    pub fn enter(&self) -> ContextGuard {
        // A thread whose thread-locals are gone has no context.
        let number = STACK.try_with(|stack| stack.push(self.clone())).unwrap_or(0);
        ContextGuard { number, not_send: PhantomData }
    }

    /// Calls a function in this context.
    pub fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
        let _guard = self.enter();
        call()
    }

    /// This context and what `add` adds to it.
    pub(crate) fn extended(&self, span: u64, add: impl FnOnce(&mut ExtrasWriter<'_>)) -> Self {
        let entries = ExtrasWriter::keep(self.words(), limits::get(), add);
        Self(Some(Arc::new(Scope { entries, span })))
    }

    /// Whether this is that very context, not one with the same keys.
    #[cfg(feature = "tracing")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(this), Some(that)) => Arc::ptr_eq(this, that),
            (None, None) => true,
            _ => false,
        }
    }

    /// The number of the innermost span; 0 if there is none.
    pub(crate) fn span(&self) -> u64 {
        self.0.as_ref().map_or(0, |scope| scope.span)
    }

    pub(crate) fn words(&self) -> &[u64] {
        self.0.as_ref().map_or(&[], |scope| &scope.entries.words)
    }

    /// Writes the entries. Returns how many of them are keys.
    #[cfg(any(feature = "log", feature = "tracing"))]
    fn put(&self, sink: &mut ByteSink) -> usize {
        sink.words(self.words());
        self.keys()
    }

    /// How many of the entries are keys.
    fn keys(&self) -> usize {
        self.0.as_ref().map_or(0, |scope| scope.entries.keys)
    }
}

/// Makes the context that `context!` describes.
#[doc(hidden)]
pub fn make<F: Fields>(keys: &'static KeyIds, fields: F) -> Context {
    let current = Context::current();
    current.extended(current.span(), |entries| entries.fields(keys.ids(), &fields))
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("keys", &self.keys()).finish_non_exhaustive()
    }
}

/// Leaves a [`Context`] when it is dropped.
#[derive(Debug)]
#[must_use = "the context ends when the guard is dropped; give it a name, such as `_context`"]
pub struct ContextGuard {
    /// The number of the entry; 0 if there is none.
    number: u64,
    /// It belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        let _ = STACK.try_with(|stack| stack.take(self.number));
    }
}

/// Writes the entries of the current scope. Returns how many of them are keys.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn put_current(sink: &mut ByteSink) -> usize {
    let put = STACK.try_with(|stack| stack.scopes.borrow().last().map(|(_, context)| context.put(sink)));
    put.ok().flatten().unwrap_or(0)
}

/// What a record takes along besides its own values.
#[derive(Clone, Copy, Default)]
pub struct Extras<'a> {
    /// How many words of the current scope.
    scope: usize,
    /// The entries of a logger's bound keys.
    bound: &'a [u64],
    /// How many calls before this one a rate limit turned away.
    suppressed: u64,
}

impl<'a> Extras<'a> {
    #[inline(always)]
    pub(crate) fn new(bound: &'a [u64]) -> Self {
        Self { scope: WORDS.try_with(Cell::get).unwrap_or(0), bound, suppressed: 0 }
    }

    /// These entries and nothing of the thread's context.
    pub(crate) fn only(entries: &'a [u64]) -> Self {
        Self { scope: 0, bound: entries, suppressed: 0 }
    }

    #[inline(always)]
    pub(crate) fn after(self, suppressed: u64) -> Self {
        Self { suppressed, ..self }
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.scope == 0 && self.bound.is_empty() && self.suppressed == 0
    }

    /// How many words [`put`](Self::put) writes.
    #[inline(always)]
    pub(crate) fn words(&self) -> usize {
        let suppressed = if self.suppressed > 0 { SUPPRESSED_WORDS } else { 0 };
        if self.is_empty() { 0 } else { self.scope + self.bound.len() + suppressed + 1 }
    }

    #[inline(always)]
    pub(crate) fn put<S: WordSink>(&self, sink: &mut S) {
        if !self.is_empty() {
            sink.end(|sink| self.put_entries(sink));
        }
    }

    #[inline(never)]
    fn put_entries<S: WordSink>(&self, sink: &mut S) {
        let mut length = self.bound.len();
        if self.scope > 0 {
            // The current scope is the one that was counted, unless user code has run since, which it only does where the
            // sink may take any number of words.
            let put = STACK.try_with(|stack| {
                let scopes = stack.scopes.borrow();
                let words = scopes.last().map_or(&[][..], |(_, context)| context.words());
                sink.words(words);
                words.len()
            });
            length += put.unwrap_or(0);
        }
        sink.words(self.bound);
        if self.suppressed > 0 {
            sink.words(&suppressed_entry(self.suppressed));
            length += SUPPRESSED_WORDS;
        }
        sink.word(length as u64);
    }
}
