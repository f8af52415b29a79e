//! What the processes write to: pipes, or pseudo-terminals that are as wide as what ours has left for their lines.

use crate::unix::fds::output_pipe;
use crate::unix::pty::{self, Window};
use std::io;
use std::os::fd::OwnedFd;

/// What the output of a process goes through on its way to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A pipe.
    Pipe,
    /// A pseudo-terminal: the process behaves as on a terminal of its own.
    Pty,
}

/// The window of a process that has a terminal, as of now; `margin`: the columns that stand before each of its lines on ours.
///
/// What is written on as many columns has room beside what we put before it. Where our output goes to no terminal nobody knows how wide it will
/// be shown.
pub(super) fn window(margin: usize) -> Window {
    Window::of(io::stdout()).map_or(Window::USUAL, |window| window.beside(margin))
}

impl Channel {
    /// Opens one: our end, and the child's. A terminal has this window.
    pub(super) fn open(self, window: Window) -> io::Result<(OwnedFd, OwnedFd)> {
        match self {
            Self::Pipe => output_pipe(),
            Self::Pty => pty::pair(window),
        }
    }

    /// Why a process has none, and what helps if that is too many of them.
    pub(super) fn explain(self, error: &io::Error) -> String {
        let is = |number| error.raw_os_error() == Some(number);
        match self {
            Self::Pipe if is(libc::EMFILE) => {
                "too many open files for us: start fewer, or raise the limit (`ulimit -n`)".to_owned()
            }
            Self::Pipe => format!("no pipe for its output: {error}"),
            Self::Pty => {
                let what = if is(libc::EMFILE) {
                    "too many open files for us: start fewer, raise the limit (`ulimit -n`), or".to_owned()
                } else if is(libc::ENOSPC) {
                    "no pseudo-terminal is left on this system: start fewer, or".to_owned()
                } else {
                    format!("no pseudo-terminal for its output: {error};")
                };
                format!("{what} use pipes (`--pty never`, `tty = false`)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_have_no_terminal_is_told_to_do_without() {
        for number in [libc::EMFILE, libc::ENOSPC, libc::ENOENT] {
            let error = io::Error::from_raw_os_error(number);
            let text = Channel::Pty.explain(&error);
            assert!(text.contains("`--pty never`"), "{text}");
            assert!(!Channel::Pipe.explain(&error).contains("--pty"));
        }
    }
}
