//! What all handlers share that talk to a peer.

#[allow(dead_code, reason = "for the connection to come")]
mod backoff;
mod endpoint;
mod framing;

#[allow(unused_imports, reason = "for the handlers to come")]
pub(crate) use backoff::Backoff;
pub use endpoint::Endpoint;
pub use framing::Framing;
