//! What becomes of records of the crate `log`.
#![cfg(feature = "log")]

mod common;

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::LONG;
use femtologging::bridge::{LogBridge, init_log};
use femtologging::config::LoggerConfig;
use femtologging::filter::{FemtoFilterExt, Key};
use femtologging::handler::FemtoCaptureHandler;
use femtologging::record::OwnedRecord;
use femtologging::value::Limits;
use femtologging::{Config, Level, LevelFilter, Value, context, info_span};
use log::Log;
use log::kv::{self, Source, VisitSource};
use proptest::prelude::*;

static CAPTURE: LazyLock<FemtoCaptureHandler> = LazyLock::new(|| {
    let capture = FemtoCaptureHandler::new();
    femtologging::set_limits(Limits { key_bytes: 16, keys: 8, ..Limits::default() }).unwrap();
    Config::builder()
        .default_level(Level::Trace)
        .add_handler("capture", capture.clone())
        .add_logger("limited", LoggerConfig::new().level(Level::Error))
        .add_logger("limited.not", LoggerConfig::new().level(LevelFilter::Debug))
        .add_logger("off", LoggerConfig::new().level(LevelFilter::Off))
        .build_and_init()
        .unwrap();
    init_log().unwrap();
    capture
});

/// What `call` logs to this target.
fn logged(target: &str, call: impl FnOnce()) -> Vec<OwnedRecord> {
    let capture = &*CAPTURE;
    call();
    femtologging::flush(LONG).unwrap();
    capture.matching(|record| record.target() == target)
}

/// The one record that `call` logs to this target.
fn one(target: &str, call: impl FnOnce()) -> OwnedRecord {
    let mut records = logged(target, call);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

fn key_values(record: &OwnedRecord) -> Vec<(&str, Value<'_>)> {
    record.key_values().collect()
}

#[test]
fn every_part_of_a_record_arrives() {
    let (name, mut line) = ("ada", 0);
    let record = one("parts", || {
        line = line!() + 1;
        log::warn!(target: "parts", user = name, n = 3; "{name} has {:>3}", 7);
    });
    assert_eq!(record.level(), Level::Warn);
    assert_eq!(record.logger(), "parts");
    assert_eq!(record.message(), "ada has   7");
    assert_eq!(record.module_path(), module_path!());
    assert_eq!((record.file(), record.line()), (file!(), line));
    assert_eq!(key_values(&record), [("user", Value::Str("ada")), ("n", Value::I64(3))]);
    assert_eq!(record.thread_name(), std::thread::current().name().unwrap());

    let record = logged(module_path!(), || log::info!("without a target, the module's")).remove(0);
    assert_eq!((record.logger(), record.message()), (module_path!(), "without a target, the module's"));
}

#[test]
fn a_record_made_by_hand_may_lack_its_place() {
    let record = one("by hand", || {
        LogBridge.log(&log::Record::builder().target("by hand").level(log::Level::Error).build());
    });
    assert_eq!((record.level(), record.message()), (Level::Error, ""));
    assert_eq!((record.module_path(), record.file(), record.line()), ("", "", 0));
    assert_eq!(key_values(&record), []);
}

#[test]
fn the_levels_have_the_same_names() {
    let levels = logged("levels", || {
        for level in log::Level::iter() {
            log::log!(target: "levels", level, "{level}");
        }
    });
    let levels: Vec<_> = levels.iter().map(|record| (record.level(), record.message())).collect();
    let expected = [
        (Level::Error, "ERROR"),
        (Level::Warn, "WARN"),
        (Level::Info, "INFO"),
        (Level::Debug, "DEBUG"),
        (Level::Trace, "TRACE"),
    ];
    assert_eq!(levels, expected);
}

#[derive(Debug)]
struct Failure(Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "could not save" } else { "disk full" })
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|cause| &**cause as _)
    }
}

/// What `log` has as something to be displayed: text to serde.
fn formatted(text: &str) -> Value<'_> {
    if cfg!(feature = "serde") { Value::Str(text) } else { Value::Display(text) }
}

#[cfg(feature = "serde")]
#[test]
fn values_captured_by_serde_keep_their_structure() {
    let map = std::collections::BTreeMap::from([("list", vec![Some(1), None])]);
    let record = one("serde", || log::info!(target: "serde", map:serde = map, text:serde = "a"; ""));
    let Some(Value::Map(found)) = record.get("map") else { panic!("{record:?}") };
    assert_eq!(found.to_string(), r#"{"list":[1,null]}"#);
    assert_eq!(record.get("text"), Some(Value::Str("a")));
}

#[test]
fn values_keep_their_types() {
    let number = one("numbers", || {
        log::info!(
            target: "numbers",
            i8 = -8_i8, u8 = 8_u8, i64 = i64::MIN, u64 = u64::MAX, i128 = i128::MIN, u128 = u128::MAX, f32 = 0.5_f32,
            f64 = f64::NEG_INFINITY;
            ""
        );
    });
    assert_eq!(
        key_values(&number),
        [
            ("i8", Value::I64(-8)),
            ("u8", Value::U64(8)),
            ("i64", Value::I64(i64::MIN)),
            ("u64", Value::U64(u64::MAX)),
            ("i128", Value::I128(i128::MIN)),
            ("u128", Value::U128(u128::MAX)),
            ("f32", Value::F64(0.5)),
            ("f64", Value::F64(f64::NEG_INFINITY)),
        ]
    );
    let (string, none) = (String::from("größe\n"), None::<u8>);
    let error = Failure(Some(Box::new(Failure(None))));
    let text = one("text", || {
        log::info!(
            target: "text",
            bool = true, char = 'ß', str = string, none = none, some = Some(5_u16), display:% = error,
            debug:? = [Some(1), None], error:err = error;
            ""
        );
    });
    assert_eq!(
        key_values(&text),
        [
            ("bool", Value::Bool(true)),
            ("char", Value::Char('ß')),
            ("str", Value::Str("größe\n")),
            ("none", Value::Null),
            ("some", Value::U64(5)),
            ("display", formatted("could not save")),
            ("debug", formatted("[Some(1), None]")),
            ("error", Value::Error("could not save: disk full")),
        ]
    );
}

#[test]
fn keys_that_are_too_long_or_too_many_are_cut_visibly() {
    let before = femtologging::metrics().truncated;
    let record = one("limits", || {
        log::info!(
            target: "limits",
            "a key of twenty bytes" = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10;
            ""
        );
    });
    let keys: Vec<_> = record.key_values().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(keys, ["a key of twenty …=1", "b=2", "c=3", "d=4", "e=5", "f=6", "g=7", "h=8", "…=2"]);
    assert!(femtologging::metrics().truncated > before);
}

#[test]
fn context_and_spans_come_first() {
    let record = one("scopes", || {
        let _context = context!(request_id = 4711, user = "ada").enter();
        let _span = info_span!(target: "elsewhere", "load"; shard = 3).entered();
        log::info!(target: "scopes", user = "eve"; "in a scope");
    });
    let expected = [
        ("request_id", Value::I64(4711)),
        ("user", Value::Str("ada")),
        ("shard", Value::I64(3)),
        ("user", Value::Str("eve")),
    ];
    assert_eq!(key_values(&record), expected);
    assert_eq!(record.get("user"), Some(Value::Str("eve")), "the last one wins");
    assert_eq!(record.spans().map(|span| span.name().to_owned()).collect::<Vec<_>>(), ["load"]);
    assert_eq!(record.module_path(), module_path!());
}

#[test]
fn the_target_s_logger_decides() {
    let records = logged("limited", || log::warn!(target: "limited", "below its level"));
    assert_eq!(records, []);
    assert_eq!(one("limited", || log::error!(target: "limited", "at its level")).message(), "at its level");
    assert_eq!(one("limited::not", || log::debug!(target: "limited::not", "its own")).message(), "its own");
    assert_eq!(logged("off", || log::error!(target: "off", "nothing at all")), []);

    let enabled = |target: &str, level| log::log_enabled!(target: target, level);
    assert!(!enabled("limited", log::Level::Warn) && enabled("limited", log::Level::Error));
    assert!(enabled("limited::not::below", log::Level::Debug) && !enabled("limited::not", log::Level::Trace));
    assert!(!enabled("off", log::Level::Error) && enabled("any other", log::Level::Trace));
}

#[test]
fn filters_of_loggers_see_the_records() {
    LazyLock::force(&CAPTURE);
    let logger = femtologging::get_logger("filtered").unwrap();
    logger.add_filter(Key::equal("user", "eve").not());
    logger.add_filter(|record: &femtologging::FemtoLogRecord<'_>| {
        record.message().as_str() == Some("seen 1") && record.line() > 0 && record.file() == file!()
    });
    let records = logged("filtered", || {
        log::info!(target: "filtered", user = "eve"; "seen {}", 1);
        log::info!(target: "filtered", user = "ada"; "seen {}", 1);
        log::info!(target: "filtered", user = "ada"; "seen {}", 2);
    });
    assert_eq!(records.len(), 1);
    assert_eq!(key_values(&records[0]), [("user", Value::Str("ada"))]);
}

/// Logs while it is formatted, and then may panic.
struct Chatty(bool);

impl fmt::Display for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        log::info!(target: "chatty", inner = 1; "inside");
        f.write_str("half of it")?;
        assert!(!self.0, "expected by this test");
        f.write_str(", and the rest")
    }
}

#[test]
fn what_is_formatted_may_log_and_panic() {
    let records = logged("chatty", || {
        log::info!(target: "chatty", before = 1, key:% = Chatty(true), after = 2; "message: {}", Chatty(false));
        log::info!(target: "chatty", "message: {}", Chatty(true));
    });
    let messages: Vec<_> = records.iter().map(OwnedRecord::message).collect();
    assert_eq!(
        messages,
        ["inside", "inside", "message: half of it, and the rest", "inside", "message: half of it<formatting panicked>"]
    );
    assert_eq!(
        key_values(&records[2]),
        [("before", Value::I64(1)), ("key", formatted("half of it<formatting panicked>")), ("after", Value::I64(2))]
    );
}

/// Shows a key, logs, and then fails or panics.
struct Unreliable(bool);

impl Source for Unreliable {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        visitor.visit_pair("first".into(), 1.into())?;
        log::info!(target: "source", "from within");
        assert!(!self.0, "expected by this test");
        Err(kv::Error::msg("no more"))
    }
}

#[test]
fn a_source_of_keys_may_log_fail_and_panic() {
    let log = |source| {
        let mut record = log::Record::builder();
        record.target("source").level(log::Level::Info).args(format_args!("outside")).key_values(source);
        LogBridge.log(&record.build());
    };
    let records = logged("source", || {
        log(&Unreliable(false));
        log(&Unreliable(true));
    });
    let messages: Vec<_> = records.iter().map(OwnedRecord::message).collect();
    assert_eq!(messages, ["from within", "outside", "from within", "outside"]);
    assert_eq!(key_values(&records[1]), [("first", Value::I64(1))]);
    let note = ("…", Value::Str("<reading the keys panicked>"));
    assert_eq!(key_values(&records[3]), [("first", Value::I64(1)), note]);
}

#[test]
fn flush_waits_until_all_is_written() {
    LazyLock::force(&CAPTURE);
    log::info!(target: "flushed", "written");
    log::logger().flush();
    assert_eq!(CAPTURE.matching(|record| record.target() == "flushed").len(), 1);
}

#[test]
fn a_second_installation_has_nothing_to_do() {
    LazyLock::force(&CAPTURE);
    init_log().unwrap();
}

/// A value of `log` and what becomes of it.
fn value() -> impl Strategy<Value = (kv::Value<'static>, Value<'static>)> {
    fn pair<T: Copy + Into<kv::Value<'static>>>(
        x: T,
        ours: impl Fn(T) -> Value<'static>,
    ) -> (kv::Value<'static>, Value<'static>) {
        (x.into(), ours(x))
    }
    prop_oneof![
        Just((kv::Value::null(), Value::Null)),
        any::<bool>().prop_map(|x| pair(x, Value::Bool)),
        any::<i64>().prop_map(|x| pair(x, Value::I64)),
        any::<u64>().prop_map(|x| pair(x, Value::U64)),
        any::<f64>().prop_filter("equal to itself", |x| !x.is_nan()).prop_map(|x| pair(x, Value::F64)),
        any::<char>().prop_map(|x| pair(x, Value::Char)),
        // Borrowed for as long as the program runs, of which there is little left.
        any::<String>().prop_map(|text| pair(&*text.leak(), Value::Str)),
        any::<i128>().prop_map(|x| pair(&*Box::leak(Box::new(x)), |x| Value::I128(*x))),
        any::<u128>().prop_map(|x| pair(&*Box::leak(Box::new(x)), |x| Value::U128(*x))),
    ]
}

#[test]
fn values_of_log_are_values_of_keys() {
    let records = logged("log_values", || {
        let (n, text, none) = (kv::Value::from(-7_i64), kv::Value::from("a"), kv::Value::null());
        let shown = kv::Value::from_display(&"shown");
        femtologging::info!(target: "log_values", "m"; n, text, none, more = kv::Value::from(2.5), shown);
    });
    let expected = [
        ("n", Value::I64(-7)),
        ("text", Value::Str("a")),
        ("none", Value::Null),
        ("more", Value::F64(2.5)),
        ("shown", formatted("shown")),
    ];
    assert_eq!(key_values(&records[0]), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_record_arrives_whole(
        message in any::<String>(),
        target in "[a-z]{1,8}(::[a-z]{1,8}){0,3}",
        pairs in prop::collection::vec(("[a-z€]{0,5}", value()), 0..8),
    ) {
        static CASES: AtomicUsize = AtomicUsize::new(0);
        // No other test, and no other case, has such a target.
        let target = format!("property::{}::{target}", CASES.fetch_add(1, Relaxed));
        let (theirs, ours): (Vec<_>, Vec<_>) = pairs.iter().map(|(key, (theirs, ours))| ((&**key, theirs.clone()), (&**key, *ours))).unzip();
        let record = one(&target, || {
            let mut record = log::Record::builder();
            record.target(&target).level(log::Level::Debug).key_values(&theirs);
            LogBridge.log(&record.args(format_args!("{message}")).build());
        });
        prop_assert_eq!(record.message(), message);
        prop_assert_eq!(key_values(&record), ours);
    }
}
