//! A configuration from a file, with a variable over it, and where each setting comes from.
//!
//! `cargo run --features config --example 09_configuration`

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use femtologging::config::{Environment, Loader, Registry};
use femtologging::{Config, info, warn};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::temp_dir().join(format!("femtologging-example-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    // A program calls `femtologging::init()`; here, the variables are given, so that the example always does the same.
    let environment = Environment::of([
        ("LOG_DIR", dir.to_str().ok_or("the path is not text")?),
        ("FEMTO_LOG__HANDLERS__CONSOLE__LEVEL", "info"),
    ]);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/service.toml");
    let spec = Loader::new().environment(environment).load_path(Some(&file))?;
    let logging = Config::from_spec(&spec, &Registry::new())?.build()?;
    let logger = logging.get_logger("shop")?;
    info!(logger: logger, "{} items packed", 3; order = 4711, api_token = "s3cret");
    warn!(logger: logger, "the shelf is empty"; shelf = 7);
    logging.shutdown(Duration::from_secs(5))?;

    println!("{}", std::fs::read_to_string(dir.join("shop.json"))?);
    let effective = spec.effective();
    let console =
        effective.lines().skip_while(|line| *line != "[handlers.console]").take_while(|line| !line.is_empty());
    console.for_each(|line| println!("{line}"));
    Ok(std::fs::remove_dir_all(dir)?)
}
