//! What events change.

use super::{Change, Fleet};
use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::supervisor::event::{Event, SpawnFailure};
use crate::supervisor::instance::{Instance, Life, Next, Phase};
use crate::supervisor::notice::{Notice, Sequel};
use std::time::Instant;

impl Fleet {
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
            Event::Exited { instance, generation, exit } => self.exited(*instance, *generation, *exit, now),
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
                Some(Change::Probed { instance: *instance, kind: *kind, result: result.as_ref().copied() })
            }
            Event::Remains { instance, generation } => {
                let life = self.current(*instance, *generation)?.life_mut()?;
                let is_news = life.exit.is_some() && !life.tree_empty && std::mem::take(&mut life.is_cleared);
                if is_news {
                    let grace = self.settings(*instance).stop.grace;
                    self.say(Notice::LeftBehind { instance: *instance, grace });
                }
                None
            }
            Event::FileChanged { process, path } => Some(Change::FileChanged { process: *process, path }),
            Event::Replanned(replan) => {
                self.replan(replan);
                Some(Change::Replanned(replan))
            }
            Event::Requested(request) => Some(Change::Requested(request)),
            Event::StopCommandEnded { instance, generation, result } => {
                self.stop_command_ended(*instance, *generation, result)
            }
            Event::Childless => self.empty(),
        }
    }

    /// The instance, if the generation is the current one.
    fn current(&mut self, id: InstanceId, generation: Generation) -> Option<&mut Instance> {
        self.touch(id).filter(|instance| instance.generation == generation)
    }

    fn spawned(
        &mut self,
        id: InstanceId,
        generation: Generation,
        pid: Pid,
        now: Instant,
    ) -> Option<Change<'static>> {
        let is_ready = self.settings(id).readiness.is_none();
        let instance = self.current(id, generation)?;
        let Phase::Starting { .. } = instance.phase else { return None };
        instance.phase = Phase::Running(Life::new(now, is_ready));
        instance.spawns += 1;
        instance.failure = None;
        self.childless = false;
        self.say(Notice::Started { instance: id, pid });
        Some(Change::Started(id))
    }

    /// The end counts at once; it is said when all that the process wrote before has been printed, by [`Fleet::announce`] or later.
    fn exited(
        &mut self,
        id: InstanceId,
        generation: Generation,
        exit: Exit,
        now: Instant,
    ) -> Option<Change<'static>> {
        let instance = self.current(id, generation)?;
        let was_asked = instance.is_asked_to_stop();
        let life = instance.life_mut().filter(|life| life.exit.is_none())?;
        life.exit = Some(exit);
        let is_bare = !life.tree_empty;
        instance.last_end = Some((exit, now));
        let instance = &mut *instance;
        let (is_replaced, is_parked) = (matches!(instance.next, Next::Start(_)), instance.is_parked);
        if !is_replaced && !is_parked {
            instance.ended = Some(exit);
        }
        if was_asked && is_bare && self.settings(id).stop.command.is_some() {
            // What its leader has left was not asked yet: a stop command knows the leader only.
            self.ask_by_signal(id);
        }
        Some(match (is_replaced, is_parked) {
            (true, _) => Change::Restarting(id),
            (false, true) => Change::Parked(id),
            (false, false) => Change::Ended(id, exit),
        })
    }

    /// Says the end of an instance as soon as all that it wrote has been printed, and what comes of it.
    pub(crate) fn announce(&mut self, id: InstanceId, sequel: Option<Sequel>) {
        let Some(life) = self.touch(id).and_then(Instance::life_mut) else { return };
        life.sequel = sequel;
        if let Some(exit) = life.exit.filter(|_| life.drained) {
            self.say(Notice::Exited { instance: id, exit, sequel });
        }
    }

    fn drained(&mut self, id: InstanceId, generation: Generation) -> Option<Change<'static>> {
        let life = self.current(id, generation)?.life_mut().filter(|life| !life.drained)?;
        life.drained = true;
        let sequel = life.sequel;
        if let Some(exit) = life.exit {
            self.say(Notice::Exited { instance: id, exit, sequel });
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
        let (SpawnFailure::Permanent { message, .. } | SpawnFailure::Temporary { message }) = failure;
        instance.failure = Some(message.clone());
        match failure {
            SpawnFailure::Permanent { message, code } => {
                let exit = Exit::NotStarted(*code);
                instance.phase = Phase::Down;
                instance.ended = Some(exit);
                instance.last_end = Some((exit, now));
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

    /// Has the stop signal do what the stop command could not.
    fn stop_command_ended(
        &mut self,
        id: InstanceId,
        generation: Generation,
        result: &Result<(), String>,
    ) -> Option<Change<'static>> {
        let is_asked = self.current(id, generation)?.is_asked_to_stop();
        if let Err(message) = result
            && is_asked
        {
            self.say(Notice::StopCommandFailed {
                instance: id,
                message: message.clone(),
                signal: self.settings(id).stop.signal,
            });
            self.ask_by_signal(id);
        }
        None
    }

    fn empty(&mut self) -> Option<Change<'static>> {
        let was_childless = std::mem::replace(&mut self.childless, true);
        for (id, instance) in &mut self.instances {
            if let Some(life) = instance.life_mut().filter(|life| life.exit.is_some()) {
                life.tree_empty = true;
                self.touched.insert(*id);
            }
        }
        (!was_childless).then_some(Change::Progress)
    }
}
