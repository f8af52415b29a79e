//! The environment of whoever is started again: env files may have changed since.

use super::Engine;
use crate::model::environment::{Environment, NamedEnvFile};
use crate::model::instance::InstanceId;
use crate::model::plan::{Plan, port_variable};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::rc::Rc;

/// What the env files say now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// What all see.
    pub environment: Environment,
    /// What each process type has of its own, in the order of the plan.
    pub env_files: Vec<Vec<NamedEnvFile>>,
}

impl Reloaded {
    /// Whether that is what a plan says.
    fn is_of(&self, plan: &Plan) -> bool {
        let env_files = plan.settings.iter().map(|each| &each.env_files);
        self.environment == plan.environment && self.env_files.iter().eq(env_files)
    }

    /// The same plan with this in it.
    fn applied_to(self, plan: &Plan) -> Plan {
        let mut plan = Plan { environment: self.environment, ..plan.clone() };
        for (each, files) in plan.settings.iter_mut().zip(self.env_files) {
            each.env_files = files;
        }
        plan
    }
}

/// Reads the env files again, or says what is wrong with them, a line each. Only the command line reads files: the engine is given this.
pub type Reload = Box<dyn FnMut() -> Result<Reloaded, Vec<String>>>;

/// The most names that are said of a change.
const MOST_NAMES: usize = 10;

/// What reads the env files, and the plan by which each instance was started last.
pub(super) struct Reader {
    reload: Reload,
    given: BTreeMap<InstanceId, Rc<Plan>>,
    /// What was said last to be wrong with the files.
    complaints: Vec<String>,
}

impl Reader {
    pub(super) fn new(reload: Reload) -> Self {
        Self { reload, given: BTreeMap::new(), complaints: Vec::new() }
    }

    /// Reads in another way from here on.
    pub(super) fn replace(&mut self, reload: Reload) {
        self.reload = reload;
    }
}

impl Engine {
    /// Reads the env files again for an instance that had a process before, and says what is otherwise for it now.
    pub(super) fn renew_environment(&mut self, instance: InstanceId) {
        if let Some(before) = self.reader.given.get(&instance).cloned() {
            let result = (self.reader.reload)();
            self.take_up(instance, result);
            let is_otherwise = !Rc::ptr_eq(&before, &self.plan);
            if let Some(text) = is_otherwise.then(|| what_changed(instance, &before, &self.plan)).flatten() {
                self.say(Some(instance), &text);
            }
        }
        self.reader.given.insert(instance, Rc::clone(&self.plan));
    }

    /// The plan by which an instance was started last. What runs beside it goes by that, whatever the env files say since.
    pub(super) fn given(&self, instance: InstanceId) -> &Plan {
        self.reader.given.get(&instance).unwrap_or(&self.plan)
    }

    /// Takes up what the env files say now, or says once what is wrong with them.
    fn take_up(&mut self, instance: InstanceId, result: Result<Reloaded, Vec<String>>) {
        let complaints = match result {
            Ok(now) => {
                if !now.is_of(&self.plan) {
                    self.plan = Rc::new(now.applied_to(&self.plan));
                }
                Vec::new()
            }
            Err(complaints) => complaints,
        };
        if self.reader.complaints != complaints {
            for complaint in &complaints {
                self.say(Some(instance), &format!("environment not read again: {complaint}"));
            }
            self.reader.complaints = complaints;
        }
    }
}

/// The names whose values are otherwise for an instance now than they were.
fn what_changed(instance: InstanceId, before: &Plan, now: &Plan) -> Option<String> {
    let resolve = |plan: &Plan| plan.environment(instance).unwrap_or_default();
    words(&resolve(before), &resolve(now))
}

/// The same, without the ports of other process types: whoever has been told an older one may go on.
pub(super) fn environment_words(instance: InstanceId, before: &Plan, now: &Plan) -> Option<String> {
    let types =
        |plan: &Plan| plan.types.iter().map(|each| port_variable(&each.name)).collect::<BTreeSet<_>>();
    let ports: BTreeSet<String> = types(before).union(&types(now)).cloned().collect();
    let resolve = |plan: &Plan| {
        let mut environment = plan.environment(instance).unwrap_or_default();
        environment.retain(|name, _| name.to_str().is_none_or(|name| !ports.contains(name)));
        environment
    };
    words(&resolve(before), &resolve(now))
}

/// What is otherwise, by name and never by value; none if nothing is.
fn words(before: &BTreeMap<OsString, OsString>, now: &BTreeMap<OsString, OsString>) -> Option<String> {
    let names: BTreeSet<&OsString> = before.keys().chain(now.keys()).collect();
    let change = |name: &&OsString| match (before.get(*name), now.get(*name)) {
        (Some(old), Some(new)) if old == new => None,
        (Some(_), Some(_)) => Some(name.to_string_lossy().into_owned()),
        (None, _) => Some(format!("{} (new)", name.to_string_lossy())),
        (Some(_), None) => Some(format!("{} (gone)", name.to_string_lossy())),
    };
    let changes: Vec<String> = names.iter().filter_map(change).collect();
    let more = changes.len().saturating_sub(MOST_NAMES);
    let shown = changes.get(..changes.len() - more)?.join(", ");
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!changes.is_empty()).then(|| format!("environment changed: {shown}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(before: &[(&str, &str)], now: &[(&str, &str)]) -> Option<String> {
        let map =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| (name.into(), value.into())).collect();
        words(&map(before), &map(now))
    }

    #[test]
    fn what_changed_is_said_by_name_and_never_by_value() {
        assert_eq!(words_of(&[("A", "1")], &[("A", "1")]), None);
        let text = words_of(&[("A", "1"), ("B", "1"), ("GONE", "1")], &[("A", "1"), ("B", "2"), ("C", "3")]);
        assert_eq!(text.as_deref(), Some("environment changed: B, C (new), GONE (gone)"));
    }

    #[test]
    fn of_many_names_ten_are_said() {
        let names: Vec<String> = (10..23).map(|number| format!("N{number}")).collect();
        let now: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let text = words_of(&[], &now).unwrap();
        assert!(text.ends_with("N19 (new) and 3 more"), "{text}");
    }
}
