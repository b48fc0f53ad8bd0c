//! How much memory the queue of a handler takes that is stuck. Each test has a process of its own, in which all
//! allocations are counted.
#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, Barrier, mpsc};

use common::is_child;
use femtologging::metrics::DropReason;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::{Config, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Logging, info};

/// The system's allocator, which counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the queues of all handlers may take by default.
const MOST: usize = 64 << 20;

/// What is not the queue: the handler's thread, the record that it handles, registers of threads.
const BESIDE: usize = 3 << 20;

/// A system whose handler is stuck with its first record until it is let go.
struct Stuck {
    logging: Logging,
    logger: FemtoLogger,
    go: mpsc::Sender<()>,
    before: usize,
}

impl Stuck {
    fn new(transport: Transport) -> Self {
        let ((at_work, is_at_work), (go, may_go)) = (mpsc::channel(), mpsc::channel());
        let formatter = move |_: &FemtoLogRecord<'_>, _: &mut Vec<u8>| {
            let _ = at_work.send(());
            let _ = may_go.recv();
        };
        let handler = FemtoStreamHandler::builder(std::io::sink())
            .formatter(formatter)
            .transport(transport)
            .overflow(OverflowPolicy::DropNewest)
            .build()
            .unwrap();
        let logging = Config::builder().add_handler("stuck", handler).build().unwrap();
        let logger = logging.get_logger("app").unwrap();
        let before = IN_USE.load(Relaxed);
        info!(logger: logger, "first");
        is_at_work.recv().unwrap();
        Self { logging, logger, go, before }
    }

    /// Checks what is in use, with so many bytes that are somebody else's.
    fn check(&self, besides: usize) {
        let taken = IN_USE.load(Relaxed) - self.before;
        let metrics = self.logging.metrics().handlers.remove(0);
        println!("{} KiB in use; {metrics:?}", taken / 1024);
        assert!(taken <= MOST + BESIDE + besides, "{} KiB", taken / 1024);
    }

    /// The policy decides what there is no room for, and what there is room for is written.
    fn end(self, logged: u64) {
        let metrics = self.logging.metrics().handlers.remove(0);
        let full = metrics.dropped.by_reason(DropReason::Full) + metrics.dropped.by_reason(DropReason::Reserved);
        assert_eq!((metrics.emitted, metrics.in_flight, metrics.dropped.total()), (logged, logged - full, full));
        assert!(full > 0);
        drop(self.go);
        self.logging.flush(std::time::Duration::from_secs(60)).unwrap();
        assert_eq!(self.logging.metrics().handlers[0].written, logged - full);
    }
}

#[test]
fn threads_that_come_and_go_share_what_the_queue_may_take() {
    if !is_child("threads_that_come_and_go_share_what_the_queue_may_take") {
        return;
    }
    let stuck = Stuck::new(Transport::default());
    let text = Arc::new("x".repeat(4096));
    for _ in 0..20_000 {
        let (logger, text) = (stuck.logger.clone(), text.clone());
        std::thread::spawn(move || info!(logger: logger, "{}", *text)).join().unwrap();
    }
    stuck.check(0);
    stuck.end(1 + 20_000);
}

#[test]
fn threads_that_are_there_at_the_same_time_share_what_the_queue_may_take() {
    if !is_child("threads_that_are_there_at_the_same_time_share_what_the_queue_may_take") {
        return;
    }
    const THREADS: usize = 3000;
    let stuck = Stuck::new(Transport::default());
    let (logged, checked) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let work = || {
                for number in 0..1000 {
                    info!(logger: stuck.logger, "{} {} {}", number, number, number);
                }
                logged.wait();
                checked.wait();
            };
            std::thread::Builder::new().stack_size(64 * 1024).spawn_scoped(scope, work).unwrap();
        }
        logged.wait();
        // A thread's own table and what the standard library keeps for it.
        stuck.check(THREADS * 2048);
        checked.wait();
    });
    stuck.end(1 + 1000 * THREADS as u64);
}

/// Threads whose messages are too large for a ring.
fn large_messages(transport: Transport, threads: usize) {
    let stuck = Stuck::new(transport);
    let text = "x".repeat(100 * 1024);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..2000 / threads).for_each(|_| info!(logger: stuck.logger, "{}", text)));
        }
    });
    stuck.check(0);
    stuck.end(1 + 2000);
}

#[test]
fn large_messages_beside_rings_share_what_the_queue_may_take() {
    if is_child("large_messages_beside_rings_share_what_the_queue_may_take") {
        large_messages(Transport::default(), 100);
    }
}

#[test]
fn large_messages_in_a_channel_share_what_the_queue_may_take() {
    if is_child("large_messages_in_a_channel_share_what_the_queue_may_take") {
        large_messages(Transport::Shared { capacity: Some(10_000) }, 8);
    }
}
