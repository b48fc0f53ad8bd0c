//! Counters of handlers and of the process.
//!
//! Every record that is logged to a handler has exactly one outcome, and in every snapshot
//!
//! ```text
//! emitted = written + dropped + failed + in_flight
//! ```
//!
//! A snapshot is taken while other threads count. It is exact because of the order in which counters are read: outcomes
//! first (Acquire), records that entered the queue last. A record is published before its outcome is counted (Release).
//! So a snapshot that contains the outcome of a record also contains its publication; one that misses the outcome
//! counts the record as in flight.

mod prometheus;

use std::fmt;
use std::sync::Mutex;

use crate::level::Level;
use crate::sync::{AtomicU64, Ordering::*, lock};
use crate::time::Timestamp;

/// Why a record was dropped before it reached its handler.
///
/// # Examples
///
/// ```
/// use femtologging::metrics::{DropReason, HandlerMetrics};
///
/// /// Whether a handler loses records because its queue is too small.
/// fn is_too_small(handler: &HandlerMetrics) -> bool {
///     handler.dropped.by_reason(DropReason::Full) > 0
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue was full, and its [`OverflowPolicy`](crate::policy::OverflowPolicy) says to drop records.
    Full,
    /// The handler was shut down, or the process is a child of `fork`, which does not have the handlers' threads.
    Closed,
    /// The record was logged within the processing of another one:
    ///
    /// * by the thread of a handler, which would feed itself without end, or in a delivery of a handler without one;
    /// * by a signal handler that interrupted a log call of the same thread;
    /// * by a `Display` or `Debug` that logs, at a depth of more than 32 log calls. Then all further records within the
    ///   same outermost call are dropped as well.
    Reentrant,
    /// The room that was left in the queue is reserved for records of a higher level; see
    /// [`Reserve`](crate::policy::Reserve).
    Reserved,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [DropReason; 4] =
        [DropReason::Full, DropReason::Closed, DropReason::Reentrant, DropReason::Reserved];

    /// Returns [`Reserved`](Self::Reserved) in the place of [`Full`](Self::Full) if only the reserve was left.
    pub(crate) fn or_reserved(self, is_reserved: bool) -> Self {
        if self == DropReason::Full && is_reserved { DropReason::Reserved } else { self }
    }
}

/// Numbers of dropped records, by reason and level.
///
/// # Examples
///
/// ```
/// use femtologging::Level;
/// use femtologging::metrics::{DropReason, Dropped};
///
/// /// The rows of a table of losses.
/// fn rows(dropped: &Dropped) -> Vec<String> {
///     let all = DropReason::ALL.iter().flat_map(|reason| Level::ALL.map(|level| (*reason, level)));
///     let rows = all.map(|(reason, level)| (reason, level, dropped.get(reason, level)));
///     rows.filter(|row| row.2 > 0).map(|(reason, level, count)| format!("{reason:?} {level}: {count}")).collect()
/// }
///
/// assert_eq!(rows(&Dropped::default()), Vec::<String>::new());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped([[u64; Level::ALL.len()]; DropReason::ALL.len()]);

impl Dropped {
    /// Returns the total number of dropped records.
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Returns the number of records dropped for this reason.
    pub fn by_reason(&self, reason: DropReason) -> u64 {
        self.0[reason as usize].iter().sum()
    }

    /// Returns the number of dropped records of this level.
    pub fn by_level(&self, level: Level) -> u64 {
        self.0.iter().map(|levels| levels[level.index()]).sum()
    }

    /// Returns the number of records of this level dropped for this reason.
    pub fn get(&self, reason: DropReason, level: Level) -> u64 {
        self.0[reason as usize][level.index()]
    }

    fn add(&mut self, other: &Dropped) {
        for (sum, more) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *sum += more;
        }
    }

    /// Returns the numbers since an earlier snapshot.
    pub(crate) fn since(&self, earlier: &Dropped) -> Dropped {
        let mut difference = *self;
        for (now, before) in difference.0.iter_mut().flatten().zip(earlier.0.iter().flatten()) {
            *now = now.saturating_sub(*before);
        }
        difference
    }
}

/// A snapshot of the counters of one handler. See [`Metrics`] for an example.
///
/// | to find out | look at |
/// |---|---|
/// | whether records are lost | `dropped.total() + failed` |
/// | whether the queue is large enough | `queue_high_water`, and `dropped` for `DropReason::Full` and `Reserved` |
/// | whether the handler keeps up | `in_flight` over time |
/// | what is wrong with the destination | `last_error` |
///
/// In every snapshot, `emitted = written + dropped.total() + failed + in_flight`, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerMetrics {
    /// The handler's name.
    pub name: String,
    /// Records that were logged to this handler, without those that its filters suppressed.
    pub emitted: u64,
    /// Records that the handler delivered.
    pub written: u64,
    /// Bytes that the handler delivered.
    pub bytes: u64,
    /// Records that did not reach the handler.
    pub dropped: Dropped,
    /// Records that the handler could not deliver.
    pub failed: u64,
    /// Records in the queue, or being processed by the handler.
    pub in_flight: u64,
    /// Records that the handler's filters suppressed.
    pub filtered: u64,
    /// The high-water mark of the queue: the maximum found by the handler's thread, in bytes, or in records for
    /// [`Transport::Shared`](crate::policy::Transport::Shared). 0 without a queue.
    pub queue_high_water: u64,
    /// The level to which a [`Governor`](crate::policy::Governor) has raised the handler's; `None` at other times.
    pub raised_to: Option<Level>,
    /// Completed flushes.
    pub flushes: u64,
    /// Batches passed to the handler.
    pub batches: u64,
    /// Errors and panics of the handler.
    pub errors: u64,
    /// The text of the last error or panic.
    pub last_error: Option<String>,
}

impl HandlerMetrics {
    /// Adds the counters of an earlier handler of the same name.
    pub(crate) fn add(&mut self, other: &HandlerMetrics) {
        let sums = [
            (&mut self.emitted, other.emitted),
            (&mut self.written, other.written),
            (&mut self.bytes, other.bytes),
            (&mut self.failed, other.failed),
            (&mut self.in_flight, other.in_flight),
            (&mut self.filtered, other.filtered),
            (&mut self.flushes, other.flushes),
            (&mut self.batches, other.batches),
            (&mut self.errors, other.errors),
        ];
        sums.into_iter().for_each(|(sum, more)| *sum += more);
        self.dropped.add(&other.dropped);
        self.queue_high_water = self.queue_high_water.max(other.queue_high_water);
        self.last_error = self.last_error.take().or_else(|| other.last_error.clone());
    }
}

/// The counters of all handlers of one logging system.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::metrics::DropReason;
/// use femtologging::{Config, Level, info};
/// use std::time::Duration;
///
/// let logging = Config::builder().add_handler("capture", FemtoCaptureHandler::new()).build()?;
/// let logger = logging.get_logger("shop")?;
/// info!(logger: logger, "paid");
/// logging.flush(Duration::from_secs(5))?;
///
/// let metrics = logging.metrics();
/// let capture = metrics.handler("capture").unwrap();
/// assert_eq!((capture.emitted, capture.written, capture.in_flight), (1, 1, 0));
/// assert_eq!(capture.dropped.get(DropReason::Full, Level::Info), 0);
/// assert_eq!(capture.emitted, capture.written + capture.dropped.total() + capture.failed + capture.in_flight);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// One entry per handler, in the order in which they were added.
    pub handlers: Vec<HandlerMetrics>,
    /// Handlers that were removed while the system ran, one entry for each name, with the sums of their counters. The
    /// equation holds for them, too.
    pub removed: Vec<HandlerMetrics>,
    /// Changes of the configuration by [`reconfigure`](crate::Logging::reconfigure) that took place.
    pub reloads: u64,
    /// Those that failed, and changed nothing.
    pub failed_reloads: u64,
    /// Changes that were on [probation](crate::config::ConfigBuilder::probation), and after which the configuration
    /// before came back.
    pub rollbacks: u64,
    /// Why the last one failed that did, or why the configuration before came back.
    pub last_reload_error: Option<String>,
    /// The files of configurations that are [watched](crate::config), in the order in which this began.
    pub watches: Vec<WatchMetrics>,
    /// Records of this process that were truncated because they exceeded the [`Limits`](crate::value::Limits).
    pub truncated: u64,
    /// Records of this process that were dropped before their handlers were determined, and which no handler counts:
    /// the configuration changed a hundred times during the call, or a signal handler that interrupted the library
    /// logged.
    pub unrouted: u64,
    /// The library's own notices that were lost, in this process, because standard error or the error hook was stuck or
    /// failed.
    pub notices_dropped: u64,
}

/// What is known of a configuration's file that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchMetrics {
    /// The path, as it was given.
    pub path: String,
    /// How often the file was looked at.
    pub looks: u64,
    /// When that was last.
    pub last_look: Option<Timestamp>,
    /// Changes of the configuration that were made because of this file.
    pub reloads: u64,
    /// What is wrong with the file as it is now, or why it cannot be read.
    pub last_error: Option<String>,
}

#[cfg(feature = "config")]
impl WatchMetrics {
    pub(crate) fn of(path: String) -> Self {
        Self { path, looks: 0, last_look: None, reloads: 0, last_error: None }
    }
}

/// See [`Metrics::unrouted`].
static UNROUTED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Counts a record as [`Metrics::unrouted`].
pub(crate) fn count_unrouted() {
    UNROUTED.fetch_add(1, Relaxed);
}

/// Returns [`Metrics::unrouted`].
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
    /// Writes one line per handler.
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

/// The live counters of one handler, which its queue and its thread increment. The fields are those of
/// [`HandlerMetrics`].
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
    /// Those of the dropped records that never entered the queue.
    unpublished: AtomicU64,
}

impl Counters {
    /// Increments a counter of outcomes.
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        // Release, with the Acquire in `snapshot`: a snapshot that sees this outcome also sees that the record was
        // emitted.
        counter.fetch_add(n, Release);
    }

    /// Counts a dropped record that never entered the queue, and so is not among the published ones.
    pub(crate) fn drop_unpublished(&self, reason: DropReason, level: Level) {
        self.unpublished.fetch_add(1, Relaxed);
        self.drop_published(reason, level);
    }

    /// Counts a dropped record that was in the queue.
    pub(crate) fn drop_published(&self, reason: DropReason, level: Level) {
        Self::add(&self.dropped[reason as usize][level.index()], 1);
    }

    /// Counts an error or panic.
    pub(crate) fn error(&self, text: String) {
        Self::add(&self.errors, 1);
        *lock(&self.last_error) = Some(text);
    }

    /// Returns the numbers of dropped records.
    pub(crate) fn dropped(&self) -> Dropped {
        Dropped(std::array::from_fn(|reason| std::array::from_fn(|level| self.dropped[reason][level].load(Acquire))))
    }

    /// Takes a snapshot. `published` returns the number of records that entered the queue. It is called last; see the
    /// module's documentation.
    pub(crate) fn snapshot(&self, name: &str, published: impl FnOnce() -> u64) -> HandlerMetrics {
        let written = self.written.load(Acquire);
        let failed = self.failed.load(Acquire);
        let filtered = self.filtered.load(Acquire);
        let dropped = self.dropped();
        // Read after all outcomes; see the module's documentation.
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
            raised_to: None,
            flushes: self.flushes.load(Relaxed),
            batches: self.batches.load(Relaxed),
            errors: self.errors.load(Relaxed),
            last_error: lock(&self.last_error).clone(),
        }
    }
}
