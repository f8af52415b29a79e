//! What launchd has no words for.

use super::{check_directory, check_text, log_directory, whole_seconds};
use crate::export::{App, Draft, Process, Role, Variable, shell};
use crate::model::policy::{ExitOn, Grace, Seconds};
use crate::model::settings::{RestartPolicy, RestartWhen};
use crate::model::signal::Signal;
use std::collections::BTreeMap;
use std::time::Duration;

/// Refuses values that a property list cannot hold. Those of secrets are in files.
pub(super) fn variables(process: Option<&str>, variables: &BTreeMap<String, Variable>, draft: &mut Draft) {
    for (name, variable) in variables.iter().filter(|(_, variable)| !variable.is_secret) {
        check_text(process, name, &variable.value, draft);
    }
}

/// Notes what of a process type is not carried over; whether it is exported at all.
pub(super) fn check(process: &Process, app: &App, draft: &mut Draft) -> bool {
    let name = Some(process.name.as_str());
    if let Some(profile) = process.profiles.first() {
        let why = format!("it belongs to the profile {profile}");
        draft.lose(name, "profiles", why, Some(&format!("--profile {profile} exports it, too")));
        return false;
    }
    check_text(name, "command", process.command.text(), draft);
    check_directory(&process.name, process.settings.working_dir.as_ref().unwrap_or(&app.root), draft);
    if !shell::script(&process.command).is_one_process {
        let why = "the stop signal reaches the shell only, not what it starts";
        draft.lose(name, "command", why, Some("put `exec` before the last command"));
    }
    order(process, app, draft);
    stop(process, draft);
    questions(process, draft);
    match (process.role, process.restart) {
        (_, Some(RestartWhen::No)) | (Role::Task | Role::Release | Role::OneOff, None) => {}
        (Role::Task | Role::Release | Role::OneOff, Some(RestartWhen::OnFailure | RestartWhen::Always)) => {
            let why = "launchd runs it once: no failure is followed by another try";
            draft.lose(name, "restart", why, Some("have its command try again"));
        }
        (Role::Service, _) => restart(process, draft),
    }
    let why = format!("launchd keeps no output: it goes to files in {}", log_directory(app));
    draft.lose(name, "log", why, Some("have newsyslog rotate them"));
    true
}

/// launchd starts everything at once.
fn order(process: &Process, app: &App, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    if process.role == Role::Release {
        let why = "launchd knows no order: it does not run before the others by itself";
        draft.lose(name, "release", why, Some("have each deploy begin with it: launchctl kickstart"));
    }
    for other in process.depends_on.iter().filter_map(|dependency| app.processes.get(dependency.process)) {
        let why = format!("launchd starts all at once: it does not wait for {}", other.name);
        let advice = format!("have it try again until {} is there", other.name);
        draft.lose(name, "depends_on", why, Some(&advice));
    }
}

fn stop(process: &Process, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let stop = &process.settings.stop;
    if stop.signal != Signal::TERM {
        let why = format!("launchd sends SIGTERM, never {}", stop.signal);
        draft.lose(name, "stop_signal", why, Some("have it take SIGTERM for that"));
    }
    if stop.command.is_some() {
        draft.lose(name, "stop_command", "launchd stops with SIGTERM only", None);
    }
    if let Grace::For(grace) = stop.grace
        && grace != Duration::from_secs(whole_seconds(grace).max(1))
    {
        let why = format!("launchd counts whole seconds, from 1: {} are more", Seconds(grace));
        draft.lose(name, "stop_grace_period", why, None);
    }
}

fn questions(process: &Process, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let settings = &process.settings;
    for (what, probe) in [("readiness", &settings.readiness), ("liveness", &settings.liveness)] {
        if probe.is_some() {
            draft.lose(name, what, "launchd asks no questions", Some("have your monitoring ask it"));
        }
    }
    if settings.on_exit.is_some_and(|on_exit| on_exit != ExitOn::All) {
        draft.lose(name, "on_exit", "the others run on when it ends", None);
    }
}

fn restart(process: &Process, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let policy = &process.settings.restart;
    if process.restart == Some(RestartWhen::OnFailure) && !process.settings.success_exit_codes.is_empty() {
        draft.lose(name, "success_exit_codes", "launchd knows one success, 0", Some("have it exit with 0"));
    }
    let delay = Duration::from_secs(whole_seconds(policy.delay).max(1));
    if policy.delay != delay {
        let why = format!("launchd counts whole seconds, from 1: {} are more", Seconds(policy.delay));
        draft.lose(name, "restart_delay", why, None);
    }
    if process.restart.is_some()
        || *policy != (RestartPolicy { when: policy.when, ..RestartPolicy::default() })
    {
        limits(process, delay, draft);
    }
}

/// What keeps restarts within limits, in one line.
fn limits(process: &Process, delay: Duration, draft: &mut Draft) {
    let (policy, usual) = (&process.settings.restart, RestartPolicy::default());
    let is_lost = [
        ("max_restarts", policy.max_restarts.is_some()),
        ("restart_window", policy.window != usual.window),
        ("min_uptime", policy.min_uptime != usual.min_uptime),
        ("restart_max_delay", policy.max_delay > policy.delay),
    ];
    let lost: Vec<&str> = is_lost.iter().filter(|(_, is_lost)| *is_lost).map(|(key, _)| *key).collect();
    if !lost.is_empty() {
        let why = format!(
            "launchd has no {}: it starts it as often as it takes, at most once in {}",
            lost.join(", "),
            Seconds(delay)
        );
        draft.lose(Some(&process.name), "restart", why, None);
    }
}
