//! A call of the global system that is not recorded evaluates nothing, not even the first time, and is recorded once
//! its level is let through.

use std::cell::Cell;

use femtologging::config::LoggerConfig;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, Level, debug, get_logger, root_logger};

#[test]
fn nothing_is_evaluated_in_vain() {
    let capture = FemtoCaptureHandler::new();
    Config::builder()
        .default_level(Level::Error)
        .add_handler("capture", capture.clone())
        .add_logger("elsewhere", LoggerConfig::new().level(Level::Trace).handlers(["capture"]))
        .build_and_init()
        .expect("the configuration is valid");
    let evaluated = Cell::new(0);
    let note = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    let target = String::from("here");
    let call = || {
        debug!("{}", note());
        debug!(target: "here", "{}", note());
        debug!(target: &target, "{}", note(); key = note());
    };
    (0..3).for_each(|_| call());
    assert_eq!(evaluated.get(), 0);

    get_logger("here").expect("the name is valid").set_level(Level::Debug);
    call();
    assert_eq!(evaluated.get(), 3);
    root_logger().set_level(Level::Debug);
    call();
    assert_eq!(evaluated.get(), 7);
    femtologging::flush(macros_tests::PATIENCE).expect("the handler takes everything");
    assert_eq!(capture.messages(), ["1", "2", "4", "5", "6"]);
}
