//! The encoded form of a record, and what the caller makes it from.
//!
//! ```text
//!          63    61 60 58 57  56 55       32 31            0
//! word 0   | flags | level | prefix | length | call-site id  |
//! word 1   | ticks of the clock                             |
//! then     | logger's name id, or target text, if `prefix` says so
//! then     | arguments (or the message's text), then values of the keys
//! then     | what else the record carries, and its length, if a flag says so (see `extras`)
//! ```
//!
//! `length` counts all words of the record, these two included. The consumer finds the types in the call site's tags.

use crate::context::Extras;
use crate::level::Level;
use crate::value::{Fields, WordSink};

pub(crate) const HEADER_WORDS: usize = 2;

/// The longest record that the header can describe, in words.
const MAX_WORDS: usize = (1 << 24) - 1;

/// The first word of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header(u64);

/// Who named the record, where it was not the call site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix {
    None,
    /// A word with the id of a logger's name.
    Logger,
    /// The target's text.
    Target,
    /// The id of a logger's name, then the target's text.
    Both,
}

impl Header {
    /// The payload is in the ring's side queue; there is nothing behind the two header words.
    const ASIDE: u64 = 1 << 61;

    /// What else the record carries stands behind the values of the keys.
    const EXTRAS: u64 = 1 << 62;

    /// The next records of this ring come from the thread that is next in the side queue. One word, no ticks.
    pub(crate) const NEW_THREAD: Header = Header(1 << 32);

    #[inline(always)]
    pub(crate) fn new(site: u32, level: Level, prefix: Prefix) -> Self {
        Self((level.index() as u64) << 58 | (prefix as u64) << 56 | u64::from(site))
    }

    #[inline(always)]
    pub(crate) fn with_words(self, words: usize) -> Self {
        Self(self.0 | (words.min(MAX_WORDS) as u64) << 32)
    }

    pub(crate) fn aside(self) -> Self {
        Self(self.0 & !((MAX_WORDS as u64) << 32) | Self::ASIDE).with_words(HEADER_WORDS)
    }

    #[inline(always)]
    pub(crate) fn from_word(word: u64) -> Self {
        Self(word)
    }

    #[inline(always)]
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(crate) fn words(self) -> usize {
        (self.0 >> 32) as usize & MAX_WORDS
    }

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

    #[inline(always)]
    pub(crate) fn with_extras(self, has: bool) -> Self {
        Self(self.0 | (has as u64) << 62)
    }

    #[inline(always)]
    pub(crate) fn has_extras(self) -> bool {
        self.0 & Self::EXTRAS != 0
    }

    pub(crate) fn is_aside(self) -> bool {
        self.0 & Self::ASIDE != 0
    }
}

/// What follows the header.
pub(crate) trait Payload {
    const PREFIX: Prefix;
    /// Whether it is encoded without running user code.
    const DIRECT: bool;
    fn has_extras(&self) -> bool;
    /// How many words there are of what has to keep to the limits.
    fn limited_words(&self) -> usize;
    fn words(&self) -> usize;
    fn put<S: WordSink>(&self, sink: &mut S);
}

/// The payload of a call: who it comes from, its arguments or text, its keys' values, and what else it takes along.
pub(crate) struct Draft<'a, N, A, F> {
    pub(crate) name: N,
    pub(crate) arguments: &'a A,
    pub(crate) fields: &'a F,
    pub(crate) extras: Extras<'a>,
}

impl<N: Named, A: Fields, F: Fields> Payload for Draft<'_, N, A, F> {
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

/// A payload that is encoded already.
pub(crate) struct Encoded<'a>(pub(crate) &'a [u8]);

impl Payload for Encoded<'_> {
    const PREFIX: Prefix = Prefix::None;
    const DIRECT: bool = true;

    /// Those that it has are encoded with it, and said in the header that goes with it.
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

/// Who a record is named after.
pub trait Named {
    const PREFIX: Prefix;
    fn words(&self) -> usize;
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
