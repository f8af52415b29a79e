//! A command line of a Procfile, and whether it takes a shell to run it.

use std::ffi::OsString;

/// What a process type runs: the text of its line, untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    text: String,
}

/// How a command is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Directly: these words, the first of them looked up in the child's PATH.
    Direct(Vec<OsString>),
    /// By `/bin/sh -c`, with this text.
    Shell(String),
}

impl Command {
    /// A command with this text; it is not looked at before it is run.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The text as it stands in the Procfile.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is started: a simple command directly, anything else by the shell.
    ///
    /// A shell would do the same to the words of a simple command, and stay as their parent (dash does, for what `sh -c` runs): without
    /// it the pid we know is the application's own. foreman does the same.
    #[must_use]
    pub fn invocation(&self) -> Invocation {
        if is_simple(&self.text) {
            Invocation::Direct(
                self.text.split([' ', '\t']).filter(|word| !word.is_empty()).map(Into::into).collect(),
            )
        } else {
            Invocation::Shell(self.text.clone())
        }
    }

    /// The command with `arguments` after it, each as one word of the shell.
    #[must_use]
    pub fn with_arguments(&self, arguments: &[String]) -> Self {
        let mut text = self.text.clone();
        for argument in arguments {
            text.push(' ');
            text.push_str(&shell_word(argument));
        }
        Self { text }
    }
}

/// Whether a shell would run the text as one program with these very words.
fn is_simple(text: &str) -> bool {
    let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    !first.contains('=') && !is_of_the_shell(first) && is_plain(first) && words.all(is_plain)
}

/// Whether a word means itself in a shell.
fn is_plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:=,@%+-".contains(&byte))
}

/// Whether the shell itself knows the word: POSIX 2.4 (reserved words), 2.14 and 1.6 (utilities that a shell has built in), and what
/// bash and dash add.
fn is_of_the_shell(word: &str) -> bool {
    const WORDS: &[&str] = &[
        ".",
        ":",
        "alias",
        "bg",
        "bind",
        "break",
        "builtin",
        "caller",
        "case",
        "cd",
        "chdir",
        "command",
        "continue",
        "coproc",
        "declare",
        "dirs",
        "disown",
        "do",
        "done",
        "echo",
        "elif",
        "else",
        "enable",
        "esac",
        "eval",
        "exec",
        "exit",
        "export",
        "false",
        "fc",
        "fg",
        "fi",
        "for",
        "function",
        "getopts",
        "hash",
        "help",
        "history",
        "if",
        "in",
        "jobs",
        "kill",
        "let",
        "local",
        "logout",
        "mapfile",
        "popd",
        "printf",
        "pushd",
        "pwd",
        "read",
        "readarray",
        "readonly",
        "return",
        "select",
        "set",
        "shift",
        "shopt",
        "source",
        "suspend",
        "test",
        "then",
        "time",
        "times",
        "trap",
        "true",
        "type",
        "typeset",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "until",
        "wait",
        "while",
    ];
    WORDS.binary_search(&word).is_ok()
}

/// The text as one word of the shell (POSIX 2.2.2: single quotes keep everything but themselves).
fn shell_word(text: &str) -> String {
    if !text.is_empty() && is_plain(text) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_command_needs_no_shell() {
        for text in [
            "bundle exec puma -p 5000",
            "./server",
            "  redis-server\t--port 1 ",
            "a b=c",
            "env A=b x,y@z:%1+2",
        ] {
            let words: Vec<OsString> = text.split_whitespace().map(Into::into).collect();
            assert_eq!(Command::new(text).invocation(), Invocation::Direct(words), "{text}");
        }
    }

    #[test]
    fn anything_a_shell_could_read_otherwise_goes_to_the_shell() {
        for text in [
            "A=b server",
            "echo hi",
            "exec x",
            "cd a",
            ". env",
            "if",
            "true",
            "server --port $PORT",
            "a && b",
            "a; b",
            "a | b",
            "a > b",
            "a &",
            "'a b'",
            "\"a\"",
            "a *",
            "a ?",
            "a [b]",
            "a ~",
            "a \\\nb",
            "a {b,c}",
            "a #b",
            "a (b)",
            "!a",
            "a `b`",
            "caf\u{e9}",
            "a\nb",
            "",
        ] {
            assert_eq!(Command::new(text).invocation(), Invocation::Shell(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_words_of_the_shell_are_in_order() {
        for word in [".", "alias", "while", "printf", "umask", "function"] {
            assert!(is_of_the_shell(word), "{word}");
        }
        assert!(!is_of_the_shell("puma"));
    }

    #[test]
    fn arguments_are_appended_as_single_words() {
        let arguments = ["plain", "two words", "it's", "", "$HOME", "*"].map(String::from);
        let command = Command::new("server").with_arguments(&arguments);
        assert_eq!(command.text(), r"server plain 'two words' 'it'\''s' '' '$HOME' '*'");
        assert_eq!(
            Command::new("server").with_arguments(&["a".into()]).invocation(),
            Invocation::Direct(vec!["server".into(), "a".into()])
        );
    }
}
