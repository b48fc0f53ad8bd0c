//! Setting a logging system up.

mod builder;
mod logging;
mod process;

pub use builder::{Config, ConfigBuilder, LoggerConfig, basic_config};
pub use logging::{Logging, disable, enable_all, flush, get_logger, metrics, root_logger, set_handler_level, shutdown};
pub use process::{set_exit_timeout, set_limits};
