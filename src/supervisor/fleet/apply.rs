//! What rules want, done: instances move on, and actions come of it.

use super::{Change, Fleet};
use crate::model::exit::Exit;
use crate::model::instance::InstanceId;
use crate::model::signal::Signal;
use crate::supervisor::action::{Action, Owners};
use crate::supervisor::event::ProbeKind;
use crate::supervisor::instance::{Deadline, Instance, Phase, Step};
use crate::supervisor::intent::Intent;
use crate::supervisor::notice::Notice;
use std::time::Instant;

/// The code of an instance that will never start because of another one.
const NEVER_STARTED: u8 = 1;

impl Fleet {
    /// Does what the rules want.
    pub(crate) fn apply(&mut self, intents: Vec<Intent>, now: Instant) {
        for intent in intents {
            match intent {
                Intent::Want(id) => self.change(id, |instance| instance.start_again(None, now)),
                Intent::Start(id) => self.start(id),
                Intent::Again { instance, at } => self.again(instance, Some(at), now),
                Intent::Fail(id) => {
                    self.change(id, |instance| instance.fail(now));
                    self.clear_away(id, now);
                }
                Intent::ClearAway(id) => self.clear_away(id, now),
                Intent::GiveUp(id) => self.give_up(id),
                Intent::Renew(id) => self.renew(id, now),
                Intent::Restart(id) => self.restart(id, now),
                Intent::Park(id) => self.park(id, now),
                Intent::Retire(id) => {
                    self.park(id, now);
                    self.change(id, |instance| instance.is_retired = true);
                }
                Intent::Keep(id) => self.change(id, |instance| {
                    instance.is_retired = false;
                    instance.start_again(None, now);
                }),
                Intent::Signal { instance, signal } => self.signal_group(instance, vec![signal]),
                Intent::Condemn(id) => self.condemn(id, now),
                Intent::Probe { instance, kind } => self.probe(instance, kind),
                Intent::SetReady { instance, is_ready } => {
                    if let Some(life) = self.touch(instance).and_then(Instance::life_mut) {
                        life.is_ready = is_ready;
                    }
                }
                Intent::Halt => self.halt(),
                Intent::StopAll => self.stop_all(now),
                Intent::Stop(ids) => self.stop(&ids, now),
                Intent::KillAll => self.kill_all(now),
                Intent::Forward(signal) => self.forward(signal),
                Intent::SignalStrays(step) => self.signal_strays(Owners::All, signals(step, Signal::TERM)),
                Intent::Suspend => self.actions.push_back(Action::Suspend),
                Intent::Say(notice) => self.say(notice),
                Intent::Finish(outcome) => self.actions.push_back(Action::Finish(outcome)),
            }
        }
    }

    fn change(&mut self, id: InstanceId, what: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self.touch(id) {
            what(instance);
        }
    }

    fn start(&mut self, id: InstanceId) {
        let Some(instance) = self.touch(id) else { return };
        if instance.start() {
            let generation = instance.generation;
            self.actions.push_back(Action::Spawn { instance: id, generation });
        }
    }

    /// Starts an instance that has ended again, after what is left of it was stopped.
    fn again(&mut self, id: InstanceId, at: Deadline, now: Instant) {
        self.change(id, |instance| instance.start_again(at, now));
        self.clear_away(id, now);
    }

    /// Stops what is left of an instance whose leader has ended. That there is something is said once it is known (`Event::Remains`).
    fn clear_away(&mut self, id: InstanceId, now: Instant) {
        let Some(life) = self.touch(id).and_then(Instance::life_mut).filter(|life| !life.is_dead()) else {
            return;
        };
        life.is_cleared = true;
        self.stop(&[id], now);
    }

    /// Says that an instance which was to start again cannot be got rid of.
    fn lose(&mut self, id: InstanceId) {
        self.say(Notice::Survivors(vec![id]));
        let exit = Exit::NotStarted(NEVER_STARTED);
        let exit = *self.touch(id).map_or(&mut None, |instance| &mut instance.ended).get_or_insert(exit);
        self.changes.push_back(Change::Ended(id, exit));
    }

    fn renew(&mut self, id: InstanceId, now: Instant) {
        let Some(instance) = self.touch(id).filter(|instance| !instance.survived && !instance.is_parked)
        else {
            return;
        };
        let is_over = instance.ended.is_some() && matches!(instance.phase, Phase::Down | Phase::Failed);
        if instance.phase == Phase::Down && !is_over {
            return;
        }
        instance.start_again(None, now);
        if is_over {
            // There is no end to come that would tell.
            self.changes.push_back(Change::Restarting(id));
        }
        self.stop(&[id], now);
    }

    fn restart(&mut self, id: InstanceId, now: Instant) {
        let Some(instance) = self.touch(id) else { return };
        let was_parked = std::mem::take(&mut instance.is_parked);
        if !was_parked && (instance.phase != Phase::Down || instance.ended.is_some()) {
            return self.renew(id, now);
        }
        instance.start_again(None, now);
        if instance.last_end.is_some() && instance.life().is_none() {
            // There is no end to come that would tell.
            self.changes.push_back(Change::Restarting(id));
        }
    }

    /// Stops an instance for as long as nobody asks for it; a spawn that was asked for and not performed yet is taken back.
    fn park(&mut self, id: InstanceId, now: Instant) {
        self.take_back(id);
        let Some(instance) = self.touch(id) else { return };
        if !instance.park() {
            self.changes.push_back(Change::Parked(id));
        }
        self.stop(&[id], now);
    }

    fn take_back(&mut self, id: InstanceId) {
        let count = self.actions.len();
        self.actions.retain(|action| !matches!(action, Action::Spawn { instance, .. } if *instance == id));
        if self.actions.len() < count {
            self.change(id, |instance| instance.phase = Phase::Down);
        }
    }

    fn condemn(&mut self, id: InstanceId, now: Instant) {
        if self.running(id).is_none() {
            return;
        }
        if let Some(life) = self.touch(id).and_then(Instance::life_mut) {
            life.is_condemned = true;
        }
        self.stop(&[id], now);
    }

    fn give_up(&mut self, id: InstanceId) {
        let Some(instance) = self.touch(id).filter(|each| matches!(each.phase, Phase::Waiting { .. })) else {
            return;
        };
        let exit = Exit::NotStarted(NEVER_STARTED);
        instance.phase = Phase::Failed;
        instance.ended = Some(exit);
        instance.is_hopeless = true;
        self.changes.push_back(Change::Ended(id, exit));
    }

    fn probe(&mut self, id: InstanceId, kind: ProbeKind) {
        let of = self.instances.get(&id).filter(|instance| instance.running().is_some());
        let generation = of.map(|instance| instance.generation);
        self.actions.extend(generation.map(|generation| Action::Probe { instance: id, generation, kind }));
    }

    /// Takes back what was to be started, the spawns included that were asked for and not performed yet.
    fn halt(&mut self) {
        let instances = &mut self.instances;
        self.actions.retain(|action| {
            let Action::Spawn { instance, .. } = action else { return true };
            if let Some(instance) = instances.get_mut(instance) {
                instance.phase = Phase::Down;
            }
            false
        });
        self.instances.values_mut().for_each(Instance::halt);
    }

    fn stop_all(&mut self, now: Instant) {
        let all: Vec<InstanceId> = self.ids().collect();
        for id in all {
            let kill_at = self.settings(id).stop.grace.end(now);
            let step = self.step_to_stop(id, kill_at, now);
            self.perform(id, step);
        }
    }

    fn kill_all(&mut self, now: Instant) {
        let all: Vec<InstanceId> = self.ids().collect();
        for id in all {
            let step = self.step_to_stop(id, Some(now), now);
            self.perform(id, step);
        }
    }

    fn stop(&mut self, ids: &[InstanceId], now: Instant) {
        let mut steps = Vec::new();
        for id in ids {
            let kill_at = self.settings(*id).stop.grace.end(now);
            steps.push((*id, self.step_to_stop(*id, kill_at, now)));
        }
        self.signal_trees(&steps);
    }

    fn step_to_stop(&mut self, id: InstanceId, kill_at: Deadline, now: Instant) -> Step {
        self.touch(id).map_or(Step::Rest, |instance| instance.stop(kill_at, now))
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
    pub(crate) fn advance(&mut self, due: Option<Instant>, now: Instant) {
        // Nobody else has changed.
        let ids: Vec<InstanceId> =
            if due.is_some() { self.ids().collect() } else { self.touched.iter().copied().collect() };
        let mut steps = Vec::new();
        for id in ids {
            let Some(instance) = self.instances.get_mut(&id) else { continue };
            let was_there = instance.life().is_some() || matches!(instance.phase, Phase::Backoff { .. });
            let step = instance.step(due, now);
            if was_there {
                self.touched.insert(id);
            }
            if step != Step::Rest {
                steps.push((id, step));
            }
        }
        let killed: Vec<InstanceId> =
            steps.iter().filter(|(_, step)| *step == Step::Kill).map(|(id, _)| *id).collect();
        if !killed.is_empty() {
            self.say(Notice::Killing { instances: killed, grace_over: true });
        }
        self.signal_trees(&steps);
        self.forget();
    }

    /// The signals of these steps to the trees: what is outside of the groups first, while it can be seen whose it is.
    fn signal_trees(&mut self, steps: &[(InstanceId, Step)]) {
        let mut owners: Vec<(Vec<Signal>, Vec<_>)> = Vec::new();
        for (id, step) in steps {
            let wanted = self.signals(*id, *step);
            let Some(generation) = self.generation(*id).filter(|_| !wanted.is_empty()) else { continue };
            match owners.iter_mut().find(|(signals, _)| *signals == wanted) {
                Some((_, owners)) => owners.push((*id, generation)),
                None => owners.push((wanted, vec![(*id, generation)])),
            }
        }
        for (signals, owners) in owners {
            self.signal_strays(Owners::Only(owners), signals);
        }
        for (id, step) in steps {
            self.perform(*id, *step);
        }
    }

    fn signal_strays(&mut self, of: Owners, signals: Vec<Signal>) {
        if !self.childless {
            self.actions.push_back(Action::SignalStrays { of, signals });
        }
    }

    /// What a step asks for: signals to the group of an instance, its stop command, or another attempt at a spawn.
    fn perform(&mut self, id: InstanceId, step: Step) {
        let Some(generation) = self.generation(id) else { return };
        match step {
            // Nobody escapes from a group that is sent SIGKILL: the kernel lets no fork be missed.
            Step::Rest | Step::KillAgain => {}
            Step::GiveUp => self.lose(id),
            Step::Ask if self.has_stop_command(id) => {
                self.actions.push_back(Action::RunStopCommand { instance: id, generation });
            }
            Step::Ask | Step::Kill => self.signal_group(id, self.signals(id, step)),
        }
    }

    /// Sends the stop signal where the stop command came to nothing.
    pub(super) fn ask_by_signal(&mut self, id: InstanceId) {
        let signals = signals(Step::Ask, self.settings(id).stop.signal);
        if let Some(generation) = self.generation(id) {
            self.signal_strays(Owners::Only(vec![(id, generation)]), signals.clone());
        }
        self.signal_group(id, signals);
    }

    fn signal_group(&mut self, id: InstanceId, signals: Vec<Signal>) {
        let Some(generation) = self.generation(id) else { return };
        let to_group = |signal| Action::Signal { instance: id, generation, signal };
        self.actions.extend(signals.into_iter().map(to_group));
    }

    /// Only a leader that lives can be stopped by a command; what it has left is not what that was written for.
    fn has_stop_command(&self, id: InstanceId) -> bool {
        let is_led = self.life(id).is_some_and(|life| life.exit.is_none());
        is_led && self.settings(id).stop.command.is_some()
    }

    /// The signals of a step of an instance.
    fn signals(&self, id: InstanceId, step: Step) -> Vec<Signal> {
        match step {
            Step::Ask if self.has_stop_command(id) => Vec::new(),
            Step::Rest | Step::Ask | Step::Kill | Step::KillAgain | Step::GiveUp => {
                signals(step, self.settings(id).stop.signal)
            }
        }
    }
}

/// The signals of a step that asks with `first`. SIGCONT follows it because a stopped process would not see it (`faults.md` F13).
fn signals(step: Step, first: Signal) -> Vec<Signal> {
    match step {
        Step::Rest | Step::GiveUp => Vec::new(),
        Step::Ask => vec![first, Signal::CONT],
        Step::Kill | Step::KillAgain => vec![Signal::KILL],
    }
}
