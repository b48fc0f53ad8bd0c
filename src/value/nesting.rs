//! A limit for the depth of log calls within log calls.
//!
//! A call that formats a value runs user code, which may log, and format the same value again:
//!
//! ```text
//! info!("{order}")              depth 1; runs <Order as Display>::fmt, which logs
//!   info!("writing {order}")    depth 2; runs it again
//!     …
//!       info!("writing …")      depth 33: dropped, and no user code runs
//! ```
//!
//! Once a thread has reached the limit, all further nested calls are dropped until the outermost one returns.
//! Otherwise, a `Display` that logs itself twice would make 2^32 calls before it ends.

use std::cell::Cell;

/// Maximum depth of log calls. The outermost call has the depth 1.
const MAX_DEPTH: u32 = 32;

/// The nesting of log calls on a thread.
#[derive(Clone, Copy)]
struct Nesting {
    depth: u32,
    /// Whether the limit has been reached since the outermost call began.
    is_exhausted: bool,
}

/// Outside of any log call.
const OUTSIDE: Nesting = Nesting { depth: 0, is_exhausted: false };

thread_local! {
    static NESTING: Cell<Nesting> = const { Cell::new(OUTSIDE) };
}

/// Restores the depth when the call returns or panics. Leaving the outermost call also clears `is_exhausted`.
struct Leave(Nesting);

impl Drop for Leave {
    fn drop(&mut self) {
        let Nesting { depth, is_exhausted } = self.0;
        let is_exhausted = depth > 0 && (is_exhausted || NESTING.get().is_exhausted);
        NESTING.set(Nesting { depth, is_exhausted });
    }
}

/// Calls `call`, which may run user code that logs. Returns `None` without calling it if the maximum depth is reached.
pub(crate) fn nested<R>(call: impl FnOnce() -> R) -> Option<R> {
    let before = NESTING.get();
    if before.is_exhausted || before.depth >= MAX_DEPTH {
        NESTING.set(Nesting { is_exhausted: true, ..before });
        return None;
    }
    let _leave = Leave(before);
    NESTING.set(Nesting { depth: before.depth + 1, ..before });
    Some(call())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls itself `times` times at every depth. Returns how many calls were made and how many refused.
    fn recurse(times: u32) -> (u32, u32) {
        nested(|| {
            (0..times)
                .map(|_| recurse(times))
                .fold((1, 0), |(made, refused), inner| (made + inner.0, refused + inner.1))
        })
        .unwrap_or((0, 1))
    }

    #[test]
    fn calls_are_nested_up_to_the_limit() {
        assert_eq!(recurse(0), (1, 0));
        // Each outermost call starts from zero.
        for _ in 0..2 {
            assert_eq!(recurse(1), (MAX_DEPTH, 1));
        }
    }

    #[test]
    fn a_tree_of_calls_ends_when_its_first_branch_reaches_the_limit() {
        assert_eq!(recurse(2), (MAX_DEPTH, MAX_DEPTH + 1));
        assert_eq!(recurse(1), (MAX_DEPTH, 1));
    }

    #[test]
    fn a_panic_leaves_the_depth_as_it_was() {
        let panicked = std::panic::catch_unwind(|| nested(|| nested(|| panic!("expected by this test"))));
        assert!(panicked.is_err());
        assert_eq!(recurse(1), (MAX_DEPTH, 1));
    }
}
