//! The limits of the system on us: raised for ourselves, and for the children as they were given to us.

use nix::errno::Errno;
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The descriptors that the children's pipes leave free. Who has none left cannot open `/proc` to see who is below it, nor a log file anew.
const RESERVE: u64 = 16;

/// The descriptors that we have open ourselves before any child has a pipe, at most: standard streams, the loop, signals, what we were given.
const OURS: u64 = 16;

/// How often our limits were changed: an odd number while they are those of the children.
static CHANGES: AtomicUsize = AtomicUsize::new(0);

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

    /// How many children we can have at once that need so many descriptors each.
    #[must_use]
    pub fn room(&self, each: u64) -> u64 {
        self.files.ours.saturating_sub(OURS + RESERVE) / each.max(1)
    }

    /// How many descriptors we may have.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.ours
    }

    /// How many descriptors so many children need of us, who need so many each.
    #[must_use]
    pub fn needed(children: u64, each: u64) -> u64 {
        children.saturating_mul(each).saturating_add(OURS + RESERVE)
    }

    /// Whether this descriptor, the last of those for a child, is not one of the reserve. The kernel hands out the lowest that is free.
    #[must_use]
    pub fn leave_reserve(&self, fd: &OwnedFd) -> bool {
        let number = u64::try_from(fd.as_raw_fd()).unwrap_or(u64::MAX);
        number < self.files.ours.saturating_sub(RESERVE)
    }

    /// Starts a child with the limits that we were given: it has those that we have at that moment.
    ///
    /// Until `start` returns, no more descriptors can be opened than we were given: neither by it nor by [another thread](retried).
    pub fn lend<T>(&self, start: impl FnOnce() -> T) -> T {
        CHANGES.fetch_add(1, Ordering::SeqCst);
        self.give_back();
        let started = start();
        for limit in [&self.files, &self.core] {
            limit.set(limit.ours);
        }
        CHANGES.fetch_add(1, Ordering::SeqCst);
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

/// Opens a descriptor on a thread that starts no children: what failed because a limit was the children's for a moment is tried again.
pub(super) fn retried<T>(open: impl Fn() -> nix::Result<T>) -> nix::Result<T> {
    const A_SPAWN: Duration = Duration::from_micros(100);
    loop {
        let before = CHANGES.load(Ordering::SeqCst);
        let result = open();
        let is_disturbed = || before % 2 == 1 || CHANGES.load(Ordering::SeqCst) != before;
        if !matches!(result, Err(Errno::EMFILE)) || !is_disturbed() {
            return result;
        }
        std::thread::sleep(A_SPAWN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn limits(files: u64) -> Limits {
        let limit = |resource, ours| Limit { resource, given: ours, ours, hard: ours };
        Limits { files: limit(Resource::RLIMIT_NOFILE, files), core: limit(Resource::RLIMIT_CORE, 0) }
    }

    #[test]
    fn there_is_room_for_children_beside_us_and_a_reserve() {
        assert_eq!(limits(1024).room(1), 992);
        assert_eq!(limits(1024).room(3), 330);
        assert_eq!(Limits::needed(330, 3), 1022);
        assert_eq!(limits(32).room(1), 0);
        assert_eq!(limits(0).room(0), 0);
        assert_eq!(limits(u64::MAX).room(1), u64::MAX - 32);
        assert_eq!(Limits::needed(u64::MAX, 4), u64::MAX);
    }

    #[test]
    fn the_last_descriptors_are_not_the_childrens() {
        let (fd, _) = crate::unix::fds::output_pipe().unwrap();
        assert!(limits(4096).leave_reserve(&fd));
        assert!(!limits(u64::try_from(fd.as_raw_fd()).unwrap() + RESERVE).leave_reserve(&fd));
    }

    #[test]
    fn what_fails_while_a_child_is_started_is_tried_again_and_what_fails_otherwise_is_not() {
        let attempts = Cell::new(0);
        let fails = |times: i32| {
            attempts.set(attempts.get() + 1);
            if attempts.get() <= times { Err(Errno::EMFILE) } else { Ok(()) }
        };
        assert_eq!(retried(|| fails(3)), Err(Errno::EMFILE));
        assert_eq!(attempts.replace(0), 1);
        assert_eq!(limits(4096).lend(|| retried(|| fails(3))), Ok(()));
        assert_eq!(attempts.get(), 4);
    }
}
