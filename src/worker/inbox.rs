//! The order in which records leave the queue.
//!
//! A shared channel hands out records in the order in which they entered it. Rings are merged: the records of one
//! thread are in order in its ring, and across rings the record with the earliest stamp goes first. A record stays in
//! its ring until its turn, so waiting takes no memory beside the ring's.
//!
//! # Causality, and the horizon
//!
//! If one record was logged before another one was begun, by whatever threads, it comes first. A merge by stamps is not
//! enough for that, because the consumer looks at the rings one after the other:
//!
//! ```text
//! time    thread A, ring A     thread B, ring B     consumer
//!  1                                                looks at ring A: empty
//!  2      logs "sent"
//!  3                           logs "received"
//!  4                                                looks at ring B: "received"
//! ```
//!
//! "received" would come out before "sent", which caused it. So the consumer reads the clock *before* it looks at any
//! ring. This reading is the *horizon*, and only records stamped at or before the horizon are handed out; later ones
//! wait for the next look. In the example the horizon is 1, so "received" (stamped 3) waits, and the next look finds
//! both.
//!
//! In general: let X cause Y, and let Y be stamped at or before the horizon. X was published before Y was begun, which
//! was before Y's stamp, which is not after the horizon, which was read before this look began. So this look finds X;
//! and X has the earlier stamp, so it goes first.
//!
//! A processor may read its cycle counter a little before it completes the preceding instructions. So the horizon is
//! set back by a microsecond (`LOOKAHEAD` in `run`), which is longer than any processor reads ahead.
//!
//! # Wrong stamps
//!
//! A stamp may be wrong by more than that: the counters of two cores disagree, or words are damaged. A record with a
//! stamp in the far future would block its ring. So a record waits for at most one look: what was found by the previous
//! look (before `seen_before`) counts as stamped at the horizon, whatever its stamp says. Two looks therefore hand out
//! everything that was published before the first one; a flush makes two.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::sync::Arc;

use crate::queue::{Cost, Frame, Lane, Packet, PerThread, Spilled, ThreadRing};
use crate::record::{HEADER_WORDS, Header, ThreadInfo};

/// The maximum number of records, and of their bytes, that one look takes out of a shared channel.
const PACKETS: usize = 256;
const PACKET_BYTES: usize = 256 * 1024;

/// The number of records of the common channel that are handed out before their room is given back.
const OWED: usize = 32;

/// The maximum capacity of the buffer for a record that is kept for reuse, in bytes.
const KEPT: usize = 64 * 1024;

/// The consumer's side of a queue's lane.
pub(super) enum Inbox {
    PerThread(Box<Merge>),
    Shared { packets: VecDeque<Packet> },
}

/// The merge of all rings and the common channel.
#[derive(Default)]
pub(super) struct Merge {
    version: Option<u64>,
    rings: Vec<RingInbox>,
    common: CommonInbox,
    /// The next record of each source, by its stamp: the index of a ring, or the number of rings for the common
    /// channel.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    /// The payload of the record that is handed out.
    payload: Vec<u8>,
    /// The number of records lost with damaged words since the last `take_lost`.
    lost: u64,
}

/// The read state of one ring.
struct RingInbox {
    ring: Arc<ThreadRing>,
    /// The thread that the next record comes from.
    thread: Arc<ThreadInfo>,
    /// The position of the next record.
    at: u64,
    /// The ends of what this look and the previous look found.
    seen: u64,
    seen_before: u64,
    /// The number of records handed out or lost.
    records: u64,
}

/// The read state of the common channel. Positions count records.
#[derive(Default)]
struct CommonInbox {
    first: Option<(Packet, Cost)>,
    at: u64,
    seen: u64,
    seen_before: u64,
    owed: Cost,
}

/// A record, as it is handed out.
pub(super) struct Next<'a> {
    pub(super) header: Header,
    pub(super) ticks: u64,
    pub(super) thread: &'a Arc<ThreadInfo>,
    pub(super) payload: &'a [u8],
}

impl Inbox {
    pub(super) fn new(lane: &Lane) -> Self {
        match lane {
            Lane::PerThread(_) => Inbox::PerThread(Box::default()),
            // A handler without a thread has no inbox.
            Lane::Shared(_) | Lane::Inline(_) => Inbox::Shared { packets: VecDeque::new() },
        }
    }

    /// Looks at everything in the queue. Returns how much there is: bytes, or records of a shared channel.
    ///
    /// The caller has read the horizon before. Packets of a channel are moved to a buffer of the inbox, and the room of
    /// all of them is given back at once.
    pub(super) fn look(&mut self, lane: &Lane) -> usize {
        match (self, lane) {
            (Inbox::PerThread(merge), Lane::PerThread(lane)) => merge.look(lane),
            (Inbox::Shared { packets }, Lane::Shared(lane)) => {
                let (found, mut owed, mut bytes) = (packets.len() + lane.len(), Cost::NOTHING, 0);
                while packets.len() < PACKETS && bytes < PACKET_BYTES {
                    let Some((packet, cost)) = lane.pop_owing() else { break };
                    owed = owed.plus(cost);
                    bytes += packet.payload.len();
                    packets.push_back(packet);
                }
                lane.room().give_back(owed);
                found
            }
            _ => 0,
        }
    }

    /// Hands out the records stamped at or before `horizon`, in order. Returns their number.
    pub(super) fn drain(&mut self, lane: &Lane, horizon: u64, mut handle: impl FnMut(Next<'_>)) -> usize {
        match (self, lane) {
            (Inbox::PerThread(merge), Lane::PerThread(lane)) => merge.drain(lane, horizon, &mut handle),
            (Inbox::Shared { packets }, _) => {
                let count = packets.len();
                for packet in packets.drain(..) {
                    let Packet { header, ticks, thread, payload } = &packet;
                    handle(Next { header: *header, ticks: *ticks, thread, payload });
                }
                count
            }
            _ => 0,
        }
    }

    /// Returns how full the queue is, in percent of what records of all levels may take. Called before a look, which
    /// empties channels.
    pub(super) fn fullness(&self, lane: &Lane) -> u64 {
        match (self, lane) {
            (Inbox::PerThread(merge), Lane::PerThread(lane)) => {
                let rings = merge.rings.iter().map(|ring| ring.ring.ring());
                let fullest = rings.map(|ring| ring.fullness(ring.published())).max().unwrap_or(0);
                fullest.max(lane.fullness())
            }
            (_, Lane::Shared(lane)) => lane.room().fullness(0),
            _ => 0,
        }
    }

    /// Returns how many records were lost with damaged words since the last call.
    pub(super) fn take_lost(&mut self) -> u64 {
        match self {
            Inbox::PerThread(merge) => std::mem::take(&mut merge.lost),
            Inbox::Shared { .. } => 0,
        }
    }
}

impl Merge {
    /// Notes how far each ring and the common channel are published. Nothing that is published later is handed out by
    /// the [`drain`](Self::drain) that follows.
    fn look(&mut self, lane: &PerThread) -> usize {
        let current = lane.version();
        if self.version != Some(current) {
            self.version = Some(current);
            self.update(lane);
        }
        let in_rings = self.rings.iter_mut().map(RingInbox::look).sum::<usize>();
        in_rings + self.common.look(lane)
    }

    /// Follows the queue's list of rings. A ring that has left the list is empty.
    fn update(&mut self, lane: &PerThread) {
        let current = lane.rings();
        let is_current: HashSet<_> = current.iter().map(Arc::as_ptr).collect();
        self.rings.retain(|known| is_current.contains(&Arc::as_ptr(&known.ring)));
        let known: HashSet<_> = self.rings.iter().map(|known| Arc::as_ptr(&known.ring)).collect();
        self.rings.extend(current.into_iter().filter(|ring| !known.contains(&Arc::as_ptr(ring))).map(RingInbox::new));
    }

    /// Merges the sources by stamp. The heap has at most one entry per source, the stamp of its next record:
    ///
    /// ```text
    /// ring 0: 10 12 40     ring 1: 11 13     horizon 20
    ///
    /// heap                 handed out
    /// (10, 0) (11, 1)      10            ring 0, up to the next stamp of another source (11)
    /// (11, 1) (12, 0)      11            ring 1, up to 12
    /// (12, 0) (13, 1)      12            ring 0, up to 13
    /// (13, 1) (40, 0)      13            ring 1, up to the horizon
    /// (40, 0)                            40 is after the horizon and waits for the next look
    /// ```
    ///
    /// Runs matter more than this example shows: threads log in bursts, and a burst of a hundred records from one ring
    /// costs one operation on the heap.
    fn drain(&mut self, lane: &PerThread, horizon: u64, handle: &mut impl FnMut(Next<'_>)) -> usize {
        let Self { rings, common, next, payload, lost, .. } = self;
        let channel = rings.len();
        for (index, ring) in rings.iter_mut().enumerate() {
            next.extend(ring.next_ticks(horizon, lost).map(|ticks| Reverse((ticks, index))));
        }
        next.extend(common.next_ticks(lane, horizon).map(|ticks| Reverse((ticks, channel))));
        let mut count = 0;
        while let Some(Reverse((ticks, index))) = next.pop().filter(|Reverse((ticks, _))| *ticks <= horizon) {
            // All records of this ring up to the next record of another one go first, without another look at the heap.
            let until = next.peek().map_or(horizon, |Reverse((other, _))| horizon.min(*other)).max(ticks);
            let then = match rings.get_mut(index) {
                Some(ring) => {
                    count += ring.drain(until, horizon, payload, lost, handle);
                    ring.next_ticks(horizon, lost)
                }
                None => {
                    count += common.drain(lane, until, horizon, handle);
                    common.next_ticks(lane, horizon)
                }
            };
            next.extend(then.map(|ticks| Reverse((ticks, index))));
        }
        // What is left is after the horizon. The next drain looks at all sources again.
        next.clear();
        payload.truncate(KEPT);
        payload.shrink_to(KEPT);
        common.settle(lane);
        // After the last word was freed: an owner that began to wait in the meantime is seen here, by the fence.
        if count > 0 {
            PerThread::wake_owners(rings.iter().map(|ring| &*ring.ring));
        }
        count
    }
}

impl RingInbox {
    fn new(ring: Arc<ThreadRing>) -> Self {
        let at = ring.ring().head();
        // The first word is the announcement of the ring's first owner, so no record is attributed to `unknown`.
        Self { ring, thread: Arc::new(ThreadInfo::unknown()), at, seen: at, seen_before: at, records: 0 }
    }

    /// Looks at the ring. Returns how many bytes it holds.
    fn look(&mut self) -> usize {
        self.seen_before = self.seen;
        self.seen = self.ring.ring().published();
        (self.seen - self.at) as usize * 8
    }

    /// Returns the stamp of the next record, after announcements and damaged words.
    fn next_ticks(&mut self, horizon: u64, lost: &mut u64) -> Option<u64> {
        self.next(horizon, lost).map(|(_, ticks, _, _)| ticks)
    }

    /// Returns the next record: its header, the stamp that orders it, its own stamp, and its length in words.
    ///
    /// Announcements of threads are taken from the side queue on the way, once each, because the position moves past
    /// the word. The two stamps differ for a record that was there at the previous look: it is ordered as if it were
    /// stamped at the horizon, and still shows its own time.
    #[inline(always)]
    fn next(&mut self, horizon: u64, lost: &mut u64) -> Option<(Header, u64, u64, u64)> {
        loop {
            match self.ring.frame(self.at, self.seen)? {
                Frame::Record { header, ticks, words } => {
                    let is_old = self.at < self.seen_before;
                    return Some((header, if is_old { ticks.min(horizon) } else { ticks }, ticks, words));
                }
                Frame::Thread => {
                    if let Some(Spilled::Thread(thread)) = self.ring.next_spilled() {
                        self.thread = thread;
                    }
                    self.pass(self.at + 1);
                }
                Frame::Broken => {
                    // Where the next record begins is unknown. Continue with what is published after this look.
                    let published = self.ring.ring().settled_records(self.seen);
                    *lost += published.saturating_sub(self.records);
                    self.records = published;
                    self.pass(self.seen);
                }
            }
        }
    }

    /// Moves to `at` and frees the words before it.
    fn pass(&mut self, at: u64) {
        self.at = at;
        self.ring.ring().free(at);
    }

    /// Hands out the records before the first one stamped after `until`. Returns their number.
    ///
    /// Each record is copied and its words are freed *before* it is handled: a handler that takes seconds over one
    /// record holds up one copy, and not a part of the ring that its producer waits for.
    fn drain(
        &mut self,
        until: u64,
        horizon: u64,
        payload: &mut Vec<u8>,
        lost: &mut u64,
        handle: &mut impl FnMut(Next<'_>),
    ) -> usize {
        let mut count = 0;
        while let Some((header, key, ticks, words)) = self.next(horizon, lost)
            && key <= until
        {
            self.records += 1;
            count += 1;
            if header.is_spilled() {
                // The header is freed before the payload is taken: the producer needs no payload to go on.
                self.pass(self.at + words);
                let payload = match self.ring.next_spilled() {
                    Some(Spilled::Payload(payload)) => payload,
                    _ => Box::default(),
                };
                handle(Next { header, ticks, thread: &self.thread, payload: &payload });
            } else {
                let header_words = HEADER_WORDS as u64;
                self.ring.ring().copy(self.at + header_words, (words - header_words) as usize, payload);
                self.pass(self.at + words);
                handle(Next { header, ticks, thread: &self.thread, payload });
            }
            self.ring.wake_owner();
        }
        count
    }
}

impl CommonInbox {
    /// Notes how many records the channel has. The channel cannot be looked at without popping, so the next record is
    /// popped, and kept in `first` until its turn comes; its room is still taken until then.
    fn look(&mut self, lane: &PerThread) -> usize {
        let held = lane.common().len() + usize::from(self.first.is_some());
        self.seen_before = self.seen;
        self.seen = self.at + held as u64;
        held * size_of::<Packet>()
    }

    /// Returns the stamp that orders the next record, if this look has seen it.
    fn next_ticks(&mut self, lane: &PerThread, horizon: u64) -> Option<u64> {
        if self.at >= self.seen {
            return None;
        }
        if self.first.is_none() {
            self.first = lane.common().pop_owing();
        }
        let ticks = self.first.as_ref()?.0.ticks;
        Some(if self.at < self.seen_before { ticks.min(horizon) } else { ticks })
    }

    /// Hands out the records stamped at `until` or before. Returns their number.
    fn drain(&mut self, lane: &PerThread, until: u64, horizon: u64, handle: &mut impl FnMut(Next<'_>)) -> usize {
        let mut count = 0;
        while self.next_ticks(lane, horizon).is_some_and(|key| key <= until) {
            let Some((packet, cost)) = self.first.take() else { break };
            self.at += 1;
            count += 1;
            self.owed = self.owed.plus(cost);
            if self.owed.records() >= OWED {
                self.settle(lane);
            }
            let Packet { header, ticks, thread, payload } = &packet;
            handle(Next { header: *header, ticks: *ticks, thread, payload });
        }
        count
    }

    /// Gives back the room of the records that were handed out.
    fn settle(&mut self, lane: &PerThread) {
        lane.common().room().give_back(std::mem::replace(&mut self.owed, Cost::NOTHING));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::level::Level;
    use crate::record::Prefix;
    use crate::value::WordSink;

    fn lane(ring: usize, most: usize) -> Lane {
        Lane::PerThread(PerThread::new(ring, most))
    }

    fn rings(lane: &Lane) -> &PerThread {
        let Lane::PerThread(lane) = lane else { panic!("a queue with rings") };
        lane
    }

    fn info(id: u64) -> Arc<ThreadInfo> {
        Arc::new(ThreadInfo { id, ..ThreadInfo::unknown() })
    }

    fn header() -> Header {
        Header::new(1, Level::Info, Prefix::None)
    }

    fn push(ring: &ThreadRing, ticks: u64, payload: u64) {
        assert!(ring.push_bytes(3, true, header(), ticks, &payload.to_le_bytes()));
    }

    /// One look: (thread, ticks, payload) of what comes out up to the horizon.
    fn look(inbox: &mut Inbox, lane: &Lane, horizon: u64) -> Vec<(u64, u64, u64)> {
        let mut records = Vec::new();
        inbox.look(lane);
        inbox.drain(lane, horizon, |next| {
            let payload = u64::from_le_bytes(next.payload[..8].try_into().unwrap());
            records.push((next.thread.id, next.ticks, payload));
        });
        records
    }

    #[test]
    fn what_is_stamped_ahead_waits_for_one_look_and_no_longer() {
        let lane = lane(4096, 1 << 20);
        let mut inbox = Inbox::new(&lane);
        let [ahead, other] = [1, 2].map(|thread| rings(&lane).claim(&info(thread)).unwrap());
        // The counter of one core is far ahead of the other's.
        push(&ahead, 1 << 50, 1);
        push(&ahead, 12, 2);
        push(&other, 11, 3);
        assert_eq!(look(&mut inbox, &lane, 20), [(2, 11, 3)]);
        push(&other, 30, 4);
        push(&ahead, 29, 5);
        // It counts as stamped at the horizon: what is stamped earlier still goes first.
        assert_eq!(look(&mut inbox, &lane, 35), [(2, 30, 4), (1, 1 << 50, 1), (1, 12, 2), (1, 29, 5)]);
        assert!(ahead.ring().is_empty() && other.ring().is_empty());
    }

    #[test]
    fn a_broken_record_costs_those_after_it_that_are_there_and_no_others() {
        // Too long, too short, and nothing.
        for broken in [header().with_words(1000).word(), header().with_words(1).word(), 0] {
            let lane = lane(4096, 1 << 20);
            let mut inbox = Inbox::new(&lane);
            let ring = rings(&lane).claim(&info(1)).unwrap();
            push(&ring, 1, 10);
            ring.ring().push(2, true, |writer| writer.words(&[broken, 2]));
            push(&ring, 3, 30);
            assert_eq!(look(&mut inbox, &lane, 5), [(1, 1, 10)]);
            assert_eq!((inbox.take_lost(), inbox.take_lost()), (2, 0));
            assert!(ring.ring().is_empty());
            push(&ring, 6, 60);
            assert_eq!(look(&mut inbox, &lane, 10), [(1, 6, 60)]);
            assert_eq!((inbox.take_lost(), rings(&lane).published()), (0, 4));
        }
    }

    #[test]
    fn threads_without_a_ring_are_merged_with_those_that_have_one() {
        // Memory for one ring.
        let lane = lane(4096, 8192);
        let mut inbox = Inbox::new(&lane);
        let ring = rings(&lane).claim(&info(1)).unwrap();
        assert!(rings(&lane).claim(&info(2)).is_none());
        let common = |thread, ticks, payload: u64| {
            let payload = payload.to_le_bytes().as_slice().into();
            assert!(rings(&lane).common().room().try_take(rings(&lane).common().cost(8), true));
            assert!(rings(&lane).push_common(Packet { header: header(), ticks, thread: info(thread), payload }));
        };
        push(&ring, 10, 1);
        common(2, 11, 2);
        push(&ring, 12, 3);
        common(3, 14, 4);
        // Stamped before the last one and queued after it: it gets that one's stamp.
        common(2, 13, 5);
        push(&ring, 30, 6);
        assert_eq!(look(&mut inbox, &lane, 20), [(1, 10, 1), (2, 11, 2), (1, 12, 3), (3, 14, 4), (2, 14, 5)]);
        common(2, 25, 7);
        assert_eq!(look(&mut inbox, &lane, 40), [(2, 25, 7), (1, 30, 6)]);
        assert_eq!(rings(&lane).published(), 7);
        // Everything but the ring was given back.
        assert_eq!(rings(&lane).common().room().used(), Cost::bytes(4096));
    }

    proptest! {
        /// However records are spread over rings and looks, they come out by their stamps, each thread's in its order.
        #[test]
        fn records_come_out_by_their_stamps(
            steps in prop::collection::vec((0..6_usize, 1..4_u64, any::<bool>()), 1..200),
        ) {
            let lane = lane(64 * 1024, 1 << 20);
            let mut inbox = Inbox::new(&lane);
            let threads: Vec<_> = (0..6).map(|thread| rings(&lane).claim(&info(thread)).unwrap()).collect();
            let (mut now, mut logged, mut seen) = (0, Vec::new(), Vec::new());
            for (number, (thread, pause, looks)) in steps.into_iter().enumerate() {
                now += pause;
                push(&threads[thread], now, number as u64);
                logged.push((thread as u64, now, number as u64));
                if looks {
                    seen.extend(look(&mut inbox, &lane, now));
                }
            }
            seen.extend(look(&mut inbox, &lane, now));
            prop_assert_eq!(seen, logged);
        }
    }
}
