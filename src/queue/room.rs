//! How much a queue may hold, and the line of callers that wait for their turn.
//!
//! A [`Room`] is a semaphore with two weights, bytes and records. Whoever queues something takes room first; the
//! handler's thread gives it back. Three rules keep it fair:
//!
//! * Callers that find no room stand in a line, first come, first served.
//! * While there is a line, nobody takes room past it.
//! * Whoever gives room back takes it again at once *on behalf of* the first in the line. A caller that wakes up so has
//!   its room, whoever ran in the meantime; there is no race to lose, and no wake-up for nothing.
//!
//! A channel's line is served when half of its room is free, and then as a whole: served one by one, each record of a
//! crowd would cost a sleep and a wake-up. Callers that run may then fill what is left without any.
//!
//! **No wake-up is lost.** A caller announces itself in `waiting` and then looks at `used`; whoever gives room back
//! changes `used` and then looks at `waiting`. Between the two steps both have a sequentially consistent fence, so at
//! least one of them sees what the other did:
//!
//! ```text
//! caller                          handler's thread
//! waiting = 1                     used -= cost
//! fence                           fence
//! serve the line: reads `used`    reads `waiting`; if not 0, serves the line
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::DropReason;
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*, Signal, fence};

/// So many records with so many bytes: the records in the upper 24 bits, the bytes below.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cost(u64);

impl Cost {
    pub(crate) const NOTHING: Self = Self(0);
    const BYTES: u64 = (1 << 40) - 1;
    const RECORDS: u64 = (1 << 24) - 1;

    pub(crate) fn new(records: usize, bytes: usize) -> Self {
        Self((records as u64).min(Self::RECORDS) << 40 | (bytes as u64).min(Self::BYTES))
    }

    /// So many bytes that are no record.
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
}

pub(crate) struct Room {
    limit: Cost,
    /// The line is served while no more than this is taken.
    low: Cost,
    /// What a single payload counts as at most, in bytes, so that each has its turn.
    largest: usize,
    used: AtomicU64,
    /// How many callers are in the line.
    waiting: AtomicU64,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    callers: VecDeque<Arc<Caller>>,
    closed: bool,
}

struct Caller {
    cost: Cost,
    /// Whether it has its room; written under the line's lock.
    granted: AtomicBool,
    signal: Signal,
}

impl Room {
    pub(crate) fn new(records: usize, bytes: usize, largest: usize) -> Self {
        Self {
            limit: Cost::new(records, bytes),
            low: Cost::new(records, bytes),
            largest,
            used: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            line: Mutex::new(Line::default()),
        }
    }

    /// The same, whose line is served when half of it is free.
    pub(crate) fn served_when_half_free(records: usize, bytes: usize) -> Self {
        let records = records.min(Cost::RECORDS as usize);
        Self { low: Cost::new(records / 2, bytes / 2), ..Self::new(records, bytes, bytes) }
    }

    /// What a record costs that takes so many bytes.
    pub(crate) fn cost(&self, bytes: usize) -> Cost {
        Cost::new(1, bytes.min(self.largest))
    }

    /// What is taken.
    #[cfg(test)]
    pub(crate) fn used(&self) -> Cost {
        Cost(self.used.load(Acquire))
    }

    /// How many callers wait.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn in_line(&self) -> usize {
        lock(&self.line).callers.len()
    }

    /// Takes room if there is some and nobody waits for it.
    pub(crate) fn try_take(&self, cost: Cost) -> bool {
        self.waiting.load(Relaxed) == 0 && self.reserve(cost)
    }

    fn reserve(&self, cost: Cost) -> bool {
        let fits = |used| {
            let next = Cost(used).plus(cost);
            next.is_within(self.limit).then_some(next.0)
        };
        self.used.fetch_update(AcqRel, Relaxed, fits).is_ok()
    }

    /// Takes room in turn, waiting until that moment, or without limit.
    pub(crate) fn take(&self, cost: Cost, until: Option<Instant>) -> Result<(), DropReason> {
        let caller = Arc::new(Caller { cost, granted: AtomicBool::new(false), signal: Signal::default() });
        {
            let mut line = lock(&self.line);
            if line.closed {
                return Err(DropReason::Closed);
            }
            line.callers.push_back(caller.clone());
            self.waiting.store(line.callers.len() as u64, Relaxed);
            // Pairs with that in `give_back`.
            fence(SeqCst);
            self.serve(&mut line);
        }
        let is_awake = caller.signal.wait(until);
        if is_awake && caller.granted.load(Acquire) {
            return Ok(());
        }
        let mut line = lock(&self.line);
        if caller.granted.load(Acquire) {
            return Ok(());
        }
        if line.closed {
            return Err(DropReason::Closed);
        }
        line.callers.retain(|other| !Arc::ptr_eq(other, &caller));
        self.waiting.store(line.callers.len() as u64, Relaxed);
        // Those behind may need less.
        self.serve(&mut line);
        Err(DropReason::Full)
    }

    /// Gives back what was taken, and lets callers in the line have it.
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

    /// Takes room for the first callers in the line, as many as there is room for.
    fn serve(&self, line: &mut Line) {
        // More is given back later, since something is taken.
        if !Cost(self.used.load(Acquire)).is_within(self.low) {
            return;
        }
        while line.callers.front().is_some_and(|first| self.reserve(first.cost)) {
            if let Some(first) = line.callers.pop_front() {
                first.granted.store(true, Release);
                first.signal.set();
            }
        }
        self.waiting.store(line.callers.len() as u64, Relaxed);
    }

    /// Sends everybody in the line away, and whoever comes later.
    pub(crate) fn close(&self) {
        let mut line = lock(&self.line);
        line.closed = true;
        line.callers.drain(..).for_each(|caller| caller.signal.set());
        self.waiting.store(0, Relaxed);
    }
}
