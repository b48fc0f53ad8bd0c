//! Batches, retries and counting of HTTP handlers, for all formats.
//!
//! # When a request is sent
//!
//! | | sends |
//! |---|---|
//! | a request is under way | nothing: one at a time |
//! | a pause after a failure | nothing, except at a flush, if the server has not asked for the pause |
//! | `batch_records` or `batch_bytes` are reached | a full request |
//! | the oldest record is `batch_age` old | what there is |
//! | a flush or shutdown | what there is |
//!
//! # Invariants
//!
//! * A request has the first open records of the batch, by id. Newer ones are appended after them, so they stay the
//!   first until they are settled.
//! * The records of the request under way are not given up when the retry buffer is full: they may have arrived.
//! * A response settles exactly the records of its request that are still open. If the worker has failed them in the
//!   meantime, the response is ignored.
//! * A record is sent again only if the server has not accepted it, or if that is unknown: the connection broke, or the
//!   timeout was over. So a record may arrive twice, and none is lost between a server that answers and this handler.

use std::time::Duration;

use super::Encoder;
use super::answer::{self, Verdict};
use super::client::{Answer, Client};
use super::request_thread::{RequestThread, Response};
use crate::error::{Error, Problem};
use crate::handler::retry::{Backoff, RetrySettings};
use crate::handler::{Batch, Delivery, FemtoHandler, Outcome, RecordId};
use crate::record::FemtoLogRecord;
use crate::time::{Timestamp, uptime};

/// The limits of requests, of what is kept, and of retries.
pub(super) struct SendLimits {
    pub(super) records: usize,
    pub(super) bytes: usize,
    pub(super) age: Duration,
    pub(super) retry: RetrySettings,
}

impl Default for SendLimits {
    fn default() -> Self {
        Self { records: 1000, bytes: 1 << 20, age: Duration::from_secs(1), retry: RetrySettings::default() }
    }
}

impl SendLimits {
    /// Returns everything that is wrong with them.
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
            self.retry.records < self.records || self.retry.bytes < self.bytes,
            "retry_buffer",
            format!("{}, {}", self.retry.records, self.retry.bytes),
            "give no less than batch_records and batch_bytes, or lower these",
        );
        problems.extend(self.retry.problem());
        problems
    }
}

/// The maximum pause that a server can request.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A time in which no request is sent. If the clock is set back to before `since`, it is over.
///
/// A pause of the backoff's is a guess, and somebody who flushes wants to know now. A pause that the server asked for,
/// by `Retry-After`, is kept even then.
struct Pause {
    since: Timestamp,
    until: Timestamp,
    /// Whether the server has asked for it; a flush does not wait for any other.
    told: bool,
}

/// The request that is under way.
struct UnderWay {
    /// Its records, which were the first open ones of the batch.
    ids: Vec<RecordId>,
    /// When it was begun.
    since: Timestamp,
    /// The time since when its oldest record had waited for others.
    waiting_since: Timestamp,
}

impl UnderWay {
    /// Returns how many of its records are still open. A batch keeps its order, so they are the first open ones.
    fn open_in(&self, batch: &Batch) -> usize {
        let mut ids = self.ids.iter();
        batch.open_records().take_while(|(id, _)| ids.any(|own| own == id)).count()
    }
}

/// Sends the batch in requests, and keeps in it what is to be sent again.
///
/// A request has the first records of the batch, which stay there until its response gives their outcome. The handler's
/// thread does not wait for the response: it continues to take records out of the queue, and appends them to the same
/// batch. It waits in two cases only: at a shutdown; and when the retry buffer is full and the server has not failed
/// yet, because a slow server must not lose records.
///
/// ```text
/// batch:   r1 r2 r3 | r4 r5          r1 r2 r3 | r4 r5 r6 r7 r8           r4 r5 r6 r7 r8 |
///          ────────                  ────────            ▲                ────────────
///          a request starts          under way           │ newer          200: r1 … r3 are written; the next
/// ```
pub(super) struct Sender {
    thread: RequestThread,
    encoder: Box<dyn Encoder>,
    limits: SendLimits,
    backoff: Backoff,
    pause: Option<Pause>,
    /// Whether a flush or shutdown has begun since the last request was started: it does not wait for a pause.
    hurry: bool,
    under_way: Option<UnderWay>,
    /// The time since when the oldest record waits for others.
    waiting_since: Option<Timestamp>,
    /// The last request's body, to be used again.
    body: Vec<u8>,
}

impl Sender {
    pub(super) fn new(client: Client, encoder: Box<dyn Encoder>, limits: SendLimits) -> Self {
        let backoff = Backoff::seeded(limits.retry.delays.clone());
        Self {
            thread: RequestThread::new(client),
            encoder,
            limits,
            backoff,
            pause: None,
            hurry: false,
            under_way: None,
            waiting_since: None,
            body: Vec::new(),
        }
    }

    /// Takes the responses that have arrived, and sends what is due, request by request.
    fn send_all(&mut self, batch: &mut Batch, now: Timestamp) {
        let start = uptime();
        loop {
            let elapsed = uptime().saturating_sub(start);
            let time_left = batch.time_left().map(|left| left.saturating_sub(elapsed));
            if self.thread.is_busy() {
                let wait = self.patience(batch, time_left);
                let Some(response) = self.thread.response(wait) else { return };
                let now = now.saturating_add(uptime().saturating_sub(start));
                self.take(response, batch, now);
                continue;
            }
            if !self.may_send(now) || !self.start(batch, now, time_left) {
                return;
            }
        }
    }

    /// Returns how long to wait for the response to the request under way: until the deadline at a shutdown, without a
    /// limit if the retry buffer is full and the server has not failed, and not at all otherwise.
    fn patience(&self, batch: &Batch, time_left: Option<Duration>) -> Duration {
        match time_left {
            Some(left) if batch.call().closing => left,
            left if self.is_up() && self.exceeds(batch) => left.unwrap_or(Duration::MAX),
            _ => Duration::ZERO,
        }
    }

    /// Returns whether the server counts as available: no request has failed since the last one that succeeded.
    fn is_up(&self) -> bool {
        self.backoff.attempts() == 0
    }

    /// Returns whether a request may be sent now.
    fn may_send(&self, now: Timestamp) -> bool {
        self.pause.as_ref().is_none_or(|pause| now >= pause.until || now < pause.since || self.hurry && !pause.told)
    }

    /// Starts a request with the first records, if they are due. Returns whether it has.
    fn start(&mut self, batch: &Batch, now: Timestamp, time_left: Option<Duration>) -> bool {
        let (records, is_full) = self.next_request(batch);
        let waiting_since = self.waiting_since.unwrap_or(now);
        let is_old = now >= waiting_since.saturating_add(self.limits.age) || now < waiting_since;
        let is_due = is_full || is_old || time_left.is_some();
        if records == 0 || !is_due || time_left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        // The buffer comes back with the response, so requests do not allocate once it has grown.
        let mut body = std::mem::take(&mut self.body);
        let (ids, texts): (Vec<_>, Vec<_>) = batch.open_records().take(records).unzip();
        self.encoder.body(&texts, &mut body);
        // If the request takes all records, the next one begins a new wait.
        if !batch.exceeds(records, usize::MAX) {
            self.waiting_since = None;
        }
        (self.pause, self.hurry) = (None, false);
        self.under_way = Some(UnderWay { ids, since: now, waiting_since });
        self.thread.start(self.encoder.content_type(), body, time_left);
        true
    }

    /// Settles the records of the request that was under way.
    fn take(&mut self, response: Response, batch: &mut Batch, now: Timestamp) {
        self.body = response.body;
        self.body.clear();
        self.body.shrink_to(2 * self.limits.bytes);
        let Some(request) = self.under_way.take() else { return };
        if request.open_in(batch) == 0 {
            // Another handler has failed its records in the meantime.
            return;
        }
        let UnderWay { ids, since, waiting_since } = request;
        let (verdict, retry_after) = self.verdict(response.outcome, ids.len());
        if self.settle(verdict, &ids, batch) {
            self.backoff.reset();
        } else {
            // The records have waited since before the request, and are due as soon as the pause is over.
            self.waiting_since = Some(waiting_since);
            self.pause(retry_after, since, now);
        }
    }

    /// Returns the number of the batch's records that the next request takes, and whether it is full with them.
    ///
    /// With `batch_records` 3 and `batch_bytes` 100, and open records of 60, 30, 30 and 200 bytes:
    ///
    /// ```text
    /// request 1   60 30       full: a third record would exceed 100 bytes
    /// request 2   30          full: so would the next one
    /// request 3   200         a record over the limit is a request of its own
    /// ```
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

    /// Returns the outcomes of the records of a request, and the answer's `Retry-After`.
    fn verdict(&self, outcome: Result<Answer, (Outcome, String)>, records: usize) -> (Verdict, Option<String>) {
        let answer = match outcome {
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
        (Verdict::All(Outcome::Open, why), answer.retry_after)
    }

    /// Starts the pause after a request that was begun at `since` and failed at `now`.
    fn pause(&mut self, retry_after: Option<String>, since: Timestamp, now: Timestamp) {
        let told = retry_after.and_then(|value| answer::retry_after(&value, now));
        // The longer of both: a server that says "0 s" in each answer must not be asked in a tight loop.
        let delay = self.backoff.next_delay().max(told.unwrap_or_default().min(LONGEST_RETRY_AFTER));
        self.pause = Some(Pause { since, until: now.saturating_add(delay), told: told.is_some() });
    }

    /// Closes the records of a request, and reports the errors. Returns whether none of them is to be sent again.
    fn settle(&self, verdict: Verdict, ids: &[RecordId], batch: &mut Batch) -> bool {
        let records = ids.len();
        let (outcomes, why) = match verdict {
            Verdict::All(outcome, why) => (vec![outcome; records], why),
            Verdict::Each(outcomes, why) => (outcomes, why),
        };
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let (failed, again) = (count(Outcome::Failed), count(Outcome::Open));
        batch.close_by_id(ids.iter().copied().zip(outcomes).collect());
        let server = self.thread.server();
        if failed > 0 {
            batch.report(Error::other(format!("{server} refused {failed} of {records} records: {why}")));
        } else if again > 0 {
            batch.report(Error::other(format!("{server} did not take {again} of {records} records yet: {why}")));
        } else if !why.is_empty() {
            batch.report(Error::other(format!("{server} warns: {why}")));
        }
        again == 0
    }

    /// Returns whether the batch is over the limit of what is kept.
    fn exceeds(&self, batch: &Batch) -> bool {
        self.limits.retry.exceeded_by(batch)
    }

    /// Gives up the oldest records over the limit if the server is unavailable, except for those of the request under
    /// way, which may have arrived.
    fn bound(&self, batch: &mut Batch) {
        if self.is_up() {
            return;
        }
        // The records under way are the first open ones, so sparing them means skipping as many.
        let spared = self.under_way.as_ref().map_or(0, |request| request.open_in(batch));
        let lost = batch.fail_oldest_after(spared, self.limits.retry.records, self.limits.retry.bytes);
        if lost > 0 {
            let server = self.thread.server();
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
        self.hurry |= batch.is_urgent();
        self.send_all(batch, now);
        self.bound(batch);
        if batch.next_text().is_none() {
            self.waiting_since = None;
            return Ok(Delivery::Done);
        }
        Ok(Delivery::Retry)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.thread.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::handler::http::client::ClientOptions;
    use crate::handler::http::lines::LinesEncoder;
    use crate::handler::{Call, Outcome};

    /// A sender of every record at once.
    fn sender(url: String) -> Sender {
        let client = ClientOptions { url, ..ClientOptions::default() }.build().unwrap();
        let formatter = |_: &FemtoLogRecord<'_>, _: &mut Vec<u8>| {};
        Sender::new(
            client,
            Box::new(LinesEncoder(Box::new(formatter))),
            SendLimits { records: 1, ..SendLimits::default() },
        )
    }

    /// Returns whether a request was made, by what is said about its failure.
    fn asks(sender: &mut Sender, batch: &mut Batch, now: Timestamp) -> bool {
        // Only a shutdown waits for the response.
        batch.set_call(Call { closing: true, time_left: Some(Duration::from_secs(60)), ..Call::default() });
        assert_eq!(sender.deliver(batch, now).unwrap(), Delivery::Retry);
        !batch.settle(Outcome::Open).errors.is_empty()
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
