//! Programs that tests talk to.
#![allow(dead_code)]

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::common::wait_until;

/// A running program. It is killed when this is dropped.
pub struct Peer(Child);

impl Peer {
    /// Starts a program and waits until it takes connections on a port of 127.0.0.1.
    pub fn start(command: &mut Command, port: u16) -> Self {
        let mut child = command.spawn().unwrap();
        wait_until("the peer takes connections", || {
            assert!(child.try_wait().unwrap().is_none(), "{command:?} has ended");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self(child)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody listens to.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Looks for a program, by the paths where it may be.
pub fn find(name: &str, places: &[PathBuf]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = places.iter().cloned().chain(on_path).find(|path| path.exists());
    found.unwrap_or_else(|| super::common::missing(name))
}

/// A program of the Python packages that `.ci/run` installs.
pub fn in_python(package: &str, name: &str) -> Vec<PathBuf> {
    let libraries = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../python/lib");
    let versions = std::fs::read_dir(libraries).into_iter().flatten().filter_map(Result::ok);
    versions.map(|version| version.path().join("site-packages").join(package).join(name)).collect()
}
