//! `proc events`: what happens in the run, as it happens.

use super::super::args::Options;
use super::super::error::CliError;
use super::super::ui;
use super::failed;
use super::find::Found;
use crate::api::client::{Client, ClientError, Heard, Lines};
use crate::api::messages::Dropped;
use crate::model::diagnostic::printable;
use crate::model::happening::Happening;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use std::time::Duration;

/// Prints the happenings from now on, until the run is over.
pub(super) fn events(mut run: Found, options: &Options) -> Result<ExitCode, CliError> {
    let mut stream = Happenings::of(run.client()?).map_err(failed)?;
    loop {
        let page = match stream.next(None).map_err(failed)? {
            News::Happened(told) if options.json => {
                let lines = told.iter().filter_map(|each| serde_json::to_string(each).ok());
                lines.map(|line| line + "\n").collect::<String>()
            }
            News::Happened(told) => told.iter().map(words).collect(),
            News::Nothing => continue,
            News::End => return Ok(ExitCode::SUCCESS),
        };
        if !ui::is_read(&page).map_err(CliError::unwritten)? {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// What is told, as a line: when, what, of whom, and in words.
fn words(told: &Told) -> String {
    let Happening { ts, event, process, text } = match told {
        Told::Happening(happening) => happening,
        Told::Missed(missed) => return format!("{}\n", missing(*missed)),
    };
    let process = process.as_deref().unwrap_or("system");
    format!("{ts} {event:<12} {process:<12} {}\n", printable(text))
}

/// That we were too slow for some.
pub(super) fn missing(Dropped { dropped }: Dropped) -> String {
    let events = if dropped == 1 { "event is" } else { "events are" };
    format!("{dropped} {events} missing here: this reader was too slow")
}

/// What stands in an event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Told {
    /// What has happened.
    Happening(Happening),
    /// How many others were missed.
    Missed(Dropped),
}

/// What is told of a run from now on.
pub(super) struct Happenings(Lines);

/// What there was to hear.
pub(super) enum News {
    /// This, in order.
    Happened(Vec<Told>),
    /// Nothing, in the time there was.
    Nothing,
    /// The run is over.
    End,
}

impl Happenings {
    /// Listens over this connection.
    pub(super) fn of(client: Client) -> Result<Self, ClientError> {
        client.lines("/events").map(Self)
    }

    /// The next ones, as many as come at once; waited for as long as it takes, or this long.
    pub(super) fn next(&mut self, limit: Option<Duration>) -> Result<News, ClientError> {
        Ok(match self.0.next(limit)? {
            Heard::Lines(lines) => News::Happened(told(lines)),
            Heard::Nothing => News::Nothing,
            Heard::End => News::End,
        })
    }
}

/// What is told in the lines of an event stream; its other fields say nothing that these do not.
fn told(lines: &[u8]) -> Vec<Told> {
    let data = lines.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
    data.filter_map(|json| serde_json::from_slice(json).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_stands_behind_data() {
        let stream = b"event: started\ndata: {\"ts\":\"t\",\"event\":\"started\",\"process\":\"web.1\",\"text\":\"started with pid 7\"}\n\n: still here\n\n";
        assert_eq!(words(&told(stream)[0]), "t started      web.1        started with pid 7\n");
        assert!(told(b": still here\ndata: {\n").is_empty());
    }

    #[test]
    fn what_was_missed_is_counted_and_handed_on() {
        let missed = &told(b"event: dropped\ndata: {\"dropped\":3}\n\n")[0];
        assert_eq!(words(missed), "3 events are missing here: this reader was too slow\n");
        assert_eq!(serde_json::to_string(missed).unwrap(), r#"{"dropped":3}"#);
    }
}
