//! The wait for the answers of handlers: by a thread, or by a task that an executor polls.
//!
//! The command goes to all handlers first; then their answers are waited for one by one, all until the same deadline.
//! So the wait is as long as that for the slowest handler, and not the sum.
//!
//! ```text
//! now ────────────────────────────────── until ── deadline       until = deadline - min(timeout / 10, 100 ms)
//!      the handler may still retry         │  gives up, answers
//! ```
//!
//! A task is woken by whoever gives an answer, or drops it unanswered, on the handler's thread; and by the thread of
//! `timer` at the deadline. It stores its waker before it looks, and an answer is sent before the waker is taken, so
//! that at least one of the two sees the other:
//!
//! ```text
//! task                        handler's thread
//! stores its waker
//! no answer: Pending          sends the answer
//!                             takes the waker, wakes
//! looks again: answered
//! ```
//!
//! Dropping a [`Waiting`] forgets the answers. The commands have been sent, and are carried out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::task::Task;
use super::timer::Alarm;
use super::{Command, Outcome, Request, Worker, deadlines, threads_first};
use crate::error::Error;
use crate::sync::channel::{self, Receiver, RecvTimeoutError, Sender};
use crate::sync::lock;

/// The handler's end of an answer.
pub(super) struct Answer {
    /// `None` only while it is dropped.
    sender: Option<Sender<Outcome>>,
    task: Option<Arc<Task>>,
}

impl Answer {
    pub(super) fn new(task: Option<Arc<Task>>) -> (Self, Receiver<Outcome>) {
        let (sender, receiver) = channel::bounded(1);
        (Self { sender: Some(sender), task }, receiver)
    }

    /// Answers, unless nobody waits any more.
    pub(super) fn send(self, outcome: Outcome) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(outcome);
        }
    }
}

/// Wakes the task, also when there is no answer: the handler has ended.
impl Drop for Answer {
    fn drop(&mut self) {
        // First, so that a task that is woken finds the channel closed.
        drop(self.sender.take());
        if let Some(task) = &self.task {
            task.wake();
        }
    }
}

/// The wait for some handlers.
pub(crate) struct Waiting {
    /// The answers that are waited for, in the order of their commands.
    open: VecDeque<Open>,
    failures: Vec<Error>,
    /// Whether some of the handlers are those of the parent process.
    is_orphaned: bool,
    task: Option<Arc<Task>>,
    alarm: Option<Alarm>,
}

/// An answer that is still to come.
struct Open {
    worker: Arc<Worker>,
    request: Request,
    timeout: Duration,
    deadline: Instant,
    answer: Receiver<Outcome>,
}

impl Waiting {
    /// Sends the command to all workers. One without a thread carries it out before this returns.
    pub(super) fn new(workers: &[Arc<Worker>], timeout: Duration, request: Request, task: Option<Arc<Task>>) -> Self {
        let is_orphaned = |worker: &Worker| worker.queue.is_orphaned();
        let asked = threads_first(workers).filter(|worker| !is_orphaned(worker)).map(|worker| {
            let own = lock(&worker.traits).exit_timeout.filter(|_| request == Request::End);
            let timeout = own.unwrap_or(timeout);
            // Early enough for the handler to answer before the deadline.
            let (until, deadline) = deadlines(timeout);
            let answer = worker.ask_for(task.clone(), |done| match request {
                Request::Flush | Request::Settle => Command::Flush { until, done },
                Request::Shutdown | Request::End => Command::Close { until, done },
            });
            Open { worker: worker.clone(), request, timeout, deadline, answer }
        });
        Self {
            open: asked.collect(),
            failures: Vec::new(),
            is_orphaned: workers.iter().any(|worker| is_orphaned(worker)),
            task,
            alarm: None,
        }
    }

    /// A wait that has failed.
    pub(crate) fn failed(error: Error) -> Self {
        Self { open: VecDeque::new(), failures: vec![error], is_orphaned: false, task: None, alarm: None }
    }

    /// Waits for the handlers of another one as well, on behalf of the same task.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.open.extend(other.open);
        self.failures.extend(other.failures);
        self.is_orphaned |= other.is_orphaned;
        self
    }

    /// Blocks until all have answered, or until the deadline.
    ///
    /// # Errors
    ///
    /// Names each handler that has not answered in time, with the number of records in flight, or that answered with
    /// an error.
    pub(crate) fn wait(mut self) -> Result<(), Error> {
        while let Some(open) = self.open.pop_front() {
            let outcome = open.answer.recv_deadline(open.deadline);
            self.failures.extend(open.failure(outcome));
        }
        self.finish()
    }

    /// Looks for answers, as often as a task is polled. The errors are those of [`wait`](Self::wait); there is another
    /// one if the system does not start the thread that keeps deadlines.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        if let Some(task) = &self.task {
            task.set(waker);
        }
        while let Some(open) = self.open.pop_front() {
            let outcome = match open.answer.try_recv() {
                Ok(outcome) => Ok(outcome),
                Err(RecvTimeoutError::Disconnected) => Err(RecvTimeoutError::Disconnected),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= open.deadline => Err(RecvTimeoutError::Timeout),
                Err(RecvTimeoutError::Timeout) => match self.set_alarm(open.deadline) {
                    Ok(()) => {
                        self.open.push_front(open);
                        return Poll::Pending;
                    }
                    Err(error) => {
                        self.failures.push(error);
                        self.open.clear();
                        break;
                    }
                },
            };
            self.failures.extend(open.failure(outcome));
        }
        Poll::Ready(self.finish())
    }

    /// Has the task woken at this time. The alarm that it has already is for an earlier handler.
    fn set_alarm(&mut self, at: Instant) -> Result<(), Error> {
        if let Some(task) = &self.task
            && self.alarm.as_ref().is_none_or(|alarm| alarm.at() != at)
        {
            self.alarm = Some(Alarm::set(at, task)?);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.alarm = None;
        let mut failures = std::mem::take(&mut self.failures);
        if std::mem::take(&mut self.is_orphaned) {
            let what = "logging in this child of fork, whose parent process has the handlers' threads,";
            failures.push(Error::closed(what));
        }
        Error::gather(failures)
    }
}

impl Open {
    /// Returns what an outcome says to whoever waited for it.
    fn failure(&self, outcome: Result<Outcome, RecvTimeoutError>) -> Option<Error> {
        let Self { worker, request, timeout, .. } = self;
        let name = &worker.queue.name;
        let is_late = match &outcome {
            Ok(answer) => answer.as_ref().is_err_and(Error::is_timeout),
            Err(error) => error.is_timeout(),
        };
        if is_late {
            let left = worker.metrics().in_flight;
            return Some(Error::timeout(format_args!(
                "the {request} of handler `{name}` (given {timeout:?}; {left} records are not written)"
            )));
        }
        // The thread may have ended before this command, because another thread shut it down.
        let others = worker.outcome.get().filter(|_| matches!(request, Request::Shutdown | Request::End));
        let outcome = outcome.ok().or(others.map(|outcome| outcome.as_ref().copied().map_err(Error::duplicate)));
        match outcome {
            Some(Ok(())) => None,
            Some(Err(error)) if matches!(request, Request::End | Request::Settle) && error.is_reader_gone() => None,
            Some(Err(error)) => Some(error.with_prefix(&format!("handlers.{name}"))),
            None => {
                let left = worker.metrics().in_flight;
                let what = format_args!("handler `{name}`, with {left} records not written,").to_string();
                (left > 0).then(|| Error::closed(what))
            }
        }
    }
}
