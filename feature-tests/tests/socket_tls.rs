//! The socket handler by TLS, against CPython's `ssl` with client certificates.
#![cfg(feature = "tls")]

#[path = "common/certificates.rs"]
mod certificates;
mod common;
#[path = "common/peer.rs"]
mod peer;
#[path = "../../tests/common/receiver.rs"]
mod receiver;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use certificates::Certificates;
use common::{LONG, wait_until};
use femtologging::handler::{Endpoint, FemtoSocketHandler, HandlerBuilder, SocketOptions, Tls};
use femtologging::metrics::HandlerMetrics;
use femtologging::{Config, FemtoLogRecord, FemtoLogger, Logging, info};
use peer::{Peer, find, free_port};
use receiver::Receiver;
use tempfile::TempDir;

impl Certificates {
    /// What a client needs for this server, whose address is not in its certificate.
    fn tls(&self) -> Tls {
        let [certificate, key] = &self.client;
        Tls::new().ca_pem(&*self.authority).client_certificate_pem(&**certificate, &**key).server_name("logs.test")
    }

    fn receiver(&self, address: &str, port: u16, version: &str) -> (Receiver, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let [certificate, key] = &self.server;
        let files = [write("server.pem", certificate), write("server.key", key), write("ca.pem", &self.authority)];
        let port = port.to_string();
        let arguments = [address, &port, &files[0], &files[1], &files[2], version];
        (Receiver::start("tls_receiver.py", &arguments), dir)
    }
}

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

fn handler(address: &str, port: u16, tls: Tls) -> HandlerBuilder<SocketOptions> {
    let delays = Duration::from_millis(1)..=Duration::from_millis(10);
    FemtoSocketHandler::builder().endpoint(Endpoint::tcp(address, port)).formatter(message).backoff(delays).tls(tls)
}

fn system(handler: HandlerBuilder<SocketOptions>) -> (Logging, FemtoLogger) {
    let logging = Config::builder().add_handler("h", handler.build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

fn log(logger: &FemtoLogger, range: Range<u32>) {
    for number in range {
        info!(logger: *logger, "{}", number);
    }
}

fn numbers(range: Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn metrics(logging: &Logging) -> HandlerMetrics {
    logging.metrics().handler("h").unwrap().clone()
}

#[test]
#[ignore = "needs python3"]
fn python_gets_records_by_both_versions() {
    let certificates = Certificates::make("authority", "logs.test");
    for version in ["1.2", "1.3"] {
        let (mut receiver, _dir) = certificates.receiver("127.0.0.1", 0, version);
        let (logging, logger) = system(handler("127.0.0.1", receiver.port, certificates.tls()));
        log(&logger, 0..10_000);
        logging.shutdown(LONG).unwrap();
        assert_eq!(receiver.read(10_000), numbers(0..10_000));
        assert_eq!(receiver.kill(), [""; 0]);
        let HandlerMetrics { written, errors, .. } = metrics(&logging);
        assert_eq!((written, errors), (10_000, 0));
    }
}

#[test]
#[ignore = "needs python3"]
fn python_that_is_restarted_misses_none() {
    let certificates = Certificates::make("authority", "logs.test");
    let (mut first, _dir) = certificates.receiver("127.0.0.2", 0, "1.3");
    let port = first.port;
    let (logging, logger) = system(handler("127.0.0.2", port, certificates.tls()));
    log(&logger, 0..1000);
    logging.flush(LONG).unwrap();
    assert_eq!(first.read(1000), numbers(0..1000));
    first.kill();
    log(&logger, 1000..2000);
    wait_until("the handler has noticed", || metrics(&logging).errors > 0);
    let (mut second, _dir) = certificates.receiver("127.0.0.2", port, "1.3");
    log(&logger, 2000..3000);
    logging.shutdown(LONG).unwrap();
    assert_eq!(second.read(2000), numbers(1000..3000));
    assert_eq!(second.kill(), [""; 0]);
    assert_eq!(metrics(&logging).written, 3000);
}

#[test]
#[ignore = "needs python3"]
fn nothing_is_sent_to_python_without_trust_and_nothing_counts_as_written() {
    let certificates = Certificates::make("authority", "logs.test");
    let strangers = Certificates::make("strangers", "logs.test");
    let [certificate, key] = &strangers.client;
    for version in ["1.2", "1.3"] {
        let rows = [
            (certificates.tls().server_name("other.test"), "invalid peer certificate: certificate not valid for name"),
            (strangers.tls(), "invalid peer certificate: UnknownIssuer"),
            (Tls::new().ca_pem(&*certificates.authority).server_name("logs.test"), "received fatal alert"),
            (certificates.tls().client_certificate_pem(&**certificate, &**key), "received fatal alert"),
        ];
        for (tls, reason) in rows {
            let (receiver, _dir) = certificates.receiver("127.0.0.1", 0, version);
            let (logging, logger) = system(handler("127.0.0.1", receiver.port, tls));
            log(&logger, 0..10);
            wait_until("the handler has tried", || metrics(&logging).errors > 0);
            let HandlerMetrics { last_error, written, in_flight, .. } = metrics(&logging);
            let last_error = last_error.unwrap();
            assert!(last_error.contains(reason), "{last_error}");
            assert_eq!((written, in_flight), (0, 10), "{last_error}");
            let _ = logging.shutdown(Duration::ZERO);
            assert_eq!(receiver.kill(), [""; 0]);
        }
    }
}

/// nginx looks at the client's certificate only after the handshake.
#[test]
#[ignore = "needs nginx with its stream module"]
fn nginx_passes_on_what_comes_from_whom_it_knows() {
    ["TLSv1.2", "TLSv1.3"].into_iter().for_each(through_nginx);
}

fn through_nginx(version: &str) {
    let program = find("nginx", &["/usr/sbin/nginx".into()]);
    let places = [PathBuf::from("/usr/lib/nginx/modules/ngx_stream_module.so")];
    let module = find("nginx's stream module", &places);
    let certificates = Certificates::make("authority", "logs.test");
    let strangers = Certificates::make("strangers", "logs.test");
    let behind = TcpListener::bind("127.0.0.1:0").unwrap();
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let configuration = format!(
        "load_module {module}; daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;
         events {{ worker_connections 64; }}
         stream {{
             server {{
                 listen 127.0.0.1:{port} ssl; ssl_protocols {version};
                 ssl_certificate {}; ssl_certificate_key {};
                 ssl_client_certificate {}; ssl_verify_client on;
                 proxy_pass {};
             }}
         }}",
        write("server.pem", &certificates.server[0]),
        write("server.key", &certificates.server[1]),
        write("ca.pem", &certificates.authority),
        behind.local_addr().unwrap(),
        module = module.display(),
        home = folder.path().display(),
    );
    let mut nginx = Command::new(program);
    nginx.args(["-c", &write("nginx.conf", &configuration), "-p", &folder.path().display().to_string()]);
    let _nginx = Peer::start(nginx.stdin(Stdio::null()).stderr(Stdio::null()), port);

    let [certificate, key] = &strangers.client;
    let refused = [
        Tls::new().ca_pem(&*certificates.authority).server_name("logs.test"),
        certificates.tls().client_certificate_pem(&**certificate, &**key),
    ];
    for tls in refused {
        let (logging, logger) = system(handler("127.0.0.1", port, tls));
        log(&logger, 0..10);
        wait_until("the handler has tried", || metrics(&logging).errors > 0);
        let HandlerMetrics { written, in_flight, .. } = metrics(&logging);
        assert_eq!((written, in_flight), (0, 10));
        let _ = logging.shutdown(Duration::ZERO);
    }

    let (logging, logger) = system(handler("127.0.0.1", port, certificates.tls()));
    log(&logger, 0..10_000);
    logging.shutdown(LONG).unwrap();
    let mut text = String::new();
    behind.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), numbers(0..10_000));
    let HandlerMetrics { written, errors, .. } = metrics(&logging);
    assert_eq!((written, errors), (10_000, 0));
}

/// Else the attempt would last as long as the server likes, and there is never a second one beside it.
#[test]
fn a_handshake_that_trickles_ends_in_time() {
    let certificates = Certificates::make("authority", "logs.test");
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let timeout = Duration::from_millis(200);
    let (logging, logger) = system(handler("127.0.0.1", port, certificates.tls()).connect_timeout(timeout));
    log(&logger, 0..1);
    let (mut stream, _) = server.accept().unwrap();
    // The head of a record of 16 KiB, then its bytes one by one.
    stream.write_all(b"\x16\x03\x03\x40\x00").unwrap();
    wait_until("the client has given up", || stream.write_all(b"\x02").is_err());
    wait_until("and says so", || metrics(&logging).errors > 0);
    let last_error = metrics(&logging).last_error.unwrap();
    assert!(last_error.contains("no connection after 200ms"), "{last_error}");
    let _ = logging.shutdown(Duration::ZERO);
}

#[test]
#[ignore = "needs python3"]
fn any_certificate_of_python_is_accepted_on_demand_only() {
    let certificates = Certificates::make("authority", "logs.test");
    let [certificate, key] = &certificates.client;
    let (mut receiver, dir) = certificates.receiver("127.0.0.1", 0, "1.3");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("client.pem", certificate);
    write("client.key", key);
    let path = |name: &str| dir.path().join(name);
    let tls =
        Tls::new().client_certificate_files(path("client.pem"), path("client.key")).danger_accept_any_certificate();
    let (logging, logger) = system(handler("127.0.0.1", receiver.port, tls));
    log(&logger, 0..10);
    logging.shutdown(LONG).unwrap();
    assert_eq!(receiver.read(10), numbers(0..10));
}

#[test]
fn what_cannot_be_read_or_used_is_an_error_of_build() {
    let certificates = Certificates::make("authority", "logs.test");
    let [certificate, key] = &certificates.client;
    let other = &certificates.server[1];
    let rows = [
        (
            Tls::new().ca_pem("no certificate"),
            "`tls.ca` = a text: give certificates as PEM: -----BEGIN CERTIFICATE-----",
        ),
        (Tls::new().ca_file(Path::new("/nowhere/ca.pem")), "cannot read /nowhere/ca.pem: "),
        (
            certificates.tls().client_certificate_pem(&**certificate, "no key"),
            "`tls.client_certificate` = a text: give an unencrypted key as PEM: -----BEGIN PRIVATE KEY-----",
        ),
        (
            certificates.tls().client_certificate_pem(&**certificate, &**other),
            "give a certificate and the key that belongs to it",
        ),
        (certificates.tls().server_name("not a name"), "give the name or address that the server's certificate is for"),
    ];
    for (tls, expected) in rows {
        assert!(!format!("{tls:?}").contains(key.lines().nth(1).unwrap()));
        let error = handler("127.0.0.1", 1, tls).build().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let udp = FemtoSocketHandler::builder().endpoint(Endpoint::udp("127.0.0.1", 1)).tls(certificates.tls());
    assert_eq!(
        udp.build().unwrap_err().to_string(),
        "invalid configuration: `tls` = udp://127.0.0.1:1: use TLS over TCP only"
    );
}
