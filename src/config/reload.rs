//! Changes of a system that runs: of single handlers, and of everything at once.
//!
//! # How a record comes through a change
//!
//! | handler | what happens | its records |
//! |---|---|---|
//! | kept | nothing | go on |
//! | replaced | its thread delivers what was logged, closes it, starts the new one | each goes to one of the two |
//! | removed | its thread delivers what is there, and ends when no thread has its rings | all are delivered |
//! | added | its thread starts | begin after the removed handlers have ended |
//!
//! So no record is lost by a change. The exception is a call that was interrupted between its look at the routes and
//! its ring, a few nanoseconds, for longer than a removed handler lives on: its record is counted as dropped
//! (`Closed`).
//!
//! Everything that can fail is done before anything is changed: handlers are built by their builders (files are opened,
//! certificates read), names and levels are checked, threads are started. A failure drops what was started.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "config")]
use super::builder::Config;
use super::builder::{CheckedConfig, ConfigBuilder, HandlerPart, handler_name_problem};
use super::logging::{ChangeGuard, Logging};
use super::probation::Probation;
use super::rollback::REPORTS;
use crate::error::{Error, Problem};
use crate::exit;
use crate::filter::FemtoFilter;
use crate::formatter::FemtoFormatter;
use crate::handler::{HandlerSpec, IntoHandler};
use crate::logger::dispatch;
use crate::sync::channel::{self, Receiver, Sender};
use crate::time::uptime;
use crate::value::limits;
use crate::worker::{self, Change, Trial, Verdict, Worker};

/// How long a removed handler lives on after it has delivered everything, for threads that have its rings and do not
/// log, while another one waits for its end. A thread that logs lets go of it at once.
const GRACE: Duration = Duration::from_millis(250);

/// The account of a change of the configuration, by [`Logging::reconfigure`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reload {
    /// Handlers that went on as they are.
    pub kept: Vec<String>,
    /// Handlers that others of the same name took the place of.
    pub changed: Vec<String>,
    /// New handlers.
    pub added: Vec<String>,
    /// Handlers that the new configuration does not name.
    pub removed: Vec<String>,
    /// Records that the changed and removed handlers delivered during the change.
    pub drained: u64,
    /// Records that they could not deliver, or that came too late for them: dropped or failed. Each is counted in
    /// [`metrics`](Logging::metrics), too.
    pub lost: u64,
    /// Records that they had not delivered when the change returned, because its timeout was over. They are delivered,
    /// or counted as lost, later; see [`Metrics::removed`](crate::metrics::Metrics::removed).
    pub draining: u64,
    /// How long the change took.
    pub took: Duration,
    /// How long the configuration before may come back; see [`ConfigBuilder::probation`].
    pub probation: Option<Duration>,
    /// What went wrong with the old handlers at their end. The change took place nevertheless.
    pub problems: Vec<String>,
}

impl fmt::Display for Reload {
    /// Writes one line: `2 kept, 1 changed (file), 0 added, 1 removed (net); 17 drained, 0 lost in 3 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, what) in
            [(&self.kept, "kept"), (&self.changed, "changed"), (&self.added, "added"), (&self.removed, "removed")]
        {
            write!(f, "{} {what}", count.len())?;
            if what != "kept" && !count.is_empty() {
                write!(f, " ({})", count.join(", "))?;
            }
            f.write_str(if what == "removed" { "; " } else { ", " })?;
        }
        write!(f, "{} drained, {} lost", self.drained, self.lost)?;
        if self.draining > 0 {
            write!(f, ", {} not delivered yet,", self.draining)?;
        }
        write!(f, " in {:?}", self.took)?;
        if let Some(probation) = self.probation {
            write!(f, "; on probation for {probation:?}")?;
        }
        self.problems.iter().try_for_each(|problem| write!(f, "; {problem}"))
    }
}

impl Logging {
    /// Adds a handler to the running system. No logger has it yet; see
    /// [`FemtoLogger::add_handler`](crate::FemtoLogger::add_handler).
    ///
    /// # Errors
    ///
    /// There is a handler of this name, or a handler cannot have it; the system starts no more threads; the system was
    /// shut down. Nothing has changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, info};
    /// use std::time::Duration;
    ///
    /// let logging = Config::builder().build()?;
    /// let logger = logging.root_logger();
    ///
    /// let capture = FemtoCaptureHandler::new();
    /// logging.add_handler("capture", capture.clone())?;
    /// logger.add_handler("capture")?;
    /// info!(logger: logger, "captured");
    /// logging.remove_handler("capture", Duration::from_secs(5))?;
    /// info!(logger: logger, "not any more");
    /// assert_eq!(capture.messages(), ["captured"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn add_handler(&self, name: impl Into<String>, handler: impl IntoHandler) -> Result<(), Error> {
        let name = name.into();
        let _change = self.begin_addition("add a handler")?;
        if let Some(problem) = handler_name_problem(&name) {
            return Err(Error::config(vec![problem]));
        }
        if self.worker(&name).is_ok() {
            let problem = "this name is taken: give the handler another one, or use replace_handler";
            return Err(Error::config(vec![Problem::new(format!("handlers.{name}"), "", problem)]));
        }
        let worker = self.spawn(&name, handler.into_handler(), self.current_workers().len() + 1, None, None)?;
        self.set_workers(|current| current.push(worker.clone()));
        self.registry().add_queue(worker.queue.clone());
        Ok(())
    }

    /// Puts another handler in the place of one, while records flow. What was logged before the call goes to the old
    /// one, which is then flushed and closed; everything later goes to the new one, in order and without a gap. Loggers
    /// that have the handler keep it, under the same name, and its counters go on.
    ///
    /// The old handler has until `timeout` to deliver.
    ///
    /// # Errors
    ///
    /// * There is no such handler; or the two have different [transports](crate::policy::Transport), which takes
    ///   [`reconfigure`](Self::reconfigure). Nothing has changed.
    /// * The old one is busy with earlier records for longer than `timeout`. Nothing has changed, or the new one takes
    ///   over when the old one is done; the error says which.
    /// * The old one could not deliver, flush or close. The new one has its place.
    pub fn replace_handler(&self, name: &str, handler: impl IntoHandler, timeout: Duration) -> Result<(), Error> {
        let spec = handler.into_handler();
        let _change = self.begin_change("replace a handler")?;
        let worker = self.worker(name)?;
        if worker.transport != spec.settings.transport {
            let remedy =
                format_args!("the running handler has {:?}: build it with that, or reconfigure", worker.transport);
            let problem =
                Problem::new(format!("handlers.{name}.transport"), format!("{:?}", spec.settings.transport), remedy);
            return Err(Error::config(vec![problem]));
        }
        let outcome = worker.change(Change::Handler(Box::new(spec), None), timeout);
        self.registry().renew_routes();
        outcome
    }

    /// Removes a handler from the system and from all loggers. What was logged to it before is delivered and flushed.
    ///
    /// Its thread ends when no other thread can log to it any more, or after `timeout`; see
    /// [`Metrics::removed`](crate::metrics::Metrics::removed) for its counters.
    ///
    /// # Errors
    ///
    /// There is no such handler; nothing has changed. Or: what it could not deliver, or not within `timeout`. It is
    /// removed nevertheless.
    pub fn remove_handler(&self, name: &str, timeout: Duration) -> Result<(), Error> {
        let _change = self.begin_change("remove a handler")?;
        let worker = self.worker(name)?;
        let start = uptime();
        self.set_workers(|current| current.retain(|known| !Arc::ptr_eq(known, &worker)));
        // Before the routes change: a thread that finds the new ones lets go of this queue.
        worker.queue.leave();
        self.registry().remove_queue(&worker.queue);
        dispatch::let_go();
        let outcome = worker::flush(std::slice::from_ref(&worker), timeout);
        let rest = time_left(start, timeout);
        worker.leave(rest, rest);
        self.add_leaving(worker);
        outcome
    }

    /// Exchanges the formatter of a handler that writes lines to a stream or a file. Records that were logged before
    /// the call have the old form.
    ///
    /// # Errors
    ///
    /// There is no such handler; it has no formatter that can be exchanged; or it does not come to it within
    /// `timeout`. Nothing has changed then.
    pub fn set_handler_formatter(
        &self,
        name: &str,
        formatter: impl FemtoFormatter,
        timeout: Duration,
    ) -> Result<(), Error> {
        let _change = self.begin_change("change a handler")?;
        self.worker(name)?.change(Change::Formatter(Box::new(formatter)), timeout)
    }

    /// Exchanges the filters of a handler. Records that were logged before the call are seen by the old ones.
    ///
    /// # Errors
    ///
    /// There is no such handler; or it does not come to it within `timeout`. Nothing has changed then.
    pub fn set_handler_filters(
        &self,
        name: &str,
        filters: impl IntoIterator<Item = Box<dyn FemtoFilter>>,
        timeout: Duration,
    ) -> Result<(), Error> {
        let filters = filters.into_iter().collect();
        let _change = self.begin_change("change a handler")?;
        self.worker(name)?.change(Change::Filters(filters), timeout)
    }

    /// Puts another configuration in the place of this one, while records flow, and loses none. One record of the
    /// logger `femtologging.config` gives the account, or says at `Warn` why nothing has changed.
    ///
    /// The new configuration is complete: handlers that it does not name are removed, and loggers that it does not name
    /// have no settings of their own. [`keep_handler`](ConfigBuilder::keep_handler) keeps a handler as it is.
    ///
    /// Handlers of the old configuration have until `timeout` to deliver what was logged before; those that it removes
    /// may have [another time](ConfigBuilder::drain_timeout). Levels and routes
    /// change at once for all loggers. The clock and the memory of queues that exist stay.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the new configuration, in one error; or another change is under way; or the system
    /// was shut down. Nothing has changed then. What goes wrong with the *old* handlers is no error; it is in
    /// [`Reload::problems`].
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, Level, debug, info};
    /// use std::time::Duration;
    ///
    /// let (first, second) = (FemtoCaptureHandler::new(), FemtoCaptureHandler::new());
    /// let logging = Config::builder().add_handler("log", first.clone()).build()?;
    /// let logger = logging.get_logger("app")?;
    /// info!(logger: logger, "before");
    ///
    /// let config = Config::builder().default_level(Level::Debug).add_handler("log", second.clone());
    /// let reload = logging.reconfigure(config, Duration::from_secs(5))?;
    /// debug!(logger: logger, "after");
    /// logging.flush(Duration::from_secs(5))?;
    ///
    /// assert_eq!(first.messages(), ["before"]);
    /// assert_eq!(second.messages(), [format!("the configuration has changed: {reload}"), "after".into()]);
    /// assert_eq!((reload.changed, reload.lost), (vec!["log".to_owned()], 0));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn reconfigure(&self, config: ConfigBuilder, timeout: Duration) -> Result<Reload, Error> {
        self.reconfigure_by(self.begin_change("reconfigure"), timeout, || Ok(config))
    }

    fn reconfigure_by(
        &self,
        change: Result<ChangeGuard<'_>, Error>,
        timeout: Duration,
        config: impl FnOnce() -> Result<ConfigBuilder, Error>,
    ) -> Result<Reload, Error> {
        let start = uptime();
        let result = change.and_then(|_change| {
            let plan = self.plan(config()?, timeout)?;
            Ok(self.carry_out(plan, timeout))
        });
        let result = result.map(|reload| Reload { took: uptime().saturating_sub(start), ..reload });
        self.note_reload(result.as_ref().err());
        let logger = self.registry().logger(REPORTS);
        match &result {
            Ok(reload) => info!(logger: logger, "the configuration has changed: {}", reload),
            Err(error) => warn!(logger: logger, "the configuration has not changed"; error:err),
        }
        result
    }

    /// Puts a configuration that is data in the place of this one, while records flow; see
    /// [`reconfigure`](Self::reconfigure).
    ///
    /// A handler whose settings, formatter, filters and inner handlers say the same as those of the configuration in
    /// force **goes on as it is**: same thread, file or connection, and counters. All others are made anew.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the new configuration, each with its position and a remedy; or as for
    /// [`reconfigure`](Self::reconfigure). Nothing has changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::config::{Format, Registry, Spec};
    /// use std::time::Duration;
    ///
    /// let registry = Registry::new();
    /// let spec = Spec::from_str("handlers.console.type = \"stream\"", Format::Toml)?;
    /// let logging = Config::from_spec(&spec, &registry)?.build()?;
    ///
    /// let text = "root.level = \"debug\"\nhandlers.console.type = \"stream\"\nhandlers.null.type = \"null\"";
    /// let reload = logging.reload(&Spec::from_str(text, Format::Toml)?, &registry, Duration::from_secs(5))?;
    /// assert_eq!((reload.kept, reload.added), (vec!["console".to_owned()], vec!["null".to_owned()]));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    #[cfg(feature = "config")]
    pub fn reload(&self, spec: &super::Spec, registry: &super::Registry, timeout: Duration) -> Result<Reload, Error> {
        self.reconfigure_by(self.begin_change("reconfigure"), timeout, || {
            Config::from_spec_but(self.spec().as_deref(), spec, registry)
        })
    }

    /// The same, or a failure to load the configuration, unless another change is under way.
    #[cfg(feature = "config")]
    pub(super) fn reload_unless_busy(
        &self,
        spec: Result<super::Spec, Error>,
        registry: &super::Registry,
        timeout: Duration,
    ) -> Option<Result<Reload, Error>> {
        let change = self.begin_change("reconfigure").ok()?;
        Some(
            self.reconfigure_by(Ok(change), timeout, || {
                Config::from_spec_but(self.spec().as_deref(), &spec?, registry)
            }),
        )
    }

    /// Starts everything that is new. Nothing of the running system changes.
    fn plan(&self, config: ConfigBuilder, timeout: Duration) -> Result<Plan, Error> {
        let running = self.current_workers();
        let find = |name: &str| running.iter().find(|worker| &*worker.queue.name == name).cloned();
        let unknown = config.kept().filter(|name| find(name).is_none()).map(|name| {
            Problem::new(format!("handlers.{name}"), "", "there is no running handler of this name to keep: add it")
        });
        let unknown = unknown.collect();
        let mut checked = config.check(unknown)?;
        let (gate_keeper, gate) = channel::bounded(0);
        let (verdicts, heard) = channel::unbounded();
        let trial = checked.probation.map(|duration| Trial { duration, verdicts, failure: Arc::default() });
        let count = checked.sharers();
        let handlers = std::mem::take(&mut checked.handlers);
        let mut plan = Plan {
            checked,
            reload: Reload::default(),
            workers: Vec::new(),
            changes: Vec::new(),
            started: Vec::new(),
            leaving: Vec::new(),
            gate_keeper,
            trial,
            verdicts: heard,
        };
        for (name, part) in handlers {
            match (part, find(&name)) {
                (HandlerPart::Keep, Some(worker)) => {
                    plan.reload.kept.push(name);
                    plan.workers.push(worker);
                }
                (HandlerPart::New(spec), Some(worker)) if worker.transport == spec.settings.transport => {
                    plan.reload.changed.push(name);
                    plan.workers.push(worker.clone());
                    plan.changes.push((worker, spec));
                }
                (HandlerPart::New(spec), old) => {
                    match old {
                        // Another transport takes another queue: the old handler leaves as a removed one does.
                        Some(_) => plan.reload.changed.push(name.clone()),
                        None => plan.reload.added.push(name.clone()),
                    }
                    match self.spawn(&name, *spec, count, Some(gate.clone()), plan.trial.clone()) {
                        Ok(worker) => {
                            plan.started.push(worker.clone());
                            plan.workers.push(worker);
                        }
                        Err(error) => {
                            drop(plan.gate_keeper);
                            let _ = worker::close(&plan.started, timeout);
                            return Err(error);
                        }
                    }
                }
                // Not reached: it was checked above.
                (HandlerPart::Keep, None) => {}
            }
        }
        plan.leaving =
            running.into_iter().filter(|old| !plan.workers.iter().any(|new| Arc::ptr_eq(new, old))).collect();
        let names = plan.leaving.iter().map(|worker| worker.queue.name.to_string());
        plan.reload.removed = names.filter(|name| !plan.reload.changed.contains(name)).collect();
        Ok(plan)
    }

    /// Changes the routes, and then the handlers, all at the same time.
    fn carry_out(&self, plan: Plan, timeout: Duration) -> Reload {
        #[cfg_attr(not(feature = "config"), expect(unused_mut, reason = "only data brings more"))]
        let Plan { mut checked, mut reload, workers, changes, started, leaving, gate_keeper, trial, verdicts } = plan;
        let start = uptime();
        let drain_timeout = checked.drain_timeout.unwrap_or(timeout);
        let old: Vec<_> = changes.iter().map(|(worker, _)| worker).chain(&leaving).cloned().collect();
        let before = Outcomes::of(&old);
        let registry = self.registry();
        // Where nothing is new, nothing can fail.
        let trial = trial.filter(|_| !changes.is_empty() || !started.is_empty());
        reload.probation = trial.as_ref().map(|trial| trial.duration);
        let probation = trial.as_ref().map(|trial| Probation {
            workers: self.current_workers(),
            changed: changes.iter().map(|(worker, _)| worker.clone()).collect(),
            removed: leaving.clone(),
            started: started.clone(),
            loggers: registry.settings(),
            span_events: registry.span_events(),
            exit_timeout: exit::timeout(),
            limits: limits::get(),
            #[cfg(feature = "config")]
            spec: self.spec(),
            drain_timeout,
            failure: trial.failure.clone(),
        });
        self.set_workers(|current| current.clone_from(&workers));
        // Before the routes change: a thread that finds the new ones lets go of these queues.
        // One that may come back keeps them.
        if trial.is_none() {
            leaving.iter().for_each(|worker| worker.queue.leave());
        }
        registry.set_span_events(checked.span_events);
        #[cfg(feature = "config")]
        let data = std::mem::take(&mut checked.data);
        let settings = checked.logger_settings(&workers);
        #[cfg(feature = "config")]
        let loggers: Vec<_> = settings.clone();
        registry.reconfigure(workers.iter().map(|worker| worker.queue.clone()).collect(), settings);
        let mut problems = Vec::new();
        #[cfg(feature = "config")]
        problems.extend(data.apply(registry, &loggers).err());
        // This thread may have rings of those that leave, and logs nothing before they end.
        dispatch::let_go();
        let count = changes.len() + started.len();
        let changes = changes.into_iter().map(|(worker, spec)| (worker, Change::Handler(spec, trial.clone())));
        problems.extend(worker::change_all(changes.collect(), time_left(start, timeout)));
        // Where an old handler is still in its place, the next reload compares with the old data, and tries again.
        #[cfg(feature = "config")]
        if !problems.iter().any(Error::is_timeout) {
            self.set_spec(data.spec);
        }
        registry.renew_routes();
        problems.extend(worker::flush(&leaving, time_left(start, timeout.min(drain_timeout))).err());
        reload.problems = problems.iter().map(|error| format!("{error:#}")).collect();
        let is_awaited = trial.is_none() && !started.is_empty() && !leaving.is_empty();
        let rest = time_left(start, drain_timeout);
        let grace = if is_awaited { GRACE.min(rest) } else { rest };
        if trial.is_none() {
            leaving.iter().for_each(|worker| worker.leave(grace, rest));
        }
        if is_awaited {
            worker::wait_for_ends(&leaving, rest.min(time_left(start, timeout)));
        }
        drop(gate_keeper);
        let after = Outcomes::of(&old);
        (reload.drained, reload.lost) = (after.written - before.written, after.lost - before.lost);
        reload.draining = leaving.iter().map(|worker| worker.metrics().in_flight).sum();
        leaving.into_iter().for_each(|worker| self.add_leaving(worker));
        if let (Some(probation), Some(trial)) = (probation, trial) {
            self.set_probation(probation);
            // Without the thread, the next change ends the probation.
            let watched = self.watch_over(verdicts, count, trial);
            reload.problems.extend(watched.err().map(|error| format!("{error:#}")));
        }
        reload
    }
}

/// Returns what is left of a timeout that began at `start`.
fn time_left(start: Duration, timeout: Duration) -> Duration {
    timeout.saturating_sub(uptime().saturating_sub(start))
}

/// What a change of everything will do. All that is new has been started.
struct Plan {
    checked: CheckedConfig,
    reload: Reload,
    /// The handlers of the new configuration, in its order.
    workers: Vec<Arc<Worker>>,
    changes: Vec<(Arc<Worker>, Box<HandlerSpec>)>,
    /// Those that were started. They wait for `gate_keeper` to be dropped.
    started: Vec<Arc<Worker>>,
    leaving: Vec<Arc<Worker>>,
    gate_keeper: Sender<Infallible>,
    trial: Option<Trial>,
    /// What the handlers on trial say.
    verdicts: Receiver<Verdict>,
}

/// Sums of the counters of some handlers.
struct Outcomes {
    written: u64,
    lost: u64,
}

impl Outcomes {
    fn of(workers: &[Arc<Worker>]) -> Self {
        workers.iter().map(|worker| worker.metrics()).fold(Self { written: 0, lost: 0 }, |sum, metrics| Self {
            written: sum.written + metrics.written,
            lost: sum.lost + metrics.failed + metrics.dropped.total(),
        })
    }
}

/// Puts another configuration in the place of that of the global system; see [`Logging::reconfigure`].
///
/// # Errors
///
/// There is no global system; or as for [`Logging::reconfigure`]. Nothing has changed then.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoStreamHandler, Level, basic_config, debug, reconfigure};
/// use std::time::Duration;
///
/// basic_config(Level::Info)?;
/// let handler = FemtoStreamHandler::stderr().build()?;
/// let config = Config::builder().default_level(Level::Debug).add_handler("log", handler);
/// let reload = reconfigure(config, Duration::from_secs(5))?;
/// assert_eq!((reload.added, reload.removed), (vec!["log".to_owned()], vec!["console".to_owned()]));
/// debug!("now it is shown");
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn reconfigure(config: ConfigBuilder, timeout: Duration) -> Result<Reload, Error> {
    the_global_system()?.reconfigure(config, timeout)
}

/// Puts a configuration that is data in the place of that of the global system; see [`Logging::reload`].
///
/// # Errors
///
/// There is no global system; or as for [`Logging::reload`]. Nothing has changed then.
///
/// # Examples
///
/// ```
/// use femtologging::config::{Format, Registry, Spec};
/// use std::time::Duration;
///
/// femtologging::init()?;
/// let spec = Spec::from_str("root.level = \"debug\"\nhandlers.console.type = \"stream\"", Format::Toml)?;
/// femtologging::reload(&spec, &Registry::new(), Duration::from_secs(5))?;
/// femtologging::debug!("now it is shown");
/// # Ok::<(), femtologging::Error>(())
/// ```
#[cfg(feature = "config")]
pub fn reload(spec: &super::Spec, registry: &super::Registry, timeout: Duration) -> Result<Reload, Error> {
    the_global_system()?.reload(spec, registry, timeout)
}

fn the_global_system() -> Result<Logging, Error> {
    Logging::global().ok_or_else(|| Error::other("there is no global logging system that could change: set one up"))
}
