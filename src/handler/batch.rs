//! The text of the records between two deliveries.

use std::io::{self, Write};

/// The text of a batch of records, in a buffer that is used again and again.
///
/// # Examples
///
/// ```
/// use femtologging::handler::Batch;
///
/// let mut batch = Batch::default();
/// batch.append(|out| out.extend_from_slice(b"one\n"));
/// batch.append(|out| out.extend_from_slice(b"two\n"));
/// assert_eq!(batch.bytes(), b"one\ntwo\n");
/// ```
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each record's text ends.
    ends: Vec<usize>,
    delivered: usize,
    eager: bool,
    /// Whether the text delivered last, by this batch or an earlier one, ends within a record.
    torn: bool,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The batch is delivered.
    Done,
    /// The handler waits for more; the batch goes on. Not heeded at a flush or shutdown, or when the batch is full.
    Wait,
}

impl Batch {
    /// How much text makes a batch full.
    pub const FULL: usize = 256 * 1024;

    /// A larger buffer is given back after use.
    const KEEP: usize = 4 * Self::FULL;

    /// Appends one record's text.
    #[inline]
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
    }

    /// Returns all text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many records are in the batch, less the one that is being handled.
    pub fn records(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether the handler may not answer [`Delivery::Wait`].
    pub fn is_due(&self) -> bool {
        self.eager || self.bytes.len() >= Self::FULL
    }

    /// Writes all text, and notes how far it came.
    ///
    /// # Errors
    ///
    /// The writer's error; [`io::ErrorKind::WriteZero`] if it takes nothing more.
    pub fn write_to(&mut self, writer: &mut impl Write) -> io::Result<()> {
        while self.delivered < self.bytes.len() {
            match writer.write(&self.bytes[self.delivered..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.delivered += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Notes that the first `bytes` bytes are delivered, for the count in case the rest fails.
    pub fn delivered(&mut self, bytes: usize) {
        self.delivered = bytes;
    }

    /// Whether an earlier batch was cut off within a record.
    pub(super) fn is_torn(&self) -> bool {
        self.torn
    }

    /// Notes that the cut-off record is now on a line of its own.
    pub(super) fn mend(&mut self) {
        self.torn = false;
    }

    pub(crate) fn set_due(&mut self, due: bool) {
        self.eager = due;
    }

    /// Ends the current record.
    #[inline]
    pub(crate) fn seal(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// Takes back what the current record has appended.
    pub(crate) fn discard(&mut self) {
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// How many whole records the delivered bytes hold, and the bytes of these.
    pub(crate) fn delivered_records(&self) -> (usize, usize) {
        if self.delivered == 0 {
            return (0, 0);
        }
        let records = self.ends.partition_point(|end| *end <= self.delivered);
        (records, records.checked_sub(1).map_or(0, |last| self.ends[last]))
    }

    /// Empties the batch; a buffer that a giant record blew up is let go.
    pub(crate) fn clear(&mut self) {
        self.torn |= self.delivered < self.bytes.len() && self.delivered > self.delivered_records().1;
        self.bytes.clear();
        self.ends.clear();
        self.delivered = 0;
        self.eager = false;
        self.bytes.shrink_to(Self::KEEP);
        self.ends.shrink_to(Self::FULL / 16);
    }
}
