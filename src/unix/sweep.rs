//! Killing everything below us when nobody is there to decide: in the guard without the heap, because memory may be what there is too little of.

use super::file::in_spite_of_signals;
use super::reap::reap_each;
use crate::model::exit::Exit;
use crate::model::instance::Pid;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, stat};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid as NixPid, read};
use std::io::Write;
use std::time::Duration;

/// How many processes a round sees at most; the next sees the others. In pages that are not touched before they are needed.
const MOST_AT_ONCE: usize = 16_384;

/// The pauses between the rounds: short at first, because killing takes next to no time, then longer and longer.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// After this whoever is left is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is needed to find and kill all descendants, made before it is.
#[derive(Debug)]
pub struct Sweep {
    /// Who was below us before we started anything, because a shell became us by `exec`: not ours to kill.
    spared: Vec<i32>,
    found: Vec<i32>,
}

impl Sweep {
    /// A sweep that spares whoever is below us now.
    #[must_use]
    pub fn sparing_all_there_are() -> Self {
        let mut sweep = Self::of_all();
        sweep.find();
        sweep.spared.clone_from(&sweep.found);
        sweep.spared.sort_unstable();
        sweep
    }

    /// A sweep that spares nobody.
    #[must_use]
    pub fn of_all() -> Self {
        Self { spared: Vec::new(), found: Vec::with_capacity(MOST_AT_ONCE) }
    }

    /// Spares this one no longer: it has ended, and its number may become somebody else's.
    pub(super) fn forget(&mut self, Pid(reaped): Pid) {
        self.spared.retain(|pid| *pid != reaped);
    }

    /// Kills everything below us and reaps it, round by round, because a tree may grow while it is killed; the deaths are told. False if
    /// something is left after five seconds.
    ///
    /// We must be a subreaper: then whoever loses its parent is our child, and in the next round.
    pub fn kill_all(&mut self, mut on_death: impl FnMut(Pid, Exit)) -> bool {
        let give_up_at = since_boot() + PATIENCE;
        let mut pause = SHORTEST_PAUSE;
        while since_boot() < give_up_at {
            let could_look = self.find();
            for pid in &self.found {
                let _ = kill(NixPid::from_raw(*pid), Signal::SIGKILL);
            }
            let is_childless = reap_each(&mut on_death);
            if is_childless || could_look && self.found.is_empty() {
                return true;
            }
            std::thread::sleep(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        false
    }

    /// Finds everything below us, parents before their children, zombies included; whether it could be looked at all (ENFILE).
    ///
    /// Of each process but ours only the children of its main thread: those of another are found when it has been killed.
    fn find(&mut self) -> bool {
        self.found.clear();
        let us = NixPid::this().as_raw();
        let could_look = self.look_below(us, us);
        for thread in other_threads(us) {
            self.look_below(us, thread);
        }
        let mut next = 0;
        while let Some(pid) = self.found.get(next) {
            self.look_below(*pid, *pid);
            next += 1;
        }
        could_look
    }

    fn look_below(&mut self, pid: i32, thread: i32) -> bool {
        let mut path = [0; 64];
        let mut rest = &mut path[..];
        // It fits: two numbers of ten digits, and 21 characters.
        let _ = write!(rest, "/proc/{pid}/task/{thread}/children");
        let unused = rest.len();
        let path = &path[..path.len() - unused];
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let Ok(file) = in_spite_of_signals(|| open(path, flags, Mode::empty())) else { return false };
        let mut text = [0; 4096];
        let mut number = 0;
        loop {
            match read(&file, &mut text) {
                Ok(0) => break,
                Ok(count) => {
                    number = text[..count].iter().fold(number, |number, byte| self.take(number, *byte));
                }
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        self.take(number, b' ');
        true
    }

    /// Takes a character of a list of numbers; the number so far.
    fn take(&mut self, number: i32, byte: u8) -> i32 {
        if byte.is_ascii_digit() {
            return number.wrapping_mul(10).wrapping_add(i32::from(byte - b'0'));
        }
        let is_wanted = number > 1 && self.spared.binary_search(&number).is_err();
        if is_wanted && self.found.len() < self.found.capacity() {
            self.found.push(number);
        }
        0
    }
}

/// Our threads but the main one. The guard has none, and so needs no memory to list them: a directory has a link for each of its own.
fn other_threads(us: i32) -> Vec<i32> {
    let is_alone = stat("/proc/self/task").is_ok_and(|task| task.st_nlink <= 3);
    let threads = (!is_alone).then(|| std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten());
    let ids = threads.into_iter().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|thread| *thread != us).collect()
}

/// The time on a clock that nobody sets.
pub(super) fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}
