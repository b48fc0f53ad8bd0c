//! What a record carries besides what its call site knows: keys of its context, spans, and what bridges say of a source.
//!
//! The entries stand behind the values of the call's own keys, and a word with their length in words behind them. An
//! entry begins with a word:
//!
//! ```text
//! 63                       32        17 16        9    8        7    0
//! +--------------------------+---------+-----------+----------+------+
//! | id of the name, or line  |         | what      | optional | kind |
//! +--------------------------+---------+-----------+----------+------+
//! ```
//!
//! A name that has no id stands behind it as text. Then comes the key's value; or the ids of the span and of its parent; or
//! the module and the file.

use std::sync::OnceLock;

use crate::callsite;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::value::Field;
use crate::value::{ByteSink, Fields, LEFT, Limits, Reader, Sink, Tag, Value, limits, nested};

/// What an entry is. Names are ids unless it says text.
pub(crate) const KEY: u64 = 0;
pub(crate) const KEY_TEXT: u64 = 1;
pub(crate) const SPAN: u64 = 2;
pub(crate) const SOURCE: u64 = 3;

const fn head(what: u64, tag: u64, upper: u32) -> u64 {
    (upper as u64) << 32 | what << 9 | tag
}

/// Writes entries, as the caller makes them, into bytes.
pub(crate) struct Entries<'a> {
    sink: &'a mut ByteSink,
    limits: Limits,
    keys: usize,
    left_out: usize,
}

/// Entries that are kept.
pub(crate) struct Kept {
    pub(crate) words: Box<[u64]>,
    /// How many of them are keys.
    pub(crate) keys: usize,
}

impl<'a> Entries<'a> {
    /// Makes entries that go on behind others in the sink, of which `keys` are keys.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn new(sink: &'a mut ByteSink, keys: usize) -> Self {
        sink.begin_values();
        let limits = sink.limits();
        Self { sink, limits, keys, left_out: 0 }
    }

    /// Makes entries without limits.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unlimited(sink: &'a mut ByteSink) -> Self {
        Self { sink, limits: Limits::NONE, keys: 0, left_out: 0 }
    }

    /// Keeps what `add` adds behind other entries: of keys with the same name only the last is kept, and no more keys and spans
    /// than there may be, with a note of how many had no room.
    pub(crate) fn keep(words: &[u64], limits: Limits, add: impl FnOnce(&mut Entries<'_>)) -> Kept {
        let mut sink = ByteSink::new(words.iter().flat_map(|word| word.to_le_bytes()).collect(), limits);
        sink.begin_values();
        let mut entries =
            Entries { sink: &mut sink, limits: Limits { keys: usize::MAX, ..limits }, keys: 0, left_out: 0 };
        // A value's `Display` may make a context of itself.
        let is_too_deep = nested(|| add(&mut entries)).is_none();
        let pieces = pieces(&sink.bytes);
        let (mut kept, mut keys, mut spans, mut left_out) = (ByteSink::default(), 0, 0, u64::from(is_too_deep));
        let mut was_cut = sink.was_cut() || is_too_deep;
        for (at, (piece, bytes)) in pieces.iter().enumerate() {
            let count = match piece {
                Piece::Key(_) if pieces[at + 1..].iter().any(|(later, _)| later == piece) => continue,
                Piece::LeftOut(before) => {
                    left_out += before;
                    continue;
                }
                Piece::Key(_) => &mut keys,
                Piece::Span => &mut spans,
                Piece::Source => &mut 0,
            };
            if *count < limits.keys {
                *count += 1;
                kept.bytes.extend_from_slice(bytes);
            } else {
                left_out += 1;
                was_cut = true;
            }
        }
        if left_out > 0 {
            put_left_out(left_out, &mut kept);
        }
        if was_cut {
            limits::count_cut();
        }
        let words = kept.bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        Kept { words, keys }
    }

    /// Adds a key with any name.
    pub(crate) fn named(&mut self, name: &str, value: Value<'_>) {
        if self.begin(name, value.tag()) {
            value.put(self.sink);
        }
    }

    /// The same for a value that only its caller can encode.
    #[cfg(feature = "log")]
    pub(crate) fn field<F: Field>(&mut self, name: &str, value: &F) {
        if self.begin(name, F::TAG) {
            value.put(self.sink);
        }
    }

    /// Adds a key whose name has an id.
    #[cfg(feature = "tracing")]
    pub(crate) fn key(&mut self, id: u32, value: Value<'_>) {
        if self.has_room() {
            self.sink.word(head(KEY, value.tag().word(), id));
            value.put(self.sink);
        }
    }

    /// The same for a value that only its caller can encode.
    #[cfg(feature = "tracing")]
    pub(crate) fn key_field<F: Field>(&mut self, id: u32, value: &F) {
        if self.has_room() {
            self.sink.word(head(KEY, F::TAG.word(), id));
            value.put(self.sink);
        }
    }

    /// Writes what stands before the value of a key, if there is room for one more.
    fn begin(&mut self, name: &str, tag: Tag) -> bool {
        let has_room = self.has_room();
        if has_room {
            let kept = self.limits.key(name);
            if kept != name {
                self.sink.note_cut();
            }
            self.sink.word(head(KEY_TEXT, tag.word(), 0));
            self.sink.text(&kept);
        }
        has_room
    }

    fn has_room(&mut self) -> bool {
        let has_room = self.keys < self.limits.keys;
        if has_room {
            self.keys += 1;
        } else {
            self.left_out += 1;
        }
        has_room
    }

    /// Adds the keys of a call, whose names have these ids.
    pub(crate) fn fields(&mut self, ids: &[u32], fields: &impl Fields) {
        fields.put_each(self.sink, &|sink, at, tag| {
            sink.word(head(KEY, tag.word(), ids.get(at).copied().unwrap_or_default()));
        });
    }

    /// Adds entries that are encoded already.
    pub(crate) fn encoded(&mut self, words: &[u64]) {
        self.sink.words(words);
    }

    /// Adds a span.
    pub(crate) fn span(&mut self, name: u32, id: u64, parent: u64) {
        self.sink.word(head(SPAN, 0, name));
        self.sink.word(id);
        self.sink.word(parent);
    }

    /// Says where the record comes from.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn source(&mut self, module_path: &str, file: &str, line: u32) {
        self.sink.word(head(SOURCE, 0, line));
        self.sink.text(module_path);
        self.sink.text(file);
    }

    /// Finishes the entries, with a note of how many had no room. Returns how many keys there are.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn finish(self) -> usize {
        if self.left_out > 0 {
            put_left_out(self.left_out as u64, self.sink);
            self.sink.note_cut();
        }
        self.keys
    }
}

/// Says how many entries had no room.
fn put_left_out(count: u64, sink: &mut ByteSink) {
    let value = Value::U64(count);
    sink.word(head(KEY_TEXT, value.tag().word(), 0));
    sink.text(LEFT);
    value.put(sink);
}

/// What an entry is, as far as other entries matter to it.
#[derive(PartialEq)]
enum Piece<'a> {
    Key(Name<'a>),
    /// How many entries were left out before.
    LeftOut(u64),
    Span,
    Source,
}

/// The name of a key: its id, if it has one.
#[derive(PartialEq)]
enum Name<'a> {
    Id(u32),
    Text(&'a str),
}

/// Takes entries apart: what each is, and its bytes.
fn pieces(bytes: &[u8]) -> Vec<(Piece<'_>, &[u8])> {
    let mut reader = Reader::new(bytes);
    let mut pieces = Vec::new();
    while !reader.rest().is_empty() {
        let from = reader.rest();
        let head = reader.word();
        let piece = match head >> 9 & 0x7F {
            SPAN => {
                reader.word();
                reader.word();
                Piece::Span
            }
            SOURCE => {
                reader.text();
                reader.text();
                Piece::Source
            }
            what => {
                let name = match what {
                    KEY => Name::Id((head >> 32) as u32),
                    _ => Name::Text(reader.text()),
                };
                match (name, reader.value(Tag::from_word(head))) {
                    (Name::Text(LEFT), Value::U64(count)) => Piece::LeftOut(count),
                    (Name::Text(text), _) => Piece::Key(callsite::find(text).map_or(Name::Text(text), Name::Id)),
                    (name, _) => Piece::Key(name),
                }
            }
        };
        pieces.push((piece, &from[..from.len() - reader.rest().len()]));
    }
    pieces
}

/// How many words [`suppressed_entry`] has.
pub(crate) const SUPPRESSED_WORDS: usize = 2;

/// The key that says how many calls before this one a rate limit turned away.
pub(crate) fn suppressed_entry(count: u64) -> [u64; SUPPRESSED_WORDS] {
    static NAME: OnceLock<u32> = OnceLock::new();
    let value = Value::U64(count);
    [head(KEY, value.tag().word(), *NAME.get_or_init(|| callsite::intern("suppressed"))), count]
}
