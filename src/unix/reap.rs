//! The one place where children are waited for, strangers that became ours included.

use crate::model::exit::Exit;
use crate::model::instance::Pid;
use crate::model::signal::Signal;
use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

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
    let mut dead = Vec::new();
    let mut stopped = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(pid, code)) => {
                let code = u8::try_from(code & 0xff).unwrap_or(u8::MAX);
                dead.push((Pid(pid.as_raw()), Exit::Code(code)));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                dead.push((Pid(pid.as_raw()), Exit::Signal(Signal::from_number(signal as i32))));
            }
            Ok(WaitStatus::Stopped(pid, signal)) => {
                stopped.push((Pid(pid.as_raw()), Signal::from_number(signal as i32)));
            }
            Ok(WaitStatus::StillAlive) => return Reaped { dead, stopped, childless: false },
            Err(Errno::ECHILD) => return Reaped { dead, stopped, childless: true },
            Ok(_) | Err(_) => {}
        }
    }
}
