//! The limits of the system on us: raised for ourselves, and for the children as they were given to us.

use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use std::os::fd::{AsRawFd, OwnedFd};

/// The descriptors that the children's pipes leave free. Who has none left cannot open `/proc` to see who is below it, nor a log file anew.
const RESERVE: u64 = 16;

/// The descriptors that we have open ourselves before any child has a pipe, at most: standard streams, the loop, signals, what we were given, and
/// the API with its thread (but not those who are connected to it).
const OURS: u64 = 24;

/// How far below the limit that we were given the descriptors of a child must be for it to be ours for a moment: another thread may open a file.
const MARGIN: u64 = 8;

/// The soft limits that we were given, which are the children's, and ours.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    files: Limit,
    core: Limit,
}

/// A limit; only soft ones are ever changed.
#[derive(Debug, Clone, Copy)]
struct Limit {
    resource: Resource,
    given: rlim_t,
    ours: rlim_t,
    hard: rlim_t,
}

impl Limits {
    /// Takes as many descriptors as we may have, and sees to it that nothing of us is ever written to disk: we know secrets.
    ///
    /// Before anything is read, and before any thread or fork. What cannot be changed stays: it is no reason not to run. That a process is not
    /// dumpable ends with the next `exec`, so children need nothing for that.
    #[must_use]
    pub fn take_over() -> Self {
        let _ = set_dumpable(false);
        let files = Limit::take_over(Resource::RLIMIT_NOFILE, |hard| hard);
        let core = Limit::take_over(Resource::RLIMIT_CORE, |_| 0);
        Self { files, core }
    }

    /// How many descriptors there are for children.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.files.ours.saturating_sub(OURS + RESERVE)
    }

    /// How many descriptors we may have.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.ours
    }

    /// How many descriptors we need in all for children that need so many of us.
    #[must_use]
    pub fn needed(children: u64) -> u64 {
        children.saturating_add(OURS + RESERVE)
    }

    /// Whether this descriptor, the last of those for a child, is not one of the reserve. The kernel hands out the lowest that is free.
    #[must_use]
    pub fn leave_reserve(&self, fd: &OwnedFd) -> bool {
        number(fd) < self.files.ours.saturating_sub(RESERVE)
    }

    /// Whether our limits can be those that we were given for a moment, while this descriptor is one of those in use.
    ///
    /// In that moment, no descriptor can be opened or even named (glibc refuses to, in `posix_spawn`) that is above the limit.
    pub(super) fn are_lendable_beside(&self, fd: &OwnedFd) -> bool {
        number(fd).saturating_add(MARGIN) <= self.files.given
    }

    /// Starts a child with the limits that we were given: it gets those that we have at that moment.
    pub(super) fn lend<T>(&self, start: impl FnOnce() -> T) -> T {
        self.give_back();
        let started = start();
        for limit in [&self.files, &self.core] {
            limit.set(limit.ours);
        }
        started
    }

    /// Sets the limits that we were given, for good: for a child between fork and `exec`, so it makes system calls only.
    pub(super) fn give_back(&self) {
        for limit in [&self.files, &self.core] {
            limit.set(limit.given);
        }
    }
}

impl Limit {
    fn take_over(resource: Resource, ours: impl Fn(rlim_t) -> rlim_t) -> Self {
        // That fails for no resource that there is; then nothing is changed.
        let (given, hard) = getrlimit(resource).unwrap_or_default();
        let wanted = Self { resource, given, ours: ours(hard), hard };
        if wanted.set(wanted.ours) { wanted } else { Self { ours: given, ..wanted } }
    }

    fn set(&self, soft: rlim_t) -> bool {
        self.given == self.ours || setrlimit(self.resource, soft, self.hard).is_ok()
    }
}

fn number(fd: &OwnedFd) -> u64 {
    u64::try_from(fd.as_raw_fd()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(files: u64) -> Limits {
        let limit = |resource, ours| Limit { resource, given: ours, ours, hard: ours };
        Limits { files: limit(Resource::RLIMIT_NOFILE, files), core: limit(Resource::RLIMIT_CORE, 0) }
    }

    #[test]
    fn there_is_room_for_children_beside_us_and_a_reserve() {
        assert_eq!(limits(1024).room(), 984);
        assert_eq!(Limits::needed(982), 1022);
        assert_eq!(limits(40).room(), 0);
        assert_eq!(limits(0).room(), 0);
        assert_eq!(limits(u64::MAX).room(), u64::MAX - 40);
        assert_eq!(Limits::needed(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_last_descriptors_are_not_the_childrens() {
        let (fd, _) = crate::unix::fds::output_pipe().unwrap();
        assert!(limits(4096).leave_reserve(&fd));
        assert!(!limits(number(&fd) + RESERVE).leave_reserve(&fd));
    }

    #[test]
    fn a_limit_is_lent_only_while_it_is_above_all_that_is_open() {
        let (fd, _) = crate::unix::fds::output_pipe().unwrap();
        assert!(limits(number(&fd) + MARGIN).are_lendable_beside(&fd));
        assert!(!limits(number(&fd) + MARGIN - 1).are_lendable_beside(&fd));
    }
}
