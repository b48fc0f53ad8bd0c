//! Values of any type that serde can serialize, with their structure (`key:serde = value`).
//!
//! The mapping is that of serde_json:
//!
//! | of serde's data model | becomes |
//! |---|---|
//! | structures, maps | a map |
//! | sequences, tuples | a list |
//! | `None`, unit | null |
//! | `Some(x)`, newtype structures | the value |
//! | a variant without data | its name |
//! | a variant with data | a map from its name to the data |
//!
//! For example, `order:serde = order` of
//!
//! ```text
//! struct Order { id: u32, items: Vec<&'static str>, state: State }
//! enum State { Open, Paid { by: &'static str } }
//!
//! Order { id: 7, items: vec!["tea"], state: State::Paid { by: "ada" } }
//! ```
//!
//! becomes the map `{"id":7,"items":["tea"],"state":{"Paid":{"by":"ada"}}}`, encoded in 26 words (the numbers after
//! `Map` and `List` are lengths in words):
//!
//! ```text
//! Map 24   "id" U64 7   "items" List 3 (Str "tea")   "state" Map 9 ("Paid" Map 5 ("by" Str "ada"))
//! ```
//!
//! # Invariants
//!
//! * A value is encoded into a buffer of its own and copied to the record when it is complete. If serializing fails or
//!   panics, the record has a text that says so, in place of the value.
//! * The length before a list or map is written as 0, and stored when its end is reached. Nothing between reads it.
//! * A value that exceeds its limit is cut between two elements, at the depth at which the limit is reached. All lists
//!   and maps around that place are ended normally, so the value remains well-formed.
//! * Lists and maps deeper than [`DEEPEST`] are replaced by `…`, so that neither encoding nor decoding exhausts a
//!   stack.

use std::fmt::{self, Display};

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::limits::Limits;
use super::nested::{LEFT, put_left, put_note};
use super::wire::{Kind, Tag, WordSink};
use super::{ByteSink, Field, Value};
use crate::error::guarded;

/// The value of a key, recorded as serde serializes it.
#[doc(hidden)]
pub struct AsSerde<'a, T: ?Sized>(pub &'a T);

impl<T: Serialize + ?Sized> Field for AsSerde<'_, T> {
    const TAG: Tag = Tag::new(Kind::Any);
    const DIRECT: bool = false;

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, sink: &mut S) {
        // The value is encoded into a buffer of its own, so that a failure leaves nothing half written in the record.
        let limits = Limits { record_bytes: sink.room().saturating_mul(8), ..Limits::NONE };
        let mut serializer =
            ValueSerializer { sink: ByteSink::new(Vec::new(), limits), end: limits.record_bytes, depth: 0, cut: false };
        let complaint = match guarded(|| self.0.serialize(&mut serializer)) {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(error.0),
            None => Some("<serializing panicked>".to_owned()),
        };
        if let Some(complaint) = complaint {
            serializer.sink.bytes.clear();
            serializer.put(Value::Str(&complaint));
        }
        if serializer.cut || serializer.sink.was_cut() {
            sink.note_cut();
        }
        serializer.sink.bytes.as_chunks::<8>().0.iter().for_each(|word| sink.word(u64::from_le_bytes(*word)));
    }
}

/// Maximum depth of lists and maps in a value; deeper ones are replaced by `…`.
const DEEPEST: usize = 64;

/// A serializer that encodes one tagged value.
struct ValueSerializer {
    sink: ByteSink,
    /// The maximum length of the encoded value in bytes.
    end: usize,
    depth: usize,
    cut: bool,
}

impl ValueSerializer {
    /// Writes a tagged value.
    fn put(&mut self, value: Value<'_>) {
        self.sink.word(value.tag().word());
        value.put(&mut self.sink);
    }

    /// Begins a list or map, with a length of 0. Returns where its elements start, or `None` if the maximum depth is
    /// reached; then nothing may be added.
    fn open(&mut self, kind: Kind) -> Option<usize> {
        if self.depth == DEEPEST {
            self.cut = true;
            self.sink.word(Tag::new(Kind::Str).word());
            put_note(LEFT, &mut self.sink);
            return None;
        }
        self.depth += 1;
        self.sink.word(Tag::new(kind).word());
        self.sink.word(0);
        Some(self.sink.bytes.len())
    }

    /// Ends a list or map that [`open`](Self::open) began: stores its length.
    fn close(&mut self, start: Option<usize>) {
        if let Some(start) = start {
            self.depth -= 1;
            // The length precedes the elements, and is only known now.
            let words = ((self.sink.bytes.len() - start) / 8) as u64;
            if let Some(length) = self.sink.bytes.get_mut(start - 8..start) {
                length.copy_from_slice(&words.to_le_bytes());
            }
        }
    }

    /// Begins a list or map.
    fn nested(&mut self, kind: Kind) -> Nested<'_> {
        let start = self.open(kind);
        Nested { kind, start, outer: None, left: 0, serializer: self }
    }

    /// Begins the data of a variant: a list or map that is the only value of a map, whose key is the variant's name.
    ///
    /// For `State::Paid { by: "ada" }` in the example of the [module](self):
    ///
    /// ```text
    /// outer = open(Map)    "Paid"    start = open(Map)    "by" Str "ada"    close(start), close(outer)
    /// ```
    fn variant(&mut self, name: &str, kind: Kind) -> Nested<'_> {
        let outer = self.open(Kind::Map);
        if outer.is_some() {
            self.sink.text(name);
        }
        let start = outer.and_then(|_| self.open(kind));
        Nested { kind, start, outer, left: 0, serializer: self }
    }
}

/// A list or map that is being written.
struct Nested<'a> {
    serializer: &'a mut ValueSerializer,
    kind: Kind,
    /// Where its elements start; `None` if it is too deep.
    start: Option<usize>,
    /// The same for the map around it, if it is the data of a variant.
    outer: Option<usize>,
    /// The number of elements that were left out because the value would become too long.
    left: usize,
}

impl Nested<'_> {
    /// Writes an element, with its key in a map, or counts it as left out.
    fn add<T: Serialize + ?Sized>(&mut self, key: Option<&str>, value: &T) -> Result<(), Failure> {
        // Too deep: `…` has been written in place of the list or map.
        if self.start.is_none() {
            return Ok(());
        }
        // Elements that are left out are counted without being serialized, which runs user code.
        if self.serializer.sink.bytes.len() >= self.serializer.end {
            self.left += 1;
            return Ok(());
        }
        if let Some(key) = key {
            self.serializer.sink.text(key);
        }
        value.serialize(&mut *self.serializer)
    }

    /// Ends the list or map.
    fn finish(self) -> Result<(), Failure> {
        if self.left > 0 {
            if self.kind == Kind::Map {
                put_note(LEFT, &mut self.serializer.sink);
            }
            put_left(self.left, &mut self.serializer.sink);
        }
        self.serializer.close(self.start);
        self.serializer.close(self.outer);
        Ok(())
    }
}

/// Why a value could not be serialized. Its text is recorded in place of the value.
#[derive(Debug)]
struct Failure(String);

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl ser::Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self(format!("<serializing failed: {message}>"))
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method(self, value: $type) -> Result<(), Failure> {
            self.put(Value::from(value));
            Ok(())
        }
    )*};
}

impl<'a> Serializer for &'a mut ValueSerializer {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Nested<'a>;
    type SerializeTuple = Nested<'a>;
    type SerializeTupleStruct = Nested<'a>;
    type SerializeTupleVariant = Nested<'a>;
    type SerializeMap = Keyed<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = Nested<'a>;

    scalars! {
        serialize_bool: bool; serialize_i8: i8; serialize_i16: i16; serialize_i32: i32; serialize_i64: i64;
        serialize_i128: i128; serialize_u8: u8; serialize_u16: u16; serialize_u32: u32; serialize_u64: u64;
        serialize_u128: u128; serialize_f32: f32; serialize_f64: f64; serialize_char: char; serialize_str: &str;
        serialize_bytes: &[u8];
    }

    fn serialize_none(self) -> Result<(), Failure> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Failure> {
        self.put(Value::Null);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Failure> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        let mut map = self.nested(Kind::Map);
        map.add(Some(variant), value)?;
        map.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Nested<'a>, Failure> {
        Ok(self.nested(Kind::List))
    }

    fn serialize_tuple(self, _: usize) -> Result<Nested<'a>, Failure> {
        Ok(self.nested(Kind::List))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Nested<'a>, Failure> {
        Ok(self.nested(Kind::List))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Nested<'a>, Failure> {
        Ok(self.variant(variant, Kind::List))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Keyed<'a>, Failure> {
        Ok(Keyed { map: self.nested(Kind::Map), key: String::new() })
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Struct<'a>, Failure> {
        Ok(match name {
            // Structures of `serde_json` with private names, which stand for a number of any precision and for raw
            // JSON.
            NUMBER => Struct::Number(self),
            RAW => Struct::Raw(self),
            _ => Struct::Fields(self.nested(Kind::Map)),
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Nested<'a>, Failure> {
        Ok(self.variant(variant, Kind::Map))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Failure> {
        self.sink.word(Tag::new(Kind::Str).word());
        self.sink.format(&|out| out.write_fmt(format_args!("{value}")));
        Ok(())
    }
}

macro_rules! elements {
    ($($trait:ident, $method:ident;)*) => {$(
        impl ser::$trait for Nested<'_> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
                self.add(None, value)
            }

            fn end(self) -> Result<(), Failure> {
                self.finish()
            }
        }
    )*};
}

elements! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Nested<'_> {
            type Ok = ();
            type Error = Failure;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failure> {
                self.add(Some(key), value)
            }

            fn end(self) -> Result<(), Failure> {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStructVariant }

/// The names of the structures by which serde_json serializes its numbers, if any crate of the program enables its
/// feature `arbitrary_precision`, and its `RawValue`. Each has one field of the same name, whose value is text.
const NUMBER: &str = "$serde_json::private::Number";
const RAW: &str = "$serde_json::private::RawValue";

/// A structure that is being written: an ordinary one, or one of serde_json's.
enum Struct<'a> {
    Fields(Nested<'a>),
    /// The text of a number.
    Number(&'a mut ValueSerializer),
    /// The text of a value in JSON.
    Raw(&'a mut ValueSerializer),
}

impl ser::SerializeStruct for Struct<'_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failure> {
        match self {
            Struct::Fields(fields) => return fields.add(Some(key), value),
            Struct::Number(serializer) => serializer.put(number(&value.serialize(KeyText)?)),
            Struct::Raw(serializer) => serializer.put(Value::Str(&value.serialize(KeyText)?)),
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Struct::Fields(fields) => fields.finish(),
            Struct::Number(_) | Struct::Raw(_) => Ok(()),
        }
    }
}

/// Parses a number of JSON: as an integer of up to 128 bits or, like serde_json without `arbitrary_precision`, as an
/// `f64`. A number that exceeds both stays text.
fn number(text: &str) -> Value<'_> {
    let whole = |text: &str| {
        let short = text.parse().map(Value::U64).or_else(|_| text.parse().map(Value::I64));
        short.or_else(|_| text.parse().map(Value::I128)).or_else(|_| text.parse().map(Value::U128)).ok()
    };
    let float = |text: &str| text.parse().ok().filter(|float: &f64| float.is_finite()).map(Value::F64);
    whole(text).or_else(|| float(text)).unwrap_or(Value::Str(text))
}

/// A map that is being written, with the key that was serialized before its value.
struct Keyed<'a> {
    map: Nested<'a>,
    key: String,
}

impl ser::SerializeMap for Keyed<'_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.key = key.serialize(KeyText)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let key = std::mem::take(&mut self.key);
        self.map.add(Some(&key), value)
    }

    fn end(self) -> Result<(), Failure> {
        self.map.finish()
    }
}

/// A serializer of a map's key to text. A key can be text, a number, a `bool`, or a variant without data.
struct KeyText;

macro_rules! key_texts {
    ($($method:ident: $type:ty;)*) => {$(
        fn $method(self, value: $type) -> Result<String, Failure> {
            Ok(value.to_string())
        }
    )*};
}

/// Refuses a key that is neither text, a number, a `bool` nor a variant.
fn no_key<T>() -> Result<T, Failure> {
    Err(ser::Error::custom("a map's key is no text, number, bool or name"))
}

impl Serializer for KeyText {
    type Ok = String;
    type Error = Failure;
    type SerializeSeq = Impossible<String, Failure>;
    type SerializeTuple = Impossible<String, Failure>;
    type SerializeTupleStruct = Impossible<String, Failure>;
    type SerializeTupleVariant = Impossible<String, Failure>;
    type SerializeMap = Impossible<String, Failure>;
    type SerializeStruct = Impossible<String, Failure>;
    type SerializeStructVariant = Impossible<String, Failure>;

    key_texts! {
        serialize_bool: bool; serialize_i8: i8; serialize_i16: i16; serialize_i32: i32; serialize_i64: i64;
        serialize_i128: i128; serialize_u8: u8; serialize_u16: u16; serialize_u32: u32; serialize_u64: u64;
        serialize_u128: u128; serialize_char: char; serialize_str: &str;
    }

    // As in serde's JSON, where whole numbers end in `.0`.
    fn serialize_f32(self, value: f32) -> Result<String, Failure> {
        Ok(ryu::Buffer::new().format(value).to_owned())
    }

    fn serialize_f64(self, value: f64) -> Result<String, Failure> {
        Ok(ryu::Buffer::new().format(value).to_owned())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, Failure> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<String, Failure> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, Failure> {
        value.serialize(self)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, Failure> {
        no_key()
    }

    fn serialize_none(self) -> Result<String, Failure> {
        no_key()
    }

    fn serialize_unit(self) -> Result<String, Failure> {
        no_key()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, Failure> {
        no_key()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, Failure> {
        no_key()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Failure> {
        no_key()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Failure> {
        no_key()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Failure> {
        no_key()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failure> {
        no_key()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Failure> {
        no_key()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Failure> {
        no_key()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failure> {
        no_key()
    }
}
