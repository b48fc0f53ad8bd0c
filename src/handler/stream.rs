//! A handler over any writer.

use std::io::{self, ErrorKind, Write};

use super::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec, Line};
use crate::error::Error;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;
use crate::stdio::StandardStream;
use crate::time::Timestamp;

/// Writes records as text to standard output, standard error or any other writer.
///
/// | setting | default |
/// |---|---|
/// | [`formatter`](HandlerBuilder::formatter) | [`FemtoTextFormatter`](crate::FemtoTextFormatter) |
/// | [`terminator`](HandlerBuilder::terminator) | a line feed |
/// | the rest | see [`HandlerBuilder`] |
///
/// Every batch is written with as few writes as the writer allows, and then flushed. After an error, the records whose
/// text was written completely count as written and the others as failed. The next batch is tried, on a new line if a
/// record was cut in two.
///
/// With [`inline`](HandlerBuilder::inline), each record is written before the call returns, by the caller, in place of
/// batches by a thread.
///
/// # A reader that goes
///
/// In `program | head`, nobody reads the pipe after some lines, and every write fails (`EPIPE`). That ends quietly: the
/// records count as failed, the error is counted once, and no notice is written. [`flush`](crate::flush) and
/// [`shutdown`](crate::shutdown()) still return the error; the end of the process says nothing.
///
/// # Standard streams
///
/// [`stdout`](Self::stdout) and [`stderr`](Self::stderr) duplicate the descriptor and write to the duplicate, without
/// std's lock: a program that holds `stdout().lock()`, or a `fork` while the handler writes, blocks no thread. If the
/// program later closes descriptor 1 or 2, or redirects it with `dup2`, the handler continues to write to the original
/// stream; so a program that redirects its output should set up logging after that.
/// `FemtoStreamHandler::builder(io::stdout())` follows a redirection, and takes std's lock. Text that the program has
/// printed by `print!` without a line feed may appear after records that are logged later: it is still in std's buffer.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoStreamHandler, Level};
///
/// let logging = Config::builder()
///     .add_handler("console", FemtoStreamHandler::stderr().level(Level::Warn).build()?)
///     .build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoStreamHandler<W> {
    writer: W,
    line: Line,
}

/// The options of a [`FemtoStreamHandler`].
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoConsoleFormatter;
/// use femtologging::handler::{FemtoStreamHandler, HandlerBuilder, StreamOptions};
///
/// /// The console format of a program, for any writer.
/// fn dressed<W: std::io::Write + Send + 'static>(
///     builder: HandlerBuilder<StreamOptions<W>>,
/// ) -> HandlerBuilder<StreamOptions<W>> {
///     builder.formatter(FemtoConsoleFormatter::new().digits(6))
/// }
///
/// let console = dressed(FemtoStreamHandler::stderr()).build()?;
/// let memory = dressed(FemtoStreamHandler::builder(Vec::new())).build()?;
/// # drop((console, memory));
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct StreamOptions<W> {
    writer: io::Result<W>,
    line: Line,
}

impl<W> AsMut<Line> for StreamOptions<W> {
    fn as_mut(&mut self) -> &mut Line {
        &mut self.line
    }
}

impl FemtoStreamHandler<StandardStream> {
    /// Starts a handler that writes to standard output.
    pub fn stdout() -> HandlerBuilder<StreamOptions<StandardStream>> {
        StreamOptions::start(StandardStream::stdout())
    }

    /// Starts a handler that writes to standard error.
    pub fn stderr() -> HandlerBuilder<StreamOptions<StandardStream>> {
        let mut builder = StreamOptions::start(StandardStream::stderr());
        builder.show_on_stderr();
        builder
    }
}

impl<W> StreamOptions<W> {
    fn start(writer: io::Result<W>) -> HandlerBuilder<Self> {
        HandlerBuilder::new(StreamOptions { writer, line: Line::default() })
    }
}

impl<W: Write + Send + 'static> FemtoStreamHandler<W> {
    /// Starts a handler that writes to `writer`.
    pub fn builder(writer: W) -> HandlerBuilder<StreamOptions<W>> {
        StreamOptions::start(Ok(writer))
    }
}

impl<W: Write + Send + 'static> HandlerBuilder<StreamOptions<W>> {
    /// Makes the handler.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error. An error as well if a standard stream cannot be duplicated, because the
    /// process has no free descriptors.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (StreamOptions { writer, line }, settings) = self.into_parts();
        Self::finish(settings, Vec::new(), || {
            let writer = writer.map_err(|error| Error::io("could not duplicate a standard stream", error))?;
            Ok(Box::new(FemtoStreamHandler { writer, line }))
        })
    }
}

impl<W: Write + Send + 'static> FemtoHandler for FemtoStreamHandler<W> {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.line.append(record, batch);
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        let written = self.line.write(batch, &mut self.writer).and_then(|()| self.writer.flush());
        written.map(|()| Delivery::Done).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Error::reader_gone("the reader has gone", error),
            _ => error.into(),
        })
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(self.writer.flush()?)
    }

    fn set_formatter(&mut self, formatter: Box<dyn FemtoFormatter>) -> Result<(), Error> {
        self.line.set_formatter(formatter);
        Ok(())
    }
}
