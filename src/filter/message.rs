//! By the message's text.

use std::cell::Cell;

use super::FemtoFilter;
use crate::record::FemtoLogRecord;

/// Lets records through whose message has a text in it, in exactly these letters.
///
/// # Examples
///
/// ```
/// use femtologging::filter::Contains;
/// use femtologging::{FemtoFilterExt, FemtoStreamHandler};
///
/// let handler = FemtoStreamHandler::stderr().filter(Contains::new("heartbeat").not());
/// # drop(handler);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contains(String);

impl Contains {
    /// Makes a filter for messages with this text.
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
    /// A buffer for messages; it is taken out while in use.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The largest buffer that a thread keeps.
const KEPT: usize = 64 * 1024;

/// Calls `look` with the text of the message.
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
