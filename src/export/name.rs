//! The names of an export: that of the app, which every target takes, and those that the command line has for some of them.

/// The longest name, in bytes: what is made of it and of the name of a process type has room in a DNS label (RFC 1123) more often than not.
const LONGEST: usize = 40;

/// Why a text is no name of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a name for an app: write small letters, digits and `-`, {LONGEST} at most, that begin with a letter and do not end with `-`"
)]
pub struct NameError;

/// Why a text is none of the other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtherNameError {
    /// Of a user (useradd(8), and numbers).
    #[error("not a user: write a name of letters, digits, `_`, `.` and `-` (32 at most), or a number")]
    User,
    /// Of a namespace (RFC 1123, a label).
    #[error(
        "not a namespace: write small letters, digits and `-`, 63 at most, with a letter or digit at both ends"
    )]
    Namespace,
    /// Of a host (RFC 1123).
    #[error(
        "not a host name: write labels of small letters, digits and `-` with dots between them, as in shop.example.com"
    )]
    Host,
    /// Of an image.
    #[error("not an image: write it as in registry.example.com/shop:42, without blanks")]
    Image,
}

/// Whether a text can be a user, by name or by number.
pub fn check_user(text: &str) -> Result<(), OtherNameError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let is_user =
        (1..=32).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with(['-', '.']);
    if is_user { Ok(()) } else { Err(OtherNameError::User) }
}

/// Whether a text can be a Kubernetes namespace.
pub fn check_namespace(text: &str) -> Result<(), OtherNameError> {
    if is_label(text) { Ok(()) } else { Err(OtherNameError::Namespace) }
}

/// Whether a text can be the name of a host.
pub fn check_host(text: &str) -> Result<(), OtherNameError> {
    let is_address = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_host = text.len() <= 253 && !is_address && text.split('.').all(is_label);
    if is_host { Ok(()) } else { Err(OtherNameError::Host) }
}

/// Whether a text can name an image: what no registry takes is the registry's to say.
pub fn check_image(text: &str) -> Result<(), OtherNameError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    let begins = text.starts_with(|char: char| char.is_ascii_alphanumeric());
    if begins && text.len() <= 512 && text.bytes().all(is_plain) {
        Ok(())
    } else {
        Err(OtherNameError::Image)
    }
}

fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

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
    fn the_names_of_the_command_line_are_looked_at() {
        let wrong = ["", "a b", "a\nb", "-a", "a/../b c", "\u{e9}", "a%i", "$A"];
        for text in wrong {
            assert_eq!(check_user(text), Err(OtherNameError::User), "{text}");
            assert_eq!(check_namespace(text), Err(OtherNameError::Namespace), "{text}");
            assert_eq!(check_host(text), Err(OtherNameError::Host), "{text}");
            assert_eq!(check_image(text), Err(OtherNameError::Image), "{text}");
        }
        assert_eq!(check_user("www-data"), Ok(()));
        assert_eq!(check_user("1000"), Ok(()));
        assert_eq!(check_namespace("shop-2"), Ok(()));
        assert_eq!(check_host("shop.example.com"), Ok(()));
        assert_eq!(check_host("shop..com"), Err(OtherNameError::Host));
        assert_eq!(check_host("10.0.0.1"), Err(OtherNameError::Host));
        assert_eq!(check_image("localhost:5000/a/b@sha256:0123"), Ok(()));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "Shop", "1shop", "shop-", "-shop", "a/b", "..", "a.b", "a b", &"a".repeat(41)] {
            assert_eq!(check_app_name(text), Err(NameError), "{text}");
        }
    }
}
