//! Channels for commands, answers and notices. Records have queues of their own.
//!
//! A channel is a queue under a lock. An operation takes longer than in a lock-free channel, which does not matter for
//! messages that are this rare; and the code that is compiled for each type of message is a tenth as long.
//!
//! | | waits | fails |
//! |---|---|---|
//! | [`Sender::send`] | while the channel is full | without a receiver |
//! | [`Sender::try_send`] | | without a receiver, or if the channel is full |
//! | [`Receiver::recv`] | while the channel is empty | if it is empty and has no sender |
//! | [`Receiver::try_recv`] | | if it is empty |
//!
//! A `fork` waits for the lock, but not for a thread that sleeps in a channel and locks it again when it wakes. So a
//! child may use a channel of its parent on which nobody waits, such as that of a handler's commands, and no other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Guard, lock};

/// Makes a channel for up to `capacity` messages.
pub(crate) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = ChannelState { messages: VecDeque::new(), senders: 1, receivers: 1 };
    let channel = Channel {
        state: Mutex::new(state),
        changed: Condvar::new(),
        is_worth_a_look: AtomicBool::new(false),
        capacity,
    };
    let channel = Arc::new(channel);
    (Sender(channel.clone()), Receiver(channel))
}

/// Makes a channel without a limit.
pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    bounded(usize::MAX)
}

struct Channel<T> {
    state: Mutex<ChannelState<T>>,
    changed: Condvar,
    /// Whether there is a message, or no sender any more. Spares a receiver that polls the lock.
    is_worth_a_look: AtomicBool,
    capacity: usize,
}

struct ChannelState<T> {
    messages: VecDeque<T>,
    senders: usize,
    receivers: usize,
}

impl<T> Channel<T> {
    /// Ends a change of the state.
    fn publish(&self, state: Guard<'_, ChannelState<T>>) {
        self.is_worth_a_look.store(!state.messages.is_empty() || state.senders == 0, Release);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for a change, until the deadline if there is one. Returns `None` if the deadline has passed.
    #[expect(clippy::disallowed_methods, reason = "a wait with a limit needs a clock")]
    fn wait<'a>(
        &'a self,
        state: Guard<'a, ChannelState<T>>,
        deadline: Option<Instant>,
    ) -> Option<Guard<'a, ChannelState<T>>> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        let Guard { guard, _pass: pass } = state;
        // No fork waits for this thread while it sleeps.
        drop(pass);
        match left {
            Some(left) => drop(self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner)),
            None => drop(self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner)),
        }
        Some(lock(&self.state))
    }

    fn send(&self, message: T, deadline: Option<Instant>) -> Result<(), T> {
        let mut state = lock(&self.state);
        while state.receivers > 0 {
            if state.messages.len() < self.capacity {
                state.messages.push_back(message);
                self.publish(state);
                return Ok(());
            }
            match self.wait(state, deadline) {
                Some(changed) => state = changed,
                None => return Err(message),
            }
        }
        // The message, which may be the sender of an answer, is dropped without the lock.
        drop(state);
        Err(message)
    }

    fn recv(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let mut state = lock(&self.state);
        loop {
            if let Some(message) = state.messages.pop_front() {
                self.publish(state);
                return Ok(message);
            }
            if state.senders == 0 {
                return Err(RecvTimeoutError::Disconnected);
            }
            state = self.wait(state, deadline).ok_or(RecvTimeoutError::Timeout)?;
        }
    }
}

/// Returns when a time that begins now is over; `None` for one that is too long for the clock.
#[expect(clippy::disallowed_methods, reason = "a wait with a limit needs a clock")]
fn deadline_in(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// The sending end of a channel.
pub(crate) struct Sender<T>(Arc<Channel<T>>);

impl<T> Sender<T> {
    /// Sends a message, and waits for room.
    ///
    /// # Errors
    ///
    /// The message, if there is no receiver.
    pub(crate) fn send(&self, message: T) -> Result<(), T> {
        self.0.send(message, None)
    }

    /// Sends a message, and waits for room for this time at most.
    ///
    /// # Errors
    ///
    /// The message, if there is no receiver, or no room.
    pub(crate) fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), T> {
        self.0.send(message, deadline_in(timeout))
    }

    /// Sends a message if there is room.
    ///
    /// # Errors
    ///
    /// The message, if there is no receiver, or no room.
    #[cfg(any(feature = "gzip", all(feature = "config", not(unix))))]
    pub(crate) fn try_send(&self, message: T) -> Result<(), T> {
        self.send_timeout(message, Duration::ZERO)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        lock(&self.0.state).senders += 1;
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.senders -= 1;
        if state.senders == 0 {
            self.0.publish(state);
        }
    }
}

/// The receiving end of a channel.
pub(crate) struct Receiver<T>(Arc<Channel<T>>);

impl<T> Receiver<T> {
    /// Takes the next message, and waits for it.
    ///
    /// # Errors
    ///
    /// There is no message and no sender.
    pub(crate) fn recv(&self) -> Result<T, RecvTimeoutError> {
        self.0.recv(None)
    }

    /// Takes the next message, and waits for it until the deadline.
    ///
    /// # Errors
    ///
    /// There is no message by then, or no message and no sender.
    pub(crate) fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.0.recv(Some(deadline))
    }

    /// The same, for this time at most.
    pub(crate) fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.0.recv(deadline_in(timeout))
    }

    /// Takes the next message if there is one. One load if there is none.
    ///
    /// # Errors
    ///
    /// There is no message, or no message and no sender.
    pub(crate) fn try_recv(&self) -> Result<T, RecvTimeoutError> {
        match self.0.is_worth_a_look.load(Acquire) {
            true => self.recv_timeout(Duration::ZERO),
            false => Err(RecvTimeoutError::Timeout),
        }
    }

    /// Returns the messages that are there.
    pub(crate) fn try_iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.try_recv().ok())
    }

    /// Returns whether there is no message.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0.state).messages.is_empty()
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        lock(&self.0.state).receivers += 1;
        Self(self.0.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.receivers -= 1;
        if state.receivers == 0 {
            let messages = std::mem::take(&mut state.messages);
            self.0.publish(state);
            // Without the lock, as in `send`.
            drop(messages);
        }
    }
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecvTimeoutError {
    /// None has come yet.
    Timeout,
    /// None will come.
    Disconnected,
}

impl RecvTimeoutError {
    pub(crate) fn is_timeout(self) -> bool {
        self == Self::Timeout
    }

    pub(crate) fn is_disconnected(self) -> bool {
        self == Self::Disconnected
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn messages_come_in_their_order_and_before_the_end() {
        let (sender, receiver) = unbounded();
        assert_eq!(receiver.try_recv(), Err(RecvTimeoutError::Timeout));
        (0..100).for_each(|n| sender.send(n).unwrap());
        drop(sender);
        assert_eq!(receiver.recv(), Ok(0));
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), (1..100).collect::<Vec<_>>());
        assert_eq!(receiver.try_recv(), Err(RecvTimeoutError::Disconnected));
        assert_eq!(receiver.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn a_full_channel_takes_no_more() {
        let (sender, receiver) = bounded(1);
        sender.send(1).unwrap();
        assert_eq!(sender.send_timeout(2, Duration::ZERO), Err(2));
        assert_eq!(receiver.recv(), Ok(1));
        assert!(receiver.is_empty());
        sender.send(3).unwrap();
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(3));
        assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    }

    #[test]
    fn without_a_receiver_messages_come_back_and_waiting_ones_are_dropped() {
        let (sender, receiver) = bounded(2);
        // The answer to a question that is never looked at: whoever waits for it must notice.
        let (asks, answers) = bounded::<()>(1);
        assert!(sender.send(asks).is_ok());
        drop(receiver);
        assert_eq!(answers.recv(), Err(RecvTimeoutError::Disconnected));
        assert!(sender.send(bounded(1).0).is_err());
    }

    #[test]
    fn nobody_sleeps_on() {
        // Each side waits for the other all the time: a lost wake-up would keep both asleep.
        let ((sender, receiver), (back, is_back)) = (bounded(1), bounded(1));
        let echo = thread::spawn(move || {
            while let Ok(n) = receiver.recv()
                && back.send(n).is_ok()
            {}
        });
        let senders = [0, 1].map(|first| {
            let sender: Sender<u32> = sender.clone();
            thread::spawn(move || (0..10_000).for_each(|n| sender.send(2 * n + first).unwrap()))
        });
        drop(sender);
        let mut received: Vec<_> = std::iter::from_fn(|| is_back.recv().ok()).collect();
        received.sort_unstable();
        assert_eq!(received, (0..20_000).collect::<Vec<_>>());
        senders.into_iter().for_each(|thread| thread.join().unwrap());
        echo.join().unwrap();
    }
}
