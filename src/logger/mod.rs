//! Loggers: which records are logged, and to which handlers they go.
//!
//! Loggers form a tree by their names. A logger without a level has the level of its nearest ancestor that has one, and
//! records go to the logger's own handlers and to those of its ancestors, as in CPython's `logging`.
//!
//! | file | what it does |
//! |---|---|
//! | `source.rs` | what decides about a call: its target, or the logger that it names |
//! | `registry.rs` | the tree, the settings, and the states that follow from them |
//! | `route.rs` | numbered, immutable lists of queues and filters |
//! | `dispatch.rs` | from a state to the rings, on the caller's thread |
//! | `dynamic.rs` | records of `log` and `tracing` |
//! | `last_resort.rs` | standard error, when there is no handler |

pub(crate) mod dispatch;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) mod dynamic;
mod last_resort;
mod registry;
mod route;
mod source;

pub(crate) use registry::{LoggerFilter, LoggerSettings, Registry, canonical, no_handler};
#[cfg(feature = "tracing")]
pub(crate) use source::target_enabled;
#[doc(hidden)]
pub use source::{After, AtLogger, AtLoggerAndTarget, AtSite, AtTarget, OwnedSource, Source};

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::callsite::State;
use crate::context::ExtrasWriter;
use crate::error::{Error, notify};
use crate::filter::FemtoFilter;
use crate::level::{Level, LevelFilter};
use crate::value::{Value, limits};
use crate::worker::Worker;

/// A named logger. Clones are the same logger.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, Level, LevelFilter, info};
///
/// let logging = Config::builder().add_handler("capture", FemtoCaptureHandler::new()).build()?;
/// let logger = logging.get_logger("shop.cart")?;
/// assert_eq!(logger.effective_level(), LevelFilter::Info);
///
/// logger.set_level(Level::Error);
/// assert!(!logger.is_enabled_for(Level::Info));
/// info!(logger: logger, "not recorded");
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone)]
pub struct FemtoLogger {
    registry: Arc<Registry>,
    node: Arc<Node>,
    /// The encoded keys of [`with`](Self::with).
    bound: Option<Arc<[u64]>>,
}

/// The part of a logger that its calls read. Its settings are in the registry.
pub(crate) struct Node {
    /// The name as it was first given, and its canonical form.
    pub(crate) name: Arc<str>,
    pub(crate) key: String,
    /// The id of the interned name.
    pub(crate) name_id: u32,
    /// The cached [`State`], without an id. Written by the registry under its lock.
    state: AtomicU64,
}

impl Node {
    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        State(self.state.load(Relaxed))
    }

    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state.0, Relaxed);
    }
}

impl FemtoLogger {
    pub(crate) fn new(registry: Arc<Registry>, node: Arc<Node>) -> Self {
        Self { registry, node, bound: None }
    }

    /// Returns a logger with the same name and settings, all records of which carry this key. This logger and its other
    /// clones do not change.
    ///
    /// If a key occurs several times, that of the call overrides that of the logger, which overrides that of the
    /// [`Context`](crate::Context).
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
    /// let logger = logging.get_logger("pool")?.with("pool", "readers").with("size", 8);
    /// info!(logger: logger, "ready");
    /// logging.flush(Duration::from_secs(5))?;
    /// let records = capture.records();
    /// let key_values: Vec<_> = records[0].key_values().map(|(key, value)| format!("{key}={value}")).collect();
    /// assert_eq!(key_values, ["pool=readers", "size=8"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn with<'v>(&self, key: &str, value: impl Into<Value<'v>>) -> Self {
        let bound = ExtrasWriter::keep(self.bound(), limits::get(), |entries| entries.named(key, value.into()));
        Self { bound: Some(bound.words.into()), ..self.clone() }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the encoded keys of [`with`](Self::with).
    #[inline(always)]
    pub(crate) fn bound(&self) -> &[u64] {
        self.bound.as_deref().unwrap_or_default()
    }

    /// Returns the name; `root` for the root logger.
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// Returns the parent of this logger: `app` for `app.db`, the root logger for `app`, `None` for the root logger.
    ///
    /// The parent is created if it does not exist, which does not change where records go.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::handler::FemtoNullHandler;
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// let names = |logger: &femtologging::FemtoLogger| logger.parent().map(|parent| parent.name().to_owned());
    /// assert_eq!(names(&logging.get_logger("app.db.pool")?).as_deref(), Some("app.db"));
    /// assert_eq!(names(&logging.get_logger("app")?).as_deref(), Some("root"));
    /// assert_eq!(names(&logging.root_logger()), None);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn parent(&self) -> Option<FemtoLogger> {
        if self.node.key.is_empty() {
            return None;
        }
        let parent = self.node.key.rsplit_once("::").map_or("", |(parent, _)| parent);
        let length = self.node.name.len();
        // The parent's name in the spelling of this one's.
        let name = match self.node.name.rfind(['.', ':']) {
            Some(at) if !parent.is_empty() => self.node.name[..at.min(length)].trim_end_matches([':', '.']),
            _ => "",
        };
        Some(self.registry.logger(name))
    }

    /// Returns the descendant with this name: `child("db")` of `app` is `app.db`.
    ///
    /// # Errors
    ///
    /// See [`get_logger`](crate::get_logger).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::handler::FemtoNullHandler;
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// let db = logging.get_logger("app")?.child("db")?;
    /// assert_eq!(db.name(), "app.db");
    /// assert_eq!(logging.root_logger().child("app")?.name(), "app");
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn child(&self, name: &str) -> Result<FemtoLogger, Error> {
        let name = if self.node.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.node.name) };
        self.registry.get_logger(&name)
    }

    /// Returns the existing loggers whose parent is this one, sorted by name.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::handler::FemtoNullHandler;
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// for name in ["app.net", "app.db", "app.db.pool"] {
    ///     logging.get_logger(name)?;
    /// }
    /// let children = logging.get_logger("app")?.children();
    /// assert_eq!(children.iter().map(|child| child.name()).collect::<Vec<_>>(), ["app.db", "app.net"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn children(&self) -> Vec<FemtoLogger> {
        self.registry.children(&self.node.key)
    }

    /// Returns this logger's own level, or `None` if it has that of an ancestor.
    pub fn level(&self) -> Option<LevelFilter> {
        self.registry.with(&self.node.key, |settings| settings.level)
    }

    /// Sets the lowest level that is enabled for this logger, and for its descendants without a level of their own. The
    /// root logger's is [`LevelFilter::Warn`] by default; other loggers have none.
    ///
    /// When this returns, every later call in the program sees the change.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, Level, LevelFilter};
    ///
    /// let logging = Config::builder().add_handler("capture", FemtoCaptureHandler::new()).build()?;
    /// let (app, db) = (logging.get_logger("app")?, logging.get_logger("app.db")?);
    /// app.set_level(Level::Debug);
    /// assert_eq!(db.effective_level(), LevelFilter::Debug);
    /// db.set_level(LevelFilter::Off);
    /// assert!(!db.is_enabled_for(Level::Critical) && app.is_enabled_for(Level::Debug));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn set_level(&self, level: impl Into<LevelFilter>) {
        let level = level.into();
        self.registry.change(&self.node.key, |settings| settings.level = Some(level));
    }

    /// Removes this logger's own level, so that it has that of its parent. The root logger keeps its level.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoNullHandler;
    /// use femtologging::{Config, Level, LevelFilter};
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// let db = logging.get_logger("app.db")?;
    /// db.set_level(Level::Error);
    /// assert_eq!((db.level(), db.effective_level()), (Some(LevelFilter::Error), LevelFilter::Error));
    /// db.clear_level();
    /// assert_eq!((db.level(), db.effective_level()), (None, LevelFilter::Info)); // the root logger's
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn clear_level(&self) {
        if !self.node.key.is_empty() {
            self.registry.change(&self.node.key, |settings| settings.level = None);
        }
    }

    /// Returns this logger's own level, or that of its nearest ancestor that has one.
    pub fn effective_level(&self) -> LevelFilter {
        self.registry.effective_level(&self.node.key)
    }

    /// Returns whether a record of this level would go to a handler. Filters that look at records are not asked.
    ///
    /// A level that the build has compiled out is never enabled; see [`STATIC_MAX_LEVEL`](crate::STATIC_MAX_LEVEL).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Level, get_logger, debug};
    ///
    /// let logger = get_logger("app.cache")?;
    /// if logger.is_enabled_for(Level::Debug) {
    ///     let sizes: Vec<usize> = (0..10_000).collect(); // worth computing for a record only
    ///     debug!(logger: logger, "{} sizes", sizes.len());
    /// }
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    #[inline]
    pub fn is_enabled_for(&self, level: Level) -> bool {
        crate::level::is_compiled(level) && self.node.state().enabled(level)
    }

    /// Returns whether records also go to the handlers of this logger's ancestors.
    pub fn propagate(&self) -> bool {
        self.registry.with(&self.node.key, |settings| settings.propagate)
    }

    /// Sets whether records also go to the handlers of this logger's ancestors. `true` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::handler::FemtoNullHandler;
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// let audit = logging.get_logger("app.audit")?;
    /// audit.add_handler("null")?;
    /// audit.set_propagate(false); // its records no longer go to the root logger's handlers
    /// assert!(!audit.propagate());
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn set_propagate(&self, propagate: bool) {
        self.registry.change(&self.node.key, |settings| settings.propagate = propagate);
    }

    /// Returns whether this logger is disabled.
    pub fn disabled(&self) -> bool {
        self.registry.with(&self.node.key, |settings| settings.disabled)
    }

    /// Disables this logger, or enables it again. Its descendants are not affected. `false` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoNullHandler;
    /// use femtologging::{Config, Level, LevelFilter};
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// let noisy = logging.get_logger("noisy")?;
    /// noisy.set_disabled(true);
    /// assert!(!noisy.is_enabled_for(Level::Critical));
    /// assert!(noisy.child("part")?.is_enabled_for(Level::Critical));
    /// # let _ = LevelFilter::Off;
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn set_disabled(&self, disabled: bool) {
        self.registry.change(&self.node.key, |settings| settings.disabled = disabled);
    }

    /// Returns the names of this logger's own handlers.
    pub fn handlers(&self) -> Vec<String> {
        self.registry.handlers_of(&self.node.key)
    }

    /// Adds a handler, by its name in the configuration, to those that get this logger's records. Has no effect if the
    /// logger has it already.
    ///
    /// # Errors
    ///
    /// There is no handler with this name.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::handler::FemtoNullHandler;
    ///
    /// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
    /// let audit = logging.get_logger("app.audit")?;
    /// audit.add_handler("null")?;
    /// assert_eq!(audit.handlers(), ["null"]);
    /// assert!(audit.add_handler("nul").is_err());
    /// assert!(audit.remove_handler("null") && !audit.remove_handler("null"));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn add_handler(&self, name: &str) -> Result<(), Error> {
        self.registry.attach(&self.node.key, name)
    }

    /// Removes a handler from this logger. Returns whether the logger had it.
    pub fn remove_handler(&self, name: &str) -> bool {
        self.registry.detach(&self.node.key, name)
    }

    /// Adds a filter for records that are logged to this logger, but not for those of its descendants, as in CPython.
    /// The filter runs on the calling thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, FemtoLogRecord, info};
    /// use std::time::Duration;
    ///
    /// let capture = FemtoCaptureHandler::new();
    /// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
    /// let logger = logging.get_logger("shop")?;
    /// logger.add_filter(|record: &FemtoLogRecord<'_>| record.get("internal").is_none());
    /// info!(logger: logger, "probed"; internal = true);
    /// info!(logger: logger, "paid");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert_eq!(capture.messages(), ["paid"]);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    ///
    /// A filter that is [for handlers only](FemtoFilter::is_for_handlers) is not added; the error hook gets a notice.
    pub fn add_filter(&self, filter: impl FemtoFilter + 'static) {
        if filter.is_for_handlers() {
            return notify(
                "logger",
                format_args!("a filter was not added to {self}: it rewrites, which is for handlers only"),
            );
        }
        let filter = LoggerFilter::new(Arc::new(filter), self.name());
        self.registry.change(&self.node.key, |settings| settings.filters.push(filter));
    }

    /// Removes all filters of this logger.
    pub fn clear_filters(&self) {
        self.registry.change(&self.node.key, |settings| settings.filters.clear());
    }

    /// Returns the worker of last resort, if a record has started it.
    pub(crate) fn last_resort() -> Option<Arc<Worker>> {
        last_resort::worker()
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }
}

impl fmt::Display for FemtoLogger {
    /// Writes the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for FemtoLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoLogger").field("name", &self.node.name).finish_non_exhaustive()
    }
}

impl PartialEq for FemtoLogger {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for FemtoLogger {}
