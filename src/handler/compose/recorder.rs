//! The last records of every level, kept for when something goes wrong.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{KeptRecord, KeptSites, Target};
use crate::error::{Error, Problem};
use crate::handler::{Batch, Call, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::level::LevelFilter;
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Keeps the last records unformatted, and replays them into another handler when something goes wrong.
///
/// Give it all levels, and let another handler have the important ones all the time. When a record from
/// [`trigger`](HandlerBuilder::trigger) on comes, what is kept goes to the target, in order and with their own stamps, and then
/// that record; it begins anew. [`install_panic_hook`](crate::install_panic_hook) logs panics, which so are a trigger, too;
/// [`RecorderHandle::dump`] is for any other reason.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`records`](HandlerBuilder::records) | 1,000 | so many records are kept |
/// | [`bytes`](HandlerBuilder::bytes) | 1 MiB | so much memory they take, about |
/// | [`trigger`](HandlerBuilder::trigger) | `Error` | the lowest level that has them replayed |
/// | the rest | see [`HandlerBuilder`] | |
///
/// A record counts as written once it is kept or handed on; those that newer ones push out are no loss. Those that the target fails to
/// write are reported, and counted as errors. A process that is killed loses what is kept.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoCaptureHandler, FemtoFlightRecorder, LevelFilter, debug, error};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let (recorder, _handle) = FemtoFlightRecorder::builder(capture.clone()).records(2).build()?;
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
    target: Target,
    kept: VecDeque<KeptRecord>,
    /// How much memory they take.
    size: usize,
    records: usize,
    bytes: usize,
    trigger: LevelFilter,
    sites: KeptSites,
    asked: RecorderHandle,
    /// The time of the last call that said it.
    now: Timestamp,
}

/// Asks a [`FemtoFlightRecorder`] for what it keeps. Clones ask the same one.
#[derive(Debug, Clone, Default)]
pub struct RecorderHandle(Arc<AtomicBool>);

impl RecorderHandle {
    /// Has the records replayed: with the next record, the next flush, or within a second or so.
    pub fn dump(&self) {
        self.0.store(true, Relaxed);
    }
}

/// The options of a [`FemtoFlightRecorder`].
pub struct FlightRecorderOptions {
    target: HandlerSpec,
    records: usize,
    bytes: usize,
    trigger: LevelFilter,
}

impl FemtoFlightRecorder {
    /// Starts a recorder that replays into `target`.
    pub fn builder(target: impl Into<HandlerSpec>) -> HandlerBuilder<FlightRecorderOptions> {
        HandlerBuilder::new(FlightRecorderOptions {
            target: target.into(),
            records: 1000,
            bytes: 1024 * 1024,
            trigger: LevelFilter::Error,
        })
    }

    /// Hands everything that is kept to the target.
    fn replay(&mut self) {
        self.size = 0;
        for kept in self.kept.drain(..) {
            self.sites.view(&kept, |record| self.target.handle(record, self.now));
        }
    }

    fn replay_if_asked(&mut self) {
        if self.asked.0.swap(false, Relaxed) {
            self.replay();
        }
    }

    /// Has the target deliver what was replayed outside of a batch.
    fn deliver_replayed(&mut self) -> Result<(), Error> {
        self.target.deliver(Call { due: true, ..Call::default() }, self.now);
        Error::gather(self.target.take_settled().errors)
    }
}

impl HandlerBuilder<FlightRecorderOptions> {
    /// Sets how many records are kept, 1 to 10,000,000.
    pub fn records(mut self, records: usize) -> Self {
        self.options.records = records;
        self
    }

    /// Sets how much memory the records take, in bytes and about.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.options.bytes = bytes;
        self
    }

    /// Sets the lowest level that has the records replayed; `Off` for none.
    pub fn trigger(mut self, level: impl Into<LevelFilter>) -> Self {
        self.options.trigger = level.into();
        self
    }

    /// Makes the recorder, and what asks it.
    ///
    /// # Errors
    ///
    /// Settings that cannot work, all in one error.
    pub fn build(self) -> Result<(HandlerSpec, RecorderHandle), Error> {
        let (FlightRecorderOptions { target, records, bytes, trigger }, settings) = self.into_parts();
        let mut problems = Vec::new();
        if !(1..=10_000_000).contains(&records) {
            problems.push(Problem::new("records", records, "keep between 1 and 10,000,000 records"));
        }
        if bytes < 4096 {
            problems.push(Problem::new("bytes", bytes, "give the records 4096 bytes at least"));
        }
        let asked = RecorderHandle::default();
        let recorder = FemtoFlightRecorder {
            target: target.into(),
            kept: VecDeque::new(),
            size: 0,
            records,
            bytes,
            trigger,
            sites: KeptSites::default(),
            asked: asked.clone(),
            now: Timestamp::default(),
        };
        Ok((Self::finish(settings, problems, || Ok(Box::new(recorder)))?, asked))
    }
}

impl FemtoHandler for FemtoFlightRecorder {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        self.target.handler.start(now)
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        self.replay_if_asked();
        if self.trigger.enables(record.level()) {
            self.replay();
            self.target.handle(record, self.now);
            return Ok(());
        }
        let kept = KeptRecord::new(record);
        self.size += kept.size();
        self.kept.push_back(kept);
        while self.kept.len() > self.records || self.size > self.bytes && self.kept.len() > 1 {
            self.size -= self.kept.pop_front().map_or(0, |oldest| oldest.size());
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        self.now = now;
        self.replay_if_asked();
        self.target.deliver(batch.call(), now);
        let settled = self.target.take_settled();
        settled.errors.into_iter().for_each(|error| batch.report(error));
        // The records of the batch are kept; what the target has not delivered yet keeps it busy.
        Ok(if self.target.keeps { Delivery::Retry } else { Delivery::Done })
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.replay_if_asked();
        self.deliver_replayed()?;
        self.target.handler.flush()
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        self.replay_if_asked();
        self.deliver_replayed()?;
        self.target.handler.tick(now)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.target.handler.close()
    }
}
