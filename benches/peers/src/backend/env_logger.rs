//! `env_logger`, a backend of `log` without a thread: the baseline that everybody knows.

use std::fs::File;
use std::path::Path;

use env_logger::{Builder, Target, WriteStyle};
use log::LevelFilter;

use super::Backend;
use super::log_calls::Log;
use crate::Result;

pub struct EnvLogger;

impl Backend for EnvLogger {
    const NAME: &'static str = "env_logger";
    const REMARKS: &'static str = "no thread: the caller writes each line to the file";

    type Calls = Log;

    fn start(path: &Path) -> Result<Self> {
        Builder::new()
            .filter_level(LevelFilter::Info)
            .format_timestamp_millis()
            .write_style(WriteStyle::Never)
            .target(Target::Pipe(Box::new(File::create(path)?)))
            .try_init()?;
        Ok(Self)
    }

    fn calls(&self) -> Log {
        Log
    }

    fn finish(self) -> Result<()> {
        log::logger().flush();
        Ok(())
    }
}
