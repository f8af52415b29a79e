//! The descendants outside of the groups of our instances: whose each is, who of them is new, and signals to them.
//!
//! Whose a process is shows in where it stands: in the group of an instance, or below somebody of it. That is lost when those above it
//! die, so everybody is remembered by number and start time; what was never seen where it belonged tells by the variable `PS`
//! that it was started with. Knows nothing of when to look, and takes from others what is to be looked at.

use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::signal::Signal;
use crate::supervisor::{Owners, Stray};
use crate::unix::process::Process;
use crate::unix::tree::signal_process;
use std::collections::{BTreeMap, BTreeSet};

/// One spawn of an instance, as somebody that processes belong to.
pub(super) type Owner = (InstanceId, Generation);

/// Those who were found outside of their groups and had not been before, by whose they are.
pub(super) type Found = BTreeMap<Option<Owner>, Vec<Stray>>;

/// What tells whose a process is.
pub(super) struct Clues<'a> {
    /// The groups that have somebody in them.
    pub(super) groups: BTreeMap<Pid, Owner>,
    /// The one spawn there has been, if there has been no other: whatever is below us is its.
    pub(super) only: Option<Owner>,
    /// Whose a process says it is.
    pub(super) own_word: &'a dyn Fn(&Process) -> Option<Owner>,
    /// Whether a process is what a probe has left, as it says.
    pub(super) is_remnant: &'a dyn Fn(&Process) -> bool,
}

/// Somebody below us.
#[derive(Debug)]
struct Known {
    process: Process,
    owner: Option<Owner>,
    /// Whether it is outside of the groups.
    is_stray: bool,
    told: Told,
    /// Whether it was said already that it cannot be signalled.
    is_complained_of: bool,
}

/// Whether it was said of somebody that it is outside of the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// No: it is not, or was not seen there.
    No,
    /// Yes, and that is not said again.
    Yes,
    /// It need not be: it is what a probe has left. One that is dying does not say so any more, so this is remembered.
    Needless,
}

/// A stray that could not be signalled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// Whose it is.
    pub(super) about: Option<InstanceId>,
    /// What to say.
    pub(super) text: String,
}

/// Everybody who was seen below us but the leaders, group members included: they may become strays.
#[derive(Debug, Default)]
pub(super) struct Strays {
    known: BTreeMap<Pid, Known>,
    /// Those whom a probe has left outside of its group: nobody is told of them, for they are to go.
    remnants: BTreeSet<Pid>,
}

impl Strays {
    /// Takes up some of our descendants, parents before their children; those who are newly outside of their group.
    pub(super) fn note(&mut self, seen: Vec<Process>, clues: &Clues<'_>) -> Found {
        let mut found = Found::new();
        for process in seen {
            let known =
                self.known.remove(&process.pid).filter(|known| known.process.started == process.started);
            let owner = match &known {
                Some(known) => known.owner.or_else(|| self.standing(&process, clues)),
                None => self.standing(&process, clues).or_else(|| (clues.own_word)(&process)).or(clues.only),
            };
            let is_stray = !clues.groups.contains_key(&process.group);
            // A leader where it belongs needs no memory: its number says whose it is.
            if !is_stray && process.pid == process.group {
                continue;
            }
            let told = match known.as_ref().map_or(Told::No, |known| known.told) {
                Told::No if is_stray && (clues.is_remnant)(&process) => Told::Needless,
                Told::No if is_stray => {
                    let stray = Stray { pid: process.pid, name: process.name.clone() };
                    found.entry(owner).or_default().push(stray);
                    Told::Yes
                }
                told @ (Told::No | Told::Yes | Told::Needless) => told,
            };
            if told == Told::Needless {
                self.remnants.insert(process.pid);
            }
            let is_complained_of = known.is_some_and(|known| known.is_complained_of);
            let pid = process.pid;
            let known = Known { process, owner, is_stray, told, is_complained_of };
            self.known.insert(pid, known);
        }
        found
    }

    /// Whose a process is by where it stands.
    fn standing(&self, process: &Process, clues: &Clues<'_>) -> Option<Owner> {
        // A leader keeps its number where it leaves the group that has it.
        let numbers = [process.group, process.pid, process.parent];
        let by_number = numbers.iter().find_map(|number| clues.groups.get(number)).copied();
        by_number.or_else(|| self.known.get(&process.parent)?.owner)
    }

    /// Whether somebody was seen before.
    pub(super) fn knows(&self, process: &Process) -> bool {
        self.known.get(&process.pid).is_some_and(|known| known.process.started == process.started)
    }

    /// Whose a process is, as far as that is known.
    pub(super) fn owner(&self, pid: Pid) -> Option<Owner> {
        self.known.get(&pid)?.owner
    }

    /// Kills what probes have left, unless their owner has one that runs: they may be needed until that ends.
    pub(super) fn kill_remnants(&mut self, is_asked: impl Fn(Owner) -> bool) {
        for pid in std::mem::take(&mut self.remnants) {
            let Some(known) = self.known.get_mut(&pid) else { continue };
            if !known.owner.is_some_and(&is_asked) {
                // What cannot be killed is said when the instance is stopped.
                drop(known.signal(&[Signal::KILL]));
            }
        }
    }

    /// Forgets who was reaped.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.known.remove(&pid);
    }

    /// Forgets everybody who has gone; `seen` are known to be there.
    pub(super) fn forget_all_but(&mut self, seen: &BTreeSet<Pid>) {
        self.known.retain(|pid, known| seen.contains(pid) || known.process.is_alive());
    }

    /// Signals strays: every one that is still who it was when it was seen.
    pub(super) fn signal(&mut self, of: &Owners, signals: &[Signal]) -> Vec<Complaint> {
        let is_meant = |owner: Option<Owner>| match of {
            Owners::All => true,
            Owners::Only(owners) => owner.is_some_and(|owner| owners.contains(&owner)),
        };
        let meant = self.known.values_mut().filter(|known| known.is_stray && is_meant(known.owner));
        meant.filter_map(|known| known.signal(signals)).collect()
    }
}

impl Known {
    /// Sends signals; what is to be said about it, once in its life.
    fn signal(&mut self, signals: &[Signal]) -> Option<Complaint> {
        for signal in signals {
            if !self.process.is_alive() {
                return None;
            }
            let Err(error) = signal_process(self.process.pid, *signal) else { continue };
            if std::mem::replace(&mut self.is_complained_of, true) {
                return None;
            }
            let Process { pid, name, .. } = &self.process;
            let why = self.process.obstacle().unwrap_or_else(|| error.to_string());
            let text = format!("{signal} could not be sent to pid {pid} ({name}): {why}");
            return Some(Complaint { about: self.owner.map(|(instance, _)| instance), text });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: i32 = 1;
    const WEB: Owner = (InstanceId { process: 0, number: 1 }, Generation(1));
    const WORKER: Owner = (InstanceId { process: 1, number: 1 }, Generation(1));

    fn process(pid: i32, parent: i32, group: i32) -> Process {
        Process { pid: Pid(pid), started: 5, parent: Pid(parent), group: Pid(group), name: "a".into() }
    }

    /// web.1 leads group 10, worker.1 leads group 20; number 66 says that it is the worker's.
    fn clues() -> Clues<'static> {
        Clues {
            groups: [(Pid(10), WEB), (Pid(20), WORKER)].into(),
            only: None,
            own_word: &|process| (process.pid == Pid(66)).then_some(WORKER),
            is_remnant: &|process| process.pid == Pid(88),
        }
    }

    fn pids(found: &Found) -> Vec<(Option<Owner>, Vec<i32>)> {
        found
            .iter()
            .map(|(owner, strays)| (*owner, strays.iter().map(|stray| stray.pid.0).collect()))
            .collect()
    }

    #[test]
    fn a_stray_belongs_to_those_above_it_and_is_told_once() {
        let mut strays = Strays::default();
        let tree = [
            process(10, US, 10),
            process(20, US, 20),
            process(11, 10, 10),
            process(30, 11, 30),
            process(31, 30, 30),
            process(40, 20, 40),
        ];
        let found = strays.note(tree.to_vec(), &clues());
        assert_eq!(pids(&found), [(Some(WEB), vec![30, 31]), (Some(WORKER), vec![40])]);
        assert!(strays.note(tree.to_vec(), &clues()).is_empty());
    }

    #[test]
    fn what_lost_those_above_it_is_known_from_before_or_by_its_own_word() {
        let mut strays = Strays::default();
        strays.note(vec![process(10, US, 10), process(11, 10, 10), process(30, 11, 30)], &clues());
        let orphans =
            vec![process(11, US, 50), process(30, US, 30), process(66, US, 66), process(77, US, 77)];
        let found = strays.note(orphans, &clues());
        assert_eq!(pids(&found), [(None, vec![77]), (Some(WEB), vec![11]), (Some(WORKER), vec![66])]);
    }

    #[test]
    fn what_a_probe_has_left_is_not_told_of_and_counts_as_left_all_the_same() {
        let mut strays = Strays::default();
        let tree = vec![process(10, US, 10), process(11, 10, 10), process(88, 11, 88)];
        for _ in 0..2 {
            assert!(strays.note(tree.clone(), &clues()).is_empty());
            assert_eq!((strays.owner(Pid(88)), strays.remnants.len()), (Some(WEB), 1));
            // It asks still: the next look finds the rest again.
            strays.kill_remnants(|owner| owner == WEB);
        }
    }

    #[test]
    fn a_number_that_was_given_to_somebody_else_is_nobody_we_know() {
        let mut strays = Strays::default();
        strays.note(vec![process(10, US, 10), process(30, 10, 30)], &clues());
        let other = Process { started: 6, ..process(30, US, 30) };
        assert!(!strays.knows(&other));
        assert_eq!(pids(&strays.note(vec![other], &clues())), [(None, vec![30])]);
    }

    #[test]
    fn where_there_has_been_one_spawn_only_everything_is_its() {
        let mut strays = Strays::default();
        let clues = Clues { only: Some(WEB), ..clues() };
        assert_eq!(pids(&strays.note(vec![process(77, US, 77)], &clues)), [(Some(WEB), vec![77])]);
    }

    #[test]
    fn a_leader_that_left_its_own_group_is_still_its_own() {
        let mut strays = Strays::default();
        assert_eq!(pids(&strays.note(vec![process(10, US, 1)], &clues())), [(Some(WEB), vec![10])]);
    }
}
