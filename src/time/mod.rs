//! Time, from a cycle counter read at the call site to text on the consumer.
//!
//! Callers stamp records with [`Clock::ticks`]; a consumer's [`Timeline`] turns ticks into a [`Timestamp`], and a
//! [`CivilWriter`] turns that into text.

mod civil;
mod clock;
mod clocksource;
mod timeline;
mod timestamp;

pub use civil::CivilWriter;
pub(crate) use civil::civil_from_days;
#[cfg(feature = "http")]
pub(crate) use civil::days_from_civil;
pub use clock::{Clock, ManualClock};
pub(crate) use clock::{first_use, uptime};
pub(crate) use timeline::Step;
pub use timeline::Timeline;
pub use timestamp::Timestamp;
