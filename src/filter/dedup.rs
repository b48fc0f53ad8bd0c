//! Suppression of repeated records.

use std::sync::Mutex;
use std::time::Duration;

use super::{FemtoFilter, Rewrite};
use crate::record::FemtoLogRecord;
use crate::sync::lock;
use crate::time::Timestamp;

/// Suppresses records that repeat the previous one.
///
/// A repeat has the same level, logger, message, keys and values as the last record that passed. On a handler, the next
/// different record gets the key `previous` with a value such as `repeated 3 times`; filters of loggers cannot add
/// keys.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`window`](Self::window) | none | lets one repeat pass after this time, with the number of suppressed ones |
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
    last: Mutex<LastRecord>,
}

/// The last record that passed.
#[derive(Debug, Default)]
struct LastRecord {
    /// What repeats are compared by: its level, logger, message, keys and values. Empty before the first record.
    content: Vec<u8>,
    /// The same of the current record; a buffer that is reused.
    scratch: Vec<u8>,
    /// The end of the window.
    until: Timestamp,
    /// Repeats suppressed since.
    repeats: u64,
}

impl Dedup {
    /// Makes a filter that suppresses all repeats.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a repeat pass if the last record that passed is at least this old.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Returns the number of suppressed repeats if this record passes, or `None` if it is suppressed.
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
            // After the wall clock stepped back, the end of the window could be far away.
            left > 0 && Duration::from_nanos(left.unsigned_abs()) <= window.saturating_mul(2)
        });
        // The buffers are swapped below, so that comparing and keeping a record allocates nothing.
        if in_window && last.scratch == last.content {
            last.repeats += 1;
            return None;
        }
        std::mem::swap(&mut last.scratch, &mut last.content);
        last.until = record.timestamp().saturating_add(self.window.unwrap_or_default());
        Some(std::mem::take(&mut last.repeats))
    }
}

/// Appends what `write` writes, and then its length: so `ab` and `c` differ from `a` and `bc`.
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
