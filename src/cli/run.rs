//! `proc run`: a one-off command in the app's environment, in our place.

use super::args::Options;
use super::error::{CliError, CliErrorKind};
use super::load::{self, App, Demand, Surroundings};
use crate::model::command::{Command, Invocation};
use crate::model::diagnostic::nearest;
use crate::model::exit::code;
use crate::model::plan;
use crate::model::port;
use crate::model::procfile::ProcessType;
use crate::model::settings::DEFAULTS;
use crate::unix::exec::{ExecError, Program};
use std::ffi::{OsStr, OsString};

/// Becomes the command; returns only if that failed.
pub(super) fn run(
    options: &Options,
    words: &[OsString],
    around: &Surroundings,
) -> Result<std::convert::Infallible, CliError> {
    let (app, problems) = load::app(options, around, Demand::NoProcfile);
    problems.settle()?;
    let Some(app) = app else { return Err(CliError::internal("no app and no error")) };
    let one_off = OneOff::of(words, &app)?;
    let port_of = |base| one_off.index.map_or(Some(base), |index| port::of(base, &app.settings, index, 1));
    let port = app.base_port.and_then(port_of);
    let ours = plan::variables(&app.types, &app.settings, app.base_port, &one_off.name, 1, port);
    let settings = one_off.index.and_then(|index| app.settings.get(index)).unwrap_or(&DEFAULTS);
    let root = settings.working_dir.as_ref().unwrap_or(&app.root);
    let environment =
        app.environment.of(settings).resolve(&ours).map_err(|error| CliError::input(error.to_string()))?;
    let environment = environment.into_iter().map(|(name, variable)| (name, variable.value)).collect();
    let program = Program { invocation: &one_off.invocation, root, environment: &environment };
    Err(explain(program.replace_us(), words, &app.types))
}

/// What is to be run, and as what.
struct OneOff {
    invocation: Invocation,
    name: String,
    /// Its type, whose port it gets; a command gets the base.
    index: Option<usize>,
}

impl OneOff {
    /// A process type by its name, else a command: words as they are, or one word with blanks for the shell.
    fn of(words: &[OsString], app: &App) -> Result<Self, CliError> {
        let (first, arguments) = words.split_first().ok_or_else(|| CliError::usage("a command is needed"))?;
        if let Some(index) = app.types.iter().position(|each| OsStr::new(&each.name) == first) {
            let each = &app.types[index];
            let arguments = arguments
                .iter()
                .map(|argument| argument.clone().into_string())
                .collect::<Result<Vec<_>, _>>();
            let arguments =
                arguments.map_err(|_| CliError::usage("arguments to a process type must be UTF-8"))?;
            let invocation = each.command.with_arguments(&arguments).invocation();
            return Ok(Self { invocation, name: each.name.clone(), index: Some(index) });
        }
        let for_shell =
            first.to_str().filter(|text| arguments.is_empty() && text.contains([' ', '\t', '\n']));
        let invocation = match for_shell {
            Some(text) => Invocation::Shell(Command::new(text).text().to_owned()),
            None => Invocation::Direct(words.to_vec()),
        };
        Ok(Self { invocation, name: "run".to_owned(), index: None })
    }
}

/// The failure with its exit code, and the process type that was perhaps meant.
fn explain(error: ExecError, words: &[OsString], types: &[ProcessType]) -> CliError {
    let kind =
        if error.code() == code::NOT_FOUND { CliErrorKind::NotFound } else { CliErrorKind::NotExecutable };
    let is_unknown = matches!(error, ExecError::NotFound(_));
    let failure = CliError::new(kind, error);
    let word = words.first().and_then(|word| word.to_str()).filter(|_| is_unknown).unwrap_or_default();
    match nearest(word, types.iter().map(|each| each.name.as_str())) {
        Some(name) if !word.is_empty() => failure.hint(format!("did you mean the process type `{name}`?")),
        _ => failure,
    }
}
