//! Plans of rollovers, recoveries and retention: pure functions of a listing of the directory.
//!
//! A plan is a list of steps, each of which is one change of the directory. A process may be killed between any two. So
//! the owner of the rollover lock first lists the directory and carries out [`recovery`], which completes what a
//! process that was killed has begun, and only then plans its own changes:
//!
//! | the directory has | because a process was killed | the next one |
//! |---|---|---|
//! | one file as `app.log` and `app.log.1` | between the two halves of a rename | removes the newer name |
//! | `app.log.1.gz.old` and `app.log.1.gz` | before it removed the plain text | removes `app.log.1.gz.old` |
//! | `app.log.1.gz.old` alone | before the compressed text had its name | renames it back to `app.log.1` |
//! | `app.log.2` … and no `app.log.1` | while it renamed the backups | continues: the gap is filled |
//!
//! # Invariants
//!
//! * No step loses text: a rename goes to a free name, and a removal is of a second name of a file, of text that exists
//!   in compressed form, or of a backup that retention no longer keeps.
//! * Every state between two steps differs from the states between any other two. So recovery needs no journal; names
//!   and inodes say what was under way.
//! * Recovery can itself be killed between two steps, and the next recovery completes it: each step makes its plan one
//!   step shorter.
//! * Files whose names the pattern does not produce are never touched, and neither are directories and links that have
//!   such a name.
//!
//! # Example
//!
//! A rollover with `backup_count` 2, numbered names, and the files `app.log`, `app.log.1` and `app.log.2`:
//!
//! ```text
//! step                           app.log   app.log.1   app.log.2
//!                                C         B           A
//! remove app.log.2               C         B                       retention: two backups
//! rename app.log.1 app.log.2     C                     B           a kill here leaves a gap, which is harmless
//! rename app.log app.log.1                 C           B
//! (the handler opens app.log)    (new)     C           B
//! ```

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use super::names::{BackupNames, BackupOrder, compressed};
use crate::handler::disk::{FileId, FileMetadata};
use crate::time::Timestamp;

/// The limits of retention.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Retention {
    /// The maximum number of backups; 0 for no limit.
    pub(super) count: u32,
    /// The maximum time since the last write to a backup.
    pub(super) age: Option<Duration>,
    /// The maximum sum of the lengths of all backups.
    pub(super) bytes: Option<u64>,
}

/// The files of one log file in a directory.
#[derive(Debug)]
pub(super) struct Listing {
    /// The name of the file that is written to.
    pub(super) base: OsString,
    /// The file with this name, if there is one.
    pub(super) file: Option<FileMetadata>,
    /// Everything with a backup's name, the oldest first.
    pub(super) backups: Vec<Backup>,
    /// Backups whose compressed text is about to replace them.
    pub(super) set_aside: Vec<Backup>,
}

/// A directory entry with a backup's name. It may be something else than a file, which is then left alone.
#[derive(Debug, Clone)]
pub(super) struct Backup {
    pub(super) name: OsString,
    pub(super) key: BackupOrder,
    pub(super) compressed: bool,
    pub(super) metadata: FileMetadata,
}

/// The suffix, after that of a compressed backup, of the plain backup that is about to be replaced.
const SET_ASIDE: &str = ".old";

/// The suffix, after that of a compressed backup, while it is being written.
#[cfg(feature = "gzip")]
const UNFINISHED: &str = ".tmp";

/// Returns the name of a plain backup that is about to be replaced.
#[cfg(feature = "gzip")]
fn set_aside(name: &OsStr) -> OsString {
    let mut name = compressed(name);
    name.push(SET_ASIDE);
    name
}

/// Returns the name of the compressed form of a backup while it is being written.
#[cfg(feature = "gzip")]
pub(super) fn unfinished(name: &OsStr) -> OsString {
    let mut name = compressed(name);
    name.push(UNFINISHED);
    name
}

/// Returns whether this is the name of a compressed backup that is being written.
#[cfg(feature = "gzip")]
pub(super) fn is_unfinished(names: &BackupNames, name: &OsStr) -> bool {
    names.parse_with(UNFINISHED, name).is_some()
}

/// A change of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Renames a file to a name that must be free.
    Rename {
        from: OsString,
        to: OsString,
    },
    Remove(OsString),
}

impl Step {
    fn rename(from: impl Into<OsString>, to: impl Into<OsString>) -> Self {
        Self::Rename { from: from.into(), to: to.into() }
    }
}

impl Listing {
    pub(super) fn new(base: OsString) -> Self {
        Self { base, file: None, backups: Vec::new(), set_aside: Vec::new() }
    }

    /// Returns whether a file of this name belongs to this log file.
    pub(super) fn concerns(&self, names: &BackupNames, name: &OsStr) -> bool {
        self.base == name || names.parse(name).is_some() || names.parse_with(SET_ASIDE, name).is_some()
    }

    /// Adds a file, if it belongs to this log file.
    pub(super) fn add(&mut self, names: &BackupNames, name: OsString, metadata: FileMetadata) {
        if self.base == name {
            self.file = Some(metadata);
        } else if let Some((key, compressed)) = names.parse(&name) {
            self.backups.push(Backup { name, key, compressed, metadata });
        } else if let Some(key) = names.parse_with(SET_ASIDE, &name).filter(|_| metadata.is_file) {
            self.set_aside.push(Backup { name, key, compressed: false, metadata });
        }
    }

    pub(super) fn sort(&mut self, names: &BackupNames) {
        self.backups.sort_by_key(|backup| (backup.key, backup.compressed));
        if let BackupNames::Numbered(_) = names {
            self.backups.reverse();
        }
    }

    #[cfg(feature = "gzip")]
    fn has(&self, name: &OsStr) -> bool {
        self.backups.iter().any(|backup| backup.name == name)
    }

    /// Returns the plain backup that is this file, wherever it has moved to.
    #[cfg(feature = "gzip")]
    pub(super) fn plain(&self, id: FileId) -> Option<&Backup> {
        let is_plain = |backup: &&Backup| backup.metadata.is_file && !backup.compressed;
        self.backups.iter().filter(is_plain).find(|backup| backup.metadata.id == id)
    }

    /// Returns the backups to be compressed, the oldest first: plain ones without a compressed form of the same name.
    #[cfg(feature = "gzip")]
    pub(super) fn to_compress(&self) -> impl Iterator<Item = &Backup> {
        let is_plain = |backup: &&Backup| backup.metadata.is_file && !backup.compressed;
        self.backups.iter().filter(is_plain).filter(|backup| !self.has(&compressed(&backup.name)))
    }
}

/// Plans the steps that complete the changes of a process that was killed. Empty if there is nothing to complete.
pub(super) fn recovery(names: &BackupNames, listing: &Listing) -> Vec<Step> {
    let mut steps = Vec::new();
    for aside in &listing.set_aside {
        let of_key = |compressed| {
            let same = |backup: &&Backup| backup.key == aside.key && backup.compressed == compressed;
            listing.backups.iter().find(same).map(|backup| backup.metadata)
        };
        match (of_key(false), of_key(true)) {
            // Killed between the two halves of a rename: both names are of one file.
            (Some(plain), _) if plain.id == aside.metadata.id => steps.push(Step::Remove(aside.name.clone())),
            // The compressed file has the modification time of the plain one. One that has not is of another program.
            (None, Some(finished)) if finished.modified == aside.metadata.modified => {
                steps.push(Step::Remove(aside.name.clone()));
            }
            (None, _) => steps.push(Step::rename(&aside.name, names.name(aside.key))),
            (Some(_), _) => {}
        }
    }
    // Of a file with two of these names, the newer name is removed.
    let mut seen: Vec<FileId> = Vec::new();
    let backups = listing.backups.iter().map(|backup| (&backup.name, backup.metadata));
    let file = listing.file.iter().map(|metadata| (&listing.base, *metadata));
    for (name, metadata) in backups.chain(file).filter(|(_, metadata)| metadata.is_file && metadata.names > 1) {
        if seen.contains(&metadata.id) {
            steps.push(Step::Remove(name.clone()));
        }
        seen.push(metadata.id);
    }
    steps
}

/// Plans the rename that makes a backup of the file, after what makes room for it. `shown` is the start of its period.
/// Returns `None` if there is no free name.
pub(super) fn rollover(names: &BackupNames, listing: &Listing, retention: &Retention, shown: i64) -> Option<Vec<Step>> {
    let (mut steps, name) = match names {
        BackupNames::Numbered(_) => shift(names, listing, retention)?,
        BackupNames::Pattern(_) => (Vec::new(), next(names, listing, shown)),
    };
    steps.push(Step::rename(&listing.base, name));
    Some(steps)
}

/// Returns the first free name of the period that sorts after all others of the period.
fn next(names: &BackupNames, listing: &Listing, shown: i64) -> OsString {
    let mut key = names.key(shown);
    let of_period = listing.backups.iter().filter(|backup| backup.key.date == key.date);
    if let Some(last) = of_period.map(|backup| backup.key.number).max() {
        key.number = key.number.max(last.saturating_add(1));
    }
    if names.name(key) == listing.base {
        key.number += 1;
    }
    names.name(key)
}

/// Makes the first number free: every backup up to the first gap gets the next number, the oldest first; without a gap
/// the oldest is removed. What has a backup's name and is not a file is passed over.
fn shift(names: &BackupNames, listing: &Listing, retention: &Retention) -> Option<(Vec<Step>, OsString)> {
    let of_number = |number| listing.backups.iter().filter(move |backup| backup.key.number == number);
    let is_foreign = |number| of_number(number).any(|backup| !backup.metadata.is_file);
    let limit = if retention.count == 0 { u32::MAX } else { retention.count };
    let mut taken = Vec::new();
    let mut free = None;
    for number in (1..=limit).filter(|number| !is_foreign(*number)) {
        if of_number(number).next().is_none() {
            free = Some(number);
            break;
        }
        taken.push(number);
    }
    let mut steps = Vec::new();
    let mut free = match free {
        Some(free) => free,
        None => {
            let oldest = taken.pop()?;
            steps.extend(of_number(oldest).map(|backup| Step::Remove(backup.name.clone())));
            oldest
        }
    };
    let name = |number| names.name(BackupOrder { number, ..BackupOrder::default() });
    for number in taken.into_iter().rev() {
        for backup in of_number(number) {
            let to = if backup.compressed { compressed(&name(free)) } else { name(free) };
            steps.push(Step::rename(&backup.name, to));
        }
        free = number;
    }
    Some((steps, name(free)))
}

/// Plans the removal of backups that exceed the limits of retention, the oldest first.
pub(super) fn excess(names: &BackupNames, listing: &Listing, retention: &Retention, now: Timestamp) -> Vec<Step> {
    let Retention { count, age, bytes } = *retention;
    let is_numbered = matches!(names, BackupNames::Numbered(_));
    // Numbers beyond the limit are an earlier configuration's; CPython leaves them alone as well.
    let is_beyond = |backup: &&Backup| is_numbered && count > 0 && backup.key.number > count;
    let backups = listing.backups.iter().filter(|backup| backup.metadata.is_file && !is_beyond(backup));
    let backups: Vec<_> = backups.collect();
    // As a rule one file; a stranger may have compressed one and kept the plain one.
    let is_same = |a: &&Backup, b: &&Backup| a.key == b.key;
    let mut left = backups.chunk_by(is_same).count();
    let mut total: u64 = backups.iter().map(|backup| backup.metadata.len).sum();
    let mut steps = Vec::new();
    for files in backups.chunk_by(is_same) {
        let is_excess = (count > 0 && left > count as usize) || bytes.is_some_and(|bytes| total > bytes);
        let is_old = |file: &&Backup| age.is_some_and(|age| file.metadata.modified.saturating_add(age) < now);
        if is_excess || files.iter().all(is_old) {
            left -= 1;
            total -= files.iter().map(|file| file.metadata.len).sum::<u64>();
            steps.extend(files.iter().map(|file| Step::Remove(file.name.clone())));
        }
    }
    steps
}

/// Plans how compressed text that was written to `unfinished` takes the place of a plain backup. Returns `None` if the
/// name of the compressed form is taken.
#[cfg(feature = "gzip")]
pub(super) fn replacement(listing: &Listing, plain: &Backup, unfinished: &OsStr) -> Option<[Step; 3]> {
    let target = compressed(&plain.name);
    if listing.has(&target) {
        return None;
    }
    let aside = set_aside(&plain.name);
    Some([Step::rename(&plain.name, &aside), Step::rename(unfinished, target), Step::Remove(aside)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: u64 = 10;

    fn metadata(inode: u64, names: u64) -> FileMetadata {
        FileMetadata { id: FileId(0, inode), names, len: LEN, is_file: true, ..FileMetadata::default() }
    }

    /// Lists files of these names, inodes and numbers of names.
    fn listing(names: &BackupNames, files: &[(&str, u64, u64)]) -> Listing {
        let mut listing = Listing::new("app.log".into());
        for (name, inode, links) in files {
            listing.add(names, (*name).into(), metadata(*inode, *links));
        }
        listing.sort(names);
        listing
    }

    fn said(steps: Vec<Step>) -> Vec<String> {
        let said = |step| match step {
            Step::Rename { from, to } => format!("{} > {}", from.display(), to.display()),
            Step::Remove(name) => format!("remove {}", name.display()),
        };
        steps.into_iter().map(said).collect()
    }

    #[test]
    fn backups_move_up_to_the_first_gap() {
        let names = BackupNames::Numbered("app.log".into());
        let files = [("app.log", 0, 1), ("app.log.1", 1, 1), ("app.log.2.gz", 2, 1), ("app.log.4", 4, 1)];
        let steps = |count| {
            let retention = Retention { count, ..Retention::default() };
            said(rollover(&names, &listing(&names, &files), &retention, 0).unwrap())
        };
        let moved = ["app.log.2.gz > app.log.3.gz", "app.log.1 > app.log.2", "app.log > app.log.1"];
        assert_eq!((steps(0), steps(9)), (moved.map(str::to_owned).to_vec(), moved.map(str::to_owned).to_vec()));
        assert_eq!(steps(2), ["remove app.log.2.gz", "app.log.1 > app.log.2", "app.log > app.log.1"]);
        assert_eq!(steps(1), ["remove app.log.1", "app.log > app.log.1"]);
    }

    #[test]
    fn what_a_process_left_half_done_is_completed() {
        let names = BackupNames::Numbered("app.log".into());
        for (files, steps) in [
            (&[("app.log", 1, 1), ("app.log.1", 2, 1)][..], &[][..]),
            // A second name elsewhere does not matter.
            (&[("app.log", 1, 2)], &[]),
            (&[("app.log", 1, 2), ("app.log.1", 1, 2)], &["remove app.log"]),
            (&[("app.log.1", 1, 2), ("app.log.2", 1, 2), ("app.log.3.gz", 3, 1)], &["remove app.log.1"]),
            (&[("app.log.1.gz.old", 1, 1)], &["app.log.1.gz.old > app.log.1"]),
            (&[("app.log.1.gz.old", 1, 2), ("app.log.1", 1, 2)], &["remove app.log.1.gz.old"]),
            (&[("app.log.1.gz.old", 1, 1), ("app.log.1.gz", 2, 1)], &["remove app.log.1.gz.old"]),
            (&[("app.log.1.gz.old", 1, 1), ("app.log.1", 2, 1)], &[]),
        ] {
            assert_eq!(said(recovery(&names, &listing(&names, files))), *steps, "{files:?}");
        }
    }

    #[test]
    fn dated_names_follow_the_greatest_of_their_period() {
        let names = BackupNames::dated("app.log".into(), "%Y");
        let files = [("app.log.1970", 1, 1), ("app.log.1970.7.gz", 2, 1), ("app.log.1971", 3, 1)];
        let retention = Retention { count: 1, bytes: Some(3 * LEN), ..Retention::default() };
        let listing = listing(&names, &files);
        assert_eq!(said(rollover(&names, &listing, &retention, 0).unwrap()), ["app.log > app.log.1970.8"]);
        let removed = ["remove app.log.1970", "remove app.log.1970.7.gz"];
        assert_eq!(said(excess(&names, &listing, &retention, Timestamp::MIN)), removed);
    }
}
