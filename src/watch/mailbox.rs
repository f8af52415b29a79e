//! What has changed, until somebody comes to take it.

use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// The files that are kept for each process type: as many as anybody wants to hear of.
const MOST_FILES: usize = 100;

/// What there is to say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Process types, as indices, and the files of each that have changed, as they are shown.
    pub changed: Vec<(usize, String)>,
    /// What is not watched although it was to be, and why.
    pub complaint: Option<String>,
}

/// Where the thread that watches puts it.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    news: Mutex<News>,
    filled: Notify,
}

impl Mailbox {
    /// Adds changes; of one type that has many, only some.
    pub(super) fn put(&self, changes: Vec<(usize, String)>) {
        if changes.is_empty() {
            return;
        }
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let is_full =
                news.changed.iter().filter(|(process, _)| *process == change.0).count() >= MOST_FILES;
            if !is_full && !news.changed.contains(&change) {
                news.changed.push(change);
            }
        }
        self.filled.notify_one();
    }

    /// Adds a complaint, if there is one.
    pub(super) fn complain(&self, complaint: Option<String>) {
        if complaint.is_some() {
            self.news.lock().unwrap_or_else(PoisonError::into_inner).complaint = complaint;
            self.filled.notify_one();
        }
    }

    /// Takes all there is.
    pub(super) fn take(&self) -> News {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until there is something.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }
}
