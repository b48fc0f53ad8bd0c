//! The handler that all captures share. It sorts the records by the tests to which they belong.
//!
//! It has no thread, so a record is there when its call returns; and it observes the registry of the global system, so
//! it gets the records of all loggers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex};

use crate::config::Logging;
use crate::error::Error;
use crate::formatter::{FemtoFormatter, FemtoTextFormatter};
use crate::handler::{Batch, FemtoHandler, FemtoHandlerExt};
use crate::level::Level;
use crate::logger::Registry;
use crate::record::{FemtoLogRecord, OwnedRecord};
use crate::sync::{Signal, lazy, lock};
use crate::time::Clock;
use crate::worker::Worker;

/// How many records that belong to no test are kept.
const STRAYS: usize = 10_000;

/// A record, with the line that a text formatter makes of it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) record: OwnedRecord,
    pub(super) line: String,
    /// Whether an assertion has found it.
    pub(super) is_expected: bool,
}

/// The records of one test.
#[derive(Default)]
pub(super) struct Test {
    pub(super) entries: Mutex<Vec<Entry>>,
    /// Set with every record.
    pub(super) arrived: Signal,
    /// Whether it also takes what belongs to no test.
    takes_all: bool,
}

struct CollectorState {
    /// The tests that run, by their numbers.
    tests: BTreeMap<u64, Arc<Test>>,
    begun: u64,
    /// Records that belong to no test that runs.
    strays: VecDeque<Entry>,
    /// How many of them were removed, from the front.
    removed: u64,
}

static STATE: Mutex<CollectorState> =
    Mutex::new(CollectorState { tests: BTreeMap::new(), begun: 0, strays: VecDeque::new(), removed: 0 });

/// The handler, which is never shut down.
static HANDLER: LazyLock<Result<Arc<Worker>, Error>> = LazyLock::new(|| {
    // As long as nobody has set levels, tests see everything.
    if Logging::global().is_none() {
        Registry::global().root().set_level(Level::Trace);
    }
    let handler = Collector(FemtoTextFormatter::new()).configure().inline().build()?;
    let worker = Worker::spawn("testing", handler, 0, &Clock::system(), None, None, None)?;
    Registry::global().observe(worker.queue.clone());
    Ok(worker)
});

struct Collector(FemtoTextFormatter);

impl FemtoHandler for Collector {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let mut line = Vec::new();
        self.0.format(record, &mut line);
        let line = String::from_utf8_lossy(&line).into_owned();
        let entry = Entry { record: record.to_owned(), line, is_expected: false };
        let mut state = lock(&STATE);
        let own = record.scope().and_then(|id| state.tests.get(&id));
        let test = own.or_else(|| state.tests.values().rfind(|test| test.takes_all)).cloned();
        match test {
            Some(test) => {
                lock(&test.entries).push(entry);
                drop(state);
                test.arrived.set();
            }
            None => {
                state.strays.push_back(entry);
                let surplus = state.strays.len().saturating_sub(STRAYS);
                state.strays.drain(..surplus);
                state.removed += surplus as u64;
            }
        }
        Ok(())
    }
}

/// Begins a test. Returns its number, its records, and how many records belong to no test so far.
pub(super) fn begin(takes_all: bool) -> (u64, Arc<Test>, u64) {
    if let Err(error) = lazy(&HANDLER) {
        panic!("no record can be captured: {error}");
    }
    let mut state = lock(&STATE);
    state.begun += 1;
    let id = state.begun;
    let mut entries = Vec::new();
    if takes_all {
        state.removed += state.strays.len() as u64;
        entries.extend(state.strays.drain(..));
    }
    let test = Arc::new(Test { entries: Mutex::new(entries), takes_all, ..Test::default() });
    state.tests.insert(id, test.clone());
    (id, test, state.removed + state.strays.len() as u64)
}

/// Ends a test. What is still logged in its context belongs to no test.
pub(super) fn end(id: u64) {
    lock(&STATE).tests.remove(&id);
}

/// Returns the records that belong to no test, without the first `before`, and how many of the others are not kept any
/// more.
pub(super) fn strays(before: u64) -> (Vec<Entry>, u64) {
    let state = lock(&STATE);
    let omitted = state.removed.saturating_sub(before);
    let skipped = before.saturating_sub(state.removed) as usize;
    (state.strays.iter().skip(skipped).cloned().collect(), omitted)
}
