//! `proc logs`: what the processes have written, in the form in which `proc start` prints it.

mod printer;

use super::super::args::{MOST_CONTEXT, MOST_LINES, Options};
use super::super::error::CliError;
use super::super::load::Surroundings;
use super::super::ui;
use super::failed;
use super::find::Found;
use crate::api::client::{Client, Heard, Lines};
use crate::api::query::{self, LogsQuery, RunQuery};
use crate::engine::clock::Clock;
use crate::model::policy::{Grace, LogFormat, Timestamps};
use crate::model::snapshot::{Snapshot, TypeStatus};
use crate::output::{Colour, Formatter, Mux, Terminal};
use printer::Printer;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

// What the command line lets through, the run does.
const _: () = assert!(MOST_LINES == query::MOST_LINES as i64 && MOST_CONTEXT == query::MOST_CONTEXT as i64);

/// How many lines come before those that are followed, where nobody says.
const BEFORE_FOLLOWING: u32 = 100;

/// Prints the lines that are chosen, and those that follow.
pub(super) fn logs(
    mut run: Found,
    names: &[String],
    options: &Options,
    around: &Surroundings,
) -> Result<ExitCode, CliError> {
    let query = query(names, options)?;
    let format = if options.json { LogFormat::Json } else { options.log_format };
    let lines = |run: &mut Found| run.client()?.lines(&format!("/logs{}", query.write())).map_err(failed);
    if format == LogFormat::Json {
        // As it comes: it is in that form already.
        return hand_on(lines(&mut run)?, |page| ui::is_read(page));
    }
    let mut printer = printer(&mut run.client()?, format, options, around)?;
    hand_on(lines(&mut run)?, |page| {
        let lines = printer.print(page);
        ui::complain(&lines.stderr);
        ui::is_read(&lines.stdout)
    })
}

/// What is asked for.
fn query(names: &[String], options: &Options) -> Result<LogsQuery, CliError> {
    if let Some(error) = options.grep.as_ref().and_then(|grep| regex::Regex::new(grep).err()) {
        return Err(CliError::usage(format!("`--grep` is no regular expression: {error}")));
    }
    let since = options.since.and_then(|since| match since {
        Grace::For(duration) => Some(duration.as_secs_f64()),
        Grace::Unlimited => None,
    });
    let is_open = options.lines.is_none() && since.is_none();
    Ok(LogsQuery {
        name: names.to_vec(),
        follow: options.follow,
        lines: if options.follow && is_open { Some(BEFORE_FOLLOWING) } else { options.lines },
        since,
        grep: options.grep.clone(),
        context: options.context.unwrap_or_default().into(),
    })
}

/// Hands on what comes until the end, or until nobody reads it.
fn hand_on(mut lines: Lines, mut write: impl FnMut(&[u8]) -> io::Result<bool>) -> Result<ExitCode, CliError> {
    while let Heard::Lines(page) = lines.next(None).map_err(failed)? {
        if !write(page).map_err(CliError::unwritten)? {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts lines into the form that the options want, with the colours that `proc start` has for their types.
fn printer(
    client: &mut Client,
    format: LogFormat,
    options: &Options,
    around: &Surroundings,
) -> Result<Printer, CliError> {
    let types: Vec<TypeStatus> = client.get("/types").map_err(failed)?;
    let names = types.iter().flat_map(|each| each.instances.iter().map(String::len));
    let width = names.max().unwrap_or_default();
    let is_terminal = io::stdout().is_terminal();
    let is_coloured = ui::coloured(options.color, is_terminal, &|name| around.variable(name));
    let can_erase = around.variable("TERM").is_some_and(|term| term != "dumb");
    let terminal = is_terminal.then_some(Terminal { can_erase });
    let formatter = Formatter::new(format, options.timestamps, is_coloured, width);
    let start = match options.timestamps {
        Timestamps::Elapsed => start(client)?,
        Timestamps::Time | Timestamps::Rfc3339 | Timestamps::None => SystemTime::UNIX_EPOCH,
    };
    let colours = types.into_iter().enumerate().map(|(index, each)| (each.name, Colour::nth(index)));
    Ok(Printer::new(Mux::new(formatter, terminal, usize::MAX), start, colours.collect()))
}

/// When the run was started.
fn start(client: &mut Client) -> Result<SystemTime, CliError> {
    let snapshot: Snapshot = client.get(&format!("/run{}", RunQuery::default().write())).map_err(failed)?;
    let uptime = Duration::try_from_secs_f64(snapshot.uptime_seconds).unwrap_or_default();
    Ok(Clock::wall().checked_sub(uptime).unwrap_or(SystemTime::UNIX_EPOCH))
}
