//! Clocks: the sources of ticks.
//!
//! Reading the wall clock takes several times as long as reading the processor's cycle counter. So a record is stamped
//! with ticks of the counter, and its consumer converts them to wall-clock time.

use super::clocksource::{self, Judgement};
use super::segments::Segments;
use super::timestamp::Timestamp;
use crate::sync::lazy;
use crate::sys::cycles;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// The system's clock. It is chosen and calibrated when it is first used, which takes about 0.6 ms (at most 200 ms).
static SYSTEM: LazyLock<TickSource> = LazyLock::new(|| {
    first_use();
    TickSource::choose(clocksource::of_the_kernel())
});

/// The ticks of a manual clock at the Unix epoch. They are not 0, so that times before the epoch also have ticks.
pub(super) const MANUAL_EPOCH: u64 = 1 << 63;

/// A source of ticks, cheap to read and to clone.
///
/// A tick has no fixed unit: it is a cycle of the processor's counter, or a nanosecond. Consumers convert ticks to a
/// [`Timestamp`].
///
/// # Examples
///
/// ```
/// use femtologging::time::{Clock, ManualClock, Timestamp};
/// use std::time::Duration;
///
/// let hand = ManualClock::new(Timestamp::from_nanos(0));
/// let clock = Clock::manual(&hand);
/// let start = clock.ticks();
/// hand.advance(Duration::from_micros(60));
/// assert_eq!(clock.ticks() - start, 60_000);
/// ```
#[derive(Clone, Debug)]
pub struct Clock(pub(super) TickSource);

/// Where the ticks of a clock come from.
#[derive(Clone, Debug)]
pub(super) enum TickSource {
    /// The cycle counter, read in place ([`cycles`]); `quanta` knows how fast it runs.
    Cycles(quanta::Clock),
    /// What `quanta` reads: the counter of another processor, or the monotonic clock where there is no steady counter.
    Counter(quanta::Clock),
    /// The monotonic clock, in nanoseconds since this instant.
    Monotonic(Instant),
    Manual(ManualClock),
}

impl TickSource {
    /// Returns the fastest source that is reliable.
    ///
    /// The processor reports whether its counter is invariant, but not whether the counters of its cores agree. Linux
    /// measures that, and stops using a counter that fails; then it is not used here, either.
    fn choose(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Trusted | Judgement::Unknown => Self::counter(quanta::Clock::new()),
            Judgement::Refused => Self::Monotonic(Instant::now()),
        }
    }

    /// Reads the counter in place if it is what `clock` reads: a reading of `clock` is then between two readings of the
    /// counter, which one in nanoseconds since the system's start is not. (`quanta` does not say what it reads.)
    fn counter(clock: quanta::Clock) -> Self {
        let is_between = |_| {
            let (before, reading, after) = (cycles(), clock.raw(), cycles());
            before.is_some_and(|before| before <= reading) && after.is_some_and(|after| reading <= after)
        };
        if (0..3).all(is_between) { Self::Cycles(clock) } else { Self::Counter(clock) }
    }
}

impl Clock {
    /// Returns the system's clock: the cycle counter where it is reliable, and the monotonic clock elsewhere.
    ///
    /// On Linux the kernel's judgement of the counter decides
    /// (`/sys/devices/system/clocksource/clocksource0/current_clocksource`): it is used if the kernel keeps time by it
    /// itself, or if this file cannot be read and the processor calls its counter invariant. On other systems the
    /// processor's word is taken. The judgement is asked for once, by the first call in a process.
    ///
    /// That call finds out how fast the counter runs, which takes about 0.6 ms (10 ms on a busy machine, at most 200
    /// ms).
    pub fn system() -> Self {
        Self(lazy(&SYSTEM).clone())
    }

    /// Returns a clock that only moves when its [`ManualClock`] is moved.
    pub fn manual(clock: &ManualClock) -> Self {
        Self(TickSource::Manual(clock.clone()))
    }

    /// Returns whether this is a manual clock.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, TickSource::Manual(_))
    }

    /// Reads the processor's counter in place, where that is possible.
    #[inline(always)]
    pub(crate) fn cycles() -> Option<u64> {
        cycles()
    }

    /// Returns whether this is the clock that [`cycles`](Self::cycles) reads.
    pub(crate) fn is_in_place(&self) -> bool {
        matches!(self.0, TickSource::Cycles(_))
    }

    /// Reads the clock.
    #[inline(always)]
    pub fn ticks(&self) -> u64 {
        if let TickSource::Cycles(_) = &self.0
            && let Some(cycles) = cycles()
        {
            return cycles;
        }
        self.other_ticks()
    }

    /// Reads a clock that cannot be read in place.
    #[inline(never)]
    fn other_ticks(&self) -> u64 {
        match &self.0 {
            TickSource::Cycles(clock) | TickSource::Counter(clock) => clock.raw(),
            TickSource::Monotonic(start) => nanos(start.elapsed()),
            TickSource::Manual(clock) => clock.ticks(),
        }
    }
}

impl Clock {
    /// Returns the time that has passed since this clock showed `ticks`.
    pub(crate) fn elapsed(&self, ticks: u64) -> Duration {
        match &self.0 {
            TickSource::Cycles(clock) | TickSource::Counter(clock) => clock.delta(ticks, clock.raw()),
            TickSource::Monotonic(_) | TickSource::Manual(_) => {
                Duration::from_nanos(self.ticks().saturating_sub(ticks))
            }
        }
    }

    /// Returns the rate of the clock: nanoseconds per 2^32 ticks.
    pub(super) fn rate(&self) -> u64 {
        match &self.0 {
            TickSource::Cycles(clock) | TickSource::Counter(clock) => clock.delta_as_nanos(0, 1 << 32),
            TickSource::Monotonic(_) | TickSource::Manual(_) => 1 << 32,
        }
    }

    /// Reads ticks and wall clock at the same moment: of four attempts the one that took the fewest ticks, because
    /// others may have been interrupted between the two readings.
    pub(super) fn look(&self) -> (u64, Timestamp) {
        if let TickSource::Manual(clock) = &self.0 {
            let ticks = clock.ticks();
            return (ticks, clock.at(ticks));
        }
        let mut best = (u64::MAX, 0, Timestamp::default());
        for _ in 0..4 {
            let before = self.ticks();
            let wall = Timestamp::now();
            let took = self.ticks().saturating_sub(before);
            // The wall clock was read between the two readings of ticks; their mean is the best estimate.
            best = best.min((took, before + took / 2, wall));
        }
        (best.1, best.2)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Moves a [`Clock::manual`], for tests. Clones move the same clock.
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
pub struct ManualClock(Arc<Hand>);

/// The state that all clones of a manual clock share.
#[derive(Debug)]
struct Hand {
    ticks: AtomicU64,
    /// By how many nanoseconds the wall clock is ahead of the ticks.
    ahead: AtomicI64,
    line: Mutex<Segments>,
}

impl ManualClock {
    /// Makes a clock that shows this time.
    pub fn new(time: Timestamp) -> Self {
        let line = Segments::new(ticks_at(time), time, 1 << 32);
        let ticks = AtomicU64::new(ticks_at(time));
        Self(Arc::new(Hand { ticks, ahead: AtomicI64::new(0), line: Mutex::new(line) }))
    }

    /// Moves the clock, with its ticks, to a later time. An earlier time is ignored.
    pub fn set(&self, time: Timestamp) {
        let ahead = self.0.ahead.load(Ordering::SeqCst);
        let time = Timestamp::from_nanos(time.as_nanos().saturating_sub(ahead));
        self.0.ticks.fetch_max(ticks_at(time), Ordering::SeqCst);
    }

    /// Moves the clock forward, at most to [`Timestamp::MAX`].
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().saturating_add(duration));
    }

    /// Sets only the wall clock, to an earlier or later time, like an administrator or NTP.
    /// Ticks stay as they are. Handlers' threads notice the step up to a second of ticks later.
    pub fn step_to(&self, time: Timestamp) {
        let ticks = self.ticks().wrapping_sub(MANUAL_EPOCH) as i64;
        self.0.ahead.store(time.as_nanos().saturating_sub(ticks), Ordering::SeqCst);
    }

    /// Returns the time the clock shows.
    pub fn now(&self) -> Timestamp {
        self.at(self.ticks())
    }

    fn ticks(&self) -> u64 {
        self.0.ticks.load(Ordering::SeqCst)
    }

    /// Returns the wall-clock time at these ticks.
    fn at(&self, ticks: u64) -> Timestamp {
        let ahead = self.0.ahead.load(Ordering::SeqCst);
        Timestamp::from_nanos((ticks.wrapping_sub(MANUAL_EPOCH) as i64).saturating_add(ahead))
    }

    /// Returns what all time lines of this clock are copies of.
    pub(super) fn line(&self) -> &Mutex<Segments> {
        &self.0.line
    }
}

/// Returns the ticks of a manual clock whose wall clock was never set: one tick per nanosecond.
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
    fn a_step_moves_the_wall_clock_and_no_ticks() {
        let hand = ManualClock::new(Timestamp::from_nanos(100));
        let ticks = Clock::manual(&hand).ticks();
        hand.step_to(Timestamp::from_nanos(-50));
        assert_eq!((hand.now(), Clock::manual(&hand).ticks()), (Timestamp::from_nanos(-50), ticks));
        hand.advance(Duration::from_nanos(7));
        assert_eq!((hand.now(), Clock::manual(&hand).ticks()), (Timestamp::from_nanos(-43), ticks + 7));
        hand.set(Timestamp::from_nanos(-44));
        assert_eq!(hand.now(), Timestamp::from_nanos(-43));
    }

    #[test]
    fn a_counter_that_the_kernel_refuses_is_not_used() {
        assert!(matches!(TickSource::choose(Judgement::Refused), TickSource::Monotonic(_)));
        for judgement in [Judgement::Trusted, Judgement::Unknown] {
            assert!(!matches!(TickSource::choose(judgement), TickSource::Monotonic(_) | TickSource::Manual(_)));
        }
        let clock = Clock(TickSource::choose(Judgement::Refused));
        let start = clock.ticks();
        let real = Instant::now();
        while clock.ticks() < start + 1_000_000 {}
        // A tick is a nanosecond, and they are read one after the other.
        assert!(real.elapsed() >= Duration::from_nanos(900_000));
        assert_eq!(clock.rate(), 1 << 32);
        assert!(clock.elapsed(start) >= Duration::from_millis(1));
    }

    #[test]
    fn uptime_grows() {
        let start = uptime();
        while uptime() == start {}
        assert!(uptime() > start);
    }
}
