//! Connections: what all handlers that send to a peer over a socket share.
//!
//! | file | what it does |
//! |---|---|
//! | `endpoint` | the address of the peer |
//! | `options` | the settings |
//! | `dial` | connects, on a thread of its own |
//! | `link` | an open connection of any kind of socket |
//! | `tls` | an open connection that is encrypted |
//! | `connection` | the state machine between a handler and its peer: down, dialing, up |
//! | `framing` | separates messages |

mod connection;
mod dial;
mod endpoint;
mod framing;
mod link;
mod options;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use connection::Connection;
#[cfg(all(feature = "journald", target_os = "linux"))]
pub(crate) use dial::Dial;
pub(crate) use dial::Dialer;
pub use endpoint::Endpoint;
pub use framing::Framing;
#[cfg(all(feature = "journald", target_os = "linux"))]
pub(crate) use link::Link;
pub use options::NetOptions;
#[cfg(feature = "tls")]
pub use tls::Tls;
