//! A flight recorder: the latest records of all levels, which are written only when something goes wrong.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::{InnerHandler, KeptRecord, KeptSites, Outcome, RecordId, answer};
use crate::error::{Error, Problem};
use crate::handler::{Batch, Call, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::level::LevelFilter;
use crate::record::FemtoLogRecord;
use crate::time::{Timestamp, uptime};

/// Keeps the latest records in a ring buffer, unformatted, and replays them into another handler when something goes
/// wrong.
///
/// Let it take all levels, and add another handler that always writes the important ones. When a record at
/// [`trigger`](HandlerBuilder::trigger) or above comes, the target gets the buffered records, in order and with their
/// own timestamps, and then that record. The buffer is then cleared. A panic that
/// [`install_panic_hook`](crate::install_panic_hook) logs also triggers it; [`RecorderHandle::dump`] triggers it at any
/// other time.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`records`](HandlerBuilder::records) | 1,000 | maximum number of records in the buffer |
/// | [`bytes`](HandlerBuilder::bytes) | 1 MiB | approximate maximum memory of the buffer |
/// | [`trigger`](HandlerBuilder::trigger) | `Error` | the lowest level that triggers a replay |
/// | [`dump_handle`](HandlerBuilder::dump_handle) | none | triggers a replay at any other time |
/// | the rest | see [`HandlerBuilder`] | |
///
/// A record below `trigger` counts as written once it is in the buffer; one at `trigger` or above, once the target has
/// written it. Records that newer ones have displaced are not a loss. The number of replayed records that the target
/// fails to write is reported. A process that is killed loses the buffer.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoCaptureHandler, FemtoFlightRecorder};
/// use femtologging::{Config, LevelFilter, debug, error};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let recorder = FemtoFlightRecorder::builder(capture.clone()).records(2).build()?;
/// let logging = Config::builder().default_level(LevelFilter::Debug).add_handler("recorder", recorder).build()?;
/// let logger = logging.get_logger("shop")?;
/// for step in 1..=5 {
///     debug!(logger: logger, "step {}", step);
/// }
/// error!(logger: logger, "failed");
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["step 4", "step 5", "failed"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoFlightRecorder {
    target: InnerHandler,
    /// The buffer. Its records are closed in the outer batch: they were counted as written when they came.
    kept: VecDeque<(RecordId, KeptRecord)>,
    /// The memory that they take, in bytes.
    size: usize,
    records: usize,
    bytes: usize,
    trigger: LevelFilter,
    sites: KeptSites,
    asked: RecorderHandle,
    /// The time that the latest call passed.
    now: Timestamp,
}

/// The maximum time for which a flush waits for a target that retries replayed records, and the interval of its looks.
const PATIENCE: Duration = Duration::from_millis(500);
const RETRY: Duration = Duration::from_millis(2);

/// Triggers a replay of a [`FemtoFlightRecorder`] from any thread. Clones refer to the same recorder.
///
/// If several recorders have the same handle, a call of [`dump`](Self::dump) triggers only one of them; so give each
/// recorder its own.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoCaptureHandler, FemtoFlightRecorder, RecorderHandle};
///
/// let handle = RecorderHandle::new();
/// let recorder = FemtoFlightRecorder::builder(FemtoCaptureHandler::new()).dump_handle(&handle).build()?;
/// // At any time, on any thread:
/// handle.dump();
/// # drop(recorder);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RecorderHandle(Arc<AtomicBool>);

impl RecorderHandle {
    /// Makes a handle for [`dump_handle`](HandlerBuilder::dump_handle).
    pub fn new() -> Self {
        Self::default()
    }

    /// Triggers a replay, which happens at the next record or flush, or within about a second. Does not wait for it.
    pub fn dump(&self) {
        self.0.store(true, Relaxed);
    }
}

/// The options of a [`FemtoFlightRecorder`].
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoFlightRecorder, FlightRecorderOptions, HandlerBuilder};
/// use femtologging::{FemtoStreamHandler, Level};
///
/// fn short(builder: HandlerBuilder<FlightRecorderOptions>) -> HandlerBuilder<FlightRecorderOptions> {
///     builder.records(500).trigger(Level::Critical)
/// }
///
/// let handler = short(FemtoFlightRecorder::builder(FemtoStreamHandler::stderr().build()?)).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FlightRecorderOptions {
    target: HandlerSpec,
    records: usize,
    bytes: usize,
    trigger: LevelFilter,
    asked: RecorderHandle,
}

impl FemtoFlightRecorder {
    /// Starts the builder of a recorder that replays into `target`.
    pub fn builder(target: impl Into<HandlerSpec>) -> HandlerBuilder<FlightRecorderOptions> {
        HandlerBuilder::new(FlightRecorderOptions {
            target: target.into(),
            records: 1000,
            bytes: 1024 * 1024,
            trigger: LevelFilter::Error,
            asked: RecorderHandle::new(),
        })
    }

    /// Hands everything that is kept to the target, and clears the buffer. The records are not counted: they were when
    /// they came.
    fn replay(&mut self) {
        self.size = 0;
        for (id, kept) in self.kept.drain(..) {
            self.sites.view(&kept, |record| self.target.replay(record, id, self.now));
        }
    }

    fn replay_if_asked(&mut self) {
        if self.asked.0.swap(false, Relaxed) {
            self.replay();
        }
    }

    /// Returns how many replayed records the target has not settled.
    fn waiting(&self) -> usize {
        let (_, replayed) = self.target.batch.open_counts();
        replayed
    }

    /// Has the target deliver what was replayed, unless the worker has it called for records of the outer batch anyway.
    /// Returns the errors.
    fn deliver_replayed(&mut self, urgent: bool) -> Vec<Error> {
        self.replay_if_asked();
        let (of_outer, _) = self.target.batch.open_counts();
        if of_outer == 0 {
            self.target.deliver(Call { due: true, urgent, ..Call::default() }, self.now);
        }
        self.take_errors()
    }

    /// Takes out the errors, including one for replayed records that failed, which no counter shows.
    fn take_errors(&mut self) -> Vec<Error> {
        let failed = std::mem::take(&mut self.target.failed_replays);
        let mut errors = std::mem::take(&mut self.target.errors);
        errors.extend((failed > 0).then(|| Error::other(format!("{failed} replayed records could not be written"))));
        errors
    }
}

impl HandlerBuilder<FlightRecorderOptions> {
    /// Sets the maximum number of records in the buffer, 1 to 10,000,000; 1,000 by default.
    pub fn records(mut self, records: usize) -> Self {
        self.options.records = records;
        self
    }

    /// Sets the approximate maximum memory of the buffer, in bytes: 4096 or more, 1 MiB by default. The latest record
    /// is kept even if it is larger.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.options.bytes = bytes;
        self
    }

    /// Sets the lowest level that triggers a replay; `Error` by default, `Off` for none.
    pub fn trigger(mut self, level: impl Into<LevelFilter>) -> Self {
        self.options.trigger = level.into();
        self
    }

    /// Lets `handle` trigger replays of this recorder; see [`RecorderHandle`].
    pub fn dump_handle(mut self, handle: &RecorderHandle) -> Self {
        self.options.asked = handle.clone();
        self
    }

    /// Makes the recorder.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (FlightRecorderOptions { target, records, bytes, trigger, asked }, mut settings) = self.into_parts();
        settings.contain(&target);
        let mut problems = target.inner_problems("target");
        if !(1..=10_000_000).contains(&records) {
            problems.push(Problem::new("records", records, "keep between 1 and 10,000,000 records"));
        }
        if bytes < 4096 {
            problems.push(Problem::new("bytes", bytes, "give the records 4096 bytes at least"));
        }
        Self::finish(settings, problems, || {
            Ok(Box::new(FemtoFlightRecorder {
                target: target.into(),
                kept: VecDeque::new(),
                size: 0,
                records,
                bytes,
                trigger,
                sites: KeptSites::default(),
                asked,
                now: Timestamp::default(),
            }))
        })
    }
}

impl FemtoHandler for FemtoFlightRecorder {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        self.target.handler.start(now)
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.target.abandon_with(batch);
        self.replay_if_asked();
        let id = batch.current_id();
        if self.trigger.enables(record.level()) {
            self.replay();
            self.target.handle(record, id, self.now);
            return Ok(());
        }
        // It counts as written now. Whether it is ever replayed is not known.
        self.target.close(id, Outcome::Written, true);
        let kept = KeptRecord::new(record);
        self.size += kept.size();
        self.kept.push_back((id, kept));
        // The newest record stays, however large it is.
        while self.kept.len() > self.records || self.size > self.bytes && self.kept.len() > 1 {
            self.size -= self.kept.pop_front().map_or(0, |(_, oldest)| oldest.size());
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        self.now = now;
        self.target.abandon_with(batch);
        self.replay_if_asked();
        self.target.deliver(batch.call(), now);
        self.take_errors().into_iter().for_each(|error| batch.report(error));
        Ok(answer([&mut self.target], false, batch))
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut failures = self.deliver_replayed(true);
        // A target for a network needs some time to connect and to be answered.
        let start = uptime();
        while self.waiting() > 0 && uptime().saturating_sub(start) < PATIENCE {
            std::thread::park_timeout(RETRY);
            failures.extend(self.deliver_replayed(false));
        }
        let waiting = self.waiting();
        if waiting > 0 {
            failures.push(Error::other(format!("{waiting} replayed records are not written yet")));
        }
        failures.extend(self.target.handler.flush().err());
        Error::gather(failures)
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        let mut failures = self.deliver_replayed(false);
        failures.extend(self.target.handler.tick(now).err());
        Error::gather(failures)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.target.settle(Outcome::Failed);
        let mut failures = self.take_errors();
        failures.extend(self.target.handler.close().err());
        Error::gather(failures)
    }
}
