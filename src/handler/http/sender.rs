//! Batches, retries and counting: the same for whatever is sent by HTTP.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Encoder;
use super::answer::{self, Outcome, Verdict};
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

/// How long no request is sent. A clock that was set back to before `since` does not prolong it.
struct Pause {
    since: Timestamp,
    until: Timestamp,
    /// Whether the server has asked for it; a flush does not wait for any other.
    told: bool,
}

/// Sends the batch in requests, and keeps in it what is to be sent again.
pub(super) struct Sender {
    client: Client,
    encoder: Box<dyn Encoder>,
    limits: Limits,
    backoff: Backoff,
    pause: Option<Pause>,
    /// Since when the oldest record waits for others.
    waiting_since: Option<Timestamp>,
    body: Vec<u8>,
}

impl Sender {
    pub(super) fn new(client: Client, encoder: Box<dyn Encoder>, limits: Limits) -> Self {
        let backoff = Backoff::new(limits.backoff.clone(), RandomState::new().hash_one(()));
        Self { client, encoder, limits, backoff, pause: None, waiting_since: None, body: Vec::new() }
    }

    /// Whether a request may be sent now.
    fn may_send(&self, batch: &Batch, now: Timestamp) -> bool {
        self.pause
            .as_ref()
            .is_none_or(|pause| now >= pause.until || now < pause.since || batch.is_urgent() && !pause.told)
    }

    /// Sends what is due, request by request, until one fails or others must have their turn.
    fn send_all(&mut self, batch: &mut Batch, now: Timestamp) {
        let start = uptime();
        let elapsed = || uptime().saturating_sub(start);
        let time = batch.time_left().unwrap_or(SLICE);
        let oldest = self.waiting_since.unwrap_or(now);
        let all = batch.time_left().is_some() || now >= oldest.saturating_add(self.limits.age) || now < oldest;
        self.pause = None;
        while self.pause.is_none() {
            let (records, is_full) = self.next_request(batch);
            let left = time.saturating_sub(elapsed());
            // A server that is up gets what may not be kept, unless somebody waits for this to end.
            let must = batch.time_left().is_none() && self.exceeds(batch);
            if records == 0 || !(all || is_full) || left.is_zero() && !must {
                break;
            }
            self.write_body(batch, records);
            let (verdict, retry_after) = self.send(records, batch.time_left().map(|_| left));
            self.waiting_since = Some(now);
            if self.settle(verdict, records, batch) {
                self.backoff.reset();
            } else {
                self.pause(retry_after, now, now.saturating_add(elapsed()));
            }
        }
    }

    /// Returns how many of the batch's records the next request has, and whether there is no room for more.
    fn next_request(&self, batch: &Batch) -> (usize, bool) {
        let most = if self.encoder.one_by_one() { 1 } else { self.limits.records };
        let (mut records, mut bytes) = (0, 0);
        for text in batch.texts() {
            if records == most || records > 0 && bytes + text.len() > self.limits.bytes {
                return (records, true);
            }
            records += 1;
            bytes += text.len();
        }
        (records, records == most || bytes >= self.limits.bytes)
    }

    /// Writes the body of a request with the next `records` records.
    fn write_body(&mut self, batch: &Batch, records: usize) {
        let texts: Vec<_> = batch.texts().take(records).collect();
        self.body.clear();
        self.encoder.body(&texts, &mut self.body);
    }

    /// Sends the body. Returns what becomes of its records, and the answer's `Retry-After`.
    fn send(&mut self, records: usize, timeout: Option<Duration>) -> (Verdict, Option<String>) {
        let answer = match self.client.send(self.encoder.content_type(), &self.body, timeout) {
            Ok(answer) => answer,
            Err((outcome, why)) => return (Verdict::All(outcome, why), None),
        };
        let status = answer.status;
        if (200..300).contains(&status) {
            return (self.encoder.accepted(&answer.body, records), None);
        }
        let why = format!("status {status}: {}", self.encoder.reason(&answer.body));
        if !self.encoder.is_transient(status) {
            return (Verdict::All(Outcome::Failed, why), None);
        }
        (Verdict::All(Outcome::Retry, why), answer.retry_after)
    }

    /// Lets some time pass after a request that was begun at `since` and failed at `now`.
    fn pause(&mut self, retry_after: Option<String>, since: Timestamp, now: Timestamp) {
        let told = retry_after.and_then(|value| answer::retry_after(&value, now));
        let delay = self.backoff.next_delay().max(told.unwrap_or_default().min(LONGEST_RETRY_AFTER));
        self.pause = Some(Pause { since, until: now.saturating_add(delay), told: told.is_some() });
    }

    /// Counts what became of the records of a request, and reports what went wrong. Returns whether none of them is to be sent
    /// again.
    fn settle(&self, verdict: Verdict, records: usize, batch: &mut Batch) -> bool {
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
        let server = self.client.server();
        if failed > 0 {
            batch.report(Error::other(format!("{server} refused {failed} of {records} records: {why}")));
        } else if again > 0 {
            batch.report(Error::other(format!("{server} did not take {again} of {records} records yet: {why}")));
        } else if !why.is_empty() {
            batch.report(Error::other(format!("{server} warns: {why}")));
        }
        again == 0
    }

    /// Whether there are more records than may be kept.
    fn exceeds(&self, batch: &Batch) -> bool {
        batch.exceeds(self.limits.kept_records, self.limits.kept_bytes)
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
        if batch.next_text().is_none() {
            self.waiting_since = None;
            return Ok(Delivery::Done);
        }
        Ok(Delivery::Retry)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::handler::Rest;
    use crate::handler::http::client::ClientOptions;
    use crate::handler::http::lines::Lines;

    /// A sender of every record at once.
    fn sender(url: String) -> Sender {
        let client = ClientOptions { url, ..ClientOptions::default() }.build().unwrap();
        let formatter = |_: &FemtoLogRecord<'_>, _: &mut Vec<u8>| {};
        Sender::new(client, Box::new(Lines(Box::new(formatter))), Limits { records: 1, ..Limits::default() })
    }

    /// Returns whether a request was made, by what is said about its failure.
    fn asks(sender: &mut Sender, batch: &mut Batch, now: Timestamp) -> bool {
        assert_eq!(sender.deliver(batch, now).unwrap(), Delivery::Retry);
        !batch.settle(Rest::Kept).errors.is_empty()
    }

    fn batch() -> Batch {
        let mut batch = Batch::default();
        batch.append(|out| out.extend_from_slice(b"one\n"));
        batch.seal();
        batch
    }

    fn millis(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_pause_begins_when_the_answer_is_there() {
        const SLOW: Duration = Duration::from_millis(200);
        for head in ["", "Retry-After: 0\r\n"] {
            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut sender = sender(format!("http://{}", server.local_addr().unwrap()));
            let slow = std::thread::spawn(move || {
                let (mut stream, _) = server.accept().unwrap();
                assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
                std::thread::sleep(SLOW);
                stream.write_all(format!("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n{head}\r\n").as_bytes()).unwrap();
                // Whoever connects too early gets an error, and not a second answer.
                server
            });
            let mut batch = batch();
            assert!(asks(&mut sender, &mut batch, millis(1000)));
            // The answer came at 1200 at the earliest, and the pause takes 50 at least.
            assert!(!asks(&mut sender, &mut batch, millis(1249)), "{head:?}");
            drop(slow.join().unwrap());
            assert!(asks(&mut sender, &mut batch, millis(100_000)));
        }
    }

    #[test]
    fn a_clock_set_back_prolongs_nothing() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut sender = sender(format!("http://{closed}"));
        let mut batch = batch();
        sender.waiting_since = Some(millis(1_000_000));
        assert!(asks(&mut sender, &mut batch, millis(1_000_000)));
        assert!(!asks(&mut sender, &mut batch, millis(1_000_001)));
        assert!(asks(&mut sender, &mut batch, millis(0)));
        // Nor does it make a record wait for others any longer.
        sender.limits.records = 2;
        sender.limits.age = Duration::from_secs(1);
        sender.pause = None;
        sender.waiting_since = Some(millis(1_000_000));
        assert!(asks(&mut sender, &mut batch, millis(0)));
    }
}
