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
    /// This instance, if it is down, is to start as soon as what it depends on allows it.
    Want(InstanceId),
    /// Start this instance, if it waits for that.
    Start(InstanceId),
    /// Start this instance again, at this time at the earliest, once what is left of it is gone.
    Again { instance: InstanceId, at: Instant },
    /// This instance is not started any more: it has failed.
    Fail(InstanceId),
    /// Stop what is left of this instance, whose leader has ended.
    ClearAway(InstanceId),
    /// This instance, which waits, will never start.
    GiveUp(InstanceId),
    /// Start this instance anew, at once: what there is of it is stopped first, within its grace period, and its end is no failure. One that has
    /// ended or failed starts again too; one that was never started does not.
    Renew(InstanceId),
    /// Start this instance anew because somebody asks for that, also one that is down.
    Restart(InstanceId),
    /// Stop this instance; it stays down until somebody asks for it, and its end is none to the run.
    Park(InstanceId),
    /// The same, and it is forgotten when it is down.
    Retire(InstanceId),
    /// Take that back: it is wanted again.
    Keep(InstanceId),
    /// Send a signal to the group of this instance.
    Signal { instance: InstanceId, signal: Signal },
    /// Stop this instance because it does not live any more; its end counts as a failure, whatever its code.
    Condemn(InstanceId),
    /// Ask the question of a probe.
    Probe { instance: InstanceId, kind: ProbeKind },
    /// Write down whether this instance can do its work.
    SetReady { instance: InstanceId, is_ready: bool },
    /// Start nothing any more.
    Halt,
    /// Stop whatever of the fleet is not down, each within its grace period.
    StopAll,
    /// Stop what is left of these instances, each within its grace period.
    Stop(Vec<InstanceId>),
    /// Kill whatever of the fleet is not down.
    KillAll,
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
