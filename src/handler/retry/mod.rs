//! Retries: their settings, the delays between them, and a wrapper that adds them to any handler.
//!
//! | file | for |
//! |---|---|
//! | `backoff` | the delays between attempts: exponential, with jitter |
//! | `settings` | how much is kept for a peer that is down, which sockets and HTTP have in common |
//! | `retrying` | `ErrorPolicy::Retry`: retries for a handler that has none itself, such as one of files |
//!
//! Where the records wait is not decided here: they stay in the handler's [`Batch`](crate::handler::Batch), open and in
//! flight, and newer ones are appended after them. So a retry needs no second buffer, and the order is kept.

mod backoff;
mod retrying;
#[cfg(feature = "socket")]
mod settings;

pub(super) use backoff::Backoff;
pub(super) use retrying::Retrying;
#[cfg(feature = "socket")]
pub(super) use settings::RetrySettings;
