//! How often one call logs: the limits that a macro takes, and how they count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::time::uptime;

/// The limit of one call site: `once`, `every: n`, `first: n`, `per: duration` or `sample: share`.
///
/// Each of its methods counts a call and says whether it goes on; if so, how many calls were turned away since the last one
/// that did.
#[doc(hidden)]
pub struct Rate {
    state: AtomicU64,
    suppressed: AtomicU64,
}

impl Rate {
    #[doc(hidden)]
    pub const fn new() -> Self {
        Self { state: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Lets the first call go on.
    pub fn once(&self) -> Option<u64> {
        self.first(1)
    }

    /// Lets the first `n` calls go on.
    pub fn first(&self, n: u64) -> Option<u64> {
        // A look first, so that a call that is turned away writes nothing.
        (self.state.load(Relaxed) < n && self.state.fetch_add(1, Relaxed) < n).then_some(0)
    }

    /// Lets the first call and then every `n`-th go on; 0 counts as 1.
    pub fn every(&self, n: u64) -> Option<u64> {
        let n = n.max(1);
        let count = self.state.fetch_add(1, Relaxed);
        count.is_multiple_of(n).then_some(if count == 0 { 0 } else { n - 1 })
    }

    /// Lets one call go on in each span of time, from the first call on.
    pub fn per(&self, span: Duration) -> Option<u64> {
        // Never zero, which stands for no call so far.
        let now = u64::try_from(uptime().as_nanos()).unwrap_or(u64::MAX).max(1);
        let last = self.state.load(Relaxed);
        let is_due = last == 0 || u128::from(now.saturating_sub(last)) >= span.as_nanos();
        let passes = is_due && self.state.compare_exchange(last, now, Relaxed, Relaxed).is_ok();
        self.settle(passes)
    }

    /// Lets a share of the calls go on, from 0 to 1, evenly spread.
    pub fn sample(&self, share: f64) -> Option<u64> {
        let passes = completes(&self.state, fraction(share));
        self.settle(passes)
    }

    fn settle(&self, passes: bool) -> Option<u64> {
        if passes {
            return Some(self.suppressed.swap(0, Relaxed));
        }
        self.suppressed.fetch_add(1, Relaxed);
        None
    }
}

const ONE: u64 = 1 << 32;

/// A share from 0 to 1, with 32 binary places.
pub(crate) fn fraction(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * ONE as f64) as u64
}

/// Adds a share to a sum of shares, and says whether that completes a whole one; the first one always does, unless the
/// share is nothing.
pub(crate) fn completes(sum: &AtomicU64, share: u64) -> bool {
    // The sum starts just below a whole number.
    let before = sum.fetch_add(share, Relaxed).wrapping_add(ONE - 1);
    before.wrapping_add(share) / ONE != before / ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(mut rate: impl FnMut() -> Option<u64>, calls: usize) -> Vec<Option<u64>> {
        (0..calls).map(|_| rate()).collect()
    }

    #[test]
    fn counts() {
        let rate = Rate::new();
        assert_eq!(passes(|| rate.once(), 3), [Some(0), None, None]);
        let rate = Rate::new();
        assert_eq!(passes(|| rate.first(2), 4), [Some(0), Some(0), None, None]);
        let rate = Rate::new();
        assert_eq!(passes(|| rate.every(3), 7), [Some(0), None, None, Some(2), None, None, Some(2)]);
        let rate = Rate::new();
        assert_eq!(passes(|| rate.every(0), 2), [Some(0), Some(0)]);
    }

    #[test]
    fn shares() {
        let rate = Rate::new();
        assert_eq!(passes(|| rate.sample(0.25), 6), [Some(0), None, None, None, Some(3), None]);
        for (share, expected) in [(0.0, 0), (0.1, 1000), (1.0, 10_000), (7.0, 10_000), (-1.0, 0), (f64::NAN, 0)] {
            let rate = Rate::new();
            let passed = passes(|| rate.sample(share), 10_000).into_iter().flatten().count();
            assert_eq!(passed, expected, "{share}");
        }
    }

    #[test]
    fn spans_of_time() {
        let rate = Rate::new();
        assert_eq!(passes(|| rate.per(Duration::MAX), 3), [Some(0), None, None]);
        assert_eq!(passes(|| rate.per(Duration::ZERO), 2), [Some(2), Some(0)]);
    }

    #[test]
    fn nothing_is_forgotten_between_threads() {
        let rate = Rate::new();
        let count = || {
            let mut sums = (0, 0);
            for suppressed in (0..10_000).filter_map(|_| rate.sample(0.01)) {
                sums = (sums.0 + 1, sums.1 + suppressed);
            }
            sums
        };
        let sums = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        let (passed, suppressed) = sums.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        assert_eq!(passed, 400);
        assert_eq!(passed + suppressed + rate.suppressed.load(Relaxed), 40_000);
    }
}
