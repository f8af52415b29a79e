//! What can be wrong with a `proc.toml`, and the words for it.

use super::file::Table;
use super::foreign;
use crate::model::diagnostic::{Explain, nearest, printable};
use crate::model::env_file::visible_key;
use crate::model::secret::is_secret;
use std::fmt;
use std::ops::Range;

/// The sorts of value there are, with the article they are named with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `"text"`.
    String,
    /// `1`.
    Integer,
    /// `1.5`.
    Float,
    /// `true`.
    Boolean,
    /// A date or a time.
    Datetime,
    /// `[…]`.
    Array,
    /// `[table]` or `{…}`.
    Table,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Boolean => "a boolean",
            Self::Datetime => "a date",
            Self::Array => "an array",
            Self::Table => "a table",
        })
    }
}

/// What can be wrong with a `proc.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// More than [`LARGEST`](super::LARGEST) bytes.
    #[error("larger than 1 MiB: this cannot be a proc.toml")]
    TooLarge,
    /// Bytes that are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A NUL byte.
    #[error("a NUL byte")]
    Nul,
    /// It is no TOML.
    #[error("{message}")]
    Syntax {
        /// What the TOML parser says.
        message: String,
        /// Whether it stands in a table of variables.
        is_secret: bool,
    },
    /// A key that the table does not have.
    #[error("unknown key `{}`", printable(.key))]
    UnknownKey {
        /// The key.
        key: String,
        /// The table.
        table: Table,
        /// The keys it has.
        known: Vec<&'static str>,
    },
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the key takes.
        expected: &'static str,
        /// What stands there.
        found: Type,
        /// What to write.
        hint: Option<&'static str>,
    },
    /// A version that there is not.
    #[error("version {0} is not known: there is only 1")]
    UnknownVersion(String),
    /// A text that is no duration.
    #[error("`{}` is not a duration", printable(.text))]
    BadDuration {
        /// The text.
        text: String,
        /// Whether `inf` would be one.
        may_be_endless: bool,
    },
    /// A duration that is too long to be meant.
    #[error("`{0}` is longer than a year")]
    LongDuration(String),
    /// A duration with which nothing would ever rest.
    #[error("`{0}` is too short: the least is 10ms")]
    ShortDuration(String),
    /// A number out of its range.
    #[error("{number} is out of range: write a whole number from {least} to {most}")]
    OutOfRange {
        /// The number.
        number: String,
        /// The least there can be.
        least: u32,
        /// The most there can be.
        most: u32,
    },
    /// A word that is none of those there are.
    #[error("`{}` is none of {}", printable(.word), .known.join(", "))]
    UnknownWord {
        /// The word.
        word: String,
        /// Those there are.
        known: Vec<&'static str>,
        /// What is meant, if it is somebody else's word.
        hint: Option<&'static str>,
    },
    /// No signal.
    #[error("`{}` is not a signal", printable(.0))]
    UnknownSignal(String),
    /// A text with nothing in it.
    #[error("this is empty")]
    Empty,
    /// An array with one thing twice.
    #[error("`{}` is here twice", printable(.0))]
    Twice(String),
    /// A name that no process type can have.
    #[error("`{}` is not a name: it takes letters, digits, `_` and `-`, 63 of them at most", printable(.0))]
    BadName(String),
    /// A name that no variable can have.
    #[error("this is not a key")]
    BadVariable,
    /// A path of a URL that is none.
    #[error("not a path")]
    BadPath,
    /// `tcp = false`.
    #[error("`tcp = false` asks nothing")]
    FalseTcp,
    /// A probe that asks nothing.
    #[error("a probe needs one of `http`, `tcp`, `exec` and `log`")]
    NoCheck,
    /// A probe that asks several things.
    #[error("a probe has one of `http`, `tcp`, `exec` and `log`, and this has {}", .0.join(" and "))]
    ManyChecks(Vec<&'static str>),
    /// `log` in a liveness probe.
    #[error("`log` cannot show that a process still lives")]
    LogLiveness,
    /// A `watch` without paths.
    #[error("a watch needs `paths`")]
    NoPaths,
    /// A process type that nobody has a command for.
    #[error("no process type `{name}` in the Procfile, and no `command` here", name = printable(.name))]
    UnknownProcess {
        /// The name.
        name: String,
        /// What was likely meant.
        near: Option<String>,
    },
    /// A command for a process type that has one.
    #[error("the Procfile has a command for `{name}`, on line {line}")]
    CommandTwice {
        /// The name.
        name: String,
        /// The line of the Procfile.
        line: usize,
    },
    /// A dependency that is no process type.
    #[error("no process type `{name}`; there are {those}", name = printable(.name), those = .known.join(", "))]
    UnknownDependency {
        /// The name.
        name: String,
        /// The process types.
        known: Vec<String>,
    },
    /// A process type that waits for itself.
    #[error("`{0}` depends on itself")]
    DependsOnItself(String),
    /// Process types that wait for one another; the last is the first again.
    #[error("a circle of dependencies: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// `healthy` of something that is never asked.
    #[error("`{0}` can never be healthy: it has no `readiness`")]
    NeverHealthy(String),
    /// `completed_successfully` of something that is started again for ever.
    #[error("`{0}` never completes: it has `restart = \"always\"`")]
    NeverCompletes(String),
    /// A oneshot that is started again for ever.
    #[error("a oneshot ends, and `restart = \"always\"` starts it again")]
    OneshotForEver,
    /// A probe that needs a port, of a process that has none.
    #[error("`{process}` has no port for this probe to ask: `--no-port` is on")]
    NoPort {
        /// The process type.
        process: String,
        /// Whether a port can be written into the probe.
        is_tcp: bool,
    },
}

impl Explain for ConfigError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownKey { key, table, known } => return unknown_key(key, *table, known),
            Self::WrongType { hint, .. } => return hint.map(str::to_owned),
            Self::UnknownWord { word, known, hint } => {
                let near = || nearest(word, known.iter().copied()).map(did_you_mean);
                return hint.map(str::to_owned).or_else(near);
            }
            Self::UnknownProcess { name, near } => {
                let command = format!(
                    "give it a `command` if it is to exist here only, or add `{}: …` to the Procfile",
                    printable(name)
                );
                return Some(near.as_deref().map_or(command, did_you_mean));
            }
            Self::UnknownDependency { name, known } => {
                return nearest(name, known.iter().map(String::as_str)).map(did_you_mean);
            }
            Self::BadDuration { may_be_endless: false, .. } => {
                "write seconds (`10`) or units (`\"500ms\"`, `\"1m30s\"`)"
            }
            Self::BadDuration { may_be_endless: true, .. } => {
                "write seconds (`10`), units (`\"500ms\"`, `\"1m30s\"`) or `\"inf\"`"
            }
            Self::UnknownSignal(_) => "write a name as in `\"SIGINT\"`, or its number",
            Self::BadVariable => crate::model::env_file::KEY_RULE,
            Self::BadPath => {
                "write the path alone, as in `\"/healthz\"`: host and port are those of the process"
            }
            Self::FalseTcp => {
                "write `tcp = true` for the PORT of the process or `tcp = 5432` for another, or leave the probe out"
            }
            Self::NoCheck => "as in `readiness = { http = \"/healthz\" }`",
            Self::ManyChecks(_) => "keep the one that shows most; `exec` can ask several things",
            Self::LogLiveness => "`log` is for `readiness`: it is found once; write `http`, `tcp` or `exec`",
            Self::NoPaths => {
                "as in `watch = { paths = [\"src\"], debounce = \"500ms\" }`, or `watch = [\"src\"]`"
            }
            Self::CommandTwice { .. } => "`command` is for what exists here only: remove it here or there",
            Self::NeverHealthy(_) => "give it a `readiness`, or write the condition `started`",
            Self::NeverCompletes(_) => {
                "give it `restart = \"on-failure\"` or none, or write the condition `started`"
            }
            Self::OneshotForEver => "write `restart = \"on-failure\"`, or leave `type` out",
            Self::NoPort { is_tcp: true, .. } => {
                "write the port, as in `tcp = 5432`, or start without `--no-port`"
            }
            Self::NoPort { is_tcp: false, .. } => "start without `--no-port`",
            Self::OutOfRange { .. }
            | Self::TooLarge
            | Self::NotUtf8
            | Self::Nul
            | Self::Syntax { .. }
            | Self::UnknownVersion(_)
            | Self::LongDuration(_)
            | Self::ShortDuration(_)
            | Self::Empty
            | Self::Twice(_)
            | Self::BadName(_)
            | Self::DependsOnItself(_)
            | Self::Cycle(_) => return None,
        };
        Some(text.to_owned())
    }

    /// What stands before the first `=` where the rest may be a secret: variables, and names that secrets have.
    fn visible(&self, line: &str) -> Range<usize> {
        let is_in_env =
            matches!(self, Self::Syntax { is_secret: true, .. }) || matches!(self, Self::BadVariable);
        let words = line.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        let holds_secret = words.into_iter().any(|word| word == "env" || is_secret(word));
        if is_in_env || holds_secret { visible_key(line) } else { 0..line.len() }
    }
}

fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

fn unknown_key(key: &str, table: Table, known: &[&'static str]) -> Option<String> {
    if let Some(hint) = foreign::hint(key, table) {
        return Some(hint.to_owned());
    }
    let near = nearest(key, known.iter().copied()).map(did_you_mean);
    near.or_else(|| (known.len() <= 12).then(|| format!("there are {}", known.join(", "))))
}
