//! Going over to another plan while the run goes on: more or fewer of a type (`proc scale`), or other files (`proc reload`).

use super::Engine;
use super::desk::refused;
use super::reload::{Reload, environment_words};
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::procfile::ProcessType;
use crate::model::request::{Refusal, RefusalKind};
use crate::model::settings::Settings;
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
    /// What was said last that is no change.
    notices: Vec<String>,
    /// Whether there was another plan before this one.
    pub(super) has_replanned: bool,
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
        for change in &changes {
            self.say(None, &format!("reload: {}", change.what));
        }
        if self.planner.notices != notices {
            for notice in &notices {
                self.say(None, &format!("reload: {notice}"));
            }
            self.planner.notices = notices;
        }
        Ok(changes.into_iter().map(|change| change.what + &change.detail).collect())
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
        self.planner.has_replanned = true;
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

    /// What is otherwise in another plan; and the instances that have to start anew for it.
    fn differences(&self, new: &Plan) -> (Vec<Difference>, BTreeSet<InstanceId>) {
        let (mut all, mut renewed) = (Vec::new(), BTreeSet::new());
        if self.plan.exit_on != new.exit_on {
            all.push(Difference::of("on_exit changed"));
        }
        for (index, each) in new.types.iter().enumerate() {
            let was_there = index < self.plan.types.len() && !self.plan.gone.contains(&index);
            let is_there = !new.gone.contains(&index);
            let mut say = |difference: Difference| all.push(difference.with(&each.name));
            match (was_there, is_there) {
                (false, false) => {}
                (true, false) => say(Difference::of("gone")),
                (false, true) => say(appeared(each, new.count(index))),
                (true, true) => {
                    self.differences_of(index, new, &mut renewed).into_iter().for_each(say);
                }
            }
        }
        (all, renewed)
    }

    /// What is otherwise with a process type; its instances that have to start anew for it are added to `renewed`.
    fn differences_of(
        &self,
        process: usize,
        new: &Plan,
        renewed: &mut BTreeSet<InstanceId>,
    ) -> Vec<Difference> {
        let first = InstanceId { process, number: 1 };
        let mut changes: Vec<Difference> = Vec::new();
        let mut note = |change: Difference| {
            if !changes.contains(&change) {
                changes.push(change);
            }
        };
        let ids: Vec<InstanceId> = new.instances.keys().copied().filter(|id| id.process == process).collect();
        for id in &ids {
            // Whoever has no process will be started with what is new anyway.
            let has_process = self.children.leader(*id).is_some();
            let before = if has_process { self.given(*id) } else { &self.plan };
            let anew = anew(*id, before, new);
            let is_through = !has_process && new.settings(*id).is_oneshot;
            if !anew.is_empty() && !is_through {
                renewed.insert(*id);
            }
            anew.into_iter().for_each(&mut note);
        }
        if ids.is_empty() {
            anew(first, &self.plan, new).into_iter().for_each(&mut note);
        }
        let live = changed(&live(self.plan.settings(first), new.settings(first)));
        if let Some(text) = live {
            note(Difference::of(format!("{text} (without a restart)")));
        }
        let (was, is) = (self.plan.count(process), new.count(process));
        if was != is {
            note(Difference::of(format!("{is} instead of {was}")));
        }
        changes
    }
}

/// Something that is otherwise with another plan.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    /// What, for everybody: it stays in the log.
    what: String,
    /// More of it, for whoever asked: a command may hold what is no affair of others.
    detail: String,
}

impl Difference {
    fn of(what: impl Into<String>) -> Self {
        Self { what: what.into(), detail: String::new() }
    }

    /// The same, with the process type that it is about.
    fn with(self, process_type: &str) -> Self {
        Self { what: format!("{process_type}: {}", self.what), ..self }
    }
}

/// A process type that there was not.
fn appeared(each: &ProcessType, count: u16) -> Difference {
    let none = if count > 0 {
        String::new()
    } else {
        format!(" (none is started; `proc scale {}=1` does)", each.name)
    };
    Difference { what: "new".into(), detail: format!(": `{}`{none}", each.command.text()) }
}

/// What is otherwise with an instance so that it has to start anew.
fn anew(id: InstanceId, before: &Plan, new: &Plan) -> Vec<Difference> {
    let mut changes = Vec::new();
    let command = |plan: &Plan| plan.types.get(id.process).map(|each| each.command.text().to_owned());
    if let (Some(was), Some(is)) = (command(before), command(new))
        && was != is
    {
        changes
            .push(Difference { what: "command changed".into(), detail: format!(": `{was}` is `{is}` now") });
    }
    changes.extend(environment_words(id, before, new).map(Difference::of));
    let (was, is) = (before.settings(id), new.settings(id));
    let fields = [
        ("readiness", was.readiness != is.readiness),
        ("liveness", was.liveness != is.liveness),
        ("working_dir", before.directory(id) != new.directory(id)),
        ("port", was.port != is.port),
        ("tty", was.tty != is.tty),
    ];
    changes.extend(changed(&fields).map(Difference::of));
    changes
}

/// The settings that count from here on, whether a process runs or not.
fn live(was: &Settings, is: &Settings) -> [(&'static str, bool); 8] {
    [
        ("depends_on", was.depends_on != is.depends_on),
        ("restart", was.restart != is.restart),
        ("success_exit_codes", was.success_exit_codes != is.success_exit_codes),
        ("on_exit", was.on_exit != is.on_exit),
        ("stop", was.stop != is.stop),
        ("type", was.is_oneshot != is.is_oneshot),
        ("watch", was.watch != is.watch),
        ("log", was.is_hidden != is.is_hidden),
    ]
}

/// The names of what has changed, in words.
fn changed(fields: &[(&str, bool)]) -> Option<String> {
    let names: Vec<&str> =
        fields.iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| format!("{} changed", names.join(", ")))
}
