//! What the supervisor asks of the engine.

use super::event::ProbeKind;
use super::notice::Notice;
use crate::model::exit::Outcome;
use crate::model::instance::{Generation, InstanceId};
use crate::model::signal::Signal;

/// Something to do, in the order given, before the next event is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start a process, and report `Spawned` or `SpawnFailed`.
    Spawn {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it this is.
        generation: Generation,
    },
    /// Signal the process group of an instance; that it has gone is no error.
    Signal {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// What to send.
        signal: Signal,
    },
    /// Signal descendants that are in no group of an instance, each with one signal after the other.
    SignalStrays {
        /// Whose.
        of: Owners,
        /// What to send.
        signals: Vec<Signal>,
    },
    /// Ask the question of a probe, and report `Probed` when it is answered or its timeout is over; nothing of it is left by then. An end of the
    /// instance takes it back.
    Probe {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// Which of its probes; never one of a log, for those are always on.
        kind: ProbeKind,
    },
    /// Run the stop command of an instance, and report `StopCommandEnded`. It is killed with what it is to stop.
    RunStopCommand {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
    },
    /// Stop ourselves as Ctrl-Z does, and report `Resumed` when we go on.
    Suspend,
    /// Tell those who watch.
    Notify(Notice),
    /// End the run; nothing follows.
    Finish(Outcome),
}

/// Whose strays are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owners {
    /// Everybody's, and those of which nobody knows whose they are.
    All,
    /// Those of these spawns.
    Only(Vec<(InstanceId, Generation)>),
}
