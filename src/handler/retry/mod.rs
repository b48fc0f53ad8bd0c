//! Retries: their settings, the delays between them, and a wrapper that adds them to any handler.

mod backoff;
mod retrying;
#[cfg(feature = "socket")]
mod settings;

pub(super) use backoff::Backoff;
pub(super) use retrying::Retrying;
#[cfg(feature = "socket")]
pub(super) use settings::RetrySettings;
