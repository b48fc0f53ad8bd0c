//! The text of the records between two deliveries, and what became of it.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;

use crate::error::Error;

/// The text of a batch of records, in a buffer that is used again and again.
///
/// A handler notes in it how far delivery came: [`delivered`](Self::delivered) by bytes, [`deliver_next`](Self::deliver_next) and
/// [`fail_next`](Self::fail_next) by records. What it answered [`Delivery::Retry`] for stays in the batch, in flight, and
/// comes again in front of newer records.
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
    /// Where one record's text is made.
    scratch: Vec<u8>,
    /// Where each record's text ends.
    ends: Vec<usize>,
    /// Which of these are what the library itself says, and no records, in ascending order.
    own: Vec<usize>,
    /// How many records are dealt with: delivered or failed.
    done: usize,
    /// How many bytes are dealt with; those of the records that are `done`, and perhaps part of the next.
    delivered: usize,
    /// How many of the records that are `done` have failed, and their bytes.
    failed: (u64, usize),
    errors: Vec<Error>,
    /// Which of the records that are `done` have failed, and how records changed their places before that.
    failures: Vec<Range<usize>>,
    moves: Vec<(usize, Vec<usize>)>,
    /// Bytes that other handlers have delivered for this one.
    bytes_elsewhere: u64,
    /// How many records and bytes were kept for a retry when the handler was last asked.
    kept: (usize, usize),
    /// How many bytes were before this text, in all batches.
    before: u64,
    /// How often records were given up that the handler had asked to keep.
    given_up: u64,
    call: Call,
    /// Whether the text delivered last, by this batch or an earlier one, ends within a record.
    torn: bool,
}

/// Why the handler is asked to deliver.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Call {
    /// Whether the handler may not wait for more.
    pub(crate) due: bool,
    /// Whether a flush or shutdown has just begun.
    pub(crate) urgent: bool,
    /// Whether it is for the last time.
    pub(crate) closing: bool,
    /// How long whoever asked for a flush or shutdown goes on waiting.
    pub(crate) time_left: Option<Duration>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The batch is delivered.
    Done,
    /// The handler waits for more; the batch goes on. Not heeded at a flush or shutdown, or when the batch is full.
    Wait,
    /// What is not yet delivered stays in the batch and comes again, with newer records behind it: when they make
    /// another batch, and besides as often as the idle thread looks for records ([`IdlePolicy`](crate::IdlePolicy)). The
    /// handler itself decides when to try again, and bounds what it keeps by [`Batch::fail_next`]. A flush waits until
    /// nothing is kept, and a shutdown counts as failed what is still kept shortly before its deadline.
    Retry,
}

/// What a call of `deliver` has settled.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) written: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    /// What went wrong besides.
    pub(crate) errors: Vec<Error>,
}

/// What became of a record that was handed on to another handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Written,
    Failed,
}

/// What becomes of the records that are not dealt with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    Delivered,
    Failed,
    Kept,
}

impl Batch {
    /// How much text makes a batch full.
    pub const FULL: usize = 256 * 1024;

    /// How many records make a batch full that has no text.
    const FULL_RECORDS: usize = 16 * 1024;

    /// A larger buffer is given back after use.
    const KEEP: usize = 4 * Self::FULL;

    /// Appends one record's text, and returns what `write` does.
    ///
    /// `write` gets an empty buffer, so whatever it does there (shorten it, replace it, panic) leaves the text of other
    /// records as it is.
    #[inline]
    pub fn append<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.scratch.clear();
        let result = write(&mut self.scratch);
        self.bytes.extend_from_slice(&self.scratch);
        result
    }

    /// Returns all text, also what is already delivered.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the text that is neither delivered nor failed.
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.delivered..).unwrap_or_default()
    }

    /// Returns the text of each record that is neither delivered nor failed, with the whole of one delivered in part.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(self.settled_bytes()).chain(self.ends.iter().skip(self.done).copied());
        let ends = self.ends.iter().skip(self.done);
        starts.zip(ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    /// Returns the first of the [`texts`](Self::texts).
    pub fn next_text(&self) -> Option<&[u8]> {
        self.texts().next()
    }

    /// Returns how many records are in the batch, less the one that is being handled.
    pub fn records(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether the handler may not answer [`Delivery::Wait`].
    pub fn is_due(&self) -> bool {
        self.call.due || self.is_full()
    }

    /// Returns whether a flush or shutdown has just begun, at which a handler that delays a retry tries at once.
    pub fn is_urgent(&self) -> bool {
        self.call.urgent
    }

    /// Returns how long whoever asked for a flush or shutdown goes on waiting; `None` if nobody waits.
    pub fn time_left(&self) -> Option<Duration> {
        self.call.time_left
    }

    /// Writes all text, and notes how far it came.
    ///
    /// # Errors
    ///
    /// The writer's error; [`io::ErrorKind::WriteZero`] if it takes nothing more.
    pub fn write_to(&mut self, writer: &mut impl Write) -> io::Result<()> {
        self.write_until(self.bytes.len(), writer)
    }

    /// Writes the text before `end`, and notes how far it came.
    ///
    /// # Errors
    ///
    /// See [`write_to`](Self::write_to).
    pub fn write_until(&mut self, end: usize, writer: &mut impl Write) -> io::Result<()> {
        while let Some(text @ [_, ..]) = self.bytes.get(self.delivered..end) {
            match writer.write(text) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Notes that the first `bytes` bytes are delivered, for the count in case the rest fails or is kept.
    pub fn delivered(&mut self, bytes: usize) {
        self.delivered = bytes;
        if bytes > 0 {
            let behind = self.ends.get(self.done..).unwrap_or_default();
            self.done += behind.partition_point(|end| *end <= bytes);
        }
    }

    /// Notes that the next `bytes` bytes of the [`rest`](Self::rest) are delivered.
    pub fn advance(&mut self, bytes: usize) {
        self.delivered(self.delivered.saturating_add(bytes));
    }

    /// Notes that the next record is delivered.
    pub fn deliver_next(&mut self) {
        self.done = self.ends.len().min(self.done + 1);
        self.delivered = self.settled_bytes();
    }

    /// Notes that the next `records` records have failed for good. The reason is for [`report`](Self::report), or for
    /// the error that the handler returns.
    pub fn fail_next(&mut self, records: usize) {
        let (from, until) = (self.done, self.ends.len().min(self.done.saturating_add(records)));
        if from == until {
            return;
        }
        let start = self.settled_bytes();
        self.torn |= self.delivered > start;
        self.done = until;
        self.delivered = self.settled_bytes();
        self.failures.push(from..until);
        self.failed.0 += self.count(from, until);
        self.failed.1 += self.delivered - start;
    }

    /// Whether more than `records` records or `bytes` bytes are left.
    pub(crate) fn exceeds(&self, records: usize, bytes: usize) -> bool {
        self.ends.len() - self.done > records || self.bytes.len() - self.settled_bytes() > bytes
    }

    /// The same for what lies behind the next `sent` bytes of the [`rest`](Self::rest).
    pub(crate) fn exceeds_after(&self, sent: usize, records: usize, bytes: usize) -> bool {
        let start = self.delivered.saturating_add(sent).min(self.bytes.len());
        let before = self.ends.partition_point(|end| *end <= start);
        self.ends.len() - before > records || self.bytes.len() - start > bytes
    }

    /// Whether a record ends with the next `sent` bytes of the [`rest`](Self::rest).
    pub(crate) fn ends_after(&self, sent: usize) -> bool {
        let end = self.delivered.saturating_add(sent);
        end == self.settled_bytes() || self.ends.binary_search(&end).is_ok()
    }

    /// Fails the oldest records until no more than `records` records and `bytes` bytes are left. Returns how many have failed.
    pub fn fail_oldest(&mut self, records: usize, bytes: usize) -> u64 {
        let before = self.failed.0;
        self.fail_next(self.excess(0, records, bytes));
        self.failed.0 - before
    }

    /// The same, but leaves the first `spared` records alone.
    #[cfg(any(test, feature = "http"))]
    pub(crate) fn fail_oldest_after(&mut self, spared: usize, records: usize, bytes: usize) -> u64 {
        let (before, excess) = (self.failed.0, self.excess(spared, records, bytes));
        if excess > 0 {
            self.postpone(|at| at < spared, spared + excess);
            self.fail_next(excess);
        }
        self.failed.0 - before
    }

    /// How many records behind the first `spared` ones must go so that no more than `records` records and `bytes` bytes
    /// are left.
    fn excess(&self, spared: usize, records: usize, bytes: usize) -> usize {
        let begin = self.settled_bytes();
        let first = self.ends.len().min(self.done + spared);
        let first_begin = if first == self.done { begin } else { self.ends.get(first - 1).copied().unwrap_or(begin) };
        let ends = self.ends.get(first..).unwrap_or_default();
        // The first record that begins at `start` or behind stays.
        let start = self.bytes.len().saturating_sub(bytes.saturating_sub(first_begin - begin));
        let by_bytes = if first_begin >= start { 0 } else { 1 + ends.partition_point(|end| *end < start) };
        let by_records = (self.ends.len() - self.done).saturating_sub(records);
        by_bytes.max(by_records).min(ends.len())
    }

    /// Moves those of the next `records` records behind the others of them for which `is_later` holds, by their index
    /// among these.
    #[cfg(any(test, feature = "http"))]
    pub(crate) fn postpone(&mut self, is_later: impl Fn(usize) -> bool, records: usize) {
        let mut order: Vec<_> = (0..records.min(self.ends.len() - self.done)).collect();
        order.sort_by_key(|at| is_later(*at));
        self.reorder(order);
    }

    /// Puts the next records into another order: where each of them was, from the next one on.
    fn reorder(&mut self, order: Vec<usize>) {
        if order.is_sorted() {
            return;
        }
        let (first, start, count) = (self.done, self.settled_bytes(), order.len());
        let (mut bytes, mut ends, mut own) = (Vec::new(), Vec::new(), Vec::new());
        let texts: Vec<_> = self.texts().take(count).collect();
        for (place, at) in order.iter().enumerate() {
            bytes.extend_from_slice(texts[*at]);
            ends.push(start + bytes.len());
            own.extend(self.own.binary_search(&(first + at)).is_ok().then_some(first + place));
        }
        self.bytes.splice(start..start + bytes.len(), bytes);
        self.ends.splice(first..first + count, ends);
        self.own.retain(|at| !(first..first + count).contains(at));
        self.own.extend(own);
        self.own.sort_unstable();
        self.moves.push((first, order));
    }

    /// Takes back that a part of a record was delivered: on the next connection, it starts again.
    pub fn rewind(&mut self) {
        self.delivered = self.settled_bytes();
    }

    /// Notes what became of records that were handed on to other handlers, by their places among those that are not dealt
    /// with. Returns the places where the others will be after that, by those where they are.
    pub(super) fn adopt(&mut self, fates: impl IntoIterator<Item = (usize, Fate)>) -> Vec<usize> {
        let open = self.ends.len() - self.done;
        let mut fate_of = vec![None; open];
        for (place, fate) in fates {
            if let Some(known) = fate_of.get_mut(place) {
                *known = Some(fate);
            }
        }
        let count = |fate| fate_of.iter().filter(|known| **known == Some(fate)).count();
        let (written, failed) = (count(Fate::Written), count(Fate::Failed));
        let mut order: Vec<_> = (0..open).collect();
        order.sort_by_key(|place| (fate_of[*place].is_none(), fate_of[*place]));
        let mut places = vec![0; open];
        for (place, before) in order.iter().enumerate() {
            places[*before] = place.saturating_sub(written + failed);
        }
        self.reorder(order);
        self.done += written;
        self.delivered = self.settled_bytes();
        self.fail_next(failed);
        places
    }

    /// How often records were given up that the handler had asked to keep. One that handed them on must do the same.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Counts bytes that other handlers have delivered for this one.
    pub(super) fn add_bytes(&mut self, bytes: u64) {
        self.bytes_elsewhere += bytes;
    }

    /// Takes out how records changed their places: from which on, and where each of the next ones was.
    pub(super) fn take_moves(&mut self) -> Vec<(usize, Vec<usize>)> {
        std::mem::take(&mut self.moves)
    }

    /// Which records have failed, and how many are dealt with.
    pub(super) fn failures(&self) -> (&[Range<usize>], usize) {
        (&self.failures, self.done)
    }

    /// Why the handler is asked to deliver.
    pub(super) fn call(&self) -> Call {
        self.call
    }

    /// Reports an error that does not end the delivery; it is counted and said like one that the handler returns.
    pub fn report(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// How many bytes were before this text, in all batches; it tells a place in the text that stays the same when what is
    /// before it is dealt with.
    pub(super) fn before(&self) -> u64 {
        self.before
    }

    /// Whether an earlier batch was cut off within a record.
    pub(super) fn is_torn(&self) -> bool {
        self.torn
    }

    /// Notes that the cut-off record is now on a line of its own.
    pub(super) fn mend(&mut self) {
        self.torn = false;
    }

    pub(crate) fn set_call(&mut self, call: Call) {
        self.call = call;
    }

    /// Ends the current record.
    #[inline]
    pub(crate) fn seal(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// Ends what the library itself says, which counts as no record.
    pub(crate) fn seal_own(&mut self) {
        self.own.push(self.ends.len());
        self.seal();
    }

    /// Takes back what the current record has appended.
    pub(crate) fn discard(&mut self) {
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether enough has come since the handler was last asked.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        let (records, bytes) = self.kept;
        self.bytes.len() - bytes >= Self::FULL || self.ends.len() - records >= Self::FULL_RECORDS
    }

    /// Ends a call of `deliver`: says what is dealt with, and lets go of it.
    pub(crate) fn settle(&mut self, rest: Rest) -> Settled {
        let (whole, bytes) = match rest {
            Rest::Delivered => (self.ends.len(), self.bytes.len()),
            Rest::Failed | Rest::Kept => (self.done, self.settled_bytes()),
        };
        let written = self.count(0, whole) - self.failed.0;
        let failed = self.failed.0 + if rest == Rest::Failed { self.count(self.done, self.ends.len()) } else { 0 };
        let bytes = (bytes - self.failed.1) as u64 + std::mem::take(&mut self.bytes_elsewhere);
        match rest {
            Rest::Kept => self.keep(),
            Rest::Delivered => self.clear(),
            Rest::Failed => {
                self.torn |= self.delivered < self.bytes.len() && self.delivered > self.settled_bytes();
                self.given_up += u64::from(self.done < self.ends.len());
                self.clear();
            }
        }
        self.failed = (0, 0);
        self.failures.clear();
        self.moves.clear();
        Settled { written, failed, bytes, errors: std::mem::take(&mut self.errors) }
    }

    /// Lets go of the records that are dealt with.
    fn keep(&mut self) {
        if self.done == self.ends.len() {
            return self.clear();
        }
        let bytes = self.settled_bytes();
        self.before += bytes as u64;
        self.bytes.drain(..bytes);
        self.ends.drain(..self.done);
        if bytes > 0 {
            self.ends.iter_mut().for_each(|end| *end -= bytes);
        }
        self.own.retain(|at| *at >= self.done);
        self.own.iter_mut().for_each(|at| *at -= self.done);
        self.delivered -= bytes;
        self.done = 0;
        self.kept = (self.ends.len(), self.bytes.len());
    }

    /// Lets go of everything; a buffer that a giant record blew up is given back.
    fn clear(&mut self) {
        self.before += self.bytes.len() as u64;
        self.bytes.clear();
        self.ends.clear();
        self.own.clear();
        (self.done, self.delivered, self.kept) = (0, 0, (0, 0));
        self.bytes.shrink_to(Self::KEEP);
        if self.scratch.capacity() > Self::KEEP {
            self.scratch = Vec::new();
        }
        self.ends.shrink_to(Self::FULL_RECORDS);
    }

    /// Where the text ends of the records that are dealt with.
    fn settled_bytes(&self) -> usize {
        self.done.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
    }

    /// How many of the texts from one index to another are records.
    fn count(&self, from: usize, until: usize) -> u64 {
        let before = |index| self.own.partition_point(|own| *own < index);
        ((until - from) - (before(until) - before(from))) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postponed_records_come_behind_the_others_and_before_newer_ones() {
        let mut batch = Batch::default();
        for text in ["a", "bb", "own", "ccc", "", "dd"] {
            batch.append(|out| out.extend_from_slice(text.as_bytes()));
            if text == "own" { batch.seal_own() } else { batch.seal() }
        }
        batch.deliver_next();
        // Of "bb", "own", "ccc" and "", the first two are for later.
        batch.postpone(|at| at < 2, 4);
        let texts = batch.texts().map(|text| str::from_utf8(text).unwrap()).collect::<Vec<_>>();
        assert_eq!(texts, ["ccc", "", "bb", "own", "dd"]);
        batch.deliver_next();
        batch.fail_next(1);
        let settled = batch.settle(Rest::Kept);
        assert_eq!((settled.written, settled.failed, settled.bytes), (2, 1, 4));
        // What the library itself says still counts as no record.
        let settled = batch.settle(Rest::Delivered);
        assert_eq!((settled.written, settled.failed, settled.bytes), (2, 0, 7));
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
