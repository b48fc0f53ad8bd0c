//! Flush and shutdown: what they wait for, what they answer, and what comes afterwards.

mod common;
#[path = "common/held.rs"]
mod held;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use common::{LONG, Scripted, Step, wait_until};
use femtologging::handler::{Batch, Delivery, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt};
use femtologging::metrics::{DropReason, HandlerMetrics};
use femtologging::policy::Transport;
use femtologging::time::Timestamp;
use femtologging::{Error, FemtoLogRecord, Level, Logging, error, info, warn};
use held::{held, stream, system};

const SHORT: Duration = Duration::from_millis(20);

fn metrics(logging: &Logging, name: &str) -> HandlerMetrics {
    logging.metrics().handler(name).unwrap().clone()
}

#[test]
fn everything_that_any_thread_logged_before_is_written() {
    let capture = FemtoCaptureHandler::new();
    let shared = FemtoCaptureHandler::new();
    let transport = Transport::Shared { capacity: Some(64) };
    let (logging, logger) = system([
        ("rings", capture.clone().into()),
        ("channel", shared.clone().configure().transport(transport).build().unwrap()),
    ]);
    // Four threads that live on, each told to log and heard that it did.
    let threads: Vec<(Sender<u32>, Receiver<()>)> = (0..4)
        .map(|_| {
            let ((go, orders), (done, report)) = (mpsc::channel(), mpsc::channel());
            let logger = logger.clone();
            std::thread::spawn(move || {
                for n in orders {
                    info!(logger: logger, "{}", n);
                    done.send(()).unwrap();
                }
            });
            (go, report)
        })
        .collect();
    for round in 0..200 {
        for (n, (go, _)) in (0..).zip(&threads) {
            go.send(round * 4 + n).unwrap();
        }
        threads.iter().for_each(|(_, report)| report.recv().unwrap());
        logging.flush(LONG).unwrap();
        let expected = (round as usize + 1) * 4;
        assert_eq!((capture.len(), shared.len()), (expected, expected));
    }
}

/// What is delivered because a batch is full while a flush empties the queue: it, too, may take no longer than the flush.
#[test]
fn whatever_is_delivered_for_a_flush_knows_how_long_it_may_take() {
    struct Gated(Receiver<()>, Arc<Mutex<Vec<Option<Duration>>>>);
    impl FemtoHandler for Gated {
        fn handle(&mut self, _: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
            batch.append(|out| out.resize(out.len() + Batch::FULL, b'.'));
            Ok(())
        }

        fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
            self.1.lock().unwrap().push(batch.time_left());
            let _ = self.0.recv();
            Ok(Delivery::Done)
        }
    }
    let (release, gate) = mpsc::channel();
    let times = Arc::<Mutex<Vec<_>>>::default();
    let (logging, logger) = system([("gated", Gated(gate, times.clone()).configure().build().unwrap())]);
    info!(logger: logger, "first");
    wait_until("the first record is being delivered", || times.lock().unwrap().len() == 1);
    info!(logger: logger, "second");
    info!(logger: logger, "third");
    logging.flush(SHORT).unwrap_err();
    drop(release);
    wait_until("all are written", || metrics(&logging, "gated").written == 3);
    assert_eq!(*times.lock().unwrap(), [None, Some(Duration::ZERO), Some(Duration::ZERO)]);
}

#[test]
fn each_flush_gets_its_own_answer() {
    let (release, writer) = held();
    let (logging, logger) = system([("slow", stream(&writer))]);
    info!(logger: logger, "1");
    wait_until("the writer is held", || writer.writes() == 1);
    info!(logger: logger, "2");
    let impatient: Vec<_> = [SHORT, Duration::ZERO].map(|timeout| (timeout, logging.flush(timeout))).into();
    let patient: Vec<_> = (0..4)
        .map(|_| {
            let logging = logging.clone();
            std::thread::spawn(move || logging.flush(LONG))
        })
        .collect();
    for (timeout, answer) in impatient {
        let error = answer.unwrap_err();
        assert!(error.is_timeout());
        let text = "records are not written) did not finish in time";
        assert_eq!(error.to_string(), format!("the flush of handler `slow` (given {timeout:?}; 2 {text}"));
    }
    release.send(()).unwrap();
    for thread in patient {
        thread.join().unwrap().unwrap();
    }
    assert_eq!(writer.text(), "1\n2\n");
    wait_until("the flushes that nobody waits for are carried out", || metrics(&logging, "slow").flushes == 6);
}

#[test]
fn a_timeout_names_every_handler_that_is_late() {
    let ((release_a, a), (release_b, b)) = (held(), held());
    let capture = FemtoCaptureHandler::new();
    let (logging, logger) = system([("a", stream(&a)), ("fast", capture.clone().into()), ("b", stream(&b))]);
    info!(logger: logger, "1");
    let error = logging.flush(SHORT).unwrap_err();
    assert!(error.is_timeout());
    let expected = "2 failures:\n  the flush of handler `a` (given 20ms; 1 records are not written) did not finish in time\n  \
                    the flush of handler `b` (given 20ms; 1 records are not written) did not finish in time";
    assert_eq!(error.to_string(), expected);
    assert_eq!(capture.messages(), ["1"]);
    drop((release_a, release_b));
    logging.flush(LONG).unwrap();
}

#[test]
fn flush_of_rings_returns_while_others_go_on_logging() {
    flush_while_others_log(Transport::default());
    flush_while_others_log(Transport::PerThread { bytes: 1024 });
}

#[test]
fn flush_of_channels_returns_while_others_go_on_logging() {
    flush_while_others_log(Transport::Shared { capacity: Some(16) });
    flush_while_others_log(Transport::Shared { capacity: None });
}

fn flush_while_others_log(transport: Transport) {
    let capture = FemtoCaptureHandler::new();
    // Three who log as often as this sleeps are faster. It keeps only what is asked about.
    let filter = |record: &FemtoLogRecord<'_>| {
        std::thread::sleep(Duration::from_micros(1));
        record.level() == Level::Error
    };
    let spec = capture.clone().configure().transport(transport).filter(filter).build().unwrap();
    let (logging, logger) = system([("h", spec)]);
    let stop = Arc::new(AtomicBool::new(false));
    let threads = [(); 3].map(|()| {
        let (stopped, busy) = (stop.clone(), logger.clone());
        std::thread::spawn(move || {
            while !stopped.load(SeqCst) {
                info!(logger: busy, "busy");
                std::thread::sleep(Duration::from_micros(1));
            }
        })
    });
    wait_until("they are busy", || metrics(&logging, "h").filtered > 100);
    for n in 1..=2 {
        error!(logger: logger, "{}", n);
        logging.flush(LONG / 6).unwrap();
        assert_eq!(capture.len(), n, "{transport:?}");
    }
    // What they log meanwhile may or may not be lost.
    assert!(!logging.shutdown(LONG).is_err_and(|error| error.is_timeout()), "{transport:?}");
    stop.store(true, SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let h = metrics(&logging, "h");
    assert_eq!(
        (h.emitted, h.written, h.in_flight),
        (2 + h.dropped.by_reason(DropReason::Closed), 2, 0),
        "{transport:?}"
    );
}

/// Asks for what a handler must not, and keeps the answers.
#[derive(Clone, Default)]
struct Selfish {
    logging: Arc<OnceLock<Logging>>,
    answers: Arc<std::sync::Mutex<Vec<String>>>,
}

impl FemtoHandler for Selfish {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let logging = self.logging.get().unwrap();
        for answer in [logging.flush(LONG), logging.shutdown(LONG)] {
            self.answers.lock().unwrap().push(answer.unwrap_err().to_string());
        }
        let logger = logging.get_logger("app").unwrap();
        warn!(logger: logger, "from a handler's thread");
        Ok(())
    }
}

#[test]
fn a_handlers_thread_cannot_wait_for_itself() {
    let selfish = Selfish::default();
    let capture = FemtoCaptureHandler::new();
    let (logging, logger) = system([("selfish", selfish.clone().into()), ("capture", capture.clone().into())]);
    selfish.logging.set(logging.clone()).unwrap();
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    let answers =
        ["flush", "shutdown"].map(|what| format!("no {what} from a handler's thread: it would wait for itself"));
    assert_eq!(*selfish.answers.lock().unwrap(), answers);

    // Nothing was shut down.
    info!(logger: logger, "2");
    logging.flush(LONG).unwrap();
    logging.shutdown(LONG).unwrap();
    assert_eq!(capture.messages(), ["1", "2"]);
    for name in ["selfish", "capture"] {
        let h = metrics(&logging, name);
        let dropped = (h.dropped.total(), h.dropped.get(DropReason::Reentrant, Level::Warn));
        assert_eq!((h.emitted, h.written, dropped), (4, 2, (2, 2)), "{name}");
    }
}

#[test]
fn after_shutdown_records_are_counted_by_level() {
    let writer = Scripted::default();
    let (logging, logger) = system([("h", stream(&writer))]);
    info!(logger: logger, "1");
    logging.shutdown(LONG).unwrap();
    assert_eq!(writer.text(), "1\n", "shutdown flushes");
    for _ in 0..3 {
        info!(logger: logger, "2");
    }
    let clone = logger.clone();
    std::thread::spawn(move || error!(logger: clone, "3")).join().unwrap();
    logging.shutdown(LONG).unwrap();
    logging.flush(LONG).unwrap();
    assert_eq!(writer.text(), "1\n");
    let h = metrics(&logging, "h");
    assert_eq!((h.emitted, h.written, h.failed, h.in_flight), (5, 1, 0, 0));
    let closed = |level| h.dropped.get(DropReason::Closed, level);
    assert_eq!((h.dropped.total(), closed(Level::Info), closed(Level::Error)), (4, 3, 1));
}

#[test]
fn shutdown_says_what_was_lost() {
    let (release, gate) = mpsc::channel();
    let writer = Scripted::new([Step::Wait(gate), Step::Fail(ErrorKind::StorageFull, "disk full")]);
    let (logging, logger) = system([("bad", stream(&writer))]);
    info!(logger: logger, "1");
    wait_until("the writer is held", || writer.writes() == 1);
    info!(logger: logger, "2");
    info!(logger: logger, "3");
    let clone = logging.clone();
    let shutdown = std::thread::spawn(move || clone.shutdown(LONG));
    // The registry is closed before the handler is told.
    wait_until("the shutdown has begun", || {
        info!(logger: logger, "4");
        metrics(&logging, "bad").dropped.total() > 0
    });
    release.send(()).unwrap();
    let error = shutdown.join().unwrap().unwrap_err();
    let h = metrics(&logging, "bad");
    assert_eq!(h.emitted, h.written + h.failed + h.dropped.total());
    assert!(h.failed >= 2 && h.in_flight == 0, "{h:?}");
    assert_eq!(error.to_string(), "`handlers.bad`: disk full");
    logging.shutdown(LONG).unwrap();
}

#[test]
fn shutdown_gives_a_stuck_handler_up() {
    let (release, writer) = held();
    let (logging, logger) = system([("stuck", stream(&writer))]);
    for n in 1..=3 {
        info!(logger: logger, "{}", n);
    }
    wait_until("the writer is held", || writer.writes() == 1);
    let error = logging.shutdown(SHORT).unwrap_err();
    assert!(error.is_timeout());
    let expected = "the shutdown of handler `stuck` (given 20ms; 3 records are not written) did not finish in time";
    assert_eq!(error.to_string(), expected);
    // A second one waits as well, and says so.
    assert_eq!(logging.shutdown(SHORT).unwrap_err().to_string(), expected);
    info!(logger: logger, "4");
    let h = metrics(&logging, "stuck");
    assert_eq!((h.emitted, h.written, h.in_flight, h.dropped.total()), (4, 0, 3, 1));
    // Once it comes free it finishes, and every record is accounted for.
    drop(release);
    wait_until("it is done", || metrics(&logging, "stuck").in_flight == 0);
    let h = metrics(&logging, "stuck");
    assert_eq!((h.emitted, h.written + h.dropped.total()), (4, 4));
}

/// Fails to flush and to close.
struct Grumpy;

impl FemtoHandler for Grumpy {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Err(Error::other("no flush today"))
    }

    fn close(&mut self) -> Result<(), Error> {
        panic!("expected by this test")
    }
}

#[test]
fn what_a_handler_fails_to_do_is_the_callers_to_know() {
    let (logging, logger) = system([("grumpy", Grumpy.into()), ("fine", FemtoCaptureHandler::new().into())]);
    info!(logger: logger, "1");
    let flush = || logging.flush(LONG).unwrap_err().to_string();
    assert_eq!(
        (flush(), flush()),
        ("`handlers.grumpy`: no flush today".into(), "`handlers.grumpy`: no flush today".into())
    );
    let error = logging.shutdown(LONG).unwrap_err().to_string();
    assert_eq!(error, "`handlers.grumpy`: 2 failures:\n  no flush today\n  panicked in `close`: expected by this test");
    let h = metrics(&logging, "grumpy");
    assert_eq!((h.written, h.failed, h.errors), (1, 0, 4));
}

/// Says when it is dropped.
struct LastWords(Sender<&'static str>, &'static str);

impl Drop for LastWords {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

impl FemtoHandler for LastWords {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.0.send("close").map_err(Error::other)
    }
}

#[test]
fn a_handler_is_closed_and_then_dropped_though_loggers_live_on() {
    let (said, words) = mpsc::channel();
    let (logging, logger) = system([("h", LastWords(said, "drop").into())]);
    info!(logger: logger, "1");
    drop(logging);
    assert_eq!(words.recv_timeout(LONG), Ok("close"));
    assert_eq!(words.recv_timeout(LONG), Ok("drop"));
    assert_eq!(words.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
    info!(logger: logger, "nowhere");
    assert_eq!(logger.name(), "app");
}

/// Drops the system from the thread of one of its handlers.
struct Owner(Option<Logging>, Receiver<Logging>);

impl FemtoHandler for Owner {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        self.0 = None;
        self.0 = self.1.try_recv().ok();
        Ok(())
    }
}

#[test]
fn a_system_may_be_dropped_by_its_own_handler() {
    let (give, take) = mpsc::channel();
    let (said, words) = mpsc::channel();
    let (logging, logger) = system([("owner", Owner(None, take).into()), ("other", LastWords(said, "drop").into())]);
    give.send(logging).unwrap();
    info!(logger: logger, "takes it");
    info!(logger: logger, "drops it");
    assert_eq!(words.recv_timeout(LONG), Ok("close"));
    assert_eq!(words.recv_timeout(LONG), Ok("drop"));
}

/// Starts a shutdown on another thread, which waits for a handler that is held, and returns where its answer will be.
fn shutdown_of(logging: &Logging, timeout: Duration) -> Receiver<Result<(), Error>> {
    let (logging, (done, answer)) = (logging.clone(), mpsc::channel());
    std::thread::spawn(move || done.send(logging.shutdown(timeout)));
    answer
}

#[test]
fn a_shutdown_waits_for_another_that_is_under_way() {
    let (release, writer) = held();
    let (logging, logger) = system([("held", stream(&writer))]);
    info!(logger: logger, "1");
    let first = shutdown_of(&logging, LONG);
    // The handlers are closed then, and the first one waits.
    wait_until("the shutdown is under way", || {
        info!(logger: logger, "?");
        metrics(&logging, "held").dropped.by_reason(DropReason::Closed) > 0
    });
    let second = shutdown_of(&logging, LONG);
    assert!(logging.shutdown(SHORT).unwrap_err().is_timeout());
    common::stays("both wait", || first.try_recv().is_err() && second.try_recv().is_err());
    drop(release);
    assert!(first.recv().unwrap().is_ok() && second.recv().unwrap().is_ok());
    assert_eq!((writer.lines()[0].as_str(), metrics(&logging, "held").in_flight), ("1", 0));
    logging.shutdown(Duration::ZERO).unwrap();
}

#[test]
fn shutdowns_side_by_side_get_the_same_answer() {
    let (release, gate) = mpsc::channel();
    let writer = Scripted::new([Step::Wait(gate), Step::Fail(ErrorKind::StorageFull, "full")]);
    let (logging, logger) = system([("held", stream(&writer))]);
    info!(logger: logger, "1");
    wait_until("the writer is held", || writer.writes() == 1);
    info!(logger: logger, "2");
    let answers = [(); 3].map(|()| shutdown_of(&logging, LONG));
    wait_until("the shutdown is under way", || {
        info!(logger: logger, "?");
        metrics(&logging, "held").dropped.by_reason(DropReason::Closed) > 0
    });
    common::stays("all wait", || answers.iter().all(|answer| answer.try_recv().is_err()));
    drop(release);
    let answers = answers.map(|answer| answer.recv().unwrap().unwrap_err().to_string());
    assert_eq!(answers, ["`handlers.held`: full"; 3]);
    // It is over, and there is nothing left to say.
    logging.shutdown(LONG).unwrap();
}
