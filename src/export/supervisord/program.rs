//! The program of an instance, and what supervisord has no words for.

use super::super::{App, Draft, Instance, Process, Role};
use super::ini::{self, Ini};
use crate::model::policy::Grace;
use crate::model::settings::{DEFAULTS, RestartWhen};
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
            None => return ini.set("autorestart", true),
            Some(RestartWhen::No) => {
                ini.set("autorestart", false);
                // Any end is its end, however soon it comes.
                ini.set("startsecs", 0);
            }
            Some(RestartWhen::OnFailure) => ini.set("autorestart", "unexpected"),
            Some(RestartWhen::Always) => ini.set("autorestart", true),
        }
        if when == Some(RestartWhen::OnFailure) || !settings.success_exit_codes.is_empty() {
            let codes = settings.success_exit_codes.iter().filter(|code| **code != 0);
            let codes: Vec<String> =
                std::iter::once("0".to_owned()).chain(codes.map(u8::to_string)).collect();
            ini.set("exitcodes", codes.join(","));
        }
        if when != Some(RestartWhen::No) {
            let policy = &settings.restart;
            if policy.min_uptime != DEFAULTS.restart.min_uptime {
                ini.set("startsecs", seconds(policy.min_uptime));
            }
            ini.set("startretries", policy.max_restarts.unwrap_or(ANY_NUMBER));
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
    if settings.on_exit.is_some() {
        draft.lose(name, "on_exit", "supervisord lets the others run on, however one ends", None);
    }
    if settings.stop.command.is_some() {
        draft.lose(name, "stop_command", "supervisord stops by signals only", None);
    }
    lose_of_stop(process, draft);
    if process.role == Role::Service
        && matches!(process.restart, Some(RestartWhen::OnFailure | RestartWhen::Always))
    {
        lose_of_restart(process, draft);
    }
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
    let (policy, default) = (&process.settings.restart, &DEFAULTS.restart);
    let of_its_own = "supervisord waits 1 s, 2 s, 3 s and so on while starts fail, and not at all otherwise";
    if policy.delay != default.delay {
        draft.lose(name, "restart_delay", of_its_own, None);
    }
    if policy.max_delay != default.max_delay {
        draft.lose(name, "restart_max_delay", of_its_own, None);
    }
    if policy.window != default.window {
        let why = "supervisord counts the starts that fail in a row, in whatever time";
        draft.lose(name, "restart_window", why, None);
    }
    if process.restart == Some(RestartWhen::OnFailure) {
        let of_signals = process.settings.success_exit_codes.iter().filter(|code| **code > 128);
        for code in of_signals {
            let why = format!("supervisord takes {code} for an exit code only, not for a death by a signal");
            draft.lose(name, "success_exit_codes", why, None);
        }
    }
}
