//! Text in a Compose file, where `$` begins the name of a variable: its escaper.

use serde::{Serialize, Serializer};

/// A text that Compose looks for variables in. It may be a secret, so it cannot be shown for debugging.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// It means itself.
    Plain(String),
    /// The value of a variable of whoever starts it, or of `.env` beside the file. Its name is one of a shell.
    Asked {
        /// The variable.
        name: String,
        /// Whether it has to be set only, not to something.
        may_be_empty: bool,
    },
}

impl Text {
    /// The text as it stands in the file: `$$` is one `$` (Compose Specification, 12: Interpolation).
    fn escaped(&self) -> String {
        match self {
            Self::Plain(text) => text.replace('$', "$$"),
            Self::Asked { name, may_be_empty: true } => format!("${{{name}?set it in .env}}"),
            Self::Asked { name, may_be_empty: false } => format!("${{{name}:?set it in .env}}"),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.escaped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_is_two() {
        for (text, escaped) in
            [("$PORT", "$$PORT"), ("${A:-b}", "$${A:-b}"), ("$$", "$$$$"), ("a", "a"), ("", "")]
        {
            assert_eq!(Text::from(text.to_owned()).escaped(), escaped);
        }
    }

    #[test]
    fn what_is_asked_for_has_to_be_set() {
        let asked = |may_be_empty| Text::Asked { name: "KEY".to_owned(), may_be_empty }.escaped();
        assert_eq!(asked(false), "${KEY:?set it in .env}");
        assert_eq!(asked(true), "${KEY?set it in .env}");
    }

    proptest::proptest! {
        #[test]
        fn two_dollars_are_one_again(text in "[$a{}]{0,20}|\\PC{0,30}") {
            let escaped = Text::from(text.clone()).escaped();
            proptest::prop_assert!(!escaped.replace("$$", "").contains('$'));
            proptest::prop_assert_eq!(escaped.replace("$$", "$"), text);
        }
    }
}
