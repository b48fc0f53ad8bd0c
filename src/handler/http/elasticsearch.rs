//! The bulk interface of Elasticsearch and OpenSearch.
//!
//! The format is that of `POST /<index>/_bulk`: for each record a line with the action and a line with the record. The
//! action is `create`, the only one that data streams accept. The answer has a status for every record.
//!
//! ```text
//! request                                     answer
//! {"create":{}}                               {"errors":true,"items":[
//! {"@timestamp":"…","message":"a"}              {"create":{"status":201}},                  written
//! {"create":{}}
//! {"@timestamp":"…","message":"b"}              {"create":{"status":429,"error":{…}}},      sent again
//! {"create":{}}
//! {"@timestamp":"…","message":"c"}              {"create":{"status":400,"error":{…}}}       failed, reported
//!                                             ]}
//! ```

use serde_json::Value as Json;

use super::Encoder;
use super::answer::{Verdict, is_transient, quoted};
use crate::formatter::FemtoFormatter;
use crate::handler::Outcome;
use crate::record::FemtoLogRecord;

pub(super) struct Elasticsearch(pub(super) Box<dyn FemtoFormatter>);

/// Makes the server leave out the parts of the answer that are not read.
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
            // Only the first reason of each kind is reported.
            if let Some(why) = why.filter(|why| why.is_empty()) {
                let text = |name| result["error"][name].as_str().unwrap_or("(unknown)");
                let error = format!("{}: {}", text("type"), text("reason"));
                *why = format!("status {status}: {}", quoted(error.as_bytes()));
            }
        }
        // The reason of a final failure takes precedence over that of a retry.
        let [failed, again] = why;
        Verdict::Each(outcomes, if failed.is_empty() { again } else { failed })
    }
}
