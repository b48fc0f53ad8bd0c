//! The queue between callers and a handler's thread.

#[cfg(all(test, loom))]
mod models;
mod per_thread;
mod ring;
mod shared;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use per_thread::{Aside, PerThread, ThreadRing};
pub(crate) use shared::{Packet, Shared};

use std::cell::Cell;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::level::Level;
use crate::metrics::{Counters, DropReason, HandlerMetrics};
use crate::policy::{OverflowPolicy, Transport};
use crate::record::{Header, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*, generation, watch_forks};
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

impl Queue {
    pub(crate) fn new(
        name: &str,
        transport: Transport,
        overflow: OverflowPolicy,
        threshold: u8,
        wake_at: u8,
        clock: Clock,
    ) -> Self {
        watch_forks();
        Self {
            name: name.into(),
            lane: match transport {
                Transport::PerThread { bytes } => Lane::PerThread(PerThread::new(bytes)),
                Transport::Shared { capacity } => Lane::Shared(Shared::new(capacity)),
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

    /// Claims a ring for the calling thread, if this queue has rings.
    pub(crate) fn claim(&self, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        match &self.lane {
            Lane::PerThread(lane) => Some(lane.claim(thread)),
            Lane::Shared(_) => None,
        }
    }

    /// Queues an encoded record, however long that takes by the overflow policy, or counts it as dropped.
    pub(crate) fn push_bytes(
        &self,
        ring: Option<&ThreadRing>,
        thread: &Arc<ThreadInfo>,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) {
        match (&self.lane, ring) {
            (Lane::PerThread(_), Some(ring)) => {
                if let Err(reason) = self.insist(|| ring.push_bytes(header, ticks, payload)) {
                    self.drop_one(reason, header.level());
                }
            }
            (Lane::PerThread(lane), None) => {
                let ring = lane.claim(thread);
                if let Err(reason) = self.insist(|| ring.push_bytes(header, ticks, payload)) {
                    self.drop_one(reason, header.level());
                }
                ring.release();
            }
            (Lane::Shared(lane), _) => {
                let packet = Packet { header, ticks, thread: thread.clone(), payload: payload.into() };
                let mut packet = Some(packet);
                lane.announce();
                let outcome = self.insist(|| {
                    packet = packet.take().and_then(|packet| lane.push(packet).err());
                    if packet.is_some() && self.overflow == OverflowPolicy::DropOldest {
                        if let Some(oldest) = lane.pop() {
                            self.drop_published(DropReason::Full, oldest.header.level());
                        }
                        packet = packet.take().and_then(|packet| lane.push(packet).err());
                    }
                    packet.is_none()
                });
                if let Err(reason) = outcome {
                    self.drop_published(reason, header.level());
                }
            }
        }
    }

    /// Tries until it works or the overflow policy says that it is enough.
    #[expect(clippy::disallowed_methods, reason = "a wait with a limit needs a clock")]
    fn insist(&self, mut attempt: impl FnMut() -> bool) -> Result<(), DropReason> {
        if self.is_closed() || self.is_orphaned() {
            return Err(DropReason::Closed);
        }
        if attempt() {
            return Ok(());
        }
        // A handler's thread that waits for itself, or for one that waits for it, would wait for ever.
        let patience = match self.overflow {
            _ if is_consumer() => Duration::ZERO,
            OverflowPolicy::Block | OverflowPolicy::DropOldest => Duration::MAX,
            OverflowPolicy::BlockFor(patience) => patience,
            OverflowPolicy::DropNewest => Duration::ZERO,
        };
        self.wake();
        let start = Instant::now();
        let mut backoff = Backoff::default();
        loop {
            if attempt() {
                return Ok(());
            }
            if self.is_closed() {
                return Err(DropReason::Closed);
            }
            let waited = start.elapsed();
            if waited >= patience {
                return Err(DropReason::Full);
            }
            backoff.wait(patience - waited);
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

    pub(crate) fn close(&self) {
        self.closed.store(true, Release);
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
            Lane::PerThread(lane) if *ended || self.is_orphaned() => lane.discard(count),
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
        let orphaned = self.is_orphaned();
        if let (Lane::Shared(lane), true) = (&mut self.lane, orphaned) {
            lane.abandon();
        }
    }
}

/// Waits longer and longer: about a microsecond of spinning, a few yields, then sleeps of 20 µs up to 1 ms.
#[derive(Default)]
struct Backoff {
    step: u32,
}

impl Backoff {
    fn wait(&mut self, at_most: Duration) {
        match self.step {
            0..6 => (0..1 << self.step).for_each(|_| std::hint::spin_loop()),
            6..16 => std::thread::yield_now(),
            step => {
                let sleep = Duration::from_micros(20 << (step - 16).min(6)).min(Duration::from_millis(1));
                std::thread::sleep(sleep.min(at_most));
            }
        }
        self.step += 1;
    }
}
