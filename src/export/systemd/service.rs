//! The `[Service]` of a process type: what runs, how it is asked to stop, and what follows an end.

use super::escape::{argument, path};
use super::unit::Unit;
use crate::export::{Draft, Process, Role, shell};
use crate::model::command::{Command, shell_word};
use crate::model::policy::{ExitOn, Grace, Seconds};
use crate::model::settings::{Check, Probe, RestartPolicy, RestartWhen};
use crate::model::signal::Signal;
use std::path::Path;
use std::time::Duration;

/// Ends that systemd takes for clean ones (systemd.service(5), `SuccessExitStatus=`), and we for failures unless they are listed.
const CLEAN_TO_SYSTEMD: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::PIPE, Signal::TERM];

/// The exit code of programs that handle SIGTERM and tell of it: Java, and shells of what they ran.
const TERMINATED: u8 = 143;

/// Writes the command.
pub(super) fn write_command(process: &Process, unit: &mut Unit) {
    let script = shell::script(&process.command);
    unit.set("ExecStart", &format!("/bin/sh -c {}", argument(&script.text)));
}

/// The question that shows readiness, if it is one that a unit can ask: a command.
pub(super) fn question(process: &Process) -> Option<(&Probe, &Command)> {
    let probe = process.settings.readiness.as_ref()?;
    match &probe.check {
        Check::Exec(command) => Some((probe, command)),
        Check::Http(_) | Check::Tcp(_) | Check::Log(_) => None,
    }
}

/// Writes that it counts as started when it is ready, for those that wait for that.
pub(super) fn write_readiness(process: &Process, unit: &mut Unit) {
    let Some((probe, command)) = question(process) else { return };
    let (limit, pause) = (probe.timeout.as_secs_f64(), probe.start_interval.as_secs_f64());
    let command = shell_word(command.text());
    let script =
        format!("until timeout {limit} /bin/sh -c {command} >/dev/null 2>&1; do sleep {pause}; done");
    unit.comment("It counts as started when it is ready, however long that takes.");
    unit.set("ExecStartPost", &format!("/bin/sh -c {}", argument(&script)));
    unit.set("TimeoutStartSec", "infinity");
}

/// Writes where it runs; a place that cannot be written is refused.
pub(super) fn write_directory(process: &Process, root: &Path, unit: &mut Unit, draft: &mut Draft) {
    let (what, directory) =
        process.settings.working_dir.as_ref().map_or(("root", root), |own| ("working_dir", own));
    match directory.to_str().and_then(path) {
        Some(text) => unit.set("WorkingDirectory", &text),
        None => draft.refuse(
            Some(&process.name),
            what,
            "systemd takes no directory with a control character or other bytes than UTF-8 in its name",
            Some("rename it"),
        ),
    }
}

/// Writes how it is asked to stop.
pub(super) fn write_stop(process: &Process, unit: &mut Unit) {
    let stop = &process.settings.stop;
    let is_at_once = stop.grace == Grace::For(Duration::ZERO);
    if is_at_once {
        unit.comment("Without a grace period; TimeoutStopSec=0 would be one without end.");
        unit.set("KillMode", "control-group");
        unit.set("KillSignal", "SIGKILL");
        return;
    }
    if shell::script(&process.command).is_one_process {
        unit.set("KillMode", "mixed");
    } else {
        unit.comment("Not mixed: the shell stays, and what it starts has to hear of the stop signal, too.");
        unit.set("KillMode", "control-group");
    }
    unit.set("KillSignal", &name(stop.signal));
    match stop.grace {
        Grace::For(grace) => unit.set("TimeoutStopSec", &Seconds(grace).to_string()),
        Grace::Unlimited => unit.set("TimeoutStopSec", "infinity"),
    }
}

/// Writes which ends are successes.
pub(super) fn write_success(process: &Process, unit: &mut Unit) {
    let listed = &process.settings.success_exit_codes;
    let mut codes = listed.clone();
    if process.role == Role::Service {
        codes.insert(TERMINATED);
    }
    let mut words: Vec<String> = codes.iter().map(u8::to_string).collect();
    words.extend(codes.iter().filter(|code| listed.contains(code)).filter_map(|code| death(*code)).map(name));
    if !words.is_empty() {
        unit.set("SuccessExitStatus", &words.join(" "));
    }
}

/// The signal that a shell tells of with this code.
fn death(code: u8) -> Option<Signal> {
    let number = code.checked_sub(128)?;
    (1..=64).contains(&number).then(|| Signal::from_number(number.into()))
}

/// A signal as systemd names it (signal(7); real-time signals by their distance from the first).
fn name(signal: Signal) -> String {
    match signal.number() {
        number @ 34..=64 => format!("SIGRTMIN+{}", number - 34),
        number @ 32..=33 => number.to_string(),
        _ => signal.to_string(),
    }
}

/// After which ends it is started again, where nobody has said so: after all, as for services of systemd elsewhere.
fn when(process: &Process) -> RestartWhen {
    process.restart.unwrap_or(RestartWhen::Always)
}

/// Whether somebody has said something of its restarts, when or how.
fn is_said(process: &Process) -> bool {
    let policy = &process.settings.restart;
    process.restart.is_some() || *policy != RestartPolicy { when: policy.when, ..RestartPolicy::default() }
}

/// How many restarts there may be in which time; none: any number. What is said of it counts even where nothing else is.
fn limit(process: &Process) -> Option<(u32, Duration)> {
    let policy = &process.settings.restart;
    policy.max_restarts.filter(|_| is_said(process)).map(|most| (most, policy.window))
}

/// Writes into the first section how many restarts there may be.
pub(super) fn write_limit(process: &Process, unit: &mut Unit) {
    match limit(process) {
        _ if when(process) == RestartWhen::No => {}
        Some((most, window)) => {
            unit.set("StartLimitIntervalSec", &Seconds(window).to_string());
            // The first start counts as well.
            unit.set("StartLimitBurst", &most.saturating_add(1).to_string());
        }
        None => unit.set("StartLimitIntervalSec", "0"),
    }
}

/// Writes what follows an end.
pub(super) fn write_restart(process: &Process, unit: &mut Unit) {
    let when = when(process);
    let word = match when {
        RestartWhen::No => "no",
        RestartWhen::OnFailure => "on-failure",
        RestartWhen::Always => "always",
    };
    unit.set("Restart", word);
    if when == RestartWhen::No {
        return;
    }
    unit.set("RestartSec", &Seconds(process.settings.restart.delay).to_string());
    if when == RestartWhen::OnFailure {
        write_failures(process, unit);
    }
}

/// Has the ends count as failures that systemd takes for clean ones, unless it was asked to end.
fn write_failures(process: &Process, unit: &mut Unit) {
    let listed = &process.settings.success_exit_codes;
    let is_failure = |code: u8| !listed.contains(&code);
    let signals = CLEAN_TO_SYSTEMD
        .into_iter()
        .filter(|signal| u8::try_from(128 + signal.number()).is_ok_and(is_failure));
    let mut words: Vec<String> = signals.map(name).collect();
    if is_failure(TERMINATED) {
        words.insert(0, TERMINATED.to_string());
    }
    if !words.is_empty() {
        unit.comment("A clean end to systemd, and a failure where nobody has asked for it.");
        unit.set("RestartForceExitStatus", &words.join(" "));
    }
}

/// Notes what of its settings systemd has no words for.
pub(super) fn check(process: &Process, is_waited_for: bool, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let settings = &process.settings;
    match (&settings.readiness, question(process)) {
        (None, _) => {}
        (Some(_), Some(_)) if is_waited_for => {
            draft.lose(name, "readiness", "it is asked at each start only, until it succeeds", None);
        }
        (Some(_), _) => {
            let why = "systemd asks no questions: to it, whoever has been started is ready";
            draft.lose(name, "readiness", why, Some("have the proxy in front ask it, or your monitoring"));
        }
    }
    if settings.liveness.is_some() {
        let why = "systemd asks no questions: only an end is followed by a restart";
        let advice = "have it end when it cannot go on, or serve WatchdogSec= with Type=notify";
        draft.lose(name, "liveness", why, Some(advice));
    }
    if settings.stop.command.is_some() {
        let why =
            "systemd sends the stop signal as soon as such a command has ended; so there is only the signal";
        let advice = "add it as ExecStop= if it waits for the end of the process";
        draft.lose(name, "stop_command", why, Some(advice));
    }
    if settings.on_exit.is_some_and(|on_exit| on_exit != ExitOn::All) {
        draft.lose(name, "on_exit", "the others run on when it ends", None);
    }
    match (process.role, process.restart) {
        (_, Some(RestartWhen::No)) | (Role::Task | Role::Release | Role::OneOff, None) => {}
        (Role::Task | Role::Release | Role::OneOff, Some(RestartWhen::OnFailure | RestartWhen::Always)) => {
            let why = "systemd runs it once: no failure is followed by another try";
            draft.lose(name, "restart", why, Some("have its command try again"));
        }
        (Role::Service, _) if is_said(process) => check_restart(process, draft),
        (Role::Service, _) => {}
    }
}

fn check_restart(process: &Process, draft: &mut Draft) {
    let policy = &process.settings.restart;
    if policy.max_delay > policy.delay {
        let why =
            format!("before each restart it waits for {}, and not longer each time", Seconds(policy.delay));
        let doublings = (policy.max_delay.as_secs_f64() / policy.delay.as_secs_f64().max(0.1)).log2().ceil();
        let advice = format!(
            "with systemd 254 or later add RestartSteps={doublings} and RestartMaxDelaySec={}",
            Seconds(policy.max_delay)
        );
        draft.lose(Some(&process.name), "restart_max_delay", why, Some(&advice));
    }
    check_min_uptime(process, draft);
}

/// Whoever has run for `min_uptime` each time is started again for ever here. To systemd those starts are too many if so many of them
/// have room in the window.
fn check_min_uptime(process: &Process, draft: &mut Draft) {
    let policy = &process.settings.restart;
    let forgiven = limit(process)
        .map(|(most, window)| (policy.min_uptime * most.saturating_add(1), window))
        .filter(|(forgiven, window)| forgiven < window)
        .map(|(forgiven, _)| forgiven);
    if forgiven.is_none() && policy.min_uptime == RestartPolicy::default().min_uptime {
        return;
    }
    let why = format!(
        "systemd counts all restarts in a time, also of whoever has run for {} before",
        Seconds(policy.min_uptime)
    );
    let window = forgiven.filter(|forgiven| !forgiven.is_zero()).map(Seconds);
    let advice = window.map(|window| format!("a restart_window of {window} or less comes close"));
    draft.lose(Some(&process.name), "min_uptime", why, advice.as_deref());
}
