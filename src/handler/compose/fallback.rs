//! A second handler for what the first one fails to deliver.

use std::collections::VecDeque;
use std::time::Duration;

use super::{KeptRecord, KeptSites, Taken, Target, answer, each};
use crate::error::Error;
use crate::handler::net::Backoff;
use crate::handler::{Batch, Call, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec, Rest};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Hands records to one handler, and what that fails to deliver to another one.
///
/// After a failure the first handler rests, for 100 ms and then longer and longer, up to 30 s; records go to the second one
/// meanwhile. Then the first one is tried again with what comes. A handler that tries by itself again and again, as those
/// for networks do, has failed when it has delivered nothing for as long as [`patience`](HandlerBuilder::patience) says, or at a
/// shutdown.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`patience`](HandlerBuilder::patience) | 10 s | how long the first handler may keep records without delivering any |
/// | the rest | see [`HandlerBuilder`] | |
///
/// Records that wait for the first handler's answer are kept, too, so this costs a copy of each. What both fail to deliver is
/// counted as failed. A record that the first handler delivered in part is delivered again by the second one. The handlers share
/// one queue and one thread; their own levels and filters count.
///
/// # Examples
///
/// ```
/// use femtologging::handler::Endpoint;
/// use femtologging::{FemtoFallbackHandler, FemtoFileHandler, FemtoSocketHandler};
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
    first: Target,
    second: Target,
    /// The records of the first handler's batch.
    kept: VecDeque<KeptRecord>,
    sites: KeptSites,
    backoff: Backoff,
    /// Until when the first handler rests.
    rests_until: Option<Timestamp>,
    /// Since when it has kept records without delivering any.
    waits_since: Option<Timestamp>,
    patience: Duration,
    now: Timestamp,
}

/// The options of a [`FemtoFallbackHandler`].
pub struct FallbackOptions {
    first: HandlerSpec,
    second: HandlerSpec,
    patience: Duration,
}

impl FemtoFallbackHandler {
    /// Starts a handler that tries `first`, and then `second`.
    pub fn builder(first: impl Into<HandlerSpec>, second: impl Into<HandlerSpec>) -> HandlerBuilder<FallbackOptions> {
        let patience = Duration::from_secs(10);
        HandlerBuilder::new(FallbackOptions { first: first.into(), second: second.into(), patience })
    }

    /// Has the first handler deliver, and hands what it failed to deliver to the second one.
    fn deliver_first(&mut self, call: Call) {
        let Self { first, second, kept, sites, now, .. } = self;
        if first.batch.is_empty() {
            return;
        }
        first.batch.set_call(call);
        let outcome = first.handler.deliver(&mut first.batch, *now);
        for (from, order) in first.batch.take_moves() {
            let mut behind = kept.split_off(from.min(kept.len()));
            let mut moved: Vec<_> = behind.drain(..order.len().min(behind.len())).map(Some).collect();
            kept.extend(order.into_iter().filter_map(|at| moved.get_mut(at)?.take()));
            kept.append(&mut behind);
        }
        let rest = match outcome {
            Ok(Delivery::Wait) if !call.due => Rest::Kept,
            Ok(Delivery::Done | Delivery::Wait) => Rest::Delivered,
            Ok(Delivery::Retry) => {
                let (_, done) = first.batch.failures();
                let since = *self.waits_since.get_or_insert(*now);
                if done > 0 {
                    self.waits_since = Some(*now);
                    Rest::Kept
                } else if call.closing || since.saturating_add(self.patience) <= *now {
                    first.errors.push(Error::other("nothing was delivered for too long; the next handler takes over"));
                    Rest::Failed
                } else {
                    Rest::Kept
                }
            }
            Err(error) => {
                first.errors.push(error);
                Rest::Failed
            }
        };
        let (failures, done) = first.batch.failures();
        let records = first.batch.records();
        let unsettled = if rest == Rest::Failed { done..records } else { 0..0 };
        let lost: Vec<_> = failures.iter().cloned().chain([unsettled]).flatten().collect();
        for kept in lost.iter().filter_map(|at| kept.get(*at)) {
            sites.view(kept, |record| second.handle(record, *now));
        }
        kept.drain(..if rest == Rest::Kept { done } else { records }.min(kept.len()));
        let mut settled = first.batch.settle(rest);
        settled.failed = 0;
        first.keeps = rest == Rest::Kept && !first.batch.is_empty();
        if !lost.is_empty() {
            self.rests_until = Some(now.saturating_add(self.backoff.next_delay()));
        } else if settled.written > 0 {
            self.backoff.reset();
        }
        if !first.keeps {
            self.waits_since = None;
        }
        first.settled.add(settled);
    }

    fn is_resting(&self) -> bool {
        self.rests_until.is_some_and(|until| self.now < until)
    }
}

impl HandlerBuilder<FallbackOptions> {
    /// Sets how long the first handler may keep records without delivering any.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// Makes the handler.
    ///
    /// # Errors
    ///
    /// Settings that cannot work, all in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (FallbackOptions { first, second, patience }, settings) = self.into_parts();
        Self::finish(settings, Vec::new(), || {
            Ok(Box::new(FemtoFallbackHandler {
                first: first.into(),
                second: second.into(),
                kept: VecDeque::new(),
                sites: KeptSites::default(),
                backoff: Backoff::new(Backoff::RANGE, std::process::id().into()),
                rests_until: None,
                waits_since: None,
                patience,
                now: Timestamp::default(),
            }))
        })
    }
}

impl FemtoHandler for FemtoFallbackHandler {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        each([&mut self.first, &mut self.second], |handler| handler.start(now))
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        if self.is_resting() {
            self.second.handle(record, self.now);
            return Ok(());
        }
        match self.first.take(record) {
            Taken::Yes => {
                self.kept.push_back(KeptRecord::new(record));
                if self.first.batch.is_full() {
                    self.deliver_first(Call { due: true, ..Call::default() });
                }
            }
            Taken::TurnedAway => self.first.turned_away += 1,
            Taken::Failed(error) => {
                self.first.errors.push(error);
                self.second.handle(record, self.now);
            }
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        self.now = now;
        self.deliver_first(batch.call());
        self.second.deliver(batch.call(), now);
        Ok(answer([&mut self.first, &mut self.second], batch))
    }

    fn flush(&mut self) -> Result<(), Error> {
        each([&mut self.first, &mut self.second], |handler| handler.flush())
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.now = now;
        each([&mut self.first, &mut self.second], |handler| handler.tick(now))
    }

    fn close(&mut self) -> Result<(), Error> {
        each([&mut self.first, &mut self.second], |handler| handler.close())
    }
}
