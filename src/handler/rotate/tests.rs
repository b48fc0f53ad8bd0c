//! The engine under faults, crashes and any sequence of events.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
#[cfg(feature = "gzip")]
use crate::handler::disk::ReadFile;
use crate::handler::disk::{AppendFile, FileId, FileMetadata, Lock, OpenFile};
use crate::handler::file::FileHooks;
use crate::handler::{Batch, Outcome};

const SECOND: i64 = 1_000_000_000;
/// 2026-03-12T08:30:00Z.
pub(super) const START: i64 = 1_773_304_200;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(second * SECOND)
}

/// A disk that fails where it is told to, or altogether from some change on, as after a crash.
#[derive(Clone, Default)]
struct Faulty(Arc<Mutex<Faults>>);

/// A call that fails on files whose names end so.
type Rule = (&'static str, &'static str, ErrorKind);

#[derive(Default)]
struct Faults {
    rules: Vec<Rule>,
    /// How many changes there were.
    changes: usize,
    /// With which change the process ends.
    crash: Option<usize>,
    /// Whether somebody else removes the log file's name as soon as the file has another.
    overtaken: bool,
}

impl Faulty {
    fn fail(&self, call: &'static str, name: &'static str, kind: ErrorKind) {
        self.0.lock().unwrap().rules.push((call, name, kind));
    }

    fn mend(&self) {
        self.0.lock().unwrap().rules.clear();
    }

    fn ask(&self, call: &str, path: &Path) -> io::Result<()> {
        assert!(!crate::sync::holds_lock(), "a fork waits for the disk");
        let mut faults = self.0.lock().unwrap();
        faults.changes +=
            usize::from(!matches!(call, "metadata" | "entry" | "list" | "read" | "last_byte" | "read_link"));
        if faults.crash.is_some_and(|crash| faults.changes > crash) {
            return Err(io::Error::other("the process has ended"));
        }
        let name = path.to_str().unwrap();
        let rule = faults.rules.iter().find(|(of, end, _)| *of == call && name.ends_with(end));
        rule.map_or(Ok(()), |(_, _, kind)| Err((*kind).into()))
    }

    fn file(&self, path: &Path, file: io::Result<Box<dyn AppendFile>>) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(FaultyFile { faults: self.clone(), path: path.to_owned(), file: file? }))
    }
}

impl FileSystem for Faulty {
    fn append(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        self.ask("append", path)?;
        self.file(path, Disk.append(path, permissions))
    }

    fn append_plain(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        self.ask("append", path)?;
        self.file(path, Disk.append_plain(path, permissions))
    }

    #[cfg(feature = "gzip")]
    fn create(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        self.ask("create", path)?;
        self.file(path, Disk.create(path, permissions))
    }

    #[cfg(feature = "gzip")]
    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.ask("read", path)?;
        Disk.read(path)
    }

    fn last_byte(&self, path: &Path, id: FileId) -> io::Result<Option<u8>> {
        self.ask("last_byte", path)?;
        Disk.last_byte(path, id)
    }

    fn truncate(&self, path: &Path) -> io::Result<()> {
        self.ask("truncate", path)?;
        Disk.truncate(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.ask("metadata", path)?;
        Disk.metadata(path)
    }

    fn entry(&self, path: &Path) -> io::Result<FileMetadata> {
        self.ask("entry", path)?;
        Disk.entry(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.ask("link", to)?;
        Disk.link(from, to)?;
        if self.0.lock().unwrap().overtaken { Disk.remove(from) } else { Ok(()) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.ask("rename", to)?;
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.ask("remove", path)?;
        Disk.remove(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.ask("list", directory)?;
        Disk.list(directory)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.ask("read_link", path)?;
        Disk.read_link(path)
    }

    fn pause(&self, _: Duration) {}

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.ask("symlink", link)?;
        Disk.symlink(target, link)
    }

    fn create_dirs(&self, directory: &Path) -> io::Result<()> {
        self.ask("create_dirs", directory)?;
        Disk.create_dirs(directory)
    }
}

struct FaultyFile {
    faults: Faulty,
    path: PathBuf,
    file: Box<dyn AppendFile>,
}

impl Write for FaultyFile {
    /// A full disk takes half of the text, and half of the rest, and so on, but for the last byte.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.faults.ask("write", &self.path) {
            Ok(()) => self.file.write(bytes),
            Err(error) if error.kind() == ErrorKind::StorageFull && bytes.len() > 1 => {
                self.file.write(&bytes[..bytes.len() / 2])
            }
            Err(error) => Err(error),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl OpenFile for FaultyFile {
    fn metadata(&self) -> io::Result<FileMetadata> {
        self.file.metadata()
    }

    fn try_lock(&self, lock: Lock) -> bool {
        self.file.try_lock(lock)
    }
}

impl AppendFile for FaultyFile {
    fn sync(&self) -> io::Result<()> {
        self.faults.ask("sync", &self.path)?;
        self.file.sync()
    }

    #[cfg(feature = "gzip")]
    fn set_modified(&self, time: Timestamp) -> io::Result<()> {
        self.faults.ask("set_modified", &self.path)?;
        self.file.set_modified(time)
    }
}

/// A file that rolls over and the batch before it, in the place of a handler and its thread.
pub(super) struct Rig {
    pub(super) target: RotatingFile,
    line: Line,
    batch: Batch,
    /// What was reported, without the directory's name.
    pub(super) errors: Vec<String>,
    pub(super) written: u64,
    failed: u64,
    /// Whether what is not written comes again.
    retries: bool,
}

impl Rig {
    fn new(path: &Path, fs: &Faulty, set: impl FnOnce(Builder) -> Builder) -> Result<Self, Error> {
        Self::on(Arc::new(fs.clone()), path, set)
    }

    pub(super) fn on(
        fs: Arc<dyn FileSystem>,
        path: &Path,
        set: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self, Error> {
        let builder = set(FemtoRotatingFileHandler::builder().path(path));
        let options = builder.into_parts().0;
        assert_eq!(options.problems(), []);
        let (_, target) = options.into_parts(fs)?;
        let (line, batch) = (Line::default(), Batch::default());
        Ok(Self { target, line, batch, errors: Vec::new(), written: 0, failed: 0, retries: false })
    }

    /// Opens the file, and begins.
    pub(super) fn start(mut self, now: i64) -> Self {
        let opened = self.target.file().open().map(drop);
        let started = self.target.start(at(now));
        self.complain(opened.err().into_iter().chain(started.err()));
        self
    }

    fn complain(&mut self, errors: impl IntoIterator<Item = Error>) {
        let directory = format!("{}/", self.target.backups.path.parent().unwrap().display());
        self.errors.extend(errors.into_iter().map(|error| error.to_string().replace(&directory, "")));
    }

    pub(super) fn log(&mut self, second: i64, text: &str) {
        let start = self.batch.bytes().len();
        self.batch.append(|out| out.extend_from_slice(text.as_bytes()));
        self.batch.append(|out| out.push(b'\n'));
        self.target.note(at(second), start, &self.batch);
        self.batch.seal();
    }

    /// Returns whether all is written.
    pub(super) fn deliver(&mut self) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        let result = self.target.write(&self.line, &mut self.batch);
        let settled = self.batch.settle(match result {
            Ok(()) => Outcome::Written,
            Err(_) if self.retries => Outcome::Open,
            Err(_) => Outcome::Failed,
        });
        self.written += settled.written;
        self.failed += settled.failed;
        let all = result.is_ok();
        self.complain(settled.errors.into_iter().chain(result.err()));
        all
    }

    fn log_now(&mut self, second: i64, text: &str) -> bool {
        self.log(second, text);
        self.deliver()
    }

    pub(super) fn tick(&mut self, second: i64) {
        let result = self.target.tick(at(second));
        self.complain(result.err());
    }

    /// The text of all backups, the oldest first, and of the file.
    fn texts(&self) -> Vec<String> {
        let backups = self.target.backups.list().unwrap().backups.into_iter();
        let backups = backups.filter(|backup| backup.metadata.is_file);
        let mut texts: Vec<_> = backups
            .map(|backup| {
                let bytes = fs::read(self.target.backups.path_of(&backup.name)).unwrap();
                String::from_utf8(if backup.compressed { unzip(&bytes) } else { bytes }).unwrap()
            })
            .collect();
        texts.push(fs::read_to_string(&self.target.backups.path).unwrap_or_default());
        texts
    }

    fn lines(&self) -> Vec<String> {
        self.texts().iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
    }
}

pub(super) type Builder = HandlerBuilder<RotatingFileOptions>;

#[cfg(feature = "gzip")]
pub(super) fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}

#[cfg(not(feature = "gzip"))]
pub(super) fn unzip(_: &[u8]) -> Vec<u8> {
    unreachable!("nothing compresses")
}

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    (dir, path)
}

/// The names in a directory and what they hold.
fn files(dir: &TempDir) -> BTreeMap<String, String> {
    let names = Disk.list(dir.path()).unwrap().into_iter();
    let files = names.filter(|name| dir.path().join(name).is_file());
    files.map(|name| (name.to_str().unwrap().to_owned(), fs::read_to_string(dir.path().join(name)).unwrap())).collect()
}

fn table<const N: usize>(rows: [(&str, &str); N]) -> BTreeMap<String, String> {
    rows.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// The next rollover after each event is CPython's, where CPython is not stuck.
#[test]
fn the_next_rollover_is_cpythons() {
    let time = |text: &serde_json::Value| {
        let text = text.as_str().unwrap();
        let day: i64 = text[8..10].parse().unwrap();
        let parts: Vec<i64> = text[11..].split(':').map(|part| part.parse().unwrap()).collect();
        assert!(text.starts_with("2026-03-"));
        START + (day - 12) * 86_400 + (parts[0] * 60 + parts[1]) * 60 + parts[2] - 30_600
    };
    let mut checked = 0;
    for row in include_str!("../../../tests/data/rotating_timed_utc_cpython313.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let (name, given, out) = (row["name"].as_str().unwrap(), &row["in"], &row["out"]);
        if name == "existing_target_not_overwritten" || given["mtime"].is_string() {
            continue;
        }
        let (_dir, path) = place();
        let rig = Rig::new(&path, &Faulty::default(), |builder| {
            let builder = builder.when(given["when"].as_str().unwrap().parse().unwrap());
            let builder = builder.interval(given["interval"].as_u64().unwrap() as u32);
            match given["at"].as_str() {
                Some(time) => builder.at_time(time[..2].parse().unwrap(), 0, 0),
                None => builder,
            }
        });
        let mut rig = rig.unwrap().start(time(&given["start"]));
        assert_eq!(rig.target.next, at(time(&out["first_rollover"])), "{name}");
        for (event, next) in given["events"].as_array().unwrap().iter().zip(out["after_each"].as_array().unwrap()) {
            assert!(rig.log_now(time(&event[0]), event[1].as_str().unwrap()));
            assert_eq!(rig.target.next, at(time(next)), "{name}: {event}");
        }
        checked += 1;
    }
    assert_eq!(checked, 7);
}

/// Calls that fail, and what is said about it.
#[test]
fn a_rollover_that_fails_is_reported_and_tried_again() {
    let denied = ErrorKind::PermissionDenied;
    let rows: [(&[Rule], &str); 6] = [
        (
            &[("link", "app.log.2", denied), ("rename", "app.log.2", denied)],
            "cannot rename app.log.1 to app.log.2: permission denied",
        ),
        (
            &[("link", "app.log.1", ErrorKind::CrossesDevices), ("rename", "app.log.1", ErrorKind::CrossesDevices)],
            "cannot rename app.log to app.log.1: cross-device link or rename",
        ),
        (&[("remove", "app.log", denied)], "cannot rename app.log to app.log.1: permission denied"),
        (&[("append", "app.log", ErrorKind::StorageFull)], "cannot open the log file app.log: no storage space"),
        (&[("entry", "app.log", denied)], "cannot look at app.log: permission denied"),
        (
            &[("link", "app.log.1", ErrorKind::IsADirectory), ("entry", "app.log.1", denied)],
            "cannot look at app.log.1: permission denied",
        ),
    ];
    for (faults, error) in rows {
        let (_dir, path) = place();
        let disk = Faulty::default();
        let rig = Rig::new(&path, &disk, |builder| builder.max_bytes(6).backup_count(9)).unwrap();
        let mut rig = rig.start(START);
        for text in ["one", "two"] {
            assert!(rig.log_now(START, text));
        }
        for (call, name, kind) in faults {
            disk.fail(call, name, *kind);
        }
        // Two rollovers are due: the first fails, the second is not tried.
        rig.log(START, "three");
        rig.log(START, "four");
        assert!(rig.deliver());
        assert!(rig.log_now(START, "five"));
        assert_eq!(rig.errors, [error]);
        rig.tick(START);
        assert!(rig.log_now(START, "six"));
        assert!(rig.errors.len() >= 2 && rig.errors.iter().all(|said| said == error), "{:?}", rig.errors);
        let said = rig.errors.len();
        disk.mend();
        rig.tick(START);
        for text in ["seven", "eight"] {
            assert!(rig.log_now(START, text));
        }
        assert_eq!(rig.errors.len(), said);
        assert_eq!(rig.lines(), ["one", "two", "three", "four", "five", "six", "seven", "eight"], "{error}");
        assert_eq!((rig.written, rig.failed), (8, 0));
        assert_eq!(fs::read_to_string(&path).unwrap(), "eight\n");
    }
}

/// A process that hangs within its rollover holds up nobody for long.
#[test]
fn a_rollover_whose_turn_does_not_come_is_postponed() {
    let (dir, path) = place();
    let set = |builder: Builder| builder.max_bytes(6).backup_count(9);
    let stuck = Rig::new(&path, &Faulty::default(), set).unwrap();
    let mut rig = Rig::new(&path, &Faulty::default(), set).unwrap().start(START);
    assert!(rig.log_now(START, "one"));
    let turn = stuck.target.backups.turn().unwrap();
    assert!(rig.log_now(START, "two") && rig.log_now(START, "three"));
    let error = format!("another rollover of {} did not finish in time", path.display()).replace(&*dir_of(&dir), "");
    assert_eq!(rig.errors, [error.as_str()]);
    rig.tick(START);
    assert!(rig.log_now(START, "four"));
    assert_eq!(rig.errors, [error.as_str(); 2]);
    assert_eq!((rig.written, rig.failed), (4, 0));
    drop(turn);
    rig.tick(START);
    assert!(rig.log_now(START, "five"));
    assert_eq!(files(&dir), table([("app.log", "five\n"), ("app.log.1", "one\ntwo\nthree\nfour\n")]));
    assert_eq!(rig.errors.len(), 2);
}

fn dir_of(dir: &TempDir) -> String {
    format!("{}/", dir.path().display())
}

/// A file whose first name somebody else removes between the two halves of a rename keeps the second, its last.
#[test]
fn a_rename_that_is_overtaken_removes_no_last_name() {
    let (dir, path) = place();
    let disk = Faulty::default();
    let set = |builder: Builder| builder.max_bytes(6).backup_count(9);
    let mut rig = Rig::new(&path, &disk, set).unwrap().start(START);
    assert!(rig.log_now(START, "one"));
    disk.0.lock().unwrap().overtaken = true;
    assert!(rig.log_now(START, "two"));
    assert_eq!(files(&dir), table([("app.log", "two\n"), ("app.log.1", "one\n")]));
    assert_eq!(rig.errors, [""; 0]);
}

/// A period whose rollover failed keeps its name when it succeeds later.
#[test]
fn a_late_rollover_has_the_name_of_its_period() {
    let (dir, path) = place();
    let disk = Faulty::default();
    let mut rig = Rig::new(&path, &disk, |builder| builder.when(When::Midnight)).unwrap().start(START);
    assert!(rig.log_now(START, "one"));
    disk.fail("list", "", ErrorKind::PermissionDenied);
    assert!(rig.log_now(START + 86_400, "two"));
    assert_eq!(rig.errors.len(), 1);
    disk.mend();
    rig.tick(START);
    assert!(rig.log_now(START + 2 * 86_400, "three"));
    assert_eq!(files(&dir), table([("app.log", "three\n"), ("app.log.2026-03-12", "one\ntwo\n")]));
}

#[test]
fn names_taken_by_others_are_passed_over() {
    let (dir, path) = place();
    fs::create_dir(dir.path().join("app.log.1")).unwrap();
    let rig = Rig::new(&path, &Faulty::default(), |builder| builder.max_bytes(1).backup_count(3)).unwrap();
    let mut rig = rig.start(START);
    for text in ["1", "2", "3", "4"] {
        assert!(rig.log_now(START, text));
    }
    assert_eq!(files(&dir), table([("app.log", "4\n"), ("app.log.2", "3\n"), ("app.log.3", "2\n")]));
    assert_eq!(rig.errors, [""; 0]);

    let (dir, path) = place();
    fs::create_dir(dir.path().join("app.log.2026-03-12_08-30-00")).unwrap();
    let mut rig = Rig::new(&path, &Faulty::default(), |builder| builder.when(When::Seconds)).unwrap().start(START);
    assert!(rig.log_now(START, "1"));
    assert!(rig.log_now(START + 1, "2"));
    assert_eq!(files(&dir), table([("app.log", "2\n"), ("app.log.2026-03-12_08-30-00.1", "1\n")]));
}

#[test]
fn a_full_disk_fails_records_and_starts_the_next_on_a_line_of_its_own() {
    let (dir, path) = place();
    let disk = Faulty::default();
    let mut rig = Rig::new(&path, &disk, |builder| builder.max_bytes(20).backup_count(3)).unwrap().start(START);
    disk.fail("write", "app.log", ErrorKind::StorageFull);
    rig.log(START, "aaaa");
    rig.log(START, "bbbb");
    assert!(!rig.deliver());
    assert_eq!((rig.written, rig.failed), (1, 1));
    assert_eq!(rig.errors, ["cannot write to app.log: no storage space"]);
    disk.mend();
    assert!(rig.log_now(START, "cc"));
    // Half a record at a file's end does not make the next file begin with an empty line.
    disk.fail("write", "app.log", ErrorKind::StorageFull);
    assert!(!rig.log_now(START, "ddd"));
    disk.mend();
    assert!(rig.log_now(START, "eeeeeeeeeeee"));
    assert_eq!(files(&dir), table([("app.log", "eeeeeeeeeeee\n"), ("app.log.1", "aaaa\nbbbb\ncc\nddd")]));
}

/// The text waits for the disk, is cut where it was when it came, and the oldest of it is given up.
#[test]
fn text_that_comes_again_rolls_over_where_it_should() {
    let (_dir, path) = place();
    let disk = Faulty::default();
    let mut rig = Rig::new(&path, &disk, |builder| builder.max_bytes(20).backup_count(100)).unwrap().start(START);
    rig.retries = true;
    disk.fail("write", "app.log", ErrorKind::StorageFull);
    for n in 0..9 {
        rig.log(START, &format!("line {n}"));
        rig.deliver();
        rig.batch.fail_oldest(usize::MAX, 30);
        rig.failed += rig.batch.settle(Outcome::Open).failed;
    }
    disk.mend();
    assert!(rig.log_now(START, "line 9"));
    let texts = rig.texts();
    assert!(texts.iter().all(|text| text.len() < 20), "{texts:?}");
    let lines = rig.lines();
    assert!(lines.ends_with(&["line 6", "line 7", "line 8", "line 9"].map(str::to_owned)), "{lines:?}");
    assert_eq!((rig.written + rig.failed, rig.failed > 0), (10, true));
    assert!(lines.iter().filter(|line| line.len() == 6).is_sorted(), "{lines:?}");
}

/// Backups of these ages in days and lengths in bytes, the limits, and which are left.
#[test]
fn backups_are_kept_by_age_count_and_length() {
    const DAY: u64 = 86_400;
    type Limits = fn(Builder) -> Builder;
    let rows: [(Limits, &[u32]); 6] = [
        (|builder| builder.max_age(Duration::from_secs(2 * DAY + 60)), &[1, 2, 3]),
        (|builder| builder.max_age(Duration::from_secs(1)), &[1]),
        (|builder| builder.max_age(Duration::from_secs(DAY + 60)).backup_count(4), &[1, 2]),
        (|builder| builder.max_age(Duration::from_secs(100 * DAY)).max_total_bytes(25), &[1, 2, 3]),
        (|builder| builder.max_age(Duration::from_secs(DAY + 60)).max_total_bytes(1000), &[1, 2]),
        (|builder| builder.max_age(Duration::MAX), &[1, 2, 3, 4, 5]),
    ];
    for (limits, left) in rows {
        let (dir, path) = place();
        let now = Timestamp::from_system_time(std::time::SystemTime::now()).as_nanos() / SECOND;
        let age = |path: &Path, days: u64| {
            let time = std::time::SystemTime::now() - Duration::from_secs(days * DAY);
            fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        };
        for number in 1..=4 {
            let backup = dir.path().join(format!("app.log.{number}"));
            fs::write(&backup, "1234567\n").unwrap();
            age(&backup, number);
        }
        // As old as the others, and not ours.
        let stranger = dir.path().join("app.log.old");
        fs::write(&stranger, "").unwrap();
        age(&stranger, 400);
        let rig = Rig::new(&path, &Faulty::default(), |builder| limits(builder.max_bytes(10)));
        let mut rig = rig.unwrap().start(now);
        assert!(rig.log_now(now, "first") && rig.log_now(now, "second"));
        let numbers: Vec<_> =
            rig.target.backups.list().unwrap().backups.iter().rev().map(|backup| backup.key.number).collect();
        assert_eq!((numbers.as_slice(), rig.errors.as_slice()), (left, &[][..]));
        assert!(stranger.exists());
    }
}

#[test]
fn a_backup_that_somebody_else_removes_at_the_same_time_is_no_error() {
    let (_dir, path) = place();
    let disk = Faulty::default();
    let mut rig = Rig::new(&path, &disk, |builder| builder.when(When::Hours).backup_count(1)).unwrap().start(START);
    disk.fail("remove", "_08", ErrorKind::NotFound);
    for hour in 0..3 {
        assert!(rig.log_now(START + hour * 3600, "line"));
    }
    assert_eq!(rig.errors, [""; 0]);
}

#[test]
fn what_is_removed_under_it_is_made_anew() {
    let (dir, path) = place();
    let below = dir.path().join("x/app.log");
    for (path, remove) in [(&path, dir.path().join("app.log")), (&below, dir.path().join("x"))] {
        let set = |builder: Builder| builder.max_bytes(6).backup_count(3).create_dirs(true);
        let mut rig = Rig::new(path, &Faulty::default(), set).unwrap().start(START);
        assert!(rig.log_now(START, "1234"));
        if remove.is_dir() { fs::remove_dir_all(&remove) } else { fs::remove_file(&remove) }.unwrap();
        // Found out by the next write,
        assert!(rig.log_now(START, "5678"));
        assert_eq!(fs::read_to_string(path).unwrap(), "5678\n");
        if remove.is_dir() { fs::remove_dir_all(&remove) } else { fs::remove_file(&remove) }.unwrap();
        // or within a second.
        rig.tick(START);
        assert!(rig.log_now(START, "9"));
        assert_eq!(fs::read_to_string(path).unwrap(), "9\n");
        let error = "the log file app.log was removed; the next record opens it again";
        assert_eq!(rig.errors, [error, error]);
    }
}

#[test]
fn a_file_that_somebody_else_renamed_is_not_renamed_again() {
    let (dir, path) = place();
    let set = |builder: Builder| builder.max_bytes(5).backup_count(3);
    let mut one = Rig::new(&path, &Faulty::default(), set).unwrap().start(START);
    let mut other = Rig::new(&path, &Faulty::default(), set).unwrap().start(START);
    assert!(one.log_now(START, "1a"));
    assert!(other.log_now(START, "2a"));
    assert!(one.log_now(START, "1bb"));
    assert!(other.log_now(START, "2bb"));
    assert_eq!(files(&dir), table([("app.log", "1bb\n2bb\n"), ("app.log.1", "1a\n2a\n")]));
}

/// What is written through `copytruncate` counts from the cut on.
#[test]
fn a_file_that_was_cut_is_as_long_as_it_is() {
    let (dir, path) = place();
    let rig = Rig::new(&path, &Faulty::default(), |builder| builder.max_bytes(10).backup_count(3)).unwrap();
    let mut rig = rig.start(START);
    assert!(rig.log_now(START, "12345678"));
    fs::File::create(&path).unwrap();
    assert!(rig.log_now(START, "a"));
    assert!(rig.log_now(START, "b"));
    assert_eq!(files(&dir), table([("app.log", "a\nb\n")]));
}

#[test]
fn a_clock_put_back_does_not_stop_rollovers() {
    let (dir, path) = place();
    let mut rig = Rig::new(&path, &Faulty::default(), |builder| builder.when(When::Hours)).unwrap().start(START);
    let year = 365 * 86_400;
    assert!(rig.log_now(START + year, "far"));
    // A thread that was overtaken does not count as a clock that was put back.
    assert!(rig.log_now(START + year - 1, "late"));
    assert_eq!(rig.target.next, at(START + year + 3600));
    assert!(rig.log_now(START, "back"));
    assert_eq!(rig.target.next, at(START + 3600));
    assert!(rig.log_now(START + 3600, "on"));
    let rows = [("app.log", "on\n"), ("app.log.2026-03-12_08", "far\nlate\nback\n")];
    assert_eq!(files(&dir), table(rows));
}

/// Calls `run` with a disk that ends the process at its first change, its second, and so on until it does not.
fn crash_at_every_change(run: impl Fn(&Faulty) -> bool) {
    for crash in 0.. {
        let disk = Faulty::default();
        disk.0.lock().unwrap().crash = Some(crash);
        if run(&disk) {
            assert!(crash > 20, "there were {crash} changes");
            return;
        }
    }
}

/// Logs, with a rollover for most records, until the process ends. Returns what was said to be written.
fn log_until_crash(rig: &mut Rig, also: impl Fn(&Rig)) -> (Vec<String>, bool) {
    let mut written = Vec::new();
    for n in 0..6 {
        for m in 0..2 {
            rig.log(START + n * 3600, &format!("{n}-{m}"));
        }
        let all = rig.deliver();
        written.extend((0..2).map(|m| format!("{n}-{m}")).take((rig.written as usize).saturating_sub(written.len())));
        if !all {
            return (written, false);
        }
        also(rig);
    }
    // A crash within a rollover leaves a process that could go on writing; it does not.
    let is_whole = rig.errors.is_empty();
    (written, is_whole)
}

#[test]
fn a_crash_at_any_step_of_a_rollover_loses_and_doubles_nothing() {
    let layouts: [fn(Builder) -> Builder; 3] = [
        |builder| builder.max_bytes(6).backup_count(99),
        |builder| builder.when(When::Hours).max_bytes(6),
        |builder| builder.max_bytes(6).namer("app.{n}.log"),
    ];
    for layout in layouts {
        crash_at_every_change(|disk| {
            let (_dir, path) = place();
            let mut rig = Rig::new(&path, disk, layout).unwrap().start(START);
            let (written, is_whole) = log_until_crash(&mut rig, |_| {});
            drop(rig);
            let mut rig = Rig::new(&path, &Faulty::default(), layout).unwrap().start(START + 6 * 3600);
            assert!(rig.log_now(START + 6 * 3600, "after"));
            assert!(rig.log_now(START + 6 * 3600, "and after"));
            assert_eq!(rig.errors, [""; 0]);
            let mut expected = written;
            expected.extend(["after".to_owned(), "and after".to_owned()]);
            assert_eq!(rig.lines(), expected);
            is_whole
        });
    }
}

#[cfg(feature = "gzip")]
mod compression {
    use super::super::gzip::sweep;
    use super::*;

    fn set(builder: Builder) -> Builder {
        builder.max_bytes(6).backup_count(99)
    }

    fn names(rig: &Rig) -> Vec<String> {
        let mut names = Disk.list(rig.target.backups.path.parent().unwrap()).unwrap();
        names.sort();
        names.into_iter().map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn backups_are_compressed_and_move_on() {
        let (_dir, path) = place();
        let mut rig = Rig::new(&path, &Faulty::default(), set).unwrap().start(START);
        for text in ["one", "two", "three"] {
            assert!(rig.log_now(START, text));
            sweep(&rig.target.backups, &|| false).unwrap();
        }
        assert_eq!(names(&rig), ["app.log", "app.log.1.gz", "app.log.2.gz"]);
        assert_eq!(rig.lines(), ["one", "two", "three"]);
        let modified = |name| Disk.metadata(&rig.target.backups.path_of(name)).unwrap().modified;
        assert!(modified("app.log.2.gz") <= modified("app.log.1.gz"));
    }

    #[test]
    fn a_crash_at_any_step_of_compression_loses_and_doubles_nothing() {
        crash_at_every_change(|disk| {
            let (_dir, path) = place();
            let mut rig = Rig::new(&path, disk, set).unwrap().start(START);
            let (written, is_whole) = log_until_crash(&mut rig, |rig| drop(sweep(&rig.target.backups, &|| false)));
            drop(rig);
            let mut rig = Rig::new(&path, &Faulty::default(), set).unwrap().start(START);
            sweep(&rig.target.backups, &|| false).unwrap();
            assert!(rig.log_now(START, "after"));
            sweep(&rig.target.backups, &|| false).unwrap();
            assert_eq!(rig.errors, [""; 0]);
            let mut expected = written;
            expected.push("after".to_owned());
            assert_eq!(rig.lines(), expected);
            let names = names(&rig);
            assert!(names.iter().all(|name| name == "app.log" || name.ends_with(".gz")), "{names:?}");
            is_whole
        });
    }

    #[test]
    fn a_full_disk_leaves_the_plain_backup() {
        let (_dir, path) = place();
        let disk = Faulty::default();
        let mut rig = Rig::new(&path, &disk, set).unwrap().start(START);
        assert!(rig.log_now(START, "one") && rig.log_now(START, "two"));
        for (call, name) in [("write", ".tmp"), ("create", ".tmp"), ("sync", ".tmp"), ("link", ".gz"), ("read", ".1")] {
            disk.fail(call, name, ErrorKind::StorageFull);
            if call == "link" {
                disk.fail("rename", name, ErrorKind::StorageFull);
            }
            let error = sweep(&rig.target.backups, &|| false).unwrap_err().to_string();
            assert!(error.contains("app.log.1: ") && error.ends_with("no storage space"), "{call}: {error}");
            disk.mend();
            assert_eq!(names(&rig), ["app.log", "app.log.1"], "{call}");
        }
        // Nor is anything left where the handler ends in the middle.
        sweep(&rig.target.backups, &|| true).unwrap();
        assert_eq!(names(&rig), ["app.log", "app.log.1"]);
        sweep(&rig.target.backups, &|| false).unwrap();
        assert_eq!(names(&rig), ["app.log", "app.log.1.gz"]);
        assert_eq!(rig.lines(), ["one", "two"]);
    }

    #[test]
    fn what_is_not_ours_stays() {
        let (dir, path) = place();
        let other = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        // A compressed file that is not the plain one's.
        other("app.log.1", "one\n");
        other("app.log.1.gz", "no gzip");
        other("app.log.x.gz.tmp", "");
        other("app.log.2.tmp", "");
        let rig = Rig::new(&path, &Faulty::default(), set).unwrap().start(START);
        sweep(&rig.target.backups, &|| false).unwrap();
        assert_eq!(names(&rig), ["app.log", "app.log.1", "app.log.1.gz", "app.log.2.tmp", "app.log.x.gz.tmp"]);
    }

    /// The file that is written to may have a backup's name for a while: when the next could not be opened.
    #[test]
    fn the_open_file_is_not_compressed() {
        let (_dir, path) = place();
        let disk = Faulty::default();
        let mut rig = Rig::new(&path, &disk, set).unwrap().start(START);
        assert!(rig.log_now(START, "one"));
        disk.fail("append", "app.log", ErrorKind::StorageFull);
        assert!(rig.log_now(START, "two"));
        sweep(&rig.target.backups, &|| false).unwrap();
        assert_eq!(names(&rig), ["app.log.1"]);
        assert!(rig.log_now(START, "three"));
        disk.mend();
        rig.tick(START);
        assert!(rig.log_now(START, "four"));
        sweep(&rig.target.backups, &|| false).unwrap();
        assert_eq!(names(&rig), ["app.log", "app.log.1.gz"]);
        assert_eq!(rig.lines(), ["one", "two", "three", "four"]);
    }
}

/// Something that happens to a file.
#[derive(Debug, Clone)]
enum FileEvent {
    /// A record of so many bytes, so many seconds later.
    Log(usize, i64),
    Deliver,
    Tick,
    /// The process ends in order, and another begins.
    Restart,
    /// The clock jumps.
    Jump(i64),
    /// The directory cannot be changed until the next of these.
    Fault,
}

fn event() -> impl Strategy<Value = FileEvent> {
    prop_oneof![
        8 => (0..40_usize, prop_oneof![4 => 0..3_i64, 1 => 0..200_000_i64]).prop_map(|(len, later)| FileEvent::Log(len, later)),
        3 => Just(FileEvent::Deliver),
        1 => Just(FileEvent::Tick),
        1 => Just(FileEvent::Restart),
        1 => (-400_000..400_000_i64).prop_map(FileEvent::Jump),
        1 => Just(FileEvent::Fault),
    ]
}

#[derive(Debug, Clone)]
struct Layout {
    max_bytes: u64,
    when: Option<(When, u32, bool)>,
    namer: Option<&'static str>,
    count: u32,
    bytes: Option<u64>,
}

impl Layout {
    fn apply(&self, mut builder: Builder) -> Builder {
        builder = builder.max_bytes(self.max_bytes).backup_count(self.count);
        if let Some((when, interval, aligned)) = self.when {
            builder = builder.when(when).interval(interval).aligned(aligned);
        }
        if let Some(namer) = self.namer {
            builder = builder.namer(namer);
        }
        if let Some(bytes) = self.bytes {
            builder = builder.max_total_bytes(bytes);
        }
        builder
    }
}

fn layout() -> impl Strategy<Value = Layout> {
    const UNITS: [When; 6] =
        [When::Seconds, When::Minutes, When::Hours, When::Days, When::Midnight, When::Weekly(Weekday::Friday)];
    let when = prop::option::of((prop::sample::select(&UNITS), 1..4_u32, any::<bool>()));
    let namer = prop::option::of(prop::sample::select(&["app.%Y-%m-%d.log", "{n}.log", "app.log.%Y%m%d%H%M%S.{n}"]));
    let bytes = prop::option::of(1..300_u64);
    // Enough backups for all, or few.
    let count = prop_oneof![Just(1000_u32), 1..5_u32];
    (0..120_u64, when, namer, count, bytes).prop_map(|(max_bytes, when, namer, count, bytes)| Layout {
        max_bytes,
        when,
        namer,
        count,
        bytes,
    })
}

proptest! {
    #[test]
    fn any_sequence_of_events_keeps_every_line_once(layout in layout(), events in prop::collection::vec(event(), 1..80)) {
        let (dir, path) = place();
        let strangers = [("app.log.0", "a"), ("app.log.1.bak", "b"), ("app.2026-3-1.log", "c"), ("1.log.x", "d")];
        for (name, text) in strangers {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let disk = Faulty::default();
        let begin = |now| Rig::new(&path, &disk, |builder| layout.apply(builder)).unwrap().start(now);
        let mut now = START;
        let mut rig = begin(now);
        let (mut logged, mut faulty, mut failed) = (0, false, false);
        for event in events {
            match event {
                FileEvent::Log(len, later) => {
                    now += later;
                    rig.log(now, &format!("{logged:06}{}", "x".repeat(len)));
                    logged += 1;
                    if layout.when.is_some() && !faulty {
                        prop_assert!(rig.target.next > at(now) || rig.target.blocked);
                    }
                }
                FileEvent::Deliver => prop_assert!(rig.deliver()),
                FileEvent::Tick => rig.tick(now),
                FileEvent::Restart => {
                    prop_assert!(rig.deliver());
                    failed |= !rig.errors.is_empty();
                    rig = begin(now);
                }
                FileEvent::Jump(by) => now += by,
                FileEvent::Fault => {
                    faulty = !faulty;
                    disk.mend();
                    if faulty {
                        for call in ["link", "rename", "remove"] {
                            disk.fail(call, "", ErrorKind::PermissionDenied);
                        }
                    }
                }
            }
        }
        prop_assert!(rig.deliver());
        failed |= !rig.errors.is_empty();
        disk.mend();
        rig.tick(now);
        let texts = rig.texts();
        let mut runs: Vec<Vec<usize>> = texts
            .iter()
            .map(|text| text.lines().map(|line| line[..6].parse().unwrap()).collect())
            .filter(|run: &Vec<usize>| !run.is_empty())
            .collect();
        // Within a file, lines follow each other; and no file holds what another does.
        for run in &runs {
            prop_assert!(run.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{run:?}");
        }
        runs.sort();
        let all = runs.concat();
        prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(all.last().map_or(0, |last| last + 1), logged);
        if layout.count == 1000 && layout.bytes.is_none() {
            prop_assert_eq!(all.len(), logged);
        }
        // Where no rollover failed, the limits hold.
        let backups = rig.target.backups.list().unwrap().backups;
        if !failed {
            prop_assert!(backups.len() <= layout.count as usize);
            let total: u64 = backups.iter().map(|backup| backup.metadata.len).sum();
            prop_assert!(layout.bytes.is_none_or(|bytes| total <= bytes));
        }
        if layout.max_bytes > 0 && !failed {
            let fits = |text: &String| (text.len() as u64) < layout.max_bytes || text.lines().count() == 1;
            prop_assert!(texts.iter().all(fits));
        }
        for (name, text) in strangers {
            prop_assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), text);
        }
    }
}
