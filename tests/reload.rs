//! Changes of a running system: handlers that come, go and are exchanged while records flow.

mod common;

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use common::{LONG, Scripted, Step, clock, wait_until};
use femtologging::config::LoggerConfig;
use femtologging::filter::FemtoFilter;
use femtologging::handler::{Batch, Delivery, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt, HandlerSpec};
use femtologging::metrics::HandlerMetrics;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::time::{Clock, Timestamp};
use femtologging::{
    Config, Error, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Level, LevelFilter, Logging, debug, info,
};

const TRANSPORTS: [Transport; 3] =
    [Transport::PerThread { bytes: 4096 }, Transport::Shared { capacity: Some(64) }, Transport::Inline];

fn system(name: &str, handler: impl Into<HandlerSpec>) -> (Logging, FemtoLogger) {
    let logging = Config::builder().clock(Clock::manual(&clock())).add_handler(name, handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

fn with(transport: Transport, handler: impl FemtoHandler) -> HandlerSpec {
    handler.configure().transport(transport).build().unwrap()
}

/// The messages of the test's own loggers, without the accounts of changes.
fn own(capture: &FemtoCaptureHandler) -> Vec<String> {
    let records = capture.records();
    records.iter().filter(|record| record.logger() != REPORTS).map(|record| record.message().to_owned()).collect()
}

const REPORTS: &str = "femtologging.config";

/// A handler of bare messages.
fn bare(
    writer: impl Write + Send + 'static,
) -> femtologging::handler::HandlerBuilder<femtologging::handler::StreamOptions<impl Write + Send + 'static>> {
    FemtoStreamHandler::builder(writer)
        .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out))
}

fn sum_of(logging: &Logging) -> HandlerMetrics {
    let metrics = logging.metrics();
    for counts in metrics.handlers.iter().chain(&metrics.removed) {
        assert_eq!(counts.emitted, counts.written + counts.dropped.total() + counts.failed + counts.in_flight);
    }
    metrics.handlers[0].clone()
}

#[test]
fn a_handler_is_replaced_in_order_and_without_a_gap() {
    for transport in TRANSPORTS {
        let writers = [Scripted::default(), Scripted::default()];
        let [old, new] = &writers;
        let (logging, logger) = system("h", bare(old.clone()).transport(transport).build().unwrap());
        info!(logger: logger, "1");
        info!(logger: logger, "2");
        logging.replace_handler("h", bare(new.clone()).transport(transport).build().unwrap(), LONG).unwrap();
        info!(logger: logger, "3");
        logging.flush(LONG).unwrap();
        assert_eq!((old.lines(), new.lines()), (vec!["1".into(), "2".into()], vec!["3".to_owned()]));
        let counts = sum_of(&logging);
        assert_eq!((counts.name.as_str(), counts.emitted, counts.written), ("h", 3, 3));
    }
}

/// Settings of its queue come with the new handler.
#[test]
fn a_new_handler_brings_its_level_and_policies() {
    let (old, new) = (Scripted::default(), Scripted::default());
    let (logging, logger) = system("h", bare(old.clone()).level(Level::Info).build().unwrap());
    logger.set_level(LevelFilter::Trace);
    debug!(logger: logger, "too low");
    let (let_go, wait) = mpsc::channel::<()>();
    let stuck = Scripted::new([Step::Wait(wait)]);
    let next =
        bare(stuck.clone()).level(Level::Debug).overflow(OverflowPolicy::DropNewest).transport(Transport::default());
    logging.replace_handler("h", next.build().unwrap(), LONG).unwrap();
    debug!(logger: logger, "first");
    wait_until("it is stuck", || stuck.writes() == 1);
    let before = sum_of(&logging).dropped.total();
    for _ in 0..20_000 {
        debug!(logger: logger, "more {}", 1);
    }
    assert!(sum_of(&logging).dropped.total() > before, "the policy is the new one");
    drop(let_go);
    logging.replace_handler("h", bare(new.clone()).level(Level::Warn).build().unwrap(), LONG).unwrap();
    info!(logger: logger, "too low again");
    logging.flush(LONG).unwrap();
    assert_eq!((old.text(), new.text()), (String::new(), String::new()));
    assert_eq!(stuck.lines().first().map(String::as_str), Some("first"));
}

#[test]
fn handlers_come_and_go() {
    let capture = FemtoCaptureHandler::new();
    let (logging, logger) = system("h", FemtoCaptureHandler::new());
    let taken = logging.add_handler("h", capture.clone()).unwrap_err().to_string();
    assert!(taken.contains("`handlers.h`: this name is taken"), "{taken}");
    let bad = logging.add_handler("a\nb", capture.clone()).unwrap_err().to_string();
    assert!(bad.contains("give the handler a name, without control characters"), "{bad}");
    logging.add_handler("more", capture.clone()).unwrap();
    info!(logger: logger, "nobody's");
    logger.add_handler("more").unwrap();
    info!(logger: logger, "1");
    logging.remove_handler("more", LONG).unwrap();
    info!(logger: logger, "2");
    assert_eq!(capture.messages(), ["1"]);
    assert_eq!(logger.handlers(), [""; 0]);
    let gone = logging.remove_handler("more", LONG).unwrap_err().to_string();
    assert!(gone.contains("there is no handler of this name; there are: h"), "{gone}");
    // Its thread ends when this one, which has its ring, has let go of it: when it logs by another route.
    let metrics = logging.metrics();
    assert_eq!((metrics.removed.len(), metrics.removed[0].written), (1, 1));
    logging.add_handler("more", FemtoCaptureHandler::new()).unwrap();
    logger.add_handler("more").unwrap();
    info!(logger: logger, "3");
    logging.remove_handler("more", LONG).unwrap();
    let metrics = logging.metrics();
    assert_eq!((metrics.removed.len(), metrics.removed[0].emitted, metrics.removed[0].written), (1, 2, 2));
}

#[test]
fn formatters_and_filters_are_exchanged() {
    let writer = Scripted::default();
    let (logging, logger) = system("h", bare(writer.clone()).build().unwrap());
    info!(logger: logger, "1");
    let formatter = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
        out.push(b'>');
        record.write_message(out);
    };
    logging.set_handler_formatter("h", formatter, LONG).unwrap();
    info!(logger: logger, "2");
    let filter = |record: &FemtoLogRecord<'_>| record.line() == 0;
    logging.set_handler_filters("h", [Box::new(filter) as Box<dyn FemtoFilter>], LONG).unwrap();
    info!(logger: logger, "3");
    logging.set_handler_filters("h", [], LONG).unwrap();
    info!(logger: logger, "4");
    logging.flush(LONG).unwrap();
    assert_eq!(writer.lines(), ["1", ">2", ">4"]);
    assert_eq!(sum_of(&logging).filtered, 1);
    logging.replace_handler("h", FemtoCaptureHandler::new(), LONG).unwrap();
    let none = logging.set_handler_formatter("h", formatter, LONG).unwrap_err().to_string();
    assert!(none.contains("this handler has no formatter that can be exchanged: replace the handler"), "{none}");
}

/// A handler that is busy for too long keeps its place, and a change that it has begun takes place later.
#[test]
fn a_change_that_cannot_be_made_in_time_says_what_became_of_it() {
    let (let_go, wait) = mpsc::channel();
    let (old, new) = (Scripted::new([Step::Wait(wait)]), Scripted::default());
    let (logging, logger) = system("h", bare(old.clone()).build().unwrap());
    info!(logger: logger, "1");
    wait_until("it is stuck", || old.writes() == 1);
    let error =
        logging.replace_handler("h", bare(new.clone()).build().unwrap(), Duration::from_millis(20)).unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("nothing has changed"), "{error}");
    let_go.send(()).unwrap();
    info!(logger: logger, "2");
    logging.flush(LONG).unwrap();
    assert_eq!((old.lines(), new.lines()), (vec!["1".to_owned(), "2".to_owned()], Vec::new()));
}

/// Tells when it begins to close, and waits for the others to begin.
struct ClosesTogether(Arc<Barrier>);

impl FemtoHandler for ClosesTogether {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.0.wait();
        Ok(())
    }
}

/// A change waits for the slowest handler, not for the sum: here, none of them ends before all have begun to.
#[test]
fn several_handlers_change_at_the_same_time() {
    let together = Arc::new(Barrier::new(3));
    let names = ["a", "b", "c"];
    let config = |handler: &dyn Fn() -> HandlerSpec| {
        names.iter().fold(Config::builder(), |config, name| config.add_handler(*name, handler()))
    };
    let old = || ClosesTogether(together.clone()).configure().build().unwrap();
    let logging = config(&old).build().unwrap();
    let new = || FemtoCaptureHandler::new().configure().build().unwrap();
    let reload = logging.reconfigure(config(&new), LONG).unwrap();
    assert_eq!((reload.changed, reload.problems), (names.map(str::to_owned).to_vec(), Vec::new()));
}

/// Closes when it is told to.
struct ClosesLate(mpsc::Receiver<()>, mpsc::Sender<()>);

impl FemtoHandler for ClosesLate {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let _ = self.1.send(());
        let _ = self.0.recv();
        Ok(())
    }
}

/// A handler that takes over after the timeout of the change has its own time at the end, not that of the old one.
#[test]
fn a_handler_that_takes_over_late_brings_its_exit_timeout() {
    let (closing, is_closing) = mpsc::channel();
    let (let_close, wait) = mpsc::channel();
    let old = ClosesLate(wait, closing).configure().exit_timeout(Duration::from_secs(3600)).build().unwrap();
    let (logging, logger) = system("h", old);
    let (let_go, wait) = mpsc::channel();
    let new = Scripted::new([Step::Wait(wait)]);
    let spec = bare(new.clone()).exit_timeout(Duration::from_millis(10)).build().unwrap();
    let error = std::thread::scope(|scope| {
        let change = scope.spawn(|| logging.replace_handler("h", spec, Duration::from_millis(50)).unwrap_err());
        is_closing.recv().unwrap();
        change.join().unwrap()
    });
    assert!(error.to_string().contains("which is still at its end; the new one takes over then"), "{error}");
    let_close.send(()).unwrap();
    info!(logger: logger, "it is stuck with this");
    wait_until("the new one is stuck", || new.writes() == 1);
    // The handler cannot end. The system waits for it as long as the new one says.
    let (dropped, was_dropped) = mpsc::channel();
    std::thread::spawn(move || {
        drop((logging, logger));
        let _ = dropped.send(());
    });
    was_dropped.recv_timeout(LONG).expect("the end waits for the time of the old handler");
    drop(let_go);
}

/// What a removed handler cannot deliver in its time is counted, and the report of the change says what it still has.
#[test]
fn a_removed_handler_has_the_time_that_the_new_configuration_says() {
    // It keeps its records for ever.
    struct Keeps;
    impl FemtoHandler for Keeps {
        fn handle(&mut self, _: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
            batch.append(|out| out.push(b'x'));
            Ok(())
        }
        fn deliver(&mut self, _: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
            Ok(Delivery::Retry)
        }
    }
    let (logging, logger) = system("h", Keeps.configure().build().unwrap());
    info!(logger: logger, "1");
    let next = || Config::builder().drain_timeout(Duration::from_millis(20));
    let reload = logging.reconfigure(next().add_handler("new", FemtoCaptureHandler::new()), LONG).unwrap();
    assert_eq!((&reload.removed, reload.drained + reload.draining + reload.lost), (&vec!["h".to_owned()], 1));
    // It says so itself, unless the machine is too busy for it to do so within the last tenth of the time.
    let says = ["1 records could not be delivered in time", "1 records are not written) did not finish in time"];
    assert!(says.iter().any(|says| reload.problems[0].contains(says)), "{reload}");
    wait_until("it has given up", || logging.metrics().removed[0].failed == 1);
    let removed = &logging.metrics().removed[0];
    assert_eq!((removed.emitted, removed.failed, removed.in_flight), (1, 1, 0));

    // It delivers after the change has returned, within its own time.
    let (let_go, wait) = mpsc::channel();
    let stuck = Scripted::new([Step::Wait(wait)]);
    let (logging, logger) = system("h", bare(stuck.clone()).build().unwrap());
    info!(logger: logger, "1");
    wait_until("it is stuck", || stuck.writes() == 1);
    let next = Config::builder().drain_timeout(LONG);
    let reload = logging.reconfigure(next, Duration::from_millis(20)).unwrap();
    assert_eq!((reload.drained, reload.draining, reload.lost), (0, 1, 0));
    assert!(reload.to_string().contains("; 0 drained, 0 lost, 1 not delivered yet, in "), "{reload}");
    let_go.send(()).unwrap();
    wait_until("it has delivered", || logging.metrics().removed[0].written == 1);
    assert_eq!(stuck.lines(), ["1"]);
}

/// The global system changes by functions at the root, which say so if there is none.
#[test]
fn the_global_system_changes_by_functions() {
    let capture = FemtoCaptureHandler::new();
    let config = || Config::builder().add_handler("log", capture.clone());
    let error = femtologging::reconfigure(config(), LONG).unwrap_err().to_string();
    assert_eq!(error, "there is no global logging system that could change: set one up");
    femtologging::basic_config(Level::Error).unwrap();
    let reload = femtologging::reconfigure(config(), LONG).unwrap();
    assert_eq!((reload.added, reload.removed), (vec!["log".to_owned()], vec!["console".to_owned()]));
    info!("global");
    #[cfg(feature = "config")]
    {
        use femtologging::config::{Format, Registry, Spec};
        let spec = Spec::from_str("handlers.null.type = 'null'", Format::Toml).unwrap();
        let reload = femtologging::reload(&spec, &Registry::new(), LONG).unwrap();
        assert_eq!((reload.added, reload.removed), (vec!["null".to_owned()], vec!["log".to_owned()]));
    }
    femtologging::shutdown(LONG).unwrap();
    assert_eq!(own(&capture), ["global"]);
}

/// Logs to a logger, changes handlers and panics, wherever a handler can.
struct Hostile(Logging, FemtoLogger);

impl FemtoHandler for Hostile {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let refused = self.0.replace_handler("h", FemtoCaptureHandler::new(), LONG).unwrap_err().to_string();
        assert!(
            refused.contains("no change of handlers from a handler's thread: it would wait for itself"),
            "{refused}"
        );
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        info!(logger: self.1, "from its end");
        panic!("expected by this test");
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        info!(logger: self.1, "from its destructor");
        panic!("expected by this test");
    }
}

#[test]
fn a_hostile_handler_is_replaced_like_any_other() {
    for transport in TRANSPORTS {
        let capture = FemtoCaptureHandler::new();
        let (logging, logger) = system("h", with(transport, FemtoCaptureHandler::new()));
        let hostile = Hostile(logging.clone(), logger.clone());
        logging.replace_handler("h", with(transport, hostile), LONG).unwrap();
        info!(logger: logger, "1");
        let error = logging.replace_handler("h", with(transport, capture.clone()), LONG).unwrap_err().to_string();
        assert!(error.contains("`handlers.h`: panicked in `close`: expected by this test"), "{error}");
        info!(logger: logger, "2");
        logging.flush(LONG).unwrap();
        assert_eq!(capture.messages(), ["2"]);
        let counts = sum_of(&logging);
        assert_eq!((counts.emitted, counts.written, counts.dropped.total()), (4, 2, 2), "{transport:?}");
    }
}

/// A handler without a thread that another thread is stuck in: a reload says so, and a later one does it.
#[test]
fn a_reload_does_not_wait_for_a_caller_that_is_stuck() {
    let (let_go, wait) = mpsc::channel::<()>();
    let (old, new) = (Scripted::new([Step::Wait(wait)]), Scripted::default());
    let (logging, logger) = system("h", bare(old.clone()).inline().build().unwrap());
    let stuck = std::thread::spawn({
        let logger = logger.clone();
        move || info!(logger: logger, "1")
    });
    wait_until("it is stuck", || old.writes() == 1);
    let capture = FemtoCaptureHandler::new();
    let config = || {
        let config = Config::builder().add_handler("h", bare(new.clone()).inline().build().unwrap());
        config.add_handler("more", capture.clone()).add_logger("femtologging", LoggerConfig::new().level(Level::Error))
    };
    let reload = logging.reconfigure(config(), Duration::from_millis(50)).unwrap();
    assert!(reload.problems[0].contains("another thread's call of the handler"), "{reload}");
    // Others log, and what they log goes on.
    assert_eq!(sum_of(&logging).in_flight, 1);
    drop(let_go);
    stuck.join().unwrap();
    let reload = logging.reconfigure(config(), LONG).unwrap();
    assert_eq!((reload.changed, reload.problems), (vec!["h".to_owned(), "more".to_owned()], Vec::new()));
    info!(logger: logger, "2");
    logging.flush(LONG).unwrap();
    assert_eq!((old.lines(), new.lines(), own(&capture)), (vec!["1".into()], vec!["2".into()], vec!["2".into()]));
}

#[test]
fn a_configuration_is_put_in_place_of_another() {
    let captures: [_; 4] = std::array::from_fn(|_| FemtoCaptureHandler::new());
    let [kept, old, new, added] = captures.each_ref();
    let config = Config::builder().default_level(Level::Info).root_handlers(["kept", "swapped"]);
    let config = config.add_handler("kept", kept.clone()).add_handler("swapped", old.clone());
    let config = config.add_handler("gone", old.clone());
    let logging =
        config.add_logger("app.db", LoggerConfig::new().level(Level::Warn).handlers(["gone"])).build().unwrap();
    let [app, db] = ["app", "app.db"].map(|name| logging.get_logger(name).unwrap());
    info!(logger: app, "1");
    info!(logger: db, "turned away");

    let bad = Config::builder().keep_handler("kept").keep_handler("never").root_handlers(["nobody"]);
    let error = logging.reconfigure(bad, LONG).unwrap_err().to_string();
    assert!(error.contains("`handlers.never`: there is no running handler of this name to keep"), "{error}");
    assert!(error.contains("`root_handlers` = \"nobody\""), "{error}");
    let metrics = logging.metrics();
    assert_eq!((metrics.reloads, metrics.failed_reloads, metrics.handlers.len()), (0, 1, 3));
    assert_eq!(metrics.last_reload_error, Some(error));

    let config = Config::builder().default_level(Level::Debug).keep_handler("kept");
    let config = config.add_handler("swapped", new.clone()).add_handler("added", added.clone());
    let config = config.add_logger("app", LoggerConfig::new().level(Level::Debug));
    let reload = logging.reconfigure(config, LONG).unwrap();
    debug!(logger: db, "2");
    logging.flush(LONG).unwrap();
    assert_eq!(own(kept), ["1", "2"]);
    assert_eq!(own(old), ["1"]);
    assert_eq!((own(new), own(added)), (vec!["2".to_owned()], vec!["2".to_owned()]));
    let accounts: Vec<_> = kept.messages().into_iter().filter(|text| text.contains("configuration")).collect();
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[0], "the configuration has not changed");
    assert_eq!(accounts[1], format!("the configuration has changed: {reload}"));
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!((&reload.kept, &reload.changed), (&names(&["kept"]), &names(&["swapped"])));
    assert_eq!((&reload.added, &reload.removed), (&names(&["added"]), &names(&["gone"])));
    assert_eq!((reload.lost, reload.problems.len()), (0, 0));
    let text = reload.to_string();
    assert!(text.starts_with("1 kept, 1 changed (swapped), 1 added (added), 1 removed (gone); "), "{text}");
    let metrics = logging.metrics();
    assert_eq!(
        (metrics.reloads, metrics.handlers.iter().map(|h| h.name.as_str()).collect::<Vec<_>>()),
        (1, vec!["kept", "swapped", "added"])
    );
    assert_eq!(metrics.removed.iter().map(|h| (h.name.as_str(), h.written)).collect::<Vec<_>>(), [("gone", 0)]);
}

/// A sink that remembers which record came, whether it is still the one in use, and whether it was closed.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<(usize, u64)>>>);

impl FemtoHandler for Sink {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        if record.logger() == REPORTS {
            return Ok(());
        }
        let number = |key| record.get(key).and_then(|value| value.to_string().parse::<u64>().ok()).unwrap();
        self.0.lock().unwrap().push((number("thread") as usize, number("n")));
        Ok(())
    }
}

/// The next number of a sequence from a seed (xorshift64).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Eight threads log under `Block` while the configuration changes a thousand times: at random, kept, replaced,
/// removed, added, with another transport, and broken. Every record is in one sink, in order, and the sums are right.
#[test]
fn nothing_is_lost_by_a_thousand_reloads() {
    const THREADS: usize = 8;
    let seed = std::env::var("RELOAD_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5EED_1234);
    println!("RELOAD_SEED={seed}");
    let mut state = seed;
    let mut sinks = vec![Sink::default()];
    // Small queues: what is in them takes most of the time of a change, and callers wait for room as often.
    let (small, smaller) = (Transport::PerThread { bytes: 4096 }, Transport::PerThread { bytes: 1024 });
    let first = sinks[0].clone().configure().transport(small).build().unwrap();
    let logging = Config::builder().add_handler("a", first).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    let (goes_on, logged) = (AtomicBool::new(true), AtomicU64::new(0));
    let (mut lost, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (logger, goes_on, logged) = (&logger, &goes_on, &logged);
            scope.spawn(move || {
                let mut n = 0_u64;
                while goes_on.load(Relaxed) {
                    info!(logger: *logger, "record"; thread, n);
                    n += 1;
                    // Eight threads that never sleep share two processors: each would let go of an old ring only when
                    // it is its turn, which is most of the time of a change.
                    if n.is_multiple_of(64) {
                        std::thread::sleep(Duration::from_micros(50));
                    }
                }
                logged.fetch_add(n, Relaxed);
            });
        }
        let _stop = StopOnDrop(&goes_on);
        let mut names: HashMap<&str, Transport> = HashMap::from([("a", small)]);
        for _ in 0..1000 {
            // At least one handler at any time, and only one: otherwise a record would be in several sinks.
            let name = ["a", "b", "c"][random(&mut state) as usize % 3];
            let transport =
                [small, smaller, Transport::Shared { capacity: Some(100) }][random(&mut state) as usize % 3];
            let config = Config::builder();
            let config = match random(&mut state) % 8 {
                0 => {
                    // Broken: nobody may notice.
                    refused += 1;
                    logging.reconfigure(config.keep_handler("never"), LONG).unwrap_err();
                    continue;
                }
                1 | 2 if names.contains_key(name) => config.keep_handler(name),
                _ => {
                    let sink = Sink::default();
                    sinks.push(sink.clone());
                    names = HashMap::from([(name, transport)]);
                    config.add_handler(name, sink.configure().transport(transport).build().unwrap())
                }
            };
            let reload = logging.reconfigure(config, LONG).unwrap();
            assert_eq!(reload.problems, [""; 0]);
            lost += reload.lost;
        }
    });
    logging.flush(LONG).unwrap();
    let logged = logged.load(Relaxed);
    let metrics = logging.metrics();
    let all = || metrics.handlers.iter().chain(&metrics.removed);
    for counts in all() {
        assert_eq!(
            counts.emitted,
            counts.written + counts.dropped.total() + counts.failed + counts.in_flight,
            "{counts:?}"
        );
    }
    let sum = |of: fn(&HandlerMetrics) -> u64| all().map(of).sum::<u64>();
    let sums = (sum(|h| h.emitted), sum(|h| h.written), sum(|h| h.dropped.total()), sum(|h| h.failed), lost);
    // Each change and each refusal has a record of its own.
    assert_eq!(sums, (logged + 1000, logged + 1000, 0, 0, 0));
    assert_eq!((metrics.reloads, metrics.failed_reloads), (1000 - refused, refused));
    let mut next = [0; THREADS];
    for (at, sink) in sinks.iter().enumerate() {
        for (thread, n) in sink.0.lock().unwrap().iter() {
            assert_eq!(*n, next[*thread], "sink {at}, thread {thread}");
            next[*thread] += 1;
        }
    }
    assert_eq!(next.iter().sum::<u64>(), logged);
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

#[cfg(feature = "config")]
mod data {
    use femtologging::config::{Format, Registry, Spec};

    use super::*;

    /// Writes each record at once, which its script may hold up.
    struct Slow(Scripted);

    impl FemtoHandler for Slow {
        fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
            Ok(writeln!(self.0, "{}", record.line())?)
        }
    }

    /// The same document again tries again what could not be changed in time.
    #[test]
    fn a_handler_that_kept_its_place_is_changed_by_the_next_reload() {
        let (let_go, wait) = mpsc::channel::<()>();
        let writer = Scripted::new([Step::Wait(wait)]);
        let own = writer.clone();
        let registry = Registry::new().handler("own", move |args| {
            args.text("name").required();
            Ok(Slow(own.clone()))
        });
        let document = |name: &str| {
            Spec::from_str(&format!("handlers.h = {{ type = 'own', name = '{name}' }}"), Format::Toml).unwrap()
        };
        let logging = Config::from_spec(&document("first"), &registry).unwrap().build().unwrap();
        let logger = logging.get_logger("app").unwrap();
        info!(logger: logger, "1");
        wait_until("it is stuck", || writer.writes() == 1);
        let reload = logging.reload(&document("second"), &registry, Duration::from_millis(20)).unwrap();
        assert!(reload.problems[0].contains("nothing has changed"), "{reload}");
        let_go.send(()).unwrap();
        let reload = logging.reload(&document("second"), &registry, LONG).unwrap();
        assert_eq!((reload.changed, reload.problems), (vec!["h".to_owned()], Vec::new()));
        let reload = logging.reload(&document("second"), &registry, LONG).unwrap();
        assert_eq!(reload.kept, ["h"]);
    }

    /// A sink whose disk is full at times. What it does is in its setting `fault`.
    struct Disk {
        records: Sink,
        /// The deliveries that are tried again, and those that fail.
        retries: u64,
        failures: u64,
    }

    impl FemtoHandler for Disk {
        fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
            batch.append(|out| record.write_message(out));
            Ok(())
        }

        fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
            if self.retries > 0 {
                self.retries -= 1;
                return Ok(Delivery::Retry);
            }
            if self.failures > 0 {
                self.failures -= 1;
                return Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into());
            }
            for text in batch.texts() {
                self.records.0.lock().unwrap().extend(numbers(std::str::from_utf8(text).unwrap()));
            }
            Ok(Delivery::Done)
        }
    }

    /// The thread and the number of a record of the test's own.
    fn numbers(text: &str) -> Option<(usize, u64)> {
        let (thread, n) = text.trim().split_once(' ')?;
        Some((thread.parse().ok()?, n.parse().ok()?))
    }

    /// Files that cannot be opened, directories in their place, disks that are full for a while, and disks that fail at
    /// once, which the probation notices: each record is in one file or sink, in order, and none is dropped or failed.
    #[test]
    fn nothing_is_lost_by_faults_of_the_file_system() {
        const THREADS: usize = 4;
        const ROUNDS: u64 = 200;
        let seed = std::env::var("RELOAD_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5EED_5678);
        println!("RELOAD_SEED={seed}");
        let mut state = seed;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::create_dir(path("directory")).unwrap();
        std::fs::write(path("plain"), "").unwrap();
        let closed = path("closed");
        std::fs::create_dir(&closed).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
        // Who has all rights creates a file there nevertheless.
        let may_write = std::fs::write(path("closed/probe"), "").is_ok();
        let sinks = Arc::new(Mutex::new(Vec::new()));
        let registry = Registry::new().handler("disk", {
            let sinks = sinks.clone();
            move |args| {
                let [retries, failures] = ["retries", "failures"].map(|name| args.integer(name).required());
                args.text("name").required();
                let records = Sink::default();
                sinks.lock().unwrap().push(records.clone());
                Ok(Disk { records, retries, failures })
            }
        });
        let spec = |name: &str, settings: &str| {
            let text = format!(
                "probation = '1 h'\nformatters.bare = {{ type = 'pattern', pattern = '%(message)s' }}\n\
                 handlers.{name} = {{ {settings}, transport = {{ type = 'per_thread', bytes = 4096 }} }}"
            );
            Spec::from_str(&text, Format::Toml).unwrap()
        };
        let file =
            |path: &str, level: &str| format!("type = 'file', path = '{path}', formatter = 'bare', level = '{level}'");
        // The handler in force, and its file.
        let mut current = ("a", Some(path("0.log")));
        let mut files = vec![path("0.log")];
        let first = spec("a", &file(&path("0.log"), "info"));
        let logging = Config::from_spec(&first, &registry).unwrap().build().unwrap();
        let logger = logging.get_logger("app").unwrap();
        let (goes_on, logged) = (AtomicBool::new(true), AtomicU64::new(0));
        let (mut refused, mut rollbacks) = (0, 0);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (logger, goes_on, logged) = (&logger, &goes_on, &logged);
                scope.spawn(move || {
                    let mut n = 0_u64;
                    while goes_on.load(Relaxed) {
                        info!(logger: *logger, "{} {}", thread, n);
                        n += 1;
                        if n.is_multiple_of(16) {
                            std::thread::sleep(Duration::from_micros(50));
                        }
                    }
                    logged.fetch_add(n, Relaxed);
                });
            }
            let _stop = StopOnDrop(&goes_on);
            for round in 0..ROUNDS {
                let mut next = || random(&mut state);
                let disk = |retries: u64, failures: u64| {
                    format!("type = 'disk', name = '{round}', retries = {retries}, failures = {failures}")
                };
                let name = ["a", "b"][next() as usize % 2];
                let (name, settings, is_bad) = match next() % 8 {
                    0 => (name, file(&path("directory"), "info"), true),
                    1 => (name, file(&path("plain/0.log"), "info"), true),
                    2 if !may_write => (name, file(&path("closed/0.log"), "info"), true),
                    3 | 4 => {
                        // The file of the handler in whose place it is, or another one.
                        let own = current.1.clone().filter(|_| current.0 == name);
                        let target = own.unwrap_or_else(|| path(&format!("{round}.log")));
                        files.push(target.clone());
                        current = (name, Some(target.clone()));
                        (name, file(&target, ["info", "debug"][next() as usize % 2]), false)
                    }
                    // The configuration before comes back, and with it the handler in whose place it is.
                    5 => (current.0, disk(0, 1), false),
                    fault => {
                        current = (name, None);
                        (name, disk(fault % 2 * (next() % 5), 0), false)
                    }
                };
                match logging.reload(&spec(name, &settings), &registry, LONG) {
                    Err(error) => {
                        assert!(is_bad, "{error}");
                        refused += 1;
                    }
                    Ok(reload) => {
                        assert!(!is_bad, "{reload}");
                        assert_eq!(reload.problems, [""; 0]);
                        if settings.ends_with("failures = 1") {
                            rollbacks += 1;
                            wait_until("it is back", || logging.metrics().rollbacks == rollbacks);
                        }
                    }
                }
            }
        });
        logging.shutdown(LONG).unwrap();
        let logged = logged.load(Relaxed);
        let metrics = logging.metrics();
        let all = || metrics.handlers.iter().chain(&metrics.removed);
        for counts in all() {
            let sum = counts.written + counts.dropped.total() + counts.failed + counts.in_flight;
            assert_eq!(counts.emitted, sum, "{counts:?}");
        }
        let sum = |of: fn(&HandlerMetrics) -> u64| all().map(of).sum::<u64>();
        // Each change, each refusal and each way back has a record of its own.
        let written = logged + ROUNDS + rollbacks;
        assert_eq!((sum(|h| h.emitted), sum(|h| h.written)), (written, written));
        assert_eq!((sum(|h| h.dropped.total()), sum(|h| h.failed), sum(|h| h.in_flight)), (0, 0, 0));
        assert_eq!(
            (metrics.reloads, metrics.failed_reloads, metrics.rollbacks),
            (ROUNDS - refused, refused, rollbacks)
        );
        assert!(refused > 0 && rollbacks > 0);
        let mut found: Vec<Vec<(usize, u64)>> =
            sinks.lock().unwrap().iter().map(|sink| sink.0.lock().unwrap().clone()).collect();
        files.sort();
        files.dedup();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            found.push(text.lines().filter_map(numbers).collect());
        }
        let mut once = std::collections::HashSet::new();
        for sink in &found {
            let mut last = [None; THREADS];
            for (thread, n) in sink {
                assert!(last[*thread] < Some(*n), "in order per thread");
                last[*thread] = Some(*n);
                assert!(once.insert((*thread, *n)), "{thread} {n} twice");
            }
        }
        assert_eq!(once.len() as u64, logged);
        #[cfg(unix)]
        std::fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }

    /// A handler whose settings say the same is the same handler: its file is not opened again, which would empty it.
    #[test]
    fn a_handler_whose_settings_are_equal_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let [a, b] = [path("a.log"), path("b.log")];
        let document = |pattern: &str, file: &str, root: &str| {
            let text = format!(
                "root.level = '{root}'\n\
                 [formatters.own]\ntype = 'pattern'\npattern = '{pattern}'\n\
                 [handlers.a]\ntype = 'file'\npath = '{a}'\ntruncate = true\nformatter = 'own'\n\
                 [handlers.b]\ntype = 'file'\npath = '{file}'\n"
            );
            Spec::from_str(&text, Format::Toml).unwrap()
        };
        let registry = Registry::new();
        let first = document("%(message)s", &b, "info");
        let logging = Config::from_spec(&first, &registry).unwrap().build().unwrap();
        assert_eq!(logging.spec().unwrap().handlers["b"].get("path"), first.handlers["b"].get("path"));
        let logger = logging.get_logger("app").unwrap();
        info!(logger: logger, "1");
        let reload = logging.reload(&document("%(message)s", &path("c.log"), "warn"), &registry, LONG).unwrap();
        assert_eq!((reload.kept, reload.changed), (vec!["a".to_owned()], vec!["b".to_owned()]));
        info!(logger: logger, "not any more");
        // The formatter that it names says something else.
        let reload = logging.reload(&document("> %(message)s", &path("c.log"), "warn"), &registry, LONG).unwrap();
        assert_eq!((reload.kept, reload.changed), (vec!["b".to_owned()], vec!["a".to_owned()]));
        let error = Spec::from_str("handlers.a.type = 'fil'", Format::Toml);
        let error = error.and_then(|spec| logging.reload(&spec, &registry, LONG)).unwrap_err();
        assert!(error.to_string().contains("did you mean \"file\"?"), "{error}");
        assert_eq!(logging.metrics().reloads, 2);
        logging.shutdown(LONG).unwrap();
        assert!(std::fs::read_to_string(b).unwrap().contains("1"));
    }
}
