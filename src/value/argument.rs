//! One argument of a call, or a list of them, on the caller's side.
//!
//! The macros wrap every argument in `(&&Probe(&value)).__femtologging_pick()`. Method resolution looks for the method on
//! `&Probe`, `&&Probe` and `Probe`, in this order, so an integer becomes a [`Number`], another [`Capture`] type
//! [`Deferred`] and anything else [`Immediate`], without the macro
//! knowing any type (autoref specialisation). Lists are nested pairs, `(((), first), second)`, so that there is
//! no limit to their length, one `impl` serves them all, and a macro can build them as it reads.

use std::error::Error;
use std::fmt;

use super::capture::{Capture, Integer, Travels};
use super::sink::ByteSink;
use super::wire::{Kind, Reader, Tag, WordSink, padded_words};
use crate::error::write_chain;

/// Picks how an argument travels.
#[doc(hidden)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

#[doc(hidden)]
pub trait PickNumber<'a> {
    type Target;
    fn __femtologging_pick(&self) -> Number<'a, Self::Target>;
}

impl<'a, T: Integer> PickNumber<'a> for &Probe<'a, T> {
    type Target = T;
    #[inline(always)]
    fn __femtologging_pick(&self) -> Number<'a, T> {
        Number(self.0)
    }
}

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

/// An integer that the record carries.
///
/// It is a type apart for the sake of inference: what the template's closure gets is `T` itself, so that `5` in
/// `info!("{:1$}", x, 5)` becomes a `usize` as it does in `format!`.
#[doc(hidden)]
pub struct Number<'a, T>(pub &'a T);

/// An argument that the record carries.
#[doc(hidden)]
pub struct Deferred<'a, T: ?Sized>(pub &'a T);

/// An argument that the caller must format.
#[doc(hidden)]
pub struct Immediate<'a, T: ?Sized>(pub &'a T);

/// A key's value that is recorded as its `Debug` text.
#[doc(hidden)]
pub struct AsDebug<'a, T: ?Sized>(pub &'a T);

/// A key's value that is recorded as its `Display` text.
#[doc(hidden)]
pub struct AsDisplay<'a, T: ?Sized>(pub &'a T);

/// A key's value that is recorded as an error's message and those of its sources.
#[doc(hidden)]
pub struct AsError<'a, T: ?Sized>(pub &'a T);

/// Asks a key's value for its bytes, now: user code may not run while the record is written.
#[doc(hidden)]
#[allow(non_snake_case, reason = "the macros name it as they name the types beside it")]
pub fn AsBytes<T: AsRef<[u8]> + ?Sized>(value: &T) -> Bytes<'_> {
    Bytes(value.as_ref())
}

/// A key's value that is recorded as bytes.
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

/// A key's value that stays at the call.
#[doc(hidden)]
pub struct Secret<'a, T: ?Sized>(pub &'a T);

/// One value on its way into a record.
#[doc(hidden)]
pub trait Field {
    const TAG: Tag;
    /// Whether it is encoded as it is, without running user code.
    const DIRECT: bool;
    /// How many words [`put`](Field::put) writes.
    fn words(&self) -> usize;
    fn put<S: WordSink>(&self, sink: &mut S);
}

/// Values that are encoded as they are.
macro_rules! encoded {
    ($($type:ident: $bound:path $(, ?$sized:ident)?;)*) => {$(
        impl<T: $bound $(+ ?$sized)?> Field for $type<'_, T> {
            const TAG: Tag = T::TAG;
            const DIRECT: bool = true;

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
    Number: Integer;
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
    // Part of a message that is formatted as a whole, never on its own.
    Immediate as Display: , |_value, _out| Ok(());
}

impl<T: ?Sized> Field for Secret<'_, T> {
    const TAG: Tag = Tag::new(Kind::Secret);
    const DIRECT: bool = true;

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, _: &mut S) {}
}

/// One argument of a message: a value, and what the template's closure gets for it.
#[doc(hidden)]
pub trait Argument: Field {
    type Out<'o>;
    /// Reads it back on the consumer; `None` if it does not travel.
    fn take<'o>(reader: &mut Reader<'o>) -> Option<Self::Out<'o>>;
    fn out(&self) -> Self::Out<'_>;
}

impl<T: Integer> Argument for Number<'_, T> {
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

/// What the template's closure gets for a value that does not travel. It formats as the value does, where a reference
/// to a pointer would show another address.
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

/// The tags of a list of fields, known at compile time; the last one first.
#[doc(hidden)]
pub struct Tags {
    pub(crate) last: Tag,
    pub(crate) before: Option<&'static Tags>,
}

impl Tags {
    /// How many there are.
    pub(crate) const fn count(mut list: Option<&'static Tags>) -> usize {
        let mut count = 0;
        while let Some(Tags { before, .. }) = list {
            count += 1;
            list = *before;
        }
        count
    }

    /// Copies the tags, the first one first.
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

/// A list of fields.
#[doc(hidden)]
pub trait Fields {
    const TAGS: Option<&'static Tags>;
    const DIRECT: bool;
    fn words(&self) -> usize;
    fn put<S: WordSink>(&self, sink: &mut S);
    /// Writes every value behind what `before` writes for it, given its place and its type. Returns their number.
    fn put_each(&self, sink: &mut ByteSink, before: &dyn Fn(&mut ByteSink, usize, Tag)) -> usize {
        let _ = (sink, before);
        0
    }
}

impl Fields for () {
    const TAGS: Option<&'static Tags> = None;
    const DIRECT: bool = true;

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

    fn put_each(&self, sink: &mut ByteSink, before: &dyn Fn(&mut ByteSink, usize, Tag)) -> usize {
        let at = self.0.put_each(sink, before);
        before(sink, at, B::TAG);
        self.1.put(sink);
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

/// All arguments of a message.
#[doc(hidden)]
pub trait Arguments: Fields {
    type Outs<'o>;
    fn take<'o>(reader: &mut Reader<'o>) -> Option<Self::Outs<'o>>;
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
