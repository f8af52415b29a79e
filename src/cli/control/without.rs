//! What stands for the commands that ask a run where the API was left out (the feature `api`): they refuse.

use super::args::{Ask, Options};
use super::error::{CliError, CliErrorKind};
use super::load::Surroundings;
use crate::model::instance::Pid;
use std::path::Path;
use std::process::ExitCode;

/// Refuses.
pub(super) fn answer(_ask: &Ask, _options: &Options, _around: &Surroundings) -> Result<ExitCode, CliError> {
    Err(left_out())
}

/// What `proc start` finds; without the API the lock tells.
pub(super) enum There {
    /// No run, as far as can be told.
    Nobody,
    /// What was named was started.
    #[expect(dead_code, reason = "nothing can be asked")]
    Done(ExitCode),
    /// A run, with this pid; and what is not up yet of it.
    #[expect(dead_code, reason = "nobody answers")]
    Run { pid: Option<i32>, waits: Vec<String> },
}

/// Starts nothing in a run that is there: it cannot be asked. What cannot be known in the background is refused.
pub(super) fn start_there(
    options: &Options,
    _named: &[String],
    _around: &Surroundings,
) -> Result<There, CliError> {
    if options.detach { Err(left_out()) } else { Ok(There::Nobody) }
}

/// How far a run is that was just started; nobody can tell.
pub(super) struct Progress;

impl Progress {
    /// That of nobody.
    pub(super) fn of(_root: &Path, _pid: Pid) -> Self {
        Self
    }

    /// Nothing.
    #[expect(clippy::unused_self, reason = "it stands for one that needs it")]
    pub(super) fn look(&mut self, _around: &Surroundings) -> Option<Result<String, CliError>> {
        None
    }
}

fn left_out() -> CliError {
    CliError::new(CliErrorKind::Refused, "this proc was built without the feature `api`")
}
