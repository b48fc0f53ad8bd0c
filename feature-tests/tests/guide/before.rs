use tracing::{Span, error, warn};
use tracing_test::traced_test;

fn take(left: u32) {
    match left {
        0 => error!(item = "lamp", "none left"),
        1..3 => warn!(item = "lamp", left, "{left} left"),
        _ => {}
    }
}

#[test]
#[traced_test]
fn the_last_lamps_are_reported() {
    take(5);
    assert!(!logs_contain("left"));
    take(2);
    // One line of text, so the level, the message and the key cannot be told apart.
    assert!(logs_contain("2 left item=\"lamp\""));
}

#[test]
#[traced_test]
fn they_are_reported_once_and_without_an_error() {
    take(2);
    logs_assert(|lines| match lines.iter().filter(|line| line.contains("2 left")).count() {
        1 => Ok(()),
        count => Err(format!("{count} lines")),
    });
    logs_assert(|lines| match lines.iter().find(|line| line.contains("ERROR")) {
        None => Ok(()),
        Some(line) => Err((*line).to_owned()),
    });
}

#[test]
#[traced_test]
fn a_thread_reports_them() {
    let span = Span::current();
    let thread = std::thread::spawn(move || span.in_scope(|| take(1)));
    // There is nothing to wait with but the thread's end.
    thread.join().unwrap();
    assert!(logs_contain("1 left"));
}
