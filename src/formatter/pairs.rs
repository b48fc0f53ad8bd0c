//! Keys and values: collecting them from a record, and writing them in lines of text.
//!
//! A record may have a key several times: from an outer context, an inner one, and the call itself. Formatters write
//! each key once, with its last value, at the place of that value:
//!
//! ```text
//! context a=1 b=2, call a=3      b=2 a=3
//! ```
//!
//! The loop compares each key with all later ones. That is quadratic, and for the usual handful of keys faster than a
//! table, since keys mostly differ in length.
//!
//! In text, a value is quoted if it could be read as something else: `note="two words"`, `empty=""`, `expr="a=b"`. A
//! `"` or `\` in quotes is preceded by `\`.

use smallvec::SmallVec;

use super::plan::ValuePiece;
use crate::record::FemtoLogRecord;
use crate::text::Output;
use crate::value::{Kind, Reader, Tag, Value, write_next, write_next_float, write_next_text, write_value};

/// The default maximum of keys of a record. Up to this number, they are on the stack.
const MOST: usize = 64;

/// Keys and values of one record.
pub(crate) struct Pairs<K, V>(SmallVec<[(K, V); MOST]>);

impl<K, V> Pairs<K, V> {
    #[inline]
    pub(super) fn new() -> Self {
        Self(SmallVec::new())
    }

    #[inline]
    pub(super) fn push(&mut self, key: K, value: V) {
        self.0.push((key, value));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether there is such a key.
    pub(crate) fn any(&self, is: impl Fn(&K) -> bool) -> bool {
        self.0.iter().any(|(key, _)| is(key))
    }

    /// Calls `each` with every key once. If a key occurs several times, only the last one counts, in its own place.
    #[inline]
    pub(crate) fn each(&self, same: impl Fn(&K, &K) -> bool, mut each: impl FnMut(&K, &V)) {
        for (index, (key, value)) in self.0.iter().enumerate() {
            if !self.0[index + 1..].iter().any(|(later, _)| same(key, later)) {
                each(key, value);
            }
        }
    }
}

/// Returns the keys and values of a record.
#[inline]
pub(crate) fn pairs<'a>(record: &FemtoLogRecord<'a>) -> Pairs<&'a str, Value<'a>> {
    Pairs(record.key_values().collect())
}

/// Returns the keys and values of a record, with their positions.
#[inline]
pub(super) fn numbered_pairs<'a>(record: &FemtoLogRecord<'a>) -> Pairs<&'a str, (usize, Value<'a>)> {
    Pairs(record.key_values().enumerate().map(|(place, (key, value))| (key, (place, value))).collect())
}

/// Writes `key=value`, with the value in quotes if it could not be told apart otherwise.
#[inline]
pub(super) fn write_pair<O: Output>(out: &mut O, key: impl FnOnce(&mut O), value: Value<'_>) {
    key(out);
    out.plain("=");
    write_pair_value(out, value);
}

/// Writes the value of such a pair.
#[inline]
pub(super) fn write_pair_value<O: Output>(out: &mut O, value: Value<'_>) {
    match value {
        Value::Str(text) | Value::Display(text) | Value::Error(text) if needs_quotes(text) => {
            out.plain("\"");
            write_quoted(out, text);
            out.plain("\"");
        }
        value => write_value(out, value),
    }
}

/// The value of a key in such a pair, or one in a message, at which a reader is; see `plan`.
#[derive(Clone, Copy, Debug)]
pub(super) enum NextValue {
    /// An `f64`.
    Float,
    /// Text in a message.
    Text,
    /// Another value in a message.
    Other(Tag),
    /// Text that is the value of a key.
    PairText,
    /// Another value of a key.
    OtherPair(Tag),
}

impl NextValue {
    /// Makes the piece of a value in a message.
    pub(super) fn in_message<P>(tag: Tag, piece: impl FnOnce(Self) -> P) -> ValuePiece<P> {
        ValuePiece::bare(tag, |tag| {
            ValuePiece::Own(piece(match tag.kind {
                _ if tag.optional => Self::Other(tag),
                Kind::F64 => Self::Float,
                Kind::Str | Kind::Display | Kind::Debug | Kind::Error => Self::Text,
                _ => Self::Other(tag),
            }))
        })
    }

    /// Makes the piece of a key's value.
    pub(super) fn of_pair<P>(tag: Tag, piece: impl FnOnce(Self) -> P) -> ValuePiece<P> {
        ValuePiece::bare(tag, |tag| {
            ValuePiece::Own(piece(match tag.kind {
                _ if tag.optional => Self::OtherPair(tag),
                Kind::F64 => Self::Float,
                Kind::Str => Self::PairText,
                _ => Self::OtherPair(tag),
            }))
        })
    }

    /// Writes the value. `write_pair` writes the value of a key that this does not know how to write.
    #[inline]
    pub(super) fn write<O: Output>(self, reader: &mut Reader<'_>, out: &mut O, write_pair: impl Fn(&mut O, Value<'_>)) {
        match self {
            Self::Float => write_next_float(out, reader),
            Self::Text => write_next_text(out, reader),
            Self::Other(tag) => write_next(out, tag, reader),
            Self::PairText => match reader.plain_word(true) {
                Some((text, length)) => out.few(text, length),
                None => write_pair_text(out, reader, write_pair),
            },
            Self::OtherPair(tag) => write_pair(out, reader.value(tag)),
        }
    }
}

/// Writes text that is the value of a key, in quotes if it has spaces or `=`.
fn write_pair_text<O: Output>(out: &mut O, reader: &mut Reader<'_>, write_pair: impl Fn(&mut O, Value<'_>)) {
    match reader.plain_text() {
        Some(text) if !text.iter().any(|byte| matches!(byte, b' ' | b'=')) => out.ascii(text),
        Some(text) => {
            out.plain("\"");
            out.ascii(text);
            out.plain("\"");
        }
        None => write_pair(out, Value::Str(reader.text())),
    }
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '='))
}

fn write_quoted(out: &mut impl Output, text: &str) {
    for run in text.split_inclusive(['"', '\\']) {
        let (plain, special) = match run.strip_suffix(['"', '\\']) {
            Some(plain) => (plain, &run[plain.len()..]),
            None => (run, ""),
        };
        let _ = out.write_str(plain);
        if !special.is_empty() {
            out.plain("\\");
            out.plain(special);
        }
    }
}
