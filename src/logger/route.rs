//! Routes: where the records of a logger go, as an immutable list of queues and filters with a number.
//!
//! Call sites and loggers have the number; each thread has a table from numbers to routes and rings (see `dispatch`). A
//! change of the configuration never changes a route. It makes new routes and stores their numbers.
//!
//! # A number's life
//!
//! | step | who has it |
//! |---|---|
//! | [`Route::new`] | the registry's tree, and the list of all routes |
//! | `refresh` stores it in states | call sites, loggers |
//! | a record takes it | tables of threads |
//! | a change of the configuration leaves it without use | the list and tables; calls that have just loaded a state |
//! | the next change: [`Route::forget`] | tables, until they next add a route; nobody finds it any more |
//! | 16 million routes later | the number may be used again |
//!
//! A table that still had an old route when its number is used again would send records to the wrong handlers. That
//! takes a thread that logs nothing by a new route while the configuration changes 16 million times.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex};

use crate::callsite::State;
use crate::filter::FemtoFilter;
use crate::queue::Queue;
use crate::sync::{lazy, lock};

/// The number of no route. It is in states that enable nothing, or that do not decide about the route.
pub(crate) const NOWHERE: u32 = 0;

/// The number of the route to the handler of last resort.
pub(crate) const LAST_RESORT: u32 = State::ROUTES - 1;

/// A route; see the module's documentation.
pub(crate) struct Route {
    /// Its number, of 24 bits.
    pub(crate) id: u32,
    pub(crate) queues: Vec<Arc<Queue>>,
    pub(crate) filters: Vec<Arc<dyn FemtoFilter>>,
    /// Whether the handlers are shut down. Records are then counted as dropped.
    pub(crate) closed: bool,
    /// Whether no state has the number any more, so that tables of threads can remove the route.
    forgotten: AtomicBool,
}

/// All routes by their numbers.
static ROUTES: LazyLock<Mutex<HashMap<u32, Arc<Route>>>> = LazyLock::new(Mutex::default);

impl Route {
    /// Makes a route with a number that no other route has.
    pub(crate) fn new(queues: Vec<Arc<Queue>>, filters: Vec<Arc<dyn FemtoFilter>>, closed: bool) -> Arc<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let mut routes = lock(lazy(&ROUTES));
        // A number is free again when its route is gone; in a process that never lets go of one, there are 16 million.
        let id = loop {
            let id = NEXT.fetch_add(1, Relaxed) % State::ROUTES;
            if id != NOWHERE && id != LAST_RESORT && !routes.contains_key(&id) {
                break id;
            }
        };
        let route = Arc::new(Self { id, queues, filters, closed, forgotten: AtomicBool::new(false) });
        routes.insert(id, route.clone());
        route
    }

    /// Makes the route to the handler of last resort.
    pub(super) fn last_resort(queues: Vec<Arc<Queue>>) -> Arc<Self> {
        let (filters, forgotten) = (Vec::new(), AtomicBool::new(false));
        let route = Arc::new(Self { id: LAST_RESORT, queues, filters, closed: false, forgotten });
        lock(lazy(&ROUTES)).insert(LAST_RESORT, route.clone());
        route
    }

    /// Returns the route with this number, unless it was forgotten. That to the handler of last resort is there once
    /// a record has started the handler.
    pub(crate) fn find(id: u32) -> Option<Arc<Route>> {
        lock(lazy(&ROUTES)).get(&id).cloned()
    }

    /// Calls `visit` with the route with this number, without starting or allocating anything. Returns whether there is
    /// one.
    pub(super) fn visit(id: u32, visit: impl FnOnce(&Route)) -> bool {
        lock(lazy(&ROUTES)).get(&id).map(|route| visit(route)).is_some()
    }

    /// Removes routes that no state has any more, and returns them. Dropping one may run user code (destructors of
    /// filters), so the caller does that when it holds no lock.
    #[must_use]
    pub(crate) fn forget(ids: impl IntoIterator<Item = u32>) -> Vec<Arc<Route>> {
        let mut routes = lock(lazy(&ROUTES));
        let gone: Vec<_> = ids.into_iter().filter_map(|id| routes.remove(&id)).collect();
        gone.iter().for_each(|route| route.forgotten.store(true, Relaxed));
        gone
    }

    /// Returns whether no state has the number any more.
    pub(super) fn is_forgotten(&self) -> bool {
        self.forgotten.load(Relaxed)
    }

    /// Returns whether this route has exactly these queues and filters.
    pub(crate) fn is_same(&self, queues: &[Arc<Queue>], filters: &[Arc<dyn FemtoFilter>], closed: bool) -> bool {
        self.closed == closed
            && self.queues.len() == queues.len()
            && self.filters.len() == filters.len()
            && self.queues.iter().zip(queues).all(|(a, b)| Arc::ptr_eq(a, b))
            && self.filters.iter().zip(filters).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}
