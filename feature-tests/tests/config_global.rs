//! What a configuration from data changes in the whole process: loggers that exist, limits, the root logger's filters.
#![cfg(feature = "config")]

use std::time::Duration;

use femtologging::config::{Format, Loader, Registry};
use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, Value, get_logger, info, root_logger, shutdown};

#[test]
fn a_configuration_reaches_loggers_that_exist_limits_and_the_root_logger() {
    let names = ["old", "old::child", "kept", "kept::child", "named"];
    for name in names {
        get_logger(name).unwrap();
    }
    let capture = FemtoCaptureHandler::new();
    let copy = capture.clone();
    let registry = Registry::new().handler("capture", move |_| Ok(copy.clone()));
    let text = r#"
        disable_existing_loggers = true
        limits = { value_bytes = "64 B" }
        filters.loud = { type = "contains", text = "loud" }
        handlers.all = { type = "capture" }
        root = { level = "notset", filters = ["loud"] }
        loggers.kept = { level = "debug" }
        loggers.named = {}
    "#;
    let spec = Loader::new().registry(&registry).read(text, Format::Toml, "log.toml").unwrap();
    Config::from_spec(&spec, &registry).unwrap().build_and_init().unwrap();
    let disabled: Vec<_> = names.into_iter().filter(|name| get_logger(name).unwrap().disabled()).collect();
    assert_eq!(disabled, ["old", "old::child"]);
    assert_eq!(root_logger().effective_level(), femtologging::LevelFilter::Trace);

    let (root, kept) = (root_logger(), get_logger("kept").unwrap());
    info!(logger: root, "quiet");
    info!(logger: root, "loud"; long = "x".repeat(100).as_str());
    info!(logger: kept, "not filtered by the root logger");
    info!(logger: get_logger("old").unwrap(), "not enabled");
    shutdown(Duration::from_secs(30)).unwrap();
    assert_eq!(capture.messages(), ["loud", "not filtered by the root logger"]);
    let long = format!("{}…(+36 bytes)", "x".repeat(64));
    assert_eq!(capture.records()[0].get("long"), Some(Value::Str(&long)));

    // By default, loggers that exist stay as they are.
    let again = Loader::new().read("handlers.null = { type = \"null\" }", Format::Toml, "log.toml").unwrap();
    for name in ["old", "old::child"] {
        get_logger(name).unwrap().set_disabled(false);
    }
    Config::from_spec(&again, &Registry::new()).unwrap().build_and_init().unwrap();
    assert!(names.into_iter().all(|name| !get_logger(name).unwrap().disabled()));
    shutdown(Duration::from_secs(30)).unwrap();
}
