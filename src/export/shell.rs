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

/// Variables that dash or bash read, count in or hold fast themselves, so that an assignment is an error or changes what they do.
const OF_THE_SHELL: &[&str] = &[
    "BASHOPTS",
    "BASHPID",
    "BASH_VERSINFO",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "IFS",
    "LINENO",
    "OPTIND",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
];

/// Whether a shell can have a variable of this name (POSIX 3.230), and does not keep it for itself.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && OF_THE_SHELL.binary_search(&name).is_err()
}

/// Lines that set variables, for a shell to read. The names have to be names of a shell.
pub(super) fn assignments<'a>(variables: impl Iterator<Item = (&'a String, &'a Variable)>) -> String {
    variables.fold(String::new(), |lines, (name, variable)| {
        lines + name + "=" + &shell_word(&variable.value) + "\n"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_names_are_not_for_a_shell() {
        for name in ["A", "_", "a_1", "PATH", "UIDS"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1A", "a.b", "a-b", "h\u{e9}", "UID", "IFS", "BASHOPTS", "SECONDS"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(OF_THE_SHELL.is_sorted());
    }

    #[test]
    fn values_stand_in_single_quotes() {
        let text = |value: &str| Variable { value: value.to_owned(), is_secret: false };
        let variables = [("A".to_owned(), text("it's $HOME\n")), ("B".to_owned(), text("plain"))];
        let variables = variables.iter().map(|(name, variable)| (name, variable));
        assert_eq!(assignments(variables), "A='it'\\''s $HOME\n'\nB=plain\n");
    }
}
