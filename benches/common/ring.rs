//! What is possible: the least a call can do, and a logger written by hand for a single call.
//!
//! The ring is the library's, without its conveniences: no call sites but one, no levels, no thread-local, no merging of threads by time,
//! no filters, no escaping. The text is the library's, byte for byte.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::time::{Duration, SystemTime};

use femtologging::time::Timestamp;

use super::Pause;

/// As many as a default ring of the library has.
const WORDS: usize = 1 << 15;

/// The words of a record: call site and length, ticks, three numbers.
const RECORD: usize = 5;
const SITE: u64 = 7;

/// How much text is written at once.
const FULL: usize = 1 << 18;

#[repr(align(128))]
struct Line<T>(T);

pub struct Ring {
    clock: quanta::Clock,
    /// The producer's position, and up to where it may write before it looks at `head` again.
    producer: Line<[AtomicU64; 2]>,
    tail: Line<AtomicU64>,
    head: Line<AtomicU64>,
    words: Box<[AtomicU64; WORDS]>,
}

impl Ring {
    pub fn new() -> Self {
        // Not zero, so that every page is touched now.
        let words: Box<[_]> = (0..WORDS).map(|_| AtomicU64::new(1)).collect();
        Self {
            clock: quanta::Clock::new(),
            producer: Line([AtomicU64::new(0), AtomicU64::new(WORDS as u64)]),
            tail: Line(AtomicU64::new(0)),
            head: Line(AtomicU64::new(0)),
            words: words.try_into().expect("there are as many"),
        }
    }

    /// The floor: reads the cycle counter, stores a record of three numbers, publishes it. Nobody reads it.
    #[inline(always)]
    pub fn store(&self, i: u64) {
        let at = self.producer.0[0].load(Relaxed);
        let record = [
            SITE << 32 | RECORD as u64,
            self.clock.raw(),
            i as i32 as i64 as u64,
            (i * 2) as i32 as i64 as u64,
            (i as f64 * 0.5).to_bits(),
        ];
        for (n, word) in record.into_iter().enumerate() {
            self.words[(at as usize + n) & (WORDS - 1)].store(word, Relaxed);
        }
        self.producer.0[0].store(at + RECORD as u64, Relaxed);
        self.tail.0.store(at + RECORD as u64, Release);
    }

    /// The same for a ring with a reader: waits for room first.
    #[inline(always)]
    pub fn push(&self, i: u64) {
        let [at, limit] = &self.producer.0;
        if at.load(Relaxed) + RECORD as u64 > limit.load(Relaxed) {
            self.wait();
        }
        self.store(i);
    }

    #[cold]
    fn wait(&self) {
        let [at, limit] = &self.producer.0;
        for step in 0_u32.. {
            limit.store(self.head.0.load(Acquire) + WORDS as u64, Relaxed);
            if at.load(Relaxed) + RECORD as u64 <= limit.load(Relaxed) {
                return;
            }
            match step {
                0..6 => (0..1 << step).for_each(|_| std::hint::spin_loop()),
                6..16 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(20)),
            }
        }
    }

    /// Formats all records that are there. `full` gets the text whenever there is much of it.
    #[inline(always)]
    pub fn drain(&self, lines: &mut Lines, thread: &str, mut full: impl FnMut(&mut Vec<u8>)) -> bool {
        let (tail, mut head) = (self.tail.0.load(Acquire), self.head.0.load(Relaxed));
        let empty = head == tail;
        while head < tail {
            let word = |n: usize| self.words[(head as usize + n) & (WORDS - 1)].load(Relaxed);
            if word(0) >> 32 == SITE {
                lines.append(thread, word(1), [word(2), word(3), word(4)]);
            }
            head += u64::from(word(0) as u32);
            if lines.text.len() >= FULL {
                self.head.0.store(head, Release);
                full(&mut lines.text);
            }
        }
        self.head.0.store(head, Release);
        !empty
    }
}

/// Text lines, written by hand.
pub struct Lines {
    pub text: Vec<u8>,
    anchor: (u64, u64),
    /// Nanoseconds per tick, times 2³².
    scale: u128,
    /// The second that `date` is the text of.
    second: u64,
    date: Vec<u8>,
    int: itoa::Buffer,
    float: ryu::Buffer,
}

impl Lines {
    pub fn new() -> Self {
        let clock = quanta::Clock::new();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later");
        Self {
            text: Vec::with_capacity(FULL + 1024),
            anchor: (clock.raw(), now.as_nanos() as u64),
            scale: u128::from(clock.delta_as_nanos(0, 1 << 32)),
            second: 0,
            date: Vec::new(),
            int: itoa::Buffer::new(),
            float: ryu::Buffer::new(),
        }
    }

    #[inline(always)]
    fn append(&mut self, thread: &str, ticks: u64, [first, second, third]: [u64; 3]) {
        let elapsed = (u128::from(ticks.saturating_sub(self.anchor.0)) * self.scale) >> 32;
        let nanos = self.anchor.1 + elapsed as u64;
        if nanos / 1_000_000_000 != self.second {
            self.second = nanos / 1_000_000_000;
            let time = Timestamp::from_nanos(nanos as i64).to_string();
            self.date = time.as_bytes()[..20].to_vec();
        }
        let mut micros = (nanos % 1_000_000_000 / 1_000) as u32;
        let mut digits = *b"000000Z";
        for digit in digits[..6].iter_mut().rev() {
            *digit = b'0' + (micros % 10) as u8;
            micros /= 10;
        }
        let out = &mut self.text;
        out.extend_from_slice(&self.date);
        out.extend_from_slice(&digits);
        out.extend_from_slice(b" INFO  ");
        out.extend_from_slice(super::calls::TARGET.as_bytes());
        out.extend_from_slice(b" [");
        out.extend_from_slice(thread.as_bytes());
        out.extend_from_slice(b"] Logging int: ");
        out.extend_from_slice(self.int.format(first as i64).as_bytes());
        out.extend_from_slice(b", int: ");
        out.extend_from_slice(self.int.format(second as i64).as_bytes());
        out.extend_from_slice(b", double: ");
        let float = self.float.format(f64::from_bits(third));
        out.extend_from_slice(float.strip_suffix(".0").unwrap_or(float).as_bytes());
        out.push(b'\n');
    }
}

/// The hand-written consumer: writes the records of named rings to a file until `stop`.
pub fn consume(rings: &[(Ring, String)], stop: &AtomicBool, mut file: File) {
    let mut lines = Lines::new();
    let mut write = |text: &mut Vec<u8>| {
        file.write_all(text).expect("the file can be written");
        text.clear();
    };
    let mut idle = 0;
    loop {
        let stopping = stop.load(Acquire);
        let mut any = false;
        for (ring, thread) in rings {
            any |= ring.drain(&mut lines, thread, &mut write);
        }
        if any {
            idle = 0;
        } else {
            write(&mut lines.text);
            if stopping {
                return;
            }
            idle += 1;
        }
        let pause = Duration::from_micros(if idle > 16 { 50 } else { 2 });
        if idle > 16 { Pause::Sleep(pause) } else { Pause::Spin(pause) }.take();
    }
}
