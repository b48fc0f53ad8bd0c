//! Spans, with the methods that they have in `tracing`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr;
use std::sync::{Arc, Weak};

use super::field::{OfValue, Value};
use super::level::Level;
use crate::callsite::{Callsite, Shape};
use crate::context::{Context, ContextGuard, ExtrasWriter};
use crate::level;
use crate::logger::{AtSite, OwnedSource, Registry, Source};
use crate::names::{self, KeyIds};
use crate::span::traced::{self, MACROS, Parent, SpanSite, TracedSpan};
use crate::value::{Fields, limits};

/// A period of the program's work with a name and fields, as in `tracing`.
///
/// [`info_span!`](super::info_span) and its siblings make one. While a thread has entered it, the thread's records
/// carry its name, its id and its fields, whichever macros make them. It ends when the last of its clones, of the
/// guards that have entered it, and of the spans inside it is dropped.
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{field, info, info_span};
///
/// let request = info_span!("request", id = 7, status = field::Empty);
/// request.in_scope(|| {
///     info!("received");               // id=7
///     request.record("status", 200);
///     info!("done");                   // id=7 status=200
/// });
/// ```
#[derive(Clone)]
pub struct Span(Inner);

#[derive(Clone)]
enum Inner {
    /// No span at all.
    None,
    /// A span whose level is not enabled.
    Disabled(Metadata),
    Traced(Arc<TracedSpan>),
    /// The current context of a thread, where it is not that of a [`TracedSpan`].
    Context(Context),
}

/// What is known of a span from the macro that made it.
#[derive(Clone, Copy)]
pub struct Metadata {
    site: &'static Callsite,
    level: level::Level,
    keys: Option<&'static KeyIds>,
}

impl Metadata {
    /// Returns the name of the span.
    pub fn name(&self) -> &'static str {
        self.site.metadata.template
    }

    /// Returns the target.
    pub fn target(&self) -> &'static str {
        self.site.metadata.module.target
    }

    /// Returns the level.
    pub fn level(&self) -> Level {
        Level::of(self.level)
    }

    /// Returns the path of the module.
    pub fn module_path(&self) -> Option<&'static str> {
        Some(self.site.metadata.module.module_path)
    }

    /// Returns the file.
    pub fn file(&self) -> Option<&'static str> {
        Some(self.site.metadata.module.file)
    }

    /// Returns the line.
    pub fn line(&self) -> Option<u32> {
        Some(self.site.metadata.line)
    }

    /// Returns whether the macro names this field.
    fn has_field(&self, name: &str) -> bool {
        self.keys.is_some_and(|keys| keys.names().contains(&name))
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Metadata");
        f.field("name", &self.name()).field("target", &self.target()).field("level", &self.level());
        f.finish_non_exhaustive()
    }
}

impl Span {
    /// Returns a span that has no effect.
    pub const fn none() -> Self {
        Self(Inner::None)
    }

    /// Returns the span that the calling thread is in.
    ///
    /// Where it is in a [`context!`](crate::context!) or a [`FemtoSpan`](crate::FemtoSpan) inside of that, the result
    /// enters these as well, and fields cannot be set.
    pub fn current() -> Self {
        match traced::current_parent() {
            Parent::Span(span) => Self(Inner::Traced(span)),
            Parent::Context(context) if context.words().is_empty() => Self::none(),
            Parent::Context(context) => Self(Inner::Context(context)),
        }
    }

    /// Returns this span or, if it is disabled, the current one.
    pub fn or_current(self) -> Self {
        if self.is_disabled() { Self::current() } else { self }
    }

    /// Enters the span until the guard is dropped.
    ///
    /// Do not hold the guard across an `.await`; [`Instrument`](super::Instrument) is for futures.
    pub fn enter(&self) -> Entered<'_> {
        Entered { _guard: Guard::new(self), _span: PhantomData }
    }

    /// Enters the span until the guard is dropped, which owns it.
    pub fn entered(self) -> EnteredSpan {
        EnteredSpan { guard: Guard::new(&self), span: self }
    }

    /// Enters the span, calls a function, and leaves the span.
    pub fn in_scope<F: FnOnce() -> T, T>(&self, call: F) -> T {
        let _guard = self.enter();
        call()
    }

    /// Enters the span's context, which does not count as an entry of the span.
    pub(super) fn enter_context(&self) -> Option<ContextGuard> {
        match &self.0 {
            Inner::None | Inner::Disabled(_) => None,
            Inner::Traced(span) => Some(span.context().0.enter()),
            Inner::Context(context) => Some(context.enter()),
        }
    }

    /// Sets a field that the span was made with, in the records that follow. Other fields are ignored, as in `tracing`.
    ///
    /// The records of a thread that is already in the span have the new value when that thread calls this function, or
    /// makes, enters or leaves a span.
    pub fn record<V: Value>(&self, field: &str, value: V) -> &Self {
        record_all(self, &[field], ((), OfValue(&value)));
        self
    }

    /// Returns whether the span was made with a field of this name.
    pub fn has_field(&self, name: &str) -> bool {
        self.metadata().is_some_and(|metadata| metadata.has_field(name))
    }

    /// Ignored: a record has no place for it.
    pub fn follows_from(&self, _: impl Into<Option<Id>>) -> &Self {
        self
    }

    /// Returns whether the span is disabled, or none at all.
    pub fn is_disabled(&self) -> bool {
        matches!(self.0, Inner::None | Inner::Disabled(_))
    }

    /// Returns whether this is no span at all: [`Span::none`].
    pub fn is_none(&self) -> bool {
        matches!(self.0, Inner::None)
    }

    /// Returns the span's id, or `None` if it is disabled.
    pub fn id(&self) -> Option<Id> {
        match &self.0 {
            Inner::None | Inner::Disabled(_) => None,
            Inner::Traced(span) => Some(Id(span.id, IdOf::Span(Arc::downgrade(span)))),
            Inner::Context(context) => Some(Id(context.span(), IdOf::Context(context.clone()))),
        }
    }

    /// Returns what is known of the span from the macro that made it.
    pub fn metadata(&self) -> Option<Metadata> {
        match &self.0 {
            Inner::None | Inner::Context(_) => None,
            Inner::Disabled(metadata) => Some(*metadata),
            Inner::Traced(span) => {
                Some(Metadata { site: span.at.site, level: span.at.level, keys: span.at.owner.downcast_ref() })
            }
        }
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::none()
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        match (self.id(), other.id()) {
            (Some(this), Some(that)) => this == that,
            (None, None) => match (self.metadata(), other.metadata()) {
                (Some(this), Some(that)) => ptr::eq(this.site, that.site),
                (None, None) => true,
                _ => false,
            },
            _ => false,
        }
    }
}

impl Hash for Span {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = self.metadata();
        let mut f = f.debug_struct("Span");
        if let Some(metadata) = metadata {
            f.field("name", &metadata.name()).field("level", &metadata.level()).field("target", &metadata.target());
        }
        match self.id() {
            Some(id) => f.field("id", &id),
            None => f.field("disabled", &true),
        };
        f.finish()
    }
}

/// The id of a span. It does not keep the span from ending.
#[derive(Clone)]
pub struct Id(u64, IdOf);

#[derive(Clone)]
enum IdOf {
    Span(Weak<TracedSpan>),
    Context(Context),
}

impl Id {
    /// Returns the number, which is unique in this process.
    pub fn into_u64(&self) -> u64 {
        self.0
    }

    /// Returns the context of the span, or none if the span has ended.
    fn context(&self) -> Context {
        match &self.1 {
            IdOf::Span(span) => span.upgrade().map(|span| span.context().0).unwrap_or_default(),
            IdOf::Context(context) => context.clone(),
        }
    }

    /// Returns the span as the parent of another one.
    fn parent(&self) -> Parent {
        match &self.1 {
            IdOf::Span(span) => span.upgrade().map_or_else(|| Parent::Context(Context::default()), Parent::Span),
            IdOf::Context(context) => Parent::Context(context.clone()),
        }
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Id").field(&self.0).finish()
    }
}

/// Conversions to what `parent:` takes.
macro_rules! ids {
    ($($type:ty, |$span:ident| $id:expr;)*) => {$(
        impl From<$type> for Option<Id> {
            fn from($span: $type) -> Self {
                $id
            }
        }
    )*};
}

ids! {
    &Id, |id| Some(id.clone());
    Span, |span| span.id();
    &Span, |span| span.id();
    EnteredSpan, |span| span.id();
    &EnteredSpan, |span| span.id();
}

/// An entry into a span, which its drop leaves. It cannot be sent to another thread.
struct Guard {
    _context: Option<ContextGuard>,
    span: Option<Arc<TracedSpan>>,
    not_send: PhantomData<*const ()>,
}

impl Guard {
    fn new(span: &Span) -> Self {
        let (context, span) = match &span.0 {
            Inner::None | Inner::Disabled(_) => (None, None),
            Inner::Context(context) => (Some(context.enter()), None),
            Inner::Traced(span) => {
                span.clone().enter();
                (None, Some(span.clone()))
            }
        };
        Self { _context: context, span, not_send: PhantomData }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(span) = &self.span {
            span.exit();
        }
    }
}

/// Leaves a [`Span`] when it is dropped.
#[must_use = "the span is left when the guard is dropped; give it a name, such as `_span`"]
pub struct Entered<'a> {
    _guard: Guard,
    _span: PhantomData<&'a Span>,
}

impl fmt::Debug for Entered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

/// Leaves the [`Span`] that it owns when it is dropped.
#[must_use = "the span is left when the guard is dropped; give it a name, such as `_span`"]
pub struct EnteredSpan {
    // Fields are dropped in this order: the span is left before it can end.
    guard: Guard,
    span: Span,
}

impl EnteredSpan {
    /// Returns the span's id, or `None` if it is disabled.
    pub fn id(&self) -> Option<Id> {
        self.span.id()
    }

    /// Leaves the span and returns it.
    pub fn exit(self) -> Span {
        drop(self.guard);
        self.span
    }
}

impl Deref for EnteredSpan {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.span
    }
}

impl fmt::Debug for EnteredSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnteredSpan").field(&self.span).finish()
    }
}

/// What the span macros expand to: makes a span, in the current one or in an explicit parent.
#[doc(hidden)]
pub fn make<F: Fields>(
    site: &'static Callsite,
    keys: &'static KeyIds,
    level: level::Level,
    parent: Option<Option<Id>>,
    fields: F,
) -> Span {
    if AtSite.state(site, Shape::TEXT, level).is_none() {
        return disabled(site, keys, level);
    }
    let fields = ExtrasWriter::keep(&[], limits::get(), |entries| entries.fields(keys.ids(), &fields));
    let parent = match parent {
        None => traced::current_parent(),
        Some(None) => Parent::Context(Context::default()),
        Some(Some(id)) => id.parent(),
    };
    let at = SpanSite { site, level, name: names::intern(site.metadata.template), owner: keys };
    let events = Registry::global().span_events();
    Span(Inner::Traced(TracedSpan::new(at, MACROS, parent, fields, OwnedSource::Site, events)))
}

/// Returns a span that is not enabled.
#[doc(hidden)]
pub fn disabled(site: &'static Callsite, keys: &'static KeyIds, level: level::Level) -> Span {
    Span(Inner::Disabled(Metadata { site, level, keys: Some(keys) }))
}

/// Sets fields of a span: what `record_all!` expands to. Fields that the span was not made with are ignored.
#[doc(hidden)]
pub fn record_all<F: Fields>(span: &Span, names: &[&str], fields: F) {
    let Some(Metadata { keys: Some(keys), .. }) = span.metadata() else { return };
    let Inner::Traced(span) = &span.0 else { return };
    // Those that are ignored have no id.
    let known = |name: &&str| Some(*keys.ids().get(keys.names().iter().position(|key| key == name)?)?);
    let ids: Vec<_> = names.iter().map(known).collect();
    span.record(&ExtrasWriter::keep(&[], limits::get(), |entries| entries.known_fields(&ids, &fields)));
    traced::refresh();
}

/// Returns the context of an explicit parent.
pub(super) fn context_of(parent: Option<Id>) -> Context {
    parent.map(|id| id.context()).unwrap_or_default()
}
