//! `spdlog-rs`, through its thread pool.

use std::path::Path;
use std::sync::Arc;

use spdlog::formatter::JsonFormatter;
use spdlog::sink::{AsyncPoolSink, FileSink, OverflowPolicy};
use spdlog::{Logger, ThreadPool};

use super::log_calls::LogMessageOnly;
use super::{Backend, Calls};
use crate::Result;

/// With text lines, or with JSON.
pub struct Spdlog<const JSON: bool>;

impl<const JSON: bool> Backend for Spdlog<JSON> {
    const NAME: &'static str = if JSON { "spdlog-rs-json" } else { "spdlog-rs" };
    const PACKAGE: &'static str = "spdlog-rs";
    const IS_JSON: bool = JSON;
    const REMARKS: &'static str = "AsyncPoolSink to a FileSink, blocking";

    type Calls = Macros;

    fn start(path: &Path) -> Result<Self> {
        let file = FileSink::builder().path(path).capacity(1 << 18);
        let file = if JSON { file.formatter(JsonFormatter::new()).build()? } else { file.build()? };
        let pool = AsyncPoolSink::builder()
            .thread_pool(Arc::new(ThreadPool::new()?))
            .overflow_policy(OverflowPolicy::Block)
            .sink(Arc::new(file))
            .build()?;
        // The name is what it prints where others print a target.
        let logger = Logger::builder().name(module_path!()).sink(Arc::new(pool)).build()?;
        spdlog::set_default_logger(Arc::new(logger));
        Ok(Self)
    }

    fn calls(&self) -> Macros {
        Macros
    }

    /// The last owner of the logger drops its pool, which ends its thread, and then its file, which is flushed.
    fn finish(self) -> Result<()> {
        let nothing = Logger::builder().build()?;
        drop(spdlog::swap_default_logger(Arc::new(nothing)));
        Ok(())
    }
}

/// The same behind the `log` facade.
pub struct SpdlogLog(Spdlog<false>);

impl Backend for SpdlogLog {
    const NAME: &'static str = "spdlog-rs-log";
    const PACKAGE: &'static str = "spdlog-rs";
    const REMARKS: &'static str = "spdlog-rs behind `log`";
    const PRINTS_KEY_VALUES: bool = false;

    type Calls = LogMessageOnly;

    fn start(path: &Path) -> Result<Self> {
        let spdlog = Spdlog::<false>::start(path)?;
        spdlog::init_log_crate_proxy()?;
        log::set_max_level(log::LevelFilter::Info);
        Ok(Self(spdlog))
    }

    fn calls(&self) -> LogMessageOnly {
        LogMessageOnly
    }

    fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

pub struct Macros;

impl Calls for Macros {
    #[inline(always)]
    fn numbers(&self, i: i32, j: i32, d: f64) {
        spdlog::info!("Logging int: {}, int: {}, double: {}", i, j, d);
    }

    #[inline(always)]
    fn string(&self, text: &str) {
        spdlog::info!("Logging string: {}", text);
    }

    #[inline(always)]
    fn key_values(&self, id: u64, elapsed: f64, cached: bool, path: &'static str) {
        spdlog::info!("Logging request", kv: { id, elapsed, cached, path });
    }
}
