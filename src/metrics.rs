//! Every counter of the library, in one list.

use std::fmt;
use std::sync::Mutex;

use crate::level::Level;
use crate::sync::{AtomicU64, Ordering::*, lock};

/// Why a record was dropped before it came to its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue was full and its [`OverflowPolicy`](crate::OverflowPolicy) gave the record up.
    Full,
    /// The handler was shut down, or the process is a child of `fork`, where handlers' threads do not exist.
    Closed,
    /// It was logged by a handler's own thread, which would have fed the handler its own output for ever; by a signal
    /// handler that interrupted a log call of the same thread; or by a `Display` that log calls run, 32 calls deep. Later
    /// records within the same outermost call are dropped with it.
    Reentrant,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [DropReason; 3] = [DropReason::Full, DropReason::Closed, DropReason::Reentrant];
}

/// How many records were dropped, by reason and level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped([[u64; Level::ALL.len()]; DropReason::ALL.len()]);

impl Dropped {
    /// Returns how many there are in all.
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Returns how many were dropped for this reason.
    pub fn by_reason(&self, reason: DropReason) -> u64 {
        self.0[reason as usize].iter().sum()
    }

    /// Returns how many of this level were dropped.
    pub fn by_level(&self, level: Level) -> u64 {
        self.0.iter().map(|levels| levels[level.index()]).sum()
    }

    /// Returns how many of this level were dropped for this reason.
    pub fn get(&self, reason: DropReason, level: Level) -> u64 {
        self.0[reason as usize][level.index()]
    }

    pub(crate) fn since(&self, earlier: &Dropped) -> Dropped {
        let mut difference = *self;
        for (now, before) in difference.0.iter_mut().flatten().zip(earlier.0.iter().flatten()) {
            *now = now.saturating_sub(*before);
        }
        difference
    }
}

/// The counters of one handler at one moment.
///
/// `emitted = written + dropped.total() + failed + in_flight`, exactly, in every snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerMetrics {
    /// The handler's name.
    pub name: String,
    /// Records that callers logged to this handler, less those that its own filters turned away.
    pub emitted: u64,
    /// Records that the handler delivered.
    pub written: u64,
    /// Bytes that the handler delivered.
    pub bytes: u64,
    /// Records that never came to the handler.
    pub dropped: Dropped,
    /// Records that the handler could not deliver.
    pub failed: u64,
    /// Records on their way.
    pub in_flight: u64,
    /// Records that the handler's own filters turned away.
    pub filtered: u64,
    /// The most that one look at the queue found in it: bytes, or records for a shared transport.
    pub queue_high_water: u64,
    /// Flushes carried out.
    pub flushes: u64,
    /// Batches handed to the handler.
    pub batches: u64,
    /// Errors and panics of the handler.
    pub errors: u64,
    /// The text of the last of them.
    pub last_error: Option<String>,
}

/// The counters of all handlers of one logging system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// One entry per handler, in the order in which they were added.
    pub handlers: Vec<HandlerMetrics>,
    /// Records of this process that were cut because they were too large; see [`Limits`](crate::Limits).
    pub truncated: u64,
    /// Records of this process that were dropped before it was known which handlers they go to: the configuration
    /// changed a hundred times during the call, or a signal handler logged them while it interrupted the library. No
    /// handler counts them.
    pub unrouted: u64,
    /// Notices of the library's own troubles that reached nobody, in this process: standard error or the error hook was
    /// stuck or failed.
    pub notices_dropped: u64,
}

/// See [`Metrics::unrouted`].
static UNROUTED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

pub(crate) fn count_unrouted() {
    UNROUTED.fetch_add(1, Relaxed);
}

pub(crate) fn unrouted() -> u64 {
    UNROUTED.load(Relaxed)
}

impl Metrics {
    /// Returns the counters of the handler with this name.
    pub fn handler(&self, name: &str) -> Option<&HandlerMetrics> {
        self.handlers.iter().find(|handler| handler.name == name)
    }
}

impl fmt::Display for Metrics {
    /// Writes a line per handler.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, h) in self.handlers.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(
                f,
                "{}: {} emitted = {} written + {} dropped + {} failed + {} in flight; {} bytes in {} batches, {} errors",
                h.name,
                h.emitted,
                h.written,
                h.dropped.total(),
                h.failed,
                h.in_flight,
                h.bytes,
                h.batches,
                h.errors
            )?;
        }
        Ok(())
    }
}

/// The counters of one handler as its queue and its thread write them.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) written: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) filtered: AtomicU64,
    pub(crate) high_water: AtomicU64,
    pub(crate) flushes: AtomicU64,
    pub(crate) batches: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
    dropped: [[AtomicU64; Level::ALL.len()]; DropReason::ALL.len()],
    /// How many of the dropped never came into the queue.
    unpublished: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        // Release: a snapshot that sees this also sees the record as emitted.
        counter.fetch_add(n, Release);
    }

    /// Counts a record as dropped that never came into the queue.
    pub(crate) fn drop_unpublished(&self, reason: DropReason, level: Level) {
        self.unpublished.fetch_add(1, Relaxed);
        self.drop_published(reason, level);
    }

    /// Counts a record as dropped that was in the queue.
    pub(crate) fn drop_published(&self, reason: DropReason, level: Level) {
        Self::add(&self.dropped[reason as usize][level.index()], 1);
    }

    pub(crate) fn error(&self, text: String) {
        Self::add(&self.errors, 1);
        *lock(&self.last_error) = Some(text);
    }

    pub(crate) fn dropped(&self) -> Dropped {
        Dropped(std::array::from_fn(|reason| std::array::from_fn(|level| self.dropped[reason][level].load(Acquire))))
    }

    /// Takes a snapshot; `published` is asked last, so that no record is seen to leave before it was seen to come.
    pub(crate) fn snapshot(&self, name: &str, published: impl FnOnce() -> u64) -> HandlerMetrics {
        let written = self.written.load(Acquire);
        let failed = self.failed.load(Acquire);
        let filtered = self.filtered.load(Acquire);
        let dropped = self.dropped();
        let published = published() + self.unpublished.load(Acquire);
        let emitted = published.saturating_sub(filtered);
        HandlerMetrics {
            name: name.to_owned(),
            emitted,
            written,
            bytes: self.bytes.load(Relaxed),
            dropped,
            failed,
            in_flight: emitted.saturating_sub(written + failed + dropped.total()),
            filtered,
            queue_high_water: self.high_water.load(Relaxed),
            flushes: self.flushes.load(Relaxed),
            batches: self.batches.load(Relaxed),
            errors: self.errors.load(Relaxed),
            last_error: lock(&self.last_error).clone(),
        }
    }
}
