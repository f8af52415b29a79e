//! What may come of a run to which something was done.

use crate::support::Finished;
use nix::sys::signal::Signal;
use std::os::unix::process::ExitStatusExt;

/// What a fault may do to a run.
#[derive(Clone, Copy)]
pub(crate) enum Harm {
    /// Nothing: the call is made again, or what it is for is done in another way.
    None,
    /// What cannot be written is said, and written a moment later.
    Delay,
    /// A process is started a moment later, which is said.
    Spawn,
    /// The same; or the Procfile cannot be read (2), or /proc, of which we warn.
    File,
    /// The same, or the output of a process is over: so it is with a terminal (EIO), and a pipe has no other way to fail.
    Read,
    /// We cannot set ourselves up: 70. Nothing was started.
    SetUp,
    /// The guard or a thread is not started (70), or a process is a moment later.
    SetUpOrSpawn,
}

/// As if nothing had happened.
pub(crate) fn is_unharmed(run: &Finished) -> Result<(), String> {
    let has_said_all = run.stdout().contains("| hello") && run.stderr().is_empty();
    if run.status().code() == Some(3) && has_said_all {
        Ok(())
    } else {
        Err(format!("harmed: {:?}", run.status()))
    }
}

pub(crate) fn is_harmed_at_most(run: &Finished, harm: Harm) -> Result<(), String> {
    let (stdout, stderr) = (run.stdout(), run.stderr());
    // Before anything of ours has begun.
    let is_unloaded =
        run.status().code() == Some(127) && stderr.contains("error while loading shared libraries: ");
    if is_unloaded || is_unharmed(run).is_ok() {
        return Ok(());
    }
    let is_late = stdout.contains("; trying again in 0.1s\n") && !stdout.contains("trying again in 0.2s");
    let is_warned = stderr.starts_with("warning: /proc does not show who is below us: ");
    let is_explained = match (harm, run.status().code()) {
        (Harm::Spawn | Harm::SetUpOrSpawn, Some(3)) => is_late && stderr.is_empty(),
        (Harm::File, Some(3)) => is_late || is_warned,
        (Harm::Read, Some(3)) => is_warned || stderr.is_empty() && stdout.contains("exiting with 3: "),
        (Harm::File | Harm::Read, Some(2)) => stderr.contains("error: failed to read Procfile: "),
        (Harm::SetUp | Harm::SetUpOrSpawn, Some(70)) => {
            stderr.contains("internal error: failed to start the ")
        }
        (Harm::Delay, Some(3)) => {
            stdout.contains("| hello") && stderr.starts_with("system | failed to write the output: ")
        }
        (
            Harm::None
            | Harm::Delay
            | Harm::Spawn
            | Harm::File
            | Harm::Read
            | Harm::SetUp
            | Harm::SetUpOrSpawn,
            _,
        ) => false,
    };
    if is_explained { Ok(()) } else { Err(format!("harmed: {:?}", run.status())) }
}

/// With 70, which is said; or it was a child that had not become its program yet (137), or the run was over.
pub(crate) fn is_avenged(run: &Finished) -> Result<(), String> {
    let (status, stdout, stderr) = (run.status(), run.stdout(), run.stderr());
    let lost = "error: the supervisor of this run was lost (killed by SIGKILL); all processes were killed\n";
    let is_explained = match status.code() {
        Some(70) => stderr == lost,
        Some(137) => stdout.contains("exiting with 137: ") && stderr.is_empty(),
        Some(3) => stdout.contains("exiting with 3: ") && stderr.is_empty(),
        _ => false,
    };
    if is_explained { Ok(()) } else { Err(format!("not avenged: {status:?}")) }
}

/// By the signal; or the run was about to end by itself. A child that has not become its program yet may have met it (143), or not mind.
pub(crate) fn is_stopped_by_sigterm(run: &Finished, trace: &str) -> Result<(), String> {
    let (status, stdout) = (run.status(), run.stdout());
    let before = before_it_met_one_of_ours(trace);
    let ends_by_itself = || ["si_status=3,", "WEXITSTATUS(s) == 3"].iter().any(|end| before.contains(end));
    let is_explained = match (status.signal(), status.code()) {
        (Some(signal), _) => signal == Signal::SIGTERM as i32,
        (_, Some(143)) => stdout.contains("exiting with 143: "),
        (_, Some(3)) => ends_by_itself(),
        _ => false,
    };
    if is_explained && run.stderr().is_empty() { Ok(()) } else { Err(format!("not stopped: {status:?}")) }
}

/// What happened before SIGTERM met the guard or the supervisor: all, if it has met children only.
fn before_it_met_one_of_ours(trace: &str) -> &str {
    let pid = |line: &str| line.split(' ').next().unwrap().to_owned();
    let children: Vec<String> =
        trace.lines().skip(1).filter(|line| line.contains(" execve(")).map(pid).collect();
    let met = trace.match_indices("--- SIGTERM {").map(|(at, _)| &trace[..at]);
    let mut met = met.filter(|before| !children.contains(&pid(before.lines().last().unwrap())));
    met.next().unwrap_or(trace)
}
