//! The state machine against a scripted peer, under a clock that is moved by hand.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::handler::net::Framing;
use crate::handler::{Call, Outcome};
use crate::time::ManualClock;

/// What the peer does next.
#[derive(Debug, Clone, PartialEq)]
enum PeerStep {
    /// An attempt to connect fails.
    Refuse,
    /// An attempt to connect takes as many more looks.
    Delay(u8),
    /// A write takes at most so many bytes.
    Take(usize),
    /// A write takes as much, after more than a millisecond.
    Dawdle(usize),
    /// A write takes nothing in time.
    Block,
    /// A write fails.
    Break,
    /// The peer closes the connection, which the next check sees.
    Close,
    /// A datagram is too large.
    TooLarge,
    /// From now on, the peer's system has not acknowledged the last so many bytes.
    Hold(usize),
}

/// A peer that follows a script, and then takes everything.
#[derive(Clone, Default)]
struct Peer(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    steps: VecDeque<PeerStep>,
    is_datagram: bool,
    dials: usize,
    /// What came over each connection, write by write.
    got: Vec<Vec<Vec<u8>>>,
    /// The time-outs that were set.
    timeouts: Vec<Duration>,
    /// How many bytes are not acknowledged.
    held: usize,
}

impl Script {
    /// Takes the next step if it is one of these.
    fn step(&mut self, wanted: impl Fn(&PeerStep) -> bool) -> Option<PeerStep> {
        self.steps.pop_front_if(|step| wanted(step))
    }
}

impl Dial for Peer {
    fn start(&mut self) {
        self.0.lock().unwrap().dials += 1;
    }

    fn poll(&mut self, _: Duration) -> Option<io::Result<Box<dyn Link>>> {
        let mut script = self.0.lock().unwrap();
        match script.step(|step| matches!(step, PeerStep::Refuse | PeerStep::Delay(_))) {
            Some(PeerStep::Delay(looks)) => {
                if looks > 0 {
                    script.steps.push_front(PeerStep::Delay(looks - 1));
                }
                None
            }
            Some(_) => Some(Err(ErrorKind::ConnectionRefused.into())),
            None => {
                script.got.push(Vec::new());
                Some(Ok(Box::new(self.clone())))
            }
        }
    }
}

impl Link for Peer {
    fn is_datagram(&self) -> bool {
        self.0.lock().unwrap().is_datagram
    }

    fn check(&mut self) -> io::Result<()> {
        match self.0.lock().unwrap().step(|step| *step == PeerStep::Close) {
            Some(_) => Err(ErrorKind::ConnectionAborted.into()),
            None => Ok(()),
        }
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.0.lock().unwrap().timeouts.push(timeout);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut script = self.0.lock().unwrap();
        let is_write = |step: &PeerStep| {
            matches!(
                step,
                PeerStep::Take(_) | PeerStep::Dawdle(_) | PeerStep::Block | PeerStep::Break | PeerStep::TooLarge
            )
        };
        let step = script.step(is_write);
        if let Some(PeerStep::Dawdle(_)) = step {
            std::thread::sleep(Duration::from_millis(2));
        }
        let taken = match step {
            Some(PeerStep::Block) => return Err(ErrorKind::WouldBlock.into()),
            Some(PeerStep::Break) => return Err(ErrorKind::BrokenPipe.into()),
            Some(PeerStep::TooLarge) => return Err(io::Error::from_raw_os_error(libc::EMSGSIZE)),
            Some(PeerStep::Take(at_most) | PeerStep::Dawdle(at_most)) => at_most.min(bytes.len()),
            _ => bytes.len(),
        };
        script.got.last_mut().unwrap().push(bytes[..taken].to_vec());
        Ok(taken)
    }

    fn unacknowledged(&self) -> usize {
        let mut script = self.0.lock().unwrap();
        if let Some(PeerStep::Hold(bytes)) = script.step(|step| matches!(step, PeerStep::Hold(_))) {
            script.held = bytes;
        }
        script.held
    }

    fn close(&mut self) {}
}

/// A connection to a scripted peer, with what a worker does for it.
struct Bench {
    peer: Peer,
    connection: Connection<Peer>,
    batch: Batch,
    hand: ManualClock,
    messages: u64,
    written: u64,
    failed: u64,
    errors: Vec<String>,
}

const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

impl Bench {
    fn new(steps: impl IntoIterator<Item = PeerStep>, records: usize, bytes: usize) -> Self {
        let peer = Peer::default();
        peer.0.lock().unwrap().steps.extend(steps);
        let retry = RetrySettings { records, bytes, ..RetrySettings::default() };
        let limits = PeerLimits { retry, write_timeout: WRITE_TIMEOUT };
        let mut connection = Connection::new("tcp://peer:1".into(), peer.clone(), limits);
        connection.backoff = Backoff::new(Backoff::RANGE, 1);
        Self {
            peer,
            connection,
            batch: Batch::default(),
            hand: ManualClock::new(Timestamp::from_nanos(0)),
            messages: 0,
            written: 0,
            failed: 0,
            errors: Vec::new(),
        }
    }

    /// Logs messages that tell their number and are `length` bytes long.
    fn log(&mut self, count: u64, length: usize) {
        for _ in 0..count {
            let number = self.messages.to_be_bytes();
            let framing = if self.peer.is_datagram() { Framing::None } else { Framing::LengthPrefix };
            let message = [&number[..], &vec![b'.'; length.saturating_sub(8)]].concat();
            self.batch.append(|out| framing.frame(out, |out| out.extend_from_slice(&message))).unwrap();
            self.batch.seal();
            self.messages += 1;
        }
    }

    fn send(&mut self, call: Call) {
        self.batch.set_call(call);
        assert_eq!(self.connection.send(&mut self.batch, self.hand.now()), Delivery::Retry);
        let settled = self.batch.settle(Outcome::Open);
        self.written += settled.written;
        self.failed += settled.failed;
        self.errors.extend(settled.errors.iter().map(ToString::to_string));
        assert_eq!(self.messages, self.written + self.failed + self.batch.records() as u64);
    }

    fn deliver(&mut self) {
        self.send(Call::default());
    }

    fn dials(&self) -> usize {
        self.peer.0.lock().unwrap().dials
    }

    /// The numbers of the whole messages that came over each connection.
    fn numbers(&self) -> Vec<Vec<u64>> {
        let script = self.peer.0.lock().unwrap();
        let number = |message: &[u8]| u64::from_be_bytes(message[..8].try_into().unwrap());
        let connections = script.got.iter().map(|writes| {
            if script.is_datagram {
                return writes.iter().map(|datagram| number(datagram)).collect();
            }
            let (mut numbers, bytes) = (Vec::new(), writes.concat());
            let mut rest = &bytes[..];
            while let Some((length, behind)) = rest.split_first_chunk()
                && let Some((message, behind)) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)
            {
                numbers.push(number(message));
                rest = behind;
            }
            numbers
        });
        connections.collect()
    }
}

const NO_LIMIT: usize = usize::MAX;

#[test]
fn attempts_follow_the_back_off_and_lose_nothing() {
    let mut bench = Bench::new(vec![PeerStep::Refuse; 4], NO_LIMIT, NO_LIMIT);
    bench.log(3, 10);
    let mut expected = Backoff::new(Backoff::RANGE, 1);
    for attempt in 1..=4 {
        bench.deliver();
        bench.deliver();
        assert_eq!((bench.dials(), bench.written), (attempt, 0));
        let delay = expected.next_delay();
        bench.hand.advance(delay - Duration::from_nanos(1));
        bench.deliver();
        assert_eq!(bench.dials(), attempt, "too early");
        bench.hand.advance(Duration::from_nanos(1));
    }
    bench.deliver();
    assert_eq!((bench.dials(), bench.written, bench.failed), (5, 3, 0));
    assert_eq!(bench.numbers(), [[0, 1, 2]]);
    assert_eq!(bench.errors, vec!["cannot connect to tcp://peer:1: connection refused"; 4]);
}

#[test]
fn a_cut_message_is_sent_again_whole() {
    // Two messages of 14 bytes with their prefixes, and five bytes of the third.
    let mut bench = Bench::new([PeerStep::Take(33), PeerStep::Break], NO_LIMIT, NO_LIMIT);
    bench.log(4, 10);
    bench.deliver();
    assert_eq!((bench.written, bench.failed, bench.batch.rest().len()), (2, 0, 23));
    bench.deliver();
    assert_eq!((bench.written, bench.failed, bench.batch.texts().count()), (2, 0, 2));
    bench.hand.advance(Duration::from_millis(100));
    bench.deliver();
    assert_eq!(bench.numbers(), [[0, 1], [2, 3]]);
    assert_eq!(bench.errors, ["cannot send to tcp://peer:1: broken pipe"]);
}

#[test]
fn what_is_not_acknowledged_is_in_flight_and_sent_again_when_the_connection_breaks() {
    let mut bench = Bench::new([PeerStep::Hold(20)], NO_LIMIT, NO_LIMIT);
    // 14 bytes each with their prefixes.
    bench.log(4, 10);
    bench.deliver();
    assert_eq!((bench.written, bench.batch.records()), (2, 2));
    // What was sent once is not sent again while the connection stands.
    bench.log(1, 10);
    bench.deliver();
    assert_eq!((bench.written, bench.batch.records(), bench.numbers()), (3, 2, vec![vec![0, 1, 2, 3, 4]]));
    bench.peer.0.lock().unwrap().steps.extend([PeerStep::Hold(14)]);
    bench.deliver();
    assert_eq!((bench.written, bench.batch.records()), (4, 1));
    bench.peer.0.lock().unwrap().steps.extend([PeerStep::Close, PeerStep::Hold(14)]);
    bench.deliver();
    assert_eq!((bench.written, bench.failed, bench.batch.records()), (4, 0, 1));
    bench.peer.0.lock().unwrap().held = 0;
    bench.hand.advance(Duration::from_millis(100));
    bench.deliver();
    assert_eq!((bench.written, bench.failed), (5, 0));
    assert_eq!(bench.numbers(), [vec![0, 1, 2, 3, 4], vec![4]]);
}

#[test]
fn a_peer_that_acknowledges_nothing_loses_the_oldest_once_it_is_down() {
    let mut bench = Bench::new([PeerStep::Hold(NO_LIMIT)], 2, NO_LIMIT);
    bench.log(5, 10);
    // It does not wait for acknowledgements, nor is what the system holds more than may be kept.
    bench.deliver();
    assert_eq!((bench.written, bench.failed, bench.batch.records()), (0, 0, 5));
    bench.peer.0.lock().unwrap().steps.push_back(PeerStep::Close);
    bench.deliver();
    assert_eq!((bench.written, bench.failed, bench.batch.records()), (0, 3, 2));
}

#[test]
fn records_given_up_elsewhere_take_the_connection_along_if_it_ends_within_one() {
    for (taken, dials) in [(20, 2), (28, 1)] {
        let mut bench = Bench::new([PeerStep::Take(taken), PeerStep::Hold(NO_LIMIT)], NO_LIMIT, NO_LIMIT);
        bench.log(3, 10);
        bench.deliver();
        assert_eq!(bench.batch.settle(Outcome::Failed).failed, 3);
        bench.failed += 3;
        bench.peer.0.lock().unwrap().held = 0;
        bench.log(1, 10);
        bench.deliver();
        assert_eq!((bench.dials(), bench.written), (dials, 1), "{taken}");
        assert_eq!(bench.numbers().last().unwrap().last(), Some(&3));
    }
}

#[test]
fn a_slow_peer_goes_on_where_it_stopped() {
    let mut bench = Bench::new([PeerStep::Take(20), PeerStep::Block, PeerStep::Take(1)], NO_LIMIT, NO_LIMIT);
    bench.log(3, 10);
    let call = Call { time_left: Some(Duration::from_secs(1)), ..Call::default() };
    for written in [1, 1, 1, 3] {
        bench.send(call);
        assert_eq!((bench.written, bench.dials()), (written, 1));
    }
    assert_eq!(bench.numbers(), [[0, 1, 2]]);
    assert_eq!(bench.errors, [""; 0]);
    assert_eq!(bench.peer.0.lock().unwrap().timeouts, [Duration::from_secs(1)]);
}

/// Nobody can take longer than whoever waits for a flush, however much is kept.
#[test]
fn a_slow_peer_does_not_hold_up_a_flush() {
    for is_datagram in [false, true] {
        let mut bench = Bench::new(vec![PeerStep::Dawdle(10); 9], 1, 0);
        bench.peer.0.lock().unwrap().is_datagram = is_datagram;
        bench.log(6, 10);
        let call = Call { time_left: Some(Duration::ZERO), ..Call::default() };
        bench.send(call);
        let writes = bench.peer.0.lock().unwrap().got.concat().len();
        assert_eq!(writes, 1, "{is_datagram}");
        bench.deliver();
        assert_eq!((bench.numbers(), bench.failed), (vec![(0..6).collect()], 0));
    }
}

#[test]
fn messages_without_a_byte_are_delivered() {
    let mut bench = Bench::new([], NO_LIMIT, NO_LIMIT);
    for text in ["", "", "a", ""] {
        bench.batch.append(|out| out.extend_from_slice(text.as_bytes()));
        bench.batch.seal();
        bench.messages += 1;
        bench.deliver();
        assert_eq!(bench.written, bench.messages);
    }
    assert_eq!(bench.peer.0.lock().unwrap().got.concat().concat(), b"a");
}

#[test]
fn a_peer_that_takes_nothing_is_given_up_after_the_write_timeout() {
    let mut bench =
        Bench::new([PeerStep::Take(5), PeerStep::Block, PeerStep::Block, PeerStep::Block], NO_LIMIT, NO_LIMIT);
    bench.log(1, 10);
    bench.deliver();
    // A flush has less patience than the connection.
    bench.send(Call { time_left: Some(Duration::from_secs(3)), ..Call::default() });
    assert_eq!((bench.dials(), bench.errors.len()), (1, 0));
    bench.deliver();
    assert_eq!(bench.errors, ["cannot send to tcp://peer:1: the peer has taken nothing for 5s"]);
    assert_eq!(bench.peer.0.lock().unwrap().timeouts, [5, 3, 2].map(Duration::from_secs));
    bench.hand.advance(Duration::from_millis(100));
    bench.peer.0.lock().unwrap().steps.clear();
    bench.deliver();
    assert_eq!(bench.numbers(), [vec![], vec![0]]);
}

#[test]
fn a_closed_connection_is_noticed_before_anything_is_written() {
    let mut bench = Bench::new([], NO_LIMIT, NO_LIMIT);
    bench.log(1, 10);
    bench.deliver();
    bench.peer.0.lock().unwrap().steps.push_back(PeerStep::Close);
    bench.log(1, 10);
    bench.deliver();
    assert_eq!((bench.written, bench.batch.records()), (1, 1));
    bench.hand.advance(Duration::from_millis(100));
    bench.deliver();
    assert_eq!(bench.numbers(), [[0], [1]]);

    bench.peer.0.lock().unwrap().steps.push_back(PeerStep::Close);
    let error = bench.connection.tick(bench.hand.now()).unwrap_err();
    assert_eq!(error.to_string(), "lost the connection to tcp://peer:1: connection aborted");
    bench.connection.tick(bench.hand.now()).unwrap();
}

#[test]
fn a_message_cut_by_a_close_between_batches_is_sent_again_whole() {
    let mut bench = Bench::new([PeerStep::Take(20), PeerStep::Close], NO_LIMIT, NO_LIMIT);
    bench.log(3, 10);
    bench.deliver();
    bench.connection.tick(bench.hand.now()).unwrap_err();
    bench.hand.advance(Duration::from_millis(100));
    bench.deliver();
    assert_eq!(bench.numbers(), [vec![0], vec![1, 2]]);
}

#[test]
fn the_oldest_are_given_up_while_the_peer_is_down() {
    for (records, bytes, kept) in [(2, NO_LIMIT, 2), (NO_LIMIT, 3 * 14 + 13, 3), (NO_LIMIT, 0, 0), (0, NO_LIMIT, 0)] {
        let mut bench = Bench::new([PeerStep::Refuse], records, bytes);
        bench.log(5, 10);
        bench.deliver();
        assert_eq!((bench.failed, bench.batch.records()), (5 - kept, kept as usize));
        let lost = format!("{} records are lost: tcp://peer:1 is down, and there is no room to keep more", 5 - kept);
        assert_eq!(bench.errors[1..], [lost]);
        bench.hand.advance(Duration::from_millis(100));
        bench.log(1, 10);
        bench.deliver();
        assert_eq!(bench.numbers(), [(5 - kept..6).collect::<Vec<_>>()]);
    }
}

#[test]
fn nothing_is_given_up_before_the_first_attempt_has_failed() {
    let mut bench = Bench::new([PeerStep::Delay(1)], 2, NO_LIMIT);
    bench.log(5, 10);
    bench.deliver();
    bench.deliver();
    assert_eq!((bench.failed, bench.batch.records()), (0, 5));
    bench.deliver();
    assert_eq!(bench.numbers(), [[0, 1, 2, 3, 4]]);
}

#[test]
fn a_flush_tries_at_once_and_a_clock_set_back_prolongs_nothing() {
    let mut bench = Bench::new([PeerStep::Refuse, PeerStep::Refuse], NO_LIMIT, NO_LIMIT);
    bench.log(1, 10);
    bench.deliver();
    bench.send(Call { urgent: true, ..Call::default() });
    assert_eq!(bench.dials(), 2);
    bench.hand = ManualClock::new(Timestamp::from_nanos(-1));
    bench.deliver();
    assert_eq!((bench.dials(), bench.written), (3, 1));
}

#[test]
fn failures_add_up_until_a_connection_holds() {
    // Each connection breaks with its first write.
    let mut bench = Bench::new([PeerStep::Break, PeerStep::Break, PeerStep::Break], NO_LIMIT, NO_LIMIT);
    bench.log(1, 10);
    let mut expected = Backoff::new(Backoff::RANGE, 1);
    for dials in 1..=3 {
        bench.deliver();
        assert_eq!(bench.dials(), dials);
        bench.hand.advance(expected.next_delay() - Duration::from_nanos(1));
        bench.deliver();
        assert_eq!(bench.dials(), dials);
        bench.hand.advance(Duration::from_nanos(1));
    }
    bench.deliver();
    assert_eq!(bench.connection.backoff.attempts(), 3);
    bench.log(1, 10);
    bench.deliver();
    assert_eq!((bench.connection.backoff.attempts(), bench.written), (0, 2));
}

#[test]
fn datagrams_are_sent_one_by_one() {
    let mut bench =
        Bench::new([PeerStep::Take(99), PeerStep::TooLarge, PeerStep::Take(99), PeerStep::Break], NO_LIMIT, NO_LIMIT);
    bench.peer.0.lock().unwrap().is_datagram = true;
    bench.log(5, 10);
    bench.deliver();
    assert_eq!((bench.written, bench.failed, bench.batch.records()), (2, 1, 2));
    let too_large = "a record of 10 bytes is too large for a datagram to tcp://peer:1: Message too long (os error 90)";
    assert_eq!(bench.errors, [too_large, "cannot send to tcp://peer:1: broken pipe"]);
    bench.hand.advance(Duration::from_millis(100));
    bench.deliver();
    assert_eq!(bench.numbers(), [[0, 2], [3, 4]]);
}

#[derive(Debug, Clone)]
enum ConnectionEvent {
    Log(u64, usize),
    Deliver { urgent: bool, time_left: Option<u64> },
    Tick,
    Advance(u64),
}

fn events() -> impl Strategy<Value = ConnectionEvent> {
    prop_oneof![
        (1_u64..5, 8_usize..40).prop_map(|(count, length)| ConnectionEvent::Log(count, length)),
        (any::<bool>(), proptest::option::of(0_u64..9))
            .prop_map(|(urgent, time_left)| ConnectionEvent::Deliver { urgent, time_left }),
        Just(ConnectionEvent::Tick),
        (0_u64..200).prop_map(ConnectionEvent::Advance),
    ]
}

fn steps() -> impl Strategy<Value = PeerStep> {
    prop_oneof![
        Just(PeerStep::Refuse),
        (0_u8..3).prop_map(PeerStep::Delay),
        (1_usize..50).prop_map(PeerStep::Take),
        Just(PeerStep::Block),
        Just(PeerStep::Break),
        Just(PeerStep::Close),
        Just(PeerStep::TooLarge),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2000)))]

    /// Whatever happens: every message arrives once, in order and whole, or is counted; and the counts are right after
    /// every step.
    #[test]
    fn every_message_arrives_or_is_counted(
        steps in proptest::collection::vec(steps(), 0..40),
        events in proptest::collection::vec(events(), 1..60),
        is_datagram: bool,
        records in prop_oneof![Just(NO_LIMIT), 0_usize..10],
        bytes in prop_oneof![Just(NO_LIMIT), 0_usize..200],
    ) {
        // A stream has no messages that are too large, and a datagram socket takes all or nothing.
        let steps = steps.into_iter().filter_map(|step| match step {
            PeerStep::TooLarge if !is_datagram => None,
            PeerStep::Take(_) if is_datagram => Some(PeerStep::Take(NO_LIMIT)),
            step => Some(step),
        });
        let mut bench = Bench::new(steps, records, bytes);
        bench.peer.0.lock().unwrap().is_datagram = is_datagram;
        for event in events {
            match event {
                ConnectionEvent::Log(count, length) => bench.log(count, length),
                ConnectionEvent::Deliver { urgent, time_left } => {
                    bench.send(Call { urgent, time_left: time_left.map(Duration::from_secs), ..Call::default() });
                }
                ConnectionEvent::Tick => drop(bench.connection.tick(bench.hand.now())),
                ConnectionEvent::Advance(millis) => bench.hand.advance(Duration::from_millis(millis)),
            }
        }
        for _ in 0..100 {
            bench.hand.advance(Duration::from_secs(30));
            bench.deliver();
        }
        prop_assert_eq!(bench.batch.records(), 0);
        let arrived = bench.numbers().concat();
        prop_assert!(arrived.is_sorted_by(|one, next| one < next), "{:?}", bench.numbers());
        prop_assert_eq!(arrived.len() as u64, bench.written);
        prop_assert_eq!(bench.written + bench.failed, bench.messages);
    }
}
