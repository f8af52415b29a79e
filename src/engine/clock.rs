//! The only reader of the clock: a time that stands still while we are suspended.

use jiff::Timestamp;
use std::time::{Duration, Instant, SystemTime};

/// The time of a run. Deadlines are in it, so that a Ctrl-Z takes nothing from a grace period.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    suspended: Duration,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: real_now(), suspended: Duration::ZERO }
    }

    /// The time of the run.
    #[must_use]
    pub fn now(&self) -> Instant {
        real_now().checked_sub(self.suspended).unwrap_or(self.start)
    }

    /// When a time of the run is on the clock of the system.
    #[must_use]
    pub fn real(&self, at: Instant) -> Instant {
        at + self.suspended
    }

    /// How long the run has taken so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now().duration_since(self.start)
    }

    /// The time of day, for people.
    #[must_use]
    pub fn wall() -> SystemTime {
        Timestamp::now().into()
    }

    /// The same as RFC 3339 has it, with milliseconds and the offset of local time.
    #[must_use]
    pub fn stamp() -> String {
        jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    /// Begins a pause.
    #[must_use]
    pub fn begin_pause() -> Pause {
        Pause(real_now())
    }

    /// Takes the pause out of the time of the run.
    pub fn end_pause(&mut self, Pause(begin): Pause) {
        self.suspended += begin.elapsed();
    }
}

/// A stretch in which the time of a run stands still.
#[derive(Debug)]
pub struct Pause(Instant);

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn real_now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_run_stands_still_while_it_is_suspended() {
        let mut clock = Clock::start();
        let before = clock.now();
        let pause = Clock::begin_pause();
        while before.elapsed() < Duration::from_millis(20) {}
        clock.end_pause(pause);
        assert!(before.elapsed() >= Duration::from_millis(20));
        assert!(clock.now().duration_since(before) < before.elapsed());
        assert!(clock.real(before) > before);
    }
}
