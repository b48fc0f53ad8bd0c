//! The builder of a logging system.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::logging::{self, Logging};
#[cfg(feature = "config")]
use super::{Spec, process, spec};
use crate::error::{Error, Problem, adopt_stderr, caught, notify};
use crate::filter::{Directives, FemtoFilter};
use crate::formatter::FemtoConsoleFormatter;
use crate::handler::{FemtoStreamHandler, HandlerSpec, IntoHandler};
use crate::level::{Level, LevelFilter};
use crate::logger::{LoggerFilter, LoggerSettings, Registry, canonical};
use crate::policy::{SpanEvents, Transport};
use crate::queue::Queue;
use crate::shutdown;
use crate::time::Clock;
#[cfg(feature = "config")]
use crate::value::Limits;
use crate::worker::{self, Worker};

/// The configuration of a logging system; start with [`Config::builder`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Config;

impl Config {
    /// Makes the handlers and loggers of a configuration that is data: files are opened, certificates are read. No
    /// thread is started before [`build`](ConfigBuilder::build), and code may add to the builder.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its position and a remedy. What was made is dropped again.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::config::{Format, Registry, Spec};
    ///
    /// let spec = Spec::from_str("handlers.console.type = \"stream\"", Format::Toml)?;
    /// let logging = Config::from_spec(&spec, &Registry::new())?.build()?;
    /// # drop(logging);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    #[cfg(feature = "config")]
    pub fn from_spec(spec: &Spec, registry: &super::Registry) -> Result<ConfigBuilder, Error> {
        Self::from_spec_but(None, spec, registry)
    }

    /// The same, but keeps the handlers that `running` has with the same settings.
    #[cfg(feature = "config")]
    pub(super) fn from_spec_but(
        running: Option<&Spec>,
        spec: &Spec,
        registry: &super::Registry,
    ) -> Result<ConfigBuilder, Error> {
        let made = spec::make(spec, registry, running)?;
        let mut builder = Self::builder();
        for (name, handler) in made.handlers {
            builder = match handler {
                Some(handler) => builder.add_handler(name, handler),
                None => builder.keep_handler(name),
            };
        }
        for (name, logger) in made.loggers {
            builder = builder.add_logger(name, logger.into());
        }
        builder = builder.root_handlers(made.root.handlers);
        builder.default_level = made.root.level.unwrap_or(builder.default_level);
        if let Some(directives) = made.directives {
            builder = builder.directives(directives);
        }
        builder.span_events = made.span_events.unwrap_or(builder.span_events);
        builder.max_queue_bytes = made.max_queue_bytes.unwrap_or(builder.max_queue_bytes);
        builder.drain_timeout = made.drain_timeout;
        builder.probation = made.probation;
        builder.data = FromData {
            root_filters: made.root.filters,
            limits: made.limits,
            exit_timeout: made.exit_timeout,
            disable_existing_loggers: made.disable_existing_loggers,
            spec: Some(made.spec),
        };
        Ok(builder)
    }

    /// Starts a configuration.
    ///
    /// | setting | default | what it does |
    /// |---|---|---|
    /// | [`default_level`](ConfigBuilder::default_level) | `Info` | the root logger's level |
    /// | [`add_handler`](ConfigBuilder::add_handler) | none | adds a handler under a name |
    /// | [`root_handlers`](ConfigBuilder::root_handlers) | all | the root logger's handlers |
    /// | [`add_logger`](ConfigBuilder::add_logger) | none | everything about a logger |
    /// | [`directives`](ConfigBuilder::directives) | none | levels of loggers as text, which override all others |
    /// | [`directives_from_env`](ConfigBuilder::directives_from_env) | none | the same from an environment variable |
    /// | [`span_events`](ConfigBuilder::span_events) | `None` | which records spans log |
    /// | [`max_queue_bytes`](ConfigBuilder::max_queue_bytes) | 64 MiB | maximum memory of all handlers' queues |
    /// | [`clock`](ConfigBuilder::clock) | [`Clock::system`] | the clock that stamps records |
    /// | [`drain_timeout`](ConfigBuilder::drain_timeout) | that of the change | the time that removed handlers have |
    /// | [`probation`](ConfigBuilder::probation) | none | how long the configuration before may come back |
    ///
    /// [`set_limits`](crate::set_limits) and [`set_exit_timeout`](crate::set_exit_timeout) are settings of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Config, FemtoStreamHandler, Level, info};
    ///
    /// Config::builder()
    ///     .default_level(Level::Info)
    ///     .directives_from_env("RUST_LOG")
    ///     .add_handler("console", FemtoStreamHandler::stderr().build()?)
    ///     .build_and_init()?;
    /// info!("started");
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder {
            default_level: LevelFilter::Info,
            handlers: Vec::new(),
            root_handlers: None,
            loggers: Vec::new(),
            directives: Vec::new(),
            span_events: SpanEvents::default(),
            max_queue_bytes: MAX_QUEUE_BYTES,
            clock: None,
            drain_timeout: None,
            probation: None,
            #[cfg(feature = "config")]
            data: FromData::default(),
            problems: Vec::new(),
        }
    }
}

/// See [`ConfigBuilder::max_queue_bytes`].
const MAX_QUEUE_BYTES: usize = 64 << 20;

/// Builds a logging system. [`Config::builder`] lists the settings.
///
/// # Examples
///
/// ```
/// use femtologging::config::LoggerConfig;
/// use femtologging::{Config, FemtoStreamHandler, Level};
///
/// let logging = Config::builder()
///     .default_level(Level::Info)
///     .add_handler("console", FemtoStreamHandler::stderr().build()?)
///     .add_logger("my_app::network", LoggerConfig::new().level(Level::Trace).handlers(["console"]))
///     .build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[must_use]
pub struct ConfigBuilder {
    default_level: LevelFilter,
    handlers: Vec<(String, HandlerPart)>,
    root_handlers: Option<Vec<String>>,
    loggers: Vec<(String, LoggerConfig)>,
    directives: Vec<Directives>,
    span_events: SpanEvents,
    max_queue_bytes: usize,
    clock: Option<Clock>,
    drain_timeout: Option<Duration>,
    probation: Option<Duration>,
    #[cfg(feature = "config")]
    data: FromData,
    problems: Vec<Problem>,
}

/// What only a configuration from data has.
#[cfg(feature = "config")]
#[derive(Default)]
pub(super) struct FromData {
    root_filters: Vec<Arc<dyn FemtoFilter>>,
    limits: Option<Limits>,
    exit_timeout: Option<Duration>,
    disable_existing_loggers: bool,
    pub(super) spec: Option<Arc<Spec>>,
}

#[cfg(feature = "config")]
impl FromData {
    /// Applies what belongs to the process, or to loggers that exist. The limits are valid, so that this does not fail.
    pub(super) fn apply(&self, registry: &Arc<Registry>, loggers: &[(String, LoggerSettings)]) -> Result<(), Error> {
        if let Some(timeout) = self.exit_timeout {
            process::set_exit_timeout(timeout);
        }
        if self.disable_existing_loggers {
            registry.disable_others(loggers.iter().map(|(name, _)| name.as_str()));
        }
        self.limits.map_or(Ok(()), process::set_limits)
    }
}

/// A handler of a configuration.
#[derive(Debug)]
pub(crate) enum HandlerPart {
    New(Box<HandlerSpec>),
    /// That of this name which is running, as it is.
    Keep,
}

impl HandlerPart {
    fn has_queue(&self) -> bool {
        match self {
            Self::New(spec) => spec.settings.transport != Transport::Inline,
            Self::Keep => true,
        }
    }
}

/// The settings of one logger, for [`ConfigBuilder::add_logger`].
///
/// # Examples
///
/// ```
/// use femtologging::config::LoggerConfig;
/// use femtologging::handler::FemtoNullHandler;
/// use femtologging::{Config, FemtoLogRecord, Level};
///
/// let logging = Config::builder()
///     .add_handler("null", FemtoNullHandler)
///     .add_logger(
///         "noisy",
///         LoggerConfig::new()
///             .level(Level::Warn)
///             .handlers(["null"])
///             .propagate(false)
///             .filter(|record: &FemtoLogRecord<'_>| record.line() != 7),
///     )
///     .build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct LoggerConfig {
    level: Option<LevelFilter>,
    handlers: Vec<String>,
    no_propagation: bool,
    disabled: bool,
    filters: Vec<Arc<dyn FemtoFilter>>,
}

#[cfg(feature = "config")]
impl From<spec::MadeLogger> for LoggerConfig {
    fn from(made: spec::MadeLogger) -> Self {
        let spec::MadeLogger { level, handlers, filters, propagate, disabled } = made;
        Self { level, handlers, no_propagation: !propagate, disabled, filters }
    }
}

impl LoggerConfig {
    /// Makes settings without a level and handlers; records go to the ancestors' handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the minimum level of the logger.
    pub fn level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.level = Some(level.into());
        self
    }

    /// Sets the logger's own handlers, by name.
    pub fn handlers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.handlers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets whether records also go to the ancestors' handlers. `true` by default.
    pub fn propagate(mut self, propagate: bool) -> Self {
        self.no_propagation = !propagate;
        self
    }

    /// Sets whether the logger is disabled. `false` by default.
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = disabled;
        self
    }

    /// Adds a filter; see [`FemtoFilter`].
    pub fn filter(mut self, filter: impl FemtoFilter + 'static) -> Self {
        self.filters.push(Arc::new(filter));
        self
    }
}

/// Returns whether a handler cannot have this name.
fn is_bad(name: &str) -> bool {
    name.is_empty() || name.chars().any(char::is_control)
}

/// Returns why a handler cannot have this name.
pub(super) fn handler_name_problem(name: &str) -> Option<Problem> {
    let remedy = "give the handler a name, without control characters";
    is_bad(name).then(|| Problem::new("handlers", format!("{name:?}"), remedy))
}

impl ConfigBuilder {
    /// Sets the root logger's level, which applies to every logger without a level of its own or of a nearer ancestor.
    pub fn default_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.default_level = level.into();
        self
    }

    /// Adds a handler. Its thread is called `femtolog-<name>`.
    pub fn add_handler(self, name: impl Into<String>, handler: impl IntoHandler) -> Self {
        self.part(name.into(), HandlerPart::New(Box::new(handler.into_handler())))
    }

    /// Keeps a handler of a running system as it is: its thread, its file or connection, its counters. For
    /// [`Logging::reconfigure`], which removes the handlers that the new configuration does not name.
    pub fn keep_handler(self, name: impl Into<String>) -> Self {
        self.part(name.into(), HandlerPart::Keep)
    }

    fn part(mut self, name: String, part: HandlerPart) -> Self {
        if self.handlers.iter().any(|(known, _)| *known == name) {
            self.problems.push(Problem::new(
                format!("handlers.{name}"),
                "",
                "this name is taken: give every handler one of its own",
            ));
        }
        self.problems.extend(handler_name_problem(&name));
        self.handlers.push((name, part));
        self
    }

    /// Sets the root logger's handlers, by name. Without this call the root logger has all handlers.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::LoggerConfig;
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, info};
    /// use std::time::Duration;
    ///
    /// let (all, audit) = (FemtoCaptureHandler::new(), FemtoCaptureHandler::new());
    /// let logging = Config::builder()
    ///     .add_handler("all", all.clone())
    ///     .add_handler("audit", audit.clone())
    ///     .root_handlers(["all"]) // without this line, `audit` would get every record
    ///     .add_logger("shop.audit", LoggerConfig::new().handlers(["audit"]))
    ///     .build()?;
    /// info!(logger: logging.get_logger("shop")?, "opened");
    /// info!(logger: logging.get_logger("shop.audit")?, "sold");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert_eq!(all.messages(), ["opened", "sold"]);
    /// assert_eq!(audit.messages(), ["sold"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn root_handlers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.root_handlers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets a logger's level, handlers and filters, and whether its records also go to its ancestors' handlers.
    pub fn add_logger(mut self, name: impl Into<String>, config: LoggerConfig) -> Self {
        self.loggers.push((name.into(), config));
        self
    }

    /// Sets levels of loggers by [`Directives`], such as `info,my_app::db=debug,hyper=off`.
    ///
    /// They override the levels that other settings give to these loggers, and later ones override earlier ones. A
    /// directive with keys or a span is ignored with a warning: only a filter can apply it.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoNullHandler;
    /// use femtologging::{Config, LevelFilter};
    ///
    /// let config = Config::builder().add_handler("null", FemtoNullHandler);
    /// let logging = config.directives("warn,shop::db=debug,hyper=off").build()?;
    /// assert_eq!(logging.root_logger().effective_level(), LevelFilter::Warn);
    /// assert_eq!(logging.get_logger("shop::db::pool")?.effective_level(), LevelFilter::Debug);
    /// assert_eq!(logging.get_logger("hyper")?.effective_level(), LevelFilter::Off);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn directives(mut self, directives: impl Into<Directives>) -> Self {
        self.directives.push(directives.into());
        self
    }

    /// Sets levels of loggers by the [`Directives`] in an environment variable, such as `RUST_LOG`, if it is set.
    pub fn directives_from_env(mut self, variable: &str) -> Self {
        self.directives.extend(Directives::from_env(variable));
        self
    }

    /// Sets which records spans log, unless a span says otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::policy::SpanEvents;
    /// use femtologging::{Config, info_span};
    /// use std::time::Duration;
    ///
    /// let capture = FemtoCaptureHandler::new();
    /// let logging = Config::builder().span_events(SpanEvents::Both).add_handler("capture", capture.clone()).build()?;
    /// let logger = logging.get_logger("shop")?;
    /// info_span!(logger: logger, "load"; { /* … */ });
    /// logging.flush(Duration::from_secs(5))?;
    /// assert_eq!(capture.messages(), ["enter", "exit"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn span_events(mut self, events: SpanEvents) -> Self {
        self.span_events = events;
        self
    }

    /// Sets the maximum memory of the queues of all handlers at most, in bytes. Each handler has an equal share of it:
    /// for its rings, for payloads that are too large for them, and for its channel. What a handler has no room for is
    /// up to its [`OverflowPolicy`](crate::policy::OverflowPolicy).
    ///
    /// 64 MiB by default; at least 1 MiB. A handler whose [`Transport`](crate::policy::Transport) asks for rings of
    /// more than a quarter of its share gets four times such a ring. A payload of more than a quarter of the share
    /// counts as a quarter.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        if bytes < 1 << 20 {
            self.problems.push(Problem::new("max_queue_bytes", bytes, "give the queues 1 MiB at least"));
        }
        self.max_queue_bytes = bytes;
        self
    }

    /// Sets the clock that records are stamped with, such as a [`ManualClock`](crate::time::ManualClock) in tests.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::time::{Clock, ManualClock, Timestamp};
    /// use femtologging::{Config, info};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new(Timestamp::from_nanos(1_000_000_000));
    /// let capture = FemtoCaptureHandler::new();
    /// let logging = Config::builder().clock(Clock::manual(&clock)).add_handler("capture", capture.clone()).build()?;
    /// clock.advance(Duration::from_millis(500));
    /// info!(logger: logging.get_logger("app")?, "half a second later");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert_eq!(capture.records()[0].timestamp().as_nanos(), 1_500_000_000);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets how long the handlers that a change to this configuration removes may take to deliver what was logged
    /// before it. What is left then is counted as dropped or failed. Without this call it is the timeout of the change.
    ///
    /// A change does not wait for longer than its own timeout. Where this one is longer, removed handlers go on
    /// afterwards: [`Reload::draining`](super::Reload::draining) says how many records they still have.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = Some(timeout);
        self
    }

    /// Puts this configuration on probation when a change brings it: if a handler that is new or changed fails at its
    /// first delivery within this time, the configuration before comes back by itself. The time is that of the system's
    /// [clock](Self::clock). By default there is no probation.
    ///
    /// The handlers of the configuration before are put aside for this time, with their files and connections, and
    /// closed when all new handlers have delivered, when the time is over, or when the next change begins. A handler
    /// that took the place of another one, with the same [`Transport`], gives its records back, so that none is lost.
    /// What a handler has got that took no other's place is counted as failed.
    ///
    /// A delivery that a handler tries again is not a failure before the handler gives up.
    /// [`Metrics::rollbacks`](crate::metrics::Metrics::rollbacks), a notice, and a record of the logger
    /// `femtologging.config` say that the configuration has changed back, and why.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, Error, FemtoStreamHandler, info};
    /// use std::io;
    /// use std::time::Duration;
    ///
    /// struct Full;
    /// # impl io::Write for Full {
    /// #     fn write(&mut self, _: &[u8]) -> io::Result<usize> { Err(io::ErrorKind::StorageFull.into()) }
    /// #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
    /// # }
    /// let capture = FemtoCaptureHandler::new();
    /// let logging = Config::builder().add_handler("log", capture.clone()).build()?;
    /// let logger = logging.get_logger("app")?;
    ///
    /// let config = Config::builder().probation(Duration::from_secs(60));
    /// let config = config.add_handler("log", FemtoStreamHandler::builder(Full).build()?);
    /// logging.reconfigure(config, Duration::from_secs(5))?;
    /// info!(logger: logger, "not lost");
    /// # while logging.metrics().rollbacks == 0 { std::thread::yield_now() }
    /// logging.flush(Duration::from_secs(5))?;
    /// assert!(capture.messages().contains(&"not lost".to_owned()));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn probation(mut self, duration: Duration) -> Self {
        self.probation = Some(duration);
        self
    }

    /// Builds a logging system of its own, for calls with `logger:`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration, in one error; or a panic of a logger's filter that is asked for
    /// its [interest](FemtoFilter::interest). Nothing is started then.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, warn};
    /// use std::time::Duration;
    ///
    /// let capture = FemtoCaptureHandler::new();
    /// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
    /// let logger = logging.get_logger("app")?;
    /// warn!(logger: logger, "only here");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert_eq!(capture.messages(), ["only here"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn build(self) -> Result<Logging, Error> {
        self.build_in(Registry::new(false))
    }

    /// Builds the global logging system, for all calls without `logger:`.
    ///
    /// Settings of loggers made before, and not named here, stay.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration, in one error; or that the global system exists
    /// ([`Error::is_already_initialized`]) and was not [shut down](crate::shutdown). Nothing is changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Config, FemtoStreamHandler};
    ///
    /// let config = || Ok::<_, femtologging::Error>(
    ///     Config::builder().add_handler("console", FemtoStreamHandler::stderr().build()?),
    /// );
    /// config()?.build_and_init()?;
    /// assert!(config()?.build_and_init().unwrap_err().is_already_initialized());
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn build_and_init(self) -> Result<(), Error> {
        logging::init(|registry| self.build_in(registry))
    }

    fn build_in(self, registry: Arc<Registry>) -> Result<Logging, Error> {
        let kept = self.kept().map(|name| {
            Problem::new(
                format!("handlers.{name}"),
                "",
                "there is no running handler to keep: add one with add_handler",
            )
        });
        let kept = kept.collect();
        let mut checked = self.check(kept)?;
        adopt_stderr();
        let clock = checked.clock.take().unwrap_or_else(Clock::system);
        let mut workers: Vec<Arc<Worker>> = Vec::new();
        let sharers = checked.sharers();
        let share = checked.max_queue_bytes / sharers.max(1);
        for (name, part) in std::mem::take(&mut checked.handlers) {
            let HandlerPart::New(spec) = part else { continue };
            match Worker::spawn(&name, *spec, share, &clock, None, None, Some(registry.renewer())) {
                Ok(worker) => workers.push(worker),
                Err(error) => {
                    let _ = worker::close(&workers, logging::PATIENCE);
                    return Err(error);
                }
            }
        }
        registry.set_span_events(checked.span_events);
        if sharers > 0 {
            shutdown::install_exit_hook();
        }
        let max_queue_bytes = checked.max_queue_bytes;
        #[cfg(feature = "config")]
        let data = std::mem::take(&mut checked.data);
        let settings = checked.logger_settings(&workers);
        #[cfg(feature = "config")]
        data.apply(&registry, &settings)?;
        let logging = Logging::new(registry, workers, settings, clock, max_queue_bytes);
        #[cfg(feature = "config")]
        logging.set_spec(data.spec);
        Ok(logging)
    }

    /// Returns the names of the handlers to keep.
    pub(super) fn kept(&self) -> impl Iterator<Item = &str> {
        self.handlers.iter().filter(|(_, part)| matches!(part, HandlerPart::Keep)).map(|(name, _)| name.as_str())
    }

    /// Checks everything, applies the directives, and asks the loggers' filters, which are user code. Nothing is
    /// started.
    pub(super) fn check(mut self, problems: Vec<Problem>) -> Result<CheckedConfig, Error> {
        self.problems.extend(problems);
        self.find_problems();
        if !self.problems.is_empty() {
            return Err(Error::config(self.problems));
        }
        self.apply_directives();
        let ask = |filters: &mut Vec<Arc<dyn FemtoFilter>>, name: &str, path: &str| {
            let asked = std::mem::take(filters).into_iter().map(|filter| {
                let filter = caught("interest", || Ok(LoggerFilter::new(filter, name)));
                filter.map_err(|error| error.with_prefix(path))
            });
            asked.collect::<Result<Vec<_>, _>>()
        };
        let mut loggers = Vec::new();
        for (name, mut config) in self.loggers {
            let filters = ask(&mut config.filters, &name, &format!("loggers.{name}.filters"))?;
            loggers.push((name, config, filters));
        }
        #[cfg(feature = "config")]
        let root_filters = ask(&mut self.data.root_filters, "", "root.filters")?;
        #[cfg(not(feature = "config"))]
        let root_filters = Vec::new();
        Ok(CheckedConfig {
            default_level: self.default_level,
            handlers: self.handlers,
            root_handlers: self.root_handlers,
            root_filters,
            loggers,
            span_events: self.span_events,
            max_queue_bytes: self.max_queue_bytes,
            clock: self.clock,
            drain_timeout: self.drain_timeout,
            probation: self.probation.filter(|duration| !duration.is_zero()),
            #[cfg(feature = "config")]
            data: self.data,
        })
    }

    /// Makes settings of directives.
    fn apply_directives(&mut self) {
        for directives in std::mem::take(&mut self.directives) {
            // The operator's `warn` also overrides the levels that the program gave to more specific loggers.
            for (name, config) in self.loggers.iter_mut().filter(|(_, config)| config.level.is_some()) {
                config.level = directives.level(name).or(config.level);
            }
            for directive in directives.iter() {
                let (name, level) = (directive.target(), directive.level());
                if !directive.is_plain() {
                    notify(
                        "directives",
                        format_args!("{directive}: ignored, as only a handler's filter can look at keys and spans"),
                    );
                } else if name.is_empty() {
                    self.default_level = level;
                } else if let Some((_, config)) =
                    self.loggers.iter_mut().find(|(known, _)| canonical(known) == canonical(name))
                {
                    config.level = Some(level);
                } else {
                    self.loggers.push((name.to_owned(), LoggerConfig::new().level(level)));
                }
            }
        }
    }

    fn find_problems(&mut self) {
        let mut known: Vec<_> = self.handlers.iter().map(|(name, _)| name.as_str()).collect();
        known.retain(|name| !is_bad(name));
        known.dedup();
        let mut problems = Vec::new();
        let mut check = |field: &str, names: &[String]| {
            for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
                let mut remedy = "there is no handler of this name; add it with add_handler".to_owned();
                if !known.is_empty() {
                    remedy = format!("{remedy}, or use one of: {}", known.join(", "));
                }
                problems.push(Problem::new(field, format!("{name:?}"), remedy));
            }
        };
        check("root_handlers", self.root_handlers.as_deref().unwrap_or_default());
        for (name, config) in &self.loggers {
            check(&format!("loggers.{name}.handlers"), &config.handlers);
        }
        for (index, (name, _)) in self.loggers.iter().enumerate() {
            if name.is_empty() || name == "root" {
                problems.push(Problem::new(
                    "loggers",
                    format!("{name:?}"),
                    "set the root logger up with default_level and root_handlers",
                ));
            } else if let Some(why) = Registry::name_problem(name) {
                problems.push(Problem::new(
                    "loggers",
                    format!("{name:?}"),
                    format_args!("a logger cannot have this name: {why}"),
                ));
            }
            if self.loggers[index].1.filters.iter().any(|filter| filter.is_for_handlers()) {
                problems.push(Problem::new(
                    format!("loggers.{name}.filters"),
                    "",
                    "a logger's filters cannot rewrite records: give this one to the handlers",
                ));
            }
            if self.loggers.iter().take(index).any(|(earlier, _)| canonical(earlier) == canonical(name)) {
                problems.push(Problem::new(
                    format!("loggers.{name}"),
                    "",
                    "this logger is set up twice: put the settings together",
                ));
            }
        }
        self.problems.append(&mut problems);
    }
}

/// A configuration without problems.
pub(super) struct CheckedConfig {
    default_level: LevelFilter,
    pub(super) handlers: Vec<(String, HandlerPart)>,
    root_handlers: Option<Vec<String>>,
    root_filters: Vec<LoggerFilter>,
    loggers: Vec<(String, LoggerConfig, Vec<LoggerFilter>)>,
    pub(super) span_events: SpanEvents,
    pub(super) max_queue_bytes: usize,
    pub(super) clock: Option<Clock>,
    pub(super) drain_timeout: Option<Duration>,
    pub(super) probation: Option<Duration>,
    #[cfg(feature = "config")]
    pub(super) data: FromData,
}

impl CheckedConfig {
    /// Returns how many of the handlers share the memory of queues: those that have one.
    pub(super) fn sharers(&self) -> usize {
        self.handlers.iter().filter(|(_, part)| part.has_queue()).count()
    }

    /// Returns the settings of all loggers that are named, the root logger first, with the queues of these handlers.
    pub(super) fn logger_settings(self, workers: &[Arc<Worker>]) -> Vec<(String, LoggerSettings)> {
        let queues = |names: &[String]| -> Vec<Arc<Queue>> {
            let named = |name: &String| workers.iter().find(|worker| *worker.queue.name == **name);
            let mut queues: Vec<_> = names.iter().filter_map(named).map(|worker| worker.queue.clone()).collect();
            let mut seen = HashSet::new();
            queues.retain(|queue| seen.insert(queue.name.clone()));
            queues
        };
        let all = || workers.iter().map(|worker| worker.queue.clone()).collect();
        let root = LoggerSettings {
            level: Some(self.default_level),
            handlers: self.root_handlers.as_deref().map_or_else(all, queues),
            filters: self.root_filters,
            ..LoggerSettings::default()
        };
        let loggers = self.loggers.into_iter().map(|(name, config, filters)| {
            let settings = LoggerSettings {
                level: config.level,
                propagate: !config.no_propagation,
                disabled: config.disabled,
                handlers: queues(&config.handlers),
                filters,
            };
            (name, settings)
        });
        std::iter::once((String::new(), root)).chain(loggers).collect()
    }
}

impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers = self.handlers.iter().map(|(name, handler)| (name, handler));
        f.debug_struct("ConfigBuilder")
            .field("default_level", &self.default_level)
            .field("handlers", &handlers.collect::<Vec<_>>())
            .field("root_handlers", &self.root_handlers)
            .field("loggers", &self.loggers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LoggerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggerConfig")
            .field("level", &self.level)
            .field("handlers", &self.handlers)
            .field("propagate", &!self.no_propagation)
            .field("disabled", &self.disabled)
            .field("filters", &self.filters.len())
            .finish()
    }
}

/// Sets up the global system to write records at this level and above to standard error, as text.
///
/// The environment variable `FEMTO_LOG`, or else `RUST_LOG`, overrides the level by [`Directives`], such as
/// `info,my_app::db=debug`. One that is empty counts as not set.
///
/// What else it does depends on where standard error leads to:
///
/// | | on a terminal | elsewhere (a file, a pipe) |
/// |---|---|---|
/// | format | [`FemtoConsoleFormatter`]: colours, several lines | [`FemtoTextFormatter`](crate::FemtoTextFormatter) |
/// | delivery | before the call returns ([`Transport::Inline`]) | by the handler's thread |
/// | a hint in debug builds | yes | no |
///
/// On a terminal, so, log lines stand in order with what the program prints, and text of several lines is shown in
/// several lines. The hint is one line at the first record below `Warn` that is not enabled, if neither variable is
/// set: it says how to see such records.
///
/// # Errors
///
/// The global system exists already.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, basic_config, info};
///
/// basic_config(Level::Info)?;
/// info!("ready");
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn basic_config(level: impl Into<LevelFilter>) -> Result<(), Error> {
    let is_terminal = io::stderr().is_terminal();
    let mut console = FemtoStreamHandler::stderr();
    if is_terminal {
        console = console.formatter(FemtoConsoleFormatter::for_stderr()).inline();
    }
    let config = Config::builder().default_level(level).add_handler("console", console.build()?);
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match ["FEMTO_LOG", "RUST_LOG"].into_iter().find(is_set) {
        Some(variable) => config.directives_from_env(variable).build_and_init(),
        None => {
            // Not in what users of a finished program run.
            if is_terminal && cfg!(debug_assertions) {
                Registry::global().on_first_refusal(say_how_to_see_more);
            }
            config.build_and_init()
        }
    }
}

fn say_how_to_see_more(level: Level) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Relaxed) {
        let name = level.as_str();
        let variable = format_args!("FEMTO_LOG={}", name.to_ascii_lowercase()).to_string();
        notify("basic_config", format_args!("{name} records are not shown; {variable} or RUST_LOG shows them"));
    }
}
