//! The thread that writes notices to standard error, or hands them to the user's hook.
//!
//! Both may hang: a pipe that nobody reads, a hook that waits. Nothing that the library does may wait for that, the end
//! of the process least of all. Neither `poll` nor `O_NONBLOCK` gives that: the room that `poll` finds may be taken by
//! another process before the write, and the flag belongs to everybody who shares the stream. So notices are said on a
//! thread of their own, which is started by the first one. Whoever has something to say waits a moment for it, so that
//! notices come before what the caller does next. While the thread hangs, notices are dropped and nobody waits.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::stdio::StandardStream;
use crate::sync::{generation, lock};
use crate::sys;

/// How long a caller waits for its notice to be said.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many notices wait for their turn.
const CAPACITY: usize = 64;

/// Says something to the given stream, and returns whether it reached anybody.
pub(super) type Notice = Box<dyn FnOnce(&mut dyn Write) -> bool + Send>;

static SPEAKER: Mutex<Option<Speaker>> = Mutex::new(None);

/// Where notices go: what standard error was when the last logging system was set up, or at the first notice.
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
    /// How many notices were given to the thread and are not yet said.
    pending: AtomicUsize,
    /// Whether somebody has waited in vain since the thread last finished a notice.
    stuck: AtomicBool,
}

/// Has the notice said; returns whether it reached anybody in time.
pub(super) fn say(notice: Notice) -> bool {
    let Some(Speaker { notices, progress, .. }) = speaker() else {
        return false;
    };
    // The second look is for a caller that gave up just when the thread had finished.
    if progress.stuck.load(Acquire) && progress.pending.load(Acquire) > 0 {
        return false;
    }
    let (said, answer) = bounded(1);
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

/// Returns this process's speaker, whose thread is started if need be; `None` if that is refused.
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
    for (notice, said) in inbox {
        let reached = match stderr() {
            Some(stream) => notice(&mut &*stream),
            None => notice(&mut Nowhere),
        };
        progress.pending.fetch_sub(1, AcqRel);
        progress.stuck.store(false, Release);
        let _ = said.send(reached);
    }
}

/// Stands for a standard error that could not be duplicated.
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

/// Has notices go to what standard error is now.
pub(crate) fn adopt_stderr() {
    if let Ok(stream) = StandardStream::stderr() {
        let old = lock(&STDERR).replace(Arc::new(stream));
        drop(old);
    }
}
