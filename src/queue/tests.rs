use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Frame, Lane, PerThread, Queue, Spilled, ThreadRing, ring::Ring, room::Room};
use crate::level::Level;
use crate::metrics::DropReason;
use crate::policy::{OverflowPolicy, Transport};
use crate::record::{HEADER_WORDS, Header, Prefix, ThreadInfo};
use crate::time::{Clock, ManualClock, Timestamp};
use crate::value::WordSink;

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

fn push(ring: &Ring, record: &[u64]) -> bool {
    ring.push(record.len(), true, |writer| record.iter().for_each(|word| writer.word(*word)))
}

fn take(ring: &Ring) -> Vec<u64> {
    let mut bytes = Vec::new();
    let count = ring.take(&mut bytes);
    assert_eq!(count * 8, bytes.len());
    words(&bytes)
}

fn header(level: Level) -> Header {
    Header::new(1, level, Prefix::None)
}

fn info(id: u64) -> Arc<ThreadInfo> {
    Arc::new(ThreadInfo { id, ..ThreadInfo::unknown() })
}

fn payload(words: usize) -> Vec<u8> {
    (0..words as u64).flat_map(u64::to_le_bytes).collect()
}

/// What a ring hands out.
#[derive(Debug, PartialEq)]
enum Item {
    Thread(u64),
    Record { level: Level, ticks: u64, payload: Vec<u8> },
}

/// Takes everything out of a ring, as a handler's thread does.
fn read(ring: &ThreadRing) -> Vec<Item> {
    let (mut items, mut at, until) = (Vec::new(), ring.ring().head(), ring.ring().published());
    while let Some(frame) = ring.frame(at, until) {
        match frame {
            Frame::Thread => {
                let Some(Spilled::Thread(thread)) = ring.next_spilled() else { panic!("no thread was announced") };
                items.push(Item::Thread(thread.id));
                at += 1;
            }
            Frame::Record { header, ticks, words } => {
                let mut payload = Vec::new();
                if header.is_spilled() {
                    let Some(Spilled::Payload(spilled)) = ring.next_spilled() else {
                        panic!("no payload was announced")
                    };
                    payload.extend_from_slice(&spilled);
                } else {
                    ring.ring().copy(at + HEADER_WORDS as u64, words as usize - HEADER_WORDS, &mut payload);
                }
                items.push(Item::Record { level: header.level(), ticks, payload });
                at += words;
            }
            Frame::Broken => panic!("a broken record at {at}"),
        }
    }
    ring.ring().free(until);
    ring.wake_owner();
    items
}

/// How much memory the queues of these tests may take.
const MOST: usize = 1 << 20;

fn lane(bytes: usize) -> PerThread {
    PerThread::new(bytes, MOST)
}

fn claim(lane: &PerThread, thread: u64) -> Arc<ThreadRing> {
    lane.claim(&info(thread)).expect("there is memory for a ring")
}

/// Publishes an encoded record, in the ring or beside it, if there is room.
fn push_bytes(lane: &PerThread, ring: &ThreadRing, header: Header, ticks: u64, payload: &[u8]) -> bool {
    if let Some(words) = ring.words(payload.len()) {
        return ring.push_bytes(words, true, header, ticks, payload);
    }
    let (room, cost) = (lane.common().room(), ring.spilled_cost(payload.len()));
    if !room.try_take(cost, true) {
        return false;
    }
    let pushed = ring.push_spilled(true, header, ticks, payload);
    if !pushed {
        room.give_back(cost);
    }
    pushed
}

#[test]
fn a_ring_has_a_power_of_two_of_words_and_eight_at_least() {
    let sizes = [(0, 8), (1, 8), (8, 8), (9, 16), (1000, 1024), (1024, 1024)];
    sizes.iter().for_each(|(words, capacity)| assert_eq!(Ring::new(*words).capacity(), *capacity));
}

#[test]
fn a_ring_is_full_when_every_word_is_used_and_not_before() {
    let ring = Ring::new(8);
    assert!(ring.is_empty() && ring.fits(8, true) && !ring.fits(9, true));
    assert!(push(&ring, &[1, 2, 3]) && push(&ring, &[4, 5, 6, 7, 8]));
    assert!(!ring.fits(1, true) && !push(&ring, &[9]) && !ring.push_control(9));
    assert_eq!(take(&ring), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(ring.fits(8, true) && !push(&ring, &[0; 9]));
    assert_eq!((take(&ring), ring.records()), (vec![], 2));
}

#[test]
fn a_word_that_is_no_record_is_not_counted_as_one() {
    let ring = Ring::new(8);
    assert!(ring.push_control(7) && push(&ring, &[8]));
    assert_eq!((take(&ring), ring.records()), (vec![7, 8], 1));
}

proptest! {
    /// Whatever is pushed and taken in whatever order, the words come out as they went in.
    #[test]
    fn records_of_any_length_go_through_a_small_ring(steps in prop::collection::vec(0..20_usize, 0..400)) {
        let ring = Ring::new(16);
        let (mut inside, mut next, mut records) = (VecDeque::new(), 0_u64, 0);
        for step in steps {
            // A length of nothing stands for a look.
            if step == 0 {
                prop_assert_eq!(take(&ring), inside.drain(..).collect::<Vec<u64>>());
                continue;
            }
            let record: Vec<_> = (next..next + step as u64).collect();
            let fits = inside.len() + step <= 16;
            prop_assert_eq!(push(&ring, &record), fits);
            if fits {
                next += step as u64;
                records += 1;
                inside.extend(record);
            }
        }
        prop_assert_eq!(take(&ring), inside.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(ring.records(), records);
    }

    /// Payloads of any length arrive whole, in the ring or beside it, with the threads that they come from.
    #[test]
    fn payloads_of_any_length_arrive_with_their_thread(
        steps in prop::collection::vec((0..4_u64, 0..80_usize), 0..200),
    ) {
        let lane = lane(32 * 8);
        let mut expected: Vec<Item> = Vec::new();
        let mut items: Vec<Item> = Vec::new();
        let mut ring = claim(&lane, 0);
        expected.push(Item::Thread(0));
        for (number, (thread, length)) in steps.into_iter().enumerate() {
            if thread > 0 {
                items.extend(read(&ring));
                ring.release();
                ring = claim(&lane, thread);
                expected.push(Item::Thread(thread));
            }
            let (level, ticks, payload) = (Level::ALL[number % 6], number as u64, payload(length));
            if !push_bytes(&lane, &ring, header(level), ticks, &payload) {
                items.extend(read(&ring));
                prop_assert!(push_bytes(&lane, &ring, header(level), ticks, &payload));
            }
            expected.push(Item::Record { level, ticks, payload });
        }
        items.extend(read(&ring));
        prop_assert_eq!(items, expected);
        prop_assert_eq!(lane.rings().len(), 1);
    }

    /// A header gives back what it was made of.
    #[test]
    fn a_header_is_what_it_was_made_of(site: u32, level in 0..6_usize, prefix in 0..4_usize, length in 2..1_usize << 24) {
        let level = Level::ALL[level];
        let prefix = [Prefix::None, Prefix::Logger, Prefix::Target, Prefix::Both][prefix];
        let header = Header::from_word(Header::new(site, level, prefix).with_words(length).word());
        prop_assert_eq!((header.site(), header.level(), header.prefix()), (site, level, prefix));
        prop_assert_eq!((header.words(), header.is_spilled()), (length, false));
        let spilled = Header::from_word(header.spilled().word());
        prop_assert_eq!((spilled.site(), spilled.level(), spilled.prefix()), (site, level, prefix));
        prop_assert_eq!((spilled.words(), spilled.is_spilled()), (HEADER_WORDS, true));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever a producer and a consumer do at the same time, the words come out as they went in.
    #[test]
    fn records_of_any_length_go_from_thread_to_thread(lengths in prop::collection::vec(1..17_usize, 1..400)) {
        let ring = Arc::new(Ring::new(16));
        let expected: Vec<u64> = (0..lengths.iter().sum::<usize>() as u64).collect();
        let producer = std::thread::spawn({
            let (ring, expected) = (ring.clone(), expected.clone());
            move || {
                let mut rest = expected.as_slice();
                for length in lengths {
                    let (record, later) = rest.split_at(length);
                    while !push(&ring, record) {
                        std::thread::yield_now();
                    }
                    rest = later;
                }
            }
        });
        let mut taken = Vec::new();
        while taken.len() < expected.len() {
            taken.append(&mut take(&ring));
            std::thread::yield_now();
        }
        producer.join().unwrap();
        prop_assert_eq!(taken, expected);
    }
}

#[test]
fn no_record_looks_like_a_new_thread() {
    // Call sites are numbered from 1, and no record is shorter than its header.
    assert_eq!((Header::NEW_THREAD.words(), Header::NEW_THREAD.site()), (1, 0));
    assert!(header(Level::Trace).with_words(HEADER_WORDS) != Header::NEW_THREAD);
}

#[test]
fn a_ring_is_used_again_and_not_by_two_threads_at_once() {
    let lane = lane(64);
    let version = lane.version();
    let first = claim(&lane, 1);
    let second = claim(&lane, 2);
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(lane.version(), version + 2);
    first.release();
    assert!(Arc::ptr_eq(&first, &claim(&lane, 3)));
    assert_eq!((lane.rings().len(), lane.version()), (2, version + 2));
    assert_eq!(read(&first), [Item::Thread(1), Item::Thread(3)]);
}

#[test]
fn a_ring_without_room_to_say_whose_it_is_is_not_used() {
    let lane = lane(64);
    let full = claim(&lane, 1);
    // One word for the thread, and seven.
    assert!(full.ring().push(7, true, |writer| (0..7).for_each(|_| writer.word(0))));
    full.release();
    let other = claim(&lane, 2);
    assert!(!Arc::ptr_eq(&full, &other));
    other.release();
    full.ring().take(&mut Vec::new());
    full.next_spilled();
    assert!(Arc::ptr_eq(&full, &claim(&lane, 3)));
    assert_eq!(read(&full), [Item::Thread(3)]);
}

#[test]
fn only_idle_rings_are_let_go_of_and_their_records_stay_counted() {
    let lane = lane(64);
    let rings: Vec<_> = (0..40).map(|id| claim(&lane, id)).collect();
    rings.iter().for_each(|ring| assert!(push_bytes(&lane, ring, header(Level::Info), 0, &[])));
    lane.trim();
    assert_eq!(lane.rings().len(), 40);
    // Idle: without a thread, and empty. The first two are not.
    rings.iter().skip(1).for_each(|ring| ring.release());
    rings.iter().filter(|ring| !Arc::ptr_eq(ring, &rings[1])).for_each(|ring| drop(read(ring)));
    let version = lane.version();
    lane.trim();
    assert_eq!((lane.rings().len(), lane.published()), (2 + 16, 40));
    assert_ne!(lane.version(), version);
    assert!(lane.rings().iter().any(|ring| Arc::ptr_eq(ring, &rings[0])));
    assert!(lane.rings().iter().any(|ring| Arc::ptr_eq(ring, &rings[1])));
}

#[test]
fn rings_and_payloads_beside_them_take_no_more_than_the_queue_may() {
    let lane = lane(64);
    let ring = claim(&lane, 1);
    // A quarter of what the queue may take, with what is beside each. The ring has room for the headers of three more.
    let quarter = payload(MOST / 4 / 8 - 8);
    for ticks in 1..=3 {
        assert!(push_bytes(&lane, &ring, header(Level::Info), ticks, &quarter));
    }
    assert!(!push_bytes(&lane, &ring, header(Level::Info), 4, &quarter));
    assert_eq!(read(&ring).len(), 1 + 3);
    // What is larger counts as a quarter, so that its turn comes.
    let giant = payload(MOST / 2);
    assert!(push_bytes(&lane, &ring, header(Level::Info), 5, &giant));
    assert_eq!(read(&ring), [Item::Record { level: Level::Info, ticks: 5, payload: giant }]);
    // All but the ring was given back.
    ring.release();
    assert_eq!(lane.common().room().used(), super::Cost::bytes(64));
}

#[test]
fn later_rings_are_smaller_and_all_of_them_have_a_bound() {
    let lane = lane(64 * 1024);
    let mut rings: Vec<Arc<ThreadRing>> = Vec::new();
    while let Some(ring) = lane.claim(&info(rings.len() as u64)) {
        rings.push(ring);
    }
    let sizes: Vec<_> = rings.iter().map(|ring| ring.ring().capacity() * 8).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    // Three quarters of a MiB: seven rings as large as was asked for, and the rest in rings of 4 KiB.
    assert_eq!(sizes.iter().filter(|size| **size == 64 * 1024).count(), 7);
    assert_eq!(sizes.iter().filter(|size| **size == 4096).count(), (MOST / 4 * 3 - 7 * 64 * 1024) / 4096);
    assert_eq!(sizes.iter().sum::<usize>(), MOST / 4 * 3);
    // A thread that ends leaves its ring to the next one, and rings beyond the spare ones go.
    rings[3].release();
    assert!(Arc::ptr_eq(&rings[3], &claim(&lane, 1000)));
    rings.iter().for_each(|ring| ring.release());
    rings.iter().for_each(|ring| drop(read(ring)));
    lane.trim();
    assert_eq!(lane.rings().len(), 16);
    assert!(claim(&lane, 1001).ring().capacity() * 8 >= 4096);
}

#[test]
fn a_ring_that_is_more_than_half_full_is_used_again_if_no_other_can_be_made() {
    let lane = PerThread::new(4096, 8192);
    let ring = claim(&lane, 1);
    assert!(ring.ring().push(300, true, |writer| (0..300).for_each(|_| writer.word(0))));
    ring.release();
    assert!(Arc::ptr_eq(&ring, &claim(&lane, 2)));
    ring.release();
    // A quarter of it is not free any more.
    assert!(ring.ring().push(100, true, |writer| (0..100).for_each(|_| writer.word(0))));
    assert!(lane.claim(&info(3)).is_none());
}

#[test]
fn what_is_discarded_is_told_by_level() {
    let lane = lane(256);
    let ring = claim(&lane, 1);
    assert!(push_bytes(&lane, &ring, header(Level::Debug), 1, &[]));
    assert!(push_bytes(&lane, &ring, header(Level::Error), 2, &payload(100)));
    assert!(push_bytes(&lane, &ring, header(Level::Info), 3, &payload(3)));
    let mut levels = Vec::new();
    lane.discard(|header| levels.push(header.level()));
    assert_eq!(levels, [Level::Debug, Level::Error, Level::Info]);
    lane.discard(|_| panic!("it is empty"));
    assert!(ring.next_spilled().is_none());
}

fn queue(transport: Transport, overflow: OverflowPolicy) -> (Queue, ManualClock) {
    let hand = ManualClock::new(Timestamp::from_nanos(0));
    (Queue::new("test", transport, MOST, overflow, 0, u8::MAX, Clock::manual(&hand)), hand)
}

const RINGS: Transport = Transport::PerThread { bytes: 64 };
const ONE_PLACE: Transport = Transport::Shared { capacity: Some(1) };

/// How often `push_with_backoff` tries something that fails `failures` times, how often it waits, and what comes out.
fn attempts(queue: &Queue, failures: usize) -> (usize, usize, Result<(), DropReason>) {
    let (mut tries, mut waits) = (0, 0);
    let attempt = || {
        tries += 1;
        tries > failures
    };
    let wait = |_| {
        waits += 1;
        if queue.is_closed() { Err(DropReason::Closed) } else { Ok(false) }
    };
    let outcome = queue.when_full().and_then(|when_full| queue.push_with_backoff(when_full, attempt, wait));
    (tries, waits, outcome)
}

#[test]
fn each_policy_insists_as_long_as_it_says() {
    for policy in [OverflowPolicy::Block, OverflowPolicy::BlockFor(Duration::from_secs(3600))] {
        let (queue, _) = queue(RINGS, policy);
        assert_eq!(attempts(&queue, 0), (1, 0, Ok(())));
        // One attempt at once and six a moment later, before it sleeps for the first time.
        assert_eq!(attempts(&queue, 6), (7, 0, Ok(())));
        assert_eq!(attempts(&queue, 40), (41, 34, Ok(())));
    }
    for policy in [OverflowPolicy::DropNewest, OverflowPolicy::BlockFor(Duration::ZERO)] {
        let (queue, _) = queue(RINGS, policy);
        assert_eq!(attempts(&queue, 0), (1, 0, Ok(())));
        // It looks once more after it has woken the handler's thread.
        assert_eq!(attempts(&queue, 1), (2, 0, Ok(())));
        assert_eq!(attempts(&queue, 2), (2, 0, Err(DropReason::Full)));
    }
}

#[test]
fn nobody_insists_on_a_closed_queue() {
    for transport in [RINGS, ONE_PLACE] {
        let queue = Arc::new(queue(transport, OverflowPolicy::Block).0);
        let ring = queue.claim(&info(1));
        let callers: Vec<_> = (0..if ring.is_some() { 1 } else { 5 })
            .map(|_| {
                let (queue, ring) = (queue.clone(), ring.clone());
                std::thread::spawn(move || {
                    for ticks in 0..10 {
                        queue.push_bytes(ring.as_deref(), &info(1), header(Level::Info), ticks, &[]);
                    }
                })
            })
            .collect();
        // They are let go whether they sleep already or are about to.
        while queue.metrics().emitted < 1 {
            std::thread::yield_now();
        }
        queue.close();
        let all = callers.len() as u64 * 10;
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        let metrics = queue.metrics();
        assert_eq!(metrics.dropped.by_reason(DropReason::Closed), all - metrics.in_flight, "{transport:?}");
        assert_eq!(attempts(&queue, 0), (0, 0, Err(DropReason::Closed)));
    }
}

#[test]
fn a_handler_s_thread_never_waits_for_room() {
    let outcome = std::thread::spawn(|| {
        super::become_consumer();
        attempts(&queue(RINGS, OverflowPolicy::Block).0, usize::MAX)
    });
    assert_eq!(outcome.join().unwrap(), (2, 0, Err(DropReason::Full)));
}

#[test]
fn who_waits_for_room_is_served_in_turn_and_by_nobody_overtaken() {
    let room = Arc::new(Room::new(usize::MAX, 100, 100));
    assert!(room.try_take(room.cost(100), true));
    let (served, is_served) = mpsc::channel();
    let callers: Vec<_> = [60, 30, 30]
        .into_iter()
        .enumerate()
        .map(|(number, bytes)| {
            let caller = std::thread::spawn({
                let (room, served) = (room.clone(), served.clone());
                move || {
                    room.take(room.cost(bytes), true, None).unwrap();
                    served.send(number).unwrap();
                }
            });
            while room.in_line() <= number {
                std::thread::yield_now();
            }
            caller
        })
        .collect();
    // Room for those behind, but not for the first: nobody overtakes it, neither they nor a newcomer.
    room.give_back(super::Cost::bytes(40));
    assert!(!room.try_take(room.cost(1), true));
    assert_eq!((room.in_line(), is_served.try_recv()), (3, Err(mpsc::TryRecvError::Empty)));
    room.give_back(super::Cost::bytes(50));
    // The room of the first two is theirs before they run.
    assert_eq!((room.in_line(), room.used().records()), (1, 3));
    let mut first = [is_served.recv().unwrap(), is_served.recv().unwrap()];
    first.sort();
    assert_eq!(first, [0, 1]);
    room.give_back(super::Cost::bytes(30));
    assert_eq!(is_served.recv().unwrap(), 2);
    callers.into_iter().for_each(|caller| caller.join().unwrap());
}

#[test]
fn a_caller_that_gives_up_leaves_the_line_to_those_behind() {
    let room = Arc::new(Room::new(usize::MAX, 100, 100));
    assert!(room.try_take(room.cost(50), true));
    let behind = std::thread::scope(|scope| {
        // The first needs more than there is, and holds up one that does not.
        let first =
            scope.spawn(|| room.take(room.cost(80), true, Instant::now().checked_add(Duration::from_millis(200))));
        while room.in_line() < 1 {
            std::thread::yield_now();
        }
        let behind = scope.spawn(|| room.take(room.cost(50), true, None));
        assert_eq!(first.join().unwrap(), Err(DropReason::Full));
        behind.join().unwrap()
    });
    assert_eq!((behind, room.in_line(), room.used()), (Ok(()), 0, super::Cost::new(2, 100)));
}

#[test]
fn a_room_without_limit_is_not_overrun() {
    let room = Room::new(usize::MAX, usize::MAX, usize::MAX);
    let most = super::Cost::new(usize::MAX, usize::MAX);
    assert!(room.try_take(most, true));
    assert!(
        !room.try_take(super::Cost::new(1, 0), true)
            && !room.try_take(super::Cost::bytes(1), true)
            && !room.try_take(most, true)
    );
    assert_eq!(room.used(), most);
}

/// The signals of these callers may be locked for ever in a child of `fork`.
#[test]
fn a_child_of_fork_that_closes_a_queue_leaves_its_parent_s_callers_alone() {
    let clock = Clock::manual(&ManualClock::new(Timestamp::from_nanos(0)));
    for transport in [Transport::Shared { capacity: Some(1) }, Transport::PerThread { bytes: 1024 }] {
        let mut queue = Queue::new("q", transport, 8192, OverflowPolicy::Block, 0, 0, clock.clone());
        queue.process += 1;
        let room = match &queue.lane {
            Lane::PerThread(lane) => lane.common().room(),
            Lane::Shared(lane) => lane.room(),
            Lane::Inline(_) => unreachable!(),
        };
        while room.try_take(room.cost(1000), true) {}
        std::thread::scope(|scope| {
            let caller = scope.spawn(|| room.take(room.cost(1000), true, None));
            while room.in_line() < 1 {
                std::thread::yield_now();
            }
            queue.close();
            assert_eq!((queue.is_closed(), room.in_line()), (true, 1));
            room.close();
            assert_eq!(caller.join().unwrap(), Err(DropReason::Closed));
        });
    }
}

#[test]
fn the_oldest_record_makes_room_in_a_channel() {
    let (queue, hand) = queue(ONE_PLACE, OverflowPolicy::DropOldest);
    let levels = [Level::Debug, Level::Info, Level::Error];
    for (number, level) in levels.into_iter().enumerate() {
        hand.advance(Duration::from_nanos(1));
        queue.push_bytes(None, &info(1), header(level), number as u64, &[]);
    }
    let metrics = queue.metrics();
    assert_eq!((metrics.emitted, metrics.in_flight), (3, 1));
    assert_eq!(metrics.dropped.get(DropReason::Full, Level::Debug), 1);
    assert_eq!(metrics.dropped.get(DropReason::Full, Level::Info), 1);
    let Lane::Shared(lane) = &queue.lane else { unreachable!() };
    assert_eq!(lane.pop().map(|packet| (packet.header.level(), packet.ticks)), Some((Level::Error, 2)));
    assert!(lane.pop().is_none());
}

#[test]
fn drops_for_want_of_room_are_timed_and_no_others() {
    let (queue, hand) = queue(RINGS, OverflowPolicy::DropNewest);
    let clock = Clock::manual(&hand);
    let start = clock.ticks();
    queue.drop_one(DropReason::Closed, Level::Info);
    let at = |reason| {
        hand.advance(Duration::from_nanos(10));
        queue.drop_one(reason, Level::Info);
    };
    at(DropReason::Full);
    at(DropReason::Full);
    at(DropReason::Full);
    at(DropReason::Reentrant);
    assert_eq!(queue.take_drop_times(), (start + 10, start + 30));
    // The next one that is reported may have been noted before.
    assert_eq!(queue.take_drop_times(), (start + 30, start + 30));
    hand.advance(Duration::from_nanos(10));
    queue.drop_published(DropReason::Full, Level::Info);
    assert_eq!(queue.take_drop_times(), (start + 50, start + 50));
}

#[test]
fn what_comes_too_late_is_swept_by_every_look_at_the_metrics() {
    for transport in [RINGS, ONE_PLACE] {
        let (queue, _) = queue(transport, OverflowPolicy::Block);
        let ring = queue.claim(&info(1));
        queue.push_bytes(ring.as_deref(), &info(1), header(Level::Info), 1, &[]);
        assert_eq!(queue.metrics().in_flight, 1);
        queue.close();
        assert_eq!(queue.metrics().in_flight, 1);
        queue.end();
        queue.push_bytes(ring.as_deref(), &info(1), header(Level::Info), 2, &[]);
        // A caller that was past the question whether the queue is closed.
        match (&queue.lane, &ring) {
            (Lane::PerThread(lane), Some(ring)) => assert!(push_bytes(lane, ring, header(Level::Info), 3, &[])),
            (Lane::Shared(lane), _) => {
                lane.announce();
                let packet = super::Packet {
                    header: header(Level::Info),
                    ticks: 3,
                    thread: info(1),
                    payload: Default::default(),
                };
                assert!(lane.room().try_take(lane.cost(0), true) && lane.push(packet));
            }
            _ => unreachable!(),
        }
        let metrics = queue.metrics();
        assert_eq!((metrics.emitted, metrics.in_flight), (3, 0), "{transport:?}");
        assert_eq!(metrics.dropped.get(DropReason::Closed, Level::Info), 3, "{transport:?}");
    }
}

#[test]
fn a_caller_that_waits_goes_on_when_there_is_room() {
    for transport in [RINGS, ONE_PLACE] {
        let queue = Arc::new(queue(transport, OverflowPolicy::Block).0);
        let (done, is_done) = mpsc::channel();
        let caller = std::thread::spawn({
            let queue = queue.clone();
            move || {
                let ring = queue.claim(&info(1));
                for ticks in 0..10 {
                    queue.push_bytes(ring.as_deref(), &info(1), header(Level::Info), ticks, &[]);
                }
                done.send(()).unwrap();
            }
        });
        // It cannot be done: neither a ring of eight words nor one place holds ten records.
        while queue.metrics().emitted < 2 {
            std::thread::yield_now();
        }
        assert!(is_done.try_recv().is_err());
        let mut ticks = Vec::new();
        while ticks.len() < 10 {
            match &queue.lane {
                Lane::PerThread(lane) => lane.rings().iter().flat_map(|ring| read(ring)).for_each(|item| match item {
                    Item::Record { ticks: at, .. } => ticks.push(at),
                    Item::Thread(_) => {}
                }),
                Lane::Shared(lane) => ticks.extend(lane.pop().map(|packet| packet.ticks)),
                Lane::Inline(_) => unreachable!(),
            }
        }
        caller.join().unwrap();
        assert_eq!(ticks, (0..10).collect::<Vec<_>>());
        assert_eq!(queue.metrics().dropped.total(), 0);
    }
}
