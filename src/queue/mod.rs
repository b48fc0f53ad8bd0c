//! The queue between callers and a handler's thread.

#[cfg(all(test, loom))]
mod models;
mod per_thread;
mod ring;
mod room;
mod shared;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use per_thread::{Aside, Frame, PerThread, ThreadRing};
pub(crate) use room::Cost;
pub(crate) use shared::{Packet, Shared};

use std::cell::Cell;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Instant;

use smallvec::SmallVec;

use crate::level::Level;
use crate::metrics::{Counters, DropReason, HandlerMetrics};
use crate::policy::{OverflowPolicy, Transport};
use crate::record::{HEADER_WORDS, Header, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*, fence, generation, watch_forks};
use crate::time::Clock;

thread_local! {
    /// Whether this is a handler's thread.
    static CONSUMER: Cell<bool> = const { Cell::new(false) };
}

/// Marks the calling thread as a handler's; what it logs is dropped and counted.
pub(crate) fn become_consumer() {
    CONSUMER.set(true);
}

pub(crate) fn is_consumer() -> bool {
    CONSUMER.try_with(Cell::get).unwrap_or(false)
}

pub(crate) struct Queue {
    pub(crate) name: Arc<str>,
    pub(crate) lane: Lane,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    overflow: OverflowPolicy,
    /// The lowest level that the handler wants.
    threshold: AtomicU8,
    /// The lowest level whose records wake the handler's thread.
    pub(crate) wake_at: u8,
    waker: OnceLock<Thread>,
    closed: AtomicBool,
    /// Whether the handler's thread has ended. The lock makes whoever sweeps the only consumer.
    ended: Mutex<bool>,
    /// The process that has the handler's thread; see [`generation`].
    process: u32,
    /// When the first and the last record of those not yet reported was dropped for want of room.
    first_drop: AtomicU64,
    last_drop: AtomicU64,
}

pub(crate) enum Lane {
    PerThread(PerThread),
    Shared(Shared),
}

/// What a caller that found no room does.
#[derive(Clone, Copy)]
enum Patience {
    GiveUp,
    /// It waits until that moment, or without limit.
    Wait(Option<Instant>),
}

impl Queue {
    /// Makes a queue that takes `bytes` bytes of memory at most.
    pub(crate) fn new(
        name: &str,
        transport: Transport,
        bytes: usize,
        overflow: OverflowPolicy,
        threshold: u8,
        wake_at: u8,
        clock: Clock,
    ) -> Self {
        watch_forks();
        Self {
            name: name.into(),
            lane: match transport {
                Transport::PerThread { bytes: ring } => Lane::PerThread(PerThread::new(ring, bytes)),
                Transport::Shared { capacity } => Lane::Shared(Shared::new(capacity, bytes)),
            },
            clock,
            counters: Counters::default(),
            overflow,
            threshold: AtomicU8::new(threshold),
            wake_at,
            waker: OnceLock::new(),
            closed: AtomicBool::new(false),
            ended: Mutex::new(false),
            process: generation(),
            first_drop: AtomicU64::new(u64::MAX),
            last_drop: AtomicU64::new(0),
        }
    }

    pub(crate) fn threshold(&self) -> u8 {
        self.threshold.load(Relaxed)
    }

    pub(crate) fn set_threshold(&self, threshold: u8) {
        self.threshold.store(threshold, Relaxed);
    }

    /// Claims a ring for the calling thread, if this queue has rings and memory for one.
    pub(crate) fn claim(&self, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        match &self.lane {
            Lane::PerThread(lane) => lane.claim(thread),
            Lane::Shared(_) => None,
        }
    }

    /// Queues an encoded record, however long that takes by the overflow policy, or counts it as dropped. `ring` is the
    /// calling thread's own, if it has one.
    pub(crate) fn push_bytes(
        &self,
        ring: Option<&ThreadRing>,
        thread: &Arc<ThreadInfo>,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) {
        // `payload.into()` would round the capacity up to a power of two.
        let packet = || Packet { header, ticks, thread: thread.clone(), payload: SmallVec::from_slice(payload) };
        match (&self.lane, ring) {
            (Lane::PerThread(_), Some(ring)) => {
                if let Err(reason) = self.push_to_ring(ring, header, ticks, payload) {
                    self.drop_one(reason, header.level());
                }
            }
            (Lane::PerThread(lane), None) => {
                let outcome = self.take_room(lane.common(), lane.common().cost(payload.len()));
                match outcome {
                    Ok(()) => _ = lane.push_common(packet()),
                    Err(reason) => self.drop_one(reason, header.level()),
                }
            }
            (Lane::Shared(lane), _) => {
                lane.announce();
                let outcome = self.take_room(lane, lane.cost(payload.len()));
                match outcome {
                    Ok(()) if lane.push(packet()) => {}
                    Ok(()) => self.drop_published(DropReason::Closed, header.level()),
                    Err(reason) => self.drop_published(reason, header.level()),
                }
            }
        }
    }

    fn push_to_ring(&self, ring: &ThreadRing, header: Header, ticks: u64, payload: &[u8]) -> Result<(), DropReason> {
        let patience = self.patience()?;
        if let Some(words) = ring.words(payload.len()) {
            let push = || ring.push_bytes(words, header, ticks, payload);
            return self.insist(patience, push, |until| self.wait_for_ring(ring, words, until));
        }
        let Lane::PerThread(lane) = &self.lane else { return Err(DropReason::Closed) };
        let (room, cost) = (lane.common().room(), ring.aside_cost(payload.len()));
        self.insist(patience, || room.try_take(cost), |until| room.take(cost, until).map(|()| true))?;
        let push = || ring.push_aside(header, ticks, payload);
        let outcome = self.insist(patience, push, |until| self.wait_for_ring(ring, HEADER_WORDS, until));
        outcome.inspect_err(|_| room.give_back(cost))
    }

    /// Waits until the calling thread's ring has room; says that it is to be tried again.
    fn wait_for_ring(&self, ring: &ThreadRing, words: usize, until: Option<Instant>) -> Result<bool, DropReason> {
        match ring.wait_for(words, until, || self.is_closed()) {
            true => Ok(false),
            false if self.is_closed() => Err(DropReason::Closed),
            false => Err(DropReason::Full),
        }
    }

    /// Takes room in a channel.
    fn take_room(&self, lane: &Shared, cost: Cost) -> Result<(), DropReason> {
        let patience = self.patience()?;
        let take = || lane.room().try_take(cost);
        if self.overflow != OverflowPolicy::DropOldest {
            return self.insist(patience, take, |until| lane.room().take(cost, until).map(|()| true));
        }
        while !take() {
            match lane.pop() {
                Some(oldest) => self.drop_published(DropReason::Full, oldest.header.level()),
                // Others have taken the room and not yet sent what it is for.
                None => std::thread::yield_now(),
            }
            if self.is_closed() {
                return Err(DropReason::Closed);
            }
        }
        Ok(())
    }

    /// What the overflow policy says about waiting, or why the record is not for this queue.
    #[expect(clippy::disallowed_methods, reason = "a wait with a limit needs a clock")]
    fn patience(&self) -> Result<Patience, DropReason> {
        if self.is_closed() || self.is_orphaned() {
            return Err(DropReason::Closed);
        }
        Ok(match self.overflow {
            // A handler's thread that waits for itself, or for one that waits for it, would wait for ever.
            _ if is_consumer() => Patience::GiveUp,
            OverflowPolicy::DropNewest => Patience::GiveUp,
            OverflowPolicy::BlockFor(time) if time.is_zero() => Patience::GiveUp,
            OverflowPolicy::BlockFor(time) => Patience::Wait(Instant::now().checked_add(time)),
            OverflowPolicy::Block | OverflowPolicy::DropOldest => Patience::Wait(None),
        })
    }

    /// Tries until it works or the overflow policy says that it is enough. `wait` sleeps, and says whether the attempt has
    /// been made on the caller's behalf meanwhile.
    fn insist(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> bool,
        mut wait: impl FnMut(Option<Instant>) -> Result<bool, DropReason>,
    ) -> Result<(), DropReason> {
        if attempt() {
            return Ok(());
        }
        self.wake();
        let Patience::Wait(until) = patience else {
            return if attempt() { Ok(()) } else { Err(DropReason::Full) };
        };
        // About a microsecond: room that comes so soon is cheaper to wait for than to sleep for.
        for spins in 0..6 {
            (0..1 << spins).for_each(|_| std::hint::spin_loop());
            if attempt() {
                return Ok(());
            }
        }
        loop {
            if wait(until)? || attempt() {
                return Ok(());
            }
        }
    }

    /// Counts a record that was not published.
    pub(crate) fn drop_one(&self, reason: DropReason, level: Level) {
        self.note_drop(reason);
        self.counters.drop_unpublished(reason, level);
    }

    /// Counts a record that was published and taken out again.
    pub(crate) fn drop_published(&self, reason: DropReason, level: Level) {
        self.note_drop(reason);
        self.counters.drop_published(reason, level);
    }

    fn note_drop(&self, reason: DropReason) {
        if reason == DropReason::Full {
            let now = self.clock.ticks();
            self.first_drop.fetch_min(now, Relaxed);
            self.last_drop.fetch_max(now, Relaxed);
        }
    }

    /// When the records dropped since the last call for want of room were dropped: the first and the last of them, in
    /// ticks.
    pub(crate) fn take_drop_times(&self) -> (u64, u64) {
        let first = self.first_drop.swap(u64::MAX, Relaxed);
        let last = self.last_drop.load(Relaxed);
        // A record that is counted now may have been noted in time for the last call.
        (first.min(last), last)
    }

    /// Whether this process is a child of the one that has the handler's thread.
    pub(crate) fn is_orphaned(&self) -> bool {
        self.process != generation()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Acquire)
    }

    /// Refuses records from now on, and sends callers that wait for room away.
    pub(crate) fn close(&self) {
        self.closed.store(true, Release);
        // Pairs with that of a caller that is about to sleep: it sees that the queue is closed, or is seen.
        fence(SeqCst);
        match &self.lane {
            Lane::PerThread(lane) => lane.close(),
            Lane::Shared(lane) => lane.room().close(),
        }
    }

    /// Says that the handler's thread will not take records any more.
    pub(crate) fn end(&self) {
        *lock(&self.ended) = true;
        self.sweep();
    }

    /// Where there is no handler's thread any more, counts as dropped what callers that were under way still queued.
    fn sweep(&self) {
        let ended = lock(&self.ended);
        let count = |header: Header| self.drop_published(DropReason::Closed, header.level());
        match &self.lane {
            Lane::PerThread(lane) if *ended || self.is_orphaned() => {
                lane.discard(count);
                if *ended {
                    std::iter::from_fn(|| lane.common().pop()).map(|packet| packet.header).for_each(count);
                }
            }
            // Nothing is queued in a child of `fork`, and what its parent had queued is not there for it to count.
            Lane::Shared(lane) if *ended => {
                std::iter::from_fn(|| lane.pop()).map(|packet| packet.header).for_each(count);
            }
            _ => {}
        }
    }

    pub(crate) fn set_waker(&self, thread: Thread) {
        let _ = self.waker.set(thread);
    }

    /// Ends the current sleep of the handler's thread, or its next one.
    #[cold]
    pub(crate) fn wake(&self) {
        if let Some(thread) = self.waker.get() {
            thread.unpark();
        }
    }

    pub(crate) fn metrics(&self) -> HandlerMetrics {
        self.sweep();
        self.counters.snapshot(&self.name, || match &self.lane {
            Lane::PerThread(lane) => lane.published(),
            Lane::Shared(lane) => lane.published(),
        })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.is_orphaned() {
            match &mut self.lane {
                Lane::PerThread(lane) => lane.abandon(),
                Lane::Shared(lane) => lane.abandon(),
            }
        }
    }
}
