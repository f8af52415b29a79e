//! A terminal of the test's, for `proc` to run on, and what it shows.

use crate::support::{Finished, Proc, Running};
use nix::fcntl::{OFlag, open};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::Write;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

pub(crate) const CTRL_C: &[u8] = b"\x03";

/// The window that every terminal begins with.
const COLUMNS: NonZero<u16> = NonZero::new(100).unwrap();
const ROWS: NonZero<u16> = NonZero::new(30).unwrap();

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
        terminal.resize(COLUMNS.get(), ROWS.get());
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
    // Whoever is about keys sets it to something else.
    command.env("PROC_NO_KEYS", "1");
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

/// What the terminal shows at the end of a run. Nothing but to show something may have been asked of it.
#[track_caller]
pub(crate) fn screen(run: &Finished) -> vt100::Screen {
    let mut terminal = vt100::Parser::new_with_callbacks(ROWS, COLUMNS, 0, Requests::default());
    terminal.process(run.stdout_bytes());
    assert_eq!(terminal.callbacks().0, [""; 0]);
    terminal.screen().clone()
}

/// The rows of a screen, down to the last that has something in it.
pub(crate) fn rows(screen: &vt100::Screen) -> Vec<String> {
    screen.contents().lines().map(|row| row.trim_end().to_owned()).collect()
}

/// What has been asked of a terminal, but to show something.
#[derive(Default)]
struct Requests(Vec<&'static str>);

impl vt100::Callbacks for Requests {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("ring");
    }

    fn visual_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("flash");
    }

    fn resize(&mut self, _: &mut vt100::Screen, _: (u16, u16)) {
        self.0.push("resize");
    }

    fn set_window_icon_name(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.0.push("rename the icon");
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.0.push("change the title");
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], _: &[u8]) {
        self.0.push("write the clipboard");
    }

    fn paste_from_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.0.push("read the clipboard");
    }

    fn unhandled_control(&mut self, _: &mut vt100::Screen, _: u8) {
        self.0.push("an unknown control");
    }

    fn unhandled_escape(&mut self, _: &mut vt100::Screen, _: Option<u8>, _: Option<u8>, _: u8) {
        self.0.push("an unknown escape sequence");
    }

    fn unhandled_csi(&mut self, _: &mut vt100::Screen, _: Option<u8>, _: Option<u8>, _: &[&[u16]], _: char) {
        self.0.push("an unknown control sequence");
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, _: &[&[u8]]) {
        self.0.push("an unknown system command");
    }
}
