//! Handlers made of other handlers, on one thread.
//!
//! The outer handler's batch has a place without text for every record it took; what the inner ones' batches say of theirs is
//! carried over to it, so that every record is counted once, as the outer handler's.

mod fallback;
mod memory;
mod recorder;
mod retry;
mod route;
#[cfg(test)]
mod tests;

pub use fallback::{FallbackOptions, FemtoFallbackHandler};
pub use memory::{FemtoMemoryHandler, MemoryOptions};
pub use recorder::{FemtoFlightRecorder, FlightRecorderOptions, RecorderHandle};
pub use retry::ErrorPolicy;
pub(super) use retry::Retrying;
pub use route::{FemtoRouteHandler, RouteOptions};

use super::batch::Fate;
use super::{Batch, Call, Delivery, FemtoHandler, HandlerSpec, Rest};
use crate::error::{Error, caught};
use crate::filter::{self, FemtoFilter};
use crate::level::LevelFilter;
use crate::record::{FemtoLogRecord, KeptRecord, KeptSites};
use crate::time::Timestamp;

/// A handler inside another one, with its level and filters. The settings of its queue have no meaning there.
struct Target {
    handler: Box<dyn FemtoHandler>,
    level: LevelFilter,
    filters: Vec<Box<dyn FemtoFilter>>,
    batch: Batch,
    /// What is known of each record in the batch.
    tickets: Vec<Ticket>,
    /// The records that are dealt with, and the bytes written and errors, since the outer handler was last asked.
    settled: Vec<(Ticket, Fate)>,
    bytes: u64,
    errors: Vec<Error>,
    /// What the handler answered last: whether records wait in the batch.
    answer: Delivery,
    /// What the outer handler's batch said of records given up when this was last asked.
    given_up: u64,
}

/// What the outer handler knows of a record that it handed on.
#[derive(Default)]
struct Ticket {
    /// Its place in the outer handler's batch, unless it was dealt with there.
    place: Option<usize>,
    /// The record, if another handler may need it.
    copy: Option<Box<KeptRecord>>,
}

impl Ticket {
    fn at(place: usize) -> Self {
        Self { place: Some(place), copy: None }
    }
}

impl From<HandlerSpec> for Target {
    fn from(spec: HandlerSpec) -> Self {
        Self {
            handler: spec.handler,
            level: spec.settings.level,
            filters: spec.settings.filters,
            batch: Batch::default(),
            tickets: Vec::new(),
            settled: Vec::new(),
            bytes: 0,
            errors: Vec::new(),
            answer: Delivery::Done,
            given_up: 0,
        }
    }
}

impl Target {
    /// Hands a record to the handler, and has it deliver a batch that is full.
    fn handle(&mut self, record: &FemtoLogRecord<'_>, ticket: Ticket, now: Timestamp) {
        self.take(record, ticket);
        if self.batch.is_full() {
            self.deliver(Call { due: true, ..Call::default() }, now);
        }
    }

    /// Hands a record to the handler.
    fn take(&mut self, record: &FemtoLogRecord<'_>, ticket: Ticket) {
        if !self.level.enables(record.level()) {
            return self.settle_one(ticket, Fate::Written);
        }
        let (handler, filters, batch) = (&mut self.handler, &self.filters, &mut self.batch);
        let handled = caught("handle", || match filters.is_empty() {
            true => handler.handle(record, batch).map(Some),
            false => filter::through(filters, record, |record| handler.handle(record, batch)).transpose(),
        });
        match handled {
            Ok(Some(())) => {
                self.batch.seal();
                self.tickets.push(ticket);
            }
            Ok(None) => self.settle_one(ticket, Fate::Written),
            Err(error) => {
                self.batch.discard();
                self.errors.push(error);
                self.settle_one(ticket, Fate::Failed);
            }
        }
    }

    /// Notes what became of a record without the handler.
    fn settle_one(&mut self, ticket: Ticket, fate: Fate) {
        self.settled.push((ticket, fate));
    }

    /// Has the handler deliver what it took.
    fn deliver(&mut self, call: Call, now: Timestamp) {
        if self.batch.is_empty() {
            return;
        }
        self.batch.set_call(call);
        let (handler, batch) = (&mut self.handler, &mut self.batch);
        match caught("deliver", || handler.deliver(batch, now)) {
            Ok(Delivery::Wait) if !call.due => self.answer = Delivery::Wait,
            Ok(Delivery::Retry) => self.settle(Rest::Kept),
            Ok(Delivery::Done | Delivery::Wait) => self.settle(Rest::Delivered),
            Err(error) => {
                self.errors.push(error);
                self.settle(Rest::Failed);
            }
        }
    }

    /// Gives up what the outer handler's batch has given up. Returns whether it has.
    fn give_up_with(&mut self, outer: &Batch) -> bool {
        let has_given_up = self.given_up != outer.given_up();
        if has_given_up {
            self.given_up = outer.given_up();
            self.settle(Rest::Failed);
            // These places are no more.
            self.settled.retain(|(ticket, _)| ticket.place.is_none());
        }
        has_given_up
    }

    /// Notes what became of the records of the batch.
    fn settle(&mut self, rest: Rest) {
        for (from, order) in self.batch.take_moves() {
            let moved = self.tickets.get_mut(from..from + order.len()).unwrap_or_default();
            let mut before: Vec<_> = moved.iter_mut().map(std::mem::take).collect();
            for (ticket, at) in moved.iter_mut().zip(order) {
                *ticket = before.get_mut(at).map(std::mem::take).unwrap_or_default();
            }
        }
        let (failures, done) = self.batch.failures();
        let dealt_with = if rest == Rest::Kept { done } else { self.tickets.len() };
        for (at, ticket) in self.tickets.drain(..dealt_with).enumerate() {
            let failure = failures.get(failures.partition_point(|failure| failure.end <= at));
            let has_failed = (at >= done && rest == Rest::Failed) || failure.is_some_and(|range| range.contains(&at));
            self.settled.push((ticket, if has_failed { Fate::Failed } else { Fate::Written }));
        }
        let settled = self.batch.settle(rest);
        self.bytes += settled.bytes;
        self.errors.extend(settled.errors);
        self.answer = if self.batch.is_empty() { Delivery::Done } else { Delivery::Retry };
    }
}

/// What a handler of handlers answers once it has handed its records on. With `waits`, it keeps others for itself.
fn answer<'a>(targets: impl IntoIterator<Item = &'a mut Target>, waits: bool, batch: &mut Batch) -> Delivery {
    let mut targets: Vec<_> = targets.into_iter().collect();
    let settled: Vec<_> = targets.iter_mut().flat_map(|target| target.settled.drain(..)).collect();
    let fates = settled.into_iter().filter_map(|(ticket, fate)| Some((ticket.place?, fate)));
    let places = batch.adopt(fates);
    let (mut waits, mut retries) = (waits, false);
    for target in &mut targets {
        for place in target.tickets.iter_mut().filter_map(|ticket| ticket.place.as_mut()) {
            *place = places.get(*place).copied().unwrap_or_default();
        }
        batch.add_bytes(std::mem::take(&mut target.bytes));
        target.errors.drain(..).for_each(|error| batch.report(error));
        waits |= target.answer == Delivery::Wait;
        retries |= target.answer == Delivery::Retry;
    }
    let (_, done) = batch.failures();
    match (retries, waits) {
        (false, false) => Delivery::Done,
        // What is dealt with counts at once only if the others are kept.
        (false, true) if done == 0 && !batch.is_due() => Delivery::Wait,
        _ => Delivery::Retry,
    }
}

/// Calls a method of all handlers, and gathers what went wrong.
fn each<'a>(
    what: &str,
    targets: impl IntoIterator<Item = &'a mut Target>,
    call: impl Fn(&mut dyn FemtoHandler) -> Result<(), Error>,
) -> Result<(), Error> {
    let failures = targets.into_iter().filter_map(|target| caught(what, || call(&mut *target.handler)).err());
    Error::gather(failures.collect())
}
