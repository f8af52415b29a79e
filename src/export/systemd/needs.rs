//! What a unit needs of the others: `depends_on`, and the release before everything.

use super::names::Names;
use super::service::question;
use super::unit::Unit;
use crate::export::{App, Dependency, Draft, Process, Role};
use crate::model::settings::Condition;
use std::collections::BTreeSet;

/// The units that a unit names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// They are started as well, and it is not started if they fail.
    requires: BTreeSet<String>,
    /// They are started as well.
    wants: BTreeSet<String>,
    /// It starts after them, and stops before them.
    after: BTreeSet<String>,
    /// Their stop and restart is its own.
    part_of: BTreeSet<String>,
}

impl Needs {
    /// What a process type needs; what of it systemd has no words for is noted.
    pub(super) fn of(app: &App, index: usize, names: Names<'_>, draft: &mut Draft) -> Self {
        let mut needs = Self::default();
        needs.after.insert("network.target".to_owned());
        let Some(process) = app.processes.get(index) else { return needs };
        for dependency in &process.depends_on {
            if let Some(other) = app.processes.get(dependency.process).filter(|other| !other.is_asleep()) {
                needs.add(process, *dependency, other, names, draft);
            }
        }
        if let Some(release) = gate(app, index) {
            needs.require(names.unit(release));
        }
        needs
    }

    /// Has it be one with a unit: stopped and restarted with it.
    pub(super) fn be_part_of(&mut self, unit: String) {
        self.part_of.insert(unit);
    }

    fn require(&mut self, unit: String) {
        self.after.insert(unit.clone());
        self.requires.insert(unit);
    }

    fn add(
        &mut self,
        process: &Process,
        dependency: Dependency,
        other: &Process,
        names: Names<'_>,
        draft: &mut Draft,
    ) {
        let unit = names.unit(other);
        let ends = other.role != Role::Service;
        if ends && dependency.condition == Condition::CompletedSuccessfully {
            self.require(unit);
        } else {
            // A requirement would restart this one whenever the other restarts, which `depends_on` does not.
            self.after.insert(unit.clone());
            self.wants.insert(unit);
            weaken(process, dependency.condition, other, draft);
        }
        if dependency.restart {
            self.part_of.extend(names.parts(other));
            if process.role != Role::Service {
                let why = format!(
                    "a restart of {} does it again, as it should; but it restarts what requires it, too",
                    other.name
                );
                draft.lose(Some(&process.name), "depends_on", why, None);
            }
        }
    }

    /// Writes it into the first section.
    pub(super) fn write(&self, unit: &mut Unit) {
        unit.name_units("PartOf", &self.part_of);
        unit.name_units("Requires", &self.requires);
        unit.name_units("Wants", &self.wants);
        unit.name_units("After", &self.after);
    }
}

/// Notes what systemd does not wait for.
fn weaken(process: &Process, condition: Condition, other: &Process, draft: &mut Draft) {
    let name = &other.name;
    let (why, advice) = match condition {
        Condition::Started => return,
        Condition::Healthy if question(other).is_some() => return,
        Condition::Healthy => (
            format!("it starts after {name} has been started, healthy or not"),
            format!(
                "have it try again until {name} answers, or write the readiness of {name} as {{ exec = ... }}"
            ),
        ),
        Condition::CompletedSuccessfully => (
            format!("systemd does not wait for a service to end, and {name} is one"),
            format!("set type = \"oneshot\" for {name}"),
        ),
    };
    draft.lose(Some(&process.name), "depends_on", why, Some(&advice));
}

/// The release, if a process type has to wait for it: all but one-offs, the release itself, and what that depends on.
fn gate(app: &App, index: usize) -> Option<&Process> {
    let is_release = |process: &&Process| process.role == Role::Release && !process.is_asleep();
    let release = app.processes.iter().position(|process| is_release(&process))?;
    let process = app.processes.get(index)?;
    let mut before = BTreeSet::new();
    let mut open = vec![release];
    while let Some(next) = open.pop() {
        if before.insert(next) {
            let others = app.processes.get(next).map_or(&[][..], |process| &process.depends_on);
            open.extend(others.iter().map(|dependency| dependency.process));
        }
    }
    let is_free = process.role == Role::OneOff || before.contains(&index);
    app.processes.get(release).filter(|_| !is_free)
}
