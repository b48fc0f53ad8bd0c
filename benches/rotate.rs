//! What a file that rolls over costs, next to a plain one in the same run: its handler's thread for each record, and the callers.
//!
//! ```text
//! cargo bench --bench rotate --features gzip
//! cargo bench --bench rotate --features gzip -- --quick
//! ```
//!
//! * *Per record*: 4,000 records of three numbers wait in a ring while the handler's thread sleeps; what is timed is the flush that
//!   formats and writes them all. The file has a limit and a schedule and reaches neither. Plain and rotating handler take turns,
//!   flush by flush; the figure is the median.
//! * *Callers*: percentiles of single calls, in bursts of 20 with 100 µs between them, while every 16 KiB of text are a rollover:
//!   some 130 records, so that one is under way about a tenth of the time. Then the same without a limit.
//! * *Full speed*: one thread logs as fast as it can, with a rollover every megabyte, numbered backups that are all renamed
//!   with each rollover and, with the feature `gzip`, compression.
//!
//! Every line is read back at the end, from the oldest backup to the file: a run in which one is missing, doubled or out of
//! order panics.

mod common;

use std::fs;
#[cfg(feature = "gzip")]
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use common::{Bound::AtMost, Cost, Effort, PATIENCE, Pause, Target, Timer, median, print_targets, sample};
use femtologging::handler::{FemtoRotatingFileHandler, HandlerSpec, When};
use femtologging::policy::IdlePolicy;
use femtologging::{Config, FemtoFileHandler, FemtoLogger, Logging, info};

const RECORDS: u64 = 4_000;
const ROLL_AT: u64 = 16 << 10;

/// Sleeps as soon as there is nothing to do, and until it is woken.
const SLEEPY: IdlePolicy =
    IdlePolicy { spin: Duration::ZERO, first_sleep: Duration::from_secs(1), longest_sleep: Duration::from_secs(1) };

struct System {
    logging: Logging,
    logger: FemtoLogger,
}

impl System {
    fn new(handler: HandlerSpec) -> Self {
        let logging = Config::builder().add_handler("file", handler).build().expect("the configuration is right");
        let logger = logging.get_logger("bench").expect("the name is right");
        Self { logging, logger }
    }

    #[inline(always)]
    fn log(&self, i: u64) {
        info!(logger: self.logger, "Logging int: {}, int: {}, double: {}", i as i32, i as i32 * 10, i as f64 / 7.0);
    }

    fn flush(&self) {
        self.logging.flush(PATIENCE).expect("the file can be written");
    }

    /// Returns how many records were rolled over, dropped, or failed.
    fn finish(self, logged: u64) {
        self.logging.shutdown(PATIENCE).expect("the handler ends");
        let metrics = self.logging.metrics();
        let file = metrics.handler("file").expect("there is one handler");
        assert_eq!((file.written, file.errors), (logged, 0));
    }
}

/// How the backups of a directory are numbered.
#[derive(Clone, Copy)]
enum Numbers {
    /// `app.log.1` is the newest.
    Descending,
    /// `app.1.log` is the oldest.
    Ascending,
}

/// The text of all files in a directory, the oldest first.
fn texts(dir: &Path, numbers: Numbers) -> Vec<String> {
    let names = fs::read_dir(dir).expect("the directory is there").map(|entry| entry.expect("it can be read"));
    let mut files: Vec<(u64, PathBuf)> = names
        .map(|entry| {
            let name = entry.file_name().into_string().expect("the name is text");
            let number = name.split('.').find_map(|part| part.parse().ok());
            (number.unwrap_or(if matches!(numbers, Numbers::Ascending) { u64::MAX } else { 0 }), entry.path())
        })
        .collect();
    files.sort();
    if let Numbers::Descending = numbers {
        files.reverse();
    }
    files.into_iter().map(|(_, path)| text(&path)).collect()
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).expect("a file can be read");
    #[cfg(feature = "gzip")]
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = String::new();
        let mut decoder = flate2::read::GzDecoder::new(&*bytes);
        io::Read::read_to_string(&mut decoder, &mut text).expect("a compressed backup is whole");
        return text;
    }
    String::from_utf8(bytes).expect("the log is text")
}

/// What is in the files of the records `0..logged`.
#[derive(Debug, Default, PartialEq)]
struct Account {
    lines: u64,
    missing: u64,
    doubled: u64,
    out_of_order: u64,
}

fn account(texts: &[String], logged: u64) -> Account {
    let mut seen = vec![0_u32; logged as usize];
    let mut account = Account::default();
    let mut next = 0;
    for line in texts.iter().flat_map(|text| text.lines()) {
        let number = line.split("Logging int: ").nth(1).and_then(|rest| rest.split(',').next()?.parse::<u64>().ok());
        let number = number.unwrap_or_else(|| panic!("not a whole line: {line:?}"));
        seen[number as usize] += 1;
        account.lines += 1;
        account.out_of_order += u64::from(number != next);
        next = number + 1;
    }
    account.missing = seen.iter().filter(|times| **times == 0).count() as u64;
    account.doubled = seen.iter().map(|times| u64::from(times.saturating_sub(1))).sum();
    account
}

/// Panics unless all records are there once, in order.
fn check(dir: &Path, numbers: Numbers, logged: u64) {
    assert_eq!(account(&texts(dir, numbers), logged), Account { lines: logged, ..Account::default() });
}

/// Returns the nanoseconds per record of the plain and the rotating file.
fn per_record(timer: &Timer, effort: Effort) -> [f64; 2] {
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a directory can be made"));
    let path = |which: usize| dirs[which].path().join("app.log");
    let plain = FemtoFileHandler::builder().path(path(0)).idle(SLEEPY).build();
    let rotating = FemtoRotatingFileHandler::builder().path(path(1)).idle(SLEEPY);
    let rotating = rotating.max_bytes(1 << 40).when(When::Midnight).interval(100).build();
    let systems = [plain, rotating].map(|handler| System::new(handler.expect("the file can be opened")));
    let flushes = match effort {
        Effort::Smoke => 3,
        Effort::Quick => 200,
        Effort::Full => 1_000,
    };
    let mut times = [Vec::new(), Vec::new()];
    for flush in 0..flushes {
        for (system, times) in systems.iter().zip(&mut times) {
            // Long enough for the handler's thread to fall asleep.
            thread::sleep(Duration::from_millis(1));
            (flush * RECORDS..(flush + 1) * RECORDS).for_each(|i| system.log(i));
            times.push(timer.time(|| system.flush()) / RECORDS as f64);
        }
    }
    systems.into_iter().for_each(|system| system.finish(flushes * RECORDS));
    for dir in &dirs {
        check(dir.path(), Numbers::Descending, flushes * RECORDS);
    }
    times.map(|mut times| median(&mut times))
}

/// Returns what a call costs, and how many rollovers there were.
fn callers(timer: &Timer, max_bytes: u64, effort: Effort) -> (Cost, usize) {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let handler = FemtoRotatingFileHandler::builder().path(dir.path().join("app.log"));
    // All are kept, and none renamed twice.
    let system =
        System::new(handler.max_bytes(max_bytes).namer("app.{n}.log").build().expect("the file can be opened"));
    let bursts = match effort {
        Effort::Smoke => 50,
        Effort::Quick => 2_000,
        Effort::Full => 5_000,
    };
    let samples = sample(timer, Pause::SHORT, bursts, |i| system.log(i));
    let made = samples.made;
    system.finish(made);
    check(dir.path(), Numbers::Ascending, made);
    let files = fs::read_dir(dir.path()).expect("the directory is there").count();
    (Cost::new(timer, samples), files - 1)
}

/// Logs at full speed to numbered backups. Returns the nanoseconds per record, how many backups there are, and what is in
/// the files.
fn full_speed(timer: &Timer, records: u64, rolls: bool) -> (f64, usize, Account) {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let handler = FemtoRotatingFileHandler::builder().path(dir.path().join("app.log"));
    let handler = handler.max_bytes(if rolls { 1_000_000 } else { 1 << 40 }).backup_count(5_000);
    #[cfg(feature = "gzip")]
    let handler = handler.compress(true);
    let system = System::new(handler.build().expect("the file can be opened"));
    let time = timer.time(|| {
        (0..records).for_each(|i| system.log(i));
        system.flush();
    });
    system.finish(records);
    let texts = texts(dir.path(), Numbers::Descending);
    (time / records as f64, texts.len() - 1, account(&texts, records))
}

fn main() {
    let effort = Effort::from_args();
    let timer = Timer::new();
    let records = match effort {
        Effort::Smoke => 60_000,
        Effort::Quick => 300_000,
        Effort::Full => 3_000_000,
    };
    println!("\n## At full speed, {records} records\n");
    println!(
        "| file | ns per record | backups | lines | missing | doubled | out of order |\n|---|---|---|---|---|---|---|"
    );
    for (name, rolls) in [("no rollovers", false), ("rolling over", true)] {
        let (ns, backups, account) = full_speed(&timer, records, rolls);
        let Account { lines, missing, doubled, out_of_order } = account;
        println!("| {name} | {ns:.0} | {backups} | {lines} | {missing} | {doubled} | {out_of_order} |");
        assert_eq!(account, Account { lines: records, ..Account::default() });
    }

    let [plain, rotating] = per_record(&timer, effort);
    println!("\n## Per record, ns\n\n| plain file | rotating, away from a rollover |\n|---|---|");
    println!("| {plain:.1} | {rotating:.1} |");

    let (mut still, mut rolling, mut rollovers) = (Vec::new(), Vec::new(), 0);
    for _ in 0..effort.rounds() {
        still.push(callers(&timer, 1 << 40, effort).0);
        let (cost, count) = callers(&timer, ROLL_AT, effort);
        rolling.push(cost);
        rollovers += count;
    }
    println!("\n## A call, ns\n\n| file | burst | p50 | p90 | p99 | p99.9 |\n|---|---|---|---|---|---|");
    let (still, rolling) = (Cost::median(&still), Cost::median(&rolling));
    for (name, Cost { burst, percentiles: [p50, p90, p99, p999] }) in
        [("no rollovers".to_owned(), still), (format!("{rollovers} rollovers"), rolling)]
    {
        println!("| {name} | {burst:.1} | {p50:.0} | {p90:.0} | {p99:.0} | {p999:.0} |");
    }
    print_targets(&[
        Target { what: "rotating ÷ plain file, per record", figure: rotating / plain, bound: AtMost(1.1) },
        Target {
            what: "a call's p99.9 with rollovers ÷ without",
            figure: rolling.percentiles[3] / still.percentiles[3].max(1.0),
            bound: AtMost(1.5),
        },
    ]);
}
