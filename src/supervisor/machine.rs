//! The supervisor: events in, actions out. Wiring only; what it does is in the rules, what there is in the fleet.

use super::action::Action;
use super::event::Event;
use super::fleet::{Change, Fleet};
use super::forward;
use super::health::Health;
use super::intent::Intent;
use super::order::Order;
use super::request;
use super::restart::Restart;
use super::shutdown::Shutdown;
use super::status::{self, Status};
use super::watch::Watch;
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use std::time::Instant;

/// The brain of a run: it decides everything and does nothing.
///
/// Perform the actions in order before the next event is handed in; what one of them reports itself (a spawn does) is handed in before the
/// next, which it may take back. `handle` never fails and never blocks, and an event that tells nothing new changes nothing.
#[derive(Debug)]
pub struct Supervisor {
    fleet: Fleet,
    shutdown: Shutdown,
    restart: Restart,
    health: Health,
    watch: Watch,
    order: Order,
}

/// A rule of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Why it stops, in which order, how hard, and what comes out of it.
    Shutdown,
    /// Which signals are handed on.
    Forward,
    /// What somebody asks for.
    Request,
    /// Who may start.
    Order,
    /// What the probes say.
    Health,
    /// Whose files have changed.
    Watch,
    /// What follows an end.
    Restart,
}

/// The rules in the order of their precedence: of two that want something else of an instance the earlier has its way. Those after the
/// second are not asked any more once the run has begun to stop.
const PRECEDENCE: [Rule; 7] =
    [Rule::Shutdown, Rule::Forward, Rule::Request, Rule::Order, Rule::Health, Rule::Watch, Rule::Restart];

impl Supervisor {
    /// A supervisor for this plan, before its [`Event::Start`]; what is random about it comes from `seed`.
    #[must_use]
    pub fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            fleet: Fleet::new(plan),
            shutdown: Shutdown::new(plan.exit_on),
            restart: Restart::new(seed),
            health: Health::default(),
            watch: Watch::default(),
            order: Order::default(),
        }
    }

    /// Takes up what happened at `now`, and what comes of it.
    pub fn handle(&mut self, event: &Event, now: Instant) {
        if self.shutdown.is_over() {
            return;
        }
        if let Some(change) = self.fleet.observe(event, now) {
            self.carry_out(event, change, now);
        }
        self.fleet.settle();
    }

    fn carry_out(&mut self, event: &Event, change: Change<'_>, now: Instant) {
        self.take_up(change, now);
        // Only a tick lets a deadline pass: on a machine that is late with everything, a report that is already on its way counts first.
        let due = (*event == Event::Tick).then_some(now);
        self.fleet.advance(due, now);
        self.conclude(due, now);
        while let Some(change) = self.fleet.next_change() {
            self.take_up(change, now);
            self.conclude(None, now);
        }
    }

    /// Asks the rules what is to be done about a change, in the order of their precedence.
    fn take_up(&mut self, change: Change<'_>, now: Instant) {
        let change = self.judge(change, now);
        let mut intents = Vec::new();
        for rule in PRECEDENCE {
            intents.extend(self.ask(rule, change, now));
        }
        self.fleet.apply(intents, now);
    }

    fn ask(&mut self, rule: Rule, change: Change<'_>, now: Instant) -> Vec<Intent> {
        match rule {
            Rule::Shutdown => self.shutdown.decide(&self.fleet, change, now),
            Rule::Forward => forward::decide(change),
            // A run that has begun to stop is no longer theirs.
            Rule::Request | Rule::Restart | Rule::Health | Rule::Watch | Rule::Order
                if !self.shutdown.is_watching() =>
            {
                Vec::new()
            }
            Rule::Request => request::decide(&self.fleet, change),
            Rule::Restart => self.restart.decide(change),
            Rule::Health => self.health.decide(&self.fleet, change, now),
            Rule::Watch => self.watch.decide(&self.fleet, change, now),
            Rule::Order => self.order.decide(&self.fleet, change),
        }
    }

    /// Says an end, and what comes of it: to the other rules one that is followed by a start is none.
    fn judge<'a>(&mut self, change: Change<'a>, now: Instant) -> Change<'a> {
        let (id, verdict) = match change {
            Change::Ended(id, exit) if self.shutdown.is_watching() => {
                (id, Some(self.restart.judge(&self.fleet, id, exit, now)))
            }
            Change::Ended(id, _) | Change::Restarting(id) | Change::Parked(id) => (id, None),
            Change::Begun
            | Change::Started(_)
            | Change::Probed { .. }
            | Change::FileChanged { .. }
            | Change::Requested(_)
            | Change::Replanned(_)
            | Change::Signal(_)
            | Change::Resumed
            | Change::OutputClosed
            | Change::Progress => return change,
        };
        self.fleet.announce(id, verdict.as_ref().and_then(|verdict| verdict.sequel));
        let Some(verdict) = verdict else { return change };
        self.fleet.apply(verdict.intent.into_iter().collect(), now);
        if verdict.is_final { change } else { Change::Restarting(id) }
    }

    /// Asks the rules what follows from where things are by now; who may start is asked last, of all that the others want.
    fn conclude(&mut self, due: Option<Instant>, now: Instant) {
        let intents = if self.shutdown.is_watching() {
            let mut intents = self.health.conclude(&self.fleet, due);
            intents.extend(self.watch.conclude(&self.fleet, due));
            self.fleet.apply(intents, now);
            self.order.conclude(&self.fleet)
        } else {
            self.shutdown.conclude(&self.fleet, due, now)
        };
        self.fleet.apply(intents, now);
    }

    /// How an instance stands at `now`, in the words of this plan; none if there is no such instance.
    #[must_use]
    pub fn status(&self, id: InstanceId, plan: &Plan, now: Instant) -> Option<Status> {
        let complaint = self.health.complaint(&self.fleet, id);
        status::of(&self.fleet, id, complaint, plan, now)
    }

    /// The instances that there are, those included that are on their way out.
    pub fn instances(&self) -> impl Iterator<Item = InstanceId> {
        self.fleet.ids()
    }

    /// Whether an instance neither runs nor is about to, and can be started.
    #[must_use]
    pub fn is_startable(&self, id: InstanceId) -> bool {
        self.fleet.is_wanted(id) && self.fleet.is_startable(id)
    }

    /// Whether an instance stays down because somebody has asked for that.
    #[must_use]
    pub fn is_parked(&self, id: InstanceId) -> bool {
        self.fleet.is_parked(id)
    }

    /// Whether the run has begun to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        !self.shutdown.is_watching()
    }

    /// The next thing to do, until there is none.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.fleet.next_action()
    }

    /// When to hand in an [`Event::Tick`] at the latest; none: no time matters.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.shutdown.is_over() {
            return None;
        }
        let rules = [self.health.next_deadline(&self.fleet), self.watch.next_deadline()];
        let rules = rules.into_iter().flatten().min().filter(|_| self.shutdown.is_watching());
        [self.fleet.next_deadline(), self.shutdown.next_deadline(&self.fleet), rules]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transcripts themselves are compared with all others, in `sim`.
    #[test]
    fn of_any_two_rules_a_scenario_shows_which_has_its_way() {
        let rules: Vec<Rule> = PRECEDENCE.into_iter().filter(|rule| *rule != Rule::Forward).collect();
        for (index, earlier) in rules.iter().enumerate() {
            for later in &rules[index + 1..] {
                let name = format!("precedence-{earlier:?}-over-{later:?}.toml").to_lowercase();
                let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"));
                assert!(folder.join(&name).is_file(), "{name} is missing");
            }
        }
    }
}
