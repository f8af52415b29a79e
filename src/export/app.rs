//! An app as it is exported: its plan without this machine.
//!
//! What was inherited from the environment that we were started in is of this machine, and stays here; so do the files of the laptop
//! that processes are restarted for. Everything else of the plan is carried to the writers, which say what they cannot carry on.

use super::{Brief, Draft};
use crate::model::command::Command;
use crate::model::policy::Target;
use crate::model::secret;
use crate::model::settings::{Condition, RestartWhen, Settings};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
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
    /// Whether a restart of the one restarts the other.
    pub restart: bool,
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

    /// The variables that are its own, and those of its instances.
    pub fn every_variable(&self) -> impl Iterator<Item = (&String, &Variable)> {
        self.variables.iter().chain(self.instances.iter().flat_map(|each| &each.variables))
    }

    /// Whether it is only in the app where one of its profiles is asked for.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        !self.profiles.is_empty()
    }
}

impl App {
    /// All variables that a process type has from env files and `-E`, but for those that differ from instance to instance.
    #[must_use]
    pub fn variables_of(&self, process: &Process) -> BTreeMap<String, Variable> {
        let mut variables = self.variables.clone();
        variables.extend(process.variables.clone());
        variables
    }

    /// Notes what no target can be told, and what is to be looked at in any.
    pub(super) fn check(&self, target: Target, brief: &Brief, draft: &mut Draft) {
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
        if !brief.include_secret_values {
            self.tell_of_secrets(draft);
        }
        if target.is_of_containers() {
            self.check_addresses(draft);
        }
    }

    /// The values of secrets are not written; all of them in one line.
    fn tell_of_secrets(&self, draft: &mut Draft) {
        let own = self.processes.iter().flat_map(Process::every_variable);
        let secrets = self.variables.iter().chain(own).filter(|(_, variable)| variable.is_secret);
        let names: BTreeSet<&str> = secrets.map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            return;
        }
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let advice = "fill them in where the app is going to run, or export with --include-secret-values";
        draft.lose(None, "secrets", format!("these values are not written: {names}"), Some(advice));
    }

    /// What is on this machine is not in a container.
    fn check_addresses(&self, draft: &mut Draft) {
        let of_all = self.variables.iter().map(|(name, variable)| (None, name, variable));
        let own = self.processes.iter().flat_map(|process| {
            process.every_variable().map(|(name, variable)| (Some(process.name.as_str()), name, variable))
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
            let variables = self.variables_of(process);
            let command = without_defaults(process.command.text(), |name| variables.contains_key(name));
            if is_about_this_machine(&command) {
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
        if matches!(secret::masked("", self.command.text()), Cow::Owned(_)) {
            let why = "it has a password in it, which is in the files then";
            draft.lose(name, "command", why, Some("put it into a variable of the env file"));
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

/// A command line without what it says for the case that a variable is not set (`${BIND:-127.0.0.1}`), where it is.
fn without_defaults(text: &str, is_set: impl Fn(&str) -> bool) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        kept.push_str(before);
        let default = after.split_once(":-").filter(|(name, _)| is_set(name));
        rest = default.and_then(|(_, default)| default.split_once('}')).map_or(after, |(_, after)| after);
    }
    kept + rest
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_none_where_the_variable_is_set() {
        let of = |text| without_defaults(text, |name| name == "BIND");
        assert_eq!(of("a --bind ${BIND:-127.0.0.1}:$PORT b"), "a --bind :$PORT b");
        assert_eq!(of("a ${HOST:-localhost} ${BIND:-[::1]}${BIND:-x"), "a HOST:-localhost} BIND:-x");
        assert_eq!(of("a"), "a");
    }
}
