//! What is possible: the least a call can do, and a logger written by hand for two calls.
//!
//! The ring is the library's, without its conveniences: no call sites but two, no levels, no thread-local, no merging of threads by time,
//! no filters, no escaping. The text is the library's, byte for byte.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::time::{Duration, SystemTime};

use femtologging::time::Timestamp;

use super::Pause;

/// As many as a default ring of the library has.
const WORDS: usize = 1 << 15;

/// The ids of the two calls that the logger knows: three numbers, and four key-values.
const NUMBERS: u64 = 7;
const REQUEST: u64 = 8;

/// Words before the values of a record: call site and length, ticks.
const HEADER: usize = 2;

/// The words of the longer record: number, number, flag, and the text with its length.
const MOST: usize = HEADER + 5;

/// How much text is written at once.
const FULL: usize = 1 << 18;

const TARGET: &[u8] = super::calls::TARGET.as_bytes();

#[repr(align(128))]
struct Line<T>(T);

/// The cycle counter, read in place as the library does where that is possible: quanta's call is not inlined.
struct Counter {
    clock: quanta::Clock,
    is_in_place: bool,
}

impl Counter {
    fn new() -> Self {
        let clock = quanta::Clock::new();
        let (before, between, after) = (cycles(), clock.raw(), cycles());
        let is_in_place = before.zip(after).is_some_and(|(before, after)| (before..=after).contains(&between));
        Self { clock, is_in_place }
    }

    #[inline(always)]
    fn read(&self) -> u64 {
        match cycles() {
            Some(cycles) if self.is_in_place => cycles,
            _ => self.clock.raw(),
        }
    }
}

#[inline(always)]
fn cycles() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    return Some(unsafe { std::arch::x86_64::_rdtsc() });
    #[cfg(not(target_arch = "x86_64"))]
    None
}

pub struct Ring {
    counter: Counter,
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
            counter: Counter::new(),
            producer: Line([AtomicU64::new(0), AtomicU64::new(WORDS as u64)]),
            tail: Line(AtomicU64::new(0)),
            head: Line(AtomicU64::new(0)),
            words: words.try_into().expect("there are as many"),
        }
    }

    /// The floor: reads the cycle counter, stores a record of three numbers, publishes it. Nobody reads it.
    #[inline(always)]
    pub fn store(&self, i: u64) {
        self.publish(NUMBERS, numbers(i));
    }

    /// The same for a ring with a reader: waits for room first.
    #[inline(always)]
    pub fn push(&self, i: u64) {
        self.wait_for_room(HEADER + numbers(i).len());
        self.publish(NUMBERS, numbers(i));
    }

    /// Stores the record of `calls::request`, when there is room.
    #[inline(always)]
    pub fn push_request(&self, i: u64) {
        let path = super::calls::PATH;
        let mut text = [0; 8];
        text[..path.len()].copy_from_slice(path.as_bytes());
        let values = [
            i,
            (i as f64 * 0.5).to_bits(),
            u64::from(i.is_multiple_of(2)),
            path.len() as u64,
            u64::from_le_bytes(text),
        ];
        self.wait_for_room(HEADER + values.len());
        self.publish(REQUEST, values);
    }

    #[inline(always)]
    fn publish<const N: usize>(&self, site: u64, values: [u64; N]) {
        let at = self.producer.0[0].load(Relaxed);
        let length = (HEADER + N) as u64;
        let header = [site << 32 | length, self.counter.read()];
        let first = at as usize & (WORDS - 1);
        match self.words.get(first..first + HEADER + N).and_then(|slots| slots.split_at_checked(HEADER)) {
            Some((before, after)) => {
                before.iter().zip(header).for_each(|(slot, word)| slot.store(word, Relaxed));
                after.iter().zip(values).for_each(|(slot, word)| slot.store(word, Relaxed));
            }
            // Over the end of the ring.
            None => {
                for (n, word) in header.into_iter().chain(values).enumerate() {
                    self.words[(first + n) & (WORDS - 1)].store(word, Relaxed);
                }
            }
        }
        self.producer.0[0].store(at + length, Relaxed);
        self.tail.0.store(at + length, Release);
    }

    #[inline(always)]
    fn wait_for_room(&self, length: usize) {
        let [at, limit] = &self.producer.0;
        if at.load(Relaxed) + length as u64 > limit.load(Relaxed) {
            self.wait(length as u64);
        }
    }

    #[cold]
    fn wait(&self, length: u64) {
        let [at, limit] = &self.producer.0;
        for step in 0_u32.. {
            limit.store(self.head.0.load(Acquire) + WORDS as u64, Relaxed);
            if at.load(Relaxed) + length <= limit.load(Relaxed) {
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
            match word(0) >> 32 {
                NUMBERS => lines.append_numbers(thread, word(1), [word(2), word(3), word(4)]),
                REQUEST => lines.append_request(thread, std::array::from_fn::<_, MOST, _>(word)),
                _ => {}
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

fn numbers(i: u64) -> [u64; 3] {
    [i as i32 as i64 as u64, (i * 2) as i32 as i64 as u64, (i as f64 * 0.5).to_bits()]
}

/// How the records of `calls::request` are written: as the library's formatters of these names do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    Text,
    Json,
    Logfmt,
    /// By [`PATTERN`].
    Pattern,
}

pub const PATTERN: &str = "%(asctime)s %(levelname)-8s %(name)s [%(threadName)s] %(message)s %(key_values)s";

/// Text lines, written by hand.
pub struct Lines {
    pub text: Vec<u8>,
    format: Format,
    anchor: (u64, u64),
    /// Nanoseconds per tick, times 2³².
    scale: u128,
    /// The second that `date` is the text of.
    second: u64,
    date: Vec<u8>,
    int: itoa::Buffer,
    float: ryu::Buffer,
    /// The path of the function that makes requests.
    function: &'static str,
}

/// As many digits as the ids of the few threads have.
const THREAD_ID: u64 = 2;

impl Lines {
    pub fn new(format: Format) -> Self {
        let clock = quanta::Clock::new();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later");
        Self {
            text: Vec::with_capacity(FULL + 1024),
            format,
            anchor: (clock.raw(), now.as_nanos() as u64),
            scale: u128::from(clock.delta_as_nanos(0, 1 << 32)),
            second: 0,
            date: Vec::new(),
            int: itoa::Buffer::new(),
            float: ryu::Buffer::new(),
            function: std::any::type_name_of_val(&super::calls::request),
        }
    }

    /// Appends the date and the time with `digits` of the second's fraction.
    #[inline(always)]
    fn append_time<const DIGITS: usize>(&mut self, ticks: u64) {
        let elapsed = (u128::from(ticks.saturating_sub(self.anchor.0)) * self.scale) >> 32;
        let nanos = self.anchor.1 + elapsed as u64;
        if nanos / 1_000_000_000 != self.second {
            self.second = nanos / 1_000_000_000;
            let time = Timestamp::from_nanos(nanos as i64).to_string();
            self.date = time.as_bytes()[..20].to_vec();
            if self.format == Format::Pattern {
                (self.date[10], self.date[19]) = (b' ', b',');
            }
        }
        let mut fraction = (nanos % 1_000_000_000) as u32 / 10_u32.pow(9 - DIGITS as u32);
        let mut digits = [0; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
        self.text.extend_from_slice(&self.date);
        self.text.extend_from_slice(&digits);
    }

    #[inline(always)]
    fn append_numbers(&mut self, thread: &str, ticks: u64, [first, second, third]: [u64; 3]) {
        self.append_time::<6>(ticks);
        let out = &mut self.text;
        out.extend_from_slice(b"Z INFO  ");
        out.extend_from_slice(TARGET);
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

    #[inline(always)]
    fn append_request(&mut self, thread: &str, [_, ticks, id, elapsed, cached, length, path]: [u64; MOST]) {
        let path = &path.to_le_bytes()[..length as usize];
        let elapsed = f64::from_bits(elapsed);
        let cached: &[u8] = if cached != 0 { b"true" } else { b"false" };
        if self.format == Format::Json {
            self.text.extend_from_slice(b"{\"timestamp\":\"");
            self.append_time::<6>(ticks);
            let out = &mut self.text;
            out.extend_from_slice(b"Z\",\"level\":\"INFO\",\"message\":\"Logging request\",\"logger\":\"");
            out.extend_from_slice(TARGET);
            out.extend_from_slice(b"\",\"thread\":\"");
            out.extend_from_slice(thread.as_bytes());
            out.extend_from_slice(b"\",\"thread_id\":");
            out.extend_from_slice(self.int.format(THREAD_ID).as_bytes());
            out.extend_from_slice(b",\"file\":\"");
            out.extend_from_slice(super::calls::FILE.as_bytes());
            out.extend_from_slice(b"\",\"line\":");
            out.extend_from_slice(self.int.format(super::calls::REQUEST_LINE).as_bytes());
            out.extend_from_slice(b",\"function\":\"");
            out.extend_from_slice(self.function.as_bytes());
            out.extend_from_slice(b"\",\"fields\":{\"id\":");
            out.extend_from_slice(self.int.format(id).as_bytes());
            out.extend_from_slice(b",\"elapsed\":");
            out.extend_from_slice(self.float.format(elapsed).as_bytes());
            out.extend_from_slice(b",\"cached\":");
            out.extend_from_slice(cached);
            out.extend_from_slice(b",\"path\":\"");
            out.extend_from_slice(path);
            out.extend_from_slice(b"\"}}\n");
            return;
        }
        let [before_level, before_thread, before_message, after_message]: [&[u8]; 4] = match self.format {
            Format::Text => [b"Z INFO  ", b" [", b"] ", b" id="],
            Format::Pattern => [b" INFO     ", b" [", b"] ", b" id="],
            _ => [b"Z level=info logger=", b" thread=", b" msg=\"", b"\" id="],
        };
        match self.format {
            Format::Pattern => self.append_time::<3>(ticks),
            Format::Logfmt => {
                self.text.extend_from_slice(b"time=");
                self.append_time::<6>(ticks);
            }
            _ => self.append_time::<6>(ticks),
        }
        let out = &mut self.text;
        out.extend_from_slice(before_level);
        out.extend_from_slice(TARGET);
        out.extend_from_slice(before_thread);
        out.extend_from_slice(thread.as_bytes());
        out.extend_from_slice(before_message);
        out.extend_from_slice(b"Logging request");
        out.extend_from_slice(after_message);
        out.extend_from_slice(self.int.format(id).as_bytes());
        out.extend_from_slice(b" elapsed=");
        let float = self.float.format(elapsed);
        out.extend_from_slice(float.strip_suffix(".0").unwrap_or(float).as_bytes());
        out.extend_from_slice(b" cached=");
        out.extend_from_slice(cached);
        out.extend_from_slice(b" path=");
        out.extend_from_slice(path);
        out.push(b'\n');
    }
}

/// The hand-written consumer: writes the records of named rings to a file until `stop`.
pub fn consume(rings: &[(Ring, String)], stop: &AtomicBool, mut file: File, format: Format) {
    let mut lines = Lines::new(format);
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
