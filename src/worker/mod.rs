//! The thread of a handler: it takes records out of the queue, in order, and hands them to the handler in batches.
//!
//! This file has the other side: how a worker is started, flushed and closed. The thread's own loop is in `run`;
//! `inbox` has the order of records, `idle` the waits, `report` and `steps` the lines that the worker itself writes
//! into the log, `panic` and `ending` the flush of a panic and of the exit, `wait` the waits for answers, by a thread
//! or a task, and `timer` the deadlines of tasks.
//!
//! # Flush and shutdown
//!
//! Both are commands on a channel of their own, so that neither a full queue nor an overflow policy delays them. Each
//! command has a channel for its answer, so that concurrent flushes each get their own. A worker that has ended drops
//! its end of the commands, and with it the sender of the answer, which the waiting thread notices.
//!
//! A flush covers every record that any thread logged before the call: such a record was published before the command
//! was sent, and the worker looks at the queue after it received the command.
//!
//! ```text
//! thread A              thread B: flush()              worker
//! log("a"): published
//! tells B               Command::Flush, wakes          receives the command
//!                       waits for the answer           looks: finds "a"; delivers; flushes the handler
//!                       Ok(())            ◀────────    done.send(Ok(()))
//! ```
//!
//! # The end of a worker
//!
//! A shutdown takes these steps, in this order:
//!
//! 1. the queue is closed: callers are refused from now on;
//! 2. what is in the queue is delivered, and the handler is flushed and closed;
//! 3. the queue is ended: what callers published in the meantime is counted as dropped;
//! 4. `outcome` is set;
//! 5. the thread's end of the commands is dropped, which ends the wait of everybody who sent a command too late. They
//!    find the outcome, because of the order of 4 and 5.
//!
//! A worker also ends when its `Worker` is dropped without a shutdown, and by a panic in the library itself. Whatever
//! the reason, [`Ending`] closes and ends the queue, so that no caller waits for a thread that is gone.

mod change;
mod ending;
mod govern;
mod idle;
mod inbox;
mod inline;
mod panic;
mod probation;
mod report;
mod run;
mod steps;
mod task;
mod timer;
mod trial;
mod wait;

pub(crate) use change::{change_all, change_soon};
pub(crate) use panic::log_panic;
pub(crate) use task::Task;
pub(crate) use trial::{Trial, Verdict};
pub(crate) use wait::Waiting;

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use self::inline::InlineWorker;
use self::run::Sink;
use self::wait::Answer;
use crate::error::{Error, notify};
use crate::filter::FemtoFilter;
use crate::formatter::FemtoFormatter;
use crate::handler::{DeadlockCheck, HandlerSettings, HandlerSpec};
use crate::metrics::HandlerMetrics;
use crate::policy::Transport;
use crate::queue::{Deliver, Queue, is_consumer};
use crate::sync::channel::{self, Receiver, Sender};
use crate::sync::lock;
use crate::sys;
use crate::time::Clock;

/// A command to a worker.
enum Command {
    /// Writes and flushes everything that is in the queue now, with no retry after `until`.
    Flush { until: Instant, done: Answer },
    /// The same; then the handler is closed, and the thread ends.
    Close { until: Instant, done: Answer },
    /// Changes the handler after what was logged before; see `change`.
    Change { offer: Offer, until: Instant, done: Answer },
    /// Closes the handler, and ends the thread, when no other thread can log to it any more; from `from` on as soon as
    /// none waits to do so; and at `until` in any case.
    Leave { from: Instant, until: Instant },
}

/// What of a running handler is to change.
pub(crate) enum Change {
    /// The handler, its filters, and the policies of its queue, but not its transport.
    /// With a trial, the handler that is there is put aside and not closed.
    Handler(Box<HandlerSpec>, Option<Trial>),
    /// The handler that was put aside comes back.
    Back,
    /// The handler that was put aside is closed.
    Settle,
    Formatter(Box<dyn FemtoFormatter>),
    Filters(Vec<Box<dyn FemtoFilter>>),
}

/// A change that the handler's thread takes, unless whoever asked for it takes it back first.
type Offer = Arc<Mutex<Option<Change>>>;

/// Has all threads ask again what they keep with their routes, such as the levels of handlers. A handler's thread calls
/// it when it has changed its level itself.
pub(crate) type Renew = Box<dyn Fn() + Send>;

/// The outcome of a flush or a shutdown of one handler.
type Outcome = Result<(), Error>;

/// A running worker.
pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue>,
    pub(crate) transport: Transport,
    engine: Engine,
    /// The outcome of the shutdown. Set before the thread drops its end of the commands.
    outcome: Arc<OnceLock<Outcome>>,
    panic_flush: Mutex<panic::History>,
    traits: Arc<Mutex<Traits>>,
    late: ending::Late,
}

/// What waits and the end of the process ask about a handler. The handler's thread changes it with the handler.
struct Traits {
    /// Whether the handler writes to standard error.
    is_stderr: bool,
    /// How long an exit of the process waits; `None` for the time of the process.
    exit_timeout: Option<Duration>,
    /// What tells a thread that it must not wait for the handler.
    deadlocks: Vec<DeadlockCheck>,
}

impl Traits {
    fn of(spec: &HandlerSpec) -> Self {
        let HandlerSettings { is_stderr, exit_timeout, deadlocks, .. } = &spec.settings;
        Self { is_stderr: *is_stderr, exit_timeout: *exit_timeout, deadlocks: deadlocks.clone() }
    }
}

/// Who runs the handler.
enum Engine {
    Thread {
        commands: Sender<Command>,
        id: ThreadId,
    },
    /// Its callers.
    Inline(Arc<InlineWorker>),
}

/// Retries end this long before the deadline of a flush, or a tenth of its timeout if that is shorter.
const MARGIN: Duration = Duration::from_millis(100);

/// All workers of the process, for the exit hook.
static WORKERS: Mutex<Vec<Weak<Worker>>> = Mutex::new(Vec::new());

impl Worker {
    /// Starts a handler whose queue takes at most `bytes` bytes of memory, or the least that its transport needs, and
    /// its thread, if it has one. A handler with a thread gets nothing before the gate is open: before its sender is
    /// dropped.
    ///
    /// The exit hook is installed before the first worker exists, so that functions given to `atexit` later, which run
    /// earlier, can still log.
    ///
    /// # Errors
    ///
    /// The system's error if it starts no more threads.
    pub(crate) fn spawn(
        name: &str,
        spec: HandlerSpec,
        bytes: usize,
        clock: &Clock,
        gate: Option<Receiver<Infallible>>,
        trial: Option<Trial>,
        renew: Option<Renew>,
    ) -> Result<Arc<Self>, Error> {
        ending::install(spec.settings.transport != Transport::Inline);
        let traits = Arc::new(Mutex::new(Traits::of(&spec)));
        let settings = spec.settings;
        let bytes = settings.transport.least_bytes().max(bytes);
        let queue = Arc::new(Queue::new(
            name,
            settings.transport,
            bytes,
            settings.overflow,
            settings.level.number(),
            settings.wake_level.number(),
            clock.clone(),
        ));
        queue.set_overflow(settings.overflow, settings.reserve);
        let outcome = Arc::<OnceLock<Outcome>>::default();
        let mut sink = Sink::new(queue.clone(), spec.handler, settings.filters, settings.idle, traits.clone(), trial);
        sink.govern(settings.governor);
        let engine = if queue.is_inline() {
            let inline = InlineWorker::start(sink);
            let handler: Weak<dyn Deliver> = Arc::downgrade(&inline) as _;
            queue.set_inline_handler(handler);
            Engine::Inline(inline)
        } else {
            Self::start_thread(&queue, sink, gate, renew, &outcome)?
        };
        let (panic_flush, late) = (Mutex::default(), ending::Late::default());
        let transport = settings.transport;
        let worker = Arc::new(Self { queue, transport, engine, outcome, panic_flush, traits, late });
        let mut workers = lock(&WORKERS);
        workers.retain(|worker| worker.strong_count() > 0);
        workers.push(Arc::downgrade(&worker));
        Ok(worker)
    }

    fn start_thread(
        queue: &Arc<Queue>,
        sink: Sink,
        gate: Option<Receiver<Infallible>>,
        renew: Option<Renew>,
        outcome: &Arc<OnceLock<Outcome>>,
    ) -> Result<Engine, Error> {
        let name = &queue.name;
        let (commands, inbox) = channel::unbounded();
        let mut consumer = run::Consumer::new(inbox, sink, gate, renew);
        let ending = Ending(queue.clone());
        let run = {
            let outcome = outcome.clone();
            move || {
                let _ending = ending;
                let _ = outcome.set(consumer.run());
                // After the outcome is set: a thread that finds the command channel closed reads the outcome.
                drop(consumer);
            }
        };
        let thread = sys::spawn(format!("femtolog-{name}"), run)
            .map_err(|error| Error::io(format_args!("cannot start the thread of handler `{name}`"), error))?;
        queue.set_waker(thread.thread().clone());
        Ok(Engine::Thread { commands, id: thread.thread().id() })
    }

    /// Returns a snapshot of the counters.
    pub(crate) fn metrics(&self) -> HandlerMetrics {
        self.queue.metrics()
    }

    /// Sends a command, wakes the thread, and returns the receiver of the answer. A handler without a thread carries
    /// the command out before this returns.
    fn ask(&self, command: impl FnOnce(Answer) -> Command) -> Receiver<Outcome> {
        self.ask_for(None, command)
    }

    /// The same for a task, which the answer wakes.
    fn ask_for(&self, task: Option<Arc<Task>>, command: impl FnOnce(Answer) -> Command) -> Receiver<Outcome> {
        let (done, answer) = Answer::new(task);
        // A worker that has ended drops the command and with it the sender of the answer, which the receiver notices.
        match &self.engine {
            Engine::Thread { commands, .. } => {
                let _ = commands.send(command(done));
                self.queue.wake();
            }
            Engine::Inline(inline) => inline.execute(command(done), |outcome| {
                let _ = self.outcome.set(outcome.as_ref().copied().map_err(Error::duplicate));
            }),
        }
        answer
    }

    /// Returns whether the calling thread is the handler's, or in the code of this handler.
    fn is_current(&self) -> bool {
        match &self.engine {
            Engine::Thread { id, .. } => *id == thread::current().id(),
            Engine::Inline(inline) => inline.is_current(),
        }
    }

    /// Has the handler close, and its thread end, as soon as no other thread can log to it any more; after `grace` when
    /// none waits to do so; after `timeout` in any case. Its routes must be gone. A handler without a thread is closed
    /// before this returns.
    pub(crate) fn leave(&self, grace: Duration, timeout: Duration) {
        let ((_, from), (_, until)) = (deadlines(grace), deadlines(timeout));
        match &self.engine {
            Engine::Thread { commands, .. } => {
                let _ = commands.send(Command::Leave { from, until });
                self.queue.wake();
            }
            Engine::Inline(_) => {
                self.queue.close();
                drop(self.ask(|done| Command::Close { until, done }));
            }
        }
    }

    /// Returns whether the handler could not deliver while the calling thread waits for it.
    fn would_deadlock(&self) -> bool {
        let checks = lock(&self.traits).deadlocks.clone();
        checks.iter().any(|check| check())
    }

    /// Returns an error if the handler could not deliver while the calling thread waits for it.
    fn may_wait(&self, request: impl fmt::Display) -> Result<(), Error> {
        match self.would_deadlock() {
            true => Err(Error::would_deadlock(format_args!(
                "no blocking {request} from the only worker of the runtime on which handler `{}` delivers: it would wait \
                 for itself",
                self.queue.name
            ))),
            false => Ok(()),
        }
    }

    /// Returns whether the handler writes to standard error.
    pub(crate) fn is_stderr(&self) -> bool {
        lock(&self.traits).is_stderr
    }

    /// Returns whether the handler has ended, and nobody can log to it any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.has_ended() && Arc::strong_count(&self.queue) == 1
    }

    /// Returns whether the shutdown is complete.
    pub(crate) fn has_ended(&self) -> bool {
        self.outcome.get().is_some()
    }
}

/// Closes the queue when the handler's thread ends, also by a panic, so that no caller waits for it.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close();
        self.0.end();
        if thread::panicking() {
            notify(
                &self.0.name,
                format_args!("the handler's thread has died; what is logged to it is dropped and counted"),
            );
        }
    }
}

/// Returns all workers that were not dropped.
pub(crate) fn all() -> Vec<Arc<Worker>> {
    lock(&WORKERS).iter().filter_map(Weak::upgrade).collect()
}

/// Those with a thread first: they carry a command out while those without one do.
fn threads_first(workers: &[Arc<Worker>]) -> impl Iterator<Item = &Arc<Worker>> {
    let with_thread = |wanted: bool| workers.iter().filter(move |worker| worker.queue.is_inline() != wanted);
    with_thread(true).chain(with_thread(false))
}

/// The kind of a command.
#[derive(Clone, Copy, PartialEq)]
enum Request {
    Flush,
    Shutdown,
    /// A shutdown that nobody asked for: of a system that is dropped, or at the end of the process.
    End,
    /// A flush that nobody asked for, at the end of a process: of a handler that goes on, or that is its parent's to
    /// close.
    Settle,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flush | Self::Settle => "flush",
            Self::Shutdown | Self::End => "shutdown",
        })
    }
}

/// Flushes workers concurrently, and waits for them up to `timeout`.
///
/// # Errors
///
/// Names each handler that has not answered in time, with the number of records in flight, or that answered with an
/// error. On a handler's thread, and in a child of `fork`, an error at once.
pub(crate) fn flush(workers: &[Arc<Worker>], timeout: Duration) -> Result<(), Error> {
    begin_flush(workers, timeout, None)?.wait()
}

/// Begins what [`flush`] does, and returns the wait for it: that of a thread, or of a task.
pub(crate) fn begin_flush(
    workers: &[Arc<Worker>],
    timeout: Duration,
    task: Option<Arc<Task>>,
) -> Result<Waiting, Error> {
    may_wait(Request::Flush)?;
    may_wait_for(workers, Request::Flush, &task)?;
    Ok(Waiting::new(workers, timeout, Request::Flush, task))
}

/// Closes workers concurrently, and waits for them up to `timeout`, also for those that another thread is closing.
/// Skips those that have ended.
pub(crate) fn close(workers: &[Arc<Worker>], timeout: Duration) -> Result<(), Error> {
    begin_close(workers, timeout, None)?.wait()
}

/// Begins what [`close`] does, and returns the wait for it.
pub(crate) fn begin_close(
    workers: &[Arc<Worker>],
    timeout: Duration,
    task: Option<Arc<Task>>,
) -> Result<Waiting, Error> {
    close_as(Request::Shutdown, workers, timeout, task)
}

/// Closes workers like [`close`], where nobody has asked for it. That the reader of a pipe has gone is no error then.
pub(crate) fn end(workers: &[Arc<Worker>], timeout: Duration) -> Result<(), Error> {
    close_as(Request::End, workers, timeout, None)?.wait()
}

fn close_as(
    request: Request,
    workers: &[Arc<Worker>],
    timeout: Duration,
    task: Option<Arc<Task>>,
) -> Result<Waiting, Error> {
    may_wait(request)?;
    may_wait_for(workers, request, &task)?;
    let running: Vec<_> = workers.iter().filter(|worker| !worker.has_ended()).cloned().collect();
    running.iter().for_each(|worker| worker.queue.close());
    Ok(Waiting::new(&running, timeout, request, task))
}

/// Returns an error on a handler's thread.
pub(crate) fn may_wait(request: impl fmt::Display) -> Result<(), Error> {
    match is_consumer() {
        true => {
            Err(Error::would_deadlock(format_args!("no {request} from a handler's thread: it would wait for itself")))
        }
        false => Ok(()),
    }
}

/// Returns an error if the calling thread must not wait for a shutdown.
pub(crate) fn may_shut_down(workers: &[Arc<Worker>], task: &Option<Arc<Task>>) -> Result<(), Error> {
    may_wait(Request::Shutdown)?;
    may_wait_for(workers, Request::Shutdown, task)
}

/// Returns an error if the calling thread must not wait for a change of these handlers.
pub(crate) fn may_change(workers: &[Arc<Worker>]) -> Result<(), Error> {
    workers.iter().try_for_each(|worker| worker.may_wait("change of handlers"))
}

/// Returns an error if one of the handlers could not deliver while the calling thread waits; a task blocks no thread.
fn may_wait_for(workers: &[Arc<Worker>], request: Request, task: &Option<Arc<Task>>) -> Result<(), Error> {
    match task {
        Some(_) => Ok(()),
        None => workers.iter().filter(|worker| !worker.has_ended()).try_for_each(|worker| worker.may_wait(request)),
    }
}

/// Returns whether the calling thread must not wait for these handlers.
pub(crate) fn would_deadlock(workers: &[Arc<Worker>]) -> bool {
    is_consumer() || workers.iter().any(|worker| worker.would_deadlock())
}

/// Returns until when a handler may retry, early enough to answer before the deadline, and the deadline.
fn deadlines(timeout: Duration) -> (Instant, Instant) {
    let now = Instant::now();
    let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400 * 365));
    (deadline.checked_sub((timeout / 10).min(MARGIN)).unwrap_or(now), deadline)
}

/// Waits until the handlers have ended, up to `timeout`.
pub(crate) fn wait_for_ends(workers: &[Arc<Worker>], timeout: Duration) {
    let (_, deadline) = deadlines(timeout);
    while !workers.iter().all(|worker| worker.has_ended()) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
}
