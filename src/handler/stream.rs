//! A handler over any writer.

use std::io::{self, Write};

use super::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec, Line};
use crate::error::Error;
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Writes records as text to standard output, standard error or any other writer.
///
/// | setting | default |
/// |---|---|
/// | [`formatter`](HandlerBuilder::formatter) | [`FemtoTextFormatter`](crate::FemtoTextFormatter) |
/// | [`terminator`](HandlerBuilder::terminator) | a line feed |
/// | the rest | see [`HandlerBuilder`] |
///
/// Every batch is written with as few writes as the writer allows and then flushed. After an error, the records whose
/// text the writer took whole count as written and the others as failed; the next batch is tried anew, on a new line
/// if a record was cut in two.
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
pub struct StreamOptions<W> {
    writer: W,
    line: Line,
}

impl<W> AsMut<Line> for StreamOptions<W> {
    fn as_mut(&mut self) -> &mut Line {
        &mut self.line
    }
}

impl FemtoStreamHandler<io::Stdout> {
    /// Starts a handler that writes to standard output.
    pub fn stdout() -> HandlerBuilder<StreamOptions<io::Stdout>> {
        FemtoStreamHandler::new(io::stdout())
    }
}

impl FemtoStreamHandler<io::Stderr> {
    /// Starts a handler that writes to standard error.
    pub fn stderr() -> HandlerBuilder<StreamOptions<io::Stderr>> {
        FemtoStreamHandler::new(io::stderr())
    }
}

impl<W: Write + Send + 'static> FemtoStreamHandler<W> {
    /// Starts a handler that writes to `writer`.
    #[expect(clippy::new_ret_no_self, reason = "a handler is always built with its settings")]
    pub fn new(writer: W) -> HandlerBuilder<StreamOptions<W>> {
        HandlerBuilder::new(StreamOptions { writer, line: Line::default() })
    }
}

impl<W: Write + Send + 'static> HandlerBuilder<StreamOptions<W>> {
    /// Makes the handler.
    ///
    /// # Errors
    ///
    /// Settings that cannot work, all in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (StreamOptions { writer, line }, settings) = self.into_parts();
        Self::finish(settings, Vec::new(), || Ok(Box::new(FemtoStreamHandler { writer, line })))
    }
}

impl<W: Write + Send + 'static> FemtoHandler for FemtoStreamHandler<W> {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.line.append(record, batch);
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        self.line.write(batch, &mut self.writer)?;
        self.writer.flush()?;
        Ok(Delivery::Done)
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(self.writer.flush()?)
    }
}
