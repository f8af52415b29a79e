//! The escaper of unit files: text as a word that systemd reads as that very text (systemd.syntax(7), systemd.service(5)).

use std::fmt::Write as _;

/// A text as one quoted word of a unit file, for all but command lines.
///
/// `%` begins a specifier, and a backslash what C means by it. Raw bytes that would end the line, or that systemd does not take for
/// UTF-8, are escaped.
pub(super) fn word(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 2);
    word.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => word.extend(['\\', char]),
            '%' => word.push_str("%%"),
            '\n' => word.push_str("\\n"),
            '\t' => word.push_str("\\t"),
            '\r' => word.push_str("\\r"),
            _ if char.is_control() || is_foreign(char) => {
                for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(word, "\\x{byte:02x}");
                }
            }
            _ => word.push(char),
        }
    }
    word.push('"');
    word
}

/// A text as one quoted word of a command line (`ExecStart=`), where `$` begins a variable, too.
pub(super) fn argument(text: &str) -> String {
    word(text).replace('$', "$$")
}

/// An absolute path, for a setting that takes one and knows no quotes (`WorkingDirectory=`); none: it cannot be written.
pub(super) fn path(path: &str) -> Option<String> {
    if path.chars().any(|char| char.is_control() || is_foreign(char)) {
        return None;
    }
    let mut text = path.replace('%', "%%");
    // A backslash at the end would join the next line, and a blank be cut off. To a directory, a `/` more is nothing.
    if text.ends_with(|char: char| char == '\\' || char.is_whitespace()) {
        text.push('/');
    }
    Some(text)
}

/// Whether systemd takes a character for none: the non-characters of Unicode, and the byte order mark.
pub(super) fn is_foreign(char: char) -> bool {
    let code = u32::from(char);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE || code == 0xFEFF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_systemd_is_escaped() {
        for (text, escaped) in [
            ("", r#""""#),
            ("puma -p 1", r#""puma -p 1""#),
            ("50% of $X", r#""50%% of $X""#),
            (r#"a\b "c""#, r#""a\\b \"c\"""#),
            ("it's\n\t\r\u{1}\u{7f}", r#""it's\n\t\r\x01\x7f""#),
            ("caf\u{e9}\u{ffff}\u{85}", "\"caf\u{e9}\\xef\\xbf\\xbf\\xc2\\x85\""),
        ] {
            assert_eq!(word(text), escaped, "{text}");
        }
        assert_eq!(argument("$PORT ${X} $$"), "\"$$PORT $${X} $$$$\"");
    }

    #[test]
    fn a_path_is_as_it_is_or_cannot_be_written() {
        for (text, escaped) in [
            ("/srv/a b'\"", Some("/srv/a b'\"")),
            ("/srv/100%", Some("/srv/100%%")),
            ("/srv/a\\", Some("/srv/a\\/")),
            ("/srv/a ", Some("/srv/a /")),
            ("/srv/a\nb", None),
            ("/srv/\u{fffe}", None),
        ] {
            assert_eq!(path(text).as_deref(), escaped, "{text}");
        }
    }
}
