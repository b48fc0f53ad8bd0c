//! The wait between two looks at a file, which a bell, a signal or an event in a directory cuts short.
//!
//! On Unix the bell is a pair of connected sockets, which a signal handler may write to and `poll` can wait for.

use std::path::PathBuf;
use std::time::Duration;

#[cfg(unix)]
use std::io::{Read, Write};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

#[cfg(not(unix))]
use crate::sync::channel::{self, Receiver, Sender};

use crate::error::Error;

/// Wakes the thread that waits. Every ring before a wait, and during it, ends the wait.
pub(super) struct Bell {
    #[cfg(unix)]
    ends: (UnixStream, UnixStream),
    #[cfg(not(unix))]
    ends: (Sender<()>, Receiver<()>),
}

#[cfg(unix)]
impl Bell {
    pub(super) fn new() -> Result<Self, Error> {
        let ends = UnixStream::pair().and_then(|ends| ends.0.set_nonblocking(true).map(|()| ends));
        ends.map(|ends| Self { ends }).map_err(|error| Error::io("cannot make a pair of sockets", error))
    }

    /// A full socket has rung already, so that errors do not matter.
    pub(super) fn ring(&self) {
        let _ = (&self.ends.0).write(&[1]);
    }

    /// Returns another end to write to.
    #[cfg(feature = "sighup")]
    pub(super) fn clapper(&self) -> std::io::Result<UnixStream> {
        self.ends.0.try_clone()
    }

    /// Waits for a ring, or until `timeout` is over. A `timeout` of zero counts as a millisecond.
    pub(super) fn wait(&self, timeout: Duration) {
        let mut rings = [0; 64];
        let _ = self.ends.1.set_read_timeout(Some(timeout.max(Duration::from_millis(1))));
        let _ = (&self.ends.1).read(&mut rings);
    }
}

#[cfg(not(unix))]
impl Bell {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { ends: channel::bounded(1) })
    }

    pub(super) fn ring(&self) {
        let _ = self.ends.0.try_send(());
    }

    pub(super) fn wait(&self, timeout: Duration) {
        let _ = self.ends.1.recv_timeout(timeout);
    }
}

/// Events of directories, where the system and the build have them. They only shorten waits, so that every failure is
/// the same as no event.
#[derive(Default)]
pub(super) struct Events {
    #[cfg(all(feature = "inotify", target_os = "linux"))]
    inotify: Option<linux::Inotify>,
}

#[cfg(not(all(feature = "inotify", target_os = "linux")))]
impl Events {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn follow(&mut self, _: Vec<PathBuf>) {}

    /// Waits for a ring, an event, or until `timeout` is over. Returns whether it was an event.
    pub(super) fn wait(&mut self, bell: &Bell, timeout: Duration) -> bool {
        bell.wait(timeout);
        false
    }
}

#[cfg(all(feature = "inotify", target_os = "linux"))]
impl Events {
    pub(super) fn new() -> Self {
        Self { inotify: linux::Inotify::new() }
    }

    /// Takes the events of these directories, and of no others.
    pub(super) fn follow(&mut self, directories: Vec<PathBuf>) {
        if let Some(inotify) = &mut self.inotify {
            inotify.follow(directories);
        }
    }

    /// Waits for a ring, an event, or until `timeout` is over. Returns whether it was an event.
    pub(super) fn wait(&mut self, bell: &Bell, timeout: Duration) -> bool {
        match &mut self.inotify {
            Some(inotify) => inotify.wait(bell, timeout),
            None => {
                bell.wait(timeout);
                false
            }
        }
    }
}

#[cfg(all(feature = "inotify", target_os = "linux"))]
mod linux {
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

    use super::{Bell, Duration, PathBuf};

    pub(super) struct Inotify {
        queue: OwnedFd,
        /// The directories, with the numbers of their watches.
        followed: Vec<(PathBuf, i32)>,
    }

    impl Inotify {
        pub(super) fn new() -> Option<Self> {
            let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
            Some(Self { queue, followed: Vec::new() })
        }

        pub(super) fn follow(&mut self, directories: Vec<PathBuf>) {
            // Not every write, of which a log file in the same directory has many.
            let flags = WatchFlags::CLOSE_WRITE | WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_TO;
            // Always again: a directory of the same name may be another one.
            let added = directories.into_iter().filter_map(|directory| {
                let number = inotify::add_watch(&self.queue, &directory, flags | WatchFlags::ONLYDIR).ok()?;
                Some((directory, number))
            });
            let followed: Vec<_> = added.collect();
            for (_, number) in std::mem::replace(&mut self.followed, followed) {
                if !self.followed.iter().any(|(_, known)| *known == number) {
                    let _ = inotify::remove_watch(&self.queue, number);
                }
            }
        }

        pub(super) fn wait(&mut self, bell: &Bell, timeout: Duration) -> bool {
            let mut fds = [PollFd::new(&self.queue, PollFlags::IN), PollFd::new(&bell.ends.1, PollFlags::IN)];
            let timeout = Timespec::try_from(timeout).ok();
            let is_polled = poll(&mut fds, timeout.as_ref()).is_ok();
            let [has_event, has_rung] = fds.map(|fd| is_polled && !fd.revents().is_empty());
            if has_rung || !is_polled {
                // Takes the rings; where `poll` fails, it is a wait.
                bell.wait(Duration::from_millis(1));
            }
            if has_event {
                let mut bytes = [MaybeUninit::uninit(); 4096];
                let mut reader = Reader::new(&self.queue, &mut bytes);
                while reader.next().is_ok() {}
            }
            has_event
        }
    }
}
