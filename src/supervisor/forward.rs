//! The rule of the signals that are not ours: handed on to every group, and we stay.

use super::fleet::Change;
use super::intent::Intent;
use crate::model::signal::{Received, Signal};

/// Passes on SIGQUIT, SIGUSR1 and SIGUSR2, and Ctrl-Z with what follows it.
pub(crate) fn decide(change: Change<'_>) -> Vec<Intent> {
    match change {
        Change::Signal(Received { signal: Signal::TSTP, .. }) => {
            vec![Intent::Forward(Signal::TSTP), Intent::Suspend]
        }
        Change::Signal(Received {
            signal: signal @ (Signal::QUIT | Signal::USR1 | Signal::USR2), ..
        }) => {
            vec![Intent::Forward(signal)]
        }
        Change::Resumed => vec![Intent::Forward(Signal::CONT)],
        Change::Begun
        | Change::Started(_)
        | Change::Probed { .. }
        | Change::FileChanged { .. }
        | Change::Requested(_)
        | Change::Replanned(_)
        | Change::Parked(_)
        | Change::Ended(..)
        | Change::Restarting(_)
        | Change::Signal(_)
        | Change::OutputClosed
        | Change::Progress => Vec::new(),
    }
}
