//! What a filter changes about a record.

use std::fmt;

use smallvec::SmallVec;

use super::FemtoLogRecord;
use crate::text::Prepared;
use crate::value::{OwnedValue, Value};

/// A record that a filter may rewrite, for the filter's handler only.
///
/// What is changed is seen by later filters, by the formatter and by the handler, and nobody else.
///
/// # Examples
///
/// ```
/// use femtologging::filter::Rewrite;
/// use femtologging::{FemtoFilter, FemtoLogRecord};
///
/// /// Adds the name of the machine.
/// struct Host(String);
///
/// impl FemtoFilter for Host {
///     fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
///         true
///     }
///
///     fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
///         record.add("host", self.0.as_str());
///         true
///     }
/// }
/// ```
pub struct Rewrite<'a> {
    record: FemtoLogRecord<'a>,
    pub(crate) changes: Changes,
}

impl<'a> Rewrite<'a> {
    pub(crate) fn new(record: &FemtoLogRecord<'a>) -> Self {
        let changes = record.changes().cloned().unwrap_or_default();
        Self { record: *record, changes }
    }

    /// Returns the record as it is after the changes so far.
    pub fn record(&self) -> FemtoLogRecord<'_> {
        if self.changes.is_empty() { self.record } else { self.record.with_changes(&self.changes) }
    }

    /// Replaces the message. A message that was replaced has no arguments.
    pub fn set_message(&mut self, message: impl Into<String>) {
        self.changes.message = Some(message.into());
    }

    /// Replaces the value at a place in [`key_values`](FemtoLogRecord::key_values), counted from 0; one that the record does
    /// not have is ignored.
    pub fn set_value<'v>(&mut self, index: usize, value: impl Into<Value<'v>>) {
        let value = value.into().to_owned();
        match self.changes.values.iter_mut().find(|(known, _)| *known == index) {
            Some((_, old)) => *old = value,
            None => self.changes.values.push((index, value)),
        }
    }

    /// Adds a key with a value behind the others.
    pub fn add<'v>(&mut self, key: impl Into<String>, value: impl Into<Value<'v>>) {
        self.changes.added.push((Prepared::new(key.into()), value.into().to_owned()));
    }
}

impl fmt::Debug for Rewrite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewrite").field("record", &self.record()).finish_non_exhaustive()
    }
}

/// The changes to one record. Empty ones have allocated nothing.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(super) message: Option<String>,
    values: SmallVec<[(usize, OwnedValue); 1]>,
    pub(super) added: Vec<(Prepared, OwnedValue)>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.message.is_none() && self.values.is_empty() && self.added.is_empty()
    }

    /// How much memory they take, about: of values, what text they are.
    pub(super) fn size(&self) -> usize {
        let text = |value: &OwnedValue| match value.get() {
            Value::Str(text) => text.len(),
            _ => 0,
        };
        let values = self.values.iter().map(|(_, value)| value).chain(self.added.iter().map(|(_, value)| value));
        let values: usize = values.map(|value| size_of::<(Prepared, OwnedValue)>() + text(value)).sum();
        size_of::<Self>() + self.message.as_ref().map_or(0, String::len) + values
    }

    /// The value in place of the one at this place, if that was replaced.
    pub(super) fn value(&self, index: usize) -> Option<Value<'_>> {
        self.values.iter().find(|(known, _)| *known == index).map(|(_, value)| value.get())
    }
}
