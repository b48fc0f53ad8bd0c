//! Limits for the size of records. They apply to the whole process: contexts and call sites belong to no logging
//! system.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::error::Problem;
use crate::text::floor_char_boundary;

/// The maximum size of a record and of its parts.
///
/// A record that exceeds a limit is truncated visibly, and counted in
/// [`Metrics::truncated`](crate::metrics::Metrics::truncated).
///
/// | limit | default | minimum | what happens beyond it |
/// |---|---|---|---|
/// | [`keys`](Self::keys) | 64 | 8 | further keys are left out; a key `…` has their number |
/// | [`key_bytes`](Self::key_bytes) | 64 | 8 | the key is cut and ends in `…` |
/// | [`value_bytes`](Self::value_bytes) | 65,536 | 64 | text ends in `…(+9 bytes)`, a list in `…(+9 elements)` |
/// | [`record_bytes`](Self::record_bytes) | 1,048,576 | `value_bytes` | as above; also applies to the message |
///
/// Bytes (`key:bytes = value`) are cut without a note. A call site with a key that is too long is counted once, and not
/// for each of its records.
///
/// A `Display` or `Debug` that writes `record_bytes` more than its limit gets an error. Its text then ends in
/// `…(+1048577 bytes or more)`.
///
/// # Examples
///
/// ```
/// use femtologging::value::Limits;
/// use femtologging::set_limits;
///
/// set_limits(Limits { value_bytes: 4096, ..Limits::default() })?;
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of keys per call, at least 8.
    ///
    /// The same maximum applies separately to the keys of the [`Context`](crate::Context), to those of the logger
    /// ([`FemtoLogger::with`](crate::FemtoLogger::with)), and to the spans.
    pub keys: usize,
    /// Maximum length of a key in bytes, at least 8.
    pub key_bytes: usize,
    /// Maximum length of the value of a key in bytes of its encoded form, at least 64.
    ///
    /// Text and bytes count with their length. Each element of a list takes 8 bytes in addition.
    pub value_bytes: usize,
    /// Maximum length of a record in bytes of its encoded form, at least `value_bytes` and at most 64 MiB.
    ///
    /// The same maximum applies separately to its context.
    pub record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 64, key_bytes: 64, value_bytes: 64 * 1024, record_bytes: 1024 * 1024 }
    }
}

impl Limits {
    /// Returns the first problem of the settings, if there is one.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let problem =
            |field: &str, value: usize, remedy: &str| Some(Problem::new(format!("limits.{field}"), value, remedy));
        if self.keys < LEAST_KEYS {
            problem("keys", self.keys, "let a record have 8 keys at least")
        } else if self.key_bytes < 8 {
            problem("key_bytes", self.key_bytes, "let a key have 8 bytes at least")
        } else if self.value_bytes < LEAST_VALUE_BYTES {
            problem("value_bytes", self.value_bytes, "let a value have 64 bytes at least")
        } else if !(self.value_bytes..=64 << 20).contains(&self.record_bytes) {
            problem("record_bytes", self.record_bytes, "let a record have as much as a value, and 64 MiB at most")
        } else {
            None
        }
    }

    /// Returns a key as it is recorded: cut, if it is too long.
    pub(crate) fn key<'k>(&self, key: &'k str) -> Cow<'k, str> {
        if key.len() <= self.key_bytes {
            return Cow::Borrowed(key);
        }
        Cow::Owned(format!("{}…", &key[..floor_char_boundary(key, self.key_bytes)]))
    }

    /// Counts a call site as truncated if one of its keys is too long. Called once per call site.
    pub(crate) fn check_keys(&self, keys: &[&str]) {
        if keys.iter().any(|key| key.len() > self.key_bytes) {
            count_cut();
        }
    }

    /// Counts a record as truncated if it has too many keys.
    ///
    /// The number is a constant at a call site, so that nothing remains of this for a call with up to 8 keys.
    #[inline(always)]
    pub(crate) fn check_count(keys: usize) {
        if keys > LEAST_KEYS && keys > KEYS.load(Relaxed) {
            count_cut();
        }
    }

    /// No limits.
    pub(crate) const NONE: Self =
        Self { keys: usize::MAX, key_bytes: usize::MAX, value_bytes: usize::MAX, record_bytes: usize::MAX };
}

/// The minimum of [`Limits::keys`].
pub(crate) const LEAST_KEYS: usize = 8;

/// The minimum of [`Limits::value_bytes`].
const LEAST_VALUE_BYTES: usize = 64;

// The limits in force. Each is read on its own, and relaxed: a call that runs while they are set may see some of the
// new ones, each of which is valid with any of the old ones.
static KEYS: AtomicUsize = AtomicUsize::new(64);
static KEY_BYTES: AtomicUsize = AtomicUsize::new(64);
static VALUE_BYTES: AtomicUsize = AtomicUsize::new(64 * 1024);
static RECORD_BYTES: AtomicUsize = AtomicUsize::new(1024 * 1024);

/// The number of truncated records; see [`Metrics::truncated`](crate::metrics::Metrics::truncated).
static CUT: AtomicU64 = AtomicU64::new(0);

/// Sets the limits of this process.
pub(crate) fn set(limits: Limits) {
    KEYS.store(limits.keys, Relaxed);
    KEY_BYTES.store(limits.key_bytes, Relaxed);
    VALUE_BYTES.store(limits.value_bytes, Relaxed);
    RECORD_BYTES.store(limits.record_bytes, Relaxed);
}

/// Returns the limits of this process.
pub(crate) fn get() -> Limits {
    Limits {
        keys: KEYS.load(Relaxed),
        key_bytes: KEY_BYTES.load(Relaxed),
        value_bytes: VALUE_BYTES.load(Relaxed),
        record_bytes: RECORD_BYTES.load(Relaxed),
    }
}

/// Returns whether a payload of this many words is so small that no value in it can exceed the limits.
#[inline(always)]
pub(crate) fn is_small(words: usize) -> bool {
    words * 8 <= LEAST_VALUE_BYTES || words * 8 <= VALUE_BYTES.load(Relaxed)
}

/// Counts a truncated record.
pub(crate) fn count_cut() {
    CUT.fetch_add(1, Relaxed);
}

/// Returns the number of truncated records.
pub(crate) fn cut() -> u64 {
    CUT.load(Relaxed)
}
