//! Runs every backend in its own process, round after round, and prints the medians.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::backend::Entry;
use crate::harness::Work;

/// The lock file tells which versions were measured.
const LOCK: &str = include_str!("../Cargo.lock");

/// The figures of one backend at one work, one map a round; `Err` holds what a run said in place of figures.
pub type Rounds = Vec<std::result::Result<BTreeMap<String, f64>, String>>;

/// Every round of every backend (by its name) and work.
pub type Reports = BTreeMap<(&'static str, &'static str), Rounds>;

/// Executes this program once for each round, work and backend.
pub fn measure(entries: &[&'static Entry], rounds: usize, dir: &Path) -> Result<Reports> {
    let mut reports = Reports::new();
    for round in 1..=rounds {
        for work in Work::ALL {
            for entry in entries {
                if work.is_throughput() && !entry.writes_a_file || entry.is_json && !work.has_key_values() {
                    continue;
                }
                let report = execute(entry.name, work, dir)?;
                eprintln!("round {round}: {} {} {report}", entry.name, work.name());
                reports.entry((entry.name, work.name())).or_default().push(figures(&report));
            }
        }
    }
    Ok(reports)
}

fn execute(backend: &str, work: Work, dir: &Path) -> Result<String> {
    let output = Command::new(env::current_exe()?)
        .args(["--backend", backend, "--work", work.name(), "--dir"])
        .arg(dir)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let prefix = format!("result backend={backend} work={} ", work.name());
    let report = text.lines().find_map(|line| line.strip_prefix(&prefix));
    Ok(report.map_or_else(|| format!("FAILED {}", String::from_utf8_lossy(&output.stderr).trim()), str::to_owned))
}

fn figures(report: &str) -> std::result::Result<BTreeMap<String, f64>, String> {
    report
        .split_whitespace()
        .map(|word| {
            let (key, value) = word.split_once('=').ok_or(report)?;
            Ok((key.to_owned(), value.parse().map_err(|_| report)?))
        })
        .collect::<std::result::Result<_, &str>>()
        .map_err(str::to_owned)
}

/// Prints the Markdown table.
pub fn print(entries: &[&'static Entry], rounds: usize, reports: &Reports) {
    println!(
        "Latency in ns of one call: mean of a burst (median of the bursts), p50 / p90 / p99 / p99.9. Throughput in"
    );
    println!(
        "million messages a second, with the peak resident set in MiB. Each figure is the median of the rounds ({rounds})."
    );
    println!("† The key-values stand in the message.");
    println!();
    println!(
        "| backend | three numbers | string | four key-values | 1 producer | 4 producers | 1 producer, key-values | remarks |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for entry in entries {
        let cell = |work: Work| cell(reports.get(&(entry.name, work.name())));
        println!(
            "| {}{} | {} | {} | {}{} | {} | {} | {} | {} |",
            entry.name,
            version(entry.package),
            cell(Work::Latency),
            cell(Work::LatencyString),
            cell(Work::LatencyKv),
            if entry.prints_key_values { "" } else { " †" },
            cell(Work::Throughput),
            cell(Work::Throughput4),
            cell(Work::ThroughputKv),
            entry.remarks,
        );
    }
}

fn cell(rounds: Option<&Rounds>) -> String {
    let Some(rounds) = rounds else {
        return "–".to_owned();
    };
    if let Some(Err(report)) = rounds.iter().find(|round| round.is_err()) {
        return report.lines().next().unwrap_or_default().to_owned();
    }
    let median = |key| median(rounds, key);
    if let Some(rate) = median("rate") {
        let rss = median("rss_kib").map(|kib| format!(", {:.0} MiB", kib / 1024.0));
        return format!("{:.2}{}", rate / 1e6, rss.unwrap_or_default());
    }
    let parts = ["p50", "p90", "p99", "p99.9"].map(|key| median(key).unwrap_or(f64::NAN));
    let burst = median("burst").unwrap_or(f64::NAN);
    let percentiles = parts.map(|ns| format!("{ns:.0}")).join(" / ");
    format!("{burst:.1}, {percentiles}")
}

/// Returns the median of one figure over the rounds that have it.
pub fn median(rounds: &Rounds, key: &str) -> Option<f64> {
    let mut values: Vec<f64> = rounds.iter().filter_map(|round| round.as_ref().ok()?.get(key).copied()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Looks the version of `package` up in the lock file; empty where there is none.
fn version(package: &str) -> String {
    LOCK.split("[[package]]")
        .find_map(|block| {
            let mut lines = block.trim().lines();
            (lines.next()? == format!("name = \"{package}\"")).then_some(())?;
            let version = lines.next()?.strip_prefix("version = \"")?;
            Some(format!(" {}", version.trim_end_matches('"')))
        })
        .unwrap_or_default()
}
