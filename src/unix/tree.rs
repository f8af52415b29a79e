//! What is below us: groups, and descendants that left them.

use super::file::proc_text;
use super::process::Process;
use crate::model::instance::Pid;
use crate::model::signal::Signal;
use nix::errno::Errno;
use nix::sys::signal::{kill, killpg};
use nix::unistd::Pid as NixPid;
use std::collections::BTreeSet;
use std::io;

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
pub fn descendants() -> Vec<Process> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for _ in 0..MOST_WALKS {
        let before = known.len();
        let fresh = walk(ourselves()).into_iter().filter(|pid| known.insert(*pid));
        found.extend(fresh.filter_map(|pid| Process::look_at(Pid(pid))));
        if known.len() == before {
            break;
        }
    }
    found
}

/// The same by a single walk, which may miss somebody whose parent dies meanwhile: for a look that will be repeated.
#[must_use]
pub fn glance() -> Vec<Process> {
    walk(ourselves()).into_iter().filter_map(|pid| Process::look_at(Pid(pid))).collect()
}

/// A process and everything alive below it, parents before their children.
#[must_use]
pub fn family(of: Pid) -> Vec<Process> {
    let below = walk(of.0);
    std::iter::once(of.0).chain(below).filter_map(|pid| Process::look_at(Pid(pid))).collect()
}

/// Our own children, zombies included: every orphan below us is one of them by the time that its parent is reaped.
///
/// Nobody is missed: the list only grows while it is read, because who is on it leaves by being reaped.
#[must_use]
pub fn own_children() -> Vec<Pid> {
    children(ourselves()).into_iter().map(Pid).collect()
}

fn ourselves() -> i32 {
    std::process::id().cast_signed()
}

/// The ids of everything below a process, zombies included; what is found twice is not followed again.
fn walk(from: i32) -> Vec<i32> {
    let mut queue = vec![from];
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
