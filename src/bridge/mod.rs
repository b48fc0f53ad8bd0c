//! Bridges between this crate and other logging facades.
//!
//! | facade | its records to ours | our records to it |
//! |---|---|---|
//! | `log` (feature `log`) | [`init_log`], [`LogBridge`] | [`FemtoLogHandler`] |
//! | `tracing` (feature `tracing`) | [`FemtoTracingLayer`], [`FemtoTracingSubscriber`] | [`FemtoTracingHandler`] |

#[cfg(feature = "log")]
mod log;
#[cfg(feature = "log")]
mod log_handler;
#[cfg(feature = "log")]
mod log_level;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "log")]
pub use self::log::{LogBridge, init_log};
#[cfg(feature = "log")]
pub use self::log_handler::FemtoLogHandler;
#[cfg(feature = "tracing")]
pub use self::tracing::{
    FemtoTracingFilter, FemtoTracingHandler, FemtoTracingLayer, FemtoTracingSubscriber, TracingLayerBuilder,
    TracingSubscriberBuilder,
};
