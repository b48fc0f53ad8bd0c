//! Any tree of handlers over targets that fail in any way: what became of each record is what the counters say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::handler::{
    FemtoFallbackHandler, FemtoFlightRecorder, FemtoHandlerExt, FemtoMemoryHandler, FemtoRouteHandler,
};
use crate::level::Level;
use crate::policy::ErrorPolicy;
use crate::record::by_hand::ByHand;
use crate::sync::lock;

/// What a leaf does when it is to deliver.
#[derive(Clone, Copy, Debug)]
enum Act {
    Deliver,
    Fail,
    Panic,
    Keep,
    Wait,
    /// Delivers one record, gives one up, and delivers another; then fails or keeps the rest.
    Part {
        keeps: bool,
    },
    /// Delivers every other record, and keeps those between them.
    EveryOther,
}

/// A tree of handlers.
#[derive(Clone, Debug)]
enum HandlerTree {
    Leaf {
        level: Level,
        script: Vec<Act>,
    },
    Retrying {
        script: Vec<Act>,
    },
    Memory {
        capacity: usize,
        flush_on_close: bool,
        target: Box<HandlerTree>,
    },
    Recorder {
        records: usize,
        target: Box<HandlerTree>,
    },
    /// By whether the number can be divided by three.
    Route(Box<HandlerTree>, Option<Box<HandlerTree>>),
    Fallback(Box<HandlerTree>, Box<HandlerTree>),
}

fn any_tree() -> impl Strategy<Value = HandlerTree> {
    let act = prop_oneof![
        4 => Just(Act::Deliver),
        1 => Just(Act::Fail),
        1 => Just(Act::Panic),
        2 => Just(Act::Keep),
        1 => Just(Act::Wait),
        2 => any::<bool>().prop_map(|keeps| Act::Part { keeps }),
        1 => Just(Act::EveryOther),
    ];
    let script = prop::collection::vec(act, 0..12);
    let leaf = prop_oneof![
        3 => (prop::sample::select(&[Level::Trace, Level::Info][..]), script.clone())
            .prop_map(|(level, script)| HandlerTree::Leaf { level, script }),
        1 => script.prop_map(|script| HandlerTree::Retrying { script }),
    ];
    leaf.prop_recursive(3, 8, 2, |tree| {
        let tree = tree.prop_map(Box::new);
        prop_oneof![
            (1..6_usize, any::<bool>(), tree.clone()).prop_map(|(capacity, flush_on_close, target)| {
                HandlerTree::Memory { capacity, flush_on_close, target }
            }),
            (1..6_usize, tree.clone()).prop_map(|(records, target)| HandlerTree::Recorder { records, target }),
            (tree.clone(), prop::option::of(tree.clone())).prop_map(|(first, rest)| HandlerTree::Route(first, rest)),
            (tree.clone(), tree).prop_map(|(first, second)| HandlerTree::Fallback(first, second)),
        ]
    })
}

/// What a leaf delivered.
#[derive(Default)]
struct Delivered {
    numbers: Vec<usize>,
    /// Whether they come in no particular order.
    is_mixed: bool,
}

struct Leaf {
    script: VecDeque<Act>,
    delivered: Arc<Mutex<Delivered>>,
}

/// Reads a record's number. A panic would be counted as a failure of the handler.
fn number(text: &[u8]) -> usize {
    str::from_utf8(text).unwrap_or_default().parse().unwrap_or(usize::MAX)
}

impl Leaf {
    fn deliver_next(&self, batch: &mut Batch) {
        let Some(text) = batch.next_text() else { return };
        lock(&self.delivered).numbers.push(number(text));
        batch.deliver_next();
    }
}

impl FemtoHandler for Leaf {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|out| record.write_message(out));
        match record.message().to_string().parse::<usize>().unwrap() % 16 {
            7 => Err(Error::other("a bad record")),
            8 => panic!("a very bad record"),
            _ => Ok(()),
        }
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        let act = self.script.pop_front().unwrap_or(Act::Deliver);
        match act {
            Act::Fail => return Err(Error::other("refused")),
            Act::Panic => panic!("in deliver"),
            Act::Keep => return Ok(Delivery::Retry),
            Act::Wait if !batch.is_due() => return Ok(Delivery::Wait),
            Act::Part { keeps } => {
                self.deliver_next(batch);
                batch.fail_next(1);
                self.deliver_next(batch);
                return if keeps { Ok(Delivery::Retry) } else { Err(Error::other("refused")) };
            }
            Act::EveryOther => {
                let mut delivered = lock(&self.delivered);
                delivered.is_mixed = true;
                let mut outcomes = Vec::new();
                for (id, text) in batch.open_records().skip(1).step_by(2) {
                    delivered.numbers.push(number(text));
                    outcomes.push((id, Outcome::Written));
                }
                batch.close_by_id(outcomes);
                return Ok(Delivery::Retry);
            }
            Act::Deliver | Act::Wait => {
                while batch.next_text().is_some() {
                    self.deliver_next(batch);
                }
            }
        }
        Ok(Delivery::Done)
    }
}

impl HandlerTree {
    fn has_recorder(&self) -> bool {
        match self {
            Self::Leaf { .. } | Self::Retrying { .. } => false,
            Self::Recorder { .. } => true,
            Self::Memory { target, .. } => target.has_recorder(),
            Self::Route(first, rest) => first.has_recorder() || rest.as_ref().is_some_and(|rest| rest.has_recorder()),
            Self::Fallback(first, second) => first.has_recorder() || second.has_recorder(),
        }
    }

    /// Makes the handler. What its leaves deliver goes to `leaves`.
    fn build(self, is_mixed: bool, leaves: &mut Vec<Arc<Mutex<Delivered>>>) -> HandlerSpec {
        let mut leaf = |script: Vec<Act>| {
            let delivered = Arc::new(Mutex::new(Delivered { is_mixed, ..Delivered::default() }));
            leaves.push(delivered.clone());
            Leaf { script: script.into(), delivered }
        };
        match self {
            Self::Leaf { level, script } => leaf(script).configure().level(level).build(),
            Self::Retrying { script } => leaf(script).configure().on_error(ErrorPolicy::Retry { bytes: 6 }).build(),
            Self::Memory { capacity, flush_on_close, target } => {
                let target = target.build(is_mixed, leaves);
                FemtoMemoryHandler::builder(target).capacity(capacity).flush_on_close(flush_on_close).build()
            }
            Self::Recorder { records, target } => {
                let target = target.build(is_mixed, leaves);
                FemtoFlightRecorder::builder(target).records(records).build()
            }
            Self::Route(first, rest) => {
                let by_three = |record: &FemtoLogRecord<'_>| {
                    record.message().to_string().parse::<usize>().unwrap().is_multiple_of(3)
                };
                let mut routes = FemtoRouteHandler::builder().route(by_three, first.build(is_mixed, leaves));
                if let Some(rest) = rest {
                    routes = routes.otherwise(rest.build(is_mixed, leaves));
                }
                routes.build()
            }
            Self::Fallback(first, second) => {
                // What the first one gives up late comes behind what went to the second one meanwhile.
                let (first, second) = (first.build(is_mixed, leaves), second.build(true, leaves));
                FemtoFallbackHandler::builder(first, second).build()
            }
        }
        .unwrap()
    }

    /// Whether a record of this number and level ends at a leaf that takes it; not for recorders.
    fn takes(&self, number: usize, level: Level) -> bool {
        match self {
            Self::Leaf { level: lowest, .. } => level >= *lowest,
            Self::Retrying { .. } => true,
            Self::Memory { target, .. } | Self::Recorder { target, .. } => target.takes(number, level),
            Self::Route(first, _) if number.is_multiple_of(3) => first.takes(number, level),
            Self::Route(_, rest) => rest.as_ref().is_some_and(|rest| rest.takes(number, level)),
            // Turned away by the first, it is dealt with. The second one sees what the first took.
            Self::Fallback(first, second) => first.takes(number, level) && second.takes(number, level),
        }
    }
}

/// What the handler's thread does.
#[derive(Clone, Copy, Debug)]
enum WorkerStep {
    Record(Level),
    /// What the library itself says.
    Own,
    Idle,
    Full,
    Flush,
    Tick,
}

fn any_step() -> impl Strategy<Value = WorkerStep> {
    prop_oneof![
        6 => prop::sample::select(&[Level::Debug, Level::Info, Level::Error][..]).prop_map(WorkerStep::Record),
        1 => Just(WorkerStep::Own),
        2 => Just(WorkerStep::Idle),
        1 => Just(WorkerStep::Full),
        1 => Just(WorkerStep::Flush),
        1 => Just(WorkerStep::Tick),
    ]
}

/// The handler's thread.
struct Thread {
    target: InnerHandler,
    now: Timestamp,
    records: u64,
    written: u64,
    failed: u64,
}

impl Thread {
    fn log(&mut self, number: usize, level: Level, is_own: bool) {
        let message = number.to_string();
        let record = ByHand { level, message: &message, timestamp: self.now, ..ByHand::default() };
        let (handler, batch) = (&mut self.target.handler, &mut self.target.batch);
        record.with(|record| handler.handle(record, batch)).unwrap();
        if is_own {
            batch.seal_uncounted()
        } else {
            batch.seal()
        }
        self.records += u64::from(!is_own);
    }

    fn deliver(&mut self, call: Call) {
        let batch = &mut self.target.batch;
        if batch.is_empty() {
            return;
        }
        batch.set_call(call);
        let rest = match self.target.handler.deliver(batch, self.now).unwrap() {
            Delivery::Retry => Outcome::Open,
            Delivery::Done => Outcome::Written,
            Delivery::Wait => return,
        };
        self.settle(rest);
    }

    fn settle(&mut self, rest: Outcome) {
        let settled = self.target.batch.settle(rest);
        self.written += settled.written;
        self.failed += settled.failed;
    }

    fn flush(&mut self, closing: bool) {
        for urgent in [true, false, false] {
            self.deliver(Call { due: true, urgent, closing, time_left: Some(Duration::from_secs(1)) });
        }
        let _ = self.target.handler.flush();
    }
}

/// A leaf alone is no handler of handlers.
fn any_composite() -> impl Strategy<Value = HandlerTree> {
    any_tree().prop_filter("a leaf", |tree| !matches!(tree, HandlerTree::Leaf { .. } | HandlerTree::Retrying { .. }))
}

proptest! {
    #[test]
    fn every_record_is_delivered_once_or_counted(
        tree in any_composite(),
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let mut leaves = Vec::new();
        let spec = tree.clone().build(false, &mut leaves);
        let now = ByHand::default().timestamp;
        let mut thread = Thread { target: spec.into(), now, records: 0, written: 0, failed: 0 };
        let mut levels = Vec::new();
        let mut own = Vec::new();
        for step in steps.into_iter().map(Some).chain([None]) {
            let number = levels.len();
            match step {
                Some(WorkerStep::Record(level)) => {
                    thread.log(number, level, false);
                    levels.push(level);
                }
                Some(WorkerStep::Own) => {
                    thread.log(number, Level::Warn, true);
                    levels.push(Level::Warn);
                    own.push(number);
                }
                Some(WorkerStep::Idle) => thread.deliver(Call::default()),
                Some(WorkerStep::Full) => thread.deliver(Call { due: true, ..Call::default() }),
                Some(WorkerStep::Flush) => thread.flush(false),
                Some(WorkerStep::Tick) => {
                    thread.now = thread.now.saturating_add(Duration::from_secs(20));
                    let _ = thread.target.handler.tick(thread.now);
                }
                None => {
                    thread.flush(true);
                    thread.settle(Outcome::Failed);
                    let _ = thread.target.handler.close();
                    prop_assert_eq!(thread.written + thread.failed, thread.records);
                }
            }
            let mut delivered = Vec::new();
            for leaf in &leaves {
                let leaf = lock(leaf);
                prop_assert!(leaf.is_mixed || leaf.numbers.is_sorted(), "disorder: {:?}", leaf.numbers);
                delivered.extend_from_slice(&leaf.numbers);
            }
            delivered.sort_unstable();
            prop_assert!(delivered.is_sorted_by(|a, b| a < b), "twice: {:?}", delivered);
            prop_assert!(delivered.last().is_none_or(|last| *last < levels.len()), "mutilated: {:?}", delivered);
            if let Some(WorkerStep::Record(_) | WorkerStep::Own | WorkerStep::Tick) = step {
                continue;
            }
            if tree.has_recorder() {
                continue;
            }
            // What is delivered, and nothing else but what was turned away, counts as written.
            let delivered = delivered.iter().filter(|number| !own.contains(number)).count() as u64;
            let turned_away = |(number, level): &(usize, &Level)| !own.contains(number) && !tree.takes(*number, **level);
            let turned_away = levels.iter().enumerate().filter(turned_away).count() as u64;
            prop_assert!((delivered..=delivered + turned_away).contains(&thread.written), "{} of {}, {}", thread.written, delivered, turned_away);
            if step.is_none() {
                prop_assert_eq!(thread.failed, thread.records - thread.written);
            }
        }
    }
}

#[test]
fn memory_hands_on_also_what_comes_while_a_flush_waits() {
    let mut leaves = Vec::new();
    let target = Box::new(HandlerTree::Leaf { level: Level::Trace, script: vec![Act::Keep] });
    let spec = HandlerTree::Memory { capacity: 100, flush_on_close: true, target }.build(false, &mut leaves);
    let now = ByHand::default().timestamp;
    let mut thread = Thread { target: spec.into(), now, records: 0, written: 0, failed: 0 };
    let flush = |urgent| Call { due: true, urgent, closing: false, time_left: Some(Duration::from_secs(1)) };
    thread.log(0, Level::Info, false);
    thread.deliver(flush(true));
    thread.log(1, Level::Info, false);
    thread.deliver(flush(false));
    assert!(thread.target.batch.is_empty());
    assert_eq!(lock(&leaves[0]).numbers, [0, 1]);
}
