//! Whether the formation fits into what the system gives us, asked before anything is started.

use super::args::Options;
use super::problems::Problems;
use crate::model::plan::Plan;
use crate::model::policy::{ExitOn, LogFormat};
use crate::model::settings::{Check, Settings};
use crate::unix::limits::Limits;
use crate::unix::tree;
use std::io::{self, IsTerminal};

/// Reports that not all can run at once, or cannot be seen to the end.
///
/// An error where it is certain that some would never run: those that have no room wait until others end, and by `--exit-on any` the first to
/// end ends all.
pub(super) fn check(options: &Options, plan: &Plan, limits: &Limits, problems: &mut Problems) {
    let count = plan.instances.len();
    let takes = |id| descriptors_of(options, plan.settings(id));
    let of_all = plan.instances.keys().map(|id| takes(*id)).sum();
    let most = plan.instances.keys().map(|id| takes(*id)).max().unwrap_or(0);
    if limits.room() < of_all {
        let needed = Limits::needed(of_all);
        let who = if count == 1 { "1 process needs".to_owned() } else { format!("{count} processes need") };
        let text = format!("{who} {needed} open files of ours, and the limit is {}", limits.files());
        if limits.room() < most || plan.exit_on == ExitOn::Any {
            problems.error(text);
            problems.hint(if plan.instances.keys().any(|id| has_pty(options, plan.settings(*id))) {
                format!("start fewer, raise the limit (`ulimit -n {needed}`), or use pipes (`--pty never`)")
            } else {
                format!("start fewer, or raise the limit (`ulimit -n {needed}`)")
            });
        } else {
            problems.warning(format!("{text}; those that have no room wait until others end"));
        }
    }
    if !tree::is_visible() {
        problems.warning(
            "/proc does not show who is below us: processes that leave the group they were started in are not found",
        );
    }
}

/// How many descriptors of ours a process takes: our end of a pipe or both of a pseudo-terminal for each of its outputs, a log file, and what its
/// probes are asked over.
fn descriptors_of(options: &Options, settings: &Settings) -> u64 {
    let outputs = if options.log_format == LogFormat::Json { 2 } else { 1 };
    let ends = if has_pty(options, settings) { 2 } else { 1 };
    let probes = settings.readiness.iter().chain(&settings.liveness);
    let asked = probes.filter(|probe| !matches!(probe.check, Check::Log(_))).count() as u64;
    // It is not asked any more when it is stopped.
    let beside = asked.max(u64::from(settings.stop.command.is_some()));
    outputs * ends + u64::from(options.log_dir.is_some()) + beside
}

fn has_pty(options: &Options, settings: &Settings) -> bool {
    settings.tty.unwrap_or_else(|| options.pty.is_wanted(options.log_format, io::stdout().is_terminal()))
}
