//! Changes that a filter makes to a record for its handler.

use std::fmt;

use smallvec::SmallVec;

use super::FemtoLogRecord;
use crate::text::Prepared;
use crate::value::{OwnedValue, Value};

/// A record that a filter can change, for the filter's handler only.
///
/// Later filters of the same handler, its formatter and the handler itself see the changes; other handlers do not.
///
/// # Examples
///
/// ```
/// use femtologging::filter::{FemtoFilter, Rewrite};
/// use femtologging::FemtoLogRecord;
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
    /// Starts with the changes that the record already has.
    pub(crate) fn new(record: &FemtoLogRecord<'a>) -> Self {
        let changes = record.changes().cloned().unwrap_or_default();
        Self { record: *record, changes }
    }

    /// Returns the record with the changes so far.
    pub fn record(&self) -> FemtoLogRecord<'_> {
        if self.changes.is_empty() { self.record } else { self.record.with_changes(&self.changes) }
    }

    /// Replaces the message. The record then has no [`arguments`](FemtoLogRecord::arguments).
    pub fn set_message(&mut self, message: impl Into<String>) {
        self.changes.message = Some(message.into());
    }

    /// Replaces the value at an index of [`key_values`](FemtoLogRecord::key_values). An index out of range is ignored.
    pub fn set_value<'v>(&mut self, index: usize, value: impl Into<Value<'v>>) {
        let value = value.into().to_owned();
        match self.changes.values.iter_mut().find(|(known, _)| *known == index) {
            Some((_, old)) => *old = value,
            None => self.changes.values.push((index, value)),
        }
    }

    /// Adds a key after all others.
    pub fn add<'v>(&mut self, key: impl Into<String>, value: impl Into<Value<'v>>) {
        self.changes.added.push((Prepared::new(key.into()), value.into().to_owned()));
    }
}

impl fmt::Debug for Rewrite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewrite").field("record", &self.record()).finish_non_exhaustive()
    }
}

/// The changes to one record. An empty set allocates nothing.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(super) message: Option<String>,
    /// Replaced values, by their index in the record's key-values.
    values: SmallVec<[(usize, OwnedValue); 1]>,
    pub(super) added: Vec<(Prepared, OwnedValue)>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.message.is_none() && self.values.is_empty() && self.added.is_empty()
    }

    /// Returns about how many bytes of memory the changes take. Of values, only strings are counted.
    pub(super) fn size(&self) -> usize {
        let text = |value: &OwnedValue| match value.get() {
            Value::Str(text) => text.len(),
            _ => 0,
        };
        let values = self.values.iter().map(|(_, value)| value).chain(self.added.iter().map(|(_, value)| value));
        let values: usize = values.map(|value| size_of::<(Prepared, OwnedValue)>() + text(value)).sum();
        size_of::<Self>() + self.message.as_ref().map_or(0, String::len) + values
    }

    /// Returns the value that replaces the one at this index, if there is one.
    pub(super) fn value(&self, index: usize) -> Option<Value<'_>> {
        self.values.iter().find(|(known, _)| *known == index).map(|(_, value)| value.get())
    }
}
