//! A terminal of the test's, for `proc` to run on.

use crate::support::{Proc, Running};
use nix::fcntl::{OFlag, open};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

/// Our end of a terminal: what is written to it is typed.
pub(crate) struct Terminal(File);

impl Terminal {
    /// A terminal, and the end of it that a program gets. Neither is inherited by what another test starts.
    fn open() -> (Self, OwnedFd) {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let theirs = open(ptsname_r(&master).unwrap().as_str(), flags, Mode::empty()).unwrap();
        // A terminal forgets at Ctrl-C what it was about to show, and does so after the signal: the answer to it may be part of that.
        let mut settings = tcgetattr(&theirs).unwrap();
        settings.local_flags.insert(LocalFlags::NOFLSH);
        tcsetattr(&theirs, SetArg::TCSANOW, &settings).unwrap();
        let terminal = Self(File::from(OwnedFd::from(master)));
        terminal.resize(100, 30);
        (terminal, theirs)
    }

    /// Types these keys.
    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.0.write_all(keys).unwrap();
    }

    /// Gives it another window; its foreground group hears of it.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let mut stty = Command::new("stty");
        stty.args(["columns", &columns.to_string(), "rows", &rows.to_string()]);
        assert!(stty.stdin(self.another_end()).status().unwrap().success());
    }

    /// Our end once more, which reads what is written.
    pub(crate) fn another_end(&self) -> File {
        self.0.try_clone().unwrap()
    }
}

/// A terminal, and the command that has it as its standard streams and its controlling terminal.
///
/// setsid(1) does in a program of its own what would take unsafe code here.
pub(crate) fn on_a_terminal(proc: &Proc) -> (Terminal, Command) {
    let (terminal, theirs) = Terminal::open();
    let plain = proc.command();
    let mut command = Command::new("/usr/bin/setsid");
    command.arg("--ctty").arg(plain.get_program()).args(plain.get_args());
    command.current_dir(plain.get_current_dir().unwrap()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let slave = || Stdio::from(theirs.try_clone().unwrap());
    command.stdin(slave()).stdout(slave()).stderr(slave());
    (terminal, command)
}

/// Starts `proc` on a terminal, 100 columns wide, and reads what it writes there.
pub(crate) fn spawn(proc: Proc) -> (Running, Terminal) {
    let (terminal, command) = on_a_terminal(&proc);
    let output = terminal.another_end();
    (proc.spawn_as(command, Some(output)), terminal)
}
