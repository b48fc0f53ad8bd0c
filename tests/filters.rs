//! The ready filters on handlers: which records pass, and as what.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use common::{LONG, Scripted, TIME, clock};
use femtologging::filter::{
    Contains, Dedup, Directives, FemtoFilter, FemtoFilterExt, Key, Name, RateLimit, Redact, Rewrite, Sample,
};
use femtologging::handler::{FemtoCaptureHandler, FemtoHandlerExt};
use femtologging::policy::SpanEvents;
use femtologging::record::OwnedRecord;
use femtologging::time::{Clock, ManualClock};
use femtologging::{
    Config, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Level, LevelFilter, Logging, Value, context, debug, error,
    info, info_span, log, trace, warn,
};
use proptest::prelude::*;

/// A system with one handler that keeps what a filter lets through, and a clock that stands still.
struct Fixture {
    logging: Logging,
    logger: FemtoLogger,
    capture: FemtoCaptureHandler,
    clock: ManualClock,
}

impl Fixture {
    fn new(filter: impl FemtoFilter + 'static) -> Self {
        let (capture, clock) = (FemtoCaptureHandler::new(), clock());
        let handler = capture.clone().configure().filter(filter).build().unwrap();
        let logging = Config::builder()
            .default_level(Level::Trace)
            .clock(Clock::manual(&clock))
            .add_handler("h", handler)
            .build()
            .unwrap();
        let logger = logging.get_logger("app").unwrap();
        Self { logging, logger, capture, clock }
    }

    fn logger(&self, name: &str) -> FemtoLogger {
        self.logging.get_logger(name).unwrap()
    }

    /// What passed since the last call.
    fn records(&self) -> Vec<OwnedRecord> {
        self.logging.flush(LONG).unwrap();
        self.capture.take()
    }

    fn messages(&self) -> Vec<String> {
        self.records().iter().map(|record| record.message().to_owned()).collect()
    }

    /// How many records the handler's filters turned away, and how many failed.
    fn turned_away(&self) -> (u64, u64) {
        let metrics = self.logging.metrics();
        (metrics.handlers[0].filtered, metrics.handlers[0].failed)
    }

    fn log_every_level(&self) {
        for level in Level::ALL {
            log!(logger: self.logger, level, "{}", level.as_str());
        }
    }
}

#[test]
fn levels() {
    let f = Fixture::new(LevelFilter::Error);
    f.log_every_level();
    assert_eq!(f.messages(), ["ERROR", "CRITICAL"]);
    assert_eq!(f.turned_away(), (4, 0));

    let f = Fixture::new(Level::Debug..=Level::Warn);
    f.log_every_level();
    assert_eq!(f.messages(), ["DEBUG", "INFO", "WARN"]);
}

#[test]
fn a_name_covers_whole_parts() {
    let rows = [
        ("core", "core", true),
        ("core", "core::net", true),
        ("core", "core.net", true),
        ("core", "corey", false),
        ("core.net", "core::net::tcp", true),
        ("core::net", "core", false),
        ("", "anything", true),
        ("root", "anything", true),
        ("net", "core::net", false),
    ];
    for (name, logger, expected) in rows {
        let f = Fixture::new(Name::new(name));
        info!(logger: f.logger(logger), "x");
        assert_eq!(f.messages().len(), usize::from(expected), "{name} {logger}");
    }
}

#[test]
fn keys_and_their_values() {
    let of = |filter: Key| {
        let f = Fixture::new(filter);
        info!(logger: f.logger, "none");
        info!(logger: f.logger, "7_u8"; n = 7_u8);
        info!(logger: f.logger, "7_i64"; n = 7_i64);
        info!(logger: f.logger, "8"; n = 8);
        info!(logger: f.logger, "0.5"; n = 0.5_f32);
        info!(logger: f.logger, "ada"; n = "ada");
        info!(logger: f.logger, "ada by Display"; n:% = "ada");
        info!(logger: f.logger, "other key"; m = 7);
        f.messages()
    };
    assert_eq!(of(Key::present("n")), ["7_u8", "7_i64", "8", "0.5", "ada", "ada by Display"]);
    assert_eq!(of(Key::equal("n", 7_i32)), ["7_u8", "7_i64"]);
    assert_eq!(of(Key::equal("n", 7_u128)), ["7_u8", "7_i64"]);
    assert_eq!(of(Key::equal("n", 0.5)), ["0.5"]);
    assert_eq!(of(Key::equal("n", "ada")), ["ada", "ada by Display"]);
    assert_eq!(of(Key::equal("n", "7")), [""; 0]);
}

#[test]
fn text_in_the_message() {
    let f = Fixture::new(Contains::new("5 ms"));
    info!(logger: f.logger, "took {} ms", 5);
    let text = "5 ms";
    info!(logger: f.logger, "again {text}");
    info!(logger: f.logger, "took {} ms", 6);
    info!(logger: f.logger, "took"; time = "5 ms");
    assert_eq!(f.messages(), ["took 5 ms", "again 5 ms"]);
}

#[cfg(feature = "regex")]
#[test]
fn regular_expressions() {
    use femtologging::filter::Matches;
    let f = Fixture::new(Matches::new(r"took [0-9]{3,} ms$").unwrap());
    for n in [99, 100, 1000] {
        info!(logger: f.logger, "took {} ms", n);
    }
    assert_eq!(f.messages(), ["took 100 ms", "took 1000 ms"]);

    let error = Matches::new("a(").unwrap_err().to_string();
    assert!(error.contains("`regex` = \"a(\": ") && error.contains("unclosed group"), "{error}");
    assert!(Redact::new().regex("[").is_err());
}

/// Counts how often it is asked.
#[derive(Clone, Default)]
struct Counts(Arc<AtomicUsize>);

impl FemtoFilter for Counts {
    fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
        self.0.fetch_add(1, SeqCst);
        true
    }
}

#[test]
fn combinations() {
    let counts = Counts::default();
    let f = Fixture::new(LevelFilter::Warn.and(counts.clone()).and(Key::present("k").not()));
    f.log_every_level();
    warn!(logger: f.logger, "with"; k = 1);
    assert_eq!(f.messages(), ["WARN", "ERROR", "CRITICAL"]);
    assert_eq!(counts.0.load(SeqCst), 4, "not asked where the first said no");

    let counts = Counts::default();
    let f = Fixture::new((|record: &FemtoLogRecord<'_>| record.level() == Level::Info).or(counts.clone()));
    f.log_every_level();
    assert_eq!(f.messages().len(), 6);
    assert_eq!(counts.0.load(SeqCst), 5, "not asked where the first said yes");
}

#[test]
fn samples_are_evenly_spread_and_the_same_each_time() {
    let passed = |sample: Sample| {
        let f = Fixture::new(sample);
        for i in 0..20 {
            info!(logger: f.logger, "{}", i);
        }
        let passed = f.messages().join(" ");
        assert_eq!(f.turned_away().0 as usize, 20 - passed.split_whitespace().count());
        passed
    };
    assert_eq!(passed(Sample::one_in(1)).split(' ').count(), 20);
    assert_eq!(passed(Sample::one_in(7)), "0 7 14");
    assert_eq!(passed(Sample::one_in(0)), "");
    assert_eq!(passed(Sample::fraction(0.25)), "0 4 8 12 16");
    assert_eq!(passed(Sample::fraction(0.75)), "0 1 2 4 5 6 8 9 10 12 13 14 16 17 18");
    assert_eq!(passed(Sample::fraction(1.0)).split(' ').count(), 20);
    for nothing in [0.0, -1.0, f64::NAN] {
        assert_eq!(passed(Sample::fraction(nothing)), "");
    }
}

/// Messages, with the number of records suppressed before.
fn with_suppressed(records: &[OwnedRecord]) -> Vec<String> {
    let text = |record: &OwnedRecord| match record.get("suppressed") {
        Some(suppressed) => format!("{} +{suppressed}", record.message()),
        None => record.message().to_owned(),
    };
    records.iter().map(text).collect()
}

#[test]
fn a_rate_limit_lets_a_burst_through_and_then_its_rate() {
    let f = Fixture::new(RateLimit::new(2.0).burst(3));
    let log = |n| info!(logger: f.logger, "{}", n);
    let passed = || with_suppressed(&f.records());
    (0..10).for_each(log);
    assert_eq!(passed(), ["0", "1", "2"]);

    f.clock.advance(Duration::from_nanos(499_999_999));
    log(10);
    assert_eq!(passed(), [""; 0]);
    f.clock.advance(Duration::from_nanos(1));
    log(11);
    log(12);
    assert_eq!(passed(), ["11 +8"]);

    // Two tokens are earned in a second, and no more than a burst in a day.
    f.clock.advance(Duration::from_secs(1));
    (13..17).for_each(log);
    assert_eq!(passed(), ["13 +1", "14"]);
    f.clock.advance(Duration::from_secs(86_400));
    (17..22).for_each(log);
    assert_eq!(passed(), ["17 +2", "18", "19"]);
    assert_eq!(f.turned_away(), (13, 0));
}

#[test]
fn rates_at_their_edges() {
    let passed = |limit: RateLimit| {
        let f = Fixture::new(limit);
        for _ in 0..3 {
            for _ in 0..10 {
                info!(logger: f.logger, "x");
            }
            f.clock.advance(Duration::from_secs(10));
        }
        f.records().len()
    };
    assert_eq!(passed(RateLimit::new(0.0).burst(5)), 5);
    assert_eq!(passed(RateLimit::new(5.0).burst(0)), 0);
    assert_eq!(passed(RateLimit::new(0.1)), 3);
    assert_eq!(passed(RateLimit::new(4.0)), 12, "a second's worth by default");
    assert_eq!(passed(RateLimit::new(f64::INFINITY)), 30);
    assert_eq!(passed(RateLimit::new(f64::NAN)), 0);
    assert_eq!(passed(RateLimit::new(-1.0).burst(2)), 2);
}

#[test]
fn each_logger_call_site_or_value_has_its_budget() {
    let f = Fixture::new(RateLimit::per_logger(1.0));
    for _ in 0..3 {
        info!(logger: f.logger("a"), "a");
        info!(logger: f.logger("b"), "b");
    }
    assert_eq!(f.messages(), ["a", "b"]);

    let f = Fixture::new(RateLimit::per_call_site(1.0).burst(2));
    for i in 0..4 {
        info!(logger: f.logger, "one {}", i);
        info!(logger: f.logger, "two {}", i);
    }
    assert_eq!(f.messages(), ["one 0", "two 0", "one 1", "two 1"]);

    let f = Fixture::new(RateLimit::per_key("client", 1.0));
    for _ in 0..2 {
        info!(logger: f.logger, "ada"; client = "ada");
        info!(logger: f.logger, "bob"; client = "bob");
        info!(logger: f.logger, "7"; client = 7);
        info!(logger: f.logger, "none");
    }
    assert_eq!(f.messages(), ["ada", "bob", "7", "none"]);
}

#[test]
fn budgets_are_bounded_and_those_that_are_full_make_room() {
    let f = Fixture::new(RateLimit::per_key("n", 1.0).max_keys(3));
    let log = |n: i32| info!(logger: f.logger, "{}", n; n);
    (0..10).for_each(log);
    // Three have budgets of their own, and the others share one.
    assert_eq!(f.messages(), ["0", "1", "2", "3"]);
    f.clock.advance(Duration::from_secs(1));
    (10..20).for_each(log);
    assert_eq!(f.messages(), ["10", "11", "12", "13"]);
}

#[test]
fn repeats_are_held_back_and_counted() {
    let f = Fixture::new(Dedup::new());
    let log = |n: i32| info!(logger: f.logger, "n is {}", n; n);
    for n in [1, 1, 1, 1, 2, 3, 3, 2] {
        log(n);
    }
    let passed: Vec<_> =
        f.records().iter().map(|r| (r.message().to_owned(), r.get("previous").map(|v| v.to_string()))).collect();
    let expected =
        [("n is 1", None), ("n is 2", Some("repeated 3 times")), ("n is 3", None), ("n is 2", Some("repeated 1 time"))];
    assert_eq!(passed, expected.map(|(message, previous)| (message.to_owned(), previous.map(str::to_owned))));
    assert_eq!(f.turned_away(), (4, 0));
}

#[test]
fn a_repeat_is_the_same_in_level_logger_message_and_values() {
    let f = Fixture::new(Dedup::new());
    info!(logger: f.logger, "x"; a = "b");
    warn!(logger: f.logger, "x"; a = "b");
    warn!(logger: f.logger("other"), "x"; a = "b");
    warn!(logger: f.logger("other"), "x"; a = "bc");
    warn!(logger: f.logger("other"), "x"; ab = "c");
    warn!(logger: f.logger("other"), "x");
    warn!(logger: f.logger("other"), "y");
    assert_eq!(f.records().len(), 7);
    // From elsewhere, and made otherwise, but the same.
    warn!(logger: f.logger("other"), "{}", "y");
    assert_eq!(f.records().len(), 0);
}

#[test]
fn a_window_lets_a_repeat_through_now_and_then() {
    let f = Fixture::new(Dedup::new().window(Duration::from_secs(10)));
    for _ in 0..25 {
        info!(logger: f.logger, "still here");
        f.clock.advance(Duration::from_secs(1));
    }
    let previous: Vec<_> = f.records().iter().map(|r| r.get("previous").map(|v| v.to_string())).collect();
    let repeated = Some("repeated 9 times".to_owned());
    assert_eq!(previous, [None, repeated.clone(), repeated]);
}

/// What the default formatter writes behind the thread.
fn text_of(filter: impl FemtoFilter + 'static, log: impl FnOnce(&FemtoLogger)) -> Vec<String> {
    let writer = Scripted::default();
    let handler = FemtoStreamHandler::builder(writer.clone()).filter(filter).build().unwrap();
    let logging = Config::builder().clock(Clock::manual(&clock())).add_handler("h", handler).build().unwrap();
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    log(&logging.get_logger("app").unwrap());
    logging.flush(LONG).unwrap();
    let start = format!("{TIME} INFO  app [{thread}] ");
    writer.lines().iter().map(|line| line.strip_prefix(&start).unwrap().to_owned()).collect()
}

#[test]
fn secrets_are_redacted_in_values_and_messages() {
    let redact = Redact::new().key("*password*").key("token").word("sk-*").word("4111*1111");
    let lines = text_of(redact, |logger| {
        info!(logger: *logger, "in"; user = "ada", DB_Password = "hunter2", password_age = 3, tokens = 2, token = 7);
        info!(logger: *logger, "with {}", "sk-1"; header = "Bearer sk-2, sk-3", n = 4_111_222_233_331_111_u64);
        info!(logger: *logger, "as sk-4\tü sk-5"; plain = "task-6");
        info!(logger: *logger, "{} of {}", 1, 2; ok = true);
    });
    assert_eq!(
        lines,
        [
            "in user=ada DB_Password=*** password_age=*** tokens=2 token=***",
            "with *** header=\"Bearer ***, ***\" n=***",
            "as ***\\tü *** plain=task-6",
            "1 of 2 ok=true",
        ]
    );
}

#[test]
fn secrets_are_redacted_in_lists_and_maps() {
    use std::collections::BTreeMap;
    let log = |logger: &FemtoLogger| {
        let login = BTreeMap::from([("password", "hunter2"), ("user", "ada"), ("with", "sk-1, sk-2")]);
        let sk = BTreeMap::from([("sk-3", vec![4, 5])]);
        info!(logger: *logger, "in"; logins = [login], numbers = vec![vec![1, 4111], vec![2]], sk, none = [0_u8; 0], raw:bytes = b"\x41\x11");
    };
    assert_eq!(
        text_of(Redact::new().key("password").word("sk-*").word("4111"), log),
        [
            r#"in logins=[{"password":"***","user":"ada","with":"***, ***"}] numbers=[[1,"***"],[2]] sk={"***":[4,5]} none=[] raw=***"#
        ]
    );
    // Keys are looked at where no pattern is for text.
    assert_eq!(
        text_of(Redact::new().key("PASS*").key("sk*"), log),
        [
            r#"in logins=[{"password":"***","user":"ada","with":"sk-1, sk-2"}] numbers=[[1,4111],[2]] sk=*** none=[] raw=4111"#
        ]
    );
    let f = Fixture::new(Redact::new().key("password").word("sk-*"));
    log(&f.logger);
    let records = f.records();
    let Some(Value::List(logins)) = records[0].get("logins") else { panic!("{records:?}") };
    let Some(Value::Map(login)) = logins.iter().next() else { panic!("{logins:?}") };
    assert_eq!(login.get("password"), Some(Value::Secret));
    assert_eq!(login.get("user"), Some(Value::Str("ada")));
    let Some(Value::List(numbers)) = records[0].get("numbers") else { panic!("{records:?}") };
    assert_eq!(numbers.iter().map(|list| list.to_string()).collect::<Vec<_>>(), ["[1,4111]", "[2]"]);
}

#[test]
fn secrets_are_redacted_in_contexts_and_spans() {
    let lines = text_of(Redact::new().key("token").word("sk-*"), |logger| {
        let _context = context!(token = 7, a = "sk-1").enter();
        let span = info_span!(logger: *logger, "load"; b = "sk-2", c = 3).events(SpanEvents::None);
        span.in_scope(|| info!(logger: *logger, "in"; d = "sk-3", c = 4));
    });
    assert_eq!(lines, ["load: in token=*** a=*** b=*** d=*** c=4"]);
}

#[cfg(feature = "regex")]
#[test]
fn secrets_are_redacted_by_expression_in_lists() {
    let redact = Redact::new().regex(r"\d{4}").unwrap();
    let lines = text_of(redact, |logger| info!(logger: *logger, "in"; list = [Some("a 1234"), None, Some("b")]));
    assert_eq!(lines, [r#"in list=["a ***",null,"b"]"#]);
}

#[cfg(feature = "regex")]
#[test]
fn secrets_are_redacted_by_expression() {
    let redact = Redact::new().regex(r"\d{4}-\d{4}").unwrap().word("sk-*").regex("(?i)secret=[^ ]*").unwrap();
    let lines = text_of(redact, |logger| {
        info!(logger: *logger, "card {}-{} for {}", 1234, 5678, "sk-1"; q = "Secret=$1 x", ok = 1);
    });
    assert_eq!(lines, ["card *** for *** q=\"*** x\" ok=1"]);
}

#[test]
fn only_the_handler_of_the_filter_sees_what_it_rewrote() {
    let (redacted, plain) = (FemtoCaptureHandler::new(), FemtoCaptureHandler::new());
    let filter = Redact::new().key("password").word("sk-*");
    let logging = Config::builder()
        .add_handler("redacted", redacted.clone().configure().filter(filter).build().unwrap())
        .add_handler("plain", plain.clone())
        .build()
        .unwrap();
    let logger = logging.get_logger("app").unwrap();
    info!(logger: logger, "{} {}", "sk-1", 2; password = "p", n = 1);
    info!(logger: logger, "{} {}", 1, 2; n = 1);
    logging.flush(LONG).unwrap();

    let records = redacted.records();
    assert_eq!(records[0].message(), "*** 2");
    assert_eq!(records[0].arguments().count(), 0, "no argument betrays the secret");
    let key_values: Vec<_> = records[0].key_values().collect();
    assert_eq!(key_values, [("password", Value::Secret), ("n", Value::I64(1))]);
    assert_eq!(records[1], plain.records()[1]);

    let record = &plain.records()[0];
    assert_eq!(record.message(), "sk-1 2");
    assert_eq!(record.arguments().collect::<Vec<_>>(), [Value::Str("sk-1"), Value::I64(2)]);
    assert_eq!(record.get("password"), Some(Value::Str("p")));
}

/// Rewrites whatever there is, and says what it saw before.
struct Marks(&'static str);

impl FemtoFilter for Marks {
    fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
        unreachable!("handlers ask `rewrite`")
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        let message = format!("{}({})", self.0, record.record().message());
        let last = record.record().key_values().count() - 1;
        record.set_message(message);
        record.set_value(last, self.0);
        record.set_value(99, "nothing has this place");
        record.add(self.0, last as u64);
        true
    }
}

#[test]
fn filters_see_what_those_before_them_rewrote_and_so_do_all_readers() {
    let seen = |record: &FemtoLogRecord<'_>| {
        assert_eq!(record.message().as_str(), Some("b(a(1 of 2))"));
        assert_eq!(format!("{:>14}", record.message()), "  b(a(1 of 2))");
        assert_eq!(record.arguments().count(), 0);
        assert_eq!((record.template(), record.get("a"), record.get("m")), ("{} of {}", Some(Value::Str("b")), None));
        let mut text = Vec::new();
        record.write_message(&mut text);
        record.write_message_escaped(&mut text);
        assert_eq!(text, b"b(a(1 of 2))b(a(1 of 2))");
        true
    };
    let lines = text_of(Marks("a").and(Marks("b")).and(seen), |logger| {
        info!(logger: *logger, "{} of {}", 1, 2; k = 0);
    });
    assert_eq!(lines, ["b(a(1 of 2)) k=a a=b b=1"]);
}

#[test]
fn what_a_refusing_filter_rewrote_is_undone_by_or() {
    let lines = text_of(Marks("a").and(LevelFilter::Error).or(Marks("b")), |logger| {
        info!(logger: *logger, "x"; k = 0);
    });
    assert_eq!(lines, ["b(x) k=b b=0"]);
}

#[test]
fn a_rewrite_that_panics_costs_that_record_only() {
    struct Panics;
    impl FemtoFilter for Panics {
        fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
            true
        }
        fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
            record.set_message("half done");
            assert!(record.record().get("bad").is_none(), "expected by this test");
            record.set_message("done");
            true
        }
    }
    let f = Fixture::new(Panics);
    info!(logger: f.logger, "one");
    error!(logger: f.logger, "two"; bad = 1);
    info!(logger: f.logger, "three");
    let _ = f.logging.flush(LONG);
    assert_eq!(f.capture.messages(), ["done", "done"]);
    assert_eq!(f.turned_away(), (0, 1));
}

/// What directives say of loggers and levels, as a filter.
#[test]
fn directives_as_a_filter() {
    let f = Fixture::new(Directives::parse("info,my_app::db=debug,hyper=off,my_app::db[{user=ada}]=trace"));
    for name in ["my_app", "my_app.db.pool", "my_appendix", "hyper::client"] {
        let logger = f.logger(name);
        trace!(logger: logger, "{} trace", name);
        debug!(logger: logger, "{} debug", name);
        info!(logger: logger, "{} info", name);
    }
    trace!(logger: f.logger("my_app::db"), "ada"; user = "ada");
    trace!(logger: f.logger("my_app::db"), "bob"; user = "bob");
    assert_eq!(f.messages(), ["my_app info", "my_app.db.pool debug", "my_app.db.pool info", "my_appendix info", "ada"]);

    let f = Fixture::new(Directives::parse("a=info"));
    error!(logger: f.logger("b"), "nothing covers it");
    error!(logger: f.logger("a.b"), "covered");
    assert_eq!(f.messages(), ["covered"]);

    let f = Fixture::new(Directives::parse(""));
    trace!(logger: f.logger, "there is none");
    assert_eq!(f.messages(), ["there is none"]);
}

#[test]
fn handlers_share_a_filter() {
    let limit = Arc::new(RateLimit::new(1.0).burst(3));
    let (a, b) = (FemtoCaptureHandler::new(), FemtoCaptureHandler::new());
    let logging = Config::builder()
        .clock(Clock::manual(&clock()))
        .add_handler("a", a.clone().configure().filter(limit.clone()).build().unwrap())
        .add_handler("b", b.clone().configure().filter(limit as Arc<dyn FemtoFilter>).build().unwrap())
        .build()
        .unwrap();
    let logger = logging.get_logger("app").unwrap();
    for i in 0..5 {
        info!(logger: logger, "{}", i);
    }
    logging.flush(LONG).unwrap();
    assert_eq!(a.len() + b.len(), 3);
}

/// Marks between words, as the documentation lists them, and white space.
const BETWEEN: &str = "\"'`,;=()[]{}<>&?| \t\n\u{3000}";

/// What redaction makes of a text, put plainly.
fn redacted(text: &str, is_secret: impl Fn(&str) -> bool) -> String {
    let (mut out, mut word) = (String::new(), String::new());
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if !BETWEEN.contains(c) => word.push(c),
            end => {
                out.push_str(if is_secret(&word) { "***" } else { &word });
                word.clear();
                out.extend(end);
            }
        }
    }
    out
}

proptest! {
    #[test]
    fn no_secret_gets_through_and_nothing_else_is_lost(
        texts in prop::collection::vec("(sk-[a-z0-9é]{0,4}|[a-zé./-]{0,4}|[\"'`,;=(){}<>&?| \t\n\u{3000}\\[\\]]){0,12}", 3),
        pass_word in any::<i64>(),
    ) {
        let f = Fixture::new(Redact::new().key("*PASS*").word("sk-*"));
        let [first, second, value] = [&texts[0], &texts[1], &texts[2]];
        info!(logger: f.logger, "{}|{}", first, second; value, pass_word, pass = second, debug:? = value);
        let record = &f.records()[0];
        let redacted = |text: &str| redacted(text, |word| word.starts_with("sk-"));
        prop_assert_eq!(record.message(), redacted(&format!("{first}|{second}")));
        let values: Vec<_> = record.key_values().map(|(key, value)| (key, value.to_string())).collect();
        let expected = [
            ("value", redacted(value)),
            ("pass_word", "***".to_owned()),
            ("pass", "***".to_owned()),
            ("debug", redacted(&format!("{value:?}"))),
        ];
        prop_assert_eq!(values, expected);
    }
}
