//! Many threads, many instances, giant payloads: every record once, in order, in bounded memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use femtologging::handler::{Batch, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt, FemtoNullHandler};
use femtologging::metrics::Metrics;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::record::Message;
use femtologging::{
    Config, Error, FemtoFileHandler, FemtoLogRecord, FemtoLogger, Level, Logging, Value, debug, info, warn,
};

const LONG: Duration = Duration::from_secs(120);

const RINGS: Transport = Transport::PerThread { bytes: 16 * 1024 };
const CHANNEL: Transport = Transport::Shared { capacity: Some(256) };

fn system(handler: impl FemtoHandler, transport: Transport) -> (Logging, FemtoLogger) {
    let handler = handler.configure().transport(transport).build().unwrap();
    let logging = Config::builder().add_handler("handler", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

/// Calls a closure with every record.
struct Each<F>(F);

impl<F: FnMut(&FemtoLogRecord<'_>) -> Result<(), Error> + Send + 'static> FemtoHandler for Each<F> {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        (self.0)(record)
    }
}

fn numbers<const N: usize>(record: &FemtoLogRecord<'_>) -> [u64; N] {
    let mut arguments = record.arguments();
    std::array::from_fn(|_| match arguments.next() {
        Some(Value::U64(number)) => number,
        other => panic!("not a number: {other:?}"),
    })
}

#[test]
fn eight_threads_lose_nothing_and_keep_their_order() {
    const THREADS: u64 = 8;
    const EACH: u64 = 100_000;
    for transport in [RINGS, CHANNEL] {
        let next = Arc::new(Mutex::new([0; THREADS as usize]));
        let seen = next.clone();
        let (logging, logger) = system(
            Each(move |record: &FemtoLogRecord<'_>| {
                let [thread, number] = numbers(record);
                let expected = &mut seen.lock().unwrap()[thread as usize];
                assert_eq!(number, *expected, "thread {thread}");
                *expected += 1;
                Ok(())
            }),
            transport,
        );
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let logger = logger.clone();
                scope.spawn(move || (0..EACH).for_each(|number| info!(logger: logger, "{} {}", thread, number)));
            }
        });
        logging.shutdown(LONG).unwrap();
        assert_eq!(*next.lock().unwrap(), [EACH; THREADS as usize], "{transport:?}");
        let metrics = logging.metrics().handlers.remove(0);
        assert_eq!((metrics.emitted, metrics.written), (THREADS * EACH, THREADS * EACH), "{transport:?}");
        assert_eq!((metrics.dropped.total(), metrics.failed, metrics.in_flight, metrics.errors), (0, 0, 0, 0));
    }
}

#[test]
fn a_record_comes_after_those_that_caused_it() {
    const ROUNDS: u64 = 10_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let message = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out);
    let list = Each(move |record: &FemtoLogRecord<'_>| {
        let [number] = numbers(record);
        seen.lock().unwrap().push(number);
        Ok(())
    });
    let logging = Config::builder()
        .add_handler("file", FemtoFileHandler::builder().path(&path).formatter(message).build().unwrap())
        .add_handler("list", list.configure().transport(CHANNEL).build().unwrap())
        .build()
        .unwrap();
    let logger = logging.get_logger("app").unwrap();
    // Three threads in a circle; each logs the next number when the one before it has logged.
    let turn = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for own in 0..3 {
            let (turn, logger) = (&turn, logger.clone());
            scope.spawn(move || {
                for number in (own..ROUNDS as usize).step_by(3) {
                    while turn.load(Acquire) != number {
                        std::thread::yield_now();
                    }
                    info!(logger: logger, "{}", number as u64);
                    turn.store(number + 1, Release);
                }
            });
        }
    });
    logging.shutdown(LONG).unwrap();
    let expected: Vec<u64> = (0..ROUNDS).collect();
    assert_eq!(*order.lock().unwrap(), expected);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().map(|line| line.parse().unwrap()).collect::<Vec<u64>>(), expected);
}

/// The memory that the process has in use, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// Runs `code` and checks that the process has not grown by more than this, where the system tells. Tests that run at
/// the same time count, too, so the bound is generous.
fn within(bytes: u64, code: impl FnOnce()) {
    let before = resident();
    code();
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(after < before + bytes, "{before} bytes before, {after} after");
    }
}

#[test]
fn short_lived_threads_share_a_few_rings_and_keep_their_names() {
    const THREADS: u64 = 10_000;
    let wrong = Arc::new(Mutex::new(Vec::new()));
    let seen = wrong.clone();
    let each = Each(move |record: &FemtoLogRecord<'_>| {
        let [number] = numbers(record);
        if record.thread_name() != format!("short-{number}") {
            seen.lock().unwrap().push((number, record.thread_name().to_owned()));
        }
        Ok(())
    });
    // With a ring each, they would need 2.5 GiB.
    let (logging, logger) = system(each, Transport::default());
    within(512 << 20, || {
        for number in 0..THREADS {
            let logger = logger.clone();
            let thread = std::thread::Builder::new().name(format!("short-{number}"));
            thread.spawn(move || info!(logger: logger, "{}", number)).unwrap().join().unwrap();
        }
        logging.flush(LONG).unwrap();
    });
    assert_eq!(*wrong.lock().unwrap(), []);
    assert_eq!(logging.metrics().handlers[0].written, THREADS);
}

#[test]
fn instances_that_come_and_go_leave_nothing_behind_on_a_thread() {
    const INSTANCES: u64 = 200;
    let transport = Transport::PerThread { bytes: 16 << 20 };
    // With the rings of all, it would be 3 GiB.
    within(1 << 30, || {
        for number in 0..INSTANCES {
            let capture = FemtoCaptureHandler::new();
            let (logging, logger) = system(capture.clone(), transport);
            info!(logger: logger, "{}", number);
            drop(logging);
            assert_eq!(capture.messages(), [number.to_string()]);
            // The logger outlives its system.
            info!(logger: logger, "nowhere");
            assert_eq!(capture.len(), 1);
        }
    });
}

#[test]
fn a_thread_may_outlive_an_instance_and_use_several() {
    let captures: [FemtoCaptureHandler; 3] = std::array::from_fn(|_| FemtoCaptureHandler::new());
    let mut systems: Vec<_> = captures.iter().map(|capture| system(capture.clone(), RINGS)).collect();
    let log = |systems: &[(Logging, FemtoLogger)], text: &str| {
        systems.iter().for_each(|(_, logger)| info!(logger: logger, "{}", text));
    };
    log(&systems, "all");
    let (first, orphan) = systems.remove(0);
    first.shutdown(LONG).unwrap();
    info!(logger: orphan, "late");
    assert_eq!(first.metrics().handlers[0].dropped.get(femtologging::metrics::DropReason::Closed, Level::Info), 1);
    log(&systems, "two");
    systems.push(system(captures[0].clone(), RINGS));
    log(&systems, "again");
    systems.iter().for_each(|(logging, _)| logging.flush(LONG).unwrap());
    assert_eq!(
        captures.map(|capture| capture.messages()),
        [vec!["all", "again"], vec!["all", "two", "again"], vec!["all", "two", "again"],]
    );
}

#[test]
fn giant_payloads_arrive_whole_in_bounded_memory() {
    /// Just within the limit of a record.
    const GIANT: usize = (1 << 20) - 64;
    for transport in [RINGS, CHANNEL] {
        let wrong = Arc::new(AtomicUsize::new(0));
        let seen = wrong.clone();
        let mut next = 0_u8;
        let (logging, logger) = system(
            Each(move |record: &FemtoLogRecord<'_>| {
                let expected = char::from(b'a' + next % 26);
                let text = record.message().to_string();
                if text.len() != GIANT || text.chars().any(|c| c != expected) {
                    seen.fetch_add(1, SeqCst);
                }
                next = next.wrapping_add(1) % 26;
                Ok(())
            }),
            transport,
        );
        within(1 << 30, || {
            for number in 0..100_u8 {
                let text = char::from(b'a' + number % 26).to_string().repeat(GIANT);
                if number % 2 == 0 { info!(logger: logger, "{}", text) } else { info!(logger: logger, "{text}") }
            }
            logging.flush(LONG).unwrap();
        });
        assert_eq!(wrong.load(SeqCst), 0, "{transport:?}");
        assert_eq!(logging.metrics().handlers[0].written, 100);
    }
}

fn assert_balanced(metrics: &Metrics) {
    for handler in &metrics.handlers {
        let sum = handler.written + handler.dropped.total() + handler.failed + handler.in_flight;
        assert_eq!(handler.emitted, sum, "{handler:?}");
    }
}

#[test]
fn the_sum_is_right_at_every_moment() {
    const THREADS: u64 = 3;
    const EACH: u64 = 20_000;
    let failing = |record: &FemtoLogRecord<'_>| match numbers(record) {
        [number] if number % 7 == 0 => Err(std::io::Error::other("seven").into()),
        [number] if number % 1000 == 1 => panic!("expected by this test"),
        _ => Ok(()),
    };
    let small = Transport::PerThread { bytes: 1024 };
    let handler = |transport, overflow| {
        let odd = |record: &FemtoLogRecord<'_>| numbers(record) != [2_u64];
        Each(failing).configure().transport(transport).overflow(overflow).filter(odd).build().unwrap()
    };
    femtologging::set_error_hook(|_, _| {});
    let logging = Config::builder()
        .add_handler("ring", handler(small, OverflowPolicy::DropNewest))
        .add_handler("oldest", handler(CHANNEL, OverflowPolicy::DropOldest))
        .add_handler("newest", handler(CHANNEL, OverflowPolicy::DropNewest))
        .add_handler("block", handler(small, OverflowPolicy::Block))
        .build()
        .unwrap();
    let logger = logging.get_logger("app").unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // It grows, but for the records that filters take out of it again: one of each thread.
            let mut emitted = vec![0; 4];
            while !done.load(Acquire) {
                let metrics = logging.metrics();
                assert_balanced(&metrics);
                for (handler, emitted) in metrics.handlers.iter().zip(&mut emitted) {
                    assert!(
                        handler.in_flight <= THREADS * EACH && handler.emitted + THREADS >= *emitted,
                        "{handler:?}"
                    );
                    *emitted = handler.emitted;
                }
            }
        });
        let callers = (0..THREADS).map(|_| {
            let logger = logger.clone();
            scope.spawn(move || (0..EACH).for_each(|number| info!(logger: logger, "{}", number)))
        });
        callers.collect::<Vec<_>>().into_iter().for_each(|caller| caller.join().unwrap());
        done.store(true, Release);
    });
    let _ = logging.shutdown(LONG);
    info!(logger: logger, "{}", 1_u64);
    let metrics = logging.metrics();
    assert_balanced(&metrics);
    for handler in &metrics.handlers {
        assert_eq!((handler.emitted + handler.filtered, handler.in_flight), (THREADS * EACH + 1, 0), "{handler:?}");
    }
    let block = metrics.handler("block").unwrap();
    // 2,858 numbers of 20,000 are multiples of 7; 20 end in 001, three of which are both.
    assert_eq!((block.failed, block.filtered), (THREADS * (2858 + 20 - 3), THREADS));
    assert_eq!(block.dropped.total(), 1);
}

#[test]
fn a_change_of_configuration_loses_no_record() {
    const THREADS: u64 = 2;
    const EACH: u64 = 20_000;
    let (logging, logger) = system(FemtoNullHandler, RINGS);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Acquire) {
                logging.set_handler_level("handler", Level::Debug).unwrap();
                logging.set_handler_level("handler", Level::Info).unwrap();
            }
        });
        let callers = (0..THREADS).map(|_| {
            let logger = logger.clone();
            scope.spawn(move || (0..EACH).for_each(|number| info!(logger: logger, "{}", number)))
        });
        callers.collect::<Vec<_>>().into_iter().for_each(|caller| caller.join().unwrap());
        done.store(true, Release);
    });
    logging.shutdown(LONG).unwrap();
    let metrics = logging.metrics().handlers.remove(0);
    assert_eq!((metrics.emitted, metrics.written), (THREADS * EACH, THREADS * EACH));
}

#[test]
fn a_handler_s_new_level_holds_for_threads_that_know_the_old_one() {
    let capture = FemtoCaptureHandler::new();
    let handler = capture.clone().configure().level(Level::Info).build().unwrap();
    let logging = Config::builder().default_level(Level::Debug).add_handler("capture", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    let (ask, asked) = mpsc::channel::<&'static str>();
    let (done, is_done) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        for round in asked {
            debug!(logger: logger, "debug {}", round);
            info!(logger: logger, "info {}", round);
            warn!(logger: logger, "warn {}", round);
            done.send(()).unwrap();
        }
    });
    for (round, level) in [("first", None), ("second", Some(Level::Warn)), ("third", Some(Level::Debug))] {
        if let Some(level) = level {
            logging.set_handler_level("capture", level).unwrap();
        }
        ask.send(round).unwrap();
        is_done.recv_timeout(LONG).unwrap();
        logging.flush(LONG).unwrap();
    }
    drop(ask);
    thread.join().unwrap();
    assert_eq!(
        capture.messages(),
        ["info first", "warn first", "warn second", "debug third", "info third", "warn third"]
    );
    // What a level turns away before the queue is not emitted.
    let metrics = logging.metrics().handlers.remove(0);
    assert_eq!((metrics.emitted, metrics.filtered), (6, 0));
}

#[test]
fn messages_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<FemtoLogRecord<'_>>();
    check::<Message<'_>>();
    check::<FemtoLogger>();
    check::<Logging>();
}
