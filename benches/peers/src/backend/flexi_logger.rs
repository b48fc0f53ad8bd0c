//! `flexi_logger`, a backend of `log`, in two of its write modes.

use std::path::Path;
use std::time::Duration;

use flexi_logger::{FileSpec, Logger, LoggerHandle, WriteMode};

use super::Backend;
use super::log_calls::Log;
use crate::Result;

/// Lines are formatted by the caller and written by a thread.
pub struct Async(LoggerHandle);

/// Lines are formatted and buffered by the caller, under a lock.
pub struct Buffered(LoggerHandle);

fn start(path: &Path, mode: WriteMode) -> Result<LoggerHandle> {
    let handle = Logger::try_with_str("info")?
        .log_to_file(FileSpec::try_from(path)?)
        .format(flexi_logger::opt_format)
        .use_utc()
        .write_mode(mode)
        .start()?;
    Ok(handle)
}

fn finish(handle: &LoggerHandle) {
    handle.flush();
    handle.shutdown();
}

impl Backend for Async {
    const NAME: &'static str = "flexi_logger-async";
    const PACKAGE: &'static str = "flexi_logger";
    const REMARKS: &'static str = "its queue cannot be bounded; file and line for a target";

    type Calls = Log;

    fn start(path: &Path) -> Result<Self> {
        let mode = WriteMode::AsyncWith { pool_capa: 8192, message_capa: 200, flush_interval: Duration::from_secs(1) };
        start(path, mode).map(Self)
    }

    fn calls(&self) -> Log {
        Log
    }

    fn finish(self) -> Result<()> {
        finish(&self.0);
        Ok(())
    }
}

impl Backend for Buffered {
    const NAME: &'static str = "flexi_logger-buffered";
    const PACKAGE: &'static str = "flexi_logger";
    const REMARKS: &'static str = "no thread: the caller writes to a locked buffer; file and line for a target";

    type Calls = Log;

    fn start(path: &Path) -> Result<Self> {
        let mode = WriteMode::BufferAndFlushWith(1 << 18, Duration::from_secs(1));
        start(path, mode).map(Self)
    }

    fn calls(&self) -> Log {
        Log
    }

    fn finish(self) -> Result<()> {
        finish(&self.0);
        Ok(())
    }
}
