//! The file that a handler writes to, and whether it still stands where it was opened.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::disk::{AppendFile, FileId, FileSystem};
use super::{Batch, Line};
use crate::error::Error;

/// Has a handler open its file anew, from any thread: after a SIGHUP, or when somebody else has renamed the file.
///
/// Clones do the same. A handle given to several handlers reaches the first that looks, so give each its own.
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
    /// Makes a handle, to be given to a builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the file to be opened anew: before the next write, or within about a second.
    ///
    /// It only stores a flag, so that a signal handler may call it. What the handler has not yet written goes to the new file.
    pub fn reopen(&self) {
        self.0.store(true, Release);
    }

    fn take(&self) -> bool {
        self.0.load(Acquire) && self.0.swap(false, Acquire)
    }
}

/// A path, and the file that is open there.
pub(super) struct LogFile {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) path: PathBuf,
    /// Whether the file is emptied when it is opened first.
    pub(super) truncate: bool,
    pub(super) create_dirs: bool,
    pub(super) permissions: Option<u32>,
    pub(super) fsync: bool,
    pub(super) reopen: Option<ReopenHandle>,
    pub(super) open: Option<Open>,
}

/// An open file.
pub(super) struct Open {
    pub(super) file: Box<dyn AppendFile>,
    pub(super) id: FileId,
    /// Whether it is an ordinary file.
    pub(super) is_file: bool,
    /// Its length, as far as this process knows.
    pub(super) len: u64,
}

impl LogFile {
    /// Returns the open file, opening it if need be.
    pub(super) fn open(&mut self) -> Result<&mut Open, Error> {
        match self.open.take() {
            Some(open) => Ok(self.open.insert(open)),
            None => {
                if self.truncate {
                    let emptied = self.fs.truncate(&self.path);
                    emptied.map_err(|error| self.error("open the log file", error))?;
                }
                let open = self.open_anew()?;
                self.truncate = false;
                Ok(self.open.insert(open))
            }
        }
    }

    /// Opens what stands at the path now.
    pub(super) fn open_anew(&self) -> Result<Open, Error> {
        if let Some(parent) = self.path.parent().filter(|_| self.create_dirs) {
            let context = |error| Error::io(format_args!("cannot create the directory {}", parent.display()), error);
            self.fs.create_dirs(parent).map_err(context)?;
        }
        let open = || {
            // Always for appending, so that others may append, too, or cut the file (`copytruncate` of logrotate).
            let file = self.fs.append(&self.path, self.permissions)?;
            let metadata = file.metadata()?;
            Ok(Open { file, id: metadata.id, is_file: metadata.is_file, len: metadata.len })
        };
        open().map_err(|error| self.error("open the log file", error))
    }

    /// Whether the path leads to the open file, or to one that cannot be asked.
    pub(super) fn is_in_place(&self) -> bool {
        let Some(open) = &self.open else { return true };
        match self.fs.metadata(&self.path) {
            Ok(metadata) => metadata.id == open.id,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Opens what stands at the path now if that is not the open file. If it cannot be opened, the open file stays, unless
    /// it has no name any more.
    pub(super) fn follow_path(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.as_ref().filter(|_| !self.is_in_place()) else {
            return Ok(());
        };
        match self.open_anew() {
            Ok(open) => self.open = Some(open),
            Err(error) => {
                if open.file.metadata().is_ok_and(|metadata| metadata.names == 0) {
                    self.open = None;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) fn reopen_if_asked(&mut self) {
        if self.reopen.as_ref().is_some_and(ReopenHandle::take) {
            self.open = None;
        }
    }

    /// Writes the batch's text before `end`.
    pub(super) fn write_until(&mut self, end: usize, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        let open = self.open()?;
        let result = line.write_until(end, batch, open).and_then(|()| self.sync());
        result.map_err(|error| self.error("write to", error))
    }

    /// Waits until the disk has the data, if that is wanted.
    pub(super) fn sync(&self) -> io::Result<()> {
        match &self.open {
            Some(open) if self.fsync => open.file.sync(),
            _ => Ok(()),
        }
    }

    pub(super) fn error(&self, what: &str, error: io::Error) -> Error {
        Error::io(format_args!("cannot {what} {}", self.path.display()), error)
    }
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
