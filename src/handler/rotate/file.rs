//! A file that rolls over. Whether it rolls over before a record is decided when the record is formatted; the rollover
//! itself happens when the text is written.
//!
//! So a batch may have several rollovers in its text, each a [`Cut`]:
//!
//! ```text
//! batch       r1 r2 r3 │ r4 r5 │ r6              max_bytes reached before r4 and before r6
//!                      cut 0   cut 1
//! delivery    writes r1 r2 r3, rolls over, writes r4 r5, rolls over, writes r6
//! ```
//!
//! # Invariants
//!
//! * `len` is the length that the file will have when everything before the next record is written: since the last cut,
//!   if there is one. [`note`](FileHooks::note) compares it with the maximum, so no file becomes longer, whatever a
//!   batch holds.
//! * Cuts have positions from the first batch on, not within the current one. Text that could not be written stays,
//!   text before it is removed, and the positions of later cuts remain valid.
//! * A rollover that fails is not tried again with the next record, but after the next tick (`blocked`), about a second
//!   later. Until then the file grows: text is never held back, and never lost, for the sake of a limit.
//! * While cuts wait, the file is not reopened because of a new file at the path ([`tick`](FileHooks::tick)): the text
//!   before the cut belongs to the old file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RotationSchedule;
use super::backups::Backups;
use super::names::Naming;
use super::plan::Retention;
use crate::error::Error;
use crate::handler::disk::resolve_links;
use crate::handler::file::FileHooks;
use crate::handler::log_file::LogFile;
use crate::handler::{Batch, Line};
use crate::time::Timestamp;

/// A file that rolls over.
pub(super) struct RotatingFile {
    pub(super) file: LogFile,
    /// The backups of what the path leads to; see [`locate`](Self::locate).
    pub(super) backups: Arc<Backups>,
    pub(super) naming: Naming,
    pub(super) retention: Retention,
    /// The length that the file stays below, unless one record is longer; `u64::MAX` for no limit.
    pub(super) max_bytes: u64,
    pub(super) schedule: RotationSchedule,
    /// Whether the file rolls over by the schedule, which also has the time zone of the names.
    pub(super) is_timed: bool,
    pub(super) link: Option<PathBuf>,
    #[cfg(feature = "gzip")]
    pub(super) compress: bool,
    #[cfg(feature = "gzip")]
    pub(super) compressor: Option<super::gzip::Compressor>,
    /// The time of the next rollover by the schedule.
    pub(super) next: Timestamp,
    /// The time from which `next` was computed.
    pub(super) since: Timestamp,
    /// The length of the file after the batch is written.
    pub(super) len: u64,
    /// The rollovers within the text that is not written yet.
    pub(super) cuts: Vec<Cut>,
    /// Whether the last rollover failed; the next is tried after a tick.
    pub(super) blocked: bool,
}

/// A rollover before a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// The position of the record's text, counted from the first batch on.
    start: u64,
    time: Timestamp,
    /// Whether the reason is the length of the file; otherwise it is the schedule.
    full: bool,
    /// The end of the file's period.
    period_end: Timestamp,
}

impl Cut {
    /// Returns the position of the record in the batch; 0 if it is no longer there.
    fn place(&self, batch: &Batch) -> usize {
        (self.start.saturating_sub(batch.offset()) as usize).min(batch.bytes().len())
    }
}

impl FileHooks for RotatingFile {
    fn file(&mut self) -> &mut LogFile {
        &mut self.file
    }

    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        let age = self.file.fs.metadata(&self.file.path).ok().filter(|metadata| metadata.is_file && metadata.len > 0);
        if self.is_timed {
            // As old as the file: its last write at the latest, where its creation is not known.
            let since = age.map_or(now, |metadata| metadata.created.min(metadata.modified).min(now));
            (self.since, self.next) = (since, self.schedule.next_after(since));
        }
        let mut failures: Vec<_> = self.locate().err().into_iter().collect();
        failures.extend(self.backups.recover().err());
        failures.extend(self.file.follow_path().err());
        self.opened();
        if let Some(link) = &self.link {
            failures.extend(point(&self.file, link).err());
        }
        #[cfg(feature = "gzip")]
        if self.compress {
            match super::gzip::Compressor::start(&self.backups) {
                Ok(compressor) => self.compressor = Some(compressor),
                Err(error) => failures.push(error),
            }
        }
        Error::gather(failures)
    }

    #[inline]
    fn note(&mut self, time: Timestamp, start: usize, batch: &Batch) {
        let added = (batch.bytes().len() - start) as u64;
        if start == 0 {
            self.begin();
        }
        // Four comparisons per record; everything else is in `consider`.
        if self.len + added >= self.max_bytes || time >= self.next || time < self.since || self.file.open.is_none() {
            self.consider(time, start, added, batch);
        }
        self.len += added;
    }

    fn write(&mut self, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        let mut done = 0;
        if let Err(error) = self.file.close_if_removed() {
            batch.report(error);
        }
        let result = self.write_around(&mut done, line, batch);
        // The cuts that are done, also if the delivery failed after them.
        self.cuts.drain(..done);
        self.opened();
        // What could not be written may come again.
        let waiting = match self.cuts.last() {
            Some(cut) => {
                self.len = 0;
                batch.bytes().len() - cut.place(batch)
            }
            None => batch.rest().len(),
        };
        self.len += waiting as u64;
        result
    }

    fn tick(&mut self, _: Timestamp) -> Result<(), Error> {
        self.blocked = false;
        #[cfg(feature = "gzip")]
        if let Some(compressor) = &self.compressor {
            compressor.look_again();
        }
        self.file.close_if_removed()?;
        // While text waits, it is settled which file it goes to.
        if self.cuts.is_empty() { self.file.follow_path() } else { Ok(()) }
    }

    #[cfg(feature = "gzip")]
    fn close(&mut self) -> Result<(), Error> {
        self.compressor = None;
        Ok(())
    }
}

impl RotatingFile {
    /// Decides whether the file rolls over before the record that is `added` bytes long. Called if the limit or the
    /// time is reached, and so for few records.
    #[cold]
    fn consider(&mut self, time: Timestamp, start: usize, added: u64, batch: &Batch) {
        if self.file.open.is_none() {
            // The next write opens it, and tells what is wrong; here its length counts.
            if start > 0 || self.file.open().is_err() {
                return;
            }
            self.opened();
        }
        if self.blocked || !self.file.open.as_ref().is_some_and(|open| open.is_file) {
            return;
        }
        let period_end = self.next;
        let is_over = time >= self.next;
        if is_over {
            self.expect_next(time);
        } else if time < self.since && self.is_timed && self.schedule.next_after(time) < self.since {
            // The clock was set back by more than a period. Less than that may be threads that overtook each other.
            self.expect_next(time);
        }
        let full = self.len + added >= self.max_bytes;
        if self.len > 0 && (is_over || full) {
            self.cuts.push(Cut { start: batch.offset() + start as u64, time, full: !is_over, period_end });
            self.len = 0;
        }
    }

    /// Computes the next rollover by the schedule.
    fn expect_next(&mut self, time: Timestamp) {
        (self.since, self.next) = (time, self.schedule.next_after(time));
    }

    /// Notes that a batch begins; an earlier one that was not written has failed.
    fn begin(&mut self) {
        if self.file.open.is_some() {
            self.len = self.file.len();
        }
        while let Some(cut) = self.cuts.pop() {
            self.miss(cut);
        }
    }

    /// Postpones a rollover that was not done. The next one then still names the backup after the period that is over.
    fn miss(&mut self, cut: Cut) {
        if !cut.full {
            self.next = self.next.min(cut.period_end);
        }
    }

    /// Writes the batch, with the rollovers at its cuts. `done` becomes the number of cuts that are done, also if an
    /// error ends the delivery.
    fn write_around(&mut self, done: &mut usize, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        while let Some(cut) = self.cuts.get(*done).copied() {
            if self.blocked {
                self.miss(cut);
            } else {
                let end = cut.place(batch);
                if end > 0 {
                    self.file.write_until(end, line, batch)?;
                }
                if let Err(error) = self.roll_over(cut, batch) {
                    batch.report(error);
                    self.blocked = true;
                    self.miss(cut);
                }
            }
            *done += 1;
        }
        self.file.write(line, batch)
    }

    /// Makes the file a backup and opens the next one. If that fails, the file stays open.
    ///
    /// In this order: the text is synced, the file is renamed under the rollover lock, a new file is opened. A process
    /// that is killed before the rename has not rolled over; one that is killed after it has no file at the path, and
    /// the next start creates it.
    fn roll_over(&mut self, cut: Cut, batch: &mut Batch) -> Result<(), Error> {
        let open = self.file.open()?;
        let id = open.id;
        let known = open.len;
        let metadata = open.file.metadata().map_err(|error| self.file.error("look at", error))?;
        if !metadata.is_file || metadata.len == 0 || (cut.full && metadata.len < known) {
            // Another program has truncated it.
            self.file.open()?.len = metadata.len;
            return Ok(());
        }
        // Just before the rename: a link may have been changed since the last rollover.
        self.locate()?;
        self.file.sync().map_err(|error| self.file.error("write to", error))?;
        let shown = match self.is_timed {
            true => self.schedule.period_before(cut.period_end),
            false => self.schedule.shown(cut.time.as_nanos().div_euclid(1_000_000_000)),
        };
        if let Some(error) = self.backups.take(id, shown, cut.time)? {
            batch.report(error);
        }
        self.file.open = Some(self.file.open_anew()?);
        self.opened();
        #[cfg(feature = "gzip")]
        if let Some(compressor) = &self.compressor {
            compressor.look();
        }
        Ok(())
    }

    /// Finds the directory of the backups: that of the file itself, not that of a symbolic link to it. Links may be
    /// created or changed, and their targets be created, at any time.
    fn locate(&mut self) -> Result<(), Error> {
        let place = resolve_links(&*self.file.fs, &self.file.path);
        if place != self.backups.path {
            self.backups = Arc::new(backups(&self.file, place, &self.naming, self.retention));
            self.opened();
            #[cfg(feature = "gzip")]
            if self.compressor.take().is_some() {
                self.compressor = Some(super::gzip::Compressor::start(&self.backups)?);
            }
        }
        Ok(())
    }

    /// Notes the file that was opened.
    fn opened(&mut self) {
        self.len = self.file.len();
        self.backups.set_active(self.file.open.as_ref().map(|open| open.id));
    }
}

/// Makes the [`Backups`] of the file at `place`, to which the log file's path leads.
pub(super) fn backups(file: &LogFile, place: PathBuf, naming: &Naming, retention: Retention) -> Backups {
    let names = naming.names(place.file_name().unwrap_or_default());
    Backups::new(file.fs.clone(), place, names, retention, file.permissions)
}

/// Makes the symbolic link lead to the file.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if there is something else than a link, which is not replaced.
fn point(file: &LogFile, link: &Path) -> Result<(), Error> {
    let is_beside = link.parent() == file.path.parent();
    let target = file.path.file_name().filter(|_| is_beside).map_or(&*file.path, Path::new);
    let make = || {
        match file.fs.entry(link) {
            Ok(entry) if !entry.is_symlink => return Err(io::ErrorKind::AlreadyExists.into()),
            Ok(_) => file.fs.remove(link)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        file.fs.symlink(target, link)
    };
    make().map_err(|error| Error::io(format_args!("cannot make the link {}", link.display()), error))
}
