//! From the command line to everything a command needs to know: the only reader of files and of the environment.

mod config;
mod env_files;

use super::args::{Options, Source};
use super::contract;
use super::exposure;
use super::problems::Problems;
use crate::model::config::{ProcToml, Process};
use crate::model::contract::Contract;
use crate::model::env_file;
use crate::model::environment::Environment;
use crate::model::formation::Share;
use crate::model::policy::ExitOn;
use crate::model::port;
use crate::model::procfile::{self, ProcessType};
use crate::model::secret::Secrets;
use crate::model::settings::Settings;
use crate::unix::file::{ReadError, read_limited, read_regular};
pub(super) use env_files::Sources;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// What surrounds the command: where it was called and with which environment.
#[derive(Clone)]
pub(super) struct Surroundings {
    /// The environment we were given. Values may be secrets.
    pub(super) inherited: Vec<(OsString, OsString)>,
    /// The directory we were called in.
    pub(super) directory: PathBuf,
}

impl Surroundings {
    /// Asks the system.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(super) fn take() -> io::Result<Self> {
        Ok(Self { inherited: std::env::vars_os().collect(), directory: std::env::current_dir()? })
    }

    /// A path as short as it is from where we were called.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.directory).unwrap_or(path).display().to_string()
    }

    /// The value of a variable that we were given.
    #[must_use]
    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        self.inherited.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }
}

/// How much is asked of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// `start`: what cannot be started is an error.
    Lenient,
    /// `run`, `env`: the same, but there need not be a Procfile.
    NoProcfile,
    /// `start`, but lines that are ignored are errors.
    Suspicious,
    /// `check`: lines that are ignored are errors, and what other tools read otherwise is said.
    Strict,
}

/// An application as its files describe it, and as the command line wants it.
pub(super) struct App {
    /// The process types: those of the Procfile, none where there need not be one; then those that only `proc.toml` has.
    pub(super) types: Vec<ProcessType>,
    /// How each of them behaves; as many, in the same order.
    pub(super) settings: Vec<Settings>,
    /// How many there are of each where the command line does not say.
    pub(super) shares: Vec<Share>,
    /// Where its processes run, but for those that have a place of their own; an absolute path.
    pub(super) root: PathBuf,
    /// What they see, but for what is set for each of them.
    pub(super) environment: Environment,
    /// Where the env files are, to be read again.
    pub(super) sources: Sources,
    /// Where the ports begin; none with `--no-port`.
    pub(super) base_port: Option<u16>,
    /// What they have to see, where a `.env.example` says so.
    pub(super) contract: Option<Contract>,
    /// Which exits end the run, but for processes that have a word of their own in that.
    pub(super) exit_on: ExitOn,
    /// What is not shown besides what looks like a secret.
    pub(super) secrets: Secrets,
    /// The Procfile as it is named in messages, if there is one.
    pub(super) procfile: Option<String>,
    /// What `proc.toml` says, if there is one.
    pub(super) config: Option<Config>,
}

impl App {
    /// The table of a process type in `proc.toml`, if it has one.
    #[must_use]
    pub(super) fn table(&self, index: usize) -> Option<&Process> {
        let config = self.config.as_ref()?;
        let table = config.tables.get(index).copied().flatten()?;
        config.file.process.get(table).map(|(_, process)| process)
    }

    /// Whether a process type has its command in `proc.toml`.
    #[must_use]
    pub(super) fn is_of_config(&self, index: usize) -> bool {
        self.table(index).is_some_and(|process| process.command.is_some())
    }
}

/// A `proc.toml` that was read.
pub(super) struct Config {
    /// The file as it is named in messages.
    pub(super) name: String,
    /// What it says.
    pub(super) file: ProcToml,
    /// The table of each process type, as an index.
    pub(super) tables: Vec<Option<usize>>,
}

/// Reads the Procfile, `proc.toml` and the env files; none where a problem is an error, and all problems in any case.
#[must_use]
pub(super) fn app(options: &Options, around: &Surroundings, demand: Demand) -> (Option<App>, Problems) {
    let mut loader = Loader { options, around, demand, problems: Problems::default() };
    let app = loader.app();
    let problems = loader.problems;
    (app.filter(|_| !problems.are_fatal()), problems)
}

struct Loader<'a> {
    options: &'a Options,
    around: &'a Surroundings,
    demand: Demand,
    problems: Problems,
}

/// A file as it is found, and as it is called in messages.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

impl Loader<'_> {
    fn app(&mut self) -> Option<App> {
        let wanted_root = self.options.root.as_ref().map(|root| self.around.directory.join(root));
        if let Some(root) = wanted_root.as_ref().filter(|root| !root.is_dir()) {
            let what = if root.exists() { "is not a directory" } else { "does not exist" };
            self.problems.error(format!("the working directory {} {what}", root.display()));
            return None;
        }
        let procfile = self.procfile_path(wanted_root.as_deref());
        let root = wanted_root.unwrap_or_else(|| self.root_beside(procfile.as_ref()));
        let types = procfile.as_ref().map(|procfile| self.types(procfile));
        let configured = self.configure(types.as_deref(), procfile.as_ref(), &root);
        let sources = self.sources(&configured, &root);
        let (files, own) = sources.read(self.demand, &mut self.problems);
        let set = self.options.set.iter().map(|each| (each.key.clone(), each.value.clone())).collect();
        let inherited = self.around.inherited.clone();
        let mut environment =
            Environment { set, inherited, files, files_override: self.options.env_override };
        // Where processes run elsewhere, PWD says so, as it does after a `cd`.
        if root != self.around.directory {
            environment.move_to(&root);
        }
        let config::Configured { types, mut settings, shares, exit_on, secrets, config } = configured;
        for (each, files) in settings.iter_mut().zip(own) {
            each.env_files = files;
        }
        self.check_growth(&environment, &settings);
        let contract = self.contract(&root);
        let base_port = self.base_port(&environment, config.as_ref());
        let procfile = procfile.map(|procfile| procfile.name);
        Some(App {
            types,
            settings,
            shares,
            root,
            environment,
            sources,
            base_port,
            contract,
            exit_on,
            secrets,
            procfile,
            config,
        })
    }

    /// The Procfile that is named, or the one there is.
    fn procfile_path(&mut self, root: Option<&Path>) -> Option<Located> {
        if let Some(path) = &self.options.procfile {
            return Some(self.named(path));
        }
        let directory = root.unwrap_or(&self.around.directory);
        let candidate = |name: &str| Located {
            path: directory.join(name),
            name: self.around.shown(&directory.join(name)),
        };
        let (procfile, fallback) = (candidate("Procfile"), candidate("Procfile.dev"));
        if procfile.path.exists() {
            Some(procfile)
        } else if fallback.path.exists() {
            self.problems.notice(format!("no Procfile here; using {}", fallback.name));
            Some(fallback)
        } else {
            if self.demand != Demand::NoProcfile {
                self.problems.error(format!("no Procfile in {}", directory.display()));
                self.problems.hint("name one with `-f FILE`, or a directory that has one with `-d DIR`");
            }
            None
        }
    }

    /// The directory of the Procfile, or the one we were called in.
    fn root_beside(&self, procfile: Option<&Located>) -> PathBuf {
        let beside = procfile
            .filter(|procfile| procfile.path != Path::new("-"))
            .and_then(|procfile| procfile.path.parent());
        beside.unwrap_or(&self.around.directory).to_owned()
    }

    /// A file that the user named, found from where we were called.
    fn named(&self, path: &Path) -> Located {
        let found = if path == Path::new("-") { path.to_owned() } else { self.around.directory.join(path) };
        Located { path: found, name: path.display().to_string() }
    }

    fn types(&mut self, procfile: &Located) -> Vec<ProcessType> {
        let is_stdin = procfile.path == Path::new("-");
        let read = if is_stdin {
            read_limited(io::stdin().lock(), procfile::LARGEST).map_err(ReadError::Io)
        } else {
            read_regular(&procfile.path, procfile::LARGEST)
        };
        let name = if is_stdin { "<stdin>" } else { &procfile.name };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problems.unreadable(name, &error);
                return Vec::new();
            }
        };
        if !is_stdin && self.demand != Demand::NoProcfile {
            exposure::check_authors(&procfile.path, name, &mut self.problems);
        }
        let reading = procfile::parse(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let strictly = matches!(self.demand, Demand::Suspicious | Demand::Strict);
        for problem in &reading.problems {
            let is_junk = problem.kind == procfile::ProcfileError::Junk;
            self.problems.diagnose(problem, name, &text, strictly && is_junk);
        }
        reading.types
    }

    /// `.env.example`, where there is one and somebody is to be held to it.
    fn contract(&mut self, root: &Path) -> Option<Contract> {
        let path = root.join(".env.example");
        let is_wanted = self.demand != Demand::NoProcfile && !self.options.no_env_contract;
        if !is_wanted || !path.exists() {
            return None;
        }
        let name = self.around.shown(&path);
        if path.is_dir() {
            self.problems.notice(format!("{name} is a directory and not read"));
            return None;
        }
        match read_regular(&path, env_file::LARGEST) {
            Ok(bytes) => contract::read(&bytes, name, self.demand, &mut self.problems),
            Err(error) => {
                self.problems.unreadable(&name, &error);
                None
            }
        }
    }

    /// Refuses env files that grow without bound before anything starts.
    fn check_growth(&mut self, environment: &Environment, settings: &[Settings]) {
        let own = settings.iter().filter(|each| !each.env_files.is_empty()).map(|each| environment.of(each));
        let all = std::iter::once(environment.resolve(&[]));
        let mut errors: Vec<String> = all
            .chain(own.map(|own| own.resolve(&[])))
            .filter_map(Result::err)
            .map(|error| error.to_string())
            .collect();
        errors.dedup();
        for error in errors {
            self.problems.error(error);
        }
    }

    /// `-p`, else PORT as the processes would see it, else that of `proc.toml`, else 5000.
    fn base_port(&mut self, environment: &Environment, config: Option<&Config>) -> Option<u16> {
        if self.options.no_port || self.options.port.is_some() {
            return self.options.port;
        }
        // What grows too large was complained of.
        let resolved = environment.resolve(&[]).ok()?;
        let Some(variable) = resolved.get(OsStr::new("PORT")).filter(|variable| !variable.value.is_empty())
        else {
            let configured = config.and_then(|config| config.file.port.as_ref()).map(|port| port.value);
            return Some(configured.unwrap_or(port::DEFAULT_BASE));
        };
        let base = variable.value.to_str().and_then(|text| text.trim().parse().ok()).filter(|base| *base > 0);
        if base.is_none() {
            let origin = environment.describe(&variable.origin);
            self.problems.error(format!("PORT is not a port, a number from 1 to 65535 ({origin})"));
        }
        base
    }

    /// Whether an option was given, on the command line or in the environment.
    fn is_given(&self, id: &str) -> bool {
        self.options.origins.of(id) != Source::Default
    }
}
