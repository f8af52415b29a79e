//! What is written for a shell: its escaper is [`shell_word`].

use super::{App, Draft, Variable};
use crate::model::command::{Command, shell_word};
use std::path::Path;

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

/// Those that they do hand on to what they run, if they were given them, and only cannot be told to set.
const HANDED_ON: &[&str] = &["EUID", "FUNCNAME", "GROUPS", "SECONDS", "UID"];

/// Whether a shell can set a variable of this name, and does not keep it for itself.
pub(super) fn is_name(name: &str) -> bool {
    is_plain(name) && OF_THE_SHELL.binary_search(&name).is_err()
}

/// Whether a shell hands a variable of this name on to what it runs, as it was given to it.
pub(super) fn hands_on(name: &str) -> bool {
    is_name(name) || HANDED_ON.contains(&name)
}

/// Whether it is a name at all (POSIX 3.230).
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A command that installs a file of secrets, unless there is one: what somebody has filled in stays. What has no value yet is to be edited.
pub(super) fn install_once(app: &App, file: &str, install: &str, to: &str) -> String {
    let has_blanks = file.ends_with(".example") || (file == "secrets.env" && !app.missing.is_empty());
    let then = if has_blanks { format!("; sudoedit {to}") } else { "   # what is there stays".to_owned() };
    format!("sudo test -e {to} || {install} {to}{then}")
}

/// A directory as a word of the commands that come next; one that cannot stand in a line of them is refused.
pub(super) fn directory(path: &Path, what: &str, draft: &mut Draft) -> String {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    if text.is_none() {
        let why =
            "no command can name it, for it has a control character or other bytes than UTF-8 in its name";
        draft.refuse(None, what, why, Some("rename it, or take another one"));
    }
    shell_word(text.unwrap_or_default())
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
