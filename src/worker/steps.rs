//! The line in the log that reports a step of the wall clock.
//!
//! The line comes before the first record with a time after the step, so that a reader knows why times fall or jump.

use std::time::Duration;

use super::report::Grouped;
use crate::callsite::{Callsite, Metadata, Module, Origin};
use crate::level::Level;
use crate::time::{ClockStep, Timeline};

/// Which steps were reported.
pub(super) struct StepReport {
    /// The last step that was reported, or that was made before the handler started.
    told: Option<ClockStep>,
    next: Option<ClockStep>,
}

pub(super) static SITE: Callsite = Callsite::new(Metadata {
    level: Some(Level::Warn),
    origin: Origin::Static,
    module: &Module { target: "femtologging", module_path: module_path!(), file: file!() },
    line: line!(),
    template: "the wall clock was set {} by {} s: {} became {}",
    keys: &[],
});

impl StepReport {
    /// Steps that the time line has already made are not told.
    pub(super) fn new(timeline: &Timeline) -> Self {
        Self { told: timeline.last_step(), next: None }
    }

    /// Asks for the next step, whenever the time line may have changed.
    pub(super) fn look(&mut self, timeline: &Timeline) {
        self.next = timeline.step_after(self.told);
    }

    /// Returns the step to be told before a record with this tick.
    #[inline]
    pub(super) fn before(&self, ticks: u64) -> Option<ClockStep> {
        self.next.filter(|step| step.ticks <= ticks)
    }

    /// Notes that a step is told.
    pub(super) fn tell(&mut self, step: ClockStep, timeline: &Timeline) {
        self.told = Some(step);
        self.look(timeline);
    }
}

/// Returns the text for a step.
///
/// ```text
/// the wall clock was set back by 3,600 s: 2026-03-12T08:30:00.123456Z became 2026-03-12T07:30:00.123456Z
/// ```
pub(super) fn text(step: &ClockStep) -> String {
    let ClockStep { from, to, .. } = step;
    let direction = if to < from { "back" } else { "forward" };
    let by = Duration::from_nanos(from.as_nanos().abs_diff(to.as_nanos())).as_secs();
    format!("the wall clock was set {direction} by {} s: {from} became {to}", Grouped(by))
}
