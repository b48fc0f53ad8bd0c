//! The line in the log that reports dropped records.

use std::fmt::Write as _;

use crate::callsite::{Callsite, Metadata, Module, Origin, Shape};
use crate::error::Error;
use crate::level::Level;
use crate::metrics::{DropReason, Dropped};
use crate::queue::Queue;
use crate::record::FemtoLogRecord;
use crate::time::{Timeline, Timestamp};

/// The drops that were reported.
#[derive(Default)]
pub(super) struct DropReport {
    reported: Dropped,
}

pub(super) static SITE: Callsite = Callsite::new(Metadata {
    level: Some(Level::Warn),
    origin: Origin::Static,
    module: &Module { target: "femtologging", module_path: module_path!(), file: file!() },
    line: line!(),
    template: "dropped {} records ({}) between {} and {}",
    keys: &[],
});

impl DropReport {
    /// Returns the text about the records that a full queue dropped since the last call, if there are any. It says how
    /// many of them were dropped to keep room for severe ones, if any were.
    ///
    /// ```text
    /// dropped 1,204 records (1,200 debug, 4 info) between 2026-03-12T08:30:00.123456Z and 2026-03-12T08:30:01.000000Z
    /// dropped 9 records (9 debug), 8 of them to keep room for warn and above, between … and …
    /// ```
    pub(super) fn next(&mut self, queue: &Queue, timeline: &Timeline) -> Option<String> {
        let dropped = queue.counters.dropped();
        let new = dropped.since(&self.reported);
        let reserved = new.by_reason(DropReason::Reserved);
        let total = new.by_reason(DropReason::Full) + reserved;
        if total == 0 {
            return None;
        }
        self.reported = dropped;
        let (first, last) = queue.take_drop_times();
        let mut text = format!("dropped {} {} (", Grouped(total), if total == 1 { "record" } else { "records" });
        let count = |level| new.get(DropReason::Full, level) + new.get(DropReason::Reserved, level);
        let levels = Level::ALL.iter().map(|level| (level, count(*level)));
        for (i, (level, count)) in levels.filter(|(_, count)| *count > 0).enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let _ = write!(text, "{comma}{} {}", Grouped(count), level.as_str().to_ascii_lowercase());
        }
        text.push(')');
        if reserved > 0 {
            let of_them = if reserved == total { String::new() } else { format!(", {} of them", Grouped(reserved)) };
            let from = queue.severe_from();
            let severe = Level::ALL.iter().find(|level| level.number() >= from).unwrap_or(&Level::Critical);
            let severe = severe.as_str().to_ascii_lowercase();
            let _ = write!(text, "{of_them} to keep room for {severe} and above");
            text.push_str(if of_them.is_empty() { "" } else { "," });
        }
        let _ = write!(text, " between {} and {}", timeline.timestamp(first), timeline.timestamp(last));
        Some(text)
    }
}

/// Calls `handle` with a record that the library itself writes into the log.
pub(super) fn record(
    site: &'static Callsite,
    text: &str,
    now: Timestamp,
    handle: impl FnOnce(&FemtoLogRecord<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    FemtoLogRecord::with_text(site, Shape::TEXT, Level::Warn, now, text, handle)
}

/// A number with commas between groups of three digits.
pub(super) struct Grouped(pub(super) u64);

impl std::fmt::Display for Grouped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Grouped;

    #[test]
    fn groups() {
        for (n, text) in [(0, "0"), (999, "999"), (1_204, "1,204"), (1_000_000, "1,000,000")] {
            assert_eq!(Grouped(n).to_string(), text);
        }
    }
}
