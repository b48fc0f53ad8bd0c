//! A handler that sends records to a syslog server.

use super::net::{Endpoint, Framing, NetOptions};
use super::{FemtoSocketHandler, HandlerBuilder, HandlerSpec};
use crate::error::Error;
use crate::formatter::FemtoSyslogFormatter;

/// Sends records to syslog: to that of the machine by a Unix socket, or to a server by UDP or TCP.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`endpoint`](HandlerBuilder::endpoint) | the machine's datagram socket | where to send to |
/// | [`formatter`](HandlerBuilder::formatter) | servers: RFC 5424; Unix sockets: RFC 3164 | the format of messages |
/// | [`framing`](HandlerBuilder::framing) | by the endpoint, see below | how messages are separated |
/// | [`connect_timeout`](HandlerBuilder::connect_timeout) | 5 s | timeout of an attempt to connect |
/// | [`write_timeout`](HandlerBuilder::write_timeout) | 5 s | maximum time for which a peer accepts nothing |
/// | [`retry_buffer`](HandlerBuilder::retry_buffer) | 100,000 records, 8 MiB | maximum kept while the peer is down |
/// | [`backoff`](HandlerBuilder::backoff) | 100 ms … 30 s | the delays between attempts to connect |
/// | `tls` | none | encryption (RFC 5425), with the feature `tls` |
/// | the rest | see [`HandlerBuilder`] | |
///
/// The machine's socket is `/dev/log`, or `/var/run/syslog` on macOS. On Windows, an endpoint is required. The readers
/// of these sockets (rsyslog, journald) expect what `syslog(3)` writes: RFC 3164 without a host name. This handler
/// sends that to Unix sockets, unless the formatter is of another format or has a
/// [`hostname`](FemtoSyslogFormatter::hostname).
///
/// The framing is octet counting over TCP (RFC 6587, section 3.4.1), a line feed on Unix streams, and none in datagrams
/// and for CPython's format, whose messages end in a zero byte.
///
/// # What is lost, and when
///
/// The same as with [`FemtoSocketHandler`](super::FemtoSocketHandler). A Unix datagram is never lost on its way: the
/// handler's thread waits for a slow reader.
///
/// # Examples
///
/// ```no_run
/// use femtologging::formatter::{FemtoSyslogFormatter, SyslogFacility};
/// use femtologging::handler::{Endpoint, FemtoSyslogHandler};
/// use femtologging::Config;
///
/// let local = FemtoSyslogHandler::builder().build()?;
/// let central = FemtoSyslogHandler::builder()
///     .endpoint(Endpoint::tcp("logs.example.net", 514))
///     .formatter(FemtoSyslogFormatter::rfc5424().facility(SyslogFacility::Local0).ident("shop").sd_id("shop@32473"))
///     .build()?;
/// let logging = Config::builder().add_handler("local", local).add_handler("central", central).build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoSyslogHandler(());

/// The options of a [`FemtoSyslogHandler`].
///
/// # Examples
///
/// ```
/// use femtologging::handler::{Endpoint, FemtoSyslogHandler, HandlerBuilder, SyslogOptions};
///
/// fn configured(builder: HandlerBuilder<SyslogOptions>) -> HandlerBuilder<SyslogOptions> {
///     builder.retry_buffer(10_000, 1 << 20)
/// }
///
/// let handler = configured(FemtoSyslogHandler::builder().endpoint(Endpoint::udp("logs.example", 514))).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct SyslogOptions {
    formatter: Option<FemtoSyslogFormatter>,
    net: NetOptions,
}

impl AsMut<NetOptions> for SyslogOptions {
    fn as_mut(&mut self) -> &mut NetOptions {
        &mut self.net
    }
}

impl FemtoSyslogHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<SyslogOptions> {
        HandlerBuilder::new(SyslogOptions { formatter: None, net: NetOptions::default() })
    }
}

/// Returns the socket on which the machine's syslog listens.
fn local_socket() -> Option<Endpoint> {
    let path = if cfg!(target_os = "macos") { "/var/run/syslog" } else { "/dev/log" };
    cfg!(unix).then(|| Endpoint::unix_datagram(path))
}

impl HandlerBuilder<SyslogOptions> {
    /// Sets the format of messages, with the program's name, the facility and the host's name.
    pub fn formatter(mut self, formatter: FemtoSyslogFormatter) -> Self {
        self.options.formatter = Some(formatter);
        self
    }

    /// Makes the handler. It connects with the first record.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error; certificates or keys that cannot be read.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (SyslogOptions { formatter, mut net }, mut settings) = self.into_parts();
        settings.need_thread("FemtoSyslogHandler");
        net.endpoint = net.endpoint.or_else(local_socket);
        let is_local = matches!(net.endpoint, Some(Endpoint::Unix(_) | Endpoint::UnixDatagram(_)));
        let formatter = match formatter {
            Some(formatter) if is_local => formatter.for_local_socket(),
            Some(formatter) => formatter,
            None if is_local => FemtoSyslogFormatter::rfc3164().for_local_socket(),
            None => FemtoSyslogFormatter::rfc5424(),
        };
        let framing = net.framing(match net.endpoint {
            _ if formatter.ends_in_nul() => Framing::None,
            Some(Endpoint::Unix(_)) => Framing::Newline,
            _ => Framing::OctetCounting,
        });
        Self::finish(settings, net.problems(), || {
            Ok(Box::new(FemtoSocketHandler::new(Box::new(formatter), framing, &net)?))
        })
    }
}
