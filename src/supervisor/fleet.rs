//! All instances: the only writer of their phases, and the only source of actions.
//!
//! What events change is in `observe`, what rules want in `apply`.

mod apply;
mod observe;

use super::action::Action;
use super::event::{ProbeKind, Replan};
use super::instance::{Deadline, Instance, Life, Phase};
use super::notice::Notice;
use crate::model::answer::Failure;
use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId};
use crate::model::plan::Plan;
use crate::model::request::Request;
use crate::model::settings::{Condition, DEFAULTS, Settings};
use crate::model::signal::Received;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What an event changed, as the rules need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// The run begins.
    Begun,
    /// An instance has a process now.
    Started(InstanceId),
    /// A probe of a running instance was answered, or failed.
    Probed { instance: InstanceId, kind: ProbeKind, result: Result<(), &'a Failure> },
    /// A file that a process type is restarted for has changed.
    FileChanged { process: usize, path: &'a str },
    /// Somebody asks something of the run.
    Requested(&'a Request),
    /// There is another plan.
    Replanned(&'a Replan),
    /// An instance ended, could not be started, or never will.
    Ended(InstanceId, Exit),
    /// An instance ended that is started again.
    Restarting(InstanceId),
    /// An instance ended because somebody asked for that, and stays down.
    Parked(InstanceId),
    /// A signal came to us.
    Signal(Received),
    /// We go on after having been suspended.
    Resumed,
    /// Nobody reads our output.
    OutputClosed,
    /// Something else: time passed, or what is left of an instance has gone.
    Progress,
}

impl Change<'_> {
    /// Whether somebody has seen to an instance with this, so that what it did before says nothing any more.
    pub(crate) fn is_new_beginning_of(self, id: InstanceId) -> bool {
        match self {
            Change::Requested(Request::Start(ids) | Request::Stop(ids) | Request::Restart(ids)) => {
                ids.contains(&id)
            }
            Change::Replanned(replan) => replan.renewed.contains(&id) || !replan.instances.contains(&id),
            Change::Requested(Request::Signal { .. } | Request::Down)
            | Change::Begun
            | Change::Started(_)
            | Change::Probed { .. }
            | Change::FileChanged { .. }
            | Change::Ended(..)
            | Change::Restarting(_)
            | Change::Parked(_)
            | Change::Signal(_)
            | Change::Resumed
            | Change::OutputClosed
            | Change::Progress => false,
        }
    }
}

/// How far an instance is from what somebody needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prospect {
    /// It is so.
    Met,
    /// It may come to be.
    Open,
    /// It will not be so.
    Never,
}

/// The instances of a run.
#[derive(Debug)]
pub(crate) struct Fleet {
    instances: BTreeMap<InstanceId, Instance>,
    /// How far those had come that are not wanted any more: what is still reported of them is not to be taken for news of those who come after.
    forgotten: BTreeMap<InstanceId, Generation>,
    /// Whoever may have changed since the last [`Fleet::settle`]: with a thousand instances nobody looks at all of them for each event.
    touched: BTreeSet<InstanceId>,
    /// By process type.
    settings: Vec<Settings>,
    /// The process types that some other depends on, each with those.
    dependants: BTreeMap<usize, BTreeSet<usize>>,
    /// Whether the last report was that no descendant is left.
    childless: bool,
    /// What came of the wishes of rules, and is news to the others.
    changes: VecDeque<Change<'static>>,
    actions: VecDeque<Action>,
}

impl Fleet {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            instances: plan.instances.keys().map(|id| (*id, Instance::new())).collect(),
            forgotten: BTreeMap::new(),
            touched: BTreeSet::new(),
            settings: plan.settings.clone(),
            dependants: dependants(&plan.settings),
            childless: true,
            changes: VecDeque::new(),
            actions: VecDeque::new(),
        }
    }

    /// How an instance behaves.
    pub(crate) fn settings(&self, id: InstanceId) -> &Settings {
        self.settings.get(id.process).unwrap_or(&DEFAULTS)
    }

    /// Whether an end is one of an instance that has done its work.
    pub(crate) fn is_success(&self, id: InstanceId, exit: Exit) -> bool {
        !self.is_failed(id) && self.settings(id).is_success(exit)
    }

    /// Whether this instance is one that is not started any more because it has failed.
    pub(crate) fn is_failed(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(Instance::is_failed)
    }

    /// What is known of the process of an instance, if that runs and nobody wants it stopped.
    pub(crate) fn running(&self, id: InstanceId) -> Option<&Life> {
        self.instances.get(&id)?.running()
    }

    /// What is known of the process of an instance, if it has or had one in this generation.
    pub(crate) fn life(&self, id: InstanceId) -> Option<&Life> {
        self.instances.get(&id)?.life()
    }

    /// The spawn that an instance is at.
    pub(crate) fn generation(&self, id: InstanceId) -> Option<Generation> {
        self.instances.get(&id).map(|instance| instance.generation)
    }

    /// How an instance ended, if it does not start again.
    pub(crate) fn ended(&self, id: InstanceId) -> Option<Exit> {
        self.instances.get(&id)?.ended
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = InstanceId> {
        self.instances.keys().copied()
    }

    /// The instances of a process type.
    pub(crate) fn of_type(&self, process: usize) -> impl Iterator<Item = InstanceId> {
        let id = |number| InstanceId { process, number };
        self.instances.range(id(0)..=id(u16::MAX)).map(|(id, _)| *id)
    }

    /// The process types that depend on this one.
    pub(crate) fn dependants(&self, process: usize) -> impl Iterator<Item = usize> {
        self.dependants.get(&process).into_iter().flatten().copied()
    }

    /// The instances that start as soon as what they depend on allows it, and for which that may have changed.
    pub(crate) fn waiting(&self) -> Vec<InstanceId> {
        let is_waiting = |id: &InstanceId| {
            self.instances.get(id).is_some_and(|each| matches!(each.phase, Phase::Waiting { .. }))
        };
        self.concerned().filter(is_waiting).collect()
    }

    /// The instances that have changed, and those that depend on them.
    fn concerned(&self) -> impl Iterator<Item = InstanceId> {
        let touched: BTreeSet<usize> = self.touched.iter().map(|id| id.process).collect();
        let dependants = touched.iter().flat_map(|process| self.dependants(*process));
        let concerned: BTreeSet<usize> = dependants.chain(touched.iter().copied()).collect();
        concerned.into_iter().flat_map(|process| self.of_type(process))
    }

    /// An instance, to be changed.
    fn touch(&mut self, id: InstanceId) -> Option<&mut Instance> {
        self.touched.insert(id);
        self.instances.get_mut(&id)
    }

    /// Nobody has changed from here on: the rules have seen everything.
    pub(crate) fn settle(&mut self) {
        self.touched.clear();
    }

    /// Forgets who was retired and is down; it counts as one that has changed, for others may have waited for it.
    fn forget(&mut self) {
        for id in &self.touched {
            if self.instances.get(id).is_some_and(Instance::is_forgotten) {
                let instance = self.instances.remove(id);
                self.forgotten.extend(instance.map(|instance| (*id, instance.generation)));
            }
        }
    }

    /// Whether there is such an instance, and it is to stay.
    pub(crate) fn is_wanted(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(|instance| !instance.is_retired)
    }

    /// Takes up how the instances of another plan behave, and those of it that are new, which are down.
    pub(crate) fn replan(&mut self, replan: &Replan) {
        self.settings.clone_from(&replan.settings);
        self.dependants = dependants(&self.settings);
        for id in &replan.instances {
            let generation = self.forgotten.remove(id).unwrap_or_default();
            self.instances.entry(*id).or_insert_with(|| Instance { generation, ..Instance::new() });
        }
        // Whoever waits may wait for something else now.
        self.touched.extend(self.instances.keys());
    }

    /// Whether an instance was stopped because somebody asked for that.
    pub(crate) fn is_parked(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(|instance| instance.is_parked)
    }

    /// Whether an instance is not wanted any more.
    pub(crate) fn is_retired(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(|instance| instance.is_retired)
    }

    /// Whether an instance has never been wanted.
    pub(crate) fn is_new(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(Instance::is_new)
    }

    /// Whether an instance neither runs nor is about to.
    pub(crate) fn is_startable(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(Instance::is_startable)
    }

    /// An instance.
    pub(crate) fn instance(&self, id: InstanceId) -> Option<&Instance> {
        self.instances.get(&id)
    }

    /// How far an instance is from meeting a condition.
    pub(crate) fn prospect(&self, id: InstanceId, condition: Condition) -> Prospect {
        let Some(instance) = self.instances.get(&id) else { return Prospect::Met };
        let is_over = matches!(instance.phase, Phase::Down | Phase::Failed);
        let was_started = |exit: Exit| !matches!(exit, Exit::NotStarted(_));
        let (is_met, may_be) = match (condition, instance.ended) {
            (Condition::Started, None) => (instance.running().is_some(), true),
            (Condition::Started, Some(exit)) => (was_started(exit), false),
            (Condition::Healthy, None) => (instance.running().is_some_and(|life| life.is_ready), true),
            (Condition::Healthy, Some(_)) => (false, false),
            (Condition::CompletedSuccessfully, None) => (false, true),
            (Condition::CompletedSuccessfully, Some(exit)) => {
                let has_succeeded = self.is_success(id, exit);
                (has_succeeded && is_over, has_succeeded)
            }
        };
        match (is_met, may_be) {
            (true, _) => Prospect::Met,
            (false, true) => Prospect::Open,
            (false, false) => Prospect::Never,
        }
    }

    /// The instances that were given up because of what they depend on, and for which that may have changed.
    pub(crate) fn hopeless(&self) -> Vec<InstanceId> {
        let is_hopeless = |id: &InstanceId| self.instances.get(id).is_some_and(|each| each.is_hopeless);
        self.concerned().filter(is_hopeless).collect()
    }

    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What rules brought about that others have not heard of.
    pub(crate) fn next_change(&mut self) -> Option<Change<'static>> {
        self.changes.pop_front()
    }

    /// Whether no instance has a process or waits for one.
    pub(crate) fn all_down(&self) -> bool {
        self.instances.values().all(|instance| matches!(instance.phase, Phase::Down | Phase::Failed))
    }

    /// Whether every instance was started and has ended, or was stopped on request.
    pub(crate) fn all_ended(&self) -> bool {
        self.instances.values().all(|instance| instance.ended.is_some() || instance.is_parked)
    }

    /// Whether something of this instance is left that can be signalled.
    pub(crate) fn is_stoppable(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(Instance::is_stoppable)
    }

    pub(crate) fn is_childless(&self) -> bool {
        self.childless
    }

    /// The instances that have something to stop.
    pub(crate) fn stoppable(&self) -> Vec<InstanceId> {
        self.instances.iter().filter(|(_, instance)| instance.is_stoppable()).map(|(id, _)| *id).collect()
    }

    /// The instances that nobody has asked to stop yet, and which of them may be asked now: those that nobody who is there depends on.
    pub(crate) fn next_to_stop(&self) -> (Vec<InstanceId>, Vec<InstanceId>) {
        let there = self.instances.iter().filter(|(_, instance)| instance.life().is_some());
        let there: BTreeSet<usize> = there.map(|(id, _)| id.process).collect();
        let unasked = self.instances.iter().filter(|(_, each)| matches!(each.phase, Phase::Running(_)));
        let unasked: Vec<InstanceId> = unasked.map(|(id, _)| *id).collect();
        let is_free = |id: &InstanceId| !self.dependants(id.process).any(|process| there.contains(&process));
        let free = unasked.iter().copied().filter(is_free).collect();
        (unasked, free)
    }

    /// The instances that were given up on.
    pub(crate) fn survivors(&self) -> Vec<InstanceId> {
        self.instances.iter().filter(|(_, instance)| instance.survived).map(|(id, _)| *id).collect()
    }

    pub(crate) fn next_deadline(&self) -> Deadline {
        self.instances.values().filter_map(Instance::deadline).min()
    }

    pub(crate) fn say(&mut self, notice: Notice) {
        self.actions.push_back(Action::Notify(notice));
    }
}

/// The process types that some other depends on, each with those.
fn dependants(settings: &[Settings]) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut dependants: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (process, settings) in settings.iter().enumerate() {
        for dependency in &settings.depends_on {
            dependants.entry(dependency.process).or_default().insert(process);
        }
    }
    dependants
}
