//! What an app is called where it is exported to: a name that every format takes.

/// The longest name, in bytes: what is made of it and of the name of a process type has room in a DNS label (RFC 1123) more often than not.
const LONGEST: usize = 40;

/// Why a text is no name of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a name for an app: write small letters, digits and `-`, {LONGEST} at most, that begin with a letter and do not end with `-`"
)]
pub struct NameError;

/// Whether a text can be the name of an app.
pub fn check_app_name(text: &str) -> Result<(), NameError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = text.len() <= LONGEST
        && text.bytes().all(is_plain)
        && text.starts_with(|char: char| char.is_ascii_lowercase())
        && !text.ends_with('-');
    if is_name { Ok(()) } else { Err(NameError) }
}

/// The name that an app has by the name of its directory, or by `app` in `proc.toml`, whatever that is; `app` where nothing is left of it.
#[must_use]
pub fn app_name(text: &str) -> String {
    let mut name = String::new();
    for char in text.chars().map(|char| char.to_ascii_lowercase()) {
        let char = if char.is_ascii_lowercase() || char.is_ascii_digit() { char } else { '-' };
        let is_welcome = if name.is_empty() { char.is_ascii_lowercase() } else { name.len() < LONGEST };
        if is_welcome && !(char == '-' && name.ends_with('-')) {
            name.push(char);
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "app".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_a_name() {
        for (directory, name) in [
            ("shop", "shop"),
            ("My Shop_2", "my-shop-2"),
            ("42nd", "nd"),
            ("\u{e9}", "app"),
            ("a--b-", "a-b"),
        ] {
            assert_eq!(app_name(directory), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_directory_is_called_its_name_is_one(text in ".{0,60}") {
            proptest::prop_assert_eq!(check_app_name(&app_name(&text)), Ok(()));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "Shop", "1shop", "shop-", "-shop", "a/b", "..", "a.b", "a b", &"a".repeat(41)] {
            assert_eq!(check_app_name(text), Err(NameError), "{text}");
        }
    }
}
