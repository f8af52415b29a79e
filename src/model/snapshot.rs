//! How a run stands at a moment: what `proc ps` shows and the API tells. Seconds are seconds since the start of what they are about.

use serde::{Deserialize, Serialize};

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// The version of `proc` that runs it.
    pub version: String,
    /// The process that whoever started the run sees, and sends signals to.
    pub pid: u32,
    /// Where its processes run.
    pub root: String,
    /// Whether it is ending.
    pub is_stopping: bool,
    /// How long it has run, in seconds.
    pub uptime_seconds: f64,
    /// Its instances, in the order of the Procfile.
    pub instances: Vec<InstanceStatus>,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct InstanceStatus {
    /// What it is called: `web.1`.
    pub name: String,
    /// Its process type: `web`.
    #[serde(rename = "type")]
    pub process_type: String,
    /// Which of its type it is, from 1.
    pub index: u16,
    /// What it runs, as the Procfile has it.
    pub command: String,
    /// Whether it is a task: it does its work and ends.
    pub is_task: bool,
    /// Where it is.
    pub phase: PhaseName,
    /// What its readiness probe says; null: it has none, or no process.
    pub is_healthy: Option<bool>,
    /// Its leader, while it has one.
    pub pid: Option<u32>,
    /// Its port, if it was given one.
    pub port: Option<u16>,
    /// Whether it has a terminal of its own, so that one can attach to it.
    pub has_terminal: bool,
    /// How long its process has run, in seconds.
    pub uptime_seconds: Option<f64>,
    /// How often it was started after the first time.
    pub restarts: u32,
    /// The code of its last end, as a shell gives it.
    pub exit_code: Option<u8>,
    /// Whether its last end was the one of a process that has done its work; null: it has not ended.
    pub has_succeeded: Option<bool>,
    /// Whether it stays down because somebody has asked for that.
    pub is_stopped_on_request: bool,
    /// What it waits for, or why it ended, in words.
    pub why: String,
    /// What its processes use; null where that was not asked for, or nobody can tell.
    pub usage: Option<Usage>,
}

/// A process type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct TypeStatus {
    /// What it is called: `web`.
    pub name: String,
    /// What it runs, as the Procfile has it.
    pub command: String,
    /// The names of its instances.
    pub instances: Vec<String>,
}

/// Where an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PhaseName {
    /// It has no process, and none is wanted.
    Down,
    /// It waits for what it depends on.
    Waiting,
    /// Its process is being started.
    Starting,
    /// It is started again when its wait is over.
    Backoff,
    /// Its process runs.
    Running,
    /// It was asked to stop.
    Stopping,
    /// It is not started any more: it has failed.
    Failed,
}

impl InstanceStatus {
    /// Where it is, in a word: its phase, or whether it is healthy while it runs.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.phase, self.is_healthy) {
            (PhaseName::Running, Some(true)) => "healthy",
            (PhaseName::Running, Some(false)) => "unhealthy",
            (phase, _) => phase.word(),
        }
    }
}

impl PhaseName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Down,
        Self::Waiting,
        Self::Starting,
        Self::Backoff,
        Self::Running,
        Self::Stopping,
        Self::Failed,
    ];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Backoff => "backoff",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }
}

/// What the processes of an instance use, all of its tree together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// Memory that is theirs and in use (resident), in bytes.
    pub memory_bytes: u64,
    /// How many processes they are.
    pub processes: u32,
}
