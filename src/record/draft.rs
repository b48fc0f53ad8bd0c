//! The encoded form of a record, and what the caller makes it from.
//!
//! A record is a sequence of 64-bit words: two header words, then the payload.
//!
//! ```text
//!           63     61 60     58 57    56 55      32 31             0
//! word 0   +---------+---------+--------+----------+---------------+
//!          | flags   | level   | prefix | length   | call-site id  |
//!          +---------+---------+--------+----------+---------------+
//! word 1   | ticks of the clock                                    |
//!          +-------------------------------------------------------+
//! payload  | logger's name id and/or target text, as `prefix` says |
//!          | arguments, or the text of the message                 |
//!          | values of the keys                                    |
//!          | extras and their length, if the flag `EXTRAS` is set  |
//!          +-------------------------------------------------------+
//! ```
//!
//! `length` is the number of words of the record, including the two header words. The payload has no types: the
//! consumer finds them in the call site's tags (see `value/wire.rs` for the encoding of values, and
//! `context/extras.rs` for that of extras).
//!
//! For example, `info!("{} rows", 7; table = "users")` at the call site with the id 12 makes a record of five words,
//! with the level's index `l`:
//!
//! ```text
//! word 0   l << 58 | 5 << 32 | 12
//! word 1   ticks
//! word 2   7
//! word 3   5                          length of "users"
//! word 4   "users\0\0\0"
//! ```
//!
//! And `warn!(logger: db, target: "sql", "slow"; ms = 12.5, user = user)` within `context! { request = 7_u64 }` at the
//! call site 13, where the names of the logger and of the key `request` have the ids 4 and 9, and `user` is
//! `Some("ada")`:
//!
//! ```text
//! word 0   EXTRAS | l << 58 | Both << 56 | 12 << 32 | 13      length 12, call site 13
//! word 1   ticks
//! word 2   4                                                   id of the logger's name  ┐ prefix
//! word 3   3                                                   length of "sql"          │
//! word 4   "sql\0\0\0\0\0"                                                              ┘
//! word 5   12.5 as bits                                        ms                       ┐ keys
//! word 6   1                                                   user is Some             │
//! word 7   3                                                   length of "ada"          │
//! word 8   "ada\0\0\0\0\0"                                                              ┘
//! word 9   9 << 32 | KEY << 9 | U64                            request: header          ┐ extras
//! word 10  7                                                   its value                │
//! word 11  2                                                   length of the extras     ┘
//! ```
//!
//! The message has no arguments, so it takes no words: its text is the format string, at the call site.
//!
//! # Invariants
//!
//! * Encoding goes over the values twice, first to count the words and then to write them, because the ring must know
//!   the length before the first word. The two must agree; [`Payload::words`] and [`Payload::put`] stand side by side
//!   for that reason. Types that could give two answers (anything with user code) are not [`DIRECT`](Payload::DIRECT):
//!   they are encoded into a buffer first, whose length is then a fact.
//! * The length is at least [`HEADER_WORDS`] for every record, so the one-word marker of a new thread cannot be taken
//!   for a record.
//! * A header of a higher level has a greater [`Head`], because the level is above the prefix and the length. One
//!   comparison therefore says whether a level is enabled, whatever the length.
//! * The consumer trusts nothing: a length that does not fit, an unknown call site or a text beyond the payload makes a
//!   record that is counted as failed, or a value that is empty. It never panics, and never reads beyond the record.
//!
//! # Two ways to encode a call
//!
//! A call whose values always take the same, small number of words, such as numbers, passes these words on in registers
//! (`words::send_3` and its siblings in `__private`). Others are encoded by one function for each combination of types.
//! Both make the same words. The level, the prefix and the length are a constant of a call of the first kind, its
//! [`Head`].

use crate::context::Extras;
use crate::level::Level;
use crate::value::{Fields, WordSink};

/// Number of header words of a record.
pub(crate) const HEADER_WORDS: usize = 2;

/// The maximum length of a record in words: `length` has 24 bits.
const MAX_WORDS: usize = (1 << 24) - 1;

/// The first word of a record; its layout is in the module's documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header(u64);

/// The upper half of a [`Header`]: everything but the call site. Those of higher levels are greater.
#[derive(Clone, Copy)]
pub struct Head(u32);

impl Head {
    pub(crate) const LOWEST: Self = Self(0);

    /// Returns the head of a record of `words` words, the header words included.
    #[inline(always)]
    pub(crate) const fn new(level: Level, prefix: Prefix, words: usize) -> Self {
        let words = if words < MAX_WORDS { words } else { MAX_WORDS };
        Self((level.index() as u32) << 26 | (prefix as u32) << 24 | words as u32)
    }

    /// Returns the head of a record that is longer by this many words. For a record that is too long for any ring, the
    /// result has no meaning.
    #[inline(always)]
    pub(crate) const fn longer(self, words: usize) -> Self {
        Self(self.0.wrapping_add(words as u32))
    }

    /// Returns the smallest head of the level with this number (5 for `Trace` up to 50 for `Critical`); for
    /// `u8::MAX`, which is no level, one above those of all levels.
    pub(crate) fn least(level: u8) -> Self {
        Self(u32::from(level / 10) << 26)
    }

    /// Returns how far this head is above `low`. If it is below, the difference wraps around and exceeds that of any
    /// two heads, so `head.above(low) < span` checks both ends of a range by one comparison.
    #[inline(always)]
    pub(crate) fn above(self, low: Head) -> u32 {
        self.0.wrapping_sub(low.0)
    }

    /// Returns the header of a record with this head at the call site with this id.
    #[inline(always)]
    pub(crate) fn at(self, site: u32) -> Header {
        Header(u64::from(self.0) << 32 | u64::from(site))
    }

    pub(crate) fn level(self) -> Level {
        self.at(0).level()
    }
}

/// Which names precede the payload, where the call site does not determine them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix {
    /// None: the call site determines the logger and the target.
    None,
    /// The id of the logger's name, one word.
    Logger,
    /// The target, as text.
    Target,
    /// The id of the logger's name, then the target.
    Both,
}

impl Header {
    /// The payload is spilled to the ring's side queue; only the header words are in the ring.
    const SPILLED: u64 = 1 << 61;

    /// Extras follow the values of the keys.
    const EXTRAS: u64 = 1 << 62;

    /// A marker of one word in place of a record: the records after it come from the thread whose description is next
    /// in the ring's side queue. Its length of 1 distinguishes it from all records.
    pub(crate) const NEW_THREAD: Header = Header(1 << 32);

    /// Makes a header without a length and flags.
    #[inline(always)]
    pub(crate) fn new(site: u32, level: Level, prefix: Prefix) -> Self {
        Self((level.index() as u64) << 58 | (prefix as u64) << 56 | u64::from(site))
    }

    /// Sets the length of the record in words, including the header words. The length must be 0 before.
    #[inline(always)]
    pub(crate) fn with_words(self, words: usize) -> Self {
        Self(self.0 | (words.min(MAX_WORDS) as u64) << 32)
    }

    /// Returns the header that stays in the ring when the payload is spilled: its length covers the header words only.
    pub(crate) fn spilled(self) -> Self {
        Self(self.0 & !((MAX_WORDS as u64) << 32) | Self::SPILLED).with_words(HEADER_WORDS)
    }

    #[inline(always)]
    pub(crate) fn from_word(word: u64) -> Self {
        Self(word)
    }

    #[inline(always)]
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// Returns the upper half, without flags.
    #[inline(always)]
    pub(crate) fn head(self) -> Head {
        Head((self.0 >> 32) as u32 & 0x1FFF_FFFF)
    }

    /// Returns the length of the record in words, including the header words.
    #[inline(always)]
    pub(crate) fn words(self) -> usize {
        (self.0 >> 32) as usize & MAX_WORDS
    }

    /// Returns the id of the call site; ids start at 1.
    #[inline(always)]
    pub(crate) fn site(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(crate) fn level(self) -> Level {
        Level::from_index((self.0 >> 58) as usize & 7).unwrap_or(Level::Critical)
    }

    #[inline]
    pub(crate) fn prefix(self) -> Prefix {
        match self.0 >> 56 & 3 {
            0 => Prefix::None,
            1 => Prefix::Logger,
            2 => Prefix::Target,
            _ => Prefix::Both,
        }
    }

    /// Sets the flag for extras.
    #[inline(always)]
    pub(crate) fn with_extras(self, has: bool) -> Self {
        Self(self.0 | (has as u64) << 62)
    }

    #[inline(always)]
    pub(crate) fn has_extras(self) -> bool {
        self.0 & Self::EXTRAS != 0
    }

    pub(crate) fn is_spilled(self) -> bool {
        self.0 & Self::SPILLED != 0
    }
}

/// What follows the header words.
pub(crate) trait Payload {
    /// Which names it begins with.
    const PREFIX: Prefix;
    /// Whether encoding runs no user code, so that the payload can be written directly to a ring.
    const DIRECT: bool;
    /// Returns whether it ends in extras.
    fn has_extras(&self) -> bool;
    /// Returns the number of words of the values to which [`Limits`](crate::value::Limits) apply.
    fn limited_words(&self) -> usize;
    /// Returns the number of words that [`put`](Self::put) writes. Only for payloads that are [`DIRECT`](Self::DIRECT).
    fn words(&self) -> usize;
    /// Writes the payload.
    fn put<S: WordSink>(&self, sink: &mut S);
}

/// The payload of a call: its names, its arguments or text, the values of its keys, and its extras.
pub(crate) struct Draft<'a, N, A, F, E> {
    pub(crate) name: N,
    pub(crate) arguments: &'a A,
    pub(crate) fields: &'a F,
    /// [`Extras`], [`Entries`], or `()` if there are none.
    pub(crate) extras: E,
}

impl<N: Named, A: Fields, F: Fields, E: Carried> Payload for Draft<'_, N, A, F, E> {
    const PREFIX: Prefix = N::PREFIX;
    const DIRECT: bool = A::DIRECT && F::DIRECT;

    #[inline(always)]
    fn has_extras(&self) -> bool {
        !self.extras.is_empty()
    }

    #[inline(always)]
    fn limited_words(&self) -> usize {
        self.arguments.words() + self.fields.words()
    }

    #[inline(always)]
    fn words(&self) -> usize {
        self.name.words() + self.limited_words() + self.extras.words()
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        self.name.put(sink);
        self.arguments.put(sink);
        sink.begin_values();
        self.fields.put(sink);
        self.extras.put(sink);
    }
}

/// What a record carries besides its own values. A trait, so that for a call without context the compiler sees `()` and
/// generates no code at all.
pub(crate) trait Carried {
    fn is_empty(&self) -> bool;
    fn words(&self) -> usize;
    fn put<S: WordSink>(&self, sink: &mut S);
}

impl Carried for () {
    #[inline(always)]
    fn is_empty(&self) -> bool {
        true
    }

    #[inline(always)]
    fn words(&self) -> usize {
        0
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, _: &mut S) {}
}

/// The encoded entries of a context, at least one.
pub(crate) struct Entries<'a>(pub(crate) &'a [u64]);

impl Carried for Entries<'_> {
    #[inline(always)]
    fn is_empty(&self) -> bool {
        false
    }

    #[inline(always)]
    fn words(&self) -> usize {
        self.0.len() + 1
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        sink.words(self.0);
        sink.word(self.0.len() as u64);
    }
}

impl Carried for Extras<'_> {
    #[inline(always)]
    fn is_empty(&self) -> bool {
        Extras::is_empty(self)
    }

    #[inline(always)]
    fn words(&self) -> usize {
        Extras::words(self)
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        Extras::put(self, sink);
    }
}

/// A payload that is already encoded.
pub(crate) struct Encoded<'a>(pub(crate) &'a [u8]);

impl Payload for Encoded<'_> {
    const PREFIX: Prefix = Prefix::None;
    const DIRECT: bool = true;

    /// If there are extras, they are part of the encoded bytes, and the header that comes with them has the flag set.
    #[inline(always)]
    fn has_extras(&self) -> bool {
        false
    }

    #[inline(always)]
    fn limited_words(&self) -> usize {
        0
    }

    #[inline(always)]
    fn words(&self) -> usize {
        self.0.len() / 8
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        for chunk in self.0.as_chunks::<8>().0 {
            sink.word(u64::from_le_bytes(*chunk));
        }
    }
}

/// The names that precede the payload; see [`Prefix`].
pub trait Named {
    /// Which names these are.
    const PREFIX: Prefix;
    /// Returns the number of words that [`put`](Self::put) writes.
    fn words(&self) -> usize;
    /// Writes the names.
    fn put<S: WordSink>(&self, sink: &mut S);
}

impl Named for () {
    const PREFIX: Prefix = Prefix::None;

    #[inline(always)]
    fn words(&self) -> usize {
        0
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, _: &mut S) {}
}

/// The id of a logger's name.
#[derive(Clone, Copy)]
pub struct LoggerName(pub(crate) u32);

impl Named for LoggerName {
    const PREFIX: Prefix = Prefix::Logger;

    #[inline(always)]
    fn words(&self) -> usize {
        1
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        sink.word(self.0.into());
    }
}

/// A target that is known only at run time.
#[derive(Clone, Copy)]
pub struct TargetName<'a>(pub(crate) &'a str);

impl Named for TargetName<'_> {
    const PREFIX: Prefix = Prefix::Target;

    #[inline(always)]
    fn words(&self) -> usize {
        1 + crate::value::padded_words(self.0.len())
    }

    #[inline(always)]
    fn put<S: WordSink>(&self, sink: &mut S) {
        sink.text(self.0);
    }
}

impl Named for (LoggerName, TargetName<'_>) {
    const PREFIX: Prefix = Prefix::Both;

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
