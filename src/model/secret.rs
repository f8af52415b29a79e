//! Which values are secrets, and what is shown in their place.
//!
//! A guess by name and by form. Where in doubt it hides: what is hidden by mistake can be had with `--show-secrets`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

/// What stands for a secret, whatever its length.
pub const MASK: &str = "********";

/// Words of a name that make it a secret's: `API_KEY` has one, `KEYBOARD_LAYOUT` has none.
const WORDS: &[&str] = &[
    "AUTH",
    "AUTHORIZATION",
    "COOKIE",
    "COOKIES",
    "DSN",
    "KEY",
    "KEYS",
    "OAUTH",
    "PASS",
    "PRIVATE",
    "PWD",
    "SALT",
    "SALTS",
    "SIGNATURE",
    "TOKEN",
    "WEBHOOK",
];

/// Parts of a word that do, wherever they stand in it: `PGPASSWORD`, `CLIENTSECRET`.
const ANYWHERE: &[&str] = &["CREDENTIAL", "PASSPHRASE", "PASSWD", "PASSWORD", "SECRET"];

/// Ends of a word that do: `ACCESSTOKEN`, `APIKEY`.
const ENDS: &[&str] =
    &["APIKEY", "ACCESSKEY", "AUTHKEY", "ENCRYPTIONKEY", "PRIVATEKEY", "SIGNINGKEY", "SSHKEY", "TOKEN"];

/// Names that look like a secret's and are known to be none.
const HARMLESS: &[&str] = &["PWD", "OLDPWD", "SSH_AUTH_SOCK"];

/// The value as it may be shown: all of it hidden if its name is a secret's, else the passwords of the URLs in it.
#[must_use]
pub fn masked<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if value.is_empty() {
        Cow::Borrowed(value)
    } else if is_secret(name) {
        Cow::Borrowed(MASK)
    } else {
        without_passwords(value)
    }
}

/// Names of variables that hold secrets by the word of whoever wrote them down (`secrets` in `proc.toml`), besides those that look like it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// The names, in either case; `*` stands for any text.
    pub patterns: Vec<String>,
}

impl Secrets {
    /// The value as it may be shown, like [`masked`].
    #[must_use]
    pub fn masked<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if !value.is_empty() && self.is_listed(name) { Cow::Borrowed(MASK) } else { masked(name, value) }
    }

    /// Whether the variable is a secret: by its name, also where it is empty yet, or for a password in its value.
    #[must_use]
    pub fn hold(&self, name: &str, value: &str) -> bool {
        self.is_listed(name) || is_secret(name) || matches!(without_passwords(value), Cow::Owned(_))
    }

    /// The values of the secrets among some variables: wherever one of them is found there is a secret too.
    ///
    /// What is shorter than four bytes is found by chance everywhere, and left out.
    #[must_use]
    pub fn values<'a>(&self, variables: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeSet<&'a str> {
        let is_told_apart = |value: &str| value.len() >= SHORTEST;
        variables
            .filter(|(name, value)| is_told_apart(value) && self.hold(name, value))
            .map(|(_, value)| value)
            .collect()
    }

    fn is_listed(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| fits(pattern, name))
    }
}

/// The shortest value that is looked for in others, in bytes.
const SHORTEST: usize = 4;

/// Whether a name is what a pattern says, in either case.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_uppercase(), name.to_ascii_uppercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    // The last part is at the end; each of the others is best found as early as it can be.
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(last)
}

/// Whether the name is one that secrets have.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    !HARMLESS.contains(&name) && (words(name).any(|word| is_secret_word(&word)) || is_connection_string(name))
}

/// Azure's and .NET's: a list of `key=value` in which one is the password.
fn is_connection_string(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    letters.to_ascii_uppercase().contains("CONNECTIONSTRING")
}

fn is_secret_word(word: &str) -> bool {
    WORDS.contains(&word)
        || ANYWHERE.iter().any(|part| word.contains(part))
        || ENDS.iter().any(|end| word.ends_with(end))
}

/// The words of a name in capitals, without numbers behind them: `apiKey2` is `API` and `KEY`.
fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|char: char| !char.is_ascii_alphanumeric()).flat_map(humps).map(|word| {
        let word = word.trim_end_matches(|char: char| char.is_ascii_digit());
        word.to_ascii_uppercase()
    })
}

/// Splits where a capital follows a small letter.
fn humps(word: &str) -> Vec<&str> {
    let mut humps = Vec::new();
    let mut start = 0;
    for (at, pair) in word.as_bytes().windows(2).enumerate() {
        if pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase() {
            humps.push(&word[start..=at]);
            start = at + 1;
        }
    }
    humps.push(&word[start..]);
    humps
}

/// The value with the password of each URL hidden.
fn without_passwords(value: &str) -> Cow<'_, str> {
    let marks: Vec<usize> = value.match_indices("://").map(|(at, _)| at).collect();
    let mut shown = String::new();
    let mut copied = 0;
    for (index, mark) in marks.iter().enumerate() {
        let start = mark + "://".len();
        // What is behind this URL and before the next one is taken to be part of this one, blanks and quotes too:
        // passwords hold anything, and people forget to encode it.
        let end = marks.get(index + 1).map_or(value.len(), |next| scheme_start(value, start, *next));
        if let Some(password) = password(&value[start..end]) {
            shown.push_str(&value[copied..start + password.start]);
            shown.push_str(MASK);
            copied = start + password.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(value);
    }
    shown.push_str(&value[copied..]);
    Cow::Owned(shown)
}

/// Where the scheme begins whose `://` is at `mark`, but not before `from`.
fn scheme_start(value: &str, from: usize, mark: usize) -> usize {
    let other = |char: char| !char.is_ascii_alphanumeric() && !matches!(char, '+' | '-' | '.');
    let before = &value[from.min(mark)..mark];
    before
        .char_indices()
        .rfind(|(_, char)| other(*char))
        .map_or(from.min(mark), |(at, char)| from + at + char.len_utf8())
}

/// As long as a token: a user name without a password that long is one.
const TOKEN_LENGTH: usize = 20;

/// Where the password is in what follows `://`.
fn password(rest: &str) -> Option<Range<usize>> {
    let at = rest.rfind('@')?;
    let user = rest[..at].split(':').next().unwrap_or_default();
    if user.contains(['/', '?', '#']) || user.contains(char::is_whitespace) {
        return None;
    }
    if user.len() == at {
        return (user.len() >= TOKEN_LENGTH).then_some(0..at);
    }
    let password = user.len() + 1..at;
    (!is_port(&rest[password.clone()]) && !password.is_empty()).then_some(password)
}

/// Whether what follows the `:` is a port and a path, so that there is no password: `localhost:3000/@vite`.
fn is_port(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&digits) && text[digits..].starts_with(['/', '?', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_hides_what_it_names_in_either_case() {
        for (pattern, name, expected) in [
            ("DATABASE_URL", "DATABASE_URL", true),
            ("database_url", "DATABASE_URL", true),
            ("DATABASE", "DATABASE_URL", false),
            ("*_URL", "DATABASE_URL", true),
            ("*_URL", "DATABASE_URLS", false),
            ("DATA*", "DATABASE_URL", true),
            ("*BASE*", "DATABASE_URL", true),
            ("D*E*L", "DATABASE_URL", true),
            ("*", "X", true),
            ("A*A", "A", false),
            ("A*BA*A", "ABA", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
        let secrets = Secrets { patterns: vec!["*_SEED".into()] };
        assert_eq!(secrets.masked("GAME_SEED", "7"), MASK);
        assert_eq!(secrets.masked("GAME_SEED", ""), "");
        assert_eq!(secrets.masked("API_KEY", "7"), MASK);
        assert_eq!(secrets.masked("LEVEL", "7"), "7");
    }

    #[test]
    fn a_name_with_a_word_of_secrets_is_a_secrets() {
        for name in [
            "KEY",
            "API_KEY",
            "SECRET_KEY_BASE",
            "AWS_ACCESS_KEY_ID",
            "GITHUB_TOKEN",
            "DB_PASSWORD",
            "PGPASSWORD",
            "MYSQL_PWD",
            "DB_PASS",
            "SSH_PASSPHRASE",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "PRIVATE_KEY",
            "AUTH_SALT",
            "SESSION_COOKIE",
            "SENTRY_DSN",
            "HMAC_SIGNATURE",
            "BASIC_AUTH",
            "APIKEY",
            "apiKey",
            "api.key",
            "db-password",
            "clientSecret",
            "KEY1",
            "TOKEN_2",
            "ACCESSTOKEN",
            "OPENAI_API_KEYS",
            "SLACK_WEBHOOK_URL",
            "AZURE_STORAGE_CONNECTION_STRING",
            "ConnectionStrings__Default",
            "SMTP_PASSWD",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_only_resembles_one_is_not() {
        for name in [
            "KEYBOARD_LAYOUT",
            "AUTHOR",
            "GIT_AUTHOR_NAME",
            "PWD",
            "OLDPWD",
            "SSH_AUTH_SOCK",
            "MONKEY",
            "PORT",
            "PATH",
            "COMPASS",
            "PASSENGER_APP",
            "TOKENIZERS_PARALLELISM",
            "MAX_TOKENS",
            "BASALT",
            "KEYCLOAK_URL",
            "HOME",
            "DATABASE_URL",
            "PRIVATELY",
            "DSNAME",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn only_the_password_of_a_url_is_hidden() {
        for (value, shown) in [
            ("", ""),
            ("plain", "plain"),
            ("postgres://shop:hunter2@host/db", "postgres://shop:********@host/db"),
            ("redis://:hunter2@host:6379/0", "redis://:********@host:6379/0"),
            ("postgres://u:hun@t/er?2#@host", "postgres://u:********@host"),
            ("postgres://u:hun ter'2\"@host", "postgres://u:********@host"),
            ("a://u:hunter2@h,b://v:hunter2@i", "a://u:********@h,b://v:********@i"),
            ("amqp://u:hunter2@h1,u:hunter2@h2", "amqp://u:********@h2"),
            ("{\"url\":\"http://u:hunter2@h/\"}", "{\"url\":\"http://u:********@h/\"}"),
            ("see a://u:hunter2@h and c://h/", "see a://u:********@h and c://h/"),
            ("https://ghp_0123456789abcdefghij@github.com/x", "https://********@github.com/x"),
            ("ssh://git@github.com/x", "ssh://git@github.com/x"),
            ("http://host:3000/@vite/client", "http://host:3000/@vite/client"),
            ("http://host/a:b@c", "http://host/a:b@c"),
            ("http://u:@host", "http://u:@host"),
            ("mailto:me@example.org", "mailto:me@example.org"),
            ("http://host:3000", "http://host:3000"),
            ("://", "://"),
            ("://://u:hunter2@h", "://://u:********@h"),
        ] {
            assert_eq!(masked("DATABASE_URL", value), shown, "{value}");
        }
    }

    #[test]
    fn the_value_of_a_secret_is_hidden_whole_and_an_empty_one_is_shown() {
        assert_eq!(masked("API_KEY", "hunter2"), MASK);
        assert_eq!(masked("API_KEY", ""), "");
        assert_eq!(masked("PORT", "5000"), "5000");
    }

    proptest::proptest! {
        #[test]
        fn a_password_never_survives(
            user in "[a-z]{0,8}",
            password in r#"[A-Z!-~&&[^a-z0-9:/]][A-Z0-9@/?#:;,'" é]{3,20}"#,
            before in "[a-z ,]{0,5}",
            after in "(/[a-z]{0,5})?( x://h/)?",
        ) {
            proptest::prop_assume!(!password.contains("://"));
            let url = format!("{before}db://{user}:{password}@host{after}");
            let shown = masked("URL", &url);
            proptest::prop_assert!(!shown.contains(&password), "{}", shown);
            proptest::prop_assert_eq!(shown, format!("{before}db://{user}:{MASK}@host{after}"));
        }

        #[test]
        fn any_name_and_value_can_be_masked(name in r"\PC{0,20}", value in r"(://|[:@/a1é]|\PC){0,30}") {
            let _ = masked(&name, &value);
        }
    }
}
