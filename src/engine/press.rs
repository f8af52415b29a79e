//! Doing what the keys mean that are pressed in the terminal of the run.

use super::Engine;
use super::keys::{HELP, Keys, Pressed, Purpose, SHORT};
use crate::model::instance::InstanceId;
use crate::model::request::Request;
use crate::output::table;
use crate::supervisor::Event;

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
        for line in table(&self.snapshot(false).instances, false).lines() {
            self.mention(line);
        }
    }
}
