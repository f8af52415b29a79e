//! `proc check`: whether the Procfile and the env files are as they should be.

use super::args::Options;
use super::contract;
use super::error::CliError;
use super::load::{self, Demand, Surroundings};
use super::ui;
use std::process::ExitCode;

/// Says what is wrong with the files, or that nothing is and which process types there are.
pub(super) fn check(options: &Options, around: &Surroundings) -> Result<ExitCode, CliError> {
    let (app, mut problems) = load::app(options, around, Demand::Strict);
    if let Some(app) = &app {
        contract::check(app, &mut problems);
        contract::check_beyond(options, around, app, &mut problems);
    }
    let is_spotless = !problems.have_warnings();
    problems.settle()?;
    let types = app.map_or_else(Vec::new, |app| app.types);
    let names: Vec<&str> = types.iter().map(|each| each.name.as_str()).collect();
    ui::print(format!("valid procfile detected ({})\n", names.join(", "))).map_err(CliError::unwritten)?;
    Ok(if options.strict && !is_spotless { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
