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
use std::time::Duration;

use super::backlog::{Backlog, Next};
use super::files::Files;
use super::handoff::{Handoff, Taker};
use crate::model::instance::InstanceId;

/// How long a disk that fails is left alone before the next attempt.
const RETRY: Duration = Duration::from_millis(100);

/// The log files: what is pushed for one is written to it in this order, by a thread of its own.
#[derive(Debug)]
pub struct Logs(Handoff<Files>);

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

impl Logs {
    /// Starts the thread for files of these names; `write` appends to one, may block, and may write less than it was given.
    ///
    /// `limit` is the number of bytes from which on the queue is full. Fails if the system has no thread for us.
    pub fn start(
        write: impl FnMut(InstanceId, &[u8]) -> io::Result<usize> + Send + 'static,
        names: BTreeMap<InstanceId, String>,
        limit: usize,
    ) -> io::Result<Self> {
        let run = |taker| Writer { write, inside_line: BTreeSet::new(), taker }.run();
        Ok(Self(Handoff::start("proc-logs", Files::new(names, limit), run)?))
    }

    /// Queues bytes for the file of an instance; never blocks. While that file fails and enough is kept already, they are dropped and counted.
    ///
    /// For an instance that has no file it does nothing.
    pub fn push(&self, id: InstanceId, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.0.put(|state| {
            let drops = state.has_ended() || state.queue.drops(id, bytes.len());
            state.queue.change(id, |file| if drops { file.drop(bytes.len()) } else { file.keep(bytes) });
        });
    }

    /// Whether the engine may go on reading. What is kept of files that fail has a bound of its own, and takes no room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.lock().has_room()
    }

    /// Resolves when room has come back or there is something to say since it last resolved; then look which.
    ///
    /// A change while nobody waits is kept, so it cannot fall between the look and the wait; cancelling loses none.
    /// For one waiting task.
    pub async fn changed(&self) {
        self.0.changed().await;
    }

    /// What there is to say about the files since the last time, a line each.
    #[must_use]
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().queue.notices)
    }

    /// How many bytes are queued or being written; not 0 as long as anything is left to be written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.queued()
    }

    /// Whether a file fails for now; a disk that is only slow is no failure.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.0.lock().queue.is_failing()
    }

    /// Resolves when nothing is left to be written. For one waiting task.
    pub async fn idle(&self) {
        self.0.idle().await;
    }

    /// Writes what is queued, for at most as long as `deadline`, and ends the thread; what is missing in the files then.
    ///
    /// A thread that is stuck in a write is left behind; it touches nothing when it comes back.
    #[must_use]
    pub fn finish(&self, deadline: Duration) -> Vec<Unwritten> {
        self.0.finish(deadline).queue.backlogs().filter_map(unwritten).collect()
    }
}

/// What is missing at the end of a file: what is kept, and what was dropped without the file saying so.
fn unwritten(file: &Backlog) -> Option<Unwritten> {
    let bytes = file.queued() as u64 + file.dropped();
    let unwritten =
        || Unwritten { name: file.name().to_owned(), bytes, why: file.failure().map(str::to_owned) };
    (bytes > 0).then(unwritten)
}

/// What runs on the thread.
struct Writer<W> {
    write: W,
    /// The files whose last byte was in the middle of a line.
    inside_line: BTreeSet<InstanceId>,
    /// The last field: it is dropped after `write`.
    taker: Taker<Files>,
}

impl<W: FnMut(InstanceId, &[u8]) -> io::Result<usize>> Writer<W> {
    fn run(mut self) {
        while let Some(round) = self.next_round() {
            let mut has_written = false;
            for id in round {
                has_written |= self.write_next(id);
            }
            if !has_written {
                // The files that fail are left alone for a while, unless one that does not has work.
                let _ = self.taker.pause(RETRY, Files::has_work);
            }
        }
    }

    /// Waits for work: the files that have some, those that fail among them; none when it is time to end.
    fn next_round(&self) -> Option<Vec<InstanceId>> {
        let state = self.taker.wait_for_work()?;
        Some(state.queue.busy())
    }

    /// Changes what is known of a file; a line of our own that comes of it is handed to the engine.
    fn update(&self, id: InstanceId, change: impl FnOnce(&mut Backlog) -> Option<String>) -> ControlFlow<()> {
        self.taker.update(|state| {
            let notice = state.queue.change(id, change).flatten();
            if let Some(notice) = notice {
                state.queue.notices.push(notice);
                self.taker.tell();
            }
            state.flow()
        })
    }

    /// Writes what is next for a file; whether any of it could be written.
    fn write_next(&mut self, id: InstanceId) -> bool {
        let is_inside_line = self.inside_line.contains(&id);
        let next = self.taker.lock().queue.change(id, |file| file.next(is_inside_line)).flatten();
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
                    self.update(id, |file| {
                        file.settle(count);
                        if is_whole { file.recover() } else { None }
                    })
                }
                Err(error) => {
                    let rest = bytes.split_off(written);
                    let _ = self.update(id, |file| {
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
        let _ = self.update(id, |file| match result {
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
}

/// An error in the system's words, without its number: it stands in a line of a log file.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
