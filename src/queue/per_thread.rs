//! One ring per logging thread: ownership of rings, payloads that are too large for a ring, and the memory of all
//! rings.
//!
//! # Ownership
//!
//! A thread claims a ring with its first record and releases it when it ends. A later thread claims the same ring and
//! continues at its positions. Claims happen under the lock of the list, so a ring has one producer at a time. The
//! release store of `owned` by the old owner and the acquire load by the new one order their writes to the ring.
//!
//! A record does not name its thread; its ring does. So a new owner announces itself *in the ring*, in order with the
//! records, and the consumer attributes the records after the announcement to it.
//!
//! ```text
//!                     thread "main"          thread "worker-2"      consumer
//! claim               owned = true
//!                     announces "main"
//! logs, ends          a, b
//! release             owned = false
//! claim                                      owned = true
//!                                            announces "worker-2"
//! logs                                       c
//! look                                                              main: a, b; worker-2: c
//! ```
//!
//! The ring does not have to be empty when it changes hands: the consumer reads it in order, whoever wrote it.
//!
//! # The side queue
//!
//! A ring holds words. What is not a few words goes through `spilled`, a queue beside the ring: the name of a new
//! owner, and payloads of more than a quarter of the ring. A word in the ring announces each of them, so the order of
//! both queues is the same:
//!
//! ```text
//! ring      | thread | record 1 | record 2, spilled | record 3 | thread | record 4 |
//!               │                   │                              │
//! spilled   [ "main" ]     [ 80 KiB of payload ]             [ "worker-2" ]
//! ```
//!
//! The producer fills `spilled` before it publishes the announcing word, so a consumer that sees the word finds the
//! entry.
//!
//! # Memory
//!
//! All memory of a queue is taken from one [`Room`]: rings, spilled payloads, and records in the common channel. Rings
//! may take three quarters of it. They have the requested size until half of these three quarters is taken; later ones
//! are smaller, down to 4 KiB. With 64 MiB and rings of 256 KiB, a hundred threads have large rings and 2,300 more have
//! small ones.
//!
//! A thread for which there is no memory for a ring writes into the **common channel**, as long as it lives. The
//! records in this channel are in the order of their stamps: a record whose stamp is earlier than that of the last one
//! in the channel gets the later stamp. This keeps causality, because every record that it causes is stamped later
//! still; and it lets the consumer treat the channel as one more ring.
//!
//! # Who keeps a ring alive
//!
//! The list has one reference, the thread's table a second one, and the consumer a third. A ring leaves the list only
//! when it has no owner and no records ([`trim`](PerThread::trim)); its published records are then added to `retired`,
//! so that the sum of published records never falls. `version` changes with the list, and the consumer fetches the list
//! again when it sees another version.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Instant;

use super::ring::Ring;
use super::room::{Cost, Room};
use super::shared::{Packet, Shared};
use crate::record::{Encoded, HEADER_WORDS, Header, Payload, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*, Signal, fence};
use crate::value::WordSink;

/// The number of rings without a thread that are kept for later threads.
const SPARE_RINGS: usize = if cfg!(loom) { 0 } else { 16 };

/// The minimum size of a ring that is smaller than requested, in bytes.
const SMALLEST_RING: usize = 4096;

/// A ring takes at most one in `SHARES` parts of the memory that is left, once half of the memory for rings is taken.
const SHARES: usize = 512;

/// The cost of a thread's announcement, in bytes: its name and number are kept until the consumer reads it.
const ANNOUNCEMENT: usize = 256;

/// The cost of a spilled payload in addition to its length, in bytes.
const SPILL_OVERHEAD: usize = 64;

/// The rings of one queue.
pub(crate) struct PerThread {
    /// The requested size of a ring.
    bytes: usize,
    /// The maximum number of bytes of all rings.
    limit: usize,
    /// The share of each ring and of the room that is reserved for severe records, in percent. Written under the lock
    /// of `rings`.
    reserve: AtomicU8,
    room: Arc<Room>,
    rings: Mutex<Rings>,
    /// Increases with every change of `rings`.
    version: AtomicU64,
    /// The number of records published through rings that were freed.
    retired: AtomicU64,
    common: Shared,
    /// The stamp of the last record in the common channel.
    latest: Mutex<u64>,
}

#[derive(Default)]
struct Rings {
    list: Vec<Arc<ThreadRing>>,
    bytes: usize,
}

/// A ring and the side queue of what does not fit into it.
pub(crate) struct ThreadRing {
    ring: Ring,
    room: Arc<Room>,
    owned: AtomicBool,
    /// In the order of the words in the ring that announce its entries.
    spilled: Mutex<VecDeque<Spilled>>,
    /// Whether the owner waits for `has_room`.
    waiting: AtomicBool,
    has_room: Signal,
}

/// An entry of the side queue; a word in the ring announces it.
pub(crate) enum Spilled {
    Thread(Arc<ThreadInfo>),
    Payload(Box<[u8]>),
}

/// What comes next in a ring.
pub(crate) enum Frame {
    /// The next records come from the thread that is next in `spilled`. One word.
    Thread,
    /// A record, and its length in words.
    Record { header: Header, ticks: u64, words: u64 },
    /// Words with which no record begins.
    Broken,
}

impl PerThread {
    /// Makes a queue of rings of `bytes` bytes each, which takes at most `most` bytes in all.
    pub(crate) fn new(bytes: usize, most: usize) -> Self {
        let bytes = bytes.div_ceil(8).next_power_of_two().max(8) * 8;
        let room = Arc::new(Room::new(usize::MAX, most, most / 4));
        Self {
            bytes,
            limit: most / 4 * 3,
            reserve: AtomicU8::new(0),
            common: Shared::within(room.clone()),
            room,
            rings: Mutex::new(Rings::default()),
            version: AtomicU64::new(0),
            retired: AtomicU64::new(0),
            latest: Mutex::new(0),
        }
    }

    /// Reserves this share of each ring and of the room for severe records, in percent.
    pub(crate) fn set_reserve(&self, percent: u8) {
        let rings = lock(&self.rings);
        self.reserve.store(percent, Relaxed);
        self.room.set_reserve(percent);
        rings.list.iter().for_each(|ring| ring.ring.set_reserve(percent));
    }

    /// Returns how full the memory beside the rings is, in percent of what records of all levels may take.
    pub(crate) fn fullness(&self) -> u64 {
        let in_rings = lock(&self.rings).bytes;
        self.room.fullness(in_rings)
    }

    /// Gives the calling thread a ring of its own, which it must [`release`](ThreadRing::release), or `None` if there
    /// is no memory for one: the thread then uses the common channel.
    ///
    /// Called once per thread and handler. In this order: a free ring at least half of which is empty, a new ring, a
    /// free ring a quarter of which is empty. The third is for when the memory is used up: the rings that short-lived
    /// threads have left half full then serve later threads, which would otherwise all use the common channel.
    pub(crate) fn claim(&self, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        let mut rings = lock(&self.rings);
        let try_claim =
            |list: &[Arc<ThreadRing>], share| list.iter().find(|ring| ring.try_claim(thread, share)).cloned();
        // A ring that is more than half full is claimed only if no other can be made: its new owner would soon wait.
        if let Some(ring) = try_claim(&rings.list, 2) {
            return Some(ring);
        }
        let Some(ring) = self.make(&rings, thread) else {
            return try_claim(&rings.list, 4);
        };
        rings.bytes += ring.bytes();
        rings.list.push(ring.clone());
        // Release: pairs with `version`. A consumer that sees a record's effects also sees that there is a new ring.
        self.version.fetch_add(1, Release);
        Some(ring)
    }

    /// Makes a ring owned by `thread`, if there is memory for it.
    ///
    /// With `left` bytes of memory for rings, a ring is of the requested size while half of the memory is left, and
    /// then the largest power of two that is at most 1/[`SHARES`] of `left`, but not less than [`SMALLEST_RING`].
    fn make(&self, rings: &Rings, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        let left = self.limit.saturating_sub(rings.bytes);
        let bytes = if left >= self.limit / 2 {
            self.bytes
        } else {
            let share = (left / SHARES).max(SMALLEST_RING);
            self.bytes.min(1 << share.ilog2())
        };
        if bytes > left || !self.room.try_take(Cost::bytes(bytes), false) {
            return None;
        }
        let ring = ThreadRing {
            ring: Ring::new(bytes / 8),
            room: self.room.clone(),
            owned: AtomicBool::new(false),
            spilled: Mutex::new(VecDeque::new()),
            waiting: AtomicBool::new(false),
            has_room: Signal::default(),
        };
        ring.ring.set_reserve(self.reserve.load(Relaxed));
        if ring.try_claim(thread, 2) {
            return Some(Arc::new(ring));
        }
        self.room.give_back(Cost::bytes(bytes));
        None
    }

    /// Returns the version of the list of rings. The consumer loads it at the beginning of each look, after it has read
    /// the horizon. A ring that is added after this load has no record that the look must find: all of them are stamped
    /// after the horizon.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    /// Returns the list of rings. Takes a lock, so the consumer calls it only after a change of the version.
    pub(crate) fn rings(&self) -> Vec<Arc<ThreadRing>> {
        lock(&self.rings).list.clone()
    }

    /// Returns the channel of the threads that do not have a ring.
    pub(crate) fn common(&self) -> &Shared {
        &self.common
    }

    /// Sends a packet whose room was taken through the common channel. Its stamp becomes the maximum of its own and the
    /// last one's. The lock covers the choice of the stamp and the push, so that stamps in the channel ascend.
    pub(crate) fn push_common(&self, packet: Packet) -> bool {
        let mut latest = lock(&self.latest);
        *latest = packet.ticks.max(*latest);
        self.common.announce();
        self.common.push(Packet { ticks: *latest, ..packet })
    }

    /// Frees rings that have neither an owner nor records, except for [`SPARE_RINGS`]. Called by the handler's thread,
    /// about once a second.
    ///
    /// The lock of the list excludes claims meanwhile. The acquire load of `owned` pairs with the release store of an
    /// owner that has ended, so `is_empty` sees everything that it published.
    pub(crate) fn trim(&self) {
        let mut rings = lock(&self.rings);
        let mut spare = 0;
        let (before, mut freed) = (rings.list.len(), 0);
        // The oldest are the largest.
        rings.list.retain(|ring| {
            let idle = !ring.owned.load(Acquire) && ring.ring.is_empty();
            spare += usize::from(idle);
            let keep = !idle || spare <= SPARE_RINGS;
            if !keep {
                self.retired.fetch_add(ring.ring.records(), Release);
                freed += ring.bytes();
            }
            keep
        });
        if rings.list.len() != before {
            rings.bytes -= freed;
            self.room.give_back(Cost::bytes(freed));
            self.version.fetch_add(1, Release);
        }
    }

    /// Wakes callers whose rings are half free. The handler's thread calls this after it has freed words.
    pub(crate) fn wake_owners<'r>(rings: impl Iterator<Item = &'r ThreadRing>) {
        // Pairs with that in `wait_for`.
        fence(SeqCst);
        rings.for_each(ThreadRing::wake_owner);
    }

    /// Wakes all callers that wait. The queue is closed before this is called.
    pub(crate) fn close(&self) {
        self.room.close();
        let rings = lock(&self.rings);
        fence(SeqCst);
        rings.list.iter().filter(|ring| ring.waiting.load(Relaxed)).for_each(|ring| ring.has_room.set());
    }

    /// Discards all records in rings, and passes their headers to `each`. Called only after the consumer has ended, by
    /// one thread at a time: it takes the consumer's part in the protocol.
    pub(crate) fn discard(&self, mut each: impl FnMut(Header)) {
        for ring in &lock(&self.rings).list {
            let (mut at, until) = (ring.ring.head(), ring.ring.published());
            while let Some(frame) = ring.frame(at, until) {
                at = match frame {
                    Frame::Thread => at + 1,
                    Frame::Record { header, words, .. } => {
                        each(header);
                        at + words
                    }
                    Frame::Broken => until,
                };
            }
            ring.ring.free(until);
            while ring.next_spilled().is_some() {}
        }
    }

    /// Returns how many records were published since the queue was made: the sum over the rings in the list, those that
    /// were freed, and the common channel. Under the lock of the list, so that a ring that is being freed is counted
    /// once.
    pub(crate) fn published(&self) -> u64 {
        let rings = lock(&self.rings);
        let in_rings = rings.list.iter().map(|ring| ring.ring.records()).sum::<u64>();
        // A ring moves from the list to `retired` under the lock, which is held here: it is counted in one of the two.
        self.retired.load(Acquire) + in_rings + self.common.published()
    }

    /// In a child of `fork`; see [`Shared::abandon`].
    pub(crate) fn abandon(&mut self) {
        self.common.abandon();
    }
}

impl ThreadRing {
    /// Makes the calling thread the owner and announces it in the ring. Returns `false` if the ring has an owner, or if
    /// less than one part in `share` of it is free.
    fn try_claim(&self, thread: &Arc<ThreadInfo>, share: usize) -> bool {
        // Acquire: pairs with `release`, so that this thread continues at the last owner's positions.
        if self.owned.load(Acquire)
            || !self.ring.fits(self.ring.capacity() / share, true)
            || !self.room.try_take(Cost::bytes(ANNOUNCEMENT), false)
        {
            return false;
        }
        // Relaxed: claims are made under the lock of the list, which orders them.
        self.owned.store(true, Relaxed);
        // Before the word that announces it; see "The side queue".
        lock(&self.spilled).push_back(Spilled::Thread(thread.clone()));
        self.ring.push_control(Header::NEW_THREAD.word())
    }

    /// Ends the ownership of the calling thread.
    pub(crate) fn release(&self) {
        // Release: pairs with `try_claim`. The next owner sees the positions of this one.
        self.owned.store(false, Release);
    }

    #[inline(always)]
    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    fn bytes(&self) -> usize {
        self.ring.capacity() * 8
    }

    /// Returns the length in words of a record with a payload of this many bytes, or `None` if its payload is to be
    /// spilled.
    pub(crate) fn words(&self, payload: usize) -> Option<usize> {
        let words = HEADER_WORDS + payload / 8;
        (words <= self.ring.capacity() / 4).then_some(words)
    }

    /// Publishes an encoded record of `words` words. Returns `false` if there is no room.
    pub(crate) fn push_bytes(&self, words: usize, is_severe: bool, header: Header, ticks: u64, payload: &[u8]) -> bool {
        self.ring.push(words, is_severe, |writer| {
            writer.word(header.with_words(words).word());
            writer.word(ticks);
            Encoded(payload).put(writer);
        })
    }

    /// Returns the cost of a spilled payload of this many bytes.
    pub(crate) fn spilled_cost(&self, payload: usize) -> Cost {
        self.room.cost(payload + SPILL_OVERHEAD)
    }

    /// Publishes a record whose payload is spilled and whose cost was taken. Returns `false` if the ring has no room
    /// for its header.
    ///
    /// The ring is asked for room before the payload is queued, and only its owner fills it, so the push that follows
    /// succeeds, even if the reserve grows meanwhile: it may take that. Otherwise the side queue would have an entry
    /// that no word announces, and every later entry would be attributed to the wrong record.
    pub(crate) fn push_spilled(&self, is_severe: bool, header: Header, ticks: u64, payload: &[u8]) -> bool {
        if !self.ring.fits(HEADER_WORDS, is_severe) {
            return false;
        }
        lock(&self.spilled).push_back(Spilled::Payload(payload.into()));
        self.ring.push(HEADER_WORDS, true, |writer| {
            writer.word(header.spilled().word());
            writer.word(ticks);
        })
    }

    /// Waits until the ring has room for a record of `words` words, the deadline `until`, or the queue is closed.
    /// Returns whether there is room. Called by the owner.
    ///
    /// No wake-up is lost, by the argument of `room`: the owner writes `waiting` and then reads the ring's head; the
    /// consumer moves the head and then reads `waiting`; each has a fence in between.
    pub(crate) fn wait_for(
        &self,
        words: usize,
        is_severe: bool,
        until: Option<Instant>,
        is_closed: impl Fn() -> bool,
    ) -> bool {
        let fits = || self.ring.fits(words, is_severe);
        loop {
            self.has_room.reset();
            self.waiting.store(true, Relaxed);
            fence(SeqCst);
            // `fits` before the wait: the consumer may have freed words before it could see `waiting`.
            let is_over = fits() || is_closed() || !self.has_room.wait(until);
            self.waiting.store(false, Relaxed);
            // A wake-up comes when half of the ring is free, which may not be enough for a long record.
            if is_over || fits() {
                return fits();
            }
        }
    }

    /// Wakes the owner if it waits and half of the ring is free.
    #[inline]
    pub(crate) fn wake_owner(&self) {
        // The swap: one signal per wait.
        if self.waiting.load(Relaxed) && self.ring.is_half_free() && self.waiting.swap(false, AcqRel) {
            self.has_room.set();
        }
    }

    /// Reads what begins at `at`, or returns `None` at the end of what is published. Called by the consumer only.
    #[inline]
    pub(crate) fn frame(&self, at: u64, until: u64) -> Option<Frame> {
        let left = until.saturating_sub(at);
        if left == 0 {
            return None;
        }
        let header = Header::from_word(self.ring.word(at));
        if header == Header::NEW_THREAD {
            return Some(Frame::Thread);
        }
        let words = header.words() as u64;
        Some(match words < HEADER_WORDS as u64 || words > left {
            true => Frame::Broken,
            false => Frame::Record { header, ticks: self.ring.word(at + 1), words },
        })
    }

    /// Takes the entry that belongs to the announcing word, and gives its room back. Called by the consumer only, once
    /// per announcing word that it passes and in their order.
    pub(crate) fn next_spilled(&self) -> Option<Spilled> {
        let spilled = lock(&self.spilled).pop_front();
        self.room.give_back(match &spilled {
            Some(Spilled::Payload(payload)) => self.spilled_cost(payload.len()),
            Some(Spilled::Thread(_)) => Cost::bytes(ANNOUNCEMENT),
            None => Cost::NOTHING,
        });
        spilled
    }
}
