//! The rule of requests: what somebody asks from outside is done at once, unless the run has begun to stop.
//!
//! That the run is to end is [`shutdown`](super::shutdown)'s.

use super::event::Replan;
use super::fleet::{Change, Fleet};
use super::intent::Intent;
use super::notice::Notice;
use crate::model::instance::InstanceId;
use crate::model::policy::Grace;
use crate::model::request::Request;
use crate::model::signal::Signal;

/// What an instance was asked for, or rather we about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To start.
    Start,
    /// To stop, within this grace period.
    Stop(Grace),
    /// Not to start, for it waits for that.
    NotStart,
    /// To start anew.
    Restart,
    /// To be sent this.
    Signal(Signal),
    /// To stop, because there are to be fewer of it.
    Retire(Grace),
    /// To start anew, because what it is to be has changed.
    Renew,
}

impl Asked {
    /// The words for it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Start => "starting, as asked".into(),
            Self::Stop(grace) => format!("stopping, as asked (grace period {grace})"),
            Self::NotStart => "not starting, as asked".into(),
            Self::Restart => "restarting, as asked".into(),
            Self::Signal(signal) => format!("sent {signal}, as asked"),
            Self::Retire(grace) => format!("stopping, no longer wanted (grace period {grace})"),
            Self::Renew => "restarting with what has changed".into(),
        }
    }
}

/// Does what was asked.
pub(crate) fn decide(fleet: &Fleet, change: Change<'_>) -> Vec<Intent> {
    match change {
        Change::Requested(Request::Start(ids)) => {
            let is_meant = |id| fleet.is_wanted(id) && fleet.is_startable(id);
            of(ids, is_meant, |id| say(id, Asked::Start, Intent::Restart(id)))
        }
        Change::Requested(Request::Stop(ids)) => {
            let grace = |id| Asked::Stop(fleet.settings(id).stop.grace);
            let what = |id| if fleet.life(id).is_some() { grace(id) } else { Asked::NotStart };
            let stop = |id| say(id, what(id), Intent::Park(id));
            of(ids, |id| fleet.is_wanted(id) && !fleet.is_parked(id), stop)
        }
        Change::Requested(Request::Restart(ids)) => {
            of(ids, |id| fleet.is_wanted(id), |id| say(id, Asked::Restart, Intent::Restart(id)))
        }
        Change::Requested(Request::Signal { instances, signal }) => {
            let send = |instance| Intent::Signal { instance, signal: *signal };
            of(instances, |id| fleet.is_stoppable(id), |id| say(id, Asked::Signal(*signal), send(id)))
        }
        Change::Replanned(replan) => follow(fleet, replan),
        // It was on its way when it was asked to stop.
        Change::Started(id) if fleet.is_parked(id) => vec![Intent::Stop(vec![id])],
        Change::Requested(Request::Down)
        | Change::Begun
        | Change::Started(_)
        | Change::Probed { .. }
        | Change::FileChanged { .. }
        | Change::Ended(..)
        | Change::Restarting(_)
        | Change::Parked(_)
        | Change::Signal(_)
        | Change::Resumed
        | Change::OutputClosed
        | Change::Progress => Vec::new(),
    }
}

/// Goes over to another plan: who is not in it any more stops, who is new starts, who is another starts anew.
fn follow(fleet: &Fleet, replan: &Replan) -> Vec<Intent> {
    let is_gone = |id: &InstanceId| !replan.instances.contains(id) && !fleet.is_retired(*id);
    let retire = |id| say(id, Asked::Retire(fleet.settings(id).stop.grace), Intent::Retire(id));
    let retired = fleet.ids().filter(is_gone).flat_map(retire);
    let is_new = |id: &InstanceId| fleet.is_new(*id) || fleet.is_retired(*id);
    let wanted = replan.instances.iter().copied().filter(is_new).map(Intent::Keep);
    let is_other = |id: &InstanceId| replan.renewed.contains(id) && !is_new(id) && !fleet.is_parked(*id);
    let others = replan.instances.iter().copied().filter(is_other);
    let renew = |id| say(id, Asked::Renew, Intent::Renew(id));
    retired.chain(wanted).chain(others.flat_map(renew)).collect()
}

fn of(
    ids: &[InstanceId],
    is_meant: impl Fn(InstanceId) -> bool,
    ask: impl Fn(InstanceId) -> [Intent; 2],
) -> Vec<Intent> {
    ids.iter().copied().filter(|id| is_meant(*id)).flat_map(ask).collect()
}

fn say(instance: InstanceId, what: Asked, intent: Intent) -> [Intent; 2] {
    [Intent::Say(Notice::Asked { instance, what }), intent]
}
