//! Random programs that log, and an account of each of their records.
//!
//! A round is drawn from a seed: handlers of every kind with random transports (or without a thread), policies, formats
//! and faults, and threads that log through them while files are renamed, levels and filters change, handlers come and
//! go, flushes run out of time and processes fork. At the end everything that was written is read back and compared with
//! what was logged and what was counted. Every record must have been written once, whole and in its thread's order, or be
//! counted as dropped or failed. In some rounds the program is a child that is killed again and again; then everything
//! whose flush had returned must be there.
//!
//! ```sh
//! SOAK_SECONDS=600 cargo test --release --test soak   # 5 s by default
//! SOAK_SEED=42 cargo test --release --test soak       # the round of this seed
//! ```

#[path = "../common/mod.rs"]
mod common;
mod killed;
mod random;
mod record;
mod round;
mod sink;

use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    if let Ok(argument) = std::env::var(killed::CHILD) {
        killed::child(&argument);
    }
    if std::env::args().any(|argument| argument == "--list") {
        println!("soak: test");
        return ExitCode::SUCCESS;
    }
    let variable = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let time = Duration::from_secs(variable("SOAK_SECONDS").unwrap_or(5));
    let only = variable("SOAK_SEED");
    let first = only.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    // The library's own voice is expected here: faults are what this is about.
    femtologging::set_error_hook(|_, _| {});
    std::panic::set_hook(Box::new(|_| {}));
    let start = Instant::now();
    let (mut rounds, mut records) = (0, 0);
    while rounds == 0 || only.is_none() && start.elapsed() < time {
        let seed = first + rounds;
        let watch = watch(seed);
        let round =
            std::panic::catch_unwind(|| if seed.is_multiple_of(8) { killed::run(seed) } else { round::run(seed) });
        drop(watch);
        match round {
            Ok(count) => records += count,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map_or("", String::as_str);
                println!(
                    "{text}\nThe sum does not add up. Once more: SOAK_SEED={seed} cargo test --release --test soak"
                );
                println!("test soak ... FAILED");
                return ExitCode::FAILURE;
            }
        }
        rounds += 1;
    }
    println!("{rounds} rounds, {records} records, seeds {first} to {}: all are accounted for", first + rounds - 1);
    println!("test soak ... ok");
    ExitCode::SUCCESS
}

/// Returns the command that runs a round again.
fn command(seed: u64) -> String {
    let gzip = if cfg!(feature = "gzip") { " --features gzip" } else { "" };
    format!("SOAK_SEED={seed} cargo test --release{gzip} --test soak")
}

/// Ends the process, with the seed, if what it returns is not dropped within five minutes: a round takes seconds.
fn watch(seed: u64) -> mpsc::Sender<()> {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        if is_done.recv_timeout(Duration::from_secs(300)) == Err(mpsc::RecvTimeoutError::Timeout) {
            println!("a round hangs. Once more: {}\ntest soak ... FAILED", command(seed));
            std::process::abort();
        }
    });
    done
}
