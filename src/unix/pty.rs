//! Pseudo-terminals: the pair that a child writes to and we read from, and its window.

use super::file::in_spite_of_signals;
use nix::fcntl::{OFlag, open};
use nix::pty::{Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::sys::termios::{LocalFlags, OutputFlags, SetArg, tcgetattr, tcsetattr};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// How many characters a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The characters of a line.
    pub columns: u16,
    /// The lines.
    pub rows: u16,
}

impl Window {
    /// The window that programs take for granted where none is known: that of the VT100.
    pub const USUAL: Self = Self { columns: 80, rows: 24 };

    /// The narrowest that is handed out: with less, programs that draw do not know what to do.
    const NARROWEST: u16 = 20;

    /// The window of a terminal; none if it is not one. A size that a terminal does not know is the usual one.
    #[must_use]
    pub fn of(terminal: impl AsFd) -> Option<Self> {
        let mut size = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        read_size(terminal.as_fd().as_raw_fd(), &mut size).ok()?;
        let known = |value, usual| if value == 0 { usual } else { value };
        let Self { columns, rows } = Self::USUAL;
        Some(Self { columns: known(size.ws_col, columns), rows: known(size.ws_row, rows) })
    }

    /// What is left of it beside a margin.
    #[must_use]
    pub fn beside(self, margin: usize) -> Self {
        let margin = u16::try_from(margin).unwrap_or(u16::MAX);
        Self { columns: self.columns.saturating_sub(margin).max(Self::NARROWEST), ..self }
    }
}

/// The two ends of a pseudo-terminal for a child's output: ours, which does not block, and the child's, which does.
///
/// It passes on what is written as it is: no `\r` before a newline, and no echo of what is typed. Both are close-on-exec from their birth,
/// which `openpty(3)` cannot do.
pub fn output_pty(window: Window) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = in_spite_of_signals(|| posix_openpt(flags | OFlag::O_NONBLOCK))?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname_r(&master)?;
    let theirs = in_spite_of_signals(|| open(name.as_str(), flags, Mode::empty()))?;
    let mut settings = tcgetattr(&theirs)?;
    settings.output_flags.remove(OutputFlags::OPOST | OutputFlags::ONLCR);
    settings.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL);
    tcsetattr(&theirs, SetArg::TCSANOW, &settings)?;
    let ours = OwnedFd::from(master);
    resize(&ours, window)?;
    Ok((ours, theirs))
}

/// Changes the window of a pseudo-terminal. It controls no session, so whoever has to hear of it is to be told (SIGWINCH).
pub fn resize(ours: &OwnedFd, window: Window) -> io::Result<()> {
    let size = Winsize { ws_row: window.rows, ws_col: window.columns, ws_xpixel: 0, ws_ypixel: 0 };
    write_size(ours.as_raw_fd(), &size)
}

#[expect(unsafe_code, reason = "nix has no TIOCGWINSZ")]
fn read_size(fd: RawFd, size: &mut Winsize) -> io::Result<()> {
    // SAFETY: TIOCGWINSZ writes one `winsize`, to a place that is valid for that; on failure nothing is written.
    checked(unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, std::ptr::from_mut(size)) })
}

#[expect(unsafe_code, reason = "nix has no TIOCSWINSZ")]
fn write_size(fd: RawFd, size: &Winsize) -> io::Result<()> {
    // SAFETY: TIOCSWINSZ reads one `winsize`, from a place that is valid for that.
    checked(unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, std::ptr::from_ref(size)) })
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unix::fds::{Received, is_readable, receive, receive_more};
    use nix::unistd::write;
    use std::io::IsTerminal;

    #[test]
    fn what_is_written_comes_out_as_it_is() {
        let (ours, theirs) = output_pty(Window::USUAL).unwrap();
        assert!(theirs.is_terminal());
        let mut buffer = [0; 64];
        assert_eq!(receive(&ours, &mut buffer), Received::Nothing);
        let written = b"one\n\ttwo\r\n\x1b[31m\xff\0\x04";
        write(&theirs, written).unwrap();
        assert_eq!(receive_more(&ours, &mut buffer), Received::Bytes(written.len()));
        assert_eq!(buffer[..written.len()], written[..]);
    }

    #[test]
    fn what_is_left_in_it_can_be_read_when_nobody_has_it_open_any_more() {
        let (ours, theirs) = output_pty(Window::USUAL).unwrap();
        let mut buffer = [0; 64];
        assert!(!is_readable(&ours));
        write(&theirs, b"last").unwrap();
        drop(theirs);
        assert!(is_readable(&ours));
        assert_eq!(receive_more(&ours, &mut buffer), Received::Bytes(4));
        assert!(is_readable(&ours), "the end is to be found, too");
        assert_eq!(receive_more(&ours, &mut buffer), Received::End);
    }

    #[test]
    fn more_than_one_read_gives_is_taken_at_once() {
        let (ours, theirs) = output_pty(Window::USUAL).unwrap();
        let thread = std::thread::spawn(move || {
            let mut left: &[u8] = &vec![b'x'; 1 << 20];
            while !left.is_empty() {
                left = &left[write(&theirs, left).unwrap()..];
            }
        });
        let mut buffer = vec![0; 1 << 16];
        let mut received = 0;
        loop {
            match receive_more(&ours, &mut buffer) {
                Received::Bytes(count) => received += count,
                Received::Nothing => std::thread::yield_now(),
                Received::End => break,
            }
        }
        thread.join().unwrap();
        assert_eq!(received, 1 << 20);
    }

    #[test]
    fn a_window_has_the_size_it_was_given_and_a_pipe_has_none() {
        let window = Window { columns: 61, rows: 7 };
        let (ours, theirs) = output_pty(window).unwrap();
        assert_eq!(Window::of(&theirs), Some(window));
        resize(&ours, Window { columns: 0, rows: 0 }).unwrap();
        assert_eq!(Window::of(&theirs), Some(Window::USUAL));
        let (ours, _theirs) = crate::unix::fds::output_pipe().unwrap();
        assert_eq!(Window::of(&ours), None);
    }

    #[test]
    fn a_margin_takes_from_the_columns_and_leaves_some() {
        let beside = |margin| Window::USUAL.beside(margin);
        assert_eq!(beside(18), Window { columns: 62, rows: 24 });
        assert_eq!(beside(70).columns, 20);
        assert_eq!(beside(usize::MAX).columns, 20);
    }
}
