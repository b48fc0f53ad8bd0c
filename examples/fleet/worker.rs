//! One process of the fleet: logs so many records to the collector of its environment, and prints what became of them.
//!
//! `run.py` starts ten of these, and stops the collector while they wait in the middle.

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::time::Duration;

use femtologging::handler::FemtoOtlpHandler;
use femtologging::{Config, info};

/// The handler keeps what it cannot send: all records of this process, if need be.
const KEPT: (usize, usize) = (1_000_000, 512 << 20);

const PATIENCE: Duration = Duration::from_secs(120);

fn say(word: &str) -> std::io::Result<()> {
    println!("{word}");
    stdout().flush()
}

fn main() -> Result<(), Box<dyn Error>> {
    let records: u64 = std::env::args().nth(1).ok_or("usage: fleet_worker RECORDS")?.parse()?;
    let otlp = FemtoOtlpHandler::from_env()?.retry_buffer(KEPT.0, KEPT.1).build()?;
    Config::builder().add_handler("otlp", otlp).build_and_init()?;

    for n in 0..records / 2 {
        info!("record {} of {}", n, records; n);
    }
    femtologging::flush(PATIENCE)?;
    say("half")?;
    stdin().read_line(&mut String::new())?;

    // There is no collector now.
    for n in records / 2..records {
        info!("record {} of {}", n, records; n);
    }
    say("logged")?;
    femtologging::flush(PATIENCE)?;
    print!("{}", femtologging::metrics().to_prometheus());
    Ok(())
}
