//! Processes that share a path, one step at a time: every order of their calls, and their end at any of them.
//!
//! Every process is a thread that logs and, with the feature `gzip`, one that compresses: the handlers' own code. Each
//! call of the file system is a step, for which a thread waits until it is its turn. Whose turn it is, which process is
//! killed and when the next one starts comes out of a seed; so does the rest, as only one thread ever runs. At the end
//! a last process starts, and then every line that was written must be there, once and in order.
//!
//! The file system is one in memory, whose inodes are used again at once and whose clock is coarse, or a real
//! directory.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::backups::Backups;
use super::tests::{Builder, Rig, START, unzip};
#[cfg(feature = "gzip")]
use crate::handler::disk::ReadFile;
use crate::handler::disk::{AppendFile, Disk, FileId, FileMetadata, FileSystem, Lock, OpenFile};
use crate::handler::file::FileHooks;
use crate::time::Timestamp;

/// A generator of numbers that are the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

thread_local! {
    /// The number of this thread among those that take turns.
    static SELF: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Whose turn it is.
#[derive(Default)]
struct Schedule {
    state: Mutex<ScheduleState>,
    changed: Condvar,
}

#[derive(Default)]
struct ScheduleState {
    /// The process of every thread, and whether the thread has ended.
    threads: Vec<(usize, bool)>,
    running: Option<usize>,
    killed: BTreeSet<usize>,
    /// The threads whose next step is a write.
    writing: BTreeSet<usize>,
}

impl Schedule {
    /// Waits for this thread's turn. Returns whether its process lives.
    fn step(&self, process: usize) -> bool {
        let mut state = self.state.lock().unwrap();
        let Some(thread) = SELF.get() else { return true };
        if !state.killed.contains(&process) {
            state.running = None;
            self.changed.notify_all();
            state = self.changed.wait_while(state, |state| state.running != Some(thread)).unwrap();
        }
        !state.killed.contains(&process)
    }

    /// Says whether this thread's next step is a write. Returns whether no other thread's is.
    fn set_writing(&self, is_writing: bool) -> bool {
        let mut state = self.state.lock().unwrap();
        let Some(thread) = SELF.get() else { return true };
        state.writing.remove(&thread);
        let is_alone = state.writing.is_empty();
        state.writing.extend(is_writing.then_some(thread));
        is_alone
    }

    fn is_killed(&self, process: usize) -> bool {
        self.state.lock().unwrap().killed.contains(&process)
    }

    fn spawn(self: &Arc<Self>, process: usize, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        let mut state = self.state.lock().unwrap();
        let thread = state.threads.len();
        state.threads.push((process, false));
        drop(state);
        let schedule = self.clone();
        std::thread::spawn(move || {
            SELF.set(Some(thread));
            let _ended = Ended(schedule.clone(), thread);
            let state = schedule.state.lock().unwrap();
            drop(schedule.changed.wait_while(state, |state| state.running != Some(thread)).unwrap());
            run();
        })
    }

    /// Lets a thread run until its next step or its end.
    fn run(&self, thread: usize) {
        let mut state = self.state.lock().unwrap();
        state.running = Some(thread);
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| state.running.is_some()).unwrap());
    }

    /// The threads that have not ended, and their processes.
    fn threads(&self) -> Vec<(usize, usize)> {
        let state = self.state.lock().unwrap();
        let threads = state.threads.iter().enumerate().filter(|(_, (_, ended))| !ended);
        threads.map(|(thread, (process, _))| (thread, *process)).collect()
    }

    /// Kills a process: what its threads ask of the file system from now on is not done.
    fn kill(&self, process: usize) {
        self.state.lock().unwrap().killed.insert(process);
        for (thread, _) in self.threads().into_iter().filter(|(_, of)| *of == process) {
            self.run(thread);
        }
    }
}

/// Says that a thread has ended, however that came about.
struct Ended(Arc<Schedule>, usize);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.threads[self.1].1 = true;
        state.running = None;
        self.0.changed.notify_all();
    }
}

/// A file system as one process sees it, which waits for its turn before each call.
#[derive(Clone)]
struct Stepped {
    fs: Arc<dyn FileSystem>,
    schedule: Arc<Schedule>,
    process: usize,
}

impl Stepped {
    fn step(&self) -> io::Result<()> {
        assert!(!crate::sync::holds_lock(), "a fork waits for the disk");
        if self.schedule.step(self.process) { Ok(()) } else { Err(io::Error::other("the process was killed")) }
    }

    fn wrap<T>(&self, file: T) -> SteppedFile<T> {
        SteppedFile { file, of: self.clone() }
    }
}

impl FileSystem for Stepped {
    fn append(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        self.step()?;
        Ok(Box::new(self.wrap(self.fs.append(path, permissions)?)))
    }

    fn append_plain(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        self.step()?;
        Ok(Box::new(self.wrap(self.fs.append_plain(path, permissions)?)))
    }

    #[cfg(feature = "gzip")]
    fn create(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        self.step()?;
        Ok(Box::new(self.wrap(self.fs.create(path, permissions)?)))
    }

    #[cfg(feature = "gzip")]
    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.step()?;
        Ok(Box::new(self.wrap(self.fs.read(path)?)))
    }

    fn last_byte(&self, path: &Path, id: FileId) -> io::Result<Option<u8>> {
        self.step()?;
        self.fs.last_byte(path, id)
    }

    fn truncate(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.fs.truncate(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.step()?;
        self.fs.metadata(path)
    }

    fn entry(&self, path: &Path) -> io::Result<FileMetadata> {
        self.step()?;
        self.fs.entry(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        self.fs.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        self.fs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.fs.remove(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.step()?;
        self.fs.list(directory)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.step()?;
        self.fs.read_link(path)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.step()?;
        self.fs.symlink(target, link)
    }

    fn create_dirs(&self, directory: &Path) -> io::Result<()> {
        self.step()?;
        self.fs.create_dirs(directory)
    }

    fn pause(&self, _: Duration) {
        let _ = self.step();
    }
}

struct SteppedFile<T> {
    file: T,
    of: Stepped,
}

impl<F: OpenFile + ?Sized> OpenFile for SteppedFile<Box<F>> {
    fn metadata(&self) -> io::Result<FileMetadata> {
        self.of.step()?;
        self.file.metadata()
    }

    fn try_lock(&self, lock: Lock) -> bool {
        self.of.step().is_ok() && self.file.try_lock(lock)
    }
}

#[cfg(feature = "gzip")]
impl io::Read for SteppedFile<Box<dyn ReadFile>> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.of.step()?;
        self.file.read(buffer)
    }
}

#[cfg(feature = "gzip")]
impl ReadFile for SteppedFile<Box<dyn ReadFile>> {}

impl Write for SteppedFile<Box<dyn AppendFile>> {
    /// A process that is killed within a write leaves half of the text, unless another is about to write: what that one
    /// finds at the end of the file it has looked at already.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let was_killed = self.of.schedule.is_killed(self.of.process);
        self.of.schedule.set_writing(true);
        let step = self.of.step();
        let is_alone = self.of.schedule.set_writing(false);
        match step {
            Ok(()) => self.file.write(bytes),
            Err(error) => {
                if is_alone && !was_killed {
                    self.file.write_all(&bytes[..bytes.len() / 2])?;
                }
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl AppendFile for SteppedFile<Box<dyn AppendFile>> {
    fn sync(&self) -> io::Result<()> {
        self.of.step()?;
        self.file.sync()
    }

    #[cfg(feature = "gzip")]
    fn set_modified(&self, time: Timestamp) -> io::Result<()> {
        self.of.step()?;
        self.file.set_modified(time)
    }
}

/// A directory in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Inodes>>);

#[derive(Default)]
struct Inodes {
    has_links: bool,
    names: BTreeMap<OsString, u64>,
    files: BTreeMap<u64, Inode>,
    changes: i64,
}

#[derive(Default)]
struct Inode {
    text: Vec<u8>,
    modified: Timestamp,
    opened: usize,
    locks: Vec<Lock>,
}

/// How many changes the clock of the file system takes for one.
const TICK: i64 = 20;

impl Inodes {
    fn find(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path.file_name().unwrap()).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn now(&mut self) -> Timestamp {
        self.changes += 1;
        Timestamp::from_nanos(self.changes / TICK)
    }

    /// Creates a file, with the first number that no other file has.
    fn create(&mut self, path: &Path) -> u64 {
        let inode = (1..).find(|inode| !self.files.contains_key(inode)).unwrap();
        let modified = self.now();
        self.files.insert(inode, Inode { modified, ..Inode::default() });
        self.names.insert(path.file_name().unwrap().to_owned(), inode);
        inode
    }

    fn names_of(&self, inode: u64) -> u64 {
        self.names.values().filter(|of| **of == inode).count() as u64
    }

    /// Lets go of files without a name that nobody has open.
    fn collect(&mut self) {
        let named: BTreeSet<_> = self.names.values().copied().collect();
        self.files.retain(|inode, file| file.opened > 0 || named.contains(inode));
    }

    fn metadata(&self, inode: u64) -> FileMetadata {
        let file = &self.files[&inode];
        FileMetadata {
            is_file: true,
            len: file.text.len() as u64,
            modified: file.modified,
            created: file.modified,
            id: FileId(0, inode),
            names: self.names_of(inode),
            ..FileMetadata::default()
        }
    }
}

impl Memory {
    fn open(&self, find: impl FnOnce(&mut Inodes) -> io::Result<u64>) -> io::Result<MemoryFile> {
        let mut inodes = self.0.lock().unwrap();
        let inode = find(&mut inodes)?;
        inodes.files.get_mut(&inode).unwrap().opened += 1;
        Ok(MemoryFile { memory: self.clone(), inode, lock: Cell::new(None), place: 0 })
    }
}

impl FileSystem for Memory {
    fn append(&self, path: &Path, _: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        let file = self.open(|inodes| inodes.find(path).or_else(|_| Ok(inodes.create(path))))?;
        Ok(Box::new(file))
    }

    fn append_plain(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        self.append(path, permissions)
    }

    #[cfg(feature = "gzip")]
    fn create(&self, path: &Path, _: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        let file = self.open(|inodes| match inodes.find(path) {
            Ok(_) => Err(ErrorKind::AlreadyExists.into()),
            Err(_) => Ok(inodes.create(path)),
        })?;
        Ok(Box::new(file))
    }

    #[cfg(feature = "gzip")]
    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        Ok(Box::new(self.open(|inodes| inodes.find(path))?))
    }

    fn last_byte(&self, path: &Path, id: FileId) -> io::Result<Option<u8>> {
        let inodes = self.0.lock().unwrap();
        let inode = inodes.find(path)?;
        Ok(inodes.files[&inode].text.last().copied().filter(|_| id == FileId(0, inode)))
    }

    fn truncate(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        if path == Path::new("/") {
            return Ok(FileMetadata::default());
        }
        self.entry(path)
    }

    fn entry(&self, path: &Path) -> io::Result<FileMetadata> {
        let inodes = self.0.lock().unwrap();
        inodes.find(path).map(|inode| inodes.metadata(inode))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inodes = self.0.lock().unwrap();
        if !inodes.has_links {
            return Err(ErrorKind::Unsupported.into());
        }
        let inode = inodes.find(from)?;
        if inodes.find(to).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        inodes.names.insert(to.file_name().unwrap().to_owned(), inode);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inodes = self.0.lock().unwrap();
        let inode = inodes.find(from)?;
        inodes.names.remove(from.file_name().unwrap());
        inodes.names.insert(to.file_name().unwrap().to_owned(), inode);
        inodes.collect();
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inodes = self.0.lock().unwrap();
        inodes.find(path)?;
        inodes.names.remove(path.file_name().unwrap());
        inodes.collect();
        Ok(())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Ok(self.0.lock().unwrap().names.keys().cloned().collect())
    }

    fn read_link(&self, _: &Path) -> io::Result<PathBuf> {
        Err(ErrorKind::InvalidInput.into())
    }

    fn symlink(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn create_dirs(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn pause(&self, _: Duration) {}
}

struct MemoryFile {
    memory: Memory,
    inode: u64,
    lock: Cell<Option<Lock>>,
    #[cfg_attr(not(feature = "gzip"), expect(dead_code, reason = "nobody reads"))]
    place: usize,
}

impl MemoryFile {
    fn with<R>(&self, act: impl FnOnce(&mut Inode) -> R) -> R {
        act(self.memory.0.lock().unwrap().files.get_mut(&self.inode).unwrap())
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.with(|file| {
            file.opened -= 1;
            if let Some(at) = file.locks.iter().position(|lock| Some(*lock) == self.lock.get()) {
                file.locks.remove(at);
            }
        });
        self.memory.0.lock().unwrap().collect();
    }
}

impl OpenFile for MemoryFile {
    fn metadata(&self) -> io::Result<FileMetadata> {
        Ok(self.memory.0.lock().unwrap().metadata(self.inode))
    }

    fn try_lock(&self, lock: Lock) -> bool {
        assert_eq!(self.lock.get(), None);
        let is_free = self.with(|file| {
            let is_free = file.locks.iter().all(|other| *other == Lock::Shared && lock == Lock::Shared);
            file.locks.extend(is_free.then_some(lock));
            is_free
        });
        self.lock.set(is_free.then_some(lock));
        is_free
    }
}

#[cfg(feature = "gzip")]
impl io::Read for MemoryFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let place = self.place;
        // A few bytes at a time, so that others have their turns.
        let read = self.with(|file| {
            let rest = &file.text[place..];
            let read = rest.len().min(buffer.len()).min(16);
            buffer[..read].copy_from_slice(&rest[..read]);
            read
        });
        self.place += read;
        Ok(read)
    }
}

#[cfg(feature = "gzip")]
impl ReadFile for MemoryFile {}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = self.memory.0.lock().unwrap().now();
        self.with(|file| {
            file.text.extend_from_slice(bytes);
            file.modified = now;
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AppendFile for MemoryFile {
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(feature = "gzip")]
    fn set_modified(&self, time: Timestamp) -> io::Result<()> {
        self.with(|file| file.modified = time);
        Ok(())
    }
}

/// How the processes of a run rotate.
#[derive(Clone, Copy, Debug)]
struct RunSettings {
    is_numbered: bool,
    count: u32,
}

impl RunSettings {
    fn apply(self, builder: Builder, max_bytes: u64) -> Builder {
        let builder = builder.max_bytes(max_bytes).backup_count(self.count);
        if self.is_numbered { builder } else { builder.namer("app.{n}.log") }
    }
}

/// The lines that each process was told are written, and what it reported.
type Promises = Arc<Mutex<BTreeMap<usize, (Vec<u32>, Vec<String>)>>>;

/// What a process logs: lines with its number, a few at a time.
fn log(mut rig: Rig, process: usize, mut random: Random, is_killed: impl Fn() -> bool, promises: &Promises) {
    rig = rig.start(START);
    let mut next = 0;
    let mut pending = Vec::new();
    for _ in 0..random.below(14) {
        for _ in 0..=random.below(3) {
            rig.log(START, &format!("<{process}:{next:03}>"));
            pending.push(next);
            next += 1;
        }
        let before = rig.written;
        let _ = rig.deliver();
        let written = (rig.written - before) as usize;
        let mut promises = promises.lock().unwrap();
        promises.entry(process).or_default().0.extend(pending.drain(..).take(written));
        drop(promises);
        if is_killed() {
            return;
        }
        if random.one_in(5) {
            rig.tick(START);
        }
    }
    let _ = rig.target.close();
    if !is_killed() {
        promises.lock().unwrap().entry(process).or_default().1 = rig.errors;
    }
}

/// Starts a process. A thread that panics ends the run when it is joined.
fn start(
    stepped: Stepped,
    path: &Path,
    layout: RunSettings,
    random: &mut Random,
    promises: &Promises,
    threads: &mut Vec<JoinHandle<()>>,
) {
    let Stepped { schedule, process, .. } = stepped.clone();
    // One that does not roll over itself writes to backups until it notices.
    let max_bytes = if random.one_in(3) { 1_000 } else { 24 };
    let rig = Rig::on(Arc::new(stepped), path, |builder| layout.apply(builder, max_bytes)).unwrap();
    let backups = rig.target.backups.clone();
    let (own, promises) = (Random(random.0 ^ process as u64), promises.clone());
    let is_killed = {
        let schedule = schedule.clone();
        move || schedule.is_killed(process)
    };
    let stopped = is_killed.clone();
    threads.push(schedule.spawn(process, move || log(rig, process, own, is_killed, &promises)));
    let sweeps = random.below(12);
    threads.push(schedule.spawn(process, move || compress(&backups, sweeps, &stopped)));
}

#[cfg(feature = "gzip")]
fn compress(backups: &Backups, sweeps: usize, stopped: &dyn Fn() -> bool) {
    for _ in 0..sweeps {
        if let Err(error) = super::gzip::sweep(backups, stopped) {
            assert!(stopped() || error.to_string().ends_with("did not finish in time"), "{error}");
        }
        backups.fs.pause(Duration::ZERO);
    }
}

#[cfg(not(feature = "gzip"))]
fn compress(_: &Backups, _: usize, _: &dyn Fn() -> bool) {}

/// Runs a few processes, at most two at a time. `read` returns the text of a file.
fn run(seed: u64, fs: Arc<dyn FileSystem>, path: &Path, read: impl Fn(&OsStr) -> Vec<u8>) {
    let mut random = Random(seed);
    let schedule = Arc::<Schedule>::default();
    let promises = Promises::default();
    let layout = RunSettings { is_numbered: random.one_in(2), count: if random.one_in(4) { 3 } else { 1_000 } };
    let (mut threads, mut kills, mut started) = (Vec::new(), 0, 0);
    let (processes, switches, mut last) = (2 + random.below(4), 1 + random.below(40), None);
    loop {
        let alive = schedule.threads();
        let is_room = alive.iter().map(|(_, process)| process).collect::<BTreeSet<_>>().len() < 2;
        if started < processes && is_room && (alive.is_empty() || random.one_in(40)) {
            let stepped = Stepped { fs: fs.clone(), schedule: schedule.clone(), process: started };
            start(stepped, path, layout, &mut random, &promises, &mut threads);
            started += 1;
        } else if alive.is_empty() {
            break;
        } else {
            // For how long one thread goes on differs from run to run: a short window is hit by many turns, a long one
            // by few.
            let goes_on = alive.iter().find(|(thread, _)| Some(*thread) == last && !random.one_in(switches));
            let (thread, process) = goes_on.copied().unwrap_or_else(|| alive[random.below(alive.len())]);
            last = Some(thread);
            if random.one_in(200) {
                schedule.kill(process);
                kills += 1;
            } else {
                schedule.run(thread);
            }
        }
    }
    for thread in threads {
        assert!(thread.join().is_ok(), "seed {seed}");
    }
    // Whatever was left half done is completed by the next that starts, and only by it.
    let rig = Rig::on(fs.clone(), path, |builder| layout.apply(builder, 24)).unwrap().start(START);
    assert_eq!(rig.errors, [""; 0], "seed {seed}");
    let sweep = || compress(&rig.target.backups, 1, &|| false);
    sweep();
    let listing = rig.target.backups.list().unwrap();
    let names: Vec<_> = listing.backups.iter().map(|backup| backup.name.clone()).chain([listing.base]).collect();
    let all: BTreeSet<_> = fs.list(path.parent().unwrap()).unwrap().into_iter().collect();
    let strange: Vec<_> = all.iter().filter(|name| !names.contains(name) && *name != ".app.log.lock").collect();
    assert!(strange.is_empty(), "seed {seed}: {strange:?}");
    let texts = names.iter().map(|name| {
        let bytes = read(name);
        String::from_utf8(if Path::new(name).extension() == Some("gz".as_ref()) { unzip(&bytes) } else { bytes })
    });
    let texts: Vec<_> = texts.map(Result::unwrap).collect();
    check(seed, layout, &texts, kills, &promises);
}

/// Checks that all lines are there, once and in order, but for the oldest where few backups are kept.
fn check(seed: u64, layout: RunSettings, texts: &[String], kills: usize, promises: &Promises) {
    let (mut lines, mut halves) = (BTreeMap::<usize, Vec<u32>>::new(), 0);
    for line in texts.iter().flat_map(|text| text.lines()) {
        let whole =
            line.strip_prefix('<').and_then(|line| line.strip_suffix('>')).and_then(|line| line.split_once(':'));
        match whole.map(|(process, number)| (process.parse(), number.parse())) {
            Some((Ok(process), Ok(number))) => lines.entry(process).or_default().push(number),
            _ => {
                assert!(!line.contains('>'), "seed {seed}: a record is glued to half a line: {line}");
                halves += 1;
            }
        }
    }
    assert!(halves <= kills, "seed {seed}: {halves} half lines, {kills} kills");
    // Beside the file: a process that is killed between a rename and the removal of the oldest leaves one more until
    // the next rollover.
    assert!(texts.len() - 1 <= layout.count as usize + kills, "seed {seed}: {texts:?}");
    for (process, (promised, errors)) in &*promises.lock().unwrap() {
        let found = lines.remove(process).unwrap_or_default();
        assert!(found.is_sorted_by(|a, b| a < b), "seed {seed}: of {process}: {found:?}");
        let is_kept = |number: &u32| layout.count == 1_000 || found.first().is_some_and(|first| number >= first);
        let missing: Vec<_> = promised.iter().filter(|n| is_kept(n) && !found.contains(n)).collect();
        assert!(missing.is_empty(), "seed {seed}, {layout:?}: of {process}: {missing:?}\n{texts:#?}");
        let is_expected = |error: &&String| {
            let is_removed = layout.count < 1_000 && error.ends_with("was removed; the next record opens it again");
            is_removed || error.ends_with("did not finish in time")
        };
        let unexpected: Vec<_> = errors.iter().filter(|error| !is_expected(error)).collect();
        assert!(unexpected.is_empty(), "seed {seed}: {unexpected:?}");
    }
    assert!(lines.values().all(Vec::is_empty) || kills > 0, "seed {seed}: {lines:?}");
}

/// The seeds to run: as many as property tests have cases, up to a bound.
fn seeds(default: u64, bound: u64) -> std::ops::Range<u64> {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    0..cases.unwrap_or(default).min(bound)
}

#[test]
fn processes_that_share_a_path_lose_and_double_nothing() {
    for seed in seeds(200, 20_000) {
        let memory = Memory::default();
        memory.0.lock().unwrap().has_links = seed % 4 > 0;
        let read = |name: &OsStr| {
            let inodes = memory.0.lock().unwrap();
            inodes.names.get(name).map(|inode| inodes.files[inode].text.clone()).unwrap_or_default()
        };
        run(seed, Arc::new(memory.clone()), Path::new("/app.log"), read);
    }
}

#[cfg(unix)]
#[test]
fn processes_that_share_a_real_path_lose_and_double_nothing() {
    for seed in seeds(50, 2_000) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        run(seed, Arc::new(Disk), &path, |name| std::fs::read(dir.path().join(name)).unwrap_or_default());
    }
}
