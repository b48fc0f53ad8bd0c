//! `femtologging` itself, with the defaults that a program gets.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use femtologging::{Config, FemtoFileHandler, FemtoJsonFormatter, FemtoStreamHandler, Level};

use super::log_calls::Log;
use super::{Backend, Calls};
use crate::Result;

/// With text lines, or with JSON.
pub struct Femtologging<const JSON: bool>;

impl<const JSON: bool> Backend for Femtologging<JSON> {
    const NAME: &'static str = if JSON { "femtologging-json" } else { "femtologging" };
    const PACKAGE: &'static str = "femtologging";
    const IS_JSON: bool = JSON;

    type Calls = Macros;

    fn start(path: &Path) -> Result<Self> {
        let file = FemtoFileHandler::builder().path(path);
        let file = if JSON { file.formatter(FemtoJsonFormatter::new()) } else { file };
        Config::builder()
            .default_level(Level::Info)
            .add_handler("file", file.build()?)
            .root_handlers(["file"])
            .build_and_init()?;
        Ok(Self)
    }

    fn calls(&self) -> Macros {
        Macros
    }

    fn finish(self) -> Result<()> {
        femtologging::flush(Duration::from_secs(60))?;
        Ok(())
    }
}

/// Without a thread: each line is in the file when the call returns, as `env_logger`'s is.
pub struct Inline;

impl Backend for Inline {
    const NAME: &'static str = "femtologging-inline";
    const PACKAGE: &'static str = "femtologging";
    const REMARKS: &'static str = "`Transport::Inline`: the caller writes each line to the file";

    type Calls = Macros;

    fn start(path: &Path) -> Result<Self> {
        // The same writer as `env_logger` has.
        let file = FemtoStreamHandler::builder(File::create(path)?).inline().build()?;
        Config::builder().default_level(Level::Info).add_handler("file", file).build_and_init()?;
        Ok(Self)
    }

    fn calls(&self) -> Macros {
        Macros
    }

    fn finish(self) -> Result<()> {
        femtologging::flush(Duration::from_secs(60))?;
        Ok(())
    }
}

/// [`Femtologging`] behind the `log` facade.
pub struct LogBridge(Femtologging<false>);

impl Backend for LogBridge {
    const NAME: &'static str = "log-bridge";
    const PACKAGE: &'static str = "femtologging";
    const REMARKS: &'static str = "femtologging behind `log`";

    type Calls = Log;

    fn start(path: &Path) -> Result<Self> {
        let femtologging = Femtologging::<false>::start(path)?;
        femtologging::bridge::init_log()?;
        Ok(Self(femtologging))
    }

    fn calls(&self) -> Log {
        Log
    }

    fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

pub struct Macros;

impl Calls for Macros {
    #[inline(always)]
    fn numbers(&self, i: i32, j: i32, d: f64) {
        femtologging::info!("Logging int: {}, int: {}, double: {}", i, j, d);
    }

    #[inline(always)]
    fn string(&self, text: &str) {
        femtologging::info!("Logging string: {}", text);
    }

    #[inline(always)]
    fn key_values(&self, id: u64, elapsed: f64, cached: bool, path: &'static str) {
        femtologging::info!("Logging request"; id = id, elapsed = elapsed, cached = cached, path = path);
    }
}
