//! Full queues: what each overflow policy does, to the record, and what the log says about it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use femtologging::metrics::{DropReason, HandlerMetrics};
use femtologging::policy::{OverflowPolicy, Reserve, Transport};
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{Config, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Level, LevelFilter, Logging, log};

/// For what must happen, and would hang the test if it did not.
const LONG: Duration = Duration::from_secs(60);

/// A ring of 128 words. The records of this test have four: two of the header, the logger, and a number.
const RING: Transport = Transport::PerThread { bytes: 1024 };
const CHANNEL: Transport = Transport::Shared { capacity: Some(ROOM) };

/// How many records fit into either.
const ROOM: usize = 32;

/// How many are logged to the full queue.
const LOGGED: usize = 50;

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A system whose handler stops at the first record, until it is let go.
struct Held {
    logging: Logging,
    logger: FemtoLogger,
    clock: ManualClock,
    text: Text,
    go: mpsc::Sender<()>,
}

impl Held {
    /// Returns when the handler has stopped and the queue is empty.
    fn new(transport: Transport, overflow: OverflowPolicy) -> Self {
        Self::with_reserve(transport, overflow, Reserve::NONE)
    }

    fn with_reserve(transport: Transport, overflow: OverflowPolicy, reserve: Reserve) -> Self {
        let (text, clock) = (Text::default(), ManualClock::new("2026-03-12T08:30:00Z".parse::<Time>().unwrap().0));
        let ((at_work, is_at_work), (go, may_go)) = (mpsc::channel(), mpsc::channel());
        let mut first = true;
        let formatter = move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            if std::mem::take(&mut first) {
                at_work.send(()).unwrap();
                may_go.recv().unwrap();
            }
            write!(out, "{} {} {}", record.level(), record.logger(), record.message()).unwrap();
        };
        let handler = FemtoStreamHandler::builder(text.clone())
            .formatter(formatter)
            .transport(transport)
            .overflow(overflow)
            .reserve(reserve)
            .build()
            .unwrap();
        let logging = Config::builder()
            .default_level(LevelFilter::Trace)
            .clock(Clock::manual(&clock))
            .add_handler("held", handler)
            .build()
            .unwrap();
        let logger = logging.get_logger("app").unwrap();
        let held = Self { logging, logger, clock, text, go };
        held.log(Level::Warn, 1000);
        is_at_work.recv_timeout(LONG).unwrap();
        held
    }

    fn log(&self, level: Level, number: usize) {
        log!(level, logger: self.logger, "{}", number);
    }

    /// Logs a record per millisecond.
    fn log_all(&self) {
        for number in 0..LOGGED {
            self.clock.advance(Duration::from_millis(1));
            self.log(level(number), number);
        }
    }

    fn metrics(&self) -> HandlerMetrics {
        self.logging.metrics().handlers.remove(0)
    }

    fn let_go(&self) {
        self.go.send(()).unwrap();
    }
}

/// The time in a text; the library has no parser.
struct Time(Timestamp);

impl std::str::FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // 20,524 days after 1970-01-01.
        let seconds = 20_524 * 86_400 + 8 * 3600 + 30 * 60;
        if text != "2026-03-12T08:30:00Z" {
            return Err("the only time that this test knows is 2026-03-12T08:30:00Z");
        }
        Ok(Self(Timestamp::from_nanos(seconds * 1_000_000_000)))
    }
}

fn level(number: usize) -> Level {
    if number.is_multiple_of(3) { Level::Info } else { Level::Debug }
}

fn lines(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("{} app {number}", level(number))).collect()
}

/// The policies that give records up, by where they may be used.
fn dropping() -> Vec<(Transport, OverflowPolicy)> {
    use OverflowPolicy::*;
    let newest = [DropNewest, BlockFor(Duration::ZERO), BlockFor(Duration::from_millis(1))];
    let everywhere = newest.iter().flat_map(|policy| [(RING, *policy), (CHANNEL, *policy)]);
    everywhere.chain([(CHANNEL, DropOldest)]).collect()
}

#[test]
fn a_full_queue_drops_exactly_what_does_not_fit_and_the_log_says_so() {
    for (transport, policy) in dropping() {
        let held = Held::new(transport, policy);
        held.log_all();

        let (kept, dropped) = match policy {
            OverflowPolicy::DropOldest => (LOGGED - ROOM..LOGGED, 0..LOGGED - ROOM),
            _ => (0..ROOM, ROOM..LOGGED),
        };
        let debug = dropped.clone().filter(|number| level(*number) == Level::Debug).count() as u64;
        let info = dropped.count() as u64 - debug;
        let full = held.metrics();
        assert_eq!((full.emitted, full.written, full.in_flight), (1 + 50, 0, 1 + 32), "{transport:?} {policy:?}");
        assert_eq!(full.dropped.get(DropReason::Full, Level::Debug), debug);
        assert_eq!(full.dropped.get(DropReason::Full, Level::Info), info);
        assert_eq!((full.dropped.total(), debug, info), (18, 12, 6));

        held.let_go();
        held.logging.flush(LONG).unwrap();
        let mut expected = vec!["WARN app 1000".to_owned()];
        expected.extend(lines(kept));
        expected.push(
            "WARN femtologging dropped 18 records (12 debug, 6 info) between \
             2026-03-12T08:30:00.033000Z and 2026-03-12T08:30:00.050000Z"
                .to_owned(),
        );
        assert_eq!(held.text.lines(), expected, "{transport:?} {policy:?}");
        let end = held.metrics();
        assert_eq!((end.emitted, end.written, end.failed, end.in_flight), (51, 33, 0, 0));
        assert_eq!(end.dropped, full.dropped);
        let backlog = match transport {
            // The 32 records of four words, which were looked at together.
            Transport::PerThread { .. } => 32 * 4 * 8,
            _ => 32,
        };
        assert_eq!(end.queue_high_water, backlog);

        // It is said once, and what is dropped later is said anew.
        held.log(Level::Info, 3);
        held.logging.flush(LONG).unwrap();
        expected.push("INFO app 3".to_owned());
        assert_eq!(held.text.lines(), expected);
    }
}

/// What is left of the log when 32 debug records, 10 warnings and one more debug record come to a queue of 32 places,
/// of which 8 are for warnings.
#[test]
fn severe_records_have_a_part_of_the_queue_to_themselves() {
    const QUARTER: Reserve = Reserve { share: 25, from: Level::Warn };
    for (transport, policy) in dropping() {
        let held = Held::with_reserve(transport, policy, QUARTER);
        let mut number = 0;
        for (count, level) in [(32, Level::Debug), (10, Level::Warn), (1, Level::Debug)] {
            for _ in 0..count {
                held.clock.advance(Duration::from_millis(1));
                held.log(level, number);
                number += 1;
            }
        }
        let metrics = held.metrics();
        let (debug, warn): (Vec<usize>, Vec<usize>) = match policy {
            // Warnings go into what is reserved, and two of them drop the oldest debug records; so does the last one.
            OverflowPolicy::DropOldest => ((19..32).chain([42]).collect(), (32..42).collect()),
            _ => ((0..24).collect(), (32..40).collect()),
        };
        let full = |level| metrics.dropped.get(DropReason::Full, level);
        let reserved = metrics.dropped.by_reason(DropReason::Reserved);
        let expected = match policy {
            OverflowPolicy::DropOldest => (19, 0, 0),
            // The last one would not fit if it were a warning.
            _ => (1, 2, 8),
        };
        assert_eq!((full(Level::Debug), full(Level::Warn), reserved), expected, "{transport:?} {policy:?}");
        assert_eq!(metrics.emitted, metrics.written + metrics.dropped.total() + metrics.failed + metrics.in_flight);

        held.let_go();
        held.logging.flush(LONG).unwrap();
        let mut lines = vec!["WARN app 1000".to_owned()];
        let mut kept: Vec<_> = debug.iter().chain(&warn).copied().collect();
        kept.sort();
        lines.extend(kept.iter().map(|number| match warn.contains(number) {
            true => format!("WARN app {number}"),
            false => format!("DEBUG app {number}"),
        }));
        lines.push(match policy {
            OverflowPolicy::DropOldest => "WARN femtologging dropped 19 records (19 debug) between \
                 2026-03-12T08:30:00.025000Z and 2026-03-12T08:30:00.043000Z"
                .to_owned(),
            _ => "WARN femtologging dropped 11 records (9 debug, 2 warn), 8 of them to keep room for warn and above, \
                 between 2026-03-12T08:30:00.025000Z and 2026-03-12T08:30:00.043000Z"
                .to_owned(),
        });
        assert_eq!(held.text.lines(), lines, "{transport:?} {policy:?}");
    }
}

#[test]
fn a_queue_whose_callers_block_has_no_reserve() {
    for transport in [RING, CHANNEL] {
        let held = Held::with_reserve(transport, OverflowPolicy::Block, Reserve { share: 50, from: Level::Critical });
        (0..ROOM).for_each(|number| held.log(level(number), number));
        assert_eq!(held.metrics().in_flight, 1 + ROOM as u64);
        held.let_go();
    }
}

#[test]
fn a_reserve_of_more_than_half_and_one_of_no_queue_are_refused() {
    let build = |transport, share| {
        let handler = FemtoStreamHandler::builder(io::sink()).transport(transport);
        handler.reserve(Reserve { share, from: Level::Warn }).build().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(build(RING, 50), Ok(()));
    assert_eq!(
        build(CHANNEL, 51).unwrap_err(),
        "invalid configuration: `reserve.share` = 51: reserve 50 % of the queue at most, or 0 for none"
    );
    assert_eq!(
        build(Transport::Inline, 10).unwrap_err(),
        "invalid configuration: `reserve`: Transport::Inline has no queue of which a part could be reserved: leave it \
         out, or use Transport::PerThread or Transport::Shared"
    );
}

#[test]
fn callers_that_block_lose_nothing() {
    for (transport, policy) in [RING, CHANNEL]
        .into_iter()
        .flat_map(|transport| [(transport, OverflowPolicy::Block), (transport, OverflowPolicy::BlockFor(LONG))])
    {
        let held = Held::new(transport, policy);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                held.log_all();
                done.store(true, SeqCst);
            });
            // A shared channel counts the record that waits, a ring the records that are in it.
            let emitted = if transport == RING { 31 } else { 33 };
            wait_until(|| held.metrics().emitted > emitted);
            // The caller is not done before the handler has made room for 18 more.
            assert!(!done.load(SeqCst), "{transport:?} {policy:?}");
            held.let_go();
        });
        held.logging.flush(LONG).unwrap();
        let mut expected = vec!["WARN app 1000".to_owned()];
        expected.extend(lines(0..LOGGED));
        assert_eq!(held.text.lines(), expected, "{transport:?} {policy:?}");
        let metrics = held.metrics();
        assert_eq!((metrics.emitted, metrics.written, metrics.dropped.total()), (51, 51, 0));
    }
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}

#[test]
fn a_flush_and_a_shutdown_come_through_a_full_queue() {
    let blocking = [(RING, OverflowPolicy::Block), (CHANNEL, OverflowPolicy::Block)];
    for (transport, policy) in dropping().into_iter().chain(blocking) {
        for shutdown in [false, true] {
            let held = Held::new(transport, policy);
            for number in 0..ROOM {
                held.log(level(number), number);
            }
            std::thread::scope(|scope| {
                let asked = scope.spawn(|| match shutdown {
                    false => held.logging.flush(LONG),
                    true => held.logging.shutdown(LONG),
                });
                // Whether the command or the permission comes first, the queue is full until then.
                held.let_go();
                asked.join().unwrap().unwrap();
            });
            let mut expected = vec!["WARN app 1000".to_owned()];
            expected.extend(lines(0..ROOM));
            assert_eq!(held.text.lines(), expected, "{transport:?} {policy:?}");
            assert_eq!(held.metrics().written, 33);
        }
    }
}

#[test]
fn a_caller_that_waits_for_room_is_let_go_by_a_shutdown() {
    for transport in [RING, CHANNEL] {
        let held = Held::new(transport, OverflowPolicy::Block);
        std::thread::scope(|scope| {
            scope.spawn(|| held.log_all());
            let emitted = if transport == RING { 31 } else { 33 };
            wait_until(|| held.metrics().emitted > emitted);
            // The handler is held, so that nothing is written in time.
            let error = held.logging.shutdown(Duration::ZERO).unwrap_err();
            assert!(error.is_timeout(), "{error}");
        });
        // All 50 calls have come back. A thread's ring begins with a word that says whose it is.
        let queued = if transport == RING { 31 } else { 32 };
        let metrics = held.metrics();
        assert_eq!((metrics.emitted, metrics.in_flight), (51, 1 + queued), "{transport:?}");
        assert_eq!(metrics.dropped.by_reason(DropReason::Closed), 50 - queued, "{transport:?}");
        held.let_go();
        wait_until(|| held.metrics().in_flight == 0);
        let metrics = held.metrics();
        // Past its deadline, a handler may give up what is left; it is counted either way.
        assert_eq!((metrics.emitted, metrics.written + metrics.dropped.total()), (51, 51), "{transport:?}");
    }
}

#[test]
fn a_channel_without_bound_takes_everything() {
    let held = Held::new(Transport::Shared { capacity: None }, OverflowPolicy::DropNewest);
    for number in 0..10_000 {
        held.log(level(number), number);
    }
    assert_eq!(held.metrics().in_flight, 10_001);
    held.let_go();
    held.logging.flush(LONG).unwrap();
    assert_eq!(held.text.lines()[1..], lines(0..10_000));
    assert_eq!(held.metrics().dropped.total(), 0);
}

#[test]
fn each_thread_has_a_ring_of_its_own_to_fill() {
    let held = Held::new(RING, OverflowPolicy::DropNewest);
    let all_are_done = std::sync::Barrier::new(3);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                (0..40).for_each(|number| held.log(Level::Info, number));
                all_are_done.wait();
            });
        }
    });
    // A thread's first record comes behind a word that says whose ring it is: 31 records fit then.
    let metrics = held.metrics();
    assert_eq!((metrics.emitted, metrics.in_flight), (1 + 3 * 40, 1 + 3 * 31));
    assert_eq!(metrics.dropped.get(DropReason::Full, Level::Info), 3 * 9);
    held.let_go();
}

#[test]
fn rings_cannot_drop_their_oldest_record() {
    let error = FemtoStreamHandler::builder(io::sink())
        .transport(RING)
        .overflow(OverflowPolicy::DropOldest)
        .build()
        .expect_err("it must be refused");
    assert_eq!(
        error.to_string(),
        "invalid configuration: `overflow` = DropOldest: a thread cannot take records out of its ring again: use \
         Transport::Shared, or Block, BlockFor or DropNewest"
    );
}

/// The processor time of the calling thread.
#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn callers_that_wait_take_no_processor_time() {
    const CALLERS: u32 = 50;
    for transport in [RING, CHANNEL] {
        let held = Held::new(transport, OverflowPolicy::Block);
        let times = std::thread::scope(|scope| {
            let caller = || {
                let before = cpu_time();
                (0..LOGGED).for_each(|number| held.log(Level::Info, number));
                cpu_time() - before
            };
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
            // However long this is, who sleeps takes none of it. Looking a thousand times a second took 5 ms.
            std::thread::sleep(Duration::from_secs(2));
            held.let_go();
            callers.into_iter().map(|caller| caller.join().unwrap()).sum::<Duration>()
        });
        held.logging.flush(LONG).unwrap();
        let metrics = held.metrics();
        assert_eq!((metrics.written, metrics.dropped.total()), (1 + u64::from(CALLERS) * 50, 0));
        assert!(times / CALLERS < Duration::from_millis(2), "{transport:?}: {:?} for each caller", times / CALLERS);
    }
}

#[test]
fn more_threads_than_there_is_memory_for_lose_nothing_and_keep_their_order() {
    // A MiB: two rings of 256 KiB, 64 of 4 KiB, and the channel for the others.
    let text = Text::default();
    let handler = FemtoStreamHandler::builder(text.clone())
        .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| write!(out, "{}", record.message()).unwrap())
        .build()
        .unwrap();
    let logging = Config::builder().max_queue_bytes(1 << 20).add_handler("text", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    let (threads, records) = (1000, 200);
    let all_are_there = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (logger, all_are_there) = (&logger, &all_are_there);
            let work = move || {
                all_are_there.wait();
                (0..records).for_each(|number| log!(Level::Info, logger: logger, "{} {}", thread, number));
            };
            std::thread::Builder::new().stack_size(128 * 1024).spawn_scoped(scope, work).unwrap();
        }
    });
    logging.flush(LONG).unwrap();
    let mut next = vec![0; threads];
    for line in text.lines() {
        let (thread, number) = line.split_once(' ').unwrap();
        let expected = &mut next[thread.parse::<usize>().unwrap()];
        assert_eq!(number.parse::<usize>().unwrap(), *expected, "thread {thread}");
        *expected += 1;
    }
    assert!(next.iter().all(|records_of_one| *records_of_one == records));
    let metrics = logging.metrics().handlers.remove(0);
    assert_eq!((metrics.written, metrics.dropped.total(), metrics.failed), ((threads * records) as u64, 0, 0));
}
