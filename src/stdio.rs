//! Standard output and standard error, through duplicates of their file descriptors.

#[cfg(any(unix, windows))]
use std::fs::File;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// Standard output or standard error, through a duplicate of its file descriptor.
///
/// The descriptor is duplicated when this is made. Writes take no lock: a thread that holds `std::io::stdout().lock()`,
/// or a `fork` while another thread prints, does not block them. What the program does with the descriptors 1 and 2
/// later (close them, open another file that gets their number, `dup2`) does not change where this writes.
///
/// A write to a stream that another process made non-blocking waits until there is room, as it does on one that blocks.
#[derive(Debug)]
pub struct StandardStream {
    name: &'static str,
    /// `None` if the stream was closed when it was duplicated.
    descriptor: Option<imp::Descriptor>,
}

/// The first and the longest pause before a non-blocking stream that had no room is tried again.
const NAPS: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

impl StandardStream {
    pub(crate) fn stdout() -> io::Result<Self> {
        Ok(Self { name: "standard output", descriptor: imp::stdout()? })
    }

    pub(crate) fn stderr() -> io::Result<Self> {
        Ok(Self { name: "standard error", descriptor: imp::stderr()? })
    }
}

impl Write for &StandardStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(descriptor) = &self.descriptor else {
            return Err(io::Error::new(io::ErrorKind::NotConnected, format!("{} is closed", self.name)));
        };
        let (mut nap, longest) = NAPS;
        loop {
            match descriptor.write(bytes) {
                // A parent or another process has set `O_NONBLOCK`, which applies to all that share the stream.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(nap),
                outcome => return outcome,
            }
            nap = (nap * 2).min(longest);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for StandardStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

#[cfg(unix)]
mod imp {
    use std::os::fd::{AsFd, IntoRawFd};
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// A duplicate and the identity of its file: device and inode.
    ///
    /// A program that closes all descriptors, as daemons do after a `fork`, closes this one as well, and may then give
    /// its number to another file. Nothing is written to that one, and it is not closed.
    #[derive(Debug)]
    pub(super) struct Descriptor {
        /// `None` only while this is being dropped.
        file: Option<File>,
        identity: (u64, u64),
    }

    pub(super) fn stdout() -> io::Result<Option<Descriptor>> {
        Descriptor::duplicate(io::stdout())
    }

    pub(super) fn stderr() -> io::Result<Option<Descriptor>> {
        Descriptor::duplicate(io::stderr())
    }

    fn identity(file: &File) -> io::Result<(u64, u64)> {
        file.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
    }

    impl Descriptor {
        fn duplicate(stream: impl AsFd) -> io::Result<Option<Self>> {
            let file = match stream.as_fd().try_clone_to_owned() {
                Ok(descriptor) => File::from(descriptor),
                // The program was started without this stream, or has closed it.
                Err(error) if error.raw_os_error() == Some(libc::EBADF) => return Ok(None),
                Err(error) => return Err(error),
            };
            Ok(Some(Self { identity: identity(&file)?, file: Some(file) }))
        }

        /// Returns the file, unless its descriptor was closed or is that of another file by now.
        fn own(&self) -> Option<&File> {
            self.file.as_ref().filter(|file| identity(file).is_ok_and(|found| found == self.identity))
        }

        pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            match self.own() {
                Some(mut file) => file.write(bytes),
                None => Err(io::Error::other("the program closed the descriptor of a handler")),
            }
        }
    }

    impl Drop for Descriptor {
        fn drop(&mut self) {
            if self.own().is_none() {
                // Not closed: by now the number is another file's.
                let _ = self.file.take().map(IntoRawFd::into_raw_fd);
            }
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use super::*;

    #[derive(Debug)]
    pub(super) enum Descriptor {
        #[cfg(windows)]
        File(File),
        /// std writes Unicode correctly to a Windows console, with the stream's lock. A duplicate of the handle would
        /// not.
        Stdout(io::Stdout),
        Stderr(io::Stderr),
    }

    #[cfg(windows)]
    fn duplicate(stream: &(impl io::IsTerminal + std::os::windows::io::AsHandle)) -> io::Result<Option<Descriptor>> {
        if stream.is_terminal() {
            return Ok(None);
        }
        stream.as_handle().try_clone_to_owned().map(|handle| Some(Descriptor::File(handle.into())))
    }

    #[cfg(not(windows))]
    fn duplicate(_: &impl Write) -> io::Result<Option<Descriptor>> {
        Ok(None)
    }

    pub(super) fn stdout() -> io::Result<Option<Descriptor>> {
        let stream = io::stdout();
        Ok(duplicate(&stream)?.or(Some(Descriptor::Stdout(stream))))
    }

    pub(super) fn stderr() -> io::Result<Option<Descriptor>> {
        let stream = io::stderr();
        Ok(duplicate(&stream)?.or(Some(Descriptor::Stderr(stream))))
    }

    impl Descriptor {
        pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            fn through(mut stream: impl Write, bytes: &[u8]) -> io::Result<usize> {
                let written = stream.write(bytes)?;
                stream.flush()?;
                Ok(written)
            }
            match self {
                #[cfg(windows)]
                Self::File(file) => through(file, bytes),
                Self::Stdout(stream) => through(stream.lock(), bytes),
                Self::Stderr(stream) => through(stream.lock(), bytes),
            }
        }
    }
}
