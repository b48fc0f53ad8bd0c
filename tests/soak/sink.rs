//! Handlers of every kind, what they write to, and how that is read back.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use femtologging::handler::{
    Batch, Endpoint, FemtoFallbackHandler, FemtoHandler, FemtoHandlerExt, FemtoMemoryHandler, FemtoRotatingFileHandler,
    FemtoRouteHandler, FemtoSocketHandler, FemtoWatchedFileHandler, HandlerBuilder, HandlerSpec,
};
use femtologging::metrics::HandlerMetrics;
use femtologging::policy::{FlushPolicy, OverflowPolicy, Transport};
use femtologging::{Error, FemtoFileHandler, FemtoLogRecord, FemtoStreamHandler, Level, LevelFilter};

use super::random::Random;
use super::record::{Format, read_drop_report};

/// A handler's destination.
pub struct Sink {
    pub name: String,
    /// The kind and the settings, for whoever reads a failure.
    pub description: String,
    /// The file that somebody else may rename, if there is one.
    pub watched: Option<PathBuf>,
    /// Whether callers deliver their records themselves, also those in a child of `fork`.
    pub is_inline: bool,
    level: Level,
    format: Format,
    blocks: bool,
    streams: Vec<Stream>,
    faults: Faults,
}

/// A place that receives records in order.
enum Stream {
    /// A file and its backups, `.1` the newest.
    File(PathBuf),
    Memory(Arc<Mutex<Vec<u8>>>),
    /// What a peer received.
    Peer(SocketAddr, JoinHandle<Vec<u8>>),
}

/// What may happen to a record besides being written once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Faults {
    None,
    /// It may be cut, which counts it as failed.
    Failed,
    /// It may be cut, and is then written whole by another handler.
    Repeated,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    File,
    Rotating,
    Watched,
    Faulty,
    Own,
    Memory,
    Fallback,
    Route,
    Socket,
}

impl Kind {
    const ALL: [Kind; 9] = [
        Kind::File,
        Kind::Rotating,
        Kind::Watched,
        Kind::Faulty,
        Kind::Own,
        Kind::Memory,
        Kind::Fallback,
        Kind::Route,
        Kind::Socket,
    ];
}

/// The settings that every handler has.
#[derive(Clone, Copy, Debug)]
struct Queue {
    level: Level,
    transport: Transport,
    overflow: OverflowPolicy,
}

impl Queue {
    fn random(random: &mut Random) -> Self {
        let wait = OverflowPolicy::BlockFor(Duration::from_millis(1));
        let mut policies = vec![OverflowPolicy::Block, OverflowPolicy::Block, wait, OverflowPolicy::DropNewest];
        let transport = if random.one_in(5) {
            // Without a queue, callers wait.
            policies.truncate(1);
            Transport::Inline
        } else if random.one_in(3) {
            policies.push(OverflowPolicy::DropOldest);
            Transport::Shared { capacity: Some(1 << random.below(0..12)) }
        } else {
            Transport::PerThread { bytes: 1 << random.below(10..19) }
        };
        let level = random.pick(&[Level::Info, Level::Info, Level::Warn]);
        Self { level, transport, overflow: random.pick(&policies) }
    }

    fn set<O>(self, builder: HandlerBuilder<O>) -> HandlerBuilder<O> {
        let builder = builder.level(self.level).transport(self.transport);
        if self.is_inline() { builder } else { builder.overflow(self.overflow) }
    }

    fn is_inline(self) -> bool {
        self.transport == Transport::Inline
    }
}

impl Sink {
    /// Makes a handler of a random kind, whose files are in a folder of its own.
    pub fn random(name: &str, dir: &Path, random: &mut Random) -> (Self, HandlerSpec) {
        let (kind, format, mut queue) = (random.pick(&Kind::ALL), random.pick(&Format::ALL), Queue::random(random));
        let mut flush = random.pick(&[
            FlushPolicy::EveryBatch,
            FlushPolicy::AtLevel(Level::Error),
            FlushPolicy::Every(Duration::from_millis(3)),
        ]);
        match kind {
            // It needs a thread.
            Kind::Socket if queue.is_inline() => queue.transport = Transport::default(),
            _ if queue.is_inline() => flush = FlushPolicy::EveryBatch,
            _ => {}
        }
        let folder = dir.join(name);
        std::fs::create_dir(&folder).unwrap();
        let (path, severe) = (folder.join("log"), folder.join("severe"));
        let text = Arc::new(Mutex::new(Vec::new()));
        let formatter = || {
            let mut formatter = format.formatter();
            move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| formatter.format(record, out)
        };
        let file = |path| FemtoFileHandler::builder().path(path).flush_policy(flush).formatter(formatter());
        let faulty = |random: &mut Random| {
            let writer = Faulty { text: text.clone(), random: random.fork() };
            FemtoStreamHandler::builder(writer).formatter(formatter())
        };
        let first = Stream::Memory(text.clone());
        let in_file = |path: &PathBuf| Stream::File(path.clone());
        let (handler, streams, faults) = match kind {
            Kind::File => (queue.set(file(&path)).build(), vec![in_file(&path)], Faults::None),
            Kind::Rotating => {
                let rotating = FemtoRotatingFileHandler::builder()
                    .path(&path)
                    // A rollover renames every backup, so there must not be thousands of them.
                    .max_bytes(random.below(20_000..200_000))
                    .backup_count(1_000_000)
                    .flush_policy(flush)
                    .formatter(formatter());
                #[cfg(feature = "gzip")]
                let rotating = rotating.compress(random.one_in(2));
                (queue.set(rotating).build(), vec![in_file(&path)], Faults::None)
            }
            Kind::Watched => {
                let watched = FemtoWatchedFileHandler::builder().path(&path).flush_policy(flush).formatter(formatter());
                (queue.set(watched).build(), vec![in_file(&path)], Faults::None)
            }
            Kind::Faulty => (queue.set(faulty(random)).build(), vec![first], Faults::Failed),
            Kind::Own => {
                let own = Own { text: text.clone(), formatter: format.formatter(), random: random.fork() };
                (queue.set(own.configure()).build(), vec![first], Faults::Failed)
            }
            Kind::Memory => {
                let capacity = random.below(1..500) as usize;
                let memory = FemtoMemoryHandler::builder(file(&path).build().unwrap()).capacity(capacity);
                (queue.set(memory).build(), vec![in_file(&path)], Faults::None)
            }
            Kind::Fallback => {
                let (broken, sound) = (faulty(random).build().unwrap(), file(&path).build().unwrap());
                let fallback = FemtoFallbackHandler::builder(broken, sound);
                (queue.set(fallback).build(), vec![first, in_file(&path)], Faults::Repeated)
            }
            Kind::Route => {
                let route = FemtoRouteHandler::builder()
                    .route(LevelFilter::Error, file(&severe).build().unwrap())
                    .otherwise(file(&path).build().unwrap());
                (queue.set(route).build(), vec![in_file(&severe), in_file(&path)], Faults::None)
            }
            Kind::Socket => {
                let (address, received) = receiver();
                let endpoint = Endpoint::tcp(address.ip().to_string(), address.port());
                let socket = FemtoSocketHandler::builder().endpoint(endpoint).formatter(formatter());
                (queue.set(socket).build(), vec![Stream::Peer(address, received)], Faults::None)
            }
        };
        let sink = Self {
            name: name.to_owned(),
            description: format!("{name}: {kind:?} {format:?} {queue:?} {flush:?}"),
            watched: matches!(kind, Kind::Watched).then(|| path.clone()),
            is_inline: queue.is_inline(),
            level: queue.level,
            format,
            blocks: queue.overflow == OverflowPolicy::Block,
            streams,
            faults,
        };
        (sink, handler.unwrap())
    }

    /// Compares what was logged, `logged` records of each level, with the counters and with what was written.
    pub fn check(self, logged: &HashMap<Level, u64>, metrics: &HandlerMetrics, closed_early: bool) {
        let expected: u64 = logged.iter().filter(|(level, _)| **level >= self.level).map(|(_, count)| count).sum();
        let HandlerMetrics { emitted, written, failed, in_flight, ref dropped, .. } = *metrics;
        assert_eq!((emitted, in_flight), (expected, 0), "{metrics:?}");
        assert_eq!(emitted, written + failed + dropped.total(), "{metrics:?}");
        if self.blocks && !closed_early {
            assert_eq!(dropped.total(), 0, "{metrics:?}");
        }
        let mut seen = HashSet::new();
        let (mut whole, mut torn, mut reported) = (0, 0, 0);
        for stream in self.streams {
            let mut last = HashMap::new();
            for line in stream.lines() {
                let Some(record) = self.format.read(&line) else {
                    match read_drop_report(&line) {
                        Some(count) => reported += count,
                        None => torn += u64::from(!line.is_empty()),
                    }
                    assert!(line.matches("soak ").count() <= 1, "two records in one line: {line}");
                    continue;
                };
                let earlier = last.insert(record.thread, record.number);
                assert!(earlier.is_none_or(|earlier| earlier < record.number), "{record:?} after {earlier:?}");
                assert!(record.level() >= self.level, "{record:?}");
                seen.insert(record);
                whole += 1;
            }
        }
        let unique = seen.len() as u64;
        // A report that the first handler wrote in part comes again from the second one.
        let repeated = self.faults == Faults::Repeated;
        assert!(repeated || reported <= dropped.total(), "{reported} reported, {metrics:?}");
        match self.faults {
            Faults::None => assert_eq!((unique, whole, torn, failed), (written, written, 0, 0), "{metrics:?}"),
            Faults::Failed => {
                assert_eq!(unique, whole);
                // A record that was cut right before its line's end can be read, and has failed.
                assert!((written..=written + failed).contains(&unique), "{unique} whole, {metrics:?}");
            }
            Faults::Repeated => assert_eq!((unique, failed), (written, 0), "{metrics:?}"),
        }
    }
}

impl Stream {
    fn lines(self) -> Vec<String> {
        let bytes = match self {
            Stream::File(path) => read_with_backups(&path),
            Stream::Memory(text) => text.lock().unwrap().clone(),
            Stream::Peer(address, received) => {
                // A handler that got no record did not connect, and the peer waits for somebody.
                drop(TcpStream::connect(address));
                received.join().unwrap()
            }
        };
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

/// Reads a file's backups, the highest number first, and then the file.
pub fn read_with_backups(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = entry.unwrap().path();
        let Some(suffix) = file.file_name().unwrap().to_str().unwrap().strip_prefix(name) else { continue };
        let number = suffix.trim_start_matches('.').trim_end_matches(".gz");
        if let Ok(number) = if number.is_empty() { Ok(0) } else { number.parse::<u64>() } {
            files.push((number, file));
        }
    }
    files.sort();
    assert!(files.windows(2).all(|pair| pair[0].0 != pair[1].0), "two files of one number: {files:?}");
    let mut bytes = Vec::new();
    for (_, file) in files.iter().rev() {
        let reader = std::fs::File::open(file).unwrap();
        #[cfg(feature = "gzip")]
        if file.extension().is_some_and(|extension| extension == "gz") {
            flate2::read::MultiGzDecoder::new(reader).read_to_end(&mut bytes).unwrap();
            end_line(&mut bytes);
            continue;
        }
        BufReader::new(reader).read_to_end(&mut bytes).unwrap();
        end_line(&mut bytes);
    }
    bytes
}

/// Ends a line that a killed process left half written at the end of its file.
fn end_line(bytes: &mut Vec<u8>) {
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
}

/// Starts a peer that takes one connection and reads it to its end.
fn receiver() -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let received = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        BufReader::new(stream).read_to_end(&mut bytes).unwrap();
        bytes
    });
    (address, received)
}

/// A writer that takes less than it is given, fails or panics now and then.
struct Faulty {
    text: Arc<Mutex<Vec<u8>>>,
    random: Random,
}

impl Write for Faulty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = match self.random.below(0..60) {
            0 => return Err(io::ErrorKind::Interrupted.into()),
            1 => return Err(io::ErrorKind::StorageFull.into()),
            2 => return Ok(0),
            3 => panic!("a writer's panic"),
            4..30 => self.random.below(0..bytes.len() as u64) as usize + 1,
            _ => bytes.len(),
        };
        let mut text = self.text.lock().unwrap();
        text.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A handler of a user's own that writes in `handle`, and fails or panics now and then.
struct Own {
    text: Arc<Mutex<Vec<u8>>>,
    formatter: Box<dyn femtologging::formatter::FemtoFormatter>,
    random: Random,
}

impl FemtoHandler for Own {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        match self.random.below(0..100) {
            0 => panic!("a handler's panic"),
            1 => return Err(Error::from(io::Error::other("a handler's error"))),
            _ => {}
        }
        let mut text = self.text.lock().unwrap();
        self.formatter.format(record, &mut text);
        text.push(b'\n');
        Ok(())
    }
}
