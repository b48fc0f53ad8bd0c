//! Handlers made of other handlers, on one thread.
//!
//! The outer handler's batch has a place without text for every record it took; what the inner ones' batches say of theirs is
//! carried over to it, so that every record is counted once, as the outer handler's.

mod fallback;
mod memory;
mod recorder;
mod retry;
mod route;

pub use fallback::{FallbackOptions, FemtoFallbackHandler};
pub use memory::{FemtoMemoryHandler, MemoryOptions};
pub use recorder::{FemtoFlightRecorder, FlightRecorderOptions, RecorderHandle};
pub use retry::ErrorPolicy;
pub(super) use retry::Retrying;
pub use route::{FemtoRouteHandler, RouteOptions};

use super::batch::Settled;
use super::{Batch, Call, Delivery, FemtoHandler, HandlerSpec, Rest};
use crate::error::Error;
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
    /// Records that were dealt with without the handler: turned away by level or filters, or failed at once.
    turned_away: u64,
    failed: u64,
    errors: Vec<Error>,
    /// What was settled since the outer handler was last asked.
    settled: Settled,
    keeps: bool,
}

/// What a handler made of a record.
enum Taken {
    Yes,
    TurnedAway,
    Failed(Error),
}

impl From<HandlerSpec> for Target {
    fn from(spec: HandlerSpec) -> Self {
        Self {
            handler: spec.handler,
            level: spec.settings.level,
            filters: spec.settings.filters,
            batch: Batch::default(),
            turned_away: 0,
            failed: 0,
            errors: Vec::new(),
            settled: Settled::default(),
            keeps: false,
        }
    }
}

impl Target {
    /// Hands a record to the handler, and has it deliver a batch that is full.
    fn handle(&mut self, record: &FemtoLogRecord<'_>, now: Timestamp) {
        match self.take(record) {
            Taken::Yes if self.batch.is_full() => self.deliver(Call { due: true, ..Call::default() }, now),
            Taken::Yes => {}
            Taken::TurnedAway => self.turned_away += 1,
            Taken::Failed(error) => {
                self.failed += 1;
                self.errors.push(error);
            }
        }
    }

    /// Hands a record to the handler.
    fn take(&mut self, record: &FemtoLogRecord<'_>) -> Taken {
        if !self.level.enables(record.level()) {
            return Taken::TurnedAway;
        }
        let (handler, batch) = (&mut self.handler, &mut self.batch);
        let handled = match self.filters.is_empty() {
            true => Some(handler.handle(record, batch)),
            false => filter::through(&self.filters, record, |record| handler.handle(record, batch)),
        };
        match handled {
            Some(Ok(())) => {
                self.batch.seal();
                Taken::Yes
            }
            Some(Err(error)) => {
                self.batch.discard();
                Taken::Failed(error)
            }
            None => Taken::TurnedAway,
        }
    }

    /// Has the handler deliver what it took.
    fn deliver(&mut self, call: Call, now: Timestamp) {
        if self.batch.is_empty() {
            self.keeps = false;
            return;
        }
        self.batch.set_call(call);
        let rest = match self.handler.deliver(&mut self.batch, now) {
            Ok(Delivery::Wait) if !call.due => {
                self.keeps = true;
                return;
            }
            Ok(Delivery::Done | Delivery::Wait) => Rest::Delivered,
            Ok(Delivery::Retry) => Rest::Kept,
            Err(error) => {
                self.errors.push(error);
                Rest::Failed
            }
        };
        let settled = self.batch.settle(rest);
        self.keeps = rest == Rest::Kept && !self.batch.is_empty();
        self.settled.add(settled);
    }

    /// Takes out what became of records since this was last asked.
    fn take_settled(&mut self) -> Settled {
        let mut settled = std::mem::take(&mut self.settled);
        settled.written += std::mem::take(&mut self.turned_away);
        settled.failed += std::mem::take(&mut self.failed);
        settled.errors.append(&mut self.errors);
        settled
    }
}

/// What a handler of handlers answers once it has handed its records on.
fn answer<'a>(targets: impl IntoIterator<Item = &'a mut Target>, batch: &mut Batch) -> Delivery {
    let mut keeps = false;
    for target in targets {
        batch.adopt(target.take_settled());
        keeps |= target.keeps;
    }
    if keeps { Delivery::Retry } else { Delivery::Done }
}

/// Calls a method of all handlers, and gathers what went wrong.
fn each<'a>(
    targets: impl IntoIterator<Item = &'a mut Target>,
    call: impl Fn(&mut dyn FemtoHandler) -> Result<(), Error>,
) -> Result<(), Error> {
    let failures = targets.into_iter().filter_map(|target| call(&mut *target.handler).err());
    Error::gather(failures.collect())
}
