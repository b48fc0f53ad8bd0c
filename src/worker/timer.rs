//! The deadlines of tasks: a thread that wakes them, because an executor need not have a timer.
//!
//! A handler's thread cannot keep the deadline of a flush, which is for the case that it is stuck. The first task that
//! has to wait starts the thread, and it ends when none has waited for [`KEPT`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::task::Task;
use crate::error::Error;
use crate::sync::{Signal, generation, lock};
use crate::sys;

/// How long the thread waits for another task before it ends.
const KEPT: Duration = Duration::from_secs(10);

struct Timer {
    /// The tasks by the time at which they are to be woken, and a number that no two alarms have.
    alarms: BTreeMap<(Instant, u64), Arc<Task>>,
    numbers: u64,
    /// The thread, with the process that started it: a child of `fork` does not have it.
    thread: Option<(u32, Arc<Signal>)>,
}

static TIMER: Mutex<Timer> = Mutex::new(Timer { alarms: BTreeMap::new(), numbers: 0, thread: None });

/// Wakes a task at some time, unless it is dropped before.
pub(super) struct Alarm {
    at: Instant,
    number: u64,
}

impl Alarm {
    /// # Errors
    ///
    /// The system starts no more threads.
    pub(super) fn set(at: Instant, task: &Arc<Task>) -> Result<Self, Error> {
        let mut timer = lock(&TIMER);
        let signal = timer.thread()?;
        timer.numbers += 1;
        let alarm = Self { at, number: timer.numbers };
        let is_first = timer.alarms.first_key_value().is_none_or(|((first, _), _)| at < *first);
        timer.alarms.insert((at, alarm.number), task.clone());
        drop(timer);
        if is_first {
            signal.set();
        }
        Ok(alarm)
    }

    pub(super) fn at(&self) -> Instant {
        self.at
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let task = lock(&TIMER).alarms.remove(&(self.at, self.number));
        // Its waker is the executor's.
        drop(task);
    }
}

impl Timer {
    /// Returns the signal of the thread, which is started if this process has none.
    fn thread(&mut self) -> Result<Arc<Signal>, Error> {
        let process = generation();
        if let Some((_, signal)) = self.thread.as_ref().filter(|(its, _)| *its == process) {
            return Ok(signal.clone());
        }
        let signal = Arc::<Signal>::default();
        let run = {
            let signal = signal.clone();
            move || while wake_due(&signal) {}
        };
        sys::spawn("femtolog-timer", run)
            .map_err(|error| Error::io("cannot start the thread that keeps the deadlines of tasks", error))?;
        self.thread = Some((process, signal.clone()));
        Ok(signal)
    }
}

/// Wakes the tasks that are due, and waits for the next one. Returns `false` after a wait in which there was none.
fn wake_due(signal: &Signal) -> bool {
    signal.reset();
    let now = Instant::now();
    let mut timer = lock(&TIMER);
    let later = timer.alarms.split_off(&(now, u64::MAX));
    let due = std::mem::replace(&mut timer.alarms, later);
    let next = timer.alarms.first_key_value().map(|((at, _), _)| *at);
    drop(timer);
    due.into_values().for_each(|task| task.wake());
    if signal.wait(Some(next.unwrap_or(now + KEPT))) || next.is_some() {
        return true;
    }
    let mut timer = lock(&TIMER);
    let goes_on = !timer.alarms.is_empty();
    if !goes_on {
        timer.thread = None;
    }
    goes_on
}
