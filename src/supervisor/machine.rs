//! The supervisor: events in, actions out. Wiring only; what it does is in the rules, what there is in the fleet.

use super::action::Action;
use super::event::Event;
use super::fleet::{Change, Fleet};
use super::forward;
use super::health::Health;
use super::release::Release;
use super::shutdown::Shutdown;
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
    health: Health,
    release: Release,
}

impl Supervisor {
    /// A supervisor for this plan, before its [`Event::Start`].
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let grace = plan.settings.first().map_or_else(Default::default, |each| each.stop.grace);
        Self {
            fleet: Fleet::new(plan),
            shutdown: Shutdown::new(plan.exit_on, grace),
            health: Health::new(),
            release: Release::new(None, grace),
        }
    }

    /// Takes up what happened at `now`.
    ///
    /// The rules are asked in the order of their precedence: shutdown, then what comes after it; none starts anything once the run
    /// has begun to stop.
    pub fn handle(&mut self, event: &Event, now: Instant) {
        if self.shutdown.is_over() {
            return;
        }
        let Some(change) = self.fleet.observe(event, now) else { return };
        let is_gate = matches!(change, Change::Ended(ended, _) if self.release.expects_end_of(ended));
        let mut intents = self.shutdown.decide(&self.fleet, change, is_gate, now);
        intents.extend(forward::decide(change));
        if self.shutdown.is_watching() {
            intents.extend(self.health.decide(&self.fleet, change, now));
            intents.extend(self.release.decide(&self.fleet, change, now));
        }
        self.fleet.apply(intents, now);
        // Only a tick lets a deadline pass: on a machine that is late with everything, a report that is already on its way counts first.
        let due = (*event == Event::Tick).then_some(now);
        self.fleet.advance(due);
        let mut intents = self.shutdown.conclude(&self.fleet, due);
        if self.shutdown.is_watching() {
            intents.extend(self.health.conclude(&self.fleet, due));
            intents.extend(self.release.conclude(&self.fleet));
        }
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
        let health = self.health.next_deadline(&self.fleet).filter(|_| self.shutdown.is_watching());
        [self.fleet.next_deadline(), self.shutdown.next_deadline(&self.fleet), health]
            .into_iter()
            .flatten()
            .min()
    }
}
