//! A handler that sends records over a socket.

use super::net::{Connection, Dialer, Framing, NetOptions};
use super::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::error::Error;
use crate::formatter::{FemtoFormatter, FemtoJsonFormatter};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Sends records to a peer: by TCP, with or without TLS, by UDP, or by a Unix socket.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`endpoint`](HandlerBuilder::endpoint) | required | where to send to |
/// | [`formatter`](HandlerBuilder::formatter) | [`FemtoJsonFormatter`] | the format of messages |
/// | [`framing`](HandlerBuilder::framing) | a line feed; none in datagrams | how messages are separated |
/// | [`connect_timeout`](HandlerBuilder::connect_timeout) | 5 s | timeout of an attempt to connect |
/// | [`write_timeout`](HandlerBuilder::write_timeout) | 5 s | maximum time for which a peer accepts nothing |
/// | [`retry_buffer`](HandlerBuilder::retry_buffer) | 100,000 records, 8 MiB | maximum kept while the peer is down |
/// | [`backoff`](HandlerBuilder::backoff) | 100 ms … 30 s | the delays between attempts to connect |
/// | `tls` | none | encryption, with the feature `tls` |
/// | the rest | see [`HandlerBuilder`] | |
///
/// The handler connects with the first record, on a thread of its own. No caller waits for a name to be looked up, or
/// for a connection.
///
/// # What is lost, and when
///
/// * **The peer is down:** records are kept, in flight, and sent in order once it is up again. When the retry buffer is
///   full, the oldest are given up, counted as failed, and reported.
/// * **The peer accepts nothing:** the handler's thread waits for `write_timeout`. Meanwhile the queue may fill; its
///   overflow policy applies. Then the peer counts as down.
/// * **A TCP connection breaks:** on Linux, what the peer's system has not acknowledged is sent again, so a record may
///   arrive twice. What that system has acknowledged but its program has not read is lost, and counts as written: TCP
///   has no acknowledgement by the program. On other systems, and with Unix sockets, the same is true of what this
///   machine's system still holds. The connection is checked before each batch and once a second, so that nothing is
///   written to a connection that the peer has closed.
/// * **A datagram is too large:** the record fails and is reported. Lost datagrams are not noticed, except those that
///   the system reports as refused.
/// * **The process is killed:** records in the queue and in the retry buffer are lost.
///
/// # Examples
///
/// ```no_run
/// use femtologging::handler::{Endpoint, FemtoSocketHandler};
/// use femtologging::Config;
///
/// let socket = FemtoSocketHandler::builder().endpoint(Endpoint::tcp("logs.example.net", 9020)).build()?;
/// let logging = Config::builder().add_handler("socket", socket).build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoSocketHandler {
    formatter: Box<dyn FemtoFormatter>,
    framing: Framing,
    connection: Connection<Dialer>,
}

/// The options of a [`FemtoSocketHandler`].
///
/// # Examples
///
/// ```
/// use femtologging::handler::{Endpoint, FemtoSocketHandler, HandlerBuilder, SocketOptions};
///
/// fn configured(builder: HandlerBuilder<SocketOptions>) -> HandlerBuilder<SocketOptions> {
///     builder.retry_buffer(10_000, 1 << 20)
/// }
///
/// let handler = configured(FemtoSocketHandler::builder().endpoint(Endpoint::tcp("logs.example", 9000))).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct SocketOptions {
    formatter: Box<dyn FemtoFormatter>,
    net: NetOptions,
}

impl AsMut<NetOptions> for SocketOptions {
    fn as_mut(&mut self) -> &mut NetOptions {
        &mut self.net
    }
}

impl FemtoSocketHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<SocketOptions> {
        let formatter = Box::new(FemtoJsonFormatter::new());
        HandlerBuilder::new(SocketOptions { formatter, net: NetOptions::default() })
    }

    /// Puts a handler together, for those whose formatter and framing are their own.
    pub(super) fn new(formatter: Box<dyn FemtoFormatter>, framing: Framing, net: &NetOptions) -> Result<Self, Error> {
        Ok(Self { formatter, framing, connection: net.connection()? })
    }
}

impl HandlerBuilder<SocketOptions> {
    /// Sets the formatter; a [`FemtoJsonFormatter`] by default.
    pub fn formatter(mut self, formatter: impl FemtoFormatter + 'static) -> Self {
        self.options.formatter = Box::new(formatter);
        self
    }

    /// Makes the handler. It connects with the first record.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error; certificates or keys that cannot be read.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (SocketOptions { formatter, net }, mut settings) = self.into_parts();
        settings.need_thread("FemtoSocketHandler");
        Self::finish(settings, net.problems(), || {
            Ok(Box::new(FemtoSocketHandler::new(formatter, net.framing(Framing::Newline), &net)?))
        })
    }
}

impl FemtoHandler for FemtoSocketHandler {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|out| self.framing.frame(out, |out| self.formatter.format(record, out)))
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        Ok(self.connection.send(batch, now))
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.connection.tick(now)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.connection.close();
        Ok(())
    }
}
