//! The directories that are watched, and what a change in one of them means to whom.

use super::patterns::Patterns;
use super::scope::{Root, Scope};
use super::{Wanted, WatchError};
use crate::model::diagnostic::printable;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a new directory that are told of, at most.
const MOST_FOUND: usize = 100;

/// How much may be watched and looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Directories, all together.
    pub(super) directories: usize,
    /// What is in them, at every walk.
    pub(super) entries: usize,
}

/// Watches a directory, without those below it.
type WatchDirectory = Box<dyn FnMut(&Path) -> Result<(), WatchError> + Send>;

/// Everything that is watched.
pub(super) struct Ground {
    app: PathBuf,
    except: Option<PathBuf>,
    scopes: Vec<Scope>,
    patterns: Patterns,
    watch: WatchDirectory,
    watched: HashSet<PathBuf>,
    limits: Limits,
    complaint: Option<String>,
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground")
            .field("scopes", &self.scopes)
            .field("watched", &self.watched.len())
            .finish_non_exhaustive()
    }
}

impl Ground {
    pub(super) fn new(app: &Path, except: Option<&Path>, watch: WatchDirectory, limits: Limits) -> Self {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self {
            app: real(app),
            except: except.map(real),
            scopes: Vec::new(),
            patterns: Patterns::new(),
            watch,
            watched: HashSet::new(),
            limits,
            complaint: None,
        }
    }

    /// Watches what a process type wants.
    pub(super) fn enter(&mut self, Wanted { process, watch }: Wanted<'_>) -> Result<(), WatchError> {
        let scope = Scope::new(process, watch, &self.app, self.except.clone())?;
        self.survey(&scope)?;
        self.scopes.push(scope);
        Ok(())
    }

    /// Watches the directories of a scope, and those that what it names is in.
    fn survey(&mut self, scope: &Scope) -> Result<(), WatchError> {
        scope.roots.iter().try_for_each(|root| self.approach(scope, root, &mut Vec::new()))
    }

    /// Watches something that is named; the files that are there of it are told in `found`.
    fn approach(&mut self, scope: &Scope, root: &Root, found: &mut Vec<PathBuf>) -> Result<(), WatchError> {
        let above = self.watch_above(root.path());
        match root {
            Root::File(path) => {
                above?;
                found.extend(path.symlink_metadata().is_ok().then(|| path.clone()));
                Ok(())
            }
            // Where those above cannot be had, the directory is watched all the same.
            Root::Directory { path, top } => self.walk(scope, path, top, found),
        }
    }

    /// Watches the directories that a path is in, for each may be replaced: those below the root of the app, or below what both have in common.
    /// What comes of it is said of the last.
    fn watch_above(&mut self, path: &Path) -> Result<(), WatchError> {
        let mut above: Vec<PathBuf> = Vec::new();
        for directory in path.ancestors().skip(1) {
            above.push(directory.to_owned());
            if self.app.starts_with(directory) {
                break;
            }
        }
        // From the top: what is made in the meantime is made in one that is watched.
        above.iter().rev().map(|directory| self.watch(directory, directory)).last().unwrap_or(Ok(()))
    }

    /// What it means that this is there, or otherwise than it was.
    pub(super) fn there(&mut self, path: &Path) -> Vec<(usize, String)> {
        let Ok(metadata) = path.symlink_metadata() else { return Vec::new() };
        if let Some(directory) = path.parent().filter(|_| path.ends_with(".gitignore")) {
            self.patterns.forget(directory);
            // What it does not leave out any more is watched from now on. It has not changed.
            drop(self.explore(directory));
        }
        if !metadata.is_dir() {
            return self.found(path, |scope, patterns| scope.has(path, false, patterns));
        }
        // Of a directory that is known, only permissions and the like can have changed.
        if self.watched.contains(path) { Vec::new() } else { self.explore(path) }
    }

    /// What it means that this has gone. What it was cannot be asked any more.
    pub(super) fn gone(&mut self, path: &Path) -> Vec<(usize, String)> {
        let was_watched = self.watched.contains(path);
        if was_watched {
            self.watched.retain(|directory| !directory.starts_with(path));
        }
        let mut changes = self.found(path, |scope, patterns| {
            scope.has(path, false, patterns) && scope.has(path, true, patterns)
        });
        // What is named has gone with what it is in, which can be moved away as a whole.
        changes.extend(self.scopes.iter().filter_map(|scope| {
            let root = scope.roots.iter().find(|root| is_inside(root.path(), path))?;
            Some((scope.process, self.shown(root.path())))
        }));
        // Who tells of the old one may take the watch of the new one with it.
        if was_watched && path.is_dir() {
            changes.extend(self.there(path));
        } else if !self.would_see(path) {
            let shown = printable(&path.to_string_lossy());
            self.complain(&format!("{shown} has gone, and nothing is seen of what comes in its place"));
        }
        changes
    }

    /// Whether it would be seen that something comes back that is named, or that what is named is in.
    fn would_see(&self, path: &Path) -> bool {
        let is_needed = self.scopes.iter().any(|scope| scope.needs(path));
        !is_needed || path.parent().is_some_and(|parent| self.watched.contains(parent))
    }

    /// Looks at everything again, because changes were missed: all may have changed.
    pub(super) fn survey_again(&mut self) -> Vec<(usize, String)> {
        self.watched.clear();
        self.patterns = Patterns::new();
        let scopes = std::mem::take(&mut self.scopes);
        let mut changes = Vec::new();
        for scope in &scopes {
            let result = self.survey(scope);
            self.note(result);
            let first = scope.roots.first().map(|root| (scope.process, self.shown(root.path())));
            changes.extend(first);
        }
        self.scopes = scopes;
        changes
    }

    /// What is not watched although it was to be, if that is news.
    pub(super) fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    /// The process types that this path counts for.
    fn found(&mut self, path: &Path, counts: impl Fn(&Scope, &mut Patterns) -> bool) -> Vec<(usize, String)> {
        let Self { scopes, patterns, .. } = self;
        let theirs = scopes.iter().filter(|scope| counts(scope, patterns));
        let theirs: Vec<usize> = theirs.map(|scope| scope.process).collect();
        theirs.into_iter().map(|process| (process, self.shown(path))).collect()
    }

    /// Watches what is not watched yet of a directory; the files that are in it.
    fn explore(&mut self, directory: &Path) -> Vec<(usize, String)> {
        let scopes = std::mem::take(&mut self.scopes);
        let mut changes = Vec::new();
        for scope in &scopes {
            let mut files = Vec::new();
            for root in scope.roots.iter().filter(|root| is_inside(root.path(), directory)) {
                let result = self.approach(scope, root, &mut files);
                self.note(result);
            }
            if scope.has(directory, true, &mut self.patterns) {
                let result = self.walk(scope, directory, &top_of(scope, directory), &mut files);
                self.note(result);
            }
            changes.extend(files.iter().map(|file| (scope.process, self.shown(file))));
        }
        self.scopes = scopes;
        changes
    }

    /// Watches a directory of a scope and those below it that count; the files in them are told in `found`.
    fn walk(
        &mut self,
        scope: &Scope,
        directory: &Path,
        top: &Path,
        found: &mut Vec<PathBuf>,
    ) -> Result<(), WatchError> {
        let mut directories = vec![directory.to_owned()];
        let mut entries = 0;
        while let Some(each) = directories.pop() {
            match self.watch(&each, directory) {
                // It has gone again, or is closed to us; nobody can do anything about that.
                Err(WatchError::Io { .. }) if each != directory => continue,
                result => result?,
            }
            for entry in std::fs::read_dir(&each).into_iter().flatten().flatten() {
                entries += 1;
                if entries > self.limits.entries {
                    let (limit, what) = (self.limits.entries, "files");
                    return Err(WatchError::TooMany { limit, what, below: directory.to_owned() });
                }
                let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let is_wanted = is_dir || found.len() < MOST_FOUND;
                if is_wanted && !scope.leaves_out(&entry.path(), is_dir, top, &mut self.patterns) {
                    if is_dir { &mut directories } else { &mut *found }.push(entry.path());
                }
            }
        }
        Ok(())
    }

    /// Watches one directory, which is below another, if nobody does so far.
    fn watch(&mut self, directory: &Path, below: &Path) -> Result<(), WatchError> {
        if self.watched.contains(directory) {
            return Ok(());
        }
        if self.watched.len() >= self.limits.directories {
            let (limit, what) = (self.limits.directories, "directories");
            return Err(WatchError::TooMany { limit, what, below: below.to_owned() });
        }
        (self.watch)(directory)?;
        self.watched.insert(directory.to_owned());
        Ok(())
    }

    fn note(&mut self, result: Result<(), WatchError>) {
        match result {
            // It has gone again, and whoever watches where it was hears if it comes back.
            Err(WatchError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.complain(&error.to_string()),
            Ok(()) => {}
        }
    }

    fn complain(&mut self, why: &str) {
        self.complaint = Some(format!("not all changes of files are seen any more: {why}"));
    }

    /// A path as it is shown: from the top of the app, if it is in there.
    fn shown(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.app).unwrap_or(path);
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        printable(&path.to_string_lossy())
    }
}

/// Whether something is somewhere below a directory.
fn is_inside(path: &Path, directory: &Path) -> bool {
    path != directory && path.starts_with(directory)
}

/// Where the patterns begin that count for a scope in a directory of it.
fn top_of(scope: &Scope, directory: &Path) -> PathBuf {
    let top = scope.roots.iter().find_map(|root| match root {
        Root::Directory { path, top } if directory.starts_with(path) => Some(top),
        Root::Directory { .. } | Root::File(_) => None,
    });
    top.map_or_else(|| directory.to_owned(), Clone::clone)
}
