//! `proc env`: what an instance sees, and where each variable comes from.

use super::args::Options;
use super::error::CliError;
use super::load::{self, App, Demand, Surroundings};
use super::ui;
use crate::model::env_file::quote;
use crate::model::plan;
use crate::model::port;
use crate::model::procfile::unknown_type;
use crate::model::secret::MASK;
use crate::model::settings::DEFAULTS;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Prints the environment of an instance, or without one what `proc run` gives a command; the form is that of an env file.
pub(super) fn env(
    options: &Options,
    instance: Option<&str>,
    around: &Surroundings,
) -> Result<ExitCode, CliError> {
    let (app, problems) = load::app(options, around, Demand::NoProcfile);
    problems.settle()?;
    let Some(app) = app else { return Err(CliError::internal("no app and no error")) };
    let asked = instance.map(|instance| find(&app, instance)).transpose()?;
    let ours = variables(&app, asked);
    let settings = asked.and_then(|(index, _)| app.settings.get(index)).unwrap_or(&DEFAULTS);
    let seen = app.environment.of(settings);
    let environment = seen.resolve(&ours).map_err(|error| CliError::input(error.to_string()))?;
    let texts =
        environment.iter().filter_map(|(name, variable)| Some((name.to_str()?, variable.value.to_str()?)));
    let secrets = app.secrets.values(texts);
    let mut text = String::new();
    for (name, variable) in &environment {
        let (name, value) = (name.to_string_lossy(), variable.value.to_string_lossy());
        let shown = if options.show_secrets {
            value.clone()
        } else {
            Cow::Owned(without(&secrets, &app.secrets.masked(&name, &value)))
        };
        let origin = seen.describe(&variable.origin);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}={} # {origin}", quote(&shown));
    }
    ui::print(text).map_err(CliError::unwritten)?;
    Ok(ExitCode::SUCCESS)
}

/// The value without the secrets that were filled into it.
fn without(secrets: &BTreeSet<&str>, value: &str) -> String {
    secrets.iter().fold(value.to_owned(), |value, secret| value.replace(secret, MASK))
}

/// The process type and the number that `TYPE` or `TYPE.N` means.
fn find(app: &App, instance: &str) -> Result<(usize, u16), CliError> {
    let (name, number) = parse(instance)?;
    let index = app.types.iter().position(|each| each.name == name).ok_or_else(|| {
        let (message, hint) = unknown_type(name, &app.types);
        hint.into_iter().fold(CliError::usage(message), CliError::hint)
    })?;
    Ok((index, number))
}

/// What we set for an instance, or for a command that is no process type.
fn variables(app: &App, asked: Option<(usize, u16)>) -> Vec<(String, String)> {
    let (name, number) = asked.map_or(("run", 1), |(index, number)| (app.types[index].name.as_str(), number));
    let port_of =
        |base| asked.map_or(Some(base), |(index, number)| port::of(base, &app.settings, index, number));
    plan::variables(&app.types, &app.settings, app.base_port, name, number, app.base_port.and_then(port_of))
}

/// `web` or `web.2`.
fn parse(instance: &str) -> Result<(&str, u16), CliError> {
    let Some((name, number)) = instance.split_once('.') else { return Ok((instance, 1)) };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    match number.parse() {
        Ok(number) if digits && number > 0 => Ok((name, number)),
        _ => Err(CliError::usage(format!("`{instance}` is not TYPE.N: N is a whole number from 1"))),
    }
}
