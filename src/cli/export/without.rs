//! What stands for `proc export` where it was left out (the feature `export`): it refuses.

use super::args::Options;
use super::error::{CliError, CliErrorKind};
use super::load::Surroundings;
use crate::model::policy::Target;
use std::path::Path;
use std::process::ExitCode;

/// Refuses.
pub(super) fn export(
    _options: &Options,
    _target: Target,
    _directory: Option<&Path>,
    _around: &Surroundings,
) -> Result<ExitCode, CliError> {
    Err(CliError::new(CliErrorKind::Refused, "this proc was built without the feature `export`"))
}
