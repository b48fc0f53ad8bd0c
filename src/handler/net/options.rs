//! The settings of all handlers that keep a connection.

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::connection::PeerLimits;
use super::dial::{Destination, Dial, Dialer};
use super::endpoint::bare;
#[cfg(feature = "tls")]
use super::tls::Tls;
use super::{Connection, Endpoint, Framing};
use crate::error::{Error, Problem};
use crate::handler::HandlerBuilder;
use crate::handler::retry::RetrySettings;

/// The settings of a connection. [`HandlerBuilder`] has a method for each.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{Endpoint, FemtoSocketHandler, FemtoSyslogHandler, HandlerBuilder, NetOptions};
/// use std::time::Duration;
///
/// /// The settings of all connections of a program.
/// fn patient<O: AsMut<NetOptions>>(builder: HandlerBuilder<O>) -> HandlerBuilder<O> {
///     builder.connect_timeout(Duration::from_secs(20)).retry_buffer(1_000_000, 64 << 20)
/// }
///
/// let socket = patient(FemtoSocketHandler::builder()).endpoint(Endpoint::tcp("logs.example", 9000)).build()?;
/// let syslog = patient(FemtoSyslogHandler::builder()).endpoint(Endpoint::tcp("logs.example", 601)).build()?;
/// # drop((socket, syslog));
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct NetOptions {
    pub(crate) endpoint: Option<Endpoint>,
    framing: Option<Framing>,
    connect_timeout: Duration,
    write_timeout: Duration,
    retry: RetrySettings,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Default for NetOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            framing: None,
            connect_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            retry: RetrySettings::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl NetOptions {
    /// Returns the framing that was set, or else the default: `of_streams`, and none for datagrams.
    pub(crate) fn framing(&self, of_streams: Framing) -> Framing {
        let is_datagram = self.endpoint.as_ref().is_some_and(Endpoint::is_datagram);
        self.framing.unwrap_or(if is_datagram { Framing::None } else { of_streams })
    }

    /// Returns everything that is wrong with the settings.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem = |wrong: bool, field: &str, value: String, remedy: &str| {
            if wrong {
                problems.push(Problem::new(field, value, remedy));
            }
        };
        let text = self.endpoint.as_ref().map(Endpoint::to_string).unwrap_or_default();
        match &self.endpoint {
            None => problem(true, "endpoint", text, "say where to send to with .endpoint(Endpoint::tcp(host, port))"),
            Some(Endpoint::Tcp { host, port } | Endpoint::Udp { host, port }) => {
                let wrong = !is_host(host) || *port == 0;
                problem(wrong, "endpoint", text, "give a host, alone, and a port from 1 to 65535");
            }
            Some(Endpoint::Unix(path) | Endpoint::UnixDatagram(path)) => {
                problem(path.as_os_str().is_empty(), "endpoint", text.clone(), "give the socket's path");
                problem(!cfg!(unix), "endpoint", text, "this platform has no Unix sockets here; use TCP or UDP");
            }
        }
        for (field, timeout) in [("connect_timeout", self.connect_timeout), ("write_timeout", self.write_timeout)] {
            let wrong = timeout < Duration::from_millis(1) || timeout > Duration::from_secs(3600);
            problem(wrong, field, format!("{timeout:?}"), "give a time from 1 ms to 1 h");
        }
        #[cfg(feature = "tls")]
        problem(
            self.tls.is_some() && !matches!(self.endpoint, Some(Endpoint::Tcp { .. }) | None),
            "tls",
            self.endpoint.as_ref().map(Endpoint::to_string).unwrap_or_default(),
            "use TLS over TCP only",
        );
        problems.extend(self.retry.problem());
        problems
    }

    /// Makes the connection's state machine, which connects with the first record.
    pub(crate) fn connection(&self) -> Result<Connection<Dialer>, Error> {
        let Some(endpoint) = self.endpoint.clone() else {
            return Err(Error::config(self.problems()));
        };
        let peer = endpoint.to_string();
        let target = Destination {
            #[cfg(feature = "tls")]
            tls: self.tls.as_ref().map(|tls| tls.client(&endpoint)).transpose()?,
            endpoint,
            timeout: self.connect_timeout,
        };
        Ok(self.connection_by(peer, Dialer::new(target)))
    }

    /// Makes the state machine, with connections that `dial` makes. `peer` is for messages.
    pub(crate) fn connection_by<D: Dial>(&self, peer: String, dial: D) -> Connection<D> {
        let limits = PeerLimits { retry: self.retry.clone(), write_timeout: self.write_timeout };
        Connection::new(peer, dial, limits)
    }

    /// Sets the maximum numbers of records and of bytes that are kept while the peer is down.
    pub(crate) fn keep(&mut self, records: usize, bytes: usize) {
        (self.retry.records, self.retry.bytes) = (records, bytes);
    }
}

/// Returns whether this can be a name or an address. A URL, and a host with a port, cannot.
fn is_host(host: &str) -> bool {
    let address = bare(host).split('%').next().unwrap_or_default();
    !host.is_empty()
        && !host.contains(|c: char| c.is_whitespace() || c == '/')
        && (!host.contains(':') || address.parse::<Ipv6Addr>().is_ok())
}

impl<O: AsMut<NetOptions>> HandlerBuilder<O> {
    /// Sets the endpoint to which records are sent. Required, except for syslog.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.net().endpoint = Some(endpoint);
        self
    }

    /// Sets the framing of messages. By default, a line feed on streams and none in datagrams; for syslog, octet
    /// counting over TCP.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{Endpoint, FemtoSocketHandler, Framing};
    ///
    /// // Four bytes with the length before each message, as CPython's `SocketHandler` sends.
    /// let handler = FemtoSocketHandler::builder()
    ///     .endpoint(Endpoint::tcp("localhost", 9020))
    ///     .framing(Framing::LengthPrefix)
    ///     .build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn framing(mut self, framing: Framing) -> Self {
        self.net().framing = Some(framing);
        self
    }

    /// Sets the timeout of an attempt to connect, from the look-up of the name to the end of a TLS handshake: 1 ms to
    /// 1 h, 5 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.net().connect_timeout = timeout;
        self
    }

    /// Sets the maximum time for which a peer accepts nothing before the connection is closed: 1 ms to 1 h, 5 s by
    /// default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{Endpoint, FemtoSocketHandler};
    /// use std::time::Duration;
    ///
    /// let handler = FemtoSocketHandler::builder()
    ///     .endpoint(Endpoint::tcp("logs.example", 9000))
    ///     .connect_timeout(Duration::from_secs(1))
    ///     .write_timeout(Duration::from_secs(30)) // a peer that stops reading for less keeps its connection
    ///     .build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.net().write_timeout = timeout;
        self
    }

    /// Sets the maximum number of records and of bytes that are kept while the peer is down: 100,000 records and 8 MiB
    /// by default. The oldest are given up first. The limit may be exceeded by one batch (256 KiB) for a moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{Endpoint, FemtoSocketHandler};
    /// use std::time::Duration;
    ///
    /// let handler = FemtoSocketHandler::builder()
    ///     .endpoint(Endpoint::tcp("logs.example", 9000))
    ///     .retry_buffer(1_000_000, 64 << 20) // an outage of an hour at 250 records per second
    ///     .backoff(Duration::from_secs(1)..=Duration::from_secs(60))
    ///     .build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn retry_buffer(mut self, records: usize, bytes: usize) -> Self {
        self.net().keep(records, bytes);
        self
    }

    /// Sets the delays between attempts to connect: from 100 ms, doubling, to 30 s by default, each shortened at random
    /// by up to a half.
    pub fn backoff(mut self, delays: RangeInclusive<Duration>) -> Self {
        self.net().retry.delays = delays;
        self
    }

    /// Encrypts the TCP connection with TLS. Not encrypted by default.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.net().tls = Some(tls);
        self
    }

    fn net(&mut self) -> &mut NetOptions {
        self.options.as_mut()
    }
}
