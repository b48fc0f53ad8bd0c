//! Sampling of records.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::FemtoFilter;
use crate::rate;
use crate::record::FemtoLogRecord;

/// Lets a fixed fraction of the records pass, evenly spread, including the first one.
///
/// It counts records and uses no random numbers: the same sequence of records gives the same result.
///
/// # Examples
///
/// ```
/// use femtologging::filter::{FemtoFilterExt, Sample};
/// use femtologging::{FemtoStreamHandler, LevelFilter};
///
/// // Warnings, and one in a thousand of the rest.
/// let handler = FemtoStreamHandler::stderr().filter(LevelFilter::Warn.or(Sample::one_in(1000)));
/// # drop(handler);
/// ```
#[derive(Debug)]
pub struct Sample {
    share: Share,
    /// The number of records so far, or the sum of their fractions as a fixed-point number with 32 fractional bits.
    seen: AtomicU64,
}

/// Which records pass.
#[derive(Debug)]
enum Share {
    OneIn(u64),
    /// A fixed-point number with 32 fractional bits.
    Fraction(u64),
}

impl Sample {
    /// Lets the first record pass and then every `n`-th. 0 lets nothing pass.
    pub fn one_in(n: u64) -> Self {
        Self { share: Share::OneIn(n), seen: AtomicU64::new(0) }
    }

    /// Lets a fraction of the records pass, from 0.0 (none) to 1.0 (all).
    pub fn fraction(fraction: f64) -> Self {
        Self { share: Share::Fraction(rate::fraction(fraction)), seen: AtomicU64::new(0) }
    }
}

impl FemtoFilter for Sample {
    fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
        match self.share {
            Share::OneIn(n) => self.seen.fetch_add(1, Relaxed).checked_rem(n) == Some(0),
            Share::Fraction(share) => rate::completes(&self.seen, share),
        }
    }
}
