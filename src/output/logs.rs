//! The thread that writes the log files, behind a queue that never makes the engine wait.
//!
//! A log file is a bystander: neither a process nor the terminal may end or stand still for good because of it. What that means depends on
//! the disk:
//!
//! - A disk that is *slow* loses nothing. The queue fills, and the engine stops reading the processes' pipes until there is room, as it does
//!   for standard output.
//! - A disk that *fails* (full, gone, read-only) holds up nobody. What the queue has of a file that cannot be written is kept and tried
//!   again; beyond that the newest is dropped and counted, and the count is written into the file in the place of the bytes once writing
//!   works again. It is said on our own output when that begins, when it is over, and at the end of the run if it is not.
//!
//! So there are two bounds: one for what waits for a disk that writes, one for what is kept of files that fail.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use super::backlog::{Backlog, Next};
use crate::model::instance::InstanceId;

/// How long a disk that fails is left alone before the next attempt.
const RETRY: Duration = Duration::from_millis(100);

/// The log files: what is pushed for one is written to it in this order, by a thread of its own.
#[derive(Debug)]
pub struct Logs {
    shared: Arc<Shared>,
}

/// What is missing at the end of a log file when a run has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritten {
    /// The file, as it is called in messages.
    pub name: String,
    /// How many bytes.
    pub bytes: u64,
    /// Why; none if there was no time to write them.
    pub why: Option<String>,
}

/// What the engine and the thread have in common.
#[derive(Debug)]
struct Shared {
    limit: usize,
    state: Mutex<State>,
    /// For the thread: there is something to write, or an end.
    work: Condvar,
    /// For `finish`: the thread has ended.
    end: Condvar,
    /// For the engine: there is room again, or something to say.
    changed: Notify,
    /// For the engine: nothing is left to be written.
    idle: Notify,
}

#[derive(Debug)]
struct State {
    files: BTreeMap<InstanceId, Backlog>,
    /// Whether there was no room when somebody last looked.
    is_full: bool,
    phase: Phase,
    notices: Vec<String>,
}

/// How far the thread is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It waits for more.
    Open,
    /// It ends when all is written.
    Finishing,
    /// It ends at once; what is left has been counted as unwritten.
    Abandoned,
    /// It has ended.
    Ended,
}

impl Phase {
    /// Whether what is in the queue is still to be written.
    fn flow(self) -> ControlFlow<()> {
        match self {
            Self::Open | Self::Finishing => ControlFlow::Continue(()),
            Self::Abandoned | Self::Ended => ControlFlow::Break(()),
        }
    }
}

impl Logs {
    /// Starts the thread for files of these names; `write` appends to one, may block, and may write less than it was given.
    ///
    /// `limit` is the number of bytes from which on the queue is full. Fails if the system has no thread for us.
    pub fn start(
        write: impl FnMut(InstanceId, &[u8]) -> io::Result<usize> + Send + 'static,
        names: BTreeMap<InstanceId, String>,
        limit: usize,
    ) -> io::Result<Self> {
        let files = names.into_iter().map(|(id, name)| (id, Backlog::new(name))).collect();
        let shared = Arc::new(Shared {
            limit,
            state: Mutex::new(State { files, is_full: false, phase: Phase::Open, notices: Vec::new() }),
            work: Condvar::new(),
            end: Condvar::new(),
            changed: Notify::new(),
            idle: Notify::new(),
        });
        let writer = Writer { write, inside_line: BTreeSet::new(), shared: Ending(Arc::clone(&shared)) };
        thread::Builder::new().name("proc-logs".to_owned()).spawn(move || writer.run())?;
        Ok(Self { shared })
    }

    /// Queues bytes for the file of an instance; never blocks. While that file fails and enough is kept already, they are dropped and counted.
    ///
    /// For an instance that has no file it does nothing.
    pub fn push(&self, id: InstanceId, bytes: &[u8]) {
        let mut state = self.shared.lock();
        let drops = state.drops(id, bytes.len(), self.shared.limit);
        let Some(file) = state.files.get_mut(&id).filter(|_| !bytes.is_empty()) else { return };
        if drops {
            file.drop(bytes.len());
        } else {
            file.keep(bytes);
        }
        self.shared.look_for_room(&mut state);
        drop(state);
        self.shared.work.notify_one();
    }

    /// Whether the engine may go on reading. What is kept of files that fail has a bound of its own, and takes no room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.lock().has_room(self.shared.limit)
    }

    /// Resolves when room has come back or there is something to say since it last resolved; then look which.
    ///
    /// A change while nobody waits is kept, so it cannot fall between the look and the wait; cancelling loses none.
    /// For one waiting task.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// What there is to say about the files since the last time, a line each.
    #[must_use]
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().notices)
    }

    /// How many bytes are queued or being written; not 0 as long as anything is left to be written.
    #[must_use]
    pub fn queued(&self) -> usize {
        let state = self.shared.lock();
        state.files.values().map(|file| file.queued() + usize::from(!file.is_empty())).sum()
    }

    /// Whether a file fails for now; a disk that is only slow is no failure.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.lock().files.values().any(Backlog::is_failing)
    }

    /// Resolves when nothing is left to be written. For one waiting task.
    pub async fn idle(&self) {
        while self.queued() > 0 {
            self.shared.idle.notified().await;
        }
    }

    /// Writes what is queued, for at most as long as `deadline`, and ends the thread; what is missing in the files then.
    ///
    /// A thread that is stuck in a write is left behind; it touches nothing when it comes back.
    #[must_use]
    pub fn finish(&self, deadline: Duration) -> Vec<Unwritten> {
        let mut state = self.shared.lock();
        self.shared.enter(&mut state, Phase::Finishing);
        let waited = self.shared.end.wait_timeout_while(state, deadline, |state| state.phase != Phase::Ended);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        self.shared.enter(&mut state, Phase::Abandoned);
        state.files.values().filter_map(unwritten).collect()
    }
}

impl Drop for Logs {
    /// Without [`Logs::finish`] the thread still writes what is queued, and nobody waits for it.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        self.shared.enter(&mut state, Phase::Finishing);
    }
}

/// What is missing at the end of a file: what is kept, and what was dropped without the file saying so.
fn unwritten(file: &Backlog) -> Option<Unwritten> {
    let bytes = file.queued() as u64 + file.dropped();
    let unwritten =
        || Unwritten { name: file.name().to_owned(), bytes, why: file.failure().map(str::to_owned) };
    (bytes > 0).then(unwritten)
}

impl State {
    /// The bytes that wait: of the files that fail, or of those that do not.
    fn queued(&self, failing: bool) -> usize {
        self.files.values().filter(|file| file.is_failing() == failing).map(Backlog::queued).sum()
    }

    fn has_room(&self, limit: usize) -> bool {
        self.phase == Phase::Ended || self.queued(false) < limit
    }

    /// Whether more bytes for a file would be dropped. Once some have been, all are until it can be written again: one gap, not many.
    fn drops(&self, id: InstanceId, count: usize, limit: usize) -> bool {
        let drops =
            |file: &Backlog| file.is_failing() && (file.ends_in_a_gap() || self.queued(true) + count > limit);
        self.phase == Phase::Ended || self.files.get(&id).is_some_and(drops)
    }

    fn is_empty(&self) -> bool {
        self.files.values().all(Backlog::is_empty)
    }

    /// Whether something waits for a file that does not fail.
    fn has_work(&self) -> bool {
        self.files.values().any(|file| !file.is_empty() && !file.is_failing())
    }
}

impl Shared {
    /// The state; a panic of the other side leaves it usable, as no invariant spans an unlock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to a later phase; there is no way back.
    fn enter(&self, state: &mut State, phase: Phase) {
        if (state.phase as u8) < phase as u8 {
            state.phase = phase;
            self.work.notify_all();
        }
    }

    /// Sees whether there is room, and tells the engine if it has come back.
    fn look_for_room(&self, state: &mut State) {
        let is_full = !state.has_room(self.limit);
        if std::mem::replace(&mut state.is_full, is_full) && !is_full {
            self.changed.notify_one();
        }
    }

    /// Changes what is known of a file; a line of our own that comes of it is handed to the engine.
    fn update(&self, id: InstanceId, change: impl FnOnce(&mut Backlog) -> Option<String>) -> ControlFlow<()> {
        let mut state = self.lock();
        let notice = state.files.get_mut(&id).and_then(change);
        if let Some(notice) = notice {
            state.notices.push(notice);
            self.changed.notify_one();
        }
        self.look_for_room(&mut state);
        if state.files.values().all(|file| file.is_empty() && file.queued() == 0) {
            self.idle.notify_one();
        }
        state.phase.flow()
    }
}

/// The thread's hold on the state: when it goes, for whatever reason, the thread has ended.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    /// A panic of the writer function must stall neither the engine nor `finish`.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if thread::panicking() {
            state.notices.push("failed to write the log files: this is a bug in proc".to_owned());
        }
        state.phase = Phase::Ended;
        self.0.end.notify_all();
        self.0.changed.notify_one();
    }
}

/// What runs on the thread.
struct Writer<W> {
    write: W,
    /// The files whose last byte was in the middle of a line.
    inside_line: BTreeSet<InstanceId>,
    /// The last field: it is dropped after `write`.
    shared: Ending,
}

impl<W: FnMut(InstanceId, &[u8]) -> io::Result<usize>> Writer<W> {
    fn run(mut self) {
        while let Some(round) = self.next_round() {
            let mut has_written = false;
            for id in round {
                has_written |= self.write_next(id);
            }
            if !has_written {
                self.pause();
            }
        }
    }

    /// Waits for work: the files that have some, those that fail among them; none when it is time to end.
    fn next_round(&self) -> Option<Vec<InstanceId>> {
        let shared = &self.shared.0;
        let idle = |state: &mut State| state.phase == Phase::Open && state.is_empty();
        let state = shared.work.wait_while(shared.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if state.phase.flow().is_break() || state.is_empty() {
            return None;
        }
        Some(state.files.iter().filter(|(_, file)| !file.is_empty()).map(|(id, _)| *id).collect())
    }

    /// Writes what is next for a file; whether any of it could be written.
    fn write_next(&mut self, id: InstanceId) -> bool {
        let is_inside_line = self.inside_line.contains(&id);
        let next = self.shared.0.lock().files.get_mut(&id).and_then(|file| file.next(is_inside_line));
        match next {
            None => false,
            Some(Next::Bytes(bytes)) => self.write_bytes(id, bytes),
            Some(Next::Note { text, dropped }) => self.write_note(id, &text, dropped),
        }
    }

    fn write_bytes(&mut self, id: InstanceId, mut bytes: Vec<u8>) -> bool {
        let mut written = 0;
        while written < bytes.len() {
            let flow = match self.attempt(id, &bytes[written..]) {
                Ok(count) => {
                    written += count;
                    let is_whole = written == bytes.len();
                    self.shared.0.update(id, |file| {
                        file.settle(count);
                        if is_whole { file.recover() } else { None }
                    })
                }
                Err(error) => {
                    let rest = bytes.split_off(written);
                    let _ = self.shared.0.update(id, |file| {
                        file.put_back(rest);
                        file.fail(said(&error))
                    });
                    ControlFlow::Break(())
                }
            };
            if flow.is_break() {
                break;
            }
        }
        written > 0
    }

    fn write_note(&mut self, id: InstanceId, text: &[u8], dropped: u64) -> bool {
        let result = self.attempt(id, text);
        let has_written = result.is_ok();
        let _ = self.shared.0.update(id, |file| match result {
            Ok(count) => file.settle_note(&text[count..], dropped),
            Err(error) => file.fail(said(&error)),
        });
        has_written
    }

    /// Writes once; how many bytes, at least one.
    fn attempt(&mut self, id: InstanceId, bytes: &[u8]) -> io::Result<usize> {
        let count = loop {
            match (self.write)(id, bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => break count.min(bytes.len()),
                Err(error) => return Err(error),
            }
        };
        if bytes[..count].ends_with(b"\n") {
            self.inside_line.remove(&id);
        } else {
            self.inside_line.insert(id);
        }
        Ok(count)
    }

    /// Leaves the files that fail alone for a while, unless one that does not has work or the end has begun.
    fn pause(&self) {
        let shared = &self.shared.0;
        let state = shared.lock();
        let before = state.phase;
        let waits = |state: &mut State| state.phase == before && !state.has_work();
        drop(shared.work.wait_timeout_while(state, RETRY, waits));
    }
}

/// An error in the system's words, without its number: it stands in a line of a log file.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
