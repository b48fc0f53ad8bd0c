//! The outcome of each record of a batch.

use std::ops::Range;

/// Identifies a record on its handler's thread.
///
/// The outermost batch assigns ids in ascending order and never reuses one, not even that of a record that was
/// discarded. The batches of inner handlers use the ids of the outer one. A record may reach an inner handler late,
/// after records with higher ids, so look-ups do not rely on the order of a batch.
///
/// At a billion records per second, 64 bits last for 584 years.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordId(u64);

/// The outcome of a record's delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is still to be delivered, perhaps by a retry.
    Open,
    /// It was delivered.
    Written,
    /// It could not be delivered, or was given up.
    Failed,
}

/// A record of a batch.
#[derive(Debug)]
pub(in crate::handler) struct LedgerEntry {
    pub(in crate::handler) id: RecordId,
    /// Where its text ends; it starts where the text of the entry before it ends.
    end: usize,
    pub(in crate::handler) outcome: Outcome,
    /// Whether it is counted. Lines of the library itself and replayed records are not.
    pub(in crate::handler) is_counted: bool,
}

/// The records of a batch, in the order in which they came.
///
/// An entry goes from open to written or failed once, by [`close`](Self::close), and keeps its place until
/// [`remove_closed`](Self::remove_closed). Usually the closed ones are at the front, but any may be closed:
///
/// ```text
/// entry     id 4     id 5     id 6     id 7     id 8
/// outcome   written  failed   open     written  open      first = 2, open = 2
/// text      ████████ ████████ ████████ ████████ ████████
///           ──── closed ─────          ─closed─           closed_bytes = 24
/// ```
///
/// Invariants:
///
/// * All entries before `first` are closed, and the one at `first`, if any, is open. Handlers that deliver from the
///   front therefore find their next record without a search.
/// * `open` is the number of open entries. It equals `entries.len() - first` if and only if there are no gaps, which
///   [`nth_open`](Self::nth_open) uses to skip the search.
/// * The ends ascend (a record without text ends where the one before it ends), so positions in the text are found by
///   binary search.
/// * Ends are positions in the text of the batch. Text is removed only together with its entries, by
///   [`remove_closed`](Self::remove_closed), which corrects the ends of those that stay.
///
/// In the picture above, `remove_closed` leaves
///
/// ```text
/// entry     id 6     id 8
/// outcome   open     open                                 first = 0, open = 2
/// text      ████████ ████████                             closed_bytes = 0
/// ```
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<LedgerEntry>,
    /// The id of the record that is being handled.
    next_id: RecordId,
    first: usize,
    /// The number of open entries.
    open: usize,
    /// The length of the text of closed entries.
    closed_bytes: usize,
}

/// What a call of [`Ledger::close`] has closed.
pub(super) struct Closed {
    pub(super) counted: u64,
    pub(super) bytes: u64,
}

impl Ledger {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the index of the first open entry, or the number of entries if none is open.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// Returns the number of open entries.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn closed_bytes(&self) -> usize {
        self.closed_bytes
    }

    /// Returns the indices that include all open entries.
    pub(super) fn open_range(&self) -> Range<usize> {
        self.first..self.entries.len()
    }

    /// Returns the index of the open entry that follows `count` other open ones.
    pub(super) fn nth_open(&self, count: usize) -> usize {
        if self.open == self.open_range().len() {
            return self.first.saturating_add(count).min(self.len());
        }
        let is_open = |at: &usize| self.entries.get(*at).is_some_and(|entry| entry.outcome == Outcome::Open);
        self.open_range().filter(is_open).nth(count).unwrap_or(self.len())
    }

    /// Returns the id of the entry at `index`.
    pub(super) fn id(&self, index: usize) -> Option<RecordId> {
        self.entries.get(index).map(|entry| entry.id)
    }

    /// Returns the id of the record that is being handled.
    pub(super) fn next_id(&self) -> RecordId {
        self.next_id
    }

    pub(super) fn set_next_id(&mut self, id: RecordId) {
        self.next_id = id;
    }

    /// Moves on to the next id, without an entry for the current one.
    pub(super) fn skip_id(&mut self) {
        self.next_id.0 += 1;
    }

    /// Adds the record that was being handled, whose text ends at `end`.
    #[inline]
    pub(super) fn seal(&mut self, end: usize, is_counted: bool) {
        self.entries.push(LedgerEntry { id: self.next_id, end, outcome: Outcome::Open, is_counted });
        self.open += 1;
        self.skip_id();
    }

    /// Returns where the text of the entry at `index` starts.
    fn start_of(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.entries.get(before)).map_or(0, |entry| entry.end)
    }

    /// Returns where the text of the first open entry starts, or where all text ends if none is open.
    pub(super) fn first_start(&self) -> usize {
        self.start_of(self.first)
    }

    /// Returns where the text of the last entry ends.
    pub(super) fn end(&self) -> usize {
        self.start_of(self.entries.len())
    }

    /// Returns the open entries, and where their text is.
    pub(super) fn open_entries(&self) -> impl Iterator<Item = (&LedgerEntry, Range<usize>)> {
        let mut start = self.first_start();
        let all = self.entries.iter().skip(self.first);
        let all = all.map(move |entry| (entry, std::mem::replace(&mut start, entry.end)..entry.end));
        all.filter(|(entry, _)| entry.outcome == Outcome::Open)
    }

    pub(super) fn closed_entries(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.entries.iter().filter(|entry| entry.outcome != Outcome::Open)
    }

    /// Returns how many entries end at `end` or before: those that are delivered completely when `end` bytes are.
    pub(super) fn ended_at(&self, end: usize) -> usize {
        self.entries.partition_point(|entry| entry.end <= end)
    }

    /// Returns whether the text of an entry ends at `end`.
    pub(super) fn ends_at(&self, end: usize) -> bool {
        self.entries.binary_search_by_key(&end, |entry| entry.end).is_ok()
    }

    /// Gives the open ones of a range of entries an outcome, which is not open. Returns what that changed.
    ///
    /// Entries that are closed keep their outcome: the first one counts. So a handler may report a record twice, for
    /// example as part of a request and by a range of bytes, and it is counted once.
    pub(super) fn close(&mut self, range: Range<usize>, outcome: Outcome) -> Closed {
        let mut closed = Closed { counted: 0, bytes: 0 };
        let mut start = self.start_of(range.start);
        for entry in self.entries.get_mut(range).unwrap_or_default() {
            if entry.outcome == Outcome::Open {
                entry.outcome = outcome;
                self.open -= 1;
                closed.counted += u64::from(entry.is_counted);
                closed.bytes += (entry.end - start) as u64;
            }
            start = entry.end;
        }
        self.closed_bytes += closed.bytes as usize;
        while self.entries.get(self.first).is_some_and(|entry| entry.outcome != Outcome::Open) {
            self.first += 1;
        }
        closed
    }

    /// Removes the closed entries and their text. The open ones keep their order and ids. Returns how much text was
    /// removed.
    ///
    /// The usual case, in which nothing is open, moves no text. Otherwise each piece of open text moves once.
    pub(super) fn remove_closed(&mut self, text: &mut Vec<u8>) -> usize {
        let before = text.len();
        if self.open == 0 {
            // The usual case.
            self.entries.clear();
            text.clear();
        } else if self.open < self.entries.len() {
            let (mut start, mut kept) = (0, 0);
            self.entries.retain_mut(|entry| {
                let range = std::mem::replace(&mut start, entry.end)..entry.end;
                if entry.outcome != Outcome::Open {
                    return false;
                }
                // Text only moves towards the front, so what is not yet moved is not overwritten.
                entry.end = kept + range.len();
                text.copy_within(range, kept);
                kept = entry.end;
                true
            });
            text.truncate(kept);
        }
        (self.first, self.closed_bytes) = (0, 0);
        before - text.len()
    }

    /// Returns unused memory beyond that for `entries` entries.
    pub(super) fn shrink_to(&mut self, entries: usize) {
        self.entries.shrink_to(entries);
    }
}
