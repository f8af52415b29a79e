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

    /// The text with which a shell becomes the command instead of staying its parent; none where it has to stay, for it has more to do.
    ///
    /// Where a manager signals one process only, that has to be the application's own. What could mean more than one simple command
    /// (POSIX 2.9.1) is left alone.
    #[must_use]
    pub fn in_place_of_the_shell(&self) -> Option<String> {
        let text = self.text.trim_matches([' ', '\t']);
        let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        if text.is_empty() || !is_one_command(text) {
            return None;
        }
        let first = words.find(|word| !is_plain_assignment(word))?;
        let assigns = text.split([' ', '\t']).next().is_some_and(is_plain_assignment);
        match first {
            "exec" => (!assigns).then(|| text.to_owned()),
            _ if first.contains('=') || is_of_the_shell(first) || !is_plain(first) => None,
            _ if assigns => Some(format!("exec env {text}")),
            _ => Some(format!("exec {text}")),
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

/// Whether a shell reads this as one command, and starts nothing else to fill it in.
fn is_one_command(text: &str) -> bool {
    let (mut quote, mut is_escaped) = (None, false);
    for char in text.chars() {
        match (quote, char) {
            _ if is_escaped => is_escaped = false,
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('"') | None, '\\') => is_escaped = true,
            (None, '\'' | '"') => quote = Some(char),
            (_, '`' | '\n') | (None, ';' | '&' | '|' | '<' | '>' | '(' | ')' | '#' | '!') => return false,
            (Some(_) | None, _) => {}
        }
    }
    quote.is_none() && !is_escaped && !text.contains("$(")
}

/// Whether a word sets a variable to a value that means itself: `RAILS_ENV=production`.
fn is_plain_assignment(word: &str) -> bool {
    let Some((name, value)) = word.split_once('=') else { return false };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|char: char| char.is_ascii_digit());
    !name.is_empty() && is_name && is_plain(value)
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
#[must_use]
pub fn shell_word(text: &str) -> String {
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
    fn a_shell_becomes_the_command_where_that_is_all_there_is() {
        for (text, expected) in [
            ("gunicorn --bind 0.0.0.0:$PORT app:app", "exec gunicorn --bind 0.0.0.0:$PORT app:app"),
            ("node server.js", "exec node server.js"),
            ("  node a ", "exec node a"),
            ("exec node $X", "exec node $X"),
            ("A=b C=d node $X", "exec env A=b C=d node $X"),
            ("sh -c 'a; b && c'", "exec sh -c 'a; b && c'"),
            ("puma -p ${PORT:-3000} -e \"$RACK_ENV\"", "exec puma -p ${PORT:-3000} -e \"$RACK_ENV\""),
            ("a b\\;c", "exec a b\\;c"),
            ("a \\\n  b", "exec a \\\n  b"),
        ] {
            assert_eq!(Command::new(text).in_place_of_the_shell().as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "a; b",
            "a && b",
            "a | b",
            "a &",
            "a > b",
            "cd x",
            "A=$B node",
            "A=b",
            "(a)",
            "{ a",
            "a `b`",
            "a $(b)",
            "a\nb",
            "a 'b",
            "echo x",
            "! a",
            "A=b exec c",
            "\"$CMD\" x",
            "$CMD",
            "a # b",
            "if x",
            "~/a",
            "a\\",
        ] {
            assert_eq!(Command::new(text).in_place_of_the_shell(), None, "{text}");
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
