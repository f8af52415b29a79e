//! The files that process types are restarted for: whether they are there, and the watcher of a run.

use super::error::CliError;
use super::load::Surroundings;
use super::problems::Problems;
use crate::model::diagnostic::printable;
use crate::model::plan::Plan;
use crate::watch::{Wanted, Watcher};
use std::collections::BTreeSet;
use std::path::Path;

/// Reports paths to be watched that do not exist.
pub(super) fn check(plan: &Plan, around: &Surroundings, problems: &mut Problems) {
    for Wanted { process, watch } in wanted(plan) {
        let missing = watch.paths.iter().filter(|path| !path.exists());
        for path in missing {
            let path = printable(&around.shown(path));
            problems.error(format!("`watch` of {}: {path} does not exist", name(plan, process)));
            problems.hint("name files and directories that are there, from the directory of proc.toml on");
        }
    }
}

/// Watches the files of all that are started; none if nobody wants any watched. The log files that we write never count.
pub(super) fn start(plan: &Plan, log_dir: Option<&Path>) -> Result<Option<Watcher>, CliError> {
    let wanted: Vec<Wanted<'_>> = wanted(plan).collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    Watcher::start(&wanted, &plan.root, log_dir)
        .map(Some)
        .map_err(|(process, error)| CliError::input(format!("`watch` of {}: {error}", name(plan, process))))
}

/// What is to be watched of the process types that are started.
fn wanted(plan: &Plan) -> impl Iterator<Item = Wanted<'_>> {
    let started: BTreeSet<usize> = plan.instances.keys().map(|id| id.process).collect();
    let watch =
        |process: usize| plan.settings.get(process)?.watch.as_ref().map(|watch| Wanted { process, watch });
    started.into_iter().filter_map(watch)
}

fn name(plan: &Plan, process: usize) -> &str {
    plan.types.get(process).map_or("?", |each| each.name.as_str())
}
