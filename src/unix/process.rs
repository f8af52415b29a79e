//! What the kernel tells of one process (proc(5)).

use super::file::proc_text;
use crate::model::diagnostic::printable;
use crate::model::instance::Pid;
use nix::errno::Errno;
use nix::sys::signal::kill;

/// A process, as it was when we looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: Pid,
    /// When it was started, in ticks since boot: with it a number that was given to somebody else is not taken for the process.
    pub started: u64,
    /// Its parent.
    pub parent: Pid,
    /// The group it is in.
    pub group: Pid,
    /// The name of its program, as the kernel has it (`comm`), with controls made visible: the program chose it.
    pub name: String,
}

/// Whether a process with this number runs, be it anybody's. One that is only left for its parent to hear of does not.
#[must_use]
pub fn is_alive(pid: i32) -> bool {
    let exists = pid > 0 && kill(nix::unistd::Pid::from_raw(pid), None) != Err(Errno::ESRCH);
    // Where `/proc` tells nothing, what exists is taken to run.
    exists && (Process::look_at(Pid(pid)).is_some() || proc_text("/proc/self/stat").is_none())
}

impl Process {
    /// The process with this id; none if there is none any more, be its zombie still there or not.
    #[must_use]
    pub fn look_at(pid: Pid) -> Option<Self> {
        Self::parse(pid, &proc_text(&format!("/proc/{pid}/stat"))?)
    }

    /// Reads `pid (comm) state ppid pgrp …`; the name may hold anything.
    fn parse(pid: Pid, stat: &str) -> Option<Self> {
        let end = stat.rfind(')')?;
        let name = printable(stat.get(stat.find('(')? + 1..end)?);
        let fields: Vec<&str> = stat.get(end + 1..)?.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse().ok();
        let is_over = match *fields.first()? {
            // Its first thread has ended, and others may go on.
            "Z" => number(20)? <= 1,
            state => state == "X",
        };
        let started = fields.get(22 - 3)?.parse().ok()?;
        (!is_over).then_some(Self { pid, started, parent: Pid(number(4)?), group: Pid(number(5)?), name })
    }

    /// Whether it is still there, and its number not somebody else's.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Self::look_at(self.pid).is_some_and(|now| now.started == self.started)
    }

    /// A variable that it was started with; none if it has cleared its environment, or belongs to somebody else.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let environment = proc_text(&format!("/proc/{}/environ", self.pid))?;
        let value = |entry: &str| entry.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        environment.split('\0').find_map(value)
    }

    /// Why it may be that it cannot be killed, if that can be told.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        obstacle(&proc_text(&format!("/proc/{}/status", self.pid))?, &proc_text("/proc/self/status")?)
    }
}

/// What keeps a process with the one `status` from being killed by one with the other (kill(2): who may signal whom).
fn obstacle(theirs: &str, ours: &str) -> Option<String> {
    if line(theirs, "State").is_some_and(|state| state.starts_with('D')) {
        return Some("in an uninterruptible sleep".to_owned());
    }
    let ([real, _, saved, _], [us, acting, ..]) = (users(theirs)?, users(ours)?);
    let is_allowed = may_kill_anybody(ours) || [real, saved].iter().any(|uid| [us, acting].contains(uid));
    match real {
        _ if is_allowed => None,
        0 => Some("owned by root".to_owned()),
        uid => Some(format!("owned by user {uid}")),
    }
}

/// Whether it has `CAP_KILL`, as root usually does.
fn may_kill_anybody(status: &str) -> bool {
    const CAP_KILL: u64 = 1 << 5;
    let capabilities = line(status, "CapEff").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    capabilities.is_some_and(|capabilities| capabilities & CAP_KILL != 0)
}

fn line<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

/// The users of a process: real, effective, saved, and for files.
fn users(status: &str) -> Option<[u32; 4]> {
    let users: Option<Vec<u32>> =
        line(status, "Uid")?.split_ascii_whitespace().map(|uid| uid.parse().ok()).collect();
    users?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(name: &str, state: char, threads: u32) -> String {
        format!("42 ({name}) {state} 7 9 9 0 -1 0 1 2 3 4 5 6 7 8 20 0 {threads} 0 987654 1 2 3\n")
    }

    #[test]
    fn a_process_is_read_whatever_it_calls_itself() {
        for (name, shown) in [("sleep", "sleep"), ("a) Z 1 (b", "a) Z 1 (b"), ("x\u{1b}[2J", "x\\u{1b}[2J")] {
            let process = Process::parse(Pid(42), &stat(name, 'S', 1)).unwrap();
            let expected =
                Process { pid: Pid(42), started: 987_654, parent: Pid(7), group: Pid(9), name: shown.into() };
            assert_eq!(process, expected);
        }
    }

    #[test]
    fn a_zombie_is_no_process_unless_some_of_its_threads_go_on() {
        assert_eq!(Process::parse(Pid(42), &stat("a", 'Z', 1)), None);
        assert_eq!(Process::parse(Pid(42), &stat("a", 'X', 1)), None);
        assert!(Process::parse(Pid(42), &stat("a", 'Z', 2)).is_some());
        assert_eq!(Process::parse(Pid(42), "42 (a) S 1"), None);
    }

    #[test]
    fn we_are_alive_and_somebody_with_our_number_before_us_is_not() {
        let ourselves = Process::look_at(Pid(std::process::id().cast_signed())).unwrap();
        assert!(ourselves.is_alive());
        assert!(!Process { started: ourselves.started - 1, ..ourselves.clone() }.is_alive());
        assert_eq!(ourselves.variable("CARGO_PKG_NAME"), Some("proc-start".to_owned()));
        assert_eq!(ourselves.variable("CARGO_PKG"), None);
    }

    #[test]
    fn what_cannot_be_killed_says_why() {
        let status = |state: &str, uid: &str| format!("Name:\ta\nState:\t{state}\nUid:\t{uid}\n");
        let ours = status("R (running)", "1000\t1000\t1000\t1000");
        for (state, uid, expected) in [
            ("S (sleeping)", "0\t0\t0\t0", Some("owned by root")),
            ("S (sleeping)", "33\t33\t33\t33", Some("owned by user 33")),
            ("D (disk sleep)", "1000\t1000\t1000\t1000", Some("in an uninterruptible sleep")),
            ("S (sleeping)", "1000\t0\t0\t0", None),
            ("S (sleeping)", "0\t0\t1000\t0", None),
            ("R (running)", "", None),
        ] {
            assert_eq!(obstacle(&status(state, uid), &ours).as_deref(), expected, "{state} {uid}");
        }
        let theirs = status("S (sleeping)", "33\t33\t33\t33");
        let root = status("R (running)", "0\t0\t0\t0");
        assert_eq!(obstacle(&theirs, &format!("{root}CapEff:\t000001ffffffffff\n")), None);
        let weak = format!("{root}CapEff:\t000001ffffffffdf\n");
        assert_eq!(obstacle(&theirs, &weak).as_deref(), Some("owned by user 33"));
    }
}
