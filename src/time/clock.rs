//! Where ticks come from: the processor's counter, or a test's hand.

use super::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Calibrates itself when first used, which blocks for about 0.6 ms (at most 200 ms).
static QUANTA: LazyLock<quanta::Clock> = LazyLock::new(|| {
    first_use();
    quanta::Clock::new()
});

/// Ticks of every manual clock at the Unix epoch, so that times before it have ticks too.
pub(super) const MANUAL_EPOCH: u64 = 1 << 63;

/// A source of ticks, cheap to read and to clone.
///
/// A tick has no unit of its own; a [`Timeline`](super::Timeline) turns it into a [`Timestamp`].
///
/// # Examples
///
/// ```
/// use femtologging::time::{Clock, ManualClock, Timeline, Timestamp};
/// use std::time::Duration;
///
/// let hand = ManualClock::new(Timestamp::from_nanos(0));
/// let clock = Clock::manual(&hand);
/// hand.advance(Duration::from_secs(60));
/// assert_eq!(Timeline::new(&clock).timestamp(clock.ticks()).to_string(), "1970-01-01T00:01:00.000000Z");
/// ```
#[derive(Clone, Debug)]
pub struct Clock(pub(super) Source);

#[derive(Clone, Debug)]
pub(super) enum Source {
    System(quanta::Clock),
    Manual(ManualClock),
}

impl Clock {
    /// Returns the system's clock: the cycle counter where it is steady, the monotonic clock elsewhere.
    ///
    /// The first call in a process finds out how fast the counter runs, which takes about 0.6 ms (10 ms on a busy
    /// machine, at most 200 ms).
    pub fn system() -> Self {
        Self(Source::System(QUANTA.clone()))
    }

    /// Returns a clock that stands still unless its [`ManualClock`] is moved.
    pub fn manual(clock: &ManualClock) -> Self {
        Self(Source::Manual(clock.clone()))
    }

    /// Whether a test moves this clock.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Reads the clock.
    #[inline(always)]
    pub fn ticks(&self) -> u64 {
        match &self.0 {
            Source::System(clock) => clock.raw(),
            Source::Manual(clock) => clock.ticks(),
        }
    }
}

impl Clock {
    /// The time that has passed since this clock showed `ticks`.
    pub(crate) fn elapsed(&self, ticks: u64) -> Duration {
        match &self.0 {
            Source::System(clock) => clock.delta(ticks, clock.raw()),
            Source::Manual(clock) => Duration::from_nanos(clock.ticks().saturating_sub(ticks)),
        }
    }
}

/// The hand that moves a [`Clock::manual`], for tests; clones move the same clock.
///
/// # Examples
///
/// ```
/// use femtologging::time::{ManualClock, Timestamp};
/// use std::time::Duration;
///
/// let hand = ManualClock::new(Timestamp::from_nanos(5));
/// hand.advance(Duration::from_nanos(2));
/// assert_eq!(hand.now(), Timestamp::from_nanos(7));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Makes a clock that shows this time.
    pub fn new(time: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(ticks_at(time))))
    }

    /// Moves the clock to a later time; like every clock here it never runs backwards, so an earlier one is
    /// ignored.
    pub fn set(&self, time: Timestamp) {
        self.0.fetch_max(ticks_at(time), Ordering::SeqCst);
    }

    /// Moves the clock forward, at most to [`Timestamp::MAX`].
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().saturating_add(duration));
    }

    /// Returns the time the clock shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.ticks().wrapping_sub(MANUAL_EPOCH) as i64)
    }

    fn ticks(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn ticks_at(time: Timestamp) -> u64 {
    MANUAL_EPOCH.wrapping_add(time.as_nanos() as u64)
}

/// Returns when this process first used the system's clock of this library, or asked here.
pub(crate) fn first_use() -> Timestamp {
    static FIRST: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);
    *FIRST
}

/// Returns the monotonic time since the first call in this process.
pub(crate) fn uptime() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_by_hand_and_only_forward() {
        let hand = ManualClock::new(Timestamp::from_nanos(-10));
        let clock = Clock::manual(&hand.clone());
        let start = clock.ticks();
        assert_eq!(clock.ticks(), start);
        hand.advance(Duration::from_nanos(15));
        assert_eq!((hand.now(), clock.ticks()), (Timestamp::from_nanos(5), start + 15));
        hand.set(Timestamp::from_nanos(4));
        assert_eq!(hand.now(), Timestamp::from_nanos(5));
        hand.advance(Duration::MAX);
        assert_eq!((hand.now(), clock.clone().ticks()), (Timestamp::MAX, u64::MAX));
    }

    #[test]
    fn the_system_clock_moves_by_itself() {
        let clock = Clock::system();
        let start = clock.ticks();
        while clock.clone().ticks() == start {}
        assert!(clock.ticks() > start);
    }

    #[test]
    fn uptime_grows() {
        let start = uptime();
        while uptime() == start {}
        assert!(uptime() > start);
    }
}
