//! Env files: where they are, and what they say now. They are read again whenever a process is started anew.

use super::{Config, Demand, Loader, Located};
use crate::cli::exposure;
use crate::cli::problems::Problems;
use crate::engine::{Reload, Reloaded};
use crate::model::config::EnvEntry;
use crate::model::env_file::{self, Entry, EnvFile};
use crate::model::environment::{Environment, NamedEnvFile};
use crate::model::second_opinion;
use crate::model::secret::Secrets;
use crate::model::settings::Settings;
use crate::model::template::Template;
use crate::unix::file::read_regular;
use std::path::Path;

/// Where the variables of an app are written down, but for what we were given ourselves.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Sources {
    /// The env files of all.
    common: Vec<Located>,
    /// Whether each of those must be there: they were named on the command line.
    must_exist: bool,
    /// Those of each process type.
    own: Vec<Own>,
    /// Which variables of them are secrets.
    secrets: Secrets,
}

/// What a process type has of its own.
#[derive(Debug, Clone, Default)]
struct Own {
    files: Vec<Located>,
    /// `env`, as the env file that it is read as.
    table: Option<NamedEnvFile>,
}

impl Sources {
    /// Reads all: the env files of all, and those of each process type.
    pub(in crate::cli) fn read(
        &self,
        demand: Demand,
        problems: &mut Problems,
    ) -> (Vec<NamedEnvFile>, Vec<Vec<NamedEnvFile>>) {
        let common = self.common.iter().filter(|file| self.must_exist || is_there(file, problems));
        let common: Vec<&Located> = common.collect();
        let common =
            common.into_iter().filter_map(|file| read(file, demand, &self.secrets, problems)).collect();
        let mut own = |own: &Own| -> Vec<NamedEnvFile> {
            let files = own.files.iter().filter_map(|file| read(file, demand, &self.secrets, problems));
            files.chain(own.table.clone()).collect()
        };
        (common, self.own.iter().map(&mut own).collect())
    }

    /// Puts what the process types have of their own in other places: each comes from where `old` says.
    pub(in crate::cli) fn arrange(&mut self, old: &[Option<usize>]) {
        let own =
            |from: &Option<usize>| from.and_then(|from| self.own.get(from).cloned()).unwrap_or_default();
        self.own = old.iter().map(own).collect();
    }

    /// What reads all again, for an app with this environment and these settings.
    pub(in crate::cli) fn reload(self, environment: Environment, settings: Vec<Settings>) -> Reload {
        Box::new(move || {
            let mut problems = Problems::default();
            let (files, env_files) = self.read(Demand::NoProcfile, &mut problems);
            let environment = Environment { files, ..environment.clone() };
            for (each, files) in settings.iter().zip(&env_files) {
                let own = Settings { env_files: files.clone(), ..each.clone() };
                if let Err(error) = environment.of(&own).resolve(&[]) {
                    problems.error(error);
                }
            }
            let errors = problems.errors();
            if errors.is_empty() { Ok(Reloaded { environment, env_files }) } else { Err(errors) }
        })
    }
}

impl Loader<'_> {
    /// The env files that are named, else those of `proc.toml`, else `.env`; and those of each process type.
    pub(super) fn sources(&self, configured: &super::config::Configured, root: &Path) -> Sources {
        let in_root =
            |name: &str| Located { name: self.around.shown(&root.join(name)), path: root.join(name) };
        let config = configured.config.as_ref();
        let listed = config.and_then(|config| config.file.env_files.as_ref());
        let must_exist = !self.options.env.is_empty();
        let common = match listed {
            _ if must_exist => self.options.env.iter().map(|path| self.named(path)).collect(),
            Some(listed) => listed.value.iter().map(|name| in_root(&name.value)).collect(),
            None => vec![in_root(".env")],
        };
        let own = |index: usize| config.map(|config| own(config, index, &in_root)).unwrap_or_default();
        let own = (0..configured.types.len()).map(own).collect();
        Sources { common, must_exist, own, secrets: configured.secrets.clone() }
    }
}

/// What the process type at `index` has of its own.
fn own(config: &Config, index: usize, in_root: &dyn Fn(&str) -> Located) -> Own {
    let table = config.tables.get(index).copied().flatten();
    let Some((_, process)) = table.and_then(|table| config.file.process.get(table)) else {
        return Own::default();
    };
    let files = process.env_file.as_ref().map(|at| &at.value[..]).unwrap_or_default();
    let table = process.env.as_ref().map(|env| {
        let entries = env.value.iter().map(entry).collect();
        NamedEnvFile { name: config.name.clone(), file: EnvFile { entries } }
    });
    Own { files: files.iter().map(|name| in_root(&name.value)).collect(), table }
}

/// A variable of `env`, whose value is taken literally.
fn entry(EnvEntry { key, value }: &EnvEntry) -> Entry {
    Entry { key: key.value.clone(), value: Template::literal(value.clone()), line: key.line, span: key.span }
}

/// Whether there is such a file; a directory of that name is passed over with a notice.
fn is_there(file: &Located, problems: &mut Problems) -> bool {
    if file.path.is_dir() {
        problems.notice(format!("{} is a directory and not read", file.name));
        return false;
    }
    file.path.exists()
}

fn read(
    located: &Located,
    demand: Demand,
    secrets: &Secrets,
    problems: &mut Problems,
) -> Option<NamedEnvFile> {
    // The customary way to say "no env file", although it is a device.
    let read = if located.path == Path::new("/dev/null") {
        Ok(Vec::new())
    } else {
        read_regular(&located.path, env_file::LARGEST)
    };
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.unreadable(&located.name, &error);
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    match env_file::parse(&bytes) {
        Ok(file) => {
            if demand == Demand::Strict {
                for difference in second_opinion::differences(&text, &file) {
                    problems.diagnose(&difference, &located.name, &text, false);
                }
            }
            if demand != Demand::NoProcfile {
                let Located { path, name } = located;
                exposure::check_secrets(located, &file, secrets, problems);
                exposure::check_authors(path, name, problems);
            }
            Some(NamedEnvFile { name: located.name.clone(), file })
        }
        Err(errors) => {
            for error in errors {
                problems.diagnose(&error, &located.name, &text, false);
            }
            None
        }
    }
}
