//! The processes we started, as far as they can be signalled and waited for.

use super::looks::{Due, Looks};
use super::strays::{Clues, Complaint, Found, Owner, Strays};
use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::signal::Signal;
use crate::supervisor::Owners;
use crate::unix::process::Process;
use crate::unix::reap::{Reaped, has_child_in, reap};
use crate::unix::tree::{descendants, family, glance, is_group_empty, own_children, signal_group};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

/// A variable that the commands of probes have in their environment, and whatever they leave behind: our number, so that nobody is mistaken for
/// one of them who runs below another `proc`.
pub(super) const OF_A_PROBE: &str = "PROC_PROBE";

/// Every instance's process, as of its latest spawn, and who else is below it.
#[derive(Debug)]
pub(super) struct Children {
    of: BTreeMap<InstanceId, Child>,
    /// The leaders that are not reaped: their numbers cannot be anybody else's.
    unreaped: BTreeMap<Pid, InstanceId>,
    /// The instances whose leader was reaped, and of which something may be left.
    bereft: BTreeSet<InstanceId>,
    /// The commands that are run beside the instances and are not reaped: each leads a group.
    commands: BTreeMap<Pid, Beside>,
    /// Those that are reaped, and whose group was killed and has not gone.
    remains: BTreeMap<Pid, Owner>,
    strays: Strays,
    looks: Looks,
    /// The instances by what they are called.
    names: BTreeMap<String, InstanceId>,
}

#[derive(Debug, Clone, Copy)]
struct Child {
    generation: Generation,
    pid: Pid,
    group: Group,
    /// Whether it leads a session of its own, because it has a terminal of its own.
    leads_session: bool,
    /// Whether it was us who stopped it, for as long as we are stopped ourselves.
    is_suspended: bool,
    /// Whether it was said that its leader has left somebody.
    is_left_known: bool,
}

impl Child {
    /// Whether somebody whom only we can reap holds the number of the group: its leader, or an orphan that became our child.
    fn holds_group(self) -> bool {
        match self.group {
            Group::Led => true,
            Group::Orphaned => has_child_in(self.pid),
            Group::Gone => false,
        }
    }

    /// Whether the group is the child's now, be it that only somebody further below us is left of it: that takes a look at everybody.
    fn is_group_ours(self) -> bool {
        let is_seen = || descendants().iter().any(|process| process.group == self.pid);
        self.holds_group() || (self.group == Group::Orphaned && is_seen())
    }
}

/// A command that is run beside an instance.
#[derive(Debug, Clone, Copy)]
struct Beside {
    of: Owner,
    /// Whether the instance is not over while it runs.
    holds: bool,
}

/// What is left of the group of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Its leader is ours to reap, and holds the number.
    Led,
    /// Its leader was reaped, and others were still there.
    Orphaned,
    /// Nobody: the number may be anybody's.
    Gone,
}

/// What a pass over the dead, or a look, told of our children and those below them.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Leaders that ended, failures first: in one pass nobody can say who was earlier, and a failure says more.
    pub(super) exited: Vec<(InstanceId, Generation, Exit)>,
    /// Leaders that somebody else stopped.
    pub(super) stopped: Vec<(InstanceId, Generation, Signal)>,
    /// Commands beside the instances that ended.
    pub(super) commands: Vec<(Pid, Exit)>,
    /// Instances of which nobody is left.
    pub(super) emptied: Vec<Owner>,
    /// Instances whose leader has ended and of which somebody is left; each once.
    pub(super) remains: Vec<Owner>,
    /// Who was found outside of the groups.
    pub(super) strayed: Found,
    /// Whether no descendant is left at all.
    pub(super) is_childless: bool,
}

impl Children {
    /// None yet.
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            of: BTreeMap::new(),
            unreaped: BTreeMap::new(),
            bereft: BTreeSet::new(),
            commands: BTreeMap::new(),
            remains: BTreeMap::new(),
            strays: Strays::default(),
            looks: Looks::default(),
            names: plan.instances.keys().map(|id| (plan.name(*id), *id)).collect(),
        }
    }

    /// Takes up what an instance is called that may be started from here on.
    pub(super) fn name(&mut self, instance: InstanceId, name: String) {
        self.names.insert(name, instance);
    }

    /// Takes up a process that was started; `leads_session`: with a terminal of its own.
    pub(super) fn add(
        &mut self,
        instance: InstanceId,
        generation: Generation,
        pid: Pid,
        leads_session: bool,
        now: Instant,
    ) {
        let child = Child {
            generation,
            pid,
            group: Group::Led,
            leads_session,
            is_suspended: false,
            is_left_known: false,
        };
        self.of.insert(instance, child);
        self.unreaped.insert(pid, instance);
        self.looks.spawned(now);
    }

    /// Takes up a command that was started beside an instance, which is not over while one that `holds` it runs. It is no leader: nothing but its
    /// own end depends on how it ends.
    pub(super) fn add_command(&mut self, pid: Pid, of: Owner, holds: bool) {
        self.commands.insert(pid, Beside { of, holds });
    }

    /// Kills a command and its group; that it has gone is no error.
    pub(super) fn kill_command(&self, pid: Pid) {
        if self.commands.contains_key(&pid) {
            // One that made itself somebody else's process is left to its own end.
            let _ = signal_group(pid, Signal::KILL);
        }
    }

    /// The leader of an instance, or the one it had last.
    pub(super) fn pid(&self, instance: InstanceId) -> Option<Pid> {
        self.of.get(&instance).map(|child| child.pid)
    }

    /// The leader of an instance, unless it was reaped.
    pub(super) fn leader(&self, instance: InstanceId) -> Option<Pid> {
        self.of.get(&instance).filter(|child| child.group == Group::Led).map(|child| child.pid)
    }

    /// Whether this spawn of an instance has a leader that is not reaped.
    pub(super) fn is_led(&self, instance: InstanceId, generation: Generation) -> bool {
        let child = self.of.get(&instance).filter(|child| child.generation == generation);
        child.is_some_and(|child| child.group == Group::Led)
    }

    /// Reaps everyone who has died, strangers that became ours included, and looks at what the leaders among them have left.
    pub(super) fn reap(&mut self, now: Instant) -> Changes {
        let Reaped { dead, stopped, childless } = reap();
        let mut changes = Changes { is_childless: childless, ..Changes::default() };
        let has_died = !dead.is_empty();
        for (pid, exit) in dead {
            self.strays.forget(pid);
            if let Some(command) = self.commands.remove(&pid) {
                // What it has put into the background ends with it. While a child of ours is in the group, the number is nobody else's.
                if has_child_in(pid) {
                    let _ = signal_group(pid, Signal::KILL);
                    self.remains.insert(pid, command.of);
                }
                changes.commands.push((pid, exit));
                continue;
            }
            let Some(instance) = self.unreaped.remove(&pid) else { continue };
            let Some(child) = self.of.get_mut(&instance) else { continue };
            child.group = if is_group_empty(pid) { Group::Gone } else { Group::Orphaned };
            self.bereft.insert(instance);
            changes.exited.push((instance, child.generation, exit));
        }
        self.remains.retain(|group, _| has_child_in(*group));
        changes.exited.sort_by_key(|(_, _, exit)| exit.is_success());
        changes.stopped = stopped.into_iter().filter_map(|(pid, signal)| self.stopped(pid, signal)).collect();
        if childless {
            self.looks.childless();
            self.strays = Strays::default();
        }
        if childless || (has_died && !self.bereft.is_empty() && self.looks.may_look(now)) {
            self.look_at_remains(&mut changes);
        }
        changes
    }

    /// The instance whose leader was stopped, unless that was us.
    fn stopped(&self, pid: Pid, signal: Signal) -> Option<(InstanceId, Generation, Signal)> {
        let instance = *self.unreaped.get(&pid)?;
        let child = self.of.get(&instance).filter(|child| !child.is_suspended)?;
        Some((instance, child.generation, signal))
    }

    /// What is left of the instances whose leader has ended: of each, at least one is our own child by now.
    ///
    /// What cannot be seen (no `/proc`, no descriptor left to read it with) may be there all the same: a group that holds its number is left.
    fn look_at_remains(&mut self, changes: &mut Changes) {
        let own = own_children().into_iter();
        let is_known = |pid: &Pid| self.unreaped.contains_key(pid) || self.commands.contains_key(pid);
        let others = own.filter(|pid| !is_known(pid));
        let alive: Vec<Process> = others.filter_map(Process::look_at).collect();
        if !alive.is_empty() {
            let of = |process: &Process| {
                if self.strays.knows(process) { vec![process.clone()] } else { family(process.pid) }
            };
            let seen = alive.iter().flat_map(of).collect();
            self.note(seen, changes);
        }
        let left: BTreeSet<Owner> =
            alive.iter().filter_map(|process| self.strays.owner(process.pid)).collect();
        for instance in self.bereft.clone() {
            let Some(child) = self.of.get_mut(&instance) else { continue };
            let owner = (instance, child.generation);
            let is_held = self.commands.values().any(|each| each.of == owner && each.holds);
            if left.contains(&owner) || child.holds_group() {
                if !std::mem::replace(&mut child.is_left_known, true) {
                    changes.remains.push(owner);
                }
            } else if !is_held {
                child.group = Group::Gone;
                self.bereft.remove(&instance);
                changes.emptied.push(owner);
            }
        }
    }

    /// Takes up descendants, parents before their children.
    fn note(&mut self, seen: Vec<Process>, changes: &mut Changes) {
        let own_word = |process: &Process| {
            let instance = *self.names.get(&process.variable("PS")?)?;
            Some((instance, self.of.get(&instance)?.generation))
        };
        let owner = |(id, child): (&InstanceId, &Child)| (*id, child.generation);
        let clues = Clues {
            groups: self.groups().collect(),
            only: self.of.iter().next().map(owner).filter(|_| self.of.len() == 1),
            own_word: &own_word,
            is_remnant: &|process| process.variable(OF_A_PROBE) == Some(std::process::id().to_string()),
        };
        for (owner, strays) in self.strays.note(seen, &clues) {
            changes.strayed.entry(owner).or_default().extend(strays);
        }
        self.strays.kill_remnants(|owner| self.commands.values().any(|each| each.of == owner));
    }

    /// The groups that have somebody in them.
    fn groups(&self) -> impl Iterator<Item = (Pid, Owner)> {
        let children = self.of.iter().filter(|(_, child)| child.group != Group::Gone);
        let commands = self.commands.iter().map(|(pid, each)| (*pid, each.of));
        let remains = self.remains.iter().map(|(pid, of)| (*pid, *of));
        children.map(|(id, child)| (child.pid, (*id, child.generation))).chain(commands).chain(remains)
    }

    /// Looks at what it is time to look at.
    pub(super) fn look(&mut self, now: Instant) -> Option<Changes> {
        let mut changes = Changes::default();
        match self.looks.due(now)? {
            Due::Remains if self.looks.may_look(now) => self.look_at_remains(&mut changes),
            Due::Remains => {}
            Due::All => self.look_at_all(glance(), &mut changes),
        }
        Some(changes)
    }

    fn look_at_all(&mut self, seen: Vec<Process>, changes: &mut Changes) {
        let pids = seen.iter().map(|process| process.pid).collect();
        self.note(seen, changes);
        self.strays.forget_all_but(&pids);
    }

    /// Notes when a look was over that was begun at `begun`.
    pub(super) fn looked(&mut self, begun: Instant, cost: Duration) {
        if self.looks.due(begun) == Some(Due::All) {
            self.looks.looked(begun + cost, cost);
        }
    }

    /// When it will be time to look.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.looks.next()
    }

    /// Signals the group of an instance; that it has gone is no error.
    ///
    /// Nobody else can be hit: either the leader is not reaped, or a descendant of ours is in the group as we look.
    pub(super) fn signal(
        &mut self,
        instance: InstanceId,
        generation: Generation,
        signal: Signal,
    ) -> io::Result<()> {
        let child = self.of.get_mut(&instance).filter(|child| child.generation == generation);
        let Some(child) = child else { return Ok(()) };
        match signal {
            Signal::TSTP | Signal::STOP => child.is_suspended = true,
            Signal::CONT => child.is_suspended = false,
            _ => {}
        }
        let child = *child;
        if !child.is_group_ours() {
            return Ok(());
        }
        signal_group(child.pid, signal)?;
        // In a session of its own nobody outside of the group could continue it, so the kernel lets no SIGTSTP stop it (POSIX 2.4.3,
        // "orphaned process group").
        let is_deaf = child.leads_session && signal == Signal::TSTP;
        if is_deaf { signal_group(child.pid, Signal::STOP) } else { Ok(()) }
    }

    /// Kills every group that is known to be ours without a look at `/proc`, which may not be there.
    pub(super) fn kill_groups(&self) {
        let led = self.of.values().filter(|child| child.holds_group()).map(|child| child.pid);
        for group in led.chain(self.commands.keys().copied()) {
            // Whoever may not be killed is not killed by those who come after us either.
            let _ = signal_group(group, Signal::KILL);
        }
    }

    /// Signals descendants outside of the groups, after a look at who they are.
    pub(super) fn signal_strays(&mut self, of: &Owners, signals: &[Signal]) -> (Changes, Vec<Complaint>) {
        let mut changes = Changes::default();
        self.look_at_all(descendants(), &mut changes);
        (changes, self.strays.signal(of, signals))
    }

    /// Everybody below us, and whose they are.
    pub(super) fn everybody(&mut self) -> (Changes, Vec<(Option<InstanceId>, Process)>) {
        let mut changes = Changes::default();
        let all = descendants();
        self.look_at_all(all.clone(), &mut changes);
        let groups: BTreeMap<Pid, Owner> = self.groups().collect();
        let owner = |process: &Process| {
            groups.get(&process.group).copied().or_else(|| self.strays.owner(process.pid))
        };
        let whose = |process: &Process| owner(process).map(|(instance, _)| instance);
        (changes, all.into_iter().map(|process| (whose(&process), process)).collect())
    }

    /// Whether an instance that runs has a terminal of its own.
    pub(super) fn has_terminal(&self, instance: InstanceId) -> bool {
        let child = self.of.get(&instance).filter(|child| child.group == Group::Led);
        child.is_some_and(|child| child.leads_session)
    }
}
