//! Reading a file that somebody named, without being held up by what it is.

use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is a FIFO, a device, a socket or a directory: reading it could take for ever, or never end.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// The system says why.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a regular file: all of it, or `limit` bytes and one more where it is larger.
pub fn read_regular(path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
    // Without O_NONBLOCK the open itself waits for a FIFO's writer.
    let fd = open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(io::Error::from)?;
    let stat = fstat(fd.as_fd()).map_err(io::Error::from)?;
    match kind(stat.st_mode) {
        None => read_limited(File::from(fd), limit).map_err(ReadError::Io),
        Some(kind) => Err(ReadError::NotRegular(kind)),
    }
}

/// Reads to the end, or `limit` bytes and one more.
pub fn read_limited(from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a file is, unless it is regular.
pub(super) fn kind(mode: libc::mode_t) -> Option<&'static str> {
    match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFREG => None,
        SFlag::S_IFDIR => Some("a directory"),
        SFlag::S_IFIFO => Some("a FIFO"),
        SFlag::S_IFLNK => Some("a symbolic link"),
        SFlag::S_IFSOCK => Some("a socket"),
        SFlag::S_IFCHR | SFlag::S_IFBLK => Some("a device"),
        _ => Some("something else"),
    }
}

/// A small text below `/proc`, as far as it is UTF-8.
#[expect(clippy::disallowed_methods, reason = "what the kernel serves under /proc does not hang")]
pub(super) fn proc_text(path: &str) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::mkfifo;

    #[test]
    fn a_regular_file_is_read_up_to_one_byte_more_than_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "12345678").unwrap();
        assert_eq!(read_regular(&path, 100).unwrap(), b"12345678");
        assert_eq!(read_regular(&path, 4).unwrap(), b"12345");
    }

    #[test]
    fn what_could_hang_or_never_end_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for (path, kind) in [
            (fifo.as_path(), "a FIFO"),
            (Path::new("/dev/zero"), "a device"),
            (directory.path(), "a directory"),
        ] {
            let error = read_regular(path, 100).unwrap_err();
            assert_eq!(error.to_string(), format!("it is {kind}, not a regular file"));
        }
        let missing = read_regular(&directory.path().join("none"), 100).unwrap_err();
        assert!(matches!(missing, ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound));
    }
}
