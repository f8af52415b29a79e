//! `proc wait`: returns when instances are healthy, or have ended, or never will be.

use super::super::args::{Awaited, Options, Source};
use super::super::error::{CliError, CliErrorKind};
use super::super::ui;
use super::events::{Happenings, News};
use super::find::Found;
use super::{failed, is_lost, print};
use crate::api::client::{Client, ClientError};
use crate::api::query::InstancesQuery;
use crate::engine::clock::Clock;
use crate::model::exit::code;
use crate::model::policy::Grace;
use crate::model::snapshot::{InstanceStatus, PhaseName};
use std::process::ExitCode;
use std::time::Duration;

/// How long nothing may be told before it is looked again all the same.
const GLANCE: Duration = Duration::from_secs(1);

/// How long it is waited before a connection that was lost is made anew.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits for those that are named, or for all that were not stopped.
pub(super) fn wait(mut run: Found, names: &[String], options: &Options) -> Result<ExitCode, CliError> {
    let mut line = None;
    let clock = Clock::start();
    let is_given = options.origins.of("timeout") != Source::Default;
    let end = if is_given { options.timeout } else { Grace::Unlimited };
    let mut waits = Vec::new();
    loop {
        match look(&mut run, &mut line, names) {
            Ok(None) => return over(options.awaited),
            Ok(Some(there)) => match open(&there, options.awaited, !names.is_empty()) {
                Ok(open) if open.is_empty() => return print(met(&there, options.awaited)),
                Ok(open) => waits = open.into_iter().map(words).collect(),
                Err(hopeless) => return Err(CliError::new(CliErrorKind::Refused, hopeless)),
            },
            Err(error) if is_lost(&error) => line = None,
            Err(error) => return Err(failed(error)),
        }
        let left = match end {
            Grace::For(limit) => limit.saturating_sub(clock.elapsed()),
            Grace::Unlimited => GLANCE,
        };
        if left.is_zero() {
            ui::complain(format!("error: not {} in time:\n  {}\n", options.awaited, waits.join("\n  ")));
            return Ok(ExitCode::from(code::TIMED_OUT));
        }
        listen(&mut line, left.min(GLANCE));
    }
}

/// What the end of the run is to whoever waits.
fn over(awaited: Awaited) -> Result<ExitCode, CliError> {
    match awaited {
        Awaited::Exited => print("the run is over\n"),
        Awaited::Healthy => Err(CliError::new(CliErrorKind::Refused, "the run has ended")),
    }
}

/// The connections to a run: one that tells when something has happened, and one to ask what.
struct Line {
    happenings: Happenings,
    client: Client,
}

/// How those that are named stand, over connections that are made if there are none; none if nobody listens: the run is over.
fn look(
    run: &mut Found,
    line: &mut Option<Line>,
    names: &[String],
) -> Result<Option<Vec<InstanceStatus>>, ClientError> {
    if line.is_none() {
        // First listen, then look: so nothing happens in between.
        let Some(listener) = run.connect()? else { return Ok(None) };
        let happenings = Happenings::of(listener)?;
        let Some(client) = run.connect()? else { return Ok(None) };
        *line = Some(Line { happenings, client });
    }
    let Some(Line { client, .. }) = line else { return Ok(None) };
    let query = InstancesQuery { name: names.to_vec(), usage: false };
    client.get(&format!("/instances{}", query.write())).map(Some)
}

/// Waits until something happens, or this long.
fn listen(line: &mut Option<Line>, limit: Duration) {
    match line.as_mut().map(|line| line.happenings.next(Some(limit))) {
        Some(Ok(News::Happened(_) | News::Nothing)) => {}
        Some(Ok(News::End) | Err(_)) => *line = None,
        None => std::thread::sleep(limit.min(PAUSE)),
    }
}

/// Those that are still waited for; an error if one is waited for in vain.
pub(super) fn open(
    there: &[InstanceStatus],
    awaited: Awaited,
    are_named: bool,
) -> Result<Vec<&InstanceStatus>, String> {
    let mut open = Vec::new();
    for each in there {
        match (awaited, each.phase) {
            (Awaited::Healthy, PhaseName::Running) if !each.is_task && each.is_healthy != Some(false) => {}
            (Awaited::Healthy, PhaseName::Down) if each.is_task && each.has_succeeded == Some(true) => {}
            // Whoever waits for all does not mean who was stopped, or had nothing more to do.
            (Awaited::Healthy, PhaseName::Down) if !are_named && is_at_rest(each) => {}
            (Awaited::Healthy, PhaseName::Down | PhaseName::Failed) => {
                return Err(words(each));
            }
            (Awaited::Exited, PhaseName::Down | PhaseName::Failed) => {}
            (
                Awaited::Healthy | Awaited::Exited,
                PhaseName::Waiting
                | PhaseName::Starting
                | PhaseName::Backoff
                | PhaseName::Running
                | PhaseName::Stopping,
            ) => open.push(each),
        }
    }
    Ok(open)
}

/// Whether nobody misses it that is down.
fn is_at_rest(instance: &InstanceStatus) -> bool {
    instance.is_stopped_on_request || instance.has_succeeded != Some(false)
}

/// What there is to say when all is as it was waited for.
fn met(there: &[InstanceStatus], awaited: Awaited) -> String {
    match awaited {
        Awaited::Healthy => String::new(),
        Awaited::Exited => there.iter().map(|each| words(each) + "\n").collect(),
    }
}

/// Where an instance is, and why.
pub(super) fn words(instance: &InstanceStatus) -> String {
    format!("{} is {}: {}", instance.name, instance.state(), instance.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(
        phase: PhaseName,
        is_task: bool,
        is_healthy: Option<bool>,
        has_succeeded: Option<bool>,
    ) -> InstanceStatus {
        InstanceStatus {
            name: "web.1".into(),
            process_type: "web".into(),
            index: 1,
            command: "a".into(),
            is_task,
            phase,
            is_healthy,
            pid: None,
            port: None,
            has_terminal: false,
            uptime_seconds: None,
            restarts: 0,
            exit_code: None,
            has_succeeded,
            is_stopped_on_request: false,
            why: "because".into(),
            usage: None,
        }
    }

    /// What becomes of a wait for one: it is over, it goes on, it is in vain.
    fn waits(instance: InstanceStatus, awaited: Awaited, is_named: bool) -> &'static str {
        match open(&[instance], awaited, is_named) {
            Ok(open) if open.is_empty() => "met",
            Ok(_) => "open",
            Err(_) => "vain",
        }
    }

    #[test]
    fn a_process_is_waited_for_until_it_is_healthy_and_a_task_until_it_has_succeeded() {
        use PhaseName::{Backoff, Down, Failed, Running, Starting, Stopping, Waiting};
        for (phase, is_task, is_healthy, has_succeeded, expected) in [
            (Running, false, None, None, "met"),
            (Running, false, Some(true), None, "met"),
            (Running, false, Some(false), None, "open"),
            (Running, true, None, None, "open"),
            (Down, true, None, Some(true), "met"),
            (Down, true, None, Some(false), "vain"),
            (Down, false, None, Some(true), "vain"),
            (Failed, false, None, Some(false), "vain"),
            (Backoff, false, None, Some(false), "open"),
            (Waiting, false, None, None, "open"),
            (Starting, false, None, None, "open"),
            (Stopping, false, None, None, "open"),
        ] {
            let instance = instance(phase, is_task, is_healthy, has_succeeded);
            assert_eq!(waits(instance.clone(), Awaited::Healthy, true), expected, "{instance:?}");
        }
    }

    #[test]
    fn whoever_waits_for_all_does_not_mean_who_was_stopped_or_has_done_its_work() {
        let down = |has_succeeded| instance(PhaseName::Down, false, None, has_succeeded);
        assert_eq!(waits(down(Some(false)), Awaited::Healthy, false), "vain");
        let stopped = InstanceStatus { is_stopped_on_request: true, ..down(Some(false)) };
        assert_eq!(waits(stopped, Awaited::Healthy, false), "met");
        assert_eq!(waits(down(Some(true)), Awaited::Healthy, false), "met");
        assert_eq!(waits(down(None), Awaited::Healthy, false), "met");
    }

    #[test]
    fn an_end_is_an_end_whatever_the_code() {
        use PhaseName::{Down, Failed, Running};
        assert_eq!(waits(instance(Running, false, None, None), Awaited::Exited, true), "open");
        assert_eq!(waits(instance(Down, false, None, Some(false)), Awaited::Exited, true), "met");
        assert_eq!(waits(instance(Failed, false, None, Some(false)), Awaited::Exited, true), "met");
    }
}
