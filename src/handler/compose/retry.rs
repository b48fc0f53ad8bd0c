//! What a handler does when it fails.

use std::time::Duration;

use crate::error::Error;
use crate::handler::net::Backoff;
use crate::handler::{Batch, Delivery, FemtoHandler};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// What becomes of records that a handler fails to deliver.
///
/// [`FemtoFallbackHandler`](super::FemtoFallbackHandler) is the third way: it hands them to another handler.
///
/// # Examples
///
/// ```
/// use femtologging::handler::ErrorPolicy;
/// use femtologging::FemtoFileHandler;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// // A disk that is full for a while loses nothing.
/// let handler = FemtoFileHandler::builder().path(path).on_error(ErrorPolicy::Retry { bytes: 16 << 20 }).build()?;
/// # drop(handler);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ErrorPolicy {
    /// They are counted as failed, and the error is reported.
    #[default]
    Report,
    /// They are kept and tried again, after 100 ms and then longer and longer, up to 30 s; at a flush or shutdown at once. The error is
    /// reported each time.
    ///
    /// For handlers that deliver text, such as those for files and streams; those for networks try again by themselves.
    Retry {
        /// How much text is kept, in bytes. What is older is counted as failed. A record without text counts as 8 bytes
        /// if there are more than 1,000.
        bytes: usize,
    },
}

/// So many records are kept however little text may be.
const FEWEST: usize = 1000;

/// A handler whose failures are tried again.
pub(in crate::handler) struct Retrying {
    handler: Box<dyn FemtoHandler>,
    bytes: usize,
    backoff: Backoff,
    /// When to try again, after a failure.
    again_at: Option<Timestamp>,
}

impl Retrying {
    pub(in crate::handler) fn new(handler: Box<dyn FemtoHandler>, bytes: usize) -> Self {
        let backoff = Backoff::new(Backoff::RANGE, std::process::id().into());
        Self { handler, bytes, backoff, again_at: None }
    }

    /// The next failure is `delay` away at least.
    fn put_off(&mut self, batch: &mut Batch, now: Timestamp) -> Delivery {
        let delay: Duration = self.backoff.next_delay();
        self.again_at = Some(now.saturating_add(delay));
        self.bound(batch)
    }

    fn bound(&self, batch: &mut Batch) -> Delivery {
        // A record without text costs its place in the batch.
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
                Ok(self.put_off(batch, now))
            }
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.handler.flush()
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.handler.tick(now)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.handler.close()
    }
}
