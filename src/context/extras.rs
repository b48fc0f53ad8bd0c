//! The wire format of *extras*: what a record carries besides what its call site knows.
//!
//! Extras are the keys of the surrounding [`Context`](super::Context) and of the logger, the enclosing spans, and the
//! source location that a bridge passes on. This file is their only codec: [`ExtrasWriter`] encodes them,
//! [`ExtrasReader`] decodes them.
//!
//! Extras follow the values of the call's own keys. A last word holds their length in words, so that a reader can
//! split them off from the end of a payload ([`split`]). Each entry begins with a header word:
//!
//! ```text
//! 63                      32 31        17 16    9 8        8 7      0
//! +--------------------------+------------+-------+----------+--------+
//! | id of the name, or line  | (not used) | entry | optional | kind   |
//! +--------------------------+------------+-------+----------+--------+
//! ```
//!
//! `optional` and `kind` are the [`Tag`] of a key's value. The rest of an entry depends on `entry`:
//!
//! | entry | upper half | words that follow |
//! |---|---|---|
//! | [`KEY`] | id of the key's name | the value |
//! | [`KEY_TEXT`] | 0 | the key's name as text, the value |
//! | [`SPAN`] | id of the span's name | the span's id, the parent span's id (0: none) |
//! | [`SOURCE`] | line | module path and file, as text |
//! | [`SCOPE`] | 0 | the number of the test (see `testing`); no formatter writes it |
//!
//! For example, the key `user` with the value `7_u64`, where `user` has the id 3:
//!
//! ```text
//! word 0   3 << 32 | KEY << 9 | 0 << 8 | Kind::U64
//! word 1   7
//! word 2   2                                          length of all extras
//! ```
//!
//! # Invariants
//!
//! * The length does not count its own word, and is written last, so that an encoder need not know it in advance and a
//!   decoder can find it: it is the last word of the payload.
//! * An entry can be skipped only by decoding it, because its length depends on its tag. So extras are read from the
//!   front, and a damaged entry makes the later ones of the same record unreadable, and no others.
//! * The order of entries is that of scopes, the outermost first, then the logger's keys, then what a rate limit adds.
//!   For a key that occurs several times the last entry counts, so inner scopes override outer ones.
//! * In a [`Context`](super::Context) no key occurs twice: [`ExtrasWriter::keep`] has removed what is overridden. In a
//!   record one may, since a context, a logger and a call are not compared with each other when it is logged.

use std::sync::OnceLock;

use crate::names;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::value::Field;
use crate::value::{ByteSink, Fields, LEFT, Limits, Reader, Tag, Value, WordSink, limits, nested};

/// A key whose name has an id.
const KEY: u64 = 0;
/// A key whose name is in the entry, as text.
const KEY_TEXT: u64 = 1;
/// A span.
const SPAN: u64 = 2;
/// The source location of the call.
const SOURCE: u64 = 3;
/// The test to which the record belongs.
const SCOPE: u64 = 4;

/// Makes the header word of an entry.
const fn header(entry: u64, tag: u64, upper: u32) -> u64 {
    (upper as u64) << 32 | entry << 9 | tag
}

/// One decoded entry.
pub(crate) enum Extra<'a> {
    /// A key and its value.
    Key(KeyRef<'a>, Value<'a>),
    /// A span: the ids of its name, of itself, and of its parent (0 if it has none).
    Span { name: u32, id: u64, parent: u64 },
    /// The source location of the call.
    Source { module_path: &'a str, file: &'a str, line: u32 },
    /// The number of the test to which the record belongs.
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "read by the feature `testing` only"))]
    Scope(u64),
}

/// The name of a key, as it is encoded.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum KeyRef<'a> {
    /// The id of an interned name; see [`names`].
    Id(u32),
    Text(&'a str),
}

/// Decodes extras, one entry at a time.
#[derive(Clone, Copy)]
pub(crate) struct ExtrasReader<'a>(Reader<'a>);

impl<'a> ExtrasReader<'a> {
    /// Decodes extras without their length; see [`split`].
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes))
    }

    /// Returns the next entry together with its encoded bytes.
    fn next_with_bytes(&mut self) -> Option<(Extra<'a>, &'a [u8])> {
        let from = self.0.rest();
        let entry = self.next()?;
        Some((entry, &from[..from.len() - self.0.rest().len()]))
    }
}

impl<'a> Iterator for ExtrasReader<'a> {
    type Item = Extra<'a>;

    #[inline]
    fn next(&mut self) -> Option<Extra<'a>> {
        let reader = &mut self.0;
        if reader.rest().is_empty() {
            return None;
        }
        let header = reader.word();
        let upper = (header >> 32) as u32;
        Some(match header >> 9 & 0xFF {
            SPAN => {
                let (id, parent) = (reader.word(), reader.word());
                Extra::Span { name: upper, id, parent }
            }
            SOURCE => {
                let (module_path, file) = (reader.text(), reader.text());
                Extra::Source { module_path, file, line: upper }
            }
            SCOPE => Extra::Scope(reader.word()),
            entry => {
                let name = if entry == KEY { KeyRef::Id(upper) } else { KeyRef::Text(reader.text()) };
                Extra::Key(name, reader.value(Tag::from_word(header)))
            }
        })
    }
}

/// Splits a payload into what comes before the extras and the extras, by the length in its last word.
pub(crate) fn split(payload: &[u8]) -> (&[u8], &[u8]) {
    let Some((rest, length)) = payload.split_last_chunk::<8>() else {
        return (payload, &[]);
    };
    // A length that exceeds the payload, in a damaged record, yields no extras.
    let length = (u64::from_le_bytes(*length) as usize).saturating_mul(8);
    rest.split_at_checked(rest.len().saturating_sub(length)).unwrap_or((rest, &[]))
}

/// Encodes extras into a buffer.
pub(crate) struct ExtrasWriter<'a> {
    sink: &'a mut ByteSink,
    limits: Limits,
    /// Keys that were added.
    keys: usize,
    /// Keys that were not added because there were already [`Limits::keys`].
    left_out: usize,
}

/// Encoded extras that outlive the call, such as those of a [`Context`](super::Context).
pub(crate) struct OwnedExtras {
    pub(crate) words: Box<[u64]>,
    /// The number of entries that are keys.
    pub(crate) keys: usize,
}

impl<'a> ExtrasWriter<'a> {
    /// Continues extras that are already in `sink`, `keys` of which are keys.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn new(sink: &'a mut ByteSink, keys: usize) -> Self {
        sink.begin_values();
        let limits = sink.limits();
        Self { sink, limits, keys, left_out: 0 }
    }

    /// Encodes extras without limits.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unlimited(sink: &'a mut ByteSink) -> Self {
        Self { sink, limits: Limits::NONE, keys: 0, left_out: 0 }
    }

    /// Appends what `add` writes to existing extras, and removes what is redundant:
    ///
    /// * of several keys with the same name, only the last remains;
    /// * keys, and separately spans, beyond [`Limits::keys`] are left out. A key `…` holds the number of entries that
    ///   were left out, here and when the existing extras were made.
    ///
    /// For example, `a=1 b=2` extended by `a=3` becomes `b=2 a=3`.
    ///
    /// With a maximum of two keys, `a=1 b=2` extended by `c=3` stays `a=1 b=2`, followed by `…=1`; that extended by
    /// `d=4 e=5` becomes `a=1 b=2 …=3`. The count includes those that were left out before: the old note is removed,
    /// and its number added to the new one.
    pub(crate) fn keep(words: &[u64], limits: Limits, add: impl FnOnce(&mut ExtrasWriter<'_>)) -> OwnedExtras {
        let mut sink = ByteSink::new(words.iter().flat_map(|word| word.to_le_bytes()).collect(), limits);
        sink.begin_values();
        // Keys are counted below, when those that are overridden have been removed.
        let unlimited = Limits { keys: usize::MAX, ..limits };
        // The existing extras are decoded together with the new ones, as one list.
        let mut writer = ExtrasWriter { sink: &mut sink, limits: unlimited, keys: 0, left_out: 0 };
        // The `Display` of a value may itself make a context, to any depth.
        let is_too_deep = nested(|| add(&mut writer)).is_none();
        // Quadratic in the number of keys, which is small and limited.
        let pieces = pieces(&sink.bytes);
        let (mut kept, mut keys, mut spans, mut left_out) = (ByteSink::default(), 0, 0, u64::from(is_too_deep));
        let mut was_cut = sink.was_cut() || is_too_deep;
        for (at, (piece, bytes)) in pieces.iter().enumerate() {
            let count = match piece {
                EntryId::Key(_) | EntryId::Scope if pieces[at + 1..].iter().any(|(later, _)| later == piece) => {
                    continue;
                }
                EntryId::LeftOut(before) => {
                    left_out += before;
                    continue;
                }
                EntryId::Key(_) => &mut keys,
                EntryId::Span => &mut spans,
                EntryId::Source | EntryId::Scope => &mut 0,
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
        OwnedExtras { words, keys }
    }

    /// Adds a key whose name has no id.
    pub(crate) fn named(&mut self, name: &str, value: Value<'_>) {
        if self.begin(name, value.tag()) {
            value.put(self.sink);
        }
    }

    /// Adds a key whose name has no id, with a value that user code formats.
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
            self.sink.word(header(KEY, value.tag().word(), id));
            value.put(self.sink);
        }
    }

    /// Adds a key whose name has an id, with a value that user code formats.
    #[cfg(feature = "tracing")]
    pub(crate) fn key_field<F: Field>(&mut self, id: u32, value: &F) {
        if self.has_room() {
            self.sink.word(header(KEY, F::TAG.word(), id));
            value.put(self.sink);
        }
    }

    /// Writes the header and the name of a key, unless the maximum number of keys is reached. Returns whether it did;
    /// the caller then writes the value.
    fn begin(&mut self, name: &str, tag: Tag) -> bool {
        let has_room = self.has_room();
        if has_room {
            let kept = self.limits.key(name);
            if kept != name {
                self.sink.note_cut();
            }
            self.sink.word(header(KEY_TEXT, tag.word(), 0));
            self.sink.text(&kept);
        }
        has_room
    }

    /// Counts a key as added or, once there are [`Limits::keys`], as left out. Returns whether to add it.
    fn has_room(&mut self) -> bool {
        let has_room = self.keys < self.limits.keys;
        if has_room {
            self.keys += 1;
        } else {
            self.left_out += 1;
        }
        has_room
    }

    /// Adds the keys of a macro call. `ids` are the ids of their names, in order.
    pub(crate) fn fields(&mut self, ids: &[u32], fields: &impl Fields) {
        fields.put_each(self.sink, &|sink, at, tag| {
            sink.word(header(KEY, tag.word(), ids.get(at).copied().unwrap_or_default()));
        });
    }

    /// Adds the keys of a macro call that have an id.
    #[cfg(feature = "compat-tracing")]
    pub(crate) fn known_fields(&mut self, ids: &[Option<u32>], fields: &impl Fields) {
        let mut all = ByteSink::new(Vec::new(), self.limits);
        all.begin_values();
        fields.put_each(&mut all, &|sink, at, tag| {
            sink.word(header(KEY, tag.word(), ids.get(at).copied().flatten().unwrap_or(u32::MAX)));
        });
        let mut reader = ExtrasReader::new(&all.bytes);
        while let Some((entry, bytes)) = reader.next_with_bytes() {
            if !matches!(entry, Extra::Key(KeyRef::Id(u32::MAX), _)) {
                self.sink.bytes.extend_from_slice(bytes);
            }
        }
    }

    /// Adds entries that are already encoded.
    pub(crate) fn encoded(&mut self, words: &[u64]) {
        self.sink.words(words);
    }

    /// Adds a span; `name` is the id of its name, `parent` 0 if it has no parent.
    pub(crate) fn span(&mut self, name: u32, id: u64, parent: u64) {
        self.sink.word(header(SPAN, 0, name));
        self.sink.word(id);
        self.sink.word(parent);
    }

    /// Adds the number of the test to which the records belong.
    #[cfg(feature = "testing")]
    pub(crate) fn scope(&mut self, id: u64) {
        self.sink.word(header(SCOPE, 0, 0));
        self.sink.word(id);
    }

    /// Adds the source location of the call.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn source(&mut self, module_path: &str, file: &str, line: u32) {
        self.sink.word(header(SOURCE, 0, line));
        self.sink.text(module_path);
        self.sink.text(file);
    }

    /// Ends the extras; a key `…` notes how many keys were left out. Returns the number of keys.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn finish(self) -> usize {
        if self.left_out > 0 {
            put_left_out(self.left_out as u64, self.sink);
            self.sink.note_cut();
        }
        self.keys
    }
}

/// Adds a key `…` with the number of entries that were left out.
fn put_left_out(count: u64, sink: &mut ByteSink) {
    let value = Value::U64(count);
    sink.word(header(KEY_TEXT, value.tag().word(), 0));
    sink.text(LEFT);
    value.put(sink);
}

/// An entry, reduced to what [`ExtrasWriter::keep`] compares and counts.
#[derive(PartialEq)]
enum EntryId<'a> {
    Key(KeyRef<'a>),
    /// The note that [`put_left_out`] wrote, with its count.
    LeftOut(u64),
    Span,
    Source,
    Scope,
}

/// Decodes extras into pieces, each with its encoded bytes.
///
/// Names that are text are looked up, so that the same name has the same [`KeyRef`] in every entry.
fn pieces(bytes: &[u8]) -> Vec<(EntryId<'_>, &[u8])> {
    let mut reader = ExtrasReader::new(bytes);
    let next = || {
        let (entry, bytes) = reader.next_with_bytes()?;
        let piece = match entry {
            Extra::Key(KeyRef::Text(LEFT), Value::U64(count)) => EntryId::LeftOut(count),
            Extra::Key(KeyRef::Text(text), _) => EntryId::Key(names::find(text).map_or(KeyRef::Text(text), KeyRef::Id)),
            Extra::Key(name, _) => EntryId::Key(name),
            Extra::Span { .. } => EntryId::Span,
            Extra::Source { .. } => EntryId::Source,
            Extra::Scope(_) => EntryId::Scope,
        };
        Some((piece, bytes))
    };
    std::iter::from_fn(next).collect()
}

/// Returns existing extras with `new` ones: in the place of entries with the same name, or after all.
#[cfg(any(feature = "compat-tracing", feature = "tracing"))]
pub(crate) fn replace(existing: &OwnedExtras, new: &OwnedExtras, limits: Limits) -> OwnedExtras {
    let bytes = |extras: &OwnedExtras| extras.words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let (existing, new) = (bytes(existing), bytes(new));
    let mut new = pieces(&new);
    ExtrasWriter::keep(&[], limits, |entries| {
        for (piece, bytes) in pieces(&existing) {
            let at = new.iter().position(|(other, _)| *other == piece);
            entries.sink.bytes.extend_from_slice(at.map_or(bytes, |at| new.remove(at).1));
        }
        new.iter().for_each(|(_, bytes)| entries.sink.bytes.extend_from_slice(bytes));
    })
}

/// The length of [`suppressed_entry`] in words.
pub(crate) const SUPPRESSED_WORDS: usize = 2;

/// Encodes the key `suppressed`: how many calls a rate limit has refused since the previous record.
pub(crate) fn suppressed_entry(count: u64) -> [u64; SUPPRESSED_WORDS] {
    static NAME: OnceLock<u32> = OnceLock::new();
    let value = Value::U64(count);
    [header(KEY, value.tag().word(), *NAME.get_or_init(|| names::intern("suppressed"))), count]
}
