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
//!
//! # From a batch to the peer
//!
//! ```text
//! FemtoSocketHandler, FemtoSyslogHandler, FemtoJournaldHandler
//!    │ handle: formatter, framing ──► bytes in the batch
//!    ▼ deliver
//! Connection ── down ──► dial (a thread) ──► Link ── check, write ──► socket
//!    ▲                                        │
//!    └──────────── error: backoff ◄───────────┘      the records that were not written stay in the batch
//! ```
//!
//! # When a record counts as written
//!
//! | peer | a record counts as written when |
//! |---|---|
//! | TCP, TLS | the peer's system has acknowledged it; where the system cannot tell, this system has taken it |
//! | Unix stream | this system has taken it |
//! | datagrams | this system has taken it; the network may lose it |
//!
//! No protocol here has an answer of the peer's program, so a record that the peer's system had acknowledged is lost if
//! that program ends before it reads it. HTTP and OTLP have such answers.

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
