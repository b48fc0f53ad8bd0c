//! Configuration: the builder of a logging system, the settings of its loggers, and the system itself.
//!
//! | type | what it is |
//! |---|---|
//! | [`Config`] | where a configuration begins: [`Config::builder`] |
//! | [`ConfigBuilder`] | levels, handlers, loggers and memory of a system |
//! | [`LoggerConfig`] | level, handlers, filters and keys of one logger |
//! | [`Logging`] | a system that runs: its loggers, flush, shutdown, metrics |
//! | [`FlushFuture`] | the wait for a flush or a shutdown, for tasks |
//!
//! [`ConfigBuilder::build_and_init`] makes a system the global one, which calls use that name no logger. The functions
//! of the global system, such as [`flush`](crate::flush()) and [`shutdown`](crate::shutdown()), are at the root of the
//! crate.
//!
//! # Examples
//!
//! ```
//! use femtologging::config::LoggerConfig;
//! use femtologging::{Config, FemtoStreamHandler, Level};
//! use std::time::Duration;
//!
//! let logging = Config::builder()
//!     .default_level(Level::Info)
//!     .add_logger("app.db", LoggerConfig::new().level(Level::Debug))
//!     .add_handler("console", FemtoStreamHandler::stderr().build()?)
//!     .build()?;
//! logging.shutdown(Duration::from_secs(5))?;
//! # Ok::<(), femtologging::Error>(())
//! ```

#[cfg(feature = "config")]
mod bell;
pub(crate) mod builder;
mod flush_future;
#[cfg(feature = "config")]
pub(crate) mod init;
pub(crate) mod logging;
mod probation;
pub(crate) mod process;
pub(crate) mod reload;
mod rollback;
#[cfg(feature = "config")]
mod spec;
#[cfg(feature = "config")]
mod watch;
#[cfg(feature = "config")]
mod watched;

pub use builder::{Config, ConfigBuilder, LoggerConfig};
pub use flush_future::FlushFuture;
#[cfg(feature = "config")]
pub use init::effective;
pub use logging::Logging;
pub use reload::Reload;
#[cfg(feature = "config")]
pub use spec::{Arg, Args, Environment, Format, Loader, PartSpec, Registry, Setting, Spec};
#[cfg(feature = "config")]
pub use watch::{Look, Watch, Watcher, Watching};
