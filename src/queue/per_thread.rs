//! One ring per logging thread: who owns which ring, what does not fit into words, and how much memory it all takes.
//!
//! A thread claims a ring with its first record and gives it back when it ends; the next thread that comes goes on
//! where the last one stopped. Claims happen under the lock of the list, so a ring has one producer at a time. The
//! release store of `owned` by the one thread and the acquire load by the next order their writes.
//!
//! Everything that a queue holds is taken out of one [`Room`]: rings, payloads beside them, and what is in the common
//! channel. Rings may have three quarters of it. They are as large as was asked for until they have half of their share;
//! later ones are smaller, down to 4 KiB. With 64 MiB and rings of 256 KiB, a hundred threads have large rings and 2,300
//! more have small ones.
//!
//! A thread that finds no room for a ring writes into the **common channel**, for as long as it lives. The channel's
//! records are in the order of their stamps: a record that is stamped earlier than the last one in it gets that one's
//! stamp. That breaks no causality (what it causes is stamped later still) and lets the consumer treat the channel as one
//! more ring.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::ring::Ring;
use super::room::{Cost, Room};
use super::shared::{Packet, Shared};
use crate::record::{Encoded, HEADER_WORDS, Header, Payload, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*, Signal, fence};
use crate::value::WordSink;

/// How many rings without a thread are kept for later threads.
const SPARE_RINGS: usize = if cfg!(loom) { 0 } else { 16 };

/// The size of the smallest ring that is made where a larger one was asked for, in bytes.
const SMALLEST_RING: usize = 4096;

/// How many rings of the smallest kind the last of the memory for rings is divided into.
const SHARES: usize = 512;

/// What the announcement of a thread counts as, in bytes: its name and number are kept until it is read.
const ANNOUNCEMENT: usize = 256;

/// What a payload beside the ring counts as besides its length, in bytes.
const ASIDE: usize = 64;

/// The rings of one queue.
pub(crate) struct PerThread {
    /// The size that was asked for.
    bytes: usize,
    /// How many bytes all rings may take.
    limit: usize,
    room: Arc<Room>,
    rings: Mutex<Rings>,
    /// Grows with every change of `rings`.
    version: AtomicU64,
    /// Records published through rings that are no more.
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

/// A ring and what goes beside it.
pub(crate) struct ThreadRing {
    ring: Ring,
    room: Arc<Room>,
    owned: AtomicBool,
    /// In the order of the words in the ring that announce them.
    aside: Mutex<VecDeque<Aside>>,
    /// Whether the owner waits for `has_room`.
    waiting: AtomicBool,
    has_room: Signal,
}

/// What the ring only announces.
pub(crate) enum Aside {
    Thread(Arc<ThreadInfo>),
    Payload(Box<[u8]>),
}

/// What comes next in a ring.
pub(crate) enum Frame {
    /// The next records come from the thread that is next in the side queue. One word.
    Thread,
    /// A record of so many words.
    Record { header: Header, ticks: u64, words: u64 },
    /// Words that no record begins with.
    Broken,
}

impl PerThread {
    /// Makes a queue of rings of `bytes` bytes that takes `most` bytes in all.
    pub(crate) fn new(bytes: usize, most: usize) -> Self {
        let bytes = bytes.div_ceil(8).next_power_of_two().max(8) * 8;
        let room = Arc::new(Room::new(usize::MAX, most, most / 4));
        Self {
            bytes,
            limit: most / 4 * 3,
            common: Shared::within(room.clone()),
            room,
            rings: Mutex::new(Rings::default()),
            version: AtomicU64::new(0),
            retired: AtomicU64::new(0),
            latest: Mutex::new(0),
        }
    }

    /// Gives the calling thread a ring of its own, which it must [`release`](ThreadRing::release). If there is none, the
    /// thread has the common channel.
    pub(crate) fn claim(&self, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        let mut rings = lock(&self.rings);
        let adopt = |list: &[Arc<ThreadRing>], share| list.iter().find(|ring| ring.adopt(thread, share)).cloned();
        // A ring that is more than half full is taken if no other can be made.
        if let Some(ring) = adopt(&rings.list, 2) {
            return Some(ring);
        }
        let Some(ring) = self.make(&rings, thread) else {
            return adopt(&rings.list, 4);
        };
        rings.bytes += ring.bytes();
        rings.list.push(ring.clone());
        // Release: a consumer that sees the records also sees that there is a ring to look at.
        self.version.fetch_add(1, Release);
        Some(ring)
    }

    /// Makes a ring if there is memory for it.
    fn make(&self, rings: &Rings, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        let left = self.limit.saturating_sub(rings.bytes);
        let bytes = if left >= self.limit / 2 {
            self.bytes
        } else {
            let share = (left / SHARES).max(SMALLEST_RING);
            self.bytes.min(1 << share.ilog2())
        };
        if bytes > left || !self.room.try_take(Cost::bytes(bytes)) {
            return None;
        }
        let ring = ThreadRing {
            ring: Ring::new(bytes / 8),
            room: self.room.clone(),
            owned: AtomicBool::new(false),
            aside: Mutex::new(VecDeque::new()),
            waiting: AtomicBool::new(false),
            has_room: Signal::default(),
        };
        if ring.adopt(thread, 2) {
            return Some(Arc::new(ring));
        }
        self.room.give_back(Cost::bytes(bytes));
        None
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    pub(crate) fn rings(&self) -> Vec<Arc<ThreadRing>> {
        lock(&self.rings).list.clone()
    }

    /// The channel of the threads that have no ring.
    pub(crate) fn common(&self) -> &Shared {
        &self.common
    }

    /// Sends a packet whose room was taken through the common channel.
    pub(crate) fn push_common(&self, packet: Packet) -> bool {
        let mut latest = lock(&self.latest);
        *latest = packet.ticks.max(*latest);
        self.common.announce();
        self.common.push(Packet { ticks: *latest, ..packet })
    }

    /// Lets go of rings that have neither a thread nor records, but for a few.
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

    /// Wakes callers whose rings are half free again. The queue's thread calls this after it has freed words.
    pub(crate) fn wake_owners<'r>(rings: impl Iterator<Item = &'r ThreadRing>) {
        // Pairs with that in `wait_for`.
        fence(SeqCst);
        rings.for_each(ThreadRing::wake_owner);
    }

    /// Wakes all callers that wait; the queue was closed before.
    pub(crate) fn close(&self) {
        self.room.close();
        let rings = lock(&self.rings);
        fence(SeqCst);
        rings.list.iter().filter(|ring| ring.waiting.load(Relaxed)).for_each(|ring| ring.has_room.set());
    }

    /// Takes out and forgets all records in rings, telling `each` their headers. Only once the consumer is gone.
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
            while ring.next_aside().is_some() {}
        }
    }

    /// How many records were ever published.
    pub(crate) fn published(&self) -> u64 {
        let rings = lock(&self.rings);
        let in_rings = rings.list.iter().map(|ring| ring.ring.records()).sum::<u64>();
        self.retired.load(Acquire) + in_rings + self.common.published()
    }

    /// In a child of `fork`; see [`Shared::abandon`].
    pub(crate) fn abandon(&mut self) {
        self.common.abandon();
    }
}

impl ThreadRing {
    /// Makes the calling thread the owner, unless there is one or less than one part in `share` is free, and says in the
    /// ring whose records follow.
    fn adopt(&self, thread: &Arc<ThreadInfo>, share: usize) -> bool {
        // Acquire: pairs with `release`, so that this thread goes on from the last one's positions.
        if self.owned.load(Acquire)
            || !self.ring.fits(self.ring.capacity() / share)
            || !self.room.try_take(Cost::bytes(ANNOUNCEMENT))
        {
            return false;
        }
        self.owned.store(true, Relaxed);
        lock(&self.aside).push_back(Aside::Thread(thread.clone()));
        self.ring.push_control(Header::NEW_THREAD.word())
    }

    /// Ends the calling thread's ownership.
    pub(crate) fn release(&self) {
        self.owned.store(false, Release);
    }

    #[inline(always)]
    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    fn bytes(&self) -> usize {
        self.ring.capacity() * 8
    }

    /// How many words a record with a payload of this many bytes takes, if it is small enough for the ring.
    pub(crate) fn words(&self, payload: usize) -> Option<usize> {
        let words = HEADER_WORDS + payload / 8;
        (words <= self.ring.capacity() / 4).then_some(words)
    }

    /// Publishes an encoded record of so many words, if there is room.
    pub(crate) fn push_bytes(&self, words: usize, header: Header, ticks: u64, payload: &[u8]) -> bool {
        self.ring.push(words, |writer| {
            writer.word(header.with_words(words).word());
            writer.word(ticks);
            Encoded(payload).put(writer);
        })
    }

    /// What a payload beside the ring costs.
    pub(crate) fn aside_cost(&self, payload: usize) -> Cost {
        self.room.cost(payload + ASIDE)
    }

    /// Publishes a record whose payload is beside the ring and whose cost was taken, if there is room for its header.
    pub(crate) fn push_aside(&self, header: Header, ticks: u64, payload: &[u8]) -> bool {
        if !self.ring.fits(HEADER_WORDS) {
            return false;
        }
        lock(&self.aside).push_back(Aside::Payload(payload.into()));
        self.ring.push(HEADER_WORDS, |writer| {
            writer.word(header.aside().word());
            writer.word(ticks);
        })
    }

    /// Waits until the ring has room for so many words, the moment has come, or the queue is closed. Returns whether
    /// there is room. Called by the owner.
    ///
    /// No wake-up is lost, by the same argument as in `room`: the owner announces itself and then looks at the ring's
    /// head; the consumer moves the head and then looks for owners that wait.
    pub(crate) fn wait_for(&self, words: usize, until: Option<Instant>, is_closed: impl Fn() -> bool) -> bool {
        loop {
            self.has_room.reset();
            self.waiting.store(true, Relaxed);
            fence(SeqCst);
            let is_over = self.ring.fits(words) || is_closed() || !self.has_room.wait(until);
            self.waiting.store(false, Relaxed);
            if is_over || self.ring.fits(words) {
                return self.ring.fits(words);
            }
        }
    }

    /// Wakes the owner if it waits and half of the ring is free.
    #[inline]
    pub(crate) fn wake_owner(&self) {
        if self.waiting.load(Relaxed) && self.ring.is_half_free() && self.waiting.swap(false, AcqRel) {
            self.has_room.set();
        }
    }

    /// What stands at `at`, if anything was published there before `until`. Called by the consumer only.
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

    /// Takes what the next announcing word announces. Called by the consumer only.
    pub(crate) fn next_aside(&self) -> Option<Aside> {
        let aside = lock(&self.aside).pop_front();
        self.room.give_back(match &aside {
            Some(Aside::Payload(payload)) => self.aside_cost(payload.len()),
            Some(Aside::Thread(_)) => Cost::bytes(ANNOUNCEMENT),
            None => Cost::NOTHING,
        });
        aside
    }
}
