//! The thread that writes, behind a queue that never makes the engine wait.
//!
//! Our standard output may stand still for as long as somebody reads a screen of `less`. So the engine only queues, and
//! stops reading the processes' pipes while the queue is full: then they wait, and signals, exits and control do not.
//! The thread makes no policy: it writes all it can, and says when the other side has gone. Only what is short, and can be
//! written without waiting while nothing else is on its way, goes past it: a lone line is there that much sooner.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

/// How long a full disk is left alone before the next attempt.
const RETRY: Duration = Duration::from_millis(100);

/// The same for a descriptor that somebody else made non-blocking, should the writer function not wait by itself.
const RETRY_BUSY: Duration = Duration::from_millis(5);

/// Bytes that are put together for one write; larger ones gain nothing.
const BATCH: usize = 256 * 1024;

/// Pages that are put together for one write, however short they are (`IOV_MAX` is 1024).
const MOST_PAGES: usize = 64;

/// Written pages that are kept to be written on again, and how large one may be: fresh memory costs more than the bytes in it.
const SPARE_PAGES: usize = 2;
const LARGEST_SPARE: usize = 512 * 1024;

/// A page that may be written at once, by whoever pushes it: POSIX has pipes take so much whole or not at all (`PIPE_BUF`).
const SHORT: usize = 4096;

/// Which of our descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Why nothing can be written to standard output any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Its reader has ended (EPIPE): `proc start | head -1`.
    BrokenPipe,
    /// The terminal has gone (EIO), or the descriptor was never open (EBADF).
    Gone,
}

/// How the writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Bytes that were pushed and not written; 0 if all are out.
    pub dropped: u64,
    /// Why they were not, if that is because nothing can be written any more.
    pub closed: Option<Closed>,
}

impl Finished {
    /// The bytes that somebody will miss: a reader that went away by itself misses none.
    #[must_use]
    pub fn missed(self) -> u64 {
        match self.closed {
            Some(Closed::BrokenPipe) => 0,
            Some(Closed::Gone) | None => self.dropped,
        }
    }
}

/// The writing end: what is pushed here is written in this order, by a thread of its own.
pub struct Sink {
    shared: Arc<Shared>,
    write_now: RefCell<WriteNow>,
}

/// Writes to standard output what can be written without waiting; fails where that is nothing, or cannot be known.
pub type WriteNow = Box<dyn FnMut(&[u8]) -> io::Result<usize>>;

/// What the engine and the thread have in common.
#[derive(Debug)]
struct Shared {
    limit: usize,
    state: Mutex<State>,
    /// For the thread: there is something to write, or an end.
    work: Condvar,
    /// For `finish`: the thread has ended.
    end: Condvar,
    /// For the engine: there is room again, or the sink has closed.
    changed: Notify,
    /// For the engine: nothing is left to be written.
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<(Target, Vec<u8>)>,
    /// Pages to be written on again.
    spare: Vec<Vec<u8>>,
    /// Bytes that are not written yet: those in the queue and those the thread has taken.
    queued: usize,
    /// Whether there was no room when somebody last pushed.
    full: bool,
    closed: Option<Closed>,
    /// Whether the last attempt to write failed, and is to be repeated.
    failing: bool,
    dropped: u64,
    phase: Phase,
}

/// How far the thread is to go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It waits for more.
    #[default]
    Open,
    /// It ends when all is written.
    Finishing,
    /// It ends at once; what is left has been counted as dropped.
    Abandoned,
    /// It has ended.
    Ended,
}

impl Phase {
    /// Whether a batch that has been begun is still wanted.
    fn flow(self) -> ControlFlow<()> {
        match self {
            Self::Open | Self::Finishing => ControlFlow::Continue(()),
            Self::Abandoned | Self::Ended => ControlFlow::Break(()),
        }
    }
}

impl Sink {
    /// Starts the thread; `write` does the writing (of all the slices, in their order), may block, and may write less than it was given.
    ///
    /// `write_now` is tried with what is short, while nothing is queued: a lone line is there without a thread having to wake. `limit` is
    /// the number of bytes from which on the queue is full. Fails if the system has no thread for us.
    pub fn start(
        write: impl FnMut(Target, &[IoSlice<'_>]) -> io::Result<usize> + Send + 'static,
        write_now: WriteNow,
        limit: usize,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            limit,
            state: Mutex::default(),
            work: Condvar::new(),
            end: Condvar::new(),
            changed: Notify::new(),
            idle: Notify::new(),
        });
        let writer = Writer { shared: Ending(Arc::clone(&shared)), write, warned: false };
        thread::Builder::new().name("proc-output".to_owned()).spawn(move || writer.run())?;
        Ok(Self { shared, write_now: RefCell::new(write_now) })
    }

    /// Queues a page; never blocks, and takes it even if there is no room. Returns an empty one for what comes next.
    ///
    /// Once the sink has closed, what is for standard output is dropped and counted.
    #[must_use = "a page that is written on again costs less than a new one"]
    pub fn push(&self, target: Target, mut page: Vec<u8>) -> Vec<u8> {
        if target == Target::Stdout && (1..=SHORT).contains(&page.len()) && self.is_at_rest() {
            // What goes wrong here does so again on the thread, which knows what is to be done about it.
            let written = (self.write_now.borrow_mut())(&page).unwrap_or(0);
            page.drain(..written.min(page.len()));
        }
        if page.is_empty() {
            return page;
        }
        let mut state = self.shared.lock();
        if state.phase == Phase::Ended || (target == Target::Stdout && state.closed.is_some()) {
            state.dropped += page.len() as u64;
            return Vec::new();
        }
        state.queued += page.len();
        state.full |= state.queued >= self.shared.limit;
        state.queue.push_back((target, page));
        let spare = state.spare.pop().unwrap_or_default();
        drop(state);
        self.shared.work.notify_one();
        spare
    }

    /// Whether the thread has nothing to write: then nobody else writes to standard output, as only we push.
    fn is_at_rest(&self) -> bool {
        let state = self.shared.lock();
        state.queued == 0 && state.closed.is_none() && state.phase == Phase::Open
    }

    /// Whether the engine may go on reading; a closed sink has room for ever, since it drops all.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let state = self.shared.lock();
        state.closed.is_some() || state.queued < self.shared.limit
    }

    /// Why the sink has closed; none while it writes.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.lock().closed
    }

    /// Resolves when room has come back or the sink has closed since it last resolved; then look which.
    ///
    /// A change while nobody waits is kept, so it cannot fall between the look and the wait; cancelling loses none.
    /// For one waiting task.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// How many bytes are queued or being written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().queued
    }

    /// Whether writing fails for now, as on a full disk; a reader that is only slow is no failure.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.lock().failing
    }

    /// Resolves when nothing is left to be written. For one waiting task.
    pub async fn idle(&self) {
        while self.queued() > 0 {
            self.shared.idle.notified().await;
        }
    }

    /// Writes what is queued, for at most as long as `deadline`, and ends the thread.
    ///
    /// A thread that is stuck in a write is left behind; it touches nothing when it comes back.
    #[must_use]
    pub fn finish(self, deadline: Duration) -> Finished {
        let mut state = self.shared.lock();
        self.shared.enter(&mut state, Phase::Finishing);
        let waited = self.shared.end.wait_timeout_while(state, deadline, |state| state.phase != Phase::Ended);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        self.shared.enter(&mut state, Phase::Abandoned);
        Finished { dropped: state.dropped + state.queued as u64, closed: state.closed }
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Drop for Sink {
    /// Without [`Sink::finish`] the thread still writes what is queued, and nobody waits for it.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        self.shared.enter(&mut state, Phase::Finishing);
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

    /// Takes bytes off the books, as written or as dropped, and says so if that makes room.
    fn settle(&self, state: &mut State, bytes: usize, dropped: bool) {
        state.queued -= bytes;
        state.failing &= bytes == 0;
        if state.queued == 0 {
            self.idle.notify_one();
        }
        if dropped {
            state.dropped += bytes as u64;
        }
        if state.full && state.queued < self.limit {
            state.full = false;
            self.changed.notify_one();
        }
    }

    /// Closes standard output and drops what is queued for it.
    fn close(&self, why: Closed) {
        let mut state = self.lock();
        if state.closed.is_some() {
            return;
        }
        state.closed = Some(why);
        let mut dropped = 0;
        state.queue.retain(|(target, bytes)| {
            let keep = *target == Target::Stderr;
            dropped += if keep { 0 } else { bytes.len() };
            keep
        });
        self.settle(&mut state, dropped, true);
        self.changed.notify_one();
    }
}

/// The thread's hold on the state: when it goes, for whatever reason, the thread has ended.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    /// A panic of the writer function must stall neither the engine nor `finish`.
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.close(Closed::Gone);
        }
        let mut state = self.0.lock();
        // A batch that was begun and not written is in nobody's hands any more.
        let left = state.queued;
        self.0.settle(&mut state, left, true);
        state.phase = Phase::Ended;
        self.0.end.notify_all();
    }
}

/// What runs on the thread.
struct Writer<W> {
    write: W,
    warned: bool,
    /// The last field: it is dropped after `write`.
    shared: Ending,
}

/// What is to be done about a write that failed.
enum Remedy {
    /// At once again.
    Again,
    /// The same bytes after a pause; a warning is due unless the writer was only busy.
    Later { pause: Duration, warn: bool },
    /// Never again: standard output is closed.
    Close(Closed),
    /// Without these bytes: nobody reads standard error.
    Skip,
}

impl<W: FnMut(Target, &[IoSlice<'_>]) -> io::Result<usize>> Writer<W> {
    fn run(mut self) {
        while let Some((target, pages)) = self.next_batch() {
            self.write_all(target, &pages);
            self.spare(pages);
        }
    }

    /// Waits for work and puts what is queued for one target together; none when it is time to end.
    fn next_batch(&self) -> Option<(Target, Vec<Vec<u8>>)> {
        let shared = &self.shared.0;
        let idle = |state: &mut State| state.phase == Phase::Open && state.queue.is_empty();
        let waited = shared.work.wait_while(shared.lock(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.phase == Phase::Abandoned {
            return None;
        }
        let (target, first) = state.queue.pop_front()?;
        let mut length = first.len();
        let mut pages = vec![first];
        let fits =
            |length: usize, next: &(Target, Vec<u8>)| next.0 == target && length + next.1.len() <= BATCH;
        while pages.len() < MOST_PAGES
            && let Some((_, page)) = state.queue.pop_front_if(|next| fits(length, next))
        {
            length += page.len();
            pages.push(page);
        }
        Some((target, pages))
    }

    /// Writes all of it, however often that takes, unless it is closed or abandoned.
    fn write_all(&mut self, target: Target, pages: &[Vec<u8>]) {
        let mut slices: Vec<IoSlice<'_>> = pages.iter().map(|page| IoSlice::new(page)).collect();
        let mut rest = slices.as_mut_slice();
        let mut left: usize = pages.iter().map(Vec::len).sum();
        while left > 0 {
            let flow = match (self.write)(target, rest) {
                Ok(written @ 1..) => {
                    let written = written.min(left);
                    left -= written;
                    IoSlice::advance_slices(&mut rest, written);
                    self.settle(written)
                }
                Ok(0) => self.recover(target, left, &ErrorKind::WriteZero.into()),
                Err(error) => self.recover(target, left, &error),
            };
            if flow.is_break() {
                return;
            }
        }
    }

    /// Keeps pages that were written, as far as they are wanted.
    fn spare(&self, pages: Vec<Vec<u8>>) {
        let mut state = self.shared.0.lock();
        let room = SPARE_PAGES.saturating_sub(state.spare.len());
        let kept = pages.into_iter().filter(|page| page.capacity() <= LARGEST_SPARE).take(room);
        state.spare.extend(kept.map(|mut page| {
            page.clear();
            page
        }));
    }

    /// Does what an error calls for; breaks if these bytes, `left` of them, are given up.
    fn recover(&mut self, target: Target, left: usize, error: &io::Error) -> ControlFlow<()> {
        match remedy(target, error) {
            Remedy::Again => self.settle(0),
            Remedy::Later { pause, warn } => {
                if warn {
                    self.shared.0.lock().failing = true;
                    self.warn(error);
                }
                self.pause(pause)
            }
            Remedy::Skip => self.give_up(left),
            Remedy::Close(why) => {
                self.shared.0.close(why);
                self.give_up(left)
            }
        }
    }

    /// Drops what is left of the batch.
    fn give_up(&self, left: usize) -> ControlFlow<()> {
        let shared = &self.shared.0;
        shared.settle(&mut shared.lock(), left, true);
        ControlFlow::Break(())
    }

    /// Takes written bytes off the books; breaks if nobody waits for the rest any more.
    fn settle(&self, bytes: usize) -> ControlFlow<()> {
        let shared = &self.shared.0;
        let mut state = shared.lock();
        shared.settle(&mut state, bytes, false);
        state.phase.flow()
    }

    /// Waits until it is time for another attempt; breaks if nobody waits for it any more.
    ///
    /// The beginning of the end cuts the wait short, so that the last attempts are not all pauses.
    fn pause(&self, pause: Duration) -> ControlFlow<()> {
        let shared = &self.shared.0;
        let state = shared.lock();
        let before = state.phase;
        let waited = shared.work.wait_timeout_while(state, pause, |state| state.phase == before);
        waited.unwrap_or_else(PoisonError::into_inner).0.phase.flow()
    }

    /// Says once why the output stands still; if that cannot be said either, it stays unsaid.
    fn warn(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.warned, true) {
            let text = format!("system | failed to write the output: {error}; keeping it and trying again\n");
            let _ = (self.write)(Target::Stderr, &[IoSlice::new(text.as_bytes())]);
        }
    }
}

/// What an error means: who has gone, who is slow, and what may pass.
fn remedy(target: Target, error: &io::Error) -> Remedy {
    match (error.kind(), target) {
        (ErrorKind::Interrupted, _) => Remedy::Again,
        (ErrorKind::WouldBlock, _) => Remedy::Later { pause: RETRY_BUSY, warn: false },
        (_, Target::Stderr) => Remedy::Skip,
        (ErrorKind::BrokenPipe, Target::Stdout) => Remedy::Close(Closed::BrokenPipe),
        (_, Target::Stdout) if matches!(error.raw_os_error(), Some(libc::EIO | libc::EBADF)) => {
            Remedy::Close(Closed::Gone)
        }
        (_, Target::Stdout) => Remedy::Later { pause: RETRY, warn: true },
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
