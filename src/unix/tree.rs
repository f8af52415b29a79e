//! What is below us: groups, and descendants that left them.

use super::file::proc_text;
use crate::model::diagnostic::printable;
use crate::model::instance::Pid;
use crate::model::signal::Signal;
use nix::errno::Errno;
use nix::sys::signal::{kill, killpg};
use nix::unistd::Pid as NixPid;
use std::collections::BTreeSet;
use std::io;

/// A process below us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descendant {
    /// Its id.
    pub pid: Pid,
    /// The group it is in.
    pub group: Pid,
    /// The name of its program, as the kernel has it (`comm`), with controls made visible: the program chose it.
    pub name: String,
}

/// Makes orphans among our descendants our children rather than init's: a process that daemonises stays below us.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Whether the system shows who is below us: `/proc` is there, and the kernel was built to list children in it.
#[must_use]
pub fn is_visible() -> bool {
    proc_text("/proc/thread-self/children").is_some()
}

/// How often the tree is walked at most: a tree that grows while it is walked is not chased for ever.
const MOST_WALKS: usize = 8;

/// Everything alive below us, parents before their children.
///
/// It is walked until a walk finds nobody new: when a process dies its children become ours, and a single walk that has looked at ours
/// before would not find them any more.
#[must_use]
pub fn descendants() -> Vec<Descendant> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for _ in 0..MOST_WALKS {
        let before = known.len();
        let fresh = walk().into_iter().filter(|pid| known.insert(*pid));
        found.extend(fresh.filter_map(look_at));
        if known.len() == before {
            break;
        }
    }
    found
}

/// The ids of everything below us, zombies included; what is found twice is not followed again.
fn walk() -> Vec<i32> {
    let mut queue = vec![std::process::id().cast_signed()];
    let mut seen: BTreeSet<i32> = queue.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(pid) = queue.pop() {
        for child in children(pid).into_iter().filter(|child| seen.insert(*child)) {
            queue.push(child);
            found.push(child);
        }
    }
    found
}

/// The children of a process, those of each of its threads.
fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let threads = threads.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    threads
        .filter_map(|thread| proc_text(&format!("/proc/{pid}/task/{thread}/children")))
        .flat_map(|text| {
            text.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

/// A process that is not a zombie (proc(5): `pid (comm) state ppid pgrp …`; the name may hold anything).
fn look_at(pid: i32) -> Option<Descendant> {
    let stat = proc_text(&format!("/proc/{pid}/stat"))?;
    let name = printable(stat.get(stat.find('(')? + 1..stat.rfind(')')?)?);
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Descendant { pid: Pid(pid), group: Pid(group), name })
}

/// Sends a signal to a process group; that it has gone is no error.
///
/// The caller answers for the group being ours: its leader is not reaped yet, or a descendant of ours is in it.
pub fn signal_group(group: Pid, signal: Signal) -> io::Result<()> {
    let Ok(signal) = nix::sys::signal::Signal::try_from(signal.number()) else { return Ok(()) };
    forgive_gone(killpg(NixPid::from_raw(group.0), signal))
}

/// Sends a signal to one process below us; that it has gone is no error.
pub fn signal_process(pid: Pid, signal: Signal) -> io::Result<()> {
    let Ok(signal) = nix::sys::signal::Signal::try_from(signal.number()) else { return Ok(()) };
    forgive_gone(kill(NixPid::from_raw(pid.0), signal))
}

fn forgive_gone(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether a group has nobody left, zombies included. Only to be asked right after its leader was reaped, before the number can have
/// been given to somebody else.
#[must_use]
pub fn is_group_empty(group: Pid) -> bool {
    killpg(NixPid::from_raw(group.0), None) == Err(Errno::ESRCH)
}
