//! Configurations on probation: the one before comes back if a new handler fails at its first delivery.

mod common;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{LONG, Scripted, Step, clock, stays, wait_until};
use femtologging::config::ConfigBuilder;
use femtologging::handler::{Batch, Delivery, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt, HandlerSpec};
use femtologging::metrics::HandlerMetrics;
use femtologging::policy::Transport;
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{Config, Error, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, LevelFilter, Logging, info};

const HOUR: Duration = Duration::from_secs(3600);

/// What a handler has done and is to do.
#[derive(Clone, Default)]
struct Sink {
    records: Arc<Mutex<Vec<String>>>,
    fails: Arc<AtomicBool>,
    keeps: Arc<AtomicBool>,
    starts: Arc<AtomicU64>,
    closes: Arc<AtomicU64>,
}

impl Sink {
    fn failing() -> Self {
        let sink = Self::default();
        sink.fails.store(true, Relaxed);
        sink
    }

    fn records(&self) -> Vec<String> {
        self.records.lock().unwrap().clone()
    }

    /// Without the accounts of changes.
    fn own(&self) -> Vec<String> {
        self.records().into_iter().filter(|record| !record.contains("configuration")).collect()
    }

    fn spec(&self, transport: Transport) -> HandlerSpec {
        self.clone().configure().transport(transport).build().unwrap()
    }
}

impl FemtoHandler for Sink {
    fn start(&mut self, _: Timestamp) -> Result<(), Error> {
        self.starts.fetch_add(1, Relaxed);
        Ok(())
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|out| record.write_message(out));
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        if self.keeps.load(Relaxed) {
            return Ok(Delivery::Retry);
        }
        if self.fails.load(Relaxed) {
            return Err(io::Error::from(io::ErrorKind::StorageFull).into());
        }
        let texts = batch.texts().map(|text| String::from_utf8(text.to_vec()).unwrap());
        self.records.lock().unwrap().extend(texts);
        Ok(Delivery::Done)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.closes.fetch_add(1, Relaxed);
        Ok(())
    }
}

const TRANSPORTS: [Transport; 3] =
    [Transport::PerThread { bytes: 4096 }, Transport::Shared { capacity: Some(64) }, Transport::Inline];

fn system(config: ConfigBuilder) -> (Logging, FemtoLogger, ManualClock) {
    let manual = clock();
    let logging = config.clock(Clock::manual(&manual)).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger, manual)
}

fn next(name: &str, handler: HandlerSpec) -> ConfigBuilder {
    Config::builder().default_level(LevelFilter::Debug).probation(HOUR).add_handler(name, handler)
}

/// All counters of handlers that are and were.
fn counts(logging: &Logging) -> Vec<HandlerMetrics> {
    let metrics = logging.metrics();
    let all: Vec<_> = metrics.handlers.into_iter().chain(metrics.removed).collect();
    for counts in &all {
        let sum = counts.written + counts.dropped.total() + counts.failed + counts.in_flight;
        assert_eq!(counts.emitted, sum, "{counts:?}");
    }
    all
}

#[test]
fn a_handler_that_fails_gives_its_place_and_its_records_back() {
    for transport in TRANSPORTS {
        let (old, new) = (Sink::default(), Sink::failing());
        let (logging, logger, _) = system(Config::builder().add_handler("h", old.spec(transport)));
        info!(logger: logger, "1");
        let reload = logging.reconfigure(next("h", new.spec(transport)), LONG).unwrap();
        assert_eq!((reload.probation, &reload.problems), (Some(HOUR), &Vec::new()));
        assert!(reload.to_string().ends_with("; on probation for 3600s"), "{reload}");
        info!(logger: logger, "2");
        wait_until("it is back", || logging.metrics().rollbacks == 1);
        info!(logger: logger, "3");
        wait_until("the notice is logged", || old.records().iter().any(|record| record.contains("in force again")));
        logging.flush(LONG).unwrap();
        assert_eq!((old.own(), new.records()), (vec!["1".to_owned(), "2".into(), "3".into()], Vec::new()));
        let why = "handler `h` has failed at its first delivery: ";
        let said = format!("the configuration before is in force again: {why}");
        assert_eq!(old.records().iter().filter(|record| record.starts_with(&said)).count(), 1);
        assert_eq!(logger.effective_level(), LevelFilter::Info);
        let metrics = logging.metrics();
        assert!(metrics.last_reload_error.unwrap().starts_with(why));
        let [h] = &counts(&logging)[..] else { panic!("one handler") };
        // Three records, the account of the change, and that of the way back.
        assert_eq!((h.written, h.failed, h.dropped.total(), h.in_flight, h.errors), (5, 0, 0, 0, 1));
        assert_eq!((new.closes.load(Relaxed), old.closes.load(Relaxed), old.starts.load(Relaxed)), (1, 0, 1));
        logging.shutdown(LONG).unwrap();
        assert_eq!((new.closes.load(Relaxed), old.closes.load(Relaxed)), (1, 1));
    }
}

#[test]
fn a_handler_that_delivers_stays() {
    for transport in TRANSPORTS {
        let (old, new) = (Sink::default(), Sink::default());
        let (logging, logger, _) = system(Config::builder().add_handler("h", old.spec(transport)));
        info!(logger: logger, "1");
        logging.reconfigure(next("h", new.spec(transport)), LONG).unwrap();
        info!(logger: logger, "2");
        // All have delivered: the one before is not needed any more, although the time is not over.
        wait_until("the old one is closed", || old.closes.load(Relaxed) == 1);
        new.fails.store(true, Relaxed);
        info!(logger: logger, "3");
        assert!(logging.flush(LONG).is_err());
        stays("it does not come back", || logging.metrics().rollbacks == 0);
        assert_eq!((old.own(), new.own()), (vec!["1".to_owned()], vec!["2".to_owned()]));
        let [h] = &counts(&logging)[..] else { panic!("one handler") };
        assert_eq!((h.written, h.failed), (3, 1));
    }
}

/// The time is that of the system's clock. A handler without a record in it has passed.
#[test]
fn a_probation_ends_by_the_clock() {
    let (old, new) = (Sink::default(), Sink::failing());
    let level = LevelFilter::Error;
    let spec = |sink: &Sink| sink.clone().configure().level(level).build().unwrap();
    let (logging, logger, manual) = system(Config::builder().add_handler("h", spec(&old)));
    logging.reconfigure(next("h", spec(&new)), LONG).unwrap();
    manual.advance(HOUR - Duration::from_nanos(1));
    stays("it is not closed", || old.closes.load(Relaxed) == 0);
    manual.advance(Duration::from_nanos(1));
    wait_until("the old one is closed", || old.closes.load(Relaxed) == 1);
    femtologging::error!(logger: logger, "too late to come back");
    assert!(logging.flush(LONG).is_err());
    assert_eq!((logging.metrics().rollbacks, counts(&logging)[0].failed), (0, 1));
}

/// A delivery that is tried again is undecided. When the handler gives up, the one before has all of its records.
#[test]
fn a_handler_that_keeps_its_records_and_then_fails_gives_all_of_them_back() {
    let (old, new) = (Sink::default(), Sink::failing());
    new.keeps.store(true, Relaxed);
    let (logging, logger, _) = system(Config::builder().add_handler("h", old.spec(Transport::default())));
    logging.reconfigure(next("h", new.spec(Transport::default())), LONG).unwrap();
    for n in 0..10 {
        info!(logger: logger, "{}", n);
    }
    stays("nothing is decided", || counts(&logging)[0].written == 0 && logging.metrics().rollbacks == 0);
    assert_eq!(counts(&logging)[0].in_flight, 11);
    new.keeps.store(false, Relaxed);
    wait_until("it is back", || logging.metrics().rollbacks == 1);
    logging.flush(LONG).unwrap();
    assert_eq!(old.own(), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!((counts(&logging)[0].failed, counts(&logging)[0].in_flight), (0, 0));
}

/// A handler that was removed comes back with its file or connection, its thread and its counters.
#[test]
fn handlers_that_were_removed_come_back() {
    for (name, transport) in [("new", Transport::default()), ("h", Transport::Shared { capacity: None })] {
        let (old, kept, new) = (Sink::default(), FemtoCaptureHandler::new(), Sink::failing());
        let config = Config::builder().add_handler("h", old.spec(Transport::default()));
        let (logging, logger, _) = system(config.add_handler("kept", kept.clone()));
        info!(logger: logger, "1");
        let config = next(name, new.spec(transport)).keep_handler("kept");
        logging.reconfigure(config, LONG).unwrap();
        wait_until("it is back", || logging.metrics().rollbacks == 1);
        info!(logger: logger, "2");
        // The error is that of the handler that failed.
        let _ = logging.flush(LONG);
        assert_eq!((old.own(), old.closes.load(Relaxed)), (vec!["1".to_owned(), "2".into()], 0));
        assert!(kept.messages().contains(&"2".to_owned()));
        let metrics = logging.metrics();
        let names: Vec<_> = metrics.handlers.iter().map(|handler| handler.name.clone()).collect();
        assert_eq!(names, ["h", "kept"]);
        assert_eq!(metrics.handlers[0].written, 3);
        // Nobody had the records of a handler that took no other's place: here, the account of the change.
        wait_until("it has left", || counts(&logging).last().is_some_and(|new| new.failed == 1));
        assert_eq!(metrics.removed[0].name, name);
        wait_until("it is closed", || new.closes.load(Relaxed) == 1);
    }
}

/// The next change settles the one before, or brings it back first if a handler has failed meanwhile.
#[test]
fn the_next_change_ends_a_probation() {
    let sinks: [Sink; 3] = std::array::from_fn(|_| Sink::default());
    let spec = |at: usize| sinks[at].spec(Transport::default());
    let (logging, logger, _) = system(Config::builder().add_handler("h", spec(0)));
    // Nobody logs to it, so that it is undecided.
    let silent = next("h", spec(1)).default_level(LevelFilter::Off);
    logging.reconfigure(silent, LONG).unwrap();
    assert_eq!(sinks[0].closes.load(Relaxed), 0);
    logging.reconfigure(Config::builder().add_handler("h", spec(2)), LONG).unwrap();
    assert_eq!([0, 1].map(|at| sinks[at].closes.load(Relaxed)), [1, 1]);
    info!(logger: logger, "1");
    logging.shutdown(LONG).unwrap();
    assert_eq!((sinks[2].own(), sinks[2].closes.load(Relaxed)), (vec!["1".to_owned()], 1));
    assert_eq!((logging.metrics().reloads, logging.metrics().rollbacks), (2, 0));
}

/// A shutdown, an ordinary end of the system, closes both handlers; and a failure by then still has a way back.
#[test]
fn a_shutdown_during_a_probation_loses_nothing() {
    let (old, new) = (Sink::default(), Sink::default());
    let (logging, logger, _) = system(Config::builder().add_handler("h", old.spec(Transport::default())));
    logging.reconfigure(next("h", new.spec(Transport::default())).default_level(LevelFilter::Off), LONG).unwrap();
    new.fails.store(true, Relaxed);
    logger.set_level(LevelFilter::Info);
    info!(logger: logger, "the last words");
    logging.shutdown(LONG).unwrap();
    assert_eq!(old.own(), ["the last words"]);
    assert_eq!((old.closes.load(Relaxed), new.closes.load(Relaxed)), (1, 1));
    assert_eq!((counts(&logging)[0].written, counts(&logging)[0].failed), (1, 0));
}

/// A formatter that panics fails as well.
#[test]
fn a_panic_at_the_first_record_is_a_failure() {
    let (old, writer) = (Sink::default(), Scripted::new([Step::Panic]));
    let (logging, logger, _) = system(Config::builder().add_handler("h", old.spec(Transport::default())));
    let new = FemtoStreamHandler::builder(writer.clone());
    let new = new.formatter(|_: &FemtoLogRecord<'_>, _: &mut Vec<u8>| panic!("expected by this test"));
    logging.reconfigure(next("h", new.build().unwrap()), LONG).unwrap();
    info!(logger: logger, "1");
    wait_until("it is back", || logging.metrics().rollbacks == 1);
    logging.flush(LONG).unwrap();
    assert_eq!((old.own(), writer.writes()), (vec!["1".to_owned()], 0));
}

/// Four threads log under `Block` while configurations that fail come and go: every record is in one sink, in order.
#[test]
fn nothing_is_lost_while_configurations_go_back() {
    let mut sinks = vec![Sink::default()];
    let config = Config::builder().add_handler("h", sinks[0].spec(Transport::default()));
    let logging = config.build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    let (goes_on, logged) = (AtomicBool::new(true), AtomicU64::new(0));
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(false, Relaxed);
        }
    }
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (logger, goes_on, logged) = (&logger, &goes_on, &logged);
            scope.spawn(move || {
                let mut n = 0_u64;
                while goes_on.load(Relaxed) {
                    info!(logger: *logger, "{} {}", thread, n);
                    n += 1;
                    std::thread::yield_now();
                }
                logged.fetch_add(n, Relaxed);
            });
        }
        let _stop = Stop(&goes_on);
        let mut rollbacks = 0;
        for round in 0..40 {
            let (sink, fails) = (Sink::default(), round % 3 != 0);
            sink.fails.store(fails, Relaxed);
            sink.keeps.store(round % 3 == 2, Relaxed);
            let reload = logging.reconfigure(next("h", sink.spec(Transport::default())), LONG).unwrap();
            assert_eq!(reload.problems, [""; 0]);
            sink.keeps.store(false, Relaxed);
            if fails {
                rollbacks += 1;
                wait_until("it is back", || logging.metrics().rollbacks == rollbacks);
            }
            sinks.push(sink);
        }
    });
    logging.shutdown(LONG).unwrap();
    let [h] = &counts(&logging)[..] else { panic!("one handler") };
    assert_eq!((h.failed, h.dropped.total(), h.in_flight), (0, 0, 0));
    let (mut next, mut total) = ([0_u64; 4], 0);
    for sink in &sinks {
        let records = sink.own();
        assert!(!sink.fails.load(Relaxed) || records.is_empty());
    }
    // A sink that came back has records from before and after: they are put into one order by their numbers.
    for sink in &sinks {
        let mut last = [None; 4];
        for record in sink.own() {
            let (thread, n) = record.split_once(' ').unwrap();
            let (thread, n) = (thread.parse::<usize>().unwrap(), n.parse::<u64>().unwrap());
            assert!(last[thread] < Some(n), "in order per thread");
            last[thread] = Some(n);
            next[thread] += 1;
            total += 1;
        }
        for (thread, last) in last.iter().enumerate() {
            // None is missing up to the last one of this sink.
            assert!(last.is_none_or(|last| next[thread] == last + 1), "thread {thread}");
        }
    }
    assert_eq!(total, logged.load(Relaxed));
}
