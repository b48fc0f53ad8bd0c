//! HTTP: what is sent, in which requests, and what becomes of records whatever the server answers.
#![cfg(feature = "http")]

mod common;
#[path = "common/http.rs"]
mod server;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{LONG, clock, stays, wait_until};
use femtologging::handler::{FemtoHttpHandler, HandlerBuilder, HandlerSpec, HttpBody, HttpMethod, HttpOptions};
use femtologging::metrics::HandlerMetrics;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::time::{Clock, ManualClock};
use femtologging::{Config, FemtoLogRecord, FemtoLogger, Level, Logging, error, info, warn};
use server::{Reply, Request, Server};

/// A system with this handler alone, its logger `app.db`, and its clock.
fn system(handler: HandlerSpec) -> (Logging, FemtoLogger, ManualClock) {
    let hand = clock();
    let config = Config::builder().default_level(Level::Trace).clock(Clock::manual(&hand));
    let logging = config.add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger, hand)
}

fn metrics(logging: &Logging) -> HandlerMetrics {
    logging.metrics().handler("h").unwrap().clone()
}

/// `(written, failed, in flight)`.
fn counts(logging: &Logging) -> (u64, u64, u64) {
    let metrics = metrics(logging);
    assert_eq!(metrics.emitted, metrics.written + metrics.dropped.total() + metrics.failed + metrics.in_flight);
    (metrics.written, metrics.failed, metrics.in_flight)
}

fn last_error(logging: &Logging) -> String {
    metrics(logging).last_error.unwrap_or_default()
}

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

/// Lines of messages alone.
fn lines(server: &Server) -> HandlerBuilder<HttpOptions> {
    FemtoHttpHandler::builder().url(server.url("/")).formatter(message)
}

fn bodies(server: &Server) -> Vec<String> {
    server.requests().iter().map(|request| request.text().to_owned()).collect()
}

#[test]
fn a_request_has_its_head_and_body() {
    let server = Server::start(|_, _| Reply::ok());
    let handler = lines(&server).url(server.url("/intake?key=1")).header("X-Tenant", "a").basic_auth("ada", "s3cret");
    let (logging, logger, _) = system(handler.build().unwrap());
    info!(logger: logger, "one");
    warn!(logger: logger, "two");
    logging.flush(LONG).unwrap();
    let requests = server.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.line.as_str(), request.text()), ("POST /intake?key=1 HTTP/1.1", "one\ntwo\n"));
    let names = ["content-type", "content-length", "x-tenant", "authorization", "user-agent", "content-encoding"];
    let version = concat!("femtologging/", env!("CARGO_PKG_VERSION"));
    let expected =
        [Some("application/x-ndjson"), Some("8"), Some("a"), Some("Basic YWRhOnMzY3JldA=="), Some(version), None];
    assert_eq!(names.map(|name| request.field(name)), expected);
    assert_eq!((counts(&logging), metrics(&logging).bytes), ((2, 0, 0), 8));
}

#[test]
fn a_record_a_request_goes_as_a_form_or_as_json() {
    let server = Server::start(|_, _| Reply::ok());
    let json = FemtoHttpHandler::builder().url(server.url("/json")).body(HttpBody::Json).method(HttpMethod::Put);
    let (logging, logger, _) =
        system(json.bearer_auth("t").header("content-type", "text/x").formatter(message).build().unwrap());
    info!(logger: logger, "one");
    info!(logger: logger, "two");
    logging.shutdown(LONG).unwrap();
    for method in [HttpMethod::Post, HttpMethod::Get] {
        let form = FemtoHttpHandler::builder().url(server.url("/form")).body(HttpBody::Form).method(method);
        let (logging, logger, _) = system(form.build().unwrap());
        info!(logger: logger, "a b"; user = "é");
        logging.shutdown(LONG).unwrap();
    }
    let requests = server.requests();
    let [one, two, post, get] = requests.as_slice() else { panic!("{requests:?}") };
    for (request, text) in [(one, "one"), (two, "two")] {
        assert_eq!((request.line.as_str(), request.text()), ("PUT /json HTTP/1.1", text));
        assert_eq!((request.field("content-type"), request.field("authorization")), (Some("text/x"), Some("Bearer t")));
    }
    assert_eq!(post.line, "POST /form HTTP/1.1");
    assert_eq!(post.field("content-type"), Some("application/x-www-form-urlencoded"));
    assert!(post.text().starts_with("name=app.db&msg=a+b&args=%28%29&levelname=INFO&levelno=20&pathname="));
    assert!(post.text().ends_with("&taskName=None&user=%C3%A9"), "{}", post.text());
    let (start, rest) = get.line.split_at("GET /form?name=app.db&msg=a+b&".len());
    assert_eq!(start, "GET /form?name=app.db&msg=a+b&");
    assert!(rest.ends_with("&taskName=None&user=%C3%A9 HTTP/1.1"), "{rest}");
    assert_eq!((get.text(), get.field("content-type")), ("", None));
}

#[cfg(feature = "gzip")]
#[test]
fn requests_are_compressed() {
    use std::io::Read;
    let server = Server::start(|_, _| Reply::ok());
    let (logging, logger, _) = system(lines(&server).gzip(true).build().unwrap());
    for n in 0..1000 {
        info!(logger: logger, "message {}", n);
    }
    logging.flush(LONG).unwrap();
    let requests = server.requests();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert_eq!(request.field("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&request.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, (0..1000).map(|n| format!("message {n}\n")).collect::<String>());
    assert!(request.body.len() * 4 < text.len());
}

#[test]
fn a_request_is_full_by_records_or_bytes() {
    let server = Server::start(|_, _| Reply::ok());
    let (logging, logger, _) = system(lines(&server).batch_records(3).build().unwrap());
    for n in 0..7 {
        info!(logger: logger, "{}", n);
    }
    wait_until("the full requests are sent", || server.requests().len() == 2);
    logging.flush(LONG).unwrap();
    assert_eq!(bodies(&server), ["0\n1\n2\n", "3\n4\n5\n", "6\n"]);

    let server = Server::start(|_, _| Reply::ok());
    let (logging, logger, _) = system(lines(&server).batch_bytes(6).build().unwrap());
    for text in ["a", "bb", "a long one", "c", "d", "e", "f"] {
        info!(logger: logger, "{}", text);
    }
    logging.flush(LONG).unwrap();
    assert_eq!(bodies(&server), ["a\nbb\n", "a long one\n", "c\nd\ne\n", "f\n"]);
}

#[test]
fn records_wait_for_others_no_longer_than_the_age() {
    let server = Server::start(|_, _| Reply::ok());
    let (logging, logger, hand) = system(lines(&server).batch_age(Duration::from_secs(5)).build().unwrap());
    info!(logger: logger, "one");
    hand.advance(Duration::from_secs(3));
    info!(logger: logger, "two");
    hand.advance(Duration::from_millis(1999));
    stays("waits", || server.requests().is_empty());
    assert_eq!(counts(&logging), (0, 0, 2));
    hand.advance(Duration::from_millis(1));
    wait_until("sent", || counts(&logging) == (2, 0, 0));
    assert_eq!(bodies(&server), ["one\ntwo\n"]);
}

#[test]
fn retry_after_is_honoured_as_seconds_and_as_a_date() {
    for head in ["Retry-After: 10\r\n", "Retry-After: Thu, 12 Mar 2026 08:30:10 GMT\r\n"] {
        let server =
            Server::start(move |n, _| if n == 0 { Reply::Status(429, head, b"slow\n".into()) } else { Reply::ok() });
        let (logging, logger, hand) = system(lines(&server).batch_records(1).build().unwrap());
        info!(logger: logger, "one");
        wait_until("refused", || metrics(&logging).errors == 1);
        assert_eq!(
            last_error(&logging),
            format!("{} did not take 1 of 1 records yet: status 429: slow", server.url(""))
        );
        // The clock stands at .123456 s.
        hand.advance(Duration::from_micros(9_876_543));
        // Not even a flush asks the server before.
        let error = logging.flush(Duration::from_millis(50)).unwrap_err().to_string();
        assert!(error.contains("1 records"), "{error}");
        info!(logger: logger, "two");
        stays("waits", || server.requests().len() == 1);
        assert_eq!(counts(&logging), (0, 0, 2));
        // The pause began a little later, when the answer was there.
        hand.advance(LONG);
        wait_until("sent again", || counts(&logging) == (2, 0, 0));
        assert_eq!(bodies(&server), ["one\n", "one\n", "two\n"]);
    }
}

#[test]
fn transient_statuses_and_garbage_are_tried_again_after_a_delay() {
    let replies = [
        Reply::status(408, ""),
        Reply::status(500, "oh"),
        Reply::status(503, ""),
        Reply::Garbage(b"SSH-2.0-OpenSSH_9\r\n"),
        Reply::Garbage(b""),
        Reply::Garbage(b"HTTP/1.1 200 OK\r\nContent-Le"),
    ];
    for reply in replies {
        let first = reply.clone();
        let server = Server::start(move |n, _| if n == 0 { first.clone() } else { Reply::ok() });
        let (logging, logger, hand) = system(lines(&server).batch_records(1).build().unwrap());
        info!(logger: logger, "one");
        wait_until("refused", || metrics(&logging).errors == 1);
        // The first delay is between 50 and 100 ms.
        hand.advance(Duration::from_millis(49));
        stays("waits", || server.requests().len() == 1);
        assert_eq!(counts(&logging), (0, 0, 1), "{reply:?}");
        hand.advance(LONG);
        wait_until("sent again", || counts(&logging) == (1, 0, 0));
        assert_eq!(bodies(&server), ["one\n", "one\n"]);
    }
}

#[test]
fn a_flush_does_not_wait_for_the_delay() {
    let server = Server::start(|n, _| if n == 0 { Reply::status(500, "") } else { Reply::ok() });
    let (logging, logger, _) = system(lines(&server).batch_records(1).build().unwrap());
    info!(logger: logger, "one");
    wait_until("refused", || metrics(&logging).errors == 1);
    logging.flush(LONG).unwrap();
    assert_eq!((bodies(&server).len(), counts(&logging)), (2, (1, 0, 0)));
}

#[test]
fn what_the_server_does_not_want_is_counted_and_quoted() {
    let rows = [
        (Reply::status(400, "no\nfield `x`"), "status 400: no\\nfield `x`"),
        (Reply::status(401, ""), "status 401: (no text)"),
        (Reply::Status(302, "Location: /elsewhere\r\n", Vec::new()), "status 302: (no text)"),
        (Reply::Status(307, "Location: /elsewhere\r\n", Vec::new()), "status 307: (no text)"),
    ];
    for (reply, expected) in rows {
        let server = Server::start(move |n, _| if n == 0 { reply.clone() } else { Reply::ok() });
        let (logging, logger, _) = system(lines(&server).batch_records(2).build().unwrap());
        info!(logger: logger, "one");
        info!(logger: logger, "two");
        info!(logger: logger, "three");
        let error = logging.flush(LONG).unwrap_err().to_string();
        assert_eq!(error, "`handlers.h`: 2 records could not be written");
        assert_eq!(last_error(&logging), format!("{} refused 2 of 2 records: {expected}", server.url("")));
        assert_eq!((bodies(&server), counts(&logging)), (vec!["one\ntwo\n".into(), "three\n".into()], (1, 2, 0)));
    }
}

#[test]
fn a_server_that_never_answers_holds_nobody_up() {
    let server = Server::start(|_, _| Reply::Silence);
    let handler = lines(&server).batch_records(1).timeout(Duration::from_millis(200));
    let (logging, logger, _) = system(handler.build().unwrap());
    info!(logger: logger, "one");
    wait_until("given up", || metrics(&logging).errors >= 1);
    assert!(last_error(&logging).contains("timeout: global"), "{}", last_error(&logging));
    let start = Instant::now();
    let error = logging.shutdown(Duration::from_secs(1)).unwrap_err().to_string();
    assert!(error.contains("records"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    wait_until("closed", || counts(&logging) == (0, 1, 0));
}

#[test]
fn a_request_takes_no_longer_than_a_flush_waits() {
    let server = Server::start(|_, _| Reply::Silence);
    // Nobody could wait for this timeout here.
    let (logging, logger, _) = system(lines(&server).timeout(Duration::from_secs(3600)).build().unwrap());
    info!(logger: logger, "one");
    logging.shutdown(Duration::from_millis(500)).unwrap_err();
    wait_until("given up", || counts(&logging) == (0, 1, 0));
}

#[test]
fn what_a_dead_server_missed_comes_when_it_is_back() {
    let server = Server::start(|_, _| Reply::ok());
    let port = server.port;
    let (logging, logger, _) = system(lines(&server).batch_records(10).build().unwrap());
    let log = |numbers: std::ops::Range<u32>| numbers.for_each(|n| info!(logger: logger, "{}", n));
    log(0..1000);
    logging.flush(LONG).unwrap();
    let first = bodies(&server).concat();
    drop(server);
    log(1000..2000);
    logging.flush(Duration::from_millis(50)).unwrap_err();
    assert_eq!(counts(&logging), (1000, 0, 1000));
    log(2000..2500);
    let server = Server::start_at(port, |_, _| Reply::ok());
    log(2500..3000);
    logging.flush(LONG).unwrap();
    assert_eq!(first + &bodies(&server).concat(), (0..3000).map(|n| format!("{n}\n")).collect::<String>());
    assert_eq!(counts(&logging), (3000, 0, 0));
}

#[test]
fn more_than_may_be_kept_is_counted_exactly() {
    let server = Server::start(|_, _| Reply::ok());
    let port = server.port;
    let handler = lines(&server).batch_bytes(100).batch_records(20).retry_buffer(100_000, 1000);
    let (logging, logger, _) = system(handler.build().unwrap());
    drop(server);
    for n in 1000..2000 {
        info!(logger: logger, "{}", n);
    }
    // A record has five bytes.
    wait_until("given up", || counts(&logging) == (0, 800, 200));
    let expected = format!("oldest records: http://127.0.0.1:{port} is away, and more wait for it than may be kept");
    wait_until("reported", || last_error(&logging).contains(&expected));
    let server = Server::start_at(port, |_, _| Reply::ok());
    let _ = logging.flush(LONG);
    assert_eq!(bodies(&server).concat(), (1800..2000).map(|n| format!("{n}\n")).collect::<String>());
    assert_eq!(counts(&logging), (200, 800, 0));
}

/// A server that is slow is not away: records wait in the queue, whose overflow policy decides, and none is given up.
#[test]
fn a_slow_server_gets_more_than_may_be_kept() {
    let server = Server::start(|_, _| {
        std::thread::sleep(Duration::from_millis(100));
        Reply::ok()
    });
    let handler = lines(&server).batch_records(1).batch_bytes(10).retry_buffer(1, 10);
    let (logging, logger, _) = system(handler.build().unwrap());
    for n in 0..20 {
        info!(logger: logger, "{}", n);
    }
    wait_until("sent", || counts(&logging).2 <= 1);
    logging.flush(LONG).unwrap();
    assert_eq!(counts(&logging), (20, 0, 0));
    assert_eq!(bodies(&server), (0..20).map(|n| format!("{n}\n")).collect::<Vec<_>>());
}

#[test]
fn a_record_that_is_too_long_for_a_url_fails_and_stops_nobody() {
    let server = Server::start(|_, _| Reply::ok());
    let handler = FemtoHttpHandler::builder().url(server.url("/")).body(HttpBody::Form).method(HttpMethod::Get);
    let (logging, logger, _) = system(handler.build().unwrap());
    info!(logger: logger, "{}", "&".repeat(30_000));
    info!(logger: logger, "short");
    let error = logging.flush(LONG).unwrap_err().to_string();
    assert_eq!(error, "`handlers.h`: 1 records could not be written");
    let expected = format!("{} refused 1 of 1 records: cannot make a URL of the record: uri too long", server.url(""));
    assert_eq!((last_error(&logging), counts(&logging)), (expected, (1, 1, 0)));
    assert!(server.requests()[0].line.starts_with("GET /?name=app.db&msg=short&"));
}

#[test]
fn a_bulk_request_is_settled_record_by_record() {
    let reply = r#"{"errors":true,"items":[{"create":{"status":429,"error":{"type":"busy","reason":"later"}}},
        {"create":{"status":201}},{"create":{"status":400,"error":{"type":"parse","reason":"no date"}}},
        {"create":{"status":201}},{"create":{"status":503,"error":{"type":"busy","reason":"later"}}}]}"#;
    let server = Server::start(move |n, _| Reply::status(200, if n == 0 { reply } else { r#"{"errors":false}"# }));
    let handler = FemtoHttpHandler::elasticsearch(server.url(""), "logs-app").batch_records(5).formatter(message);
    let (logging, logger, hand) = system(handler.build().unwrap());
    for n in 0..6 {
        info!(logger: logger, "{}", n);
    }
    wait_until("answered", || counts(&logging) == (2, 1, 3));
    let refused = format!("{} refused 1 of 5 records: status 400: parse: no date", server.url(""));
    wait_until("reported", || last_error(&logging) == refused);
    hand.advance(Duration::from_millis(1100));
    wait_until("sent again", || counts(&logging) == (5, 1, 0));
    let create = |numbers: &[u32]| numbers.iter().map(|n| format!("{{\"create\":{{}}}}\n{n}\n")).collect::<String>();
    assert_eq!(bodies(&server), [create(&[0, 1, 2, 3, 4]), create(&[0, 4, 5])]);
    let path = "/logs-app/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";
    assert_eq!(server.requests()[0].line, format!("POST {path} HTTP/1.1"));
}

#[test]
fn presets_know_their_path_and_their_key() {
    let server = Server::start(|_, _| Reply::Status(204, "", Vec::new()));
    let none = [("", ""); 0];
    let rows = [
        (FemtoHttpHandler::loki(server.url("/"), none), "/loki/api/v1/push", "authorization", None),
        (
            FemtoHttpHandler::splunk(server.url(""), "abc", none),
            "/services/collector/event",
            "authorization",
            Some("Splunk abc"),
        ),
        (FemtoHttpHandler::datadog(server.url(""), "abc", none), "/api/v2/logs", "dd-api-key", Some("abc")),
    ];
    for (handler, path, field, key) in rows {
        let before = server.requests().len();
        let (logging, logger, _) = system(handler.build().unwrap());
        info!(logger: logger, "one");
        error!(logger: logger, "two");
        logging.flush(LONG).unwrap();
        let requests = server.requests();
        let [request] = &requests[before..] else { panic!("{path}") };
        assert_eq!((request.line.as_str(), request.field(field)), (format!("POST {path} HTTP/1.1").as_str(), key));
        assert_eq!((request.field("content-type"), counts(&logging)), (Some("application/json"), (2, 0, 0)));
    }
}

#[test]
fn a_proxy_is_asked_to_connect() {
    let proxy = Server::start(|_, request: &Request| {
        if request.line.starts_with("CONNECT ") { Reply::Status(200, "", Vec::new()) } else { Reply::ok() }
    });
    let url = format!("http://ada:pw@127.0.0.1:{}", proxy.port);
    let handler = lines(&proxy).url("http://logs.invalid:81/x").proxy(url);
    let (logging, logger, _) = system(handler.build().unwrap());
    info!(logger: logger, "one");
    logging.flush(LONG).unwrap();
    let requests = proxy.requests();
    let seen = requests.iter().map(|request| request.line.as_str()).collect::<Vec<_>>();
    assert_eq!(seen, ["CONNECT logs.invalid:81 HTTP/1.1", "POST /x HTTP/1.1"]);
    assert_eq!(requests[0].field("proxy-authorization"), Some("Basic YWRhOnB3"));
}

/// Some intakes have their token in the URL.
#[test]
fn errors_do_not_show_the_path() {
    let server = Server::start(|_, _| Reply::status(400, ""));
    let (logging, logger, _) = system(lines(&server).url(server.url("/tOkEn/in?k=tOkEn")).build().unwrap());
    info!(logger: logger, "one");
    let error = logging.flush(LONG).unwrap_err().to_string();
    assert_eq!(error, "`handlers.h`: 1 records could not be written");
    assert_eq!(last_error(&logging), format!("{} refused 1 of 1 records: status 400: (no text)", server.url("")));
    let (logging, logger, _) = system(lines(&server).url("http://127.0.0.1:1/tOkEn/in?k=tOkEn").build().unwrap());
    info!(logger: logger, "one");
    logging.shutdown(Duration::from_millis(200)).unwrap_err();
    let last = last_error(&logging);
    assert!(last.contains("http://127.0.0.1:1 ") && !last.contains("tOkEn"), "{last}");
}

/// Only lower case is heeded where a CGI program's client can set the variable.
#[test]
fn the_environment_names_a_proxy() {
    // A test of its own process, as the environment is the whole process's.
    if std::env::var_os("HTTP_TEST_SERVER").is_some() {
        let handler = FemtoHttpHandler::builder().url("http://127.0.0.2:9/x").batch_age(Duration::ZERO);
        let (logging, logger, _) = system(handler.build().unwrap());
        info!(logger: logger, "one");
        wait_until("sent or refused", || metrics(&logging).written > 0 || metrics(&logging).errors > 0);
        std::process::exit(if metrics(&logging).written > 0 { 0 } else { 7 });
    }
    let server = Server::start(|_, _| Reply::ok());
    let rows: [(&[(&str, &str)], bool); 8] = [
        (&[], false),
        (&[("HTTP_PROXY", "")], false),
        (&[("http_proxy", "")], true),
        (&[("all_proxy", "")], true),
        (&[("ALL_PROXY", "")], true),
        (&[("https_proxy", "")], false),
        (&[("http_proxy", ""), ("no_proxy", "a.example, 127.0.0.2")], false),
        (&[("http_proxy", ""), ("NO_PROXY", "a.example")], true),
    ];
    for (variables, is_used) in rows {
        let before = server.requests().len();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_environment_names_a_proxy"]).env("HTTP_TEST_SERVER", "");
        for name in
            ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
        {
            child.env_remove(name);
        }
        for (name, value) in variables {
            child.env(name, if value.is_empty() { server.url("") } else { (*value).to_owned() });
        }
        let status = child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(if is_used { 0 } else { 7 }), "{variables:?}");
        assert_eq!(server.requests().len() > before, is_used, "{variables:?}");
    }
}

/// Holds the requests of a server back until the sender is dropped.
fn gate() -> (std::sync::mpsc::Sender<()>, impl Fn() + Send + Sync + 'static) {
    let (gate, opened) = std::sync::mpsc::channel();
    let opened = Mutex::new(opened);
    (gate, move || _ = opened.lock().unwrap().recv())
}

/// The retry buffer takes what the server does not, and callers that would block do not notice.
#[test]
fn callers_do_not_wait_for_a_server_that_hangs() {
    let (gate, wait) = gate();
    let server = Server::start(move |_, _| {
        wait();
        Reply::ok()
    });
    // Nobody could wait for this timeout here, nor is there another limit to how long the policy blocks.
    let handler = lines(&server).batch_records(1).timeout(Duration::from_secs(3600)).overflow(OverflowPolicy::Block);
    let handler = handler.batch_bytes(1 << 20).transport(Transport::PerThread { bytes: 4096 });
    let (logging, logger, _) = system(handler.build().unwrap());
    info!(logger: logger, "0");
    wait_until("the server has a request", || server.requests().len() == 1);
    // Some hundred times what the queue holds, and no more than the retry buffer does.
    let (done, is_done) = std::sync::mpsc::channel();
    let producer = std::thread::spawn(move || {
        for n in 1..50_000 {
            info!(logger: logger, "{}", n);
        }
        done.send(()).unwrap();
    });
    is_done.recv_timeout(LONG).expect("callers must not wait");
    producer.join().unwrap();
    assert_eq!((counts(&logging), server.requests().len()), ((0, 0, 50_000), 1));
    // Nor does a flush take longer than it may.
    let error = logging.flush(Duration::from_millis(100)).unwrap_err().to_string();
    assert!(error.contains("50000 records could not be delivered in time"), "{error}");
    drop(gate);
    wait_until("sent", || counts(&logging).0 > 10);
    drop(server);
    let _ = logging.shutdown(Duration::from_millis(100));
}

/// What is full loses its oldest once the server has failed, but not what a request under way may have delivered.
#[test]
fn a_full_retry_buffer_holds_nobody_up_once_the_server_has_failed() {
    let (gate, wait) = gate();
    let server = Server::start(move |n, _| {
        if n == 0 {
            return Reply::status(503, "");
        }
        wait();
        Reply::ok()
    });
    let handler = lines(&server).batch_records(10).timeout(Duration::from_secs(3600)).retry_buffer(1000, 1 << 20);
    let handler = handler.transport(Transport::PerThread { bytes: 4096 });
    let (logging, logger, hand) = system(handler.build().unwrap());
    for n in 0..10 {
        info!(logger: logger, "{}", n);
    }
    wait_until("refused", || metrics(&logging).errors == 1);
    hand.advance(Duration::from_secs(1));
    wait_until("asked again", || server.requests().len() == 2);
    for n in 10..100_000 {
        info!(logger: logger, "{}", n);
    }
    wait_until("the oldest are given up", || counts(&logging) == (0, 99_000, 1000));
    drop(gate);
    logging.flush(LONG).unwrap_err();
    assert_eq!(counts(&logging), (1000, 99_000, 0));
    let numbers = |range: std::ops::Range<u32>| range.map(|n| format!("{n}\n")).collect::<String>();
    assert_eq!(bodies(&server).concat(), numbers(0..10) + &numbers(0..10) + &numbers(99_010..100_000));
}
