//! The id of this process.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::sync::generation;

/// Returns the id of this process. It is cached, because getting it is a system call; the child of a `fork` gets it
/// again.
pub(crate) fn process_id() -> u32 {
    /// The cached id, together with the fork generation for which it is valid. 0 until the first call.
    ///
    /// ```text
    /// 63             32 31            0
    /// +----------------+--------------+
    /// | generation     | process id   |
    /// +----------------+--------------+
    /// ```
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    let generation = u64::from(generation()) << 32;
    let known = KNOWN.load(Relaxed);
    // A child of `fork` has another generation, and so does not use the id of its parent.
    if known as u32 != 0 && known & !0xFFFF_FFFF == generation {
        return known as u32;
    }
    let id = std::process::id();
    KNOWN.store(generation | u64::from(id), Relaxed);
    id
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_what_the_system_says() {
        for _ in 0..3 {
            assert_eq!(super::process_id(), std::process::id());
        }
    }
}
