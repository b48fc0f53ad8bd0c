//! Handlers that pass records on to other handlers, on one thread.
//!
//! The outer handler's batch has an entry without text for each record. The inner handlers have batches of their own,
//! with the text, and share the ids of the outer one. What they settle is closed by id in the outer batch, so each
//! record is counted once, by the outermost one.
//!
//! # Invariants
//!
//! * A record that an inner handler takes is open in the outer batch until the inner batch has settled it, and closed
//!   by the next [`answer`] after that. Records that the flight recorder replays are the exception: the outer batch
//!   closed them as written when they were kept, and the inner batch does not count them.
//! * The outer batch gets one outcome for each id. A fallback therefore withholds the failures of its first handler,
//!   for the second one to decide. A second outcome would be ignored ([`Batch::close_by_id`]).
//! * The outer handler answers [`Delivery::Retry`] as long as an inner one keeps records. So flush and shutdown wait
//!   for the inner one as they do for any handler that retries.
//! * If the worker gives up what the outer batch keeps, at the deadline of a shutdown or after an error, the inner
//!   handlers learn of it by `abandon_with` before they get the next record, and fail what they keep.
//!
//! # Example
//!
//! A [`FemtoFallbackHandler`] with a handler for a network and one for a file. The network takes `a` and then breaks,
//! and is down for longer than the fallback waits:
//!
//! ```text
//!                                              outer batch            network's      file's       copies
//! handle 1 a, 2 b, 3 c                         1 open 2 open 3 open   1a 2b 3c                    1 2 3
//! deliver: the network sends 1, then answers
//!          Retry; its batch settles 1 written  1 written              2b 3c                       2 3
//!          the outer one closes 1, and the
//!          fallback answers Retry, too         2 open 3 open          2b 3c                       2 3
//! handle 4 d                                   2 open 3 open 4 open   2b 3c 4d                    2 3 4
//! deliver: Retry, and nothing is settled       2 open 3 open 4 open   2b 3c 4d                    2 3 4
//! deliver, when the patience is over: the
//!          network's batch is failed, and what
//!          failed goes to the file by copy     2 open 3 open 4 open                  2b 3c 4d
//!          the file's batch settles 2, 3 and 4
//!          written, and so does the outer one
//! counts                                       written 4
//! ```
//!
//! The network's handler did not fail its records itself. It learns by [`Batch::abandonments`] that they are gone, and
//! sends none of them when the connection is back. Record 2 would arrive twice if the network had received it without
//! an acknowledgement; none arrives less than once.

mod fallback;
mod memory;
mod recorder;
mod route;
#[cfg(test)]
mod tests;

pub use fallback::{FallbackOptions, FemtoFallbackHandler};
pub use memory::{FemtoMemoryHandler, MemoryOptions};
pub use recorder::{FemtoFlightRecorder, FlightRecorderOptions, RecorderHandle};
pub use route::{FemtoRouteHandler, RouteOptions};

use super::batch::{Outcome, RecordId};
use super::{Batch, Call, Delivery, FemtoHandler, HandlerSpec};
use crate::error::{Error, caught};
use crate::filter::{self, FemtoFilter};
use crate::level::LevelFilter;
use crate::record::{FemtoLogRecord, KeptRecord, KeptSites};
use crate::time::Timestamp;

/// A handler inside another one, with its level and filters. The settings of its queue do not apply there.
struct InnerHandler {
    handler: Box<dyn FemtoHandler>,
    level: LevelFilter,
    filters: Vec<Box<dyn FemtoFilter>>,
    /// The records that it took. Those that are replayed are not counted: the outer batch closed them when they came.
    batch: Batch,
    /// What was settled since the outer handler last took it: the outcomes of counted records, the number of replayed
    /// ones that failed, the bytes written, and the errors.
    settled: Vec<(RecordId, Outcome)>,
    failed_replays: usize,
    bytes: u64,
    errors: Vec<Error>,
    /// The last answer of the handler. [`Delivery::Retry`] if records remain in the batch, [`Delivery::Done`] if not.
    answer: Delivery,
    /// The number of the outer batch's abandonments that this handler knows of.
    abandonments: u64,
}

impl From<HandlerSpec> for InnerHandler {
    fn from(spec: HandlerSpec) -> Self {
        Self {
            handler: spec.handler,
            level: spec.settings.level,
            filters: spec.settings.filters,
            batch: Batch::default(),
            settled: Vec::new(),
            failed_replays: 0,
            bytes: 0,
            errors: Vec::new(),
            answer: Delivery::Done,
            abandonments: 0,
        }
    }
}

impl InnerHandler {
    /// Hands a record of the outer batch to the handler, and has it deliver a batch that is full.
    fn handle(&mut self, record: &FemtoLogRecord<'_>, id: RecordId, now: Timestamp) {
        self.take(record, id, true);
        self.deliver_if_full(now);
    }

    /// The same with a record that the outer batch has closed already.
    fn replay(&mut self, record: &FemtoLogRecord<'_>, id: RecordId, now: Timestamp) {
        self.take(record, id, false);
        self.deliver_if_full(now);
    }

    fn deliver_if_full(&mut self, now: Timestamp) {
        if self.batch.is_full() {
            self.deliver(Call { due: true, ..Call::default() }, now);
        }
    }

    /// Hands a record to the handler, if its level and filters let it pass. What they reject counts as written in the
    /// outer batch: it has reached everything that wants it.
    fn take(&mut self, record: &FemtoLogRecord<'_>, id: RecordId, is_counted: bool) {
        if !self.level.enables(record.level()) {
            return self.close(id, Outcome::Written, is_counted);
        }
        self.batch.set_current_id(id);
        let (handler, filters, batch) = (&mut self.handler, &self.filters, &mut self.batch);
        let handled = caught("handle", || match filters.is_empty() {
            true => handler.handle(record, batch).map(Some),
            false => filter::through(filters, record, |record| handler.handle(record, batch)).transpose(),
        });
        match handled {
            Ok(Some(())) if is_counted => self.batch.seal(),
            Ok(Some(())) => self.batch.seal_uncounted(),
            Ok(None) => self.close(id, Outcome::Written, is_counted),
            Err(error) => {
                self.batch.discard();
                self.errors.push(error);
                self.close(id, Outcome::Failed, is_counted);
            }
        }
    }

    /// Notes the outcome of a record that is not in the batch.
    fn close(&mut self, id: RecordId, outcome: Outcome, is_counted: bool) {
        if is_counted {
            self.settled.push((id, outcome));
        } else if outcome == Outcome::Failed {
            self.failed_replays += 1;
        }
    }

    /// Has the handler deliver what it took, and settles its batch by the answer, as the worker does for an outermost
    /// handler.
    fn deliver(&mut self, call: Call, now: Timestamp) {
        if self.batch.is_empty() {
            return;
        }
        self.batch.set_call(call);
        let (handler, batch) = (&mut self.handler, &mut self.batch);
        match caught("deliver", || handler.deliver(batch, now)) {
            Ok(Delivery::Wait) if !call.due => self.answer = Delivery::Wait,
            Ok(Delivery::Retry) => self.settle(Outcome::Open),
            Ok(Delivery::Done | Delivery::Wait) => self.settle(Outcome::Written),
            Err(error) => {
                self.errors.push(error);
                self.settle(Outcome::Failed);
            }
        }
    }

    /// Fails what the handler keeps if the owner of the outer batch has failed it there. Returns whether it has.
    ///
    /// Called before the handler gets a record or is asked to deliver. Otherwise it would later deliver records that
    /// are already counted as failed.
    fn abandon_with(&mut self, outer: &Batch) -> bool {
        let is_abandoned = self.abandonments != outer.abandonments();
        if is_abandoned {
            self.abandonments = outer.abandonments();
            self.settle(Outcome::Failed);
        }
        is_abandoned
    }

    /// Settles the batch, and notes the outcomes.
    fn settle(&mut self, rest: Outcome) {
        let (outcomes, failed_replays) = (&mut self.settled, &mut self.failed_replays);
        let settled = self.batch.settle_each(rest, |entry| {
            if entry.is_counted {
                outcomes.push((entry.id, entry.outcome));
            } else if entry.outcome == Outcome::Failed {
                *failed_replays += 1;
            }
        });
        self.bytes += settled.bytes;
        self.errors.extend(settled.errors);
        self.answer = if self.batch.is_empty() { Delivery::Done } else { Delivery::Retry };
    }
}

/// Applies what the inner handlers have settled to the outer batch, and returns the outer handler's answer. `waits`
/// says whether the outer handler itself keeps records.
///
/// | an inner handler answered `Retry` | one waits, or the outer one keeps records | the answer is |
/// |---|---|---|
/// | no | no | `Done` |
/// | no | yes | `Wait`, unless something was closed or the batch is due: then `Retry` |
/// | yes | any | `Retry` |
///
/// `Wait` leaves the batch as it is, so what is closed in it would not be counted until the next delivery.
fn answer<'a>(inner: impl IntoIterator<Item = &'a mut InnerHandler>, mut waits: bool, batch: &mut Batch) -> Delivery {
    let (mut outcomes, mut retries) = (Vec::new(), false);
    for handler in inner {
        outcomes.append(&mut handler.settled);
        batch.add_bytes(std::mem::take(&mut handler.bytes));
        handler.errors.drain(..).for_each(|error| batch.report(error));
        waits |= handler.answer == Delivery::Wait;
        retries |= handler.answer == Delivery::Retry;
    }
    batch.close_by_id(outcomes);
    match (retries, waits) {
        (false, false) => Delivery::Done,
        // What is closed counts at once only if the others are kept.
        (false, true) if !batch.has_closed() && !batch.is_due() => Delivery::Wait,
        _ => Delivery::Retry,
    }
}

/// Calls a method of all handlers, and gathers the errors.
fn each<'a>(
    what: &str,
    inner: impl IntoIterator<Item = &'a mut InnerHandler>,
    call: impl Fn(&mut dyn FemtoHandler) -> Result<(), Error>,
) -> Result<(), Error> {
    let failures = inner.into_iter().filter_map(|inner| caught(what, || call(&mut *inner.handler)).err());
    Error::gather(failures.collect())
}
