//! From a call site to the queues: the way that every record takes on its caller's thread.
//!
//! Each thread keeps, per route it has used, the rings it writes to. The ordinary path is: find the route's entry in
//! the thread's table, read the clock, write into the ring. Whatever is out of the ordinary (the first record on a
//! route, text that the caller must format, a full or shared queue, filters, a thread that is ending) goes through
//! `send_encoded`, which encodes the record into bytes first and then takes all the time it needs.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use smallvec::SmallVec;

use super::route::Route;
use crate::callsite::State;
use crate::error::notify;
use crate::level::Level;
use crate::metrics::DropReason;
use crate::queue::{Queue, ThreadRing, is_consumer};
use crate::record::{HEADER_WORDS, Header, Payload, SiteTable, ThreadInfo};
use crate::time::{Clock, Timeline};
use crate::value::{ByteSink, Sink};

thread_local! {
    static LOCAL: RefCell<Local> = const { RefCell::new(Local { entries: Vec::new(), rings: Vec::new(), thread: None }) };

    /// A buffer for encoding; it is taken out while in use, so that a nested call finds none and makes its own.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };

    /// Whether a logger's filter runs on this thread.
    static IN_FILTER: Cell<bool> = const { Cell::new(false) };
}

/// The largest scratch buffer that a thread keeps.
const SCRATCH_KEPT: usize = 64 * 1024;

/// How many routes a thread's table holds before it lets go of those it used longest ago.
const ENTRIES: usize = 1024;

/// What a thread knows of routes and rings.
struct Local {
    /// A route is at its number modulo the table's length, a power of two.
    entries: Vec<Option<Entry>>,
    /// The rings that this thread has claimed.
    rings: Vec<(Arc<Queue>, Option<Arc<ThreadRing>>)>,
    thread: Option<Arc<ThreadInfo>>,
}

/// A route, as one thread uses it.
struct Entry {
    route: Arc<Route>,
    /// The route's number if records can go straight into rings, or a number that no route has.
    direct: u32,
    clock: Clock,
    targets: SmallVec<[Target; 1]>,
    thread: Arc<ThreadInfo>,
}

#[derive(Clone)]
struct Target {
    ring: Option<Arc<ThreadRing>>,
    threshold: u8,
    wake_at: u8,
    queue: Arc<Queue>,
}

impl Drop for Local {
    fn drop(&mut self) {
        for ring in self.rings.iter().filter_map(|(_, ring)| ring.as_ref()) {
            ring.release();
        }
    }
}

/// Sends a record on its way. Never panics, never fails: what cannot be delivered is counted.
#[inline(always)]
pub(crate) fn send<P: Payload>(state: State, level: Level, payload: &P) {
    let header = Header::new(state.site(), level, P::PREFIX);
    if P::DIRECT {
        let sent = LOCAL.try_with(|local| match local.try_borrow() {
            Ok(local) => local.send(state.route(), header, level, payload),
            Err(_) => false,
        });
        if let Ok(true) = sent {
            return;
        }
    }
    send_encoded(state.route(), header, &|sink| payload.put(sink));
}

impl Local {
    /// Writes the record straight into the rings of its route, if that is known.
    #[inline(always)]
    fn send<P: Payload>(&self, route: u32, header: Header, level: Level, payload: &P) -> bool {
        let index = route as usize & self.entries.len().wrapping_sub(1);
        let Some(Some(entry)) = self.entries.get(index) else {
            return false;
        };
        if entry.direct != route {
            return false;
        }
        let ticks = entry.clock.ticks();
        let words = HEADER_WORDS + payload.words();
        for target in &entry.targets {
            if (level as u8) < target.threshold {
                continue;
            }
            let pushed = match &target.ring {
                Some(ring) => ring.ring().push(words, |writer| {
                    writer.word(header.with_words(words).word());
                    writer.word(ticks);
                    payload.put(writer);
                }),
                None => false,
            };
            if !pushed {
                target.send_encoded(&entry.thread, header, ticks, &|sink| payload.put(sink));
            } else if level as u8 >= target.wake_at {
                target.queue.wake();
            }
        }
        true
    }

    fn thread(&mut self) -> Arc<ThreadInfo> {
        self.thread.get_or_insert_with(|| Arc::new(ThreadInfo::current())).clone()
    }

    /// Returns the entry of a route, made if need be.
    fn entry(&mut self, route: u32) -> Option<(&Entry, Arc<ThreadInfo>)> {
        let thread = self.thread();
        let mask = self.entries.len().wrapping_sub(1);
        let known = self.entries.get(route as usize & mask).and_then(Option::as_ref);
        if known.is_none_or(|entry| entry.route.id != route) {
            self.enter(Route::find(route)?, &thread);
        }
        let mask = self.entries.len().wrapping_sub(1);
        let entry = self.entries.get(route as usize & mask)?.as_ref()?;
        Some((entry, thread))
    }

    /// Enters a route into the table, which grows while routes that are still in use would share a place.
    fn enter(&mut self, route: Arc<Route>, thread: &Arc<ThreadInfo>) {
        self.let_go_of_closed();
        let targets = route.queues.iter().map(|queue| Target {
            ring: if route.closed { None } else { self.ring(queue, thread) },
            threshold: queue.threshold(),
            wake_at: queue.wake_at,
            queue: queue.clone(),
        });
        let targets: SmallVec<_> = targets.collect();
        let plain = route.filters.is_empty() && !route.closed && !is_consumer();
        let clock = route.queues.first().map_or_else(Clock::system, |queue| queue.clock.clone());
        let entry =
            Entry { direct: if plain { route.id } else { u32::MAX }, clock, targets, thread: thread.clone(), route };
        let mut length = self.entries.len().max(4);
        loop {
            let place = |entry: &Entry| entry.route.id as usize & (length - 1);
            let mut entries: Vec<Option<Entry>> = Vec::new();
            entries.resize_with(length, || None);
            let others = self.entries.iter().flatten().filter(|other| other.route.id != entry.route.id);
            let mut taken = vec![false; length];
            taken[place(&entry)] = true;
            let clash = others.into_iter().any(|other| std::mem::replace(&mut taken[place(other)], true));
            if clash && length < ENTRIES {
                length *= 2;
                continue;
            }
            for other in self.entries.drain(..).flatten() {
                let at = place(&other);
                entries[at] = Some(other);
            }
            let at = place(&entry);
            entries[at] = Some(entry);
            self.entries = entries;
            return;
        }
    }

    /// The thread's ring of a queue: one, by whatever routes its records come.
    fn ring(&mut self, queue: &Arc<Queue>, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        if let Some((_, ring)) = self.rings.iter().find(|(known, _)| Arc::ptr_eq(known, queue)) {
            return ring.clone();
        }
        let ring = queue.claim(thread);
        self.rings.push((queue.clone(), ring.clone()));
        ring
    }

    /// Lets go of the rings of handlers that were shut down.
    fn let_go_of_closed(&mut self) {
        self.entries.iter_mut().for_each(|slot| {
            if slot.as_ref().is_some_and(|entry| entry.targets.iter().any(|target| target.queue.is_closed())) {
                *slot = None;
            }
        });
        self.rings.retain(|(queue, ring)| {
            let keep = !queue.is_closed();
            if let Some(ring) = ring.as_ref().filter(|_| !keep) {
                ring.release();
            }
            keep
        });
    }
}

impl Target {
    /// Encodes a record into bytes and queues these, however long that takes.
    #[cold]
    fn send_encoded(&self, thread: &Arc<ThreadInfo>, header: Header, ticks: u64, put: &dyn Fn(&mut ByteSink)) {
        with_scratch(|sink| {
            put(sink);
            self.push(thread, header, ticks, &sink.bytes);
        });
    }

    fn push(&self, thread: &Arc<ThreadInfo>, header: Header, ticks: u64, payload: &[u8]) {
        self.queue.push_bytes(self.ring.as_deref(), thread, header, ticks, payload);
        if header.level() as u8 >= self.wake_at {
            self.queue.wake();
        }
    }
}

/// Calls `with` with an empty buffer.
fn with_scratch(with: impl FnOnce(&mut ByteSink)) {
    let mut sink = ByteSink { bytes: SCRATCH.try_with(Cell::take).unwrap_or_default() };
    sink.bytes.clear();
    with(&mut sink);
    sink.bytes.shrink_to(SCRATCH_KEPT);
    let _ = SCRATCH.try_with(|scratch| scratch.set(sink.bytes));
}

/// Sends a record that cannot go straight into rings.
#[inline(never)]
fn send_encoded(route: u32, header: Header, put: &dyn Fn(&mut ByteSink)) {
    with_scratch(|sink| {
        // User code may run here, and log; nothing is borrowed.
        put(sink);
        let payload = &sink.bytes;
        let known = LOCAL.try_with(|local| {
            let mut local = local.try_borrow_mut().ok()?;
            let (entry, thread) = local.entry(route)?;
            Some((entry.route.clone(), entry.targets.clone(), entry.clock.ticks(), thread))
        });
        match known {
            Ok(Some((route, targets, ticks, thread))) => {
                deliver(&route, &targets, ticks, &thread, header, payload);
            }
            // The thread is ending and its table is gone: rings are borrowed for this one record.
            Err(_) => {
                if let Some(route) = Route::find(route) {
                    let thread = Arc::new(ThreadInfo::current());
                    let targets = route.queues.iter().map(|queue| Target {
                        ring: None,
                        threshold: queue.threshold(),
                        wake_at: queue.wake_at,
                        queue: queue.clone(),
                    });
                    let ticks = route.queues.first().map_or(0, |queue| queue.clock.ticks());
                    deliver(&route, &targets.collect::<SmallVec<[Target; 1]>>(), ticks, &thread, header, payload);
                }
            }
            // The configuration changed twice while this thread was on its way here.
            Ok(None) => notify("logger", format_args!("a record was lost between two changes of configuration")),
        }
    });
}

fn deliver(route: &Route, targets: &[Target], ticks: u64, thread: &Arc<ThreadInfo>, header: Header, payload: &[u8]) {
    if !passes(route, ticks, thread, header, payload) {
        return;
    }
    let consumer = is_consumer();
    for target in targets.iter().filter(|target| header.level() as u8 >= target.threshold) {
        if consumer {
            target.queue.drop_one(DropReason::Reentrant, header.level());
        } else if route.closed {
            target.queue.drop_one(DropReason::Closed, header.level());
        } else {
            target.push(thread, header, ticks, payload);
        }
    }
}

/// Asks the logger's filters. A filter that panics lets the record pass.
fn passes(route: &Route, ticks: u64, thread: &Arc<ThreadInfo>, header: Header, payload: &[u8]) -> bool {
    if route.filters.is_empty() || IN_FILTER.try_with(|inside| inside.replace(true)).unwrap_or(true) {
        return true;
    }
    let timeline = route.queues.first().map(|queue| Timeline::new(&queue.clock));
    let timestamp = timeline.map(|timeline| timeline.timestamp(ticks)).unwrap_or_default();
    let mut sites = SiteTable::default();
    let passes = sites.record(header, timestamp, thread, payload).is_none_or(|record| {
        route.filters.iter().all(|filter| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| filter.allows(&record))).unwrap_or(true)
        })
    });
    let _ = IN_FILTER.try_with(|inside| inside.set(false));
    passes
}
