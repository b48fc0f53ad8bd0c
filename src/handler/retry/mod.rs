//! Retries: how much is kept, when it is tried again, and the wrapper that does so for any handler.

mod backoff;
mod retrying;
mod settings;

pub(super) use backoff::Backoff;
pub(super) use retrying::Retrying;
pub(super) use settings::RetrySettings;
