//! The capacity of a queue, and the line of callers that wait for room in it.
//!
//! A [`Room`] is a fair semaphore with two weights, bytes and records. A caller takes room before it queues something;
//! the handler's thread gives the room back. Three rules make it fair:
//!
//! * Callers that find no room wait in a line, first in, first out.
//! * While there is a line, no other caller takes room.
//! * The thread that gives room back takes it again at once *on behalf of* the first caller in the line. So a caller
//!   that wakes up already has its room. It cannot lose a race against callers that run, and no wake-up is spurious.
//!
//! For example, a room of 100 bytes is full, and callers A (60 bytes) and B (20 bytes) wait in this order:
//!
//! ```text
//!                          used   line
//!                           100   A 60, B 20
//! give_back(30)              70   A 60, B 20   A does not fit. B would, and does not overtake
//! give_back(30)             100   B 20         40 + 60: A's room is taken for it, and A is woken
//! give_back(20)             100                80 + 20: the same for B
//! ```
//!
//! The line of a channel is served when half of its room is free, and then as a whole. Served one by one, every record
//! of a crowd would cost a sleep and a wake-up. Running callers fill the rest of the free half without sleeping.
//!
//! **The reserve.** A part of the room may be reserved for severe records ([`Reserve`](crate::policy::Reserve)): all
//! others see a smaller room. Severe ones take what is free past the line, and wait before the others in it. In a room
//! of 100 bytes of which 20 are reserved:
//!
//! ```text
//!                                                   used   line
//!                                                     80   A 10
//! B, severe, takes 15                                 95   A 10           past A, which may use 80 bytes only
//! C, severe, waits for 10                             95   C 10, A 10
//! give_back(40)                                       75   (empty)        55 + 10 for C, 65 + 10 for A
//! ```
//!
//! A record that is larger than what is beside the reserve takes a part of it, if everything else is free: it would
//! never fit otherwise.
//!
//! **No wake-up is lost.** A caller writes `waiting` and then reads `used`. The thread that gives room back writes
//! `used` and then reads `waiting`. Each has a sequentially consistent fence between its write and its read, so at
//! least one of them sees the other's write:
//!
//! ```text
//! caller                          handler's thread
//! waiting = 1                     used -= cost
//! fence                           fence
//! serve the line: reads `used`    reads `waiting`; if not 0, serves the line
//! ```
//!
//! Without the fences, both could read the old value (a processor may delay its own store past a later load). The
//! caller would then sleep although there is room, and nobody would wake it.
//!
//! **Invariants.** All of these hold whenever the lock of the line is free:
//!
//! * `used` is the sum of the costs that were taken and not given back, those granted to callers in their sleep
//!   included. It never exceeds `limit` in either half.
//! * `waiting` is the length of the line. It is written under the lock and read without it. A reader may find an old
//!   value: `try_take` may then overtake a caller that has just joined the line. `give_back` must not overlook one, and
//!   has the fence.
//! * A caller in the line has not been granted its room. One that was granted it is out of the line, and will return
//!   `Ok`, even if its deadline has passed or the queue was closed meanwhile: its room is taken and must be used.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::DropReason;
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*, Signal, fence};

/// A number of records and a number of bytes in one word, so that one atomic operation takes both.
///
/// ```text
/// 63        40 39                 0
/// +-----------+--------------------+
/// |  records  |       bytes        |
/// +-----------+--------------------+
/// ```
///
/// A single cost leaves the highest bit of both halves alone, and so does a limit: the sum of what is taken and one
/// more cost carries nothing from one half into the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cost(u64);

impl Cost {
    pub(crate) const NOTHING: Self = Self(0);
    const BYTES: u64 = (1 << 40) - 1;
    const MOST_BYTES: u64 = Self::BYTES / 2;
    const MOST_RECORDS: u64 = (1 << 23) - 1;

    pub(crate) fn new(records: usize, bytes: usize) -> Self {
        Self((records as u64).min(Self::MOST_RECORDS) << 40 | (bytes as u64).min(Self::MOST_BYTES))
    }

    /// Returns the cost of bytes that are not a record.
    pub(crate) fn bytes(bytes: usize) -> Self {
        Self::new(0, bytes)
    }

    pub(crate) fn records(self) -> usize {
        (self.0 >> 40) as usize
    }

    fn is_within(self, limit: Self) -> bool {
        self.0 & Self::BYTES <= limit.0 & Self::BYTES && self.records() <= limit.records()
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// Returns the cost with no more than this many bytes.
    fn capped(self, bytes: u64) -> Self {
        Self(self.0 & !Self::BYTES | (self.0 & Self::BYTES).min(bytes))
    }

    /// Returns this percentage of both halves, rounded down.
    fn share(self, percent: u8) -> Self {
        let of = |all: u64| (u128::from(all) * u128::from(percent) / 100) as u64;
        Self(of(self.0 >> 40) << 40 | of(self.0 & Self::BYTES))
    }
}

/// The capacity of one queue; see the module's documentation.
pub(crate) struct Room {
    limit: Cost,
    /// The line is served while `used` is within this.
    low: Cost,
    /// The maximum cost of one payload, in bytes. A larger payload costs this much, so that its turn comes.
    largest: usize,
    /// What only severe records may take, as a [`Cost`]: at most half of the records, and half of `largest`.
    reserve: AtomicU64,
    used: AtomicU64,
    /// The number of callers in the line.
    waiting: AtomicU64,
    line: Mutex<WaitingLine>,
}

#[derive(Default)]
struct WaitingLine {
    callers: VecDeque<Arc<Caller>>,
    closed: bool,
}

/// A caller in the line.
struct Caller {
    cost: Cost,
    is_severe: bool,
    /// Whether its room was taken for it; written under the lock of the line.
    granted: AtomicBool,
    signal: Signal,
}

impl Room {
    pub(crate) fn new(records: usize, bytes: usize, largest: usize) -> Self {
        Self {
            limit: Cost::new(records, bytes),
            low: Cost::new(records, bytes),
            largest,
            reserve: AtomicU64::new(0),
            used: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            line: Mutex::new(WaitingLine::default()),
        }
    }

    /// Makes a room whose line is served when half of it is free.
    pub(crate) fn served_when_half_free(records: usize, bytes: usize) -> Self {
        let records = records.min(Cost::MOST_RECORDS as usize);
        Self { low: Cost::new(records / 2, bytes / 2), ..Self::new(records, bytes, bytes) }
    }

    /// Reserves this share of the room for severe records, in percent: at most 50.
    pub(crate) fn set_reserve(&self, percent: u8) {
        let most = Cost::new(self.limit.records(), self.largest).capped(self.limit.0 & Cost::BYTES);
        self.reserve.store(most.share(percent.min(50)).0, Relaxed);
    }

    fn reserve(&self) -> Cost {
        Cost(self.reserve.load(Relaxed))
    }

    /// Returns the cost of a record of this many bytes. The same bytes always cost the same, so that what a consumer
    /// gives back is what the caller took.
    pub(crate) fn cost(&self, bytes: usize) -> Cost {
        Cost::new(1, bytes.min(self.largest))
    }

    /// Returns what is taken.
    #[cfg(test)]
    pub(crate) fn used(&self) -> Cost {
        Cost(self.used.load(Acquire))
    }

    /// Returns how many callers wait.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn in_line(&self) -> usize {
        lock(&self.line).callers.len()
    }

    /// Takes room if there is enough and no caller waits. Returns whether it did. With a reserve, severe records do not
    /// ask whether others wait.
    pub(crate) fn try_take(&self, cost: Cost, is_severe: bool) -> bool {
        let may_overtake = is_severe && self.reserve() != Cost::NOTHING;
        (self.waiting.load(Relaxed) == 0 || may_overtake) && self.admit(cost, is_severe)
    }

    /// Takes room if there is enough, also past the line.
    fn admit(&self, cost: Cost, is_severe: bool) -> bool {
        let reserve = if is_severe { Cost::NOTHING } else { self.reserve() };
        // What must be free: the cost, or the reserve beside as much of the cost as there is room for.
        let beside = (self.largest as u64).saturating_sub(reserve.0 & Cost::BYTES);
        let claim = cost.capped(beside).plus(reserve);
        let fits = |used| {
            let next = Cost(used).plus(cost);
            (next.is_within(self.limit) && Cost(used).plus(claim).is_within(self.limit)).then_some(next.0)
        };
        self.used.fetch_update(AcqRel, Relaxed, fits).is_ok()
    }

    /// Returns whether there is room for this cost, the reserve included.
    pub(crate) fn fits(&self, cost: Cost) -> bool {
        Cost(self.used.load(Relaxed)).plus(cost).is_within(self.limit)
    }

    /// Returns how much of `most`, the reserve left out, is taken of records or bytes, whichever is more; in percent.
    /// `besides` is taken by what is no record.
    pub(crate) fn fullness(&self, besides: usize) -> u64 {
        let (used, reserve) = (Cost(self.used.load(Relaxed)), self.reserve());
        let of = |used: u64, most: u64| used * 100 / most.max(1);
        let besides = besides as u64;
        let bytes = (used.0 & Cost::BYTES).saturating_sub(besides);
        let most = (self.limit.0 & Cost::BYTES).saturating_sub(besides + (reserve.0 & Cost::BYTES));
        let records = self.limit.records().saturating_sub(reserve.records());
        of(bytes, most).max(of(used.records() as u64, records as u64))
    }

    /// Takes room, waiting in line until the deadline `until`, or without a deadline.
    ///
    /// # Errors
    ///
    /// [`DropReason::Full`] after the deadline, [`DropReason::Closed`] if the queue is closed.
    pub(crate) fn take(&self, cost: Cost, is_severe: bool, until: Option<Instant>) -> Result<(), DropReason> {
        let (granted, signal) = (AtomicBool::new(false), Signal::default());
        let caller = Arc::new(Caller { cost, is_severe, granted, signal });
        {
            let mut line = lock(&self.line);
            if line.closed {
                return Err(DropReason::Closed);
            }
            let place = line.callers.iter().position(|other| is_severe && !other.is_severe);
            let place = place.unwrap_or(line.callers.len());
            line.callers.insert(place, caller.clone());
            self.waiting.store(line.callers.len() as u64, Relaxed);
            // Pairs with that in `give_back`.
            fence(SeqCst);
            self.serve(&mut line);
        }
        let is_awake = caller.signal.wait(until);
        if is_awake && caller.granted.load(Acquire) {
            return Ok(());
        }
        // The deadline has passed, or the queue was closed. Under the lock, because the room may be granted right now.
        let mut line = lock(&self.line);
        if caller.granted.load(Acquire) {
            return Ok(());
        }
        if line.closed {
            return Err(DropReason::Closed);
        }
        line.callers.retain(|other| !Arc::ptr_eq(other, &caller));
        self.waiting.store(line.callers.len() as u64, Relaxed);
        // The callers after this one may need less.
        self.serve(&mut line);
        Err(DropReason::Full)
    }

    /// Gives room back, and serves the line.
    pub(crate) fn give_back(&self, cost: Cost) {
        if cost == Cost::NOTHING {
            return;
        }
        self.used.fetch_sub(cost.0, AcqRel);
        // Pairs with that in `take`.
        fence(SeqCst);
        if self.waiting.load(Relaxed) > 0 && Cost(self.used.load(Relaxed)).is_within(self.low) {
            self.serve(&mut lock(&self.line));
        }
    }

    /// Takes room for the first callers in the line, for as many as fit, and wakes them. The caller of this function
    /// holds the lock, so nobody else serves the line or leaves it meanwhile.
    fn serve(&self, line: &mut WaitingLine) {
        // More than half is taken, so somebody will give room back and serve the line.
        if !Cost(self.used.load(Acquire)).is_within(self.low) {
            return;
        }
        // Only the first caller is asked, so a large record is not overtaken by small ones for ever. Severe ones are
        // before the others; with a reserve, a severe record that fits never waits behind one that is not.
        while line.callers.front().is_some_and(|first| self.admit(first.cost, first.is_severe)) {
            if let Some(first) = line.callers.pop_front() {
                // In this order: a caller that wakes up finds that its room was granted.
                first.granted.store(true, Release);
                first.signal.set();
            }
        }
        self.waiting.store(line.callers.len() as u64, Relaxed);
    }

    /// Wakes all callers in the line, which return [`DropReason::Closed`], as later ones do at once. What was taken
    /// stays taken: packets in the channel still give their room back.
    pub(crate) fn close(&self) {
        let mut line = lock(&self.line);
        line.closed = true;
        line.callers.drain(..).for_each(|caller| caller.signal.set());
        self.waiting.store(0, Relaxed);
    }
}
