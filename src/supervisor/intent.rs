//! What a rule wants done; the fleet does it.

use super::event::ProbeKind;
use super::instance::Step;
use super::notice::Notice;
use crate::model::exit::Outcome;
use crate::model::instance::InstanceId;
use crate::model::signal::Signal;
use std::time::Instant;

/// A wish of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Start this instance, if it is down.
    Start(InstanceId),
    /// Stop whatever of the fleet is not down; what is left at `kill_at` is killed (none: never), and at once if that has passed.
    StopAll { kill_at: Option<Instant> },
    /// Stop what is left of this instance; what of it is left at `kill_at` is killed (none: never).
    Stop { instance: InstanceId, kill_at: Option<Instant> },
    /// Start this instance anew, at once: what there is of it is stopped first, within its grace period, and its end is no failure. One that has
    /// ended or failed starts again too; one that was never started does not.
    Renew(InstanceId),
    /// Stop this instance because it does not live any more; its end counts as a failure, whatever its code.
    Condemn(InstanceId),
    /// Ask the question of a probe.
    Probe { instance: InstanceId, kind: ProbeKind },
    /// Write down whether this instance can do its work.
    SetReady { instance: InstanceId, is_ready: bool },
    /// Send a signal on to every group.
    Forward(Signal),
    /// Ask the descendants outside of the groups to stop, or kill them.
    SignalStrays(Step),
    /// Stop ourselves until somebody continues us.
    Suspend,
    /// Tell those who watch.
    Say(Notice),
    /// End the run.
    Finish(Outcome),
}
