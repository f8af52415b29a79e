//! How long starts and stops have taken, counted by buckets, and all figures of the run together: what `/metrics` shows.

use super::Engine;
use super::strays::Owner;
use crate::model::instance::InstanceId;
use crate::model::snapshot::{PhaseName, Snapshot};
use crate::output::{Count, Stream};
use crate::supervisor::{Event, Notice};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The bounds of the buckets, in seconds.
pub const BOUNDS: [f64; 11] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// How long something has taken, each time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Durations {
    /// How many were within each bound and not within the one before; the last were within none.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// All of them together, in seconds.
    pub sum: f64,
}

impl Durations {
    fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket] += 1;
        self.sum += seconds;
    }
}

/// Whose a figure is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// `web.1`, or `system`.
    pub process: String,
    /// `web`, or `system`.
    pub process_type: String,
}

/// All figures.
#[derive(Debug)]
pub struct Figures {
    /// How the run stands, with what its processes use.
    pub snapshot: Snapshot,
    /// What was written to each stream.
    pub written: Vec<(Whose, Stream, Count)>,
    /// From the start of a process until it was ready, of those that are asked.
    pub starts: Vec<(Whose, Durations)>,
    /// From the first that asked a process to stop until nothing was left of it.
    pub stops: Vec<(Whose, Durations)>,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    starts: BTreeMap<InstanceId, Durations>,
    stops: BTreeMap<InstanceId, Durations>,
    /// Since when they are asked to stop.
    stopping: BTreeMap<Owner, Instant>,
}

impl Engine {
    /// All figures.
    pub(super) fn figures(&mut self) -> Figures {
        let snapshot = self.snapshot(true);
        let written = self.console.desk.ring.counts().into_iter();
        let of_all = |all: &BTreeMap<InstanceId, Durations>| {
            all.iter().map(|(id, durations)| (self.whose(Some(*id)), *durations)).collect()
        };
        Figures {
            written: written.map(|((id, stream), count)| (self.whose(id), stream, count)).collect(),
            starts: of_all(&self.tally.starts),
            stops: of_all(&self.tally.stops),
            snapshot,
        }
    }

    fn whose(&self, id: Option<InstanceId>) -> Whose {
        let system = || "system".to_owned();
        let process_type = id.and_then(|id| self.plan.types.get(id.process)).map(|each| each.name.clone());
        Whose {
            process: id.map_or_else(system, |id| self.plan.name(id)),
            process_type: process_type.unwrap_or_else(system),
        }
    }

    /// Counts how long a start has taken.
    pub(super) fn tally_start(&mut self, notice: &Notice) {
        if let Notice::Healthy { instance, after } = notice {
            self.tally.starts.entry(*instance).or_default().observe(*after);
        }
    }

    /// Remembers since when somebody is asked to stop.
    pub(super) fn tally_signal(&mut self, of: Owner) {
        let status = self.supervisor.status(of.0, &self.plan, self.now);
        if status.is_some_and(|status| status.phase == PhaseName::Stopping) {
            self.tally.stopping.entry(of).or_insert(self.now);
        }
    }

    /// Counts how long a stop has taken.
    pub(super) fn tally_end(&mut self, event: &Event) {
        if let Event::TreeEmpty { instance, generation } = event
            && let Some(since) = self.tally.stopping.remove(&(*instance, *generation))
        {
            let took = self.now.saturating_duration_since(since);
            self.tally.stops.entry(*instance).or_default().observe(took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_first_bucket_that_holds_it() {
        let mut durations = Durations::default();
        for millis in [0, 10, 11, 60_000, 60_001] {
            durations.observe(Duration::from_millis(millis));
        }
        assert_eq!(durations.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert!((durations.sum - 120.022).abs() < 1e-9);
    }
}
