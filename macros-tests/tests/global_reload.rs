//! A call site that has run follows every later change of levels. The only test of its process.

use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, Level, LevelFilter, debug, disable, enable_all, enabled, get_logger, info};
use macros_tests::PATIENCE;

#[test]
fn cached_answers_follow_the_configuration() -> Result<(), femtologging::Error> {
    let capture = FemtoCaptureHandler::new();
    let site = |n: u32| {
        info!("info {}", n);
        debug!("debug {n}");
        debug!(target: String::from("global_reload"), "target {}", n);
        [enabled!(Level::Info), enabled!(Level::Debug)]
    };
    assert_eq!(site(0), [false, false]);
    Config::builder().default_level(Level::Info).add_handler("capture", capture.clone()).build_and_init()?;
    assert_eq!(site(1), [true, false]);
    let logger = get_logger("global_reload")?;
    logger.set_level(LevelFilter::Debug);
    assert_eq!(site(2), [true, true]);
    disable(Level::Debug);
    assert_eq!(site(3), [true, false]);
    enable_all();
    logger.set_level(LevelFilter::Off);
    assert_eq!(site(4), [false, false]);
    femtologging::flush(PATIENCE)?;
    assert_eq!(capture.messages(), ["info 1", "info 2", "debug 2", "target 2", "info 3"]);
    Ok(())
}
