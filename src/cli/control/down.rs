//! `proc down`: ends the run, and waits until nothing is left of it.

use super::super::args::Options;
use super::super::error::CliError;
use super::super::load::Surroundings;
use super::super::ui;
use super::events::{Happenings, News};
use super::find::{self, Found};
use super::{failed, print};
use crate::api::messages::Done;
use crate::model::diagnostic::printable;
use crate::model::happening::Happening;
use std::process::ExitCode;
use std::time::Duration;

/// How often it is looked whether the last of a run has gone.
const GLANCE: Duration = Duration::from_millis(5);

/// Ends the run, if there is one.
pub(super) fn down(options: &Options, around: &Surroundings) -> Result<ExitCode, CliError> {
    let Some(mut run) = find::look(options, around)? else {
        return print("no run of this app: nothing to end\n");
    };
    let mut client = run.client()?;
    let happenings = Happenings::of(run.client()?).map_err(failed)?;
    let _done: Done = client.post("/run/down", &serde_json::json!({})).map_err(failed)?;
    watch(happenings)?;
    wait(&run);
    print("the run is over\n")
}

/// Shows who ends and how, until the run has nothing more to say.
fn watch(mut happenings: Happenings) -> Result<(), CliError> {
    loop {
        match happenings.next(None).map_err(failed)? {
            News::Happened(news) => {
                let lines: String = news.iter().map(words).collect();
                ui::print(lines).map_err(CliError::unwritten)?;
            }
            News::Nothing => {}
            News::End => return Ok(()),
        }
    }
}

fn words(Happening { process, text, .. }: &Happening) -> String {
    let process = process.as_deref().unwrap_or("system");
    format!("{process}: {}\n", printable(text))
}

/// Waits until nobody holds the lock: both processes of the run have gone, and the next can begin.
fn wait(run: &Found) {
    while run.dir().is_locked() {
        std::thread::sleep(GLANCE);
    }
}
