//! The settings of a process type as a scenario writes them: the words of `proc.toml`, without its reader.

use crate::model::command::Command;
use crate::model::procfile::ProcessType;
use crate::model::settings::{Check, Condition, Dependency, Probe, RestartWhen, Settings, Watch};
use crate::model::signal::Signal;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// One table `[settings.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    restart: Option<String>,
    restart_delay: Option<f64>,
    restart_max_delay: Option<f64>,
    max_restarts: Option<u32>,
    restart_window: Option<f64>,
    min_uptime: Option<f64>,
    /// `redis = "healthy"`.
    depends_on: BTreeMap<String, String>,
    /// Those among them whose restart restarts this one.
    restarts_with: Vec<String>,
    success_exit_codes: Vec<u8>,
    on_exit: Option<String>,
    stop_signal: Option<i32>,
    stop_command: Option<String>,
    stop_grace_period: Option<String>,
    oneshot: bool,
    watch: bool,
    readiness: Option<ProbeTable>,
    liveness: Option<ProbeTable>,
}

/// A probe; what it asks does not matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProbeTable {
    interval: Option<f64>,
    timeout: Option<f64>,
    retries: Option<u32>,
    start_period: Option<f64>,
    start_interval: Option<f64>,
    /// It waits for a line instead of asking.
    log: bool,
}

impl Table {
    /// Fills in what the table says.
    pub(super) fn apply(&self, settings: &mut Settings, types: &[ProcessType]) {
        let policy = &mut settings.restart;
        policy.when = match self.restart.as_deref() {
            None | Some("no") => RestartWhen::No,
            Some("on-failure") => RestartWhen::OnFailure,
            Some("always") => RestartWhen::Always,
            Some(other) => panic!("restart = {other}"),
        };
        let set = |field: &mut Duration, value: Option<f64>| {
            *field = value.map_or(*field, Duration::from_secs_f64);
        };
        set(&mut policy.delay, self.restart_delay);
        set(&mut policy.max_delay, self.restart_max_delay);
        set(&mut policy.window, self.restart_window);
        set(&mut policy.min_uptime, self.min_uptime);
        policy.max_restarts = self.max_restarts.or(policy.max_restarts);
        let dependency = |(name, condition): (&String, &String)| Dependency {
            process: types.iter().position(|each| each.name == *name).unwrap(),
            condition: match condition.as_str() {
                "started" => Condition::Started,
                "healthy" => Condition::Healthy,
                "completed_successfully" => Condition::CompletedSuccessfully,
                other => panic!("condition {other}"),
            },
            restart: self.restarts_with.contains(name),
        };
        settings.depends_on.extend(self.depends_on.iter().map(dependency));
        settings.success_exit_codes.extend(&self.success_exit_codes);
        settings.on_exit = self.on_exit.as_deref().map(|text| text.parse().unwrap());
        settings.stop.signal = self.stop_signal.map_or(settings.stop.signal, Signal::from_number);
        settings.stop.command = self.stop_command.as_deref().map(Command::new);
        if let Some(grace) = &self.stop_grace_period {
            settings.stop.grace = grace.parse().unwrap();
        }
        settings.is_oneshot |= self.oneshot;
        let nothing =
            || Watch { paths: Vec::new(), ignore: Vec::new(), debounce: Duration::from_millis(300) };
        settings.watch = self.watch.then(nothing);
        settings.readiness = self.readiness.as_ref().map(|table| table.probe(2.0));
        settings.liveness = self.liveness.as_ref().map(|table| table.probe(10.0));
    }
}

impl ProbeTable {
    fn probe(&self, interval: f64) -> Probe {
        let or = |value: Option<f64>, default| Duration::from_secs_f64(value.unwrap_or(default));
        Probe {
            check: if self.log { Check::Log("ready".into()) } else { Check::Tcp(None) },
            interval: or(self.interval, interval),
            timeout: or(self.timeout, 1.0),
            retries: self.retries.unwrap_or(3),
            start_period: or(self.start_period, 30.0),
            start_interval: or(self.start_interval, 0.2),
        }
    }
}
