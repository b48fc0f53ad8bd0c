//! Calls that clippy must find something about; `tests/clippy.rs` says what.
#![warn(clippy::uninlined_format_args)]

use femtologging::{Level, info, log, warn};

fn main() {
    let (user, n) = ("ada", 5);
    info!("{}", user);
    warn!(target: "audit", "{} {n}", user; n);
    log!(Level::Info, "{:>1$}", user, n);
    info!("{}", format!("{n}!"));
    info!("{}", n.to_string());
}
