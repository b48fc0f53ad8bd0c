//! The formatters from outside: what macros log, laid out by each of them, through a handler.

mod common;

use common::{LONG, Scripted, TIME, clock};
use femtologging::formatter::{
    FemtoConsoleFormatter, FemtoFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, JsonSchema,
};
use femtologging::policy::SpanEvents;
use femtologging::time::Clock;
use femtologging::{
    Config, FemtoJsonFormatter, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, FemtoTextFormatter, Level, context,
    info, info_span, warn,
};

/// What a formatter makes of what `log` logs in a thread `main`, at 2026-03-12T08:30:00.123456Z.
fn lines(formatter: impl FemtoFormatter + 'static, log: fn(&FemtoLogger)) -> Vec<String> {
    let writer = Scripted::default();
    let config = Config::builder().default_level(Level::Trace).clock(Clock::manual(&clock()));
    let handler = FemtoStreamHandler::builder(writer.clone()).formatter(formatter).build().unwrap();
    let logging = config.add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    std::thread::Builder::new().name("main".into()).spawn(move || log(&logger)).unwrap().join().unwrap();
    logging.shutdown(LONG).unwrap();
    writer.lines()
}

/// The numbers that follow a text. Those of spans and threads are this process's, whatever else runs in it.
fn numbers(line: &str, before: &str) -> Vec<u64> {
    let numbers = line.split(before).skip(1);
    numbers.map(|text| text[..text.find(|c: char| !c.is_ascii_digit()).unwrap()].parse().unwrap()).collect()
}

const LINE: u32 = line!() + 4;

fn four_values(logger: &FemtoLogger) {
    let (peer, none) = ("10.0.0.7 \"a\"", None::<u8>);
    info!(logger: *logger, "{} of {total}\n", 3, total = 5.5; peer, retry = true, none, size = -7_i64);
    warn!(logger: *logger, "bare");
}

#[test]
fn each_formatter_writes_its_lines() {
    assert_eq!(
        lines(FemtoTextFormatter::new().digits(0), four_values),
        [
            r#"2026-03-12T08:30:00Z INFO  app.db [main] 3 of 5.5\n peer="10.0.0.7 \"a\"" retry=true none=null size=-7"#,
            "2026-03-12T08:30:00Z WARN  app.db [main] bare",
        ]
    );
    let pattern = "%(asctime)s|%(levelname)-5s|%(filename)s:%(lineno)d %(funcName)s|%(threadName)s|%(size)+d|%(message)s|%(key_values)s";
    assert_eq!(
        lines(FemtoPatternFormatter::percent(pattern).unwrap(), four_values),
        [
            format!(
                r#"2026-03-12 08:30:00,123|INFO |formatters.rs:{LINE} four_values|main|-7|3 of 5.5\n|peer="10.0.0.7 \"a\"" retry=true none=null size=-7"#
            ),
            format!("2026-03-12 08:30:00,123|WARN |formatters.rs:{} four_values|main|-|bare|", LINE + 1),
        ]
    );
    let json = lines(FemtoJsonFormatter::new(), four_values);
    let thread = numbers(&json[0], "\"thread_id\":")[0];
    assert_eq!(
        json,
        [
            format!(
                r#"{{"timestamp":"{TIME}","level":"INFO","message":"3 of 5.5\n","logger":"app.db","thread":"main","thread_id":{thread},"file":"tests/formatters.rs","line":{LINE},"function":"formatters::four_values","fields":{{"peer":"10.0.0.7 \"a\"","retry":true,"none":null,"size":-7}}}}"#
            ),
            format!(
                r#"{{"timestamp":"{TIME}","level":"WARN","message":"bare","logger":"app.db","thread":"main","thread_id":{thread},"file":"tests/formatters.rs","line":{},"function":"formatters::four_values"}}"#,
                LINE + 1
            ),
        ]
    );
    assert_eq!(
        lines(FemtoLogfmtFormatter::new(), four_values),
        [
            format!(
                r#"time={TIME} level=info logger=app.db thread=main msg="3 of 5.5\n" peer="10.0.0.7 \"a\"" retry=true none=null size=-7"#
            ),
            format!(r#"time={TIME} level=warn logger=app.db thread=main msg="bare""#),
        ]
    );
    assert_eq!(
        lines(FemtoConsoleFormatter::new(), four_values),
        [
            r#"08:30:00.123 INFO     app.db 3 of 5.5\n peer="10.0.0.7 \"a\"" retry=true none=null size=-7"#,
            "08:30:00.123 WARN     app.db bare",
        ]
    );
}

const NESTED_LINE: u32 = line!() + 7;

fn nested_values(logger: &FemtoLogger) {
    let _context = context!(request_id = "r 1", user = "ada").enter();
    let _outer = info_span!(logger: *logger, "request"; path = "/").events(SpanEvents::None).entered();
    let _inner = info_span!(logger: *logger, "load").events(SpanEvents::None).entered();
    let stock = std::collections::BTreeMap::from([("a b", vec![Some("x\n"), None]), ("c", vec![])]);
    info!(logger: *logger, "m"; user = "bob", stock, sizes = [[1, 2], [3, 4]], raw:bytes = b"\x1b\xff");
}

#[test]
fn each_formatter_writes_spans_contexts_lists_maps_and_bytes() {
    let pairs = r#"request_id="r 1" path=/ user=bob stock={"a b":["x\n",null],"c":[]} sizes=[[1,2],[3,4]] raw=1bff"#;
    assert_eq!(
        lines(FemtoTextFormatter::new(), nested_values),
        [format!("{TIME} INFO  app.db [main] request:load: m {pairs}")]
    );
    assert_eq!(
        lines(FemtoConsoleFormatter::new(), nested_values),
        [format!("08:30:00.123 INFO     app.db request:load: m {pairs}")]
    );
    let pattern = FemtoPatternFormatter::brace("{spans}|{stock}|{sizes:>20}|{raw}|{key_values}").unwrap();
    assert_eq!(
        lines(pattern, nested_values),
        [format!(r#"request:load|{{"a b":["x\n",null],"c":[]}}|       [[1,2],[3,4]]|1bff|{pairs}"#)]
    );
    let logfmt = lines(FemtoLogfmtFormatter::new(), nested_values).remove(0);
    let id = numbers(&logfmt, "span_id=")[0];
    assert_eq!(
        logfmt,
        format!(
            r#"time={TIME} level=info logger=app.db thread=main span=request:load span_id={id} msg="m" request_id="r 1" path=/ user=bob stock="{{\"a b\":[\"x\\n\",null],\"c\":[]}}" sizes="[[1,2],[3,4]]" raw=1bff"#
        )
    );
    let json = lines(FemtoJsonFormatter::new(), nested_values).remove(0);
    let ids = numbers(&json, "\"id\":");
    assert!(ids[0] < ids[1], "{json}");
    assert_eq!(
        json,
        format!(
            r#"{{"timestamp":"{TIME}","level":"INFO","message":"m","logger":"app.db","thread":"main","thread_id":{},"file":"tests/formatters.rs","line":{NESTED_LINE},"function":"formatters::nested_values","spans":[{{"name":"request","id":{}}},{{"name":"load","id":{}}}],"fields":{{"request_id":"r 1","path":"/","user":"bob","stock":{{"a b":["x\n",null],"c":[]}},"sizes":[[1,2],[3,4]],"raw":"1bff"}}}}"#,
            numbers(&json, "\"thread_id\":")[0],
            ids[0],
            ids[1]
        )
    );
}

#[test]
fn fractions_have_any_number_of_digits() {
    let fractions = ["", ".1", ".12", ".123", ".1234", ".12345", ".123456", ".1234560", ".12345600", ".123456000"];
    for (digits, fraction) in (0..).zip(fractions) {
        let time = format!("2026-03-12T08:30:00{fraction}Z");
        let bare = |logger: &FemtoLogger| warn!(logger: *logger, "bare");
        let first = |formatter: Box<dyn FemtoFormatter>| {
            let mut formatter = formatter;
            lines(move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| formatter.format(record, out), bare).remove(0)
        };
        assert!(first(Box::new(FemtoTextFormatter::new().digits(digits))).starts_with(&format!("{time} WARN")));
        assert!(first(Box::new(FemtoLogfmtFormatter::new().digits(digits))).starts_with(&format!("time={time} ")));
        assert!(
            first(Box::new(FemtoJsonFormatter::new().digits(digits)))
                .starts_with(&format!("{{\"timestamp\":\"{time}\","))
        );
        assert!(
            first(Box::new(FemtoConsoleFormatter::new().digits(digits)))
                .starts_with(&format!("08:30:00{fraction} WARN"))
        );
        let pattern = FemtoPatternFormatter::dollar("$asctime").unwrap().datefmt(&format!("%FT%T.%{digits}f")).unwrap();
        assert_eq!(first(Box::new(pattern)).trim_end_matches('.'), time.trim_end_matches('Z'));
    }
}

/// With and without the feature `local-time`.
#[test]
fn directives_for_the_zone_say_that_times_are_in_utc() {
    let pattern = FemtoPatternFormatter::dollar("$asctime").unwrap().datefmt("%H:%M %z %:z %Z").unwrap();
    let found = lines(pattern, |logger| warn!(logger: *logger, "bare"));
    assert_eq!(found, ["08:30 +0000 +00:00 UTC"]);
}

#[test]
fn what_process_and_program_the_records_come_from() {
    let pattern = FemtoPatternFormatter::brace("{process} {processName} {module} {name} {levelno}").unwrap();
    let program = std::env::current_exe().unwrap();
    let program = program.file_stem().unwrap().to_str().unwrap();
    let found = lines(pattern, |logger| warn!(logger: *logger, "bare"));
    assert_eq!(found, [format!("{} {program} formatters app.db 30", std::process::id())]);
    let gelf = lines(
        FemtoJsonFormatter::new().schema(JsonSchema::Gelf).constant("host", "web1"),
        |logger| warn!(logger: *logger, "m"),
    );
    assert!(gelf[0].starts_with(r#"{"timestamp":1773304200.123,"_level_name":"WARN","level":4,"short_message":"m","version":"1.1","host":"web1","#));
}

#[test]
fn relative_times_begin_with_the_first_use() {
    let pattern = FemtoPatternFormatter::percent("%(relativeCreated)d %(created)d %(relativeCreated).3f").unwrap();
    let found = lines(pattern, |logger| warn!(logger: *logger, "bare"));
    let numbers: Vec<f64> = found[0].split(' ').map(|number| number.parse().unwrap()).collect();
    // The record's clock stands; the process began at some other time, which two fields must agree on.
    assert_eq!(numbers[1], 1_773_304_200.0);
    assert_eq!(numbers[0], numbers[2].trunc());
}
