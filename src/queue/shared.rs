//! One channel for all threads, for programs with more threads than rings are worth.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use smallvec::SmallVec;

use crate::record::{Header, ThreadInfo};
use crate::sync::{AtomicU64, Ordering::*};

/// A record in the channel. Short payloads travel inside it.
pub(crate) struct Packet {
    pub(crate) header: Header,
    pub(crate) ticks: u64,
    pub(crate) thread: Arc<ThreadInfo>,
    pub(crate) payload: SmallVec<[u8; 96]>,
}

pub(crate) struct Shared {
    sender: Sender<Packet>,
    receiver: Receiver<Packet>,
    published: AtomicU64,
}

impl Shared {
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        let (sender, receiver) = match capacity {
            Some(capacity) => crossbeam_channel::bounded(capacity),
            None => crossbeam_channel::unbounded(),
        };
        Self { sender, receiver, published: AtomicU64::new(0) }
    }

    /// Counts a record that is to be pushed; first, so that nobody sees a record leave and did not see it come.
    pub(crate) fn announce(&self) {
        self.published.fetch_add(1, Relaxed);
    }

    /// Sends a packet, or gives it back if the channel is full.
    #[expect(clippy::result_large_err, reason = "the caller goes on with the packet")]
    pub(crate) fn push(&self, packet: Packet) -> Result<(), Packet> {
        self.sender.try_send(packet).map_err(|error| match error {
            TrySendError::Full(packet) | TrySendError::Disconnected(packet) => packet,
        })
    }

    pub(crate) fn pop(&self) -> Option<Packet> {
        self.receiver.try_recv().ok()
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
