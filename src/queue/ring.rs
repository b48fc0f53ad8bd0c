//! A single-producer, single-consumer ring of 64-bit words that holds records of any length, in safe Rust.
//!
//! The words are `AtomicU64`s. A relaxed store of one is a plain move on every 64-bit machine, so a ring costs what raw
//! memory would; and a reader that broke the protocol would see stale numbers instead of undefined behaviour.
//!
//! # Protocol
//!
//! The protocol is that of Lamport's ring ("Specifying Concurrent Program Modules", 1983). The producer caches the
//! consumer's position, as in MCRingBuffer (Lee, Bu and Chandranmenon, 2010).
//!
//! Positions count words and never wrap; the slot of a position is its low bits. The words from `head` to `tail` are
//! published and not yet freed. Here a ring of 8 words holds records A (positions 5 to 7) and B (8 and 9), and the
//! producer writes C (10 to 12):
//!
//! ```text
//! slot       0    1    2    3    4    5    6    7
//!          +----+----+----+----+----+----+----+----+
//!          | B  | B  | c  | c  | c  | A  | A  | A  |
//!          +----+----+----+----+----+----+----+----+
//!                      │              │
//!                      tail = 10      head = 5          limit = head + 8 = 13
//! ```
//!
//! C ends at 13, so it fits. Once its words are written, `tail` becomes 13, and the ring is full until the consumer
//! frees A by moving `head` to 8.
//!
//! # Memory orderings
//!
//! | store | load | what the pair orders |
//! |---|---|---|
//! | producer: `tail`, release | consumer: `tail`, acquire | who sees a record's end sees its words |
//! | consumer: `head`, release | producer: `head`, acquire | copies of words come before new stores to their slots |
//!
//! The words themselves need no ordering, because each is read and written only on the side that owns its position. The
//! producer keeps `head + capacity` in `limit` and loads `head` again only when the ring looks full. So a call touches
//! no cache line that the consumer writes. `tail` is on a line of its own: the consumer polls it, and that does not
//! disturb the producer's private fields.
//!
//! # The reserve
//!
//! A part of a ring may be reserved for severe records (see [`Reserve`](crate::policy::Reserve)). `limit` is then lower
//! by the reserve, for records of all levels, so that the ordinary call makes the one comparison that it makes anyway.
//! A severe record that does not fit below `limit` takes the path of a ring that seems full, where its level is asked
//! for. In the ring above, with a reserve of two words:
//!
//! ```text
//!                                             limit = 11           head + 8 = 13
//! positions   ... 8    9 │ 10   11   12 │ 13
//!                        tail = 10                C ends at 13: it fits if it is severe, and not otherwise
//! ```
//!
//! # Invariants
//!
//! * `head` ≤ `tail` ≤ `at` ≤ `head` + capacity. `tail` and `at` differ only in the middle of a push.
//! * `limit` ≤ `head` + capacity - reserve: it may be out of date, which makes the ring look fuller than it is, never
//!   emptier. It may be less than `at`, because severe records go beyond it. After the reserve has grown, it is too
//!   large until the producer next loads `head`.
//! * A record is written completely before `tail` moves, in one step, over all of it. So the consumer never sees a part
//!   of a record, and a `fork` in the middle of a push leaves words in the child that nobody reads.
//! * One producer at a time. `PerThread` sees to that by `ThreadRing::owned`; the ring itself does not check it.
//! * No push within a push: both would write from `at`. Log calls within `fill` are excluded (no user code runs in it),
//!   and those of signal handlers are refused before they come here (see `logger/dispatch.rs`).

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, Ordering::*};
use crate::value::{WordSink, last_word};

/// A ring; see the module's documentation.
pub(crate) struct Ring {
    producer: CachePadded<Producer>,
    /// The position after the last published word. Written by the producer.
    tail: CachePadded<AtomicU64>,
    /// The position of the first word that is not free. Written by the consumer.
    head: CachePadded<AtomicU64>,
    /// The slots; their number is a power of two, so that a mask turns a position into a slot.
    words: Box<[AtomicU64]>,
}

/// What only the producer writes. The fields are atomics because other threads read them, and because a ring changes
/// its producer.
struct Producer {
    /// The position of the next record. `tail` gets the same value after the record's words are written.
    at: AtomicU64,
    /// The position up to which the producer may write without loading `head`.
    limit: AtomicU64,
    /// The number of published records.
    records: AtomicU64,
    /// The number of words that only severe records may take, at most half of the ring. Written by the handler's
    /// thread.
    reserve: AtomicU64,
}

impl Ring {
    /// Makes a ring of `words` words, rounded up to a power of two, with all its pages touched.
    pub(crate) fn new(words: usize) -> Self {
        let words = words.next_power_of_two().max(8);
        let ring = Self {
            producer: CachePadded::new(Producer {
                at: AtomicU64::new(0),
                limit: AtomicU64::new(words as u64),
                records: AtomicU64::new(0),
                reserve: AtomicU64::new(0),
            }),
            tail: CachePadded::new(AtomicU64::new(0)),
            head: CachePadded::new(AtomicU64::new(0)),
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
        };
        // Zeroed memory may be mapped when it is first touched, which would cost some log call a microsecond.
        for page in ring.words.iter().step_by(512) {
            page.store(0, Relaxed);
        }
        ring
    }

    pub(crate) fn capacity(&self) -> usize {
        self.words.len()
    }

    /// Reserves this share of the ring for severe records, in percent: at most 50. The producer observes it when it
    /// next loads the consumer's position.
    pub(crate) fn set_reserve(&self, percent: u8) {
        let words = self.words.len() * usize::from(percent.min(50)) / 100;
        self.producer.reserve.store(words as u64, Relaxed);
    }

    /// Writes and publishes one record of exactly `words` words. Returns `false`, having done nothing, if there is no
    /// room. A severe record may take the reserve.
    ///
    /// Called by the producer only. `fill` must not run user code: a log call in it would write over the record.
    #[inline(always)]
    pub(crate) fn push(&self, words: usize, is_severe: bool, fill: impl FnOnce(&mut RingWriter<'_>)) -> bool {
        self.push_frame(words, 1, is_severe, fill)
    }

    /// Publishes one word that is not a record.
    pub(crate) fn push_control(&self, word: u64) -> bool {
        self.push_frame(1, 0, true, |writer| writer.word(word))
    }

    #[inline(always)]
    fn push_frame(&self, words: usize, records: u64, is_severe: bool, fill: impl FnOnce(&mut RingWriter<'_>)) -> bool {
        let at = self.producer.at.load(Relaxed);
        let end = at + words as u64;
        if end > self.producer.limit.load(Relaxed) && !self.has_room(end, is_severe) {
            return false;
        }
        let first = at as usize & (self.words.len() - 1);
        fill(&mut match self.words.get(first..first + words) {
            Some(slots) => RingWriter { slots: SlotWriter(slots), wrapped: &[] },
            None => {
                let slots = SlotWriter(self.words.get(first..).unwrap_or_default());
                RingWriter { slots, wrapped: &self.words }
            }
        });
        self.publish(end, records);
        true
    }

    /// As [`push`](Self::push), but also does nothing if the record would go over the ring's end, or if only the
    /// consumer's position or the record's level can tell whether there is room. This is what nearly every call needs,
    /// and it calls no function, so that a caller's values can stay in registers.
    #[inline(always)]
    pub(crate) fn push_at_once(&self, words: usize, fill: impl FnOnce(&mut SlotWriter<'_>)) -> bool {
        let at = self.producer.at.load(Relaxed);
        let end = at + words as u64;
        let first = at as usize & (self.words.len() - 1);
        match self.words.get(first..first + words) {
            Some(slots) if end <= self.producer.limit.load(Relaxed) => {
                fill(&mut SlotWriter(slots));
                self.publish(end, 1);
                true
            }
            _ => false,
        }
    }

    /// Makes everything before `end` visible to the consumer.
    ///
    /// The order of the three stores matters to [`settled_records`](Self::settled_records): `at` and `records` are new
    /// before `tail` is. `records` is loaded and stored rather than added to, because only the producer writes it; an
    /// atomic addition would cost as much as the rest of the call.
    #[inline(always)]
    fn publish(&self, end: u64, records: u64) {
        let producer = &self.producer;
        producer.at.store(end, Relaxed);
        producer.records.store(producer.records.load(Relaxed) + records, Relaxed);
        // Release: the words stored before are visible to whoever sees this position.
        self.tail.store(end, Release);
    }

    /// Loads the consumer's position, and returns whether a record may end at `end`.
    #[cold]
    fn has_room(&self, end: u64, is_severe: bool) -> bool {
        // Acquire: the consumer has copied everything before `head`, so its slots may be written again.
        let limit = self.head.load(Acquire) + self.words.len() as u64;
        let reduced = limit - self.producer.reserve.load(Relaxed);
        self.producer.limit.store(reduced, Relaxed);
        end <= if is_severe { limit } else { reduced }
    }

    /// Returns whether there is room for a record of `words` words. Called by the producer only.
    pub(crate) fn fits(&self, words: usize, is_severe: bool) -> bool {
        self.has_room(self.producer.at.load(Relaxed) + words as u64, is_severe)
    }

    /// Returns how much of what records of all levels may take holds words up to `published`, in percent.
    pub(crate) fn fullness(&self, published: u64) -> u64 {
        let common = self.words.len() as u64 - self.producer.reserve.load(Relaxed);
        published.saturating_sub(self.head.load(Relaxed)) * 100 / common
    }

    /// Returns how many records were published since the ring was made. The number may include one that is stored and
    /// not yet visible at `tail`; a snapshot of the counters then shows it in flight.
    pub(crate) fn records(&self) -> u64 {
        self.producer.records.load(Acquire)
    }

    /// Returns whether everything published was freed.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Acquire) == self.tail.load(Acquire)
    }

    /// Returns the position up to which records are published.
    pub(crate) fn published(&self) -> u64 {
        // Acquire: pairs with the release store in `push`.
        self.tail.load(Acquire)
    }

    /// Returns the position up to which words were freed. Called by the consumer only.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Relaxed)
    }

    /// Reads a published word that is not freed. Called by the consumer only, for a position between `head` and a
    /// `tail` that it has loaded: the acquire load of `tail` is what makes the relaxed load here see the word.
    #[inline(always)]
    pub(crate) fn word(&self, at: u64) -> u64 {
        self.words.get(at as usize & (self.words.len() - 1)).map_or(0, |word| word.load(Relaxed))
    }

    /// Copies published words to `out`, as bytes in little-endian order. Called by the consumer only.
    #[inline]
    pub(crate) fn copy(&self, at: u64, words: usize, out: &mut Vec<u8>) {
        let first = at as usize & (self.words.len() - 1);
        let (wrapped, ahead) = self.words.split_at(first);
        // Without `clear`: the bytes that are there are overwritten, and need not be zeroed first.
        out.resize(words * 8, 0);
        let (bytes, _) = out.as_chunks_mut::<8>();
        match ahead.get(..words) {
            Some(all) => bytes.iter_mut().zip(all).for_each(|(bytes, word)| *bytes = word.load(Relaxed).to_le_bytes()),
            // The words wrap around the end of the ring.
            None => bytes
                .iter_mut()
                .zip(ahead.iter().chain(wrapped))
                .for_each(|(bytes, word)| *bytes = word.load(Relaxed).to_le_bytes()),
        }
    }

    /// Frees the words before `at`. Called by the consumer only, after it has copied them; from then on the producer
    /// may write over them.
    #[inline(always)]
    pub(crate) fn free(&self, at: u64) {
        // Release: the loads of these words come before the producer's next stores to them.
        self.head.store(at, Release);
    }

    /// Returns whether at least half of the ring is free. Exact while the producer waits.
    pub(crate) fn is_half_free(&self) -> bool {
        self.published().wrapping_sub(self.head.load(Relaxed)) <= self.words.len() as u64 / 2
    }

    /// Returns how many records were published up to `tail`, if the producer is not in the middle of a push.
    ///
    /// The producer stores `at`, then `records`, then `tail`. If `at` is still `tail` after `records` was loaded, that
    /// number has no later record in it. (On a processor that reorders stores, it may be one too many.)
    pub(crate) fn settled_records(&self, tail: u64) -> u64 {
        for _ in 0..1000 {
            let records = self.records();
            if self.producer.at.load(Acquire) == tail {
                return records;
            }
            std::hint::spin_loop();
        }
        self.records()
    }

    /// Takes everything out, as bytes. Returns the number of words.
    #[cfg(test)]
    pub(crate) fn take(&self, out: &mut Vec<u8>) -> usize {
        let (head, tail) = (self.head(), self.published());
        let mut bytes = Vec::new();
        self.copy(head, (tail - head) as usize, &mut bytes);
        out.append(&mut bytes);
        self.free(tail);
        (tail - head) as usize
    }
}

/// Writes the words of one record into the slots that it takes.
///
/// It has exactly as many slots as the record announced words. Words beyond that are ignored, and slots that get none
/// keep what was in them: a payload whose `words()` and `put()` disagree makes a damaged record, but neither a panic
/// nor a store to a slot of another record.
pub(crate) struct SlotWriter<'a>(&'a [AtomicU64]);

impl WordSink for SlotWriter<'_> {
    #[inline(always)]
    fn word(&mut self, word: u64) {
        if let Some((slot, rest)) = self.0.split_first() {
            slot.store(word, Relaxed);
            self.0 = rest;
        }
    }

    #[inline(always)]
    fn words(&mut self, words: &[u64]) {
        if let Some((slots, rest)) = self.0.split_at_checked(words.len()) {
            slots.iter().zip(words).for_each(|(slot, word)| slot.store(*word, Relaxed));
            self.0 = rest;
        }
    }

    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        self.word(bytes.len() as u64);
        if let Some((slots, after)) = self.0.split_at_checked(whole.len()) {
            slots.iter().zip(whole).for_each(|(slot, chunk)| slot.store(u64::from_le_bytes(*chunk), Relaxed));
            self.0 = after;
        }
        if !rest.is_empty() {
            self.word(last_word(bytes));
        }
    }

    #[inline(always)]
    fn end(&mut self, put: impl FnOnce(&mut Self)) {
        put(&mut SlotWriter(self.0));
    }

    /// Never called: text that user code formats goes through a buffer first.
    fn format(&mut self, _: &dyn Fn(&mut dyn std::fmt::Write) -> std::fmt::Result) {}
}

/// The same for a record that may go over the ring's end: its slots are one piece of the ring or two.
pub(crate) struct RingWriter<'a> {
    slots: SlotWriter<'a>,
    /// The next piece.
    wrapped: &'a [AtomicU64],
}

impl WordSink for RingWriter<'_> {
    #[inline(always)]
    fn word(&mut self, word: u64) {
        if self.slots.0.is_empty() {
            self.slots.0 = std::mem::take(&mut self.wrapped);
        }
        self.slots.word(word);
    }

    #[inline(always)]
    fn words(&mut self, words: &[u64]) {
        if words.len() <= self.slots.0.len() {
            self.slots.words(words);
        } else {
            words.iter().for_each(|word| self.word(*word));
        }
    }

    #[inline(always)]
    fn end(&mut self, put: impl FnOnce(&mut Self)) {
        put(&mut RingWriter { slots: SlotWriter(self.slots.0), wrapped: self.wrapped });
    }

    /// Never called, as above.
    fn format(&mut self, _: &dyn Fn(&mut dyn std::fmt::Write) -> std::fmt::Result) {}
}
