//! Values of fields: which types there are, and how each is recorded.
//!
//! A type that `tracing` records is recorded with its type. So is every other type that this crate's own macros carry,
//! such as `Duration`, addresses, lists and maps.

use std::error::Error;
use std::fmt;
use std::num::{NonZero, Wrapping};
use std::rc::Rc;
use std::sync::Arc;

use crate::value::argument::{AsBytes, AsDebug, AsDisplay, AsError, Bytes, Deferred, Field};
use crate::value::{ByteSink, Capture, Kind, Reader, Tag, WordSink, limits};

/// A type that is recorded as the value of a field, with its type.
///
/// `tracing`'s types, and those that refer to them: numbers, `bool`, strings, `Option`s, boxes, `dyn Error`,
/// [`DisplayValue`], [`DebugValue`] and [`Empty`]. A field that is `None` or [`Empty`] is left out of a span, and is
/// null in an event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a field records",
    label = "needs `?` or `%` before it",
    note = "write `key = ?value` to record its `Debug` text or `key = %value` to record its `Display` text"
)]
pub trait Value: sealed::Value {}

pub(super) mod sealed {
    use super::Field;

    /// How a type is recorded.
    pub trait Value {
        type Encoded<'a>: Field
        where
            Self: 'a;
        fn encoded(&self) -> Self::Encoded<'_>;
    }
}

/// Returns a value that is recorded as its `Debug` text.
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{field, info};
///
/// info!(ids = field::debug([1, 2]), "the same as ids = ?[1, 2]");
/// ```
pub fn debug<T: fmt::Debug>(value: T) -> DebugValue<T> {
    DebugValue(value)
}

/// Returns a value that is recorded as its `Display` text.
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{field, info};
///
/// let cause = std::fmt::Error;
/// info!(cause = field::display(cause), "the same as %cause");
/// ```
pub fn display<T: fmt::Display>(value: T) -> DisplayValue<T> {
    DisplayValue(value)
}

/// A value that is recorded as its `Display` text.
#[derive(Clone)]
pub struct DisplayValue<T: fmt::Display>(T);

/// A value that is recorded as its `Debug` text.
#[derive(Clone)]
pub struct DebugValue<T: fmt::Debug>(T);

/// No value: a field of a span that [`Span::record`](super::Span::record) sets later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty;

impl<T: fmt::Display> fmt::Display for DisplayValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Debug for DisplayValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for DebugValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! values {
    ($([$($generics:tt)*] $type:ty, |$value:ident| -> $encoded:ty { $encode:expr })*) => {$(
        impl<$($generics)*> Value for $type {}

        impl<$($generics)*> sealed::Value for $type {
            type Encoded<'a> = $encoded where Self: 'a;
            #[inline(always)]
            fn encoded(&self) -> Self::Encoded<'_> {
                let $value = self;
                $encode
            }
        }
    )*};
}

/// Types that are recorded as by the other macros of this crate.
macro_rules! captured {
    ($($type:ty)*) => { values! {$( [] $type, |value| -> Deferred<'a, Self> { Deferred(value) } )*} };
}

captured! {
    bool u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 str String
    NonZero<u8> NonZero<u16> NonZero<u32> NonZero<u64> NonZero<usize>
    NonZero<i8> NonZero<i16> NonZero<i32> NonZero<i64> NonZero<isize>
}

values! {
    [T: Value] Wrapping<T>, |value| -> T::Encoded<'a> { value.0.encoded() }
    [T: Value] Option<T>, |value| -> Maybe<T::Encoded<'a>> { Maybe(value.as_ref().map(T::encoded)) }
    [T: Value + ?Sized] &T, |value| -> T::Encoded<'a> { T::encoded(value) }
    [T: Value + ?Sized] &mut T, |value| -> T::Encoded<'a> { T::encoded(value) }
    [T: Value + ?Sized] Box<T>, |value| -> T::Encoded<'a> { T::encoded(value) }
    [T: Value + ?Sized] Rc<T>, |value| -> T::Encoded<'a> { T::encoded(value) }
    [T: Value + ?Sized] Arc<T>, |value| -> T::Encoded<'a> { T::encoded(value) }
    [T: fmt::Display] DisplayValue<T>, |value| -> AsDisplay<'a, T> { AsDisplay(&value.0) }
    [T: fmt::Debug] DebugValue<T>, |value| -> AsDebug<'a, T> { AsDebug(&value.0) }
    [] Empty, |_value| -> Absent { Absent }
    [] fmt::Arguments<'_>, |value| -> AsDisplay<'a, Self> { AsDisplay(value) }
    [] [u8], |value| -> Bytes<'a> { AsBytes(value) }
    [] dyn Error + 'static, |value| -> AsError<'a, Self> { AsError(value) }
    [] dyn Error + Send + 'static, |value| -> AsError<'a, Self> { AsError(value) }
    [] dyn Error + Sync + 'static, |value| -> AsError<'a, Self> { AsError(value) }
    [] dyn Error + Send + Sync + 'static, |value| -> AsError<'a, Self> { AsError(value) }
}

/// An encoded `Option`. One of an `Option` counts as one.
pub struct Maybe<F>(Option<F>);

impl<F: Field> Field for Maybe<F> {
    const TAG: Tag = F::TAG.optional();
    const DIRECT: bool = F::DIRECT;

    fn words(&self) -> usize {
        let own = if F::TAG.optional { 0 } else { 1 };
        self.0.as_ref().map_or(1, |value| own + value.words())
    }

    fn put<S: WordSink>(&self, sink: &mut S) {
        match &self.0 {
            None => sink.word(0),
            Some(value) => {
                if !F::TAG.optional {
                    sink.word(1);
                }
                value.put(sink);
            }
        }
    }

    fn is_absent(&self) -> bool {
        self.0.as_ref().is_none_or(F::is_absent)
    }
}

/// No value.
pub struct Absent;

impl Field for Absent {
    const TAG: Tag = Tag::new(Kind::Null);
    const DIRECT: bool = true;
    const FIXED: Option<usize> = Some(0);

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, _: &mut S) {}

    fn is_absent(&self) -> bool {
        true
    }
}

/// A reference to the value of a field, whose type selects how it is recorded: by [`Value`], else by [`Capture`], else
/// it is an error. See `value/argument.rs` for how.
#[doc(hidden)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

#[doc(hidden)]
pub trait PickValue<'a> {
    type Target: ?Sized;
    fn __femtologging_field(&self) -> OfValue<'a, Self::Target>;
}

impl<'a, T: Value + ?Sized> PickValue<'a> for &Probe<'a, T> {
    type Target = T;
    #[inline(always)]
    fn __femtologging_field(&self) -> OfValue<'a, T> {
        OfValue(self.0)
    }
}

#[doc(hidden)]
pub trait PickCapture<'a> {
    type Target: ?Sized;
    fn __femtologging_field(&self) -> Deferred<'a, Self::Target>;
}

impl<'a, T: Capture + ?Sized> PickCapture<'a> for &&Probe<'a, T> {
    type Target = T;
    #[inline(always)]
    fn __femtologging_field(&self) -> Deferred<'a, T> {
        Deferred(self.0)
    }
}

#[doc(hidden)]
pub trait PickNone<'a> {
    type Target: ?Sized;
    fn __femtologging_field(&self) -> OfValue<'a, Self::Target>;
}

impl<'a, T: ?Sized> PickNone<'a> for Probe<'a, T> {
    type Target = T;
    fn __femtologging_field(&self) -> OfValue<'a, T> {
        OfValue(self.0)
    }
}

/// A value of a type of `tracing`.
#[doc(hidden)]
pub struct OfValue<'a, T: ?Sized>(pub &'a T);

impl<'a, T: Value + ?Sized> Field for OfValue<'a, T> {
    const TAG: Tag = <T::Encoded<'a> as Field>::TAG;
    const DIRECT: bool = <T::Encoded<'a> as Field>::DIRECT;
    const FIXED: Option<usize> = <T::Encoded<'a> as Field>::FIXED;

    #[inline(always)]
    fn words(&self) -> usize {
        self.0.encoded().words()
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        self.0.encoded().put(sink);
    }

    #[inline(always)]
    fn is_absent(&self) -> bool {
        self.0.encoded().is_absent()
    }
}

/// Returns the value of a field `message` as the text of the record.
#[doc(hidden)]
pub fn text<T: Value + ?Sized>(value: &T) -> Text<'_, T> {
    Text(value)
}

/// The value of a field, as text.
#[doc(hidden)]
pub struct Text<'a, T: ?Sized>(&'a T);

impl<T: Value + ?Sized> fmt::Display for Text<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sink = ByteSink::new(Vec::new(), limits::get());
        let value = OfValue(self.0);
        value.put(&mut sink);
        fmt::Display::fmt(&Reader::new(&sink.bytes).value(tag_of(&value)), f)
    }
}

fn tag_of<F: Field>(_: &F) -> Tag {
    F::TAG
}
