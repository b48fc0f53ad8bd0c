use femtologging::{Level, assert_logged, assert_logged_once, assert_not_logged, testing, warn};

fn take(left: u32) {
    if left < 3 {
        warn!("{} left", left; item = "lamp");
    }
}

#[test]
fn the_last_lamps_are_reported() {
    let log = testing::capture();
    log.deny(Level::Error);
    take(5);
    assert_not_logged!(log, Level::Warn, "left");
    take(2);
    assert_logged!(log, Level::Warn, "2 left", item = "lamp");
    assert_logged_once!(log, Level::Warn, "left");
}
