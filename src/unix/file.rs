//! Reading a file that somebody named, without being held up by what it is.

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat, stat};
use nix::unistd::geteuid;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

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
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let fd = in_spite_of_signals(|| open(path, flags, Mode::empty())).map_err(io::Error::from)?;
    let stat = fstat(fd.as_fd()).map_err(io::Error::from)?;
    match kind(stat.st_mode) {
        None => read_limited(File::from(fd), limit).map_err(ReadError::Io),
        Some(kind) => Err(ReadError::NotRegular(kind)),
    }
}

/// Makes a system call again as often as a signal breaks it off (an open on a network file system, say).
pub(super) fn in_spite_of_signals<T>(call: impl Fn() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// Reads to the end, or `limit` bytes and one more.
pub fn read_limited(from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What everybody on the machine can do with a file, as far as permissions say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exposure {
    /// Read it.
    pub is_readable: bool,
    /// Write it, or put another one in its place.
    pub is_changeable: bool,
}

/// How exposed a regular file is; not at all to whoever may not pass through a directory above it.
#[must_use]
pub fn exposure(path: &Path) -> Exposure {
    let everybody =
        |path: &Path, what: libc::mode_t| stat(path).is_ok_and(|stat| stat.st_mode & what == what);
    let is_regular = stat(path).is_ok_and(|stat| kind(stat.st_mode).is_none());
    let Some(path) = path.canonicalize().ok().filter(|_| is_regular) else { return Exposure::default() };
    let above: Vec<&Path> = path.ancestors().skip(1).collect();
    if !above.iter().all(|directory| everybody(directory, libc::S_IXOTH)) {
        return Exposure::default();
    }
    // Where the sticky bit is set, a file can only be replaced by its owner.
    let is_open =
        |directory: &&Path| everybody(directory, libc::S_IWOTH) && !everybody(directory, libc::S_ISVTX);
    Exposure {
        is_readable: everybody(&path, libc::S_IROTH),
        is_changeable: everybody(&path, libc::S_IWOTH) || above.iter().any(is_open),
    }
}

/// Whether we may do everything.
#[must_use]
pub fn are_we_root() -> bool {
    geteuid().is_root()
}

/// The directory for what we need while we run: this one or else the usual one, if it is there and ours alone.
#[must_use]
pub fn runtime_dir(named: Option<&Path>) -> Option<PathBuf> {
    let usual = PathBuf::from(format!("/run/user/{}", geteuid()));
    let is_ours = |path: &PathBuf| {
        let is_fit = |stat: libc::stat| {
            stat.st_uid == geteuid().as_raw()
                && stat.st_mode & (libc::S_IRWXG | libc::S_IRWXO) == 0
                && kind(stat.st_mode) == Some("a directory")
        };
        path.is_absolute() && stat(path).is_ok_and(is_fit)
    };
    named.map(Path::to_owned).into_iter().chain([usual]).find(is_ours)
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
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_regular_file_is_read_up_to_one_byte_more_than_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "12345678").unwrap();
        assert_eq!(read_regular(&path, 100).unwrap(), b"12345678");
        assert_eq!(read_regular(&path, 4).unwrap(), b"12345");
    }

    #[test]
    fn a_file_is_as_exposed_as_the_directories_above_it_let_it_be() {
        let directory = tempfile::tempdir().unwrap();
        let (inner, file) = (directory.path().join("inner"), directory.path().join("inner/file"));
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(&file, "").unwrap();
        let set =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        let exposed = |is_readable, is_changeable| Exposure { is_readable, is_changeable };
        for (outer_mode, inner_mode, mode, expected) in [
            (0o755, 0o755, 0o644, exposed(true, false)),
            (0o755, 0o711, 0o606, exposed(true, true)),
            (0o755, 0o755, 0o660, exposed(false, false)),
            (0o755, 0o777, 0o600, exposed(false, true)),
            (0o755, 0o1777, 0o600, exposed(false, false)),
            (0o750, 0o755, 0o666, exposed(false, false)),
        ] {
            set(directory.path(), outer_mode);
            set(&inner, inner_mode);
            set(&file, mode);
            assert_eq!(exposure(&file), expected, "{outer_mode:o} {inner_mode:o} {mode:o}");
        }
        assert_eq!(exposure(&inner.join("none")), Exposure::default());
        assert_eq!(exposure(Path::new("/dev/null")), Exposure::default());
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
