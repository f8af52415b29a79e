//! What counts for one process type: the files and directories that it names, without what it and .gitignore leave out.

use super::WatchError;
use super::patterns::{self, Patterns};
use crate::model::settings::Watch;
use ignore::gitignore::Gitignore;
use std::io;
use std::path::{Path, PathBuf};

/// The files that one process type is restarted for.
#[derive(Debug)]
pub(super) struct Scope {
    /// The process type, as an index.
    pub(super) process: usize,
    pub(super) roots: Vec<Root>,
    /// Its own `ignore`.
    own: Gitignore,
    /// What is ours: a log file must not restart whoever writes it.
    except: Option<PathBuf>,
}

/// Something that is named; what is named is never left out itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    /// A file, or a symbolic link to one.
    File(PathBuf),
    /// A directory.
    Directory {
        path: PathBuf,
        /// Where the patterns that count in it begin: the top of the repository, or else of the app.
        top: PathBuf,
    },
}

impl Root {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Directory { path, .. } => path,
        }
    }

    /// What a path of `paths` stands for: its real place, for that is what the kernel tells of. A link to a file is a file as well.
    fn of(path: &Path, app: &Path) -> io::Result<Vec<Self>> {
        let real = path.canonicalize()?;
        if real.is_dir() {
            let top = top(&real, app);
            return Ok(vec![Self::Directory { path: real, top }]);
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
        let link = parent.canonicalize()?.join(name);
        let mut files = vec![Self::File(link)];
        if files[0].path() != real {
            files.push(Self::File(real));
        }
        Ok(files)
    }
}

/// Where the patterns that count in a directory begin.
fn top(directory: &Path, app: &Path) -> PathBuf {
    let is_repository = |above: &&Path| above.join(".git").exists();
    let outermost = if directory.starts_with(app) { app } else { directory };
    directory.ancestors().find(is_repository).unwrap_or(outermost).to_owned()
}

impl Scope {
    /// `app` is where the patterns of `ignore` begin.
    pub(super) fn new(
        process: usize,
        watch: &Watch,
        app: &Path,
        except: Option<PathBuf>,
    ) -> Result<Self, WatchError> {
        let mut roots = Vec::new();
        for path in &watch.paths {
            let found = Root::of(path, app).map_err(|error| WatchError::Io { path: path.clone(), error })?;
            roots.extend(found);
        }
        let lines = watch.ignore.iter().map(String::as_str);
        let own = patterns::parse(app, lines).map_err(|error| WatchError::Pattern(error.to_string()))?;
        Ok(Self { process, roots, own, except })
    }

    /// Whether this is named, or what is named is in it.
    pub(super) fn needs(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| root.path().starts_with(path))
    }

    /// Whether a file or directory counts.
    pub(super) fn has(&self, path: &Path, is_dir: bool, patterns: &mut Patterns) -> bool {
        self.roots.iter().any(|root| match root {
            Root::File(file) => path == file,
            Root::Directory { path: directory, top } => {
                let inside = path.ancestors().take_while(|each| each != directory);
                path.starts_with(directory)
                    && !inside
                        .enumerate()
                        .any(|(depth, each)| self.leaves_out(each, depth > 0 || is_dir, top, patterns))
            }
        })
    }

    /// Whether a file or directory is left out by itself; what its parents are is not asked.
    pub(super) fn leaves_out(&self, path: &Path, is_dir: bool, top: &Path, patterns: &mut Patterns) -> bool {
        let is_ours = self.except.as_ref().is_some_and(|except| path.starts_with(except));
        let is_git = path.file_name().is_some_and(|name| name == ".git");
        is_git
            || is_ours
            || patterns::verdict(&self.own, path, is_dir)
                .unwrap_or_else(|| patterns.leave_out(path, is_dir, top))
    }
}
