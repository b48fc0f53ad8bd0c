//! Streams, the text formatter, closures, the capture and null handlers, and the calls a handler gets.

mod common;

use std::sync::{Arc, Mutex};

use common::{LONG, Scripted, TIME, clock};
use femtologging::handler::{
    Batch, Delivery, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt, FemtoNullHandler, HandlerSpec,
};
use femtologging::record::OwnedRecord;
use femtologging::time::{Clock, Timestamp};
use femtologging::{
    Config, Error, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, FemtoTextFormatter, Level, Logging, Value,
    critical, debug, error, info, trace, warn,
};

/// A system with this handler alone, and its logger `app.db`, at 2026-03-12T08:30:00.123456Z.
fn system(handler: impl Into<HandlerSpec>) -> (Logging, FemtoLogger) {
    let config = Config::builder().default_level(Level::Trace).clock(Clock::manual(&clock()));
    let logging = config.add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger)
}

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

#[test]
fn a_stream_is_any_writer() {
    let writer = Scripted::default();
    let (logging, logger) = system(FemtoStreamHandler::builder(writer.clone()).build().unwrap());
    let work = move || {
        info!(logger: logger, "ready"; port = 8080);
        trace!(logger: logger, "{} of {}", 1, 2);
        debug!(logger: logger, "d");
        warn!(logger: logger, "w");
        error!(logger: logger, "e");
        critical!(logger: logger, "c");
    };
    std::thread::Builder::new().name("main".into()).spawn(work).unwrap().join().unwrap();
    logging.flush(LONG).unwrap();
    let expected = [
        "INFO  app.db [main] ready port=8080",
        "TRACE app.db [main] 1 of 2",
        "DEBUG app.db [main] d",
        "WARN  app.db [main] w",
        "ERROR app.db [main] e",
        "CRITICAL app.db [main] c",
    ];
    assert_eq!(writer.text(), expected.map(|line| format!("{TIME} {line}\n")).concat());
}

#[test]
fn the_terminator_is_chosen() {
    for (terminator, expected) in [("\r\n", "1\r\n2\r\n"), ("\0", "1\x002\0"), ("", "12")] {
        let writer = Scripted::default();
        let handler = FemtoStreamHandler::builder(writer.clone()).formatter(message).terminator(terminator);
        let (logging, logger) = system(handler.build().unwrap());
        info!(logger: logger, "1");
        info!(logger: logger, "2");
        logging.shutdown(LONG).unwrap();
        assert_eq!(writer.text(), expected);
    }
}

/// Logs by `log` and returns the text after the time, level, logger and thread.
fn text(formatter: FemtoTextFormatter, log: impl FnOnce(&FemtoLogger) + Send + 'static) -> String {
    let writer = Scripted::default();
    let handler = FemtoStreamHandler::builder(writer.clone()).formatter(formatter).terminator("|");
    let (logging, logger) = system(handler.build().unwrap());
    std::thread::Builder::new().name("main".into()).spawn(move || log(&logger)).unwrap().join().unwrap();
    logging.shutdown(LONG).unwrap();
    let text = writer.text();
    let rest = text.strip_prefix(&format!("{TIME} INFO  app.db [main] ")).unwrap_or_else(|| panic!("{text}"));
    rest.strip_suffix('|').unwrap().to_owned()
}

#[test]
fn text_values_are_quoted_where_they_would_be_ambiguous() {
    let rows = [
        ("plain", "plain"),
        ("", "\"\""),
        ("two words", "\"two words\""),
        ("a=b", "\"a=b\""),
        ("say \"hi\"", "\"say \\\"hi\\\"\""),
        ("\"", "\"\\\"\""),
        ("back\\slash", "back\\slash"),
        ("back\\slash and space", "\"back\\\\slash and space\""),
        ("tab\there", "\"tab\\there\""),
        ("line\nbreak\r", "\"line\\nbreak\\r\""),
        ("\u{1b}[31mred", "\"\\u{1b}[31mred\""),
        ("nul\0", "\"nul\\u{0}\""),
        ("\u{a0}", "\"\u{a0}\""),
        ("größe", "größe"),
        ("[x]", "[x]"),
    ];
    for (value, expected) in rows {
        let found = text(FemtoTextFormatter::new(), move |logger| info!(logger: logger, "m"; key = value));
        assert_eq!(found, format!("m key={expected}"), "{value:?}");
        let found = text(FemtoTextFormatter::new(), move |logger| info!(logger: logger, "m"; key:% = value));
        assert_eq!(found, format!("m key={expected}"), "{value:?} by Display");
    }
}

#[test]
fn values_of_all_types_have_their_text() {
    let found = text(FemtoTextFormatter::new(), |logger| {
        info!(logger: logger, "m"; int = -5, byte = 7_u8, big = u128::MAX, half = 0.5, whole = 3.0, not = f64::NAN,
            yes = true, letter = 'x', none = None::<u8>, some = Some("s"), debug:? = Some("a b"),
            time = std::time::Duration::from_millis(1500), ip = std::net::IpAddr::from([127, 0, 0, 1]));
    });
    let expected = "m int=-5 byte=7 big=340282366920938463463374607431768211455 half=0.5 whole=3 not=NaN yes=true \
                    letter=x none=null some=s debug=Some(\"a b\") time=1.5s ip=127.0.0.1";
    assert_eq!(found, expected);
}

#[test]
fn messages_cannot_forge_a_line_unless_escaping_is_off() {
    let rows = [
        ("a\nb", "a\\nb"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
        ("\u{85}\u{9b}\u{7f}", "\\u{85}\\u{9b}\\u{7f}"),
        ("\u{2028}\u{202e}", "\\u{2028}\\u{202e}"),
        ("back\\n", "back\\n"),
        ("\"quoted\" größe 😀", "\"quoted\" größe 😀"),
    ];
    for (message, expected) in rows {
        let argument = move |logger: &FemtoLogger| info!(logger: logger, "<{}>", message);
        assert_eq!(text(FemtoTextFormatter::new(), argument), format!("<{expected}>"));
        assert_eq!(text(FemtoTextFormatter::new().escape(false), argument), format!("<{message}>"));
        let captured = move |logger: &FemtoLogger| info!(logger: logger, "<{message}>");
        assert_eq!(text(FemtoTextFormatter::new(), captured), format!("<{expected}>"));
        assert_eq!(text(FemtoTextFormatter::new().escape(false), captured), format!("<{message}>"));
    }
    let literal = |logger: &FemtoLogger| info!(logger: logger, "one\ntwo"; key:? = "a\nb", value = "c\nd");
    assert_eq!(text(FemtoTextFormatter::new(), literal), "one\\ntwo key=\"a\\nb\" value=\"c\\nd\"");
    assert_eq!(text(FemtoTextFormatter::new().escape(false), literal), "one\ntwo key=\"a\\nb\" value=\"c\nd\"");
}

#[test]
fn closures_are_formatters_with_state_and_filters() {
    let writer = Scripted::default();
    let mut count = 0;
    let handler = FemtoStreamHandler::builder(writer.clone())
        .formatter(move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            count += 1;
            out.extend_from_slice(format!("{count} {}", record.message()).as_bytes());
        })
        .filter(|record: &FemtoLogRecord<'_>| record.get("user").and_then(|user| user.as_str()) != Some("eve"))
        .filter(|record: &FemtoLogRecord<'_>| record.level() != Level::Warn)
        .level(Level::Debug);
    let (logging, logger) = system(handler.build().unwrap());
    info!(logger: logger, "a"; user = "ada");
    info!(logger: logger, "b"; user = "eve");
    warn!(logger: logger, "c");
    trace!(logger: logger, "d");
    debug!(logger: logger, "e");
    logging.flush(LONG).unwrap();
    assert_eq!(writer.text(), "1 a\n2 e\n");
    let metrics = logging.metrics();
    let h = metrics.handler("h").unwrap();
    // `d` is below the handler's level: its caller did not even queue it.
    assert_eq!((h.emitted, h.written, h.filtered, h.failed), (2, 2, 2, 0));
}

#[test]
fn a_formatter_that_panics_costs_that_record_only() {
    let writer = Scripted::default();
    let handler =
        FemtoStreamHandler::builder(writer.clone()).formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            out.extend_from_slice(b"begun ");
            assert!(record.get("bad").is_none(), "expected by this test");
            record.write_message(out);
        });
    let (logging, logger) = system(handler.build().unwrap());
    info!(logger: logger, "1");
    info!(logger: logger, "2"; bad = true);
    info!(logger: logger, "3");
    let _ = logging.flush(LONG);
    assert_eq!(writer.text(), "begun 1\nbegun 3\n");
    let metrics = logging.metrics();
    let h = metrics.handler("h").unwrap();
    assert_eq!((h.emitted, h.written, h.failed, h.errors, h.bytes), (3, 2, 1, 1, 16));
    assert_eq!(h.last_error.as_deref(), Some("panicked in `handle`: expected by this test"));
}

#[test]
fn a_filter_that_panics_costs_that_record_only() {
    let capture = FemtoCaptureHandler::new();
    let filter = |record: &FemtoLogRecord<'_>| {
        assert!(record.get("bad").is_none(), "expected by this test");
        true
    };
    let (logging, logger) = system(capture.clone().configure().filter(filter).build().unwrap());
    info!(logger: logger, "1"; bad = 1);
    info!(logger: logger, "2");
    let _ = logging.flush(LONG);
    assert_eq!(capture.messages(), ["2"]);
    let metrics = logging.metrics();
    let h = metrics.handler("h").unwrap();
    assert_eq!((h.emitted, h.written, h.failed, h.filtered, h.errors), (2, 1, 1, 0, 1));
}

#[test]
fn captured_records_answer_questions() {
    let capture = FemtoCaptureHandler::new();
    assert!(capture.is_empty());
    let (logging, logger) = system(capture.clone());
    let other = logging.get_logger("app::web").unwrap();
    let line = line!() + 1;
    warn!(logger: logger, "slow: {} ms", 250; table = "users", rows = 3);
    info!(logger: other, target: "audit", "hello");
    logging.flush(LONG).unwrap();
    assert_eq!((capture.len(), capture.is_empty()), (2, false));
    assert_eq!(capture.messages(), ["slow: 250 ms", "hello"]);
    let slow = capture.matching(|record| record.level() >= Level::Warn);
    let [slow]: [OwnedRecord; 1] = slow.try_into().unwrap();
    assert_eq!((slow.level(), slow.logger(), slow.target()), (Level::Warn, "app.db", "app.db"));
    assert_eq!((slow.template(), slow.module_path()), ("slow: {} ms", "handlers"));
    assert_eq!((slow.file(), slow.line()), (file!(), line));
    assert_eq!(slow.thread_name(), "captured_records_answer_questions");
    assert_eq!((slow.process_id(), slow.timestamp().to_string()), (std::process::id(), TIME.to_owned()));
    assert_eq!(slow.arguments().collect::<Vec<_>>(), [Value::I64(250)]);
    let keys: Vec<_> = slow.key_values().collect();
    assert_eq!(keys, [("table", Value::Str("users")), ("rows", Value::I64(3))]);
    assert_eq!((slow.get("rows"), slow.get("none")), (Some(Value::I64(3)), None));

    let taken = capture.take();
    assert_eq!((taken[1].logger(), taken[1].target()), ("app::web", "audit"));
    assert!(capture.is_empty());
}

#[test]
fn the_null_handler_counts() {
    let (logging, logger) = system(FemtoNullHandler);
    for n in 0..1000 {
        info!(logger: logger, "{}", n);
    }
    logging.flush(LONG).unwrap();
    let metrics = logging.metrics();
    let h = metrics.handler("h").unwrap();
    assert_eq!((h.emitted, h.written, h.bytes, h.in_flight), (1000, 1000, 0, 0));
}

/// Writes down what it is asked to do.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, what: impl Into<String>) -> Result<(), Error> {
        self.0.lock().unwrap().push(what.into());
        Ok(())
    }
}

impl FemtoHandler for Diary {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|out| record.write_message(out));
        if record.level() == Level::Error { Err(Error::other("no errors here")) } else { Ok(()) }
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        let text = String::from_utf8_lossy(batch.bytes()).into_owned();
        self.note(format!("deliver {} {text} at {now}", batch.records()))?;
        Ok(Delivery::Done)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.note("flush")
    }

    fn close(&mut self) -> Result<(), Error> {
        self.note("close")
    }
}

#[test]
fn a_handler_is_asked_to_deliver_flush_and_close_in_this_order() {
    let diary = Diary::default();
    let (logging, logger) = system(diary.clone());
    info!(logger: logger, "1");
    logging.flush(LONG).unwrap();
    // What a failed `handle` appended is taken back, and there is nothing to deliver.
    error!(logger: logger, "2");
    let _ = logging.flush(LONG);
    info!(logger: logger, "3");
    logging.shutdown(LONG).unwrap();
    logging.shutdown(LONG).unwrap();
    let expected = [
        format!("deliver 1 1 at {TIME}"),
        "flush".into(),
        "flush".into(),
        format!("deliver 1 3 at {TIME}"),
        "flush".into(),
        "close".into(),
    ];
    assert_eq!(*diary.0.lock().unwrap(), expected);
    let metrics = logging.metrics();
    let h = metrics.handler("h").unwrap();
    assert_eq!((h.written, h.failed, h.last_error.as_deref()), (2, 1, Some("no errors here")));
}
