//! No repeats.

use std::sync::Mutex;
use std::time::Duration;

use super::{FemtoFilter, Rewrite};
use crate::record::FemtoLogRecord;
use crate::sync::lock;
use crate::time::Timestamp;

/// Holds records back that repeat the one before.
///
/// A repeat has the same level, logger, message, keys and values. The next different record carries the key `previous` with
/// the text `repeated 3 times` (on handlers, as loggers' filters rewrite nothing).
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`window`](Self::window) | none | lets a repeat through after so much time, with the number of those held back |
///
/// # Examples
///
/// ```
/// use femtologging::FemtoStreamHandler;
/// use femtologging::filter::Dedup;
/// use std::time::Duration;
///
/// let handler = FemtoStreamHandler::stderr().filter(Dedup::new().window(Duration::from_secs(60)));
/// # drop(handler);
/// ```
#[derive(Debug, Default)]
pub struct Dedup {
    window: Option<Duration>,
    last: Mutex<Last>,
}

/// The last record that was let through.
#[derive(Debug, Default)]
struct Last {
    /// What of it has to be the same; never empty once there was a record.
    content: Vec<u8>,
    /// The same of the record at hand.
    scratch: Vec<u8>,
    /// When the window is over.
    until: Timestamp,
    repeats: u64,
}

impl Dedup {
    /// Makes a filter that lets no repeat through.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a repeat through when the last record that passed is so old, or older.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Returns how often the last record was repeated if this one passes.
    fn take(&self, record: &FemtoLogRecord<'_>) -> Option<u64> {
        let last = &mut *lock(&self.last);
        last.scratch.clear();
        last.scratch.push(record.level().number());
        put(&mut last.scratch, |out| out.extend_from_slice(record.logger().as_bytes()));
        put(&mut last.scratch, |out| record.write_message(out));
        for (key, value) in record.key_values() {
            put(&mut last.scratch, |out| out.extend_from_slice(key.as_bytes()));
            put(&mut last.scratch, |out| match value.as_str() {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => out.extend_from_slice(value.to_string().as_bytes()),
            });
        }
        let in_window = self.window.is_none_or(|window| {
            let left = last.until.as_nanos().saturating_sub(record.timestamp().as_nanos());
            // After a step back of the clock, the end of the window is far away.
            left > 0 && Duration::from_nanos(left.unsigned_abs()) <= window.saturating_mul(2)
        });
        if in_window && last.scratch == last.content {
            last.repeats += 1;
            return None;
        }
        std::mem::swap(&mut last.scratch, &mut last.content);
        last.until = record.timestamp().saturating_add(self.window.unwrap_or_default());
        Some(std::mem::take(&mut last.repeats))
    }
}

/// Appends what `write` writes, and its length, so that the parts cannot run into each other.
fn put(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let length = (out.len() - start) as u64;
    out.extend_from_slice(&length.to_le_bytes());
}

impl FemtoFilter for Dedup {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.take(record).is_some()
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        let taken = self.take(&record.record());
        if let Some(repeats @ 1..) = taken {
            let times = if repeats == 1 { "time" } else { "times" };
            record.add("previous", format!("repeated {repeats} {times}").as_str());
        }
        taken.is_some()
    }
}
