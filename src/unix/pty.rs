//! Pseudo-terminals: the pair that a child has one end of and we the other, its window, and what is typed into it.

use super::file::in_spite_of_signals;
use crate::model::signal::Signal;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::pty::{Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::sys::termios::{
    FlushArg, InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, tcflush, tcgetattr,
    tcsetattr,
};
use nix::unistd::{tcgetpgrp, write};
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

/// The two ends of a pseudo-terminal for a child: ours, which does not block, and the child's, which does.
///
/// It passes on what is written as it is: no `\r` before a newline. What is typed is echoed from the beginning, because a line editor does as
/// the terminal did when it began to read, which may be long before anybody types. Ctrl-S is a key like any other: whoever typed it and left
/// would have stopped the child for good. Both ends are close-on-exec from their birth, which `openpty(3)` cannot do.
pub fn pair(window: Window) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = in_spite_of_signals(|| posix_openpt(flags | OFlag::O_NONBLOCK))?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname_r(&master)?;
    let theirs = in_spite_of_signals(|| open(name.as_str(), flags, Mode::empty()))?;
    let mut settings = tcgetattr(&theirs)?;
    settings.output_flags.remove(OutputFlags::OPOST | OutputFlags::ONLCR);
    settings.input_flags.remove(InputFlags::IXON);
    settings.input_flags.insert(InputFlags::IUTF8);
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

/// What a key means to a terminal, beside being something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Nothing more.
    Plain,
    /// It is not to be read: the group is to get this signal.
    Signal(Signal),
    /// It is not to be read, and means nothing here: nobody could continue whoever stopped at Ctrl-Z.
    Void,
}

/// The keys that mean a signal on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalKeys {
    interrupt: u8,
    quit: u8,
    suspend: u8,
}

impl SignalKeys {
    /// Those of a terminal as it is set now; none while its program takes every key for itself, or has made it its controlling terminal
    /// (a shell does): then the kernel knows who is to be signalled.
    #[must_use]
    pub fn of(ours: &OwnedFd) -> Option<Self> {
        if tcgetpgrp(ours).is_ok_and(|group| group.as_raw() > 0) {
            return None;
        }
        let settings = tcgetattr(ours).ok()?;
        let key = |index: SpecialCharacterIndices| settings.control_chars[index as usize];
        settings.local_flags.contains(LocalFlags::ISIG).then(|| Self {
            interrupt: key(SpecialCharacterIndices::VINTR),
            quit: key(SpecialCharacterIndices::VQUIT),
            suspend: key(SpecialCharacterIndices::VSUSP),
        })
    }

    /// What a byte that is typed means.
    #[must_use]
    pub fn meaning(self, byte: u8) -> Key {
        match byte {
            // `_POSIX_VDISABLE`: there is no such key.
            0 => Key::Plain,
            _ if byte == self.interrupt => Key::Signal(Signal::INT),
            _ if byte == self.quit => Key::Signal(Signal::QUIT),
            _ if byte == self.suspend => Key::Void,
            _ => Key::Plain,
        }
    }
}

/// Types these bytes, as many as there is room for now; their number.
pub fn type_in(ours: &OwnedFd, bytes: &[u8]) -> io::Result<usize> {
    match in_spite_of_signals(|| write(ours, bytes)) {
        Err(Errno::EAGAIN) => Ok(0),
        result => Ok(result?),
    }
}

/// Forgets what was typed and not read, as a terminal does at Ctrl-C; not what was written.
pub fn forget_typed(theirs: &OwnedFd) {
    // It fails only for a terminal that has gone.
    let _ = tcflush(theirs, FlushArg::TCIFLUSH);
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
    use std::io::IsTerminal;

    #[test]
    fn what_is_written_comes_out_as_it_is() {
        let (ours, theirs) = pair(Window::USUAL).unwrap();
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
        let (ours, theirs) = pair(Window::USUAL).unwrap();
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
        let (ours, theirs) = pair(Window::USUAL).unwrap();
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
        let (ours, theirs) = pair(window).unwrap();
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

    #[test]
    fn what_is_typed_is_echoed_and_read_line_by_line() {
        let (ours, theirs) = pair(Window::USUAL).unwrap();
        assert_eq!(type_in(&ours, b"a\x13b\r").unwrap(), 4);
        let mut buffer = [0; 64];
        let count = nix::unistd::read(&theirs, &mut buffer).unwrap();
        assert_eq!(buffer[..count], *b"a\x13b\n");
        assert_eq!(receive_more(&ours, &mut buffer), Received::Bytes(5));
        assert_eq!(buffer[..5], *b"a^Sb\n");
    }

    #[test]
    fn the_keys_that_mean_a_signal_are_those_of_the_terminal_as_it_is_set_now() {
        let (ours, theirs) = pair(Window::USUAL).unwrap();
        let keys = SignalKeys::of(&ours).unwrap();
        let meanings = [b'\x03', b'\x1c', b'\x1a', b'c', 0].map(|byte| keys.meaning(byte));
        assert_eq!(
            meanings,
            [Key::Signal(Signal::INT), Key::Signal(Signal::QUIT), Key::Void, Key::Plain, Key::Plain]
        );
        let mut settings = tcgetattr(&theirs).unwrap();
        settings.local_flags.remove(LocalFlags::ISIG);
        tcsetattr(&theirs, SetArg::TCSANOW, &settings).unwrap();
        assert_eq!(SignalKeys::of(&ours), None);
    }

    #[test]
    fn typing_waits_for_nobody_and_what_was_typed_can_be_forgotten() {
        let (ours, theirs) = pair(Window::USUAL).unwrap();
        let mut settings = tcgetattr(&theirs).unwrap();
        settings.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        tcsetattr(&theirs, SetArg::TCSANOW, &settings).unwrap();
        let page = [b'x'; 4096];
        let full = (0..1000).any(|_| type_in(&ours, &page).unwrap() == 0);
        assert!(full, "a terminal that nobody reads takes four megabytes");
        forget_typed(&theirs);
        assert!(type_in(&ours, &page).unwrap() > 0);
    }
}
