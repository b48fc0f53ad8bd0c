//! `tracing`, printed by `tracing-subscriber`, written by the thread of `tracing-appender`.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

use super::{Backend, Calls};
use crate::Result;

/// With text lines, or with JSON. Flushes when dropped.
pub struct Tracing<const JSON: bool>(WorkerGuard);

impl<const JSON: bool> Backend for Tracing<JSON> {
    const NAME: &'static str = if JSON { "tracing-json" } else { "tracing" };
    const PACKAGE: &'static str = "tracing";
    const IS_JSON: bool = JSON;
    const REMARKS: &'static str = "tracing-subscriber fmt, tracing-appender non_blocking, not lossy";

    type Calls = Macros;

    fn start(path: &Path) -> Result<Self> {
        let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(file);
        let fmt = tracing_subscriber::fmt().with_writer(writer).with_ansi(false);
        if JSON {
            fmt.json().try_init()?;
        } else {
            fmt.try_init()?;
        }
        Ok(Self(guard))
    }

    fn calls(&self) -> Macros {
        Macros
    }

    fn finish(self) -> Result<()> {
        drop(self.0);
        Ok(())
    }
}

pub struct Macros;

impl Calls for Macros {
    #[inline(always)]
    fn numbers(&self, i: i32, j: i32, d: f64) {
        tracing::info!("Logging int: {}, int: {}, double: {}", i, j, d);
    }

    #[inline(always)]
    fn string(&self, text: &str) {
        tracing::info!("Logging string: {}", text);
    }

    #[inline(always)]
    fn key_values(&self, id: u64, elapsed: f64, cached: bool, path: &'static str) {
        tracing::info!(id, elapsed, cached, path, "Logging request");
    }
}
