//! The command line as types: what clap reads, and what help, completions and man pages are made of.
//!
//! Which option goes with which command, and where an option may stand, is [`super::parse`]'s.

mod control;
mod export;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{
    FalseyValueParser, OsStringValueParser, PossibleValuesParser, StringValueParser, TypedValueParser,
};
use clap::error::ErrorKind;
use clap::{Args, Subcommand, ValueEnum};

pub use control::Ask;
pub use export::ExportOptions;

use super::listen::loopback;
use crate::model::environment::parse_set;
use crate::model::key::ControlKey;
use crate::model::policy::{
    ColorChoice, ExitOn, Grace, LogFormat, PolicyError, PtyChoice, Target, Timestamps,
};
use crate::model::rotation::Rotation;
use crate::model::size::{Size, SizeError};

/// The most lines that a run can be asked for by number.
pub(super) const MOST_LINES: i64 = 100_000;

/// The most lines around one that was searched for.
pub(super) const MOST_CONTEXT: i64 = 1000;

/// A command line that has been read and found consistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cli {
    /// The options, wherever they stood, with what the environment adds.
    pub options: Options,
    /// What to do.
    pub command: Command,
}

/// The sub-command.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the processes of the Procfile in the foreground
    ///
    /// Their output becomes one stream on standard output. When one of them exits (see `--exit-on`) or proc is told to stop,
    /// all of them are stopped, and nothing is left running. Where a run of the app goes on already, types or instances that are
    /// named without a number are started in that.
    Start {
        /// Start only these types, N instances of each
        #[arg(value_name = "TYPE[=N]")]
        types: Vec<String>,
    },
    /// Ask something of a run that goes on.
    #[command(flatten)]
    Ask(Ask),
    /// Run one command in the app's environment
    ///
    /// The command takes the place of proc: exit status, signals and the terminal are its own. So is everything that
    /// follows its name.
    #[command(override_usage = "proc run [OPTIONS] <NAME-OR-COMMAND> [ARGS]...")]
    Run {
        /// A type of the Procfile, or a command; then its arguments
        #[arg(value_name = "NAME-OR-COMMAND", required = true, num_args = 1.., trailing_var_arg = true)]
        words: Vec<OsString>,
    },
    /// Check the Procfile, proc.toml and the env files
    ///
    /// Starts nothing. Every error is reported, with its place.
    Check,
    /// Show the environment a process gets, and where each variable is from
    ///
    /// Without TYPE, what all of them share.
    Env {
        /// The process type, or one instance of it
        #[arg(value_name = "TYPE[.N]")]
        instance: Option<String>,
    },
    /// Show what holds in the end, and where each value is from
    ///
    /// What `proc.toml`, the environment and the command line come to.
    Config,
    /// Write files with which systemd, Compose, Kubernetes or others run the app
    ///
    /// Formation, ports, environment, dependencies, probes, restarts and stops are those of `proc start`. What the target has no words
    /// for is listed at the end.
    Export {
        /// What the files are for
        #[arg(value_name = "FORMAT", value_parser = word(Target::NAMES, Target::from_str))]
        target: Target,
        /// The directory to write them to; it is made if it is not there [default: deploy/FORMAT]
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Print the completions for a shell
    ///
    /// Prints a script that the shell is to read: the examples say from where.
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the man page, or write them all
    ///
    /// Prints proc(1) to standard output. With DIR, writes that page and the page of each command there.
    Man {
        /// The directory to write the pages to; it is made if it is not there
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// The shells there are completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash.
    #[value(help = None)]
    Bash,
    /// zsh.
    #[value(help = None)]
    Zsh,
    /// fish.
    #[value(help = None)]
    Fish,
}

/// Every option of every command; those that do not go with the command have their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, and no two make one state"
)]
pub struct Options {
    /// The Procfile; `-` is standard input [default: Procfile, else Procfile.dev]
    #[arg(short = 'f', long, value_name = "FILE", env = "PROC_PROCFILE", help_heading = WHAT_RUNS)]
    pub procfile: Option<PathBuf>,

    /// The directory that processes run in and `.env` is looked up in [default: the Procfile's]
    #[arg(short = 'd', long, value_name = "DIR", env = "PROC_ROOT", help_heading = WHAT_RUNS)]
    pub root: Option<PathBuf>,

    /// The file that says how processes behave [default: proc.toml beside the Procfile]
    #[arg(long, value_name = "FILE", env = "PROC_CONFIG", help_heading = WHAT_RUNS)]
    pub config: Option<PathBuf>,

    /// How many of each type, as in `web=2,worker=1` or `all=1,web=0`; types not named are not started
    #[arg(short = 'm', long, value_name = "LIST", env = "PROC_FORMATION", help_heading = WHAT_RUNS)]
    #[arg(visible_short_alias = 'c', visible_alias = "concurrency")]
    pub formation: Vec<String>,

    /// Leave out this type; repeatable, or a list with commas
    #[arg(short = 'x', long, value_name = "TYPE", env = "PROC_EXCEPT", help_heading = WHAT_RUNS)]
    #[arg(value_delimiter = ',')]
    pub except: Vec<String>,

    /// Start what has this profile in proc.toml too; repeatable, or a list with commas
    #[arg(long, value_name = "NAME", env = "PROC_PROFILE", help_heading = WHAT_RUNS)]
    #[arg(value_delimiter = ',')]
    pub profile: Vec<String>,

    /// First run the type `release` to its end; if it fails, start nothing
    #[arg(long, env = "PROC_RELEASE", help_heading = WHAT_RUNS, value_parser = FalseyValueParser::new())]
    pub release: bool,

    /// Exit with 1 if there are warnings (`proc check`)
    #[arg(long, env = "PROC_STRICT", help_heading = WHAT_RUNS, value_parser = FalseyValueParser::new())]
    pub strict: bool,

    /// Print JSON
    #[arg(long, env = "PROC_JSON", help_heading = WHAT_RUNS, value_parser = FalseyValueParser::new())]
    pub json: bool,

    /// Print the JSON schema of proc.toml instead (`proc config`)
    #[arg(long, env = "PROC_SCHEMA", help_heading = WHAT_RUNS, value_parser = FalseyValueParser::new())]
    pub schema: bool,

    /// Read these env files; repeatable, the later file wins [default: those of proc.toml, else .env]
    #[arg(short = 'e', long, value_name = "FILE[,FILE]", env = "PROC_ENV", help_heading = ENVIRONMENT)]
    #[arg(value_delimiter = ',')]
    pub env: Vec<PathBuf>,

    /// Set a variable; repeatable, beats everything else
    #[arg(short = 'E', long, value_name = "KEY=VALUE", env = "PROC_SET", help_heading = ENVIRONMENT)]
    #[arg(value_parser = AssignmentParser)]
    pub set: Vec<Assignment>,

    /// Let the env files beat the inherited environment, as foreman does
    #[arg(long, env = "PROC_ENV_OVERRIDE", help_heading = ENVIRONMENT, value_parser = FalseyValueParser::new())]
    pub env_override: bool,

    /// Do not ask for the variables that `.env.example` names without a value
    #[arg(long, env = "PROC_NO_ENV_CONTRACT", help_heading = ENVIRONMENT, value_parser = FalseyValueParser::new())]
    pub no_env_contract: bool,

    /// The port of the first type; the next types get 100 more each [default: PORT, else proc.toml's, else 5000]
    #[arg(short = 'p', long, value_name = "N", env = "PROC_PORT", help_heading = ENVIRONMENT)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// Set no PORT; never true together with a `port`
    #[arg(long, env = "PROC_NO_PORT", help_heading = ENVIRONMENT, value_parser = FalseyValueParser::new())]
    #[arg(help = "Set no PORT")]
    pub no_port: bool,

    /// Show the values of secrets (`proc env`)
    #[arg(long, env = "PROC_SHOW_SECRETS", help_heading = ENVIRONMENT, value_parser = FalseyValueParser::new())]
    pub show_secrets: bool,

    /// When to colour
    #[arg(long, value_name = "WHEN", env = "PROC_COLOR", help_heading = OUTPUT)]
    #[arg(default_value_t, value_parser = word(ColorChoice::NAMES, ColorChoice::from_str))]
    pub color: ColorChoice,

    /// What to put before each line
    #[arg(long, value_name = "FORM", env = "PROC_TIMESTAMPS", help_heading = OUTPUT)]
    #[arg(default_value_t, value_parser = word(Timestamps::NAMES, Timestamps::from_str))]
    pub timestamps: Timestamps,

    /// The same as `--timestamps none`, which it has been turned into already
    #[arg(long, env = "PROC_NO_TIMESTAMPS", help_heading = OUTPUT, value_parser = FalseyValueParser::new())]
    #[arg(help = "The same as `--timestamps none`")]
    pub no_timestamps: bool,

    /// How to write the lines: with a prefix, as JSON objects, or as they come
    #[arg(long, value_name = "FORM", env = "PROC_LOG_FORMAT", help_heading = OUTPUT)]
    #[arg(default_value_t, value_parser = word(LogFormat::NAMES, LogFormat::from_str))]
    pub log_format: LogFormat,

    /// Whether each process has a terminal of its own to write to, or a pipe
    #[arg(long, value_name = "WHEN", env = "PROC_PTY", help_heading = OUTPUT)]
    #[arg(default_value_t, value_parser = word(PtyChoice::NAMES, PtyChoice::from_str))]
    pub pty: PtyChoice,

    /// Do not listen for keys in the terminal that it is started in
    #[arg(long, env = "PROC_NO_KEYS", help_heading = OUTPUT, value_parser = FalseyValueParser::new())]
    pub no_keys: bool,

    /// Hide the lines of this type; repeatable, or a list with commas
    #[arg(short = 'q', long, value_name = "TYPE", env = "PROC_QUIET", help_heading = OUTPUT)]
    #[arg(value_delimiter = ',')]
    pub quiet: Vec<String>,

    /// How much output may wait for a slow reader, as in `512KiB`; beyond that the processes wait
    #[arg(long, value_name = "SIZE", env = "PROC_BUFFER", help_heading = OUTPUT)]
    #[arg(default_value_t = Size::from_mib(4), value_parser = StringValueParser::new().try_map(|text| buffer_size(&text)))]
    pub buffer: Size,

    /// Write what each process writes to a file of its own in this directory too, as in `web.1.log`
    #[arg(long, value_name = "DIR", env = "PROC_LOG_DIR", help_heading = OUTPUT)]
    pub log_dir: Option<PathBuf>,

    /// Rename a log file before it has more than SIZE, and keep N old ones beside it; `none` lets it grow
    #[arg(long, value_name = "SIZE[,N]", env = "PROC_LOG_ROTATE", help_heading = OUTPUT)]
    #[arg(default_value_t, value_parser = StringValueParser::new().try_map(|text| text.parse::<Rotation>()))]
    pub log_rotate: Rotation,

    /// Let the run be controlled over this port too, by whoever knows the token: 127.0.0.1:PORT
    #[arg(long, value_name = "ADDRESS", env = "PROC_LISTEN", help_heading = CONTROL)]
    #[arg(value_parser = StringValueParser::new().try_map(|text| loopback(&text)))]
    pub listen: Option<SocketAddr>,

    /// How long a stop may take before SIGKILL: seconds, or as in `500ms`, `1m30s`, `inf`; 0 kills at once
    #[arg(short = 't', long, value_name = "DURATION", env = "PROC_TIMEOUT", help_heading = THE_END)]
    #[arg(default_value_t, value_parser = StringValueParser::new().try_map(|text| text.parse::<Grace>()))]
    pub timeout: Grace,

    /// Stop everything when any process exits, when one fails, or only when all have ended
    #[arg(long, value_name = "WHEN", env = "PROC_EXIT_ON", help_heading = THE_END)]
    #[arg(default_value_t, value_parser = word(ExitOn::NAMES, ExitOn::from_str))]
    pub exit_on: ExitOn,

    /// How much of the latest output is kept for `proc logs` and `proc attach`, of all processes together
    #[arg(long, value_name = "SIZE", env = "PROC_HISTORY", help_heading = CONTROL)]
    #[arg(default_value_t = Size::from_mib(8), value_parser = StringValueParser::new().try_map(|text| buffer_size(&text)))]
    pub history: Size,

    /// Start in the background, and return when all are healthy
    #[arg(short = 'D', long, env = "PROC_DETACH", help_heading = CONTROL, value_parser = FalseyValueParser::new())]
    pub detach: bool,

    /// Go on with what is written from now on; `-f` behind `proc logs`
    #[arg(long, env = "PROC_FOLLOW", help_heading = CONTROL, value_parser = FalseyValueParser::new())]
    pub follow: bool,

    /// Show the last N lines only [default: all that is kept; with `--follow` 100]
    #[arg(short = 'n', long, value_name = "N", env = "PROC_LINES", help_heading = CONTROL)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=MOST_LINES))]
    pub lines: Option<u32>,

    /// Show only what was written this long ago or later, as in `5m`
    #[arg(long, value_name = "DURATION", env = "PROC_SINCE", help_heading = CONTROL)]
    #[arg(value_parser = StringValueParser::new().try_map(|text| text.parse::<Grace>()))]
    pub since: Option<Grace>,

    /// Show only lines that this regular expression is found in
    #[arg(long, value_name = "REGEX", env = "PROC_GREP", help_heading = CONTROL)]
    pub grep: Option<String>,

    /// Show N lines of the same instance before and after each that `--grep` finds
    #[arg(short = 'C', long, value_name = "N", env = "PROC_CONTEXT", help_heading = CONTROL)]
    #[arg(value_parser = clap::value_parser!(u16).range(..=MOST_CONTEXT))]
    pub context: Option<u16>,

    /// Only watch; another may type (`proc attach`)
    #[arg(long, env = "PROC_READ_ONLY", help_heading = CONTROL, value_parser = FalseyValueParser::new())]
    pub read_only: bool,

    /// The key that leaves, as in `ctrl-p` (`proc attach`)
    #[arg(long, value_name = "KEY", env = "PROC_DETACH_KEY", help_heading = CONTROL)]
    #[arg(default_value_t = ControlKey::USUAL, value_parser = StringValueParser::new().try_map(|text| text.parse::<ControlKey>()))]
    pub detach_key: ControlKey,

    /// What to wait for
    #[arg(long = "for", value_name = "WHAT", env = "PROC_FOR", help_heading = CONTROL)]
    #[arg(default_value_t, value_enum)]
    pub awaited: Awaited,

    /// What only `proc export` has.
    #[command(flatten)]
    pub export: ExportOptions,

    /// Where each of them has its value from.
    #[arg(skip)]
    pub origins: Origins,
}

/// What `proc wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Awaited {
    /// It is healthy; without a readiness probe: it runs; a task: it has ended with 0.
    #[default]
    #[value(help = None)]
    Healthy,
    /// Its process has ended, and it is not started again.
    #[value(help = None)]
    Exited,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Exited => "exited",
        })
    }
}

/// Where an option has its value from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// Nobody has given it.
    #[default]
    Default,
    /// Its variable, `PROC_…`.
    Variable,
    /// The command line.
    CommandLine,
}

/// Where the options have their values from, by their ids (the fields of [`Options`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    pub(super) given: BTreeMap<&'static str, Source>,
}

impl Origins {
    /// Where the option `id` has its value from.
    #[must_use]
    pub fn of(&self, id: &str) -> Source {
        self.given.get(id).copied().unwrap_or_default()
    }
}

const WHAT_RUNS: &str = "What runs";
const ENVIRONMENT: &str = "Environment";
const OUTPUT: &str = "Output";
const CONTROL: &str = "Control";
const THE_END: &str = "The end";

/// The least that `--buffer` and `--history` take: a few chunks of a pipe.
const SMALLEST_BUFFER: Size = Size::from_kib(256);

/// Reads the size of the buffers.
fn buffer_size(text: &str) -> Result<Size, String> {
    let size: Size = text.parse().map_err(|error: SizeError| error.to_string())?;
    if size < SMALLEST_BUFFER {
        return Err(format!("`{text}` is too small: it must be at least {SMALLEST_BUFFER}"));
    }
    Ok(size)
}

/// A parser for one of `names`, which help and completions list.
fn word<T: Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
    parse: fn(&str) -> Result<T, PolicyError>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names).try_map(move |name| parse(&name))
}

/// A variable set on the command line. The value is a secret: no `Debug` and no error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name: a letter or `_`, then letters, digits, `_`, `.` and `-`, as in env files.
    pub key: String,
    /// Everything after the first `=`.
    pub value: OsString,
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

/// Reads an [`Assignment`]. clap's `try_map` would do, but its errors repeat the value.
#[derive(Clone)]
struct AssignmentParser;

impl TypedValueParser for AssignmentParser {
    type Value = Assignment;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Assignment, clap::Error> {
        let text = OsStringValueParser::new().parse_ref(command, arg, value)?;
        let (key, value) = parse_set(&text).map_err(|error| {
            let message = format!("a value of `--set` (or of PROC_SET): {error}");
            command.clone().error(ErrorKind::ValueValidation, message)
        })?;
        Ok(Assignment { key, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_an_assignment_is_not_in_its_debug_text() {
        let assignment = Assignment { key: "TOKEN".into(), value: "hunter2".into() };
        assert_eq!(format!("{assignment:?}"), "TOKEN=…");
    }
}
