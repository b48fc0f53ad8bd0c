//! Handlers: the destinations of records.
//!
//! A handler says what to do with a record. `queue/` and `worker/` have what all handlers share: the thread, the queue,
//! overflow, batching, flush, shutdown, metrics and isolation.

mod batch;
mod builder;
mod capture;
#[cfg(feature = "compose")]
mod compose;
mod disk;
mod file;
#[cfg(feature = "http")]
mod http;
#[cfg(all(feature = "journald", target_os = "linux"))]
mod journald;
mod line;
mod log_file;
#[cfg(feature = "socket")]
mod net;
mod null;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "a wait with a limit needs a clock")]
mod on_runtime;
mod retry;
#[cfg(feature = "rotation")]
mod rotate;
#[cfg(feature = "socket")]
mod socket;
mod stream;
#[cfg(feature = "syslog")]
mod syslog;
mod watched;

#[cfg(feature = "http")]
use batch::RecordId;
pub use batch::{Batch, Delivery};
pub(crate) use batch::{Call, Outcome, Settled};
pub(crate) use builder::{DeadlockCheck, HandlerSettings};
pub use builder::{FemtoHandlerExt, HandlerBuilder, HandlerSpec, IntoHandler};
pub use capture::FemtoCaptureHandler;
#[cfg(feature = "compose")]
pub use compose::{
    FallbackOptions, FemtoFallbackHandler, FemtoFlightRecorder, FemtoMemoryHandler, FemtoRouteHandler,
    FlightRecorderOptions, MemoryOptions, RecorderHandle, RouteOptions,
};
pub use file::{FemtoFileHandler, FileOptions};
#[cfg(feature = "http")]
pub use http::{FemtoHttpHandler, HttpBody, HttpMethod, HttpOptions};
#[cfg(feature = "otlp")]
pub use http::{FemtoOtlpHandler, OtlpEncoding, OtlpOptions};
#[cfg(all(feature = "journald", target_os = "linux"))]
pub use journald::{FemtoJournaldHandler, JournaldOptions};
pub use line::Line;
pub use log_file::ReopenHandle;
#[cfg(feature = "tls")]
pub use net::Tls;
#[cfg(feature = "socket")]
pub use net::{Endpoint, Framing, NetOptions};
pub use null::FemtoNullHandler;
#[cfg(feature = "tokio")]
pub use on_runtime::{FemtoAsyncHandler, OnRuntime};
use retry::Retrying;
#[cfg(feature = "rotation")]
pub use rotate::{
    FemtoRotatingFileHandler, FemtoTimedRotatingFileHandler, RotatingFileOptions, RotationSchedule, Weekday, When,
};
#[cfg(feature = "socket")]
pub use socket::{FemtoSocketHandler, SocketOptions};
pub use stream::{FemtoStreamHandler, StreamOptions};
#[cfg(feature = "syslog")]
pub use syslog::{FemtoSyslogHandler, SyslogOptions};
pub use watched::{FemtoWatchedFileHandler, WatchedFileOptions};

use crate::error::Error;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;
pub use crate::stdio::StandardStream;
use crate::time::Timestamp;

/// A destination of records.
///
/// All methods are called on the handler's own thread, one at a time; with
/// [`Transport::Inline`](crate::policy::Transport::Inline), on the threads that log. An error or panic in any of them
/// is counted and reported; the handler is called again with the next records, and other handlers are not affected.
///
/// For each batch, the thread calls [`handle`](Self::handle) once for every record and then [`deliver`](Self::deliver).
/// A batch ends when the queue runs empty, its text reaches 256 KiB, or it has 16,384 records. A record counts as
/// written once `deliver` said so.
///
/// # Examples
///
/// A handler that counts warnings:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use femtologging::handler::{Batch, FemtoHandler, FemtoHandlerExt};
/// use femtologging::{Config, Error, FemtoLogRecord, Level};
///
/// struct CountHandler(Arc<AtomicUsize>);
///
/// impl FemtoHandler for CountHandler {
///     fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         Ok(())
///     }
/// }
///
/// let count = Arc::new(AtomicUsize::new(0));
/// let handler = CountHandler(count.clone()).configure().level(Level::Warn).build()?;
/// let logging = Config::builder().add_handler("count", handler).build()?;
/// # drop(logging);
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    note = "a builder becomes one with `.build()?`; a type of one's own needs `impl FemtoHandler`"
)]
pub trait FemtoHandler: Send + 'static {
    /// Called once, before the first record. `now` is the time by the system's clock.
    ///
    /// # Errors
    ///
    /// An error is counted and reported; records follow nevertheless.
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        let _ = now;
        Ok(())
    }

    /// Handles one record: appends its text to the batch, or does what this handler is for.
    ///
    /// # Errors
    ///
    /// An error counts this record as failed; what it appended to the batch is removed.
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error>;

    /// Delivers the batch. `now` is the time by the system's clock.
    ///
    /// # Errors
    ///
    /// An error counts the records of the batch as failed, except those before
    /// [`Batch::delivered`]. The batch is over, unless the answer is [`Delivery::Retry`].
    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        let _ = (batch, now);
        Ok(Delivery::Done)
    }

    /// Makes everything delivered so far as durable as this handler can. The batch was delivered before.
    ///
    /// # Errors
    ///
    /// The error is what the caller of `flush` gets.
    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Exchanges the formatter, between two batches; see
    /// [`Logging::set_handler_formatter`](crate::Logging::set_handler_formatter).
    ///
    /// # Errors
    ///
    /// This handler has no formatter that can be exchanged, as by default.
    fn set_formatter(&mut self, formatter: Box<dyn FemtoFormatter>) -> Result<(), Error> {
        drop(formatter);
        Err(Error::other("this handler has no formatter that can be exchanged: replace the handler"))
    }

    /// Called about once a second, and less often while the thread sleeps longer; without a thread, before a record
    /// that comes a second or more after the last call.
    ///
    /// # Errors
    ///
    /// An error is counted and reported.
    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        let _ = now;
        Ok(())
    }

    /// Called once, after the last record was delivered and flushed. At the exit of the process, a handler without a
    /// thread is closed on ELF systems (Linux, Android, the BSDs) only.
    ///
    /// # Errors
    ///
    /// An error is counted and reported.
    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
