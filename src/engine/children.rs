//! The processes we started, as far as they can be signalled and waited for.

use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::signal::Signal;
use crate::unix::reap::{Reaped, reap};
use crate::unix::tree::{Descendant, descendants, is_group_empty, signal_group, signal_process};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Every instance's process, as of its latest spawn.
#[derive(Debug)]
pub(super) struct Children {
    of: BTreeMap<InstanceId, Child>,
    /// The leaders that are not reaped: their numbers cannot be anybody else's.
    unreaped: BTreeMap<Pid, InstanceId>,
}

#[derive(Debug, Clone, Copy)]
struct Child {
    generation: Generation,
    pid: Pid,
    group: Group,
    /// Whether it leads a session of its own, because it has a terminal of its own.
    leads_session: bool,
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

/// What a pass over the dead told of our children.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Leaders that ended, failures first: in one pass nobody can say who was earlier, and a failure says more.
    pub(super) exited: Vec<(InstanceId, Generation, Exit)>,
    /// Groups of which nobody is left.
    pub(super) emptied: Vec<(InstanceId, Generation)>,
    /// Whether no descendant is left at all.
    pub(super) is_childless: bool,
}

impl Children {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { of: BTreeMap::new(), unreaped: BTreeMap::new() }
    }

    /// Takes up a process that was started; `leads_session`: with a terminal of its own.
    pub(super) fn add(
        &mut self,
        instance: InstanceId,
        generation: Generation,
        pid: Pid,
        leads_session: bool,
    ) {
        self.of.insert(instance, Child { generation, pid, group: Group::Led, leads_session });
        self.unreaped.insert(pid, instance);
    }

    /// The leader of an instance, or the one it had last.
    pub(super) fn pid(&self, instance: InstanceId) -> Option<Pid> {
        self.of.get(&instance).map(|child| child.pid)
    }

    /// Reaps everyone who has died, strangers that became ours included.
    pub(super) fn reap(&mut self) -> News {
        let Reaped { dead, childless } = reap();
        let mut news = News { is_childless: childless, ..News::default() };
        let mut orphaned = Vec::new();
        for (pid, exit) in dead {
            let Some(instance) = self.unreaped.remove(&pid) else { continue };
            let Some(child) = self.of.get_mut(&instance) else { continue };
            child.group = Group::Orphaned;
            news.exited.push((instance, child.generation, exit));
            if is_group_empty(pid) {
                child.group = Group::Gone;
                news.emptied.push((instance, child.generation));
            } else {
                orphaned.push(instance);
            }
        }
        news.exited.sort_by_key(|(_, _, exit)| exit.is_success());
        self.look_for_the_emptied(&orphaned, &mut news);
        news
    }

    /// Finds the groups that have lost their last member since their leader went. `fresh`: those of which it is known that they have not.
    fn look_for_the_emptied(&mut self, fresh: &[InstanceId], news: &mut News) {
        let old = |(instance, child): &(&InstanceId, &mut Child)| {
            child.group == Group::Orphaned && !fresh.contains(instance)
        };
        let mut orphaned = self.of.iter_mut().filter(old).peekable();
        if orphaned.peek().is_none() {
            return;
        }
        let inhabited: BTreeSet<Pid> = descendants().into_iter().map(|descendant| descendant.group).collect();
        for (instance, child) in orphaned.filter(|(_, child)| !inhabited.contains(&child.pid)) {
            child.group = Group::Gone;
            news.emptied.push((*instance, child.generation));
        }
    }

    /// Signals the group of an instance; that it has gone is no error.
    ///
    /// Nobody else can be hit: either the leader is not reaped, or a descendant of ours is in the group as we look.
    pub(super) fn signal(
        &self,
        instance: InstanceId,
        generation: Generation,
        signal: Signal,
    ) -> io::Result<()> {
        let Some(child) = self.of.get(&instance).filter(|child| child.generation == generation) else {
            return Ok(());
        };
        let is_ours = match child.group {
            Group::Led => true,
            Group::Orphaned => descendants().iter().any(|descendant| descendant.group == child.pid),
            Group::Gone => false,
        };
        if !is_ours {
            return Ok(());
        }
        signal_group(child.pid, signal)?;
        // In a session of its own nobody outside of the group could continue it, so the kernel lets no SIGTSTP stop it (POSIX 2.4.3,
        // "orphaned process group").
        let is_deaf = child.leads_session && signal == Signal::TSTP;
        if is_deaf { signal_group(child.pid, Signal::STOP) } else { Ok(()) }
    }

    /// Signals every descendant outside of the groups of our children; the first error after all have been.
    pub(super) fn signal_strays(&self, signal: Signal) -> io::Result<()> {
        let all: Vec<_> = self.strays().into_iter().map(|stray| signal_process(stray.pid, signal)).collect();
        all.into_iter().collect()
    }

    /// The descendants outside of the groups of our children.
    pub(super) fn strays(&self) -> Vec<Descendant> {
        let groups: BTreeSet<Pid> =
            self.of.values().filter(|child| child.group != Group::Gone).map(|child| child.pid).collect();
        descendants().into_iter().filter(|descendant| !groups.contains(&descendant.group)).collect()
    }
}
