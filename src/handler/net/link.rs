//! Open connections: sockets of all kinds behind one trait.
//!
//! # Why a write that succeeded may be lost
//!
//! `write` to a TCP socket succeeds when the system has copied the bytes. Three things are done so that a batch does
//! not count as written and is lost all the same:
//!
//! 1. Before each write, [`Link::check`] reads: the end of the stream, or an error, says that the peer has closed. The
//!    next write would succeed once and be answered by a reset.
//! 2. A new connection has to stay open for 100 ms ([`PROBATION`]) before anything is sent: a proxy accepts a
//!    connection before it knows whether its server is up.
//! 3. After a write, [`Link::unacknowledged`] says how many bytes the peer's system has not acknowledged (`SIOCOUTQ` on
//!    Linux). The records in them stay in the batch.
//!
//! # Closing
//!
//! A socket that is closed while it has unread data sends a reset (RFC 1122, section 4.2.2.13), and the reset makes the
//! peer's system discard data that its program has not read. So a connection to a peer that has ever sent anything is
//! shut down for writing first, and read until the peer closes it, for at most 500 ms ([`farewell`]).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

/// A connection to a peer.
pub(crate) trait Link: Send {
    /// Returns whether each write is a message of its own.
    fn is_datagram(&self) -> bool;

    /// Fails if the peer has closed the connection. Reads and discards what the peer has sent, without waiting.
    ///
    /// Called before each write: a write to a connection that the peer has closed may succeed, and is then lost.
    fn check(&mut self) -> io::Result<()>;

    /// Sets the maximum time that a write waits for the peer to accept anything.
    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Hands bytes to the system and returns how many it took. [`WouldBlock`](ErrorKind::WouldBlock) if it took none in
    /// time; then the next call must begin with the same bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Returns how many of the bytes written last the system still holds, because the peer's system has not
    /// acknowledged them. 0 if the system cannot tell; otherwise never less than it holds, so that nothing counts as
    /// delivered too early.
    fn unacknowledged(&self) -> usize {
        0
    }

    /// Closes the connection so that the peer receives everything that was written.
    fn close(&mut self);
}

/// A stream socket of std. The trait has the methods that its two types have in common.
pub(super) trait Stream: Read + Write + Send {
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}

/// A connected datagram socket: `send` needs no address, and an ICMP error of the peer is reported.
pub(super) trait Datagram: Send {
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;
    fn recv(&self, bytes: &mut [u8]) -> io::Result<usize>;
}

macro_rules! delegate {
    ($trait:ident for $socket:ty { $(fn $method:ident(&self, $argument:ident: $type:ty) -> $result:ty;)* }) => {
        impl $trait for $socket {
            $(fn $method(&self, $argument: $type) -> $result {
                <$socket>::$method(self, $argument)
            })*
        }
    };
    (streams: $($socket:ty),*) => {$(
        delegate!(Stream for $socket {
            fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;
            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
            fn shutdown(&self, how: Shutdown) -> io::Result<()>;
        });
    )*};
    (datagrams: $($socket:ty),*) => {$(
        delegate!(Datagram for $socket {
            fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;
            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
            fn send(&self, bytes: &[u8]) -> io::Result<usize>;
            fn recv(&self, bytes: &mut [u8]) -> io::Result<usize>;
        });
    )*};
}

delegate!(streams: TcpStream);
delegate!(datagrams: UdpSocket);
#[cfg(unix)]
delegate!(streams: UnixStream);
#[cfg(unix)]
delegate!(datagrams: UnixDatagram);

/// The maximum number of reads of a check, so that a peer that sends without end does not hold up the handler's thread.
const READS: usize = 16;

/// The maximum wait for the peer's end when a connection is closed.
pub(super) const FAREWELL: Duration = Duration::from_millis(500);

/// Reads and discards what the peer has sent. Returns whether there was anything, and an error at the end of the
/// stream.
pub(super) fn swallow(mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<bool> {
    let mut scratch = [0; 4096];
    let mut heard = false;
    for _ in 0..READS {
        match read(&mut scratch) {
            Ok(0) => return Err(closed()),
            Ok(_) => heard = true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(heard)
}

/// Returns the error of a connection that the peer has closed.
pub(super) fn closed() -> io::Error {
    io::Error::new(ErrorKind::ConnectionAborted, "the peer has closed the connection")
}

/// Shuts down the sending side of a stream whose peer also sends, and reads until the peer's end. A socket that is
/// closed with unread data resets the connection, which discards what the peer has not received yet.
#[expect(clippy::disallowed_methods, reason = "the wait has a limit")]
pub(super) fn farewell(stream: &mut impl Stream) {
    let deadline = Instant::now() + FAREWELL;
    let mut is_open = stream.shutdown(Shutdown::Write).is_ok();
    while is_open {
        let left = deadline.saturating_duration_since(Instant::now());
        is_open = !left.is_zero()
            && stream.set_read_timeout(Some(left)).is_ok()
            && swallow(|scratch| stream.read(scratch)).is_ok_and(|heard| heard);
    }
}

/// A stream socket.
pub(super) struct StreamLink<S> {
    stream: S,
    /// See [`Link::unacknowledged`].
    unacknowledged: fn(&S) -> usize,
    /// Whether the peer has ever sent anything. If so, closing waits for its end; see [`farewell`].
    heard: bool,
}

/// A connection must stay open for this long before anything is sent over it. A proxy whose server is down accepts a
/// connection and closes it at once; what was sent by then would be lost.
const PROBATION: Duration = Duration::from_millis(100);

impl<S: Stream> StreamLink<S> {
    /// Makes a link of a connection, after checking that it stays open for [`PROBATION`], or for half of `timeout` if
    /// that is shorter.
    pub(super) fn new(stream: S, timeout: Duration, unacknowledged: fn(&S) -> usize) -> io::Result<Self> {
        let mut link = Self { stream, unacknowledged, heard: false };
        link.prove(PROBATION.min(timeout / 2))?;
        Ok(link)
    }

    /// Fails if the peer closes the connection within this time.
    #[expect(clippy::disallowed_methods, reason = "the wait has a limit")]
    fn prove(&mut self, time: Duration) -> io::Result<()> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut [0; 4096]) {
                Ok(0) => return Err(closed()),
                Ok(_) => self.heard = true,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Returns how many of the bytes written to a TCP connection the peer's system has not acknowledged.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn unacknowledged(stream: &TcpStream) -> usize {
    // If the number is not available, bytes count as delivered when they are written, as on other systems.
    crate::sys::unacknowledged(stream).unwrap_or(0)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn unacknowledged(_: &TcpStream) -> usize {
    0
}

impl<S: Stream> Link for StreamLink<S> {
    fn is_datagram(&self) -> bool {
        false
    }

    fn check(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        // Set back before the outcome is judged: a link stays blocking, whatever the read has found.
        let outcome = swallow(|scratch| self.stream.read(scratch));
        self.stream.set_nonblocking(false)?;
        self.heard |= outcome?;
        Ok(())
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(timeout))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn unacknowledged(&self) -> usize {
        (self.unacknowledged)(&self.stream)
    }

    fn close(&mut self) {
        if self.check().is_ok() && self.heard {
            farewell(&mut self.stream);
        }
    }
}

/// A connected datagram socket.
pub(super) struct DatagramLink<S> {
    socket: S,
}

impl<S: Datagram> DatagramLink<S> {
    pub(super) fn new(socket: S) -> Self {
        Self { socket }
    }
}

impl<S: Datagram> Link for DatagramLink<S> {
    fn is_datagram(&self) -> bool {
        true
    }

    fn check(&mut self) -> io::Result<()> {
        self.socket.set_nonblocking(true)?;
        // An empty datagram is not an end of stream.
        let outcome = swallow(|scratch| self.socket.recv(scratch).map(|length| length.max(1)));
        self.socket.set_nonblocking(false)?;
        outcome.map(drop)
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.socket.set_write_timeout(Some(timeout))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes)
    }

    fn close(&mut self) {}
}

/// Returns whether the error says that a datagram is larger than the system or the network accepts.
pub(super) fn is_too_large(error: &io::Error) -> bool {
    // `std::io::ErrorKind` has no name for EMSGSIZE.
    const EMSGSIZE: i32 = if cfg!(windows) {
        10040
    } else if cfg!(any(target_os = "linux", target_os = "android")) {
        90
    } else {
        40
    };
    error.raw_os_error() == Some(EMSGSIZE)
}

/// Returns the error of an attempt to connect that timed out.
pub(super) fn timed_out(timeout: Duration) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, format!("no connection after {timeout:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reads give, one after the other, and then nothing.
    struct Scripted(std::vec::IntoIter<io::Result<usize>>);

    impl Read for Scripted {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.next().unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
        }
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Stream for Scripted {
        fn set_nonblocking(&self, _: bool) -> io::Result<()> {
            Ok(())
        }

        fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
            assert!(timeout.is_some_and(|timeout| !timeout.is_zero()));
            Ok(())
        }

        fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&self, _: Shutdown) -> io::Result<()> {
            Ok(())
        }
    }

    /// A proxy accepts, finds no server behind itself, and ends the connection.
    #[test]
    fn a_connection_that_ends_at_once_is_none() {
        let link = |reads: Vec<io::Result<usize>>| {
            StreamLink::new(Scripted(reads.into_iter()), Duration::from_secs(5), |_| 0).map(|link| link.heard)
        };
        let wait = || Err(ErrorKind::WouldBlock.into());
        assert!(!link(vec![]).unwrap());
        assert!(link(vec![wait(), Ok(3), Err(ErrorKind::Interrupted.into()), wait()]).unwrap());
        assert_eq!(link(vec![wait(), Ok(3), Ok(0)]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
        let reset = link(vec![wait(), wait(), Err(ErrorKind::ConnectionReset.into())]);
        assert_eq!(reset.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
