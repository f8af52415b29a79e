//! Signals to us: as something to read, and back to their defaults at the end.

use crate::model::signal::Signal;
use nix::sys::signal::SigSet;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The child of somebody died: look who.
pub const CHILD: Signal = Signal::from_number(libc::SIGCHLD);

/// The window of our terminal has changed: so have those of the children's.
pub const WINDOW: Signal = Signal::from_number(libc::SIGWINCH);

/// The signals that came in, readable as a descriptor. While it is there, they do nothing else to us.
///
/// That handlers are installed also sees to it that the children get the defaults: a handler does not survive `exec`, an ignored signal
/// does (a shell that starts us in the background ignores SIGINT and SIGQUIT for us).
#[derive(Debug)]
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Signals {
    /// Takes over the signals that a run knows what to do with, and lets in those that were blocked until now. SIGHUP stays ignored where it is (`nohup`).
    pub fn take_over() -> io::Result<Self> {
        let signals = of_interest();
        stop_ignoring(&signals);
        // A file that may not grow any more (RLIMIT_FSIZE) is to be an error (EFBIG) like a full disk, and not the end of us.
        signal_hook::flag::register(libc::SIGXFSZ, Arc::default())?;
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, signals)?;
        // Not before: one that has come already would end us without a word.
        SigSet::empty().thread_set_mask()?;
        Ok(Self { delivery })
    }

    /// The signals as something the runtime can wait for; a runtime must be entered.
    #[expect(
        unsafe_code,
        reason = "a descriptor that is waited for must stay open, which only its owner knows"
    )]
    pub fn watch(self) -> io::Result<AsyncFd<Self>> {
        // SAFETY: `as_raw_fd` gives the socket that `self` owns, always the same, open until `self` is dropped.
        Ok(unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) }?)
    }

    /// What came in since the last time.
    pub fn pending(&mut self) -> Vec<Signal> {
        self.delivery.pending().map(Signal::from_number).collect()
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.delivery.get_read().as_raw_fd()
    }
}

/// The signals that a run knows what to do with; SIGHUP only where it is not ignored.
pub(super) fn of_interest() -> Vec<libc::c_int> {
    let mut signals = vec![
        libc::SIGINT,
        libc::SIGTERM,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGTSTP,
        libc::SIGCHLD,
        libc::SIGWINCH,
    ];
    if !is_ignored(libc::SIGHUP) {
        signals.push(libc::SIGHUP);
    }
    signals
}

/// Sees to it that we hear of our children's deaths: where SIGCHLD is ignored, as some daemons hand it down, the kernel reaps them itself.
#[expect(unsafe_code, reason = "nix cannot know what a handler may do")]
pub(super) fn hear_of_deaths() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: the default action is the kernel's: there is no handler that could do what a handler must not.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

/// Whether a signal is ignored now.
#[expect(unsafe_code, reason = "nix can only set a disposition")]
fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action changes nothing; the old one is written to a place that is valid for it.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeros is a valid `sigaction`, and the call can only have made it another.
    result == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Gives every signal that we were started with ignored back its default, for the children's sake; those that get a handler in a moment
/// need it not, SIGHUP is ignored on purpose (`nohup`), and SIGPIPE is the standard library's affair.
#[expect(unsafe_code, reason = "nix cannot know what a handler may do")]
fn stop_ignoring(handled: &[libc::c_int]) {
    use nix::sys::signal::{SigHandler, Signal, signal};
    let kept = [Signal::SIGHUP, Signal::SIGPIPE];
    let others = Signal::iterator().filter(|each| !kept.contains(each) && !handled.contains(&(*each as i32)));
    for each in others.filter(|each| is_ignored(*each as i32)) {
        // SAFETY: the default action is the kernel's: there is no handler that could do what a handler must not.
        let _ = unsafe { signal(each, SigHandler::SigDfl) };
    }
}

/// Stops us as Ctrl-Z does; returns when somebody continues us.
pub fn suspend() {
    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
}

/// Dies by a signal, as if we had never handled it. Returns only where that cannot be: for a signal that does not end a process, and as the
/// first process of a container, which the kernel spares.
#[expect(unsafe_code, reason = "nix cannot know what a handler may do")]
pub fn die_by(signal: Signal) {
    use nix::sys::signal::{SigHandler, Signal as NixSignal, raise, signal as dispose};
    let Ok(signal) = NixSignal::try_from(signal.number()) else { return };
    // SAFETY: the default action is the kernel's: there is no handler that could do what a handler must not.
    let _ = unsafe { dispose(signal, SigHandler::SigDfl) };
    let _ = raise(signal);
    let _ = SigSet::from(signal).thread_unblock();
}
