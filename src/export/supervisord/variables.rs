//! The variables of an app, in files that the launchers read.

use super::super::shell::{assignments, is_name};
use super::super::{App, Brief, Draft, Process, Variable};
use std::collections::BTreeMap;

/// Variables that belong together.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Lines that set those that are no secrets.
    pub(super) assignments: String,
    /// The file that has the secrets.
    pub(super) file: Option<String>,
}

/// Where a launcher finds its variables; the later wins.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The files that all launchers read.
    pub(super) shared: Vec<String>,
    /// What its process type has besides.
    pub(super) own: Source,
    /// What some of its instances have besides, by their number.
    pub(super) by_instance: BTreeMap<u16, Source>,
}

/// Writes the files of variables.
pub(super) struct Files<'a> {
    pub(super) app: &'a App,
    pub(super) brief: &'a Brief,
    /// The files of secrets that somebody has to make before anything runs.
    pub(super) to_be_filled_in: Vec<String>,
    shared: Vec<String>,
}

impl<'a> Files<'a> {
    /// Writes those that all process types have.
    pub(super) fn write(app: &'a App, brief: &'a Brief, draft: &mut Draft) -> Self {
        let mut files = Self { app, brief, to_be_filled_in: Vec::new(), shared: Vec::new() };
        let Source { assignments, file } =
            files.source(None, "secrets.env", &app.variables, &app.missing, draft);
        let ports =
            app.ports.iter().map(|(name, port)| format!("{name}={port}\n")).collect::<Vec<_>>().concat();
        if !(ports.is_empty() && assignments.is_empty()) {
            let header = format!("# The variables of {}. Made by `proc export supervisord`.\n", app.name);
            draft.file("config.env", header + &ports + &assignments);
            files.shared.push("config.env".to_owned());
        }
        files.shared.extend(file);
        files
    }

    /// Where the launcher of a process type finds its variables; writes the files that only that has.
    pub(super) fn sources(&mut self, process: &Process, draft: &mut Draft) -> Sources {
        let name = &process.name;
        let own = format!("{name}.secrets.env");
        let own = self.source(Some(name), &own, &process.variables, &[], draft);
        let mut by_instance = BTreeMap::new();
        for instance in process.instances.iter().filter(|instance| !instance.variables.is_empty()) {
            let own = format!("{name}.{}.secrets.env", instance.number);
            let source = self.source(Some(name), &own, &instance.variables, &[], draft);
            by_instance.insert(instance.number, source);
        }
        Sources { shared: self.shared.clone(), own, by_instance }
    }

    fn source(
        &mut self,
        process: Option<&str>,
        file: &str,
        variables: &BTreeMap<String, Variable>,
        missing: &[String],
        draft: &mut Draft,
    ) -> Source {
        let said = |name: &str, draft: &mut Draft| {
            let is_name = is_name(name);
            if !is_name {
                let why = "its launcher is a shell script, and a shell has no variable of this name, or one of its own";
                draft.lose(process, name, why, Some("rename it"));
            }
            is_name
        };
        let variables = variables.iter().filter(|(name, _)| said(name, draft)).collect::<Vec<_>>();
        let of_kind =
            |is_secret| variables.iter().copied().filter(move |(_, each)| each.is_secret == is_secret);
        let secrets: Vec<_> = of_kind(true).collect();
        let missing: Vec<_> = missing.iter().filter(|name| said(name, draft)).collect();
        let has_secrets = !(secrets.is_empty() && missing.is_empty());
        if has_secrets {
            self.write_secrets(file, &secrets, &missing, draft);
        }
        Source { assignments: assignments(of_kind(false)), file: has_secrets.then(|| file.to_owned()) }
    }

    /// Writes the secrets where that was asked for; otherwise what they are called, into a file beside, so that no export replaces them.
    fn write_secrets(
        &mut self,
        file: &str,
        secrets: &[(&String, &Variable)],
        missing: &[&String],
        draft: &mut Draft,
    ) {
        let app = &self.app.name;
        if self.brief.include_secret_values {
            let header = format!("# Secrets of {app}. Made by `proc export supervisord`.\n");
            let missing = missing.iter().map(|name| format!("# {name}=\n")).collect::<Vec<_>>().concat();
            draft.file(file, header + &assignments(secrets.iter().copied()) + &missing);
            return;
        }
        let header = format!(
            "# Secrets of {app}, to be filled in, in a copy called {file}. A shell reads it: 'what is not just a word stands in quotes'.\n"
        );
        let names = secrets.iter().map(|(name, _)| *name).chain(missing.iter().copied());
        let lines = names.map(|name| format!("{name}=\n")).collect::<Vec<_>>().concat();
        draft.file(format!("{file}.example"), header + &lines);
        self.to_be_filled_in.push(file.to_owned());
    }
}
