//! A single-producer, single-consumer ring of 64-bit words that holds records of any length, in safe Rust.
//!
//! The words are atomics. A relaxed store of an `AtomicU64` is a plain move on every 64-bit machine, so this costs
//! what raw memory would, and a reader that broke the protocol would see stale numbers instead of undefined
//! behaviour. The protocol is that of Lamport's ring ("Specifying Concurrent Program Modules", 1983), with the
//! producer's copy of the read position cached as in FastForward and its successors:
//!
//! * Positions count words and never wrap; the slot of a position is its low bits.
//! * The producer writes a record's words with relaxed stores and publishes them with one release store of `tail`.
//!   The consumer's acquire load of `tail` makes all of them visible.
//! * The consumer copies a record's words and then frees them with a release store of `head`. The producer's acquire
//!   load of `head` orders its next writes to these slots after that copy. It keeps the answer in `limit` and asks again
//!   only when the ring looks full, so a call does not touch a cache line that the consumer writes.
//! * `tail` is on a line of its own: the consumer polls it, and the producer's private fields stay undisturbed.

use crate::sync::{AtomicU64, Line, Ordering::*};
use crate::value::WordSink;

pub(crate) struct Ring {
    producer: Line<Producer>,
    tail: Line<AtomicU64>,
    head: Line<AtomicU64>,
    words: Box<[AtomicU64]>,
}

/// What only the producing thread writes; atomics so that others may look, and the next owner may go on.
struct Producer {
    /// The position of the next record; `tail` follows it.
    at: AtomicU64,
    /// Up to where the producer may write without asking for `head` again.
    limit: AtomicU64,
    /// How many records were published.
    records: AtomicU64,
}

impl Ring {
    /// Makes a ring of `words` words, rounded up to a power of two, with all its pages touched.
    pub(crate) fn new(words: usize) -> Self {
        let words = words.next_power_of_two().max(8);
        let ring = Self {
            producer: Line(Producer {
                at: AtomicU64::new(0),
                limit: AtomicU64::new(words as u64),
                records: AtomicU64::new(0),
            }),
            tail: Line(AtomicU64::new(0)),
            head: Line(AtomicU64::new(0)),
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
        };
        // Zeroed memory may be mapped on first touch, which would be some caller's microsecond.
        for page in ring.words.iter().step_by(512) {
            page.store(0, Relaxed);
        }
        ring
    }

    pub(crate) fn capacity(&self) -> usize {
        self.words.len()
    }

    /// Writes and publishes one record of exactly `words` words, or does nothing if there is no room.
    ///
    /// Called by the producer only. `fill` must not run user code.
    #[inline(always)]
    pub(crate) fn push(&self, words: usize, fill: impl FnOnce(&mut RingWriter<'_>)) -> bool {
        self.publish(words, 1, fill)
    }

    /// Publishes one word that is not a record.
    pub(crate) fn push_control(&self, word: u64) -> bool {
        self.publish(1, 0, |writer| writer.word(word))
    }

    #[inline(always)]
    fn publish(&self, words: usize, records: u64, fill: impl FnOnce(&mut RingWriter<'_>)) -> bool {
        let producer = &self.producer.0;
        let at = producer.at.load(Relaxed);
        let end = at + words as u64;
        if end > producer.limit.load(Relaxed) && !self.has_room(end) {
            return false;
        }
        fill(&mut RingWriter { words: &self.words, at });
        producer.at.store(end, Relaxed);
        producer.records.store(producer.records.load(Relaxed) + records, Relaxed);
        // Release: the words above are visible to whoever sees this position.
        self.tail.0.store(end, Release);
        true
    }

    /// Asks the consumer's position whether a record may end at `end`.
    #[cold]
    fn has_room(&self, end: u64) -> bool {
        // Acquire: the consumer has copied everything before `head`, so its slots may be written again.
        let limit = self.head.0.load(Acquire) + self.words.len() as u64;
        self.producer.0.limit.store(limit, Relaxed);
        end <= limit
    }

    /// Whether a record of `words` words has room now. Called by the producer only.
    pub(crate) fn fits(&self, words: usize) -> bool {
        self.has_room(self.producer.0.at.load(Relaxed) + words as u64)
    }

    /// How many records were ever published.
    pub(crate) fn records(&self) -> u64 {
        self.producer.0.records.load(Acquire)
    }

    /// Whether everything published has been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.0.load(Acquire) == self.tail.0.load(Acquire)
    }

    /// The position up to which records are published.
    pub(crate) fn published(&self) -> u64 {
        // Acquire: pairs with the release store in `push`.
        self.tail.0.load(Acquire)
    }

    /// The position up to which words were freed. Called by the consumer only.
    pub(crate) fn head(&self) -> u64 {
        self.head.0.load(Relaxed)
    }

    /// Reads a published word that is not freed. Called by the consumer only.
    #[inline(always)]
    pub(crate) fn word(&self, at: u64) -> u64 {
        self.words.get(at as usize & (self.words.len() - 1)).map_or(0, |word| word.load(Relaxed))
    }

    /// Puts published words into `out`, as bytes. Called by the consumer only.
    #[inline]
    pub(crate) fn copy(&self, at: u64, words: usize, out: &mut Vec<u8>) {
        let first = at as usize & (self.words.len() - 1);
        let (wrapped, ahead) = self.words.split_at(first);
        // Without `clear`: what stays is overwritten, and need not be zeroed first.
        out.resize(words * 8, 0);
        let (bytes, _) = out.as_chunks_mut::<8>();
        match ahead.get(..words) {
            Some(all) => bytes.iter_mut().zip(all).for_each(|(bytes, word)| *bytes = word.load(Relaxed).to_le_bytes()),
            // They go over the ring's end.
            None => bytes
                .iter_mut()
                .zip(ahead.iter().chain(wrapped))
                .for_each(|(bytes, word)| *bytes = word.load(Relaxed).to_le_bytes()),
        }
    }

    /// Frees the words before `at`. Called by the consumer only.
    #[inline(always)]
    pub(crate) fn free(&self, at: u64) {
        // Release: the loads of these words come before the producer's next stores to them.
        self.head.0.store(at, Release);
    }

    /// Whether half of the ring is free, or more. Exact while the producer waits.
    pub(crate) fn is_half_free(&self) -> bool {
        self.published().wrapping_sub(self.head.0.load(Relaxed)) <= self.words.len() as u64 / 2
    }

    /// How many records were published up to `tail`, if the producer is not within a push.
    ///
    /// The producer moves `at`, then `records`, then `tail`. If `at` has not moved on after `records` was read, no newer
    /// record is in that number. (A processor that shows stores in another order may make it one too many.)
    pub(crate) fn settled_records(&self, tail: u64) -> u64 {
        for _ in 0..1000 {
            let records = self.records();
            if self.producer.0.at.load(Acquire) == tail {
                return records;
            }
            std::hint::spin_loop();
        }
        self.records()
    }

    /// Takes everything out, as bytes. Returns how many words that were.
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

/// Writes the words of one record into the ring.
pub(crate) struct RingWriter<'a> {
    words: &'a [AtomicU64],
    at: u64,
}

impl WordSink for RingWriter<'_> {
    #[inline(always)]
    fn word(&mut self, word: u64) {
        if let Some(slot) = self.words.get(self.at as usize & (self.words.len() - 1)) {
            slot.store(word, Relaxed);
        }
        self.at += 1;
    }

    #[inline(always)]
    fn words(&mut self, words: &[u64]) {
        let first = self.at as usize & (self.words.len() - 1);
        match self.words.get(first..first + words.len()) {
            Some(slots) => {
                slots.iter().zip(words).for_each(|(slot, word)| slot.store(*word, Relaxed));
                self.at += words.len() as u64;
            }
            // They go over the ring's end.
            None => words.iter().for_each(|word| self.word(*word)),
        }
    }

    #[inline(always)]
    fn end(&mut self, put: impl FnOnce(&mut Self)) {
        put(&mut RingWriter { words: self.words, at: self.at });
    }

    /// Never called: text that user code formats goes through bytes first.
    fn format(&mut self, _: &dyn Fn(&mut dyn std::fmt::Write) -> std::fmt::Result) {}
}
