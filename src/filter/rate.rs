//! A rate limit for records, by token buckets.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Mutex;

use super::{FemtoFilter, Rewrite};
use crate::rate::{Quota, TokenBucket};
use crate::record::FemtoLogRecord;
use crate::sync::lock;
use crate::time::Timestamp;

/// Limits the number of records per second, with bursts.
///
/// The limit applies to all records together, or to each logger, call site or value of a key separately. Each has a
/// token bucket, which holds up to [`burst`](Self::burst) tokens, is full at first, and gains `rate` tokens per second.
/// A record that passes takes a token; without a token it is suppressed. The time is that of the records.
///
/// On a handler, the next record that passes gets the key `suppressed` with the number of suppressed records; filters
/// of loggers cannot add keys.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`burst`](Self::burst) | `rate`, at least 1 | maximum number of records that pass in a row |
/// | [`max_keys`](Self::max_keys) | 1024 | maximum number of buckets; further loggers, call sites or values share one |
///
/// # Examples
///
/// ```
/// use femtologging::FemtoStreamHandler;
/// use femtologging::filter::RateLimit;
///
/// // From each client ten records a second, and up to a hundred in a row.
/// let handler = FemtoStreamHandler::stderr().filter(RateLimit::per_key("client", 10.0).burst(100));
/// # drop(handler);
/// ```
#[derive(Debug)]
pub struct RateLimit {
    per: Per,
    /// Nanoseconds until one more token is there.
    interval: i64,
    burst: u32,
    max_keys: usize,
    hasher: RandomState,
    buckets: Mutex<Buckets>,
}

/// What has a bucket of its own.
#[derive(Debug)]
enum Per {
    All,
    Logger,
    CallSite,
    Key(String),
}

/// Minimum interval between two searches for full buckets, in nanoseconds.
const SWEEP: i64 = 1_000_000_000;

impl RateLimit {
    /// Limits all records together to `rate` per second.
    pub fn new(rate: f64) -> Self {
        Self::per(Per::All, rate)
    }

    /// Limits the records of each logger to `rate` per second.
    pub fn per_logger(rate: f64) -> Self {
        Self::per(Per::Logger, rate)
    }

    /// Limits the records of each call site to `rate` per second.
    pub fn per_call_site(rate: f64) -> Self {
        Self::per(Per::CallSite, rate)
    }

    /// Limits the records with each value of a key to `rate` per second. Records without the key share a bucket.
    pub fn per_key(key: impl Into<String>, rate: f64) -> Self {
        Self::per(Per::Key(key.into()), rate)
    }

    /// Makes a filter with `rate` tokens per second, and a burst of the tokens of one second, but at least 1.
    fn per(per: Per, rate: f64) -> Self {
        // A rate of zero, below zero or NaN earns no tokens: the first burst passes, and nothing after it.
        let interval = if rate > 0.0 { (1e9 / rate).max(1.0) as i64 } else { i64::MAX };
        Self {
            per,
            interval,
            burst: rate.clamp(1.0, u32::MAX.into()) as u32,
            max_keys: 1024,
            hasher: RandomState::new(),
            buckets: Mutex::default(),
        }
    }

    /// Sets the maximum number of records that pass in a row. 0 lets nothing pass.
    pub fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// Sets the maximum number of buckets, which limits the memory.
    pub fn max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// Takes a token for the record. Returns the number of records suppressed before it, or `None` if there is no
    /// token.
    fn take(&self, record: &FemtoLogRecord<'_>) -> Option<u64> {
        let key = self.key(record);
        let now = record.timestamp();
        lock(&self.buckets).of(key, now, self.max_keys).take(Quota::new(self.interval, self.burst), now.as_nanos())
    }

    /// Returns the hash of what selects the bucket. Two that collide, with a probability of about 2^-64, share one.
    fn key(&self, record: &FemtoLogRecord<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        match &self.per {
            Per::All => {}
            Per::Logger => record.logger().hash(&mut hasher),
            Per::CallSite => (record.file(), record.line(), record.template()).hash(&mut hasher),
            Per::Key(key) => match record.get(key) {
                Some(value) => match value.as_str() {
                    Some(text) => text.hash(&mut hasher),
                    None => value.to_string().hash(&mut hasher),
                },
                None => hasher.write_u8(0),
            },
        }
        hasher.finish()
    }
}

impl FemtoFilter for RateLimit {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.take(record).is_some()
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        let taken = self.take(&record.record());
        if let Some(suppressed @ 1..) = taken {
            record.add("suppressed", suppressed);
        }
        taken.is_some()
    }
}

/// The token buckets, up to a maximum number.
#[derive(Debug, Default)]
struct Buckets {
    /// The buckets by the hash of their key.
    by_key: HashMap<u64, TokenBucket>,
    /// The bucket of all keys that found no room in `by_key`.
    shared: TokenBucket,
    /// When full buckets were last searched for, and removed.
    swept: Timestamp,
}

impl Buckets {
    /// Returns the bucket of a key. If all are in use, full ones are removed: a new one is full as well.
    fn of(&mut self, key: u64, now: Timestamp, max_keys: usize) -> &mut TokenBucket {
        // Searching for full buckets takes time, so it happens at most once per `SWEEP`. The clock of records can step
        // back.
        if self.by_key.len() >= max_keys && !self.by_key.contains_key(&key) {
            if now.as_nanos().saturating_sub(self.swept.as_nanos()).unsigned_abs() >= SWEEP as u64 {
                self.swept = now;
                self.by_key.retain(|_, bucket| !bucket.is_full(now.as_nanos()));
            }
            if self.by_key.len() >= max_keys {
                return &mut self.shared;
            }
        }
        self.by_key.entry(key).or_default()
    }
}
