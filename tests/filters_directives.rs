//! Directives: what is read, what is wrong with it, and which levels loggers get.

mod common;

use std::process::Command;
use std::sync::{LazyLock, Mutex};

use common::LONG;
use femtologging::config::{ConfigBuilder, LoggerConfig};
use femtologging::filter::{Directive, Directives};
use femtologging::handler::{FemtoCaptureHandler, FemtoHandlerExt};
use femtologging::policy::SpanEvents;
use femtologging::{
    Config, FemtoLogger, Level, LevelFilter, STATIC_MAX_LEVEL, debug, info, info_span, set_error_hook, trace,
};
use proptest::prelude::*;

/// What the library said; the tests of this file share one process.
static SAID: LazyLock<Mutex<Vec<String>>> = LazyLock::new(|| {
    set_error_hook(|source, message| SAID.lock().unwrap().push(format!("{source}: {message}")));
    Mutex::default()
});

fn parse(text: &str) -> Directives {
    LazyLock::force(&SAID);
    Directives::parse(text)
}

#[test]
fn what_is_read() {
    for (text, expected) in [
        ("", ""),
        (" , ,", ""),
        ("info", "INFO"),
        ("Warning", "WARN"),
        ("30", "WARN"),
        ("off", "OFF"),
        ("my_app", "my_app=TRACE"),
        ("my_app=", "my_app=TRACE"),
        (" info , my_app::db = debug ,hyper=off", "INFO,my_app::db=DEBUG,hyper=OFF"),
        ("my-app.db=fatal", "my-app.db=CRITICAL"),
        ("root=debug", "DEBUG"),
        ("info,debug", "DEBUG"),
        ("a.b=info,c=warn,a::b=debug", "c=WARN,a::b=DEBUG"),
        ("[{user}]", "[{user}]=TRACE"),
        ("[{user}]=debug", "[{user}]=DEBUG"),
        ("app[{user=ada,n=7}]=info", "app[{user=\"ada\",n=\"7\"}]=INFO"),
        (r#"app[{q="a,b]=\"{\\"}]=info,b=off"#, r#"app[{q="a,b]=\"{\\"}]=INFO,b=OFF"#),
        ("app[{path=/a/b}]=info", "app[{path=\"/a/b\"}]=INFO"),
        ("app[{k=}]=info", "app[{k=\"\"}]=INFO"),
    ] {
        let directives = parse(text);
        assert_eq!((directives.to_string().as_str(), directives.warnings()), (expected, &[][..]), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_and_left_out() {
    let level = "this is no level: use trace, debug, info, warn, error, critical, off, \
                 or CPython's numbers 5, 10, 20, 30, 40, 50";
    let name = "this is no logger's name: write parts separated by `.` or `::`, such as `my_app::db=debug`";
    let scope = "this is no span or keys: write `[span]`, `[{key}]` or `[span{key=value}]`";
    let missing = "a logger's name is missing before `=`";
    for (directive, complaint) in [
        ("a=loud", level),
        ("a=b=info", level),
        ("3", level),
        ("a=notset", level),
        ("=info", missing),
        ("=", missing),
        ("a..b=info", name),
        ("a:b=info", name),
        ("a b=info", name),
        ("]", name),
        ("a{b}=info", name),
        ("a[b=info", scope),
        ("[]", scope),
        ("[{}]", scope),
        ("[{a]=info", scope),
        ("[a}]=info", scope),
        ("[{a=\"b}]=info", scope),
        ("[{a=\"b\"c}]=info", scope),
        ("[a]b=info", scope),
    ] {
        let directives = parse(&format!("x=info,{directive}"));
        assert_eq!(directives.to_string(), "x=INFO", "{directive}");
        let warnings: Vec<_> = directives.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(warnings, [format!("`directives` = {directive:?}: {complaint}")]);
    }
}

#[test]
fn what_cannot_be_honoured_is_said() {
    let spans = parse("info,app[load{id=7}]=trace/text");
    assert_eq!(spans.to_string(), "INFO,app[load{id=\"7\"}]=TRACE");
    let warnings: Vec<_> = spans.warnings().iter().map(ToString::to_string).collect();
    let regex =
        "`directives` = \"text\": the part behind `/` was left out: filter messages with `Contains` or `Matches`";
    assert_eq!(warnings, [regex]);
    assert_eq!(spans.level("app"), Some(LevelFilter::Info));

    let directive: Vec<&Directive> = spans.iter().collect();
    assert_eq!((directive[1].target(), directive[1].span()), ("app", Some("load")));
    assert_eq!(directive[1].fields().collect::<Vec<_>>(), [("id", Some("7"))]);
    assert_eq!(directive[1].level(), LevelFilter::Trace);
}

#[test]
fn the_most_precise_directive_decides() {
    let directives = parse("a.b=debug,info,a=off,a::b::c=error");
    for (logger, level) in [
        ("root", LevelFilter::Info),
        ("z", LevelFilter::Info),
        ("ab", LevelFilter::Info),
        ("a", LevelFilter::Off),
        ("a.x", LevelFilter::Off),
        ("a::b", LevelFilter::Debug),
        ("a.b.d", LevelFilter::Debug),
        ("a.b.c.d", LevelFilter::Error),
    ] {
        assert_eq!(directives.level(logger), Some(level), "{logger}");
    }
    assert_eq!(parse("a=info").level("b"), None);
}

/// The levels that loggers have, with `set_up`.
fn levels(names: &[&str], set_up: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Vec<LevelFilter> {
    let logging = set_up(Config::builder()).build().unwrap();
    names.iter().map(|name| logging.get_logger(name).unwrap().effective_level()).collect()
}

#[test]
fn loggers_get_their_levels() {
    use LevelFilter::{Debug, Error, Info, Off, Trace, Warn};
    LazyLock::force(&SAID);
    let names = ["root", "app", "app.db.pool", "hyper", "other"];
    let set_up = |config: ConfigBuilder| {
        config
            .directives("app::db=debug,hyper=off,warn")
            .add_logger("app.db", LoggerConfig::new().level(Level::Error))
            .add_logger("app", LoggerConfig::new().level(Level::Error))
            .default_level(Level::Trace)
    };
    assert_eq!(levels(&names, set_up), [Warn, Warn, Debug, Off, Warn], "whatever else is set, in whatever order");

    let twice = |config: ConfigBuilder| config.directives("app=debug,error").directives(parse("app=trace"));
    assert_eq!(levels(&names, twice), [Error, Trace, Trace, Error, Error]);

    let keys = |config: ConfigBuilder| config.directives("app[{k}]=debug,nonsense=loud");
    assert_eq!(levels(&names, keys), [Info; 5]);
    let said = SAID.lock().unwrap();
    // The budget for reports may be used up by the other tests of this file; what is said is right.
    let expected = "directives: app[{k}]=DEBUG: ignored, as only a handler's filter can look at keys and spans";
    let about_keys: Vec<_> = said.iter().filter(|line| line.contains("ignored, as only")).collect();
    assert!(about_keys.iter().all(|line| line.starts_with(expected)), "{about_keys:?}");
}

#[test]
fn other_settings_of_a_logger_stay() {
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder()
        .add_handler("h", capture.clone())
        .root_handlers([""; 0])
        .add_logger("app", LoggerConfig::new().level(Level::Error).handlers(["h"]))
        .directives("app=trace")
        .build()
        .unwrap();
    trace!(logger: logging.get_logger("app").unwrap(), "traced");
    logging.flush(LONG).unwrap();
    assert_eq!(capture.messages().len(), usize::from(STATIC_MAX_LEVEL == LevelFilter::Trace));
}

/// Names the test that runs in a process of its own.
const CHILD: &str = "FILTERS_DIRECTIVES_CHILD";

/// Runs this file's test again in a child with these variables, and returns what it wrote to standard error.
fn in_child(test: &str, variables: &[(&str, &std::ffi::OsStr)]) -> Option<String> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, test);
    let output = child.envs(variables.iter().copied()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    Some(stderr)
}

#[test]
fn from_the_environment() {
    let Some(stderr) =
        in_child("from_the_environment", &[("MY_LOG", "debug,app=off,x=loud".as_ref()), ("EMPTY", "".as_ref())])
    else {
        let level = |variable| levels(&["app", "b"], |config| config.directives_from_env(variable));
        assert_eq!(level("MY_LOG"), [LevelFilter::Off, LevelFilter::Debug]);
        assert_eq!(level("EMPTY"), [LevelFilter::Info; 2]);
        assert_eq!(level("NOT_SET"), [LevelFilter::Info; 2]);
        assert_eq!(Directives::from_env("NOT_SET"), None);
        assert_eq!(Directives::from_env("EMPTY"), Some(Directives::default()));
        return;
    };
    let said: Vec<_> = stderr.lines().filter(|line| line.starts_with("femtologging: ")).collect();
    assert_eq!(said.len(), 1, "{stderr}");
    assert!(said[0].starts_with("femtologging: directives: `directives` = \"x=loud\": this is no level"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let value = std::ffi::OsStr::from_bytes(b"info,\xff");
    let Some(stderr) = in_child("a_variable_that_is_no_text", &[("MY_LOG", value)]) else {
        let directives = Directives::from_env("MY_LOG").unwrap();
        assert_eq!((directives.iter().count(), directives.warnings().len()), (0, 1));
        return;
    };
    let said = "femtologging: directives: `MY_LOG` = \"info,\\xFF\": this is not Unicode text, and was left out";
    assert_eq!(stderr.lines().filter(|line| line.starts_with("femtologging: ")).collect::<Vec<_>>(), [said]);
}

/// The messages that pass a handler with these directives.
fn passed(directives: &str, log: impl FnOnce(&FemtoLogger)) -> Vec<String> {
    let capture = FemtoCaptureHandler::new();
    let handler = capture.clone().configure().filter(parse(directives)).build().unwrap();
    let config = Config::builder().default_level(Level::Debug).span_events(SpanEvents::None).add_handler("h", handler);
    let logging = config.build().unwrap();
    log(&logging.get_logger("app.db").unwrap());
    logging.flush(LONG).unwrap();
    capture.messages()
}

#[test]
fn spans_decide_in_a_handlers_filter() {
    let log = |logger: &FemtoLogger| {
        debug!(logger: *logger, "outside");
        let load = info_span!(logger: *logger, "load"; id = 7, user.name = "ada").entered();
        debug!(logger: *logger, "in load 7");
        info_span!(logger: *logger, "parse").in_scope(|| debug!(logger: *logger, "in parse in load 7"));
        std::thread::scope(|scope| {
            scope.spawn(|| debug!(logger: *logger, "on a thread without it"));
        });
        drop(load);
        info_span!(logger: *logger, "load"; id = 8).in_scope(|| debug!(logger: *logger, "in load 8"));
        info_span!(logger: *logger, "parse"; id = 7).in_scope(|| debug!(logger: *logger, "in parse 7"));
        debug!(logger: *logger, "outside with the key"; id = 7);
        info!(logger: *logger, "outside, important");
    };
    let rows: [(&str, &[&str]); 9] = [
        ("info,app[load]=debug", &["in load 7", "in parse in load 7", "in load 8", "outside, important"]),
        ("info,app[load{id=7}]=debug", &["in load 7", "in parse in load 7", "outside, important"]),
        ("info,app[load{id=7,user.name=\"ada\"}]=debug", &["in load 7", "in parse in load 7", "outside, important"]),
        ("info,app[parse]=debug", &["in parse in load 7", "in parse 7", "outside, important"]),
        ("info,app[parse{user.name}]=debug", &["in parse in load 7", "outside, important"]),
        (
            "info,[{id=7}]=debug",
            &["in load 7", "in parse in load 7", "in parse 7", "outside with the key", "outside, important"],
        ),
        (
            "debug,[load]=off",
            &["outside", "on a thread without it", "in parse 7", "outside with the key", "outside, important"],
        ),
        ("off,app.db[load{id=8}]=debug,app.net[load]=debug", &["in load 8"]),
        // Of a span and a key, the span decides.
        ("off,[load]=debug,[{user.name}]=off", &["in load 7", "in parse in load 7", "in load 8"]),
    ];
    for (directives, expected) in rows {
        assert_eq!(passed(directives, log), expected, "{directives}");
    }
}

#[test]
fn the_innermost_value_of_a_key_is_the_one_that_counts() {
    let log = |logger: &FemtoLogger| {
        let _outer = info_span!(logger: *logger, "load"; id = 7).entered();
        let _inner = info_span!(logger: *logger, "load"; id = 8).entered();
        debug!(logger: *logger, "in both");
        debug!(logger: *logger, "with its own"; id = 9);
    };
    assert_eq!(passed("info,[load{id=7}]=debug", log), [""; 0]);
    assert_eq!(passed("info,[load{id=8}]=debug", log), ["in both"]);
    assert_eq!(passed("info,[load{id=9}]=debug", log), ["with its own"]);
}

fn level() -> impl Strategy<Value = String> {
    prop_oneof!["trace", "DEBUG", "Info", "warning", "fatal", "off", "20"].prop_map(|word: String| word)
}

/// Directives that are right.
fn directive() -> impl Strategy<Value = String> {
    let field =
        prop_oneof!["[a-z][a-z_.-]{0,6}", "[a-z]{1,4}=[a-z0-9 _:;/.-]{0,8}", r#"[a-z]{1,4}="([^"\\]|\\.){0,8}""#];
    let fields = prop::collection::vec(field, 1..4).prop_map(|fields| format!("{{{}}}", fields.join(",")));
    let scope = ("[a-z ]{0,5}", fields).prop_map(|(span, fields)| format!("[{span}{fields}]"));
    let scope = prop_oneof![Just(String::new()), Just("[span]".to_owned()), scope];
    let name = "[a-z_é-]{1,5}((::|\\.)[a-z_0-9-]{1,4}){0,3}";
    prop_oneof![
        level(),
        (name, scope.clone(), level()).prop_map(|(name, scope, level)| format!("{name}{scope}={level}")),
        scope.prop_filter("empty", |scope| !scope.is_empty())
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic_and_printed_so_that_it_reads_the_same(text in "\\PC{0,60}|[\\[\\]{}=,\"\\\\/a:.o\n ]{0,40}") {
        let directives = parse(&text);
        let again = parse(&directives.to_string());
        prop_assert_eq!(again.iter().collect::<Vec<_>>(), directives.iter().collect::<Vec<_>>());
    }

    #[test]
    fn good_directives_are_all_read_and_printed_so_that_they_read_the_same(parts in prop::collection::vec(directive(), 1..6)) {
        let text = parts.join(",");
        let directives = parse(&text);
        prop_assert_eq!(directives.warnings(), &[], "{}", text);
        let again = parse(&directives.to_string());
        prop_assert_eq!(again.iter().collect::<Vec<_>>(), directives.iter().collect::<Vec<_>>());
        prop_assert!(directives.iter().count() >= 1);
    }
}
