//! What the harness asks of a logging library, and the list of those measured.

mod env_logger;
mod fast_log;
#[cfg(feature = "femtologging")]
mod femtologging;
mod flexi_logger;
mod floor;
mod ftlog;
mod log_calls;
mod slog;
mod spdlog;
mod tracing;
#[cfg(feature = "femtologging")]
mod tracing_bridge;

use std::path::Path;

use crate::Result;
use crate::harness::{self, Report, Work};

/// The three calls that are measured; a producer thread has its own.
pub trait Calls: Send {
    /// Logs `"Logging int: {}, int: {}, double: {}"`.
    fn numbers(&self, i: i32, j: i32, d: f64);

    /// Logs `"Logging string: {}"`.
    fn string(&self, text: &str);

    /// Logs `"Logging request"` with four key-values.
    fn key_values(&self, id: u64, elapsed: f64, cached: bool, path: &'static str);
}

/// A logging library, set up to write text lines to one file.
pub trait Backend: Sized {
    /// Its name in the table and on the command line.
    const NAME: &'static str;

    /// The package whose version the table shows.
    const PACKAGE: &'static str = Self::NAME;

    /// What a reader of the table should know.
    const REMARKS: &'static str = "";

    /// Whether key-values are printed as such; if not they stand in the message.
    const PRINTS_KEY_VALUES: bool = true;

    /// Whether it writes JSON.
    const IS_JSON: bool = false;

    /// Whether there is a file at all.
    const WRITES_A_FILE: bool = true;

    type Calls: Calls;

    /// Sets the library up to write to `path`.
    fn start(path: &Path) -> Result<Self>;

    /// Returns what a producer thread calls.
    fn calls(&self) -> Self::Calls;

    /// Returns when all that was logged is in the file, as far as the library can tell.
    fn finish(self) -> Result<()>;
}

/// A [`Backend`] as a value.
pub struct Entry {
    pub name: &'static str,
    pub package: &'static str,
    pub remarks: &'static str,
    pub prints_key_values: bool,
    pub is_json: bool,
    pub writes_a_file: bool,
    pub run: fn(Work, &Path) -> Result<Report>,
}

impl Entry {
    const fn of<B: Backend>() -> Self {
        Self {
            name: B::NAME,
            package: B::PACKAGE,
            remarks: B::REMARKS,
            prints_key_values: B::PRINTS_KEY_VALUES,
            is_json: B::IS_JSON,
            writes_a_file: B::WRITES_A_FILE,
            run: harness::run::<B>,
        }
    }

    /// Finds a backend by its name.
    pub fn named(name: &str) -> Result<&'static Self> {
        ALL.iter().find(|entry| entry.name == name).ok_or_else(|| format!("unknown backend {name}").into())
    }
}

/// All backends, in the order of the table.
pub static ALL: &[Entry] = &[
    Entry::of::<floor::Floor>(),
    #[cfg(feature = "femtologging")]
    Entry::of::<femtologging::Femtologging<false>>(),
    #[cfg(feature = "femtologging")]
    Entry::of::<femtologging::Femtologging<true>>(),
    #[cfg(feature = "femtologging")]
    Entry::of::<femtologging::LogBridge>(),
    Entry::of::<spdlog::Spdlog<false>>(),
    Entry::of::<spdlog::Spdlog<true>>(),
    Entry::of::<spdlog::SpdlogLog>(),
    Entry::of::<tracing::Tracing<false>>(),
    #[cfg(feature = "femtologging")]
    Entry::of::<tracing_bridge::Bridge<false>>(),
    #[cfg(feature = "femtologging")]
    Entry::of::<tracing_bridge::Bridge<true>>(),
    Entry::of::<tracing::Tracing<true>>(),
    Entry::of::<slog::Slog<false>>(),
    Entry::of::<slog::Slog<true>>(),
    Entry::of::<ftlog::Ftlog>(),
    Entry::of::<fast_log::FastLog>(),
    Entry::of::<flexi_logger::Async>(),
    Entry::of::<flexi_logger::Buffered>(),
    Entry::of::<env_logger::EnvLogger>(),
    #[cfg(feature = "femtologging")]
    Entry::of::<femtologging::Inline>(),
];
