//! A buffer of records in memory, which is passed on as a whole.

use std::collections::VecDeque;

use super::{InnerHandler, KeptRecord, KeptSites, Outcome, RecordId, answer};
use crate::error::{Error, Problem};
use crate::handler::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::level::LevelFilter;
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Buffers records, and passes them all on to another handler when the buffer is full, when a severe record comes, and
/// at a [`flush`](crate::flush); as CPython's `MemoryHandler` does.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`capacity`](HandlerBuilder::capacity) | 1,000 | number of records at which the buffer is full |
/// | [`bytes`](HandlerBuilder::bytes) | 8 MiB | memory of records at which the buffer is full |
/// | [`flush_level`](HandlerBuilder::flush_level) | `Error` | records at this level and above flush the buffer |
/// | [`flush_on_close`](HandlerBuilder::flush_on_close) | `true` | flushes the buffer at shutdown, or discards it |
/// | the rest | see [`HandlerBuilder`] | |
///
/// Records are kept unformatted, and in flight: they count as written once the target has written them. Records that
/// are discarded at shutdown are counted as failed and reported. A process that is killed loses what is in the buffer.
///
/// The target runs on this handler's thread, and has no queue of its own. Its level and filters apply; records that
/// they reject count as written.
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
    target: InnerHandler,
    /// The buffer. Its records are open in the outer batch.
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
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoMemoryHandler, HandlerBuilder, MemoryOptions};
/// use femtologging::{FemtoStreamHandler, Level};
///
/// fn large(builder: HandlerBuilder<MemoryOptions>) -> HandlerBuilder<MemoryOptions> {
///     builder.capacity(10_000).bytes(8 << 20).flush_level(Level::Error)
/// }
///
/// let handler = large(FemtoMemoryHandler::builder(FemtoStreamHandler::stderr().build()?)).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct MemoryOptions {
    target: HandlerSpec,
    capacity: usize,
    bytes: usize,
    flush_level: LevelFilter,
    flush_on_close: bool,
}

impl FemtoMemoryHandler {
    /// Starts the builder of a handler that passes records on to `target`.
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
    /// Sets the number of records at which the buffer is full, 1 to 1,000,000; 1,000 by default.
    pub fn capacity(mut self, records: usize) -> Self {
        self.options.capacity = records;
        self
    }

    /// Sets the memory of records at which the buffer is full, in bytes: 4096 or more, 8 MiB by default. The record
    /// that fills the buffer is passed on together with the others.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.options.bytes = bytes;
        self
    }

    /// Sets the lowest level whose records flush the buffer, themselves included; `Error` by default, `Off` for none.
    pub fn flush_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.options.flush_level = level.into();
        self
    }

    /// Sets whether a shutdown flushes the buffer (`true`, the default) or discards it.
    pub fn flush_on_close(mut self, flush: bool) -> Self {
        self.options.flush_on_close = flush;
        self
    }

    /// Makes the handler.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (MemoryOptions { target, capacity, bytes, flush_level, flush_on_close }, mut settings) = self.into_parts();
        settings.contain(&target);
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
    /// Passes on what is kept, in order.
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
