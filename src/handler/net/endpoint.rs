//! The endpoint of a connection.

use std::fmt;
use std::path::{Path, PathBuf};

/// The address to which a network handler sends.
///
/// `Display` writes it as a URL: `tcp://host:514`, `unix:/run/log`, `udp://[::1]:514`, `unixgram:/dev/log`.
///
/// # Examples
///
/// ```
/// use femtologging::handler::Endpoint;
///
/// assert_eq!(Endpoint::tcp("logs.example.net", 9020).to_string(), "tcp://logs.example.net:9020");
/// assert_eq!(Endpoint::udp("::1", 514).to_string(), "udp://[::1]:514");
/// assert_eq!(Endpoint::udp("[::1]", 514).to_string(), "udp://[::1]:514");
/// assert_eq!(Endpoint::unix_datagram("/dev/log").to_string(), "unixgram:/dev/log");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// A host, by name or address of either family, and a port. All addresses of a name are tried in turn.
    Tcp {
        /// The host's name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A stream socket in the file system. Unix only.
    Unix(PathBuf),
    /// A host and a port that get a datagram for every record.
    Udp {
        /// The host's name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A datagram socket in the file system. Unix only.
    UnixDatagram(PathBuf),
}

impl Endpoint {
    /// Makes a [`Tcp`](Self::Tcp) endpoint.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Endpoint::Tcp { host: host.into(), port }
    }

    /// Makes a [`Unix`](Self::Unix) endpoint.
    pub fn unix(path: impl AsRef<Path>) -> Self {
        Endpoint::Unix(path.as_ref().to_owned())
    }

    /// Makes a [`Udp`](Self::Udp) endpoint.
    pub fn udp(host: impl Into<String>, port: u16) -> Self {
        Endpoint::Udp { host: host.into(), port }
    }

    /// Makes a [`UnixDatagram`](Self::UnixDatagram) endpoint.
    pub fn unix_datagram(path: impl AsRef<Path>) -> Self {
        Endpoint::UnixDatagram(path.as_ref().to_owned())
    }

    /// Returns whether every message is a datagram of its own.
    pub fn is_datagram(&self) -> bool {
        matches!(self, Endpoint::Udp { .. } | Endpoint::UnixDatagram(_))
    }
}

/// Returns a host without the brackets around an IPv6 address.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut host = |scheme, host: &str, port| {
            if host.contains(':') {
                write!(f, "{scheme}://[{}]:{port}", bare(host))
            } else {
                write!(f, "{scheme}://{host}:{port}")
            }
        };
        match self {
            Endpoint::Tcp { host: name, port } => host("tcp", name, port),
            Endpoint::Udp { host: name, port } => host("udp", name, port),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
            Endpoint::UnixDatagram(path) => write!(f, "unixgram:{}", path.display()),
        }
    }
}
