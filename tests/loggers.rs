//! Loggers: names, levels, propagation, filters, and what of it is seen by whom.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use femtologging::config::LoggerConfig;
use femtologging::handler::{FemtoCaptureHandler, FemtoHandlerExt};
use femtologging::{
    Config, FemtoLogRecord, FemtoLogger, Level, LevelFilter, Logging, debug, enabled, error, info, log, trace, warn,
};

const LONG: Duration = Duration::from_secs(60);

/// A system with the handlers `r` (the root logger's), `x` and `y`.
struct Fixture {
    logging: Logging,
    handlers: [FemtoCaptureHandler; 3],
}

const NAMES: [&str; 3] = ["r", "x", "y"];

impl Fixture {
    fn new() -> Self {
        let handlers = [(); 3].map(|()| FemtoCaptureHandler::new());
        let mut config = Config::builder().default_level(Level::Warn).root_handlers(["r"]);
        for (name, handler) in NAMES.iter().zip(&handlers) {
            config = config.add_handler(*name, handler.clone());
        }
        Self { logging: config.build().unwrap(), handlers }
    }

    fn logger(&self, name: &str) -> FemtoLogger {
        self.logging.get_logger(name).unwrap()
    }

    /// The messages that came to the handlers since the last call.
    fn take(&self) -> [Vec<String>; 3] {
        self.logging.flush(LONG).unwrap();
        self.handlers
            .each_ref()
            .map(|handler| handler.take().iter().map(|record| record.message().to_owned()).collect())
    }

    fn counts(&self) -> [usize; 3] {
        self.take().map(|messages| messages.len())
    }
}

#[test]
fn both_separators_name_the_same_logger_and_the_first_spelling_stays() {
    let fixture = Fixture::new();
    let dotted = fixture.logger("app.net.tcp");
    assert_eq!(dotted, fixture.logger("app::net::tcp"));
    assert_eq!(dotted, fixture.logger("app::net.tcp"));
    assert_ne!(dotted, fixture.logger("app.net.udp"));
    assert_eq!(fixture.logger("app::net::tcp").name(), "app.net.tcp");
    assert_eq!(dotted.to_string(), "app.net.tcp");
    assert_eq!(format!("{dotted:>12}|{dotted:?}"), " app.net.tcp|FemtoLogger { name: \"app.net.tcp\", .. }");

    warn!(logger: dotted, "once");
    warn!(logger: fixture.logger("app::net::tcp"), "again");
    fixture.logging.flush(LONG).unwrap();
    let names: Vec<_> = fixture.handlers[0].records().iter().map(|record| record.logger().to_owned()).collect();
    assert_eq!(names, ["app.net.tcp", "app.net.tcp"]);
}

#[test]
fn the_tree_has_parents_and_children() {
    let fixture = Fixture::new();
    let names = |loggers: Vec<FemtoLogger>| loggers.iter().map(|l| l.name().to_owned()).collect::<Vec<_>>();
    let root = fixture.logging.root_logger();
    assert_eq!((root.name(), root.parent()), ("root", None));
    assert_eq!(root, fixture.logger(""));
    assert_eq!(root, fixture.logger("root"));

    let deep = fixture.logger("a::b::c");
    assert_eq!(names(root.children()), Vec::<String>::new());
    let parent = deep.parent().unwrap();
    assert_eq!((parent.name(), parent.parent().unwrap().name()), ("a::b", "a"));
    assert_eq!(parent.parent().unwrap().parent().unwrap(), root);
    assert_eq!(names(root.children()), ["a"]);

    assert_eq!(root.child("a").unwrap().child("z").unwrap().name(), "a.z");
    assert_eq!(parent.child("x.y").unwrap(), fixture.logger("a.b.x.y"));
    assert_eq!(names(fixture.logger("a").children()), ["a::b", "a.z"]);
    assert_eq!(names(parent.children()), ["a::b::c"]);
    assert!(parent.child("").unwrap_err().is_invalid_name());
}

#[test]
fn invalid_names_are_refused_with_a_reason() {
    let fixture = Fixture::new();
    let empty = "it has an empty part; write parts separated by `.` or `::`, such as `app.db`";
    let single = "it has a single `:`; parts are separated by `.` or `::`";
    let control = "it has a control character";
    let rows = [
        ("a..b", empty),
        (".a", empty),
        ("a.", empty),
        ("a::", empty),
        ("::a", empty),
        (".", empty),
        ("a::.b", empty),
        ("a:b", single),
        ("a:::b", single),
        (":", single),
        ("a\nb", control),
        ("a\u{7f}", control),
    ];
    for (name, why) in rows {
        let error = fixture.logging.get_logger(name).unwrap_err();
        assert!(error.is_invalid_name());
        assert_eq!(error.to_string(), format!("invalid name {name:?}: {why}"));
    }
    for name in ["a b", "größe.日本", "a-b_c/d", "r#type", "root.a", "A"] {
        assert_eq!(fixture.logger(name).name(), name);
    }
}

/// What CPython 3.11's `logging` does in the same situation: whether the logger is enabled for the level, and how many
/// records come to the handlers of the root logger, of `a` and of `a.b`. `disabled`, filters and several handlers
/// are its; where a handler is attached twice on the way up, it gets the record once here and twice there.
#[test]
fn records_travel_as_in_cpython() {
    use Level::*;
    type SetUp = fn(&Fixture);
    fn plain(_: &Fixture) {}
    fn level(f: &Fixture) {
        f.logger("a").set_level(Debug);
    }
    fn handlers(f: &Fixture) {
        level(f);
        f.logger("a").add_handler("x").unwrap();
        f.logger("a.b").add_handler("y").unwrap();
    }
    fn cut_a(f: &Fixture) {
        handlers(f);
        f.logger("a").set_propagate(false);
    }
    fn cut_ab(f: &Fixture) {
        handlers(f);
        f.logger("a.b").set_propagate(false);
    }
    fn disabled(f: &Fixture) {
        handlers(f);
        f.logger("a").set_disabled(true);
    }
    fn root_disabled(f: &Fixture) {
        handlers(f);
        f.logger("root").set_disabled(true);
    }
    fn x_errors(f: &Fixture) {
        handlers(f);
        f.logging.set_handler_level("x", Error).unwrap();
    }
    fn filter(f: &Fixture) {
        handlers(f);
        f.logger("a").add_filter(|_: &FemtoLogRecord<'_>| false);
    }
    fn nearer(f: &Fixture) {
        f.logger("a").set_level(Error);
        f.logger("a.b").set_level(Debug);
    }
    fn disable(f: &Fixture) {
        handlers(f);
        f.logging.disable(Warn);
    }
    fn shared(f: &Fixture) {
        handlers(f);
        f.logger("a").add_handler("r").unwrap();
    }
    let rows: &[(SetUp, &str, Level, bool, [usize; 3])] = &[
        (plain, "a.b", Warn, true, [1, 0, 0]),
        (plain, "a.b", Info, false, [0, 0, 0]),
        (level, "a", Debug, true, [1, 0, 0]),
        (level, "a.b.c", Debug, true, [1, 0, 0]),
        (level, "ab", Info, false, [0, 0, 0]),
        (level, "root", Info, false, [0, 0, 0]),
        (handlers, "a.b", Debug, true, [1, 1, 1]),
        (handlers, "a", Debug, true, [1, 1, 0]),
        (handlers, "a.b.c", Trace, false, [0, 0, 0]),
        (cut_a, "a.b", Info, true, [0, 1, 1]),
        (cut_a, "a", Info, true, [0, 1, 0]),
        (cut_a, "c", Error, true, [1, 0, 0]),
        (cut_ab, "a.b", Info, true, [0, 0, 1]),
        (cut_ab, "a.b.c", Info, true, [0, 0, 1]),
        (cut_ab, "a", Info, true, [1, 1, 0]),
        (disabled, "a", Error, false, [0, 0, 0]),
        (disabled, "a.b", Info, true, [1, 1, 1]),
        (root_disabled, "root", Error, false, [0, 0, 0]),
        (root_disabled, "a", Info, true, [1, 1, 0]),
        (x_errors, "a.b", Warn, true, [1, 0, 1]),
        (x_errors, "a.b", Error, true, [1, 1, 1]),
        (filter, "a", Error, true, [0, 0, 0]),
        (filter, "a.b", Error, true, [1, 1, 1]),
        (nearer, "a.b.c", Debug, true, [1, 0, 0]),
        (nearer, "a.c", Warn, false, [0, 0, 0]),
        (disable, "a.b", Warn, false, [0, 0, 0]),
        (disable, "a.b", Error, true, [1, 1, 1]),
        // CPython has [2, 1, 1].
        (shared, "a.b", Info, true, [1, 1, 1]),
    ];
    for (row, (set_up, name, level, enabled, counts)) in rows.iter().enumerate() {
        let fixture = Fixture::new();
        set_up(&fixture);
        let logger = fixture.logger(name);
        assert_eq!(logger.is_enabled_for(*level), *enabled, "row {row}: {name} {level}");
        assert_eq!(enabled!(logger: logger, *level), *enabled, "row {row}: {name} {level}");
        log!(*level, logger: logger, "m");
        assert_eq!(fixture.counts(), *counts, "row {row}: {name} {level}");
    }
}

#[test]
fn without_a_handler_on_the_way_nothing_is_enabled() {
    // CPython says that it is enabled; no handler gets the record there either.
    let fixture = Fixture::new();
    let logger = fixture.logger("a");
    logger.set_propagate(false);
    assert!(!logger.is_enabled_for(Level::Critical));
    error!(logger: logger, "nowhere");
    assert_eq!(fixture.counts(), [0, 0, 0]);
}

#[test]
fn levels_can_be_asked_for_and_taken_away() {
    let fixture = Fixture::new();
    let (root, parent, child) = (fixture.logging.root_logger(), fixture.logger("a"), fixture.logger("a.b"));
    assert_eq!((child.level(), child.effective_level()), (None, LevelFilter::Warn));
    parent.set_level(Level::Debug);
    assert_eq!((child.level(), child.effective_level()), (None, LevelFilter::Debug));
    child.set_level(LevelFilter::Off);
    assert_eq!((child.level(), child.effective_level()), (Some(LevelFilter::Off), LevelFilter::Off));
    assert!(!child.is_enabled_for(Level::Critical));
    child.clear_level();
    assert!(child.is_enabled_for(Level::Debug));
    root.clear_level();
    assert_eq!(root.level(), Some(LevelFilter::Warn));
    fixture.logging.disable(Level::Critical);
    assert!(!root.is_enabled_for(Level::Critical));
    fixture.logging.enable_all();
    assert!(root.is_enabled_for(Level::Critical));
}

#[test]
fn handlers_are_attached_and_detached_by_name() {
    let fixture = Fixture::new();
    let logger = fixture.logger("a");
    logger.add_handler("x").unwrap();
    logger.add_handler("x").unwrap();
    assert_eq!(logger.handlers(), ["x"]);
    let error = logger.add_handler("z").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid configuration: `handler` = \"z\": there is no handler of this name; there are: r, x, y"
    );
    warn!(logger: logger, "both");
    assert!(logger.remove_handler("x"));
    assert!(!logger.remove_handler("x"));
    warn!(logger: logger, "root only");
    assert_eq!(fixture.take(), [vec!["both", "root only"], vec!["both"], vec![]]);
    assert_eq!(fixture.logging.root_logger().handlers(), ["r"]);
}

#[test]
fn handler_levels_change_at_run_time() {
    let fixture = Fixture::new();
    let logger = fixture.logger("a");
    logger.set_level(Level::Trace);
    fixture.logging.set_handler_level("r", Level::Error).unwrap();
    assert!(!logger.is_enabled_for(Level::Warn), "nobody takes it");
    warn!(logger: logger, "1");
    error!(logger: logger, "2");
    fixture.logging.set_handler_level("r", Level::Debug).unwrap();
    debug!(logger: logger, "3");
    trace!(logger: logger, "4");
    fixture.logging.flush(LONG).unwrap();
    fixture.logging.set_handler_level("r", LevelFilter::Off).unwrap();
    error!(logger: logger, "5");
    assert_eq!(fixture.take()[0], ["2", "3"]);
    assert!(fixture.logging.set_handler_level("z", Level::Info).unwrap_err().is_config());
}

#[test]
fn filters_run_on_the_calling_thread_and_see_the_record() {
    let fixture = Fixture::new();
    let logger = fixture.logger("a");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    logger.add_filter(move |record: &FemtoLogRecord<'_>| {
        let thread = std::thread::current().name().map(str::to_owned);
        sink.lock().unwrap().push((thread, record.message().to_string(), record.logger().to_owned()));
        record.get("keep").is_some()
    });
    logger.add_filter(|record: &FemtoLogRecord<'_>| record.level() >= Level::Error);
    let caller = std::thread::Builder::new().name("caller".into());
    let clone = logger.clone();
    let work = move || {
        warn!(logger: clone, "kept by the first"; keep = true);
        error!(logger: clone, "kept by {}", "both"; keep = true);
        error!(logger: clone, "kept by the second");
    };
    caller.spawn(work).unwrap().join().unwrap();
    assert_eq!(fixture.take()[0], ["kept by both"]);
    let row = |message: &str| (Some("caller".to_owned()), message.to_owned(), "a".to_owned());
    assert_eq!(*seen.lock().unwrap(), [row("kept by the first"), row("kept by both"), row("kept by the second")]);

    logger.clear_filters();
    warn!(logger: logger, "free");
    assert_eq!(fixture.take()[0], ["free"]);
}

#[test]
fn a_filter_that_panics_lets_the_record_pass() {
    let fixture = Fixture::new();
    let logger = fixture.logger("a");
    logger.add_filter(|_: &FemtoLogRecord<'_>| panic!("expected by this test"));
    warn!(logger: logger, "1");
    warn!(logger: logger, "2");
    assert_eq!(fixture.take()[0], ["1", "2"]);
}

#[test]
fn a_filter_may_log_even_to_its_own_logger() {
    let fixture = Fixture::new();
    let logger = fixture.logger("a");
    let inner = logger.clone();
    logger.add_filter(move |record: &FemtoLogRecord<'_>| {
        warn!(logger: inner, "about {}", record.message());
        false
    });
    warn!(logger: logger, "1");
    warn!(logger: logger, "2");
    assert_eq!(fixture.take()[0], ["about 1", "about 2"]);
}

#[test]
fn loggers_are_set_up_by_the_configuration() {
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder()
        .default_level(Level::Error)
        .add_handler("all", capture.clone())
        .add_handler("own", FemtoCaptureHandler::new().configure().level(Level::Info).build().unwrap())
        .root_handlers(["all"])
        .add_logger("a::b", LoggerConfig::new().level(Level::Trace).handlers(["own", "own"]))
        .add_logger("quiet", LoggerConfig::new().disabled(true))
        .add_logger("odd", LoggerConfig::new().level(Level::Info).filter(|r: &FemtoLogRecord<'_>| r.get("n").is_some()))
        .add_logger("alone", LoggerConfig::new().propagate(false).handlers(["own"]))
        .build()
        .unwrap();
    let logger = |name| logging.get_logger(name).unwrap();
    assert_eq!(
        (logger("a.b").name().to_owned(), logger("a.b").handlers()),
        ("a::b".to_owned(), vec!["own".to_owned()])
    );
    assert_eq!(logger("a.b").level(), Some(LevelFilter::Trace));
    assert!(logger("quiet").disabled() && !logger("alone").propagate());
    trace!(logger: logger("a.b"), "a.b");
    error!(logger: logger("quiet"), "quiet");
    error!(logger: logger("quiet.child"), "quiet.child");
    info!(logger: logger("odd"), "odd"; n = 1);
    info!(logger: logger("odd"), "odd without n");
    error!(logger: logger("alone"), "alone");
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["a.b", "quiet.child", "odd"]);
    let own = logging.metrics().handler("own").map(|own| own.written);
    assert_eq!(own, Some(1), "`a.b` logs below its level");
}

/// The one test here that uses the global system.
#[test]
fn changes_are_seen_at_once_by_every_call_of_every_thread() {
    let capture = FemtoCaptureHandler::new();
    Config::builder().default_level(Level::Warn).add_handler("capture", capture.clone()).build_and_init().unwrap();
    let app = femtologging::get_logger("app").unwrap();
    let target = String::from("app.db");

    // A thread that logs one record of each kind whenever it is told to.
    let (go, orders) = mpsc::channel::<u32>();
    let (done, reports) = mpsc::channel();
    let (logger, name) = (app.clone(), target.clone());
    let thread = std::thread::spawn(move || {
        for round in orders {
            info!(target: "app.db", "static {}", round);
            info!(target: name, "run-time {}", round);
            info!(logger: logger, "logger {}", round);
            log!(Level::Info, target: "app.db", "log {}", round);
            done.send(enabled!(target: "app.db", Level::Info)).unwrap();
        }
    });
    let all = |round: u32| ["static", "run-time", "logger", "log"].map(|kind| format!("{kind} {round}")).to_vec();
    let mut round = 0;
    let mut check = |what: &str, expected: bool| {
        round += 1;
        go.send(round).unwrap();
        assert_eq!(reports.recv().unwrap(), expected, "{what}");
        femtologging::flush(LONG).unwrap();
        let messages: Vec<_> = capture.take().iter().map(|record| record.message().to_owned()).collect();
        assert_eq!(messages, if expected { all(round) } else { vec![] }, "{what}");
    };
    check("the root logger's level", false);
    app.set_level(Level::Debug);
    check("set_level(Debug)", true);
    app.set_level(Level::Warn);
    check("set_level(Warn)", false);
    app.clear_level();
    femtologging::root_logger().set_level(Level::Info);
    check("the root logger's set_level(Info)", true);
    femtologging::disable(Level::Info);
    check("disable(Info)", false);
    femtologging::disable(Level::Debug);
    check("disable(Debug)", true);
    femtologging::enable_all();
    femtologging::set_handler_level("capture", Level::Warn).unwrap();
    check("set_handler_level(Warn)", false);
    femtologging::set_handler_level("capture", Level::Trace).unwrap();
    check("set_handler_level(Trace)", true);

    // Below a disabled logger, a run-time target is still enabled, even one that no logger was made for.
    app.set_level(Level::Trace);
    app.set_disabled(true);
    femtologging::root_logger().set_level(Level::Error);
    let unknown = String::from("app.nobody.asked");
    info!(target: unknown, "below");
    info!(target: String::from("app").as_str(), "itself");
    femtologging::flush(LONG).unwrap();
    assert_eq!(capture.messages(), ["below"]);
    drop(go);
    thread.join().unwrap();
}

/// A thread remembers the ring of the route that it used last, which must not outlive the route.
#[test]
fn no_record_takes_the_route_that_a_thread_used_before_a_change() {
    let fixture = Fixture::new();
    let (steady, moved) = (fixture.logger("steady"), fixture.logger("moved"));
    for logger in [&steady, &moved] {
        logger.set_propagate(false);
    }
    steady.add_handler("r").unwrap();
    moved.add_handler("x").unwrap();
    let mut expected = [(); 3].map(|()| Vec::new());
    for round in 0..200_u32 {
        let (old, new) = if round % 2 == 0 { (1, 2) } else { (2, 1) };
        // One call site, whose route changes; of two loggers, so that now one route and now the other is the last one.
        for part in 0..round % 40 {
            let (logger, handler) = if part % 3 == 0 { (&steady, 0) } else { (&moved, old) };
            for after in [false, true] {
                if after && part + 1 == round % 40 {
                    moved.remove_handler(NAMES[old]);
                    moved.add_handler(NAMES[new]).unwrap();
                }
                let handler = if after && part + 1 == round % 40 && handler != 0 { new } else { handler };
                warn!(logger: logger, "{} {} {}", round, part, after);
                expected[handler].push(format!("{round} {part} {after}"));
            }
        }
        if round.is_multiple_of(40) {
            moved.remove_handler(NAMES[old]);
            moved.add_handler(NAMES[new]).unwrap();
        }
    }
    assert_eq!(fixture.take(), expected);
}
