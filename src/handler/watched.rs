//! A handler of a file that other programs rename or truncate.

use std::sync::Arc;

use super::disk::Disk;
use super::file::FileHooks;
use super::log_file::LogFile;
use super::{Batch, FileOptions, HandlerBuilder, HandlerSpec, Line};
use crate::error::Error;

/// Writes records as text to a file that another program, such as `logrotate`, renames, removes or truncates.
///
/// Before each write the handler asks the file system whether the path still leads to the file that is open (on Unix,
/// by device and inode), and opens the path again if it does not. Nothing is lost: what was written before is in the
/// renamed file, and what comes after is in the new one. Logrotate needs no `postrotate` script with it, and works with
/// `create` and `nocreate`. With `copytruncate` any file handler does; the lines written while logrotate copies are the
/// ones that it may lose.
///
/// The settings are those of [`FemtoFileHandler`](super::FemtoFileHandler).
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoWatchedFileHandler;
/// use femtologging::Config;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// let logging = Config::builder()
///     .add_handler("file", FemtoWatchedFileHandler::builder().path(&path).build()?)
///     .build()?;
/// # drop(logging);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FemtoWatchedFileHandler;

/// The options of a [`FemtoWatchedFileHandler`].
#[derive(Default)]
pub struct WatchedFileOptions(FileOptions);

impl AsMut<FileOptions> for WatchedFileOptions {
    fn as_mut(&mut self) -> &mut FileOptions {
        &mut self.0
    }
}

impl AsMut<Line> for WatchedFileOptions {
    fn as_mut(&mut self) -> &mut Line {
        self.0.as_mut()
    }
}

impl FemtoWatchedFileHandler {
    /// Starts a handler.
    pub fn builder() -> HandlerBuilder<WatchedFileOptions> {
        HandlerBuilder::new(WatchedFileOptions::default())
    }
}

impl HandlerBuilder<WatchedFileOptions> {
    /// Makes the handler and, unless [`delay`](Self::delay) is set, opens the file.
    ///
    /// # Errors
    ///
    /// Settings that cannot work, all in one error; or the system's error, with the path, if the file cannot be opened.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (WatchedFileOptions(options), settings) = self.into_parts();
        Self::finish(settings, options.problems(), || {
            let file = options.file(Arc::new(Disk))?;
            options.handler(WatchedFile(file))
        })
    }
}

struct WatchedFile(LogFile);

impl FileHooks for WatchedFile {
    fn file(&mut self) -> &mut LogFile {
        &mut self.0
    }

    fn write(&mut self, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        if let Err(error) = self.0.follow_path() {
            batch.report(error);
        }
        self.0.write(line, batch)
    }
}
