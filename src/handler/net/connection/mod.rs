//! The one state machine between a handler and its peer.
//!
//! ```text
//!           ┌──────── back-off is over, or a flush ────────┐
//!           │                                              ▼
//!         Down ◄── failed, or not in time ───────────── Dialing
//!           ▲                                              │ connected
//!           └── closed, failed, or took nothing in time ── Up
//! ```
//!
//! A byte of the batch goes through three states: it waits, it is handed to the system and not yet acknowledged by the
//! peer's (`sent`), and it is delivered. A record counts as written when all its bytes are. When a connection breaks,
//! what is `sent` waits again, for the next connection:
//!
//! ```text
//!             delivered    sent      waits                              delivered   waits
//! batch:   ──────────────┬────────┬─────────  the connection breaks  ─┬───────────┬──────────────────
//!          r1 r2 r3 r4 r5│r6 r7 r8│r9 r10     ─────────────────────►  │r1 … r5    │r6 r7 r8 r9 r10
//! ```
//!
//! So a record arrives twice if the peer got it just before the connection broke and the acknowledgement did not come
//! back. No record is lost that the peer's system had not received.
//!
//! What cannot be sent stays in the [`Batch`], in order, and goes first when there is a connection. While the peer is
//! down, the buffer has a limit, and the oldest records beyond it are given up. While the peer is up and slow, the
//! handler's thread waits for it, the queue fills, and the overflow policy decides.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::dial::Dial;
use super::link::{Link, is_too_large};
use crate::error::Error;
use crate::handler::retry::{Backoff, RetrySettings};
use crate::handler::{Batch, Delivery};
use crate::time::{Timestamp, uptime};

/// The maximum of what is kept for a peer that is down, and how long a peer may accept nothing.
#[derive(Debug, Clone)]
pub(super) struct PeerLimits {
    pub(super) retry: RetrySettings,
    pub(super) write_timeout: Duration,
}

pub(crate) struct Connection<D> {
    /// The peer, for messages.
    peer: String,
    dial: D,
    state: LinkState,
    backoff: Backoff,
    limits: PeerLimits,
    /// The number of the batch's abandonments when it was last sent.
    abandonments: u64,
}

enum LinkState {
    /// No attempt before `until`. A clock that was set back to before `since` does not prolong that.
    Down {
        since: Timestamp,
        until: Timestamp,
    },
    Dialing,
    Up(Up),
}

struct Up {
    link: Box<dyn Link>,
    /// How many bytes of the rest of the batch the system has taken, without an acknowledgement by the peer's.
    sent: usize,
    /// Whether what was sent ends within a record.
    is_torn: bool,
    /// Whether anything was sent. A connection that is still there after that ends the series of failures.
    used: bool,
    /// How long writes have waited since the peer took anything.
    stalled: Duration,
    timeout: Duration,
}

impl<D: Dial> Connection<D> {
    pub(super) fn new(peer: String, dial: D, limits: PeerLimits) -> Self {
        let backoff = Backoff::seeded(limits.retry.delays.clone());
        let state = LinkState::Down { since: Timestamp::MIN, until: Timestamp::MIN };
        Self { peer, dial, state, backoff, limits, abandonments: 0 }
    }

    /// Sends what it can of the batch, which keeps the rest; the answer is for the worker.
    pub(crate) fn send(&mut self, batch: &mut Batch, now: Timestamp) -> Delivery {
        if batch.is_urgent() && matches!(self.state, LinkState::Down { .. }) {
            self.backoff.reset();
            self.state = LinkState::Down { since: now, until: now };
        }
        if self.abandonments != batch.abandonments() {
            self.abandonments = batch.abandonments();
            self.forget_sent(now);
        }
        loop {
            match &mut self.state {
                LinkState::Down { since, until } if *since <= now && now < *until => break,
                LinkState::Down { .. } => {
                    self.dial.start();
                    self.state = LinkState::Dialing;
                }
                LinkState::Dialing => {
                    // Waits for the first attempt before anything is given up.
                    let waits = self.backoff.attempts() == 0 && self.limits.retry.exceeded_by(batch);
                    let patience = if waits { batch.time_left().unwrap_or(Duration::MAX) } else { Duration::ZERO };
                    match self.dial.poll(patience) {
                        None if waits => return Delivery::Retry,
                        None => break,
                        Some(Ok(link)) => {
                            // The last peer discarded the part of a message that it got; this one gets the whole
                            // message.
                            batch.rewind();
                            self.state = LinkState::Up(Up::new(link));
                        }
                        Some(Err(error)) => {
                            self.fall(now);
                            batch.report(Error::io(format_args!("cannot connect to {}", self.peer), error));
                        }
                    }
                }
                LinkState::Up(up) => match up.send(batch, &self.limits, &self.peer, &mut self.backoff) {
                    Ok(()) => return Delivery::Retry,
                    Err(error) => {
                        self.fall(now);
                        batch.report(Error::io(format_args!("cannot send to {}", self.peer), error));
                    }
                },
            }
        }
        let lost = batch.fail_oldest(self.limits.retry.records, self.limits.retry.bytes);
        if lost > 0 {
            batch.report(Error::other(format!(
                "{lost} records are lost: {} is down, and there is no room to keep more",
                self.peer
            )));
        }
        Delivery::Retry
    }

    /// Somebody else has given up what is in the batch, and with it what was sent. A peer that has a part of a record
    /// gets the next one over a new connection.
    fn forget_sent(&mut self, now: Timestamp) {
        if let LinkState::Up(up) = &mut self.state {
            up.sent = 0;
            if up.is_torn {
                self.state = LinkState::Down { since: now, until: now };
            }
        }
    }

    /// Checks whether the peer has closed the connection, so that nothing is written to a closed one.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        if let LinkState::Up(up) = &mut self.state
            && let Err(error) = up.link.check()
        {
            self.fall(now);
            return Err(Error::io(format_args!("lost the connection to {}", self.peer), error));
        }
        Ok(())
    }

    /// Closes the connection; the peer gets everything that was written.
    pub(crate) fn close(&mut self) {
        if let LinkState::Up(up) = &mut self.state
            && up.stalled.is_zero()
        {
            up.link.close();
        }
        self.state = LinkState::Down { since: Timestamp::MIN, until: Timestamp::MAX };
    }

    fn fall(&mut self, now: Timestamp) {
        self.state = LinkState::Down { since: now, until: now.saturating_add(self.backoff.next_delay()) };
    }
}

impl Up {
    fn new(link: Box<dyn Link>) -> Self {
        Self { link, sent: 0, is_torn: false, used: false, stalled: Duration::ZERO, timeout: Duration::ZERO }
    }

    /// Sends the batch, or as much as the peer takes before whoever waits for it gives up. The thread may have other
    /// things to do than to wait for a slow peer, unless the batch is larger than it may become.
    fn send(&mut self, batch: &mut Batch, limits: &PeerLimits, peer: &str, backoff: &mut Backoff) -> io::Result<()> {
        let start = uptime();
        let mut left = batch.time_left();
        loop {
            self.send_some(batch, limits, peer, backoff, left)?;
            left = batch.time_left().map(|all| all.saturating_sub(uptime().saturating_sub(start)));
            if !batch.exceeds_after(self.sent, limits.retry.records, limits.retry.bytes)
                || left.is_some_and(|left| left.is_zero())
            {
                return Ok(());
            }
        }
    }

    /// Sends the batch until the peer has kept it waiting for `left`, or for the write time-out.
    fn send_some(
        &mut self,
        batch: &mut Batch,
        limits: &PeerLimits,
        peer: &str,
        backoff: &mut Backoff,
        left: Option<Duration>,
    ) -> io::Result<()> {
        if let Err(error) = self.link.check() {
            self.acknowledge(batch);
            return Err(error);
        }
        if self.used {
            backoff.reset();
        }
        let patience = limits.write_timeout.saturating_sub(self.stalled);
        // A socket has no time-out of zero.
        let timeout = patience.min(left.unwrap_or(patience)).max(Duration::from_millis(1));
        if self.timeout != timeout {
            self.link.set_write_timeout(timeout)?;
            self.timeout = timeout;
        }
        let before = batch.rest().len() - self.sent;
        let outcome = if self.link.is_datagram() { self.datagrams(batch, peer) } else { self.stream(batch) };
        if batch.rest().len() - self.sent < before {
            self.used = true;
            self.stalled = Duration::ZERO;
        }
        match outcome {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.stalled += timeout;
                if self.stalled < limits.write_timeout {
                    return Ok(());
                }
                let text = format!("the peer has taken nothing for {:?}", limits.write_timeout);
                Err(io::Error::new(ErrorKind::TimedOut, text))
            }
            outcome => outcome,
        }
    }

    /// Sends a datagram for each record; one that is too large has failed.
    fn datagrams(&mut self, batch: &mut Batch, peer: &str) -> io::Result<()> {
        let start = uptime();
        while let Some(text) = batch.next_text() {
            match self.link.write(text) {
                Ok(_) => batch.deliver_next(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_too_large(&error) => {
                    let context = format!("a record of {} bytes is too large for a datagram to {peer}", text.len());
                    batch.fail_next(1);
                    batch.report(Error::io(context, error));
                }
                Err(error) => return Err(error),
            }
            if uptime().saturating_sub(start) >= self.timeout {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends the batch's bytes, and notes which of them have arrived.
    fn stream(&mut self, batch: &mut Batch) -> io::Result<()> {
        let outcome = self.write(batch);
        self.is_torn = !batch.ends_after(self.sent);
        self.acknowledge(batch);
        outcome
    }

    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        while let Some(unsent @ [_, ..]) = batch.rest().get(self.sent..) {
            match self.link.write(unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    self.sent += taken;
                    // It took less because its time was up.
                    if taken < unsent.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Notes that what the system does not hold any more is delivered.
    fn acknowledge(&mut self, batch: &mut Batch) {
        let held = self.link.unacknowledged().min(self.sent);
        batch.advance(self.sent - held);
        self.sent = held;
        // Messages without a byte.
        while batch.rest().is_empty() && batch.next_text().is_some() {
            batch.deliver_next();
        }
    }
}

#[cfg(test)]
mod tests;
