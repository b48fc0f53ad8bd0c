//! What decides about a call: its own target, a target or logger that it names, or both.
//!
//! | call | source | who decides | when it is looked up |
//! |---|---|---|---|
//! | `info!("…")`, `info!(target: "db", "…")` | [`AtSite`] | the call site's cached state | at the first call |
//! | `info!(target: name, "…")` | [`AtTarget`] | the target's state | each call, in a table of the thread |
//! | `info!(logger: logger, "…")` | [`AtLogger`] | the logger's cached state | never: the logger has it |
//! | `info!(logger: logger, target: name, "…")` | [`AtLoggerAndTarget`] | the logger's; the target is only recorded | |
//!
//! A call asks twice. [`enabled`](Source::enabled) comes first, before any argument is evaluated. It may say yes for a
//! record that is rejected later, but must not say no for one that is enabled. [`state`](Source::state) comes after the
//! arguments and is final: it registers the site if this is its first record, and returns the route. In between, user
//! code has run, which may have changed the configuration.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{FemtoLogger, Registry, dispatch};
use crate::callsite::{Callsite, Shape, State};
use crate::context::Extras;
use crate::level::Level;
use crate::record::{Draft, LoggerName, Named, TargetName};
use crate::value::argument::Deferred;

/// What decides whether a call's record is logged and where it goes; and the names that the record carries.
#[doc(hidden)]
pub trait Source: Copy {
    type Name: Named;
    /// Whether records carry neither a name nor keys of their source, so that their values may travel in registers.
    const PLAIN: bool = false;
    /// Returns the names that precede the payload.
    fn name(self) -> Self::Name;
    /// Returns the extras of a record: those of the current context and of the logger.
    fn extras(&self) -> Extras<'_> {
        Extras::new(&[])
    }
    /// Returns an owned copy, for spans, which log when they end.
    fn to_owned(self) -> OwnedSource;
    /// Returns whether a record of this level may be enabled.
    fn enabled(self, site: &'static Callsite, level: Level) -> bool;
    /// Returns the state of a call that was just found enabled, if no search is needed. A state without an id has no
    /// route, so it never finds an entry in the thread's table; the call then takes the slow path, which registers it.
    fn known_state(self, site: &'static Callsite) -> Option<State>;
    /// Returns the state to send the record with, or `None` if it is not enabled.
    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State>;
}

/// The call site's own target.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct AtSite;

/// A target that is known only at run time.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct AtTarget<'a>(pub &'a str);

/// A logger.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct AtLogger<'a>(pub &'a FemtoLogger);

/// A logger, which decides, and a target, which is recorded.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct AtLoggerAndTarget<'a>(pub &'a FemtoLogger, pub &'a str);

/// Returns the call site's state, after registering the site if it has no id yet.
#[inline(always)]
fn registered(site: &'static Callsite, shape: &'static Shape) -> State {
    let state = site.state();
    if state.site() == 0 { Registry::global().register(site, shape) } else { state }
}

/// Returns whether a level is enabled at a call site. Computes the state of a site that has never run.
///
/// The state of a site that has never run is 0, which enables every level: so the first call passes the first check and
/// asks the registry, and no later call compares with anything but its state.
#[inline(always)]
fn site_enabled(site: &'static Callsite, level: Level) -> bool {
    let state = site.state();
    state.enabled(level) && (state != State(0) || Registry::global().init_state(site, level))
}

impl Source for AtSite {
    type Name = ();
    const PLAIN: bool = true;

    #[inline(always)]
    fn name(self) {}

    fn to_owned(self) -> OwnedSource {
        OwnedSource::Site
    }

    #[inline(always)]
    fn enabled(self, site: &'static Callsite, level: Level) -> bool {
        site_enabled(site, level)
    }

    #[inline(always)]
    fn known_state(self, site: &'static Callsite) -> Option<State> {
        Some(site.state())
    }

    #[inline(always)]
    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        let state = registered(site, shape);
        state.enabled(level).then_some(state)
    }
}

impl<'a> Source for AtTarget<'a> {
    type Name = TargetName<'a>;

    #[inline(always)]
    fn name(self) -> TargetName<'a> {
        TargetName(self.0)
    }

    fn to_owned(self) -> OwnedSource {
        OwnedSource::Target(self.0.into())
    }

    #[inline(always)]
    fn enabled(self, site: &'static Callsite, level: Level) -> bool {
        site_enabled(site, level) && target_state(self.0).enabled(level)
    }

    #[inline(always)]
    fn known_state(self, _: &'static Callsite) -> Option<State> {
        None
    }

    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        let site = registered(site, shape);
        let state = target_state(self.0);
        (site.enabled(level) && state.enabled(level)).then_some(state.with_site(site.site()))
    }
}

impl<'a> Source for AtLogger<'a> {
    type Name = LoggerName;

    #[inline(always)]
    fn extras(&self) -> Extras<'_> {
        Extras::new(self.0.bound())
    }

    #[inline(always)]
    fn name(self) -> LoggerName {
        LoggerName(self.0.node().name_id)
    }

    fn to_owned(self) -> OwnedSource {
        OwnedSource::Logger(self.0.clone())
    }

    #[inline(always)]
    fn enabled(self, _: &'static Callsite, level: Level) -> bool {
        self.0.node().state().enabled(level)
    }

    #[inline(always)]
    fn known_state(self, site: &'static Callsite) -> Option<State> {
        let id = site.state().site();
        (id != 0).then(|| self.0.node().state().with_site(id))
    }

    #[inline(always)]
    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        let state = self.0.node().state();
        state.enabled(level).then(|| state.with_site(registered(site, shape).site()))
    }
}

impl<'a> Source for AtLoggerAndTarget<'a> {
    type Name = (LoggerName, TargetName<'a>);

    fn extras(&self) -> Extras<'_> {
        Extras::new(self.0.bound())
    }

    fn name(self) -> Self::Name {
        (AtLogger(self.0).name(), TargetName(self.1))
    }

    fn to_owned(self) -> OwnedSource {
        OwnedSource::LoggerAndTarget(self.0.clone(), self.1.into())
    }

    #[inline(always)]
    fn enabled(self, site: &'static Callsite, level: Level) -> bool {
        AtLogger(self.0).enabled(site, level)
    }

    #[inline(always)]
    fn known_state(self, site: &'static Callsite) -> Option<State> {
        AtLogger(self.0).known_state(site)
    }

    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        AtLogger(self.0).state(site, shape, level)
    }
}

/// A source, and the number of calls that the call's rate limit has suppressed since its last record.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct After<S>(pub S, pub u64);

impl<S: Source> Source for After<S> {
    type Name = S::Name;

    fn name(self) -> S::Name {
        self.0.name()
    }

    fn to_owned(self) -> OwnedSource {
        self.0.to_owned()
    }

    #[inline(always)]
    fn extras(&self) -> Extras<'_> {
        self.0.extras().after(self.1)
    }

    #[inline(always)]
    fn enabled(self, site: &'static Callsite, level: Level) -> bool {
        self.0.enabled(site, level)
    }

    #[inline(always)]
    fn known_state(self, site: &'static Callsite) -> Option<State> {
        self.0.known_state(site)
    }

    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        self.0.state(site, shape, level)
    }
}

/// An owned [`Source`].
#[doc(hidden)]
#[derive(Clone)]
pub enum OwnedSource {
    Site,
    Target(Box<str>),
    Logger(FemtoLogger),
    LoggerAndTarget(FemtoLogger, Box<str>),
}

impl OwnedSource {
    /// Returns the logger, if the source names one.
    pub(crate) fn logger(&self) -> Option<&FemtoLogger> {
        match self {
            Self::Site | Self::Target(_) => None,
            Self::Logger(logger) | Self::LoggerAndTarget(logger, _) => Some(logger),
        }
    }

    /// Returns the route that a record of this level would take now, or `None` if it is not enabled.
    pub(crate) fn route(&self, site: &'static Callsite, level: Level) -> Option<u32> {
        let shape = Shape::TEXT;
        let state = match self {
            Self::Site => AtSite.state(site, shape, level),
            Self::Target(target) => AtTarget(target).state(site, shape, level),
            Self::Logger(logger) | Self::LoggerAndTarget(logger, _) => AtLogger(logger).state(site, shape, level),
        };
        state.map(State::route)
    }

    /// Sends a record with this text and these encoded extras, without those of the thread's context.
    pub(crate) fn say(&self, site: &'static Callsite, level: Level, text: &str, entries: &[u64]) {
        match self {
            Self::Site => say(AtSite, site, level, text, entries),
            Self::Target(target) => say(AtTarget(target), site, level, text, entries),
            Self::Logger(logger) => say(AtLogger(logger), site, level, text, entries),
            Self::LoggerAndTarget(logger, target) => say(AtLoggerAndTarget(logger, target), site, level, text, entries),
        }
    }
}

fn say<S: Source>(source: S, site: &'static Callsite, level: Level, text: &str, entries: &[u64]) {
    let state = || source.state(site, Shape::TEXT, level);
    if let Some(now) = state() {
        let (arguments, extras) = (&((), Deferred(text)), Extras::only(entries));
        dispatch::send(now, level, &Draft { name: source.name(), arguments, fields: &(), extras }, state);
    }
}

/// The maximum number of run-time targets in a thread's table. When it is full, it is cleared: programs have few
/// targets, and one that makes up a new target for each call would fill any table.
const TARGETS: usize = 256;

/// The states of targets, by name.
type States = HashMap<Box<str>, State, BuildHasherDefault<WordHasher>>;

thread_local! {
    /// The states of the targets that this thread has used, and the [`Registry::generation`] for which they are valid.
    static STATES: RefCell<(u64, States)> = RefCell::default();
}

/// A hash of eight bytes at a time, as in the tables of rustc (FxHash); std's own takes longer than the rest of a call.
///
/// The keys are targets of the program itself. Somebody who could choose them to collide could as well log in a loop,
/// so the hash need not resist that.
#[derive(Default)]
struct WordHasher(u64);

impl WordHasher {
    #[inline]
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    }
}

impl Hasher for WordHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        // The last eight bytes, which overlap with the word before them, so that no word is incomplete.
        match bytes.last_chunk::<8>() {
            Some(last) => self.add(u64::from_le_bytes(*last)),
            None => self.add(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))),
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        // A table looks at the lowest bits, and those of a product depend on the lowest bits of its factors only.
        self.0.rotate_left(26)
    }
}

/// Returns whether a level is enabled for a target that is known only at run time.
#[cfg(feature = "tracing")]
pub(crate) fn target_enabled(target: &str, level: Level) -> bool {
    target_state(target).enabled(level)
}

/// Returns the state of a target, from the thread's table or from the registry.
///
/// The generation is read before the registry is asked: if the configuration changes in between, the table has a newer
/// state than it says, and is cleared at the next call without need. The other order would keep an old state.
fn target_state(target: &str) -> State {
    let known = STATES.try_with(|states| {
        let mut states = states.try_borrow_mut().ok()?;
        let now = Registry::generation();
        if states.0 != now || states.1.len() >= TARGETS {
            *states = (now, States::default());
        }
        if let Some(state) = states.1.get(target) {
            return Some(*state);
        }
        let state = Registry::global().target_state(target);
        states.1.insert(target.into(), state);
        Some(state)
    });
    known.ok().flatten().unwrap_or_else(|| Registry::global().target_state(target))
}
