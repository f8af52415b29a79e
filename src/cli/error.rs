//! Why a command failed: its exit code, its words, and what to do about it.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use crate::model::exit::code;

/// What kind of failure it is; the exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CliErrorKind {
    /// The command line makes no sense.
    Usage,
    /// The Procfile, an env file, a port or another thing that was handed to us is wrong.
    Input,
    /// The same, in words that name the place and need no label.
    Diagnosed,
    /// The command to run does not exist.
    NotFound,
    /// The command to run exists and cannot be executed.
    NotExecutable,
    /// A run of the same app goes on.
    Running,
    /// A run has refused what it was asked for, or there is none.
    Refused,
    /// A bug of ours, or a system that refuses what it must not.
    Internal,
}

impl CliErrorKind {
    /// The exit code: POSIX 2.8.2 for commands that cannot be run, 70 is `EX_SOFTWARE` of sysexits.h.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage | Self::Input | Self::Diagnosed => code::USAGE,
            Self::NotFound => code::NOT_FOUND,
            Self::NotExecutable => code::NOT_EXECUTABLE,
            Self::Running => code::RUNNING,
            Self::Refused => code::REFUSED,
            Self::Internal => code::BUG,
        }
    }
}

/// A failure that ends the command, to be shown with [`CliError::render`].
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct CliError {
    /// What kind it is.
    pub kind: CliErrorKind,
    /// What went wrong, with its causes.
    pub error: Box<dyn Error + Send + Sync>,
    /// What the user can do about it.
    pub hints: Vec<String>,
}

impl CliError {
    /// A failure of some kind; the error may be plain text.
    pub fn new(kind: CliErrorKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, error: error.into(), hints: Vec::new() }
    }

    /// A command line that makes no sense.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(CliErrorKind::Usage, error)
    }

    /// Something wrong with what was handed to us.
    pub fn input(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(CliErrorKind::Input, error)
    }

    /// What a command was asked for could not be written to standard output.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub fn unwritten(error: io::Error) -> Self {
        Self::input(format!("failed to write to standard output: {error}"))
    }

    /// A bug of ours.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(CliErrorKind::Internal, error)
    }

    /// The same failure with one more thing to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What `proc` exits with.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }

    /// The failure as standard error shows it, each of its causes and hints on a line of its own.
    #[must_use]
    pub fn render(&self) -> String {
        let label = match self.kind {
            CliErrorKind::Internal => "internal error: ",
            CliErrorKind::Usage
            | CliErrorKind::Input
            | CliErrorKind::NotFound
            | CliErrorKind::NotExecutable
            | CliErrorKind::Running
            | CliErrorKind::Refused => "error: ",
            CliErrorKind::Diagnosed => "",
        };
        let mut text = format!("{label}{}\n", self.error);
        let mut cause = self.error.source();
        while let Some(error) = cause {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  caused by: {error}");
            cause = error.source();
        }
        for hint in &self.hints {
            let _ = writeln!(text, "  hint: {hint}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read `.env`")]
    struct Unreadable(#[source] std::io::Error);

    #[test]
    fn an_error_is_shown_with_its_causes_and_hints() {
        let cause = std::io::Error::other("permission denied");
        let error = CliError::input(Unreadable(cause)).hint("check its mode").hint("or name another with -e");
        insta::assert_snapshot!(error.render(), @r"
        error: failed to read `.env`
          caused by: permission denied
          hint: check its mode
          hint: or name another with -e
        ");
    }

    #[test]
    fn the_exit_code_follows_from_the_kind() {
        for (error, code) in [
            (CliError::usage("x"), 2),
            (CliError::input("x"), 2),
            (CliError::new(CliErrorKind::NotFound, "x"), 127),
            (CliError::new(CliErrorKind::NotExecutable, "x"), 126),
            (CliError::internal("x"), 70),
        ] {
            assert_eq!(error.exit_code(), code, "{:?}", error.kind);
        }
    }
}
