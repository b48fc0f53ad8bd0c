//! A second handler for what the first one fails to deliver.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{InnerHandler, KeptRecord, KeptSites, Outcome, RecordId, answer, each};
use crate::error::{Error, Problem};
use crate::handler::retry::Backoff;
use crate::handler::{Batch, Call, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Hands records to one handler, and what that fails to deliver to another one.
///
/// After a failure, records go to the second handler for a time (backoff: 100 ms, doubled after each failure, up to
/// 30 s). Then the first handler is tried again with new records. A handler that retries by itself, such as those for
/// networks, has failed when it has delivered nothing for [`patience`](HandlerBuilder::patience), or at a shutdown.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`patience`](HandlerBuilder::patience) | 10 s | maximum time for which the first handler keeps records |
/// | [`bytes`](HandlerBuilder::bytes) | 32 MiB | maximum memory of records that wait for the first handler |
/// | the rest | see [`HandlerBuilder`] | |
///
/// A copy of each record is kept until the first handler has delivered it. When the copies take more than `bytes`, the
/// first handler has failed, and the second one gets them. Records that both handlers fail to deliver are counted as
/// failed. A record that the first handler has delivered in part is delivered again, as a whole, by the second one. The
/// handlers share one queue and one thread; each applies its own level and filters.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{Endpoint, FemtoFallbackHandler, FemtoSocketHandler};
/// use femtologging::FemtoFileHandler;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("unsent.log");
/// let network = FemtoSocketHandler::builder().endpoint(Endpoint::tcp("127.0.0.1", 9)).build()?;
/// let file = FemtoFileHandler::builder().path(path).build()?;
/// let handler = FemtoFallbackHandler::builder(network, file).build()?;
/// # drop(handler);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FemtoFallbackHandler {
    first: InnerHandler,
    second: InnerHandler,
    /// A copy of each record that the first handler has not settled.
    copies: BTreeMap<RecordId, KeptRecord>,
    sites: KeptSites,
    backoff: Backoff,
    /// The start and the end of the time in which the first handler gets no records. If the clock is set back to before
    /// the start, that time is over.
    rests: Option<(Timestamp, Timestamp)>,
    /// The time since when the first handler has kept records without delivering any.
    waits_since: Option<Timestamp>,
    patience: Duration,
    /// The memory that the copies take, and the maximum.
    size: usize,
    bytes: usize,
    now: Timestamp,
}

/// The options of a [`FemtoFallbackHandler`].
///
/// # Examples
///
/// ```
/// use femtologging::FemtoStreamHandler;
/// use femtologging::handler::{Endpoint, FallbackOptions, FemtoFallbackHandler, FemtoSocketHandler, HandlerBuilder};
/// use std::time::Duration;
///
/// fn impatient(builder: HandlerBuilder<FallbackOptions>) -> HandlerBuilder<FallbackOptions> {
///     builder.patience(Duration::from_secs(1))
/// }
///
/// let collector = FemtoSocketHandler::builder().endpoint(Endpoint::tcp("localhost", 9000)).build()?;
/// let console = FemtoStreamHandler::stderr().build()?;
/// let handler = impatient(FemtoFallbackHandler::builder(collector, console)).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FallbackOptions {
    first: HandlerSpec,
    second: HandlerSpec,
    patience: Duration,
    bytes: usize,
}

impl FemtoFallbackHandler {
    /// Starts a handler that tries `first`, and then `second`.
    pub fn builder(first: impl Into<HandlerSpec>, second: impl Into<HandlerSpec>) -> HandlerBuilder<FallbackOptions> {
        let patience = Duration::from_secs(10);
        HandlerBuilder::new(FallbackOptions { first: first.into(), second: second.into(), patience, bytes: 32 << 20 })
    }

    /// Has the first handler deliver, and hands what it failed to deliver to the second one.
    ///
    /// The first handler fails everything that it keeps if the copies exceed their memory, if it has delivered nothing
    /// for longer than the patience, or if this is the last call before a shutdown. A partial success restarts the
    /// patience.
    fn deliver_first(&mut self, call: Call) {
        let (first, now) = (&mut self.first, self.now);
        // Outcomes after this position are of this delivery.
        let before = first.settled.len();
        first.deliver(call, now);
        if self.size > self.bytes && first.answer == Delivery::Retry {
            first.errors.push(Error::other("it keeps more than there is room for; the next handler takes over"));
            first.settle(Outcome::Failed);
        }
        if first.answer != Delivery::Retry {
            self.waits_since = None;
        } else if first.settled.len() > before {
            self.waits_since = Some(now);
        } else {
            // A clock that was set back does not prolong the wait by more than the patience.
            let since = self.waits_since.map_or(now, |since| since.min(now));
            self.waits_since = Some(since);
            if call.closing || since.saturating_add(self.patience) <= now {
                first.errors.push(Error::other("nothing was delivered for too long; the next handler takes over"));
                first.settle(Outcome::Failed);
                self.waits_since = None;
            }
        }
        let outcomes = || first.settled.iter().skip(before).map(|(_, outcome)| *outcome);
        // A single failure starts the pause. No outcome at all (the handler retries) changes nothing.
        if outcomes().any(|outcome| outcome == Outcome::Failed) {
            self.rests = Some((now, now.saturating_add(self.backoff.next_delay())));
        } else if outcomes().next().is_some() {
            self.backoff.reset();
        }
        self.hand_over();
    }

    /// Removes the copies of records that the first handler has settled, and hands those that it failed to deliver to
    /// the second one, in the order in which they were logged.
    ///
    /// What it failed to deliver is removed from `first.settled`, so that the outer batch does not count it as failed:
    /// the record is still open there, and the second handler's outcome decides. What it delivered stays in
    /// `first.settled` for [`answer`].
    fn hand_over(&mut self) {
        let Self { first, second, sites, now, .. } = self;
        let mut failed: Vec<_> = Vec::new();
        first.settled.retain(|(id, outcome)| {
            let copy = self.copies.remove(id);
            self.size -= copy.as_ref().map_or(0, KeptRecord::size).min(self.size);
            match copy.filter(|_| *outcome == Outcome::Failed) {
                Some(copy) => failed.push((*id, copy)),
                None => return true,
            }
            false
        });
        // Outcomes may come in any order, ids ascend in the order in which records were logged.
        failed.sort_unstable_by_key(|(id, _)| *id);
        for (id, copy) in failed {
            sites.view(&copy, |record| second.handle(record, id, *now));
        }
    }

    fn abandon_with(&mut self, batch: &Batch) {
        if self.first.abandon_with(batch) {
            self.copies.clear();
            self.size = 0;
        }
        self.second.abandon_with(batch);
    }

    /// Returns whether the first handler gets no records at the moment.
    fn is_resting(&self) -> bool {
        self.rests.is_some_and(|(since, until)| (since..until).contains(&self.now))
    }
}

impl HandlerBuilder<FallbackOptions> {
    /// Sets the maximum time for which the first handler keeps records without delivering any; 10 s by default. Then
    /// the second handler gets them.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// Sets the maximum memory of the records that wait for the first handler, in bytes: 4096 or more, 32 MiB by
    /// default.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.options.bytes = bytes;
        self
    }

    /// Makes the handler.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (FallbackOptions { first, second, patience, bytes }, mut settings) = self.into_parts();
        [&first, &second].into_iter().for_each(|inner| settings.contain(inner));
        let mut problems = first.inner_problems("first");
        problems.extend(second.inner_problems("second"));
        if bytes < 4096 {
            problems.push(Problem::new("bytes", bytes, "give the records 4096 bytes at least"));
        }
        Self::finish(settings, problems, || {
            Ok(Box::new(FemtoFallbackHandler {
                first: first.into(),
                second: second.into(),
                copies: BTreeMap::new(),
                sites: KeptSites::default(),
                backoff: Backoff::seeded(Backoff::RANGE),
                rests: None,
                waits_since: None,
                patience,
                size: 0,
                bytes,
                now: Timestamp::default(),
            }))
        })
    }
}

impl FemtoHandler for FemtoFallbackHandler {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        each("start", [&mut self.first, &mut self.second], |handler| handler.start(now))
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.abandon_with(batch);
        let id = batch.current_id();
        if self.is_resting() {
            self.second.handle(record, id, self.now);
            return Ok(());
        }
        // The copy first: the handler may fail the record at once, and then it is needed.
        let copy = KeptRecord::new(record);
        self.size += copy.size();
        self.copies.insert(id, copy);
        self.first.take(record, id, true);
        if self.first.batch.is_full() || self.size > self.bytes {
            self.deliver_first(Call { due: true, ..Call::default() });
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        self.now = now;
        self.abandon_with(batch);
        self.deliver_first(batch.call());
        self.second.deliver(batch.call(), now);
        Ok(answer([&mut self.first, &mut self.second], false, batch))
    }

    fn flush(&mut self) -> Result<(), Error> {
        each("flush", [&mut self.first, &mut self.second], |handler| handler.flush())
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        each("tick", [&mut self.first, &mut self.second], |handler| handler.tick(now))
    }

    fn close(&mut self) -> Result<(), Error> {
        each("close", [&mut self.first, &mut self.second], |handler| handler.close())
    }
}
