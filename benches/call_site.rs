//! What a call costs its caller, by kind of call.
//!
//! ```text
//! cargo bench --bench call_site
//! ```
//!
//! Calls come in bursts of 20 with 100 µs between them, so that the ring never fills; only the bursts are timed. The handler
//! takes records and does nothing, and every record is counted at the end. Disabled calls are measured ten at a time.
//! Compare with `baseline/floor` and `baseline/relaxed load and compare × 10`; `cargo bench --bench percentiles` does so itself.

mod common;

use std::hint::black_box;

use common::calls::{self, NUMBERS, Visit};
use common::{Timer, criterion, finish, in_bursts, start};
use criterion::Criterion;

struct Bench<'a> {
    criterion: &'a mut Criterion,
    timer: Timer,
    logged: u64,
}

impl Visit for Bench<'_> {
    fn visit(&mut self, name: &str, call: impl Fn(u64)) {
        let Self { criterion, timer, logged } = self;
        criterion.bench_function(&format!("call_site/{name}"), |b| {
            b.iter_custom(|calls| {
                *logged += calls;
                in_bursts(timer, calls, &call)
            });
        });
    }
}

fn main() {
    let mut criterion = criterion();
    start(1);
    criterion.bench_function("call_site/disabled × 10", |b| b.iter(|| calls::ten_disabled(black_box(1))));
    criterion
        .bench_function("call_site/`enabled!`, not so, × 10", |b| b.iter(|| calls::ten_not_enabled(black_box(1))));
    criterion.bench_function("call_site/turned away by `first`, × 10", |b| {
        b.iter(|| calls::ten_turned_away(black_box(1)));
    });
    criterion
        .bench_function("call_site/turned away by `sample`, × 10", |b| b.iter(|| calls::ten_counted(black_box(1))));
    let span = calls::quiet_span();
    criterion.bench_function("call_site/span entered and left × 10", |b| {
        b.iter(|| calls::ten_entered(&span, black_box(1)));
    });
    criterion
        .bench_function("call_site/span made, entered and left × 10", |b| b.iter(|| calls::ten_made(black_box(1))));
    let mut bench = Bench { criterion: &mut criterion, timer: Timer::new(), logged: 0 };
    calls::visit_all(&mut bench);
    finish(bench.logged);

    start(2);
    bench.logged = 0;
    bench.visit(&format!("{NUMBERS}, two handlers"), calls::numbers);
    finish(bench.logged);
    criterion.final_summary();
}
