//! The end of a run: everything that was written is on its way, and we wait for those it is for, within reason.

use super::Engine;
use crate::model::exit::{Outcome, code};
use crate::model::signal::Signal;
use std::time::Duration;

/// How long the end of a run waits for output to move that does not, once somebody wants the end or writing fails.
pub(super) const FLUSH_PATIENCE: Duration = Duration::from_secs(2);

/// How long even an impatient end waits: next to nothing for a person, and enough for a reader that reads.
pub const LAST_CHANCE: Duration = Duration::from_millis(200);

/// How much longer somebody who reads our output is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as it takes, unless writing fails.
    Endless,
    /// While there is some progress now and then.
    Short,
    /// No longer.
    Gone,
}

impl Patience {
    /// What there is of it at the end of a run.
    pub(super) fn with(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Code(_) => Self::Endless,
            Outcome::Signal(_) => Self::Short,
        }
    }

    /// What a signal that asks for the end leaves of it.
    fn after_signal(self, signal: Signal) -> Self {
        match self {
            Self::Short if signal == Signal::INT => Self::Gone,
            Self::Endless | Self::Short => Self::Short,
            Self::Gone => Self::Gone,
        }
    }

    /// What two seconds leave of it in which nothing could be written.
    fn after_standstill(self, is_failing: bool) -> Self {
        match self {
            Self::Endless if !is_failing => Self::Endless,
            Self::Endless | Self::Short | Self::Gone => Self::Gone,
        }
    }
}

/// What the reader is waited for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// That there is room for more.
    Room,
    /// That all is written.
    Idle,
}

impl Engine {
    /// Writes what is left; the outcome, and the number of bytes that somebody will miss.
    ///
    /// A reader that is only slow is waited for, as any program would. Once a signal has asked for the end, or while writing fails, that
    /// takes some progress now and then; and a Ctrl-C after that is not argued with.
    pub(super) async fn finish(mut self, outcome: Outcome, mut patience: Patience) -> (Outcome, u64) {
        let unsaid = self.drain(&mut patience).await;
        if self.finish_logs(patience == Patience::Endless).await && patience == Patience::Endless {
            patience = Patience::Short;
        }
        self.flush();
        self.wait_for_reader(Goal::Idle, &mut patience).await;
        let mut finished = self.console.sink.finish(LAST_CHANCE);
        finished.dropped += unsaid;
        let missed = finished.missed();
        let is_silent_loss = missed > 0 && outcome == Outcome::Code(0);
        (if is_silent_loss { Outcome::Code(code::OUTPUT_LOST) } else { outcome }, missed)
    }

    /// Takes what is left in the pipes, as there is room for it; the number of bytes that nobody was waited for with any more.
    async fn drain(&mut self, patience: &mut Patience) -> u64 {
        let mut unsaid = 0;
        for (key, chunks) in self.pipes.rest() {
            for _ in 0..chunks {
                if !self.pipes.take_rest(key, &mut self.console.mux, self.now) {
                    break;
                }
                self.wait_for_reader(Goal::Room, patience).await;
                unsaid += self.pass_on(*patience);
            }
        }
        self.pipes.close(&mut self.console.mux);
        unsaid + self.pass_on(*patience)
    }

    /// Hands on what the mux has, or counts it if nobody is waited for any more.
    fn pass_on(&mut self, patience: Patience) -> u64 {
        match patience {
            Patience::Endless | Patience::Short => {
                self.flush();
                0
            }
            Patience::Gone => self.console.mux.take().stdout.len() as u64,
        }
    }

    /// Waits for the reader of our output, as long as there is patience.
    async fn wait_for_reader(&mut self, goal: Goal, patience: &mut Patience) {
        let sink = &self.console.sink;
        let is_met = || match goal {
            Goal::Room => sink.has_room(),
            Goal::Idle => sink.queued() == 0,
        };
        let mut left = sink.queued();
        while !is_met() && *patience != Patience::Gone {
            tokio::select! {
                biased;
                () = sink.idle() => {}
                () = sink.changed() => {}
                signal = self.inbox.stop_signal() => {
                    *patience = patience.after_signal(signal);
                }
                () = tokio::time::sleep(FLUSH_PATIENCE) => {
                    if sink.queued() == left {
                        *patience = patience.after_standstill(sink.is_failing());
                    }
                    left = sink.queued();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_is_waited_for_until_a_signal_and_a_disk_that_fails_is_not() {
        use Patience::{Endless, Gone, Short};
        for (patience, when_slow, when_failing) in [(Endless, Endless, Gone), (Short, Gone, Gone)] {
            assert_eq!(patience.after_standstill(false), when_slow);
            assert_eq!(patience.after_standstill(true), when_failing);
        }
        for (patience, signal, left) in [
            (Endless, Signal::TERM, Short),
            (Endless, Signal::INT, Short),
            (Short, Signal::TERM, Short),
            (Short, Signal::INT, Gone),
        ] {
            assert_eq!(patience.after_signal(signal), left, "{patience:?} {signal}");
        }
    }
}
