//! `slog`, through `slog-async`, printed by `slog-term`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use slog::{Drain, Logger, o};
use slog_async::{AsyncGuard, OverflowStrategy};
use slog_term::{FullFormat, PlainDecorator};

use super::{Backend, Calls};
use crate::Result;

/// A file that is flushed when it is dropped: `slog-term` would flush it after every line.
struct FlushAtEnd(BufWriter<File>);

impl Write for FlushAtEnd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With text lines, or with JSON.
pub struct Slog<const JSON: bool> {
    logger: Logger,
    guard: AsyncGuard,
}

impl<const JSON: bool> Slog<JSON> {
    fn through_a_thread<D: Drain<Err: std::fmt::Debug> + Send + 'static>(drain: D) -> Self {
        let (drain, guard) = slog_async::Async::new(drain.fuse())
            .chan_size(8192)
            .overflow_strategy(OverflowStrategy::Block)
            .build_with_guard();
        let logger = Logger::root(drain.fuse(), o!());
        Self { logger, guard }
    }
}

impl<const JSON: bool> Backend for Slog<JSON> {
    const NAME: &'static str = if JSON { "slog-json" } else { "slog" };
    const PACKAGE: &'static str = "slog";
    const IS_JSON: bool = JSON;
    const REMARKS: &'static str = "slog-async blocking, slog-term without its flush per line";

    type Calls = Macros;

    fn start(path: &Path) -> Result<Self> {
        let file = FlushAtEnd(BufWriter::with_capacity(1 << 18, File::create(path)?));
        if JSON {
            let drain = slog_json::Json::new(file).add_default_keys().build();
            return Ok(Self::through_a_thread(drain));
        }
        let drain = FullFormat::new(PlainDecorator::new(file))
            .use_utc_timestamp()
            .use_original_order()
            .use_custom_header_print(|timestamp, mut line, record, _| {
                timestamp(&mut line)?;
                let (level, target) = (record.level().as_short_str(), record.module());
                write!(line, " {level} {target} {}", record.msg())?;
                Ok(true)
            })
            .build();
        Ok(Self::through_a_thread(drain))
    }

    fn calls(&self) -> Macros {
        Macros(self.logger.clone())
    }

    fn finish(self) -> Result<()> {
        drop(self.guard);
        Ok(())
    }
}

pub struct Macros(Logger);

impl Calls for Macros {
    #[inline(always)]
    fn numbers(&self, i: i32, j: i32, d: f64) {
        slog::info!(self.0, "Logging int: {}, int: {}, double: {}", i, j, d);
    }

    #[inline(always)]
    fn string(&self, text: &str) {
        slog::info!(self.0, "Logging string: {}", text);
    }

    #[inline(always)]
    fn key_values(&self, id: u64, elapsed: f64, cached: bool, path: &'static str) {
        slog::info!(self.0, "Logging request";
            "id" => id, "elapsed" => elapsed, "cached" => cached, "path" => path);
    }
}
