//! How an instance stands, and why: a look at the fleet that changes nothing.

use super::fleet::Fleet;
use super::instance::{Backoff, Instance, Life, Next, Phase, Stop};
use super::order::{self, Obstacle};
use crate::model::exit::Exit;
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::policy::Elapsed;
use crate::model::snapshot::PhaseName;
use std::time::{Duration, Instant};

/// An instance at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where it is.
    pub phase: PhaseName,
    /// What its readiness probe says; none: it has none, or no process.
    pub is_healthy: Option<bool>,
    /// How long its process has run.
    pub uptime: Option<Duration>,
    /// How often it was started after the first time.
    pub restarts: u32,
    /// How it ended last.
    pub exit: Option<Exit>,
    /// Whether its last end was the one of a process that has done its work; none: it has not ended.
    pub has_succeeded: Option<bool>,
    /// Whether it stays down because somebody has asked for that.
    pub is_parked: bool,
    /// What it waits for, or why it ended, in words.
    pub why: String,
}

/// How an instance stands at `now`; `complaint`: why it is not ready.
pub(super) fn of(
    fleet: &Fleet,
    id: InstanceId,
    complaint: Option<String>,
    plan: &Plan,
    now: Instant,
) -> Option<Status> {
    let instance = fleet.instance(id)?;
    let life = instance.life().filter(|life| life.exit.is_none());
    let has_probe = fleet.settings(id).readiness.is_some();
    Some(Status {
        phase: name(&instance.phase),
        is_healthy: life.filter(|_| has_probe).map(|life| life.is_ready),
        uptime: life.map(|life| now.saturating_duration_since(life.since)),
        restarts: instance.spawns.saturating_sub(1),
        exit: instance.last_end.map(|(exit, _)| exit),
        has_succeeded: instance.last_end.map(|(exit, _)| fleet.is_success(id, exit)),
        is_parked: instance.is_parked,
        why: Words { fleet, id, instance, complaint, plan, now }.why(),
    })
}

fn name(phase: &Phase) -> PhaseName {
    match phase {
        Phase::Down => PhaseName::Down,
        Phase::Waiting { .. } => PhaseName::Waiting,
        Phase::Starting { .. } => PhaseName::Starting,
        Phase::Backoff { .. } => PhaseName::Backoff,
        Phase::Running(_) => PhaseName::Running,
        Phase::Stopping(..) => PhaseName::Stopping,
        Phase::Failed => PhaseName::Failed,
    }
}

struct Words<'a> {
    fleet: &'a Fleet,
    id: InstanceId,
    instance: &'a Instance,
    complaint: Option<String>,
    plan: &'a Plan,
    now: Instant,
}

impl Words<'_> {
    fn why(self) -> String {
        match &self.instance.phase {
            Phase::Down => self.why_down(),
            Phase::Waiting { .. } => self.why_waiting(),
            Phase::Starting { .. } => "its process is being started".into(),
            Phase::Backoff { until, why: Backoff::NoRoom(_) } => {
                format!(
                    "it could not be started for now{}; trying again in {}",
                    self.failure(),
                    self.until(*until)
                )
            }
            Phase::Backoff { until, why: Backoff::Ended } => {
                format!("{}: starting again in {}", self.end(), self.until(*until))
            }
            Phase::Running(life) => self.why_running(life),
            Phase::Stopping(life, stop) => self.why_stopping(life, *stop),
            Phase::Failed => self.why_failed(),
        }
    }

    fn why_down(&self) -> String {
        match (self.instance.is_parked, self.instance.last_end) {
            (true, None) => "it was asked not to start; `proc start` starts it".into(),
            (true, Some(_)) => format!("it was asked to stop: {}; `proc start` starts it", self.end()),
            (false, None) => "it was not started yet".into(),
            (false, Some(_)) => format!("{}, and is not started again", self.end()),
        }
    }

    fn why_waiting(&self) -> String {
        match order::obstacle(self.fleet, self.id) {
            None => "it starts in a moment".into(),
            Some(Obstacle::Wait(need)) if self.fleet.is_parked(need.of) => {
                let of = self.plan.name(need.of);
                format!(
                    "it waits for {}, which was asked to stop; `proc start {of}` starts it",
                    need.text(self.plan)
                )
            }
            Some(Obstacle::Wait(need) | Obstacle::Never(need)) => {
                let of = self.plan.name(need.of);
                format!("it waits for {}; `proc why {of}` says why that takes time", need.text(self.plan))
            }
        }
    }

    fn why_running(&self, life: &Life) -> String {
        if life.exit.is_some() {
            return format!("{}, and somebody is left of it", self.end());
        }
        let uptime = self.since(life.since);
        match (&self.fleet.settings(self.id).readiness, &self.complaint) {
            (None, _) => format!("it has run for {uptime}"),
            (Some(_), _) if life.is_ready => format!("it has run for {uptime}, and is healthy"),
            (Some(_), None) => format!("it has run for {uptime}, and is not healthy yet"),
            (Some(_), Some(complaint)) => format!("it has run for {uptime}, and is not healthy: {complaint}"),
        }
    }

    fn why_stopping(&self, life: &Life, stop: Stop) -> String {
        let reason = match (self.instance.next, self.instance.is_retired, self.instance.is_parked) {
            (Next::Start(_), _, _) => "it stops to start again",
            (Next::Nothing | Next::Fail, true, _) => "it stops because it is no longer wanted",
            (Next::Nothing | Next::Fail, false, true) => "it was asked to stop",
            (Next::Nothing | Next::Fail, false, false) if life.is_condemned => {
                "it stops because it does not live any more"
            }
            (Next::Nothing | Next::Fail, false, false) if life.exit.is_some() => {
                "it has ended, and what it has left stops"
            }
            (Next::Nothing | Next::Fail, false, false) => "it stops with the run",
        };
        match stop {
            Stop::Asked { kill_at: None } => format!("{reason}, and may take as long as it wants"),
            Stop::Asked { kill_at: Some(at) } => format!("{reason}, and is killed in {}", self.until(at)),
            Stop::Killed { .. } => format!("{reason}, was killed, and has not gone yet"),
        }
    }

    fn why_failed(&self) -> String {
        if self.instance.survived {
            return "it could not be killed".into();
        }
        match order::obstacle(self.fleet, self.id) {
            Some(Obstacle::Never(need)) if self.instance.is_hopeless => {
                let (chain, exit) = order::chain(self.fleet, need);
                format!("it will not start: it waits for {}", super::notice::chain(&chain, exit, self.plan))
            }
            Some(Obstacle::Never(_) | Obstacle::Wait(_)) | None => {
                format!("{}, and was restarted too often", self.end())
            }
        }
    }

    /// How it ended last, and when.
    fn end(&self) -> String {
        let Some((exit, at)) = self.instance.last_end else { return "it has not ended".into() };
        let was = match exit {
            Exit::Signal(_) => "was ",
            Exit::Code(_) | Exit::NotStarted(_) => "",
        };
        format!("it {was}{exit} {} ago{}", self.since(at), self.failure())
    }

    /// Why it could not be started, if that is so.
    fn failure(&self) -> String {
        self.instance.failure.as_ref().map_or_else(String::new, |failure| format!(": {failure}"))
    }

    fn since(&self, at: Instant) -> String {
        rounded(self.now.saturating_duration_since(at))
    }

    fn until(&self, at: Instant) -> String {
        rounded(at.saturating_duration_since(self.now))
    }
}

/// A duration for people: tenths of a second below ten.
fn rounded(duration: Duration) -> String {
    if duration >= Duration::from_secs(10) {
        return Elapsed(duration).to_string();
    }
    let tenths = duration.as_millis() / 100;
    format!("{}.{}s", tenths / 10, tenths % 10)
}
