//! The environment of a service. What is a secret is asked for by name, so that its value is in no file that is shared.

use super::Writer;
use super::text::Text;
use crate::export::app::{App, Process, Variable};
use crate::export::shell::is_name;
use crate::model::plan::port_variable;
use std::collections::{BTreeMap, BTreeSet};

impl Writer<'_> {
    /// All variables of a process type.
    pub(super) fn environment(&mut self, process: &Process) -> BTreeMap<String, Text> {
        let app = self.app;
        let mut environment: BTreeMap<String, Text> = BTreeMap::new();
        for (name, port) in &app.ports {
            environment.insert(name.clone(), Text::from(port.to_string()));
        }
        for (name, value) in process.identity(app) {
            environment.insert(name, Text::from(value));
        }
        for (name, variable) in &app.variables {
            let text = self.value(name, name, variable);
            environment.insert(name.clone(), text);
        }
        for (name, variable) in process.own_variables() {
            let key = self.key(process, &name);
            let text = self.value(&name, &key, &variable);
            environment.insert(name, text);
        }
        for name in &app.missing {
            if !environment.contains_key(name) {
                let text = self.ask(name, name, "", false);
                environment.insert(name.clone(), text);
            }
        }
        environment
    }

    /// What a variable is called where all process types have one environment: its name, unless its values differ from one to another.
    fn key(&self, process: &Process, name: &str) -> String {
        if !self.differing.contains(name) {
            return name.to_owned();
        }
        let of = port_variable(&process.name);
        let of = of.strip_prefix("PROC_").and_then(|of| of.strip_suffix("_PORT")).unwrap_or("PROC");
        format!("{of}_{name}")
    }

    fn value(&mut self, name: &str, key: &str, variable: &Variable) -> Text {
        if !variable.is_secret || self.brief.include_secret_values {
            return Text::from(variable.value.clone());
        }
        self.ask(name, key, &variable.value, variable.value.is_empty())
    }

    fn ask(&mut self, name: &str, key: &str, value: &str, may_be_empty: bool) -> Text {
        // A digit in front of it comes of a process type of that name.
        let key = if key.starts_with(|char: char| char.is_ascii_digit()) {
            format!("_{key}")
        } else {
            key.to_owned()
        };
        if !is_name(&key) {
            let why = "a secret is asked for by its name, which has to have letters, digits and `_` only";
            self.draft.refuse(None, name, why, Some(self.rename(name)));
        }
        let first = self.asked.entry(key.clone()).or_insert_with(|| value.to_owned());
        if first != value {
            let why = format!("two secrets would be asked for as {key}");
            let advice = self.rename(name);
            self.draft.refuse(None, name, why, Some(advice));
        }
        Text::Asked { name: key, may_be_empty }
    }

    /// What to do about a name. Only where there is a value that is not written yet, that can be.
    fn rename(&self, name: &str) -> &'static str {
        if self.brief.include_secret_values || self.app.missing.iter().any(|missing| missing == name) {
            "rename it"
        } else {
            "rename it, or write its value too: --include-secret-values"
        }
    }
}

/// The names of variables that process types have for themselves with more than one value.
pub(super) fn differing(app: &App) -> BTreeSet<String> {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut differing = BTreeSet::new();
    for (name, variable) in app.processes.iter().flat_map(Process::own_variables) {
        if first.entry(name.clone()).or_insert_with(|| variable.value.clone()) != &variable.value {
            differing.insert(name);
        }
    }
    differing
}
