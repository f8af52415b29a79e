//! Goes into the background: a process in a session of its own that holds nothing of whoever called us, and one that stays to follow it.
//!
//! What the one writes goes through pipes to the other, for as long as that is there.

use super::fds::{Received, output_pipe, receive};
use super::reap::reap_each;
use super::signals;
use super::tree::signal_process;
use crate::model::exit::Exit;
use crate::model::instance::Pid;
use crate::model::signal::Signal;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal as NixSignal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How much is read of a pipe before something else is looked at: more than a pipe holds, so that all is read of one whose writers have gone.
const MOST_AT_ONCE: usize = 1024 * 1024;

/// Which of the two processes this is.
#[derive(Debug)]
pub enum Side {
    /// The one that stays, and follows the other.
    Follower(Follower),
    /// The one in the background.
    Background,
}

/// A process in the background, as its parent sees it.
#[derive(Debug)]
pub struct Follower {
    pid: Pid,
    ended: Option<Exit>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    signals: SignalFd,
}

/// What the process in the background has written.
#[derive(Debug, Default)]
pub struct Written {
    /// To its standard output.
    pub stdout: Vec<u8>,
    /// To its standard error.
    pub stderr: Vec<u8>,
}

/// Becomes two processes. To be called while there is one thread only.
///
/// # Errors
///
/// What the system says when it has no process or descriptor to give.
pub fn detach() -> io::Result<Side> {
    let (stdout, to_stdout) = output_pipe()?;
    let (stderr, to_stderr) = output_pipe()?;
    let null = open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let before = SigSet::thread_get_mask()?;
    let heard = heard();
    let signals = SignalFd::with_flags(&heard, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    signals::hear_of_deaths();
    // Before there are two of us, so that none is lost in between.
    heard.thread_block()?;
    match fork_alone()? {
        ForkResult::Parent { child } => Ok(Side::Follower(Follower {
            pid: Pid(child.as_raw()),
            ended: None,
            stdout: Some(stdout),
            stderr: Some(stderr),
            signals,
        })),
        ForkResult::Child => {
            setsid()?;
            dup2_stdin(&null)?;
            dup2_stdout(&to_stdout)?;
            dup2_stderr(&to_stderr)?;
            drop((stdout, to_stdout, stderr, to_stderr, null, signals));
            close_the_rest();
            before.thread_set_mask()?;
            Ok(Side::Background)
        }
    }
}

#[expect(unsafe_code, reason = "a fork with other threads around would leave their locks locked")]
fn fork_alone() -> io::Result<ForkResult> {
    // SAFETY: there is one thread, as the caller of `detach` sees to: no lock is held by another, so the child may do anything.
    Ok(unsafe { fork() }?)
}

/// Closes what we were given beyond standard input, output and error: somebody may wait for the end of it.
///
/// A kernel without the call (before Linux 5.9) leaves it open.
#[expect(unsafe_code, reason = "descriptors that we did not open have no owner to drop")]
fn close_the_rest() {
    // SAFETY: the process that was forked a moment ago holds no descriptor in a value that is used from here on; there are no pointers.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// What would end us, and what tells of the end of the other.
fn heard() -> SigSet {
    use NixSignal::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    [SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().collect()
}

impl Follower {
    /// The process in the background.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<Exit> {
        self.ended
    }

    /// Waits until something happens, or this long; what we are told to end for, the other is told too.
    pub fn wait(&mut self, limit: Duration) {
        let pipes = [&self.stdout, &self.stderr].into_iter().flatten();
        let fds = pipes.map(AsFd::as_fd).chain([self.signals.as_fd()]);
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Whatever comes of it, everything is looked at.
        let _ = poll(&mut fds, PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX));
        while let Ok(Some(info)) = self.signals.read_signal() {
            let signal = Signal::from_number(info.ssi_signo.cast_signed());
            if signal == signals::CHILD {
                self.reap();
            } else if self.ended.is_none() {
                // Not reaped, so it is nobody else.
                let _ = signal_process(self.pid, signal);
            }
        }
    }

    /// What it has written since the last time.
    #[must_use]
    pub fn read(&mut self) -> Written {
        Written { stdout: take(&mut self.stdout), stderr: take(&mut self.stderr) }
    }

    fn reap(&mut self) {
        let Self { pid, ended, .. } = self;
        reap_each(|dead, exit| {
            if dead == *pid {
                *ended = Some(exit);
            }
        });
    }
}

/// What is in a pipe, but not without end where somebody writes without end; at its end it is closed.
fn take(pipe: &mut Option<OwnedFd>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while let Some(from) = pipe.as_ref().filter(|_| bytes.len() < MOST_AT_ONCE) {
        match receive(from, &mut buffer) {
            Received::Bytes(count) => bytes.extend_from_slice(&buffer[..count]),
            Received::Nothing => break,
            Received::End => *pipe = None,
        }
    }
    bytes
}
