//! The program of an instance, and what supervisord has no words for.

use super::super::{App, Draft, Instance, Process, Role};
use super::ini::{self, Ini};
use crate::model::policy::{ExitOn, Grace};
use crate::model::settings::{DEFAULTS, RestartPolicy, RestartWhen};
use std::time::Duration;

/// What stands for "without end": supervisord knows numbers only.
const YEAR: u64 = 365 * 24 * 3600;
const ANY_NUMBER: u32 = 1_000_000;

/// The real-time signals begin after this one; supervisord knows signals by the names that Python has for them.
const LAST_NAMED: i32 = 31;

/// An instance, to be written.
pub(super) struct Program<'a> {
    pub(super) app: &'a App,
    pub(super) process: &'a Process,
    pub(super) instance: &'a Instance,
    /// The values of `command` and `directory`.
    pub(super) command: &'a str,
    pub(super) root: &'a str,
    /// The directory of the export, as a value.
    pub(super) directory: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) priority: Option<usize>,
}

impl Program<'_> {
    /// The name of its section, which no other program of that supervisord may have.
    pub(super) fn name(&self) -> String {
        format!("{}-{}-{}", self.app.name, self.process.name, self.instance.number)
    }

    /// Writes its section.
    pub(super) fn write(&self, ini: &mut Ini) {
        ini.section(format_args!("program:{}", self.name()));
        ini.set("process_name", self.ps());
        ini.set("command", self.command);
        ini.set("directory", self.root);
        if let Some(user) = self.user {
            ini.set("user", user);
        }
        ini.set("environment", ini::environment(&self.variables()));
        if let Some(priority) = self.priority {
            ini.set("priority", priority);
        }
        self.write_restart(ini);
        self.write_stop(ini);
        ini.set("redirect_stderr", true);
        // supervisord removes logs that it has named itself when it starts again.
        ini.set("stdout_logfile", format_args!("{}/{}.log", self.directory, self.ps()));
    }

    fn ps(&self) -> String {
        format!("{}.{}", self.process.name, self.instance.number)
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let port = self.instance.port.map(|port| ("PORT", port.to_string()));
        let own = [
            ("PS", self.ps()),
            ("PROC_TYPE", self.process.name.clone()),
            ("PROC_INSTANCE", self.instance.number.to_string()),
        ];
        port.into_iter().chain(own).collect()
    }

    fn write_restart(&self, ini: &mut Ini) {
        let settings = &self.process.settings;
        if self.process.role == Role::OneOff {
            ini.set("autostart", false);
        }
        let when = match self.process.role {
            Role::Service => self.process.restart,
            Role::Task | Role::Release | Role::OneOff => Some(RestartWhen::No),
        };
        match when {
            Some(RestartWhen::No) => {
                ini.set("autorestart", false);
                // Any end is its end, however soon it comes.
                ini.set("startsecs", 0);
            }
            Some(RestartWhen::OnFailure) => ini.set("autorestart", "unexpected"),
            None | Some(RestartWhen::Always) => ini.set("autorestart", true),
        }
        let has_codes = when.is_some() && !settings.success_exit_codes.is_empty();
        if when == Some(RestartWhen::OnFailure) || has_codes {
            let codes = settings.success_exit_codes.iter().filter(|code| **code != 0);
            let codes: Vec<String> =
                std::iter::once("0".to_owned()).chain(codes.map(u8::to_string)).collect();
            ini.set("exitcodes", codes.join(","));
        }
        if when != Some(RestartWhen::No) {
            let (policy, default) = (&settings.restart, &DEFAULTS.restart);
            if when.is_some() || policy.min_uptime != default.min_uptime {
                ini.set("startsecs", seconds(policy.min_uptime));
            }
            if when.is_some() || policy.max_restarts != default.max_restarts {
                ini.set("startretries", policy.max_restarts.unwrap_or(ANY_NUMBER));
            }
        }
    }

    fn write_stop(&self, ini: &mut Ini) {
        let stop = &self.process.settings.stop;
        let signal = stop.signal.to_string();
        match stop.grace {
            Grace::For(Duration::ZERO) => ini.set("stopsignal", "KILL"),
            Grace::For(_) | Grace::Unlimited => ini.set("stopsignal", signal.trim_start_matches("SIG")),
        }
        match stop.grace {
            Grace::For(grace) => ini.set("stopwaitsecs", seconds(grace)),
            Grace::Unlimited => {
                ini.comment("A year: supervisord cannot wait for ever.");
                ini.set("stopwaitsecs", YEAR);
            }
        }
        ini.set("stopasgroup", true);
    }
}

/// Whole seconds, and none too few.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Notes what supervisord has no words for, and refuses what it would do otherwise.
pub(super) fn lose(process: &Process, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let settings = &process.settings;
    let probe = "supervisord asks nobody whether it is well";
    if settings.readiness.is_some() {
        draft.lose(name, "readiness", probe, Some("an event listener can (superlance's httpok)"));
    }
    if settings.liveness.is_some() {
        draft.lose(name, "liveness", probe, Some("an event listener can (superlance's httpok)"));
    }
    if settings.on_exit.is_some_and(|on_exit| on_exit != ExitOn::All) {
        draft.lose(name, "on_exit", "supervisord lets the others run on, however one ends", None);
    }
    if settings.stop.command.is_some() {
        draft.lose(name, "stop_command", "supervisord stops by signals only", None);
    }
    lose_of_stop(process, draft);
    lose_of_restart(process, draft);
}

fn lose_of_stop(process: &Process, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let stop = &process.settings.stop;
    if stop.signal.number() > LAST_NAMED {
        let why = format!("supervisord does not know {}", stop.signal);
        draft.refuse(name, "stop_signal", why, Some("stop it by SIGTERM, SIGINT, SIGUSR1 or the like"));
    }
    match stop.grace {
        Grace::For(grace) if grace.subsec_nanos() > 0 => {
            let why = format!("supervisord counts whole seconds: {}", seconds(grace));
            draft.lose(name, "stop_grace_period", why, None);
        }
        Grace::For(_) => {}
        Grace::Unlimited => {
            draft.lose(name, "stop_grace_period", "supervisord waits for a year at most", None);
        }
    }
}

fn lose_of_restart(process: &Process, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let policy = process.settings.restart;
    let is_restarted = match process.restart {
        None => policy != RestartPolicy { when: policy.when, ..DEFAULTS.restart },
        Some(RestartWhen::No) => false,
        Some(RestartWhen::OnFailure | RestartWhen::Always) => true,
    };
    match process.role {
        _ if !is_restarted => {}
        Role::Task | Role::Release | Role::OneOff => {
            let why = "it is there to end, and supervisord is told to start it once: a start that fails is not repeated";
            draft.lose(name, "restart", why, Some("have its command try again"));
        }
        Role::Service => {
            let why = "supervisord waits 1 s, 2 s, 3 s and so on while starts fail, and not at all otherwise; it counts those that fail in a row, in whatever time";
            draft.lose(name, "restart_delay, restart_window", why, None);
            if process.restart == Some(RestartWhen::OnFailure) {
                lose_of_success(process, draft);
            }
        }
    }
}

/// Notes which ends supervisord takes for failures, and we do not.
fn lose_of_success(process: &Process, draft: &mut Draft) {
    let name = Some(process.name.as_str());
    let uptime = process.settings.restart.min_uptime;
    if !uptime.is_zero() {
        let why = format!(
            "supervisord takes an end in the first {} s for a failure, also one with 0",
            seconds(uptime)
        );
        draft.lose(name, "restart", why, Some("set min_uptime = \"0s\" if it may end so soon"));
    }
    for code in process.settings.success_exit_codes.iter().filter(|code| **code > 128) {
        let why = format!("supervisord takes {code} for an exit code only, not for a death by a signal");
        draft.lose(name, "success_exit_codes", why, None);
    }
}
