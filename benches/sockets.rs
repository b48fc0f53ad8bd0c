//! How many records a second get through a TCP connection on loopback, against CPython's `SocketHandler`.
//!
//! ```text
//! cargo bench --bench sockets
//! ```
//!
//! The receiver, the same for all, reads messages behind their lengths and counts them. The time is from the first record to
//! the end of the connection; a run that lost a record panics. The best of some runs is shown.

mod common;

use std::io::{BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::{Effort, PATIENCE};
use femtologging::formatter::FemtoPickleFormatter;
use femtologging::handler::{Endpoint, FemtoSocketHandler, Framing, HandlerBuilder, SocketOptions};
use femtologging::{Config, FemtoLogRecord, Level, info};

/// Reads messages until the end, and returns how many there were, how many bytes, and when the first came.
fn receive(stream: TcpStream) -> (u64, u64, Instant) {
    let mut stream = BufReader::with_capacity(256 * 1024, stream);
    let (mut messages, mut bytes, mut message, mut start) = (0, 0, Vec::new(), None);
    let mut prefix = [0; 4];
    while stream.read_exact(&mut prefix).is_ok() {
        start.get_or_insert_with(Instant::now);
        message.resize(u32::from_be_bytes(prefix) as usize, 0);
        stream.read_exact(&mut message).expect("no message is cut");
        messages += 1;
        bytes += message.len() as u64;
    }
    (messages, bytes, start.expect("there was a message"))
}

/// Has `send` send messages to a port, and shows the rate at which they arrived.
fn run(name: &str, records: u64, rounds: usize, mut send: impl FnMut(u16)) {
    let rounds = (0..rounds).map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback address");
        let port = listener.local_addr().expect("it is bound").port();
        let receiver = thread::spawn(move || {
            let (messages, bytes, start) = receive(listener.accept().expect("somebody connects").0);
            (messages, bytes, start.elapsed())
        });
        send(port);
        let (messages, bytes, time) = receiver.join().expect("the receiver ends");
        assert_eq!(messages, records, "{name} lost records");
        (time, bytes)
    });
    let (time, bytes): (Duration, u64) = rounds.min().expect("there is a round");
    let rate = records as f64 / time.as_secs_f64();
    println!("{name:<40} {:>10.0} records/s {:>6} bytes each", rate, bytes / records);
}

/// Logs through this handler.
fn ours(handler: HandlerBuilder<SocketOptions>, port: u16, records: u64) {
    let handler = handler.endpoint(Endpoint::tcp("127.0.0.1", port)).framing(Framing::LengthPrefix);
    let handler = handler.build().expect("the handler is right");
    let config = Config::builder().default_level(Level::Info).add_handler("socket", handler);
    let logging = config.build().expect("the configuration is right");
    let logger = logging.get_logger("bench").expect("the name is right");
    for i in 0..records {
        info!(logger: logger, "{} of {} took {}", i, 7, 0.5);
    }
    logging.shutdown(PATIENCE).expect("all is sent");
}

fn main() {
    let effort = Effort::from_args();
    let (records, rounds) = if effort == Effort::Smoke { (1_000, 1) } else { (1_000_000, effort.rounds()) };
    run("femtologging, pickles", records, rounds, |port| {
        ours(FemtoSocketHandler::builder().formatter(FemtoPickleFormatter::new()), port, records);
    });
    run("femtologging, JSON", records, rounds, |port| ours(FemtoSocketHandler::builder(), port, records));
    run("femtologging, the bare message", records, rounds, |port| {
        let message = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| record.write_message(out);
        ours(FemtoSocketHandler::builder().formatter(message), port, records);
    });
    if Command::new("python3").arg("--version").output().is_err() {
        return println!("skipped: python3 is not installed");
    }
    let records = records / 10;
    run("CPython's SocketHandler", records, rounds, |port| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/sockets.py");
        let status = Command::new("python3").args([script, &port.to_string(), &records.to_string()]).status();
        assert!(status.expect("python3 runs").success());
    });
}
