//! Grafana Loki's push interface.
//!
//! The format is that of `POST /loki/api/v1/push`: streams, each with its labels and its lines with their times.
//!
//! ```text
//! {"streams":[
//!   {"stream":{"job":"shop","level":"info"},"values":[["1773304200000000000","paid order=7"], …]},
//!   {"stream":{"job":"shop","level":"warn"},"values":[ … ]}
//! ]}
//! ```

use super::Encoder;
use super::grouped::{grouped, push_grouped};
use crate::error::Problem;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;
use crate::text::push_string;

pub(super) struct Loki {
    formatter: Box<dyn FemtoFormatter>,
    /// `"job":"shop",` and so on.
    labels: Vec<u8>,
    scratch: Vec<u8>,
}

impl Loki {
    pub(super) fn new(labels: Vec<(String, String)>, formatter: Box<dyn FemtoFormatter>) -> Self {
        let mut text = Vec::new();
        for (name, value) in &labels {
            push_string(&mut text, name);
            text.push(b':');
            push_string(&mut text, value);
            text.push(b',');
        }
        Self { formatter, labels: text, scratch: Vec::new() }
    }
}

/// Returns the problem of a label's name, if it is invalid.
pub(super) fn problem(name: &str) -> Option<Problem> {
    let mut bytes = name.bytes();
    let is_name = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let remedy = match name {
        "level" => "leave it out: every stream has the level of its records",
        _ if is_name => return None,
        _ => "a label's name has letters, digits and _, and begins with no digit",
    };
    Some(Problem::new("labels", format!("{name:?}"), remedy))
}

impl Encoder for Loki {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    /// The level is a label, in lower case; it has few values, as labels must.
    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let Self { formatter, labels, scratch } = self;
        scratch.clear();
        formatter.format(record, scratch);
        let labels = |out: &mut Vec<u8>| {
            out.extend_from_slice(labels);
            out.extend_from_slice(b"\"level\":");
            push_string(out, &record.level().as_str().to_ascii_lowercase());
        };
        push_grouped(labels, out, |out| {
            out.extend_from_slice(format!("[\"{}\",", record.timestamp().as_nanos()).as_bytes());
            push_string(out, &String::from_utf8_lossy(scratch));
            out.push(b']');
        });
    }

    fn body(&self, records: &[&[u8]], out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"streams\":[");
        for (at, (labels, lines)) in grouped(records).into_iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",{\"stream\":{" } else { b"{\"stream\":{" });
            out.extend_from_slice(labels);
            out.extend_from_slice(b"},\"values\":[");
            out.extend_from_slice(&lines.join(&b','));
            out.extend_from_slice(b"]}");
        }
        out.extend_from_slice(b"]}");
    }
}
