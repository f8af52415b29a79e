//! How much memory `proc` has had at most: of its own processes, not of those it runs.

use crate::support::Running;
use nix::unistd::Pid;
use std::path::PathBuf;

/// The most resident memory (`VmHWM`) that any process of `proc` has had so far, in KiB: of the one that was started, or of a
/// child of it that is the same program.
pub(crate) fn peak(proc: &Running) -> u64 {
    let pid = proc.pid();
    let ours = program(pid).unwrap();
    // Those of its first thread: the only one that starts programs.
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let children = children.split_whitespace().map(|child| Pid::from_raw(child.parse().unwrap()));
    let children = children.filter(|child| program(*child).as_ref() == Some(&ours));
    children.chain([pid]).map(high_water_mark).max().unwrap()
}

/// The program that a process is; none if it has gone.
fn program(pid: Pid) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn high_water_mark(pid: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
