//! Signal handlers that log: what interrupts a log call of the same thread is refused and counted, and breaks nothing.
#![cfg(unix)]
#![allow(unsafe_code)]

mod common;

use std::io::{self, Write};
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use femtologging::metrics::DropReason;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::{Config, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Logging, info};

const LONG: Duration = Duration::from_secs(60);

/// What the signal handlers log to, and how many records they have logged.
static LOGGER: OnceLock<FemtoLogger> = OnceLock::new();
static FROM_HANDLER: AtomicU64 = AtomicU64::new(0);

extern "C" fn log_from_handler(_: libc::c_int) {
    let number = FROM_HANDLER.fetch_add(1, SeqCst);
    info!(logger: LOGGER.get().unwrap(), "{} {} {}", -1, number, number);
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the test of this name in a process of its own, which a clock ends if it hangs. Returns whether this is it.
fn is_limited_child(name: &str) -> bool {
    let is_child = common::is_child(name);
    if is_child {
        let memory = libc::rlimit { rlim_cur: 4 << 30, rlim_max: 4 << 30 };
        // SAFETY: both calls only set limits of this process.
        unsafe {
            libc::setrlimit(libc::RLIMIT_AS, &memory);
            libc::alarm(120);
        }
    }
    is_child
}

fn system(text: &Text, transport: Transport, overflow: OverflowPolicy) -> Logging {
    let message = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out);
    let handler = FemtoStreamHandler::builder(text.clone()).formatter(message).transport(transport);
    // Without a thread, callers wait.
    let handler = if transport == Transport::Inline { handler } else { handler.overflow(overflow) };
    Config::builder().add_handler("text", handler.build().unwrap()).build().unwrap()
}

/// A thread logs at full speed; signals interrupt it, and their handler logs, until some have met a record half written.
fn storm(transport: Transport, overflow: OverflowPolicy) {
    let text = Text::default();
    let logging = system(&text, transport, overflow);
    let logger = logging.get_logger("app").unwrap();
    LOGGER.set(logger.clone()).unwrap();
    // SAFETY: the handler logs, which is made to work in a signal handler that interrupts a log call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = log_from_handler as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
    }
    let (ready, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let thread = std::thread::spawn({
        let (ready, stop) = (ready.clone(), stop.clone());
        move || {
            // The thread knows its route, and the handler's call site is registered, before the first signal comes.
            log_from_handler(0);
            ready.store(true, SeqCst);
            let mut number = 0_u64;
            while !stop.load(Relaxed) {
                info!(logger: logger, "{} {} {}", 1, number, number);
                number += 1;
            }
            number
        }
    });
    while !ready.load(SeqCst) {
        std::thread::yield_now();
    }
    let refused = || logging.metrics().handlers[0].dropped.by_reason(DropReason::Reentrant);
    let deadline = Instant::now() + LONG;
    while refused() < 20 && Instant::now() < deadline {
        for _ in 0..1000 {
            // SAFETY: the thread runs until it is told to stop.
            unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1) };
            std::thread::yield_now();
        }
    }
    assert!(refused() >= 20, "no signal has interrupted a log call");
    stop.store(true, SeqCst);
    let logged = thread.join().unwrap();
    logging.flush(LONG).unwrap();

    let metrics = logging.metrics();
    let handler = &metrics.handlers[0];
    let from_handler = FROM_HANDLER.load(SeqCst);
    assert_eq!(handler.emitted + metrics.unrouted, logged + from_handler);
    assert_eq!((handler.written + handler.dropped.total(), handler.in_flight), (handler.emitted, 0));
    // Every line is whole, and each of the two sequences is in order.
    let text = String::from_utf8(text.0.lock().unwrap().clone()).unwrap();
    let (mut next, mut least, mut lines) = (0, 0, 0);
    for line in text.lines().filter(|line| !line.starts_with("dropped ")) {
        let numbers: Vec<i64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        let [who, number, again] = numbers[..] else { panic!("{line}") };
        assert_eq!(number, again, "{line}");
        let expected = if who == 1 { &mut next } else { &mut least };
        assert!(number >= *expected, "{line} came after {}", *expected - 1);
        *expected = number + 1;
        lines += 1;
    }
    assert_eq!(lines, handler.written);
    if overflow == OverflowPolicy::Block {
        assert_eq!(next, logged as i64);
        assert_eq!(handler.dropped.total(), handler.dropped.by_reason(DropReason::Reentrant));
    }
    logging.shutdown(LONG).unwrap();
}

#[test]
fn a_handler_that_interrupts_a_log_call_is_refused_with_rings() {
    if is_limited_child("a_handler_that_interrupts_a_log_call_is_refused_with_rings") {
        storm(Transport::default(), OverflowPolicy::DropNewest);
    }
}

#[test]
fn a_handler_that_interrupts_a_delivery_is_refused_without_a_thread() {
    if is_limited_child("a_handler_that_interrupts_a_delivery_is_refused_without_a_thread") {
        storm(Transport::Inline, OverflowPolicy::Block);
    }
}

#[test]
fn a_handler_that_interrupts_a_log_call_is_refused_where_callers_wait() {
    if is_limited_child("a_handler_that_interrupts_a_log_call_is_refused_where_callers_wait") {
        storm(Transport::PerThread { bytes: 1024 }, OverflowPolicy::Block);
    }
}

#[test]
fn a_handler_that_interrupts_a_log_call_is_refused_with_a_channel() {
    if is_limited_child("a_handler_that_interrupts_a_log_call_is_refused_with_a_channel") {
        storm(Transport::Shared { capacity: Some(100) }, OverflowPolicy::Block);
    }
}
