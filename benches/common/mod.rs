//! What the benchmarks share: the clock they time with, bursts, percentiles, the calls that are measured.

// Every benchmark is a program of its own and uses a part of this.
#![allow(dead_code)]

pub mod calls;
pub mod ring;

use std::fs::File;
use std::hint::{black_box, spin_loop};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;
use femtologging::handler::FemtoNullHandler;
use femtologging::{Config, Level};

/// How many calls are in a burst.
pub const BURST: u64 = 20;

/// How many bursts warm the caches up, uncounted.
const WARM_UP: u64 = 50;

/// The longest wait for a handler.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The settings of the criterion benchmarks: shorter runs than by default.
pub fn criterion() -> Criterion {
    let criterion = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    criterion.configure_from_args()
}

/// How long a program of percentiles or rates shall run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// As `cargo test --benches` runs it: to see that it works.
    Smoke,
    /// With `-- --quick`.
    Quick,
    Full,
}

impl Effort {
    pub fn from_args() -> Self {
        let has = |flag: &str| std::env::args().any(|arg| arg == flag);
        match (has("--bench"), has("--quick")) {
            (_, true) => Self::Quick,
            (true, _) => Self::Full,
            _ => Self::Smoke,
        }
    }

    pub fn rounds(self) -> usize {
        match self {
            Self::Smoke => 1,
            Self::Quick => 3,
            Self::Full => 5,
        }
    }
}

/// A figure that issue 2 sets.
pub struct Target {
    pub what: &'static str,
    pub figure: f64,
    pub bound: Bound,
}

pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Prints the targets as a Markdown table.
pub fn print_targets(targets: &[Target]) {
    println!("\n## Targets\n\n| target | bound | here | |\n|---|---|---|---|");
    for Target { what, figure, bound } in targets {
        let (sign, bound, met) = match bound {
            Bound::AtMost(bound) => ('≤', bound, figure <= bound),
            Bound::AtLeast(bound) => ('≥', bound, figure >= bound),
        };
        println!("| {what} | {sign} {bound} | {figure:.2} | {} |", if met { "met" } else { "**missed**" });
    }
}

/// The clock that calls are timed with: the cycle counter.
#[derive(Clone)]
pub struct Timer {
    clock: quanta::Clock,
    ns_per_tick: f64,
    /// The ticks between two readings with nothing between them: the mean, so that it is finer than the counter's steps.
    nothing: f64,
}

impl Timer {
    pub fn new() -> Self {
        let clock = quanta::Clock::new();
        let ns_per_tick = clock.delta_as_nanos(0, 1_000_000_000) as f64 / 1e9;
        let mut timer = Self { clock, ns_per_tick, nothing: 0.0 };
        let mut means: Vec<f64> = (0..1_000)
            .map(|_| {
                let pairs = (0..BURST).map(|_| {
                    let start = timer.now();
                    timer.now() - start
                });
                pairs.sum::<u64>() as f64 / BURST as f64
            })
            .collect();
        timer.nothing = median(&mut means);
        timer
    }

    #[inline(always)]
    pub fn now(&self) -> u64 {
        self.clock.raw()
    }

    /// Turns the ticks between two readings into nanoseconds, less what the readings cost.
    pub fn ns(&self, ticks: f64) -> f64 {
        (ticks - self.nothing).max(0.0) * self.ns_per_tick
    }

    /// Returns the step that the counter usually moves in, in nanoseconds.
    pub fn step(&self) -> f64 {
        let mut last = self.now();
        let steps = (0..100_000).filter_map(|_| {
            let now = self.now();
            let step = now - std::mem::replace(&mut last, now);
            (step > 0).then_some(step as f64)
        });
        median(&mut steps.collect::<Vec<_>>()) * self.ns_per_tick
    }

    /// Returns the nanoseconds of `work`.
    #[inline(always)]
    pub fn time(&self, work: impl FnOnce()) -> f64 {
        let start = self.now();
        work();
        self.ns((self.now() - start) as f64)
    }
}

/// What a producer does between two bursts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    None,
    Spin(Duration),
    Sleep(Duration),
}

impl Pause {
    /// The pause of most measurements. The processor stays awake, and a ring of records has plenty of time to drain.
    pub const SHORT: Self = Self::Spin(Duration::from_micros(100));

    pub fn take(self) {
        match self {
            Self::None => {}
            Self::Spin(pause) => {
                let start = Instant::now();
                while start.elapsed() < pause {
                    spin_loop();
                }
            }
            Self::Sleep(pause) => thread::sleep(pause),
        }
    }
}

/// The ticks that calls took.
#[derive(Default)]
pub struct Samples {
    calls: Vec<u64>,
    bursts: Vec<u64>,
    /// How many calls were made, the uncounted ones too.
    pub made: u64,
}

/// Makes `2 × bursts` bursts of calls: every other one timed call by call, the others as a whole.
#[inline(always)]
pub fn sample(timer: &Timer, pause: Pause, bursts: u64, call: impl Fn(u64)) -> Samples {
    // Not zero, so that every page is touched now.
    let mut calls = vec![1; (bursts * BURST) as usize];
    let mut wholes = vec![1; bursts as usize];
    let mut made = 0;
    let mut burst = || {
        made += BURST;
        made - BURST..made
    };
    for _ in 0..WARM_UP {
        burst().for_each(&call);
        pause.take();
    }
    for (calls, whole) in calls.chunks_mut(BURST as usize).zip(&mut wholes) {
        for (i, ticks) in burst().zip(calls) {
            let start = timer.now();
            call(i);
            *ticks = timer.now() - start;
        }
        pause.take();
        let range = burst();
        let start = timer.now();
        range.for_each(&call);
        *whole = timer.now() - start;
        pause.take();
    }
    Samples { calls, bursts: wholes, made }
}

/// Returns how long `calls` calls take, in bursts that are timed, with [`Pause::SHORT`] between them.
#[inline(always)]
pub fn in_bursts(timer: &Timer, calls: u64, call: impl Fn(u64)) -> Duration {
    let mut ns = 0.0;
    for burst in 0..calls.div_ceil(BURST) {
        let range = burst * BURST..calls.min((burst + 1) * BURST);
        ns += timer.time(|| range.for_each(&call));
        Pause::SHORT.take();
    }
    Duration::from_nanos(ns as u64)
}

/// Takes samples in several threads at once.
pub fn sample_in_threads(threads: usize, take: impl Fn() -> Samples + Sync) -> Samples {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let start = || {
            barrier.wait();
            take()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(start)).collect();
        let mut all = Samples::default();
        for thread in running {
            let samples = thread.join().expect("a producer panicked");
            all.calls.extend(samples.calls);
            all.bursts.extend(samples.bursts);
            all.made += samples.made;
        }
        all
    })
}

/// What a call costs, in nanoseconds.
#[derive(Clone, Copy)]
pub struct Cost {
    /// The mean call of a burst that is timed as a whole, median of the bursts.
    pub burst: f64,
    /// p50, p90, p99 and p99.9 of single calls.
    pub percentiles: [f64; 4],
}

impl Cost {
    pub fn new(timer: &Timer, mut samples: Samples) -> Self {
        samples.calls.sort_unstable();
        samples.bursts.sort_unstable();
        let at = |sorted: &[u64], part: f64| sorted[(sorted.len() as f64 * part) as usize] as f64;
        Self {
            burst: timer.ns(at(&samples.bursts, 0.5)) / BURST as f64,
            percentiles: [0.5, 0.9, 0.99, 0.999].map(|part| timer.ns(at(&samples.calls, part))),
        }
    }

    /// Returns the medians of several rounds.
    pub fn median(rounds: &[Self]) -> Self {
        let of = |value: &dyn Fn(&Self) -> f64| median(&mut rounds.iter().map(value).collect::<Vec<_>>());
        Self {
            burst: of(&|cost| cost.burst),
            percentiles: [0, 1, 2, 3].map(|which| of(&|cost| cost.percentiles[which])),
        }
    }
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the nanoseconds of one call where one is too short to be timed: `ten` makes ten of them.
#[inline(always)]
pub fn time_tens(timer: &Timer, ten: impl Fn(u64)) -> f64 {
    const TENS: u64 = 1_000;
    let mut runs: Vec<f64> = (0..2_000).map(|_| timer.time(|| (0..TENS).for_each(|i| ten(black_box(i))))).collect();
    median(&mut runs) / (10 * TENS) as f64
}

/// Sets the global logging system up with handlers that do nothing; levels below `Info` are disabled.
pub fn start(handlers: usize) {
    let mut config = Config::builder().default_level(Level::Info);
    for handler in 0..handlers {
        config = config.add_handler(format!("null-{handler}"), FemtoNullHandler);
    }
    config.build_and_init().expect("the configuration is right");
}

/// Shuts the global logging system down, to which `logged` records were logged.
///
/// # Panics
///
/// If a handler did not get every one.
pub fn finish(logged: u64) {
    femtologging::flush(PATIENCE).expect("the handlers keep up");
    for handler in femtologging::metrics().handlers {
        assert_eq!(handler.emitted, logged, "{handler:?}");
        assert_eq!(handler.written, logged, "{handler:?}");
    }
    femtologging::shutdown(PATIENCE).expect("the handlers end");
}

/// Counts the lines of a file.
///
/// # Panics
///
/// If a line is not one of [`calls::numbers`] or [`calls::request`], or there are not exactly `logged`.
pub fn check_lines(path: &Path, logged: u64) {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).expect("the log file exists"));
    let mut line = Vec::new();
    let mut lines = 0;
    while file.read_until(b'\n', &mut line).expect("the log file can be read") > 0 {
        let text = str::from_utf8(&line).expect("the log is text");
        assert!(text.ends_with('\n') && text.contains("Logging "), "not a line of the log: {text:?}");
        lines += 1;
        line.clear();
    }
    assert_eq!(lines, logged, "lines in the file, calls made");
}
