//! The governor of a handler: raises its level while the queue is nearly full.
//!
//! It sees how full the queue is at each look, and the levels of the records that are taken out. Nothing here reads a
//! clock or changes a level: [`look`](Govern::look) says what to do, and the thread does it.
//!
//! With the defaults, and loggers that let `Debug` pass:
//!
//! ```text
//! time     0 s      1 s      2 s            5 s                    15 s     25 s
//! full     90 %     95 %     80 %           10 %                   5 %      3 %
//! steps             Info     Info, Warn                            Info     (none)
//!                   ▲ the lowest of the records was Debug          ▲ below 25 % for 10 s: back by one step
//! ```

use std::time::Duration;

use crate::callsite::{Callsite, Metadata, Module, Origin};
use crate::level::{Level, LevelFilter};
use crate::policy::Governor;

pub(super) static SITE: Callsite = Callsite::new(Metadata {
    level: Some(Level::Warn),
    origin: Origin::Static,
    module: &Module { target: "femtologging", module_path: module_path!(), file: file!() },
    line: line!(),
    template: "the level of handler `{}` is {} from {} to {}",
    keys: &[],
});

pub(super) struct Govern {
    policy: Governor,
    /// The ticks since which the queue is above the upper mark.
    above_since: Option<u64>,
    /// The ticks since which it is below the lower one.
    below_since: Option<u64>,
    /// The lowest level of the records that were taken out since `above_since`.
    lowest: Option<Level>,
    /// The levels to which it was raised, one after the other.
    steps: Vec<Level>,
}

impl Govern {
    pub(super) fn new(policy: Governor) -> Self {
        Self { policy, above_since: None, below_since: None, lowest: None, steps: Vec::new() }
    }

    /// Returns the level that the handler's is raised to.
    pub(super) fn raised_to(&self) -> Option<Level> {
        self.steps.last().copied()
    }

    /// Notes the level of a record.
    pub(super) fn note(&mut self, level: Level) {
        self.lowest = Some(self.lowest.map_or(level, |lowest| lowest.min(level)));
    }

    /// Looks at a queue that is so full, in percent, at these ticks. `ticks_in` says how many ticks pass in a time, and
    /// `threshold` is the number of the lowest level that the handler lets through.
    ///
    /// Returns the level that the handler's is to be raised to, or that it is not raised any more (`Some(None)`); or
    /// `None` if nothing is to change.
    pub(super) fn look(
        &mut self,
        full: u64,
        now: u64,
        ticks_in: impl Fn(Duration) -> u64,
        threshold: u8,
    ) -> Option<Option<Level>> {
        let Governor { raise_above, raise_after, lower_below, lower_after, up_to } = self.policy;
        if full > u64::from(raise_above) {
            self.below_since = None;
            let Some(since) = self.above_since else {
                (self.above_since, self.lowest) = (Some(now), None);
                return None;
            };
            if now.saturating_sub(since) < ticks_in(raise_after) {
                return None;
            }
            let lowest = self.lowest.take().map_or(threshold, |lowest| threshold.max(lowest.number()));
            self.above_since = Some(now);
            let next = Level::ALL.into_iter().find(|level| level.number() > lowest).filter(|next| *next <= up_to)?;
            self.steps.push(next);
            return Some(Some(next));
        }
        self.above_since = None;
        if full >= u64::from(lower_below) || self.steps.is_empty() {
            self.below_since = None;
            return None;
        }
        let since = *self.below_since.get_or_insert(now);
        if now.saturating_sub(since) < ticks_in(lower_after) {
            return None;
        }
        self.below_since = Some(now);
        self.steps.pop();
        Some(self.raised_to())
    }

    /// Returns the line for a change of the handler's threshold.
    ///
    /// ```text
    /// the level of handler `file` is raised from debug to info: its queue was more than 75 % full for 1s
    /// the level of handler `file` is lowered from info to debug: its queue was less than 25 % full for 10s
    /// ```
    pub(super) fn text(&self, handler: &str, from: u8, to: u8) -> String {
        let name = |threshold| match LevelFilter::from_number(threshold) {
            Some(filter) => filter.to_string().to_ascii_lowercase(),
            None => "off".to_owned(),
        };
        let Governor { raise_above, raise_after, lower_below, lower_after, .. } = self.policy;
        let (what, why, percent, time) = match from < to {
            true => ("raised", "more", raise_above, raise_after),
            false => ("lowered", "less", lower_below, lower_after),
        };
        let (from, to) = (name(from), name(to));
        format!(
            "the level of handler `{handler}` is {what} from {from} to {to}: its queue was {why} than {percent} % full \
             for {time:?}"
        )
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const DEFAULT: Governor = Governor {
        raise_above: 75,
        raise_after: Duration::from_secs(1),
        lower_below: 25,
        lower_after: Duration::from_secs(10),
        up_to: Level::Warn,
    };

    /// One look after the other, at milliseconds: (time, percent, level of a record, threshold), and what comes of it.
    fn run(looks: &[(u64, u64, Level, Level)]) -> Vec<(u64, Option<Level>)> {
        let mut govern = Govern::new(DEFAULT);
        let ticks_in = |time: Duration| time.as_millis() as u64;
        let mut changes = Vec::new();
        for (at, full, level, threshold) in looks {
            if let Some(change) = govern.look(*full, *at, ticks_in, threshold.number()) {
                changes.push((*at, change));
            }
            govern.note(*level);
        }
        changes
    }

    #[test]
    fn the_level_rises_above_those_of_the_records_and_comes_back_in_the_same_steps() {
        use Level::*;
        let changes = run(&[
            (0, 76, Debug, Trace),
            (999, 100, Info, Trace),
            (1000, 76, Info, Trace),
            (1900, 90, Info, Info),
            (2000, 90, Info, Info),
            // As high as it may.
            (3000, 90, Warn, Warn),
            (9000, 90, Warn, Warn),
            // Neither nor.
            (9100, 50, Warn, Warn),
            (9200, 24, Warn, Warn),
            (19_199, 24, Warn, Warn),
            (19_200, 24, Warn, Warn),
            (29_199, 0, Warn, Info),
            (29_200, 0, Warn, Info),
            (60_000, 0, Warn, Trace),
        ]);
        assert_eq!(changes, [(1000, Some(Info)), (2000, Some(Warn)), (19_200, Some(Info)), (29_200, None)]);
    }

    #[test]
    fn both_times_begin_again_when_the_queue_was_on_the_other_side_of_its_mark() {
        use Level::*;
        let changes = run(&[
            (0, 80, Debug, Trace),
            (900, 75, Debug, Trace),
            (1000, 80, Debug, Trace),
            (1900, 80, Debug, Trace),
            (2000, 80, Debug, Trace),
            (3000, 10, Info, Info),
            (12_000, 25, Info, Info),
            (13_000, 10, Info, Info),
            (22_999, 10, Info, Info),
            (23_000, 10, Info, Info),
        ]);
        assert_eq!(changes, [(2000, Some(Info)), (23_000, None)]);
    }

    #[test]
    fn the_level_rises_above_the_handler_s_own() {
        // The records that are still in the queue are of a level that the handler does not take any more.
        assert_eq!(
            run(&[(0, 80, Level::Debug, Level::Info), (1000, 80, Level::Debug, Level::Info)]),
            [(1000, Some(Level::Warn))]
        );
    }
}
