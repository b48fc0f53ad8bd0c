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

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use smallvec::SmallVec;

use super::room::{Cost, Room};
use crate::record::{Header, ThreadInfo};
use crate::sync::{AtomicU64, Ordering::*};

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
        Self { room, sender, receiver, published: AtomicU64::new(0) }
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
        let packet = self.receiver.try_recv().ok()?;
        let cost = self.cost(packet.payload.len());
        Some((packet, cost))
    }

    /// Takes a packet out and gives its room back.
    pub(crate) fn pop(&self) -> Option<Packet> {
        let (packet, cost) = self.pop_owing()?;
        self.room.give_back(cost);
        Some(packet)
    }

    /// Returns how many records the channel holds.
    pub(crate) fn len(&self) -> usize {
        self.receiver.len()
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
