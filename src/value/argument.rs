//! The arguments and key values of one call, on the caller's side.
//!
//! # How a type selects its encoding
//!
//! A macro does not know the types of its arguments. It expands each to `(&&Probe(&value)).__femtologging_pick()`, and
//! method resolution finds the first of these that applies (autoref specialisation):
//!
//! | trait | implemented for | bound on `T` | result |
//! |---|---|---|---|
//! | [`PickInteger`] | `&Probe<T>` | [`Integer`] | [`DeferredInteger`]: encoded as a word |
//! | [`PickDeferred`] | `&&Probe<T>` | [`Travels`] | [`Deferred`]: encoded as it is, formatted by the consumer |
//! | [`PickImmediate`] | `Probe<T>` | none | [`Immediate`]: formatted by the caller |
//!
//! If one argument of a message is immediate, the caller formats the whole message.
//!
//! # Lists
//!
//! A list of arguments is a nest of pairs: three arguments are `((((), a), b), c)`. A macro can build it while it
//! reads the call, one `impl` for pairs covers all lengths, and there is no maximum length.
//!
//! # Example
//!
//! `info!("{} of {}", 3, name; user:? = user)`, with a `name: String`, becomes
//!
//! ```text
//! arguments   (((), DeferredInteger(&3)), Deferred(&name))      the types travel: the consumer formats
//! fields      ((), AsDebug(&user))                              not direct: the caller formats the value
//! tags        I64, Str                                          of the arguments, in the call's shape
//!             Debug                                             of the fields
//! ```
//!
//! If `name` were of a type of the program's own, its probe would be `Immediate(&name)`, and the caller would format
//! the message. Without `user:?`, the record could be written directly into a ring; as it is, user code runs for the
//! value, so the record is encoded into a buffer first.
//!
//! # What must hold
//!
//! For every type, the text of [`Argument::out`] is that of the value itself, with any format specification, and
//! [`Argument::take`] returns an equal value after [`Field::put`]. The message is then what `format!` gives, whichever
//! side formats it. The tests in `macros-tests` compare both sides with `format!`.

use std::error::Error;
use std::fmt;
use std::ops::{Deref, Index};

use super::capture::{Capture, Integer, Travels};
use super::sink::ByteSink;
use super::wire::{Kind, Reader, Tag, WordSink, padded_words};
use crate::error::write_chain;

/// Wraps a reference to an argument, so that its type selects how it is encoded.
#[doc(hidden)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// Selects [`DeferredInteger`].
#[doc(hidden)]
pub trait PickInteger<'a> {
    type Target;
    fn __femtologging_pick(&self) -> DeferredInteger<'a, Self::Target>;
}

impl<'a, T: Integer> PickInteger<'a> for &Probe<'a, T> {
    type Target = T;
    #[inline(always)]
    fn __femtologging_pick(&self) -> DeferredInteger<'a, T> {
        DeferredInteger(self.0)
    }
}

/// Selects [`Deferred`].
#[doc(hidden)]
pub trait PickDeferred<'a> {
    type Target: ?Sized;
    fn __femtologging_pick(&self) -> Deferred<'a, Self::Target>;
}

impl<'a, T: Travels + ?Sized> PickDeferred<'a> for &&Probe<'a, T> {
    type Target = T;
    #[inline(always)]
    fn __femtologging_pick(&self) -> Deferred<'a, T> {
        Deferred(self.0)
    }
}

/// Selects [`Immediate`].
#[doc(hidden)]
pub trait PickImmediate<'a> {
    type Target: ?Sized;
    fn __femtologging_pick(&self) -> Immediate<'a, Self::Target>;
}

impl<'a, T: ?Sized> PickImmediate<'a> for Probe<'a, T> {
    type Target = T;
    #[inline(always)]
    fn __femtologging_pick(&self) -> Immediate<'a, T> {
        Immediate(self.0)
    }
}

/// An integer, which is encoded as it is.
///
/// It differs from [`Deferred`] for type inference only: the render closure gets the `T` itself, so that the literal
/// `5` in `info!("{:1$}", x, 5)` becomes a `usize`, as it does in `format!`.
#[doc(hidden)]
pub struct DeferredInteger<'a, T>(pub &'a T);

/// An argument that is encoded as it is, and that the consumer formats.
#[doc(hidden)]
pub struct Deferred<'a, T: ?Sized>(pub &'a T);

/// An argument that the caller formats, because its type cannot be encoded.
#[doc(hidden)]
pub struct Immediate<'a, T: ?Sized>(pub &'a T);

/// The value of a key, recorded as its `Debug` text (`key:? = value`).
#[doc(hidden)]
pub struct AsDebug<'a, T: ?Sized>(pub &'a T);

/// The value of a key, recorded as its `Display` text (`key:% = value`).
#[doc(hidden)]
pub struct AsDisplay<'a, T: ?Sized>(pub &'a T);

/// The value of a key, recorded as the messages of an error and of its sources (`key:err = error`).
#[doc(hidden)]
pub struct AsError<'a, T: ?Sized>(pub &'a T);

/// Wraps a reference to a variable that is the value of a key. A type that a record cannot carry is an error where the
/// macro mentions [`Carries`], and so must not be one in addition here.
pub struct KeyProbe<'a, T: ?Sized>(pub &'a T);

/// Selects [`Deferred`].
#[doc(hidden)]
pub trait PickCarried<'a> {
    type Target: ?Sized;
    fn __femtologging_key(&self) -> Deferred<'a, Self::Target>;
}

impl<'a, T: Carry + ?Sized> PickCarried<'a> for &KeyProbe<'a, T>
where
    Deferred<'a, T>: Field,
{
    type Target = T;
    #[inline(always)]
    fn __femtologging_key(&self) -> Deferred<'a, T> {
        Deferred(self.0)
    }
}

/// Selects [`Uncarried`].
#[doc(hidden)]
pub trait PickUncarried<'a> {
    fn __femtologging_key(&self) -> Uncarried;
}

impl<'a, T: ?Sized> PickUncarried<'a> for KeyProbe<'a, T> {
    fn __femtologging_key(&self) -> Uncarried {
        Uncarried
    }
}

/// In place of a value that a record cannot carry. It is in no program that compiles.
pub struct Uncarried;

impl Field for Uncarried {
    const TAG: Tag = Tag::new(Kind::Null);
    const DIRECT: bool = true;

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, _: &mut S) {}
}

/// Has an index for every type that a record can carry, and so an error at an index of another type.
///
/// An error of the compiler about a missing `impl` says where the requirement is written. Indexing puts it into the
/// call, at the value, where a bound of a method would point into the macro.
pub struct Carries;

/// A type that is the value of a key as it is.
#[cfg(not(feature = "log"))]
pub use super::capture::Capture as Carry;

/// A type that is the value of a key as it is: one that is captured, or a value of the crate `log`.
#[cfg(feature = "log")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a record carries by value",
    label = "needs `:?` or `:%` after its key",
    note = "write `key:? = value` to record its `Debug` text or `key:% = value` to record its `Display` text; for an error with its causes, `key:err = value`"
)]
pub trait Carry {}

#[cfg(feature = "log")]
#[diagnostic::do_not_recommend]
impl<T: Capture + ?Sized> Carry for T {}

impl<T: Carry> Index<T> for Carries {
    type Output = ();

    fn index(&self, _: T) -> &() {
        &()
    }
}

/// Wraps a reference to the value of a key that is recorded as an error, so that its type selects where the error is: a
/// type that implements [`Error`], one that dereferences to such a type, as `Box<dyn Error>` and anyhow's `Error` do,
/// or a reference to one of those.
pub struct ErrorProbe<'a, T: ?Sized>(pub &'a T);

macro_rules! pick_error {
    ($($(#[$doc:meta])* $trait:ident for $probe:ty, |$value:ident: $($bound:path)?| -> $error:ty { $pick:expr })*) => {$(
        $(#[$doc])*
        #[doc(hidden)]
        pub trait $trait<'a> {
            type Picked;
            fn __femtologging_error(&self) -> Self::Picked;
        }

        impl<'a, T: $($bound +)? ?Sized> $trait<'a> for $probe {
            type Picked = $error;
            #[inline(always)]
            fn __femtologging_error(&self) -> $error {
                let $value = self.0;
                $pick
            }
        }
    )*};
}

pick_error! {
    /// Selects the value itself.
    PickError for &&&ErrorProbe<'a, T>, |value: Error| -> AsError<'a, T> { AsError(value) }
    /// Selects what a box points to.
    PickErrorBehind for &&ErrorProbe<'a, T>, |value: Boxed| -> AsError<'a, T::Target> { AsError(&**value) }
    /// Selects what a reference to a box points to.
    PickAnyError for &ErrorProbe<'a, T>, |value: BoxedTwice| -> AsError<'a, <T::Target as Deref>::Target> { AsError(&***value) }
    /// Selects an error of the compiler, with a message.
    PickNoError for ErrorProbe<'a, T>, |value: | -> NoError<'a, T> { NoError(value) }
}

/// A pointer to an error.
///
/// `Box<dyn Error>` does not implement `Error` itself, and neither do `anyhow::Error` and `eyre::Report`; what they
/// dereference to does.
pub trait Boxed: Deref<Target: Error> {}

impl<T: Deref<Target: Error> + ?Sized> Boxed for T {}

/// A pointer to a pointer to an error.
pub trait BoxedTwice: Deref<Target: Deref<Target: Error>> {}

impl<T: Deref<Target: Deref<Target: Error>> + ?Sized> BoxedTwice for T {}

/// The value of a key that should be an error.
pub struct NoError<'a, T: ?Sized>(pub &'a T);

/// What no type is: see [`PickNoError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error",
    label = "`:err` records a type that implements `std::error::Error`, or a box of one"
)]
pub trait IsError {}

impl<T: IsError + ?Sized> Field for NoError<'_, T> {
    const TAG: Tag = Tag::new(Kind::Error);
    const DIRECT: bool = false;

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, _: &mut S) {}
}

/// Gets the bytes of a key's value (`key:bytes = value`). `as_ref` is user code, so it runs before the record is
/// written.
#[doc(hidden)]
#[allow(non_snake_case, reason = "the macros name it as they name the types beside it")]
pub fn AsBytes<T: AsRef<[u8]> + ?Sized>(value: &T) -> Bytes<'_> {
    Bytes(value.as_ref())
}

/// The value of a key, recorded as bytes.
#[doc(hidden)]
pub struct Bytes<'a>(&'a [u8]);

impl Field for Bytes<'_> {
    const TAG: Tag = Tag::new(Kind::Bytes);
    const DIRECT: bool = true;

    fn words(&self) -> usize {
        1 + padded_words(self.0.len())
    }

    fn put<S: WordSink>(&self, sink: &mut S) {
        sink.bytes(self.0);
    }
}

/// The value of a key that is not recorded (`key:secret = value`).
#[doc(hidden)]
pub struct Secret<'a, T: ?Sized>(pub &'a T);

/// One value of a call that can be encoded.
#[doc(hidden)]
pub trait Field {
    /// The type that the value is encoded as.
    const TAG: Tag;
    /// Whether encoding runs no user code, so that the value can be written directly to a ring.
    const DIRECT: bool;
    /// The number of words that [`put`](Field::put) writes, if it is always the same.
    const FIXED: Option<usize> = None;
    /// Returns the number of words that [`put`](Field::put) writes. Only used if `DIRECT`.
    fn words(&self) -> usize;
    /// Encodes the value, without its tag.
    fn put<S: WordSink>(&self, sink: &mut S);
    /// Returns whether a span leaves the value out, with its key.
    #[inline(always)]
    fn is_absent(&self) -> bool {
        false
    }
}

/// Implements [`Field`] for wrappers of values that are encoded as they are.
macro_rules! encoded {
    ($($type:ident: $bound:path $(, ?$sized:ident)?;)*) => {$(
        impl<T: $bound $(+ ?$sized)?> Field for $type<'_, T> {
            const TAG: Tag = T::TAG;
            const DIRECT: bool = true;
            const FIXED: Option<usize> = T::FIXED;

            #[inline(always)]
            fn words(&self) -> usize {
                self.0.words()
            }

            #[inline(always)]
            fn put<S: WordSink>(&self, sink: &mut S) {
                self.0.put(sink);
            }
        }
    )*};
}

encoded! {
    DeferredInteger: Integer;
    Deferred: Capture, ?Sized;
}

/// Values that only exist as text, which the caller writes.
macro_rules! formatted {
    ($($type:ident as $kind:ident: $($bound:path)?, |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl<T: $($bound +)? ?Sized> Field for $type<'_, T> {
            const TAG: Tag = Tag::new(Kind::$kind);
            const DIRECT: bool = false;

            #[inline(always)]
            fn words(&self) -> usize {
                0
            }

            #[inline]
            fn put<S: WordSink>(&self, sink: &mut S) {
                let $value = self.0;
                sink.format(&|$out| $write);
            }
        }
    )*};
}

formatted! {
    AsDebug as Debug: fmt::Debug, |value, out| out.write_fmt(format_args!("{value:?}"));
    AsDisplay as Display: fmt::Display, |value, out| out.write_fmt(format_args!("{value}"));
    AsError as Error: Error, |error, out| write_chain(error, out);
    // Never written: a message with an immediate argument is formatted as a whole.
    Immediate as Display: , |_value, _out| Ok(());
}

impl<T: ?Sized> Field for Secret<'_, T> {
    const TAG: Tag = Tag::new(Kind::Secret);
    const DIRECT: bool = true;
    const FIXED: Option<usize> = Some(0);

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, _: &mut S) {}
}

/// One argument of a message.
///
/// A message is formatted by the call site's render closure, which takes [`Out`](Self::Out) values: on the consumer,
/// decoded by [`take`](Self::take); on the caller, made by [`out`](Self::out). Both format to the same text.
#[doc(hidden)]
pub trait Argument: Field {
    type Out<'o>;
    /// Decodes the argument, on the consumer. Returns `None` if it was not encoded.
    fn take<'o>(reader: &mut Reader<'o>) -> Option<Self::Out<'o>>;
    /// Returns the value as the render closure takes it, on the caller.
    fn out(&self) -> Self::Out<'_>;
}

impl<T: Integer> Argument for DeferredInteger<'_, T> {
    type Out<'o> = T;

    #[inline]
    fn take<'o>(reader: &mut Reader<'o>) -> Option<T> {
        Some(T::take(reader))
    }

    #[inline]
    fn out(&self) -> T {
        *self.0
    }
}

impl<T: Travels + ?Sized> Argument for Deferred<'_, T> {
    type Out<'o> = T::Out<'o>;

    #[inline]
    fn take<'o>(reader: &mut Reader<'o>) -> Option<T::Out<'o>> {
        Some(T::take(reader))
    }

    #[inline]
    fn out(&self) -> T::Out<'_> {
        self.0.out()
    }
}

impl<'x, T: ?Sized> Argument for Immediate<'x, T> {
    type Out<'o> = Shown<'x, T>;

    fn take<'o>(_: &mut Reader<'o>) -> Option<Shown<'x, T>> {
        None
    }

    #[inline]
    fn out(&self) -> Shown<'x, T> {
        Shown(self.0)
    }
}

/// What the render closure gets for an immediate argument.
///
/// It formats as the value itself. A plain reference to a pointer would not: for `{:p}` it shows its own address.
#[doc(hidden)]
pub struct Shown<'x, T: ?Sized>(&'x T);

macro_rules! shown {
    ($($trait:ident)*) => {$(
        impl<T: fmt::$trait + ?Sized> fmt::$trait for Shown<'_, T> {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::$trait::fmt(self.0, f)
            }
        }
    )*};
}

shown! { Display Debug LowerHex UpperHex Octal Binary LowerExp UpperExp Pointer }

/// The types of a list of fields, as a linked list that is built at compile time: the last field comes first.
#[doc(hidden)]
pub struct Tags {
    pub(crate) last: Tag,
    pub(crate) before: Option<&'static Tags>,
}

impl Tags {
    /// Returns the length of the list.
    pub(crate) const fn count(mut list: Option<&'static Tags>) -> usize {
        let mut count = 0;
        while let Some(Tags { before, .. }) = list {
            count += 1;
            list = *before;
        }
        count
    }

    /// Copies the tags to a vector, in the order of the fields.
    pub(crate) fn to_vec(mut list: Option<&'static Tags>) -> Vec<Tag> {
        let mut tags = Vec::new();
        while let Some(Tags { last, before }) = list {
            tags.push(*last);
            list = *before;
        }
        tags.reverse();
        tags
    }
}

/// A list of fields: `()`, or a pair of a list and its last field. Each item is that of [`Field`] for the whole list.
#[doc(hidden)]
pub trait Fields {
    /// The types of the fields.
    const TAGS: Option<&'static Tags>;
    /// Whether all fields are direct.
    const DIRECT: bool;
    /// The number of words that [`put`](Fields::put) writes, if it is always the same.
    const FIXED: Option<usize> = None;
    /// Returns the number of words that [`put`](Fields::put) writes. Only used if `DIRECT`.
    fn words(&self) -> usize;
    /// Encodes the values one after the other, without their tags.
    fn put<S: WordSink>(&self, sink: &mut S);
    /// Writes every value that is not [absent](Field::is_absent), preceded by what `before` writes for its index and
    /// type. Returns the number of values.
    fn put_each(&self, sink: &mut ByteSink, before: &dyn Fn(&mut ByteSink, usize, Tag)) -> usize {
        let _ = (sink, before);
        0
    }
}

impl Fields for () {
    const TAGS: Option<&'static Tags> = None;
    const DIRECT: bool = true;
    const FIXED: Option<usize> = Some(0);

    #[inline(always)]
    fn words(&self) -> usize {
        0
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, _: &mut S) {}
}

impl<A: Fields, B: Field> Fields for (A, B) {
    const TAGS: Option<&'static Tags> = Some(&Tags { last: B::TAG, before: A::TAGS });
    const DIRECT: bool = A::DIRECT && B::DIRECT;
    const FIXED: Option<usize> = match (A::FIXED, B::FIXED) {
        (Some(before), Some(last)) => Some(before + last),
        _ => None,
    };

    fn put_each(&self, sink: &mut ByteSink, before: &dyn Fn(&mut ByteSink, usize, Tag)) -> usize {
        let at = self.0.put_each(sink, before);
        if !self.1.is_absent() {
            before(sink, at, B::TAG);
            self.1.put(sink);
        }
        at + 1
    }

    #[inline(always)]
    fn words(&self) -> usize {
        self.0.words() + self.1.words()
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        self.0.put(sink);
        self.1.put(sink);
    }
}

/// The list of all arguments of a message; see [`Argument`].
#[doc(hidden)]
pub trait Arguments: Fields {
    /// What the render closure takes: the [`Out`](Argument::Out)s, nested as the arguments are.
    type Outs<'o>;
    /// Decodes the arguments, on the consumer. Returns `None` if they were not encoded.
    fn take<'o>(reader: &mut Reader<'o>) -> Option<Self::Outs<'o>>;
    /// Returns the arguments as the render closure takes them, on the caller.
    fn outs(&self) -> Self::Outs<'_>;
}

impl Arguments for () {
    type Outs<'o> = ();

    fn take<'o>(_: &mut Reader<'o>) -> Option<()> {
        Some(())
    }

    fn outs(&self) {}
}

impl<A: Arguments, B: Argument> Arguments for (A, B) {
    type Outs<'o> = (A::Outs<'o>, B::Out<'o>);

    #[inline]
    fn take<'o>(reader: &mut Reader<'o>) -> Option<Self::Outs<'o>> {
        Some((A::take(reader)?, B::take(reader)?))
    }

    #[inline]
    fn outs(&self) -> Self::Outs<'_> {
        (self.0.outs(), self.1.out())
    }
}
