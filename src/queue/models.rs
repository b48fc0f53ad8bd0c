//! Models of the queue's protocols, for `loom` to run in every order that the memory model allows.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release --lib models
//! ```

use std::sync::Arc;

use loom::thread;

use super::{Aside, Lane, PerThread, Queue, ThreadRing, ring::Ring};
use crate::level::Level;
use crate::metrics::{Counters, DropReason};
use crate::policy::{OverflowPolicy, Transport};
use crate::record::{HEADER_WORDS, Header, Prefix, ThreadInfo};
use crate::sync::{AtomicBool, Ordering::*};
use crate::time::Clock;
use crate::value::{Reader, Sink};

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
    ring.push(record.len(), |writer| record.iter().for_each(|word| writer.word(*word)))
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

/// Takes everything out of a ring, as a handler's thread does: (thread, ticks, payload) of every record.
#[derive(Default)]
struct Reading {
    thread: u64,
    records: Vec<(u64, u64, Vec<u64>)>,
}

impl Reading {
    fn read(&mut self, ring: &ThreadRing) {
        let mut bytes = Vec::new();
        ring.ring().take(&mut bytes);
        let mut at = 0;
        while at < bytes.len() {
            let mut reader = Reader::new(&bytes[at..]);
            let header = Header::from_word(reader.word());
            if header == Header::NEW_THREAD {
                let Some(Aside::Thread(thread)) = ring.next_aside() else { panic!("no thread was announced") };
                self.thread = thread.id;
                at += 8;
                continue;
            }
            let ticks = reader.word();
            let end = at + header.words() * 8;
            let payload = match header.is_aside() {
                true => match ring.next_aside() {
                    Some(Aside::Payload(payload)) => words(&payload),
                    _ => panic!("no payload was announced"),
                },
                false => words(&bytes[at + HEADER_WORDS * 8..end]),
            };
            self.records.push((self.thread, ticks, payload));
            at = end;
        }
    }
}

#[test]
fn a_ring_that_a_thread_gives_back_tells_the_next_one_s_records_apart() {
    model(|| {
        let lane = Arc::new(PerThread::new(64));
        let threads = [1, 2].map(|id| {
            let lane = lane.clone();
            thread::spawn(move || {
                let ring = lane.claim(&info(id));
                assert!(ring.push_bytes(header(), id, &[]));
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
        let lane = PerThread::new(64);
        let ring = lane.claim(&info(7));
        let producer = thread::spawn({
            let ring = ring.clone();
            move || {
                // A quarter of the ring is two words, the header.
                assert!(ring.push_bytes(header(), 1, &5_u64.to_le_bytes()));
                assert!(ring.push_bytes(header(), 2, &[]));
                assert!(ring.push_bytes(header(), 3, &6_u64.to_le_bytes()));
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
        let lane = Arc::new(PerThread::new(64));
        let asked = Arc::new(AtomicBool::new(false));
        let caller = thread::spawn({
            let (lane, asked) = (lane.clone(), asked.clone());
            move || {
                let ring = lane.claim(&info(1));
                assert!(ring.push_bytes(header(), 1, &[]));
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
    Arc::new(Queue::new("model", transport, OverflowPolicy::DropNewest, 0, u8::MAX, Clock::system()))
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
                assert!(ring.ring().push(2, |writer| {
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

#[test]
fn a_ring_is_not_forgotten_while_a_thread_takes_it() {
    model(|| {
        let lane = Arc::new(PerThread::new(64));
        let ring = lane.claim(&info(1));
        assert!(ring.push_bytes(header(), 1, &[]));
        ring.release();
        let mut first = Reading::default();
        first.read(&ring);
        let next = thread::spawn({
            let lane = lane.clone();
            move || {
                let ring = lane.claim(&info(2));
                assert!(ring.push_bytes(header(), 2, &[]));
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
