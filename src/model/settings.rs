//! How the instances of a process type behave, beyond its command: what `proc.toml` says of each, with the defaults filled in.

use super::command::Command;
use super::environment::NamedEnvFile;
use super::exit::Exit;
use super::policy::{ExitOn, Grace};
use super::signal::Signal;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

/// The settings of one process type. Without a `proc.toml` they are [`Settings::default`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// What must be so before an instance starts.
    pub depends_on: Vec<Dependency>,
    /// What shows that an instance can do its work.
    pub readiness: Option<Probe>,
    /// What shows that it still lives; if it does not, it is restarted.
    pub liveness: Option<Probe>,
    /// What follows an end.
    pub restart: RestartPolicy,
    /// Exit codes that count as success, besides 0; 128 + n for death by signal n.
    pub success_exit_codes: BTreeSet<u8>,
    /// Which exits of it end the run, if it has a word of its own in that.
    pub on_exit: Option<ExitOn>,
    /// How it is asked to stop.
    pub stop: StopPolicy,
    /// Whether it is a task that ends: its success ends nothing, its failure the run.
    pub is_oneshot: bool,
    /// The files that it is restarted for.
    pub watch: Option<Watch>,
    /// What is in its environment only, as layers over the env files of all; the later wins.
    pub env_files: Vec<NamedEnvFile>,
    /// Where it runs, if not in the root; an absolute path.
    pub working_dir: Option<PathBuf>,
    /// The port of its first instance, if that does not follow from its place in the Procfile.
    pub port: Option<u16>,
    /// Whether it has a terminal to write to wherever our output goes; none: as the others.
    pub tty: Option<bool>,
    /// Whether its output is not shown.
    pub is_hidden: bool,
}

/// The settings of whoever has none.
pub static DEFAULTS: LazyLock<Settings> = LazyLock::new(Settings::default);

impl Settings {
    /// Whether an end is that of a process that has done its work.
    #[must_use]
    pub fn is_success(&self, exit: Exit) -> bool {
        let is_listed = || self.success_exit_codes.contains(&exit.code());
        exit.is_success() || (!matches!(exit, Exit::NotStarted(_)) && is_listed())
    }
}

/// Something that a process type waits for (`depends_on`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The process type, as an index: all of its instances that are started are meant.
    pub process: usize,
    /// What must be so.
    pub condition: Condition,
    /// Whether a restart of the one restarts the other.
    pub restart: bool,
}

/// What must be so of a dependency (`condition`; the words are compose's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It was started.
    Started,
    /// Its readiness probe has succeeded.
    Healthy,
    /// It has ended as a process does that has done its work.
    CompletedSuccessfully,
}

/// A question that is asked of an instance again and again (`readiness`, `liveness`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The question.
    pub check: Check,
    /// From one to the next.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How many failures in a row count; at least 1.
    pub retries: u32,
    /// How long after its start an instance may fail without that being counted.
    pub start_period: Duration,
    /// From one to the next in that time, and until the first success.
    pub start_interval: Duration,
}

impl Probe {
    /// How long an instance may fail after its start, where nobody says otherwise.
    pub const START_PERIOD: Duration = Duration::from_secs(30);

    /// From one question to the next in that time, where nobody says otherwise.
    pub const START_INTERVAL: Duration = Duration::from_millis(200);
}

/// What a probe asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A GET of this path, on its PORT of 127.0.0.1, is answered with 200 to 399.
    Http(String),
    /// A connection is taken on this port of 127.0.0.1; none: on its PORT.
    Tcp(Option<u16>),
    /// This command, in its environment, ends with 0.
    Exec(Command),
    /// It writes a line that has this text in it. Readiness only: it is found once.
    Log(String),
}

/// What follows an end (`restart` and its relatives).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// After which ends.
    pub when: RestartWhen,
    /// How long the first wait is; each doubles the one before.
    pub delay: Duration,
    /// What a wait grows to.
    pub max_delay: Duration,
    /// How many restarts there may be in `window`; none: any number.
    pub max_restarts: Option<u32>,
    /// The time in which they are counted.
    pub window: Duration,
    /// Whoever has run for so long begins anew with waits and counts.
    pub min_uptime: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            when: RestartWhen::default(),
            delay: Duration::from_secs(1),
            max_delay: Duration::from_mins(1),
            max_restarts: Some(5),
            window: Duration::from_mins(1),
            min_uptime: Duration::from_secs(10),
        }
    }
}

/// After which ends an instance is started again (`restart`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartWhen {
    /// None.
    #[default]
    No,
    /// A failure.
    OnFailure,
    /// Every end.
    Always,
}

/// How an instance is asked to stop (`stop_signal`, `stop_grace_period`, `stop_command`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopPolicy {
    /// The stop signal.
    pub signal: Signal,
    /// How long it may take then.
    pub grace: Grace,
    /// A command that stops it; the stop signal follows if that fails.
    pub command: Option<Command>,
}

impl Default for StopPolicy {
    fn default() -> Self {
        Self { signal: Signal::TERM, grace: Grace::default(), command: None }
    }
}

/// The files whose change restarts a process type (`watch`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Files and directories; absolute paths.
    pub paths: Vec<PathBuf>,
    /// Patterns of what is not looked at, in the words of .gitignore, besides what .gitignore says.
    pub ignore: Vec<String>,
    /// How long it must be quiet after a change.
    pub debounce: Duration,
}
