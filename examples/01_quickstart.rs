//! Logs to the terminal and to a file, and says where the file is.
//!
//! Run with `cargo run --package examples --example 01_quickstart`.

use std::time::{Duration, Instant};

use femtologging::{Config, FemtoFileHandler, FemtoStreamHandler, Level, debug, error, info, trace, warn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join("femtologging-quickstart.log");
    Config::builder()
        .default_level(Level::Debug)
        .add_handler("console", FemtoStreamHandler::stderr().level(Level::Info).build()?)
        .add_handler("file", FemtoFileHandler::builder().path(&path).truncate(true).build()?)
        .build_and_init()?;

    let (user, orders) = ("ada", 3);
    info!("ready to serve {} orders for {}", orders, user);
    trace!("not recorded: below the default level");
    debug!("in the file only"; cache = "warm", entries = 1_204);
    let start = Instant::now();
    for order in 1..=orders {
        info!(target: "shop::orders", "order {order} packed"; weight = 0.5 * f64::from(order), express = order == 2);
    }
    warn!("stock is low"; left = 2, item:? = Some("lamp"));
    error!("forged?\n2026-01-01T00:00:00Z INFO  everything is fine"; took = start.elapsed());

    femtologging::flush(Duration::from_secs(5))?;
    println!("\n{} has:\n\n{}", path.display(), std::fs::read_to_string(&path)?);
    println!("{}", femtologging::metrics());
    Ok(())
}
