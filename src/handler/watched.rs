//! A handler for a file that other programs rename, remove or truncate.

use std::sync::Arc;

use super::disk::Disk;
use super::file::FileHooks;
use super::log_file::LogFile;
use super::{Batch, FileOptions, HandlerBuilder, HandlerSpec, Line};
use crate::error::Error;

/// Writes records as text to a file that another program, such as `logrotate`, renames, removes or truncates.
///
/// Before each write, the handler checks whether the path is still that of the open file (on Unix, by device and
/// inode), and opens the path again if it is not. Nothing is lost: earlier records are in the renamed file, and later
/// ones in the new file. logrotate needs no `postrotate` script with this handler, and works with `create` and
/// `nocreate`. With `copytruncate`, every file handler works, but logrotate may lose lines that are written while it
/// copies.
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
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoWatchedFileHandler, HandlerBuilder, WatchedFileOptions};
///
/// /// The settings of a log that a group of administrators reads.
/// fn shared(builder: HandlerBuilder<WatchedFileOptions>) -> HandlerBuilder<WatchedFileOptions> {
///     builder.permissions(0o640).create_dirs(true)
/// }
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// let handler = shared(FemtoWatchedFileHandler::builder().path(path)).build()?;
/// # drop(handler);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<WatchedFileOptions> {
        HandlerBuilder::new(WatchedFileOptions::default())
    }
}

impl HandlerBuilder<WatchedFileOptions> {
    /// Makes the handler and, unless [`delay`](Self::delay) is set, opens the file.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error; or the system's error, with the path, if the file cannot be opened.
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
