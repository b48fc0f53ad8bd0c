//! The types that are encoded as they are, and what the consumer decodes for each.
//!
//! | type | decoded as ([`Capture::Out`]) |
//! |---|---|
//! | integers, floats, `bool`, `char`, `Duration`, addresses, `NonZero` | the same type |
//! | `str`, `String` | `&str` |
//! | `Option<T>` | `Option<T::Out>` |
//! | `&T`, `&mut T`, `Box<T>`, `Rc<T>`, `Arc<T>` | [`Pointee<T::Out>`](Pointee) |
//! | `Cow<T>` | `T::Out` |
//! | lists and maps (see `nested.rs`) | nothing: only keys can have them |
//!
//! Two marker traits restrict where a captured type can be used: [`NotOption`] excludes `Option`, and [`Travels`]
//! excludes lists and maps.
//!
//! The trait [`Capture`] is closed: it is hidden, and users cannot implement it. Decoding happens on the handler's
//! thread, where user code could block or panic, and after the value's lifetime. So a type is captured only if an equal
//! value can be made of the words alone. Everything else becomes text on the caller's thread.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::ops::Deref;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::wire::{Kind, Reader, Tag, WordSink, padded_words};

/// A type that is encoded as it is, and that the consumer formats.
///
/// What [`take`](Capture::take) decodes formats exactly as the captured value does, with any format specification.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a record carries by value",
    label = "needs `:?` or `:%` after its key",
    note = "write `key:? = value` to record its `Debug` text or `key:% = value` to record its `Display` text; for an error with its causes, `key:err = value`"
)]
pub trait Capture {
    /// What the consumer formats in place of the value.
    type Out<'a>;
    /// The type that the value is encoded as.
    const TAG: Tag;
    /// The number of words that [`put`](Capture::put) writes, if it is always the same.
    const FIXED: Option<usize> = None;
    /// Returns the number of words that [`put`](Capture::put) writes.
    fn words(&self) -> usize;
    /// Encodes the value, without its tag.
    fn put<S: WordSink>(&self, sink: &mut S);
    /// Decodes a value of this type.
    fn take<'a>(reader: &mut Reader<'a>) -> Self::Out<'a>;
    /// Returns what `take` would return, without encoding and decoding.
    fn out(&self) -> Self::Out<'_>;
}

/// Implements [`Capture`] for types of a fixed size that are decoded as themselves.
///
/// A row has the type, its [`Kind`], its size in words, how it is encoded, and how it is decoded:
///
/// ```text
/// f64 as F64, 1: |x, s| s.word(x.to_bits()), |r| f64::from_bits(r.word());
/// ```
///
/// Decoding never fails. Words that no value of the type has, which only a broken ring could contain, become some value
/// of the type: 0 of a `NonZero` becomes its minimum, a surrogate becomes U+0000.
macro_rules! plain {
    ($($type:ty as $kind:ident, $words:literal: |$value:ident, $sink:ident| $put:expr, |$reader:ident| $take:expr;)*) => {$(
        impl Capture for $type {
            type Out<'a> = $type;
            const TAG: Tag = Tag::new(Kind::$kind);
            const FIXED: Option<usize> = Some($words);
            #[inline(always)]
            fn words(&self) -> usize {
                $words
            }
            #[inline(always)]
            fn put<S: WordSink>(&self, $sink: &mut S) {
                let $value = *self;
                $put;
            }
            #[inline(always)]
            fn take<'a>($reader: &mut Reader<'a>) -> $type {
                $take
            }
            #[inline(always)]
            fn out(&self) -> $type {
                *self
            }
        }
    )*};
}

macro_rules! integers {
    ($($signed:ident $unsigned:ident)*) => {
        plain! {$(
            // Through the signed type of 64 bits, so that the sign is extended: -1_i8 is a word of ones.
            $signed as I64, 1: |x, s| s.word(x as i64 as u64), |r| r.word() as $signed;
            $unsigned as U64, 1: |x, s| s.word(x as u64), |r| r.word() as $unsigned;
            NonZero<$signed> as I64, 1: |x, s| s.word(x.get() as i64 as u64), |r| NonZero::new(r.word() as $signed).unwrap_or(NonZero::<$signed>::MIN);
            NonZero<$unsigned> as U64, 1: |x, s| s.word(x.get() as u64), |r| NonZero::new(r.word() as $unsigned).unwrap_or(NonZero::<$unsigned>::MIN);
        )*}
    };
}

integers! { i8 u8 i16 u16 i32 u32 i64 u64 isize usize }

plain! {
    () as Null, 0: |_x, s| s.words(&[]), |_r| ();
    bool as Bool, 1: |x, s| s.word(x.into()), |r| r.word() != 0;
    char as Char, 1: |x, s| s.word(u32::from(x).into()), |r| char::from_u32(r.word() as u32).unwrap_or_default();
    f32 as F32, 1: |x, s| s.word(x.to_bits().into()), |r| f32::from_bits(r.word() as u32);
    f64 as F64, 1: |x, s| s.word(x.to_bits()), |r| f64::from_bits(r.word());
    i128 as I128, 2: |x, s| put_u128(x as u128, s), |r| r.u128() as i128;
    u128 as U128, 2: |x, s| put_u128(x, s), |r| r.u128();
    Duration as Duration, 2: |x, s| put_duration(x, s), |r| r.duration();
    IpAddr as Ip, 3: |x, s| put_ip(x, s), |r| r.ip();
    Ipv4Addr as Ip, 3: |x, s| put_ip(x.into(), s), |r| match r.ip() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    };
    Ipv6Addr as Ip, 3: |x, s| put_ip(x.into(), s), |r| match r.ip() {
        IpAddr::V6(ip) => ip,
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
    };
    SocketAddr as Socket, 5: |x, s| put_socket(x, s), |r| r.socket();
    SocketAddrV4 as Socket, 5: |x, s| put_socket(x.into(), s), |r| match r.socket() {
        SocketAddr::V4(at) => at,
        SocketAddr::V6(at) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, at.port()),
    };
    SocketAddrV6 as Socket, 5: |x, s| put_socket(x.into(), s), |r| match r.socket() {
        SocketAddr::V6(at) => at,
        SocketAddr::V4(at) => SocketAddrV6::new(at.ip().to_ipv6_mapped(), at.port(), 0, 0),
    };
}

fn put_u128(bits: u128, sink: &mut impl WordSink) {
    sink.word((bits >> 64) as u64);
    sink.word(bits as u64);
}

fn put_duration(span: Duration, sink: &mut impl WordSink) {
    sink.word(span.as_secs());
    sink.word(span.subsec_nanos().into());
}

fn put_ip(ip: IpAddr, sink: &mut impl WordSink) {
    let (version, bits) = match ip {
        IpAddr::V4(ip) => (4, ip.to_bits().into()),
        IpAddr::V6(ip) => (6, ip.to_bits()),
    };
    sink.word(version);
    put_u128(bits, sink);
}

fn put_socket(at: SocketAddr, sink: &mut impl WordSink) {
    put_ip(at.ip(), sink);
    sink.word(at.port().into());
    sink.word(match at {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(at) => u64::from(at.flowinfo()) << 32 | u64::from(at.scope_id()),
    });
}

impl Capture for str {
    type Out<'a> = &'a str;
    const TAG: Tag = Tag::new(Kind::Str);

    #[inline(always)]
    fn words(&self) -> usize {
        1 + padded_words(self.len())
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        sink.text(self);
    }

    #[inline]
    fn take<'a>(reader: &mut Reader<'a>) -> &'a str {
        reader.text()
    }

    #[inline]
    fn out(&self) -> &str {
        self
    }
}

impl Capture for String {
    type Out<'a> = &'a str;
    const TAG: Tag = <str as Capture>::TAG;

    #[inline(always)]
    fn words(&self) -> usize {
        self.as_str().words()
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        self.as_str().put(sink);
    }

    #[inline]
    fn take<'a>(reader: &mut Reader<'a>) -> &'a str {
        reader.text()
    }

    #[inline]
    fn out(&self) -> &str {
        self
    }
}

/// An `Option` of a captured type. An `Option` of an `Option` is formatted by the caller: a [`Tag`] has one bit for it.
impl<T: NotOption> Capture for Option<T> {
    type Out<'a> = Option<T::Out<'a>>;

    const TAG: Tag = T::TAG.optional();

    #[inline(always)]
    fn words(&self) -> usize {
        1 + self.as_ref().map_or(0, T::words)
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        sink.word(self.is_some().into());
        if let Some(value) = self {
            value.put(sink);
        }
    }

    fn take<'a>(reader: &mut Reader<'a>) -> Option<T::Out<'a>> {
        (reader.word() != 0).then(|| T::take(reader))
    }

    fn out(&self) -> Option<T::Out<'_>> {
        self.as_ref().map(T::out)
    }
}

/// The integer types; see [`DeferredInteger`](super::argument::DeferredInteger).
#[doc(hidden)]
pub trait Integer: Copy + for<'a> Capture<Out<'a> = Self> {}

/// Captured types that are not an `Option`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` is not a type that a record carries by value",
    label = "needs `:?` or `:%` after its key",
    note = "write `key:? = value` to record its `Debug` text or `key:% = value` to record its `Display` text; for an error with its causes, `key:err = value`"
)]
pub trait NotOption: Capture {}

/// Captured types that can be an argument of a message: all but lists and maps, which have no `Display`.
#[doc(hidden)]
pub trait Travels: Capture {}

impl<T: NotOption + Travels> Travels for Option<T> {}

macro_rules! single {
    ($($type:ty)*) => {$(
        impl NotOption for $type {}
        impl Travels for $type {}
    )*};
}

macro_rules! single_integers {
    ($($type:ty)*) => {$(
        single! { $type NonZero<$type> }
        impl Integer for $type {}
    )*};
}

single! {
    () bool char f32 f64 i128 u128 str String Duration
    IpAddr Ipv4Addr Ipv6Addr SocketAddr SocketAddrV4 SocketAddrV6
}

single_integers! { i8 u8 i16 u16 i32 u32 i64 u64 isize usize }

/// Implements [`Capture`] for references and smart pointers, which capture what they point to.
macro_rules! pointers {
    ($($(#[$life:lifetime])? $type:ty;)*) => {$(
        impl<$($life,)? T: NotOption + ?Sized> NotOption for $type {}
        impl<$($life,)? T: Travels + ?Sized> Travels for $type {}

        impl<$($life,)? T: Capture + ?Sized> Capture for $type {
            type Out<'o> = Pointee<T::Out<'o>>;
            const TAG: Tag = T::TAG;
            const FIXED: Option<usize> = T::FIXED;

            #[inline(always)]
            fn words(&self) -> usize {
                T::words(self)
            }

            #[inline(always)]
            fn put<S: WordSink>(&self, sink: &mut S) {
                T::put(self, sink);
            }

            #[inline]
            fn take<'o>(reader: &mut Reader<'o>) -> Self::Out<'o> {
                Pointee { out: T::take(reader), address: Address::Thin(ptr::null()) }
            }

            #[inline]
            fn out(&self) -> Self::Out<'_> {
                Pointee { out: T::out(self), address: Address::of::<T>(self) }
            }
        }
    )*};
}

pointers! {
    #['r] &'r T;
    #['r] &'r mut T;
    Box<T>;
    Rc<T>;
    Arc<T>;
}

impl<T: NotOption + ToOwned + ?Sized> NotOption for Cow<'_, T> {}
impl<T: Travels + ToOwned + ?Sized> Travels for Cow<'_, T> {}

impl<T: Capture + ToOwned + ?Sized> Capture for Cow<'_, T> {
    type Out<'a> = T::Out<'a>;

    const TAG: Tag = T::TAG;

    #[inline(always)]
    fn words(&self) -> usize {
        T::words(self)
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        T::put(self, sink);
    }

    fn take<'a>(reader: &mut Reader<'a>) -> Self::Out<'a> {
        T::take(reader)
    }

    fn out(&self) -> Self::Out<'_> {
        T::out(self)
    }
}

/// What a pointer is decoded as: it formats as its target does and, for `{:p}`, as the address.
///
/// The consumer has no address, and needs none: a template with `{:p}` is always formatted by the caller.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Pointee<O> {
    out: O,
    address: Address,
}

/// An address, as `{:p}` shows it. A wide pointer can only be one to a `str`: no other unsized type is captured.
#[derive(Clone, Copy)]
enum Address {
    Thin(*const ()),
    Wide(*const str),
}

impl Address {
    /// Returns the address of a target, with its length if it is a `str`.
    #[inline]
    fn of<T: ?Sized>(target: &T) -> Self {
        let at: *const T = target;
        // A constant for each `T`. The metadata of a wide pointer to a `str` is its length, which is its size.
        if size_of_val(&at) == size_of::<*const ()>() {
            Address::Thin(at.cast())
        } else {
            Address::Wide(ptr::slice_from_raw_parts(at.cast::<u8>(), size_of_val(target)) as *const str)
        }
    }
}

/// Lets a reference to a `usize` be a width or precision, as in `format!("{:1$}", x, &5)`.
impl<O> Deref for Pointee<O> {
    type Target = O;

    fn deref(&self) -> &O {
        &self.out
    }
}

impl<O> fmt::Pointer for Pointee<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Address::Thin(at) => at.fmt(f),
            Address::Wide(at) => at.fmt(f),
        }
    }
}

macro_rules! forward {
    ($($trait:ident)*) => {$(
        impl<O: fmt::$trait> fmt::$trait for Pointee<O> {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.out.fmt(f)
            }
        }
    )*};
}

forward! { Display Debug LowerHex UpperHex Octal Binary LowerExp UpperExp }
