//! What an export says of itself: the files, what to do with them, and above all what is not in them.

use crate::cli::error::CliError;
use crate::cli::ui;
use crate::export::{Export, ExportFile, Loss};
use crate::model::diagnostic::printable;
use crate::model::policy::{ReportForm, Target};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// An export, to be told of.
pub(super) struct Report<'a> {
    pub(super) target: Target,
    pub(super) app: &'a str,
    /// Where the files are, as it was named; none: they were printed.
    pub(super) directory: Option<String>,
    pub(super) export: &'a Export,
}

/// The report as JSON.
#[derive(Serialize)]
struct Json<'a> {
    format: String,
    app: &'a str,
    directory: Option<&'a str>,
    files: Vec<File<'a>>,
    not_carried_over: Vec<NotCarriedOver<'a>>,
    next: &'a [String],
}

/// A file as JSON; its contents where they are not written anywhere else.
#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<Cow<'a, str>>,
}

/// A loss as JSON.
#[derive(Serialize)]
struct NotCarriedOver<'a> {
    process: Option<&'a str>,
    what: &'a str,
    why: &'a str,
    advice: Option<&'a str>,
}

impl<'a> From<&'a Loss> for NotCarriedOver<'a> {
    fn from(loss: &'a Loss) -> Self {
        let Loss { process, what, why, advice } = loss;
        Self { process: process.as_deref(), what, why, advice: advice.as_deref() }
    }
}

impl Report<'_> {
    /// Tells: people on standard error, programs on standard output.
    pub(super) fn tell(&self, form: ReportForm) -> Result<(), CliError> {
        match form {
            ReportForm::Text => ui::complain(self.text()),
            ReportForm::Json => ui::print(self.json()?).map_err(CliError::unwritten)?,
        }
        Ok(())
    }

    fn json(&self) -> Result<String, CliError> {
        let json = Json {
            format: self.target.to_string(),
            app: self.app,
            directory: self.directory.as_deref(),
            files: self.export.files.iter().map(|file| self.file(file)).collect(),
            not_carried_over: self.export.losses.iter().map(NotCarriedOver::from).collect(),
            next: &self.export.next,
        };
        serde_json::to_string_pretty(&json).map(|json| json + "\n").map_err(CliError::internal)
    }

    fn file<'b>(&self, file: &'b ExportFile) -> File<'b> {
        let contents = self.directory.is_none().then(|| String::from_utf8_lossy(&file.contents));
        File { path: &file.path, contents }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        if let Some(directory) = &self.directory {
            let count = self.export.files.len();
            let files = if count == 1 { "file" } else { "files" };
            let _ = writeln!(text, "{count} {files} for {} in {}", self.target, printable(directory));
        }
        if self.export.losses.is_empty() {
            let _ = writeln!(text, "everything was carried over");
        } else {
            let _ = writeln!(text, "not carried over:");
        }
        for (processes, Loss { what, why, advice, .. }) in grouped(&self.export.losses) {
            let of = if processes.is_empty() { String::new() } else { format!("{}: ", processes.join(", ")) };
            let advice = advice.as_ref().map_or(String::new(), |advice| format!("; {advice}"));
            let _ = writeln!(text, "  {of}{}: {}{}", printable(what), printable(why), printable(&advice));
        }
        if !self.export.next.is_empty() {
            let _ = writeln!(text, "next:");
        }
        for command in &self.export.next {
            let _ = writeln!(text, "  {}", printable(command));
        }
        text
    }
}

/// The losses with those who have the same put together, each where the first of them is.
fn grouped(losses: &[Loss]) -> Vec<(Vec<&str>, &Loss)> {
    let mut groups: Vec<(Vec<&str>, &Loss)> = Vec::new();
    for loss in losses {
        let is_same = |first: &Loss| {
            let alike = first.what == loss.what && first.why == loss.why && first.advice == loss.advice;
            alike && first.process.is_some() && loss.process.is_some()
        };
        match groups.iter_mut().find(|(_, first)| is_same(first)) {
            Some((processes, _)) => processes.extend(loss.process.as_deref()),
            None => groups.push((loss.process.as_deref().into_iter().collect(), loss)),
        }
    }
    groups
}
