//! Rate limits: those of single calls (`once`, `every: n`, `per: duration` …), and the token bucket of all.
//!
//! | limit | state of a call site |
//! |---|---|
//! | `once`, `first: n`, `every: n` | the number of calls |
//! | `per: duration` | a token bucket of one token |
//! | `sample: share` | the sum of the shares, a fixed-point number |

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::time::uptime;

/// The rate limit of one call site, in a `static`.
///
/// Each method counts a call. It returns `None` if the call is suppressed, and otherwise the number of calls suppressed
/// since the last one that passed. All orderings are relaxed: the counts guard no other data.
#[doc(hidden)]
pub struct Rate {
    /// Depends on the limit; see the module's documentation.
    state: AtomicU64,
    /// Calls suppressed since the last one that passed.
    suppressed: AtomicU64,
}

impl Rate {
    #[doc(hidden)]
    pub const fn new() -> Self {
        Self { state: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Lets the first call pass.
    pub fn once(&self) -> Option<u64> {
        self.first(1)
    }

    /// Lets the first `n` calls pass.
    pub fn first(&self, n: u64) -> Option<u64> {
        // Loaded first, so that a suppressed call writes nothing, and the cache line stays shared.
        (self.state.load(Relaxed) < n && self.state.fetch_add(1, Relaxed) < n).then_some(0)
    }

    /// Lets the first call pass and then every `n`-th. 0 counts as 1.
    pub fn every(&self, n: u64) -> Option<u64> {
        let n = n.max(1);
        // The first call has count 0, and no suppressed calls before it.
        let count = self.state.fetch_add(1, Relaxed);
        count.is_multiple_of(n).then_some(if count == 0 { 0 } else { n - 1 })
    }

    /// Lets one call pass per period, starting with the first call.
    pub fn per(&self, period: Duration) -> Option<u64> {
        let now = i64::try_from(uptime().as_nanos()).unwrap_or(i64::MAX);
        let quota = Quota::new(i64::try_from(period.as_nanos()).unwrap_or(i64::MAX), 1);
        let full_at = self.state.load(Relaxed);
        let passes = quota
            .take(full_at as i64, now)
            // If another thread took the token in between, this call is suppressed.
            .is_ok_and(|taken| self.state.compare_exchange(full_at, taken as u64, Relaxed, Relaxed).is_ok());
        self.settle(passes)
    }

    /// Lets a share of the calls pass, from 0.0 to 1.0, evenly spread.
    pub fn sample(&self, share: f64) -> Option<u64> {
        let passes = completes(&self.state, fraction(share));
        self.settle(passes)
    }

    /// Counts a call as passed or suppressed.
    fn settle(&self, passes: bool) -> Option<u64> {
        if passes {
            return Some(self.suppressed.swap(0, Relaxed));
        }
        self.suppressed.fetch_add(1, Relaxed);
        None
    }
}

/// How fast a token bucket fills, and how many tokens it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// Nanoseconds until one more token is there.
    interval: i64,
    /// Nanoseconds in which an empty bucket becomes full.
    capacity: i64,
}

impl Quota {
    /// The longest time in which a bucket fills: no clock comes so far, and sums of three such times do not overflow.
    const MAX_CAPACITY: i64 = i64::MAX / 4;

    /// Makes the quota of a bucket with `burst` tokens that gains one every `interval` nanoseconds; one that would take
    /// longer than 73 years to fill takes 73 years.
    pub(crate) fn new(interval: i64, burst: u32) -> Self {
        let burst = i64::from(burst);
        let interval = interval.min(Self::MAX_CAPACITY / burst.max(1));
        Self { interval, capacity: interval * burst }
    }

    /// Takes a token at the time `now` out of a bucket that will be full at `full_at`.
    ///
    /// A bucket is just this one number (the generic cell rate algorithm, ITU-T I.371, annex A): it lacks one token for
    /// each `interval` between `now` and `full_at`. Taking a token moves `full_at` one interval further away, and is
    /// refused if that were more than `capacity` from `now`. For example, with an interval of 10 and a burst of 2:
    ///
    /// ```text
    /// now   full_at before   after
    ///   0                0      10   taken
    ///   0               10      20   taken
    ///   0               20      20   refused: 30 is more than 20 away
    ///  10               20      30   taken
    /// ```
    ///
    /// Returns the new `full_at`: `Ok` if a token was taken, `Err` if not.
    pub(crate) fn take(self, full_at: i64, now: i64) -> Result<i64, i64> {
        // A bucket that seems to need longer than `capacity` was used before the clock stepped back.
        let full_at = full_at.clamp(now, now.saturating_add(self.capacity));
        let taken = full_at.saturating_add(self.interval);
        if taken.saturating_sub(now) > self.capacity { Err(full_at) } else { Ok(taken) }
    }
}

/// A token bucket that counts what it refuses. It is full at first.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    /// When the bucket is full, in nanoseconds on the caller's clock; see [`Quota::take`].
    full_at: i64,
    /// Calls refused since a token was last taken.
    refused: u64,
}

impl Default for TokenBucket {
    fn default() -> Self {
        Self { full_at: i64::MIN, refused: 0 }
    }
}

impl TokenBucket {
    /// Takes a token. Returns how many calls were refused since the last token was taken, or `None` if there is none.
    pub(crate) fn take(&mut self, quota: Quota, now: i64) -> Option<u64> {
        match quota.take(self.full_at, now) {
            Ok(full_at) => {
                self.full_at = full_at;
                Some(std::mem::take(&mut self.refused))
            }
            Err(full_at) => {
                self.full_at = full_at;
                self.refused += 1;
                None
            }
        }
    }

    /// Returns whether the bucket is full, so that a new one grants as much.
    pub(crate) fn is_full(&self, now: i64) -> bool {
        self.full_at <= now
    }

    /// Returns whether the bucket is as good as a new one: full, and nothing was refused since a token was last taken.
    pub(crate) fn is_idle(&self, now: i64) -> bool {
        self.is_full(now) && self.refused == 0
    }
}

/// The fixed-point number 1.
const ONE: u64 = 1 << 32;

/// Converts a share from 0.0 to 1.0 to a fixed-point number with 32 fractional bits.
pub(crate) fn fraction(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * ONE as f64) as u64
}

/// Adds a share to a sum of shares. Returns whether the sum reaches or passes an integer.
///
/// With a share of 1/4, for example, that is the case for calls 1, 5, 9 …: the sum starts just below an integer.
pub(crate) fn completes(sum: &AtomicU64, share: u64) -> bool {
    // The stored sum starts at 0; with ONE - 1 added, it starts just below an integer.
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
