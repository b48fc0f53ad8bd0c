//! Interned names: strings that a record refers to by a 32-bit id.
//!
//! Loggers, keys and spans have names that many records repeat. A name is entered once into a global table that only
//! grows ([`intern`]); a record then carries the id, one half of a word, and a consumer looks the name up in a copy of
//! its own ([`NameCache`]), without a lock.
//!
//! ```text
//! caller                                     consumer
//! intern("user") -> 3                        copy has 3 names: 0, 1, 2
//!   table: …, 3: "user"
//!   NAME_COUNT = 4           (Release)
//! record with id 3 ───── queue ───────────►  NAME_COUNT is 4 (Acquire): copies name 3
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use crate::sync::{lazy, lock};
use crate::text::Prepared;
use crate::value::limits;

/// All names. It only grows: an id stays valid for the life of the process.
static NAMES: LazyLock<Mutex<NameTable>> = LazyLock::new(Mutex::default);

/// The number of names in [`NAMES`], to be read without the lock.
static NAME_COUNT: AtomicUsize = AtomicUsize::new(0);

/// The global table of names.
#[derive(Default)]
struct NameTable {
    /// The names by id.
    list: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, u32>,
}

/// Returns the id of a name, which is entered if it is new.
pub(crate) fn intern(name: &str) -> u32 {
    let mut names = lock(lazy(&NAMES));
    if let Some(id) = names.ids.get(name) {
        return *id;
    }
    let (id, name) = (names.list.len() as u32, Arc::<str>::from(name));
    names.list.push(name.clone());
    names.ids.insert(name, id);
    // Release, with the Acquire in `count`: a consumer that sees a record with this id also sees the new count, and so
    // updates its copy before it looks the id up.
    NAME_COUNT.store(names.list.len(), Release);
    id
}

/// Returns the id of a name if it has been interned.
pub(crate) fn find(name: &str) -> Option<u32> {
    lock(lazy(&NAMES)).ids.get(name).copied()
}

/// Returns the number of interned names.
#[inline]
fn count() -> usize {
    NAME_COUNT.load(Acquire)
}

/// Returns the names with an id of `known` or above.
fn names_from(known: usize) -> Vec<Arc<str>> {
    lock(lazy(&NAMES)).list.get(known..).unwrap_or_default().to_vec()
}

/// The keys of a `context!` or span macro, interned when the macro first runs.
#[doc(hidden)]
pub struct KeyIds {
    names: &'static [&'static str],
    ids: OnceLock<Box<[u32]>>,
}

impl KeyIds {
    #[doc(hidden)]
    pub const fn new(names: &'static [&'static str]) -> Self {
        Self { names, ids: OnceLock::new() }
    }

    /// Returns the names of the keys, in the order of the call.
    #[cfg(feature = "compat-tracing")]
    pub(crate) fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// Returns the ids of the keys, in the order of the call. Keys longer than [`Limits`](crate::value::Limits) allow
    /// are cut before they are interned.
    pub(crate) fn ids(&self) -> &[u32] {
        self.ids.get_or_init(|| {
            let limits = limits::get();
            limits.check_keys(self.names);
            self.names.iter().map(|name| intern(&limits.key(name))).collect()
        })
    }
}

/// A consumer's copy of the name table, with each name already escaped for output.
#[derive(Default)]
pub(crate) struct NameCache(Vec<Prepared>);

impl NameCache {
    /// Makes a cache of other names than the global ones.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn by_hand<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Self(names.map(|name| Prepared::new(name.to_owned())).collect())
    }

    /// Returns the name with this id, if the copy has it; see [`update`](Self::update).
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&Prepared> {
        self.0.get(id as usize)
    }

    /// Copies the names that are missing. Afterwards it has every name that a record received so far can refer to.
    #[inline]
    pub(crate) fn update(&mut self) {
        if self.0.len() < count() {
            self.0.extend(names_from(self.0.len()).iter().map(|name| Prepared::new((**name).to_owned())));
        }
    }
}
