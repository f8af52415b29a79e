//! What a `proc.toml` says, as it stands there: a struct for each table, a field for each key. The JSON schema is made of these structs, and
//! their docs are its descriptions.

use super::schema::{
    CommandText, Count, DependsOnForm, DurationText, EnvForm, GraceText, OneOf, PortForm, Restarts,
    SignalForm, TcpForm, Texts, Tries, VersionForm, WatchForm,
};
use crate::model::diagnostic::Span;
use crate::model::policy::{ExitOn, Grace};
use crate::model::settings::{Condition, RestartWhen};
use crate::model::signal::Signal;
use schemars::JsonSchema;
use std::collections::BTreeMap;
use std::time::Duration;

/// A value, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub span: Span,
    /// The line of its first byte, from 1.
    pub line: usize,
}

/// The tables there are, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The file itself.
    Top,
    /// `[process.NAME]`.
    Process,
    /// `readiness`, `liveness`.
    Probe,
    /// A dependency that is written as a table.
    Dependency,
    /// `watch`.
    Watch,
}

/// How the processes of an app are run beyond what its Procfile says.
#[derive(Debug, Clone, PartialEq, Default, JsonSchema)]
#[schemars(deny_unknown_fields, title = "proc.toml")]
pub struct ProcToml {
    /// The version of this format. There is only 1, which is the default.
    #[schemars(with = "Option<VersionForm>")]
    pub version: Option<At<u16>>,
    /// What the app is called. Default: the name of its directory.
    #[schemars(with = "Option<String>")]
    pub app: Option<At<String>>,
    /// The port of the first process type; the next types get 100 more each. Beaten by `PORT` and `--port`. Default: 5000.
    #[schemars(with = "Option<PortForm>")]
    pub port: Option<At<u16>>,
    /// The env files that are read where they exist, relative to the root; the later wins. Beaten by `--env`. Default: `.env`.
    #[schemars(with = "Option<Vec<String>>")]
    pub env_files: Option<At<Vec<At<String>>>>,
    /// What the end of a process does to the rest: `stop` stops all, `stop-on-failure` if it failed, `continue` never. Beaten by
    /// `--exit-on`. Default: `stop`.
    #[schemars(with = "Option<OneOf<ExitOn>>")]
    pub on_exit: Option<At<ExitOn>>,
    /// How long a stop may take before SIGKILL. Beaten by `--timeout`. Default: 5s.
    #[schemars(with = "Option<GraceText>")]
    pub stop_grace_period: Option<At<Grace>>,
    /// Names of variables whose values are never shown, besides those that look like secrets; `*` stands for any text. Default: none.
    #[schemars(with = "Option<Vec<String>>")]
    pub secrets: Option<At<Vec<At<String>>>>,
    /// The process types, by name: those of the Procfile, and those that have a `command` here.
    #[schemars(with = "BTreeMap<String, Process>", default)]
    pub process: Vec<(At<String>, Process)>,
}

/// How the instances of a process type behave.
#[derive(Debug, Clone, PartialEq, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Process {
    /// How many instances are started, unless the command line says. Default: 1.
    #[schemars(with = "Option<Count>")]
    pub scale: Option<At<u16>>,
    /// What is run, for a process type that the Procfile does not have.
    #[schemars(with = "Option<CommandText>")]
    pub command: Option<At<String>>,
    /// What must be so before an instance starts: names, which must have been started, or names with a condition. Default: nothing.
    #[schemars(with = "Option<DependsOnForm>")]
    pub depends_on: Option<At<Vec<DependsOn>>>,
    /// What shows that an instance can do its work: those that depend on it being `healthy` wait for that. Default: none.
    #[schemars(with = "Option<Probe>")]
    pub readiness: Option<At<Probe>>,
    /// What shows that an instance still lives: if it does not, it is restarted, whatever `restart` says. Default: none.
    #[schemars(with = "Option<Probe>")]
    pub liveness: Option<At<Probe>>,
    /// After which ends an instance is started again. Default: `no`.
    #[schemars(with = "Option<OneOf<RestartWhen>>")]
    pub restart: Option<At<RestartWhen>>,
    /// How long the first wait before a restart is; each is twice the one before. Default: 1s.
    #[schemars(with = "Option<DurationText>")]
    pub restart_delay: Option<At<Duration>>,
    /// What the wait before a restart grows to. Default: 60s.
    #[schemars(with = "Option<DurationText>")]
    pub restart_max_delay: Option<At<Duration>>,
    /// How many restarts there may be in the `restart_window` before an instance has failed for good; `"inf"`: any number. Default: 5.
    #[schemars(with = "Option<Restarts>")]
    pub max_restarts: Option<At<Option<u32>>>,
    /// The time in which restarts are counted. Default: 60s.
    #[schemars(with = "Option<DurationText>")]
    pub restart_window: Option<At<Duration>>,
    /// Whoever has run for so long begins anew with waits and counts. Default: 10s.
    #[schemars(with = "Option<DurationText>")]
    pub min_uptime: Option<At<Duration>>,
    /// Exit codes that count as success, besides 0; 128 + n is death by signal n. Default: none.
    #[schemars(with = "Option<Vec<u8>>")]
    pub success_exit_codes: Option<At<Vec<At<u8>>>>,
    /// The signal that asks it to stop, by name or number. Default: SIGTERM.
    #[schemars(with = "Option<SignalForm>")]
    pub stop_signal: Option<At<Signal>>,
    /// How long its stop may take before SIGKILL. Beaten by `--timeout`. Default: that of the file.
    #[schemars(with = "Option<GraceText>")]
    pub stop_grace_period: Option<At<Grace>>,
    /// A command that stops it, in its environment; the stop signal follows if that fails. Default: none.
    #[schemars(with = "Option<CommandText>")]
    pub stop_command: Option<At<String>>,
    /// `oneshot`: a task that ends. Its success ends nothing, its failure the run.
    #[schemars(rename = "type", with = "Option<OneOf<ProcessKind>>")]
    pub kind: Option<At<ProcessKind>>,
    /// The files and directories that it is restarted for. Default: none.
    #[schemars(with = "Option<WatchForm>")]
    pub watch: Option<At<Watch>>,
    /// Variables for it alone, taken literally; they are a layer over its env files.
    #[schemars(with = "Option<EnvForm>")]
    pub env: Option<At<Vec<EnvEntry>>>,
    /// Env files for it alone, which must exist, relative to the root; the later wins, and all of them beat those of all. Default: none.
    #[schemars(with = "Option<Texts>")]
    pub env_file: Option<At<Vec<At<String>>>>,
    /// The directory it runs in, relative to the root. Default: the root.
    #[schemars(with = "Option<String>")]
    pub working_dir: Option<At<String>>,
    /// The port of its first instance; the next ones follow. Default: by its place in the Procfile.
    #[schemars(with = "Option<PortForm>")]
    pub port: Option<At<u16>>,
    /// Whether it has a terminal of its own to write to. Default: as `--pty` says.
    #[schemars(with = "Option<bool>")]
    pub tty: Option<At<bool>>,
    /// Whether the lines it writes are shown. Default: `shown`.
    #[schemars(with = "Option<OneOf<LogChoice>>")]
    pub log: Option<At<LogChoice>>,
    /// It starts only with one of these profiles (`--profile`), or when it is named or needed. Default: always.
    #[schemars(with = "Option<Vec<String>>")]
    pub profiles: Option<At<Vec<At<String>>>>,
    /// What its end does to the rest, if not what the file says of all. Beaten by `--exit-on`. Default: that of the file.
    #[schemars(with = "Option<OneOf<ExitOn>>")]
    pub on_exit: Option<At<ExitOn>>,
}

/// A question that is asked of an instance again and again; exactly one of `http`, `tcp`, `exec` and `log`.
#[derive(Debug, Clone, PartialEq, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Probe {
    /// A path: a GET of it, on the PORT of the instance, is answered with 200 to 399.
    #[schemars(with = "Option<String>")]
    pub http: Option<At<String>>,
    /// `true`: a connection is taken on the PORT of the instance; a number: on this port.
    #[schemars(with = "Option<TcpForm>")]
    pub tcp: Option<At<Tcp>>,
    /// A command, in the environment of the instance, that ends with 0.
    #[schemars(with = "Option<CommandText>")]
    pub exec: Option<At<String>>,
    /// A text that is in a line which the instance writes. Of `readiness` only.
    #[schemars(with = "Option<String>")]
    pub log: Option<At<String>>,
    /// From one question to the next. Default: 2s, of `liveness` 10s.
    #[schemars(with = "Option<DurationText>")]
    pub interval: Option<At<Duration>>,
    /// How long an answer may take. Default: 1s.
    #[schemars(with = "Option<DurationText>")]
    pub timeout: Option<At<Duration>>,
    /// How many failures in a row count. Default: 3.
    #[schemars(with = "Option<Tries>")]
    pub retries: Option<At<u16>>,
    /// How long after its start an instance may fail without that being counted. Default: 30s.
    #[schemars(with = "Option<DurationText>")]
    pub start_period: Option<At<Duration>>,
    /// From one question to the next in that time, until the first success. Default: 200ms.
    #[schemars(with = "Option<DurationText>")]
    pub start_interval: Option<At<Duration>>,
}

/// What a `tcp` probe connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tcp {
    /// The PORT of the instance.
    Own,
    /// This port.
    Port(u16),
}

/// A process type that another one waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct DependsOn {
    /// Its name.
    pub name: At<String>,
    /// What must be so of it.
    pub condition: Option<At<Condition>>,
    /// Whether a restart of the one restarts the other.
    pub restart: Option<At<bool>>,
}

/// A dependency with more than a name.
#[derive(Debug, Clone, PartialEq, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Dependency {
    /// What must be so: `started`; `healthy`, its readiness has succeeded; `completed_successfully`, it has ended as it should. Default: `started`.
    #[schemars(with = "Option<OneOf<Condition>>")]
    pub(super) condition: Option<At<Condition>>,
    /// Whether a restart of what is waited for restarts the one that waits. Default: false.
    #[schemars(with = "Option<bool>")]
    pub(super) restart: Option<At<bool>>,
}

/// The files that a process type is restarted for.
#[derive(Debug, Clone, PartialEq, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Watch {
    /// Files and directories, relative to the root.
    #[schemars(with = "Vec<String>")]
    pub paths: Option<At<Vec<At<String>>>>,
    /// What is not looked at, in the words of .gitignore, besides what .gitignore says. Default: nothing.
    #[schemars(with = "Option<Vec<String>>")]
    pub ignore: Option<At<Vec<At<String>>>>,
    /// How long it must be quiet after a change. Default: 300ms.
    #[schemars(with = "Option<DurationText>")]
    pub debounce: Option<At<Duration>>,
}

/// A variable of `env`. The value may be a secret, and is in no debug form.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvEntry {
    /// Its name.
    pub key: At<String>,
    /// Its value.
    pub value: String,
}

impl std::fmt::Debug for EnvEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=…", self.key.value)
    }
}

/// What sort of process it is (`type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessKind {
    /// A task that ends.
    Oneshot,
}

/// Whether lines are shown (`log`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogChoice {
    /// They are.
    Shown,
    /// They are not.
    Hidden,
}
