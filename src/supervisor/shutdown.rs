//! The rule of the end: what makes the run stop, how hard, and what comes out of it.

use super::fleet::{Change, Fleet};
use super::instance::{Deadline, KILL_TIMEOUT, SWEEP_INTERVAL, Step};
use super::intent::Intent;
use super::notice::{Cause, Notice};
use crate::model::exit::{Exit, Outcome, code};
use crate::model::instance::InstanceId;
use crate::model::policy::{DEBOUNCE, ExitOn, Grace};
use crate::model::signal::{Received, Signal};
use std::time::Instant;

/// Whether and how the run ends.
#[derive(Debug)]
pub(crate) struct Shutdown {
    exit_on: ExitOn,
    grace: Grace,
    first_failure: Option<(InstanceId, Exit)>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The run goes on.
    Watching,
    /// All have been asked to stop; after `kill_at` nothing is waited for.
    Stopping { cause: Cause, since: Instant, kill_at: Deadline },
    /// The instances are down; descendants outside of their groups are killed until none is left, or until patience ends.
    Sweeping { cause: Cause, again_at: Instant, give_up_at: Instant },
    /// The outcome is out.
    Over,
}

impl Shutdown {
    pub(crate) fn new(exit_on: ExitOn, grace: Grace) -> Self {
        Self { exit_on, grace, first_failure: None, state: State::Watching }
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

    /// Decides whether a change makes the run stop, or stop at once. `is_gate`: the ended instance is the release process.
    pub(crate) fn decide(
        &mut self,
        fleet: &Fleet,
        change: Change<'_>,
        is_gate: bool,
        now: Instant,
    ) -> Vec<Intent> {
        if let Change::Ended(instance, exit) = change
            && !exit.is_success()
        {
            self.first_failure = self.first_failure.or(Some((instance, exit)));
        }
        match self.state {
            State::Watching => self
                .cause(fleet, change, is_gate)
                .map_or_else(Vec::new, |cause| self.begin(fleet, cause, now)),
            State::Stopping { cause, since, .. } if is_interrupt(change) && now >= since + DEBOUNCE => {
                self.force(fleet, cause, since, now)
            }
            State::Stopping { .. } | State::Sweeping { .. } | State::Over => Vec::new(),
        }
    }

    /// Why the run has to stop now, if it has to.
    fn cause(&self, fleet: &Fleet, change: Change<'_>, is_gate: bool) -> Option<Cause> {
        match change {
            Change::Signal(received @ Received { signal: Signal::INT | Signal::TERM | Signal::HUP, .. }) => {
                Some(Cause::Signal(received))
            }
            Change::OutputClosed => Some(Cause::OutputClosed),
            Change::Ended(_, Exit::Code(0)) if is_gate => fleet.all_ended().then_some(Cause::AllEnded(None)),
            Change::Ended(instance, exit) if is_gate => Some(Cause::Ended(instance, exit)),
            Change::Ended(instance, exit) => self.cause_of_exit(fleet, instance, exit),
            Change::Begun
            | Change::Started(_)
            | Change::Probed { .. }
            | Change::FileChanged { .. }
            | Change::Signal(_)
            | Change::Resumed
            | Change::Progress => None,
        }
    }

    fn cause_of_exit(&self, fleet: &Fleet, instance: InstanceId, exit: Exit) -> Option<Cause> {
        let is_enough = match self.exit_on {
            ExitOn::Any => true,
            ExitOn::Failure => !exit.is_success(),
            ExitOn::All => false,
        };
        if is_enough {
            Some(Cause::Ended(instance, exit))
        } else {
            fleet.all_ended().then_some(Cause::AllEnded(self.first_failure))
        }
    }

    fn begin(&mut self, fleet: &Fleet, cause: Cause, now: Instant) -> Vec<Intent> {
        let kill_at = self.grace.end(now);
        self.state = State::Stopping { cause, since: now, kill_at };
        let notice = Notice::Stopping { cause, running: fleet.stoppable().len(), grace: self.grace };
        let step = if kill_at.is_some_and(|at| at <= now) { Step::Kill } else { Step::Ask };
        vec![Intent::Say(notice), Intent::StopAll { kill_at }, Intent::SignalStrays(step)]
    }

    fn force(&mut self, fleet: &Fleet, cause: Cause, since: Instant, now: Instant) -> Vec<Intent> {
        self.state = State::Stopping { cause, since, kill_at: Some(now) };
        let instances = fleet.stoppable();
        let notice =
            (!instances.is_empty()).then_some(Intent::Say(Notice::Killing { instances, grace_over: false }));
        let kill = [Intent::StopAll { kill_at: Some(now) }, Intent::SignalStrays(Step::Kill)];
        notice.into_iter().chain(kill).collect()
    }

    /// Ends the run once all instances are down and nothing is left below us, or by `due` nothing more can be done about it.
    pub(crate) fn conclude(&mut self, fleet: &Fleet, due: Option<Instant>) -> Vec<Intent> {
        match self.state {
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
            Cause::Ended(instance, exit) => {
                ((!exit.is_success()).then_some(failed((instance, exit))), Outcome::Code(exit.code()))
            }
            Cause::AllEnded(failure) => {
                (failure.map(failed), Outcome::Code(failure.map_or(0, |(_, exit)| exit.code())))
            }
        };
        notice.into_iter().chain([Intent::Finish(outcome)]).collect()
    }
}

fn is_interrupt(change: Change<'_>) -> bool {
    matches!(change, Change::Signal(Received { signal: Signal::INT, .. }))
}
