//! `ftlog`, a backend of `log` with one thread.

use std::path::Path;

use ftlog::LoggerGuard;
use ftlog::appender::FileAppender;

use super::Backend;
use super::log_calls::LogMessageOnly;
use crate::Result;

/// Flushes when dropped.
pub struct Ftlog(LoggerGuard);

impl Backend for Ftlog {
    const NAME: &'static str = "ftlog";
    const REMARKS: &'static str = "bounded and blocking, cycle-counter clock; file and line for a target";
    const PRINTS_KEY_VALUES: bool = false;

    type Calls = LogMessageOnly;

    fn start(path: &Path) -> Result<Self> {
        let guard = ftlog::builder()
            .bounded(8192, true)
            .root(FileAppender::builder().path(path).build())
            .utc()
            .try_init()
            .map_err(|error| error.to_string())?;
        Ok(Self(guard))
    }

    fn calls(&self) -> LogMessageOnly {
        LogMessageOnly
    }

    fn finish(self) -> Result<()> {
        drop(self.0);
        Ok(())
    }
}
