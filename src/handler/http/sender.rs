//! Batches, retries and counting: the same for whatever is sent by HTTP.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Encoder;
use super::answer::{Outcome, Verdict, retry_after};
use super::client::Client;
use crate::error::{Error, Problem};
use crate::handler::net::Backoff;
use crate::handler::{Batch, Delivery, FemtoHandler};
use crate::record::FemtoLogRecord;
use crate::time::{Timestamp, uptime};

/// How much goes into a request, how much is kept, and when it is sent again.
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) bytes: usize,
    pub(super) age: Duration,
    pub(super) kept_records: usize,
    pub(super) kept_bytes: usize,
    pub(super) backoff: RangeInclusive<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 1000,
            bytes: 1 << 20,
            age: Duration::from_secs(1),
            kept_records: 100_000,
            kept_bytes: 8 << 20,
            backoff: Backoff::RANGE,
        }
    }
}

impl Limits {
    /// Everything that is wrong with them.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem = |wrong: bool, field: &str, value: String, remedy: &str| {
            if wrong {
                problems.push(Problem::new(field, value, remedy));
            }
        };
        problem(self.records == 0, "batch_records", "0".to_owned(), "give 1 or more");
        problem(self.bytes == 0, "batch_bytes", "0".to_owned(), "give 1 or more");
        problem(
            self.kept_records < self.records || self.kept_bytes < self.bytes,
            "retry_buffer",
            format!("{}, {}", self.kept_records, self.kept_bytes),
            "give no less than batch_records and batch_bytes, or lower these",
        );
        let (first, longest) = (*self.backoff.start(), *self.backoff.end());
        problem(
            first.is_zero() || first > longest,
            "backoff",
            format!("{first:?}..={longest:?}"),
            "begin with more than zero, and end with no less",
        );
        problems
    }
}

/// Longer than this, the handler's thread does not go on without looking for commands.
const SLICE: Duration = Duration::from_secs(1);

/// Longer than this, no server makes the handler wait.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// When the next request may be sent.
#[derive(Clone, Copy)]
enum Pause {
    None,
    /// After a failure. A flush does not wait for it.
    Until(Timestamp),
    /// The server has asked for it.
    Told(Timestamp),
}

/// Sends the batch in requests, and keeps in it what is to be sent again.
pub(super) struct Sender {
    client: Client,
    encoder: Box<dyn Encoder>,
    limits: Limits,
    backoff: Backoff,
    pause: Pause,
    /// Since when the oldest record waits for others.
    waiting_since: Option<Timestamp>,
    body: Vec<u8>,
}

impl Sender {
    pub(super) fn new(client: Client, encoder: Box<dyn Encoder>, limits: Limits) -> Self {
        let backoff = Backoff::new(limits.backoff.clone(), RandomState::new().hash_one(()));
        Self { client, encoder, limits, backoff, pause: Pause::None, waiting_since: None, body: Vec::new() }
    }

    /// Whether a request may be sent now.
    fn may_send(&self, batch: &Batch, now: Timestamp) -> bool {
        match self.pause {
            Pause::None => true,
            Pause::Until(time) => now >= time || batch.is_urgent(),
            Pause::Told(time) => now >= time,
        }
    }

    /// Sends what is due, request by request, until one fails or others must have their turn.
    fn send_all(&mut self, batch: &mut Batch, now: Timestamp) {
        let start = uptime();
        let time = batch.time_left().unwrap_or(SLICE);
        let oldest = self.waiting_since.unwrap_or(now);
        let all = batch.time_left().is_some() || now >= oldest.saturating_add(self.limits.age);
        loop {
            let (records, is_full) = self.next_body(batch);
            let left = time.saturating_sub(uptime().saturating_sub(start));
            if records == 0 || left.is_zero() || !(all || is_full) {
                break;
            }
            let timeout = batch.time_left().map(|_| left);
            let verdict = self.send(records, timeout, now);
            self.settle(verdict, records, batch, now);
            self.waiting_since = Some(now);
            if !matches!(self.pause, Pause::None) {
                break;
            }
        }
    }

    /// Writes the next request's body. Returns how many of the batch's records are in it, and whether it is full.
    fn next_body(&mut self, batch: &Batch) -> (usize, bool) {
        let most = if self.encoder.one_by_one() { 1 } else { self.limits.records };
        let (mut texts, mut bytes, mut more) = (Vec::new(), 0, false);
        for text in batch.texts() {
            more = texts.len() == most || !texts.is_empty() && bytes + text.len() > self.limits.bytes;
            if more {
                break;
            }
            bytes += text.len();
            texts.push(text);
        }
        self.body.clear();
        self.encoder.body(&texts, &mut self.body);
        (texts.len(), more || texts.len() == most || bytes >= self.limits.bytes)
    }

    /// Sends the body and works out what becomes of its records.
    fn send(&mut self, records: usize, timeout: Option<Duration>, now: Timestamp) -> Verdict {
        self.pause = Pause::None;
        let answer = match self.client.send(self.encoder.content_type(), &self.body, timeout) {
            Ok(answer) => answer,
            Err(why) => return Verdict::All(Outcome::Retry, why),
        };
        let status = answer.status;
        if (200..300).contains(&status) {
            return self.encoder.accepted(&answer.body, records);
        }
        let why = format!("status {status}: {}", self.encoder.reason(&answer.body));
        if !self.encoder.is_transient(status) {
            return Verdict::All(Outcome::Failed, why);
        }
        if let Some(told) = answer.retry_after.and_then(|value| retry_after(&value, now)) {
            self.pause = Pause::Told(now.saturating_add(told.min(LONGEST_RETRY_AFTER)));
        }
        Verdict::All(Outcome::Retry, why)
    }

    /// Counts what became of the records of a request, and reports what went wrong.
    fn settle(&mut self, verdict: Verdict, records: usize, batch: &mut Batch, now: Timestamp) {
        let (outcomes, why) = match verdict {
            Verdict::All(outcome, why) => (vec![outcome; records], why),
            Verdict::Each(outcomes, why) => (outcomes, why),
        };
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let (failed, again) = (count(Outcome::Failed), count(Outcome::Retry));
        batch.postpone(|at| outcomes.get(at) == Some(&Outcome::Retry), records);
        for outcome in &outcomes {
            match outcome {
                Outcome::Written => batch.deliver_next(),
                Outcome::Failed => batch.fail_next(1),
                Outcome::Retry => {}
            }
        }
        if again == 0 {
            self.backoff.reset();
        } else {
            let until = now.saturating_add(self.backoff.next_delay());
            self.pause = match self.pause {
                Pause::Told(told) => Pause::Told(told.max(until)),
                _ => Pause::Until(until),
            };
        }
        let server = self.client.server();
        if failed > 0 {
            batch.report(Error::other(format!("{server} refused {failed} of {records} records: {why}")));
        } else if again > 0 {
            batch.report(Error::other(format!("{server} did not take {again} of {records} records yet: {why}")));
        } else if !why.is_empty() {
            batch.report(Error::other(format!("{server} warns: {why}")));
        }
    }

    /// Gives up the oldest records if more are kept than may be.
    fn bound(&self, batch: &mut Batch) {
        let Limits { kept_records, kept_bytes, .. } = self.limits;
        let lost = batch.fail_oldest(kept_records, kept_bytes);
        if lost > 0 {
            let server = self.client.server();
            batch.report(Error::other(format!(
                "gave up the {lost} oldest records: {server} is away, and more wait for it than may be kept"
            )));
        }
    }
}

impl FemtoHandler for Sender {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.waiting_since.get_or_insert(record.timestamp());
        batch.append(|out| self.encoder.record(record, out));
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        if self.may_send(batch, now) {
            self.send_all(batch, now);
        }
        self.bound(batch);
        if batch.rest().is_empty() {
            self.waiting_since = None;
            return Ok(Delivery::Done);
        }
        Ok(Delivery::Retry)
    }
}
