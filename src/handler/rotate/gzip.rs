//! Compressed backups, made on a thread of their own.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::backups::{Backup, Backups};
use super::names::compressed;
use crate::error::{Error, notify};
use crate::handler::disk::{AppendFile, rename_to_free_name};
use crate::sync::lock;
use crate::sys;

/// What follows the name of a compressed backup while it is being written.
const UNFINISHED: &str = ".tmp";

/// How much is compressed between two looks whether the handler ends.
const CHUNK: usize = 64 * 1024;

/// The thread that compresses a file's backups. It ends when this is dropped; what is not done then, the next one does.
pub(super) struct Compressor {
    wishes: Option<Sender<()>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Compressor {
    /// Starts the thread, which looks for backups that an earlier one left.
    pub(super) fn start(backups: &Arc<Backups>) -> Result<Self, Error> {
        let (wishes, inbox) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let (backups, stopped) = (backups.clone(), stop.clone());
        let run = move || run(&backups, &inbox, &stopped);
        let thread = sys::spawn("femtolog-gzip", run);
        let thread = thread.map_err(|error| Error::io("cannot start the thread that compresses backups", error))?;
        let compressor = Self { wishes: Some(wishes), stop, thread: Some(thread) };
        compressor.look();
        Ok(compressor)
    }

    /// Has the thread look for plain backups.
    pub(super) fn look(&self) {
        // One wish that waits is enough.
        let _ = self.wishes.as_ref().map(|wishes| wishes.try_send(()));
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        self.wishes = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(backups: &Backups, inbox: &Receiver<()>, stop: &AtomicBool) {
    for () in inbox {
        if let Err(error) = sweep(backups, &|| stop.load(Relaxed)) {
            notify(&format!("backups of {}", backups.path.display()), format_args!("{error}"));
        }
        if stop.load(Relaxed) {
            return;
        }
    }
}

/// Compresses every plain backup, the oldest first.
pub(super) fn sweep(backups: &Backups, stopped: &dyn Fn() -> bool) -> Result<(), Error> {
    remove_unfinished(backups)?;
    let mut failures = Vec::new();
    for backup in plain(backups)? {
        if stopped() {
            break;
        }
        match compress(backups, &backup, stopped) {
            // It was renamed or removed in the meantime; the next look finds it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let path = backups.path_of(&backup.name);
                failures.push(Error::io(format_args!("cannot compress {}", path.display()), error));
            }
            Ok(()) => {}
        }
    }
    Error::gather(failures)
}

/// Lists the backups that are to be compressed.
fn plain(backups: &Backups) -> Result<Vec<Backup>, Error> {
    let active = lock(&backups.active);
    let mut list = backups.list()?;
    list.retain(|backup| backup.metadata.is_file && !backup.compressed && Some(backup.metadata.id) != *active);
    Ok(list)
}

/// Removes what an earlier thread had begun.
fn remove_unfinished(backups: &Backups) -> Result<(), Error> {
    let directory = backups.path.parent().unwrap_or(Path::new("."));
    let names = backups.fs.list(directory);
    let names = names.map_err(|error| Error::io(format_args!("cannot list {}", directory.display()), error))?;
    for name in names {
        let is_ours = || {
            let finished = name.to_str()?.strip_suffix(UNFINISHED)?;
            backups.names.parse(OsStr::new(finished)).filter(|(_, compressed)| *compressed)
        };
        let path = backups.path_of(&name);
        if is_ours().is_some() && backups.fs.entry(&path).is_ok_and(|entry| entry.is_file) {
            backups.remove(&path)?;
        }
    }
    Ok(())
}

fn compress(backups: &Backups, backup: &Backup, stopped: &dyn Fn() -> bool) -> io::Result<()> {
    let fs = &*backups.fs;
    let source = backups.path_of(&backup.name);
    let target = backups.path_of(compressed(&backup.name));
    if fs.entry(&target).is_ok() {
        return drop_twin(backups, backup, &target, stopped);
    }
    let unfinished = backups.path_of(unfinished(&backup.name));
    let reader = fs.read(&source)?;
    let file = fs.create(&unfinished, backup.metadata.permissions)?;
    let finished = write(reader, file, backup, stopped).and_then(|is_whole| match is_whole {
        true => replace(backups, backup, &unfinished),
        false => Ok(false),
    });
    if !matches!(finished, Ok(true)) {
        let _ = fs.remove(&unfinished);
    }
    finished.map(drop)
}

/// Writes the compressed text. Returns whether it is all there.
fn write(
    mut reader: Box<dyn Read + Send>,
    file: Box<dyn AppendFile>,
    backup: &Backup,
    stopped: &dyn Fn() -> bool,
) -> io::Result<bool> {
    let mut encoder = GzEncoder::new(file, Compression::default());
    let mut chunk = vec![0; CHUNK];
    loop {
        if stopped() {
            return Ok(false);
        }
        match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => encoder.write_all(chunk.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let file = encoder.finish()?;
    file.set_modified(backup.metadata.modified)?;
    file.sync()?;
    Ok(true)
}

/// Puts the compressed file in the place of the plain one, wherever that is now. Returns whether there is one.
fn replace(backups: &Backups, backup: &Backup, unfinished: &Path) -> io::Result<bool> {
    let _active = lock(&backups.active);
    let list = backups.list().map_err(io::Error::other)?;
    // Only as it was read: somebody might still write to it.
    let state =
        |backup: &Backup| (backup.compressed, backup.metadata.id, backup.metadata.len, backup.metadata.modified);
    let Some(source) = list.iter().find(|other| state(other) == state(backup)) else {
        return Ok(false);
    };
    rename_to_free_name(&*backups.fs, unfinished, &backups.path_of(compressed(&source.name)))?;
    backups.fs.remove(&backups.path_of(&source.name))?;
    Ok(true)
}

/// Removes a plain backup whose compressed form was finished before a crash. If it is not that, both stay.
fn drop_twin(backups: &Backups, backup: &Backup, target: &Path, stopped: &dyn Fn() -> bool) -> io::Result<()> {
    let source = backups.path_of(&backup.name);
    let mut plain = backups.fs.read(&source)?;
    let mut whole = GzDecoder::new(io::BufReader::new(backups.fs.read(target)?));
    let (mut one, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let read = plain.read(&mut one)?;
        let (one, other) = (one.get(..read).unwrap_or_default(), other.get_mut(..read.max(1)).unwrap_or_default());
        let same = match read {
            0 => matches!(whole.read(other), Ok(0)),
            _ => whole.read_exact(other).is_ok() && one == other,
        };
        if stopped() || !same {
            return Ok(());
        }
        if read == 0 {
            break;
        }
    }
    let _active = lock(&backups.active);
    match backups.fs.entry(&source) {
        Ok(entry) if entry.id == backup.metadata.id => backups.fs.remove(&source),
        _ => Ok(()),
    }
}

fn unfinished(name: &OsStr) -> OsString {
    let mut name = compressed(name);
    name.push(UNFINISHED);
    name
}
