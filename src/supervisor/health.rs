//! The rule of the probes: when their questions are asked, who can do its work, and who does not live any more.
//!
//! What an instance that is not ready keeps from starting, and what follows the end of one that does not live, is for others to say.

use super::course::{Course, Due, Verdict};
use super::event::ProbeKind;
use super::fleet::{Change, Fleet};
use super::intent::Intent;
use super::notice::Notice;
use crate::model::answer::Failure;
use crate::model::diagnostic::printable;
use crate::model::instance::{Generation, InstanceId};
use crate::model::settings::{Check, Probe};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The probes of those that run.
#[derive(Debug, Default)]
pub(crate) struct Health {
    of: BTreeMap<InstanceId, Checkup>,
    /// When something is due, and for whom. What has been overtaken stays until its time, and is passed over.
    agenda: BTreeSet<(Instant, InstanceId, ProbeKind)>,
}

/// The probes of one spawn.
#[derive(Debug)]
struct Checkup {
    generation: Generation,
    since: Instant,
    readiness: Option<Course>,
    liveness: Option<Course>,
    /// What the readiness probe failed with last, if it has not succeeded since.
    complaint: Option<String>,
}

impl Checkup {
    fn course(&mut self, kind: ProbeKind) -> Option<&mut Course> {
        match kind {
            ProbeKind::Readiness => self.readiness.as_mut(),
            ProbeKind::Liveness => self.liveness.as_mut(),
        }
    }

    fn due_at(&self, kind: ProbeKind) -> Option<Instant> {
        match kind {
            ProbeKind::Readiness => self.readiness.as_ref()?.due_at(),
            ProbeKind::Liveness => self.liveness.as_ref()?.due_at(),
        }
    }
}

impl Health {
    /// When something is due, at the latest.
    pub(crate) fn next_deadline(&self, fleet: &Fleet) -> Option<Instant> {
        self.agenda.iter().find(|entry| self.stands(fleet, **entry)).map(|(at, _, _)| *at)
    }

    pub(crate) fn decide(&mut self, fleet: &Fleet, change: Change<'_>, now: Instant) -> Vec<Intent> {
        match change {
            Change::Started(instance) => self.begin(fleet, instance, now),
            Change::Probed { instance, kind, result } => self.take(fleet, instance, kind, result, now),
            Change::Ended(instance, _) | Change::Restarting(instance) | Change::Parked(instance) => {
                self.of.remove(&instance);
                self.agenda.retain(|(_, of, _)| *of != instance);
                Vec::new()
            }
            Change::Resumed => {
                let all =
                    self.of.values_mut().flat_map(|each| each.readiness.iter_mut().chain(&mut each.liveness));
                all.for_each(Course::excuse);
                Vec::new()
            }
            Change::Begun
            | Change::FileChanged { .. }
            | Change::Requested(_)
            | Change::Replanned(_)
            | Change::Signal(_)
            | Change::OutputClosed
            | Change::Progress => Vec::new(),
        }
    }

    /// Why an instance that runs is not ready, as far as that is known.
    pub(crate) fn complaint(&self, fleet: &Fleet, id: InstanceId) -> Option<String> {
        let checkup = self.of.get(&id)?;
        if checkup.complaint.is_some() {
            return checkup.complaint.clone();
        }
        Some(silence(&probe(fleet, id, ProbeKind::Readiness)?.check))
    }

    /// Does what is due by `due`.
    pub(crate) fn conclude(&mut self, fleet: &Fleet, due: Option<Instant>) -> Vec<Intent> {
        let Some(now) = due else { return Vec::new() };
        let mut intents = Vec::new();
        while let Some(entry @ (at, instance, kind)) = self.agenda.first().copied() {
            if at > now {
                break;
            }
            self.agenda.pop_first();
            if self.stands(fleet, entry) {
                intents.extend(self.meet(fleet, instance, kind, now));
            }
        }
        intents
    }

    /// Whether an entry of the agenda is still what is to be done.
    fn stands(&self, fleet: &Fleet, (at, instance, kind): (Instant, InstanceId, ProbeKind)) -> bool {
        let is_due = |each: &Checkup| each.due_at(kind) == Some(at);
        self.of
            .get(&instance)
            .is_some_and(|each| is_due(each) && is_current(fleet, instance, each.generation))
    }

    /// Begins with a process that was just started.
    fn begin(&mut self, fleet: &Fleet, instance: InstanceId, now: Instant) -> Vec<Intent> {
        let (Some(life), Some(generation)) = (fleet.running(instance), fleet.generation(instance)) else {
            return Vec::new();
        };
        let checkup =
            Checkup { generation, since: life.since, readiness: None, liveness: None, complaint: None };
        self.of.insert(instance, checkup);
        let has_readiness = fleet.settings(instance).readiness.is_some();
        let first = if has_readiness { ProbeKind::Readiness } else { ProbeKind::Liveness };
        self.probe(fleet, instance, first, now)
    }

    /// Begins with a probe, if there is such a one: its first question is asked at once.
    fn probe(&mut self, fleet: &Fleet, instance: InstanceId, kind: ProbeKind, now: Instant) -> Vec<Intent> {
        let (Some(probe), Some(checkup)) = (probe(fleet, instance, kind), self.of.get_mut(&instance)) else {
            return Vec::new();
        };
        let course = Course::new(probe, checkup.since, now);
        let is_due = course.due_at().is_some_and(|at| at <= now);
        match kind {
            ProbeKind::Readiness => checkup.readiness = Some(course),
            ProbeKind::Liveness => checkup.liveness = Some(course),
        }
        if is_due {
            return self.meet(fleet, instance, kind, now).into_iter().collect();
        }
        self.enter(instance, kind);
        Vec::new()
    }

    /// Puts on the agenda when something is due for a probe.
    fn enter(&mut self, instance: InstanceId, kind: ProbeKind) {
        let at = self.of.get(&instance).and_then(|checkup| checkup.due_at(kind));
        self.agenda.extend(at.map(|at| (at, instance, kind)));
    }

    fn meet(&mut self, fleet: &Fleet, instance: InstanceId, kind: ProbeKind, now: Instant) -> Option<Intent> {
        let checkup = self.of.get_mut(&instance)?;
        let after = now.saturating_duration_since(checkup.since);
        match checkup.course(kind)?.meet()? {
            Due::Question => Some(Intent::Probe { instance, kind }),
            Due::Complaint => {
                let reason = silence(&probe(fleet, instance, kind)?.check);
                Some(Intent::Say(Notice::StillUnhealthy { instance, after, reason }))
            }
        }
    }

    /// Takes an answer; one about nothing that was asked changes nothing.
    fn take(
        &mut self,
        fleet: &Fleet,
        instance: InstanceId,
        kind: ProbeKind,
        result: Result<(), &Failure>,
        now: Instant,
    ) -> Vec<Intent> {
        let Some(probe) = probe(fleet, instance, kind) else { return Vec::new() };
        let Some(checkup) = self.of.get_mut(&instance) else { return Vec::new() };
        let since = checkup.since;
        let Some(course) = checkup.course(kind) else { return Vec::new() };
        let is_asked = course.is_asked();
        let verdict = course.take(probe, result, since, now);
        let reason = result.err().map_or_else(String::new, |failure| failure.reason().to_owned());
        let intents = match kind {
            ProbeKind::Readiness => {
                if is_asked {
                    checkup.complaint = result.err().map(|failure| failure.reason().to_owned());
                }
                let after = now.saturating_duration_since(since);
                let mut intents = of_readiness(instance, verdict, after, reason);
                if verdict == Verdict::FirstSuccess {
                    intents.extend(self.probe(fleet, instance, ProbeKind::Liveness, now));
                }
                intents
            }
            ProbeKind::Liveness => match verdict {
                Verdict::AsBefore | Verdict::FirstSuccess | Verdict::Recovered => Vec::new(),
                Verdict::Failed { times } | Verdict::NeverSucceeded { times } => {
                    course.end();
                    vec![Intent::Say(Notice::NotAlive { instance, reason, times }), Intent::Condemn(instance)]
                }
            },
        };
        self.enter(instance, kind);
        intents
    }
}

/// What the answer of a readiness probe comes to.
fn of_readiness(instance: InstanceId, verdict: Verdict, after: Duration, reason: String) -> Vec<Intent> {
    let ready = |is_ready| Intent::SetReady { instance, is_ready };
    match verdict {
        Verdict::AsBefore => Vec::new(),
        Verdict::FirstSuccess => vec![ready(true), Intent::Say(Notice::Healthy { instance, after })],
        Verdict::Recovered => vec![ready(true), Intent::Say(Notice::HealthyAgain { instance })],
        Verdict::Failed { times } => {
            vec![ready(false), Intent::Say(Notice::Unhealthy { instance, reason, times })]
        }
        Verdict::NeverSucceeded { .. } => {
            vec![Intent::Say(Notice::StillUnhealthy { instance, after, reason })]
        }
    }
}

/// Why somebody counts as not ready who was only listened to.
fn silence(check: &Check) -> String {
    match check {
        Check::Log(text) => format!("it has not written `{}` yet", printable(text)),
        Check::Http(_) | Check::Tcp(_) | Check::Exec(_) => "it has not answered yet".to_owned(),
    }
}

fn probe(fleet: &Fleet, instance: InstanceId, kind: ProbeKind) -> Option<&Probe> {
    let settings = fleet.settings(instance);
    match kind {
        ProbeKind::Readiness => settings.readiness.as_ref(),
        ProbeKind::Liveness => settings.liveness.as_ref(),
    }
}

fn is_current(fleet: &Fleet, instance: InstanceId, generation: Generation) -> bool {
    fleet.running(instance).is_some() && fleet.generation(instance) == Some(generation)
}
