//! Logs every line of a stream to the terminal and to a file at once, and checks that the file has them all.
//!
//! Run with `cargo run --release --example 02_tee -- /var/log/dpkg.log`, or with `… --example 02_tee < some.log`. A second argument
//! names the file to write. Ends with 1 if the file has not as many lines as the input.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use femtologging::{Config, FemtoFileHandler, FemtoStreamHandler, Level, log};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let input: Box<dyn BufRead> = match arguments.next() {
        Some(path) => Box::new(BufReader::new(File::open(path)?)),
        None => Box::new(io::stdin().lock()),
    };
    let output = arguments.next().map_or_else(|| std::env::temp_dir().join("femtologging-tee.log"), PathBuf::from);
    tee(input, &output)
}

/// Logs the lines of `input` to standard output and to the file `output`.
pub(crate) fn tee(mut input: impl BufRead, output: &Path) -> Result<ExitCode, Box<dyn std::error::Error>> {
    Config::builder()
        .add_handler("terminal", FemtoStreamHandler::stdout().build()?)
        .add_handler("file", FemtoFileHandler::builder().path(output).truncate(true).build()?)
        .build_and_init()?;

    let mut line = Vec::new();
    let mut count = 0_u64;
    while input.read_until(b'\n', &mut line)? > 0 {
        count += 1;
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        log!(level_of(&text), target: "tee", "{:>6} {}", count, text; bytes = line.len());
        line.clear();
    }

    let flushed = femtologging::flush(Duration::from_secs(60));
    let written = BufReader::new(File::open(output)?).split(b'\n').count() as u64;
    eprintln!("{}\n{count} lines in, {written} lines in {}", femtologging::metrics(), output.display());
    if let Err(error) = flushed {
        eprintln!("{error}");
    }
    Ok(if written == count { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn level_of(text: &str) -> Level {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        _ if text.contains("error") => Level::Error,
        _ if text.contains("warn") => Level::Warn,
        _ => Level::Info,
    }
}
