//! The thread behind a handler: it takes records out of the queue, in order, and hands them to the handler in batches.

mod idle;
mod inbox;
mod report;
mod run;
mod steps;

use std::io;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::error::{Error, notify};
use crate::handler::HandlerSpec;
use crate::metrics::HandlerMetrics;
use crate::queue::{Queue, is_consumer};
use crate::sync::lock;
use crate::time::Clock;

/// What a worker is told. Commands have a channel of their own, so no full queue and no policy holds them up.
enum Command {
    /// Write and flush everything that is in the queue now, with no retry after `until`.
    Flush { until: Instant, done: Sender<Result<(), Error>> },
    /// The same, then close the handler and end.
    Close { until: Instant, done: Sender<Result<(), Error>> },
}

/// A running worker.
pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue>,
    commands: Sender<Command>,
}

/// How long before a flush's deadline retries end, at most.
const MARGIN: Duration = Duration::from_millis(100);

/// All workers of this process, for the exit hook.
static WORKERS: Mutex<Vec<Weak<Worker>>> = Mutex::new(Vec::new());

impl Worker {
    /// Starts the thread of a handler whose queue takes `bytes` bytes of memory at most.
    pub(crate) fn spawn(name: &str, spec: HandlerSpec, bytes: usize, clock: &Clock) -> Result<Arc<Self>, Error> {
        let settings = spec.settings;
        let queue = Arc::new(Queue::new(
            name,
            settings.transport,
            bytes,
            settings.overflow,
            settings.level.number(),
            settings.wake_level.number(),
            clock.clone(),
        ));
        let (commands, inbox) = crossbeam_channel::unbounded();
        let consumer = run::Consumer::new(queue.clone(), inbox, spec.handler, settings.filters, settings.idle);
        let ending = Ending(queue.clone());
        let run = move || {
            let _ending = ending;
            consumer.run();
        };
        let thread = std::thread::Builder::new().name(format!("femtolog-{name}")).spawn(run);
        let thread = thread.map_err(|error: io::Error| {
            Error::io(format_args!("cannot start the thread of handler `{name}`"), error)
        })?;
        queue.set_waker(thread.thread().clone());
        let worker = Arc::new(Self { queue, commands });
        let mut workers = lock(&WORKERS);
        workers.retain(|worker| worker.strong_count() > 0);
        workers.push(Arc::downgrade(&worker));
        Ok(worker)
    }

    pub(crate) fn metrics(&self) -> HandlerMetrics {
        self.queue.metrics()
    }

    /// Gives the thread a command, and wakes it.
    fn command(&self, command: Command) {
        // A worker that has ended drops the command and with it the answer's sender, which the asker notices.
        let _ = self.commands.send(command);
        self.queue.wake();
    }
}

/// Says that a handler's thread has ended, however that came about, so that no caller waits for it.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close();
        self.0.end();
        if std::thread::panicking() {
            notify(
                &self.0.name,
                format_args!("the handler's thread has died; what is logged to it is dropped and counted"),
            );
        }
    }
}

/// All workers that are still there.
pub(crate) fn all() -> Vec<Arc<Worker>> {
    lock(&WORKERS).iter().filter_map(Weak::upgrade).collect()
}

/// Flushes workers side by side and waits for them until `timeout` has passed.
pub(crate) fn flush(workers: &[Arc<Worker>], timeout: Duration) -> Result<(), Error> {
    ask(workers, timeout, "flush", |until, done| Command::Flush { until, done })
}

/// Closes workers side by side and waits for them until `timeout` has passed. Those already closed are left alone.
pub(crate) fn close(workers: &[Arc<Worker>], timeout: Duration) -> Result<(), Error> {
    let open: Vec<_> = workers.iter().filter(|worker| !worker.queue.is_closed()).cloned().collect();
    finish(&open, timeout)
}

/// Closes workers and waits for them, also for those that are being closed already.
pub(crate) fn finish(workers: &[Arc<Worker>], timeout: Duration) -> Result<(), Error> {
    workers.iter().for_each(|worker| worker.queue.close());
    ask(workers, timeout, "shutdown", |until, done| Command::Close { until, done })
}

fn ask(
    workers: &[Arc<Worker>],
    timeout: Duration,
    what: &str,
    command: impl Fn(Instant, Sender<Result<(), Error>>) -> Command,
) -> Result<(), Error> {
    if is_consumer() {
        return Err(Error::other(format!("no {what} from a handler's thread: it would wait for itself")));
    }
    let now = Instant::now();
    let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400 * 365));
    // Early enough for the handler's own answer to come in time.
    let until = deadline.checked_sub((timeout / 10).min(MARGIN)).unwrap_or(now);
    let asked = workers.iter().filter(|worker| !worker.queue.is_orphaned()).map(|worker| {
        let (done, answer) = crossbeam_channel::bounded(1);
        worker.command(command(until, done));
        (worker, answer)
    });
    let mut failures = Vec::new();
    for (worker, answer) in asked.collect::<Vec<_>>() {
        let name = &worker.queue.name;
        match answer.recv_deadline(deadline) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failures.push(error.with_prefix(&format!("handlers.{name}"))),
            Err(error) if error.is_timeout() => {
                let left = worker.metrics().in_flight;
                failures.push(Error::timeout(format_args!(
                    "the {what} of handler `{name}` (given {timeout:?}; {left} records are not written)"
                )));
            }
            Err(_) => {
                let left = worker.metrics().in_flight;
                if left > 0 {
                    failures.push(Error::closed(format_args!("handler `{name}`, with {left} records not written,")));
                }
            }
        }
    }
    if workers.iter().any(|worker| worker.queue.is_orphaned()) {
        failures.push(Error::closed("logging in this child of fork, whose parent process has the handlers' threads,"));
    }
    Error::gather(failures)
}
