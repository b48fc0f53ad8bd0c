//! Files that roll over: one engine, and two handlers that differ in their defaults.
//!
//! | file | what it does |
//! |---|---|
//! | `schedule` | computes when a file rolls over by time |
//! | `file` | decides for each record whether the file rolls over before it, and does it when the text is written |
//! | `names` | the names of backups, and which files are backups |
//! | `plan` | plans the steps of a rollover, of a recovery and of retention, from a listing of the directory |
//! | `backups` | carries the steps out under the rollover lock |
//! | `gzip` | compresses backups on a thread of its own |
//! | `model` | runs all of it in several processes with kills at every step (tests) |

mod backups;
mod file;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(test)]
mod model;
mod names;
mod plan;
mod schedule;
#[cfg(test)]
mod tests;

pub use schedule::{RotationSchedule, Weekday, When};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::file::RotatingFile;
use self::names::{BackupNames, Naming};
use self::plan::Retention;
use super::disk::{Disk, FileSystem, resolve_links};
use super::{FileOptions, HandlerBuilder, HandlerSpec, Line};
use crate::error::{Error, Problem};
use crate::time::Timestamp;

/// Writes records as text to a file that becomes a backup when it is full, as CPython's `RotatingFileHandler` does.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`max_bytes`](HandlerBuilder::max_bytes) | 0, no limit | the length in bytes that the file stays below |
/// | [`backup_count`](HandlerBuilder::backup_count) | 0, no limit | maximum number of backups |
/// | [`max_age`](HandlerBuilder::max_age) | no limit | maximum age of backups |
/// | [`max_total_bytes`](HandlerBuilder::max_total_bytes) | no limit | maximum length of all backups, in bytes |
/// | [`when`](HandlerBuilder::when), [`schedule`](HandlerBuilder::schedule) | none | also rolls over by time |
/// | [`namer`](HandlerBuilder::namer) | `app.log.1`, the newest, and up | the names of backups |
/// | `compress` | `false` | compresses backups (feature `gzip`) |
/// | [`current_link`](HandlerBuilder::current_link) | none | a symbolic link to the file |
/// | the rest | see [`FemtoFileHandler`](super::FemtoFileHandler) | |
///
/// # When it rolls over
///
/// Before a record whose line would make the file `max_bytes` long or longer. A line that is longer than that gets a
/// file of its own. An empty file, a device and a FIFO do not roll over.
///
/// # What is lost, and when
///
/// A rollover loses nothing, wherever it is interrupted: renames never replace a file, and the next rollover or start
/// completes what a crash has left incomplete. If a rollover fails, the handler continues to write to the same file,
/// the error is counted and reported, and the next attempt follows within about a second. For everything else, see
/// [`FemtoFileHandler`](super::FemtoFileHandler).
///
/// On Unix, several processes may write to the path and roll it over, so that restarts may overlap. They exclude each
/// other by an advisory lock on the file `.app.log.lock`, which exists during a rollover. A process that does not get
/// the lock within a second postpones its rollover. Other processes may append if they watch the file
/// ([`FemtoWatchedFileHandler`](super::FemtoWatchedFileHandler)).
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoRotatingFileHandler;
/// use femtologging::Config;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// let file = FemtoRotatingFileHandler::builder().path(&path).max_bytes(10 << 20).backup_count(5).build()?;
/// let logging = Config::builder().add_handler("file", file).build()?;
/// # drop(logging);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FemtoRotatingFileHandler;

/// Writes records as text to a file that becomes a backup at certain times, as CPython's `TimedRotatingFileHandler`
/// does.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`when`](HandlerBuilder::when) | `When::Hours` | the unit of time |
/// | [`interval`](HandlerBuilder::interval) | 1 | the number of units per file |
/// | [`at_time`](HandlerBuilder::at_time) | midnight | the time of the day, for days and weeks of the calendar |
/// | [`aligned`](HandlerBuilder::aligned) | `false` | counts units on the clock, not from the last rollover |
/// | `local_time`, `time_zone` | UTC | the time zone of the schedule and of the names (feature `local-time`) |
/// | [`backup_count`](HandlerBuilder::backup_count) | 0, no limit | maximum number of backups |
/// | [`namer`](HandlerBuilder::namer) | `app.log.2026-03-12`, the period's start | the names of backups |
/// | the rest | see [`FemtoRotatingFileHandler`] | |
///
/// # When it rolls over
///
/// Before the first record whose time is at or after the end of the file's period. The period of a file that exists at
/// the start began when the file was created or, where the file system does not record that, was last written to. If
/// the clock is set back by more than a period, the next rollover is computed again.
///
/// If the name of a backup is taken, a number is added: `app.log.2026-03-12.1`.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoTimedRotatingFileHandler, When};
/// use femtologging::Config;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// let file = FemtoTimedRotatingFileHandler::builder().path(&path).when(When::Midnight).backup_count(14).build()?;
/// let logging = Config::builder().add_handler("file", file).build()?;
/// # drop(logging);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FemtoTimedRotatingFileHandler;

/// The options of a [`FemtoRotatingFileHandler`] or a [`FemtoTimedRotatingFileHandler`].
///
/// # Examples
///
/// ```
/// use femtologging::handler::{
///     FemtoRotatingFileHandler, FemtoTimedRotatingFileHandler, HandlerBuilder, RotatingFileOptions,
/// };
///
/// /// The backups that every log file of a program keeps.
/// fn kept(builder: HandlerBuilder<RotatingFileOptions>) -> HandlerBuilder<RotatingFileOptions> {
///     builder.backup_count(30).max_total_bytes(1 << 30)
/// }
///
/// # let dir = tempfile::tempdir()?;
/// # let (by_size, by_day) = (dir.path().join("a.log"), dir.path().join("b.log"));
/// let by_size = kept(FemtoRotatingFileHandler::builder().path(by_size).max_bytes(10 << 20)).build()?;
/// let by_day = kept(FemtoTimedRotatingFileHandler::builder().path(by_day)).build()?;
/// # drop((by_size, by_day));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RotatingFileOptions {
    file: FileOptions,
    max_bytes: u64,
    schedule: RotationSchedule,
    is_timed: bool,
    retention: Retention,
    namer: Option<String>,
    link: Option<PathBuf>,
    #[cfg(feature = "gzip")]
    compress: bool,
}

impl FemtoRotatingFileHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<RotatingFileOptions> {
        HandlerBuilder::new(RotatingFileOptions::new(false))
    }
}

impl FemtoTimedRotatingFileHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<RotatingFileOptions> {
        HandlerBuilder::new(RotatingFileOptions::new(true))
    }
}

impl AsMut<FileOptions> for RotatingFileOptions {
    fn as_mut(&mut self) -> &mut FileOptions {
        &mut self.file
    }
}

impl AsMut<Line> for RotatingFileOptions {
    fn as_mut(&mut self) -> &mut Line {
        self.file.as_mut()
    }
}

impl HandlerBuilder<RotatingFileOptions> {
    /// Sets the length in bytes that the file stays below, unless a single line is longer. 0, the default, for no
    /// limit.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.options.max_bytes = max_bytes;
        self
    }

    /// Sets the maximum number of backups. The oldest are removed at rollovers. 0, the default, keeps all.
    ///
    /// With 0, CPython's `RotatingFileHandler` never rolls over. Here, [`max_bytes`](Self::max_bytes) together with 0
    /// is an error of [`build`](Self::build), unless a schedule, a maximum age, a maximum length or a namer is set.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{FemtoRotatingFileHandler};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// let handler = FemtoRotatingFileHandler::builder().path(path).max_bytes(10 << 20).backup_count(5).build()?;
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup_count(mut self, backup_count: u32) -> Self {
        self.options.retention.count = backup_count;
        self
    }

    /// Sets the maximum age of a backup: the time since it was last written to. Older ones are removed at rollovers. No
    /// limit by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoTimedRotatingFileHandler;
    /// use std::time::Duration;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// // A file per day; backups of two weeks, but no more than 1 GiB of them.
    /// let handler = FemtoTimedRotatingFileHandler::builder()
    ///     .path(path)
    ///     .max_age(Duration::from_secs(14 * 86_400))
    ///     .max_total_bytes(1 << 30)
    ///     .build()?;
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.options.retention.age = Some(max_age);
        self
    }

    /// Sets the maximum length of all backups together, in bytes. The oldest are removed first, at rollovers. No limit
    /// by default.
    pub fn max_total_bytes(mut self, max_total_bytes: u64) -> Self {
        self.options.retention.bytes = Some(max_total_bytes);
        self
    }

    /// Sets the whole schedule. The file then rolls over by time.
    pub fn schedule(mut self, schedule: RotationSchedule) -> Self {
        self.options.schedule = schedule;
        self.options.is_timed = true;
        self
    }

    /// Sets the unit of time. The file then rolls over by time.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{FemtoTimedRotatingFileHandler, When, Weekday};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// let builder = FemtoTimedRotatingFileHandler::builder().path(path);
    /// let handler = builder.when(When::Weekly(Weekday::Sunday)).at_time(4, 30, 0).build()?;
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn when(self, when: When) -> Self {
        self.scheduled(|schedule| schedule.when(when))
    }

    /// Sets the number of units of time per file, 1 by default; see [`RotationSchedule::interval`].
    pub fn interval(self, interval: u32) -> Self {
        self.scheduled(|schedule| schedule.interval(interval))
    }

    /// Sets the time of the day at which the file rolls over, midnight by default; see [`RotationSchedule::at_time`].
    pub fn at_time(self, hour: u32, minute: u32, second: u32) -> Self {
        self.scheduled(|schedule| schedule.at_time(hour, minute, second))
    }

    /// Sets whether units are counted on the clock, `false` by default; see [`RotationSchedule::aligned`].
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{FemtoTimedRotatingFileHandler, When};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// // At 00:00, 06:00, 12:00 and 18:00, whenever the program has started.
    /// let builder = FemtoTimedRotatingFileHandler::builder().path(path);
    /// let handler = builder.when(When::Hours).interval(6).aligned(true).build()?;
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn aligned(self, aligned: bool) -> Self {
        self.scheduled(|schedule| schedule.aligned(aligned))
    }

    /// Takes times, also those in names, from the system's zone, or UTC if it has none.
    #[cfg(feature = "local-time")]
    pub fn local_time(mut self) -> Self {
        self.options.schedule = self.options.schedule.local_time();
        self
    }

    /// Takes times, also those in names, from the zone with this name in the IANA database, such as `Europe/Berlin`.
    ///
    /// # Errors
    ///
    /// There is no such zone.
    #[cfg(feature = "local-time")]
    pub fn time_zone(mut self, name: &str) -> Result<Self, Error> {
        self.options.schedule = self.options.schedule.time_zone(name)?;
        Ok(self)
    }

    /// Sets the names of backups: a pattern with `%Y`, `%m`, `%d`, `%H`, `%M`, `%S` for the start of the file's period
    /// (without a schedule, for the time of the rollover) and `{n}` for a number, such as `app.%Y-%m-%d.log` or
    /// `app.{n}.log`.
    ///
    /// The number is one more than the greatest of the same date. Without `{n}`, it is added to a name that is taken:
    /// `app.2026-03-12.log.1`. Backups stay in the file's directory. Only files whose names match the pattern exactly,
    /// with or without `.gz`, are ever removed, the smallest dates first.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{FemtoTimedRotatingFileHandler};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("app.log");
    /// let handler = FemtoTimedRotatingFileHandler::builder().path(path).namer("app.%Y-%m-%d.log").build()?;
    /// # drop(handler);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn namer(mut self, pattern: impl Into<String>) -> Self {
        self.options.namer = Some(pattern.into());
        self
    }

    /// Sets whether backups are compressed with gzip ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)), on a thread
    /// of their own; `false` by default.
    ///
    /// The compressed file replaces the plain one when it is complete and no handler has the plain one open. What a
    /// crash has left incomplete is completed after the next start.
    #[cfg(feature = "gzip")]
    pub fn compress(mut self, compress: bool) -> Self {
        self.options.compress = compress;
        self
    }

    /// Sets the path of a symbolic link to the file, which is created when the handler starts; none by default. A file
    /// of that name that is not a link is not replaced. The log file's own path is an error of [`build`](Self::build).
    pub fn current_link(mut self, link: impl AsRef<Path>) -> Self {
        self.options.link = Some(link.as_ref().to_owned());
        self
    }

    /// Makes the handler and, unless [`delay`](Self::delay) is set, opens the file.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error; or the system's error, with the path, if the file cannot be opened.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (options, settings) = self.into_parts();
        Self::finish(settings, options.problems(), || {
            let (file, target) = options.into_parts(Arc::new(Disk))?;
            file.handler(target)
        })
    }

    fn scheduled(mut self, set: impl FnOnce(RotationSchedule) -> RotationSchedule) -> Self {
        self.options.schedule = set(self.options.schedule);
        self.options.is_timed = true;
        self
    }
}

impl RotatingFileOptions {
    fn new(is_timed: bool) -> Self {
        Self {
            file: FileOptions::default(),
            max_bytes: 0,
            schedule: RotationSchedule::new(When::Hours),
            is_timed,
            retention: Retention::default(),
            namer: None,
            link: None,
            #[cfg(feature = "gzip")]
            compress: false,
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.file.problems();
        problems.extend(self.namer.as_deref().and_then(|pattern| BackupNames::pattern(pattern).err()));
        if self.is_timed {
            problems.extend(self.schedule.problems());
        }
        let Retention { count, age, bytes } = self.retention;
        if age == Some(Duration::ZERO) {
            problems.push(Problem::new(
                "max_age",
                "0ns",
                "give a time above zero, or leave it out to keep backups of any age",
            ));
        }
        if bytes == Some(0) {
            problems.push(Problem::new(
                "max_total_bytes",
                0,
                "give a byte or more, or leave it out to keep any number of bytes",
            ));
        }
        if let Some(link) = self.link.as_deref().filter(|link| leads_over(self.file.path(), link)) {
            let remedy = "the link needs a name of its own: give another than the log file's path";
            problems.push(Problem::new("current_link", link.display(), remedy));
        }
        let is_kept = self.is_timed || self.namer.is_some() || count > 0 || age.is_some() || bytes.is_some();
        if self.max_bytes > 0 && !is_kept {
            problems.push(Problem::new(
                "backup_count",
                0,
                "a full file becomes a backup: say how many are kept, or use max_age, max_total_bytes or namer",
            ));
        }
        problems
    }

    /// Splits the options into those of the file and a rotation made from the rest.
    fn into_parts(mut self, fs: Arc<dyn FileSystem>) -> Result<(FileOptions, RotatingFile), Error> {
        if self.max_bytes > 0 || self.is_timed {
            self.file.keep_text();
        }
        let file = self.file.file(fs)?;
        let naming = match self.namer {
            Some(pattern) => {
                Naming::Pattern(BackupNames::pattern(&pattern).map_err(|problem| Error::config(vec![problem]))?)
            }
            None if self.is_timed => Naming::Dated(self.schedule.pattern()),
            None => Naming::Numbered,
        };
        let link = self.link.map(std::path::absolute).transpose();
        let place = resolve_links(&*file.fs, &file.path);
        let backups = file::backups(&file, place, &naming, self.retention);
        let target = RotatingFile {
            file,
            backups: Arc::new(backups),
            naming,
            retention: self.retention,
            max_bytes: if self.max_bytes == 0 { u64::MAX } else { self.max_bytes },
            schedule: self.schedule,
            is_timed: self.is_timed,
            link: link.map_err(|error| Error::io("cannot find the directory of the link", error))?,
            #[cfg(feature = "gzip")]
            compress: self.compress,
            #[cfg(feature = "gzip")]
            compressor: None,
            next: Timestamp::MAX,
            since: Timestamp::MIN,
            len: 0,
            cuts: Vec::new(),
            blocked: false,
        };
        Ok((self.file, target))
    }
}

/// Returns whether a link of this name would be at the path, or at the target of a symbolic link at the path, so that
/// it would lead to itself.
fn leads_over(path: &Path, link: &Path) -> bool {
    // The directory may have several names, the file in it has one.
    let place = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = path.parent().and_then(|directory| std::fs::canonicalize(directory).ok());
        directory.map_or_else(|| path.clone(), |directory| directory.join(path.file_name().unwrap_or_default()))
    };
    let link = place(link);
    place(path) == link || place(&resolve_links(&Disk, path)) == link
}
