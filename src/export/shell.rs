//! What is written for a shell: its escaper is [`shell_word`].

use super::Variable;
use crate::model::command::{Command, shell_word};

/// How a shell runs a command: `sh -c` with this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// What follows `sh -c`.
    pub(super) text: String,
    /// Whether the shell becomes the command, so that a signal to it is one to the application.
    pub(super) is_one_process: bool,
}

/// How a shell runs a command, in its place where it can.
pub(super) fn script(command: &Command) -> Script {
    command.in_place_of_the_shell().map_or_else(
        || Script { text: command.text().to_owned(), is_one_process: false },
        |text| Script { text, is_one_process: true },
    )
}

/// Whether a shell can have a variable of this name (POSIX 3.230).
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Lines that set variables, for a shell to read. The names have to be names of a shell.
pub(super) fn assignments<'a>(variables: impl Iterator<Item = (&'a String, &'a Variable)>) -> String {
    variables.map(|(name, variable)| format!("{name}={}\n", shell_word(&variable.value))).collect()
}
