//! The command line: arguments in, an exit code out.

pub mod args;
mod capacity;
mod check;
pub mod completions;
mod config;
mod contract;
#[cfg_attr(not(feature = "api"), path = "control/without.rs")]
mod control;
mod detach;
mod env;
pub mod error;
mod examples;
#[cfg_attr(not(feature = "export"), path = "export/without.rs")]
mod export;
mod exposure;
#[cfg(test)]
mod help_tests;
mod listen;
mod load;
mod logs;
pub mod man;
mod manual;
mod parse;
mod place;
mod plan;
mod problems;
mod replan;
mod run;
pub mod start;
#[cfg(test)]
mod tests;
pub mod ui;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use args::{Cli, Command};
use error::CliError;
use load::Surroundings;
pub use parse::{command, parse};

/// Reads the command line, does what it says, and reports what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. If nobody reads them, there is nobody to tell.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = std::panic::catch_unwind(|| dispatch(&cli));
    result.unwrap_or_else(|_| Err(CliError::internal("this is a bug in proc"))).unwrap_or_else(|error| {
        ui::complain(error.render());
        ExitCode::from(error.exit_code())
    })
}

/// Hands over to the command.
fn dispatch(cli: &Cli) -> Result<ExitCode, CliError> {
    match &cli.command {
        Command::Start { types } => start::start(&cli.options, types, &surroundings()?),
        Command::Ask(ask) => control::answer(ask, &cli.options, &surroundings()?),
        Command::Run { words } => match run::run(&cli.options, words, &surroundings()?)? {},
        Command::Check => check::check(&cli.options, &surroundings()?),
        Command::Env { instance } => env::env(&cli.options, instance.as_deref(), &surroundings()?),
        Command::Config => config::config(&cli.options, &surroundings()?),
        Command::Export { target, directory } => {
            export::export(&cli.options, *target, directory.as_deref(), &surroundings()?)
        }
        Command::Completions { shell } => show(completions::script(*shell)),
        Command::Man { directory: None } => show(&man::page_of_proc().roff),
        Command::Man { directory: Some(directory) } => write_pages(directory),
    }
}

fn surroundings() -> Result<Surroundings, CliError> {
    Surroundings::take()
        .map_err(|error| CliError::input(format!("failed to find the working directory: {error}")))
}

/// Writes what a command was asked for to standard output.
fn show(text: impl AsRef<[u8]>) -> Result<ExitCode, CliError> {
    ui::print(text).map_err(CliError::unwritten)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes every man page into a directory, which is made if it is not there.
fn write_pages(directory: &Path) -> Result<ExitCode, CliError> {
    let failed = |path: &Path, error: io::Error| CliError::input(Unwritable { path: path.to_owned(), error });
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for page in man::pages() {
        let path = directory.join(page.name);
        std::fs::write(&path, page.roff).map_err(|error| failed(&path, error))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A file or directory that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write `{}`", path.display())]
struct Unwritable {
    path: PathBuf,
    #[source]
    error: io::Error,
}
