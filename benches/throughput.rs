//! How fast records of three numbers get into a file, all of them.
//!
//! ```text
//! cargo bench --bench throughput
//! ```
//!
//! An iteration logs 200,000 records from one thread, or from four together, to a real file in a temporary directory and waits until they are
//! flushed. The lines are counted afterwards; a run that lost one panics. Ratios to a hand-written logger,
//! and memory, are in `cargo bench --bench rates`.

mod common;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, calls, check_lines, criterion};
use criterion::{SamplingMode, Throughput};
use femtologging::{Config, FemtoFileHandler, Level};

const RECORDS: u64 = 200_000;

fn run(producers: u64) -> Duration {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let path = dir.path().join("throughput.log");
    let file = FemtoFileHandler::builder().path(&path).build().expect("the file can be opened");
    Config::builder()
        .default_level(Level::Info)
        .add_handler("file", file)
        .build_and_init()
        .expect("the configuration is right");

    let share = RECORDS / producers;
    let start = Instant::now();
    thread::scope(|scope| {
        for producer in 0..producers {
            scope.spawn(move || (producer * share..(producer + 1) * share).for_each(calls::numbers));
        }
    });
    femtologging::flush(PATIENCE).expect("the file can be written");
    let time = start.elapsed();

    femtologging::shutdown(PATIENCE).expect("the handler ends");
    check_lines(&path, share * producers);
    fs::remove_file(&path).expect("the file is there");
    time
}

fn main() {
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("throughput");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(10).sampling_mode(SamplingMode::Flat);
    for producers in [1, 4] {
        let name = format!("to a file, {producers} {}", if producers == 1 { "producer" } else { "producers" });
        group.bench_function(name, |b| b.iter_custom(|times| (0..times).map(|_| run(producers)).sum()));
    }
    group.finish();
    criterion.final_summary();
}
