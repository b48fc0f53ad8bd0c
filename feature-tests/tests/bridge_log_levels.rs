//! `log::max_level()` is what our loggers let through, at any time.
#![cfg(feature = "log")]

mod common;

use common::LONG;
use femtologging::bridge::init_log;
use femtologging::handler::{FemtoCaptureHandler, FemtoHandlerExt};
use femtologging::{
    Config, Level, LevelFilter, disable, enable_all, get_logger, max_level, root_logger, set_handler_level,
    set_max_level,
};
use log::LevelFilter as Theirs;

// One test: there is one `log::max_level()`.
#[test]
fn levels_stay_in_step() {
    assert_eq!(log::max_level(), Theirs::Off);
    init_log().unwrap();
    assert_eq!(log::max_level(), Theirs::Warn, "nothing is configured: the handler of last resort takes warnings");

    let capture = FemtoCaptureHandler::new();
    let handler = || capture.clone().configure().build().unwrap();
    Config::builder().default_level(Level::Info).add_handler("capture", handler()).build_and_init().unwrap();
    assert_eq!(log::max_level(), Theirs::Info);

    let logger = get_logger("app.db").unwrap();
    for (ours, theirs) in [
        (LevelFilter::Trace, Theirs::Trace),
        (LevelFilter::Debug, Theirs::Debug),
        (LevelFilter::Info, Theirs::Info),
        (LevelFilter::Warn, Theirs::Warn),
        (LevelFilter::Error, Theirs::Error),
        (LevelFilter::Critical, Theirs::Off),
        (LevelFilter::Off, Theirs::Off),
    ] {
        root_logger().set_level(ours);
        assert_eq!(log::max_level(), theirs, "root {ours}");
        if ours >= LevelFilter::Info {
            logger.set_level(LevelFilter::Info);
            assert_eq!(log::max_level(), Theirs::Info, "root {ours}, app.db INFO");
            logger.clear_level();
            assert_eq!(log::max_level(), theirs, "root {ours} again");
        }
    }

    root_logger().set_level(Level::Warn);
    logger.set_level(Level::Debug);
    log::debug!(target: "app::db::pool", "most verbose");
    log::debug!(target: "app", "less verbose");
    assert_eq!(log::max_level(), Theirs::Debug);

    set_handler_level("capture", Level::Error).unwrap();
    assert_eq!(log::max_level(), Theirs::Error);
    set_handler_level("capture", LevelFilter::Trace).unwrap();
    assert_eq!(log::max_level(), Theirs::Debug);

    disable(Level::Info);
    assert_eq!(log::max_level(), Theirs::Warn);
    disable(Level::Error);
    assert_eq!(log::max_level(), Theirs::Off, "only critical records are left");
    enable_all();
    assert_eq!(log::max_level(), Theirs::Debug);

    for theirs in Theirs::iter() {
        set_max_level(LevelFilter::from(theirs));
        assert_eq!((max_level(), log::max_level()), (theirs.into(), theirs), "whatever the level of app.db");
        assert_eq!(root_logger().level(), Some(theirs.into()));
        let enabled = Level::iter().map(|level| femtologging::log_enabled!(target: "app::net", level));
        assert_eq!(
            enabled.filter(|enabled| *enabled).count(),
            if theirs == Theirs::Off { 0 } else { theirs as usize + 1 }
        );
    }
    assert_eq!(logger.level(), Some(LevelFilter::Debug), "it keeps its own");
    root_logger().set_level(Level::Warn);
    assert_eq!(max_level(), LevelFilter::Debug);

    logger.remove_handler("capture");
    logger.set_propagate(false);
    assert_eq!(log::max_level(), Theirs::Warn, "its records go to the handler of last resort");
    logger.set_propagate(true);
    assert_eq!(log::max_level(), Theirs::Debug);

    log::set_max_level(Theirs::Trace);
    logger.set_level(Level::Info);
    assert_eq!(log::max_level(), Theirs::Info, "what others set holds until the next change");

    femtologging::shutdown(LONG).unwrap();
    assert_eq!(capture.messages(), ["most verbose"]);
    Config::builder().default_level(Level::Trace).add_handler("capture", handler()).build_and_init().unwrap();
    init_log().unwrap();
    assert_eq!(log::max_level(), Theirs::Trace, "a system that is set up anew");
    log::trace!("the second system");
    femtologging::flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["most verbose", "the second system"]);

    // Many at once: the last change counts, whoever hears of it first.
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            scope.spawn(move || {
                let logger = get_logger(name).unwrap();
                for level in [Level::Error, Level::Debug, Level::Trace, Level::Warn].repeat(50) {
                    logger.set_level(level);
                }
            });
        }
        root_logger().set_level(Level::Error);
    });
    logger.clear_level();
    assert_eq!(log::max_level(), Theirs::Warn);
}
