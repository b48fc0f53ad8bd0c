//! The operations of the file system that file handlers use: a trait, so that tests can inject faults.
//!
//! [`Disk`] is the file system of the operating system. Tests use one that fails or tears operations, and one in memory
//! with which `rotate/model.rs` runs several processes in any order of their operations, and kills them at any.
//!
//! Each method is one operation of the system, not a composition, so a test can fail between any two of them. That is
//! also why `last_byte` takes a [`FileId`]: the path may lead to another file by then, and the answer must be about the
//! file that the handler has open.
//!
//! # Identity of a file
//!
//! A log file is known by device and inode, not by its name: others rename it (logrotate), remove it, or put another
//! file in its place. [`FileId`] is compared before a handler decides that a file is still its own. Windows has no
//! inode that std shows, so the time of creation stands for it there; a file that replaces another one within the
//! clock's resolution is not noticed.
//!
//! # Locks
//!
//! Advisory locks belong to the open file (`flock`, not `fcntl`): two handlers in one process exclude each other, and
//! closing an unrelated descriptor of the same file does not release the lock. The system releases it when the process
//! ends, however it ends.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::time::Timestamp;

/// The operations of a file system.
pub(crate) trait FileSystem: Send + Sync {
    /// Opens a file for appending, and creates it with these permission bits (Unix) if it does not exist.
    fn append(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>>;
    /// Opens a file that is only locked, in a directory where others may create files, as [`append`](Self::append)
    /// does. Does not follow a symbolic link; a FIFO is an error instead of a wait for its reader (Unix).
    fn append_plain(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>>;
    /// Creates a file that must not exist, with these permission bits (Unix).
    #[cfg(feature = "gzip")]
    fn create(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>>;
    /// Opens a file for reading.
    #[cfg(feature = "gzip")]
    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>>;
    /// Reads the last byte of the file that the path leads to, if that is the one with this id and is not empty.
    fn last_byte(&self, path: &Path, id: FileId) -> io::Result<Option<u8>>;
    /// Truncates a file to length 0 if it exists.
    fn truncate(&self, path: &Path) -> io::Result<()>;
    /// Describes the file that the path leads to.
    fn metadata(&self, path: &Path) -> io::Result<FileMetadata>;
    /// Describes the directory entry, which may be a symbolic link.
    fn entry(&self, path: &Path) -> io::Result<FileMetadata>;
    /// Gives a file a second name (a hard link), which must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file, over one that has the name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Lists the names in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Returns the target of a symbolic link.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// Creates a symbolic link.
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()>;
    /// Creates a directory and its ancestors, as far as they do not exist.
    fn create_dirs(&self, directory: &Path) -> io::Result<()>;
    /// Waits, for another process to release a lock.
    fn pause(&self, time: Duration);
}

/// An open file.
pub(crate) trait OpenFile: Send {
    fn metadata(&self) -> io::Result<FileMetadata>;
    /// Takes an advisory lock on the file without waiting; closing the file releases it. Returns `false` if another
    /// open file has a conflicting lock. Where the file system has no locks, the answer is `true`.
    fn try_lock(&self, lock: Lock) -> bool;
}

/// An advisory lock (`flock`), which belongs to the open file: two handlers of one process exclude each other as two
/// processes do, and the system releases it when the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// The lock of all writers of a log file. No effect on Windows, where a lock would prevent its owner from writing.
    Shared,
    Exclusive,
}

/// A file that is open for reading.
#[cfg(feature = "gzip")]
pub(crate) trait ReadFile: OpenFile + Read {}

/// A file that is open for writing.
pub(crate) trait AppendFile: OpenFile + Write {
    /// Waits until the disk has the data.
    fn sync(&self) -> io::Result<()>;
    /// Sets when the file was modified last.
    #[cfg(feature = "gzip")]
    fn set_modified(&self, time: Timestamp) -> io::Result<()>;
}

/// The metadata of a file.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct FileMetadata {
    /// Whether it is an ordinary file: no directory, device, FIFO or symbolic link.
    pub(crate) is_file: bool,
    /// Whether opening it may wait for a reader.
    pub(crate) is_fifo: bool,
    pub(crate) is_symlink: bool,
    /// The length in bytes.
    pub(crate) len: u64,
    /// The time of the last write.
    pub(crate) modified: Timestamp,
    /// The time of its creation; of the last write if that is not known.
    pub(crate) created: Timestamp,
    /// The identity of the file.
    pub(crate) id: FileId,
    /// Its permission bits, on Unix.
    #[cfg(feature = "gzip")]
    pub(crate) permissions: Option<u32>,
    /// The number of its names (hard links); 1 where that is not known.
    pub(crate) names: u64,
}

/// Device and inode on Unix; elsewhere the time of creation and 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct FileId(pub(super) u64, pub(super) u64);

impl From<fs::Metadata> for FileMetadata {
    fn from(metadata: fs::Metadata) -> Self {
        let modified = metadata.modified().map_or(Timestamp::MIN, Timestamp::from_system_time);
        let created = metadata.created().map_or(modified, Timestamp::from_system_time);
        #[cfg(unix)]
        let (id, names, is_fifo) = {
            use std::os::unix::fs::{FileTypeExt, MetadataExt};
            (FileId(metadata.dev(), metadata.ino()), metadata.nlink(), metadata.file_type().is_fifo())
        };
        #[cfg(not(unix))]
        let (id, names, is_fifo) = (FileId(created.as_nanos() as u64, 0), 1, false);
        Self {
            is_file: metadata.is_file(),
            is_fifo,
            is_symlink: metadata.is_symlink(),
            len: metadata.len(),
            modified,
            created,
            id,
            #[cfg(all(unix, feature = "gzip"))]
            permissions: Some(std::os::unix::fs::MetadataExt::mode(&metadata) & 0o777),
            #[cfg(all(not(unix), feature = "gzip"))]
            permissions: None,
            names,
        }
    }
}

/// The file system of the operating system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk;

impl FileSystem for Disk {
    fn append(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(Handle::new(options(permissions).create(true).append(true).open(path)?)))
    }

    fn append_plain(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        let mut options = options(permissions);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
        Ok(Box::new(Handle::new(options.create(true).append(true).open(path)?)))
    }

    #[cfg(feature = "gzip")]
    fn create(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(Handle::new(options(permissions).create_new(true).write(true).open(path)?)))
    }

    #[cfg(feature = "gzip")]
    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        Ok(Box::new(Handle::new(File::open(path)?)))
    }

    fn last_byte(&self, path: &Path, id: FileId) -> io::Result<Option<u8>> {
        let mut file = File::open(path)?;
        let metadata = FileMetadata::from(file.metadata()?);
        if metadata.id != id || metadata.len == 0 {
            return Ok(None);
        }
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(Some(byte[0]))
    }

    fn truncate(&self, path: &Path) -> io::Result<()> {
        match OpenOptions::new().write(true).truncate(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map(drop),
        }
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        Ok(fs::metadata(path)?.into())
    }

    fn entry(&self, path: &Path) -> io::Result<FileMetadata> {
        Ok(fs::symlink_metadata(path)?.into())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::symlink(target, link);
        #[cfg(windows)]
        return std::os::windows::fs::symlink_file(target, link);
        #[cfg(not(any(unix, windows)))]
        return Err(io::ErrorKind::Unsupported.into());
    }

    fn create_dirs(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

fn options(permissions: Option<u32>) -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has permission bits"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    if let Some(bits) = permissions {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, bits);
    }
    #[cfg(not(unix))]
    let _ = permissions;
    options
}

/// A file of the system, with its lock.
struct Handle {
    file: File,
    is_locked: AtomicBool,
}

impl Handle {
    fn new(file: File) -> Self {
        Self { file, is_locked: AtomicBool::new(false) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A child of `fork` has the same open file, and with it the lock, which closing it here alone would not
        // release.
        if self.is_locked.load(Relaxed) {
            let _ = self.file.unlock();
        }
    }
}

impl OpenFile for Handle {
    fn metadata(&self) -> io::Result<FileMetadata> {
        Ok(self.file.metadata()?.into())
    }

    fn try_lock(&self, lock: Lock) -> bool {
        let locked = match lock {
            Lock::Shared if cfg!(not(unix)) => return true,
            Lock::Shared => self.file.try_lock_shared(),
            Lock::Exclusive => self.file.try_lock(),
        };
        self.is_locked.fetch_or(locked.is_ok(), Relaxed);
        !matches!(locked, Err(fs::TryLockError::WouldBlock))
    }
}

#[cfg(feature = "gzip")]
impl Read for Handle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

#[cfg(feature = "gzip")]
impl ReadFile for Handle {}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl AppendFile for Handle {
    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    #[cfg(feature = "gzip")]
    fn set_modified(&self, time: Timestamp) -> io::Result<()> {
        self.file.set_times(fs::FileTimes::new().set_modified(time.to_system_time()))
    }
}

/// Returns the path at the end of a chain of symbolic links. A file need not exist there.
pub(crate) fn resolve_links(fs: &dyn FileSystem, path: &Path) -> PathBuf {
    /// The limit of Linux.
    const LONGEST_CHAIN: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..LONGEST_CHAIN {
        match fs.read_link(&place) {
            Ok(target) => place = place.parent().map_or(target.clone(), |parent| parent.join(&target)),
            Err(_) => return place,
        }
    }
    path.to_owned()
}

/// Renames a file to a name that must be free.
///
/// Not every system has such a call. So the file gets the second name before it loses the first: if the name is taken,
/// the first step fails. After a crash between the steps, the file has both names.
///
/// # Errors
///
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the name is taken, or the system's error.
pub(crate) fn rename_to_free_name(fs: &dyn FileSystem, from: &Path, to: &Path) -> io::Result<()> {
    match fs.link(from, to) {
        Ok(()) => match fs.remove(from) {
            // Another process has removed the first name, so the second is the only one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                // Undoes the first step, so that the file does not keep two names; unless the second is the only one.
                if let (Ok(first), Ok(second)) = (fs.entry(from), fs.entry(to))
                    && first.id == second.id
                {
                    let _ = fs.remove(to);
                }
                Err(error)
            }
            Ok(()) => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems have no hard links.
        Err(_) => match fs.entry(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs.rename(from, to),
            Err(error) => Err(error),
        },
    }
}
