//! JSON: one object per request, or one object per line.

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
pub(super) struct Lines(pub(super) Box<dyn FemtoFormatter>);

impl Encoder for Lines {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self.0.format(record, out);
        out.push(b'\n');
    }
}
