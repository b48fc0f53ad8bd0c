//! Call sites: one `static` per logging call in the user's source, with the cached answer to "is this enabled?".
//!
//! The answer is a [`State`] in an atomic word, so a disabled call costs one relaxed load and one comparison.
//!
//! # A call site's life
//!
//! | step | state: id, route, threshold | what happens |
//! |---|---|---|
//! | before the first call | 0, 0, 0 | every level passes the comparison |
//! | first call | 0, 0, `Info` | [`init`], by `Registry::init_state`: computes the threshold |
//! | first enabled call | 7, 3, `Info` | [`register`]: gives the site its id, by which consumers find it |
//! | enabled call | 7, 3, `Info` | the id goes into the record, which goes to the rings of the route |
//! | reconfiguration | 7, 4, `Warn` | `Registry::refresh` stores the new route and threshold; the id stays |
//! | disabled call | 7, 4, `Warn` | one load, one comparison |
//!
//! The example is of `info!("{} done", n)` in a program whose level changes from `Info` to `Warn` while it runs. From
//! the first call on, the site is in the list of those whose states the registry updates.
//!
//! A call that names a logger (`logger:`) asks that logger's state instead, and uses its own only for the id.
//!
//! # Invariants
//!
//! * An id is given once and never changes. Zero is no id.
//! * A state without an id has no route ([`Callsite::set_state`]). A call that finds its route in the thread's table
//!   therefore has an id, and the ordinary path does not ask for it.
//! * A route never changes; another configuration is another route with another number. What a thread remembers of a
//!   route cannot be out of date: a call site that was told of the new route does not ask for the old one.
//! * States are written under the registry's lock only, so a slow first call does not overwrite a newer configuration.
//!
//! # Orderings
//!
//! States are loaded and stored with relaxed ordering: a state is one word, complete in itself. What an id or a route
//! stands for is read under a mutex: by the thread when it meets the route for the first time, and by a consumer when
//! it meets the id. A consumer gets the id from a record, published with release ordering after [`register`] has
//! returned, so it finds the site in the list. A call that races with a reconfiguration uses the old state or the new
//! one; the old route is kept until the change after next for its sake.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::*};

use crate::level::Level;
use crate::sync::lock;
use crate::template::Template;
use crate::value::{Tag, Tags, limits};

/// The `static` of a logging call: its metadata, and its cached state.
#[doc(hidden)]
pub struct Callsite {
    state: AtomicU64,
    pub(crate) metadata: Metadata,
}

/// What is known about a call at compile time, without its types; see [`Shape`] for these.
#[doc(hidden)]
pub struct Metadata {
    /// The level, or `None` if it is known only at run time.
    pub level: Option<Level>,
    pub origin: Origin,
    /// By reference, because calls in the same module mostly have the same, and equal constants are merged.
    pub module: &'static Module,
    pub line: u32,
    pub template: &'static str,
    pub keys: &'static [&'static str],
}

/// What calls have in common that are in the same module and have the same target.
#[doc(hidden)]
pub struct Module {
    /// The target, if it is a literal; the module path otherwise.
    pub target: &'static str,
    pub module_path: &'static str,
    pub file: &'static str,
}

/// What decides where the records of a call go; see `logger/source.rs`.
#[doc(hidden)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Its target, known at compile time.
    Static,
    /// A target that is known only at run time.
    Target,
    /// A logger that the call names.
    Logger,
}

/// The state of a call site or of a logger: the lowest level that is enabled, where its records go and, for a call
/// site, its id.
///
/// ```text
/// 63            32 31         8 7        0
/// +---------------+------------+----------+
/// | call-site id  | route id   | threshold|
/// +---------------+------------+----------+
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[doc(hidden)]
pub struct State(pub(crate) u64);

impl State {
    /// The number of numbers for routes.
    pub(crate) const ROUTES: u32 = 1 << 24;

    /// The state in which no level is enabled: the threshold is above all levels.
    pub(crate) const OFF: Self = Self(u8::MAX as u64);

    /// Packs a state. The threshold is the [number](Level::number) of a level, or `u8::MAX`.
    pub(crate) fn new(site: u32, route: u32, threshold: u8) -> Self {
        Self(u64::from(site) << 32 | u64::from(route % Self::ROUTES) << 8 | u64::from(threshold))
    }

    /// Returns whether the level is at or above the threshold. The threshold is the lowest byte of the word, so that a
    /// disabled call compiles to a load of one byte and a comparison.
    #[inline(always)]
    pub(crate) fn enabled(self, level: Level) -> bool {
        self.0 as u8 <= level as u8
    }

    #[inline(always)]
    pub(crate) fn route(self) -> u32 {
        self.0 as u32 >> 8
    }

    #[inline(always)]
    pub(crate) fn site(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn with_site(self, site: u32) -> Self {
        Self(u64::from(site) << 32 | self.0 & 0xFFFF_FFFF)
    }
}

/// The part of a call site that depends on its types. It is a constant and not part of the `static`, because a `static`
/// in a generic function is shared by all instantiations of the function.
#[doc(hidden)]
pub struct Shape {
    /// By reference, because all calls with these types have the same, and equal constants are merged.
    pub(crate) types: &'static Types,
    /// The name of a type that is defined where the call stands, so that it contains the path of the function.
    pub(crate) place: Option<fn() -> &'static str>,
}

/// How the payload of a call's records is read.
#[doc(hidden)]
pub struct Types {
    /// How the message is rendered from the payload.
    pub(crate) template: Template,
    pub(crate) arguments: Option<&'static Tags>,
    pub(crate) fields: Option<&'static Tags>,
}

impl Shape {
    /// The shape of a message that the caller formats, without keys.
    pub(crate) const TEXT: &'static Shape =
        &Shape { types: &Types { template: Template::Text, arguments: None, fields: None }, place: None };
}

impl Callsite {
    #[doc(hidden)]
    pub const fn new(metadata: Metadata) -> Self {
        Self { state: AtomicU64::new(0), metadata }
    }

    /// Returns whether the cached state enables `level`. `true` for a site that has never run.
    #[inline(always)]
    pub fn enabled(&self, level: Level) -> bool {
        self.state().enabled(level)
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        State(self.state.load(Relaxed))
    }

    pub(crate) fn set_state(&self, state: State) {
        // A state without an id has no route; see the invariants above.
        let state = if state.site() == 0 { State::new(0, 0, state.0 as u8) } else { state };
        self.state.store(state.0, Relaxed);
    }
}

/// A registered call site, as consumers see it.
#[derive(Clone, Copy)]
pub(crate) struct Registered {
    pub(crate) site: &'static Callsite,
    pub(crate) shape: &'static Shape,
}

impl Registered {
    pub(crate) fn argument_tags(&self) -> Vec<Tag> {
        Tags::to_vec(self.shape.types.arguments)
    }

    pub(crate) fn field_tags(&self) -> Vec<Tag> {
        Tags::to_vec(self.shape.types.fields)
    }

    /// Returns the path of the function that contains the call, if a macro made it.
    pub(crate) fn function(&self) -> Option<String> {
        // A site of the panic hook, which has no module, is made in the hook.
        let place = self.shape.place.filter(|_| !self.site.metadata.module.module_path.is_empty());
        place.map(|place| function_path(place()))
    }
}

/// Returns the path of the function around a closure, from the name that rustc gives the closure's type.
///
/// Closures and `async` blocks count as the function that they stand in. A method has its type's path, and generic
/// arguments are left out: of `<app::Pool<i32> as app::Load>::load::{{closure}}`, `app::Pool::load` is left.
fn function_path(closure: &str) -> String {
    let mut path = closure;
    while let Some(outer) = path.strip_suffix("::{{closure}}") {
        path = outer;
    }
    without_generics(path)
}

/// Leaves out generic arguments, and of `<Type as Trait>` and `<impl Trait for Type>` all but the type.
fn without_generics(path: &str) -> String {
    let mut plain = String::new();
    let mut rest = path;
    while let Some(open) = rest.find('<') {
        plain.push_str(&rest[..open]);
        let (inside, behind) = in_angles(&rest[open..]);
        rest = behind;
        if plain.is_empty() || plain.ends_with("::") && inside.starts_with("impl ") {
            let (of_trait, of_type) = (inside.rsplit_once(" for "), inside.split_once(" as "));
            let self_type = match inside.strip_prefix("impl ") {
                Some(own) => of_trait.map_or(own, |(_, self_type)| self_type),
                None => of_type.map_or(inside, |(self_type, _)| self_type),
            };
            plain = without_generics(self_type);
        } else if plain.ends_with("::") {
            // The turbofish of `f::<i32>`.
            plain.truncate(plain.len() - 2);
        }
    }
    plain + rest
}

/// Splits `<a<b> as c>d` into `a<b> as c` and `d`. The `>` of an arrow closes nothing.
fn in_angles(text: &str) -> (&str, &str) {
    let (mut depth, mut before) = (0, ' ');
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[1..at], &text[at + 1..]);
        }
        before = c;
    }
    (text.get(1..).unwrap_or_default(), "")
}

/// All call sites that have made a record. The id of a site is its position, counted from 1, so the list only grows.
static SITES: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// All call sites that have run, except those that name a logger, which have no state of their own. The registry
/// updates the states of these.
static INITIALIZED: Mutex<Vec<&'static Callsite>> = Mutex::new(Vec::new());

/// Gives a call site its first state, and adds it to the sites whose states the registry updates. Does nothing if
/// another thread was first.
pub(crate) fn init(site: &'static Callsite, state: State) {
    let mut initialized = lock(&INITIALIZED);
    if site.state() == State(0) {
        initialized.push(site);
        site.set_state(state);
    }
}

/// Returns the call sites whose states the registry updates.
pub(crate) fn initialized() -> Vec<&'static Callsite> {
    lock(&INITIALIZED).clone()
}

/// Gives a call site its id, unless it has one, and stores `state` with that id. Returns the state.
pub(crate) fn register(site: &'static Callsite, shape: &'static Shape, state: State) -> State {
    let mut sites = lock(&SITES);
    let id = match site.state().site() {
        0 => {
            limits::get().check_keys(site.metadata.keys);
            sites.push(Registered { site, shape });
            sites.len() as u32
        }
        known => known,
    };
    let state = state.with_site(id);
    site.set_state(state);
    state
}

/// Returns the site with this id.
pub(crate) fn site(id: u32) -> Option<Registered> {
    lock(&SITES).get((id as usize).checked_sub(1)?).copied()
}

/// Returns the sites with an id above `known`.
pub(crate) fn sites_from(known: usize) -> Vec<Registered> {
    lock(&SITES).get(known..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each call has one of both in the binary.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn what_each_call_has_is_small() {
        assert_eq!((size_of::<Callsite>(), size_of::<Shape>()), (56, 16));
    }

    #[test]
    fn closures_give_the_function_around_them() {
        for (closure, function) in [
            ("app::main::{{closure}}", "app::main"),
            ("app::db::load::{{closure}}::{{closure}}::{{closure}}", "app::db::load"),
            ("app::db::load<i32>::{{closure}}", "app::db::load"),
            ("app::Pool<alloc::vec::Vec<u8>>::load<app::A>::{{closure}}", "app::Pool::load"),
            ("<app::Pool<i32> as app::Load<u8>>::load::{{closure}}", "app::Pool::load"),
            ("app::db::<impl app::Load for app::Pool<i32>>::load::{{closure}}", "app::Pool::load"),
            ("app::db::<impl app::db::Pool>::load::{{closure}}", "app::db::Pool::load"),
            ("app::f<fn(i32) -> u8>::{{closure}}", "app::f"),
            ("<&str as app::Load>::load::{{closure}}", "&str::load"),
            ("app::odd<", "app::odd"),
            ("", ""),
        ] {
            assert_eq!(function_path(closure), function, "{closure}");
        }
    }
}
