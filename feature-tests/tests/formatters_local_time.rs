//! Times in zones other than UTC.
#![cfg(feature = "local-time")]

mod common;

use common::{LONG, Scripted};
use femtologging::formatter::{
    FemtoConsoleFormatter, FemtoFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, JsonField,
};
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{Config, FemtoJsonFormatter, FemtoStreamHandler, FemtoTextFormatter, Level, info};

/// What a formatter makes of records at these seconds since the epoch.
fn lines(formatter: impl FemtoFormatter + 'static, seconds: &[i64]) -> Vec<String> {
    let writer = Scripted::default();
    let clock = ManualClock::new(Timestamp::from_nanos(0));
    let handler = FemtoStreamHandler::builder(writer.clone()).formatter(formatter).build().unwrap();
    let config = Config::builder().default_level(Level::Info).clock(Clock::manual(&clock)).add_handler("h", handler);
    let logging = config.build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    for second in seconds {
        clock.set(Timestamp::from_nanos(second * 1_000_000_000 + 250_000_000));
        info!(logger: logger, "m");
        logging.flush(LONG).unwrap();
    }
    logging.shutdown(LONG).unwrap();
    writer.lines()
}

fn asctime(zone: &str, seconds: &[i64]) -> Vec<String> {
    let pattern = FemtoPatternFormatter::dollar("$asctime").unwrap().datefmt("%F %T.%3f %z %Z").unwrap();
    lines(pattern.time_zone(zone).unwrap(), seconds)
}

/// 2026-03-29T00:59:59Z and 2026-10-25T00:59:59Z: the last seconds before the clocks of Berlin change.
const SPRING: i64 = 1_774_745_999;
const AUTUMN: i64 = 1_792_889_999;

#[test]
fn offsets_change_in_the_right_second() {
    assert_eq!(
        asctime("Europe/Berlin", &[SPRING, SPRING + 1, AUTUMN - 3600, AUTUMN, AUTUMN + 1, AUTUMN + 3600]),
        [
            "2026-03-29 01:59:59.250 +0100 CET",
            "2026-03-29 03:00:00.250 +0200 CEST",
            "2026-10-25 01:59:59.250 +0200 CEST",
            "2026-10-25 02:59:59.250 +0200 CEST",
            "2026-10-25 02:00:00.250 +0100 CET",
            "2026-10-25 02:59:59.250 +0100 CET",
        ]
    );
}

#[test]
fn zones_east_and_west_with_broken_hours() {
    let rows = [
        ("America/New_York", "2026-03-28 20:59:59.250 -0400 EDT"),
        ("Asia/Kolkata", "2026-03-29 06:29:59.250 +0530 IST"),
        ("America/St_Johns", "2026-03-28 22:29:59.250 -0230 NDT"),
        ("Pacific/Kiritimati", "2026-03-29 14:59:59.250 +1400 +14"),
        ("UTC", "2026-03-29 00:59:59.250 +0000 UTC"),
    ];
    for (zone, expected) in rows {
        assert_eq!(asctime(zone, &[SPRING]), [expected], "{zone}");
    }
}

#[test]
fn every_formatter_has_zones() {
    let zone = "Europe/Berlin";
    let text = lines(FemtoTextFormatter::new().time_zone(zone).unwrap(), &[SPRING]);
    assert!(text[0].starts_with("2026-03-29T01:59:59.250000+01:00 INFO  app ["), "{}", text[0]);
    let text = lines(FemtoTextFormatter::new().time_zone(zone).unwrap().digits(0), &[SPRING]);
    assert!(text[0].starts_with("2026-03-29T01:59:59+01:00 INFO  app ["), "{}", text[0]);
    let json = FemtoJsonFormatter::new().fields([(JsonField::Timestamp, "t")]).time_zone(zone).unwrap().digits(3);
    assert_eq!(lines(json, &[SPRING + 1]), [r#"{"t":"2026-03-29T03:00:00.250+02:00"}"#]);
    let logfmt = lines(FemtoLogfmtFormatter::new().time_zone(zone).unwrap(), &[SPRING]);
    assert!(logfmt[0].starts_with("time=2026-03-29T01:59:59.250000+01:00 level=info"), "{}", logfmt[0]);
    let console = FemtoConsoleFormatter::new().time_zone(zone).unwrap().digits(1);
    assert_eq!(lines(console, &[SPRING]), ["01:59:59.2 INFO     app m"]);
    let pattern = FemtoPatternFormatter::dollar("$asctime").unwrap().time_zone(zone).unwrap().datefmt("%H:%M").unwrap();
    assert_eq!(lines(pattern, &[SPRING]), ["01:59"]);
}

#[test]
fn threads_do_not_disturb_each_other() {
    let rows = [
        ("Europe/Berlin", "2026-03-29 03:00:00.250 +0200 CEST"),
        ("America/New_York", "2026-03-28 21:00:00.250 -0400 EDT"),
        ("Asia/Kolkata", "2026-03-29 06:30:00.250 +0530 IST"),
    ];
    let threads = rows.repeat(4).into_iter().map(|(zone, expected)| {
        std::thread::spawn(move || {
            for _ in 0..20 {
                assert_eq!(asctime(zone, &[SPRING, SPRING + 1])[1], expected);
            }
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn an_unknown_zone_is_refused_with_a_remedy() {
    let error = FemtoTextFormatter::new().time_zone("Mars/Olympus").unwrap_err();
    let problem = &error.problems()[0];
    assert_eq!((problem.field.as_str(), problem.value.as_str()), ("time_zone", "\"Mars/Olympus\""));
    assert!(problem.remedy.ends_with("give a name of the IANA database, such as Europe/Berlin"), "{}", problem.remedy);
}

/// The system's zone is read once a process, from `TZ` first; the test starts itself anew with one.
#[test]
fn the_systems_zone() {
    if std::env::var_os("FEMTOLOGGING_TEST_ZONE").is_some() {
        let text = lines(FemtoTextFormatter::new().local_time(), &[SPRING, AUTUMN + 1]);
        assert!(text[0].starts_with("2026-03-28T20:59:59.250000-04:00 "), "{}", text[0]);
        assert!(text[1].starts_with("2026-10-24T21:00:00.250000-04:00 "), "{}", text[1]);
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "the_systems_zone"]).env("FEMTOLOGGING_TEST_ZONE", "1").env("TZ", "America/New_York");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
