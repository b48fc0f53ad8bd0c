//! The work itself: the same loops for every backend, generic so that each call is inlined as in a program.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::backend::{Backend, Calls};

const BURST: u32 = 20;
const BURSTS: u32 = 5_000;
const WARM_UP_BURSTS: u32 = 50;
const PAUSE: Duration = Duration::from_micros(100);
const MESSAGES: u32 = 1_000_000;
const TEXT: &str = "a string of exactly forty characters ...";

/// How long a file may stand still, after the backend said it is flushed, before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a run does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Latency,
    LatencyString,
    LatencyKv,
    Throughput,
    Throughput4,
    ThroughputKv,
}

impl Work {
    pub const ALL: [Self; 6] =
        [Self::Latency, Self::LatencyString, Self::LatencyKv, Self::Throughput, Self::Throughput4, Self::ThroughputKv];

    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::LatencyString => "latency-string",
            Self::LatencyKv => "latency-kv",
            Self::Throughput => "throughput",
            Self::Throughput4 => "throughput-4",
            Self::ThroughputKv => "throughput-kv",
        }
    }

    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|work| work.name() == name).ok_or_else(|| format!("unknown work {name}").into())
    }

    pub fn is_throughput(self) -> bool {
        matches!(self, Self::Throughput | Self::Throughput4 | Self::ThroughputKv)
    }

    /// Whether its messages have key-values.
    pub fn has_key_values(self) -> bool {
        matches!(self, Self::LatencyKv | Self::ThroughputKv)
    }
}

/// The percentiles that a latency run reports.
pub const PERCENTILES: [f64; 9] = [10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99];

/// What a run found; its `Display` is the machine-readable line.
pub enum Report {
    /// Nanoseconds of one call.
    Latency {
        /// The mean of a burst, median of the bursts: finer than the steps of the cycle counter, which can be 10 ns.
        burst: f64,
        /// Those of [`PERCENTILES`].
        percentiles: [f64; PERCENTILES.len()],
    },
    /// Messages a second, and the peak of the resident set where the system tells it.
    Throughput { rate: f64, rss_kib: Option<u64> },
    /// The file has fewer lines than were logged.
    Lost(u64),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { burst, percentiles } => {
                write!(f, "burst={burst:.1}")?;
                let mut figures = PERCENTILES.iter().zip(percentiles);
                figures.try_for_each(|(percentile, ns)| write!(f, " p{percentile}={ns:.1}"))
            }
            Self::Throughput { rate, rss_kib } => {
                write!(f, "rate={rate:.0}")?;
                rss_kib.map_or(Ok(()), |kib| write!(f, " rss_kib={kib}"))
            }
            Self::Lost(lines) => write!(f, "LOST {lines}"),
        }
    }
}

/// Runs `work` through `B`, with its log file in a fresh directory under `dir`.
pub fn run<B: Backend>(work: Work, dir: &Path) -> Result<Report> {
    if work.is_throughput() && !B::WRITES_A_FILE {
        return Err(format!("{} writes no file: it has no throughput", B::NAME).into());
    }
    let dir = tempfile::tempdir_in(dir)?;
    let path = dir.path().join("peers.log");
    let backend = B::start(&path)?;
    match work {
        Work::Latency => latency(backend, &path, numbers),
        Work::LatencyString => {
            let text = TEXT.to_owned();
            latency(backend, &path, |calls, _| calls.string(&text))
        }
        Work::LatencyKv => latency(backend, &path, key_values),
        Work::Throughput => throughput(backend, &path, 1, numbers),
        Work::Throughput4 => throughput(backend, &path, 4, numbers),
        Work::ThroughputKv => throughput(backend, &path, 1, key_values),
    }
}

fn numbers<C: Calls>(calls: &C, i: u32) {
    calls.numbers(i as i32, (i * 2) as i32, f64::from(i) * 0.5);
}

fn key_values<C: Calls>(calls: &C, i: u32) {
    let half = f64::from(i) * 0.5;
    calls.key_values(u64::from(i), half, i.is_multiple_of(2), "/items");
}

fn latency<B: Backend>(backend: B, path: &Path, mut call: impl FnMut(&B::Calls, u32)) -> Result<Report> {
    let clock = quanta::Clock::new();
    let calls = backend.calls();
    let mut ticks = Vec::with_capacity((BURSTS * BURST) as usize);
    for burst in 0..WARM_UP_BURSTS + BURSTS {
        for i in burst * BURST..(burst + 1) * BURST {
            let start = clock.raw();
            call(&calls, i);
            let end = clock.raw();
            if burst >= WARM_UP_BURSTS {
                ticks.push(end - start);
            }
        }
        let pause = Instant::now();
        while pause.elapsed() < PAUSE {
            std::hint::spin_loop();
        }
    }
    drop(calls);
    backend.finish()?;

    let logged = u64::from((WARM_UP_BURSTS + BURSTS) * BURST);
    if B::WRITES_A_FILE {
        let (lines, _) = wait_for_lines(path, logged)?;
        if lines < logged {
            return Ok(Report::Lost(logged - lines));
        }
    }
    Ok(summary(&clock, ticks))
}

fn summary(clock: &quanta::Clock, mut ticks: Vec<u64>) -> Report {
    let nothing: Vec<u64> = (0..BURSTS * BURST)
        .map(|_| {
            let start = clock.raw();
            let end = clock.raw();
            end - start
        })
        .collect();
    let overhead = median_of_bursts(&nothing);
    let ns_per_tick = clock.delta_as_nanos(0, 1_000_000_000) as f64 / 1e9;
    let ns = |ticks: f64| (ticks - overhead).max(0.0) * ns_per_tick;

    let burst = ns(median_of_bursts(&ticks));
    ticks.sort_unstable();
    let percentiles = PERCENTILES.map(|percent| ns(ticks[(ticks.len() as f64 * percent / 100.0) as usize] as f64));
    Report::Latency { burst, percentiles }
}

/// Returns the median over all bursts of the mean number of ticks of one call.
fn median_of_bursts(ticks: &[u64]) -> f64 {
    let mut sums: Vec<u64> = ticks.chunks(BURST as usize).map(|burst| burst.iter().sum()).collect();
    sums.sort_unstable();
    sums[sums.len() / 2] as f64 / f64::from(BURST)
}

fn throughput<B: Backend>(
    backend: B,
    path: &Path,
    producers: u32,
    call: impl Fn(&B::Calls, u32) + Sync,
) -> Result<Report> {
    let barrier = Barrier::new(producers as usize + 1);
    let share = MESSAGES / producers;
    let start = thread::scope(|scope| {
        for producer in 0..producers {
            let (calls, barrier, call) = (backend.calls(), &barrier, &call);
            scope.spawn(move || {
                barrier.wait();
                for i in producer * share..(producer + 1) * share {
                    call(&calls, i);
                }
            });
        }
        let start = Instant::now();
        barrier.wait();
        start
    });
    backend.finish()?;
    let flushed = Instant::now();
    let rss_kib = peak_rss_kib();

    let logged = u64::from(MESSAGES);
    let (lines, late) = wait_for_lines(path, logged)?;
    if lines < logged {
        return Ok(Report::Lost(logged - lines));
    }
    let seconds = late.unwrap_or(flushed).duration_since(start).as_secs_f64();
    Ok(Report::Throughput { rate: f64::from(MESSAGES) / seconds, rss_kib })
}

/// Counts the lines that were logged, waiting for those which come after the backend said it is flushed.
///
/// Returns the count and, if it was not complete at once, when it was.
fn wait_for_lines(path: &Path, logged: u64) -> Result<(u64, Option<Instant>)> {
    let mut size = fs::metadata(path)?.len();
    let mut lines = count_lines(path)?;
    let mut complete = None;
    let mut grew = Instant::now();
    while lines < logged && grew.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
        let now = fs::metadata(path)?.len();
        if now != size {
            size = now;
            grew = Instant::now();
            lines = count_lines(path)?;
            complete = Some(Instant::now());
        }
    }
    if lines > logged {
        return Err(format!("{lines} lines where {logged} were logged").into());
    }
    Ok((lines, complete))
}

/// Counts the complete lines of one of the three messages; a library's own remarks are none.
fn count_lines(path: &Path) -> Result<u64> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
    let mut line = Vec::new();
    let mut lines = 0;
    while file.read_until(b'\n', &mut line)? > 0 {
        let text = std::str::from_utf8(&line)?;
        lines += u64::from(text.ends_with('\n') && text.contains("Logging "));
        line.clear();
    }
    Ok(lines)
}

#[cfg(target_os = "linux")]
fn peak_rss_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn peak_rss_kib() -> Option<u64> {
    None
}
