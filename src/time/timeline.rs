//! The time line of a consumer: its copy of the function from ticks to wall-clock time.

use super::clock::{Clock, TickSource};
use super::segments::{ClockStep, Segments};
use super::timestamp::Timestamp;
use crate::sync::{lazy, lock};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

/// The function that all time lines of the system's clock are copies of.
static SYSTEM: LazyLock<Mutex<Segments>> = LazyLock::new(|| {
    let clock = Clock::system();
    let (ticks, wall) = clock.look();
    Mutex::new(Segments::new(ticks, wall, clock.rate()))
});

/// Converts ticks of a [`Clock`] to wall-clock time.
///
/// All time lines of a clock are copies of the same [`Segments`], so that a tick has the same time for every consumer.
///
/// A consumer reads the clock, calls [`refresh`](Self::refresh), and then converts ticks up to the one it read. In this
/// order their times are final: segments that others add later start after that tick.
///
/// ```text
/// consumer A                        consumer B                     shared segments
/// reads ticks 100                                                  up to date at 90
/// refresh: not due
/// converts 95, 98, 100                                             by the segments at 90
///                                   reads ticks 110
///                                   refresh: due; observes at 112  a new segment from 112 on
///                                   converts 98 again              the same time as A's
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    clock: Clock,
    segments: Segments,
}

impl Timeline {
    /// Makes the time line of a clock.
    pub(crate) fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), segments: lock(shared(clock)).clone() }
    }

    /// Brings the copy up to date: at most once a second, the first consumer to ask observes the wall clock, and the
    /// others copy the result. In between it costs one reading of the ticks.
    pub(crate) fn refresh(&mut self) {
        if !self.segments.is_due(self.clock.ticks()) {
            return;
        }
        let mut shared = lock(shared(&self.clock));
        // Another consumer may have observed the clock while this one waited for the lock.
        if shared.is_due(self.clock.ticks()) {
            let (ticks, wall) = self.clock.look();
            shared.observe(ticks, wall);
        }
        self.segments.clone_from(&shared);
    }

    /// Returns the time of a tick.
    #[inline]
    pub(crate) fn timestamp(&self, ticks: u64) -> Timestamp {
        self.segments.timestamp(ticks)
    }

    /// Returns how many ticks pass in a duration, at most `u64::MAX`.
    pub(crate) fn ticks_in(&self, duration: Duration) -> u64 {
        self.segments.ticks_in(duration)
    }

    /// Returns the last large step of the wall clock.
    pub(crate) fn last_step(&self) -> Option<ClockStep> {
        self.segments.steps().last().copied()
    }

    /// Returns the large step that follows `step`, or the first that is remembered.
    pub(crate) fn step_after(&self, step: Option<ClockStep>) -> Option<ClockStep> {
        // Steps are not compared by their ticks: a counter that was reset starts again.
        let steps = self.segments.steps();
        let at = step.and_then(|step| steps.iter().position(|known| *known == step)).map_or(0, |at| at + 1);
        steps.get(at).copied()
    }
}

/// Returns what all time lines of this clock are copies of.
fn shared(clock: &Clock) -> &Mutex<Segments> {
    match &clock.0 {
        TickSource::Cycles(_) | TickSource::Counter(_) | TickSource::Monotonic(_) => lazy(&SYSTEM),
        TickSource::Manual(clock) => clock.line(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::ManualClock;

    const SECOND: i64 = 1_000_000_000;

    fn time(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn a_manual_line_is_exact() {
        for now in [Timestamp::MIN, time(-1), time(0), time(1_773_304_200_123_456_789), Timestamp::MAX] {
            let clock = Clock::manual(&ManualClock::new(now));
            let mut line = Timeline::new(&clock);
            line.refresh();
            assert_eq!(line.timestamp(clock.ticks()), now);
            assert_eq!(line.ticks_in(Duration::from_micros(3)), 3000);
        }
    }

    #[test]
    fn consumers_of_the_system_clock_agree_with_each_other_and_the_wall_clock() {
        let clock = Clock::system();
        let (one, other) = (Timeline::new(&clock), Timeline::new(&clock));
        let ticks = clock.ticks();
        assert_eq!(one.timestamp(ticks), other.timestamp(ticks));
        let off = one.timestamp(ticks).as_nanos() - Timestamp::now().as_nanos();
        assert!(off.abs() < SECOND, "off by {off} ns");
    }
}
