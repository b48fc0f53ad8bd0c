//! The backups of a file: plans are made under the rollover lock and carried out step by step.
//!
//! # The lock
//!
//! Renames and removals of backups are done by whoever owns the rollover lock; see [`Turn`]. It excludes other threads
//! (a compressor and a handler of this process) and other processes. It is held for a listing and a few renames, never
//! while text is read, written or compressed, so the wait for it is short. Whoever does not get it within a second
//! postpones the rollover: it can always come later.
//!
//! ```text
//! process A                               process B
//! opens .app.log.lock, locks it
//! renames …                               opens .app.log.lock, cannot lock it: waits
//! removes .app.log.lock, unlocks it       locks the file that it has open
//!                                         the path has no file, or another one: tries again
//!                                         opens .app.log.lock, locks it, and it is the one at the path
//! ```
//!
//! Without the check at the end, A's next lock (on a new file) and B's (on the removed one) would both succeed.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use super::names::BackupNames;
use super::plan::{self, Listing, Retention, Step};
use crate::error::Error;
use crate::handler::disk::{AppendFile, FileId, FileSystem, Lock, rename_to_free_name};
use crate::sync::lock;
use crate::time::Timestamp;

/// The maximum time for which a rollover waits while another process renames the same file's backups.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pauses between attempts to get the lock, which double.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(32);

/// A file's backups, all in its directory.
pub(super) struct Backups {
    pub(super) fs: Arc<dyn FileSystem>,
    /// The file of which they are backups; not a symbolic link.
    pub(super) path: PathBuf,
    pub(super) names: BackupNames,
    pub(super) retention: Retention,
    /// The permission bits of the lock file.
    permissions: Option<u32>,
    /// The file that is written to. It must not be compressed, even if another process has renamed it to a backup.
    active: Mutex<Option<FileId>>,
    /// Held by the owner of the rollover lock. It excludes the threads of this process where the file system has no
    /// locks. It is not taken with [`lock`]: a `fork` need not wait for the disk.
    turn: Mutex<()>,
    /// Whether the last wait for the rollover lock timed out. Until the lock is taken again, nobody waits for it.
    is_stuck: AtomicBool,
}

/// The rollover lock: the right to rename and remove backups.
///
/// The lock is an advisory one on the file `.app.log.lock`, which is removed when the lock is released. A process that
/// gets the lock on a file that was removed in the meantime tries again: another process may have created and locked
/// the next one. A process that is killed leaves the file, unlocked.
pub(super) struct Turn<'a> {
    backups: &'a Backups,
    /// The directory after recovery.
    pub(super) listing: Listing,
    _lock: Locked<'a>,
}

/// The locked file, and the turn among the threads of this process. They are dropped in this order.
struct Locked<'a>(
    #[expect(dead_code, reason = "held")] Box<dyn AppendFile>,
    #[expect(dead_code, reason = "held")] MutexGuard<'a, ()>,
);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let _ = self.backups.fs.remove(&self.backups.lock_path());
    }
}

impl Backups {
    pub(super) fn new(
        fs: Arc<dyn FileSystem>,
        path: PathBuf,
        names: BackupNames,
        retention: Retention,
        permissions: Option<u32>,
    ) -> Self {
        let (active, turn, is_stuck) = (Mutex::new(None), Mutex::new(()), AtomicBool::new(false));
        Self { fs, path, names, retention, permissions, active, turn, is_stuck }
    }

    pub(super) fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.with_file_name(name.as_ref())
    }

    fn base(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    fn lock_path(&self) -> PathBuf {
        let mut name = OsStr::new(".").to_owned();
        name.push(self.base());
        name.push(".lock");
        self.path_of(name)
    }

    /// Sets the file that is written to.
    pub(super) fn set_active(&self, id: Option<FileId>) {
        *lock(&self.active) = id;
    }

    #[cfg(feature = "gzip")]
    pub(super) fn is_active(&self, id: FileId) -> bool {
        *lock(&self.active) == Some(id)
    }

    /// Lists the file and its backups. Another process may change them meanwhile, except in one's [`Turn`].
    pub(super) fn list(&self) -> Result<Listing, Error> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let names = self.fs.list(directory);
        let names = names.map_err(|error| Error::io(format_args!("cannot list {}", directory.display()), error))?;
        let mut listing = Listing::new(self.base().to_owned());
        for name in names {
            if !listing.concerns(&self.names, &name) {
                continue;
            }
            let path = self.path_of(&name);
            match self.fs.entry(&path) {
                Ok(metadata) => listing.add(&self.names, name, metadata),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(format_args!("cannot look at {}", path.display()), error)),
            }
        }
        listing.sort(&self.names);
        Ok(listing)
    }

    /// Waits for the rollover lock, and completes what a process has begun that ended while it had the lock.
    ///
    /// # Errors
    ///
    /// The lock is not free in time, or the system's error.
    pub(super) fn turn(&self) -> Result<Turn<'_>, Error> {
        let (mut left, mut pause) = (PATIENCE, FIRST_PAUSE);
        if self.is_stuck.load(Relaxed) {
            left = Duration::ZERO;
        }
        let lock = loop {
            let got = self.try_turn().map_err(|error| {
                let path = self.lock_path();
                Error::io(format_args!("cannot lock {}", path.display()), error)
            });
            if let Some(got) = got? {
                break got;
            }
            if left.is_zero() {
                self.is_stuck.store(true, Relaxed);
                return Err(Error::timeout(format_args!("another rollover of {}", self.path.display())));
            }
            self.fs.pause(pause.min(left));
            left = left.saturating_sub(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
        };
        self.is_stuck.store(false, Relaxed);
        let listing = Listing::new(self.base().to_owned());
        let mut turn = Turn { backups: self, listing, _lock: lock };
        turn.recover()?;
        Ok(turn)
    }

    /// Tries to get the lock once, without waiting.
    fn try_turn(&self) -> io::Result<Option<Locked<'_>>> {
        let turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        let path = self.lock_path();
        let file = self.fs.append_plain(&path, self.permissions)?;
        if !file.try_lock(Lock::Exclusive) {
            return Ok(None);
        }
        // The previous owner may have removed the file between our open and our lock.
        let id = file.metadata()?.id;
        let is_in_place = self.fs.entry(&path).is_ok_and(|entry| entry.id == id);
        Ok(is_in_place.then_some(Locked(file, turn)))
    }

    /// Makes a backup of the file with this id, if it still is the one at the path, and removes the backups that exceed
    /// the limits. `shown` is the start of the file's period. Returns an error that happened after the rename.
    ///
    /// If the path has another file by now, another process has rolled over. The caller then just opens that file.
    pub(super) fn take(&self, id: FileId, shown: i64, now: Timestamp) -> Result<Option<Error>, Error> {
        let mut turn = self.turn()?;
        // Otherwise another process has made a backup of it, or removed it.
        if !turn.listing.file.is_some_and(|file| file.id == id) {
            return Ok(None);
        }
        let Some(steps) = plan::rollover(&self.names, &turn.listing, &self.retention, shown) else {
            let error = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(Error::io(format_args!("no name is free for a backup of {}", self.path.display()), error));
        };
        turn.carry_out(&steps)?;
        Ok(turn.prune(now).err())
    }

    /// Completes the changes of a process that was killed. Takes the lock only if there is something to complete.
    pub(super) fn recover(&self) -> Result<(), Error> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        if self.fs.metadata(directory).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            // It is still to be created.
            return Ok(());
        }
        match plan::recovery(&self.names, &self.list()?).is_empty() {
            true => Ok(()),
            false => self.turn().map(drop),
        }
    }

    /// Removes a file, if it still exists.
    pub(super) fn remove(&self, path: &Path) -> Result<(), Error> {
        match self.fs.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io(format_args!("cannot remove {}", path.display()), error))
            }
            _ => Ok(()),
        }
    }
}

impl Turn<'_> {
    /// Completes the changes of a process that was killed while it had the lock, and lists the directory after that.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        self.listing = self.backups.list()?;
        let steps = plan::recovery(&self.backups.names, &self.listing);
        if !steps.is_empty() {
            self.carry_out(&steps)?;
            self.listing = self.backups.list()?;
        }
        Ok(())
    }

    /// Carries steps out up to the first that fails.
    pub(super) fn carry_out(&self, steps: &[Step]) -> Result<(), Error> {
        steps.iter().try_for_each(|step| self.carry_out_one(step))
    }

    fn carry_out_one(&self, step: &Step) -> Result<(), Error> {
        let backups = self.backups;
        match step {
            Step::Rename { from, to } => {
                let (from, to) = (backups.path_of(from), backups.path_of(to));
                rename_to_free_name(&*backups.fs, &from, &to).map_err(|error| {
                    Error::io(format_args!("cannot rename {} to {}", from.display(), to.display()), error)
                })
            }
            Step::Remove(name) => backups.remove(&backups.path_of(name)),
        }
    }

    /// Removes the backups that exceed the limits of retention. Errors do not stop it: each backup is tried.
    fn prune(&mut self, now: Timestamp) -> Result<(), Error> {
        let Backups { names, retention, .. } = self.backups;
        // Numbered backups were counted by the rollover.
        let counts = retention.count > 0 && !matches!(names, BackupNames::Numbered(_));
        if !counts && retention.age.is_none() && retention.bytes.is_none() {
            return Ok(());
        }
        self.listing = self.backups.list()?;
        let steps = plan::excess(names, &self.listing, retention, now);
        Error::gather(steps.iter().filter_map(|step| self.carry_out_one(step).err()).collect())
    }
}
