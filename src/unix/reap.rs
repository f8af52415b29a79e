//! The one place where children are waited for, strangers that became ours included.

use crate::model::exit::Exit;
use crate::model::instance::Pid;
use crate::model::signal::Signal;
use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid as NixPid;

/// What one pass over the dead found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaped {
    /// Everyone who had died.
    pub dead: Vec<(Pid, Exit)>,
    /// Everyone who was stopped since the last pass and has not been continued, and by which signal.
    pub stopped: Vec<(Pid, Signal)>,
    /// Whether no child is left: since we are the subreaper of all below us, no descendant either.
    pub childless: bool,
}

/// Reaps every child that has died, and looks for those that were stopped. SIGCHLD does not count, so one signal may stand for many.
#[must_use]
pub fn reap() -> Reaped {
    let (mut dead, mut stopped) = (Vec::new(), Vec::new());
    let childless = wait_for_each(libc::WUNTRACED, |pid, status| {
        dead.extend(exit(status).map(|exit| (pid, exit)));
        if libc::WIFSTOPPED(status) {
            stopped.push((pid, Signal::from_number(libc::WSTOPSIG(status))));
        }
    });
    Reaped { dead, stopped, childless }
}

/// The same for the dead alone, each told as it is found; whether no child is left.
pub(super) fn reap_each(mut on_death: impl FnMut(Pid, Exit)) -> bool {
    wait_for_each(0, |pid, status| {
        if let Some(exit) = exit(status) {
            on_death(pid, exit);
        }
    })
}

/// Tells the status of each child that has a new one; whether no child is left.
fn wait_for_each(options: libc::c_int, mut on_change: impl FnMut(Pid, libc::c_int)) -> bool {
    loop {
        let mut status = 0;
        match wait_without_waiting(&mut status, options) {
            0 => return false,
            pid @ 1.. => on_change(Pid(pid), status),
            _ if Errno::last() == Errno::ECHILD => return true,
            _ => {}
        }
    }
}

/// waitpid(2) for whoever it is: the pid, 0 if all live, -1 if there is none.
///
/// Not nix's, which has no words for death by a real-time signal, and so would take the only report of it away.
#[expect(unsafe_code, reason = "see above")]
fn wait_without_waiting(status: &mut libc::c_int, options: libc::c_int) -> libc::pid_t {
    // SAFETY: the status is written to a place that is valid for it.
    unsafe { libc::waitpid(-1, std::ptr::from_mut(status), libc::WNOHANG | options) }
}

/// Whether a child of ours is in a group, alive or not reaped: then its number is nobody else's. Needs no `/proc`, and reaps nobody.
///
/// Whoever is left of a group when its leader is reaped is our child, unless its parent lives: we are a subreaper.
#[must_use]
pub fn has_child_in(group: Pid) -> bool {
    let glimpse = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    // Every other error is about somebody who is there: nix has no words for death by a real-time signal here either.
    waitid(Id::PGid(NixPid::from_raw(group.0)), glimpse) != Err(Errno::ECHILD)
}

/// How a process ended; none if it has not.
fn exit(status: libc::c_int) -> Option<Exit> {
    if libc::WIFEXITED(status) {
        return Some(Exit::Code(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX)));
    }
    libc::WIFSIGNALED(status).then(|| Exit::Signal(Signal::from_number(libc::WTERMSIG(status))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn a_child_holds_the_number_of_its_group_until_it_is_reaped_whatever_it_died_of() {
        for end in ["exit 3", "kill -9 $$", "kill -40 $$"] {
            let mut child = Command::new("/bin/sh").args(["-c", end]).process_group(0).spawn().unwrap();
            let group = Pid(child.id().cast_signed());
            let death = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            let _ = waitid(Id::Pid(NixPid::from_raw(group.0)), death);
            assert!(has_child_in(group), "{end}");
            child.wait().unwrap();
            assert!(!has_child_in(group), "{end}");
        }
    }

    #[test]
    fn every_code_and_every_signal_is_an_exit_and_a_stop_is_none() {
        for code in 0..=255 {
            assert_eq!(exit(i32::from(code) << 8), Some(Exit::Code(code)));
        }
        for signal in 1..=64 {
            assert_eq!(exit(signal), Some(Exit::Signal(Signal::from_number(signal))));
            // With a core dump.
            assert_eq!(exit(signal | 0x80), Some(Exit::Signal(Signal::from_number(signal))));
        }
        assert_eq!(exit(libc::SIGSTOP << 8 | 0x7f), None);
    }
}
