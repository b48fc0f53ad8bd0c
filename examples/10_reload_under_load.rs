//! A service whose configuration changes thirty times while four threads log as fast as they can. At the end, the
//! lines of all files are counted: none is missing.
//!
//! Run with `cargo run --example 10_reload_under_load`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use femtologging::{Config, FemtoFileHandler, Logging, info};

const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("femtologging-reload-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let file = |name: &str| FemtoFileHandler::builder().path(dir.join(name)).build();
    Config::builder().add_handler("service", file("service-0.log")?).build_and_init()?;
    let logging = Logging::global().ok_or("it was just set up")?;

    let (goes_on, logged) = (AtomicBool::new(true), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (goes_on, logged) = (&goes_on, &logged);
            scope.spawn(move || {
                while goes_on.load(Relaxed) {
                    info!("request served"; worker, bytes = 512);
                    logged.fetch_add(1, Relaxed);
                }
            });
        }
        let outcome = (1..=30).try_for_each(|n| {
            // Another file each time; now and then under another name, which is another handler.
            let name = if n % 5 == 0 { "spare" } else { "service" };
            let config = Config::builder().add_handler(name, file(&format!("service-{n}.log"))?);
            let reload = logging.reconfigure(config, PATIENCE)?;
            if n % 10 == 0 {
                println!("{reload}");
            }
            Ok::<(), femtologging::Error>(())
        });
        goes_on.store(false, Relaxed);
        outcome
    })?;
    femtologging::shutdown(PATIENCE)?;

    let metrics = logging.metrics();
    let all = metrics.handlers.iter().chain(&metrics.removed);
    let dropped: u64 = all.map(|handler| handler.dropped.total()).sum();
    let (logged, found) = (logged.load(Relaxed), count(&dir)?);
    println!("{} changes, {logged} records logged, {found} in the files, {dropped} dropped", metrics.reloads);
    fs::remove_dir_all(&dir)?;
    if found != logged || dropped > 0 { Err("records are missing".into()) } else { Ok(()) }
}

/// Counts the service's lines in all files.
fn count(dir: &Path) -> std::io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(dir)? {
        for line in BufReader::new(File::open(entry?.path())?).lines() {
            count += u64::from(line?.contains("request served"));
        }
    }
    Ok(count)
}
