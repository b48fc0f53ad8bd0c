//! Splunk's HTTP Event Collector.
//!
//! The format is that of `POST /services/collector/event`: objects one after the other, without commas, each with its
//! metadata and the record as `event`:
//!
//! ```text
//! {"time":1773304200.123456,"index":"main","event":{"level":"INFO","message":"paid"}}{"time":…}
//! ```

use super::Encoder;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;
use crate::text::push_string;

pub(super) struct Splunk {
    formatter: Box<dyn FemtoFormatter>,
    /// `,"index":"main"` and so on.
    metadata: Vec<u8>,
}

impl Splunk {
    pub(super) fn new(metadata: Vec<(String, String)>, formatter: Box<dyn FemtoFormatter>) -> Self {
        let mut text = Vec::new();
        for (name, value) in &metadata {
            text.push(b',');
            push_string(&mut text, name);
            text.push(b':');
            push_string(&mut text, value);
        }
        Self { formatter, metadata: text }
    }
}

impl Encoder for Splunk {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"time\":");
        push_seconds(record.timestamp().as_nanos(), out);
        out.extend_from_slice(&self.metadata);
        out.extend_from_slice(b",\"event\":");
        self.formatter.format(record, out);
        out.push(b'}');
    }
}

/// Appends seconds since the epoch with microseconds.
fn push_seconds(nanos: i64, out: &mut Vec<u8>) {
    let micros = nanos.div_euclid(1000);
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    out.extend_from_slice(format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits() {
        let rows = [
            (1_678_048_520_123_456_789, "1678048520.123456"),
            (0, "0.000000"),
            (-1, "-0.000001"),
            (1_000, "0.000001"),
            (-1_500_000_000, "-1.500000"),
        ];
        for (nanos, expected) in rows {
            let mut out = Vec::new();
            push_seconds(nanos, &mut out);
            assert_eq!(str::from_utf8(&out), Ok(expected));
        }
    }
}
