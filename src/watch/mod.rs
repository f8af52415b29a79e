//! The files that process types are restarted for: a thread that hears of every change and keeps those that count.
//!
//! Directories are watched and not files, so that a file which is replaced by another goes on being watched. Opening and reading is no change:
//! an app that reads its sources does not restart itself.

mod ground;
mod mailbox;
mod patterns;
mod scope;
#[cfg(test)]
mod tests;

use crate::model::settings::Watch;
use crate::unix::inotify;
use ground::{Ground, Limits};
use mailbox::Mailbox;
pub use mailbox::News;
use notify::event::{ModifyKind, RenameMode};
use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// The directories that are watched at most, whatever the kernel permits.
const MOST_DIRECTORIES: usize = 65_536;

/// The files and directories that are looked at, at most, to find those directories.
const MOST_ENTRIES: usize = 1_000_000;

/// The changes that wait to be looked at, at most; beyond them it is only known that there were more.
const MOST_WAITING: usize = 4096;

/// How long the thread rests after it has looked at what there was: a file that is written all the time costs next to nothing.
const PAUSE: Duration = Duration::from_millis(10);

/// Why files cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Too much to watch.
    #[error("more than {limit} {what} below {}: name fewer `paths`, or leave some out with `ignore`", below.display())]
    TooMany {
        /// The number.
        limit: usize,
        /// Of what.
        what: &'static str,
        /// Where it was passed.
        below: PathBuf,
    },
    /// A pattern of `ignore` that is none.
    #[error("`ignore` has a pattern that is none: {0}")]
    Pattern(String),
    /// The system has no room for another who watches.
    #[error("the system has no room for another watch: {0}")]
    NoRoom(String),
    /// The system says why.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was to be watched.
        path: PathBuf,
        /// Why it is not.
        error: io::Error,
    },
}

/// The files that a process type is restarted for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The process type, as an index.
    pub process: usize,
    /// Which files.
    pub watch: &'a Watch,
}

/// What is heard of the files that are watched. They are watched until the process ends.
#[derive(Debug)]
pub struct Watcher {
    mailbox: Arc<Mailbox>,
}

impl Watcher {
    /// Watches files from now on. `root` is where the patterns of `ignore` begin, and what paths are shown from; what is below `except` never
    /// counts.
    ///
    /// To be called while all signals are blocked, which the threads that are started here then have for good.
    pub fn start(
        wanted: &[Wanted<'_>],
        root: &Path,
        except: Option<&Path>,
    ) -> Result<Self, (usize, WatchError)> {
        let first = wanted.first().map_or(0, |each| each.process);
        let (changes, heard) = sync_channel(MOST_WAITING);
        let has_missed = Arc::new(AtomicBool::new(false));
        let listener = listener(changes, Arc::clone(&has_missed));
        let notify = RecommendedWatcher::new(listener, Config::default())
            .map_err(|error| (first, refused(Path::new("inotify"), error)))?;
        let most = inotify::most_watches().map_or(MOST_DIRECTORIES, |most| most.min(MOST_DIRECTORIES));
        let limits = Limits { directories: most, entries: MOST_ENTRIES };
        let mut ground = Ground::new(root, except, Box::new(watch_by(notify)), limits);
        for each in wanted {
            ground.enter(*each).map_err(|error| (each.process, error))?;
        }
        let mailbox = Arc::new(Mailbox::default());
        let thread = Thread { ground, mailbox: Arc::clone(&mailbox), has_missed };
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || thread.run(&heard))
            .map_err(|error| (first, WatchError::Io { path: root.to_owned(), error }))?;
        Ok(Self { mailbox })
    }

    /// Waits until there is news.
    pub async fn changed(&self) {
        self.mailbox.filled().await;
    }

    /// The news since the last time.
    #[must_use]
    pub fn take(&self) -> News {
        self.mailbox.take()
    }
}

/// A change, as the kernel tells it.
#[derive(Debug)]
enum Change {
    /// Something is there that was not, or is otherwise than it was.
    There(PathBuf),
    /// Something has gone.
    Gone(PathBuf),
    /// There was more than the kernel could keep for us.
    Missed,
}

/// Hands on what is a change; it never waits, for whoever reads on the other side may wait for us.
fn listener(
    changes: SyncSender<Change>,
    has_missed: Arc<AtomicBool>,
) -> impl FnMut(notify::Result<notify::Event>) {
    move |event| {
        let Ok(event) = event else { return };
        let missed = event.need_rescan().then_some(Change::Missed);
        let make = kind(event.kind);
        let heard = event.paths.into_iter().filter_map(|path| make.map(|make| make(path)));
        for change in missed.into_iter().chain(heard) {
            if changes.try_send(change).is_err() {
                has_missed.store(true, Ordering::Release);
            }
        }
    }
}

/// What an event says of its path; none if nothing has changed by it.
fn kind(kind: EventKind) -> Option<fn(PathBuf) -> Change> {
    match kind {
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => {
            Some(Change::There)
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Some(Change::There),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Some(Change::Gone),
        // The other renamings tell again what these two have told.
        EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Any | ModifyKind::Other)
        | EventKind::Any
        | EventKind::Access(_)
        | EventKind::Other => None,
    }
}

/// Watches a directory, without those below it.
fn watch_by(mut notify: RecommendedWatcher) -> impl FnMut(&Path) -> Result<(), WatchError> + Send {
    move |directory| {
        notify.watch(directory, RecursiveMode::NonRecursive).map_err(|error| refused(directory, error))
    }
}

/// Our words for what the system refuses; it says "no space left on device" where there is no room for another watch.
fn refused(path: &Path, error: notify::Error) -> WatchError {
    let no_room =
        |what: &str| WatchError::NoRoom(format!("raise {what}, or end other programs that watch files"));
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => no_room("fs.inotify.max_user_watches"),
        notify::ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
            no_room("fs.inotify.max_user_instances")
        }
        notify::ErrorKind::Io(error) => WatchError::Io { path: path.to_owned(), error },
        notify::ErrorKind::PathNotFound => {
            WatchError::Io { path: path.to_owned(), error: io::ErrorKind::NotFound.into() }
        }
        notify::ErrorKind::Generic(_)
        | notify::ErrorKind::WatchNotFound
        | notify::ErrorKind::InvalidConfig(_) => {
            WatchError::Io { path: path.to_owned(), error: io::Error::other(error) }
        }
    }
}

/// The thread that sorts out what counts.
struct Thread {
    ground: Ground,
    mailbox: Arc<Mailbox>,
    has_missed: Arc<AtomicBool>,
}

impl Thread {
    fn run(mut self, heard: &Receiver<Change>) {
        while let Ok(first) = heard.recv() {
            let rest = std::iter::from_fn(|| heard.try_recv().ok()).take(MOST_WAITING);
            for change in std::iter::once(first).chain(rest) {
                match change {
                    Change::There(path) => self.mailbox.put(self.ground.there(&path)),
                    Change::Gone(path) => self.mailbox.put(self.ground.gone(&path)),
                    Change::Missed => self.has_missed.store(true, Ordering::Release),
                }
            }
            if self.has_missed.swap(false, Ordering::AcqRel) {
                self.mailbox.put(self.ground.survey_again());
            }
            self.mailbox.complain(self.ground.complaint());
            std::thread::sleep(PAUSE);
        }
    }
}
