//! The builder of all handlers, and the settings that they share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{FemtoHandler, Line, Retrying};
use crate::error::{Error, Problem};
use crate::filter::FemtoFilter;
use crate::formatter::FemtoFormatter;
use crate::level::LevelFilter;
use crate::policy::{ErrorPolicy, Governor, IdlePolicy, OverflowPolicy, Reserve, Transport};

/// A handler with the settings of its queue and thread, ready to be added to a configuration.
///
/// Every builder of a handler makes one. A handler without settings converts to one by itself, with the defaults.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoNullHandler, HandlerSpec};
/// use femtologging::{Config, Error, FemtoStreamHandler, Level};
///
/// /// Returns the handler for a kind of output.
/// fn handler(quiet: bool) -> Result<HandlerSpec, Error> {
///     if quiet { Ok(FemtoNullHandler.into()) } else { FemtoStreamHandler::stderr().level(Level::Warn).build() }
/// }
///
/// let logging = Config::builder().add_handler("output", handler(true)?).build()?;
/// # drop(logging);
/// # Ok::<(), Error>(())
/// ```
pub struct HandlerSpec {
    pub(crate) handler: Box<dyn FemtoHandler>,
    pub(crate) settings: HandlerSettings,
}

impl HandlerSpec {
    /// Returns the problems of a handler inside another one, whose queue and thread it uses: settings of its own queue
    /// have no effect there. `field` is its name in the outer handler.
    pub(super) fn inner_problems(&self, field: &str) -> Vec<Problem> {
        let problem = |name: &&str| {
            let remedy = format!("the handlers around it decide: give the outermost one its `{name}`");
            Problem::new(format!("{field}.{name}"), "", remedy)
        };
        self.settings.queue_settings.iter().map(problem).collect()
    }
}

impl fmt::Debug for HandlerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerSpec").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<O> fmt::Debug for HandlerBuilder<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for HandlerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerSettings")
            .field("level", &self.level)
            .field("filters", &self.filters.len())
            .field("transport", &self.transport)
            .field("overflow", &self.overflow)
            .field("reserve", &self.reserve)
            .field("governor", &self.governor)
            .field("idle", &self.idle)
            .field("wake_level", &self.wake_level)
            .finish()
    }
}

impl<H: FemtoHandler> From<H> for HandlerSpec {
    /// Makes a handler with the default settings.
    fn from(handler: H) -> Self {
        Self { handler: Box::new(handler), settings: HandlerSettings::default() }
    }
}

/// What [`ConfigBuilder::add_handler`](crate::config::ConfigBuilder::add_handler) takes: a handler that was built, or
/// one without settings, such as [`FemtoNullHandler`](super::FemtoNullHandler).
///
/// A builder is not one yet: end it with `.build()?`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a builder becomes one with `.build()?`; a type of one's own needs `impl FemtoHandler`"
)]
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoNullHandler, IntoHandler};
/// use femtologging::{Config, FemtoStreamHandler};
///
/// /// A system with one handler, whichever it is.
/// fn with_one(handler: impl IntoHandler) -> Result<femtologging::config::Logging, femtologging::Error> {
///     Config::builder().add_handler("one", handler).build()
/// }
///
/// with_one(FemtoNullHandler)?;
/// with_one(FemtoStreamHandler::stderr().build()?)?;
/// # Ok::<(), femtologging::Error>(())
/// ```
pub trait IntoHandler {
    /// Returns the handler with its settings.
    fn into_handler(self) -> HandlerSpec;
}

#[diagnostic::do_not_recommend]
impl<T: Into<HandlerSpec>> IntoHandler for T {
    fn into_handler(self) -> HandlerSpec {
        self.into()
    }
}

/// The settings that all handlers share.
pub(crate) struct HandlerSettings {
    pub(crate) level: LevelFilter,
    pub(crate) filters: Vec<Box<dyn FemtoFilter>>,
    pub(crate) transport: Transport,
    pub(crate) overflow: OverflowPolicy,
    pub(crate) reserve: Reserve,
    pub(crate) governor: Option<Governor>,
    pub(crate) idle: IdlePolicy,
    pub(crate) wake_level: LevelFilter,
    /// Whether the handler writes to standard error, where std's panic hook writes as well.
    pub(crate) is_stderr: bool,
    /// `None` for that of the process.
    pub(crate) exit_timeout: Option<Duration>,
    pub(crate) on_error: ErrorPolicy,
    /// The settings of the queue and its thread that were given, by name.
    queue_settings: Vec<&'static str>,
    /// The handler, this one or one inside it, that cannot do without a thread.
    needs_thread: Option<&'static str>,
    /// Whether text is held back by a flush policy.
    holds_back: bool,
    /// Those of this handler and of the ones inside it.
    pub(crate) deadlocks: Vec<DeadlockCheck>,
}

/// Tells the calling thread whether a handler could not deliver while this thread waits for it.
pub(crate) type DeadlockCheck = Arc<dyn Fn() -> bool + Send + Sync>;

impl Default for HandlerSettings {
    fn default() -> Self {
        Self {
            level: LevelFilter::Trace,
            filters: Vec::new(),
            transport: Transport::default(),
            overflow: OverflowPolicy::default(),
            reserve: Reserve::default(),
            governor: None,
            idle: IdlePolicy::default(),
            wake_level: LevelFilter::Off,
            is_stderr: false,
            exit_timeout: None,
            on_error: ErrorPolicy::default(),
            queue_settings: Vec::new(),
            needs_thread: None,
            holds_back: false,
            deadlocks: Vec::new(),
        }
    }
}

impl HandlerSettings {
    /// Notes that the handler of this name connects, and tries again, on a thread.
    pub(super) fn need_thread(&mut self, handler: &'static str) {
        self.needs_thread = Some(handler);
    }

    /// Takes over from the handler inside this one that it needs a thread, and who must not wait for it.
    pub(super) fn contain(&mut self, inner: &HandlerSpec) {
        self.needs_thread = self.needs_thread.or(inner.settings.needs_thread);
        self.deadlocks.extend(inner.settings.deadlocks.iter().cloned());
    }

    /// Returns what cannot be set for a handler without a queue and a thread.
    fn inline_problems(&self) -> Vec<Problem> {
        let without = |field: &str, why: &str| {
            let remedy = format!("{why}: leave it out, or use Transport::PerThread or Transport::Shared");
            Problem::new(field, "", remedy)
        };
        let mut problems = Vec::new();
        for name in &self.queue_settings {
            problems.extend(match *name {
                "overflow" => Some(without(name, "Transport::Inline has no queue that could be full; callers wait")),
                "reserve" => Some(without(name, "Transport::Inline has no queue of which a part could be reserved")),
                "governor" => Some(without(name, "Transport::Inline has no queue that could be nearly full")),
                "idle" => Some(without(name, "Transport::Inline has no thread that could be idle")),
                "wake_level" => Some(without(name, "Transport::Inline has no thread that could be woken")),
                _ => None,
            });
        }
        if self.holds_back {
            problems.push(without("flush_policy", "Transport::Inline writes each record before the call returns"));
        }
        problems.extend(self.needs_thread.map(|handler| {
            let remedy = format!(
                "{handler} connects, and tries again, on a thread: leave the transport out, or use Transport::PerThread \
                 or Transport::Shared"
            );
            Problem::new("transport", "Inline", remedy)
        }));
        problems
    }

    /// Returns everything that is wrong with the settings.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem = |wrong: bool, field: &str, value: String, remedy: &str| {
            if wrong {
                problems.push(Problem::new(field, value, remedy));
            }
        };
        match self.transport {
            Transport::PerThread { bytes } => {
                problem(
                    !(1024..=64 << 20).contains(&bytes),
                    "transport.bytes",
                    bytes.to_string(),
                    "give each thread's ring between 1024 bytes and 64 MiB",
                );
                problem(
                    self.overflow == OverflowPolicy::DropOldest,
                    "overflow",
                    "DropOldest".to_owned(),
                    "a thread cannot take records out of its ring again: use Transport::Shared, or Block, BlockFor or DropNewest",
                );
            }
            Transport::Shared { capacity } => problem(
                capacity.is_some_and(|capacity| !(1..=1 << 24).contains(&capacity)),
                "transport.capacity",
                capacity.unwrap_or_default().to_string(),
                "give room for 1 to 16,777,216 records, or None for as many as there is memory for",
            ),
            Transport::Inline => return self.inline_problems(),
        }
        problem(
            self.reserve.share > 50,
            "reserve.share",
            self.reserve.share.to_string(),
            "reserve 50 % of the queue at most, or 0 for none",
        );
        if let Some(Governor { raise_above, lower_below, .. }) = self.governor {
            problem(
                raise_above > 100 || lower_below > raise_above,
                "governor.raise_above, governor.lower_below",
                format!("{raise_above}, {lower_below}"),
                "both are parts of the queue in percent, and the second is not above the first",
            );
        }
        let IdlePolicy { spin, first_sleep, longest_sleep } = self.idle;
        problem(
            spin > Duration::from_millis(1),
            "idle.spin",
            format!("{spin:?}"),
            "spin for 1 ms at most; it keeps a processor busy",
        );
        problem(
            first_sleep.is_zero() || first_sleep > longest_sleep || longest_sleep > Duration::from_secs(1),
            "idle.first_sleep, idle.longest_sleep",
            format!("{first_sleep:?}, {longest_sleep:?}"),
            "the first sleep must be more than zero, no longer than the longest, and that no longer than 1 s",
        );
        problems
    }
}

/// Builds a handler: its own options, and the settings that all handlers share.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`level`](Self::level) | `Trace` | the lowest level that the handler accepts |
/// | [`filter`](Self::filter) | none | rejects records; several are called in turn |
/// | [`transport`](Self::transport) | `PerThread { bytes: 262_144 }` | how records reach the handler's thread |
/// | [`inline`](Self::inline) | off | no thread: callers deliver their records themselves |
/// | [`overflow`](Self::overflow) | `Block` | what happens when the queue is full |
/// | [`reserve`](Self::reserve) | 10 % from `Warn` | the part of the queue that only severe records may take |
/// | [`governor`](Self::governor) | none | raises the level while the queue is nearly full |
/// | [`idle`](Self::idle) | 2 µs, 50 µs … 100 ms | how the thread waits for records |
/// | [`wake_level`](Self::wake_level) | `Off` | records at this level and above wake the thread at once |
/// | [`exit_timeout`](Self::exit_timeout) | the process's | how long an exit of the process waits for this handler |
/// | [`on_error`](Self::on_error) | `Report` | what happens to records that the handler fails to deliver |
///
/// # Examples
///
/// ```
/// use femtologging::policy::OverflowPolicy;
/// use femtologging::{FemtoLogRecord, FemtoStreamHandler, Level};
///
/// let handler = FemtoStreamHandler::stdout()
///     .level(Level::Info)
///     .filter(|record: &FemtoLogRecord<'_>| record.get("audit").is_none())
///     .overflow(OverflowPolicy::DropNewest)
///     .build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[must_use]
pub struct HandlerBuilder<O> {
    pub(super) options: O,
    pub(super) settings: HandlerSettings,
}

impl<O> HandlerBuilder<O> {
    pub(super) fn new(options: O) -> Self {
        Self { options, settings: HandlerSettings::default() }
    }

    /// Sets the lowest level that the handler accepts, in addition to the levels of loggers; all levels by default.
    /// [`set_handler_level`](crate::set_handler_level) changes it later.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Config, FemtoFileHandler, FemtoStreamHandler, Level};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// // Everything from Debug on goes to the file, and only warnings to the console.
    /// let logging = Config::builder()
    ///     .default_level(Level::Debug)
    ///     .add_handler("console", FemtoStreamHandler::stderr().level(Level::Warn).build()?)
    ///     .add_handler("file", FemtoFileHandler::builder().path(path).build()?)
    ///     .build()?;
    /// # drop(logging);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.settings.level = level.into();
        self
    }

    /// Adds a filter, which runs on the handler's thread. None by default. Filters are called in the order in which
    /// they were added, until one rejects the record; it then counts as filtered.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoStreamHandler;
    /// use femtologging::filter::{Key, RateLimit, Redact};
    ///
    /// let handler = FemtoStreamHandler::stderr()
    ///     .filter(Key::present("audit"))
    ///     .filter(Redact::new().key("*token*"))
    ///     .filter(RateLimit::per_call_site(10.0)) // counts what the others let pass
    ///     .build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn filter(mut self, filter: impl FemtoFilter + 'static) -> Self {
        self.settings.filters.push(Box::new(filter));
        self
    }

    /// Sets how records reach the handler; by default by a ring of 256 KiB per thread that logs.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoStreamHandler;
    /// use femtologging::policy::Transport;
    ///
    /// // For a program with thousands of threads: one channel instead of a ring for each.
    /// let handler = FemtoStreamHandler::stderr().transport(Transport::Shared { capacity: Some(65_536) }).build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn transport(mut self, transport: Transport) -> Self {
        self.settings.transport = transport;
        self.settings.queue_settings.push("transport");
        self
    }

    /// Has records formatted and delivered before the call returns, on the caller's thread: short for
    /// [`transport`](Self::transport)`(`[`Transport::Inline`]`)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Config, FemtoStreamHandler, info};
    ///
    /// Config::builder().add_handler("console", FemtoStreamHandler::stderr().inline().build()?).build_and_init()?;
    /// info!("please answer"); // stands before the question
    /// eprint!("name? ");
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn inline(self) -> Self {
        self.transport(Transport::Inline)
    }

    /// Sets what happens to records when the queue is full; [`OverflowPolicy::Block`] by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoStreamHandler;
    /// use femtologging::policy::OverflowPolicy;
    /// use std::time::Duration;
    ///
    /// // A caller waits for a hanging terminal for at most a millisecond per record.
    /// let handler =
    ///     FemtoStreamHandler::stderr().overflow(OverflowPolicy::BlockFor(Duration::from_millis(1))).build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn overflow(mut self, overflow: OverflowPolicy) -> Self {
        self.settings.overflow = overflow;
        self.settings.queue_settings.push("overflow");
        self
    }

    /// Sets which part of the queue is reserved for severe records; by default 10 % for records from
    /// [`Level::Warn`](crate::Level::Warn) on. It has no effect with [`OverflowPolicy::Block`], which drops nothing.
    pub fn reserve(mut self, reserve: Reserve) -> Self {
        self.settings.reserve = reserve;
        self.settings.queue_settings.push("reserve");
        self
    }

    /// Has the handler's level raised while its queue is nearly full; by default it is not.
    pub fn governor(mut self, governor: Governor) -> Self {
        self.settings.governor = Some(governor);
        self.settings.queue_settings.push("governor");
        self
    }

    /// Sets how the handler's thread polls the queue while there are no records: by default without sleeping for 2 µs
    /// at a time, then in sleeps of 50 µs that double up to 100 ms.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoStreamHandler;
    /// use femtologging::policy::IdlePolicy;
    /// use std::time::Duration;
    ///
    /// // On a battery: a record may wait for a second, and an idle thread wakes up once in that time.
    /// let idle = IdlePolicy {
    ///     spin: Duration::ZERO,
    ///     first_sleep: Duration::from_millis(1),
    ///     longest_sleep: Duration::from_secs(1),
    /// };
    /// let handler = FemtoStreamHandler::stderr().idle(idle).build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn idle(mut self, idle: IdlePolicy) -> Self {
        self.settings.idle = idle;
        self.settings.queue_settings.push("idle");
        self
    }

    /// Sets the lowest level whose records wake the handler's thread if it sleeps, which costs their callers about 10
    /// µs each. [`LevelFilter::Off`] by default: records wait for the thread's next look, for up to 100 ms.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{FemtoStreamHandler, Level};
    ///
    /// let handler = FemtoStreamHandler::stderr().wake_level(Level::Error).build()?; // errors appear at once
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn wake_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.settings.wake_level = level.into();
        self.settings.queue_settings.push("wake_level");
        self
    }

    /// Sets how long an ordinary exit of the process waits for this handler, in place of
    /// [`set_exit_timeout`](crate::set_exit_timeout), which is 5 s by default.
    ///
    /// A collector that is down keeps an exit waiting for the whole time if records are queued. With
    /// [`Duration::ZERO`] the exit does not wait. What is not written by then is reported on standard error.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{Endpoint, FemtoSocketHandler};
    /// use std::time::Duration;
    ///
    /// let collector = FemtoSocketHandler::builder()
    ///     .endpoint(Endpoint::tcp("127.0.0.1", 9000))
    ///     .exit_timeout(Duration::from_millis(500))
    ///     .build()?;
    /// # drop(collector);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn exit_timeout(mut self, timeout: Duration) -> Self {
        self.settings.exit_timeout = Some(timeout);
        self.settings.queue_settings.push("exit_timeout");
        self
    }

    /// Notes that the handler writes to standard error.
    pub(super) fn show_on_stderr(&mut self) {
        self.settings.is_stderr = true;
    }

    /// Notes whether a flush policy holds text back.
    pub(super) fn hold_back(&mut self, holds_back: bool) {
        self.settings.holds_back = holds_back;
    }

    /// Sets what happens to records that the handler fails to deliver; [`ErrorPolicy::Report`] by default, which counts
    /// them as failed and reports the error.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoFileHandler;
    /// use femtologging::policy::ErrorPolicy;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// // While the disk is full, up to 16 MiB of text are kept and written later.
    /// let handler = FemtoFileHandler::builder().path(path).on_error(ErrorPolicy::Retry { bytes: 16 << 20 }).build()?;
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_error(mut self, policy: ErrorPolicy) -> Self {
        self.settings.on_error = policy;
        self
    }

    /// Combines the handler and the settings, or returns their problems together with `problems`.
    pub(super) fn finish(
        settings: HandlerSettings,
        mut problems: Vec<Problem>,
        make: impl FnOnce() -> Result<Box<dyn FemtoHandler>, Error>,
    ) -> Result<HandlerSpec, Error> {
        problems.extend(settings.problems());
        if !problems.is_empty() {
            return Err(Error::config(problems));
        }
        let handler = match settings.on_error {
            ErrorPolicy::Report => make()?,
            ErrorPolicy::Retry { bytes } => Box::new(Retrying::new(make()?, bytes)),
        };
        Ok(HandlerSpec { handler, settings })
    }

    pub(super) fn into_parts(self) -> (O, HandlerSettings) {
        (self.options, self.settings)
    }
}

impl<O: AsMut<Line>> HandlerBuilder<O> {
    /// Sets the formatter; a [`FemtoTextFormatter`](crate::FemtoTextFormatter) by default.
    pub fn formatter(mut self, formatter: impl FemtoFormatter + 'static) -> Self {
        self.options.as_mut().set_formatter(Box::new(formatter));
        self
    }

    /// Sets the terminator of each record's text; a line feed by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoStreamHandler;
    ///
    /// let handler = FemtoStreamHandler::stdout().terminator("\r\n").build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn terminator(mut self, terminator: impl Into<Vec<u8>>) -> Self {
        self.options.as_mut().terminator = terminator.into();
        self
    }
}

impl<H: FemtoHandler> HandlerBuilder<H> {
    /// Makes the handler, to be added to a configuration.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (handler, settings) = self.into_parts();
        Self::finish(settings, Vec::new(), || Ok(Box::new(handler)))
    }
}

/// Gives every handler, including custom ones, a builder with the settings that all handlers share.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{Batch, Delivery, FemtoHandler, FemtoHandlerExt};
/// use femtologging::policy::Transport;
/// use femtologging::time::Timestamp;
/// use femtologging::{Error, FemtoLogRecord, Level};
///
/// /// Counts records by level.
/// #[derive(Default)]
/// struct Counts([u64; 6]);
///
/// impl FemtoHandler for Counts {
///     fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
///         self.0[record.level().index()] += 1;
///         Ok(())
///     }
///
///     fn deliver(&mut self, _: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
///         Ok(Delivery::Done)
///     }
/// }
///
/// let handler = Counts::default().configure().level(Level::Warn).transport(Transport::Inline).build()?;
/// # drop(handler);
/// # Ok::<(), Error>(())
/// ```
pub trait FemtoHandlerExt: FemtoHandler + Sized {
    /// Starts a builder for this handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{FemtoHandlerExt, FemtoNullHandler};
    /// use femtologging::policy::OverflowPolicy;
    ///
    /// let handler = FemtoNullHandler.configure().overflow(OverflowPolicy::DropNewest).build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    fn configure(self) -> HandlerBuilder<Self> {
        HandlerBuilder::new(self)
    }
}

impl<H: FemtoHandler> FemtoHandlerExt for H {}
