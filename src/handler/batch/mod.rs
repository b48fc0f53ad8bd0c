//! The text of the records between two deliveries, and the outcome of each.
//!
//! A batch has two parts: the text, which a handler writes, and a private [`Ledger`], which has an entry for each
//! record with its id and its outcome: open, written or failed. Neither text nor entries ever change their order.
//!
//! A record goes through these steps:
//!
//! 1. `handle` appends its text, and [`seal`](Batch::seal) adds its entry, which is open. If `handle` fails, the text
//!    is taken back by [`discard`](Batch::discard).
//! 2. `deliver` closes entries as written or failed. Most handlers do so from the front on, by bytes or by records;
//!    those that learn the outcome of each record, such as HTTP handlers and handlers of other handlers, do it by id.
//! 3. [`settle`](Batch::settle) ends the delivery. It closes the remaining entries, or leaves them open for a retry,
//!    removes the closed ones, and returns the counts. A removed record can never be counted again.
//!
//! An example, with a server that accepts `a`, refuses `b` for good and asks for `c` again:
//!
//! ```text
//!                         text    entries                          counts
//! handle a, b, c          abc     1 open     2 open    3 open
//! deliver: by id          abc     1 written  2 failed  3 open
//! settle(Open)            c       3 open                           written 1, failed 1
//! handle d                cd      3 open     4 open
//! deliver: Done           cd      3 open     4 open
//! settle(Written)                                                  written 2
//! ```
//!
//! Closed entries between open ones are gaps. They exist only from a delivery by id to the next `settle`, so a handler
//! that delivers by bytes, from [`rest`](Batch::rest), never meets one.
//!
//! What was delivered of the first open record, if it was cut off within, is `partial`, a number of bytes. It is 0 for
//! all others. When such a record fails or is given up, the destination ends within a record: the batch is torn, and
//! handlers of lines start a new line.
//!
//! For example, a disk is full after 3 bytes of the second of two records of 4 bytes each:
//!
//! ```text
//!                     text              first   partial   is_torn    file
//! handle              aaa⏎bbb⏎          0       0         false
//! write_to, 7 bytes   aaa⏎bbb⏎          1       3         false      aaa⏎bbb
//! settle(Open)        bbb⏎              0       3         false      aaa⏎bbb        written 1; `rest` is "⏎"
//! fail_next(1)        bbb⏎              1       0         true       aaa⏎bbb        failed 1
//! the next record     … ccc⏎                              false      aaa⏎bbb⏎ccc⏎   a line feed first
//! ```
//!
//! # Who calls what
//!
//! | caller | calls |
//! |---|---|
//! | the worker, or the handler around an inner one | `set_call`, `seal`, `seal_uncounted`, `discard`, `settle` |
//! | the handler, in `handle` | `append` |
//! | the handler, in `deliver` | everything that is public, to say what was delivered and what failed |
//! | handlers of handlers | `current_id`, `set_current_id`, `close_by_id`, `add_bytes`, `abandonments` |
//!
//! A user's handler cannot seal, discard or settle. If it has a bug, the counters may say "written" of what it has
//! lost, but `emitted = written + dropped + failed + in_flight` still holds.

mod ledger;

use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;

use ledger::Ledger;
pub(super) use ledger::LedgerEntry;
pub(crate) use ledger::{Outcome, RecordId};

use crate::error::Error;

/// The text of a batch of records, in a buffer that is reused.
///
/// A handler notes in it how far delivery has come: [`delivered`](Self::delivered) by bytes,
/// [`deliver_next`](Self::deliver_next) and [`fail_next`](Self::fail_next) by records. What it answers
/// [`Delivery::Retry`] for stays in the batch, in flight, and comes again in front of newer records.
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
    text: Vec<u8>,
    /// The buffer that one record's text is written to before it is appended.
    scratch: Vec<u8>,
    ledger: Ledger,
    /// How many bytes of the first open record are delivered.
    partial: usize,
    /// The counts and errors since the last call of [`settle`](Self::settle).
    settled: Settled,
    /// The numbers of records and bytes that the last call of [`settle`](Self::settle) kept.
    kept: (usize, usize),
    /// The length of the text removed so far.
    offset: u64,
    /// How often [`settle`](Self::settle) failed records that the handler had asked to keep.
    abandonments: u64,
    call: Call,
    /// Whether the text delivered last, by this batch or an earlier one, ends within a record.
    is_torn: bool,
}

/// Why the handler is asked to deliver.
///
/// | reason | `due` | `urgent` | `closing` | `time_left` |
/// |---|---|---|---|---|
/// | the queue is empty | | | | |
/// | the batch is full | yes | | | |
/// | a flush: the first attempt, then retries | yes | first | | yes |
/// | a shutdown: the first attempt, then retries | yes | first | yes | yes |
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Call {
    /// Whether the handler may not wait for more.
    pub(crate) due: bool,
    /// Whether a flush or shutdown has just begun.
    pub(crate) urgent: bool,
    /// Whether it is the last call.
    pub(crate) closing: bool,
    /// The time left until the caller's deadline for a flush or shutdown.
    pub(crate) time_left: Option<Duration>,
}

/// The result of a delivery.
///
/// # Examples
///
/// A handler that sends 100 records at a time, and fewer only when it may not wait:
///
/// ```
/// use femtologging::handler::{Batch, Delivery, FemtoHandler};
/// use femtologging::time::Timestamp;
/// use femtologging::{Error, FemtoLogRecord};
///
/// struct Hundreds;
///
/// impl FemtoHandler for Hundreds {
///     fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
///         batch.append(|out| record.write_message(out));
///         Ok(())
///     }
///
///     fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
///         if batch.records() < 100 && !batch.is_due() {
///             return Ok(Delivery::Wait);
///         }
///         // … send `batch.texts()` …
///         Ok(Delivery::Done)
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The batch is delivered.
    Done,
    /// The handler waits for more records; the batch continues. Ignored at a flush or shutdown, or when the batch is
    /// full.
    Wait,
    /// What is not yet delivered stays in the batch and comes again, with newer records after it: when they make
    /// another batch, and also whenever the idle thread looks for records ([`IdlePolicy`](crate::policy::IdlePolicy)).
    /// The handler itself decides when to try again, and bounds what it keeps by [`Batch::fail_next`]. A flush waits
    /// until nothing is kept, and a shutdown counts as failed what is still kept shortly before its deadline.
    Retry,
}

/// The counts and errors of a delivery.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) written: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    /// Errors that did not end the delivery.
    pub(crate) errors: Vec<Error>,
}

impl Batch {
    /// The length of text at which a batch is full.
    pub const FULL: usize = 256 * 1024;

    /// The number of records at which a batch without text is full.
    const FULL_RECORDS: usize = 16 * 1024;

    /// A larger buffer is released after use.
    const KEEP: usize = 4 * Self::FULL;

    /// Appends one record's text, and returns what `write` returns.
    ///
    /// `write` gets an empty buffer, so whatever it does there (shorten it, replace it, panic) leaves the text of other
    /// records as it is.
    #[inline]
    pub fn append<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.scratch.clear();
        let result = write(&mut self.scratch);
        self.text.extend_from_slice(&self.scratch);
        result
    }

    /// The same without the copy, for a `write` that is known to change nothing that is in its buffer already.
    #[inline]
    pub(super) fn append_in_place<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let start = self.text.len();
        let result = write(&mut self.text);
        debug_assert!(self.text.len() >= start, "the formatter has shortened its buffer");
        result
    }

    /// Returns all text, including what is already delivered.
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Returns the text that is neither delivered nor failed.
    pub fn rest(&self) -> &[u8] {
        self.text.get(self.position()..).unwrap_or_default()
    }

    /// Returns the text of each record that is neither delivered nor failed. One that is delivered in part is returned
    /// whole.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.open_records().map(|(_, text)| text)
    }

    /// Returns the first of the [`texts`](Self::texts).
    pub fn next_text(&self) -> Option<&[u8]> {
        self.texts().next()
    }

    /// Returns the number of records in the batch, without the one that is being handled.
    pub fn records(&self) -> usize {
        self.ledger.len()
    }

    /// Returns whether the handler may not answer [`Delivery::Wait`].
    pub fn is_due(&self) -> bool {
        self.call.due || self.is_full()
    }

    /// Returns whether a flush or shutdown has just begun. A handler that delays a retry then tries at once.
    pub fn is_urgent(&self) -> bool {
        self.call.urgent
    }

    /// Returns the time left until the deadline of a flush or shutdown; `None` if there is none.
    pub fn time_left(&self) -> Option<Duration> {
        self.call.time_left
    }

    /// Writes all text, and notes how far it came.
    ///
    /// # Errors
    ///
    /// The writer's error; [`io::ErrorKind::WriteZero`] if it takes nothing more.
    pub fn write_to(&mut self, writer: &mut impl Write) -> io::Result<()> {
        self.write_until(self.text.len(), writer)
    }

    /// Writes the text before `end`, and notes how far it came.
    ///
    /// # Errors
    ///
    /// See [`write_to`](Self::write_to).
    pub fn write_until(&mut self, end: usize, writer: &mut impl Write) -> io::Result<()> {
        while let Some(text @ [_, ..]) = self.text.get(self.position()..end) {
            match writer.write(text) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Notes that the first `bytes` bytes are delivered. If the rest then fails or is kept, the records that lie
    /// completely within them count as written. A record that lies partly within them stays open, and
    /// [`rest`](Self::rest) begins within it; see [`rewind`](Self::rewind).
    pub fn delivered(&mut self, bytes: usize) {
        if bytes > 0 {
            self.close(self.ledger.first()..self.ledger.ended_at(bytes), Outcome::Written);
        }
        // What remains of `bytes` is in the record that is the first open one now.
        self.partial = bytes.min(self.text.len()).saturating_sub(self.ledger.first_start());
    }

    /// Notes that the next `bytes` bytes of the [`rest`](Self::rest) are delivered.
    pub fn advance(&mut self, bytes: usize) {
        self.delivered(self.position().saturating_add(bytes));
    }

    /// Notes that the next record is delivered.
    pub fn deliver_next(&mut self) {
        let first = self.ledger.first();
        self.close(first..self.ledger.len().min(first + 1), Outcome::Written);
    }

    /// Notes that the next `records` records have failed for good. The reason is for [`report`](Self::report), or for
    /// the error that the handler returns.
    pub fn fail_next(&mut self, records: usize) {
        self.close(self.ledger.first()..self.ledger.nth_open(records), Outcome::Failed);
    }

    /// Fails the oldest records until no more than `records` records and `bytes` bytes are left. Returns how many have
    /// failed.
    ///
    /// A handler that answers [`Delivery::Retry`] limits by this what it keeps while its destination is unavailable.
    pub fn fail_oldest(&mut self, records: usize, bytes: usize) -> u64 {
        self.fail_oldest_after(0, records, bytes)
    }

    /// The same, but leaves the first `spared` open records alone.
    pub(crate) fn fail_oldest_after(&mut self, spared: usize, records: usize, bytes: usize) -> u64 {
        let before = self.settled.failed;
        let mut index = self.ledger.nth_open(spared);
        while index < self.ledger.len() && self.exceeds(records, bytes) {
            self.close(index..index + 1, Outcome::Failed);
            index += 1;
        }
        self.settled.failed - before
    }

    /// Returns whether more than `records` records or `bytes` bytes are open.
    pub(crate) fn exceeds(&self, records: usize, bytes: usize) -> bool {
        self.ledger.open() > records || self.text.len() - self.ledger.closed_bytes() > bytes
    }

    /// Returns whether more than that is open after the next `sent` bytes of the [`rest`](Self::rest).
    pub(crate) fn exceeds_after(&self, sent: usize, records: usize, bytes: usize) -> bool {
        let start = self.position().saturating_add(sent).min(self.text.len());
        self.ledger.len() - self.ledger.ended_at(start) > records || self.text.len() - start > bytes
    }

    /// Returns whether a record ends with the next `sent` bytes of the [`rest`](Self::rest).
    pub(crate) fn ends_after(&self, sent: usize) -> bool {
        let end = self.position().saturating_add(sent);
        end == self.ledger.first_start() || self.ledger.ends_at(end)
    }

    /// Takes back that a part of a record was delivered: on the next connection, it starts again.
    pub fn rewind(&mut self) {
        self.partial = 0;
    }

    /// Reports an error that does not end the delivery. It is counted and reported like one that the handler returns.
    pub fn report(&mut self, error: Error) {
        self.settled.errors.push(error);
    }

    /// Returns the open records with their ids, in order.
    pub(crate) fn open_records(&self) -> impl Iterator<Item = (RecordId, &[u8])> {
        let entries = self.ledger.open_entries();
        entries.map(|(entry, range)| (entry.id, self.text.get(range).unwrap_or_default()))
    }

    /// Closes records by their ids, in any order. The ids of records that are not open any more are ignored, so an
    /// answer that arrives late, about records that were given up in the meantime, does no harm.
    pub(crate) fn close_by_id(&mut self, mut outcomes: Vec<(RecordId, Outcome)>) {
        if outcomes.is_empty() {
            return;
        }
        outcomes.sort_unstable_by_key(|(id, _)| *id);
        for index in self.ledger.open_range() {
            let id = self.ledger.id(index);
            if let Ok(at) = outcomes.binary_search_by_key(&id, |(id, _)| Some(*id)) {
                self.close(index..index + 1, outcomes[at].1);
            }
        }
    }

    /// Returns the id of the record that is being handled.
    pub(super) fn current_id(&self) -> RecordId {
        self.ledger.next_id()
    }

    /// Has the record that is handled next keep the id that it has in the batch of an outer handler.
    pub(super) fn set_current_id(&mut self, id: RecordId) {
        self.ledger.set_next_id(id);
    }

    /// Returns the numbers of open records that are counted, and of those that are not.
    pub(super) fn open_counts(&self) -> (usize, usize) {
        let counted = self.ledger.open_entries().filter(|(entry, _)| entry.is_counted).count();
        (counted, self.ledger.open() - counted)
    }

    /// Returns whether records were closed since the last call of [`settle`](Self::settle).
    pub(super) fn has_closed(&self) -> bool {
        self.ledger.open() < self.ledger.len()
    }

    /// Returns how often [`settle`](Self::settle) failed records that the handler had asked to keep. A handler that
    /// keeps something of its own for each of them compares this with what it was before.
    pub(super) fn abandonments(&self) -> u64 {
        self.abandonments
    }

    /// Counts bytes that other handlers have delivered for this one.
    pub(super) fn add_bytes(&mut self, bytes: u64) {
        self.settled.bytes += bytes;
    }

    pub(super) fn call(&self) -> Call {
        self.call
    }

    pub(crate) fn set_call(&mut self, call: Call) {
        self.call = call;
    }

    /// Returns the length of the text removed so far. Added to a position in the text, it makes one that stays valid
    /// when text before it is removed.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns whether the destination ends within a record.
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Notes that the record that was cut off is now on a line of its own.
    pub(super) fn mend(&mut self) {
        self.is_torn = false;
    }

    /// Ends the current record.
    #[inline]
    pub(crate) fn seal(&mut self) {
        self.ledger.seal(self.text.len(), true);
    }

    /// Ends a line of the library itself, or a record that was counted elsewhere.
    pub(crate) fn seal_uncounted(&mut self) {
        self.ledger.seal(self.text.len(), false);
    }

    /// Takes back what the current record has appended.
    pub(crate) fn discard(&mut self) {
        self.text.truncate(self.ledger.end());
        self.ledger.skip_id();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ledger.len() == 0
    }

    /// Returns whether enough has come since the handler was last asked. What it kept then does not count: a handler
    /// whose destination is unavailable would otherwise be asked again for every record.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        let (records, bytes) = self.kept;
        self.text.len() - bytes >= Self::FULL || self.ledger.len() - records >= Self::FULL_RECORDS
    }

    /// Ends a delivery: gives the open records the outcome `rest`, or keeps them for a retry if that is
    /// [`Outcome::Open`], removes the closed ones, and returns the counts.
    pub(crate) fn settle(&mut self, rest: Outcome) -> Settled {
        self.settle_each(rest, |_| {})
    }

    /// The same, and calls `visit` for each closed record before it is removed.
    pub(super) fn settle_each(&mut self, rest: Outcome, visit: impl FnMut(&LedgerEntry)) -> Settled {
        // Before the records are closed: afterwards none is open.
        self.abandonments += u64::from(rest == Outcome::Failed && self.ledger.open() > 0);
        self.close(self.ledger.open_range(), rest);
        self.ledger.closed_entries().for_each(visit);
        self.offset += self.ledger.remove_closed(&mut self.text) as u64;
        if self.is_empty() {
            self.release_memory();
        }
        self.kept = (self.ledger.len(), self.text.len());
        std::mem::take(&mut self.settled)
    }

    /// Releases buffers that a giant record has enlarged.
    fn release_memory(&mut self) {
        self.text.shrink_to(Self::KEEP);
        if self.scratch.capacity() > Self::KEEP {
            self.scratch = Vec::new();
        }
        self.ledger.shrink_to(Self::FULL_RECORDS);
    }

    /// Gives the open ones of a range of entries an outcome, and counts them.
    ///
    /// If that closes the first open record, `partial` goes back to 0, because it is about that record only. If it
    /// failed after a part of it was delivered, the destination now ends within a record.
    fn close(&mut self, range: Range<usize>, outcome: Outcome) {
        if outcome == Outcome::Open {
            return;
        }
        let (first, has_open) = (self.ledger.first(), self.ledger.open() > 0);
        let closed = self.ledger.close(range, outcome);
        // The first open record was closed, and with it what `partial` is about.
        if has_open && self.ledger.first() > first {
            self.is_torn |= outcome == Outcome::Failed && self.partial > 0;
            self.partial = 0;
        }
        if outcome == Outcome::Written {
            self.settled.written += closed.counted;
            self.settled.bytes += closed.bytes;
        } else {
            self.settled.failed += closed.counted;
        }
    }

    /// Returns where the text starts that is neither delivered nor failed.
    fn position(&self) -> usize {
        self.ledger.first_start() + self.partial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(texts: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for text in texts {
            batch.append(|out| out.extend_from_slice(text.as_bytes()));
            if *text == "own" { batch.seal_uncounted() } else { batch.seal() }
        }
        batch
    }

    fn texts(batch: &Batch) -> Vec<&str> {
        batch.texts().map(|text| str::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn records_closed_by_id_leave_the_others_in_place() {
        let mut batch = batch(&["a", "bb", "own", "ccc", "", "dd"]);
        let ids: Vec<_> = batch.open_records().map(|(id, _)| id).collect();
        assert!(ids.is_sorted());
        batch.deliver_next();
        batch.close_by_id(vec![(ids[4], Outcome::Failed), (ids[3], Outcome::Written), (ids[0], Outcome::Failed)]);
        assert_eq!(texts(&batch), ["bb", "own", "dd"]);
        let settled = batch.settle(Outcome::Open);
        assert_eq!((settled.written, settled.failed, settled.bytes), (2, 1, 4));
        assert_eq!((texts(&batch), batch.rest()), (vec!["bb", "own", "dd"], &b"bbowndd"[..]));
        // A record that is gone cannot be counted again, and a line of the library itself is never counted.
        batch.close_by_id(vec![(ids[3], Outcome::Failed), (ids[2], Outcome::Written)]);
        let settled = batch.settle(Outcome::Written);
        assert_eq!((settled.written, settled.failed, settled.bytes), (2, 0, 7));
        assert!(batch.is_empty() && batch.bytes().is_empty());
    }

    #[test]
    fn ids_are_not_used_again() {
        let mut batch = batch(&["a"]);
        let discarded = batch.current_id();
        batch.discard();
        assert!(batch.current_id() > discarded);
        let next = batch.current_id();
        batch.seal();
        batch.settle(Outcome::Written);
        assert!(batch.current_id() > next);
    }

    #[test]
    fn a_record_that_fails_after_a_part_of_it_was_delivered_tears_the_text() {
        let mut batch = batch(&["aa", "bb", "cc"]);
        batch.advance(3);
        assert_eq!((batch.rest(), texts(&batch)), (&b"bcc"[..], vec!["bb", "cc"]));
        assert_eq!(batch.settle(Outcome::Open).written, 1);
        assert_eq!((batch.rest(), batch.is_torn()), (&b"bcc"[..], false));
        batch.fail_next(1);
        assert_eq!((batch.rest(), batch.is_torn()), (&b"cc"[..], true));
        batch.mend();
        batch.advance(1);
        batch.rewind();
        assert_eq!(batch.rest(), b"cc");
        assert_eq!((batch.settle(Outcome::Failed).failed, batch.is_torn()), (2, false));
    }

    #[test]
    fn the_oldest_fail_but_those_that_are_spared() {
        let rows: [(usize, usize, usize, &[&str]); 8] = [
            (0, 9, 99, &["a", "bb", "ccc", "dddd"]),
            (0, 9, 9, &["bb", "ccc", "dddd"]),
            (0, 1, 99, &["dddd"]),
            (1, 9, 9, &["a", "ccc", "dddd"]),
            (1, 9, 7, &["a", "dddd"]),
            (2, 3, 99, &["a", "bb", "dddd"]),
            (2, 0, 0, &["a", "bb"]),
            (9, 0, 0, &["a", "bb", "ccc", "dddd"]),
        ];
        for (spared, records, bytes, left) in rows {
            let mut batch = Batch::default();
            for text in ["a", "bb", "ccc", "dddd"] {
                batch.append(|out| out.extend_from_slice(text.as_bytes()));
                batch.seal();
            }
            let failed = batch.fail_oldest_after(spared, records, bytes);
            let texts = batch.texts().map(|text| str::from_utf8(text).unwrap()).collect::<Vec<_>>();
            assert_eq!((texts.as_slice(), failed), (left, 4 - left.len() as u64), "{spared} {records} {bytes}");
        }
    }
}
