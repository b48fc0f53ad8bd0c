//! What a handler on probation has, and the one before it; see `probation`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Traits;
use super::govern::Govern;
use crate::filter::FemtoFilter;
use crate::handler::{Batch, FemtoHandler};
use crate::policy::{IdlePolicy, OverflowPolicy, Reserve};
use crate::queue::Packet;
use crate::sync::channel::Sender;

/// What the handlers of a change that is on probation have in common.
#[derive(Clone)]
pub(crate) struct Trial {
    /// How long a failure at the first delivery counts, by the system's clock.
    pub(crate) duration: Duration,
    /// Gets a word from each handler when it is decided.
    pub(crate) verdicts: Sender<Verdict>,
    /// Which handler has failed first, and why.
    pub(crate) failure: Arc<OnceLock<String>>,
}

/// What has become of a new handler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Delivered,
    Failed,
}

/// The trial of one handler, until it is decided.
pub(super) struct OnTrial {
    pub(super) terms: Trial,
    /// The ticks at which it began.
    pub(super) start: u64,
    /// What the handler has got, and neither delivered nor failed.
    pub(super) copies: Vec<Packet>,
    pub(super) bytes: usize,
}

impl OnTrial {
    pub(super) fn new(terms: Trial, start: u64) -> Box<Self> {
        Box::new(Self { terms, start, copies: Vec::new(), bytes: 0 })
    }
}

/// A handler that was put aside, with the settings of its queue.
pub(super) struct Before {
    pub(super) handler: Box<dyn FemtoHandler>,
    pub(super) filters: Vec<Box<dyn FemtoFilter>>,
    /// What it keeps for a retry.
    pub(super) batch: Batch,
    pub(super) keeps: bool,
    pub(super) threshold: u8,
    pub(super) wake_at: u8,
    pub(super) overflow: OverflowPolicy,
    pub(super) reserve: Reserve,
    pub(super) govern: Option<Govern>,
    pub(super) idle: IdlePolicy,
    pub(super) traits: Traits,
}
