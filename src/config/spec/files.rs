//! Reads the files of configurations, and the files that `${file:…}` names.
//!
//! Both come from a path that somebody typed, so a read has to end whatever the path is: only ordinary files are read,
//! and no more bytes than a maximum.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Reads an ordinary file of a maximum size. Others could wait for a writer, as FIFOs do, or have no end, as devices
/// do.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not an ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} KiB", most >> 10)));
    }
    Ok(bytes)
}
