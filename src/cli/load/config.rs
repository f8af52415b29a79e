//! `proc.toml`: where it is, and what comes of it beside the Procfile and the command line.

use super::{Config, Demand, Loader, Located};
use crate::cli::exposure;
use crate::model::config::{self, ProcToml, Reading, Resolved, Surround};
use crate::model::diagnostic::nearest;
use crate::model::formation::Share;
use crate::model::policy::ExitOn;
use crate::model::procfile::ProcessType;
use crate::model::secret::Secrets;
use crate::model::settings::Settings;
use crate::unix::file::read_regular;
use std::path::Path;

/// What Procfile, `proc.toml` and command line say together of the process types.
pub(super) struct Configured {
    pub(super) types: Vec<ProcessType>,
    pub(super) settings: Vec<Settings>,
    pub(super) shares: Vec<Share>,
    pub(super) exit_on: ExitOn,
    pub(super) secrets: Secrets,
    pub(super) config: Option<Config>,
}

impl Loader<'_> {
    /// Puts `proc.toml`, if there is one, beside the types of the Procfile, and the command line above both.
    pub(super) fn configure(
        &mut self,
        procfile: Option<&[ProcessType]>,
        located: Option<&Located>,
        root: &Path,
    ) -> Configured {
        let found = self.config_path(located, root);
        let read = found.as_ref().and_then(|found| Some((found, self.read_config(found)?)));
        let (Reading { file, mut problems }, text) =
            read.as_ref().map_or_else(Default::default, |(_, read)| read.clone());
        let has_ports = !self.options.no_port;
        let surround = Surround { procfile, root, has_ports };
        let (Resolved { types, mut settings, tables }, more) = config::resolve(&file, surround);
        problems.extend(more);
        problems.sort_by_key(|problem| problem.span);
        for problem in &problems {
            let name = read.as_ref().map_or("", |(found, _)| &found.name);
            self.problems.diagnose(problem, name, &text, false);
        }
        self.check_directories(&file, &tables, &settings);
        for each in &mut settings {
            if self.is_given("timeout") {
                each.stop.grace = self.options.timeout;
            }
            if self.is_given("exit_on") {
                each.on_exit = None;
            }
        }
        let on_exit = file.on_exit.as_ref().filter(|_| !self.is_given("exit_on"));
        let patterns =
            file.secrets.as_ref().map(|at| at.value.iter().map(|each| each.value.clone()).collect());
        Configured {
            shares: self.shares(&file, &tables),
            types,
            settings,
            exit_on: on_exit.map_or(self.options.exit_on, |at| at.value),
            secrets: Secrets { patterns: patterns.unwrap_or_default() },
            config: read.map(|(found, _)| Config { name: found.name.clone(), file, tables }),
        }
    }

    /// The `proc.toml` that is named, the one beside the Procfile, or the one in the root.
    fn config_path(&self, procfile: Option<&Located>, root: &Path) -> Option<Located> {
        if let Some(path) = &self.options.config {
            // The customary way to say "none", although it is a device.
            return Some(self.named(path)).filter(|named| named.path != Path::new("/dev/null"));
        }
        let beside = procfile.and_then(|procfile| procfile.path.parent());
        let candidates = beside.into_iter().filter(|parent| parent.is_absolute()).chain([root]);
        let mut candidates = candidates.map(|directory| directory.join("proc.toml"));
        candidates.find(|path| path.exists()).map(|path| Located { name: self.around.shown(&path), path })
    }

    /// What a file says, and its text; none if it could not be read at all.
    fn read_config(&mut self, located: &Located) -> Option<(Reading, String)> {
        let Located { path, name } = located;
        let bytes = match read_regular(path, config::LARGEST) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problems.unreadable(name, &error);
                return None;
            }
        };
        if self.demand != Demand::NoProcfile {
            exposure::check_authors(path, name, &mut self.problems);
        }
        Some((config::parse(&bytes), String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Looks for the directories that processes are to run in.
    fn check_directories(&mut self, file: &ProcToml, tables: &[Option<usize>], settings: &[Settings]) {
        for (table, each) in tables.iter().zip(settings) {
            let Some(directory) = each.working_dir.as_ref().filter(|directory| !directory.is_dir()) else {
                continue;
            };
            let Some((name, _)) = table.and_then(|table| file.process.get(table)) else { continue };
            let what = if directory.exists() { "is not a directory" } else { "does not exist" };
            let shown = self.around.shown(directory);
            self.problems.error(format!("the working_dir of {}, {shown}, {what}", name.value));
        }
    }

    /// How many there are of each type: `scale`, and whether one of its profiles is on.
    fn shares(&mut self, file: &ProcToml, tables: &[Option<usize>]) -> Vec<Share> {
        let wanted: Vec<&str> = self.options.profile.iter().map(|name| name.trim()).collect();
        let mut known = Vec::new();
        let mut share = |table: &Option<usize>| {
            let Some((_, process)) = table.and_then(|table| file.process.get(table)) else {
                return Share::default();
            };
            let profiles = process.profiles.as_ref().map(|at| &at.value[..]).unwrap_or_default();
            known.extend(profiles.iter().map(|each| each.value.as_str()));
            let is_on = profiles.iter().any(|each| wanted.contains(&each.value.as_str()));
            let scale = process.scale.as_ref().map(|at| at.value);
            Share { scale, is_asleep: !profiles.is_empty() && !is_on }
        };
        let shares = tables.iter().map(&mut share).collect();
        known.sort_unstable();
        known.dedup();
        for name in wanted.iter().filter(|name| !known.contains(name)) {
            let those = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            self.problems.error(format!("--profile: no process has the profile `{name}`; there are {those}"));
            if let Some(near) = nearest(name, known.iter().copied()) {
                self.problems.hint(format!("did you mean `{near}`?"));
            }
        }
        shares
    }
}
