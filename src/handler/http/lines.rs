//! Bodies of whole records: one per line (newline-delimited JSON), or one in a request.
//!
//! A line ends with one line feed. The formatter must not write others: JSON and logfmt escape them in text, and
//! another formatter is the user's choice.

use super::Encoder;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;

/// One record per request, as its formatter writes it.
pub(super) struct Single(pub(super) Box<dyn FemtoFormatter>);

impl Encoder for Single {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn one_by_one(&self) -> bool {
        true
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self.0.format(record, out);
    }
}

/// Many records per request, one per line, as their formatter writes them.
pub(super) struct LinesEncoder(pub(super) Box<dyn FemtoFormatter>);

impl Encoder for LinesEncoder {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self.0.format(record, out);
        out.push(b'\n');
    }
}
