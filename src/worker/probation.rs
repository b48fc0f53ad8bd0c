//! Probation: a new handler that fails at its first delivery gives its place back, with the records that it had.
//!
//! ```text
//! replace(new, trial)    the old handler delivers what was logged before, and is put aside, not closed
//! record 1               a copy is kept; the new handler gets it by itself, and delivers at once
//!   delivered            the copy goes; from now on the new handler is like any other
//!   kept for a retry     undecided: further records are copied as well
//!   failed               the new handler is closed; the old one takes its place, and all copies, in order
//! settle                 the old handler is closed
//! ```
//!
//! A copy has no outcome before one of the two handlers has it, so that its record is counted once. A handler that has
//! not taken the place of another one has nobody to give its records to: they fail as those of any handler do.

use std::mem;

use smallvec::SmallVec;

use super::govern::Govern;
use super::inbox::Next;
use super::run::Sink;
use super::trial::{Before, OnTrial};
use super::{Traits, Trial, Verdict};
use crate::error::{Error, guarded};
use crate::handler::{Call, HandlerSpec, Settled};
use crate::queue::Packet;
use crate::sync::lock;

/// The copies that a handler may have which neither delivers nor fails, in bytes.
const MOST_COPIES: usize = 1 << 20;

impl Sink {
    /// Puts the handler aside, and starts another one in its place, on trial.
    pub(super) fn try_other(&mut self, spec: HandlerSpec, trial: Trial) {
        let traits = Traits::of(&spec);
        let HandlerSpec { handler, settings } = spec;
        let queue = self.queue.clone();
        self.before = Some(Box::new(Before {
            handler: mem::replace(&mut self.handler, handler),
            filters: mem::replace(&mut self.filters, settings.filters),
            batch: mem::take(&mut self.batch),
            keeps: mem::take(&mut self.keeps),
            threshold: queue.own_threshold(),
            wake_at: queue.wake_at(),
            overflow: queue.overflow(),
            reserve: queue.reserve(),
            govern: self.govern.take(),
            idle: mem::replace(&mut self.idle, settings.idle),
            traits: mem::replace(&mut lock(&self.traits), traits),
        }));
        queue.adopt(settings.level.number(), settings.wake_level.number(), settings.overflow, settings.reserve);
        self.govern(settings.governor);
        self.trial = Some(OnTrial::new(trial, queue.clock.ticks()));
        self.start();
    }

    /// Handles a record by a handler that is on trial, and has it delivered at once.
    #[cold]
    pub(super) fn try_out(&mut self, next: Next<'_>) {
        let has_before = self.before.is_some();
        let Some(trial) = &mut self.trial else { return self.take_one(next) };
        if self.queue.clock.elapsed(trial.start) >= trial.terms.duration {
            // It was silent for the whole time, or its retries go on as those of any handler.
            self.pass();
            return self.take_one(next);
        }
        if has_before {
            let Next { header, ticks, thread, payload } = next;
            trial.bytes += payload.len() + size_of::<Packet>();
            trial.copies.push(Packet { header, ticks, thread: thread.clone(), payload: SmallVec::from_slice(payload) });
        }
        self.take_one(next);
        if self.trial.is_some() {
            let _ = self.deliver(Call { due: true, ..Call::default() });
        }
        if self.trial.as_ref().is_some_and(|trial| trial.bytes > MOST_COPIES) {
            let error = Error::other("it has delivered nothing, and neither given up");
            self.reject(&error);
        }
    }

    /// Drops the copy of a record that a filter rejects.
    pub(super) fn drop_copy(&mut self) {
        if let Some(trial) = &mut self.trial {
            trial.copies.pop();
        }
    }

    /// Judges a handler on trial by the outcome of a delivery. Returns whether the handler before it has its place and
    /// its records again.
    pub(super) fn judge(&mut self, settled: &Settled, error: Option<&Error>) -> bool {
        if settled.written > 0 {
            self.pass();
            return false;
        }
        match error.or(settled.errors.first()) {
            None if settled.failed == 0 => false,
            Some(error) => self.reject(error),
            None => self.reject(&Error::other(format!("{} records could not be written", settled.failed))),
        }
    }

    fn pass(&mut self) {
        if let Some(trial) = self.trial.take() {
            let _ = trial.terms.verdicts.send(Verdict::Delivered);
        }
    }

    /// Ends the trial of a handler that has failed. Returns whether the one before it has its place and its records.
    pub(super) fn reject(&mut self, error: &Error) -> bool {
        let Some(trial) = self.trial.take() else { return false };
        let name = &self.queue.name;
        let _ = trial.terms.failure.set(format!("handler `{name}` has failed at its first delivery: {error:#}"));
        let _ = trial.terms.verdicts.send(Verdict::Failed);
        let Some(before) = self.before.take() else { return false };
        self.report_error(error);
        let _ = self.guard("close", |handler| handler.close());
        self.put_back(*before);
        for Packet { header, ticks, thread, payload } in &trial.copies {
            self.take_one(Next { header: *header, ticks: *ticks, thread, payload });
        }
        true
    }

    /// Closes the handler on trial after a flush with this outcome, and puts the one before it back, unless that has
    /// happened.
    pub(super) fn go_back(&mut self, flushed: Result<(), Error>) -> Result<(), Error> {
        self.trial = None;
        let Some(before) = self.before.take() else { return flushed };
        let closed = self.close_one(flushed);
        self.put_back(*before);
        closed
    }

    fn put_back(&mut self, before: Before) {
        let Before { handler, filters, batch, keeps, threshold, wake_at, overflow, reserve, govern, idle, traits } =
            before;
        self.queue.adopt(threshold, wake_at, overflow, reserve);
        self.queue.set_raised(govern.as_ref().and_then(Govern::raised_to));
        self.govern = govern;
        *lock(&self.traits) = traits;
        (self.idle, self.batch, self.keeps) = (idle, batch, keeps);
        let new = (mem::replace(&mut self.handler, handler), mem::replace(&mut self.filters, filters));
        let _ = guarded(|| drop(new));
    }

    /// Closes the handler that was put aside, if there is one. What it keeps has failed.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.trial = None;
        let Some(mut before) = self.before.take() else { return Ok(()) };
        let mut exchange = |sink: &mut Self| {
            mem::swap(&mut sink.handler, &mut before.handler);
            mem::swap(&mut sink.batch, &mut before.batch);
            mem::swap(&mut sink.keeps, &mut before.keeps);
        };
        exchange(self);
        let closed = self.close_one(Ok(()));
        exchange(self);
        let _ = guarded(|| drop(before));
        closed
    }
}
