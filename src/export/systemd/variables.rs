//! The variables of an app as env files: those of all, of a process type, of an instance; and of each the secrets apart.

use super::env_file::{assignment, stranger};
use super::names::Names;
use super::unit::Unit;
use crate::export::{App, Brief, Draft, Instance, Process, Variable, shell};
use std::collections::BTreeMap;

/// Says how the files get to where the units look for them.
pub(super) fn tell_what_is_next(app: &App, from: &str, draft: &mut Draft) {
    let name = &app.name;
    let directory = format!("{name}/");
    let paths = draft.paths();
    let files = paths.iter().filter_map(|path| path.strip_prefix(&directory));
    let (secrets, config): (Vec<&str>, Vec<&str>) = files.partition(|file| file.starts_with("secrets."));
    if !(secrets.is_empty() && config.is_empty()) {
        draft.next(format!("sudo mkdir -p /etc/{name}"));
    }
    if !config.is_empty() {
        // Named one by one: there may be files of an earlier export beside them.
        let files: Vec<String> = config.iter().map(|file| format!("{from}/{name}/{file}")).collect();
        draft.next(format!("sudo install -m 0600 {} /etc/{name}/", files.join(" ")));
    }
    for file in secrets {
        let to = format!("/etc/{name}/{}", file.trim_end_matches(".example"));
        let install = format!("sudo install -m 0600 {from}/{name}/{file}");
        draft.next(shell::install_once(app, file, &install, &to));
    }
}

/// Whose variables they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'a> {
    /// Everybody's.
    All(&'a App),
    /// Those of a process type.
    Process(&'a Process),
    /// Those of an instance.
    Instance(&'a Process, &'a Instance),
}

impl<'a> Whose<'a> {
    fn variables(self) -> &'a BTreeMap<String, Variable> {
        match self {
            Self::All(app) => &app.variables,
            Self::Process(process) => &process.variables,
            Self::Instance(_, instance) => &instance.variables,
        }
    }

    fn missing(self) -> &'a [String] {
        match self {
            Self::All(app) => &app.missing,
            Self::Process(_) | Self::Instance(..) => &[],
        }
    }

    fn process(self) -> Option<&'a str> {
        match self {
            Self::All(_) => None,
            Self::Process(process) | Self::Instance(process, _) => Some(&process.name),
        }
    }

    /// The file that they are in. No process type has a dot in its name, so none takes the place of another.
    fn file(self, kind: &str) -> String {
        match self {
            Self::All(_) => format!("{kind}.env"),
            Self::Process(process) => format!("{kind}.{}.env", process.name),
            Self::Instance(process, instance) => format!("{kind}.{}.{}.env", process.name, instance.number),
        }
    }

    /// Those of them that systemd can set and the shell hands on, secrets or not.
    fn usable(self, is_secret: bool) -> impl Iterator<Item = (&'a String, &'a Variable)> {
        let is_usable = move |(name, variable): &(&String, &Variable)| {
            shell::hands_on(name) && variable.is_secret == is_secret
        };
        self.variables().iter().filter(is_usable)
    }

    /// The secrets that are not known here.
    fn unknown(self) -> impl Iterator<Item = &'a String> {
        self.missing().iter().filter(|name| shell::hands_on(name))
    }

    /// Has a unit read the files; as an env file beats `Environment=`, whoever has the narrower view comes last.
    pub(super) fn name_files(self, names: Names<'_>, unit: &mut Unit) {
        if self.usable(false).next().is_some() && !matches!(self, Self::Instance(..)) {
            unit.set("EnvironmentFile", &names.installed(&self.file("config")));
        }
        if self.usable(true).next().is_some() || self.unknown().next().is_some() {
            unit.set("EnvironmentFile", &names.installed(&self.file("secrets")));
        }
    }

    /// What of an instance's own stands in its unit: what is no secret.
    pub(super) fn in_unit(self) -> impl Iterator<Item = (&'a String, &'a Variable)> {
        self.usable(false).filter(move |_| matches!(self, Self::Instance(..)))
    }

    /// Writes the files, and notes what cannot be in them.
    pub(super) fn write_files(self, names: Names<'_>, brief: &Brief, draft: &mut Draft) {
        self.check(brief, draft);
        let directory = names.app;
        if !matches!(self, Self::Instance(..)) {
            let lines: String =
                self.usable(false).map(|(name, each)| assignment(name, &each.value)).collect();
            if !lines.is_empty() {
                let file = self.file("config");
                let head = format!("# Made by proc export for {}.\n", names.installed(&file));
                draft.file(format!("{directory}/{file}"), head + &lines);
            }
        }
        let file = self.file("secrets");
        let head = format!("# Made by proc export for {}", names.installed(&file));
        if brief.include_secret_values {
            let mut lines: String =
                self.usable(true).map(|(name, each)| assignment(name, &each.value)).collect();
            lines.extend(self.unknown().flat_map(|name| [name.as_str(), "=\n"]));
            if !lines.is_empty() {
                draft.file(format!("{directory}/{file}"), format!("{head}.\n{lines}"));
            }
        } else {
            let known = self.usable(true).map(|(name, _)| name);
            let lines: String = known.chain(self.unknown()).flat_map(|name| [name.as_str(), "=\n"]).collect();
            if !lines.is_empty() {
                let text = format!(
                    "{head}, which wants values:\n# KEY=\"value\", with a \\ before \" \\ ` $.\n{lines}"
                );
                draft.file(format!("{directory}/{file}.example"), text);
            }
        }
    }

    fn check(self, brief: &Brief, draft: &mut Draft) {
        for (name, variable) in self.variables() {
            let is_written = !variable.is_secret || brief.include_secret_values;
            if shell::is_plain(name) && !shell::hands_on(name) {
                let why = "the shell that runs the command keeps a variable of this name for itself";
                draft.lose(self.process(), name, why, Some("give it another name"));
            } else if !shell::is_plain(name) {
                let why = "systemd sets no variable of such a name";
                draft.lose(
                    self.process(),
                    name,
                    why,
                    Some("give it a name of letters, digits and `_`, or read it from a file"),
                );
            } else if let Some(char) = stranger(&variable.value).filter(|_| is_written) {
                let why =
                    format!("systemd leaves a variable out that has {} in its value", char.escape_unicode());
                draft.refuse(self.process(), name, why, Some("put it into a file, or encode it"));
            }
        }
    }
}
