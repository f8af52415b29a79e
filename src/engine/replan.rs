//! Going over to another plan while the run goes on: more or fewer of a type (`proc scale`), or other files (`proc reload`).

use super::Engine;
use super::desk::refused;
use super::reload::{Reload, environment_words};
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::request::{Refusal, RefusalKind};
use crate::model::settings::{DEFAULTS, Settings};
use crate::output::Label;
use crate::supervisor::{Event, Replan};
use crate::unix::listener;
use crate::watch::Watcher;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What the files of the app say now.
pub struct Replanned {
    /// The plan; a process type has the index that it had before.
    pub plan: Plan,
    /// The process types, as indices, whose output is not shown.
    pub quiet: BTreeSet<usize>,
    /// What was not as one might think.
    pub notices: Vec<String>,
    /// What reads the env files from here on.
    pub reload: Reload,
    /// Watches the files that processes are restarted for from here on.
    pub watcher: Option<Watcher>,
}

/// Reads all files of the app again, or says what is wrong with them, each in words of a line or more. It is given the plan that the run goes by,
/// and how many there are to be of those types that were scaled. Only the command line reads files: the engine is given this.
pub type Replanning = Box<dyn FnMut(&Plan, &BTreeMap<String, u16>) -> Result<Replanned, Vec<String>>>;

/// What is needed for another plan.
#[derive(Default)]
pub(super) struct Planner {
    read: Option<Replanning>,
    /// How many there are to be of the types that somebody has scaled.
    scaled: BTreeMap<String, u16>,
}

impl Engine {
    /// The same engine, which can read the files of the app again.
    #[must_use]
    pub fn replanning(mut self, read: Replanning) -> Self {
        self.planner.read = Some(read);
        self
    }

    /// Changes how many instances there are; how many there are then.
    pub(super) fn scale(&mut self, changes: &[String]) -> Result<Vec<(String, u16)>, Refusal> {
        let counts = self.plan.scale(changes)?;
        if counts.is_empty() {
            return Ok(self.plan.formation());
        }
        self.refuse_when_stopping()?;
        let plan = self.plan.scaled(&counts)?;
        self.refuse_taken_ports(&plan)?;
        for (process, count) in counts {
            if let Some(each) = plan.types.get(process) {
                self.planner.scaled.insert(each.name.clone(), count);
            }
        }
        let formation = plan.formation();
        self.adopt(plan, BTreeSet::new());
        Ok(formation)
    }

    /// Reads the files again and changes what differs; the differences.
    pub(super) fn reload(&mut self) -> Result<Vec<String>, Refusal> {
        self.refuse_when_stopping()?;
        let Some(read) = &mut self.planner.read else {
            return Err(refused(RefusalKind::Conflict, "this run has no files to read again"));
        };
        let replanned = read(&self.plan, &self.planner.scaled)
            .map_err(|mistakes| refused(RefusalKind::Conflict, mistakes.join("\n")))?;
        self.refuse_taken_ports(&replanned.plan)?;
        let Replanned { plan, quiet, notices, reload, watcher } = replanned;
        let (changes, renewed) = self.differences(&plan);
        self.console.quiet = quiet;
        self.reader.replace(reload);
        self.watcher = watcher;
        self.adopt(plan, renewed);
        let texts: Vec<String> = changes.into_iter().chain(notices).collect();
        for text in &texts {
            self.say(None, &format!("reload: {text}"));
        }
        Ok(texts)
    }

    /// Goes by this plan from here on.
    fn adopt(&mut self, plan: Plan, renewed: BTreeSet<InstanceId>) {
        let plan = Rc::new(plan);
        for id in plan.instances.keys() {
            self.console.labels.entry(*id).or_insert_with(|| Label::of(&plan, *id));
            self.children.name(*id, plan.name(*id));
        }
        let names = self.console.labels.values().map(|label| label.process.len());
        self.console.margin = self.console.mux.widen(names.max().unwrap_or(0));
        let replan = Replan {
            instances: plan.instances.keys().copied().collect(),
            renewed,
            settings: plan.settings.clone(),
            exit_on: plan.exit_on,
        };
        self.plan = plan;
        self.drop_focus_on_nobody();
        self.events.push_back(Event::Replanned(replan));
    }

    /// Refuses a plan in which a new instance is sure to want a port that somebody else has.
    fn refuse_taken_ports(&self, plan: &Plan) -> Result<(), Refusal> {
        let is_ours = |port: u16| self.plan.instances.values().any(|ours| *ours == Some(port));
        for (id, port) in plan.instances.iter().filter_map(|(id, port)| Some((*id, (*port)?))) {
            let is_new = !self.plan.instances.contains_key(&id) && self.children.leader(id).is_none();
            if is_new && !is_ours(port) && plan.wants_its_port(id) && listener::is_taken(port) {
                let by = listener::holder(port).map_or(String::new(), |holder| holder.words());
                let message = format!("port {port} of {} is taken{by}", plan.name(id));
                return Err(refused(RefusalKind::Conflict, message));
            }
        }
        Ok(())
    }

    /// What is otherwise in another plan, in words; and the instances that have to start anew for it.
    fn differences(&self, new: &Plan) -> (Vec<String>, BTreeSet<InstanceId>) {
        let (mut texts, mut renewed) = (Vec::new(), BTreeSet::new());
        for (index, each) in new.types.iter().enumerate() {
            let was_there = index < self.plan.types.len() && !self.plan.gone.contains(&index);
            let is_there = !new.gone.contains(&index);
            let mut say = |text: String| texts.push(format!("{}: {text}", each.name));
            match (was_there, is_there) {
                (false, false) => {}
                (true, false) => say("gone".into()),
                (false, true) => say(format!("new: `{}`", each.command.text())),
                (true, true) => {
                    let (changes, is_renewed) = self.differences_of(index, new);
                    changes.into_iter().for_each(say);
                    let ids = new.instances.keys().filter(|id| id.process == index && is_renewed);
                    renewed.extend(ids.copied());
                }
            }
        }
        (texts, renewed)
    }

    /// What is otherwise with a process type, and whether its instances have to start anew for it.
    fn differences_of(&self, process: usize, new: &Plan) -> (Vec<String>, bool) {
        let id = InstanceId { process, number: 1 };
        let started = self.given(id);
        let mut changes = Vec::new();
        let command = |plan: &Plan| plan.types.get(process).map(|each| each.command.text().to_owned());
        if let (Some(before), Some(now)) = (command(started), command(new))
            && before != now
        {
            changes.push(format!("command changed: `{before}` is `{now}` now"));
        }
        changes.extend(environment_words(id, started, new));
        let (before, now) = (settings(started, process), settings(new, process));
        let anew = [
            ("readiness", before.readiness != now.readiness),
            ("liveness", before.liveness != now.liveness),
            ("working_dir", started.directory(id) != new.directory(id)),
            ("port", before.port != now.port),
            ("tty", before.tty != now.tty),
        ];
        changes.extend(changed(&anew));
        let is_renewed = !changes.is_empty();
        let live = [
            ("depends_on", before.depends_on != now.depends_on),
            ("restart", before.restart != now.restart),
            ("success_exit_codes", before.success_exit_codes != now.success_exit_codes),
            ("on_exit", before.on_exit != now.on_exit),
            ("stop", before.stop != now.stop),
            ("watch", before.watch != now.watch),
            ("log", before.is_hidden != now.is_hidden),
        ];
        changes.extend(changed(&live).map(|text| format!("{text} (without a restart)")));
        let (was, is) = (self.plan.count(process), new.count(process));
        if was != is {
            changes.push(format!("{is} instead of {was}"));
        }
        (changes, is_renewed)
    }
}

fn settings(plan: &Plan, process: usize) -> &Settings {
    plan.settings.get(process).unwrap_or(&DEFAULTS)
}

/// The names of what has changed, in words.
fn changed(fields: &[(&str, bool)]) -> Option<String> {
    let names: Vec<&str> =
        fields.iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| format!("{} changed", names.join(", ")))
}
