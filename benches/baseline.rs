//! The floor: what the parts of a log call cost without a library.
//!
//! ```text
//! cargo bench --bench baseline
//! ```
//!
//! | benchmark | what it measures |
//! |---|---|
//! | `floor` | reads the cycle counter, stores five words into an array as large as a ring, publishes them with one release store; bursts of 20, 100 µs apart |
//! | `hand-written push` | the same for a ring that has a reader: waits for room |
//! | `relaxed load and compare`, ten of them | what a disabled call cannot do without |
//! | `cycle counter`, `SystemTime::now` | the two ways to stamp a record |
//! | `core::fmt` | formats the message of three numbers into a reused buffer |
//! | `hand-written consumer` | takes 6,000 records out of a ring and makes them lines of text, with `itoa` and `ryu` |

mod common;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

use common::calls::ten_bare;
use common::ring::{Format, Lines, Ring};
use common::{Timer, criterion, in_bursts};
use criterion::{Criterion, Throughput};

fn producer(c: &mut Criterion) {
    let timer = Timer::new();
    let ring = Ring::new();
    c.bench_function("baseline/floor", |b| b.iter_custom(|calls| in_bursts(&timer, calls, |i| ring.store(i))));

    let (ring, mut lines) = (Ring::new(), Lines::new(Format::Text));
    c.bench_function("baseline/hand-written push", |b| {
        b.iter_custom(|calls| {
            let time = in_bursts_of(&timer, calls, &ring, &mut lines);
            lines.text.clear();
            time
        });
    });

    c.bench_function("baseline/relaxed load and compare × 10", |b| b.iter(|| ten_bare(black_box(1))));
}

/// [`in_bursts`], with the ring emptied now and then by the same thread.
fn in_bursts_of(timer: &Timer, calls: u64, ring: &Ring, lines: &mut Lines) -> Duration {
    const AT_ONCE: u64 = 5_000;
    let mut time = Duration::ZERO;
    let mut left = calls;
    while left > 0 {
        let now = left.min(AT_ONCE);
        time += in_bursts(timer, now, |i| ring.push(i));
        ring.drain(lines, "main", Vec::clear);
        left -= now;
    }
    time
}

fn clocks(c: &mut Criterion) {
    let clock = quanta::Clock::new();
    c.bench_function("baseline/cycle counter", |b| b.iter(|| clock.raw()));
    c.bench_function("baseline/SystemTime::now", |b| b.iter(SystemTime::now));
}

fn consumer(c: &mut Criterion) {
    const RECORDS: u64 = 6_000;
    let mut text = String::with_capacity(100);
    c.bench_function("baseline/core::fmt", |b| {
        b.iter(|| {
            text.clear();
            let (i, j, d) = black_box((17_i32, 34_i32, 8.5_f64));
            let _ = write!(text, "Logging int: {i}, int: {j}, double: {d}");
            black_box(text.len())
        });
    });

    let (timer, ring, mut lines) = (Timer::new(), Ring::new(), Lines::new(Format::Text));
    let mut group = c.benchmark_group("baseline");
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("hand-written consumer × 6,000", |b| {
        b.iter_custom(|times| {
            let run = |_| {
                (0..RECORDS).for_each(|i| ring.push(i));
                let ns = timer.time(|| {
                    ring.drain(&mut lines, "main", Vec::clear);
                });
                lines.text.clear();
                ns
            };
            Duration::from_nanos((0..times).map(run).sum::<f64>() as u64)
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = criterion();
    producer(&mut criterion);
    clocks(&mut criterion);
    consumer(&mut criterion);
    criterion.final_summary();
}
