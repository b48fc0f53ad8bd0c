//! What several of the tests share.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use femtologging::config::ConfigBuilder;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::record::OwnedRecord;
use femtologging::time::{ManualClock, Timestamp};
use femtologging::{FemtoLogger, Logging};

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(60);

/// 2026-03-12T08:30:00.123456Z, and what the text formatter writes for it.
pub fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_nanos(1_773_304_200_123_456_000))
}

pub const TIME: &str = "2026-03-12T08:30:00.123456Z";

/// Says that a test cannot run here: past the test harness, which keeps what tests print that pass.
pub fn skipped(why: &str) {
    let _ = writeln!(io::stderr(), "skipped: {why}");
}

/// Fails a test that is ignored unless it is asked for, because it needs a program that may not be there.
pub fn missing(peer: &str) -> ! {
    panic!("this test needs {peer}, which is not installed")
}

/// Asks again and again until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Holds `condition` against what happens in the next moments. A right library passes however slow the machine is.
pub fn stays(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..30 {
        assert!(condition(), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What a [`Scripted`] writer does with one write.
pub enum Step {
    /// Takes at most so many bytes.
    Take(usize),
    Fail(io::ErrorKind, &'static str),
    Panic,
    /// Waits for a word, or for the end of the channel, and then takes all.
    Wait(Receiver<()>),
    /// Fails to flush after this, once.
    FailFlush,
}

/// A writer that follows a script and then takes everything.
#[derive(Clone, Default)]
pub struct Scripted(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    script: VecDeque<Step>,
    fail_flush: bool,
    text: Vec<u8>,
    writes: usize,
}

impl Scripted {
    pub fn new(script: impl IntoIterator<Item = Step>) -> Self {
        let writer = Self::default();
        writer.0.lock().unwrap().script.extend(script);
        writer
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().text.clone()).unwrap()
    }

    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// How many writes there were, also those that failed.
    pub fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let step = {
            let mut state = self.0.lock().unwrap();
            state.writes += 1;
            state.script.pop_front()
        };
        let taken = match step {
            Some(Step::Fail(kind, text)) => return Err(io::Error::new(kind, text)),
            Some(Step::Panic) => panic!("expected by this test"),
            Some(Step::Wait(receiver)) => {
                let _ = receiver.recv();
                bytes.len()
            }
            Some(Step::FailFlush) => {
                self.0.lock().unwrap().fail_flush = true;
                bytes.len()
            }
            Some(Step::Take(at_most)) => at_most.min(bytes.len()),
            None => bytes.len(),
        };
        self.0.lock().unwrap().text.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.0.lock().unwrap().fail_flush) {
            return Err(io::Error::other("flush failed"));
        }
        Ok(())
    }
}

/// A logging system whose one handler keeps the records, and a logger of it.
pub struct Captured {
    pub logging: Logging,
    pub capture: FemtoCaptureHandler,
    pub logger: FemtoLogger,
}

impl Captured {
    pub fn new(config: ConfigBuilder) -> Self {
        Self::with(config, FemtoCaptureHandler::new())
    }

    pub fn with(config: ConfigBuilder, capture: FemtoCaptureHandler) -> Self {
        let logging = config.add_handler("capture", capture.clone()).build().unwrap();
        let logger = logging.get_logger("shop").unwrap();
        Self { logging, capture, logger }
    }

    /// Takes the records so far out of the handler.
    pub fn records(&self) -> Vec<OwnedRecord> {
        self.logging.flush(LONG).unwrap();
        self.capture.take()
    }
}

/// Suspends a task once.
pub async fn suspend() {
    let mut suspended = false;
    std::future::poll_fn(|task| {
        if std::mem::replace(&mut suspended, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

const CHILD: &str = "FEMTOLOGGING_TEST_CHILD";

/// Runs the test of this name in a process of its own, which must succeed. Returns whether this process is that child.
pub fn is_child(name: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&child.stdout));
    assert!(child.status.success(), "{}: {}", child.status, String::from_utf8_lossy(&child.stderr));
    false
}
