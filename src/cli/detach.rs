//! `proc start --detach`: the run goes into the background, and we follow it until it is up or has failed.

use super::control::Progress;
use super::error::CliError;
use super::load::Surroundings;
use super::start::end_as;
use super::ui;
use crate::model::exit::{Exit, Outcome};
use crate::unix::detach::{self, Follower, Side};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How often the run is asked how far it is.
const GLANCE: Duration = Duration::from_millis(20);

/// Becomes two processes: the one in the background gets nothing, and goes on; the other gets what to exit with.
pub(super) fn detach(root: &Path, around: &Surroundings) -> Result<Option<ExitCode>, CliError> {
    match detach::detach() {
        Ok(Side::Background) => Ok(None),
        Ok(Side::Follower(follower)) => follow(follower, root, around).map(Some),
        Err(error) => Err(CliError::internal(format!("failed to go into the background: {error}"))),
    }
}

/// Shows what the run writes, until all is up; if it ends before, so do we, in the same way.
fn follow(mut run: Follower, root: &Path, around: &Surroundings) -> Result<ExitCode, CliError> {
    let mut progress = Progress::of(root, run.pid());
    let mut last = b'\n';
    loop {
        run.wait(GLANCE);
        let ended = run.ended();
        relay(&mut run, &mut last)?;
        if let Some(exit) = ended {
            return Ok(end_as(match exit {
                Exit::Code(code) | Exit::NotStarted(code) => Outcome::Code(code),
                Exit::Signal(signal) => Outcome::Signal(signal),
            }));
        }
        if let Some(news) = progress.look(around) {
            // What was written before it was so is shown before.
            run.wait(GLANCE);
            relay(&mut run, &mut last)?;
            // A line of theirs that has no end yet gets one: ours is not to be behind it.
            let end = if last == b'\n' { "" } else { "\n" };
            ui::print(format!("{end}{}", news?)).map_err(CliError::unwritten)?;
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Hands on what was written; `last` is the last byte of it.
fn relay(run: &mut Follower, last: &mut u8) -> Result<(), CliError> {
    let written = run.read();
    *last = written.stdout.last().copied().unwrap_or(*last);
    ui::complain(written.stderr);
    ui::print(written.stdout).map_err(CliError::unwritten)
}
