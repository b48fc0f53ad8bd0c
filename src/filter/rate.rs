//! So many in a second.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Mutex;

use super::{FemtoFilter, Rewrite};
use crate::rate::{Quota, TokenBucket};
use crate::record::FemtoLogRecord;
use crate::sync::lock;
use crate::time::Timestamp;

/// Lets so many records through in a second, with bursts.
///
/// There is a budget for all records together, or for each logger, call site or value of a key. A budget is a bucket of
/// [`burst`](Self::burst) tokens, full at first, that fills at a steady rate; a record takes one. The time is that of the records. The next
/// record that passes carries the key `suppressed` with how many did not (on handlers, as loggers' filters rewrite nothing).
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`burst`](Self::burst) | a second's worth, at least 1 | how many records pass in a row |
/// | [`max_keys`](Self::max_keys) | 1024 | how many budgets there are; when all are in use, further keys share one |
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
    /// Nanoseconds in which a token is earned.
    interval: i64,
    burst: u32,
    max_keys: usize,
    hasher: RandomState,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
enum Per {
    All,
    Logger,
    CallSite,
    Key(String),
}

/// Nanoseconds after which it is worth looking again for budgets that are full.
const SWEEP: i64 = 1_000_000_000;

impl RateLimit {
    /// Limits all records together, to `rate` a second.
    pub fn new(rate: f64) -> Self {
        Self::per(Per::All, rate)
    }

    /// Limits each logger's records to `rate` a second.
    pub fn per_logger(rate: f64) -> Self {
        Self::per(Per::Logger, rate)
    }

    /// Limits the records of each call in the source to `rate` a second.
    pub fn per_call_site(rate: f64) -> Self {
        Self::per(Per::CallSite, rate)
    }

    /// Limits the records with each value of a key to `rate` a second. Those without the key have a budget together.
    pub fn per_key(key: impl Into<String>, rate: f64) -> Self {
        Self::per(Per::Key(key.into()), rate)
    }

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

    /// Sets how many records pass in a row; 0 lets nothing through.
    pub fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// Sets how many budgets there are, which bounds the memory.
    pub fn max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// Takes a token for the record. Returns how many records were refused before it, or `None` if there is no token.
    fn take(&self, record: &FemtoLogRecord<'_>) -> Option<u64> {
        let key = self.key(record);
        let now = record.timestamp();
        lock(&self.buckets).of(key, now, self.max_keys).take(Quota::new(self.interval, self.burst), now.as_nanos())
    }

    /// A number for whatever has a budget of its own. Different ones have different numbers, as far as matters.
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

#[derive(Debug, Default)]
struct Buckets {
    by_key: HashMap<u64, TokenBucket>,
    shared: TokenBucket,
    /// The time of the last look for budgets that are full again.
    swept: Timestamp,
}

impl Buckets {
    fn of(&mut self, key: u64, now: Timestamp, max_keys: usize) -> &mut TokenBucket {
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
