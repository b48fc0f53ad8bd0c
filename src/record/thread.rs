//! Who a thread is. It is asked once per thread, never on the way of a record.

/// The number and name of a thread.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ThreadInfo {
    pub(crate) id: u64,
    pub(crate) name: Box<str>,
}

impl ThreadInfo {
    pub(crate) fn current() -> Self {
        let thread = std::thread::current();
        // The number has no accessor in std; its `Debug` form is `ThreadId(7)`.
        let digits: String = format!("{:?}", thread.id()).chars().filter(char::is_ascii_digit).collect();
        let id = digits.parse().unwrap_or(0);
        let name = thread.name().map_or_else(|| format!("thread-{id}"), str::to_owned);
        Self { id, name: name.into() }
    }
}
