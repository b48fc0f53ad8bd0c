//! Calls that clippy must not mind, however strict it is.
#![deny(warnings, clippy::all, clippy::pedantic)]

use std::rc::Rc;

use femtologging::{FemtoLogger, Level, critical, debug, enabled, error, info, log, trace, warn};

const AUDIT: &str = "audit";

#[derive(Debug)]
struct Point {
    x: i32,
}

fn forms(logger: &FemtoLogger, level: Level) -> Option<u32> {
    let (user, attempts, width) = ("ada", 3_u8, 8_usize);
    let point = Point { x: 1 };
    let owned = user.to_owned();
    trace!("plain");
    debug!("{} of {total}", point.x, total = attempts + 1);
    info!("{user:>width$}"; attempts, user:?, from:% = owned, x = point.x);
    warn!(logger: logger, target: AUDIT, "{:?}", [point.x]; point:?);
    error!(target: "audit", logger: logger, "{:>1$.2$}", 1.5, width, 2);
    critical!(target: owned, "{}", user.parse::<u32>().ok()?; k = user.len());
    log!(level, "{}", Rc::new(point.x));
    log!(level, logger: logger, "moved {}", moved(owned));
    if enabled!(logger: logger, level) {
        info!("enabled");
    }
    match attempts {
        0 => info!("none"),
        n => info!("{n} attempts"),
    }
    (0..3).for_each(|n| debug!("{n}"; n));
    Some(1)
}

fn moved(text: String) -> usize {
    text.into_bytes().len()
}

fn generic<T: std::fmt::Display>(value: &T) {
    info!("{} {value}", size_of::<T>(); value:%);
}

async fn future(name: &str) {
    info!("{name} {}", std::future::ready(1).await; name);
}

fn main() {
    forms(&femtologging::root_logger(), Level::Info);
    generic(&1);
    drop(future("x"));
}
