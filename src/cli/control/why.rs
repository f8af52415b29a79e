//! `proc why`: what an instance is waiting for, or why it ended.

use super::super::args::Options;
use super::super::error::CliError;
use super::find::Found;
use super::{failed, print, print_json};
use crate::api::query::InstancesQuery;
use crate::model::snapshot::InstanceStatus;
use std::process::ExitCode;

/// Says it of those that are named, or of all.
pub(super) fn why(mut run: Found, names: &[String], options: &Options) -> Result<ExitCode, CliError> {
    let query = InstancesQuery { name: names.to_vec(), usage: false };
    let instances: Vec<InstanceStatus> =
        run.client()?.get(&format!("/instances{}", query.write())).map_err(failed)?;
    if options.json {
        return print_json(&instances);
    }
    let width = instances.iter().map(|each| each.name.len()).max().unwrap_or_default();
    let line = |each: &InstanceStatus| format!("{:width$}  {}: {}\n", each.name, each.state(), each.why);
    print(instances.iter().map(line).collect::<String>())
}
