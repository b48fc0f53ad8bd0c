//! The loop of a handler's thread.
//!
//! One turn of the loop:
//!
//! ```text
//! command?  ── flush ──▶ drain the backlog, deliver with retries, flush the handler, answer
//!   │       ── close ──▶ the same, close the handler, answer, end
//!   ▼
//! drain     read the clock (the horizon), look at the queue, handle each record in order;
//!   │       a full batch is delivered at once
//!   ▼
//! nothing found?     deliver the batch, report drops, wait (`idle`)
//! a second passed?   report drops, tick
//! ```
//!
//! **Each record is counted once**, after its outcome is known. A record that a filter rejects is `filtered`; one whose
//! handling fails is `failed`. The others are in the batch, and in flight, until `settle` counts them as written or
//! failed. A record that is kept for a retry stays in the batch and in flight.
//!
//! **Every call of user code is guarded** (`caught`): a panic of a handler, filter or formatter becomes an error, is
//! counted, and the loop goes on.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::govern::{self, Govern};
use super::idle::Idle;
use super::inbox::{Inbox, Next};
use super::report::{self, DropReport};
use super::steps::{self, StepReport};
use super::trial::{Before, OnTrial};
use super::{Change, Command, Renew, Traits, Trial};
use crate::callsite::Callsite;
use crate::error::{Error, caught, notify, rendered};
use crate::filter::{self, FemtoFilter};
use crate::handler::{Batch, Call, Delivery, FemtoHandler, Outcome, Settled};
use crate::metrics::{Counters, DropReason};
use crate::policy::{Governor, IdlePolicy};
use crate::queue::{Lane, Queue, become_consumer};
use crate::record::SiteTable;
use crate::sync::channel::Receiver;
use crate::sync::lock;
use crate::time::{ClockStep, Timeline, Timestamp};

/// The interval between calls of the handler's `tick`, and between looks for idle rings.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// The interval between retries while a flush waits for records that the handler keeps.
pub(super) const RETRY: Duration = Duration::from_millis(2);

/// How long a handler may retry after its system was dropped without a shutdown, which would have set a deadline.
const RETRY_TIMEOUT: Duration = Duration::from_secs(5);

/// The horizon is this much earlier than now; see `inbox`.
const LOOKAHEAD: Duration = Duration::from_micros(1);

/// The state of a handler's thread.
pub(super) struct Consumer {
    commands: Receiver<Command>,
    /// Opens when its sender is dropped: until then, the handler that was there before is still at its end.
    gate: Option<Receiver<Infallible>>,
    /// Set when the handler is being removed: from when on it may end while threads have its rings, and when it ends at
    /// the latest.
    leaves: Option<(Instant, Instant)>,
    /// Commands that came while a flush waited.
    deferred: VecDeque<Command>,
    inbox: Inbox,
    idle: Idle,
    last_tick: Instant,
    /// [`LOOKAHEAD`] in ticks of the clock; 0 for a manual clock, which jumps.
    lookahead: u64,
    /// The last reading of the clock.
    latest: u64,
    /// Gives loggers and call sites new routes, for a level that the governor has changed.
    renew: Option<Renew>,
    sink: Sink,
}

/// The side of the handler: filters, the handler, the batch.
pub(super) struct Sink {
    pub(super) queue: Arc<Queue>,
    pub(super) handler: Box<dyn FemtoHandler>,
    pub(super) filters: Vec<Box<dyn FemtoFilter>>,
    pub(super) idle: IdlePolicy,
    /// Set while the handler is on probation and has not delivered.
    pub(super) trial: Option<Box<OnTrial>>,
    /// The handler that comes back if the probation fails.
    pub(super) before: Option<Box<Before>>,
    /// The worker's, which change with the handler.
    pub(super) traits: Arc<Mutex<Traits>>,
    sites: SiteTable,
    timeline: Timeline,
    pub(super) batch: Batch,
    /// Whether the handler keeps records for a retry.
    pub(super) keeps: bool,
    /// The deadline of the flush or shutdown that is under way.
    until: Option<Instant>,
    pub(super) govern: Option<Govern>,
    /// What was reported about dropped records.
    report: DropReport,
    /// What was reported about steps of the wall clock.
    steps: StepReport,
    /// The number of failed records at the last flush.
    failed_before: u64,
    /// The number of records since then that failed because the reader of a pipe has gone.
    failed_without_reader: u64,
    /// Whether it was gone at the last delivery.
    is_reader_gone: bool,
}

impl Consumer {
    pub(super) fn new(
        commands: Receiver<Command>,
        sink: Sink,
        gate: Option<Receiver<Infallible>>,
        renew: Option<Renew>,
    ) -> Self {
        let inbox = Inbox::new(&sink.queue.lane);
        Self {
            commands,
            gate,
            leaves: None,
            deferred: VecDeque::new(),
            inbox,
            idle: Idle::new(sink.idle),
            last_tick: Instant::now(),
            lookahead: if sink.queue.clock.is_manual() { 0 } else { sink.timeline.ticks_in(LOOKAHEAD) },
            latest: 0,
            renew,
            sink,
        }
    }

    /// Runs until a command to close, or until the system was dropped. Returns the outcome of the shutdown.
    pub(super) fn run(&mut self) -> Result<(), Error> {
        become_consumer();
        // A replacement waits here for the handler before it: two of them must not write one file at a time.
        if let Some(gate) = self.gate.take() {
            self.wait_at(&gate);
        }
        self.sink.start();
        loop {
            match self.deferred.pop_front().map_or_else(|| self.commands.try_recv(), Ok) {
                Ok(Command::Flush { until, done }) => {
                    done.send(self.flush(until, false));
                }
                Ok(Command::Close { until, done }) => {
                    let outcome = self.close(until);
                    done.send(outcome.as_ref().copied().map_err(Error::duplicate));
                    return outcome;
                }
                Ok(Command::Change { offer, until, done }) => {
                    let change = lock(&offer).take();
                    if let Some(change) = change {
                        done.send(self.change(change, until));
                    }
                }
                Ok(Command::Leave { from, until }) => self.leaves = Some((from, until)),
                // The system was dropped without a shutdown.
                Err(error) if error.is_disconnected() => return self.close(Instant::now() + RETRY_TIMEOUT),
                Err(_) => {}
            }
            let is_idle = self.drain(self.lookahead) == 0;
            // Also while records keep coming: a busy handler must tick and report drops as well.
            let is_due = self.last_tick.elapsed() >= TICK;
            if is_idle {
                let _ = self.sink.deliver(Call::default());
            }
            if is_idle || is_due {
                self.sink.report_drops();
            }
            if is_due {
                self.last_tick = Instant::now();
                self.sink.tick();
            }
            if let Some((from, until)) = self.leaves
                && is_idle
            {
                let (queue, now) = (&self.sink.queue, Instant::now());
                let may_end = !queue.is_in_use() || now >= from && !queue.has_waiting_callers();
                if may_end || now >= until {
                    queue.close();
                    return self.close(until);
                }
                std::thread::park_timeout(RETRY);
            } else if is_idle {
                self.idle.wait();
            } else {
                self.idle.reset();
                self.idle.pause();
            }
        }
    }

    /// Waits until the gate opens, or until half of the time of a command to close is over: when the process ends, a
    /// handler that is stuck at its end must not take the records of the new one along.
    fn wait_at(&mut self, gate: &Receiver<Infallible>) {
        let mut until = None;
        while until.is_none() {
            match self.commands.try_recv() {
                Ok(command) => {
                    if let Command::Close { until: end, .. } = &command {
                        let now = Instant::now();
                        until = Some(now + end.saturating_duration_since(now) / 2);
                    }
                    self.deferred.push_back(command);
                }
                Err(error) if error.is_disconnected() => return,
                // The gate is looked at often enough. No command wakes this thread earlier, and none is in a hurry.
                Err(_) => match gate.recv_timeout(RETRY) {
                    Err(error) if error.is_timeout() => {}
                    _ => return,
                },
            }
        }
        let _ = until.map(|until| gate.recv_deadline(until));
    }

    /// Carries out a change between two batches, after what was logged before it.
    fn change(&mut self, change: Change, until: Instant) -> Result<(), Error> {
        let has_other_handler = matches!(&change, Change::Handler(..) | Change::Back);
        let flushed = match has_other_handler {
            true => self.flush(until, change.closes()),
            false => {
                self.drain_backlog();
                Ok(())
            }
        };
        let outcome = self.sink.change(change, flushed);
        if has_other_handler {
            self.idle = Idle::new(self.sink.idle);
        }
        outcome
    }

    /// Handles all records that were logged at least `lookahead` ticks ago. Returns their number.
    ///
    /// The order of the first lines is what `inbox` relies on: the clock is read before the queue is looked at. The
    /// time line is refreshed in between, so that it covers every tick up to the horizon.
    fn drain(&mut self, lookahead: u64) -> usize {
        let now = self.sink.queue.clock.ticks();
        // Some machines reset the counter when they wake up. Older records must not wait for it to catch up.
        let horizon = if now < self.latest { u64::MAX } else { now.saturating_sub(lookahead) };
        self.latest = now;
        self.sink.look_at_clock();
        if self.sink.govern.is_some() {
            self.look_at_level(now);
        }
        let backlog = self.inbox.look(&self.sink.queue.lane) as u64;
        if backlog == 0 {
            return 0;
        }
        let high_water = &self.sink.queue.counters.high_water;
        if backlog > high_water.load(Relaxed) {
            high_water.store(backlog, Relaxed);
        }
        // The closure below borrows all of `sink`.
        let queue = self.sink.queue.clone();
        let count = self.inbox.drain(&queue.lane, horizon, |next| self.sink.take(next));
        let lost = self.inbox.take_lost();
        if lost > 0 {
            Counters::add(&self.sink.queue.counters.failed, lost);
            self.sink.report_error(&Error::other(format!("{lost} records were lost with broken words in a ring")));
        }
        count
    }

    /// Raises or lowers the handler's level, if its governor says so.
    ///
    /// The line about it comes before the records that this look finds. Filters and hooks, which the change of routes
    /// may drop and call, are guarded there.
    #[cold]
    fn look_at_level(&mut self, now: u64) {
        let queue = self.sink.queue.clone();
        let (before, full) = (queue.threshold(), self.inbox.fullness(&queue.lane));
        let timeline = &self.sink.timeline;
        let look = |govern: &mut Govern| govern.look(full, now, |time| timeline.ticks_in(time), before);
        let Some(level) = self.sink.govern.as_mut().and_then(look) else { return };
        queue.set_raised(level);
        let after = queue.threshold();
        if before == after {
            return;
        }
        if let Some(renew) = &self.renew {
            renew();
        }
        let text = self.sink.govern.as_ref().map(|govern| govern.text(&queue.name, before, after));
        let now = self.sink.timeline.timestamp(now);
        self.sink.write_line(&govern::SITE, &text.unwrap_or_default(), now);
    }

    /// Handles everything that was logged before the call. It ends even if other threads go on logging.
    fn drain_backlog(&mut self) {
        let held = match &self.sink.queue.lane {
            Lane::PerThread(_) | Lane::Inline(_) => 0,
            Lane::Shared(lane) => lane.len(),
        };
        let mut handled = self.drain(0);
        // One look takes everything out of rings; a channel may hold more than one look takes.
        while handled < held {
            match self.drain(0) {
                0 => break,
                more => handled += more,
            }
        }
        // Again, because the processor may have read the first horizon before it saw the command. What the first look
        // found counts as stamped at the second horizon; see `inbox`.
        self.drain(0);
    }

    /// Delivers and flushes everything that was logged before the call. A handler that keeps records retries until
    /// `until`.
    ///
    /// # Errors
    ///
    /// Says what is still kept, and how many records could not be written since the last flush.
    fn flush(&mut self, until: Instant, closing: bool) -> Result<(), Error> {
        self.sink.until = Some(until);
        self.drain_backlog();
        self.sink.report_drops();
        let delivered = self.deliver_all(until, closing);
        self.sink.until = None;
        self.sink.end_flush(delivered)
    }

    /// Delivers the batch, with retries until the deadline. A command to close ends the retries; another flush waits
    /// for its turn.
    fn deliver_all(&mut self, until: Instant, closing: bool) -> Result<(), Error> {
        let mut urgent = true;
        loop {
            self.sink.deliver(Call { due: true, urgent, closing, ..Call::default() })?;
            urgent = false;
            if !self.sink.keeps {
                return Ok(());
            }
            self.deferred.extend(self.commands.try_iter());
            let is_closing = self.deferred.iter().any(|command| matches!(command, Command::Close { .. }));
            if Instant::now() >= until || is_closing {
                return self.sink.all_delivered();
            }
            // Makes room in the queue, so that callers do not wait for the retries.
            if self.drain(self.lookahead) == 0 {
                std::thread::park_timeout(RETRY);
            }
        }
    }

    /// Delivers what was logged before the shutdown and closes the handler.
    ///
    /// After this, every record of the queue has an outcome: written or failed by [`flush`](Self::flush), failed if the
    /// handler still keeps it, dropped if it is in the inbox or the queue.
    fn close(&mut self, until: Instant) -> Result<(), Error> {
        let flushed = self.flush(until, true);
        let outcome = self.sink.close(flushed);
        let queue = &self.sink.queue;
        // Counts what the inbox has taken out of a channel. `end` counts what is still in the queue.
        self.inbox.drain(&queue.lane, u64::MAX, |next| queue.drop_published(DropReason::Closed, next.header.level()));
        queue.end();
        outcome
    }
}

impl Sink {
    pub(super) fn new(
        queue: Arc<Queue>,
        handler: Box<dyn FemtoHandler>,
        filters: Vec<Box<dyn FemtoFilter>>,
        idle: IdlePolicy,
        traits: Arc<Mutex<Traits>>,
        trial: Option<Trial>,
    ) -> Self {
        let timeline = Timeline::new(&queue.clock);
        let steps = StepReport::new(&timeline);
        let start = queue.clock.ticks();
        Self {
            queue,
            handler,
            filters,
            idle,
            trial: trial.map(|trial| OnTrial::new(trial, start)),
            before: None,
            traits,
            sites: SiteTable::default(),
            timeline,
            batch: Batch::default(),
            keeps: false,
            until: None,
            govern: None,
            report: DropReport::default(),
            steps,
            failed_before: 0,
            failed_without_reader: 0,
            is_reader_gone: false,
        }
    }

    /// Sets the governor, which begins without a raise.
    pub(super) fn govern(&mut self, governor: Option<Governor>) {
        self.govern = governor.map(Govern::new);
        self.queue.set_raised(None);
    }

    /// Brings the time line up to date.
    pub(super) fn look_at_clock(&mut self) {
        self.timeline.refresh();
        self.steps.look(&self.timeline);
    }

    /// Handles one record.
    ///
    /// | filters | handler | then |
    /// |---|---|---|
    /// | pass it | `Ok` | the batch gets an entry for it; a full batch is delivered |
    /// | reject it | not asked | counted as filtered |
    /// | panic, or pass it | an error or a panic | its text is taken back, counted as failed, reported |
    ///
    /// The text that a handler has appended before it failed is never delivered: `discard` truncates the batch to the
    /// end of the last entry.
    #[inline]
    pub(super) fn take(&mut self, next: Next<'_>) {
        if self.trial.is_some() {
            return self.try_out(next);
        }
        self.take_one(next);
    }

    #[inline]
    pub(super) fn take_one(&mut self, next: Next<'_>) {
        while let Some(step) = self.steps.before(next.ticks) {
            self.report_step(step);
        }
        let counters = &self.queue.counters;
        let header = next.header;
        if let Some(govern) = &mut self.govern {
            govern.note(header.level());
        }
        let timestamp = self.timeline.timestamp(next.ticks);
        let Some(record) = self.sites.record(header, timestamp, next.thread, next.payload) else {
            // Not reached: a call site is registered before its first record.
            self.queue.counters.error(format!("call site {} is unknown", header.site()));
            return Counters::add(&counters.failed, 1);
        };
        let (handler, filters, batch) = (&mut self.handler, &self.filters, &mut self.batch);
        let outcome = caught("handle", || {
            if filters.is_empty() {
                return handler.handle(&record, batch).map(|()| true);
            }
            let handled = filter::through(filters, &record, |record| handler.handle(record, batch));
            handled.map_or(Ok(false), |result| result.map(|()| true))
        });
        match outcome {
            Ok(true) => {
                // The record's text ends here. Until now, an error could still take it back.
                self.batch.seal();
                if self.batch.is_full() {
                    let _ = self.deliver(Call { due: true, ..Call::default() });
                }
            }
            Ok(false) => {
                Counters::add(&counters.filtered, 1);
                self.drop_copy();
            }
            Err(error) => self.fail_one(error),
        }
    }

    fn fail_one(&mut self, error: Error) {
        self.batch.discard();
        if self.reject(&error) {
            return;
        }
        Counters::add(&self.queue.counters.failed, 1);
        self.report_error(&error);
    }

    /// Hands the batch to the handler. The handler may wait for more records unless the call is due, and may keep
    /// records that it could not deliver.
    pub(super) fn deliver(&mut self, call: Call) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let time_left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        self.batch.set_call(Call { time_left, ..call });
        let now = self.timeline.timestamp(self.queue.clock.ticks());
        let (handler, batch) = (&mut self.handler, &mut self.batch);
        let outcome = caught("deliver", || handler.deliver(batch, now));
        let rest = match outcome {
            // Nothing was delivered, and nothing has failed: the batch stays open.
            Ok(Delivery::Wait) if !call.due => return Ok(()),
            Ok(Delivery::Retry) => Outcome::Open,
            Ok(Delivery::Done | Delivery::Wait) => Outcome::Written,
            Err(_) => Outcome::Failed,
        };
        let settled = self.batch.settle(rest);
        if self.trial.is_some() && self.judge(&settled, outcome.as_ref().err()) {
            return self.deliver(call);
        }
        let failed = self.count(settled, rest);
        outcome.map(|_| ()).inspect_err(|error| {
            self.failed_without_reader += if error.is_reader_gone() { failed } else { 0 };
            self.report_error(error);
        })
    }

    /// The same with a deadline.
    pub(super) fn deliver_until(&mut self, until: Instant, call: Call) -> Result<(), Error> {
        self.until = Some(until);
        let outcome = self.deliver(call);
        self.until = None;
        outcome
    }

    /// Returns whether the handler keeps records for another try.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Returns an error if the handler keeps records.
    pub(super) fn all_delivered(&self) -> Result<(), Error> {
        if !self.keeps {
            return Ok(());
        }
        Err(Error::other(format!("{} records could not be delivered in time", self.batch.records())))
    }

    /// Flushes the handler after a delivery with this outcome.
    ///
    /// # Errors
    ///
    /// That of the delivery, that of the handler, or how many records could not be written since the last flush.
    pub(super) fn end_flush(&mut self, delivered: Result<(), Error>) -> Result<(), Error> {
        let mut failures: Vec<_> = delivered.err().into_iter().collect();
        failures.extend(self.guard("flush", |handler| handler.flush()).err());
        Counters::add(&self.queue.counters.flushes, 1);
        let failed = self.queue.counters.failed.load(Relaxed);
        let lost = failed - std::mem::replace(&mut self.failed_before, failed);
        let without_reader = std::mem::take(&mut self.failed_without_reader);
        if lost > 0 && failures.is_empty() {
            let text = format!("{lost} records could not be written");
            failures.push(match without_reader {
                all if all == lost => Error::reader_gone(text, ErrorKind::BrokenPipe.into()),
                _ => Error::other(text),
            });
        }
        Error::gather(failures)
    }

    /// Closes the handler after a flush with this outcome, and that which was put aside.
    pub(super) fn close(&mut self, flushed: Result<(), Error>) -> Result<(), Error> {
        let outcomes = [self.settle(), self.close_one(flushed)];
        Error::gather(outcomes.into_iter().filter_map(Result::err).collect())
    }

    /// Closes the handler after a flush with this outcome.
    pub(super) fn close_one(&mut self, flushed: Result<(), Error>) -> Result<(), Error> {
        self.abandon();
        let mut failures: Vec<_> = flushed.err().into_iter().collect();
        failures.extend(self.guard("close", |handler| handler.close()).err());
        Error::gather(failures)
    }

    /// Leaves what has failed so far out of the next flush's error.
    ///
    /// A handler that took another one's place has the counters of both, but its flushes report its own failures only.
    pub(super) fn forget_failures(&mut self) {
        self.failed_before = self.queue.counters.failed.load(Relaxed);
        self.failed_without_reader = 0;
    }

    /// Counts what the handler keeps as failed.
    pub(super) fn abandon(&mut self) {
        if self.keeps {
            let settled = self.batch.settle(Outcome::Failed);
            self.count(settled, Outcome::Failed);
        }
    }

    /// Counts the outcomes of the records of the batch. Called after the delivery, so that a record that counts as
    /// written has been written.
    ///
    /// Returns how many have failed.
    fn count(&mut self, settled: Settled, rest: Outcome) -> u64 {
        let counters = &self.queue.counters;
        Counters::add(&counters.bytes, settled.bytes);
        Counters::add(&counters.written, settled.written);
        Counters::add(&counters.failed, settled.failed);
        if rest != Outcome::Open || settled.written > 0 {
            Counters::add(&counters.batches, 1);
        }
        self.keeps = rest == Outcome::Open && !self.batch.is_empty();
        self.is_reader_gone &= settled.written == 0;
        settled.errors.iter().for_each(|error| self.report_error(error));
        settled.failed
    }

    /// Writes a line about dropped records into the log, if there are any since the last line.
    ///
    /// Called when the queue is empty or a second has passed, and not when a drop is noticed: while the queue is full,
    /// such lines would delay the records that are waiting.
    fn report_drops(&mut self) {
        let Some(text) = self.report.next(&self.queue, &self.timeline) else {
            return;
        };
        let now = self.timeline.timestamp(self.queue.clock.ticks());
        if self.write_line(&report::SITE, &text, now) {
            let _ = self.deliver(Call { due: true, ..Call::default() });
        }
    }

    /// Writes a line about a step of the wall clock into the log.
    #[cold]
    fn report_step(&mut self, step: ClockStep) {
        self.steps.tell(step, &self.timeline);
        self.write_line(&steps::SITE, &steps::text(&step), step.to);
    }

    /// Adds a line of the library's own to the batch. Returns whether that worked.
    fn write_line(&mut self, site: &'static Callsite, text: &str, now: Timestamp) -> bool {
        let (handler, batch) = (&mut self.handler, &mut self.batch);
        match caught("handle", || report::record(site, text, now, |record| handler.handle(record, batch))) {
            Ok(()) => {
                self.batch.seal_uncounted();
                true
            }
            Err(error) => {
                self.batch.discard();
                self.report_error(&error);
                false
            }
        }
    }

    pub(super) fn start(&mut self) {
        let now = self.timeline.timestamp(self.queue.clock.ticks());
        let _ = self.guard("start", |handler| handler.start(now));
    }

    /// What is done about once a second: frees idle rings, and calls the handler's `tick`.
    pub(super) fn tick(&mut self) {
        if let Lane::PerThread(lane) = &self.queue.lane {
            lane.trim();
        }
        let now = self.timeline.timestamp(self.queue.clock.ticks());
        let _ = self.guard("tick", |handler| handler.tick(now));
    }

    /// Calls a method of the handler that is not about records; errors and panics are counted and reported.
    pub(super) fn guard(
        &mut self,
        what: &str,
        call: impl FnOnce(&mut dyn FemtoHandler) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let handler = &mut *self.handler;
        caught(what, || call(handler)).inspect_err(|error| self.report_error(error))
    }

    /// Counts an error and passes it to the error notifier, which limits the rate of notices. Not to the log: a handler
    /// that fails cannot report its own failure.
    ///
    /// That the reader of a pipe has gone is counted once, and nobody is notified.
    pub(super) fn report_error(&mut self, error: &Error) {
        if error.is_reader_gone() && std::mem::replace(&mut self.is_reader_gone, true) {
            return;
        }
        // The `Display` of a user's error may panic.
        let text = rendered(format_args!("{error:#}"));
        if !error.is_reader_gone() {
            notify(&self.queue.name, format_args!("{text}"));
        }
        self.queue.counters.error(text);
    }
}
