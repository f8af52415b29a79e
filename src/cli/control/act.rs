//! `proc restart`, `proc stop`, `proc signal`, and `proc start` in a run that is there: something is done to instances that are named.

use super::super::args::Options;
use super::super::error::CliError;
use super::find::Found;
use super::{failed, print, print_json};
use crate::api::client::Client;
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
    let mut client = run.client()?;
    let body = Names { names: names.to_vec() };
    let done: Instances = client.post(&format!("/instances/{what}"), &body).map_err(failed)?;
    let past = if what == "restart" { "restarting" } else { "stopping" };
    say(&mut client, &done, past, names, options)
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
    let mut client = run.client()?;
    let body = SignalRequest { names: names.to_vec(), signal: signal.to_owned() };
    let done: Instances = client.post("/instances/signal", &body).map_err(failed)?;
    say(&mut client, &done, &format!("{known} to"), names, options)
}

/// Starts the instances that these names mean in a run that is there; those that run already are left alone.
pub(super) fn start(run: &mut Found, names: &[String]) -> Result<ExitCode, CliError> {
    let mut client = run.client()?;
    let body = Names { names: names.to_vec() };
    let started: Instances = client.post("/instances/start", &body).map_err(failed)?;
    let there = there(&mut client, names)?;
    print(there.iter().map(|each| begun(each, started.instances.contains(&each.name))).collect::<String>())
}

/// What becomes of an instance that is to be started, and was or was not.
fn begun(instance: &InstanceStatus, is_started: bool) -> String {
    let name = &instance.name;
    match (is_started, instance.phase) {
        (true, PhaseName::Stopping) => format!("starting {name} as soon as it has stopped\n"),
        (true, _) => format!("starting {name}\n"),
        (false, _) => already(instance),
    }
}

/// Where an instance is that nothing was to be done to.
fn already(instance: &InstanceStatus) -> String {
    let name = &instance.name;
    match (instance.phase, instance.pid) {
        (PhaseName::Running, Some(pid)) => format!("{name} runs already (pid {pid})\n"),
        (phase, _) => format!("{name} is {} already\n", phase.word()),
    }
}

/// How those that are named stand now.
fn there(client: &mut Client, names: &[String]) -> Result<Vec<InstanceStatus>, CliError> {
    let query = InstancesQuery { name: names.to_vec(), usage: false };
    client.get(&format!("/instances{}", query.write())).map_err(failed)
}

/// Says what was done to whom, or why there was nobody to do it to.
fn say(
    client: &mut Client,
    done: &Instances,
    what: &str,
    names: &[String],
    options: &Options,
) -> Result<ExitCode, CliError> {
    if options.json {
        return print_json(done);
    }
    if done.instances.is_empty() {
        return print(there(client, names)?.iter().map(already).collect::<String>());
    }
    print(format!("{what} {}\n", done.instances.join(", ")))
}
