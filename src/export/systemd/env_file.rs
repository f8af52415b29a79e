//! The escaper of env files (`EnvironmentFile=`, systemd.exec(5)), and which variables they can hold.

use super::escape::is_foreign;

/// A line that sets a variable; the name has to be that of one in a shell.
///
/// In double quotes everything is itself but for what a shell would look at, a newline too.
pub(super) fn assignment(name: &str, value: &str) -> String {
    let mut line = format!("{name}=\"");
    for char in value.chars() {
        if matches!(char, '"' | '\\' | '`' | '$') {
            line.push('\\');
        }
        line.push(char);
    }
    line.push_str("\"\n");
    line
}

/// The first character of a value that systemd would not take, for which it would leave the variable out.
pub(super) fn stranger(value: &str) -> Option<char> {
    value.chars().find(|char| *char == '\0' || is_foreign(*char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_and_only_what_a_shell_looks_at_is_escaped() {
        for (value, line) in [
            ("", "A=\"\"\n"),
            (" two words ", "A=\" two words \"\n"),
            ("50% #1; it's", "A=\"50% #1; it's\"\n"),
            ("\"$X\" `y` \\n", "A=\"\\\"\\$X\\\" \\`y\\` \\\\n\"\n"),
            ("a\nb\\\n", "A=\"a\nb\\\\\n\"\n"),
        ] {
            assert_eq!(assignment("A", value), line);
        }
    }

    #[test]
    fn non_characters_and_byte_order_marks_are_strangers() {
        for char in ['\0', '\u{fdd0}', '\u{fffe}', '\u{feff}', '\u{10ffff}'] {
            assert_eq!(stranger(&format!("a{char}")), Some(char));
        }
        assert_eq!(stranger("caf\u{e9}\u{1}\u{7f}\r\n"), None);
    }
}
