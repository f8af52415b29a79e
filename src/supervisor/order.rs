//! The rule of the order: who starts when. What an instance depends on must be so before it starts, at first and again after every end.
//!
//! In which order the run stops is [`shutdown`](super::shutdown)'s.

use super::fleet::{Change, Fleet, Prospect};
use super::intent::Intent;
use super::notice::{Need, Notice};
use crate::model::exit::Exit;
use crate::model::instance::InstanceId;
use crate::model::settings::{Condition, Dependency};
use std::collections::BTreeMap;

/// Who waits for what.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// What was said of those who wait: for which process type, and what of it.
    said: BTreeMap<InstanceId, (usize, Condition)>,
}

/// What keeps an instance from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// This is not so yet.
    Wait(Need),
    /// This will never be so.
    Never(Need),
}

impl Order {
    pub(crate) fn decide(&mut self, fleet: &Fleet, change: Change<'_>) -> Vec<Intent> {
        match change {
            Change::Begun => fleet.ids().map(Intent::Want).collect(),
            Change::Started(id) | Change::Parked(id) => {
                self.said.remove(&id);
                Vec::new()
            }
            Change::Ended(id, exit) => clear_away(fleet, id, exit),
            Change::Restarting(id) => follow(fleet, id),
            Change::Probed { .. }
            | Change::FileChanged { .. }
            | Change::Requested(_)
            | Change::Replanned(_)
            | Change::Signal(_)
            | Change::Resumed
            | Change::OutputClosed
            | Change::Progress => Vec::new(),
        }
    }

    /// Starts who may start, and says of the others what they wait for.
    pub(crate) fn conclude(&mut self, fleet: &Fleet) -> Vec<Intent> {
        let mut obstacles = BTreeMap::new();
        let (mut starts, mut others) = (Vec::new(), Vec::new());
        let hopeless = fleet.hopeless();
        for id in fleet.waiting().into_iter().chain(hopeless.iter().copied()) {
            let obstacle = *obstacles.entry(id.process).or_insert_with(|| obstacle(fleet, id));
            let is_hopeless = hopeless.contains(&id);
            if is_hopeless && !matches!(obstacle, Some(Obstacle::Never(_))) {
                starts.push(Intent::Want(id));
            }
            match obstacle {
                None => starts.push(Intent::Start(id)),
                Some(Obstacle::Never(_)) if is_hopeless => {}
                Some(Obstacle::Never(need)) => {
                    let (chain, exit) = chain(fleet, need);
                    others.push(Intent::Say(Notice::Hopeless { instance: id, chain, exit }));
                    others.push(Intent::GiveUp(id));
                    self.said.remove(&id);
                }
                Some(Obstacle::Wait(need)) => {
                    let what = (need.of.process, need.condition);
                    if self.said.insert(id, what) != Some(what) {
                        others.push(Intent::Say(Notice::Waiting { instance: id, need }));
                    }
                }
            }
        }
        starts.append(&mut others);
        starts
    }
}

/// What keeps an instance of this type from starting, if something does: what can never be so before what is not so yet.
pub(super) fn obstacle(fleet: &Fleet, id: InstanceId) -> Option<Obstacle> {
    let mut first = None;
    for Dependency { process, condition, .. } in fleet.settings(id).depends_on.iter().copied() {
        for of in fleet.of_type(process) {
            let need = Need { of, condition };
            match fleet.prospect(of, condition) {
                Prospect::Met => {}
                Prospect::Open => first = first.or(Some(Obstacle::Wait(need))),
                Prospect::Never => return Some(Obstacle::Never(need)),
            }
        }
    }
    first
}

/// What can never be so, because of what, and so on; and how the last of them ended.
pub(super) fn chain(fleet: &Fleet, first: Need) -> (Vec<Need>, Option<Exit>) {
    let mut chain = vec![first];
    let mut last = first;
    // No longer than there are process types: what depends on itself is refused before a run begins.
    while let Some(Obstacle::Never(next)) = obstacle(fleet, last.of) {
        let was_started = fleet.generation(last.of).is_some_and(|generation| generation.0 > 0);
        if was_started || chain.contains(&next) {
            break;
        }
        chain.push(next);
        last = next;
    }
    (chain, fleet.ended(last.of))
}

/// Stops what a task that is through has left running, in its group or outside: its end is what others may wait for.
fn clear_away(fleet: &Fleet, id: InstanceId, exit: Exit) -> Vec<Intent> {
    let settings = fleet.settings(id);
    if !settings.is_oneshot || !settings.is_success(exit) || !fleet.is_stoppable(id) {
        return Vec::new();
    }
    vec![Intent::ClearAway(id)]
}

/// Restarts whoever wants to be restarted with this instance.
fn follow(fleet: &Fleet, leader: InstanceId) -> Vec<Intent> {
    let follows = |process: &usize| {
        let settings = fleet.settings(InstanceId { process: *process, number: 1 });
        settings.depends_on.iter().any(|each: &Dependency| each.process == leader.process && each.restart)
    };
    let followers =
        fleet.dependants(leader.process).filter(follows).flat_map(|process| fleet.of_type(process));
    // A task that is through is done again: what it did to the other has gone with that.
    let is_through =
        |id| fleet.settings(id).is_oneshot && fleet.ended(id).is_some_and(|exit| fleet.is_success(id, exit));
    let concerned = followers.filter(|id| fleet.running(*id).is_some() || is_through(*id));
    let restart = |instance| [Intent::Say(Notice::Following { instance, leader }), Intent::Renew(instance)];
    concerned.flat_map(restart).collect()
}
