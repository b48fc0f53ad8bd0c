//! How many records a second get through HTTP on loopback, against CPython's `HTTPHandler`.
//!
//! ```text
//! cargo bench --bench http --features otlp,gzip
//! ```
//!
//! The server, the same for all, reads requests, answers 200 and counts them. The time is from the first request to the
//! last; a run that lost a record panics. The best of some runs is shown.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use common::{Effort, PATIENCE};
use femtologging::handler::{FemtoHttpHandler, FemtoOtlpHandler, HandlerSpec, HttpBody};
use femtologging::{Config, Level, info};

/// Answers the requests of a connection, and counts them and the bytes of their bodies.
fn answer(stream: TcpStream, requests: &AtomicU64, bytes: &AtomicU64) -> Option<()> {
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone().ok()?);
    let (mut writer, mut line, mut body) = (stream, String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.trim_end().to_ascii_lowercase();
            match lower.strip_prefix("content-length:") {
                Some(text) => length = text.trim().parse().ok()?,
                None if lower.is_empty() => break,
                None => {}
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
        requests.fetch_add(1, SeqCst);
        bytes.fetch_add(length as u64, SeqCst);
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}

/// Has `send` send records to a port until all are answered, and shows their rate.
fn run(name: &str, records: u64, rounds: usize, mut send: impl FnMut(u16)) {
    let rounds = (0..rounds).map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback address");
        let port = listener.local_addr().expect("it is bound").port();
        let (requests, bytes, ends) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let time = thread::scope(|scope| {
            scope.spawn(|| {
                while let Ok((stream, _)) = listener.accept()
                    && !ends.load(SeqCst)
                {
                    scope.spawn(|| answer(stream, &requests, &bytes));
                }
            });
            let start = Instant::now();
            send(port);
            let time = start.elapsed();
            ends.store(true, SeqCst);
            drop(TcpStream::connect(("127.0.0.1", port)));
            time
        });
        (time, requests.into_inner(), bytes.into_inner())
    });
    let (time, requests, bytes): (Duration, u64, u64) = rounds.min().expect("there is a round");
    assert!(bytes > 0, "{name} has sent nothing");
    let rate = records as f64 / time.as_secs_f64();
    println!("{name:<34} {rate:>10.0} records/s {requests:>7} requests {:>5} bytes each", bytes / records);
}

/// Logs through this handler, and waits until all is answered.
fn ours(handler: HandlerSpec, records: u64) {
    let config = Config::builder().default_level(Level::Info).add_handler("http", handler);
    let logging = config.build().expect("the configuration is right");
    let logger = logging.get_logger("bench").expect("the name is right");
    for i in 0..records {
        info!(logger: logger, "{} of {} took {}", i, 7, 0.5);
    }
    logging.shutdown(PATIENCE).expect("all is sent");
    let metrics = logging.metrics();
    assert_eq!(metrics.handler("http").expect("it is there").written, records, "records were lost");
}

fn main() {
    let effort = Effort::from_args();
    let (records, rounds) = if effort == Effort::Smoke { (1_000, 1) } else { (1_000_000, effort.rounds()) };
    let url = |port: u16| format!("http://127.0.0.1:{port}/");
    for (name, gzip) in [("femtologging, lines of JSON", false), ("femtologging, the same with gzip", true)] {
        run(name, records, rounds, |port| {
            let handler = FemtoHttpHandler::builder().url(url(port)).body(HttpBody::Ndjson).gzip(gzip);
            ours(handler.build().expect("the handler is right"), records);
        });
    }
    run("femtologging, OTLP (Protobuf)", records, rounds, |port| {
        ours(FemtoOtlpHandler::builder().url(url(port)).build().expect("the handler is right"), records);
    });
    let records = records / 20;
    run("femtologging, a form a record", records, rounds, |port| {
        ours(
            FemtoHttpHandler::builder().url(url(port)).body(HttpBody::Form).build().expect("the handler is right"),
            records,
        );
    });
    if Command::new("python3").arg("--version").output().is_err() {
        return println!("skipped: python3 is not installed");
    }
    run("CPython's HTTPHandler", records, rounds, |port| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/cpython_http.py");
        let status = Command::new("python3").args([script, &port.to_string(), &records.to_string()]).status();
        assert!(status.expect("python3 runs").success());
    });
}
