//! The handoff between the engine and a thread that writes: a queue under a lock, and who waits for what to become of it.
//!
//! The engine puts in and never waits. The thread takes out, writes, and takes off the books what is written. When the queue was full and is not
//! any more, when nothing is left in it, and when the thread has ended, for whatever reason, those who wait are told. What is in the queue
//! and how much of it is too much is the [`Queue`]'s affair.

use std::io;
use std::ops::{ControlFlow, Deref};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

/// What waits to be written.
pub(super) trait Queue: Send + 'static {
    /// How many bytes are queued or taken and not written yet; not 0 as long as anything is left to be written.
    fn queued(&self) -> usize;

    /// Whether the engine may go on reading.
    fn has_room(&self) -> bool;

    /// The thread has ended, and will write none of what is left.
    fn end(&mut self, has_panicked: bool);
}

/// The engine's end. Dropped without [`Handoff::finish`], it has the thread write what is queued, and nobody waits for that.
#[derive(Debug)]
pub(super) struct Handoff<Q: Queue>(Arc<Shared<Q>>);

/// The thread's end: when it goes, the thread has ended.
pub(super) struct Taker<Q: Queue>(Arc<Shared<Q>>);

/// What both ends can do.
#[derive(Debug)]
pub(super) struct Shared<Q> {
    state: Mutex<State<Q>>,
    /// For the thread: there is something to write, or an end.
    work: Condvar,
    /// For `finish`: the thread has ended.
    end: Condvar,
    /// For the engine: there is room again, or something to look at.
    changed: Notify,
    /// For the engine: nothing is left to be written.
    idle: Notify,
}

/// What is under the lock.
#[derive(Debug)]
pub(super) struct State<Q> {
    /// What waits to be written.
    pub(super) queue: Q,
    phase: Phase,
    /// Whether there was no room when somebody last looked.
    is_full: bool,
}

/// How far the thread is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It waits for more.
    Open,
    /// It ends when all is written.
    Finishing,
    /// It ends at once; what is left has been counted.
    Abandoned,
    /// It has ended.
    Ended,
}

impl<Q: Queue> State<Q> {
    /// Whether the thread has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether the engine may go on reading; it may for ever once nobody writes.
    pub(super) fn has_room(&self) -> bool {
        self.has_ended() || self.queue.has_room()
    }

    /// Breaks if nobody waits for what is queued any more.
    pub(super) fn flow(&self) -> ControlFlow<()> {
        match self.phase {
            Phase::Open | Phase::Finishing => ControlFlow::Continue(()),
            Phase::Abandoned | Phase::Ended => ControlFlow::Break(()),
        }
    }
}

impl<Q: Queue> Shared<Q> {
    /// The state; a panic of the other side leaves it usable, as no invariant spans an unlock.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<Q>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue, and tells the engine if room has come back or nothing is left.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut State<Q>) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let is_full = !state.has_room();
        if std::mem::replace(&mut state.is_full, is_full) && !is_full {
            self.changed.notify_one();
        }
        if state.queue.queued() == 0 {
            self.idle.notify_one();
        }
        result
    }

    /// Tells the engine that there is something to look at.
    pub(super) fn tell(&self) {
        self.changed.notify_one();
    }

    /// Goes on to a later phase; there is no way back.
    fn enter(&self, state: &mut State<Q>, phase: Phase) {
        if (state.phase as u8) < phase as u8 {
            state.phase = phase;
            self.work.notify_all();
        }
    }
}

impl<Q: Queue> Handoff<Q> {
    /// Starts a thread of this name that takes from this queue. Fails if the system has no thread for us.
    pub(super) fn start(
        name: &str,
        queue: Q,
        run: impl FnOnce(Taker<Q>) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { queue, phase: Phase::Open, is_full: false }),
            work: Condvar::new(),
            end: Condvar::new(),
            changed: Notify::new(),
            idle: Notify::new(),
        });
        let taker = Taker(Arc::clone(&shared));
        thread::Builder::new().name(name.to_owned()).spawn(move || run(taker))?;
        Ok(Self(shared))
    }

    /// Puts something in, and wakes the thread.
    pub(super) fn put<T>(&self, put: impl FnOnce(&mut State<Q>) -> T) -> T {
        let result = self.update(put);
        self.work.notify_one();
        result
    }

    /// Resolves when the engine has been told something since it last resolved.
    ///
    /// A change while nobody waits is kept, so it cannot fall between the look and the wait; cancelling loses none.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// How many bytes are queued or being written.
    pub(super) fn queued(&self) -> usize {
        self.lock().queue.queued()
    }

    /// Resolves when nothing is left to be written.
    pub(super) async fn idle(&self) {
        while self.queued() > 0 {
            self.idle.notified().await;
        }
    }

    /// Lets the thread write what is queued, for at most as long as `deadline`, and end; what there is then.
    ///
    /// A thread that is stuck in a write is left behind; it touches nothing when it comes back.
    pub(super) fn finish(&self, deadline: Duration) -> MutexGuard<'_, State<Q>> {
        let mut state = self.lock();
        self.enter(&mut state, Phase::Finishing);
        let waited = self.end.wait_timeout_while(state, deadline, |state| !state.has_ended());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        self.enter(&mut state, Phase::Abandoned);
        state
    }
}

impl<Q: Queue> Taker<Q> {
    /// Waits until there is something to take; none when it is time to end.
    pub(super) fn wait_for_work(&self) -> Option<MutexGuard<'_, State<Q>>> {
        let is_idle = |state: &mut State<Q>| state.phase == Phase::Open && state.queue.queued() == 0;
        let state = self.work.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        (state.flow().is_continue() && state.queue.queued() > 0).then_some(state)
    }

    /// Waits until it is time for another attempt, or something else is to be done; breaks if nobody waits for it any more.
    ///
    /// The beginning of the end cuts the wait short, so that the last attempts are not all pauses.
    pub(super) fn pause(&self, pause: Duration, is_over: impl Fn(&Q) -> bool) -> ControlFlow<()> {
        let state = self.lock();
        let before = state.phase;
        let waits = |state: &mut State<Q>| state.phase == before && !is_over(&state.queue);
        let waited = self.work.wait_timeout_while(state, pause, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0.flow()
    }
}

impl<Q: Queue> Drop for Handoff<Q> {
    fn drop(&mut self) {
        self.enter(&mut self.lock(), Phase::Finishing);
    }
}

impl<Q: Queue> Drop for Taker<Q> {
    /// A panic of what writes must stall neither the engine nor `finish`.
    fn drop(&mut self) {
        self.update(|state| {
            state.queue.end(thread::panicking());
            state.phase = Phase::Ended;
        });
        self.end.notify_all();
        self.tell();
    }
}

impl<Q: Queue> Deref for Handoff<Q> {
    type Target = Shared<Q>;

    fn deref(&self) -> &Shared<Q> {
        &self.0
    }
}

impl<Q: Queue> Deref for Taker<Q> {
    type Target = Shared<Q>;

    fn deref(&self) -> &Shared<Q> {
        &self.0
    }
}

#[cfg(test)]
#[path = "handoff_tests.rs"]
mod tests;
