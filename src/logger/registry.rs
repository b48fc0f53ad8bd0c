//! All loggers of one logging system, and what follows from their settings for every logger and call site.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::*};
use std::sync::{Arc, LazyLock, Mutex};

use super::route::{LAST_RESORT, NOWHERE, Route};
use super::{FemtoLogger, Node};
use crate::callsite::{self, Callsite, Origin, Shape, State};
use crate::error::{Error, Problem, guarded};
use crate::filter::{FemtoFilter, Interest};
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::level::STATIC_MAX_LEVEL;
use crate::level::{Level, LevelFilter};
use crate::metrics;
use crate::names;
use crate::policy::SpanEvents;
use crate::queue::Queue;
use crate::sync::{holds_lock, lock};

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

/// A filter on a logger, with what it says of each level before there is a record.
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
    /// Which records spans make of themselves.
    span_events: AtomicU8,
    /// What is called after every change.
    hooks: Mutex<Vec<fn()>>,
}

struct Tree {
    /// By canonical name; the root logger's is empty.
    loggers: HashMap<String, (Arc<Node>, LoggerSettings)>,
    queues: Vec<Arc<Queue>>,
    /// Levels whose number is not above this are disabled everywhere.
    disabled: u8,
    closed: bool,
    routes: Vec<Arc<Route>>,
    /// Routes that are not to be used any more although nothing about their queues changed.
    replaced: Vec<Arc<Route>>,
    /// Routes that the last change left without use.
    retired: Vec<u32>,
}

/// Grows with every change of the global registry, so that threads notice that what they remember is out of date.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Returns a name as the tree knows it: parts separated by `::`, and nothing for the root logger's.
pub(crate) fn canonical(name: &str) -> String {
    if name == "root" { String::new() } else { name.replace('.', "::") }
}

impl Registry {
    /// Why a logger cannot have this name, if so.
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
        };
        registry.update(|_| ());
        Arc::new(registry)
    }

    /// The registry that call sites belong to.
    pub(crate) fn global() -> &'static Arc<Self> {
        static GLOBAL: LazyLock<Arc<Registry>> = LazyLock::new(|| Registry::new(true));
        &GLOBAL
    }

    /// Returns the logger of this name, made if need be; an empty name or `root` is the root logger's.
    pub(crate) fn get_logger(self: &Arc<Self>, name: &str) -> Result<FemtoLogger, Error> {
        match Self::name_problem(name) {
            Some(why) => Err(Error::invalid_name(name, why)),
            None => Ok(self.logger(name)),
        }
    }

    /// The same for a name that is known to be good.
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

    /// Changes the tree and works out what follows. Filters that go are dropped when the tree is free again: their
    /// destructors are user code, which may log, and panic.
    fn update<T>(&self, change: impl FnOnce(&mut Tree) -> T) -> T {
        let mut tree = lock(&self.tree);
        let filters: Vec<_> = tree.loggers.values().map(|(_, settings)| settings.filters.clone()).collect();
        let result = change(&mut tree);
        let routes = self.refresh(&mut tree);
        drop(tree);
        let hooks = lock(&self.hooks).clone();
        for hook in hooks {
            let _ = guarded(hook);
        }
        let _ = guarded(|| drop((filters, routes)));
        result
    }

    /// Has a function called after every change. No lock is held then, and changes may overtake each other: it is to
    /// ask for what it wants to know.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn on_change(&self, hook: fn()) {
        lock(&self.hooks).push(hook);
    }

    /// Takes back what [`on_change`](Self::on_change) added once.
    #[cfg(feature = "tracing")]
    pub(crate) fn not_on_change(&self, hook: fn()) {
        let mut hooks = lock(&self.hooks);
        // Another function at the same address does the same.
        if let Some(at) = hooks.iter().position(|known| std::ptr::fn_addr_eq(*known, hook)) {
            hooks.swap_remove(at);
        }
    }

    /// The most verbose level that any target lets through.
    #[cfg(any(feature = "log", feature = "tracing"))]
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

    /// Sets the handlers, and the settings of the loggers that `settings` names by their canonical names.
    pub(crate) fn configure(&self, queues: Vec<Arc<Queue>>, settings: Vec<(String, LoggerSettings)>) {
        self.update(|tree| {
            tree.queues = queues;
            tree.closed = false;
            // Those of a system that was shut down.
            for (_, settings) in tree.loggers.values_mut() {
                settings.handlers.retain(|queue| !queue.is_closed() && !queue.is_orphaned());
            }
            for (name, new) in settings {
                let node = tree.node(self.is_global, &name);
                if let Some((_, settings)) = tree.loggers.get_mut(&node.key) {
                    *settings = new;
                }
            }
        });
    }

    /// From now on records are counted and go nowhere.
    pub(crate) fn close(&self) {
        self.update(|tree| tree.closed = true);
    }

    /// Works out anew what every logger and call site lets through and where that goes. Returns the routes that go.
    fn refresh(&self, tree: &mut Tree) -> Vec<Arc<Route>> {
        // A caller that read the last state may still look for its route; the one before that it has long found.
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
            GENERATION.fetch_add(1, Release);
        }
        let old = std::mem::take(&mut tree.routes);
        let (kept, gone): (Vec<_>, Vec<_>) = old.into_iter().partition(|route| used.contains(&route.id));
        tree.routes = kept;
        tree.retired = gone.iter().chain(&tree.replaced).map(|route| route.id).collect();
        tree.replaced.clear();
        // Those that go now are in the list of all routes until the next change.
        forgotten
    }

    /// Works out the state of a call site that has none, and says whether it lets this level through.
    #[cold]
    pub(crate) fn init_state(&self, site: &'static Callsite, level: Level) -> bool {
        if holds_lock() {
            return refuse();
        }
        let mut tree = lock(&self.tree);
        let state = tree.site_state(&site.metadata);
        callsite::init(site, state);
        state.enabled(level)
    }

    /// Enters a call site and works out its state.
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

    /// The state of a target that is known only at run time.
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

/// Refuses the first call of a site, made by a signal handler that interrupted this thread while it holds a lock of the
/// library, which may be the one needed here.
fn refuse() -> bool {
    metrics::count_unrouted();
    false
}

impl Tree {
    /// Returns the node of this name, made if need be.
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

    fn queue(&self, name: &str) -> Result<Arc<Queue>, Error> {
        let found = self.queues.iter().find(|queue| &*queue.name == name).cloned();
        found.ok_or_else(|| {
            let names: Vec<_> = self.queues.iter().map(|queue| &*queue.name).collect();
            let remedy = if names.is_empty() {
                "there are no handlers".to_owned()
            } else {
                format!("there is no handler of this name; there are: {}", names.join(", "))
            };
            Error::config(vec![Problem::new("handler", format_args!("{name:?}"), remedy)])
        })
    }

    /// The settings of a logger and its ancestors that exist, from the logger up.
    fn lineage<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a LoggerSettings> {
        let ups = std::iter::successors(Some(key), |key| {
            (!key.is_empty()).then(|| key.rsplit_once("::").map_or("", |(parent, _)| parent))
        });
        ups.filter_map(|key| self.loggers.get(key).map(|(_, settings)| settings))
    }

    fn level(&self, key: &str) -> LevelFilter {
        self.lineage(key).find_map(|settings| settings.level).unwrap_or(LevelFilter::Warn)
    }

    /// What a logger of this name lets through, whether it exists or not, and where that goes.
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

    /// The lowest level that comes through from here, as far as its own and its ancestors' levels and handlers say, and
    /// those handlers. If there are none, the handler of last resort takes warnings, in the global system.
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
        let lowest = queues.iter().map(|queue| queue.threshold()).min();
        match lowest {
            Some(lowest) => (level.max(lowest), queues),
            None if is_global => (level.max(Level::Warn.number()), queues),
            None => (u8::MAX, queues),
        }
    }

    /// The lowest threshold that any target can have. A logger that is disabled counts, because those below it are not.
    fn lowest(&self) -> u8 {
        self.loggers.keys().map(|key| self.reach(true, key).0).min().unwrap_or(0)
    }

    /// The state of a call site that does not name a logger.
    fn site_state(&mut self, metadata: &callsite::Metadata) -> State {
        match metadata.origin {
            Origin::Static => self.state(true, &canonical(metadata.target)),
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

/// Moves into the threshold what filters decide by the level alone. Returns it with the filters that are still to be
/// asked.
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
