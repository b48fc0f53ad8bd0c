use femtologging::{Level, assert_logged, assert_logged_once, assert_not_logged, error, testing, warn};
use std::time::Duration;

fn take(left: u32) {
    match left {
        0 => error!("none left"; item = "lamp"),
        1..3 => warn!("{} left", left; item = "lamp", left),
        _ => {}
    }
}

#[test]
fn the_last_lamps_are_reported() {
    let log = testing::capture();
    take(5);
    assert_not_logged!(log, Level::Warn, "left");
    take(2);
    assert_logged!(log, Level::Warn, "2 left", item = "lamp", left = 2);
}

#[test]
fn they_are_reported_once_and_without_an_error() {
    let log = testing::capture();
    log.deny(Level::Error);
    take(2);
    assert_logged_once!(log, Level::Warn, "2 left");
}

#[test]
fn a_thread_reports_them() {
    let log = testing::capture();
    let thread = testing::spawn(|| take(1));
    log.wait_for(|record| record.message() == "1 left", Duration::from_secs(5));
    thread.join().unwrap();
}
