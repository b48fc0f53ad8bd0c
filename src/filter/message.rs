//! A filter by the text of the message, and the rendering of messages for filters.

use std::cell::Cell;

use super::FemtoFilter;
use crate::record::FemtoLogRecord;

/// Lets records pass whose message contains a text. Case matters.
///
/// # Examples
///
/// ```
/// use femtologging::filter::{Contains, FemtoFilterExt};
/// use femtologging::FemtoStreamHandler;
///
/// let handler = FemtoStreamHandler::stderr().filter(Contains::new("heartbeat").not());
/// # drop(handler);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contains(String);

impl Contains {
    /// Makes a filter for messages that contain this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl FemtoFilter for Contains {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        with_message(record, |message| message.contains(&self.0))
    }
}

thread_local! {
    /// A buffer for messages. It is taken out of the cell while it is in use, so that a nested use gets an empty one.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The maximum capacity of the buffer that a thread keeps, in bytes.
const KEPT: usize = 64 * 1024;

/// Calls `look` with the text of the message, which is rendered if necessary.
pub(super) fn with_message<T>(record: &FemtoLogRecord<'_>, look: impl FnOnce(&str) -> T) -> T {
    if let Some(text) = record.message().as_str() {
        return look(text);
    }
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    record.write_message(&mut buffer);
    let result = look(&String::from_utf8_lossy(&buffer));
    buffer.shrink_to(KEPT);
    let _ = BUFFER.try_with(|kept| kept.set(buffer));
    result
}
