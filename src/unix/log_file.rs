//! A log file on a disk that others use too: appended to, rotated at a size, opened anew where it was moved.
//!
//! Each write looks at the path first, which costs one system call: whoever moves the file away (`mv`, logrotate) finds in it what was
//! written before, and what comes later is in a new one. A file that was cut (`copytruncate`) is written on from its new end.

use super::file::kind;
use crate::model::rotation::Rotation;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, fstat, lstat};
use nix::unistd::write;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How far a file may grow over its size so that its last line stays whole.
const REACH: u64 = 64 * 1024;

/// A log file, open for appending.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    rotation: Rotation,
    fd: OwnedFd,
    /// Which file the descriptor is of: its device and its number there.
    identity: (libc::dev_t, libc::ino_t),
    /// Whether the last byte that we wrote was in the middle of a line.
    is_inside_line: bool,
}

impl LogFile {
    /// Opens a file for appending; it and the directories above it are made where they are not there, for their owner only.
    ///
    /// A symbolic link is not followed, and what is not a regular file is refused rather than waited for.
    pub fn open(path: PathBuf, rotation: Rotation) -> io::Result<Self> {
        let (fd, identity) = open_or_make(&path)?;
        Ok(Self { path, rotation, fd, identity, is_inside_line: false })
    }

    /// Appends the first of these bytes; how many, which is less than all where the file is to be rotated in between.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let length = self.look()?;
            match self.fit(length, bytes) {
                Fit::Bytes(count) => return self.append(&bytes[..count]),
                Fit::Rotate { files } => self.rotate(files)?,
            }
        }
    }

    /// The length of the file; opens it anew if what is under its name is another one by now, or nothing.
    fn look(&mut self) -> io::Result<u64> {
        match lstat(&self.path) {
            Ok(stat) if identity(&stat) == self.identity => return Ok(length(&stat)),
            Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => return Err(errno.into()),
        }
        (self.fd, self.identity) = open_or_make(&self.path)?;
        Ok(length(&fstat(self.fd.as_fd())?))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = write(&self.fd, bytes)?;
        if let Some(last) = bytes[..count].last() {
            self.is_inside_line = *last != b'\n';
        }
        Ok(count)
    }

    /// Renames the files, the oldest out of the way; what is under our name is opened by the next look.
    ///
    /// Only those below the first gap move: a rotation that failed halfway is taken up where it ended, and costs no file twice.
    fn rotate(&self, files: u16) -> io::Result<()> {
        let is_free = |number: &u16| lstat(&self.old(*number)) == Err(Errno::ENOENT);
        let gap = (1..=files).find(is_free).unwrap_or(files);
        for number in (1..gap).rev() {
            rename(&self.old(number), &self.old(number + 1))?;
        }
        rename(&self.path, &self.old(1))
    }

    /// The path of an old file, the youngest of which is 1.
    fn old(&self, number: u16) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    fn fit(&self, length: u64, bytes: &[u8]) -> Fit {
        match self.rotation {
            Rotation::Never => Fit::Bytes(bytes.len()),
            Rotation::At { size, files } => fit(length, size.bytes(), self.is_inside_line, bytes)
                .map_or(Fit::Rotate { files }, Fit::Bytes),
        }
    }
}

/// What is to be done with bytes that are to be appended.
enum Fit {
    /// So many of them are.
    Bytes(usize),
    /// None, before the file is rotated.
    Rotate { files: u16 },
}

/// How many of these bytes go into a file of that length; none if it is rotated first. Of an empty one some do.
///
/// The file ends at the last line end that is within its size. If there is none it ends at the next one that is within reach of it, and a
/// line that is longer than that goes on in the next file.
fn fit(length: u64, size: u64, is_inside_line: bool, bytes: &[u8]) -> Option<usize> {
    let room = |end: u64| usize::try_from(end.saturating_sub(length)).unwrap_or(usize::MAX).min(bytes.len());
    let within_size = room(size);
    if within_size == bytes.len() {
        return Some(bytes.len());
    }
    if let Some(last) = memchr::memrchr(b'\n', &bytes[..within_size]) {
        return Some(last + 1);
    }
    if length > 0 && !is_inside_line {
        return None;
    }
    let within_reach = room(size + REACH);
    let line = memchr::memchr(b'\n', &bytes[..within_reach]).map_or(within_reach, |end| end + 1);
    (line > 0).then_some(line)
}

/// Opens a file for appending, and makes the directories above it if that is what it lacks.
fn open_or_make(path: &Path) -> io::Result<(OwnedFd, (libc::dev_t, libc::ino_t))> {
    let fd = match open_for_appending(path) {
        Err(Errno::ENOENT) => {
            if let Some(directory) = path.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            }
            open_for_appending(path)
        }
        result => result,
    };
    // The system's own words for a symbolic link, a directory and a FIFO that nobody reads would puzzle more than they say.
    let fd = fd.map_err(|errno| lstat(path).ok().and_then(|stat| refusal(&stat)).unwrap_or(errno.into()))?;
    let stat = fstat(fd.as_fd())?;
    match refusal(&stat) {
        None => Ok((fd, identity(&stat))),
        Some(error) => Err(error),
    }
}

fn open_for_appending(path: &Path) -> nix::Result<OwnedFd> {
    let append = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT;
    // Without O_NONBLOCK the open waits for a FIFO's reader; a terminal that is no log file does not become ours either.
    let careful = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    open(path, append | careful, Mode::S_IRUSR | Mode::S_IWUSR)
}

/// Why a file is not one to append to, unless it is regular.
fn refusal(stat: &FileStat) -> Option<io::Error> {
    kind(stat.st_mode).map(|kind| io::Error::other(format!("it is {kind}, not a regular file")))
}

fn identity(stat: &FileStat) -> (libc::dev_t, libc::ino_t) {
    (stat.st_dev, stat.st_ino)
}

fn length(stat: &FileStat) -> u64 {
    stat.st_size.cast_unsigned()
}

/// Renames a file, and says what was to become of it if that fails.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to).map_err(|error| {
        let name = to.file_name().unwrap_or_default().display();
        io::Error::new(error.kind(), format!("failed to rename to {name}: {error}"))
    })
}

#[cfg(test)]
#[path = "log_file_tests.rs"]
mod tests;
