//! What is kept of a configuration that may come back.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::logger::LoggerSettings;
use crate::policy::SpanEvents;
use crate::value::Limits;
use crate::worker::Worker;

/// The configuration before one that is on probation. Its handlers are put aside, and none is closed.
pub(super) struct Probation {
    /// Its handlers, in its order.
    pub(super) workers: Vec<Arc<Worker>>,
    /// Those of them that got another handler, on their own thread.
    pub(super) changed: Vec<Arc<Worker>>,
    /// Those that the new configuration does not have.
    pub(super) removed: Vec<Arc<Worker>>,
    /// Those that only the new one has.
    pub(super) started: Vec<Arc<Worker>>,
    pub(super) loggers: Vec<(String, LoggerSettings)>,
    pub(super) span_events: SpanEvents,
    pub(super) exit_timeout: Duration,
    pub(super) limits: Limits,
    #[cfg(feature = "config")]
    pub(super) spec: Option<Arc<super::Spec>>,
    /// How long handlers that are removed may take.
    pub(super) drain_timeout: Duration,
    /// Which new handler has failed, and why.
    pub(super) failure: Arc<OnceLock<String>>,
}
