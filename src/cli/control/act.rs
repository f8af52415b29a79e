//! `proc restart`, `proc stop`, `proc signal`, and `proc start` in a run that is there: something is done to instances that are named.

use super::super::args::Options;
use super::super::error::CliError;
use super::find::Found;
use super::{failed, print, print_json};
use crate::api::messages::{Instances, Names, SignalRequest};
use crate::api::query::InstancesQuery;
use crate::model::signal::Signal;
use crate::model::snapshot::{InstanceStatus, PhaseName};
use std::process::ExitCode;

/// Does it to the instances that these names mean, and says which those were.
pub(super) fn act(
    mut run: Found,
    what: &str,
    names: &[String],
    options: &Options,
) -> Result<ExitCode, CliError> {
    let body = Names { names: names.to_vec() };
    let done: Instances = run.client()?.post(&format!("/instances/{what}"), &body).map_err(failed)?;
    let past = if what == "restart" { "restarting" } else { "stopping" };
    say(&done, past, options)
}

/// Sends a signal.
pub(super) fn signal(
    mut run: Found,
    signal: &str,
    names: &[String],
    options: &Options,
) -> Result<ExitCode, CliError> {
    let number = signal.parse().ok().filter(|number| (1..=64).contains(number)).map(Signal::from_number);
    let Some(known) = number.or_else(|| Signal::from_name(signal)) else {
        let error = CliError::usage(format!("`{signal}` is no signal"));
        return Err(error.hint("`kill -l` lists them: `HUP`, `SIGUSR1`, `10`"));
    };
    let body = SignalRequest { names: names.to_vec(), signal: signal.to_owned() };
    let done: Instances = run.client()?.post("/instances/signal", &body).map_err(failed)?;
    say(&done, &format!("{known} to"), options)
}

/// Starts the instances that these names mean in a run that is there; those that run already are left alone.
pub(super) fn start(run: &mut Found, names: &[String]) -> Result<ExitCode, CliError> {
    let mut client = run.client()?;
    let query = InstancesQuery { name: names.to_vec(), usage: false };
    let there: Vec<InstanceStatus> = client.get(&format!("/instances{}", query.write())).map_err(failed)?;
    let body = Names { names: names.to_vec() };
    let _started: Instances = client.post("/instances/start", &body).map_err(failed)?;
    print(there.iter().map(begun).collect::<String>())
}

/// What becomes of an instance that is to be started.
fn begun(instance: &InstanceStatus) -> String {
    let name = &instance.name;
    match (instance.phase, instance.pid) {
        (PhaseName::Down | PhaseName::Failed | PhaseName::Backoff, _) => format!("starting {name}\n"),
        (PhaseName::Stopping, _) => format!("starting {name} as soon as it has stopped\n"),
        (PhaseName::Running, Some(pid)) => format!("{name} runs already (pid {pid})\n"),
        (phase @ (PhaseName::Waiting | PhaseName::Starting | PhaseName::Running), _) => {
            format!("{name} is {} already\n", phase.word())
        }
    }
}

fn say(done: &Instances, what: &str, options: &Options) -> Result<ExitCode, CliError> {
    if options.json {
        return print_json(done);
    }
    print(format!("{what} {}\n", done.instances.join(", ")))
}
