//! Watching a configuration's file: [`Watch`], and the looks that it takes.
//!
//! # A look
//!
//! ```text
//! resolve the path ─▶ device, inode, length, time of change ── as at the last look that read it ─▶ nothing to do
//!                       │ other
//!                       ▼
//!                     read, hash ── the content that is in force, or was refused ─▶ nothing to do
//!                       │ another
//!                       ▼
//!                     the same as at the last look? ── no ─▶ look again in 200 ms: it may be half-written
//!                       │ yes
//!                       ▼
//!                     decode, and change the configuration in one transaction, or refuse it once
//! ```
//!
//! The path is resolved at each look, so that a symbolic link in it may change: the `..data` of a Kubernetes volume
//! leads to another directory after an update.
//!
//! File systems note times in steps, of 2 s at most. A file may be written twice within one step, with the same
//! length. So the first look after a content was acted on reads the file again, whatever its time.

use std::fmt;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(all(unix, feature = "sighup"))]
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::thread::JoinHandle;
use std::time::Duration;

use super::bell::Events;
use super::logging::{Logging, PATIENCE, WeakLogging};
use super::reload::Reload;
use super::spec::{Loader, watch_interval};
use super::watched::Watched;
use crate::error::{Error, guarded, notify};
use crate::sync::generation;
use crate::sys;
use crate::time::uptime;

/// The pause between two looks at a file that changes.
const SETTLE: Duration = Duration::from_millis(200);

/// The shortest interval between looks.
const SHORTEST: Duration = Duration::from_millis(100);

/// How a configuration's file is watched; start with [`Watch::path`].
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`every`](Self::every) | 2 s | the interval between looks |
/// | [`loader`](Self::loader) | `Loader::new()` | types of the program's own, environment, defaults |
/// | [`timeout`](Self::timeout) | 5 s | the time that a change may take |
/// | [`events`](Self::events) | on | whether events of the directory shorten the interval (Linux, feature `inotify`) |
/// | `on_sighup` | off | whether `SIGHUP` loads the file again (Unix, feature `sighup`) |
///
/// A file that has changed, and is the same at two looks, is loaded as [`init`](crate::init) does: with the variables
/// of the environment over it. The change is one transaction, as by [`Logging::reload`]. A broken file changes nothing,
/// and is reported once: by a record of the logger `femtologging.config`, a notice on standard error, and
/// [`Metrics::watches`](crate::metrics::Metrics::watches). The same holds for a file that is missing or cannot be read.
/// An empty file counts as one that is not written yet.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use femtologging::Config;
/// use femtologging::config::{Registry, Spec, Watch};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.toml");
/// # std::fs::write(&path, "handlers.console.type = 'stream'")?;
/// let logging = Config::from_spec(&Spec::from_path(&path)?, &Registry::new())?.build()?;
/// let watching = Watch::path(&path).every(Duration::from_secs(10)).start(&logging)?;
/// // As long as `watching` lives.
/// watching.stop(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Watch {
    path: PathBuf,
    every: Duration,
    loader: Loader,
    timeout: Duration,
    has_events: bool,
    #[cfg(all(unix, feature = "sighup"))]
    has_sighup: bool,
    /// Whether the document says how often it is looked at.
    is_of_document: bool,
}

impl Watch {
    /// Watches this file. Its extension says the format. A relative path is one of the current directory at the start.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            every: Duration::from_secs(2),
            loader: Loader::new(),
            timeout: PATIENCE,
            has_events: true,
            #[cfg(all(unix, feature = "sighup"))]
            has_sighup: false,
            is_of_document: false,
        }
    }

    /// Sets the interval between looks, 100 ms at least.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval.max(SHORTEST);
        self
    }

    /// Sets what loads the file: its registry, its environment, its defaults.
    pub fn loader(mut self, loader: &Loader) -> Self {
        self.loader = loader.clone();
        self
    }

    /// Sets how long the handlers of the old configuration may take to deliver; see [`Logging::reload`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets whether events of the file's directory shorten the interval. They have an effect on Linux, with the feature
    /// `inotify`, and none where a file system does not have them, such as NFS: there, the interval finds the change.
    pub fn events(mut self, events: bool) -> Self {
        self.has_events = events;
        self
    }

    /// Loads the file again at each `SIGHUP`, at once, also if it has not changed. `SIGHUP` does not end the process
    /// then, which it would without a handler; nor does it after the watch has ended.
    #[cfg(all(unix, feature = "sighup"))]
    #[cfg_attr(docsrs, doc(cfg(feature = "sighup")))]
    pub fn on_sighup(mut self) -> Self {
        self.has_sighup = true;
        self
    }

    /// Has the document say how often it is looked at, and whether.
    pub(super) fn of_document(self) -> Self {
        Self { is_of_document: true, ..self }
    }

    /// Starts the thread that watches, `femtolog-config`. It ends with what this returns, or with the system.
    ///
    /// # Errors
    ///
    /// The system starts no more threads, or has no more descriptors.
    pub fn start(self, logging: &Logging) -> Result<Watching, Error> {
        let mut events = match self.has_events {
            true => Events::new(),
            false => Events::default(),
        };
        #[cfg(all(unix, feature = "sighup"))]
        let has_sighup = self.has_sighup;
        let mut watcher = self.by_hand(logging)?;
        let shared = watcher.shared.clone();
        #[cfg(all(unix, feature = "sighup"))]
        let signal = has_sighup.then(|| Sighup::new(&shared)).transpose()?;
        let run = move || {
            // The first look finds whether the file has changed since the system was made of it.
            let mut pause = SETTLE;
            let mut is_event = false;
            while !watcher.shared.is_stopped() {
                events.follow(watcher.directories());
                // Events of a busy directory do not make looks more frequent than this.
                if is_event {
                    watcher.shared.bell.wait(SHORTEST);
                }
                is_event = events.wait(&watcher.shared.bell, pause);
                #[cfg(all(unix, feature = "sighup"))]
                let is_asked = signal.as_ref().is_some_and(Sighup::take);
                #[cfg(not(all(unix, feature = "sighup")))]
                let is_asked = false;
                let looked = guarded(|| if is_asked { watcher.reload() } else { watcher.look() });
                pause = match looked {
                    Some(Look::Over) => break,
                    Some(Look::Changing) => SETTLE.min(watcher.every),
                    _ => watcher.every,
                };
            }
        };
        let thread = sys::spawn("femtolog-config", run)
            .map_err(|error| Error::io("cannot start the thread that watches the configuration", error))?;
        Ok(Watching { shared, thread: Some(thread), process: generation() })
    }

    /// Makes a watcher without a thread, for a program that looks by itself: by a timer of its own, or in a test.
    ///
    /// # Errors
    ///
    /// The system has no more descriptors; or there is no current directory for a relative path.
    pub fn by_hand(self, logging: &Logging) -> Result<Watcher, Error> {
        let path = std::path::absolute(&self.path)
            .map_err(|error| Error::io(format_args!("cannot watch {}", self.path.display()), error))?;
        let shared = Arc::new(Watched::new(&path)?);
        logging.add_watched(shared.clone());
        Ok(Watcher {
            system: logging.downgrade(),
            path,
            every: self.every,
            loader: self.loader.with_console(),
            timeout: self.timeout,
            is_of_document: self.is_of_document,
            shared,
            acted: None,
            pending: None,
            is_settled: false,
            refused: None,
            unreadable: None,
        })
    }
}

/// A thread that watches a configuration's file; it ends when this is dropped, after the look that is under way.
#[must_use = "the watch ends when this is dropped; `detach` keeps it"]
pub struct Watching {
    shared: Arc<Watched>,
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread; see [`generation`].
    process: u32,
}

impl Watching {
    /// Lets the thread go on until the system ends.
    pub fn detach(self) {
        let mut this = std::mem::ManuallyDrop::new(self);
        drop(this.thread.take());
    }

    /// Ends the thread, and waits until it has ended. In a child of `fork`, which does not have it, there is nothing to
    /// wait for.
    ///
    /// # Errors
    ///
    /// The look that is under way has not ended after `timeout`: a function of the program's registry takes long, or a
    /// handler at its end. The thread ends after it.
    pub fn stop(mut self, timeout: Duration) -> Result<(), Error> {
        self.shared.stop();
        let Some(thread) = self.thread.take().filter(|_| self.process == generation()) else { return Ok(()) };
        let start = uptime();
        while !thread.is_finished() {
            if uptime().saturating_sub(start) >= timeout {
                return Err(Error::timeout(format_args!("the end of the watch (given {timeout:?})")));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").field("metrics", &self.shared.metrics()).finish_non_exhaustive()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // In a child of `fork`, the bell is its parent's as well, who looks once more.
        self.shared.stop();
    }
}

/// What a look has found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Look {
    /// The content that is in force, or one that was refused before.
    Unchanged,
    /// Another content, which may be half-written; or another change of the configuration is under way. The next look
    /// decides.
    Changing,
    /// The configuration has changed.
    Reloaded(Reload),
    /// The content is broken, and nothing has changed. Later looks at it return `Unchanged`.
    Refused(Error),
    /// There is no file, or it cannot be read, or it is empty. Nothing has changed.
    Unreadable(Error),
    /// The logging system was shut down, or the watch has ended.
    Over,
}

/// Looks at a configuration's file, whenever it is asked to; see [`Watch::by_hand`].
///
/// # Examples
///
/// ```
/// use femtologging::config::{Look, Registry, Spec, Watch};
/// use femtologging::{Config, LevelFilter};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.toml");
/// std::fs::write(&path, "handlers.null.type = 'null'")?;
/// let logging = Config::from_spec(&Spec::from_path(&path)?, &Registry::new())?.build()?;
/// let mut watcher = Watch::path(&path).by_hand(&logging)?;
///
/// std::fs::write(&path, "handlers.null.type = 'null'\nroot.level = 'warn'")?;
/// assert!(matches!(watcher.look(), Look::Changing));
/// assert!(matches!(watcher.look(), Look::Reloaded(_)));
/// assert_eq!(logging.root_logger().effective_level(), LevelFilter::Warn);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Watcher {
    system: WeakLogging,
    path: PathBuf,
    every: Duration,
    loader: Loader,
    timeout: Duration,
    is_of_document: bool,
    shared: Arc<Watched>,
    /// What was loaded or refused last.
    acted: Option<Seen>,
    /// What the last look has found, if it was something else.
    pending: Option<Seen>,
    /// Whether a look since then has read the same again.
    is_settled: bool,
    /// Why that content was refused.
    refused: Option<String>,
    /// Why the last look could not read the file.
    unreadable: Option<String>,
}

/// A content of the file.
#[derive(Clone, Copy, PartialEq)]
struct Seen {
    stamp: Stamp,
    hash: u64,
}

/// What the system says about a file without reading it: device, inode, length, and time of change.
#[derive(Clone, Copy, PartialEq)]
struct Stamp([i128; 4]);

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        let nanos = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self([metadata.dev().into(), metadata.ino().into(), metadata.len().into(), nanos])
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let nanos = |time: std::io::Result<std::time::SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            since.map_or(0, |since| since.as_nanos() as i128)
        };
        Self([0, nanos(metadata.created()), metadata.len().into(), nanos(metadata.modified())])
    }
}

impl Watcher {
    /// Looks whether the file has changed, and changes the configuration when two looks have found the same.
    pub fn look(&mut self) -> Look {
        self.looked(false)
    }

    /// Loads the file at once, also if it has not changed.
    pub fn reload(&mut self) -> Look {
        self.looked(true)
    }

    fn looked(&mut self, is_asked: bool) -> Look {
        let Some(logging) = self.system.upgrade().filter(|_| !self.shared.is_stopped()) else { return Look::Over };
        let look = match self.read(is_asked) {
            Ok(None) => Look::Unchanged,
            Ok(Some((seen, bytes))) => self.found(&logging, seen, bytes, is_asked),
            Err(error) => {
                self.pending = None;
                let text = format!("{error:#}");
                if self.unreadable.as_ref() != Some(&text) {
                    notify("config", format_args!("{text}; the configuration stays as it is"));
                }
                self.unreadable = Some(text);
                Look::Unreadable(error)
            }
        };
        let last_error = self.unreadable.clone().or_else(|| self.refused.clone());
        let now = logging.now();
        self.shared.note(|metrics| {
            metrics.looks += 1;
            metrics.last_look = Some(now);
            metrics.last_error = last_error;
            metrics.reloads += u64::from(matches!(look, Look::Reloaded(_)));
        });
        look
    }

    /// Reads the file, unless it is as it was.
    fn read(&mut self, is_asked: bool) -> Result<Option<(Seen, Vec<u8>)>, Error> {
        let context = |error: IoError| Error::io(format_args!("cannot read {}", self.path.display()), error);
        let resolved = fs::canonicalize(&self.path).map_err(context)?;
        let stamp = Stamp::of(&fs::metadata(&resolved).map_err(context)?);
        let is_as_it_was = self.acted.is_some_and(|acted| acted.stamp == stamp);
        if is_as_it_was && self.is_settled && !is_asked {
            self.unreadable = None;
            self.pending = None;
            return Ok(None);
        }
        let bytes = Loader::read_bytes(&resolved).map_err(context)?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(context(IoError::new(ErrorKind::UnexpectedEof, "the file is empty")));
        }
        self.unreadable = None;
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        Ok(Some((Seen { stamp, hash: hasher.finish() }, bytes)))
    }

    fn found(&mut self, logging: &Logging, seen: Seen, bytes: Vec<u8>, is_asked: bool) -> Look {
        if let Some(acted) = self.acted.as_mut().filter(|acted| acted.hash == seen.hash && !is_asked) {
            self.is_settled = *acted == seen;
            *acted = seen;
            self.pending = None;
            return Look::Unchanged;
        }
        if self.pending != Some(seen) && !is_asked {
            self.pending = Some(seen);
            return Look::Changing;
        }
        let spec = self.loader.load_bytes(&self.path, bytes);
        let is_in_force = match (&spec, logging.spec()) {
            (Ok(spec), Some(running)) => *spec == *running && !is_asked,
            _ => false,
        };
        let result = match is_in_force {
            true => None,
            false => match logging.reload_unless_busy(spec, &self.loader.types(), self.timeout) {
                Some(result) => Some(result),
                None => return Look::Changing,
            },
        };
        (self.acted, self.pending, self.is_settled) = (Some(seen), None, false);
        match result {
            None => {
                self.refused = None;
                Look::Unchanged
            }
            Some(Ok(reload)) => {
                self.refused = None;
                self.follow_document(logging);
                Look::Reloaded(reload)
            }
            Some(Err(error)) => {
                let text = format!("{error:#}");
                notify("config", format_args!("{text}; the configuration stays as it is"));
                self.refused = Some(text);
                Look::Refused(error)
            }
        }
    }

    /// Takes the interval of the new document, or ends the watch.
    fn follow_document(&mut self, logging: &Logging) {
        if !self.is_of_document {
            return;
        }
        match logging.spec().and_then(|spec| watch_interval(&spec)) {
            Some(interval) => self.every = interval.max(SHORTEST),
            None => {
                notify("config", format_args!("{} is not watched any more, as it says", self.path.display()));
                self.shared.stop();
            }
        }
    }

    /// Returns the directories in which events may mean a change: those of the path, and of what it leads to.
    fn directories(&self) -> Vec<PathBuf> {
        let resolved = fs::canonicalize(&self.path).ok();
        let parents = [Some(self.path.as_path()), resolved.as_deref()].into_iter().flatten().filter_map(Path::parent);
        let mut directories: Vec<_> = parents.map(Path::to_owned).collect();
        directories.dedup();
        directories
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("metrics", &self.shared.metrics()).finish_non_exhaustive()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// A handler of `SIGHUP`, until it is dropped.
#[cfg(all(unix, feature = "sighup"))]
struct Sighup {
    came: Arc<AtomicBool>,
    ids: Vec<signal_hook::SigId>,
}

#[cfg(all(unix, feature = "sighup"))]
impl Sighup {
    fn new(shared: &Watched) -> Result<Self, Error> {
        use signal_hook::consts::SIGHUP;

        let mut this = Self { came: Arc::default(), ids: Vec::new() };
        let mut register = || {
            // In this order: who is woken finds that the signal came.
            this.ids.push(signal_hook::flag::register(SIGHUP, this.came.clone())?);
            this.ids.push(signal_hook::low_level::pipe::register(SIGHUP, shared.bell.clapper()?)?);
            Ok(())
        };
        register().map_err(|error| Error::io("cannot handle SIGHUP", error))?;
        Ok(this)
    }

    fn take(&self) -> bool {
        self.came.swap(false, AcqRel)
    }
}

#[cfg(all(unix, feature = "sighup"))]
impl Drop for Sighup {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
