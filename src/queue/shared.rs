//! One channel for many threads: the shared transport, and the way of threads that found no room for a ring.

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
    /// How many bytes a payload of this length takes in the channel.
    fn bytes(payload: usize) -> usize {
        // A payload on the heap has a few bytes of the allocator's beside it.
        let aside = if payload > 96 { payload + 32 } else { 0 };
        size_of::<Self>() + aside
    }
}

pub(crate) struct Shared {
    room: Arc<Room>,
    sender: Sender<Packet>,
    receiver: Receiver<Packet>,
    published: AtomicU64,
}

impl Shared {
    /// Makes a channel for `capacity` records, but for no more than `bytes` bytes.
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

    /// Makes a channel whose records take their share of `room`.
    pub(crate) fn within(room: Arc<Room>) -> Self {
        Self::over(room, crossbeam_channel::unbounded())
    }

    fn over(room: Arc<Room>, (sender, receiver): (Sender<Packet>, Receiver<Packet>)) -> Self {
        Self { room, sender, receiver, published: AtomicU64::new(0) }
    }

    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// What a record with a payload of this length takes.
    pub(crate) fn cost(&self, payload: usize) -> Cost {
        self.room.cost(Packet::bytes(payload))
    }

    /// Counts a record that is to be pushed; first, so that nobody sees a record leave and did not see it come.
    pub(crate) fn announce(&self) {
        self.published.fetch_add(1, Relaxed);
    }

    /// Sends a packet whose room was taken. Returns whether that worked, which it always does.
    pub(crate) fn push(&self, packet: Packet) -> bool {
        let cost = self.cost(packet.payload.len());
        let sent = self.sender.try_send(packet).is_ok();
        if !sent {
            self.room.give_back(cost);
        }
        sent
    }

    /// Takes a packet out and says what it took; whoever calls this gives that back.
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

    /// How many records the channel holds.
    pub(crate) fn len(&self) -> usize {
        self.receiver.len()
    }

    /// How many records were ever announced.
    pub(crate) fn published(&self) -> u64 {
        self.published.load(Acquire)
    }

    /// Leaves the channel as it is, for ever. In a child of `fork` a thread that is not there may have been in the midst
    /// of using it, and the channel's destructor would wait for that thread.
    pub(crate) fn abandon(&mut self) {
        let (sender, receiver) = crossbeam_channel::bounded(0);
        std::mem::forget(std::mem::replace(&mut self.sender, sender));
        std::mem::forget(std::mem::replace(&mut self.receiver, receiver));
    }
}
