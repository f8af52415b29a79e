//! What comes from outside in a scenario, requests among it: `start web.1`, `stop worker`, `restart *`, `signal HUP web`, `down`, `scale web=2`, `renew web`.

use super::{Happening, Outside, Sim};
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::request::Request;
use crate::model::selector::select;
use crate::model::signal::Signal;
use crate::supervisor::{Event, Replan};
use std::collections::BTreeSet;

impl Sim {
    /// Puts on the agenda what comes from outside.
    pub(super) fn schedule(&mut self, outside: &[Outside]) {
        let mut plan = self.plan.clone();
        for each in outside {
            if let Some(id) = each.request.as_deref().and_then(|text| why(text, &plan)) {
                self.later(each.at, Happening::Why(id));
                continue;
            }
            let event = if let Some(request) = &each.request {
                parse(request, &mut plan)
            } else if let Some(name) = &each.changed {
                let process = self.plan.types.iter().position(|each| each.name == *name).unwrap();
                Event::FileChanged { process, path: format!("{name}.py") }
            } else if each.output_closed {
                Event::OutputClosed
            } else {
                Event::Signal(Signal::from_number(each.signal.unwrap()).into())
            };
            self.later(each.at, Happening::Event(event));
        }
    }
}

/// The instance of which a scenario asks why it is where it is: `why web.1`.
fn why(text: &str, plan: &Plan) -> Option<InstanceId> {
    let name = text.strip_prefix("why ")?;
    plan.instances.keys().copied().find(|id| plan.name(*id) == name)
}

/// The event of a request; `plan` is what the run goes by then.
fn parse(text: &str, plan: &mut Plan) -> Event {
    let mut words = text.split(' ').map(str::to_owned);
    let verb = words.next().unwrap();
    let signal = (verb == "signal").then(|| words.next().unwrap());
    let words: Vec<String> = words.collect();
    let there: Vec<InstanceId> = plan.instances.keys().copied().collect();
    let ids = || select(&words, &there, &plan.types).unwrap();
    Event::Requested(match verb.as_str() {
        "start" => Request::Start(ids()),
        "stop" => Request::Stop(ids()),
        "restart" => Request::Restart(ids()),
        "signal" => {
            Request::Signal { instances: ids(), signal: Signal::from_name(&signal.unwrap()).unwrap() }
        }
        "down" => Request::Down,
        "scale" => {
            *plan = plan.scaled(&plan.scale(&words).unwrap()).unwrap();
            return replanned(plan, BTreeSet::new());
        }
        "renew" => return replanned(plan, ids().into_iter().collect()),
        _ => panic!("nobody knows how to {verb}"),
    })
}

fn replanned(plan: &Plan, renewed: BTreeSet<InstanceId>) -> Event {
    let instances = plan.instances.keys().copied().collect();
    Event::Replanned(Replan { instances, renewed, settings: plan.settings.clone(), exit_on: plan.exit_on })
}

/// What comes from outside, in the words of a transcript.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others are reports")]
pub(super) fn text(event: &Event, plan: &Plan) -> Option<String> {
    let names = |ids: &mut dyn Iterator<Item = InstanceId>| {
        ids.map(|id| plan.name(id)).collect::<Vec<_>>().join(", ")
    };
    match event {
        Event::Requested(Request::Start(ids)) => Some(format!("start {}", names(&mut ids.iter().copied()))),
        Event::Requested(Request::Stop(ids)) => Some(format!("stop {}", names(&mut ids.iter().copied()))),
        Event::Requested(Request::Restart(ids)) => {
            Some(format!("restart {}", names(&mut ids.iter().copied())))
        }
        Event::Requested(Request::Signal { instances, signal }) => {
            Some(format!("{signal} for {}", names(&mut instances.iter().copied())))
        }
        Event::Signal(received) => Some(received.signal.to_string()),
        Event::OutputClosed => Some("output closed".into()),
        Event::FileChanged { path, .. } => Some(format!("{path} changed")),
        Event::Requested(Request::Down) => Some("down".into()),
        Event::Replanned(replan) => {
            let renewed = names(&mut replan.renewed.iter().copied());
            let renewed = if renewed.is_empty() { renewed } else { format!("; anew: {renewed}") };
            Some(format!("a plan with {}{renewed}", names(&mut replan.instances.iter().copied())))
        }
        _ => None,
    }
}
