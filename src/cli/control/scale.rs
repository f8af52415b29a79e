//! `proc scale`: how many instances there are of each type, and how many there are to be.

use super::super::args::Options;
use super::super::error::CliError;
use super::find::Found;
use super::{failed, print, print_json};
use crate::api::messages::{Formation, ScaleRequest};
use std::process::ExitCode;

/// Changes the formation, and prints it as it is then.
pub(super) fn scale(mut run: Found, changes: &[String], options: &Options) -> Result<ExitCode, CliError> {
    let mut client = run.client()?;
    let formation: Formation = if changes.is_empty() {
        client.get("/formation").map_err(failed)?
    } else {
        client.patch("/formation", &ScaleRequest { changes: changes.to_vec() }).map_err(failed)?
    };
    if options.json {
        return print_json(&formation);
    }
    let counts: Vec<String> = formation.0.iter().map(|(name, count)| format!("{name}={count}")).collect();
    print(counts.join(" ") + "\n")
}
