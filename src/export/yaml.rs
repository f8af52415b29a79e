//! YAML that means the same to every reader.
//!
//! Version 1.1 of the language, which many tools still read, has more than text and numbers: `yes` and `on` are booleans, `12:30` is 750,
//! `2001-01-01` a date, `=` and `<<` are types of their own. The serialiser quotes all of these, in keys too. It knows block scalars as well;
//! they are off, because libyaml does not read all of them as it writes them. So a text is on one line always.

use serde::Serialize;

/// A value with an empty line after it.
pub(super) use serde_saphyr::SpaceAfter;

/// A document: a comment, without its `#`, and a value. What is said of an error has nothing of the value, which may be secret.
pub(super) fn document(comment: &str, value: &impl Serialize) -> Result<String, &'static str> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let text =
        serde_saphyr::to_string_with_options(value, options).map_err(|_| "it cannot be written as YAML")?;
    let comment = comment.lines().fold(String::new(), |lines, line| lines + "# " + line + "\n");
    Ok(comment + &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn round_trip(text: &str) {
        let value = BTreeMap::from([(text.to_owned(), vec![text.to_owned()])]);
        let document = document("of a test", &value).unwrap();
        let read: BTreeMap<String, Vec<String>> = yaml_serde::from_str(&document).unwrap();
        assert_eq!(read, value, "{document}");
    }

    #[test]
    fn what_a_reader_could_take_for_something_else_is_quoted() {
        let words =
            "yes no on off y n ~ null true 1e3 0o7 012 0x1f 1_000 12:30:45 1:30 = << 2001-01-01 .inf -";
        for word in words.split(' ') {
            let document = document("", &BTreeMap::from([("a", word)])).unwrap();
            assert!(matches!(document.as_bytes()[3], b'"' | b'\''), "{document}");
            round_trip(word);
        }
    }

    #[test]
    fn text_with_anything_in_it_is_read_back() {
        for text in [
            "",
            " ",
            " a ",
            "a # b",
            "a: b",
            "a\nb",
            "\n",
            "a\n\n",
            "  a\n b\n",
            "\t",
            "a\r\nb",
            "\u{85}",
            "a\u{2028}b",
            "\u{feff}a",
            "\0",
            "\u{1b}[0m",
            "\u{1f600}",
            "---",
            "'",
            "\"",
            "\\n",
            "%",
            "{{ a }}",
            &"long ".repeat(1000),
        ] {
            round_trip(text);
        }
    }

    #[test]
    fn an_error_has_nothing_of_the_value() {
        struct Secret;
        impl Serialize for Secret {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("hunter2"))
            }
        }
        assert_eq!(document("", &Secret), Err("it cannot be written as YAML"));
    }

    #[test]
    fn keys_are_quoted_as_values_are() {
        let document = document("Made by us.\nTwice.", &BTreeMap::from([("on", 1), ("web", 2)])).unwrap();
        insta::assert_snapshot!(document, @r#"
        # Made by us.
        # Twice.
        "on": 1
        web: 2
        "#);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_read_back(text in "\\PC{0,40}|[-0-9a-z.:_+ #\"'\n\t\\\\]{0,20}|(?s).{0,40}") {
            round_trip(&text);
        }
    }
}
