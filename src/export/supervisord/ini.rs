//! The configuration file of supervisord, and its escaper: [`value`].
//!
//! It is read three times over: as an INI file, where a blank and `;` or `#` begin a comment; then `%` is expanded; then some values are cut into
//! words. There is no way around the first, so what it cannot hold is refused.

use crate::model::command::shell_word;
use std::fmt::{Display, Write as _};

/// What supervisord puts the directory of the file in the place of, even where the `%` was written twice.
const HERE: &str = "%(here)s";

/// Why a text cannot be a value in such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsayable {
    /// It has a newline in it, or the like.
    #[error("supervisord's configuration cannot hold control characters")]
    Control,
    /// It begins or ends with a blank, or is empty.
    #[error("supervisord's configuration cannot hold blanks at the beginning or the end of a value")]
    Blank,
    /// It has a blank before `;` or `#`.
    #[error("supervisord takes what follows a blank and `;` or `#` for a comment")]
    Comment,
    /// It has what stands for the directory of the file.
    #[error(
        "supervisord puts a directory in the place of `{HERE}`, and there is no way to write it otherwise"
    )]
    Here,
}

/// A value that supervisord reads as this text.
pub(super) fn value(text: &str) -> Result<String, Unsayable> {
    let begins_comment = |(before, char): (char, char)| before.is_whitespace() && matches!(char, ';' | '#');
    if text.chars().any(char::is_control) {
        Err(Unsayable::Control)
    } else if text.is_empty() || text.trim() != text {
        Err(Unsayable::Blank)
    } else if text.chars().zip(text.chars().skip(1)).any(begins_comment) {
        Err(Unsayable::Comment)
    } else if text.contains(HERE) {
        Err(Unsayable::Here)
    } else {
        Ok(text.replace('%', "%%"))
    }
}

/// A value that supervisord reads as these words.
pub(super) fn words(words: &[&str]) -> Result<String, Unsayable> {
    value(&words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "))
}

/// A value that supervisord reads as these variables, which have letters, digits, `_`, `-` and `.` only: it knows no escapes.
pub(super) fn environment(variables: &[(&str, String)]) -> String {
    variables.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect::<Vec<_>>().join(",")
}

/// A file in the making.
#[derive(Debug, Default)]
pub(super) struct Ini {
    text: String,
}

impl Ini {
    /// Adds a line for people. What is in it are words of ours, and names.
    pub(super) fn comment(&mut self, text: impl Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "; {text}");
    }

    /// Begins a section.
    pub(super) fn section(&mut self, name: impl Display) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let _ = writeln!(self.text, "[{name}]");
    }

    /// Adds a key to the last section. The value is a word of ours, or comes from [`value`] and its like.
    pub(super) fn set(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.text, "{key}={value}");
    }

    /// The file.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_is_written_twice() {
        assert_eq!(value("/srv/100%/a;b#c").as_deref(), Ok("/srv/100%%/a;b#c"));
    }

    #[test]
    fn what_would_be_read_as_something_else_is_refused() {
        for (text, error) in [
            ("a\nb", Unsayable::Control),
            ("a\u{1f}", Unsayable::Control),
            ("", Unsayable::Blank),
            ("a ", Unsayable::Blank),
            ("\u{a0}a", Unsayable::Blank),
            ("a ;b", Unsayable::Comment),
            ("a\u{2003}#b", Unsayable::Comment),
            ("a/%(here)s", Unsayable::Here),
        ] {
            assert_eq!(value(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn words_are_quoted_where_they_have_to_be() {
        assert_eq!(words(&["/bin/sh", "/srv/it's 1%"]).as_deref(), Ok(r"/bin/sh '/srv/it'\''s 1%%'"));
    }

    #[test]
    fn variables_stand_in_quotes() {
        let variables = [("PORT", "5000".to_owned()), ("PS", "web.1".to_owned())];
        assert_eq!(environment(&variables), r#"PORT="5000",PS="web.1""#);
    }

    #[test]
    fn sections_stand_apart() {
        let mut ini = Ini::default();
        ini.comment("one line");
        ini.section("program:a");
        ini.set("priority", 1);
        assert_eq!(ini.finish(), "; one line\n\n[program:a]\npriority=1\n");
    }
}
