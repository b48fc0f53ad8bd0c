//! `tracing`, printed by `tracing-subscriber`, written by the thread of `tracing-appender`.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

use super::{Backend, Calls};
use crate::Result;

/// Flushes when dropped.
pub struct Tracing(WorkerGuard);

impl Backend for Tracing {
    const NAME: &'static str = "tracing";
    const REMARKS: &'static str =
        "tracing-subscriber fmt, tracing-appender non_blocking, not lossy";

    type Calls = Macros;

    fn start(path: &Path) -> Result<Self> {
        let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(file);
        tracing_subscriber::fmt()
            .with_writer(writer)
            .with_ansi(false)
            .try_init()?;
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
