//! Reading all files of an app again while it runs.

use super::args::Options;
use super::contract;
use super::load::{self, App, Demand, Surroundings};
use super::plan::{Again, Planner};
use super::watch;
use crate::engine::{Replanned, Replanning};
use crate::model::formation::Share;
use crate::model::plan::Plan;
use crate::model::settings::{DEFAULTS, Dependency};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What reads the files again that this command line means.
pub(super) fn replanning(options: &Options, named: &[String], around: &Surroundings) -> Replanning {
    let (options, named, around) = (options.clone(), named.to_vec(), around.clone());
    Box::new(move |current, scaled| {
        if options.procfile.as_deref() == Some(Path::new("-")) {
            return Err(vec!["the Procfile came from standard input, which cannot be read again".into()]);
        }
        let (app, mut problems) = load::app(&options, &around, Demand::Lenient);
        if let Some(app) = &app {
            contract::check(app, &mut problems);
        }
        let Some(app) = app.filter(|_| !problems.are_fatal()) else { return Err(problems.into_errors()) };
        let (app, gone) = align(app, current);
        if gone.iter().any(|index| !current.gone.contains(index)) {
            // A typing error in its line is not to stop what runs.
            let (app, problems) = load::app(&options, &around, Demand::Suspicious);
            if app.is_none() {
                return Err(problems.into_errors());
            }
        }
        let again = Some(Again { scaled, gone: &gone });
        let mut planner =
            Planner { options: &options, named: &named, problems: &mut problems, again, is_for_here: true };
        let Some(made) = planner.plan(app) else { return Err(problems.into_errors()) };
        let log_dir = options.log_dir.as_ref().map(|directory| around.directory.join(directory));
        let watcher =
            watch::start(&made.plan, log_dir.as_deref()).map_err(|error| vec![error.to_string()])?;
        let reload = made.sources.reload(made.plan.environment.clone(), made.plan.settings.clone());
        let notices = made.notices.into_iter().chain(problems.remarks()).collect();
        Ok(Replanned { plan: made.plan, quiet: made.quiet, notices, reload, watcher })
    })
}

/// Gives each process type the index that it has in the plan of the run; new ones come after them. Those that are gone keep their place.
fn align(mut app: App, current: &Plan) -> (App, BTreeSet<usize>) {
    let mut old: Vec<Option<usize>> = Vec::new();
    let position = |name: &str| app.types.iter().position(|each| each.name == name);
    old.extend(current.types.iter().map(|each| position(&each.name)));
    let known: BTreeSet<usize> = old.iter().copied().flatten().collect();
    old.extend((0..app.types.len()).filter(|index| !known.contains(index)).map(Some));
    let new_index: BTreeMap<usize, usize> =
        old.iter().enumerate().filter_map(|(to, from)| Some(((*from)?, to))).collect();
    let gone: BTreeSet<usize> =
        old.iter().enumerate().filter(|(_, from)| from.is_none()).map(|(to, _)| to).collect();
    app.types = old
        .iter()
        .enumerate()
        .filter_map(|(to, from)| match from {
            Some(from) => app.types.get(*from).cloned(),
            None => current.types.get(to).cloned(),
        })
        .collect();
    for each in &mut app.settings {
        let moved = |each: &Dependency| Some(Dependency { process: *new_index.get(&each.process)?, ..*each });
        each.depends_on = each.depends_on.iter().filter_map(moved).collect();
    }
    app.settings = arrange(&old, &app.settings);
    for (index, each) in app.settings.iter_mut().enumerate().filter(|(index, _)| gone.contains(index)) {
        // They are about to stop, as they always would have.
        each.clone_from(current.settings.get(index).unwrap_or(&DEFAULTS));
    }
    app.shares = arrange::<Share>(&old, &app.shares);
    app.sources.arrange(&old);
    if let Some(config) = &mut app.config {
        config.tables = arrange(&old, &config.tables);
    }
    (app, gone)
}

/// The entries in their new places; where nothing comes from, the default.
fn arrange<T: Clone + Default>(old: &[Option<usize>], entries: &[T]) -> Vec<T> {
    old.iter().map(|from| from.and_then(|from| entries.get(from).cloned()).unwrap_or_default()).collect()
}
