//! The longer words of notices.

use super::event::Stray;
use super::notice::Cause;
use crate::model::instance::{InstanceId, Pid};
use crate::model::plan::Plan;
use crate::model::policy::{Grace, Seconds};
use crate::model::signal::{Received, Signal};
use std::time::Duration;

/// A duration that was measured, in words: nobody needs to know it to the millisecond, unless it is short.
pub(super) fn measured(duration: Duration) -> Seconds {
    let unit = Duration::from_millis(if duration < Duration::from_millis(100) { 1 } else { 100 });
    let units = (duration + unit / 2).as_millis() / unit.as_millis();
    Seconds(unit * u32::try_from(units).unwrap_or(u32::MAX))
}

/// Words for how often something has failed; none are needed for once.
pub(super) fn in_a_row(times: u32) -> String {
    if times > 1 { format!(" ({times} times in a row)") } else { String::new() }
}

/// Words for the start of a stop; none where nothing is left to stop.
pub(super) fn stopping(
    cause: Cause,
    running: usize,
    grace: Grace,
    sender: &str,
    plan: &Plan,
) -> Option<String> {
    let what = match running {
        0 => return None,
        1 => "1 process".to_owned(),
        more => format!("{more} processes"),
    };
    let how = match grace {
        Grace::For(duration) if duration.is_zero() => "killing".to_owned(),
        Grace::For(_) | Grace::Unlimited => "stopping".to_owned(),
    };
    let again = match cause {
        Cause::Signal(Received { signal: Signal::INT, .. }) => "; Ctrl-C again kills now",
        Cause::Signal(_) | Cause::Ended(..) | Cause::AllEnded(_) | Cause::OutputClosed | Cause::Request => "",
    };
    let patience = match grace {
        Grace::For(duration) if duration.is_zero() => String::new(),
        Grace::For(_) => format!(" (grace period {grace}{again}{sender})"),
        Grace::Unlimited => format!(" (grace period without limit{again}{sender})"),
    };
    Some(match cause {
        Cause::Signal(Received { signal, .. }) => format!("{signal}: {how} {what}{patience}"),
        Cause::Ended(instance, exit) => format!("{} {exit}: {how} {what}{patience}", plan.name(instance)),
        Cause::AllEnded(_) => format!("all have ended: {how} what is left of {what}{patience}"),
        Cause::Request => format!("asked to end: {how} {what}{patience}"),
        Cause::OutputClosed => format!("nobody reads the output: {how} {what}{patience}"),
    })
}

/// Words for who wants the end, if that is another process and not a key.
pub(super) fn sender(cause: Cause, name_of: &dyn Fn(Pid) -> Option<String>) -> String {
    match cause {
        Cause::Signal(Received { sender: Some(pid), .. }) => {
            let name = name_of(pid).map_or(String::new(), |name| format!(" ({name})"));
            format!("; sent by pid {pid}{name}")
        }
        Cause::Signal(_) | Cause::Ended(..) | Cause::AllEnded(_) | Cause::OutputClosed | Cause::Request => {
            String::new()
        }
    }
}

/// How many strays are named in one line.
const MOST_NAMED: usize = 5;

/// Words for processes that were found outside of their group.
pub(super) fn strayed(is_known_whose: bool, strays: &[Stray]) -> String {
    let what = match strays.len() {
        1 => "1 process".to_owned(),
        more => format!("{more} processes"),
    };
    let first: Vec<_> = strays.iter().take(MOST_NAMED).map(Stray::to_string).collect();
    let more = match strays.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = first.join(", ");
    if is_known_whose {
        format!("left {what} outside its group: {names}{more}")
    } else {
        format!("found {what} outside the groups, and cannot tell whose: {names}{more}")
    }
}

/// `web.1, worker.2`.
pub(super) fn names(instances: &[InstanceId], plan: &Plan) -> String {
    instances.iter().map(|instance| plan.name(*instance)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_strays_are_told_of_in_a_line_that_ends() {
        let strays =
            |count| (1..=count).map(|pid| Stray { pid: Pid(pid), name: "a".into() }).collect::<Vec<_>>();
        for (count, expected) in [
            (1, "left 1 process outside its group: pid 1 (a)"),
            (3, "left 3 processes outside its group: pid 1 (a), pid 2 (a), pid 3 (a)"),
            (5, "left 5 processes outside its group: pid 1 (a), pid 2 (a), pid 3 (a), pid 4 (a), pid 5 (a)"),
            (
                7,
                "left 7 processes outside its group: pid 1 (a), pid 2 (a), pid 3 (a), pid 4 (a), pid 5 (a) and 2 more",
            ),
        ] {
            assert_eq!(strayed(true, &strays(count)), expected);
        }
        let nobodys = "found 2 processes outside the groups, and cannot tell whose: pid 1 (a), pid 2 (a)";
        assert_eq!(strayed(false, &strays(2)), nobodys);
    }
}
