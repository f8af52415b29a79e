//! What .gitignore files say, those of directories within directories included. The user's own excludes do not count: what restarts an app
//! is the same for everybody who has the repository.

use crate::unix::file::read_regular;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The largest .gitignore that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// What editors put beside a file while it is open, and when they write it.
const SCRATCH: [&str; 8] = [".*.sw?", ".sw?", "*~", ".#*", "\\#*#", "4913", ".*.kate-swp", ".DS_Store"];

/// The patterns that were read so far.
#[derive(Debug)]
pub(super) struct Patterns {
    /// By the directory that they begin in.
    files: HashMap<PathBuf, Gitignore>,
    /// `.git/info/exclude`, by the top of the repository.
    excludes: HashMap<PathBuf, Gitignore>,
    scratch: Gitignore,
}

impl Patterns {
    pub(super) fn new() -> Self {
        let scratch = parse(Path::new("/"), SCRATCH).unwrap_or_else(|_| Gitignore::empty());
        Self { files: HashMap::new(), excludes: HashMap::new(), scratch }
    }

    /// Whether a file or directory is left out by itself; what its parents are is not asked. Patterns count from `top` down.
    pub(super) fn leave_out(&mut self, path: &Path, is_dir: bool, top: &Path) -> bool {
        let verdict = |patterns: &Gitignore| verdict(patterns, path, is_dir);
        let above = path.ancestors().skip(1).take_while(|directory| directory.starts_with(top));
        for directory in above {
            let known = self.files.entry(directory.to_owned());
            let patterns = known.or_insert_with(|| read(&directory.join(".gitignore"), directory));
            if let Some(verdict) = verdict(patterns) {
                return verdict;
            }
        }
        let excludes = self.excludes.entry(top.to_owned());
        let excludes = excludes.or_insert_with(|| read(&top.join(".git/info/exclude"), top));
        verdict(excludes).or_else(|| verdict(&self.scratch)).unwrap_or(false)
    }

    /// Reads the .gitignore of a directory anew when it is asked for next.
    pub(super) fn forget(&mut self, directory: &Path) {
        self.files.remove(directory);
    }
}

/// Whether these patterns leave something out, or explicitly do not.
pub(super) fn verdict(patterns: &Gitignore, path: &Path, is_dir: bool) -> Option<bool> {
    match patterns.matched(path, is_dir) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}

/// Patterns that begin in a directory; the first that is none is an error.
pub(super) fn parse<'a>(
    directory: &Path,
    lines: impl IntoIterator<Item = &'a str>,
) -> Result<Gitignore, ignore::Error> {
    let mut builder = GitignoreBuilder::new(directory);
    for line in lines {
        builder.add_line(None, line)?;
    }
    builder.build()
}

/// The patterns of a file, without those that are none; not any where there is no such file, or none that can be read.
fn read(path: &Path, directory: &Path) -> Gitignore {
    let bytes = read_regular(path, LARGEST).ok().filter(|bytes| bytes.len() <= LARGEST);
    let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
    let mut builder = GitignoreBuilder::new(directory);
    for line in text.lines() {
        // What git cannot make sense of matches nothing either.
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
