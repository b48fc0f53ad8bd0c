//! OTLP: what a collector receives, and what it passes on.
#![cfg(all(feature = "otlp", feature = "gzip"))]

mod common;
#[path = "common/peer.rs"]
mod peer;
#[path = "common/http.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{LONG, clock, wait_until};
use femtologging::context::TraceContext;
use femtologging::handler::{FemtoOtlpHandler, OtlpEncoding};
use femtologging::metrics::HandlerMetrics;
use femtologging::time::Clock;
use femtologging::{Config, FemtoLogger, Level, Logging, critical, info, warn};
use peer::{Peer, find, free_port, in_python};
use server::{Reply, Request, Server};

fn system(url: &str, encoding: OtlpEncoding) -> (Logging, FemtoLogger) {
    let handler = FemtoOtlpHandler::builder().url(url).encoding(encoding).service_name("shop").gzip(true);
    let handler = handler.resource("service.version", "1.2").batch_records(500).build().unwrap();
    let config = Config::builder().default_level(Level::Trace).clock(Clock::manual(&clock()));
    let logging = config.add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger)
}

fn metrics(logging: &Logging) -> HandlerMetrics {
    logging.metrics().handler("h").unwrap().clone()
}

/// `(written, failed, in flight)`.
fn counts(logging: &Logging) -> (u64, u64, u64) {
    let metrics = metrics(logging);
    (metrics.written, metrics.failed, metrics.in_flight)
}

/// A collector that prints what it receives and passes it on to another port.
fn rotel(program: &Path, port: u16, next: u16, log: &Path) -> Peer {
    let address = |port| format!("127.0.0.1:{port}");
    let mut command = Command::new(program);
    command.args(["start", "--debug-log", "logs", "--debug-log-verbosity", "detailed", "--batch-timeout", "50ms"]);
    command.args(["--otlp-http-endpoint", &address(port), "--otlp-grpc-endpoint", &address(free_port())]);
    command.args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"]);
    command.args(["--otlp-exporter-endpoint", &format!("http://{}", address(next))]);
    command.stdin(Stdio::null()).stdout(File::create(log).unwrap()).stderr(Stdio::null());
    Peer::start(&mut command, port)
}

/// A field of a Protobuf message, read without knowing the message.
#[derive(Debug, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let length = bytes.iter().position(|byte| *byte < 0x80).unwrap() + 1;
        let (number, rest) = bytes.split_at(length);
        *bytes = rest;
        number.iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7F))
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, Field::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            5 => 4,
            2 => varint(&mut bytes) as usize,
            wire => panic!("wire type {wire}"),
        };
        let (value, rest) = bytes.split_at(length);
        bytes = rest;
        fields.push((key >> 3, Field::Bytes(value.to_vec())));
    }
    fields
}

/// The messages or texts in the fields of a number.
fn all(bytes: &[u8], number: u64) -> Vec<Vec<u8>> {
    let wanted = fields(bytes).into_iter().filter(|(found, _)| *found == number);
    wanted.map(|(_, field)| if let Field::Bytes(bytes) = field { bytes } else { panic!("{field:?}") }).collect()
}

fn text(bytes: &[u8], path: &[u64]) -> String {
    let bytes = path.iter().fold(bytes.to_vec(), |bytes, number| all(&bytes, *number).swap_remove(0));
    String::from_utf8(bytes).unwrap()
}

fn unpacked(request: &Request) -> Vec<u8> {
    let mut body = Vec::new();
    assert_eq!(request.field("content-encoding"), Some("gzip"));
    flate2::read::GzDecoder::new(&request.body[..]).read_to_end(&mut body).unwrap();
    body
}

/// The records of a request: the scope's name, and the record's bytes.
fn records(request: &Request) -> Vec<(String, Vec<u8>)> {
    assert_eq!(
        (request.line.as_str(), request.field("content-type")),
        ("POST /v1/logs HTTP/1.1", Some("application/x-protobuf"))
    );
    let body = unpacked(request);
    let scopes = all(&body, 1).into_iter().flat_map(|resource| {
        let attributes = all(&all(&resource, 1)[0], 1);
        let attributes = attributes.iter().map(|pair| (text(pair, &[1]), text(pair, &[2, 1]))).collect::<Vec<_>>();
        let expected = [("service.name", "shop"), ("service.version", "1.2")];
        assert_eq!(attributes, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        all(&resource, 2)
    });
    scopes.flat_map(|scope| all(&scope, 2).into_iter().map(move |record| (text(&scope, &[1, 1]), record))).collect()
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const FUNCTION: &str = "otlp::rotel_understands_every_field_and_passes_it_on";
const SPAN: &str = "00f067aa0ba902b7";

/// What the collector prints of the records that `log_all` logs.
fn printed(log: &Path) -> Vec<BTreeMap<String, String>> {
    let log = std::fs::read_to_string(log).unwrap();
    let mut records = Vec::new();
    let mut scope = String::new();
    for line in log.lines() {
        if let Some(name) = line.strip_prefix("InstrumentationScope ") {
            scope = name.trim().to_owned();
        } else if line.starts_with("LogRecord #") {
            records.push(BTreeMap::from([("scope".to_owned(), scope.clone())]));
        } else if let (Some(record), Some((name, value))) = (records.last_mut(), line.split_once(": ")) {
            record.insert(name.trim().trim_start_matches("-> ").to_owned(), value.to_owned());
        }
    }
    records
}

#[test]
#[ignore = "needs Python's package rotel"]
fn rotel_understands_every_field_and_passes_it_on() {
    let program = find("rotel-agent", &in_python("rotel", "rotel-agent"));
    for encoding in [OtlpEncoding::Protobuf, OtlpEncoding::Json] {
        let next = Server::start(|_, _| Reply::ok());
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let log = folder.path().join("log");
        let _rotel = rotel(&program, port, next.port, &log);
        let (logging, logger) = system(&format!("http://127.0.0.1:{port}"), encoding);
        let other = logging.get_logger("app.web").unwrap();
        let line = line!() + 3;
        let work = move || {
            let _trace = TraceContext::parse(&format!("00-{TRACE}-{SPAN}-81"), "").unwrap().enter();
            warn!(logger: logger, "größe \"{}\"\n", 1; int = -5, most = u64::MAX, half = 0.5, nan = f64::NAN, yes = true,
                none = None::<u8>, text = "a\tb", time = std::time::Duration::from_millis(1500));
            critical!(logger: other, "down");
        };
        std::thread::Builder::new().name("main".into()).spawn(work).unwrap().join().unwrap();
        logging.flush(LONG).unwrap();
        assert_eq!(counts(&logging), (2, 0, 0));

        wait_until("both are printed", || printed(&log).len() == 2);
        let found = printed(&log);
        let rows = [
            ("scope", "app.db"),
            ("Timestamp", "1773304200123456000"),
            ("SeverityText", "WARN"),
            ("SeverityNumber", "SEVERITY_NUMBER_WARN(13)"),
            ("Body", "Str(größe \"1\""),
            ("int", "Int(-5)"),
            ("most", "Str(18446744073709551615)"),
            ("half", "Double(0.5)"),
            ("nan", if encoding == OtlpEncoding::Json { "Str(NaN)" } else { "Double(NaN)" }),
            ("yes", "Bool(true)"),
            ("none", "Empty"),
            ("text", "Str(a\tb)"),
            ("time", "Double(1.5)"),
            ("code.file.path", &format!("Str({})", file!())),
            ("code.line.number", &format!("Int({line})")),
            ("code.function.name", &format!("Str({FUNCTION})")),
            ("thread.name", "Str(main)"),
            ("Trace ID", TRACE),
            ("Span ID", SPAN),
        ];
        for (name, value) in rows {
            assert_eq!(found[0].get(name).map(String::as_str), Some(value), "{name}, {encoding:?}");
        }
        assert!(!found[0].contains_key("trace_id") && !found[0].contains_key("span_id"));
        assert_eq!(
            (found[1]["scope"].as_str(), found[1]["SeverityNumber"].as_str()),
            ("app.web", "SEVERITY_NUMBER_FATAL(21)")
        );

        wait_until("both are passed on", || next.requests().iter().flat_map(records).count() == 2);
        let passed = next.requests().iter().flat_map(records).collect::<Vec<_>>();
        let (scope, record) = &passed[0];
        assert_eq!((scope.as_str(), text(record, &[5, 1])), ("app.db", "größe \"1\"\n".to_owned()));
        assert_eq!(all(record, 1), [1_773_304_200_123_456_000_u64.to_le_bytes().to_vec()]);
        assert_eq!(all(record, 9).concat(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
        assert_eq!(all(record, 10).concat(), 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        assert_eq!(all(record, 8).concat(), 0x81_u32.to_le_bytes());
        let keys = all(record, 6).iter().map(|pair| text(pair, &[1])).collect::<Vec<_>>();
        let own = ["code.file.path", "code.line.number", "thread.name", "thread.id", "code.function.name"];
        let expected = ["int", "most", "half", "nan", "yes", "none", "text", "time"].into_iter().chain(own);
        assert_eq!(keys, expected.collect::<Vec<_>>());
        assert_eq!((passed[1].0.as_str(), text(&passed[1].1, &[5, 1])), ("app.web", "down".to_owned()));
    }
}

#[test]
#[ignore = "needs Python's package rotel"]
fn ten_thousand_records_go_through_rotel_that_is_restarted() {
    let program = find("rotel-agent", &in_python("rotel", "rotel-agent"));
    for encoding in [OtlpEncoding::Protobuf, OtlpEncoding::Json] {
        let next = Server::start(|_, _| Reply::ok());
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let bodies_in = |log: &Path| {
            let log = std::fs::read_to_string(log).unwrap();
            log.lines().filter_map(|line| line.strip_prefix("Body: ")).map(str::to_owned).collect::<Vec<_>>()
        };
        let bodies = |numbers: std::ops::Range<u32>| numbers.map(|n| format!("Str(message {n})")).collect::<Vec<_>>();
        let (logging, logger) = system(&format!("http://127.0.0.1:{port}"), encoding);
        let log = |numbers: std::ops::Range<u32>| numbers.for_each(|n| info!(logger: logger, "message {}", n; n));

        let first = folder.path().join("first");
        let collector = rotel(&program, port, next.port, &first);
        log(0..4000);
        logging.flush(LONG).unwrap();
        wait_until("all are printed", || bodies_in(&first).len() >= 4000);
        assert!(bodies_in(&first) == bodies(0..4000), "{encoding:?}");
        let (mut passed, mut requests) = (Vec::new(), 0);
        let mut is_passed = |count| {
            let new = next.requests().split_off(requests);
            requests += new.len();
            passed.extend(new.iter().flat_map(records).map(|(_, record)| text(&record, &[5, 1])));
            passed.len() >= count
        };
        wait_until("all are passed on", || is_passed(4000));
        drop(collector);

        log(4000..5000);
        logging.flush(std::time::Duration::from_millis(50)).unwrap_err();
        assert_eq!(counts(&logging), (4000, 0, 1000));

        let second = folder.path().join("second");
        let _collector = rotel(&program, port, next.port, &second);
        log(5000..10_000);
        logging.flush(LONG).unwrap();
        assert_eq!(counts(&logging), (10_000, 0, 0));
        wait_until("all are printed", || bodies_in(&second).len() >= 6000);
        assert!(bodies_in(&second) == bodies(4000..10_000), "{encoding:?}");
        wait_until("all are passed on", || is_passed(10_000));
        passed.sort_by_key(|text| text["message ".len()..].parse::<u32>().unwrap());
        assert!(passed == (0..10_000).map(|n| format!("message {n}")).collect::<Vec<_>>(), "{encoding:?}");
    }
}

#[test]
fn what_a_collector_refuses_of_a_request_is_counted() {
    let rows = [
        (OtlpEncoding::Protobuf, &b"\x0a\x09\x08\x02\x12\x05a few"[..]),
        (OtlpEncoding::Json, br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"a few"}}"#),
    ];
    for (encoding, answer) in rows {
        let server = Server::start(move |_, _| Reply::Status(200, "", answer.to_vec()));
        let (logging, logger) = system(&server.url(""), encoding);
        (0..5).for_each(|n| info!(logger: logger, "{}", n));
        assert_eq!(logging.flush(LONG).unwrap_err().to_string(), "`handlers.h`: 2 records could not be written");
        let last = metrics(&logging).last_error.unwrap();
        assert_eq!(last, format!("{} refused 2 of 5 records: a few", server.url("")));
        assert_eq!(counts(&logging), (3, 2, 0));
    }
}

#[test]
fn statuses_are_those_of_the_protocol() {
    for (status, expected) in [(500, (0, 1, 0)), (400, (0, 1, 0)), (503, (1, 0, 0)), (429, (1, 0, 0))] {
        let answer = b"\x08\x03\x12\x07bad log";
        let server =
            Server::start(move |n, _| if n == 0 { Reply::Status(status, "", answer.to_vec()) } else { Reply::ok() });
        let (logging, logger) = system(&server.url(""), OtlpEncoding::Protobuf);
        info!(logger: logger, "one");
        let _ = logging.flush(std::time::Duration::from_millis(200));
        let _ = logging.flush(LONG);
        assert_eq!(counts(&logging), expected, "{status}");
        assert!(metrics(&logging).last_error.unwrap().ends_with(&format!("status {status}: bad log")));
    }
}

#[test]
fn values_within_values_keep_their_types() {
    let server = Server::start(|_, _| Reply::ok());
    for encoding in [OtlpEncoding::Protobuf, OtlpEncoding::Json] {
        let (logging, logger) = system(&server.url(""), encoding);
        let map = BTreeMap::from([("a", vec![Some(1), None]), ("b", Vec::new())]);
        info!(logger: logger, "m"; raw:bytes = b"\x00\xff", map);
        logging.flush(LONG).unwrap();
    }
    let requests = server.requests();
    let (_, record) = records(&requests[0]).swap_remove(0);
    let pairs = all(&record, 6);
    assert_eq!(pairs[0], b"\x0a\x03raw\x12\x04\x3a\x02\x00\xff");
    let list = b"\x0a\x01a\x12\x08\x2a\x06\x0a\x02\x18\x01\x0a\x00";
    let empty = b"\x0a\x01b\x12\x02\x2a\x00";
    let expected = [&b"\x0a\x03map\x12\x1a\x32\x18\x0a\x0d"[..], list, b"\x0a\x07", empty].concat();
    assert_eq!(pairs[1], expected);
    let body: serde_json::Value = serde_json::from_slice(&unpacked(&requests[1])).unwrap();
    let attributes = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"];
    let list = serde_json::json!({ "arrayValue": { "values": [{ "intValue": "1" }, { "stringValue": "null" }] } });
    let expected = serde_json::json!({ "kvlistValue": { "values": [
        { "key": "a", "value": list }, { "key": "b", "value": { "arrayValue": { "values": [] } } },
    ] } });
    assert_eq!(
        (&attributes[0]["value"]["bytesValue"], &attributes[1]["value"]),
        (&serde_json::json!("AP8="), &expected)
    );
}
