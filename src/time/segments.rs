//! The piecewise linear function from ticks to wall-clock time.
//!
//! About once a second the function is told what the wall clock shows at some tick ([`Segments::observe`]). It then
//! lays out the future from that tick: first a segment that corrects the error, then one at the measured rate of the
//! counter. The past is never changed, so that a tick keeps its time.
//!
//! | error of the function | correction | in the log |
//! |---|---|---|
//! | up to 1 ms | spread over the next second | nothing |
//! | more, the wall clock is ahead | at once | nothing up to a minute |
//! | more, the wall clock is behind | half speed until it has caught up | nothing |
//! | more than a minute, either way | at once | a line about the [`ClockStep`] |
//!
//! Only in the last case does time run backwards.
//!
//! For example, with a counter of 2 GHz, observed once a second, whose wall clock is set back by 3 s after 2 s:
//!
//! ```text
//! ticks (10⁹)       0     2     4     6     8    10    12    14    16    18
//! wall clock (s)    0     1    -1     0     1     2     3     4     5     6
//! Segments (s)      0     1     2   2.5     3   3.5     4   4.5     5     6
//!                               └──────── half speed ────────────┘
//! ```

use std::time::Duration;

use super::timestamp::Timestamp;

/// Nanoseconds between two observations of the wall clock, and over which a small error is corrected.
const INTERVAL: u64 = 1_000_000_000;
/// Nanoseconds from which an error counts as a step of the wall clock rather than drift.
const STEP: i64 = 1_000_000;
/// Nanoseconds from which the function follows a step back at once, and the log tells of a step.
const LARGE_STEP: i64 = 60_000_000_000;
/// Maximum number of segments besides the oldest: those of about half a minute.
const KEPT: usize = 64;
/// Maximum number of large steps that are remembered.
const KEPT_STEPS: usize = 16;

/// A step of the wall clock by more than a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockStep {
    /// The first tick with a time after the step.
    pub(crate) ticks: u64,
    /// The time that this tick would have without the step.
    pub(crate) from: Timestamp,
    /// The time that this tick has.
    pub(crate) to: Timestamp,
}

/// A linear piece of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    /// The tick it starts at.
    start: u64,
    /// The time at its start.
    wall: Timestamp,
    /// Nanoseconds per 2^32 ticks.
    rate: u64,
}

impl Segment {
    #[inline]
    fn timestamp(&self, ticks: u64) -> Timestamp {
        let wall = self.wall.as_nanos();
        Timestamp::from_nanos(match ticks.checked_sub(self.start) {
            Some(after) => wall.saturating_add_unsigned(self.nanos(after)),
            None => wall.saturating_sub_unsigned(self.nanos(self.start - ticks)),
        })
    }

    /// Converts a number of ticks to nanoseconds at the rate of the segment.
    #[inline]
    fn nanos(&self, ticks: u64) -> u64 {
        u64::try_from((u128::from(ticks) * u128::from(self.rate)) >> 32).unwrap_or(u64::MAX)
    }
}

/// The function itself. It is told what the clocks show, so that it can be tested without them.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    /// Also applies to ticks before its start.
    oldest: Segment,
    /// The later segments, by ascending start. Each ends where the next one starts. The last one may start in the
    /// future.
    later: Vec<Segment>,
    /// Nanoseconds per 2^32 ticks, confirmed by two measurements.
    rate: u64,
    /// The rate between the last two observations. A step of the wall clock falsifies it.
    measured: u64,
    /// The ticks and the wall-clock time of the last observation.
    seen: (u64, Timestamp),
    /// The last large steps, by tick.
    steps: Vec<ClockStep>,
}

impl Segments {
    /// A function of one segment, from one observation and an initial rate.
    pub(super) fn new(ticks: u64, wall: Timestamp, rate: u64) -> Self {
        let rate = rate.max(1);
        let oldest = Segment { start: ticks, wall, rate };
        Self { oldest, later: Vec::new(), rate, measured: rate, seen: (ticks, wall), steps: Vec::new() }
    }

    /// Returns the time of a tick. The search starts at the latest segment, which most ticks are in.
    #[inline]
    pub(super) fn timestamp(&self, ticks: u64) -> Timestamp {
        self.later.iter().rfind(|segment| segment.start <= ticks).unwrap_or(&self.oldest).timestamp(ticks)
    }

    /// Returns the number of ticks in a duration, at most `u64::MAX`.
    pub(super) fn ticks_in(&self, duration: Duration) -> u64 {
        u64::try_from((duration.as_nanos() << 32) / u128::from(self.rate)).unwrap_or(u64::MAX)
    }

    /// Returns whether the last observation is a second ago, or the counter was reset since.
    pub(super) fn is_due(&self, ticks: u64) -> bool {
        ticks.abs_diff(self.seen.0) >= self.ticks_in(Duration::from_nanos(INTERVAL))
    }

    /// Adapts the function to the wall clock, which showed `wall` at `ticks`.
    pub(super) fn observe(&mut self, ticks: u64, wall: Timestamp) {
        if ticks <= self.seen.0 {
            // The counter was reset, which some machines do when they resume from sleep.
            *self = Self::new(ticks, wall, self.rate);
            return;
        }
        self.measure_rate(ticks, wall);
        self.seen = (ticks, wall);

        // What the function shows now, and by how much it is ahead of the wall clock.
        let shown = self.timestamp(ticks);
        let ahead = shown.as_nanos().saturating_sub(wall.as_nanos());
        // The future is laid out again from here; segments that have started stay.
        self.later.truncate(self.later.partition_point(|segment| segment.start < ticks));
        let is_large = ahead.saturating_abs() > LARGE_STEP;
        if is_large {
            self.steps.push(ClockStep { ticks, from: shown, to: wall });
            self.steps.drain(..self.steps.len().saturating_sub(KEPT_STEPS));
        }
        if is_large || ahead < -STEP {
            // Jump to the wall clock.
            self.later.push(Segment { start: ticks, wall, rate: self.rate });
        } else {
            let (rate, nanos) = if ahead > STEP {
                // Ahead by more than 1 ms: at half speed, it takes twice the error until the wall clock has caught up.
                (self.rate / 2, ahead.unsigned_abs().saturating_mul(2))
            } else {
                // A small error: a rate by which it disappears within one interval.
                let correction = i128::from(self.rate) * i128::from(ahead) / i128::from(INTERVAL);
                (self.rate.saturating_add_signed(-correction as i64), INTERVAL)
            };
            let correcting = Segment { start: ticks, wall: shown, rate };
            let end = ticks.saturating_add(self.ticks_in(Duration::from_nanos(nanos)));
            self.later.push(correcting);
            self.later.push(Segment { start: end, wall: correcting.timestamp(end), rate: self.rate });
        }
        while self.later.len() > KEPT {
            self.oldest = self.later.remove(0);
        }
    }

    /// Returns the last large steps of the wall clock, by tick.
    pub(super) fn steps(&self) -> &[ClockStep] {
        &self.steps
    }

    /// Measures the rate of the counter since the last observation.
    ///
    /// A measured rate is used when it is within 1/2048 of the one measured before it: a step of the wall clock
    /// falsifies one measurement, whereas a lasting change shows in two.
    fn measure_rate(&mut self, ticks: u64, wall: Timestamp) {
        let nanos = i128::from(wall.as_nanos()) - i128::from(self.seen.1.as_nanos());
        let measured = (nanos << 32) / i128::from(ticks - self.seen.0);
        let measured = u64::try_from(measured).unwrap_or_default();
        if measured > 0 && measured.abs_diff(self.measured) <= self.measured / 2048 {
            self.rate = measured;
        }
        self.measured = measured;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;
    /// Ticks in a second of a counter that runs at 2 GHz.
    const TICKS: u64 = 2_000_000_000;
    const RATE: u64 = 1 << 31;

    fn time(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    /// What the line shows at a tick, counted in nanoseconds of the counter.
    fn shown(line: &Segments, nanos: i64) -> i64 {
        line.timestamp(2 * nanos as u64).as_nanos()
    }

    /// Tells the line that after so many nanoseconds of the counter the wall clock is off by `offset`.
    fn observe(line: &mut Segments, nanos: i64, offset: i64) {
        line.observe(2 * nanos as u64, time(nanos + offset));
    }

    #[test]
    fn a_line_reaches_both_ways_from_its_first_observation() {
        let line = Segments::new(10 * TICKS, time(SECOND), RATE);
        assert_eq!(line.timestamp(10 * TICKS), time(SECOND));
        assert_eq!(line.timestamp(10 * TICKS + 3), time(SECOND + 1));
        assert_eq!(line.timestamp(10 * TICKS - 3), time(SECOND - 1));
        assert_eq!(line.timestamp(20 * TICKS).as_nanos(), 11 * SECOND);
        assert_eq!(line.timestamp(0).as_nanos(), -9 * SECOND);
        assert_eq!(line.ticks_in(Duration::from_secs(2)), 2 * TICKS);
        assert_eq!(line.ticks_in(Duration::MAX), u64::MAX);
    }

    #[test]
    fn the_limits_are_not_overrun() {
        let line = Segments::new(1000, time(0), u64::MAX);
        assert_eq!(line.timestamp(u64::MAX), Timestamp::MAX);
        assert_eq!(Segments::new(u64::MAX, time(0), u64::MAX).timestamp(0), Timestamp::MIN);
        assert_eq!(Segments::new(0, time(0), 0).ticks_in(Duration::from_nanos(1)), 1 << 32);
    }

    #[test]
    fn it_is_due_after_a_second_or_when_the_counter_was_reset() {
        let line = Segments::new(10 * TICKS, time(0), RATE);
        for (ticks, due) in [
            (10 * TICKS, false),
            (10 * TICKS + 1_999_999_999, false),
            (11 * TICKS, true),
            (10 * TICKS - 1_999_999_999, false),
            (0, true),
        ] {
            assert_eq!(line.is_due(ticks), due, "{ticks}");
        }
    }

    #[test]
    fn small_drift_is_made_up_for_within_a_second() {
        for offset in [100_000, -100_000] {
            let mut line = Segments::new(0, time(0), RATE);
            observe(&mut line, SECOND, offset);
            // The wall clock gains the offset in every second, and the line is behind by one of them.
            let expected = [
                (SECOND, SECOND),
                (SECOND + SECOND / 2, SECOND + SECOND / 2 + offset),
                (2 * SECOND, 2 * SECOND + 2 * offset),
                (3 * SECOND, 3 * SECOND + 3 * offset),
            ];
            for (nanos, expected) in expected {
                let off = shown(&line, nanos) - expected;
                assert!(off.abs() <= 12, "off by {off} ns after {nanos} ns");
            }
        }
    }

    #[test]
    fn a_step_forward_is_taken_over_at_once() {
        let mut line = Segments::new(0, time(0), RATE);
        observe(&mut line, SECOND, 0);
        observe(&mut line, 2 * SECOND, 3600 * SECOND);
        assert_eq!(shown(&line, 2 * SECOND - 1), 2 * SECOND - 1);
        assert_eq!(shown(&line, 2 * SECOND), 3602 * SECOND);
        assert_eq!(shown(&line, 3 * SECOND), 3603 * SECOND);
    }

    #[test]
    fn a_step_back_halves_the_speed_until_the_wall_clock_has_caught_up() {
        let mut line = Segments::new(0, time(0), RATE);
        observe(&mut line, SECOND, 0);
        observe(&mut line, 2 * SECOND, -3 * SECOND);
        let expected = |nanos| {
            if nanos < 8 * SECOND { SECOND + nanos / 2 } else { nanos - 3 * SECOND }
        };
        for half in 4..24 {
            assert_eq!(shown(&line, half * SECOND / 2), expected(half * SECOND / 2));
        }
        // Looking again on the way does not change it.
        for second in 3..12 {
            observe(&mut line, second * SECOND, -3 * SECOND);
            for half in second * 2..24 {
                assert_eq!(shown(&line, half * SECOND / 2), expected(half * SECOND / 2));
            }
        }
    }

    #[test]
    fn a_large_step_is_followed_at_once_and_remembered() {
        const YEAR: i64 = 365 * 24 * 3600 * SECOND;
        for offset in [-3600 * SECOND, 3600 * SECOND, -YEAR, YEAR, 61 * SECOND, -61 * SECOND] {
            let mut line = Segments::new(0, time(0), RATE);
            observe(&mut line, SECOND, 0);
            observe(&mut line, 2 * SECOND, offset);
            assert_eq!(shown(&line, 2 * SECOND - 1), 2 * SECOND - 1);
            for second in 2..100 {
                assert_eq!(shown(&line, second * SECOND), second * SECOND + offset);
                observe(&mut line, second * SECOND + SECOND / 2, offset);
            }
            let step = ClockStep { ticks: 2 * TICKS, from: time(2 * SECOND), to: time(2 * SECOND + offset) };
            assert_eq!(line.steps, [step]);
        }
        for offset in [60 * SECOND, -60 * SECOND] {
            let mut line = Segments::new(0, time(0), RATE);
            observe(&mut line, SECOND, offset);
            assert_eq!(line.steps, []);
        }
        let mut line = Segments::new(0, time(0), RATE);
        for second in 1..100 {
            observe(&mut line, second * SECOND, second % 2 * 3600 * SECOND);
        }
        assert_eq!(line.steps.len(), KEPT_STEPS);
    }

    #[test]
    fn a_rate_is_believed_when_it_was_measured_twice() {
        let mut line = Segments::new(0, time(0), RATE);
        line.observe(TICKS, time(SECOND + 100_000));
        assert_eq!(line.rate, line.measured); // 100 ppm off: drift
        let drifting = line.rate;
        line.observe(2 * TICKS, time(30 * SECOND));
        assert_eq!(line.rate, drifting); // a step
        line.observe(3 * TICKS, time(31 * SECOND));
        assert_eq!(line.rate, drifting); // unlike the step
        line.observe(4 * TICKS, time(32 * SECOND));
        assert_eq!(line.rate, RATE); // twice the same
        line.observe(5 * TICKS, time(34 * SECOND));
        assert_eq!(line.rate, RATE);
        line.observe(6 * TICKS, time(36 * SECOND));
        assert_eq!(line.rate, 2 * RATE); // a counter that changed its pace
        line.observe(7 * TICKS, time(0));
        line.observe(8 * TICKS, time(-SECOND));
        assert_eq!(line.rate, 2 * RATE); // no rate is below zero
    }

    #[test]
    fn a_reset_counter_starts_a_new_line() {
        let mut line = Segments::new(1000 * TICKS, time(0), RATE);
        line.observe(TICKS, time(5 * SECOND));
        assert_eq!(line.timestamp(TICKS), time(5 * SECOND));
        assert_eq!(line.timestamp(2 * TICKS).as_nanos(), 6 * SECOND);
    }

    #[test]
    fn the_number_of_segments_is_bounded() {
        let mut line = Segments::new(0, time(0), RATE);
        for second in 1..1000 {
            observe(&mut line, second * SECOND, 0);
        }
        assert_eq!(line.later.len(), KEPT);
        assert_eq!(shown(&line, 1000 * SECOND), 1000 * SECOND);
        assert_eq!(shown(&line, 0), 0);
    }

    proptest! {
        #[test]
        fn time_falls_at_large_steps_only_and_the_past_never_changes(
            rate in 1..1_u64 << 40,
            start: u32,
            observations in prop::collection::vec((1_u64..20_000_000_000, -90_000_000_000_i64..90_000_000_000), 1..40),
            probes in prop::collection::vec(0_u64..400_000_000_000, 0..40),
        ) {
            let (mut ticks, mut wall) = (u64::from(start), 0);
            let mut line = Segments::new(ticks, time(wall), rate);
            let mut steps = Vec::new();
            for (passed, step) in observations {
                ticks += passed;
                wall += passed as i64 + step;
                let before = line.clone();
                line.observe(ticks, time(wall));
                steps.extend(line.steps.last().filter(|step| step.ticks == ticks).map(|step| step.ticks));
                if steps.last() != Some(&ticks) {
                    prop_assert!(line.timestamp(ticks) >= before.timestamp(ticks));
                }
                let mut probes = probes.clone();
                probes.extend([ticks - 1, ticks, ticks + 1]);
                probes.extend(line.later.iter().flat_map(|s| [s.start.saturating_sub(1), s.start]));
                probes.sort_unstable();
                for pair in probes.windows(2) {
                    let is_step = steps.iter().any(|step| pair[0] < *step && *step <= pair[1]);
                    prop_assert!(is_step || line.timestamp(pair[0]) <= line.timestamp(pair[1]));
                }
                for &probe in probes.iter().filter(|&&probe| probe < ticks && probe >= line.oldest.start) {
                    prop_assert_eq!(line.timestamp(probe), before.timestamp(probe));
                }
            }
        }
    }
}
