//! Retries: how much is kept, when it is tried again, and the policy that any handler can be given.

mod backoff;
mod policy;
mod settings;

pub(super) use backoff::Backoff;
pub use policy::ErrorPolicy;
pub(super) use policy::Retrying;
pub(super) use settings::RetrySettings;
