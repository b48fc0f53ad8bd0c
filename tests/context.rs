//! Context: scopes within scopes, threads, guards in any order, loggers with keys of their own, futures.

mod common;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{self, Poll, Waker};

use common::{Captured, LONG, suspend};
use femtologging::filter::Key;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::record::OwnedRecord;
use femtologging::span::FemtoFutureExt;
use femtologging::{Config, Context, FemtoLogger, Value, context, info, warn};

struct System(Captured);

impl Deref for System {
    type Target = Captured;

    fn deref(&self) -> &Captured {
        &self.0
    }
}

impl System {
    fn new() -> Self {
        Self::with(FemtoCaptureHandler::new())
    }

    fn with(capture: FemtoCaptureHandler) -> Self {
        Self(Captured::with(Config::builder(), capture))
    }

    /// Messages with their keys: `message a=1 b=2`.
    fn lines(&self) -> Vec<String> {
        self.records().iter().map(line).collect()
    }
}

fn line(record: &OwnedRecord) -> String {
    record.key_values().fold(record.message().to_owned(), |line, (key, value)| format!("{line} {key}={value}"))
}

#[test]
fn scopes_add_and_override() {
    let system = System::new();
    let logger = &system.logger;
    info!(logger: logger, "none");
    let outer = context! { a = 1, b = "two" };
    info!(logger: logger, "made, not entered");
    {
        let _outer = outer.enter();
        info!(logger: logger, "outer"; own = true);
        let value = context! { b = 3.5, "c-d" = 'c', e.f:? = Some(1); {
            info!(logger: logger, "inner");
            context!({ info!(logger: logger, "nothing added") });
            "value"
        } };
        info!(logger: logger, "outer again: {value}"; a = "own");
        outer.with("b", 0_u8).in_scope(|| info!(logger: logger, "with"));
        Context::default().in_scope(|| info!(logger: logger, "empty"));
    }
    info!(logger: logger, "none again");
    assert_eq!(
        system.lines(),
        [
            "none",
            "made, not entered",
            "outer a=1 b=two own=true",
            "inner a=1 b=3.5 c-d=c e.f=Some(1)",
            "nothing added a=1 b=3.5 c-d=c e.f=Some(1)",
            "outer again: value a=1 b=two a=own",
            "with a=1 b=0",
            "empty",
            "none again",
        ]
    );
}

#[test]
fn the_value_of_a_key_that_comes_again_is_the_last_one_however_it_was_named() {
    let system = System::new();
    let logger = &system.logger;
    // A key that `with` names first and a macro later, and the other way round.
    let context = Context::default().with("late-name", 1_u8);
    let _context = context.enter();
    let _again = context! { "late-name" = 2 }.with("late-name", 3_u8).enter();
    info!(logger: logger, "own"; "late-name" = 4);
    let record = system.records().remove(0);
    assert_eq!(line(&record), "own late-name=3 late-name=4");
    assert_eq!(record.get("late-name"), Some(Value::I64(4)));
}

#[test]
fn a_key_that_changes_a_thousand_times_takes_the_room_of_one() {
    let system = System::new();
    let mut context = context! { kept = "yes" };
    for step in 0..1_000_u32 {
        context = context.with("step", step);
    }
    context.in_scope(|| info!(logger: system.logger, "done"));
    assert_eq!(system.lines(), ["done kept=yes step=999"]);
}

#[test]
fn values_are_evaluated_once_and_when_the_context_is_made() {
    let system = System::new();
    let count = Cell::new(0);
    let context = context! { n = { count.set(count.get() + 1); count.get() } };
    count.set(10);
    for _ in 0..3 {
        context.in_scope(|| info!(logger: system.logger, "m"));
    }
    assert_eq!(count.get(), 10);
    assert_eq!(system.lines(), ["m n=1", "m n=1", "m n=1"]);
}

#[test]
fn what_a_value_borrows_is_free_again_in_the_block() {
    let system = System::new();
    let state = RefCell::new(vec![1, 2, 3]);
    let length = context! { length = state.borrow().len(); {
        state.borrow_mut().push(4);
        info!(logger: system.logger, "pushed");
        state.borrow().len()
    } };
    assert_eq!((length, system.lines()), (4, vec!["pushed length=3".to_owned()]));
}

#[test]
fn a_block_may_be_left_early() {
    let system = System::new();
    let logger = &system.logger;
    fn early(logger: &FemtoLogger, text: &str) -> Result<u32, std::num::ParseIntError> {
        let n: u32 = context! { text; {
            info!(logger: logger, "parsing");
            if text.is_empty() {
                return Ok(0);
            }
            text.parse()?
        } };
        Ok(n)
    }
    assert_eq!(early(logger, ""), Ok(0));
    assert_eq!(early(logger, "7"), Ok(7));
    assert!(early(logger, "x").is_err());
    let mut found = 0;
    for turn in 0..9 {
        context! { turn; {
            if turn == 5 {
                found = turn;
                break;
            }
        } };
    }
    info!(logger: logger, "found {}", found);
    assert_eq!(system.lines(), ["parsing text=", "parsing text=7", "parsing text=x", "found 5"]);
}

#[test]
fn guards_in_any_order_and_leaked_ones_leave_nothing_behind() {
    let system = System::new();
    let logger = &system.logger;
    // The outer guard is dropped first.
    let outer = context! { a = 1 }.enter();
    let inner = context! { b = 2 }.enter();
    info!(logger: logger, "both");
    drop(outer);
    info!(logger: logger, "neither");
    let other = context! { c = 3 }.enter();
    drop(inner);
    info!(logger: logger, "other");
    drop(other);
    info!(logger: logger, "none");

    // A leaked guard ends with the scope around it.
    context! { a = 1; {
        std::mem::forget(context! { leaked = true }.enter());
        info!(logger: logger, "leaked");
        context! { b = 2; { info!(logger: logger, "within") } };
        info!(logger: logger, "still there");
    } };
    info!(logger: logger, "gone");
    assert_eq!(
        system.lines(),
        [
            "both a=1 b=2",
            "neither",
            "other c=3",
            "none",
            "leaked a=1 leaked=true",
            "within a=1 leaked=true b=2",
            "still there a=1 leaked=true",
            "gone",
        ]
    );
}

thread_local! {
    static LAST_WORDS: RefCell<Vec<LastWords>> = const { RefCell::new(Vec::new()) };
}

/// Logs when its thread's locals are dropped, and enters scopes then.
struct LastWords(FemtoLogger);

impl Drop for LastWords {
    fn drop(&mut self) {
        info!(logger: self.0, "{}", "last words"; n = 1);
        context! { late = true; { info!(logger: self.0, "later") } };
        std::mem::forget(context! { late = true }.enter());
        info!(logger: self.0, "latest");
    }
}

#[test]
fn leaked_guards_at_the_end_of_a_thread_corrupt_nothing() {
    let system = System::new();
    // Thread-locals are dropped in the order of their making or the other way round: both, before and behind the
    // library's.
    for registers_first in [true, false] {
        std::thread::scope(|scope| {
            // Joined, since the end of a scope does not wait for thread-locals to be dropped.
            let thread = scope.spawn(|| {
                let register = || LAST_WORDS.with_borrow_mut(|words| words.push(LastWords(system.logger.clone())));
                if registers_first {
                    register();
                }
                std::mem::forget(context! { leaked = "yes", text = "a".repeat(100) }.enter());
                info!(logger: system.logger, "alive");
                if !registers_first {
                    register();
                }
            });
            thread.join().unwrap();
        });
        let lines = system.lines();
        let context = format!(" leaked=yes text={}", "a".repeat(100));
        assert_eq!(lines[0], format!("alive{context}"));
        // With the context or without it, according to whose thread-local went first; never anything else.
        let had_context = [
            format!("last words{context} n=1"),
            format!("later{context} late=true"),
            format!("latest{context} late=true"),
        ];
        let had_none = ["last words n=1", "later", "latest"].map(str::to_owned);
        assert!(lines[1..] == had_context || lines[1..] == had_none, "{lines:?}");
    }
}

/// A value whose `Display` enters scopes, leaks guards, and logs.
struct Restless<'a>(&'a FemtoLogger);

impl fmt::Display for Restless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        context! { inside = 1; { info!(logger: self.0, "formatting") } };
        std::mem::forget(context! { leaked = 1 }.enter());
        f.write_str("shown")
    }
}

#[test]
fn formatting_may_enter_scopes_and_log() {
    let system = System::new();
    let logger = &system.logger;
    info!(logger: logger, "{}", Restless(logger));
    // Whatever the value has left behind, records are whole.
    let guard = context! { a = 1 }.enter();
    warn!(logger: logger, "again"; value:% = Restless(logger), n = 1);
    drop(guard);
    let made = context! { value:% = Restless(logger) };
    made.in_scope(|| info!(logger: logger, "made"));
    assert_eq!(
        system.lines(),
        [
            "formatting inside=1",
            "shown",
            "formatting leaked=1 a=1 inside=1",
            "again a=1 leaked=1 value=shown n=1",
            "formatting leaked=1 inside=1",
            "made leaked=1 value=shown",
        ]
    );
}

#[test]
fn a_display_that_panics_leaves_its_scopes() {
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            let _inside = context! { inside = 1 }.enter();
            panic!("expected by this test")
        }
    }
    let system = System::new();
    context! { a = 1; {
        info!(logger: system.logger, "{}", Panics);
        info!(logger: system.logger, "after");
    } };
    let value = context! { value:% = Panics };
    value.in_scope(|| info!(logger: system.logger, "value"));
    assert_eq!(system.lines(), ["<formatting panicked> a=1", "after a=1", "value value=<formatting panicked>"]);
}

#[test]
fn loggers_have_keys_of_their_own() {
    let system = System::new();
    let pool = system.logger.with("pool", "readers");
    let both = pool.with("size", 8_u8).with("pool", "writers");
    context! { pool = "context", user = "ada"; {
        info!(logger: pool, "one");
        info!(logger: both, target: "elsewhere", "two"; pool = "call");
        info!(logger: system.logger, "plain");
    } };
    let records = system.records();
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "one pool=context user=ada pool=readers",
            "two pool=context user=ada size=8 pool=writers pool=call",
            "plain pool=context user=ada",
        ]
    );
    assert_eq!(records[0].get("pool"), Some(Value::Str("readers")));
    assert_eq!(records[1].get("pool"), Some(Value::Str("call")));
    assert_eq!(both, system.logger, "it is the same logger");
}

#[test]
fn filters_of_loggers_see_the_context() {
    let system = System::new();
    system.logger.add_filter(Key::present("user"));
    info!(logger: system.logger, "no");
    context! { user = "ada"; { info!(logger: system.logger, "yes") } };
    info!(logger: system.logger.with("user", "bob"), "bound");
    assert_eq!(system.lines(), ["yes user=ada", "bound user=bob"]);
}

/// Every way to a handler: transports, full queues, records too large for a ring.
#[test]
fn every_transport_carries_the_context() {
    let transports = [
        (Transport::PerThread { bytes: 1024 }, OverflowPolicy::Block),
        (Transport::PerThread { bytes: 64 * 1024 }, OverflowPolicy::BlockFor(LONG)),
        (Transport::PerThread { bytes: 1 << 20 }, OverflowPolicy::DropNewest),
        (Transport::Shared { capacity: Some(4) }, OverflowPolicy::Block),
        (Transport::Shared { capacity: Some(10_000) }, OverflowPolicy::DropOldest),
        (Transport::Shared { capacity: None }, OverflowPolicy::DropNewest),
    ];
    for (transport, overflow) in transports {
        let capture = FemtoCaptureHandler::new();
        let collected = capture.clone();
        let build = femtologging::FemtoStreamHandler::builder(std::io::sink()).transport(transport).overflow(overflow);
        let copy = move |record: &femtologging::FemtoLogRecord<'_>, _: &mut Vec<u8>| {
            let _ = &collected;
            LINES.lock().unwrap().push(line(&record.to_owned()));
        };
        static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let logging = Config::builder().add_handler("h", build.formatter(copy).build().unwrap()).build().unwrap();
        let logger = logging.get_logger("shop").unwrap();
        let long = "x".repeat(3_000);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..200 {
                    context! { n, text = long; { info!(logger: logger, "m"; own = n) } };
                    context! { n; { info!(logger: logger, "{}", n; at:% = n) } };
                }
            });
        });
        // The thread has ended; its records are still on their way.
        logging.flush(LONG).unwrap();
        let lines = std::mem::take(&mut *LINES.lock().unwrap());
        let expected = (0..200).flat_map(|n| [format!("m n={n} text={long} own={n}"), format!("{n} n={n} at={n}")]);
        assert!(
            lines.iter().eq(expected.collect::<Vec<_>>().iter()),
            "{transport:?} {overflow:?}: {} lines",
            lines.len()
        );
    }
}

#[test]
fn threads_keep_their_contexts_apart() {
    const THREADS: u64 = 8;
    const STEPS: u64 = 2_000;
    let system = System::new();
    let logger = &system.logger;
    let start = Barrier::new(THREADS as usize);
    let shared = context! { shared = true };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, shared) = (&start, &shared);
            scope.spawn(move || {
                start.wait();
                let mut random = thread + 1;
                let mut stack: Vec<(u64, femtologging::context::ContextGuard)> = Vec::new();
                for step in 0..STEPS {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    match random >> 61 {
                        0 | 1 if stack.len() < 20 => stack.push((step, context! { depth = step }.enter())),
                        2 if stack.len() < 20 => {
                            let context = shared.with("depth", step).with("text", &"é".repeat((step % 50) as usize));
                            stack.push((step, context.enter()));
                        }
                        3 | 4 => drop(stack.pop()),
                        5 => stack.clear(),
                        _ => {}
                    }
                    let depth = stack.last().map_or(STEPS, |(step, _)| *step);
                    info!(logger: logger, "m"; thread, expected = depth);
                }
                while stack.pop().is_some() {}
            });
        }
    });
    let records = system.records();
    assert_eq!(records.len() as u64, THREADS * STEPS);
    let mut in_scope = 0;
    for record in &records {
        let expected = record.get("expected").and_then(|value| value.as_i64()).unwrap();
        let depth = record.get("depth").and_then(|value| value.as_i64());
        assert_eq!(depth, (expected != STEPS as i64).then_some(expected), "{}", line(record));
        if let Some(text) = record.get("text").and_then(|text| text.as_str()) {
            assert!(text.chars().all(|c| c == 'é'));
        }
        in_scope += u64::from(depth.is_some());
    }
    assert!(in_scope > THREADS * STEPS / 4, "{in_scope}");
}

#[test]
fn a_context_is_handed_to_another_thread() {
    let system = System::new();
    let current = context! { request = 7; { Context::current() } };
    std::thread::scope(|scope| {
        scope.spawn(|| info!(logger: system.logger, "not in it"));
        scope.spawn(|| current.in_scope(|| info!(logger: system.logger, "in it")));
    });
    let mut lines = system.lines();
    lines.sort();
    assert_eq!(lines, ["in it request=7", "not in it"]);
}

async fn work(logger: FemtoLogger, task: u32) {
    for step in 0..5_u32 {
        context! { step; { info!(logger: logger, "m"; expected = task) } };
        suspend().await;
    }
    async { info!(logger: logger, "inner"; expected = task) }.in_context(context! { inner = true }).await;
    info!(logger: logger, "end"; expected = task);
}

fn check_tasks(records: &[OwnedRecord], tasks: usize) {
    assert_eq!(records.len(), tasks * 7);
    for record in records {
        assert_eq!(record.get("task").and_then(|n| n.as_i64()), record.get("expected").and_then(|n| n.as_i64()));
        assert_eq!(record.get("step").is_some(), record.message() == "m", "{}", line(record));
        assert_eq!(record.get("inner").is_some(), record.message() == "inner", "{}", line(record));
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs tasks on threads that hand every task to the next thread after every poll.
fn run_around(threads: usize, tasks: Vec<Task>) {
    let left = Arc::new(Mutex::new(tasks.len()));
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..threads).map(|_| mpsc::channel::<Option<Task>>()).unzip();
    for (task, sender) in tasks.into_iter().zip(senders.iter().cycle()) {
        sender.send(Some(task)).unwrap();
    }
    std::thread::scope(|scope| {
        for (at, receiver) in receivers.into_iter().enumerate() {
            let (next, all, left) = (senders[(at + 1) % threads].clone(), senders.clone(), left.clone());
            scope.spawn(move || {
                while let Some(mut task) = receiver.recv().unwrap() {
                    if task.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending() {
                        next.send(Some(task)).unwrap();
                        continue;
                    }
                    let mut left = left.lock().unwrap();
                    *left -= 1;
                    if *left == 0 {
                        all.iter().for_each(|sender| sender.send(None).unwrap());
                    }
                }
            });
        }
    });
}

#[test]
fn tasks_that_change_threads_at_every_poll_keep_their_contexts() {
    let system = System::new();
    let task = |task| Box::pin(work(system.logger.clone(), task).in_context(context! { task })) as Task;
    run_around(3, (0..1_000).map(task).collect());
    check_tasks(&system.records(), 1_000);
}

#[test]
fn a_future_is_dropped_in_its_context() {
    struct Says(FemtoLogger);
    impl Drop for Says {
        fn drop(&mut self) {
            info!(logger: self.0, "dropped");
        }
    }
    let system = System::new();
    let wait = |logger: FemtoLogger| async move {
        let _says = Says(logger);
        std::future::pending::<()>().await;
    };
    let mut task = task::Context::from_waker(Waker::noop());
    // Cancelled after a poll.
    let mut future = Box::pin(wait(system.logger.clone()).in_context(context! { task = 1 }));
    assert!(future.as_mut().poll(&mut task).is_pending());
    context! { elsewhere = true; { drop(future) } };
    // Dropped without a poll, with what it has captured.
    let says = Says(system.logger.clone());
    drop(async move { drop(says) }.in_context(context! { task = 2 }));
    info!(logger: system.logger, "none");
    assert_eq!(system.lines(), ["dropped task=1", "dropped task=2", "none"]);
}

#[test]
fn a_future_that_panics_leaves_its_context() {
    let system = System::new();
    let future = pin!(async { panic!("expected by this test") }.in_context(context! { task = 1 }));
    let poll = || {
        let _: Poll<()> = future.poll(&mut task::Context::from_waker(Waker::noop()));
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
    info!(logger: system.logger, "after");
    assert_eq!(system.lines(), ["after"]);
}

#[test]
fn a_guard_that_a_task_holds_while_it_is_suspended_does_not_reach_other_tasks() {
    let system = System::new();
    let careless = |task: u32| {
        let logger = system.logger.clone();
        async move {
            let _held = context! { held = task }.enter();
            suspend().await;
            info!(logger: logger, "{}", task);
        }
        .in_context(context! { task })
    };
    // Such futures cannot be sent to other threads, but they can run on one.
    let mut tasks: VecDeque<_> = (0..3).map(|task| Box::pin(careless(task))).collect();
    while let Some(mut task) = tasks.pop_front() {
        if task.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending() {
            tasks.push_back(task);
        }
    }
    info!(logger: system.logger, "none");
    assert_eq!(system.lines(), ["0 task=0", "1 task=1", "2 task=2", "none"]);
}

#[test]
fn a_context_shows_its_size_when_debugged() {
    assert_eq!(format!("{:?}", Context::default()), "Context { keys: 0, .. }");
    assert_eq!(format!("{:?}", context! { a = 1, b = 2 }.with("a", 3_u8)), "Context { keys: 2, .. }");
}
