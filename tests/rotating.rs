//! Files that roll over, by size and by time: CPython's own results, and what is better here.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{LONG, clock};
use femtologging::handler::{
    FemtoRotatingFileHandler, FemtoTimedRotatingFileHandler, HandlerBuilder, HandlerSpec, RotatingFileOptions, When,
};
use femtologging::time::{Clock, ManualClock, Timestamp};
use femtologging::{Config, FemtoLogRecord, FemtoLogger, Logging, info};
use serde_json::Value;

/// Writes bare messages.
fn bare(builder: HandlerBuilder<RotatingFileOptions>, path: impl AsRef<Path>) -> HandlerBuilder<RotatingFileOptions> {
    builder.path(path).formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out))
}

fn sized(path: impl AsRef<Path>) -> HandlerBuilder<RotatingFileOptions> {
    bare(FemtoRotatingFileHandler::builder(), path)
}

fn timed(path: impl AsRef<Path>) -> HandlerBuilder<RotatingFileOptions> {
    bare(FemtoTimedRotatingFileHandler::builder(), path)
}

fn system(clock: &ManualClock, handler: HandlerSpec) -> (Logging, FemtoLogger) {
    let logging = Config::builder().clock(Clock::manual(clock)).add_handler("file", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    // The handler has started when this returns.
    logging.flush(LONG).unwrap();
    (logging, logger)
}

/// Logs the messages, all in one batch as far as the handler's thread has it so.
fn log_all(handler: HandlerSpec, messages: &[&str]) {
    let (logging, logger) = system(&clock(), handler);
    messages.iter().for_each(|message| info!(logger: logger, "{}", message));
    logging.shutdown(LONG).unwrap();
}

/// The names and texts of the files in a directory.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

fn expected(files: &Value) -> BTreeMap<String, String> {
    let files = files.as_object().unwrap().iter();
    files.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect()
}

fn table<const N: usize>(rows: [(&str, &str); N]) -> BTreeMap<String, String> {
    rows.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// A time such as `2026-03-12 08:30:00`, in UTC.
fn at(text: &str) -> Timestamp {
    let fields: Vec<i64> = text.split(['-', ' ', ':']).map(|field| field.parse().unwrap()).collect();
    let &[year, month, day, hour, minute, second] = &fields[..] else { panic!("{text}") };
    let months = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    assert!((2026..2028).contains(&year), "{text}: the years after 2026 are not all as long");
    let days = 20_454 + (year - 2026) * 365 + months[month as usize - 1] + day - 1;
    Timestamp::from_nanos((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000)
}

/// Every row of CPython's results for sizes, each message once in a batch of its own and once all in one.
#[test]
fn cpythons_sizes() {
    let rows = include_str!("data/rotating_size_cpython313.jsonl").lines();
    let mut checked = 0;
    for row in rows.map(|row| serde_json::from_str::<Value>(row).unwrap()) {
        let (name, given) = (row["name"].as_str().unwrap(), &row["in"]);
        for one_batch in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("app.log");
            for (name, text) in given["pre"].as_object().into_iter().flatten() {
                fs::write(dir.path().join(name), text.as_str().unwrap()).unwrap();
            }
            if let Some(text) = given["initial"].as_str() {
                fs::write(&path, text).unwrap();
            }
            let handler = sized(&path)
                .max_bytes(given["max_bytes"].as_u64().unwrap())
                .backup_count(given["backup"].as_u64().unwrap() as u32)
                .truncate(given["mode"] == "w")
                .delay(given["delay"] == true);
            let (logging, logger) = system(&clock(), handler.build().unwrap());
            for message in given["msgs"].as_array().unwrap() {
                info!(logger: logger, "{}", message.as_str().unwrap());
                if !one_batch {
                    logging.flush(LONG).unwrap();
                }
            }
            logging.shutdown(LONG).unwrap();
            assert_eq!(files(dir.path()), expected(&row["files"]), "{name}");
        }
        checked += 1;
    }
    assert_eq!(checked, 15);
}

/// Every row of CPython's results for times, but one.
#[test]
fn cpythons_times() {
    let rows = include_str!("data/rotating_timed_utc_cpython313.jsonl").lines();
    let mut checked = 0;
    for row in rows.map(|row| serde_json::from_str::<Value>(row).unwrap()) {
        let (name, given) = (row["name"].as_str().unwrap(), &row["in"]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        for name in given["pre"].as_array().into_iter().flatten() {
            fs::write(dir.path().join(name.as_str().unwrap()), "pre").unwrap();
        }
        if let Some(time) = given["mtime"].as_str() {
            fs::write(&path, "old\n").unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(at(time).to_system_time()).unwrap();
        }
        let mut handler = timed(&path)
            .when(given["when"].as_str().unwrap().parse().unwrap())
            .interval(given["interval"].as_u64().unwrap() as u32)
            .backup_count(given["backup"].as_u64().unwrap() as u32);
        if let Some(time) = given["at"].as_str() {
            let fields: Vec<u32> = time.split(':').map(|field| field.parse().unwrap()).collect();
            handler = handler.at_time(fields[0], fields[1], fields[2]);
        }
        let hand = ManualClock::new(at(given["start"].as_str().unwrap()));
        let (logging, logger) = system(&hand, handler.build().unwrap());
        for event in given["events"].as_array().unwrap() {
            hand.set(at(event[0].as_str().unwrap()));
            info!(logger: logger, "{}", event[1].as_str().unwrap());
        }
        logging.shutdown(LONG).unwrap();
        let mut files = files(dir.path());
        // CPython is stuck from then on, with all in one file.
        if name == "existing_target_not_overwritten" {
            let better = [
                ("app.log", "c\n"),
                ("app.log.2026-03-12_00-00-00", "pre"),
                ("app.log.2026-03-12_00-00-00.1", "a\n"),
                ("app.log.2026-03-12_00-00-02", "b\n"),
            ];
            assert_eq!(std::mem::take(&mut files), table(better));
        } else {
            assert_eq!(files, expected(&row["out"]["files"]), "{name}");
        }
        checked += 1;
    }
    assert_eq!(checked, 9);
}

#[test]
fn both_conditions_number_the_files_of_a_period() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let handler = timed(&path).when(When::Midnight).max_bytes(8).build().unwrap();
    let hand = ManualClock::new(at("2026-03-12 23:00:00"));
    let (logging, logger) = system(&hand, handler);
    for message in ["aaa", "bbb", "ccc"] {
        info!(logger: logger, "{}", message);
    }
    hand.set(at("2026-03-13 00:00:00"));
    for message in ["ddd", "eee"] {
        info!(logger: logger, "{}", message);
    }
    logging.shutdown(LONG).unwrap();
    let rows = [
        ("app.log", "eee\n"),
        ("app.log.2026-03-12", "aaa\n"),
        ("app.log.2026-03-12.1", "bbb\n"),
        ("app.log.2026-03-12.2", "ccc\n"),
        ("app.log.2026-03-13", "ddd\n"),
    ];
    assert_eq!(files(dir.path()), table(rows));
}

#[test]
fn a_pattern_names_backups_and_limits_what_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let foreign = [
        ("app.2026-03-01.log.bak", "x"),
        ("app.2026-3-01.log", "x"),
        ("my-app.2026-03-01.log", "x"),
        ("app.2026-99-01.log", "x"),
    ];
    let own = [("app.2026-03-01.log", "old"), ("app.2026-03-02.log", "old"), ("app.2026-03-02.log.1", "old")];
    for (name, text) in foreign.into_iter().chain(own) {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let handler = timed(&path).when(When::Midnight).namer("app.%Y-%m-%d.log").backup_count(2).build().unwrap();
    let hand = ManualClock::new(at("2026-03-12 08:00:00"));
    let (logging, logger) = system(&hand, handler);
    info!(logger: logger, "a");
    hand.set(at("2026-03-13 08:00:00"));
    info!(logger: logger, "b");
    logging.shutdown(LONG).unwrap();
    let mut rows = table(foreign);
    rows.extend(table([("app.log", "b\n"), ("app.2026-03-12.log", "a\n"), ("app.2026-03-02.log.1", "old")]));
    assert_eq!(files(dir.path()), rows);
}

#[test]
fn numbers_grow_where_a_pattern_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let handler = sized(dir.path().join("app.log")).max_bytes(3).namer("app.{n}.log").backup_count(2);
    log_all(handler.build().unwrap(), &["1", "2", "3", "4", "5"]);
    assert_eq!(files(dir.path()), table([("app.log", "5\n"), ("app.3.log", "3\n"), ("app.4.log", "4\n")]));
}

#[test]
fn retention_by_age_and_by_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let old = |name: &str, seconds: u64| {
        fs::write(dir.path().join(name), "12345678").unwrap();
        let file = fs::File::options().append(true).open(dir.path().join(name)).unwrap();
        file.set_modified(clock().now().to_system_time() - Duration::from_secs(seconds)).unwrap();
    };
    let path = dir.path().join("app.log");
    let names = || files(dir.path()).into_keys().collect::<Vec<_>>();
    old("app.log.1", 50);
    old("app.log.2", 101);
    fs::write(&path, "seed\n").unwrap();
    log_all(sized(&path).max_bytes(5).max_age(Duration::from_secs(100)).build().unwrap(), &["next"]);
    assert_eq!(names(), ["app.log", "app.log.1", "app.log.2"]);
    log_all(sized(&path).max_bytes(5).max_total_bytes(10).build().unwrap(), &["last"]);
    assert_eq!(files(dir.path()), table([("app.log", "last\n"), ("app.log.1", "next\n"), ("app.log.2", "seed\n")]));
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("app.log"), dir.path().join("current"));
    for message in ["a", "b"] {
        log_all(sized(&path).max_bytes(3).backup_count(1).current_link(&link).build().unwrap(), &[message]);
        assert_eq!(fs::read_to_string(&link).unwrap(), format!("{message}\n"));
    }
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("app.log"));

    // Something else of that name stays.
    let other = dir.path().join("other");
    fs::write(&other, "text").unwrap();
    let handler = sized(&path).max_bytes(100).backup_count(1).current_link(&other).build().unwrap();
    let (logging, _) = system(&clock(), handler);
    let metrics = logging.metrics();
    let last = metrics.handler("file").unwrap().last_error.clone().unwrap();
    assert!(last.starts_with(&format!("cannot make the link {}: ", other.display())), "{last}");
    assert_eq!(fs::read_to_string(&other).unwrap(), "text");
}

#[cfg(unix)]
#[test]
fn a_linked_file_rolls_over_where_it_is() {
    let (dir, volume) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (link, real) = (dir.path().join("app.log"), volume.path().join("real.log"));
    fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    log_all(sized(&link).max_bytes(3).backup_count(1).build().unwrap(), &["a", "b"]);
    assert_eq!(files(volume.path()), table([("real.log", "b\n"), ("real.log.1", "a\n")]));
    assert_eq!(fs::read_to_string(&link).unwrap(), "b\n");
}

/// Through links whose target is still to be created, and links that are made or changed under way.
#[cfg(unix)]
#[test]
fn a_linked_file_rolls_over_wherever_the_link_leads() {
    use std::os::unix::fs::symlink;
    let (dir, volume) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (link, real) = (dir.path().join("app.log"), volume.path().join("real.log"));
    symlink(dir.path().join("second"), &link).unwrap();
    symlink(&real, dir.path().join("second")).unwrap();
    let (logging, logger) = system(&clock(), sized(&link).max_bytes(3).backup_count(9).delay(true).build().unwrap());
    let log = |message: &str| {
        info!(logger: logger, "{}", message);
        logging.flush(LONG).unwrap();
    };
    ["a", "b", "c"].into_iter().for_each(log);
    let rows = [("real.log", "c\n"), ("real.log.1", "b\n"), ("real.log.2", "a\n")];
    assert_eq!(files(volume.path()), table(rows));
    // Another target, which is not there yet,
    fs::remove_file(&link).unwrap();
    symlink(volume.path().join("other.log"), &link).unwrap();
    ["d", "e"].into_iter().for_each(log);
    let mut rows = table(rows);
    rows.extend(table([("other.log", "e\n"), ("other.log.1", "d\n")]));
    assert_eq!(files(volume.path()), rows);
    // the file itself, moved away and linked to,
    let moved = volume.path().join("moved.log");
    fs::remove_file(&link).unwrap();
    ["f", "g"].into_iter().for_each(log);
    fs::rename(&link, &moved).unwrap();
    symlink(&moved, &link).unwrap();
    ["h", "i"].into_iter().for_each(log);
    rows.extend(table([("moved.log", "i\n"), ("moved.log.1", "h\n"), ("moved.log.2", "g\n")]));
    assert_eq!(files(volume.path()), rows);
    assert_eq!(files(dir.path()), table([("app.log.1", "f\n")]));
    logging.shutdown(LONG).unwrap();
    assert_eq!(logging.metrics().handler("file").unwrap().errors, 0);
}

/// In a directory that others may write to, somebody may have put anything at the lock file's name.
#[cfg(target_os = "linux")]
#[test]
fn a_lock_file_that_is_no_file_costs_rollovers_and_nothing_else() {
    for kind in ["link", "fifo"] {
        let dir = tempfile::tempdir().unwrap();
        let (path, lock) = (dir.path().join("app.log"), dir.path().join(".app.log.lock"));
        match kind {
            "link" => std::os::unix::fs::symlink("elsewhere", &lock).unwrap(),
            _ => assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success()),
        }
        let (logging, logger) = system(&clock(), sized(&path).max_bytes(3).backup_count(1).build().unwrap());
        (0..3).for_each(|n| info!(logger: logger, "{}", n));
        logging.shutdown(LONG).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "0\n1\n2\n");
        let metrics = logging.metrics();
        let error = metrics.handler("file").unwrap().last_error.as_deref().unwrap();
        assert!(error.starts_with("cannot lock "), "{error}");
        // Neither was the link followed nor anything else made.
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn devices_and_fifos_do_not_roll_over() {
    use std::io::Read;
    let handler = sized("/dev/null").max_bytes(1).backup_count(1).build().unwrap();
    log_all(handler, &["a", "b"]);
    assert!(!Path::new("/dev/null.1").exists());

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    // Nobody reads yet, and `build` returns all the same.
    let handler = timed(&path).when(When::Seconds).max_bytes(1).build().unwrap();
    let reader = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut text = String::new();
            fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    let hand = clock();
    let (logging, logger) = system(&hand, handler);
    info!(logger: logger, "a");
    hand.advance(Duration::from_secs(5));
    info!(logger: logger, "b");
    logging.shutdown(LONG).unwrap();
    drop(logging);
    assert_eq!(reader.join().unwrap(), "a\nb\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let problems = |builder: HandlerBuilder<RotatingFileOptions>| -> Vec<String> {
        let error = builder.build().unwrap_err();
        error.problems().iter().map(|problem| format!("{} = {}", problem.field, problem.value)).collect()
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    assert_eq!(problems(sized(&path).max_bytes(1)), ["backup_count = 0"]);
    assert_eq!(
        problems(timed("").interval(0).namer("%d").max_age(Duration::ZERO).max_total_bytes(0)),
        ["path = ", "namer = \"%d\"", "interval = 0", "max_age = 0ns", "max_total_bytes = 0"],
    );
    assert!(!path.exists());
}

/// A link that led to itself.
#[cfg(unix)]
#[test]
fn the_link_has_another_name_than_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, real) = (dir.path().join("app.log"), dir.path().join("real.log"));
    std::os::unix::fs::symlink(dir.path(), dir.path().join("here")).unwrap();
    let refused = |link: &Path| {
        let error = sized(&path).max_bytes(3).backup_count(1).current_link(link).build().err()?;
        Some(error.problems().iter().map(|problem| problem.field.clone()).collect::<Vec<_>>())
    };
    let expected = Some(vec!["current_link".to_owned()]);
    assert_eq!(refused(&path), expected);
    assert_eq!(refused(&dir.path().join("./app.log")), expected);
    assert_eq!(refused(&dir.path().join("here/app.log")), expected);
    std::os::unix::fs::symlink("real.log", &path).unwrap();
    assert_eq!(refused(&real), expected);
    assert_eq!(refused(&dir.path().join("current")), None);
}
