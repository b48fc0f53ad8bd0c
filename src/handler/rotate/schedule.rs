//! When a file rolls over by time: pure functions of a time and a time zone.

use std::str::FromStr;

#[cfg(feature = "local-time")]
use crate::error::Error;
use crate::error::Problem;
use crate::time::Timestamp;
use crate::zone::Zone;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// The unit in which a [`RotationSchedule`] counts, CPython's `when`.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{Weekday, When};
///
/// assert_eq!("midnight".parse(), Ok(When::Midnight));
/// assert_eq!("W0".parse(), Ok(When::Weekly(Weekday::Monday)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Seconds, CPython's `S`.
    Seconds,
    /// Minutes, CPython's `M`.
    Minutes,
    /// Hours, CPython's `H`.
    Hours,
    /// Periods of 24 hours, CPython's `D`.
    Days,
    /// Days that end at midnight or, with [`at_time`](RotationSchedule::at_time), then: CPython's `MIDNIGHT`.
    Midnight,
    /// Weeks that end with this day or, with [`at_time`](RotationSchedule::at_time), on it at that time: CPython's `W0`
    /// (Monday) to `W6`.
    Weekly(Weekday),
}

/// A day of the week.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{When, Weekday};
///
/// assert_eq!("W6".parse::<When>().ok(), Some(When::Weekly(Weekday::Sunday))); // CPython's name
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl FromStr for When {
    type Err = Problem;

    /// Reads CPython's spelling, in either letter case.
    fn from_str(text: &str) -> Result<Self, Problem> {
        use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
        Ok(match text.to_ascii_uppercase().as_str() {
            "S" => Self::Seconds,
            "M" => Self::Minutes,
            "H" => Self::Hours,
            "D" => Self::Days,
            "MIDNIGHT" => Self::Midnight,
            "W0" => Self::Weekly(Monday),
            "W1" => Self::Weekly(Tuesday),
            "W2" => Self::Weekly(Wednesday),
            "W3" => Self::Weekly(Thursday),
            "W4" => Self::Weekly(Friday),
            "W5" => Self::Weekly(Saturday),
            "W6" => Self::Weekly(Sunday),
            _ => return Err(Problem::new("when", format_args!("{text:?}"), "use S, M, H, D, MIDNIGHT, or W0 to W6")),
        })
    }
}

impl When {
    /// Returns the length of the unit in seconds, where the clock is not changed within it.
    fn seconds(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3600,
            Self::Days | Self::Midnight => DAY,
            Self::Weekly(_) => 7 * DAY,
        }
    }

    /// Returns the pattern of the dates in CPython's names of backups.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Seconds => "%Y-%m-%d_%H-%M-%S",
            Self::Minutes => "%Y-%m-%d_%H-%M",
            Self::Hours => "%Y-%m-%d_%H",
            Self::Days | Self::Midnight | Self::Weekly(_) => "%Y-%m-%d",
        }
    }
}

/// When a file rolls over: CPython's rules for `TimedRotatingFileHandler`, as a value.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | `when` | required | the unit |
/// | [`interval`](Self::interval) | 1 | the number of units between two rollovers |
/// | [`at_time`](Self::at_time) | midnight | the time of the day, for [`When::Midnight`] and [`When::Weekly`] |
/// | [`aligned`](Self::aligned) | `false` | counts units on the clock, and not from the last rollover |
/// | `local_time`, `time_zone` | UTC | the time zone of the clock (feature `local-time`) |
///
/// # Daylight saving time
///
/// Days and weeks keep the time of the day. A time that the clock skips is moved by the change (02:30 becomes 03:30);
/// of a time that it shows twice, the first one counts. Seconds, minutes and hours are elapsed time, and aligned ones
/// follow the clock on both sides of a change.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{RotationSchedule, When};
/// use femtologging::time::Timestamp;
///
/// let schedule = RotationSchedule::new(When::Midnight).at_time(4, 30, 0);
/// let half_past_eight = Timestamp::from_nanos(1_773_304_200_000_000_000);
/// assert_eq!(schedule.next_after(half_past_eight).to_string(), "2026-03-13T04:30:00.000000Z");
/// ```
#[derive(Debug, Clone)]
pub struct RotationSchedule {
    when: When,
    interval: u32,
    /// Hour, minute and second.
    at_time: Option<(u32, u32, u32)>,
    aligned: bool,
    pub(super) zone: Zone,
}

impl RotationSchedule {
    /// Makes a schedule with an interval of one unit, in UTC.
    pub const fn new(when: When) -> Self {
        Self { when, interval: 1, at_time: None, aligned: false, zone: Zone::Utc }
    }

    /// Sets the unit.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Sets the number of units between two rollovers, 1 by default.
    #[must_use]
    pub fn interval(mut self, interval: u32) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the time of the day, for [`When::Midnight`] and [`When::Weekly`]; 00:00:00 by default. Another unit with a
    /// time of the day is an error of the handler's builder.
    #[must_use]
    pub fn at_time(mut self, hour: u32, minute: u32, second: u32) -> Self {
        self.at_time = Some((hour, minute, second));
        self
    }

    /// Sets whether seconds, minutes, hours and days are counted on the clock, from midnight, instead of from the last
    /// rollover; `false` by default. With it, periods of three hours end at 3:00, 6:00 and so on.
    #[must_use]
    pub fn aligned(mut self, aligned: bool) -> Self {
        self.aligned = aligned;
        self
    }

    /// Takes times from the system's zone, or UTC if it has none.
    #[cfg(feature = "local-time")]
    #[must_use]
    pub fn local_time(mut self) -> Self {
        self.zone = Zone::local();
        self
    }

    /// Takes times from the zone with this name in the IANA database, such as `Europe/Berlin`.
    ///
    /// # Errors
    ///
    /// There is no such zone.
    #[cfg(feature = "local-time")]
    pub fn time_zone(mut self, name: &str) -> Result<Self, Error> {
        self.zone = Zone::named(name)?;
        Ok(self)
    }

    /// Returns the first rollover that is later than `time`, or [`Timestamp::MAX`] if there is none.
    pub fn next_after(&self, time: Timestamp) -> Timestamp {
        let second = time.as_nanos().div_euclid(NANOS_PER_SECOND);
        let next = match self.when {
            When::Seconds | When::Minutes | When::Hours if self.aligned => self.next_on_clock(second),
            When::Days if self.aligned => self.next_in_calendar(second),
            When::Seconds | When::Minutes | When::Hours | When::Days => second + self.step(),
            When::Midnight | When::Weekly(_) => self.next_in_calendar(second),
        };
        next.checked_mul(NANOS_PER_SECOND).map_or(Timestamp::MAX, Timestamp::from_nanos)
    }

    /// Returns what the zone's clock shows at the start of the period that `rollover` ends, in seconds as if it were
    /// UTC. Backups are named after it.
    pub(super) fn period_before(&self, rollover: Timestamp) -> i64 {
        let second = rollover.as_nanos().div_euclid(NANOS_PER_SECOND);
        match self.when {
            When::Seconds | When::Minutes | When::Hours if self.aligned => {
                let last = self.shown(second - 1);
                let midnight = last - last.rem_euclid(DAY);
                last - (last - midnight).rem_euclid(self.step())
            }
            When::Seconds | When::Minutes | When::Hours => self.shown(second - self.step()),
            When::Days | When::Midnight | When::Weekly(_) => self.shown(second) - self.step(),
        }
    }

    /// Returns what the zone's clock shows in this second since the Unix epoch, counted as if it were UTC.
    pub(super) fn shown(&self, second: i64) -> i64 {
        second + i64::from(self.zone.offset(second))
    }

    /// Returns the pattern of the dates in CPython's names of backups.
    pub(super) fn pattern(&self) -> &'static str {
        self.when.pattern()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.interval == 0 {
            problems.push(Problem::new("interval", 0, "give one unit or more"));
        }
        if let Some((hour, minute, second)) = self.at_time {
            let value = || format!("{hour:02}:{minute:02}:{second:02}");
            if hour > 23 || minute > 59 || second > 59 {
                problems.push(Problem::new("at_time", value(), "give a time from 00:00:00 to 23:59:59"));
            } else if !matches!(self.when, When::Midnight | When::Weekly(_)) {
                problems.push(Problem::new(
                    "at_time",
                    value(),
                    "only days and weeks of the calendar have a time; use When::Midnight or When::Weekly",
                ));
            }
        }
        problems
    }

    /// Returns the length of a period in seconds.
    fn step(&self) -> i64 {
        self.when.seconds() * i64::from(self.interval.max(1))
    }

    /// Returns the next full period on the clock, counted from midnight.
    ///
    /// For example, with periods of 6 hours in `Europe/Berlin` on 2026-03-29, when 02:00 became 03:00: after 00:00
    /// comes 06:00, which is 5 hours later.
    fn next_on_clock(&self, second: i64) -> i64 {
        let step = self.step();
        // The first full period that the clock shows from `shown` on.
        let full = |shown: i64| {
            let midnight = shown - shown.rem_euclid(DAY);
            let periods = (shown - midnight + step - 1) / step;
            midnight + (periods * step).min(DAY)
        };
        let offset = self.shown(second) - second;
        let next = full(second + offset + 1) - offset;
        match self.zone.next_change(second) {
            // The clock is changed before, and shows the full period earlier, later, or once more.
            Some(change) if change <= next => {
                let offset = self.shown(change) - change;
                full(change + offset) - offset
            }
            _ => next,
        }
    }

    /// Returns the next end of a day or week by the calendar, as CPython's `computeRollover` does.
    fn next_in_calendar(&self, second: i64) -> i64 {
        let at_time = self
            .at_time
            .map_or(DAY, |(hour, minute, second)| i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second));
        let shown = self.shown(second);
        let mut day = shown.div_euclid(DAY) + i64::from(shown.rem_euclid(DAY) >= at_time);
        let interval = i64::from(self.interval.max(1));
        match self.when {
            When::Weekly(weekday) => {
                // The epoch was a Thursday.
                let today = (day + 3).rem_euclid(7);
                day += (weekday as i64 - today).rem_euclid(7) + 7 * (interval - 1);
            }
            _ => day += interval - 1,
        }
        loop {
            let (first, other) = self.zone.seconds(day * DAY + at_time);
            if first > second {
                return first;
            }
            if other > second {
                return other;
            }
            day += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNITS: [When; 7] = [
        When::Seconds,
        When::Minutes,
        When::Hours,
        When::Days,
        When::Midnight,
        When::Weekly(Weekday::Monday),
        When::Weekly(Weekday::Sunday),
    ];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * NANOS_PER_SECOND)
    }

    fn next(schedule: &RotationSchedule, second: i64) -> i64 {
        schedule.next_after(at(second)).as_nanos() / NANOS_PER_SECOND
    }

    fn any_schedule() -> impl Strategy<Value = RotationSchedule> {
        let at_time = prop::option::of((0..24_u32, 0..60_u32, 0..60_u32));
        (prop::sample::select(&UNITS), 1..400_u32, at_time, any::<bool>()).prop_map(
            |(when, interval, at_time, aligned)| RotationSchedule { when, interval, at_time, aligned, zone: Zone::Utc },
        )
    }

    #[test]
    fn cpythons_spelling() {
        for (text, when) in [("s", When::Seconds), ("M", When::Minutes), ("h", When::Hours), ("D", When::Days)] {
            assert_eq!(text.parse(), Ok(when));
        }
        assert_eq!("w6".parse(), Ok(When::Weekly(Weekday::Sunday)));
        let problem = "W7".parse::<When>().unwrap_err();
        assert_eq!(problem.to_string(), "`when` = \"W7\": use S, M, H, D, MIDNIGHT, or W0 to W6");
    }

    #[test]
    fn aligned_periods_start_anew_at_midnight() {
        let schedule = RotationSchedule::new(When::Hours).interval(7).aligned(true);
        let ends: Vec<_> = std::iter::successors(Some(0), |t| Some(next(&schedule, *t))).take(6).collect();
        assert_eq!(ends, [0, 7, 14, 21, 24, 31].map(|hour| hour * 3600));
        assert_eq!(schedule.period_before(at(24 * 3600)), 21 * 3600);
        assert_eq!(next(&schedule, 7 * 3600 - 1), 7 * 3600);
        let days = RotationSchedule::new(When::Days).aligned(true);
        assert_eq!(next(&days, 86_399), 86_400);
        assert_eq!(next(&days, 86_400), 172_800);
    }

    #[test]
    fn a_fraction_of_a_second_is_before_the_next() {
        let schedule = RotationSchedule::new(When::Seconds);
        assert_eq!(schedule.next_after(Timestamp::from_nanos(999_999_999)), at(1));
        assert_eq!(schedule.next_after(Timestamp::from_nanos(-1)), at(0));
        assert_eq!(schedule.next_after(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let problems = |schedule: RotationSchedule| -> Vec<_> {
            schedule.problems().iter().map(|problem| (problem.field.clone(), problem.value.clone())).collect()
        };
        let row = |field: &str, value: &str| (field.to_owned(), value.to_owned());
        assert_eq!(problems(RotationSchedule::new(When::Midnight).at_time(23, 59, 59)), []);
        assert_eq!(problems(RotationSchedule::new(When::Hours).interval(0)), [row("interval", "0")]);
        assert_eq!(problems(RotationSchedule::new(When::Midnight).at_time(24, 0, 0)), [row("at_time", "24:00:00")]);
        assert_eq!(problems(RotationSchedule::new(When::Days).at_time(1, 0, 0)), [row("at_time", "01:00:00")]);
    }

    #[cfg(feature = "local-time")]
    mod zones {
        use super::*;

        /// `when`, `interval`, `at_time`, the current time and the next rollover, as CPython 3.13 computes it.
        #[test]
        fn every_row_of_the_conformance_data() {
            let rows = include_str!("../../../tests/data/rollover_dst_us_eastern.tsv").lines().skip(1);
            let mut checked = 0;
            for row in rows {
                let fields: Vec<_> = row.split('\t').collect();
                let mut schedule = RotationSchedule::new(fields[0].parse().unwrap())
                    .interval(fields[1].parse().unwrap())
                    .time_zone("America/New_York")
                    .unwrap();
                if let [hour, minute, second] =
                    fields[2].split(':').filter_map(|part| part.parse().ok()).collect::<Vec<u32>>()[..]
                {
                    schedule = schedule.at_time(hour, minute, second);
                }
                assert_eq!(next(&schedule, fields[5].parse().unwrap()), fields[8].parse::<i64>().unwrap(), "{row}");
                checked += 1;
            }
            assert_eq!(checked, 164);
        }

        #[test]
        fn aligned_hours_follow_the_clock() {
            let ends = |zone: &str, interval, from: i64| -> Vec<_> {
                let schedule =
                    RotationSchedule::new(When::Hours).interval(interval).aligned(true).time_zone(zone).unwrap();
                std::iter::successors(Some(from), |t| Some(next(&schedule, *t))).skip(1).take(4).collect()
            };
            // 2012-03-11: 2:00 EST is 3:00 EDT. 2012-11-04: 2:00 EDT is 1:00 EST.
            let (spring, autumn) = (1_331_449_200, 1_352_008_800);
            let hours = |change: i64, hours: [i64; 4]| hours.map(|hour| change + hour * 3600).to_vec();
            assert_eq!(ends("America/New_York", 1, spring - 1), hours(spring, [0, 1, 2, 3]));
            assert_eq!(ends("America/New_York", 1, autumn - 1), hours(autumn, [0, 1, 2, 3]));
            // Every second hour: 0:00, 4:00 EDT (2:00 is skipped), 6:00; and 0:00, 2:00 EST (three hours), 4:00.
            assert_eq!(ends("America/New_York", 2, spring - 7201), hours(spring, [-2, 1, 3, 5]));
            assert_eq!(ends("America/New_York", 2, autumn - 7201), hours(autumn, [-2, 1, 3, 5]));
            // Lord Howe Island puts the clock back from 2:00 to 1:30, on 2012-04-01.
            let howe = 1_333_206_000;
            let half = |halves: [i64; 4]| halves.map(|half| howe + half * 1800).to_vec();
            assert_eq!(ends("Australia/Lord_Howe", 1, howe - 1), half([1, 3, 5, 7]));
        }

        #[test]
        fn a_midnight_that_is_skipped_or_shown_twice() {
            // São Paulo skipped from 2018-11-04 0:00 to 1:00; Havana went back from 2018-11-04 1:00 to 0:00.
            let midnight = |zone: &str| RotationSchedule::new(When::Midnight).time_zone(zone).unwrap();
            let paulo = midnight("America/Sao_Paulo");
            assert_eq!(next(&paulo, 1_541_300_399), 1_541_300_400);
            assert_eq!(next(&paulo, 1_541_300_400), 1_541_300_400 + 23 * 3600);
            let havana = midnight("America/Havana");
            let first = 1_541_304_000;
            assert_eq!(next(&havana, first - 1), first);
            assert_eq!(next(&havana, first), first + 25 * 3600);
            assert_eq!(next(&havana, first + 3600), first + 25 * 3600);
        }

        proptest! {
            #[test]
            fn the_next_rollover_is_in_the_future_in_every_zone(
                schedule in any_schedule(),
                zone in prop::sample::select(&["America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu",
                                               "Pacific/Apia", "Africa/Casablanca", "Europe/London"]),
                nanos: i64,
            ) {
                let schedule = schedule.time_zone(zone).unwrap();
                let time = Timestamp::from_nanos(nanos);
                let next = schedule.next_after(time);
                prop_assert!(next > time);
                prop_assert!(next == Timestamp::MAX || schedule.period_before(next) < schedule.shown(next.as_nanos() / NANOS_PER_SECOND) + 7200);
            }
        }
    }

    proptest! {
        #[test]
        fn the_next_rollover_is_in_the_future_and_within_a_period(schedule in any_schedule(), nanos: i64) {
            let time = Timestamp::from_nanos(nanos);
            let next = schedule.next_after(time);
            prop_assert!(next > time || time == Timestamp::MAX);
            let distance = i128::from(next.as_nanos()) - i128::from(nanos);
            prop_assert!(distance <= i128::from(schedule.step()) * i128::from(NANOS_PER_SECOND));
            if schedule.aligned && matches!(schedule.when, When::Seconds | When::Minutes | When::Hours) && next < Timestamp::MAX {
                prop_assert_eq!(schedule.next_after(Timestamp::from_nanos(next.as_nanos() - 1)), next);
            }
        }
    }
}
