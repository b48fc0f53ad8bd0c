//! The bulk interface of Elasticsearch and OpenSearch.
//!
//! The format is that of `POST /<index>/_bulk`: a line that says what to do and a line with the record. The action is
//! `create`, the only one that data streams take. The answer has a status for every record.

use serde_json::Value as Json;

use super::Encoder;
use super::answer::{Verdict, is_transient, quoted};
use crate::formatter::FemtoFormatter;
use crate::handler::Outcome;
use crate::record::FemtoLogRecord;

pub(super) struct Elasticsearch(pub(super) Box<dyn FemtoFormatter>);

/// Keeps the answer to what is looked at.
pub(super) const FILTER: &str = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";

impl Encoder for Elasticsearch {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"create\":{}}\n");
        self.0.format(record, out);
        out.push(b'\n');
    }

    fn accepted(&self, body: &[u8], records: usize) -> Verdict {
        let Ok(answer) = serde_json::from_slice::<Json>(body) else {
            return Verdict::All(Outcome::Failed, format!("answered what is no JSON: {}", quoted(body)));
        };
        if answer["errors"] == Json::Bool(false) {
            return Verdict::ACCEPTED;
        }
        let Some(items) = answer["items"].as_array().filter(|items| items.len() == records) else {
            let why = format!("did not answer for each of {records} records: {}", quoted(body));
            return Verdict::All(Outcome::Failed, why);
        };
        let (mut outcomes, mut why) = (Vec::new(), [String::new(), String::new()]);
        for item in items {
            let result = item.as_object().and_then(|item| item.values().next()).unwrap_or(&Json::Null);
            let status = result["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
            let (outcome, why) = match status {
                200..=299 => (Outcome::Written, None),
                status if is_transient(status) => (Outcome::Open, Some(&mut why[1])),
                _ => (Outcome::Failed, Some(&mut why[0])),
            };
            outcomes.push(outcome);
            // The first of its kind stands for all.
            if let Some(why) = why.filter(|why| why.is_empty()) {
                let text = |name| result["error"][name].as_str().unwrap_or("(unknown)");
                let error = format!("{}: {}", text("type"), text("reason"));
                *why = format!("status {status}: {}", quoted(error.as_bytes()));
            }
        }
        // What failed for good matters more than what is sent again.
        let [failed, again] = why;
        Verdict::Each(outcomes, if failed.is_empty() { again } else { failed })
    }
}
