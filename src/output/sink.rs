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
use std::time::Duration;

use super::handoff::{Handoff, Queue, Taker};

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
    handoff: Handoff<Pages>,
    write_now: RefCell<WriteNow>,
}

/// Writes to standard output what can be written without waiting; fails where that is nothing, or cannot be known.
pub type WriteNow = Box<dyn FnMut(&[u8]) -> io::Result<usize>>;

/// What waits to be written.
#[derive(Debug, Default)]
struct Pages {
    waiting: VecDeque<(Target, Vec<u8>)>,
    /// Pages to be written on again.
    spare: Vec<Vec<u8>>,
    /// Bytes that are not written yet: those that wait and those the thread has taken.
    queued: usize,
    limit: usize,
    closed: Option<Closed>,
    /// Whether the last attempt to write failed, and is to be repeated.
    failing: bool,
    dropped: u64,
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
        let pages = Pages { limit, ..Pages::default() };
        let run = |taker| Writer { taker, write, warned: false }.run();
        let handoff = Handoff::start("proc-output", pages, run)?;
        Ok(Self { handoff, write_now: RefCell::new(write_now) })
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
        self.handoff.put(|state| {
            let has_ended = state.has_ended();
            let pages = &mut state.queue;
            if has_ended || (target == Target::Stdout && pages.closed.is_some()) {
                pages.dropped += page.len() as u64;
                return Vec::new();
            }
            pages.queued += page.len();
            pages.waiting.push_back((target, page));
            pages.spare.pop().unwrap_or_default()
        })
    }

    /// Whether the thread has nothing to write: then nobody else writes to standard output, as only we push.
    fn is_at_rest(&self) -> bool {
        let pages = &self.handoff.lock().queue;
        pages.queued == 0 && pages.closed.is_none()
    }

    /// Whether the engine may go on reading; a closed sink has room for ever, since it drops all.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.handoff.lock().has_room()
    }

    /// Why the sink has closed; none while it writes.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.handoff.lock().queue.closed
    }

    /// Resolves when room has come back or the sink has closed since it last resolved; then look which.
    ///
    /// A change while nobody waits is kept, so it cannot fall between the look and the wait; cancelling loses none.
    /// For one waiting task.
    pub async fn changed(&self) {
        self.handoff.changed().await;
    }

    /// How many bytes are queued or being written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.handoff.queued()
    }

    /// Whether writing fails for now, as on a full disk; a reader that is only slow is no failure.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.handoff.lock().queue.failing
    }

    /// Resolves when nothing is left to be written. For one waiting task.
    pub async fn idle(&self) {
        self.handoff.idle().await;
    }

    /// Writes what is queued, for at most as long as `deadline`, and ends the thread.
    ///
    /// A thread that is stuck in a write is left behind; it touches nothing when it comes back.
    #[must_use]
    pub fn finish(self, deadline: Duration) -> Finished {
        let pages = &self.handoff.finish(deadline).queue;
        Finished { dropped: pages.dropped + pages.queued as u64, closed: pages.closed }
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("handoff", &self.handoff).finish_non_exhaustive()
    }
}

impl Pages {
    /// Takes bytes off the books, as written or as dropped.
    fn settle(&mut self, bytes: usize, dropped: bool) {
        self.queued -= bytes;
        self.failing &= bytes == 0;
        if dropped {
            self.dropped += bytes as u64;
        }
    }

    /// Closes standard output, for the first reason there is, and drops what waits for it.
    fn close(&mut self, why: Closed) {
        self.closed.get_or_insert(why);
        let mut dropped = 0;
        self.waiting.retain(|(target, bytes)| {
            let keep = *target == Target::Stderr;
            dropped += if keep { 0 } else { bytes.len() };
            keep
        });
        self.settle(dropped, true);
    }
}

impl Queue for Pages {
    fn queued(&self) -> usize {
        self.queued
    }

    fn has_room(&self) -> bool {
        self.closed.is_some() || self.queued < self.limit
    }

    fn end(&mut self, has_panicked: bool) {
        if has_panicked {
            self.close(Closed::Gone);
        }
        // A batch that was begun and not written is in nobody's hands any more.
        self.settle(self.queued, true);
    }
}

/// What runs on the thread.
struct Writer<W> {
    write: W,
    warned: bool,
    /// The last field: it is dropped after `write`.
    taker: Taker<Pages>,
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
        let mut state = self.taker.wait_for_work()?;
        let waiting = &mut state.queue.waiting;
        let (target, first) = waiting.pop_front()?;
        let mut length = first.len();
        let mut pages = vec![first];
        let fits =
            |length: usize, next: &(Target, Vec<u8>)| next.0 == target && length + next.1.len() <= BATCH;
        while pages.len() < MOST_PAGES
            && let Some((_, page)) = waiting.pop_front_if(|next| fits(length, next))
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
        let spare = &mut self.taker.lock().queue.spare;
        let room = SPARE_PAGES.saturating_sub(spare.len());
        let kept = pages.into_iter().filter(|page| page.capacity() <= LARGEST_SPARE).take(room);
        spare.extend(kept.map(|mut page| {
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
                    self.taker.lock().queue.failing = true;
                    self.warn(error);
                }
                self.taker.pause(pause, |_| false)
            }
            Remedy::Skip => self.give_up(left),
            Remedy::Close(why) => {
                self.taker.update(|state| state.queue.close(why));
                self.taker.tell();
                self.give_up(left)
            }
        }
    }

    /// Drops what is left of the batch.
    fn give_up(&self, left: usize) -> ControlFlow<()> {
        self.taker.update(|state| state.queue.settle(left, true));
        ControlFlow::Break(())
    }

    /// Takes written bytes off the books; breaks if nobody waits for the rest any more.
    fn settle(&self, bytes: usize) -> ControlFlow<()> {
        self.taker.update(|state| {
            state.queue.settle(bytes, false);
            state.flow()
        })
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
