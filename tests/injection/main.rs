//! System calls that fail, and signals between any two of them: strace(1) makes each happen once, to the guard or to the supervisor.
//!
//! Whatever it is, the run ends, nothing outlives it and its exit code is the manual's; where a fault is to be expected and over in a
//! moment, nobody notices. `PROC_INJECTIONS=all` takes a larger application, so that there are more calls, and also terminals. One of
//! them alone: `PROC_INJECTIONS='all read:error=EINTR:when=3'`.
//!
//! strace lets go of a process that becomes another program (`--detach-on=execve`), so the children run undisturbed.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests: a panic is how they fail; they read their own files and environment only, and say what they skip"
)]

#[path = "../cli/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod support;

mod application;
mod verdict;

use application::{Application, Calls, can_trace, wanted};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use support::Finished;
use verdict::{Harm, is_avenged, is_harmed_at_most, is_stopped_by_sigterm, is_unharmed};

/// Up to which call a fault is tried.
const MOST_CALLS: usize = 40;

/// The calls, how each may fail in earnest, and what may come of it.
///
/// Not among them is write(2): nothing but the event loop's own counter is written with it, which cannot fail.
const FAULTS: &[(&str, &[&str], Harm)] = &[
    ("clone", &["EAGAIN", "ENOMEM"], Harm::SetUpOrSpawn),
    ("clone3", &["EAGAIN", "ENOMEM"], Harm::SetUpOrSpawn),
    ("pipe2", &["EMFILE", "ENFILE"], Harm::Spawn),
    ("wait4", &["EINTR", "EAGAIN", "ENOMEM"], Harm::None),
    ("read", &["EINTR"], Harm::None),
    ("read", &["EAGAIN"], Harm::File),
    ("read", &["EIO", "ENOMEM"], Harm::Read),
    ("pwritev2", &["EINTR", "EAGAIN", "ENOSPC", "ENOMEM", "EOPNOTSUPP"], Harm::None),
    ("writev", &["EINTR", "EAGAIN"], Harm::None),
    ("writev", &["ENOSPC", "ENOMEM"], Harm::Delay),
    ("openat", &["EINTR"], Harm::None),
    ("openat", &["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"], Harm::File),
    ("epoll_wait", &["EINTR"], Harm::None),
    ("epoll_ctl", &["ENOMEM", "ENOSPC"], Harm::SetUpOrSpawn),
    ("poll", &["EINTR", "ENOMEM"], Harm::None),
    ("recvfrom", &["EINTR"], Harm::None),
    ("socketpair", &["EMFILE", "ENOMEM"], Harm::SetUpOrSpawn),
    ("epoll_create1", &["EMFILE", "ENOMEM"], Harm::SetUp),
    ("signalfd4", &["EMFILE", "ENOMEM"], Harm::SetUp),
    ("eventfd2", &["EMFILE", "ENOMEM"], Harm::SetUp),
];

/// No two runs are the same.
const MORE_OR_LESS: usize = 3;

#[test]
fn a_system_call_that_fails_once_is_made_up_for_or_said_and_nothing_is_left() {
    for application in Application::all().into_iter().filter(|_| can_trace()) {
        let calls = application.calls();
        let jobs = FAULTS.iter().flat_map(|(call, errors, harm)| {
            let most = calls.get(*call).map_or(0, |calls| calls.most);
            let faults = move |error| numbered(1..=most + MORE_OR_LESS, format!("{call}:error={error}"));
            errors.iter().flat_map(faults).map(|fault| (fault, *harm))
        });
        try_all(application, jobs.collect(), |run, trace, harm| {
            if trace.contains("(INJECTED)") { is_harmed_at_most(run, *harm) } else { is_unharmed(run) }
        });
    }
}

// F31
#[test]
fn sigterm_before_any_system_call_stops_everything() {
    for application in Application::all().into_iter().filter(|_| can_trace()) {
        let calls = application.calls().into_iter();
        let jobs = calls.flat_map(|(call, calls)| numbered(1..=calls.most, format!("{call}:signal=SIGTERM")));
        try_all(application, jobs.map(|job| (job, ())).collect(), |run, trace, ()| {
            if trace.contains("--- SIGTERM {") { is_stopped_by_sigterm(run, trace) } else { is_unharmed(run) }
        });
    }
}

/// What the guard does when it kills what is left (and `fcntl` when it closes something, in a debug build).
const SWEEP: [&str; 9] =
    ["openat", "read", "close", "fcntl", "newfstatat", "kill", "wait4", "clock_nanosleep", "write"];

// F14
#[test]
fn a_kill_of_the_supervisor_before_any_system_call_leaves_nothing_behind() {
    for application in Application::all().into_iter().filter(|_| can_trace()) {
        // Calls that the guard does not make as often: nobody can do anything once both are killed.
        let calls = application.calls().into_iter().filter(|(call, _)| !SWEEP.contains(&call.as_str()));
        let jobs = calls.flat_map(|(call, Calls { guard, most })| {
            numbered(2 * guard + MORE_OR_LESS..=most, format!("{call}:signal=SIGKILL"))
        });
        try_all(application, jobs.map(|job| (job, ())).collect(), |run, trace, ()| {
            if trace.contains("+++ killed by SIGKILL +++") { is_avenged(run) } else { is_unharmed(run) }
        });
    }
}

/// The injections from one call to another; between fork and exec a child asks for the disposition of each signal, which is not of interest.
fn numbered(calls: RangeInclusive<usize>, what: String) -> impl Iterator<Item = String> {
    calls.take_while(|when| *when <= MOST_CALLS).map(move |when| format!("{what}:when={when}"))
}

/// Tries each of these, some at a time, and shows those that go wrong.
fn try_all<T: Send>(
    application: Application,
    jobs: Vec<(String, T)>,
    check: impl Fn(&Finished, &str, &T) -> Result<(), String> + Sync,
) {
    let (is_large, only) = wanted();
    let count = jobs.len();
    let jobs = Mutex::new(jobs.into_iter().filter(|(what, _)| only.as_ref().is_none_or(|only| only == what)));
    let failed = Mutex::new(Vec::new());
    let next = || jobs.lock().unwrap().next();
    let work = || {
        while let Some((what, expected)) = next() {
            let attempt =
                AssertUnwindSafe(|| goes_well(application, &what, |run, trace| check(run, trace, &expected)));
            if !catch_unwind(attempt).unwrap_or(false) {
                let all = if is_large { "all " } else { "" };
                println!("^^^ once more: PROC_INJECTIONS='{all}{what}' cargo test --test injection\n");
                failed.lock().unwrap().push(what);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().unwrap().get() * 2 {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {count} injections: {failed:?}", failed.len());
    println!("{count} injections");
}

/// Whether a run goes as it may; if not, it is shown.
fn goes_well(
    application: Application,
    what: &str,
    check: impl FnOnce(&Finished, &str) -> Result<(), String>,
) -> bool {
    let (run, trace) = application.run(&format!("inject={what}"));
    let (stdout, stderr) = (run.stdout(), run.stderr());
    let is_panic = stderr.contains("panicked");
    let result = check(&run, &trace).and_then(|()| if is_panic { Err("a panic".to_owned()) } else { Ok(()) });
    let Err(why) = result else { return true };
    let is_telling = |line: &&str| ["INJECTED", "---", "+++"].iter().any(|mark| line.contains(mark));
    let telling: Vec<&str> = trace.lines().filter(is_telling).collect();
    println!("{why}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n--- trace\n{}", telling.join("\n"));
    false
}
