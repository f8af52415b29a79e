//! The log files as the engine sees them: room, what there is to say, and the end. What is written to them comes from `pipes`.

use super::Engine;
use super::finish::{FLUSH_PATIENCE, LAST_CHANCE};
use crate::output::{Logs, Unwritten};

/// Whether the log files, if there are any, have room for more.
pub(super) fn have_room(logs: Option<&Logs>) -> bool {
    logs.is_none_or(Logs::has_room)
}

/// Resolves when something about the log files has changed; never if there are none.
pub(super) async fn changed(logs: Option<&Logs>) {
    match logs {
        Some(logs) => logs.changed().await,
        None => std::future::pending().await,
    }
}

impl Engine {
    /// Says what has become of the log files.
    pub(super) fn look_at_logs(&mut self) {
        let notices = self.console.logs.as_ref().map(|logs| logs.take_notices());
        for notice in notices.into_iter().flatten() {
            self.say(None, &notice);
        }
    }

    /// Writes what is left for the log files and says what they will lack; whether a signal asked for an end of that.
    ///
    /// A disk that is only slow is waited for; one that fails, or any without patience, while there is some progress now and then.
    pub(super) async fn finish_logs(&mut self, is_patient: bool) -> bool {
        let Some(logs) = self.console.logs.clone() else { return false };
        let mut was_interrupted = false;
        let mut left = logs.queued();
        while left > 0 && !was_interrupted {
            tokio::select! {
                biased;
                () = logs.idle() => break,
                _ = self.inbox.stop_signal() => was_interrupted = true,
                () = tokio::time::sleep(FLUSH_PATIENCE) => {
                    if logs.queued() == left && (!is_patient || logs.is_failing()) {
                        break;
                    }
                    left = logs.queued();
                }
            }
        }
        let unwritten = logs.finish(LAST_CHANCE);
        self.look_at_logs();
        for Unwritten { name, bytes, why } in unwritten {
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            self.say(None, &format!("{bytes} bytes are missing at the end of {name}{why}"));
        }
        was_interrupted
    }
}
