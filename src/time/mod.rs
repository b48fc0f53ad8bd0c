//! Time, from a cycle counter read at the call site to text on the consumer.
//!
//! Callers stamp records with [`Clock::ticks`]. A consumer's `Timeline` converts ticks to a [`Timestamp`], and a
//! `CivilWriter` writes that as text.

mod civil;
mod clock;
mod clocksource;
mod segments;
mod timeline;
mod timestamp;

#[cfg(feature = "http")]
pub(crate) use civil::days_from_civil;
pub(crate) use civil::{CivilWriter, civil_from_days};
#[cfg(any(feature = "http", feature = "pattern", feature = "pickle"))]
pub(crate) use clock::first_use;
pub(crate) use clock::uptime;
pub use clock::{Clock, ManualClock};
pub(crate) use segments::ClockStep;
pub(crate) use timeline::Timeline;
pub use timestamp::Timestamp;
