//! Throughput to a file next to a logger written by hand, the memory it takes, and what idling costs.
//!
//! ```text
//! cargo bench --bench rates
//! cargo bench --bench rates -- --quick
//! cargo bench --bench rates -- JSON logfmt     # works with these words in their names only
//! ```
//!
//! Each run is a process of its own; library and hand-written logger take turns, round after round, and every figure is the median of the
//! rounds. A run logs records from one thread or four, to a file in a temporary directory, from the first call until all of it is
//! written: three numbers as text, or a message with four key-values as JSON, logfmt, text, or by a pattern. Then the lines are counted: a
//! run that lost one panics, and so does a round whose two files differ in size, because both write the same bytes.
//!
//! The hand-written logger (`common/ring.rs`) has the same ring per thread, and a loop that makes lines of the two calls that it knows.
//! It does not merge threads by time. Its rate is the honest upper bound.
//!
//! *Idle* is the processor time that a process with two file handlers takes while nothing is logged.

mod common;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Release};
use std::thread;
use std::time::{Duration, Instant};

use common::ring::{Format, PATTERN, Ring, consume};
use common::{Bound::*, Effort, PATIENCE, Target, calls, check_lines, median, print_targets};
use femtologging::formatter::{FemtoLogfmtFormatter, FemtoPatternFormatter};
use femtologging::handler::HandlerSpec;
use femtologging::{Config, FemtoFileHandler, FemtoJsonFormatter, Level};

const LIBRARY: &str = "library";
const HAND: &str = "hand-written";
const IDLE: &str = "idle";

/// What is logged, and how it is written.
#[derive(Clone, Copy)]
struct Work {
    name: &'static str,
    format: Format,
    producers: u64,
    has_keys: bool,
    /// The goal for the library's rate, in rates of the hand-written logger.
    at_least: f64,
}

const WORKS: [Work; 6] = [
    Work { name: "numbers", format: Format::Text, producers: 1, has_keys: false, at_least: 0.7 },
    Work { name: "numbers, four producers", format: Format::Text, producers: 4, has_keys: false, at_least: 0.7 },
    Work { name: "four key-values, JSON", format: Format::Json, producers: 1, has_keys: true, at_least: 0.9 },
    Work { name: "four key-values, logfmt", format: Format::Logfmt, producers: 1, has_keys: true, at_least: 0.9 },
    Work { name: "four key-values, pattern", format: Format::Pattern, producers: 1, has_keys: true, at_least: 0.9 },
    Work { name: "four key-values, text", format: Format::Text, producers: 1, has_keys: true, at_least: 0.9 },
];

type Figures = BTreeMap<String, f64>;

fn handler(path: &Path, format: Format) -> HandlerSpec {
    let file = FemtoFileHandler::builder().path(path);
    let file = match format {
        Format::Text => file,
        Format::Json => file.formatter(FemtoJsonFormatter::new()),
        Format::Logfmt => file.formatter(FemtoLogfmtFormatter::new()),
        Format::Pattern => file.formatter(FemtoPatternFormatter::percent(PATTERN).expect("the pattern is right")),
    };
    file.build().expect("the file can be opened")
}

fn init_files(paths: &[&Path], format: Format) {
    let mut config = Config::builder().default_level(Level::Info);
    for (i, path) in paths.iter().enumerate() {
        config = config.add_handler(format!("file-{i}"), handler(path, format));
    }
    config.build_and_init().expect("the configuration is right");
}

/// Runs `produce` in named threads, each with its share of `records`. Returns when they started.
fn produce(producers: u64, records: u64, produce: impl Fn(usize, u64) + Sync) -> Instant {
    let barrier = Barrier::new(producers as usize + 1);
    let share = records / producers;
    thread::scope(|scope| {
        for producer in 0..producers {
            let (barrier, produce) = (&barrier, &produce);
            let thread = thread::Builder::new().name(thread_name(producer));
            let work = move || {
                barrier.wait();
                (producer * share..(producer + 1) * share).for_each(|i| produce(producer as usize, i));
            };
            thread.spawn_scoped(scope, work).expect("a thread can be started");
        }
        barrier.wait();
        Instant::now()
    })
}

fn thread_name(producer: u64) -> String {
    format!("producer-{producer}")
}

fn run_library(path: &Path, work: Work, records: u64) -> Duration {
    init_files(&[path], work.format);
    let start = match work.has_keys {
        true => produce(work.producers, records, |_, i| calls::request(i)),
        false => produce(work.producers, records, |_, i| calls::numbers(i)),
    };
    femtologging::flush(PATIENCE).expect("the file can be written");
    start.elapsed()
}

fn run_by_hand(path: &Path, work: Work, records: u64) -> Duration {
    let rings: Vec<_> = (0..work.producers).map(|producer| (Ring::new(), thread_name(producer))).collect();
    let file = File::create(path).expect("the file can be opened");
    let stop = AtomicBool::new(false);
    let start = thread::scope(|scope| {
        scope.spawn(|| consume(&rings, &stop, file, work.format));
        let start = match work.has_keys {
            true => produce(work.producers, records, |producer, i| rings[producer].0.push_request(i)),
            false => produce(work.producers, records, |producer, i| rings[producer].0.push(i)),
        };
        stop.store(true, Release);
        start
    });
    start.elapsed()
}

/// One run, in this process; prints its figures. `number` says which of [`WORKS`], or how many seconds to idle.
fn child(what: &str, number: u64, records: u64) {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let path = dir.path().join("rates.log");
    if what == IDLE {
        let cpu = idle(dir.path(), Duration::from_secs(number));
        println!("cpu={}", cpu.map_or(f64::NAN, |cpu| cpu.as_secs_f64() / number as f64));
        return;
    }
    let run = if what == LIBRARY { run_library } else { run_by_hand };
    let work = WORKS[number as usize];
    let time = run(&path, work, records);
    let rss = peak_rss_kib().unwrap_or(f64::NAN);
    let logged = records / work.producers * work.producers;
    check_lines(&path, logged);
    let bytes = fs::metadata(&path).expect("the file is there").len();
    println!("rate={} rss={} bytes={bytes}", logged as f64 / time.as_secs_f64(), rss / 1024.0);
}

/// Returns the processor time that two idle handlers take.
fn idle(dir: &Path, time: Duration) -> Option<Duration> {
    init_files(&[&dir.join("a.log"), &dir.join("b.log")], Format::Text);
    (0..1000).for_each(calls::numbers);
    femtologging::flush(PATIENCE).expect("the files can be written");
    // Until the handlers' threads sleep as long as they ever do.
    thread::sleep(Duration::from_millis(200));
    let before = cpu_time()?;
    thread::sleep(time);
    Some(cpu_time()? - before)
}

/// The processor time of all threads of this process, to the nanosecond; `None` where the system does not tell.
fn cpu_time() -> Option<Duration> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let nanos = tasks.map(|task| {
        let stat = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    nanos.sum::<Option<u64>>().map(Duration::from_nanos)
}

fn peak_rss_kib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Runs [`child`] in a process of its own.
fn spawn(what: &str, number: u64, records: u64) -> Figures {
    let program = env::current_exe().expect("this program has a path");
    let args = ["--child", what, &number.to_string(), &records.to_string()];
    let output = Command::new(program).args(args).output().expect("this program can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}, {number}: {errors}");
    let figures = String::from_utf8_lossy(&output.stdout);
    let figure = |word: &str| {
        let (key, value) = word.split_once('=').expect("a figure has a name");
        (key.to_owned(), value.parse().expect("a figure is a number"))
    };
    figures.split_whitespace().map(figure).collect()
}

/// All runs of one logger with one work.
struct Runs {
    what: &'static str,
    work: usize,
    figures: Vec<Figures>,
}

impl Runs {
    fn median(&self, key: &str) -> f64 {
        median(&mut self.figures.iter().map(|figures| figures[key]).collect::<Vec<_>>())
    }
}

/// The median of the ratios of the runs of the same round.
fn ratio(a: &Runs, b: &Runs) -> f64 {
    let ratio = |(a, b): (&Figures, &Figures)| a["rate"] / b["rate"];
    median(&mut a.figures.iter().zip(&b.figures).map(ratio).collect::<Vec<_>>())
}

fn main() {
    let args: Vec<_> = env::args().collect();
    if let [_, flag, what, number, records] = &args[..]
        && flag == "--child"
    {
        let parse = |text: &str| text.parse().expect("a number");
        return child(what, parse(number), parse(records));
    }
    let effort = Effort::from_args();
    let (records, idle_seconds) = match effort {
        Effort::Smoke => (10_000, 1),
        Effort::Quick => (500_000, 3),
        Effort::Full => (2_000_000, 10),
    };
    let words: Vec<_> = args.iter().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_chosen = |work: &usize| words.is_empty() || words.iter().any(|word| WORKS[*work].name.contains(*word));
    let works = (0..WORKS.len()).filter(is_chosen);
    let mut runs: Vec<Runs> =
        works.flat_map(|work| [LIBRARY, HAND].map(|what| Runs { what, work, figures: Vec::new() })).collect();
    for _ in 0..effort.rounds() {
        for run in &mut runs {
            run.figures.push(spawn(run.what, run.work as u64, records));
        }
        for pair in runs.chunks(2) {
            let size = |run: &Runs| run.figures.last().map(|figures| figures["bytes"]);
            assert_eq!(size(&pair[0]), size(&pair[1]), "bytes of the library's file and of the other");
        }
    }

    println!("{records} records to a file, until all are written; medians of {} rounds.", effort.rounds());
    println!("\n| work | logger | million a second | ns per record | peak memory, MiB | MB of text |");
    println!("|---|---|---|---|---|---|");
    for run in &runs {
        let (rate, rss, bytes) = (run.median("rate"), run.median("rss"), run.median("bytes"));
        let (million, ns, work) = (rate / 1e6, 1e9 / rate, WORKS[run.work].name);
        println!("| {work} | {} | {million:.2} | {ns:.0} | {rss:.1} | {:.0} |", run.what, bytes / 1e6);
    }
    let mut targets: Vec<_> = runs
        .chunks(2)
        .map(|pair| {
            let Work { name, at_least, .. } = WORKS[pair[0].work];
            Target { what: name, figure: ratio(&pair[0], &pair[1]), bound: AtLeast(at_least) }
        })
        .collect();
    let memory = runs.iter().filter(|run| run.what == LIBRARY).map(|run| run.median("rss")).fold(0.0, f64::max);
    targets.push(Target { what: "peak memory, MiB", figure: memory, bound: AtMost(16.0) });
    if words.is_empty() {
        let idle = spawn(IDLE, idle_seconds, 0)["cpu"] * 100.0;
        println!("\nTwo handlers, idle for {idle_seconds} s: {idle:.3} % of a processor.");
        targets.push(Target { what: "idle, % of a processor", figure: idle, bound: AtMost(0.1) });
    }
    if let [one, _, four, ..] = &runs[..]
        && WORKS[four.work].producers == 4
    {
        targets.push(Target { what: "four producers / one", figure: ratio(four, one), bound: AtLeast(0.9) });
    }
    targets.push(Target { what: "lost records", figure: 0.0, bound: AtMost(0.0) });
    print_targets(&targets);
    println!("\nRates of works: as multiples of the hand-written logger's, medians of the rounds' ratios.");
    println!("Next to the Rust peers: `benches/peers`.");
}
