//! An export in the making: the files, what they do not say, and why there can be none.

use std::collections::BTreeMap;
use std::fmt;

/// A file of an export.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportFile {
    /// Where it belongs below the directory of the export: names with `/` between them, none of them `.` or `..`.
    pub path: String,
    /// What is in it. May be secret.
    pub contents: Vec<u8>,
}

impl fmt::Debug for ExportFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Something that the app has, and the target is not told of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// The process type; none: it is about all of them.
    pub process: Option<String>,
    /// What it is: a key of `proc.toml`, an option, the name of a variable.
    pub what: String,
    /// Why it is not carried over.
    pub why: String,
    /// What to do about it, if there is something.
    pub advice: Option<String>,
}

/// Something that the target cannot be told, and without which the app would not be the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}{what}: {why}", .process.as_ref().map_or(String::new(), |process| format!("{process}: ")))]
pub struct Refusal {
    /// The process type; none: it is about all of them.
    pub process: Option<String>,
    /// What it is, as in [`Loss::what`].
    pub what: String,
    /// Why it cannot be said.
    pub why: String,
    /// What to do about it, if there is something.
    pub advice: Option<String>,
}

/// What becomes of an app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Export {
    /// The files, in the order in which they are shown.
    pub files: Vec<ExportFile>,
    /// What they do not say, in the order in which it was found; nothing twice.
    pub losses: Vec<Loss>,
    /// What to do with them: command lines, in order. They are for people and may have words in capitals to fill in.
    pub next: Vec<String>,
}

/// An export in the making.
#[derive(Debug, Default)]
pub struct Draft {
    export: Export,
    refusals: Vec<Refusal>,
}

impl Draft {
    /// Adds a file.
    pub fn file(&mut self, path: impl Into<String>, contents: impl Into<Vec<u8>>) {
        self.export.files.push(ExportFile { path: path.into(), contents: contents.into() });
    }

    /// Where the files are that there are by now.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.export.files.iter().map(|file| file.path.clone()).collect()
    }

    /// Adds a command for people.
    pub fn next(&mut self, command: impl Into<String>) {
        self.export.next.push(command.into());
    }

    /// Notes what is not carried over.
    pub fn lose(&mut self, process: Option<&str>, what: &str, why: impl Into<String>, advice: Option<&str>) {
        let loss = Loss {
            process: process.map(str::to_owned),
            what: what.to_owned(),
            why: why.into(),
            advice: advice.map(str::to_owned),
        };
        if !self.export.losses.contains(&loss) {
            self.export.losses.push(loss);
        }
    }

    /// Notes what cannot be said and must.
    pub fn refuse(
        &mut self,
        process: Option<&str>,
        what: &str,
        why: impl Into<String>,
        advice: Option<&str>,
    ) {
        let refusal = Refusal {
            process: process.map(str::to_owned),
            what: what.to_owned(),
            why: why.into(),
            advice: advice.map(str::to_owned),
        };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    /// Takes in what came of another draft.
    pub fn absorb(&mut self, export: Export) {
        let Export { files, losses, next } = export;
        self.export.files.extend(files);
        for loss in losses {
            if !self.export.losses.contains(&loss) {
                self.export.losses.push(loss);
            }
        }
        self.export.next.extend(next);
    }

    /// The export, if nothing was refused.
    pub fn finish(mut self) -> Result<Export, Vec<Refusal>> {
        self.refuse_what_is_one_file_to_some();
        if self.refusals.is_empty() { Ok(self.export) } else { Err(self.refusals) }
    }

    /// Many file systems hold `Web.service` and `web.service` for one file (macOS's, and Windows's).
    fn refuse_what_is_one_file_to_some(&mut self) {
        let mut paths: BTreeMap<String, &str> = BTreeMap::new();
        let mut clashes = Vec::new();
        for file in &self.export.files {
            if let Some(first) = paths.insert(file.path.to_lowercase(), &file.path) {
                clashes.push((first.to_owned(), file.path.clone()));
            }
        }
        for (first, second) in clashes {
            let why = format!("the same file as {first} where file names have no capitals");
            self.refuse(None, &second, why, Some("rename one of the process types"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_twice_is_told_once() {
        let mut draft = Draft::default();
        draft.lose(Some("web"), "watch", "no", None);
        draft.lose(Some("web"), "watch", "no", None);
        assert_eq!(draft.finish().unwrap().losses.len(), 1);
    }

    #[test]
    fn files_that_differ_in_capitals_only_are_refused() {
        let mut draft = Draft::default();
        draft.file("web.conf", "");
        draft.file("Web.conf", "");
        let refusals = draft.finish().unwrap_err();
        insta::assert_snapshot!(refusals[0], @"Web.conf: the same file as web.conf where file names have no capitals");
    }
}
