//! What the supervisor hears of: everything that can happen to a run.

use crate::model::answer::Answer;
use crate::model::exit::Exit;
use crate::model::instance::{Generation, InstanceId, Pid};
use crate::model::policy::ExitOn;
use crate::model::request::Request;
use crate::model::settings::Settings;
use crate::model::signal::{Received, Signal};
use std::collections::BTreeSet;
use std::fmt;

/// Something that happened. A report about an instance carries the generation it is about and is dropped if that is not the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The engine is ready: the run begins.
    Start,
    /// A process was started.
    Spawned {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// Its leader.
        pid: Pid,
    },
    /// A process could not be started.
    SpawnFailed {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// Why.
        failure: SpawnFailure,
    },
    /// The leader of an instance ended and was reaped.
    Exited {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// How.
        exit: Exit,
    },
    /// All that an instance wrote before its leader ended has been taken over.
    Drained {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
    },
    /// No process is left of an instance whose leader has ended, neither in its group nor outside.
    TreeEmpty {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
    },
    /// Something is left of an instance whose leader has ended; reported once, after the end.
    Remains {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
    },
    /// Descendants were found that have left their group; each is reported once.
    Strayed {
        /// Whose they are, if that can be told.
        of: Option<(InstanceId, Generation)>,
        /// Who they are.
        strays: Vec<Stray>,
    },
    /// The leader of an instance was stopped, and not by us.
    Stopped {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// By which signal.
        signal: Signal,
    },
    /// A probe of an instance was answered, or failed: it is what [`Action::Probe`](super::Action::Probe) comes to within its timeout, or a line
    /// that a log probe waits for.
    Probed {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// Which of its probes.
        kind: ProbeKind,
        /// Whether it succeeded.
        result: Answer,
    },
    /// The stop command of an instance ended.
    StopCommandEnded {
        /// Which instance.
        instance: InstanceId,
        /// Which spawn of it.
        generation: Generation,
        /// Why it failed, in words: `exited with code 3`.
        result: Result<(), String>,
    },
    /// A file that a process type is restarted for has changed.
    FileChanged {
        /// The process type, as an index.
        process: usize,
        /// The file, as it is shown: relative to the root, and printable.
        path: String,
    },
    /// Somebody asks something of the run.
    Requested(Request),
    /// There is another plan from here on.
    Replanned(Replan),
    /// No descendant of ours is left, in a group we know or outside.
    Childless,
    /// A signal was sent to us.
    Signal(Received),
    /// We are back after [`Action::Suspend`](super::Action::Suspend).
    Resumed,
    /// Nobody reads our standard output any more.
    OutputClosed,
    /// A deadline may have passed.
    Tick,
}

/// What is otherwise with another plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replan {
    /// The instances that there are to be.
    pub instances: BTreeSet<InstanceId>,
    /// Those among them that have to start anew, because what they are started with has changed.
    pub renewed: BTreeSet<InstanceId>,
    /// How they behave, by process type.
    pub settings: Vec<Settings>,
    /// Which exits end the run.
    pub exit_on: ExitOn,
}

/// Which of the probes of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeKind {
    /// Whether it can do its work.
    Readiness,
    /// Whether it still lives.
    Liveness,
}

/// A descendant outside of the groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Its process.
    pub pid: Pid,
    /// The name of its program, fit to be shown.
    pub name: String,
}

impl fmt::Display for Stray {
    /// Writes `pid 4321 (sleep)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} ({})", self.pid, self.name)
    }
}

/// Why a process could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpawnFailure {
    /// It is the command's fault: nothing would be otherwise the next time.
    Permanent {
        /// What happened: `command not found: pumma`.
        message: String,
        /// 127 for a command that was not found, 126 for one that cannot be executed.
        code: u8,
    },
    /// The system has no room for another process now (memory, processes, open files), and may have some in a moment.
    Temporary {
        /// What there was no room for.
        message: String,
    },
}
