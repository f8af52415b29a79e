//! What is run under strace.

use crate::support::{Finished, Proc, skip};
use crate::verdict::is_unharmed;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// What is run: `web` ends the run with 3, a while after all is up.
#[derive(Clone, Copy)]
pub(crate) struct Application {
    workers: usize,
    pty: &'static str,
}

impl Application {
    /// Those that are tried.
    pub(crate) fn all() -> Vec<Self> {
        let (is_large, _) = wanted();
        let small = vec![Self { workers: 1, pty: "never" }];
        if is_large {
            vec![Self { workers: 12, pty: "never" }, Self { workers: 12, pty: "always" }]
        } else {
            small
        }
    }

    /// Runs it under strace, which is told to do `what`; the run, and what strace wrote.
    pub(crate) fn run(self, what: &str) -> (Finished, String) {
        // Where our standard output does not know writing without waiting, all is written by writev.
        let also =
            if what.starts_with("inject=writev:") { " -e inject=pwritev2:error=EOPNOTSUPP" } else { "" };
        let strace = format!("exec strace -f -qq --detach-on=execve -o trace -e {what}{also} \"$@\"");
        let procfile =
            "web: ./child hold alive say hello pause 50 exit 3\nworker: ./child hold alive say hi wait\n";
        let workers = format!("worker={}", self.workers);
        let proc = Proc::start(procfile).args(["--pty", self.pty, "web=1", &workers]).by_shell(&strace);
        let alive = proc.liveness();
        let run = proc.run();
        alive.wait_for_death();
        run.left_nobody_behind();
        let trace = std::fs::read_to_string(run.directory().join("trace")).unwrap();
        (run, trace)
    }

    /// How often each system call is made.
    pub(crate) fn calls(self) -> BTreeMap<String, Calls> {
        let (run, trace) = self.run("trace=all");
        is_unharmed(&run).unwrap();
        let guard = trace.split_whitespace().next().unwrap();
        let mut each = BTreeMap::<_, usize>::new();
        for line in trace.lines() {
            let mut words = line.split_whitespace();
            let (pid, call) = (words.next().unwrap(), words.next().unwrap());
            let Some((call, _)) = call.split_once('(') else { continue };
            *each.entry((call, pid)).or_default() += 1;
        }
        let mut calls = BTreeMap::<String, Calls>::new();
        for ((call, pid), count) in each {
            let calls = calls.entry(call.to_owned()).or_default();
            calls.most = calls.most.max(count);
            calls.guard += if pid == guard { count } else { 0 };
        }
        // With execve strace lets go of a child, which meets a signal as the program it has become.
        calls.remove("execve");
        calls
    }
}

/// How often a system call is made.
#[derive(Clone, Copy, Default)]
pub(crate) struct Calls {
    pub(crate) guard: usize,
    /// By the process that makes it most often.
    pub(crate) most: usize,
}

/// What `PROC_INJECTIONS` asks for: whether all there are, and which one alone.
pub(crate) fn wanted() -> (bool, Option<String>) {
    let wanted = std::env::var("PROC_INJECTIONS").unwrap_or_default();
    let (all, others): (Vec<&str>, Vec<&str>) = wanted.split_whitespace().partition(|word| *word == "all");
    (!all.is_empty(), others.first().map(|what| (*what).to_owned()))
}

/// Whether there is a strace that may trace; if not, that is said, and nothing is tried.
pub(crate) fn can_trace() -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "--detach-on=execve", "-o", "/dev/null", "true"]).stderr(Stdio::null());
    let can_trace = strace.status().is_ok_and(|status| status.success());
    if !can_trace {
        // `.ci/run` installs it; a container may still forbid ptrace(2).
        skip("there is no strace here, or it may not trace");
    }
    can_trace
}
