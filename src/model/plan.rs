//! What a run is to be: the result of everything that was read, before anything starts.

use super::command::Invocation;
use super::environment::{Environment, GrowthError};
use super::instance::InstanceId;
use super::policy::ExitOn;
use super::port;
use super::procfile::ProcessType;
use super::settings::{Check, DEFAULTS, Probe, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A run, planned.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The process types: those of the Procfile in file order, then what only `proc.toml` has.
    pub types: Vec<ProcessType>,
    /// How each of them behaves; as many, in the same order.
    pub settings: Vec<Settings>,
    /// The instances, and the port of each if it has one.
    pub instances: BTreeMap<InstanceId, Option<u16>>,
    /// The one-offs that were not named and so are not started, as indices.
    pub left_out: Vec<usize>,
    /// The types that the Procfile had when the run began and does not have any more, as indices: nobody is of them, and the others keep theirs.
    pub gone: BTreeSet<usize>,
    /// Where the ports begin; none are given without it.
    pub base_port: Option<u16>,
    /// What the processes see, but for what is set for each of them.
    pub environment: Environment,
    /// Where the processes run, but for those that have a place of their own; an absolute path.
    pub root: PathBuf,
    /// Which exits end the run, but for processes that have a word of their own in that.
    pub exit_on: ExitOn,
}

impl Plan {
    /// Whether an instance is sure to listen on its PORT: by its command, or because a probe expects it.
    #[must_use]
    pub fn wants_its_port(&self, id: InstanceId) -> bool {
        let Settings { readiness, liveness, .. } = self.settings(id);
        let is_asked = |probe: &Probe| matches!(probe.check, Check::Http(_) | Check::Tcp(None));
        let listens = self.types.get(id.process).is_some_and(ProcessType::listens);
        listens || readiness.iter().chain(liveness).any(is_asked)
    }

    /// The name of an instance: `web.1`.
    #[must_use]
    pub fn name(&self, id: InstanceId) -> String {
        let name = self.types.get(id.process).map_or("?", |each| each.name.as_str());
        format!("{name}.{}", id.number)
    }

    /// How an instance behaves.
    #[must_use]
    pub fn settings(&self, id: InstanceId) -> &Settings {
        self.settings.get(id.process).unwrap_or(&DEFAULTS)
    }

    /// Where an instance runs.
    #[must_use]
    pub fn directory(&self, id: InstanceId) -> &Path {
        self.settings(id).working_dir.as_ref().unwrap_or(&self.root)
    }

    /// The port that an instance finds in its PORT.
    #[must_use]
    pub fn port(&self, id: InstanceId) -> Option<u16> {
        let number = |text: &OsString| text.to_str()?.parse().ok();
        let mut set = self.environment.set.iter().rev();
        if let Some((_, port)) = set.find(|(name, _)| name == "PORT") {
            return number(port);
        }
        let ours = self.instances.get(&id).copied().flatten();
        ours.or_else(|| number(self.environment(id).ok()?.get(&OsString::from("PORT"))?))
    }

    /// How an instance is started.
    #[must_use]
    pub fn invocation(&self, id: InstanceId) -> Invocation {
        self.types.get(id.process).map_or(Invocation::Direct(Vec::new()), |each| each.command.invocation())
    }

    /// Everything an instance sees in its environment.
    pub fn environment(&self, id: InstanceId) -> Result<BTreeMap<OsString, OsString>, GrowthError> {
        let resolved = self.environment.of(self.settings(id)).resolve(&self.variables(id))?;
        Ok(resolved.into_iter().map(|(name, variable)| (name, variable.value)).collect())
    }

    /// Words for the one-offs that are not started because nobody named them.
    #[must_use]
    pub fn left_out(&self) -> Option<String> {
        let name = |index: &usize| self.types.get(*index).map(|each| each.name.as_str());
        let names: Vec<&str> = self.left_out.iter().filter_map(name).collect();
        let last = names.last()?;
        let what = if names.len() == 1 { "one-off" } else { "one-offs" };
        Some(format!("not started: {} ({what}; proc run {last})", names.join(", ")))
    }

    /// The variables that we set for an instance: PORT, PS and the like.
    #[must_use]
    pub fn variables(&self, id: InstanceId) -> Vec<(String, String)> {
        let name = self.types.get(id.process).map_or("?", |each| each.name.as_str());
        let port = self.instances.get(&id).copied().flatten();
        variables(&self.types, &self.settings, self.base_port, name, id.number, port)
    }
}

/// The variables that a process gets from us: what it is called, its port, and the first port of every process type.
///
/// A type that is not started has its port too: what refers to it does not depend on the formation.
#[must_use]
pub fn variables(
    types: &[ProcessType],
    settings: &[Settings],
    base: Option<u16>,
    name: &str,
    number: u16,
    port: Option<u16>,
) -> Vec<(String, String)> {
    let first_port = |(index, each): (usize, &ProcessType)| {
        let port = port::of(base?, settings, index, 1)?;
        Some((port_variable(&each.name), port.to_string()))
    };
    let own = [
        ("PS".to_owned(), format!("{name}.{number}")),
        ("PROC_TYPE".to_owned(), name.to_owned()),
        ("PROC_INSTANCE".to_owned(), number.to_string()),
    ];
    let port = port.map(|port| ("PORT".to_owned(), port.to_string()));
    types.iter().enumerate().filter_map(first_port).chain(own).chain(port).collect()
}

/// The variable that tells everybody the port of the first instance of a type.
#[must_use]
pub fn port_variable(process_type: &str) -> String {
    format!("PROC_{}_PORT", process_type.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::procfile;

    #[test]
    fn a_process_gets_its_name_its_port_and_the_first_port_of_every_type() {
        let types = procfile::parse(b"web: a\nside-kiq: b\n").types;
        let expected = [
            ("PROC_WEB_PORT", "5000"),
            ("PROC_SIDE_KIQ_PORT", "5100"),
            ("PS", "web.2"),
            ("PROC_TYPE", "web"),
            ("PROC_INSTANCE", "2"),
            ("PORT", "5001"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(variables(&types, &[], Some(5000), "web", 2, Some(5001)), expected);
        assert_eq!(variables(&types, &[], None, "web", 2, None), expected[2..5]);
    }
}
