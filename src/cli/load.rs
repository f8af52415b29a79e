//! From the command line to everything a command needs to know: the only reader of files and of the environment.

use super::args::Options;
use super::contract;
use super::exposure;
use super::problems::Problems;
use crate::model::contract::Contract;
use crate::model::env_file;
use crate::model::environment::{Environment, NamedEnvFile};
use crate::model::port;
use crate::model::procfile::{self, ProcessType};
use crate::model::second_opinion;
use crate::unix::file::{ReadError, read_limited, read_regular};
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
    /// `check`: lines that are ignored are errors, and what other tools read otherwise is said.
    Strict,
}

/// An application as its files describe it.
pub(super) struct App {
    /// The process types of the Procfile; none where there need not be one.
    pub(super) types: Vec<ProcessType>,
    /// Where its processes run; an absolute path.
    pub(super) root: PathBuf,
    /// What they see, but for what is set for each of them.
    pub(super) environment: Environment,
    /// Where the ports begin; none with `--no-port`.
    pub(super) base_port: Option<u16>,
    /// What they have to see, where a `.env.example` says so.
    pub(super) contract: Option<Contract>,
}

/// Reads the Procfile and the env files; none where a problem is an error, and all problems in any case.
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
struct Located {
    path: PathBuf,
    name: String,
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
        let types = procfile.map_or_else(Vec::new, |procfile| self.types(&procfile));
        let files = self.env_files(&root);
        let set = self.options.set.iter().map(|each| (each.key.clone(), each.value.clone())).collect();
        let environment = Environment {
            set,
            inherited: self.inherited(&root),
            files,
            files_override: self.options.env_override,
        };
        let base_port = self.base_port(&environment);
        let contract = self.contract(&root);
        Some(App { types, root, environment, base_port, contract })
    }

    /// The environment we were given; where processes run elsewhere, PWD says so, as it does after a `cd`.
    fn inherited(&self, root: &Path) -> Vec<(OsString, OsString)> {
        let mut inherited = self.around.inherited.clone();
        if root != self.around.directory {
            for (_, value) in inherited.iter_mut().filter(|(name, _)| name == "PWD") {
                root.as_os_str().clone_into(value);
            }
        }
        inherited
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
        let strictly = self.demand == Demand::Strict;
        for problem in &reading.problems {
            let is_junk = problem.kind == procfile::ProcfileError::Junk;
            self.problems.diagnose(problem, name, &text, strictly && is_junk);
        }
        reading.types
    }

    /// The env files that are named, else `.env` where there is one.
    fn env_files(&mut self, root: &Path) -> Vec<NamedEnvFile> {
        if !self.options.env.is_empty() {
            let named: Vec<Located> = self.options.env.iter().map(|path| self.named(path)).collect();
            return named.iter().filter_map(|file| self.env_file(file)).collect();
        }
        let path = root.join(".env");
        let default = Located { name: self.around.shown(&path), path };
        if default.path.is_dir() {
            self.problems.notice(format!("{} is a directory and not read", default.name));
            return Vec::new();
        }
        if !default.path.exists() {
            return Vec::new();
        }
        self.env_file(&default).into_iter().collect()
    }

    fn env_file(&mut self, located: &Located) -> Option<NamedEnvFile> {
        // The customary way to say "no env file", although it is a device.
        let read = if located.path == Path::new("/dev/null") {
            Ok(Vec::new())
        } else {
            read_regular(&located.path, env_file::LARGEST)
        };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problems.unreadable(&located.name, &error);
                return None;
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        match env_file::parse(&bytes) {
            Ok(file) => {
                if self.demand == Demand::Strict {
                    for difference in second_opinion::differences(&text, &file) {
                        self.problems.diagnose(&difference, &located.name, &text, false);
                    }
                }
                if self.demand != Demand::NoProcfile {
                    let Located { path, name } = located;
                    exposure::check_secrets(path, name, &file, &mut self.problems);
                    exposure::check_authors(path, name, &mut self.problems);
                }
                Some(NamedEnvFile { name: located.name.clone(), file })
            }
            Err(errors) => {
                for error in errors {
                    self.problems.diagnose(&error, &located.name, &text, false);
                }
                None
            }
        }
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

    /// `-p`, else PORT as the processes would see it, else 5000.
    fn base_port(&mut self, environment: &Environment) -> Option<u16> {
        // Also where no PORT is wanted of it: an env file that grows without bound is refused before anything starts.
        let resolved = match environment.resolve(&[]) {
            Ok(resolved) => resolved,
            Err(error) => {
                self.problems.error(error.to_string());
                return None;
            }
        };
        if self.options.no_port || self.options.port.is_some() {
            return self.options.port;
        }
        let Some(variable) = resolved.get(OsStr::new("PORT")).filter(|variable| !variable.value.is_empty())
        else {
            return Some(port::DEFAULT_BASE);
        };
        let base = variable.value.to_str().and_then(|text| text.trim().parse().ok()).filter(|base| *base > 0);
        if base.is_none() {
            let origin = environment.describe(&variable.origin);
            self.problems.error(format!("PORT is not a port, a number from 1 to 65535 ({origin})"));
        }
        base
    }
}
