//! The number and name of a thread, which are found out once per thread and not for each record.

use crate::text::Prepared;

/// The number and name of a thread.
pub(crate) struct ThreadInfo {
    pub(crate) id: u64,
    pub(crate) name: Prepared,
}

impl ThreadInfo {
    /// A placeholder for the thread of a ring, until the ring names its thread.
    pub(crate) fn unknown() -> Self {
        Self { id: 0, name: Prepared::new(String::new()) }
    }

    /// Returns the number and name of the calling thread. A thread without a name is called `thread-<number>`.
    pub(crate) fn current() -> Self {
        let thread = std::thread::current();
        // The number has no accessor in std; its `Debug` form is `ThreadId(7)`.
        let digits: String = format!("{:?}", thread.id()).chars().filter(char::is_ascii_digit).collect();
        let id = digits.parse().unwrap_or(0);
        let name = thread.name().map_or_else(|| format!("thread-{id}"), str::to_owned);
        Self { id, name: Prepared::new(name) }
    }
}
