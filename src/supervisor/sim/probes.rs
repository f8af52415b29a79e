//! What the probes of a scripted process are answered.

use super::{Happening, Sim};
use crate::model::instance::{Generation, InstanceId};
use crate::model::settings::Check;
use crate::supervisor::{Event, ProbeKind};
use serde::Deserialize;

/// How the answers of a probe are from a time on; before the first they are that nobody listens, and with none at all success.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    /// Seconds after the start of the process.
    after: f64,
    /// Why it fails; nothing said: it succeeds.
    fails: Option<String>,
    /// From this generation on.
    #[serde(default)]
    generation: u32,
}

impl Sim {
    /// Answers the question of a probe, a millisecond later.
    pub(super) fn probe(&mut self, instance: InstanceId, generation: Generation, kind: ProbeKind) {
        let Some(process) = self.processes.get(&instance) else { return };
        let turns = turns(&process.script, kind, generation);
        let age = self.now.duration_since(process.since).as_secs_f64();
        let result = match turns.iter().rfind(|turn| turn.after <= age) {
            Some(Turn { fails: Some(why), .. }) => Err(why.clone().into()),
            None if !turns.is_empty() => Err("connection refused".to_owned().into()),
            Some(_) | None => Ok(()),
        };
        self.later(0.001, Happening::Event(Event::Probed { instance, generation, kind, result }));
    }

    /// Has a process whose readiness is a line write that when its time comes.
    pub(super) fn write_line(&mut self, instance: InstanceId, generation: Generation) {
        let Some(process) = self.processes.get(&instance) else { return };
        let readiness = self.plan.settings(instance).readiness.as_ref();
        if readiness.is_none_or(|probe| !matches!(probe.check, Check::Log(_))) {
            return;
        }
        let kind = ProbeKind::Readiness;
        let turns = turns(&process.script, kind, generation);
        if let Some(turn) = turns.iter().find(|turn| turn.fails.is_none()) {
            let event = Event::Probed { instance, generation, kind, result: Ok(()) };
            self.later(turn.after, Happening::Event(event));
        }
    }
}

fn turns(script: &super::Script, kind: ProbeKind, generation: Generation) -> Vec<Turn> {
    let all = match kind {
        ProbeKind::Readiness => &script.readiness,
        ProbeKind::Liveness => &script.liveness,
    };
    all.iter().filter(|turn| turn.generation <= generation.0).cloned().collect()
}
