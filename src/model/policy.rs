//! How a run is to behave: when it ends, how long a stop may take, how its output looks.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// A word that is none of those a setting takes, or a value out of its range; says which there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

/// Which exits end the run (`--exit-on`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExitOn {
    /// Any process that ends, with whatever code: what foreman does.
    #[default]
    Any,
    /// A process that ends with another code than 0, or by a signal.
    Failure,
    /// None: the run ends when all have ended.
    All,
}

/// A Ctrl-C this soon after the one before is the same one: some terminals and wrappers send two (`faults.md` F21).
pub const DEBOUNCE: Duration = Duration::from_millis(300);

/// How long instances may take between the stop signal and SIGKILL (`--timeout`); in the order of their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grace {
    /// This long; zero kills at once, without a stop signal.
    For(Duration),
    /// As long as they take (`inf`).
    Unlimited,
}

impl Grace {
    /// When a grace period that begins now is over; none: never.
    #[must_use]
    pub fn end(self, now: Instant) -> Option<Instant> {
        match self {
            Self::For(duration) => Some(now + duration),
            Self::Unlimited => None,
        }
    }
}

impl Default for Grace {
    /// Five seconds, foreman's.
    fn default() -> Self {
        Self::For(Duration::from_secs(5))
    }
}

impl FromStr for Grace {
    type Err = PolicyError;

    /// Reads `10`, `1.5`, `10s`, `500ms`, `1m30s`, `1h` or `inf`; a bare number is seconds.
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        if text == "inf" {
            return Ok(Self::Unlimited);
        }
        duration(text).map(Self::For).map_err(|error| match error {
            DurationError::Malformed => {
                let example = "write seconds (`10`), units (`500ms`, `1m30s`) or `inf`";
                PolicyError(format!("`{}` is not a duration: {example}", super::diagnostic::printable(text)))
            }
            DurationError::TooLong => {
                PolicyError(format!("`{text}` is longer than a year: write `inf` for no limit"))
            }
        })
    }
}

impl fmt::Display for Grace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(duration) => write!(f, "{}", Seconds(*duration)),
            Self::Unlimited => f.write_str("inf"),
        }
    }
}

/// A duration in words as short as they are exact: `5s`, `0.5s`, `90s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.3}", self.0.as_secs_f64());
        write!(f, "{}s", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A time that has passed, in its two largest units: `42s`, `3m05s`, `1d02h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed(pub Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
            (0, 0, 0, seconds) => write!(f, "{seconds}s"),
            (0, 0, minutes, seconds) => write!(f, "{minutes}m{seconds:02}s"),
            (0, hours, minutes, _) => write!(f, "{hours}h{minutes:02}m"),
            (days, hours, ..) => write!(f, "{days}d{hours:02}h"),
        }
    }
}

/// The longest duration taken: a year. More is `inf` in all but name, and sums with it cannot overflow.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DurationError {
    /// It is not a number, or one with units.
    Malformed,
    /// It is longer than a year.
    TooLong,
}

/// A duration with units (`1m30s`, `200ms`); a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, DurationError> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "" if number.len() == text.len() => 1.0,
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(DurationError::Malformed),
        };
        total += number.parse::<f64>().map_err(|_| DurationError::Malformed)? * seconds;
        rest = tail;
    }
    if text.is_empty() {
        return Err(DurationError::Malformed);
    }
    from_seconds(total)
}

/// So many seconds, a year at most.
pub(super) fn from_seconds(seconds: f64) -> Result<Duration, DurationError> {
    if seconds.is_nan() || seconds < 0.0 {
        return Err(DurationError::Malformed);
    }
    let duration = Duration::try_from_secs_f64(seconds).ok();
    duration.filter(|duration| *duration <= LONGEST).ok_or(DurationError::TooLong)
}

/// The form of the output (`--log-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `12:00:01 web.1    | text`.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// What the processes write, and nothing else.
    Raw,
}

/// What stands before each line (`--timestamps`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timestamps {
    /// `HH:MM:SS`, local time.
    #[default]
    Time,
    /// Date, time and offset, to the millisecond (RFC 3339).
    Rfc3339,
    /// Seconds since the start of the run.
    Elapsed,
    /// Nothing.
    None,
}

/// When to colour (`--color`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On a terminal that can, unless the environment says otherwise.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Whether each process gets a pseudo-terminal (`--pty`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PtyChoice {
    /// Where our output goes to a terminal, and is for people.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere: pipes.
    Never,
}

impl PtyChoice {
    /// Whether it comes to pseudo-terminals, for output of this form that goes to a terminal or not.
    #[must_use]
    pub fn is_wanted(self, form: LogFormat, on_a_terminal: bool) -> bool {
        match self {
            Self::Auto => on_a_terminal && form != LogFormat::Json,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What an app can be exported to (`proc export`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Units of systemd.
    Systemd,
    /// A file of Compose.
    Compose,
    /// Manifests of Kubernetes, with a kustomization.
    Kubernetes,
    /// A configuration of supervisord.
    Supervisord,
    /// Property lists of macOS's launchd.
    Launchd,
}

impl Target {
    /// Whether what runs there has a file system and a network of its own.
    #[must_use]
    pub fn is_of_containers(self) -> bool {
        match self {
            Self::Compose | Self::Kubernetes => true,
            Self::Systemd | Self::Supervisord | Self::Launchd => false,
        }
    }
}

/// How an export reports (`--report`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportForm {
    /// For people, on standard error.
    #[default]
    Text,
    /// One JSON object, on standard output.
    Json,
}

/// Implements `NAMES`, `FromStr` and `Display` for an enum whose variants have names on the command line.
macro_rules! named {
    ($type:ident: $($variant:ident = $name:literal),+) => {
        impl $type {
            /// The words that the command line takes, in the order in which help shows them.
            pub const NAMES: &'static [&'static str] = &[$($name),+];
        }

        impl FromStr for $type {
            type Err = PolicyError;

            fn from_str(text: &str) -> Result<Self, PolicyError> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(PolicyError(format!("must be one of {}", Self::NAMES.join(", ")))),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $name,)+
                })
            }
        }
    };
}

named!(ExitOn: Any = "any", Failure = "failure", All = "all");
named!(LogFormat: Text = "text", Json = "json", Raw = "raw");
named!(Timestamps: Time = "time", Rfc3339 = "rfc3339", Elapsed = "elapsed", None = "none");
named!(ColorChoice: Auto = "auto", Always = "always", Never = "never");
named!(PtyChoice: Auto = "auto", Always = "always", Never = "never");
named!(
    Target: Systemd = "systemd",
    Compose = "compose",
    Kubernetes = "kubernetes",
    Supervisord = "supervisord",
    Launchd = "launchd"
);
named!(ReportForm: Text = "text", Json = "json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_has_passed_has_two_units() {
        let shown = [0.4, 59.9, 60.0, 3_599.0, 3_600.0, 90_000.0]
            .map(|seconds| Elapsed(Duration::from_secs_f64(seconds)).to_string());
        assert_eq!(shown, ["0s", "59s", "1m00s", "59m59s", "1h00m", "1d01h"]);
    }

    #[test]
    fn a_grace_period_has_units_and_a_bare_number_is_seconds() {
        for (text, millis) in [
            ("5", 5_000),
            ("0", 0),
            ("1.5", 1_500),
            ("10s", 10_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(text.parse(), Ok(Grace::For(Duration::from_millis(millis))), "{text}");
        }
        assert_eq!("inf".parse(), Ok(Grace::Unlimited));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "-1", "5x", "s", "1.2.3", "5 s", "1m30", "nan", "1e3", "INF", "99999999h", "\u{661}"]
        {
            assert!(text.parse::<Grace>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_is_shown_in_seconds_without_trailing_zeros() {
        for (millis, text) in [(5_000, "5s"), (500, "0.5s"), (90_000, "90s"), (0, "0s"), (1, "0.001s")] {
            assert_eq!(Grace::For(Duration::from_millis(millis)).to_string(), text);
        }
    }

    #[test]
    fn processes_get_a_terminal_where_we_have_one_and_people_read_it() {
        for (form, on_a_terminal, expected) in [
            (LogFormat::Text, true, true),
            (LogFormat::Raw, true, true),
            (LogFormat::Json, true, false),
            (LogFormat::Text, false, false),
        ] {
            assert_eq!(PtyChoice::Auto.is_wanted(form, on_a_terminal), expected, "{form} {on_a_terminal}");
            assert!(PtyChoice::Always.is_wanted(form, on_a_terminal));
            assert!(!PtyChoice::Never.is_wanted(form, on_a_terminal));
        }
    }

    #[test]
    fn every_name_reads_back_as_what_it_names() {
        for name in ExitOn::NAMES {
            assert_eq!(name.parse::<ExitOn>().map(|value| value.to_string()).as_deref(), Ok(*name));
        }
        let error = "some".parse::<ExitOn>().unwrap_err();
        assert_eq!(error.to_string(), "must be one of any, failure, all");
    }
}
