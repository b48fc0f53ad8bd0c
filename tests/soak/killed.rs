//! A round in children that are killed: whatever had been flushed is there afterwards.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use femtologging::handler::FemtoRotatingFileHandler;
use femtologging::{Config, FemtoFileHandler, Level, Logging};

use super::common::LONG;
use super::random::Random;
use super::record::{Format, Record};
use super::sink::read_with_backups;

/// The variable by which a child knows that it is one: `life:directory`.
pub const CHILD: &str = "FEMTOLOGGING_SOAK_CHILD";

const THREADS: u64 = 3;

/// Starts children that log to the same files, kills each after some flushes, and reads what they wrote.
pub fn run(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let lives = random.below(2..6);
    // The last record of each thread whose flush returned.
    let mut flushed = HashMap::new();
    for life in 0..lives {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, format!("{life}:{}", dir.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let kill_after = random.below(0..40);
        let mut count = 0;
        while let Some(Ok(line)) = lines.next() {
            // A line that the kill cut is no promise.
            if let Some((thread, number)) = line.strip_suffix('.').and_then(|line| line.split_once(' ')) {
                flushed.insert(thread.parse::<u64>().unwrap(), number.parse::<u64>().unwrap());
            }
            if count == kill_after {
                child.kill().unwrap();
            }
            count += 1;
        }
        child.wait().unwrap();
        assert!(count > kill_after, "seed {seed}: a child ended by itself");
    }
    // A rollover that the last kill cut in two is completed by the next start.
    let logging = configure(dir.path(), lives);
    Record { thread: lives * THREADS, number: 0 }.log(&logging.get_logger("child").unwrap());
    logging.shutdown(LONG).unwrap();
    let mut read = 0;
    for name in ["plain.log", "rotating.log"] {
        let bytes = read_with_backups(&dir.path().join(name));
        let mut last = HashMap::new();
        let mut seen = HashSet::new();
        let mut torn = 0;
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(line).unwrap();
            let Some(record) = Format::Text.read(line) else {
                assert!(line.matches("soak ").count() <= 1, "seed {seed}, {name}: two records in one line: {line}");
                torn += u64::from(!line.is_empty());
                continue;
            };
            let earlier = last.insert(record.thread, record.number);
            assert!(earlier.is_none_or(|earlier| earlier < record.number), "seed {seed}, {name}: {record:?} again");
            seen.insert(record);
        }
        assert!(torn <= lives, "seed {seed}, {name}: {torn} torn lines of {lives} lives");
        for (thread, number) in &flushed {
            for number in 0..=*number {
                let record = Record { thread: *thread, number };
                assert!(seen.contains(&record), "seed {seed}, {name}: {record:?} was flushed and is lost");
            }
        }
        read += seen.len() as u64;
    }
    read
}

/// Logs until it is killed, and says which records are flushed.
pub fn child(argument: &str) -> ! {
    let (life, directory) = argument.split_once(':').unwrap();
    let (life, directory) = (life.parse::<u64>().unwrap(), Path::new(directory));
    let logging = configure(directory, life);
    let logger = logging.get_logger("child").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (logger, logging) = (logger.clone(), &logging);
            scope.spawn(move || {
                let thread = life * THREADS + thread;
                for number in 0.. {
                    Record { thread, number }.log(&logger);
                    if number % 64 == 63 {
                        logging.flush(LONG).unwrap();
                        let mut out = std::io::stdout().lock();
                        let _ = writeln!(out, "{thread} {number}.").and_then(|()| out.flush());
                    }
                }
            });
        }
    });
    unreachable!("the threads log for ever")
}

fn configure(directory: &Path, life: u64) -> Logging {
    let plain = FemtoFileHandler::builder().path(directory.join("plain.log")).build().unwrap();
    let rotating = FemtoRotatingFileHandler::builder()
        .path(directory.join("rotating.log"))
        .max_bytes(20_000)
        .backup_count(1_000_000);
    #[cfg(feature = "gzip")]
    let rotating = rotating.compress(life.is_multiple_of(2));
    #[cfg(not(feature = "gzip"))]
    let _ = life;
    Config::builder()
        .default_level(Level::Info)
        .add_handler("plain", plain)
        .add_handler("rotating", rotating.build().unwrap())
        .build()
        .unwrap()
}
