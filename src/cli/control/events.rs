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
use std::process::ExitCode;
use std::time::Duration;

/// Prints the happenings from now on, until the run is over.
pub(super) fn events(mut run: Found, options: &Options) -> Result<ExitCode, CliError> {
    let mut stream = Happenings::of(run.client()?).map_err(failed)?;
    loop {
        let page = match stream.next(None).map_err(failed)? {
            News::Happened(happenings) if options.json => {
                let lines = happenings.iter().filter_map(|each| serde_json::to_string(each).ok());
                lines.map(|line| line + "\n").collect::<String>()
            }
            News::Happened(happenings) => happenings.iter().map(words).collect(),
            News::Nothing => continue,
            News::End => return Ok(ExitCode::SUCCESS),
        };
        if !ui::is_read(&page).map_err(CliError::unwritten)? {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// A happening as a line: when, what, of whom, and in words.
fn words(happening: &Happening) -> String {
    let Happening { ts, event, process, text } = happening;
    let process = process.as_deref().unwrap_or("system");
    format!("{ts} {event:<12} {process:<12} {}\n", printable(text))
}

/// What is told of a run from now on.
pub(super) struct Happenings(Lines);

/// What there was to hear.
pub(super) enum News {
    /// This, in order.
    Happened(Vec<Happening>),
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
            Heard::Lines(lines) => News::Happened(happenings(lines)),
            Heard::Nothing => News::Nothing,
            Heard::End => News::End,
        })
    }
}

/// The happenings among the lines of an event stream; its other fields say nothing that these do not.
fn happenings(lines: &[u8]) -> Vec<Happening> {
    let data = lines.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
    data.filter_map(|json| serde_json::from_slice(json).ok().or_else(|| missing(json))).collect()
}

/// In the place of those that this reader was too slow for.
fn missing(json: &[u8]) -> Option<Happening> {
    let Dropped { dropped } = serde_json::from_slice(json).ok()?;
    let text = format!("missing here: {dropped}; this reader was too slow");
    Some(Happening { ts: "-".into(), event: "dropped".into(), process: None, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_stands_behind_data() {
        let stream = b"event: started\ndata: {\"ts\":\"t\",\"event\":\"started\",\"process\":\"web.1\",\"text\":\"started with pid 7\"}\n\n: still here\n\n";
        let happening = &happenings(stream)[0];
        assert_eq!(words(happening), "t started      web.1        started with pid 7\n");
        let dropped = &happenings(b"event: dropped\ndata: {\"dropped\":3}\n\n")[0];
        assert_eq!(words(dropped), "- dropped      system       missing here: 3; this reader was too slow\n");
        assert!(happenings(b": still here\ndata: {\n").is_empty());
    }
}
