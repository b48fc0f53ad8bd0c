//! The socket handler over sockets of the system's own.

#![allow(dead_code, unused_imports)]

mod common;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

use common::{LONG, TIME, clock, wait_until};
use femtologging::handler::{Endpoint, Framing, HandlerBuilder, HandlerSpec, SocketOptions};
use femtologging::time::Clock;
use femtologging::{
    Config, FemtoLogRecord, FemtoLogger, FemtoSocketHandler, HandlerMetrics, Logging, OverflowPolicy, Transport, info,
};

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

/// A handler of bare messages, which tries again soon.
fn messages(endpoint: Endpoint) -> HandlerBuilder<SocketOptions> {
    let delays = Duration::from_millis(1)..=Duration::from_millis(10);
    FemtoSocketHandler::builder().endpoint(endpoint).formatter(message).backoff(delays)
}

fn system(handler: HandlerSpec) -> (Logging, FemtoLogger) {
    let logging = Config::builder().add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger)
}

fn metrics(logging: &Logging) -> HandlerMetrics {
    let metrics = logging.metrics().handler("h").unwrap().clone();
    assert_eq!(metrics.emitted, metrics.written + metrics.dropped.total() + metrics.failed + metrics.in_flight);
    metrics
}

/// Emitted, written, failed, in flight.
fn counts(logging: &Logging) -> [u64; 4] {
    let HandlerMetrics { emitted, written, failed, in_flight, .. } = metrics(logging);
    [emitted, written, failed, in_flight]
}

fn listen(address: &str) -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, Endpoint::tcp(address.ip().to_string(), address.port()))
}

fn lines(stream: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(stream).lines().map(Result::unwrap)
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn log(logger: &FemtoLogger, range: std::ops::Range<u32>) {
    for number in range {
        info!(logger: *logger, "{}", number);
    }
}

#[test]
fn json_lines_are_what_a_stream_gets_by_default() {
    let (listener, endpoint) = listen("127.0.0.1:0");
    let handler = FemtoSocketHandler::builder().endpoint(endpoint).build().unwrap();
    let config = Config::builder().clock(Clock::manual(&clock())).add_handler("h", handler);
    let logging = config.build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    let line = line!() + 1;
    let work = move || info!(logger: logger, "ready\n{}", 1; port = 8080);
    std::thread::Builder::new().name("main".into()).spawn(work).unwrap().join().unwrap();
    logging.shutdown(LONG).unwrap();
    let found: Vec<_> = lines(listener.accept().unwrap().0).collect();
    let expected =
        format!(r#"{{"timestamp":"{TIME}","level":"INFO","message":"ready\n1","logger":"app.db","thread":"main","#)
            + &format!(r#""file":"tests/socket.rs","line":{line},"fields":{{"port":8080}}}}"#);
    assert_eq!(found, [expected]);
}

#[test]
fn both_families_of_addresses_and_names_are_connected_to() {
    for (address, host) in
        [("127.0.0.1:0", "127.0.0.1"), ("127.0.0.1:0", "localhost"), ("[::1]:0", "[::1]"), ("[::1]:0", "::1")]
    {
        let Ok(listener) = TcpListener::bind(address) else {
            println!("skipped: there is no {address} here");
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let (logging, logger) = system(messages(Endpoint::tcp(host, port)).build().unwrap());
        log(&logger, 0..3);
        logging.shutdown(LONG).unwrap();
        assert_eq!(lines(listener.accept().unwrap().0).collect::<Vec<_>>(), numbers(0..3));
    }
}
