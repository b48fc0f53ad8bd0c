//! Keys and values: collecting them from a record, and writing them in lines of text.

use smallvec::SmallVec;

use crate::record::FemtoLogRecord;
use crate::text::Output;
use crate::value::{Kind, Reader, Tag, Value, write_next, write_value};

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

/// Writes the value at which a reader is, as [`write_pair_value`] does.
#[inline]
pub(super) fn write_next_pair_value(out: &mut impl Output, tag: Tag, reader: &mut Reader<'_>) {
    match tag.kind {
        Kind::I64 | Kind::U64 | Kind::Bool => write_next(out, tag, reader),
        Kind::Str if !tag.optional => match reader.plain_text() {
            Some(text) if !text.iter().any(|byte| matches!(byte, b' ' | b'=')) => out.ascii(text),
            Some(text) => {
                out.plain("\"");
                out.ascii(text);
                out.plain("\"");
            }
            None => write_pair_value(out, Value::Str(reader.text())),
        },
        _ => write_pair_value(out, reader.value(tag)),
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
