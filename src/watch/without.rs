//! What stands for the files that are watched where this part was left out (the feature `watch`): nothing can be watched.

use crate::model::settings::Watch;
use std::path::Path;

/// Why files cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("this proc was built without the feature `watch`")]
pub struct WatchError;

/// The files that a process type is restarted for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The process type, as an index.
    pub process: usize,
    /// Which files.
    pub watch: &'a Watch,
}

/// What there is to say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Process types, as indices, and the files of each that have changed, as they are shown.
    pub changed: Vec<(usize, String)>,
    /// What is not watched although it was to be, and why.
    pub complaint: Option<String>,
}

/// What is heard of the files that are watched; there is none.
#[derive(Debug)]
pub enum Watcher {}

impl Watcher {
    /// Refuses.
    pub fn start(
        wanted: &[Wanted<'_>],
        _root: &Path,
        _except: Option<&Path>,
    ) -> Result<Self, (usize, WatchError)> {
        Err((wanted.first().map_or(0, |each| each.process), WatchError))
    }

    /// Waits until there is news.
    pub async fn changed(&self) {
        match *self {}
    }

    /// The news since the last time.
    #[must_use]
    pub fn take(&self) -> News {
        match *self {}
    }
}
