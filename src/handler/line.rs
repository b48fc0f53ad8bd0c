//! Lines: what handlers of text have in common, a formatter and a terminator.

use std::any::Any;
use std::io::{self, Write};

use super::Batch;
#[cfg(feature = "logfmt")]
use crate::formatter::FemtoLogfmtFormatter;
#[cfg(feature = "pattern")]
use crate::formatter::FemtoPatternFormatter;
use crate::formatter::{FemtoFormatter, FemtoJsonFormatter, FemtoTextFormatter};
use crate::record::FemtoLogRecord;

/// A formatter, and the terminator of each record's text.
pub struct Line {
    formatter: Box<dyn FemtoFormatter>,
    /// Whether the formatter is known to append only. It then writes directly to the text of the batch; otherwise to a
    /// buffer, which is copied.
    appends_only: bool,
    pub(super) terminator: Vec<u8>,
}

impl Default for Line {
    fn default() -> Self {
        Self { formatter: Box::new(FemtoTextFormatter::new()), appends_only: true, terminator: vec![b'\n'] }
    }
}

impl Line {
    /// Sets the formatter.
    pub(super) fn set_formatter(&mut self, formatter: Box<dyn FemtoFormatter>) {
        self.appends_only = appends_only(&*formatter);
        self.formatter = formatter;
    }

    /// Appends the record's line to the batch.
    #[inline]
    pub fn append(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) {
        let write = |out: &mut Vec<u8>| {
            self.formatter.format(record, out);
            match self.terminator[..] {
                // As usual. A copy of variable length is a call.
                [byte] => out.push(byte),
                _ => out.extend_from_slice(&self.terminator),
            }
        };
        if self.appends_only { batch.append_in_place(write) } else { batch.append(write) }
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

/// Returns whether this is one of the library's own formatters, which append only. A user's formatter may do anything
/// with its buffer.
fn appends_only(formatter: &dyn Any) -> bool {
    #[cfg(feature = "logfmt")]
    if formatter.is::<FemtoLogfmtFormatter>() {
        return true;
    }
    #[cfg(feature = "pattern")]
    if formatter.is::<FemtoPatternFormatter>() {
        return true;
    }
    formatter.is::<FemtoTextFormatter>() || formatter.is::<FemtoJsonFormatter>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::by_hand::ByHand;

    #[test]
    fn a_formatter_that_clears_or_replaces_its_buffer_changes_no_other_record() {
        let mut line = Line::default();
        assert!(line.appends_only);
        let mut batch = Batch::default();
        let append = |line: &mut Line, batch: &mut Batch| {
            ByHand { message: "one", ..ByHand::default() }.with(|record| line.append(record, batch));
            batch.seal();
        };
        line.set_formatter(Box::new(FemtoPatternFormatter::percent("%(message)s").unwrap()));
        append(&mut line, &mut batch);
        line.set_formatter(Box::new(|_: &FemtoLogRecord<'_>, out: &mut Vec<u8>| out.clear()));
        append(&mut line, &mut batch);
        line.set_formatter(Box::new(|_: &FemtoLogRecord<'_>, out: &mut Vec<u8>| *out = b"two".to_vec()));
        append(&mut line, &mut batch);
        assert_eq!(batch.texts().collect::<Vec<_>>(), [&b"one\n"[..], b"\n", b"two\n"]);
    }
}
