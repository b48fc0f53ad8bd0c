//! The state machine between a handler and its peer.
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
//!
//! # Invariants
//!
//! * `sent` counts bytes from the beginning of the batch's [`rest`](Batch::rest), which is the first byte that is not
//!   delivered. `delivered + sent + waiting` is the whole text.
//! * A new connection begins at the start of a record ([`Batch::rewind`]): the previous peer has discarded the part of
//!   a message that it got when the connection broke. Within one connection, no byte is sent twice.
//! * If the worker gives up the batch, `sent` refers to text that is gone. `forget_sent` notices this by
//!   [`Batch::abandonments`], before anything else is sent. If the peer has a part of such a record, the connection is
//!   closed, because the next record would otherwise be read as the end of that one.
//! * A delay ends early at a flush (`is_urgent`), once per flush, and a clock that is set back does not prolong it.
//! * The handler's thread never waits longer for a peer than `write_timeout`, or than the caller of a flush does.

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

/// A connection of a handler, in whichever state it is.
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
    /// No attempt before `until`. If the clock is set back to before `since`, the wait is over.
    Down {
        since: Timestamp,
        until: Timestamp,
    },
    Dialing,
    Up(Up),
}

struct Up {
    link: Box<dyn Link>,
    /// The number of bytes of the batch's rest that the system has taken and the peer's system has not acknowledged.
    sent: usize,
    /// Whether what was sent ends within a record.
    is_torn: bool,
    /// Whether anything was sent. Only a connection that is still open after that resets the backoff: a proxy whose
    /// server is down may accept every connection and close it.
    used: bool,
    /// The time for which writes have waited since the peer last accepted anything.
    stalled: Duration,
    /// The write timeout that the socket has.
    timeout: Duration,
}

impl<D: Dial> Connection<D> {
    pub(super) fn new(peer: String, dial: D, limits: PeerLimits) -> Self {
        let backoff = Backoff::seeded(limits.retry.delays.clone());
        let state = LinkState::Down { since: Timestamp::MIN, until: Timestamp::MIN };
        Self { peer, dial, state, backoff, limits, abandonments: 0 }
    }

    /// Sends as much of the batch as possible. The batch keeps the rest. Returns the handler's answer to the worker.
    ///
    /// Errors are reported and lead to a new attempt, so this has no error of its own.
    pub(crate) fn send(&mut self, batch: &mut Batch, now: Timestamp) -> Delivery {
        if batch.is_urgent() && matches!(self.state, LinkState::Down { .. }) {
            self.backoff.reset();
            self.state = LinkState::Down { since: now, until: now };
        }
        // Before anything is sent: `sent` may be about records that are gone.
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
        // The peer is down, or an attempt is under way.
        let lost = batch.fail_oldest(self.limits.retry.records, self.limits.retry.bytes);
        if lost > 0 {
            batch.report(Error::other(format!(
                "{lost} records are lost: {} is down, and there is no room to keep more",
                self.peer
            )));
        }
        Delivery::Retry
    }

    /// Called when the worker has given up the records of the batch, and with them those that were sent. If the peer
    /// has a part of such a record, the next one is sent over a new connection.
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

    /// Closes the connection so that the peer receives everything that was written, unless it has not accepted anything
    /// for some time.
    pub(crate) fn close(&mut self) {
        if let LinkState::Up(up) = &mut self.state
            && up.stalled.is_zero()
        {
            up.link.close();
        }
        self.state = LinkState::Down { since: Timestamp::MIN, until: Timestamp::MAX };
    }

    /// Drops the connection, and waits for the backoff's next delay.
    fn fall(&mut self, now: Timestamp) {
        self.state = LinkState::Down { since: now, until: now.saturating_add(self.backoff.next_delay()) };
    }
}

impl Up {
    fn new(link: Box<dyn Link>) -> Self {
        Self { link, sent: 0, is_torn: false, used: false, stalled: Duration::ZERO, timeout: Duration::ZERO }
    }

    /// Sends the batch, or as much of it as the peer accepts in time.
    ///
    /// A slow peer does not keep the thread here, because the queue has to be emptied as well, unless the batch exceeds
    /// the retry buffer. Then the thread waits, the queue fills, and the overflow policy applies to callers.
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

    /// Sends the batch until a write has waited for `left`, or for the write timeout.
    ///
    /// # Errors
    ///
    /// The peer has closed the connection, or has accepted nothing for the write timeout, over several calls.
    fn send_some(
        &mut self,
        batch: &mut Batch,
        limits: &PeerLimits,
        peer: &str,
        backoff: &mut Backoff,
        left: Option<Duration>,
    ) -> io::Result<()> {
        if let Err(error) = self.link.check() {
            // The last chance to ask what has arrived: less is sent again.
            self.acknowledge(batch);
            return Err(error);
        }
        if self.used {
            backoff.reset();
        }
        let patience = limits.write_timeout.saturating_sub(self.stalled);
        // A socket rejects a timeout of zero.
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

    /// Sends a datagram for each record. A record that is too large for a datagram fails. A datagram counts as
    /// delivered once the system has taken it: nothing acknowledges it.
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

    /// Notes as delivered what the system no longer holds.
    ///
    /// For example, 1000 bytes were sent, and the system still holds 300: 700 are delivered, and `sent` becomes 300. On
    /// systems that cannot tell, everything that was sent counts as delivered at once.
    fn acknowledge(&mut self, batch: &mut Batch) {
        let held = self.link.unacknowledged().min(self.sent);
        batch.advance(self.sent - held);
        self.sent = held;
        // Records without text end where the text before them ends.
        while batch.rest().is_empty() && batch.next_text().is_some() {
            batch.deliver_next();
        }
    }
}

#[cfg(test)]
mod tests;
