//! An app as it is exported: its plan without this machine.
//!
//! What was inherited from the environment that we were started in is of this machine, and stays here; so do the files of the laptop
//! that processes are restarted for. Everything else of the plan is carried to the writers, which say what they cannot carry on.

use super::Draft;
use crate::model::command::Command;
use crate::model::environment::{Environment, GrowthError, Origin};
use crate::model::instance::InstanceId;
use crate::model::plan::{self, Plan};
use crate::model::policy::Target;
use crate::model::port;
use crate::model::secret::Secrets;
use crate::model::settings::{Condition, RestartWhen, Settings};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The longest string that Linux hands to a program, in bytes, its NUL included: `MAX_ARG_STRLEN`, execve(2).
const LONGEST: usize = 128 * 1024;

/// An app, to be exported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct App {
    /// What it is called: small letters, digits and `-`.
    pub name: String,
    /// Where it is on this machine; an absolute path.
    pub root: PathBuf,
    /// Its process types, in the order of the Procfile; none but what is exported in some way.
    pub processes: Vec<Process>,
    /// The variables that all processes have, with the same value: those of env files and `-E`.
    pub variables: BTreeMap<String, Variable>,
    /// The variables that tell everybody where the others listen (`PROC_WEB_PORT`).
    pub ports: BTreeMap<String, u16>,
    /// The variables that `.env.example` asks for and nobody sets.
    pub missing: Vec<String>,
}

/// A process type, to be exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// `[A-Za-z0-9_-]+`, at most 63 bytes.
    pub name: String,
    /// What it runs.
    pub command: Command,
    /// What it is to the app.
    pub role: Role,
    /// Where it is not empty: it belongs to development, or whatever these profiles are for, and was not asked for.
    pub profiles: Vec<String>,
    /// Its instances, at least one.
    pub instances: Vec<Instance>,
    /// How many there may be, where that is more than there are.
    pub most: Option<u16>,
    /// Whether it listens on its PORT: by its name, its command, or because a probe expects it.
    pub listens: bool,
    /// The variables that not all processes have, or not with this value; they beat those of all.
    pub variables: BTreeMap<String, Variable>,
    /// What it waits for.
    pub depends_on: Vec<Dependency>,
    /// After which ends it is started again; none: nobody has said, so that the target's custom is right.
    pub restart: Option<RestartWhen>,
    /// How it behaves otherwise. Its `depends_on` are indices of the plan: [`Process::depends_on`] is to be used.
    pub settings: Settings,
}

/// What a process type is to an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It runs for as long as the app does.
    Service,
    /// It runs once at each start, and ends (`type = "oneshot"`).
    Task,
    /// It runs once for each release, before everything that does not have to run for it.
    Release,
    /// It runs when somebody asks for it (`migrate`, `console`).
    OneOff,
}

/// One instance of a process type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// From 1.
    pub number: u16,
    /// What it finds in PORT.
    pub port: Option<u16>,
    /// The variables of env files that are its own, for they refer to PORT or the like; they beat those of the process type.
    pub variables: BTreeMap<String, Variable>,
}

/// Something that a process type waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The process type, as an index of [`App::processes`].
    pub process: usize,
    /// What must be so.
    pub condition: Condition,
}

/// A value of a variable.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value, which may be a secret.
    pub value: String,
    /// Whether it is one.
    pub is_secret: bool,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable").field("is_secret", &self.is_secret).finish_non_exhaustive()
    }
}

/// What an export has to know beyond the plan.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// What the app is called.
    pub name: String,
    /// The profiles of each process type of the plan that was not asked for; empty for all others.
    pub profiles: Vec<Vec<String>>,
    /// What was said of the restarts of each.
    pub restarts: Vec<Option<RestartWhen>>,
    /// How many there may be of a type, by name.
    pub most: BTreeMap<String, u16>,
    /// Which values are secrets.
    pub secrets: Secrets,
    /// The variables that `.env.example` asks for and nobody sets.
    pub missing: Vec<String>,
}

impl Process {
    /// How many instances there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.instances.len()
    }

    /// The port of its first instance.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.instances.first()?.port
    }

    /// Whether it is only in the app where one of its profiles is asked for.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        !self.profiles.is_empty()
    }
}

impl App {
    /// What is left of a plan elsewhere; what does not come along is noted in the draft.
    pub fn of(plan: &Plan, extra: &Extra, draft: &mut Draft) -> Result<Self, GrowthError> {
        let reader = Reader { plan, extra };
        let exported: Vec<(usize, Role)> =
            (0..plan.types.len()).filter_map(|index| Some((index, reader.role(index)?))).collect();
        let mut processes = Vec::new();
        for (index, role) in &exported {
            processes.push(reader.process(*index, *role, &exported, draft)?);
        }
        let variables = take_what_all_have(&mut processes);
        let ports = plan::variables(&plan.types, &plan.settings, plan.base_port, "", 1, None)
            .into_iter()
            .filter_map(|(name, port)| Some((name, port.parse().ok()?)))
            .filter(|(name, _)| name != "PROC_INSTANCE");
        Ok(Self {
            name: extra.name.clone(),
            root: plan.root.clone(),
            processes,
            variables,
            ports: ports.collect(),
            missing: extra.missing.clone(),
        })
    }

    /// All variables that a process type has from env files and `-E`, but for those that differ from instance to instance.
    #[must_use]
    pub fn variables_of(&self, process: &Process) -> BTreeMap<String, Variable> {
        let mut variables = self.variables.clone();
        variables.extend(process.variables.clone());
        variables
    }

    /// Notes what no target can be told, and what is to be looked at in any.
    pub(super) fn check(&self, target: Target, draft: &mut Draft) {
        for variable in &self.missing {
            let why = ".env.example asks for it, and nothing here sets it";
            draft.lose(None, variable, why, Some("set it where the app is going to run"));
        }
        for process in &self.processes {
            process.check(target, draft);
            check_lengths(Some(&process.name), &process.variables, draft);
            for instance in &process.instances {
                check_lengths(Some(&process.name), &instance.variables, draft);
            }
        }
        check_lengths(None, &self.variables, draft);
        if target.is_of_containers() {
            self.check_addresses(draft);
        }
    }

    /// What is on this machine is not in a container.
    fn check_addresses(&self, draft: &mut Draft) {
        let of_all = self.variables.iter().map(|(name, variable)| (None, name, variable));
        let own = self.processes.iter().flat_map(|process| {
            process.variables.iter().map(|(name, variable)| (Some(process.name.as_str()), name, variable))
        });
        for (process, name, variable) in of_all.chain(own) {
            if is_about_this_machine(&variable.value) {
                let why =
                    "its value names this machine (localhost), which to a container is the container itself";
                draft.lose(
                    process,
                    name,
                    why,
                    Some("export with the host name that it has there: -E NAME=VALUE, or -e FILE"),
                );
            }
        }
        for process in self.processes.iter().filter(|process| process.listens) {
            if is_about_this_machine(process.command.text()) {
                let why = "its command names this machine (localhost): nobody outside of its container reaches what listens there";
                draft.lose(Some(&process.name), "command", why, Some("have it listen on 0.0.0.0"));
            }
        }
    }
}

impl Process {
    fn check(&self, target: Target, draft: &mut Draft) {
        let name = Some(self.name.as_str());
        if self.command.text().len() >= LONGEST {
            draft.refuse(
                name,
                "command",
                "it is longer than 128 KiB: Linux cannot run it",
                Some("put it into a script"),
            );
        }
        if self.settings.watch.is_some() {
            draft.lose(name, "watch", "files do not change where an app is deployed", None);
        }
        if self.settings.tty == Some(true) {
            draft.lose(name, "tty", "there is no terminal where an app is deployed", None);
        }
        if self.settings.is_hidden {
            draft.lose(name, "log", "the logs of all are kept there", None);
        }
        if let Some(most) = self.most.filter(|_| target != Target::Kubernetes) {
            let why = format!("{target} has no ranges: there are {} of up to {most}", self.count());
            draft.lose(name, "formation", why, None);
        }
    }
}

/// Whether a value or a command refers to an address of this machine only.
fn is_about_this_machine(text: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| text.contains(name))
}

fn check_lengths(process: Option<&str>, variables: &BTreeMap<String, Variable>, draft: &mut Draft) {
    for (name, variable) in variables {
        if name.len() + 1 + variable.value.len() >= LONGEST {
            let why = "it is larger than 128 KiB: Linux cannot hand it to a process";
            draft.refuse(
                process,
                name,
                why,
                Some("put it into a file, and the name of that into the variable"),
            );
        }
    }
}

/// Takes the variables out of the process types that all of them have with the same value.
fn take_what_all_have(processes: &mut [Process]) -> BTreeMap<String, Variable> {
    let Some((first, others)) = processes.split_first() else { return BTreeMap::new() };
    let mut common = first.variables.clone();
    common.retain(|name, variable| others.iter().all(|each| each.variables.get(name) == Some(variable)));
    for process in processes {
        process.variables.retain(|name, _| !common.contains_key(name));
    }
    common
}

struct Reader<'a> {
    plan: &'a Plan,
    extra: &'a Extra,
}

impl Reader<'_> {
    /// What a type of the plan is to the app; none: it is not in it.
    fn role(&self, index: usize) -> Option<Role> {
        let plan = self.plan;
        let name = &plan.types.get(index)?.name;
        let is_started = plan.instances.keys().any(|id| id.process == index);
        let is_asleep = self.extra.profiles.get(index).is_some_and(|profiles| !profiles.is_empty());
        if name == "release" && (is_started || plan.left_out.contains(&index)) {
            Some(Role::Release)
        } else if is_started || is_asleep {
            Some(if plan.settings.get(index).is_some_and(|each| each.is_oneshot) {
                Role::Task
            } else {
                Role::Service
            })
        } else {
            plan.left_out.contains(&index).then_some(Role::OneOff)
        }
    }

    fn process(
        &self,
        index: usize,
        role: Role,
        exported: &[(usize, Role)],
        draft: &mut Draft,
    ) -> Result<Process, GrowthError> {
        let plan = self.plan;
        let each = &plan.types[index];
        let started = plan.instances.keys().filter(|id| id.process == index).map(|id| id.number);
        let numbers: Vec<u16> = match role {
            Role::Service => started.collect(),
            Role::Task | Role::Release | Role::OneOff => vec![1],
        };
        let numbers = if numbers.is_empty() { vec![1] } else { numbers };
        let mut instances = Vec::new();
        for number in numbers {
            let id = InstanceId { process: index, number };
            let port = plan.base_port.and_then(|base| port::of(base, &plan.settings, index, number));
            let port = self.port_of_all().unwrap_or(port);
            instances.push(Instance { number, port, variables: self.variables(id, port, draft)? });
        }
        let variables = take_what_instances_share(&mut instances);
        let settings = plan.settings(InstanceId { process: index, number: 1 }).clone();
        let depends_on = settings.depends_on.iter().filter_map(|dependency| {
            let process = exported.iter().position(|(index, _)| *index == dependency.process)?;
            Some(Dependency { process, condition: dependency.condition })
        });
        Ok(Process {
            name: each.name.clone(),
            command: each.command.clone(),
            role,
            profiles: self.extra.profiles.get(index).cloned().unwrap_or_default(),
            instances,
            most: self.extra.most.get(&each.name).copied(),
            listens: plan.wants_its_port(InstanceId { process: index, number: 1 }),
            variables,
            depends_on: depends_on.collect(),
            restart: self.extra.restarts.get(index).copied().flatten(),
            settings,
        })
    }

    /// The PORT that `-E` gives to everybody; the inner one is none if that is no port.
    fn port_of_all(&self) -> Option<Option<u16>> {
        let (_, value) = self.plan.environment.set.iter().rev().find(|(name, _)| name == "PORT")?;
        Some(value.to_str().and_then(|value| value.parse().ok()))
    }

    /// What an instance has from env files and `-E`. PORT is none of it: each instance has its own.
    fn variables(
        &self,
        id: InstanceId,
        port: Option<u16>,
        draft: &mut Draft,
    ) -> Result<BTreeMap<String, Variable>, GrowthError> {
        let plan = self.plan;
        let process = plan.types.get(id.process).map_or("?", |each| each.name.as_str());
        let ours = plan::variables(&plan.types, &plan.settings, plan.base_port, process, id.number, port);
        // The files are above what was inherited: that only fills in what they leave to it.
        let here =
            Environment { files_override: true, ..plan.environment.of(plan.settings(id)).into_owned() };
        let elsewhere = Environment { inherited: Vec::new(), ..here.clone() };
        let (here, elsewhere) = (here.resolve(&ours)?, elsewhere.resolve(&ours)?);
        let mut variables = BTreeMap::new();
        for (name, variable) in here {
            let is_ours = name == OsStr::new("PORT");
            if is_ours || matches!(variable.origin, Origin::Proc | Origin::Inherited) {
                continue;
            }
            let (name, value) = match texts(&name, &variable.value) {
                Ok(texts) => texts,
                Err(name) => {
                    draft.refuse(Some(process), &name, "its value is not UTF-8", None);
                    continue;
                }
            };
            if elsewhere.get(OsStr::new(&name)).is_none_or(|other| other.value != value.as_str()) {
                let why = "its value was made with a variable of the environment that this was exported in";
                draft.lose(None, &name, why, Some("look whether it is right where the app is going to run"));
            }
            let is_secret = self.extra.secrets.hold(&name, &value);
            variables.insert(name, Variable { value, is_secret });
        }
        Ok(variables)
    }
}

/// A name and a value as text, or the name of a value that is none.
fn texts(name: &OsString, value: &OsString) -> Result<(String, String), String> {
    let name = String::from_utf8_lossy(name.as_bytes()).into_owned();
    match value.to_str() {
        Some(value) => Ok((name, value.to_owned())),
        None => Err(name),
    }
}

/// Takes the variables out of the instances that all of them have with the same value.
fn take_what_instances_share(instances: &mut [Instance]) -> BTreeMap<String, Variable> {
    let Some((first, others)) = instances.split_first() else { return BTreeMap::new() };
    let mut common = first.variables.clone();
    common.retain(|name, variable| others.iter().all(|each| each.variables.get(name) == Some(variable)));
    for instance in instances {
        instance.variables.retain(|name, _| !common.contains_key(name));
    }
    common
}
