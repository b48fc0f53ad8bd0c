//! From a call site to the queues: what happens to a record on its caller's thread.
//!
//! Each thread has a table of the routes that it has used, with the rings that it writes to. There are three paths,
//! each for what the one before it cannot do:
//!
//! 1. **At once** (`send_at_once`): the route is the one in [`Last`], it leads to one ring, and the record fits there
//!    without a load of the consumer's position. Nearly every call takes this path, which calls no function and so
//!    keeps its values in registers.
//! 2. **Directly** (`send_direct`): the route is in the thread's table; the record is written into the ring of each of
//!    its handlers.
//! 3. **Encoded** (`send_encoded`): everything else (the first record on a route, text that the caller must format, a
//!    full or shared queue, filters, a thread that is ending). The record is encoded into a buffer first, and may then
//!    wait.
//!
//! ```text
//!                          thread-local           ┌ entries ─────────────────┐
//! state: route 5 ───┐      ┌ last ───────────┐    │ 0  route 8 → ring, ring  │
//!                   ├─ 1 ─▶│ route 5 → ring  │    │ 1  route 5 → ring        │  route 5 is at 5 modulo 4
//!                   ├─ 2 ─▶└─────────────────┘ ─▶ │ 2  (empty)               │
//!                   │                             │ 3  route 3 → channel     │
//!                   └─ 3 ─▶ ROUTES (global, locked), then enters the route here
//! ```
//!
//! # Invariants
//!
//! * A route's number is looked up, never its content: a route does not change. What may change are its place in the
//!   table (a collision) and whether it is there at all. So each use compares the number, and a wrong entry is never
//!   used.
//! * `last` is a copy of an entry. Everything that changes `entries` or `rings` clears it.
//! * A thread has one ring per queue, by whatever routes its records come. If it had two, its records could overtake
//!   each other.
//! * A record is stamped after its values are evaluated and encoded. So a record that a `Display` logs in the meantime
//!   has the earlier stamp, and is published first.
//! * No lock is held and no `RefCell` is borrowed while user code runs: a `Display` or a filter that logs starts again
//!   from the top.
//!
//! **A signal handler may log.** While a record is written into a ring, the thread's table is borrowed mutably. A
//! signal handler that interrupts this and logs finds it borrowed: the second record would overwrite the words of the
//! first, so it is dropped and counted as `Reentrant`. No user code runs during the borrow, so nothing else is refused.
//! The compiler fences keep the borrow and its end on their sides of the writes; they cost no instruction.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};

use smallvec::SmallVec;

use super::last_resort;
use super::route::Route;
use crate::callsite::State;
use crate::error::{guarded, notify};
use crate::level::Level;
use crate::metrics::{self, DropReason};
use crate::queue::{Queue, ThreadRing, is_consumer, is_handler_thread};
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::record::Prefix;
use crate::record::{Encoded, HEADER_WORDS, Head, Header, Payload, SiteCache, ThreadInfo};
use crate::sync::holds_lock;
use crate::time::{Clock, Timeline, Timestamp};
use crate::value::{ByteSink, WordSink, limits, nested};

thread_local! {
    /// The thread's table. Without a destructor, so that no call checks whether it has run; [`END`] has one.
    static LOCAL: RefCell<ManuallyDrop<Local>> = const { RefCell::new(ManuallyDrop::new(Local::EMPTY)) };

    /// Empties `LOCAL` when the thread ends. Initialized by [`enter`], before `LOCAL` gets its first entry.
    static END: RoutesCleanup = const { RoutesCleanup };

    /// A buffer for encoding. It is taken out while in use, so a nested call finds an empty one and allocates its own.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };

    /// The state for loggers' filters. It is taken out while in use.
    static VIEWER: Cell<Option<Box<Viewer>>> = const { Cell::new(None) };

    /// Whether a logger's filter runs on this thread. Records that it logs are not filtered, or it would never end.
    static IN_FILTER: Cell<bool> = const { Cell::new(false) };
}

/// The maximum capacity of the scratch buffer that a thread keeps, in bytes.
const SCRATCH_KEPT: usize = 64 * 1024;

/// The maximum number of routes in a thread's table. In a full table, a new route replaces the one in its place.
const ENTRIES: usize = 1024;

/// The maximum number of times that a record looks for its route, if the configuration changes each time.
const TRIES: usize = 100;

/// The table of one thread: the routes that it has used, and its rings.
struct Local {
    last: Last,
    /// A route is at its number modulo the table's length, a power of two.
    entries: Vec<Option<Entry>>,
    /// The rings that this thread has claimed. `None` if there was no memory for one; then the thread uses the queue's
    /// common channel, and does not ask again.
    rings: Vec<(Arc<Queue>, Option<Arc<ThreadRing>>)>,
    /// Entries that were removed from the table, to be dropped when it is not borrowed any more.
    gone: Vec<Entry>,
    thread: Option<Arc<ThreadInfo>>,
}

/// The route that the thread has used last, if it leads to a single ring: all that an ordinary call reads.
///
/// It is a copy of an entry of the table. Every change of the table clears it.
struct Last {
    /// The route's number, or `u32::MAX`, which is no route's: numbers have 24 bits.
    route: u32,
    /// The smallest head that is sent at once, and the number of heads that are: from the handler's level up to its
    /// `wake_level`. Heads above that have to wake the handler's thread.
    ///
    /// ```text
    /// Trace   Debug   Info    Warn    Error   Critical
    ///                 ├──────── span ─┤                   level Info, wake_level Error
    ///                 low
    /// ```
    low: Head,
    span: u32,
    /// The number of records that took another route since this one was set.
    misses: u8,
    ring: Option<Arc<ThreadRing>>,
    /// The clock, unless it is the processor's counter, which is read in place.
    clock: Option<Clock>,
}

/// A route, as one thread uses it.
struct Entry {
    route: Arc<Route>,
    /// The route's number if records may be written directly into rings, or `u32::MAX` (filters, a closed route, or a
    /// handler's own thread).
    direct: u32,
    clock: Clock,
    targets: SmallVec<[Target; 1]>,
    thread: Arc<ThreadInfo>,
}

/// One of the handlers of a route, with copies of what the path through rings reads. The thresholds do not change while
/// the route exists: a change makes new routes.
#[derive(Clone)]
struct Target {
    ring: Option<Arc<ThreadRing>>,
    threshold: u8,
    wake_at: u8,
    severe_from: u8,
    queue: Arc<Queue>,
}

/// Empties [`LOCAL`] when it is dropped.
struct RoutesCleanup;

impl Drop for RoutesCleanup {
    fn drop(&mut self) {
        let emptied = LOCAL.with(|local| {
            let mut local = local.try_borrow_mut().ok()?;
            Some(std::mem::replace(&mut *local, ManuallyDrop::new(Local::EMPTY)))
        });
        // Routes may own filters, whose destructors may log. Nothing is borrowed here.
        drop(emptied.map(ManuallyDrop::into_inner));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        for ring in self.rings.iter().filter_map(|(_, ring)| ring.as_ref()) {
            ring.release();
        }
    }
}

/// Sends a record. Never panics and never fails: a record that cannot be queued is counted. `again` returns the current
/// state, in case the configuration has changed since `state` was read.
#[inline(always)]
pub(crate) fn send<P: Payload>(state: State, level: Level, payload: &P, again: impl Fn() -> Option<State>) {
    let header = Header::new(state.site(), level, P::PREFIX).with_extras(payload.has_extras());
    if !P::DIRECT || !limits::is_small(payload.limited_words()) || !send_direct(state.route(), header, level, payload) {
        send_encoded(state.route(), header, &|sink| payload.put(sink), &again);
    }
}

/// Sends a record if its route is the one that this thread used last and its ring has room. Returns whether it did.
#[inline(always)]
pub(crate) fn send_at_once<P: Payload>(state: State, head: Head, payload: &P) -> bool {
    let is_small = const { P::DIRECT } && limits::is_small(payload.limited_words());
    let header = head.at(state.site()).with_extras(payload.has_extras());
    is_small && borrowed(|local| local.last.send(state.route(), header, payload)).unwrap_or(false)
}

/// Sends a record whose payload `put` writes, extras included. `put` may run user code.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn send_with_extras(
    state: State,
    level: Level,
    prefix: Prefix,
    put: &dyn Fn(&mut ByteSink),
    again: &dyn Fn() -> Option<State>,
) {
    send_encoded(state.route(), Header::new(state.site(), level, prefix).with_extras(true), put, again);
}

/// Returns the clock that stamps the records of a route.
pub(crate) fn clock(route: Option<u32>) -> Clock {
    let route = route.and_then(Route::find);
    route.and_then(|route| Some(route.queues.first()?.clock.clone())).unwrap_or_else(Clock::system)
}

/// Writes a record directly into rings, if the route is in this thread's table and has neither filters nor shared
/// queues. Returns whether it did.
#[inline(always)]
fn send_direct<P: Payload>(route: u32, header: Header, level: Level, payload: &P) -> bool {
    let whole = header.with_words(HEADER_WORDS + payload.words());
    borrowed(|local| local.last.send(route, whole, payload) || local.send(route, header, level, payload))
        .unwrap_or(false)
}

/// Lets go of the rings and routes of this thread that nothing leads to any more, as its next record on a new route
/// would.
pub(crate) fn let_go() {
    let gone = borrowed(|local| {
        local.last = Last::NONE;
        local.let_go_of_stale();
        std::mem::take(&mut local.gone)
    });
    // It may own filters, whose destructors may log. Nothing is borrowed here.
    drop(gone);
}

/// Calls `with` with the thread's table borrowed mutably. Returns `None` if it is borrowed already: this is a signal
/// handler that has interrupted a record.
#[inline(always)]
fn borrowed<T>(with: impl FnOnce(&mut Local) -> T) -> Option<T> {
    // It never fails, and std has `try_with` inlined but not `with`.
    let result = LOCAL.try_with(|local| {
        let mut local = local.try_borrow_mut().ok()?;
        compiler_fence(Ordering::SeqCst);
        let result = with(&mut local);
        compiler_fence(Ordering::SeqCst);
        Some(result)
    });
    result.ok().flatten()
}

/// Returns whether this call is in a signal handler that has interrupted this thread while it was writing a record.
fn is_interruption() -> bool {
    LOCAL.with(|local| local.try_borrow_mut().is_err())
}

/// Counts a record that has interrupted another one, or is nested too deep. Called by signal handlers, so it waits for
/// no lock that the thread holds itself, and allocates nothing.
#[cold]
fn refuse(route: u32, header: Header) {
    let level = header.level();
    let count = |route: &Route| {
        for queue in route.queues.iter().filter(|queue| level as u8 >= queue.threshold()) {
            queue.drop_one(DropReason::Reentrant, level);
        }
    };
    if holds_lock() || !Route::visit(route, count) {
        metrics::count_unrouted();
    }
}

impl Last {
    const NONE: Self = Self { route: u32::MAX, low: Head::LOWEST, span: 0, misses: 0, ring: None, clock: None };

    /// Writes the record into the ring, if it takes this route and has neither a level below the handler's nor one that
    /// wakes the handler's thread. `header` has the record's length; the two words before the payload are the header
    /// and the ticks.
    #[inline(always)]
    fn send<P: Payload>(&self, route: u32, header: Header, payload: &P) -> bool {
        let is_ordinary = self.route == route && header.head().above(self.low) < self.span;
        let Some(ring) = self.ring.as_ref().filter(|_| is_ordinary) else { return false };
        ring.ring().push_at_once(HEADER_WORDS + payload.words(), |writer| {
            writer.words(&[header.word(), self.ticks()]);
            payload.put(writer);
        })
    }

    #[inline(always)]
    fn ticks(&self) -> u64 {
        Clock::cycles().or_else(|| Some(self.clock.as_ref()?.ticks())).unwrap_or(0)
    }

    /// Copies an entry that leads to one ring. Called when a record takes another route than this one.
    ///
    /// Only one call in sixteen does so, beginning with the first: a copy costs as much as several records, and routes
    /// that alternate would otherwise replace each other with every record.
    fn follow(&mut self, entry: &Entry) {
        let [Target { ring: Some(ring), threshold, wake_at, .. }] = &entry.targets[..] else { return };
        let is_due = self.misses.is_multiple_of(16);
        self.misses = self.misses.wrapping_add(1);
        let clock = (!entry.clock.is_in_place()).then(|| entry.clock.clone());
        // Where the counter can be read in place, a record that is sent at once has no other clock.
        if is_due && !(Clock::cycles().is_some() && clock.is_some()) {
            let (low, high) = (Head::least(*threshold), Head::least((*wake_at).max(*threshold)));
            let (route, span) = (entry.direct, high.above(low));
            *self = Self { route, low, span, misses: self.misses, ring: Some(ring.clone()), clock };
        }
    }
}

impl Local {
    const EMPTY: Self =
        Self { last: Last::NONE, entries: Vec::new(), rings: Vec::new(), gone: Vec::new(), thread: None };

    /// Writes the record directly into the rings of its route, if it is in the table. Returns whether it did.
    ///
    /// All rings get the same ticks, so a record has the same time in every file. A ring that is full does not delay
    /// the others that come before it; for those after it, the caller waits first.
    #[inline(never)]
    fn send<P: Payload>(&mut self, route: u32, header: Header, level: Level, payload: &P) -> bool {
        let index = route as usize & self.entries.len().wrapping_sub(1);
        let Some(Some(entry)) = self.entries.get(index) else {
            return false;
        };
        if entry.direct != route {
            return false;
        }
        self.last.follow(entry);
        let ticks = entry.clock.ticks();
        let words = HEADER_WORDS + payload.words();
        for target in &entry.targets {
            if (level as u8) < target.threshold {
                continue;
            }
            let pushed = match &target.ring {
                Some(ring) => ring.ring().push(words, level as u8 >= target.severe_from, |writer| {
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

    /// Returns the targets of a route, and a stamp, if the route is in the table.
    fn way(&self, route: u32) -> Option<Way> {
        let index = route as usize & self.entries.len().wrapping_sub(1);
        let entry = self.entries.get(index)?.as_ref().filter(|entry| entry.route.id == route)?;
        Some(Way {
            route: entry.route.clone(),
            targets: entry.targets.clone(),
            ticks: entry.clock.ticks(),
            thread: entry.thread.clone(),
        })
    }

    /// Adds a route to the table. Stale entries are removed first, and the length is doubled until no two routes share
    /// a place, up to [`ENTRIES`].
    fn enter(&mut self, route: Arc<Route>) {
        // Rings and entries change below, and `last` is a copy of them.
        self.last = Last::NONE;
        self.let_go_of_stale();
        let thread = self.thread.get_or_insert_with(|| Arc::new(ThreadInfo::current())).clone();
        let targets = route.queues.iter().map(|queue| Target {
            ring: if route.closed { None } else { self.ring(queue, &thread) },
            threshold: queue.threshold(),
            wake_at: queue.wake_at(),
            severe_from: queue.severe_from(),
            queue: queue.clone(),
        });
        let targets: SmallVec<_> = targets.collect();
        let plain = route.filters.is_empty() && !route.closed && !is_handler_thread();
        let clock = route.queues.first().map_or_else(Clock::system, |queue| queue.clock.clone());
        let entry = Entry { direct: if plain { route.id } else { u32::MAX }, clock, targets, thread, route };
        let mut length = self.entries.len().max(4);
        loop {
            let place = |entry: &Entry| entry.route.id as usize & (length - 1);
            let mut taken = vec![false; length];
            taken[place(&entry)] = true;
            let clash = self.entries.iter().flatten().any(|other| std::mem::replace(&mut taken[place(other)], true));
            // Numbers are given in ascending order, so the routes in use rarely share a place for long.
            if clash && length < ENTRIES {
                length *= 2;
                continue;
            }
            let mut entries: Vec<Option<Entry>> = Vec::new();
            entries.resize_with(length, || None);
            // The new entry last: in a full table it replaces an old one.
            for entry in self.entries.drain(..).flatten().chain([entry]) {
                let at = place(&entry);
                self.gone.extend(entries[at].replace(entry));
            }
            self.entries = entries;
            return;
        }
    }

    /// Returns the thread's ring of a queue, and claims it for the first route to that queue.
    fn ring(&mut self, queue: &Arc<Queue>, thread: &Arc<ThreadInfo>) -> Option<Arc<ThreadRing>> {
        if let Some((_, ring)) = self.rings.iter().find(|(known, _)| Arc::ptr_eq(known, queue)) {
            return ring.clone();
        }
        let ring = queue.claim(thread);
        self.rings.push((queue.clone(), ring.clone()));
        ring
    }

    /// Releases the rings of handlers that were shut down, and removes routes that no call site has any more. Removed
    /// entries go to `gone`: dropping them may run user code.
    fn let_go_of_stale(&mut self) {
        self.rings.retain(|(queue, ring)| {
            let keep = !queue.is_stale();
            if let Some(ring) = ring.as_ref().filter(|_| !keep) {
                ring.release();
            }
            keep
        });
        // A ring that was given back is in no entry after this: a queue that is stale stays so.
        for slot in &mut self.entries {
            let stale = |entry: &mut Entry| {
                entry.route.is_forgotten() || entry.targets.iter().any(|target| target.queue.is_stale())
            };
            self.gone.extend(slot.take_if(stale));
        }
    }
}

impl Target {
    /// Encodes a record into bytes and queues them. May wait, as the overflow policy says.
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

/// Calls `with` with an empty buffer, the thread's own unless a call further up the stack is using it.
fn with_scratch(with: impl FnOnce(&mut ByteSink)) {
    let mut sink = ByteSink::new(SCRATCH.try_with(Cell::take).unwrap_or_default(), limits::get());
    sink.bytes.clear();
    with(&mut sink);
    if sink.was_cut() {
        limits::count_cut();
    }
    sink.bytes.clear();
    sink.bytes.shrink_to(SCRATCH_KEPT);
    let _ = SCRATCH.try_with(|scratch| scratch.set(sink.bytes));
}

/// Encodes a record into a buffer and sends that: path 3.
#[inline(never)]
fn send_encoded(route: u32, header: Header, put: &dyn Fn(&mut ByteSink), again: &dyn Fn() -> Option<State>) {
    if is_interruption() {
        return refuse(route, header);
    }
    let sent = nested(|| {
        with_scratch(|sink| {
            // User code may run here, and log; nothing is borrowed.
            put(sink);
            if !send_direct(route, header, header.level(), &Encoded(&sink.bytes)) {
                send_slowly(route, header, &sink.bytes, again);
            }
        });
    });
    if sent.is_none() {
        refuse(route, header);
    }
}

/// The targets of a route, copied out of the thread's table so that the table is not borrowed while filters run and
/// callers wait; and the stamp of the record.
struct Way {
    route: Arc<Route>,
    targets: SmallVec<[Target; 1]>,
    ticks: u64,
    thread: Arc<ThreadInfo>,
}

/// Sends an encoded record whose route is not in the table, or not for writing directly into rings.
#[cold]
fn send_slowly(route: u32, header: Header, payload: &[u8], again: &dyn Fn() -> Option<State>) {
    let known = LOCAL.with(|local| local.try_borrow().ok()?.way(route));
    if let Some(way) = known.or_else(|| find_way(route, again)) {
        deliver(&way, header, payload);
    }
}

/// Finds a route that is not in this thread's table, and adds it.
///
/// A change of the configuration keeps the routes of the one before. So the loop runs more than once only if the
/// configuration changed twice between the load of the call site's state and the look-up here.
fn find_way(mut route: u32, again: &dyn Fn() -> Option<State>) -> Option<Way> {
    if holds_lock() {
        // A signal handler has interrupted this thread within the library; the lock may be the one needed here.
        metrics::count_unrouted();
        return None;
    }
    for _ in 0..TRIES {
        if let Some(found) = last_resort::find_or_start(route) {
            return Some(enter(found));
        }
        // The configuration changed twice since the caller asked where the record goes.
        route = again()?.route();
    }
    metrics::count_unrouted();
    notify("logger", format_args!("a record was dropped while the configuration changed again and again"));
    None
}

/// Adds a route to this thread's table, and returns its targets.
fn enter(route: Arc<Route>) -> Way {
    let entered = END.try_with(|_| {
        borrowed(|local| {
            local.enter(route.clone());
            Some((local.way(route.id)?, std::mem::take(&mut local.gone)))
        })
    });
    match entered.ok().flatten().flatten() {
        Some((way, gone)) => {
            // What the table let go of may own filters, whose destructors may log. Nothing is borrowed here.
            drop(gone);
            way
        }
        // The thread is ending and its table is gone: rings are borrowed for this one record.
        _ => {
            let targets = route.queues.iter().map(|queue| Target {
                ring: None,
                threshold: queue.threshold(),
                wake_at: queue.wake_at(),
                severe_from: queue.severe_from(),
                queue: queue.clone(),
            });
            let targets = targets.collect();
            let ticks = route.queues.first().map_or(0, |queue| queue.clock.ticks());
            Way { route, targets, ticks, thread: Arc::new(ThreadInfo::current()) }
        }
    }
}

/// Asks the filters, and queues the record for each handler that wants it.
fn deliver(way: &Way, header: Header, payload: &[u8]) {
    if !passes(way, header, payload) {
        return;
    }
    let consumer = is_consumer();
    // Borrowed for as long as records are written, as in `send_direct`.
    LOCAL.with(|local| {
        let _table = local.try_borrow_mut();
        compiler_fence(Ordering::SeqCst);
        push_all(way, header, payload, consumer);
        compiler_fence(Ordering::SeqCst);
    });
}

fn push_all(way: &Way, header: Header, payload: &[u8], consumer: bool) {
    for target in way.targets.iter().filter(|target| header.level() as u8 >= target.threshold) {
        if consumer {
            target.queue.drop_one(DropReason::Reentrant, header.level());
        } else if way.route.closed && !target.queue.is_inline() {
            target.queue.drop_one(DropReason::Closed, header.level());
        } else {
            target.push(&way.thread, header, way.ticks, payload);
        }
    }
}

/// Returns whether the logger's filters let the record pass. A filter that panics does.
///
/// They get the same view of the encoded bytes as filters of handlers do, on the caller's thread.
fn passes(way: &Way, header: Header, payload: &[u8]) -> bool {
    let route = &way.route;
    if route.filters.is_empty() || IN_FILTER.try_with(|inside| inside.replace(true)).unwrap_or(true) {
        return true;
    }
    let mut viewer = VIEWER.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let timestamp = route.queues.first().map(|queue| viewer.timestamp(&queue.clock, way.ticks)).unwrap_or_default();
    let passes = viewer.sites.record(header, timestamp, &way.thread, payload).is_none_or(|record| {
        route.filters.iter().all(|filter| {
            guarded(|| filter.allows(&record)).unwrap_or_else(|| {
                notify("logger", format_args!("a filter of `{}` panicked; the record passes", record.logger()));
                true
            })
        })
    });
    let _ = IN_FILTER.try_with(|inside| inside.set(false));
    let _ = VIEWER.try_with(|kept| kept.set(Some(viewer)));
    passes
}

/// Makes views of records for loggers' filters, on their callers' thread.
#[derive(Default)]
struct Viewer {
    sites: SiteCache,
    /// The time line of the system's clock. One of a manual clock is made for each record, which costs nothing.
    timeline: Option<Timeline>,
}

impl Viewer {
    fn timestamp(&mut self, clock: &Clock, ticks: u64) -> Timestamp {
        if clock.is_manual() {
            return Timeline::new(clock).timestamp(ticks);
        }
        let timeline = self.timeline.get_or_insert_with(|| Timeline::new(clock));
        timeline.refresh();
        timeline.timestamp(ticks)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::record::Prefix;

    #[test]
    fn a_record_whose_route_is_never_found_is_counted() {
        // No route has this number: the configuration changes whenever the call asks.
        let nowhere = State::new(1, State::ROUTES - 2, 0);
        let (before, asked) = (metrics::unrouted(), Cell::new(0));
        let again = || {
            asked.set(asked.get() + 1);
            Some(nowhere)
        };
        send_encoded(nowhere.route(), Header::new(1, Level::Info, Prefix::None), &|_| (), &again);
        assert_eq!((metrics::unrouted() - before, asked.get()), (1, TRIES));
    }
}
