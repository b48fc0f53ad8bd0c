//! Handlers that deliver by asynchronous code.
//!
//! The code runs on the handler's own thread, like that of any other handler, so batches, counters, retries, flush and
//! shutdown are the same. Only its timers and its I/O belong to a runtime that the program has already:
//!
//! ```text
//! handler's thread                        runtime of the program
//! handle: fills the batch
//! deliver: polls the future, sleeps       drives the connection, the timer
//!          polls again            ◀────   wakes
//! answers
//! ```
//!
//! The runtime must be able to go on while somebody waits for the handler. If the thread that waits is the only one
//! that drives it, nobody would wake the future; such a wait is refused at once.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, worker_index};

use super::{Batch, Delivery, FemtoHandler, HandlerBuilder};
use crate::error::Error;
use crate::record::FemtoLogRecord;
use crate::sync::Signal;
use crate::time::Timestamp;

/// How long a delivery may take, unless [`HandlerBuilder::delivery_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A handler that delivers by asynchronous code (feature `tokio`), such as a client of a database.
///
/// [`on`](Self::on) makes a handler of it. Its methods are polled on the handler's own thread, within the context of a
/// runtime of tokio, whose timers and I/O they use. They need not be `Send`. Batches, counters, retries, flush and
/// shutdown are those of every handler; see [`FemtoHandler`].
///
/// Records that the code itself logs on the handler's thread are dropped and counted (`Reentrant`), so that they do not
/// cause others. What it spawns on the runtime can log; a filter should keep such records from this handler.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{Batch, Delivery, FemtoAsyncHandler};
/// use femtologging::{Config, Error, FemtoLogRecord};
/// use std::time::Duration;
///
/// struct Insert;
///
/// impl FemtoAsyncHandler for Insert {
///     fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
///         batch.append(|text| record.write_message(text));
///         Ok(())
///     }
///
///     async fn deliver(&mut self, batch: &mut Batch) -> Result<Delivery, Error> {
///         // Here a client would send `batch.bytes()`.
///         tokio::task::yield_now().await;
///         println!("{} records", batch.records());
///         Ok(Delivery::Done)
///     }
/// }
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let handler = Insert.on(runtime.handle().clone()).delivery_timeout(Duration::from_secs(5)).build()?;
/// let logging = Config::builder().add_handler("database", handler).build()?;
/// runtime.block_on(logging.shutdown_async(Duration::from_secs(5)))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait FemtoAsyncHandler: Send + 'static {
    /// Handles one record: appends its text to the batch.
    ///
    /// # Errors
    ///
    /// An error counts this record as failed; what it appended to the batch is removed.
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error>;

    /// Delivers the batch.
    ///
    /// # Errors
    ///
    /// As for [`FemtoHandler::deliver`].
    fn deliver(&mut self, batch: &mut Batch) -> impl Future<Output = Result<Delivery, Error>>;

    /// Makes everything delivered so far as durable as this handler can.
    ///
    /// # Errors
    ///
    /// The error is what the caller of `flush` gets.
    fn flush(&mut self) -> impl Future<Output = Result<(), Error>> {
        std::future::ready(Ok(()))
    }

    /// Called once, after the last record was delivered and flushed.
    ///
    /// # Errors
    ///
    /// An error is counted and reported.
    fn close(&mut self) -> impl Future<Output = Result<(), Error>> {
        std::future::ready(Ok(()))
    }

    /// Starts a builder for a handler whose timers and I/O are those of this runtime.
    ///
    /// The runtime must be driven while the handler delivers: a `current_thread` runtime by a thread in its `block_on`.
    ///
    /// A *blocking* `flush`, `shutdown` or change of handlers on the runtime's only worker would stop the runtime, and
    /// so wait for itself. It returns an error at once, for which
    /// [`is_would_deadlock`](Error::is_would_deadlock) is `true`, also within `block_in_place`. Use
    /// [`flush_async`](crate::flush_async()) and [`shutdown_async`](crate::shutdown_async()) there. If a runtime has
    /// several workers and all of them block at the same time, the calls end by their timeouts.
    ///
    /// Callers that wait for room in a full queue stop the runtime in the same way, until the delivery times out. On a
    /// runtime with one worker, choose an [`OverflowPolicy`](crate::policy::OverflowPolicy) other than `Block`, or give
    /// the handler a runtime of its own.
    fn on(self, runtime: Handle) -> HandlerBuilder<OnRuntime<Self>>
    where
        Self: Sized,
    {
        let check = {
            let runtime = runtime.clone();
            move || is_only_worker(&runtime)
        };
        let mut builder = HandlerBuilder::new(OnRuntime { handler: Some(self), runtime, timeout: TIMEOUT });
        builder.settings.need_thread("FemtoAsyncHandler");
        builder.settings.deadlocks.push(Arc::new(check));
        builder
    }
}

/// Returns whether a runtime stands still while the calling thread waits.
fn is_only_worker(runtime: &Handle) -> bool {
    let is_within = Handle::try_current().is_ok_and(|current| current.id() == runtime.id());
    is_within && worker_index().is_some() && runtime.metrics().num_workers() == 1
}

/// A [`FemtoAsyncHandler`] with its runtime, which [`FemtoAsyncHandler::on`] makes.
pub struct OnRuntime<H> {
    /// `None` only while it is dropped.
    handler: Option<H>,
    runtime: Handle,
    timeout: Duration,
}

impl<H> HandlerBuilder<OnRuntime<H>> {
    /// Sets how long a delivery, a flush of the handler and its end may take each; 30 s by default. After that the
    /// future is dropped, and the delivery has failed.
    pub fn delivery_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }
}

/// Wakes the handler's thread. Not by `unpark`: the thread has one token for that, which its queue uses.
#[derive(Default)]
struct Woken(Signal);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.set();
    }
}

impl<H> OnRuntime<H> {
    /// Polls the future that `call` makes until it is ready, within the runtime.
    fn run<T>(&mut self, what: &str, call: impl AsyncFnOnce(&mut H) -> Result<T, Error>) -> Result<T, Error> {
        let Some(handler) = &mut self.handler else { return Err(Error::closed("the handler")) };
        // Until the future is dropped, which may need the runtime as well.
        let _runtime = self.runtime.enter();
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        let deadline = Instant::now().checked_add(self.timeout);
        let mut future = pin!(call(handler));
        loop {
            woken.0.reset();
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return outcome;
            }
            if !woken.0.wait(deadline) {
                return Err(Error::timeout(format_args!("{what} (given {:?})", self.timeout)));
            }
        }
    }
}

impl<H: FemtoAsyncHandler> FemtoHandler for OnRuntime<H> {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.handler.as_mut().map_or_else(|| Err(Error::closed("the handler")), |handler| handler.handle(record, batch))
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        self.run("the delivery", async |handler: &mut H| handler.deliver(batch).await)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.run("the flush of the handler", async |handler: &mut H| handler.flush().await)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.run("the end of the handler", async |handler: &mut H| handler.close().await)
    }
}

/// The handler's own destructor may need the runtime, for example to close connections.
impl<H> Drop for OnRuntime<H> {
    fn drop(&mut self) {
        let _runtime = self.runtime.enter();
        drop(self.handler.take());
    }
}
