//! `proc start`: the formation in the foreground, until it ends or is told to.

use super::args::Options;
use super::capacity;
use super::contract;
use super::control::{self, There};
use super::detach;
use super::error::{CliError, CliErrorKind};
use super::listen;
use super::load::{self, Demand, Surroundings};
use super::logs;
use super::place::{self, Place};
use super::plan::{Planned, Planner};
use super::replan;
use super::ui;
use super::watch;
use crate::engine::handle::Desk;
use crate::engine::{Channel, Console, Engine, LAST_CHANCE};
use crate::model::exit::{Outcome, code};
use crate::model::instance::InstanceId;
use crate::model::policy::LogFormat;
use crate::model::signal::Signal;
use crate::output::{Formatter, Label, Logs, Mux, Ring, Sink, Target, Terminal};
use crate::unix::guard::{self, AllKilled, Side, Watched};
use crate::unix::limits::Limits;
use crate::unix::link::{Request, SupervisorLink};
use crate::unix::sweep::Sweep;
use crate::unix::{fds, signals};
use std::collections::BTreeMap;
use std::io::{self, IoSlice, IsTerminal};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the formation; returns when nothing is left of it.
pub(super) fn start(
    options: &Options,
    named: &[String],
    around: &Surroundings,
) -> Result<ExitCode, CliError> {
    match control::start_there(options, named, around)? {
        There::Nobody => {}
        There::Done(code) => return Ok(code),
        There::Run { pid, waits } if options.detach => return there(&place::taken(pid), &waits),
        There::Run { pid, .. } => return Err(place::taken(pid)),
    }
    // First of all: before a secret is read, and a thread is started.
    let limits = Limits::take_over();
    let (app, mut problems) = load::app(options, around, Demand::Lenient);
    if let Some(app) = &app {
        contract::check(app, &mut problems);
    }
    let planned = app.and_then(|app| {
        Planner { options, named, problems: &mut problems, again: None, is_for_here: true }.plan(app)
    });
    if let Some(planned) = &planned {
        capacity::check(options, &planned.plan, &limits, &mut problems);
        watch::check(&planned.plan, around, &mut problems);
    }
    problems.settle()?;
    let Some(mut planned) = planned else { return Err(CliError::internal("no plan and no error")) };
    // Before standard output is a pipe to whoever follows.
    let called = Called { options, named, around, is_terminal: io::stdout().is_terminal() };
    if options.detach
        && let Some(code) = detach::detach(&planned.plan.root, around)?
    {
        return Ok(code);
    }
    let place = match place::take(&planned.plan.root, around) {
        Ok(Ok(place)) => Some(place),
        Ok(Err(reason)) if options.detach => return Err(listen::unseen(&reason)),
        Ok(Err(reason)) => {
            planned.notices.push(format!("this run cannot be controlled from elsewhere: {reason}"));
            None
        }
        Err(error) if options.detach && error.kind == CliErrorKind::Running => return there(&error, &[]),
        Err(error) => return Err(error),
    };
    fds::keep_from_children();
    // One thread so far, and from here on two processes.
    match guard::split(!options.no_keys).map_err(failed("failed to start the guard"))? {
        Side::Guard(guard) => {
            let outcome = told(guard.watch());
            if let Some(place) = place {
                place.clear();
            }
            Ok(end_as(outcome))
        }
        Side::Supervisor(link) => {
            let last_word = link.try_clone().map_err(failed("failed to reach the guard"))?;
            let result = contain(|| supervise(called, planned, place.as_ref(), link, limits)).flatten();
            let outcome = result.unwrap_or_else(|error| {
                ui::complain(error.render());
                Outcome::Code(error.exit_code())
            });
            last_word.send(Request::End(outcome));
            if let Some(place) = place.filter(|_| last_word.is_over()) {
                // The guard was killed, and leaves that to us.
                place.clear();
            }
            // The guard is whose exit is seen.
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> CliError {
    move |error| CliError::internal(format!("{what}: {error}"))
}

/// Says that a run is there, to who wants one in the background: so it is. What is not up yet of it is said, too.
fn there(error: &CliError, waits: &[String]) -> Result<ExitCode, CliError> {
    let next = if waits.is_empty() { "" } else { "; not all of it is up: `proc wait` waits for that" };
    let mut text = format!("{error}{next}\n");
    for each in waits {
        text.extend(["  ", each, "\n"]);
    }
    ui::print(text).map_err(CliError::unwritten)?;
    Ok(ExitCode::SUCCESS)
}

/// How we were called.
#[derive(Clone, Copy)]
struct Called<'a> {
    options: &'a Options,
    named: &'a [String],
    around: &'a Surroundings,
    /// Whether what we write is seen on a terminal, be it by way of whoever follows us.
    is_terminal: bool,
}

/// Takes over the signals, and lets the engine run.
fn supervise(
    called: Called<'_>,
    mut planned: Planned,
    place: Option<&Place>,
    link: SupervisorLink,
    limits: Limits,
) -> Result<Outcome, CliError> {
    let Called { options, named, around, .. } = called;
    // The threads that write are started while all signals are blocked, and keep it so: none is woken by a child's death.
    let logs = logs::open(options, &planned.plan, around)?;
    let log_dir = options.log_dir.as_ref().map(|directory| around.directory.join(directory));
    let watcher = watch::start(&planned.plan, log_dir.as_deref())?;
    let history = usize::try_from(options.history.bytes()).unwrap_or(usize::MAX);
    let (desk, handle) = Desk::open(Ring::new(history));
    let _server = listen::open(options, place, handle, &mut planned.notices)?;
    let console =
        console(called, &planned, logs, desk).map_err(failed("failed to start the writer thread"))?;
    let signals = signals::Signals::take_over().map_err(failed("failed to take over the signals"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("failed to start the event loop"))?;
    let _entered = runtime.enter();
    let Planned { plan, sources, .. } = planned;
    let reload = sources.reload(plan.environment.clone(), plan.settings.clone());
    let engine = Engine::new(plan, console, signals, link, limits, reload)
        .map_err(failed("failed to start the event loop"))?
        .watching(watcher)
        .replanning(replan::replanning(options, named, around));
    let (outcome, unwritten) = runtime.block_on(engine.run());
    if unwritten > 0 {
        mention(&format!("{unwritten} bytes of output could not be written\n"));
    }
    Ok(outcome)
}

/// Runs what starts processes; if that panics, none of them is left behind.
pub fn contain<T>(run: impl FnOnce() -> T) -> Result<T, CliError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
        let all_killed = AllKilled(Sweep::of_all().kill_all(|_, _| ()));
        CliError::internal(format!("this is a bug in proc; {}", fate(all_killed)))
    })
}

/// How the run ended, as the guard has seen it; what the supervisor could not say any more is said.
fn told(watched: Watched) -> Outcome {
    match watched {
        Watched::Told(outcome) => outcome,
        Watched::Lost(exit, all_killed) => {
            let how = exit.map_or_else(|| "it went silent".to_owned(), |exit| exit.to_string());
            mention(&format!("error: the supervisor of this run was lost ({how}); {}\n", fate(all_killed)));
            Outcome::Code(code::BUG)
        }
        Watched::Abandoned(AllKilled(true)) => Outcome::Signal(Signal::INT),
        Watched::Abandoned(AllKilled(false)) => {
            mention("error: some processes could not be killed\n");
            Outcome::Code(code::SURVIVORS)
        }
    }
}

/// Says something at the very end, to whoever reads it: a reader that does not read is not waited for.
fn mention(text: &str) {
    if fds::is_writable(&io::stderr(), LAST_CHANCE) {
        ui::complain(text);
    }
}

fn fate(all_killed: AllKilled) -> &'static str {
    match all_killed {
        AllKilled(true) => "all processes were killed",
        AllKilled(false) => "some processes could not be killed",
    }
}

/// Exits with the code of an outcome, or dies by its signal.
pub(super) fn end_as(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Code(code) => ExitCode::from(code),
        Outcome::Signal(signal) => {
            signals::die_by(signal);
            ExitCode::from(crate::model::exit::Exit::Signal(signal).code())
        }
    }
}

/// Our standard output as the options want it.
fn console(
    called: Called<'_>,
    planned: &Planned,
    logs: Option<Arc<Logs>>,
    desk: Desk,
) -> io::Result<Console> {
    let Called { options, around, is_terminal, .. } = called;
    let Planned { plan, quiet, notices, .. } = planned;
    let is_coloured = ui::coloured(options.color, is_terminal, &|name| around.variable(name));
    let labels: BTreeMap<InstanceId, Label> =
        plan.instances.keys().map(|id| (*id, Label::of(plan, *id))).collect();
    let width = labels.values().map(|label| label.process.len()).max().unwrap_or(0);
    let formatter = Formatter::new(options.log_format, options.timestamps, is_coloured, width);
    let channel =
        if options.pty.is_wanted(options.log_format, is_terminal) { Channel::Pty } else { Channel::Pipe };
    let can_erase = around.variable("TERM").is_some_and(|term| term != "dumb");
    let terminal = is_terminal.then_some(Terminal { can_erase });
    // Half of it waits to be written. Unfinished lines have a quarter: what they are kept in may be twice their size.
    let buffer = usize::try_from(options.buffer.bytes()).unwrap_or(usize::MAX);
    Ok(Console {
        channel,
        margin: formatter.prefix_width(),
        mux: Mux::new(formatter, terminal, buffer / 4),
        sink: Sink::start(writer(options.detach), Box::new(write_now()), buffer / 2)?,
        logs,
        labels,
        quiet: quiet.clone(),
        tells_streams_apart: options.log_format == LogFormat::Json,
        desk,
        preamble: plan.left_out().into_iter().chain(notices.iter().cloned()).collect(),
    })
}

/// A writer that waits for nothing, and gives up for good where that cannot be had.
fn write_now() -> impl FnMut(&[u8]) -> io::Result<usize> {
    let mut is_supported = true;
    move |bytes| {
        if !is_supported {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let result = fds::write_now(io::stdout().as_fd(), bytes);
        is_supported = !result.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EOPNOTSUPP));
        result
    }
}

/// Writes; in the background nobody reads any more as soon as all is up, which is no failure.
fn writer(detached: bool) -> impl FnMut(Target, &[IoSlice<'_>]) -> io::Result<usize> {
    move |target, slices| match write(target, slices) {
        Err(error) if detached && error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(slices.iter().map(|slice| slice.len()).sum())
        }
        result => result,
    }
}

fn write(target: Target, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match target {
        Target::Stdout => fds::write_waiting(io::stdout().as_fd(), slices),
        Target::Stderr => fds::write_waiting(io::stderr().as_fd(), slices),
    }
}
