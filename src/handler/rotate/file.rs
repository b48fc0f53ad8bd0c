//! A file that rolls over: where in the text, decided for each record as it comes; and how, done when the text is written.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RotationSchedule;
use super::backups::Backups;
use crate::error::Error;
use crate::handler::file::Target;
use crate::handler::log_file::LogFile;
use crate::handler::{Batch, Line};
use crate::sync::lock;
use crate::time::Timestamp;

/// A file that rolls over.
pub(super) struct RotatingFile {
    pub(super) file: LogFile,
    pub(super) backups: Arc<Backups>,
    /// The length that the file does not reach, unless one record does; `u64::MAX` for no limit.
    pub(super) max_bytes: u64,
    pub(super) schedule: RotationSchedule,
    /// Whether the schedule counts; it always has the zone of the names.
    pub(super) is_timed: bool,
    pub(super) link: Option<PathBuf>,
    #[cfg(feature = "gzip")]
    pub(super) compress: bool,
    #[cfg(feature = "gzip")]
    pub(super) compressor: Option<super::gzip::Compressor>,
    /// The time from which on the file is too old.
    pub(super) next: Timestamp,
    /// The time that `next` was worked out for.
    pub(super) since: Timestamp,
    /// How long the file will be when the batch is written.
    pub(super) len: u64,
    /// Where the batch goes over to the next file.
    pub(super) cuts: Vec<Cut>,
    /// Whether the last rollover failed; the next is tried after a tick.
    pub(super) blocked: bool,
}

/// A rollover to be done before the record whose text starts here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    start: usize,
    time: Timestamp,
    /// Whether the file is full; else it is too old.
    full: bool,
    /// When the file's period ends.
    period_end: Timestamp,
}

impl Target for RotatingFile {
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
        let mut failures: Vec<_> = self.backups.heal().err().into_iter().collect();
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
        if self.len + added >= self.max_bytes || time >= self.next || time < self.since || self.file.open.is_none() {
            self.consider(time, start, added);
        }
        self.len += added;
    }

    fn write(&mut self, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        let mut cuts = mem::take(&mut self.cuts);
        let result = self.write_around(&mut cuts, line, batch);
        cuts.clear();
        self.cuts = cuts;
        self.opened();
        result
    }

    fn tick(&mut self, _: Timestamp) -> Result<(), Error> {
        self.blocked = false;
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
    /// Decides whether the file rolls over before the record that is `added` bytes long.
    #[cold]
    fn consider(&mut self, time: Timestamp, start: usize, added: u64) {
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
            // The clock was put back by more than a period. Less than that may be threads that overtook each other.
            self.expect_next(time);
        }
        let full = self.len + added >= self.max_bytes;
        if self.len > 0 && (is_over || full) {
            self.cuts.push(Cut { start, time, full: !is_over, period_end });
            self.len = 0;
        }
    }

    fn expect_next(&mut self, time: Timestamp) {
        (self.since, self.next) = (time, self.schedule.next_after(time));
    }

    fn write_around(&mut self, cuts: &mut Vec<Cut>, line: &Line, batch: &mut Batch) -> Result<(), Error> {
        let mut missed: Option<Timestamp> = None;
        let mut result = Ok(());
        for cut in cuts.drain(..) {
            if result.is_ok() && !self.blocked {
                if cut.start > 0 {
                    result = self.file.write_until(cut.start, line, batch);
                }
                if result.is_ok() {
                    match self.roll_over(cut, batch) {
                        Ok(()) => continue,
                        Err(error) => {
                            batch.report(error);
                            self.blocked = true;
                        }
                    }
                }
            }
            // Tried again later, under the name of the period.
            if !cut.full {
                missed = Some(missed.map_or(cut.period_end, |missed| missed.min(cut.period_end)));
            }
        }
        if let Some(missed) = missed {
            self.next = self.next.min(missed);
        }
        result?;
        self.file.write(line, batch)
    }

    /// Makes the file a backup and opens the next. If that fails, the file stays open.
    fn roll_over(&mut self, cut: Cut, batch: &mut Batch) -> Result<(), Error> {
        let open = self.file.open()?;
        let id = open.id;
        let known = open.len;
        let metadata = open.file.metadata().map_err(|error| self.file.error("look at", error))?;
        if !metadata.is_file || metadata.len == 0 || (cut.full && metadata.len < known) {
            // Somebody has cut it.
            self.file.open()?.len = metadata.len;
            return Ok(());
        }
        match self.file.fs.entry(&self.file.path) {
            Ok(entry) if entry.id == id => {
                self.file.sync().map_err(|error| self.file.error("write to", error))?;
                let shown = match self.is_timed {
                    true => self.schedule.period_before(cut.period_end),
                    false => self.schedule.shown(cut.time.as_nanos().div_euclid(1_000_000_000)),
                };
                self.backups.take(shown)?;
            }
            // Somebody else has made a backup of it, or removed it.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.file.error("look at", error)),
        }
        self.file.open = Some(self.file.open_anew()?);
        self.opened();
        // A record that the old file has half is not continued in the new one.
        batch.mend();
        if let Err(error) = self.backups.prune(cut.time) {
            batch.report(error);
        }
        #[cfg(feature = "gzip")]
        if let Some(compressor) = &self.compressor {
            compressor.look();
        }
        Ok(())
    }

    /// Takes note of the file that was opened.
    fn opened(&mut self) {
        let open = self.file.open.as_ref();
        self.len = open.map_or(0, |open| open.len);
        *lock(&self.backups.active) = open.map(|open| open.id);
    }
}

/// Makes the symbolic link lead to the file. Anything else of that name stays.
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
