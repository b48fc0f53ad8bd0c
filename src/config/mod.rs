//! Setting a logging system up.

mod builder;
mod logging;

pub use builder::{Config, ConfigBuilder, LoggerConfig, basic_config};
pub use logging::{
    Logging, disable, disable_none, flush, get_logger, metrics, root_logger, set_handler_level, shutdown,
};
