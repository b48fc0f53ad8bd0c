//! Datadog's logs intake.
//!
//! The format is that of `POST /api/v2/logs`: an array of objects, at most 1,000 of them and 5 MB in all. The limits of
//! a request, 1,000 records and 1 MiB, are below that by default.
//!
//! ```text
//! [{"message":"3 packed","status":"info","ddsource":"shop","timestamp":…},{…}]
//! ```
//!
//! The answer is 202 for all records, or one status for none of them, so the default of `Encoder::accepted` is right.

use super::Encoder;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;

pub(super) struct Datadog(pub(super) Box<dyn FemtoFormatter>);

impl Encoder for Datadog {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self.0.format(record, out);
    }

    fn body(&self, records: &[&[u8]], out: &mut Vec<u8>) {
        out.push(b'[');
        out.extend_from_slice(&records.join(&b','));
        out.push(b']');
    }
}
