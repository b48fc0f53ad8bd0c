//! A handler that appends to a file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec, Line};
use crate::error::{Error, Problem};
use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Writes records as text to a file.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`path`](HandlerBuilder::path) | required | the file |
/// | [`truncate`](HandlerBuilder::truncate) | `false` | empties the file when it is opened, instead of appending |
/// | [`create_dirs`](HandlerBuilder::create_dirs) | `false` | creates the directories above the file that are missing |
/// | [`delay`](HandlerBuilder::delay) | `false` | opens the file with the first record, not in `build` |
/// | [`permissions`](HandlerBuilder::permissions) | `0o666` less the umask | the permission bits of a file that is created (Unix) |
/// | [`flush_policy`](HandlerBuilder::flush_policy) | `EveryBatch` | when text is written to the file |
/// | [`fsync`](HandlerBuilder::fsync) | `false` | waits after every write until the disk has it |
/// | the rest | see [`HandlerBuilder`] and [`FemtoStreamHandler`](super::FemtoStreamHandler) | |
///
/// # What is lost, and when
///
/// * **The process is killed:** the records still in the queue or, under another policy than `EveryBatch`, in the
///   batch. What was written to the file stays, whatever happens to the process.
/// * **The machine loses power:** what the system had not yet put on the disk, unless `fsync` is on.
/// * **The disk is full, or a write fails otherwise:** the records of that batch that did not fit are counted as
///   failed and reported. The next batch is tried anew, and if a record was cut in two, the next one starts on a new line.
/// * **The file is renamed or removed:** writing goes on in the renamed file, or the removed one, as the system has
///   it. If the directory of a file not yet opened is missing, each batch fails, is counted, and tries anew.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoFileHandler, handler::FlushPolicy};
/// use std::time::Duration;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("logs/application.log");
/// let file = FemtoFileHandler::builder()
///     .path(&path)
///     .create_dirs(true)
///     .flush_policy(FlushPolicy::Every(Duration::from_millis(200)))
///     .build()?;
/// let logging = Config::builder().add_handler("file", file).build()?;
/// # logging.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FemtoFileHandler {
    options: FileOptions,
    file: Option<File>,
    /// Whether a record of the level that asks for a write is in the batch.
    urgent: bool,
    last_write: Timestamp,
}

/// When a [`FemtoFileHandler`] writes its text to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FlushPolicy {
    /// After every batch: as soon as the queue runs empty.
    #[default]
    EveryBatch,
    /// When a record of this level or above comes, or 256 KiB of text are there.
    AtLevel(Level),
    /// When this much time has passed since the last write, or 256 KiB of text are there.
    Every(Duration),
}

/// The options of a [`FemtoFileHandler`].
#[derive(Default)]
pub struct FileOptions {
    path: PathBuf,
    truncate: bool,
    create_dirs: bool,
    delay: bool,
    permissions: Option<u32>,
    flush_policy: FlushPolicy,
    fsync: bool,
    line: Line,
}

impl AsMut<Line> for FileOptions {
    fn as_mut(&mut self) -> &mut Line {
        &mut self.line
    }
}

impl FemtoFileHandler {
    /// Starts a handler.
    pub fn builder() -> HandlerBuilder<FileOptions> {
        HandlerBuilder::new(FileOptions::default())
    }

    /// Writes the batch, opening the file first if need be.
    fn write(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let options = &self.options;
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(options.open()?),
        };
        let context = |error| Error::io(format_args!("cannot write to {}", options.path.display()), error);
        options.line.write(batch, file).map_err(context)?;
        if options.fsync {
            file.sync_data().map_err(context)?;
        }
        Ok(())
    }
}

impl FileOptions {
    fn open(&self) -> Result<File, Error> {
        let context =
            |what: &str, path: &Path, error| Error::io(format_args!("cannot {what} {}", path.display()), error);
        if let Some(parent) = self.path.parent().filter(|_| self.create_dirs) {
            std::fs::create_dir_all(parent).map_err(|error| context("create the directory", parent, error))?;
        }
        let mut open = OpenOptions::new();
        open.create(true);
        #[cfg(unix)]
        if let Some(bits) = self.permissions {
            std::os::unix::fs::OpenOptionsExt::mode(&mut open, bits);
        }
        if self.truncate {
            let emptied = open.clone().write(true).truncate(true).open(&self.path);
            emptied.map_err(|error| context("open the log file", &self.path, error))?;
        }
        // Always for appending, so that others may append, too, or cut the file (`copytruncate` of logrotate).
        open.append(true);
        open.open(&self.path).map_err(|error| context("open the log file", &self.path, error))
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.path.as_os_str().is_empty() {
            problems.push(Problem::new("path", "", "give the log file's path with .path(…)"));
        }
        if let Some(bits) = self.permissions.filter(|bits| *bits > 0o777) {
            problems.push(Problem::new("permissions", format!("{bits:#o}"), "give permission bits from 0 to 0o777"));
        }
        if self.flush_policy == FlushPolicy::Every(Duration::ZERO) {
            problems.push(Problem::new(
                "flush_policy",
                "Every(0ns)",
                "give a time above zero, or use FlushPolicy::EveryBatch",
            ));
        }
        problems
    }
}

impl HandlerBuilder<FileOptions> {
    /// Sets the file's path. A relative path starts from the directory that is current in [`build`](Self::build).
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.options.path = path.as_ref().to_owned();
        self
    }

    /// Sets whether the file is emptied when it is opened.
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.options.truncate = truncate;
        self
    }

    /// Sets whether records are appended to what the file holds; the opposite of [`truncate`](Self::truncate).
    pub fn append(self, append: bool) -> Self {
        self.truncate(!append)
    }

    /// Sets whether missing directories are created.
    pub fn create_dirs(mut self, create_dirs: bool) -> Self {
        self.options.create_dirs = create_dirs;
        self
    }

    /// Sets whether the file is opened only when the first record comes.
    pub fn delay(mut self, delay: bool) -> Self {
        self.options.delay = delay;
        self
    }

    /// Sets the permission bits of a file that is created, less the umask, such as `0o640`. No effect but on Unix.
    pub fn permissions(mut self, bits: u32) -> Self {
        self.options.permissions = Some(bits);
        self
    }

    /// Sets when text is written to the file.
    pub fn flush_policy(mut self, policy: FlushPolicy) -> Self {
        self.options.flush_policy = policy;
        self
    }

    /// Sets whether every write waits until the disk has the data (`fdatasync`).
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.options.fsync = fsync;
        self
    }

    /// Makes the handler and, unless [`delay`](Self::delay) is set, opens the file.
    ///
    /// # Errors
    ///
    /// Settings that cannot work, all in one error; or the system's error, with the path, if the file cannot be opened.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (mut options, settings) = self.into_parts();
        Self::finish(settings, options.problems(), || {
            options.path = std::path::absolute(&options.path)
                .map_err(|error| Error::io(format_args!("cannot find {}", options.path.display()), error))?;
            let file = if options.delay { None } else { Some(options.open()?) };
            Ok(Box::new(FemtoFileHandler { options, file, urgent: false, last_write: Timestamp::MIN }))
        })
    }
}

impl FemtoHandler for FemtoFileHandler {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.options.line.append(record, batch);
        if let FlushPolicy::AtLevel(level) = self.options.flush_policy {
            self.urgent |= record.level() >= level;
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        let due = match self.options.flush_policy {
            FlushPolicy::EveryBatch => true,
            FlushPolicy::AtLevel(_) => self.urgent,
            FlushPolicy::Every(interval) => now >= self.last_write.saturating_add(interval) || now < self.last_write,
        };
        if !due && !batch.is_due() {
            return Ok(Delivery::Wait);
        }
        self.urgent = false;
        self.last_write = now;
        self.write(batch)?;
        Ok(Delivery::Done)
    }
}
