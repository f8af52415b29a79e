//! The rule of the end: what makes the run stop, in which order, how hard, and what comes out of it.

use super::fleet::{Change, Fleet};
use super::instance::{Deadline, KILL_TIMEOUT, SWEEP_INTERVAL, Step};
use super::intent::Intent;
use super::notice::{Cause, Notice};
use crate::model::exit::{Exit, Outcome, code};
use crate::model::instance::InstanceId;
use crate::model::policy::{DEBOUNCE, ExitOn, Grace};
use crate::model::request::Request;
use crate::model::signal::{Received, Signal};
use std::time::Instant;

/// Whether and how the run ends.
#[derive(Debug)]
pub(crate) struct Shutdown {
    exit_on: ExitOn,
    /// Those that count, in the order in which they came.
    failures: Vec<(InstanceId, Exit)>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The run goes on.
    Watching,
    /// All are asked to stop, each when nobody depends on it any more; after `kill_at` nothing is waited for.
    Stopping { cause: Cause, since: Instant, kill_at: Deadline },
    /// The instances are down; descendants outside of their groups are killed until none is left, or until patience ends.
    Sweeping { cause: Cause, again_at: Instant, give_up_at: Instant },
    /// The outcome is out.
    Over,
}

impl Shutdown {
    pub(crate) fn new(exit_on: ExitOn) -> Self {
        Self { exit_on, failures: Vec::new(), state: State::Watching }
    }

    /// Whether the run still goes on: nothing is started once it does not.
    pub(crate) fn is_watching(&self) -> bool {
        self.state == State::Watching
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    pub(crate) fn next_deadline(&self, fleet: &Fleet) -> Deadline {
        match self.state {
            State::Watching | State::Over => None,
            State::Stopping { kill_at, .. } => {
                kill_at.filter(|_| fleet.all_down()).map(|at| at + SWEEP_INTERVAL)
            }
            State::Sweeping { again_at, .. } => Some(again_at),
        }
    }

    /// Decides whether a change makes the run stop, or stop at once.
    pub(crate) fn decide(&mut self, fleet: &Fleet, change: Change<'_>, now: Instant) -> Vec<Intent> {
        if let Change::Ended(instance, exit) = change
            && !fleet.is_success(instance, exit)
            && !self.failures.iter().any(|(id, _)| *id == instance)
        {
            self.failures.push((instance, exit));
        }
        if let Change::Replanned(replan) = change {
            self.exit_on = replan.exit_on;
        }
        self.failures.retain(|(id, _)| !change.is_new_beginning_of(*id));
        match self.state {
            State::Watching => {
                self.cause(fleet, change).map_or_else(Vec::new, |cause| self.begin(fleet, cause, now))
            }
            State::Stopping { cause, since, .. } if is_interrupt(change) && now >= since + DEBOUNCE => {
                self.force(fleet, cause, since, now)
            }
            State::Stopping { .. } | State::Sweeping { .. } | State::Over => Vec::new(),
        }
    }

    /// Why the run has to stop now, if it has to.
    fn cause(&self, fleet: &Fleet, change: Change<'_>) -> Option<Cause> {
        match change {
            Change::Signal(received @ Received { signal: Signal::INT | Signal::TERM | Signal::HUP, .. }) => {
                Some(Cause::Signal(received))
            }
            Change::OutputClosed => Some(Cause::OutputClosed),
            Change::Requested(Request::Down) => Some(Cause::Request),
            Change::Ended(instance, exit) => self.cause_of_end(fleet, instance, exit),
            Change::Begun
            | Change::Started(_)
            | Change::Probed { .. }
            | Change::FileChanged { .. }
            | Change::Requested(_)
            | Change::Replanned(_)
            | Change::Parked(_)
            | Change::Restarting(_)
            | Change::Signal(_)
            | Change::Resumed
            | Change::Progress => None,
        }
    }

    fn cause_of_end(&self, fleet: &Fleet, instance: InstanceId, exit: Exit) -> Option<Cause> {
        let settings = fleet.settings(instance);
        let is_success = fleet.is_success(instance, exit);
        let is_enough = match settings.on_exit.unwrap_or(self.exit_on) {
            // That a task ends is what it is for; that it fails is everybody's affair.
            _ if settings.is_oneshot => !is_success,
            ExitOn::Any => true,
            ExitOn::Failure => !is_success,
            ExitOn::All => false,
        };
        if is_enough {
            Some(Cause::Ended(instance, exit))
        } else {
            fleet.all_ended().then_some(Cause::AllEnded(self.failures.first().copied()))
        }
    }

    fn begin(&mut self, fleet: &Fleet, cause: Cause, now: Instant) -> Vec<Intent> {
        let stoppable = fleet.stoppable();
        let grace = longest(fleet, &stoppable);
        self.state = State::Stopping { cause, since: now, kill_at: grace.end(now) };
        let notice = Notice::Stopping { cause, running: stoppable.len(), grace };
        let stop = self.go_on(fleet, now);
        [Intent::Say(notice), Intent::Halt].into_iter().chain(stop).collect()
    }

    /// Asks those to stop that nobody depends on any more; the last of them together with whatever is below us.
    fn go_on(&mut self, fleet: &Fleet, now: Instant) -> Vec<Intent> {
        let State::Stopping { kill_at, .. } = &mut self.state else { return Vec::new() };
        let (unasked, free) = fleet.next_to_stop();
        let grace = longest(fleet, &free);
        *kill_at = later(*kill_at, grace.end(now));
        if free.len() < unasked.len() {
            return vec![Intent::Stop(free)];
        }
        let step = if grace.end(now).is_some_and(|at| at <= now) { Step::Kill } else { Step::Ask };
        vec![Intent::StopAll, Intent::SignalStrays(step)]
    }

    fn force(&mut self, fleet: &Fleet, cause: Cause, since: Instant, now: Instant) -> Vec<Intent> {
        self.state = State::Stopping { cause, since, kill_at: Some(now) };
        let instances = fleet.stoppable();
        let notice =
            (!instances.is_empty()).then_some(Intent::Say(Notice::Killing { instances, grace_over: false }));
        let kill = [Intent::KillAll, Intent::SignalStrays(Step::Kill)];
        notice.into_iter().chain(kill).collect()
    }

    /// Goes on with the stop as far as it has come: ends the run once all instances are down and nothing is left below us, or by `due` nothing
    /// more can be done about it.
    pub(crate) fn conclude(&mut self, fleet: &Fleet, due: Option<Instant>, now: Instant) -> Vec<Intent> {
        match self.state {
            State::Stopping { .. } if !fleet.next_to_stop().1.is_empty() => self.go_on(fleet, now),
            State::Stopping { cause, .. } | State::Sweeping { cause, .. }
                if fleet.all_down() && fleet.is_childless() =>
            {
                self.finish(fleet, cause)
            }
            State::Watching | State::Stopping { .. } | State::Sweeping { .. } | State::Over => {
                due.map_or_else(Vec::new, |now| self.sweep(fleet, now))
            }
        }
    }

    /// Kills the descendants outside of the groups, round by round, when their time has come.
    fn sweep(&mut self, fleet: &Fleet, now: Instant) -> Vec<Intent> {
        match self.state {
            // An interval later than the instances were killed, so that those who are just dying need no second word.
            State::Stopping { cause, kill_at: Some(at), .. }
                if fleet.all_down() && at + SWEEP_INTERVAL <= now =>
            {
                let is_hopeless = !fleet.survivors().is_empty();
                let give_up_at = if is_hopeless { now } else { now + KILL_TIMEOUT };
                self.state = State::Sweeping { cause, again_at: now + SWEEP_INTERVAL, give_up_at };
                let notice = (!is_hopeless).then_some(Intent::Say(Notice::KillingStrays));
                notice.into_iter().chain([Intent::SignalStrays(Step::Kill)]).collect()
            }
            State::Sweeping { cause, give_up_at, .. } if give_up_at <= now => self.finish(fleet, cause),
            State::Sweeping { cause, again_at, give_up_at } if again_at <= now => {
                self.state = State::Sweeping { cause, again_at: now + SWEEP_INTERVAL, give_up_at };
                vec![Intent::SignalStrays(Step::Kill)]
            }
            State::Watching | State::Stopping { .. } | State::Sweeping { .. } | State::Over => Vec::new(),
        }
    }

    fn finish(&mut self, fleet: &Fleet, cause: Cause) -> Vec<Intent> {
        self.state = State::Over;
        if !fleet.is_childless() || !fleet.survivors().is_empty() {
            let notice = Notice::Survivors(fleet.survivors());
            return vec![Intent::Say(notice), Intent::Finish(Outcome::Code(code::SURVIVORS))];
        }
        let failed = |(instance, exit)| Intent::Say(Notice::Failed { instance, exit });
        let (notice, outcome) = match cause {
            Cause::Signal(received) => (None, Outcome::Signal(received.signal)),
            Cause::OutputClosed => (None, Outcome::Signal(Signal::PIPE)),
            Cause::Request => (None, Outcome::Code(0)),
            Cause::Ended(instance, exit) if fleet.is_success(instance, exit) => (None, Outcome::Code(0)),
            Cause::Ended(instance, exit) => (Some(failed((instance, exit))), failure(exit)),
            Cause::AllEnded(first) => {
                (first.map(failed), first.map_or(Outcome::Code(0), |(_, exit)| failure(exit)))
            }
        };
        notice.into_iter().chain([Intent::Finish(outcome)]).collect()
    }
}

/// The code of a failure. One whose process ended with 0 (it did not live any more, and was stopped too often) is none the less one.
fn failure(exit: Exit) -> Outcome {
    Outcome::Code(exit.code().max(1))
}

/// The longest grace period of these instances; of all, if there are none: what is left then is nobody's.
fn longest(fleet: &Fleet, ids: &[InstanceId]) -> Grace {
    let grace = |id: InstanceId| fleet.settings(id).stop.grace;
    let of_these = ids.iter().copied().map(grace).max();
    of_these.or_else(|| fleet.ids().map(grace).max()).unwrap_or_default()
}

/// The later of two deadlines; never is later than any.
fn later(one: Deadline, other: Deadline) -> Deadline {
    Some(one?.max(other?))
}

fn is_interrupt(change: Change<'_>) -> bool {
    matches!(change, Change::Signal(Received { signal: Signal::INT, .. }))
}
