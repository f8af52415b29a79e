//! The end of a run: everything that was written is on its way, and we wait for those it is for, within reason.

use super::Engine;
use crate::model::exit::{Outcome, code};
use crate::model::signal::Signal;
use crate::unix::signals::Signals;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// How long the end of a run waits for output to move that does not, once somebody wants the end or writing fails.
pub(super) const FLUSH_PATIENCE: Duration = Duration::from_secs(2);

/// How long even an impatient end waits: next to nothing for a person, and enough for a reader that reads.
pub(super) const LAST_CHANCE: Duration = Duration::from_millis(200);

impl Engine {
    /// Writes what is left; the outcome, and the number of bytes that somebody will miss.
    ///
    /// A reader that is only slow is waited for, as any program would. Once a signal has asked for the end, or while writing fails, that
    /// takes some progress now and then; and a Ctrl-C after that is not argued with.
    pub(super) async fn finish(mut self, outcome: Outcome) -> (Outcome, u64) {
        self.pipes.close(&mut self.console.mux, self.now);
        self.flush();
        let was_interrupted = self.finish_logs().await;
        self.flush();
        let sink = &self.console.sink;
        let mut is_patient = matches!(outcome, Outcome::Code(_)) && !was_interrupted;
        let mut left = sink.queued();
        while left > 0 {
            tokio::select! {
                biased;
                () = sink.idle() => break,
                signal = stop_signal(&mut self.signals) => {
                    if !is_patient && signal == Signal::INT {
                        break;
                    }
                    is_patient = false;
                }
                () = tokio::time::sleep(FLUSH_PATIENCE) => {
                    if sink.queued() == left && (!is_patient || sink.is_failing()) {
                        break;
                    }
                    left = sink.queued();
                }
            }
        }
        let missed = self.console.sink.finish(LAST_CHANCE).missed();
        let is_silent_loss = missed > 0 && outcome == Outcome::Code(0);
        (if is_silent_loss { Outcome::Code(code::OUTPUT_LOST) } else { outcome }, missed)
    }
}

/// Waits for a signal that asks for the end.
pub(super) async fn stop_signal(signals: &mut AsyncFd<Signals>) -> Signal {
    loop {
        if let Ok(mut guard) = signals.readable_mut().await {
            guard.clear_ready();
            let mut pending = guard.get_inner_mut().pending().into_iter();
            if let Some(signal) =
                pending.find(|signal| [Signal::INT, Signal::TERM, Signal::HUP].contains(signal))
            {
                return signal;
            }
        }
    }
}
