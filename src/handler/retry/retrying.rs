//! A handler whose undelivered records are kept and tried again, as `ErrorPolicy::Retry` asks for.

use super::Backoff;
use crate::error::Error;
use crate::formatter::FemtoFormatter;
use crate::handler::{Batch, Delivery, FemtoHandler};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// The number of records that are kept in any case, however small `bytes` is.
const FEWEST: usize = 1000;

/// A handler whose failures are retried.
///
/// An error of the inner handler's `deliver` is reported, and answered as [`Delivery::Retry`]: the worker keeps the
/// records in the batch, and calls again with newer ones after them. Until the delay is over, the inner handler is not
/// called, except for the first attempt of a flush.
pub(in crate::handler) struct Retrying {
    handler: Box<dyn FemtoHandler>,
    bytes: usize,
    backoff: Backoff,
    /// The time of the next attempt, after a failure.
    again_at: Option<Timestamp>,
}

impl Retrying {
    pub(in crate::handler) fn new(handler: Box<dyn FemtoHandler>, bytes: usize) -> Self {
        let backoff = Backoff::seeded(Backoff::RANGE);
        Self { handler, bytes, backoff, again_at: None }
    }

    /// Fails the oldest records beyond the limit.
    ///
    /// Two limits hold: `bytes` of text, and a number of records, as a handler that keeps no text in the batch would
    /// otherwise have no limit at all.
    fn bound(&self, batch: &mut Batch) -> Delivery {
        // A record without text has the size of its entry in the batch, about.
        let failed = batch.fail_oldest((self.bytes / size_of::<usize>()).max(FEWEST), self.bytes);
        if failed > 0 {
            batch.report(Error::other(format!("{failed} records could not be kept for another try")));
        }
        Delivery::Retry
    }
}

impl FemtoHandler for Retrying {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        self.handler.start(now)
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.handler.handle(record, batch)
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        if self.again_at.is_some_and(|again_at| now < again_at) && !batch.is_urgent() {
            return Ok(self.bound(batch));
        }
        match self.handler.deliver(batch, now) {
            Ok(delivery) => {
                self.backoff.reset();
                self.again_at = None;
                Ok(delivery)
            }
            Err(error) => {
                batch.report(error);
                self.again_at = Some(now.saturating_add(self.backoff.next_delay()));
                Ok(self.bound(batch))
            }
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.handler.flush()
    }

    fn set_formatter(&mut self, formatter: Box<dyn FemtoFormatter>) -> Result<(), Error> {
        self.handler.set_formatter(formatter)
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.handler.tick(now)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.handler.close()
    }
}
