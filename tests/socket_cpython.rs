//! Records that CPython's own receivers take for their own, sent by the socket handler.

mod common;
#[path = "common/receiver.rs"]
mod receiver;

use std::ops::Range;
use std::sync::mpsc;
use std::time::Duration;

use common::{LONG, wait_until};
use femtologging::formatter::FemtoPickleFormatter;
use femtologging::handler::{Endpoint, FemtoSocketHandler, Framing};
use femtologging::metrics::HandlerMetrics;
use femtologging::{Config, FemtoLogger, Logging, warn};
use receiver::Receiver;
use serde_json::{Value, json};

/// Starts a receiver for `tcp` or `udp` on an address and a port, or any that is free.
fn start(protocol: &str, address: &str, port: u16) -> Receiver {
    Receiver::start("receiver.py", &[protocol, address, &port.to_string()])
}

fn records(lines: Vec<String>) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn system(endpoint: Endpoint) -> (Logging, FemtoLogger) {
    let handler = FemtoSocketHandler::builder()
        .endpoint(endpoint)
        .formatter(FemtoPickleFormatter::new())
        .framing(Framing::LengthPrefix)
        .retry_buffer(100_000, 64 << 20)
        .backoff(Duration::from_millis(1)..=Duration::from_millis(10));
    let logging = Config::builder().add_handler("h", handler.build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger)
}

const LINE: u32 = line!() + 4;

fn log(logger: &FemtoLogger, range: Range<u32>) {
    for number in range {
        warn!(logger: *logger, "{} of größe", number; key = number);
    }
}

fn expected(range: Range<u32>) -> Vec<Value> {
    let thread = std::thread::current().name().unwrap().to_owned();
    let record = |number| {
        json!({
            "message": format!("{number} of größe"), "key": number, "name": "app.db", "levelno": 30, "levelname": "WARNING",
            "threadName": thread, "filename": "socket_cpython.rs", "lineno": LINE,
        })
    };
    range.map(record).collect()
}

/// Emitted, written, failed, in flight.
fn counts(logging: &Logging) -> [u64; 4] {
    let metrics = logging.metrics();
    let HandlerMetrics { emitted, written, failed, in_flight, .. } = metrics.handler("h").unwrap();
    [*emitted, *written, *failed, *in_flight]
}

#[test]
#[ignore = "needs python3"]
fn a_socketserver_of_python_takes_our_records_for_its_own() {
    let mut receiver = start("tcp", "127.0.0.1", 0);
    let (logging, logger) = system(Endpoint::tcp("127.0.0.1", receiver.port));
    log(&logger, 0..10_000);
    logging.shutdown(LONG).unwrap();
    assert_eq!(records(receiver.read(10_000)), expected(0..10_000));
    assert_eq!(receiver.kill(), [""; 0]);
    assert_eq!(counts(&logging), [10_000, 10_000, 0, 0]);
}

#[test]
#[ignore = "needs python3"]
fn so_does_one_of_python_for_datagrams() {
    let mut receiver = start("udp", "127.0.0.1", 0);
    let (logging, logger) = system(Endpoint::udp("127.0.0.1", receiver.port));
    // UDP has no flow control: what the receiver's buffer has no room for is lost.
    for part in 0..100 {
        let range = part * 100..(part + 1) * 100;
        log(&logger, range.clone());
        logging.flush(LONG).unwrap();
        assert_eq!(records(receiver.read(100)), expected(range));
    }
    logging.shutdown(LONG).unwrap();
    assert_eq!(counts(&logging), [10_000, 10_000, 0, 0]);
}

#[test]
#[ignore = "needs python3"]
fn python_that_is_killed_between_records_and_restarted_misses_none() {
    let mut first = start("tcp", "127.0.0.2", 0);
    let port = first.port;
    let (logging, logger) = system(Endpoint::tcp("127.0.0.2", port));
    log(&logger, 0..5_000);
    logging.flush(LONG).unwrap();
    assert_eq!(records(first.read(5_000)), expected(0..5_000));
    assert_eq!(first.kill(), [""; 0]);
    log(&logger, 5_000..9_000);
    logging.flush(Duration::ZERO).unwrap_err();
    assert_eq!(counts(&logging), [9_000, 5_000, 0, 4_000]);
    let mut second = start("tcp", "127.0.0.2", port);
    log(&logger, 9_000..10_000);
    logging.shutdown(LONG).unwrap();
    assert_eq!(records(second.read(5_000)), expected(5_000..10_000));
    assert_eq!(second.kill(), [""; 0]);
    assert_eq!(counts(&logging), [10_000, 10_000, 0, 0]);
}

#[test]
#[ignore = "needs python3"]
fn python_that_is_killed_while_it_receives_gets_everything_from_the_reconnection_on() {
    let mut first = start("tcp", "127.0.0.3", 0);
    let port = first.port;
    let (logging, logger) = system(Endpoint::tcp("127.0.0.3", port));
    let (go, gone) = mpsc::channel();
    let caller = std::thread::Builder::new().name(std::thread::current().name().unwrap().to_owned());
    let caller = caller.spawn(move || {
        log(&logger, 0..50_000);
        gone.recv().unwrap();
        log(&logger, 50_000..51_000);
    });
    let mut got = records(first.read(1_000));
    got.extend(records(first.kill()));
    wait_until("the handler has noticed, or has nothing more to send", || {
        logging.metrics().handler("h").unwrap().errors > 0 || counts(&logging)[..2] == [50_000, 50_000]
    });
    let mut second = start("tcp", "127.0.0.3", port);
    go.send(()).unwrap();
    caller.unwrap().join().unwrap();
    logging.shutdown(LONG).unwrap();
    assert_eq!(counts(&logging), [51_000, 51_000, 0, 0]);

    // What the system had taken for the first receiver, and that one had not read, is lost; nothing else is.
    let all = expected(0..51_000);
    assert_eq!(got, all[..got.len()]);
    let again = records(second.read(1))[0].clone();
    let from = again["key"].as_u64().unwrap() as usize;
    assert!(from >= got.len(), "{from} came twice");
    assert_eq!(again, all[from]);
    assert_eq!(records(second.read(51_000 - from - 1)), all[from + 1..]);
}
