//! The directory of a run: ours alone, with the lock that only one run holds and the socket that it is asked through.
//!
//! Everything in it is reached through a descriptor of the directory that was looked at, not by its path: whoever may rename what is above it
//! cannot put another in its place (`faults.md` F82).

use super::file::{in_spite_of_signals, kind, read_limited};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::stat::{Mode, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The file that is locked while a run goes on; it holds the pid of that run.
const LOCK: &str = "lock";

/// The socket.
const SOCKET: &str = "control.sock";

/// What keeps the directory out of a repository that it lies in.
const IGNORE: &str = ".gitignore";

/// The word that opens the API where it listens on a port.
const TOKEN: &str = "token";

/// The bytes that are read of it at most.
const LONGEST_TOKEN: usize = 4096;

/// What only we may do.
const OURS_ALONE: Mode = Mode::S_IRWXU;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// Something else is in its place.
    #[error("`{}` is {what}, not a directory", path.display())]
    NotADirectory {
        /// Where.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It belongs to somebody else.
    #[error("`{}` belongs to user {owner}, not to us", path.display())]
    NotOurs {
        /// Where.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others may look into it.
    #[error("`{}` is open to others (mode {mode:o}); `chmod 700` closes it", path.display())]
    Open {
        /// Where.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system says why.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A directory that was looked at.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    fd: OwnedFd,
}

/// The lock of a run: the kernel lets go of it with the last process that has it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// A lock that somebody else has, as it was found.
///
/// It is told from that of a later run by its file, which is not used anew while it is open, and by the pid in it.
#[derive(Debug)]
pub struct Held {
    file: File,
    pid: Option<i32>,
}

impl Held {
    /// Whether the same run has it still. Whoever tries to take it at this very moment is told that it is taken, and by whom it was last.
    pub fn is_still(&mut self) -> bool {
        match self.file.try_lock_shared() {
            Ok(()) => {
                // Ours only to look: it stays open, and so it would stay locked.
                let _ = self.file.unlock();
                false
            }
            Err(TryLockError::WouldBlock) => self.pid.is_none() || self.pid == written_pid(&mut self.file),
            Err(TryLockError::Error(_)) => false,
        }
    }
}

/// What came of an attempt to lock.
#[derive(Debug)]
pub enum Locking {
    /// It is ours.
    Locked(Lock),
    /// Somebody else has it: this process, if it has said so already.
    Held(Option<i32>),
    /// The directory was taken away by a run that has ended: it is to be made again.
    Gone,
}

impl RunDir {
    /// The directory at `path`, made with what is missing above it.
    pub fn make(path: &Path) -> Result<Self, RunDirError> {
        let failed = |source| RunDirError::Io { path: path.to_owned(), source };
        if let Some(above) = path.parent() {
            make_all(above).map_err(failed)?;
        }
        match nix::unistd::mkdir(path, OURS_ALONE) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(failed(error.into())),
        }
        Self::open(path)?.ok_or_else(|| failed(Errno::ENOENT.into()))
    }

    /// The directory at `path`, if there is one; one that is not ours alone is refused.
    pub fn open(path: &Path) -> Result<Option<Self>, RunDirError> {
        let failed = |error: Errno| RunDirError::Io { path: path.to_owned(), source: error.into() };
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let fd = match in_spite_of_signals(|| open(path, flags, Mode::empty())) {
            Ok(fd) => fd,
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                let what = nix::sys::stat::lstat(path).ok().and_then(|stat| kind(stat.st_mode));
                let what = what.unwrap_or("a file");
                return Err(RunDirError::NotADirectory { path: path.to_owned(), what });
            }
            Err(error) => return Err(failed(error)),
        };
        let stat = fstat(fd.as_fd()).map_err(failed)?;
        if stat.st_uid != geteuid().as_raw() {
            return Err(RunDirError::NotOurs { path: path.to_owned(), owner: stat.st_uid });
        }
        let mode = stat.st_mode & 0o777;
        if mode & 0o077 != 0 {
            return Err(RunDirError::Open { path: path.to_owned(), mode });
        }
        Ok(Some(Self { path: path.to_owned(), fd }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its socket is, or will be.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    /// Takes the lock, unless somebody has it, and writes down whose it is now.
    pub fn lock(&self, pid: u32) -> io::Result<Locking> {
        let file = match self.create(LOCK, OFlag::O_RDWR | OFlag::O_NONBLOCK) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Locking::Gone),
            Err(error) => return Err(error),
        };
        let mut lock = Lock { file };
        let is_ours = match lock.file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        // Whoever had it takes it away at the end: what was opened before and locked after that keeps nobody out.
        if !self.holds(&lock) {
            return Ok(Locking::Gone);
        }
        if !is_ours {
            return Ok(Locking::Held(written_pid(&mut lock.file)));
        }
        lock.file.set_len(0)?;
        lock.file.write_all(format!("{pid}\n").as_bytes())?;
        Ok(Locking::Locked(lock))
    }

    /// Whether this lock is the one that stands here now.
    fn holds(&self, lock: &Lock) -> bool {
        let here = fstatat(self.fd.as_fd(), LOCK, AtFlags::AT_SYMLINK_NOFOLLOW);
        let ours = fstat(lock.file.as_fd());
        here.ok()
            .zip(ours.ok())
            .is_some_and(|(here, ours)| (here.st_dev, here.st_ino) == (ours.st_dev, ours.st_ino))
    }

    /// Opens a regular file of ours here, made if it is missing.
    fn create(&self, name: &str, flags: OFlag) -> io::Result<File> {
        let flags = flags | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = in_spite_of_signals(|| openat(self.fd.as_fd(), name, flags, Mode::S_IRUSR | Mode::S_IWUSR))?;
        Ok(File::from(fd))
    }

    /// Keeps the directory out of the repository that it may lie in.
    pub fn hide(&self, _lock: &Lock) -> io::Result<()> {
        self.create(IGNORE, OFlag::O_WRONLY | OFlag::O_TRUNC)?.write_all(b"*\n")
    }

    /// Where the word is that opens the API where it listens on a port.
    #[must_use]
    pub fn token_path(&self) -> PathBuf {
        self.path.join(TOKEN)
    }

    /// That word: the one that is there, or else this one.
    pub fn token(&self, _lock: &Lock, new: &str) -> io::Result<String> {
        let mut file = self.create(TOKEN, OFlag::O_RDWR | OFlag::O_NONBLOCK)?;
        let stat = fstat(file.as_fd())?;
        if kind(stat.st_mode).is_some() || stat.st_mode & 0o077 != 0 || stat.st_uid != geteuid().as_raw() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is no file that is ours alone"));
        }
        let there = String::from_utf8_lossy(&read_limited(&mut file, LONGEST_TOKEN)?).trim().to_owned();
        if !there.is_empty() {
            return Ok(there);
        }
        file.write_all(format!("{new}\n").as_bytes())?;
        Ok(new.to_owned())
    }

    /// Leaves nothing behind, unless another run has taken the place.
    pub fn clear(&self, lock: &Lock) {
        if !self.holds(lock) {
            return;
        }
        // The lock is the last: until then nobody else is here. What cannot be removed is found by the next run, and is no reason to complain.
        for name in [SOCKET, TOKEN, IGNORE, LOCK] {
            let _ = unlinkat(self.fd.as_fd(), name, UnlinkatFlags::NoRemoveDir);
        }
        let _ = std::fs::remove_dir(&self.path);
    }

    /// The lock, if somebody has it.
    #[must_use]
    pub fn held(&self) -> Option<Held> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let fd = in_spite_of_signals(|| openat(self.fd.as_fd(), LOCK, flags, Mode::empty())).ok()?;
        let mut file = File::from(fd);
        let pid = written_pid(&mut file);
        let mut held = Held { file, pid };
        held.is_still().then_some(held)
    }

    /// Binds the socket; whatever is in its place is of a run that has ended, for we hold the lock.
    ///
    /// Its directory is ours alone, so nobody else can connect at any moment, whatever the mode of the socket.
    pub fn bind(&self, _lock: &Lock) -> io::Result<UnixListener> {
        self.remove_socket()?;
        let listener = UnixListener::bind(self.short(SOCKET))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Removes the socket.
    fn remove_socket(&self) -> io::Result<()> {
        match unlinkat(self.fd.as_fd(), SOCKET, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Connects to the run whose socket this is; none if nobody listens.
    pub fn connect(&self) -> io::Result<Option<UnixStream>> {
        match UnixStream::connect(self.short(SOCKET)) {
            Ok(stream) => Ok(Some(stream)),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A path that leads through the descriptor: short enough for a socket (`sun_path` holds 108 bytes) however long that of the directory is.
    fn short(&self, name: &str) -> PathBuf {
        let descriptor = PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        // Where /proc is not mounted the path itself has to do.
        let directory = if descriptor.exists() { &descriptor } else { &self.path };
        directory.join(name)
    }
}

/// The user at the other end of a connection.
pub fn peer_uid(stream: impl AsFd) -> io::Result<u32> {
    Ok(getsockopt(&stream, sockopt::PeerCredentials)?.uid())
}

/// Whether this user may control what is ours: ourselves and root.
#[must_use]
pub fn may_control(uid: u32) -> bool {
    uid == 0 || uid == geteuid().as_raw()
}

/// Makes the directories above, each ours alone.
fn make_all(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_all(above)?;
    }
    match nix::unistd::mkdir(path, OURS_ALONE) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn written_pid(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
