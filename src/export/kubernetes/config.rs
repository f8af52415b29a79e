//! The variables of all pods: a `ConfigMap`, and Secrets that have their keys only unless the values were asked for.

use super::name::is_variable;
use super::{SecretFile, Writer, is_written};
use crate::export::app::Variable;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use std::collections::BTreeMap;

/// The most that an object of either kind can hold (`MaxSecretSize`), in bytes.
const LARGEST: usize = 1024 * 1024;

type Values = BTreeMap<String, String>;

impl Writer<'_> {
    /// The variables of all that are no secrets.
    pub(super) fn config(&self) -> Values {
        let ports = self.app.ports.iter().map(|(name, port)| (name.clone(), port.to_string()));
        let mut values: Values = ports.collect();
        for (name, variable) in &self.app.variables {
            values.remove(name);
            if !variable.is_secret {
                values.insert(name.clone(), variable.value.clone());
            }
        }
        values
    }

    /// The secrets of all; those that nobody here has a value for only where there are no values at all.
    pub(super) fn secrets(&self) -> Values {
        let mut secrets = self.hidden(&self.app.variables);
        if !self.brief.include_secret_values {
            let missing = self.app.missing.iter();
            secrets.extend(missing.map(|name| (name.clone(), String::new())));
        }
        secrets
    }

    /// The secrets that only one process type has, or has so.
    pub(super) fn own_secrets(&self, index: usize) -> Values {
        self.hidden(&self.app.processes[index].own_variables())
    }

    fn hidden(&self, variables: &BTreeMap<String, Variable>) -> Values {
        let secrets = variables.iter().filter(|(_, variable)| variable.is_secret);
        let value = |variable: &Variable| {
            if self.brief.include_secret_values { variable.value.clone() } else { String::new() }
        };
        secrets.map(|(name, variable)| (name.clone(), value(variable))).collect()
    }

    /// The secrets that nobody here has a value for, where the others have theirs: they are an object of their own, to be filled in.
    pub(super) fn missing(&self) -> Values {
        let missing = self.app.missing.iter().filter(|_| self.brief.include_secret_values);
        missing.map(|name| (name.clone(), String::new())).collect()
    }

    pub(super) fn config_name(&self) -> String {
        format!("{}-config", self.app.name)
    }

    pub(super) fn secret_name(&self) -> String {
        format!("{}-secret", self.app.name)
    }

    pub(super) fn missing_name(&self) -> String {
        format!("{}-secret-missing", self.app.name)
    }

    pub(super) fn own_secret_name(&self, index: usize) -> String {
        format!("{}-{}-secret", self.app.name, self.names[index])
    }

    /// Writes the `ConfigMap`.
    pub(super) fn write_config(&mut self) {
        let data = self.config();
        self.check_keys(&data);
        self.check_size("config.yaml", &data);
        if !data.is_empty() {
            let metadata = self.metadata(self.config_name(), None);
            self.resource("config.yaml", &ConfigMap { metadata, data: Some(data), ..ConfigMap::default() });
        }
    }

    /// Writes the Secrets. Those without values are examples: an apply of everything must not have them, and neither they nor a new
    /// export may take the place of what was filled in.
    pub(super) fn write_secrets(&mut self) {
        let has_values = self.brief.include_secret_values;
        self.write_secret("secret", self.secret_name(), self.secrets(), None, has_values);
        self.write_secret("secret-missing", self.missing_name(), self.missing(), None, false);
        for index in 0..self.app.processes.len() {
            if is_written(&self.app.processes[index]) {
                let stem = format!("{}-secret", self.names[index]);
                let (name, values) = (self.own_secret_name(index), self.own_secrets(index));
                self.write_secret(&stem, name, values, Some(index), has_values);
            }
        }
    }

    fn write_secret(&mut self, stem: &str, name: String, values: Values, of: Option<usize>, is_filled: bool) {
        let file = SecretFile { stem: stem.to_owned(), is_filled };
        self.check_keys(&values);
        self.check_size(&file.path(), &values);
        if values.is_empty() {
            return;
        }
        let metadata = self.metadata(name, of);
        let secret = Secret { metadata, string_data: Some(values), ..Secret::default() };
        if is_filled {
            self.resource(&file.path(), &secret);
        } else {
            let comment = "Made by `proc export kubernetes`. Copy it, fill in the copy and apply that; it is no part of \
                           kustomization.yaml.";
            self.object(&file.example(), comment, &secret);
        }
        self.secrets.push(file);
    }

    /// Which names no container would get.
    fn check_keys(&mut self, values: &Values) {
        for name in values.keys().filter(|name| !is_variable(name)) {
            let why = "no name for a variable in Kubernetes: it has letters, digits, `_`, `.` and `-`, and no digit first";
            self.draft.refuse(None, name, why, Some("rename it"));
        }
    }

    fn check_size(&mut self, path: &str, values: &Values) {
        let size: usize = values.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > LARGEST {
            let why = format!("the variables have {size} bytes: no more than 1 MiB can be in it");
            self.draft.refuse(None, path, why, Some("put what is large into files of the image"));
        }
    }

    /// The names that are in the pods themselves, too.
    pub(super) fn check_own_names(&mut self, index: usize) {
        let own = self.app.processes[index].own_variables();
        self.check_keys(&own.into_iter().map(|(name, variable)| (name, variable.value)).collect());
    }
}
