//! Doing what the keys mean that are pressed in the terminal of the run.

use super::Engine;
use super::keys::{HELP, Keys, Pressed, Purpose, SHORT};
use crate::model::instance::InstanceId;
use crate::model::request::Request;
use crate::model::snapshot::InstanceStatus;
use crate::supervisor::Event;
use std::time::Duration;

/// The keys of a run.
#[derive(Debug, Default)]
pub(super) struct Pressing {
    state: Keys,
    /// Whether it was said which there are.
    are_known: bool,
}

impl Engine {
    /// Says which keys there are, the first time that they are heard.
    pub(super) fn tell_of_keys(&mut self) {
        if !std::mem::replace(&mut self.keys.are_known, true) {
            self.mention(SHORT);
        }
    }

    /// Does what a key means.
    pub(super) fn press(&mut self, key: u8) {
        let instances: Vec<InstanceId> = self.supervisor.instances().collect();
        let names: Vec<String> = instances.iter().map(|id| self.plan.name(*id)).collect();
        let is_focused = self.console.mux.focus().is_some();
        let pressed = self.keys.state.press(key, &names, is_focused);
        if !matches!(pressed, Pressed::Nothing | Pressed::Asking(_)) {
            self.console.mux.ask(None);
        }
        match pressed {
            Pressed::Nothing | Pressed::Left => {}
            Pressed::Help => HELP.iter().for_each(|line| self.mention(line)),
            Pressed::Status => self.show_status(),
            Pressed::Down => self.events.push_back(Event::Requested(Request::Down)),
            Pressed::Unfocus => {
                self.console.mux.set_focus(None);
                self.mention("all processes are shown again");
            }
            Pressed::Asking(question) => self.console.mux.ask(Some(&question)),
            Pressed::Chosen(Purpose::Restart, place) => {
                let chosen = instances.get(place).copied().into_iter().collect();
                self.events.push_back(Event::Requested(Request::Restart(chosen)));
            }
            Pressed::Chosen(Purpose::Focus, place) => self.focus_on(names.get(place)),
            Pressed::Unknown(typed) => self.mention(&format!("there is no process `{typed}`")),
        }
    }

    fn focus_on(&mut self, name: Option<&String>) {
        let Some(name) = name else { return };
        self.console.mux.set_focus(Some(name.clone()));
        self.mention(&format!("only {name} is shown; f shows all again"));
    }

    /// Shows everybody again if the one who alone is shown has gone from the plan.
    pub(super) fn drop_focus_on_nobody(&mut self) {
        let is_there = |focus: &str| self.plan.instances.keys().any(|id| self.plan.name(*id) == focus);
        if self.console.mux.focus().is_some_and(|focus| !is_there(focus)) {
            self.console.mux.set_focus(None);
            self.mention("all processes are shown again");
        }
    }

    /// A line for whoever is at the keys: not for the log.
    fn mention(&mut self, text: &str) {
        self.console.mux.say(None, None, text);
    }

    fn show_status(&mut self) {
        let titles = ["", "phase", "pid", "port", "uptime", "restarts"].map(str::to_owned);
        let mut rows = vec![titles];
        rows.extend(self.snapshot(false).instances.iter().map(row));
        for line in table(&rows) {
            self.mention(&line);
        }
    }
}

fn row(status: &InstanceStatus) -> [String; 6] {
    let health = match status.is_healthy {
        Some(true) => ", healthy",
        Some(false) => ", not healthy",
        None => "",
    };
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    [
        status.name.clone(),
        format!("{}{health}", status.phase.word()),
        or_none(status.pid.map(|pid| pid.to_string())),
        or_none(status.port.map(|port| port.to_string())),
        or_none(status.uptime_seconds.map(uptime)),
        status.restarts.to_string(),
    ]
}

/// How long, in its two largest units.
fn uptime(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// Rows with their columns below each other.
fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_its_two_largest_units() {
        for (seconds, expected) in [
            (0.9, "0s"),
            (59.0, "59s"),
            (61.0, "1m 1s"),
            (7200.0, "2h 0m"),
            (90_000.0, "1d 1h"),
            (-1.0, "0s"),
        ] {
            assert_eq!(uptime(seconds), expected);
        }
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["", "phase"], ["web.1", "running"], ["w.10", "-"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), ["       phase", "web.1  running", "w.10   -"]);
    }
}
