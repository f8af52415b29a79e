//! What the supervisor tells those who watch, and the words for it.

use super::event::Stray;
use super::request::Asked;
use super::words::{in_a_row, measured, names, sender, stopping, strayed};
use crate::model::exit::Exit;
use crate::model::instance::{InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::policy::{Grace, Seconds};
use crate::model::settings::Condition;
use crate::model::signal::{Received, Signal};
use std::fmt;
use std::time::Duration;

/// Something worth a line in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A process runs.
    Started {
        /// Which instance.
        instance: InstanceId,
        /// Its leader.
        pid: Pid,
    },
    /// A process ended, and all it wrote has been shown.
    Exited {
        /// Which instance.
        instance: InstanceId,
        /// How.
        exit: Exit,
        /// What comes of it, if that is to be said.
        sequel: Option<Sequel>,
    },
    /// A process could not be started.
    SpawnFailed {
        /// Which instance.
        instance: InstanceId,
        /// Why.
        message: String,
    },
    /// A process could not be started for now.
    SpawnDelayed {
        /// Which instance.
        instance: InstanceId,
        /// Why.
        message: String,
        /// How long until the next attempt.
        delay: Duration,
    },
    /// Descendants were found that have left their group.
    Strayed {
        /// Whose they are, if that can be told.
        instance: Option<InstanceId>,
        /// Who they are.
        strays: Vec<Stray>,
    },
    /// A process was stopped by a signal, and waits to be continued.
    Stopped {
        /// Which instance.
        instance: InstanceId,
        /// By which signal.
        signal: Signal,
    },
    /// A process can do its work for the first time, as its readiness probe says.
    Healthy {
        /// Which instance.
        instance: InstanceId,
        /// How long after its start.
        after: Duration,
    },
    /// A process can do its work again.
    HealthyAgain {
        /// Which instance.
        instance: InstanceId,
    },
    /// A process cannot do its work any more, as its readiness probe says.
    Unhealthy {
        /// Which instance.
        instance: InstanceId,
        /// Why the probe failed the last time.
        reason: String,
        /// How often it failed in a row.
        times: u32,
    },
    /// A process has had the time to start up, and its readiness probe still fails.
    StillUnhealthy {
        /// Which instance.
        instance: InstanceId,
        /// How long after its start.
        after: Duration,
        /// Why the probe failed the last time.
        reason: String,
    },
    /// A process does not live any more, as its liveness probe says, and is restarted.
    NotAlive {
        /// Which instance.
        instance: InstanceId,
        /// Why the probe failed the last time.
        reason: String,
        /// How often it failed in a row.
        times: u32,
    },
    /// The stop command of an instance failed, and the stop signal is sent instead.
    StopCommandFailed {
        /// Which instance.
        instance: InstanceId,
        /// What happened.
        message: String,
        /// The signal.
        signal: Signal,
    },
    /// An instance cannot start yet.
    Waiting {
        /// Which instance.
        instance: InstanceId,
        /// What it waits for.
        need: Need,
    },
    /// An instance will never start: what it depends on cannot be so any more.
    Hopeless {
        /// Which instance.
        instance: InstanceId,
        /// What it waits for, what that waits for, and so on.
        chain: Vec<Need>,
        /// How the last of the chain ended.
        exit: Option<Exit>,
    },
    /// Somebody asks something of an instance.
    Asked {
        /// Which.
        instance: InstanceId,
        /// What.
        what: Asked,
    },
    /// An instance restarts because one that it depends on does.
    Following {
        /// Which instance.
        instance: InstanceId,
        /// The one that was restarted.
        leader: InstanceId,
    },
    /// An instance restarts because files that it is restarted for have changed.
    FilesChanged {
        /// Which instance.
        instance: InstanceId,
        /// The file that changed first.
        path: String,
        /// How many others have.
        others: usize,
    },
    /// An instance that is through has left processes running, which are asked to stop.
    LeftBehind {
        /// Which instance.
        instance: InstanceId,
        /// How long they may take.
        grace: Grace,
    },
    /// All are asked to stop.
    Stopping {
        /// Why.
        cause: Cause,
        /// How many instances are left to stop.
        running: usize,
        /// How long they may take.
        grace: Grace,
    },
    /// These instances are sent SIGKILL.
    Killing {
        /// Which, in Procfile order.
        instances: Vec<InstanceId>,
        /// Whether they had their grace period; otherwise somebody was in a hurry.
        grace_over: bool,
    },
    /// Descendants that left their groups outlived the grace period and are sent SIGKILL.
    KillingStrays,
    /// These instances, or with none named some of their descendants, are alive five seconds after SIGKILL.
    Survivors(Vec<InstanceId>),
    /// The run ends with the code of this instance.
    Failed {
        /// The instance that failed first.
        instance: InstanceId,
        /// How.
        exit: Exit,
    },
}

/// What comes of an end, and is said with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequel {
    /// The instance is started again.
    Restart {
        /// After this time.
        delay: Duration,
        /// How many restarts that makes within `window`.
        count: u32,
        /// How many there may be.
        most: Option<u32>,
        /// The time in which they are counted.
        window: Duration,
    },
    /// It is not: there were this many restarts within `window`.
    TooMany {
        /// How many.
        count: u32,
        /// The time in which they are counted.
        window: Duration,
    },
}

impl Sequel {
    fn text(self) -> String {
        match self {
            Self::Restart { delay, count, most, window } => {
                let of = most.map_or(String::new(), |most| format!(" of {most}"));
                format!("; restarting in {} ({count}{of} in {})", Tenths(delay), Seconds(window))
            }
            Self::TooMany { count, window } => {
                let times = if count == 1 { "once" } else { &format!("{count} times") };
                format!("; failed: restarted {times} in {} already", Seconds(window))
            }
        }
    }
}

/// A duration as people want it who wait: to a tenth of a second.
struct Tenths(Duration);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Seconds(Duration::from_millis(
            self.0.as_millis().next_multiple_of(100).try_into().unwrap_or(u64::MAX),
        ))
        .fmt(f)
    }
}

/// What must be so of an instance before another one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Of which.
    pub of: InstanceId,
    /// What.
    pub condition: Condition,
}

impl Need {
    /// Writes `redis.1 to be healthy`.
    pub(super) fn text(self, plan: &Plan) -> String {
        let what = match self.condition {
            Condition::Started => "start",
            Condition::Healthy => "be healthy",
            Condition::CompletedSuccessfully => "succeed",
        };
        format!("{} to {what}", plan.name(self.of))
    }
}

/// Words for a wait that has no end: `web.1 to be healthy, which waits for redis.1 to be healthy, which exited with code 1`.
pub(super) fn chain(needs: &[Need], exit: Option<Exit>, plan: &Plan) -> String {
    let needs: Vec<String> = needs.iter().map(|need| need.text(plan)).collect();
    let end = exit.map_or_else(|| "will not start".to_owned(), |exit| exit.to_string());
    format!("{}, which {end}", needs.join(", which waits for "))
}

/// Why a run stops: the first of these in time decides its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A signal told us to.
    Signal(Received),
    /// This instance ended, and the policy is to stop then.
    Ended(InstanceId, Exit),
    /// All have ended; with the first failure, if one failed.
    AllEnded(Option<(InstanceId, Exit)>),
    /// Nobody reads our output.
    OutputClosed,
    /// Somebody asks for it.
    Request,
}

impl Notice {
    /// What it is about, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Exited { .. } => "exited",
            Self::SpawnFailed { .. } | Self::SpawnDelayed { .. } => "not_started",
            Self::Strayed { .. } => "strayed",
            Self::Stopped { .. } => "stopped",
            Self::Healthy { .. } | Self::HealthyAgain { .. } => "healthy",
            Self::Unhealthy { .. } | Self::StillUnhealthy { .. } => "unhealthy",
            Self::NotAlive { .. } => "not_alive",
            Self::StopCommandFailed { .. } => "stop_command_failed",
            Self::Waiting { .. } => "waiting",
            Self::Hopeless { .. } | Self::Failed { .. } => "failed",
            Self::Asked { .. } => "asked",
            Self::Following { .. } => "following",
            Self::FilesChanged { .. } => "files_changed",
            Self::LeftBehind { .. } => "left_behind",
            Self::Stopping { .. } => "stopping",
            Self::Killing { .. } | Self::KillingStrays => "killing",
            Self::Survivors(_) => "survivors",
        }
    }

    /// The instance whose name its line carries; none for a line about the whole.
    #[must_use]
    pub fn about(&self) -> Option<InstanceId> {
        match self {
            Self::Started { instance, .. }
            | Self::Exited { instance, .. }
            | Self::SpawnFailed { instance, .. }
            | Self::SpawnDelayed { instance, .. }
            | Self::Stopped { instance, .. }
            | Self::Healthy { instance, .. }
            | Self::HealthyAgain { instance }
            | Self::Unhealthy { instance, .. }
            | Self::StillUnhealthy { instance, .. }
            | Self::NotAlive { instance, .. }
            | Self::StopCommandFailed { instance, .. }
            | Self::Waiting { instance, .. }
            | Self::Hopeless { instance, .. }
            | Self::Following { instance, .. }
            | Self::FilesChanged { instance, .. }
            | Self::Asked { instance, .. }
            | Self::LeftBehind { instance, .. } => Some(*instance),
            Self::Strayed { instance, .. } => *instance,
            Self::Stopping { .. }
            | Self::Killing { .. }
            | Self::KillingStrays
            | Self::Survivors(_)
            | Self::Failed { .. } => None,
        }
    }

    /// The text of its line, or none where there is nothing to say; `name_of` knows the names of the programs that other processes run.
    #[must_use]
    pub fn text(&self, plan: &Plan, name_of: &dyn Fn(Pid) -> Option<String>) -> Option<String> {
        Some(match self {
            Self::Started { pid, .. } => format!("started with pid {pid}"),
            Self::Exited { exit, sequel, .. } => {
                format!("{exit}{}", sequel.map_or_else(String::new, Sequel::text))
            }
            Self::SpawnFailed { message, .. } => format!("could not be started: {message}"),
            Self::SpawnDelayed { message, delay, .. } => {
                format!("could not be started: {message}; trying again in {}", Seconds(*delay))
            }
            Self::Strayed { instance, strays } => strayed(instance.is_some(), strays),
            Self::Stopped { signal, .. } if [Signal::TTIN, Signal::TTOU].contains(signal) => {
                format!("stopped by {signal}: it wants the terminal, which it does not have")
            }
            Self::Stopped { signal, .. } => format!("stopped by {signal}"),
            Self::Healthy { after, .. } => format!("healthy after {}", measured(*after)),
            Self::HealthyAgain { .. } => "healthy again".into(),
            Self::Unhealthy { reason, times, .. } => format!("not healthy: {reason}{}", in_a_row(*times)),
            Self::StillUnhealthy { after, reason, .. } => {
                format!("not healthy after {}: {reason}", measured(*after))
            }
            Self::NotAlive { reason, times, .. } => {
                format!("not alive: {reason}{}; stopping it", in_a_row(*times))
            }
            Self::LeftBehind { grace, .. } => {
                format!("left processes behind: stopping them (grace period {grace})")
            }
            Self::StopCommandFailed { message, signal, .. } => {
                format!("the stop command {message}; sending {signal}")
            }
            Self::Waiting { need, .. } => format!("waiting for {}", need.text(plan)),
            Self::Hopeless { chain: needs, exit, .. } => {
                format!("will not start: waits for {}", chain(needs, *exit, plan))
            }
            Self::FilesChanged { path, others: 0, .. } => format!("{path} changed; restarting"),
            Self::FilesChanged { path, others, .. } => {
                format!("{path} and {others} more changed; restarting")
            }
            Self::Asked { what, .. } => what.text(),
            Self::Following { leader, .. } => format!("restarting with {}", plan.name(*leader)),
            Self::Stopping { cause, running, grace } => {
                let sender = sender(*cause, name_of);
                return stopping(*cause, *running, *grace, &sender, plan);
            }
            Self::Killing { instances, grace_over } => {
                let why = if *grace_over { "grace period over" } else { "not waiting any longer" };
                format!("{why}: SIGKILL to {}", names(instances, plan))
            }
            Self::KillingStrays => "SIGKILL to processes that left their group".into(),
            Self::Survivors(instances) if instances.is_empty() => {
                "some processes are alive after SIGKILL".into()
            }
            Self::Survivors(instances) => format!("{} could not be killed", names(instances, plan)),
            // Stopped because it did not live any more, and too often.
            Self::Failed { instance, exit } if exit.is_success() => {
                format!("exiting with 1: {} has failed", plan.name(*instance))
            }
            Self::Failed { instance, exit } => {
                format!("exiting with {}: {} {exit}", exit.code(), plan.name(*instance))
            }
        })
    }
}
