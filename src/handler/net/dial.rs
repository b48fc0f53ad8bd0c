//! Connecting: from an endpoint to a link.
//!
//! The handler's thread may wait for an attempt, but only up to a limit: see [`Dialer`] for what nothing can interrupt.
//!
//! ```text
//! handler's thread                         femtolog-connect
//! start() ───────────────────────────────► resolve the name, connect, TLS handshake, probation
//! poll(wait) … None: not yet
//! poll(wait) ◄──────────────────────────── link, or error
//! ```

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Endpoint;
use super::endpoint::bare;
use super::link::{DatagramLink, Link, StreamLink, timed_out, unacknowledged};
#[cfg(feature = "tls")]
use super::tls::TlsClient;
use crate::sync::channel::{self, Receiver, RecvTimeoutError};
use crate::sync::mute_thread;
use crate::sys;

/// Makes connections, one at a time. A trait, so that tests of the state machine can use scripted connections.
pub(crate) trait Dial: Send {
    /// Starts an attempt.
    fn start(&mut self);

    /// Returns the outcome of the attempt, after a wait of up to `wait`; `None` if it is still under way.
    fn poll(&mut self, wait: Duration) -> Option<io::Result<Box<dyn Link>>>;
}

/// Where to connect to, and how.
#[derive(Clone)]
pub(super) struct Destination {
    pub(super) endpoint: Endpoint,
    pub(super) timeout: Duration,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsClient>,
}

/// Connects on a thread of its own, which lives as long as the attempt. The system's resolver has no timeout, and
/// neither has a connection to a Unix socket whose peer does not accept; the handler's thread must not hang in them.
///
/// An attempt that hangs cannot be cancelled. After its deadline it counts as failed, but the next
/// [`start`](Dial::start) continues to wait for it instead of starting a second thread. So a host whose resolver hangs
/// costs one thread, for however long it hangs.
pub(crate) struct Dialer {
    target: Arc<Destination>,
    attempt: Option<Receiver<io::Result<Box<dyn Link>>>>,
    deadline: Instant,
}

#[expect(clippy::disallowed_methods, reason = "an attempt has a limit")]
impl Dialer {
    pub(super) fn new(target: Destination) -> Self {
        Self { target: Arc::new(target), attempt: None, deadline: Instant::now() }
    }

    fn spawn(&self) -> Receiver<io::Result<Box<dyn Link>>> {
        let (answer, attempt) = channel::bounded(1);
        let target = self.target.clone();
        // If no thread can be started, the attempt fails like any other, and is tried again later.
        let refused = answer.clone();
        let run = move || {
            mute_thread();
            let _ = answer.send(target.connect());
        };
        if let Err(error) = sys::spawn("femtolog-connect", run) {
            let _ = refused.send(Err(error));
        }
        attempt
    }
}

#[expect(clippy::disallowed_methods, reason = "an attempt has a limit")]
impl Dial for Dialer {
    fn start(&mut self) {
        self.deadline = Instant::now() + self.target.timeout;
        // The wait for an attempt that hangs continues, so that there is at most one such thread.
        if self.attempt.is_none() {
            self.attempt = Some(self.spawn());
        }
    }

    fn poll(&mut self, wait: Duration) -> Option<io::Result<Box<dyn Link>>> {
        let wait = wait.min(self.deadline.saturating_duration_since(Instant::now()));
        let outcome = match self.attempt.as_ref()?.recv_timeout(wait) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the attempt to connect has panicked")),
            Err(RecvTimeoutError::Timeout) if Instant::now() < self.deadline => return None,
            Err(RecvTimeoutError::Timeout) => return Some(Err(timed_out(self.target.timeout))),
        };
        self.attempt = None;
        Some(outcome)
    }
}

fn tcp(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    if stream.local_addr()? == stream.peer_addr()? {
        // Without a listener, the system may give the client the port that it connects to: it would be connected to
        // itself.
        return Err(ErrorKind::ConnectionRefused.into());
    }
    // `TCP_NODELAY`: batches are large, and the last one must not wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Destination {
    /// Connects to the first address that answers.
    fn connect(&self) -> io::Result<Box<dyn Link>> {
        match &self.endpoint {
            Endpoint::Tcp { host, port } => {
                let stream = self.each_address(host, *port, tcp)?;
                #[cfg(feature = "tls")]
                if let Some(tls) = &self.tls {
                    return tls.connect(stream, self.timeout);
                }
                Ok(Box::new(StreamLink::new(stream, self.timeout, unacknowledged)?))
            }
            Endpoint::Udp { host, port } => {
                let socket = self.each_address(host, *port, |address, _| {
                    // The address of the local end has to be of the same family.
                    let any = match address {
                        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                    };
                    let socket = UdpSocket::bind(any)?;
                    socket.connect(address)?;
                    Ok(socket)
                })?;
                Ok(Box::new(DatagramLink::new(socket)))
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => {
                let stream = std::os::unix::net::UnixStream::connect(path)?;
                // For these, the system can only tell what the peer has not read, which may take for ever.
                Ok(Box::new(StreamLink::new(stream, self.timeout, |_| 0)?))
            }
            #[cfg(unix)]
            Endpoint::UnixDatagram(path) => {
                let socket = std::os::unix::net::UnixDatagram::unbound()?;
                socket.connect(path)?;
                Ok(Box::new(DatagramLink::new(socket)))
            }
            #[cfg(not(unix))]
            Endpoint::Unix(_) | Endpoint::UnixDatagram(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Tries the addresses of a host in turn. Each gets an equal share of the time that is left: with 5 s and three
    /// addresses, an unresponsive first one leaves 3.3 s for the others.
    #[expect(clippy::disallowed_methods, reason = "an attempt has a limit")]
    fn each_address<T>(
        &self,
        host: &str,
        port: u16,
        connect: impl Fn(SocketAddr, Duration) -> io::Result<T>,
    ) -> io::Result<T> {
        let deadline = Instant::now() + self.timeout;
        let addresses: Vec<_> = (bare(host), port).to_socket_addrs()?.collect();
        let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
        for (at, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            if share.is_zero() {
                return Err(timed_out(self.timeout));
            }
            match connect(*address, share) {
                Ok(connected) => return Ok(connected),
                Err(error) => last = io::Error::new(error.kind(), format!("{address}: {error}")),
            }
        }
        Err(last)
    }
}
