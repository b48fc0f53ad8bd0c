//! A round in this process.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::Duration;

use femtologging::handler::FemtoNullHandler;
use femtologging::metrics::Metrics;
use femtologging::{Config, FemtoLogger, Level, Logging};

use super::common::LONG;
use super::random::Random;
use super::record::Record;
use super::sink::Sink;

/// Runs the round of this seed and returns how many records it logged.
///
/// # Panics
///
/// If a record is not accounted for, with what the round consisted of.
pub fn run(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::builder().default_level(Level::Info);
    let mut sinks = Vec::new();
    for number in 0..random.below(1..5) {
        let name = format!("sink-{number}");
        let (sink, handler) = Sink::random(&name, dir.path(), &mut random);
        config = config.add_handler(name, handler);
        sinks.push(sink);
    }
    let logging = config.build().unwrap();
    let plan = Plan::random(&mut random);
    let mut description = format!("seed {seed}, {plan:?}");
    for sink in &sinks {
        write!(description, "\n{}", sink.description).unwrap();
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let logged = log_all(&logging, &plan, &sinks, &mut random);
        // Handlers with faults report them here.
        let _ = logging.shutdown(LONG);
        let metrics = logging.metrics();
        let total = logged.values().sum();
        for sink in sinks.drain(..) {
            let counters = metrics.handler(&sink.name).unwrap();
            let description = sink.description.clone();
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                sink.check(&logged, counters, plan.closes_early);
            }));
            if let Err(panic) = checked {
                let text = panic.downcast_ref::<String>().map_or("", String::as_str);
                panic!("{description}: {text}");
            }
        }
        total
    }));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        panic!("{description}\n{text}");
    })
}

/// What the threads of a round do.
#[derive(Debug)]
struct Plan {
    /// How many records each logical thread logs.
    threads: Vec<u64>,
    /// How many of them an operating system's thread logs before it ends and the next one goes on.
    life: u64,
    /// Whether the system is shut down while threads log.
    closes_early: bool,
}

impl Plan {
    fn random(random: &mut Random) -> Self {
        let count = random.pick(&[1, 2, 4, 8, 32]);
        let most = 40_000 / count;
        let threads = (0..count).map(|_| random.below(0..most)).collect();
        Self { threads, life: random.pick(&[u64::MAX, u64::MAX, 500, 20]), closes_early: random.one_in(5) }
    }
}

/// Logs all records, with trouble meanwhile, and counts them by level.
fn log_all(logging: &Logging, plan: &Plan, sinks: &[Sink], random: &mut Random) -> HashMap<Level, u64> {
    let done = AtomicBool::new(false);
    let logged = Mutex::new(HashMap::new());
    let targets = Targets {
        names: sinks.iter().map(|sink| sink.name.clone()).collect(),
        watched: sinks.iter().filter_map(|sink| sink.watched.clone()).collect(),
        children_log: !sinks.iter().any(|sink| sink.is_inline),
    };
    let loggers: Vec<_> = ["a", "a.b", "c::d"].into_iter().map(|name| logging.get_logger(name).unwrap()).collect();
    std::thread::scope(|scope| {
        let trouble = random.fork();
        let troublemaker = scope.spawn(|| make_trouble(logging, &loggers, &targets, trouble, &done));
        let threads = plan.threads.iter().enumerate().map(|(thread, count)| {
            let (mut random, logged, loggers) = (random.fork(), &logged, &loggers);
            scope.spawn(move || {
                let mut levels = HashMap::new();
                let mut number = 0;
                while number < *count {
                    let end = number.saturating_add(plan.life).min(*count);
                    let mut random = random.fork();
                    let mut log = move || {
                        for number in number..end {
                            let record = Record { thread: thread as u64, number };
                            record.log(&loggers[random.below(0..loggers.len() as u64) as usize]);
                            if random.one_in(200) {
                                std::thread::yield_now();
                            }
                        }
                    };
                    if plan.life == u64::MAX {
                        log();
                    } else {
                        std::thread::scope(|scope| scope.spawn(log).join().unwrap());
                    }
                    for number in number..end {
                        *levels.entry(Record { thread: thread as u64, number }.level()).or_insert(0) += 1;
                    }
                    number = end;
                }
                let mut logged = logged.lock().unwrap();
                levels.into_iter().for_each(|(level, count)| *logged.entry(level).or_insert(0) += count);
            })
        });
        let threads: Vec<_> = threads.collect();
        if plan.closes_early {
            let _ = logging.shutdown(LONG);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        done.store(true, Release);
        troublemaker.join().unwrap();
    });
    logged.into_inner().unwrap()
}

/// What trouble is made for.
struct Targets {
    names: Vec<String>,
    /// Files that somebody else may rename.
    watched: Vec<PathBuf>,
    /// Whether what a child of `fork` logs changes nothing.
    children_log: bool,
}

/// Does what programs do to their logging while it is used, until `done`.
fn make_trouble(logging: &Logging, loggers: &[FemtoLogger], targets: &Targets, mut random: Random, done: &AtomicBool) {
    // Names go down, as the newest backup of a file has the lowest number.
    let mut name = 1_000_000_u64;
    while !done.load(Acquire) {
        match random.below(0..10) {
            0 => {
                let _ = logging.flush(Duration::from_micros(random.below(0..5_000)));
            }
            1 => assert_balanced(&logging.metrics()),
            // Records are of level Info and above, so that no level below turns one away.
            2 => loggers[0].set_level(random.pick(&[Level::Trace, Level::Debug, Level::Info])),
            3 => logging.root_logger().set_level(random.pick(&[Level::Trace, Level::Debug, Level::Info])),
            4 => drop(logging.get_logger(&format!("a.b.{}", random.below(0..50))).unwrap()),
            5 => {
                for path in &targets.watched {
                    name -= 1;
                    let _ = std::fs::rename(path, path.with_extension(name.to_string()));
                }
            }
            6 if random.one_in(10) => fork(if targets.children_log { loggers } else { &[] }),
            // Errors: it was not done in time, or the system was shut down.
            7 => {
                let name = &targets.names[random.below(0..targets.names.len() as u64) as usize];
                let _ = logging.set_handler_filters(name, [], Duration::from_micros(random.below(0..5_000)));
            }
            8 if logging.add_handler("more", FemtoNullHandler).is_ok() => {
                let _ = logging.root_logger().add_handler("more");
                let _ = logging.flush(Duration::from_micros(random.below(0..5_000)));
                let _ = logging.remove_handler("more", Duration::from_millis(20));
            }
            _ => std::thread::sleep(Duration::from_micros(random.below(0..2_000))),
        }
    }
}

fn assert_balanced(metrics: &Metrics) {
    for handler in &metrics.handlers {
        let sum = handler.written + handler.dropped.total() + handler.failed + handler.in_flight;
        assert_eq!(handler.emitted, sum, "{handler:?}");
    }
}

/// Forks a child that logs, which must change nothing here, and ends.
#[cfg(unix)]
#[expect(unsafe_code, reason = "fork")]
fn fork(loggers: &[FemtoLogger]) {
    // SAFETY: the child logs and ends with `_exit`, or by the alarm if it hangs.
    let status = unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::alarm(30);
            loggers.iter().for_each(|logger| Record { thread: 1 << 20, number: 1 }.log(logger));
            libc::_exit(0);
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        status
    };
    assert_eq!(status, 0, "a child of fork hangs or dies");
}

#[cfg(not(unix))]
fn fork(_: &[FemtoLogger]) {}
