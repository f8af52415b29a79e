//! How a process ended, and how the run did.

use super::signal::Signal;
use std::fmt;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(Signal),
    /// Not at all: it could not be started, which counts as this code.
    NotStarted(u8),
}

impl Exit {
    /// Whether it ended as a process does that has done its work.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code a shell gives for it: its own, or 128 + n for death by signal n.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Code(code) | Self::NotStarted(code) => code,
            Self::Signal(signal) => u8::try_from(128 + signal.number()).unwrap_or(u8::MAX),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
            Self::NotStarted(_) => f.write_str("could not be started"),
        }
    }
}

/// How the run ended: what `proc` itself does last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit with this code.
    Code(u8),
    /// Die by this signal, after a clean stop, so that a shell sees what happened (and a script stops at Ctrl-C).
    Signal(Signal),
}

/// Exit codes that mean the same in every command.
pub mod code {
    /// Something could not be killed.
    pub const SURVIVORS: u8 = 1;
    /// All ended with 0, and not all they wrote could be written.
    pub const OUTPUT_LOST: u8 = 1;
    /// Bad usage, a bad Procfile, a bad env file, ports that cannot be given.
    pub const USAGE: u8 = 2;
    /// What a run was asked for could not be done, or there is no run to ask.
    pub const REFUSED: u8 = 1;
    /// Another run of the same app goes on.
    pub const RUNNING: u8 = 3;
    /// What was waited for did not come in time (as `timeout` of the coreutils has it).
    pub const TIMED_OUT: u8 = 124;
    /// A bug of ours (`EX_SOFTWARE` of sysexits.h).
    pub const BUG: u8 = 70;
    /// A command was found and could not be executed (POSIX 2.8.2).
    pub const NOT_EXECUTABLE: u8 = 126;
    /// A command was not found (POSIX 2.8.2).
    pub const NOT_FOUND: u8 = 127;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_has_the_code_a_shell_gives() {
        assert_eq!(Exit::Code(3).code(), 3);
        assert_eq!(Exit::Signal(Signal::KILL).code(), 137);
        assert_eq!(Exit::Signal(Signal::from_number(64)).code(), 192);
        assert!(
            Exit::Code(0).is_success()
                && !Exit::Code(1).is_success()
                && !Exit::Signal(Signal::TERM).is_success()
        );
    }

    #[test]
    fn an_exit_is_said_in_words() {
        assert_eq!(Exit::Code(3).to_string(), "exited with code 3");
        assert_eq!(Exit::Signal(Signal::KILL).to_string(), "killed by SIGKILL");
    }
}
