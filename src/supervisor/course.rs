//! One probe of one spawn of an instance: when its next question is, and what its answers come to. Knows no instance, and asks nobody.

use crate::model::answer::Failure;
use crate::model::settings::{Check, Probe};
use std::time::{Duration, Instant};

/// No two questions are closer than this, whatever is configured: a probe is no load test.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// How far a probe has come.
#[derive(Debug)]
pub(super) struct Course {
    turn: Turn,
    standing: Standing,
    /// How many failures in a row have counted.
    failures: u32,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The next question is asked at this time.
    Asking(Instant),
    /// A question is open.
    Open {
        /// Whether a failure says anything about the process: not if it stood still meanwhile.
        counts: bool,
    },
    /// Its output is looked through; at this time, if there is one, it is said that nothing has been found.
    Listening(Option<Instant>),
    /// No more is asked.
    Over,
}

/// What has come of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing.
    New,
    /// It has not succeeded once, and that was said.
    Overdue,
    /// It succeeds.
    Good,
    /// It has succeeded, and does not any more.
    Bad,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing new.
    AsBefore,
    /// It has succeeded for the first time.
    FirstSuccess,
    /// It succeeds again.
    Recovered,
    /// It fails, so often in a row that it counts.
    Failed {
        /// How often.
        times: u32,
    },
    /// The same, and it has never succeeded.
    NeverSucceeded {
        /// How often.
        times: u32,
    },
}

/// What to do because of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask the question.
    Question,
    /// Say that it has taken too long.
    Complaint,
}

impl Course {
    /// The course of a probe of a process that was started at `since`; its first question is due now.
    pub(super) fn new(probe: &Probe, since: Instant, now: Instant) -> Self {
        let turn = match probe.check {
            Check::Log(_) => Turn::Listening(Some(since + probe.start_period)),
            Check::Http(_) | Check::Tcp(_) | Check::Exec(_) => Turn::Asking(now),
        };
        Self { turn, standing: Standing::New, failures: 0 }
    }

    /// When something is due.
    pub(super) fn due_at(&self) -> Option<Instant> {
        match self.turn {
            Turn::Asking(at) => Some(at),
            Turn::Listening(complain_at) => complain_at,
            Turn::Open { .. } | Turn::Over => None,
        }
    }

    /// Takes up what is due.
    pub(super) fn meet(&mut self) -> Option<Due> {
        match self.turn {
            Turn::Asking(_) => {
                self.turn = Turn::Open { counts: true };
                Some(Due::Question)
            }
            Turn::Listening(Some(_)) => {
                self.turn = Turn::Listening(None);
                Some(Due::Complaint)
            }
            Turn::Listening(None) | Turn::Open { .. } | Turn::Over => None,
        }
    }

    /// Notes that the process may have stood still: what is asked of it now may fail for that reason.
    pub(super) fn excuse(&mut self) {
        if let Turn::Open { counts } = &mut self.turn {
            *counts = false;
        }
    }

    /// Asks nothing more.
    pub(super) fn end(&mut self) {
        self.turn = Turn::Over;
    }

    /// Whether an answer says anything now.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.turn, Turn::Open { .. } | Turn::Listening(_))
    }

    /// Takes an answer; one to a question that is not open says nothing.
    pub(super) fn take(
        &mut self,
        probe: &Probe,
        result: Result<(), &Failure>,
        since: Instant,
        now: Instant,
    ) -> Verdict {
        let counts = match self.turn {
            Turn::Asking(_) | Turn::Over => return Verdict::AsBefore,
            Turn::Listening(_) => {
                if result.is_ok() {
                    self.standing = Standing::Good;
                    self.turn = Turn::Over;
                    return Verdict::FirstSuccess;
                }
                return Verdict::AsBefore;
            }
            Turn::Open { counts } => counts,
        };
        let verdict = match result {
            Ok(()) => self.succeed(),
            Err(Failure::Bad(_)) => self.fail(probe, counts, since, now),
            Err(Failure::Unasked(_)) => Verdict::AsBefore,
        };
        let is_new = self.standing == Standing::New && now < since + probe.start_period;
        let pause = if is_new { probe.start_interval } else { probe.interval };
        self.turn = Turn::Asking(now + pause.max(SHORTEST_PAUSE));
        verdict
    }

    fn succeed(&mut self) -> Verdict {
        self.failures = 0;
        match std::mem::replace(&mut self.standing, Standing::Good) {
            Standing::New | Standing::Overdue => Verdict::FirstSuccess,
            Standing::Good => Verdict::AsBefore,
            Standing::Bad => Verdict::Recovered,
        }
    }

    fn fail(&mut self, probe: &Probe, counts: bool, since: Instant, now: Instant) -> Verdict {
        let is_excused = self.standing == Standing::New && now < since + probe.start_period;
        if is_excused || !counts {
            return Verdict::AsBefore;
        }
        self.failures = self.failures.saturating_add(1);
        let times = self.failures;
        if times < probe.retries {
            return Verdict::AsBefore;
        }
        match self.standing {
            Standing::New => {
                self.standing = Standing::Overdue;
                Verdict::NeverSucceeded { times }
            }
            Standing::Good => {
                self.standing = Standing::Bad;
                Verdict::Failed { times }
            }
            Standing::Overdue | Standing::Bad => Verdict::AsBefore,
        }
    }
}
