//! The queue between callers and a handler's thread.
//!
//! A handler has one [`Queue`]. Its lane is either a ring per calling thread (`per_thread`, `ring`) or one channel for
//! all threads (`shared`). What both hold takes memory from a `room`, which also has the line of callers that wait. A
//! handler without a thread has a lane that holds nothing (`inline`): callers deliver their records themselves.
//!
//! # A push, step by step
//!
//! ```text
//! closed, or in a child of fork?  ── yes ──▶ drop it, reason `Closed`
//!   │ no
//!   ▼
//! room?  ── yes ──▶ publish                        (without the reserve, unless the record is severe)
//!   │ no: wake the handler's thread
//!   ▼
//! may this caller wait?  ── no ──▶ drop it, reason `Full`, or `Reserved` if a severe record would fit
//!   │ yes: spin for about a microsecond, looking again
//!   ▼
//! sleep until there is room (publish), the deadline (as above), or the queue is closed (`Closed`)
//! ```
//!
//! A handler's own thread never waits: it would wait for itself, or for a handler that waits for it.
//!
//! # Counting
//!
//! `emitted = written + dropped + failed + in_flight` is exact in every snapshot, although nothing counts "emitted" as
//! one shared number. Rings and channels count what was *published*. A snapshot reads the outcomes (written, failed,
//! dropped after publication) first and the published records last, so that it cannot see a record leave that it has
//! not seen come. `in_flight` is the difference. A record that is dropped before publication is in `emitted` and in
//! `dropped`.
//!
//! After the handler's thread has ended, a caller that found the queue open may still publish. `sweep` counts such
//! records as dropped (`Closed`), whenever counters are read.
//!
//! # Which thread does what
//!
//! | thread | may | must not |
//! |---|---|---|
//! | a caller | push to its own ring or to a channel, wait for room, pop from a channel (`DropOldest`) | read a ring |
//! | the handler's | read rings and channels, free words, give room back, wake callers | wait for room |
//! | any | close the queue, read counters, change the threshold | read a ring before the handler's thread has ended |
//!
//! # Lifetime
//!
//! Routes hold the queue for callers, a `Worker` holds it for flush and metrics, and the handler's thread holds it for
//! itself. It outlives that thread as long as a route names it; a record pushed by such a route is dropped and counted.
//! Two flags say how far the end has come, and they only ever change in this order:
//!
//! ```text
//! open ── close() ──▶ closed: callers are refused ── end() ──▶ ended: whoever reads the counters sweeps
//! ```

mod inline;
#[cfg(all(test, loom))]
mod models;
mod per_thread;
mod ring;
mod room;
mod shared;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use inline::{Deliver, Inside};
pub(crate) use per_thread::{Frame, PerThread, Spilled, ThreadRing};
pub(crate) use room::Cost;
use shared::Evicted;
pub(crate) use shared::{Packet, Shared};

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, AtomicU16};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::level::Level;
use crate::metrics::{Counters, DropReason, HandlerMetrics};
use crate::policy::{OverflowPolicy, Reserve, Transport};
use crate::record::{HEADER_WORDS, Header, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{
    AtomicBool, AtomicU64, Ordering::*, fence, generation, hold_off_forks, holds_lock, lost_locks_since, watch_forks,
};
use crate::time::Clock;

thread_local! {
    /// Whether the thread is a handler's.
    static CONSUMER: Cell<bool> = const { Cell::new(false) };

    /// When the panic began whose record the thread is logging.
    static PANIC_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Logs the record of a panic that began at `start`. Where there is no room for it, the thread waits until `start` plus
/// the queue's [`panic_patience`](Queue::set_panic_patience) at most, whatever the overflow policy.
pub(crate) fn log_panic(start: Instant, log: impl FnOnce()) {
    let before = PANIC_BEGAN.replace(Some(start));
    log();
    PANIC_BEGAN.set(before);
}

/// Marks the calling thread as a handler's. Records that it logs are dropped and counted.
pub(crate) fn become_consumer() {
    CONSUMER.set(true);
}

/// Returns whether the calling thread is a handler's, or in the code of a handler without a thread. It must not wait
/// for a queue, a flush or a shutdown: the thread that would end the wait may be itself, or one that waits for it.
pub(crate) fn is_consumer() -> bool {
    is_handler_thread() || Inside::is_set()
}

/// Whether the calling thread is a handler's.
pub(crate) fn is_handler_thread() -> bool {
    CONSUMER.try_with(Cell::get).unwrap_or(false)
}

/// The queue of one handler, with its counters and its overflow policy.
pub(crate) struct Queue {
    pub(crate) name: Arc<str>,
    pub(crate) lane: Lane,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    /// The [`OverflowPolicy`], as a number; it may change.
    overflow: AtomicU64,
    /// The lowest level that the handler's settings let through.
    threshold: AtomicU8,
    /// The level that its governor has raised this to; 0 for none.
    raised: AtomicU8,
    /// The lowest level whose records wake the handler's thread.
    wake_at: AtomicU8,
    /// The lowest level whose records are severe: they may take the reserve. 0 if there is none.
    severe_from: AtomicU8,
    /// The [`Reserve`], as a number, also where the policy has no use for it.
    reserve: AtomicU16,
    /// The handler's thread, once it has started. Until then nobody needs to wake it: its first look comes by itself.
    waker: OnceLock<Thread>,
    /// Whether threads should let go of this queue when they next can, because the handler is being removed.
    leaving: AtomicBool,
    /// How long the record of a panic waits for room, in microseconds.
    panic_patience: AtomicU64,
    /// The number of callers that sleep until there is room, or have been woken and not yet published.
    waiting: AtomicU64,
    closed: AtomicBool,
    /// Whether the handler's thread has ended. The lock makes whoever sweeps the only consumer.
    ended: Mutex<bool>,
    /// The process that has the handler's thread; see [`generation`].
    process: u32,
    /// The ticks at which the first and the last of the records not yet reported were dropped for want of room.
    /// `u64::MAX` and 0 until there is one, so that minimum and maximum need no special case.
    first_drop: AtomicU64,
    last_drop: AtomicU64,
}

/// How records travel; see [`Transport`].
pub(crate) enum Lane {
    PerThread(PerThread),
    Shared(Shared),
    Inline(inline::InlineLane),
}

/// What a caller that finds no room does.
#[derive(Clone, Copy)]
enum WhenFull {
    Drop,
    /// It waits until the deadline, or without one.
    Wait(Option<Instant>),
}

/// Counts a caller among those that wait, until it is dropped.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Release: whoever sees the lower number also sees the record that was published before.
        self.0.fetch_sub(1, Release);
    }
}

impl Queue {
    /// Makes a queue that takes at most `bytes` bytes of memory, without a reserve.
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
                Transport::Inline => Lane::Inline(inline::InlineLane::new()),
            },
            clock,
            counters: Counters::default(),
            overflow: AtomicU64::new(overflow.to_word()),
            threshold: AtomicU8::new(threshold),
            raised: AtomicU8::new(0),
            wake_at: AtomicU8::new(wake_at),
            severe_from: AtomicU8::new(0),
            reserve: AtomicU16::new(Reserve::NONE.to_word()),
            waker: OnceLock::new(),
            leaving: AtomicBool::new(false),
            panic_patience: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            ended: Mutex::new(false),
            process: generation(),
            first_drop: AtomicU64::new(u64::MAX),
            last_drop: AtomicU64::new(0),
        }
    }

    /// Returns the number of the lowest level that the handler wants; see [`Level`].
    ///
    /// Relaxed is enough: the values stand for themselves, and a call that races with a change may use either value.
    pub(crate) fn threshold(&self) -> u8 {
        self.threshold.load(Relaxed).max(self.raised.load(Relaxed))
    }

    /// Returns the part of the threshold that the handler's settings have.
    pub(crate) fn own_threshold(&self) -> u8 {
        self.threshold.load(Relaxed)
    }

    /// Raises the threshold to this level, whatever the handler's settings say, or not any more.
    ///
    /// Threads keep the threshold with their routes, so the change is complete when these are new.
    pub(crate) fn set_raised(&self, level: Option<Level>) {
        self.raised.store(level.map_or(0, Level::number), Relaxed);
    }

    pub(crate) fn set_threshold(&self, threshold: u8) {
        self.threshold.store(threshold, Relaxed);
    }

    /// Returns the number of the lowest level whose records wake the handler's thread.
    pub(crate) fn wake_at(&self) -> u8 {
        self.wake_at.load(Relaxed)
    }

    /// Relaxed is enough, as for the threshold.
    pub(crate) fn overflow(&self) -> OverflowPolicy {
        OverflowPolicy::from_word(self.overflow.load(Relaxed))
    }

    /// Returns the number of the lowest level whose records are severe; 0 without a reserve.
    pub(crate) fn severe_from(&self) -> u8 {
        self.severe_from.load(Relaxed)
    }

    /// Sets the overflow policy and the reserve, which the policies that drop nothing do not have.
    ///
    /// Threads keep the level with their routes, and rings their limits, until they next seem full. So a record that is
    /// logged meanwhile may find the reserve as it was.
    pub(crate) fn set_overflow(&self, overflow: OverflowPolicy, reserve: Reserve) {
        self.overflow.store(overflow.to_word(), Relaxed);
        self.reserve.store(reserve.to_word(), Relaxed);
        let percent = if overflow == OverflowPolicy::Block { 0 } else { reserve.share };
        self.severe_from.store(if percent == 0 { 0 } else { reserve.from.number() }, Relaxed);
        match &self.lane {
            Lane::PerThread(lane) => lane.set_reserve(percent),
            Lane::Shared(lane) => lane.set_reserve(percent, overflow == OverflowPolicy::DropOldest),
            Lane::Inline(_) => {}
        }
    }

    pub(crate) fn reserve(&self) -> Reserve {
        Reserve::from_word(self.reserve.load(Relaxed))
    }

    /// Takes the settings of another handler, which is to come in the place of the one that it has.
    ///
    /// Threads keep the levels with their routes, so the change is complete when these are new.
    pub(crate) fn adopt(&self, threshold: u8, wake_at: u8, overflow: OverflowPolicy, reserve: Reserve) {
        self.set_threshold(threshold);
        self.wake_at.store(wake_at, Relaxed);
        self.set_overflow(overflow, reserve);
    }

    /// Sets how long the record of a panic waits for room at most.
    pub(crate) fn set_panic_patience(&self, patience: Duration) {
        self.panic_patience.store(u64::try_from(patience.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Returns until when the calling thread waits for room at most, if it logs the record of a panic.
    fn panic_deadline(&self) -> Option<Instant> {
        PANIC_BEGAN.get()?.checked_add(Duration::from_micros(self.panic_patience.load(Relaxed)))
    }

    /// Asks threads to let go of this queue; see [`is_stale`](Self::is_stale).
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Relaxed);
    }

    /// Returns whether a route or the table of a thread refers to this queue. Besides them, its worker, the handler's
    /// thread and the end of that thread hold it, three in all.
    ///
    /// The count is loaded with Relaxed. Dropping a reference decrements it with Release, and the fence in
    /// [`close`](Self::close) makes the two a pair: after it, everything that was logged to the queue is visible.
    pub(crate) fn is_in_use(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 3
    }

    /// Returns whether a caller waits for room. Closing the queue would drop its record.
    pub(crate) fn has_waiting_callers(&self) -> bool {
        self.waiting.load(Acquire) > 0
    }

    /// Returns whether no route leads here any more, so that a thread has no use for a ring of this queue.
    pub(crate) fn is_stale(&self) -> bool {
        self.leaving.load(Relaxed) || self.is_closed()
    }

    /// Claims a ring for the calling thread, if the queue has rings and memory for one.
    pub(crate) fn claim(&self, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        match &self.lane {
            Lane::PerThread(lane) => lane.claim(thread),
            Lane::Shared(_) | Lane::Inline(_) => None,
        }
    }

    /// Queues an encoded record, waiting if the overflow policy says so, or counts it as dropped. `ring` is the calling
    /// thread's, if it has one.
    pub(crate) fn push_bytes(
        &self,
        ring: Option<&ThreadRing>,
        thread: &Arc<ThreadInfo>,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) {
        let is_severe = header.level() as u8 >= self.severe_from();
        // `payload.into()` rounds the capacity up to a power of two.
        let packet = || Packet { header, ticks, thread: thread.clone(), payload: SmallVec::from_slice(payload) };
        match (&self.lane, ring) {
            (Lane::PerThread(_), Some(ring)) => {
                if let Err(reason) = self.push_to_ring(ring, is_severe, header, ticks, payload) {
                    self.drop_one(reason, header.level());
                }
            }
            (Lane::PerThread(lane), None) => {
                let outcome = self.take_room(lane.common(), lane.common().cost(payload.len()), is_severe);
                match outcome {
                    Ok(()) => _ = lane.push_common(packet()),
                    Err(reason) => self.drop_one(reason, header.level()),
                }
            }
            (Lane::Shared(lane), _) => {
                // Before the record is visible: another caller may pop it and count it as dropped (`DropOldest`) before
                // this call returns. From here on it counts as published, so each way it is dropped must count as such.
                lane.announce();
                let outcome = self.take_room(lane, lane.cost(payload.len()), is_severe);
                match outcome {
                    Ok(()) if lane.push(packet()) => {}
                    Ok(()) => self.drop_published(DropReason::Closed, header.level()),
                    Err(reason) => self.drop_published(reason, header.level()),
                }
            }
            (Lane::Inline(lane), _) => self.push_inline(lane, thread, header, ticks, payload),
        }
    }

    /// Delivers a record on this thread, or counts it as dropped.
    fn push_inline(
        &self,
        lane: &inline::InlineLane,
        thread: &Arc<ThreadInfo>,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) {
        if self.is_closed() || self.is_orphaned() {
            return self.drop_one(DropReason::Closed, header.level());
        }
        // The delivery may take any lock of the library. Only a signal handler finds that its thread holds one.
        let inside = if holds_lock() || is_handler_thread() { None } else { Inside::enter() };
        let Some(_inside) = inside else {
            return self.drop_one(DropReason::Reentrant, header.level());
        };
        // So that a child of `fork` finds no record that another thread has published and not yet delivered.
        let _pass = hold_off_forks();
        if let Err(reason) = lane.deliver(self.panic_deadline(), thread, header, ticks, payload) {
            self.drop_published(reason, header.level());
        }
    }

    /// Publishes a record in the calling thread's ring.
    ///
    /// A payload that is too large for the ring needs two kinds of room, in this order: memory for the payload, then
    /// the words of its header in the ring. A caller that waits for the ring holds memory, but the consumer empties the
    /// ring without asking for any, so the two waits cannot form a circle. If the second wait fails, the memory is
    /// given back; if it succeeds, the consumer gives it back when it has taken the payload.
    fn push_to_ring(
        &self,
        ring: &ThreadRing,
        is_severe: bool,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let when_full = self.when_full()?;
        let push_to_ring = |words, push: &dyn Fn() -> bool| {
            let outcome = self.push_with_backoff(when_full, push, |until| {
                match ring.wait_for(words, is_severe, until, || self.is_closed()) {
                    true => Ok(false),
                    false if self.is_closed() => Err(DropReason::Closed),
                    false => Err(DropReason::Full),
                }
            });
            outcome.map_err(|reason| reason.or_reserved(!is_severe && ring.ring().fits(words, true)))
        };
        if let Some(words) = ring.words(payload.len()) {
            return push_to_ring(words, &|| ring.push_bytes(words, is_severe, header, ticks, payload));
        }
        let Lane::PerThread(lane) = &self.lane else { return Err(DropReason::Closed) };
        let cost = ring.spilled_cost(payload.len());
        self.wait_for_room(when_full, lane.common(), cost, is_severe)?;
        let outcome = push_to_ring(HEADER_WORDS, &|| ring.push_spilled(is_severe, header, ticks, payload));
        outcome.inspect_err(|_| lane.common().room().give_back(cost))
    }

    /// Takes room, and waits for it if the caller may.
    fn wait_for_room(&self, when_full: WhenFull, lane: &Shared, cost: Cost, is_severe: bool) -> Result<(), DropReason> {
        let room = lane.room();
        let take = || room.try_take(cost, is_severe);
        let outcome = self.push_with_backoff(when_full, take, |until| room.take(cost, is_severe, until).map(|()| true));
        outcome.map_err(|reason| reason.or_reserved(!is_severe && room.fits(cost)))
    }

    /// Takes room in a channel. With `DropOldest`, makes the room by popping records, which are counted as dropped: a
    /// channel may have several consumers, a ring may not, so this policy is for shared channels only.
    fn take_room(&self, lane: &Shared, cost: Cost, is_severe: bool) -> Result<(), DropReason> {
        let when_full = self.when_full()?;
        if self.overflow() != OverflowPolicy::DropOldest {
            return self.wait_for_room(when_full, lane, cost, is_severe);
        }
        while !lane.room().try_take(cost, is_severe) {
            match lane.evict(self.severe_from(), is_severe) {
                Evicted::Packet(oldest) => self.drop_published(DropReason::Full, oldest.header.level()),
                Evicted::Nothing => std::thread::yield_now(),
                Evicted::OnlySevere => return Err(DropReason::Reserved),
            }
            if self.is_closed() {
                return Err(DropReason::Closed);
            }
        }
        Ok(())
    }

    /// Returns what to do if there is no room, or the reason why this queue accepts no record.
    #[expect(clippy::disallowed_methods, reason = "a wait with a limit needs a clock")]
    fn when_full(&self) -> Result<WhenFull, DropReason> {
        if self.is_closed() || self.is_orphaned() {
            return Err(DropReason::Closed);
        }
        Ok(match self.overflow() {
            // A handler's thread would wait for itself, or for a handler that waits for it, for ever.
            _ if is_consumer() => WhenFull::Drop,
            OverflowPolicy::DropNewest => WhenFull::Drop,
            OverflowPolicy::BlockFor(time) if time.is_zero() => WhenFull::Drop,
            OverflowPolicy::BlockFor(time) => WhenFull::Wait(Instant::now().checked_add(time)),
            OverflowPolicy::Block | OverflowPolicy::DropOldest => WhenFull::Wait(None),
        })
    }

    /// Calls `attempt` until it succeeds or the overflow policy ends the wait: at once, after spins, and after each
    /// `wait`.
    ///
    /// `wait` sleeps, and returns `Ok(true)` if the attempt was made on the caller's behalf in the meantime.
    fn push_with_backoff(
        &self,
        when_full: WhenFull,
        mut attempt: impl FnMut() -> bool,
        mut wait: impl FnMut(Option<Instant>) -> Result<bool, DropReason>,
    ) -> Result<(), DropReason> {
        if attempt() {
            return Ok(());
        }
        self.wake();
        let WhenFull::Wait(until) = when_full else {
            return if attempt() { Ok(()) } else { Err(DropReason::Full) };
        };
        let until = until.into_iter().chain(self.panic_deadline()).min();
        // About a microsecond in all: for room that is free so soon, spinning is cheaper than sleeping.
        for spins in 0..6 {
            (0..1 << spins).for_each(|_| std::hint::spin_loop());
            if attempt() {
                return Ok(());
            }
        }
        let _waiting = Waiting::new(&self.waiting);
        loop {
            if wait(until)? || attempt() {
                return Ok(());
            }
        }
    }

    /// Counts a dropped record that was not published.
    pub(crate) fn drop_one(&self, reason: DropReason, level: Level) {
        self.note_drop(reason);
        self.counters.drop_unpublished(reason, level);
    }

    /// Counts a dropped record that was published and taken out again.
    pub(crate) fn drop_published(&self, reason: DropReason, level: Level) {
        self.note_drop(reason);
        self.counters.drop_published(reason, level);
    }

    fn note_drop(&self, reason: DropReason) {
        if matches!(reason, DropReason::Full | DropReason::Reserved) {
            let now = self.clock.ticks();
            self.first_drop.fetch_min(now, Relaxed);
            self.last_drop.fetch_max(now, Relaxed);
        }
    }

    /// Returns the ticks at which the first and the last record since the previous call were dropped for want of room.
    /// Called by the worker, which writes them into the line that reports the drops.
    pub(crate) fn take_drop_times(&self) -> (u64, u64) {
        let first = self.first_drop.swap(u64::MAX, Relaxed);
        let last = self.last_drop.load(Relaxed);
        // A record that is counted now may have noted its time before the previous call.
        (first.min(last), last)
    }

    /// Returns whether this process is a child of the one that has the handler's thread; or, if there is none, of one
    /// that forked while another thread was in the handler's code for too long.
    pub(crate) fn is_orphaned(&self) -> bool {
        match self.lane {
            Lane::Inline(_) => lost_locks_since(self.process),
            _ => self.process != generation(),
        }
    }

    /// Returns whether records are delivered by their callers.
    pub(crate) fn is_inline(&self) -> bool {
        matches!(self.lane, Lane::Inline(_))
    }

    /// Sets who delivers the records of a handler without a thread.
    pub(crate) fn set_inline_handler(&self, handler: Weak<dyn Deliver>) {
        if let Lane::Inline(lane) = &self.lane {
            lane.set_handler(handler);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Acquire)
    }

    /// Refuses records from now on, and wakes callers that wait for room; their records are dropped.
    ///
    /// A caller between its look at `closed` and its release store may still publish. The worker's last look may find
    /// such a record and write it; otherwise [`sweep`](Self::sweep) counts it. Either way it is counted once.
    pub(crate) fn close(&self) {
        self.closed.store(true, Release);
        if self.is_orphaned() {
            // The callers that wait are threads of the parent process. One of them may have held the lock of its signal
            // at the moment of the fork; it is held for ever here.
            return;
        }
        // Pairs with the fence of a caller that is about to sleep: it sees that the queue is closed, or it is seen here
        // and woken.
        fence(SeqCst);
        match &self.lane {
            Lane::PerThread(lane) => lane.close(),
            Lane::Shared(lane) => lane.room().close(),
            Lane::Inline(_) => {}
        }
    }

    /// Notes that the handler's thread takes no more records.
    pub(crate) fn end(&self) {
        *lock(&self.ended) = true;
        self.sweep();
    }

    /// If the handler's thread has ended, counts as dropped what callers published that had found the queue open.
    ///
    /// In a child of `fork` nobody consumes the rings either, so they are swept there as well. They hold what the child
    /// has logged (a call that finds its ring does not ask which process it is in), and copies of what was in flight at
    /// the fork, which the parent writes. A channel is left alone: a child queues nothing in it, and another thread of
    /// the parent may have been in the middle of an operation on it.
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
            // A child of `fork` queues nothing, and its parent's records are not its own to count.
            Lane::Shared(lane) if *ended => {
                std::iter::from_fn(|| lane.pop()).map(|packet| packet.header).for_each(count);
            }
            _ => {}
        }
    }

    pub(crate) fn set_waker(&self, thread: Thread) {
        let _ = self.waker.set(thread);
    }

    /// Ends the current sleep of the handler's thread, or its next one. Costs the caller about 10 µs if the thread
    /// sleeps.
    #[cold]
    pub(crate) fn wake(&self) {
        if let Some(thread) = self.waker.get() {
            thread.unpark();
        }
    }

    /// Takes a snapshot of the counters. Sweeps first, so that no record stays in flight for ever.
    pub(crate) fn metrics(&self) -> HandlerMetrics {
        self.sweep();
        let metrics = self.counters.snapshot(&self.name, || match &self.lane {
            Lane::PerThread(lane) => lane.published(),
            Lane::Shared(lane) => lane.published(),
            Lane::Inline(lane) => lane.published(),
        });
        HandlerMetrics { raised_to: Level::from_number(self.raised.load(Relaxed)), ..metrics }
    }
}

impl Drop for Queue {
    /// In a child of `fork`, leaks the channel instead of dropping it; see [`Shared::abandon`].
    fn drop(&mut self) {
        if self.is_orphaned() {
            match &mut self.lane {
                Lane::PerThread(lane) => lane.abandon(),
                Lane::Shared(lane) => lane.abandon(),
                Lane::Inline(_) => {}
            }
        }
    }
}
