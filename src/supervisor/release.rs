//! The rule of `--release`: the release process runs first, to its end, and the others only after it has succeeded.
//!
//! That its failure ends the run is not said here: it ends, and [`shutdown`](super::shutdown) sees to the rest.

use super::fleet::{Change, Fleet};
use super::intent::Intent;
use super::notice::Notice;
use crate::model::exit::Exit;
use crate::model::instance::InstanceId;
use crate::model::policy::Grace;
use std::time::Instant;

/// What starts when.
#[derive(Debug)]
pub(crate) struct Release {
    gate: Gate,
    grace: Grace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// This instance goes first.
    Closed(InstanceId),
    /// It has succeeded, and something of it may still be there.
    Passed(InstanceId),
    /// There is none, or it is over.
    Open,
}

impl Release {
    pub(crate) fn new(gate: Option<InstanceId>, grace: Grace) -> Self {
        Self { gate: gate.map_or(Gate::Open, Gate::Closed), grace }
    }

    /// Whether this instance is one whose success is no reason to stop.
    pub(crate) fn expects_end_of(&self, id: InstanceId) -> bool {
        matches!(self.gate, Gate::Closed(gate) | Gate::Passed(gate) if gate == id)
    }

    pub(crate) fn decide(&mut self, fleet: &Fleet, change: Change<'_>, now: Instant) -> Vec<Intent> {
        match (self.gate, change) {
            (Gate::Open, Change::Begun) => fleet.ids().map(Intent::Start).collect(),
            (Gate::Closed(gate), Change::Begun) => vec![Intent::Start(gate)],
            (Gate::Closed(gate), Change::Ended(ended, Exit::Code(0))) if ended == gate => {
                self.gate = Gate::Passed(gate);
                self.clear_away(fleet, gate, now)
            }
            (Gate::Closed(_) | Gate::Passed(_) | Gate::Open, _) => Vec::new(),
        }
    }

    /// Stops what the release process has left running, in its group or outside: its end is what the others wait for.
    fn clear_away(&self, fleet: &Fleet, gate: InstanceId, now: Instant) -> Vec<Intent> {
        if !fleet.is_stoppable(gate) {
            return Vec::new();
        }
        let notice = Notice::LeftBehind { instance: gate, grace: self.grace };
        vec![Intent::Say(notice), Intent::Stop { instance: gate, kill_at: self.grace.end(now) }]
    }

    /// Starts the others once the release process is over, tree and output included.
    pub(crate) fn conclude(&mut self, fleet: &Fleet) -> Vec<Intent> {
        let Gate::Passed(gate) = self.gate else { return Vec::new() };
        if !fleet.is_over(gate) {
            return Vec::new();
        }
        self.gate = Gate::Open;
        let others = fleet.ids().filter(|id| *id != gate).map(Intent::Start);
        std::iter::once(Intent::Say(Notice::Released)).chain(others).collect()
    }
}
