//! The same logging work through each Rust logging library, side by side.
//!
//! ```text
//! cargo run --release                                     # every backend, every work, 5 rounds: the table
//! cargo run --release -- --rounds 1 --only tracing,slog   # fewer of them
//! cargo run --release -- --backend slog --work latency    # one run: one machine-readable line
//! ```
//!
//! Most libraries install one logger per process, so a run is a process: without `--backend` the program executes itself for
//! each backend and each work in turn, round after round, and prints the median of the rounds as a Markdown table.
//!
//! # What is measured
//!
//! | work | what it does |
//! |---|---|
//! | `latency` | one producer, 5,000 bursts of 20 calls, 100 µs of busy pause between bursts; message `"Logging int: {}, int: {}, double: {}"` |
//! | `latency-string` | the same with one string of 40 characters |
//! | `latency-kv` | the same with four key-values; in the message (marked `†`) where the library does not print key-values |
//! | `throughput` | one producer, 1,000,000 of the first message to a file, until they are all in it |
//! | `throughput-4` | the same 1,000,000 from four producers |
//! | `throughput-kv` | one producer, 1,000,000 of the message with four key-values |
//!
//! Backends whose names end in `json` write JSON, and do only the works with key-values.
//!
//! *Latency* is what one call costs its caller, in cycle-counter ticks turned to nanoseconds, less the median of timing nothing;
//! the first 50 bursts warm caches up and are not counted. Where the counter moves in coarse steps (10 ns on some machines)
//! the percentiles can be no finer, hence one figure more: the mean call of a burst, median of the bursts. *Throughput* runs from the first call until the library says that
//! it is flushed **and** every line stands in the file. The lines are read back from the file after every run, a latency run
//! too, and a run which lost one prints `LOST n` in place of a figure.
//!
//! Every line has a timestamp, the level, the target (or file and line, where the library knows no target) and the message.
//! Each library has the settings that its own documentation offers for speed, as long as nothing is lost: a bounded queue which blocks
//! when full, and a buffered file. What had to differ is in the last column of the table.
//!
//! `floor` is no library: the cycle counter, a record's words stored into a ring-sized array, and one release store.
//!
//! # Options
//!
//! `--rounds N` (5), `--only a,b` (all backends), `--dir PATH` (where the log files go; the system's directory for temporary files), `--svg DIR` (also draws
//! `latency.svg` and `throughput.svg` there).

mod backend;
mod harness;
mod plot;
mod table;

use std::env;
use std::error::Error;
use std::path::PathBuf;

use backend::Entry;
use harness::Work;

/// What any part of the program may fail with.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The command line.
struct Options {
    backend: Option<String>,
    work: Work,
    rounds: usize,
    only: Option<String>,
    dir: PathBuf,
    svg: Option<PathBuf>,
}

impl Options {
    fn from_args() -> Result<Self> {
        let mut options =
            Self { backend: None, work: Work::Latency, rounds: 5, only: None, dir: env::temp_dir(), svg: None };
        let mut args = env::args().skip(1);
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("{flag} needs a value, or is no option"))?;
            match flag.as_str() {
                "--backend" => options.backend = Some(value),
                "--work" => options.work = Work::from_name(&value)?,
                "--rounds" => options.rounds = value.parse()?,
                "--only" => options.only = Some(value),
                "--dir" => options.dir = value.into(),
                "--svg" => options.svg = Some(value.into()),
                _ => return Err(format!("unknown option {flag}").into()),
            }
        }
        Ok(options)
    }
}

fn main() -> Result<()> {
    let options = Options::from_args()?;
    if let Some(name) = &options.backend {
        let report = (Entry::named(name)?.run)(options.work, &options.dir)?;
        println!("result backend={name} work={} {report}", options.work.name());
        return Ok(());
    }
    let entries = match &options.only {
        Some(names) => names.split(',').map(Entry::named).collect::<Result<Vec<_>>>()?,
        None => backend::ALL.iter().collect(),
    };
    let reports = table::measure(&entries, options.rounds, &options.dir)?;
    table::print(&entries, options.rounds, &reports);
    if let Some(dir) = &options.svg {
        plot::draw(&entries, &reports, dir)?;
    }
    Ok(())
}
