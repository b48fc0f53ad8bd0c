//! The settings of a retry, which handlers for networks and for HTTP have in common.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Backoff;
use crate::error::Problem;
use crate::handler::Batch;

/// The maximum of what is kept while the peer is down, and the range of the delays between attempts to reach it.
#[derive(Debug, Clone)]
pub(in crate::handler) struct RetrySettings {
    pub(in crate::handler) records: usize,
    pub(in crate::handler) bytes: usize,
    pub(in crate::handler) delays: RangeInclusive<Duration>,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { records: 100_000, bytes: 8 << 20, delays: Backoff::RANGE }
    }
}

impl RetrySettings {
    /// Returns the problem of the delays, if they are invalid.
    pub(in crate::handler) fn problem(&self) -> Option<Problem> {
        let (first, longest) = (*self.delays.start(), *self.delays.end());
        let is_wrong = first.is_zero() || first > longest;
        let remedy = "begin with more than zero, and end with no less";
        is_wrong.then(|| Problem::new("backoff", format!("{first:?}..={longest:?}"), remedy))
    }

    /// Returns whether the batch exceeds the maximum.
    pub(in crate::handler) fn exceeded_by(&self, batch: &Batch) -> bool {
        batch.exceeds(self.records, self.bytes)
    }
}
