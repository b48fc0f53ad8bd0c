//! What a call names to say where its record goes: nothing, a target, a logger, or both.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{FemtoLogger, Registry};
use crate::callsite::{Callsite, Shape, State};
use crate::level::Level;
use crate::record::{LoggerName, Named, TargetName};

/// Where a call's record goes, and under which name.
#[doc(hidden)]
pub trait Source: Copy {
    type Name: Named;
    fn name(self) -> Self::Name;
    /// Whether a record of this level goes anywhere.
    fn lets(self, site: &'static Callsite, level: Level) -> bool;
    /// The final answer: the state to send with, if the record goes anywhere.
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

/// The site's state, registered if it was not.
#[inline(always)]
fn registered(site: &'static Callsite, shape: &'static Shape) -> State {
    let state = site.state();
    if state.site() == 0 { Registry::global().register(site, shape) } else { state }
}

/// Whether a call site lets this level through; a site that has never run is asked about once.
#[inline(always)]
fn site_lets(site: &'static Callsite, level: Level) -> bool {
    let state = site.state();
    state.lets(level) && (state != State(0) || Registry::global().sees(site, level))
}

impl Source for AtSite {
    type Name = ();

    #[inline(always)]
    fn name(self) {}

    #[inline(always)]
    fn lets(self, site: &'static Callsite, level: Level) -> bool {
        site_lets(site, level)
    }

    #[inline(always)]
    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        let state = registered(site, shape);
        state.lets(level).then_some(state)
    }
}

impl<'a> Source for AtTarget<'a> {
    type Name = TargetName<'a>;

    #[inline(always)]
    fn name(self) -> TargetName<'a> {
        TargetName(self.0)
    }

    #[inline(always)]
    fn lets(self, site: &'static Callsite, level: Level) -> bool {
        site_lets(site, level) && target_state(self.0).lets(level)
    }

    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        let site = registered(site, shape);
        let state = target_state(self.0);
        (site.lets(level) && state.lets(level)).then_some(state.with_site(site.site()))
    }
}

impl<'a> Source for AtLogger<'a> {
    type Name = LoggerName;

    #[inline(always)]
    fn name(self) -> LoggerName {
        LoggerName(self.0.node().name_id)
    }

    #[inline(always)]
    fn lets(self, _: &'static Callsite, level: Level) -> bool {
        self.0.node().state().lets(level)
    }

    #[inline(always)]
    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        let state = self.0.node().state();
        state.lets(level).then(|| state.with_site(registered(site, shape).site()))
    }
}

impl<'a> Source for AtLoggerAndTarget<'a> {
    type Name = (LoggerName, TargetName<'a>);

    fn name(self) -> Self::Name {
        (AtLogger(self.0).name(), TargetName(self.1))
    }

    #[inline(always)]
    fn lets(self, site: &'static Callsite, level: Level) -> bool {
        AtLogger(self.0).lets(site, level)
    }

    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        AtLogger(self.0).state(site, shape, level)
    }
}

/// How many run-time targets a thread remembers.
const TARGETS: usize = 256;

/// The states of targets, by name.
type States = HashMap<Box<str>, State, BuildHasherDefault<Fnv>>;

thread_local! {
    /// The states of the targets that this thread has used, and when they were asked for.
    static STATES: RefCell<(u64, States)> = RefCell::default();
}

/// The hash FNV-1a of 64 bits, as in draft-eastlake-fnv; std's own takes longer than the rest of a call.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

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
