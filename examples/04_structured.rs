//! Keys with values of every kind, a logger with keys of its own, a context, and calls that log now and then.
//!
//! Run with `cargo run --features full --example 04_structured`.

use std::collections::BTreeMap;
use std::time::Duration;

use femtologging::formatter::FemtoLogfmtFormatter;
use femtologging::{Config, FemtoLogger, FemtoStreamHandler, context, info, warn};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let console = FemtoStreamHandler::stdout().formatter(FemtoLogfmtFormatter::new()).build()?;
    let logging = Config::builder().add_handler("console", console).build()?;
    let logger = logging.get_logger("shop")?;

    for (request_id, user) in [(4711, "ada"), (4712, "grace")] {
        context! { request_id, user; { serve(&logger) } };
    }
    info!(logger: logger, "closed"; token:secret = "hunter2", checksum:bytes = [0xC0, 0xFF, 0xEE]);
    logging.shutdown(Duration::from_secs(5))?;
    Ok(())
}

/// Everything logged here carries the request's keys.
fn serve(logger: &FemtoLogger) {
    let stock = logger.with("component", "stock");
    let left = BTreeMap::from([("lamp", 2), ("table", 0)]);
    info!(logger: stock, "counted"; left, sizes = [1.5, 2.5], note = None::<&str>);
    for attempt in 1..=5 {
        // The first and then every third call of all requests.
        warn!(logger: stock, every: 3, "attempt {} failed", attempt; cause:err = std::fmt::Error);
    }
}
