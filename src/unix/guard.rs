//! The guard: sees to it that nothing outlives us, whatever happens to the process that runs everything.
//!
//! `proc start` is two processes. The guard keeps our pid, our place in the terminal and the eyes of whoever started us; its only child, the
//! supervisor, does all the work in a session of its own. The guard passes signals and keys on, stops and ends when the supervisor says so. If
//! that goes without a word, everything that was below it is below the guard now, and is killed. It is the other way round too: a
//! supervisor that hears that its guard has gone kills everything below itself.
//!
//! The guard has one thread, and takes no memory once it has settled: after half a second of quiet it reads its own map to become small.

use super::file::proc_text;
use super::link::{Heard, News, Request, SupervisorLink, pair};
use super::outbox::Outbox;
use super::reap::reap_each;
use super::signals;
use super::sweep::{Sweep, since_boot};
use super::tree::{adopt_orphans, signal_process};
use super::tty::{Keyboard, Typed};
use crate::model::exit::{Exit, Outcome};
use crate::model::instance::Pid;
use crate::model::policy::DEBOUNCE;
use crate::model::signal::{Received, Signal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal as NixSignal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::{ForkResult, fork, setsid};
use std::io::{self, stdin};
use std::os::fd::AsFd;
use std::time::Duration;

/// How long a supervisor that has said its last word may take to be gone.
const LAST_WORD_PATIENCE: Duration = Duration::from_secs(5);

/// After how long with nothing to do a run is taken to be one that goes on, in milliseconds.
const SETTLED: u16 = 500;

/// How often a guard in the background looks whether it is in the foreground by now (`fg`), in milliseconds: nobody tells it.
const BACKGROUND_GLANCE: u16 = 1000;

/// What is said of a terminal that nobody is behind any more.
const GONE: PollFlags = PollFlags::POLLHUP.union(PollFlags::POLLERR).union(PollFlags::POLLNVAL);

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

/// What the supervisor said last.
#[derive(Debug, Clone, Copy)]
struct LastWord {
    outcome: Outcome,
    /// When it is not waited for any longer, as a time since boot.
    give_up_at: Duration,
}

/// The guard's side.
#[derive(Debug)]
pub struct Guard {
    link: Outbox,
    signals: SignalFd,
    supervisor: Pid,
    /// How the supervisor ended, once it has.
    ended: Option<Exit>,
    last_word: Option<LastWord>,
    /// Whether somebody has continued us since the last Ctrl-Z.
    is_continued: bool,
    wish: Wish,
    sweep: Sweep,
    /// Where keys come from, if any are wanted.
    keyboard: Option<Box<Keyboard>>,
}

/// Becomes two processes, the guard with the keys of its terminal if that is wanted. To be called while there is one thread only.
///
/// # Errors
///
/// What the system says when it has no process or descriptor to give.
pub fn split(wants_keys: bool) -> io::Result<Side> {
    let (link, theirs) = pair()?;
    adopt_orphans()?;
    let sweep = Sweep::sparing_all_there_are();
    let heard = heard();
    let signals = SignalFd::with_flags(&heard, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    signals::hear_of_deaths();
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
            link: Outbox::new(link),
            signals,
            supervisor: Pid(child.as_raw()),
            ended: None,
            last_word: None,
            is_continued: false,
            wish: Wish::None,
            sweep,
            keyboard: wants_keys.then(Keyboard::find).flatten().map(Box::new),
        })),
    }
}

#[expect(unsafe_code, reason = "a fork with other threads around would leave their locks locked")]
fn fork_alone() -> io::Result<ForkResult> {
    // SAFETY: there is one thread, as the caller of `split` sees to: no lock is held by another, so the child may do anything.
    Ok(unsafe { fork() }?)
}

/// What the guard listens for: what a run knows what to do with, and whether somebody continues us.
fn heard() -> SigSet {
    let known = signals::of_interest().into_iter().filter_map(|number| NixSignal::try_from(number).ok());
    known.chain([NixSignal::SIGCONT]).collect()
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
        let mut is_settled = false;
        loop {
            self.take_keyboard();
            let has_come = self.wait(self.timeout(is_settled));
            // Not at once: whoever runs for less than this is not to wait for it.
            if !has_come && !std::mem::replace(&mut is_settled, true) {
                forget_code();
            }
            self.link.send_waiting();
            self.take_signals();
            self.take_keys();
            let has_gone = self.take_requests();
            match (self.last_word, self.ended) {
                (Some(last), Some(_)) => return Watched::Told(last.outcome),
                (None, Some(_)) => return self.avenge(),
                (None, None) if has_gone => return self.avenge(),
                // It cannot die (an uninterruptible write, say): what it had started has gone, and that is what counts.
                (Some(last), None) if since_boot() >= last.give_up_at => return Watched::Told(last.outcome),
                (Some(_) | None, None) => {}
            }
            if self.wish == Wish::GivenUp {
                return Watched::Abandoned(self.kill_all());
            }
        }
    }

    /// How long there may be nothing to do.
    fn timeout(&self, is_settled: bool) -> PollTimeout {
        match self.last_word {
            Some(last) => {
                let left = last.give_up_at.saturating_sub(since_boot()).as_millis() + 1;
                u16::try_from(left).unwrap_or(u16::MAX).into()
            }
            None if !is_settled => SETTLED.into(),
            None if self.keyboard.as_ref().is_some_and(|keyboard| !keyboard.is_taken()) => {
                BACKGROUND_GLANCE.into()
            }
            None => PollTimeout::NONE,
        }
    }

    /// Waits for something to happen; false if it took too long.
    fn wait(&mut self, timeout: PollTimeout) -> bool {
        let input = stdin();
        // After the last word the line is closed, which would wake us again and again.
        let hears_supervisor = self.last_word.is_none();
        let hears_keys = self.hears_keys();
        // Signals are heard again where something is not heard.
        let or_signals = |is_heard, fd| if is_heard { fd } else { self.signals.as_fd() };
        let room = if self.link.is_stuck() { PollFlags::POLLOUT } else { PollFlags::empty() };
        let mut all = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(or_signals(hears_supervisor, self.link.as_fd()), PollFlags::POLLIN | room),
            PollFd::new(or_signals(hears_keys, input.as_fd()), PollFlags::POLLIN),
        ];
        let has_come = poll(&mut all, timeout) != Ok(0);
        let is_hung_up = all[2].revents().is_some_and(|came| came.intersects(GONE));
        if hears_keys && is_hung_up {
            // It would wake us again and again, and will never have a key.
            self.keyboard = None;
        }
        has_come
    }

    /// Whether what is typed is for us (in the background it is not), and there is room for it: until then the terminal keeps it.
    fn hears_keys(&self) -> bool {
        !self.link.is_stuck() && self.keyboard.as_ref().is_some_and(|keyboard| keyboard.is_taken())
    }

    /// Has the terminal give us each key, once we are in its foreground.
    fn take_keyboard(&mut self) {
        let Some(keyboard) = self.keyboard.as_mut().filter(|_| self.last_word.is_none()) else { return };
        if let Some(change) = keyboard.wanted() {
            // Before it is done, so that the supervisor can undo it whenever we are killed.
            self.link.send(News::Keyboard(Some(change)));
            keyboard.take(change);
        }
    }

    /// Passes on the keys that were pressed.
    fn take_keys(&mut self) {
        if !self.hears_keys() {
            return;
        }
        let Some(keyboard) = &mut self.keyboard else { return };
        let mut keys = [0; 64];
        match keyboard.read(&mut keys) {
            Typed::Keys(count) => keys[..count].iter().for_each(|key| self.link.send(News::Key(*key))),
            Typed::Nothing => {}
            Typed::Gone => self.keyboard = None,
        }
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            let received = received(&info);
            if received.signal == signals::CHILD {
                self.reap();
            } else if received.signal == Signal::CONT {
                self.is_continued = true;
                if let Some(keyboard) = &mut self.keyboard {
                    keyboard.look_again();
                }
            } else {
                self.is_continued &= received.signal != Signal::TSTP;
                self.count_wish(received.signal);
                self.link.send(News::Signal(received));
            }
        }
    }

    /// Reaps the supervisor, and whoever is not ours (a shell that became us by `exec` has left it; the first process of a container gets
    /// everybody's orphans).
    fn reap(&mut self) {
        let Self { supervisor, ended, sweep, .. } = self;
        reap_each(|pid, exit| {
            if pid == *supervisor {
                *ended = Some(exit);
            }
            sweep.forget(pid);
        });
    }

    /// Does what the supervisor has asked for; whether it will ask for nothing more.
    fn take_requests(&mut self) -> bool {
        loop {
            match self.link.receive() {
                Heard::Message(Request::Suspend) => self.suspend(),
                Heard::Message(Request::End(outcome)) => {
                    let give_up_at = since_boot() + LAST_WORD_PATIENCE;
                    self.last_word = Some(LastWord { outcome, give_up_at });
                }
                Heard::Nothing => return false,
                Heard::Gone => return true,
            }
        }
    }

    /// Stops us until somebody continues us, unless somebody has by now: then a stop would never be undone.
    fn suspend(&mut self) {
        self.take_signals();
        if !self.is_continued {
            self.give_keyboard_back();
            signals::suspend();
        }
        self.link.send(News::Continued);
    }

    fn give_keyboard_back(&mut self) {
        if let Some(keyboard) = self.keyboard.as_mut().filter(|keyboard| keyboard.is_taken()) {
            keyboard.give_back();
            self.link.send(News::Keyboard(None));
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

    /// Kills everything that the supervisor has left behind.
    fn avenge(mut self) -> Watched {
        let all_killed = self.kill_all();
        Watched::Lost(self.ended, all_killed)
    }

    /// Kills everything that was started, the supervisor included if it is still there.
    fn kill_all(&mut self) -> AllKilled {
        let Self { supervisor, ended, sweep, .. } = self;
        if ended.is_none() {
            // Not reaped, so it is nobody else; and it is found without /proc.
            let _ = signal_process(*supervisor, Signal::KILL);
        }
        AllKilled(sweep.kill_all(|pid, exit| {
            if pid == *supervisor {
                *ended = Some(exit);
            }
        }))
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
