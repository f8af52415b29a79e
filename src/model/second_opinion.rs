//! Placeholder.
use super::diagnostic::ParseError;
use super::env_file::EnvFileError;
/// P.
#[must_use]
pub fn differences(_text: &str) -> Vec<ParseError<EnvFileError>> {
    Vec::new()
}
