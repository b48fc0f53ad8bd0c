//! The thread that writes notices to standard error, or hands them to the user's hook.
//!
//! Both may hang: standard error may be a pipe that nobody reads, and a hook may wait. Neither a handler nor the end of
//! the process may wait for them without limit. `poll` and `O_NONBLOCK` do not help: another process may take the room
//! that `poll` found before the write, and the flag applies to every process that shares the stream.
//!
//! So one thread writes all notices; the first notice starts it. A caller waits for its notice for up to 100 ms, so
//! that in the ordinary case the notice is written before the caller goes on. While the thread hangs, notices are
//! dropped and counted, and no caller waits.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::stdio::StandardStream;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::{generation, lock};
use crate::sys;

/// How long a caller waits for its notice to be written.
const PATIENCE: Duration = Duration::from_millis(100);

/// The maximum number of notices that wait for their turn.
const CAPACITY: usize = 64;

/// Writes a notice to the given stream, or passes it to the hook. Returns whether that worked.
pub(super) type Notice = Box<dyn FnOnce(&mut dyn Write) -> bool + Send>;

static SPEAKER: Mutex<Option<Speaker>> = Mutex::new(None);

/// The destination of notices: what standard error was when the last logging system was set up, or at the first notice.
static STDERR: Mutex<Option<Arc<StandardStream>>> = Mutex::new(None);

/// The callers' end of the thread.
#[derive(Clone)]
struct Speaker {
    /// The process that has the thread; a child of `fork` starts its own.
    process: u32,
    notices: Sender<(Notice, Sender<bool>)>,
    progress: Arc<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The number of notices that were given to the thread and are not yet written.
    pending: AtomicUsize,
    /// Whether a caller has timed out since the thread last finished a notice.
    stuck: AtomicBool,
}

/// Has the notice written. Returns whether that happened in time.
pub(super) fn say(notice: Notice) -> bool {
    let Some(Speaker { notices, progress, .. }) = speaker() else {
        return false;
    };
    // The second look is for a caller that gave up just when the thread had finished.
    if progress.stuck.load(Acquire) && progress.pending.load(Acquire) > 0 {
        return false;
    }
    let (said, answer) = bounded(1);
    // Before the send: a thread that finishes the notice at once decrements it.
    progress.pending.fetch_add(1, AcqRel);
    if notices.send_timeout((notice, said), PATIENCE).is_err() {
        progress.pending.fetch_sub(1, AcqRel);
        progress.stuck.store(true, Release);
        return false;
    }
    answer.recv_timeout(PATIENCE).unwrap_or_else(|error| {
        progress.stuck.store(error.is_timeout(), Release);
        false
    })
}

/// Returns this process's speaker, and starts its thread if there is none; `None` if the thread cannot start.
fn speaker() -> Option<Speaker> {
    let mut current = lock(&SPEAKER);
    if let Some(speaker) = current.as_ref().filter(|speaker| speaker.process == generation()) {
        return Some(speaker.clone());
    }
    let (notices, inbox) = bounded(CAPACITY);
    let progress = Arc::<Progress>::default();
    let thread = sys::spawn("femtolog-notices", {
        let progress = progress.clone();
        move || run(&inbox, &progress)
    });
    thread.ok()?;
    let speaker = Speaker { process: generation(), notices, progress };
    // The parent's channel may be locked by a thread that this child of `fork` does not have.
    mem::forget(current.replace(speaker.clone()));
    Some(speaker)
}

fn run(inbox: &Receiver<(Notice, Sender<bool>)>, progress: &Progress) {
    while let Ok((notice, said)) = inbox.recv() {
        let reached = match stderr() {
            Some(stream) => notice(&mut &*stream),
            None => notice(&mut Nowhere),
        };
        progress.pending.fetch_sub(1, AcqRel);
        progress.stuck.store(false, Release);
        let _ = said.send(reached);
    }
}

/// A writer that fails, in place of a standard error that could not be duplicated.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns what notices are written to.
fn stderr() -> Option<Arc<StandardStream>> {
    let known = lock(&STDERR).clone();
    known.or_else(|| {
        adopt_stderr();
        lock(&STDERR).clone()
    })
}

/// Redirects notices to what standard error is now.
pub(crate) fn adopt_stderr() {
    if let Ok(stream) = StandardStream::stderr() {
        let old = lock(&STDERR).replace(Arc::new(stream));
        drop(old);
    }
}
