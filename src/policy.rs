//! Policies: settings of queues, handlers, threads and spans that are plain values.

use std::time::Duration;

use crate::level::Level;

/// The transport of records from callers to their handler.
///
/// | transport | who formats and writes | when | what a caller waits for |
/// |---|---|---|---|
/// | [`PerThread`](Self::PerThread), the default | the handler's thread | later, in batches | nothing but a full ring |
/// | [`Shared`](Self::Shared) | the handler's thread | some time later, in batches | a lock, or room in the channel |
/// | [`Inline`](Self::Inline) | the caller | before the call returns | the handler, and other threads that log to it |
///
/// # Examples
///
/// ```
/// use femtologging::policy::Transport;
/// use femtologging::FemtoStreamHandler;
///
/// let small_rings = FemtoStreamHandler::stderr().transport(Transport::PerThread { bytes: 16 * 1024 }).build()?;
/// let one_channel = FemtoStreamHandler::stderr().transport(Transport::Shared { capacity: Some(10_000) }).build()?;
/// let no_thread = FemtoStreamHandler::stderr().transport(Transport::Inline).build()?;
/// # drop((small_rings, one_channel, no_thread));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// A ring buffer for each thread that logs. This is the fastest transport.
    ///
    /// The ring of a thread that has ended is reused. The memory of all rings is limited
    /// ([`max_queue_bytes`](crate::config::ConfigBuilder::max_queue_bytes)): when rings have used their part of it, new
    /// threads get smaller rings, and further ones share a channel.
    PerThread {
        /// The size of each ring in bytes, from 1 KiB to 64 MiB, rounded up to a power of two.
        bytes: usize,
    },
    /// One channel for all threads, for programs in which thousands of threads log.
    Shared {
        /// Maximum number of records in the channel; `None` for as many as the handler's share of
        /// [`max_queue_bytes`](crate::config::ConfigBuilder::max_queue_bytes) has room for.
        capacity: Option<usize>,
    },
    /// No queue and no thread: a record is filtered, formatted and delivered before the call returns, on the caller's
    /// thread, under a lock of the handler. For command-line tools, whose log lines stand between what they print, and
    /// for logs that must survive an abort.
    ///
    /// * **Order.** The records of one thread are written in their order, and before whatever the thread does next.
    ///   Those of several threads are written in the order in which they get the lock.
    /// * **A slow destination** makes callers wait: there is no queue, so an
    ///   [`OverflowPolicy`], an [`IdlePolicy`] or a `wake_level` has nothing to decide, and giving one is an error.
    /// * **What the handler itself logs** (a formatter, a filter, the handler's own code, or a signal handler that
    ///   interrupts a delivery) is refused and counted as [`Reentrant`](crate::metrics::DropReason::Reentrant). A
    ///   `Display` that logs is run before the lock is taken, and may.
    /// * **The end of the process.** Records are written in thread-local destructors, in functions given to `atexit`,
    ///   in a child of `fork`, and before an abort or `exec`.
    /// * **`flush` and `shutdown`** run on the thread that calls them. Their timeout limits how long they wait for
    ///   other threads and for retries, and cannot interrupt the handler itself.
    ///
    /// Handlers that connect and try again on a thread (sockets, syslog, the journal, HTTP, OTLP) do not build with it.
    Inline,
}

impl Transport {
    /// Returns the minimum memory of a queue in bytes, which covers a ring of the configured size and spilled payloads.
    pub(crate) fn least_bytes(self) -> usize {
        match self {
            Transport::PerThread { bytes } => bytes.next_power_of_two().saturating_mul(4),
            Transport::Shared { .. } | Transport::Inline => 0,
        }
    }
}

impl Default for Transport {
    /// Returns a transport with a ring of 256 KiB per thread.
    fn default() -> Self {
        Transport::PerThread { bytes: 256 * 1024 }
    }
}

/// What happens to a record when the queue of its handler is full.
///
/// The policy applies to records only. Flush and shutdown requests are never dropped.
///
/// # Examples
///
/// ```
/// use femtologging::policy::{OverflowPolicy, Transport};
/// use femtologging::FemtoStreamHandler;
/// use std::time::Duration;
///
/// let patient = FemtoStreamHandler::stderr().overflow(OverflowPolicy::BlockFor(Duration::from_millis(5))).build()?;
/// let latest = FemtoStreamHandler::stderr()
///     .transport(Transport::Shared { capacity: Some(1_000) })
///     .overflow(OverflowPolicy::DropOldest)
///     .build()?;
/// assert!(FemtoStreamHandler::stderr().overflow(OverflowPolicy::DropOldest).build().is_err());
/// # drop((patient, latest));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OverflowPolicy {
    /// The caller waits for room. No record is dropped.
    #[default]
    Block,
    /// The caller waits for room up to this timeout; then the new record is dropped and counted.
    BlockFor(Duration),
    /// The new record is dropped and counted.
    DropNewest,
    /// The oldest record in the queue is dropped and counted. For [`Transport::Shared`] only.
    DropOldest,
}

impl OverflowPolicy {
    /// Returns the policy as one word, so that a queue can change it while callers read it.
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Self::Block => 0,
            Self::DropNewest => 1,
            Self::DropOldest => 2,
            Self::BlockFor(time) => u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).saturating_add(3),
        }
    }

    /// Returns the policy that [`to_word`](Self::to_word) made this of. Times are exact up to 584 years.
    pub(crate) fn from_word(word: u64) -> Self {
        match word {
            0 => Self::Block,
            1 => Self::DropNewest,
            2 => Self::DropOldest,
            time => Self::BlockFor(Duration::from_nanos(time - 3)),
        }
    }
}

/// A part of a handler's queue that only severe records may take, so that a storm of debug records does not push a
/// warning out.
///
/// Records below the level `from` find the queue full when it is full but for this share; they are counted as dropped
/// for the reason [`Reserved`](crate::metrics::DropReason::Reserved). The share is that of each thread's ring and of
/// the memory for large records, or of the channel's records and bytes, rounded down: a channel for less than 10
/// records has no place that is 10 %.
///
/// | [`OverflowPolicy`] | records below `from` | those from `from` on |
/// |---|---|---|
/// | `Block` | the reserve has no effect | |
/// | `BlockFor` | wait for room beside the reserve | take the reserve; wait before the others |
/// | `DropNewest` | are dropped when only the reserve is left | take the reserve |
/// | `DropOldest` | drop the oldest record below `from`, or are dropped | drop the oldest below `from`, or the oldest |
///
/// Severe records that come in such numbers that they fill the whole queue are dropped as well.
///
/// # Examples
///
/// ```
/// use femtologging::policy::{OverflowPolicy, Reserve};
/// use femtologging::{FemtoStreamHandler, Level};
///
/// let handler = FemtoStreamHandler::stderr()
///     .overflow(OverflowPolicy::DropNewest)
///     .reserve(Reserve { share: 20, from: Level::Error })
///     .build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// The share of the queue, in percent: 0 for none, up to 50. 10 by default.
    pub share: u8,
    /// The lowest level whose records may take it. [`Level::Warn`] by default.
    pub from: Level,
}

impl Reserve {
    /// No reserve: records of all levels share the whole queue.
    pub const NONE: Self = Self { share: 0, from: Level::Warn };

    /// Returns the reserve as one word, so that a queue can change it while others read it.
    pub(crate) fn to_word(self) -> u16 {
        u16::from_le_bytes([self.share, self.from.number()])
    }

    /// Returns the reserve that [`to_word`](Self::to_word) made this of.
    pub(crate) fn from_word(word: u16) -> Self {
        let [share, from] = word.to_le_bytes();
        Self { share, from: Level::from_number(from).unwrap_or(Level::Warn) }
    }
}

impl Default for Reserve {
    /// Returns a reserve of 10 % from [`Level::Warn`] on.
    fn default() -> Self {
        Self { share: 10, from: Level::Warn }
    }
}

/// Raises a handler's level while its queue is nearly full, and lowers it again when there is room.
///
/// The queue is as full as its fullest ring, or as the channel is of records or bytes; the part that is
/// [reserved](Reserve) counts as if it were not there. The handler's thread looks at it whenever it takes records out,
/// and about every 100 ms while there are none.
///
/// * **Raised** when the queue was above `raise_above` at all looks for `raise_after`: to the level above the lowest
///   one of the records of that time, and no further than `up_to`. If that is not enough, it is raised again after the
///   same time.
/// * **Lowered**, one step after the other, when the queue was below `lower_below` for `lower_after`.
///
/// Both are said by a line in the log, and [`HandlerMetrics::raised_to`](crate::metrics::HandlerMetrics::raised_to)
/// shows the level. Records below it cost their callers what those below a logger's level cost. The level that the
/// handler was built with, or that [`set_handler_level`](crate::set_handler_level) has given it, is the base: the
/// higher one of the two applies, and the base is in force again when the queue has emptied. A handler that takes the
/// place of another one begins without a raise.
///
/// # Examples
///
/// ```
/// use femtologging::policy::Governor;
/// use femtologging::FemtoStreamHandler;
/// use std::time::Duration;
///
/// let patient = Governor { raise_after: Duration::from_secs(5), ..Governor::default() };
/// let handler = FemtoStreamHandler::stderr().governor(patient).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Governor {
    /// How full the queue has to be for a raise, in percent. 75 by default.
    pub raise_above: u8,
    /// For how long. 1 s by default.
    pub raise_after: Duration,
    /// How empty the queue has to be for the way back, in percent. 25 by default.
    pub lower_below: u8,
    /// For how long. 10 s by default.
    pub lower_after: Duration,
    /// The highest level that the handler's is raised to. [`Level::Warn`] by default: warnings are never held back.
    pub up_to: Level,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            raise_above: 75,
            raise_after: Duration::from_secs(1),
            lower_below: 25,
            lower_after: Duration::from_secs(10),
            up_to: Level::Warn,
        }
    }
}

/// What happens to records that a handler fails to deliver.
///
/// A [`FemtoFallbackHandler`](crate::handler::FemtoFallbackHandler) hands them to another handler instead.
///
/// # Examples
///
/// ```
/// use femtologging::policy::ErrorPolicy;
/// use femtologging::FemtoFileHandler;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// // A disk that is full for a while loses nothing.
/// let handler = FemtoFileHandler::builder().path(path).on_error(ErrorPolicy::Retry { bytes: 16 << 20 }).build()?;
/// # drop(handler);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ErrorPolicy {
    /// They are counted as failed, and the error is reported.
    #[default]
    Report,
    /// They are kept and tried again after 100 ms, and then after delays that double up to 30 s; at a flush or
    /// shutdown, at once. The error is reported each time.
    ///
    /// For handlers that deliver text, such as those for files and streams. Those for networks retry by themselves.
    Retry {
        /// The maximum length of the text that is kept, in bytes. Older records are counted as failed. A record without
        /// text counts as 8 bytes if there are more than 1,000.
        bytes: usize,
    },
}

/// When a [`FemtoFileHandler`](crate::handler::FemtoFileHandler) writes its text to the file.
///
/// Text that is not written yet is in the memory of the process, and is lost if it is killed. A flush and a shutdown
/// write it in any case.
///
/// # Examples
///
/// ```
/// use femtologging::policy::FlushPolicy;
/// use femtologging::{FemtoFileHandler, Level};
/// use std::time::Duration;
///
/// # let dir = tempfile::tempdir()?;
/// # let (path, other) = (dir.path().join("app.log"), dir.path().join("trace.log"));
/// // Few writes, but errors reach the file at once:
/// let app = FemtoFileHandler::builder().path(path).flush_policy(FlushPolicy::AtLevel(Level::Error)).build()?;
/// // At most five writes per second:
/// let every = FlushPolicy::Every(Duration::from_millis(200));
/// let trace = FemtoFileHandler::builder().path(other).flush_policy(every).build()?;
/// # drop((app, trace));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FlushPolicy {
    /// After every batch: as soon as the queue runs empty.
    #[default]
    EveryBatch,
    /// When a record of this level or above comes, or the text reaches 256 KiB.
    AtLevel(Level),
    /// When this much time has passed since the last write, or the text reaches 256 KiB. More than zero.
    Every(Duration),
}

/// What a [`FemtoFileHandler`](crate::handler::FemtoFileHandler) does when its file is removed, on Unix.
///
/// In both cases, an error is reported once. Programs that remove log files on purpose (to free a disk, for example)
/// work with `Reopen`; use `Fail` if a new file in the place of a removed one would be wrong.
///
/// # Examples
///
/// ```
/// use femtologging::policy::OnRemoval;
/// use femtologging::FemtoFileHandler;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("audit.log");
/// let audit = FemtoFileHandler::builder().path(path).on_removal(OnRemoval::Fail).build()?;
/// # drop(audit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnRemoval {
    /// The next record creates the file again.
    #[default]
    Reopen,
    /// Nothing creates the file: records are counted as failed until it is there again or a
    /// [`ReopenHandle`](crate::handler::ReopenHandle) requests it.
    Fail,
}

/// How a handler's thread polls its queue while there are no records.
///
/// Callers do not wake the thread, except when the queue is full and for records of `wake_level` and above. The thread
/// polls: first without sleeping, for the time `spin`, then with sleeps that double from `first_sleep` to
/// `longest_sleep`. Longer sleeps reduce the load of an idle process. They delay the output of the first record after a
/// pause, but never a caller.
///
/// # Examples
///
/// ```
/// use femtologging::policy::IdlePolicy;
/// use femtologging::{FemtoStreamHandler, Level};
/// use std::time::Duration;
///
/// // Rarely awake, but woken at once by errors:
/// let quiet = IdlePolicy { longest_sleep: Duration::from_millis(200), ..IdlePolicy::default() };
/// let handler = FemtoStreamHandler::stderr().idle(quiet).wake_level(Level::Error).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdlePolicy {
    /// The time for which the thread polls without sleeping. 2 µs by default.
    pub spin: Duration,
    /// The duration of the first sleep. 50 µs by default.
    pub first_sleep: Duration,
    /// The maximum duration of a sleep. 100 ms by default: an idle handler then uses less than 0.05 % of one processor.
    pub longest_sleep: Duration,
}

impl Default for IdlePolicy {
    fn default() -> Self {
        Self {
            spin: Duration::from_micros(2),
            first_sleep: Duration::from_micros(50),
            longest_sleep: Duration::from_millis(100),
        }
    }
}

/// Which records a span logs about itself: none by default.
///
/// They have the span's level and its keys. The record `exit` also has the key `duration`, from the first entry to the
/// end of the span, and the key `panicked` if a panic has left the span.
///
/// # Examples
///
/// ```
/// use femtologging::policy::SpanEvents;
/// use femtologging::{Config, FemtoStreamHandler, info_span};
///
/// let config = Config::builder()
///     .span_events(SpanEvents::Exit)
///     .add_handler("console", FemtoStreamHandler::stderr().build()?);
/// # drop(config);
/// let timed = info_span!("load").events(SpanEvents::Both);
/// # drop(timed);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanEvents {
    /// No records. The default.
    #[default]
    None,
    /// A record `enter` when the span is entered for the first time.
    Enter,
    /// A record `exit` when the span ends.
    Exit,
    /// Both records.
    Both,
}
