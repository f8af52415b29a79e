//! One instance: the phase it is in and how it gets to the next. Knows no other instance.

use super::notice::Sequel;
use crate::model::exit::Exit;
use crate::model::instance::Generation;
use std::time::{Duration, Instant};

/// How long after SIGKILL a process may take to be gone before we say that it will not go (`faults.md` F12: one in an
/// uninterruptible sleep never does).
pub(crate) const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a spawn that the system had no room for waits before its second attempt.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// What the wait between two attempts grows to, by doubling. Nothing is random about it: that keeps many clients from coming at once, and
/// here the attempts of all instances come from one loop, one after another.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// How soon descendants that outlived a SIGKILL are looked for and killed again: they may have had children meanwhile.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_millis(20);

/// Where an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No process, and none is wanted: not started yet, or over.
    Down,
    /// It is to start as soon as what it depends on allows it; `waited`: how long after the attempt before, if that had no room.
    Waiting { waited: Option<Duration> },
    /// A spawn was asked for, and has not been reported; `waited`: how long after the attempt before, if that had no room.
    Starting { waited: Option<Duration> },
    /// It is tried again at `until`.
    Backoff { until: Instant, why: Backoff },
    /// There is a process, or what it left behind.
    Running(Life),
    /// It was asked to stop, or killed.
    Stopping(Life, Stop),
    /// No process, and there will be none: it has ended too often, or what it depends on will never be so.
    Failed,
}

/// Why the next attempt has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backoff {
    /// The system had no room for a process; so long after the last attempt.
    NoRoom(Duration),
    /// It ended.
    Ended,
}

/// What follows when an instance is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: it is down.
    Nothing,
    /// It starts again, at this time or (none) at once.
    Start(Option<Instant>),
    /// It has failed.
    Fail,
}

/// When patience ends; none: never.
pub(crate) type Deadline = Option<Instant>;

/// How far a stop has come; the deadline lives and dies with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The stop signal was sent; SIGKILL follows at this time.
    Asked { kill_at: Deadline },
    /// SIGKILL was sent; again after `pause`, which doubles, and at `give_up_at` we give up.
    Killed { again_at: Instant, pause: Duration, give_up_at: Instant },
}

impl Stop {
    fn killed(now: Instant) -> Self {
        Self::Killed { again_at: now + SWEEP_INTERVAL, pause: SWEEP_INTERVAL, give_up_at: now + KILL_TIMEOUT }
    }
}

/// What is known of a process that was started: over when all three of its ends have been reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is reported by itself, in any order")]
pub(crate) struct Life {
    /// How the leader ended.
    pub(crate) exit: Option<Exit>,
    /// Whether all it wrote has been taken over.
    pub(crate) drained: bool,
    /// Whether nothing else is left of it, in its group or outside.
    pub(crate) tree_empty: bool,
    /// When it was started.
    pub(crate) since: Instant,
    /// Whether its readiness probe says that it can do its work; without such a probe it can from the start.
    pub(crate) is_ready: bool,
    /// Whether it is stopped because it does not live any more.
    pub(crate) is_condemned: bool,
    /// Whether what its leader has left is stopped because that has ended, and not for the stop of the run.
    pub(crate) is_cleared: bool,
    /// What is said with its end.
    pub(crate) sequel: Option<Sequel>,
}

impl Life {
    pub(crate) fn new(since: Instant, is_ready: bool) -> Self {
        Self {
            exit: None,
            drained: false,
            tree_empty: false,
            since,
            is_ready,
            is_condemned: false,
            is_cleared: false,
            sequel: None,
        }
    }

    /// Whether its leader and its tree have gone.
    pub(crate) fn is_dead(self) -> bool {
        self.exit.is_some() && self.tree_empty
    }

    fn is_over(self) -> bool {
        self.is_dead() && self.drained
    }
}

/// One copy of a process type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own, in any phase")]
pub(crate) struct Instance {
    pub(crate) generation: Generation,
    pub(crate) phase: Phase,
    /// How it ended last, if it does not start again; a spawn that failed counts as an exit with the code of its failure.
    pub(crate) ended: Option<Exit>,
    pub(crate) next: Next,
    /// Whether it has failed because of what it depends on: it is wanted again once that may be so.
    pub(crate) is_hopeless: bool,
    /// Whether it was given up on: alive after SIGKILL.
    pub(crate) survived: bool,
    /// Whether somebody has asked to stop it: it stays down until somebody asks to start it.
    pub(crate) is_parked: bool,
    /// Whether it is to be forgotten when it is down.
    pub(crate) is_retired: bool,
    /// How often there was a process of it.
    pub(crate) spawns: u32,
    /// How and when it ended last, whatever came of that.
    pub(crate) last_end: Option<(Exit, Instant)>,
    /// Why it could not be started, if it could not the last time.
    pub(crate) failure: Option<String>,
}

/// What a step of an instance asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing to do.
    Rest,
    /// The stop signal, then SIGCONT.
    Ask,
    /// SIGKILL.
    Kill,
    /// SIGKILL once more, to what is left outside of the group.
    KillAgain,
    /// It was to start again, and is alive after SIGKILL.
    GiveUp,
}

impl Instance {
    pub(crate) fn new() -> Self {
        let (generation, phase) = (Generation::default(), Phase::Down);
        Self {
            generation,
            phase,
            ended: None,
            next: Next::Nothing,
            is_hopeless: false,
            survived: false,
            is_parked: false,
            is_retired: false,
            spawns: 0,
            last_end: None,
            failure: None,
        }
    }

    /// Begins a new generation; false if nobody waits for it.
    pub(crate) fn start(&mut self) -> bool {
        let Phase::Waiting { waited } = self.phase else { return false };
        self.generation = self.generation.next();
        self.phase = Phase::Starting { waited };
        true
    }

    /// Wants it started as soon as it is over, at this time at the earliest.
    pub(crate) fn start_again(&mut self, at: Option<Instant>, now: Instant) {
        if self.survived {
            // Another one beside what could not be killed would be two.
            return;
        }
        if self.is_retired {
            return;
        }
        self.is_parked = false;
        match self.phase {
            Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { why: Backoff::NoRoom(_), .. } => {
                return;
            }
            Phase::Running(_) | Phase::Stopping(..) => self.next = Next::Start(at),
            Phase::Down | Phase::Failed | Phase::Backoff { why: Backoff::Ended, .. } => {
                self.next = Next::Start(at);
                self.over(now);
            }
        }
        self.ended = None;
        self.is_hopeless = false;
    }

    /// Stays down from here on, whatever was to follow; false if it is down already.
    pub(crate) fn park(&mut self) -> bool {
        self.is_parked = true;
        self.is_hopeless = false;
        self.next = Next::Nothing;
        match self.phase {
            Phase::Waiting { .. } | Phase::Backoff { .. } => {
                self.phase = Phase::Down;
                false
            }
            Phase::Down | Phase::Failed => false,
            Phase::Starting { .. } | Phase::Running(_) | Phase::Stopping(..) => true,
        }
    }

    /// Whether it was never wanted.
    pub(crate) fn is_new(&self) -> bool {
        self.phase == Phase::Down && self.spawns == 0 && self.ended.is_none() && !self.is_parked
    }

    /// Whether it neither runs nor is about to.
    pub(crate) fn is_startable(&self) -> bool {
        match self.phase {
            Phase::Down | Phase::Failed | Phase::Backoff { why: Backoff::Ended, .. } => !self.survived,
            Phase::Stopping(life, _) | Phase::Running(life) => {
                (self.is_parked || life.exit.is_some()) && self.next == Next::Nothing && !self.is_retired
            }
            Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { why: Backoff::NoRoom(_), .. } => false,
        }
    }

    /// Whether it is over with it: nobody wants it, and nothing is left.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.is_retired && !self.survived && matches!(self.phase, Phase::Down | Phase::Failed)
    }

    /// Is not started any more, because it has failed.
    pub(crate) fn fail(&mut self, now: Instant) {
        self.next = Next::Fail;
        if self.life().is_none() {
            self.over(now);
        }
    }

    /// Whether it is not started any more because it has failed.
    pub(crate) fn is_failed(&self) -> bool {
        self.phase == Phase::Failed || self.next == Next::Fail
    }

    /// Whether something of it is left that can be signalled.
    pub(crate) fn is_stoppable(&self) -> bool {
        self.life().is_some_and(|life| !life.is_dead())
    }

    /// Whether it was asked to stop, and still runs within its grace period.
    pub(crate) fn is_asked_to_stop(&self) -> bool {
        matches!(&self.phase, Phase::Stopping(life, Stop::Asked { .. }) if life.exit.is_none())
    }

    /// Takes back what was to follow; what waits is down.
    pub(crate) fn halt(&mut self) {
        if let Next::Start(_) = self.next {
            self.next = Next::Nothing;
        }
        if let Some(life) = self.life_mut() {
            life.is_cleared = false;
        }
        if matches!(self.phase, Phase::Waiting { .. } | Phase::Backoff { .. }) {
            self.phase = Phase::Down;
        }
    }

    /// It is over: on to what is to follow.
    fn over(&mut self, now: Instant) {
        self.phase = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => Phase::Down,
            Next::Start(Some(until)) if until > now => Phase::Backoff { until, why: Backoff::Ended },
            Next::Start(_) => Phase::Waiting { waited: None },
            Next::Fail => Phase::Failed,
        };
    }

    /// Has a spawn that failed for now wait for its next attempt; how long, if that is not as long as before.
    pub(crate) fn back_off(&mut self, waited: Option<Duration>, now: Instant) -> Option<Duration> {
        let delay = waited.map_or(FIRST_DELAY, |waited| (waited * 2).min(LONGEST_DELAY));
        self.phase = Phase::Backoff { until: now + delay, why: Backoff::NoRoom(delay) };
        (waited != Some(delay)).then_some(delay)
    }

    /// What is known of its process, if there is or was one in this generation.
    pub(crate) fn life(&self) -> Option<&Life> {
        match &self.phase {
            Phase::Down
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Failed => None,
            Phase::Running(life) | Phase::Stopping(life, _) => Some(life),
        }
    }

    pub(crate) fn life_mut(&mut self) -> Option<&mut Life> {
        match &mut self.phase {
            Phase::Down
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Failed => None,
            Phase::Running(life) | Phase::Stopping(life, _) => Some(life),
        }
    }

    /// What is known of its process, if that runs and nobody wants it stopped.
    pub(crate) fn running(&self) -> Option<&Life> {
        match &self.phase {
            Phase::Running(life) if life.exit.is_none() => Some(life),
            Phase::Down
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Running(_)
            | Phase::Stopping(..)
            | Phase::Failed => None,
        }
    }

    /// Wants it stopped, and killed at `kill_at` or at once if that has passed. An earlier deadline stays.
    pub(crate) fn stop(&mut self, kill_at: Deadline, now: Instant) -> Step {
        let is_past = kill_at.is_some_and(|at| at <= now);
        match &mut self.phase {
            Phase::Down
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Stopping(_, Stop::Killed { .. })
            | Phase::Failed => Step::Rest,
            // Only its output is left, and nobody to signal.
            Phase::Running(life) if life.is_dead() => {
                self.phase = Phase::Stopping(*life, Stop::Asked { kill_at });
                Step::Rest
            }
            Phase::Running(life) if is_past => {
                self.phase = Phase::Stopping(*life, Stop::killed(now));
                Step::Kill
            }
            Phase::Running(life) => {
                self.phase = Phase::Stopping(*life, Stop::Asked { kill_at });
                Step::Ask
            }
            Phase::Stopping(life, Stop::Asked { .. }) if is_past && !life.is_dead() => {
                self.phase = Phase::Stopping(*life, Stop::killed(now));
                Step::Kill
            }
            Phase::Stopping(_, Stop::Asked { kill_at: earlier }) => {
                *earlier = sooner(*earlier, kill_at);
                Step::Rest
            }
        }
    }

    /// Moves on as far as its ends allow, and its deadline if `due` gives a time to hold against it.
    pub(crate) fn step(&mut self, due: Option<Instant>, now: Instant) -> Step {
        match &mut self.phase {
            Phase::Running(life) | Phase::Stopping(life, _) if life.is_over() => self.over(now),
            Phase::Down
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Running(_)
            | Phase::Stopping(..)
            | Phase::Failed => {
                return due.map_or(Step::Rest, |now| self.meet_deadline(now));
            }
        }
        Step::Rest
    }

    fn meet_deadline(&mut self, now: Instant) -> Step {
        match &mut self.phase {
            Phase::Backoff { until, why } if *until <= now => {
                let waited = match why {
                    Backoff::NoRoom(delay) => Some(*delay),
                    Backoff::Ended => None,
                };
                self.phase = Phase::Waiting { waited };
                Step::Rest
            }
            Phase::Stopping(life, Stop::Asked { kill_at: Some(at) }) if *at <= now => {
                if life.is_dead() {
                    // Only its output is stuck behind a reader who does not read: patience for that ends here too.
                    self.over(now);
                    return Step::Rest;
                }
                self.phase = Phase::Stopping(*life, Stop::killed(now));
                Step::Kill
            }
            Phase::Stopping(life, Stop::Killed { give_up_at, .. }) if *give_up_at <= now => {
                self.survived = !life.is_dead();
                if !self.survived {
                    self.over(now);
                    return Step::Rest;
                }
                let was_to_start = matches!(self.next, Next::Start(_));
                self.ended = life.exit.or(self.ended);
                self.next = if was_to_start { Next::Fail } else { Next::Nothing };
                self.over(now);
                if was_to_start { Step::GiveUp } else { Step::Rest }
            }
            Phase::Stopping(life, Stop::Killed { again_at, pause, .. }) if *again_at <= now => {
                *pause *= 2;
                *again_at = now + *pause;
                if life.is_dead() { Step::Rest } else { Step::KillAgain }
            }
            Phase::Down
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Running(_)
            | Phase::Stopping(..)
            | Phase::Failed => Step::Rest,
        }
    }

    /// When it wants to be stepped, at the latest.
    pub(crate) fn deadline(&self) -> Deadline {
        match &self.phase {
            Phase::Down
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Running(_)
            | Phase::Failed => None,
            Phase::Backoff { until, .. } => Some(*until),
            Phase::Stopping(_, Stop::Asked { kill_at }) => *kill_at,
            Phase::Stopping(_, Stop::Killed { again_at, give_up_at, .. }) => Some(*again_at.min(give_up_at)),
        }
    }
}

/// The earlier of two deadlines; never is later than any.
fn sooner(one: Deadline, other: Deadline) -> Deadline {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
