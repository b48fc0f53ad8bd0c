//! Exponential backoff with jitter.
//!
//! Doubling gives a server that is overloaded time to recover; jitter spreads its clients. Half of each delay is fixed,
//! so that no client retries at once by chance, and the other half is random.
//!
//! The pseudorandom numbers need no quality beyond being different in each process. `RandomState` of std gives a seed
//! without a further crate.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Delays that double from one attempt to the next, each shortened at random by up to a half, so that the clients of a
/// server that was down do not all reconnect at the same moment. ("Equal jitter" in Marc Brooker, "Exponential Backoff
/// And Jitter", AWS Architecture Blog, 2015.)
///
/// With the default range:
///
/// ```text
/// attempt      1            2             3             …   9              10 …
/// delay in s   0.05 … 0.1   0.1 … 0.2     0.2 … 0.4         12.8 … 25.6    15 … 30
/// ```
///
/// The same seed gives the same delays.
#[derive(Debug, Clone)]
pub(in crate::handler) struct Backoff {
    range: RangeInclusive<Duration>,
    /// The next delay before it is shortened.
    delay: Duration,
    attempts: u32,
    seed: u64,
}

impl Backoff {
    /// The default range.
    pub(in crate::handler) const RANGE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30);

    pub(in crate::handler) fn new(range: RangeInclusive<Duration>, seed: u64) -> Self {
        Self { delay: *range.start(), range, attempts: 0, seed }
    }

    /// Makes delays with a random seed.
    pub(in crate::handler) fn seeded(range: RangeInclusive<Duration>) -> Self {
        Self::new(range, RandomState::new().hash_one(()))
    }

    /// Returns the delay before the next attempt, and doubles the one after it, up to the range's end.
    pub(in crate::handler) fn next_delay(&mut self) -> Duration {
        let whole = self.delay;
        self.delay = whole.saturating_mul(2).min(*self.range.end());
        self.attempts = self.attempts.saturating_add(1);
        let share = self.random() >> 32;
        let half = whole / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        let part = (u128::from(nanos) * u128::from(share)) >> 32;
        whole.saturating_sub(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
    }

    /// Starts again with the shortest delay, after a success.
    pub(in crate::handler) fn reset(&mut self) {
        self.delay = *self.range.start();
        self.attempts = 0;
    }

    /// Returns the number of delays since the last success.
    pub(in crate::handler) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delays_double_up_to_the_end_and_begin_anew() {
        let mut backoff = Backoff::new(Backoff::RANGE, 7);
        let wholes = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
        for (attempt, whole) in wholes.into_iter().enumerate() {
            assert_eq!(backoff.attempts() as usize, attempt);
            let delay = backoff.next_delay();
            assert!(delay <= Duration::from_millis(whole) && delay >= Duration::from_millis(whole / 2), "{delay:?}");
        }
        backoff.reset();
        assert_eq!(backoff.attempts(), 0);
        assert!(backoff.next_delay() <= Duration::from_millis(100));
    }

    #[test]
    fn the_seed_decides() {
        let delays = |seed| {
            let mut backoff = Backoff::new(Backoff::RANGE, seed);
            std::array::from_fn::<_, 8, _>(|_| backoff.next_delay())
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }

    proptest! {
        #[test]
        fn delays_stay_in_range(first in 0_u64..u64::MAX, more in 0_u64..u64::MAX, seed: u64) {
            let first = Duration::from_nanos(first);
            let last = first.saturating_add(Duration::from_nanos(more));
            let mut backoff = Backoff::new(first..=last, seed);
            for _ in 0..70 {
                let delay = backoff.next_delay();
                prop_assert!(delay >= first / 2 && delay <= last);
            }
        }
    }
}
