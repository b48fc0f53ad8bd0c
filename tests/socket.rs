//! The socket handler over sockets of the system's own.

mod common;
#[path = "common/receiver.rs"]
mod receiver;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use common::{LONG, TIME, clock, skipped, wait_until};
use femtologging::handler::{Endpoint, FemtoSocketHandler, Framing, HandlerBuilder, HandlerSpec, SocketOptions};
use femtologging::metrics::HandlerMetrics;
use femtologging::policy::{OverflowPolicy, Transport};
use femtologging::time::Clock;
use femtologging::{Config, FemtoLogRecord, FemtoLogger, Logging, info};

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
    let thread = found[0].split("\"thread_id\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    assert!(thread.parse::<u64>().is_ok(), "{found:?}");
    let function = "socket::json_lines_are_what_a_stream_gets_by_default";
    let expected =
        format!(r#"{{"timestamp":"{TIME}","level":"INFO","message":"ready\n1","logger":"app.db","thread":"main","#)
            + &format!(r#""thread_id":{thread},"file":"tests/socket.rs","line":{line},"function":"{function}","#)
            + r#""fields":{"port":8080}}"#;
    assert_eq!(found, [expected]);
}

#[test]
fn both_families_of_addresses_and_names_are_connected_to() {
    for (address, host) in
        [("127.0.0.1:0", "127.0.0.1"), ("127.0.0.1:0", "localhost"), ("[::1]:0", "[::1]"), ("[::1]:0", "::1")]
    {
        let Ok(listener) = TcpListener::bind(address) else {
            skipped(&format!("there is no {address} here"));
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let (logging, logger) = system(messages(Endpoint::tcp(host, port)).build().unwrap());
        log(&logger, 0..3);
        logging.shutdown(LONG).unwrap();
        assert_eq!(lines(listener.accept().unwrap().0).collect::<Vec<_>>(), numbers(0..3));
    }
}

#[test]
fn a_peer_that_comes_back_gets_all_that_was_kept() {
    // An address that no other test binds, so that the port is still free after a while.
    let (listener, endpoint) = listen("127.0.0.2:0");
    let (logging, logger) = system(messages(endpoint).build().unwrap());
    log(&logger, 0..3);
    logging.flush(LONG).unwrap();
    let mut first = lines(listener.accept().unwrap().0);
    assert_eq!(first.by_ref().take(3).collect::<Vec<_>>(), numbers(0..3));

    let address = listener.local_addr().unwrap();
    drop((listener, first));
    log(&logger, 3..1000);
    wait_until("the handler has noticed", || metrics(&logging).errors > 0);
    logging.flush(Duration::ZERO).unwrap_err();
    assert_eq!(counts(&logging), [1000, 3, 0, 997]);

    let listener = TcpListener::bind(address).unwrap();
    log(&logger, 1000..1003);
    logging.shutdown(LONG).unwrap();
    assert_eq!(lines(listener.accept().unwrap().0).collect::<Vec<_>>(), numbers(3..1003));
    assert_eq!(counts(&logging), [1003, 1003, 0, 0]);
}

#[test]
fn what_the_retry_buffer_has_no_room_for_has_failed() {
    let (listener, endpoint) = listen("127.0.0.3:0");
    let address = listener.local_addr().unwrap();
    drop(listener);
    let handler = messages(endpoint.clone()).retry_buffer(100, usize::MAX).build().unwrap();
    let (logging, logger) = system(handler);
    log(&logger, 0..1000);
    wait_until("only 100 are kept", || counts(&logging) == [1000, 0, 900, 100]);
    let listener = TcpListener::bind(address).unwrap();
    // A flush tells of those that have failed, too.
    let error = logging.flush(LONG).unwrap_err().to_string();
    assert_eq!(error, "`handlers.h`: 900 records could not be written");
    logging.shutdown(LONG).unwrap();
    assert_eq!(lines(listener.accept().unwrap().0).collect::<Vec<_>>(), numbers(900..1000));
    assert_eq!(counts(&logging), [1000, 100, 900, 0]);
}

/// A record counts as written when the peer's system has it, not when this one has.
#[cfg(target_os = "linux")]
#[test]
fn what_the_system_holds_when_a_connection_breaks_is_sent_again() {
    const COUNT: u32 = 20_000;
    // An address that no other test binds, so that the port is still free after a while.
    let (listener, endpoint) = listen("127.0.0.5:0");
    let address = listener.local_addr().unwrap();
    let long = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
        record.write_message(out);
        out.extend_from_slice(&[b'.'; 100]);
    };
    let (logging, logger) = system(messages(endpoint).formatter(long).build().unwrap());
    log(&logger, 0..COUNT);
    // It reads nothing, so its system takes a part of the two megabytes, and this one keeps the rest.
    let peer = listener.accept().unwrap().0;
    let error = logging.flush(Duration::from_millis(300)).unwrap_err().to_string();
    assert!(error.contains("could not be delivered in time"), "{error}");
    assert!(counts(&logging)[3] > 0);

    drop((listener, peer));
    wait_until("the handler has noticed", || metrics(&logging).errors > 0);
    let [_, arrived, failed, kept] = counts(&logging);
    assert_eq!((arrived + kept, failed), (u64::from(COUNT), 0));
    let listener = TcpListener::bind(address).unwrap();
    let peer = std::thread::spawn(move || {
        let numbers = lines(listener.accept().unwrap().0).map(|line| line.trim_end_matches('.').to_owned());
        numbers.collect::<Vec<_>>()
    });
    logging.shutdown(LONG).unwrap();
    assert_eq!(peer.join().unwrap(), numbers(u32::try_from(arrived).unwrap()..COUNT));
    assert_eq!(counts(&logging), [u64::from(COUNT), u64::from(COUNT), 0, 0]);
}

#[test]
fn a_peer_that_talks_back_harms_nothing() {
    let (listener, endpoint) = listen("127.0.0.1:0");
    let (logging, logger) = system(messages(endpoint).build().unwrap());
    let peer = std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut voice = stream.try_clone().unwrap();
        // It goes on until the handler has closed the connection.
        let talk = std::thread::spawn(move || while voice.write_all(&[0xff; 1000]).is_ok() {});
        let found: Vec<_> = lines(stream).collect();
        talk.join().unwrap();
        found
    });
    for part in 0..100 {
        log(&logger, part * 100..(part + 1) * 100);
        logging.flush(LONG).unwrap();
    }
    logging.shutdown(LONG).unwrap();
    assert_eq!(peer.join().unwrap(), numbers(0..10_000));
    assert_eq!(counts(&logging), [10_000, 10_000, 0, 0]);
}

fn datagram(receive: impl Fn(&mut [u8]) -> std::io::Result<usize>) -> String {
    let mut buffer = [0; 1024];
    let length = receive(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn udp_has_a_datagram_for_each_record() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(socket) = UdpSocket::bind(address) else {
            skipped(&format!("there is no {address} here"));
            continue;
        };
        socket.set_read_timeout(Some(LONG)).unwrap();
        let address = socket.local_addr().unwrap();
        let (logging, logger) =
            system(messages(Endpoint::udp(address.ip().to_string(), address.port())).build().unwrap());
        info!(logger: logger, "two\nlines");
        info!(logger: logger, "{}", "x".repeat(70_000));
        log(&logger, 0..50);
        let error = logging.shutdown(LONG).unwrap_err();
        assert_eq!(error.to_string(), "`handlers.h`: 1 records could not be written");
        assert_eq!(datagram(|buffer| socket.recv(buffer)), "two\nlines");
        assert_eq!((0..50).map(|_| datagram(|buffer| socket.recv(buffer))).collect::<Vec<_>>(), numbers(0..50));
        assert_eq!(counts(&logging), [52, 51, 1, 0]);
        let too_large = format!("a record of 70000 bytes is too large for a datagram to udp://{address}: ");
        assert!(metrics(&logging).last_error.unwrap().starts_with(&too_large));
    }
}

#[test]
fn a_refused_datagram_is_noticed_and_the_next_ones_are_kept() {
    let socket = UdpSocket::bind("127.0.0.4:0").unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let endpoint = Endpoint::udp(address.ip().to_string(), address.port());
    // One attempt only: each costs a datagram.
    let handler = messages(endpoint).backoff(Duration::from_secs(600)..=Duration::from_secs(600)).build().unwrap();
    let (logging, logger) = system(handler);
    info!(logger: logger, "refused");
    logging.flush(LONG).unwrap();
    log(&logger, 0..10);
    wait_until("the refusal is noticed", || metrics(&logging).errors == 1);
    assert_eq!(counts(&logging), [11, 1, 0, 10]);
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    logging.shutdown(LONG).unwrap();
    assert_eq!((0..10).map(|_| datagram(|buffer| socket.recv(buffer))).collect::<Vec<_>>(), numbers(0..10));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use super::receiver::Receiver;
    use super::*;

    #[test]
    #[ignore = "needs python3"]
    fn an_attempt_at_python_that_hangs_holds_up_neither_callers_nor_the_shutdown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let peer = Receiver::start("deaf.py", &[path.to_str().unwrap()]);
        // Fills the peer's queue: the next one to connect waits for ever.
        let _first = UnixStream::connect(&path).unwrap();
        let handler =
            messages(Endpoint::unix(&path)).connect_timeout(Duration::from_millis(50)).retry_buffer(10, 10_000);
        let (logging, logger) = system(handler.build().unwrap());
        // More than the handler's queue holds, whose policy is to block.
        log(&logger, 0..100_000);
        wait_until("the attempt is given up", || metrics(&logging).errors > 0);
        logging.shutdown(Duration::from_millis(500)).unwrap_err();
        wait_until("the handler has ended", || counts(&logging) == [100_000, 0, 100_000, 0]);
        let last_error = metrics(&logging).last_error.unwrap();
        let expected =
            [format!("cannot connect to unix:{}: no connection after 50ms", path.display()), "is down".into()];
        assert!(expected.iter().any(|text| last_error.contains(text)), "{last_error}");
        peer.kill();
    }

    /// Writes messages that are longer than all that the system takes for a peer that does not read.
    fn endless(_: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        out.resize(out.len() + (4 << 20), b'x');
    }

    /// A queue that is soon full.
    const SMALL: Transport = Transport::PerThread { bytes: 1024 };

    #[test]
    fn callers_do_not_wait_for_a_peer_that_never_reads_if_the_policy_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("log")).unwrap();
        let endpoint = Endpoint::unix(dir.path().join("log"));
        // It waits for longer than this test may take, so a caller that waits for it fails the test.
        let handler =
            messages(endpoint).formatter(endless).framing(Framing::None).write_timeout(Duration::from_secs(600));
        let handler = handler.overflow(OverflowPolicy::DropNewest).transport(SMALL);
        let (logging, logger) = system(handler.build().unwrap());
        log(&logger, 0..10_000);
        let metrics = metrics(&logging);
        assert_eq!((metrics.emitted, metrics.written, metrics.failed), (10_000, 0, 0));
        assert!(metrics.dropped.total() > 0 && metrics.in_flight > 0, "{metrics:?}");
        assert!(logging.shutdown(Duration::from_millis(200)).unwrap_err().is_timeout());
        drop(listener);
        wait_until("the handler has ended", || counts(&logging)[3] == 0);
        assert_eq!(counts(&logging)[1], 0);
    }

    #[test]
    fn callers_go_on_when_a_peer_that_never_reads_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let _listener = UnixListener::bind(dir.path().join("log")).unwrap();
        let endpoint = Endpoint::unix(dir.path().join("log"));
        let handler =
            messages(endpoint).formatter(endless).framing(Framing::None).write_timeout(Duration::from_millis(20));
        let (logging, logger) = system(handler.retry_buffer(1, usize::MAX).transport(SMALL).build().unwrap());
        // The policy is to block.
        log(&logger, 0..100);
        logging.shutdown(Duration::from_millis(200)).unwrap_err();
        wait_until("the handler has ended", || counts(&logging)[3] == 0);
        assert_eq!(counts(&logging), [100, 0, 100, 0]);
    }

    #[test]
    fn a_stream_waits_for_its_socket_to_appear() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let (logging, logger) = system(messages(Endpoint::unix(&path)).build().unwrap());
        log(&logger, 0..10_000);
        wait_until("the handler has tried", || metrics(&logging).errors > 0);
        let last_error = metrics(&logging).last_error.unwrap();
        assert!(last_error.starts_with(&format!("cannot connect to unix:{}: ", path.display())), "{last_error}");
        let listener = UnixListener::bind(&path).unwrap();
        let peer = std::thread::spawn(move || lines(listener.accept().unwrap().0).collect::<Vec<_>>());
        logging.shutdown(LONG).unwrap();
        assert_eq!(peer.join().unwrap(), numbers(0..10_000));
    }

    #[test]
    fn datagrams_wait_for_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (logging, logger) = system(messages(Endpoint::unix_datagram(&path)).build().unwrap());
        // Many more than a socket has room for.
        let peer =
            std::thread::spawn(move || (0..10_000).map(|_| datagram(|buffer| socket.recv(buffer))).collect::<Vec<_>>());
        log(&logger, 0..10_000);
        logging.shutdown(LONG).unwrap();
        assert_eq!(peer.join().unwrap(), numbers(0..10_000));
    }

    #[test]
    fn a_datagram_that_is_too_large_has_failed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (logging, logger) = system(messages(Endpoint::unix_datagram(&path)).build().unwrap());
        info!(logger: logger, "{}", "x".repeat(4_000_000));
        info!(logger: logger, "small");
        logging.shutdown(LONG).unwrap_err();
        assert_eq!(datagram(|buffer| socket.recv(buffer)), "small");
        assert_eq!(counts(&logging), [2, 1, 1, 0]);
    }
}

#[test]
fn what_is_wrong_with_the_settings_comes_in_one_error() {
    let wrong = FemtoSocketHandler::builder()
        .connect_timeout(Duration::ZERO)
        .write_timeout(Duration::from_secs(86_400))
        .backoff(Duration::from_secs(2)..=Duration::from_secs(1));
    let error = wrong.build().unwrap_err();
    let expected = [
        "invalid configuration, 4 problems:",
        "  `endpoint`: say where to send to with .endpoint(Endpoint::tcp(host, port))",
        "  `connect_timeout` = 0ns: give a time from 1 ms to 1 h",
        "  `write_timeout` = 86400s: give a time from 1 ms to 1 h",
        "  `backoff` = 2s..=1s: begin with more than zero, and end with no less",
    ];
    assert_eq!(error.to_string(), expected.join("\n"));
    let rows = [
        (Endpoint::tcp("", 1), "`endpoint` = tcp://:1: give a host, alone, and a port from 1 to 65535"),
        (Endpoint::udp("host", 0), "`endpoint` = udp://host:0: give a host, alone, and a port from 1 to 65535"),
        (Endpoint::tcp("a:1", 1), "`endpoint` = tcp://[a:1]:1: give a host, alone, and a port from 1 to 65535"),
        (Endpoint::tcp("tcp://a", 1), "`endpoint` = tcp://[tcp://a]:1: give a host, alone, and a port from 1 to 65535"),
        (Endpoint::udp("a b", 1), "`endpoint` = udp://a b:1: give a host, alone, and a port from 1 to 65535"),
        (Endpoint::unix(""), "`endpoint` = unix:: give the socket's path"),
        (Endpoint::unix_datagram(""), "`endpoint` = unixgram:: give the socket's path"),
    ];
    for (endpoint, expected) in rows {
        let error = FemtoSocketHandler::builder().endpoint(endpoint).build().unwrap_err();
        assert_eq!(error.to_string(), format!("invalid configuration: {expected}"));
    }
    for host in ["::1", "[::1]", "fe80::1%eth0", "logs.example.net"] {
        assert!(FemtoSocketHandler::builder().endpoint(Endpoint::tcp(host, 1)).build().is_ok(), "{host}");
    }
}

#[test]
fn framing_is_chosen() {
    for (framing, expected) in [
        (Framing::LengthPrefix, "\0\0\0\x01a\0\0\0\x02bc"),
        (Framing::OctetCounting, "1 a2 bc"),
        (Framing::None, "abc"),
    ] {
        let (listener, endpoint) = listen("127.0.0.1:0");
        let (logging, logger) = system(messages(endpoint).framing(framing).build().unwrap());
        info!(logger: logger, "a");
        info!(logger: logger, "bc");
        logging.shutdown(LONG).unwrap();
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
    }
}
