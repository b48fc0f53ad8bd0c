//! The records that were taken out of the queue and not yet handled, in the order in which they are to be handled.
//!
//! A shared channel hands records out in the order in which they came into it. With rings, records of one thread are in
//! order in theirs; across threads, the one with the earliest stamp goes first.
//! **Causality holds**: if one record was logged before another was begun, by whatever threads, it comes first. For that,
//! `horizon` is read before any ring is looked at, and no record stamped later is handed out before the next look:
//! a record that had been there to cause it would have been seen by then, because its stamp is not later.
//!
//! A processor may read its cycle counter a little before the instructions that precede the reading, so the horizon
//! is set back by a microsecond, which is longer than any processor looks ahead.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::queue::{Aside, Lane, Packet, PerThread, ThreadRing};
use crate::record::{HEADER_WORDS, Header, ThreadInfo};
use crate::value::Reader;

/// How many records of a shared channel are taken at once.
const PACKETS: usize = 4096;

pub(super) enum Inbox {
    PerThread { version: Option<u64>, rings: Vec<RingInbox> },
    Shared { packets: VecDeque<Packet> },
}

/// What was taken out of one ring.
pub(super) struct RingInbox {
    ring: Arc<ThreadRing>,
    /// The thread that the next record comes from.
    thread: Arc<ThreadInfo>,
    /// What was taken out, as bytes.
    bytes: Vec<u8>,
    /// Where in `bytes` the next record begins.
    at: usize,
}

/// A record that is next.
pub(super) struct Next<'a> {
    pub(super) header: Header,
    pub(super) ticks: u64,
    pub(super) thread: &'a Arc<ThreadInfo>,
    pub(super) payload: &'a [u8],
}

impl Inbox {
    pub(super) fn new(lane: &Lane) -> Self {
        match lane {
            Lane::PerThread(_) => Inbox::PerThread { version: None, rings: Vec::new() },
            Lane::Shared(_) => Inbox::Shared { packets: VecDeque::new() },
        }
    }

    /// Takes everything out of the queue. Returns how much was there: bytes, or records of a shared channel.
    pub(super) fn look(&mut self, lane: &Lane) -> usize {
        match (self, lane) {
            (Inbox::PerThread { version, rings }, Lane::PerThread(lane)) => {
                let current = lane.version();
                if *version != Some(current) {
                    *version = Some(current);
                    update(rings, lane);
                }
                rings.iter_mut().map(RingInbox::look).sum()
            }
            (Inbox::Shared { packets }, Lane::Shared(lane)) => {
                packets.extend(std::iter::from_fn(|| lane.pop()).take(PACKETS));
                packets.len()
            }
            _ => 0,
        }
    }

    /// Hands out the records that are stamped `horizon` or earlier, in order. Returns how many there were.
    pub(super) fn drain(&mut self, horizon: u64, mut handle: impl FnMut(Next<'_>)) -> usize {
        let mut count = 0;
        match self {
            Inbox::PerThread { rings, .. } => {
                while let Some((ring, until)) = earliest(rings, horizon) {
                    count += ring.drain(until, &mut handle);
                }
            }
            Inbox::Shared { packets } => {
                while let Some(packet) = packets.pop_front() {
                    let Packet { header, ticks, thread, payload } = &packet;
                    handle(Next { header: *header, ticks: *ticks, thread, payload });
                    count += 1;
                }
            }
        }
        count
    }
}

/// Follows the queue's list of rings. A ring that left the list has nothing in it.
fn update(rings: &mut Vec<RingInbox>, lane: &PerThread) {
    let current = lane.rings();
    rings.retain(|known| !known.is_done() || current.iter().any(|ring| Arc::ptr_eq(ring, &known.ring)));
    for ring in current {
        if !rings.iter().any(|known| Arc::ptr_eq(&ring, &known.ring)) {
            rings.push(RingInbox::new(ring));
        }
    }
}

/// Finds the ring with the earliest record up to `horizon`, and up to when its records go before all others.
fn earliest(rings: &mut [RingInbox], horizon: u64) -> Option<(&mut RingInbox, u64)> {
    let mut first: Option<(usize, u64)> = None;
    let mut until = horizon;
    for (index, ring) in rings.iter_mut().enumerate() {
        let Some(ticks) = ring.next_ticks().filter(|ticks| *ticks <= horizon) else {
            continue;
        };
        match first {
            Some((_, earliest)) if ticks >= earliest => until = until.min(ticks),
            _ => {
                if let Some((_, overtaken)) = first {
                    until = until.min(overtaken);
                }
                first = Some((index, ticks));
            }
        }
    }
    let (index, _) = first?;
    Some((rings.get_mut(index)?, until))
}

impl RingInbox {
    fn new(ring: Arc<ThreadRing>) -> Self {
        let thread = Arc::new(ThreadInfo::unknown());
        Self { ring, thread, bytes: Vec::new(), at: 0 }
    }

    /// Whether everything that was taken out was handed out.
    fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Takes everything out of the ring.
    fn look(&mut self) -> usize {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.ring.ring().take(&mut self.bytes);
        self.bytes.len()
    }

    /// Reads what announces another thread, if that is next, and returns the stamp of the record that then follows.
    fn next_ticks(&mut self) -> Option<u64> {
        loop {
            let mut reader = Reader::new(self.bytes.get(self.at..)?);
            if reader.rest().is_empty() {
                return None;
            }
            if Header::from_word(reader.word()) != Header::NEW_THREAD {
                return Some(reader.word());
            }
            if let Some(Aside::Thread(thread)) = self.ring.next_aside() {
                self.thread = thread;
            }
            self.at += 8;
        }
    }

    /// Hands out records up to one that is stamped later than `until`.
    fn drain(&mut self, until: u64, handle: &mut impl FnMut(Next<'_>)) -> usize {
        let mut count = 0;
        while self.next_ticks().is_some_and(|ticks| ticks <= until) {
            let bytes = self.bytes.get(self.at..).unwrap_or_default();
            let mut reader = Reader::new(bytes);
            let header = Header::from_word(reader.word());
            let ticks = reader.word();
            // A length of zero cannot be; were it, it must not be an endless loop.
            let length = header.words().max(HEADER_WORDS) * 8;
            self.at += length;
            count += 1;
            if header.is_aside() {
                let payload = match self.ring.next_aside() {
                    Some(Aside::Payload(payload)) => payload,
                    _ => Box::default(),
                };
                handle(Next { header, ticks, thread: &self.thread, payload: &payload });
            } else {
                let payload = bytes.get(HEADER_WORDS * 8..length).unwrap_or_default();
                handle(Next { header, ticks, thread: &self.thread, payload });
            }
        }
        count
    }
}
