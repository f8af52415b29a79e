//! The order of the start, as far as supervisord has one: one after the other, and it waits for nobody. It stops all at once, in the reverse order of `priority`.

use super::super::{App, Dependency, Draft, Process, Role};
use super::exported;
use crate::model::settings::Condition;

/// The priority of each process type; none: nobody depends on anybody.
pub(super) fn priorities(app: &App) -> Option<Vec<usize>> {
    let levels = levels(app);
    levels.iter().any(|level| *level > 0).then(|| levels.into_iter().map(|level| (level + 1) * 10).collect())
}

/// How many have to be started one after the other before each.
fn levels(app: &App) -> Vec<usize> {
    let mut before: Vec<Vec<usize>> = app
        .processes
        .iter()
        .map(|process| needs(app, process).map(|dependency| dependency.process).collect())
        .collect();
    let is_release = |process: &Process| process.role == Role::Release && !process.is_asleep();
    let release = app.processes.iter().position(is_release);
    if let Some(release) = release {
        let is_needed = needed_by(release, &before);
        for (index, before) in before.iter_mut().enumerate().filter(|(index, _)| !is_needed[*index]) {
            if index != release {
                before.push(release);
            }
        }
    }
    let mut levels = vec![0; before.len()];
    // There is no circle, so no chain is longer than there are process types.
    for _ in 0..before.len() {
        for (index, before) in before.iter().enumerate() {
            levels[index] = before.iter().map(|before| levels[*before] + 1).max().unwrap_or(0);
        }
    }
    levels
}

/// What a process type waits for, of those that are exported; nothing where it is none of them.
fn needs<'a>(app: &'a App, process: &'a Process) -> impl Iterator<Item = &'a Dependency> {
    let is_asleep = process.is_asleep();
    process.depends_on.iter().filter(move |each| !is_asleep && !app.processes[each.process].is_asleep())
}

/// Whom a process type needs to have started, by itself or by others.
fn needed_by(process: usize, before: &[Vec<usize>]) -> Vec<bool> {
    let mut is_needed = vec![false; before.len()];
    let mut open = vec![process];
    while let Some(process) = open.pop() {
        for needed in &before[process] {
            if !std::mem::replace(&mut is_needed[*needed], true) {
                open.push(*needed);
            }
        }
    }
    is_needed
}

/// Notes what is more than an order.
pub(super) fn lose_conditions(app: &App, draft: &mut Draft) {
    if exported(app).any(|process| needs(app, process).next().is_some()) {
        let why = "supervisord stops all at once: nobody stays until those who need it have gone";
        draft.lose(None, "depends_on", why, None);
    }
    for process in exported(app) {
        let name = Some(process.name.as_str());
        for dependency in &process.depends_on {
            let other = &app.processes[dependency.process];
            let (is_asleep, other) = (other.is_asleep(), &other.name);
            if is_asleep {
                draft.lose(name, "depends_on", format!("{other} is not exported"), None);
                continue;
            }
            let until = match dependency.condition {
                Condition::Started => continue,
                Condition::Healthy => "is healthy",
                Condition::CompletedSuccessfully => "has ended",
            };
            let why = format!("supervisord starts {other} first, and does not wait until it {until}");
            draft.lose(name, "depends_on", why, Some("have it try again until that is so"));
        }
        if needs(app, process).any(|dependency| dependency.restart) {
            draft.lose(name, "depends_on", "supervisord restarts nobody for the restart of another", None);
        }
        if process.role == Role::Release {
            let why =
                "supervisord starts it first, at every start, and waits for nobody: the others run beside it";
            let advice = format!(
                "for a new version stop the others, start it alone, then the others: supervisorctl start {}:{}.1",
                app.name, process.name
            );
            draft.lose(name, "release", why, Some(&advice));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Instance;
    use super::*;
    use crate::model::command::Command;
    use crate::model::settings::Settings;
    use std::collections::BTreeMap;

    fn app(processes: &[(&str, Role, &[usize])]) -> App {
        let process = |(name, role, before): &(&str, Role, &[usize])| Process {
            name: (*name).to_owned(),
            command: Command::new("true"),
            role: *role,
            profiles: Vec::new(),
            instances: vec![Instance { number: 1, port: None, variables: BTreeMap::default() }],
            most: None,
            listens: false,
            variables: BTreeMap::default(),
            depends_on: before
                .iter()
                .map(|process| Dependency {
                    process: *process,
                    condition: Condition::Started,
                    restart: false,
                })
                .collect(),
            restart: None,
            settings: Settings::default(),
        };
        App { processes: processes.iter().map(process).collect(), ..App::default() }
    }

    #[test]
    fn without_dependencies_there_is_no_order() {
        assert_eq!(priorities(&app(&[("web", Role::Service, &[]), ("worker", Role::Service, &[])])), None);
    }

    #[test]
    fn who_is_not_exported_is_no_part_of_the_order() {
        let mut app = app(&[
            ("web", Role::Service, &[1]),
            ("mail", Role::Service, &[2]),
            ("worker", Role::Service, &[]),
        ]);
        app.processes[1].profiles.push("dev".to_owned());
        assert_eq!(priorities(&app), None);
        let mut draft = Draft::default();
        lose_conditions(&app, &mut draft);
        let losses = draft.finish().unwrap().losses;
        let said = losses.iter().map(|loss| format!("{:?}: {}", loss.process, loss.why)).collect::<Vec<_>>();
        assert_eq!(said, ["Some(\"web\"): mail is not exported"]);
    }

    #[test]
    fn the_release_comes_before_all_that_it_does_not_need() {
        let app = app(&[
            ("clock", Role::Service, &[2]),
            ("release", Role::Release, &[3]),
            ("web", Role::Service, &[]),
            ("redis", Role::Service, &[]),
        ]);
        assert_eq!(priorities(&app), Some(vec![40, 20, 30, 10]));
    }
}
