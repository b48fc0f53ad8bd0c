//! What a watcher and its system share: the bell that ends it, and what `metrics()` says about it.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::*};

use super::bell::Bell;
use crate::error::Error;
use crate::metrics::WatchMetrics;
use crate::sync::lock;

/// A watcher, as its system and its owner know it.
pub(super) struct Watched {
    metrics: Mutex<WatchMetrics>,
    pub(super) bell: Bell,
    is_stopped: AtomicBool,
}

impl Watched {
    pub(super) fn new(path: &Path) -> Result<Self, Error> {
        let metrics = Mutex::new(WatchMetrics::of(path.display().to_string()));
        Ok(Self { metrics, bell: Bell::new()?, is_stopped: AtomicBool::new(false) })
    }

    pub(super) fn metrics(&self) -> WatchMetrics {
        lock(&self.metrics).clone()
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut WatchMetrics)) {
        note(&mut lock(&self.metrics));
    }

    /// Ends the watcher after the look that is under way.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Release);
        self.bell.ring();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Acquire)
    }
}
