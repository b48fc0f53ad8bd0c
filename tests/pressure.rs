//! Storms of records: what the reserve keeps free for warnings, and how the governor raises a handler's level.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::{Duration, Instant};

use femtologging::config::ConfigBuilder;
use femtologging::handler::HandlerSpec;
use femtologging::metrics::{DropReason, HandlerMetrics};
use femtologging::policy::{Governor, OverflowPolicy, Reserve, Transport};
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{Config, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Level, LevelFilter, Logging};
use femtologging::{debug, info, log, warn};

/// For what must happen, and would hang the test if it did not.
const LONG: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The records that a handler may take. Callers that find its queue full wake its thread by `unpark`, which a condition
/// variable does not notice.
#[derive(Default)]
struct Permits(Mutex<u64>, Condvar);

impl Permits {
    fn add(&self, count: u64) {
        let mut left = self.0.lock().unwrap();
        *left = left.saturating_add(count);
        self.1.notify_all();
    }

    fn take(&self) {
        let mut left = self.1.wait_while(self.0.lock().unwrap(), |left| *left == 0).unwrap();
        *left -= 1;
    }
}

/// A handler that takes a record for each permit.
struct Gate {
    text: Text,
    permits: Arc<Permits>,
    /// The number of records that it has begun with, the one that waits for a permit included.
    begun: Arc<AtomicU64>,
}

impl Gate {
    fn new(transport: Transport, set: impl FnOnce(Builder) -> Builder) -> (Self, HandlerSpec) {
        let (text, begun) = (Text::default(), Arc::<AtomicU64>::default());
        let permits = Arc::<Permits>::default();
        let formatter = {
            let (begun, permits) = (begun.clone(), permits.clone());
            move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
                begun.fetch_add(1, SeqCst);
                permits.take();
                write!(out, "{} {} {}", record.level(), record.logger(), record.message()).unwrap();
            }
        };
        let builder = FemtoStreamHandler::builder(text.clone()).formatter(formatter).transport(transport);
        (Self { text, permits, begun }, set(builder).build().unwrap())
    }

    /// Lets records through, and waits until the handler has begun with the one after them.
    fn take(&self, count: u64) {
        let begun = self.begun.load(SeqCst);
        self.permits.add(count);
        wait_until(|| self.begun.load(SeqCst) >= begun + count);
    }

    /// Lets everything through, now and later.
    fn open(&self) {
        self.permits.add(u64::MAX);
    }
}

type Builder = femtologging::handler::HandlerBuilder<femtologging::handler::StreamOptions<Text>>;

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}

fn of(logging: &Logging) -> HandlerMetrics {
    let metrics = logging.metrics().handlers.remove(0);
    let outcomes = metrics.written + metrics.dropped.total() + metrics.failed + metrics.in_flight;
    assert_eq!(metrics.emitted, outcomes);
    metrics
}

const RING: Transport = Transport::PerThread { bytes: 16 * 1024 };
/// The handler's thread takes 256 records out of a channel at once.
const CHANNEL: Transport = Transport::Shared { capacity: Some(4000) };

const THREADS: u64 = 8;
const ROUNDS: u64 = 200;

/// In each round, eight threads log 19 debug records and a warning each, and the handler takes two records per thread.
/// Returns the counters after the storm, and the lines of the log.
fn storm(transport: Transport, overflow: OverflowPolicy, reserve: Option<Reserve>) -> (HandlerMetrics, Vec<String>) {
    let (gate, handler) = Gate::new(transport, |builder| {
        let builder = builder.overflow(overflow);
        if let Some(reserve) = reserve { builder.reserve(reserve) } else { builder }
    });
    let logging = Config::builder().default_level(Level::Debug).add_handler("gate", handler).build().unwrap();
    let round = Barrier::new(THREADS as usize + 1);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let logger = logging.get_logger(&format!("t{thread}")).unwrap();
            let round = &round;
            scope.spawn(move || {
                for number in 0..ROUNDS {
                    round.wait();
                    (0..19).for_each(|i| debug!(logger: logger, "{}", i));
                    warn!(logger: logger, "{}", number);
                    round.wait();
                }
            });
        }
        for _ in 0..ROUNDS {
            round.wait();
            round.wait();
            gate.take(2 * THREADS);
        }
    });
    let metrics = of(&logging);
    assert_eq!(metrics.emitted, THREADS * ROUNDS * 20);
    gate.open();
    logging.flush(LONG).unwrap();
    let end = of(&logging);
    assert_eq!((end.emitted, end.dropped, end.in_flight, end.failed), (metrics.emitted, metrics.dropped, 0, 0));
    (metrics, gate.text.lines())
}

#[test]
fn a_storm_of_debug_records_loses_no_warning() {
    let short = OverflowPolicy::BlockFor(Duration::from_micros(10));
    for (transport, overflow) in [
        (RING, OverflowPolicy::DropNewest),
        (RING, short),
        (CHANNEL, OverflowPolicy::DropNewest),
        (CHANNEL, short),
        (CHANNEL, OverflowPolicy::DropOldest),
    ] {
        // 10 % from `Warn` on, by default.
        let (metrics, lines) = storm(transport, overflow, None);
        let what = format!("{transport:?} {overflow:?}");
        assert_eq!(metrics.dropped.by_level(Level::Warn), 0, "{what}");
        let debug = metrics.dropped.by_level(Level::Debug);
        assert!(debug > THREADS * ROUNDS * 10, "{what}: {debug}");
        match overflow {
            OverflowPolicy::DropOldest => assert_eq!(metrics.dropped.by_reason(DropReason::Full), debug, "{what}"),
            _ => assert!(metrics.dropped.by_reason(DropReason::Reserved) > debug / 2, "{what}"),
        }
        for thread in 0..THREADS {
            let start = format!("WARN t{thread} ");
            let warnings: Vec<u64> = lines.iter().filter_map(|line| line.strip_prefix(&start)?.parse().ok()).collect();
            assert_eq!(warnings, (0..ROUNDS).collect::<Vec<_>>(), "{what}");
        }

        // It is the reserve that does it.
        let (metrics, _) = storm(transport, overflow, Some(Reserve::NONE));
        assert!(metrics.dropped.by_level(Level::Warn) > 0, "{what}");
        assert_eq!(metrics.dropped.by_reason(DropReason::Reserved), 0, "{what}");
    }
}

/// Records that are too large for their thread's ring, and those of threads for which there is no memory for a ring,
/// share the memory beside the rings.
#[test]
fn memory_beside_the_rings_has_a_reserve_too() {
    let (gate, handler) = Gate::new(RING, |builder| builder.overflow(OverflowPolicy::DropNewest));
    let config = Config::builder().default_level(Level::Debug).max_queue_bytes(1 << 20).add_handler("gate", handler);
    let logging = config.build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    let large = "x".repeat(6 * 1024);
    let reserved = || of(&logging).dropped.by_reason(DropReason::Reserved);
    while reserved() < 100 {
        debug!(logger: logger, "{}", large);
    }
    // A tenth of a quarter of the memory.
    (0..4).for_each(|_| warn!(logger: logger, "{}", large));
    assert_eq!(of(&logging).dropped.by_level(Level::Warn), 0);
    while of(&logging).dropped.by_level(Level::Warn) == 0 {
        warn!(logger: logger, "{}", large);
    }
    // Nothing is reserved of what is not there.
    let before = reserved();
    debug!(logger: logger, "{}", large);
    assert_eq!((reserved(), of(&logging).dropped.get(DropReason::Full, Level::Debug)), (before, 1));
    gate.open();
    logging.flush(LONG).unwrap();
    assert_eq!(of(&logging).in_flight, 0);
    // Larger than what is beside the reserve, and it fits when everything else is free.
    let huge = "x".repeat(255 * 1024);
    debug!(logger: logger, "{}", huge);
    logging.flush(LONG).unwrap();
    assert_eq!(gate.text.lines().iter().filter(|line| line.len() > 250 * 1024).count(), 1);
}

/// A caller with a debug record waits in the line of a channel. A warning goes past it.
#[test]
fn a_warning_does_not_wait_behind_a_debug_record() {
    let (gate, handler) = Gate::new(Transport::Shared { capacity: Some(20) }, |builder| {
        builder.overflow(OverflowPolicy::BlockFor(LONG)).reserve(Reserve { share: 50, from: Level::Warn })
    });
    let logging = Config::builder().default_level(Level::Debug).add_handler("gate", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    debug!(logger: logger, "first");
    wait_until(|| gate.begun.load(SeqCst) == 1);
    (0..10).for_each(|i| debug!(logger: logger, "{}", i));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| debug!(logger: logger, "waits"));
        // The record that waits is announced.
        wait_until(|| of(&logging).emitted == 12);
        (0..10).for_each(|i| warn!(logger: logger, "{}", i));
        assert!(!waiting.is_finished());
        assert_eq!(of(&logging).emitted, 22);
        gate.open();
    });
    logging.flush(LONG).unwrap();
    let mut lines = vec!["DEBUG app first".to_owned()];
    lines.extend((0..10).map(|i| format!("DEBUG app {i}")));
    lines.extend((0..10).map(|i| format!("WARN app {i}")));
    lines.push("DEBUG app waits".to_owned());
    assert_eq!(gate.text.lines(), lines);
}

/// A reserve comes and goes with the handler that has it.
#[test]
fn a_handler_that_takes_the_place_of_another_brings_its_reserve() {
    for (transport, words) in
        [(Transport::PerThread { bytes: 1024 }, 32), (Transport::Shared { capacity: Some(32) }, 32)]
    {
        let make = |share| {
            Gate::new(transport, |builder| {
                builder.overflow(OverflowPolicy::DropNewest).reserve(Reserve { share, from: Level::Warn })
            })
        };
        let fill = |logging: &Logging, gate: &Gate, logger: &FemtoLogger| {
            info!(logger: logger, "first");
            wait_until(|| gate.begun.load(SeqCst) == 1);
            let before = of(logging);
            (0..40).for_each(|i| info!(logger: logger, "{}", i));
            let after = of(logging);
            after.in_flight - before.in_flight
        };
        let (old, handler) = make(0);
        let logging = Config::builder().default_level(Level::Debug).add_handler("gate", handler).build().unwrap();
        let logger = logging.get_logger("app").unwrap();
        assert_eq!(fill(&logging, &old, &logger), words);
        old.open();
        let (new, handler) = make(50);
        logging.replace_handler("gate", handler, LONG).unwrap();
        assert_eq!(fill(&logging, &new, &logger), words / 2);
        new.open();
        logging.flush(LONG).unwrap();
        assert_eq!(of(&logging).in_flight, 0);
    }
}

/// More records than the part of a queue that is not reserved holds.
const FULL: usize = 120;

/// A system with a governed handler.
struct Governed {
    logging: Logging,
    logger: FemtoLogger,
    clock: ManualClock,
    gate: Gate,
}

impl Governed {
    fn new(transport: Transport, config: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        let clock = ManualClock::new(Timestamp::from_nanos(1_800_000_000_000_000_000));
        let (gate, handler) = Self::handler(transport, Governor::default());
        let builder = Config::builder().default_level(LevelFilter::Debug).clock(Clock::manual(&clock));
        let logging = config(builder.add_handler("gate", handler)).build().unwrap();
        let logger = logging.get_logger("app").unwrap();
        Self { logging, logger, clock, gate }
    }

    fn handler(transport: Transport, governor: Governor) -> (Gate, HandlerSpec) {
        Gate::new(transport, |builder| {
            let builder = builder.overflow(OverflowPolicy::DropNewest);
            builder.governor(governor).reserve(Reserve { share: 50, from: Level::Error })
        })
    }

    /// Keeps the queue full of records of this level until the handler's level is as expected.
    fn storm(&self, level: Level, raised_to: Option<Level>) {
        let deadline = Instant::now() + LONG;
        while of(&self.logging).raised_to != raised_to {
            assert!(Instant::now() < deadline, "{:?}", of(&self.logging));
            (0..FULL).for_each(|number| log!(level, logger: self.logger, "{}", number));
            self.clock.advance(Duration::from_millis(100));
            self.gate.take(1);
        }
    }

    /// Lets the handler take everything, the lines of its own included, now and later.
    fn let_go(&self) {
        self.gate.open();
        self.logging.flush(LONG).unwrap();
        assert_eq!(of(&self.logging).in_flight, 0);
    }

    /// The lines about levels.
    fn said(&self) -> Vec<String> {
        let lines = self.gate.text.lines();
        lines
            .into_iter()
            .filter_map(|line| Some(line.strip_prefix("WARN femtologging the level")?.to_owned()))
            .collect()
    }
}

const RAISED: [&str; 2] = [
    " of handler `gate` is raised from trace to info: its queue was more than 75 % full for 1s",
    " of handler `gate` is raised from info to warn: its queue was more than 75 % full for 1s",
];
const LOWERED: [&str; 2] = [
    " of handler `gate` is lowered from warn to info: its queue was less than 25 % full for 10s",
    " of handler `gate` is lowered from info to trace: its queue was less than 25 % full for 10s",
];

#[test]
fn a_full_queue_raises_the_level_and_an_empty_one_lowers_it() {
    for transport in [Transport::PerThread { bytes: 4096 }, Transport::Shared { capacity: Some(200) }] {
        let governed = Governed::new(transport, |config| config);
        let is_enabled = |level| governed.logger.is_enabled_for(level);
        assert!(is_enabled(Level::Debug));
        governed.storm(Level::Debug, Some(Level::Info));
        assert!(!is_enabled(Level::Debug) && is_enabled(Level::Info), "{transport:?}");
        governed.storm(Level::Info, Some(Level::Warn));
        assert!(!is_enabled(Level::Info) && is_enabled(Level::Warn), "{transport:?}");

        governed.let_go();
        // Not before its time.
        governed.clock.advance(Duration::from_secs(9));
        governed.logging.flush(LONG).unwrap();
        assert_eq!(of(&governed.logging).raised_to, Some(Level::Warn));
        for raised_to in [Some(Level::Info), None] {
            let deadline = Instant::now() + LONG;
            while of(&governed.logging).raised_to != raised_to {
                assert!(Instant::now() < deadline);
                governed.clock.advance(Duration::from_secs(1));
                governed.logging.flush(LONG).unwrap();
            }
        }
        assert!(is_enabled(Level::Debug), "{transport:?}");
        governed.logging.flush(LONG).unwrap();
        assert_eq!(governed.said(), [RAISED, LOWERED].concat(), "{transport:?}");
    }
}

#[test]
fn the_level_that_somebody_sets_is_the_base_of_a_raise() {
    let governed = Governed::new(Transport::PerThread { bytes: 4096 }, |config| config);
    let is_enabled = |level| governed.logger.is_enabled_for(level);
    governed.storm(Level::Debug, Some(Level::Info));
    // Lower than the raise, it is for later; higher, it is in force.
    governed.logging.set_handler_level("gate", Level::Debug).unwrap();
    assert!(!is_enabled(Level::Debug) && is_enabled(Level::Info));
    governed.logging.set_handler_level("gate", Level::Error).unwrap();
    assert!(!is_enabled(Level::Warn) && is_enabled(Level::Error));
    governed.logging.set_handler_level("gate", Level::Debug).unwrap();
    assert!(!is_enabled(Level::Debug));

    // A reload that keeps the handler keeps its raise.
    let config = Config::builder().default_level(Level::Debug).keep_handler("gate");
    governed.let_go();
    governed.logging.reconfigure(config, LONG).unwrap();
    assert_eq!(of(&governed.logging).raised_to, Some(Level::Info));
    assert!(!is_enabled(Level::Debug));

    // Another handler in its place begins anew.
    let (other, handler) = Governed::handler(Transport::PerThread { bytes: 4096 }, Governor::default());
    governed.logging.replace_handler("gate", handler, LONG).unwrap();
    assert_eq!(of(&governed.logging).raised_to, None);
    assert!(is_enabled(Level::Debug));
    other.open();
}

#[test]
fn a_governor_of_no_queue_and_one_that_never_comes_down_are_refused() {
    let build = |transport, governor| {
        let handler = FemtoStreamHandler::builder(std::io::sink()).transport(transport).governor(governor);
        handler.build().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(
        build(Transport::Inline, Governor::default()).unwrap_err(),
        "invalid configuration: `governor`: Transport::Inline has no queue that could be nearly full: leave it out, or \
         use Transport::PerThread or Transport::Shared"
    );
    assert_eq!(
        build(RING, Governor { lower_below: 80, ..Governor::default() }).unwrap_err(),
        "invalid configuration: `governor.raise_above, governor.lower_below` = 75, 80: both are parts of the queue in \
         percent, and the second is not above the first"
    );
    assert_eq!(build(RING, Governor::default()), Ok(()));
}
