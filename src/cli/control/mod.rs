//! The commands that ask a run that goes on: a file for each. They know it by its API only.

mod act;
mod attach;
mod down;
mod events;
mod find;
mod leaving;
mod logs;
mod progress;
mod ps;
mod reload;
mod scale;
mod wait;
mod why;

use super::args::{Ask, Awaited, Options};
use super::error::{CliError, CliErrorKind};
use super::load::Surroundings;
use super::ui;
use crate::api::client::ClientError;
use crate::model::request::RefusalKind;
use crate::model::snapshot::Snapshot;
use crate::unix::process::is_alive;
use find::Found;
use serde::Serialize;
use std::process::ExitCode;
use std::time::Duration;

pub(super) use progress::Progress;

/// What `proc start` finds.
pub(super) enum There {
    /// No run.
    Nobody,
    /// A run, in which what was named was started.
    Done(ExitCode),
    /// A run, with this pid; and what is not up yet of it.
    Run { pid: Option<i32>, waits: Vec<String> },
}

/// How long it is waited for a run that is ending.
const LONGEST_END: Duration = Duration::from_secs(30);

/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// Starts instances in a run that is there, if that is what these names are for: a count is for a run of its own.
pub(super) fn start_there(
    options: &Options,
    named: &[String],
    around: &Surroundings,
) -> Result<There, CliError> {
    let is_for_a_run = !named.is_empty() && !named.iter().any(|name| name.contains('='));
    // What is in the way of a run that could be asked is said by the one that is started.
    let Ok(Some(mut run)) = find::of_start(options, around, is_for_a_run) else { return Ok(There::Nobody) };
    if is_for_a_run {
        return act::start(&mut run, named).map(There::Done);
    }
    let Ok(mut client) = run.client() else { return Ok(There::Nobody) };
    let Ok(snapshot) = client.get::<Snapshot>("/run") else { return Ok(There::Nobody) };
    let pid = i32::try_from(snapshot.pid).ok();
    if !pid.is_some_and(is_alive) {
        // Its guard was killed, and it kills what it has started before it goes: its lock is what is waited for.
        return Ok(There::Nobody);
    }
    if snapshot.is_stopping {
        return outlast(&run, snapshot.pid);
    }
    let waits = match wait::open(&snapshot.instances, Awaited::Healthy, false) {
        Ok(open) => open.into_iter().map(wait::words).collect(),
        Err(failed) => vec![failed],
    };
    Ok(There::Run { pid, waits })
}

/// Waits until a run that is ending has gone.
fn outlast(run: &Found, pid: u32) -> Result<There, CliError> {
    ui::complain(format!("the run that is here (pid {pid}) is ending: waiting for that\n"));
    let mut waited = Duration::ZERO;
    let Some(mut held) = run.dir().held() else { return Ok(There::Nobody) };
    while held.is_still() {
        if waited >= LONGEST_END {
            let error = format!("the run (pid {pid}) is still ending");
            return Err(CliError::new(CliErrorKind::Refused, error)
                .hint("`proc ps` shows who is left, `proc down` waits for the end"));
        }
        std::thread::sleep(GLANCE);
        waited += GLANCE;
    }
    Ok(There::Nobody)
}

/// Asks the run, and shows what it answers.
pub(super) fn answer(ask: &Ask, options: &Options, around: &Surroundings) -> Result<ExitCode, CliError> {
    let run = || find::find(options, around);
    match ask {
        Ask::Ps { names } => ps::ps(run()?, names, options, around),
        Ask::Logs { names } => logs::logs(run()?, names, options, around),
        Ask::Restart { names } => act::act(run()?, "restart", names, options),
        Ask::Stop { names } => act::act(run()?, "stop", names, options),
        Ask::Signal { signal, names } => act::signal(run()?, signal, names, options),
        Ask::Scale { changes } => scale::scale(run()?, changes, options),
        Ask::Wait { names } => wait::wait(run()?, names, options),
        Ask::Why { names } => why::why(run()?, names, options),
        Ask::Attach { name } => attach::attach(run()?, name, options),
        Ask::Events => events::events(run()?, options),
        Ask::Reload => reload::reload(run()?, options),
        Ask::Down => down::down(options, around),
    }
}

/// What a failure to get an answer is to whoever asked: an unknown name is bad usage, as everywhere.
fn failed(error: ClientError) -> CliError {
    match error {
        ClientError::Refused(refusal) => {
            let kind = match refusal.kind {
                RefusalKind::Unknown | RefusalKind::Invalid => CliErrorKind::Usage,
                RefusalKind::Conflict => CliErrorKind::Refused,
            };
            let error = CliError::new(kind, refusal.message);
            refusal.hint.into_iter().fold(error, CliError::hint)
        }
        error @ (ClientError::Stranger(_)
        | ClientError::Silent
        | ClientError::Gone(_)
        | ClientError::Cut(_)
        | ClientError::Malformed(_)
        | ClientError::Io(_)) => CliError::new(CliErrorKind::Refused, error),
    }
}

/// Whether the run may be over, or has only dropped a connection: whoever connects anew is told.
fn is_lost(error: &ClientError) -> bool {
    match error {
        ClientError::Gone(_) | ClientError::Cut(_) | ClientError::Io(_) => true,
        ClientError::Refused(refusal) => refusal.kind == RefusalKind::Conflict,
        ClientError::Stranger(_) | ClientError::Silent | ClientError::Malformed(_) => false,
    }
}

/// Prints what was asked for.
fn print(text: impl AsRef<[u8]>) -> Result<ExitCode, CliError> {
    ui::print(text).map_err(CliError::unwritten)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints it for a program to read.
fn print_json(value: &impl Serialize) -> Result<ExitCode, CliError> {
    print(serde_json::to_string_pretty(value).unwrap_or_default() + "\n")
}
