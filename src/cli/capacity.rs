//! Whether the formation fits into what the system gives us, asked before anything is started.

use super::args::Options;
use super::problems::Problems;
use crate::model::plan::Plan;
use crate::model::policy::{ExitOn, LogFormat};
use crate::unix::limits::Limits;
use crate::unix::tree;
use std::io::{self, IsTerminal};

/// Reports that not all can run at once, or cannot be seen to the end.
///
/// An error where it is certain that some would never run: those that have no room wait until others end, and by `--exit-on any` the first to
/// end ends all.
pub(super) fn check(options: &Options, plan: &Plan, limits: &Limits, problems: &mut Problems) {
    let (each, count) = (descriptors_each(options), plan.instances.len() as u64);
    let room = limits.room(each);
    if room < count {
        let needed = Limits::needed(count, each);
        let who = if count == 1 { "1 process needs".to_owned() } else { format!("{count} processes need") };
        let text = format!("{who} {needed} open files of ours, and the limit is {}", limits.files());
        if room == 0 || plan.exit_on == ExitOn::Any {
            problems.error(text);
            problems.hint(if has_pty(options) {
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

/// How many descriptors of ours a process takes: our end of a pipe or both of a pseudo-terminal for each of its outputs, and a log file.
fn descriptors_each(options: &Options) -> u64 {
    let outputs = if options.log_format == LogFormat::Json { 2 } else { 1 };
    let ends = if has_pty(options) { 2 } else { 1 };
    outputs * ends + u64::from(options.log_dir.is_some())
}

fn has_pty(options: &Options) -> bool {
    options.pty.is_wanted(options.log_format, io::stdout().is_terminal())
}
