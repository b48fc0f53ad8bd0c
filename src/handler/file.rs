//! A handler that appends to a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::disk::{Disk, FileSystem};
use super::log_file::{LogFile, ReopenHandle};
use super::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec, Line};
use crate::error::{Error, Problem};
use crate::formatter::FemtoFormatter;
use crate::policy::{FlushPolicy, OnRemoval};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Writes records as text to a file.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`path`](HandlerBuilder::path) | required | the file |
/// | [`truncate`](HandlerBuilder::truncate) | `false` | truncates the file when it is first opened |
/// | [`create_dirs`](HandlerBuilder::create_dirs) | `false` | creates missing directories |
/// | [`delay`](HandlerBuilder::delay) | `false` | opens the file with the first record, not in `build` |
/// | [`permissions`](HandlerBuilder::permissions) | `0o666` less the umask | permission bits of a new file (Unix) |
/// | [`flush_policy`](HandlerBuilder::flush_policy) | `EveryBatch` | when text is written; not with `inline` |
/// | [`fsync`](HandlerBuilder::fsync) | `false` | waits after every write until the disk has the data |
/// | [`reopen_handle`](HandlerBuilder::reopen_handle) | none | reopens the file on request |
/// | [`on_removal`](HandlerBuilder::on_removal) | `Reopen` | what happens when the file is removed (Unix) |
/// | the rest | see [`HandlerBuilder`] and [`FemtoStreamHandler`](super::FemtoStreamHandler) | |
///
/// Text is appended (`O_APPEND`) with a single write for each batch, so that several processes can write to one file
/// without mixing within a line, as far as the file system keeps writes together: local ones do, NFS does not, and a
/// full disk may cut a write short.
///
/// # What is lost, and when
///
/// * **The process is killed:** the records in the queue are lost and, with a policy other than `EveryBatch`, those in
///   the batch. What was written to the file stays, whatever happens to the process.
/// * **The machine loses power:** what the system has not yet written to the disk is lost, unless `fsync` is on.
/// * **The disk is full, or a write fails for another reason:** the records of that batch that did not fit are counted
///   as failed and reported. The next batch is tried; if a record was cut in two, the next one starts on a new line. So
///   does the first record of a handler whose file ends within a line, as an earlier process may have left it.
/// * **The file is renamed:** nothing is lost. The handler continues to write to the renamed file.
/// * **The file is removed:** its content is lost, and a batch that is written at that very moment. Before each write
///   and about once a second, the handler checks whether the file still has a name. If not, it reports an error and, by
///   default, opens the path again with the next record; see [`OnRemoval`].
/// * **The file's directory is missing when the file is opened:** each batch fails and is counted, and the next one
///   tries again to open the file.
///
/// # Examples
///
/// ```
/// use femtologging::policy::FlushPolicy;
/// use femtologging::{Config, FemtoFileHandler};
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
#[derive(Debug)]
#[non_exhaustive]
pub struct FemtoFileHandler;

/// The options of a [`FemtoFileHandler`], which the other handlers of files have as well.
///
/// # Examples
///
/// A function that is generic over the options takes the builder of any handler of files:
///
/// ```
/// use femtologging::handler::{FemtoRotatingFileHandler, FileOptions, HandlerBuilder};
/// use femtologging::FemtoFileHandler;
///
/// /// The settings of every log file of a program.
/// fn private<O: AsMut<FileOptions>>(builder: HandlerBuilder<O>, name: &str) -> HandlerBuilder<O> {
///     builder.path(std::env::temp_dir().join(name)).create_dirs(true).permissions(0o600).delay(true)
/// }
///
/// let file = private(FemtoFileHandler::builder(), "app.log").build()?;
/// let rotating = private(FemtoRotatingFileHandler::builder(), "audit.log").max_bytes(1 << 20).backup_count(5);
/// let rotating = rotating.build()?;
/// # drop((file, rotating));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Default)]
pub struct FileOptions {
    path: PathBuf,
    truncate: bool,
    create_dirs: bool,
    delay: bool,
    permissions: Option<u32>,
    flush_policy: FlushPolicy,
    fsync: bool,
    reopen: Option<ReopenHandle>,
    on_removal: OnRemoval,
    line: Line,
}

impl AsMut<Line> for FileOptions {
    fn as_mut(&mut self) -> &mut Line {
        &mut self.line
    }
}

impl AsMut<Self> for FileOptions {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl FemtoFileHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<FileOptions> {
        HandlerBuilder::new(FileOptions::default())
    }
}

impl HandlerBuilder<FileOptions> {
    /// Makes the handler and, unless [`delay`](Self::delay) is set, opens the file.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error; or the system's error, with the path, if the file cannot be opened.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (options, settings) = self.into_parts();
        Self::finish(settings, options.problems(), || {
            let file = options.file(Arc::new(Disk))?;
            options.handler(file)
        })
    }

    /// Sets what happens when the file is removed; [`OnRemoval::Reopen`] by default. Unix only.
    pub fn on_removal(self, on_removal: OnRemoval) -> Self {
        self.with(|options| options.on_removal = on_removal)
    }
}

impl FileOptions {
    /// Keeps what the file holds, whatever [`truncate`](Self::truncate) says.
    pub(super) fn keep_text(&mut self) {
        self.truncate = false;
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.path.file_name().is_none() {
            problems.push(Problem::new("path", self.path.display(), "give the log file's path with .path(…)"));
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

    /// Makes the file, without opening it.
    pub(super) fn file(&self, fs: Arc<dyn FileSystem>) -> Result<LogFile, Error> {
        let path = std::path::absolute(&self.path)
            .map_err(|error| Error::io(format_args!("cannot find {}", self.path.display()), error))?;
        Ok(LogFile {
            fs,
            path,
            truncate: self.truncate,
            create_dirs: self.create_dirs,
            permissions: self.permissions,
            fsync: self.fsync,
            reopen: self.reopen.clone(),
            on_removal: self.on_removal,
            terminator: self.line.terminator.clone(),
            is_gone: false,
            open: None,
        })
    }

    /// Makes the handler from the hooks of its file, and opens the file unless `delay` is set.
    pub(super) fn handler(self, mut target: impl FileHooks) -> Result<Box<dyn FemtoHandler>, Error> {
        // Opening a FIFO may wait for its reader; the handler's thread may wait, `build` may not.
        let file = target.file();
        if !self.delay && !file.fs.metadata(&file.path).is_ok_and(|metadata| metadata.is_fifo) {
            file.open()?;
        }
        let (line, flush_policy) = (self.line, self.flush_policy);
        Ok(Box::new(FileHandler { target, line, flush_policy, urgent: false, last_write: Timestamp::MIN }))
    }
}

impl<O: AsMut<FileOptions>> HandlerBuilder<O> {
    /// Sets the file's path, which is required. A relative path is resolved in `build`, from the directory that is
    /// current then.
    pub fn path(self, path: impl AsRef<Path>) -> Self {
        self.with(|options| options.path = path.as_ref().to_owned())
    }

    /// Sets whether the file is truncated when it is first opened. `false` by default: records are appended.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Config, FemtoFileHandler, info};
    /// use std::time::Duration;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.log");
    /// std::fs::write(&path, "of the last run\n")?;
    /// let file = FemtoFileHandler::builder().path(&path).truncate(true).build()?;
    /// let logging = Config::builder().add_handler("file", file).build()?;
    /// info!(logger: logging.get_logger("app")?, "of this run");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn truncate(self, truncate: bool) -> Self {
        self.with(|options| options.truncate = truncate)
    }

    /// Sets whether records are appended to the existing content, the opposite of [`truncate`](Self::truncate). `true`
    /// by default.
    pub fn append(self, append: bool) -> Self {
        self.truncate(!append)
    }

    /// Sets whether missing directories above the file are created. `false` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoFileHandler;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("state/log/app.log");
    /// assert!(FemtoFileHandler::builder().path(&path).build().unwrap_err().is_io());
    /// assert!(FemtoFileHandler::builder().path(&path).create_dirs(true).build().is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn create_dirs(self, create_dirs: bool) -> Self {
        self.with(|options| options.create_dirs = create_dirs)
    }

    /// Sets whether the file is opened with the first record instead of in `build`. `false` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoFileHandler;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("errors.log");
    /// let handler = FemtoFileHandler::builder().path(&path).delay(true).build()?;
    /// assert!(!path.exists()); // a run without records leaves no empty file
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delay(self, delay: bool) -> Self {
        self.with(|options| options.delay = delay)
    }

    /// Sets the permission bits of a file that is created, such as `0o640`, from which the umask is removed; `0o666` by
    /// default. The bits of a file that exists do not change. Unix only.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoFileHandler;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// let handler = FemtoFileHandler::builder().path(path).permissions(0o640).build()?; // rw-r-----
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn permissions(self, bits: u32) -> Self {
        self.with(|options| options.permissions = Some(bits))
    }

    /// Sets when text is written to the file; [`FlushPolicy::EveryBatch`] by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::policy::FlushPolicy;
    /// use femtologging::{FemtoFileHandler, Level};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// // Few large writes, but errors are in the file at once.
    /// let policy = FlushPolicy::AtLevel(Level::Error);
    /// let handler = FemtoFileHandler::builder().path(path).flush_policy(policy).build()?;
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_policy(mut self, policy: FlushPolicy) -> Self {
        self.hold_back(policy != FlushPolicy::EveryBatch);
        self.with(|options| options.flush_policy = policy)
    }

    /// Sets whether every write waits until the disk has the data (`fdatasync`). `false` by default. A wait is
    /// typically some milliseconds, in which the queue may fill.
    pub fn fsync(self, fsync: bool) -> Self {
        self.with(|options| options.fsync = fsync)
    }

    /// Sets a handle that reopens the file, for example after a SIGHUP.
    pub fn reopen_handle(self, handle: &ReopenHandle) -> Self {
        self.with(|options| options.reopen = Some(handle.clone()))
    }

    fn with(mut self, set: impl FnOnce(&mut FileOptions)) -> Self {
        set(self.options.as_mut());
        self
    }
}

/// Hooks that run between writes: rotation and reopening. For each batch, [`note`](Self::note) is called for every
/// record and then, possibly several times, [`write`](Self::write).
pub(super) trait FileHooks: Send + 'static {
    /// Returns the file.
    fn file(&mut self) -> &mut LogFile;

    /// Called before the first record.
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        let _ = now;
        Ok(())
    }

    /// Called for each record; its text begins at `start` in the batch.
    #[inline]
    fn note(&mut self, time: Timestamp, start: usize, batch: &Batch) {
        let _ = (time, start, batch);
    }

    /// Writes the batch, or what is left of it after a failure.
    fn write(&mut self, line: &Line, batch: &mut Batch) -> Result<(), Error>;

    /// Called about once a second.
    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        let _ = now;
        Ok(())
    }

    /// Called after the last batch.
    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A file without rotation.
impl FileHooks for LogFile {
    fn file(&mut self) -> &mut LogFile {
        self
    }

    fn write(&mut self, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        self.write_until(batch.bytes().len(), line, batch)
    }

    fn tick(&mut self, _: Timestamp) -> Result<(), Error> {
        self.close_if_removed()
    }
}

/// The handler of all kinds of files: formats lines, and decides when they are written.
struct FileHandler<T> {
    target: T,
    line: Line,
    flush_policy: FlushPolicy,
    /// Whether the batch has a record of the level that causes a write.
    urgent: bool,
    last_write: Timestamp,
}

impl<T: FileHooks> FemtoHandler for FileHandler<T> {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        self.target.start(now)
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        let start = batch.bytes().len();
        self.line.append(record, batch);
        self.target.note(record.timestamp(), start, batch);
        if let FlushPolicy::AtLevel(level) = self.flush_policy {
            self.urgent |= record.level() >= level;
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        let due = match self.flush_policy {
            FlushPolicy::EveryBatch => true,
            FlushPolicy::AtLevel(_) => self.urgent,
            FlushPolicy::Every(interval) => now >= self.last_write.saturating_add(interval) || now < self.last_write,
        };
        if !due && !batch.is_due() {
            return Ok(Delivery::Wait);
        }
        self.target.file().reopen_if_asked();
        self.target.write(&self.line, batch)?;
        // Not after a failure: text that is kept for a retry must not wait for the policy.
        self.urgent = false;
        self.last_write = now;
        Ok(Delivery::Done)
    }

    fn set_formatter(&mut self, formatter: Box<dyn FemtoFormatter>) -> Result<(), Error> {
        self.line.set_formatter(formatter);
        Ok(())
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        self.target.file().reopen_if_asked();
        self.target.tick(now)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.target.close()
    }
}
