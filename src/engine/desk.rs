//! Answering those who ask from another terminal.

use super::Engine;
use super::clock::Clock;
use super::handle::{Act, Call};
use crate::model::exit::Exit;
use crate::model::happening::Happening;
use crate::model::instance::InstanceId;
use crate::model::request::{Refusal, RefusalKind, Request};
use crate::model::selector;
use crate::model::snapshot::{InstanceStatus, Snapshot, Usage};
use crate::supervisor::{Event, Notice, Status};
use crate::unix::usage;
use std::collections::BTreeMap;

impl Engine {
    /// Answers a question, or makes an event of it. Whoever has asked may have gone: then nobody hears the answer.
    pub(super) fn answer(&mut self, call: Call) {
        match call {
            Call::Look { with_usage, reply } => drop(reply.send(Ok(self.snapshot(with_usage)))),
            Call::Select { names, reply } => drop(reply.send(self.select(&names))),
            Call::Types { reply } => drop(reply.send(Ok(self.types()))),
            Call::Figures { reply } => drop(reply.send(Ok(self.figures()))),
            Call::Act { act, names, reply } => drop(reply.send(self.act(act, &names))),
            Call::Scale { changes, reply } => drop(reply.send(self.scale(&changes))),
            Call::Reload { reply } => drop(reply.send(self.reload())),
            Call::Down { reply } => {
                self.events.push_back(Event::Requested(Request::Down));
                drop(reply.send(Ok(())));
            }
            Call::Terminal(ask) => self.serve(ask),
        }
    }

    /// Refuses what makes no sense any more once the run has begun to stop.
    pub(super) fn refuse_when_stopping(&self) -> Result<(), Refusal> {
        if self.supervisor.is_stopping() {
            return Err(refused(RefusalKind::Conflict, "the run is stopping"));
        }
        Ok(())
    }

    /// Does something to the instances that are named; what they are called.
    fn act(&mut self, act: Act, names: &[String]) -> Result<Vec<String>, Refusal> {
        self.refuse_when_stopping()?;
        if names.is_empty() {
            return Err(refused(RefusalKind::Invalid, "no instance is named; `*` means all"));
        }
        // Who is on its way out because there are to be fewer can be signalled, and no more.
        let is_meant =
            |id: &InstanceId| matches!(act, Act::Signal(_)) || self.plan.instances.contains_key(id);
        let there: Vec<InstanceId> = self.supervisor.instances().filter(is_meant).collect();
        let mut ids = selector::select(names, &there, &self.plan.types)?;
        ids.retain(|id| match act {
            Act::Start => self.supervisor.is_startable(*id),
            Act::Stop => !self.supervisor.is_parked(*id),
            Act::Signal(_) => self.children.leader(*id).is_some(),
            Act::Restart => true,
        });
        let done = ids.iter().map(|id| self.plan.name(*id)).collect();
        self.events.push_back(Event::Requested(match act {
            Act::Start => Request::Start(ids),
            Act::Stop => Request::Stop(ids),
            Act::Restart => Request::Restart(ids),
            Act::Signal(signal) => Request::Signal { instances: ids, signal },
        }));
        Ok(done)
    }

    /// How the run stands.
    pub(super) fn snapshot(&mut self, with_usage: bool) -> Snapshot {
        let usage = if with_usage { self.usage() } else { BTreeMap::new() };
        let ids: Vec<InstanceId> = self.supervisor.instances().collect();
        let status = |id: &InstanceId| Some((*id, self.supervisor.status(*id, &self.plan, self.now)?));
        let instances = ids.iter().filter_map(status);
        let instances =
            instances.map(|(id, status)| self.instance_status(id, status, usage.get(&id).copied())).collect();
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: self.guard_pid,
            root: self.plan.root.display().to_string(),
            is_stopping: self.supervisor.is_stopping(),
            uptime_seconds: self.clock.elapsed().as_secs_f64(),
            instances,
        }
    }

    fn instance_status(&self, id: InstanceId, status: Status, usage: Option<Usage>) -> InstanceStatus {
        let process_type = self.plan.types.get(id.process);
        let leader = self.children.leader(id);
        InstanceStatus {
            name: self.plan.name(id),
            process_type: process_type.map_or_else(String::new, |each| each.name.clone()),
            index: id.number,
            command: process_type.map_or_else(String::new, |each| each.command.text().to_owned()),
            is_task: self.plan.settings(id).is_oneshot,
            phase: status.phase,
            is_healthy: status.is_healthy,
            pid: leader.and_then(|pid| u32::try_from(pid.0).ok()),
            port: self.plan.instances.get(&id).copied().flatten(),
            has_terminal: self.children.has_terminal(id),
            uptime_seconds: status.uptime.map(|uptime| uptime.as_secs_f64()),
            restarts: status.restarts,
            exit_code: status.exit.map(Exit::code),
            has_succeeded: status.has_succeeded,
            is_stopped_on_request: status.is_parked,
            why: status.why,
            usage,
        }
    }

    /// What the processes of each instance use, those included that have left its group.
    fn usage(&mut self) -> BTreeMap<InstanceId, Usage> {
        let mut all: BTreeMap<InstanceId, Usage> = BTreeMap::new();
        let (changes, everybody) = self.children.everybody();
        self.report(changes);
        for (whose, process) in everybody {
            let (Some(id), Some(of_process)) = (whose, usage::of(process.pid)) else { continue };
            let usage = all.entry(id).or_insert(Usage { cpu_seconds: 0.0, memory_bytes: 0, processes: 0 });
            usage.cpu_seconds += of_process.cpu_seconds;
            usage.memory_bytes += of_process.memory_bytes;
            usage.processes += 1;
        }
        all
    }

    /// Tells those who watch what has happened.
    pub(super) fn publish(&mut self, notice: &Notice, text: &str) {
        let process = notice.about().map(|id| self.plan.name(id));
        let event = notice.kind().to_owned();
        self.console.desk.tell(Happening { ts: Clock::stamp(), event, process, text: text.to_owned() });
    }
}

pub(super) fn refused(kind: RefusalKind, message: impl Into<String>) -> Refusal {
    Refusal { kind, message: message.into(), hint: None }
}
