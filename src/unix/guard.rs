//! The guard: sees to it that nothing outlives us, whatever happens to the process that runs everything.
//!
//! `proc start` is two processes. The guard keeps our pid, our place in the terminal and the eyes of whoever started us; its only child, the
//! supervisor, does all the work in a session of its own. The guard passes signals on, stops and ends when the supervisor says so. If
//! that goes without a word, everything that was below it is below the guard now, and is killed. It is the other way round too: a
//! supervisor that hears that its guard has gone kills everything below itself.
//!
//! The guard has one thread, and takes no memory after its start.

use super::file::proc_text;
use super::link::{GuardLink, Heard, News, Request, SupervisorLink, pair};
use super::reap::reap_each;
use super::signals::{self, is_ignored};
use super::sweep::Sweep;
use super::tree::adopt_orphans;
use crate::model::exit::{Exit, Outcome};
use crate::model::instance::Pid;
use crate::model::signal::{Received, Signal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal as NixSignal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{ForkResult, fork, setsid};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// A Ctrl-C this soon after the one before is the same one: some wrappers send two (`faults.md` F21).
const DEBOUNCE: Duration = Duration::from_millis(300);

/// How long a supervisor that has said its last word may take to be gone, in milliseconds.
const LAST_WORD_PATIENCE: u16 = 5_000;

/// When a run is taken to be one that goes on, in milliseconds.
const SETTLED: u16 = 500;

/// Which of the two processes this is.
#[derive(Debug)]
pub enum Side {
    /// The guard; all it has to do is to [`watch`](Guard::watch).
    Guard(Guard),
    /// The supervisor, with its end of the line to the guard. All signals are blocked.
    Supervisor(SupervisorLink),
}

/// How the watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// The supervisor has ended, and this is what it said last.
    Told(Outcome),
    /// It died without a word, of this; whether all that it had started could be killed.
    Lost(Option<Exit>, AllKilled),
    /// Somebody would not wait for it any longer: the third Ctrl-C; whether everything could be killed.
    Abandoned(AllKilled),
}

/// Whether nothing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllKilled(pub bool);

/// How far those have come who want the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Nobody does.
    None,
    /// Somebody asked for it, at this time since boot.
    Asked(Duration),
    /// A Ctrl-C came after that: at once, then.
    Urged(Duration),
    /// And one more: without the supervisor, which does not manage.
    GivenUp,
}

/// The guard's side.
#[derive(Debug)]
pub struct Guard {
    link: GuardLink,
    signals: SignalFd,
    supervisor: Pid,
    /// How the supervisor ended, once it has.
    ended: Option<Exit>,
    last_word: Option<Outcome>,
    wish: Wish,
    sweep: Sweep,
}

/// Becomes two processes. To be called while there is one thread only.
///
/// # Errors
///
/// What the system says when it has no process or descriptor to give.
pub fn split() -> io::Result<Side> {
    let (link, theirs) = pair()?;
    adopt_orphans()?;
    let sweep = Sweep::sparing_all_there_are();
    let heard = heard();
    let signals = SignalFd::with_flags(&heard, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    // Before there are two of us, so that none is lost in between; and those that are not heard do nothing to us.
    blocked().thread_block()?;
    match fork_alone()? {
        ForkResult::Child => {
            drop((link, signals, sweep));
            // No signal of the terminal reaches us there, nor what we start.
            setsid()?;
            adopt_orphans()?;
            Ok(Side::Supervisor(theirs))
        }
        ForkResult::Parent { child } => Ok(Side::Guard(Guard {
            link,
            signals,
            supervisor: Pid(child.as_raw()),
            ended: None,
            last_word: None,
            wish: Wish::None,
            sweep,
        })),
    }
}

#[expect(unsafe_code, reason = "a fork with other threads around would leave their locks locked")]
fn fork_alone() -> io::Result<ForkResult> {
    // SAFETY: there is one thread, as the caller of `split` sees to: no lock is held by another, so the child may do anything.
    Ok(unsafe { fork() }?)
}

/// What the guard listens for. SIGHUP stays ignored where it is (`nohup`).
fn heard() -> SigSet {
    let mut signals: SigSet = [
        NixSignal::SIGCHLD,
        NixSignal::SIGINT,
        NixSignal::SIGQUIT,
        NixSignal::SIGTERM,
        NixSignal::SIGTSTP,
        NixSignal::SIGUSR1,
        NixSignal::SIGUSR2,
        NixSignal::SIGWINCH,
    ]
    .into_iter()
    .collect();
    if !is_ignored(libc::SIGHUP) {
        signals.add(NixSignal::SIGHUP);
    }
    signals
}

/// All but those that a fault of ours would raise.
fn blocked() -> SigSet {
    use NixSignal::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    let mut signals = SigSet::all();
    for fault in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP] {
        signals.remove(fault);
    }
    signals
}

impl Guard {
    /// Passes signals on until the supervisor has gone; then nothing of what it had started is left.
    #[must_use]
    pub fn watch(mut self) -> Watched {
        // Not at once: whoever runs for less than this is not to wait for it.
        if !self.wait(SETTLED.into()) {
            forget_code();
        }
        loop {
            let is_last = self.last_word.is_some() && self.ended.is_none();
            let has_come = self.wait(if is_last { LAST_WORD_PATIENCE.into() } else { PollTimeout::NONE });
            self.take_signals();
            let has_gone = self.take_requests();
            match (self.last_word, self.ended) {
                (Some(outcome), Some(_)) => return Watched::Told(outcome),
                (None, Some(_)) => return self.avenge(),
                (None, None) if has_gone => return self.avenge(),
                // It cannot die (an uninterruptible write, say): what it had started has gone, and that is what counts.
                (Some(outcome), None) if !has_come => return Watched::Told(outcome),
                (Some(_) | None, None) => {}
            }
            if self.wish == Wish::GivenUp {
                return Watched::Abandoned(AllKilled(self.sweep.kill_all(|_, _| ())));
            }
        }
    }

    /// Waits for something to happen; false if it took too long.
    fn wait(&self, timeout: PollTimeout) -> bool {
        let signals = PollFd::new(self.signals.as_fd(), PollFlags::POLLIN);
        let link = PollFd::new(self.link.as_fd(), PollFlags::POLLIN);
        // After the last word the line is closed, which would wake us again and again.
        let count = if self.last_word.is_some() { 1 } else { 2 };
        poll(&mut [signals, link][..count], timeout) != Ok(0)
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            let received = received(&info);
            if received.signal == signals::CHILD {
                self.reap();
            } else {
                self.count_wish(received.signal);
                self.link.send(News::Signal(received));
            }
        }
    }

    /// Reaps the supervisor, and whoever is not ours (a shell that became us by `exec` has left it; the first process of a container gets
    /// everybody's orphans).
    fn reap(&mut self) {
        let Self { supervisor, ended, .. } = self;
        reap_each(|pid, exit| {
            if pid == *supervisor {
                *ended = Some(exit);
            }
        });
    }

    /// Does what the supervisor has asked for; whether it will ask for nothing more.
    fn take_requests(&mut self) -> bool {
        loop {
            match self.link.receive() {
                Heard::Message(Request::Suspend) => {
                    signals::suspend();
                    self.link.send(News::Continued);
                }
                Heard::Message(Request::End(outcome)) => self.last_word = Some(outcome),
                Heard::Nothing => return false,
                Heard::Gone => return true,
            }
        }
    }

    fn count_wish(&mut self, signal: Signal) {
        let now = since_boot();
        let is_interrupt = signal == Signal::INT;
        self.wish = match self.wish {
            Wish::None if [Signal::INT, Signal::TERM, Signal::HUP].contains(&signal) => Wish::Asked(now),
            Wish::Asked(at) if is_interrupt && now >= at + DEBOUNCE => Wish::Urged(now),
            Wish::Urged(at) if is_interrupt && now >= at + DEBOUNCE => Wish::GivenUp,
            wish @ (Wish::None | Wish::Asked(_) | Wish::Urged(_) | Wish::GivenUp) => wish,
        };
    }

    /// Kills everything that the supervisor has left behind, and itself if it is still there.
    fn avenge(mut self) -> Watched {
        let Self { supervisor, ended, sweep, .. } = &mut self;
        let all_killed = sweep.kill_all(|pid, exit| {
            if pid == *supervisor {
                *ended = Some(exit);
            }
        });
        Watched::Lost(self.ended, AllKilled(all_killed))
    }
}

/// Lets go of the pages of code that got us here: reading files and the command line took a megabyte of them. What is needed comes back by itself.
fn forget_code() {
    let maps = proc_text("/proc/self/maps").unwrap_or_default();
    // `55d0c0a00000-55d0c0c00000 r-xp 0001d000 fe:00 1234 /usr/bin/proc` (proc(5)). The kernel's own (`[vdso]`) have no path.
    for line in maps.lines().filter(|line| line.contains(" r-xp ") && line.contains('/')) {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let Some((start, end)) = range else { continue };
        let address = |text| usize::from_str_radix(text, 16).ok();
        if let (Some(start), Some(end)) = (address(start), address(end)) {
            forget(start, end.saturating_sub(start));
        }
    }
}

/// Takes pages that nobody has written to out of our memory, not out of the file they come from.
#[expect(unsafe_code, reason = "code has no owner to borrow it from")]
fn forget(start: usize, length: usize) {
    // SAFETY: the range is a mapping of a file that is not writable (`r-xp`), so there is nothing to lose: whatever is read or executed
    // there next is read from the file again.
    unsafe { libc::madvise(std::ptr::without_provenance_mut(start), length, libc::MADV_DONTNEED) };
}

fn received(info: &siginfo) -> Received {
    let signal = Signal::from_number(info.ssi_signo.cast_signed());
    // Of a process in another pid namespace we are told the number 0.
    let sender =
        (info.ssi_code <= libc::SI_USER && info.ssi_pid != 0).then_some(Pid(info.ssi_pid.cast_signed()));
    Received { signal, sender }
}

fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}
