//! HTTP against software that nobody here wrote: CPython's `http.server`, and nginx with TLS.
#![cfg(feature = "http")]

#[path = "common/certificates.rs"]
mod certificates;
mod common;
#[path = "common/peer.rs"]
mod peer;
#[path = "../../tests/common/receiver.rs"]
mod receiver;
#[path = "common/http.rs"]
mod server;

use std::ops::Range;
use std::process::{Command, Stdio};
use std::time::Duration;

use certificates::Certificates;
use common::{LONG, clock};
use femtologging::formatter::JsonField;
use femtologging::handler::{FemtoHttpHandler, HandlerBuilder, HttpBody, HttpOptions, Tls};
use femtologging::time::Clock;
use femtologging::{Config, FemtoJsonFormatter, FemtoLogRecord, FemtoLogger, Level, Logging, warn};
use peer::{Peer, find, free_port};
use receiver::Receiver;
use serde_json::{Value as Json, json};
use server::{Reply, Server};

fn system(handler: HandlerBuilder<HttpOptions>) -> (Logging, FemtoLogger) {
    let config = Config::builder().default_level(Level::Trace).clock(Clock::manual(&clock()));
    let logging = config.add_handler("h", handler.build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger)
}

/// `(written, failed, in flight)`.
fn counts(logging: &Logging) -> (u64, u64, u64) {
    let metrics = logging.metrics();
    let metrics = metrics.handler("h").unwrap();
    (metrics.written, metrics.failed, metrics.in_flight)
}

/// Logs from a thread called `main`, and returns the line of the call.
fn log(logger: &FemtoLogger, numbers: Range<u32>) -> u32 {
    std::thread::scope(|scope| {
        let work = || numbers.for_each(|n| warn!(logger: *logger, "größe {} = 100%\n&", n; n));
        std::thread::Builder::new().name("main".into()).spawn_scoped(scope, work).unwrap();
        line!() - 2
    })
}

/// 10,000 records in a format, the receiver killed and started anew after 5,000, and what arrived.
fn through_a_restart(handler: HandlerBuilder<HttpOptions>, expected: impl Fn(u32, u32) -> Json) {
    let start = |port: u16| Receiver::start("http_receiver.py", &["127.0.0.1", &port.to_string()]);
    let first = start(0);
    let port = first.port;
    let (logging, logger) = system(handler.url(format!("http://127.0.0.1:{port}/")));
    let line = log(&logger, 0..5000);
    logging.flush(LONG).unwrap();
    let mut lines = first.kill();
    log(&logger, 5000..6000);
    logging.flush(Duration::from_millis(50)).unwrap_err();
    assert_eq!(counts(&logging), (5000, 0, 1000));
    let second = start(port);
    log(&logger, 6000..10_000);
    logging.flush(LONG).unwrap();
    assert_eq!(counts(&logging), (10_000, 0, 0));
    lines.extend(second.kill());
    assert_eq!(lines.len(), 10_000);
    for (n, text) in (0..).zip(&lines) {
        assert_eq!(serde_json::from_str::<Json>(text).unwrap(), expected(n, line));
    }
}

#[test]
#[ignore = "needs python3"]
fn cpython_takes_forms_for_its_own_records() {
    through_a_restart(FemtoHttpHandler::builder().body(HttpBody::Form), |n, line| {
        let (message, file, line, n) =
            (format!("größe {n} = 100%\n&"), "http_peers.rs", line.to_string(), n.to_string());
        json!({ "msg": message, "name": "app.db", "levelno": "30", "levelname": "WARNING", "threadName": "main",
            "filename": file, "lineno": line, "n": n })
    });
}

fn short() -> FemtoJsonFormatter {
    FemtoJsonFormatter::new().fields([(JsonField::Message, "m"), (JsonField::Logger, "l"), (JsonField::KeyValues, ">")])
}

#[test]
#[ignore = "needs python3"]
fn cpython_reads_json_and_lines_of_json() {
    for body in [HttpBody::Json, HttpBody::Ndjson] {
        through_a_restart(
            FemtoHttpHandler::builder().body(body).formatter(short()),
            |n, _| json!({ "m": format!("größe {n} = 100%\n&"), "l": "app.db", "n": n }),
        );
    }
}

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

#[test]
#[ignore = "needs nginx"]
fn nginx_speaks_tls_and_asks_for_a_certificate() {
    let program = find("nginx", &["/usr/sbin/nginx".into()]);
    let behind = Server::start(|_, _| Reply::ok());
    let certificates = Certificates::make("authority", "localhost");
    let strangers = Certificates::make("strangers", "localhost");
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, key) =
        (write("server.pem", &certificates.server[0]), write("server.key", &certificates.server[1]));
    let authority = write("ca.pem", &certificates.authority);
    let home = folder.path().display();
    let configuration = format!(
        "daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;
         events {{ worker_connections 64; }}
         http {{
             access_log off; client_max_body_size 8m; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
             fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
             server {{
                 listen 127.0.0.1:{port} ssl;
                 ssl_certificate {certificate}; ssl_certificate_key {key};
                 ssl_client_certificate {authority}; ssl_verify_client on;
                 location / {{ proxy_pass http://127.0.0.1:{}; }}
             }}
         }}",
        behind.port
    );
    let configuration = write("nginx.conf", &configuration);
    let mut nginx = Command::new(program);
    nginx.args(["-c", &configuration, "-p", &home.to_string()]).stdin(Stdio::null()).stderr(Stdio::null());
    let _nginx = Peer::start(&mut nginx, port);

    let handler = |tls| {
        let handler =
            FemtoHttpHandler::builder().url(format!("https://localhost:{port}/intake")).body(HttpBody::Ndjson);
        handler.formatter(message).tls(tls)
    };
    let client = |who: &Certificates| {
        let [certificate, key] = &who.client;
        Tls::new().ca_pem(&*certificates.authority).client_certificate_pem(&**certificate, &**key)
    };
    let (logging, logger) = system(handler(client(&certificates)));
    (0..10_000).for_each(|n| warn!(logger: logger, "message {}", n));
    logging.flush(LONG).unwrap();
    assert_eq!(counts(&logging), (10_000, 0, 0));
    let text = behind.requests().iter().map(|request| request.text().to_owned()).collect::<String>();
    assert!(text == (0..10_000).map(|n| format!("message {n}\n")).collect::<String>());
    let before = behind.requests().len();

    // Nobody else gets through, in either direction.
    let own = format!("https://localhost:{port}");
    let rows = [
        (
            Tls::new().ca_pem(&*certificates.authority),
            (0, 1, 0),
            format!("{own} refused 1 of 1 records: status 400: <html>"),
        ),
        (client(&strangers), (0, 1, 0), format!("{own} refused 1 of 1 records: status 400: <html>")),
        (Tls::new().ca_pem(&*strangers.authority), (0, 0, 1), format!("{own} did not take 1 of 1 records yet: ")),
    ];
    for (tls, expected, why) in rows {
        let (logging, logger) = system(handler(tls));
        warn!(logger: logger, "one");
        logging.flush(Duration::from_millis(500)).unwrap_err();
        common::wait_until("it is settled", || counts(&logging) == expected);
        let last = logging.metrics().handler("h").unwrap().last_error.clone().unwrap();
        assert!(last.starts_with(&why), "{last}");
    }
    assert_eq!(behind.requests().len(), before);
}
