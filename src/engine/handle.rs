//! What the API holds of a run: a way to ask the loop, what it tells those who watch, and the last output.
//!
//! All of it may be used on another thread. The loop answers at once, between two events; nobody waits for it longer than that, and it waits
//! for nobody.

use super::attach::Ask;
use super::clock::Clock;
use super::tally::Figures;
use crate::model::happening::Happening;
use crate::model::instance::InstanceId;
use crate::model::request::{Refusal, RefusalKind};
use crate::model::signal::Signal;
use crate::model::snapshot::{Snapshot, TypeStatus};
use crate::output::{Label, Ring};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::{broadcast, mpsc, oneshot};

/// How many questions wait for the loop at most; who comes then waits for room.
const MOST_CALLS: usize = 64;

/// How many happenings are kept for those who have not taken them; who is slower misses the oldest.
const MOST_HAPPENINGS: usize = 1024;

/// What is done to instances that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Start those that are down.
    Start,
    /// Stop them for good.
    Stop,
    /// Stop and start them.
    Restart,
    /// Send a signal to their groups.
    Signal(Signal),
}

/// The way to an answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// A question to the loop.
#[derive(Debug)]
pub(super) enum Call {
    /// How the run stands; with what its processes use, if that is wanted.
    Look { with_usage: bool, reply: Reply<Snapshot> },
    /// The names of the instances that these names mean.
    Select { names: Vec<String>, reply: Reply<Vec<String>> },
    /// All figures.
    Figures { reply: Reply<Figures> },
    /// The process types.
    Types { reply: Reply<Vec<TypeStatus>> },
    /// Do something to the instances that these names mean; which they are.
    Act { act: Act, names: Vec<String>, reply: Reply<Vec<String>> },
    /// Change how many there are (`web=4`, `worker+1`); the formation then.
    Scale { changes: Vec<String>, reply: Reply<Vec<(String, u16)>> },
    /// Read the files again and change what differs; what that was.
    Reload { reply: Reply<Vec<String>> },
    /// End the run.
    Down { reply: Reply<()> },
    /// Something about the terminal of an instance.
    Terminal(Ask),
}

/// The API's end.
#[derive(Debug, Clone)]
pub struct Handle {
    calls: mpsc::Sender<Call>,
    happenings: broadcast::Sender<Arc<Happening>>,
    ring: Arc<Ring>,
}

impl Handle {
    /// How the run stands; `with_usage`: with what its processes use.
    pub async fn look(&self, with_usage: bool) -> Result<Snapshot, Refusal> {
        self.call(|reply| Call::Look { with_usage, reply }).await
    }

    /// The names of the instances that these names mean, in order.
    pub async fn select(&self, names: Vec<String>) -> Result<Vec<String>, Refusal> {
        self.call(|reply| Call::Select { names, reply }).await
    }

    /// The process types, in the order of the Procfile.
    pub async fn types(&self) -> Result<Vec<TypeStatus>, Refusal> {
        self.call(|reply| Call::Types { reply }).await
    }

    /// All figures of the run, what its processes use included.
    pub async fn figures(&self) -> Result<Figures, Refusal> {
        self.call(|reply| Call::Figures { reply }).await
    }

    /// The time of day.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        Clock::wall()
    }

    /// Does something to the instances that these names mean; the names of those it was done to.
    pub async fn act(&self, act: Act, names: Vec<String>) -> Result<Vec<String>, Refusal> {
        self.call(|reply| Call::Act { act, names, reply }).await
    }

    /// Changes how many there are of each type, by `TYPE=N`, `TYPE+N` or `TYPE-N`; how many there are then. Nothing is changed by no changes.
    pub async fn scale(&self, changes: Vec<String>) -> Result<Vec<(String, u16)>, Refusal> {
        self.call(|reply| Call::Scale { changes, reply }).await
    }

    /// Reads the files of the app again and changes what differs; the differences, a line each. A file that is wrong changes nothing.
    pub async fn reload(&self) -> Result<Vec<String>, Refusal> {
        self.call(|reply| Call::Reload { reply }).await
    }

    /// Ends the run.
    pub async fn down(&self) -> Result<(), Refusal> {
        self.call(|reply| Call::Down { reply }).await
    }

    /// What is told from now on.
    #[must_use]
    pub fn happenings(&self) -> broadcast::Receiver<Arc<Happening>> {
        self.happenings.subscribe()
    }

    /// The last output.
    #[must_use]
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    pub(super) async fn call<T>(&self, make: impl FnOnce(Reply<T>) -> Call) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.calls.send(make(reply)).await.map_err(|_| over())?;
        answer.await.map_err(|_| over())?
    }
}

fn over() -> Refusal {
    Refusal { kind: RefusalKind::Conflict, message: "the run is over".into(), hint: None }
}

/// The loop's end.
#[derive(Debug)]
pub struct Desk {
    calls: mpsc::Receiver<Call>,
    happenings: broadcast::Sender<Arc<Happening>>,
    pub(super) ring: Arc<Ring>,
}

impl Desk {
    /// The two ends; what the processes write is kept in this ring.
    #[must_use]
    pub fn open(ring: Ring) -> (Self, Handle) {
        let (sender, calls) = mpsc::channel(MOST_CALLS);
        let (happenings, _) = broadcast::channel(MOST_HAPPENINGS);
        let ring = Arc::new(ring);
        let handle = Handle { calls: sender, happenings: happenings.clone(), ring: Arc::clone(&ring) };
        (Self { calls, happenings, ring }, handle)
    }

    /// The next question; it waits for ever when nobody can ask any more.
    pub(super) async fn next(&mut self) -> Call {
        match self.calls.recv().await {
            Some(call) => call,
            None => std::future::pending().await,
        }
    }

    /// Keeps a line of our own.
    pub(super) fn say(&self, about: Option<InstanceId>, label: Option<&Label>, pid: Option<u32>, text: &str) {
        match label {
            Some(label) => self.ring.say(about, label, pid, text),
            None => self.ring.say(None, &Label::system(), pid, text),
        }
    }

    /// Tells those who watch.
    pub(super) fn tell(&self, happening: Happening) {
        // Nobody watches: nobody misses it.
        drop(self.happenings.send(Arc::new(happening)));
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.ring.finish();
    }
}
