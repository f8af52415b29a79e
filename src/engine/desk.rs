//! Answering those who ask from another terminal.

use super::Engine;
use super::handle::Call;
use crate::model::request::{Refusal, RefusalKind};
use crate::model::snapshot::Snapshot;

impl Engine {
    /// Answers a question, or makes an event of it. Whoever has asked may have gone: then nobody hears the answer.
    pub(super) fn answer(&mut self, call: Call) {
        match call {
            Call::Look { reply, .. } => drop(reply.send(Ok(self.snapshot()))),
            Call::Act { reply, .. } => drop(reply.send(Err(not_yet()))),
            Call::Scale { reply, .. } => drop(reply.send(Err(not_yet()))),
            Call::Reload { reply } => drop(reply.send(Err(not_yet()))),
            Call::Down { reply } => drop(reply.send(Err(not_yet()))),
            Call::Terminal(ask) => self.serve(ask),
        }
    }

    /// How the run stands.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            root: self.plan.root.display().to_string(),
            is_stopping: false,
            uptime_seconds: self.clock.elapsed().as_secs_f64(),
            instances: Vec::new(),
        }
    }
}

fn not_yet() -> Refusal {
    Refusal { kind: RefusalKind::Conflict, message: "not yet".into(), hint: None }
}
