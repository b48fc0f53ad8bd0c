//! A record as a line of text, for handlers of text.

use std::io::{self, Write};

use super::Batch;
use crate::formatter::{FemtoFormatter, FemtoTextFormatter};
use crate::record::FemtoLogRecord;

/// A formatter, and the terminator of each record's text.
pub struct Line {
    pub(super) formatter: Box<dyn FemtoFormatter>,
    pub(super) terminator: Vec<u8>,
}

impl Default for Line {
    fn default() -> Self {
        Self { formatter: Box::new(FemtoTextFormatter::new()), terminator: vec![b'\n'] }
    }
}

impl Line {
    /// Appends the record's line to the batch.
    #[inline]
    pub fn append(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) {
        batch.append(|out| {
            self.formatter.format(record, out);
            out.extend_from_slice(&self.terminator);
        });
    }

    /// Writes the batch. If the last one was cut off within a record, a terminator goes first.
    ///
    /// # Errors
    ///
    /// See [`Batch::write_to`].
    pub fn write(&self, batch: &mut Batch, writer: &mut impl Write) -> io::Result<()> {
        self.write_until(batch.bytes().len(), batch, writer)
    }

    /// Writes the text of the batch before `end`, as [`write`](Self::write) does.
    pub(super) fn write_until(&self, end: usize, batch: &mut Batch, writer: &mut impl Write) -> io::Result<()> {
        if batch.is_torn() {
            writer.write_all(&self.terminator)?;
            batch.mend();
        }
        batch.write_until(end, writer)
    }
}
