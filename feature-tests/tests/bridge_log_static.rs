//! What a build strips is gone on both sides of the bridge.
//!
//! `.ci/run` builds this with `log/max_level_warn`, and with femtologging's own `max_level_warn`.
#![cfg(feature = "log")]

mod common;

use std::cell::RefCell;

use common::LONG;
use femtologging::bridge::{LogBridge, init_log};
use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, Level, STATIC_MAX_LEVEL};
use log::Log;

#[test]
fn stripped_levels_do_not_arrive() {
    let capture = FemtoCaptureHandler::new();
    Config::builder().default_level(Level::Trace).add_handler("capture", capture.clone()).build_and_init().unwrap();
    init_log().unwrap();
    let levels = [
        (log::Level::Error, Level::Error),
        (log::Level::Warn, Level::Warn),
        (log::Level::Info, Level::Info),
        (log::Level::Debug, Level::Debug),
        (log::Level::Trace, Level::Trace),
    ];
    let compiled = |ours: Level| STATIC_MAX_LEVEL.enables(ours);
    let most_verbose =
        levels.iter().filter(|(_, ours)| compiled(*ours)).map(|(theirs, _)| theirs.to_level_filter()).max();
    assert_eq!(log::max_level(), most_verbose.unwrap_or(log::LevelFilter::Off));

    let evaluated = RefCell::new(Vec::new());
    let note = |level: log::Level| {
        evaluated.borrow_mut().push(level);
        level
    };
    log::error!("{}", note(log::Level::Error));
    log::warn!("{}", note(log::Level::Warn));
    log::info!("{}", note(log::Level::Info));
    log::debug!("{}", note(log::Level::Debug));
    log::trace!("{}", note(log::Level::Trace));
    femtologging::flush(LONG).unwrap();
    let expected: Vec<_> =
        levels.iter().filter(|(theirs, ours)| *theirs <= log::STATIC_MAX_LEVEL && compiled(*ours)).collect();
    assert_eq!(*evaluated.borrow(), expected.iter().map(|(theirs, _)| *theirs).collect::<Vec<_>>());
    let arrived: Vec<_> = capture.take().iter().map(|record| record.level()).collect();
    assert_eq!(arrived, expected.iter().map(|(_, ours)| *ours).collect::<Vec<_>>());

    // Without `log`'s macros in front, ours is the last word.
    for (theirs, ours) in levels {
        let metadata = log::Metadata::builder().level(theirs).target("app").build();
        assert_eq!(LogBridge.enabled(&metadata), compiled(ours), "{ours}");
        LogBridge.log(&log::Record::builder().metadata(metadata).build());
    }
    femtologging::flush(LONG).unwrap();
    let arrived: Vec<_> = capture.take().iter().map(|record| record.level()).collect();
    assert_eq!(arrived, levels.map(|(_, ours)| ours).into_iter().filter(|ours| compiled(*ours)).collect::<Vec<_>>());
}
