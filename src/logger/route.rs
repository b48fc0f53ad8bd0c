//! Where the records of a logger go: an immutable list of queues with a number.
//!
//! Call sites and loggers hold the number, threads hold what they made of the route (see `dispatch`). A change of
//! configuration never changes a route: it makes new ones and gives out their numbers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex};

use crate::callsite::State;
use crate::filter::FemtoFilter;
use crate::queue::Queue;
use crate::sync::lock;

/// The number of the route that leads nowhere; no logger lets a record through to it.
pub(crate) const NOWHERE: u32 = 0;

/// The number of the route to the handler of last resort.
pub(crate) const LAST_RESORT: u32 = State::ROUTES - 1;

pub(crate) struct Route {
    pub(crate) id: u32,
    pub(crate) queues: Vec<Arc<Queue>>,
    pub(crate) filters: Vec<Arc<dyn FemtoFilter>>,
    /// Whether the handlers are shut down, so that records are only counted.
    pub(crate) closed: bool,
    forgotten: AtomicBool,
}

/// Routes by their number.
static ROUTES: LazyLock<Mutex<HashMap<u32, Arc<Route>>>> = LazyLock::new(Mutex::default);

impl Route {
    pub(crate) fn new(queues: Vec<Arc<Queue>>, filters: Vec<Arc<dyn FemtoFilter>>, closed: bool) -> Arc<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let mut routes = lock(&ROUTES);
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

    pub(super) fn last_resort(queues: Vec<Arc<Queue>>) -> Self {
        Self { id: LAST_RESORT, queues, filters: Vec::new(), closed: false, forgotten: AtomicBool::new(false) }
    }

    pub(crate) fn find(id: u32) -> Option<Arc<Route>> {
        if id == LAST_RESORT {
            return Some(super::last_resort::route());
        }
        lock(&ROUTES).get(&id).cloned()
    }

    /// Calls `visit` with a route that exists, without starting or allocating anything. Returns whether it does.
    pub(super) fn visit(id: u32, visit: impl FnOnce(&Route)) -> bool {
        if id == LAST_RESORT {
            return super::last_resort::known_route().map(visit).is_some();
        }
        lock(&ROUTES).get(&id).map(|route| visit(route)).is_some()
    }

    /// Forgets routes that no logger has any more. Their filters' destructors are user code, so the caller drops them
    /// when it holds no lock.
    #[must_use]
    pub(crate) fn forget(ids: impl IntoIterator<Item = u32>) -> Vec<Arc<Route>> {
        let mut routes = lock(&ROUTES);
        let gone: Vec<_> = ids.into_iter().filter_map(|id| routes.remove(&id)).collect();
        gone.iter().for_each(|route| route.forgotten.store(true, Relaxed));
        gone
    }

    /// Whether no logger has it any more.
    pub(super) fn is_forgotten(&self) -> bool {
        self.forgotten.load(Relaxed)
    }

    /// Whether this route leads to the same places.
    pub(crate) fn is_same(&self, queues: &[Arc<Queue>], filters: &[Arc<dyn FemtoFilter>], closed: bool) -> bool {
        self.closed == closed
            && self.queues.len() == queues.len()
            && self.filters.len() == filters.len()
            && self.queues.iter().zip(queues).all(|(a, b)| Arc::ptr_eq(a, b))
            && self.filters.iter().zip(filters).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}
