//! The journal's socket.
//!
//! An entry is one datagram. The kernel limits a datagram to the socket's send buffer (`net.core.wmem_max`, about 200
//! KiB by default), so a larger entry is written to a memory file, whose descriptor is sent instead, as the protocol
//! provides:
//!
//! ```text
//! send(entry) ── ok ──────────────────► delivered
//!             └─ EMSGSIZE, ENOBUFS ──► memfd_create, write, seal, sendmsg(SCM_RIGHTS)
//! ```
//!
//! Seals (`F_SEAL_WRITE` and so on) promise the journal that the file no longer changes; it maps the file into its
//! memory and rejects one without them.

use std::fs::File;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::handler::net::{Dial, Link};

/// Connects to a datagram socket of the file system, which takes no time.
pub(super) struct JournalDialer(pub(super) PathBuf);

impl Dial for JournalDialer {
    fn start(&mut self) {}

    fn poll(&mut self, _: Duration) -> Option<io::Result<Box<dyn Link>>> {
        let connect = || {
            let socket = UnixDatagram::unbound()?;
            socket.connect(&self.0)?;
            Ok(socket)
        };
        Some(connect().map(|socket| Box::new(JournalLink(socket)) as _))
    }
}

struct JournalLink(UnixDatagram);

impl Link for JournalLink {
    fn is_datagram(&self) -> bool {
        true
    }

    /// Never fails: the journal sends nothing, and a send fails if it is down.
    fn check(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.0.set_write_timeout(Some(timeout))
    }

    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        match self.0.send(entry) {
            Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::MSGSIZE | Errno::NOBUFS)) => {
                self.send_file(entry)?;
                Ok(entry.len())
            }
            outcome => outcome,
        }
    }

    fn close(&mut self) {}
}

impl JournalLink {
    /// Sends the descriptor of a memory file with the entry. The file is sealed: the journal rejects one that could
    /// still be changed while it reads it.
    fn send_file(&self, entry: &[u8]) -> io::Result<()> {
        let mut file = File::from(memfd_create("femtologging", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(entry)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = [file.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(&self.0, &[], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}
