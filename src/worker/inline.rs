//! A handler without a thread: its callers do what the thread would do, under a lock.
//!
//! ```text
//! record ──▶ mark the thread (`Inside`), so that what the handler logs is refused
//!              │
//!              ▼
//!            lock ──▶ filters, formatter, handler: the batch is this one record, and delivery is due
//!              │
//!              ▼
//!            unlock, unmark, return to the caller
//! ```
//!
//! Everything between "lock" and "unlock" is the [`Sink`] that handlers' threads have, so a record has the same
//! outcomes and is counted in the same way.
//!
//! A flush has nothing to wait for but records that the handler keeps for another try, and the lock. It runs on the
//! thread that asks. At the exit of the process the handler goes on, because functions given to `atexit` may log, and
//! it is closed at the very end; see `ending`.

use std::cell::Cell;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::inbox::Next;
use super::run::{RETRY, Sink, TICK};
use super::{Change, Command, Offer, Outcome};
use crate::error::{Error, guarded};
use crate::handler::Call;
use crate::metrics::DropReason;
use crate::queue::{Deliver, Inside};
use crate::record::{Header, ThreadInfo};
use crate::sync::{OpenGuard, generation, lock, lock_open, lost_locks_since, try_lock_open};

/// The pauses between looks at a lock that another thread holds.
const NAPS: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(2));

pub(super) struct InlineWorker {
    state: Mutex<InlineState>,
    /// The process that made it; see [`generation`].
    process: u32,
}

struct InlineState {
    /// `None` after the shutdown.
    sink: Option<Box<Sink>>,
    last_tick: Instant,
    /// The process that used it last.
    process: u32,
}

impl InlineState {
    /// Returns the handler, unless it was shut down. In a child of `fork`, what it keeps are its parent's records.
    fn sink(&mut self) -> Option<&mut Sink> {
        let sink = self.sink.as_deref_mut()?;
        if std::mem::replace(&mut self.process, generation()) != self.process {
            sink.abandon();
            sink.forget_failures();
        }
        Some(sink)
    }

    /// Returns whether a second has passed since the last tick, and begins the next one.
    fn is_tick_due(&mut self) -> bool {
        let is_due = self.last_tick.elapsed() >= TICK;
        if is_due {
            self.last_tick = Instant::now();
        }
        is_due
    }
}

thread_local! {
    /// The handler whose code the thread is in.
    static CURRENT: Cell<*const InlineWorker> = const { Cell::new(ptr::null()) };
}

/// Notes whose code the thread is in, until it is dropped.
struct Current;

impl Current {
    fn set(inline: &InlineWorker) -> Self {
        CURRENT.set(inline);
        Self
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.set(ptr::null());
    }
}

/// What comes after a flush.
enum Then {
    GoOn,
    Change(Offer),
    Close,
}

/// Why a command is not carried out.
enum Refusal {
    /// Another thread had the lock until the deadline.
    Timeout,
    /// The handler was shut down.
    Ended,
}

impl InlineWorker {
    /// Starts the handler on the calling thread.
    pub(super) fn start(mut sink: Sink) -> Arc<Self> {
        let _inside = Inside::enter();
        sink.start();
        let process = generation();
        let state = InlineState { sink: Some(Box::new(sink)), last_tick: Instant::now(), process };
        Arc::new(Self { state: Mutex::new(state), process })
    }

    /// Returns whether the calling process is a child of the one that made it.
    pub(super) fn is_inherited(&self) -> bool {
        self.process != generation()
    }

    /// Returns whether the calling thread is in this handler's code.
    pub(super) fn is_current(&self) -> bool {
        ptr::eq(CURRENT.get(), self)
    }

    /// Carries a command out on the calling thread, and answers; with nothing if the handler has ended. `note` gets the
    /// outcome of a shutdown before it is sent.
    pub(super) fn execute(&self, command: Command, note: impl FnOnce(&Outcome)) {
        let (until, done, then) = match command {
            Command::Flush { until, done } => (until, done, Then::GoOn),
            Command::Close { until, done } => (until, done, Then::Close),
            Command::Change { offer, until, done } => (until, done, Then::Change(offer)),
            // There is no thread that could end later; see `Worker::leave`.
            Command::Leave { .. } => return,
        };
        let _inside = Inside::enter();
        let is_closing = matches!(then, Then::Close);
        let outcome = match self.flush(until, then) {
            Ok(outcome) => {
                if is_closing {
                    note(&outcome);
                }
                outcome
            }
            Err(Refusal::Ended) => return,
            Err(Refusal::Timeout) => Err(Error::timeout("another thread's call of the handler")),
        };
        done.send(outcome);
    }

    /// Delivers what the handler keeps, with retries until the deadline, and flushes it.
    fn flush(&self, until: Instant, then: Then) -> Result<Outcome, Refusal> {
        let closing = match &then {
            Then::GoOn => false,
            Then::Change(offer) => lock(offer).as_ref().is_some_and(Change::closes),
            Then::Close => true,
        };
        let mut urgent = true;
        loop {
            let mut state = self.lock_until(until).ok_or(Refusal::Timeout)?;
            let _current = Current::set(self);
            let sink = state.sink().ok_or(Refusal::Ended)?;
            sink.look_at_clock();
            let delivered = sink.deliver_until(until, Call { due: true, urgent, closing, ..Call::default() });
            urgent = false;
            if delivered.is_ok() && sink.keeps() && Instant::now() < until {
                // Others may deliver meanwhile.
                drop(state);
                std::thread::sleep(RETRY);
                continue;
            }
            let outcome = sink.end_flush(delivered.and_then(|()| sink.all_delivered()));
            return Ok(match then {
                Then::GoOn => outcome,
                Then::Change(offer) => {
                    let change = lock(&offer).take();
                    change.map_or(Ok(()), |change| sink.change(change, outcome))
                }
                Then::Close => {
                    let outcome = sink.close(outcome);
                    let ended = state.sink.take();
                    drop(state);
                    // The handler's destructor is user code.
                    let _ = guarded(|| drop(ended));
                    outcome
                }
            });
        }
    }

    fn lock_until(&self, until: Instant) -> Option<OpenGuard<'_, InlineState>> {
        let (mut nap, longest) = NAPS;
        loop {
            if let Some(guard) = try_lock_open(&self.state) {
                return Some(guard);
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(nap);
            nap = (nap * 2).min(longest);
        }
    }
}

impl Deliver for InlineWorker {
    fn deliver(
        &self,
        until: Option<Instant>,
        thread: &Arc<ThreadInfo>,
        header: Header,
        ticks: u64,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        let mut state = match until {
            None => lock_open(&self.state),
            Some(until) => self.lock_until(until).ok_or(DropReason::Full)?,
        };
        let _current = Current::set(self);
        let is_due = state.is_tick_due();
        let sink = state.sink().ok_or(DropReason::Closed)?;
        sink.look_at_clock();
        if is_due {
            sink.tick();
        }
        sink.take(Next { header, ticks, thread, payload });
        let _ = sink.deliver(Call { due: true, ..Call::default() });
        Ok(())
    }
}

impl Drop for InlineWorker {
    /// Closes a handler whose system was dropped without a shutdown, as a handler may do itself.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(mut sink) = state.sink.take() else { return };
        if lost_locks_since(self.process) {
            // Another thread of the parent process was in the middle of using it.
            std::mem::forget(sink);
            return;
        }
        let _inside = Inside::enter();
        if !self.is_inherited() {
            let delivered = sink.deliver(Call { due: true, urgent: true, closing: true, ..Call::default() });
            let outcome = sink.end_flush(delivered.and_then(|()| sink.all_delivered()));
            let _ = sink.close(outcome);
        }
        let _ = guarded(|| drop(sink));
    }
}
