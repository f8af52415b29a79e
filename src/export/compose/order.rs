//! Who waits for whom (`depends_on`), and that nothing runs on what the release task has not prepared.

use super::file::{DependsOn, Ordered};
use crate::export::app::{App, Dependency, Process, Role};
use crate::export::draft::Draft;
use crate::model::settings::{Check, Condition};

/// What the service of a process type waits for.
pub(super) fn depends_on(
    app: &App,
    index: usize,
    is_asked: &[bool],
    draft: &mut Draft,
) -> Option<Ordered<DependsOn>> {
    let process = &app.processes[index];
    let mut list: Vec<(String, DependsOn)> = Vec::new();
    for dependency in &process.depends_on {
        let other = &app.processes[dependency.process];
        list.push((
            other.name.clone(),
            DependsOn {
                condition: condition(process, other, *dependency, is_asked[dependency.process], draft),
                restart: dependency.restart,
                required: is_always_there(process, other),
            },
        ));
    }
    for (number, release) in app.processes.iter().enumerate() {
        let waits = release.role == Role::Release
            && process.role != Role::OneOff
            && !app.needed_by(number).contains(&index)
            && list.iter().all(|(name, _)| *name != release.name);
        if waits {
            let required = is_always_there(process, release);
            let condition = "service_completed_successfully";
            list.push((release.name.clone(), DependsOn { condition, restart: false, required }));
        }
    }
    (!list.is_empty()).then_some(Ordered(list))
}

/// Whether the other is there whenever the one is: it has no profile, or all of those of the one.
fn is_always_there(process: &Process, other: &Process) -> bool {
    !other.is_asleep()
        || (process.is_asleep() && process.profiles.iter().all(|profile| other.profiles.contains(profile)))
}

fn condition(
    process: &Process,
    other: &Process,
    dependency: Dependency,
    is_asked: bool,
    draft: &mut Draft,
) -> &'static str {
    match dependency.condition {
        Condition::Started => "service_started",
        Condition::CompletedSuccessfully => "service_completed_successfully",
        Condition::Healthy if is_asked => "service_healthy",
        Condition::Healthy => {
            let is_log =
                other.settings.readiness.as_ref().is_some_and(|probe| matches!(probe.check, Check::Log(_)));
            let of = if is_log { "a `log` probe" } else { "no probe that Compose has" };
            let why = format!("{} has {of}: its start is waited for, not its readiness", other.name);
            draft.lose(Some(&process.name), "depends_on", why, None);
            "service_started"
        }
    }
}
