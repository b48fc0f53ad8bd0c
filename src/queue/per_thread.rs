//! One ring per logging thread: who owns which ring, and what does not fit into words.
//!
//! A thread claims a ring with its first record and gives it back when it ends; the next thread that comes goes on
//! where the last one stopped. Claims happen under the lock of the list, so a ring has one producer at a time. The
//! release store of `owned` by the one thread and the acquire load by the next order their writes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ring::Ring;
use crate::record::{Encoded, HEADER_WORDS, Header, Payload, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*};
use crate::value::{Reader, Sink};

/// How many rings without a thread are kept for later threads.
const SPARE_RINGS: usize = if cfg!(loom) { 0 } else { 16 };

/// The rings of one queue.
pub(crate) struct PerThread {
    words: usize,
    rings: Mutex<Vec<Arc<ThreadRing>>>,
    /// Grows with every change of `rings`.
    version: AtomicU64,
    /// Records published through rings that are no more.
    retired: AtomicU64,
}

/// A ring and what goes beside it.
pub(crate) struct ThreadRing {
    ring: Ring,
    owned: AtomicBool,
    /// In the order of the words in the ring that announce them.
    aside: Mutex<VecDeque<Aside>>,
    /// How many bytes of payload are aside.
    aside_bytes: AtomicU64,
}

/// What the ring only announces.
pub(crate) enum Aside {
    Thread(Arc<ThreadInfo>),
    Payload(Box<[u8]>),
}

impl PerThread {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            words: bytes.div_ceil(8),
            rings: Mutex::new(Vec::new()),
            version: AtomicU64::new(0),
            retired: AtomicU64::new(0),
        }
    }

    /// Gives the calling thread a ring of its own, which it must [`release`](ThreadRing::release).
    pub(crate) fn claim(&self, thread: &Arc<ThreadInfo>) -> Arc<ThreadRing> {
        let mut rings = lock(&self.rings);
        let free = rings.iter().find(|ring| ring.try_own() && ring.announce(thread));
        if let Some(ring) = free {
            return ring.clone();
        }
        let ring = Arc::new(ThreadRing {
            ring: Ring::new(self.words),
            owned: AtomicBool::new(true),
            aside: Mutex::new(VecDeque::new()),
            aside_bytes: AtomicU64::new(0),
        });
        ring.announce(thread);
        rings.push(ring.clone());
        // Release: a consumer that sees the records also sees that there is a ring to look at.
        self.version.fetch_add(1, Release);
        ring
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    pub(crate) fn rings(&self) -> Vec<Arc<ThreadRing>> {
        lock(&self.rings).clone()
    }

    /// Lets go of rings that have neither a thread nor records, but for a few.
    pub(crate) fn trim(&self) {
        let mut rings = lock(&self.rings);
        let mut spare = 0;
        let before = rings.len();
        rings.retain(|ring| {
            let idle = !ring.owned.load(Acquire) && ring.ring.is_empty();
            spare += usize::from(idle);
            let keep = !idle || spare <= SPARE_RINGS;
            if !keep {
                self.retired.fetch_add(ring.ring.records(), Release);
            }
            keep
        });
        if rings.len() != before {
            self.version.fetch_add(1, Release);
        }
    }

    /// Takes out and forgets all records, telling `each` their headers. Only once the consumer is gone.
    pub(crate) fn discard(&self, mut each: impl FnMut(Header)) {
        for ring in lock(&self.rings).iter() {
            let mut bytes = Vec::new();
            ring.ring.take(&mut bytes);
            let mut words = bytes.as_slice();
            while !words.is_empty() {
                let header = Header::from_word(Reader::new(words).word());
                if header != Header::NEW_THREAD {
                    each(header);
                }
                words = words.get(header.words().max(1) * 8..).unwrap_or_default();
            }
            lock(&ring.aside).clear();
        }
    }

    /// How many records were ever published.
    pub(crate) fn published(&self) -> u64 {
        let rings = lock(&self.rings);
        self.retired.load(Acquire) + rings.iter().map(|ring| ring.ring.records()).sum::<u64>()
    }
}

impl ThreadRing {
    /// Makes the calling thread the owner unless there is one.
    fn try_own(&self) -> bool {
        // Acquire: pairs with `release`, so that this thread goes on from the last one's positions.
        if self.owned.load(Acquire) {
            return false;
        }
        self.owned.store(true, Relaxed);
        true
    }

    /// Says in the ring whose records follow. If half of it is not free, gives it back: a new ring has more room.
    fn announce(&self, thread: &Arc<ThreadInfo>) -> bool {
        if !self.ring.fits(self.ring.capacity() / 2) {
            self.release();
            return false;
        }
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

    /// Publishes an encoded record if there is room; in a block of its own if it is large.
    pub(crate) fn push_bytes(&self, header: Header, ticks: u64, payload: &[u8]) -> bool {
        let words = HEADER_WORDS + payload.len() / 8;
        if words <= self.ring.capacity() / 4 {
            return self.ring.push(words, |writer| {
                writer.word(header.with_words(words).word());
                writer.word(ticks);
                Encoded(payload).put(writer);
            });
        }
        // Large payloads may take as much memory as 64 rings; a single larger one has to wait for the others.
        let aside = self.aside_bytes.load(Acquire);
        let room = (self.ring.capacity() * 8 * 64) as u64;
        if aside > 0 && aside + payload.len() as u64 > room || !self.ring.fits(HEADER_WORDS) {
            return false;
        }
        self.aside_bytes.fetch_add(payload.len() as u64, Relaxed);
        lock(&self.aside).push_back(Aside::Payload(payload.into()));
        self.ring.push(HEADER_WORDS, |writer| {
            writer.word(header.aside().word());
            writer.word(ticks);
        })
    }

    /// Takes what the next announcing word announces. Called by the consumer only.
    pub(crate) fn next_aside(&self) -> Option<Aside> {
        let aside = lock(&self.aside).pop_front();
        if let Some(Aside::Payload(payload)) = &aside {
            self.aside_bytes.fetch_sub(payload.len() as u64, Release);
        }
        aside
    }
}
