//! The file system as handlers of files see it: a value, so that tests can put faults into it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::time::Timestamp;

/// What handlers of files ask of a file system.
pub(crate) trait FileSystem: Send + Sync {
    /// Opens a file for appending and creates it if it is not there, with these permission bits (Unix).
    fn append(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>>;
    /// Creates a file that must not be there, with these permission bits (Unix).
    #[cfg(feature = "gzip")]
    fn create(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>>;
    /// Opens a file for reading.
    #[cfg(feature = "gzip")]
    fn read(&self, path: &Path) -> io::Result<Box<dyn io::Read + Send>>;
    /// Cuts a file to nothing if it is there.
    fn truncate(&self, path: &Path) -> io::Result<()>;
    /// Describes the file that the path leads to.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Describes what has this name, which may be a symbolic link.
    fn entry(&self, path: &Path) -> io::Result<Metadata>;
    /// Gives a file a second name that must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file, over one that has the name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Lists the names in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Creates a symbolic link.
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()>;
    /// Creates a directory and those above it.
    fn create_dirs(&self, directory: &Path) -> io::Result<()>;
}

/// An open file.
pub(crate) trait AppendFile: Write + Send {
    fn metadata(&self) -> io::Result<Metadata>;
    /// Waits until the disk has the data.
    fn sync(&self) -> io::Result<()>;
    /// Sets when the file was modified last.
    #[cfg(feature = "gzip")]
    fn set_modified(&self, time: Timestamp) -> io::Result<()>;
}

/// What a file is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metadata {
    /// Whether it is an ordinary file: no directory, device, FIFO or symbolic link.
    pub(crate) is_file: bool,
    /// Whether opening it may wait for a reader.
    pub(crate) is_fifo: bool,
    pub(crate) is_symlink: bool,
    /// The length in bytes.
    pub(crate) len: u64,
    /// When it was written to last.
    pub(crate) modified: Timestamp,
    /// When it was created; when it was written to last if that is not known.
    pub(crate) created: Timestamp,
    /// What tells the file from all others.
    pub(crate) id: FileId,
    /// Its permission bits, on Unix.
    #[cfg(feature = "gzip")]
    pub(crate) permissions: Option<u32>,
    /// How many names it has; 1 where that is not known.
    pub(crate) names: u64,
}

/// Device and inode on Unix; elsewhere the time of creation and 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

impl From<fs::Metadata> for Metadata {
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

/// The system's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk;

impl FileSystem for Disk {
    fn append(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(options(permissions).create(true).append(true).open(path)?))
    }

    #[cfg(feature = "gzip")]
    fn create(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(options(permissions).create_new(true).write(true).open(path)?))
    }

    #[cfg(feature = "gzip")]
    fn read(&self, path: &Path) -> io::Result<Box<dyn io::Read + Send>> {
        Ok(Box::new(File::open(path)?))
    }

    fn truncate(&self, path: &Path) -> io::Result<()> {
        match OpenOptions::new().write(true).truncate(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map(drop),
        }
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        Ok(fs::metadata(path)?.into())
    }

    fn entry(&self, path: &Path) -> io::Result<Metadata> {
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

impl AppendFile for File {
    fn metadata(&self) -> io::Result<Metadata> {
        Ok(self.metadata()?.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(feature = "gzip")]
    fn set_modified(&self, time: Timestamp) -> io::Result<()> {
        self.set_times(fs::FileTimes::new().set_modified(time.to_system_time()))
    }
}

/// Renames a file to a name that must be free.
///
/// There is no such call in every system, so the file gets its second name before it loses the first: a name that is
/// taken makes the first step fail. After a crash between the steps, the file has both names.
///
/// # Errors
///
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the name is taken, or the system's error.
pub(crate) fn rename_to_free_name(fs: &dyn FileSystem, from: &Path, to: &Path) -> io::Result<()> {
    match fs.link(from, to) {
        Ok(()) => fs.remove(from).inspect_err(|_| {
            // As it was before, so that the file is not found twice.
            let _ = fs.remove(to);
        }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems have no second names.
        Err(_) => match fs.entry(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs.rename(from, to),
            Err(error) => Err(error),
        },
    }
}
