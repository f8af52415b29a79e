//! What somebody asks of a run from outside: from another terminal, a script, or by a key.

use super::instance::InstanceId;
use super::signal::Signal;

/// A wish, of instances that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Start those that are down, or have failed.
    Start(Vec<InstanceId>),
    /// Stop these, each within its grace period; they stay down until somebody starts them, and their end is no reason to end the run.
    Stop(Vec<InstanceId>),
    /// Stop these and start them anew, and start those that are down.
    Restart(Vec<InstanceId>),
    /// Send a signal to the groups of these.
    Signal {
        /// Of which.
        instances: Vec<InstanceId>,
        /// What to send.
        signal: Signal,
    },
    /// End the run, as SIGTERM does, but with success.
    Down,
}

/// Why a wish was not granted: nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind it is.
    pub kind: RefusalKind,
    /// What is wrong with it.
    pub message: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

/// What is wrong with a wish that was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// It names what there is not.
    Unknown,
    /// It makes no sense.
    Invalid,
    /// It makes sense, but not now: the run is ending, a file is broken, a port is taken.
    Conflict,
}
