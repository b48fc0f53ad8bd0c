//! [`Logging`], a logging system, and the functions of the global one.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use super::flush_future::FlushFuture;
use super::probation::Probation;
#[cfg(feature = "config")]
use super::watched::Watched;
use crate::error::{Error, notices_dropped, notify};
use crate::handler::HandlerSpec;
use crate::level::{Level, LevelFilter};
use crate::logger::{FemtoLogger, LoggerSettings, Registry, no_handler};
use crate::metrics::{self, HandlerMetrics, Metrics, WatchMetrics};
use crate::sync::channel::Receiver;
use crate::sync::{generation, lock};
use crate::time::Clock;
#[cfg(feature = "config")]
use crate::time::{Timeline, Timestamp};
use crate::value::limits;
use crate::worker::{self, Task, Trial, Waiting, Worker};

/// How long a logging system that is dropped, or a process that ends, waits for its handlers.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A logging system: loggers, handlers and their threads. Clones are the same system.
///
/// Systems are independent of each other. Calls use the loggers of such a system by `logger:`; all other calls
/// use the global system, which [`ConfigBuilder::build_and_init`](super::ConfigBuilder::build_and_init) sets up.
///
/// When the last clone is dropped, the system is shut down, with 5 s for its handlers to finish.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, info};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let logger = logging.get_logger("app")?;
/// info!(logger: logger, "hello");
/// logging.shutdown(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["hello"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone)]
pub struct Logging {
    inner: Arc<LoggingSystem>,
}

/// A system that may have been dropped.
pub(super) struct WeakLogging(Weak<LoggingSystem>);

impl WeakLogging {
    /// Returns the system, unless it was dropped or shut down, or this is a child of `fork`.
    pub(super) fn upgrade(&self) -> Option<Logging> {
        self.0.upgrade().filter(|inner| !inner.is_over()).map(|inner| Logging { inner })
    }
}

struct LoggingSystem {
    registry: Arc<Registry>,
    workers: Mutex<Workers>,
    clock: Clock,
    max_queue_bytes: usize,
    /// Whether a change of the handlers is under way, and whose: see [`FREE`].
    changing: AtomicU8,
    /// Whether a shutdown is under way, and whether its loggers are closed.
    closing: AtomicBool,
    over: AtomicBool,
    /// The process that has the handlers' threads.
    process: u32,
}

/// The handlers of a system, and what is left of those that it had before.
#[derive(Default)]
struct Workers {
    current: Vec<Arc<Worker>>,
    /// Removed, but still there: a thread may have their rings.
    leaving: Vec<Arc<Worker>>,
    /// The counters of those that have gone, by name.
    gone: Vec<HandlerMetrics>,
    reloads: u64,
    failed_reloads: u64,
    rollbacks: u64,
    last_reload_error: Option<String>,
    /// The configuration that comes back if a new handler fails.
    probation: Option<Probation>,
    /// The configuration in force, where data made it.
    #[cfg(feature = "config")]
    spec: Option<Arc<super::Spec>>,
    /// The watchers of its file.
    #[cfg(feature = "config")]
    watched: Vec<Arc<Watched>>,
}

impl Workers {
    fn all(&self) -> Vec<Arc<Worker>> {
        self.current.iter().chain(&self.leaving).cloned().collect()
    }

    /// Returns what is known of the files that are watched.
    fn watches(&mut self) -> Vec<WatchMetrics> {
        #[cfg(not(feature = "config"))]
        return Vec::new();
        #[cfg(feature = "config")]
        {
            self.watched.retain(|watched| !watched.is_stopped());
            self.watched.iter().map(|watched| watched.metrics()).collect()
        }
    }

    /// Ends the watchers.
    fn end_watches(&mut self) {
        #[cfg(feature = "config")]
        self.watched.drain(..).for_each(|watched| watched.stop());
    }

    /// Returns the counters of all handlers that were removed, and those of them that have gone, of which only the
    /// counters are kept.
    fn removed(&mut self) -> (Vec<HandlerMetrics>, Vec<Arc<Worker>>) {
        let (gone, leaving): (Vec<_>, Vec<_>) = self.leaving.drain(..).partition(|worker| worker.is_gone());
        self.leaving = leaving;
        sum_up(&mut self.gone, &gone);
        let mut removed = self.gone.clone();
        sum_up(&mut removed, &self.leaving);
        (removed, gone)
    }
}

/// Adds the counters of these handlers to the sums, which have one entry for each name.
fn sum_up(sums: &mut Vec<HandlerMetrics>, workers: &[Arc<Worker>]) {
    for worker in workers {
        let metrics = worker.metrics();
        match sums.iter_mut().find(|sum| sum.name == metrics.name) {
            Some(sum) => sum.add(&metrics),
            None => sums.push(metrics),
        }
    }
}

/// No change of the handlers is under way; one that a caller asked for; or the library's own, the end of a probation,
/// which is over in moments, and for which callers wait.
const FREE: u8 = 0;
const ASKED_FOR: u8 = 1;
const OWN: u8 = 2;

/// The interval between tries to begin a change while the library's own is under way.
const NAP: Duration = Duration::from_millis(1);

/// A change of the handlers that is under way.
pub(super) struct ChangeGuard<'a>(&'a AtomicU8);

impl Drop for ChangeGuard<'_> {
    fn drop(&mut self) {
        self.0.store(FREE, Release);
    }
}

impl Logging {
    pub(super) fn new(
        registry: Arc<Registry>,
        workers: Vec<Arc<Worker>>,
        loggers: Vec<(String, LoggerSettings)>,
        clock: Clock,
        max_queue_bytes: usize,
    ) -> Self {
        registry.configure(workers.iter().map(|worker| worker.queue.clone()).collect(), loggers);
        let inner = LoggingSystem {
            registry,
            workers: Mutex::new(Workers { current: workers, ..Workers::default() }),
            clock,
            max_queue_bytes,
            changing: AtomicU8::new(FREE),
            closing: AtomicBool::new(false),
            over: AtomicBool::new(false),
            process: std::process::id(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Keeps the data that the system was made from.
    #[cfg(feature = "config")]
    pub(super) fn set_spec(&self, spec: Option<Arc<super::Spec>>) {
        lock(&self.inner.workers).spec = spec;
    }

    /// Returns the configuration in force, as data; `None` if code made it without a [`Spec`](super::Spec).
    #[cfg(feature = "config")]
    pub fn spec(&self) -> Option<Arc<super::Spec>> {
        lock(&self.inner.workers).spec.clone()
    }

    /// Keeps what is known of a watcher, which ends with the system.
    #[cfg(feature = "config")]
    pub(super) fn add_watched(&self, watched: Arc<Watched>) {
        lock(&self.inner.workers).watched.push(watched);
    }

    /// Returns the time of the system's clock.
    #[cfg(feature = "config")]
    pub(super) fn now(&self) -> Timestamp {
        Timeline::new(&self.inner.clock).timestamp(self.inner.clock.ticks())
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Returns a reference that does not keep the system.
    pub(super) fn downgrade(&self) -> WeakLogging {
        WeakLogging(Arc::downgrade(&self.inner))
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.inner.registry
    }

    /// Returns the handlers, and those that were removed and are still there.
    fn workers(&self) -> Vec<Arc<Worker>> {
        lock(&self.inner.workers).all()
    }

    pub(super) fn current_workers(&self) -> Vec<Arc<Worker>> {
        lock(&self.inner.workers).current.clone()
    }

    pub(super) fn set_workers(&self, change: impl FnOnce(&mut Vec<Arc<Worker>>)) {
        change(&mut lock(&self.inner.workers).current);
    }

    /// Keeps a handler that was removed until nobody can log to it.
    pub(super) fn add_leaving(&self, worker: Arc<Worker>) {
        lock(&self.inner.workers).leaving.push(worker);
    }

    /// Takes handlers that come back out of those that were removed.
    pub(super) fn take_leaving(&self, back: &[Arc<Worker>]) {
        lock(&self.inner.workers).leaving.retain(|worker| !back.iter().any(|other| Arc::ptr_eq(worker, other)));
    }

    pub(super) fn set_probation(&self, probation: Probation) {
        lock(&self.inner.workers).probation = Some(probation);
    }

    pub(super) fn take_probation(&self) -> Option<Probation> {
        lock(&self.inner.workers).probation.take()
    }

    pub(super) fn note_rollback(&self, why: &str) {
        let mut workers = lock(&self.inner.workers);
        workers.rollbacks += 1;
        workers.last_reload_error = Some(why.to_owned());
    }

    pub(super) fn note_reload(&self, error: Option<&Error>) {
        let mut workers = lock(&self.inner.workers);
        match error {
            None => workers.reloads += 1,
            Some(error) => {
                workers.failed_reloads += 1;
                workers.last_reload_error = Some(format!("{error:#}"));
            }
        }
    }

    /// Returns the handler of this name.
    ///
    /// # Errors
    ///
    /// There is none; the error names those that there are.
    pub(super) fn worker(&self, name: &str) -> Result<Arc<Worker>, Error> {
        let workers = self.current_workers();
        let found = workers.iter().find(|worker| &*worker.queue.name == name).cloned();
        found.ok_or_else(|| no_handler(name, workers.iter().map(|worker| &*worker.queue.name)))
    }

    /// Starts a handler that is one of `count`.
    pub(super) fn spawn(
        &self,
        name: &str,
        spec: HandlerSpec,
        count: usize,
        gate: Option<Receiver<Infallible>>,
        trial: Option<Trial>,
    ) -> Result<Arc<Worker>, Error> {
        let (bytes, renew) = (self.inner.max_queue_bytes / count.max(1), self.registry().renewer());
        Worker::spawn(name, spec, bytes, &self.inner.clock, gate, trial, Some(renew))
    }

    /// Begins a change that waits for handlers, one at a time.
    ///
    /// # Errors
    ///
    /// Those of [`begin_addition`](Self::begin_addition); or a handler could not deliver while this thread waits.
    pub(super) fn begin_change(&self, what: &str) -> Result<ChangeGuard<'_>, Error> {
        worker::may_change(&self.current_workers())?;
        self.begin_addition(what)
    }

    /// Begins a change of the handlers that waits for none. It ends the probation of the one before.
    ///
    /// # Errors
    ///
    /// Another one is under way; this is a handler's thread, which would wait for itself; or the system was shut down.
    pub(super) fn begin_addition(&self, what: &str) -> Result<ChangeGuard<'_>, Error> {
        worker::may_wait("change of handlers")?;
        if self.inner.is_over() {
            return Err(Error::closed(format_args!("the logging system, so that nobody can {what},")));
        }
        loop {
            match self.inner.changing.compare_exchange(FREE, ASKED_FOR, AcqRel, Acquire) {
                Ok(_) => break,
                Err(OWN) => std::thread::sleep(NAP),
                Err(_) => {
                    return Err(Error::other(format!("cannot {what}: another change of the handlers is under way")));
                }
            }
        }
        let guard = ChangeGuard(&self.inner.changing);
        self.end_probation();
        Ok(guard)
    }

    /// Begins a change that ends a probation, unless another one is under way.
    pub(super) fn begin_own_change(&self) -> Option<ChangeGuard<'_>> {
        self.inner.changing.compare_exchange(FREE, OWN, AcqRel, Acquire).ok()?;
        Some(ChangeGuard(&self.inner.changing))
    }

    /// Returns whether the configuration is on the probation that has this failure.
    pub(super) fn has_probation(&self, failure: &Arc<OnceLock<String>>) -> bool {
        let workers = lock(&self.inner.workers);
        workers.probation.as_ref().is_some_and(|probation| Arc::ptr_eq(&probation.failure, failure))
    }

    /// Returns the global system, if it was set up and not shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Level, Logging, basic_config, info};
    /// use std::time::Duration;
    ///
    /// basic_config(Level::Info)?;
    /// let capture = FemtoCaptureHandler::new();
    /// if let Some(logging) = Logging::global() {
    ///     logging.add_handler("capture", capture.clone())?;
    ///     logging.root_logger().add_handler("capture")?;
    /// }
    /// info!("captured, too");
    /// femtologging::flush(Duration::from_secs(5))?;
    /// assert_eq!(capture.messages(), ["captured, too"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn global() -> Option<Self> {
        global().filter(|logging| !logging.inner.is_over())
    }

    /// Returns the logger of this name, which is created if it does not exist. Parts of a name are separated by `.` or
    /// `::`; the root logger's name is empty or `root`.
    ///
    /// # Errors
    ///
    /// A name with an empty part, a single colon or a control character is invalid.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    ///
    /// let logging = Config::builder().build()?;
    /// let db = logging.get_logger("shop::db")?;
    /// assert_eq!(db.parent().map(|parent| parent.name().to_owned()), Some("shop".to_owned()));
    /// assert!(logging.get_logger("shop..db").unwrap_err().is_invalid_name());
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn get_logger(&self, name: &str) -> Result<FemtoLogger, Error> {
        self.inner.registry.get_logger(name)
    }

    /// Returns the root logger.
    pub fn root_logger(&self) -> FemtoLogger {
        self.inner.registry.root()
    }

    /// Waits until everything logged before this call, by any thread, is written and flushed by every handler.
    ///
    /// Flushes may run concurrently; each gets its own answer.
    ///
    /// # Errors
    ///
    /// Names each handler that failed to write or flush, or that was not done after `timeout`, with the number of
    /// records that are not written.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Config, FemtoFileHandler, info};
    /// use std::time::Duration;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// let file = FemtoFileHandler::builder().path(&path).build()?;
    /// let logging = Config::builder().add_handler("file", file).build()?;
    /// info!(logger: logging.get_logger("app")?, "saved");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert!(std::fs::read_to_string(&path)?.ends_with(" saved\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        worker::flush(&self.workers(), timeout)
    }

    /// Begins a flush, and returns a future that waits for it without blocking a thread.
    ///
    /// The future has the same answer as [`flush`](Self::flush), and can be awaited on any executor. See
    /// [`FlushFuture`].
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, Error, Logging, info};
    /// use std::time::Duration;
    ///
    /// async fn invocation(logging: &Logging) -> Result<(), Error> {
    ///     info!(logger: logging.root_logger(), "done");
    ///     logging.flush_async(Duration::from_secs(2)).await
    /// }
    ///
    /// let logging = Config::builder().add_handler("capture", FemtoCaptureHandler::new()).build()?;
    /// # drop(invocation(&logging));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn flush_async(&self, timeout: Duration) -> FlushFuture {
        FlushFuture::new(|task| worker::begin_flush(&self.workers(), timeout, Some(task)))
    }

    /// Shuts the handlers down: what was logged is written and flushed, and their threads end. Records logged later are
    /// counted as dropped.
    ///
    /// A call while another one is under way waits for the same shutdown, up to its own timeout. A call after the
    /// handlers have ended has nothing to do and succeeds.
    ///
    /// # Errors
    ///
    /// Names each handler that failed to write, flush or close, or that was not done after `timeout`. On a handler's
    /// thread, which would wait for itself, an error at once; nothing is shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, info};
    /// use std::time::Duration;
    ///
    /// let capture = FemtoCaptureHandler::new();
    /// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
    /// let logger = logging.get_logger("app")?;
    /// info!(logger: logger, "in time");
    /// logging.shutdown(Duration::from_secs(5))?;
    /// info!(logger: logger, "too late");
    /// assert_eq!(capture.messages(), ["in time"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn shutdown(&self, timeout: Duration) -> Result<(), Error> {
        self.begin_shutdown(timeout, None)?.wait()
    }

    /// Begins a shutdown, and returns a future that waits for it without blocking a thread.
    ///
    /// The loggers are closed when this returns; the future has the same answer as [`shutdown`](Self::shutdown). See
    /// [`FlushFuture`].
    ///
    /// # Errors
    ///
    /// Those of [`shutdown`](Self::shutdown).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Error, Logging};
    /// use std::time::Duration;
    ///
    /// async fn stop(logging: Logging) -> Result<(), Error> {
    ///     logging.shutdown_async(Duration::from_secs(5)).await
    /// }
    /// # let _ = stop;
    /// ```
    pub fn shutdown_async(&self, timeout: Duration) -> FlushFuture {
        FlushFuture::new(|task| self.begin_shutdown(timeout, Some(task)))
    }

    fn begin_shutdown(&self, timeout: Duration, task: Option<Arc<Task>>) -> Result<Waiting, Error> {
        worker::may_shut_down(&self.workers(), &task)?;
        self.inner.close_loggers();
        worker::begin_close(&self.workers(), timeout, task)
    }

    /// Returns the counters of all handlers.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoNullHandler;
    /// use femtologging::{Config, info};
    /// use std::time::Duration;
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// info!(logger: logging.get_logger("app")?, "counted");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert_eq!(logging.metrics().handler("null").map(|handler| handler.written), Some(1));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn metrics(&self) -> Metrics {
        let mut workers = lock(&self.inner.workers);
        let (removed, gone) = workers.removed();
        let metrics = Metrics {
            removed,
            reloads: workers.reloads,
            failed_reloads: workers.failed_reloads,
            rollbacks: workers.rollbacks,
            last_reload_error: workers.last_reload_error.clone(),
            watches: workers.watches(),
            ..metrics_of(&workers.current)
        };
        drop(workers);
        // Handlers without a thread are dropped here, which is user code.
        drop(gone);
        metrics
    }

    /// Disables records of this level and below, whatever the levels of loggers, as CPython's `logging.disable` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoNullHandler;
    /// use femtologging::{Config, Level};
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// let logger = logging.get_logger("app")?;
    /// logging.disable(Level::Warn);
    /// assert!(!logger.is_enabled_for(Level::Warn) && logger.is_enabled_for(Level::Error));
    /// logging.enable_all();
    /// assert!(logger.is_enabled_for(Level::Warn));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn disable(&self, level: Level) {
        self.inner.registry.disable(Some(level));
    }

    /// Enables all levels that [`disable`](Self::disable) disabled.
    pub fn enable_all(&self) {
        self.inner.registry.disable(None);
    }

    /// Sets the minimum level of a handler.
    ///
    /// # Errors
    ///
    /// There is no handler of this name.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoNullHandler;
    /// use femtologging::{Config, LevelFilter};
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// logging.set_handler_level("null", LevelFilter::Off)?;
    /// assert!(logging.set_handler_level("nul", LevelFilter::Off).is_err());
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn set_handler_level(&self, name: &str, level: impl Into<LevelFilter>) -> Result<(), Error> {
        self.inner.registry.set_handler_level(name, level.into())
    }
}

impl LoggingSystem {
    /// Returns whether it was shut down, or this is a child of `fork`.
    fn is_over(&self) -> bool {
        self.over.load(Acquire) || self.process != std::process::id()
    }

    fn close_loggers(&self) {
        // The registry may be another system's by the time of a second call, and as soon as this one is over.
        if !self.closing.swap(true, AcqRel) {
            lock(&self.workers).end_watches();
            self.registry.close();
            self.over.store(true, Release);
        }
    }
}

impl Drop for LoggingSystem {
    fn drop(&mut self) {
        if self.is_over() {
            return;
        }
        let handlers = lock(&self.workers).all();
        if worker::would_deadlock(&handlers) {
            // The handlers' threads end by themselves when their command channels are closed.
            drop(handlers);
            self.registry.close();
            let mut workers = lock(&self.workers);
            workers.end_watches();
            let all = workers.all();
            drop(workers);
            return all.iter().for_each(|worker| worker.queue.close());
        }
        self.close_loggers();
        let workers = lock(&self.workers).all();
        if let Err(error) = worker::end(&workers, PATIENCE) {
            notify("shutdown", format_args!("{error:#}"));
        }
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logging").field("metrics", &self.metrics()).finish()
    }
}

/// The system that [`ConfigBuilder::build_and_init`] has set up.
static GLOBAL: Mutex<Option<Logging>> = Mutex::new(None);

/// Calls `set_up` and makes its result the global system, unless there is one.
pub(super) fn init(set_up: impl FnOnce(Arc<Registry>) -> Result<Logging, Error>) -> Result<(), Error> {
    // Set during the set-up, which runs user code (filters, the error hook) and therefore holds no lock: to the number
    // of the process, because a child of `fork` does not have the thread that would reset it.
    static BUSY: AtomicU64 = AtomicU64::new(0);
    let exists = || global().is_some_and(|logging| !logging.inner.is_over());
    let own = u64::from(generation()) + 1;
    if exists() || BUSY.swap(own, AcqRel) == own {
        return Err(Error::already_initialized("the global logging system, which `femtologging::shutdown` would end,"));
    }
    let _busy = Busy(&BUSY);
    let old = set_up(Registry::global().clone()).map(|logging| lock(&GLOBAL).replace(logging))?;
    drop(old);
    Ok(())
}

/// Ends the set-up of the global system, also when user code panics.
struct Busy(&'static AtomicU64);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

pub(super) fn global() -> Option<Logging> {
    lock(&GLOBAL).clone()
}

/// Returns the workers to which flush, shutdown and metrics of the global system apply: its own, and that of the
/// handler of last resort.
fn global_workers() -> Vec<Arc<Worker>> {
    let own = global().map(|logging| logging.workers()).unwrap_or_default();
    own.into_iter().chain(FemtoLogger::last_resort()).collect()
}

/// Returns the global system's logger of this name; see [`Logging::get_logger`].
///
/// It may be asked for before the system is set up.
///
/// # Errors
///
/// A name with an empty part, a single colon or a control character is invalid.
///
/// # Examples
///
/// ```
/// let logger = femtologging::get_logger("app.db")?;
/// assert_eq!(logger, femtologging::get_logger("app::db")?);
/// assert!(femtologging::get_logger("app..db").is_err());
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn get_logger(name: &str) -> Result<FemtoLogger, Error> {
    Registry::global().get_logger(name)
}

/// Returns the global system's root logger.
///
/// # Examples
///
/// ```
/// use femtologging::{LevelFilter, root_logger};
///
/// // Before anything is configured, as in CPython:
/// assert_eq!(root_logger().effective_level(), LevelFilter::Warn);
/// ```
pub fn root_logger() -> FemtoLogger {
    Registry::global().root()
}

/// Flushes the global system; see [`Logging::flush`].
///
/// # Errors
///
/// What is not written, by handler.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// if let Err(error) = femtologging::flush(Duration::from_secs(5)) {
///     eprintln!("the log is not complete: {error}");
/// }
/// ```
pub fn flush(timeout: Duration) -> Result<(), Error> {
    worker::flush(&global_workers(), timeout)
}

/// Begins a flush of the global system, and returns a future that waits for it; see [`Logging::flush_async`].
///
/// # Errors
///
/// Those of [`flush`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// async fn end_of_invocation() {
///     if let Err(error) = femtologging::flush_async(Duration::from_secs(2)).await {
///         eprintln!("the log is not complete: {error}");
///     }
/// }
/// # let _ = end_of_invocation;
/// ```
pub fn flush_async(timeout: Duration) -> FlushFuture {
    FlushFuture::new(|task| worker::begin_flush(&global_workers(), timeout, Some(task)))
}

/// Shuts the global system down; see [`Logging::shutdown`]. It can then be set up again.
///
/// The handler of last resort, if any record came to it, is flushed and goes on.
///
/// # Errors
///
/// What was lost, by handler.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, basic_config, info, shutdown};
/// use std::time::Duration;
///
/// basic_config(Level::Info)?;
/// info!("the last words");
/// shutdown(Duration::from_secs(5))?;
/// basic_config(Level::Debug)?;
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn shutdown(timeout: Duration) -> Result<(), Error> {
    begin_shutdown(timeout, None)?.wait()
}

/// Begins a shutdown of the global system, and returns a future that waits for it; see [`Logging::shutdown_async`].
///
/// # Errors
///
/// Those of [`shutdown`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// async fn stop() -> Result<(), femtologging::Error> {
///     femtologging::shutdown_async(Duration::from_secs(5)).await
/// }
/// # let _ = stop;
/// ```
pub fn shutdown_async(timeout: Duration) -> FlushFuture {
    FlushFuture::new(|task| begin_shutdown(timeout, Some(task)))
}

fn begin_shutdown(timeout: Duration, task: Option<Arc<Task>>) -> Result<Waiting, Error> {
    let own = global().map(|logging| logging.begin_shutdown(timeout, task.clone())).transpose()?;
    let last_resort = worker::begin_flush(FemtoLogger::last_resort().as_slice(), timeout, task)?;
    Ok(match own {
        Some(own) => own.and(last_resort),
        None => last_resort,
    })
}

/// Returns the counters of the global system's handlers.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, basic_config, metrics};
///
/// basic_config(Level::Info)?;
/// assert_eq!(
///     metrics().to_string(),
///     "console: 0 emitted = 0 written + 0 dropped + 0 failed + 0 in flight; 0 bytes in 0 batches, 0 errors",
/// );
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn metrics() -> Metrics {
    let own = global().map(|logging| logging.metrics()).unwrap_or_else(|| metrics_of(&[]));
    let last_resort = FemtoLogger::last_resort().map(|worker| worker.metrics());
    Metrics { handlers: own.handlers.into_iter().chain(last_resort).collect(), ..own }
}

fn metrics_of(workers: &[Arc<Worker>]) -> Metrics {
    Metrics {
        handlers: workers.iter().map(|worker| worker.metrics()).collect(),
        truncated: limits::cut(),
        unrouted: metrics::unrouted(),
        notices_dropped: notices_dropped(),
        ..Metrics::default()
    }
}

/// Disables records of this level and below in the global system; see [`Logging::disable`].
///
/// # Examples
///
/// ```
/// use femtologging::{Level, disable, enable_all, enabled};
///
/// disable(Level::Error);
/// assert!(!enabled!(Level::Error));
/// assert!(enabled!(Level::Critical));
/// enable_all();
/// assert!(enabled!(Level::Error));
/// ```
pub fn disable(level: Level) {
    Registry::global().disable(Some(level));
}

/// Enables all levels that [`disable`] disabled.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, basic_config, disable, enable_all, get_logger};
///
/// basic_config(Level::Info)?;
/// disable(Level::Critical);
/// assert!(!get_logger("app")?.is_enabled_for(Level::Critical));
/// enable_all();
/// assert!(get_logger("app")?.is_enabled_for(Level::Info)); // by the loggers' own levels again
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn enable_all() {
    Registry::global().disable(None);
}

/// Returns the most verbose level that any logger of the global system lets through, as `log::max_level` does.
///
/// A call that is more verbose goes nowhere. It takes a lock; to skip work for one call, use
/// [`enabled!`](crate::enabled).
///
/// # Examples
///
/// ```
/// use femtologging::{Level, LevelFilter, basic_config, get_logger, max_level};
///
/// basic_config(Level::Warn)?;
/// assert_eq!(max_level(), LevelFilter::Warn);
/// get_logger("app.db")?.set_level(Level::Debug);
/// assert_eq!(max_level(), LevelFilter::Debug);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn max_level() -> LevelFilter {
    Registry::global().most_verbose()
}

/// Sets the level of the root logger, and disables everything that is more verbose, whatever level other loggers have:
/// what `log::set_max_level` is used for.
///
/// [`max_level`] is then this level, unless the build has compiled it out. Loggers with a more restrictive level of
/// their own keep it. The limit lasts until the next call, [`disable`] or [`enable_all`]; a new configuration keeps it.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, LevelFilter, basic_config, enabled, set_max_level};
///
/// let verbose = 2;
/// basic_config(Level::Warn)?;
/// set_max_level([LevelFilter::Warn, LevelFilter::Info, LevelFilter::Debug][verbose]);
/// assert!(enabled!(Level::Debug));
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn set_max_level(level: impl Into<LevelFilter>) {
    Registry::global().set_most_verbose(level.into());
}

/// Sets the minimum level of a handler of the global system.
///
/// # Errors
///
/// There is no handler of this name.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, basic_config, set_handler_level};
///
/// basic_config(Level::Info)?;
/// set_handler_level("console", Level::Error)?;
/// assert!(set_handler_level("konsole", Level::Error).is_err());
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn set_handler_level(name: &str, level: impl Into<LevelFilter>) -> Result<(), Error> {
    Registry::global().set_handler_level(name, level.into())
}
