//! Futures of a flush and a shutdown, without any executor's help.

mod common;
#[path = "common/held.rs"]
mod held;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use common::{LONG, wait_until};
use femtologging::config::FlushFuture;
use femtologging::handler::{Batch, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt};
use femtologging::{Config, Error, FemtoLogRecord, Logging, info};
use held::{held, stream, system};

const SHORT: Duration = Duration::from_millis(20);

/// Wakes a thread, and counts how often.
struct Woken {
    thread: Thread,
    times: AtomicUsize,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.times.fetch_add(1, SeqCst);
        self.thread.unpark();
    }
}

/// The smallest executor: it polls when it is woken, and never otherwise.
fn block_on<F: Future>(future: F) -> (F::Output, usize) {
    let woken = Arc::new(Woken { thread: thread::current(), times: AtomicUsize::new(0) });
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    let mut polled = 0;
    loop {
        let before = woken.times.load(SeqCst);
        polled += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return (output, polled);
        }
        while woken.times.load(SeqCst) == before {
            thread::park();
        }
    }
}

fn text(outcome: Result<(), Error>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn the_future_can_be_sent_and_kept() {
    fn check<T: Future<Output = Result<(), Error>> + Send + Sync + Unpin + 'static>(_: &T) {}
    check(&femtologging::flush_async(LONG));
    check(&femtologging::shutdown_async(LONG));
}

#[test]
fn what_was_logged_before_is_written_when_the_future_is_ready() {
    let [first, second] = [(); 2].map(|()| FemtoCaptureHandler::new());
    let (logging, logger) = system([("first", first.clone().into()), ("second", second.clone().into())]);
    for round in 1..=100 {
        info!(logger: logger, "{}", round);
        block_on(logging.flush_async(LONG)).0.unwrap();
        assert_eq!((first.len(), second.len()), (round, round));
    }
}

#[test]
fn the_flush_goes_on_when_nobody_polls_and_when_the_future_is_dropped() {
    let (release, writer) = held();
    let (logging, logger) = system([("stream", stream(&writer))]);
    info!(logger: logger, "one");
    drop(logging.flush_async(LONG));
    drop(release);
    wait_until("the flush is counted", || logging.metrics().handler("stream").unwrap().flushes == 1);
    assert_eq!(writer.text(), "one\n");
}

#[test]
fn a_task_is_woken_by_the_answer_and_not_polled_in_between() {
    let (release, writer) = held();
    let (logging, logger) = system([("stream", stream(&writer))]);
    info!(logger: logger, "one");
    let flushing = logging.flush_async(LONG);
    let (polled, first_poll) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let mut flushing = pin!(flushing);
        block_on(std::future::poll_fn(|task| {
            let answer = flushing.as_mut().poll(task);
            polled.send(()).unwrap();
            answer
        }))
    });
    first_poll.recv().unwrap();
    let start = Instant::now();
    drop(release);
    let (outcome, polls) = waiting.join().unwrap();
    outcome.unwrap();
    assert_eq!(polls, 2);
    assert!(start.elapsed() < LONG / 2, "it was woken at its deadline");
}

#[test]
fn the_deadline_is_kept_while_a_handler_is_stuck_and_says_what_the_blocking_form_says() {
    let (release, writer) = held();
    let (logging, logger) = system([("stream", stream(&writer))]);
    info!(logger: logger, "one");
    info!(logger: logger, "two");
    wait_until("it is stuck", || writer.writes() == 1);
    let (outcome, _) = block_on(logging.flush_async(SHORT));
    let blocking = logging.flush(SHORT);
    assert!(outcome.as_ref().unwrap_err().is_timeout());
    assert_eq!(text(outcome), text(blocking));
    drop(release);
}

#[test]
fn many_deadlines_are_kept_by_one_thread() {
    let (release, writer) = held();
    let (logging, logger) = system([("stream", stream(&writer))]);
    info!(logger: logger, "one");
    wait_until("it is stuck", || writer.writes() == 1);
    let waits: Vec<_> = (0..50)
        .map(|number| {
            // The later ones have the earlier deadlines.
            let flushing = logging.flush_async(Duration::from_millis(100 - number));
            thread::spawn(move || block_on(flushing).0)
        })
        .collect();
    for wait in waits {
        assert!(wait.join().unwrap().unwrap_err().is_timeout());
    }
    #[cfg(target_os = "linux")]
    {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
        assert_eq!(names.filter(|name| name == "femtolog-timer\n").count(), 1);
    }
    drop(release);
}

#[test]
fn a_shutdown_closes_the_loggers_at_once_and_two_have_the_same_answer() {
    let (release, writer) = held();
    let (logging, logger) = system([("stream", stream(&writer))]);
    info!(logger: logger, "one");
    wait_until("it is stuck", || writer.writes() == 1);
    let [first, second] = [(); 2].map(|()| logging.shutdown_async(LONG));
    info!(logger: logger, "too late");
    drop(release);
    block_on(first).0.unwrap();
    block_on(second).0.unwrap();
    // After it has ended.
    block_on(logging.shutdown_async(LONG)).0.unwrap();
    assert_eq!(writer.text(), "one\n");
    let metrics = logging.metrics().handler("stream").unwrap().clone();
    assert_eq!((metrics.emitted, metrics.written, metrics.dropped.total()), (2, 1, 1));
}

#[test]
fn the_global_system_has_the_same_functions() {
    let capture = FemtoCaptureHandler::new();
    Config::builder().add_handler("capture", capture.clone()).build_and_init().unwrap();
    info!("one");
    block_on(femtologging::flush_async(LONG)).0.unwrap();
    assert_eq!(capture.messages(), ["one"]);
    block_on(femtologging::shutdown_async(LONG)).0.unwrap();
    info!("two");
    assert_eq!(capture.messages(), ["one"]);
}

#[test]
fn a_handler_without_a_thread_is_flushed_before_the_call_returns() {
    let spec = FemtoCaptureHandler::new().configure().inline().build().unwrap();
    let (logging, logger) = system([("inline", spec)]);
    info!(logger: logger, "one");
    let flushing = logging.flush_async(LONG);
    assert_eq!(logging.metrics().handler("inline").unwrap().flushes, 1);
    let (outcome, polls) = block_on(flushing);
    outcome.unwrap();
    assert_eq!(polls, 1);
}

#[test]
fn a_future_that_is_polled_again_after_its_end_is_harmless() {
    let (logging, _) = system([("capture", FemtoCaptureHandler::new().into())]);
    let mut flushing = logging.flush_async(LONG);
    block_on(&mut flushing).0.unwrap();
    block_on(&mut flushing).0.unwrap();
}

/// Begins a flush on the handler's own thread.
struct Own(Arc<OnceLock<Logging>>, Sender<FlushFuture>);

impl FemtoHandler for Own {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        if let Some(logging) = self.0.get() {
            let _ = self.1.send(logging.flush_async(LONG));
            let _ = self.1.send(logging.shutdown_async(LONG));
        }
        Ok(())
    }
}

#[test]
fn on_a_handler_s_thread_it_is_refused_at_once() {
    let (system_slot, (sender, futures)): (Arc<OnceLock<Logging>>, (_, Receiver<FlushFuture>)) =
        (Arc::default(), mpsc::channel());
    let (logging, logger) = system([("own", Own(system_slot.clone(), sender).configure().build().unwrap())]);
    let _ = system_slot.set(logging.clone());
    info!(logger: logger, "one");
    for what in ["flush", "shutdown"] {
        let (outcome, polls) = block_on(futures.recv_timeout(LONG).unwrap());
        let error = outcome.unwrap_err();
        assert!(error.is_would_deadlock());
        assert_eq!(error.to_string(), format!("no {what} from a handler's thread: it would wait for itself"));
        assert_eq!(polls, 1);
    }
    logging.shutdown(LONG).unwrap();
}

/// Panics whenever it is used.
struct Hostile;

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        panic!("expected by this test");
    }
}

#[test]
fn a_waker_that_panics_harms_no_handler() {
    let (release, writer) = held();
    let (logging, logger) = system([("stream", stream(&writer))]);
    info!(logger: logger, "one");
    wait_until("it is stuck", || writer.writes() == 1);
    let mut flushing = logging.flush_async(LONG);
    let waker = Waker::from(Arc::new(Hostile));
    assert!(pin!(&mut flushing).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(release);
    logging.flush(LONG).unwrap();
    info!(logger: logger, "two");
    logging.flush(LONG).unwrap();
    assert_eq!(writer.text(), "one\ntwo\n");
    assert_eq!(logging.metrics().handler("stream").unwrap().errors, 0);
}
