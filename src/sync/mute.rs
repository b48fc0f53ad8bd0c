//! Threads whose log records are discarded.

use std::cell::Cell;

thread_local! {
    static MUTED: Cell<bool> = const { Cell::new(false) };
}

/// Mutes the calling thread, which must be one of the library's own: records that other crates log on it are discarded
/// and not counted.
///
/// Network crates log what they do. If such records reached a handler that sends over a network, each request would
/// make records for the next one.
pub(crate) fn mute_thread() {
    let _ = MUTED.try_with(|muted| muted.set(true));
}

/// Mutes the calling thread during a call.
#[cfg(any(test, feature = "tls"))]
pub(crate) fn muted<R>(call: impl FnOnce() -> R) -> R {
    /// Unmutes the thread, also after a panic.
    struct Undo(bool);
    impl Drop for Undo {
        fn drop(&mut self) {
            let _ = MUTED.try_with(|muted| muted.set(self.0));
        }
    }
    let _undo = Undo(MUTED.try_with(|muted| muted.replace(true)).unwrap_or(false));
    call()
}

/// Returns whether the calling thread is muted.
#[cfg(any(test, feature = "log", feature = "tracing"))]
pub(crate) fn is_muted() -> bool {
    MUTED.try_with(Cell::get).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_silence() {
        assert!(!is_muted());
        let outcome = std::panic::catch_unwind(|| muted(|| assert!(!is_muted(), "expected by this test")));
        assert!(outcome.is_err() && !is_muted());
        assert!(muted(|| muted(is_muted) && is_muted()));
        assert!(!is_muted());
    }
}
