//! `fast_log`, a backend of `log` with two threads.

use std::path::Path;

use fast_log::{Config, FastLogFormat, TimeType};
use log::LevelFilter;

use super::Backend;
use super::log_calls::LogMessageOnly;
use crate::Result;

pub struct FastLog;

impl Backend for FastLog {
    const NAME: &'static str = "fast_log";
    const REMARKS: &'static str = "bounded, though its batches are not; file and line for a target";
    const PRINTS_KEY_VALUES: bool = false;

    type Calls = LogMessageOnly;

    fn start(path: &Path) -> Result<Self> {
        let format = FastLogFormat::new().set_display_line_level(LevelFilter::Trace).set_time_type(TimeType::Utc);
        let config = Config::new()
            .level(LevelFilter::Info)
            .format(format)
            // A longer queue makes longer batches, and those only cost memory and time.
            .chan_len(Some(1024))
            .file(path.to_str().ok_or("the path is not UTF-8")?);
        fast_log::init(config).map_err(|error| error.to_string())?;
        Ok(Self)
    }

    fn calls(&self) -> LogMessageOnly {
        LogMessageOnly
    }

    fn finish(self) -> Result<()> {
        let flushed = fast_log::flush().map_err(|error| error.to_string())?;
        flushed.wait();
        Ok(())
    }
}
