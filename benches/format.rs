//! What a record costs its handler's thread, by kind of call: taking it out of the ring and making it a line of text.
//!
//! ```text
//! cargo bench --bench format
//! ```
//!
//! 10,000 records wait in a ring while the handler's thread sleeps; what is timed is the flush that formats them all, with the default
//! formatter, into a writer that drops the text. Divide by 10,000, or read the elements per second.
//! Compare with `baseline/hand-written consumer`.

mod common;

use std::io;
use std::thread;
use std::time::Duration;

use common::calls::{self, Visit};
use common::{PATIENCE, Timer, criterion};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use femtologging::{Config, FemtoStreamHandler, IdlePolicy, Level, Transport};

const RECORDS: u64 = 10_000;

/// Sleeps as soon as there is nothing to do, and until it is woken.
const SLEEPY: IdlePolicy =
    IdlePolicy { spin: Duration::ZERO, first_sleep: Duration::from_secs(1), longest_sleep: Duration::from_secs(1) };

struct Bench<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    timer: Timer,
    logged: u64,
}

impl Visit for Bench<'_> {
    fn visit(&mut self, name: &str, call: impl Fn(u64)) {
        let Self { group, timer, logged } = self;
        group.bench_function(format!("{name} × 10,000"), |b| {
            b.iter_custom(|times| {
                let run = |_| {
                    // Long enough for the handler's thread to fall asleep.
                    thread::sleep(Duration::from_millis(1));
                    (0..RECORDS).for_each(&call);
                    *logged += RECORDS;
                    timer.time(|| femtologging::flush(PATIENCE).expect("the handler keeps up"))
                };
                Duration::from_nanos((0..times).map(run).sum::<f64>() as u64)
            });
        });
    }
}

/// Returns how many records were logged.
fn measure(criterion: &mut Criterion) -> u64 {
    let mut group = criterion.benchmark_group("format");
    group.throughput(Throughput::Elements(RECORDS));
    let mut bench = Bench { group, timer: Timer::new(), logged: 0 };
    calls::visit_all(&mut bench);
    bench.group.finish();
    bench.logged
}

fn main() {
    let handler = FemtoStreamHandler::new(io::sink())
        .transport(Transport::PerThread { bytes: 4 << 20 })
        .idle(SLEEPY)
        .build()
        .expect("the settings are right");
    Config::builder()
        .default_level(Level::Info)
        .add_handler("sink", handler)
        .build_and_init()
        .expect("the configuration is right");

    let mut criterion = criterion();
    let logged = measure(&mut criterion);
    let metrics = femtologging::metrics();
    assert_eq!(metrics.handlers[0].written, logged, "{metrics}");
    criterion.final_summary();
}
