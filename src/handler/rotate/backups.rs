//! The backups of a file: which there are, room for the next, and which are too many.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::names::{Key, Names};
use crate::error::Error;
use crate::handler::disk::{FileId, FileSystem, Metadata, rename_to_free_name};
use crate::sync::lock;
use crate::time::Timestamp;

/// How many backups are kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Retention {
    /// The greatest number; 0 for no limit.
    pub(super) count: u32,
    /// The greatest time since a backup was written to last.
    pub(super) age: Option<Duration>,
    /// The greatest sum of the backups' lengths.
    pub(super) bytes: Option<u64>,
}

/// A file's backups, all in its directory.
pub(super) struct Backups {
    pub(super) fs: Arc<dyn FileSystem>,
    /// The file that they are backups of.
    pub(super) path: PathBuf,
    pub(super) names: Names,
    pub(super) retention: Retention,
    /// The file that is written to. Whoever renames or removes backups holds the lock.
    pub(super) active: Mutex<Option<FileId>>,
}

/// What has a backup's name.
pub(super) struct Backup {
    pub(super) name: OsString,
    pub(super) key: Key,
    pub(super) compressed: bool,
    pub(super) metadata: Metadata,
}

impl Backups {
    pub(super) fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.with_file_name(name.as_ref())
    }

    /// Lists what has a backup's name, the oldest first.
    pub(super) fn list(&self) -> Result<Vec<Backup>, Error> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let names = self.fs.list(directory);
        let names = names.map_err(|error| Error::io(format_args!("cannot list {}", directory.display()), error))?;
        let mut backups = Vec::new();
        for name in names {
            let Some((key, compressed)) = self.names.parse(&name).filter(|_| Some(&*name) != self.path.file_name())
            else {
                continue;
            };
            match self.fs.entry(&self.path_of(&name)) {
                Ok(metadata) => backups.push(Backup { name, key, compressed, metadata }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let path = self.path_of(&name);
                    return Err(Error::io(format_args!("cannot look at {}", path.display()), error));
                }
            }
        }
        backups.sort_by_key(|backup| (backup.key, backup.compressed));
        if let Names::Numbered(_) = self.names {
            backups.reverse();
        }
        Ok(backups)
    }

    /// Makes a backup of the file that is written to: gives it the next name. `shown` is its period's start.
    pub(super) fn take(&self, shown: i64) -> Result<(), Error> {
        let active = lock(&self.active);
        let to = match &self.names {
            Names::Numbered(_) => self.shift()?,
            Names::Pattern(_) => self.next(shown)?,
        };
        self.rename(&self.path, &to)?;
        drop(active);
        Ok(())
    }

    /// The first name of the period that sorts behind all others of it.
    fn next(&self, shown: i64) -> Result<PathBuf, Error> {
        let mut key = self.names.key(shown);
        let of_period = self.list()?.into_iter().filter(|backup| backup.key.date == key.date);
        if let Some(last) = of_period.map(|backup| backup.key.number).max() {
            key.number = key.number.max(last.saturating_add(1));
        }
        if Some(&*self.names.name(key)) == self.path.file_name() {
            key.number += 1;
        }
        Ok(self.path_of(self.names.name(key)))
    }

    /// Makes the first number free: every backup up to the first gap gets the next number; without a gap the oldest is
    /// removed. What has a backup's name and is not a file is passed over.
    fn shift(&self) -> Result<PathBuf, Error> {
        let mut backups = self.list()?;
        let name = |number| self.names.name(Key { number, ..Key::default() });
        let is_foreign = |number| backups.iter().any(|backup| backup.key.number == number && !backup.metadata.is_file);
        let limit = if self.retention.count == 0 { u32::MAX } else { self.retention.count };
        let mut numbers = Vec::new();
        let mut free = None;
        for number in (1..=limit).filter(|number| !is_foreign(*number)) {
            if backups.iter().any(|backup| backup.key.number == number) {
                numbers.push(number);
            } else {
                free = Some(number);
                break;
            }
        }
        let mut of_number =
            |number| -> Vec<_> { backups.extract_if(.., |backup| backup.key.number == number).collect() };
        let mut free = match (free, numbers.last()) {
            (Some(free), _) => free,
            (None, Some(&oldest)) => {
                numbers.pop();
                for backup in of_number(oldest) {
                    self.remove(&self.path_of(&backup.name))?;
                }
                oldest
            }
            (None, None) => {
                let error = io::Error::from(io::ErrorKind::AlreadyExists);
                return Err(Error::io(format_args!("no name is free for a backup of {}", self.path.display()), error));
            }
        };
        while let Some(number) = numbers.pop() {
            for backup in of_number(number) {
                let mut to = name(free);
                if backup.compressed {
                    to = super::names::compressed(&to);
                }
                self.rename(&self.path_of(&backup.name), &self.path_of(&to))?;
            }
            free = number;
        }
        Ok(self.path_of(name(free)))
    }

    /// Removes backups that are too many, too old or too much.
    pub(super) fn prune(&self, now: Timestamp) -> Result<(), Error> {
        let Retention { count, age, bytes } = self.retention;
        let is_numbered = matches!(self.names, Names::Numbered(_));
        if age.is_none() && bytes.is_none() && (is_numbered || count == 0) {
            return Ok(());
        }
        let _active = lock(&self.active);
        let mut backups = self.list()?;
        // Numbers beyond the limit are an earlier configuration's; CPython leaves them alone, too.
        let is_beyond = |backup: &Backup| is_numbered && count > 0 && backup.key.number > count;
        backups.retain(|backup| backup.metadata.is_file && !is_beyond(backup));
        let is_same = |a: &Backup, b: &Backup| a.key == b.key;
        let mut left = backups.chunk_by(is_same).count();
        let mut total: u64 = backups.iter().map(|backup| backup.metadata.len).sum();
        let mut failures = Vec::new();
        // As a rule one file; the plain and the compressed one while it is being replaced.
        for files in backups.chunk_by(is_same) {
            let is_excess = (count > 0 && left > count as usize) || bytes.is_some_and(|bytes| total > bytes);
            let is_old = |file: &Backup| age.is_some_and(|age| file.metadata.modified.saturating_add(age) < now);
            if !is_excess && !files.iter().all(is_old) {
                continue;
            }
            left -= 1;
            for Backup { name, metadata, .. } in files {
                total -= metadata.len;
                failures.extend(self.remove(&self.path_of(name)).err());
            }
        }
        Error::gather(failures)
    }

    /// Finishes renames that a crash left half done: a file that has two names of ours loses the newer one.
    pub(super) fn heal(&self) -> Result<(), Error> {
        let _active = lock(&self.active);
        let mut seen = Vec::new();
        let backups = self.list()?.into_iter().map(|backup| (self.path_of(backup.name), backup.metadata));
        let file = self.fs.entry(&self.path).ok().map(|metadata| (self.path.clone(), metadata));
        for (path, metadata) in backups.chain(file).filter(|(_, metadata)| metadata.is_file && metadata.names > 1) {
            if seen.contains(&metadata.id) {
                self.remove(&path)?;
            }
            seen.push(metadata.id);
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let context = |error| Error::io(format_args!("cannot rename {} to {}", from.display(), to.display()), error);
        rename_to_free_name(&*self.fs, from, to).map_err(context)
    }

    /// Removes a file, unless somebody else has done so.
    pub(super) fn remove(&self, path: &Path) -> Result<(), Error> {
        match self.fs.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io(format_args!("cannot remove {}", path.display()), error))
            }
            _ => Ok(()),
        }
    }
}
