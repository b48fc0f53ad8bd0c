//! Models of the queue's protocols, for `loom` to run in every order that the memory model allows.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release --lib models
//! ```

use std::sync::Arc;

use loom::thread;

use super::{Frame, Lane, PerThread, Queue, Spilled, ThreadRing, ring::Ring, room::Room};
use crate::level::Level;
use crate::metrics::{Counters, DropReason};
use crate::policy::{OverflowPolicy, Transport};
use crate::record::{HEADER_WORDS, Header, Prefix, ThreadInfo};
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{AtomicBool, AtomicU64, Ordering::*};
use crate::time::Clock;
use crate::value::WordSink;

/// Runs a model with as many forced switches between threads as finish in seconds.
fn model(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

fn push(ring: &Ring, record: &[u64]) -> bool {
    // As a call does: at once where that works, and then in the way that also goes over the ring's end.
    ring.push_at_once(record.len(), |writer| writer.words(record))
        || ring.push(record.len(), true, |writer| record.iter().for_each(|word| writer.word(*word)))
}

fn push_for_ever(ring: &Ring, record: &[u64]) {
    while !push(ring, record) {
        thread::yield_now();
    }
}

fn header() -> Header {
    Header::new(1, Level::Info, Prefix::None)
}

fn info(id: u64) -> Arc<ThreadInfo> {
    Arc::new(ThreadInfo { id, ..ThreadInfo::unknown() })
}

#[test]
fn what_is_taken_is_what_was_published() {
    model(|| {
        let ring = Arc::new(Ring::new(8));
        let producer = thread::spawn({
            let ring = ring.clone();
            move || assert!(push(&ring, &[1, 2]) && push(&ring, &[3, 4, 5]))
        });
        let mut bytes = Vec::new();
        ring.take(&mut bytes);
        // Records come whole or not at all, in order.
        assert!([0, 2, 5].contains(&words(&bytes).len()));
        producer.join().unwrap();
        ring.take(&mut bytes);
        assert_eq!(words(&bytes), [1, 2, 3, 4, 5]);
    });
}

#[test]
fn a_full_ring_goes_on_when_it_was_emptied_and_wraps_around() {
    model(|| {
        let ring = Arc::new(Ring::new(8));
        let producer = thread::spawn({
            let ring = ring.clone();
            move || {
                push_for_ever(&ring, &[1, 2, 3, 4, 5]);
                push_for_ever(&ring, &[6, 7, 8, 9, 10]);
                assert_eq!(ring.records(), 2);
            }
        });
        let mut bytes = Vec::new();
        while bytes.len() < 10 * 8 {
            if ring.take(&mut bytes) == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(words(&bytes), (1..=10).collect::<Vec<_>>());
        assert!(ring.is_empty());
        producer.join().unwrap();
    });
}

#[test]
fn what_is_reserved_is_left_to_severe_records_while_others_are_taken_out() {
    model(|| {
        let ring = Arc::new(Ring::new(8));
        ring.set_reserve(25);
        // As far as records of all levels may go. The producer has seen the reserve, as the owner of a new ring has.
        assert!(ring.fits(6, false) && push(&ring, &[1, 2, 3, 4, 5, 6]));
        let producer = thread::spawn({
            let ring = ring.clone();
            move || {
                let ordinary = ring.push(1, false, |writer| writer.word(7));
                let severe = ring.push(1, true, |writer| writer.word(8));
                let more = ring.push(2, false, |writer| writer.words(&[9, 10]));
                assert!(severe);
                (ordinary, more)
            }
        });
        let mut bytes = Vec::new();
        ring.take(&mut bytes);
        let (ordinary, more) = producer.join().unwrap();
        ring.take(&mut bytes);
        let mut expected: Vec<u64> = (1..=6).collect();
        expected.extend(ordinary.then_some(7));
        expected.push(8);
        expected.extend(if more { &[9, 10][..] } else { &[] });
        assert_eq!(words(&bytes), expected);
        // What did not fit does now.
        assert!(ring.push(6, false, |writer| writer.words(&[0; 6])) && !ring.push(1, false, |_| ()));
    });
}

#[test]
fn a_reserve_that_grows_within_a_push_costs_no_record() {
    model(|| {
        let lane = Arc::new(PerThread::new(64, MOST));
        let ring = claim(&lane, 1);
        assert!(ring.push_bytes(3, true, header(), 0, &[0; 8]));
        let owner = thread::spawn({
            let ring = ring.clone();
            move || {
                // The header of a spilled payload goes with the payload, whatever the reserve is by then.
                let sent = ring.push_spilled(false, header(), 1, &[0; 80]);
                (sent, ring.push_bytes(2, true, header(), 2, &[]))
            }
        });
        lane.set_reserve(50);
        let (spilled, severe) = owner.join().unwrap();
        assert!(severe);
        let mut reading = Reading::default();
        reading.read(&ring);
        let mut expected = vec![(1, 0, vec![0])];
        expected.extend(spilled.then(|| (1, 1, vec![0; 10])));
        expected.push((1, 2, vec![]));
        assert_eq!(reading.records, expected);
    });
}

#[test]
fn a_severe_caller_gets_the_reserve_and_an_ordinary_one_waits_for_the_rest() {
    model(|| {
        let room = Arc::new(Room::new(usize::MAX, 10, 10));
        room.set_reserve(20);
        assert!(room.try_take(room.cost(8), false));
        let ordinary = thread::spawn({
            let room = room.clone();
            move || room.take(room.cost(1), false, None)
        });
        let severe = thread::spawn({
            let room = room.clone();
            // Whether the other one is in the line or not.
            move || room.try_take(room.cost(2), true)
        });
        assert!(severe.join().unwrap());
        room.give_back(room.cost(8));
        assert_eq!(ordinary.join().unwrap(), Ok(()));
        assert_eq!(room.used(), room.cost(1).plus(room.cost(2)));
    });
}

/// Takes everything out of a ring, as a handler's thread does: (thread, ticks, payload) of every record.
#[derive(Default)]
struct Reading {
    thread: u64,
    records: Vec<(u64, u64, Vec<u64>)>,
}

impl Reading {
    fn read(&mut self, ring: &ThreadRing) {
        let (mut at, until) = (ring.ring().head(), ring.ring().published());
        while let Some(frame) = ring.frame(at, until) {
            match frame {
                Frame::Thread => {
                    let Some(Spilled::Thread(thread)) = ring.next_spilled() else { panic!("no thread was announced") };
                    self.thread = thread.id;
                    at += 1;
                }
                Frame::Record { header, ticks, words: length } => {
                    let mut payload = Vec::new();
                    if header.is_spilled() {
                        let Some(Spilled::Payload(spilled)) = ring.next_spilled() else {
                            panic!("no payload was announced")
                        };
                        payload.extend_from_slice(&spilled);
                    } else {
                        ring.ring().copy(at + HEADER_WORDS as u64, length as usize - HEADER_WORDS, &mut payload);
                    }
                    self.records.push((self.thread, ticks, words(&payload)));
                    at += length;
                }
                Frame::Broken => panic!("a broken record at {at}"),
            }
            ring.ring().free(at);
        }
    }
}

/// How much memory the queues of the models may take.
const MOST: usize = 1 << 20;

fn claim(lane: &PerThread, thread: u64) -> Arc<ThreadRing> {
    lane.claim(&info(thread)).expect("there is memory for a ring")
}

/// Publishes a record, in the ring or beside it.
fn send(ring: &ThreadRing, ticks: u64, payload: &[u8]) -> bool {
    match ring.words(payload.len()) {
        Some(words) => ring.push_bytes(words, true, header(), ticks, payload),
        None => ring.push_spilled(true, header(), ticks, payload),
    }
}

#[test]
fn a_ring_that_a_thread_gives_back_tells_the_next_one_s_records_apart() {
    model(|| {
        let lane = Arc::new(PerThread::new(64, MOST));
        let threads = [1, 2].map(|id| {
            let lane = lane.clone();
            thread::spawn(move || {
                let ring = claim(&lane, id);
                assert!(send(&ring, id, &[]));
                ring.release();
            })
        });
        let mut readings: Vec<(Arc<ThreadRing>, Reading)> = Vec::new();
        let mut look = || {
            for ring in lane.rings() {
                if !readings.iter().any(|(known, _)| Arc::ptr_eq(known, &ring)) {
                    readings.push((ring.clone(), Reading::default()));
                }
            }
            readings.iter_mut().for_each(|(ring, reading)| reading.read(ring));
        };
        look();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        look();
        let mut records: Vec<_> = readings.iter().flat_map(|(_, reading)| &reading.records).collect();
        records.sort();
        assert_eq!(records, [&(1, 1, vec![]), &(2, 2, vec![])]);
        assert_eq!(lane.published(), 2);
    });
}

#[test]
fn what_does_not_fit_into_a_ring_comes_beside_it() {
    model(|| {
        let lane = PerThread::new(64, MOST);
        let ring = claim(&lane, 7);
        let producer = thread::spawn({
            let ring = ring.clone();
            move || {
                // A quarter of the ring is two words, the header.
                assert!(send(&ring, 1, &5_u64.to_le_bytes()));
                assert!(send(&ring, 2, &[]));
                assert!(send(&ring, 3, &6_u64.to_le_bytes()));
            }
        });
        let mut reading = Reading::default();
        reading.read(&ring);
        producer.join().unwrap();
        reading.read(&ring);
        assert_eq!(reading.records, [(7, 1, vec![5]), (7, 2, vec![]), (7, 3, vec![6])]);
    });
}

#[test]
fn a_flush_finds_everything_that_was_published_before_it_was_asked_for() {
    model(|| {
        let lane = Arc::new(PerThread::new(64, MOST));
        let asked = Arc::new(AtomicBool::new(false));
        let caller = thread::spawn({
            let (lane, asked) = (lane.clone(), asked.clone());
            move || {
                let ring = claim(&lane, 1);
                assert!(send(&ring, 1, &[]));
                asked.store(true, Release);
            }
        });
        // A look before: what it saw of the list must not hide the new ring.
        let version = lane.version();
        let mut rings = lane.rings();
        while !asked.load(Acquire) {
            thread::yield_now();
        }
        if lane.version() != version {
            rings = lane.rings();
        }
        let mut reading = Reading::default();
        rings.iter().for_each(|ring| reading.read(ring));
        assert_eq!(reading.records, [(1, 1, vec![])]);
        caller.join().unwrap();
    });
}

fn queue() -> Arc<Queue> {
    let transport = Transport::PerThread { bytes: 64 };
    Arc::new(Queue::new("model", transport, MOST, OverflowPolicy::DropNewest, 0, u8::MAX, Clock::system()))
}

/// Takes the records out that are there, and counts them as written.
fn write(queue: &Queue) {
    let Lane::PerThread(lane) = &queue.lane else { unreachable!() };
    let mut reading = Reading::default();
    lane.rings().iter().for_each(|ring| reading.read(ring));
    Counters::add(&queue.counters.written, reading.records.len() as u64);
}

#[test]
fn what_races_with_the_end_is_delivered_or_counted() {
    model(|| {
        let queue = queue();
        let ring = queue.claim(&info(1)).unwrap();
        let caller = thread::spawn({
            let queue = queue.clone();
            move || {
                // The ordinary path does not ask whether the queue is closed, the other one does.
                assert!(ring.ring().push(2, true, |writer| {
                    writer.word(header().with_words(2).word());
                    writer.word(1);
                }));
                queue.push_bytes(Some(&ring), &info(1), header(), 2, &[]);
            }
        });
        write(&queue);
        queue.close();
        write(&queue);
        queue.end();
        caller.join().unwrap();
        let metrics = queue.metrics();
        let dropped = metrics.dropped.get(DropReason::Closed, Level::Info);
        assert_eq!((metrics.emitted, metrics.written + dropped, metrics.in_flight), (2, 2, 0));
    });
}

/// A change of the configuration gives loggers the number of another route, forgets the old one, and has the old
/// handler end when nobody can have its queue any more. A record that is logged meanwhile finds one of the two queues.
///
/// `references` stands for the count of the old queue's `Arc`, which is std's and not modelled: it is decremented with
/// Release, and `Queue::is_in_use` loads it with Relaxed. The fence in `close` is what makes this enough.
#[test]
fn a_record_that_is_logged_during_a_change_is_delivered_once() {
    model(|| {
        let (old, new) = (queue(), queue());
        let (state, references) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let routes = Arc::new(Mutex::new([Some(old.clone()), Some(new.clone())]));
        let caller = thread::spawn({
            let (state, references, routes) = (state.clone(), references.clone(), routes.clone());
            move || {
                for ticks in 1..=2 {
                    let (number, queue) = loop {
                        let number = state.load(Acquire) as usize;
                        let routes = lock(&routes);
                        match routes[number].clone() {
                            Some(queue) => {
                                if number == 0 {
                                    references.fetch_add(1, Relaxed);
                                }
                                break (number, queue);
                            }
                            // It was forgotten after the load: the caller asks again.
                            None => drop(routes),
                        }
                        thread::yield_now();
                    };
                    let ring = queue.claim(&info(1)).expect("there is memory for a ring");
                    queue.push_bytes(Some(&ring), &info(1), header(), ticks, &[]);
                    ring.release();
                    if number == 0 {
                        references.fetch_sub(1, Release);
                    }
                }
            }
        });
        state.store(1, Release);
        lock(&routes)[0] = None;
        while references.load(Relaxed) > 0 {
            write(&old);
            thread::yield_now();
        }
        old.close();
        write(&old);
        old.end();
        caller.join().unwrap();
        write(&new);
        let metrics = [old.metrics(), new.metrics()];
        let sums = [metrics.iter().map(|m| m.emitted).sum::<u64>(), metrics.iter().map(|m| m.written).sum()];
        assert_eq!(sums, [2, 2]);
        assert!(metrics.iter().all(|m| m.dropped.total() == 0 && m.in_flight == 0));
    });
}

#[test]
fn a_ring_is_not_forgotten_while_a_thread_takes_it() {
    model(|| {
        let lane = Arc::new(PerThread::new(64, MOST));
        let ring = claim(&lane, 1);
        assert!(send(&ring, 1, &[]));
        ring.release();
        let mut first = Reading::default();
        first.read(&ring);
        let next = thread::spawn({
            let lane = lane.clone();
            move || {
                let ring = claim(&lane, 2);
                assert!(send(&ring, 2, &[]));
                ring.release();
            }
        });
        lane.trim();
        assert_eq!(first.records, [(1, 1, vec![])]);
        next.join().unwrap();
        let mut second = Reading::default();
        lane.rings().iter().for_each(|ring| second.read(ring));
        assert_eq!(second.records, [(2, 2, vec![])]);
        assert_eq!(lane.published(), 2);
        lane.trim();
        assert_eq!((lane.rings().len(), lane.published()), (0, 2));
    });
}

#[test]
fn no_snapshot_sees_a_record_leave_that_it_did_not_see_come() {
    model(|| {
        let queue = queue();
        let ring = queue.claim(&info(1)).unwrap();
        let caller = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.push_bytes(Some(&ring), &info(1), header(), 1, &[]);
                queue.drop_one(DropReason::Full, Level::Info);
            }
        });
        let consumer = thread::spawn({
            let queue = queue.clone();
            move || write(&queue)
        });
        let now = queue.metrics();
        assert_eq!(now.emitted, now.written + now.dropped.total() + now.failed + now.in_flight);
        caller.join().unwrap();
        consumer.join().unwrap();
        let end = queue.metrics();
        assert_eq!((end.emitted, end.dropped.total(), end.written + end.in_flight), (2, 1, 1));
    });
}

#[test]
fn a_caller_that_sleeps_for_room_in_its_ring_is_woken() {
    model(|| {
        let lane = Arc::new(PerThread::new(64, MOST));
        let ring = claim(&lane, 1);
        assert!(ring.push_bytes(2, true, header(), 1, &[]) && ring.push_bytes(2, true, header(), 2, &[]));
        let mut reading = Reading::default();
        reading.read(&ring);
        assert!(push(ring.ring(), &[0; 6]));
        let caller = thread::spawn({
            let ring = ring.clone();
            move || {
                // There is room, or it sleeps until there is.
                assert!(ring.wait_for(4, true, None, || false));
            }
        });
        ring.ring().free(ring.ring().published());
        PerThread::wake_owners(std::iter::once(&*ring));
        // A model in which the caller sleeps for ever does not end.
        caller.join().unwrap();
    });
}

#[test]
fn a_caller_that_sleeps_is_sent_away_when_the_queue_is_closed() {
    model(|| {
        let queue = queue();
        let Lane::PerThread(_) = &queue.lane else { unreachable!() };
        let ring = queue.claim(&info(1)).unwrap();
        assert!(push(ring.ring(), &[0; 7]));
        let caller = thread::spawn({
            let queue = queue.clone();
            move || assert!(!ring.wait_for(4, true, None, || queue.is_closed()))
        });
        queue.close();
        caller.join().unwrap();
    });
}

#[test]
fn who_waits_for_room_gets_it_and_no_more_than_there_is() {
    model(|| {
        let room = Arc::new(Room::new(usize::MAX, 10, 10));
        assert!(room.try_take(room.cost(10), true));
        let callers = [6, 5].map(|bytes| {
            let room = room.clone();
            thread::spawn(move || {
                room.take(room.cost(bytes), true, None).unwrap();
                room.give_back(room.cost(bytes));
            })
        });
        room.give_back(room.cost(10));
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        assert_eq!(room.used().records(), 0);
        assert!(room.try_take(room.cost(10), true));
    });
}

#[test]
fn a_line_that_is_served_late_is_served() {
    model(|| {
        let room = Arc::new(Room::served_when_half_free(2, 100));
        assert!(room.try_take(room.cost(1), true) && room.try_take(room.cost(1), true));
        let caller = thread::spawn({
            let room = room.clone();
            move || room.take(room.cost(1), true, None).unwrap()
        });
        room.give_back(room.cost(1));
        room.give_back(room.cost(1));
        caller.join().unwrap();
        assert_eq!(room.used().records(), 1);
    });
}

#[test]
fn nobody_waits_for_room_in_a_closed_queue() {
    model(|| {
        let room = Arc::new(Room::new(usize::MAX, 10, 10));
        assert!(room.try_take(room.cost(10), true));
        let caller = thread::spawn({
            let room = room.clone();
            move || assert_eq!(room.take(room.cost(1), true, None), Err(DropReason::Closed))
        });
        room.close();
        caller.join().unwrap();
    });
}
