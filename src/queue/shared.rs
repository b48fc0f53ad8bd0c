//! One channel for many threads: `Transport::Shared`, and the common channel of threads that have no ring.
//!
//! The channel itself is not the limit: a sender first takes room from a [`Room`] and then sends, so that a caller that
//! waits sleeps in the room's line, and a send never blocks.
//!
//! ```text
//! caller                                   handler's thread
//! announce     published += 1
//! take room    used += cost
//! send         ──────── packet ────────▶   pop_owing: packet, cost
//!                                          give_back: used -= cost, wakes the first callers in the line
//! ```
//!
//! Several threads may pop: the handler's, callers with `OverflowPolicy::DropOldest`, and whoever sweeps the queue
//! after its end. Whoever pops a packet gives its room back and counts its outcome.
//!
//! # Severe records that are the oldest
//!
//! With `DropOldest` and a reserve, a caller that makes room must not drop a severe record while there are others. It
//! moves severe packets that it pops to `kept`, where they keep their room. They are older than all in the channel, so
//! whoever pops takes those in `kept` first. The lock of `kept` is held over both steps of a move, and by whoever pops:
//! otherwise a packet could leave the channel while an older one is on its way to `kept`.
//!
//! ```text
//!                          kept     channel           capacity 4, `E` is severe
//!                                   d1 E2 d3 d4
//! d5 comes, d1 is dropped           E2 d3 d4 d5
//! d6 comes, d3 is dropped  E2       d4 d5 d6
//! the handler's thread takes E2, then d4 …
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use smallvec::SmallVec;

use super::room::{Cost, Room};
use crate::record::{Header, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*};

/// A record in the channel. Short payloads travel inside it.
pub(crate) struct Packet {
    pub(crate) header: Header,
    pub(crate) ticks: u64,
    pub(crate) thread: Arc<ThreadInfo>,
    pub(crate) payload: SmallVec<[u8; 96]>,
}

impl Packet {
    /// Returns how many bytes a record with a payload of this length takes in the channel.
    fn bytes(payload: usize) -> usize {
        // 32 bytes stand for what the allocator adds to a payload on the heap.
        let on_heap = if payload > 96 { payload + 32 } else { 0 };
        size_of::<Self>() + on_heap
    }
}

/// A channel, the room that its packets take, and the number of records that were announced.
pub(crate) struct Shared {
    room: Arc<Room>,
    sender: Sender<Packet>,
    /// Kept here so that callers and sweeps can pop as well, and so that the channel is never disconnected.
    receiver: Receiver<Packet>,
    published: AtomicU64,
    /// Severe packets that are older than those in the channel.
    kept: Mutex<VecDeque<Packet>>,
    /// Whether `kept` is in use, and may not be empty. Once set, it stays so.
    keeps: AtomicBool,
}

/// What a caller that makes room has found.
pub(crate) enum Evicted {
    Packet(Packet),
    /// Nothing: other callers have taken the room and not yet sent their records.
    Nothing,
    /// Only severe records, which this caller's record must not drop.
    OnlySevere,
}

impl Shared {
    /// Makes a channel for up to `capacity` records that take up to `bytes` bytes.
    pub(crate) fn new(capacity: Option<usize>, bytes: usize) -> Self {
        let most = (bytes / size_of::<Packet>()).max(1);
        let capacity = capacity.map(|capacity| capacity.min(most));
        let room = Arc::new(Room::served_when_half_free(capacity.unwrap_or(usize::MAX), bytes));
        let channel = match capacity {
            Some(capacity) => crossbeam_channel::bounded(capacity),
            None => crossbeam_channel::unbounded(),
        };
        Self::over(room, channel)
    }

    /// Makes a channel whose records take room from `room`, which others share.
    pub(crate) fn within(room: Arc<Room>) -> Self {
        Self::over(room, crossbeam_channel::unbounded())
    }

    fn over(room: Arc<Room>, (sender, receiver): (Sender<Packet>, Receiver<Packet>)) -> Self {
        let (kept, keeps) = (Mutex::new(VecDeque::new()), AtomicBool::new(false));
        Self { room, sender, receiver, published: AtomicU64::new(0), kept, keeps }
    }

    /// Reserves this share of the room for severe records, in percent. `keeps` says whether callers may drop records
    /// that were sent.
    pub(crate) fn set_reserve(&self, percent: u8, keeps: bool) {
        self.room.set_reserve(percent);
        if keeps && percent > 0 {
            self.keeps.store(true, Release);
        }
    }

    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// Returns the cost of a record with a payload of this length.
    pub(crate) fn cost(&self, payload: usize) -> Cost {
        self.room.cost(Packet::bytes(payload))
    }

    /// Counts a record as published. Called before the push: a snapshot of the counters that sees a record leave the
    /// queue has also seen it enter.
    pub(crate) fn announce(&self) {
        self.published.fetch_add(1, Relaxed);
    }

    /// Sends a packet whose room was taken. Returns whether it was sent; with room taken, it is.
    pub(crate) fn push(&self, packet: Packet) -> bool {
        let cost = self.cost(packet.payload.len());
        let sent = self.sender.try_send(packet).is_ok();
        if !sent {
            self.room.give_back(cost);
        }
        sent
    }

    /// Takes a packet out and returns its cost, which the caller gives back to the room. The worker adds up the costs
    /// of many packets and gives them back at once: each giving back is a fence, and possibly a walk along the line.
    pub(crate) fn pop_owing(&self) -> Option<(Packet, Cost)> {
        let packet = if self.keeps.load(Acquire) {
            let mut kept = lock(&self.kept);
            kept.pop_front().or_else(|| self.receiver.try_recv().ok())?
        } else {
            self.receiver.try_recv().ok()?
        };
        let cost = self.cost(packet.payload.len());
        Some((packet, cost))
    }

    /// Takes a packet out and gives its room back.
    pub(crate) fn pop(&self) -> Option<Packet> {
        let (packet, cost) = self.pop_owing()?;
        self.room.give_back(cost);
        Some(packet)
    }

    /// Takes the oldest packet out that a new record may drop, and gives its room back. Records of the level with the
    /// number `severe_from` and above are severe: they are kept as long as there are others, and a record that is not
    /// severe itself drops none of them.
    pub(crate) fn evict(&self, severe_from: u8, is_severe: bool) -> Evicted {
        if !self.keeps.load(Acquire) {
            return self.pop().map_or(Evicted::Nothing, Evicted::Packet);
        }
        let mut kept = lock(&self.kept);
        let ordinary = loop {
            match self.receiver.try_recv() {
                Ok(packet) if packet.header.level() as u8 >= severe_from => kept.push_back(packet),
                other => break other.ok(),
            }
        };
        let evicted = match ordinary {
            None if !is_severe && !kept.is_empty() => return Evicted::OnlySevere,
            None => kept.pop_front(),
            some => some,
        };
        drop(kept);
        let Some(packet) = evicted else { return Evicted::Nothing };
        self.room.give_back(self.cost(packet.payload.len()));
        Evicted::Packet(packet)
    }

    /// Returns how many records the channel holds.
    pub(crate) fn len(&self) -> usize {
        let kept = if self.keeps.load(Acquire) { lock(&self.kept).len() } else { 0 };
        kept + self.receiver.len()
    }

    /// Returns how many records were announced since the queue was made.
    pub(crate) fn published(&self) -> u64 {
        self.published.load(Acquire)
    }

    /// Leaks the channel. In a child of `fork`, a thread that exists only in the parent may have been in the middle of
    /// a channel operation, and the channel's destructor would wait for that thread.
    pub(crate) fn abandon(&mut self) {
        let (sender, receiver) = crossbeam_channel::bounded(0);
        std::mem::forget(std::mem::replace(&mut self.sender, sender));
        std::mem::forget(std::mem::replace(&mut self.receiver, receiver));
    }
}
