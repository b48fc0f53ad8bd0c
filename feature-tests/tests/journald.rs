//! The journal's handler: what it sends, and what `journalctl` makes of it.
#![cfg(all(feature = "journald", target_os = "linux"))]

mod common;

use std::fs::File;
use std::io::{IoSliceMut, Read, Seek, SeekFrom, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{LONG, TIME, clock, missing, wait_until};
use femtologging::handler::FemtoJournaldHandler;
use femtologging::time::Clock;
use femtologging::{Config, FemtoLogger, Level, Logging, critical, info, trace};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::Value as Json;

/// The journal's end of the socket.
struct Journal {
    dir: tempfile::TempDir,
    socket: UnixDatagram,
}

impl Journal {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(dir.path().join("socket")).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Self { dir, socket }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("socket")
    }

    /// Receives an entry, and says whether it came as a file.
    fn receive(&self) -> (Vec<u8>, bool) {
        let mut buffer = vec![0; 1 << 20];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received =
            recvmsg(&self.socket, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
        let file = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        buffer.truncate(received.bytes);
        let Some(file) = file else { return (buffer, false) };
        let mut file = File::from(file);
        // Sealed: nobody can change it any more.
        assert!(file.write_all(b"x").is_err());
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut buffer).unwrap();
        (buffer, true)
    }
}

fn logging(path: &Path) -> (Logging, FemtoLogger) {
    let handler = FemtoJournaldHandler::builder().socket(path).identifier("shop").field("shop.version", "1.2");
    let config = Config::builder().default_level(Level::Trace).clock(Clock::manual(&clock()));
    let logging = config.add_handler("journal", handler.build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    (logging, logger)
}

/// Runs `log` in a thread `main`, as its name is part of an entry.
fn in_main(logger: FemtoLogger, log: impl FnOnce(FemtoLogger) + Send + 'static) {
    std::thread::Builder::new().name("main".into()).spawn(move || log(logger)).unwrap().join().unwrap();
}

fn nanos() -> String {
    TIME.replace('Z', "000Z")
}

const LINE: u32 = line!() + 7;

#[test]
fn entries_byte_by_byte() {
    let journal = Journal::new();
    let (logging, logger) = logging(&journal.path());
    in_main(logger, |logger| {
        critical!(logger: logger, "two\n{}", "lines"; http.status = 500, text = "a=b\n", priority = 1);
        trace!(logger: logger, "größe");
    });
    let own = |level: &str, line: u32| {
        format!(
            "LEVEL={level}\nLOGGER=app.db\nTIMESTAMP={}\nTHREAD_NAME=main\nCODE_FILE=feature-tests/tests/journald.rs\nCODE_LINE={line}\n\
             CODE_FUNC=journald::entries_byte_by_byte\nCODE_MODULE=journald\nSYSLOG_IDENTIFIER=shop\nSHOP_VERSION=1.2\n",
            nanos()
        )
    };
    let first = format!(
        "MESSAGE\n\u{9}\0\0\0\0\0\0\0two\nlines\nPRIORITY=2\n{}HTTP_STATUS=500\nTEXT\n\u{4}\0\0\0\0\0\0\0a=b\n\nPRIORITY_=1\n",
        own("CRITICAL", LINE)
    );
    let second = format!("MESSAGE=größe\nPRIORITY=7\n{}", own("TRACE", LINE + 1));
    for expected in [first, second] {
        let (found, in_file) = journal.receive();
        assert_eq!((String::from_utf8(found).unwrap(), in_file), (expected, false));
    }
    logging.shutdown(LONG).unwrap();
}

#[test]
fn what_no_datagram_holds_comes_as_a_sealed_file() {
    let journal = Journal::new();
    let (logging, logger) = logging(&journal.path());
    let large = "é\n".repeat(300_000);
    let message = large.clone();
    in_main(logger, move |logger| {
        info!(logger: logger, "{}", message);
        info!(logger: logger, "small again");
    });
    let (entry, in_file) = journal.receive();
    assert!(in_file);
    let head = b"MESSAGE\n\xa0\xbb\x0d\0\0\0\0\0";
    assert_eq!(entry[..head.len()], *head);
    assert!(entry[head.len()..].starts_with(large.as_bytes()));
    assert!(entry[head.len() + large.len()..].starts_with(b"\nPRIORITY=6\n"));
    let (entry, in_file) = journal.receive();
    assert!(!in_file && entry.starts_with(b"MESSAGE=small again\n"));
    logging.shutdown(LONG).unwrap();
    let metrics = logging.metrics().handlers[0].clone();
    assert_eq!((metrics.written, metrics.failed), (2, 0));
}

#[test]
fn a_journal_that_comes_back_gets_what_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let handler = FemtoJournaldHandler::builder().socket(&path).retry_buffer(3, 1 << 20).build().unwrap();
    let logging = Config::builder().add_handler("journal", handler).build().unwrap();
    let logger = logging.get_logger("app.db").unwrap();
    for n in 0..5 {
        info!(logger: logger, "{}", n);
    }
    let metrics = || logging.metrics().handlers[0].clone();
    wait_until("two are given up", || metrics().failed == 2);
    assert_eq!((metrics().written, metrics().in_flight), (0, 3));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let error = logging.shutdown(LONG).unwrap_err().to_string();
    assert_eq!(error, "`handlers.journal`: 2 records could not be written");
    for n in 2..5 {
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(format!("MESSAGE={n}\n").as_bytes()));
    }
    assert_eq!((metrics().written, metrics().failed), (3, 2));
}

#[test]
fn a_socket_without_a_path_is_refused() {
    let error = FemtoJournaldHandler::builder().socket("").build().unwrap_err();
    assert_eq!(error.problems()[0].field, "socket");
}

const RECORDS: usize = 10_000;

/// The entries go into a journal file, as what one journal exports to another, and `journalctl` reads it.
#[test]
#[ignore = "needs systemd-journal-remote"]
fn journalctl_reads_all_of_them() {
    let remote = ["/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote"];
    let remote = remote.into_iter().find(|path| Path::new(path).exists());
    let remote = remote.unwrap_or_else(|| missing("systemd-journal-remote"));
    let journal = Journal::new();
    let file = journal.dir.path().join("shop.journal");
    let mut import = Command::new(remote);
    import.arg("--output").arg(&file).args(["--split-mode=none", "--compress=no", "-"]);
    let mut import = import.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (logging, logger) = logging(&journal.path());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut input = import.stdin.take().unwrap();
            for n in 0..RECORDS {
                let times = format!("__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={n}\n", 1_773_304_200_000_000 + n);
                let boot = "_BOOT_ID=00000000000000000000000000000001\n";
                let entry = journal.receive().0;
                input.write_all(&[times.as_bytes(), boot.as_bytes(), &entry, b"\n"].concat()).unwrap();
            }
        });
        in_main(logger, |logger| {
            for n in 0..RECORDS {
                info!(logger: logger, "record {} of größe\nor more\0", n; n, http.path = "C:\\a \"b\"", text = "é\n", none = None::<u8>);
            }
        });
        logging.shutdown(LONG).unwrap();
    });
    let output = import.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let output = Command::new("journalctl").args(["--all", "--output=json", "--file"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), RECORDS);
    for (n, line) in lines.lines().enumerate() {
        let entry: Json = serde_json::from_str(line).unwrap();
        let expected = [
            ("MESSAGE", format!("record {n} of größe\nor more\0")),
            ("PRIORITY", "6".to_owned()),
            ("LEVEL", "INFO".to_owned()),
            ("LOGGER", "app.db".to_owned()),
            ("TIMESTAMP", nanos()),
            ("THREAD_NAME", "main".to_owned()),
            ("CODE_FILE", "feature-tests/tests/journald.rs".to_owned()),
            ("CODE_MODULE", "journald".to_owned()),
            ("SYSLOG_IDENTIFIER", "shop".to_owned()),
            ("SHOP_VERSION", "1.2".to_owned()),
            ("N", n.to_string()),
            ("HTTP_PATH", "C:\\a \"b\"".to_owned()),
            ("TEXT", "é\n".to_owned()),
            ("NONE", "null".to_owned()),
        ];
        for (field, value) in expected {
            assert_eq!(text(&entry[field]), value, "{field} of {n}");
        }
    }
}

/// A field's value: `journalctl` shows one with control characters as a list of bytes.
fn text(value: &Json) -> String {
    let bytes = value.as_array().map(|bytes| bytes.iter().map(|byte| byte.as_u64().unwrap() as u8).collect());
    bytes.map_or_else(|| value.as_str().unwrap().to_owned(), |bytes| String::from_utf8(bytes).unwrap())
}
