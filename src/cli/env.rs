//! `proc env`: what an instance sees, and where each variable comes from.

use super::args::Options;
use super::error::CliError;
use super::load::{self, App, Demand, Surroundings};
use super::ui;
use crate::model::env_file::quote;
use crate::model::plan;
use crate::model::port;
use crate::model::procfile::unknown_type;
use crate::model::secret::masked;
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
    let ours = variables(&app, instance)?;
    let environment = app.environment.resolve(&ours).map_err(|error| CliError::input(error.to_string()))?;
    let mut text = String::new();
    for (name, variable) in &environment {
        let (name, value) = (name.to_string_lossy(), variable.value.to_string_lossy());
        let shown = if options.show_secrets { value.clone() } else { masked(&name, &value) };
        let origin = app.environment.describe(&variable.origin);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}={} # {origin}", quote(&shown));
    }
    ui::print(text).map_err(CliError::unwritten)?;
    Ok(ExitCode::SUCCESS)
}

/// What we set for `TYPE` or `TYPE.N`, or for a command that is no process type.
fn variables(app: &App, instance: Option<&str>) -> Result<Vec<(String, String)>, CliError> {
    let (name, number, index) = match instance {
        None => ("run", 1, 0),
        Some(instance) => {
            let (name, number) = parse(instance)?;
            let index = app.types.iter().position(|each| each.name == name).ok_or_else(|| {
                let (message, hint) = unknown_type(name, &app.types);
                hint.into_iter().fold(CliError::usage(message), CliError::hint)
            })?;
            (name, number, index)
        }
    };
    let port = app.base_port.and_then(|base| port::of(base, index, number));
    Ok(plan::variables(&app.types, app.base_port, name, number, port))
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
