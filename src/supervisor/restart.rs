//! The rule of restarts: what follows the end of an instance, after which wait, and when there have been enough.

use super::fleet::{Change, Fleet};
use super::intent::Intent;
use super::notice::Sequel;
use crate::model::exit::Exit;
use crate::model::instance::InstanceId;
use crate::model::settings::{RestartPolicy, RestartWhen};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// By how much a wait differs from what it would be, so that what fell together does not come back together.
const JITTER: f64 = 0.2;

/// What is remembered of the restarts of each instance.
#[derive(Debug)]
pub(crate) struct Restart {
    histories: BTreeMap<InstanceId, History>,
    random: fastrand::Rng,
}

#[derive(Debug, Default)]
struct History {
    /// How long the last wait was to be, without its jitter.
    delay: Option<Duration>,
    /// When the restarts were that still count.
    restarts: VecDeque<Instant>,
}

/// What comes of an end.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    /// What is said with it.
    pub(crate) sequel: Option<Sequel>,
    /// What is to be done.
    pub(crate) intent: Option<Intent>,
    /// Whether it is the end of that instance, as the rules of the whole have to know.
    pub(crate) is_final: bool,
}

impl Restart {
    /// `seed` is where the jitter comes from.
    pub(crate) fn new(seed: u64) -> Self {
        Self { histories: BTreeMap::new(), random: fastrand::Rng::with_seed(seed) }
    }

    /// Forgets what was of those whose files or plan have changed: it is another program; and of those that somebody looks after.
    pub(crate) fn decide(&mut self, change: Change<'_>) -> Vec<Intent> {
        let is_other =
            |id: &InstanceId| matches!(change, Change::FileChanged { process, .. } if process == id.process);
        self.histories.retain(|id, _| !is_other(id) && !change.is_new_beginning_of(*id));
        Vec::new()
    }

    /// Decides what follows the end of an instance, of which there was a process.
    pub(crate) fn judge(&mut self, fleet: &Fleet, id: InstanceId, exit: Exit, now: Instant) -> Verdict {
        let policy = fleet.settings(id).restart;
        let (is_condemned, uptime) = fleet.life(id).map_or((false, Duration::ZERO), |life| {
            (life.is_condemned, now.saturating_duration_since(life.since))
        });
        let is_wanted = match policy.when {
            RestartWhen::No => false,
            RestartWhen::OnFailure => !fleet.is_success(id, exit),
            RestartWhen::Always => true,
        };
        if !(is_wanted || is_condemned) || matches!(exit, Exit::NotStarted(_)) {
            return Verdict { sequel: None, intent: None, is_final: true };
        }
        let history = self.histories.entry(id).or_default();
        history.pass(&policy, uptime, now);
        let count = u32::try_from(history.restarts.len()).unwrap_or(u32::MAX);
        if policy.max_restarts.is_some_and(|most| count >= most) {
            let sequel = Some(Sequel::TooMany { count, window: policy.window });
            return Verdict { sequel, intent: Some(Intent::Fail(id)), is_final: true };
        }
        let jitter = 1.0 + JITTER * (2.0 * self.random.f64() - 1.0);
        let delay = history.next_delay(&policy).mul_f64(jitter).min(policy.max_delay);
        let at = now + delay;
        history.restarts.push_back(at);
        let sequel =
            Sequel::Restart { delay, count: count + 1, most: policy.max_restarts, window: policy.window };
        let intent = Some(Intent::Again { instance: id, at });
        Verdict { sequel: Some(sequel), intent, is_final: false }
    }
}

impl History {
    /// Forgets what does not count any more.
    fn pass(&mut self, policy: &RestartPolicy, uptime: Duration, now: Instant) {
        if uptime >= policy.min_uptime {
            *self = Self::default();
        }
        let is_old = |at: &Instant| *at + policy.window <= now;
        while self.restarts.front().is_some_and(is_old) {
            self.restarts.pop_front();
        }
    }

    fn next_delay(&mut self, policy: &RestartPolicy) -> Duration {
        let delay = self.delay.map_or(policy.delay, |delay| delay.saturating_mul(2)).min(policy.max_delay);
        self.delay = Some(delay);
        delay
    }
}
