//! The environment of whoever is started again: env files may have changed since.

use super::Engine;
use crate::model::environment::{Environment, NamedEnvFile};
use crate::model::instance::InstanceId;
use crate::model::plan::Plan;
use crate::model::settings::Settings;
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

/// Reads the env files again, or says what is wrong with them, a line each. Only the command line reads files: the engine is given this.
pub type Reload = Box<dyn FnMut() -> Result<Reloaded, Vec<String>>>;

/// The most names that are said of a change.
const MOST_NAMES: usize = 10;

/// What was read last, and with what each instance was started.
pub(super) struct Reader {
    reload: Reload,
    current: Rc<Reloaded>,
    given: BTreeMap<InstanceId, Rc<Reloaded>>,
}

impl Reader {
    pub(super) fn new(reload: Reload, plan: &Plan) -> Self {
        let env_files = plan.settings.iter().map(|each| each.env_files.clone()).collect();
        let current = Rc::new(Reloaded { environment: plan.environment.clone(), env_files });
        Self { reload, current, given: BTreeMap::new() }
    }
}

impl Engine {
    /// Reads the env files again for an instance that had a process before, and says what is otherwise for it now.
    pub(super) fn renew_environment(&mut self, instance: InstanceId) {
        if let Some(before) = self.reader.given.get(&instance).cloned() {
            match (self.reader.reload)() {
                Ok(now) if now == *self.reader.current => {}
                Ok(now) => {
                    self.plan.environment = now.environment.clone();
                    for (each, files) in self.plan.settings.iter_mut().zip(&now.env_files) {
                        each.env_files.clone_from(files);
                    }
                    self.reader.current = Rc::new(now);
                }
                Err(errors) => {
                    for error in errors {
                        self.say(Some(instance), &format!("environment not read again: {error}"));
                    }
                }
            }
            if !Rc::ptr_eq(&before, &self.reader.current)
                && let Some(text) = self.what_changed(instance, &before)
            {
                self.say(Some(instance), &text);
            }
        }
        self.reader.given.insert(instance, Rc::clone(&self.reader.current));
    }

    /// The names whose values are otherwise than they were for an instance.
    fn what_changed(&self, instance: InstanceId, before: &Reloaded) -> Option<String> {
        let variables = self.plan.variables(instance);
        let resolve = |from: &Reloaded| {
            let env_files = from.env_files.get(instance.process).cloned().unwrap_or_default();
            let settings = Settings { env_files, ..self.plan.settings(instance).clone() };
            let resolved = from.environment.of(&settings).resolve(&variables).unwrap_or_default();
            resolved.into_iter().map(|(name, variable)| (name, variable.value)).collect()
        };
        words(&resolve(before), &resolve(&self.reader.current))
    }
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
