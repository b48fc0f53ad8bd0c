//! The loggers of one logging system, and the states that follow from their settings.
//!
//! A state says for a logger or call site which levels are enabled and which route their records take (see
//! [`State`]). It is computed here and nowhere else, from
//!
//! * the logger's level, or that of its nearest ancestor that has one, and [`disable`](Registry::disable);
//! * the handlers of the logger and, as far as records propagate, of its ancestors, with their own levels;
//! * the logger's own filters, as far as they decide by the level alone.
//!
//! For example, with the levels root `Warn`, `app` `Debug`, and the handlers `file` (level `Info`) on the root logger
//! and `net` (level `Error`) on `app`:
//!
//! | logger | level | handlers | threshold | route |
//! |---|---|---|---|---|
//! | root | `Warn` | `file` | `Warn` | 1: `file` |
//! | `app` | `Debug` | `net`, `file` | `Info`: no handler wants less | 2: `net`, `file` |
//! | `app::db` | `Debug`, of `app` | `net`, `file` | `Info` | 2 |
//! | `other` | `Warn`, of the root | `file` | `Warn` | 1 |
//!
//! A record of `app` at `Info` takes route 2. `net` does not want it, which the threshold that a thread keeps with the
//! route says; only `file` gets it.
//!
//! # A change of settings
//!
//! Every change goes through [`update`](Registry::update): under the lock of the tree, the settings are changed, the
//! states of all loggers and of all call sites that have run are computed again, and their new words are stored. Routes
//! are compared by what they lead to, so those that did not change keep their numbers. A call that runs at the same
//! time uses its old state or the new one. When `update` returns, every later call uses the new state.
//!
//! A route that is no longer used is kept until the next change, for calls that have loaded the old state and not yet
//! looked the route up:
//!
//! ```text
//! change 1     route 1 is replaced by route 2; `retired` = 1         a call that loaded route 1 finds it
//! change 2     `Route::forget(1)`; `retired` = what this change left a call that still has route 1 asks again
//! ```
//!
//! # Locks
//!
//! In this order, if more than one is held: the tree, the call sites that follow the loggers, all call sites, the
//! routes, the names. No user code runs under any of them: hooks are called, and filters dropped, after the tree's is
//! released.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::*};
use std::sync::{Arc, LazyLock, Mutex};

use super::route::{LAST_RESORT, NOWHERE, Route};
use super::{FemtoLogger, Node};
use crate::callsite::{self, Callsite, Origin, Shape, State};
use crate::error::{Error, Problem, guarded};
use crate::filter::{FemtoFilter, Interest};
use crate::level::{Level, LevelFilter, STATIC_MAX_LEVEL};
use crate::metrics;
use crate::names;
use crate::policy::SpanEvents;
use crate::queue::Queue;
use crate::sync::{Guard, holds_lock, lazy, lock};

/// The settings of one logger.
#[derive(Clone)]
pub(crate) struct LoggerSettings {
    pub(crate) level: Option<LevelFilter>,
    pub(crate) propagate: bool,
    pub(crate) disabled: bool,
    pub(crate) handlers: Vec<Arc<Queue>>,
    pub(crate) filters: Vec<LoggerFilter>,
}

impl Default for LoggerSettings {
    fn default() -> Self {
        Self { level: None, propagate: true, disabled: false, handlers: Vec::new(), filters: Vec::new() }
    }
}

/// A filter on a logger, with its [`Interest`] in each level, which is asked for once.
#[derive(Clone)]
pub(crate) struct LoggerFilter {
    filter: Arc<dyn FemtoFilter>,
    interest: [Interest; Level::ALL.len()],
}

impl LoggerFilter {
    /// Asks the filter, which is user code: no lock may be held.
    pub(crate) fn new(filter: Arc<dyn FemtoFilter>, logger: &str) -> Self {
        let interest = Level::ALL.map(|level| filter.interest(level, logger));
        Self { filter, interest }
    }

    fn says(&self, level: Level, interest: Interest) -> bool {
        self.interest[level.index()] == interest
    }
}

/// The loggers of one logging system.
pub(crate) struct Registry {
    tree: Mutex<Tree>,
    /// Whether call sites without a `logger:` belong to it.
    is_global: bool,
    /// The [`SpanEvents`] of spans that have no setting of their own.
    span_events: AtomicU8,
    /// Functions that are called after every change.
    hooks: Mutex<Vec<fn()>>,
    /// See [`on_first_refusal`](Self::on_first_refusal).
    on_first_refusal: Mutex<Option<fn(Level)>>,
}

/// The settings, and the routes that follow from them.
struct Tree {
    /// By canonical name, which is empty for the root logger. A logger that exists is never removed: handles and call
    /// sites refer to its node.
    loggers: HashMap<String, (Arc<Node>, LoggerSettings)>,
    queues: Vec<Arc<Queue>>,
    /// Handlers that get the records of all loggers, whether they propagate or not; see `testing`.
    observers: Vec<Arc<Queue>>,
    /// Levels up to this number are disabled for all loggers; 0 for none.
    disabled: u8,
    /// Whether the system was shut down. Routes then count records as dropped.
    closed: bool,
    /// The routes that states refer to, each of another combination of queues and filters.
    routes: Vec<Arc<Route>>,
    /// Routes that must get a new number although they lead to the same queues: a handler's level has changed, which
    /// threads keep with the number.
    replaced: Vec<Arc<Route>>,
    /// The numbers of the routes that the last change left without use.
    retired: Vec<u32>,
}

/// The number of changes of the global registry. A thread that remembers states of targets compares it with the number
/// at which it asked for them.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Returns the canonical form of a logger's name: parts separated by `::`, and an empty string for `root`.
///
/// So `app.db`, as Python writes it, and `app::db`, which is a module path, are the same logger.
pub(crate) fn canonical(name: &str) -> String {
    if name == "root" { String::new() } else { name.replace('.', "::") }
}

impl Registry {
    /// Returns the reason why a name is invalid, or `None` if it is valid.
    pub(crate) fn name_problem(name: &str) -> Option<&'static str> {
        let key = canonical(name);
        let why = if key.is_empty() {
            return None;
        } else if name.chars().any(char::is_control) {
            "it has a control character"
        } else if key.split("::").any(str::is_empty) {
            "it has an empty part; write parts separated by `.` or `::`, such as `app.db`"
        } else if key.split("::").any(|part| part.contains(':')) {
            "it has a single `:`; parts are separated by `.` or `::`"
        } else {
            return None;
        };
        Some(why)
    }

    pub(crate) fn new(is_global: bool) -> Arc<Self> {
        let root =
            Node { name: "root".into(), key: String::new(), name_id: names::intern("root"), state: AtomicU64::new(0) };
        let settings = LoggerSettings { level: Some(LevelFilter::Warn), ..LoggerSettings::default() };
        let tree = Tree {
            loggers: HashMap::from([(String::new(), (Arc::new(root), settings))]),
            queues: Vec::new(),
            observers: Vec::new(),
            disabled: 0,
            closed: false,
            routes: Vec::new(),
            replaced: Vec::new(),
            retired: Vec::new(),
        };
        let registry = Self {
            tree: Mutex::new(tree),
            is_global,
            span_events: AtomicU8::new(SpanEvents::default() as u8),
            hooks: Mutex::default(),
            on_first_refusal: Mutex::default(),
        };
        registry.update(|_| ());
        Arc::new(registry)
    }

    /// Returns the registry that call sites belong to.
    pub(crate) fn global() -> &'static Arc<Self> {
        static GLOBAL: LazyLock<Arc<Registry>> = LazyLock::new(|| Registry::new(true));
        lazy(&GLOBAL)
    }

    /// Returns the logger with this name, and creates it if it does not exist. An empty name and `root` are the root
    /// logger's.
    ///
    /// # Errors
    ///
    /// The name is invalid.
    pub(crate) fn get_logger(self: &Arc<Self>, name: &str) -> Result<FemtoLogger, Error> {
        match Self::name_problem(name) {
            Some(why) => Err(Error::invalid_name(name, why)),
            None => Ok(self.logger(name)),
        }
    }

    /// Returns the logger with this name, which must be valid, and creates it if it does not exist.
    pub(crate) fn logger(self: &Arc<Self>, name: &str) -> FemtoLogger {
        let mut tree = lock(&self.tree);
        let node = tree.node(self.is_global, name);
        FemtoLogger::new(self.clone(), node)
    }

    pub(crate) fn root(self: &Arc<Self>) -> FemtoLogger {
        self.logger("")
    }

    pub(crate) fn children(self: &Arc<Self>, key: &str) -> Vec<FemtoLogger> {
        let tree = lock(&self.tree);
        let parent_of = |child: &str| child.rsplit_once("::").map_or("", |(parent, _)| parent).to_owned();
        let mut nodes: Vec<_> = tree.loggers.values().map(|(node, _)| node.clone()).collect();
        nodes.retain(|node| !node.key.is_empty() && parent_of(&node.key) == key);
        nodes.sort_by(|a, b| a.key.cmp(&b.key));
        nodes.into_iter().map(|node| FemtoLogger::new(self.clone(), node)).collect()
    }

    pub(crate) fn with<T: Default>(&self, key: &str, read: impl FnOnce(&LoggerSettings) -> T) -> T {
        lock(&self.tree).loggers.get(key).map(|(_, settings)| read(settings)).unwrap_or_default()
    }

    pub(crate) fn change(&self, key: &str, change: impl FnOnce(&mut LoggerSettings)) {
        self.update(|tree| tree.loggers.get_mut(key).map(|(_, settings)| change(settings)));
    }

    /// Changes the tree, and computes all states again.
    ///
    /// Filters that are removed are dropped after the lock is released: their destructors are user code, which may log
    /// or panic. The clones of all filters that are made at the beginning see to that.
    fn update<T>(&self, change: impl FnOnce(&mut Tree) -> T) -> T {
        let (mut tree, filters) = self.begin_update();
        let result = change(&mut tree);
        self.end_update(tree, filters);
        result
    }

    // The parts of `update` that do not depend on the change, so that they are compiled once.

    fn begin_update(&self) -> (Guard<'_, Tree>, Vec<Vec<LoggerFilter>>) {
        let tree = lock(&self.tree);
        let filters = tree.loggers.values().map(|(_, settings)| settings.filters.clone()).collect();
        (tree, filters)
    }

    fn end_update(&self, mut tree: Guard<'_, Tree>, filters: Vec<Vec<LoggerFilter>>) {
        let routes = self.refresh(&mut tree);
        drop(tree);
        let hooks = lock(&self.hooks).clone();
        for hook in hooks {
            let _ = guarded(hook);
        }
        let _ = guarded(|| drop((filters, routes)));
    }

    /// Calls a function after every change. No lock is held then. Changes on several threads may call it in any order,
    /// so it gets no arguments and reads the current settings itself.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn on_change(&self, hook: fn()) {
        lock(&self.hooks).push(hook);
    }

    /// Removes a function that [`on_change`](Self::on_change) has added, once if it was added several times.
    #[cfg(feature = "tracing")]
    pub(crate) fn not_on_change(&self, hook: fn()) {
        let mut hooks = lock(&self.hooks);
        // Another function at the same address does the same.
        if let Some(at) = hooks.iter().position(|known| std::ptr::fn_addr_eq(*known, hook)) {
            hooks.swap_remove(at);
        }
    }

    /// Returns the most verbose level that is enabled for any target.
    pub(crate) fn most_verbose(&self) -> LevelFilter {
        let lowest = lock(&self.tree).lowest();
        let all = LevelFilter::ALL.into_iter();
        all.filter(|filter| filter.number() >= lowest).min().unwrap_or(LevelFilter::Off).max(STATIC_MAX_LEVEL)
    }

    pub(crate) fn effective_level(&self, key: &str) -> LevelFilter {
        lock(&self.tree).level(key)
    }

    pub(crate) fn handlers_of(&self, key: &str) -> Vec<String> {
        self.with(key, |settings| settings.handlers.iter().map(|queue| queue.name.to_string()).collect())
    }

    pub(crate) fn attach(&self, key: &str, name: &str) -> Result<(), Error> {
        let queue = lock(&self.tree).queue(name)?;
        self.change(key, |settings| {
            if !settings.handlers.iter().any(|known| Arc::ptr_eq(known, &queue)) {
                settings.handlers.push(queue);
            }
        });
        Ok(())
    }

    pub(crate) fn detach(&self, key: &str, name: &str) -> bool {
        let mut found = false;
        self.change(key, |settings| {
            let before = settings.handlers.len();
            settings.handlers.retain(|queue| &*queue.name != name);
            found = settings.handlers.len() < before;
        });
        found
    }

    /// Changes the lowest level that a handler takes.
    pub(crate) fn set_handler_level(&self, name: &str, level: LevelFilter) -> Result<(), Error> {
        self.update(|tree| {
            tree.queue(name)?.set_threshold(level.number());
            // Threads remember thresholds with their routes, so it takes new routes to change one.
            tree.replaced.append(&mut tree.routes);
            Ok(())
        })
    }

    /// Disables all levels up to this one, everywhere; `None` ends that.
    pub(crate) fn disable(&self, level: Option<Level>) {
        self.update(|tree| tree.disabled = level.map_or(0, Level::number));
    }

    /// Sets the level of the root logger, and disables everything more verbose, everywhere.
    pub(crate) fn set_most_verbose(&self, filter: LevelFilter) {
        self.update(|tree| {
            let below = Level::ALL.into_iter().rev().find(|level| !filter.enables(*level));
            tree.disabled = below.map_or(0, Level::number);
            if let Some((_, root)) = tree.loggers.get_mut("") {
                root.level = Some(filter);
            }
        });
    }

    /// Sets the handlers, and the settings of the loggers that `settings` names by their canonical names.
    pub(crate) fn configure(&self, queues: Vec<Arc<Queue>>, settings: Vec<(String, LoggerSettings)>) {
        self.update(|tree| {
            tree.queues = queues;
            tree.closed = false;
            // Those of a system that was shut down.
            for (_, settings) in tree.loggers.values_mut() {
                settings.handlers.retain(|queue| !queue.is_closed() && !queue.is_orphaned());
            }
            tree.set(self.is_global, settings);
        });
    }

    /// Exchanges the handlers, and gives all loggers the settings that `settings` names for them, or none.
    ///
    /// Routes that lead to a handler that is gone are forgotten at once, and not only by the next change: a call that
    /// has loaded the state of one and has not looked the route up asks again.
    pub(crate) fn reconfigure(&self, queues: Vec<Arc<Queue>>, settings: Vec<(String, LoggerSettings)>) {
        self.update(|tree| {
            tree.queues = queues;
            tree.loggers.values_mut().for_each(|(_, settings)| *settings = LoggerSettings::default());
            tree.set(self.is_global, settings);
            // A handler's level and wake-up level may have changed, which threads keep with their routes.
            tree.replaced.append(&mut tree.routes);
        });
        self.update(|_| ());
    }

    /// Has a handler get every record that its logger lets through, whatever handlers the logger has.
    #[cfg(feature = "testing")]
    pub(crate) fn observe(&self, queue: Arc<Queue>) {
        self.update(|tree| tree.observers.push(queue));
    }

    /// Returns the settings of all loggers, by their canonical names.
    pub(crate) fn settings(&self) -> Vec<(String, LoggerSettings)> {
        let tree = lock(&self.tree);
        tree.loggers.iter().map(|(name, (_, settings))| (name.clone(), settings.clone())).collect()
    }

    /// Adds a handler, which no logger has yet.
    pub(crate) fn add_queue(&self, queue: Arc<Queue>) {
        self.update(|tree| tree.queues.push(queue));
    }

    /// Removes a handler from all loggers. Its routes are forgotten at once; see [`reconfigure`](Self::reconfigure).
    pub(crate) fn remove_queue(&self, queue: &Arc<Queue>) {
        self.update(|tree| {
            tree.queues.retain(|known| !Arc::ptr_eq(known, queue));
            for (_, settings) in tree.loggers.values_mut() {
                settings.handlers.retain(|known| !Arc::ptr_eq(known, queue));
            }
        });
        self.update(|_| ());
    }

    /// Has threads ask again what they keep with their routes, such as the levels of handlers.
    pub(crate) fn renew_routes(&self) {
        self.update(|tree| tree.replaced.append(&mut tree.routes));
    }

    /// Returns a function that does the same, as long as there is this registry.
    pub(crate) fn renewer(self: &Arc<Self>) -> Box<dyn Fn() + Send> {
        let registry = Arc::downgrade(self);
        Box::new(move || {
            if let Some(registry) = registry.upgrade() {
                registry.renew_routes();
            }
        })
    }

    /// Disables the loggers that exist, except these and their descendants, as `dictConfig` does.
    #[cfg(feature = "config")]
    pub(crate) fn disable_others<'n>(&self, names: impl Iterator<Item = &'n str>) {
        let kept: Vec<_> = names.map(canonical).filter(|name| !name.is_empty()).collect();
        let is_kept = |key: &str| {
            let is_below =
                |name: &String| key.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            key.is_empty() || kept.iter().any(is_below)
        };
        self.update(|tree| {
            for (_, (_, settings)) in tree.loggers.iter_mut().filter(|(key, _)| !is_kept(key)) {
                settings.disabled = true;
            }
        });
    }

    /// Replaces all routes by ones that count records as dropped.
    pub(crate) fn close(&self) {
        self.update(|tree| tree.closed = true);
    }

    /// Computes the states of all loggers and call sites again, and stores them. Returns the routes that are forgotten,
    /// which the caller drops after it has released the tree.
    fn refresh(&self, tree: &mut Tree) -> Vec<Arc<Route>> {
        // Of the change before this one. A call that loaded a state just before this change may still look for the
        // route that this change retires.
        let forgotten = Route::forget(std::mem::take(&mut tree.retired));
        let mut used = HashSet::new();
        let nodes: Vec<_> = tree.loggers.values().map(|(node, _)| node.clone()).collect();
        for node in nodes {
            let state = tree.state(self.is_global, &node.key);
            node.set_state(state);
            used.insert(state.route());
        }
        if self.is_global {
            for site in callsite::initialized() {
                let state = tree.site_state(&site.metadata);
                used.insert(state.route());
                site.set_state(state.with_site(site.state().site()));
            }
            // Release, after the states: a thread that sees the new number asks for states that are at least as new.
            GENERATION.fetch_add(1, Release);
        }
        // States have their routes now; what no state has is retired.
        let old = std::mem::take(&mut tree.routes);
        let (kept, gone): (Vec<_>, Vec<_>) = old.into_iter().partition(|route| used.contains(&route.id));
        tree.routes = kept;
        tree.retired = gone.iter().chain(&tree.replaced).map(|route| route.id).collect();
        tree.replaced.clear();
        // The retired routes stay in the list of all routes until the next change.
        forgotten
    }

    /// Computes the first state of a call site, and returns whether a level is enabled.
    ///
    /// The lock of the tree is held until the state is stored. A change of the settings comes before, and this state is
    /// of the new settings, or after, and finds the site in the list of those that follow the loggers.
    #[cold]
    pub(crate) fn init_state(&self, site: &'static Callsite, level: Level) -> bool {
        if holds_lock() {
            return refuse();
        }
        let mut tree = lock(&self.tree);
        let state = tree.site_state(&site.metadata);
        callsite::init(site, state);
        drop(tree);
        let is_enabled = state.enabled(level);
        if !is_enabled && level < Level::Warn {
            let tell = lock(&self.on_first_refusal).take();
            tell.into_iter().for_each(|tell| tell(level));
        }
        is_enabled
    }

    /// Has `tell` called once, when a call site runs for the first time and its level, which is below `Warn`, is not
    /// enabled. Costs nothing while a site runs again.
    pub(crate) fn on_first_refusal(&self, tell: fn(Level)) {
        *lock(&self.on_first_refusal) = Some(tell);
    }

    /// Gives a call site its id, and computes its state. Called for the first record of a site that is enabled.
    #[cold]
    pub(crate) fn register(&self, site: &'static Callsite, shape: &'static Shape) -> State {
        if holds_lock() {
            refuse();
            return State::OFF;
        }
        let mut tree = lock(&self.tree);
        let state = tree.site_state(&site.metadata);
        if site.metadata.origin != Origin::Logger {
            callsite::init(site, state);
        }
        callsite::register(site, shape, state)
    }

    /// Computes the state of a target that is known only at run time.
    pub(crate) fn target_state(&self, target: &str) -> State {
        lock(&self.tree).state(self.is_global, &canonical(target))
    }

    pub(crate) fn span_events(&self) -> SpanEvents {
        const ALL: [SpanEvents; 4] = [SpanEvents::None, SpanEvents::Enter, SpanEvents::Exit, SpanEvents::Both];
        ALL.get(usize::from(self.span_events.load(Relaxed))).copied().unwrap_or_default()
    }

    pub(crate) fn set_span_events(&self, events: SpanEvents) {
        self.span_events.store(events as u8, Relaxed);
    }

    pub(crate) fn generation() -> u64 {
        GENERATION.load(Acquire)
    }
}

/// Returns the error for a name that no handler has. It says which there are.
pub(crate) fn no_handler<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<_> = known.collect();
    let remedy = match known.is_empty() {
        true => "there are no handlers".to_owned(),
        false => format!("there is no handler of this name; there are: {}", known.join(", ")),
    };
    Error::config(vec![Problem::new("handler", format_args!("{name:?}"), remedy)])
}

/// Counts a record of a signal handler that has interrupted this thread while it holds a lock of the library, which may
/// be the one that is needed here. Returns `false`: the call is not enabled.
fn refuse() -> bool {
    metrics::count_unrouted();
    false
}

impl Tree {
    /// Returns the node with this name, and creates it if it does not exist.
    fn node(&mut self, is_global: bool, name: &str) -> Arc<Node> {
        let key = canonical(name);
        if let Some((node, _)) = self.loggers.get(&key) {
            return node.clone();
        }
        let name: Arc<str> = name.into();
        let node = Arc::new(Node { name_id: names::intern(&name), name, key: key.clone(), state: AtomicU64::new(0) });
        node.set_state(self.state(is_global, &key));
        self.loggers.insert(key, (node.clone(), LoggerSettings::default()));
        node
    }

    /// Sets the settings of these loggers.
    fn set(&mut self, is_global: bool, settings: Vec<(String, LoggerSettings)>) {
        for (name, new) in settings {
            let node = self.node(is_global, &name);
            if let Some((_, settings)) = self.loggers.get_mut(&node.key) {
                *settings = new;
            }
        }
    }

    fn queue(&self, name: &str) -> Result<Arc<Queue>, Error> {
        let found = self.queues.iter().find(|queue| &*queue.name == name).cloned();
        found.ok_or_else(|| no_handler(name, self.queues.iter().map(|queue| &*queue.name)))
    }

    /// Iterates over the settings of a logger and of its ancestors, as far as they exist, from the logger upwards.
    fn lineage<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a LoggerSettings> {
        let ups = std::iter::successors(Some(key), |key| {
            (!key.is_empty()).then(|| key.rsplit_once("::").map_or("", |(parent, _)| parent))
        });
        ups.filter_map(|key| self.loggers.get(key).map(|(_, settings)| settings))
    }

    fn level(&self, key: &str) -> LevelFilter {
        self.lineage(key).find_map(|settings| settings.level).unwrap_or(LevelFilter::Warn)
    }

    /// Computes the state of a logger with this name, whether it exists or not.
    fn state(&mut self, is_global: bool, key: &str) -> State {
        let own = self.loggers.get(key).map(|(_, settings)| settings);
        if own.is_some_and(|settings| settings.disabled) {
            return State::new(0, NOWHERE, u8::MAX);
        }
        let filters = own.map(|settings| settings.filters.clone()).unwrap_or_default();
        let (threshold, queues) = self.reach(is_global, key);
        let (threshold, filters) = fold(threshold, filters);
        let route = match threshold {
            u8::MAX => NOWHERE,
            _ if queues.is_empty() => LAST_RESORT,
            _ => self.route(queues, filters),
        };
        State::new(0, route, threshold)
    }

    /// Returns the lowest level that reaches a handler from this logger, without regard to filters, and the handlers.
    /// Without handlers, the handler of last resort takes warnings in the global system, and nothing does in others.
    fn reach(&self, is_global: bool, key: &str) -> (u8, Vec<Arc<Queue>>) {
        let mut queues: Vec<Arc<Queue>> = Vec::new();
        for settings in self.lineage(key) {
            for queue in &settings.handlers {
                if !queues.iter().any(|known| Arc::ptr_eq(known, queue)) {
                    queues.push(queue.clone());
                }
            }
            if !settings.propagate {
                break;
            }
        }
        let level = self.level(key).number().max(self.disabled.saturating_add(1));
        queues.extend(self.observers.iter().cloned());
        let lowest = queues.iter().map(|queue| queue.threshold()).min();
        match lowest {
            Some(lowest) => (level.max(lowest), queues),
            None if is_global => (level.max(Level::Warn.number()), queues),
            None => (u8::MAX, queues),
        }
    }

    /// Returns the lowest threshold that any target can have. A disabled logger counts as if it were not, because its
    /// descendants are not disabled.
    fn lowest(&self) -> u8 {
        self.loggers.keys().map(|key| self.reach(true, key).0).min().unwrap_or(0)
    }

    /// Computes the state of a call site.
    ///
    /// Only a static target decides by itself. Sites of the other two kinds are enabled wherever some record of theirs
    /// could be, and have no route: each call asks its target or its logger.
    fn site_state(&mut self, metadata: &callsite::Metadata) -> State {
        match metadata.origin {
            Origin::Static => self.state(true, &canonical(metadata.module.target)),
            // Each call then asks for its own target's.
            Origin::Target => State::new(0, NOWHERE, self.lowest()),
            Origin::Logger => State::new(0, NOWHERE, 0),
        }
    }

    /// Returns the number of the route to these queues.
    fn route(&mut self, queues: Vec<Arc<Queue>>, filters: Vec<Arc<dyn FemtoFilter>>) -> u32 {
        let known = self.routes.iter().find(|route| route.is_same(&queues, &filters, self.closed));
        known.map(|route| route.id).unwrap_or_else(|| {
            let route = Route::new(queues, filters, self.closed);
            self.routes.push(route.clone());
            route.id
        })
    }
}

/// Raises the threshold by what filters decide by the level alone. Returns it with the filters that have to be asked
/// for each record.
///
/// For example, with the threshold `Debug` and two filters:
///
/// | filter | `Debug` | `Info` | `Warn` … | |
/// |---|---|---|---|---|
/// | a level filter | `Never` | `Always` | `Always` | says nothing new from `Info` on, so it is not asked |
/// | a rate limit | `Sometimes` | `Sometimes` | `Sometimes` | is asked |
///
/// The threshold becomes `Info`, because a record at `Debug` would be rejected in any case.
fn fold(threshold: u8, filters: Vec<LoggerFilter>) -> (u8, Vec<Arc<dyn FemtoFilter>>) {
    if filters.is_empty() {
        return (threshold, Vec::new());
    }
    let levels = || Level::ALL.into_iter().filter(|level| level.number() >= threshold);
    let is_wanted = |level: &Level| !filters.iter().any(|filter| filter.says(*level, Interest::Never));
    let Some(lowest) = levels().find(is_wanted) else {
        return (u8::MAX, Vec::new());
    };
    let is_asked =
        |filter: &LoggerFilter| levels().any(|level| level >= lowest && !filter.says(level, Interest::Always));
    let asked = filters.iter().filter(|filter| is_asked(filter)).map(|filter| filter.filter.clone()).collect();
    (lowest.number(), asked)
}

impl Drop for Registry {
    fn drop(&mut self) {
        let tree = lock(&self.tree);
        let ids: Vec<_> = tree.routes.iter().map(|route| route.id).chain(tree.retired.iter().copied()).collect();
        drop(tree);
        drop(Route::forget(ids));
    }
}
