//! The supervisor: events in, actions out. Wiring only; what it does is in the rules, what there is in the fleet.

use super::action::Action;
use super::event::Event;
use super::fleet::{Change, Fleet};
use super::forward;
use super::order::Order;
use super::restart::Restart;
use super::shutdown::Shutdown;
use super::watch::Watch;
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
    watch: Watch,
    order: Order,
}

impl Supervisor {
    /// A supervisor for this plan, before its [`Event::Start`]; what is random about it comes from `seed`.
    #[must_use]
    pub fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            fleet: Fleet::new(plan),
            shutdown: Shutdown::new(plan.exit_on),
            restart: Restart::new(seed),
            watch: Watch::default(),
            order: Order::default(),
        }
    }

    /// Takes up what happened at `now`, and what comes of it.
    pub fn handle(&mut self, event: &Event, now: Instant) {
        if self.shutdown.is_over() {
            return;
        }
        let Some(change) = self.fleet.observe(event, now) else { return };
        self.take_up(change, now);
        // Only a tick lets a deadline pass: on a machine that is late with everything, a report that is already on its way counts first.
        let due = (*event == Event::Tick).then_some(now);
        self.fleet.advance(due);
        self.conclude(due, now);
        while let Some(change) = self.fleet.next_change() {
            self.take_up(change, now);
            self.conclude(None, now);
        }
    }

    /// Asks the rules what is to be done about a change, in the order of their precedence: shutdown, restart, watch, order. Once the run has begun to
    /// stop, only the first is asked.
    fn take_up(&mut self, change: Change<'_>, now: Instant) {
        let change = self.judge(change, now);
        let mut intents = self.shutdown.decide(&self.fleet, change, now);
        intents.extend(forward::decide(change));
        if self.shutdown.is_watching() {
            self.restart.decide(change);
            self.watch.decide(&self.fleet, change, now);
            intents.extend(self.order.decide(&self.fleet, change));
        }
        self.fleet.apply(intents, now);
    }

    /// Says an end, and what comes of it: to the other rules one that is followed by a start is none.
    fn judge<'a>(&mut self, change: Change<'a>, now: Instant) -> Change<'a> {
        let (id, verdict) = match change {
            Change::Ended(id, exit) if self.shutdown.is_watching() => {
                (id, Some(self.restart.judge(&self.fleet, id, exit, now)))
            }
            Change::Ended(id, _) | Change::Restarting(id) => (id, None),
            Change::Begun
            | Change::Started(_)
            | Change::Probed { .. }
            | Change::FileChanged { .. }
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

    /// Asks the rules what follows from where things are by now.
    fn conclude(&mut self, due: Option<Instant>, now: Instant) {
        let intents = if self.shutdown.is_watching() {
            let renewals = self.watch.conclude(&self.fleet, due);
            self.fleet.apply(renewals, now);
            self.order.conclude(&self.fleet)
        } else {
            self.shutdown.conclude(&self.fleet, due, now)
        };
        self.fleet.apply(intents, now);
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
        let quiet = self.watch.next_deadline().filter(|_| self.shutdown.is_watching());
        [self.fleet.next_deadline(), self.shutdown.next_deadline(&self.fleet), quiet]
            .into_iter()
            .flatten()
            .min()
    }
}
