//! `proc check`: whether the Procfile, `proc.toml` and the env files are as they should be.

use super::args::Options;
use super::contract;
use super::error::CliError;
use super::load::{self, App, Demand, Surroundings};
use super::ui;
use std::fmt::Write as _;
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
    let Some(app) = app else { return Err(CliError::internal("no app and no error")) };
    let mut text = format!("valid procfile detected ({})\n", names(&app, false));
    if let Some(config) = &app.config {
        let more = names(&app, true);
        let more = if more.is_empty() { more } else { format!(" ({more})") };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "valid {} detected{more}", config.name);
    }
    ui::print(text).map_err(CliError::unwritten)?;
    Ok(if options.strict && !is_spotless { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The process types that have their command in the Procfile, or those that have it in `proc.toml`.
fn names(app: &App, in_config: bool) -> String {
    let types = app.types.iter().enumerate().filter(|(index, _)| app.is_of_config(*index) == in_config);
    types.map(|(_, each)| each.name.as_str()).collect::<Vec<_>>().join(", ")
}
