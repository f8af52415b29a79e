//! What may come of a schedule, after the manual's table of exit codes.

use crate::schedule::{ExitOn, Schedule, Strike};
use crate::support::Finished;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

/// What happened as far as the schedule does not say.
pub(crate) struct Facts {
    /// Whether there was a supervisor to be killed; its last word may have been out.
    pub(crate) killed_supervisor: bool,
}

/// How `proc` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Code(i32),
    Signal(i32),
}

impl From<Signal> for End {
    fn from(signal: Signal) -> Self {
        Self::Signal(signal as i32)
    }
}

/// Fails unless the run ended as it may, and said nothing that it should not.
pub(crate) fn judge(schedule: &Schedule, facts: &Facts, run: &Finished) {
    let status = run.status();
    let end = status.code().map_or_else(|| End::Signal(status.signal().unwrap()), End::Code);
    let allowed = allowed(schedule, facts);
    let (stdout, stderr) = (run.stdout(), run.stderr());
    let story = || format!("--- stdout\n{}\n--- stderr\n{}", shortened(&stdout), shortened(&stderr));
    assert!(allowed.contains(&end), "{end:?} is not one of {allowed:?}\n{}", story());
    if let Some(said) =
        said(&stdout).or(said(&stderr)).filter(|_| !facts.killed_supervisor && end != Signal::SIGKILL.into())
    {
        assert_eq!(end, said, "it says otherwise\n{}", story());
    }
    assert!(!stdout.contains("panicked") && !stderr.contains("panicked"), "a panic\n{}", story());
    for line in stderr.lines() {
        assert!(is_explained(line, schedule, facts), "{line:?} is not explained\n{}", story());
    }
}

/// The ends there may be. Each strike may come after the run was over.
fn allowed(schedule: &Schedule, facts: &Facts) -> BTreeSet<End> {
    let mut allowed: BTreeSet<End> = codes_by_itself(schedule).into_iter().map(End::Code).collect();
    for (_, strike) in &schedule.strikes {
        match strike {
            Strike::Signal(Signal::SIGTSTP | Signal::SIGCONT) => {}
            Strike::Signal(signal) => drop(allowed.insert((*signal).into())),
            Strike::KillGuard => drop(allowed.insert(Signal::SIGKILL.into())),
            Strike::KillSupervisor if facts.killed_supervisor => drop(allowed.insert(End::Code(70))),
            Strike::KillSupervisor => {}
            Strike::CloseOutput => drop(allowed.insert(Signal::SIGPIPE.into())),
        }
    }
    allowed
}

/// The exit codes of the run if nobody did anything to it; none if it would go on.
fn codes_by_itself(schedule: &Schedule) -> BTreeSet<i32> {
    let codes: BTreeSet<i32> = schedule.types.iter().filter_map(|each| each.ends_with).collect();
    let all_end = schedule.types.iter().all(|each| each.ends_with.is_some());
    let failures: BTreeSet<i32> = codes.iter().copied().filter(|code| *code != 0).collect();
    match schedule.exit_on {
        ExitOn::Any => codes,
        ExitOn::Failure | ExitOn::All if all_end && failures.is_empty() => BTreeSet::from([0]),
        ExitOn::Failure => failures,
        ExitOn::All if all_end => failures,
        ExitOn::All => BTreeSet::new(),
    }
}

/// The end that the output tells, if it tells one: what made the run stop.
fn said(output: &str) -> Option<End> {
    let stopped_by = |signal: &Signal| {
        // Not `type1.1 killed by SIGTERM: stopping 3 processes`.
        let parts: Vec<&str> = output.split(&format!("{signal}: ")).collect();
        parts.windows(2).any(|parts| {
            let is_ours = !parts[0].ends_with("killed by ");
            is_ours && ["stopping ", "killing "].iter().any(|how| parts[1].starts_with(how))
        })
    };
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    let code = || output.rsplit_once("exiting with ")?.1.split(':').next()?.parse().ok().map(End::Code);
    signals.into_iter().find(stopped_by).map(End::from).or_else(code)
}

/// Whether the schedule explains a line on standard error.
fn is_explained(line: &str, schedule: &Schedule, facts: &Facts) -> bool {
    if line.contains("the supervisor of this run was lost") {
        return facts.killed_supervisor
            && line.ends_with(
                "error: the supervisor of this run was lost (killed by SIGKILL); all processes were killed",
            );
    }
    // Without a guard nobody is waited for any more, nor is a reader.
    let is_loss = line.ends_with("bytes of output could not be written");
    if is_loss {
        schedule.has(Strike::KillGuard)
    } else {
        schedule.format == "raw" && !line.contains("error")
    }
}

/// The beginning and the end of a text: there are floods.
fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= 60 {
        return text.to_owned();
    }
    let (begin, end) = (&lines[..30], &lines[lines.len() - 30..]);
    format!("{}\n[{} lines]\n{}", begin.join("\n"), lines.len() - 60, end.join("\n"))
}
