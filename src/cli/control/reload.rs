//! `proc reload`: the files are read again, and what differs is changed.

use super::super::args::Options;
use super::super::error::CliError;
use super::find::Found;
use super::{failed, print, print_json};
use crate::api::messages::Changes;
use std::process::ExitCode;

/// Has the run read its files, and prints the differences.
pub(super) fn reload(mut run: Found, options: &Options) -> Result<ExitCode, CliError> {
    let done: Changes = run.client()?.post("/run/reload", &serde_json::json!({})).map_err(failed)?;
    if options.json {
        return print_json(&done);
    }
    if done.changes.is_empty() {
        return print("nothing has changed\n");
    }
    print(done.changes.join("\n") + "\n")
}
