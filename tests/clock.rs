//! Steps of the wall clock: what times records get, and what the log says.

mod common;

use std::time::Duration;

use common::{LONG, Scripted, TIME, clock};
use femtologging::policy::Transport;
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{Config, FemtoJsonFormatter, FemtoStreamHandler, Logging, info};

const SECOND: Duration = Duration::from_secs(1);

fn handler(writer: &Scripted, transport: Transport) -> femtologging::handler::HandlerSpec {
    FemtoStreamHandler::builder(writer.clone()).transport(transport).build().unwrap()
}

/// Two handlers of different transports on one clock.
fn system(hand: &ManualClock) -> ([Scripted; 2], Logging) {
    let writers = [Scripted::default(), Scripted::default()];
    let logging = Config::builder()
        .clock(Clock::manual(hand))
        .add_handler("one", handler(&writers[0], Transport::PerThread { bytes: 4096 }))
        .add_handler("two", handler(&writers[1], Transport::Shared { capacity: Some(64) }))
        .build()
        .unwrap();
    (writers, logging)
}

/// The wall clock's step, which the library notices within a second.
fn step(hand: &ManualClock, seconds: i64) {
    hand.step_to(Timestamp::from_nanos(hand.now().as_nanos() + seconds * 1_000_000_000));
    hand.advance(SECOND);
}

/// Logs from a thread of a known name, and waits until the handlers have looked at the clock.
fn log(logging: &Logging, text: &'static str) {
    let logger = logging.get_logger("app").unwrap();
    let log = move || info!(logger: logger, "{}", text);
    std::thread::Builder::new().name("main".into()).spawn(log).unwrap().join().unwrap();
    logging.flush(LONG).unwrap();
}

/// What both handlers wrote: the same, but for the thread that says so.
fn lines(writers: &[Scripted; 2]) -> Vec<String> {
    let [one, two] = writers.each_ref().map(|writer| writer.text());
    assert_eq!(one.replace("femtolog-one", "femtolog"), two.replace("femtolog-two", "femtolog"));
    one.lines().map(str::to_owned).collect()
}

#[test]
fn the_log_steps_back_with_the_clock_and_says_so() {
    let hand = clock();
    let (writers, logging) = system(&hand);
    log(&logging, "before");
    step(&hand, -3600);
    log(&logging, "after");
    hand.advance(SECOND);
    log(&logging, "later");
    let expected = [
        format!("{TIME} INFO  app [main] before"),
        "2026-03-12T07:30:01.123456Z WARN  femtologging [femtolog-one] the wall clock was set back by 3,600 s: \
         2026-03-12T08:30:01.123456Z became 2026-03-12T07:30:01.123456Z"
            .to_owned(),
        "2026-03-12T07:30:01.123456Z INFO  app [main] after".to_owned(),
        "2026-03-12T07:30:02.123456Z INFO  app [main] later".to_owned(),
    ];
    assert_eq!(lines(&writers), expected);
    // What the library says itself is no record.
    for metrics in logging.metrics().handlers {
        assert_eq!((metrics.emitted, metrics.written), (3, 3));
    }
}

#[test]
fn a_board_that_boots_a_year_ahead_logs_right_times_once_its_clock_is_set() {
    let hand = clock();
    let (writers, logging) = system(&hand);
    log(&logging, "booting");
    step(&hand, -365 * 24 * 3600);
    log(&logging, "set");
    step(&hand, 120);
    log(&logging, "corrected");
    let lines = lines(&writers);
    let times: Vec<_> = lines.iter().map(|line| &line[..27]).collect();
    let (set, corrected) = ("2025-03-12T08:30:01.123456Z", "2025-03-12T08:32:02.123456Z");
    assert_eq!(times, [TIME, set, set, corrected, corrected]);
    assert!(
        lines[1].ends_with("set back by 31,536,000 s: 2026-03-12T08:30:01.123456Z became 2025-03-12T08:30:01.123456Z")
    );
    assert!(lines[3].ends_with("set forward by 120 s: 2025-03-12T08:30:02.123456Z became 2025-03-12T08:32:02.123456Z"));
}

#[test]
fn a_small_step_back_is_smoothed_without_a_word() {
    let hand = clock();
    let (writers, logging) = system(&hand);
    log(&logging, "before");
    step(&hand, -30);
    // The line is half a minute ahead, and runs at half speed for a minute.
    log(&logging, "after");
    hand.advance(30 * SECOND);
    log(&logging, "half-way");
    hand.advance(40 * SECOND);
    log(&logging, "caught up");
    let lines = lines(&writers);
    let times: Vec<_> = lines.iter().map(|line| &line[11..23]).collect();
    assert_eq!(times, ["08:30:00.123", "08:30:01.123", "08:30:16.123", "08:30:41.123"]);
}

#[test]
fn a_handler_that_starts_after_the_step_says_nothing() {
    let hand = clock();
    let (_, logging) = system(&hand);
    step(&hand, -3600);
    log(&logging, "on the old handlers");
    hand.advance(SECOND);
    let writer = Scripted::default();
    let spec = FemtoStreamHandler::builder(writer.clone()).formatter(FemtoJsonFormatter::new()).build().unwrap();
    let later = Config::builder().clock(Clock::manual(&hand)).add_handler("later", spec).build().unwrap();
    log(&later, "on a new one");
    assert_eq!(writer.lines().len(), 1);
    assert!(writer.text().contains("2026-03-12T07:30:02.123456Z"), "{}", writer.text());
}
