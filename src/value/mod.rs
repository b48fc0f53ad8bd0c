//! Values: how a caller's type becomes a typed value that outlives the call.
//!
//! [`Capture`] is implemented for the types that travel as they are; everything else is formatted to text by the
//! caller. Both end as words in the record's payload, and [`Value`] is what a reader gets back.

mod argument;
mod capture;
mod text;
mod wire;

#[doc(hidden)]
pub use argument::{
    Arguments, AsDebug, AsDisplay, AsError, Deferred, Fields, PickDeferred, PickImmediate, PickNumber, Probe, Secret,
    Tags,
};
#[doc(hidden)]
pub use capture::Capture;
pub(crate) use text::write_value;
pub(crate) use wire::padded_words;
#[doc(hidden)]
pub use wire::{ByteSink, Kind, Reader, Sink, Tag};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A typed value of a record: an argument of its message or the value of one of its keys.
///
/// Its [`Display`](fmt::Display) text is what `format!("{}")` gives for the captured value (`Debug` text for
/// [`Value::Duration`], which has no `Display`), and `null` for [`Value::Null`].
///
/// # Examples
///
/// ```
/// use femtologging::Value;
///
/// assert_eq!(Value::from(42_u16), Value::U64(42));
/// assert_eq!(Value::Str("abc").to_string(), "abc");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `None`.
    Null,
    /// A `bool`.
    Bool(bool),
    /// A signed integer of up to 64 bits.
    I64(i64),
    /// An unsigned integer of up to 64 bits.
    U64(u64),
    /// An `i128`.
    I128(i128),
    /// A `u128`.
    U128(u128),
    /// An `f32`.
    F32(f32),
    /// An `f64`.
    F64(f64),
    /// A `char`.
    Char(char),
    /// A string.
    Str(&'a str),
    /// Text that the caller's `Display` wrote (`key:% = value`).
    Display(&'a str),
    /// Text that the caller's `Debug` wrote (`key:? = value`).
    Debug(&'a str),
    /// The messages of an error and its causes, with `: ` between them (`key:err = error`).
    Error(&'a str),
    /// A value that stayed at the call and is shown as `***` (`key:secret = value`).
    Secret,
    /// A span of time.
    Duration(Duration),
    /// A network address.
    Ip(IpAddr),
    /// A network address with its port.
    Socket(SocketAddr),
}

impl<'a> Value<'a> {
    /// Returns the text if this is a string or text that the caller formatted.
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value as an `i64` if it is an integer that fits one.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Value::I64(n) => Some(n),
            Value::U64(n) => n.try_into().ok(),
            Value::I128(n) => n.try_into().ok(),
            Value::U128(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// Returns the value as an `f64` if it is a floating-point number.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Value::F32(x) => Some(x.into()),
            Value::F64(x) => Some(x),
            _ => None,
        }
    }

    /// Returns the value if it is a `bool`.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// Copies the value so that it outlives the record.
    pub fn to_owned(&self) -> OwnedValue {
        let text = |kind, text: &str| OwnedValue(Owned::Text(kind, text.into()));
        match *self {
            Value::Str(s) => text(Kind::Str, s),
            Value::Display(s) => text(Kind::Display, s),
            Value::Debug(s) => text(Kind::Debug, s),
            Value::Error(s) => text(Kind::Error, s),
            Value::Secret => OwnedValue(Owned::Plain(Value::Secret)),
            Value::Null => OwnedValue(Owned::Plain(Value::Null)),
            Value::Bool(x) => OwnedValue(Owned::Plain(Value::Bool(x))),
            Value::I64(x) => OwnedValue(Owned::Plain(Value::I64(x))),
            Value::U64(x) => OwnedValue(Owned::Plain(Value::U64(x))),
            Value::I128(x) => OwnedValue(Owned::Plain(Value::I128(x))),
            Value::U128(x) => OwnedValue(Owned::Plain(Value::U128(x))),
            Value::F32(x) => OwnedValue(Owned::Plain(Value::F32(x))),
            Value::F64(x) => OwnedValue(Owned::Plain(Value::F64(x))),
            Value::Char(x) => OwnedValue(Owned::Plain(Value::Char(x))),
            Value::Duration(x) => OwnedValue(Owned::Plain(Value::Duration(x))),
            Value::Ip(x) => OwnedValue(Owned::Plain(Value::Ip(x))),
            Value::Socket(x) => OwnedValue(Owned::Plain(Value::Socket(x))),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.pad("null"),
            Value::Bool(x) => x.fmt(f),
            Value::I64(x) => x.fmt(f),
            Value::U64(x) => x.fmt(f),
            Value::I128(x) => x.fmt(f),
            Value::U128(x) => x.fmt(f),
            Value::F32(x) => x.fmt(f),
            Value::F64(x) => x.fmt(f),
            Value::Char(x) => x.fmt(f),
            Value::Str(x) | Value::Display(x) | Value::Debug(x) | Value::Error(x) => x.fmt(f),
            Value::Secret => f.pad("***"),
            Value::Duration(x) => fmt::Debug::fmt(x, f),
            Value::Ip(x) => x.fmt(f),
            Value::Socket(x) => x.fmt(f),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value<'_> {
            fn from(value: $from) -> Self {
                Value::$variant(value.into())
            }
        }
    )*};
}

value_from! {
    bool => Bool, char => Char, f32 => F32, f64 => F64,
    i8 => I64, i16 => I64, i32 => I64, i64 => I64, i128 => I128,
    u8 => U64, u16 => U64, u32 => U64, u64 => U64, u128 => U128,
    Duration => Duration, IpAddr => Ip, SocketAddr => Socket,
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Str(text)
    }
}

/// A [`Value`] that owns its text.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedValue(Owned);

#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Plain(Value<'static>),
    Text(Kind, Box<str>),
}

impl OwnedValue {
    /// Returns the value, borrowing its text.
    pub fn get(&self) -> Value<'_> {
        match &self.0 {
            Owned::Plain(value) => *value,
            Owned::Text(Kind::Display, text) => Value::Display(text),
            Owned::Text(Kind::Debug, text) => Value::Debug(text),
            Owned::Text(Kind::Error, text) => Value::Error(text),
            Owned::Text(_, text) => Value::Str(text),
        }
    }
}

impl PartialEq<Value<'_>> for OwnedValue {
    fn eq(&self, other: &Value<'_>) -> bool {
        self.get() == *other
    }
}

impl fmt::Display for OwnedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
