//! Records that wait in memory until there is a reason to hand them on.

use std::collections::VecDeque;

use super::{Inner, KeptRecord, KeptSites, Outcome, RecordId, answer};
use crate::error::{Error, Problem};
use crate::handler::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::level::LevelFilter;
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Keeps records, and hands them all on to another handler when there are many, when a severe one comes, or when asked;
/// as CPython's `MemoryHandler` does.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`capacity`](HandlerBuilder::capacity) | 1,000 | so many records are handed on |
/// | [`bytes`](HandlerBuilder::bytes) | 8 MiB | so much memory of records is handed on |
/// | [`flush_level`](HandlerBuilder::flush_level) | `Error` | a record from this level on, and all before it, are handed on |
/// | [`flush_on_close`](HandlerBuilder::flush_on_close) | `true` | whether the end hands on what is kept, or discards it |
/// | the rest | see [`HandlerBuilder`] | |
///
/// Records are kept unformatted, and in flight: they count as written once the target has written them.
/// [`flush`](crate::flush) hands them on. What is discarded at the end is counted as failed and reported. A process
/// that is killed loses what is kept.
///
/// The target works on this handler's thread. Its level and filters count; its queue has no meaning, and what its level
/// or filters turn away counts as written.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoCaptureHandler, FemtoMemoryHandler};
/// use femtologging::{Config, debug, error};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let memory = FemtoMemoryHandler::builder(capture.clone()).capacity(100).build()?;
/// let logging = Config::builder().default_level(femtologging::Level::Debug).add_handler("memory", memory).build()?;
/// let logger = logging.get_logger("shop")?;
/// debug!(logger: logger, "asked");
/// error!(logger: logger, "refused");
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["asked", "refused"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoMemoryHandler {
    target: Inner,
    /// The newest records.
    kept: VecDeque<(RecordId, KeptRecord)>,
    /// The memory that they take, in bytes.
    size: usize,
    capacity: usize,
    bytes: usize,
    flush_level: LevelFilter,
    flush_on_close: bool,
    sites: KeptSites,
}

/// The options of a [`FemtoMemoryHandler`].
pub struct MemoryOptions {
    target: HandlerSpec,
    capacity: usize,
    bytes: usize,
    flush_level: LevelFilter,
    flush_on_close: bool,
}

impl FemtoMemoryHandler {
    /// Starts a handler that hands records on to `target`.
    pub fn builder(target: impl Into<HandlerSpec>) -> HandlerBuilder<MemoryOptions> {
        HandlerBuilder::new(MemoryOptions {
            target: target.into(),
            capacity: 1000,
            bytes: 8 << 20,
            flush_level: LevelFilter::Error,
            flush_on_close: true,
        })
    }
}

impl HandlerBuilder<MemoryOptions> {
    /// Sets how many records are kept until they are handed on, 1 to 1,000,000.
    pub fn capacity(mut self, records: usize) -> Self {
        self.options.capacity = records;
        self
    }

    /// Sets how much memory the kept records take until they are handed on, in bytes: 4096 or more. The one with which
    /// they reach it is handed on with them.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.options.bytes = bytes;
        self
    }

    /// Sets the lowest level whose records are handed on at once, with all that are kept; `Off` for none.
    pub fn flush_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.options.flush_level = level.into();
        self
    }

    /// Sets whether the end hands on what is kept.
    pub fn flush_on_close(mut self, flush: bool) -> Self {
        self.options.flush_on_close = flush;
        self
    }

    /// Makes the handler.
    ///
    /// # Errors
    ///
    /// Settings that cannot work, all in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (MemoryOptions { target, capacity, bytes, flush_level, flush_on_close }, settings) = self.into_parts();
        let mut problems = target.inner_problems("target");
        if !(1..=1_000_000).contains(&capacity) {
            problems.push(Problem::new("capacity", capacity, "keep between 1 and 1,000,000 records"));
        }
        if bytes < 4096 {
            problems.push(Problem::new("bytes", bytes, "give the records 4096 bytes at least"));
        }
        Self::finish(settings, problems, || {
            Ok(Box::new(FemtoMemoryHandler {
                target: target.into(),
                kept: VecDeque::new(),
                size: 0,
                capacity,
                bytes,
                flush_level,
                flush_on_close,
                sites: KeptSites::default(),
            }))
        })
    }
}

impl FemtoMemoryHandler {
    /// Hands on what is kept.
    fn hand_on(&mut self, now: Timestamp) {
        self.size = 0;
        for (id, kept) in self.kept.drain(..) {
            self.sites.view(&kept, |record| self.target.handle(record, id, now));
        }
    }

    fn abandon_with(&mut self, batch: &Batch) {
        if self.target.abandon_with(batch) {
            self.kept.clear();
            self.size = 0;
        }
    }

    fn discard(&mut self, batch: &mut Batch) {
        let discarded = self.kept.len();
        if discarded > 0 {
            self.size = 0;
            batch.close_by_id(self.kept.drain(..).map(|(id, _)| (id, Outcome::Failed)).collect());
            batch.report(Error::other(format!("{discarded} kept records were discarded at the end")));
        }
    }
}

impl FemtoHandler for FemtoMemoryHandler {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        self.target.handler.start(now)
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.abandon_with(batch);
        let kept = KeptRecord::new(record);
        self.size += kept.size();
        self.kept.push_back((batch.current_id(), kept));
        let is_full = self.kept.len() >= self.capacity || self.size >= self.bytes;
        if is_full || self.flush_level.enables(record.level()) {
            self.hand_on(record.timestamp());
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        self.abandon_with(batch);
        let call = batch.call();
        if call.closing && !self.flush_on_close {
            self.discard(batch);
        } else if call.time_left.is_some() {
            self.hand_on(now);
        }
        self.target.deliver(call, now);
        Ok(answer([&mut self.target], !self.kept.is_empty(), batch))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.target.handler.flush()
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.target.handler.tick(now)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.target.handler.close()
    }
}
