//! What a `proc.toml` means beside a Procfile: names become indices, what is not said gets its default, and what cannot be is said.

use super::error::ConfigError;
use super::file::{At, DependsOn, LogChoice, Probe, ProcToml, Process, Tcp, Watch};
use super::graph::circles;
use super::{MOST_PROBLEMS, Problem};
use crate::model::command::Command;
use crate::model::diagnostic::{Span, nearest};
use crate::model::procfile::ProcessType;
use crate::model::settings::{
    self, Check, Condition, Dependency, RestartPolicy, RestartWhen, Settings, StopPolicy,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The most names that are compared with one that is not there.
const MOST_NAMES: usize = 1000;

/// What is around a `proc.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Surround<'a> {
    /// The process types of the Procfile; none if there is no Procfile, and then nothing is missing in it.
    pub procfile: Option<&'a [ProcessType]>,
    /// What paths are relative to; an absolute path.
    pub root: &'a Path,
    /// Whether processes get a PORT.
    pub has_ports: bool,
}

/// The process types of an app, and how each behaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// Those of the Procfile in its order, then those that the `proc.toml` has alone, in its order.
    pub types: Vec<ProcessType>,
    /// How each of them behaves; as many, in the same order. Their env files are those of whoever loads.
    pub settings: Vec<Settings>,
    /// The table of each, as an index into [`ProcToml::process`], if there is one.
    pub tables: Vec<Option<usize>>,
}

/// Finds out what the file means, and everything that is wrong with that, in the order of the file.
#[must_use]
pub fn resolve(file: &ProcToml, surround: Surround<'_>) -> (Resolved, Vec<Problem>) {
    let mut resolver = Resolver {
        file,
        surround,
        resolved: Resolved::default(),
        names: BTreeMap::new(),
        problems: Vec::new(),
    };
    resolver.find_types();
    resolver.settle();
    resolver.connect();
    resolver.look_for_circles();
    let Resolver { resolved, mut problems, .. } = resolver;
    problems.sort_by_key(|problem| problem.span);
    (resolved, problems)
}

struct Resolver<'a> {
    file: &'a ProcToml,
    surround: Surround<'a>,
    resolved: Resolved,
    /// The process types by name.
    names: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

impl Resolver<'_> {
    fn problem<T>(&mut self, at: &At<T>, kind: ConfigError) {
        self.note(at.span, kind);
    }

    fn note(&mut self, span: Span, kind: ConfigError) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem { span, kind });
        }
    }

    /// The types of the Procfile, and those that have their command here.
    fn find_types(&mut self) {
        for each in self.surround.procfile.unwrap_or_default() {
            self.names.insert(each.name.clone(), self.resolved.types.len());
            self.resolved.types.push(each.clone());
            self.resolved.tables.push(None);
        }
        for (table, (name, process)) in self.file.process.iter().enumerate() {
            match (self.names.get(&name.value), &process.command) {
                (Some(index), command) => {
                    let index = *index;
                    self.resolved.tables[index] = Some(table);
                    if let Some(command) = command {
                        let line = self.resolved.types[index].line;
                        self.problem(command, ConfigError::CommandTwice { name: name.value.clone(), line });
                    }
                }
                (None, Some(command)) => {
                    self.names.insert(name.value.clone(), self.resolved.types.len());
                    let command = Command::new(command.value.trim());
                    self.resolved.types.push(ProcessType {
                        name: name.value.clone(),
                        command,
                        line: name.line,
                    });
                    self.resolved.tables.push(Some(table));
                }
                (None, None) => self.miss(name),
            }
        }
    }

    /// Complains of a process type that the Procfile does not have, where there is one.
    fn miss(&mut self, name: &At<String>) {
        let Some(types) = self.surround.procfile else { return };
        let near = nearest(&name.value, types.iter().take(MOST_NAMES).map(|each| each.name.as_str()));
        let near = near.map(str::to_owned);
        self.problem(name, ConfigError::UnknownProcess { name: name.value.clone(), near });
    }

    /// The settings of each type, but for its dependencies.
    fn settle(&mut self) {
        for index in 0..self.resolved.types.len() {
            let none = Process::default();
            let table = self.resolved.tables[index];
            let process = table.map_or(&none, |table| &self.file.process[table].1);
            let each = &self.resolved.types[index];
            let (name, is_one_off) = (each.name.clone(), each.is_one_off());
            self.check(&name, process);
            let settings = self.settings(process, is_one_off);
            self.resolved.settings.push(settings);
        }
    }

    fn settings(&self, process: &Process, is_one_off: bool) -> Settings {
        let grace = process.stop_grace_period.as_ref().or(self.file.stop_grace_period.as_ref());
        let stop = StopPolicy {
            signal: value(process.stop_signal.as_ref()).unwrap_or(StopPolicy::default().signal),
            grace: value(grace).unwrap_or_default(),
            command: process.stop_command.as_ref().map(|at| Command::new(at.value.trim())),
        };
        let codes =
            process.success_exit_codes.as_ref().map(|at| at.value.iter().map(|code| code.value).collect());
        Settings {
            depends_on: Vec::new(),
            readiness: process.readiness.as_ref().and_then(|at| probe(&at.value, READINESS_INTERVAL)),
            liveness: process.liveness.as_ref().and_then(|at| probe(&at.value, LIVENESS_INTERVAL)),
            restart: restart(process),
            success_exit_codes: codes.unwrap_or_default(),
            on_exit: value(process.on_exit.as_ref()),
            stop,
            is_oneshot: is_one_off || process.kind.is_some(),
            watch: process.watch.as_ref().map(|at| watch(&at.value, self.surround.root)),
            env_files: Vec::new(),
            working_dir: process.working_dir.as_ref().map(|at| self.surround.root.join(&at.value)),
            port: value(process.port.as_ref()),
            tty: value(process.tty.as_ref()),
            is_hidden: value(process.log.as_ref()) == Some(LogChoice::Hidden),
        }
    }

    /// What contradicts itself in one table.
    fn check(&mut self, name: &str, process: &Process) {
        if let (Some(_), Some(restart)) = (&process.kind, &process.restart)
            && restart.value == RestartWhen::Always
        {
            self.problem(restart, ConfigError::OneshotForEver);
        }
        let has_ports = self.surround.has_ports;
        let probes = [&process.readiness, &process.liveness].into_iter().flatten();
        for Probe { http, tcp, .. } in probes.map(|at| &at.value).filter(|_| !has_ports) {
            let no_port = |is_tcp| ConfigError::NoPort { process: name.to_owned(), is_tcp };
            if let Some(http) = http {
                self.note(http.span, no_port(false));
            }
            if let Some(tcp) = tcp.as_ref().filter(|tcp| tcp.value == Tcp::Own) {
                self.note(tcp.span, no_port(true));
            }
        }
    }

    /// The dependencies of each type, and what follows from them for what is waited for.
    fn connect(&mut self) {
        for index in 0..self.resolved.types.len() {
            let Some(table) = self.resolved.tables[index] else { continue };
            let file = self.file;
            let list = file.process[table].1.depends_on.as_ref().map(|at| &at.value[..]).unwrap_or_default();
            for wanted in list {
                let Some(dependency) = self.dependency(index, wanted) else { continue };
                if dependency.condition == Condition::CompletedSuccessfully {
                    self.resolved.settings[dependency.process].is_oneshot = true;
                }
                self.resolved.settings[index].depends_on.push(dependency);
            }
        }
    }

    fn dependency(&mut self, index: usize, wanted: &DependsOn) -> Option<Dependency> {
        let name = &wanted.name;
        let condition = wanted.condition.as_ref().map_or(Condition::Started, |at| at.value);
        let Some(process) = self.names.get(&name.value).copied() else {
            if self.surround.procfile.is_some() && self.problems.len() < MOST_PROBLEMS {
                let known =
                    self.resolved.types.iter().take(MOST_NAMES).map(|each| each.name.clone()).collect();
                self.problem(name, ConfigError::UnknownDependency { name: name.value.clone(), known });
            }
            return None;
        };
        if process == index {
            self.problem(name, ConfigError::DependsOnItself(name.value.clone()));
            return None;
        }
        let of = &self.resolved.settings[process];
        let impossible = match condition {
            Condition::Started => None,
            Condition::Healthy => {
                of.readiness.is_none().then(|| ConfigError::NeverHealthy(name.value.clone()))
            }
            Condition::CompletedSuccessfully => {
                let is_endless = of.restart.when == RestartWhen::Always;
                is_endless.then(|| ConfigError::NeverCompletes(name.value.clone()))
            }
        };
        // A readiness that is there and wrong has been complained of.
        let is_known = |process: &Process| process.readiness.is_some();
        let table = self.resolved.tables[process].map(|table| &self.file.process[table].1);
        if let Some(kind) =
            impossible.filter(|_| condition != Condition::Healthy || !table.is_some_and(is_known))
        {
            let span = wanted.condition.as_ref().map_or(name.span, |at| at.span);
            self.note(span, kind);
        }
        let restart = wanted.restart.as_ref().is_some_and(|at| at.value);
        Some(Dependency { process, condition, restart })
    }

    fn look_for_circles(&mut self) {
        let targets = |settings: &Settings| settings.depends_on.iter().map(|each| each.process).collect();
        let edges: Vec<Vec<usize>> = self.resolved.settings.iter().map(targets).collect();
        for circle in circles(&edges) {
            let Some(first) = circle.first().copied() else { continue };
            let Some(table) = self.resolved.tables[first] else { continue };
            let (name, process) = &self.file.process[table];
            let span = process.depends_on.as_ref().map_or(name.span, |at| at.span);
            let names = circle.iter().chain([&first]).map(|index| self.resolved.types[*index].name.clone());
            let kind = ConfigError::Cycle(names.collect());
            self.note(span, kind);
        }
    }
}

const READINESS_INTERVAL: Duration = Duration::from_secs(2);
const LIVENESS_INTERVAL: Duration = Duration::from_secs(10);

fn value<T: Copy>(at: Option<&At<T>>) -> Option<T> {
    at.map(|at| at.value)
}

/// A probe with its defaults; none if it asks nothing, which was complained of.
fn probe(probe: &Probe, interval: Duration) -> Option<settings::Probe> {
    let tcp = |tcp: Tcp| match tcp {
        Tcp::Own => None,
        Tcp::Port(port) => Some(port),
    };
    let http = probe.http.as_ref().map(|at| Check::Http(at.value.clone()));
    let tcp = probe.tcp.as_ref().map(|at| Check::Tcp(tcp(at.value)));
    let exec = probe.exec.as_ref().map(|at| Check::Exec(Command::new(at.value.trim())));
    let log = probe.log.as_ref().map(|at| Check::Log(at.value.clone()));
    Some(settings::Probe {
        check: http.or(tcp).or(exec).or(log)?,
        interval: value(probe.interval.as_ref()).unwrap_or(interval),
        timeout: value(probe.timeout.as_ref()).unwrap_or(Duration::from_secs(1)),
        retries: value(probe.retries.as_ref()).unwrap_or(3).into(),
        start_period: value(probe.start_period.as_ref()).unwrap_or(settings::Probe::START_PERIOD),
        start_interval: value(probe.start_interval.as_ref()).unwrap_or(settings::Probe::START_INTERVAL),
    })
}

fn restart(process: &Process) -> RestartPolicy {
    let default = RestartPolicy::default();
    let delay = value(process.restart_delay.as_ref()).unwrap_or(default.delay);
    RestartPolicy {
        when: value(process.restart.as_ref()).unwrap_or(default.when),
        delay,
        // A first wait that is longer than the longest is what was asked for.
        max_delay: value(process.restart_max_delay.as_ref()).unwrap_or(default.max_delay).max(delay),
        max_restarts: value(process.max_restarts.as_ref()).unwrap_or(default.max_restarts),
        window: value(process.restart_window.as_ref()).unwrap_or(default.window),
        min_uptime: value(process.min_uptime.as_ref()).unwrap_or(default.min_uptime),
    }
}

fn watch(watch: &Watch, root: &Path) -> settings::Watch {
    let texts = |list: &Option<At<Vec<At<String>>>>| -> Vec<String> {
        let list = list.as_ref().map(|at| &at.value[..]).unwrap_or_default();
        list.iter().map(|at| at.value.clone()).collect()
    };
    settings::Watch {
        paths: texts(&watch.paths).into_iter().map(|path| root.join(path)).collect(),
        ignore: texts(&watch.ignore),
        debounce: value(watch.debounce.as_ref()).unwrap_or(Duration::from_millis(300)),
    }
}
