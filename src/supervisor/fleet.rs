//! All instances: the only writer of their phases, and the only source of actions.

use super::action::{Action, Owners};
use super::event::{Event, ProbeKind, SpawnFailure};
use super::instance::{Deadline, Instance, Life, Phase, Step};
use super::intent::Intent;
use super::notice::Notice;
use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::settings::{DEFAULTS, Settings};
use crate::model::signal::{Received, Signal};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// What an event changed, as the rules need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// The run begins.
    Begun,
    /// An instance has a process now.
    Started(InstanceId),
    /// A probe of a running instance was answered, or failed.
    Probed { instance: InstanceId, kind: ProbeKind, result: Result<(), &'a str> },
    /// A file that a process type is restarted for has changed.
    FileChanged { process: usize, path: &'a str },
    /// An instance ended, or could not be started.
    Ended(InstanceId, Exit),
    /// A signal came to us.
    Signal(Received),
    /// We go on after having been suspended.
    Resumed,
    /// Nobody reads our output.
    OutputClosed,
    /// Something else: time passed, or what is left of an instance has gone.
    Progress,
}

/// The instances of a run.
#[derive(Debug)]
pub(crate) struct Fleet {
    instances: BTreeMap<InstanceId, Instance>,
    /// By process type.
    settings: Vec<Settings>,
    /// Whether the last report was that no descendant is left.
    childless: bool,
    actions: VecDeque<Action>,
}

impl Fleet {
    pub(crate) fn new(plan: &Plan) -> Self {
        let instances = plan.instances.keys().map(|id| (*id, Instance::new())).collect();
        Self { instances, settings: plan.settings.clone(), childless: true, actions: VecDeque::new() }
    }

    /// How an instance behaves.
    pub(crate) fn settings(&self, id: InstanceId) -> &Settings {
        self.settings.get(id.process).unwrap_or(&DEFAULTS)
    }

    /// What is known of the process of an instance, if that runs and nobody wants it stopped.
    pub(crate) fn running(&self, id: InstanceId) -> Option<&Life> {
        self.instances.get(&id)?.running()
    }

    /// The spawn that an instance is at.
    pub(crate) fn generation(&self, id: InstanceId) -> Option<Generation> {
        self.instances.get(&id).map(|instance| instance.generation)
    }

    /// The instances of a process type.
    pub(crate) fn of_type(&self, process: usize) -> impl Iterator<Item = InstanceId> {
        let id = |number| InstanceId { process, number };
        self.instances.range(id(0)..=id(u16::MAX)).map(|(id, _)| *id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = InstanceId> {
        self.instances.keys().copied()
    }

    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether no instance has a process or waits for one.
    pub(crate) fn all_down(&self) -> bool {
        self.instances.values().all(|instance| instance.phase == Phase::Down)
    }

    /// Whether every instance was started and has ended.
    pub(crate) fn all_ended(&self) -> bool {
        self.instances.values().all(|instance| instance.ended.is_some())
    }

    /// Whether this instance is over: ended, with nothing left of it.
    pub(crate) fn is_over(&self, id: InstanceId) -> bool {
        self.instances
            .get(&id)
            .is_some_and(|instance| instance.phase == Phase::Down && instance.ended.is_some())
    }

    /// Whether something of this instance is left that can be signalled.
    pub(crate) fn is_stoppable(&self, id: InstanceId) -> bool {
        self.stoppable().contains(&id)
    }

    pub(crate) fn is_childless(&self) -> bool {
        self.childless
    }

    /// The instances that have something to stop.
    pub(crate) fn stoppable(&self) -> Vec<InstanceId> {
        let stoppable = |instance: &Instance| match &instance.phase {
            Phase::Down | Phase::Starting { .. } | Phase::Backoff { .. } => false,
            Phase::Running(life) | Phase::Stopping(life, _) => !life.is_dead(),
        };
        self.instances.iter().filter(|(_, instance)| stoppable(instance)).map(|(id, _)| *id).collect()
    }

    /// The instances that were given up on.
    pub(crate) fn survivors(&self) -> Vec<InstanceId> {
        self.instances.iter().filter(|(_, instance)| instance.survived).map(|(id, _)| *id).collect()
    }

    pub(crate) fn next_deadline(&self) -> Deadline {
        self.instances.values().filter_map(Instance::deadline).min()
    }

    /// Writes down what an event at `now` reports; none if it is stale or repeats what is known.
    pub(crate) fn observe<'a>(&mut self, event: &'a Event, now: Instant) -> Option<Change<'a>> {
        match event {
            Event::Start => Some(Change::Begun),
            Event::Signal(signal) => Some(Change::Signal(*signal)),
            Event::Resumed => Some(Change::Resumed),
            Event::OutputClosed => Some(Change::OutputClosed),
            Event::Tick => Some(Change::Progress),
            Event::Spawned { instance, generation, pid } => self.spawned(*instance, *generation, *pid, now),
            Event::SpawnFailed { instance, generation, failure } => {
                self.spawn_failed(*instance, *generation, failure, now)
            }
            Event::Exited { instance, generation, exit } => self.exited(*instance, *generation, *exit),
            Event::Drained { instance, generation } => self.drained(*instance, *generation),
            Event::TreeEmpty { instance, generation } => {
                let life =
                    self.current(*instance, *generation)?.life_mut().filter(|life| !life.tree_empty)?;
                life.tree_empty = true;
                Some(Change::Progress)
            }
            Event::Strayed { of, strays } => {
                if let Some((instance, generation)) = *of {
                    self.current(instance, generation)?;
                }
                let instance = of.map(|(instance, _)| instance);
                self.say(Notice::Strayed { instance, strays: strays.clone() });
                None
            }
            Event::Stopped { instance, generation, signal } => {
                self.current(*instance, *generation)?.life().filter(|life| life.exit.is_none())?;
                self.say(Notice::Stopped { instance: *instance, signal: *signal });
                None
            }
            Event::Probed { instance, generation, kind, result } => {
                self.current(*instance, *generation)?.running()?;
                let result = result.as_ref().map(|()| ()).map_err(String::as_str);
                Some(Change::Probed { instance: *instance, kind: *kind, result })
            }
            Event::FileChanged { process, path } => Some(Change::FileChanged { process: *process, path }),
            Event::StopCommandEnded { .. } => None,
            Event::Childless => self.empty(),
        }
    }

    /// The instance, if the generation is the current one.
    fn current(&mut self, id: InstanceId, generation: Generation) -> Option<&mut Instance> {
        self.instances.get_mut(&id).filter(|instance| instance.generation == generation)
    }

    fn spawned(
        &mut self,
        id: InstanceId,
        generation: Generation,
        pid: Pid,
        now: Instant,
    ) -> Option<Change<'static>> {
        let instance = self.current(id, generation)?;
        let Phase::Starting { .. } = instance.phase else { return None };
        instance.phase = Phase::Running(Life::new(now));
        self.childless = false;
        self.say(Notice::Started { instance: id, pid });
        Some(Change::Started(id))
    }

    /// The end counts at once; it is said when all that the process wrote before has been printed.
    fn exited(&mut self, id: InstanceId, generation: Generation, exit: Exit) -> Option<Change<'static>> {
        let instance = self.current(id, generation)?;
        let life = instance.life_mut().filter(|life| life.exit.is_none())?;
        life.exit = Some(exit);
        let is_drained = life.drained;
        instance.ended = Some(exit);
        if is_drained {
            self.say(Notice::Exited { instance: id, exit });
        }
        Some(Change::Ended(id, exit))
    }

    fn drained(&mut self, id: InstanceId, generation: Generation) -> Option<Change<'static>> {
        let life = self.current(id, generation)?.life_mut().filter(|life| !life.drained)?;
        life.drained = true;
        if let Some(exit) = life.exit {
            self.say(Notice::Exited { instance: id, exit });
        }
        Some(Change::Progress)
    }

    /// Only a failure for good is an end. Of one for now it is said when the next attempt is, for as long as the waits grow.
    fn spawn_failed(
        &mut self,
        id: InstanceId,
        generation: Generation,
        failure: &SpawnFailure,
        now: Instant,
    ) -> Option<Change<'static>> {
        let instance = self.current(id, generation)?;
        let Phase::Starting { waited } = instance.phase else { return None };
        match failure {
            SpawnFailure::Permanent { message, code } => {
                let exit = Exit::NotStarted(*code);
                instance.phase = Phase::Down;
                instance.ended = Some(exit);
                self.say(Notice::SpawnFailed { instance: id, message: message.clone() });
                Some(Change::Ended(id, exit))
            }
            SpawnFailure::Temporary { message } => {
                if let Some(delay) = instance.back_off(waited, now) {
                    self.say(Notice::SpawnDelayed { instance: id, message: message.clone(), delay });
                }
                Some(Change::Progress)
            }
        }
    }

    fn empty(&mut self) -> Option<Change<'static>> {
        let was_childless = std::mem::replace(&mut self.childless, true);
        for life in self.instances.values_mut().filter_map(Instance::life_mut) {
            life.tree_empty |= life.exit.is_some();
        }
        (!was_childless).then_some(Change::Progress)
    }

    pub(crate) fn say(&mut self, notice: Notice) {
        self.actions.push_back(Action::Notify(notice));
    }

    /// Does what the rules want.
    pub(crate) fn apply(&mut self, intents: Vec<Intent>, now: Instant) {
        for intent in intents {
            match intent {
                Intent::Start(id) => self.start(id),
                Intent::Renew(_) | Intent::Condemn(_) => {}
                Intent::Probe { instance, kind } => {
                    let of = self.instances.get(&instance).filter(|each| each.running().is_some());
                    let generation = of.map(|each| each.generation);
                    self.actions.extend(generation.map(|generation| Action::Probe {
                        instance,
                        generation,
                        kind,
                    }));
                }
                Intent::SetReady { instance, is_ready } => {
                    if let Some(life) = self.instances.get_mut(&instance).and_then(Instance::life_mut) {
                        life.is_ready = is_ready;
                    }
                }
                Intent::StopAll { kill_at } => self.stop_all(kill_at, now),
                Intent::Stop { instance, kill_at } => {
                    let step = self.step_to_stop(instance, kill_at, now);
                    self.signal_trees(&[(instance, step)]);
                }
                Intent::Forward(signal) => self.forward(signal),
                Intent::SignalStrays(step) => self.signal_strays(Owners::All, signals(step)),
                Intent::Suspend => self.actions.push_back(Action::Suspend),
                Intent::Say(notice) => self.say(notice),
                Intent::Finish(outcome) => self.actions.push_back(Action::Finish(outcome)),
            }
        }
    }

    fn start(&mut self, id: InstanceId) {
        if let Some(instance) = self.instances.get_mut(&id)
            && instance.start()
        {
            self.actions.push_back(Action::Spawn { instance: id, generation: instance.generation });
        }
    }

    fn stop_all(&mut self, kill_at: Deadline, now: Instant) {
        self.cancel_spawns();
        let all: Vec<InstanceId> = self.ids().collect();
        for id in all {
            let step = self.step_to_stop(id, kill_at, now);
            self.perform(id, step);
        }
    }

    fn step_to_stop(&mut self, id: InstanceId, kill_at: Deadline, now: Instant) -> Step {
        self.instances.get_mut(&id).map_or(Step::Rest, |instance| instance.stop(kill_at, now))
    }

    /// Takes back the spawns that were asked for and not performed yet.
    fn cancel_spawns(&mut self) {
        let instances = &mut self.instances;
        self.actions.retain(|action| {
            let Action::Spawn { instance, .. } = action else { return true };
            if let Some(instance) = instances.get_mut(instance) {
                instance.phase = Phase::Down;
            }
            false
        });
    }

    fn forward(&mut self, signal: Signal) {
        let alive =
            self.instances.iter().filter(|(_, instance)| instance.life().is_some_and(|life| !life.is_dead()));
        self.actions.extend(alive.map(|(id, instance)| Action::Signal {
            instance: *id,
            generation: instance.generation,
            signal,
        }));
    }

    /// Moves every instance on as far as it goes by itself: over when its ends are in, killed when its grace period has passed by `due`.
    pub(crate) fn advance(&mut self, due: Option<Instant>) {
        let steps = self.instances.iter_mut().map(|(id, instance)| (*id, instance.step(due)));
        let steps: Vec<_> = steps.filter(|(_, step)| *step != Step::Rest).collect();
        let killed: Vec<InstanceId> =
            steps.iter().filter(|(_, step)| *step == Step::Kill).map(|(id, _)| *id).collect();
        if !killed.is_empty() {
            self.say(Notice::Killing { instances: killed, grace_over: true });
        }
        self.signal_trees(&steps);
    }

    /// The signals of these steps to the trees: what is outside of the groups first, while it can be seen whose it is.
    fn signal_trees(&mut self, steps: &[(InstanceId, Step)]) {
        for wanted in [Step::Ask, Step::Kill].map(signals) {
            let concerned = steps.iter().filter(|(_, step)| signals(*step) == wanted);
            let owner = |(id, _): &(InstanceId, Step)| Some((*id, self.instances.get(id)?.generation));
            let owners: Vec<_> = concerned.filter_map(owner).collect();
            if !owners.is_empty() {
                self.signal_strays(Owners::Only(owners), wanted);
            }
        }
        for (id, step) in steps {
            self.perform(*id, *step);
        }
    }

    fn signal_strays(&mut self, of: Owners, signals: &'static [Signal]) {
        if !self.childless {
            self.actions.push_back(Action::SignalStrays { of, signals });
        }
    }

    /// What a step asks for: signals to the group of an instance, or another attempt at a spawn.
    fn perform(&mut self, id: InstanceId, step: Step) {
        let Some(generation) = self.instances.get(&id).map(|instance| instance.generation) else { return };
        let signals = match step {
            // Nobody escapes from a group that is sent SIGKILL: the kernel lets no fork be missed.
            Step::KillAgain => &[],
            Step::Rest | Step::Ask | Step::Kill => signals(step),
            Step::Retry => {
                self.actions.push_back(Action::Spawn { instance: id, generation });
                &[]
            }
        };
        self.actions.extend(signals.iter().map(|signal| Action::Signal {
            instance: id,
            generation,
            signal: *signal,
        }));
    }
}

/// The signals of a step. SIGCONT follows the stop signal because a stopped process would not see it (`faults.md` F13).
fn signals(step: Step) -> &'static [Signal] {
    match step {
        Step::Rest | Step::Retry => &[],
        Step::Ask => &[Signal::TERM, Signal::CONT],
        Step::Kill | Step::KillAgain => &[Signal::KILL],
    }
}
