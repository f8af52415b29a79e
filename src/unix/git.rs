//! What git knows of a file, asked of git itself.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Whether git tracks a file; it does not where there is no git, no repository or no answer in time.
///
/// For commands that start nothing else: the child is waited for here.
#[must_use]
pub fn tracks(path: &Path, limit: Duration) -> bool {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return false };
    let mut command = Command::new("git");
    // A repository can name programs for git to run. This is the one that would be run for a list of files.
    command.args(["--literal-pathspecs", "-c", "core.fsmonitor=false"]);
    command.args(["ls-files", "--error-unmatch", "--"]).arg(name).current_dir(directory);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().is_ok_and(|child| succeeds(child, limit))
}

/// Waits for a child that leads a group; at the limit, the group is killed.
fn succeeds(mut child: Child, limit: Duration) -> bool {
    let pid = Pid::from_raw(child.id().cast_signed());
    if !ends_within(pid, limit) {
        // Nobody else can have its number: it is reaped below.
        let _ = killpg(pid, Signal::SIGKILL);
    }
    child.wait().is_ok_and(|status| status.success())
}

fn ends_within(pid: Pid, limit: Duration) -> bool {
    let Ok(fd) = pidfd(pid) else { return false };
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    loop {
        match poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], limit) {
            Err(Errno::EINTR) => {}
            result => return result.is_ok_and(|count| count > 0),
        }
    }
}

/// A descriptor that can be read when the process has ended (`pidfd_open(2)`).
#[expect(unsafe_code, reason = "neither nix nor the standard library has it")]
fn pidfd(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers, and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just made it, close-on-exec, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
