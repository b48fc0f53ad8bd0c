//! What an assertion looks for, and in what a record differs from it.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use super::collector::{self, Entry};
use super::{Capture, listed};
use crate::level::Level;
use crate::record::OwnedRecord;
use crate::value::Value;

/// How many records a failure shows.
const SHOWN: usize = 3;

/// A record that a test expects.
#[doc(hidden)]
pub struct Expected<'v> {
    level: Level,
    message: &'v str,
    keys: Vec<(&'static str, Value<'v>)>,
}

/// How often it is expected.
#[doc(hidden)]
#[derive(Clone, Copy, PartialEq)]
pub enum Times {
    Never,
    Once,
    AtLeastOnce,
}

impl<'v> Expected<'v> {
    pub fn new(level: Level, message: &'v (impl AsRef<str> + ?Sized)) -> Self {
        Self { level, message: message.as_ref(), keys: Vec::new() }
    }

    pub fn key(mut self, name: &'static str, value: impl Into<Value<'v>>) -> Self {
        self.keys.push((name, value.into()));
        self
    }

    /// Returns what is different in a record, one line each.
    fn differences(&self, record: &OwnedRecord) -> Vec<String> {
        let mut found = Vec::new();
        if record.level() != self.level {
            found.push(format!("level is {}, not {}", record.level(), self.level));
        }
        if !record.message().contains(self.message) {
            found.push(format!("message {:?} does not contain {:?}", record.message(), self.message));
        }
        for (name, wanted) in &self.keys {
            match record.get(name) {
                None => found.push(format!("there is no key {name}")),
                Some(value) if !is_same(value, *wanted) => {
                    found.push(format!("{name} is {}, not {}", Shown(value), Shown(*wanted)));
                }
                Some(_) => {}
            }
        }
        found
    }

    /// Returns the entries that are the most similar, with their differences.
    fn nearest<'e>(&self, entries: &'e [Entry]) -> Vec<(&'e Entry, Vec<String>)> {
        let words: HashSet<_> = self.message.split_whitespace().collect();
        let common =
            |record: &OwnedRecord| record.message().split_whitespace().filter(|word| words.contains(word)).count();
        let mut found: Vec<_> = entries.iter().map(|entry| (entry, self.differences(&entry.record))).collect();
        // The sort is stable: of several that are equally near, the first one logged comes first.
        found.sort_by_key(|(entry, differences)| (differences.len(), usize::MAX - common(&entry.record)));
        found.truncate(SHOWN);
        found
    }
}

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.level, self.message)?;
        self.keys.iter().try_for_each(|(name, value)| write!(f, " {name}={}", Shown(*value)))
    }
}

/// A value as a failure shows it: text in quotes.
struct Shown<'v>(Value<'v>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            Some(text) => write!(f, "{text:?}"),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Returns whether a recorded value is the expected one, whatever the width of numbers and the kind of texts.
fn is_same(found: Value<'_>, wanted: Value<'_>) -> bool {
    if let (Some(found), Some(wanted)) = (found.as_str(), wanted.as_str()) {
        return found == wanted;
    }
    if let (Some(found), Some(wanted)) = (found.as_i64(), wanted.as_i64()) {
        return found == wanted;
    }
    match (found, wanted) {
        (Value::F32(found), Value::F64(wanted)) => found == wanted as f32,
        (Value::F64(found), Value::F32(wanted)) => found as f32 == wanted,
        (Value::I128(found), Value::U64(wanted)) => found == wanted.into(),
        (Value::U64(found), Value::I128(wanted)) => i128::from(found) == wanted,
        (Value::U128(found), Value::U64(wanted)) => found == wanted.into(),
        (Value::U64(found), Value::U128(wanted)) => u128::from(found) == wanted,
        _ => found == wanted,
    }
}

/// Fails the test unless the record is there as often as it is expected.
#[doc(hidden)]
#[track_caller]
pub fn check(log: &Capture, times: Times, expected: Expected<'_>) {
    // A copy, so that the message of the failure is made without a lock.
    let entries = log.with(|entries| {
        for entry in entries.iter_mut().filter(|_| times != Times::Never) {
            entry.is_expected |= expected.differences(&entry.record).is_empty();
        }
        entries.clone()
    });
    let matching: Vec<_> = entries.iter().filter(|entry| expected.differences(&entry.record).is_empty()).collect();
    let mut text = match (times, matching.len()) {
        (Times::Never, 0) | (Times::Once, 1) => return,
        (Times::AtLeastOnce, 1..) => return,
        (Times::AtLeastOnce | Times::Once, 0) => match entries.len() {
            0 => format!("no record is {expected}; there are no records"),
            1 => format!("no record is {expected}, but this one:"),
            count => format!("no record is {expected}; the nearest of {count}:"),
        },
        (Times::Once, count) => format!("{count} records are {expected}, not one:"),
        (Times::Never, 1) => format!("1 record is {expected}, not none:"),
        (Times::Never, count) => format!("{count} records are {expected}, not none:"),
    };
    if !matching.is_empty() {
        matching.iter().for_each(|entry| _ = write!(text, "\n    {}", entry.line));
        panic!("{text}");
    }
    for (entry, differences) in expected.nearest(&entries) {
        let _ = write!(text, "\n    {}", entry.line);
        differences.iter().for_each(|difference| _ = write!(text, "\n        {difference}"));
    }
    let (strays, _) = collector::strays(log.strays_before);
    let strays: Vec<_> = strays.iter().filter(|entry| expected.differences(&entry.record).is_empty()).collect();
    if !strays.is_empty() {
        let _ =
            write!(text, "\n{}", listed(strays.len(), "like this of no test; carry the context to where it is logged"));
        strays.iter().for_each(|entry| _ = write!(text, "\n    {}", entry.line));
    }
    panic!("{text}");
}
