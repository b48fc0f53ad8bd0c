//! Asynchronous logging: a call costs its thread about as much as reading the clock, and everything else happens on
//! the handlers' threads.
#![deny(unsafe_code)]

#[macro_use]
mod macros;
#[doc(hidden)]
pub mod __private;

mod callsite;
mod filter;
mod formatter;
pub mod handler;
mod logger;
mod queue;
mod record;
mod render;
mod template;
mod worker;

mod config;
mod exit;
mod shutdown;

mod error;
mod level;
mod metrics;
mod policy;
mod sync;
mod text;
pub mod time;
mod value;

pub use config::{
    Config, ConfigBuilder, LoggerConfig, Logging, basic_config, disable, disable_none, flush, get_logger, metrics,
    root_logger, set_handler_level, shutdown,
};
pub use error::{Error, Problem, set_error_hook};
pub use filter::FemtoFilter;
pub use formatter::{FemtoFormatter, FemtoTextFormatter};
pub use handler::{
    FemtoCaptureHandler, FemtoFileHandler, FemtoHandler, FemtoHandlerExt, FemtoNullHandler, FemtoStreamHandler,
};
pub use level::{Level, LevelFilter, ParseLevelError, STATIC_MAX_LEVEL};
pub use logger::FemtoLogger;
pub use metrics::{DropReason, Dropped, HandlerMetrics, Metrics};
pub use policy::{IdlePolicy, OverflowPolicy, Transport};
pub use record::{FemtoLogRecord, Message, OwnedRecord};
pub use shutdown::install_panic_hook;
pub use value::{OwnedValue, Value};
