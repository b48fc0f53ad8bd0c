//! The extras that a record carries from its caller to the queue.

use std::cell::Cell;

use super::extras::{SUPPRESSED_WORDS, suppressed_entry};
use super::{WORDS, with_current_words};
use crate::value::WordSink;

/// The extras of a record that is about to be sent: those of the current context, those of the logger, and the count of
/// a rate limit.
///
/// It only refers to them. They are counted first ([`words`](Self::words)), so that the record can be given its place
/// in a ring, and then written ([`put`](Self::put)).
#[derive(Clone, Copy, Default)]
pub struct Extras<'a> {
    /// The number of words of the current context.
    scope: usize,
    /// The encoded keys of the logger ([`FemtoLogger::with`](crate::FemtoLogger::with)).
    bound: &'a [u64],
    /// How many calls a rate limit has refused since the previous record of this call.
    suppressed: u64,
}

impl<'a> Extras<'a> {
    /// Returns the extras of a call by a logger with these keys, in the current context.
    #[inline(always)]
    pub(crate) fn new(bound: &'a [u64]) -> Self {
        // It never fails, and `with` may be left as a call.
        Self { scope: WORDS.try_with(Cell::get).unwrap_or(0), bound, suppressed: 0 }
    }

    /// Returns extras of only these entries, without those of the current context.
    pub(crate) fn only(entries: &'a [u64]) -> Self {
        Self { scope: 0, bound: entries, suppressed: 0 }
    }

    /// Adds the count of a rate limit.
    #[inline(always)]
    pub(crate) fn after(self, suppressed: u64) -> Self {
        Self { suppressed, ..self }
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.scope == 0 && self.bound.is_empty() && self.suppressed == 0
    }

    /// Returns the number of words that [`put`](Self::put) writes, including the one for the length.
    #[inline(always)]
    pub(crate) fn words(&self) -> usize {
        let suppressed = if self.suppressed > 0 { SUPPRESSED_WORDS } else { 0 };
        if self.is_empty() { 0 } else { self.scope + self.bound.len() + suppressed + 1 }
    }

    /// Writes the extras and their length, unless there are none.
    #[inline(always)]
    pub(crate) fn put<S: WordSink>(&self, sink: &mut S) {
        if !self.is_empty() {
            sink.end(|sink| self.put_entries(sink));
        }
    }

    /// Writes the extras and their length. Not inlined: most calls have no extras, and should not pay for the code.
    #[inline(never)]
    fn put_entries<S: WordSink>(&self, sink: &mut S) {
        // In the order in which later keys override earlier ones: context, logger, rate limit.
        let mut length = self.bound.len();
        if self.scope > 0 {
            // A sink of fixed size gets what was counted: user code, which could change the context in between, only
            // runs before extras are written to a sink that grows.
            let put = with_current_words(|words| {
                sink.words(words);
                words.len()
            });
            // In a signal handler that has interrupted a change of the context, none is to be had; words that belong
            // to no entry keep the record as long as it was counted.
            length += put.unwrap_or_else(|| {
                (0..self.scope).for_each(|_| sink.word(0));
                0
            });
        }
        sink.words(self.bound);
        if self.suppressed > 0 {
            sink.words(&suppressed_entry(self.suppressed));
            length += SUPPRESSED_WORDS;
        }
        sink.word(length as u64);
    }
}
