//! Lists and maps: values that consist of values. And the decoder of whole values, which is recursive because of them.
//!
//! A [`List`] or [`Map`] borrows its encoded elements and decodes one at a time; nothing is copied. Only keys have such
//! values: an argument of a message that is a list is formatted by the caller.
//!
//! A list that has no room for all elements (see [`Limits::value_bytes`](super::Limits::value_bytes)) is cut between
//! two of them, at any depth. `[1, 2, 3, 4]` with room for two becomes `[1,2,"…(+2 elements)"]`; a map gets the same
//! text as the value of a key `…`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;

use super::capture::{Capture, NotOption};
use super::sink::ByteSink;
use super::wire::{Kind, Reader, Tag, WordSink, padded_words};
use super::{OwnedValue, Value};

/// The elements of a [`Value::List`].
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, Value, info};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let logger = logging.get_logger("shop")?;
/// info!(logger: logger, "packed"; sizes = [2, 3, 5]);
/// logging.flush(Duration::from_secs(5))?;
/// let records = capture.records();
/// let Some(Value::List(sizes)) = records[0].get("sizes") else { panic!() };
/// assert_eq!(sizes.iter().map(|size| size.as_i64().unwrap_or(0)).sum::<i64>(), 10);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct List<'a>(pub(super) &'a [u8]);

/// The keys and values of a [`Value::Map`], in the order in which they were captured.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, Value, info};
/// use std::collections::BTreeMap;
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let logger = logging.get_logger("shop")?;
/// info!(logger: logger, "packed"; stock = BTreeMap::from([("apples", 3)]));
/// logging.flush(Duration::from_secs(5))?;
/// let records = capture.records();
/// let Some(Value::Map(stock)) = records[0].get("stock") else { panic!() };
/// assert_eq!(stock.get("apples"), Some(Value::I64(3)));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Map<'a>(pub(super) &'a [u8]);

impl<'a> List<'a> {
    /// Iterates over the elements.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || (!reader.rest().is_empty()).then(|| reader.tagged()))
    }
}

impl<'a> Map<'a> {
    /// Iterates over the keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || (!reader.rest().is_empty()).then(|| (reader.text(), reader.tagged())))
    }

    /// Iterates over the entries without duplicate keys: of those with the same key, only the last.
    pub(crate) fn iter_once(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        // The entries of a `BTreeMap` ascend, so that no key can occur twice. Others are searched, in quadratic time.
        let sorted = self.iter().is_sorted_by(|(one, _), (next, _)| one < next);
        let map = *self;
        self.iter().enumerate().filter_map(move |(at, entry)| {
            let again = !sorted && map.iter().skip(at + 1).any(|(later, _)| later == entry.0);
            (!again).then_some(entry)
        })
    }

    /// Returns the value of a key, the last one if the key occurs several times.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.iter().filter(|(known, _)| *known == key).map(|(_, value)| value).last()
    }
}

/// Decodes whole values, which lists and maps are made of.
impl<'a> Reader<'a> {
    /// Reads a value of the type that `tag` says. Without `#[inline]`: it is too long to be inlined, and each codegen
    /// unit that uses it would have a copy.
    pub(crate) fn value(&mut self, tag: Tag) -> Value<'a> {
        if tag.optional && self.word() == 0 {
            return Value::Null;
        }
        match tag.kind {
            Kind::Bool => Value::Bool(self.word() != 0),
            Kind::I64 => Value::I64(self.word() as i64),
            Kind::U64 => Value::U64(self.word()),
            Kind::I128 => Value::I128(self.u128() as i128),
            Kind::U128 => Value::U128(self.u128()),
            Kind::F32 => Value::F32(f32::from_bits(self.word() as u32)),
            Kind::F64 => Value::F64(f64::from_bits(self.word())),
            Kind::Char => Value::Char(char::from_u32(self.word() as u32).unwrap_or_default()),
            Kind::Str => Value::Str(self.text()),
            Kind::Display => Value::Display(self.text()),
            Kind::Debug => Value::Debug(self.text()),
            Kind::Error => Value::Error(self.text()),
            Kind::Secret => Value::Secret,
            Kind::Duration => Value::Duration(self.duration()),
            Kind::Ip => Value::Ip(self.ip()),
            Kind::Socket => Value::Socket(self.socket()),
            Kind::Bytes => Value::Bytes(self.bytes()),
            Kind::List => Value::List(List(self.nested().rest())),
            Kind::Map => Value::Map(Map(self.nested().rest())),
            Kind::Null => Value::Null,
            Kind::Any => self.tagged(),
        }
    }

    /// Reads a tag, and then a value of that type.
    pub(crate) fn tagged(&mut self) -> Value<'a> {
        let tag = Tag::from_word(self.word());
        // A damaged payload could have any number of tags in a row; the recursion ends after one.
        if tag.kind == Kind::Any { Value::Null } else { self.value(tag) }
    }
}

impl PartialEq for List<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for Map<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Writes the list as in `[1,"two"]`, with text in quotes.
impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, value) in self.iter().enumerate() {
            f.write_str(if at > 0 { "," } else { "" })?;
            write_element(value, f)?;
        }
        f.write_str("]")
    }
}

/// Writes the map as in `{"key":1}`, without duplicate keys.
impl fmt::Display for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (key, value)) in self.iter_once().enumerate() {
            write!(f, "{}{key:?}:", if at > 0 { "," } else { "" })?;
            write_element(value, f)?;
        }
        f.write_str("}")
    }
}

/// Writes an element: like the value by itself, but text in quotes.
fn write_element(value: Value<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Str(text) | Value::Display(text) | Value::Error(text) => write!(f, "{text:?}"),
        Value::Char(c) => write!(f, "{:?}", c.encode_utf8(&mut [0; 4])),
        Value::Secret => f.write_str("\"***\""),
        value => write!(f, "{value}"),
    }
}

impl OwnedValue {
    /// Makes a list of any values.
    pub(crate) fn list<'v>(elements: impl IntoIterator<Item = Value<'v>>) -> Self {
        let mut sink = ByteSink::default();
        elements.into_iter().for_each(|value| put_value(value, &mut sink));
        Value::List(List(&sink.bytes)).to_owned()
    }

    /// Makes a map of any entries.
    pub(crate) fn map<'v>(entries: impl IntoIterator<Item = (&'v str, Value<'v>)>) -> Self {
        let mut sink = ByteSink::default();
        for (key, value) in entries {
            sink.text(key);
            put_value(value, &mut sink);
        }
        Value::Map(Map(&sink.bytes)).to_owned()
    }
}

/// Writes a tagged value.
fn put_value(value: Value<'_>, sink: &mut impl WordSink) {
    sink.word(value.tag().word());
    value.put(sink);
}

/// Returns the number of words that [`put_tagged`] writes.
fn tagged_words<T: Capture + ?Sized>(value: &T) -> usize {
    1 + value.words()
}

/// Returns how many elements fit in `room` words, from the first one on, and how many words they take.
fn fitting<'x, T>(
    elements: impl Iterator<Item = T> + Clone + 'x,
    words: fn(&T) -> usize,
    room: usize,
) -> (usize, usize) {
    let mut taken = (0, 0);
    for element in elements {
        let more = words(&element);
        if taken.1 + more > room {
            break;
        }
        taken = (taken.0 + 1, taken.1 + more);
    }
    taken
}

/// Writes a captured value as a tagged value.
fn put_tagged<T: Capture + ?Sized>(value: &T, sink: &mut impl WordSink) {
    sink.word(T::TAG.word());
    value.put(sink);
}

/// Implements [`Capture`] for lists.
macro_rules! lists {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<T: NotOption, $($generics)*> NotOption for $type {}

        impl<T: Capture, $($generics)*> Capture for $type {
            type Out<'a> = ();
            const TAG: Tag = Tag::new(Kind::List);

            fn words(&self) -> usize {
                1 + self.iter().map(tagged_words).sum::<usize>()
            }

            fn put<S: WordSink>(&self, sink: &mut S) {
                // Without limits, which is the case in a ring, all elements fit: `room` is `usize::MAX`.
                let (count, words) = fitting(self.iter(), |element| tagged_words(*element), sink.room());
                let left = self.len() - count;
                sink.word((words + left_words(left)) as u64);
                self.iter().take(count).for_each(|element| put_tagged(element, sink));
                put_left(left, sink);
            }

            fn take<'a>(_: &mut Reader<'a>) {}

            fn out(&self) {}
        }
    )*};
}

/// Implements [`Capture`] for maps whose keys are text.
macro_rules! maps {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<K: NotOption + AsRef<str>, V: NotOption, $($generics)*> NotOption for $type {}

        impl<K: Capture + AsRef<str>, V: Capture, $($generics)*> Capture for $type {
            type Out<'a> = ();
            const TAG: Tag = Tag::new(Kind::Map);

            fn words(&self) -> usize {
                1 + self.iter().map(|entry| entry_words(&entry)).sum::<usize>()
            }

            fn put<S: WordSink>(&self, sink: &mut S) {
                let (count, words) = fitting(self.iter(), entry_words, sink.room());
                let left = self.len() - count;
                // The key `…`, and the number of entries as its tagged value.
                let more = if left > 0 { 1 + padded_words(LEFT.len()) + left_words(left) } else { 0 };
                sink.word((words + more) as u64);
                for (key, value) in self.iter().take(count) {
                    sink.text(key.as_ref());
                    put_tagged(value, sink);
                }
                if left > 0 {
                    put_note(LEFT, sink);
                    put_left(left, sink);
                }
            }

            fn take<'a>(_: &mut Reader<'a>) {}

            fn out(&self) {}
        }
    )*};
}

/// The key that has the number of keys of a record, or of entries of a map, that were left out.
pub(crate) const LEFT: &str = "…";

/// Returns the number of words that an entry of a map takes.
fn entry_words<K: AsRef<str>, V: Capture>((key, value): &(&K, &V)) -> usize {
    1 + padded_words(key.as_ref().len()) + tagged_words(*value)
}

/// Returns the number of words that [`put_left`] writes.
fn left_words(left: usize) -> usize {
    if left > 0 { tagged_words(left_out(left).as_str()) } else { 0 }
}

/// Ends a list that was cut: writes the number of elements that were left out, unless it is 0.
pub(super) fn put_left(left: usize, sink: &mut impl WordSink) {
    if left > 0 {
        sink.word(Tag::new(Kind::Str).word());
        put_note(&left_out(left), sink);
        sink.note_cut();
    }
}

/// Writes text regardless of the limits: a note about what was cut.
pub(super) fn put_note(text: &str, sink: &mut impl WordSink) {
    sink.word(text.len() as u64);
    for chunk in text.as_bytes().chunks(8) {
        sink.word(chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
}

/// Returns the note about elements that were left out.
fn left_out(left: usize) -> String {
    format!("…(+{left} elements)")
}

lists! {
    [] Vec<T>;
    [] [T];
    [] VecDeque<T>;
    [const N: usize] [T; N];
}

maps! {
    [] BTreeMap<K, V>;
    [H] HashMap<K, V, H>;
}
