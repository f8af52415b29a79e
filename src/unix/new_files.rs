//! Files that are ours alone from their first moment on, in a directory that is the one that was named.
//!
//! Whoever else can write there could put a link in our way: nothing is followed, everything is reached through descriptors, and a file
//! that is to be replaced is replaced whole (`faults.md` F88).

use super::file::in_spite_of_signals;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Everybody may look at what is in our directories; what is in our files is ours.
const DIRECTORY: Mode = Mode::from_bits_truncate(0o755);
const FILE: Mode = Mode::from_bits_truncate(0o600);

/// Why files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// These are there already.
    #[error("{}", exist(.0))]
    Exist(Vec<PathBuf>),
    /// A directory is a symbolic link.
    #[error("{} is a symbolic link, and not followed", .0.display())]
    Link(PathBuf),
    /// What should be a directory is none, or what should be a file.
    #[error("{} is not a {what}", path.display())]
    Other {
        /// Where.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// The system says why.
    #[error("failed to write {}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

fn exist(paths: &[PathBuf]) -> String {
    match paths {
        [] => "nothing is there".to_owned(),
        [path] => format!("{} exists", path.display()),
        [first, second] => format!("{} and {} exist", first.display(), second.display()),
        [first, more @ ..] => format!("{} and {} other files exist", first.display(), more.len()),
    }
}

/// Writes files into a directory, which is made if it is not there. Where one fails, those that were not there before are taken away again.
///
/// A path has names with `/` between them. What is there already is an error before anything is written, unless it is a file and is
/// to be replaced; each file is replaced whole.
pub fn write_all(directory: &Path, files: &[(&str, &[u8])], replace: bool) -> Result<(), WriteError> {
    let top = Place::open_top(directory)?;
    let mut existing = Vec::new();
    for (path, _) in files {
        existing.extend(top.find(path, replace)?);
    }
    if !existing.is_empty() && !replace {
        return Err(WriteError::Exist(existing));
    }
    let mut written: Vec<(Place, String)> = Vec::new();
    for (path, contents) in files {
        let result = top.descend(path, true).and_then(|(place, name)| {
            let is_new = place.look(&name)?.is_none();
            place.write(&name, contents, replace)?;
            Ok(is_new.then_some((place, name)))
        });
        match result {
            Ok(new) => written.extend(new),
            Err(error) => {
                for (place, name) in written {
                    // What cannot be taken back is named by nobody: the first error is what counts.
                    let _ = unlinkat(&place.fd, name.as_str(), UnlinkatFlags::NoRemoveDir);
                }
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Whether it is a file, or a link in the place of one.
fn is_replaceable(stat: &FileStat) -> bool {
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    kind == SFlag::S_IFREG || kind == SFlag::S_IFLNK
}

/// A directory, held.
struct Place {
    fd: OwnedFd,
    path: PathBuf,
}

impl Place {
    /// The directory that was named: made if it is not there, but for those above it that are links, which are the user's own matter.
    fn open_top(path: &Path) -> Result<Self, WriteError> {
        let failed = |error: io::Error| WriteError::Io { path: path.to_owned(), error };
        // A `/` behind a name would have the link followed.
        let plain: PathBuf = path.components().collect();
        std::fs::create_dir_all(&plain).or_else(|error| match std::fs::symlink_metadata(&plain) {
            Ok(_) => Ok(()),
            Err(_) => Err(failed(error)),
        })?;
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = in_spite_of_signals(|| open(&plain, flags, Mode::empty()))
            .map_err(|errno| Self::no_directory(&plain, errno))?;
        Ok(Self { fd, path: plain })
    }

    fn no_directory(path: &Path, errno: Errno) -> WriteError {
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        let path = path.to_owned();
        if is_link {
            WriteError::Link(path)
        } else if errno == Errno::ENOTDIR {
            WriteError::Other { path, what: "directory" }
        } else {
            WriteError::Io { path, error: errno.into() }
        }
    }

    /// The directory that a path leads to from here, made where it is not there and that is wanted; and the last name of the path.
    fn descend(&self, path: &str, make: bool) -> Result<(Self, String), WriteError> {
        let mut names: Vec<&str> = path.split('/').collect();
        let last = names.pop().unwrap_or_default();
        if names.iter().chain([&last]).any(|name| matches!(*name, "" | "." | "..")) {
            let error = io::Error::other("not a path below a directory");
            return Err(WriteError::Io { path: self.path.join(path), error });
        }
        let fd = self.fd.try_clone().map_err(|error| WriteError::Io { path: self.path.clone(), error })?;
        let mut place = Self { fd, path: self.path.clone() };
        for name in names {
            place = place.enter(name, make)?;
        }
        Ok((place, last.to_owned()))
    }

    fn enter(&self, name: &str, make: bool) -> Result<Self, WriteError> {
        let path = self.path.join(name);
        if make {
            match mkdirat(&self.fd, name, DIRECTORY) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => return Err(WriteError::Io { path, error: errno.into() }),
            }
        }
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match in_spite_of_signals(|| openat(&self.fd, name, flags, Mode::empty())) {
            Ok(fd) => Ok(Self { fd, path }),
            Err(errno) => Err(Self::no_directory(&path, errno)),
        }
    }

    /// Whether there is something where a path leads to; what cannot be replaced is an error where that is wanted.
    fn find(&self, path: &str, replace: bool) -> Result<Option<PathBuf>, WriteError> {
        let found = self.descend(path, false).and_then(|(place, name)| {
            let Some(stat) = place.look(&name)? else { return Ok(None) };
            let path = place.path.join(name);
            if replace && !is_replaceable(&stat) {
                return Err(WriteError::Other { path, what: "file" });
            }
            Ok(Some(path))
        });
        match found {
            Err(WriteError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found,
        }
    }

    /// What is there by this name.
    fn look(&self, name: &str) -> Result<Option<FileStat>, WriteError> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(WriteError::Io { path: self.path.join(name), error: errno.into() }),
        }
    }

    /// Writes a file that is not there, or puts one in the place of what is.
    fn write(&self, name: &str, contents: &[u8], replace: bool) -> Result<(), WriteError> {
        let path = self.path.join(name);
        // Beside its place first: who reads the old one meanwhile reads all of it.
        let beside = format!(".{name}.{}.new", std::process::id());
        let first = if replace { beside.as_str() } else { name };
        let result = self.create(first, contents).and_then(|()| {
            if replace { renameat(&self.fd, first, &self.fd, name).map_err(io::Error::from) } else { Ok(()) }
        });
        let is_there = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        result.map_err(|error| {
            if is_there(&error) { WriteError::Exist(vec![path]) } else { WriteError::Io { path, error } }
        })
    }

    /// Makes a file that is not there, or leaves nothing.
    fn create(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = in_spite_of_signals(|| openat(&self.fd, name, flags, FILE))?;
        let mut file = File::from(fd);
        let result = file.write_all(contents);
        if result.is_err() {
            // Half a file is worse than none. That this can fail, too, changes nothing of the error.
            let _ = unlinkat(self.fd.as_fd(), name, UnlinkatFlags::NoRemoveDir);
        }
        result
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the files are the test's own")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    const FILES: &[(&str, &[u8])] = &[("a.conf", b"a"), ("sub/b.conf", b"b")];

    fn words(result: Result<(), WriteError>, top: &Path) -> String {
        result.unwrap_err().to_string().replace(top.to_str().unwrap(), "TOP")
    }

    #[test]
    fn files_are_for_their_owner_only_and_their_directories_are_made() {
        let top = tempfile::tempdir().unwrap();
        let directory = top.path().join("x/y");
        write_all(&directory, FILES, false).unwrap();
        assert_eq!(fs::read(directory.join("sub/b.conf")).unwrap(), b"b");
        let mode = fs::metadata(directory.join("a.conf")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn where_a_file_is_there_nothing_is_written_unless_it_is_to_be_replaced() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("sub")).unwrap();
        fs::write(top.path().join("sub/b.conf"), "old").unwrap();
        assert_eq!(words(write_all(top.path(), FILES, false), top.path()), "TOP/sub/b.conf exists");
        assert!(!top.path().join("a.conf").exists());
        write_all(top.path(), FILES, true).unwrap();
        assert_eq!(fs::read(top.path().join("sub/b.conf")).unwrap(), b"b");
        let names = fs::read_dir(top.path().join("sub")).unwrap().count();
        assert_eq!(names, 1);
    }

    #[test]
    fn no_link_is_followed() {
        let (top, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = top.path();
        symlink(other.path(), path.join("link")).unwrap();
        for named in ["link", "link/"] {
            let result = write_all(&path.join(named), FILES, true);
            assert_eq!(words(result, path), "TOP/link is a symbolic link, and not followed");
        }
        symlink(other.path(), path.join("sub")).unwrap();
        assert_eq!(words(write_all(path, FILES, true), path), "TOP/sub is a symbolic link, and not followed");
        fs::remove_file(path.join("sub")).unwrap();
        assert!(!path.join("a.conf").exists());
        let victim = other.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        symlink(&victim, path.join("a.conf")).unwrap();
        assert_eq!(words(write_all(path, FILES, false), path), "TOP/a.conf exists");
        write_all(path, FILES, true).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert_eq!(fs::read(path.join("a.conf")).unwrap(), b"a");
    }

    #[test]
    fn what_is_no_directory_or_no_file_is_said() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path();
        fs::write(path.join("sub"), "").unwrap();
        assert_eq!(words(write_all(path, FILES, false), path), "TOP/sub is not a directory");
        assert!(!path.join("a.conf").exists());
        assert_eq!(words(write_all(&path.join("sub"), FILES, false), path), "TOP/sub is not a directory");
        fs::remove_file(path.join("sub")).unwrap();
        fs::create_dir_all(path.join("sub/b.conf")).unwrap();
        assert_eq!(words(write_all(path, FILES, true), path), "TOP/sub/b.conf is not a file");
        assert!(!path.join("a.conf").exists());
    }

    #[test]
    fn a_path_leads_below_the_directory_only() {
        let top = tempfile::tempdir().unwrap();
        for path in ["../x", "/x", "a/../../x", "", "a//b", ".", "a/"] {
            assert!(write_all(top.path(), &[(path, b"")], true).is_err(), "{path}");
        }
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 0);
    }
}
