//! A service that watches its configuration. The file is edited while four threads log: another file, another level, a
//! mistake, and a disk that is full. At the end, the lines of all files are counted: none is missing.
//!
//! Run with `cargo run --features config --example 14_watched_configuration`.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use femtologging::config::{Environment, Loader};
use femtologging::{info, metrics};

const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("femtologging-watch-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let path = dir.join("log.toml");
    // A deployment renames a new file over the old one.
    let edit = |target: &Path, more: &str| {
        let text = format!(
            "watch = \"100 ms\"\nprobation = \"10 s\"\n{more}\n\
             [handlers.service]\ntype = \"file\"\npath = {target:?}\n"
        );
        fs::write(dir.join("log.toml.new"), text)?;
        fs::rename(dir.join("log.toml.new"), &path)
    };
    edit(&dir.join("1.log"), "")?;
    // A program calls `femtologging::init()`; here, the variable is given, so that the example always does the same.
    let variables = [("FEMTO_LOG_CONFIG", path.to_str().ok_or("the path is not text")?)];
    Loader::new().environment(Environment::of(variables)).init()?;

    let (goes_on, logged) = (AtomicBool::new(true), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (goes_on, logged) = (&goes_on, &logged);
            scope.spawn(move || {
                while goes_on.load(Relaxed) {
                    info!("request served"; worker, bytes = 512);
                    if logged.fetch_add(1, Relaxed).is_multiple_of(64) {
                        std::thread::sleep(Duration::from_micros(100));
                    }
                }
            });
        }
        let edits = || {
            edit(&dir.join("2.log"), "")?;
            wait_until("the second file", || metrics().reloads == 1)?;
            edit(&dir.join("2.log"), "root.level = \"loud\"")?;
            wait_until("the mistake", || metrics().failed_reloads == 1)?;
            println!("refused: {}", reason());
            if cfg!(target_os = "linux") {
                edit(Path::new("/dev/full"), "")?;
                wait_until("the full disk", || metrics().rollbacks == 1)?;
                println!("went back: {}", reason());
            }
            edit(&dir.join("3.log"), "root.level = \"debug\"")?;
            let before = metrics().reloads;
            wait_until("the third file", || metrics().reloads > before)
        };
        let outcome = edits();
        goes_on.store(false, Relaxed);
        outcome
    })?;
    femtologging::shutdown(PATIENCE)?;

    let metrics = metrics();
    let all = || metrics.handlers.iter().chain(&metrics.removed);
    let dropped: u64 = all().map(|handler| handler.dropped.total()).sum();
    let failed: u64 = all().map(|handler| handler.failed).sum();
    let (logged, found) = (logged.load(Relaxed), count(&dir)?);
    println!(
        "{} changes, {} refused, {} gone back; {logged} records logged, {found} in the files, {dropped} dropped, {failed} failed",
        metrics.reloads, metrics.failed_reloads, metrics.rollbacks
    );
    fs::remove_dir_all(&dir)?;
    if found != logged || dropped + failed > 0 { Err("records are missing".into()) } else { Ok(()) }
}

fn reason() -> String {
    metrics().last_reload_error.unwrap_or_default()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) -> std::io::Result<()> {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > PATIENCE {
            return Err(std::io::Error::other(format!("waited in vain for {what}")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Counts the service's lines in all files.
fn count(dir: &Path) -> std::io::Result<u64> {
    let mut count = 0;
    for name in ["1.log", "2.log", "3.log"] {
        let text = fs::read_to_string(dir.join(name)).unwrap_or_default();
        count += text.lines().filter(|line| line.contains("request served")).count() as u64;
    }
    Ok(count)
}
