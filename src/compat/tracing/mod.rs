//! The call syntax of the crate `tracing`, without that crate.
//!
//! A program changes its imports, and nothing else:
//!
//! ```diff
//! -use tracing::{Instrument, debug, info_span};
//! +use femtologging::compat::tracing::{Instrument, debug, info_span};
//! ```
//!
//! Where it writes `tracing::info!(…)`, it imports the module: `use femtologging::compat::tracing;`.
//!
//! The macros make this crate's own records: formatted by the handler's thread, with typed values, at the cost of
//! [`info!`](crate::info). Levels are those of this crate, and the features that strip levels apply. Events and spans
//! of dependencies, which use the crate `tracing`, come by the bridge (feature `tracing`); each sees the spans of the
//! other. The guide [`tracing`](crate::guide::tracing) lists what differs.
//!
//! There is no `WithSubscriber`: a program has one logging system, and no subscriber that a future could choose.
//!
//! # Examples
//!
//! ```
//! use femtologging::compat::tracing::{Level, event, field, info, info_span};
//!
//! let (user, attempts) = ("ada", [1, 2]);
//! let request = info_span!("request", id = 7, status = field::Empty).entered();
//! info!(user, ?attempts, "logged in");
//! info!(target: "audit", { http.method = %"GET", "user-id" = 7 }, "{} of {total}", 3, total = 5);
//! event!(Level::INFO, answer = 42);
//! request.record("status", 200);
//! ```

// What `tracing` accepts, and what it becomes:
//
// | file | content |
// |---|---|
// | `macros.rs` | the macros, which parse a call and hand it to those of this crate |
// | `level.rs`, `field.rs`, `span.rs`, `futures.rs` | the types |
// | `parent.rs` | `parent: span` of an event |

pub mod field;
mod futures;
mod level;
mod macros;
mod parent;
pub mod span;

/// Futures that run in a span.
pub mod instrument {
    #[doc(no_inline)]
    pub use super::futures::{Instrument, Instrumented};
}

/// Levels, and filters of levels.
pub mod level_filters {
    #[doc(no_inline)]
    pub use super::level::{LevelFilter, STATIC_MAX_LEVEL};
}

/// What the macros' expansions use.
#[doc(hidden)]
pub mod __private {
    pub use core::convert::Into;

    pub use super::field::{PickCapture, PickNone, PickValue, Probe, text};
    pub use super::parent::{AtSiteIn, ExplicitParent};
    pub use super::span::{Id, disabled, make, record_all};

    /// Returns this crate's level of the same name.
    pub const fn level(level: super::Level) -> crate::Level {
        level.plain()
    }
}

pub use self::field::Value;
pub use self::futures::{Instrument, Instrumented};
pub use self::level::{Level, ParseLevelError, ParseLevelFilterError};
pub use self::span::{Id, Metadata, Span};
#[doc(inline)]
pub use crate::{
    __femtologging_tracing_debug as debug, __femtologging_tracing_debug_span as debug_span,
    __femtologging_tracing_enabled as enabled, __femtologging_tracing_enabled as event_enabled,
    __femtologging_tracing_enabled as span_enabled, __femtologging_tracing_error as error,
    __femtologging_tracing_error_span as error_span, __femtologging_tracing_event as event,
    __femtologging_tracing_info as info, __femtologging_tracing_info_span as info_span,
    __femtologging_tracing_level_enabled as level_enabled, __femtologging_tracing_record_all as record_all,
    __femtologging_tracing_span as span, __femtologging_tracing_trace as trace,
    __femtologging_tracing_trace_span as trace_span, __femtologging_tracing_warn as warn,
    __femtologging_tracing_warn_span as warn_span,
};
