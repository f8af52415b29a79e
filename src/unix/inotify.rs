//! How much of the file system the kernel lets us watch (inotify(7)).

use super::file::proc_text;

/// The directories that a user may watch, those of other programs included; none if the system does not tell.
#[must_use]
pub fn most_watches() -> Option<usize> {
    proc_text("/proc/sys/fs/inotify/max_user_watches")?.trim().parse().ok()
}
