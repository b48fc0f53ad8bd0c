//! Captures of the records of single tests, for code that logs by the global macros (feature `testing`).
//!
//! [`capture`] begins a capture on the test's thread. Tests run in parallel, and each sees its own records:
//!
//! ```
//! use femtologging::{Level, assert_logged, assert_not_logged, testing, warn};
//!
//! fn take(left: u32) {
//!     if left < 3 {
//!         warn!("{} left", left; item = "lamp");
//!     }
//! }
//!
//! // #[test]
//! fn the_last_lamps_are_reported() {
//!     let log = testing::capture();
//!     take(5);
//!     assert_not_logged!(log, Level::Warn, "left");
//!     take(2);
//!     assert_logged!(log, Level::Warn, "2 left", item = "lamp");
//! }
//! # the_last_lamps_are_reported();
//! ```
//!
//! When the test fails, the capture prints its records on the test's own thread, so that the test harness shows them
//! with this test and nowhere else.
//!
//! # Which records belong to a test
//!
//! A record belongs to the test in whose [`Context`] it is logged. New threads and tasks inherit no context:
//!
//! | what the test starts | how it is carried |
//! |---|---|
//! | a thread | [`spawn`], or [`Context::in_scope`] |
//! | a task of an executor | [`FemtoFutureExt::in_current_context`](crate::span::FemtoFutureExt::in_current_context) |
//! | what the test's own thread polls or calls | nothing to do |
//!
//! A record that belongs to no test is kept apart. [`Capture::unattributed`] returns those that were logged since the
//! capture began; a failure shows them, and an assertion that finds what it looks for there says so. The last 10,000
//! are kept. Where each test has a process of its own, as under `cargo nextest` or with [`capture_all`], all records
//! belong to the capture.
//!
//! # What is captured
//!
//! Every record of the global system that its logger lets through, as soon as the call returns: whatever handlers
//! there are, whatever their levels, whether or not the logger propagates, and also while the program sets logging up
//! or shuts it down. If nothing was set up before the first capture, the root logger's level becomes `Trace`. Records
//! of a [`Logging`](crate::Logging) of its own go to that system's handlers only. What a handler's own code logs is
//! dropped as ever, and so is not captured.

mod collector;
mod expected;
mod snapshot;

#[doc(hidden)]
pub use expected::{Expected, Times, check};

use std::cell::Cell;
use std::env;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::collector::{Entry, Test};
use crate::context::{Context, ContextGuard};
use crate::error::guarded;
use crate::level::Level;
use crate::record::OwnedRecord;
use crate::sync::lock;

/// Begins a capture: until it is dropped, the records of this thread, and of what it carries its context to, belong to
/// the capture.
///
/// # Panics
///
/// The handler that collects the records cannot be started.
///
/// # Examples
///
/// ```
/// use femtologging::{info, testing};
///
/// let log = testing::capture();
/// info!("{} packed", 3);
/// assert_eq!(log.messages(), ["3 packed"]);
/// ```
pub fn capture() -> Capture {
    Capture::begin(env::var_os("NEXTEST").is_some_and(|value| value == "1"))
}

/// Begins a capture of all records of the process, for a process that has one test: also those of threads and tasks to
/// which no context was carried, from the first capture of the process on.
///
/// # Panics
///
/// Like [`capture`].
///
/// # Examples
///
/// ```
/// use femtologging::{info, testing};
///
/// let log = testing::capture_all();
/// std::thread::spawn(|| info!("from a thread")).join().unwrap();
/// assert_eq!(log.messages(), ["from a thread"]);
/// ```
pub fn capture_all() -> Capture {
    Capture::begin(true)
}

/// Starts a thread in the context of this one, so that its records belong to the same test.
///
/// # Panics
///
/// Like [`std::thread::spawn`].
///
/// # Examples
///
/// ```
/// use femtologging::{info, testing};
///
/// let log = testing::capture();
/// testing::spawn(|| info!("from a thread")).join().unwrap();
/// assert_eq!(log.messages(), ["from a thread"]);
/// ```
pub fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let context = Context::current();
    thread::spawn(move || context.in_scope(run))
}

/// The records of one test; see [`capture`].
///
/// It stays on the thread that began it. When it is dropped while the test panics, it prints its records. A test that
/// fails by returning an error does not panic; with the environment variable `FEMTO_LOG_TESTS=always` every capture
/// prints its records, and the harness shows those of the tests that fail.
pub struct Capture {
    id: u64,
    test: Arc<Test>,
    /// The number of records of no test before this capture.
    strays_before: u64,
    denied: Cell<Option<Level>>,
    _context: ContextGuard,
}

impl Capture {
    fn begin(takes_all: bool) -> Self {
        let (id, test, strays_before) = collector::begin(takes_all);
        let _context = Context::current().of_test(id).enter();
        Self { id, test, strays_before, denied: Cell::new(None), _context }
    }

    /// Calls `with` with the records so far.
    pub(self) fn with<T>(&self, with: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        with(&mut lock(&self.test.entries))
    }

    /// Returns the records so far, in the order in which they were logged.
    pub fn records(&self) -> Vec<OwnedRecord> {
        self.with(|entries| entries.iter().map(|entry| entry.record.clone()).collect())
    }

    /// Returns the messages of the records so far.
    pub fn messages(&self) -> Vec<String> {
        self.with(|entries| entries.iter().map(|entry| entry.record.message().to_owned()).collect())
    }

    /// Returns the number of records so far.
    pub fn len(&self) -> usize {
        self.with(|entries| entries.len())
    }

    /// Returns whether there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes and returns the records so far.
    pub fn take(&self) -> Vec<OwnedRecord> {
        let entries = self.with(std::mem::take);
        entries.into_iter().map(|entry| entry.record).collect()
    }

    /// Returns the records since the capture began that belong to no test.
    pub fn unattributed(&self) -> Vec<OwnedRecord> {
        collector::strays(self.strays_before).0.into_iter().map(|entry| entry.record).collect()
    }

    /// Waits for a record, and returns the first one for which `wanted` returns `true`.
    ///
    /// # Panics
    ///
    /// There is none after `timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{info, testing};
    /// use std::time::Duration;
    ///
    /// let log = testing::capture();
    /// let worker = testing::spawn(|| info!("ready"; port = 4711_u16));
    /// let ready = log.wait_for(|record| record.message() == "ready", Duration::from_secs(5));
    /// assert_eq!(ready.get("port").and_then(|port| port.as_i64()), Some(4711));
    /// # worker.join().unwrap();
    /// ```
    #[track_caller]
    pub fn wait_for(&self, wanted: impl Fn(&OwnedRecord) -> bool, timeout: Duration) -> OwnedRecord {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            self.test.arrived.reset();
            // User code, which may log: the records are not locked while it runs.
            let found = self.records().into_iter().enumerate().find(|(_, record)| wanted(record));
            if let Some((at, record)) = found {
                self.with(|entries| entries.iter_mut().skip(at).take(1).for_each(|entry| entry.is_expected = true));
                return record;
            }
            if !self.test.arrived.wait(deadline) {
                panic!("no such record within {timeout:?}");
            }
        }
    }

    /// Has the test fail at its end if there are records of this level or a more severe one, other than those that an
    /// assertion or [`wait_for`](Self::wait_for) has found.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Level, assert_logged, error, testing};
    ///
    /// let log = testing::capture();
    /// log.deny(Level::Error);
    /// error!("expected");
    /// assert_logged!(log, Level::Error, "expected");
    /// ```
    pub fn deny(&self, level: Level) {
        self.denied.set(Some(level));
    }

    /// Returns the records as text without what differs from run to run, for a comparison with what they were, by
    /// `assert_eq!` or by a crate such as `insta`.
    ///
    /// | in the record | in the snapshot |
    /// |---|---|
    /// | the time, and times within the text as in RFC 3339 | `[time]` |
    /// | the thread's name | `[thread]` |
    /// | a duration as `Debug` writes it: `93µs`, `1.5s` | `[duration]` |
    /// | a path below the current directory | relative to it |
    /// | a path in the directory for temporary files | `[tmp]/` and what follows the directory's own name |
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{testing, warn};
    /// use std::time::Instant;
    ///
    /// let log = testing::capture();
    /// let start = Instant::now();
    /// warn!(target: "shop", "slow"; took = start.elapsed());
    /// assert_eq!(log.snapshot(), "[time] WARN  shop [thread] slow took=[duration]\n");
    /// ```
    pub fn snapshot(&self) -> String {
        self.with(|entries| entries.iter().map(|entry| snapshot::line(entry) + "\n").collect())
    }

    /// Returns the context of the test, for what carries contexts by hand.
    pub fn context(&self) -> Context {
        Context::default().of_test(self.id)
    }

    /// Returns the text that a failure prints.
    fn report(&self) -> String {
        let mut text = String::new();
        let lines = self.with(|entries| entries.iter().map(|entry| entry.line.clone()).collect::<Vec<_>>());
        let _ = writeln!(text, "{}", listed(lines.len(), "captured"));
        lines.iter().for_each(|line| _ = writeln!(text, "    {line}"));
        let (strays, omitted) = collector::strays(self.strays_before);
        if !strays.is_empty() {
            let _ = writeln!(text, "{}", listed(strays.len(), "of no test, logged meanwhile"));
            strays.iter().for_each(|entry| _ = writeln!(text, "    {}", entry.line));
        }
        if omitted > 0 {
            let _ = writeln!(text, "and {omitted} more before these");
        }
        text
    }
}

/// Returns a heading for a list of records.
fn listed(count: usize, what: &str) -> String {
    match count {
        0 => format!("no record {what}"),
        1 => format!("1 record {what}:"),
        _ => format!("{count} records {what}:"),
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        collector::end(self.id);
        let is_denied =
            |entry: &&Entry| !entry.is_expected && self.denied.get().is_some_and(|level| entry.record.level() >= level);
        let denied: Vec<_> =
            self.with(|entries| entries.iter().filter(is_denied).map(|entry| entry.line.clone()).collect());
        let has_failed = thread::panicking();
        let always = env::var_os("FEMTO_LOG_TESTS").is_some_and(|value| value == "always");
        if has_failed || always {
            print_here(&self.report());
        }
        if !has_failed && !denied.is_empty() {
            if !always {
                print_here(&self.report());
            }
            let level = self.denied.get().unwrap_or(Level::Critical);
            panic!("{}\n    {}", listed(denied.len(), &format!("at {level} or above")), denied.join("\n    "));
        }
    }
}

/// Prints on the calling thread, where a test harness captures what `print!` writes, and nothing else.
#[expect(clippy::print_stdout, reason = "harnesses show this with the test that fails")]
fn print_here(text: &str) {
    // It panics if standard output is closed.
    let _ = guarded(|| print!("{text}"));
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("records", &self.len()).finish_non_exhaustive()
    }
}

/// Asserts that a [`Capture`] has a record of this level, whose message contains this text, and whose keys have these
/// values.
///
/// Numbers are equal whatever their width. A text is equal to the text of a value that was recorded by `Display` or
/// `Debug`. A failure lists the nearest records, and in what they differ.
///
/// ```text
/// no record is WARN "left" item="lamp"; the nearest of 2:
///     2026-03-12T08:30:00.123456Z WARN  shop [main] 2 left item=chair
///         item is "chair", not "lamp"
/// ```
///
/// # Examples
///
/// ```
/// use femtologging::{Level, assert_logged, testing, warn};
///
/// let log = testing::capture();
/// warn!("{} left", 2; item = "lamp", shelf.row = 7_u8);
/// assert_logged!(log, Level::Warn, "left", item = "lamp", shelf.row = 7);
/// ```
#[macro_export]
macro_rules! assert_logged {
    ($($record:tt)+) => {
        $crate::__femtologging_expected!(AtLeastOnce; $($record)+)
    };
}

/// Asserts that a [`Capture`] has no record like this; the arguments are those of
/// [`assert_logged!`](crate::assert_logged).
///
/// # Examples
///
/// ```
/// use femtologging::{Level, assert_not_logged, testing, warn};
///
/// let log = testing::capture();
/// warn!("{} left", 2; item = "chair");
/// assert_not_logged!(log, Level::Warn, "left", item = "lamp");
/// ```
#[macro_export]
macro_rules! assert_not_logged {
    ($($record:tt)+) => {
        $crate::__femtologging_expected!(Never; $($record)+)
    };
}

/// Asserts that a [`Capture`] has exactly one record like this; the arguments are those of
/// [`assert_logged!`](crate::assert_logged).
///
/// # Examples
///
/// ```
/// use femtologging::{Level, assert_logged_once, testing, warn};
///
/// let log = testing::capture();
/// warn!("{} left", 2; item = "chair");
/// assert_logged_once!(log, Level::Warn, "left");
/// ```
#[macro_export]
macro_rules! assert_logged_once {
    ($($record:tt)+) => {
        $crate::__femtologging_expected!(Once; $($record)+)
    };
}

/// What the three assertions have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_expected {
    ($times:ident; $log:expr, $level:expr, $message:expr $(, $($key:ident).+ = $value:expr)* $(,)?) => {
        $crate::testing::check(
            &$log,
            $crate::testing::Times::$times,
            $crate::testing::Expected::new($level, &$message)$(.key(stringify!($($key).+), $value))*,
        )
    };
    ($times:ident; $log:expr, $level:expr, $message:expr $(, $key:literal = $value:expr)* $(,)?) => {
        $crate::testing::check(
            &$log,
            $crate::testing::Times::$times,
            $crate::testing::Expected::new($level, &$message)$(.key($key, $value))*,
        )
    };
}

#[doc(inline)]
pub use crate::{assert_logged, assert_logged_once, assert_not_logged};
