//! The choices a handler's queue and thread are set up with: plain data, no logic.

use std::time::Duration;

/// How records reach a handler's thread.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoStreamHandler, Transport};
///
/// let small_rings = FemtoStreamHandler::stderr().transport(Transport::PerThread { bytes: 16 * 1024 }).build()?;
/// let one_channel = FemtoStreamHandler::stderr().transport(Transport::Shared { capacity: Some(10_000) }).build()?;
/// # drop((small_rings, one_channel));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// One ring of `bytes` bytes for every thread that logs, rounded up to a power of two: 1 KiB to 64 MiB.
    ///
    /// The fastest transport. A ring is reused when its thread has ended. Threads that come when rings have taken their part of
    /// [`max_queue_bytes`](crate::ConfigBuilder::max_queue_bytes) get smaller ones, and later ones share a channel.
    PerThread {
        /// The size of one thread's ring, in bytes.
        bytes: usize,
    },
    /// One channel that all threads share, for programs with thousands of threads that log.
    Shared {
        /// How many records the channel holds; `None` for as many as the handler's share of
        /// [`max_queue_bytes`](crate::ConfigBuilder::max_queue_bytes) has room for.
        capacity: Option<usize>,
    },
}

impl Transport {
    /// How much memory a queue has at least: room for one ring as large as was asked for, and for as much beside it.
    pub(crate) fn least_bytes(self) -> usize {
        match self {
            Transport::PerThread { bytes } => bytes.next_power_of_two().saturating_mul(4),
            Transport::Shared { .. } => 0,
        }
    }
}

impl Default for Transport {
    /// A ring of 256 KiB per thread.
    fn default() -> Self {
        Transport::PerThread { bytes: 256 * 1024 }
    }
}

/// What happens to a record when its handler's queue is full.
///
/// The policy applies to records only: flush and shutdown always get through.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoStreamHandler, OverflowPolicy, Transport};
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
    /// The caller waits for room. Nothing is lost.
    #[default]
    Block,
    /// The caller waits for room for this long; then the record is dropped and counted.
    BlockFor(Duration),
    /// The record is dropped and counted.
    DropNewest,
    /// The oldest record in the queue is dropped and counted. For [`Transport::Shared`] only.
    DropOldest,
}

/// What a handler's thread does while it has nothing to do.
///
/// Callers do not wake it, unless its queue is full or by `wake_level`. It looks for records again and again: for a moment without sleeping, then in sleeps that
/// double from `first_sleep` to `longest_sleep`. A longer sleep costs an idle process less; it delays the first
/// record after a pause by that much, and nobody else.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoStreamHandler, IdlePolicy, Level};
/// use std::time::Duration;
///
/// // Hardly ever awake, but at once when something is wrong:
/// let quiet = IdlePolicy { longest_sleep: Duration::from_millis(200), ..IdlePolicy::default() };
/// let handler = FemtoStreamHandler::stderr().idle(quiet).wake_level(Level::Error).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdlePolicy {
    /// How long it spins between two looks before it begins to sleep. 2 µs by default.
    pub spin: Duration,
    /// The first sleep. 50 µs by default.
    pub first_sleep: Duration,
    /// The longest sleep. 100 ms by default, which keeps an idle handler below 0.05 % of one processor.
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

/// Which records a span makes of itself.
///
/// Both are at the span's level and carry its keys. That of the end has a key `duration`, from the first entry to the end of the
/// last handle or guard, and `panicked` if a panic left the span.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoStreamHandler, SpanEvents, info_span};
///
/// let config = Config::builder()
///     .span_events(SpanEvents::Exit)
///     .add_handler("console", FemtoStreamHandler::stderr().build()?);
/// # drop(config);
/// let quiet = info_span!("load").events(SpanEvents::None);
/// # drop(quiet);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanEvents {
    /// None.
    None,
    /// `enter`, when it is entered for the first time.
    Enter,
    /// `exit`, when it is over.
    Exit,
    /// `enter` and `exit`.
    #[default]
    Both,
}
