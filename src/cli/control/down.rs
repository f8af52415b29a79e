//! `proc down`: ends the run, and waits until nothing is left of it.

use super::super::args::Options;
use super::super::error::CliError;
use super::super::load::Surroundings;
use super::super::ui;
use super::events::{Happenings, News, Told, missing};
use super::find::{self, Found};
use super::{failed, is_lost, print};
use crate::api::client::ClientError;
use crate::api::messages::Done;
use crate::model::diagnostic::printable;
use crate::model::happening::Happening;
use crate::unix::run_dir::Held;
use std::process::ExitCode;
use std::time::Duration;

/// How often it is looked whether the last of a run has gone.
const GLANCE: Duration = Duration::from_millis(5);

/// How often the run is asked again if the answer is lost: most likely others end it, too.
const MOST_TRIES: u32 = 100;

/// How long it is waited before that.
const PAUSE: Duration = Duration::from_millis(50);

/// Ends the run, if there is one.
pub(super) fn down(options: &Options, around: &Surroundings) -> Result<ExitCode, CliError> {
    let Some(mut run) = find::look(options, around)? else {
        return print("no run of this app: nothing to end\n");
    };
    let held = run.dir().held();
    let mut tries = 0;
    let happenings = loop {
        match end(&mut run) {
            Ok(happenings) => break happenings,
            Err(error) if is_lost(&error) && tries < MOST_TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(failed(error)),
        }
    };
    happenings.map_or(Ok(()), watch)?;
    wait(held);
    print("the run is over\n")
}

/// Has the run end, unless nobody listens any more; what it tells of that, if there is a connection to spare.
fn end(run: &mut Found) -> Result<Option<Happenings>, ClientError> {
    // First listen, then ask: so nothing is missed.
    let Some(listener) = run.connect()? else { return Ok(None) };
    let happenings = Happenings::of(listener).ok();
    let Some(mut client) = run.connect()? else { return Ok(None) };
    let _done: Done = client.post("/run/down", &serde_json::json!({}))?;
    Ok(happenings)
}

/// Shows who ends and how, until the run has nothing more to say, or the connection is lost: it ends all the same.
fn watch(mut happenings: Happenings) -> Result<(), CliError> {
    while let Ok(news) = happenings.next(None) {
        match news {
            News::Happened(news) => {
                let lines: String = news.iter().map(words).collect();
                ui::print(lines).map_err(CliError::unwritten)?;
            }
            News::Nothing => {}
            News::End => break,
        }
    }
    Ok(())
}

fn words(told: &Told) -> String {
    let Happening { process, text, .. } = match told {
        Told::Happening(happening) => happening,
        Told::Missed(missed) => return format!("system: {}\n", missing(*missed)),
    };
    let process = process.as_deref().unwrap_or("system");
    format!("{process}: {}\n", printable(text))
}

/// Waits until the lock is not that of the run any more: both its processes have gone, and the next can begin.
fn wait(held: Option<Held>) {
    let Some(mut held) = held else { return };
    while held.is_still() {
        std::thread::sleep(GLANCE);
    }
}
