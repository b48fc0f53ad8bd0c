//! Values of arguments and keys: their types, owned copies, and the limits for their size.
//!
//! | type | what it is |
//! |---|---|
//! | [`Value`] | an argument of a message, or the value of a key |
//! | [`List`], [`Map`] | the values of which such a value consists |
//! | [`OwnedValue`] | a value that outlives its record |
//! | [`Limits`] | the maximum size of values, keys and records |
//!
//! # Examples
//!
//! ```
//! use femtologging::{FemtoLogRecord, Value};
//!
//! /// Returns the number of elements of the list `rows` of a record.
//! fn rows(record: &FemtoLogRecord<'_>) -> usize {
//!     match record.get("rows") {
//!         Some(Value::List(rows)) => rows.iter().count(),
//!         _ => 0,
//!     }
//! }
//! ```

// A log call encodes its values into the payload of the record, and the handler's thread decodes them:
//
// 1. The macro wraps each value so that its type selects how it is encoded (`argument.rs`, `capture.rs`): a type that
//    implements `Capture` is encoded as it is, any other is formatted to text by the caller.
// 2. The value is written as words (`wire.rs`) to a `WordSink`: directly to a ring, or first to a `ByteSink`
//    (`sink.rs`) if user code must run for it, which happens at a limited depth (`nesting.rs`) and up to a limited
//    size (`limits.rs`).
// 3. A `Reader` decodes the words to a `Value` (`nested.rs`), which borrows text from the payload.
// 4. `text.rs` writes a `Value` as text.
//
// For example, `info!("{}", 7_u16; user:? = u)` encodes `7` as one word of the kind `Kind::U64`, and the `Debug`
// text of `u` as text of the kind `Kind::Debug`.

pub(crate) mod argument;
pub(crate) mod capture;
pub(crate) mod limits;
#[cfg(feature = "log")]
pub(crate) mod log_kv;
mod nested;
mod nesting;
#[cfg(feature = "serde")]
pub(crate) mod serde;
pub(crate) mod sink;
mod text;
pub(crate) mod wire;

#[cfg(any(feature = "serde", feature = "log", feature = "tracing"))]
pub(crate) use argument::Field;
pub(crate) use argument::{Arguments, Fields, Tags};
pub(crate) use capture::Capture;
pub use limits::Limits;
pub(crate) use nested::LEFT;
pub use nested::{List, Map};
pub(crate) use nesting::nested;
pub(crate) use sink::ByteSink;
pub(crate) use text::{
    is_whole, write_integer, write_next, write_next_float, write_next_text, write_thousandths, write_value,
};
pub(crate) use wire::{Kind, Reader, Tag, WordSink, last_word, padded_words};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A typed value of a record: an argument of its message, or the value of a key.
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
    /// The messages of an error and of its sources, separated by `: ` (`key:err = error`).
    Error(&'a str),
    /// A value that is not recorded and shown as `***` (`key:secret = value`, or [`Redact`](crate::filter::Redact)).
    Secret,
    /// A span of time.
    Duration(Duration),
    /// A network address.
    Ip(IpAddr),
    /// A network address with its port.
    Socket(SocketAddr),
    /// Bytes that are not text (`key:bytes = value`), shown as hexadecimal digits.
    Bytes(&'a [u8]),
    /// A list: a slice, an array, a `Vec` or a `VecDeque`, or a sequence or tuple by `key:serde = value`.
    List(List<'a>),
    /// A map from text to values: a `BTreeMap`, a `HashMap`, or a map or structure by `key:serde = value`.
    Map(Map<'a>),
}

impl<'a> Value<'a> {
    /// Returns the text of a string, of an error, or of what the caller formatted by `Display` or `Debug`.
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of an integer of any width, if it is in the range of `i64`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Value;
    ///
    /// assert_eq!(Value::U64(7).as_i64(), Some(7));
    /// assert_eq!(Value::U64(u64::MAX).as_i64(), None);
    /// assert_eq!(Value::F64(7.0).as_i64(), None);
    /// ```
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Value::I64(n) => Some(n),
            Value::U64(n) => n.try_into().ok(),
            Value::I128(n) => n.try_into().ok(),
            Value::U128(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// Returns the value of a floating-point number. Integers are not converted.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Value::F32(x) => Some(x.into()),
            Value::F64(x) => Some(x),
            _ => None,
        }
    }

    /// Returns the value of a `bool`.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// Copies the value, with its text, bytes or elements, so that it can outlive the record.
    pub fn to_owned(&self) -> OwnedValue {
        let bytes = |bytes: &[u8]| Owned::Bytes(self.tag().kind, bytes.into());
        OwnedValue(match *self {
            Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => {
                Owned::Text(self.tag().kind, text.into())
            }
            Value::Bytes(value) | Value::List(List(value)) | Value::Map(Map(value)) => bytes(value),
            Value::Secret => Owned::Plain(Value::Secret),
            Value::Null => Owned::Plain(Value::Null),
            Value::Bool(x) => Owned::Plain(Value::Bool(x)),
            Value::I64(x) => Owned::Plain(Value::I64(x)),
            Value::U64(x) => Owned::Plain(Value::U64(x)),
            Value::I128(x) => Owned::Plain(Value::I128(x)),
            Value::U128(x) => Owned::Plain(Value::U128(x)),
            Value::F32(x) => Owned::Plain(Value::F32(x)),
            Value::F64(x) => Owned::Plain(Value::F64(x)),
            Value::Char(x) => Owned::Plain(Value::Char(x)),
            Value::Duration(x) => Owned::Plain(Value::Duration(x)),
            Value::Ip(x) => Owned::Plain(Value::Ip(x)),
            Value::Socket(x) => Owned::Plain(Value::Socket(x)),
        })
    }

    /// Returns the type that the value is encoded as.
    pub(crate) fn tag(&self) -> Tag {
        Tag::new(match self {
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Bool,
            Value::I64(_) => Kind::I64,
            Value::U64(_) => Kind::U64,
            Value::I128(_) => Kind::I128,
            Value::U128(_) => Kind::U128,
            Value::F32(_) => Kind::F32,
            Value::F64(_) => Kind::F64,
            Value::Char(_) => Kind::Char,
            Value::Str(_) => Kind::Str,
            Value::Display(_) => Kind::Display,
            Value::Debug(_) => Kind::Debug,
            Value::Error(_) => Kind::Error,
            Value::Secret => Kind::Secret,
            Value::Duration(_) => Kind::Duration,
            Value::Ip(_) => Kind::Ip,
            Value::Socket(_) => Kind::Socket,
            Value::Bytes(_) => Kind::Bytes,
            Value::List(_) => Kind::List,
            Value::Map(_) => Kind::Map,
        })
    }

    /// Encodes the value, without a tag.
    pub(crate) fn put(&self, sink: &mut impl WordSink) {
        match *self {
            Value::Null | Value::Secret => {}
            Value::Bool(x) => x.put(sink),
            Value::I64(x) => x.put(sink),
            Value::U64(x) => x.put(sink),
            Value::I128(x) => x.put(sink),
            Value::U128(x) => x.put(sink),
            Value::F32(x) => x.put(sink),
            Value::F64(x) => x.put(sink),
            Value::Char(x) => x.put(sink),
            Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => sink.text(text),
            Value::Duration(x) => x.put(sink),
            Value::Ip(x) => x.put(sink),
            Value::Socket(x) => x.put(sink),
            Value::Bytes(bytes) => sink.bytes(bytes),
            Value::List(List(words)) | Value::Map(Map(words)) => {
                sink.word((words.len() / 8) as u64);
                words.as_chunks::<8>().0.iter().for_each(|word| sink.word(u64::from_le_bytes(*word)));
            }
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
            Value::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Value::List(list) => list.fmt(f),
            Value::Map(map) => map.fmt(f),
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

impl From<usize> for Value<'_> {
    fn from(value: usize) -> Self {
        Value::U64(value as u64)
    }
}

impl From<isize> for Value<'_> {
    fn from(value: isize) -> Self {
        Value::I64(value as i64)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Str(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Str(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Value::Bytes(bytes)
    }
}

/// A [`Value`] that owns its text, bytes or elements.
///
/// # Examples
///
/// ```
/// use femtologging::value::OwnedValue;
/// use femtologging::Value;
///
/// let owned: OwnedValue = Value::Str("abc").to_owned();
/// assert_eq!(owned.get(), Value::Str("abc"));
/// assert_eq!(owned.to_string(), "abc");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedValue(Owned);

/// The representation of an [`OwnedValue`].
#[derive(Debug, Clone, PartialEq)]
enum Owned {
    /// A value that borrows nothing.
    Plain(Value<'static>),
    /// Text, of one of the four kinds that are text.
    Text(Kind, Box<str>),
    /// Bytes, or the encoded elements of a list or map.
    Bytes(Kind, Box<[u8]>),
}

impl OwnedValue {
    /// Returns the value, which borrows from this one.
    pub fn get(&self) -> Value<'_> {
        match &self.0 {
            Owned::Plain(value) => *value,
            Owned::Text(Kind::Display, text) => Value::Display(text),
            Owned::Text(Kind::Debug, text) => Value::Debug(text),
            Owned::Text(Kind::Error, text) => Value::Error(text),
            Owned::Text(_, text) => Value::Str(text),
            Owned::Bytes(Kind::List, words) => Value::List(List(words)),
            Owned::Bytes(Kind::Map, words) => Value::Map(Map(words)),
            Owned::Bytes(_, bytes) => Value::Bytes(bytes),
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
