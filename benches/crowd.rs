//! Many threads that wait for room: throughput, how long a caller waits, and the memory and processor time it takes.
//!
//! ```text
//! cargo bench --bench crowd
//! cargo bench --bench crowd -- --quick
//! ```
//!
//! Each run is a process of its own. Eight threads or two thousand log as fast as they can, under `Block`, to a file,
//! until all of it is written; the lines are counted. Every call is timed. A *wait* is a call that took 100 µs or more;
//! *worst* is the longest of all threads, *mean* the mean of all waits.

mod common;

use std::collections::BTreeMap;
use std::env;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use common::{Bound::*, Effort, PATIENCE, Target, calls, check_lines, print_targets};
use femtologging::policy::Transport;
use femtologging::{Config, FemtoFileHandler, Level};

const RINGS: &str = "rings";
const CHANNEL: &str = "channel";

/// A call that takes so long has waited.
const WAIT: Duration = Duration::from_micros(100);

type Figures = BTreeMap<String, f64>;

/// The waits of one thread, or of several.
#[derive(Default)]
struct Waits {
    count: u64,
    total: Duration,
    worst: Duration,
}

impl Waits {
    fn add(&mut self, other: &Waits) {
        self.count += other.count;
        self.total += other.total;
        self.worst = self.worst.max(other.worst);
    }
}

/// One run, in this process; prints its figures.
fn child(transport: &str, threads: u64, records: u64) {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let path = dir.path().join("crowd.log");
    let transport = match transport {
        CHANNEL => Transport::Shared { capacity: Some(10_000) },
        _ => Transport::default(),
    };
    let file = FemtoFileHandler::builder().path(&path).transport(transport).build().expect("the file can be opened");
    let config = Config::builder().default_level(Level::Info).add_handler("file", file);
    config.build_and_init().expect("the configuration is right");
    let share = records / threads;
    let (barrier, mut waits) = (Barrier::new(threads as usize + 1), Waits::default());
    let start = thread::scope(|scope| {
        let log = || {
            barrier.wait();
            let mut waits = Waits::default();
            for number in 0..share {
                let start = Instant::now();
                calls::numbers(number);
                let time = start.elapsed();
                if time >= WAIT {
                    waits.add(&Waits { count: 1, total: time, worst: time });
                }
            }
            waits
        };
        let spawn = |_| thread::Builder::new().stack_size(128 * 1024).spawn_scoped(scope, log);
        let running: Vec<_> = (0..threads).map(spawn).collect();
        barrier.wait();
        let start = Instant::now();
        for thread in running {
            waits.add(&thread.expect("a thread can be started").join().expect("no thread panics"));
        }
        start
    });
    femtologging::flush(PATIENCE).expect("the file can be written");
    let time = start.elapsed().as_secs_f64();
    check_lines(&path, share * threads);
    let mean = waits.total.as_secs_f64() / waits.count.max(1) as f64;
    println!(
        "rate={} waits={} mean={mean} worst={} cpu={} rss={}",
        (share * threads) as f64 / time,
        waits.count,
        waits.worst.as_secs_f64(),
        cpu_seconds().unwrap_or(f64::NAN),
        peak_rss_mib().unwrap_or(f64::NAN),
    );
}

/// The processor time of this process, in ticks of 10 ms; `None` where the system does not tell.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<_> = stat.rsplit(')').next()?.split_whitespace().collect();
    Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / 100.0)
}

fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

fn spawn(transport: &str, threads: u64, records: u64) -> Figures {
    let program = env::current_exe().expect("this program has a path");
    let args = ["--child", transport, &threads.to_string(), &records.to_string()];
    let output = Command::new(program).args(args).output().expect("this program can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{transport}, {threads}: {errors}");
    let figures = String::from_utf8_lossy(&output.stdout);
    let figure = |word: &str| {
        let (key, value) = word.split_once('=').expect("a figure has a name");
        (key.to_owned(), value.parse().expect("a figure is a number"))
    };
    figures.split_whitespace().map(figure).collect()
}

fn main() {
    let args: Vec<_> = env::args().collect();
    if let [_, flag, transport, threads, records] = &args[..]
        && flag == "--child"
    {
        let parse = |text: &str| text.parse().expect("a number");
        return child(transport, parse(threads), parse(records));
    }
    let (records, crowd) = match Effort::from_args() {
        Effort::Smoke => (20_000, 200),
        Effort::Quick => (1_000_000, 2_000),
        Effort::Full => (6_000_000, 2_000),
    };
    println!("{records} records of three numbers to a file, under `Block`, until all are written.");
    println!(
        "\n| transport | threads | million a second | waits | mean, ms | worst, ms | processor, s | peak memory, MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut targets = Vec::new();
    for transport in [RINGS, CHANNEL] {
        let runs = [8, crowd].map(|threads| (threads, spawn(transport, threads, records)));
        for (threads, run) in &runs {
            let (million, mean, worst) = (run["rate"] / 1e6, run["mean"] * 1e3, run["worst"] * 1e3);
            let (waits, cpu, rss) = (run["waits"], run["cpu"], run["rss"]);
            println!(
                "| {transport} | {threads} | {million:.2} | {waits} | {mean:.2} | {worst:.1} | {cpu:.1} | {rss:.0} |"
            );
        }
        let [(_, few), (_, many)] = &runs;
        let (rate, wait) = match transport {
            RINGS => ("rings: throughput of the crowd / of eight", "rings: worst wait of the crowd / mean"),
            _ => ("channel: throughput of the crowd / of eight", "channel: worst wait of the crowd / mean"),
        };
        targets.push(Target { what: rate, figure: many["rate"] / few["rate"], bound: AtLeast(0.5) });
        targets.push(Target { what: wait, figure: many["worst"] / many["mean"], bound: AtMost(10.0) });
    }
    print_targets(&targets);
}
