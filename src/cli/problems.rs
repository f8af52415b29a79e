//! What was found wrong on the way to a plan: all of it, said at once.

use super::error::{CliError, CliErrorKind};
use super::ui;
use crate::model::diagnostic::{Explain, ParseError, Severity};
use crate::unix::file::ReadError;
use std::fmt::{Display, Write as _};

/// Errors, warnings and notices, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Problems {
    errors: Vec<String>,
    warnings: Vec<String>,
    notices: Vec<String>,
}

impl Problems {
    /// Whether something is an error.
    #[must_use]
    pub(super) fn are_fatal(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Whether something is a warning.
    #[must_use]
    pub(super) fn have_warnings(&self) -> bool {
        !self.warnings.is_empty()
    }

    /// The errors, a line of each, to stand in a sentence: what is wrong and where.
    #[must_use]
    pub(super) fn errors(&self) -> Vec<String> {
        let first = |error: &String| unlabelled(error.lines().next().unwrap_or_default()).to_owned();
        self.errors.iter().map(first).collect()
    }

    /// The warnings and notices, each with its place.
    #[must_use]
    pub(super) fn remarks(&self) -> Vec<String> {
        self.notices.iter().chain(&self.warnings).cloned().collect()
    }

    /// The errors, each with its place and its hints; that they are errors is for others to say.
    #[must_use]
    pub(super) fn into_errors(self) -> Vec<String> {
        self.errors.iter().map(|error| unlabelled(error).to_owned()).collect()
    }

    /// Notes an error.
    pub(super) fn error(&mut self, text: impl Display) {
        self.errors.push(format!("error: {text}"));
    }

    /// Notes something that is likely a mistake, and gone on from.
    pub(super) fn warning(&mut self, text: impl Display) {
        self.warnings.push(format!("warning: {text}"));
    }

    /// Adds what to do about the last error.
    pub(super) fn hint(&mut self, text: impl Display) {
        if let Some(error) = self.errors.last_mut() {
            // Writing to a String cannot fail.
            let _ = write!(error, "\n  hint: {text}");
        }
    }

    /// Notes something that is no mistake.
    pub(super) fn notice(&mut self, text: impl Display) {
        self.notices.push(text.to_string());
    }

    /// Notes that a file could not be read.
    pub(super) fn unreadable(&mut self, name: &str, error: &ReadError) {
        self.error(format!("failed to read {name}: {error}"));
    }

    /// Notes a complaint about a place in a file; `harshly`, a warning is an error.
    pub(super) fn diagnose<K: Explain>(
        &mut self,
        problem: &ParseError<K>,
        name: &str,
        text: &str,
        harshly: bool,
    ) {
        let mut diagnostic = problem.diagnose(name, text);
        if harshly {
            diagnostic.severity = Severity::Error;
        }
        match diagnostic.severity {
            Severity::Error => self.errors.push(diagnostic.to_string()),
            Severity::Warning => self.warnings.push(diagnostic.to_string()),
        }
    }

    /// Notes the same as a warning, although it would be an error elsewhere.
    pub(super) fn remark<K: Explain>(&mut self, problem: &ParseError<K>, name: &str, text: &str) {
        let mut diagnostic = problem.diagnose(name, text);
        diagnostic.severity = Severity::Warning;
        self.warnings.push(diagnostic.to_string());
    }

    /// Says notices and warnings, and gives the errors back as one failure if there are any.
    pub(super) fn settle(self) -> Result<(), CliError> {
        for text in self.notices.iter().chain(&self.warnings) {
            ui::complain(format!("{text}\n"));
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(CliError::new(CliErrorKind::Diagnosed, self.errors.join("\n")))
    }
}

fn unlabelled(error: &str) -> &str {
    error.strip_prefix("error: ").unwrap_or(error)
}
