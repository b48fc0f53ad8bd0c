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
//! What cannot be sent stays in the [`Batch`], in order, and goes first as soon as there is a connection. Only while the peer
//! is down is it bounded: the oldest are then given up. While it is up and slow, the handler's thread waits for it, the
//! queue fills, and its overflow policy decides.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::dial::Dial;
use super::link::{Link, is_too_large};
use super::{Backoff, Limits};
use crate::error::Error;
use crate::handler::{Batch, Delivery};
use crate::time::{Timestamp, uptime};

pub(crate) struct Connection<D> {
    /// The peer, for messages.
    peer: String,
    dial: D,
    state: State,
    backoff: Backoff,
    limits: Limits,
}

enum State {
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
    /// Whether anything was sent. A connection that is still there after that ends the series of failures.
    used: bool,
    /// How long writes have waited since the peer took anything.
    stalled: Duration,
    timeout: Duration,
}

impl<D: Dial> Connection<D> {
    pub(super) fn with(peer: String, dial: D, backoff: Backoff, limits: Limits) -> Self {
        let state = State::Down { since: Timestamp::MIN, until: Timestamp::MIN };
        Self { peer, dial, state, backoff, limits }
    }

    /// Sends what it can of the batch, which keeps the rest; the answer is for the worker.
    pub(crate) fn send(&mut self, batch: &mut Batch, now: Timestamp) -> Delivery {
        if batch.is_urgent() && matches!(self.state, State::Down { .. }) {
            self.backoff.reset();
            self.state = State::Down { since: now, until: now };
        }
        loop {
            match &mut self.state {
                State::Down { since, until } if *since <= now && now < *until => break,
                State::Down { .. } => {
                    self.dial.start();
                    self.state = State::Dialing;
                }
                State::Dialing => {
                    // The first attempt is worth waiting for before anything is given up.
                    let waits = self.backoff.attempts() == 0 && self.limits.excess(batch);
                    let patience = if waits { batch.time_left().unwrap_or(Duration::MAX) } else { Duration::ZERO };
                    match self.dial.poll(patience) {
                        None if waits => return Delivery::Retry,
                        None => break,
                        Some(Ok(link)) => {
                            // The last peer threw away the part of a message that it got; this one gets the whole.
                            batch.rewind();
                            self.state = State::Up(Up::new(link));
                        }
                        Some(Err(error)) => {
                            self.fall(now);
                            batch.report(Error::io(format_args!("cannot connect to {}", self.peer), error));
                        }
                    }
                }
                State::Up(up) => match up.send(batch, &self.limits, &self.peer, &mut self.backoff) {
                    Ok(()) => return Delivery::Retry,
                    Err(error) => {
                        self.fall(now);
                        batch.report(Error::io(format_args!("cannot send to {}", self.peer), error));
                    }
                },
            }
        }
        let lost = batch.fail_oldest(self.limits.records, self.limits.bytes);
        if lost > 0 {
            batch.report(Error::other(format!(
                "{lost} records are lost: {} is down, and there is no room to keep more",
                self.peer
            )));
        }
        Delivery::Retry
    }

    /// Looks whether the peer has closed the connection, so that nothing is written into it.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        if let State::Up(up) = &mut self.state
            && let Err(error) = up.link.check()
        {
            self.fall(now);
            return Err(Error::io(format_args!("lost the connection to {}", self.peer), error));
        }
        Ok(())
    }

    /// Ends the connection; the peer gets everything that was written.
    pub(crate) fn close(&mut self) {
        if let State::Up(up) = &mut self.state
            && up.stalled.is_zero()
        {
            up.link.close();
        }
        self.state = State::Down { since: Timestamp::MIN, until: Timestamp::MAX };
    }

    fn fall(&mut self, now: Timestamp) {
        self.state = State::Down { since: now, until: now.saturating_add(self.backoff.next_delay()) };
    }
}

impl Up {
    fn new(link: Box<dyn Link>) -> Self {
        Self { link, used: false, stalled: Duration::ZERO, timeout: Duration::ZERO }
    }

    /// Sends the batch, or as much as the peer takes before whoever waits for it gives up. The thread may have other things to
    /// do than to wait for a slow peer, unless the batch is larger than it may become.
    fn send(&mut self, batch: &mut Batch, limits: &Limits, peer: &str, backoff: &mut Backoff) -> io::Result<()> {
        let start = uptime();
        let mut left = batch.time_left();
        loop {
            self.send_some(batch, limits, peer, backoff, left)?;
            left = batch.time_left().map(|all| all.saturating_sub(uptime().saturating_sub(start)));
            if !limits.excess(batch) || left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
        }
    }

    /// Sends the batch until the peer has kept it waiting for `left`, or for the write time-out.
    fn send_some(
        &mut self,
        batch: &mut Batch,
        limits: &Limits,
        peer: &str,
        backoff: &mut Backoff,
        left: Option<Duration>,
    ) -> io::Result<()> {
        self.link.check()?;
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
        let before = batch.rest().len();
        let outcome = if self.link.is_datagram() { self.datagrams(batch, peer) } else { self.stream(batch) };
        if batch.rest().len() < before {
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

    /// Sends the batch's bytes.
    fn stream(&mut self, batch: &mut Batch) -> io::Result<()> {
        while batch.next_text().is_some() {
            let asked = batch.rest().len();
            if asked == 0 {
                // Nothing is left but messages without a byte.
                batch.deliver_next();
                continue;
            }
            match self.link.write(batch.rest()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    batch.advance(taken);
                    // It took less because its time was up.
                    if taken < asked {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
