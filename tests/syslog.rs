//! The syslog handler: what it sends, byte by byte, and what rsyslog makes of it.
#![cfg(unix)]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use common::{LONG, clock, missing, wait_until};
use femtologging::formatter::{FemtoSyslogFormatter, SyslogFacility};
use femtologging::handler::{Endpoint, FemtoSyslogHandler, Framing, HandlerSpec};
use femtologging::metrics::HandlerMetrics;
use femtologging::policy::OverflowPolicy;
use femtologging::time::Clock;
use femtologging::{Config, FemtoLogger, Level, Logging, error, info};
use serde_json::{Value as Json, json};

/// With names that do not depend on the machine.
fn rfc5424() -> FemtoSyslogFormatter {
    FemtoSyslogFormatter::rfc5424().hostname("web1").ident("shop").procid("4711").facility(SyslogFacility::Local0)
}

fn rfc3164() -> FemtoSyslogFormatter {
    FemtoSyslogFormatter::rfc3164().ident("shop").procid("4711").facility(SyslogFacility::Local0)
}

/// A system with one handler.
fn logging(handler: HandlerSpec) -> (Logging, FemtoLogger) {
    let config = Config::builder().default_level(Level::Trace).clock(Clock::manual(&clock()));
    let logging = config.add_handler("syslog", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger)
}

fn log_two(handler: HandlerSpec) {
    let (logging, logger) = logging(handler);
    info!(logger: logger, "one\n{}", "größe"; port = 8080);
    error!(logger: logger, "two");
    logging.shutdown(LONG).unwrap();
}

const HEADER: &str = "1 2026-03-12T08:30:00.123456Z web1 shop 4711 app.db";

fn all_of(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn datagrams_have_no_frame() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LONG)).unwrap();
    let endpoint = Endpoint::udp("127.0.0.1", server.local_addr().unwrap().port());
    log_two(FemtoSyslogHandler::builder().endpoint(endpoint).formatter(rfc5424()).build().unwrap());
    let receive = || {
        let mut buffer = [0; 1024];
        let length = server.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(receive(), format!("<134>{HEADER} [fields@32473 port=\"8080\"] \u{feff}one\\ngröße"));
    assert_eq!(receive(), format!("<131>{HEADER} - two"));
}

#[test]
fn tcp_messages_come_with_their_length_or_end_in_a_line_feed_or_a_zero() {
    let one = format!("<134>{HEADER} [fields@32473 port=\"8080\"] \u{feff}one\\ngröße");
    let two = format!("<131>{HEADER} - two");
    let python = FemtoSyslogFormatter::python;
    let rows = [
        (rfc5424(), None, format!("{} {one}{} {two}", one.len(), two.len())),
        (rfc5424(), Some(Framing::Newline), format!("{one}\n{two}\n")),
        (rfc5424().escape(false), Some(Framing::Newline), format!("{one}\n{two}\n").replace("\\n", " ")),
        (python().ident("shop: "), None, "<14>shop: one\\ngröße port=8080\0<11>shop: two\0".to_owned()),
        (python().append_nul(false), None, "26 <14>one\\ngröße port=80807 <11>two".to_owned()),
    ];
    for (formatter, framing, expected) in rows {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::tcp("localhost", server.local_addr().unwrap().port());
        let mut builder = FemtoSyslogHandler::builder().endpoint(endpoint).formatter(formatter);
        if let Some(framing) = framing {
            builder = builder.framing(framing);
        }
        let receiver = std::thread::spawn(move || all_of(server.accept().unwrap().0));
        log_two(builder.build().unwrap());
        assert_eq!(receiver.join().unwrap(), expected);
    }
}

#[test]
fn local_sockets_get_what_syslog_3_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let lines = ["<134>Mar 12 08:30:00 shop[4711]: one\\ngröße port=8080", "<131>Mar 12 08:30:00 shop[4711]: two"];

    let server = UnixDatagram::bind(&path).unwrap();
    server.set_read_timeout(Some(LONG)).unwrap();
    let builder = || FemtoSyslogHandler::builder().endpoint(Endpoint::unix_datagram(&path));
    log_two(builder().formatter(rfc3164()).build().unwrap());
    let mut buffer = [0; 1024];
    for line in lines {
        let length = server.recv(&mut buffer).unwrap();
        assert_eq!(str::from_utf8(&buffer[..length]), Ok(line));
    }
    // Without a formatter, too; with a host only if it is told one.
    log_two(builder().build().unwrap());
    let length = server.recv(&mut buffer).unwrap();
    let found = str::from_utf8(&buffer[..length]).unwrap().to_owned();
    let process = std::process::id();
    assert!(found.starts_with("<14>Mar 12 08:30:00 syslog-"), "{found}");
    assert!(found.ends_with(&format!("[{process}]: one\\ngröße port=8080")), "{found}");
    server.recv(&mut buffer).unwrap();
    log_two(builder().formatter(rfc3164().hostname("web1")).build().unwrap());
    let length = server.recv(&mut buffer).unwrap();
    assert!(buffer[..length].starts_with(b"<134>Mar 12 08:30:00 web1 shop[4711]: one"));

    let path = dir.path().join("stream");
    let server = UnixListener::bind(&path).unwrap();
    let receiver = std::thread::spawn(move || all_of(server.accept().unwrap().0));
    log_two(FemtoSyslogHandler::builder().endpoint(Endpoint::unix(&path)).formatter(rfc3164()).build().unwrap());
    assert_eq!(receiver.join().unwrap(), format!("{}\n{}\n", lines[0], lines[1]));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let error = FemtoSyslogHandler::builder().endpoint(Endpoint::tcp("", 514)).build().unwrap_err();
    assert_eq!(error.problems()[0].field, "endpoint");
}

/// rsyslog, listening on loopback and on a socket in a folder of its own, writing what it parsed as lines of JSON.
struct Rsyslog {
    dir: tempfile::TempDir,
    port: u16,
    child: Child,
    output: Output,
}

/// A file that grows, and its lines so far.
struct Output {
    reader: BufReader<File>,
    /// In bytes: the file may end within a character.
    partial: Vec<u8>,
    lines: Vec<Json>,
}

impl Output {
    fn read(&mut self) {
        while self.reader.read_until(b'\n', &mut self.partial).unwrap() > 0 && self.partial.ends_with(b"\n") {
            let line: Json = serde_json::from_slice(&self.partial).unwrap();
            if line["tag"] != "probe" {
                self.lines.push(line);
            }
            self.partial.clear();
        }
    }
}

impl Rsyslog {
    /// Starts it; `None`, and a line that says so, where it is not installed.
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Two sockets of one number, which nobody else has at the moment.
        let port = loop {
            let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                break port;
            }
        };
        let path = dir.path().display();
        let fields = ["pri", "hostname", "app-name", "syslogtag", "procid", "msgid", "protocol-version", "msg"];
        let fields = fields.map(|name| {
            let shown = if name == "syslogtag" { "tag" } else { name };
            format!(r#"property(outname="{shown}" name="{name}" format="jsonf")"#)
        });
        let config = format!(
            r#"global(workDirectory="{path}" maxMessageSize="64k")
module(load="imudp") module(load="imtcp") module(load="imuxsock" SysSock.Use="off") module(load="mmpstrucdata")
template(name="parsed" type="list" option.jsonf="on") {{
  {}
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="data" name="$!rfc5424-sd" format="jsonf")
}}
input(type="imudp" address="127.0.0.1" port="{port}")
input(type="imtcp" address="127.0.0.1" port="{port}")
input(type="imuxsock" Socket="{path}/log" RateLimit.Interval="0" IgnoreTimestamp="off" UseSysTimeStamp="off")
action(type="mmpstrucdata")
action(type="omfile" file="{path}/output" template="parsed" flushOnTXEnd="on")
"#,
            fields.join("\n  ")
        );
        std::fs::write(dir.path().join("rsyslog.conf"), config).unwrap();
        File::create_new(dir.path().join("output")).unwrap();
        let reader = BufReader::new(File::open(dir.path().join("output")).unwrap());
        let child = Self::spawn(dir.path());
        let output = Output { reader, partial: Vec::new(), lines: Vec::new() };
        let mut rsyslog = Self { dir, port, child, output };
        rsyslog.wait_until_ready();
        rsyslog
    }

    fn spawn(dir: &Path) -> Child {
        let program = ["/usr/sbin/rsyslogd", "/usr/bin/rsyslogd"].into_iter().find(|path| Path::new(path).exists());
        let program = program.unwrap_or_else(|| missing("rsyslog"));
        let config = dir.join("rsyslog.conf");
        let mut command = Command::new(program);
        command
            .args(["-n", "-i", "NONE", "-f"])
            .arg(config)
            .env("TZ", "UTC")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Waits until it listens everywhere: until it has taken a datagram, a connection, and opened its socket.
    fn wait_until_ready(&mut self) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let output = self.dir.path().join("output");
        let length = || std::fs::metadata(&output).unwrap().len();
        let before = length();
        wait_until("rsyslog listens", || {
            let _ = socket.send_to(b"<14>Mar 12 08:30:00 web1 probe ready", ("127.0.0.1", self.port));
            let connected = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            connected && self.log().exists() && length() > before
        });
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Kills it, and takes away the line that it was writing.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let output = File::options().write(true).open(self.dir.path().join("output")).unwrap();
        self.output.read();
        let Output { reader, partial, .. } = &mut self.output;
        let whole = reader.stream_position().unwrap() - partial.len() as u64;
        output.set_len(whole).unwrap();
        reader.seek(SeekFrom::Start(whole)).unwrap();
        partial.clear();
    }

    fn restart(&mut self) {
        let _ = std::fs::remove_file(self.log());
        self.child = Self::spawn(self.dir.path());
        self.wait_until_ready();
    }

    /// Waits for this many messages in all.
    fn wait_for(&mut self, messages: usize) -> &[Json] {
        let output = &mut self.output;
        wait_until("rsyslog has all messages", || {
            output.read();
            output.lines.len() >= messages
        });
        &output.lines
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const RECORDS: usize = 10_000;

fn log(logger: &FemtoLogger, n: usize) {
    info!(logger: *logger, "record {} of größe\tor more", n; n, path = "C:\\a \"b\" [c]", text = "é\n");
}

/// What rsyslog parses from these records in RFC 5424.
fn parsed_5424(n: usize) -> Json {
    json!({
        "pri": "134", "hostname": "web1", "app-name": "shop", "tag": "shop[4711]", "procid": "4711", "msgid": "app.db",
        "protocol-version": "1", "time": "-03-12T08:30:00.123456Z",
        "msg": format!("\u{feff}record {n} of größe\\tor more"),
        "data": {"fields@32473": {"n": n.to_string(), "path": "C:\\a \"b\" [c]", "text": "é\\n"}},
    })
}

/// The same in RFC 3164.
fn parsed_3164(n: usize, host: &str) -> Json {
    json!({
        "pri": "134", "hostname": host, "app-name": "shop", "tag": "shop[4711]:", "procid": "4711", "msgid": "-",
        "protocol-version": "0", "time": "-03-12T08:30:00Z", "data": null,
        "msg": format!(" record {n} of größe\\tor more n={n} path=\"C:\\\\a \\\"b\\\" [c]\" text=\"é\\n\""),
    })
}

/// Compares what arrived, in order, with what was to arrive.
fn compare(found: &[Json], expected: impl Fn(usize) -> Json) {
    assert_eq!(found.len(), RECORDS);
    for (n, found) in found.iter().enumerate() {
        let mut found = found.clone();
        let data = found["data"].take();
        found["data"] = serde_json::from_str(data.as_str().unwrap()).unwrap_or_default();
        // The format of old says no year.
        let time = found["time"].as_str().unwrap().replace("+00:00", "Z");
        found["time"] = time.find("-03-12T").map_or(&*time, |at| &time[at..]).into();
        let expected = expected(n);
        assert_eq!(found, expected);
    }
}

/// What rsyslog calls this machine.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().split('.').next().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs rsyslog"]
fn rsyslog_by_udp() {
    let mut rsyslog = Rsyslog::start();
    let endpoint = Endpoint::udp("127.0.0.1", rsyslog.port);
    let handler = FemtoSyslogHandler::builder().endpoint(endpoint).formatter(rfc5424()).build().unwrap();
    let (logging, logger) = logging(handler);
    // As many at a time as the socket's buffer surely has room for: datagrams that find none are lost.
    for block in 0..RECORDS / 50 {
        (block * 50..block * 50 + 50).for_each(|n| log(&logger, n));
        logging.flush(LONG).unwrap();
        rsyslog.wait_for((block + 1) * 50);
    }
    logging.shutdown(LONG).unwrap();
    compare(rsyslog.wait_for(RECORDS), parsed_5424);
}

#[test]
#[ignore = "needs rsyslog"]
fn rsyslog_by_tcp_in_both_framings() {
    let mut rsyslog = Rsyslog::start();
    let endpoint = || Endpoint::tcp("127.0.0.1", rsyslog.port);
    let counted = FemtoSyslogHandler::builder().endpoint(endpoint()).formatter(rfc5424()).build().unwrap();
    let lines = FemtoSyslogHandler::builder().endpoint(endpoint()).formatter(rfc3164().hostname("web1"));
    let lines = lines.framing(Framing::Newline).build().unwrap();
    let mut messages = 0;
    for handler in [counted, lines] {
        let (logging, logger) = logging(handler);
        (0..RECORDS).for_each(|n| log(&logger, n));
        logging.shutdown(LONG).unwrap();
        messages += RECORDS;
        rsyslog.wait_for(messages);
    }
    let (counted, lines) = rsyslog.wait_for(messages).split_at(RECORDS);
    compare(counted, parsed_5424);
    compare(lines, |n| parsed_3164(n, "web1"));
}

#[test]
#[ignore = "needs rsyslog"]
fn rsyslog_by_its_local_socket() {
    let mut rsyslog = Rsyslog::start();
    let endpoint = Endpoint::unix_datagram(rsyslog.log());
    let (logging, logger) =
        logging(FemtoSyslogHandler::builder().endpoint(endpoint).formatter(rfc3164()).build().unwrap());
    (0..RECORDS).for_each(|n| log(&logger, n));
    logging.shutdown(LONG).unwrap();
    compare(rsyslog.wait_for(RECORDS), |n| parsed_3164(n, &hostname()));
}

#[test]
#[ignore = "needs rsyslog"]
fn rsyslog_is_killed_and_started_again() {
    let mut rsyslog = Rsyslog::start();
    let endpoint = Endpoint::tcp("127.0.0.1", rsyslog.port);
    let handler = FemtoSyslogHandler::builder().endpoint(endpoint).formatter(rfc5424());
    let handler = handler.backoff(Duration::from_millis(1)..=Duration::from_millis(20)).build().unwrap();
    let logging = Config::builder().add_handler("syslog", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (0..4000).for_each(|n| log(&logger, n));
    rsyslog.wait_for(4000);
    rsyslog.kill();
    (4000..7000).for_each(|n| log(&logger, n));
    let metrics = || logging.metrics().handlers[0].clone();
    wait_until("the handler has noticed", || metrics().errors > 0);
    assert_eq!((metrics().written, metrics().failed), (4000, 0));
    rsyslog.restart();
    (7000..RECORDS).for_each(|n| log(&logger, n));
    logging.shutdown(LONG).unwrap();
    let found = rsyslog.wait_for(RECORDS);
    let numbers: Vec<_> = found.iter().map(|line| line["msg"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..RECORDS).map(|n| format!("\u{feff}record {n} of größe\\tor more")).collect();
    assert_eq!(numbers, expected);
}

/// Ends a thread that logs until it is told to stop, also when the test fails before it says so.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

/// What rsyslog had not read or not written when it died is lost and counts as written, for TCP has no receipts; what could not be
/// kept has failed. All else arrives once and in order.
#[test]
#[ignore = "needs rsyslog"]
fn rsyslog_is_killed_in_the_middle_of_a_burst() {
    let mut rsyslog = Rsyslog::start();
    let endpoint = Endpoint::tcp("127.0.0.1", rsyslog.port);
    let handler = FemtoSyslogHandler::builder().endpoint(endpoint).formatter(rfc5424()).overflow(OverflowPolicy::Block);
    let handler = handler.retry_buffer(1000, 1 << 20).backoff(Duration::from_millis(1)..=Duration::from_millis(20));
    let logging = Config::builder().add_handler("syslog", handler.build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    let metrics = || logging.metrics().handlers[0].clone();
    let goes_on = AtomicBool::new(true);
    let logged = std::thread::scope(|scope| {
        let burst = scope.spawn(|| {
            let blocks = (0..).take_while(|_| goes_on.load(SeqCst));
            let blocks = blocks.inspect(|block| {
                (block * 20..block * 20 + 20).for_each(|n| log(&logger, n));
                // As fast as it is read again without keeping everybody busy for long.
                std::thread::sleep(Duration::from_millis(1));
            });
            blocks.count() * 20
        });
        let logging_goes_on = StopOnDrop(&goes_on);
        rsyslog.wait_for(1000);
        rsyslog.kill();
        wait_until("some cannot be kept", || metrics().failed > 0);
        rsyslog.restart();
        let arrived = rsyslog.output.lines.len();
        rsyslog.wait_for(arrived + 1000);
        drop(logging_goes_on);
        burst.join().unwrap()
    });
    let shutdown = logging.shutdown(LONG).unwrap_err().to_string();
    assert!(shutdown.ends_with("records could not be written"), "{shutdown}");
    let number = |line: &Json| line["msg"].as_str().unwrap().split(' ').nth(1).unwrap().parse::<usize>().unwrap();
    let output = &mut rsyslog.output;
    wait_until("the last one is there", || {
        output.read();
        output.lines.last().is_some_and(|line| number(line) == logged - 1)
    });
    let found: Vec<_> = output.lines.iter().map(number).collect();
    let before = found.iter().enumerate().take_while(|(at, n)| at == *n).count();
    let after = logged - (found.len() - before);
    let expected: Vec<_> = (0..before).chain(after..logged).collect();
    assert_eq!(found, expected);
    let HandlerMetrics { written, failed, in_flight, dropped, .. } = metrics();
    assert_eq!((written + failed, in_flight, dropped.total()), (logged as u64, 0, 0));
    assert!(failed <= (after - before) as u64, "{failed} of {before}..{after}");
}
