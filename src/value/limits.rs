//! How large a record may be.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::error::Problem;
use crate::text::floor_char_boundary;

/// The largest records that are sent whole. What is larger is cut visibly, and counted in
/// [`Metrics::truncated`](crate::Metrics::truncated).
///
/// | limit | default | what becomes of the rest |
/// |---|---|---|
/// | [`keys`](Self::keys) | 64 | keys beyond are left out; a key `…` says how many |
/// | [`key_bytes`](Self::key_bytes) | 64 | a key is cut and ends in `…`; a call with such keys counts once, not at each record |
/// | [`value_bytes`](Self::value_bytes) | 65,536 | text ends in `…(+9 bytes)`, a list in `…(+9 elements)`; bytes are cut off |
/// | [`record_bytes`](Self::record_bytes) | 1,048,576 | the same, also for the message |
///
/// A `Display` or `Debug` that goes on writing gets an error when it has written `record_bytes` more than fit; its text
/// then ends in `…(+1048577 bytes or more)`.
///
/// # Examples
///
/// ```
/// use femtologging::{Config, FemtoStreamHandler, Limits};
///
/// let config = Config::builder()
///     .limits(Limits { value_bytes: 4096, ..Limits::default() })
///     .add_handler("console", FemtoStreamHandler::stderr().build()?);
/// # drop(config);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many keys a call has at most; so many may its [`Context`](crate::Context) have besides, so many spans, too, and so
    /// many its logger ([`FemtoLogger::with`](crate::FemtoLogger::with)). At least 8.
    pub keys: usize,
    /// How long a key is at most, in bytes. At least 8.
    pub key_bytes: usize,
    /// How long the value of a key is at most, in bytes of its encoded form: that of text and bytes is as long as they are, and
    /// an element of a list takes 8 bytes besides. At least 64.
    pub value_bytes: usize,
    /// How long a record is at most, in bytes of its encoded form; so long may its context be besides. At least as long as a
    /// value, and 64 MiB at most.
    pub record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 64, key_bytes: 64, value_bytes: 64 * 1024, record_bytes: 1024 * 1024 }
    }
}

impl Limits {
    /// What is wrong with them, if anything.
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

    /// A key as it may be.
    pub(crate) fn key<'k>(&self, key: &'k str) -> Cow<'k, str> {
        if key.len() <= self.key_bytes {
            return Cow::Borrowed(key);
        }
        Cow::Owned(format!("{}…", &key[..floor_char_boundary(key, self.key_bytes)]))
    }

    /// Counts a call, once, if the names of its keys are too long.
    pub(crate) fn check_keys(&self, keys: &[&str]) {
        if keys.iter().any(|key| key.len() > self.key_bytes) {
            count_cut();
        }
    }

    /// Counts a record if it has too many keys. (A call with few is not asked.)
    #[inline(always)]
    pub(crate) fn check_count(keys: usize) {
        if keys > LEAST_KEYS && keys > KEYS.load(Relaxed) {
            count_cut();
        }
    }

    pub(crate) const NONE: Self =
        Self { keys: usize::MAX, key_bytes: usize::MAX, value_bytes: usize::MAX, record_bytes: usize::MAX };
}

/// The least that may be the most.
const LEAST_KEYS: usize = 8;

/// The least that [`Limits::value_bytes`] can be.
const LEAST_VALUE_BYTES: usize = 64;

static KEYS: AtomicUsize = AtomicUsize::new(64);
static KEY_BYTES: AtomicUsize = AtomicUsize::new(64);
static VALUE_BYTES: AtomicUsize = AtomicUsize::new(64 * 1024);
static RECORD_BYTES: AtomicUsize = AtomicUsize::new(1024 * 1024);

/// Records that were cut.
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

/// Whether so many words of payload cannot hold anything that is too long.
#[inline(always)]
pub(crate) fn is_small(words: usize) -> bool {
    words * 8 <= LEAST_VALUE_BYTES || words * 8 <= VALUE_BYTES.load(Relaxed)
}

pub(crate) fn count_cut() {
    CUT.fetch_add(1, Relaxed);
}

/// How many records were cut.
pub(crate) fn cut() -> u64 {
    CUT.load(Relaxed)
}
