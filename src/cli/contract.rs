//! Whether an app has what its `.env.example` asks for, before anything of it is started.

use super::args::Options;
use super::load::{App, Demand, Surroundings};
use super::problems::Problems;
use crate::model::contract::Contract;
use crate::model::diagnostic::printable;
use crate::model::env_file;
use crate::model::environment::Environment;
use crate::model::plan;
use crate::unix::git;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long git may take to say whether it tracks a file.
const PATIENCE: Duration = Duration::from_secs(3);

/// Reads a contract. One that cannot be read holds nobody to anything: an error of `check`, and only a warning of `start`.
pub(super) fn read(bytes: &[u8], name: String, demand: Demand, problems: &mut Problems) -> Option<Contract> {
    let text = String::from_utf8_lossy(bytes);
    match env_file::parse(bytes) {
        Ok(file) => Some(Contract::new(name, &text, &file)),
        Err(errors) => {
            for error in errors {
                if demand == Demand::Strict {
                    problems.diagnose(&error, &name, &text, true);
                } else {
                    problems.remark(&error, &name, &text);
                }
            }
            None
        }
    }
}

/// Reports what is missing in the environment that the processes would see.
pub(super) fn check(app: &App, problems: &mut Problems) {
    if let Some(contract) = &app.contract {
        report_missing(contract, app, problems);
    }
}

/// Warns of what goes beyond the contract: names that it does not know, and a `.env` that is everybody's.
pub(super) fn check_beyond(options: &Options, around: &Surroundings, app: &App, problems: &mut Problems) {
    if let Some(contract) = &app.contract {
        report_unknown(contract, &app.environment, problems);
    }
    if !options.no_env_contract {
        check_git(around, app, problems);
    }
}

fn report_missing(contract: &Contract, app: &App, problems: &mut Problems) {
    let ours = plan::variables(&app.types, &app.settings, app.base_port, "", 1, app.base_port);
    let ours: BTreeSet<&str> = ours.iter().map(|(name, _)| name.as_str()).collect();
    let own = app.settings.iter().flat_map(|each| &each.env_files).flat_map(|named| &named.file.entries);
    let own: BTreeSet<&str> = own.map(|entry| entry.key.as_str()).collect();
    let is_set = |name: &str| ours.contains(name) || own.contains(name) || app.environment.has(name);
    let example = printable(&contract.name);
    let mut first = None;
    for clause in contract.missing(is_set) {
        problems.error(format!("{} is not set, and {example}:{} asks for it", clause.variable, clause.line));
        first.get_or_insert(&clause.variable);
    }
    if let Some(variable) = first {
        problems.hint(format!(
            "put it into {}, or set it with `-E {variable}=…`; `--no-env-contract` starts without it",
            env_file_beside(&example)
        ));
    }
}

fn report_unknown(contract: &Contract, environment: &Environment, problems: &mut Problems) {
    let example = printable(&contract.name);
    for file in &environment.files {
        for clause in contract.unknown(file) {
            let place = format!("{}:{}", printable(&file.name), clause.line);
            problems.warning(format!(
                "{place}: {} is not in {example}: name it there, so that whoever runs this elsewhere knows of it",
                clause.variable
            ));
        }
    }
}

/// Warns of a `.env` that git tracks although there is a contract for others to fill in, or a secret in it.
fn check_git(around: &Surroundings, app: &App, problems: &mut Problems) {
    let path = app.root.join(".env");
    let name = around.shown(&path);
    let file = app.environment.files.iter().find(|file| file.name == name);
    let has_secret =
        file.is_some_and(|file| file.file.entries.iter().any(|entry| entry.holds_secret(&app.secrets)));
    if (has_secret || app.contract.is_some()) && git::tracks(&path, PATIENCE) {
        let name = printable(&name);
        problems.warning(format!(
            "git tracks {name}, so what is in it is in every clone: `git rm --cached {name}`, and name it in .gitignore"
        ));
    }
}

/// `.env` for `.env.example`, wherever that is.
fn env_file_beside(example: &str) -> &str {
    example.strip_suffix(".example").unwrap_or(".env")
}
