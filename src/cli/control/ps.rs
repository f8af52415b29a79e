//! `proc ps`: how the instances stand, a row each.

use super::super::args::Options;
use super::super::error::CliError;
use super::super::load::Surroundings;
use super::super::ui;
use super::find::Found;
use super::{failed, print, print_json};
use crate::api::query::{InstancesQuery, RunQuery};
use crate::model::snapshot::Snapshot;
use crate::output::table;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

/// Shows the instances, those that are named or all.
pub(super) fn ps(
    mut run: Found,
    names: &[String],
    options: &Options,
    around: &Surroundings,
) -> Result<ExitCode, CliError> {
    let mut client = run.client()?;
    let usage = RunQuery { usage: names.is_empty() };
    let mut snapshot: Snapshot = client.get(&format!("/run{}", usage.write())).map_err(failed)?;
    if !names.is_empty() {
        let query = InstancesQuery { name: names.to_vec(), usage: true };
        snapshot.instances = client.get(&format!("/instances{}", query.write())).map_err(failed)?;
    }
    if options.json {
        return print_json(&snapshot);
    }
    if snapshot.is_stopping {
        ui::complain("this run is ending\n");
    }
    let is_coloured = ui::coloured(options.color, io::stdout().is_terminal(), &|name| around.variable(name));
    print(table(&snapshot.instances, is_coloured))
}
