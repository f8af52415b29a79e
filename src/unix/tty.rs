//! Our own terminal: every key at once, and its settings as they were when that is over.

use super::fds::is_readable;
use nix::sys::termios::{
    InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr,
    tcsetattr,
};
use nix::unistd::{getpgrp, read, tcgetpgrp};
use std::io::{self, IsTerminal, Stdin, stdin, stdout};

/// A terminal whose keys all go to somebody else, Ctrl-C too. Dropped, it is as it was.
#[derive(Debug)]
pub struct Raw {
    terminal: Stdin,
    before: Termios,
}

impl Raw {
    /// Takes over the terminal on standard input; its output still begins a line with each newline.
    pub fn enter() -> io::Result<Self> {
        let terminal = stdin();
        let before = tcgetattr(&terminal)?;
        let mut settings = before.clone();
        cfmakeraw(&mut settings);
        settings.output_flags = before.output_flags | OutputFlags::OPOST | OutputFlags::ONLCR;
        tcsetattr(&terminal, SetArg::TCSANOW, &settings)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // It fails only for a terminal that has gone.
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
    }
}

/// What keys change of a terminal: how it hands out what is typed (the local modes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The modes as they were.
    pub before: u32,
    /// The modes as they are for keys.
    pub during: u32,
}

impl Change {
    /// Undoes it, unless somebody else has set the terminal since: a shell, that reads keys too, takes back more than the local modes.
    pub fn undo(self) {
        let Ok(mut settings) = tcgetattr(stdin()) else { return };
        let is_as_we_left_it = settings.local_flags.bits() == self.during;
        if is_as_we_left_it && settings.input_flags.contains(InputFlags::ICRNL) {
            settings.local_flags = LocalFlags::from_bits_retain(self.before);
            settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &settings);
        }
    }
}

/// The keys of the terminal that we were started on, while our group is the one in its foreground. Dropped, the terminal is as it was.
///
/// Only ever used by a process of that terminal's session: nobody else can ask whose the foreground is.
#[derive(Debug)]
pub struct Keyboard {
    /// What was changed, and all the settings before.
    taken: Option<(Change, Termios)>,
}

/// What there was to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// So many keys.
    Keys(usize),
    /// Nothing that is for us.
    Nothing,
    /// The terminal has gone.
    Gone,
}

impl Keyboard {
    /// The keyboard, where there is one that we may use: standard input and output are a terminal, and it is the one of our session.
    #[must_use]
    pub fn find() -> Option<Self> {
        let is_there = stdin().is_terminal() && stdout().is_terminal() && tcgetpgrp(stdin()).is_ok();
        is_there.then_some(Self { taken: None })
    }

    /// Whether it gives us each key at once.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.taken.is_some()
    }

    /// What has to be changed for it to give us each key, if our group is in the foreground; nothing if it does so already.
    #[must_use]
    pub fn wanted(&self) -> Option<Change> {
        if self.is_taken() || !is_foreground() {
            return None;
        }
        let settings = tcgetattr(stdin()).ok()?;
        let before = settings.local_flags;
        Some(Change {
            before: before.bits(),
            during: (before - LocalFlags::ICANON - LocalFlags::ECHO).bits(),
        })
    }

    /// Changes that. Ctrl-C and Ctrl-Z stay what they are.
    pub fn take(&mut self, change: Change) {
        let Ok(before) = tcgetattr(stdin()) else { return };
        let mut settings = before.clone();
        settings.local_flags = LocalFlags::from_bits_retain(change.during);
        // A read that finds nothing does not wait, whoever else may read.
        settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 0;
        settings.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        if tcsetattr(stdin(), SetArg::TCSANOW, &settings).is_ok() {
            self.taken = Some((change, before));
        }
    }

    /// Looks whether it still gives us each key, after we were stopped: whoever had the terminal meanwhile may have set it.
    pub fn look_again(&mut self) {
        let Some((change, _)) = self.taken.as_ref().filter(|_| is_foreground()) else { return };
        let now = tcgetattr(stdin()).map(|settings| settings.local_flags.bits());
        if now.is_ok_and(|now| now != change.during) {
            self.taken = None;
        }
    }

    /// Reads keys, without waiting; none while we are in the background, where the terminal is somebody else's.
    pub fn read(&mut self, keys: &mut [u8]) -> Typed {
        match tcgetpgrp(stdin()) {
            Err(_) => return Typed::Gone,
            Ok(group) if group != getpgrp() => {
                self.taken = None;
                return Typed::Nothing;
            }
            Ok(_) if !is_readable(&stdin()) => return Typed::Nothing,
            Ok(_) => {}
        }
        // It fails if we have just gone to the background, or the terminal has gone: the next time tells which.
        read(stdin(), keys).map_or(Typed::Nothing, Typed::Keys)
    }

    /// Gives the terminal back as it was, unless we are in the background: then it is somebody else's.
    pub fn give_back(&mut self) {
        let Some((_, before)) = self.taken.take() else { return };
        if is_foreground() {
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &before);
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn is_foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}
