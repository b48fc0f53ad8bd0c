//! The file that a handler writes to: opening, reopening, and noticing that it was renamed or removed.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::disk::{AppendFile, FileId, FileSystem, Lock};
use super::{Batch, Line};
use crate::error::Error;
use crate::policy::OnRemoval;

/// Makes a handler reopen its file, from any thread: after a SIGHUP, or when another program has renamed the file.
///
/// Clones are the same handle. If several handlers share a handle, a request reaches only one of them, so give each
/// handler its own.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoFileHandler, handler::ReopenHandle};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// let reopen = ReopenHandle::new();
/// let file = FemtoFileHandler::builder().path(&path).reopen_handle(&reopen).build()?;
/// let logging = Config::builder().add_handler("file", file).build()?;
/// // On a thread that waits for SIGHUP:
/// reopen.reopen();
/// # drop(logging);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReopenHandle(Arc<AtomicBool>);

impl ReopenHandle {
    /// Makes a handle for [`reopen_handle`](crate::handler::HandlerBuilder::reopen_handle).
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests that the file is reopened: before the next write, or within about a second.
    ///
    /// It only stores a flag, so a signal handler may call it. Records that the handler has not yet written go to the
    /// new file.
    pub fn reopen(&self) {
        self.0.store(true, Release);
    }

    fn take(&self) -> bool {
        self.0.load(Acquire) && self.0.swap(false, Acquire)
    }
}

/// The maximum number of attempts to open a file that others rename before it is locked.
const ATTEMPTS: usize = 100;

/// A path, and the file that is open there.
pub(super) struct LogFile {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) path: PathBuf,
    /// Whether the file is truncated when it is first opened.
    pub(super) truncate: bool,
    pub(super) create_dirs: bool,
    pub(super) permissions: Option<u32>,
    pub(super) fsync: bool,
    pub(super) reopen: Option<ReopenHandle>,
    pub(super) on_removal: OnRemoval,
    /// The terminator of a record's text.
    pub(super) terminator: Vec<u8>,
    /// Whether the file was removed, and [`OnRemoval::Fail`] waits until another program creates it.
    pub(super) is_gone: bool,
    pub(super) open: Option<OpenFile>,
}

/// An open file.
pub(super) struct OpenFile {
    pub(super) file: Box<dyn AppendFile>,
    pub(super) id: FileId,
    /// Whether it is an ordinary file.
    pub(super) is_file: bool,
    /// Its length, as known to this process.
    pub(super) len: u64,
    /// Whether this handler has not written to it yet.
    is_fresh: bool,
    /// Whether it ended within a line when it was opened.
    is_torn: bool,
}

impl LogFile {
    /// Returns the open file; opens it if it is not open.
    pub(super) fn open(&mut self) -> Result<&mut OpenFile, Error> {
        match self.open.take() {
            Some(open) => Ok(self.open.insert(open)),
            None => {
                if self.is_gone && self.fs.metadata(&self.path).is_err() {
                    let error = io::Error::from(io::ErrorKind::NotFound);
                    return Err(self.error("go on with the removed log file", error));
                }
                if self.truncate {
                    let emptied = self.fs.truncate(&self.path);
                    emptied.map_err(|error| self.error("open the log file", error))?;
                }
                let open = self.open_anew()?;
                (self.truncate, self.is_gone) = (false, false);
                Ok(self.open.insert(open))
            }
        }
    }

    /// Opens the file at the path.
    pub(super) fn open_anew(&self) -> Result<OpenFile, Error> {
        if let Some(parent) = self.path.parent().filter(|_| self.create_dirs) {
            let context = |error| Error::io(format_args!("cannot create the directory {}", parent.display()), error);
            self.fs.create_dirs(parent).map_err(context)?;
        }
        self.open_locked().map_err(|error| self.error("open the log file", error))
    }

    /// Opens the file and takes the shared lock of its writers.
    ///
    /// Writers of a log file hold a shared lock on it. Compression of a backup holds an exclusive lock, so that nothing
    /// is written to a backup whose text was already read. A file that is renamed before it is locked may already be
    /// such a backup:
    ///
    /// ```text
    /// this process            another one
    /// opens app.log
    ///                         renames app.log to app.log.1
    ///                         compresses app.log.1 and removes it
    /// locks what it opened: a file without a name
    /// ```
    ///
    /// So the path is looked up again after the lock is taken.
    fn open_locked(&self) -> io::Result<OpenFile> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            // Always for appending, so that other programs may append as well, or truncate the file (logrotate's
            // `copytruncate`).
            let file = self.fs.append(&self.path, self.permissions)?;
            let metadata = file.metadata()?;
            let mut open = OpenFile {
                file,
                id: metadata.id,
                is_file: metadata.is_file,
                len: metadata.len,
                is_fresh: true,
                is_torn: false,
            };
            if !open.is_file {
                return Ok(open);
            }
            let is_locked = open.file.try_lock(Lock::Shared);
            match self.fs.metadata(&self.path) {
                // The file at the path is not a backup, so a lock on it that persists is another program's and does not
                // matter.
                Ok(metadata) if metadata.id == open.id && (is_locked || attempts >= ATTEMPTS) => {
                    open.is_torn = self.ends_within_a_line(&open);
                    return Ok(open);
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ if attempts >= ATTEMPTS => return Err(io::ErrorKind::ResourceBusy.into()),
                _ => {}
            }
        }
    }

    /// Returns whether the file ends within a line, as a full disk or a killed process leaves it.
    fn ends_within_a_line(&self, open: &OpenFile) -> bool {
        let Some(end) = self.terminator.last().filter(|_| open.len > 0) else {
            return false;
        };
        let is_within = || {
            // A file that cannot be read counts as complete.
            let last = self.fs.last_byte(&self.path, open.id).unwrap_or_default();
            last.is_some_and(|byte| byte != *end && byte != b'\n')
        };
        // While another process writes, the length grows in steps. A length that is the same at a second look is the
        // end of a write.
        is_within() && is_within()
    }

    /// Returns whether the path is that of the open file, or of a file whose identity is unknown.
    pub(super) fn is_in_place(&self) -> bool {
        let Some(open) = &self.open else { return true };
        match self.fs.metadata(&self.path) {
            Ok(metadata) => metadata.id == open.id,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Opens the file at the path if it is not the open file. If that fails, the open file stays open, unless it has no
    /// name any more.
    pub(super) fn follow_path(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.as_ref().filter(|_| !self.is_in_place()) else {
            return Ok(());
        };
        match self.open_anew() {
            Ok(open) => self.open = Some(open),
            Err(error) => {
                if open.is_removed() {
                    self.open = None;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Closes the file if it was removed, so that the next write opens the path again.
    ///
    /// # Errors
    ///
    /// An error that says so.
    pub(super) fn close_if_removed(&mut self) -> Result<(), Error> {
        if !self.open.as_ref().is_some_and(OpenFile::is_removed) {
            return Ok(());
        }
        self.open = None;
        self.is_gone = self.on_removal == OnRemoval::Fail;
        let then = match self.on_removal {
            OnRemoval::Reopen => "the next record opens it again",
            OnRemoval::Fail => "records fail until it is there again",
        };
        Err(Error::other(format!("the log file {} was removed; {then}", self.path.display())))
    }

    pub(super) fn reopen_if_asked(&mut self) {
        if self.reopen.as_ref().is_some_and(ReopenHandle::take) {
            self.open = None;
            self.is_gone = false;
        }
    }

    /// Writes the batch's text before `end`.
    pub(super) fn write_until(&mut self, end: usize, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        if let Err(error) = self.close_if_removed() {
            batch.report(error);
        }
        self.open()?;
        self.look_at_end(batch);
        let open = self.open()?;
        let result = open.finish_line(&line.terminator).and_then(|()| line.write_until(end, batch, open));
        result.and_then(|()| self.sync()).map_err(|error| self.error("write to", error))
    }

    /// Finds out whether the file ends within a line, unless this handler wrote its end: another process may have been
    /// killed in the middle of a write.
    fn look_at_end(&mut self, batch: &mut Batch) {
        let Some(mut open) = self.open.take() else { return };
        let len = open.file.metadata().map_or(open.len, |metadata| metadata.len);
        if open.is_file && len != open.len {
            open.len = len;
            open.is_torn = self.ends_within_a_line(&open);
            batch.mend();
        }
        if std::mem::take(&mut open.is_fresh) {
            // The end of an earlier file does not matter.
            batch.mend();
        }
        self.open = Some(open);
    }

    /// Waits until the disk has the data, if `fsync` is set.
    pub(super) fn sync(&self) -> io::Result<()> {
        match &self.open {
            Some(open) if self.fsync => open.file.sync(),
            _ => Ok(()),
        }
    }

    /// Returns the length of the open file before the next record's text; 0 if none is open.
    pub(super) fn len(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.len + if open.is_torn { self.terminator.len() as u64 } else { 0 })
    }

    pub(super) fn error(&self, what: &str, error: io::Error) -> Error {
        Error::io(format_args!("cannot {what} {}", self.path.display()), error)
    }
}

impl OpenFile {
    /// Returns whether the file was removed. What is written to such a file is lost when it is closed.
    fn is_removed(&self) -> bool {
        self.is_file && self.file.metadata().is_ok_and(|metadata| metadata.names == 0)
    }

    /// Writes a terminator if the file ended within a line when it was opened.
    fn finish_line(&mut self, terminator: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.write_all(terminator)?;
            self.is_torn = false;
        }
        Ok(())
    }
}

impl Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
