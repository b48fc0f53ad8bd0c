//! What all handlers that send to a peer share.
//!
//! `dial` connects (on a thread of its own), `link` is an open connection, `connection` is the state machine between a
//! handler and its peer: down, dialing, up. `framing` separates messages, `options` are the settings, `tls` encrypts.

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
