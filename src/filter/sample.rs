//! One in so many.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::FemtoFilter;
use crate::rate;
use crate::record::FemtoLogRecord;

/// Lets a fixed share of the records through, evenly spread; the first one always, unless the share is nothing.
///
/// It counts and draws no lots, so that the same records give the same choice.
///
/// # Examples
///
/// ```
/// use femtologging::filter::Sample;
/// use femtologging::{FemtoFilterExt, FemtoStreamHandler, LevelFilter};
///
/// // Warnings, and one in a thousand of the rest.
/// let handler = FemtoStreamHandler::stderr().filter(LevelFilter::Warn.or(Sample::one_in(1000)));
/// # drop(handler);
/// ```
#[derive(Debug)]
pub struct Sample {
    share: Share,
    /// How many records it has seen, or the sum of their shares with 32 binary places.
    seen: AtomicU64,
}

#[derive(Debug)]
enum Share {
    OneIn(u64),
    /// With 32 binary places.
    Fraction(u64),
}

impl Sample {
    /// Lets the first record through and then every `n`-th; 0 lets nothing through.
    pub fn one_in(n: u64) -> Self {
        Self { share: Share::OneIn(n), seen: AtomicU64::new(0) }
    }

    /// Lets this fraction of the records through, from 0 to 1.
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
