//! Compression of backups, on a thread of its own.
//!
//! A rollover may rename any backup at any moment, also the one that is being compressed. So a backup is identified by
//! its inode, which is held open (an open inode cannot be reused), and its name is looked up at the end, under the
//! rollover lock:
//!
//! ```text
//! compressor                                        a rollover at the same time
//! opens app.log.1, locks it exclusively
//! writes app.log.1.gz.tmp
//!                                                   app.log.1 → app.log.2
//! gets the rollover lock, finds its inode: app.log.2
//! app.log.2         → app.log.2.gz.old
//! app.log.1.gz.tmp  → app.log.2.gz
//! removes app.log.2.gz.old
//! ```
//!
//! The lock on the backup excludes writers: a handler of another process that has not noticed the rollover yet holds a
//! shared lock on the file that it writes to, and the backup is then skipped until the next tick.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::backups::Backups;
use super::plan::{self, Backup};
use crate::error::{Error, notify};
use crate::handler::disk::{AppendFile, FileId, FileMetadata, Lock, ReadFile};
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::generation;
use crate::sys;

/// The number of bytes that are compressed between two checks whether the handler ends.
const CHUNK: usize = 64 * 1024;

/// The thread that compresses a file's backups. It ends when this is dropped, without finishing the backup that it is
/// compressing; the next start does that.
pub(super) struct Compressor {
    /// The process that has the thread. A child of `fork` leaves compression to its parent, and touches neither the
    /// channel nor the thread.
    process: u32,
    wishes: Option<Sender<()>>,
    stop: Arc<AtomicBool>,
    /// Whether a backup was skipped because a handler still had it open.
    postponed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Compressor {
    /// Starts the thread, which looks for backups that an earlier one left.
    pub(super) fn start(backups: &Arc<Backups>) -> Result<Self, Error> {
        let (wishes, inbox) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let postponed = Arc::new(AtomicBool::new(false));
        let (backups, stopped, later) = (backups.clone(), stop.clone(), postponed.clone());
        let run = move || run(&backups, &inbox, &stopped, &later);
        let thread = sys::spawn("femtolog-gzip", run);
        let thread = thread.map_err(|error| Error::io("cannot start the thread that compresses backups", error))?;
        let compressor = Self { process: generation(), wishes: Some(wishes), stop, postponed, thread: Some(thread) };
        compressor.look();
        Ok(compressor)
    }

    /// Makes the thread look for plain backups.
    pub(super) fn look(&self) {
        if self.process != generation() {
            return;
        }
        // One pending request is enough.
        let _ = self.wishes.as_ref().map(|wishes| wishes.try_send(()));
    }

    /// Makes the thread look again if it skipped a backup.
    pub(super) fn look_again(&self) {
        if self.postponed.swap(false, Relaxed) {
            self.look();
        }
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        if self.process != generation() {
            // The parent's thread may have been in the middle of using the channel.
            return mem::forget((self.wishes.take(), self.thread.take()));
        }
        self.stop.store(true, Relaxed);
        self.wishes = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(backups: &Backups, inbox: &Receiver<()>, stop: &AtomicBool, postponed: &AtomicBool) {
    while let Ok(()) = inbox.recv() {
        match sweep(backups, &|| stop.load(Relaxed)) {
            Ok(is_all) => postponed.store(!is_all, Relaxed),
            Err(error) => notify(&format!("backups of {}", backups.path.display()), format_args!("{error:#}")),
        }
        if stop.load(Relaxed) {
            return;
        }
    }
}

/// The outcome of the compression of a backup.
enum GzipOutcome {
    Compressed,
    /// The name is that of another file by now: there was a rollover.
    Moved,
    /// Another process has the file open, or has removed or compressed it in the meantime.
    PassedOver,
}

/// Compresses every plain backup, the oldest first. Returns whether none was skipped.
pub(super) fn sweep(backups: &Backups, stopped: &dyn Fn() -> bool) -> Result<bool, Error> {
    remove_unfinished(backups)?;
    let (mut failures, mut seen): (_, Vec<FileId>) = (Vec::new(), Vec::new());
    let mut is_all = true;
    // Each backup is looked for in a listing of its own, because rollovers rename all of them.
    while !stopped() {
        let listing = backups.list()?;
        let is_next = |backup: &&Backup| !seen.contains(&backup.metadata.id) && !backups.is_active(backup.metadata.id);
        let Some(backup) = listing.to_compress().find(is_next) else {
            break;
        };
        match compress(backups, backup, stopped) {
            Ok(GzipOutcome::Moved) => continue,
            Ok(GzipOutcome::Compressed) => {}
            Ok(GzipOutcome::PassedOver) => is_all = false,
            Err(error) => {
                let path = backups.path_of(&backup.name);
                failures.push(Error::io(format_args!("cannot compress {}", path.display()), error));
            }
        }
        seen.push(backup.metadata.id);
    }
    Error::gather(failures).map(|()| is_all)
}

/// Removes compressed files that a process left unfinished: those on which no process holds a lock any more.
fn remove_unfinished(backups: &Backups) -> Result<(), Error> {
    let directory = backups.path.parent().unwrap_or(Path::new("."));
    let names = backups.fs.list(directory);
    let names = names.map_err(|error| Error::io(format_args!("cannot list {}", directory.display()), error))?;
    for name in names.iter().filter(|name| plan::is_unfinished(&backups.names, name)) {
        let path = backups.path_of(name);
        let is_at_path = |id| backups.fs.entry(&path).is_ok_and(|entry| entry.is_file && entry.id == id);
        if backups.fs.entry(&path).is_ok_and(|entry| entry.is_file)
            && let Ok(file) = backups.fs.read(&path)
            && file.try_lock(Lock::Exclusive)
            // Another process may have removed it meanwhile, and begun one of this name. Now none can.
            && file.metadata().is_ok_and(|metadata| is_at_path(metadata.id))
        {
            backups.remove(&path)?;
        }
    }
    Ok(())
}

/// Compresses one backup.
///
/// The text is read from a file that is held open and locked. Nobody writes to it meanwhile, and its inode is not
/// reused, whatever its name becomes. The name that it has at the end is looked up under the rollover lock.
fn compress(backups: &Backups, backup: &Backup, stopped: &dyn Fn() -> bool) -> io::Result<GzipOutcome> {
    let fs = &*backups.fs;
    let mut source = match fs.read(&backups.path_of(&backup.name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(GzipOutcome::Moved),
        source => source?,
    };
    let metadata = source.metadata()?;
    if metadata.id != backup.metadata.id {
        return Ok(GzipOutcome::Moved);
    }
    if !source.try_lock(Lock::Exclusive) {
        return Ok(GzipOutcome::PassedOver);
    }
    let name = plan::unfinished(&backup.name);
    let unfinished = backups.path_of(&name);
    let file = match fs.create(&unfinished, metadata.permissions) {
        // Another process compresses the file that had this name before.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(GzipOutcome::PassedOver),
        file => file?,
    };
    // Before it was locked, another process may have taken it for one that was left.
    let id = file.metadata()?.id;
    let is_ours = file.try_lock(Lock::Exclusive) && fs.entry(&unfinished).is_ok_and(|entry| entry.id == id);
    if !is_ours {
        return Ok(GzipOutcome::PassedOver);
    }
    let finished = write(&mut *source, file, &metadata, stopped).and_then(|file| match file {
        // The file keeps its lock until it has its name.
        Some(_file) => replace(backups, &*source, &metadata, &name),
        None => Ok(GzipOutcome::PassedOver),
    });
    if !matches!(finished, Ok(GzipOutcome::Compressed)) {
        let _ = fs.remove(&unfinished);
    }
    finished
}

/// Writes the compressed text. Returns the file if it is all there.
fn write(
    source: &mut dyn ReadFile,
    file: Box<dyn AppendFile>,
    metadata: &FileMetadata,
    stopped: &dyn Fn() -> bool,
) -> io::Result<Option<Box<dyn AppendFile>>> {
    let mut encoder = GzEncoder::new(file, Compression::default());
    let mut chunk = vec![0; CHUNK];
    let mut len = 0;
    loop {
        if stopped() {
            return Ok(None);
        }
        match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                encoder.write_all(chunk.get(..read).unwrap_or_default())?;
                len += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let file = encoder.finish()?;
    file.set_modified(metadata.modified)?;
    file.sync()?;
    Ok((len == metadata.len).then_some(file))
}

/// Replaces the plain backup by the compressed one, under the name that it has now.
fn replace(
    backups: &Backups,
    source: &dyn ReadFile,
    metadata: &FileMetadata,
    unfinished: &OsStr,
) -> io::Result<GzipOutcome> {
    let mut turn = backups.turn().map_err(io::Error::other)?;
    // Only if it is unchanged since it was read: without locks, another process may have written to it.
    let state = |metadata: &FileMetadata| (metadata.id, metadata.len, metadata.modified);
    if backups.is_active(metadata.id) || state(&source.metadata()?) != state(metadata) {
        return Ok(GzipOutcome::PassedOver);
    }
    let steps = turn.listing.plain(metadata.id).and_then(|plain| plan::replacement(&turn.listing, plain, unfinished));
    let Some(steps) = steps else {
        return Ok(GzipOutcome::PassedOver);
    };
    if let Err(error) = turn.carry_out(&steps) {
        // The plain one gets its name back.
        let _ = turn.recover();
        return Err(io::Error::other(error));
    }
    Ok(GzipOutcome::Compressed)
}
