//! From an application and the command line to a plan: what is started, with which ports, after what.

use super::args::Options;
use super::load::{App, Sources};
use super::problems::Problems;
use crate::model::formation::{self, Formation, FormationError, Wanted};
use crate::model::instance::InstanceId;
use crate::model::needs::{self, Need};
use crate::model::plan::Plan;
use crate::model::port;
use crate::model::procfile::{ProcessType, unknown_type};
use crate::model::settings::Settings;
use crate::unix::listener;
use std::collections::{BTreeMap, BTreeSet};

/// A plan, and what goes with it.
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// The types whose output is not shown.
    pub(super) quiet: BTreeSet<usize>,
    /// What was not as one might think from the command line, for the beginning of the output.
    pub(super) notices: Vec<String>,
    /// Where the env files are, to be read again.
    pub(super) sources: Sources,
}

/// Makes a plan of an application and the command line, noting everything that is wrong.
pub(super) struct Planner<'a> {
    pub(super) options: &'a Options,
    pub(super) named: &'a [String],
    pub(super) problems: &'a mut Problems,
    /// What is to be heeded where an app that runs is read again.
    pub(super) again: Option<Again<'a>>,
    /// Whether it is on this machine that it is to run, so that the ports have to be free here.
    pub(super) is_for_here: bool,
}

/// What has become of a run since it was planned first.
#[derive(Clone, Copy)]
pub(super) struct Again<'a> {
    /// How many there are to be of the types that somebody has scaled.
    pub(super) scaled: &'a BTreeMap<String, u16>,
    /// The types, as indices, that the files do not have any more.
    pub(super) gone: &'a BTreeSet<usize>,
}

impl Again<'_> {
    fn apply(self, formation: &mut Formation, types: &[ProcessType]) {
        for (index, (count, each)) in formation.counts.iter_mut().zip(types).enumerate() {
            *count = self.scaled.get(&each.name).copied().unwrap_or(*count);
            if self.scaled.get(&each.name) == Some(&0) {
                formation.unwanted.push(index);
            }
            if self.gone.contains(&index) {
                *count = 0;
            }
        }
        let is_there = |index: &usize| !self.gone.contains(index) && formation.counts.get(*index) == Some(&0);
        formation.left_out.retain(is_there);
    }
}

impl Planner<'_> {
    /// The plan, if nothing is wrong.
    pub(super) fn plan(&mut self, mut app: App) -> Option<Planned> {
        // All are asked before any is missed, so that all that is wrong is said.
        let formation = formation(self.options, self.named, &app, self.problems);
        let release = self.release(&app);
        let quiet = self.quiet(&app);
        let mut formation = formation?;
        if let Some(release) = release {
            put_first(release, &mut formation, &mut app.settings);
        }
        if let Some(again) = self.again {
            again.apply(&mut formation, &app.types);
        }
        let needs = needs::meet(&mut formation, &mut app.settings, &app.shares);
        let done = if self.is_for_here { "started" } else { "exported" };
        let notices = needs.into_iter().map(|need| words(need, &app.types, done)).collect();
        let instances = self.ports(&app, &formation)?;
        let plan = Plan {
            types: app.types,
            settings: app.settings,
            instances,
            left_out: formation.left_out,
            gone: self.again.map(|again| again.gone.clone()).unwrap_or_default(),
            base_port: app.base_port,
            environment: app.environment,
            root: app.root,
            exit_on: app.exit_on,
        };
        if self.again.is_none() && self.is_for_here {
            self.check_ports(&plan);
        }
        (!self.problems.are_fatal()).then_some(Planned { plan, quiet, notices, sources: app.sources })
    }

    fn ports(&mut self, app: &App, formation: &Formation) -> Option<BTreeMap<InstanceId, Option<u16>>> {
        let Some(base) = app.base_port else {
            let instances = |(process, count): (usize, &u16)| {
                (1..=*count).map(move |number| (InstanceId { process, number }, None))
            };
            return Some(formation.counts.iter().enumerate().flat_map(instances).collect());
        };
        match port::assign(base, &app.types, &app.settings, formation) {
            Ok(ports) => Some(ports.into_iter().map(|(id, port)| (id, Some(port))).collect()),
            Err(errors) => {
                for error in errors {
                    self.problems.error(error);
                    self.problems.hint("choose another base with `-p N`, or start fewer");
                }
                None
            }
        }
    }

    /// The type that goes first under `--release`.
    fn release(&mut self, app: &App) -> Option<usize> {
        let position = app.types.iter().position(|each| each.name == "release");
        if self.options.release && position.is_none() {
            self.problems.error("--release: the Procfile has no process type `release`");
        }
        position.filter(|_| self.options.release)
    }

    /// The types whose lines are hidden, by `-q` or `log = "hidden"`.
    fn quiet(&mut self, app: &App) -> BTreeSet<usize> {
        let is_hidden = |(index, each): (usize, &Settings)| each.is_hidden.then_some(index);
        let mut quiet: BTreeSet<usize> = app.settings.iter().enumerate().filter_map(is_hidden).collect();
        for name in self.options.quiet.iter().map(|name| name.trim()) {
            if let Some(index) = app.types.iter().position(|each| each.name == name) {
                quiet.insert(index);
            } else {
                let (message, hint) = unknown_type(name, &app.types);
                self.problems.error(format!("--quiet: {message}"));
                if let Some(hint) = hint {
                    self.problems.hint(hint);
                }
            }
        }
        quiet
    }

    /// Reports the ports that somebody else listens on.
    ///
    /// An error where the process is sure to want its port; else a warning, because a worker has a number it never binds.
    fn check_ports(&mut self, plan: &Plan) {
        let same_for_all = plan.environment.set.iter().any(|(name, _)| name == "PORT");
        if same_for_all && plan.instances.len() > 1 {
            self.problems
                .warning("-E PORT=… gives every process the same port; `-p N` sets where they begin");
        }
        let ports = plan.instances.iter().filter_map(|(id, port)| Some((*id, (*port)?)));
        for (id, port) in ports.filter(|_| !same_for_all) {
            if !listener::is_taken(port) {
                continue;
            }
            let by = listener::holder(port).map_or(String::new(), |holder| holder.words());
            let text = format!("port {port} of {} is taken{by}", plan.name(id));
            if plan.wants_its_port(id) {
                self.problems.error(text);
                self.problems.hint("stop that process, or choose another base with `-p N`");
            } else {
                self.problems.warning(text);
            }
        }
    }
}

/// How many of each type are started, noting everything that is wrong.
pub(super) fn formation(
    options: &Options,
    named: &[String],
    app: &App,
    problems: &mut Problems,
) -> Option<Formation> {
    let Options { formation: lists, except, .. } = options;
    match formation::resolve(Wanted { named, lists, except, shares: &app.shares }, &app.types) {
        Ok(formation) => Some(formation),
        Err(errors) => {
            for error in errors {
                problems.error(&error);
                if let FormationError::UnknownType { hint: Some(hint), .. } = error {
                    problems.hint(hint);
                }
            }
            None
        }
    }
}

/// Has a process go before all others, also if it is a one-off that nobody has named.
fn put_first(process: usize, formation: &mut Formation, settings: &mut [Settings]) {
    needs::put_first(process, settings);
    formation.left_out.retain(|index| *index != process);
    formation.unwanted.retain(|index| *index != process);
    if let Some(count) = formation.counts.get_mut(process) {
        *count = (*count).max(1);
    }
}

/// What came of a need, in words.
fn words(need: Need, types: &[ProcessType], done: &str) -> String {
    let name = |index: usize| types.get(index).map_or("?", |each| each.name.as_str());
    match need {
        Need::Started { process, by } => {
            format!("{} is {done} too: {} depends on it", name(process), name(by))
        }
        Need::Elsewhere { process, by } => {
            format!("{} was left out, so it runs elsewhere: {} does not wait for it", name(process), name(by))
        }
    }
}
