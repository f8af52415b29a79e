//! Arbitrary requests, and who may not be started because of them.

use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::request::Request;
use crate::model::signal::Signal;
use crate::supervisor::{Event, Replan};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A request; of the instances those are meant whose bit is set.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Start(u8),
    Stop(u8),
    Restart(u8),
    Signal(u8, Signal),
    Down,
    /// So many of each type; those whose bit is set have to start anew.
    Replan([u16; 3], u8),
}

pub(super) fn asks() -> impl Strategy<Value = Ask> {
    let signal = prop_oneof![Just(Signal::HUP), Just(Signal::TERM), Just(Signal::KILL)];
    prop_oneof![
        4 => any::<u8>().prop_map(Ask::Start),
        4 => any::<u8>().prop_map(Ask::Stop),
        4 => any::<u8>().prop_map(Ask::Restart),
        2 => (any::<u8>(), signal).prop_map(|(which, signal)| Ask::Signal(which, signal)),
        1 => Just(Ask::Down),
        4 => (0u16..4, 0u16..3, 0u16..2, any::<u8>())
            .prop_map(|(web, worker, release, which)| Ask::Replan([web, worker, release], which)),
    ]
}

impl Ask {
    /// The event of it; `plan` is what the run goes by then.
    pub(super) fn event(&self, plan: &mut Plan) -> Event {
        let meant = |which: u8, plan: &Plan| -> Vec<InstanceId> {
            // Also of those that there are not any more, or not yet.
            let all =
                (0..3).map(|number| (0, number)).chain((0..2).map(|number| (1, number))).chain([(2, 0)]);
            let all = all.map(|(process, number)| InstanceId { process, number: number + 1 }).enumerate();
            let known = plan.types.len();
            all.filter(|(index, id)| which & (1 << index) != 0 && id.process < known)
                .map(|(_, id)| id)
                .collect()
        };
        Event::Requested(match self {
            Self::Start(which) => Request::Start(meant(*which, plan)),
            Self::Stop(which) => Request::Stop(meant(*which, plan)),
            Self::Restart(which) => Request::Restart(meant(*which, plan)),
            Self::Signal(which, signal) => {
                Request::Signal { instances: meant(*which, plan), signal: *signal }
            }
            Self::Down => Request::Down,
            Self::Replan(counts, which) => {
                *plan = plan.scaled(&counts.iter().copied().enumerate().collect()).unwrap();
                return Event::Replanned(Replan {
                    instances: plan.instances.keys().copied().collect(),
                    renewed: meant(*which, plan).into_iter().collect(),
                    settings: plan.settings.clone(),
                    exit_on: plan.exit_on,
                });
            }
        })
    }
}

/// The instances that are not to be started: they were stopped on request, or there are to be fewer.
#[derive(Debug)]
pub(super) struct Idle {
    stopped: BTreeSet<InstanceId>,
    /// Those that there are to be.
    wanted: BTreeSet<InstanceId>,
}

impl Idle {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { stopped: BTreeSet::new(), wanted: plan.instances.keys().copied().collect() }
    }

    pub(super) fn contains(&self, id: InstanceId) -> bool {
        self.stopped.contains(&id) || !self.wanted.contains(&id)
    }

    pub(super) fn hear(&mut self, event: &Event) {
        if let Event::Requested(Request::Stop(ids)) = event {
            self.stopped.extend(ids.iter().filter(|id| self.wanted.contains(id)));
        } else if let Event::Requested(Request::Start(ids) | Request::Restart(ids)) = event {
            self.stopped.retain(|id| !ids.contains(id));
        } else if let Event::Replanned(replan) = event {
            // Who was surplus meanwhile begins anew.
            self.stopped.retain(|id| replan.instances.contains(id));
            self.wanted.clone_from(&replan.instances);
        }
    }
}
