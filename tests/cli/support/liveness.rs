//! The oracle of death: a FIFO that only the children open for writing. End of file means that all of them are gone.

use super::LIMIT;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

/// The read end of the FIFO.
pub(crate) struct Liveness {
    path: PathBuf,
    reader: OwnedFd,
}

impl Liveness {
    pub(super) fn make(path: PathBuf) -> Self {
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader =
            open(&path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
        Self { path, reader }
    }

    /// Whether somebody holds it now.
    pub(crate) fn is_held(&self) -> bool {
        !self.is_over(PollTimeout::ZERO)
    }

    /// Waits until nobody holds it any more, or this time has passed; whether nobody does.
    pub(crate) fn is_dead_within(&self, limit: Duration) -> bool {
        self.is_over(PollTimeout::try_from(limit).unwrap())
    }

    /// Waits until nobody holds it any more.
    #[track_caller]
    pub(crate) fn wait_for_death(&self) {
        assert!(self.is_dead_within(LIMIT), "somebody who holds {} is still alive", self.path.display());
    }

    fn is_over(&self, limit: PollTimeout) -> bool {
        // Without a first writer there is no end of file: let there have been one.
        let first = open(&self.path, OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty());
        drop(first);
        let mut fds = [PollFd::new(self.reader.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, limit).unwrap() > 0
    }
}
